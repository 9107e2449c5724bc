//! Averages with a memory of one number: exponential, Wilder's, and what is made of them (MACD, RSI).
//!
//! An input is a mantissa, which has a scale, or a float; recursive kinds read it as a float.

use super::number::{Input, MOST_VALUES, Number, Part, Parts};

/// Seeded with the mean of the first n values, then previous + 2 / (n + 1) * (x - previous).
#[derive(Clone, Debug)]
pub struct Exponential {
    period: i64,
    scale: i128,
    count: i64,
    /// Sum of the mantissas that seed it.
    whole: i128,
    /// Sum of the floats that seed it.
    sum: f64,
    average: f64,
}

impl Exponential {
    /// One that has seen nothing.
    pub const fn new(period: i64, scale: i128) -> Self {
        Self { period, scale, count: 0, whole: 0, sum: 0.0, average: 0.0 }
    }

    /// The next value.
    pub fn push(&mut self, input: Input) {
        self.count += 1;
        if self.count > self.period {
            let x = input.real(self.scale);
            self.average = self.average + 2.0 / (self.period as f64 + 1.0) * (x - self.average);
            return;
        }
        match input {
            Input::Whole(mantissa) => self.whole += mantissa,
            Input::Real(value) => self.sum += value,
        }
        if self.count == self.period {
            self.average = match input {
                Input::Whole(_) => self.whole as f64 / (i128::from(self.period) * self.scale) as f64,
                Input::Real(_) => self.sum / self.period as f64,
            };
        }
    }

    /// The average, None until it was seeded.
    pub fn value(&self) -> Option<f64> {
        (self.count >= self.period).then_some(self.average)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.count.into()));
        to(Part::Whole(self.whole));
        to(Part::Real(self.sum));
        to(Part::Real(self.average));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.count, self.whole) = (parts.count(MOST_VALUES)?, parts.whole()?);
        (self.sum, self.average) = (parts.real()?, parts.real()?);
        Some(())
    }
}

/// Mean of the first n values, then (previous * (n - 1) + x) / n. Source: J. W. Wilder, New Concepts in Technical Trading Systems.
#[derive(Clone, Debug)]
pub struct Wilder {
    period: i64,
    count: i64,
    /// The sum until n values were seen.
    average: f64,
}

impl Wilder {
    /// One that has seen nothing.
    pub const fn new(period: i64) -> Self {
        Self { period, count: 0, average: 0.0 }
    }

    /// The next value.
    pub fn push(&mut self, value: f64) {
        if self.count >= self.period {
            self.average = (self.average * (self.period - 1) as f64 + value) / self.period as f64;
            return;
        }
        self.count += 1;
        self.average += value;
        if self.count == self.period {
            self.average /= self.period as f64;
        }
    }

    /// The average, None until it was seeded.
    pub fn value(&self) -> Option<f64> {
        (self.count >= self.period).then_some(self.average)
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.count.into()));
        to(Part::Real(self.average));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.count, self.average) = (parts.count(self.period.into())?, parts.real()?);
        Some(())
    }
}

/// RSI: 100 * up / (up + down) of Wilder's averages of gains and losses, 0 where nothing moved.
#[derive(Clone, Debug)]
pub struct StrengthIndex {
    scale: i128,
    seen: bool,
    previous: f64,
    up: Wilder,
    down: Wilder,
}

impl StrengthIndex {
    /// One that has seen nothing.
    pub const fn new(period: i64, scale: i128) -> Self {
        Self { scale, seen: false, previous: 0.0, up: Wilder::new(period), down: Wilder::new(period) }
    }

    /// The next value.
    pub fn push(&mut self, input: Input) {
        let x = input.real(self.scale);
        if self.seen {
            let change = x - self.previous;
            self.up.push(if change > 0.0 { change } else { 0.0 });
            self.down.push(if change < 0.0 { -change } else { 0.0 });
        }
        self.seen = true;
        self.previous = x;
    }

    /// The index, 0 to 100.
    pub fn line(&self) -> Option<Number> {
        let (up, down) = (self.up.value()?, self.down.value()?);
        let total = up + down;
        Some(Number::Real(if total == 0.0 { 0.0 } else { 100.0 * (up / total) }))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.seen.into()));
        to(Part::Real(self.previous));
        self.up.parts(to);
        self.down.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.seen, self.previous) = (parts.flag()?, parts.real()?);
        self.up.restore(parts)?;
        self.down.restore(parts)
    }
}

/// MACD: the fast average less the slow one, and an average of that.
///
/// The fast one is seeded by the values just before the slow one's first, so that both start at one bar (as TA-Lib has it). Source:
/// G. Appel, Technical Analysis: Power Tools for Active Investors.
#[derive(Clone, Debug)]
pub struct Convergence {
    fast: Exponential,
    slow: Exponential,
    signal: Exponential,
}

impl Convergence {
    /// One that has seen nothing.
    pub const fn new(fast: i64, slow: i64, signal: i64, scale: i128) -> Self {
        let (fast, slow) = (Exponential::new(fast, scale), Exponential::new(slow, scale));
        Self { fast, slow, signal: Exponential::new(signal, 0) }
    }

    /// The next value.
    pub fn push(&mut self, input: Input) {
        self.slow.push(input);
        if self.slow.count > self.slow.period - self.fast.period {
            self.fast.push(input);
        }
        if self.slow.value().is_some() {
            self.signal.push(Input::Real(self.fast.average - self.slow.average));
        }
    }

    /// The line, its signal, or the line less its signal.
    pub fn line(&self, place: usize) -> Option<Number> {
        let difference = self.fast.average - self.slow.average;
        self.slow.value()?;
        Some(Number::Real(match place {
            0 => difference,
            1 => self.signal.value()?,
            _ => difference - self.signal.value()?,
        }))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.fast.parts(to);
        self.slow.parts(to);
        self.signal.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.fast.restore(parts)?;
        self.slow.restore(parts)?;
        self.signal.restore(parts)
    }
}
