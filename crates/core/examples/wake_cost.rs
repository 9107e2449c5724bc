//! What a wake condition costs a bar on which it does not hold: a million bars with two moving averages, with and without one, and with a
//! strategy that is called on every bar and does nothing.
//!
//! `cargo run --release -p cracktrader-core --example wake_cost [BARS] [RUNS]`. Deliberately not here: what a callback into Python costs.

use std::time::{Duration, Instant};

use cracktrader_core::account::{Account, AccountKind, Deposit};
use cracktrader_core::capability::{FillModel, SIMULATOR, Venue};
use cracktrader_core::config::{Config, DataKind, OnError, StrategyConfig, Stream};
use cracktrader_core::engine::{Engine, Host, Response};
use cracktrader_core::event::{BarRows, Event, EventType};
use cracktrader_core::indicator::{BarField, Declaration, IndicatorKind, NULL_SOURCE};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::risk::RiskLimits;
use cracktrader_core::units::{
    CurrencyIndex, InstrumentIndex, Money, Price, Quantity, RATE_ONE, Rate, StrategyIndex, Time, VenueIndex,
};
use cracktrader_core::view::View;
use cracktrader_core::wake::{NOTHING, Op, Operand, OperandKind, Term};

const MINUTE: i64 = 60_000_000_000;

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
            name: "asleep".into(),
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

/// Declares two averages, and a condition on them that never holds.
struct Asleep {
    wants: u64,
    terms: Vec<Term>,
    calls: u64,
}

impl Host for Asleep {
    fn wants(&self, _: StrategyIndex) -> u64 {
        self.wants
    }

    fn call(&mut self, strategy: StrategyIndex, event: &Event, _: bool, view: &mut View<'_>) -> Option<Response> {
        if event.payload.event_type() != EventType::Start {
            self.calls += 1;
            return None;
        }
        for period in [10, 30] {
            let declaration = Declaration {
                kind: IndicatorKind::Sma.number(),
                parameters: [period, 0, 0, 0],
                stream: 0,
                bar_field: BarField::Close.number(),
                source: NULL_SOURCE,
                line: 0,
                keep: 2,
            };
            view.declare(strategy, declaration).expect("it can be declared");
        }
        if !self.terms.is_empty() {
            view.wake(strategy, 0, &self.terms).expect("it can be declared");
        }
        None
    }
}

/// The condition, and one that never holds, together.
fn never_and(op: Op, b: Operand) -> Vec<Term> {
    let a = Operand { kind: OperandKind::Line, ..NOTHING };
    let term = |op| Term { op, a, b, every: 0 };
    vec![term(op), term(Op::Never), term(Op::And)]
}

/// How long a run took, and how often the strategy was called.
fn run(rows: &BarRows, wants_bars: bool, terms: &[Term]) -> (Duration, u64) {
    let mut engine = Engine::new(config(), false).expect("it can be run");
    engine.attach(0, rows.clone()).expect("the columns fit");
    let wants = 1 << EventType::Start.number() | u64::from(wants_bars) << EventType::Bar.number();
    let mut host = Asleep { wants, terms: terms.to_vec(), calls: 0 };
    let began = Instant::now();
    while engine.run_some(u64::MAX, &mut host) {}
    (began.elapsed(), host.calls)
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|number| number.parse().expect("a number")).collect();
    let number = |place: usize, otherwise| numbers.get(place).copied().unwrap_or(otherwise);
    let (count, runs) = (number(0, 1_000_000), number(1, 9));
    let rows = bars(count as i64);
    let slow = Operand { kind: OperandKind::Line, number: 1, ..NOTHING };
    let level = Operand { level: 100.5, ..NOTHING };
    let never = vec![Term { op: Op::Never, a: NOTHING, b: NOTHING, every: 0 }];
    let cases = [
        ("nobody is called", false, Vec::new()),
        ("called on every bar", true, Vec::new()),
        ("never", true, never),
        ("cross & never", true, never_and(Op::Cross, slow)),
        ("flips & never", true, never_and(Op::Flips, slow)),
        ("above a number & never", true, never_and(Op::Above, level)),
    ];
    let mut best = [(Duration::MAX, 0); 6];
    for _ in 0..runs {
        for ((_, wants_bars, terms), best) in cases.iter().zip(&mut best) {
            *best = (*best).min(run(&rows, *wants_bars, terms));
        }
    }
    for ((name, ..), (took, calls)) in cases.iter().zip(best) {
        let more = took.saturating_sub(best[0].0).as_nanos() as u64;
        println!("{name:24} {took:>12?} {calls:>9} calls {:>7} ps a bar more", more * 1_000 / count);
    }
}
