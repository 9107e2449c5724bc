"""The formulas: worked by hand on small cases, and against empyrical-reloaded on random ones."""

from __future__ import annotations

import importlib
import math
import warnings
from typing import Any

import numpy as np
import pytest

from cracktrader.analysis import statistics

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def empyrical() -> Any:
    """The reference implementation; it is in the lock file of the development environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("empyrical")
        except ImportError:
            pytest.skip("empyrical-reloaded is not installed: the figures are not compared with it here")


def random_equity(seed: int, rows: int = 750) -> np.ndarray[Any, np.dtype[np.float64]]:
    steps = np.random.default_rng(seed).normal(0.0004, 0.012, rows)
    equity: np.ndarray[Any, np.dtype[np.float64]] = 10_000.0 * np.cumprod(1 + np.concatenate([[0.0], steps]))
    return equity


@pytest.mark.parametrize("seed", range(25))
def test_figures_agree_with_empyrical(empyrical: Any, seed: int) -> None:
    equity = random_equity(seed)
    times = np.arange(len(equity)) * DAY
    returns = statistics.period_returns(equity)
    assert returns is not None
    years = 3.0
    per_year = len(returns) / years
    depth, _ = statistics.max_drawdown(equity, times)
    assert statistics.total_return(equity[0], equity[-1]) == pytest.approx(
        empyrical.cum_returns_final(returns), rel=1e-9
    )
    assert statistics.cagr(equity[0], equity[-1], years) == pytest.approx(
        empyrical.cagr(returns, annualization=per_year), rel=1e-9
    )
    assert statistics.volatility(returns, 252) == pytest.approx(
        empyrical.annual_volatility(returns, annualization=252), rel=1e-9
    )
    assert statistics.sharpe(returns, 252) == pytest.approx(
        empyrical.sharpe_ratio(returns, annualization=252), rel=1e-9
    )
    assert depth == pytest.approx(empyrical.max_drawdown(returns), rel=1e-9)


def test_a_small_run_worked_by_hand() -> None:
    equity = np.array([100.0, 120.0, 90.0, 108.0, 126.0])
    times = np.arange(5) * DAY
    returns = statistics.period_returns(equity)
    assert returns is not None
    assert returns.tolist() == pytest.approx([0.2, -0.25, 0.2, 1 / 6])
    assert statistics.total_return(100.0, 126.0) == pytest.approx(0.26)
    assert statistics.cagr(100.0, 121.0, 2.0) == pytest.approx(0.10)
    assert statistics.drawdowns(equity).tolist() == pytest.approx([0, 0, -0.25, -0.1, 0])
    assert statistics.max_drawdown(equity, times) == (-0.25, 3.0)
    mean, deviation = 0.31666666667 / 4, math.sqrt(0.14520833333 / 3)
    assert statistics.sharpe(returns, 252) == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-6)
    assert statistics.volatility(returns, 252) == pytest.approx(deviation * math.sqrt(252), rel=1e-6)


def test_a_drawdown_without_recovery_lasts_to_the_end() -> None:
    equity = np.array([100.0, 110.0, 90.0, 100.0])
    depth, days = statistics.max_drawdown(equity, np.arange(4) * DAY)
    assert depth == pytest.approx(-2 / 11) and days == 2.0


def test_the_length_is_that_of_the_deepest_drawdown_not_of_the_longest() -> None:
    equity = np.array([100.0, 99.0, 99.0, 99.0, 100.0, 50.0, 101.0])
    assert statistics.max_drawdown(equity, np.arange(7) * DAY) == (-0.5, 2.0)


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [(DAY, 252.0), (DAY // 24, 24 * 365.25), (DAY // 1440, 1440 * 365.25), (7 * DAY, 365.25 / 7)],
)
def test_periods_per_year_follow_the_median_spacing(spacing: int, expected: float) -> None:
    assert statistics.periods_per_year(np.arange(10) * spacing) == pytest.approx(expected)


def test_weekends_and_holidays_leave_daily_data_daily() -> None:
    weekdays = np.array([day for day in range(365) if day % 7 < 5]) * DAY
    assert statistics.periods_per_year(weekdays) == 252.0


def test_figures_that_do_not_exist_are_none_and_never_nan() -> None:
    flat = np.full(10, 100.0)
    returns = statistics.period_returns(flat)
    assert returns is not None
    assert statistics.sharpe(returns, 252) is None
    assert statistics.volatility(returns, 252) == 0.0
    assert statistics.max_drawdown(flat, np.arange(10) * DAY) == (0.0, 0.0)
    assert statistics.max_drawdown(np.array([]), np.array([])) == (0.0, 0.0)
    assert statistics.sharpe(returns[:1], 252) is None and statistics.volatility(returns[:1], 252) is None
    assert statistics.periods_per_year(np.array([0])) is None
    assert statistics.period_returns(np.array([100.0, -5.0, 3.0])) is None
    assert statistics.total_return(0.0, 5.0) is None
    assert statistics.drawdowns(np.array([0.0, -1.0, 2.0, 1.0])).tolist() == [0.0, 0.0, 0.0, -0.5]
    assert statistics.cagr(100.0, -5.0, 1.0) is None and statistics.cagr(100.0, 110.0, 0.0) is None
    assert statistics.cagr(100.0, 200.0, 1e-6) is None


def test_figures_of_trades() -> None:
    profits = np.array([100.0, -50.0, 20.0, -10.0, 0.0])
    assert statistics.win_rate(profits) == pytest.approx(0.4)
    assert statistics.profit_factor(profits) == pytest.approx(2.0)
    assert statistics.expectancy(profits) == pytest.approx(12.0)
    assert statistics.profit_factor(np.array([5.0])) is None
    none = np.array([])
    assert (statistics.win_rate(none), statistics.profit_factor(none), statistics.expectancy(none)) == (
        None,
        None,
        None,
    )
    assert statistics.turnover(5_000.0, np.array([900.0, 1100.0])) == pytest.approx(5.0)
    assert statistics.turnover(1.0, none) is None


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("total_return", 0.12345, "12.35 %"),
        ("final_equity", 9924391.4383, "9,924,391.44"),
        ("trades", 39147, "39,147"),
        ("sharpe", None, "-"),
        ("turnover", 58.14, "58.1 x"),
        ("max_drawdown_days", 3818.0, "3,818.0"),
    ],
)
def test_figures_are_shown_for_people(name: str, value: float | None, text: str) -> None:
    assert statistics.shown(name, value) == text
