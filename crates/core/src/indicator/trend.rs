//! Kinds that follow whole bars with f64: true range, directional movement, bands of true range, parabolic stop, on-balance volume.

use super::average::{Exponential, Wilder};
use super::number::{Input, MOST_VALUES, Number, Part, Parts, exact};
use super::windowed::rate;
use crate::event::Bar;

/// Direction of a rising trend.
pub const UP: f64 = 1.0;
/// Direction of a falling trend.
pub const DOWN: f64 = -1.0;

/// The float of a mantissa or of a difference of two.
fn scaled(mantissa: i128, scale: i128) -> f64 {
    mantissa as f64 / scale as f64
}

/// ATR: Wilder's average of max(high - low, |high - previous close|, |low - previous close|), from the second bar on.
#[derive(Clone, Debug)]
pub struct TrueRange {
    scale: i128,
    seen: bool,
    close: i64,
    average: Wilder,
}

impl TrueRange {
    /// One that has seen nothing.
    pub const fn new(period: i64, scale: i128) -> Self {
        Self { scale, seen: false, close: 0, average: Wilder::new(period) }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        if self.seen {
            self.average.push(scaled(true_range(bar, self.close), self.scale));
        }
        self.seen = true;
        self.close = bar.close.0;
    }

    /// The average.
    pub fn value(&self) -> Option<f64> {
        self.average.value()
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.seen.into()));
        to(Part::Whole(self.close.into()));
        self.average.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.seen, self.close) = (parts.flag()?, price_part(parts)?);
        self.average.restore(parts)
    }
}

/// The next part, which is a price.
pub fn price_part(parts: &mut Parts<'_>) -> Option<i64> {
    i64::try_from(parts.whole()?).ok()
}

/// The bar's range, a gap from the previous close included.
pub fn true_range(bar: &Bar, previous_close: i64) -> i128 {
    let top = if bar.high.0 > previous_close { bar.high.0 } else { previous_close };
    let bottom = if bar.low.0 < previous_close { bar.low.0 } else { previous_close };
    i128::from(top) - i128::from(bottom)
}

/// ADX with +DI and -DI.
///
/// Movements and true ranges are summed over n - 1 changes, then sum - sum / n + new; DI = 100 * movement / range; DX = 100 * |+DI - -DI|
/// / (+DI + -DI); ADX is the mean of the first n DX, then Wilder's. A bar without movement leaves ADX as it was. Source: J. W. Wilder,
/// New Concepts in Technical Trading Systems; seeding as TA-Lib has it.
#[derive(Clone, Debug)]
pub struct DirectionalMovement {
    period: i64,
    scale: i128,
    bars: i64,
    high: i64,
    low: i64,
    close: i64,
    plus: f64,
    minus: f64,
    range: f64,
    /// DX seen, up to n.
    indexes: i64,
    /// Their sum until n were seen.
    adx: f64,
}

impl DirectionalMovement {
    /// One that has seen nothing.
    pub const fn new(period: i64, scale: i128) -> Self {
        let (plus, minus, range, adx) = (0.0, 0.0, 0.0, 0.0);
        Self { period, scale, bars: 0, high: 0, low: 0, close: 0, plus, minus, range, indexes: 0, adx }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        if self.bars > 0 {
            self.move_on(bar);
        }
        self.bars += 1;
        (self.high, self.low, self.close) = (bar.high.0, bar.low.0, bar.close.0);
    }

    fn move_on(&mut self, bar: &Bar) {
        let up = i128::from(bar.high.0) - i128::from(self.high);
        let down = i128::from(self.low) - i128::from(bar.low.0);
        let plus = scaled(if up > 0 && up > down { up } else { 0 }, self.scale);
        let minus = scaled(if down > 0 && down > up { down } else { 0 }, self.scale);
        let range = scaled(true_range(bar, self.close), self.scale);
        let n = self.period as f64;
        if self.bars >= self.period {
            self.plus -= self.plus / n;
            self.minus -= self.minus / n;
            self.range -= self.range / n;
        }
        self.plus += plus;
        self.minus += minus;
        self.range += range;
        if self.bars >= self.period {
            self.index();
        }
    }

    fn index(&mut self) {
        let (plus, minus, n) = (self.indicator(self.plus), self.indicator(self.minus), self.period as f64);
        let total = plus + minus;
        let distance = if plus > minus { plus - minus } else { minus - plus };
        let index = if total == 0.0 { 0.0 } else { 100.0 * (distance / total) };
        if self.indexes >= self.period {
            if total != 0.0 {
                self.adx = (self.adx * (n - 1.0) + index) / n;
            }
            return;
        }
        self.indexes += 1;
        self.adx += index;
        if self.indexes == self.period {
            self.adx /= n;
        }
    }

    fn indicator(&self, movement: f64) -> f64 {
        if self.range == 0.0 { 0.0 } else { 100.0 * (movement / self.range) }
    }

    /// ADX, +DI or -DI.
    pub fn line(&self, place: usize) -> Option<Number> {
        if place == 0 {
            return (self.indexes >= self.period).then_some(Number::Real(self.adx));
        }
        let movement = if place == 1 { self.plus } else { self.minus };
        (self.bars > self.period).then(|| Number::Real(self.indicator(movement)))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        [self.bars, self.high, self.low, self.close].into_iter().for_each(|whole| to(Part::Whole(whole.into())));
        [self.plus, self.minus, self.range].into_iter().for_each(|real| to(Part::Real(real)));
        to(Part::Whole(self.indexes.into()));
        to(Part::Real(self.adx));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.bars = parts.count(MOST_VALUES)?;
        (self.high, self.low, self.close) = (price_part(parts)?, price_part(parts)?, price_part(parts)?);
        (self.plus, self.minus, self.range) = (parts.real()?, parts.real()?, parts.real()?);
        (self.indexes, self.adx) = (parts.count(self.period.into())?, parts.real()?);
        Some(())
    }
}

/// The exponential average of closes and bands of k ATR around it; all lines from the bar on which both are warm.
#[derive(Clone, Debug)]
pub struct Keltner {
    multiplier: i64,
    middle: Exponential,
    range: TrueRange,
}

impl Keltner {
    /// One that has seen nothing.
    pub const fn new(period: i64, atr_period: i64, multiplier: i64, scale: i128) -> Self {
        Self { multiplier, middle: Exponential::new(period, scale), range: TrueRange::new(atr_period, scale) }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        self.middle.push(Input::Whole(bar.close.0.into()));
        self.range.push_bar(bar);
    }

    /// The middle, upper or lower band.
    pub fn line(&self, place: usize) -> Option<Number> {
        let (middle, range) = (self.middle.value()?, self.range.value()?);
        let width = rate(self.multiplier) * range;
        Some(Number::Real(match place {
            0 => middle,
            1 => middle + width,
            _ => middle - width,
        }))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.middle.parts(to);
        self.range.parts(to);
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.middle.restore(parts)?;
        self.range.restore(parts)
    }
}

/// Bands of k ATR around (high + low) / 2.
///
/// A band only tightens until the previous close was beyond it; the trend turns when the close crosses the band it follows, and follows
/// the other one. It starts down, at the upper band.
#[derive(Clone, Debug)]
pub struct SuperTrend {
    multiplier: i64,
    scale: i128,
    range: TrueRange,
    close: f64,
    upper: f64,
    lower: f64,
    /// 0 until the range is warm.
    direction: f64,
}

impl SuperTrend {
    /// One that has seen nothing.
    pub const fn new(period: i64, multiplier: i64, scale: i128) -> Self {
        let range = TrueRange::new(period, scale);
        Self { multiplier, scale, range, close: 0.0, upper: 0.0, lower: 0.0, direction: 0.0 }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        self.range.push_bar(bar);
        let close = scaled(bar.close.0.into(), self.scale);
        if let Some(range) = self.range.value() {
            let middle = scaled(i128::from(bar.high.0) + i128::from(bar.low.0), 2 * self.scale);
            self.follow(middle, rate(self.multiplier) * range, close);
        }
        self.close = close;
    }

    fn follow(&mut self, middle: f64, width: f64, close: f64) {
        let (upper, lower) = (middle + width, middle - width);
        if self.direction == 0.0 {
            (self.upper, self.lower, self.direction) = (upper, lower, DOWN);
            return;
        }
        if upper < self.upper || self.close > self.upper {
            self.upper = upper;
        }
        if lower > self.lower || self.close < self.lower {
            self.lower = lower;
        }
        self.direction = if self.direction == DOWN {
            if close > self.upper { UP } else { DOWN }
        } else if close < self.lower {
            DOWN
        } else {
            UP
        };
    }

    /// The band that is followed, or the direction: 1 up, -1 down.
    pub fn line(&self, place: usize) -> Option<Number> {
        let followed = if self.direction == UP { self.lower } else { self.upper };
        (self.direction != 0.0).then_some(Number::Real(if place == 1 { self.direction } else { followed }))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        self.range.parts(to);
        [self.close, self.upper, self.lower, self.direction].into_iter().for_each(|real| to(Part::Real(real)));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.range.restore(parts)?;
        for real in [&mut self.close, &mut self.upper, &mut self.lower, &mut self.direction] {
            *real = parts.real()?;
        }
        Some(())
    }
}

/// SAR: stop + factor * (extreme - stop), kept outside the last two bars; a touch turns it, to the old extreme.
///
/// The factor grows by `step` with each new extreme, to `maximum`. The first direction is down where the second bar moved down more than
/// up, else up. Source: J. W. Wilder, New Concepts in Technical Trading Systems; seeding as TA-Lib has it.
#[derive(Clone, Debug)]
pub struct ParabolicStop {
    step: i64,
    maximum: i64,
    scale: i128,
    bars: i64,
    high: f64,
    /// Of the bar before.
    low: f64,
    direction: f64,
    /// The stop of the next bar.
    stop: f64,
    extreme: f64,
    factor: f64,
    /// The stop of this bar.
    value: f64,
}

impl ParabolicStop {
    /// One that has seen nothing.
    pub const fn new(step: i64, maximum: i64, scale: i128) -> Self {
        let (high, low, stop, extreme, factor, value) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        Self { step, maximum, scale, bars: 0, high, low, direction: UP, stop, extreme, factor, value }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        let (high, low) = (scaled(bar.high.0.into(), self.scale), scaled(bar.low.0.into(), self.scale));
        if self.bars == 1 {
            self.start(high, low);
        }
        if self.bars > 0 {
            self.follow(high, low);
        }
        self.bars += 1;
        (self.high, self.low) = (high, low);
    }

    fn start(&mut self, high: f64, low: f64) {
        let (up, down) = (high - self.high, self.low - low);
        self.direction = if down > 0.0 && down > up { DOWN } else { UP };
        (self.stop, self.extreme) = if self.is_up() { (self.low, high) } else { (self.high, low) };
        self.factor = self.first_factor();
        // On the first bar that has a stop the bar before is itself.
        (self.high, self.low) = (high, low);
    }

    fn follow(&mut self, high: f64, low: f64) {
        let is_touched = if self.is_up() { low <= self.stop } else { high >= self.stop };
        if is_touched {
            self.turn(high, low);
            return;
        }
        self.value = self.stop;
        let is_further = if self.is_up() { high > self.extreme } else { low < self.extreme };
        if is_further {
            self.extreme = if self.is_up() { high } else { low };
            self.factor += rate(self.step);
            if self.factor > rate(self.maximum) {
                self.factor = rate(self.maximum);
            }
        }
        self.stop = self.kept_outside(self.stop + self.factor * (self.extreme - self.stop), high, low);
    }

    fn turn(&mut self, high: f64, low: f64) {
        self.direction = if self.is_up() { DOWN } else { UP };
        self.value = self.kept_outside(self.extreme, high, low);
        self.extreme = if self.is_up() { high } else { low };
        self.factor = self.first_factor();
        self.stop = self.kept_outside(self.value + self.factor * (self.extreme - self.value), high, low);
    }

    /// At or below both lows while up, at or above both highs while down.
    fn kept_outside(&self, stop: f64, high: f64, low: f64) -> f64 {
        if self.is_up() {
            let stop = if stop > self.low { self.low } else { stop };
            return if stop > low { low } else { stop };
        }
        let stop = if stop < self.high { self.high } else { stop };
        if stop < high { high } else { stop }
    }

    fn is_up(&self) -> bool {
        self.direction == UP
    }

    fn first_factor(&self) -> f64 {
        rate(if self.step < self.maximum { self.step } else { self.maximum })
    }

    /// The stop, or the direction: 1 up, -1 down.
    pub fn line(&self, place: usize) -> Option<Number> {
        (self.bars >= 2).then_some(Number::Real(if place == 0 { self.value } else { self.direction }))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        to(Part::Whole(self.bars.into()));
        let reals = [self.high, self.low, self.direction, self.stop, self.extreme, self.factor, self.value];
        reals.into_iter().for_each(|real| to(Part::Real(real)));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        self.bars = parts.count(MOST_VALUES)?;
        let Self { high, low, direction, stop, extreme, factor, value, .. } = self;
        for real in [high, low, direction, stop, extreme, factor, value] {
            *real = parts.real()?;
        }
        Some(())
    }
}

/// OBV: the first bar's volume; then volume is added when the close rose and taken away when it fell. Source: J. Granville.
#[derive(Clone, Debug)]
pub struct BalanceVolume {
    /// Of volume.
    scale: i128,
    seen: bool,
    close: i64,
    total: i128,
}

impl BalanceVolume {
    /// One that has seen nothing.
    pub const fn new(scale: i128) -> Self {
        Self { scale, seen: false, close: 0, total: 0 }
    }

    /// The next bar.
    pub fn push_bar(&mut self, bar: &Bar) {
        if !self.seen || bar.close.0 > self.close {
            self.total += i128::from(bar.volume);
        } else if bar.close.0 < self.close {
            self.total -= i128::from(bar.volume);
        }
        self.seen = true;
        self.close = bar.close.0;
    }

    /// The total.
    pub fn line(&self) -> Option<Number> {
        self.seen.then(|| exact(self.total, self.scale))
    }

    /// What it holds, for the leaf.
    pub fn parts(&self, to: &mut dyn FnMut(Part)) {
        [self.seen.into(), self.close.into(), self.total].into_iter().for_each(|whole| to(Part::Whole(whole)));
    }

    /// Take back what `parts` gave.
    pub fn restore(&mut self, parts: &mut Parts<'_>) -> Option<()> {
        (self.seen, self.close, self.total) = (parts.flag()?, price_part(parts)?, parts.whole()?);
        Some(())
    }
}
