//! Admission: may this intent become a command? Schema, capability, risk, legality; the first failure wins.
//!
//! Nothing is changed here. Cancels are never blocked by risk.

use crate::account::{AccountKind, exposure, is_growth, worst_exposure};
use crate::config::LOOP_DEPTH;
use crate::fee::worst_fee;
use crate::group::{IDLE, Working};
use crate::instrument::{Instrument, InstrumentKind, contract_value};
use crate::intent::{
    CancelOrder, Intent, NO_ORDER, OrderId, OrderType, PlaceOrder, ReplaceOrder, RiskFlag, SetRiskFlag, Side,
    TimeInForce, TrailKind,
};
use crate::order::{
    BASIS_POINTS, Guard, Life, Order, OrderInput, Outcome, Pending, Place, is_trailing, new_order, takes_limit,
    takes_stop, trail_distance, transition,
};
use crate::reject::RejectCode;
use crate::state::State;
use crate::units::{
    AccountIndex, InstrumentIndex, Money, NONE_PRICE, NONE_TIME, OutOfRange, Price, Quantity, RATE_ONE, Rounding,
    StrategyIndex, money, mul_div_round, quantity,
};

/// What admission says: the code that refuses (0 admits) with its two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The code, or 0.
    pub code: u16,
    /// What was there.
    pub value: i128,
    /// What may be.
    pub limit: i128,
}

/// Nothing stands against it.
pub const ADMITTED: Verdict = Verdict { code: 0, value: 0, limit: 0 };

/// What an order would be: a new one, or a working one under new terms.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whose it is.
    pub strategy: StrategyIndex,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// Its side.
    pub side: u8,
    /// Its type.
    pub order_type: u8,
    /// What could still fill.
    pub quantity: Quantity,
    /// Its limit, or the null price.
    pub limit_price: Price,
    /// The price at which risk values it, or the null price.
    pub risk_price: Price,
    /// What the order's unit, the order or its group, adds to the working quantities today; nothing for a new order alone.
    pub replaced: Working,
    /// What the unit would add under the terms.
    pub added: Working,
    /// Whether what it would reserve fits the numbers.
    pub fits: bool,
    /// Whether it is new.
    pub is_new: bool,
}

impl Terms {
    const fn is_buy(&self) -> bool {
        self.side == Side::Buy as u8
    }

    /// The part of (buying, selling) that is the order's.
    fn side_of(&self, (buying, selling): (i128, i128)) -> i128 {
        if self.is_buy() { buying } else { selling }
    }

    fn wanted(&self) -> i128 {
        i128::from(self.quantity.0)
    }
}

/// A refusal where a check fails; the check's numbers go through `?`.
type Check = Result<(), Verdict>;

fn refuse(code: RejectCode, value: impl Into<i128>, limit: impl Into<i128>) -> Check {
    Err(Verdict { code: code.number(), value: value.into(), limit: limit.into() })
}

/// The verdict on one intent, on the state that the earlier ones left.
#[must_use]
pub fn admit(state: &State, strategy: StrategyIndex, intent: &Intent, depth: u32) -> Verdict {
    let checked = match intent {
        Intent::NoOp(_) => Ok(()),
        _ if depth >= LOOP_DEPTH + u32::from(planted!(10)) => refuse(RejectCode::ELoop, depth, LOOP_DEPTH),
        Intent::PlaceOrder(place) => admit_place(state, strategy, place),
        Intent::CancelOrder(cancel) => admit_cancel(state, strategy, cancel),
        Intent::ReplaceOrder(replace) => admit_replace(state, strategy, replace),
        Intent::SetRiskFlag(flag) => admit_flag(flag),
    };
    checked.err().unwrap_or(ADMITTED)
}

fn admit_place(state: &State, strategy: StrategyIndex, place: &PlaceOrder) -> Check {
    place_schema(state, strategy, place)?;
    place_capability(state, place)?;
    let order = proposed(state, OrderId { strategy, seq: state.seq, index: 0 }, place);
    let joined = state.joined(&order);
    let (replaced, added) = joined.unwrap_or((IDLE, IDLE));
    let terms = Terms {
        strategy,
        instrument: place.instrument,
        side: place.side,
        order_type: place.order_type,
        quantity: place.quantity,
        limit_price: place.limit_price,
        risk_price: order.reserve_price,
        replaced,
        added,
        fits: joined.is_ok(),
        is_new: true,
    };
    risk(state, &terms)
}

/// The order of an intent that passed its schema, as it would leave.
fn proposed(state: &State, id: OrderId, place: &PlaceOrder) -> Order {
    // An id that names no order has ordinal 0, as an order without parent or group has.
    let [parent, oco] = [place.parent, place.oco].map(|one| state.by_id.get(&one).copied().unwrap_or_default());
    let (venue, account) = (state.instrument(place.instrument).venue, state.account_of(place.instrument));
    let order = new_order(place, Place { ordinal: state.next_ordinal, id, venue, account, parent, oco }, state.now);
    let held = parent.0 != 0 && !state.holds_groups(&order);
    let life = if held { Life::Held } else { Life::Submitted };
    Order { life, reserve_price: reserve_price(state, place), ..order }
}

/// The price at which risk values an order: its limit, else its stop, else the mark (null without one). The stop of a trailing buy
/// starts a trail above the mark, and its limit stands above the stop.
#[must_use]
pub fn reserve_price(state: &State, place: &PlaceOrder) -> Price {
    if place.limit_price != NONE_PRICE {
        return place.limit_price;
    }
    let mark = state.markets[place.instrument.at()].mark;
    let price = if place.stop_price == NONE_PRICE { mark } else { place.stop_price };
    if place.side != Side::Buy.number() || price == NONE_PRICE || !is_trailing(place.order_type) {
        return price;
    }
    let instrument = state.instrument(place.instrument);
    let mut worst = i128::from(price.0) + i128::from(place.limit_offset.0.max(0));
    if place.stop_price == NONE_PRICE {
        let distance = trail_distance(place.trail_kind, place.trail_offset, mark, instrument.tick);
        worst += distance.map_or(i128::from(instrument.max_price.0), |distance| distance.0.into());
    }
    Price(i64::try_from(worst).unwrap_or(i64::MAX).min(instrument.max_price.0))
}

fn place_schema(state: &State, strategy: StrategyIndex, place: &PlaceOrder) -> Check {
    let declared = state.config.instruments.len();
    if place.instrument.at() >= declared {
        return refuse(RejectCode::EUnknownInstrument, place.instrument.0, declared as u64);
    }
    if Side::from_u8(place.side).is_none() {
        return refuse(RejectCode::EBadField, place.side, 1);
    }
    if OrderType::from_u8(place.order_type).is_none() {
        return refuse(RejectCode::EBadField, place.order_type, 2);
    }
    if TimeInForce::from_u8(place.time_in_force).is_none() {
        return refuse(RejectCode::EBadField, place.time_in_force, 3);
    }
    let instrument = state.instrument(place.instrument);
    terms_schema(instrument, place.order_type, place.quantity, place.limit_price, place.stop_price)?;
    let expires = place.expire_time != NONE_TIME;
    let gtd = place.time_in_force == TimeInForce::Gtd.number();
    if expires != gtd || (expires && place.expire_time <= state.now) {
        return refuse(RejectCode::EExpireTime, place.expire_time.0, state.now.0);
    }
    group_schema(state, strategy, place)?;
    trail_schema(instrument, place)
}

/// Whether the orders that are named can be a parent and a leader of this one.
fn group_schema(state: &State, strategy: StrategyIndex, place: &PlaceOrder) -> Check {
    let [parent, leader] = [place.parent, place.oco].map(|name| own_order(state, strategy, name));
    if place.parent != NO_ORDER && !parent.is_some_and(|parent| is_parent(parent, place)) {
        return refuse(RejectCode::EGroup, place.parent.seq, place.parent.index);
    }
    if place.oco != NO_ORDER && !leader.is_some_and(|leader| is_leader(leader, parent, place)) {
        return refuse(RejectCode::EGroup, place.oco.seq, place.oco.index);
    }
    Ok(())
}

/// An open entry of the other side, at least as large, that is no child itself.
fn is_parent(parent: &Order, place: &PlaceOrder) -> bool {
    parent.life.is_open()
        && parent.parent.0 == 0
        && parent.instrument == place.instrument
        && parent.side != place.side
        && place.quantity <= parent.quantity
}

/// An open order of the same instrument, side and parent that leads.
fn is_leader(leader: &Order, parent: Option<&Order>, place: &PlaceOrder) -> bool {
    (leader.life.is_open() || leader.life == Life::Held)
        && leader.oco.0 == 0
        && leader.instrument == place.instrument
        && leader.side == place.side
        && leader.parent == parent.map_or_else(Default::default, |parent| parent.ordinal)
}

/// Trailing orders have an offset in reach of their kind, trailing stop-limits one for the limit, and no other order either.
fn trail_schema(instrument: &Instrument, place: &PlaceOrder) -> Check {
    let (tick, most) = (instrument.tick.0, instrument.max_price.0);
    if !is_trailing(place.order_type) {
        if place.trail_kind != 0 {
            return refuse(RejectCode::ETrail, place.trail_kind, 0);
        }
        let terms = [place.trail_offset, place.limit_offset.0];
        return terms
            .into_iter()
            .find(|term| *term != NONE_PRICE.0)
            .map_or(Ok(()), |term| refuse(RejectCode::ETrail, term, 0));
    }
    let reach = match TrailKind::from_u8(place.trail_kind) {
        None => return refuse(RejectCode::ETrail, place.trail_kind, TrailKind::BasisPoints.number()),
        Some(TrailKind::Price) => most,
        Some(TrailKind::Ticks) => most / tick,
        Some(TrailKind::BasisPoints) => (BASIS_POINTS - 1) as i64,
    };
    let off_grid = place.trail_kind == TrailKind::Price.number() && place.trail_offset % tick != 0;
    if !(1..=reach).contains(&place.trail_offset) || off_grid {
        return refuse(RejectCode::ETrail, place.trail_offset, reach);
    }
    let limit_offset = place.limit_offset.0;
    if place.order_type == OrderType::TrailingStop.number() {
        let absent = place.limit_offset == NONE_PRICE;
        return if absent { Ok(()) } else { refuse(RejectCode::ETrail, limit_offset, 0) };
    }
    if !(0..=most).contains(&limit_offset) || limit_offset % tick != 0 {
        return refuse(RejectCode::ETrail, limit_offset, most);
    }
    Ok(())
}

fn terms_schema(instrument: &Instrument, order_type: u8, total: Quantity, limit: Price, stop: Price) -> Check {
    if total.0 < 1 || total > instrument.max_quantity || (planted!(5) && total == instrument.max_quantity) {
        return refuse(RejectCode::EQuantity, total.0, instrument.max_quantity.0);
    }
    if total.0 % instrument.lot.0 != 0 {
        return refuse(RejectCode::ELot, total.0, instrument.lot.0);
    }
    let prices = [(limit, takes_limit(order_type)), (stop, takes_stop(order_type))];
    if prices.iter().any(|(price, wanted)| *wanted && *price == NONE_PRICE) {
        return refuse(RejectCode::EPriceMissing, 0, order_type);
    }
    let taken = [(limit, takes_limit(order_type)), (stop, takes_stop(order_type) || is_trailing(order_type))];
    let mut given = taken.iter().filter(|(price, _)| *price != NONE_PRICE);
    if let Some((price, _)) = given.clone().find(|(_, taken)| !taken) {
        return refuse(RejectCode::EPriceUnexpected, price.0, order_type);
    }
    if let Some((price, _)) = given.clone().find(|(price, _)| price.0 < 1 || *price > instrument.max_price) {
        return refuse(RejectCode::EPrice, price.0, instrument.max_price.0);
    }
    if let Some((price, _)) = given.find(|(price, _)| price.0 % instrument.tick.0 != 0) {
        return refuse(RejectCode::ETick, price.0, instrument.tick.0);
    }
    Ok(())
}

fn place_capability(state: &State, place: &PlaceOrder) -> Check {
    let capabilities = &state.config.venues[state.instrument(place.instrument).venue.at()].capabilities;
    if capabilities.order_types >> place.order_type & 1 == 0 {
        return refuse(RejectCode::EOrderType, place.order_type, capabilities.order_types);
    }
    if capabilities.times_in_force >> place.time_in_force & 1 == 0 {
        return refuse(RejectCode::ETimeInForce, place.time_in_force, capabilities.times_in_force);
    }
    if place.post_only && !capabilities.post_only {
        return refuse(RejectCode::EPostOnly, 0, 0);
    }
    if place.reduce_only && !capabilities.reduce_only {
        return refuse(RejectCode::EReduceOnly, 0, 0);
    }
    Ok(())
}

/// All risk checks, in the order of their codes.
fn risk(state: &State, terms: &Terms) -> Check {
    risk_switches(state, terms)?;
    let most = limits(state, terms).of(terms.instrument).max_order_quantity;
    if most.0 != 0 && terms.quantity > most {
        return refuse(RejectCode::EOrderQuantity, terms.quantity.0, most.0);
    }
    if !terms.fits {
        return out_of_range(terms);
    }
    let Ok(worst) = worst_fill(state, terms) else {
        return out_of_range(terms);
    };
    if !state.markets[terms.instrument.at()].has_mark() {
        return refuse(RejectCode::ENoMark, terms.instrument.0, 0);
    }
    risk_notional(state, terms, worst)?;
    risk_position(state, terms)?;
    risk_counts(state, terms)?;
    risk_collar(state, terms)?;
    risk_loss(state, terms)?;
    risk_account(state, terms, worst)
}

fn limits<'a>(state: &'a State, terms: &Terms) -> &'a crate::risk::RiskLimits {
    &state.config.strategies[terms.strategy.at()].limits
}

fn out_of_range(terms: &Terms) -> Check {
    refuse(RejectCode::ERange, terms.quantity.0, 0)
}

fn risk_switches(state: &State, terms: &Terms) -> Check {
    let owner = &state.owners[terms.strategy.at()];
    let market = &state.markets[terms.instrument.at()];
    if !state.started {
        return refuse(RejectCode::EStarting, 0, 0);
    }
    if state.ended {
        return refuse(RejectCode::EEnded, 0, 0);
    }
    if state.stopped != 0 {
        return refuse(RejectCode::EStopped, state.stopped, 0);
    }
    if state.kill_switch || owner.kill_switch {
        return refuse(RejectCode::EKillSwitch, 0, 0);
    }
    if market.halted || market.frozen {
        return refuse(RejectCode::EFrozen, terms.instrument.0, 0);
    }
    if state.reduce_only || owner.reduce_only {
        let reducible = reducible(state, terms);
        let held = state.own_position(terms.strategy, terms.instrument).quantity;
        if terms.fits && terms.side_of(terms.added.sides(held)) > reducible {
            return refuse(RejectCode::EReduceOnlyMode, terms.quantity.0, reducible);
        }
    }
    Ok(())
}

/// How much of the strategy's own position the order's direction can still close.
fn reducible(state: &State, terms: &Terms) -> i128 {
    let held = state.own_position(terms.strategy, terms.instrument).quantity;
    let (buying, selling) = state.own_working(terms.strategy, terms.instrument).less(terms.replaced).sides(held);
    let held = i128::from(held.0);
    let free = if terms.is_buy() { -held - buying } else { held - selling };
    free.max(0)
}

/// Value of the order at the price that risk assumes; `OutOfRange` when the largest position it can lead to, at the worst price, does
/// not fit the numbers.
fn worst_fill(state: &State, terms: &Terms) -> Result<Money, OutOfRange> {
    let instrument = state.instrument(terms.instrument);
    let account = state.account_of(terms.instrument);
    let working = working_with(state, account, terms);
    let own = state.own_working(terms.strategy, terms.instrument);
    let extreme = worst_exposure(
        state.position(account, terms.instrument).quantity,
        working.buying + working.reduce_buying,
        working.selling + working.reduce_selling,
    )
    .max(worst_exposure(
        state.own_position(terms.strategy, terms.instrument).quantity,
        own.buying + own.reduce_buying + terms.wanted(),
        own.selling + own.reduce_selling + terms.wanted(),
    ));
    let worst_price = if instrument.kind == InstrumentKind::Inverse { instrument.tick } else { instrument.max_price };
    let value = contract_value(instrument, worst_price, quantity(extreme)?)?;
    let cash = state.ledger(account, instrument.settlement_currency).cash;
    money(cash.0.abs() + value.0 + worst_fee(instrument, value)?.0)?;
    if terms.risk_price == NONE_PRICE {
        return Ok(Money(0));
    }
    contract_value(instrument, terms.risk_price, terms.quantity)
}

/// What works for the account in the instrument with the order under the terms.
fn working_with(state: &State, account: AccountIndex, terms: &Terms) -> Working {
    state.working_of(account, terms.instrument).less(terms.replaced).plus(terms.added)
}

fn risk_notional(state: &State, terms: &Terms, value: Money) -> Check {
    let most = limits(state, terms).max_order_notional;
    let currency = state.instrument(terms.instrument).settlement_currency;
    let account = &state.config.accounts[state.account_of(terms.instrument).at()];
    if most.0 == 0 && account.kind == AccountKind::Cash {
        return Ok(());
    }
    match state.to_base(value, currency) {
        Err(OutOfRange) => out_of_range(terms),
        Ok(None) => refuse(RejectCode::ENoRate, currency.0, 0),
        Ok(Some(notional)) if most.0 != 0 && notional > most => refuse(RejectCode::EOrderNotional, notional.0, most.0),
        Ok(Some(_)) => Ok(()),
    }
}

fn risk_position(state: &State, terms: &Terms) -> Check {
    let most = limits(state, terms).of(terms.instrument).max_position;
    if most.0 == 0 {
        return Ok(());
    }
    let held = state.own_position(terms.strategy, terms.instrument).quantity;
    let own = state.own_working(terms.strategy, terms.instrument).less(terms.replaced).plus(terms.added);
    let (buying, selling) = own.sides(held);
    let reach = if terms.is_buy() { i128::from(held.0) + buying } else { selling - i128::from(held.0) };
    if reach > i128::from(most.0) {
        return refuse(RejectCode::EPosition, reach, most.0);
    }
    Ok(())
}

fn risk_counts(state: &State, terms: &Terms) -> Check {
    let limits = limits(state, terms);
    let owner = &state.owners[terms.strategy.at()];
    if !terms.is_new {
        return Ok(());
    }
    if limits.max_open_orders != 0 && owner.open_orders >= limits.max_open_orders {
        return refuse(RejectCode::EOpenOrders, owner.open_orders, limits.max_open_orders);
    }
    if limits.max_orders_per_window != 0 {
        let horizon = state.now.0.saturating_sub(limits.window_ns.0);
        let recent = owner.placed.iter().filter(|time| time.0 > horizon).count() as u64;
        if recent >= u64::from(limits.max_orders_per_window) {
            return refuse(RejectCode::EOrderRate, recent, limits.max_orders_per_window);
        }
    }
    Ok(())
}

fn risk_collar(state: &State, terms: &Terms) -> Check {
    let collar = limits(state, terms).price_collar;
    if collar.0 == 0 || terms.limit_price == NONE_PRICE {
        return Ok(());
    }
    let mark = i128::from(state.markets[terms.instrument.at()].mark.0);
    let limit = i128::from(terms.limit_price.0);
    let most = mul_div_round(mark, collar.0.into(), RATE_ONE.0.into(), Rounding::Floor);
    if most.is_ok_and(|most| (limit - mark).abs() > most) {
        return refuse(RejectCode::EPriceCollar, limit, mark);
    }
    Ok(())
}

fn risk_loss(state: &State, terms: &Terms) -> Check {
    let most = limits(state, terms).max_daily_loss;
    if most.0 == 0 {
        return Ok(());
    }
    let Some(equity) = state.equity(AccountIndex::NULL) else {
        return refuse(RejectCode::ENoRate, state.instrument(terms.instrument).settlement_currency.0, 0);
    };
    let lost = state.day_equity.0 - equity.0;
    if lost > most.0 {
        return refuse(RejectCode::EDailyLoss, lost, most.0);
    }
    Ok(())
}

fn risk_account(state: &State, terms: &Terms, value: Money) -> Check {
    let account = state.account_of(terms.instrument);
    if state.config.accounts[account.at()].kind == AccountKind::Cash {
        risk_cash(state, account, terms)
    } else {
        risk_margin(state, account, terms, value)
    }
}

/// A cash account sells what it holds and buys with what is free.
fn risk_cash(state: &State, account: AccountIndex, terms: &Terms) -> Check {
    if !terms.is_buy() {
        let held = i128::from(state.position(account, terms.instrument).quantity.0);
        let selling = state.working_of(account, terms.instrument).selling;
        let free = held - (selling - terms.replaced.selling);
        let wanted = terms.added.selling;
        return if wanted != 0 && wanted > free { refuse(RejectCode::EShort, wanted, free) } else { Ok(()) };
    }
    let currency = state.instrument(terms.instrument).settlement_currency;
    let cash = state.ledger(account, currency).cash.0;
    let Ok(reserved) = state.reserved(account, currency) else {
        return out_of_range(terms);
    };
    let free = cash - (reserved.0 - terms.replaced.reserved.0);
    let needed = terms.added.reserved.0;
    if terms.added.buying != 0 && needed > free { refuse(RejectCode::ECash, needed, free) } else { Ok(()) }
}

/// Lowering the worst exposure is always allowed. What raises it needs equity at the maintenance margin of what is held, and at the
/// initial margin of everything the account could hold with the order's fee on top.
fn risk_margin(state: &State, account: AccountIndex, terms: &Terms, value: Money) -> Check {
    let held = state.position(account, terms.instrument).quantity;
    let before = state.working_of(account, terms.instrument).sides(held);
    let (buying, selling) = working_with(state, account, terms).sides(held);
    let (before, after) = (exposure(held, before.0, before.1), exposure(held, buying, selling));
    let instrument = state.instrument(terms.instrument);
    let currency = instrument.settlement_currency;
    let needed = || -> Result<Option<(Money, i128)>, OutOfRange> {
        let kept = state.maintenance_margin(account)?;
        let required = state.required_margin(account, terms.instrument, buying, selling)?;
        let fee = state.to_base(worst_fee(instrument, value)?, currency)?;
        Ok(kept.zip(required.zip(fee).map(|(required, fee)| required.0 + fee.0)))
    };
    let mark = state.markets[terms.instrument.at()].mark;
    let needed = match is_growth(instrument, mark, before, after) {
        Ok(false) => return Ok(()),
        Ok(true) => needed(),
        Err(OutOfRange) => Err(OutOfRange),
    };
    let Ok(needed) = needed else {
        return out_of_range(terms);
    };
    let Some(((kept, needed), equity)) = needed.zip(state.equity(account)) else {
        return refuse(RejectCode::ENoRate, currency.0, 0);
    };
    if kept.0 != 0 && equity < kept {
        return refuse(RejectCode::EMaintenance, kept.0, equity.0);
    }
    if needed > equity.0 { refuse(RejectCode::EMargin, needed, equity.0) } else { Ok(()) }
}

fn admit_cancel(state: &State, strategy: StrategyIndex, cancel: &CancelOrder) -> Check {
    let Some(order) = own_order(state, strategy, cancel.order) else {
        return refuse(RejectCode::EUnknownOrder, cancel.order.seq, cancel.order.index);
    };
    legal(order, OrderInput::CancelRequest)
}

fn admit_replace(state: &State, strategy: StrategyIndex, replace: &ReplaceOrder) -> Check {
    let Some(order) = own_order(state, strategy, replace.order) else {
        return refuse(RejectCode::EUnknownOrder, replace.order.seq, replace.order.index);
    };
    if order.instrument.at() >= state.config.instruments.len() {
        return refuse(RejectCode::ENotSent, order.ordinal.0, 0);
    }
    let instrument = state.instrument(order.instrument);
    terms_schema(instrument, order.order_type, replace.quantity, replace.limit_price, replace.stop_price)?;
    if let Some(parent) = state.orders.get(&order.parent) {
        let most = if state.holds_groups(order) { parent.quantity } else { parent.net_filled() };
        if replace.quantity > most && order.life != Life::Held {
            return refuse(RejectCode::EGroup, parent.id.seq, parent.id.index);
        }
    }
    if !state.config.venues[instrument.venue.at()].capabilities.replace {
        return refuse(RejectCode::EReplace, 0, 0);
    }
    if order.life.is_open() {
        let Ok(terms) = replaced_terms(state, order, replace) else {
            return refuse(RejectCode::ERange, replace.quantity.0, 0);
        };
        risk(state, &terms)?;
    }
    legal(order, OrderInput::ReplaceRequest)?;
    if replace.quantity <= order.net_filled() {
        return refuse(RejectCode::EReplaceFilled, replace.quantity.0, order.net_filled().0);
    }
    Ok(())
}

/// Whether the order's state allows the request.
fn legal(order: &Order, told: OrderInput) -> Check {
    match transition(order.state(), told, Guard::Any) {
        Outcome::Refused(code) => refuse(code, order.ordinal.0, 0),
        Outcome::Moves(_) | Outcome::Impossible => Ok(()),
    }
}

/// A working order under the worse of its present and its wanted terms.
fn replaced_terms(state: &State, order: &Order, replace: &ReplaceOrder) -> Result<Terms, OutOfRange> {
    let worse = Order {
        open_quantity: order.exposure(),
        reserve_price: order.risk_price(),
        pending: Pending::Replace,
        replace_quantity: replace.quantity,
        replace_limit_price: replace.limit_price,
        ..*order
    };
    let replaced = state.exposure(order)?;
    let added = state.exposure(&worse);
    Ok(Terms {
        strategy: order.id.strategy,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        quantity: worse.exposure(),
        limit_price: replace.limit_price,
        risk_price: worse.risk_price(),
        replaced,
        added: added.unwrap_or(replaced),
        fits: added.is_ok(),
        is_new: false,
    })
}

/// The live order with this id, if this strategy placed it.
fn own_order(state: &State, strategy: StrategyIndex, order_id: OrderId) -> Option<&Order> {
    if order_id.strategy == strategy { state.order_of(order_id) } else { None }
}

fn admit_flag(intent: &SetRiskFlag) -> Check {
    if RiskFlag::from_u8(intent.flag).is_none() {
        return refuse(RejectCode::EBadField, intent.flag, 4);
    }
    if !intent.on {
        return refuse(RejectCode::ELoosen, intent.flag, 0);
    }
    Ok(())
}
