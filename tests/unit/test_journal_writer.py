"""A writer of journals stops at the first thing that fails, acknowledges nothing after it, and what it wrote goes on to the same bytes."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from cracktrader.core.engine.journal import ALWAYS, GROUP, OS, JournalSpec
from cracktrader.errors import JournalError, JournalUnreadable
from cracktrader.journal.files import Files, Folder
from cracktrader.journal.reader import scan
from cracktrader.journal.tail import cut
from cracktrader.journal.thread import Threaded
from cracktrader.journal.writer import Writer
from tests.unit.journal_files import Memory, Piece, pieces, spec, written
from tests.unit.test_journal_reader import STORY, WHOLE, rest_of

POLICIES = pytest.mark.parametrize("policy", [OS, GROUP, ALWAYS], ids=["os", "group", "always"])
WRITERS = pytest.mark.parametrize("make", [Writer, Threaded], ids=["inline", "threaded"])
Make = Callable[[Files, JournalSpec], Writer | Threaded]


def tell(files: Files, make: Make, policy: int) -> tuple[int, str]:
    """Write the story; the last step that was acknowledged as durable, and what failed."""
    acknowledged, writer = 0, None
    try:
        writer = make(files, spec(policy))
        for place, piece in enumerate(STORY):
            writer.append(*piece)
            if place % 5 == 4:
                writer.sync()
                acknowledged = piece.last_seq
            if policy != OS:
                acknowledged = max(acknowledged, writer.durable_seq)
        writer.close()
    except JournalError as error:
        failed = str(error)
        assert "cracktrader recover" in failed
        if writer is not None:
            for call in (writer.sync, lambda: writer.append(b"", 99, True), lambda: writer.append(b"x", 99, False)):
                with pytest.raises(JournalError) as again:
                    call()
                assert str(again.value) == failed
            with pytest.raises(JournalError):
                writer.close()
        return acknowledged, failed
    return acknowledged, ""


def goes_on(files: Memory) -> None:
    """Recover what is there, and tell the rest."""
    files.fault = None
    try:
        found = scan(files)
    except JournalUnreadable as error:
        assert "holds no journal" in str(error) or "never began" in str(error)
        return
    cut(found, Memory())
    found = scan(files)
    if found.end is None:
        writer = Writer(files, spec(resume=found.resume()))
        for piece in rest_of(STORY, found):
            writer.append(*piece)
        writer.close()
    assert files.contents() == WHOLE


@WRITERS
@POLICIES
def test_all_policies_and_both_writers_write_the_same_bytes(make: Make, policy: int) -> None:
    files = Memory()
    assert tell(files, make, policy)[1] == ""
    assert files.contents() == WHOLE
    if policy != OS:
        assert files.synced == {name: len(data) for name, data in WHOLE.items()}


def error_at(n: int, code: int, operations: str) -> Callable[[int, str], OSError | None]:
    """The n-th of these operations fails, and only that one."""
    seen = count(1)
    return lambda _, operation: (
        OSError(code, "as told") if operation in operations.split() and next(seen) == n else None
    )


@WRITERS
@POLICIES
@pytest.mark.parametrize(
    ("code", "operations"),
    [
        (errno.ENOSPC, "write"),
        (errno.ENOSPC, "create"),
        (errno.EIO, "sync"),
        (errno.EIO, "sync_folder"),
        (errno.EIO, "close"),
        (errno.EIO, "write"),
    ],
)
def test_an_error_at_any_call_stops_the_journal_for_good_and_the_log_recovers(
    make: Make, policy: int, code: int, operations: str
) -> None:
    for n in count(1):
        files = Memory(fault=error_at(n, code, operations))
        acknowledged, failed = tell(files, make, policy)
        if not failed:
            break
        assert f"cannot {operations.split('_')[0]}" in failed and "as told" in failed
        files.fault = None
        safe = files.contents()
        last = scan(Memory(safe)).last_seq if any(len(data) > 87 for data in safe.values()) else 0
        assert acknowledged <= max(last, 0)
        # Nothing was synced after the sync that failed, and nothing was acknowledged that was not synced before.
        synced = {name: safe[name][: files.synced.get(name, 0)] for name in safe if files.synced.get(name)}
        if policy != OS and acknowledged:
            assert acknowledged <= scan(Memory(synced)).last_seq
        goes_on(files)
    assert n > 1 or (policy == OS and operations.startswith("sync"))


@POLICIES
def test_half_a_write_at_any_call_is_cut_and_told_again(policy: int) -> None:
    """The disk is full in the middle: a short write, then an error."""
    for n in count(1):
        seen = count(1)

        def fault(call: int, operation: str, n: int = n, seen: count[int] = seen) -> str | OSError | None:
            if operation != "write":
                return None
            place = next(seen)
            return {n: "short", n + 1: OSError(errno.ENOSPC, "as told")}.get(place)

        files = Memory(fault=fault)
        if not tell(files, Writer, policy)[1]:
            break
        goes_on(files)
    assert n > len(STORY)


@WRITERS
@POLICIES
@pytest.mark.parametrize("what", ["interrupted", "short"])
def test_a_short_write_or_an_interrupted_call_goes_on_wherever_it_comes(make: Make, policy: int, what: str) -> None:
    """At the n-th call, for each n, and at every second."""
    for n in count(0):

        def fault(call: int, operation: str, n: int = n) -> str | OSError | None:
            if call != n and (n or call % 2):
                return None
            if what == "short":
                return "short" if operation == "write" else None
            return InterruptedError(errno.EINTR, "as told")

        files = Memory(fault=fault)
        assert tell(files, make, policy)[1] == ""
        assert files.contents() == WHOLE
        if n > files.calls:
            break


def test_a_file_that_takes_nothing_is_an_error() -> None:
    class Full(Memory):
        def write(self, handle: object, data: bytes) -> int:
            return 0

    assert "takes no more bytes" in tell(Full(), Writer, OS)[1]


def test_group_syncs_after_so_many_frames_and_os_never() -> None:
    for policy, records in ((GROUP, 3), (OS, 3)):
        files = Memory()
        writer = Writer(files, spec(policy, records=records))
        before = dict(files.synced)
        # The header and two steps, then two more frames.
        for piece in STORY[:3]:
            writer.append(*piece)
        if policy == OS:
            writer.sync()
            assert files.synced == before == {} and writer.durable_seq == STORY[2].last_seq
        else:
            assert files.synced != before and writer.durable_seq == STORY[1].last_seq and writer.unsynced == 2


def test_a_frame_waits_no_longer_than_the_group_says() -> None:
    files, synced = Memory(), threading.Event()
    threaded = Threaded(files, spec(GROUP, records=1_000)._replace(milliseconds=20))
    threaded.append(*STORY[0])
    for _ in range(200):
        if files.synced.get("000001.ctj", 0) > 87:
            break
        synced.wait(0.01)
    assert files.synced["000001.ctj"] == 87 + len(STORY[0].frames)
    threaded.close()
    assert threaded.durable_seq == STORY[0].last_seq


def test_a_full_queue_holds_the_engine_back() -> None:
    gate = threading.Event()

    class Slow(Memory):
        def write(self, handle: object, data: bytes) -> int:
            gate.wait(5)
            return super().write(handle, data)

    gate.set()
    files = Slow()
    threaded = Threaded(files, spec(), queue_bytes=400)
    gate.clear()
    told: list[Piece] = []

    def engine() -> None:
        for piece in STORY:
            threaded.append(*piece)
            told.append(piece)

    thread = threading.Thread(target=engine)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and sum(len(piece.frames) for piece in told) <= 800
    gate.set()
    thread.join(5)
    threaded.sync()
    assert threaded.position().last_seq == STORY[-1].last_seq
    threaded.close()
    assert files.contents() == WHOLE


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    for make in (Writer, Threaded):
        folder = tmp_path / make.__name__
        folder.mkdir()
        writer = make(Folder(folder), spec())
        writer.append(*STORY[0])
        writer.close()
        writer.close()
        with pytest.raises(JournalError, match="closed"):
            writer.append(*STORY[1])
    assert (tmp_path / "Writer/000001.ctj").read_bytes() == (tmp_path / "Threaded/000001.ctj").read_bytes()


def test_the_real_folder_holds_the_same_bytes_and_recovers(tmp_path: Path) -> None:
    journal, torn = tmp_path / "journal", tmp_path / "torn"
    journal.mkdir()
    torn.mkdir()
    assert tell(Folder(journal), Threaded, GROUP)[1] == ""
    assert {path.name: path.read_bytes() for path in sorted(journal.iterdir())} == WHOLE
    with pytest.raises(JournalError, match=r"cannot create .*000001\.ctj"):
        Writer(Folder(journal), spec())
    last = max(journal.iterdir())
    last.write_bytes(last.read_bytes()[:-3])
    found = scan(journal)
    assert found.torn is not None and cut(found, Folder(torn)) == found.torn
    assert sum(path.stat().st_size for path in torn.iterdir()) == found.torn.size
    writer = Threaded(Folder(journal), spec(GROUP, resume=scan(journal).resume()))
    for piece in rest_of(STORY, scan(journal)):
        writer.append(*piece)
    writer.close()
    assert {path.name: path.read_bytes() for path in sorted(journal.iterdir())} == WHOLE


def test_an_interrupt_between_two_writes_ends_the_journal() -> None:
    def fault(call: int, operation: str) -> None:
        if operation == "write" and call > 6:
            raise KeyboardInterrupt

    files = Memory(fault=fault)
    writer = Writer(files, spec())
    with pytest.raises(KeyboardInterrupt):
        for piece in STORY:
            writer.append(*piece)
    with pytest.raises(JournalError, match="cut short by KeyboardInterrupt"):
        writer.append(*STORY[-1])
    goes_on(files)


def test_a_cut_that_fails_at_any_step_leaves_what_can_be_cut_again() -> None:
    for n in count(1):
        files = written(pieces(4, ended=False))
        name = max(files.files)
        files.files[name] += b"half a frame"
        whole = files.contents()
        kept = Memory(fault=error_at(n, errno.EIO, "create write sync rename sync_folder remove"))
        files.fault = error_at(n, errno.EIO, "reopen sync sync_folder")
        try:
            cut(scan(files), kept)
        except JournalError as error:
            assert "try again" in str(error)
        else:
            break
        files.fault = kept.fault = None
        cut(scan(files), kept)
        assert files.contents() == whole | {name: whole[name][:-12]}
        assert b"half a frame" in kept.contents().values()
        assert not [name for name in kept.names() if name.endswith(".part")]
    assert n > 5
