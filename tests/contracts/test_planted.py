"""Planted defects in each core: the fuzzer finds every one, and without one it finds nothing.

Each runs in a process of its own; those of the Rust core need the test build (`make planted`). Deliberately not here: what the defects
are (planted.py).
"""

from __future__ import annotations

import os

import pytest
from fuzz import Outcome, Task, work_all
from planted import EXTENSION, NAMES

EVENTS = 60_000
"""Within so many events each defect is found."""
CONTROL_EVENTS = 20_000
SHRUNK = ("python:5", "rust:4", "rust:9")
"""Those that are also shrunk, to at most ten events."""
JOBS = max(os.cpu_count() or 2, 2)


@pytest.mark.parity
def test_all_planted_defects_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert EXTENSION.is_file(), "the test build with planted defects is missing: run `make planted`"
    defects = [f"{engine}:{number}" for engine in ("python", "rust") for number in NAMES]
    tasks = [Task(seed=5, events=EVENTS, plant=defect, shrinks=defect in SHRUNK) for defect in defects]
    found = {outcome.task.plant: outcome for outcome in work_all(tasks, JOBS)}
    with capsys.disabled():
        print("\n\nplanted defects")
        for defect in defects:
            print(f"  {described(found[defect])}")
        print(f"  {sum(bool(outcome.scenario) for outcome in found.values())} of {len(defects)} found")
    assert [defect for defect in defects if not found[defect].scenario] == []
    for defect in SHRUNK:
        assert 0 < found[defect].shrunk_events <= 10, found[defect].divergence


@pytest.mark.parity
def test_without_a_planted_defect_nothing_is_found() -> None:
    tasks = [Task(seed=5, events=CONTROL_EVENTS), Task(seed=5, events=CONTROL_EVENTS, plant="rust:0")]
    for outcome in work_all(tasks, JOBS):
        assert not outcome.scenario, outcome.divergence


def described(outcome: Outcome) -> str:
    """One line of the table."""
    defect = outcome.task.plant
    name = NAMES[int(defect.partition(":")[2])]
    shrunk = f", shrunk to {outcome.shrunk_events} events" if outcome.shrunk_events else ""
    return f"{defect:<10} {name:<30} after {outcome.coverage.events:,} events{shrunk}"
