//! Matching on bars: the open, the path from it to the close with its turns, and the close.
//!
//! An order takes part in a bar only if it arrived before that bar's open was matched; a child from the point after its parent's
//! fill.

use super::desk::Desk;
use super::fill::{Bounds, Offer, Rules, UNBOUNDED};
use super::order::{FillRule, Mode, VenueOrder};
use super::path::{reached, turns_of};
use crate::capability::FillModel;
use crate::event::Rows;
use crate::fee::Liquidity;
use crate::intent::OrderType;
use crate::units::{InstrumentIndex, Price, Quantity, Time};

/// At an open.
pub const OPEN: Rules = Rules {
    market: FillRule::BarNextOpen,
    first: FillRule::BarOpen,
    later: FillRule::BarGap,
    stop: FillRule::BarStopOpen,
    at_limit: false,
    draws: true,
};
/// Where the path stands when a child becomes live inside a bar.
pub const ENTER: Rules = Rules {
    market: FillRule::Outside,
    first: FillRule::BarEnter,
    later: FillRule::BarGap,
    stop: FillRule::BarEnter,
    at_limit: false,
    draws: true,
};

/// The open of a bar: what trades at once does, what is immediate and does not ends.
pub fn open_bar(desk: &mut Desk, instrument: InstrumentIndex, time: Time) {
    let lane = &mut desk.lanes[instrument.at()];
    let Some(Rows::Bars(rows)) = &lane.rows else { return };
    let row = lane.row;
    let (price, bounds) = (rows.open[row], Bounds { low: rows.low[row], high: rows.high[row] });
    lane.inside = true;
    lane.used_buying = Quantity(0);
    if lane.waking {
        desk.wake(instrument);
    }
    let mut index = 0;
    while let Some(order) = desk.lane(instrument).orders.get(index) {
        if rests(order, price) {
            index += 1;
            continue;
        }
        let place = order.place;
        if order.live && order.first_row <= row && !waits_for_close(desk, order) {
            desk.meet(instrument, index, price, (&OPEN, bounds), time);
        }
        index = desk.lane(instrument).after(index, place);
    }
}

/// Whether the order is a limit that has met a price before and that this one leaves where it is: most orders at most opens.
fn rests(order: &VenueOrder, price: Price) -> bool {
    order.mode == Mode::Limit && order.opened && !order.is_marketable(price)
}

/// The rest of a bar: the path to its close, then what trades at the close.
pub fn walk_bar(desk: &mut Desk, instrument: InstrumentIndex, time: Time) {
    let lane = desk.lane(instrument);
    let Some(Rows::Bars(rows)) = &lane.rows else { return };
    let row = lane.row;
    let bounds = Bounds { low: rows.low[row], high: rows.high[row] };
    let (mut start, turns) = (rows.open[row], turns_of(rows, row));
    for turn in turns {
        if desk.lane(instrument).waking {
            enter(desk, instrument, start, bounds, time);
        }
        if start != turn {
            leg(desk, instrument, (start, turn), bounds, time);
        }
        start = turn;
    }
    let mut index = 0;
    while let Some(order) = desk.lane(instrument).orders.get(index) {
        let place = order.place;
        let in_time = order.first_row <= row || order.mode == Mode::Market;
        if order.live && waits_for_close(desk, order) && in_time {
            fill_at_close(desk, instrument, index, row, time);
        }
        index = desk.lane(instrument).after(index, place);
    }
    let lane = &mut desk.lanes[instrument.at()];
    lane.row = row + 1;
    lane.inside = false;
}

/// Whether the order trades at the close of a bar: market-on-close, and market orders where the venue fills them so.
#[must_use]
pub fn waits_for_close(desk: &Desk, order: &VenueOrder) -> bool {
    order.mode == Mode::Close || (order.is_of(OrderType::Market) && desk.declared().fill == FillModel::SameClose)
}

/// Trade at the close of a bar.
pub fn fill_at_close(desk: &mut Desk, instrument: InstrumentIndex, index: usize, row: usize, time: Time) {
    let lane = desk.lane(instrument);
    let Some(Rows::Bars(rows)) = &lane.rows else { return };
    let is_on_close = lane.orders[index].mode == Mode::Close;
    let rule = if is_on_close { FillRule::BarOnClose } else { FillRule::BarSameClose };
    let bounds = Bounds { low: rows.low[row], high: rows.high[row] };
    let offer = Offer { price: rows.close[row], liquidity: Liquidity::Taker, rule, bounds };
    desk.attempt(instrument, index, &offer, time);
}

/// Children that have just become live meet the price where the path stands.
fn enter(desk: &mut Desk, instrument: InstrumentIndex, price: Price, bounds: Bounds, time: Time) {
    desk.wake(instrument);
    let row = desk.lane(instrument).row;
    let mut index = 0;
    while let Some(order) = desk.lane(instrument).orders.get(index) {
        let place = order.place;
        let is_new = order.live && !order.opened && order.first_row <= row;
        if is_new && !waits_for_close(desk, order) && order.mode != Mode::Market {
            desk.meet(instrument, index, price, (&ENTER, bounds), time);
        }
        index = desk.lane(instrument).after(index, place);
    }
}

/// One leg of the path: what it reaches trades there, and trailing stops follow it to its end.
fn leg(desk: &mut Desk, instrument: InstrumentIndex, (start, end): (Price, Price), bounds: Bounds, time: Time) {
    let row = desk.lane(instrument).row;
    for one in reached(&desk.lane(instrument).orders, row, start, end) {
        let Some(index) = desk.lane(instrument).place_of(one.place) else { continue };
        let price = one.price;
        if desk.order(instrument, index).mode == Mode::Stop {
            let offer = Offer { price, liquidity: Liquidity::Taker, rule: FillRule::BarStop, bounds };
            desk.trigger(instrument, index, &offer, time);
        } else if price != end || desk.touches() {
            let (liquidity, rule) = (Liquidity::Maker, FillRule::BarTouch);
            desk.attempt(instrument, index, &Offer { price, liquidity, rule, bounds: UNBOUNDED }, time);
        }
    }
    if desk.lane(instrument).trails == 0 {
        return;
    }
    for index in 0..desk.lane(instrument).orders.len() {
        let order = desk.order(instrument, index);
        if order.live && order.first_row <= row && order.mode == Mode::Stop {
            desk.follow(instrument, index, end);
        }
    }
}
