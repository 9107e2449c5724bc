//! Columns of floats to integers, as `cracktrader.data` does it: the same steps in the same order, so that every mantissa is the same.
//!
//! Deliberately not here: columns that no decimals hold exactly. Those are Python's.

use std::sync::Arc;

use pyo3::buffer::{PyBuffer, ReadOnlyCell};
use pyo3::prelude::*;

use crate::ints::{Filling, Ints, filled};

/// Half a unit of 2**53: a float of this size has no fraction, so that adding it rounds to the nearest integer, ties to even.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Below this size the sum with `ROUNDER` stays between two powers of two.
const ROUNDED_BELOW: f64 = 2_251_799_813_685_248.0;

/// How columns are cut and how large a mantissa may be: the constants of `cracktrader.data.decimals`.
#[derive(FromPyObject)]
pub struct Limits {
    chunk_rows: usize,
    most_decimals: u32,
    mantissa_limit: f64,
}

/// The columns as mantissas with the smallest common decimals that give every float back to the bit; None where there are none, or
/// where a column is no row of floats without gaps.
#[pyfunction]
pub fn exact_mantissas(
    py: Python<'_>,
    columns: Vec<Bound<'_, PyAny>>,
    limits: Limits,
) -> PyResult<Option<(Vec<Ints>, u32)>> {
    let mut buffers = Vec::with_capacity(columns.len());
    for column in &columns {
        let Ok(buffer) = PyBuffer::<f64>::get(column) else { return Ok(None) };
        buffers.push(buffer);
    }
    let cells: Option<Vec<_>> = buffers.iter().map(|buffer| buffer.as_slice(py)).collect();
    let Some(columns) = cells else { return Ok(None) };
    let mut converter = Converter { limits, decimals: 0, largest: 0.0, raised_at: (0, 0) };
    let mut converted = Vec::with_capacity(columns.len());
    for (place, column) in columns.iter().enumerate() {
        let Ok(done) = filled(column.len(), |filling| converter.column(place, column, filling)) else {
            return Ok(None);
        };
        converted.push(done);
    }
    if converter.largest * scale_of(converter.decimals) >= converter.limits.mantissa_limit - 1.0 {
        return Ok(None);
    }
    for (place, column) in columns.iter().enumerate().take(converter.raised_at.0 + 1) {
        let rows = if place == converter.raised_at.0 { converter.raised_at.1 } else { column.len() };
        if rows > 0 {
            converted[place] = converter.again(column, rows, &converted[place]);
        }
    }
    Ok(Some((converted.into_iter().map(Ints).collect(), converter.decimals)))
}

/// No decimals hold a column.
struct Inexact;

struct Converter {
    limits: Limits,
    decimals: u32,
    largest: f64,
    /// The column and the row at which the decimals were last raised: what lies before has mantissas of fewer.
    raised_at: (usize, usize),
}

impl Converter {
    fn column(&mut self, place: usize, column: &[ReadOnlyCell<f64>], filling: &mut Filling<'_>) -> Result<(), Inexact> {
        for (at, part) in column.chunks(self.limits.chunk_rows.max(1)).enumerate() {
            let start = at * self.limits.chunk_rows;
            let largest = part.iter().fold(0.0_f64, |largest, cell| largest.max(cell.get().abs()));
            self.largest = self.largest.max(largest);
            while !convert(part, largest, self.decimals, start, filling) {
                self.decimals += 1;
                self.raised_at = (place, start);
                if self.decimals > self.limits.most_decimals {
                    return Err(Inexact);
                }
            }
        }
        Ok(())
    }

    /// The column with the first rows converted to the decimals that were found later.
    fn again(&self, column: &[ReadOnlyCell<f64>], rows: usize, done: &[i64]) -> Arc<[i64]> {
        let result: Result<_, std::convert::Infallible> = filled(column.len(), |filling| {
            for (at, part) in column[..rows].chunks(self.limits.chunk_rows.max(1)).enumerate() {
                let largest = part.iter().fold(0.0_f64, |largest, cell| largest.max(cell.get().abs()));
                convert(part, largest, self.decimals, at * self.limits.chunk_rows, filling);
            }
            filling.write(rows, done[rows..].iter().copied());
            Ok(())
        });
        match result {
            Ok(cells) => cells,
        }
    }
}

/// Write the mantissas of a part; whether each of them gives its float back.
fn convert(part: &[ReadOnlyCell<f64>], largest: f64, decimals: u32, start: usize, filling: &mut Filling<'_>) -> bool {
    let scale = scale_of(decimals);
    let mut exact = true;
    if largest * scale < ROUNDED_BELOW {
        filling.write(
            start,
            part.iter().map(|cell| {
                let value = cell.get();
                let moved = value * scale + ROUNDER;
                exact &= (moved - ROUNDER) / scale == value;
                // Between two powers of two floats are counted through as their bits are.
                (moved.to_bits() as i64).wrapping_sub(ROUNDER.to_bits() as i64)
            }),
        );
    } else {
        filling.write(
            start,
            part.iter().map(|cell| {
                let value = cell.get();
                let rounded = (value * scale).round_ties_even();
                exact &= rounded / scale == value;
                rounded as i64
            }),
        );
    }
    exact
}

fn scale_of(decimals: u32) -> f64 {
    10_u64.pow(decimals) as f64
}
