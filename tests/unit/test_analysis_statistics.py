"""The formulas: worked by hand on small cases, and against empyrical-reloaded on random ones."""

from __future__ import annotations

import importlib
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cracktrader.analysis import statistics
from cracktrader.analysis.stats import shown
from cracktrader.data import load

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


def agree(empyrical: Any, equity: Any, benchmark: Any, per_year: float, risk_free: float) -> None:
    """Every figure that both know, on one equity curve."""
    times = np.arange(len(equity)) * DAY
    returns = statistics.period_returns(equity)
    other = statistics.period_returns(benchmark)
    assert returns is not None and other is not None
    rate = statistics.period_rate(risk_free, per_year)
    years = len(returns) / per_year
    growth = statistics.cagr(equity[0], equity[-1], years)
    below = statistics.max_drawdown(equity, times)
    alpha, beta = statistics.alpha_beta(returns, other, per_year, risk_free)
    pairs = {
        "total return": (statistics.total_return(equity[0], equity[-1]), empyrical.cum_returns_final(returns)),
        "cagr": (growth, empyrical.cagr(returns, annualization=per_year)),
        "volatility": (
            statistics.volatility(returns, per_year),
            empyrical.annual_volatility(returns, annualization=per_year),
        ),
        "sharpe": (
            statistics.sharpe(returns, per_year, risk_free),
            empyrical.sharpe_ratio(returns, risk_free=rate, annualization=per_year),
        ),
        "sortino": (
            statistics.sortino(returns, per_year, risk_free),
            empyrical.sortino_ratio(returns, required_return=rate, annualization=per_year),
        ),
        "drawdown": (below.depth, empyrical.max_drawdown(returns)),
        "calmar": (
            statistics.calmar(growth, below.depth),
            empyrical.calmar_ratio(returns, annualization=per_year),
        ),
        "beta": (beta, empyrical.beta_aligned(returns, other, risk_free=rate)),
        "alpha": (alpha, empyrical.alpha_aligned(returns, other, risk_free=rate, annualization=per_year)),
    }
    for name, (ours, theirs) in pairs.items():
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("seed", range(25))
def test_figures_agree_with_empyrical_on_random_returns(empyrical: Any, seed: int) -> None:
    agree(
        empyrical,
        random_equity(seed),
        random_equity(seed + 1_000),
        (252.0, 365.0)[seed % 2],
        (0.0, 0.03)[seed % 3 == 0],
    )


@pytest.mark.parametrize("risk_free", [0.0, 0.02])
def test_figures_agree_with_empyrical_on_twenty_years_of_an_index_and_of_a_strategy_on_it(
    empyrical: Any, risk_free: float
) -> None:
    index = load("sample:sp500_1d")[0].prices("close")
    # In the market above the mean of 200 days: a curve with flat stretches, deep drawdowns and recoveries.
    mean = np.convolve(index, np.ones(200) / 200)[: len(index)]
    held = np.concatenate([[0.0], (index > mean)[:-1].astype(float)])
    held[:200] = 0.0
    moves = np.concatenate([[0.0], index[1:] / index[:-1] - 1.0])
    agree(empyrical, 10_000.0 * np.cumprod(1.0 + held * moves), index, 252.0, risk_free)
    agree(empyrical, index, index[::-1].copy(), 252.0, risk_free)


@pytest.mark.parametrize(
    ("name", "per_year"),
    [("btc_perp_1m_2022-01.csv.gz", 365.0), ("usdjpy_1m_bid_2013-02.csv.gz", 252.0), ("bt_nvda-1999-2014.txt", 252.0)],
)
def test_figures_agree_with_empyrical_on_recorded_prices(
    empyrical: Any, shared_data: Path, name: str, per_year: float
) -> None:
    prices = load(shared_data / name)[0]
    rows = statistics.periods(prices.event_time, prices.prices("close"))
    assert (rows.name, rows.per_year) == ("day", per_year)
    other = np.roll(rows.equity, 3)
    agree(empyrical, rows.equity, other, per_year, 0.01)


def test_a_small_run_worked_by_hand() -> None:
    equity = np.array([100.0, 120.0, 90.0, 108.0, 126.0])
    times = np.arange(5) * DAY
    returns = statistics.period_returns(equity)
    assert returns is not None
    assert returns.tolist() == pytest.approx([0.2, -0.25, 0.2, 1 / 6])
    assert statistics.total_return(100.0, 126.0) == pytest.approx(0.26)
    assert statistics.cagr(100.0, 121.0, 2.0) == pytest.approx(0.10)
    assert statistics.drawdowns(equity).tolist() == pytest.approx([0, 0, -0.25, -0.1, 0])
    assert statistics.max_drawdown(equity, times) == (-0.25, 3.0, 2.0, 3.0)
    mean, deviation = 0.31666666667 / 4, math.sqrt(0.14520833333 / 3)
    assert statistics.sharpe(returns, 252) == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-6)
    assert statistics.volatility(returns, 252) == pytest.approx(deviation * math.sqrt(252), rel=1e-6)
    assert statistics.sortino(returns, 252) == pytest.approx(mean / math.sqrt(0.25**2 / 4) * math.sqrt(252), rel=1e-6)
    assert statistics.calmar(0.5, -0.25) == 2.0


def test_a_drawdown_without_recovery_lasts_to_the_end() -> None:
    equity = np.array([100.0, 110.0, 90.0, 100.0])
    below = statistics.max_drawdown(equity, np.arange(4) * DAY)
    assert below.depth == pytest.approx(-2 / 11)
    assert (below.days, below.recovery_days, below.longest_days) == (2.0, None, 2.0)


def test_the_deepest_drawdown_need_not_be_the_longest() -> None:
    equity = np.array([100.0, 99.0, 99.0, 99.0, 100.0, 50.0, 101.0])
    assert statistics.max_drawdown(equity, np.arange(7) * DAY) == (-0.5, 2.0, 1.0, 4.0)


def test_rising_equity_is_never_below_a_peak() -> None:
    assert statistics.max_drawdown(np.arange(1.0, 9.0), np.arange(8) * DAY).longest_days == 0.0


@pytest.mark.parametrize(
    ("spacing", "rows", "name", "expected"),
    [
        (DAY, 300, "day", 365.0),
        (DAY // 24, 24 * 30, "day", 365.0),
        (DAY // 1440, 1440 * 10, "day", 365.0),
        (7 * DAY, 60, "week", 52.0),
        (30 * DAY, 24, "month", 12.0),
        (91 * DAY, 24, "row", 365.25 / 91),
    ],
)
def test_periods_per_year_follow_the_data(spacing: int, rows: int, name: str, expected: float) -> None:
    found = statistics.periods(np.arange(rows) * spacing, np.ones(rows))
    assert found.name == name and found.per_year == pytest.approx(expected)


def test_data_without_saturdays_has_252_periods_a_year() -> None:
    weekdays = np.array([day for day in range(4, 369) if (day + 3) % 7 < 5]) * DAY
    assert statistics.periods(weekdays, np.ones(len(weekdays))).per_year == 252.0


def test_rows_within_a_day_count_as_that_day_with_its_last_value() -> None:
    # Two days from a Thursday on, an hour a row.
    found = statistics.periods(np.arange(48) * (DAY // 24), np.arange(48.0))
    assert found.equity.tolist() == [23.0, 47.0] and found.per_year == 252.0


def test_a_sunday_evening_counts_to_the_monday_where_the_market_is_closed_on_saturdays() -> None:
    hours = np.arange(24 * 21) * (DAY // 24)
    weekday, hour = (hours // DAY + 3) % 7, hours % DAY // (DAY // 24)
    is_open = (weekday < 4) | ((weekday == 4) & (hour < 22)) | ((weekday == 6) & (hour >= 22))
    found = statistics.periods(hours[is_open], np.ones(is_open.sum()))
    assert len(found.times) == 15 + 1 - 1 and found.per_year == 252.0


def test_a_number_of_periods_may_be_given() -> None:
    assert statistics.periods(np.arange(9) * DAY, np.ones(9), 260.0).per_year == 260.0


def test_returns_start_from_the_cash_where_the_first_row_has_left_it() -> None:
    equity = np.array([99.0, 110.0])
    for start, expected in ((100.0, [-0.01, 1 / 9]), (99.0, [1 / 9])):
        returns = statistics.period_returns(equity, start)
        assert returns is not None and returns.tolist() == pytest.approx(expected)
        assert np.prod(1 + returns) == pytest.approx(110.0 / start)


def test_figures_that_do_not_exist_are_none_and_never_nan() -> None:
    flat = np.full(10, 100.0)
    returns = statistics.period_returns(flat)
    assert returns is not None
    assert statistics.sharpe(returns, 252) is None and statistics.sortino(returns, 252) is None
    assert statistics.volatility(returns, 252) == 0.0
    assert statistics.alpha_beta(returns, returns, 252) == (None, None)
    assert statistics.calmar(0.1, 0.0) is None and statistics.calmar(None, -0.1) is None
    assert statistics.max_drawdown(flat, np.arange(10) * DAY) == (0.0, 0.0, None, 0.0)
    assert statistics.max_drawdown(np.array([]), np.array([])) == (0.0, 0.0, None, 0.0)
    assert statistics.sharpe(returns[:1], 252) is None and statistics.volatility(returns[:1], 252) is None
    assert statistics.sortino(np.array([0.1, 0.2]), 252) is None
    assert statistics.periods(np.array([0]), np.array([1.0])).per_year is None
    assert statistics.period_returns(np.array([100.0, -5.0, 3.0])) is None
    assert statistics.total_return(0.0, 5.0) is None
    assert statistics.drawdowns(np.array([0.0, -1.0, 2.0, 1.0])).tolist() == [0.0, 0.0, 0.0, -0.5]
    assert statistics.cagr(100.0, -5.0, 1.0) is None and statistics.cagr(100.0, 110.0, 0.0) is None
    assert statistics.cagr(100.0, 200.0, 1e-6) is None
    assert (
        statistics.system_quality(np.array([1.0])) is None and statistics.system_quality(np.array([2.0, 2.0])) is None
    )
    assert statistics.kelly(np.array([0.1, 0.2])) is None


def test_figures_of_trades() -> None:
    profits = np.array([100.0, -50.0, 20.0, -10.0, 0.0])
    assert statistics.win_rate(profits) == pytest.approx(0.4)
    assert statistics.profit_factor(profits) == pytest.approx(2.0)
    assert statistics.expectancy(profits) == pytest.approx(12.0)
    assert statistics.system_quality(profits) == pytest.approx(math.sqrt(5) * 12.0 / np.std(profits, ddof=1))
    # Two of five win 60 on average, two lose 30: 0.4 - 0.6 / 2.
    assert statistics.kelly(profits) == pytest.approx(0.4 - 0.6 / 2.0)
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
        ("max_drawdown_days", 3818.0, "3,818 d"),
        ("average_trade_days", 0.25, "6.0 h"),
        ("average_trade_days", 0.01, "14.4 min"),
    ],
)
def test_figures_are_shown_for_people(name: str, value: float | None, text: str) -> None:
    assert shown(name, value) == text
