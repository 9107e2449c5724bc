"""Commit A: what each fact does, as a plan. Facts are never refused for being unwelcome: impossible ones become findings."""

from cracktrader.core.account import checked, receive
from cracktrader.core.engine.plan import Plan
from cracktrader.core.event import (
    EVENT_TYPES,
    BalanceStatement,
    Busted,
    Cancelled,
    Denied,
    Event,
    EventType,
    Filled,
    Funding,
    Payload,
    PositionStatement,
    Refused,
    Rejected,
    Replaced,
    Settled,
    Settlement,
    Transfer,
)
from cracktrader.core.group import room
from cracktrader.core.instrument import Instrument, contract_value, may_settle_at
from cracktrader.core.order import (
    Effect,
    Guard,
    Life,
    Order,
    OrderInput,
    bust,
    enter,
    fill,
    guard_of,
    is_trailing,
    start_version,
    takes_limit,
    takes_stop,
    transition,
)
from cracktrader.core.portfolio import FILL, TRANSFER, Lot, Position, Unsettled, close, refold, settle
from cracktrader.core.reject import RejectCode
from cracktrader.core.state import FillRecord
from cracktrader.core.units import (
    ENGINE_VENUE,
    I64_MIN,
    NONE_PRICE,
    NULL_INDEX,
    NULL_INSTRUMENT,
    Price,
    money,
    quantity,
)
from cracktrader.core.valuation import signed_value


def order_ordinal(payload: Payload) -> int | None:
    """The order a report is about, or None."""
    code = EVENT_TYPES[type(payload)]
    if EventType.ACCEPTED <= code <= EventType.DENIED:
        ordinal: int = payload.order  # type: ignore[union-attr]  # these types have an order
        return ordinal
    return None


def malformed(plan: Plan, event: Event) -> bool:
    """Whether a report's content is impossible; the finding says so."""
    state, payload = plan.state, event.payload
    bad = _bad_account(plan, event) or _bad_amounts(plan, event)
    if not bad and isinstance(payload, Filled | Replaced):
        order = state.orders.get(payload.order)
        bad = order is not None and _bad_terms(plan, order, payload)
    if bad:
        plan.refuse(RejectCode.R_MALFORMED, order_ordinal(payload) or 0)
    return bad


def _bad_account(plan: Plan, event: Event) -> bool:
    config = plan.state.config
    if event.account >= len(config.accounts) or config.accounts[event.account].venue != event.venue:
        return True
    ordinal = order_ordinal(event.payload)
    order = None if ordinal is None else plan.state.orders.get(ordinal)
    if order is not None and order.account != event.account:
        return True
    if event.instrument == NULL_INSTRUMENT:
        return isinstance(event.payload, PositionStatement | Settlement)
    if event.instrument >= len(config.instruments) or config.instruments[event.instrument].venue != event.venue:
        return True
    return order is not None and order.instrument != event.instrument


def _bad_amounts(plan: Plan, event: Event) -> bool:
    config, payload = plan.state.config, event.payload
    if isinstance(payload, BalanceStatement | Funding):
        return payload.currency >= len(config.currencies)
    if isinstance(payload, Transfer):
        if event.instrument == NULL_INSTRUMENT:
            return payload.currency >= len(config.currencies)
        return payload.quantity in (0, I64_MIN) or not _is_price(config.instruments[event.instrument], payload.price)
    if isinstance(payload, Settlement):
        return not may_settle_at(config.instruments[event.instrument], payload.price)
    return False


def _bad_terms(plan: Plan, order: Order, payload: Filled | Replaced) -> bool:
    config = plan.state.config
    if order.instrument >= len(config.instruments) or payload.quantity <= 0:
        return True
    instrument = config.instruments[order.instrument]
    if isinstance(payload, Filled):
        if not _is_price(instrument, payload.price) or payload.fee_currency >= len(config.currencies):
            return True
        in_base = _fee_in_base(instrument, payload.fee_currency)
        return in_base and config.currencies[payload.fee_currency].scale != instrument.quantity_decimals
    takes = (takes_limit(order.order_type), takes_stop(order.order_type))
    if is_trailing(order.order_type) and payload.stop_price != NONE_PRICE:
        takes = False, True
    prices = zip((payload.limit_price, payload.stop_price), takes, strict=True)
    return any(not _is_price(instrument, price) if wanted else price != NONE_PRICE for price, wanted in prices)


def _is_price(instrument: Instrument, price: Price) -> bool:
    return 1 <= price <= instrument.max_price


def _fee_in_base(instrument: Instrument, currency: int) -> bool:
    """Whether a fee in the currency is paid out of the position."""
    return (
        instrument.is_spot
        and currency == instrument.base_currency
        and instrument.base_currency != instrument.settlement_currency
    )


def apply_report(plan: Plan, event: Event) -> None:
    """A report on an order that exists."""
    payload = event.payload
    ordinal = order_ordinal(payload)
    assert ordinal is not None
    order = plan.state.orders[ordinal]
    told = OrderInput(EVENT_TYPES[type(payload)])
    outcome = transition(order.state, told, _guard(order, payload))
    assert outcome is not None, f"order {ordinal} {order.state} {told!r}: a combination that cannot occur"
    if order.life is Life.HELD and event.venue != ENGINE_VENUE:
        outcome = RejectCode.R_ILLEGAL
    if isinstance(outcome, RejectCode):
        plan.find(outcome, ordinal, order.status)
        return
    if outcome.effect & Effect.NOOP:
        return
    if outcome.effect & Effect.LATE:
        plan.find(RejectCode.R_LATE_FILL, ordinal)
    if outcome.effect & Effect.OVERFILL:
        assert isinstance(payload, Filled)
        plan.find(RejectCode.R_OVERFILL, ordinal, payload.quantity - order.open_quantity)
        plan.freeze = order.instrument
    if isinstance(payload, Filled):
        _find_group_overfill(plan, order, payload)
    plan.owner = order.id.strategy
    after = plan.order(ordinal)
    enter(after, outcome.state, plan.state.now)
    _apply_content(plan, event, after)
    plan.status_changed = after.status is not order.status or after.version != order.version


def _find_group_overfill(plan: Plan, order: Order, filled: Filled) -> None:
    """More than its group let the order fill, though it was open itself: legs crossed at a venue that does not hold groups."""
    group = plan.state.group_of(order)
    if group is None:
        return
    allowed = room(order, order.open_quantity, plan.state.members(group, order))
    excess = min(filled.quantity, order.open_quantity) - allowed
    if excess > 0:
        plan.find(RejectCode.R_GROUP_OVERFILL, order.ordinal, excess)


def _guard(order: Order, payload: Payload) -> Guard:
    if isinstance(payload, Filled):
        return guard_of(order.open_quantity - payload.quantity)
    if isinstance(payload, Replaced):
        return guard_of(payload.quantity - order.net_filled)
    return Guard.ANY


def _apply_content(plan: Plan, event: Event, after: Order) -> None:
    """What a report brings beyond the next state."""
    payload = event.payload
    if isinstance(payload, Filled):
        _book_fill(plan, event, payload, after)
    elif isinstance(payload, Replaced):
        start_version(after, payload.quantity, payload.limit_price, payload.stop_price)
    elif isinstance(payload, Busted):
        _bust(plan, event.account, payload.fill_key, after)
    elif isinstance(payload, Settled):
        _settle(plan, event.account, payload.fill_key, after)
    elif isinstance(payload, Rejected | Cancelled):
        after.code = payload.reason


def _book_fill(plan: Plan, event: Event, filled: Filled, after: Order) -> None:
    instrument = plan.state.instrument(after.instrument)
    value = contract_value(instrument, filled.price, filled.quantity)
    in_base = _fee_in_base(instrument, filled.fee_currency)
    fee_quantity = quantity(filled.fee) if in_base else 0
    fee = 0 if in_base else money(filled.fee)
    strategy, account = after.id.strategy, after.account
    signed = after.direction * filled.quantity
    lot = Lot(event.idempotency_key, signed, instrument.value_sign * value, fee_quantity, FILL)
    provisional = plan.state.config.venues[after.venue].capabilities.provisional_fills
    _append(plan, account, strategy, after.instrument, lot, provisional=provisional)
    plan.book_lot(account, strategy, after.instrument, lot)
    plan.pay_fee(account, strategy, filled.fee_currency, fee)
    fill(after, filled.quantity, value)
    place = account, event.idempotency_key
    plan.fills[place] = FillRecord(
        after.ordinal,
        strategy,
        after.instrument,
        signed,
        lot.value,
        filled.fee_currency,
        fee,
        fee_quantity,
        settled=not provisional,
        busted=False,
    )
    if plan.state.parked.get(place) == after.ordinal:
        plan.parked[place] = None
        _bust(plan, account, event.idempotency_key, after)


def _append(plan: Plan, account: int, strategy: int, instrument: int, lot: Lot, *, provisional: bool) -> None:
    """Keep a cause while fills before it, or it itself, may still be busted."""
    both = plan.unsettled(account, strategy, instrument, provisional=provisional)
    if both is None:
        return
    for unsettled in both:
        if unsettled.lots or provisional:
            unsettled.lots.append(lot)
            unsettled.settled.append(not provisional)


def _bust(plan: Plan, account: int, key: str, after: Order) -> None:
    """Take a fill back: its fee returns; an unsettled one is refolded away, a settled one gets an opposite fill."""
    place = account, key
    record = plan.fills.get(place) or plan.state.fills.get(place)
    if record is None or record.order != after.ordinal:
        plan.find(RejectCode.R_BUST_UNKNOWN, after.ordinal)
        plan.parked[place] = after.ordinal
        return
    if record.busted:
        plan.find(RejectCode.R_BUST_REPEATED, after.ordinal)
        return
    if record.settled:
        plan.find(RejectCode.R_BUST_SETTLED, after.ordinal)
        lot = Lot("", -record.quantity, record.value, -record.fee_quantity, FILL)
        _append(plan, account, record.strategy, record.instrument, lot, provisional=False)
        plan.book_lot(account, record.strategy, record.instrument, lot)
    else:
        _refold_without(plan, account, record, key)
    plan.pay_fee(account, record.strategy, record.fee_currency, -record.fee)
    bust(after, abs(record.quantity), abs(record.value))
    plan.fills[place] = FillRecord(
        record.order,
        record.strategy,
        record.instrument,
        record.quantity,
        record.value,
        record.fee_currency,
        record.fee,
        record.fee_quantity,
        record.settled,
        busted=True,
    )


def _refold_without(plan: Plan, account: int, record: FillRecord, key: str) -> None:
    both = plan.unsettled(account, record.strategy, record.instrument, provisional=True)
    assert both is not None
    positions: list[Position] = []
    for unsettled in both:
        index = _index_of(unsettled, key)
        positions.append(refold(unsettled, without=index))
        del unsettled.lots[index], unsettled.settled[index]
        settle_front(unsettled)
    plan.replace_positions(account, record.strategy, record.instrument, *positions)


def _index_of(unsettled: Unsettled, key: str) -> int:
    return next(index for index, lot in enumerate(unsettled.lots) if lot.key == key)


def settle_front(unsettled: Unsettled) -> None:
    """Move what is final at the front into the base."""
    if unsettled.lots and unsettled.settled[0]:
        settle(unsettled, 0)


def _settle(plan: Plan, account: int, key: str, after: Order) -> None:
    place = account, key
    record = plan.state.fills.get(place)
    if record is None or record.order != after.ordinal or record.settled or record.busted:
        plan.find(RejectCode.R_SETTLED_UNKNOWN, after.ordinal)
        return
    both = plan.unsettled(account, record.strategy, record.instrument, provisional=True)
    assert both is not None
    for unsettled in both:
        settle(unsettled, _index_of(unsettled, key))
    plan.fills[place] = _settled(record)


def _settled(record: FillRecord) -> FillRecord:
    return FillRecord(
        record.order,
        record.strategy,
        record.instrument,
        record.quantity,
        record.value,
        record.fee_currency,
        record.fee,
        record.fee_quantity,
        settled=True,
        busted=record.busted,
    )


def apply_engine_report(plan: Plan, event: Event, denied: Denied | Refused) -> None:
    """What the engine itself refused. One that comes from elsewhere, or denies what is no Created order, is malformed."""
    if isinstance(denied, Refused):
        if event.venue != ENGINE_VENUE or denied.strategy >= len(plan.state.owners):
            plan.refuse(RejectCode.R_MALFORMED)
            return
        plan.owner = denied.strategy
        return
    before = plan.state.orders.get(denied.order)
    if event.venue != ENGINE_VENUE or before is None or before.life is not Life.CREATED:
        plan.refuse(RejectCode.R_MALFORMED, denied.order)
        return
    after = plan.order(denied.order)
    outcome = transition(after.state, OrderInput.DENY, Guard.ANY)
    assert outcome is not None and not isinstance(outcome, RejectCode), "a denied order was Created"
    enter(after, outcome.state, plan.state.now)
    after.code = denied.code
    plan.owner = after.id.strategy
    plan.status_changed = True


def apply_held_end(plan: Plan, event: Event, cancelled: Cancelled) -> None:
    """The engine ends an order that it held; one that it does not hold is malformed."""
    order = plan.state.orders.get(cancelled.order)
    if order is None or order.life is not Life.HELD:
        plan.refuse(RejectCode.R_MALFORMED, cancelled.order)
        return
    apply_report(plan, event)


def apply_account_event(plan: Plan, event: Event) -> None:
    """Statements, transfers, funding and settlement."""
    payload = event.payload
    if isinstance(payload, BalanceStatement):
        held = plan.ledger(event.account, payload.currency).cash
        if held != payload.total:
            plan.find(RejectCode.R_STATEMENT, payload.total, held)
    elif isinstance(payload, PositionStatement):
        quantity_held = plan.position(event.account, event.instrument).quantity
        if quantity_held != payload.quantity:
            plan.find(RejectCode.R_STATEMENT, payload.quantity, quantity_held)
    elif isinstance(payload, Transfer):
        _transfer(plan, event, payload)
    elif isinstance(payload, Funding):
        ledger = plan.ledger(event.account, payload.currency)
        plan.ledgers[event.account, payload.currency] = receive(ledger, payload.amount)
    elif isinstance(payload, Settlement):
        _settlement(plan, event.account, event.instrument, payload.price)


def _transfer(plan: Plan, event: Event, transfer: Transfer) -> None:
    """Money comes or goes; an asset comes or goes at its cost, as if that had been deposited and paid."""
    account = event.account
    if event.instrument == NULL_INSTRUMENT:
        _deposit(plan, account, transfer.currency, transfer.amount)
        return
    instrument = plan.state.instrument(event.instrument)
    value = instrument.value_sign * contract_value(instrument, transfer.price, abs(transfer.quantity))
    lot = Lot("", transfer.quantity, value, 0, TRANSFER)
    _append(plan, account, NULL_INDEX, event.instrument, lot, provisional=False)
    plan.book_lot(account, NULL_INDEX, event.instrument, lot)
    if instrument.is_spot:
        _deposit(plan, account, instrument.settlement_currency, value if transfer.quantity > 0 else -value)


def _deposit(plan: Plan, account: int, currency: int, amount: int) -> None:
    ledger = plan.ledger(account, currency)
    plan.ledgers[account, currency] = checked(
        ledger._replace(cash=ledger.cash + amount, transfers=ledger.transfers + amount)
    )


def _settlement(plan: Plan, account: int, instrument: int, price: Price) -> None:
    """The account closes at `price` for its one rounded value, as the venue books it; each holder for its own, and the last of them for
    what rounding leaves. Earlier fills become final."""
    declared = plan.state.instrument(instrument)
    held = plan.position(account, instrument)
    proceeds = left = signed_value(declared, held, price)
    holders = [s for s in (*range(len(plan.state.owners)), NULL_INDEX) if plan.own_position(s, instrument).quantity]
    for strategy in holders:
        own = plan.own_position(strategy, instrument)
        value = left if strategy == holders[-1] else signed_value(declared, own, price)
        left = money(left - value)
        plan.strategies[strategy, instrument] = close(own, value)
    plan.settle_account(account, instrument, close(held, proceeds))
    for place, unsettled in plan.state.unsettled_accounts.items():
        if place == (account, instrument):
            plan.unsettled_accounts[place] = Unsettled(unsettled.base)
    for place, unsettled in plan.state.unsettled_strategies.items():
        if place[1] == instrument:
            plan.unsettled_strategies[place] = Unsettled(unsettled.base)
    for place_key, record in plan.state.fills.items():
        if place_key[0] == account and record.instrument == instrument and not record.settled:
            plan.fills[place_key] = _settled(record)
