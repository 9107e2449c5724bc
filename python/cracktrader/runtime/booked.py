"""Fills and orders of a finished run as columns with floats and names, the same from both cores.

A run may leave hundreds of thousands of them: they are turned column by column, never row by row, and only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import Config
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import to_float
from cracktrader.core.intent import OrderType, Side, TimeInForce, TrailKind
from cracktrader.core.matching import FillRule
from cracktrader.core.order import STATUS_NAMES, is_trailing
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE, Rounding, mul_div_round
from cracktrader.runtime.table import Names, Table, Told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[Any]

FILL_COLUMNS = (
    "order strategy symbol time side change value quantity price fee fee_currency liquidity realized_pnl rule"
).split()
ORDER_COLUMNS = (
    "order strategy symbol side order_type time_in_force quantity limit_price stop_price trail post_only reduce_only parent oco status "
    "filled_quantity average_price code created closed expires"
).split()


def whole(told: Told, field: str) -> Ints:
    """A field of the rows: int64, or Python's integers where one needs more."""
    import numpy as np

    column = told[field]
    return np.frombuffer(column, dtype=np.int64) if isinstance(column, bytes) else np.array(column, dtype=object)


def fill_columns(told: Told, config: Config) -> Table:
    """Every booked fill. `change` is the exact mantissa by which it moved the position, `value` what it was worth in the settlement
    currency, `realized_pnl` what it realised before fees."""
    declared, scales = config.instruments, [one.scale for one in config.currencies]
    at, currency = whole(told, "instrument"), whole(told, "fee_currency")

    def quantity() -> Floats:
        return _floats(whole(told, "quantity"), at, [one.quantity_decimals for one in declared])

    def price() -> Floats:
        return _floats(whole(told, "price"), at, [one.price_decimals for one in declared])

    makers: dict[str, Callable[[], Any]] = {
        "order": lambda: whole(told, "order"),
        "strategy": lambda: Names(whole(told, "strategy"), [one.name for one in config.strategies]),
        "symbol": lambda: Names(at, [one.name for one in declared]),
        "time": lambda: whole(told, "event_time"),
        "side": lambda: _members(whole(told, "side"), Side),
        "change": lambda: _changes(told, config),
        "value": lambda: _values(quantity(), price(), at, config),
        "quantity": quantity,
        "price": price,
        "fee": lambda: _floats(whole(told, "fee"), currency, scales),
        "fee_currency": lambda: Names(currency, [one.name for one in config.currencies]),
        "liquidity": lambda: _members(whole(told, "liquidity"), Liquidity),
        "realized_pnl": lambda: _floats(whole(told, "realized_pnl"), at, [one.settlement_scale for one in declared]),
        "rule": lambda: _members(whole(told, "rule"), FillRule),
    }
    return Table(len(at), makers)


def order_columns(told: Told, config: Config) -> Table:
    """Every order, by its number; `parent` and `oco` are the numbers of the entry it waits for and of the leader of its group.

    One that was denied for what it asked may name an instrument, a side or a type that does not exist: such a cell is empty.
    """
    import numpy as np

    order = np.argsort(whole(told, "ordinal"), kind="stable")
    declared = config.instruments
    prices = [one.price_decimals for one in declared]
    quantities = [one.quantity_decimals for one in declared]

    def field(name: str) -> Ints:
        return whole(told, name)[order]

    instrument = field("instrument")
    known = np.where(instrument < len(declared), instrument, len(declared))
    at = np.where(known < len(declared), known, 0)

    def averages() -> list[float | None]:
        filled = _floats(field("filled_quantity"), at, quantities)
        paid = _floats(field("filled_value"), at, [one.settlement_scale for one in declared])
        return _averages(filled, paid, at, config)

    def in_force() -> Names:
        named = _members(field("time_in_force"), TimeInForce)
        return Names(named.places, [name.upper() for name in named.names])

    makers: dict[str, Callable[[], Any]] = {
        "order": lambda: field("ordinal"),
        "strategy": lambda: Names(field("strategy"), [one.name for one in config.strategies]),
        "symbol": lambda: Names(known, [*(one.name for one in declared), ""]),
        "side": lambda: _members(field("side"), Side),
        "order_type": lambda: _members(field("order_type"), OrderType),
        "time_in_force": in_force,
        "quantity": lambda: _floats(field("quantity"), at, quantities),
        "limit_price": lambda: _prices(field("limit_price"), at, prices),
        "stop_price": lambda: _prices(field("stop_price"), at, prices),
        "trail": lambda: _trails(field, at, prices),
        "post_only": lambda: field("post_only").astype(bool),
        "reduce_only": lambda: field("reduce_only").astype(bool),
        "parent": lambda: _but(field("parent"), 0),
        "oco": lambda: _but(field("oco"), 0),
        "status": lambda: Names(field("status"), STATUS_NAMES),
        "filled_quantity": lambda: _floats(field("filled_quantity"), at, quantities),
        "average_price": averages,
        "code": lambda: _codes(field("code")),
        "created": lambda: field("created_time"),
        "closed": lambda: _but(field("closed_time"), 0),
        "expires": lambda: _but(field("expire_time"), NONE_PRICE),
    }
    return Table(len(order), makers)


def _floats(mantissas: Ints, at: Ints, decimals: Sequence[int]) -> Floats:
    """f64(m) / f64(10**d) of each, with the decimals of its place: as `to_float` does it."""
    import numpy as np

    scales = np.array([float(10**one) for one in decimals])
    numbers: Floats = mantissas.astype(np.float64) / scales[at]
    return numbers


def _but(column: Ints, nothing: int) -> list[int | None]:
    """The numbers, None for the one that stands for nothing."""
    return [None if number == nothing else number for number in column.tolist()]


def _prices(mantissas: Ints, at: Ints, decimals: Sequence[int]) -> list[float | None]:
    floats = _floats(mantissas, at, decimals).tolist()
    empty = (mantissas == NONE_PRICE).tolist()
    return [None if is_empty else price for is_empty, price in zip(empty, floats, strict=True)]


def _trails(field: Callable[[str], Ints], at: Ints, decimals: Sequence[int]) -> list[str | None]:
    """How far a trailing stop stands behind the best price: "1.5", "10 ticks" or "50 bps"; None for other orders."""
    told = [field(name).tolist() for name in ("order_type", "trail_kind", "trail_offset")]
    distances: list[str | None] = []
    for order_type, kind, offset, place in zip(*told, at.tolist(), strict=True):
        if not is_trailing(order_type) or offset == NONE_PRICE:
            distances.append(None)
        elif kind == TrailKind.PRICE:
            distances.append(f"{to_float(offset, decimals[place]):g}")
        else:
            distances.append(f"{offset} {'ticks' if kind == TrailKind.TICKS else 'bps'}")
    return distances


def _members(values: Ints, kind: type[IntEnum]) -> Names:
    """Members by their lower-case names; "" for a value that is none."""
    import numpy as np

    names = {int(member): member.name.lower() for member in kind}
    known, places = np.unique(values, return_inverse=True)
    return Names(places.reshape(-1), [names.get(value, "") for value in known.tolist()])


def _codes(values: Ints) -> Names:
    import numpy as np

    known, places = np.unique(values, return_inverse=True)
    return Names(places.reshape(-1), [REJECTS[code].slug if code in REJECTS else "" for code in known.tolist()])


def _changes(told: Told, config: Config) -> Ints:
    """Signed quantities, less the fees that were paid in the base asset."""
    import numpy as np

    quantity, at, currency = (whole(told, name) for name in ("quantity", "instrument", "fee_currency"))
    signed = np.where(whole(told, "side") == int(Side.BUY), quantity, -quantity)
    for index, one in enumerate(config.instruments):
        if not one.is_spot or one.base_currency == one.settlement_currency:
            continue
        rows = np.flatnonzero((at == index) & (currency == one.base_currency))
        if len(rows):
            decimals, scale = one.quantity_decimals, config.currencies[one.base_currency].scale
            fees = whole(told, "fee")[rows].tolist()
            signed[rows] -= [mul_div_round(fee, 10**decimals, 10**scale, Rounding.HALF_EVEN) for fee in fees]
    return signed


def _values(quantity: Floats, price: Floats, at: Ints, config: Config) -> Floats:
    """p * q * m, or q * m / p for inverse contracts."""
    import numpy as np

    contracts = quantity * _multipliers(config)[at]
    inverse = np.array([one.value_sign < 0 for one in config.instruments])[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        values: Floats = np.where(inverse, contracts / price, contracts * price)
    return values


def _averages(filled: Floats, paid: Floats, at: Ints, config: Config) -> list[float | None]:
    """Price at which what was filled is worth what it cost, None where nothing was: as `average_price` does it."""
    import numpy as np

    contracts, cost = np.abs(filled) * _multipliers(config)[at], np.abs(paid)
    inverse = np.array([one.value_sign < 0 for one in config.instruments])[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.where(inverse, contracts / cost, cost / contracts)
    exists = (contracts != 0.0) & (~inverse | (cost != 0.0))
    return [one if real else None for one, real in zip(average.tolist(), exists.tolist(), strict=True)]


def _multipliers(config: Config) -> Floats:
    import numpy as np

    return np.array([float(one.multiplier) / 1e9 for one in config.instruments])
