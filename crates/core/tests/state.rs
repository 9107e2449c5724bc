//! The configuration's own checks and the questions asked of the state: equity, margin, reserves, conversions. What changes the state
//! is not here: that is the engine.

use std::sync::Arc;

use cracktrader_core::account::{Account, AccountKind, Deposit, Ledger};
use cracktrader_core::capability::{FillModel, SIMULATOR, Venue};
use cracktrader_core::config::{Config, Conversion, DataKind, OnError, StrategyConfig, Stream, config_problem};
use cracktrader_core::group::{IDLE, Working};
use cracktrader_core::instrument::{Currency, Instrument, InstrumentKind};
use cracktrader_core::intent::{OrderId, OrderType, PlaceOrder, Side};
use cracktrader_core::order::{Life, Order, Place, new_order};
use cracktrader_core::portfolio::{FILL, FLAT, Lot, fold};
use cracktrader_core::reject::RejectCode;
use cracktrader_core::risk::RiskLimits;
use cracktrader_core::state::{State, new_state};
use cracktrader_core::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, MONEY_MAX, Money, NULL_INSTRUMENT, OrderOrdinal, OutOfRange, Price,
    Quantity, RATE_ONE, Rate, StrategyIndex, Time, VenueIndex,
};

const USD: CurrencyIndex = CurrencyIndex(0);
const BTC: CurrencyIndex = CurrencyIndex(1);
const ACCOUNT: AccountIndex = AccountIndex(0);
const ANNA: StrategyIndex = StrategyIndex(0);
/// Spot, prices of 2 decimals, quantities of 3.
const SPOT: InstrumentIndex = InstrumentIndex(0);
/// Inverse: contracts of 1 USD that settle in BTC.
const INVERSE: InstrumentIndex = InstrumentIndex(1);

fn instrument(name: &str, kind: InstrumentKind, settlement_currency: CurrencyIndex) -> Instrument {
    Instrument {
        name: name.into(),
        venue: VenueIndex(0),
        kind,
        base_currency: BTC,
        settlement_currency,
        settlement_scale: 8,
        price_decimals: 2,
        quantity_decimals: if kind == InstrumentKind::Spot { 3 } else { 0 },
        tick: Price(1),
        lot: Quantity(1),
        max_price: Price(100_000_000),
        max_quantity: Quantity(1_000_000_000),
        multiplier: RATE_ONE,
        initial_margin: Rate(100_000_000),
        maintenance_margin: Rate(0),
        maker_fee: Rate(0),
        taker_fee: Rate(1_000_000),
    }
}

fn config(kind: AccountKind) -> Config {
    let stream = |instrument| Stream::outside(instrument, DataKind::Bar, true, 0);
    let currency = |name: &str| Currency { name: name.into(), scale: 8 };
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
            kind,
            deposits: vec![Deposit { currency: USD, amount: Money(1_000 * 100_000_000) }; 2],
        }],
        instruments: vec![
            instrument("BTC/USD", InstrumentKind::Spot, USD),
            instrument("BTC-PERP", InstrumentKind::Inverse, BTC),
        ],
        streams: vec![stream(SPOT), stream(INVERSE)],
        strategies: vec![StrategyConfig {
            name: "anna".into(),
            parameters: "{}".into(),
            limits: RiskLimits::default(),
        }],
        base_currency: USD,
        conversions: vec![Conversion { currency: BTC, instrument: SPOT, rate: Rate(0) }],
        priorities: [0, 1, 2, 3],
        on_error: OnError::HaltStrategy,
        recheck_every: 0,
        seed: 7,
    }
}

fn state(kind: AccountKind) -> State {
    new_state(Arc::new(config(kind))).expect("deposits fit")
}

/// An accepted limit order of Anna's.
fn order(ordinal: u64, side: Side, quantity: i64, price: i64) -> Order {
    let place = PlaceOrder {
        order_type: OrderType::Limit as u8,
        limit_price: Price(price),
        ..PlaceOrder::market(SPOT, side, Quantity(quantity))
    };
    let at = Place {
        ordinal: OrderOrdinal(ordinal),
        id: OrderId { strategy: ANNA, seq: ordinal, index: 0 },
        venue: VenueIndex(0),
        account: ACCOUNT,
        parent: OrderOrdinal(0),
        oco: OrderOrdinal(0),
    };
    let order = new_order(&place, at, Time(0));
    Order { life: Life::Accepted, reserve_price: Price(price), ..order }
}

fn put(state: &mut State, order: Order) {
    state.by_id.insert(order.id, order.ordinal);
    state.orders.insert(order.ordinal, order);
}

fn hold(state: &mut State, instrument: InstrumentIndex, quantity: i64, value: i128) {
    let key = "".into();
    let lot = Lot { key, quantity: Quantity(quantity), value: Money(value), fee_quantity: Quantity(0), cause: FILL };
    state.accounts.insert((ACCOUNT, instrument), fold(&FLAT, &lot).expect("it fits"));
}

const UNIT: i128 = 100_000_000;

#[test]
fn opening_deposits_add_up_in_the_ledger_and_are_the_first_equity() {
    let state = state(AccountKind::Margin);
    let ledger = state.ledger(ACCOUNT, USD);
    assert_eq!(
        (ledger.cash, ledger.transfers, ledger.imbalance()),
        (Money(2_000 * UNIT), Money(2_000 * UNIT), Money(0))
    );
    assert_eq!(state.equity(AccountIndex::NULL), Some(Money(2_000 * UNIT)));
    assert_eq!((state.day, state.next_ordinal, state.owners[0].next_timer), (-1, OrderOrdinal(1), 1));
}

#[test]
fn deposits_that_do_not_fit_are_refused() {
    let mut wide = config(AccountKind::Cash);
    wide.accounts[0].deposits.push(Deposit { currency: USD, amount: Money(MONEY_MAX) });
    assert_eq!(new_state(Arc::new(wide)).err(), Some(OutOfRange));
}

#[test]
fn equity_counts_spot_by_its_value_and_derivatives_by_their_profit() {
    let mut state = state(AccountKind::Margin);
    hold(&mut state, SPOT, 2_000, 100 * UNIT);
    assert_eq!(state.equity(AccountIndex::NULL), None);
    state.markets[0].mark = Price(6_000);
    assert_eq!(state.equity(AccountIndex::NULL), Some(Money((2_000 + 120) * UNIT)));
    hold(&mut state, SPOT, -2_000, 100 * UNIT);
    assert_eq!(state.equity(AccountIndex::NULL), Some(Money((2_000 - 120) * UNIT)));
    // 120 contracts opened at 60 for -2 BTC are worth -1.6 BTC at 75: 0.4 BTC of profit, at 60 USD.
    state.markets[1].mark = Price(7_500);
    hold(&mut state, SPOT, 0, 0);
    hold(&mut state, INVERSE, 120, -2 * UNIT);
    assert_eq!(state.equity(AccountIndex::NULL), Some(Money((2_000 + 24) * UNIT)));
}

#[test]
fn a_currency_is_valued_at_its_conversions_mark_and_not_at_all_without_one() {
    let mut state = state(AccountKind::Margin);
    assert_eq!(state.to_base(Money(5), USD), Ok(Some(Money(5))));
    assert_eq!(state.to_base(Money(5), BTC), Ok(None));
    assert_eq!(state.to_base(Money(0), BTC), Ok(Some(Money(0))));
    state.markets[0].mark = Price(150);
    assert_eq!(state.to_base(Money(-5), BTC), Ok(Some(Money(-8))));
    assert_eq!(state.to_base(Money(3), BTC), Ok(Some(Money(4))));
    state.markets[0].mark = Price(100_000_000);
    assert_eq!(state.to_base(Money(MONEY_MAX), BTC), Err(OutOfRange));
    state.ledgers.insert((ACCOUNT, BTC), Ledger { cash: Money(MONEY_MAX), ..Ledger::default() });
    assert_eq!((state.cash(AccountIndex::NULL), state.equity(AccountIndex::NULL)), (Err(OutOfRange), None));
}

#[test]
fn a_cash_account_reserves_a_buys_value_with_the_worst_fee_and_a_margin_account_nothing() {
    let (cash, margin) = (state(AccountKind::Cash), state(AccountKind::Margin));
    let (buy, sell) = (order(1, Side::Buy, 1_000, 5_000), order(2, Side::Sell, 1_000, 5_000));
    let reserved = Money(50 * UNIT + 50 * UNIT / 1_000);
    assert_eq!(cash.exposure(&buy), Ok(Working { buying: 1_000, reserved, ..IDLE }));
    assert_eq!(cash.exposure(&sell), Ok(Working { selling: 1_000, ..IDLE }));
    assert_eq!(margin.exposure(&buy), Ok(Working { buying: 1_000, ..IDLE }));
    assert_eq!(cash.exposure(&Order { life: Life::Filled, ..buy }), Ok(IDLE));
}

#[test]
fn only_open_orders_of_the_strategy_count_as_working() {
    let mut state = state(AccountKind::Margin);
    let market = Order { order_type: OrderType::Market as u8, ..order(3, Side::Sell, 70, 1) };
    put(&mut state, order(1, Side::Buy, 10, 1));
    put(&mut state, Order { life: Life::Cancelled, ..order(2, Side::Buy, 20, 1) });
    put(&mut state, market);
    let mut foreign = order(4, Side::Buy, 40, 1);
    foreign.id.strategy = StrategyIndex(1);
    put(&mut state, foreign);
    assert_eq!(
        (state.own_working(ANNA, SPOT), state.own_market_orders(ANNA, SPOT)),
        (Working { buying: 10, selling: 70, ..IDLE }, -70)
    );
    assert_eq!(state.own_working(ANNA, INVERSE), IDLE);
    assert_eq!(state.open_orders(ANNA).map(|order| order.ordinal.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(state.order_of(market.id), Some(&market));
}

#[test]
fn required_margin_covers_the_worst_exposure_of_every_instrument() {
    let mut state = state(AccountKind::Margin);
    state.markets[0].mark = Price(5_000);
    hold(&mut state, SPOT, 1_000, 50 * UNIT);
    state.working.insert((ACCOUNT, SPOT), Working { buying: 500, selling: 9_000, ..IDLE });
    let required = |buying, selling| state.required_margin(ACCOUNT, SPOT, buying, selling);
    assert_eq!(required(500, 0), Ok(Some(Money(75 * UNIT / 10))));
    assert_eq!(required(0, 4_000), Ok(Some(Money(150 * UNIT / 10))));
    assert_eq!(state.required_margin(ACCOUNT, INVERSE, 0, 0), Ok(Some(Money(400 * UNIT / 10))));
    assert_eq!(state.required_margin(ACCOUNT, INVERSE, 1, 0), Ok(None));
    assert_eq!(required(i128::from(i64::MAX), 0), Err(OutOfRange));
}

#[test]
fn maintenance_margin_is_of_positions_only() {
    let mut declared = config(AccountKind::Margin);
    declared.instruments[0].maintenance_margin = Rate(50_000_000);
    let mut state = new_state(Arc::new(declared)).expect("deposits fit");
    state.working.insert((ACCOUNT, SPOT), Working { buying: 500, selling: 9_000, reserved: Money(0), ..IDLE });
    assert_eq!(state.maintenance_margin(ACCOUNT), Ok(Some(Money(0))));
    hold(&mut state, SPOT, -1_000, 50 * UNIT);
    assert_eq!(state.maintenance_margin(ACCOUNT), Ok(None));
    state.markets[0].mark = Price(5_000);
    assert_eq!(state.maintenance_margin(ACCOUNT), Ok(Some(Money(25 * UNIT / 10))));
}

#[test]
fn a_quote_the_other_way_round_divides_and_a_constant_rate_needs_no_mark() {
    let mut declared = config(AccountKind::Margin);
    declared.base_currency = BTC;
    declared.conversions[0] = Conversion { currency: USD, instrument: SPOT, rate: Rate(0) };
    let mut state = new_state(Arc::new(declared.clone())).expect("deposits fit");
    assert_eq!(state.to_base(Money(600), USD), Ok(None));
    state.markets[0].mark = Price(40_000);
    assert_eq!(state.to_base(Money(600), USD), Ok(Some(Money(2))));
    assert_eq!(state.to_base(Money(-1_000), USD), Ok(Some(Money(-2))));
    declared.conversions[0] = Conversion { currency: USD, instrument: NULL_INSTRUMENT, rate: Rate(2_500_000) };
    let state = new_state(Arc::new(declared)).expect("deposits fit");
    assert_eq!(state.to_base(Money(1_000), USD), Ok(Some(Money(2))));
}

#[test]
fn reserves_add_up_by_settlement_currency() {
    let mut state = state(AccountKind::Cash);
    state.working.insert((ACCOUNT, SPOT), Working { reserved: Money(30), ..IDLE });
    state.working.insert((AccountIndex(1), SPOT), Working { reserved: Money(5), ..IDLE });
    assert_eq!(state.reserved(ACCOUNT, USD), Ok(Money(30)));
    assert_eq!(state.reserved(ACCOUNT, BTC), Ok(Money(0)));
}

#[test]
fn codes_are_counted() {
    let mut state = state(AccountKind::Cash);
    state.count(RejectCode::RDuplicate);
    state.count(RejectCode::RDuplicate);
    assert_eq!(state.counters.get(&RejectCode::RDuplicate.number()), Some(&2));
}

#[test]
fn a_configuration_that_does_not_fit_together_says_why() {
    assert_eq!(config_problem(&config(AccountKind::Margin)), None);
    let wrong = |change: fn(&mut Config)| {
        let mut config = config(AccountKind::Margin);
        change(&mut config);
        config_problem(&config).unwrap_or_default()
    };
    assert_eq!(wrong(|c| c.currencies[1].scale = 13), "currency BTC: scale 13 is outside 0..12");
    assert_eq!(wrong(|c| c.accounts.clear()), "venue sim has 0 accounts, it needs one");
    assert_eq!(wrong(|c| c.instruments[0].lot = Quantity(0)), "instrument BTC/USD: lot 0 is outside 1..1000000000");
    let scales = "instrument BTC/USD: settlement_scale is not the scale of its settlement currency";
    assert_eq!(wrong(|c| c.instruments[0].settlement_scale = 2), scales);
    assert_eq!(
        wrong(|c| c.accounts[0].kind = AccountKind::Cash),
        "instrument BTC-PERP: a cash account trades spot only"
    );
    assert_eq!(wrong(|c| c.streams[0].instrument = InstrumentIndex(2)), "a stream: instrument 2 is not declared");
    assert_eq!(wrong(|c| c.streams[0].instrument = INVERSE), "an instrument has two streams that drive matching");
}
