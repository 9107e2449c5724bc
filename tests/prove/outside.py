"""A run whose venue is outside the process, as live ones are: commands leave, reports are pushed. Under `always` a command that was taken
is an acknowledgement that its step is durable.

The venue answers by rote: each command has the same answers whenever it is sent, so an interrupted run goes on with those that it has not
taken yet. Deliberately not here: the runtime of live venues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cracktrader.backend import Machine
from cracktrader.core.codec import Header, Kind, Record, decode_record, encode_config, encode_header, frames
from cracktrader.core.engine import JournalSpec
from cracktrader.core.engine.journal import ALWAYS
from cracktrader.core.event import Accepted, Cancelled, Event, Filled, Replaced, event
from cracktrader.core.matching import Command
from cracktrader.core.order import OrderType
from cracktrader.core.sequencer import Origin
from cracktrader.data.columns import BarColumns
from cracktrader.journal.files import Files
from cracktrader.journal.reader import Scan, scan
from cracktrader.journal.tail import cut
from cracktrader.runtime.declare import Options
from cracktrader.runtime.setup import Setup, set_up
from tests.prove.traders import Quoter

Acknowledge = Callable[[int], None]
"""Told the seq of the step whose commands have left."""
SEGMENT = 4_096


@dataclass(frozen=True)
class Outside:
    """A run, and what its venue will say: (the step after which it says it, the report), from a run that nothing interrupted."""

    setup: Setup
    header: Header
    script: tuple[tuple[int, Event], ...] = ()

    @classmethod
    def of(cls, loaded: list[BarColumns]) -> Outside:
        """A run over these bars."""
        setup = set_up([Quoter()], loaded, Options(cash=1_000_000, account="margin"))
        venues = tuple(replace(one, simulated=False) for one in setup.config.venues)
        setup = replace(setup, config=replace(setup.config, venues=venues))
        return cls(setup, Header(False, SEGMENT, encode_config(setup.config), ()))

    def scripted(self, engine: str, files: Files) -> Outside:
        """The same with the venue's script, which an uninterrupted run writes."""
        script: list[tuple[int, Event]] = []
        run = self._machine(engine)
        run.open_journal(self._spec(files, None))
        self._drive(run, lambda seq: None, script, None)
        return replace(self, script=tuple(script))

    def run(self, engine: str, files: Files | str, acknowledge: Acknowledge) -> Machine:
        """From the beginning to the end."""
        run = self._machine(engine)
        run.open_journal(self._spec(files, None))
        self._drive(run, acknowledge, None, 0)
        return run

    def recover(self, engine: str, files: Files, torn: Files, acknowledge: Acknowledge, folder: str = "") -> Machine:
        """From where the journal ends, to the end. `folder` where the real file system is to be written."""
        cut(scan(files), torn)
        found = scan(files)
        run = self._machine(engine)
        run.replay(found.frames(), strategies=True)
        if found.end is not None:
            return run
        taken = {one.event.idempotency_key for one in _records(found) if one.origin is Origin.OUTSIDE}
        said = [item for after, item in self.script if after <= run.seq]
        for item in said:
            if item.idempotency_key not in taken:
                run.push(item)
        run.open_journal(self._spec(folder or files, found))
        self._drive(run, acknowledge, None, len(said))
        return run

    def _machine(self, engine: str) -> Machine:
        return self.setup.start(engine, [Quoter()])[0]

    def _spec(self, files: Files | str, resumed: Scan | None) -> JournalSpec:
        where = {"folder": files} if isinstance(files, str) else {"folder": "", "files": files}
        resume = None if resumed is None else resumed.resume()
        header = encode_header(self.header) if resumed is None else b""
        return JournalSpec(
            run_id=self.header.run_id, header=header, segment_bytes=SEGMENT, policy=ALWAYS, resume=resume, **where
        )

    def _drive(
        self, run: Machine, acknowledge: Acknowledge, script: list[tuple[int, Event]] | None, said: int | None
    ) -> None:
        """Step; what is commanded is acknowledged and answered: into the script, or from it."""
        while not run.exhausted and not run.stopped and run.step():
            commands = run.take_outbox()
            if commands:
                acknowledge(run.seq)
            if script is not None:
                for command in commands:
                    for item in _answers(run, command, len(script) + 1):
                        script.append((run.seq, item))
                        run.push(item)
                continue
            assert said is not None
            while said < len(self.script) and self.script[said][0] <= run.seq:
                run.push(self.script[said][1])
                said += 1
        run.finish()
        run.close_journal()


def _records(found: Scan) -> list[Record]:
    return [decode_record(frame) for chunk in found.frames() for kind, frame in frames(chunk) if kind == Kind.STEP]


def _answers(run: Machine, command: Command, number: int) -> list[Event]:
    """What the venue says to a command, its reports numbered from `number` on: every second limit fills at once."""
    kind, order = int(command.kind), command.order
    price = run.mark(command.instrument) if command.order_type == OrderType.MARKET else command.limit_price
    fills = command.order_type == OrderType.MARKET or order % 2 == 0
    payloads: list[Any] = {
        0: [Accepted(order), *([Filled(order, command.quantity, price, 1, 0, 0, 0)] if fills else [])],
        1: [Cancelled(order, 0, "")],
        2: [Replaced(order, command.quantity, command.limit_price, command.stop_price)],
    }[kind]
    return [
        event(one, run.now + 1 + place, venue=0, account=0, instrument=command.instrument, key=str(number + place))
        for place, one in enumerate(payloads)
    ]
