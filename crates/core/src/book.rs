//! What the market last showed of an instrument: its mark and whether new risk is allowed.
//!
//! Depth is not kept; matching is `matching`.

use crate::event::{Bar, Quote, Rows, Trade};
use crate::units::{NONE_PRICE, Price, Rounding, Time, div_round};

/// Market state of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Market {
    /// Close of the last bar, price of the last trade, or middle of the last quote.
    pub mark: Price,
    /// When it was shown.
    pub mark_time: Time,
    /// Best bid of the last quote.
    pub bid: Price,
    /// Best ask of the last quote.
    pub ask: Price,
    /// The venue says: cancels only.
    pub halted: bool,
    /// An overfill froze it: no new risk until reconciled.
    pub frozen: bool,
}

impl Default for Market {
    fn default() -> Self {
        Self { mark: NONE_PRICE, mark_time: Time(0), bid: NONE_PRICE, ask: NONE_PRICE, halted: false, frozen: false }
    }
}

impl Market {
    /// Whether anything was shown yet.
    #[must_use]
    pub fn has_mark(&self) -> bool {
        self.mark != NONE_PRICE
    }
}

/// A bar's close is the mark.
pub fn show_bar(market: &mut Market, bar: &Bar, now: Time) {
    market.mark = bar.close;
    market.mark_time = now;
}

/// A trade's price is the mark.
pub fn show_trade(market: &mut Market, trade: &Trade, now: Time) {
    market.mark = trade.price;
    market.mark_time = now;
}

/// The middle, half to even, is the mark.
pub fn show_quote(market: &mut Market, quote: &Quote, now: Time) {
    market.bid = quote.bid_price;
    market.ask = quote.ask_price;
    let sum = i128::from(quote.bid_price.0) + i128::from(quote.ask_price.0);
    // The middle lies between the two.
    market.mark = Price(div_round(sum, 2, Rounding::HalfEven) as i64);
    market.mark_time = now;
}

/// What the row shows as the mark: a bar's close, a trade's price, a quote's middle, half to even.
#[must_use]
pub fn price_at(rows: &Rows, row: usize) -> Price {
    match rows {
        Rows::Bars(rows) => rows.close[row],
        Rows::Trades(rows) => rows.price[row],
        Rows::Quotes(rows) => {
            let sum = i128::from(rows.bid_price[row].0) + i128::from(rows.ask_price[row].0);
            // The middle lies between the two.
            Price(div_round(sum, 2, Rounding::HalfEven) as i64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Quantity;

    fn middle(bid: i64, ask: i64) -> i64 {
        let mut market = Market::default();
        assert!(!market.has_mark());
        let size = Quantity(1);
        let quote = Quote { bid_price: Price(bid), bid_quantity: size, ask_price: Price(ask), ask_quantity: size };
        show_quote(&mut market, &quote, Time(3));
        assert_eq!((market.has_mark(), market.mark_time, market.ask), (true, Time(3), Price(ask)));
        market.mark.0
    }

    #[test]
    fn the_mark_of_a_quote_is_its_middle_half_to_even() {
        assert_eq!([middle(10, 11), middle(11, 12), middle(10, 12)], [10, 12, 11]);
        assert_eq!(middle(i64::MAX, i64::MAX), i64::MAX);
    }
}
