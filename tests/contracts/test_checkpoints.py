"""Checkpoints of both cores: equal bytes after every step of every golden trace, and runs that go on from one as if they never stopped.

The long form (`make prove`) restores at every step. Deliberately not here: damaged bytes (test_hostile_checkpoints.py) and the
host's own state (tests/integration/test_checkpointed_runs.py).
"""

from __future__ import annotations

import trace
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cracktrader import backend
from cracktrader.core.engine import Response

NAMES = trace.names()
EVERY = 23
"""Every so many steps, over all traces, the run goes on from its checkpoint on an engine of each core."""


def observed(going: trace.Run) -> Iterator[bytes]:
    """Every record from here on, to the end of the run, and how it went on."""
    machine = going.machine
    while going._goes_on() and machine.step():
        going.records.append(machine.last_record)
        yield machine.last_record
    if not machine.interrupted:
        machine.end_data()
        yield machine.last_record
        while machine.step() and not machine.interrupted:
            yield machine.last_record
    if not machine.interrupted:
        machine.conclude()
        yield machine.last_record


def resumed(story: dict[str, Any], engine: str, data: bytes, from_run: trace.Run) -> trace.Run:
    """A new run on an engine that goes on from the checkpoint, with a host that is where the other one's is."""
    fresh = trace.Run(story, engine)
    fresh.machine.restore(data)
    fresh.host.calls = Counter(from_run.host.calls)
    fresh.host.indicators = {index: list(values) for index, values in from_run.host.indicators.items()}
    fresh.records = list(from_run.records)
    return fresh


def told(machine: Any) -> list[Any]:
    """Everything that an engine says of itself."""
    return [
        *(machine.root(), machine.full_root(), machine.digest(), machine.venue_bytes(), machine.counters()),
        *(machine.now, machine.seq, machine.stopped, machine.ended, machine.exhausted),
    ]


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_checkpoints_are_equal_and_lead_on_as_if_nothing_had_stopped(name: str) -> None:
    lead_on(name, EVERY)


@pytest.mark.prove
@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_every_checkpoint_leads_on_as_if_nothing_had_stopped(name: str) -> None:
    lead_on(name, 1)


def lead_on(name: str, every: int) -> None:
    """Go on from every so many checkpoints of a trace, on both engines."""
    story = trace.load(name)
    whole = trace.Run(story, "python")
    records = list(observed(whole))
    end = told(whole.machine)
    runs = [trace.Run(story, engine) for engine in ("python", "rust")]
    begun = NAMES.index(name)
    for taken, _ in enumerate(zip(*(run.steps() for run in runs), strict=True), start=1):
        python, rust = (run.machine for run in runs)
        if python.interrupted:
            break
        data = python.checkpoint()
        assert data == rust.checkpoint()
        if (begun + taken) % every:
            continue
        for engine in ("python", "rust"):
            fresh = resumed(story, engine, data, runs[0])
            assert fresh.machine.checkpoint() == data
            assert told(fresh.machine) == told(python)
            assert list(observed(fresh)) == records[taken:]
            assert told(fresh.machine) == end
            assert fresh.host.lines == whole.host.lines


def test_a_checkpoint_before_the_start_and_after_the_end_leads_on(engine: str) -> None:
    story = trace.load(NAMES[0])
    first = trace.Run(story, engine)
    fresh = trace.Run(story, engine)
    fresh.machine.restore(first.machine.checkpoint())
    assert list(observed(fresh)) == list(observed(first))
    again = trace.Run(story, engine)
    again.machine.restore(first.machine.checkpoint())
    assert told(again.machine) == told(first.machine)


def test_an_interrupted_run_and_a_started_engine_are_refused(engine: str) -> None:
    host = Interrupts()
    machine = backend.machine(engine, trace.Run(trace.load(NAMES[0]), engine).story.config, host, True)
    data = machine.checkpoint()
    machine.start()
    with pytest.raises(ValueError, match="interrupted in step 0"):
        machine.checkpoint()
    going = trace.Run(trace.load(NAMES[0]), engine)
    going.machine.start()
    with pytest.raises(ValueError, match="restored before the start"):
        going.machine.restore(data)


class Interrupts:
    """A host that is interrupted at once."""

    def bind(self, view: Any) -> None:
        """Nothing is asked."""

    def wants(self, strategy: int) -> int:
        """Everything."""
        return 2**64 - 1 - strategy * 0

    def pass_over(self, strategy: int) -> None:
        """Nothing is counted here."""

    def call(self, strategy: int, event: Any, status_changed: bool) -> Response:
        """An interruption."""
        del strategy, event, status_changed
        return Response(interrupted=True)
