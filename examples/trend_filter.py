"""Several time frames: trade crosses of the given bars only in the direction of a higher time frame's trend.

Run it:  cracktrader backtest trend_filter.py --data minutes.csv --timeframe 1h --param frame=1h
"""

import cracktrader as ct


class TrendFilter(ct.Strategy):
    """A higher bar is visible only when it has closed, so the trend never looks ahead."""

    frame: str = "1h"
    fast: int = ct.parameter(10, low=2)
    slow: int = ct.parameter(30, low=3)
    trend: int = ct.parameter(20, low=2)

    def validate(self):
        """The averages must differ in the right order."""
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} is not below slow {self.slow}")

    def on_start(self, ctx):
        """Two averages of the bars given, one of the higher frame."""
        self.fast_ma = ctx.indicator(ct.EMA(self.fast))
        self.slow_ma = ctx.indicator(ct.EMA(self.slow))
        self.trend_ma = ctx.indicator(ct.SMA(self.trend), timeframe=self.frame)

    def on_bar(self, ctx, bar):
        """Long above the trend, flat below it."""
        if bar.timeframe == self.frame or not ctx.warm:
            return
        if bar.close < self.trend_ma.value:
            ctx.close()
        elif self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(1)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.close()
