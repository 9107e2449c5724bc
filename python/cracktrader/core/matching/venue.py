"""The simulated venue: a party of its own, with its own orders and its own account. Only its reports move the engine.

It has points in the merge without a seq_id: bar paths and ticks, arriving commands, expiries at session ends, bar opens. Fill rules are
numbered in contract/fills.toml. Where orders trade is `bars` and `ticks`.
"""

from bisect import bisect_left, insort
from heapq import heappop, heappush

from cracktrader.core.config import Config
from cracktrader.core.event import (
    Accepted,
    Cancelled,
    CancelRejected,
    Expired,
    Funding,
    InstrumentStatus,
    Payload,
    Rejected,
    Replaced,
    ReplaceRejected,
    Rows,
    SessionRows,
    Settlement,
)
from cracktrader.core.intent import OrderType, TimeInForce
from cracktrader.core.matching.bars import fill_at_close, open_bar, waits_for_close, walk_bar
from cracktrader.core.matching.desk import Desk
from cracktrader.core.matching.lane import Lane
from cracktrader.core.matching.order import NO_CAUSE, Command, CommandKind, Mode, Phase, Point, Report, VenueOrder
from cracktrader.core.matching.ticks import close_session, meet_shown, show_tick
from cracktrader.core.reject import RejectCode
from cracktrader.core.schedule import Action, Schedule, ScheduleRows
from cracktrader.core.units import NONE_PRICE, OrderOrdinal, OutOfRange, Price, Time


class SimulatedVenue:
    """One simulated venue. Reports collect until the engine takes them."""

    def __init__(self, config: Config, venue: int) -> None:
        self.desk = Desk(config, venue)
        self.declared = config.venues[venue]
        self.sessions: SessionRows | None = None
        self.commands: list[tuple[Time, int, Command]] = []
        """Under way, by arrival; the number keeps those of one instant in the order they were sent."""
        self.last_command = 0
        self.last_place = 0
        self.deadlines: list[tuple[Time, OrderOrdinal]] = []
        """When orders expire or are due at a session's close: a heap. What has left before is passed over."""
        self.ended = False
        """After the end of the data commands still arrive, but nothing is shown and nothing expires."""
        self.schedule = Schedule()

    def attach(self, instrument: int, rows: Rows) -> None:
        """The rows that drive matching of the instrument."""
        self.desk.lanes[instrument].rows = rows

    def attach_sessions(self, rows: SessionRows) -> None:
        """The venue's sessions."""
        self.sessions = rows

    def attach_schedule(self, instrument: int, rows: ScheduleRows) -> None:
        """What happens to the instrument at times of its own."""
        self.schedule.add(instrument, rows)

    def receive(self, command: Command, now: Time) -> None:
        """Take a command; it arrives after the latency of its kind, and not before those about the same order or its group."""
        latencies = (self.declared.submit_latency, self.declared.cancel_latency, self.declared.replace_latency)
        arrival = now + latencies[command.kind] + self.desk.jitter()
        about = command.order, command.parent, command.oco
        for time, _, earlier in self.commands:
            if earlier.order in about:
                arrival = max(arrival, time)
        self.last_command += 1
        insort(self.commands, (arrival, self.last_command, command))

    def take_reports(self) -> list[Report]:
        """The reports since the last time."""
        taken, self.desk.reports = self.desk.reports, []
        return taken

    def next_point(self) -> Point | None:
        """The venue's next moment. Only instruments with working orders have points."""
        point = Point(self.commands[0][0], Phase.COMMAND, 0) if self.commands else None
        if self.ended:
            return point
        if self.deadlines and (point is None or (self.deadlines[0][0], Phase.SESSION) < point):
            point = Point(self.deadlines[0][0], Phase.SESSION, 0)
        scheduled = self.schedule.peek()
        if scheduled is not None:
            own = Point(scheduled.time, Phase.SCHEDULE, scheduled.instrument)
            point = own if point is None else min(point, own)
        for lane in self.desk.lanes.values():
            shown = lane.point() if lane.orders else None
            if shown is not None and (point is None or shown < point):
                point = shown
        return point

    def run(self, point: Point) -> None:
        """Let the moment happen."""
        if point.phase is Phase.COMMAND:
            arrival, _, command = self.commands.pop(0)
            self._arrive(command, arrival)
        elif point.phase is Phase.SCHEDULE:
            self._scheduled()
        elif point.phase is Phase.SESSION:
            time, ordinal = heappop(self.deadlines)
            order = self.desk.orders.get(ordinal)
            if order is not None:
                self._due(order, time)
        else:
            self._show(self.desk.lanes[point.instrument], point)

    def _show(self, lane: Lane, point: Point) -> None:
        if point.phase is Phase.OPEN:
            open_bar(self.desk, lane, point.time)
        elif lane.has_bars:
            walk_bar(self.desk, lane, point.time)
        else:
            show_tick(self.desk, lane, point.time)

    # --- schedules

    def _scheduled(self) -> None:
        """The next row of the schedules: funding and payments on what is held, or the instrument's settlement."""
        time, index, action, value = self.schedule.pop()
        clearing = self.desk.clearing
        if action == Action.SETTLEMENT:
            self._settle(self.desk.lanes[index], value, time)
            return
        amount = clearing.fund(index, value, time) if action == Action.FUNDING else clearing.pay(index, value)
        if amount is not None:
            currency = self.desk.config.instruments[index].settlement_currency
            self.desk.emit(index, time, Funding(currency, amount), NO_CAUSE)

    def _settle(self, lane: Lane, price: Price, time: Time) -> None:
        """Open orders expire, the position closes, and nothing trades again. A value that does not fit settles nothing."""
        if lane.settled:
            return
        try:
            self.desk.clearing.settle(lane.instrument, price)
        except OutOfRange:
            return
        lane.settled = True
        while lane.orders:
            self.desk.end(lane.orders[0], time, Expired(lane.orders[0].order))
        self.desk.emit(lane.instrument, time, Settlement(price), NO_CAUSE)
        self.desk.emit(lane.instrument, time, InstrumentStatus(True), NO_CAUSE)

    # --- commands

    def _arrive(self, command: Command, time: Time) -> None:
        if command.kind is CommandKind.SUBMIT:
            self._submit(command, time)
        elif command.kind is CommandKind.CANCEL:
            self._cancel(command, time)
        else:
            self._replace(command, time)

    def _submit(self, command: Command, time: Time) -> None:
        lane = self.desk.lanes[command.instrument]
        lane.catch_up(time)
        order = self._new_order(command, lane, time)
        code = lane.groups.join(order, lane.orders) or self._refusal(order, lane, time)
        if code:
            self.desk.report(order, time, Rejected(order.order, code, ""))
            lane.groups.note_refusal(order)
            self.desk.settle_groups(lane, time)
            return
        self.last_place += 1
        order.place = self.last_place
        self.desk.orders[order.order] = order
        lane.orders.append(order)
        self.desk.report(order, time, Accepted(order.order))
        for deadline in (order.expire_time, order.close_time):
            if deadline != NONE_PRICE:
                heappush(self.deadlines, (deadline, order.order))
        if order.live:
            self._meet_on_arrival(order, lane, time)
        if order.order in self.desk.orders and lane.groups.is_linked(order):
            self.desk.settle_groups(lane, time)

    def _new_order(self, command: Command, lane: Lane, time: Time) -> VenueOrder:
        expire_time, close_time = command.expire_time, NONE_PRICE
        if command.time_in_force == TimeInForce.DAY:
            expire_time = self._session_close(time)
        if command.order_type == OrderType.MARKET_ON_CLOSE and not lane.has_bars:
            close_time = self._session_close(time)
        return VenueOrder(
            command.order,
            command.instrument,
            command.side,
            command.order_type,
            command.time_in_force,
            command.quantity,
            command.limit_price,
            command.stop_price,
            expire_time,
            command.post_only,
            command.reduce_only,
            command.trail_kind,
            command.trail_offset,
            command.limit_offset,
            command.parent,
            command.oco,
            filled=0,
            place=0,
            first_row=lane.first_row,
            opened=False,
            triggered=False,
            live=True,
            best=NONE_PRICE,
            close_time=close_time,
            cause=command.cause,
        )

    def _refusal(self, order: VenueOrder, lane: Lane, time: Time) -> int:
        """Why the venue does not take the order, or 0."""
        if lane.settled:
            return RejectCode.V_SETTLED
        if order.time_in_force == TimeInForce.DAY and order.expire_time == NONE_PRICE:
            return RejectCode.V_SESSION
        if order.mode is Mode.CLOSE and not lane.has_bars and order.close_time == NONE_PRICE:
            return RejectCode.V_SESSION
        if order.time_in_force == TimeInForce.GTD and order.expire_time <= time:
            return RejectCode.V_EXPIRED_ON_ARRIVAL
        return 0

    def _session_close(self, time: Time) -> Time:
        """The first session close at or after `time`, null without one."""
        closes = self.sessions.close_time if self.sessions is not None else ()
        index = bisect_left(closes, time)
        return closes[index] if index < len(closes) else NONE_PRICE

    def _meet_on_arrival(self, order: VenueOrder, lane: Lane, time: Time) -> None:
        """What stands when an order arrives: the last quote, and with same_close the bar that closes now."""
        if lane.has_quotes and order.mode is not Mode.CLOSE and not self.ended:
            meet_shown(self.desk, lane, order, time)
        elif order.mode is Mode.MARKET and waits_for_close(self.desk, order) and lane.closes_at(time):
            fill_at_close(self.desk, order, lane.row - 1, time)

    def _cancel(self, command: Command, time: Time) -> None:
        order = self.desk.orders.get(command.order)
        if order is None:
            refusal = CancelRejected(command.order, RejectCode.V_TOO_LATE, "")
            self.desk.emit(command.instrument, time, refusal, command.cause)
            return
        order.cause = command.cause
        self.desk.end(order, time, Cancelled(order.order, 0, ""))

    def _replace(self, command: Command, time: Time) -> None:
        order = self.desk.orders.get(command.order)
        if order is None or command.quantity <= order.filled:
            code = RejectCode.V_TOO_LATE if order is None else RejectCode.V_REPLACE_FILLED
            refusal: Payload = ReplaceRejected(command.order, code, "")
            self.desk.emit(command.instrument, time, refusal, command.cause)
            return
        order.cause = command.cause
        lane = self.desk.lanes[order.instrument]
        self._move(order, lane, command)
        order.first_row, order.opened = lane.first_row, False
        self.desk.report(order, time, Replaced(order.order, command.quantity, command.limit_price, command.stop_price))
        if order.live:
            self._meet_on_arrival(order, lane, time)
        if order.order in self.desk.orders and lane.groups.is_linked(order):
            self.desk.settle_groups(lane, time)

    def _move(self, order: VenueOrder, lane: Lane, command: Command) -> None:
        """Put new terms in place. A new price or a larger quantity costs the order its place; a trailing order with a new stop starts
        from there."""
        moved = command.quantity > order.quantity
        order.quantity = command.quantity
        if command.limit_price != NONE_PRICE:
            moved |= command.limit_price != order.limit_price
            order.limit_price = command.limit_price
        if command.stop_price != NONE_PRICE:
            moved |= command.stop_price != order.stop_price
            order.stop_price, order.best = command.stop_price, NONE_PRICE
        if moved:
            self.last_place += 1
            order.place = self.last_place
            lane.orders.remove(order)
            lane.orders.append(order)

    # --- expiries

    def _due(self, order: VenueOrder, time: Time) -> None:
        """A session's close for a market-on-close order, then the end of an order's time."""
        lane = self.desk.lanes[order.instrument]
        if order.close_time == time:
            order.close_time = NONE_PRICE
            close_session(self.desk, lane, order, time)
            if order.order not in self.desk.orders:
                return
            order.close_time = self._session_close(time + 1)
            if order.close_time != NONE_PRICE:
                heappush(self.deadlines, (order.close_time, order.order))
        if order.expire_time == time:
            self.desk.end(order, time, Expired(order.order))
