//! The journal of a run as the engine writes it: frames gathered into blocks and handed to a sink. Files, the chain and when what is
//! written is durable are the sink's affair.

use std::fmt::Debug;

use crate::codec::{BLOCK_BYTES, DataRun, End, encode_data_run, encode_end};

/// A sink that failed; it keeps what happened, and takes nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SinkFailed;

/// Who keeps a journal's frames.
pub trait Sink: Debug + Send + Sync {
    /// Whole frames, the last of them of `last_seq`; whether the block ends with them. The CRCs of steps are not filled in: that is left
    /// to the sink. The buffer may be swapped for an empty one.
    fn append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Result<(), SinkFailed>;

    /// Return when everything appended is durable.
    fn sync(&mut self) -> Result<(), SinkFailed>;
}

/// When what is written is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// When the system writes it.
    Os,
    /// After so many recorded steps, or so long.
    Group,
    /// Before anything leaves the process.
    Always,
}

/// Where a journal begins or goes on, as the engine needs to know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening<'a> {
    /// The neutral header as a frame; empty when resuming.
    pub header: &'a [u8],
    /// When what is written is durable.
    pub policy: Policy,
    /// Of the group policy.
    pub records: u32,
    /// Whether rows that change nothing are written, too.
    pub embedded: bool,
    /// Bytes of the block under way that are written already.
    pub held: usize,
    /// seq of the last frame written.
    pub last_seq: u64,
    /// A stretch of data steps that is not written yet.
    pub pending: DataRun,
}

/// The open block of a journal, and the stretch of data steps under way.
#[derive(Debug)]
pub struct Journal {
    /// Who keeps the frames.
    pub sink: Box<dyn Sink>,
    /// Whether the sink failed: nothing more is taken, and nothing leaves.
    pub failed: bool,
    /// The stretch of data steps under way; its count is 0 between them.
    pub pending: DataRun,
    frames: Vec<u8>,
    /// Of the block under way that was handed over.
    held: usize,
    last_seq: u64,
    waits: bool,
    /// Hand over after so many frames; 0 waits for the end of the block.
    every: u32,
    since: u32,
}

impl Journal {
    /// A journal that begins, or goes on.
    #[must_use]
    pub fn new(opening: &Opening<'_>, sink: Box<dyn Sink>) -> Self {
        Self {
            sink,
            failed: false,
            pending: opening.pending,
            frames: opening.header.to_vec(),
            held: opening.held,
            last_seq: opening.last_seq,
            waits: opening.policy == Policy::Always,
            every: match opening.policy {
                Policy::Os => 0,
                Policy::Group => opening.records,
                Policy::Always => 1,
            },
            since: 0,
        }
    }

    /// A data step that changed nothing.
    #[inline]
    pub const fn idle(&mut self, seq: u64) {
        if self.pending.count == 0 {
            self.pending.first = seq;
        }
        self.pending.count += 1;
    }

    /// Where a recorded step's frame is to be written, behind the stretch of data steps before it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.settle();
        &mut self.frames
    }

    /// The frame of a recorded step is in the buffer; whether commands are to leave the process because of it. They may when this
    /// returns and the journal has not failed.
    pub fn step(&mut self, seq: u64, leaves: bool) {
        self.note(seq);
        if leaves || self.held + self.frames.len() >= BLOCK_BYTES {
            self.hand_over(true);
        } else if self.every != 0 && self.since >= self.every {
            self.hand_over(false);
        }
        if leaves && self.waits && !self.failed {
            self.failed = self.sink.sync().is_err();
        }
    }

    /// The run concluded.
    pub fn end(&mut self, end: &End) {
        self.settle();
        encode_end(&mut self.frames, end);
        self.note(end.last_seq);
        self.hand_over(true);
    }

    /// Hand over what there is. A stretch of data steps stays: a timed sync leaves no trace in the bytes.
    pub fn flush(&mut self) {
        if !self.frames.is_empty() {
            self.hand_over(false);
        }
    }

    /// Write the stretch of data steps under way.
    fn settle(&mut self) {
        if self.pending.count != 0 {
            encode_data_run(&mut self.frames, &self.pending);
            let last = self.pending.last();
            self.pending = DataRun { first: 0, count: 0 };
            self.note(last);
        }
    }

    const fn note(&mut self, seq: u64) {
        self.last_seq = seq;
        self.since += 1;
    }

    fn hand_over(&mut self, seals: bool) {
        self.held = if seals { 0 } else { self.held + self.frames.len() };
        self.since = 0;
        if !self.failed {
            self.failed = self.sink.append(&mut self.frames, self.last_seq, seals).is_err();
        }
        self.frames.clear();
    }
}
