"""A run's setup: the configuration, the data, and what both are called. The same for a run that begins and for one from its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from cracktrader.backend import Machine, machine
from cracktrader.data.sessions import make_sessions
from cracktrader.runtime.declare import Options, declare, inferred
from cracktrader.runtime.gather import gather
from cracktrader.runtime.outcome import RunOutcome
from cracktrader.runtime.schedules import schedules_of, settlement_times
from cracktrader.runtime.streams import in_units, names_of, rows_of
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost

if TYPE_CHECKING:
    from cracktrader.core.config import Config
    from cracktrader.core.event import Rows, SessionRows
    from cracktrader.core.schedule import ScheduleRows
    from cracktrader.data.columns import Columns

HostT = TypeVar("HostT", bound=StrategyHost)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run is made of beside its strategies' code."""

    config: Config
    loaded: list[Columns]
    """By stream."""
    timeframes: list[str]
    """What the bars of each stream are called."""
    sessions: dict[int, SessionRows]
    """By venue."""
    schedules: dict[int, ScheduleRows]
    """By instrument."""
    initial_cash: float | None
    """In the base currency; None where it is what several currencies were worth when every rate was first known."""
    inferred: str
    """One line on what was taken for granted of instruments that were not declared."""

    def start(
        self, engine: str, strategies: Sequence[Strategy], *, replaying: bool = False
    ) -> tuple[Machine, StrategyHost]:
        """A machine of the core named "rust" or "python" that has not started, with the data attached, and its host."""
        host = self.host(strategies, StrategyHost)
        return self.machine(engine, host, replaying=replaying), host

    def host(self, strategies: Sequence[Strategy], kind: Callable[..., HostT]) -> HostT:
        """A host of the kind for the strategies."""
        return kind(self.config, strategies, self._rows(), self.timeframes)

    def machine(self, engine: str, host: StrategyHost, *, record: bool = False, replaying: bool = False) -> Machine:
        """A machine for the host, with the data attached."""
        run = machine(engine, self.config, host, record, replaying)
        for stream, columns in self._rows().items():
            run.attach(stream, columns)
        for venue, sessions in self.sessions.items():
            run.attach_sessions(venue, sessions)
        for instrument, scheduled in self.schedules.items():
            run.attach_schedule(instrument, scheduled)
        return run

    def _rows(self) -> dict[int, Rows]:
        return {stream: rows_of(columns) for stream, columns in enumerate(self.loaded)}

    def gathered(self, run: Machine, host: StrategyHost, engine: str, seconds: float) -> RunOutcome:
        """What the run left, as columns."""
        outcome = gather(run, self.config, host, self.loaded, engine, seconds, self.initial_cash)
        settled = settlement_times(self.schedules)
        facts = [fact | {"settlement_time": settled.get(index)} for index, fact in enumerate(outcome.instruments)]
        return replace(outcome, inferred=self.inferred, instruments=facts)


def set_up(strategies: list[Strategy], loaded: Sequence[Columns], options: Options) -> Setup:
    """The setup of a backtest. ConfigError, DataError."""
    config = declare(strategies, loaded, options)
    converted = in_units(loaded, config.instruments)
    session = options.venue.session
    return Setup(
        config,
        converted,
        names_of(config, converted, options.timeframes),
        {} if session is None else {0: make_sessions(session, converted)},
        schedules_of(dict(options.schedules), config.instruments),
        None if isinstance(options.cash, Mapping) else float(options.cash),
        inferred(converted, options),
    )
