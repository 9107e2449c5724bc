//! What must hold after every event, on what the step touched; and the full recheck of everything, aggregates included.
//!
//! A broken one is a code with its two numbers; `engine` records the fact with it, leaves the state as it was and stops.

use std::collections::BTreeMap;

use crate::account::Ledger;
use crate::group::{IDLE, Working};
use crate::order::Order;
use crate::portfolio::Position;
use crate::reject::RejectCode;
use crate::state::State;
use crate::units::{AccountIndex, CurrencyIndex, InstrumentIndex};

/// The code of a broken invariant and its two numbers.
pub type Broken = (RejectCode, i128, i128);

/// Gross quantities never fall, what is open never rises inside a version, closed never reopens, and the parts fit.
#[must_use]
pub fn check_order(before: Option<&Order>, after: &Order) -> Option<Broken> {
    let broken = Some((RejectCode::SInvariantQuantity, after.ordinal.0.into(), 0));
    if after.open_quantity.0 < 0 || after.busted_quantity > after.filled_quantity {
        return broken;
    }
    let before = before?;
    if after.filled_quantity < before.filled_quantity || after.busted_quantity < before.busted_quantity {
        return broken;
    }
    if before.life.is_closed() && after.life != before.life {
        return broken;
    }
    if after.version == before.version && after.open_quantity > before.open_quantity {
        return broken;
    }
    None
}

/// cash + fees + spot cost - realised = transfers + funding.
#[must_use]
pub fn check_ledger(currency: CurrencyIndex, ledger: &Ledger) -> Option<Broken> {
    let imbalance = ledger.imbalance();
    (imbalance.0 != 0).then(|| (RejectCode::SInvariantCash, currency.0.into(), imbalance.0))
}

/// quantity = net fills - fees in the asset + transfers + settlements, and nothing open costs nothing.
#[must_use]
pub fn check_position(instrument: InstrumentIndex, position: &Position) -> Option<Broken> {
    let [held, net_fills, fees, transferred, settled] =
        [position.quantity, position.net_fills, position.fee_quantity, position.transferred, position.settled]
            .map(|quantity| i128::from(quantity.0));
    let causes = net_fills - fees + transferred + settled;
    if held != causes {
        return Some((RejectCode::SInvariantPosition, instrument.0.into(), held - causes));
    }
    if held == 0 && position.cost.0 != 0 {
        return Some((RejectCode::SInvariantPosition, instrument.0.into(), position.cost.0));
    }
    None
}

/// The strategies' quantities and (realised - open cost) sum to the account's.
#[must_use]
pub fn check_shares(
    instrument: InstrumentIndex,
    account: &Position,
    shares: impl IntoIterator<Item = Position>,
) -> Option<Broken> {
    let (mut held, mut worth) = (0_i128, 0_i128);
    for share in shares {
        held += i128::from(share.quantity.0);
        worth = worth.saturating_add(share.realized_pnl().0 - share.cost.0);
    }
    let (wanted, value) = (i128::from(account.quantity.0), account.realized_pnl().0 - account.cost.0);
    if held != wanted {
        return Some((RejectCode::SInvariantLedgers, instrument.0.into(), wanted - held));
    }
    if worth != value {
        return Some((RejectCode::SInvariantLedgers, instrument.0.into(), value.saturating_sub(worth)));
    }
    None
}

/// Everything, from the entities alone.
#[must_use]
pub fn check_all(state: &State) -> Option<Broken> {
    let orders = || state.orders.values().find_map(|order| check_order(None, order));
    let ledgers = || state.ledgers.iter().find_map(|((_, currency), ledger)| check_ledger(*currency, ledger));
    let positions = || {
        state.accounts.iter().find_map(|((_, instrument), position)| {
            let shares = state.strategies.iter().filter(|((_, held), _)| held == instrument).map(|(_, share)| *share);
            check_position(*instrument, position).or_else(|| check_shares(*instrument, position, shares))
        })
    };
    orders().or_else(ledgers).or_else(positions).or_else(|| check_fees(state)).or_else(|| check_working(state))
}

fn check_fees(state: &State) -> Option<Broken> {
    let sum = |amounts: &mut dyn Iterator<Item = i128>| amounts.fold(0_i128, i128::saturating_add);
    (0..state.config.currencies.len()).find_map(|index| {
        let currency = CurrencyIndex(index as u16);
        let ledgers = state.ledgers.iter().filter(|((_, held), _)| *held == currency);
        let fees = state.strategy_fees.iter().filter(|((_, held), _)| *held == currency);
        let paid = sum(&mut ledgers.map(|(_, ledger)| ledger.fees.0));
        let shares = sum(&mut fees.map(|(_, fees)| fees.0));
        (paid != shares).then(|| (RejectCode::SInvariantCash, currency.0.into(), paid.saturating_sub(shares)))
    })
}

/// Working quantities, reserves and open-order counts are those of the orders, and a group exposes what it is said to.
fn check_working(state: &State) -> Option<Broken> {
    let mut working: BTreeMap<(AccountIndex, InstrumentIndex), Working> = BTreeMap::new();
    let mut counts = vec![0_u32; state.owners.len()];
    for order in state.orders.values() {
        counts[order.id.strategy.at()] += u32::from(order.life.is_open());
        let Ok(own) = state.exposure(order) else {
            return Some((RejectCode::SRange, order.ordinal.0.into(), 0));
        };
        let group = state.group_of(order);
        if group.is_some_and(|group| group.exposed != own) {
            return Some((RejectCode::SInvariantQuantity, order.ordinal.0.into(), 0));
        }
        if own != IDLE && group.is_none_or(|group| group.members[0] == order.ordinal) {
            let held = working.entry((order.account, order.instrument)).or_insert(IDLE);
            *held = held.plus(own);
        }
    }
    for (place, held) in &state.working {
        if held != working.get(place).unwrap_or(&IDLE) {
            return Some((RejectCode::SInvariantQuantity, 0, place.1.0.into()));
        }
    }
    let owners = state.owners.iter().zip(counts).position(|(owner, count)| owner.open_orders != count);
    owners.map(|strategy| (RejectCode::SInvariantQuantity, 0, strategy as i128))
}
