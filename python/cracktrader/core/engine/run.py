"""The run: stepping, callbacks, commit B, commands, and what a run leaves behind (equity, executions, closed orders)."""

from collections.abc import Sequence
from hashlib import sha256
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from cracktrader.core.admission import admit, reserve_price
from cracktrader.core.book import show_bar, show_quote, show_trade
from cracktrader.core.codec import (
    DAY,
    ENGINE,
    FILL,
    INDICATOR,
    KEY,
    MARKET,
    ORDER,
    SEEN,
    STRATEGY,
    Answer,
    Declaration,
    Finding,
    LeafKey,
    Record,
    StateRoot,
    TimerRequest,
    all_keys,
    encode_images,
    encode_order,
    encode_record,
    full_root,
    state_hash,
)
from cracktrader.core.codec import TIMER as TIMER_LEAF
from cracktrader.core.config import LOOP_DEPTH, Config, DataKind, OnError, config_problem
from cracktrader.core.engine.facts import (
    apply_account_event,
    apply_engine_report,
    apply_report,
    malformed,
    order_ordinal,
)
from cracktrader.core.engine.plan import Plan
from cracktrader.core.event import (
    EVENT_TYPES,
    Bar,
    BarRows,
    DataEnded,
    Denied,
    EngineStopped,
    Event,
    EventType,
    Filled,
    InstrumentStatus,
    Payload,
    Quote,
    Refused,
    RiskFlagSet,
    RunStopped,
    Source,
    Start,
    StrategyHalted,
    TimerFired,
    Trade,
    event,
)
from cracktrader.core.indicator import read
from cracktrader.core.intent import (
    INTENT_TYPES,
    CancelOrder,
    Intent,
    NoOp,
    OrderId,
    PlaceOrder,
    ReplaceOrder,
    RiskFlag,
    SetRiskFlag,
)
from cracktrader.core.invariant import check_all
from cracktrader.core.matching import Cause, Command, CommandKind, Phase, Point, SimulatedVenue
from cracktrader.core.order import Guard, Order, OrderInput, enter, new_order, transition
from cracktrader.core.reject import RejectCode
from cracktrader.core.sequencer import (
    NO_CAUSE,
    PRODUCER_ENGINE,
    PRODUCER_OUTSIDE,
    PRODUCER_VENUE,
    Key,
    Sequencer,
)
from cracktrader.core.state import DENSE_WINDOW, Seen, Working, new_state
from cracktrader.core.units import (
    ENGINE_VENUE,
    NONE_PRICE,
    NULL_INDEX,
    NULL_INSTRUMENT,
    Money,
    OutOfRange,
    Price,
    Quantity,
    Time,
)
from cracktrader.core.view import View

DAY_NS = 86_400_000_000_000


class Response(NamedTuple):
    """A strategy's answer to a callback."""

    intents: Sequence[Intent] = ()
    timers: Sequence[TimerRequest] = ()
    error: str = ""
    """The kind of what it raised; its intents and timers are then discarded."""
    interrupted: bool = False
    """KeyboardInterrupt or SystemExit: the run stops after commit A."""


class Host(Protocol):
    """Who calls the strategies."""

    def bind(self, view: View) -> None:
        """Take the view that answers questions during callbacks."""

    def wants(self, strategy: int) -> int:
        """Bit mask of the event types that the strategy is called for."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """Call the strategy; None is an answer without anything."""


class Execution(NamedTuple):
    """A booked fill, for the run's result."""

    order: int
    strategy: int
    instrument: int
    event_time: Time
    seq_id: int
    side: int
    quantity: Quantity
    price: Price
    fee_currency: int
    fee: Money
    liquidity: int
    rule: int
    realized_pnl: Money
    """What the fill realised for its strategy, before fees."""


class Engine:
    """One run. `record=True` keeps the last step's record and an incremental state root; `replaying=True` takes only recorded steps."""

    def __init__(self, config: Config, host: Host, *, record: bool = False, replaying: bool = False) -> None:
        problem = config_problem(config)
        if problem:
            raise ValueError(problem)
        self.config = config
        self.host = host
        self.recording = record
        self.replaying = replaying
        self.state = new_state(config)
        self.sequencer = Sequencer(config)
        self.venues = {
            index: SimulatedVenue(config, index) for index, venue in enumerate(config.venues) if venue.simulated
        }
        self.outbox: list[Command] = []
        self.last_record = b""
        self.equity: list[tuple[Time, Money | None, Money | None]] = []
        self.executions: list[Execution] = []
        self.closed: list[Order] = []
        self.interrupted = False
        self._root = StateRoot()
        self._touched: list[LeafKey] = []
        self._dirty: set[LeafKey] = set()
        self._market_label: Time | None = None
        self._since_check = 0
        self._tracks_day = any(strategy.limits.max_daily_loss for strategy in config.strategies)
        self._marked_by_bars = {s.instrument for s in config.streams if s.matching and s.kind is DataKind.BAR}
        host.bind(View(self.state))
        self._wants = [host.wants(strategy) for strategy in range(len(config.strategies))]
        if record:
            self._root.refresh(self.state, all_keys(self.state))

    # Feeding

    def attach(self, stream: int, rows: BarRows) -> None:
        """The bars of a declared stream."""
        self.sequencer.attach(stream, rows)
        declared = self.config.streams[stream]
        venue = self.config.instruments[declared.instrument].venue
        if declared.matching and venue in self.venues:
            self.venues[venue].attach(declared.instrument, rows)

    def push(self, item: Event) -> None:
        """An item from outside: a report, a tick, a control event."""
        self.sequencer.push(item, PRODUCER_OUTSIDE, NO_CAUSE)

    # Running

    def start(self) -> None:
        """The Start record: on_start is called at the first moment of the data."""
        rows = self.sequencer.rows.values()
        first = [stream.open_time[0] for stream in rows if len(stream.open_time)]
        head = self.sequencer.peek()
        if head is not None:
            first.append(head.ingest_time)
        self.take(event(Start(), min(first, default=0)), 0)

    def step(self) -> bool:
        """Take the next item with everything the venues do before it; False when there is none."""
        if not self.state.started:
            self.start()
            return True
        timer = self._next_timer()
        while True:
            head = self.sequencer.peek()
            if timer is not None and (head is None or timer < head):
                head = timer
            point, venue = self._next_point()
            if point is None or (head is not None and (head.ingest_time, Phase.ITEM) <= (point.time, point.phase)):
                break
            self._run_point(point, venue)
        if head is None:
            return False
        if head is timer:
            self._fire_timer()
        else:
            item, cause = self.sequencer.pop()
            self.take(item, self._depth(item.ingest_time, cause))
        return True

    def run(self) -> None:
        """Step until the data ends or the engine stops, then finish."""
        while not (self.state.started and self.sequencer.exhausted) and not self._is_over():
            if not self.step():
                break
        self.finish()

    def finish(self) -> None:
        """End of data: reports in flight are delivered, then on_stop is called."""
        if self.interrupted:
            return
        if not self.state.started:
            self.start()
        self.take(event(DataEnded(), self.state.now), 0)
        self.sequencer.end()
        for venue in self.venues.values():
            venue.ended = True
        while not self.interrupted and self.step():
            pass
        if not self.interrupted:
            self.take(event(RunStopped(), self.state.now), 0)
        self._equity_row()
        self._recheck()
        self.closed.extend(self.state.orders.values())

    def _is_over(self) -> bool:
        return self.interrupted or bool(self.state.stopped)

    def _next_timer(self) -> Key | None:
        soonest = self.state.timers.next()
        if soonest is None or self.state.ended:
            return None
        priority = self.config.priorities[Source.TIMER]
        return Key(soonest[0], priority, NULL_INDEX, NULL_INSTRUMENT, soonest[1], soonest[2])

    def _fire_timer(self) -> None:
        soonest = self.state.timers.next()
        assert soonest is not None
        deadline, strategy, timer = soonest
        cause = Cause(*self.state.timers.cause(strategy, timer))
        item = event(TimerFired(strategy, timer, deadline), deadline)
        self.take(item, self._depth(deadline, cause))

    def _depth(self, ingest_time: Time, cause: Cause) -> int:
        """Depth in a chain of steps that caused each other at one instant."""
        return cause.depth + 1 if cause.now == max(self.state.now, ingest_time) else 0

    def _next_point(self) -> tuple[Point | None, int]:
        """The soonest moment of the simulated venues."""
        best: tuple[Point, int] | None = None
        for index, venue in self.venues.items():
            point = venue.next_point()
            if point is not None and (best is None or (point, index) < best):
                best = point, index
        return best if best is not None else (None, 0)

    def _run_point(self, point: Point, venue: int) -> None:
        simulated = self.venues[venue]
        simulated.run(point)
        for report in simulated.reports:
            self.sequencer.push(report.event, PRODUCER_VENUE + venue, report.cause)
        simulated.reports.clear()

    # One step

    def take(self, item: Event, depth: int) -> None:
        """One step: commit A, callbacks, commit B, record. Replay enters here with recorded items."""
        state = self.state
        self._advance(item)
        taken = item._replace(seq_id=state.seq)
        plan = self._commit_fact(taken)
        before = self._images()
        answers, interrupted = self._call(plan, taken, depth)
        if self.recording:
            record = Record(taken, depth, plan.findings, interrupted, answers)
            self.last_record = encode_record(record, before, self._images())
        self._since_check += 1
        if self.config.recheck_every and self._since_check >= self.config.recheck_every:
            self._recheck()

    def _advance(self, item: Event) -> None:
        """Give the item its seq_id and move the clock."""
        state = self.state
        if not state.started:
            state.now = item.ingest_time
            return
        state.seq += 1
        if item.ingest_time > state.now:
            self._equity_row()
            self._new_day(item.ingest_time)
            state.now = item.ingest_time
            self._retire()

    def _new_day(self, time: Time) -> None:
        if self._tracks_day and time // DAY_NS != self.state.day:
            self.state.day = time // DAY_NS
            self.state.day_equity = self.state.equity() or 0
            self._touch((DAY,))

    def _equity_row(self) -> None:
        """One row per market time, labelled with its stamp, taken before the clock moves on."""
        if self._market_label is None:
            return
        try:
            cash = self.state.cash()
        except OutOfRange:
            cash = None
        self.equity.append((self._market_label, self.state.equity(), cash))
        self._market_label = None

    def _retire(self) -> None:
        """Archive closed orders whose reports are past their horizon."""
        state = self.state
        while state.retiring and state.retiring[0][0] < state.now:
            _, ordinal = heappop(state.retiring)
            order = state.orders[ordinal]
            keys = state.keys.get(ordinal, [])
            fills = [state.fills.get((order.account, key)) for key in keys]
            if any(fill is not None and not fill.settled and not fill.busted for fill in fills):
                heappush(state.retiring, (state.now, ordinal))
            else:
                self._archive(order, keys)

    def _archive(self, order: Order, keys: list[str]) -> None:
        state = self.state
        state.archived += 1
        state.archive_digest = sha256(state.archive_digest + encode_order(order)).digest()
        for key in keys:
            if state.fills.pop((order.account, key), None) is not None:
                self._touch((FILL, order.account, key))
            if not self.config.venues[order.venue].capabilities.dense_keys:
                state.seen[order.account].contents.pop(key, None)
                self._touch((KEY, order.account, key))
        state.keys.pop(order.ordinal, None)
        del state.orders[order.ordinal], state.by_id[order.id]
        self._touch((ORDER, order.ordinal), (ENGINE,))
        self.closed.append(order)

    # Commit A

    def _commit_fact(self, item: Event) -> Plan:
        """Stage the fact, check it as a whole, write it. One that fails is recorded with what it breaks; the state stays."""
        plan = Plan(self.state)
        try:
            self._apply(plan, item)
            broken = plan.check()
        except OutOfRange:
            broken = RejectCode.S_RANGE, 0, 0
        if broken:
            plan = self._refuse_fact(plan, Finding(*broken))
        else:
            self._write(plan, item)
        for finding in plan.findings:
            self.state.count(RejectCode(finding.code))
        return plan

    def _refuse_fact(self, plan: Plan, broken: Finding) -> Plan:
        empty = Plan(self.state)
        empty.findings = [*plan.findings, broken]
        empty.taken = False
        self._stop(broken.code)
        return empty

    def _write(self, plan: Plan, item: Event) -> None:
        for ordinal, order in plan.orders.items():
            self._put(self.state.orders[ordinal], order)
        if isinstance(item.payload, Filled) and plan.fills:
            self._execute(plan, item, item.payload)
        plan.write()
        if plan.freeze is not None:
            self._touch((MARKET, plan.freeze))
        self._touch(*plan.touched())
        if item.source == Source.BROKER_REPORT and item.idempotency_key and plan.taken:
            self._remember(item)

    def _stop(self, code: int) -> None:
        self.state.stopped = self.state.stopped or code
        self._touch((ENGINE,))

    def _apply(self, plan: Plan, item: Event) -> None:
        payload = item.payload
        code = EVENT_TYPES[type(payload)]
        if EventType.ACCEPTED <= code <= EventType.SETTLEMENT:
            self._apply_report(plan, item)
        elif code is EventType.BAR or code is EventType.TRADE or code is EventType.QUOTE:
            self._apply_market(plan, item)
        else:
            self._apply_control(item)

    def _apply_report(self, plan: Plan, item: Event) -> None:
        if isinstance(item.payload, Denied | Refused):
            apply_engine_report(plan, item.payload)
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
            number = int(key) if key.isdigit() and key == str(int(key)) and len(key) < 19 else 0
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
        self._touch((KEY, account, key))
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
                self._touch((KEY, account, old))
            self._touch((SEEN, account))

    def _execute(self, plan: Plan, item: Event, filled: Filled) -> None:
        order = plan.orders[filled.order]
        before = self.state.own_position(order.id.strategy, order.instrument)
        after = plan.own_position(order.id.strategy, order.instrument)
        self.executions.append(
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

    def _apply_market(self, plan: Plan, item: Event) -> None:
        payload, state = item.payload, self.state
        if not self._is_market_sound(item):
            plan.refuse(RejectCode.R_MALFORMED, item.instrument)
            return
        market = state.markets[item.instrument]
        if isinstance(payload, Bar):
            if self.config.streams[payload.stream].matching:
                show_bar(market, payload, state.now)
            for index, indicator in enumerate(state.indicators):
                if indicator.stream == payload.stream:
                    indicator.update(read(payload, indicator.bar_field))
                    self._touch((INDICATOR, index))
        elif item.instrument in self._marked_by_bars:
            pass
        elif isinstance(payload, Trade):
            show_trade(market, payload, state.now)
        elif isinstance(payload, Quote):
            show_quote(market, payload, state.now)
        self._touch((MARKET, item.instrument))
        self._market_label = item.event_time

    def _is_market_sound(self, item: Event) -> bool:
        payload = item.payload
        if item.instrument >= len(self.config.instruments):
            return False
        most = self.config.instruments[item.instrument].max_price
        if isinstance(payload, Bar):
            if payload.stream >= len(self.config.streams):
                return False
            if self.config.streams[payload.stream].instrument != item.instrument:
                return False
            inside = payload.low <= payload.open <= payload.high and payload.low <= payload.close <= payload.high
            return inside and 1 <= payload.low and payload.high <= most and payload.volume >= 0
        if isinstance(payload, Trade):
            return 1 <= payload.price <= most and payload.quantity > 0
        assert isinstance(payload, Quote)
        return 1 <= payload.bid_price <= payload.ask_price <= most

    def _apply_control(self, item: Event) -> None:
        payload, state = item.payload, self.state
        if isinstance(payload, TimerFired):
            if state.timers.deadlines.get((payload.strategy, payload.timer)) is not None:
                state.timers.cancel(payload.strategy, payload.timer)
                self._touch((TIMER_LEAF, payload.strategy, payload.timer))
        elif isinstance(payload, InstrumentStatus):
            if item.instrument < len(state.markets):
                market = state.markets[item.instrument]
                market.halted, market.frozen = payload.frozen, payload.frozen and market.frozen
                self._touch((MARKET, item.instrument))
        elif isinstance(payload, RiskFlagSet):
            self._set_flag(payload.strategy, payload.flag, payload.on)
        elif isinstance(payload, StrategyHalted):
            if payload.strategy < len(state.owners):
                self._halt(payload.strategy)
        elif isinstance(payload, EngineStopped):
            self._stop(RejectCode.S_OPERATOR)
        elif isinstance(payload, DataEnded):
            state.ended = True
            self._touch((ENGINE,))

    def _set_flag(self, strategy: int, flag: int, on: bool) -> None:
        if strategy == NULL_INDEX:
            holder, leaf = self.state, (ENGINE,)
        elif strategy < len(self.state.owners):
            holder, leaf = self.state.owners[strategy], (STRATEGY, strategy)
        else:
            return
        if flag == RiskFlag.KILL_SWITCH:
            holder.kill_switch = on
        elif flag == RiskFlag.REDUCE_ONLY:
            holder.reduce_only = on
        self._touch(leaf)

    def _halt(self, strategy: int) -> None:
        self.state.owners[strategy].halted = True
        self._touch((STRATEGY, strategy))

    # Callbacks and commit B

    def _call(self, plan: Plan, item: Event, depth: int) -> tuple[list[Answer], bool]:
        """Call the strategies that want the event, all on the state after commit A, then admit their intents in order."""
        responses: list[tuple[int, Response]] = []
        counters = [(owner.random_counter, owner.next_timer) for owner in self.state.owners]
        declared = [len(self.state.indicators)]
        for strategy in self._callees(plan, item):
            response = self.host.call(strategy, item, plan.status_changed) or Response()
            declared.append(len(self.state.indicators))
            if response.interrupted:
                self.interrupted = True
                return [], True
            responses.append((strategy, response))
        answers = []
        for index, (strategy, response) in enumerate(responses):
            owner = self.state.owners[strategy]
            answer = Answer(
                strategy,
                response.error,
                owner.random_counter,
                owner.next_timer,
                self._declarations(declared[index], declared[index + 1]),
                [] if response.error else self._admit_all(strategy, response.intents, item.seq_id, depth),
                [] if response.error else self._set_timers(strategy, response.timers, depth),
            )
            moved = (owner.random_counter, owner.next_timer) != counters[strategy]
            if moved:
                self._touch((STRATEGY, strategy))
            if moved or answer.error or answer.declarations or answer.intents or answer.timers:
                answers.append(answer)
        for strategy, response in responses:
            if response.error:
                self._punish(strategy)
        if isinstance(item.payload, Start):
            self.state.started = True
            self._touch((ENGINE,))
        return answers, False

    def _callees(self, plan: Plan, item: Event) -> list[int]:
        """Who is called: the owner for a report on an order, everyone who wants it for the rest; halted strategies never."""
        payload = item.payload
        code = EVENT_TYPES[type(payload)]
        if EventType.ACCEPTED <= code <= EventType.REFUSED:
            candidates = [] if plan.owner is None else [plan.owner]
        elif isinstance(payload, TimerFired):
            candidates = [payload.strategy] if payload.strategy < len(self.state.owners) else []
        else:
            candidates = list(range(len(self.state.owners))) if plan.taken else []
        return [s for s in candidates if self._wants[s] >> code & 1 and not self.state.owners[s].halted]

    def _declarations(self, first: int, last: int) -> list[Declaration]:
        indicators = self.state.indicators[first:last]
        self._touch(*((INDICATOR, index) for index in range(first, last)))
        return [Declaration(one.kind, one.period, one.stream, one.bar_field) for one in indicators]

    def _punish(self, strategy: int) -> None:
        """The policy on a strategy's exception, after commit B."""
        if self.config.on_error is OnError.HALT_STRATEGY:
            self._halt(strategy)
            return
        self._stop(RejectCode.S_STRATEGY)

    def _admit_all(
        self, strategy: int, intents: Sequence[Intent], seq: int, depth: int
    ) -> list[tuple[Intent, Finding]]:
        admitted = []
        for index, intent in enumerate(intents):
            verdict = Finding(*admit(self.state, strategy, intent, depth))
            if verdict.code:
                self.state.count(RejectCode(verdict.code))
            self._enact(OrderId(strategy, seq, index), intent, verdict, depth)
            admitted.append((intent, verdict))
        if depth >= LOOP_DEPTH and any(verdict.code for _, verdict in admitted):
            self._halt(strategy)
        return admitted

    def _enact(self, intent_id: OrderId, intent: Intent, verdict: Finding, depth: int) -> None:
        """Carry an intent out, or report its refusal."""
        cause = Cause(self.state.now, depth)
        if isinstance(intent, PlaceOrder):
            self._place(intent_id, intent, verdict, cause)
        elif verdict.code:
            strategy, seq, index = intent_id
            refused = Refused(strategy, seq, index, INTENT_TYPES[type(intent)], *verdict)
            self._report(refused, NULL_INDEX, NULL_INSTRUMENT, cause)
        elif isinstance(intent, CancelOrder):
            self._request(intent.order, OrderInput.CANCEL_REQUEST, None, cause)
        elif isinstance(intent, ReplaceOrder):
            self._request(intent.order, OrderInput.REPLACE_REQUEST, intent, cause)
        elif isinstance(intent, SetRiskFlag):
            self._set_flag(intent_id.strategy, intent.flag, intent.on)
        else:
            assert isinstance(intent, NoOp)

    def _place(self, order_id: OrderId, place: PlaceOrder, verdict: Finding, cause: Cause) -> None:
        """Create the order, denied ones included; an admitted one is Submitted and its command leaves."""
        state = self.state
        venue = account = NULL_INDEX
        instrument = NULL_INSTRUMENT
        if place.instrument < len(self.config.instruments):
            instrument = place.instrument
            venue, account = self.config.instruments[instrument].venue, state.account_of(instrument)
        order = new_order(place, state.next_ordinal, order_id, venue, account, state.now)
        state.next_ordinal += 1
        state.orders[order.ordinal] = order
        state.by_id[order_id] = order.ordinal
        self._touch((ORDER, order.ordinal), (ENGINE,))
        if verdict.code:
            self._report(Denied(order.ordinal, *verdict), account, instrument, cause)
            return
        after = order.copy()
        after.reserve_price = reserve_price(state, place)
        self._enter(after, OrderInput.SUBMIT)
        self._put(order, after)
        self._note_placed(order_id.strategy)
        self._send(CommandKind.SUBMIT, after, cause)

    def _note_placed(self, strategy: int) -> None:
        limits = self.config.strategies[strategy].limits
        if not limits.max_orders_per_window:
            return
        owner = self.state.owners[strategy]
        while owner.placed and owner.placed[0] <= self.state.now - limits.window_ns:
            owner.placed.popleft()
        owner.placed.append(self.state.now)
        self._touch((STRATEGY, strategy))

    def _request(self, order_id: OrderId, told: OrderInput, replace: ReplaceOrder | None, cause: Cause) -> None:
        """A cancel or a replace leaves for the venue."""
        before = self.state.orders[self.state.by_id[order_id]]
        after = before.copy()
        self._enter(after, told)
        if replace is not None:
            after.replace_quantity = replace.quantity
            after.replace_limit_price = replace.limit_price
            after.replace_stop_price = replace.stop_price
        self._put(before, after)
        kind = CommandKind.CANCEL if replace is None else CommandKind.REPLACE
        self._send(kind, after, cause)

    def _enter(self, order: Order, told: OrderInput) -> None:
        outcome = transition(order.state, told, Guard.ANY)
        assert outcome is not None and not isinstance(outcome, RejectCode), "admission let an illegal request pass"
        enter(order, outcome.state, self.state.now)

    def _send(self, kind: CommandKind, order: Order, cause: Cause) -> None:
        if self.replaying:
            return
        wanted = kind is CommandKind.REPLACE
        command = Command(
            kind,
            order.ordinal,
            order.instrument,
            order.side,
            order.order_type,
            order.time_in_force,
            order.replace_quantity if wanted else order.quantity,
            order.replace_limit_price if wanted else order.limit_price,
            order.replace_stop_price if wanted else order.stop_price,
            order.expire_time,
            order.post_only,
            order.reduce_only,
            cause,
        )
        if order.venue in self.venues:
            self.venues[order.venue].receive(command, self.state.now)
        else:
            self.outbox.append(command)

    def _report(self, payload: Payload, account: int, instrument: int, cause: Cause) -> None:
        """A denial or refusal, from the internal venue: a step of its own."""
        if self.replaying:
            return
        item = event(payload, self.state.now, venue=ENGINE_VENUE, account=account, instrument=instrument)
        self.sequencer.push(item, PRODUCER_ENGINE, cause)

    def _set_timers(self, strategy: int, timers: Sequence[TimerRequest], depth: int) -> list[TimerRequest]:
        for timer, deadline in timers:
            if deadline == NONE_PRICE:
                self.state.timers.cancel(strategy, timer)
            else:
                self.state.timers.set(strategy, timer, deadline, (self.state.now, depth))
            self._touch((TIMER_LEAF, strategy, timer))
        return list(timers)

    # Bookkeeping

    def _put(self, before: Order, after: Order) -> None:
        """Put an order's after-image in place and keep the aggregates."""
        state = self.state
        place = after.account, after.instrument
        was, will = state.exposure(before), state.exposure(after)
        if was != will:
            held = state.working_of(*place)
            state.working[place] = Working(
                held.buying + will.buying - was.buying,
                held.selling + will.selling - was.selling,
                held.reserved + will.reserved - was.reserved,
            )
        owner = state.owners[after.id.strategy]
        opened = after.life.is_open - before.life.is_open
        if opened:
            owner.open_orders += opened
            self._touch((STRATEGY, after.id.strategy))
        if after.life.is_closed and not before.life.is_closed:
            heappush(state.retiring, (after.closed_time + self._retention(after), after.ordinal))
        after.flagged = before.flagged
        state.orders[after.ordinal] = after
        self._touch((ORDER, after.ordinal))

    def _retention(self, order: Order) -> Time:
        return 0 if order.venue == NULL_INDEX else self.config.venues[order.venue].capabilities.retention_ns

    def _recheck(self) -> None:
        """The full invariant check."""
        self._since_check = 0
        broken = check_all(self.state)
        if broken:
            self.state.count(broken[0])
            self._stop(broken[0])

    def _touch(self, *keys: LeafKey) -> None:
        if self.recording:
            self._touched.extend(keys)

    def _images(self) -> bytes:
        """After-images of what was touched since the last ones."""
        if not self.recording:
            return b""
        images = encode_images(self.state, self._touched)
        self._dirty.update(self._touched)
        self._touched.clear()
        return images

    def root(self) -> bytes:
        """The state root: incremental when recording, else from nothing."""
        if not self.recording:
            return full_root(self.state)
        self._dirty.update(self._touched)
        self._root.refresh(self.state, sorted(self._dirty, key=repr))
        self._dirty.clear()
        return self._root.digest

    def digest(self) -> bytes:
        """The state hash where the run stands."""
        return state_hash(self.state, self.root())
