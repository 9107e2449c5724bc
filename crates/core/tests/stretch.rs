//! Stretches of rows do what their steps do one by one: same records, same state, same equity, whatever comes between them.

use std::sync::{Arc, Mutex};

use cracktrader_core::account::{Account, AccountKind, Deposit};
use cracktrader_core::capability::{FillModel, SIMULATOR, Venue};
use cracktrader_core::codec::{DataRun, TimerRequest};
use cracktrader_core::config::{Config, DataKind, OnError, StrategyConfig, Stream};
use cracktrader_core::engine::{Engine, Host, Opening, Policy, Response, Sink, SinkFailed};
use cracktrader_core::event::{BarRows, Event, EventType, InstrumentStatus, QuoteRows, SessionRows, TradeRows, event};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::intent::{Intent, PlaceOrder, Side};
use cracktrader_core::risk::RiskLimits;
use cracktrader_core::units::{
    Column, CurrencyIndex, InstrumentIndex, Money, Price, Quantity, RATE_ONE, Rate, StrategyIndex, Time, VenueIndex,
};
use cracktrader_core::view::View;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The runs go on past midnight.
const BEGIN: i64 = DAY - 1_500 * SECOND;

/// What a run is made of.
#[derive(Clone, Debug)]
struct Story {
    /// Rows of the bars, trades and quotes, each by what it adds to the time of the row before and to the price.
    rows: [Vec<(i64, i64)>; 3],
    /// An unsound row of the bars, where there is one.
    broken: Option<usize>,
    feed_latency: i64,
    submit_latency: i64,
    /// Pushed before the run, at these times.
    pushed: Vec<i64>,
    /// Every so many callbacks it trades, and sets a timer.
    every: u64,
    wanted: u64,
    daily: bool,
    sessions: bool,
    chunks: Vec<u64>,
}

fn story() -> impl Strategy<Value = Story> {
    let rows = || prop::collection::vec((0_i64..3_000, -3_i64..4), 0..120);
    let kinds = [0, 1 << EventType::Bar as u64, 1 << EventType::Trade as u64, u64::MAX];
    let rest = (0_i64..90, 0_i64..200, prop::collection::vec(0_i64..3_000, 0..4), 2_u64..20, 0..kinds.len());
    let flags = (prop::option::of(0_usize..120), any::<bool>(), any::<bool>());
    let chunks = prop::collection::vec(1_u64..50, 1..6);
    ([rows(), rows(), rows()], rest, flags, chunks).prop_map(move |(rows, rest, (broken, daily, sessions), chunks)| {
        let (feed_latency, submit_latency, pushed, every, kind) = rest;
        let wanted = kinds[kind];
        Story { rows, broken, feed_latency, submit_latency, pushed, every, wanted, daily, sessions, chunks }
    })
}

fn config(story: &Story) -> Config {
    let currency = |name: &str| Currency { name: name.into(), scale: 8 };
    let instrument = |name: &str, kind| Instrument {
        name: name.into(),
        venue: VenueIndex(0),
        kind,
        base_currency: CurrencyIndex(1),
        settlement_currency: CurrencyIndex(0),
        settlement_scale: 8,
        price_decimals: 2,
        quantity_decimals: 3,
        tick: Price(1),
        lot: Quantity(1),
        max_price: Price(100_000_000),
        max_quantity: Quantity(1_000_000_000),
        multiplier: RATE_ONE,
        initial_margin: RATE_ONE,
        maintenance_margin: Rate(0),
        maker_fee: Rate(0),
        taker_fee: Rate(1_000_000),
    };
    let kinds = [DataKind::Bar, DataKind::Trade, DataKind::Quote];
    let streams = (0..).zip(kinds).map(|(index, kind)| {
        let stream = Stream::outside(InstrumentIndex(index), kind, true, 0);
        Stream { feed_latency: Time(story.feed_latency * SECOND / 7), ..stream }
    });
    let venue = Venue {
        name: "sim".into(),
        simulated: true,
        capabilities: SIMULATOR,
        fill: FillModel::NextOpen,
        submit_latency: Time(story.submit_latency * SECOND / 3),
        ..Venue::default()
    };
    let loss = if story.daily { 5_000_000_000 } else { 0 };
    let limits = RiskLimits { max_daily_loss: Money(loss), ..RiskLimits::default() };
    Config {
        currencies: vec![currency("USD"), currency("BTC")],
        venues: vec![venue],
        accounts: vec![Account {
            name: "main".into(),
            venue: VenueIndex(0),
            kind: AccountKind::Margin,
            deposits: vec![Deposit { currency: CurrencyIndex(0), amount: Money(1_000_000_000_000_000) }],
        }],
        instruments: vec![
            instrument("A", InstrumentKind::Spot),
            instrument("B", InstrumentKind::Linear),
            instrument("C", InstrumentKind::Spot),
        ],
        streams: streams.collect(),
        strategies: vec![StrategyConfig { name: "one".into(), parameters: "{}".into(), limits }],
        base_currency: CurrencyIndex(0),
        conversions: Vec::new(),
        priorities: [0, 1, 2, 3],
        on_error: OnError::HaltStrategy,
        recheck_every: 0,
        seed: 7,
    }
}

/// Times and prices of rows: the times in seconds, near the end of a day.
fn walk(rows: &[(i64, i64)]) -> (Vec<Time>, Vec<Price>) {
    let (mut time, mut price) = (BEGIN, 10_000);
    let walked = rows.iter().map(|(later, up)| {
        time += later / 60 * SECOND;
        price = (price + up).max(100);
        (Time(time), Price(price))
    });
    walked.unzip()
}

fn attach(engine: &mut Engine, story: &Story) {
    let (time, close) = walk(&story.rows[0]);
    // A bar opens when the one before it closes; the first one a second before it closes.
    let before = time.first().map(|first| Time(first.0 - SECOND));
    let open_time: Vec<Time> = before.into_iter().chain(time.iter().copied()).take(time.len()).collect();
    let mut high: Vec<Price> = close.iter().map(|price| Price(price.0 + 5)).collect();
    if let Some(price) = story.broken.and_then(|row| high.get_mut(row)) {
        *price = Price(1);
    }
    let bars = BarRows {
        stamp: time.clone().into(),
        open_time: open_time.into(),
        open: close.iter().map(|price| Price(price.0 - 2)).collect(),
        high: high.into(),
        low: close.iter().map(|price| Price(price.0 - 5)).collect(),
        volume: vec![1_000; time.len()].into(),
        close_time: time.into(),
        close: close.into(),
    };
    engine.attach(0, bars).expect("bars fit");
    let (time, price) = walk(&story.rows[1]);
    let (quantity, aggressor) = (vec![Quantity(1_000); time.len()].into(), vec![0; time.len()].into());
    let (time, price): (Column<Time>, _) = (time.into(), price.into());
    engine.attach(1, TradeRows { stamp: time.clone(), time, price, quantity, aggressor }).expect("trades fit");
    let (time, bid_price) = walk(&story.rows[2]);
    let ask_price = bid_price.iter().map(|price| Price(price.0 + 1)).collect();
    let ask_quantity: Column<Quantity> = vec![Quantity(1_000); time.len()].into();
    let (time, bid_price, bid_quantity): (Column<Time>, _, _) = (time.into(), bid_price.into(), ask_quantity.clone());
    let quotes = QuoteRows { stamp: time.clone(), time, bid_price, bid_quantity, ask_price, ask_quantity };
    engine.attach(2, quotes).expect("quotes fit");
    if story.sessions {
        let open_time = vec![Time(BEGIN + 300 * SECOND), Time(DAY)];
        let close_time = vec![Time(BEGIN + 900 * SECOND), Time(DAY + 3_000 * SECOND)];
        engine.attach_sessions(VenueIndex(0), SessionRows { open_time, close_time }).expect("sessions fit");
    }
    for (after, frozen) in story.pushed.iter().zip([true, false].into_iter().cycle()) {
        let item = event(InstrumentStatus { frozen }, Time(BEGIN + after * SECOND));
        engine.push(Event { instrument: InstrumentIndex(1), venue: VenueIndex(0), ..item });
    }
}

/// Trades every instrument in turn, and sets timers.
#[derive(Default)]
struct Trader {
    every: u64,
    wanted: u64,
    calls: u64,
    seen: Vec<u64>,
}

impl Host for Trader {
    fn wants(&self, _: StrategyIndex) -> u64 {
        self.wanted
    }

    fn call(&mut self, strategy: StrategyIndex, event: &Event, _: bool, view: &mut View<'_>) -> Option<Response> {
        self.calls += 1;
        self.seen.push(event.seq_id);
        // Orders and timers call it again: without an end of them there would be more and more.
        if !self.calls.is_multiple_of(self.every) || self.calls > 1_000 {
            return None;
        }
        let instrument = InstrumentIndex((self.calls / self.every % 3) as u32);
        let side = if self.calls.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let intents = vec![Intent::PlaceOrder(PlaceOrder::market(instrument, side, Quantity(100)))];
        let deadline = Time(view.now().0 + 700 * SECOND);
        let timers = vec![TimerRequest { timer: view.next_timer(strategy), deadline }];
        Some(Response { intents, timers, ..Response::default() })
    }
}

/// Keeps every frame.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Sink for Kept {
    fn append(&mut self, frames: &mut Vec<u8>, _: u64, _: bool) -> Result<(), SinkFailed> {
        self.0.lock().expect("nobody panicked").append(frames);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkFailed> {
        Ok(())
    }
}

/// A whole run with a journal, one step at a time or in chunks, and all that it leaves.
fn run(story: &Story, chunks: Option<&[u64]>) -> (Engine, Vec<u8>, Vec<u64>) {
    let mut engine = Engine::new(config(story), false).expect("it can be run");
    attach(&mut engine, story);
    let kept = Kept::default();
    let opening = Opening {
        header: &[],
        policy: Policy::Os,
        records: 0,
        embedded: false,
        held: 0,
        last_seq: 0,
        pending: DataRun { first: 0, count: 0 },
    };
    engine.open_journal(&opening, Box::new(kept.clone()));
    let mut host = Trader { every: story.every, wanted: story.wanted, ..Trader::default() };
    if let Some(chunks) = chunks {
        let mut sizes = chunks.iter().cycle();
        while sizes.next().is_some_and(|steps| engine.run_some(*steps, &mut host)) {}
    } else {
        while !engine.exhausted() && engine.store.state.stopped == 0 && engine.step(&mut host) {}
    }
    engine.finish(&mut host);
    let frames = kept.0.lock().expect("nobody panicked").clone();
    (engine, frames, host.seen)
}

proptest! {
    #[test]
    fn a_stretch_is_its_steps(story in story()) {
        let (mut one, frames, seen) = run(&story, None);
        let (mut other, other_frames, other_seen) = run(&story, Some(&story.chunks));
        prop_assert_eq!(seen, other_seen);
        prop_assert_eq!(&one.equity, &other.equity);
        prop_assert_eq!(&one.store.executions, &other.store.executions);
        prop_assert_eq!(&one.store.state.counters, &other.store.state.counters);
        prop_assert_eq!(one.end(), other.end());
        prop_assert!(frames == other_frames, "the journals differ");
    }
}
