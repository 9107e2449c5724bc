//! Matching on trades and quotes: each shows one price, a quote the side at which the order would trade.
//!
//! Orders meet a trade or quote by acceptance. On quotes an order meets the last quote when it arrives.

use super::desk::Desk;
use super::fill::{Offer, Rules, UNBOUNDED};
use super::order::FillRule;
use crate::fee::Liquidity;
use crate::units::{InstrumentIndex, Quantity, Time};

/// At a trade.
pub const TRADE: Rules = Rules {
    market: FillRule::TradeNext,
    first: FillRule::TradeFirst,
    later: FillRule::TradeTouch,
    stop: FillRule::TradeStop,
    at_limit: true,
    draws: true,
};
/// At the top of the book.
pub const QUOTE: Rules = Rules {
    market: FillRule::QuoteTop,
    first: FillRule::QuoteFirst,
    later: FillRule::QuoteTouch,
    stop: FillRule::QuoteStop,
    at_limit: true,
    draws: false,
};

/// The next trade or quote.
pub fn show_tick(desk: &mut Desk, instrument: InstrumentIndex, time: Time) {
    let lane = &mut desk.lanes[instrument.at()];
    lane.row += 1;
    (lane.used_buying, lane.used_selling) = (Quantity(0), Quantity(0));
    if lane.waking {
        desk.wake(instrument);
    }
    let mut index = 0;
    while let Some(order) = desk.lane(instrument).orders.get(index) {
        let place = order.place;
        if order.live {
            meet_shown(desk, instrument, index, time);
        }
        index = desk.lane(instrument).after(index, place);
    }
}

/// The order meets what was shown last, where something was.
pub fn meet_shown(desk: &mut Desk, instrument: InstrumentIndex, index: usize, time: Time) {
    let lane = desk.lane(instrument);
    if let Some(price) = lane.shown(lane.orders[index].side) {
        let rules = if lane.has_quotes() { &QUOTE } else { &TRADE };
        desk.meet(instrument, index, price, (rules, UNBOUNDED), time);
    }
}

/// A market-on-close order trades at what was shown last before its session closes.
pub fn close_session(desk: &mut Desk, instrument: InstrumentIndex, index: usize, time: Time) {
    let lane = desk.lane(instrument);
    let order = &lane.orders[index];
    if let Some(price) = lane.shown(order.side).filter(|_| order.live) {
        let rule = if lane.has_quotes() { FillRule::QuoteOnClose } else { FillRule::TradeOnClose };
        let offer = Offer { price, liquidity: Liquidity::Taker, rule, bounds: UNBOUNDED };
        desk.attempt(instrument, index, &offer, time);
    }
}
