"""What the simulated venue is asked, what it works with, and what it answers: commands, working orders, points in time, reports.

How an order is filled is not here: bars, ticks and desk do that.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.event import Event
from cracktrader.core.intent import OrderType, Side, TimeInForce
from cracktrader.core.units import NONE_PRICE, OrderOrdinal, Price, Quantity, Time


class FillRule(IntEnum):
    """Rows of the fill table (contract/fills.toml)."""

    OUTSIDE = 0
    BAR_NEXT_OPEN = 1
    BAR_SAME_CLOSE = 2
    BAR_OPEN = 3
    BAR_GAP = 4
    BAR_TOUCH = 5
    BAR_STOP_OPEN = 6
    BAR_STOP = 7
    BAR_STOP_LIMIT = 8
    BAR_ON_CLOSE = 9
    BAR_ENTER = 10
    TRADE_NEXT = 11
    TRADE_FIRST = 12
    TRADE_TOUCH = 13
    TRADE_STOP = 14
    TRADE_STOP_LIMIT = 15
    TRADE_ON_CLOSE = 16
    QUOTE_TOP = 17
    QUOTE_FIRST = 18
    QUOTE_TOUCH = 19
    QUOTE_STOP = 20
    QUOTE_STOP_LIMIT = 21
    QUOTE_ON_CLOSE = 22


class Phase(IntEnum):
    """Order of what happens at one instant; sequenced items come at ITEM."""

    PATH = 0
    COMMAND = 1
    SESSION = 2
    SCHEDULE = 3
    """Funding, payments and settlements."""
    ITEM = 4
    OPEN = 5


class CommandKind(IntEnum):
    """What the engine asks of a venue."""

    SUBMIT = 0
    CANCEL = 1
    REPLACE = 2


class Cause(NamedTuple):
    """The step that caused something: its time and its depth in a chain of callbacks."""

    now: Time
    depth: int


NO_CAUSE = Cause(-(2**63), 0)
"""The cause of what comes from outside or at a time of its own."""


class Command(NamedTuple):
    """A request to a venue. Terms are those of the order to submit, or its new terms."""

    kind: CommandKind
    order: OrderOrdinal
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price
    stop_price: Price
    expire_time: Time
    post_only: bool
    reduce_only: bool
    trail_kind: int
    trail_offset: int
    limit_offset: Price
    parent: OrderOrdinal
    """The entry it waits for, or 0."""
    oco: OrderOrdinal
    """The leader of the one-cancels-other group it joins, or 0."""
    cause: Cause


class Point(NamedTuple):
    """A moment of the venue; `instrument` is 0 for commands and expiries."""

    time: Time
    phase: Phase
    instrument: int


class Report(NamedTuple):
    """An item for the sequencer and what caused it."""

    event: Event
    cause: Cause


class Mode(IntEnum):
    """How an order trades at present."""

    MARKET = 0
    """At what the market shows; a triggered stop too."""
    LIMIT = 1
    """At its limit or better; a triggered stop-limit too."""
    STOP = 2
    """Not before its stop is reached."""
    CLOSE = 3
    """At the close."""


_MODES = {
    OrderType.MARKET: Mode.MARKET,
    OrderType.LIMIT: Mode.LIMIT,
    OrderType.STOP: Mode.STOP,
    OrderType.STOP_LIMIT: Mode.STOP,
    OrderType.TRAILING_STOP: Mode.STOP,
    OrderType.TRAILING_STOP_LIMIT: Mode.STOP,
    OrderType.MARKET_ON_CLOSE: Mode.CLOSE,
}
STOP_LIMITS = (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
"""Types that are limit orders once triggered."""


@dataclass(slots=True, eq=False)
class VenueOrder:
    """An order working at the venue."""

    order: OrderOrdinal
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price
    """Of a trailing stop-limit: set when it is triggered."""
    stop_price: Price
    """Of a trailing order: where its stop stands, null before it has seen a price."""
    expire_time: Time
    """Of a DAY order: the close of its session. Null for orders that do not expire."""
    post_only: bool
    reduce_only: bool
    trail_kind: int
    trail_offset: int
    limit_offset: Price
    parent: OrderOrdinal
    oco: OrderOrdinal
    """The leader of its group; its own number for the leader, 0 without a group."""
    filled: Quantity
    place: int
    """Acceptance number: the earlier one fills first at one price."""
    first_row: int
    """The first bar whose open it takes part in."""
    opened: bool
    """Whether it has met a price."""
    triggered: bool
    live: bool
    """False for a child whose parent has not filled."""
    best: Price
    """The best price a trailing order has seen, or null."""
    close_time: Time
    """The session close at which a market-on-close order is due on trades and quotes, else null."""
    cause: Cause

    @property
    def remaining(self) -> Quantity:
        """What is still open."""
        return self.quantity - self.filled

    @property
    def is_buy(self) -> bool:
        """Whether it buys."""
        return self.side == Side.BUY

    @property
    def mode(self) -> Mode:
        """How it trades at present."""
        if self.triggered:
            return Mode.LIMIT if self.order_type in STOP_LIMITS else Mode.MARKET
        return _MODES[OrderType(self.order_type)]

    @property
    def is_immediate(self) -> bool:
        """Whether what is left ends when it is first due: IOC and FOK. A stop is due when it is triggered."""
        return self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)

    def is_marketable(self, price: Price) -> bool:
        """Whether `price` satisfies its limit."""
        return price <= self.limit_price if self.is_buy else price >= self.limit_price

    def is_stopped(self, price: Price) -> bool:
        """Whether `price` reaches its stop."""
        if self.stop_price == NONE_PRICE:
            return False
        return price >= self.stop_price if self.is_buy else price <= self.stop_price

    def improves(self, price: Price) -> bool:
        """Whether `price` is better for the holder of what the trailing order protects than the best one so far."""
        if self.best == NONE_PRICE:
            return True
        return price < self.best if self.is_buy else price > self.best
