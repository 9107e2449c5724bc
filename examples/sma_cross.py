"""A moving average cross: in the market while the fast average is above the slow one, out of it otherwise.

Run it:  cracktrader backtest sma_cross.py --data sample:sp500_1d --param fast=50 --param slow=200
"""

import cracktrader as ct


class SmaCross(ct.Strategy):
    """Buys with a share of the equity when the averages cross upwards, sells everything when they cross downwards."""

    fast: int = 20
    slow: int = 100
    size: float = 0.95

    def on_start(self, ctx):
        """Declare the averages: the core computes them, bar by bar."""
        self.fast_ma = ctx.indicator(ct.SMA(self.fast))
        self.slow_ma = ctx.indicator(ct.SMA(self.slow))

    def on_bar(self, ctx, bar):
        """Act on the bar in which a cross happens."""
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(percent=self.size)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.target(0)
