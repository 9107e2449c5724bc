"""The values a run's indicators had, bar by bar: the core computes them again over the run's data, for charts and for what was never warm.

A run keeps no series of its own: most are never looked at. Only declarations of the core are here; what a strategy computes in Python
is its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cracktrader.backend import machine
from cracktrader.core.config import Config, StrategyConfig
from cracktrader.core.indicator import RULES
from cracktrader.runtime.streams import rows_of
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.context import StrategyContext
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.indicators import Declared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.runtime.outcome import BoundIndicator, RunOutcome


def indicator_values(outcome: RunOutcome) -> list[tuple[BoundIndicator, NDArray[np.int64], NDArray[np.float64]]]:
    """Every declared indicator, line by line, with the event times of the bars it read and its value at each, NaN until warm.

    A run that was loaded from disk has those that were saved with it.
    """
    import numpy as np

    saved = [(bound, *bound.series) for bound in outcome.indicators if bound.series is not None]
    wanted = {place: bound for place, bound in enumerate(outcome.indicators) if isinstance(bound.declared, Declared)}
    if not isinstance(outcome.config, Config) or not wanted:
        return saved
    recorder = _Recorder(wanted)
    config = replace(outcome.config, strategies=(StrategyConfig("recorder"),))
    rows = {stream: rows_of(columns) for stream, columns in enumerate(outcome.data)}
    host = StrategyHost(config, [recorder], rows, outcome.timeframes)
    run = machine(outcome.engine, config, host)
    for stream, columns in rows.items():
        run.attach(stream, columns)
    run.run()
    if host.failures:
        raise AssertionError(f"indicators could not be computed again: {host.failures[0].traceback}")
    return [
        (bound, np.array(recorder._times[bound.symbol, bound.timeframe], dtype=np.int64), np.array(values))
        for bound, values in recorder._values
    ]


class _Recorder(Strategy):
    """Declares what the strategies of a run declared and writes down every value; places no order."""

    def __init__(self, wanted: dict[int, BoundIndicator]) -> None:
        super().__init__()
        self._wanted = wanted
        self._times: dict[tuple[str, str], list[int]] = {(one.symbol, one.timeframe): [] for one in wanted.values()}
        self._values: list[tuple[BoundIndicator, list[float]]] = []
        self._bound: dict[tuple[str, str], list[tuple[Any, Any]]] = {place: [] for place in self._times}
        """By symbol and time frame."""

    def on_start(self, ctx: StrategyContext) -> None:
        for bound in self._wanted.values():
            view = ctx.indicator(bound.declared, symbol=bound.symbol, timeframe=bound.timeframe or None)
            # From the rules, not from the view: the Rust core's has only what strategies read.
            lines = RULES[bound.declared.kind].lines
            for line in lines if len(lines) > 1 else ("",):
                values: list[float] = []
                self._values.append((replace(bound, line=line), values))
                one = getattr(view, line) if line else view
                self._bound[bound.symbol, bound.timeframe].append((one, values.append))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        bound = self._bound.get((bar.symbol, bar.timeframe))
        if bound is None:
            return
        self._times[bar.symbol, bar.timeframe].append(bar.event_time)
        for view, write in bound:
            write(view.value)
