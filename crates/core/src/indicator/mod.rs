//! Indicators on bars, incremental. With `view` the only room with floats: money never reads them.
//!
//! Windowed ones run on integer sums, so equal means compare equal; recursive ones use f64 in one written order. In reading order:
//! `declaration` what may be declared, `number` values and crossing, `window` the last values, `average` recursive averages, `windowed`
//! and `trend` the kinds, `declared` one declared indicator.

mod average;
mod declaration;
mod declared;
mod number;
mod trend;
mod wide;
mod window;
mod windowed;

pub use declaration::{
    BarField, Declaration, IndicatorKind, KindRule, MAX_KEEP, MAX_PERIOD, MIN_KEEP, NULL_SOURCE, PARAMETERS, Parameter,
    RULES, parameter_problem,
};
pub use declared::{Indicator, MAX_LINES};
pub use number::{
    NAN, Number, Part, Parts, Ratio, Real, Step, compare, compare_as_read, crossed_above, field_scale, level, read,
    read_as_real, real, real_bits, real_of_bits, to_float,
};
