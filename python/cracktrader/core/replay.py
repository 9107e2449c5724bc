"""Replay: recorded steps through the engine again, in the recorded order, with the recorded answers or the strategies themselves. Every
frame must come out to the byte; the first that does not is named.

An engine with its venues does everything again, and can go on where the record ends; one made with `replaying=True` takes every item
from the record, reports of simulated venues included. Which files the frames come from is not here.
"""

from collections.abc import Iterable

from cracktrader.core.codec import (
    DataRun,
    Kind,
    Record,
    decode_data_run,
    decode_end,
    decode_record,
    encode_end,
    frames,
    seq_of,
)
from cracktrader.core.config import Config
from cracktrader.core.engine import Engine, Host, Response
from cracktrader.core.event import DataEnded, Event, RunStopped, Start
from cracktrader.core.sequencer import Origin
from cracktrader.core.view import View


class ReplayMismatch(Exception):
    """A replayed step differs from its record; `seq_id` names the step, `recorded` and `made` are its frames (empty where it is one of a
    stretch of data steps, or where there was nothing to take)."""

    def __init__(self, seq_id: int, recorded: bytes, made: bytes) -> None:
        super().__init__(f"the step with seq {seq_id} replays to other bytes than recorded")
        self.seq_id, self.recorded, self.made = seq_id, recorded, made


class RecordedHost:
    """Answers callbacks with what was recorded."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self._view: View | None = None

    def bind(self, view: View) -> None:
        """Take the view."""
        self._view = view

    def wants(self, strategy: int) -> int:
        """Everything: who answered is in the record."""
        del strategy
        return 2**64 - 1

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """The recorded answer of the strategy, or None."""
        del event, status_changed
        if self.record is None:
            return None
        assert self._view is not None
        if self.record.interrupted:
            return Response(interrupted=True)
        for answer in self.record.answers:
            if answer.strategy == strategy:
                self._view.restore(strategy, answer.random_counter, answer.next_timer)
                for declared in answer.declarations:
                    self._view.declare(strategy, declared)
                return Response([intent for intent, _ in answer.intents], answer.timers, answer.error)
        return None

    def pass_over(self, strategy: int) -> None:
        """Nothing: no answer was recorded."""


class Replay:
    """Recorded steps through one engine. What it has taken already is passed over, so that frames from before a checkpoint do no harm."""

    def __init__(self, engine: Engine, *, embedded: bool, until: int | None = None) -> None:
        """With `until`, it stops when the engine has taken that seq."""
        self.engine = engine
        self.until = until
        self._held: tuple[Record, bytes] | None = None
        """An interrupted step, until it is known whether it was done again: only where no venue can do it again."""
        engine.record_steps(embedded=embedded)

    def with_strategies(self, chunks: Iterable[bytes]) -> None:
        """Chunks of whole frames, with the engine's own strategies. ReplayMismatch where they answer otherwise."""
        self._follow(chunks, None)

    def with_answers(self, chunks: Iterable[bytes]) -> None:
        """Chunks of whole frames, with the recorded answers: no strategy is called."""
        host: Host = self.engine.host
        recorded = RecordedHost()
        recorded.bind(View(self.engine.state, self.engine.wakes))
        self.engine.host = recorded
        self.engine.ask_wants()
        try:
            self._follow(chunks, recorded)
        finally:
            self.engine.host = host
            self.engine.ask_wants()

    @property
    def _is_over(self) -> bool:
        return self.until is not None and self.engine.state.started and self.engine.state.seq >= self.until

    def _follow(self, chunks: Iterable[bytes], recorded: RecordedHost | None) -> None:
        for data in chunks:
            for kind, frame in frames(data):
                if self._is_over:
                    return
                if kind == Kind.STEP:
                    if not self._was_taken(seq_of(frame)):
                        self._step(decode_record(frame), frame, recorded)
                elif kind == Kind.DATA_RUN:
                    self._run(decode_data_run(frame), frame, recorded)
                elif kind == Kind.END:
                    self._end(frame)
        if self._held is not None:
            record, frame = self._held
            self._compare(record, frame, recorded)

    def _was_taken(self, seq: int) -> bool:
        return self.engine.state.started and seq <= self.engine.state.seq

    def _step(self, record: Record, frame: bytes, recorded: RecordedHost | None) -> None:
        self._held = None
        if not record.interrupted:
            self._compare(record, frame, recorded)
        elif self.engine.replaying:
            self._held = record, frame
        else:
            # It is done again, by the next record or by whoever goes on; what came from outside must not get lost.
            self._push(record)

    def _compare(self, record: Record, frame: bytes, recorded: RecordedHost | None) -> None:
        """Take the step and hold its frame against the recorded one."""
        if recorded is not None:
            recorded.record = record
        if self.engine.replaying:
            self._take(record, frame)
        elif not self._do_again(record):
            raise ReplayMismatch(record.event.seq_id, frame, b"")
        self.engine.outgoing.outbox.clear()
        if self.engine.last_record != frame:
            raise ReplayMismatch(record.event.seq_id, frame, self.engine.last_record)

    def _do_again(self, record: Record) -> bool:
        """Let the engine take its next step; False when it has none."""
        engine, payload = self.engine, record.event.payload
        if isinstance(payload, Start):
            engine.start()
        elif isinstance(payload, DataEnded):
            engine.end_data()
        elif isinstance(payload, RunStopped):
            engine.conclude()
        else:
            self._push(record)
            return engine.step()
        return True

    def _push(self, record: Record) -> None:
        """What came from outside comes from there again, unless an interrupted step left it waiting."""
        if record.origin is Origin.OUTSIDE and not self.engine.sequencer.outside:
            self.engine.push(record.event._replace(seq_id=0))

    def _take(self, record: Record, frame: bytes) -> None:
        """The recorded item; of attached data, the row it was."""
        item = record.event._replace(seq_id=0)
        if record.origin is Origin.DATA and self.engine.sequencer.rows:
            row = self.engine.next_data()
            if row is None or row != item:
                raise ReplayMismatch(record.event.seq_id, frame, b"")
        self.engine.take(item, record.depth, record.origin)

    def _run(self, run: DataRun, frame: bytes, recorded: RecordedHost | None) -> None:
        """A stretch of data steps, or the rest of it."""
        engine = self.engine
        if recorded is not None:
            recorded.record = None
        while engine.state.seq < run.last and not self._is_over:
            if not self._next_data_step():
                raise ReplayMismatch(engine.state.seq + 1, frame, b"")
            if not engine.idle:
                raise ReplayMismatch(engine.state.seq, b"", engine.last_record)

    def _next_data_step(self) -> bool:
        if not self.engine.replaying:
            return self.engine.step()
        row = self.engine.next_data()
        if row is None:
            return False
        self.engine.take(row, 0, Origin.DATA)
        return True

    def _end(self, frame: bytes) -> None:
        end = decode_end(frame)
        made = self.engine.end()
        if self.engine.replaying:
            # The venues have no part in it.
            made = made._replace(venues=end.venues)
        if made != end:
            raise ReplayMismatch(end.last_seq, frame, encode_end(made))


def replay(config: Config, records: Iterable[bytes]) -> Engine:
    """The engine after the recorded steps alone, without data or venues. ReplayMismatch at the first that differs, CodecError for bytes
    that are no record."""
    engine = Engine(config, RecordedHost(), record=True, replaying=True)
    Replay(engine, embedded=True).with_answers(records)
    return engine
