//! The order: its factored state, the complete transition function (contract/transitions.toml) and what fills, busts and replaces do
//! to its quantities.
//!
//! Money and positions are not here: that is `portfolio` and `account`. Who may ask for what is `admission`.

use std::ops::BitOr;

use crate::event::EventType;
use crate::intent::{OrderId, OrderType, PlaceOrder, Side, TrailKind};
use crate::reject::RejectCode;
use crate::units::{
    AccountIndex, InstrumentIndex, Money, NONE_PRICE, OrderOrdinal, OutOfRange, Price, Quantity, Rounding, Time,
    VenueIndex, money, mul_div_round, numbered, quantity,
};

/// Parts of a whole that trailing distances are counted in.
pub const BASIS_POINTS: i128 = 10_000;

/// The main factor of an order's state; `Filled` and later are closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Life {
    /// Asked for, not sent.
    Created = 0,
    /// Waits in the engine for its parent's first fill.
    Held = 1,
    /// Sent.
    Submitted = 2,
    /// Known to work at the venue.
    Accepted = 3,
    /// Closed: nothing remains.
    Filled = 4,
    /// Closed: the remainder was taken back.
    Cancelled = 5,
    /// Closed: the venue refused it or its remainder.
    Rejected = 6,
    /// Closed: its time in force ran out.
    Expired = 7,
    /// Closed: never sent.
    Denied = 8,
}
numbered!(Life { Created, Held, Submitted, Accepted, Filled, Cancelled, Rejected, Expired, Denied });

impl Life {
    /// Whether the order has ended; it never reopens.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self >= Self::Filled
    }

    /// Whether the order is, or may be, at the venue.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::Accepted)
    }
}

/// Requests under way; as bits: 1 a cancel, 2 a replace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Pending {
    /// None.
    None = 0,
    /// A cancel.
    Cancel = 1,
    /// A replace.
    Replace = 2,
    /// A cancel and a replace.
    Both = 3,
}
numbered!(Pending { None, Cancel, Replace, Both });

impl Pending {
    /// Whether a request of the other is under way here.
    #[must_use]
    pub const fn has(self, asked: Self) -> bool {
        self as u8 & asked as u8 != 0
    }

    /// With the other under way, too.
    #[must_use]
    pub const fn and(self, asked: Self) -> Self {
        Self::of_bits(self as u8 | asked as u8)
    }

    /// Without the other.
    #[must_use]
    pub const fn without(self, asked: Self) -> Self {
        Self::of_bits(self as u8 & !(asked as u8))
    }

    const fn of_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Cancel,
            2 => Self::Replace,
            _ => Self::Both,
        }
    }
}

/// What an order can be told; reports carry the number of their event type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OrderInput {
    /// It leaves for the venue.
    Submit = 0,
    /// It is refused at admission.
    Deny = 1,
    /// A cancel leaves for the venue.
    CancelRequest = 2,
    /// A replace leaves for the venue.
    ReplaceRequest = 3,
    /// It waits for its parent's first fill.
    Hold = 4,
    /// The report of this name.
    Accepted = EventType::Accepted as u8,
    /// The report of this name.
    Rejected = EventType::Rejected as u8,
    /// The report of this name.
    Filled = EventType::Filled as u8,
    /// The report of this name.
    Cancelled = EventType::Cancelled as u8,
    /// The report of this name.
    Expired = EventType::Expired as u8,
    /// The report of this name.
    Triggered = EventType::Triggered as u8,
    /// The report of this name.
    Replaced = EventType::Replaced as u8,
    /// The report of this name.
    CancelRejected = EventType::CancelRejected as u8,
    /// The report of this name.
    ReplaceRejected = EventType::ReplaceRejected as u8,
    /// The report of this name.
    InDoubt = EventType::InDoubt as u8,
    /// The report of this name.
    Absent = EventType::Absent as u8,
    /// The report of this name.
    Busted = EventType::Busted as u8,
    /// The report of this name.
    Settled = EventType::Settled as u8,
}
numbered! { OrderInput {
    Submit, Deny, CancelRequest, ReplaceRequest, Hold, Accepted, Rejected, Filled, Cancelled, Expired, Triggered,
    Replaced, CancelRejected, ReplaceRejected, InDoubt, Absent, Busted, Settled,
} }

/// Sign of the remaining quantity after a fill or a confirmed replace; `Any` for every other input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Guard {
    /// It does not matter.
    Any = 0,
    /// Something remains.
    Gt0 = 1,
    /// Nothing remains.
    Eq0 = 2,
    /// More than there was.
    Lt0 = 3,
}
numbered!(Guard { Any, Gt0, Eq0, Lt0 });

/// What a transition means beyond the next state: a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Effect(pub u8);

impl Effect {
    /// Nothing more.
    pub const NONE: Self = Self(0);
    /// Nothing changes.
    pub const NOOP: Self = Self(1);
    /// An `Accepted` is recorded first.
    pub const IMPLIED_ACCEPT: Self = Self(2);
    /// The order was closed: booked, with a diagnostic.
    pub const LATE: Self = Self(4);
    /// More than was open: booked, with a diagnostic.
    pub const OVERFILL: Self = Self(8);

    /// Whether it contains the other.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Effect {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The factored state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OrderState {
    /// The main factor.
    pub life: Life,
    /// Requests under way.
    pub pending: Pending,
    /// Whether its stop was touched.
    pub triggered: bool,
    /// Whether the outcome of its submission is unknown.
    pub in_doubt: bool,
}

/// The next state and its effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// The next state.
    pub state: OrderState,
    /// What it means.
    pub effect: Effect,
}

/// A transition, the code that refuses the input, or a combination that cannot occur.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The input is taken.
    Moves(Transition),
    /// The input is refused.
    Refused(RejectCode),
    /// The state or the input in it cannot occur.
    Impossible,
}

/// What is shown of an order: one word for the factored state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Status {
    /// Not sent.
    Created = 0,
    /// Not sent: waits for its parent's first fill.
    Held = 1,
    /// Sent.
    Submitted = 2,
    /// Working.
    Accepted = 3,
    /// Working, its stop touched.
    Triggered = 4,
    /// Working, filled in part.
    PartiallyFilled = 5,
    /// A replace is under way.
    ReplacePending = 6,
    /// A cancel is under way.
    CancelPending = 7,
    /// Closed: nothing remains.
    Filled = 8,
    /// Closed: taken back.
    Cancelled = 9,
    /// Closed: the venue refused.
    Rejected = 10,
    /// Closed: its time ran out.
    Expired = 11,
    /// Closed: never sent.
    Denied = 12,
}
numbered! { Status {
    Created, Held, Submitted, Accepted, Triggered, PartiallyFilled, ReplacePending, CancelPending, Filled, Cancelled,
    Rejected, Expired, Denied,
} }

/// Statuses as the contract spells them.
pub const STATUS_NAMES: [&str; 13] = [
    "Created",
    "Held",
    "Submitted",
    "Accepted",
    "Triggered",
    "PartiallyFilled",
    "ReplacePending",
    "CancelPending",
    "Filled",
    "Cancelled",
    "Rejected",
    "Expired",
    "Denied",
];

/// One order. A plain value: the engine copies it, changes the copy, checks it, and puts it in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its number in messages.
    pub ordinal: OrderOrdinal,
    /// Its name.
    pub id: OrderId,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// Where.
    pub venue: VenueIndex,
    /// For which account.
    pub account: AccountIndex,
    /// A `Side` number.
    pub side: u8,
    /// An `OrderType` number.
    pub order_type: u8,
    /// A `TimeInForce` number.
    pub time_in_force: u8,
    /// Total of the current version.
    pub quantity: Quantity,
    /// Limit price, or null.
    pub limit_price: Price,
    /// Stop price, or null.
    pub stop_price: Price,
    /// End of a GTD order, or null.
    pub expire_time: Time,
    /// Whether it may only wait in the book.
    pub post_only: bool,
    /// Whether it may only lower the position.
    pub reduce_only: bool,
    /// A `TrailKind` number; 0 for orders that do not trail.
    pub trail_kind: u8,
    /// How far a trailing stop stays behind the best price, or null.
    pub trail_offset: i64,
    /// How far beyond its stop a trailing stop-limit's limit stands, or null.
    pub limit_offset: Price,
    /// The entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// The leader of the one-cancels-other group it joined, or 0; the leader itself has 0.
    pub oco: OrderOrdinal,
    /// When it was asked for.
    pub created_time: Time,
    /// Total that was asked for: the engine sends a child that it held for what its parent has filled.
    pub asked_quantity: Quantity,
    /// The main factor of its state.
    pub life: Life,
    /// Requests under way.
    pub pending: Pending,
    /// Whether its stop was touched.
    pub triggered: bool,
    /// Whether the outcome of its submission is unknown.
    pub in_doubt: bool,
    /// How often it was replaced.
    pub version: u32,
    /// What is left of the current version; once closed, what was left. Never below 0.
    pub open_quantity: Quantity,
    /// Gross: never falls.
    pub filled_quantity: Quantity,
    /// Gross: never falls.
    pub busted_quantity: Quantity,
    /// Value of the fills that stand, in the settlement currency.
    pub filled_value: Money,
    /// Terms of the replace under way.
    pub replace_quantity: Quantity,
    /// Terms of the replace under way.
    pub replace_limit_price: Price,
    /// Terms of the replace under way.
    pub replace_stop_price: Price,
    /// The limit of the version, else the stop, else the mark at admission.
    pub reserve_price: Price,
    /// A report about it was quarantined.
    pub flagged: bool,
    /// When it closed.
    pub closed_time: Time,
    /// Why it was denied or rejected, or 0.
    pub code: u16,
}

impl Order {
    /// The factored state.
    #[must_use]
    pub const fn state(&self) -> OrderState {
        OrderState { life: self.life, pending: self.pending, triggered: self.triggered, in_doubt: self.in_doubt }
    }

    /// Filled less busted.
    #[must_use]
    pub const fn net_filled(&self) -> Quantity {
        Quantity(self.filled_quantity.0 - self.busted_quantity.0)
    }

    /// What can still fill: nothing once closed.
    #[must_use]
    pub fn remaining_quantity(&self) -> Quantity {
        if self.life.is_closed() { Quantity(0) } else { self.open_quantity }
    }

    /// 1 for a buy, -1 for a sell.
    #[must_use]
    pub const fn direction(&self) -> i64 {
        if self.side == Side::Buy as u8 { 1 } else { -1 }
    }

    /// The most that can still fill: under an unanswered replace, the worse of both terms. 0 unless open or held.
    #[must_use]
    pub fn exposure(&self) -> Quantity {
        if !self.life.is_open() && self.life != Life::Held {
            return Quantity(0);
        }
        if self.pending.has(Pending::Replace) {
            return self.open_quantity.max(Quantity(self.replace_quantity.0 - self.net_filled().0));
        }
        self.open_quantity
    }

    /// The price at which risk values what is open: for a buy under an unanswered replace, the higher of both terms.
    #[must_use]
    pub fn risk_price(&self) -> Price {
        if self.pending.has(Pending::Replace) && self.replace_limit_price != NONE_PRICE {
            return self.reserve_price.max(self.replace_limit_price);
        }
        self.reserve_price
    }

    /// The displayed status.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.life {
            Life::Filled => Status::Filled,
            Life::Cancelled => Status::Cancelled,
            Life::Rejected => Status::Rejected,
            Life::Expired => Status::Expired,
            Life::Denied => Status::Denied,
            _ if self.pending.has(Pending::Cancel) => Status::CancelPending,
            _ if self.pending.has(Pending::Replace) => Status::ReplacePending,
            _ if self.net_filled().0 > 0 => Status::PartiallyFilled,
            _ if self.triggered => Status::Triggered,
            Life::Created => Status::Created,
            Life::Held => Status::Held,
            Life::Submitted => Status::Submitted,
            Life::Accepted => Status::Accepted,
        }
    }
}

/// Where a new order belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its number.
    pub ordinal: OrderOrdinal,
    /// Its name.
    pub id: OrderId,
    /// Where it is sent.
    pub venue: VenueIndex,
    /// For which account.
    pub account: AccountIndex,
    /// The entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// The leader of its group, or 0.
    pub oco: OrderOrdinal,
}

/// The order of an intent, Created. Fields out of range stay as they came: such an order is Denied.
#[must_use]
pub fn new_order(place: &PlaceOrder, at: Place, now: Time) -> Order {
    Order {
        ordinal: at.ordinal,
        id: at.id,
        instrument: place.instrument,
        venue: at.venue,
        account: at.account,
        side: place.side,
        order_type: place.order_type,
        time_in_force: place.time_in_force,
        quantity: place.quantity,
        limit_price: place.limit_price,
        stop_price: place.stop_price,
        expire_time: place.expire_time,
        post_only: place.post_only,
        reduce_only: place.reduce_only,
        trail_kind: place.trail_kind,
        trail_offset: place.trail_offset,
        limit_offset: place.limit_offset,
        parent: at.parent,
        oco: at.oco,
        created_time: now,
        asked_quantity: place.quantity,
        life: Life::Created,
        pending: Pending::None,
        triggered: false,
        in_doubt: false,
        version: 0,
        open_quantity: place.quantity.max(Quantity(0)),
        filled_quantity: Quantity(0),
        busted_quantity: Quantity(0),
        filled_value: Money(0),
        replace_quantity: Quantity(0),
        replace_limit_price: NONE_PRICE,
        replace_stop_price: NONE_PRICE,
        reserve_price: Price(0),
        flagged: false,
        closed_time: Time(0),
        code: 0,
    }
}

/// The guard for a remaining quantity, which may be below 0.
#[must_use]
pub const fn guard_of(remaining: i128) -> Guard {
    match remaining {
        1.. => Guard::Gt0,
        0 => Guard::Eq0,
        _ => Guard::Lt0,
    }
}

/// The state machine, complete: what `told` does to an order in `state`.
#[must_use]
pub fn transition(state: OrderState, told: OrderInput, guard: Guard) -> Outcome {
    if is_impossible(state) {
        return Outcome::Impossible;
    }
    if told <= OrderInput::Hold {
        return request(state, told);
    }
    if state.life == Life::Held && told == OrderInput::Cancelled {
        return Outcome::Moves(closed(state, Life::Cancelled));
    }
    if matches!(state.life, Life::Created | Life::Held | Life::Denied) {
        return Outcome::Refused(RejectCode::RIllegal);
    }
    match told {
        OrderInput::Filled => filled(state, guard),
        OrderInput::Busted | OrderInput::Settled => moves(state, Effect::NONE),
        _ if state.life.is_closed() => late_answer(state, told),
        OrderInput::CancelRejected | OrderInput::ReplaceRejected | OrderInput::Replaced => answer(state, told, guard),
        _ => progress(state, told),
    }
}

const fn moves(state: OrderState, effect: Effect) -> Outcome {
    Outcome::Moves(Transition { state, effect })
}

fn is_impossible(state: OrderState) -> bool {
    if state.life == Life::Held && state.pending.has(Pending::Replace) {
        return true;
    }
    if state.pending != Pending::None && !state.life.is_open() && state.life != Life::Held {
        return true;
    }
    if state.in_doubt && state.life != Life::Submitted {
        return true;
    }
    state.triggered && matches!(state.life, Life::Created | Life::Held | Life::Submitted | Life::Denied)
}

/// The engine's own inputs.
fn request(state: OrderState, told: OrderInput) -> Outcome {
    let decided = match told {
        OrderInput::Submit => Some(Life::Submitted),
        OrderInput::Deny => Some(Life::Denied),
        OrderInput::Hold => Some(Life::Held),
        _ => None,
    };
    if let Some(life) = decided {
        let released = state.life == Life::Held && told == OrderInput::Submit && state.pending == Pending::None;
        if state.life != Life::Created && !released {
            return Outcome::Impossible;
        }
        return moves(OrderState { life, ..state }, Effect::NONE);
    }
    if matches!(state.life, Life::Created | Life::Denied) {
        return Outcome::Refused(RejectCode::ENotSent);
    }
    if state.life == Life::Held && told == OrderInput::ReplaceRequest {
        return Outcome::Refused(RejectCode::ENotSent);
    }
    if state.life.is_closed() {
        return Outcome::Refused(RejectCode::EClosed);
    }
    if state.pending.has(Pending::Cancel) {
        return Outcome::Refused(RejectCode::ECancelPending);
    }
    if told == OrderInput::CancelRequest {
        return moves(OrderState { pending: state.pending.and(Pending::Cancel), ..state }, Effect::NONE);
    }
    if state.in_doubt {
        return Outcome::Refused(RejectCode::EInDoubt);
    }
    if state.pending == Pending::Replace {
        return Outcome::Refused(RejectCode::EReplacePending);
    }
    moves(OrderState { pending: Pending::Replace, ..state }, Effect::NONE)
}

/// Fills are facts: they are booked in every state that was ever sent.
fn filled(state: OrderState, guard: Guard) -> Outcome {
    let overfill = if guard == Guard::Lt0 { Effect::OVERFILL } else { Effect::NONE };
    if state.life.is_closed() {
        if state.life == Life::Filled && guard != Guard::Lt0 {
            return Outcome::Impossible;
        }
        return moves(state, Effect::LATE | overfill);
    }
    if guard == Guard::Gt0 {
        return moves(OrderState { life: Life::Accepted, in_doubt: false, ..state }, implied_accept(state));
    }
    let Transition { state: next, .. } = closed(state, Life::Filled);
    moves(next, implied_accept(state) | overfill)
}

fn implied_accept(state: OrderState) -> Effect {
    if state.life == Life::Submitted { Effect::IMPLIED_ACCEPT } else { Effect::NONE }
}

/// Reports on a working order that answer no request.
fn progress(state: OrderState, told: OrderInput) -> Outcome {
    match told {
        OrderInput::Cancelled => Outcome::Moves(closed(state, Life::Cancelled)),
        OrderInput::Expired => Outcome::Moves(closed(state, Life::Expired)),
        OrderInput::Rejected => Outcome::Moves(closed(state, Life::Rejected)),
        OrderInput::Absent if state.in_doubt => Outcome::Moves(closed(state, Life::Rejected)),
        OrderInput::Absent => Outcome::Refused(RejectCode::RIllegal),
        OrderInput::Triggered if state.triggered => moves(state, Effect::NOOP),
        OrderInput::Triggered => {
            moves(OrderState { life: Life::Accepted, triggered: true, in_doubt: false, ..state }, implied_accept(state))
        }
        _ if state.life == Life::Accepted => moves(state, Effect::NOOP),
        OrderInput::Accepted => moves(OrderState { life: Life::Accepted, in_doubt: false, ..state }, Effect::NONE),
        _ => moves(OrderState { in_doubt: true, ..state }, Effect::NONE),
    }
}

/// Answers to a cancel or a replace; one that was never asked for is wrong.
fn answer(state: OrderState, told: OrderInput, guard: Guard) -> Outcome {
    let asked = if told == OrderInput::CancelRejected { Pending::Cancel } else { Pending::Replace };
    if !state.pending.has(asked) {
        return Outcome::Refused(RejectCode::RIllegal);
    }
    let left = state.pending.without(asked);
    if told != OrderInput::Replaced {
        return moves(OrderState { pending: left, ..state }, Effect::NONE);
    }
    if guard == Guard::Gt0 {
        let next = OrderState { life: Life::Accepted, pending: left, in_doubt: false, ..state };
        return moves(next, implied_accept(state));
    }
    if state.life == Life::Submitted { Outcome::Impossible } else { Outcome::Moves(closed(state, Life::Filled)) }
}

/// On a closed order late answers have no effect and contradictions are said.
fn late_answer(state: OrderState, told: OrderInput) -> Outcome {
    use OrderInput::{
        Absent, Accepted, CancelRejected, Cancelled, Expired, InDoubt, Rejected, ReplaceRejected, Triggered,
    };
    let is_harmless = matches!(told, CancelRejected | ReplaceRejected | InDoubt)
        || match state.life {
            Life::Filled => matches!(told, Accepted | Triggered | Cancelled | Expired),
            Life::Cancelled => matches!(told, Accepted | Triggered | Cancelled),
            Life::Expired => matches!(told, Accepted | Triggered | Expired),
            Life::Rejected => matches!(told, Rejected | Absent),
            _ => false,
        };
    if is_harmless { moves(state, Effect::NOOP) } else { Outcome::Refused(RejectCode::RIllegal) }
}

const fn closed(state: OrderState, life: Life) -> Transition {
    let state = OrderState { life, pending: Pending::None, triggered: state.triggered, in_doubt: false };
    Transition { state, effect: Effect::NONE }
}

/// Put the order into `state`; a close is stamped.
pub fn enter(order: &mut Order, state: OrderState, now: Time) {
    if state.life.is_closed() && !order.life.is_closed() {
        order.closed_time = now;
    }
    order.life = state.life;
    order.pending = state.pending;
    order.triggered = state.triggered;
    order.in_doubt = state.in_doubt;
}

/// Book a fill's quantity and value. `OutOfRange` when they do not fit.
pub fn fill(order: &mut Order, filled: Quantity, value: Money) -> Result<(), OutOfRange> {
    order.filled_quantity = quantity(i128::from(order.filled_quantity.0) + i128::from(filled.0))?;
    order.filled_value = money(order.filled_value.0 + value.0)?;
    order.open_quantity = Quantity((order.open_quantity.0 - filled.0).max(0));
    Ok(())
}

/// Take a fill back: what is open does not rise.
pub fn bust(order: &mut Order, busted: Quantity, value: Money) -> Result<(), OutOfRange> {
    order.busted_quantity = quantity(i128::from(order.busted_quantity.0) + i128::from(busted.0))?;
    order.filled_value = money(order.filled_value.0 - value.0)?;
    Ok(())
}

/// A confirmed replace: new terms, and open = new total - net filled, at least 0.
pub fn start_version(order: &mut Order, total: Quantity, limit_price: Price, stop_price: Price) {
    order.version += 1;
    order.quantity = total;
    order.limit_price = limit_price;
    order.stop_price = stop_price;
    order.open_quantity = Quantity((total.0 - order.net_filled().0).max(0));
    if limit_price != NONE_PRICE {
        order.reserve_price = limit_price;
    }
}

/// Whether the type has a limit price.
#[must_use]
pub const fn takes_limit(order_type: u8) -> bool {
    order_type == OrderType::Limit as u8 || order_type == OrderType::StopLimit as u8
}

/// Whether the type must have a stop price.
#[must_use]
pub const fn takes_stop(order_type: u8) -> bool {
    order_type == OrderType::Stop as u8 || order_type == OrderType::StopLimit as u8
}

/// Whether the type has a stop that follows the price; its stop price is optional: where the stop starts.
#[must_use]
pub const fn is_trailing(order_type: u8) -> bool {
    order_type == OrderType::TrailingStop as u8 || order_type == OrderType::TrailingStopLimit as u8
}

/// How far behind the best price a trailing stop stands. Basis points are rounded half to even on the tick, and never to nothing.
/// `OutOfRange` when the distance does not fit, which admission excludes.
pub fn trail_distance(kind: u8, offset: i64, best: Price, tick: Price) -> Result<Price, OutOfRange> {
    let ticks = match TrailKind::from_u8(kind) {
        Some(TrailKind::Price) => return Ok(Price(offset)),
        Some(TrailKind::Ticks) => i128::from(offset),
        _ => mul_div_round(best.0.into(), offset.into(), BASIS_POINTS * i128::from(tick.0), Rounding::HalfEven)?.max(1),
    };
    i64::try_from(ticks * i128::from(tick.0)).map(Price).map_err(|_| OutOfRange)
}
