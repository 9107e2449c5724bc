//! A lane: the rows that drive matching of one instrument, where they stand, and the orders that work on them by acceptance.
//!
//! A row is a bar, a trade or a quote. A bar is under way between its open and its close; a trade or quote is an instant.

use super::group::Groups;
use super::order::{Phase, Point, VenueOrder};
use crate::event::{Rows, times_of};
use crate::intent::Side;
use crate::units::{InstrumentIndex, Price, Quantity, Time};

/// Matching of one instrument.
#[derive(Clone, Default, Debug)]
pub struct Lane {
    /// Which.
    pub instrument: InstrumentIndex,
    /// Of the stream that drives matching.
    pub volume_decimals: u8,
    /// Parents, children and legs.
    pub groups: Groups,
    /// What drives matching.
    pub rows: Option<Rows>,
    /// The bar under way when `inside`, else the next row.
    pub row: usize,
    /// Whether a bar is under way.
    pub inside: bool,
    /// Whether children may have become live since the last point.
    pub waking: bool,
    /// What the present row's volume has given: all of it on bars and trades, to buyers on quotes.
    pub used_buying: Quantity,
    /// What a quote's bid has given.
    pub used_selling: Quantity,
    /// How many of the orders trail: the others need not follow a leg.
    pub trails: usize,
    /// The working orders, by acceptance.
    pub orders: Vec<VenueOrder>,
    /// Nothing trades after a settlement.
    pub settled: bool,
}

impl Lane {
    /// Whether bars drive it.
    #[must_use]
    pub const fn has_bars(&self) -> bool {
        matches!(self.rows, Some(Rows::Bars(_)))
    }

    /// Whether quotes drive it.
    #[must_use]
    pub const fn has_quotes(&self) -> bool {
        matches!(self.rows, Some(Rows::Quotes(_)))
    }

    /// The first row in which an order that arrives now takes part.
    #[must_use]
    pub const fn first_row(&self) -> usize {
        self.row + self.inside as usize
    }

    /// The next moment, where one is left.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        let rows = self.rows.as_ref()?;
        let time = *times_of(rows).get(self.row)?;
        let (time, phase) = match rows {
            Rows::Bars(rows) if !self.inside => (rows.open_time[self.row], Phase::Open),
            _ => (time, Phase::Path),
        };
        Some(Point { time, phase, instrument: self.instrument })
    }

    /// Bring an idle instrument to `time`: the first row after it is next, or under way when it is a bar that opened before.
    pub fn catch_up(&mut self, time: Time) {
        let Some(rows) = &self.rows else { return };
        if !self.orders.is_empty() {
            return;
        }
        let passed = shown_by(&times_of(rows)[self.row..], time);
        if passed > 0 {
            self.row += passed;
            (self.used_buying, self.used_selling) = (Quantity(0), Quantity(0));
        }
        if let Rows::Bars(rows) = rows {
            self.inside = self.row < rows.len() && rows.open_time[self.row] < time;
        }
    }

    /// The price of the last trade, or of the side of the last quote that an order of `side` trades at; none before the first.
    #[must_use]
    pub fn shown(&self, side: u8) -> Option<Price> {
        let row = self.row.checked_sub(1)?;
        match self.rows.as_ref()? {
            Rows::Bars(_) => None,
            Rows::Trades(rows) => Some(rows.price[row]),
            Rows::Quotes(rows) if side == Side::Buy.number() => Some(rows.ask_price[row]),
            Rows::Quotes(rows) => Some(rows.bid_price[row]),
        }
    }

    /// What was traded in the row, or offered to `side` by the quote.
    #[must_use]
    pub fn volume(&self, row: usize, side: u8) -> i64 {
        match &self.rows {
            None => 0,
            Some(Rows::Bars(rows)) => rows.volume[row],
            Some(Rows::Trades(rows)) => rows.quantity[row].0,
            Some(Rows::Quotes(rows)) if side == Side::Buy.number() => rows.ask_quantity[row].0,
            Some(Rows::Quotes(rows)) => rows.bid_quantity[row].0,
        }
    }

    /// What of that has been given.
    #[must_use]
    pub const fn used(&self, side: u8) -> Quantity {
        if self.has_quotes() && side == Side::Sell as u8 { self.used_selling } else { self.used_buying }
    }

    /// Give some more of it.
    pub const fn give(&mut self, side: u8, quantity: Quantity) {
        if self.has_quotes() && side == Side::Sell as u8 {
            self.used_selling.0 += quantity.0;
        } else {
            self.used_buying.0 += quantity.0;
        }
    }

    /// Whether the last bar shown closes at `time`.
    #[must_use]
    pub fn closes_at(&self, time: Time) -> bool {
        let Some(Rows::Bars(rows)) = &self.rows else { return false };
        self.row.checked_sub(1).is_some_and(|last| rows.close_time[last] == time)
    }

    /// Where the order with this place is.
    #[must_use]
    pub fn place_of(&self, place: u64) -> Option<usize> {
        self.orders.binary_search_by_key(&place, |order| order.place).ok()
    }

    /// Where the next order after this place is; it was at `index`, and may have left with others.
    #[must_use]
    pub fn after(&self, index: usize, place: u64) -> usize {
        if self.orders.get(index).is_some_and(|order| order.place == place) {
            return index + 1;
        }
        self.orders.partition_point(|order| order.place <= place)
    }
}

/// How many of the times are at or before `time`; the soonest are looked at first, for that is where it mostly is.
fn shown_by(times: &[Time], time: Time) -> usize {
    let mut far = 1;
    while far < times.len() && times[far - 1] <= time {
        far *= 2;
    }
    let near = far / 2;
    near + times[near..far.min(times.len())].partition_point(|shown| *shown <= time)
}
