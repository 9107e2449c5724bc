"""The end of a journal that a crash cut off: what makes a frame bad, whether a good one is behind it, and the cut that keeps what it takes.

Deliberately not here: the way through a journal; that is `reader`.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from cracktrader.core.codec import FRAME_BYTES, Kind
from cracktrader.errors import JournalError
from cracktrader.journal.files import (
    SEGMENT_FRAME,
    Files,
    again,
    close_quietly,
    place,
    put,
    read,
    segment_name,
    segment_number,
)

if TYPE_CHECKING:
    from cracktrader.journal.reader import Scan

FITS = 0x2144DF1C
"""CRC-32 over any bytes followed by their own CRC-32."""
BODY_LEAST = 17
"""Bytes of the shortest body, a DATA_RUN's. Zeros, as a power cut leaves them, would else be frames of nothing."""
STEP_LEAST = 61
"""No step is shorter: kind, origin, envelope, an empty key, depth, and the counts of its lists."""
SECTOR = 512
"""Bytes that a medium writes all or none of."""
_CANDIDATE = re.compile(
    rb"(?=\x11\0\0\0\x04|\x29\0\0\0\x05|\x4b\0\0\0\x06|\x4f\0\0\0\x01CTJOURNL|[\s\S]{4}\x03[\0-\2][\s\S]{24}[\0-\3])"
)
"""Where a frame may begin: a length and a kind that go together, and of a step an origin and a source that there are."""
_LENGTH = Struct("<I").unpack_from
_SEQ = Struct("<Q").unpack_from
_SEQ_AT = {Kind.STEP: 6, Kind.DATA_RUN: 5, Kind.SEAL: 5, Kind.END: 5}
_SEQS = 2**48
"""A later step is not this much later. Looked at before the CRC, it keeps the search linear in what a tail may hold."""


class Torn(NamedTuple):
    """A torn tail: in which segment, from where on, how many bytes, and why."""

    file: str
    offset: int
    size: int
    reason: str


def why_bad(data: bytes, at: int) -> str:
    """Why no good frame is at an offset, or ''."""
    left = len(data) - at
    if left < FRAME_BYTES + BODY_LEAST:
        return f"{left} bytes are no frame"
    length = _LENGTH(data, at)[0]
    if length > left - FRAME_BYTES:
        return f"a frame of {length + FRAME_BYTES} bytes passes the end of the file"
    if length < BODY_LEAST or crc32(memoryview(data)[at + 4 : at + length + FRAME_BYTES]) != FITS:
        return "the frame's CRC does not fit"
    return ""


def good_frame_after(data: bytes, bad: int, last_seq: int) -> int | None:
    """The offset of a good frame anywhere behind a bad one, which would be no tail then; None where there is none."""
    if (
        bad == 0
        and data[SEGMENT_FRAME + 4 : SEGMENT_FRAME + 5] == bytes((Kind.HEADER,))
        and not why_bad(data, SEGMENT_FRAME)
    ):
        return SEGMENT_FRAME
    for found in _CANDIDATE.finditer(data, bad + 1):
        at = found.start()
        seq_at = _SEQ_AT.get(Kind(data[at + 4]))
        if seq_at is not None and at + seq_at + 8 <= len(data):
            seq = _SEQ(data, at + seq_at)[0]
            if not last_seq <= seq < last_seq + _SEQS:
                continue
        if not why_bad(data, at):
            return at
    return None


def unwritten(data: bytes, bad: int, good: int) -> bool:
    """Whether a sector between a bad frame and a good one behind it was never written.

    Pages reach a medium in any order until a sync returns, so a power cut may leave the later of two and not the earlier: zeros to a
    sector's end, from its beginning or from where the frame begins. No flipped bit makes zeros of a frame's first five bytes.
    """
    start = bad
    while (end := start - start % SECTOR + SECTOR) <= good:
        if not any(data[start:end]) and (start > bad or end - start > 4 or not _was_length(data, bad, end - bad)):
            return True
        start = end
    return False


def _was_length(data: bytes, at: int, zeros: int) -> bool:
    """Whether one bit among the first bytes of a frame, which are zeros, would make it good: then it was flipped."""
    for bit in range(8 * zeros):
        length = _LENGTH(data, at)[0] | 1 << bit
        frame = length.to_bytes(4, "little") + data[at + 4 : at + FRAME_BYTES + length]
        if not why_bad(frame, 0):
            return True
    return False


def cut(scan: Scan, kept: Files) -> Torn | None:
    """Cut the torn tail off a journal, whose folder is locked, and make everything that stays durable.

    What is cut is first copied to `kept` (the folder `torn/`) and durable there. A segment of which nothing is left is removed: the writer
    makes it again. Returns what was cut. JournalError where the disk refuses; the journal is then as it was, or cut.
    """
    files, torn = scan.files, scan.torn
    try:
        if torn is not None:
            _keep(files, kept, torn)
            if not torn.offset:
                again(lambda: files.remove(torn.file))
        for number, size in enumerate(scan.sizes, start=1):
            _settle(files, segment_name(number), size)
        again(files.sync_folder)
    except OSError as error:
        what = "the torn tail" if torn is None else f"{torn.size} bytes of torn tail from {place(files, torn.file)}"
        raise JournalError(f"cannot cut {what}: {error}: see to the disk and try again") from error
    return torn


def _keep(files: Files, kept: Files, torn: Torn) -> None:
    tail = read(files, torn.file)[torn.offset :]
    name = f"{segment_number(torn.file):06d}-{torn.offset}"
    taken, copy, number = kept.names(), f"{name}.bin", 1
    while copy in taken and read(kept, copy) != tail:
        number += 1
        copy = f"{name}-{number}.bin"
    put(kept, copy, tail)


def _settle(files: Files, name: str, size: int) -> None:
    """A segment has its size, on the medium: whoever wrote it may have died before a sync."""
    handle = again(lambda: files.reopen(name, size))
    try:
        again(lambda: files.sync(handle))
    finally:
        close_quietly(files, handle)
