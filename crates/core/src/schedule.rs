//! What happens to an instrument at its simulated venue at times of its own: funding, payments a unit, a settlement.
//!
//! What it does to the venue's account is `clearing`.

use crate::instrument::{Instrument, InstrumentKind, may_settle_at};
use crate::units::{InstrumentIndex, Price, RATE_ONE, Time, numbered};

/// What a row of a schedule does; the value beside it is a rate, an amount or a price.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Action {
    /// Longs pay shorts this rate of their position's value at the mark.
    Funding = 0,
    /// A long receives this price a unit, a short pays it: a dividend.
    Payment = 1,
    /// Every position closes at this price, open orders expire, trading ends.
    Settlement = 2,
}
numbered!(Action { Funding, Payment, Settlement });

/// Columns of what happens to an instrument at its simulated venue, sorted by time. Values are rates at 1e-9 or price mantissas.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScheduleRows {
    /// When it happens.
    pub time: Vec<Time>,
    /// What: numbers of `Action`.
    pub action: Vec<i64>,
    /// Of how much.
    pub value: Vec<i64>,
}

/// A row of an instrument's schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduled {
    /// When it happens.
    pub time: Time,
    /// To what.
    pub instrument: InstrumentIndex,
    /// What: a number of `Action`.
    pub action: i64,
    /// Of how much.
    pub value: i64,
}

/// Why the rows cannot happen to the instrument, or none.
#[must_use]
pub fn schedule_problem(instrument: &Instrument, rows: &ScheduleRows) -> Option<String> {
    let name = &instrument.name;
    if rows.time.len() != rows.action.len() || rows.time.len() != rows.value.len() {
        return Some(format!("the columns of the schedule of {name} differ in length"));
    }
    for (row, (action, value)) in rows.action.iter().zip(&rows.value).enumerate() {
        let mut reason = row_problem(instrument, *action, *value);
        if row > 0 && rows.time[row] < rows.time[row - 1] {
            reason = Some(format!("time {} comes before that of the row above", rows.time[row].0));
        }
        if let Some(reason) = reason {
            return Some(format!("row {row} of the schedule of {name}: {reason}"));
        }
    }
    None
}

fn row_problem(instrument: &Instrument, action: i64, value: i64) -> Option<String> {
    let (one, most) = (RATE_ONE.0, instrument.max_price.0);
    let Some(known) = u8::try_from(action).ok().and_then(Action::from_u8) else {
        return Some(format!("action {action} is not in the contract"));
    };
    match known {
        Action::Funding if value.unsigned_abs() > one.unsigned_abs() => {
            Some(format!("funding rate {value} is outside -{one}..{one}"))
        }
        Action::Payment if instrument.kind == InstrumentKind::Inverse => {
            Some("an inverse contract has no payments a unit".into())
        }
        Action::Payment if value.unsigned_abs() > most.unsigned_abs() => {
            Some(format!("payment {value} is outside -{most}..{most}"))
        }
        Action::Settlement if !may_settle_at(instrument, Price(value)) => {
            Some(format!("it does not settle at {value}"))
        }
        _ => None,
    }
}

/// The rows of all instruments of a venue in the order in which they happen.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    rows: Vec<Scheduled>,
    /// How many have happened.
    pub next: usize,
}

impl Schedule {
    /// What happens to one more instrument.
    pub fn add(&mut self, instrument: InstrumentIndex, rows: &ScheduleRows) {
        let cells = rows.time.iter().zip(&rows.action).zip(&rows.value);
        let scheduled = |((time, action), value): ((&Time, &i64), &i64)| Scheduled {
            time: *time,
            instrument,
            action: *action,
            value: *value,
        };
        self.rows.extend(cells.map(scheduled));
        self.rows.sort_by_key(|one| (one.time, one.instrument));
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The next row, None after the last.
    #[must_use]
    pub fn peek(&self) -> Option<Scheduled> {
        self.rows.get(self.next).copied()
    }

    /// The next row, which now happens; None after the last.
    pub fn pop(&mut self) -> Option<Scheduled> {
        let row = self.peek()?;
        self.next += 1;
        Some(row)
    }
}
