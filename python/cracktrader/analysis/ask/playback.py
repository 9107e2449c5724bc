"""A recorded run played to any step: its state there, and steps that the journal does not spell out because they left nothing.

Forwards goes on from where it stands; backwards begins again, at the nearest checkpoint. The chosen core replays; the state is looked at as
values of the reference core, into which a checkpoint carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cracktrader.analysis.ask.steps import Front, Progress, Step, chunks, recorded_step, step_of, stretches
from cracktrader.backend import PythonMachine
from cracktrader.core.intent import OrderId
from cracktrader.core.replay import ReplayMismatch
from cracktrader.data.stamps import time_text
from cracktrader.data.times import parse_time
from cracktrader.errors import ConfigError
from cracktrader.journal import checkpoints
from cracktrader.runtime.rerun import RecordedRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cracktrader.backend import Machine
    from cracktrader.core.engine import Execution
    from cracktrader.core.state import State
    from cracktrader.core.view import OrderFacts

STRIDES = 64
"""In how many parts a stretch is searched before going back."""
NEAR = 256
"""How many steps before the one that was gone back to a checkpoint is kept."""
MOST_KEPT = 8
LAST_SEQ = 10**12
"""A number above it is a time in nanoseconds: 1970-01-01 00:16:40 and later."""


class Named(NamedTuple):
    """An order by its name."""

    id: OrderId
    ordinal: int
    instrument: int


class Playback:
    """A recorded run, and a machine somewhere in it."""

    def __init__(self, run: RecordedRun | str | Path, engine: str = "rust", progress: Progress | None = None) -> None:
        self.run = run if isinstance(run, RecordedRun) else RecordedRun(run)
        self.engine = engine
        self._progress = progress
        self._machine: Machine | None = None
        self._is_whole = False
        self._kept = self._on_disk()
        """Checkpoints to begin from: seq and bytes."""
        self._state: tuple[int, State] | None = None
        self._orders: dict[int, OrderFacts] | None = None
        self._names: dict[tuple[int, ...], Named] | None = None
        self._executions: list[Execution] | None = None

    def _on_disk(self) -> list[tuple[int, bytes]]:
        """The run's own checkpoints, as far as its log bears them out, oldest first."""
        run = self.run
        found = checkpoints.newest(run.folder.checkpoints, lambda skipped: None)
        fitting = (one for one in found if one.run_id == run.scan.run_id and not run.scan.denies(one.position))
        return sorted((one.seq, one.payload) for one in fitting)

    @property
    def last_seq(self) -> int:
        """Of the last step in the journal."""
        return max(self.run.scan.last_seq, 0)

    # --- where

    def seq_of(self, at: int | str) -> int:
        """The step that a seq, or a time in text or ns, means: of a time the last one that is not later. ConfigError where there is
        none."""
        if isinstance(at, str):
            text = at.strip().replace("_", "").replace(",", "") if at.strip()[:1].isdigit() else at
            at = int(text) if text.isdigit() else parse_time(at)
            if not text.isdigit():
                return self._seq_at(at)
        if isinstance(at, bool) or not isinstance(at, int):
            raise ConfigError(
                f"{at!r} is no moment of a run: give a seq from 0 to {self.last_seq:,}, or a time such as 2024-01-31"
            )
        if at > LAST_SEQ:
            return self._seq_at(at)
        if not 0 <= at <= self.last_seq:
            raise ConfigError(f"there is no seq {at:,}: the run has 0 to {self.last_seq:,}")
        return at

    def is_time(self, at: int | str) -> bool:
        """Whether a moment is named by a time, not by a seq."""
        if isinstance(at, str):
            text = at.strip().replace("_", "").replace(",", "")
            return not text.isdigit() or int(text) > LAST_SEQ
        return at > LAST_SEQ

    def _seq_at(self, time: int) -> int:
        """The last step that is not later."""
        found: int | None = None
        for one in stretches(self.run):
            if not isinstance(one, Front):
                found_in = self._seq_within(time, one.first, one.last)
                found = found if found_in is None else found_in
                if found_in != one.last:
                    break
            elif one.time > time:
                if found is None:
                    raise ConfigError(f"the run begins at {time_text(one.time)}, which is later than {time_text(time)}")
                break
            else:
                found = one.seq
        assert found is not None
        return found

    def _seq_within(self, time: int, first: int, last: int) -> int | None:
        """The last step of a stretch of data steps that is not later; None where all are."""
        # Most stretches are passed over as a whole, and going back is what costs.
        if self._time_of(last) <= time:
            return last
        low, high = first - 1, last
        while high - low > 1:
            stride = max((high - low) // STRIDES, 1)
            while high - low > stride:
                if self._time_of(low + stride) > time:
                    high = low + stride
                    break
                low += stride
        return None if low < first else low

    def _time_of(self, seq: int) -> int:
        return self._at(seq).now

    # --- what

    def state(self, seq: int) -> State:
        """The state after a step. It is the playback's own: read it before the next question."""
        if self._state is None or self._state[0] != seq:
            self._state = seq, self._state_of(self._at(seq))
        return self._state[1]

    def _state_of(self, machine: Machine) -> State:
        if isinstance(machine, PythonMachine):
            return machine.engine.state
        copy, _ = self.run.setup.start("python", self.run.silent())
        assert isinstance(copy, PythonMachine)
        copy.restore(machine.checkpoint())
        return copy.engine.state

    def step(self, seq: int) -> Step:
        """A step: recorded, or made again where the journal left it to a stretch of data steps."""
        found = recorded_step(self.run, seq)
        return self._made_again(seq) if found is None else found

    def _made_again(self, seq: int) -> Step:
        machine = self._at(seq - 1)
        try:
            # From here on every step has a frame, also those that leave nothing.
            machine.replay((), strategies=False, embedded=True)
            machine.step()
        except ReplayMismatch as mismatch:
            raise self.run.differs(mismatch, by_strategies=False) from mismatch
        self._state = None
        return step_of(machine.last_record)

    def orders(self) -> dict[int, OrderFacts]:
        """Every order as it was at the end of the journal, by ordinal."""
        if self._orders is None:
            machine = self._at(self.last_seq, whole=True)
            found = {facts.ordinal: facts for facts in machine.closed()}
            ordinal = 1
            while True:
                facts = found.get(ordinal) or machine.facts(ordinal)
                if facts is None:
                    break
                found[ordinal] = facts
                ordinal += 1
            self._orders = dict(sorted(found.items()))
        return self._orders

    def named(self, name: OrderId) -> Named | None:
        """The order of this name."""
        if self._names is None:
            self._names = {
                (one.strategy, one.seq, one.index): Named(
                    OrderId(one.strategy, one.seq, one.index), one.ordinal, one.instrument
                )
                for one in self.orders().values()
            }
        return self._names.get(name)

    def executions(self) -> list[Execution]:
        """Every fill that was booked."""
        if self._executions is None:
            self._executions = list(self._at(self.last_seq, whole=True).executions())
        return self._executions

    # --- the machine

    def _at(self, seq: int, *, whole: bool = False) -> Machine:
        """The machine after a step; one that ran the `whole` way there, where what it left behind is asked for."""
        kept = max((one for one in self._kept if one[0] <= seq and not whole), default=None)
        machine = self._machine
        behind = machine is None or machine.seq > seq or (whole and not self._is_whole)
        if machine is None or behind or (kept is not None and kept[0] > machine.seq):
            machine = self._begin(kept)
            if seq - NEAR > machine.seq and not whole:
                # Who goes back once goes back again.
                self._replay(machine, seq - NEAR)
                self._kept = [*self._kept[-MOST_KEPT + 1 :], (machine.seq, machine.checkpoint())]
        if machine.seq < seq or seq == 0:
            self._replay(machine, seq)
        return machine

    def _begin(self, kept: tuple[int, bytes] | None) -> Machine:
        """A machine at a checkpoint, or before the start."""
        self._state = None
        self._machine, _ = self.run.setup.start(self.engine, self.run.silent())
        self._is_whole = kept is None
        if kept is not None:
            try:
                self._machine.restore(kept[1])
            except ValueError:
                self._kept.remove(kept)
                return self._begin(None)
        return self._machine

    def _replay(self, machine: Machine, until: int) -> None:
        self._state = None
        embedded = self.run.scan.header.embedded
        try:
            machine.replay(self._chunks(machine.seq), strategies=False, embedded=embedded, until=until)
        except ReplayMismatch as mismatch:
            self._machine = None
            raise self.run.differs(mismatch, by_strategies=False) from mismatch

    def _chunks(self, first: int) -> Iterator[bytes]:
        return (chunk for _, chunk in chunks(self.run, first, self._progress))
