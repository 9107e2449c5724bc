"""The order: its factored state, the complete transition function (contract/transitions.toml) and what fills, busts and replaces do
to its quantities.

Money and positions are not here: that is `portfolio` and `account`. Who may ask for what is `admission`.
"""

from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import NamedTuple, Self, TypeAlias

from cracktrader.core.event import EventType
from cracktrader.core.intent import OrderId, OrderType, PlaceOrder, Side, TrailKind
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import (
    NONE_PRICE,
    Money,
    OrderOrdinal,
    Price,
    Quantity,
    Rounding,
    Time,
    money,
    mul_div_round,
    quantity,
)

BASIS_POINTS = 10_000
"""Parts of a whole that trailing distances are counted in."""


class Life(IntEnum):
    """The main factor of an order's state; FILLED and later are closed. HELD waits in the engine for its parent's first fill."""

    CREATED = 0
    HELD = 1
    SUBMITTED = 2
    ACCEPTED = 3
    FILLED = 4
    CANCELLED = 5
    REJECTED = 6
    EXPIRED = 7
    DENIED = 8

    @property
    def is_closed(self) -> bool:
        """Whether the order has ended; it never reopens."""
        return self >= Life.FILLED

    @property
    def is_open(self) -> bool:
        """Whether the order is, or may be, at the venue."""
        return self is Life.SUBMITTED or self is Life.ACCEPTED


class Pending(IntEnum):
    """Requests under way; as bits: 1 a cancel, 2 a replace."""

    NONE = 0
    CANCEL = 1
    REPLACE = 2
    BOTH = 3


class OrderInput(IntEnum):
    """What an order can be told; reports carry the number of their event type."""

    SUBMIT = 0
    DENY = 1
    CANCEL_REQUEST = 2
    REPLACE_REQUEST = 3
    HOLD = 4
    ACCEPTED = EventType.ACCEPTED
    REJECTED = EventType.REJECTED
    FILLED = EventType.FILLED
    CANCELLED = EventType.CANCELLED
    EXPIRED = EventType.EXPIRED
    TRIGGERED = EventType.TRIGGERED
    REPLACED = EventType.REPLACED
    CANCEL_REJECTED = EventType.CANCEL_REJECTED
    REPLACE_REJECTED = EventType.REPLACE_REJECTED
    IN_DOUBT = EventType.IN_DOUBT
    ABSENT = EventType.ABSENT
    BUSTED = EventType.BUSTED
    SETTLED = EventType.SETTLED


class Guard(IntEnum):
    """Sign of the remaining quantity after a fill or a confirmed replace; ANY for every other input."""

    ANY = 0
    GT0 = 1
    EQ0 = 2
    LT0 = 3


class Effect(IntFlag):
    """What a transition means beyond the next state."""

    NONE = 0
    NOOP = 1
    IMPLIED_ACCEPT = 2
    LATE = 4
    OVERFILL = 8


class OrderState(NamedTuple):
    """The factored state."""

    life: Life
    pending: Pending
    triggered: bool
    in_doubt: bool


class Transition(NamedTuple):
    """The next state and its effect."""

    state: OrderState
    effect: Effect


Outcome: TypeAlias = Transition | RejectCode | None
"""A transition, the code that refuses the input, or None: a combination that cannot occur."""


class Status(IntEnum):
    """What is shown of an order: one word for the factored state."""

    CREATED = 0
    HELD = 1
    SUBMITTED = 2
    ACCEPTED = 3
    TRIGGERED = 4
    PARTIALLY_FILLED = 5
    REPLACE_PENDING = 6
    CANCEL_PENDING = 7
    FILLED = 8
    CANCELLED = 9
    REJECTED = 10
    EXPIRED = 11
    DENIED = 12


STATUS_NAMES = (
    "Created",
    "Held",
    "Submitted",
    "Accepted",
    "Triggered",
    "PartiallyFilled",
    "ReplacePending",
    "CancelPending",
    "Filled",
    "Cancelled",
    "Rejected",
    "Expired",
    "Denied",
)
"""Statuses as the contract spells them."""


@dataclass(slots=True)
class Order:
    """One order. A plain value: the engine copies it, changes the copy, checks it, and puts it in place."""

    ordinal: OrderOrdinal
    id: OrderId
    instrument: int
    venue: int
    account: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    """Total of the current version."""
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
    """The leader of the one-cancels-other group it joined, or 0; the leader itself has 0."""
    created_time: Time
    asked_quantity: Quantity = 0
    """Total that was asked for: the engine sends a child that it held for what its parent has filled."""
    life: Life = Life.CREATED
    pending: Pending = Pending.NONE
    triggered: bool = False
    in_doubt: bool = False
    version: int = 0
    open_quantity: Quantity = 0
    """What is left of the current version; once closed, what was left. Never below 0."""
    filled_quantity: Quantity = 0
    """Gross: never falls."""
    busted_quantity: Quantity = 0
    """Gross: never falls."""
    filled_value: Money = 0
    """Value of the fills that stand, in the settlement currency."""
    replace_quantity: Quantity = 0
    """Terms of the replace under way."""
    replace_limit_price: Price = NONE_PRICE
    replace_stop_price: Price = NONE_PRICE
    reserve_price: Price = 0
    """The limit of the version, else the stop, else the mark at admission."""
    flagged: bool = False
    """A report about it was quarantined."""
    closed_time: Time = 0
    code: int = 0
    """Why it was denied or rejected, or 0."""

    def copy(self) -> Self:
        """The same values in a new object."""
        return type(self)(*[getattr(self, name) for name in _FIELDS])

    @property
    def state(self) -> OrderState:
        """The factored state."""
        return OrderState(self.life, self.pending, self.triggered, self.in_doubt)

    @property
    def net_filled(self) -> Quantity:
        """Filled less busted."""
        return self.filled_quantity - self.busted_quantity

    @property
    def remaining_quantity(self) -> Quantity:
        """What can still fill: nothing once closed."""
        return 0 if self.life.is_closed else self.open_quantity

    @property
    def direction(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == Side.BUY else -1

    @property
    def exposure(self) -> Quantity:
        """The most that can still fill: under an unanswered replace, the worse of both terms. 0 unless open or held."""
        if not self.life.is_open and self.life is not Life.HELD:
            return 0
        if self.pending & Pending.REPLACE:
            return max(self.open_quantity, self.replace_quantity - self.net_filled)
        return self.open_quantity

    @property
    def risk_price(self) -> Price:
        """The price at which risk values what is open: for a buy under an unanswered replace, the higher of both terms."""
        if self.pending & Pending.REPLACE and self.replace_limit_price != NONE_PRICE:
            return max(self.reserve_price, self.replace_limit_price)
        return self.reserve_price

    @property
    def status(self) -> Status:
        """The displayed status."""
        if self.life.is_closed:
            return Status(self.life + 4)
        if self.pending & Pending.CANCEL:
            return Status.CANCEL_PENDING
        if self.pending & Pending.REPLACE:
            return Status.REPLACE_PENDING
        if self.net_filled > 0:
            return Status.PARTIALLY_FILLED
        if self.triggered:
            return Status.TRIGGERED
        return Status(int(self.life))


_FIELDS = tuple(field.name for field in fields(Order))


class Place(NamedTuple):
    """Where a new order belongs."""

    ordinal: OrderOrdinal
    id: OrderId
    venue: int
    account: int
    parent: OrderOrdinal
    oco: OrderOrdinal


def new_order(place: PlaceOrder, at: Place, now: Time) -> Order:
    """The order of an intent, Created. Fields out of range stay as they came: such an order is Denied."""
    return Order(
        ordinal=at.ordinal,
        id=at.id,
        instrument=place.instrument,
        venue=at.venue,
        account=at.account,
        side=place.side,
        order_type=place.order_type,
        time_in_force=place.time_in_force,
        quantity=place.quantity,
        limit_price=place.limit_price,
        stop_price=place.stop_price,
        expire_time=place.expire_time,
        post_only=place.post_only,
        reduce_only=place.reduce_only,
        trail_kind=place.trail_kind,
        trail_offset=place.trail_offset,
        limit_offset=place.limit_offset,
        parent=at.parent,
        oco=at.oco,
        created_time=now,
        asked_quantity=place.quantity,
        open_quantity=max(place.quantity, 0),
    )


def guard_of(remaining: int) -> Guard:
    """The guard for a remaining quantity, which may be below 0."""
    if remaining > 0:
        return Guard.GT0
    return Guard.EQ0 if remaining == 0 else Guard.LT0


def transition(state: OrderState, told: OrderInput, guard: Guard) -> Outcome:
    """The state machine, complete: what `told` does to an order in `state`."""
    if _is_impossible(state):
        return None
    if told <= OrderInput.HOLD:
        return _request(state, told)
    if state.life is Life.HELD and told is OrderInput.CANCELLED:
        return _closed(state, Life.CANCELLED)
    if state.life in (Life.CREATED, Life.HELD, Life.DENIED):
        return RejectCode.R_ILLEGAL
    if told is OrderInput.FILLED:
        return _fill(state, guard)
    if told is OrderInput.BUSTED or told is OrderInput.SETTLED:
        return Transition(state, Effect.NONE)
    if state.life.is_closed:
        return _late_answer(state, told)
    if told is OrderInput.CANCEL_REJECTED or told is OrderInput.REPLACE_REJECTED or told is OrderInput.REPLACED:
        return _answer(state, told, guard)
    return _progress(state, told)


def _is_impossible(state: OrderState) -> bool:
    if state.life is Life.HELD and state.pending & Pending.REPLACE:
        return True
    if state.pending is not Pending.NONE and not state.life.is_open and state.life is not Life.HELD:
        return True
    if state.in_doubt and state.life is not Life.SUBMITTED:
        return True
    return state.triggered and state.life in (Life.CREATED, Life.HELD, Life.SUBMITTED, Life.DENIED)


_DECISIONS = {OrderInput.SUBMIT: Life.SUBMITTED, OrderInput.DENY: Life.DENIED, OrderInput.HOLD: Life.HELD}


def _request(state: OrderState, told: OrderInput) -> Outcome:
    """The engine's own inputs."""
    if told in _DECISIONS:
        released = state.life is Life.HELD and told is OrderInput.SUBMIT and state.pending is Pending.NONE
        if state.life is not Life.CREATED and not released:
            return None
        return Transition(state._replace(life=_DECISIONS[told]), Effect.NONE)
    if state.life is Life.CREATED or state.life is Life.DENIED:
        return RejectCode.E_NOT_SENT
    if state.life is Life.HELD and told is OrderInput.REPLACE_REQUEST:
        return RejectCode.E_NOT_SENT
    if state.life.is_closed:
        return RejectCode.E_CLOSED
    if state.pending & Pending.CANCEL:
        return RejectCode.E_CANCEL_PENDING
    if told is OrderInput.CANCEL_REQUEST:
        return Transition(state._replace(pending=Pending(state.pending | Pending.CANCEL)), Effect.NONE)
    if state.in_doubt:
        return RejectCode.E_IN_DOUBT
    if state.pending is Pending.REPLACE:
        return RejectCode.E_REPLACE_PENDING
    return Transition(state._replace(pending=Pending.REPLACE), Effect.NONE)


def _fill(state: OrderState, guard: Guard) -> Outcome:
    """Fills are facts: they are booked in every state that was ever sent."""
    overfill = Effect.OVERFILL if guard is Guard.LT0 else Effect.NONE
    if state.life.is_closed:
        if state.life is Life.FILLED and guard is not Guard.LT0:
            return None
        return Transition(state, Effect.LATE | overfill)
    implied = Effect.IMPLIED_ACCEPT if state.life is Life.SUBMITTED else Effect.NONE
    if guard is Guard.GT0:
        return Transition(OrderState(Life.ACCEPTED, state.pending, state.triggered, False), implied)
    return Transition(OrderState(Life.FILLED, Pending.NONE, state.triggered, False), implied | overfill)


def _progress(state: OrderState, told: OrderInput) -> Outcome:
    """Reports on a working order that answer no request."""
    if told is OrderInput.CANCELLED:
        return _closed(state, Life.CANCELLED)
    if told is OrderInput.EXPIRED:
        return _closed(state, Life.EXPIRED)
    if told is OrderInput.REJECTED:
        return _closed(state, Life.REJECTED)
    if told is OrderInput.ABSENT:
        return _closed(state, Life.REJECTED) if state.in_doubt else RejectCode.R_ILLEGAL
    if told is OrderInput.TRIGGERED:
        if state.triggered:
            return Transition(state, Effect.NOOP)
        implied = Effect.IMPLIED_ACCEPT if state.life is Life.SUBMITTED else Effect.NONE
        return Transition(OrderState(Life.ACCEPTED, state.pending, True, False), implied)
    if state.life is Life.ACCEPTED:
        return Transition(state, Effect.NOOP)
    if told is OrderInput.ACCEPTED:
        return Transition(OrderState(Life.ACCEPTED, state.pending, state.triggered, False), Effect.NONE)
    return Transition(state._replace(in_doubt=True), Effect.NONE)


def _answer(state: OrderState, told: OrderInput, guard: Guard) -> Outcome:
    """Answers to a cancel or a replace; one that was never asked for is wrong."""
    asked = Pending.CANCEL if told is OrderInput.CANCEL_REJECTED else Pending.REPLACE
    if not state.pending & asked:
        return RejectCode.R_ILLEGAL
    left = Pending(state.pending & ~asked)
    if told is not OrderInput.REPLACED:
        return Transition(state._replace(pending=left), Effect.NONE)
    if guard is Guard.GT0:
        implied = Effect.IMPLIED_ACCEPT if state.life is Life.SUBMITTED else Effect.NONE
        return Transition(OrderState(Life.ACCEPTED, left, state.triggered, False), implied)
    return None if state.life is Life.SUBMITTED else _closed(state, Life.FILLED)


_LATE = {
    Life.FILLED: (OrderInput.ACCEPTED, OrderInput.TRIGGERED, OrderInput.CANCELLED, OrderInput.EXPIRED),
    Life.CANCELLED: (OrderInput.ACCEPTED, OrderInput.TRIGGERED, OrderInput.CANCELLED),
    Life.EXPIRED: (OrderInput.ACCEPTED, OrderInput.TRIGGERED, OrderInput.EXPIRED),
    Life.REJECTED: (OrderInput.REJECTED, OrderInput.ABSENT),
}
_LATE_ANYWHERE = (OrderInput.CANCEL_REJECTED, OrderInput.REPLACE_REJECTED, OrderInput.IN_DOUBT)


def _late_answer(state: OrderState, told: OrderInput) -> Outcome:
    """On a closed order late answers have no effect and contradictions are said."""
    if told in _LATE_ANYWHERE or told in _LATE[state.life]:
        return Transition(state, Effect.NOOP)
    return RejectCode.R_ILLEGAL


def _closed(state: OrderState, life: Life) -> Transition:
    return Transition(OrderState(life, Pending.NONE, state.triggered, False), Effect.NONE)


def enter(order: Order, state: OrderState, now: Time) -> None:
    """Put the order into `state`; a close is stamped."""
    if state.life.is_closed and not order.life.is_closed:
        order.closed_time = now
    order.life, order.pending, order.triggered, order.in_doubt = state


def fill(order: Order, filled: Quantity, value: Money) -> None:
    """Book a fill's quantity and value. OutOfRange when they do not fit."""
    order.filled_quantity = quantity(order.filled_quantity + filled)
    order.filled_value = money(order.filled_value + value)
    order.open_quantity = max(order.open_quantity - filled, 0)


def bust(order: Order, busted: Quantity, value: Money) -> None:
    """Take a fill back: what is open does not rise."""
    order.busted_quantity = quantity(order.busted_quantity + busted)
    order.filled_value = money(order.filled_value - value)


def start_version(order: Order, total: Quantity, limit_price: Price, stop_price: Price) -> None:
    """A confirmed replace: new terms, and open = new total - net filled, at least 0."""
    order.version += 1
    order.quantity = total
    order.limit_price = limit_price
    order.stop_price = stop_price
    order.open_quantity = max(total - order.net_filled, 0)
    if limit_price != NONE_PRICE:
        order.reserve_price = limit_price


def takes_limit(order_type: int) -> bool:
    """Whether the type has a limit price."""
    return order_type == OrderType.LIMIT or order_type == OrderType.STOP_LIMIT


def takes_stop(order_type: int) -> bool:
    """Whether the type must have a stop price."""
    return order_type == OrderType.STOP or order_type == OrderType.STOP_LIMIT


def is_trailing(order_type: int) -> bool:
    """Whether the type has a stop that follows the price; its stop price is optional: where the stop starts."""
    return order_type == OrderType.TRAILING_STOP or order_type == OrderType.TRAILING_STOP_LIMIT


def trail_distance(kind: int, offset: int, best: Price, tick: Price) -> Price:
    """How far behind the best price a trailing stop stands. Basis points are rounded half to even on the tick, and never to nothing."""
    if kind == TrailKind.PRICE:
        return offset
    if kind == TrailKind.TICKS:
        return offset * tick
    return max(mul_div_round(best, offset, BASIS_POINTS * tick, Rounding.HALF_EVEN), 1) * tick
