//! Columns of rows: 64-bit integers of any object with a buffer, or of any sequence.

use cracktrader_core::event::{BarRows, QuoteRows, Rows, SessionRows, TradeRows};
use cracktrader_core::schedule::ScheduleRows;
use cracktrader_core::units::{Price, Quantity, Time};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::classes::classes;

/// The rows of a Python `BarRows`, `TradeRows` or `QuoteRows`. Whether their columns are equally long is checked by the core.
pub fn rows(given: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let (classes, kind) = (classes(given.py())?, given.get_type());
    let times = |name| -> PyResult<Vec<Time>> { column(given, name, Time) };
    let prices = |name| -> PyResult<Vec<Price>> { column(given, name, Price) };
    let quantities = |name| -> PyResult<Vec<Quantity>> { column(given, name, Quantity) };
    if kind.is(&classes.bar_rows) {
        let bars = BarRows {
            stamp: times("stamp")?,
            open_time: times("open_time")?,
            close_time: times("close_time")?,
            open: prices("open")?,
            high: prices("high")?,
            low: prices("low")?,
            close: prices("close")?,
            volume: column(given, "volume", |value| value)?,
        };
        Ok(bars.into())
    } else if kind.is(&classes.trade_rows) {
        let trades = TradeRows {
            stamp: times("stamp")?,
            time: times("time")?,
            price: prices("price")?,
            quantity: quantities("quantity")?,
            aggressor: column(given, "aggressor", |value| value)?,
        };
        Ok(trades.into())
    } else if kind.is(&classes.quote_rows) {
        let quotes = QuoteRows {
            stamp: times("stamp")?,
            time: times("time")?,
            bid_price: prices("bid_price")?,
            bid_quantity: quantities("bid_quantity")?,
            ask_price: prices("ask_price")?,
            ask_quantity: quantities("ask_quantity")?,
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
