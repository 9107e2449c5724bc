"""Market making: a post-only bid and offer around the last price, moved with it, and leaning against the position.

Run it:  cracktrader backtest market_maker.py --data bars.csv --param spread_bps=20
"""

import cracktrader as ct


class MarketMaker(ct.Strategy):
    """Two resting limits, replaced rather than cancelled; what is held shifts both against it."""

    spread_bps: float = ct.parameter(20.0, low=1.0, doc="distance of bid from offer in basis points")
    size: float = ct.parameter(1.0, low=0.0001)
    most: float = ct.parameter(5.0, low=0.0001, doc="largest position, long or short")
    lean_bps: float = ct.parameter(4.0, low=0.0, doc="shift against the position, for each `size` held")

    def on_start(self, ctx):
        """No quotes yet."""
        self.quotes = {"buy": None, "sell": None}

    def on_bar(self, ctx, bar):
        """Quote around the close."""
        held = ctx.position().quantity
        middle = bar.close * (1 - self.lean_bps * held / self.size / 10_000)
        half = middle * self.spread_bps / 20_000
        self.quote(ctx, "buy", middle - half, held + self.size <= self.most)
        self.quote(ctx, "sell", middle + half, held - self.size >= -self.most)

    def quote(self, ctx, side, price, wanted):
        """Place, move or take back one side."""
        working = self.quotes[side] and ctx.order(self.quotes[side])
        if working and working.is_open:
            if wanted:
                ctx.replace(working.id, limit=price)
            elif working.status != "CancelPending":
                ctx.cancel(working.id)
        elif wanted:
            place = ctx.buy if side == "buy" else ctx.sell
            self.quotes[side] = place(self.size, limit=price, post_only=True)
