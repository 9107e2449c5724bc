//! The writer: frames into segments, the chain over blocks, and what is durable when.
//!
//! The order of steps is chosen so that a crash between any two of them leaves a journal that recovery understands: a segment ends
//! with a SEAL before the next one exists, and nothing is written into a segment whose name may still be lost. Deliberately not
//! here: the thread, and time; `thread` has both.

use std::io::{Error, ErrorKind, Result as IoResult};
use std::mem::take;
use std::sync::Arc;

use cracktrader_core::codec::{FRAME_BYTES, Seal, Segment, encode_seal, encode_segment, fill_crc};
use sha2::{Digest, Sha256};
use thiserror::Error as ThisError;

use crate::files::{Files, segment_name};

/// Bytes of a SEGMENT frame: kind, magic, format, number, run, head.
pub const SEGMENT_FRAME: usize = FRAME_BYTES + 1 + 8 + 2 + 4 + 32 + 32;
/// Bytes of a SEAL frame: kind, last seq, head.
pub const SEAL_FRAME: usize = FRAME_BYTES + 1 + 8 + 32;

/// An operation on a file failed, and with it the journal: nothing is acknowledged after it, and nothing is tried again.
#[derive(Clone, Debug, ThisError)]
#[error("cannot {operation} {file}: {error}")]
pub struct JournalError {
    /// What was to be done: create, reopen, write, sync or close.
    pub operation: &'static str,
    /// The file's name in the folder of segments.
    pub file: String,
    /// What the system said.
    pub error: Arc<Error>,
}

/// When what was appended is on the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// When the system likes: nothing is ever synced.
    Os,
    /// After so many frames, or so long after the first that is not; the writer counts, its thread looks at the clock.
    Group {
        /// Frames.
        records: u64,
        /// Milliseconds.
        milliseconds: u64,
    },
    /// Before any command leaves: the engine calls `sync`.
    Always,
}

/// Where a journal goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The last segment's number.
    pub segment: u32,
    /// Bytes of it that are kept.
    pub size: u64,
    /// The chain's head at its last SEAL.
    pub head: [u8; 32],
    /// The frames since then.
    pub open_frames: Vec<u8>,
    /// Seq of the last step in it.
    pub last_seq: u64,
}

/// What a writer needs to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// The run, and the chain's head before the first block.
    pub run_id: [u8; 32],
    /// A segment ends with the SEAL with which it has so many bytes.
    pub segment_bytes: u64,
    /// When what was appended is durable.
    pub policy: Policy,
    /// None for a new journal.
    pub resume: Option<Resume>,
}

/// How far the journal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// The segment that is written, from 1.
    pub segment: u32,
    /// Bytes in it.
    pub offset: u64,
    /// The chain's head at the last SEAL.
    pub head: [u8; 32],
    /// Seq of the last step in it.
    pub last_seq: u64,
}

/// A file with its name, for what is said when it fails.
#[derive(Debug)]
struct Open<H> {
    name: String,
    handle: H,
}

/// Writes one journal. After an error every call returns that error.
#[derive(Debug)]
pub struct Writer<F: Files> {
    files: F,
    run_id: [u8; 32],
    segment_bytes: u64,
    policy: Policy,
    at: Position,
    current: Option<Open<F::Handle>>,
    /// The hash of the block so far, begun with the head before it.
    block: Sha256,
    /// Whether the block has frames.
    open: bool,
    /// Whether the segment ended: the next frames go into a new one.
    full: bool,
    /// Frames since the last sync.
    unsynced: u64,
    durable_seq: u64,
    failed: Option<JournalError>,
}

type Done<T = ()> = Result<T, JournalError>;

impl<F: Files> Writer<F> {
    /// Begin a journal, or go on with one.
    pub fn new(files: F, spec: Spec) -> Done<Self> {
        let Spec { run_id, segment_bytes, policy, resume } = spec;
        let mut writer = Self {
            files,
            run_id,
            segment_bytes,
            policy,
            at: Position { head: run_id, ..Position::default() },
            current: None,
            block: Sha256::new().chain_update(run_id),
            open: false,
            full: false,
            unsynced: 0,
            durable_seq: 0,
            failed: None,
        };
        match resume {
            None => writer.begin_segment()?,
            Some(resume) => writer.resume(resume)?,
        }
        Ok(writer)
    }

    fn resume(&mut self, resume: Resume) -> Done {
        let Resume { segment, size, head, open_frames, last_seq } = resume;
        let name = segment_name(segment);
        let handle = again(|| self.files.reopen(&name, size)).map_err(|error| failure("reopen", &name, error))?;
        self.current = Some(Open { name, handle });
        self.at = Position { segment, offset: size, head, last_seq };
        self.block = Sha256::new().chain_update(head).chain_update(&open_frames);
        self.open = !open_frames.is_empty();
        // The crash was between the SEAL that ended the segment and the next one.
        self.full = !self.open && size >= self.segment_bytes && size > SEGMENT_FRAME as u64;
        self.durable_seq = last_seq;
        // Who wrote the kept part may have died before it was on the medium.
        self.unsynced = 1;
        self.sync_with_name()
    }

    /// Append whole frames, whose CRCs are filled in here, up to the step `last_seq`. `seals`: the block ends with them. The buffer
    /// comes back empty.
    pub fn append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Done {
        self.alive()?;
        let done = self.try_append(frames, last_seq, seals);
        frames.clear();
        self.keep(done)
    }

    fn try_append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Done {
        if self.full {
            self.rotate()?;
        }
        self.unsynced += fill_crcs(frames);
        self.open |= !frames.is_empty();
        self.block.update(&*frames);
        let seals = seals && self.open;
        if seals {
            self.at.head = take(&mut self.block).finalize().into();
            self.block.update(self.at.head);
            self.open = false;
            encode_seal(frames, &Seal { last_seq, head: self.at.head });
        }
        self.write(frames)?;
        self.at.last_seq = last_seq;
        self.full = seals && self.at.offset >= self.segment_bytes;
        match self.policy {
            Policy::Os => self.durable_seq = last_seq,
            Policy::Group { records, .. } if self.unsynced >= records => self.try_sync()?,
            Policy::Group { .. } | Policy::Always => {}
        }
        Ok(())
    }

    /// Return when all that was appended is on the medium, or for `Os` with the system.
    pub fn sync(&mut self) -> Done {
        self.alive()?;
        let done = self.try_sync();
        self.keep(done)
    }

    fn try_sync(&mut self) -> Done {
        if self.unsynced > 0 && self.policy != Policy::Os {
            let Some(current) = &mut self.current else { return Err(closed()) };
            again(|| self.files.sync(&mut current.handle)).map_err(|error| failure("sync", &current.name, error))?;
        }
        self.unsynced = 0;
        self.durable_seq = self.at.last_seq;
        Ok(())
    }

    fn sync_with_name(&mut self) -> Done {
        self.try_sync()?;
        if self.policy == Policy::Os {
            return Ok(());
        }
        again(|| self.files.sync_folder()).map_err(|error| failure("sync", "the folder of segments", error))
    }

    /// Done with the journal: what was appended is written, and on the medium but for `Os`.
    pub fn close(&mut self) -> Done {
        self.alive()?;
        self.sync()?;
        let done = self.close_current();
        self.keep(done)
    }

    /// How far the journal is written.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.at
    }

    /// The last step that the policy counts as safe: on the medium, or for `Os` with the system.
    #[must_use]
    pub const fn durable_seq(&self) -> u64 {
        self.durable_seq
    }

    /// Whether something was appended and not synced.
    #[must_use]
    pub const fn is_behind(&self) -> bool {
        self.unsynced > 0
    }

    // Segments

    /// A segment is made whole before anything is written into it: its SEGMENT frame, and its name in the folder.
    fn begin_segment(&mut self) -> Done {
        let number = self.at.segment + 1;
        let name = segment_name(number);
        let handle = again(|| self.files.create(&name)).map_err(|error| failure("create", &name, error))?;
        self.current = Some(Open { name, handle });
        self.at.segment = number;
        self.at.offset = 0;
        let mut opening = Vec::with_capacity(SEGMENT_FRAME);
        encode_segment(&mut opening, &Segment { number, run_id: self.run_id, head: self.at.head });
        self.write(&opening)?;
        self.unsynced += 1;
        self.full = false;
        self.sync_with_name()
    }

    fn rotate(&mut self) -> Done {
        self.try_sync()?;
        self.close_current()?;
        self.begin_segment()
    }

    // Files

    fn write(&mut self, mut bytes: &[u8]) -> Done {
        let Some(current) = &mut self.current else { return Err(closed()) };
        while !bytes.is_empty() {
            let written = again(|| self.files.write(&mut current.handle, bytes)).and_then(|count| {
                let taken = (1..=bytes.len()).contains(&count);
                taken.then_some(count).ok_or_else(|| Error::new(ErrorKind::WriteZero, "it takes no more bytes"))
            });
            let count = written.map_err(|error| failure("write", &current.name, error))?;
            self.at.offset += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// An interrupted close is done: the descriptor is gone.
    fn close_current(&mut self) -> Done {
        let Some(Open { name, handle }) = self.current.take() else { return Err(closed()) };
        match self.files.close(handle) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(failure("close", &name, error)),
            _ => Ok(()),
        }
    }

    // Errors

    fn alive(&self) -> Done {
        match &self.failed {
            Some(failed) => Err(failed.clone()),
            None if self.current.is_none() => Err(closed()),
            None => Ok(()),
        }
    }

    /// The first error ends the journal: after a failed sync nobody knows what is on the medium, and asking again would lie.
    fn keep<T>(&mut self, done: Done<T>) -> Done<T> {
        if let Err(failed) = &done {
            self.failed = Some(failed.clone());
        }
        done
    }
}

/// An interrupted system call did nothing: it is made again.
fn again<T>(mut call: impl FnMut() -> IoResult<T>) -> IoResult<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn failure(operation: &'static str, file: &str, error: Error) -> JournalError {
    JournalError { operation, file: file.into(), error: Arc::new(error) }
}

fn closed() -> JournalError {
    failure("write", "the journal", Error::other("it is closed"))
}

/// Fill in the CRC of every frame; how many there are. Frames are whole: the engine's builder made them.
pub(crate) fn fill_crcs(frames: &mut [u8]) -> u64 {
    let (mut at, mut count) = (0, 0);
    while let Some(length) = frames[at..].first_chunk() {
        let end = at + FRAME_BYTES + u32::from_le_bytes(*length) as usize;
        fill_crc(&mut frames[at..end]);
        (at, count) = (end, count + 1);
    }
    assert!(at == frames.len(), "{} bytes after the last whole frame", frames.len() - at);
    count
}
