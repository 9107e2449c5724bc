"""The journal that a machine writes: the same bytes whoever writes them, and what it raises when they cannot be written.

Deliberately not here: what is in a frame and how it is read (the codec's tests), and the writer's own steps (crates/journal).
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import trace

from trace_story import Story

from cracktrader import backend
from cracktrader.core.codec import Header, encode_config, encode_header
from cracktrader.core.engine import JournalSpec
from cracktrader.errors import JournalError

NAME = "a_bracket_takes_its_profit_and_drops_its_stop"
OS, GROUP, ALWAYS = range(3)


class MemoryFiles:
    """A folder in memory; `act` is asked before every call with its number and its name."""

    def __init__(self, act: Callable[[int, str], None] = lambda number, name: None) -> None:
        self.files: dict[str, bytearray] = {}
        self.act = act
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.act(len(self.calls) - 1, name)

    def create(self, name: str) -> str:
        """See Files."""
        self._call("create")
        if name in self.files:
            raise FileExistsError(errno.EEXIST, "File exists")
        self.files[name] = bytearray()
        return name

    def reopen(self, name: str, size: int) -> str:
        """See Files."""
        self._call("reopen")
        del self.files[name][size:]
        return name

    def write(self, handle: str, data: bytes) -> int:
        """See Files; it takes half of what is given."""
        self._call("write")
        taken = max(1, len(data) // 2)
        self.files[handle] += data[:taken]
        return taken

    def sync(self, handle: str) -> None:
        """See Files."""
        self._call(f"sync {handle}")

    def close(self, handle: str) -> None:
        """See Files."""
        self._call(f"close {handle}")

    def sync_folder(self) -> None:
        """See Files."""
        self._call("sync_folder")

    def held(self) -> dict[str, bytes]:
        """The files as they are."""
        return {name: bytes(data) for name, data in self.files.items()}


def machine(name: str, engine: str, folder: object, *, record: bool = False, **options: Any) -> backend.Machine:
    """A trace's machine with an open journal: in a folder, or in a file system of Python."""
    story = Story(trace.load(name))
    made = backend.machine(engine, story.config, trace.ScriptedHost(story), record=record)
    for stream, rows in story.rows().items():
        made.attach(stream, rows)
    for venue, sessions in story.sessions().items():
        made.attach_sessions(venue, sessions)
    for instrument, scheduled in story.schedule().items():
        made.attach_schedule(instrument, scheduled)
    for item in story.pushed():
        made.push(item)
    options = {"segment_bytes": 2_000, "records": 3, "milliseconds": 60_000, **options}
    embedded = bool(options.get("embedded", False))
    header = Header(embedded, options["segment_bytes"], encode_config(story.config), ())
    given = {"folder": str(folder)} if isinstance(folder, Path) else {"folder": "", "files": folder}
    made.open_journal(JournalSpec(run_id=header.run_id, header=encode_header(header), **given, **options))
    return made


def written(name: str, engine: str, **options: Any) -> dict[str, bytes]:
    """The files of a whole run."""
    files = MemoryFiles()
    going = machine(name, engine, files, **options)
    going.run()
    going.close_journal()
    return files.held()


def real(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.rust
@pytest.mark.parametrize("policy", [OS, GROUP, ALWAYS])
def test_a_thread_writes_the_bytes_that_are_written_inline(policy: int, tmp_path: Path) -> None:
    going = machine(NAME, "rust", tmp_path, policy=policy)
    going.run()
    going.close_journal()
    assert real(tmp_path) == written(NAME, "rust")


@pytest.mark.rust
@pytest.mark.parametrize("embedded", [False, True])
def test_what_else_is_recorded_leaves_the_journal_as_it_is(embedded: bool) -> None:
    expected = written(NAME, "rust", embedded=embedded)
    assert written(NAME, "rust", embedded=embedded, record=True) == expected


@pytest.mark.rust
def test_an_error_at_any_call_comes_out_of_whatever_drives_the_engine() -> None:
    whole = MemoryFiles()
    going = machine(NAME, "rust", whole, policy=GROUP)
    going.run()
    going.close_journal()
    for broken, name in enumerate(whole.calls):

        def act(number: int, name: str, broken: int = broken) -> None:
            del name
            if number == broken:
                raise OSError(errno.ENOSPC, "No space left on device")

        files = MemoryFiles(act)
        with pytest.raises(JournalError) as caught:
            going = machine(NAME, "rust", files, policy=GROUP)
            going.run()
            going.close_journal()
        operation = name.split()[0].removesuffix("_folder")
        assert str(caught.value).startswith(f"cannot {operation} ")
        assert "No space left on device; durable up to seq" in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)
        assert all(call.startswith("close ") for call in files.calls[broken + 1 :])


@pytest.mark.rust
def test_an_error_stays() -> None:
    def act(number: int, name: str) -> None:
        if name.startswith("sync ") and number >= opened:
            raise OSError(errno.EIO, "Input/output error")

    opened = 1_000
    files = MemoryFiles(act)
    going = machine(NAME, "rust", files, policy=GROUP)
    opened = len(files.calls)
    going.step()
    said = set()
    for call in (going.sync_journal, going.sync_journal, going.journal_position, going.close_journal):
        with pytest.raises(JournalError) as caught:
            call()
        said.add(str(caught.value))
        calls = len(files.calls)
    assert len(said) == 1
    assert len(files.calls) == calls
    going.close_journal()


@pytest.mark.rust
def test_interrupted_calls_are_made_again() -> None:
    interrupted: set[int] = set()

    def act(number: int, name: str) -> None:
        del name
        if number % 2 == 0:
            interrupted.add(number)
            raise InterruptedError(errno.EINTR, "Interrupted system call")

    files = MemoryFiles(act)
    going = machine(NAME, "rust", files, policy=ALWAYS)
    going.run()
    going.close_journal()
    assert interrupted
    assert files.held() == written(NAME, "rust")


@pytest.mark.rust
def test_what_a_file_system_raises_besides_an_oserror_comes_out_as_it_is() -> None:
    class PowerCut(BaseException):
        """Nothing more happens."""

    def act(number: int, name: str) -> None:
        if name == "write" and number > 8:
            raise PowerCut

    with pytest.raises(PowerCut):
        machine(NAME, "rust", MemoryFiles(act), policy=GROUP).run()


@pytest.mark.rust
def test_a_journal_is_not_written_over_another(tmp_path: Path) -> None:
    machine(NAME, "rust", tmp_path).close_journal()
    with pytest.raises(JournalError, match=r"cannot create .*000001\.ctj: File exists"):
        machine(NAME, "rust", tmp_path)
    with pytest.raises(JournalError, match=r"cannot create .*000001\.ctj: No such file or directory"):
        machine(NAME, "rust", tmp_path / "missing")


@pytest.mark.rust
def test_a_position_says_what_is_durable(tmp_path: Path) -> None:
    going = machine(NAME, "rust", tmp_path, policy=GROUP, records=1_000, segment_bytes=1 << 20)
    assert going.durable_seq == 0
    while going.step():
        at = going.journal_position()
        assert at.offset == (tmp_path / "000001.ctj").stat().st_size
        assert at.segment == 1
        assert at.last_seq == going.durable_seq
        last = at.pending_first + at.pending_count - 1 if at.pending_count else at.last_seq
        assert last == going.seq
    going.close_journal()
    assert going.durable_seq == at.last_seq
