//! What amounts and positions are worth: in another currency, at a mark, and the margin they need.
//!
//! `marks` gives the last mark of an instrument, none before the first: the engine's, or the simulated venue's own.

use crate::account::{Exposure, exposed_value, margin};
use crate::config::{Config, Conversion};
use crate::instrument::{Instrument, contract_value, half_even, value_fraction};
use crate::portfolio::Position;
use crate::units::{
    CurrencyIndex, InstrumentIndex, Money, NULL_INSTRUMENT, OutOfRange, Price, Quantity, Rate, Rounding, money,
    mul_div_round, power_of_ten,
};

/// Decimals of a rate.
pub const RATE_DECIMALS: u8 = 9;

/// The amount in base currency at the last mark or constant rate of its conversion, half to even. None without a rate; `OutOfRange`
/// when it does not fit.
pub fn to_base(
    config: &Config,
    marks: impl Fn(InstrumentIndex) -> Option<Price>,
    amount: Money,
    currency: CurrencyIndex,
) -> Result<Option<Money>, OutOfRange> {
    if currency == config.base_currency || amount.0 == 0 {
        return Ok(Some(amount));
    }
    for conversion in config.conversions.iter().filter(|conversion| conversion.currency == currency) {
        if conversion.instrument == NULL_INSTRUMENT {
            return multiplied(config, amount, currency, conversion.rate.0, RATE_DECIMALS).map(Some);
        }
        if let Some(mark) = marks(conversion.instrument) {
            return at_mark(config, conversion, amount, mark).map(Some);
        }
    }
    Ok(None)
}

/// By the instrument's mark: it multiplies what its price is of and divides what its price is in.
fn at_mark(config: &Config, conversion: &Conversion, amount: Money, mark: Price) -> Result<Money, OutOfRange> {
    let instrument = &config.instruments[conversion.instrument.at()];
    if instrument.base_currency == conversion.currency {
        return multiplied(config, amount, conversion.currency, mark.0, instrument.price_decimals);
    }
    let wanted = config.currencies[config.base_currency.at()].scale + instrument.price_decimals;
    let scale = config.currencies[conversion.currency.at()].scale;
    let up = power_of_ten(wanted.saturating_sub(scale));
    let down = power_of_ten(scale.saturating_sub(wanted));
    money(mul_div_round(amount.0, up, i128::from(mark.0) * down, Rounding::HalfEven)?)
}

fn multiplied(
    config: &Config,
    amount: Money,
    currency: CurrencyIndex,
    rate: i64,
    decimals: u8,
) -> Result<Money, OutOfRange> {
    let scale = config.currencies[currency.at()].scale + decimals;
    let wanted = config.currencies[config.base_currency.at()].scale;
    let up = power_of_ten(wanted.saturating_sub(scale));
    let down = power_of_ten(scale.saturating_sub(wanted));
    money(mul_div_round(amount.0, i128::from(rate) * up, down, Rounding::HalfEven)?)
}

/// The value of a position at `price`, signed like its cost: below 0 for a short, and for a long of an inverse.
pub fn signed_value(instrument: &Instrument, position: &Position, price: Price) -> Result<Money, OutOfRange> {
    let held = position.quantity.0;
    // A quantity is never the null, so its magnitude fits.
    let value = instrument.value_sign() * contract_value(instrument, price, Quantity(held.abs()))?.0;
    Ok(Money(if held >= 0 { value } else { -value }))
}

/// What a position adds to equity at `mark`: its value where cash was paid for it, else its unrealised profit.
pub fn position_value(instrument: &Instrument, position: &Position, mark: Price) -> Result<Money, OutOfRange> {
    let value = signed_value(instrument, position, mark)?;
    Ok(if instrument.is_spot() { value } else { Money(value.0 - position.cost.0) })
}

/// A position made ready to be valued at many marks, in machine words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Valued {
    factor: i64,
    divisor: i64,
    is_negative: bool,
    /// What is taken off its value.
    cost: i64,
}

impl Valued {
    /// None where it is worth something in another currency than the base, or takes larger numbers.
    #[must_use]
    pub fn new(config: &Config, index: InstrumentIndex, position: &Position) -> Option<Self> {
        let instrument = &config.instruments[index.at()];
        if instrument.settlement_currency != config.base_currency {
            return None;
        }
        let held = position.quantity.0;
        let (factor, divisor) = value_fraction(instrument, Quantity(held.abs()))?;
        let cost = if instrument.is_spot() { 0 } else { i64::try_from(position.cost.0).ok()? };
        Some(Self { factor, divisor, is_negative: held < 0, cost })
    }

    /// What `position_value` is at the mark; None where that takes larger numbers.
    #[inline]
    #[must_use]
    pub fn at(&self, mark: Price) -> Option<i64> {
        let value = half_even(mark.0.checked_mul(self.factor)?, self.divisor);
        (if self.is_negative { -value } else { value }).checked_sub(self.cost)
    }
}

/// What a position adds to equity in base currency; None without a mark or rate.
pub fn worth(
    config: &Config,
    marks: impl Fn(InstrumentIndex) -> Option<Price>,
    index: InstrumentIndex,
    position: &Position,
) -> Result<Option<Money>, OutOfRange> {
    let Some(mark) = marks(index) else { return Ok(None) };
    let instrument = &config.instruments[index.at()];
    to_base(config, marks, position_value(instrument, position, mark)?, instrument.settlement_currency)
}

/// Margin of `rate` on an exposure in base currency, 0 for none; None without a mark or rate.
pub fn margin_on(
    config: &Config,
    marks: impl Fn(InstrumentIndex) -> Option<Price>,
    index: InstrumentIndex,
    exposed: Exposure,
    rate: Rate,
) -> Result<Option<Money>, OutOfRange> {
    if exposed.worst() == 0 || rate.0 == 0 {
        return Ok(Some(Money(0)));
    }
    let Some(mark) = marks(index) else { return Ok(None) };
    let instrument = &config.instruments[index.at()];
    let needed = margin(exposed_value(instrument, mark, exposed)?, rate)?;
    to_base(config, marks, needed, instrument.settlement_currency)
}
