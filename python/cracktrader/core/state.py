"""The state: every entity of a run and the questions asked of it. Only `engine` writes here.

Aggregates (working quantities, reserves) follow their orders and are rechecked against them by `invariant`.
"""

from collections import deque
from dataclasses import dataclass, field

from cracktrader.core.account import EMPTY, AccountKind, Ledger, exposure
from cracktrader.core.aggregate import Aggregate
from cracktrader.core.book import Market
from cracktrader.core.config import Config, account_of
from cracktrader.core.event import Bar, Payload
from cracktrader.core.fee import worst_fee
from cracktrader.core.group import IDLE, Group, Working, leader_of, open_quantity, root_of
from cracktrader.core.indicator import Indicator
from cracktrader.core.instrument import Instrument, contract_value
from cracktrader.core.intent import OrderId, OrderType, Side
from cracktrader.core.order import Life, Order
from cracktrader.core.portfolio import FLAT, Position, Unsettled
from cracktrader.core.reject import RejectCode
from cracktrader.core.timer import Timers
from cracktrader.core.units import (
    NONE_PRICE,
    NULL_INDEX,
    NULL_INSTRUMENT,
    Money,
    OrderOrdinal,
    OutOfRange,
    Price,
    Quantity,
    Time,
    money,
)
from cracktrader.core.valuation import margin_on, to_base, worth

RECENT_BARS = 4_096
"""How many bars of a derived stream are kept for looking back; those of other streams are the data's."""
DENSE_WINDOW = 64
"""How many reports below the watermark of a densely numbering venue are kept to tell duplicates from conflicts."""


@dataclass(slots=True)
class FillRecord:
    """A fill as booked, kept until its order is archived."""

    order: OrderOrdinal
    strategy: int
    instrument: int
    quantity: Quantity
    """Signed: bought above 0."""
    value: Money
    """Signed by the instrument's value sign."""
    fee_currency: int
    fee: Money
    fee_quantity: Quantity
    settled: bool
    busted: bool


@dataclass(slots=True)
class Seen:
    """Reports of one (venue, account) already taken: the content by key, and the watermark where keys are dense."""

    watermark: int = 0
    contents: dict[str, Payload] = field(default_factory=dict)


@dataclass(slots=True)
class StrategyState:
    """What the engine keeps of a strategy."""

    halted: bool = False
    kill_switch: bool = False
    reduce_only: bool = False
    open_orders: int = 0
    random_counter: int = 0
    next_timer: int = 1
    placed: deque[Time] = field(default_factory=deque)
    """Times of admitted orders inside the rate window."""


@dataclass(slots=True)
class State:
    """Everything that replay rebuilds."""

    config: Config
    now: Time = 0
    seq: int = 0
    start_time: Time = 0
    """When on_start was called; not a leaf."""
    started: bool = False
    ended: bool = False
    stopped: int = 0
    """The code that stopped the engine, or 0."""
    kill_switch: bool = False
    reduce_only: bool = False
    day: int = -1
    day_equity: Money = 0
    next_ordinal: OrderOrdinal = 1
    orders: dict[OrderOrdinal, Order] = field(default_factory=dict)
    by_id: dict[OrderId, OrderOrdinal] = field(default_factory=dict)
    retiring: list[tuple[Time, OrderOrdinal]] = field(default_factory=list)
    """Closed orders by the time their reports may be forgotten: a heap."""
    groups: dict[OrderOrdinal, Group] = field(default_factory=dict)
    """By the root's number; it follows from the orders, so that it is no leaf."""
    keys: dict[OrderOrdinal, list[str]] = field(default_factory=dict)
    """Idempotency keys of each order's reports: its fills are forgotten with it, and where keys are not dense all of them."""
    archived: int = 0
    archive_digest: bytes = bytes(32)
    accounts: dict[tuple[int, int], Position] = field(default_factory=dict)
    """By (account, instrument)."""
    strategies: dict[tuple[int, int], Position] = field(default_factory=dict)
    """By (strategy, instrument); the null strategy owns the rest."""
    unsettled_accounts: dict[tuple[int, int], Unsettled] = field(default_factory=dict)
    unsettled_strategies: dict[tuple[int, int], Unsettled] = field(default_factory=dict)
    ledgers: dict[tuple[int, int], Ledger] = field(default_factory=dict)
    """By (account, currency)."""
    strategy_fees: dict[tuple[int, int], Money] = field(default_factory=dict)
    """By (strategy, currency)."""
    fills: dict[tuple[int, str], FillRecord] = field(default_factory=dict)
    """By (account, key)."""
    parked: dict[tuple[int, str], OrderOrdinal] = field(default_factory=dict)
    """Busts that came before their fill."""
    seen: dict[int, Seen] = field(default_factory=dict)
    """By account: each venue has one."""
    working: dict[tuple[int, int], Working] = field(default_factory=dict)
    """By (account, instrument)."""
    markets: list[Market] = field(default_factory=list)
    owners: list[StrategyState] = field(default_factory=list)
    timers: Timers = field(default_factory=Timers)
    aggregates: list[Aggregate] = field(default_factory=list)
    """By stream; those of streams that are not derived stay empty."""
    closed_bars: int = 0
    """Bars that closed and are delivered next; each is kept by its aggregate."""
    indicators: list[Indicator] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    """Bars taken of each stream; not a leaf."""
    recent: list[deque[Bar]] = field(default_factory=list)
    """The last bars taken of each derived stream, for strategies to look back at; not a leaf."""
    counters: dict[int, int] = field(default_factory=dict)
    """How often each code was given; not a leaf."""

    def instrument(self, index: int) -> Instrument:
        """The declaration."""
        return self.config.instruments[index]

    def account_of(self, instrument: int) -> int:
        """The account that trades the instrument."""
        return account_of(self.config, self.config.instruments[instrument].venue)

    def position(self, account: int, instrument: int) -> Position:
        """The account's position."""
        return self.accounts.get((account, instrument), FLAT)

    def own_position(self, strategy: int, instrument: int) -> Position:
        """The strategy's own position; the null strategy owns what no strategy does."""
        return self.strategies.get((strategy, instrument), FLAT)

    def ledger(self, account: int, currency: int) -> Ledger:
        """What the account holds in the currency."""
        return self.ledgers.get((account, currency), EMPTY)

    def order_of(self, order_id: OrderId) -> Order | None:
        """The live order with this id."""
        ordinal = self.by_id.get(order_id)
        return None if ordinal is None else self.orders[ordinal]

    def open_orders(self, strategy: int) -> list[Order]:
        """The strategy's orders at the venue and those held for it, oldest first."""
        lives = (Life.HELD, Life.SUBMITTED, Life.ACCEPTED)
        return [order for order in self.orders.values() if order.id.strategy == strategy and order.life in lives]

    def holds_groups(self, order: Order) -> bool:
        """Whether the order's venue holds groups itself; else the engine does."""
        return self.config.venues[order.venue].capabilities.groups

    def working_of(self, account: int, instrument: int) -> Working:
        """Exposure of open orders."""
        return self.working.get((account, instrument), IDLE)

    def own_working(self, strategy: int, instrument: int) -> Working:
        """Exposure of the strategy's own open orders; a group counts once, with its first open member."""
        total = IDLE
        counted: set[OrderOrdinal] = set()
        for order in self.orders.values():
            if order.id.strategy != strategy or order.instrument != instrument or not order.exposure:
                continue
            group = self.group_of(order)
            if group is None:
                total = total.plus(_sided(order, order.exposure))
            elif group.members[0] not in counted:
                counted.add(group.members[0])
                total = total.plus(group.exposed)
        return total

    def own_market_orders(self, strategy: int, instrument: int) -> int:
        """Signed open quantity of the strategy's own market orders."""
        return sum(
            order.direction * order.remaining_quantity
            for order in self.orders.values()
            if order.id.strategy == strategy
            and order.instrument == instrument
            and order.order_type == OrderType.MARKET
            and order.life.is_open
        )

    def root_of(self, order: Order) -> OrderOrdinal:
        """The order that would name the order's group."""
        return root_of(order, self.orders.get(order.parent))

    def group_of(self, order: Order) -> Group | None:
        """The live group that the order is in."""
        group = self.groups.get(self.root_of(order)) if self.groups else None
        return group if group is not None and order.ordinal in group.members else None

    def members(self, group: Group, changed: Order) -> list[Order]:
        """The orders of a group, one of them as it will be."""
        return [changed if one == changed.ordinal else self.orders[one] for one in group.members]

    def exposure(self, order: Order) -> Working:
        """What the order's unit, the order alone or its group, adds to the working quantities of its account and instrument, with the
        order as given. OutOfRange when what it reserves does not fit."""
        group = self.group_of(order)
        if group is None:
            return self._exposed(order, order.exposure)
        return self._group_exposure(self.members(group, order))

    def joined(self, order: Order) -> tuple[Working, Working]:
        """What the unit of a new order exposes today, and with the order in it."""
        if not order.parent and not order.oco:
            return IDLE, self._exposed(order, order.exposure)
        root = self.orders[self.root_of(order)]
        group = self.groups.get(root.ordinal) or Group([root.ordinal], self._exposed(root, root.exposure))
        return group.exposed, self._group_exposure([*self.members(group, order), order])

    def _group_exposure(self, members: list[Order]) -> Working:
        """Legs expose the worst of them, everything else its sum."""
        natively = self.holds_groups(members[0])
        worst: dict[OrderOrdinal, Working] = {}
        for order in members:
            exposed = self._exposed(order, open_quantity(order, members, held_natively=natively))
            worst[leader_of(order)] = worst.get(leader_of(order), IDLE).or_worse(exposed)
        total = IDLE
        for one in worst.values():
            total = total.plus(one)
        return total

    def _exposed(self, order: Order, size: Quantity) -> Working:
        if not size:
            return IDLE
        sided = _sided(order, size)
        if not sided.buying:
            return sided
        return sided._replace(reserved=self.reserve(order.instrument, order.risk_price, size))

    def reserve(self, instrument: int, price: Price, size: Quantity) -> Money:
        """Cash a buy of `size` reserves: its value at `price` plus the worst fee; 0 for a margin account, and without a price."""
        account = self.config.accounts[self.account_of(instrument)]
        if account.kind is AccountKind.MARGIN or price == NONE_PRICE:
            return 0
        declared = self.config.instruments[instrument]
        value = contract_value(declared, price, size)
        return money(value + worst_fee(declared, value))

    def reserved(self, account: int, currency: int) -> Money:
        """Cash reserved by open buys in the currency."""
        return sum(
            working.reserved
            for (holder, instrument), working in sorted(self.working.items())
            if holder == account and self.config.instruments[instrument].settlement_currency == currency
        )

    def mark_of(self, instrument: int) -> Price | None:
        """The last mark, None before the first."""
        market = self.markets[instrument]
        return market.mark if market.has_mark else None

    def to_base(self, amount: Money, currency: int) -> Money | None:
        """The amount in base currency. None without a rate."""
        return to_base(self.config, self.mark_of, amount, currency)

    def required_margin(
        self, account: int, instrument: int = NULL_INSTRUMENT, buying: Quantity = 0, selling: Quantity = 0
    ) -> Money | None:
        """Initial margin of the account in base currency, open orders included, with the working quantities of `instrument` replaced
        by the given ones. None without a mark or rate."""
        total = 0
        for index, declared in enumerate(self.config.instruments):
            if self.account_of(index) != account:
                continue
            held = self.position(account, index).quantity
            working = self.working_of(account, index)
            sides = (buying, selling) if index == instrument else working.sides(held)
            exposed = exposure(held, *sides)
            needed = margin_on(self.config, self.mark_of, index, exposed, declared.initial_margin)
            if needed is None:
                return None
            total = money(total + needed)
        return total

    def maintenance_margin(self, account: int) -> Money | None:
        """Maintenance margin of the account's positions in base currency, orders left out. None without a mark or rate."""
        total = 0
        for index, declared in enumerate(self.config.instruments):
            if self.account_of(index) != account:
                continue
            exposed = exposure(self.position(account, index).quantity, 0, 0)
            needed = margin_on(self.config, self.mark_of, index, exposed, declared.maintenance_margin)
            if needed is None:
                return None
            total = money(total + needed)
        return total

    def equity(self, account: int = NULL_INDEX) -> Money | None:
        """Cash and positions of the account, of all for the null account, in base currency. None while a position has no mark or a
        currency no rate."""
        try:
            total = self.cash(account)
            if total is None:
                return None
            for (holder, instrument), position in sorted(self.accounts.items()):
                if position.quantity == 0 or account not in (holder, NULL_INDEX):
                    continue
                value = worth(self.config, self.mark_of, instrument, position)
                if value is None:
                    return None
                total = money(total + value)
            return total
        except OutOfRange:
            return None

    def cash(self, account: int = NULL_INDEX) -> Money | None:
        """Cash of the account, of all for the null account, in base currency; None without a rate. OutOfRange when the sum does not fit."""
        total: Money = 0
        for (holder, currency), ledger in sorted(self.ledgers.items()):
            if account not in (holder, NULL_INDEX):
                continue
            converted = self.to_base(ledger.cash, currency)
            if converted is None:
                return None
            total = money(total + converted)
        return total

    def count(self, code: RejectCode) -> None:
        """One more of this code."""
        self.counters[code] = self.counters.get(code, 0) + 1


def _sided(order: Order, size: Quantity) -> Working:
    """The size on the order's side, apart when it may only reduce."""
    if order.reduce_only:
        return Working(0, 0, 0, size, 0) if order.side == Side.BUY else Working(0, 0, 0, 0, size)
    return Working(size, 0, 0) if order.side == Side.BUY else Working(0, size, 0)


def new_state(config: Config) -> State:
    """The state before the first event: opening deposits are in the ledgers."""
    state = State(config)
    state.markets = [Market() for _ in config.instruments]
    state.delivered = [0] * len(config.streams)
    state.recent = [deque(maxlen=RECENT_BARS) for _ in config.streams]
    state.owners = [StrategyState() for _ in config.strategies]
    state.aggregates = [Aggregate() for _ in config.streams]
    for index, account in enumerate(config.accounts):
        state.seen[index] = Seen()
        for currency, amount in account.deposits:
            held = state.ledger(index, currency)
            state.ledgers[index, currency] = held._replace(
                cash=money(held.cash + amount), transfers=money(held.transfers + amount)
            )
    return state
