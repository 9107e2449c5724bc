//! What a journal costs the engine's thread: a million bars, with an order every so many of them, with and without a journal whose sink
//! throws its frames away.
//!
//! `cargo run --release -p cracktrader-core --example journal_cost [BARS] [BARS BETWEEN ORDERS] [RUNS]`. Deliberately not here: what
//! the writer costs its own thread, and what a callback into Python costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cracktrader_core::account::{Account, AccountKind, Deposit};
use cracktrader_core::capability::{FillModel, SIMULATOR, Venue};
use cracktrader_core::codec::{self, DataRun, Kind};
use cracktrader_core::config::{Config, DataKind, OnError, StrategyConfig, Stream};
use cracktrader_core::engine::{Engine, Host, Opening, Policy, Response, Sink, SinkFailed};
use cracktrader_core::event::{BarRows, Event, EventType};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::intent::{Intent, PlaceOrder, Side};
use cracktrader_core::risk::RiskLimits;
use cracktrader_core::units::{
    CurrencyIndex, InstrumentIndex, Money, Price, Quantity, RATE_ONE, Rate, StrategyIndex, Time, VenueIndex,
};
use cracktrader_core::view::View;

const MINUTE: i64 = 60_000_000_000;
const STEP: u8 = Kind::Step as u8;

fn config() -> Config {
    let currency = |name: &str| Currency { name: name.into(), scale: 8 };
    let deposit = Deposit { currency: CurrencyIndex(0), amount: Money(1_000_000_000_000_000) };
    Config {
        currencies: vec![currency("USD"), currency("BTC")],
        venues: vec![Venue {
            name: "sim".into(),
            simulated: true,
            capabilities: SIMULATOR,
            fill: FillModel::NextOpen,
            ..Venue::default()
        }],
        accounts: vec![Account {
            name: "main".into(),
            venue: VenueIndex(0),
            kind: AccountKind::Margin,
            deposits: vec![deposit],
        }],
        instruments: vec![Instrument {
            name: "BTC".into(),
            venue: VenueIndex(0),
            kind: InstrumentKind::Spot,
            base_currency: CurrencyIndex(1),
            settlement_currency: CurrencyIndex(0),
            settlement_scale: 8,
            price_decimals: 2,
            quantity_decimals: 8,
            tick: Price(1),
            lot: Quantity(1),
            max_price: Price(100_000_000_000),
            max_quantity: Quantity(1_000_000_000_000_000),
            multiplier: RATE_ONE,
            initial_margin: RATE_ONE,
            maintenance_margin: Rate(0),
            maker_fee: Rate(0),
            taker_fee: Rate(1_000_000),
        }],
        streams: vec![Stream::outside(InstrumentIndex(0), DataKind::Bar, true, 0)],
        strategies: vec![StrategyConfig {
            name: "flip".into(),
            parameters: "{}".into(),
            limits: RiskLimits::default(),
        }],
        base_currency: CurrencyIndex(0),
        conversions: Vec::new(),
        priorities: [0, 1, 2, 3],
        on_error: OnError::HaltStrategy,
        recheck_every: 0,
        seed: 7,
    }
}

fn bars(count: i64) -> BarRows {
    let opens: Vec<Time> = (0..count).map(|minute| Time(minute * MINUTE)).collect();
    let price = |minute: i64| Price(10_000 + (minute * 37) % 101);
    BarRows {
        stamp: opens.clone().into(),
        close_time: opens.iter().map(|time| Time(time.0 + MINUTE)).collect(),
        open: (0..count).map(price).collect(),
        high: (0..count).map(|_| Price(10_200)).collect(),
        low: (0..count).map(|_| Price(9_900)).collect(),
        close: (0..count).map(|minute| price(minute + 1)).collect(),
        volume: vec![1_000_000_000; opens.len()].into(),
        open_time: opens.into(),
    }
}

/// Turns its position around every so many bars.
struct Flip {
    every: u64,
    seen: u64,
    calls: u64,
}

impl Host for Flip {
    fn wants(&self, _: StrategyIndex) -> u64 {
        if self.every == 0 { 0 } else { 1 << EventType::Bar.number() }
    }

    fn call(&mut self, _: StrategyIndex, _: &Event, _: bool, _: &mut View<'_>) -> Option<Response> {
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return None;
        }
        self.calls += 1;
        let (side, quantity) = match self.calls {
            1 => (Side::Buy, 100_000_000),
            calls if calls.is_multiple_of(2) => (Side::Sell, 200_000_000),
            _ => (Side::Buy, 200_000_000),
        };
        let intent = Intent::PlaceOrder(PlaceOrder::market(InstrumentIndex(0), side, Quantity(quantity)));
        Some(Response { intents: vec![intent], ..Response::default() })
    }
}

/// Takes frames as a writer on another thread does, and forgets them.
#[derive(Debug, Default)]
struct Forget {
    spare: Vec<u8>,
    found: Arc<Found>,
    counts: bool,
}

/// What a journal held.
#[derive(Debug, Default)]
struct Found {
    bytes: AtomicU64,
    steps: AtomicU64,
}

impl Sink for Forget {
    fn append(&mut self, frames: &mut Vec<u8>, _: u64, _: bool) -> Result<(), SinkFailed> {
        if self.counts {
            let steps = codec::frames(frames).filter(|found| found.as_ref().is_ok_and(|(kind, _)| *kind == STEP));
            self.found.steps.fetch_add(steps.count() as u64, Ordering::Relaxed);
            self.found.bytes.fetch_add(frames.len() as u64, Ordering::Relaxed);
        }
        std::mem::swap(frames, &mut self.spare);
        frames.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkFailed> {
        Ok(())
    }
}

/// How long a run took.
fn run(rows: &BarRows, every: u64, sink: Option<Forget>) -> Duration {
    let mut engine = Engine::new(config(), false).expect("it can be run");
    engine.attach(0, rows.clone()).expect("the columns fit");
    if let Some(sink) = sink {
        let opening = Opening {
            header: &[],
            policy: Policy::Os,
            records: 0,
            embedded: false,
            held: 0,
            last_seq: 0,
            pending: DataRun { first: 0, count: 0 },
        };
        engine.open_journal(&opening, Box::new(sink));
    }
    let mut host = Flip { every, seen: 0, calls: 0 };
    let began = Instant::now();
    while engine.run_some(u64::MAX, &mut host) {}
    began.elapsed()
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|number| number.parse().expect("a number")).collect();
    let number = |place: usize, otherwise| numbers.get(place).copied().unwrap_or(otherwise);
    let (count, every, runs) = (number(0, 1_000_000), number(1, 25), number(2, 7));
    let rows = bars(count as i64);
    let counting = Forget { counts: true, ..Forget::default() };
    let found = Arc::clone(&counting.found);
    run(&rows, every, Some(counting));
    let (steps, bytes) = (found.steps.load(Ordering::Relaxed), found.bytes.load(Ordering::Relaxed));
    let (mut plain, mut journalled) = (Duration::MAX, Duration::MAX);
    for _ in 0..runs {
        plain = plain.min(run(&rows, every, None));
        journalled = journalled.min(run(&rows, every, Some(Forget::default())));
    }
    let more = journalled.saturating_sub(plain).as_nanos() as u64;
    println!("{count} bars, {steps} recorded steps in {bytes} bytes: plain {plain:?}, journalled {journalled:?}");
    if every == 0 {
        println!("{} ps per event that changes nothing", more * 1_000 / count);
    } else {
        println!("{} ns per recorded step", more / steps.max(1));
    }
}
