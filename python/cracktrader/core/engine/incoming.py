"""Commit A: a fact comes in. It is told apart from duplicates, staged as a plan, checked as a whole and written.

Facts are never rolled back: one that fails its check is recorded with what it breaks, the state stays, the engine stops.
"""

from typing import NamedTuple

from cracktrader.core.aggregate import add, fits, piece_of
from cracktrader.core.book import show_bar, show_quote, show_trade
from cracktrader.core.codec import AGGREGATE, ENGINE, INDICATOR, KEY, MARKET, SEEN, TIMER, Finding
from cracktrader.core.config import Config, DataKind
from cracktrader.core.engine.facts import (
    apply_account_event,
    apply_engine_report,
    apply_held_end,
    apply_report,
    malformed,
    order_ordinal,
)
from cracktrader.core.engine.plan import Plan
from cracktrader.core.engine.store import Execution, Store
from cracktrader.core.event import (
    EVENT_TYPES,
    Bar,
    Cancelled,
    DataEnded,
    Denied,
    EngineStopped,
    Event,
    EventType,
    Filled,
    InstrumentStatus,
    Quote,
    Refused,
    RiskFlagSet,
    StrategyHalted,
    TimerFired,
    Trade,
)
from cracktrader.core.indicator import NULL_SOURCE
from cracktrader.core.reject import RejectCode
from cracktrader.core.state import DENSE_WINDOW, Seen
from cracktrader.core.units import ENGINE_VENUE, NULL_INDEX, OutOfRange

MARKET_EVENTS = frozenset((EventType.BAR, EventType.TRADE, EventType.QUOTE))
"""Events that show a price; those that move a mark make a row of the equity curve."""


class Committed(NamedTuple):
    """What commit A did."""

    findings: list[Finding]
    taken: bool
    """False for what changed nothing: duplicates, quarantined, malformed and failing facts. Nobody is told of them."""
    owner: int | None = None
    """The strategy that is told of a report with an effect on its order."""
    status_changed: bool = False


EFFECTIVE = Committed([], taken=True)


class Incoming:
    """The door for facts."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        self.state = store.state
        self._marked_by = {s.instrument: s.kind for s in config.streams if s.matching}
        """The kind of stream that drives an instrument's mark; without one, whatever is shown does."""
        self._tick_streams: dict[tuple[int, DataKind], int] = {
            (s.instrument, s.kind): index for index, s in enumerate(config.streams) if s.kind is not DataKind.BAR
        }
        self._derives: dict[int, list[int]] = {}
        """Derived streams by their source."""
        for index, stream in enumerate(config.streams):
            if stream.is_derived:
                self._derives.setdefault(stream.source, []).append(index)

    def commit(self, item: Event) -> Committed:
        """Apply the fact. A report is staged and checked as a whole; one that fails is recorded with what it breaks, the state stays."""
        code = EVENT_TYPES[type(item.payload)]
        if EventType.ACCEPTED <= code <= EventType.SETTLEMENT:
            committed = self._commit_report(item)
        elif (found := self._apply_other(item, code)) is None:
            return EFFECTIVE
        else:
            committed = Committed([Finding(found, 0, 0)], taken=False)
        for finding in committed.findings:
            self.state.count(RejectCode(finding.code))
        return committed

    def _commit_report(self, item: Event) -> Committed:
        plan = Plan(self.state)
        try:
            self._apply_report(plan, item)
            broken = plan.check()
        except OutOfRange:
            broken = RejectCode.S_RANGE, 0, 0
        if broken:
            self.store.stop(broken[0])
            return Committed([*plan.findings, Finding(*broken)], taken=False)
        self._write(plan, item)
        return Committed(plan.findings, plan.taken, plan.owner, plan.status_changed)

    def _write(self, plan: Plan, item: Event) -> None:
        for ordinal, order in plan.orders.items():
            self.store.put(self.state.orders[ordinal], order)
        if isinstance(item.payload, Filled) and plan.fills:
            self._execute(plan, item, item.payload)
        plan.write()
        if plan.freeze is not None:
            self.store.touch((MARKET, plan.freeze))
        self.store.touch(*plan.touched())
        if item.idempotency_key and plan.taken and item.venue != ENGINE_VENUE:
            self._remember(item)

    def _execute(self, plan: Plan, item: Event, filled: Filled) -> None:
        order = plan.orders[filled.order]
        before = self.state.own_position(order.id.strategy, order.instrument)
        after = plan.own_position(order.id.strategy, order.instrument)
        self.store.executions.append(
            Execution(
                order.ordinal,
                order.id.strategy,
                order.instrument,
                item.event_time,
                item.seq_id,
                order.side,
                filled.quantity,
                filled.price,
                filled.fee_currency,
                filled.fee,
                filled.liquidity,
                filled.rule,
                after.realized_pnl - before.realized_pnl,
            )
        )

    def _apply_report(self, plan: Plan, item: Event) -> None:
        if isinstance(item.payload, Denied | Refused):
            apply_engine_report(plan, item, item.payload)
            return
        if isinstance(item.payload, Cancelled) and item.venue == ENGINE_VENUE:
            apply_held_end(plan, item, item.payload)
            return
        if malformed(plan, item) or self._is_known(plan, item):
            return
        ordinal = order_ordinal(item.payload)
        if ordinal is None:
            apply_account_event(plan, item)
        elif not 0 < ordinal < self.state.next_ordinal:
            plan.refuse(RejectCode.R_UNKNOWN_ORDER, ordinal)
        elif ordinal not in self.state.orders:
            plan.refuse(RejectCode.R_RETIRED, ordinal)
        else:
            apply_report(plan, item)

    def _is_known(self, plan: Plan, item: Event) -> bool:
        """Whether the report has no effect: a duplicate, a conflict, one too old to tell, or a fill without identity."""
        key, payload = item.idempotency_key, item.payload
        ordinal = order_ordinal(payload) or 0
        if not key:
            if isinstance(payload, Filled):
                self._quarantine(plan, RejectCode.R_NO_KEY, ordinal)
            return isinstance(payload, Filled)
        seen = self.state.seen[item.account]
        if self._is_dense(item.account):
            number = int(key) if len(key) < 19 and key.isdigit() and not key.startswith("0") else 0
            if number == 0:
                self._quarantine(plan, RejectCode.R_MALFORMED, ordinal)
                return True
            if number <= seen.watermark - DENSE_WINDOW:
                self._quarantine(plan, RejectCode.R_RETIRED, ordinal)
                return True
        content = seen.contents.get(key)
        if content is None:
            return False
        if type(content) is type(payload) and content == payload:
            plan.refuse(RejectCode.R_DUPLICATE, ordinal)
        else:
            self._quarantine(plan, RejectCode.R_CONFLICT, ordinal)
        return True

    def _is_dense(self, account: int) -> bool:
        return self.config.venues[self.config.accounts[account].venue].capabilities.dense_keys

    def _quarantine(self, plan: Plan, code: RejectCode, ordinal: int) -> None:
        plan.refuse(code, ordinal)
        order = self.state.orders.get(ordinal)
        if order is not None:
            order.flagged = True

    def _remember(self, item: Event) -> None:
        """The report was taken: its key tells it again."""
        ordinal = order_ordinal(item.payload)
        account, key = item.account, item.idempotency_key
        seen = self.state.seen[account]
        seen.contents[key] = item.payload
        self.store.touch((KEY, account, key))
        dense = self._is_dense(account)
        if ordinal is not None and (not dense or isinstance(item.payload, Filled)):
            self.state.keys.setdefault(ordinal, []).append(key)
        if dense:
            self._raise_watermark(account, seen)

    def _raise_watermark(self, account: int, seen: Seen) -> None:
        while str(seen.watermark + 1) in seen.contents:
            seen.watermark += 1
            old = str(seen.watermark - DENSE_WINDOW)
            if seen.contents.pop(old, None) is not None:
                self.store.touch((KEY, account, old))
            self.store.touch((SEEN, account))

    def _apply_other(self, item: Event, code: EventType) -> RejectCode | None:
        """Market data and control events; a code for what has no effect."""
        if code in MARKET_EVENTS:
            return self._apply_market(item)
        return None if self._apply_control(item) else RejectCode.R_MALFORMED

    def _apply_market(self, item: Event) -> RejectCode | None:
        """Marks, bars in the making and indicators; a code for impossible content, which changes nothing."""
        if not self._is_market_sound(item):
            return RejectCode.R_MALFORMED
        if self._derives and not self._aggregate(item):
            self.store.stop(RejectCode.S_RANGE)
            return RejectCode.S_RANGE
        payload, state = item.payload, self.state
        market = state.markets[item.instrument]
        if isinstance(payload, Bar):
            if self.config.streams[payload.stream].matching:
                show_bar(market, payload, state.now)
            state.delivered[payload.stream] += 1
            self._update_indicators(payload)
        elif not self.moves_mark(item):
            return None
        elif isinstance(payload, Trade):
            show_trade(market, payload, state.now)
        elif isinstance(payload, Quote):
            show_quote(market, payload, state.now)
        self.store.touch((MARKET, item.instrument))
        return None

    def _aggregate(self, item: Event) -> bool:
        """Add the item to the bars made of its stream; False, and no bar changed, when one of them would not fit."""
        source, declared, aggregates = self._stream_of(item), self.config.streams, self.state.aggregates
        if isinstance(item.payload, Bar) and declared[source].is_derived:
            self.state.recent[source].append(aggregates[source].closed.popleft())
            self.state.closed_bars -= 1
            self.store.touch((AGGREGATE, source))
        derived = self._derives.get(source)
        if derived is None:
            return True
        piece = piece_of(item.payload, self.state.now - declared[source].feed_latency)
        if not all(fits(aggregates[stream], declared[stream], piece) for stream in derived):
            return False
        for stream in derived:
            self.state.closed_bars += add(aggregates[stream], declared[stream], stream, piece)
            self.store.touch((AGGREGATE, stream))
        return True

    def _stream_of(self, item: Event) -> int:
        """The stream of a market event: a bar names it, an instrument has one of trades and one of quotes."""
        if isinstance(item.payload, Bar):
            return item.payload.stream
        kind = DataKind.TRADE if isinstance(item.payload, Trade) else DataKind.QUOTE
        return self._tick_streams.get((item.instrument, kind), NULL_INDEX)

    def moves_mark(self, item: Event) -> bool:
        """Whether a market event values positions: what another stream marks is only delivered."""
        if isinstance(item.payload, Bar):
            return self.config.streams[item.payload.stream].matching
        kind = DataKind.TRADE if isinstance(item.payload, Trade) else DataKind.QUOTE
        return self._marked_by.get(item.instrument, kind) is kind

    def _update_indicators(self, bar: Bar) -> None:
        """In the order of declaration: a source says what it says now before its readers ask."""
        indicators = self.state.indicators
        for index, indicator in enumerate(indicators):
            given = indicator.declaration
            if given.stream == bar.stream:
                sourced = None if given.source == NULL_SOURCE else indicators[given.source].number(given.line)
                indicator.update(bar, sourced)
                self.store.touch((INDICATOR, index))

    def _is_market_sound(self, item: Event) -> bool:
        payload = item.payload
        if item.instrument >= len(self.config.instruments):
            return False
        most = self.config.instruments[item.instrument].max_price
        if isinstance(payload, Bar):
            if payload.stream >= len(self.config.streams):
                return False
            declared = self.config.streams[payload.stream]
            if declared.instrument != item.instrument or declared.kind is not DataKind.BAR:
                return False
            if declared.is_derived:
                closed = self.state.aggregates[payload.stream].closed
                return bool(closed) and closed[0] == payload
            inside = payload.low <= payload.open <= payload.high and payload.low <= payload.close <= payload.high
            return inside and payload.low >= 1 and payload.high <= most and payload.volume >= 0
        if isinstance(payload, Trade):
            return 1 <= payload.price <= most and payload.quantity > 0 and payload.aggressor <= 2
        assert isinstance(payload, Quote)
        return 1 <= payload.bid_price <= payload.ask_price <= most

    def _apply_control(self, item: Event) -> bool:
        """Timers, operators and sessions; False for what names nothing, which changes nothing."""
        payload, state = item.payload, self.state
        if isinstance(payload, TimerFired):
            return self._fire(payload)
        if isinstance(payload, InstrumentStatus):
            return self._set_status(item.instrument, payload.frozen)
        if isinstance(payload, RiskFlagSet):
            return self.store.set_flag(payload.strategy, payload.flag, payload.on)
        if isinstance(payload, StrategyHalted):
            if payload.strategy >= len(state.owners):
                return False
            self.store.halt(payload.strategy)
        elif isinstance(payload, EngineStopped):
            self.store.stop(RejectCode.S_OPERATOR)
        elif isinstance(payload, DataEnded):
            state.ended = True
            self.store.touch((ENGINE,))
        return True

    def _fire(self, fired: TimerFired) -> bool:
        """A timer that is set, at its deadline, is set no more."""
        timer = fired.strategy, fired.timer
        if self.state.timers.deadlines.get(timer) != fired.deadline:
            return False
        self.state.timers.cancel(*timer)
        self.store.touch((TIMER, *timer))
        return True

    def _set_status(self, instrument: int, frozen: bool) -> bool:
        """The venue halts an instrument, or lets it trade again, which also ends a freeze."""
        if instrument >= len(self.state.markets):
            return False
        market = self.state.markets[instrument]
        market.halted, market.frozen = frozen, frozen and market.frozen
        self.store.touch((MARKET, instrument))
        return True
