"""A journal read and checked: `scan` walks every segment and says what there is, or names file, offset and seq of the first thing wrong.

What a frame is, and which damage is a torn tail, is docs/reference/journal.md; the search behind a bad frame and the cut are in `tail`.
Deliberately not here: what is in a step. A scan proves that the bytes are those that were written, not that they are a run: replay does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import NamedTuple, NoReturn
from zlib import crc32

from cracktrader.core.codec import (
    FRAME_BYTES,
    JOURNAL_FORMAT,
    CodecError,
    End,
    Header,
    Kind,
    decode_end,
    decode_header,
    decode_record,
    decode_segment,
)
from cracktrader.core.engine.journal import JournalPosition, Resume
from cracktrader.errors import JournalCorrupt, JournalUnreadable
from cracktrader.journal.files import (
    SEAL_FRAME,
    SEGMENT_FRAME,
    Files,
    Folder,
    place,
    read,
    segment_name,
    segment_number,
)
from cracktrader.journal.tail import (
    BODY_LEAST,
    FITS,
    STEP_LEAST,
    Torn,
    good_frame_after,
    unwritten,
    why_bad,
)

_STEP = Struct("<IBBQ").unpack_from
"""Of a frame: length and kind, and of a step its origin and seq."""
_RUN = Struct("<QQ").unpack_from
_SEAL = Struct("<Q32s").unpack_from
_FRONT = 14
"""Bytes that `_STEP` reads; no frame is as short."""


Skim = Callable[[bytes, int, int], tuple[int, int, int, int]]
"""Passes quickly over steps and stretches that are in order: given a segment, an offset and the last seq, the offset behind them, the seq
of the last, its offset where it is a step (else 0), and how many they are. At every other frame the reader looks itself."""


class Block(NamedTuple):
    """Frames under one seal."""

    segment: int
    start: int
    end: int
    """Where its SEAL frame begins."""
    last_seq: int
    head: bytes
    """The chain's head after it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A journal whose framing, CRCs, order and chain are right, up to a torn tail if there is one."""

    files: Files
    run_id: bytes
    header: Header
    sizes: tuple[int, ...]
    """Bytes of each segment that are believed."""
    blocks: tuple[Block, ...]
    last_seq: int
    """Of the last step, sealed or not; -1 before the first."""
    frames_count: int
    """Frames of steps, stretches of data steps and the end."""
    end: End | None
    """How the run concluded; None where it did not."""
    torn: Torn | None
    """A torn tail behind what is believed."""

    @property
    def head(self) -> bytes:
        """The chain's head at the last seal."""
        return self.blocks[-1].head if self.blocks else self.run_id

    @property
    def size(self) -> int:
        """Bytes of all segments that are believed."""
        return sum(self.sizes)

    def open_frames(self) -> bytes:
        """The frames after the last seal, the header included while nothing is sealed."""
        return read(self.files, segment_name(len(self.sizes)))[self._open_start() : self.sizes[-1]]

    def frames(self, after: int = -1) -> Iterator[bytes]:
        """The frames of steps, stretches and the end, a chunk a block, in their order; headers and seals are left out, and so are blocks
        that end before the seq `after`."""
        held, data = 0, b""
        for block in self.blocks[bisect_left(self.blocks, after, key=_last_seq_of) :]:
            if block.segment != held:
                held, data = block.segment, read(self.files, segment_name(block.segment))
            start = block.start
            if start == SEGMENT_FRAME and block.segment == 1:
                start += _frame_size(data, start)
            if start < block.end:
                yield data[start : block.end]
        rest = self.open_frames()
        if not self.blocks:
            rest = rest[_frame_size(rest, 0) :]
        if rest:
            yield rest

    def resume(self) -> Resume:
        """Where a writer goes on, once a torn tail is cut (`cut`). The engine that goes on has run all frames and holds nothing."""
        # Before the first step a writer knows seq 0.
        last_seq = max(self.last_seq, 0)
        return Resume(len(self.sizes), self.sizes[-1], self.head, self.open_frames(), last_seq, 0, 0)

    def denies(self, position: JournalPosition) -> str:
        """Why a checkpoint that was made at this position of the journal is not one of this log, or ''."""
        if not 1 <= position.segment <= len(self.sizes) or position.offset > self.sizes[position.segment - 1]:
            there = f"segment {len(self.sizes)}, offset {self.sizes[-1]}"
            return f"it was made at segment {position.segment}, offset {position.offset}; the log ends at {there}"
        before = bisect_right(self.blocks, (position.segment, position.offset), key=_seal_end)
        if position.head != (self.blocks[before - 1].head if before else self.run_id):
            return "the log has another head where it was made"
        start = SEGMENT_FRAME
        last_seq = -1
        if before:
            last_seq = self.blocks[before - 1].last_seq
            if self.blocks[before - 1].segment == position.segment:
                start = _seal_end(self.blocks[before - 1])[1]
        found = self._seq_at(position, start, last_seq)
        # An engine that has taken no step yet says 0.
        if found is None or max(found, 0) != position.last_seq:
            return f"it knows seq {position.last_seq} at offset {position.offset}, where the log has {found}"
        return ""

    def _seq_at(self, position: JournalPosition, start: int, last_seq: int) -> int | None:
        """The last seq before an offset; None where no frame ends there."""
        data = read(self.files, segment_name(position.segment)) if position.offset != start else b""
        at = start
        while at < position.offset:
            length, kind, _, seq = _STEP(data, at)
            if kind == Kind.STEP:
                last_seq = seq
            elif kind == Kind.DATA_RUN:
                first, count = _RUN(data, at + 5)
                last_seq = first + count - 1
            at += FRAME_BYTES + length
        return last_seq if at == position.offset else None

    def _open_start(self) -> int:
        last = self.blocks[-1] if self.blocks else None
        return SEGMENT_FRAME if last is None or last.segment != len(self.sizes) else _seal_end(last)[1]


def scan(journal: Files | Path | str, skim: Skim | None = None) -> Scan:
    """Check a journal: the folder of its segments. JournalUnreadable, JournalCorrupt. `skim` makes it faster, and finds the same."""
    files: Files = Folder(journal) if isinstance(journal, Path | str) else journal
    walk = _Walk(files, _segments(files), skim)
    while walk.number < walk.count:
        walk.number += 1
        walk.segment(read(files, segment_name(walk.number)))
    if walk.header is None:
        raise JournalUnreadable(
            f"{place(files, segment_name(1))} ends before its header: the run never began; remove its folder and start it again"
        )
    return Scan(
        files=files,
        run_id=walk.run_id,
        header=walk.header,
        sizes=tuple(walk.sizes),
        blocks=tuple(walk.blocks),
        last_seq=walk.last_seq,
        frames_count=walk.frames,
        end=walk.end,
        torn=walk.torn,
    )


def _segments(files: Files) -> int:
    """How many segments there are: from 1, none missing, none doubled."""
    try:
        names = files.names()
    except OSError as error:
        raise JournalUnreadable(f"{place(files, '')} cannot be read: {error.strerror or error}") from error
    numbers = sorted(number for name in names if (number := segment_number(name)) is not None)
    if not numbers:
        raise JournalUnreadable(f"{place(files, '')} holds no journal: there is no {segment_name(1)}")
    for wanted, number in enumerate(numbers, start=1):
        if number != wanted or segment_name(number) not in names:
            wrong = "is missing" if number > wanted else "is there twice, or under another name"
            raise JournalCorrupt(
                f"{place(files, segment_name(wanted))} {wrong}: there are {len(numbers)} segments up to {numbers[-1]}",
                file=segment_name(wanted),
            )
    return len(numbers)


class _Walk:
    """The way through the segments: what was found so far."""

    def __init__(self, files: Files, count: int, skim: Skim | None) -> None:
        self.files, self.count, self.number = files, count, 0
        self._skim = skim
        self.run_id = self.head = b""
        self.header: Header | None = None
        self.sizes: list[int] = []
        self.blocks: list[Block] = []
        self.last_seq = -1
        self.frames = 0
        self.end: End | None = None
        self.torn: Torn | None = None
        self._last_step = b""
        """The last step of the segments before, where nothing came after it."""
        self._start = 0
        """Where the block under way began in its segment."""

    def segment(self, data: bytes) -> None:
        """Check the next segment; what is torn off the last one is told, everything else that is wrong is raised."""
        if self.end is not None:
            self._wrong(0, "a segment after the end of the run")
        at = self._start = self._opening(data)
        if at and self.header is None:
            at = self._header(data, at)
        if at:
            at = self._rest(data, at)
            self.sizes.append(at)

    # --- the frames that come once

    def _opening(self, data: bytes) -> int:
        """The SEGMENT frame: where it ends, 0 where it is torn."""
        end = _end_of(data, 0)
        if not end:
            return self._bad(data, 0, 0)
        if data[4] != Kind.SEGMENT:
            self._wrong(0, f"a frame of kind {data[4]} where the segment's own was wanted")
        found = int.from_bytes(data[13:15], "little")
        if data[5:13] == b"CTJOURNL" and found > JOURNAL_FORMAT:
            raise JournalUnreadable(
                f"{self._name} is of journal format {found}; this program reads format {JOURNAL_FORMAT}: use a newer cracktrader"
            )
        try:
            segment = decode_segment(data[:end])
        except CodecError as error:
            self._wrong(0, str(error))
        if segment.number != self.number:
            self._wrong(0, f"it says that it is segment {segment.number}, its name says {self.number}")
        if self.number == 1:
            self.run_id = self.head = segment.run_id
        if segment.run_id != self.run_id:
            self._wrong(0, f"it is of run {segment.run_id.hex()}, not of {self.run_id.hex()}")
        if segment.head != self.head:
            self._wrong(0, f"the chain's head before it is {self.head.hex()}, it says {segment.head.hex()}")
        return end

    def _header(self, data: bytes, at: int) -> int:
        """The HEADER frame: where it ends, 0 where it is torn."""
        end = _end_of(data, at)
        if not end:
            return self._bad(data, at, 0)
        try:
            self.header = decode_header(data[at:end])
        except CodecError as error:
            self._wrong(at, f"no header: {error}")
        if self.header.run_id != self.run_id:
            self._wrong(at, f"the header is of run {self.header.run_id.hex()}, the segment of {self.run_id.hex()}")
        return end

    # --- the others

    def _rest(self, data: bytes, at: int) -> int:
        """Every other frame of a segment, in one tight loop; returns how many bytes of it are believed."""
        view, size, front, crc, fits, step = memoryview(data), len(data), _STEP, crc32, FITS, int(Kind.STEP)
        last, step_at, skim = self.last_seq, 0, self._skim
        while at < size:
            if skim is not None:
                at, last, found, count = skim(data, at, last)
                if count:
                    self.last_seq, step_at = last, found
                    self.frames += count
                    self._last_step = self._last_step if found else b""
                    continue
            if at + _FRONT > size:
                return self._bad(data, at, at)
            length, kind, _, seq = front(data, at)
            end = at + FRAME_BYTES + length
            if length < BODY_LEAST or end > size or crc(view[at + 4 : end]) != fits:
                return self._bad(data, at, at)
            if kind == step and length >= STEP_LEAST:
                if seq != last + 1:
                    self._repeats(data, at, seq, step_at)
                self.last_seq = last = seq
                step_at = at
                self.frames += 1
            elif kind == Kind.END:
                return self._end(data, at)
            else:
                self._other(view, at, kind, length, step_at)
                last = self.last_seq
                if kind == Kind.DATA_RUN:
                    step_at = 0
            at = end
        if step_at:
            self._last_step = data[step_at : step_at + _frame_size(data, step_at)]
        if self._start != size and self.number < self.count:
            self._wrong(size, f"it ends without a SEAL, and segment {self.number + 1} is there")
        return size

    def _other(self, view: memoryview, at: int, kind: int, length: int, step_at: int) -> None:
        """A frame that is neither a step nor the end."""
        if kind == Kind.DATA_RUN and length == 17:
            first, count = _RUN(view, at + 5)
            if first != self.last_seq + 1:
                self._repeats(view, at, first, step_at)
            if not count:
                self._wrong(at, "a stretch of no steps")
            self.last_seq = first + count - 1
            self.frames += 1
            self._last_step = b""
        elif kind == Kind.SEAL and length == SEAL_FRAME - FRAME_BYTES:
            self._seal(view, at)
        else:
            self._wrong(at, f"a frame of kind {kind} and {length} bytes, which has no place here")

    def _repeats(self, data: bytes | memoryview, at: int, seq: int, step_at: int) -> None:
        """A step that does not follow: only one that was interrupted, at `step_at` or in the segment before, may be done again."""
        before = bytes(data[step_at : step_at + _frame_size(data, step_at)]) if step_at else self._last_step
        if before and seq == self.last_seq and _was_interrupted(before):
            return
        self._wrong(at, f"seq {seq} follows seq {self.last_seq}")

    def _seal(self, view: memoryview, at: int) -> None:
        seq, head = _SEAL(view, at + 5)
        if seq != max(self.last_seq, 0):
            self._wrong(at, f"a SEAL of seq {seq} follows seq {self.last_seq}")
        chain = sha256(self.head)
        chain.update(view[self._start : at])
        if self._start == at or chain.digest() != head:
            self._wrong(at, f"the chain's head after the block from offset {self._start} on is not the sealed one")
        self.head = head
        self.blocks.append(Block(self.number, self._start, at, self.last_seq, head))
        self._start = at + SEAL_FRAME

    def _end(self, data: bytes, at: int) -> int:
        """The END frame, and its SEAL, which is written with it: one without the other is torn."""
        end = at + _frame_size(data, at)
        try:
            found = decode_end(data[at:end])
        except CodecError as error:
            self._wrong(at, str(error))
        if found.last_seq != max(self.last_seq, 0):
            self._wrong(at, f"the END of seq {found.last_seq} follows seq {self.last_seq}")
        if self.number < self.count:
            self._wrong(at, f"the run ends here, and segment {self.number + 1} is there")
        after = _end_of(data, end)
        if not after:
            return self._bad(data, end, at, "the END has no SEAL")
        if data[end + 4] != Kind.SEAL or after - end != SEAL_FRAME:
            self._wrong(end, f"a frame of kind {data[end + 4]} after the END, where its SEAL was wanted")
        self._seal(memoryview(data), end)
        if after != len(data):
            self._wrong(after, f"{len(data) - after} bytes after the end of the run")
        self.frames += 1
        self.end = found
        return after

    # --- what is wrong

    def _bad(self, data: bytes, at: int, believed: int, reason: str = "") -> int:
        """A bad frame at `at`: a torn tail from `believed` on, or raised."""
        reason = reason or why_bad(data, at)
        if self.number < self.count:
            self._wrong(at, f"{reason}, and segment {self.number + 1} is there: this is no torn tail")
        found = good_frame_after(data, at, max(self.last_seq, 0))
        if found is not None and not unwritten(data, at, found):
            self._wrong(at, f"{reason}, and a good frame is behind it at offset {found}: this is no torn tail")
        self.torn = Torn(segment_name(self.number), believed, len(data) - believed, reason)
        return believed

    @property
    def _name(self) -> str:
        return place(self.files, segment_name(self.number))

    def _wrong(self, at: int, what: str) -> NoReturn:
        raise JournalCorrupt(
            f"{self._name}, offset {at}, after seq {self.last_seq}: {what}",
            file=segment_name(self.number),
            offset=at,
            seq=self.last_seq,
        )


def _end_of(data: bytes, at: int) -> int:
    """Where the good frame at an offset ends; 0 where it is bad."""
    return 0 if why_bad(data, at) else at + _frame_size(data, at)


def _was_interrupted(frame: bytes) -> bool:
    """Whether a step was interrupted."""
    try:
        return decode_record(frame).interrupted
    except CodecError:
        return False


def _frame_size(data: bytes | memoryview, at: int) -> int:
    return FRAME_BYTES + int.from_bytes(data[at : at + 4], "little")


def _last_seq_of(block: Block) -> int:
    return block.last_seq


def _seal_end(block: Block) -> tuple[int, int]:
    """Where a block's SEAL ends."""
    return block.segment, block.end + SEAL_FRAME
