//! What the simulated venue is asked, what it works with, and what it answers: commands, working orders, points in time, reports.
//!
//! How an order is filled is not here: bars, ticks and desk do that.

use crate::event::Event;
use crate::intent::{OrderType, Side, TimeInForce};
use crate::units::{I64_MIN, InstrumentIndex, NONE_PRICE, OrderOrdinal, Price, Quantity, Time, numbered};

/// Rows of the fill table (contract/fills.toml).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FillRule {
    /// The fill came from outside.
    Outside = 0,
    /// A market order at the next open.
    BarNextOpen = 1,
    /// A market order at a close.
    BarSameClose = 2,
    /// A limit order at the first open it takes part in.
    BarOpen = 3,
    /// A limit order at a later open.
    BarGap = 4,
    /// A limit order on the path of a bar.
    BarTouch = 5,
    /// A stop at an open at it or beyond it.
    BarStopOpen = 6,
    /// A stop on the path of a bar.
    BarStop = 7,
    /// A stop-limit whose trigger satisfies its limit.
    BarStopLimit = 8,
    /// A market-on-close order.
    BarOnClose = 9,
    /// A child where the path stands when it becomes live.
    BarEnter = 10,
    /// A market order at the next trade.
    TradeNext = 11,
    /// A limit order at the first trade it meets.
    TradeFirst = 12,
    /// A limit order at a later trade.
    TradeTouch = 13,
    /// A stop at a trade.
    TradeStop = 14,
    /// A stop-limit whose trigger satisfies its limit, on trades.
    TradeStopLimit = 15,
    /// A market-on-close order at the session's last trade.
    TradeOnClose = 16,
    /// A market order at the top of the book.
    QuoteTop = 17,
    /// A limit order at the first top it meets.
    QuoteFirst = 18,
    /// A limit order that the top reaches later.
    QuoteTouch = 19,
    /// A stop at the top of the book.
    QuoteStop = 20,
    /// A stop-limit whose trigger satisfies its limit, on quotes.
    QuoteStopLimit = 21,
    /// A market-on-close order at the session's last top.
    QuoteOnClose = 22,
}
numbered!(FillRule {
    Outside,
    BarNextOpen,
    BarSameClose,
    BarOpen,
    BarGap,
    BarTouch,
    BarStopOpen,
    BarStop,
    BarStopLimit,
    BarOnClose,
    BarEnter,
    TradeNext,
    TradeFirst,
    TradeTouch,
    TradeStop,
    TradeStopLimit,
    TradeOnClose,
    QuoteTop,
    QuoteFirst,
    QuoteTouch,
    QuoteStop,
    QuoteStopLimit,
    QuoteOnClose,
});

/// Order of what happens at one instant; sequenced items come at `Item`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Phase {
    /// The rest of a bar, at its close.
    Path = 0,
    /// A command arrives.
    Command = 1,
    /// A session opens or closes.
    Session = 2,
    /// Funding, payments and settlements.
    Schedule = 3,
    /// Sequenced items.
    Item = 4,
    /// The open of a bar.
    Open = 5,
}

/// What the engine asks of a venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CommandKind {
    /// Work a new order.
    Submit = 0,
    /// Take the remainder back.
    Cancel = 1,
    /// Put new terms in place.
    Replace = 2,
}
numbered!(CommandKind { Submit, Cancel, Replace });

/// The step that caused something: its time and its depth in a chain of callbacks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cause {
    /// When it was.
    pub now: Time,
    /// How deep.
    pub depth: u32,
}

/// The cause of what comes from outside or at a time of its own.
pub const NO_CAUSE: Cause = Cause { now: Time(I64_MIN), depth: 0 };

/// A request to a venue. Terms are those of the order to submit, or its new terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What is asked.
    pub kind: CommandKind,
    /// The order it is about.
    pub order: OrderOrdinal,
    /// The order's instrument.
    pub instrument: InstrumentIndex,
    /// The order's side.
    pub side: u8,
    /// The order's type.
    pub order_type: u8,
    /// The order's time in force.
    pub time_in_force: u8,
    /// Total quantity.
    pub quantity: Quantity,
    /// Limit, or the null price.
    pub limit_price: Price,
    /// Stop, or the null price.
    pub stop_price: Price,
    /// End, or the null time.
    pub expire_time: Time,
    /// Never takes.
    pub post_only: bool,
    /// Never opens.
    pub reduce_only: bool,
    /// A `TrailKind` number.
    pub trail_kind: u8,
    /// Distance of a trailing stop, or null.
    pub trail_offset: i64,
    /// Distance of its limit from its stop, or null.
    pub limit_offset: Price,
    /// The entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// The leader of the one-cancels-other group it joins, or 0.
    pub oco: OrderOrdinal,
    /// The step that asked.
    pub cause: Cause,
}

/// A moment of the venue; `instrument` is 0 for commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Point {
    /// When.
    pub time: Time,
    /// At which place of that instant.
    pub phase: Phase,
    /// Whose bar.
    pub instrument: InstrumentIndex,
}

/// An item for the sequencer and what caused it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The item.
    pub event: Event,
    /// What caused it.
    pub cause: Cause,
}

/// How an order trades at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// At what the market shows; a triggered stop too.
    Market,
    /// At its limit or better; a triggered stop-limit too.
    Limit,
    /// Not before its stop is reached.
    Stop,
    /// At the close.
    Close,
}

/// Types that are limit orders once triggered.
pub const STOP_LIMITS: [u8; 2] = [OrderType::StopLimit as u8, OrderType::TrailingStopLimit as u8];

/// How an order of the type trades, before or after its stop was reached.
#[must_use]
pub fn mode_of(order_type: u8, triggered: bool) -> Mode {
    if triggered {
        return if STOP_LIMITS.contains(&order_type) { Mode::Limit } else { Mode::Market };
    }
    match OrderType::from_u8(order_type) {
        Some(OrderType::Limit) => Mode::Limit,
        Some(OrderType::MarketOnClose) => Mode::Close,
        Some(OrderType::Market) | None => Mode::Market,
        Some(_) => Mode::Stop,
    }
}

/// An order working at the venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VenueOrder {
    /// The engine's number of it.
    pub order: OrderOrdinal,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// Its side.
    pub side: u8,
    /// Its type.
    pub order_type: u8,
    /// Its time in force.
    pub time_in_force: u8,
    /// Total.
    pub quantity: Quantity,
    /// Limit, or the null price. Of a trailing stop-limit: set when it is triggered.
    pub limit_price: Price,
    /// Stop, or the null price. Of a trailing order: where its stop stands, null before it has seen a price.
    pub stop_price: Price,
    /// Of a DAY order: the close of its session. Null for orders that do not expire.
    pub expire_time: Time,
    /// Never takes.
    pub post_only: bool,
    /// Never opens.
    pub reduce_only: bool,
    /// A `TrailKind` number.
    pub trail_kind: u8,
    /// Distance of a trailing stop, or null.
    pub trail_offset: i64,
    /// Distance of its limit from its stop, or null.
    pub limit_offset: Price,
    /// The entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// The leader of its group; its own number for the leader, 0 without a group.
    pub oco: OrderOrdinal,
    /// What was filled.
    pub filled: Quantity,
    /// Acceptance number: the earlier one fills first at one price.
    pub place: u64,
    /// The first bar whose open it takes part in.
    pub first_row: usize,
    /// Whether it has met a price.
    pub opened: bool,
    /// Whether its stop was reached.
    pub triggered: bool,
    /// How it trades at present: what `mode_of` says, kept because every point asks.
    pub mode: Mode,
    /// False for a child whose parent has not filled.
    pub live: bool,
    /// The best price a trailing order has seen, or null.
    pub best: Price,
    /// The session close at which a market-on-close order is due on trades and quotes, else null.
    pub close_time: Time,
    /// The last command about it.
    pub cause: Cause,
}

impl VenueOrder {
    /// What is still open.
    #[must_use]
    pub const fn remaining(&self) -> Quantity {
        Quantity(self.quantity.0 - self.filled.0)
    }

    /// Whether it buys.
    #[must_use]
    pub const fn is_buy(&self) -> bool {
        self.side == Side::Buy as u8
    }

    /// Whether it is of the type.
    #[must_use]
    pub const fn is_of(&self, order_type: OrderType) -> bool {
        self.order_type == order_type as u8
    }

    /// Whether what is left ends when it is first due: IOC and FOK. A stop is due when it is triggered.
    #[must_use]
    pub const fn is_immediate(&self) -> bool {
        self.time_in_force == TimeInForce::Ioc as u8 || self.time_in_force == TimeInForce::Fok as u8
    }

    /// Whether `price` satisfies its limit.
    #[must_use]
    pub fn is_marketable(&self, price: Price) -> bool {
        if self.is_buy() { price <= self.limit_price } else { price >= self.limit_price }
    }

    /// Whether `price` reaches its stop.
    #[must_use]
    pub fn is_stopped(&self, price: Price) -> bool {
        if self.stop_price == NONE_PRICE {
            return false;
        }
        if self.is_buy() { price >= self.stop_price } else { price <= self.stop_price }
    }

    /// Whether `price` is better for the holder of what the trailing order protects than the best one so far.
    #[must_use]
    pub fn improves(&self, price: Price) -> bool {
        self.best == NONE_PRICE || if self.is_buy() { price < self.best } else { price > self.best }
    }
}
