"""What a finished run leaves: fills, orders, positions and the equity curve of either core, as columns with floats and names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cracktrader.backend import Machine
from cracktrader.core.codec import CONTRACT_VERSION
from cracktrader.core.config import Config
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import to_float
from cracktrader.core.intent import OrderType, Side, TimeInForce
from cracktrader.core.matching import FillRule
from cracktrader.core.order import STATUS_NAMES
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE
from cracktrader.core.view import OrderFacts
from cracktrader.runtime.outcome import RunOutcome
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
