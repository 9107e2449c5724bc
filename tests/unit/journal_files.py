"""Hand-made journals for the tests of the room: frames, a file system in memory that fails as told, and how a journal is written into it.

Deliberately not here: real runs, and a simulated power cut.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from itertools import count
from typing import NamedTuple

from cracktrader.core.codec import (
    DataRun,
    End,
    Header,
    Record,
    encode_data_run,
    encode_end,
    encode_header,
    encode_record,
)
from cracktrader.core.engine.journal import OS, JournalSpec, Resume
from cracktrader.core.event import Start, Transfer, event
from cracktrader.core.sequencer import Origin
from cracktrader.journal.files import Handle
from cracktrader.journal.writer import Writer

NO_IMAGES = b"\0" * 4
HEADER = Header(False, 1_500, b"a configuration", ())
Fault = Callable[[int, str], str | OSError | None]
"""What happens at the n-th call of an operation: "short", an error, or nothing."""


class Memory:
    """A folder in memory. `fault` is asked before each call; `synced` is what would survive a power cut at the least."""

    def __init__(self, files: dict[str, bytes] | None = None, fault: Fault | None = None) -> None:
        self.files: dict[str, bytearray] = {name: bytearray(data) for name, data in (files or {}).items()}
        self.synced: dict[str, int] = {}
        self.fault = fault
        self.calls = 0
        self._handles: dict[int, str] = {}
        self._numbers = count(3)

    def contents(self) -> dict[str, bytes]:
        """The files as they are."""
        return {name: bytes(data) for name, data in sorted(self.files.items())}

    def create(self, name: str) -> Handle:
        """See Files."""
        self._asked("create")
        if name in self.files:
            raise FileExistsError(errno.EEXIST, "it is there", name)
        self.files[name] = bytearray()
        return self._opened(name)

    def reopen(self, name: str, size: int) -> Handle:
        """See Files."""
        self._asked("reopen")
        if len(self.files[name]) < size:
            raise OSError(errno.EINVAL, "it is shorter")
        del self.files[name][size:]
        return self._opened(name)

    def write(self, handle: Handle, data: bytes) -> int:
        """See Files."""
        taken = data[: (len(data) + 1) // 2] if self._asked("write") == "short" else data
        self.files[self._handles[handle]] += taken
        return len(taken)

    def sync(self, handle: Handle) -> None:
        """See Files."""
        self._asked("sync")
        self.synced[self._handles[handle]] = len(self.files[self._handles[handle]])

    def close(self, handle: Handle) -> None:
        """See Files."""
        del self._handles[handle]
        self._asked("close")

    def sync_folder(self) -> None:
        """See Files."""
        self._asked("sync_folder")

    def read(self, name: str) -> bytes:
        """See Files."""
        self._asked("read")
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "it is not there", name)
        return bytes(self.files[name])

    def rename(self, old: str, new: str) -> None:
        """See Files."""
        self._asked("rename")
        self.files[new] = self.files.pop(old)

    def remove(self, name: str) -> None:
        """See Files."""
        self._asked("remove")
        del self.files[name]

    def names(self) -> list[str]:
        """See Files."""
        return sorted(self.files)

    def _opened(self, name: str) -> int:
        handle = next(self._numbers)
        self._handles[handle] = name
        return handle

    def _asked(self, operation: str) -> str:
        self.calls += 1
        answer = None if self.fault is None else self.fault(self.calls, operation)
        if isinstance(answer, OSError):
            raise answer
        return answer or ""


class Piece(NamedTuple):
    """What an engine hands over at once."""

    frames: bytes
    last_seq: int
    seals: bool


def step(seq: int, *, size: int = 0, interrupted: bool = False) -> bytes:
    """A step's frame with `size` bytes of padding."""
    item = event(Start() if seq == 0 else Transfer(0, seq, 0, 0), seq, key="x" * size)._replace(seq_id=seq)
    return encode_record(Record(Origin.OUTSIDE, item, 0, [], interrupted, []), NO_IMAGES, NO_IMAGES)


def run(first: int, count: int) -> bytes:
    """The frame of a stretch of data steps."""
    return encode_data_run(DataRun(first, count))


def end(seq: int) -> bytes:
    """The frame of a run's end."""
    return encode_end(End(seq, 0, b"d" * 32, b"v" * 32))


def pieces(blocks: int = 12, *, ended: bool = True, padding: int = 90) -> list[Piece]:
    """A story: blocks of a few steps, stretches of data, an interrupted step that is done again; handed over in halves."""
    told = [Piece(encode_header(HEADER) + step(0), 0, False)]
    seq = 0
    for block in range(blocks):
        seq += 1
        told.append(Piece(step(seq, size=7 * block), seq, False))
        interrupted = step(seq + 1, interrupted=True) if block % 3 == 1 else b""
        told.append(Piece(interrupted + step(seq + 1) + run(seq + 2, 5 + block), seq + 6 + block, False))
        seq += 7 + block
        told.append(Piece(step(seq, size=padding), seq, True))
    told.append(Piece(step(seq + 1), seq + 1, False))
    return [*told, Piece(end(seq + 1), seq + 1, True)] if ended else told


def spec(
    policy: int = OS, *, resume: Resume | None = None, records: int = 4, segment_bytes: int = 1_500
) -> JournalSpec:
    """How the story is written."""
    header = b"" if resume is not None else encode_header(HEADER)
    return JournalSpec("", HEADER.run_id, header, segment_bytes, policy, records, 1_000, resume=resume)


def written(told: Iterable[Piece], policy: int = OS, segment_bytes: int = 1_500) -> Memory:
    """The story in a file system."""
    files = Memory()
    writer = Writer(files, spec(policy, segment_bytes=segment_bytes))
    for piece in told:
        writer.append(*piece)
    writer.close()
    return files


def split(data: bytes) -> list[bytes]:
    """The frames of a segment."""
    found, at = [], 0
    while at < len(data):
        after = at + 8 + int.from_bytes(data[at : at + 4], "little")
        found.append(data[at:after])
        at = after
    return found
