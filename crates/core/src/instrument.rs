//! Currencies and instruments: what is traded, in which steps, and what a quantity at a price is worth.
//!
//! Orders, fees and margins are elsewhere; an instrument is a frozen declaration.

use crate::units::{
    CurrencyIndex, I64_MAX, Money, OutOfRange, Price, Quantity, RATE_ONE, Rate, Rounding, VenueIndex, money,
    mul_div_round, numbered, power_of_ten, word_of_ten,
};

/// Decimals of a rate.
const RATE_DECIMALS: u8 = 9;
/// Most decimals that anything may have.
pub const MAX_DECIMALS: u8 = 12;

/// How cash moves and what a contract is worth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum InstrumentKind {
    /// A fill moves cash by its value.
    Spot = 0,
    /// A derivative worth price * quantity.
    Linear = 1,
    /// A derivative worth quantity / price.
    Inverse = 2,
    /// A derivative that settles in another currency.
    Quanto = 3,
    /// Pays 1 or 0 of its settlement currency a contract: linear, its price at most 1, collateralised in full on either side.
    Outcome = 4,
}
numbered!(InstrumentKind { Spot, Linear, Inverse, Quanto, Outcome });

/// A unit of account; `scale` is the number of decimals of its money mantissas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Currency {
    /// As it is shown.
    pub name: String,
    /// Decimals of its amounts.
    pub scale: u8,
}

/// A declared instrument. Prices and quantities are mantissas; currencies and the venue are indexes of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instrument {
    /// As it is shown.
    pub name: String,
    /// Where it trades.
    pub venue: VenueIndex,
    /// How cash moves.
    pub kind: InstrumentKind,
    /// What a spot quantity is of; equal to `settlement_currency` where it means nothing.
    pub base_currency: CurrencyIndex,
    /// What profits and fees are in.
    pub settlement_currency: CurrencyIndex,
    /// Decimals of that currency.
    pub settlement_scale: u8,
    /// Decimals of its prices.
    pub price_decimals: u8,
    /// Decimals of its quantities.
    pub quantity_decimals: u8,
    /// Step of its prices.
    pub tick: Price,
    /// Step of its quantities.
    pub lot: Quantity,
    /// Largest price.
    pub max_price: Price,
    /// Largest quantity of an order.
    pub max_quantity: Quantity,
    /// Contract size as a rate; for quanto in units of the settlement currency.
    pub multiplier: Rate,
    /// Share of an exposure's value that equity must cover before it may grow.
    pub initial_margin: Rate,
    /// Share of a position's value below which equity forbids all new risk; 0 sets no such bound.
    pub maintenance_margin: Rate,
    /// Fee for waiting in the book.
    pub maker_fee: Rate,
    /// Fee for taking from the book.
    pub taker_fee: Rate,
}

impl Instrument {
    /// Whether a fill moves cash by its value; derivatives move cost only.
    #[must_use]
    pub fn is_spot(&self) -> bool {
        self.kind == InstrumentKind::Spot
    }

    /// -1 where a rising price lowers the value of a contract in its settlement currency (inverse), else 1.
    #[must_use]
    pub fn value_sign(&self) -> i128 {
        if self.kind == InstrumentKind::Inverse { -1 } else { 1 }
    }
}

/// Why the declaration is invalid, or none. A valid one's largest value fits money, with its decimals as divisors that fit i128.
#[must_use]
pub fn problem(instrument: &Instrument) -> Option<String> {
    let decimals = [
        ("price", instrument.price_decimals),
        ("quantity", instrument.quantity_decimals),
        ("settlement", instrument.settlement_scale),
    ];
    for (name, decimals) in decimals {
        if decimals > MAX_DECIMALS {
            return Some(format!("{name} decimals {decimals} are outside 0..{MAX_DECIMALS}"));
        }
    }
    let ranges = [
        ("tick", instrument.tick.0, instrument.max_price.0),
        ("lot", instrument.lot.0, instrument.max_quantity.0),
        ("max_price", instrument.max_price.0, I64_MAX),
        ("max_quantity", instrument.max_quantity.0, I64_MAX),
        ("multiplier", instrument.multiplier.0, I64_MAX),
    ];
    for (name, value, most) in ranges {
        if value < 1 || value > most {
            return Some(format!("{name} {value} is outside 1..{most}"));
        }
    }
    if instrument.initial_margin.0 < 0 {
        return Some(format!("initial_margin {} is below 0", instrument.initial_margin.0));
    }
    let (initial, maintenance) = (instrument.initial_margin.0, instrument.maintenance_margin.0);
    if maintenance < 0 || maintenance > initial {
        return Some(format!("maintenance_margin {maintenance} is outside 0..{initial}"));
    }
    if instrument.kind == InstrumentKind::Outcome {
        return outcome_problem(instrument);
    }
    let (_, down) = exponents(instrument);
    let divisor = i128::from(instrument.max_price.0).checked_mul(power_of_ten(down));
    if instrument.kind == InstrumentKind::Inverse && divisor.is_none() {
        return Some(format!("max_price {} does not fit with these decimals", instrument.max_price.0));
    }
    None
}

fn outcome_problem(instrument: &Instrument) -> Option<String> {
    let one = power_of_ten(instrument.price_decimals);
    let (max_price, tick) = (instrument.max_price.0, instrument.tick.0);
    if i128::from(max_price) != one {
        return Some(format!("max_price {max_price} of an outcome is not {one}, the price 1"));
    }
    if one % i128::from(tick) != 0 {
        return Some(format!("tick {tick} does not divide {one}, the price 1"));
    }
    if instrument.initial_margin != RATE_ONE {
        let (margin, one) = (instrument.initial_margin.0, RATE_ONE.0);
        return Some(format!("initial_margin {margin} of an outcome is not {one}: it is collateralised in full"));
    }
    None
}

/// Whether a settlement can be at the price: an outcome at 0 or 1, an inverse above 0, every other from 0 to its largest price.
#[must_use]
pub fn may_settle_at(instrument: &Instrument, price: Price) -> bool {
    match instrument.kind {
        InstrumentKind::Outcome => price.0 == 0 || price == instrument.max_price,
        InstrumentKind::Inverse => price.0 >= 1 && price <= instrument.max_price,
        _ => price.0 >= 0 && price <= instrument.max_price,
    }
}

/// Magnitude of `quantity` at `price` in the settlement currency, rounded once, half to even. Both are at or above 0.
///
/// linear, spot, quanto, outcome: p * q * m; inverse: q * m / p. `OutOfRange` when it does not fit money, or for an inverse at price 0.
#[inline]
pub fn contract_value(instrument: &Instrument, price: Price, quantity: Quantity) -> Result<Money, OutOfRange> {
    if let Some((factor, divisor)) = value_fraction(instrument, quantity)
        && let Some(numerator) = price.0.checked_mul(factor)
    {
        return Ok(Money(half_even(numerator, divisor).into()));
    }
    wide_value(instrument, price, quantity)
}

/// Where numbers may be too large for machine words.
fn wide_value(instrument: &Instrument, price: Price, quantity: Quantity) -> Result<Money, OutOfRange> {
    let (up, down) = exponents(instrument);
    let (multiplier, up, down) = (i128::from(instrument.multiplier.0), power_of_ten(up), power_of_ten(down));
    let (price, quantity) = (i128::from(price.0), i128::from(quantity.0));
    if instrument.kind != InstrumentKind::Inverse {
        let mode = if planted!(1) { Rounding::Trunc } else { Rounding::HalfEven };
        return money(mul_div_round(price * quantity, multiplier * up, down, mode)?);
    }
    if price == 0 {
        return Err(OutOfRange);
    }
    match price.checked_mul(down) {
        Some(divisor) => money(mul_div_round(quantity * multiplier, up, divisor, Rounding::HalfEven)?),
        // The divisor is above 2^127 and the dividend at most 2^126 (where `down` is not 1, `up` is): less than a half.
        None => Ok(Money(0)),
    }
}

/// What a price is multiplied and divided by for the value of a quantity, where machine words hold them: of all but inverses.
#[must_use]
pub fn value_fraction(instrument: &Instrument, quantity: Quantity) -> Option<(i64, i64)> {
    let (up, down) = exponents(instrument);
    let is_plain = instrument.kind != InstrumentKind::Inverse && up == 0 && !planted!(1);
    let (multiplier, down) = match down.checked_sub(RATE_DECIMALS) {
        Some(down) if instrument.multiplier == RATE_ONE => (1, down),
        _ => (instrument.multiplier.0, down),
    };
    let factor = quantity.0.checked_mul(multiplier).filter(|_| is_plain)?;
    Some((factor, word_of_ten(down)?))
}

/// numerator / denominator, both at or above 0, to the nearest, half to even.
#[inline]
#[must_use]
pub const fn half_even(numerator: i64, denominator: i64) -> i64 {
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    let rest = denominator - remainder;
    if remainder > rest || (remainder == rest && quotient & 1 == 1) { quotient + 1 } else { quotient }
}

/// Powers of ten that a value is multiplied and divided by; one of them is 0.
#[inline]
fn exponents(instrument: &Instrument) -> (u8, u8) {
    let prices = i16::from(instrument.price_decimals);
    let prices = if instrument.kind == InstrumentKind::Inverse { prices } else { -prices };
    let net = i16::from(instrument.settlement_scale) + prices - i16::from(instrument.quantity_decimals) - 9;
    (net.max(0) as u8, (-net).max(0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices of 2 decimals, quantities of 3, money of 8.
    fn declared(kind: InstrumentKind) -> Instrument {
        Instrument {
            name: "X".into(),
            venue: VenueIndex(0),
            kind,
            base_currency: CurrencyIndex(1),
            settlement_currency: CurrencyIndex(0),
            settlement_scale: 8,
            price_decimals: 2,
            quantity_decimals: 3,
            tick: Price(1),
            lot: Quantity(1),
            max_price: Price(1_000_000_000),
            max_quantity: Quantity(1_000_000_000),
            multiplier: Rate(1_000_000_000),
            initial_margin: Rate(1_000_000_000),
            maintenance_margin: Rate(0),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
        }
    }

    #[test]
    fn spot_and_linear_are_worth_price_times_quantity() {
        let value = contract_value(&declared(InstrumentKind::Spot), Price(12_345), Quantity(1_500));
        assert_eq!(value, Ok(Money(18_517_500_000)));
        assert_eq!(value, contract_value(&declared(InstrumentKind::Linear), Price(12_345), Quantity(1_500)));
    }

    #[test]
    fn an_inverse_contract_is_worth_quantity_over_price_and_has_no_value_at_zero() {
        let inverse = declared(InstrumentKind::Inverse);
        assert_eq!(contract_value(&inverse, Price(3_000_000), Quantity(100_000)), Ok(Money(333_333)));
        assert_eq!(contract_value(&inverse, Price(0), Quantity(1)), Err(OutOfRange));
        assert_eq!((inverse.value_sign(), inverse.is_spot()), (-1, false));
    }

    #[test]
    fn an_outcome_settles_at_nothing_or_one_and_an_inverse_above_nothing() {
        let may = |kind, price| may_settle_at(&declared(kind), Price(price));
        let most = 1_000_000_000;
        assert_eq!([0, 1, most].map(|price| may(InstrumentKind::Outcome, price)), [true, false, true]);
        assert_eq!([0, 1, most].map(|price| may(InstrumentKind::Inverse, price)), [false, true, true]);
        assert_eq!([-1, 0, most, most + 1].map(|price| may(InstrumentKind::Linear, price)), [false, true, true, false]);
    }

    #[test]
    fn the_value_is_rounded_once_half_to_even() {
        let mut coarse = declared(InstrumentKind::Linear);
        coarse.settlement_scale = 0;
        assert_eq!(contract_value(&coarse, Price(50), Quantity(1_000)), Ok(Money(0)));
        assert_eq!(contract_value(&coarse, Price(150), Quantity(1_000)), Ok(Money(2)));
        assert_eq!(contract_value(&coarse, Price(151), Quantity(1_000)), Ok(Money(2)));
    }

    #[test]
    fn the_largest_price_and_quantity_are_valued_or_refused_but_never_overflow() {
        for kind in InstrumentKind::ALL {
            for scales in 0..8_u8 {
                let mut extreme = declared(*kind);
                extreme.settlement_scale = 12 * (scales & 1);
                extreme.price_decimals = 12 * (scales >> 1 & 1);
                extreme.quantity_decimals = 12 * (scales >> 2 & 1);
                extreme.multiplier = Rate(i64::MAX);
                for (price, quantity) in [(i64::MAX, i64::MAX), (1, i64::MAX), (i64::MAX, 1), (0, 0)] {
                    let value = contract_value(&extreme, Price(price), Quantity(quantity));
                    assert!(value.is_err() || value.is_ok_and(|value| value.0 >= 0));
                }
            }
        }
    }

    #[test]
    fn a_declaration_that_cannot_hold_its_numbers_says_why() {
        assert_eq!(problem(&declared(InstrumentKind::Spot)), None);
        let wrong = |change: fn(&mut Instrument)| {
            let mut instrument = declared(InstrumentKind::Inverse);
            change(&mut instrument);
            problem(&instrument).unwrap_or_default()
        };
        assert_eq!(wrong(|i| i.price_decimals = 13), "price decimals 13 are outside 0..12");
        assert_eq!(wrong(|i| i.tick = Price(0)), "tick 0 is outside 1..1000000000");
        assert_eq!(wrong(|i| i.lot = Quantity(1_000_000_001)), "lot 1000000001 is outside 1..1000000000");
        assert_eq!(wrong(|i| i.initial_margin = Rate(-1)), "initial_margin -1 is below 0");
        let above = wrong(|i| i.maintenance_margin = Rate(1_000_000_001));
        assert_eq!(above, "maintenance_margin 1000000001 is outside 0..1000000000");
        let outcome = |change: fn(&mut Instrument)| {
            let mut instrument = declared(InstrumentKind::Outcome);
            instrument.max_price = Price(100);
            change(&mut instrument);
            problem(&instrument).unwrap_or_default()
        };
        assert_eq!(outcome(|_| ()), "");
        assert_eq!(outcome(|i| i.max_price = Price(101)), "max_price 101 of an outcome is not 100, the price 1");
        assert_eq!(outcome(|i| i.tick = Price(3)), "tick 3 does not divide 100, the price 1");
        let lent = outcome(|i| i.initial_margin = Rate(5));
        assert_eq!(lent, "initial_margin 5 of an outcome is not 1000000000: it is collateralised in full");
        let too_wide = wrong(|i| {
            i.max_price = Price(i64::MAX);
            i.quantity_decimals = 12;
            i.settlement_scale = 0;
            i.price_decimals = 0;
        });
        assert_eq!(too_wide, "max_price 9223372036854775807 does not fit with these decimals");
    }
}
