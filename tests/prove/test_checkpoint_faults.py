"""Checkpoints of a real run: from each of them goes the run that nothing interrupted; a newest one that is damaged or half written is
passed over for the one before, both for the whole log; and one that the log does not bear out is never used.

Deliberately not here: kills and power cuts, which hit checkpoints as well (test_kill.py, test_power_cut.py), and what is in a checkpoint
(tests/contracts).
"""

from __future__ import annotations

import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest

from cracktrader.core.codec import Kind, frames
from cracktrader.errors import JournalUnreadable
from cracktrader.journal import checkpoints
from cracktrader.journal.checkpoints import Checkpoint, checkpoint_name
from cracktrader.journal.files import TEMPORARY, Folder
from cracktrader.journal.reader import scan
from cracktrader.runtime.recovery import recover
from cracktrader.runtime.rerun import RecordedRun
from tests.prove.disk import hastily
from tests.prove.recorded import Whole, backtest
from tests.prove.story import LONG, PROVE, Count, bars, scratch, segments
from tests.prove.traders import Trader
from tests.unit.journal_files import split

pytestmark = LONG
EVERY = 1 if PROVE else 50
AHEAD = 50
"""Steps that are run from a checkpoint until the state is held against the one a later checkpoint has."""
BARS = 2_080
"""Of which come 5,000 events."""


class Run(NamedTuple):
    """A concluded run and the checkpoints it made."""

    path: Path
    whole: Whole
    kept: list[Checkpoint]


Runs = Callable[..., Run]
"""Of a core; `length` in bars and `every` are how long it is and after how many events it makes a checkpoint."""


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Each is made once."""
    with scratch() as root:
        made: dict[Path, Run] = {}

        def run_of(engine: str, length: int = 200, every: int = 10) -> Run:
            path = root / f"{engine}-{length}"
            if path not in made:
                kept: list[Checkpoint] = []
                with patch.object(checkpoints, "write", lambda files, one, **named: kept.append(one)), hastily():
                    outcome = backtest(path, engine, "saves", bars(length), checkpoint_events=every)
                made[path] = Run(path, Whole.of(path, outcome), kept)
            return made[path]

        yield run_of


def left(run: Run, into: Path, kept: list[Checkpoint], records: int = 2) -> Path:
    """The run as a kill leaves it before its last records, with these checkpoints."""
    place = into / "run"
    shutil.copytree(run.path, place)
    last = max((place / "journal").iterdir())
    last.write_bytes(b"".join(split(last.read_bytes())[:-records]))
    for one in kept:
        (place / "checkpoints" / checkpoint_name(one.seq)).write_bytes(checkpoints.encode(one))
    return place


def recovered(place: Path, whole: Whole) -> list[str]:
    """What recovery says on its way to the whole run."""
    said: list[str] = []
    with hastily():
        assert Whole.of(place, recover(place, note=said.append)) == whole
    return said


def test_from_a_checkpoint_at_every_event_goes_the_same_run(engine: str, runs: Runs, proof: Count) -> None:
    """From each the next steps are run with the strategy, whose answers must be those recorded; the state is then, byte for byte, that of
    a later checkpoint, and so on to the end."""
    run = runs(engine, BARS, EVERY)
    assert len(run.kept) >= 5_000 // EVERY - 1
    recorded = RecordedRun(run.path)
    steps = [frame for chunk in recorded.scan.frames() for _, frame in frames(chunk)]
    ends = [_last(frame) for frame in steps]
    payloads = {one.seq: (sha256(one.payload).digest(), one.host["strategies"]) for one in run.kept}
    for one in run.kept:
        until = min(one.seq + AHEAD, run.kept[-1].seq)
        first = bisect_right(ends, one.seq)
        machine, host = recorded.setup.start(engine, [Trader()])
        machine.restore(one.payload)
        machine.bind_again()
        host.load(one.host["strategies"])
        machine.replay([b"".join(steps[first : first + AHEAD + 2])], strategies=True, until=until)
        assert machine.seq == until
        assert (sha256(machine.checkpoint()).digest(), host.save()) == payloads[until]
        proof("every_checkpoint", 1)


def _last(frame: bytes) -> int:
    """The last seq of a frame; the end of a run is after every step."""
    if frame[4] == Kind.STEP:
        return int.from_bytes(frame[6:14], "little")
    if frame[4] == Kind.DATA_RUN:
        return int.from_bytes(frame[5:13], "little") + int.from_bytes(frame[13:21], "little") - 1
    return 2**63


def test_a_run_is_recovered_from_checkpoints_early_and_late(engine: str, runs: Runs, proof: Count) -> None:
    run = runs(engine)
    chosen = [run.kept[0], run.kept[len(run.kept) // 2], run.kept[-2], run.kept[-1]]
    for one in chosen:
        with scratch() as root:
            said = recovered(left(run, root, [one]), run.whole)
        assert f"from the checkpoint at seq {one.seq}" in said[-1]
        proof("every_checkpoint", 1)


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before_and_both_to_the_log(
    engine: str, runs: Runs, proof: Count
) -> None:
    run = runs(engine)
    old, new = run.kept[-9], run.kept[-3]
    with scratch() as root:
        place = left(run, root, [old, new])
        whole = checkpoints.encode(new)
        path = place / "checkpoints" / checkpoint_name(new.seq)
        step = max(1, len(whole) // (200 if PROVE else 25))
        wrongs = [whole[:size] for size in range(0, len(whole), step)]
        wrongs += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), step)]
        for wrong in wrongs:
            path.write_bytes(wrong)
            said: list[str] = []
            found = next(checkpoints.newest(checkpoints_of(place), said.append))
            assert found.seq == old.seq and f"{path.name} is not used" in said[0]
            proof("checkpoints", 1)
        said = recovered(place, run.whole)
        assert f"from the checkpoint at seq {old.seq}" in said[-1]
    with scratch() as root:
        place = left(run, root, [old, new])
        for one in (place / "checkpoints").iterdir():
            one.write_bytes(one.read_bytes()[:-1])
        said = recovered(place, run.whole)
        assert "from the beginning" in said[-1] and sum("is not used" in line for line in said) == 2
        proof("checkpoints", 1)


def checkpoints_of(place: Path) -> Folder:
    """The checkpoints of a run."""
    return Folder(place / "checkpoints")


def test_a_checkpoint_interrupted_at_any_step_leaves_the_old_or_the_new(engine: str, runs: Runs, proof: Count) -> None:
    """Half a file under its temporary name, all of it, or in its place with the one before not yet removed."""
    run = runs(engine)
    old, new = run.kept[-9], run.kept[-3]
    data = checkpoints.encode(new)
    for name, content, seq in (
        (checkpoint_name(new.seq) + TEMPORARY, data[: len(data) // 2], old.seq),
        (checkpoint_name(new.seq) + TEMPORARY, data, old.seq),
        (checkpoint_name(new.seq), data, new.seq),
    ):
        with scratch() as root:
            place = left(run, root, [run.kept[-12], old])
            (place / "checkpoints" / name).write_bytes(content)
            assert f"from the checkpoint at seq {seq}" in recovered(place, run.whole)[-1]
        proof("checkpoints", 1)


def test_a_checkpoint_that_the_log_does_not_bear_out_is_not_used(engine: str, runs: Runs, proof: Count) -> None:
    """Of a future that the log lost, of another run, or of another log."""
    run = runs(engine)
    old, new = run.kept[len(run.kept) // 2], run.kept[-1]
    records = next(count for count in range(2, 10_000) if scan_without(run, count) < new.position.last_seq)
    lies = {
        "the log ends at": new,
        "it is of another run": run.kept[-3]._replace(run_id=bytes(32)),
        "another head": run.kept[-3]._replace(position=run.kept[-3].position._replace(head=bytes(32))),
    }
    for why, lie in lies.items():
        with scratch() as root:
            place = left(run, root, [old, lie], records if lie is new else 2)
            said = recovered(place, run.whole)
        assert any(f"the checkpoint at seq {lie.seq} is not used: " in line and why in line for line in said), said
        assert f"from the checkpoint at seq {old.seq}" in said[-1]
        proof("checkpoints", 1)


def scan_without(run: Run, records: int) -> int:
    """The last seq of the last segment's log without its last records."""
    last = split(max(segments(run.path / "journal").items())[1])
    ends = [_last(frame) for frame in last[:-records] if frame[4] in (Kind.STEP, Kind.DATA_RUN)]
    return ends[-1]


def test_a_checkpoint_of_a_newer_version_is_refused_by_its_version(engine: str, runs: Runs, proof: Count) -> None:
    run = runs(engine)
    data = checkpoints.encode(run.kept[-1])
    newer = data[:8] + (99).to_bytes(2, "little") + data[10:-32]
    with scratch() as root:
        place = left(run, root, [])
        (place / "checkpoints" / checkpoint_name(run.kept[-1].seq)).write_bytes(newer + sha256(newer).digest())
        with pytest.raises(JournalUnreadable, match="is a checkpoint of version 99; this program reads version 1"):
            recover(place)
        assert scan(place / "journal").end is None
    proof("newer_version", 1)
