//! The five intents of a strategy, the id of an order, and the enumerations their fields take (contract/intents.toml).
//!
//! Whether an intent is admitted is not here: that is `admission`.

use crate::units::{InstrumentIndex, NONE_PRICE, NONE_TIME, Price, Quantity, StrategyIndex, Time, numbered};

/// Direction of an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// Buy.
    Buy = 0,
    /// Sell.
    Sell = 1,
}
numbered!(Side { Buy, Sell });

/// When and at what price an order trades.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OrderType {
    /// At once, at the market's price.
    Market = 0,
    /// At its limit or better.
    Limit = 1,
    /// At the market's price, once its stop is touched.
    Stop = 2,
    /// At its limit or better, once its stop is touched.
    StopLimit = 3,
    /// At the market's price, once its stop, which follows the best price, is touched.
    TrailingStop = 4,
    /// At its limit or better, once its stop, which follows the best price, is touched.
    TrailingStopLimit = 5,
    /// At the session's last price.
    MarketOnClose = 6,
}
numbered!(OrderType { Market, Limit, Stop, StopLimit, TrailingStop, TrailingStopLimit, MarketOnClose });

/// In what the distance of a trailing stop from the best price is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum TrailKind {
    /// A price mantissa.
    Price = 0,
    /// Ticks.
    Ticks = 1,
    /// Ten-thousandths of the best price.
    BasisPoints = 2,
}
numbered!(TrailKind { Price, Ticks, BasisPoints });

/// How long an order works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum TimeInForce {
    /// Good till cancelled.
    Gtc = 0,
    /// Immediate or cancel.
    Ioc = 1,
    /// Fill or kill.
    Fok = 2,
    /// Good till a time.
    Gtd = 3,
    /// Good for the session.
    Day = 4,
}
numbered!(TimeInForce { Gtc, Ioc, Fok, Gtd, Day });

/// Switches that a strategy may tighten and only an operator loosens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum RiskFlag {
    /// No new orders.
    KillSwitch = 0,
    /// Only orders that lower the position.
    ReduceOnly = 1,
}
numbered!(RiskFlag { KillSwitch, ReduceOnly });

/// An order's name: who asked, in which callback, at which place among its intents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OrderId {
    /// Who asked.
    pub strategy: StrategyIndex,
    /// `seq_id` of the event it was called with.
    pub seq: u64,
    /// Place among the intents of that callback.
    pub index: u16,
}

/// The null order id: no parent, no group.
pub const NO_ORDER: OrderId = OrderId { strategy: StrategyIndex::NULL, seq: 0, index: 0 };

/// Open an order. Prices and quantities are mantissas at the instrument's decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlaceOrder {
    /// What to trade; a number that is not declared is refused at admission.
    pub instrument: InstrumentIndex,
    /// A `Side` number.
    pub side: u8,
    /// An `OrderType` number.
    pub order_type: u8,
    /// A `TimeInForce` number.
    pub time_in_force: u8,
    /// How much.
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
    /// How far a trailing stop stays behind the best price, in the unit of `trail_kind`; else null.
    pub trail_offset: i64,
    /// How far beyond its stop a trailing stop-limit's limit stands; else null.
    pub limit_offset: Price,
    /// The entry that this order waits for, or the null id.
    pub parent: OrderId,
    /// The first order of the one-cancels-other group that this order joins, or the null id.
    pub oco: OrderId,
}

impl PlaceOrder {
    /// A market order, good till cancelled, with nothing else asked; other orders are written over it.
    #[must_use]
    pub const fn market(instrument: InstrumentIndex, side: Side, quantity: Quantity) -> Self {
        Self {
            instrument,
            side: side as u8,
            order_type: OrderType::Market as u8,
            time_in_force: TimeInForce::Gtc as u8,
            quantity,
            limit_price: NONE_PRICE,
            stop_price: NONE_PRICE,
            expire_time: NONE_TIME,
            post_only: false,
            reduce_only: false,
            trail_kind: 0,
            trail_offset: NONE_PRICE.0,
            limit_offset: NONE_PRICE,
            parent: NO_ORDER,
            oco: NO_ORDER,
        }
    }
}

/// Take the remainder of an order back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CancelOrder {
    /// Which.
    pub order: OrderId,
}

/// Change total quantity and prices of a working order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplaceOrder {
    /// Which.
    pub order: OrderId,
    /// New total.
    pub quantity: Quantity,
    /// New limit price, or null.
    pub limit_price: Price,
    /// New stop price, or null.
    pub stop_price: Price,
}

/// Tighten one of the strategy's own risk flags. Loosening is refused: only a control event loosens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetRiskFlag {
    /// A `RiskFlag` number.
    pub flag: u8,
    /// Whether it is set.
    pub on: bool,
}

/// Nothing, on the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoOp;

/// What a strategy may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// `PlaceOrder`
    PlaceOrder(PlaceOrder),
    /// `CancelOrder`
    CancelOrder(CancelOrder),
    /// `ReplaceOrder`
    ReplaceOrder(ReplaceOrder),
    /// `SetRiskFlag`
    SetRiskFlag(SetRiskFlag),
    /// `NoOp`
    NoOp(NoOp),
}

impl Intent {
    /// The code of the intent.
    #[must_use]
    pub const fn intent_type(&self) -> u8 {
        match self {
            Self::PlaceOrder(_) => 1,
            Self::CancelOrder(_) => 2,
            Self::ReplaceOrder(_) => 3,
            Self::SetRiskFlag(_) => 4,
            Self::NoOp(_) => 5,
        }
    }
}

/// The code of every intent.
pub const INTENT_TYPES: [(&str, u8); 5] =
    [("PlaceOrder", 1), ("CancelOrder", 2), ("ReplaceOrder", 3), ("SetRiskFlag", 4), ("NoOp", 5)];
