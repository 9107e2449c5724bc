"""Planted defects: ten in each core, so that a test can show that the fuzzer finds every one of them.

Those of the Python core replace a function while they are planted; those of the Rust core are in a test build of the extension (cargo
feature `planted`) and chosen in it by number. Deliberately not here: the fuzzer, and any defect in what is shipped.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cracktrader
from cracktrader.core import admission, instrument, matching, portfolio
from cracktrader.core.engine import facts, incoming, outgoing
from cracktrader.core.order import Effect, OrderInput, Transition
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import Rounding

EXTENSION = Path(__file__).resolve().parents[2] / "target" / "planted" / "release" / "lib_core.so"
NAMES = (
    "swapped rounding",
    "missing dedup",
    "wrong tie-break",
    "lost late fill",
    "off-by-one range",
    "bust keeps fee",
    "flip splits wrong",
    "replace keeps its place",
    "implied accept keeps in_doubt",
    "depth 65",
)
"""What is wrong with each, by number from 1; the same ten in both cores."""


@contextmanager
def plant(name: str) -> Iterator[None]:
    """With the defect "python:3" or "rust:3" in place; "" plants none."""
    if not name:
        yield
        return
    engine, _, number = name.partition(":")
    if engine == "rust":
        planted_extension().plant(int(number))
        yield
        return
    with ExitStack() as stack:
        for target, attribute, wrong in _DEFECTS[int(number) - 1]():
            stack.enter_context(patch.object(target, attribute, wrong))
        yield


def planted_extension() -> Any:
    """The test build, put where the backend looks for the extension. Only for a process that has not used the extension yet."""
    name = "cracktrader._core"
    loader = ExtensionFileLoader(name, str(EXTENSION))
    spec = importlib.util.spec_from_file_location(name, EXTENSION, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
    cracktrader._core = module  # type: ignore[attr-defined]  # where `from cracktrader import _core` looks first
    return module


Changes = list[tuple[Any, str, Any]]


def _swapped_rounding() -> Changes:
    right = instrument.mul_div_round

    def wrong(a: int, b: int, denominator: int, mode: Rounding) -> int:
        return right(a, b, denominator, Rounding.TRUNC if mode is Rounding.HALF_EVEN else mode)

    return [(instrument, "mul_div_round", wrong)]


def _missing_dedup() -> Changes:
    right = incoming.Incoming._is_known

    def wrong(self: Any, plan: Any, item: Any) -> bool:
        known = right(self, plan, item)
        if known and plan.findings[-1].code == RejectCode.R_DUPLICATE:
            plan.findings.pop()
            plan.taken = True
            return False
        return known

    return [(incoming.Incoming, "_is_known", wrong)]


def _wrong_tie_break() -> Changes:
    right = matching._touched

    def wrong(orders: Any, row: int, start: int, end: int) -> Any:
        ascending = 1 if end > start else -1
        reached = right(orders, row, start, end)
        return sorted(reached, key=lambda order: (ascending * order.limit_price, -order.place))

    return [(matching, "_touched", wrong)]


def _lost_late_fill() -> Changes:
    right = facts.transition

    def wrong(state: Any, told: Any, guard: Any) -> Any:
        outcome = right(state, told, guard)
        is_late = isinstance(outcome, Transition) and outcome.effect & Effect.LATE
        return RejectCode.R_ILLEGAL if is_late else outcome

    return [(facts, "transition", wrong)]


def _off_by_one_range() -> Changes:
    right = admission._terms_schema

    def wrong(declared: Any, order_type: int, total: int, limit: int, stop: int) -> Any:
        if total == declared.max_quantity:
            return admission.Verdict(RejectCode.E_QUANTITY, total, declared.max_quantity)
        return right(declared, order_type, total, limit, stop)

    return [(admission, "_terms_schema", wrong)]


def _bust_keeps_fee() -> Changes:
    right = facts._bust

    def wrong(plan: Any, account: int, key: str, after: Any) -> None:
        plan.pay_fee = lambda *_: None
        right(plan, account, key, after)
        del plan.pay_fee

    return [(facts, "_bust", wrong)]


def _flip_splits_wrong() -> Changes:
    right = portfolio.mul_div_round

    def wrong(amount: int, part: int, whole: int, _: Rounding) -> int:
        return right(amount, part, whole, Rounding.FLOOR)

    return [(portfolio, "mul_div_round", wrong)]


def _replace_keeps_its_place() -> Changes:
    right = matching.SimulatedVenue._replace

    def wrong(self: Any, command: Any, time: int) -> None:
        order = self.orders.get(command.order)
        if order is None:
            right(self, command, time)
            return
        lane, place = self.lanes[order.instrument], order.place
        index = lane.orders.index(order)
        right(self, command, time)
        if order in lane.orders:
            order.place = place
            lane.orders.remove(order)
            lane.orders.insert(index, order)

    return [(matching.SimulatedVenue, "_replace", wrong)]


def _implied_accept_keeps_in_doubt() -> Changes:
    right = facts.transition

    def wrong(state: Any, told: Any, guard: Any) -> Any:
        outcome = right(state, told, guard)
        if told is OrderInput.FILLED and isinstance(outcome, Transition) and outcome.effect & Effect.IMPLIED_ACCEPT:
            return Transition(outcome.state._replace(in_doubt=state.in_doubt), outcome.effect)
        return outcome

    return [(facts, "transition", wrong)]


def _depth_65() -> Changes:
    return [(admission, "LOOP_DEPTH", 65), (outgoing, "LOOP_DEPTH", 65)]


_DEFECTS: tuple[Callable[[], Changes], ...] = (
    _swapped_rounding,
    _missing_dedup,
    _wrong_tie_break,
    _lost_late_fill,
    _off_by_one_range,
    _bust_keeps_fee,
    _flip_splits_wrong,
    _replace_keeps_its_place,
    _implied_accept_keeps_in_doubt,
    _depth_65,
)
