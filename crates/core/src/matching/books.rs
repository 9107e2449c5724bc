//! The venue's own books: positions, money and marks of its account, and whether a fill can be paid for.
//!
//! The engine keeps its own account of the same types; only reports connect the two.

use std::collections::BTreeMap;

use super::order::VenueOrder;
use crate::account::{AccountKind, EMPTY, Ledger, book, margin};
use crate::config::Config;
use crate::fee::{Liquidity, fee};
use crate::instrument::{Instrument, InstrumentKind, contract_value};
use crate::portfolio::{FILL, FLAT, Lot, Position, fold};
use crate::units::{AccountIndex, CurrencyIndex, InstrumentIndex, Money, OutOfRange, Price, Quantity, Rounding, money};

/// The account of one simulated venue.
#[derive(Clone, Debug)]
pub struct Books {
    /// Which account.
    pub account: AccountIndex,
    /// Its own positions.
    pub positions: BTreeMap<InstrumentIndex, Position>,
    /// Its own ledgers.
    pub ledgers: BTreeMap<CurrencyIndex, Ledger>,
    /// The last price traded here.
    pub marks: BTreeMap<InstrumentIndex, Price>,
}

impl Books {
    /// The account with its opening deposits; `OutOfRange` when they do not fit.
    pub fn new(config: &Config, account: AccountIndex) -> Result<Self, OutOfRange> {
        let mut ledgers = BTreeMap::new();
        for deposit in &config.accounts[account.at()].deposits {
            let held: &mut Ledger = ledgers.entry(deposit.currency).or_insert(EMPTY);
            held.cash = money(held.cash.0 + deposit.amount.0)?;
            held.transfers = money(held.transfers.0 + deposit.amount.0)?;
        }
        Ok(Self { account, positions: BTreeMap::new(), ledgers, marks: BTreeMap::new() })
    }

    /// How much an order of the direction can close.
    #[must_use]
    pub fn reducible(&self, instrument: InstrumentIndex, buys: bool) -> Quantity {
        let held = self.positions.get(&instrument).map_or(0, |position| position.quantity.0);
        Quantity(if buys { -held } else { held }.max(0))
    }

    /// Book a fill and return its fee; None, and nothing booked, when funds or numbers do not suffice.
    pub fn pay(
        &mut self,
        config: &Config,
        order: &VenueOrder,
        price: Price,
        quantity: Quantity,
        liquidity: Liquidity,
    ) -> Option<Money> {
        self.book(config, order, price, quantity, liquidity).ok().flatten()
    }

    fn book(
        &mut self,
        config: &Config,
        order: &VenueOrder,
        price: Price,
        quantity: Quantity,
        liquidity: Liquidity,
    ) -> Result<Option<Money>, OutOfRange> {
        let instrument = &config.instruments[order.instrument.at()];
        if price.0 < 0 && instrument.kind == InstrumentKind::Inverse {
            return Err(OutOfRange);
        }
        let value = contract_value(instrument, price, quantity)?;
        let cost = fee(instrument, value, liquidity, Rounding::HalfEven)?;
        let before = self.positions.get(&order.instrument).copied().unwrap_or(FLAT);
        let lot = Lot {
            key: Box::default(),
            quantity: Quantity(if order.is_buy() { quantity.0 } else { -quantity.0 }),
            value: Money(instrument.value_sign() * value.0),
            fee_quantity: Quantity(0),
            cause: FILL,
        };
        let after = fold(&before, &lot)?;
        let held = self.ledgers.get(&instrument.settlement_currency).copied().unwrap_or(EMPTY);
        let realized = Money(after.realized_pnl().0 - before.realized_pnl().0);
        let ledger = book(&held, instrument.is_spot(), realized, Money(after.cost.0 - before.cost.0), cost)?;
        let mark = self.marks.insert(order.instrument, price);
        if !self.affords(config, order.instrument, (&before, &after), &ledger)? {
            match mark {
                None => self.marks.remove(&order.instrument),
                Some(mark) => self.marks.insert(order.instrument, mark),
            };
            return Ok(None);
        }
        self.positions.insert(order.instrument, after);
        self.ledgers.insert(instrument.settlement_currency, ledger);
        Ok(Some(cost))
    }

    /// A cash account stays at or above zero; a margin account that grows a position covers its initial margins with its equity in
    /// the settlement currency.
    fn affords(
        &self,
        config: &Config,
        traded: InstrumentIndex,
        (before, after): (&Position, &Position),
        ledger: &Ledger,
    ) -> Result<bool, OutOfRange> {
        if config.accounts[self.account.at()].kind == AccountKind::Cash {
            let covered = ledger.cash.0 >= 0 || after.quantity <= before.quantity;
            return Ok(after.quantity.0 >= before.quantity.0.min(0) && covered);
        }
        if after.quantity.0.unsigned_abs() <= before.quantity.0.unsigned_abs() {
            return Ok(true);
        }
        let declared: &Instrument = &config.instruments[traded.at()];
        let (mut equity, mut required) = (ledger.cash, Money(0));
        for (index, mark) in &self.marks {
            let instrument = &config.instruments[index.at()];
            let position = if *index == traded { after } else { self.positions.get(index).unwrap_or(&FLAT) };
            if instrument.settlement_currency != declared.settlement_currency || position.quantity.0 == 0 {
                continue;
            }
            let value = contract_value(instrument, *mark, Quantity(position.quantity.0.abs()))?;
            let signed = instrument.value_sign() * if position.quantity.0 > 0 { value.0 } else { -value.0 };
            let worth = if instrument.is_spot() { signed } else { signed - position.cost.0 };
            equity = money(equity.0 + worth)?;
            required = money(required.0 + margin(instrument, value)?.0)?;
        }
        Ok(equity >= required)
    }
}
