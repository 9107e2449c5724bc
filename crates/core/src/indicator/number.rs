//! Numbers of indicators: ratios of whole numbers where the sums are exact, else floats; reading a bar; crossing.
//!
//! With `view` the indicators are the only files with floats: money never reads them. One canonical NaN; + - * / and sqrt in one
//! written order, so that both cores give the same bits.

use std::cmp::Ordering;

use super::declaration::BarField;
use super::wide::Wide;
use crate::event::Bar;
use crate::units::{compare_products, power_of_ten};

/// More values than any run has: what a count that is read back stays below.
pub const MOST_VALUES: i128 = 1 << 62;
/// The one canonical NaN.
pub const NAN: f64 = f64::from_bits(0x7FF8_0000_0000_0000);

/// A value as it is read.
pub type Real = f64;

/// numerator / denominator, exact; the denominator is above 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio {
    /// Of any sign.
    pub numerator: i128,
    /// Above 0.
    pub denominator: i128,
}

/// A value of a line; None stands for not warm.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    /// Exact.
    Ratio(Ratio),
    /// A float.
    Real(f64),
}

/// What a computation holds, piece by piece, for the leaf.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    /// A whole number.
    Whole(i128),
    /// A float.
    Real(f64),
}

/// What a kind that reads one number is given: a mantissa of a bar, or what another indicator says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Input {
    /// A mantissa; the kind knows its scale.
    Whole(i128),
    /// A float.
    Real(f64),
}

impl Input {
    /// As a float, a mantissa divided by its scale.
    pub fn real(self, scale: i128) -> f64 {
        match self {
            Self::Whole(mantissa) => mantissa as f64 / scale as f64,
            Self::Real(value) => value,
        }
    }
}

/// The exact number numerator / denominator.
pub const fn exact(numerator: i128, denominator: i128) -> Number {
    Number::Ratio(Ratio { numerator, denominator })
}

/// The float of a mantissa, the same in both cores: f64(m) / f64(10**d).
#[must_use]
pub fn to_float(mantissa: i128, decimals: u8) -> f64 {
    mantissa as f64 / power_of_ten(decimals) as f64
}

/// The mantissa of a bar's field; of a mean of several prices their sum, which `field_scale` accounts for.
#[must_use]
pub fn read(bar: &Bar, bar_field: BarField) -> i128 {
    let sum = |prices: &[i64]| prices.iter().map(|price| i128::from(*price)).sum();
    let (open, high, low, close) = (bar.open.0, bar.high.0, bar.low.0, bar.close.0);
    match bar_field {
        BarField::Open => open.into(),
        BarField::High => high.into(),
        BarField::Low => low.into(),
        BarField::Close => close.into(),
        BarField::Volume => bar.volume.into(),
        BarField::Hl2 => sum(&[high, low]),
        BarField::Hlc3 => sum(&[high, low, close]),
        BarField::Ohlc4 => sum(&[open, high, low, close]),
        BarField::Hlcc4 => sum(&[high, low, close, close]),
    }
}

/// What `read` is divided by: 10**d times the number of prices in the sum.
#[must_use]
pub fn field_scale(bar_field: BarField, price_decimals: u8, volume_decimals: u8) -> i128 {
    let prices = match bar_field {
        BarField::Volume => return power_of_ten(volume_decimals),
        BarField::Hl2 => 2,
        BarField::Hlc3 => 3,
        BarField::Ohlc4 | BarField::Hlcc4 => 4,
        _ => 1,
    };
    prices * power_of_ten(price_decimals)
}

/// The nearest float. Most numbers are small enough for the instruction that is many times faster, and rounds the same.
#[inline]
fn whole_to_real(whole: i128) -> f64 {
    let small = whole as i64;
    if i128::from(small) == whole { small as f64 } else { wide_to_real(whole) }
}

#[cold]
#[inline(never)]
fn wide_to_real(whole: i128) -> f64 {
    whole as f64
}

/// The float of a number, one division; NaN for None.
#[inline]
#[must_use]
pub fn real(number: Option<Number>) -> f64 {
    match number {
        None => NAN,
        Some(Number::Ratio(ratio)) => whole_to_real(ratio.numerator) / whole_to_real(ratio.denominator),
        Some(Number::Real(value)) => value,
    }
}

/// A bar's field as a float, one division.
#[must_use]
pub fn read_as_real(bar: &Bar, bar_field: BarField, price_decimals: u8, volume_decimals: u8) -> f64 {
    whole_to_real(read(bar, bar_field)) / whole_to_real(field_scale(bar_field, price_decimals, volume_decimals))
}

/// How a stands to b as both are read, which is as floats; None where one is not known, which NaN stands for.
#[inline]
#[must_use]
pub fn compare_as_read(a: Real, b: Real) -> Option<Ordering> {
    a.partial_cmp(&b)
}

/// The bits of a float; all NaN are one.
#[must_use]
pub fn real_bits(value: f64) -> u64 {
    if value.is_nan() { NAN.to_bits() } else { value.to_bits() }
}

/// The float of its bits; none for a NaN that is not the one there is.
#[must_use]
pub fn real_of_bits(bits: u64) -> Option<f64> {
    let value = f64::from_bits(bits);
    (real_bits(value) == bits).then_some(value)
}

/// What a computation held, piece by piece, read back; none where a piece is not one that the kind has there.
#[derive(Clone, Debug)]
pub struct Parts<'a>(std::slice::Iter<'a, Part>);

impl<'a> Parts<'a> {
    /// At the first piece.
    #[must_use]
    pub fn new(parts: &'a [Part]) -> Self {
        Self(parts.iter())
    }

    /// The next whole number.
    pub fn whole(&mut self) -> Option<i128> {
        match self.0.next()? {
            Part::Whole(whole) => Some(*whole),
            Part::Real(_) => None,
        }
    }

    /// The next whole number, which is at most so many.
    pub fn count<T: TryFrom<i128>>(&mut self, most: i128) -> Option<T> {
        let value = self.whole().filter(|value| (0..=most).contains(value))?;
        T::try_from(value).ok()
    }

    /// The next whole number, which stands for yes or no.
    pub fn flag(&mut self) -> Option<bool> {
        self.count::<u8>(1).map(|value| value == 1)
    }

    /// The next float.
    pub fn real(&mut self) -> Option<f64> {
        match self.0.next()? {
            Part::Real(real) => Some(*real),
            Part::Whole(_) => None,
        }
    }

    /// There is nothing left.
    pub fn end(&self) -> Option<()> {
        self.0.as_slice().is_empty().then_some(())
    }
}

/// An exact ratio, or its float when a part leaves i128.
pub fn ratio(numerator: Wide, denominator: Wide) -> Number {
    match (numerator.narrow(), denominator.narrow()) {
        (Some(numerator), Some(denominator)) => exact(numerator, denominator),
        _ => Number::Real(numerator.real() / denominator.real()),
    }
}

/// A line at two bars.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// A bar ago.
    pub before: Option<Number>,
    /// Now.
    pub now: Option<Number>,
}

/// A number that does not move, as a line.
#[must_use]
pub const fn level(value: f64) -> Step {
    let number = Some(Number::Real(value));
    Step { before: number, now: number }
}

/// Whether a was at or below b and is now above it; exact where both are ratios, false until both were warm.
#[inline]
#[must_use]
pub fn crossed_above(a: &Step, b: &Step) -> bool {
    compare(a.before, b.before).is_some_and(Ordering::is_le) && compare(a.now, b.now).is_some_and(Ordering::is_gt)
}

/// How a stands to b, exact where both are ratios; None where one is not warm or NaN.
#[inline]
#[must_use]
pub fn compare(a: Option<Number>, b: Option<Number>) -> Option<Ordering> {
    match (a?, b?) {
        (Number::Ratio(a), Number::Ratio(b)) => {
            Some(compare_products(a.numerator, b.denominator, b.numerator, a.denominator))
        }
        (a, b) => real(Some(a)).partial_cmp(&real(Some(b))),
    }
}
