"""Pairs: trade the spread of two instruments back to its mean, long one and short the other.

Run it:  cracktrader backtest pairs.py --data A=a.csv --data B=b.csv --param lookback=60
"""

import cracktrader as ct


class Pairs(ct.Strategy):
    """The ratio of the two closes, in standard deviations from its mean over `lookback` bars."""

    lookback: int = ct.parameter(60, low=10, high=1000)
    enter: float = ct.parameter(2.0, low=0.5)
    leave: float = ct.parameter(0.5, low=0.0)
    size: float = ct.parameter(0.4, low=0.01, high=0.5, doc="share of equity on each side")

    def on_bar(self, ctx, bar):
        """Act once both bars of the moment are there: when the second instrument's has come."""
        first, second = ctx.symbols
        if bar.symbol != second:
            return
        left = ctx.history("close", self.lookback, symbol=first)
        right = ctx.history("close", self.lookback, symbol=second)
        if len(left) < self.lookback or len(right) < self.lookback:
            return
        ratio = left / right
        deviation = ratio.std()
        if deviation == 0:
            return
        score = (ratio[-1] - ratio.mean()) / deviation
        held = ctx.position(first).quantity
        if abs(score) < self.leave and held:
            ctx.close(first)
            ctx.close(second)
        elif abs(score) > self.enter and not held:
            side = -1 if score > 0 else 1
            ctx.target(percent=side * self.size, symbol=first)
            ctx.target(percent=-side * self.size, symbol=second)
