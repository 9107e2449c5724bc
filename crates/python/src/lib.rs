//! The extension module `cracktrader._core`: conversions between Python values and the core, and the run loop's crossing.
//!
//! Deliberately not here: any decision about orders, money or time. Those are the core's.

mod classes;

mod value;

mod ints;

mod columns;

mod mantissas;

mod left;

mod live;

mod call;

mod bar;

mod tick;

mod indicator;

mod sizing;

mod listing;

mod twin;

mod position;

mod order;

mod context;

mod view;

mod host;

mod journal;

mod machine;

mod contract;

use cracktrader_core::codec::{CONTRACT_HASH, CONTRACT_VERSION};
use pyo3::prelude::*;

/// The module as Python sees it.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CONTRACT_HASH", CONTRACT_HASH)?;
    module.add("CONTRACT_VERSION", CONTRACT_VERSION)?;
    module.add_class::<machine::Machine>()?;
    module.add_class::<left::Curve>()?;
    module.add_class::<ints::Ints>()?;
    module.add_function(wrap_pyfunction!(mantissas::exact_mantissas, module)?)?;
    module.add_function(wrap_pyfunction!(contract::transition_row, module)?)?;
    module.add_function(wrap_pyfunction!(contract::recode_event, module)?)?;
    module.add_function(wrap_pyfunction!(contract::recode_intent, module)?)?;
    module.add_function(wrap_pyfunction!(contract::recode_config, module)?)?;
    module.add_function(wrap_pyfunction!(journal::skim, module)?)?;
    #[cfg(feature = "planted")]
    module.add_function(wrap_pyfunction!(contract::plant, module)?)?;
    Ok(())
}
