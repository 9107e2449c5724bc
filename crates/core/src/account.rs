//! Accounts: what is held in each currency and why, and when a cash or margin account can afford something.
//!
//! Positions are `portfolio`; which orders reserve what is `state`.

use crate::instrument::{Instrument, InstrumentKind, contract_value};
use crate::units::{
    CurrencyIndex, Money, OutOfRange, Price, Quantity, RATE_ONE, Rate, Rounding, VenueIndex, money, mul_div_round,
    numbered, quantity,
};

/// Cash accounts reserve the worst case and cannot short; margin accounts hold equity against initial margin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum AccountKind {
    /// Pays for everything it buys.
    Cash = 0,
    /// Covers its exposure with its equity.
    Margin = 1,
}
numbered!(AccountKind { Cash, Margin });

/// An opening balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deposit {
    /// In which currency.
    pub currency: CurrencyIndex,
    /// How much.
    pub amount: Money,
}

/// A declared account; each venue has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// As it is shown.
    pub name: String,
    /// Where it is.
    pub venue: VenueIndex,
    /// What it may do.
    pub kind: AccountKind,
    /// What it starts with.
    pub deposits: Vec<Deposit>,
}

/// What an account holds in one currency, and the sums of its causes.
///
/// Conservation: cash + fees + spot_cost - realized = transfers + funding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// What it holds.
    pub cash: Money,
    /// Fees paid.
    pub fees: Money,
    /// Open cost of the spot positions that settle in this currency.
    pub spot_cost: Money,
    /// Profit of what was closed, before fees.
    pub realized: Money,
    /// Deposits less withdrawals; a transferred asset counts at its cost.
    pub transfers: Money,
    /// Funding and interest received.
    pub funding: Money,
}

impl Ledger {
    /// 0 when conserved.
    #[must_use]
    pub const fn imbalance(&self) -> Money {
        Money(self.cash.0 + self.fees.0 + self.spot_cost.0 - self.realized.0 - self.transfers.0 - self.funding.0)
    }
}

/// Nothing held, ever.
pub const EMPTY: Ledger = Ledger {
    cash: Money(0),
    fees: Money(0),
    spot_cost: Money(0),
    realized: Money(0),
    transfers: Money(0),
    funding: Money(0),
};

/// The ledger, when every amount in it fits; else `OutOfRange`.
pub fn checked(ledger: Ledger) -> Result<Ledger, OutOfRange> {
    let Ledger { cash, fees, spot_cost, realized, transfers, funding } = ledger;
    for amount in [cash, fees, spot_cost, realized, transfers, funding] {
        money(amount.0)?;
    }
    Ok(ledger)
}

/// The ledger after a change of a position by `realized` profit and `cost` of what is open, and a fee (below 0: returned). Spot pays
/// for what is open, derivatives only settle what is realised. `OutOfRange` when an amount does not fit.
pub fn book(ledger: &Ledger, spot: bool, realized: Money, cost: Money, fee: Money) -> Result<Ledger, OutOfRange> {
    let paid = if spot { cost.0 } else { 0 };
    checked(Ledger {
        cash: Money(ledger.cash.0 + realized.0 - paid - fee.0),
        fees: Money(ledger.fees.0 + fee.0),
        spot_cost: Money(ledger.spot_cost.0 + paid),
        realized: Money(ledger.realized.0 + realized.0),
        ..*ledger
    })
}

/// The ledger after funding or interest, received above 0. `OutOfRange` when an amount does not fit.
pub fn receive(ledger: &Ledger, amount: Money) -> Result<Ledger, OutOfRange> {
    // An amount from outside may be of any size.
    let plus = |held: Money| held.0.checked_add(amount.0).map(Money).ok_or(OutOfRange);
    checked(Ledger { cash: plus(ledger.cash)?, funding: plus(ledger.funding)?, ..*ledger })
}

/// The largest long and the largest short position that open orders can lead to, both as magnitudes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exposure {
    /// The long one.
    pub long: i128,
    /// The short one.
    pub short: i128,
}

impl Exposure {
    /// The larger of the two.
    #[must_use]
    pub fn worst(&self) -> i128 {
        self.long.max(self.short)
    }
}

/// Where a position can get to when all that is being bought fills and when all that is being sold does.
#[must_use]
pub fn exposure(held: Quantity, buying: i128, selling: i128) -> Exposure {
    let held = i128::from(held.0);
    Exposure { long: (held + buying).max(0), short: (selling - held).max(0) }
}

/// What margin is a share of, at `price`: the value of the worst position; of an outcome the most that either side can still lose.
/// `OutOfRange` when it does not fit.
pub fn exposed_value(instrument: &Instrument, price: Price, exposed: Exposure) -> Result<Money, OutOfRange> {
    if instrument.kind != InstrumentKind::Outcome {
        return contract_value(instrument, price, quantity(exposed.worst())?);
    }
    let unpaid = Price(instrument.max_price.0 - price.0);
    let long = contract_value(instrument, price, quantity(exposed.long)?)?;
    Ok(long.max(contract_value(instrument, unpaid, quantity(exposed.short)?)?))
}

/// Whether `after` is more risk than `before`: a larger worst position, of an outcome a larger loss.
pub fn is_growth(instrument: &Instrument, price: Price, before: Exposure, after: Exposure) -> Result<bool, OutOfRange> {
    if instrument.kind != InstrumentKind::Outcome {
        return Ok(after.worst() > before.worst());
    }
    Ok(exposed_value(instrument, price, after)? > exposed_value(instrument, price, before)?)
}

/// Margin of `rate` on an exposure worth `value`, rounded up.
pub fn margin(value: Money, rate: Rate) -> Result<Money, OutOfRange> {
    money(mul_div_round(value.0, rate.0.into(), RATE_ONE.0.into(), Rounding::Ceil)?)
}

/// The largest position, long or short, that open orders can lead to.
#[must_use]
pub fn worst_exposure(held: Quantity, buying: i128, selling: i128) -> i128 {
    exposure(held, buying, selling).worst()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MONEY_MAX;

    fn booked(spot: bool, realized: i128, cost: i128, fee: i128) -> Ledger {
        let start = Ledger { cash: Money(1_000), transfers: Money(1_000), ..EMPTY };
        book(&start, spot, Money(realized), Money(cost), Money(fee)).unwrap()
    }

    #[test]
    fn spot_pays_for_what_is_open_and_derivatives_settle_what_is_realised() {
        assert_eq!((booked(true, 0, 300, 2).cash, booked(true, 0, 300, 2).spot_cost), (Money(698), Money(300)));
        assert_eq!((booked(false, 0, 300, 2).cash, booked(false, 0, 300, 2).spot_cost), (Money(998), Money(0)));
        assert_eq!(booked(true, 50, -300, 0).cash, Money(1_350));
    }

    #[test]
    fn every_booking_conserves() {
        for spot in [false, true] {
            for (realized, cost, fee) in [(0, 300, 2), (50, -300, 0), (-7, -1, -3)] {
                assert_eq!(booked(spot, realized, cost, fee).imbalance(), Money(0));
            }
        }
    }

    #[test]
    fn an_amount_beyond_its_bound_is_refused() {
        let full = Ledger { cash: Money(MONEY_MAX), ..EMPTY };
        assert_eq!(book(&full, false, Money(1), Money(0), Money(0)), Err(OutOfRange));
        assert_eq!(
            book(&full, false, Money(MONEY_MAX), Money(0), Money(MONEY_MAX)).map(|ledger| ledger.cash),
            Ok(Money(MONEY_MAX))
        );
    }

    #[test]
    fn the_worst_exposure_is_the_larger_of_all_bought_and_all_sold() {
        assert_eq!(worst_exposure(Quantity(10), 5, 30), 20);
        assert_eq!(worst_exposure(Quantity(-10), 5, 30), 40);
        assert_eq!(worst_exposure(Quantity(-i64::MAX), 0, i64::MAX.into()), 2 * i128::from(i64::MAX));
    }
}
