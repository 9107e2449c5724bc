"""A recorded backtest for the proofs: how it is run, watched, and held against the one that nothing interrupted.

Deliberately not here: the faults, and runs whose venue is outside (outside.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cracktrader.backend import Pause, Progress
from cracktrader.data.columns import BarColumns
from cracktrader.runtime.backtest import run_backtest
from cracktrader.runtime.declare import Options
from cracktrader.runtime.outcome import RunOutcome
from cracktrader.runtime.recording import Journal
from cracktrader.strategy import Strategy
from tests.prove.story import segments
from tests.prove.traders import Forgetful, Trader

STRATEGIES: dict[str, type[Strategy]] = {"saves": Trader, "forgets": Forgetful}


class Watched:
    """A machine that is asked after every step, and is else as it was."""

    def __init__(self, inner: Any, acknowledge: Callable[[int], None]) -> None:
        self._inner, self._acknowledge = inner, acknowledge
        self._told = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def run(self, progress: Progress | None = None, pause: Pause | None = None, every: int = 0) -> None:
        """See Machine: what is durable is acknowledged after every step."""

        def ask() -> None:
            if pause is not None and every and self._inner.seq % every == 0:
                pause()
            if self._inner.durable_seq > self._told:
                self._told = self._inner.durable_seq
                self._acknowledge(self._told)

        self._inner.run(progress, ask, 1)

    def journal_position(self) -> Any:
        """See Machine: it is durable up to there whatever the policy."""
        position = self._inner.journal_position()
        self._acknowledge(position.last_seq)
        return position


class Whole(NamedTuple):
    """What a run leaves that nothing interrupted: the journal, byte for byte, with the hash of the final state in it, and the result."""

    segments: dict[str, bytes]
    result: str

    @classmethod
    def of(cls, run: Path, outcome: RunOutcome) -> Whole:
        """What there is in the run's folder, and what came of it."""
        return cls(segments(run / "journal"), told(outcome))


def told(outcome: RunOutcome) -> str:
    """Fills, orders, equity and the final state, to be compared."""
    columns = {name: column.tolist() for name, column in outcome.equity.items()}
    return repr((outcome.state_hash, outcome.fills, outcome.orders, columns, outcome.errors))


def options() -> Options:
    """What every run declares."""
    return Options(cash=100_000)


def backtest(run: Path, engine: str, kind: str, loaded: Sequence[BarColumns], **journal: Any) -> RunOutcome:
    """Run and record."""
    settings = {"segment_bytes": 4096, "checkpoint_events": 0, "checkpoint_seconds": 0, **journal}
    return run_backtest([STRATEGIES[kind]()], loaded, options(), engine=engine, journal=Journal(run, **settings))
