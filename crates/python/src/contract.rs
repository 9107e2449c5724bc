//! The contract's tables and canonical bytes as functions, for the tests that hold both cores against each other.

use cracktrader_core::codec::{CodecError, Reader, decode_config, decode_event, encode_config, encode_event};
use cracktrader_core::codec::{encode_intent, read_intent};
use cracktrader_core::order::{Guard, Life, OrderInput, OrderState, Outcome, Pending, transition};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::classes::not_canonical;

/// The order state machine: (life, pending, triggered, in_doubt, effect), the number of a code, or None.
#[pyfunction]
pub fn transition_row<'py>(
    py: Python<'py>,
    life: u8,
    pending: u8,
    triggered: bool,
    in_doubt: bool,
    told: u8,
    guard: u8,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let unknown = |what: &str, number: u8| PyValueError::new_err(format!("there is no {what} {number}"));
    let state = OrderState {
        life: Life::from_u8(life).ok_or_else(|| unknown("life", life))?,
        pending: Pending::from_u8(pending).ok_or_else(|| unknown("pending", pending))?,
        triggered,
        in_doubt,
    };
    let told = OrderInput::from_u8(told).ok_or_else(|| unknown("input", told))?;
    let guard = Guard::from_u8(guard).ok_or_else(|| unknown("guard", guard))?;
    match transition(state, told, guard) {
        Outcome::Impossible => Ok(None),
        Outcome::Refused(code) => Ok(Some(code.number().into_pyobject(py)?.into_any())),
        Outcome::Moves(moved) => {
            let OrderState { life, pending, triggered, in_doubt } = moved.state;
            let row = (life.number(), pending.number(), triggered, in_doubt, moved.effect.0);
            Ok(Some(row.into_pyobject(py)?.into_any()))
        }
    }
}

/// The bytes of the event that these bytes are.
#[pyfunction]
pub fn recode_event<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    recoded(py, decode_event(data).map(|event| encode_event(&event)))
}

/// The bytes of the intent that these bytes are.
#[pyfunction]
pub fn recode_intent<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let mut reader = Reader::new(data);
    let intent = read_intent(&mut reader).and_then(|intent| reader.end().map(|()| intent));
    recoded(py, intent.map(|intent| encode_intent(&intent)))
}

/// The bytes of the configuration that these bytes are.
#[pyfunction]
pub fn recode_config<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    recoded(py, decode_config(data).map(|config| encode_config(&config)))
}

fn recoded(py: Python<'_>, bytes: Result<Vec<u8>, CodecError>) -> PyResult<Bound<'_, PyBytes>> {
    match bytes {
        Ok(bytes) => Ok(PyBytes::new(py, &bytes)),
        Err(error) => Err(not_canonical(py, &error)),
    }
}

/// Plant a defect of the core, 1 to 10, instead of any other; 0 plants none. Only in the test build.
#[cfg(feature = "planted")]
#[pyfunction]
pub fn plant(number: u8) {
    cracktrader_core::planted::plant(number);
}
