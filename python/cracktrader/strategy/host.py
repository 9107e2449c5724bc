"""The host: calls strategies for a core. It turns events into views, collects what was recorded, and catches what was raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cracktrader.core.codec import TimerRequest, encode_intent
from cracktrader.core.config import Config
from cracktrader.core.engine import Response
from cracktrader.core.engine.facts import order_ordinal
from cracktrader.core.event import (
    EVENT_TYPES,
    Bar,
    Event,
    EventType,
    Filled,
    Quote,
    Refused,
    Rows,
    TimerFired,
    Trade,
)
from cracktrader.core.instrument import Instrument
from cracktrader.core.intent import INTENT_TYPES, Intent
from cracktrader.errors import IntentError, StaleView, StrategyError
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.context import StrategyContext, context_class
from cracktrader.strategy.history import History
from cracktrader.strategy.kept import attributes, differs, has_hooks, plain, revived
from cracktrader.strategy.views import (
    BarView,
    ControlView,
    EventView,
    FillView,
    OrderView,
    QuoteView,
    ReportView,
    TimerView,
    TradeView,
)

ALL_EVENTS = 2**64 - 1
_PACKAGE = Path(__file__).parents[1]
_CALLERS = (f"{_PACKAGE / 'core'}/", f"{_PACKAGE / 'strategy' / 'host'}.py", f"{_PACKAGE / 'strategy' / 'base'}.py")
"""Files that call strategies, or are of one core."""
REPORTS = range(EventType.ACCEPTED, EventType.REFUSED + 1)


class LogLine(NamedTuple):
    """What a strategy wrote with `self.log`, and when."""

    seq_id: int
    time: int
    """The event clock, ns."""
    strategy: str
    text: str


class Failure(NamedTuple):
    """What a strategy raised."""

    seq_id: int
    strategy: str
    traceback: str


class StrategyHost:
    """Calls the strategies of one run, in registration order."""

    watches_answers = False
    """Whether `collect` is called for every answer; else a core that calls hooks itself may take what helpers recorded without it."""

    def __init__(
        self,
        config: Config,
        strategies: Sequence[Strategy],
        rows: Mapping[int, Rows] | None = None,
        timeframes: Sequence[str] = (),
    ) -> None:
        """`rows` by stream is what `ctx.history` looks back at, `timeframes` by stream is what its bars are called."""
        self.config = config
        self.timeframes = [*timeframes, *([""] * (len(config.streams) - len(timeframes)))]
        self.strategies = list(strategies)
        self.contexts: list[StrategyContext] = []
        self.history = History(config, rows or {})
        self.failures: list[Failure] = []
        self.lines: list[LogLine] = []
        self.interruption: BaseException | None = None
        self._view: Any = None
        self._bars_awaited = [int(one.warm_up) if one.warm_up is not True else 0 for one in self.strategies]
        self._called = [False] * len(self.strategies)
        """Whether each strategy has warmed up."""
        self._begun = [attributes(one) for one in self.strategies]
        """Attributes of each strategy right after `on_start`."""

    def bind(self, view: Any) -> None:
        """Take the core's view."""
        self._view = view
        quick = getattr(view, "context", None)
        kind = context_class() if quick is None else context_class(quick)
        self.contexts = [
            kind(self.config, index, view, self.history, timeframes=self.timeframes)
            for index in range(len(self.strategies))
        ]
        for index, one in enumerate(self.strategies):
            one._sink = partial(self._log, index)
            self.contexts[index].takes_bars = bool(self.wants(index) >> EventType.BAR & 1)

    def wants(self, strategy: int) -> int:
        """Only what is overridden is called; overriding `on_event` asks for everything."""
        kind = type(self.strategies[strategy])
        if kind.on_event is not Strategy.on_event:
            return ALL_EVENTS
        hooks: dict[str, Sequence[int]] = {
            "on_start": (EventType.START,),
            "on_stop": (EventType.RUN_STOPPED,),
            "on_bar": (EventType.BAR,),
            "on_trade": (EventType.TRADE,),
            "on_quote": (EventType.QUOTE,),
            "on_timer": (EventType.TIMER_FIRED,),
            "on_fill": (EventType.FILLED,),
            "on_order": REPORTS,
        }
        mask = 0
        for name, types in hooks.items():
            if getattr(kind, name) is not getattr(Strategy, name):
                for code in types:
                    mask |= 1 << code
        return mask

    def tick_hook(self, strategy: int, event_type: int) -> Callable[[StrategyContext, Any], Any]:
        """What a core may call with (context, tick) directly for a trade or a quote."""
        one = self.strategies[strategy]
        if type(one).on_event is not Strategy.on_event:
            return one.on_event
        return one.on_trade if event_type == EventType.TRADE else one.on_quote

    def report_hooks(self, strategy: int) -> Sequence[Callable[[StrategyContext, Any], Any] | None] | None:
        """What a core may call directly for a report: one hook with (context, report), or two with (context, fill) and (context, order),
        None for one that does nothing. None instead of hooks: it calls `call`."""
        one = self.strategies[strategy]
        if any(_is_own(one, name) for name in ("on_event", "_on_report")):
            return (one.on_event,)
        return tuple(getattr(one, name) if _is_own(one, name) else None for name in ("on_fill", "on_order"))

    def bar_hook(self, strategy: int) -> Callable[[StrategyContext, Any], Any] | Literal[False]:
        """What a core may call with (context, bar) directly for a bar from now on; False while the strategy warms up: then it is not
        called for this bar, and the next one asks again."""
        one = self.strategies[strategy]
        if self.contexts[strategy].own:
            return lambda context, bar: self._on_bar_with_own(strategy, context, bar)
        if self._is_warming_up(strategy):
            return False
        return one.on_event if type(one).on_event is not Strategy.on_event else one.on_bar

    def pass_over(self, strategy: int) -> None:
        """A bar that does not wake the strategy: while it warms up the bar is counted all the same."""
        self._is_warming_up(strategy)

    def _is_warming_up(self, strategy: int) -> bool:
        """Whether `on_bar` still waits at this bar, which is counted. It waits once: an average by volume can cease to have a value."""
        one = self.strategies[strategy]
        if one.warm_up is False or self._called[strategy]:
            return False
        self._bars_awaited[strategy] -= 1
        waits = self._bars_awaited[strategy] >= 0 or not all(i.warm for i in self.contexts[strategy].declared)
        self._called[strategy] = not waits
        return waits

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """Call the strategy for an event and collect its answer."""
        view = self._event_view(event, status_changed)
        one = self.strategies[strategy]
        context = self.contexts[strategy]
        if event_type_of(event) is EventType.BAR and context.own:
            return self.guard(strategy, event.seq_id, lambda: self._on_bar_with_own(strategy, context, view))
        if event_type_of(event) is EventType.BAR and self._is_warming_up(strategy):
            return None
        if isinstance(event.payload, TimerFired) and event.payload.timer in context.repeating:
            again = event.payload.deadline + context.repeating[event.payload.timer]
            context.timers.append(TimerRequest(event.payload.timer, again))
        hook = {EventType.START: one.on_start, EventType.RUN_STOPPED: one.on_stop}.get(event_type_of(event))
        if hook is None:
            return self.guard(strategy, event.seq_id, lambda: one.on_event(context, view))
        response = self.guard(strategy, event.seq_id, lambda: hook(context))
        if event_type_of(event) is EventType.START:
            self._begun[strategy] = attributes(one)
        return response

    def _on_bar_with_own(self, strategy: int, context: StrategyContext, bar: Any) -> Sequence[Intent] | None:
        """Indicators written in Python are updated first, while the strategy warms up too."""
        for own in context.own:
            own.update(bar)
        return None if self._is_warming_up(strategy) else self.strategies[strategy].on_event(context, bar)

    def guard(self, strategy: int, seq_id: int, callback: Callable[[], Sequence[Intent] | None]) -> Response | None:
        """Run a callback: its intents, or what it raised."""
        context = self.contexts[strategy]
        self._view.active = True
        try:
            returned = callback()
            return self.collect(context, returned)
        except (KeyboardInterrupt, SystemExit) as interruption:
            self.interruption = interruption
            return Response(interrupted=True)
        except Exception as error:
            return self.fail(strategy, seq_id, error)
        finally:
            self._view.active = False
            context._forget()
            context.timers.clear()

    # Checkpoints

    def save(self) -> list[dict[str, Any]]:
        """What the host and the strategies keep beside the run's state, as plain data that JSON keeps to the bit."""
        return [self._saved(strategy) for strategy in range(len(self.strategies))]

    def _saved(self, strategy: int) -> dict[str, Any]:
        one, context, name = self.strategies[strategy], self.contexts[strategy], self.config.strategies[strategy].name
        state = None
        if has_hooks(one, Strategy):
            try:
                state = one.save_state()
            except Exception as error:
                raise StrategyError(f"save_state of strategy {name} raised {type(error).__name__}: {error}") from error
            if type(state) is not dict:
                raise StrategyError(f"save_state of strategy {name} returned {state!r}: it returns a dict")
            state = plain(state, f"{name}.save_state()")
        return {
            "bars_awaited": None if self._called[strategy] else self._bars_awaited[strategy],
            "has_exits": context.has_exits,
            "repeating": sorted([timer, interval] for timer, interval in context.repeating.items()),
            "state": state,
        }

    def load(self, saved: Sequence[Mapping[str, Any]]) -> None:
        """Take back what `save` gave, once the strategies are bound again. StrategyError when it is of other strategies, or `load_state`
        raises."""
        if len(saved) != len(self.strategies):
            raise StrategyError(f"the checkpoint is of {len(saved)} strategies, the run has {len(self.strategies)}")
        for strategy, kept in enumerate(saved):
            one, context, name = (
                self.strategies[strategy],
                self.contexts[strategy],
                self.config.strategies[strategy].name,
            )
            self._called[strategy] = kept["bars_awaited"] is None
            self._bars_awaited[strategy] = kept["bars_awaited"] or 0
            context.has_exits = kept["has_exits"]
            context.repeating = dict(kept["repeating"])
            if has_hooks(one, Strategy) != (kept["state"] is not None):
                raise StrategyError(f"strategy {name} saves its state now or did then, but not both")
            if kept["state"] is not None:
                try:
                    one.load_state(revived(kept["state"]))
                except Exception as error:
                    raise StrategyError(
                        f"load_state of strategy {name} raised {type(error).__name__}: {error}"
                    ) from error

    def stateful(self, strategy: int) -> bool:
        """Whether a checkpoint would lose what the strategy keeps: it has no `save_state` and holds what differs from right after
        `on_start` or can change unseen, or it has indicators written in Python."""
        one = self.strategies[strategy]
        if self.contexts[strategy].own:
            return True
        return not has_hooks(one, Strategy) and differs(one, self._begun[strategy], Strategy)

    def stateful_names(self) -> list[str]:
        """Names of the strategies that a checkpoint of this moment would rob."""
        return [one.name for index, one in enumerate(self.config.strategies) if self.stateful(index)]

    def fail(self, strategy: int, seq_id: int, error: Exception) -> Response:
        """Keep what was raised; the core records its kind and applies the policy."""
        name = self.config.strategies[strategy].name
        self.failures.append(Failure(seq_id, name, _told(error)))
        kind = type(error).__name__
        return Response(error=kind if kind.isascii() else "Exception")

    def collect(self, context: StrategyContext, returned: Sequence[Intent] | None) -> Response | None:
        """What the helpers recorded, then what was returned."""
        intents = [*context.intents, *_checked(returned)]
        if not intents and not context.timers:
            return None
        return Response(intents, list(context.timers))

    def _log(self, strategy: int, text: str) -> None:
        view = self._view
        if not view.active:
            raise StaleView("self.log writes during a run only: call it inside a callback")
        self.lines.append(LogLine(view.seq(), view.now(), self.config.strategies[strategy].name, text))

    def _event_view(self, event: Event, status_changed: bool) -> Any:
        payload = event.payload
        instrument = self._instrument(event.instrument)
        if isinstance(payload, Bar):
            assert instrument is not None
            return BarView(
                event.seq_id,
                event.event_time,
                instrument.name,
                payload,
                instrument.price_decimals,
                self.config.streams[payload.stream].volume_decimals,
                self.timeframes[payload.stream],
            )
        if event_type_of(event) in REPORTS:
            return self._report_view(event, instrument, status_changed)
        kinds: dict[type, type[EventView]] = {Trade: TradeView, Quote: QuoteView, TimerFired: TimerView}
        return kinds.get(type(payload), ControlView)(event, instrument)

    def _report_view(self, event: Event, instrument: Instrument | None, status_changed: bool) -> ReportView:
        payload = event.payload
        order = None
        if not isinstance(payload, Refused):
            facts = self._view.order_by_ordinal(order_ordinal(payload))
            order = None if facts is None else OrderView(facts, self._instrument(facts.instrument))
        fill = None
        if isinstance(payload, Filled):
            assert order is not None and instrument is not None
            currency = self.config.currencies[payload.fee_currency]
            fill = FillView(event, order, instrument, currency.name, currency.scale)
        return ReportView(event, instrument, order, fill, status_changed)

    def _instrument(self, index: int) -> Instrument | None:
        return self.config.instruments[index] if index < len(self.config.instruments) else None


def _is_own(strategy: Strategy, name: str) -> bool:
    """Whether the hook is the strategy's own, not the default."""
    return getattr(getattr(strategy, name), "__func__", None) is not getattr(Strategy, name)


def event_type_of(event: Event) -> EventType:
    """The event's type."""
    return EVENT_TYPES[type(event.payload)]


def _told(error: BaseException) -> str:
    """An exception with its traceback, without the frames of what called the strategy and of the core: they are others on each core, each
    of which goes on with the other's runs, and say nothing to the reader."""
    raised = traceback.TracebackException.from_exception(error)
    chain: list[traceback.TracebackException] = [raised]
    for one in chain:
        own = [frame for frame in one.stack if not frame.filename.startswith(_CALLERS)]
        one.stack = traceback.StackSummary.from_list(own)
        chain += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "".join(raised.format())


def _checked(returned: Sequence[Intent] | None) -> Sequence[Intent]:
    """Returned intents, when each is one and its fields fit the contract; else IntentError."""
    if returned is None:
        return ()
    if not isinstance(returned, list | tuple) or type(returned) in INTENT_TYPES:
        raise IntentError(f"a callback returns a list of intents or None, not {returned!r}")
    for intent in returned:
        if type(intent) not in INTENT_TYPES:
            raise IntentError(f"{intent!r} is not an intent")
        try:
            encode_intent(intent)
        except Exception as error:
            raise IntentError(f"{intent!r}: a field does not fit the contract ({error})") from error
    return returned
