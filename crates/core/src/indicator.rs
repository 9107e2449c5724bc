//! Indicators on bars, incremental. With `view` the only file with floats: money never reads them.
//!
//! Windowed ones run on integer sums, so equal means compare equal; recursive ones use f64 in one written order, + - * / only.

use std::collections::VecDeque;

use crate::event::Bar;
use crate::units::{InstrumentIndex, StrategyIndex, compare_products, numbered, power_of_ten};

/// The one canonical NaN.
pub const NAN: f64 = f64::from_bits(0x7FF8_0000_0000_0000);

/// The indicators of this version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum IndicatorKind {
    /// Simple moving average.
    Sma = 0,
    /// Exponential moving average.
    Ema = 1,
}
numbered!(IndicatorKind { Sma, Ema });

/// Which number of a bar is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum BarField {
    /// First price.
    Open = 0,
    /// Highest price.
    High = 1,
    /// Lowest price.
    Low = 2,
    /// Last price.
    Close = 3,
    /// Volume.
    Volume = 4,
}
numbered!(BarField { Open, High, Low, Close, Volume });

/// The float of a mantissa, the same in both cores: f64(m) / f64(10**d).
#[must_use]
pub fn to_float(mantissa: i128, decimals: u8) -> f64 {
    mantissa as f64 / power_of_ten(decimals) as f64
}

/// The mantissa of a bar's field.
#[must_use]
pub const fn read(bar: &Bar, bar_field: BarField) -> i64 {
    match bar_field {
        BarField::Open => bar.open.0,
        BarField::High => bar.high.0,
        BarField::Low => bar.low.0,
        BarField::Close => bar.close.0,
        BarField::Volume => bar.volume,
    }
}

/// One declared indicator of a strategy.
///
/// SMA.value = f64(sum) / f64(n * 10**d). EMA: seeded with the SMA of the first n values, then previous + 2 / (n + 1) * (x - previous).
#[derive(Clone, Debug)]
pub struct Indicator {
    /// Whose it is.
    pub strategy: StrategyIndex,
    /// Which it is.
    pub kind: IndicatorKind,
    /// How many values it looks at.
    pub period: u32,
    /// Of which instrument.
    pub instrument: InstrumentIndex,
    /// On which stream.
    pub stream: u16,
    /// On which number of its bars.
    pub bar_field: BarField,
    /// Decimals of that number.
    pub decimals: u8,
    /// The last `period` mantissas; for EMA only while it is seeded.
    pub window: VecDeque<i64>,
    /// Values seen.
    pub count: u64,
    /// Sum of the window.
    pub sum: i128,
    /// Sum of the window one value ago.
    pub previous_sum: i128,
    /// The EMA.
    pub average: f64,
    /// The EMA one value ago.
    pub previous_average: f64,
}

impl Indicator {
    /// One that has seen nothing; `field` is the stream, which of its numbers, and that number's decimals.
    #[must_use]
    pub fn new(
        strategy: StrategyIndex,
        kind: IndicatorKind,
        period: u32,
        instrument: InstrumentIndex,
        (stream, bar_field, decimals): (u16, BarField, u8),
    ) -> Self {
        Self {
            strategy,
            kind,
            period,
            instrument,
            stream,
            bar_field,
            decimals,
            window: VecDeque::new(),
            count: 0,
            sum: 0,
            previous_sum: 0,
            average: 0.0,
            previous_average: 0.0,
        }
    }

    /// The next value.
    pub fn update(&mut self, mantissa: i64) {
        self.count += 1;
        if self.kind == IndicatorKind::Ema && self.was_warm() {
            self.previous_average = self.average;
            let x = to_float(mantissa.into(), self.decimals);
            self.average = self.average + 2.0 / (f64::from(self.period) + 1.0) * (x - self.average);
            return;
        }
        self.previous_sum = self.sum;
        self.sum += i128::from(mantissa);
        self.window.push_back(mantissa);
        if self.window.len() > self.period as usize {
            self.sum -= i128::from(self.window.pop_front().unwrap_or(0));
        }
        if self.kind == IndicatorKind::Ema && self.warm() {
            self.average = self.mean(self.sum);
            self.window.clear();
        }
    }

    /// Whether a full period was seen.
    #[must_use]
    pub fn warm(&self) -> bool {
        self.count >= u64::from(self.period)
    }

    /// Whether it was warm one value ago.
    #[must_use]
    pub fn was_warm(&self) -> bool {
        self.count > u64::from(self.period)
    }

    /// The current value, NaN until warm.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self.kind {
            _ if !self.warm() => NAN,
            IndicatorKind::Sma => self.mean(self.sum),
            IndicatorKind::Ema => self.average,
        }
    }

    /// The value one bar ago, NaN until it was warm.
    #[must_use]
    pub fn previous(&self) -> f64 {
        match self.kind {
            _ if !self.was_warm() => NAN,
            IndicatorKind::Sma => self.mean(self.previous_sum),
            IndicatorKind::Ema => self.previous_average,
        }
    }

    fn mean(&self, total: i128) -> f64 {
        total as f64 / self.scale() as f64
    }

    /// What the sum is divided by: n * 10**d.
    fn scale(&self) -> i128 {
        i128::from(self.period) * power_of_ten(self.decimals)
    }
}

/// Whether a was at or below b and is now above; exact when both are windowed, false until both were warm.
#[must_use]
pub fn crossed_above(a: &Indicator, b: &Indicator) -> bool {
    if !(a.was_warm() && b.was_warm()) {
        return false;
    }
    if a.kind == IndicatorKind::Sma && b.kind == IndicatorKind::Sma {
        let (a_scale, b_scale) = (b.scale(), a.scale());
        return compare_products(a.previous_sum, a_scale, b.previous_sum, b_scale).is_le()
            && compare_products(a.sum, a_scale, b.sum, b_scale).is_gt();
    }
    a.previous() <= b.previous() && a.value() > b.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(kind: IndicatorKind, period: u32, values: &[i64]) -> Indicator {
        let field = (0, BarField::Close, 2);
        let mut indicator = Indicator::new(StrategyIndex(0), kind, period, InstrumentIndex(0), field);
        values.iter().for_each(|value| indicator.update(*value));
        indicator
    }

    #[test]
    fn a_mean_is_one_division_of_the_window_and_nan_until_it_is_full() {
        assert_eq!(fed(IndicatorKind::Sma, 3, &[100, 200]).value().to_bits(), 0x7FF8_0000_0000_0000);
        let full = fed(IndicatorKind::Sma, 3, &[100, 200, 400]);
        assert!(full.warm() && !full.was_warm() && full.previous().is_nan());
        assert_eq!(full.value(), 700.0 / 300.0);
        let moved = fed(IndicatorKind::Sma, 3, &[100, 200, 400, 500]);
        assert_eq!((moved.value(), moved.previous()), (1_100.0 / 300.0, 700.0 / 300.0));
    }

    #[test]
    fn an_ema_starts_at_the_mean_and_moves_by_its_share_of_the_difference() {
        let seeded = fed(IndicatorKind::Ema, 3, &[100, 200, 400]);
        assert_eq!((seeded.value(), seeded.window.len()), (700.0 / 300.0, 0));
        let moved = fed(IndicatorKind::Ema, 3, &[100, 200, 400, 500]);
        assert_eq!(moved.previous(), 700.0 / 300.0);
        assert_eq!(moved.value(), 700.0 / 300.0 + 2.0 / 4.0 * (5.0 - 700.0 / 300.0));
    }

    #[test]
    fn a_cross_needs_both_warm_twice_and_equal_means_are_no_cross() {
        let crossed = |fast: &[i64], slow: &[i64]| {
            crossed_above(&fed(IndicatorKind::Sma, 1, fast), &fed(IndicatorKind::Sma, 3, slow))
        };
        assert!(crossed(&[100, 100, 100, 130], &[100, 100, 100, 130]));
        assert!(!crossed(&[100, 100, 100, 100], &[100, 100, 100, 100]));
        assert!(!crossed(&[100, 100, 130], &[100, 100, 130]));
        assert!(!crossed(&[100, 100, 120, 130], &[100, 100, 120, 130]));
        let (ema, sma) = (fed(IndicatorKind::Ema, 1, &[100, 130]), fed(IndicatorKind::Sma, 1, &[110, 110]));
        assert!(crossed_above(&ema, &sma) && !crossed_above(&sma, &ema));
    }

    #[test]
    fn the_largest_sums_compare_without_overflow() {
        let mut high = fed(IndicatorKind::Sma, 1, &[1, 1]);
        let mut low = high.clone();
        (high.period, low.period, high.decimals, low.decimals) = (100_000, 100_000, 12, 12);
        (high.count, low.count) = (100_001, 100_001);
        high.sum = 100_000 * i128::from(i64::MAX);
        low.sum = -high.sum;
        assert!(crossed_above(&high, &low) && !crossed_above(&low, &high));
    }

    #[test]
    fn each_field_of_a_bar_is_read_by_its_name() {
        use crate::units::{Price, Time};
        let (open_time, close_time) = (Time(8), Time(9));
        let prices = [1, 2, 3, 4].map(Price);
        let [open, high, low, close] = prices;
        let bar = Bar { open_time, close_time, open, high, low, close, volume: 5, stream: 6 };
        assert_eq!(BarField::ALL.iter().map(|field| read(&bar, *field)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}
