//! Groups as the venue holds them: what parents and one-cancels-other legs have filled, and which working order that ends.
//!
//! A group has one instrument, so each lane keeps its own. Orders are kept there too; what ends them is `desk`.

use std::collections::{BTreeMap, VecDeque};

use super::order::VenueOrder;
use crate::reject::RejectCode;
use crate::units::{OrderOrdinal, Quantity, Time};

/// No parent, no group.
const NONE: OrderOrdinal = OrderOrdinal(0);

/// What a parent has filled, or the legs of a group together, and whether the parent or a leg has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// How much.
    pub filled: Quantity,
    /// Whether no more will come.
    pub ended: bool,
}

/// An order that ended, remembered while one that names it may be on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone {
    /// When.
    pub time: Time,
    /// Which.
    pub order: OrderOrdinal,
    /// What it had filled.
    pub filled: Quantity,
}

/// The groups of one instrument.
#[derive(Clone, Default, Debug)]
pub struct Groups {
    /// How long an order that names another may be under way: from an end, over the report of it, to a command's arrival.
    pub horizon: Time,
    /// Parents with working children.
    pub parents: BTreeMap<OrderOrdinal, Tally>,
    /// Groups with working legs, by their leader.
    pub legs: BTreeMap<OrderOrdinal, Tally>,
    /// What ended lately.
    pub gone: VecDeque<Gone>,
}

impl Groups {
    /// Take the order into the groups it names among the working `orders`; the code that refuses it, or none.
    pub fn join(&mut self, order: &mut VenueOrder, orders: &mut [VenueOrder]) -> Option<RejectCode> {
        if order.parent != NONE && !self.parents.contains_key(&order.parent) {
            let parent = self.found(order.parent, orders).filter(|parent| !parent.ended || parent.filled.0 != 0);
            let Some(parent) = parent else { return Some(RejectCode::VParent) };
            self.parents.insert(order.parent, parent);
        }
        if order.oco != NONE && !self.legs.contains_key(&order.oco) {
            let leader = orders.iter_mut().find(|one| one.order == order.oco);
            let Some(leader) = leader else { return Some(RejectCode::VGroup) };
            leader.oco = leader.order;
            self.legs.insert(order.oco, Tally { filled: leader.filled, ended: false });
        }
        order.live = order.parent == NONE || self.parents[&order.parent].filled.0 > 0;
        None
    }

    fn found(&self, named: OrderOrdinal, orders: &[VenueOrder]) -> Option<Tally> {
        let working = orders.iter().find(|one| one.order == named);
        working.map(|one| Tally { filled: one.filled, ended: false }).or_else(|| {
            let gone = self.gone.iter().find(|one| one.order == named);
            gone.map(|one| Tally { filled: one.filled, ended: true })
        })
    }

    /// How much of the order may fill: what is open, less what other legs took, up to what its parent has filled.
    #[must_use]
    pub fn allows(&self, order: &VenueOrder) -> Quantity {
        let used = self.used(order);
        let left = order.quantity.0 - used;
        if order.parent == NONE {
            return Quantity(left);
        }
        Quantity(left.min(self.parents[&order.parent].filled.0 - used))
    }

    /// What the order, or the legs of its group together, have filled.
    fn used(&self, order: &VenueOrder) -> i64 {
        if order.oco == NONE { order.filled.0 } else { self.legs[&order.oco].filled.0 }
    }

    /// Whether the order is in a group.
    #[must_use]
    pub fn is_linked(&self, order: &VenueOrder) -> bool {
        order.parent != NONE || order.oco != NONE || self.parents.contains_key(&order.order)
    }

    /// Count a fill in the groups of the order.
    pub fn note_fill(&mut self, order: &VenueOrder, quantity: Quantity) {
        let legs = if planted!(19) { None } else { self.legs.get_mut(&order.oco) };
        for tally in self.parents.get_mut(&order.order).into_iter().chain(legs) {
            tally.filled.0 += quantity.0;
        }
    }

    /// The order has left; one that is merely `spent` does not end the other legs.
    pub fn note_end(&mut self, order: &VenueOrder, time: Time, spent: bool) {
        while self.gone.front().is_some_and(|one| one.time.0 < time.0.saturating_sub(self.horizon.0)) {
            self.gone.pop_front();
        }
        self.gone.push_back(Gone { time, order: order.order, filled: order.filled });
        if let Some(tally) = self.parents.get_mut(&order.order) {
            tally.ended = true;
        }
        if !spent {
            self.note_refusal(order);
        }
    }

    /// A leg that leaves, or that the venue does not take, ends the other legs.
    pub fn note_refusal(&mut self, order: &VenueOrder) {
        if let Some(tally) = self.legs.get_mut(&order.oco) {
            tally.ended = true;
        }
    }

    /// The first working order that its group has ended, the code, and whether it is merely spent.
    #[must_use]
    pub fn over(&self, orders: &[VenueOrder]) -> Option<(usize, RejectCode, bool)> {
        orders.iter().enumerate().find_map(|(index, order)| {
            let parent = self.parents.get(&order.parent);
            let legs = self.legs.get(&order.oco);
            if parent.is_some_and(|parent| parent.ended && parent.filled.0 == 0) {
                return Some((index, RejectCode::VParent, false));
            }
            if legs.is_some_and(|legs| legs.ended) {
                return Some((index, RejectCode::VGroup, false));
            }
            let used = self.used(order);
            let taken = legs.is_some() && order.quantity.0 <= used;
            let capped = parent.is_some_and(|parent| parent.ended && (order.quantity.0.min(parent.filled.0)) <= used);
            (taken || capped).then_some((index, RejectCode::VGroup, true))
        })
    }

    /// Drop what no working order needs.
    pub fn forget(&mut self, orders: &[VenueOrder]) {
        self.parents.retain(|key, _| orders.iter().any(|order| order.parent == *key));
        self.legs.retain(|key, _| orders.iter().any(|order| order.oco == *key));
    }
}
