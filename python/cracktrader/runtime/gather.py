"""What a finished run leaves: fills, orders, positions and the equity curve of either core, as columns with floats and names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cracktrader.backend import Curve, Machine
from cracktrader.core.codec import CONTRACT_VERSION
from cracktrader.core.config import Config, account_of
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Instrument, contract_value
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import REJECTS
from cracktrader.data.columns import BarColumns, Columns
from cracktrader.runtime.booked import fill_columns, order_columns, whole
from cracktrader.runtime.outcome import BoundIndicator, RunOutcome
from cracktrader.runtime.table import Arrays, Told
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.views import average_price

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def gather(
    run: Machine,
    config: Config,
    host: StrategyHost,
    loaded: Sequence[Columns],
    engine: str,
    seconds: float,
    cash: float | None,
) -> RunOutcome:
    """A finished run as columns. The initial cash is `cash`, or what the account was worth when that was first known."""
    fills = run.execution_columns()
    equity = _equity_columns(run.take_curve(), config.currencies[config.base_currency].scale)
    return RunOutcome(
        engine=engine,
        state_hash=run.digest().hex(),
        contract_version=CONTRACT_VERSION,
        events=run.seq,
        seconds=seconds,
        currency=config.currencies[config.base_currency].name,
        initial_cash=_first(equity["equity"]) if cash is None else float(cash),
        seed=config.seed,
        equity=equity,
        fills=fill_columns(fills, config),
        orders=order_columns(run.closed_columns(), config),
        positions=_position_columns(run, config, fills),
        errors=[f"seq {one.seq_id}, strategy {one.strategy}:\n{one.traceback}" for one in host.failures],
        log=[(line.seq_id, line.time, line.strategy, line.text) for line in host.lines],
        diagnostics={REJECTS[code].slug: count for code, count in sorted(run.counters().items())},
        stopped=why_stopped(run),
        bars=_bars(loaded),
        data=list(loaded),
        timeframes=list(host.timeframes),
        strategies=[
            {"name": declared.name, "parameters": _as_declared(one, json.loads(declared.parameters))}
            for declared, one in zip(config.strategies, host.strategies, strict=True)
        ],
        instruments=[_instrument_facts(instrument, config) for instrument in config.instruments],
        holdings=_holding_columns(run, config, fills),
        indicators=_indicators(host, config),
        config=config,
    )


def _equity_columns(curve: Curve, scale: int) -> Arrays:
    """time, equity, cash: arrays that are made when they are asked for."""
    import numpy as np

    return Arrays(
        {
            "time": lambda: np.frombuffer(curve.time(), dtype=np.int64),
            "equity": lambda: np.frombuffer(curve.equity(scale), dtype=np.float64),
            "cash": lambda: np.frombuffer(curve.cash(scale), dtype=np.float64),
        }
    )


def _first(equity: NDArray[np.float64]) -> float:
    """The first amount that is known, 0 where none is."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(equity))
    return float(equity[known[0]]) if len(known) else 0.0


def _bars(loaded: Sequence[Columns]) -> list[BarColumns]:
    """Bars of every instrument, for charts and excursions: those that were given, else some made of its ticks."""
    from cracktrader.data.resampling import bars_of

    shown: dict[str, BarColumns] = {}
    for columns in sorted(loaded, key=lambda one: not isinstance(one, BarColumns)):
        if columns.symbol not in shown:
            shown[columns.symbol] = columns if isinstance(columns, BarColumns) else bars_of(columns)
    return [shown[symbol] for symbol in dict.fromkeys(one.symbol for one in loaded)]


def _as_declared(strategy: Strategy, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters the run began with, in the order of their declaration; as recorded where a replay calls no strategy."""
    if type(strategy) is Strategy:
        return parameters
    return {name: parameters[name] for name in strategy.parameter_types() if name in parameters}


def why_stopped(run: Machine) -> str:
    if not run.stopped:
        return ""
    reject = REJECTS[run.stopped]
    return f"{reject.slug}: {reject.message}; {reject.remedy}"


HOLDING_COLUMNS = ("symbol", "quantity", "average_price", "realized_pnl", "unrealized_pnl", "mark")


def _position_columns(run: Machine, config: Config, fills: Told) -> dict[str, list[Any]]:
    """The account's positions, one row per instrument; fees are in the currencies they were charged in, summed as they are."""
    columns: dict[str, list[Any]] = {name: [] for name in (*HOLDING_COLUMNS, "fees")}
    fees: dict[int, float] = {}
    for index, currency in _pairs(fills, "instrument", "fee_currency"):
        paid = (whole(fills, "instrument") == index) & (whole(fills, "fee_currency") == currency)
        amount = sum(whole(fills, "fee")[paid].tolist())
        fees[index] = fees.get(index, 0.0) + to_float(amount, config.currencies[currency].scale)
    for index, instrument in enumerate(config.instruments):
        held = run.position(account_of(config, instrument.venue), index)
        for name, value in zip(HOLDING_COLUMNS, _holding(run, instrument, index, held), strict=True):
            columns[name].append(value)
        columns["fees"].append(fees.get(index, 0.0))
    return columns


def _holding_columns(run: Machine, config: Config, fills: Told) -> dict[str, list[Any]]:
    """Each strategy's own position in each instrument it has traded."""
    columns: dict[str, list[Any]] = {name: [] for name in ("strategy", *HOLDING_COLUMNS)}
    for strategy, index in _pairs(fills, "strategy", "instrument"):
        columns["strategy"].append(config.strategies[strategy].name)
        row = _holding(run, config.instruments[index], index, run.own_position(strategy, index))
        for name, value in zip(HOLDING_COLUMNS, row, strict=True):
            columns[name].append(value)
    return columns


def _pairs(fills: Told, first: str, second: str) -> list[tuple[int, int]]:
    """The pairs of two fields that occur, in their order."""
    import numpy as np

    # Both are indices of 32 bits at most.
    pairs = np.unique(whole(fills, first) << 32 | whole(fills, second)).tolist()
    return [(pair >> 32, pair & 0xFFFF_FFFF) for pair in pairs]


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
        for view, (declared, symbol, timeframe) in zip(context.declared, context.declarations, strict=True):
            attribute = next((name for name, value in kept if value is view), "")
            bound.append(
                BoundIndicator(config.strategies[index].name, attribute, declared, symbol, timeframe=timeframe)
            )
    return bound
