//! The simulated venue's own account: what a fill, funding and a settlement do to it, and what it can carry.
//!
//! It is of the engine's types but a party of its own: marks are what the market showed the venue, without the engine's feed latency.
//! When a fill happens is `matching`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::{AccountKind, EMPTY, Exposure, Ledger, book, exposure, is_growth, receive};
use crate::book::price_at;
use crate::config::Config;
use crate::event::{Rows, times_of};
use crate::fee::{Liquidity, fee};
use crate::instrument::{Instrument, contract_value};
use crate::intent::Side;
use crate::portfolio::{FILL, FLAT, Lot, Position, close, fold};
use crate::reject::RejectCode;
use crate::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OutOfRange, Price, Quantity, RATE_ONE, Rate, Rounding, Time,
    money, mul_div_round,
};
use crate::valuation::{margin_on, signed_value, to_base, worth};

/// The account cannot carry a fill; the code says why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unaffordable(pub RejectCode);

impl From<OutOfRange> for Unaffordable {
    fn from(_: OutOfRange) -> Self {
        Self(RejectCode::VFunds)
    }
}

/// Positions and cash of the venue's account.
#[derive(Clone, Debug)]
pub struct Clearing {
    /// By instrument.
    pub positions: BTreeMap<InstrumentIndex, Position>,
    /// By currency.
    pub ledgers: BTreeMap<CurrencyIndex, Ledger>,
    /// The last price traded here: the mark of an instrument of which no row has come.
    pub traded: BTreeMap<InstrumentIndex, Price>,
    config: Arc<Config>,
    /// Which account.
    pub account: AccountIndex,
    rows: BTreeMap<InstrumentIndex, Rows>,
    keeps_margin: bool,
}

/// Positions and ledgers that one of each stands in for.
struct Books<'a> {
    clearing: &'a Clearing,
    position: (InstrumentIndex, &'a Position),
    ledger: (CurrencyIndex, &'a Ledger),
}

impl Books<'_> {
    fn positions(&self) -> impl Iterator<Item = (InstrumentIndex, &Position)> {
        let (index, own) = self.position;
        let others = self.clearing.positions.iter().filter(move |(other, _)| **other != index);
        others.map(|(other, position)| (*other, position)).chain([(index, own)])
    }

    fn ledgers(&self) -> impl Iterator<Item = (CurrencyIndex, &Ledger)> {
        let (currency, own) = self.ledger;
        let others = self.clearing.ledgers.iter().filter(move |(other, _)| **other != currency);
        others.map(|(other, ledger)| (*other, ledger)).chain([(currency, own)])
    }
}

impl Clearing {
    /// The account before the first moment. `OutOfRange` when its opening deposits do not fit.
    pub fn new(config: Arc<Config>, account: AccountIndex) -> Result<Self, OutOfRange> {
        let mut ledgers = BTreeMap::new();
        for deposit in &config.accounts[account.at()].deposits {
            let held: &mut Ledger = ledgers.entry(deposit.currency).or_insert(EMPTY);
            held.cash = money(held.cash.0 + deposit.amount.0)?;
            held.transfers = money(held.transfers.0 + deposit.amount.0)?;
        }
        Ok(Self {
            positions: BTreeMap::new(),
            ledgers,
            traded: BTreeMap::new(),
            account,
            rows: BTreeMap::new(),
            keeps_margin: config.instruments.iter().any(|one| one.maintenance_margin.0 != 0),
            config,
        })
    }

    /// The rows that mark the instrument.
    pub fn show(&mut self, instrument: InstrumentIndex, rows: Rows) {
        self.rows.insert(instrument, rows);
    }

    /// The price of the last row by `time` (a bar's close, a quote's middle), else the last price traded here.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentIndex, time: Time) -> Option<Price> {
        let shown = self.rows.get(&instrument).and_then(|rows| {
            let row = times_of(rows).partition_point(|shown| *shown <= time);
            row.checked_sub(1).map(|row| price_at(rows, row))
        });
        shown.or_else(|| self.traded.get(&instrument).copied())
    }

    /// How much an order of the direction can close.
    #[must_use]
    pub fn reducible(&self, index: InstrumentIndex, buys: bool) -> Quantity {
        let held = self.position(index).quantity.0;
        Quantity(if buys { -held } else { held }.max(0))
    }

    fn position(&self, index: InstrumentIndex) -> Position {
        self.positions.get(&index).copied().unwrap_or(FLAT)
    }

    fn ledger(&self, currency: CurrencyIndex) -> Ledger {
        self.ledgers.get(&currency).copied().unwrap_or(EMPTY)
    }

    /// Book a fill and return its fee. `Unaffordable`, and nothing booked, when the account cannot carry it.
    pub fn trade(
        &mut self,
        index: InstrumentIndex,
        side: u8,
        quantity: Quantity,
        price: Price,
        liquidity: Liquidity,
        time: Time,
    ) -> Result<Money, Unaffordable> {
        let config = Arc::clone(&self.config);
        let instrument = &config.instruments[index.at()];
        let value = contract_value(instrument, price, quantity)?;
        let cost = fee(instrument, value, liquidity, Rounding::HalfEven)?;
        let before = self.position(index);
        let lot = Lot {
            key: Box::default(),
            quantity: Quantity(if side == Side::Buy.number() { quantity.0 } else { -quantity.0 }),
            value: Money(instrument.value_sign() * value.0),
            fee_quantity: Quantity(0),
            cause: FILL,
        };
        let after = fold(&before, &lot)?;
        let ledger = self.booked(instrument, &before, &after, cost)?;
        if let Some(code) = self.refusal(index, &after, &ledger, price, time)? {
            return Err(Unaffordable(code));
        }
        self.positions.insert(index, after);
        self.ledgers.insert(instrument.settlement_currency, ledger);
        self.traded.insert(index, price);
        Ok(cost)
    }

    /// The ledger once a position has gone from `before` to `after`.
    fn booked(
        &self,
        instrument: &Instrument,
        before: &Position,
        after: &Position,
        cost: Money,
    ) -> Result<Ledger, OutOfRange> {
        let held = self.ledger(instrument.settlement_currency);
        let realized = Money(after.realized_pnl().0 - before.realized_pnl().0);
        book(&held, instrument.is_spot(), realized, Money(after.cost.0 - before.cost.0), cost)
    }

    /// Why the account cannot carry the fill, or None. A cash account stays at or above zero. A margin account that grows a position
    /// has its maintenance margin before and its initial margin after.
    fn refusal(
        &self,
        index: InstrumentIndex,
        after: &Position,
        ledger: &Ledger,
        price: Price,
        time: Time,
    ) -> Result<Option<RejectCode>, OutOfRange> {
        let before = self.position(index);
        if self.config.accounts[self.account.at()].kind == AccountKind::Cash {
            let paid = ledger.cash.0 >= 0 || after.quantity <= before.quantity;
            let owned = after.quantity.0 >= before.quantity.0.min(0);
            return Ok((!paid || !owned).then_some(RejectCode::VFunds));
        }
        let instrument = &self.config.instruments[index.at()];
        if !is_growth(instrument, price, exposed(&before), exposed(after))? {
            return Ok(None);
        }
        let currency = instrument.settlement_currency;
        let marks = |other| if other == index { Some(price) } else { self.mark(other, time) };
        let held = self.ledger(currency);
        let now = Books { clearing: self, position: (index, &before), ledger: (currency, &held) };
        if self.keeps_margin && !self.covers(marks, &now, true)? {
            return Ok(Some(RejectCode::VMaintenance));
        }
        let then = Books { clearing: self, position: (index, after), ledger: (currency, ledger) };
        Ok((!self.covers(marks, &then, false)?).then_some(RejectCode::VFunds))
    }

    /// Whether equity covers the margin of the positions, both in base currency; not without a mark or rate.
    fn covers(
        &self,
        marks: impl Fn(InstrumentIndex) -> Option<Price> + Copy,
        books: &Books<'_>,
        maintenance: bool,
    ) -> Result<bool, OutOfRange> {
        let config = &*self.config;
        let (mut equity, mut needed) = (Money(0), Money(0));
        for (currency, ledger) in books.ledgers() {
            let Some(cash) = to_base(config, marks, ledger.cash, currency)? else { return Ok(false) };
            equity = money(equity.0 + cash.0)?;
        }
        for (index, position) in books.positions().filter(|(_, position)| position.quantity.0 != 0) {
            let instrument = &config.instruments[index.at()];
            let rate = if maintenance { instrument.maintenance_margin } else { instrument.initial_margin };
            let value = worth(config, marks, index, position)?;
            let margin = margin_on(config, marks, index, exposed(position), rate)?;
            let Some((value, margin)) = value.zip(margin) else { return Ok(false) };
            equity = money(equity.0 + value.0)?;
            needed = money(needed.0 + margin.0)?;
        }
        Ok(equity >= needed || (maintenance && needed.0 == 0))
    }

    /// Pay (below 0) or receive funding of `rate` on the position's value at its mark, half to even, and return it: above 0 longs pay.
    /// None without a position or mark, or where it does not fit.
    pub fn fund(&mut self, index: InstrumentIndex, rate: Rate, time: Time) -> Option<Money> {
        let mark = self.mark(index, time)?;
        self.receive(index, mark, Rate(-rate.0)).ok().flatten()
    }

    /// Receive so much a unit of the position, a short pays; None without a position, or where it does not fit.
    pub fn pay(&mut self, index: InstrumentIndex, price: Price) -> Option<Money> {
        let rate = if price.0 > 0 { RATE_ONE } else { Rate(-RATE_ONE.0) };
        self.receive(index, Price(price.0.abs()), rate).ok().flatten()
    }

    /// A share of what the position is worth at `price`; what a long receives a short pays.
    fn receive(&mut self, index: InstrumentIndex, price: Price, rate: Rate) -> Result<Option<Money>, OutOfRange> {
        let (instrument, held) = (&self.config.instruments[index.at()], self.position(index).quantity.0);
        if held == 0 {
            return Ok(None);
        }
        let value = contract_value(instrument, price, Quantity(held.abs()))?.0;
        let signed = if held > 0 { value } else { -value };
        let amount = money(mul_div_round(signed, rate.0.into(), RATE_ONE.0.into(), Rounding::HalfEven)?)?;
        let currency = instrument.settlement_currency;
        let ledger = receive(&self.ledger(currency), amount)?;
        self.ledgers.insert(currency, ledger);
        Ok(Some(amount))
    }

    /// Close the position at `price`. `OutOfRange`, and nothing booked, when it does not fit.
    pub fn settle(&mut self, index: InstrumentIndex, price: Price) -> Result<(), OutOfRange> {
        let config = Arc::clone(&self.config);
        let instrument = &config.instruments[index.at()];
        let before = self.position(index);
        let after = close(&before, signed_value(instrument, &before, price)?)?;
        let ledger = self.booked(instrument, &before, &after, Money(0))?;
        self.positions.insert(index, after);
        self.ledgers.insert(instrument.settlement_currency, ledger);
        self.traded.insert(index, price);
        Ok(())
    }
}

fn exposed(position: &Position) -> Exposure {
    exposure(position.quantity, 0, 0)
}
