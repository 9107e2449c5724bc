//! The simulated venue: matches every order type on bars, trades and quotes, and holds groups. Its fill table is
//! contract/fills.toml.
//!
//! Read `order`, then `group`, `lane`, `path`, `fill`, `books`, `desk`, `bars`, `ticks`, `venue`.

mod bars;
mod books;
mod desk;
mod fill;
mod group;
mod lane;
mod order;
mod path;
mod ticks;
mod venue;

pub use books::Books;
pub use desk::{Desk, longest_command, longest_way};
pub use group::{Groups, Tally};
pub use lane::Lane;
pub use order::{Cause, Command, CommandKind, FillRule, Phase, Point, Report, VenueOrder};
pub use venue::SimulatedVenue;
