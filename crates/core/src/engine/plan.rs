//! A plan: the after-images of one fact, checked as a whole before any of them is written. A fact that fails leaves the state as it
//! was.

use crate::account::{Ledger, book};
use crate::codec::{Finding, LeafKey};
use crate::invariant::{Broken, check_ledger, check_order, check_position, check_shares};
use crate::order::Order;
use crate::portfolio::{Lot, Position, Unsettled, fold};
use crate::reject::RejectCode;
use crate::state::{FillRecord, State};
use crate::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, OutOfRange, StrategyIndex, money,
};

/// A few values by key, in the order in which their keys came.
#[derive(Debug)]
pub(super) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V> Few<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(held, _)| held == key).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.iter_mut().find(|(held, _)| held == key).map(|(_, value)| value)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        match self.get_mut(&key) {
            Some(held) => *held = value,
            None => self.0.push((key, value)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.0.iter()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (K, V)> {
        self.0.drain(..)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a position is held, and in what.
pub(super) type Held = (AccountIndex, InstrumentIndex);
/// Which strategy owns a position, and in what.
pub(super) type Owned = (StrategyIndex, InstrumentIndex);
/// The name of a fill.
pub(super) type FillKey = (AccountIndex, Box<str>);

/// The after-images. They outlive the plan, which only reads the state, and their memory is used again.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) orders: Few<OrderOrdinal, Order>,
    pub(super) accounts: Few<Held, Position>,
    pub(super) strategies: Few<Owned, Position>,
    pub(super) ledgers: Few<(AccountIndex, CurrencyIndex), Ledger>,
    pub(super) fees: Few<(StrategyIndex, CurrencyIndex), Money>,
    pub(super) unsettled_accounts: Few<Held, Unsettled>,
    pub(super) unsettled_strategies: Few<Owned, Unsettled>,
    pub(super) fills: Few<FillKey, FillRecord>,
    pub(super) parked: Few<FillKey, Option<OrderOrdinal>>,
    /// An instrument to freeze.
    pub(super) freeze: Option<InstrumentIndex>,
    /// An order with a quarantined report.
    pub(super) flagged: Option<OrderOrdinal>,
}

impl Staged {
    /// The leaves that writing changes.
    pub(super) fn touched(&self, touch: &mut impl FnMut(LeafKey)) {
        self.orders.iter().for_each(|(ordinal, _)| touch(LeafKey::Order(*ordinal)));
        self.accounts.iter().for_each(|((a, i), _)| touch(LeafKey::AccountPosition(*a, *i)));
        self.strategies.iter().for_each(|((s, i), _)| touch(LeafKey::StrategyPosition(*s, *i)));
        self.ledgers.iter().for_each(|((a, c), _)| touch(LeafKey::Ledger(*a, *c)));
        self.fees.iter().for_each(|((s, c), _)| touch(LeafKey::StrategyFees(*s, *c)));
        self.unsettled_accounts.iter().for_each(|((a, i), _)| touch(LeafKey::AccountUnsettled(*a, *i)));
        self.unsettled_strategies.iter().for_each(|((s, i), _)| touch(LeafKey::StrategyUnsettled(*s, *i)));
        self.fills.iter().for_each(|(name, _)| touch(LeafKey::Fill(name.clone())));
        self.parked.iter().for_each(|(name, _)| touch(LeafKey::Parked(name.clone())));
    }

    /// Put the after-images in place. Orders are put by the store, which keeps the aggregates.
    pub(super) fn write(&mut self, state: &mut State) {
        state.accounts.extend(self.accounts.drain());
        state.strategies.extend(self.strategies.drain());
        state.ledgers.extend(self.ledgers.drain());
        state.strategy_fees.extend(self.fees.drain());
        for (place, unsettled) in self.unsettled_accounts.drain() {
            if unsettled.lots.is_empty() {
                state.unsettled_accounts.remove(&place);
            } else {
                state.unsettled_accounts.insert(place, unsettled);
            }
        }
        for (place, unsettled) in self.unsettled_strategies.drain() {
            if unsettled.lots.is_empty() {
                state.unsettled_strategies.remove(&place);
            } else {
                state.unsettled_strategies.insert(place, unsettled);
            }
        }
        state.fills.extend(self.fills.drain());
        for (name, ordinal) in self.parked.drain() {
            match ordinal {
                None => state.parked.remove(&name),
                Some(ordinal) => state.parked.insert(name, ordinal),
            };
        }
        if let Some(instrument) = self.freeze {
            state.markets[instrument.at()].frozen = true;
        }
    }

    /// Nothing staged; the memory stays.
    pub(super) fn clear(&mut self) {
        self.orders.0.clear();
        self.accounts.0.clear();
        self.strategies.0.clear();
        self.ledgers.0.clear();
        self.fees.0.clear();
        self.unsettled_accounts.0.clear();
        self.unsettled_strategies.0.clear();
        self.fills.0.clear();
        self.parked.0.clear();
        self.freeze = None;
        self.flagged = None;
    }
}

/// What a fact would change. Reads see earlier changes of the same plan.
#[derive(Debug)]
pub struct Plan<'a> {
    pub(super) state: &'a State,
    pub(super) staged: Box<Staged>,
    pub(super) findings: Vec<Finding>,
    /// The strategy that is told, when the fact had an effect on its order.
    pub(super) owner: Option<StrategyIndex>,
    pub(super) status_changed: bool,
    /// Whether the fact was taken: a duplicate, a quarantined or a malformed one is not, and nobody is told.
    pub(super) taken: bool,
}

impl<'a> Plan<'a> {
    /// Nothing changed yet; `staged` lends its memory.
    pub(super) fn new(state: &'a State, mut staged: Box<Staged>) -> Self {
        staged.clear();
        Self { state, staged, findings: Vec::new(), owner: None, status_changed: false, taken: true }
    }

    /// A finding on the fact.
    pub(super) fn find(&mut self, code: RejectCode, value: impl Into<i128>, limit: impl Into<i128>) {
        self.findings.push(Finding { code: code.number(), value: value.into(), limit: limit.into() });
    }

    /// The fact is not taken, for this reason.
    pub(super) fn refuse(&mut self, code: RejectCode, value: impl Into<i128>) {
        self.find(code, value, 0);
        self.taken = false;
    }

    /// The account's position.
    pub(super) fn position(&self, account: AccountIndex, instrument: InstrumentIndex) -> Position {
        let staged = self.staged.accounts.get(&(account, instrument));
        staged.copied().unwrap_or_else(|| self.state.position(account, instrument))
    }

    /// The strategy's position.
    pub(super) fn own_position(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> Position {
        let staged = self.staged.strategies.get(&(strategy, instrument));
        staged.copied().unwrap_or_else(|| self.state.own_position(strategy, instrument))
    }

    /// The account's ledger in the currency.
    pub(super) fn ledger(&self, account: AccountIndex, currency: CurrencyIndex) -> Ledger {
        let staged = self.staged.ledgers.get(&(account, currency));
        staged.copied().unwrap_or_else(|| self.state.ledger(account, currency))
    }

    /// Fold a lot into the account's and the strategy's position, and its cash into the ledger.
    pub(super) fn book_lot(
        &mut self,
        account: AccountIndex,
        strategy: StrategyIndex,
        instrument: InstrumentIndex,
        lot: &Lot,
    ) -> Result<(), OutOfRange> {
        let after = fold(&self.position(account, instrument), lot)?;
        self.settle_account(account, instrument, after)?;
        let own_after = fold(&self.own_position(strategy, instrument), lot)?;
        self.staged.strategies.put((strategy, instrument), own_after);
        Ok(())
    }

    /// Put both positions to new values, and the difference in cash into the ledger.
    pub(super) fn replace_positions(
        &mut self,
        account: AccountIndex,
        strategy: StrategyIndex,
        instrument: InstrumentIndex,
        [after, own_after]: [Position; 2],
    ) -> Result<(), OutOfRange> {
        self.settle_account(account, instrument, after)?;
        self.staged.strategies.put((strategy, instrument), own_after);
        Ok(())
    }

    /// Put the account's position to `after`, and the difference in cash into the ledger.
    pub(super) fn settle_account(
        &mut self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        after: Position,
    ) -> Result<(), OutOfRange> {
        let before = self.position(account, instrument);
        let declared = self.state.instrument(instrument);
        let currency = declared.settlement_currency;
        let realized = Money(after.realized_pnl().0 - before.realized_pnl().0);
        let cost = Money(after.cost.0 - before.cost.0);
        let held = self.ledger(account, currency);
        let booked = book(&held, declared.is_spot(), realized, cost, Money(0))?;
        self.staged.ledgers.put((account, currency), booked);
        self.staged.accounts.put((account, instrument), after);
        Ok(())
    }

    /// Pay a fee in a currency; below 0 it comes back.
    pub(super) fn pay_fee(
        &mut self,
        account: AccountIndex,
        strategy: StrategyIndex,
        currency: CurrencyIndex,
        fee: Money,
    ) -> Result<(), OutOfRange> {
        if fee.0 == 0 {
            return Ok(());
        }
        let booked = book(&self.ledger(account, currency), false, Money(0), Money(0), fee)?;
        self.staged.ledgers.put((account, currency), booked);
        let own = (strategy, currency);
        let paid =
            self.staged.fees.get(&own).or_else(|| self.state.strategy_fees.get(&own)).copied().unwrap_or_default();
        self.staged.fees.put(own, money(paid.0 + fee.0)?);
        Ok(())
    }

    /// The first invariant that the after-images break, or None. `OutOfRange` when what an order then reserves does not fit.
    pub(super) fn check(&self) -> Result<Option<Broken>, OutOfRange> {
        for (ordinal, order) in self.staged.orders.iter() {
            self.state.exposure(order)?;
            if let Some(broken) = check_order(self.state.orders.get(ordinal), order) {
                return Ok(Some(broken));
            }
        }
        let ledgers = self.staged.ledgers.iter();
        if let Some(broken) = { ledgers }.find_map(|((_, currency), ledger)| check_ledger(*currency, ledger)) {
            return Ok(Some(broken));
        }
        Ok(self.staged.accounts.iter().find_map(|((_, instrument), position)| {
            let shares = self.owners().map(|strategy| self.own_position(strategy, *instrument));
            check_position(*instrument, position).or_else(|| check_shares(*instrument, position, shares))
        }))
    }

    /// Every strategy, and the null one.
    pub(super) fn owners(&self) -> impl Iterator<Item = StrategyIndex> + use<> {
        (0..self.state.owners.len() as u16).map(StrategyIndex).chain([StrategyIndex::NULL])
    }

    /// Stage copies of the unsettled fills of account and strategy; whether there are any, or are to come.
    pub(super) fn stage_unsettled(
        &mut self,
        account: AccountIndex,
        strategy: StrategyIndex,
        instrument: InstrumentIndex,
        provisional: bool,
    ) -> bool {
        let (place, own) = ((account, instrument), (strategy, instrument));
        let held = self.staged.unsettled_accounts.get(&place).or_else(|| self.state.unsettled_accounts.get(&place));
        let mine = self.staged.unsettled_strategies.get(&own).or_else(|| self.state.unsettled_strategies.get(&own));
        if !provisional && held.is_none() && mine.is_none() {
            return false;
        }
        let held = copy(held, self.position(account, instrument));
        let mine = copy(mine, self.own_position(strategy, instrument));
        self.staged.unsettled_accounts.put(place, held);
        self.staged.unsettled_strategies.put(own, mine);
        true
    }

    /// The staged unsettled fills of account and strategy.
    pub(super) fn unsettled(
        &mut self,
        account: AccountIndex,
        strategy: StrategyIndex,
        instrument: InstrumentIndex,
    ) -> impl Iterator<Item = &mut Unsettled> {
        let held = self.staged.unsettled_accounts.get_mut(&(account, instrument));
        held.into_iter().chain(self.staged.unsettled_strategies.get_mut(&(strategy, instrument)))
    }
}

/// A copy to change; one without lots starts at the present position.
fn copy(unsettled: Option<&Unsettled>, position: Position) -> Unsettled {
    match unsettled {
        Some(held) if !held.lots.is_empty() => held.clone(),
        _ => Unsettled { base: position, lots: Vec::new(), settled: Vec::new() },
    }
}
