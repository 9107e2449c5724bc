//! What a finished run leaves, as columns: a buffer for each, never an object for each row.

use cracktrader_core::engine::EquityCurve;
use cracktrader_core::indicator::to_float;
use cracktrader_core::units::Money;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::value::Row;

/// The equity curve, out of the run. Its columns are made when they are asked for.
#[pyclass(module = "cracktrader._core", frozen)]
#[derive(Debug)]
pub struct Curve(pub EquityCurve);

#[pymethods]
impl Curve {
    const fn __len__(&self) -> usize {
        self.0.len()
    }

    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        buffer(py, self.0.len(), self.0.time.iter().map(|time| time.0.to_ne_bytes()))
    }

    fn equity<'py>(&self, py: Python<'py>, scale: u8) -> PyResult<Bound<'py, PyBytes>> {
        buffer(py, self.0.len(), self.0.equity().map(float(scale)))
    }

    fn cash<'py>(&self, py: Python<'py>, scale: u8) -> PyResult<Bound<'py, PyBytes>> {
        buffer(py, self.0.len(), self.0.cash().map(float(scale)))
    }
}

fn float(scale: u8) -> impl Fn(Option<Money>) -> [u8; 8] {
    move |amount| amount.map_or(f64::NAN, |amount| to_float(amount.0, scale)).to_ne_bytes()
}

/// Cells of eight bytes, written where Python keeps them.
fn buffer(py: Python<'_>, rows: usize, cells: impl Iterator<Item = [u8; 8]>) -> PyResult<Bound<'_, PyBytes>> {
    PyBytes::new_with(py, rows * 8, |bytes| {
        for (place, cell) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(cells) {
            *place = cell;
        }
        Ok(())
    })
}

/// Numbers of a column; from the first one that does not fit 64 bits on, all of them are kept wide.
enum Column {
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

impl Column {
    fn push(&mut self, number: i128) {
        match self {
            Self::Wide(cells) => cells.push(number),
            Self::Narrow(cells) => match i64::try_from(number) {
                Ok(cell) => cells.push(cell),
                Err(_) => {
                    let wide = cells.iter().map(|cell| i128::from(*cell)).chain([number]);
                    *self = Self::Wide(wide.collect());
                }
            },
        }
    }

    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Narrow(cells) => Ok(buffer(py, cells.len(), cells.iter().map(|cell| cell.to_ne_bytes()))?.into_any()),
            Self::Wide(cells) => Ok(PyList::new(py, cells)?.into_any()),
        }
    }
}

/// Rows by the names of their fields: buffers of i64 in native order, a list of integers where one does not fit.
pub fn table<T: Row>(py: Python<'_>, rows: impl ExactSizeIterator<Item = T>) -> PyResult<Bound<'_, PyDict>> {
    let length = rows.len();
    let mut columns: Vec<_> = T::FIELDS.iter().map(|_| Column::Narrow(Vec::with_capacity(length))).collect();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row.cells()) {
            column.push(cell);
        }
    }
    let told = PyDict::new(py);
    for (name, column) in T::FIELDS.iter().zip(&columns) {
        told.set_item(name, column.give(py)?)?;
    }
    Ok(told)
}
