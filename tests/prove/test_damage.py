"""Damage to the log of a real run: what is torn off its end is cut and the run goes on; anything else is refused by file and offset, and
nothing in the folder is touched.

The same against hand-made logs, kind by kind, is in tests/unit/test_journal_reader.py. Deliberately not here: disks that fail while a
run is written (test_failing_disk.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from cracktrader.errors import JournalCorrupt, JournalError, JournalUnreadable
from cracktrader.journal.files import segment_name
from cracktrader.journal.reader import Scan, scan
from cracktrader.journal.tail import cut as cut_off
from cracktrader.runtime.recovery import recover
from tests.prove.disk import hastily
from tests.prove.recorded import Whole, backtest
from tests.prove.story import LONG, PROVE, Count, bars, cases, scratch, segments
from tests.unit.journal_files import Memory, split

pytestmark = LONG


PARTS = cases(1, 12)
"""Of the flipped bits: so many tests share them."""


@pytest.fixture(scope="module")
def runs() -> Iterator[Callable[[str], tuple[Path, Whole]]]:
    """Concluded runs of each core, in three segments."""
    with scratch() as root:
        made: dict[str, Whole] = {}

        def run_of(engine: str) -> tuple[Path, Whole]:
            if engine not in made:
                made[engine] = Whole.of(root / engine, backtest(root / engine, engine, "saves", bars(150)))
            return root / engine, made[engine]

        yield run_of


def interrupted(segments: dict[str, bytes], frames: int) -> dict[str, bytes]:
    """A log as a kill leaves it: the last segment ends after so many of its frames, before the run's end."""
    last = max(segments)
    return segments | {last: b"".join(split(segments[last])[:frames])}


def damaged(run: Path, into: Path, segments: dict[str, bytes]) -> Path:
    """A copy of a run with other segments."""
    shutil.copytree(run, into / "run", ignore=shutil.ignore_patterns("*.ctj"))
    for name, data in segments.items():
        (into / "run" / "journal" / name).write_bytes(data)
    return into / "run"


def everything(run: Path) -> dict[str, bytes]:
    """All files of a folder but its lock."""
    return {str(path): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file() and path.name != "lock"}


def is_refused(run: Path, into: Path, segments: dict[str, bytes], engine: str) -> JournalCorrupt:
    """Recovery does not start, and touches nothing."""
    place = damaged(run, into, segments)
    before = everything(place)
    with pytest.raises(JournalCorrupt) as caught, hastily():
        recover(place, engine=engine)
    assert everything(place) == before
    assert caught.value.file in str(caught.value)
    shutil.rmtree(place)
    return caught.value


def test_a_log_cut_at_any_byte_of_its_last_three_records_is_recovered_and_what_was_torn_is_kept(
    engine: str, runs: Callable[[str], tuple[Path, Whole]], proof: Count
) -> None:
    run, whole = runs(engine)
    name = max(whole.segments)
    logs = [interrupted(whole.segments, count) for count in ((7, 12) if PROVE else (12,))] + [whole.segments]
    with scratch() as root:
        for log in logs:
            starts = [len(log[name])]
            for frame in reversed(split(log[name])[-3:]):
                starts.append(starts[-1] - len(frame))
            for size in range(starts[-1], starts[0]):
                cut = log | {name: log[name][:size]}
                is_torn = size not in starts or (log is whole.segments and size == starts[1])
                found = scan(files := Memory(cut))
                assert (found.torn is not None) == is_torn
                is_kept(files, found, cut[name])
                proof("truncation", 1)
                # What recovery meets then differs by the tail that it cuts, and by nothing else.
                if size in starts or size - 1 in starts or (PROVE and size % 37 == 0):
                    place = damaged(run, root, cut)
                    is_cut(place, engine, found, whole)
                    shutil.rmtree(place)


def is_kept(files: Memory, found: Scan, data: bytes) -> None:
    """A torn tail is cut off the log, and is kept beside it as it was."""
    kept = Memory()
    torn = cut_off(found, kept)
    tails = [] if torn is None else [data[torn.offset :]]
    assert [*kept.contents().values()] == tails and scan(files).torn is None
    assert torn is None or torn.size == len(tails[0])


def is_cut(run: Path, engine: str, found: Scan, whole: Whole) -> None:
    """The run is recovered, and its torn tail is beside it and was reported with its size."""
    said: list[str] = []
    tail = b""
    if found.torn is not None:
        tail = (run / "journal" / found.torn.file).read_bytes()[found.torn.offset :]
    with hastily():
        outcome = recover(run, engine=engine, note=said.append)
    assert Whole.of(run, outcome) == whole
    assert [path.read_bytes() for path in (run / "torn").iterdir()] == ([tail] if found.torn is not None else [])
    assert any(f"{len(tail)} bytes of a torn tail" in line for line in said) == bool(found.torn)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_bit_of_a_log_counts(part: int, proof: Count) -> None:
    """Of 64 KiB with every kind of frame. The cores write the same bytes, so one log is as good as the other."""
    with scratch() as root:
        backtest(root / "run", "python", "saves", bars(75), segment_bytes=1 << 20)
        data = segments(root / "run" / "journal")["000001.ctj"]
    frames = split(data)
    assert len(data) > 65_536 and {frame[4] for frame in frames} == {1, 2, 3, 4, 5, 6}
    starts = [sum(map(len, frames[:place])) for place in range(len(frames))]
    # Every bit of the short frames, which are one of a kind; of the others every so many.
    some = 1 if PROVE else 199
    few = {1, 2, 4, 5, 6}
    for start, frame in list(zip(starts, frames, strict=True))[part::PARTS]:
        step = 1 if PROVE else (11 if frame[4] in few and len(frame) < 100 else some)
        for bit in range(start * 8, (start + len(frame)) * 8, step):
            wrong = bytearray(data)
            wrong[bit >> 3] ^= 1 << (bit & 7)
            is_named(bytes(wrong), start, is_last=start >= starts[-2])
            proof("bit_flip", 1)


def is_named(data: bytes, start: int, *, is_last: bool) -> None:
    """Damage in the frame at an offset is found there; at the very end of a log it is what a crash may leave."""
    try:
        found = scan(Memory({"000001.ctj": data}))
    except JournalCorrupt as error:
        assert error.file == "000001.ctj" and error.offset == start
    except JournalUnreadable as error:
        assert start < 87 and "format" in str(error)
    else:
        assert is_last and found.torn is not None and found.torn.offset <= start


def test_a_corrupt_record_anywhere_before_the_last_is_refused(
    engine: str, runs: Callable[[str], tuple[Path, Whole]], proof: Count
) -> None:
    run, whole = runs(engine)
    log = interrupted(whole.segments, 12)
    random = Random(3)
    with scratch() as root:
        for name, data in log.items():
            frames = split(data)
            at = 0
            for place, frame in enumerate(frames[: -1 if name == max(log) else None]):
                if PROVE or place % 9 == 0 or name == max(log):
                    wrong = bytearray(data)
                    size = random.randint(1, len(frame))
                    first = at + random.randrange(len(frame) - size + 1)
                    wrong[first : first + size] = changed(wrong[first : first + size], random)
                    error = is_refused(run, root, log | {name: bytes(wrong)}, engine)
                    assert (error.file, error.offset) == (name, at) and "torn" not in str(error).replace("no torn", "")
                    proof("corrupt_record", 1)
                at += len(frame)


def changed(piece: bytearray, random: Random) -> bytes:
    """Other bytes, each of them."""
    return bytes(byte ^ random.randint(1, 255) for byte in piece)


def test_records_and_segments_that_are_deleted_doubled_or_swapped_are_refused(
    engine: str, runs: Callable[[str], tuple[Path, Whole]], proof: Count
) -> None:
    run, whole = runs(engine)
    log = interrupted(whole.segments, 12)
    with scratch() as root:
        for name, data in log.items():
            frames = split(data)
            last = len(frames) - (name == max(log))
            for at in range(0, last, 1 if PROVE else 13):
                wrong = [[*frames[:at], *frames[at + 1 :]], [*frames[: at + 1], *frames[at:]]]
                if at + 1 < len(frames):
                    wrong.append([*frames[:at], *frames[at : at + 2][::-1], *frames[at + 2 :]])
                for one in wrong:
                    if one != frames:
                        is_refused(run, root, log | {name: b"".join(one)}, engine)
                        proof("moved", 1)
        for wrong_segments in moved(log):
            is_refused(run, root, wrong_segments, engine)
            proof("moved", 1)


def moved(log: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Segments deleted, doubled and swapped."""
    names = sorted(log)
    for place, name in enumerate(names[:-1]):
        yield {other: data for other, data in log.items() if other != name}
        yield log | {name: log[names[place + 1]], names[place + 1]: log[name]}
        after = [segment_name(number) for number in range(place + 2, len(names) + 2)]
        yield {one: log[one] for one in names[: place + 1]} | dict(
            zip(after, (log[one] for one in names[place:]), strict=True)
        )


def test_a_run_that_never_began_is_unreadable_and_says_what_to_do(
    engine: str, runs: Callable[[str], tuple[Path, Whole]], proof: Count
) -> None:
    run, whole = runs(engine)
    opening = sum(map(len, split(whole.segments["000001.ctj"])[:2]))
    with scratch() as root:
        for size in range(0, opening, 1 if PROVE else 83):
            place = damaged(run, root, {"000001.ctj": whole.segments["000001.ctj"][:size]})
            with pytest.raises(JournalError, match="never began") as caught:
                recover(place, engine=engine)
            assert isinstance(caught.value, JournalUnreadable)
            shutil.rmtree(place)
            proof("truncation", 1)


def test_the_second_process_on_a_run_is_refused(
    engine: str, runs: Callable[[str], tuple[Path, Whole]], proof: Count
) -> None:
    import subprocess
    import sys

    run, whole = runs(engine)
    with scratch() as root:
        place = damaged(run, root, interrupted(whole.segments, 9))
        before = everything(place)
        holder = (
            "import sys; from cracktrader.journal.folder import RunFolder; RunFolder(sys.argv[1]).lock(); print(1, flush=True);"
            "sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", holder, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None and other.stdin is not None
            other.stdout.readline()
            with pytest.raises(JournalError, match=rf"is written by process {other.pid}: wait for its end"):
                recover(place, engine=engine)
            assert everything(place) == before
            other.stdin.close()
        with hastily():
            assert Whole.of(place, recover(place, engine=engine)) == whole
        proof("two_processes", 1)
