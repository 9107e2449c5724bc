//! Rows of the equity curve: one per market time, taken before the clock moves on.

use crate::engine::run::Engine;
use crate::portfolio::Position;
use crate::units::{AccountIndex, InstrumentIndex, Money, money};
use crate::valuation::Valued;

/// What a row of the equity curve is made of, kept while only the market moves.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    pub(super) known: bool,
    cash: Option<Money>,
    /// Positions with a quantity, in the order in which they are valued.
    open: Vec<(InstrumentIndex, Position, Option<Valued>)>,
}

impl Engine {
    /// One row per market time, labelled with its stamp, taken before the clock moves on.
    pub(super) fn equity_row(&mut self) {
        let Some(label) = self.market_label.take() else { return };
        self.booked = false;
        // Rates are marks, so that with conversions cash moves with the market.
        if !self.holdings.known || !self.config.conversions.is_empty() {
            self.take_stock();
        }
        let cash = self.holdings.cash;
        let equity = cash.and_then(|cash| self.worth(cash));
        self.equity.push(label, equity, cash);
    }

    /// Cash and positions at the last marks.
    #[inline]
    fn worth(&self, cash: Money) -> Option<Money> {
        let (state, open) = (&self.store.state, &self.holdings.open);
        let mut total = cash;
        for (instrument, _, valued) in open {
            let market = &state.markets[instrument.at()];
            let Some(value) = valued.filter(|_| market.has_mark()).and_then(|valued| valued.at(market.mark)) else {
                return state.worth(cash, open.iter().map(|(instrument, position, _)| (*instrument, position)));
            };
            total = money(total.0 + i128::from(value)).ok()?;
        }
        Some(total)
    }

    fn take_stock(&mut self) {
        let state = &self.store.state;
        self.holdings.known = true;
        self.holdings.cash = state.cash(AccountIndex::NULL).ok().flatten();
        let positions = state.accounts.iter().filter(|(_, position)| position.quantity.0 != 0);
        self.holdings.open.clear();
        self.holdings.open.extend(positions.map(|((_, instrument), position)| {
            (*instrument, *position, Valued::new(&self.config, *instrument, position))
        }));
    }
}
