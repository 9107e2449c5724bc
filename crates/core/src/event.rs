//! Events: the envelope and one payload per event type, as frozen values. Field order is the codec's order (contract/events.toml).
//!
//! How an event changes state is not here: that is `engine`.

use std::sync::Arc;

use crate::units::{
    AccountIndex, Column, CurrencyIndex, InstrumentIndex, Money, NULL_INSTRUMENT, OrderOrdinal, Price, Quantity,
    StrategyIndex, Time, VenueIndex, numbered,
};

/// Who an item comes from; the value is also the default priority at one instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Source {
    /// Reports of venues and of the engine itself.
    BrokerReport = 0,
    /// Timers that fire.
    Timer = 1,
    /// The run and its operator.
    Control = 2,
    /// Market data.
    MarketData = 3,
}
numbered!(Source { BrokerReport, Timer, Control, MarketData });

/// Codes of the payloads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum EventType {
    /// `Start`
    Start = 0,
    /// `Bar`
    Bar = 1,
    /// `Trade`
    Trade = 2,
    /// `Quote`
    Quote = 3,
    /// `SessionOpened`
    SessionOpened = 4,
    /// `SessionClosed`
    SessionClosed = 5,
    /// `InstrumentStatus`
    InstrumentStatus = 6,
    /// `Accepted`
    Accepted = 10,
    /// `Rejected`
    Rejected = 11,
    /// `Filled`
    Filled = 12,
    /// `Cancelled`
    Cancelled = 13,
    /// `Expired`
    Expired = 14,
    /// `Triggered`
    Triggered = 15,
    /// `Replaced`
    Replaced = 16,
    /// `CancelRejected`
    CancelRejected = 17,
    /// `ReplaceRejected`
    ReplaceRejected = 18,
    /// `InDoubt`
    InDoubt = 19,
    /// `Absent`
    Absent = 20,
    /// `Busted`
    Busted = 21,
    /// `Settled`
    Settled = 22,
    /// `Denied`
    Denied = 23,
    /// `Refused`
    Refused = 24,
    /// `BalanceStatement`
    BalanceStatement = 30,
    /// `PositionStatement`
    PositionStatement = 31,
    /// `Transfer`
    Transfer = 32,
    /// `Funding`
    Funding = 33,
    /// `Settlement`
    Settlement = 34,
    /// `TimerFired`
    TimerFired = 40,
    /// `RiskFlagSet`
    RiskFlagSet = 50,
    /// `StrategyHalted`
    StrategyHalted = 51,
    /// `EngineStopped`
    EngineStopped = 52,
    /// `DataEnded`
    DataEnded = 53,
    /// `RunStopped`
    RunStopped = 54,
}
/// First record of a run (seq 0): on_start is called, indicators and timers are declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start;

/// A closed bar: of rows, delivered at its close plus the feed's latency; or made by the core, right after what closed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bar {
    /// When it opened.
    pub open_time: Time,
    /// When it closed.
    pub close_time: Time,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded volume at the stream's decimals.
    pub volume: i64,
    /// Place of its stream in the configuration.
    pub stream: u16,
}

/// A public trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Price of it.
    pub price: Price,
    /// Quantity of it.
    pub quantity: Quantity,
    /// Side that crossed the spread, as the source numbers it.
    pub aggressor: u8,
}

/// Best bid and ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Best bid.
    pub bid_price: Price,
    /// Quantity at the best bid.
    pub bid_quantity: Quantity,
    /// Best ask.
    pub ask_price: Price,
    /// Quantity at the best ask.
    pub ask_quantity: Quantity,
}

/// The venue's session opens for the instrument, or for the whole venue when the instrument is null.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionOpened;

/// The session closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionClosed;

/// The venue changes what may be done with the instrument; a frozen one takes no new risk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentStatus {
    /// Whether it takes new risk no more.
    pub frozen: bool,
}

/// The venue works the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The order.
    pub order: OrderOrdinal,
}

/// The venue refuses the order, or ends the remainder of an open one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// The order.
    pub order: OrderOrdinal,
    /// Code of the reason, or 0.
    pub reason: u16,
    /// The venue's words.
    pub text: Box<str>,
}

/// One execution. Its idempotency key is the fill's identity; a fill without one is quarantined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filled {
    /// The order.
    pub order: OrderOrdinal,
    /// Quantity of it.
    pub quantity: Quantity,
    /// Price of it.
    pub price: Price,
    /// Side of the book, as a `Liquidity` number.
    pub liquidity: u8,
    /// Currency of the fee.
    pub fee_currency: CurrencyIndex,
    /// The fee; below 0 a rebate.
    pub fee: Money,
    /// Row of the fill table, 0 for a venue outside.
    pub rule: u8,
}

/// The remainder is gone, asked for or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cancelled {
    /// The order.
    pub order: OrderOrdinal,
    /// Code of the reason, or 0.
    pub reason: u16,
    /// The venue's words.
    pub text: Box<str>,
}

/// The order's time in force ran out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired {
    /// The order.
    pub order: OrderOrdinal,
}

/// A stop was touched; the order now works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Triggered {
    /// The order.
    pub order: OrderOrdinal,
}

/// A replace is confirmed and starts a version: open quantity = new total - net filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replaced {
    /// The order.
    pub order: OrderOrdinal,
    /// Quantity of it.
    pub quantity: Quantity,
    /// Limit price, or null.
    pub limit_price: Price,
    /// Stop price, or null.
    pub stop_price: Price,
}

/// The venue could not cancel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelRejected {
    /// The order.
    pub order: OrderOrdinal,
    /// Code of the reason, or 0.
    pub reason: u16,
    /// The venue's words.
    pub text: Box<str>,
}

/// The venue could not replace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaceRejected {
    /// The order.
    pub order: OrderOrdinal,
    /// Code of the reason, or 0.
    pub reason: u16,
    /// The venue's words.
    pub text: Box<str>,
}

/// The outcome of a submission is unknown (lost reply, timeout). Never resent, never assumed rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InDoubt {
    /// The order.
    pub order: OrderOrdinal,
}

/// Proof that the venue does not know the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Absent {
    /// The order.
    pub order: OrderOrdinal,
}

/// The venue takes a fill back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Busted {
    /// The order.
    pub order: OrderOrdinal,
    /// Idempotency key of the fill.
    pub fill_key: Box<str>,
}

/// A provisional fill is now final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The order.
    pub order: OrderOrdinal,
    /// Idempotency key of the fill.
    pub fill_key: Box<str>,
}

/// The engine refused a PlaceOrder at admission (venue `engine`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denied {
    /// The order.
    pub order: OrderOrdinal,
    /// Code of the refusal.
    pub code: u16,
    /// First number of the code.
    pub value: i128,
    /// Second number of the code.
    pub limit: i128,
}

/// The engine refused a cancel, replace or flag (venue `engine`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The strategy.
    pub strategy: StrategyIndex,
    /// `seq_id` of the callback that asked.
    pub intent_seq: u64,
    /// Place among its intents.
    pub index: u16,
    /// Code of the intent.
    pub intent_type: u8,
    /// Code of the refusal.
    pub code: u16,
    /// First number of the code.
    pub value: i128,
    /// Second number of the code.
    pub limit: i128,
}

/// What the venue says the account holds; a difference is a diagnostic, never a silent overwrite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BalanceStatement {
    /// The currency.
    pub currency: CurrencyIndex,
    /// What the account holds.
    pub total: Money,
}

/// What the venue says the position is; a difference is a diagnostic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionStatement {
    /// Quantity of it.
    pub quantity: Quantity,
}

/// Deposit or withdrawal. With a null instrument `amount` of `currency`; else `quantity` of the instrument at cost `price`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The currency.
    pub currency: CurrencyIndex,
    /// The amount.
    pub amount: Money,
    /// Quantity of it.
    pub quantity: Quantity,
    /// Price of it.
    pub price: Price,
}

/// Funding or interest paid (negative) or received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Funding {
    /// The currency.
    pub currency: CurrencyIndex,
    /// The amount.
    pub amount: Money,
}

/// The instrument settles: every position of the account in it closes at `price`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// Price of it.
    pub price: Price,
}

/// A timer's deadline was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerFired {
    /// The strategy.
    pub strategy: StrategyIndex,
    /// Id of the timer.
    pub timer: u64,
    /// When it was to fire.
    pub deadline: Time,
}

/// An operator sets or clears a risk flag; only this loosens one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskFlagSet {
    /// The strategy.
    pub strategy: StrategyIndex,
    /// The `RiskFlag`.
    pub flag: u8,
    /// Whether it is set.
    pub on: bool,
}

/// An operator halts a strategy: it is not called again, its orders stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StrategyHalted {
    /// The strategy.
    pub strategy: StrategyIndex,
}

/// An operator stops the engine: no new risk; cancels pass; reports are still applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineStopped;

/// The market data is exhausted: reports in flight are still delivered, new risk is refused, timers no longer fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataEnded;

/// Last record of a run: on_stop is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunStopped;

/// Declares everything that lists the payloads, in the order of their codes.
macro_rules! payloads {
    ($($name:ident),+ $(,)?) => {
        numbered!(EventType { $($name),+ });

        /// What an event says: one of the payloads.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Payload {
            $(#[doc = concat!("`", stringify!($name), "`")] $name($name)),+
        }

        impl Payload {
            /// The code of the payload.
            #[must_use]
            pub const fn event_type(&self) -> EventType {
                match self {
                    $(Self::$name(_) => EventType::$name),+
                }
            }
        }

        $(impl From<$name> for Payload {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })+

        /// The code of every payload, in the order of the contract.
        pub const EVENT_TYPES: &[EventType] = EventType::ALL;

        /// The name of every payload by its code, as the contract spells it.
        pub const PAYLOADS: &[(EventType, &str)] = &[$((EventType::$name, stringify!($name))),+];
    };
}
payloads! {
    Start, Bar, Trade, Quote, SessionOpened, SessionClosed, InstrumentStatus, Accepted, Rejected, Filled,
    Cancelled, Expired, Triggered, Replaced, CancelRejected, ReplaceRejected, InDoubt, Absent, Busted, Settled,
    Denied, Refused, BalanceStatement, PositionStatement, Transfer, Funding, Settlement, TimerFired,
    RiskFlagSet, StrategyHalted, EngineStopped, DataEnded, RunStopped,
}

/// Who sends events of this type: the codes are in blocks.
#[must_use]
pub const fn source_of(code: EventType) -> Source {
    match code as u8 {
        0 | 50.. => Source::Control,
        40 => Source::Timer,
        1..10 => Source::MarketData,
        _ => Source::BrokerReport,
    }
}

/// The envelope. `seq_id` is 0 until the sequencer takes the item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Number of the step that took it.
    pub seq_id: u64,
    /// The source's own stamp.
    pub event_time: Time,
    /// When the core may know it.
    pub ingest_time: Time,
    /// Who it comes from, as a `Source` number.
    pub source: u8,
    /// The venue, or null.
    pub venue: VenueIndex,
    /// The account, or null.
    pub account: AccountIndex,
    /// The instrument, or null.
    pub instrument: InstrumentIndex,
    /// What it says.
    pub payload: Payload,
    /// What tells a report from another of the same venue and account, or nothing.
    pub idempotency_key: Box<str>,
}

/// An item not yet sequenced, with its payload's own source; stamp, places and key are null until set.
#[must_use]
pub fn event(payload: impl Into<Payload>, ingest_time: Time) -> Event {
    let payload = payload.into();
    Event {
        seq_id: 0,
        event_time: ingest_time,
        ingest_time,
        source: source_of(payload.event_type()).number(),
        venue: VenueIndex::NULL,
        account: AccountIndex::NULL,
        instrument: NULL_INSTRUMENT,
        payload,
        idempotency_key: Box::default(),
    }
}

/// Columns of a bar stream, sorted by close time: a bar is made of a row only when it is delivered. `stamp` is the source's own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BarRows {
    /// The source's own stamps.
    pub stamp: Column<Time>,
    /// When bars opened.
    pub open_time: Column<Time>,
    /// When bars closed.
    pub close_time: Column<Time>,
    /// First prices.
    pub open: Column<Price>,
    /// Highest prices.
    pub high: Column<Price>,
    /// Lowest prices.
    pub low: Column<Price>,
    /// Last prices.
    pub close: Column<Price>,
    /// Volumes at the stream's decimals.
    pub volume: Column<i64>,
}

/// Columns of public trades, sorted by time. `stamp` is the source's own, `time` is when the venue traded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TradeRows {
    /// The source's own stamps.
    pub stamp: Column<Time>,
    /// When they were.
    pub time: Column<Time>,
    /// Prices.
    pub price: Column<Price>,
    /// Quantities.
    pub quantity: Column<Quantity>,
    /// Who crossed the spread: 0 unknown, 1 buyer, 2 seller.
    pub aggressor: Column<i64>,
}

/// Columns of best bids and asks, sorted by time. `stamp` is the source's own, `time` is when the venue showed them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QuoteRows {
    /// The source's own stamps.
    pub stamp: Column<Time>,
    /// When they were shown.
    pub time: Column<Time>,
    /// Best bids.
    pub bid_price: Column<Price>,
    /// Quantities at them.
    pub bid_quantity: Column<Quantity>,
    /// Best asks.
    pub ask_price: Column<Price>,
    /// Quantities at them.
    pub ask_quantity: Column<Quantity>,
}

/// A venue's sessions, sorted by time: one closes before the next opens, at the earliest at the same instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionRows {
    /// When they open.
    pub open_time: Vec<Time>,
    /// When they close.
    pub close_time: Vec<Time>,
}

/// The rows of a stream, shared by those who read them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rows {
    /// Of a stream of bars.
    Bars(Arc<BarRows>),
    /// Of a stream of trades.
    Trades(Arc<TradeRows>),
    /// Of a stream of quotes.
    Quotes(Arc<QuoteRows>),
}

impl BarRows {
    /// How many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.close_time.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.close_time.is_empty()
    }
}

impl From<BarRows> for Rows {
    fn from(rows: BarRows) -> Self {
        Self::Bars(Arc::new(rows))
    }
}

impl From<TradeRows> for Rows {
    fn from(rows: TradeRows) -> Self {
        Self::Trades(Arc::new(rows))
    }
}

impl From<QuoteRows> for Rows {
    fn from(rows: QuoteRows) -> Self {
        Self::Quotes(Arc::new(rows))
    }
}

/// When the rows are known at the venue: what they are sorted by.
#[must_use]
#[inline]
pub fn times_of(rows: &Rows) -> &[Time] {
    match rows {
        Rows::Bars(rows) => &rows.close_time,
        Rows::Trades(rows) => &rows.time,
        Rows::Quotes(rows) => &rows.time,
    }
}

/// The first moment that the rows speak of.
#[must_use]
pub fn first_time(rows: &Rows) -> Option<Time> {
    match rows {
        Rows::Bars(rows) => rows.open_time.first().copied(),
        rows => times_of(rows).first().copied(),
    }
}

/// Why the columns cannot be attached, or none.
#[must_use]
pub fn rows_problem(rows: &Rows) -> Option<String> {
    let (length, others) = match rows {
        Rows::Bars(rows) => {
            let prices = [&rows.open, &rows.high, &rows.low, &rows.close].map(|column| column.len());
            (rows.len(), [&prices[..], &[rows.stamp.len(), rows.open_time.len(), rows.volume.len()]].concat())
        }
        Rows::Trades(rows) => {
            let others = [rows.stamp.len(), rows.price.len(), rows.quantity.len(), rows.aggressor.len()];
            (rows.time.len(), others.to_vec())
        }
        Rows::Quotes(rows) => {
            let (bids, asks) = (&rows.bid_quantity, &rows.ask_quantity);
            let others = [rows.stamp.len(), rows.bid_price.len(), bids.len(), rows.ask_price.len(), asks.len()];
            (rows.time.len(), others.to_vec())
        }
    };
    if others.iter().any(|other| *other != length) {
        return Some("differ in length".into());
    }
    let Rows::Trades(trades) = rows else { return None };
    let (least, most) = (trades.aggressor.iter().min()?, trades.aggressor.iter().max()?);
    let wrong = if *least < 0 { least } else { most };
    (!(0..=2).contains(wrong))
        .then(|| format!("have aggressor {wrong}, which is not 0 (unknown), 1 (buyer) or 2 (seller)"))
}

/// Why sessions cannot be attached, or none.
#[must_use]
pub fn sessions_problem(rows: &SessionRows) -> Option<&'static str> {
    if rows.open_time.len() != rows.close_time.len() {
        return Some("differ in length");
    }
    let edges = rows.open_time.iter().zip(&rows.close_time).flat_map(|(opened, closed)| [opened, closed]);
    (!edges.is_sorted()).then_some("are not sorted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_who_sends_an_event() {
        let sent =
            |source| EVENT_TYPES.iter().filter(move |code| source_of(**code) == source).map(|code| code.number());
        assert_eq!(sent(Source::Control).collect::<Vec<_>>(), [0, 50, 51, 52, 53, 54]);
        assert_eq!(sent(Source::Timer).collect::<Vec<_>>(), [40]);
        assert_eq!(sent(Source::MarketData).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(sent(Source::BrokerReport).all(|code| (10..40).contains(&code)));
    }

    #[test]
    fn every_code_has_a_named_payload_and_no_other_number_is_one() {
        assert!(PAYLOADS.iter().map(|(code, _)| code).eq(EVENT_TYPES));
        assert_eq!(EventType::from_u8(7), None);
        assert!(EVENT_TYPES.iter().all(|code| EventType::from_u8(code.number()) == Some(*code)));
    }

    #[test]
    fn an_unsequenced_item_is_stamped_with_its_ingest_time_and_addressed_to_nobody() {
        let item = event(Settlement { price: Price(5) }, Time(7));
        assert_eq!((item.seq_id, item.event_time, item.ingest_time), (0, Time(7), Time(7)));
        assert_eq!(
            (item.venue, item.account, item.instrument),
            (VenueIndex::NULL, AccountIndex::NULL, NULL_INSTRUMENT)
        );
        assert_eq!(item.payload.event_type(), EventType::Settlement);
    }

    #[test]
    fn a_bar_is_eight_words() {
        assert_eq!(size_of::<Bar>(), 64);
    }
}
