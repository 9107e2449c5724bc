"""`backtest`: strategies and history in, a `Result` out. The run itself is `runtime.backtest`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cracktrader.analysis.result import Result
from cracktrader.core.risk import RiskLimits
from cracktrader.core.schedule import Action
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.errors import ConfigError
from cracktrader.runtime.backtest import instances, run_backtest
from cracktrader.runtime.code import nothing_runs_in_an_import
from cracktrader.runtime.declare import Options
from cracktrader.runtime.instruments import InstrumentTerms
from cracktrader.runtime.recording import Journal, as_journal
from cracktrader.runtime.timeframes import TimeFrame
from cracktrader.runtime.venue import Venue
from cracktrader.strategy.base import Strategy


def backtest(
    strategy: Strategy | type[Strategy] | Sequence[Strategy],
    data: Any,
    *,
    cash: float | Mapping[str, float] = 10_000,
    account: str = "margin",
    venue: Venue | None = None,
    fees: float = 0.0,
    limits: RiskLimits | None = None,
    engine: str = "rust",
    seed: int = 0,
    currency: str = "USD",
    timeframes: Sequence[TimeFrame] = (),
    instruments: InstrumentTerms | Sequence[InstrumentTerms] | Mapping[str, InstrumentTerms] | None = (),
    conversions: Mapping[str, str | float] | None = None,
    leverage: float = 1.0,
    funding: Any = None,
    payments: Any = None,
    settlements: Any = None,
    journal: Journal | str | Path | None = None,
    quiet: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run one or several strategies over bars, trades or quotes and return the Result.

    `data` is anything that `cracktrader.data.load` takes: a polars or pandas frame, a pyarrow table, a dict of columns, a CSV or Parquet
    path, `ct.Bars`, or a dict of symbol to any of these. `fees` is one rate for maker and taker (0.001 is 10 bps). A "margin" account may
    short, a "cash" account may not. `timeframes` are bars that the core makes while it runs, of every instrument: "5m", "1h", "1d",
    ct.TickBars(100), ct.VolumeBars(10), ct.ValueBars(1e6); `on_bar` gets each when it is closed, and `bar.timeframe` tells them apart.
    Of several kinds of data of one instrument, the finest drives matching: trades before quotes before bars.
    `instruments` declares what is traded (`ct.Spot`, `ct.Equity`, `ct.Perpetual`, `ct.Future`, `ct.Outcome`); what is not declared is spot
    in `currency`, the base currency, with the data's decimals. `cash` is in the base currency or by currency; `conversions` values the
    others in it, by a symbol of the data that trades the pair or by a constant rate. `leverage` 5 is an initial margin of 0.2 where an
    instrument says no other. `funding`, `payments` and `settlements` are columns or rows of
    (time, symbol, and rate, amount a unit or price).
    `journal` is the folder in which the run is recorded, or a `ct.Journal`: from there it can be recovered, replayed, verified and asked.
    `progress(taken, total)` is called now and then.

    Raises ConfigError for wrong options, DataError for wrong rows, JournalError where the journal cannot be written, EngineNotBuilt where
    Rust is missing, KeyboardInterrupt when interrupted. What a strategy raises halts that strategy and is in `Result.errors`. What was
    assumed, repaired or rounded is said in one line on stderr for each instrument, unless `quiet`.
    """
    nothing_runs_in_an_import()
    from cracktrader.data.loading import load

    loaded = load(data)
    for columns in loaded:
        if columns.note and not quiet and not _is_loaded(data):
            print(columns.note, file=sys.stderr)
    options = options_of(
        cash=cash,
        account=account,
        venue=venue,
        fees=fees,
        limits=limits,
        seed=seed,
        currency=currency,
        timeframes=timeframes,
        instruments=instruments,
        conversions=conversions,
        leverage=leverage,
        funding=funding,
        payments=payments,
        settlements=settlements,
    )
    outcome = run_backtest(
        instances(strategy), loaded, options, engine=engine, progress=progress, journal=as_journal(journal)
    )
    if outcome.inferred and not quiet and not _is_loaded(data):
        print(outcome.inferred, file=sys.stderr)
    return Result(outcome)


def options_of(
    *,
    instruments: InstrumentTerms | Sequence[InstrumentTerms] | Mapping[str, InstrumentTerms] | None = (),
    venue: Venue | None = None,
    limits: RiskLimits | None = None,
    conversions: Mapping[str, str | float] | None = None,
    funding: Any = None,
    payments: Any = None,
    settlements: Any = None,
    **others: Any,
) -> Options:
    """What a run declares, of the arguments of `backtest`."""
    schedules = {Action.FUNDING: funding, Action.PAYMENT: payments, Action.SETTLEMENT: settlements}
    return Options(
        venue=venue or Venue(),
        limits=limits or RiskLimits(),
        instruments=_by_symbol(instruments),
        conversions=conversions or {},
        schedules=schedules,
        **others,
    )


def _by_symbol(
    given: InstrumentTerms | Sequence[InstrumentTerms] | Mapping[str, InstrumentTerms] | None,
) -> dict[str, InstrumentTerms]:
    """Declarations by symbol; in a mapping the key is the symbol."""
    given = (given,) if isinstance(given, InstrumentTerms) else given or ()
    pairs = given.items() if isinstance(given, Mapping) else [(getattr(one, "symbol", ""), one) for one in given]
    made: dict[str, InstrumentTerms] = {}
    for symbol, one in pairs:
        if not isinstance(one, InstrumentTerms):
            raise ConfigError(f"instruments takes declarations such as ct.Spot(...), not {one!r}")
        if symbol in made:
            raise ConfigError(f"instrument {symbol!r} is declared twice")
        made[symbol] = one if one.symbol == symbol else replace(one, symbol=symbol)
    return made


def _is_loaded(data: Any) -> bool:
    """Whether the caller loaded the columns, and has seen their notes."""
    return isinstance(data, list) and all(isinstance(one, BarColumns | TradeColumns | QuoteColumns) for one in data)
