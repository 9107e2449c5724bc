"""The backtest: strategies and columns in, a RunOutcome out. It drives the chosen core over what was declared, and gathers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from cracktrader.backend import Machine, Progress
from cracktrader.core.reject import REJECTS
from cracktrader.errors import ConfigError, InvariantBroken
from cracktrader.runtime.declare import Options
from cracktrader.runtime.outcome import RunOutcome
from cracktrader.runtime.recording import Journal, Recording
from cracktrader.runtime.setup import Setup, set_up
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost

if TYPE_CHECKING:
    from cracktrader.data.columns import Columns


def run_backtest(
    strategies: list[Strategy],
    loaded: Sequence[Columns],
    options: Options,
    *,
    engine: str = "rust",
    progress: Callable[[int, int], None] | None = None,
    journal: Journal | None = None,
) -> RunOutcome:
    """Run strategies over columns on one core. `progress(taken, total)` is called now and then.

    Raises ConfigError, EngineNotBuilt, InvariantBroken, JournalError, and what interrupted the run.
    """
    setup = set_up(strategies, loaded, options)
    run, host = setup.start(engine, strategies)
    total = sum(map(len, setup.loaded))
    tick: Progress | None = None if progress is None else lambda taken: progress(taken, total)
    started = perf_counter()
    if journal is None:
        run.run(tick)
    else:
        with Recording.begin(journal, setup, run, host, engine) as recording:
            recording.run(tick)
    seconds = perf_counter() - started
    outcome = finished(setup, run, host, engine, seconds)
    return outcome if journal is None else replace(outcome, journal=str(Path(journal.folder).absolute()))


def finished(setup: Setup, run: Machine, host: StrategyHost, engine: str, seconds: float) -> RunOutcome:
    """What a run left. Raises what interrupted it, and InvariantBroken."""
    if host.interruption is not None:
        raise host.interruption
    outcome = setup.gathered(run, host, engine, seconds)
    if run.stopped and REJECTS[run.stopped].slug.startswith("S_INVARIANT"):
        raise InvariantBroken(f"the engine stopped at seq {run.seq}: {outcome.stopped}")
    return outcome


def instances(strategy: Strategy | type[Strategy] | Sequence[Strategy]) -> list[Strategy]:
    """The strategies to run: instances, or classes with their default parameters. ConfigError for anything else."""
    listed = list(strategy) if isinstance(strategy, list | tuple) else [strategy]
    made = [one() if isinstance(one, type) and issubclass(one, Strategy) else one for one in listed]
    for one in made:
        if not isinstance(one, Strategy):
            raise ConfigError(f"{one!r} is not a Strategy: pass a subclass of ct.Strategy or an instance of one")
    if not made:
        raise ConfigError("a backtest needs at least one strategy")
    return made  # type: ignore[return-value]  # each was checked
