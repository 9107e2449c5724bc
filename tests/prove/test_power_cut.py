"""After a power cut at any operation, whatever the disk may then hold goes on to the run that nothing interrupted, and what was
acknowledged is in it.

Deliberately not here: what a disk may hold (disk.py), and the death of the process alone (test_kill.py).
"""

from __future__ import annotations

import shutil
from random import Random

import pytest

from cracktrader.errors import JournalCorrupt, JournalUnreadable
from cracktrader.journal.reader import scan
from cracktrader.runtime.recovery import recover
from tests.prove.disk import Disk, hastily, on
from tests.prove.outside import Outside
from tests.prove.recorded import Watched, Whole, backtest
from tests.prove.story import LONG, Count, Hasty, bars, cases, scratch
from tests.unit.journal_files import Memory

pytestmark = LONG
BARS = 40
SEEDS = {"rust": cases(150, 1_500), "python": cases(60, 600)}
RECORDED = {"rust": (150, cases(100, 1_000)), "python": (40, cases(45, 450))}
"""Bars of a recorded run, and seeds: 500 of all kinds, 5,000 in the long form."""


@pytest.fixture(scope="module")
def outside() -> Outside:
    """A run at a venue outside, whose commands are acknowledgements."""
    return Outside.of(list(bars(BARS))).scripted("python", Memory())


def test_whatever_a_power_cut_leaves_of_a_run_with_a_venue_outside_goes_on(
    engine: str, outside: Outside, proof: Count
) -> None:
    whole = Memory()
    outside.run(engine, whole, lambda seq: None)
    with scratch() as root:
        disk = Disk(root)
        (disk.root / "journal").mkdir()
        outside.run(engine, disk.folder(disk.root / "journal"), disk.acknowledge)
        proof("power_cut", SEEDS[engine])
        for seed in range(SEEDS[engine]):
            goes_on(outside, engine, disk, Random(seed), whole.contents())


def test_where_unwritten_pages_hold_garbage_a_log_goes_on_or_is_refused(outside: Outside, proof: Count) -> None:
    """Nobody can tell garbage with a good record behind it from a record that was changed."""
    whole = Memory()
    outside.run("python", whole, lambda seq: None)
    with scratch() as root:
        disk = Disk(root, garbage=True)
        (root / "journal").mkdir()
        outside.run("python", disk.folder(root / "journal"), disk.acknowledge)
        proof("power_cut_garbage", cases(20, 200))
        for seed in range(cases(20, 200)):
            try:
                goes_on(outside, "python", disk, Random(seed), whole.contents(), again=0)
            except JournalCorrupt as error:
                assert "no torn tail" in str(error)


@pytest.mark.parametrize("omitted", ["sync", "sync_folder"])
def test_a_writer_that_omits_a_sync_is_found_out(
    omitted: str, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is proved here can fail: a writer that does not ask for a sync acknowledges what a power cut takes."""
    whole = Memory()
    outside.run("python", whole, lambda seq: None)
    with scratch() as root:
        disk = Disk(root)
        (root / "journal").mkdir()
        folder = disk.folder(root / "journal")
        monkeypatch.setattr(folder, omitted, lambda *given: None)
        outside.run("python", folder, disk.acknowledge)
        with pytest.raises((AssertionError, JournalCorrupt)):
            for seed in range(60):
                goes_on(outside, "python", disk, Random(seed), whole.contents(), again=0)


def goes_on(outside: Outside, engine: str, disk: Disk, random: Random, whole: dict[str, bytes], again: int = 2) -> None:
    """Cut the power, and recover; the power may go again meanwhile."""
    at = random.randrange(len(disk.log) + 1)
    least = disk.acknowledged(at)
    with scratch() as root:
        for name in ("journal", "torn"):
            (root / name).mkdir()
        disk.after_a_cut(at, random, root)
        journal = Hasty(root / "journal")
        try:
            found = scan(journal)
        except JournalUnreadable:
            assert least < 0, "what was acknowledged is not there"
            return
        assert found.last_seq >= least, f"acknowledged up to {least}, there up to {found.last_seq}"
        if again and random.random() < 0.3:
            next_disk = Disk.holding(root, ("journal", "torn"))
            next_disk.acknowledge(least)
            outside.recover(
                engine, next_disk.folder(root / "journal"), next_disk.folder(root / "torn"), next_disk.acknowledge
            )
            goes_on(outside, engine, next_disk, random, whole, again - 1)
            return
        outside.recover(engine, journal, Hasty(root / "torn"), lambda seq: None)
        assert {path.name: path.read_bytes() for path in sorted((root / "journal").iterdir())} == whole


FOLDERS = ("run", "run/journal", "run/torn", "run/checkpoints", ".")
BESIDE = ("data", "code", "lock")
"""What a disk does not lose here: it is written once, and synced before the first step."""


@pytest.mark.parametrize("kind", ["saves", "forgets"])
def test_whatever_a_power_cut_leaves_of_a_recorded_backtest_is_recovered(engine: str, kind: str, proof: Count) -> None:
    count, seeds = RECORDED[engine]
    loaded = bars(count)
    with scratch() as root:
        whole = Whole.of(root / "whole", backtest(root / "whole", engine, kind, loaded))
        disk = Disk(root)
        with on(disk, lambda machine: Watched(machine, disk.acknowledge)):
            backtest(root / "run", engine, kind, loaded, **JOURNAL)
        proof("power_cut", seeds)
        for seed in range(seeds):
            is_recovered(engine, disk, Random(seed), whole)


JOURNAL = {"sync": "group", "records": 5, "milliseconds": 60_000, "checkpoint_events": 16}


def is_recovered(engine: str, disk: Disk, random: Random, whole: Whole, again: int = 2) -> None:
    """Cut the power, and recover; the power may go again meanwhile."""
    at = random.randrange(len(disk.log) + 1)
    least = disk.acknowledged(at)
    with scratch() as root:
        for name in FOLDERS:
            (root / name).mkdir(exist_ok=True)
        disk.after_a_cut(at, random, root)
        for name in BESIDE:
            source = disk.root / "run" / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, root / "run" / name)
        cut_again = again > 0 and random.random() < 0.3
        onto = Disk.holding(root, FOLDERS) if cut_again else Disk(root)
        onto.acknowledge(least)
        try:
            assert scan(root / "run" / "journal").last_seq >= least
            with on(onto, lambda machine: Watched(machine, onto.acknowledge)) if cut_again else hastily():
                outcome = recover(root / "run")
        except JournalUnreadable:
            assert least < 0, "what was acknowledged is not there"
            return
        if cut_again:
            is_recovered(engine, onto, random, whole, again - 1)
        else:
            assert Whole.of(root / "run", outcome) == whole
