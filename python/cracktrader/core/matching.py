"""The simulated venue: a party of its own, with its own orders and its own account. Only its reports move the engine.

It has points in the merge without a seq_id: bar paths, arriving commands, bar opens. Fill rules are numbered in contract/fills.toml.
Trades and quotes do not match here in this version; an order on an instrument without a bar stream rests.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.account import EMPTY, AccountKind, Ledger, book, margin
from cracktrader.core.capability import FillModel
from cracktrader.core.config import Config, account_of
from cracktrader.core.event import (
    Accepted,
    BarRows,
    Cancelled,
    CancelRejected,
    Event,
    Filled,
    Payload,
    QuoteRows,
    Replaced,
    ReplaceRejected,
    Rows,
    SessionRows,
    TradeRows,
    event,
)
from cracktrader.core.fee import Liquidity, fee
from cracktrader.core.instrument import Instrument, contract_value
from cracktrader.core.intent import OrderType, Side, TimeInForce
from cracktrader.core.portfolio import FILL, FLAT, Lot, Position, fold
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import Money, OrderOrdinal, OutOfRange, Price, Quantity, Time, money


class FillRule(IntEnum):
    """Rows of the fill table."""

    OUTSIDE = 0
    BAR_NEXT_OPEN = 1
    BAR_SAME_CLOSE = 2
    BAR_OPEN = 3
    BAR_GAP = 4
    BAR_TOUCH = 5


class Phase(IntEnum):
    """Order of what happens at one instant; sequenced items come at ITEM."""

    PATH = 0
    COMMAND = 1
    SESSION = 2
    ITEM = 3
    OPEN = 4


class CommandKind(IntEnum):
    """What the engine asks of a venue."""

    SUBMIT = 0
    CANCEL = 1
    REPLACE = 2


class Cause(NamedTuple):
    """The step that caused something: its time and its depth in a chain of callbacks."""

    now: Time
    depth: int


class Command(NamedTuple):
    """A request to a venue. Terms are those of the order to submit, or its new terms."""

    kind: CommandKind
    order: OrderOrdinal
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price
    stop_price: Price
    expire_time: Time
    post_only: bool
    reduce_only: bool
    trail_kind: int
    trail_offset: int
    limit_offset: Price
    parent: OrderOrdinal
    """The entry it waits for, or 0."""
    oco: OrderOrdinal
    """The leader of the one-cancels-other group it joins, or 0."""
    cause: Cause


class Point(NamedTuple):
    """A moment of the venue; `instrument` is 0 for commands."""

    time: Time
    phase: Phase
    instrument: int


class Report(NamedTuple):
    """An item for the sequencer and what caused it."""

    event: Event
    cause: Cause


@dataclass(slots=True)
class VenueOrder:
    """An order working at the venue."""

    order: OrderOrdinal
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price
    filled: Quantity
    place: int
    """Acceptance number: the earlier one fills first at one price."""
    first_row: int
    """The first bar whose open it takes part in."""
    opened: bool
    """Whether it has taken part in an open."""
    cause: Cause

    @property
    def remaining(self) -> Quantity:
        """What is still open."""
        return self.quantity - self.filled


@dataclass(slots=True)
class Lane:
    """Matching of one instrument: its bars, where they stand, and the working orders by acceptance."""

    rows: BarRows | None = None
    ticks: TradeRows | QuoteRows | None = None
    row: int = 0
    """The bar under way when `inside`, else the next to open."""
    inside: bool = False
    orders: list[VenueOrder] = field(default_factory=list)


class SimulatedVenue:
    """One simulated venue. Reports collect in `reports` until the engine takes them."""

    def __init__(self, config: Config, venue: int) -> None:
        self.config = config
        self.venue = venue
        self.declared = config.venues[venue]
        self.account = account_of(config, venue)
        self.orders: dict[OrderOrdinal, VenueOrder] = {}
        self.lanes: dict[int, Lane] = {
            index: Lane() for index, instrument in enumerate(config.instruments) if instrument.venue == venue
        }
        self.commands: deque[tuple[Time, Command]] = deque()
        self.positions: dict[int, Position] = {}
        self.ledgers: dict[int, Ledger] = {}
        self.marks: dict[int, Price] = {}
        self.reports: list[Report] = []
        self.sessions: SessionRows | None = None
        self.last_key = 0
        self.last_place = 0
        self.ended = False
        """After the end of the data commands still arrive, but no bar opens or moves."""
        for currency, amount in config.accounts[self.account].deposits:
            held = self.ledgers.get(currency, EMPTY)
            self.ledgers[currency] = held._replace(cash=held.cash + amount, transfers=held.transfers + amount)

    def attach(self, instrument: int, rows: Rows) -> None:
        """The rows that drive matching of the instrument."""
        lane = self.lanes[instrument]
        if isinstance(rows, BarRows):
            lane.rows = rows
        else:
            lane.ticks = rows

    def attach_sessions(self, rows: SessionRows) -> None:
        """The venue's sessions."""
        self.sessions = rows

    def receive(self, command: Command, now: Time) -> None:
        """Take a command; it arrives after the submit latency."""
        self.commands.append((now + self.declared.submit_latency, command))

    def next_point(self) -> Point | None:
        """The venue's next moment. Only instruments with working orders have points."""
        point = Point(self.commands[0][0], Phase.COMMAND, 0) if self.commands else None
        for instrument, lane in self.lanes.items():
            if self.ended or not lane.orders or lane.rows is None or lane.row >= len(lane.rows.close_time):
                continue
            if lane.inside:
                own = Point(lane.rows.close_time[lane.row], Phase.PATH, instrument)
            else:
                own = Point(lane.rows.open_time[lane.row], Phase.OPEN, instrument)
            if point is None or own < point:
                point = own
        return point

    def run(self, point: Point) -> None:
        """Let the moment happen."""
        if point.phase is Phase.COMMAND:
            arrival, command = self.commands.popleft()
            self._arrive(command, arrival)
        elif point.phase is Phase.OPEN:
            self._open(self.lanes[point.instrument], point.time)
        else:
            self._path(self.lanes[point.instrument], point.time)

    def _arrive(self, command: Command, time: Time) -> None:
        if command.kind is CommandKind.SUBMIT:
            self._submit(command, time)
        elif command.kind is CommandKind.CANCEL:
            self._cancel(command, time)
        else:
            self._replace(command, time)

    def _submit(self, command: Command, time: Time) -> None:
        lane = self.lanes[command.instrument]
        _catch_up(lane, time)
        self.last_place += 1
        order = VenueOrder(
            command.order,
            command.instrument,
            command.side,
            command.order_type,
            command.time_in_force,
            command.quantity,
            command.limit_price,
            filled=0,
            place=self.last_place,
            first_row=lane.row + lane.inside,
            opened=False,
            cause=command.cause,
        )
        self.orders[order.order] = order
        lane.orders.append(order)
        self._report(order, time, Accepted(order.order))
        if self._fills_at_close(order) and _closes_at(lane, time):
            assert lane.rows is not None
            self._fill(order, lane.rows.close[lane.row - 1], Liquidity.TAKER, FillRule.BAR_SAME_CLOSE, time)

    def _cancel(self, command: Command, time: Time) -> None:
        order = self.orders.get(command.order)
        if order is None:
            refusal = CancelRejected(command.order, RejectCode.V_TOO_LATE, "")
            self._emit(command.instrument, time, refusal, command.cause)
            return
        order.cause = command.cause
        self._remove(order)
        self._report(order, time, Cancelled(order.order, 0, ""))

    def _replace(self, command: Command, time: Time) -> None:
        order = self.orders.get(command.order)
        if order is None:
            refusal = ReplaceRejected(command.order, RejectCode.V_TOO_LATE, "")
            self._emit(command.instrument, time, refusal, command.cause)
            return
        order.cause = command.cause
        if command.quantity <= order.filled:
            self._report(order, time, ReplaceRejected(order.order, RejectCode.V_REPLACE_FILLED, ""))
            return
        lane = self.lanes[order.instrument]
        if command.limit_price != order.limit_price or command.quantity > order.quantity:
            self.last_place += 1
            order.place = self.last_place
            lane.orders.remove(order)
            lane.orders.append(order)
        order.quantity, order.limit_price = command.quantity, command.limit_price
        order.first_row, order.opened = lane.row + lane.inside, False
        self._report(order, time, Replaced(order.order, command.quantity, command.limit_price, command.stop_price))

    def _fills_at_close(self, order: VenueOrder) -> bool:
        return order.order_type == OrderType.MARKET and self.declared.fill is FillModel.SAME_CLOSE

    def _open(self, lane: Lane, time: Time) -> None:
        """The open of a bar: market orders fill, limits that it satisfies fill at it, immediate ones that it does not end."""
        assert lane.rows is not None
        price = lane.rows.open[lane.row]
        lane.inside = True
        for order in list(lane.orders):
            if order.first_row > lane.row or self._fills_at_close(order):
                continue
            first, order.opened = not order.opened, True
            if order.order_type == OrderType.MARKET:
                self._fill(order, price, Liquidity.TAKER, FillRule.BAR_NEXT_OPEN, time)
            elif _is_marketable(order, price):
                if first:
                    self._fill(order, price, Liquidity.TAKER, FillRule.BAR_OPEN, time)
                else:
                    self._fill(order, price, Liquidity.MAKER, FillRule.BAR_GAP, time)
            elif order.time_in_force != TimeInForce.GTC:
                self._remove(order)
                self._report(order, time, Cancelled(order.order, RejectCode.V_UNFILLED, ""))

    def _path(self, lane: Lane, time: Time) -> None:
        """The rest of a bar: open, nearer extreme (tie: high first), other extreme, close."""
        rows, row = lane.rows, lane.row
        assert rows is not None
        opened, high, low, close = rows.open[row], rows.high[row], rows.low[row], rows.close[row]
        turns = (high, low) if high - opened <= opened - low else (low, high)
        start = opened
        for turn in (*turns, close):
            for order in _touched(lane.orders, row, start, turn):
                self._fill(order, order.limit_price, Liquidity.MAKER, FillRule.BAR_TOUCH, time)
            start = turn
        for order in list(lane.orders):
            if self._fills_at_close(order):
                self._fill(order, close, Liquidity.TAKER, FillRule.BAR_SAME_CLOSE, time)
        lane.row, lane.inside = row + 1, False

    def _fill(self, order: VenueOrder, price: Price, liquidity: Liquidity, rule: FillRule, time: Time) -> None:
        """Fill what is open at `price`, or end the order when the account cannot pay for it."""
        instrument = self.config.instruments[order.instrument]
        quantity = order.remaining
        try:
            paid = self._book(order, instrument, price, quantity, liquidity)
        except OutOfRange:
            paid = None
        self._remove(order)
        if paid is None:
            self._report(order, time, Cancelled(order.order, RejectCode.V_FUNDS, ""))
            return
        order.filled = order.quantity
        settlement = instrument.settlement_currency
        self._report(order, time, Filled(order.order, quantity, price, liquidity, settlement, paid, rule))

    def _book(
        self, order: VenueOrder, instrument: Instrument, price: Price, quantity: Quantity, liquidity: Liquidity
    ) -> Money | None:
        """Book a fill in the venue's own account and return its fee; None, and nothing booked, when funds do not suffice."""
        value = contract_value(instrument, price, quantity)
        cost = fee(instrument, value, liquidity)
        before = self.positions.get(order.instrument, FLAT)
        signed = quantity if order.side == Side.BUY else -quantity
        after = fold(before, Lot("", signed, instrument.value_sign * value, 0, FILL))
        held = self.ledgers.get(instrument.settlement_currency, EMPTY)
        realized = after.realized_pnl - before.realized_pnl
        ledger = book(held, spot=instrument.is_spot, realized=realized, cost=after.cost - before.cost, fee=cost)
        mark = self.marks.get(order.instrument)
        self.marks[order.instrument] = price
        if not self._affords(order.instrument, before, after, ledger):
            if mark is None:
                del self.marks[order.instrument]
            else:
                self.marks[order.instrument] = mark
            return None
        self.positions[order.instrument] = after
        self.ledgers[instrument.settlement_currency] = ledger
        return cost

    def _affords(self, traded: int, before: Position, after: Position, ledger: Ledger) -> bool:
        """A cash account stays at or above zero; a margin account that grows a position covers its initial margins with its equity in
        the settlement currency."""
        if self.config.accounts[self.account].kind is AccountKind.CASH:
            return after.quantity >= min(before.quantity, 0) and (ledger.cash >= 0 or after.quantity <= before.quantity)
        if abs(after.quantity) <= abs(before.quantity):
            return True
        currency = self.config.instruments[traded].settlement_currency
        equity, required = ledger.cash, 0
        for index, mark in sorted(self.marks.items()):
            instrument = self.config.instruments[index]
            position = after if index == traded else self.positions.get(index, FLAT)
            if instrument.settlement_currency != currency or position.quantity == 0:
                continue
            value = contract_value(instrument, mark, abs(position.quantity))
            signed = instrument.value_sign * (value if position.quantity > 0 else -value)
            equity = money(equity + (signed if instrument.is_spot else signed - position.cost))
            required = money(required + margin(instrument, value))
        return equity >= required

    def _remove(self, order: VenueOrder) -> None:
        del self.orders[order.order]
        self.lanes[order.instrument].orders.remove(order)

    def _report(self, order: VenueOrder, time: Time, payload: Payload) -> None:
        self._emit(order.instrument, time, payload, order.cause)

    def _emit(self, instrument: int, time: Time, payload: Payload, cause: Cause) -> None:
        self.last_key += 1
        item = event(
            payload,
            time + self.declared.report_latency,
            event_time=time,
            venue=self.venue,
            account=self.account,
            instrument=instrument,
            key=str(self.last_key),
        )
        self.reports.append(Report(item, cause))


def _catch_up(lane: Lane, time: Time) -> None:
    """Bring an idle instrument to `time`: the first bar that closes after it is next, or under way when it opened before."""
    if lane.orders or lane.rows is None:
        return
    lane.row = bisect_right(lane.rows.close_time, time, lane.row)
    lane.inside = lane.row < len(lane.rows.open_time) and lane.rows.open_time[lane.row] < time


def _closes_at(lane: Lane, time: Time) -> bool:
    """Whether the last bar shown closes at `time`."""
    return lane.rows is not None and lane.row > 0 and lane.rows.close_time[lane.row - 1] == time


def _is_marketable(order: VenueOrder, price: Price) -> bool:
    return price <= order.limit_price if order.side == Side.BUY else price >= order.limit_price


def _touched(orders: list[VenueOrder], row: int, start: Price, end: Price) -> list[VenueOrder]:
    """Limit orders that take part in the bar and that the leg from `start` to `end` reaches, in the order of prices, at one price by
    acceptance."""
    side = Side.SELL if end > start else Side.BUY
    reached = [
        order
        for order in orders
        if order.first_row <= row
        and order.order_type == OrderType.LIMIT
        and order.side == side
        and (order.limit_price <= end if side is Side.SELL else order.limit_price >= end)
    ]
    ascending = 1 if side is Side.SELL else -1
    return sorted(reached, key=lambda order: (ascending * order.limit_price, order.place))
