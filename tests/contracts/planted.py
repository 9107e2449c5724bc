"""Planted defects, the same in each core, so that a test can show that the fuzzer finds every one of them.

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
from cracktrader.core import admission, instrument, portfolio, wake
from cracktrader.core import group as units
from cracktrader.core.engine import facts, incoming, outgoing, store
from cracktrader.core.matching import SimulatedVenue, VenueOrder, bars, desk, fill, group, lane
from cracktrader.core.order import Effect, OrderInput, Transition
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import NONE_PRICE, Rounding

EXTENSION = Path(__file__).resolve().parents[2] / "target" / "planted" / "release" / "lib_core.so"
NAMES = {
    1: "swapped rounding",
    2: "missing dedup",
    3: "wrong tie-break",
    4: "lost late fill",
    5: "off-by-one range",
    6: "bust keeps fee",
    7: "flip splits wrong",
    8: "replace keeps its place",
    9: "implied accept keeps in_doubt",
    10: "depth 65",
    11: "legs are summed",
    12: "a child exposes all of itself",
    13: "held orders end silently",
    14: "legs outlive each other",
    15: "members are forgotten one by one",
    16: "children live at once",
    17: "volume is never used up",
    18: "trailing stop loosens",
    19: "legs do not share",
    20: "slippage leaves the bar",
    21: "every n-th bar comes one early",
}
"""What is wrong with each, by number; the same in both cores."""


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
        for target, attribute, wrong in _DEFECTS[int(number)]():
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
    right = bars.reached

    def wrong(orders: Any, row: int, start: int, end: int) -> Any:
        ascending = 1 if end > start else -1
        return sorted(right(orders, row, start, end), key=lambda one: (ascending * one.price, -one.order.place))

    return [(bars, "reached", wrong)]


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
    right = SimulatedVenue._move

    def wrong(self: Any, order: Any, lane: Any, command: Any) -> None:
        place, index = order.place, lane.orders.index(order)
        right(self, order, lane, command)
        order.place = place
        lane.orders.remove(order)
        lane.orders.insert(index, order)

    return [(SimulatedVenue, "_move", wrong)]


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


def _children_live_at_once() -> Changes:
    right = desk.Desk._fill

    def wrong(self: Any, order: Any, offer: Any, quantity: int, time: int) -> None:
        right(self, order, offer, quantity, time)
        self.wake(self.lanes[order.instrument])

    return [(desk.Desk, "_fill", wrong)]


def _volume_is_never_used_up() -> Changes:
    return [(lane.Lane, "give", lambda *_: None)]


def _trailing_stop_loosens() -> Changes:
    def wrong(order: Any, declared: Any) -> int:
        order.stop_price = NONE_PRICE
        return fill.trailing_stop(order, declared)

    return [(desk, "trailing_stop", wrong), (VenueOrder, "improves", lambda *_: True)]


def _legs_do_not_share() -> Changes:
    right = group.Groups.note_fill

    def wrong(self: Any, order: Any, quantity: int) -> None:
        legs, self.legs = self.legs, {}
        right(self, order, quantity)
        self.legs = legs

    return [(group.Groups, "note_fill", wrong)]


def _slippage_leaves_the_bar() -> Changes:
    right = desk.taker_price

    def wrong(venue: Any, declared: Any, is_buy: bool, offer: Any, *, spread: bool) -> int:
        return right(venue, declared, is_buy, offer._replace(bounds=fill.UNBOUNDED), spread=spread)

    return [(desk, "taker_price", wrong)]


def _legs_are_summed() -> Changes:
    return [(units.Working, "or_worse", units.Working.plus)]


def _a_child_exposes_all_of_itself() -> Changes:
    def wrong(order: Any, left: int, members: Any) -> int:
        return max(left - sum(leg.net_filled for leg in units.legs_of(order, members) if leg is not order), 0)

    return [(units, "room", wrong)]


def _held_orders_end_silently() -> Changes:
    return [(outgoing.Outgoing, "_end_held", lambda *_: None)]


def _legs_outlive_each_other() -> Changes:
    return [(outgoing.Outgoing, "_end_leg", lambda *_: None)]


def _members_are_forgotten_one_by_one() -> Changes:
    right = store.Store._retire_later
    return [(store.Store, "_retire_later", lambda self, order, _: right(self, order, None))]


def _every_n_th_bar_comes_one_early() -> Changes:
    """Counting begins at the second bar."""
    right = wake._asks

    def wrong(term: Any, state: Any, bar: Any) -> bool:
        if term.op != wake.Op.EVERY:
            return right(term, state, bar)
        return bool((state.delivered[bar.stream] + 1) % term.every == 0)

    return [(wake, "_asks", wrong)]


_DEFECTS: dict[int, Callable[[], Changes]] = {
    1: _swapped_rounding,
    2: _missing_dedup,
    3: _wrong_tie_break,
    4: _lost_late_fill,
    5: _off_by_one_range,
    6: _bust_keeps_fee,
    7: _flip_splits_wrong,
    8: _replace_keeps_its_place,
    9: _implied_accept_keeps_in_doubt,
    10: _depth_65,
    11: _legs_are_summed,
    12: _a_child_exposes_all_of_itself,
    13: _held_orders_end_silently,
    14: _legs_outlive_each_other,
    15: _members_are_forgotten_one_by_one,
    16: _children_live_at_once,
    17: _volume_is_never_used_up,
    18: _trailing_stop_loosens,
    19: _legs_do_not_share,
    20: _slippage_leaves_the_bar,
    21: _every_n_th_bar_comes_one_early,
}
