"""The five intents of a strategy, the id of an order, and the enumerations their fields take (contract/intents.toml).

Whether an intent is admitted is not here: that is `admission`.
"""

from enum import IntEnum
from typing import NamedTuple, TypeAlias

from cracktrader.core.units import NONE_PRICE, Price, Quantity, Time


class Side(IntEnum):
    """Direction of an order."""

    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    """When and at what price an order trades."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4
    TRAILING_STOP_LIMIT = 5
    MARKET_ON_CLOSE = 6


class TrailKind(IntEnum):
    """In what the distance of a trailing stop from the best price is given."""

    PRICE = 0
    TICKS = 1
    BASIS_POINTS = 2


class TimeInForce(IntEnum):
    """How long an order works."""

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    DAY = 4


class RiskFlag(IntEnum):
    """Switches that a strategy may tighten and only an operator loosens."""

    KILL_SWITCH = 0
    REDUCE_ONLY = 1


class OrderId(NamedTuple):
    """An order's name: who asked, in which callback, at which place among its intents."""

    strategy: int
    seq: int
    index: int  # type: ignore[assignment]  # the contract's name; tuple.index is not used


NO_ORDER = OrderId(65535, 0, 0)
"""The null order id: no parent, no group."""


class PlaceOrder(NamedTuple):
    """Open an order. Prices and quantities are mantissas at the instrument's decimals."""

    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price = NONE_PRICE
    stop_price: Price = NONE_PRICE
    expire_time: Time = NONE_PRICE
    post_only: bool = False
    reduce_only: bool = False
    trail_kind: int = 0
    """A `TrailKind`; 0 for orders that do not trail."""
    trail_offset: int = NONE_PRICE
    """How far a trailing stop stays behind the best price, in the unit of `trail_kind`; else null."""
    limit_offset: Price = NONE_PRICE
    """How far beyond its stop a trailing stop-limit's limit stands; else null."""
    parent: OrderId = NO_ORDER
    """The entry that this order waits for, or the null id."""
    oco: OrderId = NO_ORDER
    """The first order of the one-cancels-other group that this order joins, or the null id."""


class CancelOrder(NamedTuple):
    """Take the remainder of an order back."""

    order: OrderId


class ReplaceOrder(NamedTuple):
    """Change total quantity and prices of a working order."""

    order: OrderId
    quantity: Quantity
    limit_price: Price = NONE_PRICE
    stop_price: Price = NONE_PRICE


class SetRiskFlag(NamedTuple):
    """Tighten one of the strategy's own risk flags. Loosening is refused: only a control event loosens."""

    flag: int
    on: bool


class NoOp(NamedTuple):
    """Nothing, on the record."""


Intent: TypeAlias = PlaceOrder | CancelOrder | ReplaceOrder | SetRiskFlag | NoOp

INTENT_TYPES: dict[type[Intent], int] = {PlaceOrder: 1, CancelOrder: 2, ReplaceOrder: 3, SetRiskFlag: 4, NoOp: 5}
"""The code of every intent."""
