"""Mean reversion: buy an oversold market that is in an upward trend, sell when it has recovered or after some days.

Run it:  cracktrader backtest rsi_reversion.py --data sample:sp500_1d --param oversold=15
"""

import cracktrader as ct


class RsiReversion(ct.Strategy):
    """Uses a two-day RSI for the entry and a long average for the trend."""

    period: int = ct.parameter(2, low=2, high=50)
    oversold: float = ct.parameter(10.0, low=1.0, high=50.0)
    recovered: float = ct.parameter(60.0, low=50.0, high=99.0)
    trend: int = ct.parameter(200, low=10, high=400)
    most_bars: int = ct.parameter(10, low=1, doc="bars after which the position is closed anyway")
    warm_up = True

    def on_start(self, ctx):
        """Nothing is traded before the trend is known: warm_up waits for it."""
        self.rsi = ctx.indicator(ct.RSI(self.period))
        self.average = ctx.indicator(ct.SMA(self.trend))
        self.held = 0

    def on_bar(self, ctx, bar):
        """In on the dip, out on the recovery."""
        if not ctx.position():
            self.held = 0
            if bar.close > self.average.value and self.rsi.value < self.oversold:
                ctx.target(percent=0.95)
            return
        self.held += 1
        if self.rsi.value > self.recovered or self.held >= self.most_bars:
            ctx.close()
