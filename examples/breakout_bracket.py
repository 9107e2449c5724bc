"""A breakout: buy what closes above its highest high, with a stop-loss and a take-profit attached, sized by what the stop may lose.

Run it:  cracktrader backtest breakout_bracket.py --data sample:sp500_1d --param lookback=55
"""

import cracktrader as ct


class BreakoutBracket(ct.Strategy):
    """Long only; one bracket at a time."""

    lookback: int = ct.parameter(55, low=2, high=1000, doc="bars whose highest high must be exceeded")
    risk: float = ct.parameter(0.01, low=0.0001, high=0.1, doc="share of equity lost at the stop")
    stop_atr: float = ct.parameter(2.0, low=0.1, doc="distance of the stop-loss in average true ranges")
    reward: float = ct.parameter(3.0, low=0.1, doc="take-profit as a multiple of the stop's distance")

    def on_start(self, ctx):
        """The channel and the range that sizes the stop."""
        self.channel = ctx.indicator(ct.Donchian(self.lookback))
        self.range = ctx.indicator(ct.ATR(14))

    def on_bar(self, ctx, bar):
        """Compare with the channel of the bar before: the one under way holds this bar's own high."""
        if not ctx.warm or ctx.position(bar.symbol) or ctx.orders(bar.symbol):
            return
        if bar.close > self.channel.upper[-1]:
            distance = self.stop_atr * self.range.value
            ctx.bracket(
                "buy",
                risk=self.risk,
                stop_loss=bar.close - distance,
                take_profit=bar.close + self.reward * distance,
            )
