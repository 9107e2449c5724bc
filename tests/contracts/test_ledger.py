"""The independent ledger: it is independent, it can round, and it says so when an engine's books are wrong.

Deliberately not here: that it agrees with the engines; every golden trace and every fuzzed event asks that.
"""

from __future__ import annotations

import ast
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

import trace

import ledger
import ledger_numbers

PAYLOADS = {"cracktrader.core.event", "cracktrader.core.intent"}
BUSTED = "the_bust_of_a_provisional_fill_refolds_the_position"
FEES = "strategies_share_the_account_and_own_their_parts"


def imports_of_ours(module: ModuleType) -> set[str]:
    """The modules of the package that a test module imports from; every imported name is a class."""
    found = set()
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        names = [name.name for name in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        modules = [str(node.module)] if isinstance(node, ast.ImportFrom) else names
        ours = {name for name in modules if name.startswith("cracktrader")}
        assert not ours or all(name[0].isupper() for name in names), names
        found |= ours
    return found


def test_it_imports_payload_classes_and_nothing_else_of_ours() -> None:
    assert imports_of_ours(ledger) == PAYLOADS
    assert imports_of_ours(ledger_numbers) == set()


@given(st.integers(0, 10**30), st.integers(1, 10**20))
def test_nearest_rounds_ties_to_even(numerator: int, denominator: int) -> None:
    assert ledger_numbers.nearest(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(-(10**20), 10**20), st.integers(0, 10**9), st.integers(1, 10**9))
def test_truncated_shares_mirror_at_zero(amount: int, part: int, whole: int) -> None:
    assert ledger_numbers.truncated(amount, part, whole) == int(Fraction(amount * part, whole))
    assert ledger_numbers.truncated(-amount, part, whole) == -ledger_numbers.truncated(amount, part, whole)


class Lying:
    """A machine that adds one to a number of its answers."""

    def __init__(self, machine: Any, question: str, field: str) -> None:
        self.machine, self.question, self.field = machine, question, field

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.machine, name)
        if name != self.question:
            return asked
        return lambda *arguments: self._lie(asked(*arguments))

    def _lie(self, answer: Any) -> Any:
        if not self.field:
            return answer + 1
        return answer._replace(**{self.field: getattr(answer, self.field) + 1})


LIES = [
    ("facts", "filled_quantity"),
    ("facts", "remaining_quantity"),
    ("facts", "filled_value"),
    *[("position", field) for field in ledger_numbers.Holding._fields],
    *[("own_position", field) for field in ("quantity", "cost", "proceeds", "released")],
    *[("ledger", field) for field in ("cash", "fees", "spot_cost", "realized", "transfers", "funding")],
    ("strategy_fees", ""),
]


@pytest.mark.parametrize(("question", "field"), LIES)
def test_one_unit_too_many_is_found(question: str, field: str) -> None:
    going = trace.run(trace.load(FEES), "python")
    going.ledger.agree(going.machine, everything=True)
    if question == "facts":
        going = trace.Run(trace.load(BUSTED), "python")
        for _ in going.steps():
            pass
        going.ledger.touched.add(("order", 1))
    with pytest.raises(ledger.Disagreement):
        going.ledger.agree(Lying(going.machine, question, field), everything=True)


def test_a_fact_that_does_not_fit_leaves_the_books_as_they_were() -> None:
    going = trace.run(trace.load("a_fact_that_does_not_fit_stops_the_engine"), "python")
    assert going.ledger.holdings["account", 0, 0].quantity == 9 * 10**18
    assert going.ledger.orders[1].filled == 9 * 10**18
