"""Timers: buy at one time of the day, sell at another, whatever bars come in between.

Run it:  cracktrader backtest time_of_day.py --data minutes.csv --param enter=22 --param leave=6
"""

from datetime import timedelta

import cracktrader as ct


class TimeOfDay(ct.Strategy):
    """Hours are UTC. A timer is state of the engine: it fires between bars, and again after a restart."""

    enter: int = ct.parameter(22, low=0, high=23, doc="hour at which to buy")
    leave: int = ct.parameter(6, low=0, high=23, doc="hour at which to sell")
    size: float = ct.parameter(0.5, low=0.01, high=1.0, doc="share of equity")

    def on_start(self, ctx):
        """Two daily timers, first at the next such hour."""
        self.enter_timer = self.daily(ctx, self.enter)
        self.leave_timer = self.daily(ctx, self.leave)

    def daily(self, ctx, hour):
        """A timer for every day at an hour."""
        first = ctx.time.replace(hour=hour, minute=0, second=0, microsecond=0)
        if first <= ctx.time:
            first += timedelta(days=1)
        return ctx.set_timer(at=first, every=timedelta(days=1))

    def on_timer(self, ctx, timer):
        """In or out."""
        if timer.timer_id == self.enter_timer and ctx.mark() is not None:
            ctx.target(percent=self.size)
        elif timer.timer_id == self.leave_timer:
            ctx.close()
