//! Columns of bars: 64-bit integers of any object with a buffer, or of any sequence.

use cracktrader_core::event::BarRows;
use cracktrader_core::units::{Price, Time};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

/// The eight columns of a Python `BarRows`. Whether they are equally long is checked by the core.
pub fn bar_rows(rows: &Bound<'_, PyAny>) -> PyResult<BarRows> {
    let times = |name| -> PyResult<Vec<Time>> { column(rows, name, Time) };
    let prices = |name| -> PyResult<Vec<Price>> { column(rows, name, Price) };
    Ok(BarRows {
        stamp: times("stamp")?,
        open_time: times("open_time")?,
        close_time: times("close_time")?,
        open: prices("open")?,
        high: prices("high")?,
        low: prices("low")?,
        close: prices("close")?,
        volume: column(rows, "volume", |value| value)?,
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
