//! `IndicatorView`: a declared indicator as strategies see it, the twin of `cracktrader.strategy.views.IndicatorView`. It reads the
//! engine's own indicator and so is live only inside callbacks.

use std::sync::Arc;

use cracktrader_core::indicator::{Indicator, crossed_above};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyType};

use crate::classes;
use crate::live::Live;

/// A bound indicator.
#[pyclass(frozen, name = "IndicatorView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct IndicatorView {
    live: Arc<Live>,
    index: u32,
}

impl IndicatorView {
    /// The indicator with this index; there is one.
    pub const fn new(live: Arc<Live>, index: u32) -> Self {
        Self { live, index }
    }

    fn ask<T>(&self, py: Python<'_>, ask: impl FnOnce(&Indicator) -> T) -> PyResult<T> {
        let answer = self.live.ask(py, |view| view.indicator(self.index).map(ask))?;
        answer.ok_or_else(|| classes::stale(py))
    }

    /// Whether this crossed above the other one of the same run.
    fn crosses(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        let (above, below) = (self.index, other.index);
        let crosses = self.live.ask(py, |view| Some(crossed_above(view.indicator(above)?, view.indicator(below)?)))?;
        crosses.filter(|_| Arc::ptr_eq(&self.live, &other.live)).ok_or_else(|| classes::stale(py))
    }
}

#[pymethods]
impl IndicatorView {
    /// The class for `isinstance`: the Python twin.
    #[getter(__class__)]
    fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        classes::indicator_view(py)
    }

    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<f64> {
        self.ask(py, Indicator::value)
    }

    #[getter]
    fn warm(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, Indicator::warm)
    }

    fn crossed_above(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        self.crosses(py, other.get())
    }

    fn crossed_below(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        other.get().crosses(py, self)
    }

    fn __getitem__(&self, py: Python<'_>, ago: &Bound<'_, PyAny>) -> PyResult<f64> {
        match ago.extract::<i64>() {
            Ok(0) => self.value(py),
            Ok(-1) => self.ask(py, Indicator::previous),
            _ => Err(PyIndexError::new_err(format!(
                "an indicator keeps its value now [0] and a bar ago [-1], not [{}]",
                ago.str()?
            ))),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        self.value(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let value = PyFloat::new(py, self.value(py)?).repr()?;
        let warm = if self.warm(py)? { "True" } else { "False" };
        Ok(format!("IndicatorView(value={value}, warm={warm})"))
    }
}
