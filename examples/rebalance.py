"""Rebalancing: hold every instrument at an equal share of the equity, and trade back to it at the beginning of each month.

Run it:  cracktrader backtest rebalance.py --data A=a.csv --data B=b.csv --data C=c.csv
"""

import cracktrader as ct


class Rebalance(ct.Strategy):
    """Equal weights; what has drifted less than `band` is left alone."""

    invested: float = ct.parameter(0.95, low=0.01, high=1.0, doc="share of equity that is invested")
    band: float = ct.parameter(0.01, low=0.0, high=0.5, doc="drift, as a share of equity, that is not worth a trade")

    def on_start(self, ctx):
        """No month yet."""
        self.month = None

    def on_bar(self, ctx, bar):
        """Act once a month, when the last instrument of the moment has come."""
        if bar.symbol != ctx.symbols[-1] or ctx.time.month == self.month:
            return
        marks = {symbol: ctx.mark(symbol) for symbol in ctx.symbols}
        if None in marks.values():
            return
        self.month = ctx.time.month
        weight = self.invested / len(marks)
        equity = ctx.equity
        for symbol, mark in marks.items():
            share = ctx.position(symbol).quantity * mark / equity
            if abs(share - weight) > self.band:
                ctx.target(percent=weight, symbol=symbol)
