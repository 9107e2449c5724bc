"""The writer of a run's journal: frames into segments, the chain over blocks, and what is durable when. It writes the bytes of the Rust
writer (crates/journal), which mirrors it.

The order of steps is chosen so that a crash between any two of them leaves a journal that recovery understands: a segment ends with a
SEAL before the next one exists, and nothing is written into a segment whose name may still be lost. Deliberately not here: what is in a
frame, reading, and the thread (`thread`).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from cracktrader.core.codec import FRAME_BYTES, Seal, Segment, encode_seal, encode_segment
from cracktrader.core.engine.journal import GROUP, OS, JournalPosition, JournalSpec
from cracktrader.errors import JournalError
from cracktrader.journal.files import SEGMENT_FRAME, Files, Handle, again, place, segment_name, write_all

if TYPE_CHECKING:
    from cracktrader.core.engine.journal import Resume

T = TypeVar("T")

REMEDY = "nothing after the last durable step is acknowledged: see to the disk, then run `cracktrader recover`"


class Writer:
    """Writes one journal, inline. After an error every call raises that error: it is never tried again.

    Policies (`spec.policy`): `os` leaves it to the system when what is written reaches the disk, and never syncs; `group` syncs after
    `spec.records` frames (whoever drives it looks at the clock, see `Threaded`); under `always` the engine calls `sync` before a command
    leaves.
    """

    def __init__(self, files: Files, spec: JournalSpec) -> None:
        self.files = files
        self.policy, self.records, self.segment_bytes = spec.policy, spec.records, spec.segment_bytes
        self.durable_seq = 0
        """The last step that the policy counts as safe: on the medium, or for `os` with the system."""
        self.unsynced = 0
        """Frames since the last sync."""
        self._run_id = spec.run_id
        self._segment = self._offset = self._last_seq = 0
        self._head = spec.run_id
        self._block = sha256(spec.run_id)
        self._open = self._full = False
        self._current: tuple[str, Handle] | None = None
        self._failed: JournalError | None = None
        self._keep(self._begin_segment if spec.resume is None else lambda: self._resume(spec.resume))

    def append(self, frames: bytes, last_seq: int, seals: bool) -> None:
        """Write whole frames up to the step `last_seq`; `seals`: the block ends with them. JournalError."""
        self._alive()
        self._keep(lambda: self._append(frames, last_seq, seals))

    def sync(self) -> None:
        """Return when all that was appended is on the medium, or for `os` with the system. JournalError."""
        self._alive()
        self._keep(self._sync)

    def close(self) -> None:
        """Done: what was appended is written, and on the medium but for `os`. JournalError."""
        if self._current is None and self._failed is None:
            return
        self._alive()
        self._keep(self._close)

    def position(self) -> JournalPosition:
        """How far the journal is written; a stretch of data steps that the engine still holds is not in it."""
        return JournalPosition(self._segment, self._offset, self._head, self._last_seq, 0, 0)

    # --- segments

    def _resume(self, resume: Resume | None) -> None:
        assert resume is not None
        name = segment_name(resume.segment)
        self._current = name, self._try("reopen", name, lambda: self.files.reopen(name, resume.size))
        self._segment, self._offset, self._head = resume.segment, resume.size, resume.head
        self._last_seq = resume.last_seq
        self._block = sha256(resume.head + resume.open_frames)
        self._open = bool(resume.open_frames)
        # The crash was between the SEAL that ended the segment and the next one.
        self._full = not self._open and resume.size >= self.segment_bytes and resume.size > SEGMENT_FRAME
        self.durable_seq = resume.last_seq
        # Who wrote the kept part may have died before it was on the medium.
        self.unsynced = 1
        self._sync_with_name()

    def _begin_segment(self) -> None:
        """A segment is made whole before anything is written into it: its SEGMENT frame, and its name in the folder."""
        self._segment += 1
        name = segment_name(self._segment)
        self._current = name, self._try("create", name, lambda: self.files.create(name))
        self._offset = 0
        self._write(encode_segment(Segment(self._segment, self._run_id, self._head)))
        self.unsynced += 1
        self._full = False
        self._sync_with_name()

    def _rotate(self) -> None:
        assert self._current is not None
        self._sync()
        self._close_file(self._current)
        self._begin_segment()

    # --- what the public calls do

    def _append(self, frames: bytes, last_seq: int, seals: bool) -> None:
        if self._full:
            self._rotate()
        self._open = self._open or bool(frames)
        self._block.update(frames)
        seals = seals and self._open
        written = frames
        if seals:
            self._head = self._block.digest()
            self._block = sha256(self._head)
            self._open = False
            written += encode_seal(Seal(last_seq, self._head))
        self._write(written)
        self.unsynced += count_frames(frames)
        self._last_seq = last_seq
        self._full = seals and self._offset >= self.segment_bytes
        if self.policy == OS:
            self.durable_seq = last_seq
        elif self.policy == GROUP and self.unsynced >= self.records:
            self._sync()

    def _sync(self) -> None:
        if self.unsynced and self.policy != OS:
            assert self._current is not None
            name, handle = self._current
            self._try("sync", name, lambda: self.files.sync(handle))
        self.unsynced = 0
        self.durable_seq = self._last_seq

    def _sync_with_name(self) -> None:
        self._sync()
        if self.policy != OS:
            self._try("sync", "", self.files.sync_folder)

    def _close(self) -> None:
        self._sync()
        assert self._current is not None
        ended, self._current = self._current, None
        self._close_file(ended)

    # --- files

    def _write(self, data: bytes) -> None:
        assert self._current is not None
        name, handle = self._current
        self._try("write", name, lambda: write_all(self.files, handle, data))
        self._offset += len(data)

    def _close_file(self, opened: tuple[str, Handle]) -> None:
        """An interrupted close is done: the descriptor is gone."""
        try:
            self.files.close(opened[1])
        except InterruptedError:
            pass
        except OSError as error:
            raise self._failure("close", opened[0], error) from error

    # --- errors

    def _try(self, operation: str, name: str, call: Callable[[], T]) -> T:
        try:
            return again(call)
        except OSError as error:
            raise self._failure(operation, name, error) from error

    def _failure(self, operation: str, name: str, error: OSError) -> JournalError:
        where = place(self.files, name) if name else "the folder of segments"
        what = error.strerror or str(error)
        return JournalError(f"cannot {operation} {where}: {what}; durable up to seq {self.durable_seq}: {REMEDY}")

    def _alive(self) -> None:
        if self._failed is not None:
            raise JournalError(str(self._failed)) from self._failed
        if self._current is None:
            raise JournalError("the journal is closed")

    def _keep(self, call: Callable[[], None]) -> None:
        """The first error ends the journal: after a failed sync nobody knows what is on the medium, and asking again would lie."""
        try:
            call()
        except JournalError as error:
            self._failed = error
            raise
        except BaseException as error:
            # An interrupt between two writes leaves half a frame: nothing may follow it.
            self._failed = JournalError(f"the journal was cut short by {type(error).__name__}: {REMEDY}")
            raise


def count_frames(frames: bytes) -> int:
    """How many frames whole frames are."""
    at = count = 0
    while at < len(frames):
        at += FRAME_BYTES + int.from_bytes(frames[at : at + 4], "little")
        count += 1
    return count
