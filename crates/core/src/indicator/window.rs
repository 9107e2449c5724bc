//! The last values of an input: sums over mantissas are kept and exact, floats are summed anew in index order. Extremes by a monotonic
//! queue, so that an update costs the same whatever the period.

use std::collections::VecDeque;

use super::number::{Input, MOST_VALUES, Number, Part, Parts, exact};
use super::wide::{HALF_WIDTH, Wide};
use crate::units::I128_MAX;

/// Which sums of a window of mantissas are kept besides the plain one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Moments {
    /// None.
    Plain = 0,
    /// The weighted sum.
    Weighted = 1,
    /// The sum of squares.
    Squares = 2,
}

/// The last `period` mantissas and their sums.
#[derive(Clone, Debug)]
pub struct WholeWindow {
    period: usize,
    /// What a mantissa is divided by.
    scale: i128,
    /// What the sum is divided by for the mean: period * scale, not multiplied anew for every value.
    mean_scale: i128,
    moments: Moments,
    values: VecDeque<i128>,
    sum: i128,
    /// The oldest once, the next twice, and so on.
    weighted: i128,
    squares: Wide,
}

impl WholeWindow {
    fn push(&mut self, mantissa: i128) {
        if self.values.len() == self.period {
            let oldest = self.values.pop_front().unwrap_or(0);
            match self.moments {
                Moments::Plain => {}
                Moments::Weighted => self.weighted -= self.sum,
                Moments::Squares => self.squares = self.squares.minus(square(oldest)),
            }
            self.sum -= oldest;
        }
        self.values.push_back(mantissa);
        self.sum += mantissa;
        match self.moments {
            Moments::Plain => {}
            Moments::Weighted => self.weighted += self.values.len() as i128 * mantissa,
            Moments::Squares => self.squares = self.squares.plus(square(mantissa)),
        }
    }

    fn newest(&self) -> i128 {
        self.values.back().copied().unwrap_or(0)
    }
}

fn square(mantissa: i128) -> Wide {
    Wide::product(mantissa.unsigned_abs(), mantissa.unsigned_abs())
}

/// A window of mantissas of which only the mean is asked, now and a value ago: the SMA of a field.
///
/// It is a plain `WholeWindow` that knows its own past, so that an update copies nothing: strategies have more of these than of all
/// others, and it is a third of the cost.
#[derive(Clone, Debug)]
pub struct MeanWindow {
    period: usize,
    mean_scale: i128,
    values: VecDeque<i128>,
    sum: i128,
    before: i128,
    was_full: bool,
}

impl MeanWindow {
    /// An empty one; a mantissa is divided by `scale`.
    pub fn new(period: i64, scale: i128) -> Self {
        let mean_scale = i128::from(period) * scale;
        let period = period as usize;
        Self { period, mean_scale, values: VecDeque::with_capacity(period), sum: 0, before: 0, was_full: false }
    }

    /// The next mantissa; the oldest goes when the window was full.
    pub fn push(&mut self, mantissa: i128) {
        self.before = self.sum;
        self.was_full = self.values.len() == self.period;
        if self.was_full {
            self.sum -= self.values.pop_front().unwrap_or(0);
        }
        self.values.push_back(mantissa);
        self.sum += mantissa;
    }

    /// sum / n.
    #[inline]
    pub fn mean(&self) -> Option<Number> {
        (self.values.len() == self.period).then(|| exact(self.sum, self.mean_scale))
    }

    /// The mean one value ago.
    #[inline]
    pub fn mean_before(&self) -> Option<Number> {
        self.was_full.then(|| exact(self.before, self.mean_scale))
    }

    /// What it holds, for the leaf: as a plain window.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        [self.sum, 0, 0, 0, self.values.len() as i128].into_iter().for_each(|whole| to(Part::Whole(whole)));
        self.values.iter().for_each(|mantissa| to(Part::Whole(*mantissa)));
    }

    /// Take back what `parts` gave, and the mean one value ago.
    pub fn restore(&mut self, parts: &mut Parts<'_>, before: Option<Number>) -> Option<()> {
        self.sum = parts.whole()?;
        for _ in 0..3 {
            parts.count::<u8>(0)?;
        }
        take_back(&mut self.values, parts.count(self.period as i128)?, || parts.whole())?;
        (self.before, self.was_full) = match before {
            None => (0, false),
            Some(Number::Ratio(ratio)) if ratio.denominator == self.mean_scale => (ratio.numerator, true),
            Some(_) => return None,
        };
        Some(())
    }
}

/// The last `period` floats.
#[derive(Clone, Debug)]
pub struct RealWindow {
    period: usize,
    values: VecDeque<f64>,
}

impl RealWindow {
    /// An empty one.
    pub fn new(period: i64) -> Self {
        let period = period as usize;
        Self { period, values: VecDeque::with_capacity(period) }
    }

    /// The next value; the oldest goes when the window was full.
    pub fn push(&mut self, value: f64) {
        if self.values.len() == self.period {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// sum / n.
    pub fn mean(&self) -> Option<f64> {
        (self.values.len() == self.period).then(|| self.total() / self.period as f64)
    }

    fn total(&self) -> f64 {
        let mut total = 0.0;
        for value in &self.values {
            total += value;
        }
        total
    }

    fn weighted_total(&self) -> f64 {
        let (mut total, mut weight) = (0.0, 0.0);
        for value in &self.values {
            weight += 1.0;
            total += weight * value;
        }
        total
    }

    fn oldest(&self) -> f64 {
        self.values.front().copied().unwrap_or(0.0)
    }

    fn newest(&self) -> f64 {
        self.values.back().copied().unwrap_or(0.0)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.values.len() as i128));
        self.values.iter().for_each(|value| to(Part::Real(*value)));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        take_back(&mut self.values, parts.count(self.period as i128)?, || parts.real())
    }
}

/// The last values, of either kind.
#[derive(Clone, Debug)]
pub enum Window {
    /// Mantissas.
    Whole(WholeWindow),
    /// Floats.
    Real(RealWindow),
}

/// An empty window: of mantissas with this scale, or of floats where the scale is 0.
#[must_use]
pub fn window(period: i64, scale: i128, moments: Moments) -> Window {
    if scale == 0 {
        return Window::Real(RealWindow::new(period));
    }
    let mean_scale = i128::from(period) * scale;
    let period = period as usize;
    let (values, squares) = (VecDeque::with_capacity(period), Wide::default());
    Window::Whole(WholeWindow { period, scale, mean_scale, moments, values, sum: 0, weighted: 0, squares })
}

impl Window {
    /// The next value; the oldest goes when the window was full.
    pub fn push(&mut self, input: Input) {
        match (self, input) {
            (Self::Whole(held), Input::Whole(mantissa)) => held.push(mantissa),
            (Self::Real(held), Input::Real(value)) => held.push(value),
            _ => unreachable!("a window is made for what it is given"),
        }
    }

    fn is_full(&self) -> bool {
        match self {
            Self::Whole(held) => held.values.len() == held.period,
            Self::Real(held) => held.values.len() == held.period,
        }
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        match self {
            Self::Real(held) => held.parts(to),
            Self::Whole(held) => {
                to(Part::Whole(held.sum));
                to(Part::Whole(held.weighted));
                wide_parts(held.squares, to);
                to(Part::Whole(held.values.len() as i128));
                held.values.iter().for_each(|mantissa| to(Part::Whole(*mantissa)));
            }
        }
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        match self {
            Self::Real(held) => held.restore(parts),
            Self::Whole(held) => {
                (held.sum, held.weighted) = (parts.whole()?, parts.whole()?);
                held.squares = wide_whole(parts)?;
                take_back(&mut held.values, parts.count(held.period as i128)?, || parts.whole())
            }
        }
    }
}

/// A sum of products that are not below 0, as two numbers that fit i128.
pub fn wide_parts(total: Wide, to: &mut dyn FnMut(Part)) {
    total.parts().into_iter().for_each(|part| to(Part::Whole(part)));
}

/// The sum that `wide_parts` gave; its upper part stays below 2**127, so that no sum passes 223 bits.
pub fn wide_whole(parts: &mut Parts<'_>) -> Option<Wide> {
    Some(Wide::of_parts(parts.count((1 << HALF_WIDTH) - 1)?, parts.count(I128_MAX)?))
}

/// So many values, in place of those there are.
pub fn take_back<T>(values: &mut VecDeque<T>, count: usize, mut next: impl FnMut() -> Option<T>) -> Option<()> {
    values.clear();
    for _ in 0..count {
        values.push_back(next()?);
    }
    Some(())
}

/// sum / n.
pub fn mean(held: &Window) -> Option<Number> {
    match held {
        _ if !held.is_full() => None,
        Window::Whole(held) => Some(exact(held.sum, held.mean_scale)),
        Window::Real(held) => held.mean().map(Number::Real),
    }
}

/// (1 x1 + 2 x2 + ... + n xn) / (n (n + 1) / 2), xn the newest.
pub fn weighted_mean(held: &Window) -> Option<Number> {
    match held {
        _ if !held.is_full() => None,
        Window::Whole(held) => Some(exact(held.weighted, weights(held.period) * held.scale)),
        Window::Real(held) => Some(Number::Real(held.weighted_total() / weights(held.period) as f64)),
    }
}

fn weights(period: usize) -> i128 {
    let n = period as i128;
    n * (n + 1) / 2
}

/// Standard deviation of the population: sqrt(n sum(x**2) - sum(x)**2) / n; of floats sqrt(sum((x - mean)**2) / n).
pub fn deviation(held: &Window) -> Option<Number> {
    if !held.is_full() {
        return None;
    }
    Some(Number::Real(match held {
        Window::Whole(held) => {
            let spread = held.squares.times(held.period as u128).minus(square(held.sum));
            spread.real().sqrt() / held.mean_scale as f64
        }
        Window::Real(held) => {
            let middle = held.total() / held.period as f64;
            let mut total = 0.0;
            for value in &held.values {
                let distance = value - middle;
                total += distance * distance;
            }
            (total / held.period as f64).sqrt()
        }
    }))
}

/// The least-squares line's value at the newest: (6 W - 2 (n + 1) S) / (n (n + 1)) with S the sum and W the weighted one.
pub fn regression_value(held: &Window) -> Option<Number> {
    if !held.is_full() {
        return None;
    }
    Some(match held {
        Window::Whole(held) => {
            let n = held.period as i128;
            exact(6 * held.weighted - 2 * (n + 1) * held.sum, n * (n + 1) * held.scale)
        }
        Window::Real(held) => {
            let n = held.period as i128;
            let over = 6.0 * held.weighted_total() - 2.0 * (n + 1) as f64 * held.total();
            Number::Real(over / (n * (n + 1)) as f64)
        }
    })
}

/// The least-squares line's slope per bar: (12 W - 6 (n + 1) S) / (n (n**2 - 1)).
pub fn regression_slope(held: &Window) -> Option<Number> {
    if !held.is_full() {
        return None;
    }
    Some(match held {
        Window::Whole(held) => {
            let n = held.period as i128;
            exact(12 * held.weighted - 6 * (n + 1) * held.sum, n * (n * n - 1) * held.scale)
        }
        Window::Real(held) => {
            let n = held.period as i128;
            let over = 12.0 * held.weighted_total() - 6.0 * (n + 1) as f64 * held.total();
            Number::Real(over / (n * (n * n - 1)) as f64)
        }
    })
}

/// (x - mean) / (0.015 * mean absolute deviation), 0 where nothing deviates. Source: D. Lambert, Commodities, October 1980.
pub fn channel_index(held: &Window) -> Option<Number> {
    if !held.is_full() {
        return None;
    }
    Some(Number::Real(match held {
        Window::Whole(held) => {
            let n = held.period as i128;
            let mut deviations = 0;
            for mantissa in &held.values {
                deviations += (n * mantissa - held.sum).abs();
            }
            let over = n * (n * held.newest() - held.sum);
            if deviations == 0 { 0.0 } else { over as f64 / (0.015 * deviations as f64) }
        }
        Window::Real(held) => {
            let middle = held.total() / held.period as f64;
            let mut total = 0.0;
            for value in &held.values {
                total += if *value > middle { value - middle } else { middle - value };
            }
            let spread = total / held.period as f64;
            if spread == 0.0 { 0.0 } else { (held.newest() - middle) / (0.015 * spread) }
        }
    }))
}

/// 100 (x - x0) / x0 with x0 the oldest of the window, 0 where x0 is 0.
pub fn change_rate(held: &Window) -> Option<Number> {
    if !held.is_full() {
        return None;
    }
    Some(match held {
        Window::Whole(held) => match held.values.front().copied().unwrap_or(0) {
            0 => exact(0, 1),
            first => exact(100 * (held.newest() - first), first),
        },
        Window::Real(held) => {
            let start = held.oldest();
            Number::Real(if start == 0.0 { 0.0 } else { 100.0 * (held.newest() - start) / start })
        }
    })
}

/// The highest or lowest of the last `period` values: candidates in order, each more extreme than all after it.
#[derive(Clone, Debug)]
pub struct Extreme<T> {
    period: u64,
    highest: bool,
    count: u64,
    /// Position and value.
    candidates: VecDeque<(u64, T)>,
}

impl<T: PartialOrd + Copy> Extreme<T> {
    /// One that has seen nothing.
    pub fn new(period: i64, highest: bool) -> Self {
        Self { period: period as u64, highest, count: 0, candidates: VecDeque::with_capacity(period as usize + 1) }
    }

    /// The next value.
    pub fn push(&mut self, value: T) {
        while self.candidates.back().is_some_and(|(_, old)| if self.highest { *old <= value } else { *old >= value }) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.count, value));
        self.count += 1;
        if self.candidates.front().is_some_and(|(position, _)| position + self.period < self.count) {
            self.candidates.pop_front();
        }
    }

    /// The extreme, None until a period was seen.
    pub fn value(&self) -> Option<T> {
        let (_, value) = self.candidates.front()?;
        (self.count >= self.period).then_some(*value)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part), part: fn(T) -> Part) {
        to(Part::Whole(self.count.into()));
        to(Part::Whole(self.candidates.len() as i128));
        for (position, value) in &self.candidates {
            to(Part::Whole((*position).into()));
            to(part(*value));
        }
    }

    /// Take back what `parts` gave, of mantissas or of floats.
    pub fn restore<'a>(&mut self, parts: &mut Parts<'a>, value: fn(&mut Parts<'a>) -> Option<T>) -> Option<()> {
        self.count = parts.count(MOST_VALUES)?;
        let held = parts.count(self.period.into())?;
        take_back(&mut self.candidates, held, || Some((parts.count(MOST_VALUES)?, value(parts)?)))
    }
}
