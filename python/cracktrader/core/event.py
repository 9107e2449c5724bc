"""Events: the envelope and one payload per event type, as frozen values. Field order is the codec's order (contract/events.toml).

How an event changes state is not here: that is `engine`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from cracktrader.core.units import (
    NULL_INDEX,
    NULL_INSTRUMENT,
    Money,
    OrderOrdinal,
    Price,
    Quantity,
    Time,
)


class Source(IntEnum):
    """Who an item comes from; the value is also the default priority at one instant."""

    BROKER_REPORT = 0
    TIMER = 1
    CONTROL = 2
    MARKET_DATA = 3


class EventType(IntEnum):
    """Codes of the payloads."""

    START = 0
    BAR = 1
    TRADE = 2
    QUOTE = 3
    SESSION_OPENED = 4
    SESSION_CLOSED = 5
    INSTRUMENT_STATUS = 6
    ACCEPTED = 10
    REJECTED = 11
    FILLED = 12
    CANCELLED = 13
    EXPIRED = 14
    TRIGGERED = 15
    REPLACED = 16
    CANCEL_REJECTED = 17
    REPLACE_REJECTED = 18
    IN_DOUBT = 19
    ABSENT = 20
    BUSTED = 21
    SETTLED = 22
    DENIED = 23
    REFUSED = 24
    BALANCE_STATEMENT = 30
    POSITION_STATEMENT = 31
    TRANSFER = 32
    FUNDING = 33
    SETTLEMENT = 34
    TIMER_FIRED = 40
    RISK_FLAG_SET = 50
    STRATEGY_HALTED = 51
    ENGINE_STOPPED = 52
    DATA_ENDED = 53
    RUN_STOPPED = 54


class Start(NamedTuple):
    """First record of a run (seq 0): on_start is called, indicators and timers are declared."""


class Bar(NamedTuple):
    """A closed bar: of rows, delivered at its close plus the feed's latency; or made by the core, right after what closed it."""

    open_time: Time
    close_time: Time
    open: Price
    high: Price
    low: Price
    close: Price
    volume: int
    stream: int


class Trade(NamedTuple):
    """A public trade."""

    price: Price
    quantity: Quantity
    aggressor: int


class Quote(NamedTuple):
    """Best bid and ask."""

    bid_price: Price
    bid_quantity: Quantity
    ask_price: Price
    ask_quantity: Quantity


class SessionOpened(NamedTuple):
    """The venue's session opens for the instrument, or for the whole venue when the instrument is null."""


class SessionClosed(NamedTuple):
    """The session closes."""


class InstrumentStatus(NamedTuple):
    """The venue changes what may be done with the instrument; a frozen one takes no new risk."""

    frozen: bool


class Accepted(NamedTuple):
    """The venue works the order."""

    order: OrderOrdinal


class Rejected(NamedTuple):
    """The venue refuses the order, or ends the remainder of an open one."""

    order: OrderOrdinal
    reason: int
    text: str


class Filled(NamedTuple):
    """One execution. Its idempotency key is the fill's identity; a fill without one is quarantined."""

    order: OrderOrdinal
    quantity: Quantity
    price: Price
    liquidity: int
    fee_currency: int
    fee: Money
    rule: int


class Cancelled(NamedTuple):
    """The remainder is gone, asked for or not."""

    order: OrderOrdinal
    reason: int
    text: str


class Expired(NamedTuple):
    """The order's time in force ran out."""

    order: OrderOrdinal


class Triggered(NamedTuple):
    """A stop was touched; the order now works."""

    order: OrderOrdinal


class Replaced(NamedTuple):
    """A replace is confirmed and starts a version: open quantity = new total - net filled."""

    order: OrderOrdinal
    quantity: Quantity
    limit_price: Price
    stop_price: Price


class CancelRejected(NamedTuple):
    """The venue could not cancel."""

    order: OrderOrdinal
    reason: int
    text: str


class ReplaceRejected(NamedTuple):
    """The venue could not replace."""

    order: OrderOrdinal
    reason: int
    text: str


class InDoubt(NamedTuple):
    """The outcome of a submission is unknown (lost reply, timeout). Never resent, never assumed rejected."""

    order: OrderOrdinal


class Absent(NamedTuple):
    """Proof that the venue does not know the order."""

    order: OrderOrdinal


class Busted(NamedTuple):
    """The venue takes a fill back."""

    order: OrderOrdinal
    fill_key: str


class Settled(NamedTuple):
    """A provisional fill is now final."""

    order: OrderOrdinal
    fill_key: str


class Denied(NamedTuple):
    """The engine refused a PlaceOrder at admission (venue `engine`)."""

    order: OrderOrdinal
    code: int
    value: int
    limit: int


class Refused(NamedTuple):
    """The engine refused a cancel, replace or flag (venue `engine`)."""

    strategy: int
    intent_seq: int
    index: int  # type: ignore[assignment]  # the contract's name; tuple.index is not used
    intent_type: int
    code: int
    value: int
    limit: int


class BalanceStatement(NamedTuple):
    """What the venue says the account holds; a difference is a diagnostic, never a silent overwrite."""

    currency: int
    total: Money


class PositionStatement(NamedTuple):
    """What the venue says the position is; a difference is a diagnostic."""

    quantity: Quantity


class Transfer(NamedTuple):
    """Deposit or withdrawal. With a null instrument `amount` of `currency`; else `quantity` of the instrument at cost `price`."""

    currency: int
    amount: Money
    quantity: Quantity
    price: Price


class Funding(NamedTuple):
    """Funding or interest paid (negative) or received."""

    currency: int
    amount: Money


class Settlement(NamedTuple):
    """The instrument settles: every position of the account in it closes at `price`."""

    price: Price


class TimerFired(NamedTuple):
    """A timer's deadline was reached."""

    strategy: int
    timer: int
    deadline: Time


class RiskFlagSet(NamedTuple):
    """An operator sets or clears a risk flag; only this loosens one."""

    strategy: int
    flag: int
    on: bool


class StrategyHalted(NamedTuple):
    """An operator halts a strategy: it is not called again, its orders stay."""

    strategy: int


class EngineStopped(NamedTuple):
    """An operator stops the engine: no new risk; cancels pass; reports are still applied."""


class DataEnded(NamedTuple):
    """The market data is exhausted: reports in flight are still delivered, new risk is refused, timers no longer fire."""


class RunStopped(NamedTuple):
    """Last record of a run: on_stop is called."""


Payload: TypeAlias = (
    Start
    | Bar
    | Trade
    | Quote
    | SessionOpened
    | SessionClosed
    | InstrumentStatus
    | Accepted
    | Rejected
    | Filled
    | Cancelled
    | Expired
    | Triggered
    | Replaced
    | CancelRejected
    | ReplaceRejected
    | InDoubt
    | Absent
    | Busted
    | Settled
    | Denied
    | Refused
    | BalanceStatement
    | PositionStatement
    | Transfer
    | Funding
    | Settlement
    | TimerFired
    | RiskFlagSet
    | StrategyHalted
    | EngineStopped
    | DataEnded
    | RunStopped
)

EVENT_TYPES: dict[type[Payload], EventType] = {
    Start: EventType.START,
    Bar: EventType.BAR,
    Trade: EventType.TRADE,
    Quote: EventType.QUOTE,
    SessionOpened: EventType.SESSION_OPENED,
    SessionClosed: EventType.SESSION_CLOSED,
    InstrumentStatus: EventType.INSTRUMENT_STATUS,
    Accepted: EventType.ACCEPTED,
    Rejected: EventType.REJECTED,
    Filled: EventType.FILLED,
    Cancelled: EventType.CANCELLED,
    Expired: EventType.EXPIRED,
    Triggered: EventType.TRIGGERED,
    Replaced: EventType.REPLACED,
    CancelRejected: EventType.CANCEL_REJECTED,
    ReplaceRejected: EventType.REPLACE_REJECTED,
    InDoubt: EventType.IN_DOUBT,
    Absent: EventType.ABSENT,
    Busted: EventType.BUSTED,
    Settled: EventType.SETTLED,
    Denied: EventType.DENIED,
    Refused: EventType.REFUSED,
    BalanceStatement: EventType.BALANCE_STATEMENT,
    PositionStatement: EventType.POSITION_STATEMENT,
    Transfer: EventType.TRANSFER,
    Funding: EventType.FUNDING,
    Settlement: EventType.SETTLEMENT,
    TimerFired: EventType.TIMER_FIRED,
    RiskFlagSet: EventType.RISK_FLAG_SET,
    StrategyHalted: EventType.STRATEGY_HALTED,
    EngineStopped: EventType.ENGINE_STOPPED,
    DataEnded: EventType.DATA_ENDED,
    RunStopped: EventType.RUN_STOPPED,
}
"""The code of every payload."""

PAYLOADS: dict[EventType, type[Payload]] = {code: payload for payload, code in EVENT_TYPES.items()}
"""Every payload by its code."""


def source_of(code: EventType) -> Source:
    """Who sends events of this type: the codes are in blocks."""
    if code is EventType.START or code >= EventType.RISK_FLAG_SET:
        return Source.CONTROL
    if code is EventType.TIMER_FIRED:
        return Source.TIMER
    return Source.MARKET_DATA if code < EventType.ACCEPTED else Source.BROKER_REPORT


class Event(NamedTuple):
    """The envelope. `seq_id` is 0 until the sequencer takes the item."""

    seq_id: int
    event_time: Time
    ingest_time: Time
    source: int
    venue: int
    account: int
    instrument: int
    payload: Payload
    idempotency_key: str


def event(
    payload: Payload,
    ingest_time: Time,
    *,
    event_time: Time | None = None,
    venue: int = NULL_INDEX,
    account: int = NULL_INDEX,
    instrument: int = NULL_INSTRUMENT,
    key: str = "",
) -> Event:
    """An item not yet sequenced, with its payload's own source."""
    stamp = ingest_time if event_time is None else event_time
    return Event(0, stamp, ingest_time, source_of(EVENT_TYPES[type(payload)]), venue, account, instrument, payload, key)


@dataclass(frozen=True, slots=True)
class BarRows:
    """Columns of a bar stream, sorted by close time: a bar is made of a row only when it is delivered. `stamp` is the source's own."""

    stamp: Sequence[Time]
    open_time: Sequence[Time]
    close_time: Sequence[Time]
    open: Sequence[Price]
    high: Sequence[Price]
    low: Sequence[Price]
    close: Sequence[Price]
    volume: Sequence[int]


@dataclass(frozen=True, slots=True)
class TradeRows:
    """Columns of public trades, sorted by time. `stamp` is the source's own, `time` is when the venue traded."""

    stamp: Sequence[Time]
    time: Sequence[Time]
    price: Sequence[Price]
    quantity: Sequence[Quantity]
    aggressor: Sequence[int]


@dataclass(frozen=True, slots=True)
class QuoteRows:
    """Columns of best bids and asks, sorted by time. `stamp` is the source's own, `time` is when the venue showed them."""

    stamp: Sequence[Time]
    time: Sequence[Time]
    bid_price: Sequence[Price]
    bid_quantity: Sequence[Quantity]
    ask_price: Sequence[Price]
    ask_quantity: Sequence[Quantity]


@dataclass(frozen=True, slots=True)
class SessionRows:
    """A venue's sessions, sorted by time: one closes before the next opens, at the earliest at the same instant."""

    open_time: Sequence[Time]
    close_time: Sequence[Time]


Rows: TypeAlias = BarRows | TradeRows | QuoteRows


def times_of(rows: Rows) -> Sequence[Time]:
    """When the rows are known at the venue: what they are sorted by."""
    return rows.close_time if isinstance(rows, BarRows) else rows.time


def first_time(rows: Rows) -> Time | None:
    """The first moment that the rows speak of."""
    times = rows.open_time if isinstance(rows, BarRows) else rows.time
    return times[0] if len(times) else None


def rows_problem(rows: Rows) -> str:
    """Why the columns cannot be attached, or ''."""
    columns = [getattr(rows, field.name) for field in fields(rows)]
    if any(len(column) != len(columns[0]) for column in columns):
        return "differ in length"
    if isinstance(rows, TradeRows) and len(rows.aggressor):
        least, most = min(rows.aggressor), max(rows.aggressor)
        wrong = least if least < 0 else most
        if not 0 <= wrong <= 2:
            return f"have aggressor {wrong}, which is not 0 (unknown), 1 (buyer) or 2 (seller)"
    return ""


def sessions_problem(rows: SessionRows) -> str:
    """Why sessions cannot be attached, or ''."""
    if len(rows.open_time) != len(rows.close_time):
        return "differ in length"
    edges = [time for session in zip(rows.open_time, rows.close_time, strict=True) for time in session]
    return "" if all(before <= after for before, after in pairwise(edges)) else "are not sorted"
