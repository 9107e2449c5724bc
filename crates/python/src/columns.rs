//! Columns of rows: 64-bit integers of any object with a buffer, or of any sequence. What Rust keeps already is shared, else it is copied:
//! memory that somebody may write is not the core's.

use std::ffi::c_void;
use std::sync::Arc;

use cracktrader_core::event::{BarRows, QuoteRows, Rows, SessionRows, TradeRows};
use cracktrader_core::schedule::ScheduleRows;
use cracktrader_core::units::{Price, Quantity, Time};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::classes::classes;
use crate::ints::{Wraps64, kept, named};

// SAFETY: each is an i64 under another name, `repr(transparent)`.
unsafe impl Wraps64 for i64 {}
unsafe impl Wraps64 for Time {}
unsafe impl Wraps64 for Price {}
unsafe impl Wraps64 for Quantity {}

/// The rows of a Python `BarRows`, `TradeRows` or `QuoteRows`. Whether their columns are equally long is checked by the core.
pub fn rows(given: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let (classes, kind) = (classes(given.py())?, given.get_type());
    let mut taken = Taken::default();
    if kind.is(&classes.bar_rows) {
        let bars = BarRows {
            stamp: taken.column(given, "stamp")?,
            open_time: taken.column(given, "open_time")?,
            close_time: taken.column(given, "close_time")?,
            open: taken.column(given, "open")?,
            high: taken.column(given, "high")?,
            low: taken.column(given, "low")?,
            close: taken.column(given, "close")?,
            volume: taken.column(given, "volume")?,
        };
        Ok(bars.into())
    } else if kind.is(&classes.trade_rows) {
        let trades = TradeRows {
            stamp: taken.column(given, "stamp")?,
            time: taken.column(given, "time")?,
            price: taken.column(given, "price")?,
            quantity: taken.column(given, "quantity")?,
            aggressor: taken.column(given, "aggressor")?,
        };
        Ok(trades.into())
    } else if kind.is(&classes.quote_rows) {
        let quotes = QuoteRows {
            stamp: taken.column(given, "stamp")?,
            time: taken.column(given, "time")?,
            bid_price: taken.column(given, "bid_price")?,
            bid_quantity: taken.column(given, "bid_quantity")?,
            ask_price: taken.column(given, "ask_price")?,
            ask_quantity: taken.column(given, "ask_quantity")?,
        };
        Ok(quotes.into())
    } else {
        Err(PyTypeError::new_err(format!("{} is not BarRows, TradeRows or QuoteRows", kind.name()?)))
    }
}

/// The rows of a Python `SessionRows`.
pub fn session_rows(given: &Bound<'_, PyAny>) -> PyResult<SessionRows> {
    Ok(SessionRows { open_time: column(given, "open_time", Time)?, close_time: column(given, "close_time", Time)? })
}

/// The three columns of a Python `ScheduleRows`. What is in them is checked by the core.
pub fn schedule_rows(rows: &Bound<'_, PyAny>) -> PyResult<ScheduleRows> {
    Ok(ScheduleRows {
        time: column(rows, "time", Time)?,
        action: column(rows, "action", |value| value)?,
        value: column(rows, "value", |value| value)?,
    })
}

/// Columns that were taken: several fields may show the same memory.
#[derive(Default)]
struct Taken(Vec<(*const c_void, Arc<[i64]>)>);

impl Taken {
    fn column<T: Wraps64>(&mut self, rows: &Bound<'_, PyAny>, name: &str) -> PyResult<Arc<[T]>> {
        let values = rows.getattr(name)?;
        let Ok(buffer) = PyBuffer::<i64>::get(&values) else { return each(&values) };
        let Some(cells) = buffer.as_slice(rows.py()) else { return each(&values) };
        if buffer.dimensions() != 1 {
            return each(&values);
        }
        let start = cells.as_ptr().cast::<c_void>();
        let known = self.0.iter().find(|(place, known)| *place == start && known.len() == cells.len());
        if let Some((_, known)) = known {
            return Ok(named(Arc::clone(known)));
        }
        let shared = kept(&values, start, cells.len()).unwrap_or_else(|| cells.iter().map(|cell| cell.get()).collect());
        self.0.push((start, Arc::clone(&shared)));
        Ok(named(shared))
    }
}

fn each<T: Wraps64>(values: &Bound<'_, PyAny>) -> PyResult<Arc<[T]>> {
    let cells: Vec<i64> = values.try_iter()?.map(|value| value?.extract()).collect::<PyResult<_>>()?;
    Ok(named(cells.into()))
}

fn column<T>(rows: &Bound<'_, PyAny>, name: &str, make: impl Fn(i64) -> T) -> PyResult<Vec<T>> {
    let values = rows.getattr(name)?;
    if let Ok(buffer) = PyBuffer::<i64>::get(&values)
        && buffer.dimensions() == 1
        && let Some(cells) = buffer.as_slice(rows.py())
    {
        return Ok(cells.iter().map(|cell| make(cell.get())).collect());
    }
    values.try_iter()?.map(|value| value?.extract().map(&make)).collect()
}
