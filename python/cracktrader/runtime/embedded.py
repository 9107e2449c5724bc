"""The data of a run whose journal holds every row: columns made of the rows that were taken, for a replay where the data itself is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import DataKind
from cracktrader.core.event import Bar, Event, Quote, SessionClosed, SessionOpened, SessionRows, Trade
from cracktrader.core.sequencer import Origin
from cracktrader.data.columns import BarColumns, Columns, QuoteColumns, TradeColumns
from cracktrader.data.digest import FIELDS

if TYPE_CHECKING:
    from cracktrader.core.codec import Record
    from cracktrader.core.config import Config, Stream

_KINDS = {Trade: DataKind.TRADE, Quote: DataKind.QUOTE}


def columns_of(
    records: Iterable[Record], config: Config, told: Sequence[Mapping[str, Any]]
) -> tuple[list[Columns], dict[int, SessionRows]]:
    """The columns by stream, and the sessions by venue, that the records took; `told` is what each stream's columns are called."""
    rows: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    edges: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    streams = {(one.instrument, one.kind): index for index, one in enumerate(config.streams)}
    for record in records:
        event = record.event
        if record.origin is not Origin.DATA or record.interrupted:
            continue
        if isinstance(event.payload, SessionOpened | SessionClosed):
            edges[event.venue][isinstance(event.payload, SessionClosed)].append(event.ingest_time)
        elif isinstance(event.payload, Bar):
            if not config.streams[event.payload.stream].is_derived:
                rows[event.payload.stream].append((event.event_time, *event.payload[:-1]))
        elif isinstance(event.payload, Trade | Quote):
            stream = streams[event.instrument, _KINDS[type(event.payload)]]
            rows[stream].append(_tick(event, config.streams[stream]))
    given = [index for index, one in enumerate(config.streams) if not one.is_derived]
    loaded = [_columns(rows[index], config, index, told[index]) for index in given]
    return loaded, {venue: SessionRows(opens[: len(closes)], closes) for venue, (opens, closes) in edges.items()}


def _tick(event: Event, stream: Stream) -> tuple[int, ...]:
    return event.event_time, event.ingest_time - stream.feed_latency, *event.payload


def _columns(rows: list[tuple[int, ...]], config: Config, index: int, told: Mapping[str, Any]) -> Columns:
    import numpy as np

    stream = config.streams[index]
    instrument = config.instruments[stream.instrument]
    kind: Any = {DataKind.BAR: BarColumns, DataKind.TRADE: TradeColumns, DataKind.QUOTE: QuoteColumns}[stream.kind]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), len(FIELDS[kind]))
    facts = {name: told[name] for name in ("symbol", "origin", "note")} | {"price_decimals": instrument.price_decimals}
    if stream.kind is DataKind.BAR:
        facts |= {"volume_decimals": stream.volume_decimals, "interval_ns": told["interval_ns"]}
    else:
        facts["quantity_decimals"] = instrument.quantity_decimals
    values = {name: np.ascontiguousarray(table[:, at]) for at, name in enumerate(FIELDS[kind])}
    made: Columns = kind(**values, **facts)
    return made
