"""Frames: what a journal is a row of, but for the steps, which are `record`. How they lie in files is docs/reference/journal.md.

A frame is a u32 length, the body, and the body's CRC-32; the first byte of a body is its kind.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from cracktrader.core.codec.wire import CONTRACT_HASH, CONTRACT_VERSION, CodecError, Reader, pack, prefixed, table

JOURNAL_FORMAT = 1
MAGIC = b"CTJOURNL"
BLOCK_BYTES = 65_536
"""A block ends when it has as many."""
SEGMENT_BYTES = 64 * 1024 * 1024
FRAME_BYTES = 8
"""What a frame adds to its body."""


class Kind(IntEnum):
    """What a frame is."""

    SEGMENT = 1
    HEADER = 2
    STEP = 3
    DATA_RUN = 4
    SEAL = 5
    END = 6


class DatasetKind(IntEnum):
    """What a dataset holds, and what its index counts."""

    ROWS = 0
    SESSIONS = 1
    SCHEDULE = 2


class Dataset(NamedTuple):
    """Data that was attached, by its content."""

    kind: int
    place: int
    """The stream, the venue or the instrument."""
    rows: int
    digest: bytes


class Segment(NamedTuple):
    """The head of a segment file."""

    number: int
    run_id: bytes
    head: bytes
    """The chain's head before it."""


class Header(NamedTuple):
    """What was run: the neutral header, equal on both cores and every machine."""

    embedded: bool
    """Whether every row is in the journal itself."""
    segment_bytes: int
    config: bytes
    datasets: tuple[Dataset, ...]
    contract_version: int = CONTRACT_VERSION
    contract_hash: bytes = bytes.fromhex(CONTRACT_HASH)

    @property
    def run_id(self) -> bytes:
        """The run's identity: contract, configuration with its seed, data."""
        return sha256(
            self.contract_hash + prefixed(self.config) + _datasets(self.datasets) + pack("?", (self.embedded,))
        ).digest()


class DataRun(NamedTuple):
    """Consecutive data steps that changed nothing that is recorded."""

    first: int
    count: int  # type: ignore[assignment]  # tuple.count is not used

    @property
    def last(self) -> int:
        """seq of the last of them."""
        return self.first + self.count - 1


class Seal(NamedTuple):
    """The end of a block."""

    last_seq: int
    head: bytes


class End(NamedTuple):
    """Where a run concluded."""

    last_seq: int
    stopped: int
    digest: bytes
    """The state hash."""
    venues: bytes
    """SHA-256 over what the simulated venues hold."""


def framed(body: bytes) -> bytes:
    """A body as a frame."""
    return prefixed(body) + struct.pack("<I", crc32(body))


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The frames of whole, checked bytes: each with its kind. CodecError where they do not end with a frame."""
    at = 0
    while at < len(data):
        if at + FRAME_BYTES >= len(data):
            raise CodecError(f"a frame wanted at {at}, the data has {len(data)} bytes")
        end = at + FRAME_BYTES + int.from_bytes(data[at : at + 4], "little")
        if end > len(data):
            raise CodecError(f"a frame at {at} ends at {end}, the data has {len(data)} bytes")
        yield data[at + 4], data[at:end]
        at = end


def body_of(frame: bytes, kind: Kind) -> Reader:
    """Reads a frame's body behind its kind. CodecError when the CRC does not fit or it is of another kind."""
    outer = Reader(frame)
    body = outer.take(int(outer.field("I")))
    if outer.field("I") != crc32(body):
        raise CodecError("the frame's CRC does not fit")
    outer.end()
    reader = Reader(body)
    found = reader.field("B")
    if found != kind:
        raise CodecError(f"a frame of kind {found} where {kind.name} ({int(kind)}) was wanted")
    return reader


def encode_segment(segment: Segment) -> bytes:
    """The first frame of a segment."""
    head = pack("HI", (JOURNAL_FORMAT, segment.number))
    return framed(bytes((Kind.SEGMENT,)) + MAGIC + head + segment.run_id + segment.head)


def decode_segment(frame: bytes) -> Segment:
    """The head of a segment. CodecError for another format, named in the message."""
    reader = body_of(frame, Kind.SEGMENT)
    if reader.take(len(MAGIC)) != MAGIC:
        raise CodecError("it does not begin as a journal does")
    found = reader.field("H")
    if found != JOURNAL_FORMAT:
        raise CodecError(f"journal format {found}; this program reads format {JOURNAL_FORMAT}")
    segment = Segment(int(reader.field("I")), reader.take(32), reader.take(32))
    reader.end()
    return segment


def encode_header(header: Header) -> bytes:
    """The neutral header."""
    return framed(
        bytes((Kind.HEADER,))
        + pack("H", (header.contract_version,))
        + header.contract_hash
        + pack("?Q", (header.embedded, header.segment_bytes))
        + prefixed(header.config)
        + _datasets(header.datasets)
    )


def decode_header(frame: bytes) -> Header:
    """The neutral header."""
    reader = body_of(frame, Kind.HEADER)
    version, contract_hash = int(reader.field("H")), reader.take(32)
    embedded, segment_bytes = bool(reader.field("?")), int(reader.field("Q"))
    config = reader.take(int(reader.field("I")))
    count = int(reader.field("I"))
    datasets = tuple(
        Dataset(int(reader.field("B")), int(reader.field("I")), int(reader.field("Q")), reader.take(32))
        for _ in range(count)
    )
    reader.end()
    return Header(embedded, segment_bytes, config, datasets, version, contract_hash)


def _datasets(datasets: tuple[Dataset, ...]) -> bytes:
    return table(pack("BIQ", (one.kind, one.place, one.rows)) + one.digest for one in datasets)


def encode_data_run(run: DataRun) -> bytes:
    """A stretch of data steps."""
    return framed(pack("BQQ", (Kind.DATA_RUN, *run)))


def decode_data_run(frame: bytes) -> DataRun:
    """A stretch of data steps: at least one."""
    reader = body_of(frame, Kind.DATA_RUN)
    run = DataRun(int(reader.field("Q")), int(reader.field("Q")))
    reader.end()
    if not run.count:
        raise CodecError("a stretch of no steps")
    return run


def encode_seal(seal: Seal) -> bytes:
    """The end of a block."""
    return framed(pack("BQ", (Kind.SEAL, seal.last_seq)) + seal.head)


def decode_seal(frame: bytes) -> Seal:
    """The end of a block."""
    reader = body_of(frame, Kind.SEAL)
    seal = Seal(int(reader.field("Q")), reader.take(32))
    reader.end()
    return seal


def encode_end(end: End) -> bytes:
    """The end of a run."""
    return framed(pack("BQH", (Kind.END, end.last_seq, end.stopped)) + end.digest + end.venues)


def decode_end(frame: bytes) -> End:
    """The end of a run."""
    reader = body_of(frame, Kind.END)
    end = End(int(reader.field("Q")), int(reader.field("H")), reader.take(32), reader.take(32))
    reader.end()
    return end
