//! The extension module `cracktrader._core`: conversions between Python values and the core, and the run loop's crossing.
//!
//! Deliberately not here: any decision about orders, money or time. Those are the core's.

use pyo3::prelude::*;

/// The module as Python sees it.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
