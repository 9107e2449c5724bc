"""A run against a loop that knows no engine: the same crosses, fills and fees in exact integers, at the next open and at the same close."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.runtime.venue import Venue
from cracktrader.strategy import SMA, Strategy, StrategyContext

FAST, SLOW, CASH = 10, 30, 10_000_000
CENT, MINUTE = 10**6, 60_000_000_000


class Flip(Strategy):
    """Long while the fast average is above the slow one, else short."""

    def on_start(self, ctx: StrategyContext) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(FAST)), ctx.indicator(SMA(SLOW))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.slow_ma.warm:
            ctx.target(1 if self.fast_ma.value > self.slow_ma.value else -1)


def walk(seed: int, count: int) -> tuple[pl.DataFrame, list[int], list[int]]:
    """A random walk in cents as bars, and its opens and closes."""
    rng = np.random.default_rng(seed)
    close = 100_000 + np.cumsum(rng.integers(-40, 41, count))
    opened = np.concatenate([close[:1], close[:-1] + rng.integers(-3, 4, count - 1)])
    high = np.maximum(opened, close) + rng.integers(0, 40, count)
    low = np.minimum(opened, close) - rng.integers(0, 40, count)
    frame = pl.DataFrame(
        {
            "ts": 1_577_836_800_000_000_000 + MINUTE * np.arange(count),
            **{
                name: column / 100
                for name, column in (("open", opened), ("high", high), ("low", low), ("close", close))
            },
        }
    )
    return frame, opened.tolist(), close.tolist()


def loop(opened: list[int], close: list[int], fill: str) -> tuple[int, int]:
    """Fills and final equity as a money mantissa at 1e-8, from a bare loop."""
    cash, position, fills, wanted = CASH * 10**8, 0, 0, 0

    def trade(price: int) -> None:
        nonlocal cash, position, fills
        quantity = wanted - position
        fee = (abs(quantity) * price * CENT * 1_000_000 + 500_000_000) // 10**9  # 10 bps; no tie can occur in cents
        cash -= quantity * price * CENT + fee
        position, fills = wanted, fills + 1

    for index in range(len(close)):
        if fill == "next_open" and wanted != position:
            trade(opened[index])
        if index < SLOW - 1:
            continue
        fast, slow = sum(close[index - FAST + 1 : index + 1]), sum(close[index - SLOW + 1 : index + 1])
        wanted = 1 if fast * SLOW > slow * FAST else -1
        if fill == "same_close" and wanted != position:
            trade(close[index])
    return fills, cash + position * close[-1] * CENT


@pytest.mark.parametrize("fill", ["next_open", "same_close"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_final_equity_is_that_of_a_bare_loop_to_the_last_digit(engine: str, fill: str, seed: int) -> None:
    frame, opened, close = walk(seed, 4000)
    fills, equity = loop(opened, close, fill)
    result = backtest(Flip, frame, cash=CASH, fees=0.001, engine=engine, venue=Venue(fill=fill))
    assert len(result.fills) == fills > 50
    assert result.outcome.equity["equity"][-1] == equity / 10**8
    assert result.errors == []
