"""The recorded steps of a journal, one by one: what happened, what was answered, and the entities as they were after it.

A search for one order passes over frames that do not hold its name: reading a million steps for one order would take minutes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cracktrader.core.codec import (
    ACCOUNT_POSITION,
    ORDER,
    STRATEGY_POSITION,
    DataRun,
    Kind,
    Reader,
    Record,
    decode_data_run,
    decode_record,
    encode_event,
    encode_record,
    frames,
    read_order,
    read_position,
    seq_of,
)
from cracktrader.core.codec.root import KEY_FIELDS
from cracktrader.core.event import EventType
from cracktrader.core.order import Order
from cracktrader.core.portfolio import FLAT, Position

if TYPE_CHECKING:
    from cracktrader.runtime.rerun import RecordedRun

FINDING_BYTES = 34
"""A code and its two numbers in a record."""
SILENT_BYTES = 5
"""Whether it was interrupted, and no answer."""
_FRONT = struct.Struct("<IBBQqqBHHIB").unpack_from
"""Of a step's frame: length, kind, origin, and the envelope of its event with the type of its payload."""

_COUNT = struct.Struct("<I").unpack_from
_KEYS = {tag: struct.Struct("<" + fields[1:]) for tag, fields in KEY_FIELDS.items() if "s" not in fields}

Progress = Callable[[int, int], None]
"""Called now and then with how many steps of how many were read."""


class Front(NamedTuple):
    """What can be said of a step without decoding it."""

    seq: int
    time: int
    """When the engine took it, ns."""
    event_type: int


class Image(NamedTuple):
    """An entity after a commit: its leaf's key, and its bytes, None where it is gone."""

    key: tuple[int | str | bool, ...]
    data: bytes | None


class Step:
    """A recorded step; the images of both commits, those of the second last, are read when they are asked for."""

    def __init__(self, record: Record, frame: bytes) -> None:
        self.record = record
        self._frame = frame

    @property
    def seq(self) -> int:
        """Its number."""
        return self.record.event.seq_id

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The entities after its commits. Where they lie follows from the frame as it would be without them."""
        record, body = self.record, self._frame[4:-4]
        start = 2 + len(encode_event(record.event)) + 8 + FINDING_BYTES * len(record.findings)
        between = SILENT_BYTES if not record.answers else len(encode_record(record, b"", b"")) - 8 - start - 8
        before, end = _read_images(body, start)
        after, _ = _read_images(body, end + between)
        return (*before, *after)

    @cached_property
    def orders(self) -> dict[int, Order]:
        """The orders that it changed, as they were after it, by ordinal."""
        last = {int(one.key[1]): one.data for one in self.images if one.key[0] == ORDER}
        return {ordinal: read_order(Reader(data)) for ordinal, data in last.items() if data}

    def positions(self) -> dict[tuple[int, int, int], Position]:
        """The positions that it changed, by leaf tag, holder and instrument."""
        found = {}
        for one in self.images:
            if one.key[0] in (ACCOUNT_POSITION, STRATEGY_POSITION):
                tag, holder, instrument = map(int, one.key)
                found[tag, holder, instrument] = read_position(Reader(one.data)) if one.data else FLAT
        return found


def front(frame: bytes) -> Front:
    """The front of a step's frame."""
    _, _, _, seq, _, time, _, _, _, _, event_type = _FRONT(frame)
    return Front(seq, time, event_type)


def steps(
    run: RecordedRun,
    needles: Sequence[bytes] = (),
    *,
    first: int = 0,
    event_types: Sequence[EventType] | None = None,
    progress: Progress | None = None,
) -> Iterator[Step]:
    """The recorded steps from seq `first` on: with `needles` only those whose bytes hold one of them, with `event_types` only those. A step
    that was interrupted and done again counts once."""
    for frame in step_frames(run, first=first, progress=progress):
        if needles and not any(needle in frame for needle in needles):
            continue
        if event_types is not None and front(frame).event_type not in event_types:
            continue
        yield step_of(frame)


def step_frames(run: RecordedRun, *, first: int = 0, progress: Progress | None = None) -> Iterator[bytes]:
    """The frames of recorded steps from seq `first` on."""
    held, held_seq = b"", -1
    for _, chunk in chunks(run, first, progress):
        for kind, frame in frames(chunk):
            if kind != Kind.STEP:
                continue
            seq = seq_of(frame)
            if held and first <= held_seq != seq:
                yield held
            held, held_seq = frame, seq
    if held and first <= held_seq:
        yield held


def chunks(run: RecordedRun, first: int = 0, progress: Progress | None = None) -> Iterator[tuple[int, bytes]]:
    """The blocks that hold steps from seq `first` on, each with the last seq in it. The block before may end with an interrupted step
    that the next one repeats."""
    # A block of the header alone has no frames here.
    blocks = [one for one in run.scan.blocks if one.last_seq >= 0]
    for at, chunk in enumerate(run.scan.frames()):
        last = blocks[at].last_seq if at < len(blocks) else run.scan.last_seq
        if progress is not None:
            progress(max(last, 0), max(run.scan.last_seq, 1))
        if last >= first:
            yield last, chunk


def stretches(run: RecordedRun, first: int = 0) -> Iterator[Front | DataRun]:
    """What the journal consists of: the front of every recorded step, and every stretch of data steps that left nothing."""
    for _, chunk in chunks(run, first):
        for kind, frame in frames(chunk):
            if kind == Kind.STEP:
                yield front(frame)
            elif kind == Kind.DATA_RUN:
                yield decode_data_run(frame)


def recorded_step(run: RecordedRun, seq: int) -> Step | None:
    """The recorded step of this seq; None where it is one of a stretch of data steps."""
    for frame in step_frames(run, first=seq):
        found = seq_of(frame)
        if found == seq:
            return step_of(frame)
        if found > seq:
            break
    return None


def step_of(frame: bytes) -> Step:
    """The step of a frame."""
    return Step(decode_record(frame), frame)


def order_needles(ordinal: int, order_id: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """What the bytes of a step that has to do with an order hold: its number, or its name."""
    return struct.pack("<Q", ordinal), struct.pack("<HQH", *order_id)


def _read_images(body: bytes, at: int) -> tuple[list[Image], int]:
    """A table of images, and where it ends."""
    images = []
    (count,) = _COUNT(body, at)
    at += 4
    for _ in range(count):
        tag = body[at]
        layout = _KEYS.get(tag)
        if layout is None:
            # The key holds a text.
            reader = Reader(body)
            reader.at = at + 1
            key: tuple[int | str | bool, ...] = (tag, *reader.fields(KEY_FIELDS[tag][1:]))
            at = reader.at
        else:
            key = (tag, *layout.unpack_from(body, at + 1))
            at += 1 + layout.size
        data = None
        at += 1
        if body[at - 1]:
            (size,) = _COUNT(body, at)
            data = body[at + 4 : at + 4 + size]
            at += 4 + size
        images.append(Image(key, data))
    return images, at
