"""The sequencer: which item is next. Smallest (ingest_time, source priority, venue, instrument, producer, producer order).

It reads columns and queues; the seq_id is given by `engine` on taking. Replay does not come here: it keeps the recorded order.
"""

from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple

from cracktrader.core.config import Config
from cracktrader.core.event import (
    Bar,
    BarRows,
    Event,
    Payload,
    Quote,
    Rows,
    SessionClosed,
    SessionOpened,
    SessionRows,
    Source,
    Trade,
    TradeRows,
    times_of,
)
from cracktrader.core.matching import NO_CAUSE, Cause
from cracktrader.core.units import NULL_INDEX, NULL_INSTRUMENT, Time

PRODUCER_ENGINE = 65_536
"""Denials and refusals; streams are producers 0.., by their index."""
PRODUCER_VENUE = 65_537
"""The first venue; the others follow by their index."""
PRODUCER_OUTSIDE = 131_072
"""Everything pushed from outside."""
PRODUCER_SESSIONS = 131_073
"""Sessions of the first venue; those of the others follow by their index."""


class Origin(IntEnum):
    """How an item came to the engine."""

    OUTSIDE = 0
    """It was pushed."""
    DATA = 1
    """A row of attached data, or a bar that the core made."""
    OWN = 2
    """A report of a simulated venue or of the engine, a timer, the start and the end of a run."""


class Key(NamedTuple):
    """Order of items."""

    ingest_time: Time
    priority: int
    venue: int
    instrument: int
    producer: int
    order: int


class Sequencer:
    """Pending items of all producers."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.queue: list[tuple[Key, Event, Cause]] = []
        self.rows: dict[int, Rows] = {}
        self.next_rows: dict[int, int] = {}
        self.sessions: dict[int, SessionRows] = {}
        """By venue."""
        self.heads: list[Key] = []
        self.pushed = 0
        self.outside = 0
        """Pending items that were pushed from outside."""

    def attach(self, stream: int, rows: Rows) -> None:
        """The rows of a declared stream."""
        self.rows[stream] = rows
        self.next_rows[stream] = 0
        self.push_head(stream)

    def attach_sessions(self, venue: int, rows: SessionRows) -> None:
        """The sessions of a venue."""
        self.sessions[venue] = rows
        self.push_edge(venue, 0)

    def push(self, item: Event, producer: int, cause: Cause) -> None:
        """An item that is not a row of a stream."""
        self.pushed += 1
        self.outside += producer == PRODUCER_OUTSIDE
        priority = self.config.priorities[item.source]
        key = Key(item.ingest_time, priority, item.venue, item.instrument, producer, self.pushed)
        heappush(self.queue, (key, item, cause))

    def peek(self) -> Key | None:
        """The key of the next item, or None."""
        if not self.heads:
            return self.queue[0][0] if self.queue else None
        if not self.queue:
            return self.heads[0]
        return min(self.queue[0][0], self.heads[0])

    def pop(self) -> tuple[Event, Cause, Origin]:
        """The next item, what caused it and how it came. There is one."""
        if self.heads and (not self.queue or self.heads[0] < self.queue[0][0]):
            return self.pop_row(), NO_CAUSE, Origin.DATA
        key, item, cause = heappop(self.queue)
        is_outside = key.producer == PRODUCER_OUTSIDE
        self.outside -= is_outside
        return item, cause, Origin.OUTSIDE if is_outside else Origin.OWN

    @property
    def exhausted(self) -> bool:
        """Whether every stream, and all that was pushed from outside, has been delivered."""
        return not self.heads and not self.outside

    def end(self) -> None:
        """No more rows are delivered."""
        self.heads.clear()

    def pop_row(self) -> Event:
        """The next row of the attached data. There is one."""
        key = heappop(self.heads)
        if key.producer >= PRODUCER_SESSIONS:
            return self._session_edge(key)
        stream = key.producer
        rows, row = self.rows[stream], self.next_rows[stream]
        self.next_rows[stream] = row + 1
        self.push_head(stream)
        payload = _payload(rows, row, stream)
        return Event(
            0, rows.stamp[row], key.ingest_time, Source.MARKET_DATA, key.venue, NULL_INDEX, key.instrument, payload, ""
        )

    def push_head(self, stream: int) -> None:
        """The stream's next row becomes a head, where there is one."""
        times, row = times_of(self.rows[stream]), self.next_rows[stream]
        if row >= len(times):
            return
        declared = self.config.streams[stream]
        venue = self.config.instruments[declared.instrument].venue
        ingest = times[row] + declared.feed_latency
        priority = self.config.priorities[Source.MARKET_DATA]
        heappush(self.heads, Key(ingest, priority, venue, declared.instrument, stream, row))

    def _session_edge(self, key: Key) -> Event:
        """A session opens (even orders) or closes (odd ones); its venue's next edge becomes a head."""
        self.push_edge(key.venue, key.order + 1)
        payload = SessionClosed() if key.order % 2 else SessionOpened()
        time = key.ingest_time
        return Event(0, time, time, Source.MARKET_DATA, key.venue, NULL_INDEX, NULL_INSTRUMENT, payload, "")

    def push_edge(self, venue: int, order: int) -> None:
        """That edge of a venue's sessions becomes a head, where there is one."""
        rows = self.sessions[venue]
        times = rows.close_time if order % 2 else rows.open_time
        if order // 2 >= len(times):
            return
        priority = self.config.priorities[Source.MARKET_DATA]
        key = Key(times[order // 2], priority, venue, NULL_INSTRUMENT, PRODUCER_SESSIONS + venue, order)
        heappush(self.heads, key)


def _payload(rows: Rows, row: int, stream: int) -> Payload:
    """A row as what it says."""
    if isinstance(rows, BarRows):
        return Bar(
            rows.open_time[row],
            rows.close_time[row],
            rows.open[row],
            rows.high[row],
            rows.low[row],
            rows.close[row],
            rows.volume[row],
            stream,
        )
    if isinstance(rows, TradeRows):
        return Trade(rows.price[row], rows.quantity[row], rows.aggressor[row])
    return Quote(rows.bid_price[row], rows.bid_quantity[row], rows.ask_price[row], rows.ask_quantity[row])
