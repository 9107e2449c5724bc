//! What a fill may be: how much the volume gives, at what price takers pay for slippage and spread, where a trailing stop stands.
//!
//! Who fills when is not here.

use super::order::{FillRule, VenueOrder};
use crate::capability::Venue;
use crate::fee::Liquidity;
use crate::instrument::Instrument;
use crate::order::trail_distance;
use crate::units::{I64_MAX, NONE_PRICE, Price, Quantity, RATE_ONE, Rounding, div_round, mul_div_round};

/// By which rules orders trade at a price that the market shows, and where limits that were waiting do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// `Outside` where market orders wait for another price.
    pub market: FillRule,
    /// Limits that the first price they meet satisfies.
    pub first: FillRule,
    /// Limits that were waiting.
    pub later: FillRule,
    /// Stops.
    pub stop: FillRule,
    /// Whether waiting limits trade at their limit; else at the price.
    pub at_limit: bool,
    /// Whether a price that is exactly the limit only touches it.
    pub draws: bool,
}

/// The prices between which slippage stays; null where nothing limits it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The lowest.
    pub low: Price,
    /// The highest.
    pub high: Price,
}

/// Nothing limits slippage.
pub const UNBOUNDED: Bounds = Bounds { low: NONE_PRICE, high: NONE_PRICE };

/// What an order may trade at: the price, which side of the book it would be on, the rule that says so, and the bounds of slippage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Where.
    pub price: Price,
    /// As what.
    pub liquidity: Liquidity,
    /// Why.
    pub rule: FillRule,
    /// How far slippage may go.
    pub bounds: Bounds,
}

/// The rule of a stop-limit that the price which triggers it satisfies, by the rule of a stop there.
#[must_use]
pub const fn stop_limit_rule(stop: FillRule) -> FillRule {
    match stop {
        FillRule::TradeStop => FillRule::TradeStopLimit,
        FillRule::QuoteStop => FillRule::QuoteStopLimit,
        _ => FillRule::BarStopLimit,
    }
}

/// What orders together may fill of `volume` (a mantissa of `decimals`): the venue's share of it, down to the lot.
#[must_use]
pub fn participation(venue: &Venue, instrument: &Instrument, volume: i64, decimals: u8) -> Quantity {
    let up = instrument.quantity_decimals.saturating_sub(decimals);
    let down = decimals.saturating_sub(instrument.quantity_decimals);
    let factor = i128::from(venue.participation.0) * 10_i128.pow(u32::from(up));
    let whole = i128::from(RATE_ONE.0) * 10_i128.pow(u32::from(down));
    let share = mul_div_round(volume.into(), factor, whole, Rounding::Floor).unwrap_or(I64_MAX.into());
    let lots = div_round(share.min(I64_MAX.into()), instrument.lot.0.into(), Rounding::Floor);
    Quantity((lots * i128::from(instrument.lot.0)) as i64)
}

/// The offered price with slippage, kept inside the offer's bounds, and half the spread where the data has none: both against the
/// taker, each away from the offer to the tick, and inside the instrument's prices.
#[must_use]
pub fn taker_price(venue: &Venue, instrument: &Instrument, is_buy: bool, offer: &Offer, spread: bool) -> Price {
    let mut price = offer.price;
    let share = |price: Price, rate: i64, whole: i64| {
        mul_div_round(price.0.into(), rate.into(), whole.into(), Rounding::Ceil).unwrap_or(I64_MAX.into())
    };
    let tick = i128::from(instrument.tick.0);
    let slip = share(price, venue.slippage.0, RATE_ONE.0) + i128::from(venue.slippage_ticks) * tick;
    if slip != 0 {
        price = worse(instrument, price, slip, is_buy);
        if offer.bounds.low != NONE_PRICE && !planted!(20) {
            price = price.max(offer.bounds.low).min(offer.bounds.high);
        }
    }
    if spread && (venue.spread.0 != 0 || venue.spread_ticks != 0) {
        let half = share(price, venue.spread.0, 2 * RATE_ONE.0)
            + div_round(i128::from(venue.spread_ticks) * tick, 2, Rounding::Ceil);
        price = worse(instrument, price, half, is_buy);
    }
    price
}

/// Where the stop of a trailing order stands: its distance behind the best price, on the tick away from it, and never further from
/// the market than before.
#[must_use]
pub fn trailing_stop(order: &VenueOrder, instrument: &Instrument) -> Price {
    let distance = trail_distance(order.trail_kind, order.trail_offset, order.best, instrument.tick);
    let distance = distance.map_or(I64_MAX.into(), |distance| i128::from(distance.0));
    let stop = worse(instrument, order.best, distance, order.is_buy());
    if order.stop_price == NONE_PRICE || planted!(18) {
        return stop;
    }
    if order.is_buy() { stop.min(order.stop_price) } else { stop.max(order.stop_price) }
}

/// The limit of a trailing stop-limit whose stop is reached: beyond the stop, inside the instrument's prices.
#[must_use]
pub fn triggered_limit(order: &VenueOrder, instrument: &Instrument) -> Price {
    let (stop, offset) = (i128::from(order.stop_price.0), i128::from(order.limit_offset.0));
    inside(instrument, if order.is_buy() { stop + offset } else { stop - offset })
}

/// `price` moved up for a buyer and down for a seller, on to the next tick, inside the instrument's prices.
fn worse(instrument: &Instrument, price: Price, distance: i128, is_buy: bool) -> Price {
    let (price, tick) = (i128::from(price.0), i128::from(instrument.tick.0));
    let moved = if is_buy {
        div_round(price + distance, tick, Rounding::Ceil)
    } else {
        div_round(price - distance, tick, Rounding::Floor)
    };
    inside(instrument, moved * tick)
}

fn inside(instrument: &Instrument, price: i128) -> Price {
    Price(price.min(instrument.max_price.0.into()).max(1) as i64)
}
