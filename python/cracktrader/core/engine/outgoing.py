"""Commit B: intents go out. Each is admitted on the state the earlier ones left; an accepted one becomes a command to its venue, a
refused one a report of the internal venue `engine`.
"""

from collections.abc import Sequence

from cracktrader.core.admission import admit, reserve_price
from cracktrader.core.codec import ENGINE, ORDER, STRATEGY, TIMER, Finding, TimerRequest
from cracktrader.core.config import LOOP_DEPTH, Config
from cracktrader.core.engine.store import Store
from cracktrader.core.event import Cancelled, Denied, Event, Payload, Refused, ReplaceRejected, event
from cracktrader.core.group import leader_of, legs_of
from cracktrader.core.intent import (
    INTENT_TYPES,
    CancelOrder,
    Intent,
    NoOp,
    OrderId,
    PlaceOrder,
    ReplaceOrder,
    SetRiskFlag,
)
from cracktrader.core.matching import Cause, Command, CommandKind, SimulatedVenue
from cracktrader.core.order import (
    Guard,
    Life,
    Order,
    OrderInput,
    Pending,
    Place,
    enter,
    is_trailing,
    new_order,
    transition,
)
from cracktrader.core.reject import RejectCode
from cracktrader.core.sequencer import PRODUCER_ENGINE, Sequencer
from cracktrader.core.units import ENGINE_VENUE, NONE_PRICE, NULL_INDEX, NULL_INSTRUMENT, Quantity


class Outgoing:
    """The door for intents. When replaying nothing leaves: what came back is recorded."""

    def __init__(
        self, config: Config, store: Store, sequencer: Sequencer, venues: dict[int, SimulatedVenue], *, replaying: bool
    ) -> None:
        self.config = config
        self.store = store
        self.state = store.state
        self.sequencer = sequencer
        self.venues = venues
        self.replaying = replaying
        self.outbox: list[Command] = []
        """Commands to venues outside this process."""

    def admit_all(self, strategy: int, intents: Sequence[Intent], seq: int, depth: int) -> list[tuple[Intent, Finding]]:
        admitted = []
        for index, intent in enumerate(intents):
            verdict = Finding(*admit(self.state, strategy, intent, depth))
            if verdict.code:
                self.state.count(RejectCode(verdict.code))
            self._enact(OrderId(strategy, seq, index), intent, verdict, depth)
            admitted.append((intent, verdict))
        if depth >= LOOP_DEPTH and any(verdict.code for _, verdict in admitted):
            self.store.halt(strategy)
        return admitted

    def set_timers(self, strategy: int, timers: Sequence[TimerRequest], depth: int) -> list[TimerRequest]:
        for timer, deadline in timers:
            if deadline == NONE_PRICE:
                self.state.timers.cancel(strategy, timer)
            else:
                self.state.timers.set(strategy, timer, deadline, (self.state.now, depth))
            self.store.touch((TIMER, strategy, timer))
        return list(timers)

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
            self.store.set_flag(intent_id.strategy, intent.flag, intent.on)
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
        parent, oco = (state.by_id.get(name, 0) for name in (place.parent, place.oco))
        order = new_order(place, Place(state.next_ordinal, order_id, venue, account, parent, oco), state.now)
        state.next_ordinal += 1
        state.orders[order.ordinal] = order
        state.by_id[order_id] = order.ordinal
        self.store.touch((ORDER, order.ordinal), (ENGINE,))
        if verdict.code:
            self._report(Denied(order.ordinal, *verdict), account, instrument, cause)
            return
        self.store.join(order)
        after = order.copy()
        after.reserve_price = reserve_price(state, place)
        held = order.parent and not state.holds_groups(order)
        self._enter(after, OrderInput.HOLD if held else OrderInput.SUBMIT)
        self.store.put(order, after)
        self._note_placed(order_id.strategy)
        if not held:
            self._send(CommandKind.SUBMIT, after, cause)

    def _note_placed(self, strategy: int) -> None:
        limits = self.config.strategies[strategy].limits
        if not limits.max_orders_per_window:
            return
        owner = self.state.owners[strategy]
        while owner.placed and owner.placed[0] <= self.state.now - limits.window_ns:
            owner.placed.popleft()
        owner.placed.append(self.state.now)
        self.store.touch((STRATEGY, strategy))

    def _request(self, order_id: OrderId, told: OrderInput, replace: ReplaceOrder | None, cause: Cause) -> None:
        """A cancel or a replace leaves for the venue."""
        before = self.state.orders[self.state.by_id[order_id]]
        after = before.copy()
        self._enter(after, told)
        if replace is not None:
            after.asked_quantity = after.replace_quantity = replace.quantity
            after.replace_limit_price = replace.limit_price
            after.replace_stop_price = replace.stop_price
        self.store.put(before, after)
        if before.life is Life.HELD:
            self._end_held(after, 0, cause)
            return
        kind = CommandKind.CANCEL if replace is None else CommandKind.REPLACE
        self._send(kind, after, cause)

    # Groups that the engine holds

    def tend(self, item: Event, depth: int) -> None:
        """Look after the groups that the step touched where a venue holds none: a leg that ended ends the others, children are sent
        for what their parent has filled, and end with a parent that filled nothing."""
        cause = Cause(self.state.now, depth)
        for root, ended in sorted(self.store.stirred.items()):
            members = [self.state.orders[one] for one in self.state.groups[root].members]
            leaders = {leader_of(self.state.orders[one]) for one in ended}
            for order in members:
                if leader_of(order) in leaders and order.ordinal not in ended:
                    self._end_leg(order, cause)
            for order in members:
                self._tend_child(self.state.orders[order.ordinal], members, item, cause)
        self.store.stirred.clear()

    def _end_leg(self, order: Order, cause: Cause) -> None:
        """Another leg has ended: this one is taken back, unless that is under way."""
        if order.life.is_closed or order.pending & Pending.CANCEL:
            return
        after = order.copy()
        self._enter(after, OrderInput.CANCEL_REQUEST)
        self.store.put(order, after)
        if order.life is Life.HELD:
            self._end_held(after, RejectCode.V_GROUP, cause)
        else:
            self._send(CommandKind.CANCEL, after, cause)

    def _end_held(self, order: Order, reason: int, cause: Cause) -> None:
        self._report(Cancelled(order.ordinal, reason, ""), order.account, order.instrument, cause)

    def _tend_child(self, order: Order, members: Sequence[Order], item: Event, cause: Cause) -> None:
        """Send a held child, or raise what was sent of it, to what its parent has filled, in whole lots."""
        if not order.parent or order.pending is not Pending.NONE or order.life.is_closed or order.in_doubt:
            return
        parent, lot = self.state.orders[order.parent], self.state.instrument(order.instrument).lot
        filled = sum(leg.net_filled for leg in legs_of(order, members))
        total = min(order.asked_quantity, parent.net_filled - (filled - order.net_filled)) // lot * lot
        after = order.copy()
        if order.life is not Life.HELD:
            refused = isinstance(item.payload, ReplaceRejected) and item.payload.order == order.ordinal
            if total > order.quantity and self.config.venues[order.venue].capabilities.replace and not refused:
                self._raise_to(order, after, total, cause)
        elif total > 0:
            after.quantity = after.open_quantity = total
            self._enter(after, OrderInput.SUBMIT)
            self.store.put(order, after)
            self._send(CommandKind.SUBMIT, after, cause)
        elif parent.life.is_closed:
            self._enter(after, OrderInput.CANCEL_REQUEST)
            self.store.put(order, after)
            self._end_held(after, RejectCode.V_GROUP if parent.net_filled > 0 else RejectCode.V_PARENT, cause)

    def _raise_to(self, order: Order, after: Order, total: Quantity, cause: Cause) -> None:
        """A replace by the engine: the total rises, the prices stay; a trail goes on where it is."""
        self._enter(after, OrderInput.REPLACE_REQUEST)
        after.replace_quantity, after.replace_limit_price = total, order.limit_price
        after.replace_stop_price = NONE_PRICE if is_trailing(order.order_type) else order.stop_price
        self.store.put(order, after)
        self._send(CommandKind.REPLACE, after, cause)

    def _enter(self, order: Order, told: OrderInput) -> None:
        outcome = transition(order.state, told, Guard.ANY)
        assert outcome is not None and not isinstance(outcome, RejectCode), "admission let an illegal request pass"
        enter(order, outcome.state, self.state.now)

    def _send(self, kind: CommandKind, order: Order, cause: Cause) -> None:
        if self.replaying:
            return
        wanted = kind is CommandKind.REPLACE
        native = self.state.holds_groups(order)
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
            order.trail_kind,
            order.trail_offset,
            order.limit_offset,
            order.parent if native else 0,
            order.oco if native else 0,
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
