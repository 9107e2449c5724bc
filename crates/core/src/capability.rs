//! What a venue can do, as it declares it (contract/capabilities.toml), and how the simulated venue behaves.
//!
//! Whether an order asks for too much is checked in `admission`.

use crate::units::{RATE_ONE, Rate, Time, numbered};

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

/// What the simulated venue does: everything but busts.
pub const SIMULATOR: Capabilities = Capabilities {
    order_types: 0b111_1111,
    times_in_force: 0b1_1111,
    post_only: true,
    reduce_only: true,
    replace: true,
    provisional_fills: false,
    dense_keys: true,
    retention_ns: Time(0),
    groups: true,
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
    /// From decision to the venue, for a new order; ns.
    pub submit_latency: Time,
    /// From the venue to the engine; ns.
    pub report_latency: Time,
    /// From decision to the venue, for a cancel; ns.
    pub cancel_latency: Time,
    /// From decision to the venue, for a replace; ns.
    pub replace_latency: Time,
    /// What each message takes at most beyond its latency, drawn evenly; ns.
    pub latency_jitter: Time,
    /// Share of a bar's volume, of a trade or of the top of the book that all orders together may fill; 0 is without limit.
    pub participation: Rate,
    /// What takers pay beyond the price, as a share of it.
    pub slippage: Rate,
    /// And in ticks.
    pub slippage_ticks: i64,
    /// Between bid and ask, as a share of the price, where the data has one price only: takers pay half of it.
    pub spread: Rate,
    /// And in ticks.
    pub spread_ticks: i64,
    /// How likely a limit fills that the price touches but does not cross.
    pub touch_probability: Rate,
}

impl Default for Venue {
    /// The simulated venue at its plainest: without latency, costs and limits.
    fn default() -> Self {
        Self {
            name: String::new(),
            simulated: true,
            capabilities: SIMULATOR,
            fill: FillModel::NextOpen,
            submit_latency: Time(0),
            report_latency: Time(0),
            cancel_latency: Time(0),
            replace_latency: Time(0),
            latency_jitter: Time(0),
            participation: Rate(0),
            slippage: Rate(0),
            slippage_ticks: 0,
            spread: Rate(0),
            spread_ticks: 0,
            touch_probability: RATE_ONE,
        }
    }
}

/// A year.
pub const MAX_LATENCY: Time = Time(366 * 86_400_000_000_000);
/// More ticks than any spread has.
pub const MAX_TICKS: i64 = 1_000_000;

/// Why the declaration is invalid, or none.
#[must_use]
pub fn venue_problem(venue: &Venue) -> Option<String> {
    let bounded = [
        ("submit_latency", venue.submit_latency.0, MAX_LATENCY.0),
        ("report_latency", venue.report_latency.0, MAX_LATENCY.0),
        ("cancel_latency", venue.cancel_latency.0, MAX_LATENCY.0),
        ("replace_latency", venue.replace_latency.0, MAX_LATENCY.0),
        ("latency_jitter", venue.latency_jitter.0, MAX_LATENCY.0),
        ("participation", venue.participation.0, RATE_ONE.0),
        ("slippage", venue.slippage.0, RATE_ONE.0),
        ("slippage_ticks", venue.slippage_ticks, MAX_TICKS),
        ("spread", venue.spread.0, RATE_ONE.0),
        ("spread_ticks", venue.spread_ticks, MAX_TICKS),
        ("touch_probability", venue.touch_probability.0, RATE_ONE.0),
    ];
    let wrong = bounded.iter().find(|(_, value, most)| !(0..=*most).contains(value));
    wrong.map(|(name, value, most)| format!("{name} {value} is outside 0..{most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_bit_of_each_member() {
        assert_eq!(bits(&[0, 3, 4]), 0b1_1001);
        assert_eq!(SIMULATOR.order_types, bits(&[0, 1, 2, 3, 4, 5, 6]));
        assert_eq!(SIMULATOR.times_in_force, bits(&[0, 1, 2, 3, 4]));
    }
}
