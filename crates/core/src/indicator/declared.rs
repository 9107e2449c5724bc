//! A declared indicator: its computation, its lines now and a bar ago, and the older values it keeps.

use std::collections::VecDeque;

use super::average::{Convergence, Exponential, StrengthIndex};
use super::declaration::{BarField, Declaration, IndicatorKind, MIN_KEEP, NULL_SOURCE, PARAMETERS};
use super::number::{Input, NAN, Number, Part, Parts, Step, field_scale, read, real};
use super::trend::{BalanceVolume, DirectionalMovement, Keltner, ParabolicStop, SuperTrend, TrueRange};
use super::window::{
    MeanWindow, Moments, change_rate, channel_index, deviation, mean, regression_slope, regression_value,
    weighted_mean, window,
};
use super::windowed::{AnchoredVolumePrice, Bollinger, Donchian, ExtremeOf, Line, OverWindow, Stochastic, VolumePrice};
use crate::event::Bar;
use crate::units::{InstrumentIndex, StrategyIndex, power_of_ten};

/// The most lines a kind has.
pub const MAX_LINES: usize = 3;

/// Computations on one number a bar.
#[derive(Clone, Debug)]
pub enum OfValues {
    /// SMA of a field.
    Mean(MeanWindow),
    /// Lines over a window.
    OverWindow(OverWindow),
    /// Bollinger bands.
    Bollinger(Bollinger),
    /// Highest or lowest.
    ExtremeOf(ExtremeOf),
    /// EMA.
    Exponential(Exponential),
    /// RSI.
    StrengthIndex(StrengthIndex),
    /// MACD. Apart, so that the others stay small.
    Convergence(Box<Convergence>),
}

/// Computations on whole bars.
#[derive(Clone, Debug)]
pub enum OfBars {
    /// Donchian channel.
    Donchian(Donchian),
    /// Stochastic oscillator.
    Stochastic(Stochastic),
    /// VWAP.
    VolumePrice(VolumePrice),
    /// VWAP since an anchor.
    AnchoredVolumePrice(AnchoredVolumePrice),
    /// ATR.
    TrueRange(TrueRange),
    /// ADX.
    DirectionalMovement(DirectionalMovement),
    /// Keltner channel.
    Keltner(Keltner),
    /// `SuperTrend`.
    SuperTrend(SuperTrend),
    /// Parabolic SAR.
    ParabolicStop(ParabolicStop),
    /// OBV.
    BalanceVolume(BalanceVolume),
}

/// What a kind computes.
#[derive(Clone, Debug)]
pub enum Computation {
    /// Of one number a bar.
    Values(OfValues),
    /// Of whole bars. Apart, so that those of one number stay small.
    Bars(Box<OfBars>),
}

/// The scales of what is read: of one number, 0 where floats are read; of prices and of volume of whole bars.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    /// Of the number.
    pub number: i128,
    /// Of prices.
    pub price: i128,
    /// Of volume.
    pub volume: i128,
}

/// An empty computation.
#[must_use]
pub fn computation(kind: IndicatorKind, parameters: &[i64; PARAMETERS], scales: Scales) -> Computation {
    let [a, b, c, _] = *parameters;
    let Scales { number: scale, price, volume } = scales;
    let over = |period: i64, moments: Moments, lines: &'static [Line]| {
        OfValues::OverWindow(OverWindow { window: window(period, scale, moments), lines })
    };
    Computation::Values(match kind {
        IndicatorKind::Sma if scale != 0 => OfValues::Mean(MeanWindow::new(a, scale)),
        IndicatorKind::Sma => over(a, Moments::Plain, &[mean]),
        IndicatorKind::Wma => over(a, Moments::Weighted, &[weighted_mean]),
        IndicatorKind::Stddev => over(a, Moments::Squares, &[deviation]),
        IndicatorKind::Cci => over(a, Moments::Plain, &[channel_index]),
        IndicatorKind::LinearRegression => over(a, Moments::Weighted, &[regression_value, regression_slope]),
        IndicatorKind::Roc => over(a + 1, Moments::Plain, &[change_rate]),
        IndicatorKind::Ema => OfValues::Exponential(Exponential::new(a, scale)),
        IndicatorKind::Rsi => OfValues::StrengthIndex(StrengthIndex::new(a, scale)),
        IndicatorKind::Macd => OfValues::Convergence(Box::new(Convergence::new(a, b, c, scale))),
        IndicatorKind::Bollinger => {
            OfValues::Bollinger(Bollinger { window: window(a, scale, Moments::Squares), deviations: b })
        }
        IndicatorKind::Highest => OfValues::ExtremeOf(ExtremeOf::new(a, true, scale)),
        IndicatorKind::Lowest => OfValues::ExtremeOf(ExtremeOf::new(a, false, scale)),
        _ => {
            return Computation::Bars(Box::new(match kind {
                IndicatorKind::Stochastic => OfBars::Stochastic(Stochastic::new(a, b, c)),
                IndicatorKind::Donchian => OfBars::Donchian(Donchian::new(a, price)),
                IndicatorKind::Vwap => OfBars::VolumePrice(VolumePrice::new(a, price)),
                IndicatorKind::AnchoredVwap => OfBars::AnchoredVolumePrice(AnchoredVolumePrice::new(a, b, price)),
                IndicatorKind::Adx => OfBars::DirectionalMovement(DirectionalMovement::new(a, price)),
                IndicatorKind::Obv => OfBars::BalanceVolume(BalanceVolume::new(volume)),
                IndicatorKind::Keltner => OfBars::Keltner(Keltner::new(a, b, c, price)),
                IndicatorKind::Supertrend => OfBars::SuperTrend(SuperTrend::new(a, b, price)),
                IndicatorKind::Sar => OfBars::ParabolicStop(ParabolicStop::new(a, b, price)),
                _ => OfBars::TrueRange(TrueRange::new(a, price)),
            }));
        }
    })
}

impl Computation {
    #[inline]
    fn line(&self, place: usize) -> Option<Number> {
        match self {
            Self::Values(values) => match values {
                OfValues::Mean(one) => one.mean(),
                OfValues::OverWindow(one) => one.lines[place](&one.window),
                OfValues::Bollinger(one) => one.line(place),
                OfValues::ExtremeOf(one) => one.line(),
                OfValues::Exponential(one) => one.value().map(Number::Real),
                OfValues::StrengthIndex(one) => one.line(),
                OfValues::Convergence(one) => one.line(place),
            },
            Self::Bars(bars) => match &**bars {
                OfBars::Donchian(one) => one.line(place),
                OfBars::Stochastic(one) => one.line(place),
                OfBars::VolumePrice(one) => one.line(),
                OfBars::AnchoredVolumePrice(one) => one.line(),
                OfBars::TrueRange(one) => one.value().map(Number::Real),
                OfBars::DirectionalMovement(one) => one.line(place),
                OfBars::Keltner(one) => one.line(place),
                OfBars::SuperTrend(one) => one.line(place),
                OfBars::ParabolicStop(one) => one.line(place),
                OfBars::BalanceVolume(one) => one.line(),
            },
        }
    }

    /// What it holds, piece by piece, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        match self {
            Self::Values(values) => match values {
                OfValues::Mean(one) => one.parts(to),
                OfValues::OverWindow(one) => one.window.parts(to),
                OfValues::Bollinger(one) => one.window.parts(to),
                OfValues::ExtremeOf(one) => one.parts(to),
                OfValues::Exponential(one) => one.parts(to),
                OfValues::StrengthIndex(one) => one.parts(to),
                OfValues::Convergence(one) => one.parts(to),
            },
            Self::Bars(bars) => match &**bars {
                OfBars::Donchian(one) => one.parts(to),
                OfBars::Stochastic(one) => one.parts(to),
                OfBars::VolumePrice(one) => one.parts(to),
                OfBars::AnchoredVolumePrice(one) => one.parts(to),
                OfBars::TrueRange(one) => one.parts(to),
                OfBars::DirectionalMovement(one) => one.parts(to),
                OfBars::Keltner(one) => one.parts(to),
                OfBars::SuperTrend(one) => one.parts(to),
                OfBars::ParabolicStop(one) => one.parts(to),
                OfBars::BalanceVolume(one) => one.parts(to),
            },
        }
    }
}

impl Computation {
    /// Take back what `parts` gave; `before` is what its first line said a bar ago.
    fn restore(&mut self, parts: &mut Parts<'_>, before: Option<Number>) -> Option<()> {
        match self {
            Self::Values(values) => match values {
                OfValues::Mean(one) => one.restore(parts, before),
                OfValues::OverWindow(one) => one.window.restore(parts),
                OfValues::Bollinger(one) => one.window.restore(parts),
                OfValues::ExtremeOf(one) => one.restore(parts),
                OfValues::Exponential(one) => one.restore(parts),
                OfValues::StrengthIndex(one) => one.restore(parts),
                OfValues::Convergence(one) => one.restore(parts),
            },
            Self::Bars(bars) => match &mut **bars {
                OfBars::Donchian(one) => one.restore(parts),
                OfBars::Stochastic(one) => one.restore(parts),
                OfBars::VolumePrice(one) => one.restore(parts),
                OfBars::AnchoredVolumePrice(one) => one.restore(parts),
                OfBars::TrueRange(one) => one.restore(parts),
                OfBars::DirectionalMovement(one) => one.restore(parts),
                OfBars::Keltner(one) => one.restore(parts),
                OfBars::SuperTrend(one) => one.restore(parts),
                OfBars::ParabolicStop(one) => one.restore(parts),
                OfBars::BalanceVolume(one) => one.restore(parts),
            },
        }
    }
}

impl OfValues {
    fn push(&mut self, input: Input) {
        match self {
            Self::Mean(one) => match input {
                Input::Whole(mantissa) => one.push(mantissa),
                Input::Real(_) => unreachable!("a mean of mantissas is given mantissas"),
            },
            Self::OverWindow(one) => one.window.push(input),
            Self::Bollinger(one) => one.window.push(input),
            Self::ExtremeOf(one) => one.push(input),
            Self::Exponential(one) => one.push(input),
            Self::StrengthIndex(one) => one.push(input),
            Self::Convergence(one) => one.push(input),
        }
    }
}

impl OfBars {
    fn push_bar(&mut self, bar: &Bar) {
        match self {
            Self::Donchian(one) => one.push_bar(bar),
            Self::Stochastic(one) => one.push_bar(bar),
            Self::VolumePrice(one) => one.push_bar(bar),
            Self::AnchoredVolumePrice(one) => one.push_bar(bar),
            Self::TrueRange(one) => one.push_bar(bar),
            Self::DirectionalMovement(one) => one.push_bar(bar),
            Self::Keltner(one) => one.push_bar(bar),
            Self::SuperTrend(one) => one.push_bar(bar),
            Self::ParabolicStop(one) => one.push_bar(bar),
            Self::BalanceVolume(one) => one.push_bar(bar),
        }
    }
}

/// One declared indicator of a strategy.
#[derive(Clone, Debug)]
pub struct Indicator {
    /// Whose it is.
    pub strategy: StrategyIndex,
    /// What was declared.
    pub declaration: Declaration,
    /// Of which instrument.
    pub instrument: InstrumentIndex,
    /// Decimals of its prices.
    pub price_decimals: u8,
    /// Decimals of its stream's volumes.
    pub volume_decimals: u8,
    kind: IndicatorKind,
    bar_field: BarField,
    /// What it computes.
    pub computation: Computation,
    lines: usize,
    /// Its lines a bar ago; a mean knows its own.
    before: [Option<Number>; MAX_LINES],
    /// Its lines two and more bars ago, as far as they are kept, the newest first.
    pub older: VecDeque<[f64; MAX_LINES]>,
}

impl Indicator {
    /// One that has seen nothing, of a declaration that was checked; `decimals` are those of prices and of volumes.
    #[must_use]
    pub fn new(
        strategy: StrategyIndex,
        declaration: Declaration,
        (kind, bar_field): (IndicatorKind, BarField),
        instrument: InstrumentIndex,
        (price_decimals, volume_decimals): (u8, u8),
    ) -> Self {
        let is_sourced = declaration.source != NULL_SOURCE;
        let number = if is_sourced { 0 } else { field_scale(bar_field, price_decimals, volume_decimals) };
        let scales = Scales { number, price: power_of_ten(price_decimals), volume: power_of_ten(volume_decimals) };
        Self {
            strategy,
            declaration,
            instrument,
            price_decimals,
            volume_decimals,
            kind,
            bar_field,
            computation: computation(kind, &declaration.parameters, scales),
            lines: kind.rule().lines.len(),
            before: [None; MAX_LINES],
            older: VecDeque::with_capacity(usize::from(declaration.keep - MIN_KEEP) + 1),
        }
    }

    /// Which it is.
    #[must_use]
    pub const fn kind(&self) -> IndicatorKind {
        self.kind
    }

    /// The names of its lines; the first is its value.
    #[must_use]
    pub const fn lines(&self) -> &'static [&'static str] {
        self.kind.rule().lines
    }

    /// The next bar of its stream; `sourced` is what its source says now. Where that is not warm nothing is read.
    pub fn update(&mut self, bar: &Bar, sourced: Option<Number>) {
        if self.declaration.keep > MIN_KEEP {
            self.keep_before();
        }
        if let Computation::Values(OfValues::Mean(mean)) = &mut self.computation {
            mean.push(read(bar, self.bar_field));
            return;
        }
        for (line, before) in self.before[..self.lines].iter_mut().enumerate() {
            *before = self.computation.line(line);
        }
        match &mut self.computation {
            Computation::Bars(bars) => bars.push_bar(bar),
            Computation::Values(values) if self.declaration.source == NULL_SOURCE => {
                values.push(Input::Whole(read(bar, self.bar_field)));
            }
            Computation::Values(values) => {
                if sourced.is_some() {
                    values.push(Input::Real(real(sourced)));
                }
            }
        }
    }

    /// Take back what it said a bar ago and before that, and what its computation held; none where that is not of its kind.
    pub fn restore(
        &mut self,
        before: &[Option<Number>],
        older: VecDeque<[f64; MAX_LINES]>,
        parts: &[Part],
    ) -> Option<()> {
        if before.len() != self.lines || older.len() > usize::from(self.declaration.keep - MIN_KEEP) {
            return None;
        }
        let mut parts = Parts::new(parts);
        self.computation.restore(&mut parts, before[0])?;
        // A mean knows its own past.
        if !matches!(self.computation, Computation::Values(OfValues::Mean(_))) {
            self.before[..self.lines].copy_from_slice(before);
        }
        self.older = older;
        parts.end()
    }

    fn keep_before(&mut self) {
        if self.older.len() == usize::from(self.declaration.keep - MIN_KEEP) {
            self.older.pop_back();
        }
        let before = [0, 1, 2].map(|line| if line < self.lines { real(self.before(line)) } else { NAN });
        self.older.push_front(before);
    }

    /// What a line said a bar ago.
    #[inline]
    #[must_use]
    pub fn before(&self, line: usize) -> Option<Number> {
        match &self.computation {
            Computation::Values(OfValues::Mean(mean)) => mean.mean_before(),
            _ => self.before[line],
        }
    }

    /// What a line says now, None until it is warm.
    #[inline]
    #[must_use]
    pub fn number(&self, line: usize) -> Option<Number> {
        self.computation.line(line)
    }

    /// A line a bar ago and now.
    #[inline]
    #[must_use]
    pub fn step(&self, line: usize) -> Step {
        Step { before: self.before(line), now: self.number(line) }
    }

    /// Whether every line has a value.
    #[must_use]
    pub fn warm(&self) -> bool {
        (0..self.lines).all(|line| self.number(line).is_some())
    }

    /// A line's value so many bars ago, fewer than are kept; NaN until it was warm.
    #[inline]
    #[must_use]
    pub fn value(&self, line: usize, ago: usize) -> f64 {
        match ago {
            0 => real(self.number(line)),
            1 => real(self.before(line)),
            _ => self.older.get(ago - usize::from(MIN_KEEP)).map_or(NAN, |lines| lines[line]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::{RULES, crossed_above, level};
    use crate::units::{Price, Time};

    fn bar(place: i64, prices: [i64; 4], volume: i64) -> Bar {
        let [open, high, low, close] = prices.map(Price);
        Bar { open_time: Time(place), close_time: Time(place + 1), open, high, low, close, volume, stream: 0 }
    }

    fn fed(kind: IndicatorKind, period: i64, values: &[i64]) -> Indicator {
        let parameters = [period, 0, 0, 0];
        let (kind_number, bar_field) = (kind.number(), BarField::Close.number());
        let (source, keep) = (NULL_SOURCE, 4);
        let declaration = Declaration { kind: kind_number, parameters, stream: 0, bar_field, source, line: 0, keep };
        let place = (kind, BarField::Close);
        let mut made = Indicator::new(StrategyIndex(0), declaration, place, InstrumentIndex(0), (2, 0));
        values.iter().enumerate().for_each(|(at, value)| made.update(&bar(at as i64, [*value; 4], 1), None));
        made
    }

    #[test]
    fn a_mean_is_one_division_of_the_window_and_nan_until_it_is_full() {
        assert_eq!(fed(IndicatorKind::Sma, 3, &[100, 200]).value(0, 0).to_bits(), 0x7FF8_0000_0000_0000);
        let full = fed(IndicatorKind::Sma, 3, &[100, 200, 400]);
        assert!(full.warm() && full.step(0).before.is_none() && full.value(0, 1).is_nan());
        assert_eq!(full.value(0, 0), 700.0 / 300.0);
        let moved = fed(IndicatorKind::Sma, 3, &[100, 200, 400, 500, 600]);
        let kept = [1_500.0 / 300.0, 1_100.0 / 300.0, 700.0 / 300.0];
        assert_eq!([0, 1, 2].map(|ago| moved.value(0, ago)), kept);
        assert!(moved.value(0, 3).is_nan());
    }

    #[test]
    fn an_ema_starts_at_the_mean_and_moves_by_its_share_of_the_difference() {
        assert_eq!(fed(IndicatorKind::Ema, 3, &[100, 200, 400]).value(0, 0), 700.0 / 300.0);
        let moved = fed(IndicatorKind::Ema, 3, &[100, 200, 400, 500]);
        assert_eq!(moved.value(0, 1), 700.0 / 300.0);
        assert_eq!(moved.value(0, 0), 700.0 / 300.0 + 2.0 / 4.0 * (5.0 - 700.0 / 300.0));
    }

    #[test]
    fn a_cross_needs_both_warm_twice_and_equal_means_are_no_cross() {
        let crossed = |fast: &[i64], slow: &[i64]| {
            crossed_above(&fed(IndicatorKind::Sma, 1, fast).step(0), &fed(IndicatorKind::Sma, 3, slow).step(0))
        };
        assert!(crossed(&[100, 100, 100, 130], &[100, 100, 100, 130]));
        assert!(!crossed(&[100, 100, 100, 100], &[100, 100, 100, 100]));
        assert!(!crossed(&[100, 100, 130], &[100, 100, 130]));
        assert!(!crossed(&[100, 100, 120, 130], &[100, 100, 120, 130]));
        let ema = fed(IndicatorKind::Ema, 1, &[100, 130]).step(0);
        assert!(crossed_above(&ema, &level(1.1)) && !crossed_above(&level(1.1), &ema));
        assert!(!crossed_above(&ema, &level(f64::NAN)));
    }

    #[test]
    fn the_largest_sums_are_exact() {
        let largest = i64::MAX;
        let high = fed(IndicatorKind::Sma, 2, &[largest - 1, largest - 1, largest - 1, largest]);
        let low = fed(IndicatorKind::Wma, 2, &[largest - 1; 4]);
        assert!(crossed_above(&high.step(0), &low.step(0)) && !crossed_above(&low.step(0), &high.step(0)));
        assert_eq!(fed(IndicatorKind::Stddev, 2, &[largest, largest, largest - 2]).value(0, 0), 0.01);
    }

    #[test]
    fn every_kind_has_its_rule_and_none_has_more_lines_than_fit() {
        for kind in IndicatorKind::ALL {
            let rule = kind.rule();
            assert!(rule.lines.len() <= MAX_LINES && rule.parameters.len() <= PARAMETERS);
            let name = format!("{kind:?}").to_uppercase();
            assert_eq!(rule.name.replace('_', ""), name);
        }
        assert_eq!(RULES.len(), IndicatorKind::ALL.len());
    }

    #[test]
    fn each_field_of_a_bar_is_read_by_its_name() {
        let bar = bar(8, [1, 20, 300, 4_000], 5);
        let found: Vec<_> = BarField::ALL.iter().map(|field| read(&bar, *field)).collect();
        assert_eq!(found, [1, 20, 300, 4_000, 5, 320, 4_320, 4_321, 8_320]);
        let scales: Vec<_> = BarField::ALL.iter().map(|field| field_scale(*field, 2, 3)).collect();
        assert_eq!(scales, [100, 100, 100, 100, 1_000, 200, 300, 400, 400]);
    }
}
