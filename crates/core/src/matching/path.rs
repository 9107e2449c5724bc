//! The path of a bar and what it reaches: open, nearer extreme (tie: high first), other extreme, close. Nothing is changed here.

use std::cmp::Reverse;

use super::order::{Mode, VenueOrder};
use crate::event::BarRows;
use crate::units::Price;

/// An order and the price at which a leg reaches it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reached {
    /// Where.
    pub price: Price,
    /// The order's place.
    pub place: u64,
}

/// Where the path of a bar turns after its open; the last one is the close.
#[must_use]
pub fn turns_of(rows: &BarRows, row: usize) -> [Price; 3] {
    let [opened, high, low, close] = [rows.open[row], rows.high[row], rows.low[row], rows.close[row]];
    let up = i128::from(high.0) - i128::from(opened.0);
    let down = i128::from(opened.0) - i128::from(low.0);
    if up <= down { [high, low, close] } else { [low, high, close] }
}

/// What the leg from `start` to `end` reaches, in the order of prices, at one price by acceptance: limits of sellers and stops of
/// buyers while it rises, limits of buyers and stops of sellers while it falls. A price behind the start is met at the start.
#[must_use]
pub fn reached(orders: &[VenueOrder], row: usize, start: Price, end: Price) -> Vec<Reached> {
    let rising = end > start;
    let mut found = Vec::new();
    for order in orders {
        let (price, turns, is_reached) = match order.mode {
            Mode::Limit => (order.limit_price, !rising, order.is_marketable(end)),
            Mode::Stop => (order.stop_price, rising, order.is_stopped(end)),
            Mode::Market | Mode::Close => continue,
        };
        if is_reached && order.is_buy() == turns && order.live && order.first_row <= row {
            let price = if rising { price.max(start) } else { price.min(start) };
            found.push(Reached { price, place: order.place });
        }
    }
    if planted!(3) {
        found.sort_unstable_by_key(|one| (one.price.0 * if rising { 1 } else { -1 }, Reverse(one.place)));
    } else if rising {
        found.sort_unstable_by_key(|one| (one.price, one.place));
    } else {
        found.sort_unstable_by_key(|one| (Reverse(one.price), one.place));
    }
    found
}
