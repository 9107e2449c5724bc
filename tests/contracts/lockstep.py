"""Engines in step: one scenario on every engine at once, compared after each event with each other and with the independent ledger.

Compared: whether a step was taken, record bytes, state root, the simulated venues' bytes, what left for outside venues, what strategies
saw, and what the ledger says of every order, position and balance that the step touched. Deliberately not here: where scenarios come from.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

from ledger import Disagreement, Ledger
from reached import Coverage
from scenario import UNKNOWN_ORDINAL, Item, Scenario, ScriptedHost

from cracktrader import backend
from cracktrader.core.codec import Record, decode_record
from cracktrader.core.event import Bar
from cracktrader.core.intent import OrderId, PlaceOrder
from cracktrader.core.reject import RejectCode
from cracktrader.core.replay import ReplayMismatch, replay
from cracktrader.core.units import ENGINE_VENUE

FULL_ROOT_EVERY = 50
RESUMES_OF = 4
"""One in so many scenarios goes on from checkpoints."""
RESUME_EVERY = 37
"""Every so many steps of it."""
LEFT_BEHIND = ("executions", "closed", "equity")
"""What a run leaves behind, which no checkpoint holds."""
VENUE_CODES = range(RejectCode.V_FUNDS, RejectCode.V_FUNDS + 100)


class Divergence(Exception):
    """The engines, or an engine and the ledger, differ: what, at which event, and how. `steps` is how many steps show it."""

    def __init__(self, what: str, event: int, steps: int, detail: str) -> None:
        super().__init__(f"{what} differs at event {event}: {detail}")
        self.what, self.event, self.steps, self.detail = what, event, steps, detail


class Lockstep:
    """One run of a scenario on several engines; the first one leads."""

    def __init__(
        self,
        scenario: Scenario,
        engines: Sequence[str],
        *,
        leader: ScriptedHost | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        self.scenario, self.engines = scenario, tuple(engines)
        self.coverage = coverage or Coverage()
        self.hosts = [leader or ScriptedHost(scenario), *(ScriptedHost(scenario) for _ in engines[1:])]
        self.machines: list[Any] = [
            backend.machine(engine, scenario.config, host, record=True)
            for engine, host in zip(engines, self.hosts, strict=True)
        ]
        # Half of the scenarios with conditions have followers that are called on every bar and filter for themselves.
        for host in self.hosts[1:]:
            host.filters = scenario.seed % 16 < 8
        self.ledger = Ledger(scenario.config)
        self.taken = 0
        """Steps taken before the end of the data."""
        self.events = 0
        self.finishing = False
        self.pushed: list[Item] = []
        """Items given so far, each after as many steps as had been taken."""
        self.records: list[bytes] = []
        self.ordinals: dict[OrderId, int] = {}
        self._simulated = {index for index, venue in enumerate(scenario.config.venues) if venue.simulated}
        self._stopped = 0
        self._left: list[dict[str, list[Any]]] = [{name: [] for name in LEFT_BEHIND} for _ in engines]
        """Of each machine what those before it left behind."""
        self._rows = scenario.rows()
        for machine in self.machines:
            self._attach(machine)

    def _attach(self, machine: Any) -> None:
        for stream, columns in self._rows.items():
            machine.attach(stream, columns)
        for venue, sessions in self.scenario.session_rows().items():
            machine.attach_sessions(venue, sessions)
        for instrument, scheduled in self.scenario.scheduled().items():
            machine.attach_schedule(instrument, scheduled)

    def push(self, item: Item) -> None:
        """Give an item to every engine; the order it is about is looked up by name."""
        self.pushed.append(Item(self.taken, item.event, item.order))
        made = item.event
        if item.order:
            name = self.hosts[0].ids.get(item.order)
            ordinal = UNKNOWN_ORDINAL if name is None else self.ordinals.get(name, UNKNOWN_ORDINAL)
            made = made._replace(payload=made.payload._replace(order=ordinal))
        for machine in self.machines:
            machine.push(made)

    def step(self) -> bool:
        """One step on every engine; False when none had anything left."""
        self.events += 1
        went = [self._guarded(index, machine.step) for index, machine in enumerate(self.machines)]
        self._same("whether a step was taken", went)
        if not went[0]:
            self.events -= 1
            return False
        self.taken += not self.finishing
        self._compare()
        if (
            self.scenario.seed % RESUMES_OF == 0
            and self.events % RESUME_EVERY == 0
            and not self.machines[0].interrupted
        ):
            self._guarded(0, self._resume)
        return True

    def _resume(self) -> None:
        """The engines that follow go on from here as new ones, from the leader's checkpoint; the leader itself was never stopped. Now and
        then, and where none follows, another Python core does from here on."""
        data = self.machines[0].checkpoint()
        self._same("checkpoint", [machine.checkpoint() for machine in self.machines])
        for index, old in enumerate(self.machines[1:], start=1):
            for name in LEFT_BEHIND:
                self._left[index][name] += _plain(getattr(old, name)())
            self.machines[index] = self._restored(index, data)
        if len(self.machines) == 1 or (self.scenario.seed % (4 * RESUMES_OF) == 0 and len(self.machines) == 2):
            host = ScriptedHost(self.scenario)
            host.follow(self.hosts[0])
            self.hosts.append(host)
            self.engines += ("python",)
            self._left.append({name: _plain(getattr(self.machines[0], name)()) for name in LEFT_BEHIND})
            self.machines.append(self._restored(len(self.machines), data))
        self.coverage.resumed += len(self.machines) - 1
        self._same("checkpoint", [data, *(machine.checkpoint() for machine in self.machines)])

    def _restored(self, index: int, data: bytes) -> Any:
        machine = backend.machine(self.engines[index], self.scenario.config, self.hosts[index], record=True)
        self._attach(machine)
        machine.restore(data)
        if any(answer.wakes for answer in self.scenario.answers.values()):
            self.hosts[index].binds = True
            machine.bind_again()
            self.hosts[index].binds = False
        return machine

    def finish(self) -> None:
        """The end of the data, event by event, and a last comparison of everything."""
        if not self.events:
            self.step()
        lead = self.machines[0]
        self.finishing = True
        if not lead.interrupted:
            self._all("end_data")
            while self.step() and not lead.interrupted:
                pass
        if not lead.interrupted:
            self._all("conclude")
        self._agree(lead, everything=True)
        for name in ("digest", "counters"):
            self._same(name, [getattr(machine, name)() for machine in self.machines])
        for name in LEFT_BEHIND:
            left = [one[name] for one in self._left]
            now = [_plain(getattr(machine, name)()) for machine in self.machines]
            self._same(name, [[*before, *after] for before, after in zip(left, now, strict=True)])
        self._same("full root", [lead.root(), *(machine.full_root() for machine in self.machines)])

    def _all(self, name: str) -> None:
        """One event that every engine makes itself."""
        self.events += 1
        for index, machine in enumerate(self.machines):
            self._guarded(index, getattr(machine, name))
        self._compare()

    def check_replay(self) -> None:
        """The records so far, replayed on the Python core, come out to the byte and lead to the same state."""
        try:
            engine = replay(self.scenario.config, self.records)
        except ReplayMismatch as error:
            raise self._divergence("replay", str(error)) from error
        self._same("state after replay", [self.machines[0].digest(), engine.digest()])

    # --- comparing

    def _compare(self) -> None:
        lead = self.machines[0]
        self._same("record", [machine.last_record for machine in self.machines])
        self._same_state()
        if self.events % FULL_ROOT_EVERY == 0:
            self._same("full root", [lead.root(), *(machine.full_root() for machine in self.machines)])
        self._follow(lead)
        self._agree(lead)

    def _same_state(self) -> None:
        machines = self.machines
        self._same("root", [machine.root() for machine in machines])
        if len(machines) > 1:
            self._same("what strategies saw", [host.observed for host in self.hosts])
            self._same("outbox", [_plain(machine.take_outbox()) for machine in machines])
            if self._simulated:
                self._same("simulated venues", [machine.venue_bytes() for machine in machines])
        for host in self.hosts:
            host.observed.clear()

    def _follow(self, lead: Any) -> None:
        """Take the leader's last record into the ledger, the names of orders and the counts."""
        data = lead.last_record
        self.records.append(data)
        record = decode_record(data)
        answers = [(answer.strategy, [(i, verdict.code) for i, verdict in answer.intents]) for answer in record.answers]
        for strategy, intents in answers:
            for index, (intent, _) in enumerate(intents):
                if type(intent) is PlaceOrder:
                    self.ordinals[OrderId(strategy, record.event.seq_id, index)] = len(self.ordinals) + 1
        self._count(record, lead.stopped)
        try:
            self.ledger.follow(record.event, answers, interrupted=record.interrupted)
        except Exception as error:
            raise self._divergence("ledger", traceback.format_exc(limit=-4)) from error

    def _agree(self, lead: Any, *, everything: bool = False) -> None:
        try:
            self.ledger.agree(lead, everything=everything)
        except Disagreement as error:
            raise self._divergence("ledger", str(error)) from error

    def _count(self, record: Record, stopped: int) -> None:
        coverage, event = self.coverage, record.event
        coverage.events += 1
        coverage.kinds[type(event.payload).__name__] += 1
        for finding in record.findings:
            coverage.codes[finding.code] += 1
        if isinstance(event.payload, Bar) and not record.findings:
            declared = self.scenario.config.streams[event.payload.stream]
            if declared.is_derived:
                coverage.made[declared.rule, self.scenario.config.streams[declared.source].kind] += 1
        for answer in record.answers:
            for _, verdict in answer.intents:
                coverage.intents += 1
                if verdict.code:
                    coverage.codes[verdict.code] += 1
                else:
                    coverage.accepted += 1
        if event.venue in self._simulated or event.venue == ENGINE_VENUE:
            reason = getattr(event.payload, "reason", 0)
            if reason in VENUE_CODES:
                coverage.codes[reason] += 1
        if stopped != self._stopped:
            self._stopped = stopped
            if stopped != RejectCode.S_RANGE:
                coverage.codes[stopped] += 1

    def _divergence(self, what: str, detail: str) -> Divergence:
        at_step = what.startswith(("whether", "crash")) and not self.finishing
        return Divergence(what, self.events, self.taken + at_step, detail)

    def _same(self, what: str, values: Sequence[Any]) -> None:
        first = values[0]
        for index, value in enumerate(values[1:]):
            if value != first:
                engine = self.engines[(index + 1) % len(self.engines)]
                raise self._divergence(what, f"{self.engines[0]} {_short(first)}\n{engine} {_short(value)}")

    def _guarded(self, index: int, call: Callable[[], Any]) -> Any:
        """Call into an engine; what it raises is a divergence too (a panic of the Rust core is no Exception)."""
        try:
            return call()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            text = traceback.format_exc(limit=-6)
            raise self._divergence(f"crash of {self.engines[index]}", text) from error


def play(scenario: Scenario, engines: Sequence[str], run: Lockstep | None = None) -> Lockstep:
    """Run a static scenario to its end. Divergence where something differs."""
    run = run or Lockstep(scenario, engines)
    items = sorted(scenario.items, key=lambda item: item.after)
    position = 0
    while run.taken < scenario.steps and not run.machines[0].interrupted:
        while position < len(items) and items[position].after <= run.taken:
            run.push(items[position])
            position += 1
        if not run.step():
            if position == len(items):
                break
            run.push(items[position])
            position += 1
    run.finish()
    return run


def _plain(value: Any) -> Any:
    """Lists of named tuples as plain tuples."""
    if isinstance(value, list):
        return [tuple(one) for one in value]
    return value


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        if len(value) > 60:
            try:
                return str(decode_record(value)) + " " + value.hex()[-400:]
            except Exception:
                return value.hex()
        return value.hex()
    return str(value)[:3000]
