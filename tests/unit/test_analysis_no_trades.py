"""A run that traded nothing says why: what raised, was never ready, was refused and by which check, or was never reached."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cracktrader.analysis import Result
from cracktrader.analysis.backtest import backtest
from cracktrader.strategy import SMA, Strategy, StrategyContext
from tests.unit.finished_runs import ORDERS, START, bars, columns, nothing_filled, outcome


def denied(code: str, count: int) -> dict[str, list[Any]]:
    row = (1, "S", "X", "buy", "market", "GTC", 10.0, None, None, "Denied", 0.0, None, code, START, START)
    return columns(ORDERS, [row] * count)


def test_the_cause_is_said_before_what_followed_from_it() -> None:
    """An entry that is refused takes its exits with it; there are two of them and one of it."""
    rows = {name: [*denied("E_GROUP", 2)[name], *denied("E_SHORT", 1)[name]] for name in denied("E_GROUP", 1)}
    why = Result(nothing_filled(orders=rows)).why_no_trades
    assert why.index("E_SHORT") < why.index("E_GROUP")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "The strategy placed no order in 5 rows of data: its conditions never held."),
        (
            {"orders": denied("E_CASH", 3)},
            "3 Denied with E_CASH (the order needs ... in cash, ... is free): send a smaller",
        ),
        ({"diagnostics": {"E_LOOP": 2, "E_CASH": 1}}, "Refused 2 times with E_LOOP"),
        (
            {"errors": ["seq 3, strategy S:\nTraceback\nZeroDivisionError: none"]},
            "raised at seq 3: ZeroDivisionError: none.",
        ),
        ({"stopped": "S_INVARIANT: broken"}, "The run stopped early: S_INVARIANT: broken."),
        ({"bars": []}, "The data has no rows."),
    ],
)
def test_a_run_without_fills_says_why(changes: dict[str, Any], expected: str) -> None:
    assert expected in Result(nothing_filled(**changes)).why_no_trades


def test_an_order_that_was_too_large_is_set_against_the_cash() -> None:
    row = (
        4,
        "S",
        "X",
        "buy",
        "market",
        "GTC",
        5_000.0,
        None,
        None,
        "Denied",
        0.0,
        None,
        "E_MARGIN",
        START + 120 * 10**9,
        START,
    )
    text = Result(nothing_filled(orders=columns(ORDERS, [row]))).why_no_trades
    assert "Order 4, buy 5,000 X at about 101, was worth 505,000.00; the run began with 10,000.00 USD." in text


def test_an_order_that_the_market_never_reached_is_shown_with_the_nearest_price() -> None:
    resting = (1, "S", "X", "buy", "limit", "GTC", 10.0, 80.0, None, "Accepted", 0.0, None, "", START, None)
    text = Result(nothing_filled(orders=columns(ORDERS, [resting]))).why_no_trades
    assert "1 still open at the end (Accepted): the market never reached" in text
    assert "Order 1, buy limit 80 of 2024-01-01: the lowest price while it was open was 100, 25.00% away." in text


def test_a_stop_that_was_never_touched_is_shown_with_the_price_it_waited_for() -> None:
    resting = (1, "S", "X", "buy", "stop", "GTC", 10.0, None, 208.0, "Accepted", 0.0, None, "", START, None)
    text = Result(nothing_filled(orders=columns(ORDERS, [resting]))).why_no_trades
    assert "Order 1, buy stop 208 of 2024-01-01: the highest price while it was open was 104, 50.00% away." in text


def test_a_run_with_fills_needs_no_reason() -> None:
    assert Result(outcome()).why_no_trades == ""


class Waits(Strategy):
    """Needs more bars than there are."""

    period: int = 50
    warm_up = True

    def on_start(self, ctx: StrategyContext) -> None:
        self.average = ctx.indicator(SMA(self.period))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.period == 50 or bar.close > 1e6:
            ctx.target(1)


def test_an_indicator_that_was_never_warm_is_named_with_what_it_needs() -> None:
    text = backtest(Waits, bars(np.linspace(100, 120, 30)), engine="python").why_no_trades
    assert "average = SMA(50) on X was never ready: it had 30 bars and needs 50." in text


def test_a_condition_that_never_held_is_told_from_an_indicator_that_was_not_ready() -> None:
    text = backtest(Waits(period=5), bars(np.linspace(100, 120, 30)), engine="python").why_no_trades
    assert "its conditions never held, though its indicators were ready from bar 5 (2024-01-01 00:04:00) on." in text
