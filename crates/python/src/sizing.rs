//! Floats to mantissas, equal to the bit to `cracktrader.strategy.sizing`, which is the specification and says what is wrong with a number.
//!
//! Deliberately not here: every number that is refused there, or that is no float and no int itself: None, and Python decides.

use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

/// A number this near to a step, relatively, is meant to be that step.
const SNAP: f64 = 1e-9;
/// Steps below this are whole numbers of i64 and exact floats when whole.
const MOST_STEPS: f64 = 9.0e18;

/// The steps in which prices or quantities go.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// f64(10**decimals).
    unit: f64,
    step: i64,
}

impl Grid {
    /// Steps of so many of the last of these decimals.
    pub const fn new(unit: f64, step: i64) -> Self {
        Self { unit, step }
    }

    /// A quantity above 0, towards 0 to the lot.
    pub fn quantity(self, value: f64) -> Option<i64> {
        self.signed(value).filter(|size| *size > 0)
    }

    /// A signed quantity, towards 0 to the lot.
    pub fn signed(self, value: f64) -> Option<i64> {
        let magnitude = self.near_steps(value.abs(), false)?;
        Some(if value > 0.0 { magnitude } else { -magnitude })
    }

    /// A price on a tick, above where `up`, else below when it is not near one.
    pub fn price(self, value: f64, up: bool) -> Option<i64> {
        if value > 0.0 { self.near_steps(value, up) } else { None }
    }

    fn near_steps(self, value: f64, up: bool) -> Option<i64> {
        let steps = value * self.unit / self.step as f64;
        if steps.is_nan() || steps.abs() >= MOST_STEPS {
            return None;
        }
        let nearest = steps.round_ties_even();
        let is_apart = (steps - nearest).abs() > SNAP * steps.abs().max(1.0);
        let chosen = if is_apart { steps.floor() as i64 + i64::from(up) } else { nearest as i64 };
        chosen.checked_mul(self.step)
    }
}

/// The float of a float or an int, of no subclass: a bool, a numpy scalar or a decimal is Python's to read.
#[inline]
pub fn number(item: &Bound<'_, PyAny>) -> Option<f64> {
    if let Ok(float) = item.cast_exact::<PyFloat>() {
        return Some(float.value());
    }
    item.cast_exact::<PyInt>().ok()?.extract().ok()
}
