"""Bars that the core makes itself, of trades, quotes or other bars: by time, items, volume or value (contract/aggregates.toml).

A source item is never split and is added to one bar; a bar is given out only when it is closed. When it is delivered is `engine`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from cracktrader.core.config import BarRule, Stream
from cracktrader.core.event import Bar, Payload, Quote, Trade
from cracktrader.core.units import I64_MAX, I64_MIN, Price, Rounding, Time, div_round


class Piece(NamedTuple):
    """What one source item adds to a bar. A trade or quote is a bar of its one price at its one moment."""

    open_time: Time
    close_time: Time
    open: Price
    high: Price
    low: Price
    close: Price
    volume: int


@dataclass(slots=True)
class Aggregate:
    """The bar under way of one derived stream, and the bars that closed and were not delivered yet."""

    count: int = 0
    """Source items of the bar under way; without one there is no such bar."""
    open_time: Time = 0
    """Start of its span for time bars, else when its first item began."""
    end: Time = 0
    """End of its span for time bars; else 0."""
    close_time: Time = 0
    """When its last item ended."""
    open: Price = 0
    high: Price = 0
    low: Price = 0
    close: Price = 0
    volume: int = 0
    value: int = 0
    """Of value bars: sum of close x volume over its items, at the decimals of both."""
    closed: deque[Bar] = field(default_factory=deque)
    """At most two: an item that begins a bar of its own may close it, too."""


def piece_of(payload: Payload, time: Time) -> Piece:
    """What a sound market event of this time adds. A quote adds its middle, half to even, and no volume."""
    if isinstance(payload, Bar):
        return Piece(*payload[:7])
    if isinstance(payload, Trade):
        price, volume = payload.price, payload.quantity
    else:
        assert isinstance(payload, Quote)
        price, volume = div_round(payload.bid_price + payload.ask_price, 2, Rounding.HALF_EVEN), 0
    return Piece(time, time, price, price, price, price, volume)


def fits(aggregate: Aggregate, declared: Stream, piece: Piece) -> bool:
    """Whether the times and the volume of the bar that takes the piece fit their fields."""
    if declared.rule is BarRule.TIME:
        start = _start(declared, piece.open_time)
        if piece.open_time < I64_MIN or start < I64_MIN or start + declared.size > I64_MAX:
            return False
    held = 0 if _begins(aggregate, declared, piece) else aggregate.volume
    return piece.open_time >= I64_MIN and held + piece.volume <= I64_MAX


def add(aggregate: Aggregate, declared: Stream, stream: int, piece: Piece) -> int:
    """Add a piece that fits; how many bars that closed."""
    before = len(aggregate.closed)
    if _begins(aggregate, declared, piece):
        if aggregate.count:
            _close(aggregate, declared, stream)
        _begin(aggregate, declared, piece)
    else:
        aggregate.high = max(aggregate.high, piece.high)
        aggregate.low = min(aggregate.low, piece.low)
    aggregate.count += 1
    aggregate.close_time = max(aggregate.close_time, piece.close_time)
    aggregate.close = piece.close
    aggregate.volume += piece.volume
    if declared.rule is BarRule.VALUE:
        aggregate.value += piece.close * piece.volume
    if _is_complete(aggregate, declared):
        _close(aggregate, declared, stream)
    return len(aggregate.closed) - before


def _start(declared: Stream, time: Time) -> Time:
    """Start of the span of a time bar: spans are aligned to the epoch plus the offset."""
    return time - (time - declared.offset) % declared.size


def _begins(aggregate: Aggregate, declared: Stream, piece: Piece) -> bool:
    """Whether the piece is the first of a bar: there is none under way, or its span is over."""
    return not aggregate.count or (declared.rule is BarRule.TIME and piece.open_time >= aggregate.end)


def _begin(aggregate: Aggregate, declared: Stream, piece: Piece) -> None:
    if declared.rule is BarRule.TIME:
        aggregate.open_time = _start(declared, piece.open_time)
        aggregate.end = aggregate.open_time + declared.size
    else:
        aggregate.open_time, aggregate.end = piece.open_time, 0
    aggregate.count = aggregate.volume = aggregate.value = 0
    aggregate.close_time = piece.close_time
    aggregate.open, aggregate.high, aggregate.low = piece.open, piece.high, piece.low


def _is_complete(aggregate: Aggregate, declared: Stream) -> bool:
    """Whether the bar under way takes nothing more. Only a bar can end where its span ends; a tick there is of the next one."""
    reached = {
        BarRule.TIME: aggregate.close_time >= aggregate.end,
        BarRule.TICK: aggregate.count >= declared.size,
        BarRule.VOLUME: aggregate.volume >= declared.size,
        BarRule.VALUE: aggregate.value >= declared.size,
    }
    return reached[declared.rule]


def _close(aggregate: Aggregate, declared: Stream, stream: int) -> None:
    """The bar under way is closed. A time bar ends with its span, or with an item that reaches beyond it."""
    in_time = declared.rule is BarRule.TIME
    closed = Bar(
        aggregate.open_time,
        max(aggregate.end, aggregate.close_time) if in_time else aggregate.close_time,
        aggregate.open,
        aggregate.high,
        aggregate.low,
        aggregate.close,
        aggregate.volume,
        stream,
    )
    aggregate.closed.append(closed)
    aggregate.count = 0
