//! Kinds that are a function of the last values of one input, or of the last bars: each is one or more windows and the lines over them.

use std::collections::VecDeque;

use super::number::{Input, Number, Part, Parts, exact, ratio, real};
use super::wide::Wide;
use super::window::{Extreme, RealWindow, Window, deviation, mean, take_back, wide_parts, wide_whole};
use crate::event::Bar;
use crate::units::{I128_MAX, RATE_ONE};

/// What a line computes of a window.
pub type Line = fn(&Window) -> Option<Number>;

/// Any lines over one window: SMA, WMA, standard deviation, rate of change, CCI, linear regression.
#[derive(Clone, Debug)]
pub struct OverWindow {
    /// The last values.
    pub window: Window,
    /// What is computed of them.
    pub lines: &'static [Line],
}

/// The mean and bands of k standard deviations around it. Source: J. Bollinger, Bollinger on Bollinger Bands.
#[derive(Clone, Debug)]
pub struct Bollinger {
    /// The last values.
    pub window: Window,
    /// k, as a rate.
    pub deviations: i64,
}

impl Bollinger {
    /// The middle, upper or lower band.
    pub fn line(&self, place: usize) -> Option<Number> {
        let middle = mean(&self.window)?;
        if place == 0 {
            return Some(middle);
        }
        let width = rate(self.deviations) * real(deviation(&self.window));
        let middle = real(Some(middle));
        Some(Number::Real(if place == 1 { middle + width } else { middle - width }))
    }
}

/// The float of a rate.
pub fn rate(rate: i64) -> f64 {
    rate as f64 / RATE_ONE.0 as f64
}

/// The highest or lowest value.
#[derive(Clone, Debug)]
pub enum ExtremeOf {
    /// Of mantissas, with their scale.
    Whole(Extreme<i128>, i128),
    /// Of floats.
    Real(Extreme<f64>),
}

impl ExtremeOf {
    /// One that has seen nothing; floats where the scale is 0.
    pub fn new(period: i64, highest: bool, scale: i128) -> Self {
        if scale == 0 {
            Self::Real(Extreme::new(period, highest))
        } else {
            Self::Whole(Extreme::new(period, highest), scale)
        }
    }

    /// The next value.
    pub fn push(&mut self, input: Input) {
        match (self, input) {
            (Self::Whole(extreme, _), Input::Whole(mantissa)) => extreme.push(mantissa),
            (Self::Real(extreme), Input::Real(value)) => extreme.push(value),
            _ => unreachable!("an extreme is made for what it is given"),
        }
    }

    /// The extreme.
    pub fn line(&self) -> Option<Number> {
        match self {
            Self::Whole(extreme, scale) => extreme.value().map(|mantissa| exact(mantissa, *scale)),
            Self::Real(extreme) => extreme.value().map(Number::Real),
        }
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        match self {
            Self::Whole(extreme, _) => extreme.parts(to, Part::Whole),
            Self::Real(extreme) => extreme.parts(to, Part::Real),
        }
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        match self {
            Self::Whole(extreme, _) => extreme.restore(parts, Parts::whole),
            Self::Real(extreme) => extreme.restore(parts, Parts::real),
        }
    }
}

/// Highest high and lowest low of the last bars.
#[derive(Clone, Debug)]
struct Span {
    upper: Extreme<i128>,
    lower: Extreme<i128>,
}

impl Span {
    fn new(period: i64) -> Self {
        Self { upper: Extreme::new(period, true), lower: Extreme::new(period, false) }
    }

    fn push_bar(&mut self, bar: &Bar) {
        self.upper.push(bar.high.0.into());
        self.lower.push(bar.low.0.into());
    }

    fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.upper.parts(to, Part::Whole);
        self.lower.parts(to, Part::Whole);
    }

    fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.upper.restore(parts, Parts::whole)?;
        self.lower.restore(parts, Parts::whole)
    }
}

/// Highest high, lowest low and the middle between them, of the last n bars, the newest included.
#[derive(Clone, Debug)]
pub struct Donchian {
    span: Span,
    scale: i128,
}

impl Donchian {
    /// One that has seen nothing.
    pub fn new(period: i64, scale: i128) -> Self {
        Self { span: Span::new(period), scale }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        self.span.push_bar(bar);
    }

    /// The middle, the upper or the lower line.
    pub fn line(&self, place: usize) -> Option<Number> {
        let (upper, lower) = (self.span.upper.value()?, self.span.lower.value()?);
        Some(match place {
            0 => exact(upper + lower, 2 * self.scale),
            1 => exact(upper, self.scale),
            _ => exact(lower, self.scale),
        })
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.span.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.span.restore(parts)
    }
}

/// Where the close lies between lowest low and highest high, 0 to 100, smoothed by simple means.
///
/// %K over `smooth_k` values, %D over `smooth_d` of %K. 0 where high and low are one. Source: G. Lane, Technical Analysis of Stocks and
/// Commodities, 1984.
#[derive(Clone, Debug)]
pub struct Stochastic {
    span: Span,
    raw: RealWindow,
    smoothed: RealWindow,
}

impl Stochastic {
    /// One that has seen nothing.
    pub fn new(period: i64, smooth_k: i64, smooth_d: i64) -> Self {
        Self { span: Span::new(period), raw: RealWindow::new(smooth_k), smoothed: RealWindow::new(smooth_d) }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        self.span.push_bar(bar);
        let (Some(highest), Some(lowest)) = (self.span.upper.value(), self.span.lower.value()) else { return };
        let (over, span) = (100 * (i128::from(bar.close.0) - lowest), highest - lowest);
        self.raw.push(if span == 0 { 0.0 } else { over as f64 / span as f64 });
        if let Some(k) = self.raw.mean() {
            self.smoothed.push(k);
        }
    }

    /// %K or %D.
    pub fn line(&self, place: usize) -> Option<Number> {
        if place == 0 { self.raw.mean() } else { self.smoothed.mean() }.map(Number::Real)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.span.parts(to);
        self.raw.parts(to);
        self.smoothed.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.span.restore(parts)?;
        self.raw.restore(parts)?;
        self.smoothed.restore(parts)
    }
}

/// Value and volume that were traded: sums of three prices times volume, and of volume.
#[derive(Clone, Copy, Debug, Default)]
struct Traded {
    value: Wide,
    volume: u128,
}

impl Traded {
    /// Of one bar; its volume is not below 0.
    fn of(bar: &Bar) -> Self {
        let prices = i128::from(bar.high.0) + i128::from(bar.low.0) + i128::from(bar.close.0);
        let volume = u128::from(bar.volume.unsigned_abs());
        Self { value: Wide::product(prices.unsigned_abs(), volume), volume }
    }

    fn add(&mut self, other: Self) {
        self.value = self.value.plus(other.value);
        self.volume += other.volume;
    }

    fn take(&mut self, other: Self) {
        self.value = self.value.minus(other.value);
        self.volume -= other.volume;
    }

    /// The price, None without volume.
    fn price(&self, scale: i128) -> Option<Number> {
        let under = Wide::product(self.volume, (3 * scale).unsigned_abs());
        (self.volume != 0).then(|| ratio(self.value, under))
    }

    fn parts(&self, to: &mut dyn FnMut(Part)) {
        wide_parts(self.value, to);
        to(Part::Whole(self.volume as i128));
    }

    fn of_parts(parts: &mut Parts<'_>) -> Option<Self> {
        Some(Self { value: wide_whole(parts)?, volume: parts.count(I128_MAX)? })
    }
}

/// VWAP of the last n bars: sum of (high + low + close) / 3 * volume over the sum of volume; not warm while that is 0.
#[derive(Clone, Debug)]
pub struct VolumePrice {
    period: usize,
    /// Of prices.
    scale: i128,
    bars: VecDeque<Traded>,
    sum: Traded,
}

impl VolumePrice {
    /// One that has seen nothing.
    pub fn new(period: i64, scale: i128) -> Self {
        let period = period as usize;
        Self { period, scale, bars: VecDeque::with_capacity(period), sum: Traded::default() }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        if self.bars.len() == self.period
            && let Some(oldest) = self.bars.pop_front()
        {
            self.sum.take(oldest);
        }
        let traded = Traded::of(bar);
        self.bars.push_back(traded);
        self.sum.add(traded);
    }

    /// The price.
    pub fn line(&self) -> Option<Number> {
        if self.bars.len() < self.period { None } else { self.sum.price(self.scale) }
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.sum.parts(to);
        to(Part::Whole(self.bars.len() as i128));
        self.bars.iter().for_each(|traded| traded.parts(to));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.sum = Traded::of_parts(parts)?;
        take_back(&mut self.bars, parts.count(self.period as i128)?, || Traded::of_parts(parts))
    }
}

/// VWAP since the last anchor.
///
/// It starts anew with the first bar that opens in another span of `every` ns from `offset` after the Unix epoch; never where `every` is
/// 0.
#[derive(Clone, Debug)]
pub struct AnchoredVolumePrice {
    every: i64,
    offset: i64,
    /// Of prices.
    scale: i128,
    span: i128,
    sum: Traded,
}

impl AnchoredVolumePrice {
    /// One that has seen nothing.
    pub fn new(every: i64, offset: i64, scale: i128) -> Self {
        Self { every, offset, scale, span: 0, sum: Traded::default() }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        let since = i128::from(bar.open_time.0) - i128::from(self.offset);
        let span = if self.every == 0 { 0 } else { since.div_euclid(self.every.into()) };
        if span != self.span {
            self.sum = Traded::default();
        }
        self.span = span;
        self.sum.add(Traded::of(bar));
    }

    /// The price.
    pub fn line(&self) -> Option<Number> {
        self.sum.price(self.scale)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.span));
        self.sum.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.span, self.sum) = (parts.whole()?, Traded::of_parts(parts)?);
        Some(())
    }
}
