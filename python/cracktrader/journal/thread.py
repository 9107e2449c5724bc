"""The writer on a thread of its own, behind a queue that is bounded by bytes: hashing, writing and syncing let go of the interpreter, so
that they cost the engine little until the queue is full, and then they hold it back.

Deliberately not here: what is written where; that is `writer`.
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from time import monotonic
from typing import NamedTuple

from cracktrader.core.engine.journal import GROUP, JournalPosition, JournalSpec
from cracktrader.errors import JournalError
from cracktrader.journal.files import Files
from cracktrader.journal.writer import REMEDY, Writer

QUEUE_BYTES = 8 * 1024 * 1024
"""Bytes that may wait to be written; a larger batch goes in alone."""


class _Batch(NamedTuple):
    frames: bytes
    last_seq: int
    seals: bool


class Threaded:
    """A `Writer` on its own thread. After an error every call raises that error."""

    def __init__(self, files: Files, spec: JournalSpec, queue_bytes: int = QUEUE_BYTES) -> None:
        self._writer = Writer(files, spec)
        self._patience = spec.milliseconds / 1000 if spec.policy == GROUP else None
        """Seconds that a frame may wait for a sync."""
        self._most = queue_bytes
        self._queue: deque[_Batch] = deque()
        self._bytes = 0
        self._asked = self._synced = 0
        self._closing = self._ended = False
        self._failed: JournalError | None = None
        self._position = self._writer.position()
        self._durable_seq = self._writer.durable_seq
        self._state = Condition()
        self._thread = Thread(target=self._run, name="cracktrader-journal", daemon=True)
        self._thread.start()

    @property
    def durable_seq(self) -> int:
        """The last step that the policy counts as safe: on the medium, or for `os` with the system."""
        return self._durable_seq

    def append(self, frames: bytes, last_seq: int, seals: bool) -> None:
        """Queue whole frames up to the step `last_seq`; waits while the queue is full. JournalError."""
        queued = False
        try:
            with self._state:
                while self._bytes and self._bytes + len(frames) > self._most and not self._ended:
                    self._state.wait()
                self._alive()
                self._queue.append(_Batch(frames, last_seq, seals))
                queued = True
                self._bytes += len(frames)
                self._state.notify_all()
        except JournalError:
            raise
        except BaseException as error:
            # An interrupted wait leaves the frames out: nothing may follow them.
            if not queued:
                self._failed = JournalError(f"the journal was cut short by {type(error).__name__}: {REMEDY}")
            raise

    def sync(self) -> None:
        """Wait until all that was appended is on the medium, or for `os` with the system. JournalError."""
        with self._state:
            self._alive()
            self._asked += 1
            mine = self._asked
            self._state.notify_all()
            while self._synced < mine and not self._ended:
                self._state.wait()
            self._alive()

    def position(self) -> JournalPosition:
        """How far the journal is written at the last `sync`."""
        with self._state:
            return self._position

    def close(self) -> None:
        """Wait until all that was appended is written, and on the medium but for `os`; the thread ends. JournalError."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._thread.join()
        if self._failed is not None:
            raise JournalError(str(self._failed)) from self._failed

    def _alive(self) -> None:
        if self._failed is not None:
            raise JournalError(str(self._failed)) from self._failed
        if self._ended or self._closing:
            raise JournalError("the journal is closed")

    # --- on the writer's thread

    def _run(self) -> None:
        failed: JournalError | None = None
        try:
            self._serve()
        except JournalError as error:
            failed = error
        except BaseException as error:
            failed = JournalError(f"the journal's thread ended with {type(error).__name__}: {error}: {REMEDY}")
        with self._state:
            self._failed = self._failed or failed
            self._ended = True
            self._state.notify_all()

    def _serve(self) -> None:
        due: float | None = None
        while True:
            batches, asked, closing = self._next(due)
            for batch in batches:
                self._writer.append(*batch)
                due = self._due(due)
                if due is not None and due <= monotonic():
                    self._writer.sync()
                    due = None
                self._wrote(len(batch.frames))
            if batches:
                continue
            if closing and asked == self._synced:
                self._writer.close()
                self._wrote(0)
                return
            # Somebody waits for a sync, or the oldest frame has waited long enough.
            self._writer.sync()
            due = None
            self._wrote(0, asked)

    def _next(self, due: float | None) -> tuple[list[_Batch], int, bool]:
        """Wait for something to do. What was queued before a sync was asked for is written before it."""
        with self._state:
            while not (self._queue or self._asked > self._synced or self._closing):
                left = None if due is None else due - monotonic()
                if left is not None and left <= 0:
                    break
                self._state.wait(left)
            if self._failed is not None:
                raise self._failed
            taken = list(self._queue)
            self._queue.clear()
            return taken, self._asked, self._closing

    def _due(self, due: float | None) -> float | None:
        """When the frames that are not synced have waited long enough: as long after the first of them as the group may wait."""
        if self._patience is None or not self._writer.unsynced:
            return None
        return monotonic() + self._patience if due is None else due

    def _wrote(self, size: int, synced: int | None = None) -> None:
        with self._state:
            self._bytes -= size
            self._durable_seq = self._writer.durable_seq
            if synced is not None:
                self._synced, self._position = synced, self._writer.position()
            self._state.notify_all()
