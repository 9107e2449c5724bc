"""What a journal costs: on top of a run, by sync policy, for a replay, for a warm restart. Run by hand or by `make prove`; no test.

    python tests/performance/journal_costs.py [--bars N] [--replay N] [--repeats N] [--json FILE]

Runs alternate with and without a journal, and the best of each is compared: a busy machine slows both. Costs are of the engine's own thread
(`time.thread_time`); hashing and writing are on another one, whose time is in the throughput. Checkpoints come as they do by default. A
restart and a replay are told by the clock and by processor time, which a busy machine lengthens less; the interpreter has started, and what
it imports is there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cracktrader as ct
from cracktrader.core.codec import frames
from cracktrader.data.columns import Columns
from cracktrader.runtime.declare import Options
from cracktrader.runtime.recording import Journal, Recording
from cracktrader.runtime.recovery import recover
from cracktrader.runtime.rerun import RecordedRun
from cracktrader.runtime.setup import set_up


class Asleep(ct.Strategy):
    """Is never called: no step of its run is recorded but the first and the last."""


class Crossing(ct.Strategy):
    """Flips a position at every cross of two averages, and takes care to ask once."""

    fast: int = 10
    slow: int = 30

    def on_start(self, ctx: Any) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.SMA(self.slow))

    def on_bar(self, ctx: Any, bar: Any) -> None:
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(1)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.target(-1)


class Timed(NamedTuple):
    """One run: seconds of the engine's thread, seconds by the clock until all is written, steps with a frame, events."""

    thread: float
    wall: float
    recorded: int
    events: int


def timed(kind: type[ct.Strategy], data: list[Columns], journal: Journal | None, engine: str) -> Timed:
    """A run of the strategy; its folder is left behind."""
    strategies = [kind()]
    setup = set_up(strategies, data, Options(cash=10_000_000, fees=0.001))
    run, host = setup.start(engine, strategies)
    if journal is None:
        began, wall = time.thread_time(), time.perf_counter()
        run.run()
        return Timed(time.thread_time() - began, time.perf_counter() - wall, 0, run.seq)
    shutil.rmtree(journal.folder, ignore_errors=True)
    with Recording.begin(journal, setup, run, host, engine) as recording:
        began, wall = time.thread_time(), time.perf_counter()
        recording.run()
        thread = time.thread_time() - began
    seconds = time.perf_counter() - wall
    counted = sum(1 for chunk in RecordedRun(journal.folder).scan.frames() for _ in frames(chunk))
    return Timed(thread, seconds, counted, run.seq)


def best(make: Callable[[], Timed], repeats: int) -> Timed:
    """The run with the least thread time."""
    return min((make() for _ in range(repeats)), key=lambda one: one.thread)


def on_top(data: list[Columns], folder: Path, repeats: int, engine: str) -> dict[str, Any]:
    """Nanoseconds on top of the run without a journal: of an event that changes nothing, and of a recorded step."""
    told: dict[str, Any] = {}
    for kind in (Asleep, Crossing):
        plain: list[Timed] = []
        kept: list[Timed] = []
        for _ in range(repeats):
            plain.append(timed(kind, data, None, engine))
            kept.append(timed(kind, data, Journal(folder), engine))
        without, recorded = min(plain), min(kept)
        extra = recorded.thread - without.thread
        told[kind.__name__] = {
            "events": recorded.events,
            "recorded": recorded.recorded,
            "seconds_without": without.thread,
            "seconds_with": recorded.thread,
        }
        if kind is Asleep:
            told["ns_per_idle_event"] = extra / recorded.events * 1e9
        else:
            idle = max(told["ns_per_idle_event"], 0.0) * (recorded.events - recorded.recorded) / 1e9
            told["ns_per_recorded_step"] = (extra - idle) / recorded.recorded * 1e9
    return told


def throughput(data: list[Columns], folder: Path, repeats: int, engine: str) -> dict[str, Any]:
    """Events and recorded steps a second by policy, until all is written."""
    told = {}
    for policy in ("os", "group", "always"):
        journal = Journal(folder, sync=policy)
        one = min((timed(Crossing, data, journal, engine) for _ in range(repeats)), key=lambda one: one.wall)
        told[policy] = {"events_per_s": one.events / one.wall, "steps_per_s": one.recorded / one.wall}
    return told


def restart(data: list[Columns], folder: Path, engine: str) -> dict[str, Any]:
    """Seconds from a killed run of these rows to one that goes on, from its last checkpoint and from the beginning; and what the
    checkpoints took of the engine's thread."""
    strategies = [Crossing()]
    setup = set_up(strategies, data, Options(cash=10_000_000, fees=0.001))
    run, host = setup.start(engine, strategies)
    shutil.rmtree(folder, ignore_errors=True)
    journal = Journal(folder)
    checkpoints: list[float] = []

    class Killed(Exception):
        pass

    try:
        with Recording.begin(journal, setup, run, host, engine) as recording:

            def near_the_end(taken: int) -> None:
                if taken > 0.97 * len(data[0]):
                    raise Killed

            keep = recording.checkpoint

            def timed_checkpoint() -> None:
                began = time.thread_time()
                keep()
                checkpoints.append(time.thread_time() - began)

            recording.checkpoint = timed_checkpoint  # type: ignore[method-assign]
            recording.run(near_the_end)
    except Killed:
        pass
    told: dict[str, Any] = {
        "microseconds_per_checkpoint": [seconds * 1e6 for seconds in checkpoints],
        "checkpoint_ns_per_event": sum(checkpoints) / len(checkpoints) / journal.checkpoint_events * 1e9,
    }
    for name in ("from_checkpoint", "from_the_beginning"):
        copy = folder.with_name(f"{folder.name}-{name}")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        if name == "from_the_beginning":
            for path in (copy / "checkpoints").iterdir():
                path.unlink()
        notes: list[str] = []
        began, used = time.perf_counter(), time.process_time()
        going: list[tuple[float, float]] = []

        def note(line: str) -> None:
            notes.append(line)  # noqa: B023 - called in this turn only
            going.append((time.perf_counter() - began, time.process_time() - used))  # noqa: B023 - called in this turn only

        recover(copy, note=note)
        told[name] = {"seconds": going[-1][0], "processor_seconds": going[-1][1], "note": notes[-1]}
        shutil.rmtree(copy)
    return told


def replay(rows: int, folder: Path, engine: str) -> dict[str, Any]:
    """Seconds for a replay without strategies: reading and checking the journal, and the steps."""
    data = ct.data.load(ct.data.random_walk(bars=rows, seed=2))
    one = timed(Crossing, data, Journal(folder), engine)
    began, used = time.perf_counter(), time.process_time()
    run = RecordedRun(folder)
    scanned = time.perf_counter() - began
    run.setup  # noqa: B018  # The data is read and hashed here.
    loaded = time.perf_counter() - began - scanned
    replayed = run.replay(engine)
    return {
        "events": replayed.run.seq,
        "recorded": one.recorded,
        "megabytes": run.scan.size / 1e6,
        "seconds_scan": scanned,
        "seconds_data": loaded,
        "seconds_replay": replayed.seconds,
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - used,
    }


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bars", type=int, default=1_000_000)
    options.add_argument("--replay", type=int, default=10_000_000)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--engine", default="rust")
    options.add_argument("--json", type=Path)
    asked = options.parse_args()
    data = ct.data.load(ct.data.random_walk(bars=asked.bars, seed=1))
    with tempfile.TemporaryDirectory(prefix="journal-costs-") as place:
        folder = Path(place) / "run"
        told = {
            "engine": asked.engine,
            "on_top": on_top(data, folder, asked.repeats, asked.engine),
            "throughput": throughput(data, folder, max(asked.repeats // 2, 1), asked.engine),
            "restart": restart(data, folder, asked.engine),
        }
        if asked.replay:
            told["replay"] = replay(asked.replay, folder, asked.engine)
    text = json.dumps(told, indent=1)
    print(text)
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
