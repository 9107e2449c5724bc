"""`backtest`: strategies and history in, a `Result` out. The run itself is `runtime.backtest`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from cracktrader.analysis.result import Result
from cracktrader.core.risk import RiskLimits
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.runtime.backtest import instances, run_backtest
from cracktrader.runtime.declare import Options
from cracktrader.runtime.timeframes import TimeFrame
from cracktrader.runtime.venue import Venue
from cracktrader.strategy.base import Strategy


def backtest(
    strategy: Strategy | type[Strategy] | Sequence[Strategy],
    data: Any,
    *,
    cash: float = 10_000,
    account: str = "margin",
    venue: Venue | None = None,
    fees: float = 0.0,
    limits: RiskLimits | None = None,
    engine: str = "rust",
    seed: int = 0,
    currency: str = "USD",
    timeframes: Sequence[TimeFrame] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run one or several strategies over bars, trades or quotes and return the Result.

    `data` is anything that `cracktrader.data.load` takes: a polars or pandas frame, a pyarrow table, a dict of columns, a CSV or Parquet
    path, `ct.Bars`, or a dict of symbol to any of these. `fees` is one rate for maker and taker (0.001 is 10 bps). A "margin" account may
    short, a "cash" account may not. `timeframes` are bars that the core makes while it runs, of every instrument: "5m", "1h", "1d",
    ct.TickBars(100), ct.VolumeBars(10), ct.ValueBars(1e6); `on_bar` gets each when it is closed, and `bar.timeframe` tells them apart.
    Of several kinds of data of one instrument, the finest drives matching: trades before quotes before bars.
    `progress(taken, total)` is called now and then.

    Raises ConfigError for wrong options, DataError for wrong rows, EngineNotBuilt where Rust is missing, KeyboardInterrupt when
    interrupted. What a strategy raises halts that strategy and is in `Result.errors`. What was
    assumed, repaired or rounded is said in one line on stderr for each instrument.
    """
    from cracktrader.data.loading import load

    loaded = load(data)
    for columns in loaded:
        if columns.note and not _is_loaded(data):
            print(columns.note, file=sys.stderr)
    options = Options(cash, account, venue or Venue(), fees, limits or RiskLimits(), seed, currency, timeframes)
    return Result(run_backtest(instances(strategy), loaded, options, engine=engine, progress=progress))


def _is_loaded(data: Any) -> bool:
    """Whether the caller loaded the columns, and has seen their notes."""
    return isinstance(data, list) and all(isinstance(one, BarColumns | TradeColumns | QuoteColumns) for one in data)
