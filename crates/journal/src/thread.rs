//! The writer on a thread of its own, behind a queue that is bounded by bytes: hashing, writing and syncing cost the engine nothing
//! until the queue is full, and then they hold it back.
//!
//! Deliberately not here: what is written where; that is `writer`.

use std::collections::VecDeque;
use std::io::Error;
use std::mem::{replace, take};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, panicking};
use std::time::{Duration, Instant};

use crate::files::Files;
use crate::writer::{JournalError, Policy, Position, Spec, Writer};

/// Bytes that may wait to be written; at most one batch is taken beyond them.
pub const QUEUE_BYTES: usize = 8 << 20;
/// Batches that do not end a block are joined up to so many bytes.
const JOINED_BYTES: usize = 64 << 10;

type Done<T = ()> = Result<T, JournalError>;

/// A writer on its own thread. After an error every call returns that error. Dropping it writes what was appended.
#[derive(Debug)]
pub struct Threaded {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do for the writer.
    wake: Condvar,
    /// The writer did something.
    done: Condvar,
    durable_seq: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Batch>,
    /// What the batches that are not written yet hold on to.
    bytes: usize,
    /// Buffers for the engine to fill again.
    spare: Vec<Vec<u8>>,
    /// The number of the last sync that was asked for, and of the last that was done.
    asked: u64,
    synced: u64,
    position: Position,
    closing: bool,
    ended: bool,
    failed: Option<JournalError>,
}

#[derive(Debug)]
struct Batch {
    frames: Vec<u8>,
    last_seq: u64,
    seals: bool,
}

/// What the writer does next.
enum Work {
    Write,
    Sync(u64),
    /// The oldest frame that is not synced has waited long enough.
    Due,
    Close,
}

impl Threaded {
    /// Begin a journal, or go on with one: its files are opened before this returns.
    pub fn new<F>(files: F, spec: Spec) -> Done<Self>
    where
        F: Files + Send + 'static,
        F::Handle: Send,
    {
        let patience = match spec.policy {
            Policy::Group { milliseconds, .. } => Some(Duration::from_millis(milliseconds)),
            Policy::Os | Policy::Always => None,
        };
        let writer = Writer::new(files, spec)?;
        let state = Mutex::new(State { position: writer.position(), ..State::default() });
        let durable_seq = AtomicU64::new(writer.durable_seq());
        let shared = Arc::new(Shared { state, wake: Condvar::new(), done: Condvar::new(), durable_seq });
        let ending = Ending(Arc::clone(&shared));
        let run = move || ending.0.run(writer, patience);
        match Builder::new().name("cracktrader-journal".into()).spawn(run) {
            Ok(thread) => Ok(Self { shared, thread: Some(thread) }),
            Err(error) => Err(failure("start", error)),
        }
    }

    /// Append whole frames up to the step `last_seq`; `seals`: the block ends with them. Waits while the queue is full. The buffer
    /// comes back empty.
    pub fn append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Done {
        let mut state = self.shared.lock();
        while state.is_full(frames) && !state.ended {
            state = self.shared.wait_done(state);
        }
        self.shared.put(state, frames, last_seq, seals)
    }

    /// Append like `append`, if there is room; whether there was.
    pub fn try_append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Done<bool> {
        let state = self.shared.lock();
        if state.is_full(frames) && !state.ended {
            return Ok(false);
        }
        self.shared.put(state, frames, last_seq, seals).map(|()| true)
    }

    /// Wait until all that was appended is on the medium, or for `Policy::Os` with the system; where the journal then stands.
    pub fn sync(&mut self) -> Done<Position> {
        let mut state = self.shared.lock();
        state.alive()?;
        state.asked += 1;
        let mine = state.asked;
        self.shared.wake.notify_one();
        while state.synced < mine && !state.ended {
            state = self.shared.wait_done(state);
        }
        state.alive()?;
        Ok(state.position)
    }

    /// Wait until all that was appended is written, and on the medium but for `Policy::Os`, and end the thread.
    pub fn close(&mut self) -> Done {
        let Some(thread) = self.thread.take() else { return self.shared.lock().alive() };
        self.shared.lock().closing = true;
        self.shared.wake.notify_one();
        // How the thread ended is in the state, a panic included.
        let _ = thread.join();
        self.shared.lock().failed.clone().map_or(Ok(()), Err)
    }

    /// The last step that the policy counts as safe: on the medium, or for `Policy::Os` with the system.
    #[must_use]
    pub fn durable_seq(&self) -> u64 {
        self.shared.durable_seq.load(Ordering::Acquire)
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        // Who wants to know how it went has called `close`.
        let _ = self.close();
    }
}

impl State {
    /// A batch larger than the queue goes in alone.
    fn is_full(&self, frames: &Vec<u8>) -> bool {
        self.bytes > 0 && self.bytes + frames.capacity() > QUEUE_BYTES
    }

    fn alive(&self) -> Done {
        match &self.failed {
            Some(failed) => Err(failed.clone()),
            None if self.ended => Err(failure("write", Error::other("it is closed"))),
            None => Ok(()),
        }
    }
}

impl Shared {
    /// A panic of the writer leaves nothing half done that anyone reads on: the state says that it ended.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_done<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.done.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Small batches join the last one, so that a writer that fell behind catches up with few calls.
    fn put(&self, mut state: MutexGuard<'_, State>, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Done {
        state.alive()?;
        let joins = |last: &&mut Batch| !last.seals && last.frames.len() + frames.len() <= JOINED_BYTES;
        if let Some(last) = state.queue.back_mut().filter(joins) {
            let held = last.frames.capacity();
            last.frames.append(frames);
            (last.last_seq, last.seals) = (last_seq, seals);
            let more = last.frames.capacity() - held;
            state.bytes += more;
            return Ok(());
        }
        state.bytes += frames.capacity();
        let spare = state.spare.pop().unwrap_or_default();
        state.queue.push_back(Batch { frames: replace(frames, spare), last_seq, seals });
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    // On the writer's thread

    fn run<F: Files>(&self, mut writer: Writer<F>, patience: Option<Duration>) {
        if let Err(failed) = self.serve(&mut writer, patience) {
            self.lock().failed = Some(failed);
        }
    }

    fn serve<F: Files>(&self, writer: &mut Writer<F>, patience: Option<Duration>) -> Done {
        let mut batches = VecDeque::new();
        let mut due = None;
        loop {
            match self.next(&mut batches, due) {
                Work::Write => {
                    while let Some(batch) = batches.pop_front() {
                        self.write(writer, batch)?;
                        due = due_after(writer, due, patience);
                        if due.is_some_and(|due| due <= Instant::now()) {
                            self.sync(writer)?;
                            due = None;
                        }
                    }
                }
                Work::Due => {
                    self.sync(writer)?;
                    due = None;
                }
                Work::Sync(number) => {
                    self.sync(writer)?;
                    due = None;
                    let mut state = self.lock();
                    (state.synced, state.position) = (number, writer.position());
                    self.done.notify_all();
                }
                Work::Close => {
                    writer.close()?;
                    self.durable_seq.store(writer.durable_seq(), Ordering::Release);
                    return Ok(());
                }
            }
        }
    }

    /// Wait for something to do. What was queued before a sync was asked for is written before it.
    fn next(&self, batches: &mut VecDeque<Batch>, due: Option<Instant>) -> Work {
        let mut state = self.lock();
        loop {
            if !state.queue.is_empty() {
                *batches = take(&mut state.queue);
                return Work::Write;
            }
            if state.asked > state.synced {
                return Work::Sync(state.asked);
            }
            if state.closing {
                return Work::Close;
            }
            let Some(due) = due else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Work::Due;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write<F: Files>(&self, writer: &mut Writer<F>, batch: Batch) -> Done {
        let Batch { mut frames, last_seq, seals } = batch;
        let held = frames.capacity();
        writer.append(&mut frames, last_seq, seals)?;
        self.durable_seq.store(writer.durable_seq(), Ordering::Release);
        let mut state = self.lock();
        state.bytes -= held;
        state.spare.push(frames);
        self.done.notify_all();
        Ok(())
    }

    fn sync<F: Files>(&self, writer: &mut Writer<F>) -> Done {
        writer.sync()?;
        self.durable_seq.store(writer.durable_seq(), Ordering::Release);
        Ok(())
    }
}

/// When the frames that are not synced have waited long enough: as long after the first of them as the group may wait.
fn due_after<F: Files>(writer: &Writer<F>, due: Option<Instant>, patience: Option<Duration>) -> Option<Instant> {
    let patience = patience.filter(|_| writer.is_behind())?;
    due.or_else(|| Instant::now().checked_add(patience))
}

/// However the thread ends, whoever waits for it is told.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        if panicking() && state.failed.is_none() {
            state.failed = Some(failure("write", Error::other("the writer's thread panicked")));
        }
        self.0.done.notify_all();
    }
}

fn failure(operation: &'static str, error: Error) -> JournalError {
    JournalError { operation, file: "the journal".into(), error: Arc::new(error) }
}
