//! `PositionView`: a position as strategies see it, the twin of `cracktrader.strategy.views.PositionView`.

use std::sync::Arc;

use cracktrader_core::portfolio::{FLAT, Position};
use cracktrader_core::units::{InstrumentIndex, Price};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

use crate::classes::classes;
use crate::listing::{Listed, Listing};
use crate::live::Locked;
use crate::twin::twin_value;
use crate::value::{Field, named};

/// A position. Immutable for Python; a context refills one that nobody kept.
#[pyclass(frozen, name = "PositionView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct PositionView {
    listing: Arc<Listing>,
    instrument: InstrumentIndex,
    held: Locked<(Position, Option<Price>)>,
}

impl PositionView {
    /// A flat one of a declared instrument.
    pub const fn flat(listing: Arc<Listing>, instrument: InstrumentIndex) -> Self {
        Self { listing, instrument, held: Locked::new((FLAT, None)) }
    }

    /// Put a position and the instrument's mark in. Only before it is given to Python.
    #[inline]
    pub fn fill(&self, py: Python<'_>, position: Position, mark: Option<Price>) {
        self.held.set(py, (position, mark));
    }

    #[inline]
    fn listed(&self) -> &Listed {
        self.listing.at(self.instrument).expect("the instrument is declared")
    }

    fn twin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (position, mark) = self.held.get(py);
        let mark = mark.map(|mark| mark.give(py)).transpose()?;
        let position = named(py, &position, |classes| &classes.position)?;
        classes(py)?.position_view.bind(py).call1((position, &self.listed().declared, mark))
    }

    #[inline]
    fn signed(&self, py: Python<'_>) -> i64 {
        self.held.get(py).0.quantity.0
    }
}

twin_value! {
    PositionView, "PositionView", position_view,
    by_twin: [_position, _mark, quantity_exact, average_price, unrealized_pnl],

    #[getter]
    fn quantity(&self, py: Python<'_>) -> f64 {
        self.signed(py) as f64 / self.listed().quantity_scale
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.listed().symbol.clone_ref(py)
    }

    #[getter]
    fn _instrument(&self, py: Python<'_>) -> Py<PyAny> {
        self.listed().declared.clone_ref(py)
    }

    #[getter]
    fn realized_pnl(&self, py: Python<'_>) -> f64 {
        self.held.get(py).0.realized_pnl().0 as f64 / self.listed().money_scale
    }

    #[getter]
    fn is_long(&self, py: Python<'_>) -> bool {
        self.signed(py) > 0
    }

    #[getter]
    fn is_short(&self, py: Python<'_>) -> bool {
        self.signed(py) < 0
    }

    fn __bool__(&self, py: Python<'_>) -> bool {
        self.signed(py) != 0
    }
}
