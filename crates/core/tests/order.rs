//! What fills, busts and replaces do to the quantities of an order, and how it is shown. Which inputs it takes is not here: that is
//! tested against the contract's table.

use cracktrader_core::intent::{OrderId, OrderType, PlaceOrder, Side};
use cracktrader_core::order::{
    Life, Order, OrderState, Pending, Place, STATUS_NAMES, Status, bust, enter, fill, new_order, start_version,
};
use cracktrader_core::units::{
    AccountIndex, InstrumentIndex, MONEY_MAX, Money, NONE_PRICE, OrderOrdinal, OutOfRange, Price, Quantity,
    StrategyIndex, Time, VenueIndex,
};

fn buy(quantity: i64, limit: i64) -> Order {
    let place = PlaceOrder {
        order_type: OrderType::Limit as u8,
        limit_price: Price(limit),
        ..PlaceOrder::market(InstrumentIndex(0), Side::Buy, Quantity(quantity))
    };
    let at = Place {
        ordinal: OrderOrdinal(1),
        id: OrderId { strategy: StrategyIndex(0), seq: 1, index: 0 },
        venue: VenueIndex(0),
        account: AccountIndex(0),
        parent: OrderOrdinal(0),
        oco: OrderOrdinal(0),
    };
    let mut order = new_order(&place, at, Time(5));
    order.life = Life::Accepted;
    order.reserve_price = Price(limit);
    order
}

#[test]
fn an_order_with_a_quantity_below_zero_is_kept_as_it_came_with_nothing_open() {
    let order = buy(i64::MIN, 10);
    assert_eq!((order.quantity, order.open_quantity), (Quantity(i64::MIN), Quantity(0)));
}

#[test]
fn fills_lower_what_is_open_busts_never_raise_it_and_gross_quantities_only_rise() {
    let mut order = buy(10, 100);
    fill(&mut order, Quantity(4), Money(400)).unwrap();
    assert_eq!(
        (order.open_quantity, order.filled_value, order.status()),
        (Quantity(6), Money(400), Status::PartiallyFilled)
    );
    bust(&mut order, Quantity(4), Money(400)).unwrap();
    assert_eq!(
        (order.filled_quantity, order.busted_quantity, order.net_filled()),
        (Quantity(4), Quantity(4), Quantity(0))
    );
    assert_eq!((order.open_quantity, order.filled_value, order.status()), (Quantity(6), Money(0), Status::Accepted));
    fill(&mut order, Quantity(7), Money(700)).unwrap();
    assert_eq!(order.open_quantity, Quantity(0));
}

#[test]
fn a_fill_that_does_not_fit_its_numbers_is_refused() {
    let mut order = buy(10, 100);
    order.filled_quantity = Quantity(i64::MAX);
    assert_eq!(fill(&mut order, Quantity(1), Money(1)), Err(OutOfRange));
    let mut order = buy(10, 100);
    order.filled_value = Money(MONEY_MAX);
    assert_eq!(fill(&mut order, Quantity(1), Money(1)), Err(OutOfRange));
}

#[test]
fn under_an_unanswered_replace_risk_takes_the_worse_terms() {
    let mut order = buy(10, 100);
    fill(&mut order, Quantity(4), Money(400)).unwrap();
    order.pending = Pending::Both;
    (order.replace_quantity, order.replace_limit_price) = (Quantity(20), Price(90));
    assert_eq!(
        (order.exposure(), order.risk_price(), order.status()),
        (Quantity(16), Price(100), Status::CancelPending)
    );
    (order.replace_quantity, order.replace_limit_price) = (Quantity(5), Price(110));
    assert_eq!((order.exposure(), order.risk_price()), (Quantity(6), Price(110)));
    order.life = Life::Cancelled;
    assert_eq!(
        (order.exposure(), order.remaining_quantity(), order.status()),
        (Quantity(0), Quantity(0), Status::Cancelled)
    );
}

#[test]
fn a_confirmed_replace_opens_its_new_total_less_what_is_filled() {
    let mut order = buy(10, 100);
    fill(&mut order, Quantity(4), Money(400)).unwrap();
    start_version(&mut order, Quantity(12), Price(101), NONE_PRICE);
    assert_eq!((order.version, order.open_quantity, order.reserve_price), (1, Quantity(8), Price(101)));
    start_version(&mut order, Quantity(3), NONE_PRICE, Price(99));
    assert_eq!((order.version, order.open_quantity, order.reserve_price), (2, Quantity(0), Price(101)));
}

#[test]
fn a_close_is_stamped_once() {
    let mut order = buy(10, 100);
    let cancelled = OrderState { life: Life::Cancelled, ..order.state() };
    enter(&mut order, cancelled, Time(7));
    enter(&mut order, cancelled, Time(9));
    assert_eq!((order.closed_time, order.state()), (Time(7), cancelled));
}

#[test]
fn every_closed_life_is_shown_by_its_own_name() {
    let mut order = buy(10, 100);
    for life in Life::ALL {
        order.life = *life;
        assert_eq!(STATUS_NAMES[usize::from(order.status().number())], format!("{life:?}"));
    }
}
