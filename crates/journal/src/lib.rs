//! The writer of a run's journal: `docs/reference/journal.md` says what the bytes are.
//!
//! `files` is the file system as the journal uses it, `writer` puts frames into segments and keeps the chain, `thread` takes the
//! writer off the engine's thread. Deliberately not here: what is in a frame (the core's `codec`), and reading: a journal is read,
//! verified and repaired by the Python package, for which `skim` passes over the frames that are in order.

#![forbid(unsafe_code)]

mod files;
mod skim;
mod thread;
mod writer;

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;

pub use files::{Files, Folder, segment_name};
pub use skim::{Skimmed, skim};
pub use thread::{QUEUE_BYTES, Threaded};
pub use writer::{JournalError, Policy, Position, Resume, SEAL_FRAME, SEGMENT_FRAME, Spec, Writer};
