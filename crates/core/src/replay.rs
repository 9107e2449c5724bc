//! Replay: recorded steps through the engine again, in the recorded order, with the recorded answers or the strategies themselves.
//! Every frame must come out to the byte; the first that does not is named.
//!
//! An engine with its venues does everything again, and can go on where the record ends; one made by `Engine::of_records` takes every
//! item from the record, reports of simulated venues included. Which files the frames come from is not here.

use thiserror::Error;

use crate::codec::{
    Answer, CodecError, DataRun, Kind, Record, decode_data_run, decode_end, decode_record, encode_end, frames, seq_of,
};
use crate::config::Config;
use crate::engine::{ConfigProblem, Engine, Host, Response};
use crate::event::{Event, Payload};
use crate::sequencer::Origin;
use crate::units::StrategyIndex;
use crate::view::View;

/// A replayed step differs from its record.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the step with seq {seq_id} replays to other bytes than recorded")]
pub struct ReplayMismatch {
    /// The step.
    pub seq_id: u64,
    /// Its frame; empty where it is one of a stretch of data steps.
    pub recorded: Vec<u8>,
    /// What came out; empty where it is one of a stretch of data steps, or where there was nothing to take.
    pub made: Vec<u8>,
}

/// Why a replay ends early.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ReplayError {
    /// The configuration cannot be run.
    #[error(transparent)]
    Config(#[from] ConfigProblem),
    /// Bytes that are no record.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A step differs.
    #[error(transparent)]
    Mismatch(#[from] Box<ReplayMismatch>),
}

/// Answers callbacks with what was recorded.
#[derive(Clone, Debug, Default)]
pub struct RecordedHost {
    /// Of the step under way that were not given yet.
    answers: Vec<Answer>,
    interrupted: bool,
}

impl Host for RecordedHost {
    /// Everything: who answered is in the record.
    fn wants(&self, _: StrategyIndex) -> u64 {
        u64::MAX
    }

    /// The recorded answer of the strategy, or None.
    fn call(&mut self, strategy: StrategyIndex, _: &Event, _: bool, view: &mut View<'_>) -> Option<Response> {
        if self.interrupted {
            return Some(Response { interrupted: true, ..Response::default() });
        }
        let place = self.answers.iter().position(|answer| answer.strategy == strategy)?;
        let answer = self.answers.swap_remove(place);
        view.restore(strategy, answer.random_counter, answer.next_timer);
        for declared in &answer.declarations {
            // One that cannot be declared leaves no trace, so that the record differs and is named.
            let _ = view.declare(strategy, *declared);
        }
        Some(Response {
            intents: answer.intents.into_iter().map(|(intent, _)| intent).collect(),
            timers: answer.timers,
            error: answer.error,
            interrupted: false,
        })
    }
}

/// Who answers in a replay.
pub trait Answers: Host {
    /// Whether strategies are called in a stretch of data steps, where none has answered.
    const IN_STRETCHES: bool;

    /// The step that is taken next; its answers may be taken out of it.
    fn next(&mut self, record: &mut Record);
}

impl Answers for RecordedHost {
    const IN_STRETCHES: bool = false;

    fn next(&mut self, record: &mut Record) {
        self.answers = std::mem::take(&mut record.answers);
        self.interrupted = record.interrupted;
    }
}

/// The strategies themselves, through the host that calls them in a run.
#[derive(Debug)]
pub struct Strategies<'a, H: Host + ?Sized>(pub &'a mut H);

impl<H: Host + ?Sized> Host for Strategies<'_, H> {
    fn wants(&self, strategy: StrategyIndex) -> u64 {
        self.0.wants(strategy)
    }

    fn call(
        &mut self,
        strategy: StrategyIndex,
        event: &Event,
        status_changed: bool,
        view: &mut View<'_>,
    ) -> Option<Response> {
        self.0.call(strategy, event, status_changed, view)
    }

    fn pass_over(&mut self, strategy: StrategyIndex, view: &mut View<'_>) -> Option<Response> {
        self.0.pass_over(strategy, view)
    }
}

impl<H: Host + ?Sized> Answers for Strategies<'_, H> {
    const IN_STRETCHES: bool = true;

    fn next(&mut self, _: &mut Record) {}
}

/// Recorded steps through one engine. What it has taken already is passed over, so that frames from before a checkpoint do no harm.
#[derive(Debug)]
pub struct Replay<'a> {
    engine: &'a mut Engine,
    until: Option<u64>,
    /// An interrupted step, until it is known whether it was done again: only where no venue can do it again.
    held: Option<(Record, Vec<u8>)>,
}

impl<'a> Replay<'a> {
    /// With `until`, it stops when the engine has taken that seq.
    pub fn new(engine: &'a mut Engine, embedded: bool, until: Option<u64>) -> Self {
        engine.record_steps(embedded);
        Self { engine, until, held: None }
    }

    fn is_over(&self) -> bool {
        let state = &self.engine.store.state;
        state.started && self.until.is_some_and(|until| state.seq >= until)
    }

    /// A chunk of whole frames.
    pub fn follow<A: Answers>(&mut self, data: &[u8], answers: &mut A) -> Result<(), ReplayError> {
        self.engine.ask_wants(answers);
        for found in frames(data) {
            if self.is_over() {
                break;
            }
            let (kind, frame) = found?;
            if kind == Kind::Step as u8 {
                if !self.was_taken(seq_of(frame)) {
                    self.step(decode_record(frame)?, frame, answers)?;
                }
            } else if kind == Kind::DataRun as u8 {
                self.run(&decode_data_run(frame)?, frame, answers)?;
            } else if kind == Kind::End as u8 {
                self.end(frame)?;
            }
        }
        Ok(())
    }

    /// There are no more frames.
    pub fn finish<A: Answers>(&mut self, answers: &mut A) -> Result<(), ReplayError> {
        match self.held.take() {
            Some((mut record, frame)) => self.compare(&mut record, &frame, answers),
            None => Ok(()),
        }
    }

    const fn was_taken(&self, seq: u64) -> bool {
        let state = &self.engine.store.state;
        state.started && seq <= state.seq
    }

    fn step<A: Answers>(&mut self, mut record: Record, frame: &[u8], answers: &mut A) -> Result<(), ReplayError> {
        self.held = None;
        if !record.interrupted {
            self.compare(&mut record, frame, answers)?;
        } else if self.engine.replaying() {
            self.held = Some((record, frame.to_vec()));
        } else {
            // It is done again, by the next record or by whoever goes on; what came from outside must not get lost.
            self.push(&record);
        }
        Ok(())
    }

    /// Take the step and hold its frame against the recorded one.
    fn compare<A: Answers>(&mut self, record: &mut Record, frame: &[u8], answers: &mut A) -> Result<(), ReplayError> {
        answers.next(record);
        if self.engine.replaying() {
            self.take(record, frame, answers)?;
        } else if !self.do_again(record, answers) {
            return Err(mismatch(record.event.seq_id, frame, &[]));
        }
        self.engine.outgoing.outbox.clear();
        let made = &self.engine.last_record;
        if made == frame { Ok(()) } else { Err(mismatch(record.event.seq_id, frame, made)) }
    }

    /// Let the engine take its next step; false when it has none.
    fn do_again<A: Answers>(&mut self, record: &Record, answers: &mut A) -> bool {
        match &record.event.payload {
            Payload::Start(_) => self.engine.start(answers),
            Payload::DataEnded(_) => self.engine.end_data(answers),
            Payload::RunStopped(_) => self.engine.conclude(answers),
            _ => {
                self.push(record);
                return self.engine.step(answers);
            }
        }
        true
    }

    /// What came from outside comes from there again, unless an interrupted step left it waiting.
    fn push(&mut self, record: &Record) {
        if record.origin == Origin::Outside && self.engine.sequencer.outside() == 0 {
            self.engine.push(Event { seq_id: 0, ..record.event.clone() });
        }
    }

    /// The recorded item; of attached data, the row it was.
    fn take<A: Answers>(&mut self, record: &Record, frame: &[u8], answers: &mut A) -> Result<(), ReplayError> {
        let item = Event { seq_id: 0, ..record.event.clone() };
        if record.origin == Origin::Data
            && self.engine.sequencer.rows().next().is_some()
            && self.engine.next_data().as_ref() != Some(&item)
        {
            return Err(mismatch(record.event.seq_id, frame, &[]));
        }
        self.engine.take(item, record.depth, record.origin, answers);
        Ok(())
    }

    /// A stretch of data steps, or the rest of it.
    fn run<A: Answers>(&mut self, run: &DataRun, frame: &[u8], answers: &mut A) -> Result<(), ReplayError> {
        let wanted = self.engine.wanted();
        if !A::IN_STRETCHES {
            self.engine.want(0);
        }
        let last = self.until.map_or(run.last(), |until| until.min(run.last()));
        while self.engine.store.state.seq < run.last() && !self.is_over() {
            let left = last.saturating_sub(self.engine.store.state.seq);
            if self.engine.take_stretch(left, answers) == 0 && !self.next_data_step(answers) {
                return Err(mismatch(self.engine.store.state.seq + 1, frame, &[]));
            }
            if !self.engine.idle {
                return Err(mismatch(self.engine.store.state.seq, &[], &self.engine.last_record));
            }
        }
        self.engine.want(wanted);
        Ok(())
    }

    fn next_data_step<A: Answers>(&mut self, answers: &mut A) -> bool {
        if !self.engine.replaying() {
            return self.engine.step(answers);
        }
        let Some(row) = self.engine.next_data() else { return false };
        self.engine.take(row, 0, Origin::Data, answers);
        true
    }

    fn end(&mut self, frame: &[u8]) -> Result<(), ReplayError> {
        let end = decode_end(frame)?;
        let mut made = self.engine.end();
        if self.engine.replaying() {
            // The venues have no part in it.
            made.venues = end.venues;
        }
        if made == end {
            return Ok(());
        }
        let mut bytes = Vec::new();
        encode_end(&mut bytes, &made);
        Err(mismatch(end.last_seq, frame, &bytes))
    }
}

fn mismatch(seq_id: u64, recorded: &[u8], made: &[u8]) -> ReplayError {
    Box::new(ReplayMismatch { seq_id, recorded: recorded.to_vec(), made: made.to_vec() }).into()
}

/// The engine after the recorded steps alone, without data or venues. `ReplayMismatch` at the first that differs, `CodecError` for bytes
/// that are no record.
pub fn replay<R: AsRef<[u8]>>(config: Config, records: impl IntoIterator<Item = R>) -> Result<Engine, ReplayError> {
    let mut host = RecordedHost::default();
    let mut engine = Engine::of_records(config, true)?;
    let mut going = Replay::new(&mut engine, true, None);
    for data in records {
        going.follow(data.as_ref(), &mut host)?;
    }
    going.finish(&mut host)?;
    Ok(engine)
}
