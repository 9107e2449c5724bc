"""Replay: recorded steps through the engine again, in the recorded order, with the recorded intents. Every record must come out to the
byte; the first that does not is named.

Reading a journal from disk, and re-running the strategies, are not here.
"""

from collections.abc import Iterable

from cracktrader.core.codec import Record, decode_record
from cracktrader.core.config import Config
from cracktrader.core.engine import Engine, Response
from cracktrader.core.event import Event
from cracktrader.core.view import View


class ReplayMismatch(Exception):
    """A replayed step differs from its record; `seq_id` names the step."""

    def __init__(self, seq_id: int) -> None:
        super().__init__(f"the step with seq {seq_id} replays to other bytes than recorded")
        self.seq_id = seq_id


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
        assert self.record is not None and self._view is not None
        if self.record.interrupted:
            return Response(interrupted=True)
        for answer in self.record.answers:
            if answer.strategy == strategy:
                self._view.restore(strategy, answer.random_counter, answer.next_timer)
                for declared in answer.declarations:
                    self._view.declare(strategy, declared)
                return Response([intent for intent, _ in answer.intents], answer.timers, answer.error)
        return None


def replay(config: Config, records: Iterable[bytes]) -> Engine:
    """The engine after the recorded steps. ReplayMismatch at the first that differs, CodecError for bytes that are no record."""
    host = RecordedHost()
    engine = Engine(config, host, record=True, replaying=True)
    for data in records:
        record = decode_record(data)
        host.record = record
        engine.take(record.event._replace(seq_id=0), record.depth)
        if engine.last_record != data:
            raise ReplayMismatch(record.event.seq_id)
    return engine
