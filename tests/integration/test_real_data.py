"""Recorded market data through both cores: minutes of a perpetual, of a currency pair, daily and five-minute files of other programs."""

from pathlib import Path
from typing import Any

import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.data import sample
from cracktrader.strategy import EMA, SMA, Strategy, StrategyContext

FILES = (
    "btc_perp_1m_2022-01.csv.gz",
    "usdjpy_1m_bid_2013-02.csv.gz",
    "bt_nvda-1999-2014.txt",
    "bt_orcl-1995-2014.txt",
    "bt_2006-day-001.txt",
    "bt_2006-min-005.txt",
)


class Mixed(Strategy):
    """Crosses by market order, and limits around them that are moved and cancelled."""

    size: float = 0.3

    def on_start(self, ctx: StrategyContext) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(10)), ctx.indicator(EMA(30))
        self.resting: Any = None

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(percent=self.size)
            self.resting = ctx.buy(percent=0.1, limit=bar.low * 0.999)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.target(percent=-self.size)
            for order in ctx.orders():
                ctx.cancel(order.id)
        elif self.resting is not None and ctx.random.below(7) == 0:
            for order in ctx.orders():
                ctx.replace(order.id, limit=bar.low * 0.9995)


def agree(data: Any) -> None:
    """Both cores give the same state, fills, orders and equity; something happened."""
    runs = [backtest([Mixed(), Mixed(size=0.1)], data, fees=0.0005, engine=name) for name in ("python", "rust")]
    python, rust = (run.outcome for run in runs)
    assert python.state_hash == rust.state_hash
    assert python.fills == rust.fills
    assert python.orders == rust.orders
    assert python.diagnostics == rust.diagnostics
    assert all((python.equity[name] == rust.equity[name]).all() for name in python.equity)
    assert len(python.fills["order"]) > 5
    assert not python.errors


@pytest.mark.parity
def test_the_bundled_index_gives_the_same_run_on_both_cores() -> None:
    agree(sample("sp500_1d"))


@pytest.mark.parity
@pytest.mark.parametrize("name", FILES)
def test_a_recording_gives_the_same_run_on_both_cores(name: str, shared_data: Path) -> None:
    agree(shared_data / name)


@pytest.mark.parity
def test_several_instruments_give_the_same_run_on_both_cores(shared_data: Path) -> None:
    class Pair(Strategy):
        def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
            if ctx.random.below(20) == 0:
                ctx.target((ctx.random.below(5) - 2) / 2, symbol=bar.symbol)

    data = {"NVDA": shared_data / "bt_nvda-1999-2014.txt", "ORCL": shared_data / "bt_orcl-1995-2014.txt"}
    runs = [backtest(Pair, data, engine=name, seed=3) for name in ("python", "rust")]
    assert runs[0].state_hash == runs[1].state_hash
    assert set(runs[0].fills["symbol"]) == {"NVDA", "ORCL"}
