//! The simulated venue: matches every order type on bars, trades and quotes, and holds groups. Its fill table is
//! contract/fills.toml.
//!
//! Read `order`, then `group`, `lane`, `path`, `fill`, `desk`, `bars`, `ticks`, `venue`.

mod bars;
mod desk;
mod fill;
mod group;
mod lane;
mod order;
mod path;
mod ticks;
mod venue;

pub use desk::{Desk, longest_command, longest_way};
pub use group::{Gone, Groups, Tally};
pub use lane::Lane;
pub use order::{Cause, Command, CommandKind, FillRule, NO_CAUSE, Phase, Point, Report, VenueOrder, mode_of};
pub use venue::SimulatedVenue;
