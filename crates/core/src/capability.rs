//! What a venue can do, as it declares it (contract/capabilities.toml), and how the simulated venue behaves.
//!
//! Whether an order asks for too much is checked in `admission`.

use crate::intent::{OrderType, TimeInForce};
use crate::units::{Time, numbered};

/// A set of enumeration members, by their numbers, as a bit mask.
#[must_use]
pub const fn bits(members: &[u8]) -> u8 {
    let mut mask = 0;
    let mut at = 0;
    while at < members.len() {
        mask |= 1 << members[at];
        at += 1;
    }
    mask
}

/// Sets are bit masks: bit n is the enumeration's member n.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Set of `OrderType`.
    pub order_types: u8,
    /// Set of `TimeInForce`.
    pub times_in_force: u8,
    /// Whether it takes orders that may only wait in the book.
    pub post_only: bool,
    /// Whether it takes orders that may only lower the position.
    pub reduce_only: bool,
    /// Whether it replaces orders.
    pub replace: bool,
    /// Whether its fills may be busted until they are settled.
    pub provisional_fills: bool,
    /// Whether its idempotency keys are 1, 2, 3 and so on.
    pub dense_keys: bool,
    /// How long reports on a closed order may come.
    pub retention_ns: Time,
    /// Whether it holds groups itself.
    pub groups: bool,
}

/// What the simulated venue does in this version.
pub const SIMULATOR: Capabilities = Capabilities {
    order_types: bits(&[OrderType::Market as u8, OrderType::Limit as u8]),
    times_in_force: bits(&[TimeInForce::Gtc as u8, TimeInForce::Ioc as u8, TimeInForce::Fok as u8]),
    post_only: false,
    reduce_only: false,
    replace: true,
    provisional_fills: false,
    dense_keys: true,
    retention_ns: Time(0),
    groups: false,
};

/// When a market order fills on bars.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum FillModel {
    /// At the next bar's open.
    NextOpen = 0,
    /// At the close it was decided on.
    SameClose = 1,
}
numbered!(FillModel { NextOpen, SameClose });

/// A declared venue: outside, or simulated in this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Venue {
    /// As it is shown.
    pub name: String,
    /// Whether it is simulated in this process.
    pub simulated: bool,
    /// What it can do.
    pub capabilities: Capabilities,
    /// When its market orders fill.
    pub fill: FillModel,
    /// From decision to the venue, for every command; ns.
    pub submit_latency: Time,
    /// From the venue to the engine; ns.
    pub report_latency: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_bit_of_each_member() {
        assert_eq!(bits(&[0, 3, 4]), 0b1_1001);
        assert_eq!((SIMULATOR.order_types, SIMULATOR.times_in_force), (0b11, 0b111));
    }
}
