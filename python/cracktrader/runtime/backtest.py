"""The backtest: strategies and columns in, a RunOutcome out. It declares the configuration, drives the chosen core, and gathers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cracktrader.backend import Machine, machine
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import SIMULATOR, FillModel
from cracktrader.core.capability import Venue as DeclaredVenue
from cracktrader.core.codec import CONTRACT_VERSION
from cracktrader.core.config import Config, DataKind, StrategyConfig, Stream, config_problem
from cracktrader.core.event import BarRows
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.intent import OrderType, Side, TimeInForce
from cracktrader.core.matching import FillRule
from cracktrader.core.order import STATUS_NAMES
from cracktrader.core.reject import REJECTS
from cracktrader.core.risk import RiskLimits
from cracktrader.core.units import NONE_PRICE, RATE_ONE
from cracktrader.core.view import OrderFacts
from cracktrader.data.stamps import parse_duration
from cracktrader.errors import ConfigError, InvariantBroken
from cracktrader.runtime.outcome import RunOutcome
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.views import average_price

if TYPE_CHECKING:
    from cracktrader.data.columns import BarColumns

ACCOUNT_KINDS = {"cash": AccountKind.CASH, "margin": AccountKind.MARGIN}
FILL_MODELS = {"next_open": FillModel.NEXT_OPEN, "same_close": FillModel.SAME_CLOSE}
QUANTITY_DECIMALS = 8
MONEY_SCALE = 8
MAX_PRICE = 10**15
"""Largest price mantissa of an instrument declared from its bars."""
MAX_QUANTITY = 10**17
"""Largest quantity mantissa: 1e9 units at 8 decimals, in lots of 1e-8."""


@dataclass(frozen=True, slots=True)
class Venue:
    """How the simulated venue behaves: market orders fill at the "next_open" or the "same_close"; latencies are ns or text ("200ms")."""

    fill: str = "next_open"
    submit_latency: int | str = 0
    report_latency: int | str = 0
    feed_latency: int | str = 0


@dataclass(frozen=True, slots=True)
class Options:
    """What a backtest declares beside strategies and data."""

    cash: float = 10_000
    account: str = "margin"
    venue: Venue = Venue()
    fees: float = 0.0
    """One rate for maker and taker: 0.001 is 10 bps."""
    limits: RiskLimits = RiskLimits()
    seed: int = 0
    currency: str = "USD"


def run_backtest(
    strategies: list[Strategy],
    bars: list[BarColumns],
    options: Options,
    *,
    engine: str = "rust",
    progress: Callable[[int, int], None] | None = None,
) -> RunOutcome:
    """Run strategies over columns on one core. `progress(taken, total)` is called now and then.

    Raises ConfigError, EngineNotBuilt, InvariantBroken, and what interrupted the run.
    """
    config = declare(strategies, bars, options)
    host = StrategyHost(config, strategies)
    run = machine(engine, config, host)
    for index, columns in enumerate(bars):
        run.attach(index, rows_of(columns))
    total = sum(len(columns.close) for columns in bars)
    started = perf_counter()
    run.run(None if progress is None else lambda taken: progress(taken, total))
    seconds = perf_counter() - started
    if host.interruption is not None:
        raise host.interruption
    outcome = gather(run, config, host, bars, engine, seconds, options.cash)
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


def declare(strategies: list[Strategy], bars: list[BarColumns], options: Options) -> Config:
    """The configuration of a backtest: one simulated venue, one account, one spot instrument per symbol."""
    _check(options)
    if not bars:
        raise ConfigError("a backtest needs data for at least one instrument")
    venue = options.venue
    deposit = Deposit(0, round(options.cash * 10**MONEY_SCALE))
    currencies = [Currency(options.currency, MONEY_SCALE)]
    instruments = []
    for columns in bars:
        currencies.append(Currency(columns.symbol, QUANTITY_DECIMALS))
        instruments.append(_instrument(columns, len(currencies) - 1, round(options.fees * RATE_ONE)))
    feed_latency = _latency(venue.feed_latency)
    simulated = DeclaredVenue(
        "simulator",
        True,
        SIMULATOR,
        FILL_MODELS[venue.fill],
        _latency(venue.submit_latency),
        _latency(venue.report_latency),
    )
    config = Config(
        currencies=tuple(currencies),
        venues=(simulated,),
        accounts=(Account("main", 0, ACCOUNT_KINDS[options.account], (deposit,)),),
        instruments=tuple(instruments),
        streams=tuple(
            Stream(index, DataKind.BAR, True, columns.volume_decimals, feed_latency)
            for index, columns in enumerate(bars)
        ),
        strategies=tuple(
            StrategyConfig(_name(strategies, index), _canonical(one), options.limits)
            for index, one in enumerate(strategies)
        ),
        seed=options.seed,
    )
    problem = config_problem(config)
    if problem:
        raise ConfigError(problem)
    return config


def _check(options: Options) -> None:
    """ConfigError for options that make no sense."""
    if options.account not in ACCOUNT_KINDS:
        raise ConfigError(f'account is "cash" or "margin", not {options.account!r}')
    if options.venue.fill not in FILL_MODELS:
        raise ConfigError(f'fill is "next_open" or "same_close", not {options.venue.fill!r}')
    if not 0 < options.cash < 1e15:
        raise ConfigError(f"cash {options.cash!r} is outside 0..1e15")
    if not -0.1 <= options.fees <= 0.1:
        raise ConfigError(f"fees {options.fees!r} is a rate: 0.001 is 10 bps; it may be -0.1 to 0.1")
    if not 0 <= options.seed < 2**64:
        raise ConfigError(f"seed {options.seed!r} is outside 0..2**64-1")


def _instrument(columns: BarColumns, base_currency: int, fee: int) -> Instrument:
    return Instrument(
        columns.symbol,
        0,
        InstrumentKind.SPOT,
        base_currency,
        0,
        MONEY_SCALE,
        columns.price_decimals,
        QUANTITY_DECIMALS,
        tick=1,
        lot=1,
        max_price=MAX_PRICE,
        max_quantity=MAX_QUANTITY,
        multiplier=RATE_ONE,
        initial_margin=RATE_ONE,
        maker_fee=fee,
        taker_fee=fee,
    )


def _name(strategies: list[Strategy], index: int) -> str:
    """The class name; a second strategy of a name gets its number."""
    names = [type(one).__name__ for one in strategies]
    name = names[index] if names[index].isascii() else "Strategy"
    return name if names.count(names[index]) == 1 else f"{name}-{index}"


def _canonical(strategy: Strategy) -> str:
    try:
        return json.dumps(strategy.parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{type(strategy).__name__}: parameters are plain numbers, text and lists ({error})"
        ) from error


def _latency(value: int | str) -> int:
    return 0 if value == 0 else parse_duration(value)


def rows_of(columns: BarColumns) -> BarRows:
    """The columns as the cores take them: int64 buffers, nothing copied."""
    return BarRows(*(memoryview(getattr(columns, name)) for name in ROW_COLUMNS))


ROW_COLUMNS = ("event_time", "open_time", "close_time", "open", "high", "low", "close", "volume")
"""Columns of the data in the order of the core's rows."""


def gather(
    run: Machine, config: Config, host: StrategyHost, bars: list[BarColumns], engine: str, seconds: float, cash: float
) -> RunOutcome:
    """A finished run as columns."""
    import numpy as np

    times, equity, cash_curve = run.equity_columns(config.currencies[config.base_currency].scale)
    return RunOutcome(
        engine=engine,
        state_hash=run.digest().hex(),
        contract_version=CONTRACT_VERSION,
        events=run.seq,
        seconds=seconds,
        currency=config.currencies[config.base_currency].name,
        initial_cash=float(cash),
        seed=config.seed,
        equity={
            "time": np.frombuffer(times, dtype=np.int64),
            "equity": np.frombuffer(equity, dtype=np.float64),
            "cash": np.frombuffer(cash_curve, dtype=np.float64),
        },
        fills=_fill_columns(run, config),
        orders=_order_columns(run, config),
        positions=_position_columns(run, config),
        errors=[f"seq {one.seq_id}, strategy {one.strategy}:\n{one.traceback}" for one in host.failures],
        diagnostics={REJECTS[code].slug: count for code, count in sorted(run.counters().items())},
        stopped=_why_stopped(run),
        bars=bars,
        strategies=[
            {"name": declared.name, "parameters": _as_declared(one, json.loads(declared.parameters))}
            for declared, one in zip(config.strategies, host.strategies, strict=True)
        ],
    )


def _as_declared(strategy: Strategy, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters the run began with, in the order of their declaration."""
    return {name: parameters[name] for name in strategy.parameter_types() if name in parameters}


def _why_stopped(run: Machine) -> str:
    if not run.stopped:
        return ""
    reject = REJECTS[run.stopped]
    return f"{reject.slug}: {reject.message}; {reject.remedy}"


def _fill_columns(run: Machine, config: Config) -> dict[str, list[Any]]:
    fills = run.executions()
    instruments = [config.instruments[fill.instrument] for fill in fills]
    return {
        "order": [fill.order for fill in fills],
        "strategy": [config.strategies[fill.strategy].name for fill in fills],
        "symbol": [instrument.name for instrument in instruments],
        "time": [fill.event_time for fill in fills],
        "side": [Side(fill.side).name.lower() for fill in fills],
        "quantity": [
            to_float(fill.quantity, instrument.quantity_decimals)
            for fill, instrument in zip(fills, instruments, strict=True)
        ],
        "price": [
            to_float(fill.price, instrument.price_decimals) for fill, instrument in zip(fills, instruments, strict=True)
        ],
        "fee": [to_float(fill.fee, config.currencies[fill.fee_currency].scale) for fill in fills],
        "fee_currency": [config.currencies[fill.fee_currency].name for fill in fills],
        "liquidity": [Liquidity(fill.liquidity).name.lower() for fill in fills],
        "realized_pnl": [
            to_float(fill.realized_pnl, instrument.settlement_scale)
            for fill, instrument in zip(fills, instruments, strict=True)
        ],
        "rule": [FillRule(fill.rule).name.lower() for fill in fills],
    }


def _order_columns(run: Machine, config: Config) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in ORDER_COLUMNS}
    for order in sorted(run.closed(), key=lambda one: one.ordinal):
        for name, value in zip(ORDER_COLUMNS, _order_row(order, config), strict=True):
            columns[name].append(value)
    return columns


ORDER_COLUMNS = (
    "order",
    "strategy",
    "symbol",
    "side",
    "order_type",
    "time_in_force",
    "quantity",
    "limit_price",
    "status",
    "filled_quantity",
    "average_price",
    "code",
    "created",
    "closed",
)


def _order_row(order: OrderFacts, config: Config) -> tuple[Any, ...]:
    known = order.instrument < len(config.instruments)
    instrument = config.instruments[order.instrument if known else 0]
    return (
        order.ordinal,
        config.strategies[order.strategy].name,
        instrument.name if known else "",
        Side(order.side).name.lower() if order.side <= max(Side) else "",
        OrderType(order.order_type).name.lower() if order.order_type <= max(OrderType) else "",
        TimeInForce(order.time_in_force).name if order.time_in_force <= max(TimeInForce) else "",
        to_float(order.quantity, instrument.quantity_decimals),
        None if order.limit_price == NONE_PRICE else to_float(order.limit_price, instrument.price_decimals),
        STATUS_NAMES[order.status],
        to_float(order.filled_quantity, instrument.quantity_decimals),
        average_price(instrument, order.filled_value, order.filled_quantity),
        REJECTS[order.code].slug if order.code in REJECTS else "",
        order.created_time,
        order.closed_time or None,
    )


def _position_columns(run: Machine, config: Config) -> dict[str, list[Any]]:
    names = ("symbol", "quantity", "average_price", "realized_pnl", "fees", "mark", "unrealized_pnl")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    fees: dict[int, float] = {}
    for fill in run.executions():
        paid = to_float(fill.fee, config.currencies[fill.fee_currency].scale)
        fees[fill.instrument] = fees.get(fill.instrument, 0.0) + paid
    for index, instrument in enumerate(config.instruments):
        held = run.position(0, index)
        mark = run.mark(index)
        price = None if mark is None else to_float(mark, instrument.price_decimals)
        quantity = to_float(held.quantity, instrument.quantity_decimals)
        cost = to_float(held.cost, instrument.settlement_scale)
        row = (
            instrument.name,
            quantity,
            average_price(instrument, held.cost, held.quantity),
            to_float(held.realized_pnl, instrument.settlement_scale),
            fees.get(index, 0.0),
            price,
            0.0 if price is None else quantity * price - cost,
        )
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return columns
