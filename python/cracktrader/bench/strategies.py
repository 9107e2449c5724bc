"""The strategies that are measured, written as a user writes them. Each does what the loop of its name does.

Deliberately not here: the loops (loops.py), and the rows (rows.py).
"""

from __future__ import annotations

from typing import Any

from cracktrader.bench.rows import FAST, SLOW
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.indicators import SMA


class Asleep(Strategy):
    """Is never called; the core keeps its averages."""

    def on_start(self, ctx: Any) -> None:
        ctx.indicator(SMA(FAST))
        ctx.indicator(SMA(SLOW))


class NoCallback(Strategy):
    """Is never called."""


class Empty(Strategy):
    """Is called on every bar, and does nothing."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        pass


class TwoAttributes(Strategy):
    """Is called on every bar, and reads two of its prices."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        bar.close, bar.high  # noqa: B018 - reading them is what is measured


class CoreAverages(Strategy):
    """Long while the fast average is above the slow one, else short; the core keeps the averages."""

    fast: int = FAST
    slow: int = SLOW

    def on_start(self, ctx: Any) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(self.fast)), ctx.indicator(SMA(self.slow))

    def on_bar(self, ctx: Any, bar: Any) -> None:
        fast, slow, position = self.fast_ma.value, self.slow_ma.value, ctx.position().quantity
        # An average that is not warm is not a number, which is neither more nor less.
        if fast > slow:
            if position <= 0:
                ctx.buy(1 - position)
        elif fast < slow and position >= 0:
            ctx.sell(1 + position)


class OwnAverages(Strategy):
    """The same, with averages of its own, kept as the loop keeps them."""

    def on_start(self, ctx: Any) -> None:
        self.closes, self.count, self.fast, self.slow = [0.0] * SLOW, 0, 0.0, 0.0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        close, count, closes = bar.close, self.count, self.closes
        self.slow += close - closes[count % SLOW]
        self.fast += close - (closes[(count - FAST) % SLOW] if count >= FAST else 0.0)
        closes[count % SLOW] = close
        self.count = count + 1
        if self.count < SLOW:
            return
        position = ctx.position().quantity
        if self.fast * SLOW > self.slow * FAST:
            if position <= 0:
                ctx.buy(1 - position)
        elif position >= 0:
            ctx.sell(1 + position)


class Seldom(Strategy):
    """An order each thousand trades; it is cancelled half way, or what it bought is sold."""

    def on_start(self, ctx: Any) -> None:
        self.count, self.placed, self.cancelled = 0, 0, 0
        self.order: Any = None

    def on_trade(self, ctx: Any, trade: Any) -> None:
        count = self.count
        self.count = count + 1
        if count % 1000 == 0:
            self.order = ctx.buy(1, limit=round(trade.price - 0.05, 2))
            self.placed += 1
        elif count % 1000 == 500:
            if position := ctx.position().quantity:
                ctx.sell(position)
                self.placed += 1
            else:
                ctx.cancel(self.order)
                self.cancelled += 1


class Busy(Strategy):
    """An order on every trade, far from the market, in place of the one before; it hears of every report."""

    def on_start(self, ctx: Any) -> None:
        self.placed, self.cancelled, self.reports = 0, 0, 0
        self.order: Any = None

    def on_trade(self, ctx: Any, trade: Any) -> None:
        if self.order is not None:
            ctx.cancel(self.order)
            self.cancelled += 1
        self.order = ctx.buy(1, limit=round(trade.price * 0.5, 2))
        self.placed += 1

    def on_order(self, ctx: Any, order: Any) -> None:
        self.reports += 1
