"""Fills and orders of a finished run as columns with floats and names, the same from both cores.

A run may leave hundreds of thousands of them: they are turned column by column, never row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import Config
from cracktrader.core.engine import Execution
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import to_float
from cracktrader.core.intent import OrderType, Side, TimeInForce, TrailKind
from cracktrader.core.matching import FillRule
from cracktrader.core.order import STATUS_NAMES, is_trailing
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE, Rounding, mul_div_round
from cracktrader.core.view import OrderFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILL_COLUMNS = (
    "order strategy symbol time side change value quantity price fee fee_currency liquidity realized_pnl rule"
).split()
ORDER_COLUMNS = (
    "order strategy symbol side order_type time_in_force quantity limit_price stop_price trail post_only reduce_only parent oco status "
    "filled_quantity average_price code created closed expires"
).split()


def fill_columns(fills: Sequence[Execution], config: Config) -> dict[str, list[Any]]:
    """Every booked fill. `change` is the exact mantissa by which it moved the position, `value` what it was worth in the settlement
    currency, `realized_pnl` what it realised before fees."""
    if not fills:
        return {name: [] for name in FILL_COLUMNS}
    told = dict(zip(Execution._fields, zip(*fills, strict=True), strict=True))
    declared = config.instruments
    at, currency = told["instrument"], told["fee_currency"]
    quantity = _floats(told["quantity"], at, [one.quantity_decimals for one in declared])
    price = _floats(told["price"], at, [one.price_decimals for one in declared])
    return {
        "order": list(told["order"]),
        "strategy": _names(told["strategy"], [one.name for one in config.strategies]),
        "symbol": _names(at, [one.name for one in declared]),
        "time": list(told["event_time"]),
        "side": _members(told["side"], Side),
        "change": _changes(told, config),
        "value": _values(quantity, price, at, config).tolist(),
        "quantity": quantity.tolist(),
        "price": price.tolist(),
        "fee": _floats(told["fee"], currency, [one.scale for one in config.currencies]).tolist(),
        "fee_currency": _names(currency, [one.name for one in config.currencies]),
        "liquidity": _members(told["liquidity"], Liquidity),
        "realized_pnl": _floats(told["realized_pnl"], at, [one.settlement_scale for one in declared]).tolist(),
        "rule": _members(told["rule"], FillRule),
    }


def order_columns(orders: Sequence[OrderFacts], config: Config) -> dict[str, list[Any]]:
    """Every order, by its number; `parent` and `oco` are the numbers of the entry it waits for and of the leader of its group.

    One that was denied for what it asked may name an instrument, a side or a type that does not exist: such a cell is empty.
    """
    if not orders:
        return {name: [] for name in ORDER_COLUMNS}
    told = dict(zip(OrderFacts._fields, zip(*sorted(orders, key=lambda one: one.ordinal), strict=True), strict=True))
    declared = config.instruments
    known = [one if one < len(declared) else -1 for one in told["instrument"]]
    at = [max(one, 0) for one in known]
    prices = [one.price_decimals for one in declared]
    filled = _floats(told["filled_quantity"], at, [one.quantity_decimals for one in declared])
    paid = _floats(told["filled_value"], at, [one.settlement_scale for one in declared])
    return {
        "order": list(told["ordinal"]),
        "strategy": _names(told["strategy"], [one.name for one in config.strategies]),
        "symbol": _names(known, [*(one.name for one in declared), ""]),
        "side": _members(told["side"], Side),
        "order_type": _members(told["order_type"], OrderType),
        "time_in_force": [name.upper() for name in _members(told["time_in_force"], TimeInForce)],
        "quantity": _floats(told["quantity"], at, [one.quantity_decimals for one in declared]).tolist(),
        "limit_price": _prices(told["limit_price"], at, prices),
        "stop_price": _prices(told["stop_price"], at, prices),
        "trail": _trails(told, at, prices),
        "post_only": list(told["post_only"]),
        "reduce_only": list(told["reduce_only"]),
        "parent": [one or None for one in told["parent"]],
        "oco": [one or None for one in told["oco"]],
        "status": _names(told["status"], STATUS_NAMES),
        "filled_quantity": filled.tolist(),
        "average_price": _averages(filled, paid, at, config),
        "code": [REJECTS[code].slug if code in REJECTS else "" for code in told["code"]],
        "created": list(told["created_time"]),
        "closed": [time or None for time in told["closed_time"]],
        "expires": [None if time == NONE_PRICE else time for time in told["expire_time"]],
    }


def _floats(mantissas: Sequence[int], at: Sequence[int], decimals: Sequence[int]) -> Floats:
    """f64(m) / f64(10**d) of each, with the decimals of its place: as `to_float` does it."""
    import numpy as np

    scales = np.array([float(10**one) for one in decimals])
    numbers: Floats = np.array(mantissas).astype(np.float64) / scales[np.array(at, dtype=np.int64)]
    return numbers


def _prices(mantissas: Sequence[int], at: Sequence[int], decimals: Sequence[int]) -> list[float | None]:
    floats = _floats(mantissas, at, decimals).tolist()
    return [None if mantissa == NONE_PRICE else price for mantissa, price in zip(mantissas, floats, strict=True)]


def _trails(told: dict[str, Any], at: Sequence[int], decimals: Sequence[int]) -> list[str | None]:
    """How far a trailing stop stands behind the best price: "1.5", "10 ticks" or "50 bps"; None for other orders."""
    distances: list[str | None] = []
    for order_type, kind, offset, place in zip(
        told["order_type"], told["trail_kind"], told["trail_offset"], at, strict=True
    ):
        if not is_trailing(order_type) or offset == NONE_PRICE:
            distances.append(None)
        elif kind == TrailKind.PRICE:
            distances.append(f"{to_float(offset, decimals[place]):g}")
        else:
            distances.append(f"{offset} {'ticks' if kind == TrailKind.TICKS else 'bps'}")
    return distances


def _names(places: Sequence[int], names: Sequence[str]) -> list[str]:
    return [names[place] for place in places]


def _members(values: Sequence[int], kind: type[IntEnum]) -> list[str]:
    """Members by their lower-case names; "" for a value that is none."""
    names = {int(member): member.name.lower() for member in kind}
    return [names.get(value, "") for value in values]


def _changes(told: dict[str, Any], config: Config) -> list[int]:
    """Signed quantities, less the fees that were paid in the base asset."""
    buy = int(Side.BUY)
    signed = [size if side == buy else -size for size, side in zip(told["quantity"], told["side"], strict=True)]
    in_kind = {
        (index, one.base_currency)
        for index, one in enumerate(config.instruments)
        if one.is_spot and one.base_currency != one.settlement_currency
    }
    for row, pair in enumerate(zip(told["instrument"], told["fee_currency"], strict=True)):
        if pair in in_kind:
            decimals, scale = config.instruments[pair[0]].quantity_decimals, config.currencies[pair[1]].scale
            signed[row] -= mul_div_round(told["fee"][row], 10**decimals, 10**scale, Rounding.HALF_EVEN)
    return signed


def _values(quantity: Floats, price: Floats, at: Sequence[int], config: Config) -> Floats:
    """p * q * m, or q * m / p for inverse contracts."""
    import numpy as np

    place = np.array(at, dtype=np.int64)
    contracts = quantity * _multipliers(config)[place]
    inverse = np.array([one.value_sign < 0 for one in config.instruments])[place]
    with np.errstate(divide="ignore", invalid="ignore"):
        values: Floats = np.where(inverse, contracts / price, contracts * price)
    return values


def _averages(filled: Floats, paid: Floats, at: Sequence[int], config: Config) -> list[float | None]:
    """Price at which what was filled is worth what it cost, None where nothing was: as `average_price` does it."""
    import numpy as np

    place = np.array(at, dtype=np.int64)
    contracts, cost = np.abs(filled) * _multipliers(config)[place], np.abs(paid)
    inverse = np.array([one.value_sign < 0 for one in config.instruments])[place]
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.where(inverse, contracts / cost, cost / contracts)
    exists = (contracts != 0.0) & (~inverse | (cost != 0.0))
    return [one if real else None for one, real in zip(average.tolist(), exists.tolist(), strict=True)]


def _multipliers(config: Config) -> Floats:
    import numpy as np

    return np.array([float(one.multiplier) / 1e9 for one in config.instruments])
