"""`Stats.as_series`: a run under backtesting.py's labels, with the numbers of `Stats`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cracktrader.analysis import Result, Stats
from cracktrader.analysis.backtest import backtest
from cracktrader.data import sample
from cracktrader.strategy import SMA, Strategy, StrategyContext
from tests.unit.finished_runs import MINUTE, START, nothing_filled, outcome

LABELS = [
    "Start",
    "End",
    "Duration",
    "Exposure Time [%]",
    "Equity Final [$]",
    "Equity Peak [$]",
    "Commissions [$]",
    "Return [%]",
    "Buy & Hold Return [%]",
    "Return (Ann.) [%]",
    "Volatility (Ann.) [%]",
    "CAGR [%]",
    "Sharpe Ratio",
    "Sortino Ratio",
    "Calmar Ratio",
    "Alpha [%]",
    "Beta",
    "Max. Drawdown [%]",
    "Avg. Drawdown [%]",
    "Max. Drawdown Duration",
    "Avg. Drawdown Duration",
    "# Trades",
    "Win Rate [%]",
    "Best Trade [%]",
    "Worst Trade [%]",
    "Avg. Trade [%]",
    "Max. Trade Duration",
    "Avg. Trade Duration",
    "Profit Factor",
    "Expectancy [%]",
    "SQN",
    "Kelly Criterion",
    "_strategy",
    "_equity_curve",
    "_trades",
]


class Cross(Strategy):
    """Long above, short below."""

    fast: int = 10
    slow: int = 30

    def on_start(self, ctx: StrategyContext) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(self.fast)), ctx.indicator(SMA(self.slow))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(percent=0.5)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.target(percent=-0.5)


@pytest.fixture(scope="module")
def run() -> Result:
    return backtest(Cross, {"SPX": sample("sp500_1d").head(1_000)}, fees=0.001, engine="python")


def test_the_labels_and_their_order_are_those_scripts_know(run: Result) -> None:
    assert run.stats.as_series().index.tolist() == LABELS


def test_the_numbers_are_those_of_the_figures_in_percent(run: Result) -> None:
    series, stats = run.stats.as_series(), run.stats
    assert stats.sharpe is not None and stats.total_return is not None and stats.win_rate is not None
    assert series["Sharpe Ratio"] == stats.sharpe and series["# Trades"] == stats.trades > 20
    assert series["Return [%]"] == stats.total_return * 100 and series["Win Rate [%]"] == stats.win_rate * 100
    assert series["Max. Drawdown [%]"] == stats.max_drawdown * 100 < 0
    assert (
        series["Start"] == pd.Timestamp("1999-01-04", tz="UTC")
        and series["Duration"] == series["End"] - series["Start"]
    )
    assert series["Max. Drawdown Duration"] == pd.Timedelta(days=stats.longest_drawdown_days)
    assert series["_strategy"] == "Cross(fast=10,slow=30)"


def test_the_curve_says_how_deep_and_how_long(run: Result) -> None:
    curve, stats = run.stats.as_series()["_equity_curve"], run.stats
    assert curve["Equity"].iloc[-1] == stats.final_equity
    assert curve["DrawdownPct"].max() == -stats.max_drawdown
    assert curve["DrawdownDuration"].max() == pd.Timedelta(days=stats.longest_drawdown_days)
    series = run.stats.as_series()
    # The mean of the deepest point of every stretch below a peak.
    depths = [
        part.max() for _, part in curve["DrawdownPct"].groupby((curve["DrawdownPct"] == 0).cumsum()) if part.max() > 0
    ]
    assert series["Avg. Drawdown [%]"] == pytest.approx(-100 * np.mean(depths))


def test_the_trades_are_signed_and_counted_in_bars(run: Result) -> None:
    trades = run.stats.as_series()["_trades"]
    assert len(trades) == run.trades.height
    assert set(np.sign(trades["Size"])) == {1.0, -1.0}
    closed = trades[trades["ExitTime"].notna()]
    assert (closed["Duration"] == closed["ExitTime"] - closed["EntryTime"]).all()
    opens = sample("sp500_1d")["open"].to_numpy()
    assert opens[closed["EntryBar"].astype(int)] == pytest.approx(closed["EntryPrice"].to_numpy())
    assert opens[closed["ExitBar"].astype(int)] == pytest.approx(closed["ExitPrice"].to_numpy())


def test_a_run_without_trades_has_every_label_and_no_number_that_does_not_exist() -> None:
    series = Result(nothing_filled()).stats.as_series()
    assert series.index.tolist() == LABELS and series["# Trades"] == 0
    for label in ("Win Rate [%]", "Profit Factor", "SQN", "Sharpe Ratio", "Best Trade [%]"):
        assert math.isnan(series[label]), label
    assert series["Max. Trade Duration"] is pd.NaT and series["_trades"].empty


def test_figures_that_belong_to_no_run_have_no_series() -> None:
    stats = Result(outcome()).stats
    alone = Stats(**dict(stats))  # type: ignore[arg-type]
    assert alone == stats
    with pytest.raises(RuntimeError, match="belong to no run"):
        alone.as_series()


# ---------------------------------------------------------------- the result beside it


def test_other_conventions_change_the_ratios_and_nothing_else(run: Result) -> None:
    usual, other = run.stats, run.statistics(risk_free=0.05, periods_per_year=365)
    assert (usual.risk_free, usual.periods_per_year) == (0.0, 252.0)
    assert (other.risk_free, other.periods_per_year) == (0.05, 365)
    assert usual.volatility is not None and other.volatility == pytest.approx(usual.volatility * math.sqrt(365 / 252))
    assert usual.sharpe is not None and other.sharpe is not None and other.sharpe < usual.sharpe
    assert (other.total_return, other.trades, other.max_drawdown) == (
        usual.total_return,
        usual.trades,
        usual.max_drawdown,
    )


def test_every_frame_is_to_be_had_as_pandas(run: Result) -> None:
    frames = run.to_pandas()
    assert set(frames) == {"trades", "orders", "fills", "equity", "positions", "by_strategy", "log"}
    assert all(isinstance(one, pd.DataFrame) for one in frames.values())
    assert len(frames["fills"]) == run.fills.height and frames["equity"]["time"].dt.tz is not None


def test_a_notebook_shows_what_ran_what_to_know_and_the_figures(run: Result) -> None:
    shown = Result(nothing_filled(strategies=[{"name": "<S>", "parameters": {}}]))._repr_html_()
    assert "<b>&lt;S&gt; on X, 5 bars" in shown and "Nothing was traded" in shown and "Sharpe ratio</td>" in shown
    assert "SPX, 1,000 bars" in run._repr_html_()


def test_a_clean_run_has_no_warnings_and_what_matters_is_said() -> None:
    assert Result(outcome()).warnings == []
    fees = outcome()
    fees.fills["fee_currency"][0] = "BNB"
    assert Result(fees).warnings == ["Fees in BNB are in result.fills only: the fees of the statistics are in USD."]
    abroad = Result(outcome(instruments=[{"symbol": "X", "currency": "EUR", "price_decimals": 2}]))
    assert abroad.warnings[0].startswith("Trades that settle in EUR") and abroad.trades["currency"].to_list() == ["EUR"]
    assert (abroad.stats.profit_factor, abroad.stats.expectancy, abroad.stats.win_rate) == (None, None, 1.0)
    assert Result(outcome(stopped="S_X: broken")).warnings[0] == "The run stopped early: S_X: broken"
    logged = Result(outcome(log=[(7, START + MINUTE, "S", "hello")]))
    assert logged.log.rows() == [(7, logged.log["time"][0], "S", "hello")] and logged.log["time"][0].year == 2024
