//! The equity curve of a run: a row per market time, kept small, because it grows as long as the data.
//!
//! Deliberately not here: when a row is taken (`run`), and floats.

use crate::units::{Money, Time};

/// The cell of an amount that does not exist: a mark or a rate is missing.
const NONE: i64 = i64::MIN;
/// The cell of an amount that does not fit one.
const WIDE: i64 = i64::MIN + 1;

/// (stamp, equity, cash) in base currency, a row per market time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EquityCurve {
    /// The source's own stamps.
    pub time: Vec<Time>,
    equity: Amounts,
    cash: Steps,
}

impl EquityCurve {
    /// One more row. An amount is none while a mark or a rate is missing.
    #[inline]
    pub fn push(&mut self, time: Time, equity: Option<Money>, cash: Option<Money>) {
        self.cash.push(self.time.len(), cash);
        self.equity.push(equity);
        self.time.push(time);
    }

    /// Make room for so many more rows: a curve that grows is copied each time.
    pub fn reserve(&mut self, rows: usize) {
        self.time.reserve(rows);
        self.equity.cells.reserve(rows);
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Cash and positions, row by row.
    pub fn equity(&self) -> impl Iterator<Item = Option<Money>> {
        self.equity.iter()
    }

    /// Cash alone, row by row.
    pub fn cash(&self) -> impl Iterator<Item = Option<Money>> {
        self.cash.iter(self.len())
    }
}

/// Amounts in half the memory: nearly all of them fit 64 bits, those that do not lie beside in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Amounts {
    cells: Vec<i64>,
    wide: Vec<Money>,
}

impl Amounts {
    #[inline]
    fn push(&mut self, amount: Option<Money>) {
        let cell = match amount {
            None => NONE,
            Some(amount) => match i64::try_from(amount.0) {
                Ok(cell) if cell > WIDE => cell,
                _ => {
                    self.wide.push(amount);
                    WIDE
                }
            },
        };
        self.cells.push(cell);
    }

    fn iter(&self) -> impl Iterator<Item = Option<Money>> {
        let mut wide = self.wide.iter().copied();
        self.cells.iter().map(move |cell| match *cell {
            NONE => None,
            WIDE => wide.next(),
            cell => Some(Money(cell.into())),
        })
    }
}

/// Amounts that stay as they are for many rows: the rows at which they change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Steps {
    starts: Vec<usize>,
    amounts: Amounts,
    last: Option<Money>,
}

impl Steps {
    #[inline]
    fn push(&mut self, row: usize, amount: Option<Money>) {
        if row == 0 || amount != self.last {
            self.starts.push(row);
            self.amounts.push(amount);
            self.last = amount;
        }
    }

    fn iter(&self, rows: usize) -> impl Iterator<Item = Option<Money>> {
        let ends = self.starts.iter().skip(1).copied().chain([rows]);
        let lengths = self.starts.iter().zip(ends).map(|(start, end)| end - start);
        lengths.zip(self.amounts.iter()).flat_map(|(length, amount)| std::iter::repeat_n(amount, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_comes_back_as_it_was_whatever_its_width() {
        let edge = i128::from(i64::MIN);
        let amounts =
            [Some(5), Some(5), None, None, Some(edge), Some(edge + 1), Some(edge + 2), Some(1 << 90), Some(5)];
        let given: Vec<_> = amounts.into_iter().map(|amount| amount.map(Money)).collect();
        let mut curve = EquityCurve::default();
        for (row, amount) in given.iter().enumerate() {
            curve.push(Time(row as i64), *amount, *amount);
        }
        assert_eq!(curve.equity().collect::<Vec<_>>(), given);
        assert_eq!(curve.cash().collect::<Vec<_>>(), given);
        assert_eq!(curve.cash.starts.len(), 7, "a row that changes nothing takes no memory");
    }

    #[test]
    fn an_empty_curve_has_no_rows() {
        let curve = EquityCurve::default();
        assert!(curve.is_empty() && curve.equity().next().is_none() && curve.cash().next().is_none());
    }
}
