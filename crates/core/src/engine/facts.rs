//! Commit A: what each fact does, as a plan. Facts are never refused for being unwelcome: impossible ones become findings.

use crate::account::{checked, receive};
use crate::engine::plan::Plan;
use crate::event::{Denied, Event, EventType, Filled, Payload, Replaced, Transfer};
use crate::group::room;
use crate::instrument::{Instrument, contract_value, may_settle_at};
use crate::order::{
    Effect, Guard, Life, Order, OrderInput, Outcome, bust, enter, fill, guard_of, is_trailing, start_version,
    takes_limit, takes_stop, transition,
};
use crate::portfolio::{FILL, Lot, Position, TRANSFER, Unsettled, close, refold, settle};
use crate::reject::RejectCode;
use crate::state::FillRecord;
use crate::units::{
    AccountIndex, CurrencyIndex, ENGINE_VENUE, I64_MIN, InstrumentIndex, Money, NONE_PRICE, NULL_INSTRUMENT,
    OrderOrdinal, OutOfRange, Price, Quantity, StrategyIndex, money, quantity,
};
use crate::valuation::signed_value;

/// The order a report is about, or None.
#[must_use]
pub fn order_ordinal(payload: &Payload) -> Option<OrderOrdinal> {
    match payload {
        Payload::Accepted(report) => Some(report.order),
        Payload::Rejected(report) => Some(report.order),
        Payload::Filled(report) => Some(report.order),
        Payload::Cancelled(report) => Some(report.order),
        Payload::Expired(report) => Some(report.order),
        Payload::Triggered(report) => Some(report.order),
        Payload::Replaced(report) => Some(report.order),
        Payload::CancelRejected(report) => Some(report.order),
        Payload::ReplaceRejected(report) => Some(report.order),
        Payload::InDoubt(report) => Some(report.order),
        Payload::Absent(report) => Some(report.order),
        Payload::Busted(report) => Some(report.order),
        Payload::Settled(report) => Some(report.order),
        Payload::Denied(report) => Some(report.order),
        _ => None,
    }
}

/// Whether a report's content is impossible; the finding says so.
pub(super) fn malformed(plan: &mut Plan<'_>, event: &Event) -> bool {
    let ordinal = order_ordinal(&event.payload);
    let order = ordinal.and_then(|ordinal| plan.state.orders.get(&ordinal));
    let bad = bad_account(plan, event, order) || bad_amounts(plan, event) || bad_terms(plan, event, order);
    if bad {
        plan.refuse(RejectCode::RMalformed, ordinal.unwrap_or_default().0);
    }
    bad
}

fn bad_account(plan: &Plan<'_>, event: &Event, order: Option<&Order>) -> bool {
    let config = &plan.state.config;
    if config.accounts.get(event.account.at()).is_none_or(|account| account.venue != event.venue) {
        return true;
    }
    if order.is_some_and(|order| order.account != event.account) {
        return true;
    }
    if event.instrument == NULL_INSTRUMENT {
        return matches!(event.payload, Payload::PositionStatement(_) | Payload::Settlement(_));
    }
    if config.instruments.get(event.instrument.at()).is_none_or(|declared| declared.venue != event.venue) {
        return true;
    }
    order.is_some_and(|order| order.instrument != event.instrument)
}

fn bad_amounts(plan: &Plan<'_>, event: &Event) -> bool {
    let config = &plan.state.config;
    let unknown = |currency: CurrencyIndex| currency.at() >= config.currencies.len();
    let instrument = config.instruments.get(event.instrument.at());
    match (&event.payload, instrument) {
        (Payload::BalanceStatement(statement), _) => unknown(statement.currency),
        (Payload::Funding(funding), _) => unknown(funding.currency),
        (Payload::Transfer(transfer), None) => unknown(transfer.currency),
        (Payload::Transfer(transfer), Some(declared)) => {
            matches!(transfer.quantity.0, 0 | I64_MIN) || !is_price(declared, transfer.price)
        }
        (Payload::Settlement(settlement), Some(declared)) => !may_settle_at(declared, settlement.price),
        _ => false,
    }
}

fn bad_terms(plan: &Plan<'_>, event: &Event, order: Option<&Order>) -> bool {
    let Some(order) = order else { return false };
    let (config, instrument) = (&plan.state.config, plan.state.config.instruments.get(order.instrument.at()));
    match (&event.payload, instrument) {
        (Payload::Filled(_) | Payload::Replaced(_), None) => true,
        (Payload::Filled(filled), Some(instrument)) => {
            let Some(currency) = config.currencies.get(filled.fee_currency.at()) else { return true };
            let in_base = fee_in_base(instrument, filled.fee_currency);
            filled.quantity.0 <= 0
                || !is_price(instrument, filled.price)
                || (in_base && currency.scale != instrument.quantity_decimals)
        }
        (Payload::Replaced(replaced), Some(instrument)) => {
            let wrong = |price, wanted| if wanted { !is_price(instrument, price) } else { price != NONE_PRICE };
            let starts_trail = is_trailing(order.order_type) && replaced.stop_price != NONE_PRICE;
            let takes_stop = takes_stop(order.order_type) || starts_trail;
            replaced.quantity.0 <= 0
                || wrong(replaced.limit_price, takes_limit(order.order_type))
                || wrong(replaced.stop_price, takes_stop)
        }
        _ => false,
    }
}

fn is_price(instrument: &Instrument, price: Price) -> bool {
    price.0 >= 1 && price <= instrument.max_price
}

/// Whether a fee in the currency is paid out of the position.
fn fee_in_base(instrument: &Instrument, currency: CurrencyIndex) -> bool {
    instrument.is_spot()
        && currency == instrument.base_currency
        && instrument.base_currency != instrument.settlement_currency
}

/// A report on an order that exists.
pub(super) fn apply_report(plan: &mut Plan<'_>, event: &Event, order: &Order) -> Result<(), OutOfRange> {
    let Some(told) = OrderInput::from_u8(event.payload.event_type().number()) else { return Ok(()) };
    let (ordinal, status) = (order.ordinal, order.status());
    let transition = match transition(order.state(), told, guard(order, &event.payload)) {
        Outcome::Moves(_) if order.life == Life::Held && event.venue != ENGINE_VENUE => {
            plan.find(RejectCode::RIllegal, ordinal.0, status.number());
            return Ok(());
        }
        Outcome::Moves(moved) if planted!(4) && moved.effect.has(Effect::LATE) => {
            plan.find(RejectCode::RIllegal, ordinal.0, status.number());
            return Ok(());
        }
        Outcome::Moves(transition) => transition,
        Outcome::Refused(code) => {
            plan.find(code, ordinal.0, status.number());
            return Ok(());
        }
        Outcome::Impossible => {
            unreachable!("order {} {told:?} in {:?}: a combination that cannot occur", ordinal.0, order.state())
        }
    };
    if transition.effect.has(Effect::NOOP) {
        return Ok(());
    }
    if transition.effect.has(Effect::LATE) {
        plan.find(RejectCode::RLateFill, ordinal.0, 0);
    }
    if transition.effect.has(Effect::OVERFILL)
        && let Payload::Filled(filled) = &event.payload
    {
        plan.find(RejectCode::ROverfill, ordinal.0, filled.quantity.0 - order.open_quantity.0);
        plan.staged.freeze = Some(order.instrument);
    }
    if let Payload::Filled(filled) = &event.payload {
        find_group_overfill(plan, order, filled);
    }
    plan.owner = Some(order.id.strategy);
    let mut after = *order;
    enter(&mut after, transition.state, plan.state.now);
    if planted!(9) && transition.effect.has(Effect::IMPLIED_ACCEPT) {
        after.in_doubt = order.in_doubt;
    }
    apply_content(plan, event, &mut after)?;
    plan.status_changed = after.status() != status || after.version != order.version;
    plan.staged.orders.put(ordinal, after);
    Ok(())
}

/// More than its group let the order fill, though it was open itself: legs crossed at a venue that does not hold groups.
fn find_group_overfill(plan: &mut Plan<'_>, order: &Order, filled: &Filled) {
    let Some(group) = plan.state.group_of(order) else { return };
    let allowed = room(order, order.open_quantity, &plan.state.members(group, order));
    let excess = i128::from(filled.quantity.min(order.open_quantity).0) - allowed;
    if excess > 0 {
        plan.find(RejectCode::RGroupOverfill, order.ordinal.0, excess);
    }
}

fn guard(order: &Order, payload: &Payload) -> Guard {
    match payload {
        Payload::Filled(filled) => guard_of(i128::from(order.open_quantity.0) - i128::from(filled.quantity.0)),
        Payload::Replaced(replaced) => guard_of(i128::from(replaced.quantity.0) - i128::from(order.net_filled().0)),
        _ => Guard::Any,
    }
}

/// What a report brings beyond the next state.
fn apply_content(plan: &mut Plan<'_>, event: &Event, after: &mut Order) -> Result<(), OutOfRange> {
    match &event.payload {
        Payload::Filled(filled) => book_fill(plan, event, filled, after)?,
        Payload::Replaced(Replaced { quantity, limit_price, stop_price, .. }) => {
            start_version(after, *quantity, *limit_price, *stop_price);
        }
        Payload::Busted(busted) => take_back(plan, event.account, &busted.fill_key, after)?,
        Payload::Settled(settled) => settle_fill(plan, event.account, &settled.fill_key, after)?,
        Payload::Rejected(rejected) => after.code = rejected.reason,
        Payload::Cancelled(cancelled) => after.code = cancelled.reason,
        _ => {}
    }
    Ok(())
}

fn book_fill(plan: &mut Plan<'_>, event: &Event, filled: &Filled, after: &mut Order) -> Result<(), OutOfRange> {
    let instrument = plan.state.instrument(after.instrument);
    let value = contract_value(instrument, filled.price, filled.quantity)?;
    let in_base = fee_in_base(instrument, filled.fee_currency);
    let fee_quantity = if in_base { quantity(filled.fee.0)? } else { Quantity(0) };
    let fee = if in_base { Money(0) } else { money(filled.fee.0)? };
    let (strategy, account) = (after.id.strategy, after.account);
    let lot = Lot {
        key: event.idempotency_key.clone(),
        quantity: Quantity(after.direction() * filled.quantity.0),
        value: Money(instrument.value_sign() * value.0),
        fee_quantity,
        cause: FILL,
    };
    let record = FillRecord {
        order: after.ordinal,
        strategy,
        instrument: after.instrument,
        quantity: lot.quantity,
        value: lot.value,
        fee_currency: filled.fee_currency,
        fee,
        fee_quantity,
        settled: !plan.state.config.venues[after.venue.at()].capabilities.provisional_fills,
        busted: false,
    };
    append(plan, (account, strategy, after.instrument), &lot, !record.settled);
    plan.book_lot(account, strategy, after.instrument, &lot)?;
    plan.pay_fee(account, strategy, filled.fee_currency, fee)?;
    fill(after, filled.quantity, value)?;
    let place = (account, event.idempotency_key.clone());
    let parked = !plan.state.parked.is_empty() && plan.state.parked.get(&place) == Some(&after.ordinal);
    plan.staged.fills.put(place.clone(), record);
    if parked {
        plan.staged.parked.put(place, None);
        take_back(plan, account, &event.idempotency_key, after)?;
    }
    Ok(())
}

/// Account, strategy and instrument of a change.
type Place = (AccountIndex, StrategyIndex, InstrumentIndex);

/// Keep a cause while fills before it, or it itself, may still be busted.
fn append(plan: &mut Plan<'_>, (account, strategy, instrument): Place, lot: &Lot, provisional: bool) {
    if !plan.stage_unsettled(account, strategy, instrument, provisional) {
        return;
    }
    for unsettled in plan.unsettled(account, strategy, instrument) {
        if provisional || !unsettled.lots.is_empty() {
            unsettled.lots.push(lot.clone());
            unsettled.settled.push(!provisional);
        }
    }
}

/// Take a fill back: its fee returns; an unsettled one is refolded away, a settled one gets an opposite fill.
fn take_back(plan: &mut Plan<'_>, account: AccountIndex, key: &str, after: &mut Order) -> Result<(), OutOfRange> {
    let place = (account, Box::from(key));
    let record = plan.staged.fills.get(&place).or_else(|| plan.state.fills.get(&place)).copied();
    let Some(record) = record.filter(|record| record.order == after.ordinal) else {
        plan.find(RejectCode::RBustUnknown, after.ordinal.0, 0);
        plan.staged.parked.put(place, Some(after.ordinal));
        return Ok(());
    };
    if record.busted {
        plan.find(RejectCode::RBustRepeated, after.ordinal.0, 0);
        return Ok(());
    }
    if record.settled {
        plan.find(RejectCode::RBustSettled, after.ordinal.0, 0);
        let lot = Lot {
            key: Box::default(),
            quantity: Quantity(-record.quantity.0),
            value: record.value,
            fee_quantity: Quantity(-record.fee_quantity.0),
            cause: FILL,
        };
        append(plan, (account, record.strategy, record.instrument), &lot, false);
        plan.book_lot(account, record.strategy, record.instrument, &lot)?;
    } else {
        refold_without(plan, account, &record, key)?;
    }
    if !planted!(6) {
        plan.pay_fee(account, record.strategy, record.fee_currency, Money(-record.fee.0))?;
    }
    bust(after, Quantity(record.quantity.0.abs()), Money(record.value.0.abs()))?;
    plan.staged.fills.put(place, FillRecord { busted: true, ..record });
    Ok(())
}

fn refold_without(
    plan: &mut Plan<'_>,
    account: AccountIndex,
    record: &FillRecord,
    key: &str,
) -> Result<(), OutOfRange> {
    plan.stage_unsettled(account, record.strategy, record.instrument, true);
    let mut positions = [Position::default(); 2];
    for (position, unsettled) in positions.iter_mut().zip(plan.unsettled(account, record.strategy, record.instrument)) {
        let index = index_of(unsettled, key);
        *position = refold(unsettled, index)?;
        unsettled.lots.remove(index);
        unsettled.settled.remove(index);
        settle_front(unsettled)?;
    }
    plan.replace_positions(account, record.strategy, record.instrument, positions)
}

fn index_of(unsettled: &Unsettled, key: &str) -> usize {
    let place = unsettled.lots.iter().position(|lot| &*lot.key == key);
    place.unwrap_or_else(|| unreachable!("the unsettled fill {key} is kept"))
}

/// Move what is final at the front into the base.
pub(super) fn settle_front(unsettled: &mut Unsettled) -> Result<(), OutOfRange> {
    if unsettled.settled.first() == Some(&true) { settle(unsettled, 0) } else { Ok(()) }
}

fn settle_fill(plan: &mut Plan<'_>, account: AccountIndex, key: &str, after: &Order) -> Result<(), OutOfRange> {
    let place = (account, Box::from(key));
    let record = plan.state.fills.get(&place).copied();
    let open = |record: &FillRecord| record.order == after.ordinal && !record.settled && !record.busted;
    let Some(record) = record.filter(open) else {
        plan.find(RejectCode::RSettledUnknown, after.ordinal.0, 0);
        return Ok(());
    };
    plan.stage_unsettled(account, record.strategy, record.instrument, true);
    for unsettled in plan.unsettled(account, record.strategy, record.instrument) {
        settle(unsettled, index_of(unsettled, key))?;
    }
    plan.staged.fills.put(place, FillRecord { settled: true, ..record });
    Ok(())
}

/// The engine ends an order that it held; one that it does not hold is malformed.
pub(super) fn apply_held_end(plan: &mut Plan<'_>, event: &Event, ordinal: OrderOrdinal) -> Result<(), OutOfRange> {
    match plan.state.orders.get(&ordinal).filter(|order| order.life == Life::Held) {
        Some(order) => apply_report(plan, event, order),
        None => {
            plan.refuse(RejectCode::RMalformed, ordinal.0);
            Ok(())
        }
    }
}

/// What the engine itself refused. One that comes from elsewhere, or denies what is no Created order, is malformed.
pub(super) fn apply_engine_report(plan: &mut Plan<'_>, event: &Event) {
    let own = event.venue == ENGINE_VENUE;
    match &event.payload {
        Payload::Refused(refused) if own && refused.strategy.at() < plan.state.owners.len() => {
            plan.owner = Some(refused.strategy);
        }
        Payload::Denied(denied) => {
            let before = plan.state.orders.get(&denied.order).filter(|order| own && order.life == Life::Created);
            match before {
                Some(before) => deny(plan, denied, *before),
                None => plan.refuse(RejectCode::RMalformed, denied.order.0),
            }
        }
        _ => plan.refuse(RejectCode::RMalformed, 0),
    }
}

fn deny(plan: &mut Plan<'_>, denied: &Denied, before: Order) {
    let mut after = before;
    match transition(before.state(), OrderInput::Deny, Guard::Any) {
        Outcome::Moves(moved) => enter(&mut after, moved.state, plan.state.now),
        outcome => unreachable!("a denied order was Created: {outcome:?}"),
    }
    after.code = denied.code;
    plan.owner = Some(after.id.strategy);
    plan.status_changed = true;
    plan.staged.orders.put(denied.order, after);
}

/// Statements, transfers, funding and settlement.
pub(super) fn apply_account_event(plan: &mut Plan<'_>, event: &Event) -> Result<(), OutOfRange> {
    match &event.payload {
        Payload::BalanceStatement(statement) => {
            let held = plan.ledger(event.account, statement.currency).cash;
            if held != statement.total {
                plan.find(RejectCode::RStatement, statement.total.0, held.0);
            }
        }
        Payload::PositionStatement(statement) => {
            let held = plan.position(event.account, event.instrument).quantity;
            if held != statement.quantity {
                plan.find(RejectCode::RStatement, statement.quantity.0, held.0);
            }
        }
        Payload::Transfer(transfer) => apply_transfer(plan, event, transfer)?,
        Payload::Funding(funding) => {
            let ledger = receive(&plan.ledger(event.account, funding.currency), funding.amount)?;
            plan.staged.ledgers.put((event.account, funding.currency), ledger);
        }
        Payload::Settlement(settlement) => apply_settlement(plan, event.account, event.instrument, settlement.price)?,
        _ => {}
    }
    Ok(())
}

/// An amount from outside may be of any size.
fn plus(held: Money, amount: Money) -> Result<Money, OutOfRange> {
    held.0.checked_add(amount.0).map(Money).ok_or(OutOfRange)
}

/// Money comes or goes; an asset comes or goes at its cost, as if that had been deposited and paid.
fn apply_transfer(plan: &mut Plan<'_>, event: &Event, transfer: &Transfer) -> Result<(), OutOfRange> {
    let account = event.account;
    if event.instrument == NULL_INSTRUMENT {
        return deposit(plan, account, transfer.currency, transfer.amount);
    }
    let instrument = plan.state.instrument(event.instrument);
    let magnitude = Quantity(transfer.quantity.0.abs());
    let value = instrument.value_sign() * contract_value(instrument, transfer.price, magnitude)?.0;
    let lot = Lot {
        key: Box::default(),
        quantity: transfer.quantity,
        value: Money(value),
        fee_quantity: Quantity(0),
        cause: TRANSFER,
    };
    append(plan, (account, StrategyIndex::NULL, event.instrument), &lot, false);
    plan.book_lot(account, StrategyIndex::NULL, event.instrument, &lot)?;
    if instrument.is_spot() {
        let amount = Money(if transfer.quantity.0 > 0 { value } else { -value });
        deposit(plan, account, instrument.settlement_currency, amount)?;
    }
    Ok(())
}

fn deposit(
    plan: &mut Plan<'_>,
    account: AccountIndex,
    currency: CurrencyIndex,
    amount: Money,
) -> Result<(), OutOfRange> {
    let mut ledger = plan.ledger(account, currency);
    ledger.cash = plus(ledger.cash, amount)?;
    ledger.transfers = plus(ledger.transfers, amount)?;
    plan.staged.ledgers.put((account, currency), checked(ledger)?);
    Ok(())
}

/// The account closes at `price` for its one rounded value, as the venue books it; each holder for its own, and the last of them for
/// what rounding leaves. Earlier fills become final.
fn apply_settlement(
    plan: &mut Plan<'_>,
    account: AccountIndex,
    instrument: InstrumentIndex,
    price: Price,
) -> Result<(), OutOfRange> {
    let state = plan.state;
    let declared = state.instrument(instrument);
    let held = plan.position(account, instrument);
    let proceeds = signed_value(declared, &held, price)?;
    let mut left = proceeds;
    let holders: Vec<StrategyIndex> =
        plan.owners().filter(|strategy| plan.own_position(*strategy, instrument).quantity.0 != 0).collect();
    for strategy in &holders {
        let own = plan.own_position(*strategy, instrument);
        let value = if Some(strategy) == holders.last() { left } else { signed_value(declared, &own, price)? };
        left = money(left.0 - value.0)?;
        plan.staged.strategies.put((*strategy, instrument), close(&own, value)?);
    }
    plan.settle_account(account, instrument, close(&held, proceeds)?)?;
    let none_left = |unsettled: &Unsettled| Unsettled { base: unsettled.base, lots: Vec::new(), settled: Vec::new() };
    if let Some(unsettled) = state.unsettled_accounts.get(&(account, instrument)) {
        plan.staged.unsettled_accounts.put((account, instrument), none_left(unsettled));
    }
    for (place, unsettled) in state.unsettled_strategies.iter().filter(|(place, _)| place.1 == instrument) {
        plan.staged.unsettled_strategies.put(*place, none_left(unsettled));
    }
    let open = |record: &FillRecord| record.instrument == instrument && !record.settled;
    for (place, record) in state.fills.iter().filter(|(place, record)| place.0 == account && open(record)) {
        plan.staged.fills.put(place.clone(), FillRecord { settled: true, ..*record });
    }
    Ok(())
}

/// Codes of what `apply_report` and `apply_account_event` take.
#[must_use]
pub const fn is_report(code: EventType) -> bool {
    EventType::Accepted as u8 <= code as u8 && code as u8 <= EventType::Settlement as u8
}
