"""The strategies of the proofs: brackets, limits that are replaced and cancelled, timers, indicators, chance, and lines that they write.

`Trader` keeps a state of its own and saves it; `Forgetful` keeps it and does not. Deliberately not here: anything of the harness.
"""

from typing import Any

from cracktrader.core.intent import OrderId
from cracktrader.strategy import ATR, SMA, Strategy, StrategyContext

MINUTE = 60_000_000_000


class Forgetful(Strategy):
    """A bracket every ninth bar, a limit every fourth one, moved once and taken back by a timer."""

    size: float = 1.0

    def on_start(self, ctx: StrategyContext) -> None:
        """Two indicators and a timer that repeats."""
        self.average, self.range = ctx.indicator(SMA(5)), ctx.indicator(ATR(7))
        self.bars = 0
        self.limit: OrderId | None = None
        ctx.set_timer(every=7 * MINUTE)

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        """Count, and trade by the count."""
        self.bars += 1
        if not self.range.warm:
            return
        if self.bars % 9 == 0 and not ctx.position():
            far = max(self.range.value, 0.05)
            ctx.bracket("buy", self.size, take_profit=bar.close + 2 * far, stop_loss=bar.close - far)
        elif self.bars % 4 == 0 and self.limit is None:
            quantity = self.size + ctx.random.below(3)
            self.limit = ctx.sell(quantity, limit=self.average.value + 0.4)
        elif self.limit is not None and ctx.order(self.limit) is not None and self.bars % 2:
            ctx.replace(self.limit, limit=bar.close + 0.3)
        if self.bars % 25 == 0:
            self.log(f"bar {self.bars} closes at {bar.close:.2f}")

    def on_fill(self, ctx: StrategyContext, fill: Any) -> None:
        """What fills is let go of."""
        if self.limit is not None and fill.order.id == self.limit:
            self.limit = None
            ctx.set_timer(after=3 * MINUTE)

    def on_timer(self, ctx: StrategyContext, timer: Any) -> None:
        """Take the limit back, and every other time whatever is held."""
        if self.limit is not None and ctx.order(self.limit) is not None:
            ctx.cancel(self.limit)
        self.limit = None
        if ctx.position() and self.bars % 2:
            ctx.close()


class Trader(Forgetful):
    """The same, and it tells what it keeps."""

    def save_state(self) -> dict[str, Any]:
        """See Strategy."""
        return {"bars": self.bars, "limit": None if self.limit is None else list(self.limit)}

    def load_state(self, state: dict[str, Any]) -> None:
        """See Strategy."""
        self.bars = state["bars"]
        self.limit = None if state["limit"] is None else OrderId(*state["limit"])


class Quoter(Strategy):
    """For a venue outside: a market order every third bar, a limit every fifth, which every seventh moves and every eighth takes back."""

    def on_start(self, ctx: StrategyContext) -> None:
        """A timer and an indicator."""
        self.average = ctx.indicator(SMA(4))
        self.resting: OrderId | None = None
        ctx.set_timer(every=11 * MINUTE)

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        """Trade by the minute of the day."""
        minute = ctx.now // MINUTE
        if minute % 3 == 0:
            (ctx.sell if ctx.position() else ctx.buy)(1 + ctx.random.below(2))
        if minute % 5 == 0:
            self.resting = ctx.buy(1, limit=bar.close - 1)
        live = self.resting is not None and ctx.order(self.resting) is not None
        if live and minute % 7 == 0:
            ctx.replace(self.resting, limit=bar.close - 2)
        elif live and minute % 8 == 0:
            ctx.cancel(self.resting)

    def on_timer(self, ctx: StrategyContext, timer: Any) -> None:
        """Nothing is left working for long."""
        ctx.cancel_all()
