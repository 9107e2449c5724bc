"""`Strategy`: what users subclass. Typed class attributes are the parameters; hooks are called only where they are overridden."""

from collections.abc import Sequence
from typing import Any, get_type_hints

from cracktrader.core.intent import Intent
from cracktrader.errors import ConfigError
from cracktrader.strategy.context import StrategyContext
from cracktrader.strategy.views import (
    BarView,
    EventView,
    FillView,
    OrderView,
    QuoteView,
    ReportView,
    TimerView,
    TradeView,
)

Intents = Sequence[Intent] | None


class Strategy:
    """A trading strategy.

    Parameters are annotated class attributes and may be overridden by keyword: `SmaCross(fast=5)`. The canonical hook is `on_event`;
    the typed ones are sugar that its default calls. A hook may return intents; those recorded by the context's helpers come first.
    """

    warm_up: bool = False
    """Whether `on_bar` waits until every declared indicator is warm."""

    def __init__(self, **parameters: Any) -> None:
        declared = self.parameter_types()
        for name, value in parameters.items():
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                raise ConfigError(f"{type(self).__name__} has no parameter {name!r}; it has: {known}")
            setattr(self, name, _coerced(type(self).__name__, name, value, declared[name]))

    @classmethod
    def parameter_types(cls) -> dict[str, type]:
        """The parameters and their types, in the order of their declaration."""
        hints = get_type_hints(cls)
        return {name: kind for name, kind in hints.items() if hasattr(cls, name) and not name.startswith("_")}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters and their values."""
        return {name: getattr(self, name) for name in self.parameter_types() if name != "warm_up"}

    def on_event(self, ctx: StrategyContext, event: EventView | BarView) -> Intents:
        """Every event that concerns the strategy. The default calls the typed hooks."""
        if isinstance(event, ReportView):
            return self._on_report(ctx, event)
        if isinstance(event, TradeView):
            return self.on_trade(ctx, event)
        if isinstance(event, QuoteView):
            return self.on_quote(ctx, event)
        if isinstance(event, TimerView):
            return self.on_timer(ctx, event)
        return self.on_bar(ctx, event) if event.event_type == "Bar" else None  # type: ignore[arg-type]  # a bar of either core

    def _on_report(self, ctx: StrategyContext, report: ReportView) -> Intents:
        intents: list[Intent] = []
        if report.fill is not None:
            intents.extend(self.on_fill(ctx, report.fill) or ())
        if report.order is not None and report.status_changed:
            intents.extend(self.on_order(ctx, report.order) or ())
        return intents

    def on_start(self, ctx: StrategyContext) -> None:
        """Before the first event: declare indicators and timers. Orders are refused here."""

    def on_bar(self, ctx: StrategyContext, bar: BarView) -> Intents:
        """A bar closed."""

    def on_trade(self, ctx: StrategyContext, trade: TradeView) -> Intents:
        """A public trade."""

    def on_quote(self, ctx: StrategyContext, quote: QuoteView) -> Intents:
        """Best bid and ask changed."""

    def on_order(self, ctx: StrategyContext, order: OrderView) -> Intents:
        """The status of one of the strategy's orders changed, denials included."""

    def on_fill(self, ctx: StrategyContext, fill: FillView) -> Intents:
        """One of the strategy's orders filled; called before `on_order`."""

    def on_timer(self, ctx: StrategyContext, timer: TimerView) -> Intents:
        """A timer fired."""

    def on_stop(self, ctx: StrategyContext) -> None:
        """After the last event. Orders are refused here."""


def _coerced(strategy: str, name: str, value: Any, kind: type) -> Any:
    """The value as the parameter's type: an int may stand for a float; anything else must be of the type."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (int, float, str, bool) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise ConfigError(f"{strategy}.{name} is {kind.__name__}, it cannot be {value!r} ({type(value).__name__})")
    return value
