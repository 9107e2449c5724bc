"""What a fuzzer has reached: transition rows, codes, intents, open orders. Counted while it runs, asserted as floors afterwards.

Deliberately not here: which rows can be reached at all (transition_table.py says it from the contract).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cracktrader.core import admission
from cracktrader.core.engine import facts, outgoing
from cracktrader.core.order import Guard, Life, OrderInput, Pending
from cracktrader.core.reject import RejectCode

Row = tuple[int, int, bool, bool, int, int]
STOPS_BY_DEFECT = ("S_INVARIANT_QUANTITY", "S_INVARIANT_CASH", "S_INVARIANT_POSITION", "S_INVARIANT_LEDGERS")
"""Codes that only a defect of a core gives; the golden traces and the planted defects show them."""


@dataclass
class Coverage:
    """Counts of one worker; they add up."""

    events: int = 0
    scenarios: int = 0
    intents: int = 0
    accepted: int = 0
    open_orders: int = 0
    """Summed over events."""
    rows: Counter[Row] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Events by type."""

    def add(self, other: Coverage) -> None:
        """Add another worker's counts."""
        self.events += other.events
        self.scenarios += other.scenarios
        self.intents += other.intents
        self.accepted += other.accepted
        self.open_orders += other.open_orders
        self.rows.update(other.rows)
        self.codes.update(other.codes)
        self.kinds.update(other.kinds)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every input of the state machine of the Python core, each request once."""
        transition, rows = facts.transition, self.rows

        def counted(state: Any, told: Any, guard: Any) -> Any:
            rows[*state, told, guard] += 1
            return transition(state, told, guard)

        def sent(state: Any, told: Any, guard: Any) -> Any:
            if told is OrderInput.SUBMIT:
                rows[*state, told, guard] += 1
            return transition(state, told, guard)

        before = facts.transition, admission.transition, outgoing.transition
        facts.transition = admission.transition = counted
        outgoing.transition = sent
        try:
            yield
        finally:
            facts.transition, admission.transition, outgoing.transition = before


def words(row: Row) -> tuple[str, str, bool, bool, str, str]:
    """The row in the contract's names, as transition_table.py has it."""
    life, pending, triggered, in_doubt, told, guard = row
    spelled = "".join(part.capitalize() for part in OrderInput(told).name.split("_"))
    return (
        Life(life).name.capitalize(),
        Pending(pending).name.lower(),
        bool(triggered),
        bool(in_doubt),
        spelled,
        Guard(guard).name.lower(),
    )


def reachable_codes() -> list[RejectCode]:
    """Every code a run without a defect can give."""
    return [code for code in RejectCode if code.name not in STOPS_BY_DEFECT]


def table(coverage: Coverage, reachable: set[Any], floor: int) -> tuple[list[str], list[str]]:
    """Lines that show the floors, and what misses one: acceptance 30 %, five open orders, rows and codes `floor` times each."""
    rows = {words(row): count for row, count in coverage.rows.items()}
    least = sorted((rows.get(tuple(row), 0), tuple(row)) for row in reachable)
    strange = sorted(set(rows) - {tuple(row) for row in reachable})
    codes = sorted((coverage.codes[code], code.name) for code in reachable_codes())
    events = max(coverage.events, 1)
    share, open_orders = coverage.accepted / max(coverage.intents, 1), coverage.open_orders / events
    lines = [
        f"events {coverage.events:,} in {coverage.scenarios:,} scenarios",
        f"intents {coverage.intents:,}, accepted {share:.1%} (floor 30%)",
        f"open orders on average {open_orders:.1f} (floor 5)",
        f"transition rows {sum(c >= floor for c, _ in least)} of {len(least)} hit {floor} times or more; least: "
        + ", ".join(f"{'/'.join(map(str, row))} {count}" for count, row in least[:3]),
        f"unreachable rows hit: {len(strange)}",
        f"codes {sum(c >= floor for c, _ in codes)} of {len(codes)} given {floor} times or more; least: "
        + ", ".join(f"{name} {count}" for count, name in codes[:5]),
    ]
    missed = [f"row {row} {count} times" for count, row in least if count < floor]
    missed += [f"unreachable row {row}" for row in strange]
    missed += [f"code {name} {count} times" for count, name in codes if count < floor]
    if share < 0.3:
        missed.append(f"only {share:.1%} of intents accepted")
    if open_orders < 5:
        missed.append(f"only {open_orders:.1f} open orders on average")
    return lines, missed
