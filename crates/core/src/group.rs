//! Groups: an entry with its children, and orders of which one cancels the others. Who is in which, how much a member may still fill,
//! and what the whole exposes.
//!
//! A unit is a lone order or a group; the risk of an account is the sum over its units. Sending, releasing and cancelling members is
//! not here: that is `engine` and, where a venue holds groups itself, the venue.

use crate::order::{Life, Order};
use crate::units::{Money, OrderOrdinal, Quantity};

/// Exposure of open orders in one instrument, and the cash they reserve. What reduce-only orders can still fill is apart: it counts up
/// to the position that there is to reduce. Sums may be wider than one quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Working {
    /// What can still be bought.
    pub buying: i128,
    /// What can still be sold.
    pub selling: i128,
    /// Cash reserved for it.
    pub reserved: Money,
    /// What reduce-only orders can still buy.
    pub reduce_buying: i128,
    /// What reduce-only orders can still sell.
    pub reduce_selling: i128,
}

/// No open orders.
pub const IDLE: Working = Working { buying: 0, selling: 0, reserved: Money(0), reduce_buying: 0, reduce_selling: 0 };

impl Working {
    fn each(self, other: Self, with: impl Fn(i128, i128) -> i128) -> Self {
        Self {
            buying: with(self.buying, other.buying),
            selling: with(self.selling, other.selling),
            reserved: Money(with(self.reserved.0, other.reserved.0)),
            reduce_buying: with(self.reduce_buying, other.reduce_buying),
            reduce_selling: with(self.reduce_selling, other.reduce_selling),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    /// Without the other.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }

    /// The larger in every part: one of the two can happen.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        self.each(other, i128::max)
    }

    /// (buying, selling) where `held` is the position: a reduce-only order never takes it through zero.
    #[must_use]
    pub fn sides(&self, held: Quantity) -> (i128, i128) {
        let held = i128::from(held.0);
        let buying = self.buying + self.reduce_buying.min((-held).max(0));
        (buying, self.selling + self.reduce_selling.min(held.max(0)))
    }
}

/// A live group: its members in the order of their placement, the root first, and what they expose together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Their numbers.
    pub members: Vec<OrderOrdinal>,
    /// As it was last put.
    pub exposed: Working,
}

/// The order that names the group: the leader of the entry's legs, else the entry; without a parent the leader of its own legs.
#[must_use]
pub fn root_of(order: &Order, parent: Option<&Order>) -> OrderOrdinal {
    leader_of(parent.unwrap_or(order))
}

/// The order that names the legs of which one cancels the others; a lone order is the only leg of itself.
#[must_use]
pub const fn leader_of(order: &Order) -> OrderOrdinal {
    if order.oco.0 == 0 { order.ordinal } else { order.oco }
}

/// The members of which one cancels the others, the order among them.
pub fn legs_of<'a>(order: &Order, members: &'a [Order]) -> impl Iterator<Item = &'a Order> + use<'a> {
    let leader = leader_of(order);
    members.iter().filter(move |member| leader_of(member) == leader)
}

/// How much of `left`, the order's own remainder, its group lets it fill: legs share what is left, and a child fills no more than its
/// parent has.
#[must_use]
pub fn room(order: &Order, left: Quantity, members: &[Order]) -> i128 {
    let filled: i128 = legs_of(order, members).map(|leg| i128::from(leg.net_filled().0)).sum();
    let mut allowed = i128::from(left.0) - (filled - i128::from(order.net_filled().0));
    if let Some(parent) = members.iter().find(|member| member.ordinal == order.parent && !planted!(12)) {
        allowed = allowed.min(i128::from(parent.net_filled().0) - filled);
    }
    allowed.max(0)
}

/// The most that a member can still fill. At a venue that does not hold groups its legs know nothing of each other: what is there can
/// fill, whatever the group says.
#[must_use]
pub fn open_quantity(order: &Order, members: &[Order], held_natively: bool) -> Quantity {
    let left = order.exposure();
    if held_natively || order.life == Life::Held {
        // No more than what is left, so that it fits.
        Quantity(room(order, left, members) as i64)
    } else {
        left
    }
}
