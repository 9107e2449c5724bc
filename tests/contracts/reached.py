"""What a fuzzer has reached: transition rows, codes, intents, open orders. Counted while it runs, asserted as floors afterwards.

Deliberately not here: which rows can be reached at all (transition_table.py says it from the contract).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cracktrader.core import admission
from cracktrader.core.config import BarRule, DataKind
from cracktrader.core.engine import facts, outgoing
from cracktrader.core.indicator import RULES, IndicatorKind
from cracktrader.core.order import Guard, Life, OrderInput, OrderState, Pending, Transition, transition
from cracktrader.core.reject import RejectCode
from cracktrader.core.wake import Op

Row = tuple[int, int, bool, bool, int, int]
NEVER = (
    "S_INVARIANT_QUANTITY",
    "S_INVARIANT_CASH",
    "S_INVARIANT_POSITION",
    "S_INVARIANT_LEDGERS",
)
"""Codes that no run gives: invariants that only a defect breaks."""


@dataclass
class Coverage:
    """Counts of one worker; they add up."""

    events: int = 0
    scenarios: int = 0
    resumed: int = 0
    """Engines that went on from a checkpoint."""
    intents: int = 0
    accepted: int = 0
    open_orders: int = 0
    """Summed over events."""
    rows: Counter[Row] = field(default_factory=Counter)
    states: Counter[tuple[int, int, bool, bool]] = field(default_factory=Counter)
    """Inputs by the state they met: the sum of its rows."""
    codes: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Events by type."""
    made: Counter[tuple[BarRule, DataKind]] = field(default_factory=Counter)
    """Bars that the core made, by rule and kind of source."""
    indicators: Counter[tuple[IndicatorKind, bool]] = field(default_factory=Counter)
    """Indicators declared, by kind and whether of another one."""
    wakes: Counter[Op] = field(default_factory=Counter)
    """What conditions ask."""

    def add(self, other: Coverage) -> None:
        """Add another worker's counts."""
        self.events += other.events
        self.scenarios += other.scenarios
        self.resumed += other.resumed
        self.intents += other.intents
        self.accepted += other.accepted
        self.open_orders += other.open_orders
        self.rows.update(other.rows)
        self.codes.update(other.codes)
        self.kinds.update(other.kinds)
        self.made.update(other.made)
        self.indicators.update(other.indicators)
        self.wakes.update(other.wakes)

    def rarity(self, state: OrderState, told: OrderInput, guard: Guard) -> int:
        """How often the row, or what comes after it, was met: low for a row that is rare or leads to a rare state."""
        known = self.rows[*state, told, guard]
        outcome = _outcome(state, told, guard)
        if outcome is None or outcome.state == state:
            return known
        return min(known, self.states[outcome.state] // ROWS_OF_A_STATE)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every input of the state machine of the Python core, each request once."""
        right, rows, states = facts.transition, self.rows, self.states

        def counted(state: Any, told: Any, guard: Any) -> Any:
            rows[*state, told, guard] += 1
            states[state] += 1
            return right(state, told, guard)

        def sent(state: Any, told: Any, guard: Any) -> Any:
            if told in (OrderInput.SUBMIT, OrderInput.HOLD):
                rows[*state, told, guard] += 1
            return right(state, told, guard)

        before = facts.transition, admission.transition, outgoing.transition
        facts.transition = admission.transition = counted
        outgoing.transition = sent
        try:
            yield
        finally:
            facts.transition, admission.transition, outgoing.transition = before


ROWS_OF_A_STATE = 19


@cache
def _outcome(state: OrderState, told: OrderInput, guard: Guard) -> Transition | None:
    outcome = transition(state, told, guard)
    return outcome if isinstance(outcome, Transition) else None


RECIPES = [
    (rule, kind)
    for rule in BarRule
    for kind in DataKind
    if kind is not DataKind.QUOTE or rule in (BarRule.TIME, BarRule.TICK)
]
"""Every rule of bars that the core makes, with every kind of source that it may have."""


INDICATORS = [
    (kind, of_another)
    for kind in IndicatorKind
    for of_another in (False, True)
    if not (RULES[kind].reads_bars and of_another)
]
"""Every kind of indicator, of bars and of another one where it can be."""


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
    """Every code a run can give."""
    return [code for code in RejectCode if code.name not in NEVER]


def can_occur(row: Any) -> bool:
    """Whether quantities allow a row of the contract: an order that was never accepted has no fills, so a new total of at least 1 leaves
    something open."""
    life, _, _, _, told, guard = row
    return not (told == "Replaced" and guard != "gt0" and life in ("Created", "Denied", "Held", "Submitted"))


def table(coverage: Coverage, reachable: set[Any], floor: int) -> tuple[list[str], list[str]]:
    """Lines that show the floors, and what misses one: acceptance 30 %, five open orders, rows and codes `floor` times each."""
    rows = {words(row): count for row, count in coverage.rows.items()}
    least = sorted((rows.get(tuple(row), 0), tuple(row)) for row in reachable if can_occur(row))
    strange = sorted(set(rows) - {tuple(row) for row in reachable if can_occur(row)})
    codes = sorted((coverage.codes[code], code.name) for code in reachable_codes())
    events = max(coverage.events, 1)
    made = sorted((coverage.made[key], *key) for key in RECIPES)
    declared = sorted((coverage.indicators[key], *key) for key in INDICATORS)
    asked = sorted((coverage.wakes[op], op) for op in Op if op < Op.AND)
    share, open_orders = coverage.accepted / max(coverage.intents, 1), coverage.open_orders / events
    lines = [
        f"events {coverage.events:,} in {coverage.scenarios:,} scenarios, {coverage.resumed:,} times on from a checkpoint",
        f"intents {coverage.intents:,}, accepted {share:.1%} (floor 30%)",
        f"open orders on average {open_orders:.1f} (floor 5)",
        f"transition rows {sum(c >= floor for c, _ in least)} of {len(least)} hit {floor} times or more; least: "
        + ", ".join(f"{'/'.join(map(str, row))} {count}" for count, row in least[:3]),
        f"unreachable rows hit: {len(strange)}",
        f"bars made {sum(coverage.made.values()):,}; least: "
        + ", ".join(f"{rule.name} of {kind.name} {count}" for count, rule, kind in made[:3]),
        f"indicators {sum(coverage.indicators.values()):,}; least: "
        + ", ".join(f"{kind.name}{' of another' * of_another} {count}" for count, kind, of_another in declared[:3]),
        f"wake terms {sum(coverage.wakes.values()):,}; least: "
        + ", ".join(f"{op.name} {count}" for count, op in asked[:3]),
        f"codes {sum(c >= floor for c, _ in codes)} of {len(codes)} given {floor} times or more; least: "
        + ", ".join(f"{name} {count}" for count, name in codes[:5]),
    ]
    missed = [f"row {row} {count} times" for count, row in least if count < floor]
    missed += [f"unreachable row {row}" for row in strange]
    missed += [f"code {name} {count} times" for count, name in codes if count < floor]
    missed += [f"bars by {rule.name} of {kind.name} {count} times" for count, rule, kind in made if count < floor]
    missed += [f"indicator {kind.name} {count} times" for count, kind, _ in declared if count < floor]
    missed += [f"wake {op.name} {count} times" for count, op in asked if count < floor]
    if share < 0.3:
        missed.append(f"only {share:.1%} of intents accepted")
    if open_orders < 5:
        missed.append(f"only {open_orders:.1f} open orders on average")
    return lines, missed
