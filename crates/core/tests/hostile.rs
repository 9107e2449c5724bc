//! Random reports from a venue that obeys no rule: the engine never panics, every invariant holds after every step, and what it
//! recorded replays to the byte. Which findings the reports get is not asked here.

use cracktrader_core::account::{Account, AccountKind, Deposit};
use cracktrader_core::capability::{Capabilities, FillModel, Venue};
use cracktrader_core::codec::{Record, decode_record};
use cracktrader_core::config::{Config, Conversion, DataKind, OnError, StrategyConfig, Stream};
use cracktrader_core::engine::{Engine, Host, Response, restore, save};
use cracktrader_core::event::{
    Absent, Accepted, BalanceStatement, BarRows, Busted, CancelRejected, Cancelled, Denied, Event, Expired, Filled,
    Funding, InDoubt, Payload, Refused, Rejected, ReplaceRejected, Replaced, Settled, Settlement, Transfer, Triggered,
    event,
};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::intent::{CancelOrder, Intent, OrderId, OrderType, PlaceOrder, ReplaceOrder, Side};
use cracktrader_core::invariant::check_all;
use cracktrader_core::reject::RejectCode;
use cracktrader_core::replay::replay;
use cracktrader_core::risk::RiskLimits;
use cracktrader_core::units::{
    AccountIndex, CurrencyIndex, ENGINE_VENUE, InstrumentIndex, Money, NONE_PRICE, NULL_INSTRUMENT, OrderOrdinal,
    Price, Quantity, RATE_ONE, Rate, StrategyIndex, Time, VenueIndex,
};
use cracktrader_core::view::View;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const BARS: i64 = 12;

/// What varies between the venues.
#[derive(Clone, Copy, Debug)]
struct World {
    kind: InstrumentKind,
    account: AccountKind,
    provisional_fills: bool,
    dense_keys: bool,
    retention: i64,
}

fn worlds() -> impl Strategy<Value = World> {
    let kinds = proptest::sample::select(InstrumentKind::ALL);
    let retention = prop_oneof![Just(0_i64), Just(3), Just(i64::MAX)];
    (kinds, any::<[bool; 3]>(), retention).prop_map(|(kind, [cash, provisional_fills, dense_keys], retention)| World {
        kind,
        account: if cash && kind == InstrumentKind::Spot { AccountKind::Cash } else { AccountKind::Margin },
        provisional_fills,
        dense_keys,
        retention,
    })
}

fn config(world: World) -> Config {
    let currency = |name: &str| Currency { name: name.into(), scale: 8 };
    let deposit = |currency| Deposit { currency: CurrencyIndex(currency), amount: Money(100_000_000_000_000) };
    Config {
        currencies: vec![currency("USD"), currency("BTC")],
        venues: vec![Venue {
            name: "hostile".into(),
            simulated: false,
            capabilities: Capabilities {
                order_types: 0b111_1111,
                times_in_force: 31,
                post_only: true,
                reduce_only: true,
                replace: true,
                provisional_fills: world.provisional_fills,
                dense_keys: world.dense_keys,
                retention_ns: Time(world.retention),
                groups: true,
            },
            fill: FillModel::NextOpen,
            ..Venue::default()
        }],
        accounts: vec![Account {
            name: "main".into(),
            venue: VenueIndex(0),
            kind: world.account,
            deposits: vec![deposit(0), deposit(1)],
        }],
        instruments: vec![Instrument {
            name: "X".into(),
            venue: VenueIndex(0),
            kind: world.kind,
            base_currency: CurrencyIndex(1),
            settlement_currency: CurrencyIndex(0),
            settlement_scale: 8,
            price_decimals: 2,
            quantity_decimals: 8,
            tick: Price(1),
            lot: Quantity(1),
            max_price: Price(if world.kind == InstrumentKind::Outcome { 100 } else { 1_000_000 }),
            max_quantity: Quantity(1_000_000_000_000),
            multiplier: RATE_ONE,
            initial_margin: RATE_ONE,
            maintenance_margin: Rate(0),
            maker_fee: Rate(-100),
            taker_fee: Rate(1_000_000),
        }],
        streams: vec![Stream::outside(InstrumentIndex(0), DataKind::Bar, true, 0)],
        strategies: ["anna", "ben"]
            .map(|name| StrategyConfig {
                name: name.into(),
                parameters: "{}".into(),
                limits: RiskLimits { max_daily_loss: Money(1 << 100), ..RiskLimits::default() },
            })
            .into(),
        base_currency: CurrencyIndex(0),
        conversions: vec![if world.kind == InstrumentKind::Spot {
            Conversion { currency: CurrencyIndex(1), instrument: InstrumentIndex(0), rate: Rate(0) }
        } else {
            Conversion { currency: CurrencyIndex(1), instrument: NULL_INSTRUMENT, rate: RATE_ONE }
        }],
        priorities: [0, 1, 2, 3],
        on_error: OnError::HaltStrategy,
        recheck_every: 1,
        seed: 1,
    }
}

fn bars() -> BarRows {
    let price = |minute: i64| Price(10_000 + minute * 7);
    BarRows {
        stamp: (0..BARS).map(|minute| Time(minute * 10)).collect(),
        open_time: (0..BARS).map(|minute| Time(minute * 10)).collect(),
        close_time: (0..BARS).map(|minute| Time(minute * 10 + 10)).collect(),
        open: (0..BARS).map(price).collect(),
        high: (0..BARS).map(price).collect(),
        low: (0..BARS).map(price).collect(),
        close: (0..BARS).map(price).collect(),
        volume: vec![0; BARS as usize].into(),
    }
}

fn amounts() -> impl Strategy<Value = i128> {
    prop_oneof![20 => -1_000..1_000_i128, 2 => any::<i64>().prop_map(i128::from), 1 => any::<i128>()]
}

fn quantities() -> impl Strategy<Value = Quantity> {
    prop_oneof![40 => (1..=4_i64).prop_map(|n| n * 50_000_000), 1 => -2..3_i64, 1 => any::<i64>()].prop_map(Quantity)
}

fn prices() -> impl Strategy<Value = Price> {
    prop_oneof![40 => 9_900..10_200_i64, 4 => Just(NONE_PRICE.0), 1 => any::<i64>()].prop_map(Price)
}

fn keys() -> impl Strategy<Value = Box<str>> {
    prop_oneof![20 => (1..90_u64).prop_map(|key| key.to_string().into()), 1 => "[0-9a-z]{0,20}".prop_map(Box::from)]
}

fn order_reports() -> impl Strategy<Value = Payload> {
    let reports = (any::<u8>(), 0..7_u64, quantities(), prices(), keys(), amounts(), 0..3_u16);
    reports.prop_map(|(choice, ordinal, quantity, price, fill_key, fee, currency)| {
        let (order, text) = (OrderOrdinal(ordinal), Box::from(""));
        match choice % 20 {
            0 | 1 => Accepted { order }.into(),
            2 => Rejected { order, reason: 1, text }.into(),
            3 => Cancelled { order, reason: 0, text }.into(),
            4 => Expired { order }.into(),
            5 => Triggered { order }.into(),
            6 => Replaced { order, quantity, limit_price: price, stop_price: NONE_PRICE }.into(),
            7 => CancelRejected { order, reason: 1, text }.into(),
            8 => ReplaceRejected { order, reason: 1, text }.into(),
            9 => InDoubt { order }.into(),
            10 => Absent { order }.into(),
            11 | 12 => Busted { order, fill_key }.into(),
            13 => Settled { order, fill_key }.into(),
            14 => Denied { order, code: 101, value: fee, limit: fee }.into(),
            rest => {
                let fee = if rest == 15 { fee } else { fee % 1_000 };
                let fee_currency = CurrencyIndex(currency);
                Filled { order, quantity, price, liquidity: 1, fee_currency, fee: Money(fee), rule: 0 }.into()
            }
        }
    })
}

fn account_reports() -> impl Strategy<Value = Payload> {
    (any::<u8>(), quantities(), prices(), amounts(), 0..3_u16).prop_map(
        |(choice, quantity, price, amount, currency)| {
            let (currency, amount) = (CurrencyIndex(currency), Money(amount));
            match choice % 5 {
                0 => BalanceStatement { currency, total: amount }.into(),
                1 => Transfer { currency, amount, quantity, price }.into(),
                2 => Funding { currency, amount }.into(),
                3 => Settlement { price }.into(),
                _ => Refused {
                    strategy: StrategyIndex(currency.0),
                    intent_seq: 0,
                    index: 0,
                    intent_type: 2,
                    code: 401,
                    value: 0,
                    limit: 0,
                }
                .into(),
            }
        },
    )
}

fn reports() -> impl Strategy<Value = Event> {
    let payloads = prop_oneof![9 => order_reports(), 1 => account_reports()];
    let venues = prop_oneof![40 => Just(VenueIndex(0)), 1 => Just(ENGINE_VENUE), 1 => Just(VenueIndex(1))];
    let instruments = prop_oneof![Just(InstrumentIndex(0)), Just(NULL_INSTRUMENT)];
    (payloads, 30..BARS * 10 + 20, venues, instruments, keys()).prop_map(|(payload, at, venue, instrument, key)| {
        Event { venue, account: AccountIndex(0), instrument, idempotency_key: key, ..event(payload, Time(at)) }
    })
}

/// What a strategy asks for on each bar.
type Wish = (u8, u8, Quantity, Price);

/// Both strategies ask for what is written, bar by bar.
struct Scripted(Vec<Wish>);

impl Host for Scripted {
    fn wants(&self, _: StrategyIndex) -> u64 {
        u64::MAX
    }

    fn call(&mut self, strategy: StrategyIndex, item: &Event, _: bool, view: &mut View<'_>) -> Option<Response> {
        if !matches!(item.payload, Payload::Bar(_)) {
            return None;
        }
        let (choice, side, quantity, limit_price) = self.0.pop()?;
        let order = view.orders(strategy).first().map(|order| OrderId { strategy, seq: order.seq, index: order.index });
        let place = PlaceOrder {
            instrument: InstrumentIndex(0),
            side: if side > 250 { side } else { side % 2 },
            order_type: if limit_price == NONE_PRICE { OrderType::Market } else { OrderType::Limit }.number(),
            time_in_force: 0,
            quantity,
            limit_price,
            ..PlaceOrder::market(InstrumentIndex(0), Side::Buy, quantity)
        };
        let intent = match (choice % 6, order) {
            (0, Some(order)) => Intent::CancelOrder(CancelOrder { order }),
            (1, Some(order)) => {
                Intent::ReplaceOrder(ReplaceOrder { order, quantity, limit_price, stop_price: NONE_PRICE })
            }
            _ => Intent::PlaceOrder(place),
        };
        Some(Response { intents: vec![intent], ..Response::default() })
    }
}

const BROKEN: [RejectCode; 4] = [
    RejectCode::SInvariantQuantity,
    RejectCode::SInvariantCash,
    RejectCode::SInvariantPosition,
    RejectCode::SInvariantLedgers,
];

fn survive(world: World, wishes: Vec<Wish>, pushed: Vec<Event>) -> Result<(), TestCaseError> {
    let config = config(world);
    let mut engine = Engine::new(config.clone(), true).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
    engine.attach(0, bars()).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
    pushed.into_iter().for_each(|item| engine.push(item));
    let mut host = Scripted(wishes);
    let mut records = Vec::new();
    while engine.run_some(1, &mut host) {
        prop_assert_eq!(check_all(&engine.store.state), None);
        records.push(std::mem::take(&mut engine.last_record));
    }
    engine.end_data(&mut host);
    records.push(std::mem::take(&mut engine.last_record));
    while engine.step(&mut host) {
        records.push(std::mem::take(&mut engine.last_record));
    }
    engine.conclude(&mut host);
    records.push(std::mem::take(&mut engine.last_record));
    for code in BROKEN {
        prop_assert!(!engine.store.state.counters.contains_key(&code.number()), "{code:?}");
    }
    let decoded: Result<Vec<Record>, _> = records.iter().map(|record| decode_record(record)).collect();
    prop_assert!(decoded.is_ok());
    let mut again = replay(config, &records).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
    prop_assert_eq!(again.digest(), engine.digest());
    Ok(())
}

/// A run that goes on from a checkpoint ends as the one that was never stopped; one that was forged leads nowhere, and nothing panics.
fn go_on(
    world: World,
    (wishes, pushed, steps): (Vec<Wish>, Vec<Event>, usize),
    forgeries: &[Vec<(usize, u8)>],
) -> Result<(), TestCaseError> {
    let failed = |problem: String| TestCaseError::fail(problem);
    let fresh = || {
        let mut engine = Engine::new(config(world), true).map_err(|problem| failed(problem.to_string()))?;
        engine.attach(0, bars()).map_err(|problem| failed(problem.to_string()))?;
        Ok::<_, TestCaseError>(engine)
    };
    let mut engine = fresh()?;
    pushed.into_iter().for_each(|item| engine.push(item));
    let mut host = Scripted(wishes);
    for _ in 0..steps {
        engine.run_some(1, &mut host);
    }
    let data = save(&engine).map_err(|problem| failed(problem.to_string()))?;
    let mut other = fresh()?;
    let mut later = Scripted(host.0.clone());
    restore(&mut other, &data, &later).map_err(|problem| failed(problem.to_string()))?;
    prop_assert_eq!(save(&other).map_err(|problem| failed(problem.to_string()))?, data.clone());
    engine.run(&mut host);
    other.run(&mut later);
    prop_assert_eq!(&other.last_record, &engine.last_record);
    prop_assert_eq!(other.digest(), engine.digest());
    for (at, forgery) in forgeries.iter().enumerate() {
        let mut body = data[..data.len() - 32].to_vec();
        for (place, byte) in forgery {
            let place = 74 + place % (body.len() - 74);
            body[place] = *byte;
        }
        if at % 3 == 0 {
            body.truncate(74 + forgery[0].0 % (body.len() - 74));
        }
        body.extend(Sha256::digest(&body));
        let mut victim = fresh()?;
        if restore(&mut victim, &body, &later).is_ok() {
            prop_assert_eq!(save(&victim).map_err(|problem| failed(problem.to_string()))?, body);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_stream_of_reports_breaks_an_invariant_or_the_replay(
        world in worlds(),
        wishes in proptest::collection::vec((any::<u8>(), any::<u8>(), quantities(), prices()), 6..24),
        pushed in proptest::collection::vec(reports(), 0..120),
    ) {
        survive(world, wishes, pushed)?;
    }

    #[test]
    fn a_run_goes_on_from_its_checkpoint_and_a_forged_one_breaks_nothing(
        world in worlds(),
        wishes in proptest::collection::vec((any::<u8>(), any::<u8>(), quantities(), prices()), 6..24),
        pushed in proptest::collection::vec(reports(), 0..120),
        steps in 0..130_usize,
        forgeries in proptest::collection::vec(proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4), 0..12),
    ) {
        go_on(world, (wishes, pushed, steps), &forgeries)?;
    }

    #[test]
    fn bytes_that_are_no_record_are_refused_without_a_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut record = (data.len() as u32).to_le_bytes().to_vec();
        record.extend(&data);
        record.extend(crc32(&data).to_le_bytes());
        prop_assert!(decode_record(&record).is_err());
    }
}

/// CRC-32 as in zlib, bit by bit.
fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !data.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
