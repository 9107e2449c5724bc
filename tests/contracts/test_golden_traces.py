"""Every golden trace, on every engine: the literal columns, the bytes, the root, the replay; and what the traces cover together.

Deliberately not here: the stories (engine/*.json) and how they are run (trace.py).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import trace

import contract_tables
from transition_table import Key, expand_transitions, reachable_keys

from cracktrader.core import admission, replay
from cracktrader.core.engine import facts, outgoing
from cracktrader.core.indicator import RULES, IndicatorKind
from cracktrader.core.order import Guard, OrderInput, OrderState, transition
from cracktrader.core.reject import RejectCode

NAMES = trace.names()
FEWEST = 60
BROKEN_INVARIANTS = {name for name in RejectCode.__members__ if name.startswith("S_INVARIANT")}
PENDING = ("none", "cancel", "replace", "both")
INPUTS = {one: one.name.title().replace("_", "") for one in OrderInput}
GUARDS = {Guard.ANY: "any", Guard.GT0: "gt0", Guard.EQ0: "eq0", Guard.LT0: "lt0"}


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_has_the_columns_it_says(name: str, engine: str) -> None:
    story = trace.load(name)
    going = trace.Run(story, engine)
    for _ in going.steps():
        assert going.machine.root() == going.machine.full_root()
    going.finish()
    for found, expected in zip_longest(going.rows, story["steps"][: len(going.rows)]):
        assert found == expected
    if engine == "python":
        assert len(going.rows) == len(story["steps"])
    assert going.end(story["end"]) == story["end"]
    assert going.machine.root() == going.machine.full_root()


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_of_a_trace_change_on_purpose_only(name: str) -> None:
    story = trace.load(name)
    digest = trace.run(story, "python").records_sha256()
    assert digest == story["records_sha256"], "run `python tests/contracts/trace.py --bless` if the change is meant"


@pytest.mark.parametrize("name", NAMES)
def test_the_records_of_a_trace_replay_to_the_same_bytes(name: str) -> None:
    going = trace.run(trace.load(name), "python")
    replayed = replay.replay(going.story.config, going.records)
    assert replayed.root() == going.machine.root()
    assert replayed.state.counters == going.machine.counters()


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_agree_after_every_event(name: str) -> None:
    story = trace.load(name)
    runs = [trace.Run(story, engine) for engine in ("python", "rust")]
    for python, rust in zip_longest(*(run.steps() for run in runs)):
        assert python is not None
        assert rust is not None
        compare(runs)
    for run in runs:
        run.finish()
    compare(runs)
    for question in ("digest", "full_root", "counters", "equity", "executions", "closed"):
        first, second = (getattr(run.machine, question)() for run in runs)
        assert first == second, question


def compare(runs: list[trace.Run]) -> None:
    """Hold two engines against each other where they stand."""
    first, second = (run.machine for run in runs)
    assert first.last_record == second.last_record
    assert first.root() == second.root()
    assert first.venue_bytes() == second.venue_bytes()


def test_traces_are_many_and_each_says_what_it_shows() -> None:
    assert len(NAMES) >= FEWEST
    for name in NAMES:
        story = trace.load(name)
        assert len(story["why"]) > 20, name
        assert story["steps"], name
        assert (trace.FOLDER / f"{name}.json").read_text(encoding="utf-8") == trace.dump(story), name


def test_the_traces_hit_every_code() -> None:
    hit: Counter[str] = Counter()
    for name in NAMES:
        story = trace.load(name)
        hit[story["end"].get("stopped", "")] += 1
        for row in story["steps"]:
            hit.update(set(row[-1].split()))
    missing = [slug for slug in RejectCode.__members__ if not hit[slug] and slug not in BROKEN_INVARIANTS]
    assert missing == []
    assert not BROKEN_INVARIANTS & set(hit), "a broken invariant is a defect, not a story"


def test_the_traces_declare_every_indicator_and_most_of_another_one() -> None:
    declared = [
        one for name in NAMES for answer in trace.load(name).get("answers", []) for one in answer.get("indicators", [])
    ]
    assert {one["kind"] for one in declared} == set(IndicatorKind.__members__)
    of_values = {kind.name for kind in IndicatorKind if not RULES[kind].reads_bars}
    assert {one["kind"] for one in declared if "source" in one} == of_values


def test_the_traces_hit_every_transition_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded_transitions(monkeypatch) as hit:
        for name in NAMES:
            trace.run(trace.load(name), "python")
    reachable = {key for key in reachable_keys() if not needs_a_quantity_of_nothing(key)}
    table = contract_tables.load("transitions")
    rules = {contract_tables.first_rule(table, contract_tables.Combination(*key)) for key in hit}
    reachable_rules = {contract_tables.first_rule(table, contract_tables.Combination(*key)) for key in reachable}
    with capsys.disabled():
        print(
            f"\ngolden traces: {len(NAMES)}; transition rows {len(set(hit) & reachable)} of {len(reachable)} reachable, "
            f"rules {len(rules & reachable_rules)} of {len(reachable_rules)}"
        )
    assert set(hit) - reachable == set(), "unreachable rows are never hit"
    assert reachable - set(hit) == set()


def needs_a_quantity_of_nothing(key: Key) -> bool:
    """Whether the row asks for a confirmed total at or below 0: an order that was never filled has none, such a report is malformed."""
    return key[0] in ("Created", "Held", "Submitted", "Denied") and key[4] == "Replaced" and key[5] != "gt0"


@contextmanager
def recorded_transitions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[Key]]:
    """Count the rows that the Python core asks its state machine for."""
    hit: Counter[Key] = Counter()
    original = transition

    def observed(state: OrderState, told: OrderInput, guard: Guard) -> Any:
        life, pending, triggered, in_doubt = state
        named = life.name.title(), PENDING[pending], triggered, in_doubt
        hit[(*named, INPUTS[told], GUARDS[guard])] += 1
        return original(state, told, guard)

    with monkeypatch.context() as patch:
        for module in (admission, facts, outgoing):
            patch.setattr(module, "transition", observed)
        yield hit
    assert set(hit) <= set(expand_transitions())
