"""The sequencer in a checkpoint: where its heads stand, and what was pushed."""

from typing import NamedTuple

from cracktrader.core.codec import (
    CodecError,
    Reader,
    encode_cause,
    encode_event,
    ints,
    pack,
    read_cause,
    read_event,
    table,
)
from cracktrader.core.event import Event, times_of
from cracktrader.core.matching import Cause
from cracktrader.core.sequencer import PRODUCER_OUTSIDE, PRODUCER_SESSIONS, Key, Sequencer


class Pending(NamedTuple):
    """What a sequencer takes back."""

    rows: dict[int, int]
    edges: dict[int, int]
    pushed: int
    queue: list[tuple[Key, Event, Cause]]

    def install(self, sequencer: Sequencer) -> None:
        """Stand where the other one stood."""
        sequencer.heads.clear()
        for stream, row in self.rows.items():
            sequencer.next_rows[stream] = row
            sequencer.push_head(stream)
        for venue, edge in self.edges.items():
            sequencer.push_edge(venue, edge)
        sequencer.pushed = self.pushed
        sequencer.queue[:] = self.queue
        sequencer.outside = sum(key.producer == PRODUCER_OUTSIDE for key, _, _ in self.queue)


def _ends(sequencer: Sequencer) -> tuple[list[int], list[int]]:
    """How many rows each stream, and how many edges each venue's sessions have."""
    rows, sessions, config = sequencer.rows, sequencer.sessions, sequencer.config
    lengths = [len(times_of(rows[stream])) if stream in rows else 0 for stream in range(len(config.streams))]
    edges = [2 * len(sessions[venue].open_time) if venue in sessions else 0 for venue in range(len(config.venues))]
    return lengths, edges


def save_sequencer(sequencer: Sequencer) -> bytes:
    """Where the heads stand: behind the last row where there is none, also after the end of the data."""
    rows, edges = _ends(sequencer)
    for head in sequencer.heads:
        if head.producer >= PRODUCER_SESSIONS:
            edges[head.venue] = head.order
        else:
            rows[head.producer] = head.order
    queue = (
        pack("IQ", (key.producer, key.order)) + encode_event(item) + encode_cause(cause)
        for key, item, cause in sorted(sequencer.queue, key=lambda queued: queued[0])
    )
    return pack("Q" * (len(rows) + len(edges) + 1), (*rows, *edges, sequencer.pushed)) + table(queue)


def read_sequencer(reader: Reader, sequencer: Sequencer) -> Pending:
    lengths, ends = _ends(sequencer)
    rows, edges = ints(reader, "Q" * len(lengths)), ints(reader, "Q" * len(ends))
    if any(at > end for at, end in zip(rows + edges, lengths + ends, strict=True)):
        raise CodecError(
            f"the checkpoint stands behind the end of the data: rows {rows} of {lengths}, edges {edges} of {ends}"
        )
    pushed = int(reader.field("Q"))
    queue: list[tuple[Key, Event, Cause]] = []
    for _ in range(int(reader.field("I"))):
        producer, order = ints(reader, "IQ")
        item = read_event(reader)
        priority = sequencer.config.priorities[item.source]
        key = Key(item.ingest_time, priority, item.venue, item.instrument, producer, order)
        if order > pushed or (queue and not queue[-1][0] < key):
            raise CodecError(f"the item {key} before {reader.at} is not in its place")
        queue.append((key, item, read_cause(reader)))
    return Pending(
        {stream: row for stream, row in enumerate(rows) if stream in sequencer.rows},
        {venue: edge for venue, edge in enumerate(edges) if venue in sequencer.sessions},
        pushed,
        queue,
    )
