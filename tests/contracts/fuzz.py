"""The differential fuzzer: seeded scenarios on both cores in step, until a number of events or seconds is reached or something differs.

`python tests/contracts/fuzz.py --seconds 60` prints the floors at the end; a divergence is shrunk, printed and saved under reports/.
Deliberately not here: what is compared (lockstep.py), what happens in a scenario (generator.py, hostile.py, world.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import planted
from generator import Generator, new_scenario
from lockstep import Divergence, Lockstep
from reached import Coverage, table
from scenario import Scenario, dumps, loads
from shrink import shrink

REPORTS = Path(__file__).resolve().parents[2] / "reports"
STEPS = 300
"""Steps of a scenario before the end of its data."""
REPLAY_EVERY = 8
"""Every so many scenarios the records are replayed."""
LIMITLESS = 2**62


@dataclass(frozen=True)
class Task:
    """What one worker does."""

    seed: int
    events: int = LIMITLESS
    seconds: float = 1e9
    engines: tuple[str, ...] = ("python", "rust")
    plant: str = ""
    shrinks: bool = True


@dataclass
class Outcome:
    """What one worker found."""

    task: Task
    coverage: Coverage
    divergence: str = ""
    scenario: str = ""
    """The scenario that diverged, shrunk where that was asked for, as JSON; '' for none."""
    shrunk_events: int = 0
    seconds: float = 0.0


def generate(seed: int, engines: Sequence[str], coverage: Coverage, *, replays: bool = False) -> Scenario:
    """Invent and run one scenario. Divergence carries on; the scenario so far is its `scenario`."""
    scenario = new_scenario(seed, STEPS)
    leader = Generator(scenario, coverage)
    run = Lockstep(scenario, engines, leader=leader, coverage=coverage)
    engine = run.machines[0].engine
    state = engine.state
    leader.watch(state, engine.sequencer.queue)
    coverage.scenarios += 1
    try:
        while run.taken < scenario.steps and not run.machines[0].interrupted:
            leader.taken = run.taken
            for item in leader.push(idle=False):
                run.push(item)
            if not run.step():
                for item in leader.push(idle=True):
                    run.push(item)
            coverage.open_orders += sum(owner.open_orders for owner in state.owners)
        run.finish()
        if replays:
            run.check_replay()
    except Divergence as divergence:
        scenario.steps = run.taken + 1
        divergence.add_note(dumps(scenario))
        raise
    return scenario


def work(task: Task) -> Outcome:
    """One worker: scenarios one after the other, until its events or seconds are over or something differs."""
    began = time.monotonic()
    outcome = Outcome(task, Coverage())
    with planted.plant(task.plant), outcome.coverage.counting():
        seed = task.seed * 1_000_003
        while outcome.coverage.events < task.events and time.monotonic() - began < task.seconds:
            seed += 1
            replays = seed % REPLAY_EVERY == 0
            try:
                generate(seed, task.engines, outcome.coverage, replays=replays)
            except Divergence as divergence:
                _keep(outcome, divergence)
                break
    outcome.seconds = time.monotonic() - began
    return outcome


def _keep(outcome: Outcome, divergence: Divergence) -> None:
    outcome.divergence = str(divergence)
    outcome.scenario = divergence.__notes__[0]
    if outcome.task.shrinks:
        smaller, text, events = shrink(loads(outcome.scenario), outcome.task.engines)
        if smaller is not None:
            outcome.divergence, outcome.shrunk_events = text, events
            outcome.scenario = dumps(smaller, why=text)


def work_all(tasks: Sequence[Task], jobs: int) -> list[Outcome]:
    """All tasks in processes of their own, `jobs` at a time, in the order they end."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = [pool.submit(work, task) for task in tasks]
        return [future.result() for future in as_completed(futures)]


def save(outcome: Outcome) -> Path:
    """Keep the scenario of a divergence."""
    REPORTS.mkdir(exist_ok=True)
    path = REPORTS / f"fuzz-{outcome.task.seed}{outcome.task.plant.replace(':', '-')}.json"
    path.write_text(outcome.scenario, encoding="utf-8")
    return path


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--events", type=int, default=LIMITLESS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--engines", default="python,rust")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plant", default="", help="plant a defect, for example python:3")
    parser.add_argument("--no-shrink", action="store_true")
    given = parser.parse_args()
    if given.seconds == 1e9 and given.events == LIMITLESS:
        given.seconds = 60.0
    engines = tuple(given.engines.split(","))
    tasks = [
        Task(given.seed + job, given.events // given.jobs, given.seconds, engines, given.plant, not given.no_shrink)
        for job in range(given.jobs)
    ]
    outcomes = [work(tasks[0])] if given.jobs == 1 else work_all(tasks, given.jobs)
    return report(outcomes)


def report(outcomes: Sequence[Outcome]) -> int:
    """Print the floors and every divergence; the exit code."""
    from transition_table import reachable_keys

    total = Coverage()
    for outcome in outcomes:
        total.add(outcome.coverage)
    lines, missed = table(total, reachable_keys(), 1)
    seconds = max(outcome.seconds for outcome in outcomes)
    print("\n".join(lines))
    print(f"{total.events / max(seconds, 1e-9):,.0f} events/s; misses: {len(missed)} {missed[:12]}")
    diverged = [outcome for outcome in outcomes if outcome.scenario]
    for outcome in diverged:
        print(f"\nDIVERGENCE (seed {outcome.task.seed}): {outcome.divergence[:6000]}\n")
        print(f"{outcome.shrunk_events} events; saved as {save(outcome)}")
    print(f"divergences {len(diverged)}")
    return 1 if diverged else 0


if __name__ == "__main__":
    sys.exit(main())
