//! Fees of the simulated venue: a rate on the value of a fill. A real venue's fees arrive in its reports.

use crate::instrument::Instrument;
use crate::units::{Money, OutOfRange, RATE_ONE, Rounding, money, mul_div_round, numbered};

/// Which side of the book a fill was on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Liquidity {
    /// It waited in the book.
    Maker = 0,
    /// It took from the book.
    Taker = 1,
}
numbered!(Liquidity { Maker, Taker });

/// The fee on a fill worth `value`, in the settlement currency; negative is a rebate. Half to even is the usual mode.
pub fn fee(instrument: &Instrument, value: Money, liquidity: Liquidity, mode: Rounding) -> Result<Money, OutOfRange> {
    let rate = if liquidity == Liquidity::Taker { instrument.taker_fee } else { instrument.maker_fee };
    money(mul_div_round(value.0, rate.0.into(), RATE_ONE.0.into(), mode)?)
}

/// The most a fill worth `value` can cost, rounded up, never below 0.
pub fn worst_fee(instrument: &Instrument, value: Money) -> Result<Money, OutOfRange> {
    let rate = instrument.taker_fee.max(instrument.maker_fee).0.max(0);
    money(mul_div_round(value.0, rate.into(), RATE_ONE.0.into(), Rounding::Ceil)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentKind;
    use crate::units::{CurrencyIndex, MONEY_MAX, Price, Quantity, Rate, VenueIndex};

    fn charging(maker_fee: i64, taker_fee: i64) -> Instrument {
        Instrument {
            name: "X".into(),
            venue: VenueIndex(0),
            kind: InstrumentKind::Spot,
            base_currency: CurrencyIndex(1),
            settlement_currency: CurrencyIndex(0),
            settlement_scale: 8,
            price_decimals: 2,
            quantity_decimals: 8,
            tick: Price(1),
            lot: Quantity(1),
            max_price: Price(1_000_000),
            max_quantity: Quantity(1_000_000),
            multiplier: RATE_ONE,
            initial_margin: RATE_ONE,
            maintenance_margin: Rate(0),
            maker_fee: Rate(maker_fee),
            taker_fee: Rate(taker_fee),
        }
    }

    #[test]
    fn each_side_of_the_book_pays_its_own_rate_and_a_rebate_is_negative() {
        let instrument = charging(-100_000, 1_000_000);
        let charged = |liquidity| fee(&instrument, Money(12_500), liquidity, Rounding::HalfEven);
        assert_eq!(charged(Liquidity::Taker), Ok(Money(12)));
        assert_eq!(charged(Liquidity::Maker), Ok(Money(-1)));
    }

    #[test]
    fn the_worst_fee_rounds_up_and_a_rebate_is_not_counted_on() {
        assert_eq!(worst_fee(&charging(500_000, 1_000_000), Money(12_001)), Ok(Money(13)));
        assert_eq!(worst_fee(&charging(-1, -2), Money(12_001)), Ok(Money(0)));
        assert_eq!(worst_fee(&charging(0, i64::MAX), Money(MONEY_MAX)), Err(OutOfRange));
    }
}
