"""`Strategy`: what users subclass. Typed class attributes are the parameters; hooks are called only where they are overridden."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cracktrader.core.intent import Intent
from cracktrader.errors import ConfigError, StaleView
from cracktrader.strategy.context import StrategyContext
from cracktrader.strategy.parameters import Parameter, check, coerced, collect, types_of
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

    warm_up: bool | int = False
    """`on_bar` waits until every declared indicator is warm (True), or that and at least so many bars of data (a number)."""

    _declared: ClassVar[dict[str, Parameter]] = {}
    _sink: Callable[[str], None] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._declared = {**cls._declared, **collect(cls)}

    def __init__(self, **parameters: Any) -> None:
        declared = self.parameter_types()
        strategy = type(self).__name__
        for name in parameters:
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                raise ConfigError(f"{strategy} has no parameter {name!r}; it has: {known}")
        for name, kind in declared.items():
            value = coerced(strategy, name, parameters.get(name, getattr(type(self), name)), kind)
            if name in self._declared:
                check(strategy, name, value, self._declared[name])
            setattr(self, name, value)
        if self.warm_up < 0:
            raise ConfigError(f"{strategy}.warm_up is {self.warm_up!r}: it is True, False or a number of bars")
        try:
            self.validate()
        except ValueError as error:
            raise ConfigError(f"{strategy}: {error}") from error

    @classmethod
    def parameter_types(cls) -> dict[str, Any]:
        """The parameters and their types, in the order of their declaration."""
        return types_of(cls)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters and their values."""
        return {name: getattr(self, name) for name in self.parameter_types() if name != "warm_up"}

    def validate(self) -> None:
        """Refuse parameters that do not go together: raise ValueError, as in `if self.fast >= self.slow: raise ValueError(...)`."""

    def log(self, *parts: object) -> None:
        """Write a line into the run's log, `Result.log`, with the moment and the strategy's name; parts are joined as `print` does."""
        if self._sink is None:
            raise StaleView("self.log writes during a run only: call it inside a callback")
        self._sink(" ".join(map(str, parts)))

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
        """A bar closed: of the data, or of one of the run's time frames. `bar.timeframe` tells which; each comes when it is closed."""

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

    def save_state(self) -> dict[str, Any]:
        """What the strategy keeps in attributes of its own, for a checkpoint: plain data only, that is None, bool, int, float, str, list,
        and dict with str as keys. Orders, positions, timers, random draws and indicators of the core are the run's and are kept anyway."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `save_state` gave: called once after `on_start` when a run goes on from a checkpoint."""
