//! Replay: recorded steps through the engine again, in the recorded order, with the recorded intents. Every record must come out to
//! the byte; the first that does not is named.
//!
//! Reading a journal from disk, and re-running the strategies, are not here.

use thiserror::Error;

use crate::codec::{CodecError, Record, decode_record};
use crate::config::Config;
use crate::engine::{ConfigProblem, Engine, Host, Response};
use crate::event::Event;
use crate::units::StrategyIndex;
use crate::view::View;

/// A replayed step differs from its record; `seq_id` names the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the step with seq {seq_id} replays to other bytes than recorded")]
pub struct ReplayMismatch {
    /// The step.
    pub seq_id: u64,
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
    Mismatch(#[from] ReplayMismatch),
}

/// Answers callbacks with what was recorded.
#[derive(Clone, Debug, Default)]
pub struct RecordedHost {
    /// The step under way.
    pub record: Option<Record>,
}

impl Host for RecordedHost {
    /// Everything: who answered is in the record.
    fn wants(&self, _: StrategyIndex) -> u64 {
        u64::MAX
    }

    /// The recorded answer of the strategy, or None.
    fn call(&mut self, strategy: StrategyIndex, _: &Event, _: bool, view: &mut View<'_>) -> Option<Response> {
        let record = self.record.as_ref()?;
        if record.interrupted {
            return Some(Response { interrupted: true, ..Response::default() });
        }
        let answer = record.answers.iter().find(|answer| answer.strategy == strategy)?;
        view.restore(strategy, answer.random_counter, answer.next_timer);
        for declared in &answer.declarations {
            // One that cannot be declared leaves no trace, so that the record differs and is named.
            let _ = view.declare(strategy, *declared);
        }
        Some(Response {
            intents: answer.intents.iter().map(|(intent, _)| *intent).collect(),
            timers: answer.timers.clone(),
            error: answer.error.clone(),
            interrupted: false,
        })
    }
}

/// The engine after the recorded steps. `ReplayMismatch` at the first that differs, `CodecError` for bytes that are no record.
pub fn replay<R: AsRef<[u8]>>(config: Config, records: impl IntoIterator<Item = R>) -> Result<Engine, ReplayError> {
    let mut host = RecordedHost::default();
    let mut engine = Engine::replaying(config)?;
    for data in records {
        let record = decode_record(data.as_ref())?;
        let (event, depth) = (record.event.clone(), record.depth);
        let seq_id = event.seq_id;
        host.record = Some(record);
        engine.take(event, depth, &mut host);
        if engine.last_record != data.as_ref() {
            return Err(ReplayMismatch { seq_id }.into());
        }
    }
    Ok(engine)
}
