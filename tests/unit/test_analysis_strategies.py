"""Several strategies in one run: profits of their own that sum to the account's."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis import Result
from cracktrader.analysis.backtest import backtest
from cracktrader.data import sample
from cracktrader.runtime.declare import Venue
from cracktrader.strategy import Strategy, StrategyContext


class Chance(Strategy):
    """Trades at random, long and short, in one symbol."""

    symbol: str = "A"
    size: float = 0.3

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if bar.symbol == self.symbol and ctx.random.below(12) == 0:
            ctx.target(percent=self.size * (ctx.random.below(5) - 2) / 2, symbol=self.symbol)


@pytest.fixture(scope="module", params=["next_open", "same_close"])
def run(request: pytest.FixtureRequest) -> Result:
    index = sample("sp500_1d")
    data = {"A": index.head(800), "B": index.slice(400, 700)}
    strategies = [Chance(), Chance(symbol="B"), Chance(size=0.1)]
    return backtest(strategies, data, fees=0.0007, engine="python", seed=4, venue=Venue(fill=request.param))


def test_the_profits_of_the_strategies_are_the_change_of_the_equity_at_every_row(run: Result) -> None:
    profits = run.profits.drop("time").to_numpy()
    assert profits.shape == (run.equity.height, 3) and run.stats.trades > 50
    assert np.abs(profits.sum(axis=1) - (run.equity["equity"].to_numpy() - 10_000.0)).max() < 1e-5


def test_the_last_profit_of_a_strategy_is_that_of_its_row(run: Result) -> None:
    table = run.by_strategy
    assert table["pnl"].to_list() == pytest.approx([run.profits[name][-1] for name in table["strategy"]], abs=1e-5)
    assert table["trades"].sum() == run.stats.trades and table["fees"].sum() == pytest.approx(run.stats.fees)
    assert table["pnl"].sum() == pytest.approx(run.stats.final_equity - 10_000.0, abs=1e-5)


def test_the_profits_of_the_trades_are_those_of_the_strategies(run: Result) -> None:
    by_name = dict(run.trades.group_by("strategy").agg(pl.col("pnl").sum()).iter_rows())
    assert by_name == pytest.approx(
        dict(zip(run.by_strategy["strategy"], run.by_strategy["pnl"], strict=True)), abs=1e-5
    )
