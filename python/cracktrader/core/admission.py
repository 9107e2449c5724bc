"""Admission: may this intent become a command? Schema, capability, risk, legality; the first failure wins.

Nothing is changed here. Cancels are never blocked by risk.
"""

from typing import NamedTuple

from cracktrader.core.account import AccountKind, exposure, is_growth, worst_exposure
from cracktrader.core.config import LOOP_DEPTH
from cracktrader.core.fee import worst_fee
from cracktrader.core.group import IDLE, Working
from cracktrader.core.instrument import Instrument, InstrumentKind, contract_value
from cracktrader.core.intent import (
    NO_ORDER,
    CancelOrder,
    Intent,
    NoOp,
    OrderId,
    OrderType,
    PlaceOrder,
    ReplaceOrder,
    RiskFlag,
    SetRiskFlag,
    Side,
    TimeInForce,
    TrailKind,
)
from cracktrader.core.order import (
    BASIS_POINTS,
    Guard,
    Life,
    Order,
    OrderInput,
    Pending,
    Place,
    is_trailing,
    new_order,
    takes_limit,
    takes_stop,
    trail_distance,
    transition,
)
from cracktrader.core.reject import RejectCode
from cracktrader.core.state import State
from cracktrader.core.units import (
    NONE_PRICE,
    RATE_ONE,
    Money,
    OutOfRange,
    Price,
    Quantity,
    Rounding,
    money,
    mul_div_round,
    quantity,
)


class Verdict(NamedTuple):
    """What admission says: the code that refuses (0 admits) with its two numbers."""

    code: int
    value: int
    limit: int


ADMITTED = Verdict(0, 0, 0)


class Terms(NamedTuple):
    """What an order would be: a new one, or a working one under new terms."""

    strategy: int
    instrument: int
    side: int
    order_type: int
    quantity: Quantity
    """What could still fill."""
    limit_price: Price
    risk_price: Price
    replaced: Working
    """What the order's unit, the order or its group, adds to the working quantities today; nothing for a new order alone."""
    added: Working
    """What the unit would add under the terms."""
    fits: bool
    """Whether what it would reserve fits the numbers."""
    is_new: bool


def admit(state: State, strategy: int, intent: Intent, depth: int) -> Verdict:
    """The verdict on one intent, on the state that the earlier ones left."""
    if isinstance(intent, NoOp):
        return ADMITTED
    if depth >= LOOP_DEPTH:
        return Verdict(RejectCode.E_LOOP, depth, LOOP_DEPTH)
    if isinstance(intent, PlaceOrder):
        return _admit_place(state, strategy, intent)
    if isinstance(intent, CancelOrder):
        return _admit_cancel(state, strategy, intent)
    if isinstance(intent, ReplaceOrder):
        return _admit_replace(state, strategy, intent)
    return _admit_flag(intent)


def _admit_place(state: State, strategy: int, place: PlaceOrder) -> Verdict:
    verdict = _place_schema(state, strategy, place)
    if verdict.code:
        return verdict
    verdict = _place_capability(state, place)
    if verdict.code:
        return verdict
    order = _proposed(state, OrderId(strategy, state.seq, 0), place)
    try:
        (replaced, added), fits = state.joined(order), True
    except OutOfRange:
        (replaced, added), fits = (IDLE, IDLE), False
    terms = Terms(
        strategy,
        place.instrument,
        place.side,
        place.order_type,
        place.quantity,
        place.limit_price,
        order.reserve_price,
        replaced,
        added,
        fits,
        is_new=True,
    )
    return _risk(state, terms)


def _proposed(state: State, order_id: OrderId, place: PlaceOrder) -> Order:
    """The order of an intent that passed its schema, as it would leave."""
    venue, account = state.instrument(place.instrument).venue, state.account_of(place.instrument)
    parent, oco = (state.by_id.get(name, 0) for name in (place.parent, place.oco))
    order = new_order(place, Place(state.next_ordinal, order_id, venue, account, parent, oco), state.now)
    order.life = Life.HELD if parent and not state.holds_groups(order) else Life.SUBMITTED
    order.reserve_price = reserve_price(state, place)
    return order


def reserve_price(state: State, place: PlaceOrder) -> Price:
    """The price at which risk values an order: its limit, else its stop, else the mark (null without one). The stop of a trailing buy
    starts a trail above the mark, and its limit stands above the stop."""
    if place.limit_price != NONE_PRICE:
        return place.limit_price
    mark = state.markets[place.instrument].mark
    price = mark if place.stop_price == NONE_PRICE else place.stop_price
    if place.side != Side.BUY or price == NONE_PRICE or not is_trailing(place.order_type):
        return price
    instrument = state.instrument(place.instrument)
    if place.stop_price == NONE_PRICE:
        price += trail_distance(place.trail_kind, place.trail_offset, mark, instrument.tick)
    return min(price + max(place.limit_offset, 0), instrument.max_price)


def _place_schema(state: State, strategy: int, place: PlaceOrder) -> Verdict:
    if place.instrument >= len(state.config.instruments):
        return Verdict(RejectCode.E_UNKNOWN_INSTRUMENT, place.instrument, len(state.config.instruments))
    if place.side > max(Side):
        return Verdict(RejectCode.E_BAD_FIELD, place.side, 1)
    if place.order_type > max(OrderType):
        return Verdict(RejectCode.E_BAD_FIELD, place.order_type, 2)
    if place.time_in_force > max(TimeInForce):
        return Verdict(RejectCode.E_BAD_FIELD, place.time_in_force, 3)
    instrument = state.instrument(place.instrument)
    verdict = _terms_schema(instrument, place.order_type, place.quantity, place.limit_price, place.stop_price)
    if verdict.code:
        return verdict
    expires = place.expire_time != NONE_PRICE
    if expires != (place.time_in_force == TimeInForce.GTD) or (expires and place.expire_time <= state.now):
        return Verdict(RejectCode.E_EXPIRE_TIME, place.expire_time, state.now)
    verdict = _group_schema(state, strategy, place)
    return verdict if verdict.code else _trail_schema(instrument, place)


def _group_schema(state: State, strategy: int, place: PlaceOrder) -> Verdict:
    """Whether the orders that are named can be a parent and a leader of this one."""
    parent, leader = (_own_order(state, strategy, name) for name in (place.parent, place.oco))
    if place.parent != NO_ORDER and not _is_parent(parent, place):
        return Verdict(RejectCode.E_GROUP, place.parent.seq, place.parent.index)
    if place.oco != NO_ORDER and not _is_leader(leader, parent, place):
        return Verdict(RejectCode.E_GROUP, place.oco.seq, place.oco.index)
    return ADMITTED


def _is_parent(parent: Order | None, place: PlaceOrder) -> bool:
    """An open entry of the other side, at least as large, that is no child itself."""
    return (
        parent is not None
        and parent.life.is_open
        and not parent.parent
        and parent.instrument == place.instrument
        and parent.side != place.side
        and place.quantity <= parent.quantity
    )


def _is_leader(leader: Order | None, parent: Order | None, place: PlaceOrder) -> bool:
    """An open order of the same instrument, side and parent that leads."""
    return (
        leader is not None
        and (leader.life.is_open or leader.life is Life.HELD)
        and not leader.oco
        and leader.instrument == place.instrument
        and leader.side == place.side
        and leader.parent == (0 if parent is None else parent.ordinal)
    )


def _trail_schema(instrument: Instrument, place: PlaceOrder) -> Verdict:
    """Trailing orders have an offset in reach of their kind, trailing stop-limits one for the limit, and no other order either."""
    if not is_trailing(place.order_type):
        for term, absent in ((place.trail_kind, 0), (place.trail_offset, NONE_PRICE), (place.limit_offset, NONE_PRICE)):
            if term != absent:
                return Verdict(RejectCode.E_TRAIL, term, 0)
        return ADMITTED
    if place.trail_kind > max(TrailKind):
        return Verdict(RejectCode.E_TRAIL, place.trail_kind, max(TrailKind))
    reach = (instrument.max_price, instrument.max_price // instrument.tick, BASIS_POINTS - 1)[place.trail_kind]
    off_grid = place.trail_kind == TrailKind.PRICE and place.trail_offset % instrument.tick
    if not 1 <= place.trail_offset <= reach or off_grid:
        return Verdict(RejectCode.E_TRAIL, place.trail_offset, reach)
    if place.order_type == OrderType.TRAILING_STOP:
        absent = place.limit_offset == NONE_PRICE
        return ADMITTED if absent else Verdict(RejectCode.E_TRAIL, place.limit_offset, 0)
    if not 0 <= place.limit_offset <= instrument.max_price or place.limit_offset % instrument.tick:
        return Verdict(RejectCode.E_TRAIL, place.limit_offset, instrument.max_price)
    return ADMITTED


def _terms_schema(instrument: Instrument, order_type: int, total: Quantity, limit: Price, stop: Price) -> Verdict:
    if not 1 <= total <= instrument.max_quantity:
        return Verdict(RejectCode.E_QUANTITY, total, instrument.max_quantity)
    if total % instrument.lot:
        return Verdict(RejectCode.E_LOT, total, instrument.lot)
    prices = ((limit, takes_limit(order_type)), (stop, takes_stop(order_type)))
    for price, wanted in prices:
        if wanted and price == NONE_PRICE:
            return Verdict(RejectCode.E_PRICE_MISSING, 0, order_type)
    takes = (takes_limit(order_type), takes_stop(order_type) or is_trailing(order_type))
    given = [(price, taken) for (price, _), taken in zip(prices, takes, strict=True) if price != NONE_PRICE]
    for price, taken in given:
        if not taken:
            return Verdict(RejectCode.E_PRICE_UNEXPECTED, price, order_type)
    for price, _ in given:
        if not 1 <= price <= instrument.max_price:
            return Verdict(RejectCode.E_PRICE, price, instrument.max_price)
    for price, _ in given:
        if price % instrument.tick:
            return Verdict(RejectCode.E_TICK, price, instrument.tick)
    return ADMITTED


def _place_capability(state: State, place: PlaceOrder) -> Verdict:
    capabilities = state.config.venues[state.instrument(place.instrument).venue].capabilities
    if not capabilities.order_types >> place.order_type & 1:
        return Verdict(RejectCode.E_ORDER_TYPE, place.order_type, capabilities.order_types)
    if not capabilities.times_in_force >> place.time_in_force & 1:
        return Verdict(RejectCode.E_TIME_IN_FORCE, place.time_in_force, capabilities.times_in_force)
    if place.post_only and not capabilities.post_only:
        return Verdict(RejectCode.E_POST_ONLY, 0, 0)
    if place.reduce_only and not capabilities.reduce_only:
        return Verdict(RejectCode.E_REDUCE_ONLY, 0, 0)
    return ADMITTED


def _risk(state: State, terms: Terms) -> Verdict:
    """All risk checks, in the order of their codes."""
    verdict = _risk_switches(state, terms)
    if verdict.code:
        return verdict
    limits = state.config.strategies[terms.strategy].limits.of(terms.instrument)
    if limits.max_order_quantity and terms.quantity > limits.max_order_quantity:
        return Verdict(RejectCode.E_ORDER_QUANTITY, terms.quantity, limits.max_order_quantity)
    if not terms.fits:
        return Verdict(RejectCode.E_RANGE, terms.quantity, 0)
    try:
        worst = _worst_fill(state, terms)
    except OutOfRange:
        return Verdict(RejectCode.E_RANGE, terms.quantity, 0)
    if not state.markets[terms.instrument].has_mark:
        return Verdict(RejectCode.E_NO_MARK, terms.instrument, 0)
    for check in (_risk_notional, _risk_position, _risk_counts, _risk_collar, _risk_loss, _risk_account):
        verdict = check(state, terms, worst)
        if verdict.code:
            return verdict
    return ADMITTED


def _risk_switches(state: State, terms: Terms) -> Verdict:
    owner = state.owners[terms.strategy]
    market = state.markets[terms.instrument]
    if not state.started:
        return Verdict(RejectCode.E_STARTING, 0, 0)
    if state.ended:
        return Verdict(RejectCode.E_ENDED, 0, 0)
    if state.stopped:
        return Verdict(RejectCode.E_STOPPED, state.stopped, 0)
    if state.kill_switch or owner.kill_switch:
        return Verdict(RejectCode.E_KILL_SWITCH, 0, 0)
    if market.halted or market.frozen:
        return Verdict(RejectCode.E_FROZEN, terms.instrument, 0)
    if state.reduce_only or owner.reduce_only:
        reducible = _reducible(state, terms)
        held = state.own_position(terms.strategy, terms.instrument).quantity
        if terms.fits and terms.added.sides(held)[terms.side] > reducible:
            return Verdict(RejectCode.E_REDUCE_ONLY_MODE, terms.quantity, reducible)
    return ADMITTED


def _reducible(state: State, terms: Terms) -> Quantity:
    """How much of the strategy's own position the order's direction can still close."""
    held = state.own_position(terms.strategy, terms.instrument).quantity
    buying, selling = state.own_working(terms.strategy, terms.instrument).less(terms.replaced).sides(held)
    return max(held - selling if terms.side == Side.SELL else -held - buying, 0)


def _worst_fill(state: State, terms: Terms) -> Money:
    """Value of the order at the price that risk assumes; OutOfRange when the largest position it can lead to, at the worst price, does
    not fit the numbers."""
    instrument = state.instrument(terms.instrument)
    account = state.account_of(terms.instrument)
    working, own = _working_with(state, account, terms), state.own_working(terms.strategy, terms.instrument)
    extreme = max(
        worst_exposure(
            state.position(account, terms.instrument).quantity,
            working.buying + working.reduce_buying,
            working.selling + working.reduce_selling,
        ),
        worst_exposure(
            state.own_position(terms.strategy, terms.instrument).quantity,
            own.buying + own.reduce_buying + terms.quantity,
            own.selling + own.reduce_selling + terms.quantity,
        ),
    )
    worst_price = instrument.tick if instrument.kind is InstrumentKind.INVERSE else instrument.max_price
    value = contract_value(instrument, worst_price, quantity(extreme))
    held = state.ledger(account, instrument.settlement_currency)
    money(abs(held.cash) + value + worst_fee(instrument, value))
    if terms.risk_price == NONE_PRICE:
        return 0
    return contract_value(instrument, terms.risk_price, terms.quantity)


def _working_with(state: State, account: int, terms: Terms) -> Working:
    """What works for the account in the instrument with the order under the terms."""
    return state.working_of(account, terms.instrument).less(terms.replaced).plus(terms.added)


def _risk_notional(state: State, terms: Terms, value: Money) -> Verdict:
    limits = state.config.strategies[terms.strategy].limits
    instrument = state.instrument(terms.instrument)
    account = state.config.accounts[state.account_of(terms.instrument)]
    currency = instrument.settlement_currency
    if not limits.max_order_notional and account.kind is AccountKind.CASH:
        return ADMITTED
    try:
        notional = state.to_base(value, currency)
    except OutOfRange:
        return Verdict(RejectCode.E_RANGE, terms.quantity, 0)
    if notional is None:
        return Verdict(RejectCode.E_NO_RATE, currency, 0)
    if limits.max_order_notional and notional > limits.max_order_notional:
        return Verdict(RejectCode.E_ORDER_NOTIONAL, notional, limits.max_order_notional)
    return ADMITTED


def _risk_position(state: State, terms: Terms, _value: Money) -> Verdict:
    limits = state.config.strategies[terms.strategy].limits.of(terms.instrument)
    if not limits.max_position:
        return ADMITTED
    held = state.own_position(terms.strategy, terms.instrument).quantity
    own = state.own_working(terms.strategy, terms.instrument).less(terms.replaced).plus(terms.added)
    buying, selling = own.sides(held)
    reach = held + buying if terms.side == Side.BUY else selling - held
    if reach > limits.max_position:
        return Verdict(RejectCode.E_POSITION, reach, limits.max_position)
    return ADMITTED


def _risk_counts(state: State, terms: Terms, _value: Money) -> Verdict:
    limits = state.config.strategies[terms.strategy].limits
    owner = state.owners[terms.strategy]
    if not terms.is_new:
        return ADMITTED
    if limits.max_open_orders and owner.open_orders >= limits.max_open_orders:
        return Verdict(RejectCode.E_OPEN_ORDERS, owner.open_orders, limits.max_open_orders)
    if limits.max_orders_per_window:
        recent = sum(1 for time in owner.placed if time > state.now - limits.window_ns)
        if recent >= limits.max_orders_per_window:
            return Verdict(RejectCode.E_ORDER_RATE, recent, limits.max_orders_per_window)
    return ADMITTED


def _risk_collar(state: State, terms: Terms, _value: Money) -> Verdict:
    collar = state.config.strategies[terms.strategy].limits.price_collar
    if not collar or terms.limit_price == NONE_PRICE:
        return ADMITTED
    mark = state.markets[terms.instrument].mark
    if abs(terms.limit_price - mark) > mul_div_round(mark, collar, RATE_ONE, Rounding.FLOOR):
        return Verdict(RejectCode.E_PRICE_COLLAR, terms.limit_price, mark)
    return ADMITTED


def _risk_loss(state: State, terms: Terms, _value: Money) -> Verdict:
    most = state.config.strategies[terms.strategy].limits.max_daily_loss
    if not most:
        return ADMITTED
    equity = state.equity()
    if equity is None:
        return Verdict(RejectCode.E_NO_RATE, state.instrument(terms.instrument).settlement_currency, 0)
    if state.day_equity - equity > most:
        return Verdict(RejectCode.E_DAILY_LOSS, state.day_equity - equity, most)
    return ADMITTED


def _risk_account(state: State, terms: Terms, value: Money) -> Verdict:
    account = state.account_of(terms.instrument)
    if state.config.accounts[account].kind is AccountKind.CASH:
        return _risk_cash(state, account, terms)
    return _risk_margin(state, account, terms, value)


def _risk_cash(state: State, account: int, terms: Terms) -> Verdict:
    """A cash account sells what it holds and buys with what is free."""
    working = state.working_of(account, terms.instrument)
    if terms.side == Side.SELL:
        free = state.position(account, terms.instrument).quantity - (working.selling - terms.replaced.selling)
        wanted = terms.added.selling
        return Verdict(RejectCode.E_SHORT, wanted, free) if wanted and wanted > free else ADMITTED
    currency = state.instrument(terms.instrument).settlement_currency
    free = state.ledger(account, currency).cash - (state.reserved(account, currency) - terms.replaced.reserved)
    needed = terms.added.reserved
    return Verdict(RejectCode.E_CASH, needed, free) if terms.added.buying and needed > free else ADMITTED


def _risk_margin(state: State, account: int, terms: Terms, value: Money) -> Verdict:
    """Lowering the worst exposure is always allowed. What raises it needs equity at the maintenance margin of what is held, and at the
    initial margin of everything the account could hold with the order's fee on top."""
    held = state.position(account, terms.instrument).quantity
    buying, selling = _working_with(state, account, terms).sides(held)
    before = exposure(held, *state.working_of(account, terms.instrument).sides(held))
    after = exposure(held, buying, selling)
    instrument = state.instrument(terms.instrument)
    try:
        if not is_growth(instrument, state.markets[terms.instrument].mark, before, after):
            return ADMITTED
        kept = state.maintenance_margin(account)
        required = state.required_margin(account, terms.instrument, buying, selling)
        fee = state.to_base(worst_fee(instrument, value), instrument.settlement_currency)
    except OutOfRange:
        return Verdict(RejectCode.E_RANGE, terms.quantity, 0)
    equity = state.equity(account)
    if kept is None or required is None or fee is None or equity is None:
        return Verdict(RejectCode.E_NO_RATE, instrument.settlement_currency, 0)
    if kept and equity < kept:
        return Verdict(RejectCode.E_MAINTENANCE, kept, equity)
    if required + fee > equity:
        return Verdict(RejectCode.E_MARGIN, required + fee, equity)
    return ADMITTED


def _admit_cancel(state: State, strategy: int, cancel: CancelOrder) -> Verdict:
    order = _own_order(state, strategy, cancel.order)
    if order is None:
        return Verdict(RejectCode.E_UNKNOWN_ORDER, cancel.order.seq, cancel.order.index)
    outcome = transition(order.state, OrderInput.CANCEL_REQUEST, Guard.ANY)
    return Verdict(outcome, order.ordinal, 0) if isinstance(outcome, RejectCode) else ADMITTED


def _admit_replace(state: State, strategy: int, replace: ReplaceOrder) -> Verdict:
    order = _own_order(state, strategy, replace.order)
    if order is None:
        return Verdict(RejectCode.E_UNKNOWN_ORDER, replace.order.seq, replace.order.index)
    if order.instrument >= len(state.config.instruments):
        return Verdict(RejectCode.E_NOT_SENT, order.ordinal, 0)
    instrument = state.instrument(order.instrument)
    verdict = _terms_schema(instrument, order.order_type, replace.quantity, replace.limit_price, replace.stop_price)
    if verdict.code:
        return verdict
    parent = state.orders.get(order.parent)
    if parent is not None:
        most = parent.quantity if state.holds_groups(order) else parent.net_filled
        if replace.quantity > most and order.life is not Life.HELD:
            return Verdict(RejectCode.E_GROUP, parent.id.seq, parent.id.index)
    if not state.config.venues[instrument.venue].capabilities.replace:
        return Verdict(RejectCode.E_REPLACE, 0, 0)
    if order.life.is_open:
        verdict = _risk(state, _replaced_terms(state, order, replace))
        if verdict.code:
            return verdict
    outcome = transition(order.state, OrderInput.REPLACE_REQUEST, Guard.ANY)
    if isinstance(outcome, RejectCode):
        return Verdict(outcome, order.ordinal, 0)
    if replace.quantity <= order.net_filled:
        return Verdict(RejectCode.E_REPLACE_FILLED, replace.quantity, order.net_filled)
    return ADMITTED


def _replaced_terms(state: State, order: Order, replace: ReplaceOrder) -> Terms:
    """A working order under the worse of its present and its wanted terms."""
    worse = order.copy()
    worse.open_quantity, worse.reserve_price, worse.pending = order.exposure, order.risk_price, Pending.REPLACE
    worse.replace_quantity, worse.replace_limit_price = replace.quantity, replace.limit_price
    replaced = state.exposure(order)
    try:
        added, fits = state.exposure(worse), True
    except OutOfRange:
        added, fits = replaced, False
    return Terms(
        order.id.strategy,
        order.instrument,
        order.side,
        order.order_type,
        worse.exposure,
        replace.limit_price,
        worse.risk_price,
        replaced,
        added,
        fits,
        is_new=False,
    )


def _own_order(state: State, strategy: int, order_id: OrderId) -> Order | None:
    """The live order with this id, if this strategy placed it."""
    ordinal = state.by_id.get(order_id)
    return None if ordinal is None or order_id.strategy != strategy else state.orders[ordinal]


def _admit_flag(intent: SetRiskFlag) -> Verdict:
    if intent.flag > max(RiskFlag):
        return Verdict(RejectCode.E_BAD_FIELD, intent.flag, 4)
    if not intent.on:
        return Verdict(RejectCode.E_LOOSEN, intent.flag, 0)
    return ADMITTED
