"""The differential fuzzer as a test: a million events on both cores in step, with floors on what they reach.

The long form (`make prove`) asserts each reachable row and code a thousand times. Deliberately not here: the planted defects
(test_planted.py).
"""

from __future__ import annotations

import os

import pytest
from fuzz import Outcome, Task, generate, save, work_all
from lockstep import Divergence, play
from planted import plant
from reached import Coverage, table
from scenario import dumps, loads
from shrink import shrink
from transition_table import reachable_keys

EVENTS = 1_000_000
FLOOR = 100
"""Times each reachable row and code is met in a million events: the floor of the long form by its events, less a margin."""
PROVE_EVENTS = 6_000_000
PROVE_FLOOR = 1_000
JOBS = max(os.cpu_count() or 2, 2)


def fuzz(events: int, engines: tuple[str, ...]) -> Coverage:
    """Fuzz in as many processes as there are processors; fails on a divergence."""
    tasks = [Task(seed=2 + job, events=events // JOBS, engines=engines) for job in range(JOBS)]
    outcomes = work_all(tasks, JOBS)
    total = Coverage()
    for outcome in outcomes:
        total.add(outcome.coverage)
    diverged = [outcome for outcome in outcomes if outcome.scenario]
    if diverged:
        pytest.fail("\n".join(told(outcome) for outcome in diverged), pytrace=False)
    return total


def told(outcome: Outcome) -> str:
    """A divergence in words, with the shrunk scenario."""
    return f"{outcome.divergence}\nsaved as {save(outcome)}\n{outcome.scenario}"


def assert_floors(coverage: Coverage, floor: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Print what was reached, and miss no floor."""
    lines, missed = table(coverage, reachable_keys(), floor)
    with capsys.disabled():
        print("\n\ndifferential fuzzing\n  " + "\n  ".join([*lines, "divergences 0"]))
    assert not missed, missed


@pytest.mark.parity
def test_both_cores_agree_on_a_million_hostile_events(capsys: pytest.CaptureFixture[str]) -> None:
    coverage = fuzz(EVENTS, ("python", "rust"))
    assert coverage.events >= EVENTS
    assert_floors(coverage, FLOOR, capsys)


@pytest.mark.prove
@pytest.mark.parity
def test_every_row_and_code_is_met_a_thousand_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert_floors(fuzz(PROVE_EVENTS, ("python", "rust")), PROVE_FLOOR, capsys)


def test_the_reference_core_agrees_with_the_ledger_and_its_own_replay() -> None:
    assert fuzz(20_000, ("python",)).events >= 20_000


@pytest.mark.parametrize("seed", range(40, 46))
def test_a_scenario_from_its_file_runs_as_it_was_generated(seed: int) -> None:
    coverage = Coverage()
    with coverage.counting():
        scenario = generate(seed, ("python",), coverage)
    text = dumps(scenario)
    assert dumps(loads(text)) == text
    assert play(loads(text), ("python",)).events == coverage.events


@pytest.mark.parametrize("defect", ["python:2", "python:4", "python:6"])
def test_a_planted_divergence_shrinks_to_ten_events(defect: str) -> None:
    coverage = Coverage()
    with plant(defect), coverage.counting():
        for seed in range(500):
            try:
                generate(seed, ("python",), coverage)
            except Divergence as divergence:
                smaller, text, events = shrink(loads(divergence.__notes__[0]), ("python",))
                break
        assert smaller is not None
        assert 0 < events <= 10, text
        with pytest.raises(Divergence):
            play(loads(dumps(smaller)), ("python",))
    play(smaller, ("python",))
