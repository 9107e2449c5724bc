"""What a finished run leaves: fills, orders, positions and the equity curve of either core, as columns with floats and names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cracktrader.backend import Machine
from cracktrader.core.codec import CONTRACT_VERSION
from cracktrader.core.config import Config, account_of
from cracktrader.core.engine import Execution
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Instrument, contract_value
from cracktrader.core.intent import OrderType, Side, TimeInForce
from cracktrader.core.matching import FillRule
from cracktrader.core.order import STATUS_NAMES
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE, Rounding, mul_div_round
from cracktrader.core.view import OrderFacts
from cracktrader.runtime.outcome import BoundIndicator, RunOutcome
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.views import average_price

if TYPE_CHECKING:
    from cracktrader.data.columns import BarColumns


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
        log=[(line.seq_id, line.time, line.strategy, line.text) for line in host.lines],
        diagnostics={REJECTS[code].slug: count for code, count in sorted(run.counters().items())},
        stopped=why_stopped(run),
        bars=bars,
        strategies=[
            {"name": declared.name, "parameters": _as_declared(one, json.loads(declared.parameters))}
            for declared, one in zip(config.strategies, host.strategies, strict=True)
        ],
        instruments=[_instrument_facts(instrument, config) for instrument in config.instruments],
        holdings=_holding_columns(run, config),
        indicators=_indicators(host, config),
        config=config,
    )


def _as_declared(strategy: Strategy, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters the run began with, in the order of their declaration."""
    return {name: parameters[name] for name in strategy.parameter_types() if name in parameters}


def why_stopped(run: Machine) -> str:
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
        "change": [_position_change(fill, config) for fill in fills],
        "value": [
            to_float(contract_value(instrument, fill.price, fill.quantity), instrument.settlement_scale)
            for fill, instrument in zip(fills, instruments, strict=True)
        ],
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


def _position_change(fill: Execution, config: Config) -> int:
    """Mantissa by which the fill moved the position, exact: its signed quantity, less a fee that was paid in the base asset."""
    instrument = config.instruments[fill.instrument]
    signed = fill.quantity if fill.side == Side.BUY else -fill.quantity
    if not instrument.is_spot or fill.fee_currency != instrument.base_currency:
        return signed
    if instrument.base_currency == instrument.settlement_currency:
        return signed
    scale = config.currencies[fill.fee_currency].scale
    return signed - mul_div_round(fill.fee, 10**instrument.quantity_decimals, 10**scale, Rounding.HALF_EVEN)


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


HOLDING_COLUMNS = ("symbol", "quantity", "average_price", "realized_pnl", "unrealized_pnl", "mark")


def _position_columns(run: Machine, config: Config) -> dict[str, list[Any]]:
    """The account's positions, one row per instrument; fees are in the currencies they were charged in, summed as they are."""
    columns: dict[str, list[Any]] = {name: [] for name in (*HOLDING_COLUMNS, "fees")}
    fees: dict[int, float] = {}
    for fill in run.executions():
        paid = to_float(fill.fee, config.currencies[fill.fee_currency].scale)
        fees[fill.instrument] = fees.get(fill.instrument, 0.0) + paid
    for index, instrument in enumerate(config.instruments):
        held = run.position(account_of(config, instrument.venue), index)
        for name, value in zip(HOLDING_COLUMNS, _holding(run, instrument, index, held), strict=True):
            columns[name].append(value)
        columns["fees"].append(fees.get(index, 0.0))
    return columns


def _holding_columns(run: Machine, config: Config) -> dict[str, list[Any]]:
    """Each strategy's own position in each instrument it has traded."""
    columns: dict[str, list[Any]] = {name: [] for name in ("strategy", *HOLDING_COLUMNS)}
    for strategy, index in sorted({(fill.strategy, fill.instrument) for fill in run.executions()}):
        columns["strategy"].append(config.strategies[strategy].name)
        row = _holding(run, config.instruments[index], index, run.own_position(strategy, index))
        for name, value in zip(HOLDING_COLUMNS, row, strict=True):
            columns[name].append(value)
    return columns


def _holding(run: Machine, instrument: Instrument, index: int, held: Position) -> tuple[Any, ...]:
    """One row of HOLDING_COLUMNS. The unrealised profit is None while a position has no mark."""
    mark = run.mark(index)
    unrealized: float | None = 0.0
    if held.quantity:
        unrealized = (
            None if mark is None else to_float(_unrealized(instrument, held, mark), instrument.settlement_scale)
        )
    return (
        instrument.name,
        to_float(held.quantity, instrument.quantity_decimals),
        average_price(instrument, held.cost, held.quantity),
        to_float(held.realized_pnl, instrument.settlement_scale),
        unrealized,
        None if mark is None else to_float(mark, instrument.price_decimals),
    )


def _unrealized(instrument: Instrument, held: Position, mark: int) -> int:
    value = instrument.value_sign * contract_value(instrument, mark, abs(held.quantity))
    return (value if held.quantity > 0 else -value) - held.cost


def _instrument_facts(instrument: Instrument, config: Config) -> dict[str, Any]:
    return {
        "symbol": instrument.name,
        "kind": instrument.kind.name.lower(),
        "currency": config.currencies[instrument.settlement_currency].name,
        "price_decimals": instrument.price_decimals,
        "quantity_decimals": instrument.quantity_decimals,
        "multiplier": to_float(instrument.multiplier, 9),
    }


def _indicators(host: StrategyHost, config: Config) -> list[BoundIndicator]:
    """What the strategies declared, with the attribute under which each keeps it."""
    bound = []
    for index, context in enumerate(host.contexts):
        kept = list(vars(host.strategies[index]).items())
        for view, (declared, symbol) in zip(context.declared, context.declarations, strict=True):
            attribute = next((name for name, value in kept if value is view), "")
            bound.append(BoundIndicator(config.strategies[index].name, attribute, declared, symbol))
    return bound
