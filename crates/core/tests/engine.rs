//! The worked trace of the semantics from end to end, replay of what it recorded, and what a run promises around it: depth, duplicate
//! reports, late fills, provisional fills. Which bytes come out is proved against the Python core, not here.

use cracktrader_core::account::{Account, AccountKind, Deposit};
use cracktrader_core::capability::{Capabilities, FillModel, SIMULATOR, Venue};
use cracktrader_core::codec::{CodecError, decode_config, decode_record, encode_config, full_root};
use cracktrader_core::config::{Config, DataKind, LOOP_DEPTH, OnError, StrategyConfig, Stream};
use cracktrader_core::engine::{Engine, Host, Response};
use cracktrader_core::event::{
    Accepted, BarRows, Busted, Cancelled, Event, EventType, Filled, Payload, Settled, Source, event,
};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::intent::{CancelOrder, Intent, NoOp, OrderId, PlaceOrder, Side};
use cracktrader_core::invariant::check_all;
use cracktrader_core::order::{Life, Status};
use cracktrader_core::reject::RejectCode;
use cracktrader_core::replay::{ReplayError, replay};
use cracktrader_core::risk::{InstrumentLimit, RiskLimits};
use cracktrader_core::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, Price, Quantity, RATE_ONE, Rate, StrategyIndex,
    Time, VenueIndex,
};
use cracktrader_core::view::View;

const MINUTE: i64 = 60_000_000_000;
const BTC: InstrumentIndex = InstrumentIndex(0);
const ANNA: StrategyIndex = StrategyIndex(0);
const LOT: i64 = 1_000;
/// One dollar.
const USD: i128 = 100_000_000;

fn config(venue: Venue, limits: RiskLimits) -> Config {
    let currency = |name: &str| Currency { name: name.into(), scale: 8 };
    let deposit = Deposit { currency: CurrencyIndex(0), amount: Money(10_000 * USD) };
    let instrument = Instrument {
        name: "BTC".into(),
        venue: VenueIndex(0),
        kind: InstrumentKind::Spot,
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
    let stream = Stream::outside(BTC, DataKind::Bar, true, 0);
    Config {
        currencies: vec![currency("USD"), currency("BTC")],
        venues: vec![venue],
        accounts: vec![Account {
            name: "main".into(),
            venue: VenueIndex(0),
            kind: AccountKind::Margin,
            deposits: vec![deposit],
        }],
        instruments: vec![instrument],
        streams: vec![stream],
        strategies: vec![StrategyConfig { name: "anna".into(), parameters: "{}".into(), limits }],
        base_currency: CurrencyIndex(0),
        conversions: Vec::new(),
        priorities: [0, 1, 2, 3],
        on_error: OnError::HaltStrategy,
        recheck_every: 1,
        seed: 7,
    }
}

fn simulator(fill: FillModel) -> Venue {
    Venue { name: "sim".into(), simulated: true, capabilities: SIMULATOR, fill, ..Venue::default() }
}

fn exchange(provisional_fills: bool) -> Venue {
    let capabilities = Capabilities { provisional_fills, dense_keys: false, retention_ns: Time(i64::MAX), ..SIMULATOR };
    Venue { name: "exchange".into(), simulated: false, capabilities, ..simulator(FillModel::NextOpen) }
}

/// Bars of one minute stamped at their open, with open and close in whole units.
fn bars(prices: &[(i64, i64)]) -> BarRows {
    let opens: Vec<Time> = (0..prices.len() as i64).map(|minute| Time(minute * MINUTE)).collect();
    BarRows {
        stamp: opens.clone().into(),
        close_time: opens.iter().map(|time| Time(time.0 + MINUTE)).collect(),
        open_time: opens.into(),
        open: prices.iter().map(|(open, _)| Price(open * 100)).collect(),
        high: prices.iter().map(|(open, close)| Price(open.max(close) * 100)).collect(),
        low: prices.iter().map(|(open, close)| Price(open.min(close) * 100)).collect(),
        close: prices.iter().map(|(_, close)| Price(close * 100)).collect(),
        volume: vec![1; prices.len()].into(),
    }
}

fn market(side: Side, quantity: i64) -> Intent {
    Intent::PlaceOrder(PlaceOrder::market(BTC, side, Quantity(quantity)))
}

/// What a callback was shown: seq, event type, whether the status changed, and the strategy's position then.
type Shown = (u64, EventType, bool, i64);

/// Answers by a closure and notes what it was shown.
struct Scripted<F> {
    answer: F,
    shown: Vec<Shown>,
}

impl<F> Scripted<F> {
    const fn new(answer: F) -> Self {
        Self { answer, shown: Vec::new() }
    }
}

impl<F: FnMut(&Event, &View<'_>) -> Option<Response>> Host for Scripted<F> {
    fn wants(&self, _: StrategyIndex) -> u64 {
        u64::MAX
    }

    fn call(&mut self, strategy: StrategyIndex, event: &Event, changed: bool, view: &mut View<'_>) -> Option<Response> {
        let held = view.position(strategy, BTC).quantity.0;
        self.shown.push((event.seq_id, event.payload.event_type(), changed, held));
        (self.answer)(event, view)
    }
}

fn asking(intents: Vec<Intent>) -> Option<Response> {
    Some(Response { intents, ..Response::default() })
}

/// Run to the end and keep every record.
fn recorded<H: Host>(engine: &mut Engine, host: &mut H) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while engine.run_some(1, host) {
        records.push(engine.last_record.clone());
        let root = engine.root();
        assert_eq!(root, full_root(&engine.store.state), "the incremental root is the full one");
    }
    engine.end_data(host);
    records.push(engine.last_record.clone());
    while engine.step(host) {
        records.push(engine.last_record.clone());
    }
    engine.conclude(host);
    records.push(engine.last_record.clone());
    records
}

fn worked_trace() -> (Config, Vec<Vec<u8>>, Engine, Vec<Shown>) {
    let one = InstrumentLimit { instrument: BTC, max_order_quantity: Quantity(5 * LOT), ..InstrumentLimit::default() };
    let config = config(simulator(FillModel::NextOpen), RiskLimits { instruments: vec![one], ..RiskLimits::default() });
    let mut engine = Engine::new(config.clone(), true).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103), (104, 105)])).unwrap();
    let mut host = Scripted::new(|event: &Event, _: &View<'_>| match (event.seq_id, &event.payload) {
        (1, Payload::Bar(_)) => asking(vec![market(Side::Buy, LOT)]),
        (4, Payload::Bar(_)) => asking(vec![market(Side::Buy, 6 * LOT)]),
        (6, Payload::Bar(_)) => Some(Response { error: "ValueError".into(), ..Response::default() }),
        _ => None,
    });
    let records = recorded(&mut engine, &mut host);
    (config, records, engine, host.shown)
}

#[test]
fn the_worked_trace_takes_the_documented_steps() {
    let (_, records, engine, shown) = worked_trace();
    let steps: Vec<_> = records.iter().map(|record| decode_record(record).unwrap()).collect();
    let seen: Vec<_> = steps.iter().map(|step| (step.event.seq_id, step.event.payload.event_type())).collect();
    assert_eq!(
        seen,
        [
            (0, EventType::Start),
            (1, EventType::Bar),
            (2, EventType::Accepted),
            (3, EventType::Filled),
            (4, EventType::Bar),
            (5, EventType::Denied),
            (6, EventType::Bar),
            (7, EventType::DataEnded),
            (8, EventType::RunStopped),
        ]
    );
    let minutes: Vec<_> = steps[1..7].iter().map(|step| step.event.ingest_time.0 / MINUTE).collect();
    assert_eq!(minutes, [1, 1, 1, 2, 2, 3]);
    assert_eq!(steps[6].answers[0].error, "ValueError".into());
    assert_eq!(
        shown,
        [
            (0, EventType::Start, false, 0),
            (1, EventType::Bar, false, 0),
            (2, EventType::Accepted, true, 0),
            (3, EventType::Filled, true, LOT),
            (4, EventType::Bar, false, LOT),
            (5, EventType::Denied, true, LOT),
            (6, EventType::Bar, false, LOT),
        ],
        "a strategy that raised is not called again"
    );
    let denied = engine.store.closed.iter().find(|order| order.life == Life::Denied).unwrap();
    assert_eq!(denied.code, RejectCode::EOrderQuantity.number());
    assert!(engine.store.state.owners[0].halted);
}

#[test]
fn the_worked_trace_fills_at_the_next_open_and_pays_its_fee() {
    let (_, _, engine, _) = worked_trace();
    let [execution] = engine.store.executions[..] else { panic!("one execution") };
    assert_eq!((execution.price, execution.quantity, execution.rule), (Price(10_200), Quantity(LOT), 1));
    assert_eq!(execution.fee, Money(10_200_000), "0.1 % of 102");
    let cash = 10_000 * USD - 102 * USD - 10_200_000;
    assert_eq!(engine.store.state.cash(AccountIndex::NULL), Ok(Some(Money(cash))));
    assert_eq!(engine.equity.time, [Time(0), Time(MINUTE), Time(2 * MINUTE)], "a row per bar, by its own stamp");
    let amounts = |amounts: [i128; 3]| amounts.map(|amount| Some(Money(amount)));
    assert_eq!(
        engine.equity.cash().collect::<Vec<_>>(),
        amounts([10_000 * USD, cash, cash]),
        "a row ends before the next bar opens, and what fills there is of the row after it"
    );
    let equity = amounts([10_000 * USD, cash + 103 * USD, cash + 105 * USD]);
    assert_eq!(engine.equity.equity().collect::<Vec<_>>(), equity);
}

#[test]
fn a_recorded_run_replays_to_the_byte_and_a_changed_record_is_named() {
    let (config, records, mut engine, _) = worked_trace();
    let mut again = replay(config.clone(), &records).unwrap();
    assert_eq!(again.digest(), engine.digest());

    let mut missing = records.clone();
    missing.remove(4);
    let mismatch = replay(config.clone(), &missing).unwrap_err();
    assert!(matches!(&mismatch, ReplayError::Mismatch(step) if step.seq_id == 5), "{mismatch}");

    let mut damaged = records;
    damaged[3][40] ^= 1;
    assert_eq!(replay(config, &damaged).unwrap_err(), ReplayError::Codec(CodecError::Crc));
}

#[test]
fn recording_changes_nothing_but_the_records() {
    let (config, _, mut recorded, _) = worked_trace();
    let one = InstrumentLimit { instrument: BTC, max_order_quantity: Quantity(5 * LOT), ..InstrumentLimit::default() };
    assert_eq!(config.strategies[0].limits.instruments, [one]);
    let mut engine = Engine::new(config, false).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103), (104, 105)])).unwrap();
    let mut host = Scripted::new(|event: &Event, _: &View<'_>| match (event.seq_id, &event.payload) {
        (1, Payload::Bar(_)) => asking(vec![market(Side::Buy, LOT)]),
        (4, Payload::Bar(_)) => asking(vec![market(Side::Buy, 6 * LOT)]),
        (6, Payload::Bar(_)) => Some(Response { error: "ValueError".into(), ..Response::default() }),
        _ => None,
    });
    engine.run(&mut host);
    assert_eq!(engine.digest(), recorded.digest());
    assert!(engine.last_record.is_empty());
}

#[test]
fn with_same_close_an_order_fills_at_the_close_it_was_decided_on() {
    let mut engine = Engine::new(config(simulator(FillModel::SameClose), RiskLimits::default()), false).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103)])).unwrap();
    let mut host = Scripted::new(|event: &Event, _: &View<'_>| match &event.payload {
        Payload::Bar(_) if event.seq_id == 1 => asking(vec![market(Side::Sell, LOT)]),
        _ => None,
    });
    engine.run(&mut host);
    let execution = engine.store.executions[0];
    assert_eq!((execution.price, execution.event_time, execution.rule), (Price(10_100), Time(MINUTE), 2));
}

#[test]
fn answers_that_answer_themselves_at_one_instant_end_at_the_depth_limit() {
    let mut engine = Engine::new(config(simulator(FillModel::NextOpen), RiskLimits::default()), true).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103)])).unwrap();
    let nobody = CancelOrder { order: OrderId { strategy: ANNA, seq: 0, index: 0 } };
    let mut host = Scripted::new(|event: &Event, _: &View<'_>| match &event.payload {
        Payload::Bar(_) | Payload::Refused(_) => asking(vec![Intent::CancelOrder(nobody), Intent::NoOp(NoOp)]),
        _ => None,
    });
    let records = recorded(&mut engine, &mut host);
    let deepest = records.iter().map(|record| decode_record(record).unwrap().depth).max();
    assert_eq!(deepest, Some(LOOP_DEPTH + 1), "the refusal with E_LOOP is the last");
    assert!(engine.store.state.owners[0].halted);
    assert_eq!(engine.store.state.counters[&RejectCode::ELoop.number()], 1);
}

/// A run at a venue outside, where the strategy buys one unit on the first bar and the reports come as given.
fn at_an_exchange(provisional: bool, reports: Vec<(&str, Payload)>) -> Engine {
    let mut engine = Engine::new(config(exchange(provisional), RiskLimits::default()), true).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103), (104, 105)])).unwrap();
    for (key, payload) in reports {
        let item = event(payload, Time(MINUTE + 1));
        let (venue, account) = (VenueIndex(0), AccountIndex(0));
        engine.push(Event { venue, account, instrument: BTC, idempotency_key: key.into(), ..item });
    }
    let mut host = Scripted::new(|event: &Event, _: &View<'_>| match &event.payload {
        Payload::Bar(_) if event.seq_id == 1 => asking(vec![market(Side::Buy, LOT)]),
        _ => None,
    });
    recorded(&mut engine, &mut host);
    assert_eq!(check_all(&engine.store.state), None);
    engine
}

const FIRST: OrderOrdinal = OrderOrdinal(1);

fn filled(price: i64) -> Payload {
    Payload::Filled(Filled {
        order: FIRST,
        quantity: Quantity(LOT),
        price: Price(price * 100),
        liquidity: 1,
        fee_currency: CurrencyIndex(0),
        fee: Money(USD),
        rule: 0,
    })
}

fn count(engine: &Engine, code: RejectCode) -> u64 {
    engine.store.state.counters.get(&code.number()).copied().unwrap_or(0)
}

#[test]
fn a_duplicate_report_has_no_effect_and_a_contradicting_one_is_quarantined() {
    let engine = at_an_exchange(false, vec![("a", filled(102)), ("a", filled(102)), ("a", filled(103))]);
    assert_eq!(engine.store.executions.len(), 1);
    assert_eq!((count(&engine, RejectCode::RDuplicate), count(&engine, RejectCode::RConflict)), (1, 1));
    assert!(engine.store.state.orders[&FIRST].flagged);
}

#[test]
fn a_fill_after_the_cancel_is_booked_and_said() {
    let accepted = Payload::Accepted(Accepted { order: FIRST });
    let cancelled = Payload::Cancelled(Cancelled { order: FIRST, reason: 0, text: "".into() });
    let engine = at_an_exchange(false, vec![("a", accepted), ("b", cancelled), ("c", filled(102))]);
    let order = engine.store.state.orders[&FIRST];
    assert_eq!((order.status(), order.net_filled()), (Status::Cancelled, Quantity(LOT)));
    assert_eq!(engine.store.state.own_position(ANNA, BTC).quantity, Quantity(LOT));
    assert_eq!(count(&engine, RejectCode::RLateFill), 1);
}

#[test]
fn a_bust_returns_cash_and_fee_whether_it_comes_before_or_after_its_fill_or_the_settlement() {
    let busted = || Payload::Busted(Busted { order: FIRST, fill_key: "a".into() });
    let settled = || Payload::Settled(Settled { order: FIRST, fill_key: "a".into() });
    let stories = [
        (true, vec![("a", filled(102)), ("b", busted())]),
        (true, vec![("b", busted()), ("a", filled(102))]),
        (true, vec![("a", filled(102)), ("s", settled()), ("b", busted())]),
        (false, vec![("a", filled(102)), ("b", busted())]),
    ];
    for (provisional, reports) in stories {
        let engine = at_an_exchange(provisional, reports);
        assert_eq!(engine.store.state.own_position(ANNA, BTC).quantity, Quantity(0));
        assert_eq!(engine.store.state.cash(AccountIndex::NULL), Ok(Some(Money(10_000 * USD))));
        assert_eq!(engine.store.state.orders[&FIRST].net_filled(), Quantity(0));
    }
}

#[test]
fn a_configuration_is_read_back_from_its_bytes_and_trailing_ones_are_refused() {
    let config = config(exchange(true), RiskLimits::default());
    let mut bytes = encode_config(&config);
    assert_eq!(decode_config(&bytes), Ok(config));
    bytes.push(0);
    assert!(matches!(decode_config(&bytes), Err(CodecError::Trailing(1, _))));
}

#[test]
fn a_configuration_that_cannot_run_and_columns_that_do_not_match_are_refused_with_the_reason() {
    let mut rich = config(simulator(FillModel::NextOpen), RiskLimits::default());
    rich.accounts[0].deposits[0].amount = Money(i128::MAX);
    assert_eq!(Engine::new(rich, false).unwrap_err().to_string(), "the opening deposits do not fit");
    let mut engine = Engine::new(config(simulator(FillModel::NextOpen), RiskLimits::default()), false).unwrap();
    let short = BarRows { volume: [].into(), ..bars(&[(100, 101)]) };
    assert_eq!(engine.attach(0, short).unwrap_err().to_string(), "the columns of stream 0 differ in length");
    assert_eq!(engine.attach(3, bars(&[])).unwrap_err().to_string(), "stream 3 is not declared");
}

#[test]
fn a_market_report_from_a_forged_source_is_only_market_data() {
    let mut engine = Engine::new(config(simulator(FillModel::NextOpen), RiskLimits::default()), true).unwrap();
    engine.attach(0, bars(&[(100, 101), (102, 103)])).unwrap();
    let item = event(Payload::Accepted(Accepted { order: FIRST }), Time(MINUTE));
    engine.push(Event { source: 200, venue: VenueIndex(9), idempotency_key: "1".into(), ..item });
    assert_eq!(Source::from_u8(200), None);
    let mut host = Scripted::new(|_: &Event, _: &View<'_>| None);
    recorded(&mut engine, &mut host);
    assert_eq!(count(&engine, RejectCode::RMalformed), 1);
}
