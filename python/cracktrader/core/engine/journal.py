"""The journal of a run as the engine writes it: frames gathered into blocks and handed to a sink. Files, the chain and when what is
written is durable are the sink's affair.
"""

from typing import Any, NamedTuple, Protocol

from cracktrader.core.codec import BLOCK_BYTES, SEGMENT_BYTES, DataRun, End, encode_data_run, encode_end


class Sink(Protocol):
    """Who keeps a journal's frames."""

    def append(self, frames: bytes, last_seq: int, seals: bool) -> None:
        """Whole frames, the last of them of `last_seq`; whether the block ends with them."""

    def sync(self) -> None:
        """Return when everything appended is durable; under `OS`, when it is with the system."""


class Resume(NamedTuple):
    """Where a journal goes on."""

    segment: int
    size: int
    """Bytes of that segment to keep."""
    head: bytes
    open_frames: bytes
    """Frames since the last seal: the block goes on behind them."""
    last_seq: int
    pending_first: int
    pending_count: int
    """A stretch of data steps that is not written yet."""


class JournalSpec(NamedTuple):
    """A journal to open."""

    folder: str
    """Of the segments."""
    run_id: bytes
    header: bytes
    """The neutral header as a frame; empty when resuming."""
    segment_bytes: int = SEGMENT_BYTES
    policy: int = 0
    """0 os, 1 group, 2 always."""
    records: int = 0
    milliseconds: int = 0
    """Of the group policy: durable after so many recorded steps, or so long."""
    embedded: bool = False
    """Whether rows that change nothing are written, too."""
    resume: Resume | None = None
    files: Any = None
    """A file system instead of the real one, for faults; nothing then runs on a thread of its own."""


class JournalPosition(NamedTuple):
    """How far a journal is written, for a checkpoint."""

    segment: int
    offset: int
    head: bytes
    """The chain's head at the last seal."""
    last_seq: int
    pending_first: int
    pending_count: int


OS, GROUP, ALWAYS = range(3)


class Journal:
    """The open block of a journal, and the stretch of data steps under way."""

    def __init__(self, spec: JournalSpec, sink: Sink) -> None:
        self.sink = sink
        self.embedded = spec.embedded
        self.pending_first = self.pending_count = 0
        self._frames = bytearray(spec.header)
        self._size = len(spec.header)
        """Of the block under way, handed over or not."""
        self._last_seq = 0
        self._waits = spec.policy == ALWAYS
        self._every = {OS: 0, GROUP: spec.records, ALWAYS: 1}[spec.policy]
        """Hand over after so many frames; 0 waits for the end of the block."""
        self._since = 0
        if spec.resume is not None:
            self._size = len(spec.resume.open_frames)
            self._last_seq = spec.resume.last_seq
            self.pending_first, self.pending_count = spec.resume.pending_first, spec.resume.pending_count

    def idle(self, seq: int) -> None:
        """A data step that changed nothing."""
        if not self.pending_count:
            self.pending_first = seq
        self.pending_count += 1

    def step(self, frame: bytes, seq: int, *, leaves: bool) -> None:
        """A recorded step; whether commands are to leave the process because of it. They may when this returns."""
        self._settle()
        self._add(frame, seq)
        if leaves or self._size >= BLOCK_BYTES:
            self._hand_over(seals=True)
        elif self._every and self._since >= self._every:
            self._hand_over(seals=False)
        if leaves and self._waits:
            self.sink.sync()

    def end(self, end: End) -> None:
        """The run concluded."""
        self._settle()
        self._add(encode_end(end), end.last_seq)
        self._hand_over(seals=True)

    def flush(self) -> None:
        """Hand over what there is. A stretch of data steps stays: a timed sync leaves no trace in the bytes."""
        if self._frames:
            self._hand_over(seals=False)

    def _settle(self) -> None:
        """Write the stretch of data steps under way."""
        if self.pending_count:
            run = DataRun(self.pending_first, self.pending_count)
            self.pending_first = self.pending_count = 0
            self._add(encode_data_run(run), run.last)

    def _add(self, frame: bytes, seq: int) -> None:
        self._frames += frame
        self._size += len(frame)
        self._last_seq = seq
        self._since += 1

    def _hand_over(self, *, seals: bool) -> None:
        taken = bytes(self._frames)
        self._frames.clear()
        self._since = 0
        if seals:
            self._size = 0
        self.sink.append(taken, self._last_seq, seals)
