//! The engine: the only place where state changes. One step: take an item, commit the fact (A), call the strategies, admit their
//! intents and commit those (B), record.
//!
//! Facts come in through `incoming`, reports staged by `facts` in a `plan`; intents go out through `outgoing`; both change the
//! `store`. Which item is next is `sequencer`. What a run leaves on disk is gathered by `journal`; it is kept, and goes on elsewhere, by
//! a `checkpoint`. Replay takes recorded steps through the same door.

mod callbacks;
mod checkpoint;
mod curve;
mod equity;
mod facts;
mod incoming;
mod journal;
mod outgoing;
mod plan;
mod run;
mod store;
mod stretch;

pub use checkpoint::{CheckpointProblem, FORMAT, MAGIC, bind_again, restore, save};
pub use curve::EquityCurve;
pub use facts::order_ordinal;
pub use incoming::{Committed, EFFECTIVE, Incoming, MARKET_EVENTS};
pub use journal::{Journal, Opening, Policy, Sink, SinkFailed};
pub use outgoing::Outgoing;
pub use plan::Plan;
pub use run::{ConfigProblem, DAY_NS, Engine, Host, Response};
pub use store::{Execution, Store};
