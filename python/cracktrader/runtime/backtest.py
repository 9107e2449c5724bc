"""The backtest: strategies and columns in, a RunOutcome out. It drives the chosen core over what was declared, and gathers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from cracktrader.backend import Machine, machine
from cracktrader.core.indicator import to_float
from cracktrader.core.reject import REJECTS
from cracktrader.data.sessions import make_sessions
from cracktrader.errors import ConfigError, InvariantBroken
from cracktrader.runtime.declare import Options, declare, inferred
from cracktrader.runtime.gather import gather
from cracktrader.runtime.outcome import RunOutcome
from cracktrader.runtime.schedules import schedules_of, settlement_times
from cracktrader.runtime.streams import in_units, names_of, rows_of
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost

if TYPE_CHECKING:
    from cracktrader.core.config import Config
    from cracktrader.core.schedule import ScheduleRows
    from cracktrader.data.columns import Columns


class Prepared(NamedTuple):
    """A run that is about to begin."""

    run: Machine
    config: Config
    host: StrategyHost
    loaded: Sequence[Columns]
    """In the units of the instruments."""
    schedules: dict[int, ScheduleRows]
    """By instrument."""


def run_backtest(
    strategies: list[Strategy],
    loaded: Sequence[Columns],
    options: Options,
    *,
    engine: str = "rust",
    progress: Callable[[int, int], None] | None = None,
) -> RunOutcome:
    """Run strategies over columns on one core. `progress(taken, total)` is called now and then.

    Raises ConfigError, EngineNotBuilt, InvariantBroken, and what interrupted the run.
    """
    run, config, host, loaded, schedules = prepare(strategies, loaded, options, engine)
    total = sum(map(len, loaded))
    started = perf_counter()
    run.run(None if progress is None else lambda taken: progress(taken, total))
    seconds = perf_counter() - started
    if host.interruption is not None:
        raise host.interruption
    outcome = gather(run, config, host, loaded, engine, seconds, _initial_cash(run, config, options))
    settled = settlement_times(schedules)
    facts = [fact | {"settlement_time": settled.get(index)} for index, fact in enumerate(outcome.instruments)]
    outcome = replace(outcome, inferred=inferred(loaded, options), instruments=facts)
    if run.stopped and REJECTS[run.stopped].slug.startswith("S_INVARIANT"):
        raise InvariantBroken(f"the engine stopped at seq {run.seq}: {outcome.stopped}")
    return outcome


def prepare(
    strategies: list[Strategy],
    loaded: Sequence[Columns],
    options: Options,
    engine: str,
    *,
    record: bool = False,
    host_class: type[StrategyHost] = StrategyHost,
) -> Prepared:
    """Everything declared and attached, nothing run. With `record` the core keeps its last step's record. ConfigError, EngineNotBuilt."""
    config = declare(strategies, loaded, options)
    loaded = in_units(loaded, config.instruments)
    rows = {stream: rows_of(columns) for stream, columns in enumerate(loaded)}
    host = host_class(config, strategies, rows, names_of(config, loaded, options.timeframes))
    run = machine(engine, config, host, record)
    for stream, columns in rows.items():
        run.attach(stream, columns)
    if options.venue.session is not None:
        run.attach_sessions(0, make_sessions(options.venue.session, loaded))
    schedules = schedules_of(dict(options.schedules), config.instruments)
    for instrument, scheduled in schedules.items():
        run.attach_schedule(instrument, scheduled)
    return Prepared(run, config, host, loaded, schedules)


def _initial_cash(run: Machine, config: Config, options: Options) -> float:
    """Opening cash in base currency; of several currencies, what they were worth when every rate was first known."""
    if not isinstance(options.cash, Mapping):
        return float(options.cash)
    scale = config.currencies[config.base_currency].scale
    return next((to_float(worth, scale) for _, worth, _ in run.equity() if worth is not None), 0.0)


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
