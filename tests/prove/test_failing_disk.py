"""A disk that fails at the n-th call, for every n, stops a real run for good: nothing is acknowledged that is not there, and the run is
recovered once the disk is well; also where recovery itself meets the fault.

Deliberately not here: the writer call by call (tests/unit/test_journal_writer.py), and checkpoints by themselves
(tests/unit/test_journal_checkpoints.py).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from cracktrader.errors import JournalError, JournalUnreadable
from cracktrader.journal import folder as run_folder
from cracktrader.journal.reader import scan
from cracktrader.runtime import setup
from cracktrader.runtime.recovery import recover
from tests.prove.disk import hastily, through
from tests.prove.recorded import Watched, Whole, backtest
from tests.prove.story import LONG, PROVE, Count, Hasty, bars, scratch, segments

pytestmark = LONG
JOURNAL = {"sync": "group", "records": 9, "milliseconds": 60_000, "checkpoint_events": 60}
FAULTS: dict[str, tuple[str, int, bool]] = {
    "disk full": ("create write rename", errno.ENOSPC, False),
    "disk full in the middle of a write": ("write", errno.ENOSPC, True),
    "fsync error": ("sync sync_folder", errno.EIO, False),
    "input/output error": ("create write sync sync_folder rename remove reopen read", errno.EIO, False),
}
"""By name: at which calls, with which error, and whether half of it is written first."""


class Fault:
    """Raises at the n-th of some calls; `calls` counts them. With n = 0 never."""

    def __init__(self, name: str, n: int) -> None:
        self.operations, self.code, self.halves = FAULTS[name]
        self.n, self.calls = n, 0

    def raises(self, operation: str) -> bool:
        """Whether this call is the one."""
        if operation not in self.operations.split():
            return False
        self.calls += 1
        return self.calls == self.n

    def error(self) -> OSError:
        """What it raises."""
        return OSError(self.code, "as told")


class Failing(Hasty):
    """A real folder with a fault."""

    def __init__(self, path: Path | str, fault: Fault) -> None:
        super().__init__(path)
        self._fault = fault

    def write(self, handle: int, data: bytes) -> int:
        """See Files."""
        if self._fault.raises("write"):
            if self._fault.halves:
                super().write(handle, data[: len(data) // 2])
            raise self._fault.error()
        return super().write(handle, data)


def _failing(name: str) -> Callable[..., Any]:
    def call(self: Failing, *given: Any) -> Any:
        if self._fault.raises(name):
            raise self._fault.error()
        return getattr(super(Failing, self), name)(*given)

    return call


for _name in ("create", "reopen", "sync", "sync_folder", "read", "rename", "remove"):
    setattr(Failing, _name, _failing(_name))


class Rough(Hasty):
    """A real folder that interrupts every call twice and takes a few bytes at a time."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.asked = 0

    def write(self, handle: int, data: bytes) -> int:
        """See Files."""
        self._interrupts()
        return super().write(handle, data[: max(1, len(data) // 2)])

    def _interrupts(self) -> None:
        self.asked += 1
        if self.asked % 3:
            raise InterruptedError(errno.EINTR, "as told")


def _rough(name: str) -> Callable[..., Any]:
    def call(self: Rough, *given: Any) -> Any:
        self._interrupts()
        return getattr(super(Rough, self), name)(*given)

    return call


for _name in ("create", "reopen", "sync", "sync_folder", "read", "rename", "remove"):
    setattr(Rough, _name, _rough(_name))


@pytest.fixture(scope="module")
def wholes() -> Iterator[Callable[[str], Whole]]:
    """Runs that nothing interrupted."""
    with scratch() as root:
        made: dict[str, Whole] = {}

        def whole_of(engine: str) -> Whole:
            if engine not in made:
                made[engine] = Whole.of(root / engine, backtest(root / engine, engine, "saves", bars(LENGTH)))
            return made[engine]

        yield whole_of


LENGTH = 80
"""Bars: two segments."""


def acknowledged_by(call: Callable[[], Any]) -> tuple[int, Any]:
    """What a call acknowledges until it fails, and what it returns."""
    made, told = setup.machine, [-1]
    with patch.object(setup, "machine", lambda *given, **named: Watched(made(*given, **named), told.append)):
        try:
            returned = call()
        except JournalError as error:
            returned = error
    return max(told), returned


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_call_stops_a_run_that_is_then_recovered(
    name: str, engine: str, wholes: Callable[[str], Whole], proof: Count
) -> None:
    whole = wholes(engine)
    calls = counted(name, lambda root: backtest(root / "run", engine, "saves", bars(LENGTH), **JOURNAL))
    for n in some(calls):
        fault = Fault(name, n)
        with scratch() as root:
            with through(lambda path, fault=fault: Failing(path, fault)):
                least, raised = acknowledged_by(
                    lambda root=root: backtest(root / "run", engine, "saves", bars(LENGTH), **JOURNAL)
                )
            if not isinstance(raised, JournalError):
                # A checkpoint of two that could not be cleared away, or the like, is no reason to stop.
                assert Whole.of(root / "run", raised) == whole
                continue
            assert "as told" in str(raised) and fault.calls >= n
            goes_on(root / "run", least, whole)
        proof("failing_disk", 1)


def goes_on(run: Path, least: int, whole: Whole) -> None:
    """What was acknowledged is there, and the run is recovered."""
    try:
        assert scan(run / "journal").last_seq >= least
        with hastily():
            assert Whole.of(run, recover(run)) == whole
    except JournalUnreadable:
        assert least < 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_call_of_a_recovery_leaves_what_can_be_recovered(
    name: str, engine: str, wholes: Callable[[str], Whole], proof: Count
) -> None:
    whole = wholes(engine)
    with scratch() as root:
        backtest(root / "run", engine, "saves", bars(LENGTH), **JOURNAL)
        last = max(segments(root / "run" / "journal"))
        path = root / "run" / "journal" / last
        path.write_bytes(path.read_bytes()[:-700])

        def recovered(place: Path) -> Any:
            shutil.copytree(root / "run", place / "run")
            return recover(place / "run")

        for n in some(counted(name, recovered)):
            fault = Fault(name, n)
            with scratch() as place:
                with through(lambda path, fault=fault: Failing(path, fault)):
                    least, raised = acknowledged_by(lambda place=place: recovered(place))
                if isinstance(raised, JournalError):
                    goes_on(place / "run", max(least, 0), whole)
                else:
                    assert Whole.of(place / "run", raised) == whole
            proof("failing_disk", 1)


def counted(name: str, call: Callable[[Path], Any]) -> int:
    """How many calls there are at which a fault could be."""
    fault = Fault(name, 0)
    with scratch() as root, through(lambda path: Failing(path, fault)):
        call(root)
    return fault.calls


def some(calls: int) -> range:
    """The calls that are tried."""
    return range(1, calls + 1, 1 if PROVE else max(1, calls // 6))


def test_short_writes_and_interrupted_calls_change_nothing(
    engine: str, wholes: Callable[[str], Whole], proof: Count
) -> None:
    whole = wholes(engine)
    with scratch() as root:
        with through(Rough):
            outcome = backtest(root / "run", engine, "saves", bars(LENGTH), **JOURNAL)
        assert Whole.of(root / "run", outcome) == whole
        last = max(segments(root / "run" / "journal"))
        path = root / "run" / "journal" / last
        path.write_bytes(path.read_bytes()[:-700])
        with through(Rough):
            assert Whole.of(root / "run", recover(root / "run")) == whole
    proof("failing_disk", 2)


def test_a_full_disk_that_takes_no_lines_of_strategies_stops_a_run_that_is_then_recovered(
    engine: str, wholes: Callable[[str], Whole], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines go to a file of their own, beside the journal: here to a device that is always full."""
    whole = wholes(engine)
    with scratch() as root:
        with monkeypatch.context() as patched:
            patched.setattr(run_folder, "LOG", str(Path(os.devnull).with_name("full")))
            with pytest.raises(
                JournalError, match=r"full cannot be written: .*No space left on device; see to the disk"
            ):
                backtest(root / "run", engine, "saves", bars(LENGTH), **JOURNAL)
        goes_on(root / "run", 0, whole)
