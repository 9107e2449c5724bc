"""What a strategy may ask of the state while it is called: frozen values, in mantissas. `strategy/` turns them into floats.

What changes here are the strategy's counters (random draws, timer ids), which are state and survive an exception, and in on_start its
declared indicators and its wake conditions, which are no state.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cracktrader.core.account import AccountKind
from cracktrader.core.event import Bar
from cracktrader.core.indicator import (
    MAX_KEEP,
    MIN_KEEP,
    NULL_SOURCE,
    PARAMETERS,
    RULES,
    BarField,
    Declaration,
    Indicator,
    IndicatorKind,
    parameter_problem,
)
from cracktrader.core.intent import OrderId
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Position
from cracktrader.core.random import below, draw
from cracktrader.core.state import State
from cracktrader.core.units import Money, OutOfRange, Price, Quantity, Time, money
from cracktrader.core.wake import Term, Wakes


class OrderFacts(NamedTuple):
    """An order as a strategy sees it."""

    ordinal: int
    strategy: int
    seq: int
    index: int  # type: ignore[assignment]  # the contract's name; tuple.index is not used
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    quantity: Quantity
    limit_price: Price
    stop_price: Price
    status: int
    filled_quantity: Quantity
    """Net of busts."""
    remaining_quantity: Quantity
    filled_value: Money
    created_time: Time
    closed_time: Time
    code: int
    in_doubt: bool
    expire_time: Time
    post_only: bool
    reduce_only: bool
    trail_kind: int
    trail_offset: int
    limit_offset: Price
    parent: int
    """Ordinal of the entry it waits for, or 0."""
    oco: int
    """Ordinal of the order that leads its one-cancels-other group, or 0."""


def facts(order: Order) -> OrderFacts:
    """The order as a frozen value."""
    return OrderFacts(
        order.ordinal,
        order.id.strategy,
        order.id.seq,
        order.id.index,
        order.instrument,
        order.side,
        order.order_type,
        order.time_in_force,
        order.quantity,
        order.limit_price,
        order.stop_price,
        int(order.status),
        order.net_filled,
        order.remaining_quantity,
        order.filled_value,
        order.created_time,
        order.closed_time,
        order.code,
        order.in_doubt,
        order.expire_time,
        order.post_only,
        order.reduce_only,
        order.trail_kind,
        order.trail_offset,
        order.limit_offset,
        order.parent,
        order.oco,
    )


class Margin(NamedTuple):
    """What margin accounts need in base currency."""

    initial: Money
    """For the worst positions that open orders can lead to: equity above it is free for new risk."""
    maintenance: Money
    """For the positions alone: with equity below it no new risk is taken."""


class View:
    """Questions of one engine; answers are values."""

    __slots__ = ("_state", "_wakes", "active")

    def __init__(self, state: State, wakes: Wakes) -> None:
        self._state = state
        self._wakes = wakes
        self.active = False
        """Whether a callback is under way; the host says so."""

    def turn_to(self, state: State) -> None:
        """Answer from another state from now on."""
        self._state = state

    def now(self) -> Time:
        """The event clock, ns."""
        return self._state.now

    def seq(self) -> int:
        """seq_id of the event under way."""
        return self._state.seq

    def position(self, strategy: int, instrument: int) -> Position:
        """The strategy's own position."""
        return self._state.own_position(strategy, instrument)

    def account_position(self, instrument: int) -> Position:
        """The account's position, all strategies and transfers together."""
        return self._state.position(self._state.account_of(instrument), instrument)

    def working(self, strategy: int, instrument: int) -> tuple[Quantity, Quantity]:
        """(buying, selling) that the strategy's own open orders can still fill."""
        held = self._state.own_position(strategy, instrument).quantity
        return self._state.own_working(strategy, instrument).sides(held)

    def market_orders(self, strategy: int, instrument: int) -> int:
        """Signed open quantity of the strategy's own market orders."""
        return self._state.own_market_orders(strategy, instrument)

    def mark(self, instrument: int) -> Price | None:
        """The last mark, None before the first."""
        market = self._state.markets[instrument]
        return market.mark if market.has_mark else None

    def delivered(self, stream: int) -> int:
        """How many bars of a stream were taken, the one under way included."""
        return self._state.delivered[stream]

    def recent(self, stream: int, count: int) -> list[Bar]:
        """The last `count` bars taken of a derived stream, oldest first: at most 4,096."""
        bars = self._state.recent[stream]
        return list(bars)[max(len(bars) - count, 0) :]

    def equity(self) -> Money | None:
        """Cash and positions in base currency."""
        return self._state.equity()

    def cash(self) -> Money | None:
        """Cash in base currency."""
        try:
            return self._state.cash()
        except OutOfRange:
            return None

    def margin(self) -> Margin | None:
        """Margin that the margin accounts need, in base currency; None while a position or order has no mark or a currency no rate."""
        state, initial, maintenance = self._state, 0, 0
        try:
            for account, declared in enumerate(state.config.accounts):
                if declared.kind is AccountKind.MARGIN:
                    needed, kept = state.required_margin(account), state.maintenance_margin(account)
                    if needed is None or kept is None:
                        return None
                    initial, maintenance = money(initial + needed), money(maintenance + kept)
        except OutOfRange:
            return None
        return Margin(initial, maintenance)

    def orders(self, strategy: int) -> list[OrderFacts]:
        """The strategy's open orders, oldest first."""
        return [facts(order) for order in self._state.open_orders(strategy)]

    def order(self, strategy: int, seq: int, index: int) -> OrderFacts | None:
        """One order by its id; None once it is archived."""
        order = self._state.order_of(OrderId(strategy, seq, index))
        return None if order is None else facts(order)

    def order_by_ordinal(self, ordinal: int) -> OrderFacts | None:
        """One order by its number in messages; None once it is archived."""
        order = self._state.orders.get(ordinal)
        return None if order is None else facts(order)

    def draw(self, strategy: int) -> int:
        """The strategy's next random u64."""
        owner = self._state.owners[strategy]
        owner.random_counter += 1
        return draw(self._state.config.seed, strategy, owner.random_counter - 1)

    def below(self, strategy: int, bound: int) -> int:
        """The strategy's next random integer in 0..bound-1."""
        owner = self._state.owners[strategy]
        value, owner.random_counter = below(self._state.config.seed, strategy, owner.random_counter, bound)
        return value

    def next_timer(self, strategy: int) -> int:
        """A fresh timer id for the strategy."""
        owner = self._state.owners[strategy]
        owner.next_timer += 1
        return owner.next_timer - 1

    def restore(self, strategy: int, random_counter: int, next_timer: int) -> None:
        """Put the strategy's counters where a recorded callback left them."""
        owner = self._state.owners[strategy]
        owner.random_counter, owner.next_timer = random_counter, next_timer

    def declare(self, strategy: int, declaration: Declaration) -> int:
        """Declare an indicator on a bar stream and return its index; ValueError after the start or for a bad argument."""
        state = self._state
        if state.started:
            raise ValueError("indicators are declared in on_start only")
        if problem := self._declare_problem(strategy, declaration):
            raise ValueError(problem)
        stream = state.config.streams[declaration.stream]
        decimals = state.config.instruments[stream.instrument].price_decimals
        state.indicators.append(Indicator(strategy, declaration, stream.instrument, decimals, stream.volume_decimals))
        return len(state.indicators) - 1

    def _declare_problem(self, strategy: int, given: Declaration) -> str:
        """Why the declaration cannot be taken, '' when it can."""
        if len(given.parameters) != PARAMETERS:
            return f"an indicator has {PARAMETERS} parameters, not {len(given.parameters)}"
        streams = self._state.config.streams
        known = {"kind": len(IndicatorKind), "field": len(BarField), "stream": len(streams)}
        for what, number in (("kind", given.kind), ("field", given.bar_field), ("stream", given.stream)):
            if not 0 <= number < known[what]:
                return f"indicator {what} {number} is not declared"
        if problem := parameter_problem(IndicatorKind(given.kind), given.parameters):
            return problem
        if not MIN_KEEP <= given.keep <= MAX_KEEP:
            return f"indicator keep {given.keep} is outside {MIN_KEEP}..{MAX_KEEP}"
        return "" if given.source == NULL_SOURCE else self._source_problem(strategy, given)

    def _source_problem(self, strategy: int, given: Declaration) -> str:
        """Why the source cannot be read: it comes earlier, is the strategy's own and on the same stream, and has the line."""
        if RULES[IndicatorKind(given.kind)].reads_bars:
            return f"{IndicatorKind(given.kind).name} reads whole bars, it takes no source"
        if not 0 <= given.source < len(self._state.indicators):
            return f"indicator source {given.source} is not declared"
        source = self._state.indicators[given.source]
        if source.strategy != strategy or source.declaration.stream != given.stream:
            return f"indicator source {given.source} is of another strategy or stream"
        if not 0 <= given.line < len(source.lines):
            return f"indicator line {given.line} is not declared"
        return ""

    def wake(self, strategy: int, stream: int, terms: Sequence[Term]) -> None:
        """Call the strategy for bars of the stream where the condition holds; ValueError after the start or for a bad argument."""
        if self._state.started:
            raise ValueError("wake conditions are declared in on_start only")
        if problem := self._wakes.declare(self._state, strategy, stream, terms):
            raise ValueError(problem)

    def indicator(self, index: int) -> Indicator:
        """A declared indicator."""
        return self._state.indicators[index]
