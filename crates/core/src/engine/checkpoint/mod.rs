//! Checkpoints: everything that a run needs to go on as if it had never stopped, as canonical bytes (docs/reference/journal.md).
//!
//! What follows from other parts is not stored but built again: names of orders, what orders expose, the queue of timers. Not in it:
//! what a run leaves behind (the equity curve, executions, closed orders), which is in the journal, and the data, which is attached
//! before.

mod binding;
mod pending;
mod state;
mod tables;
mod venue;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

pub use binding::bind_again;
use pending::{read_sequencer, save_sequencer};
use state::{
    expose, read_bars, read_indicators, read_money, read_orders, read_reports, read_strategies, save_bars, save_money,
    save_orders, save_reports, save_strategies,
};
use tables::{mapping, read_mapping};
use venue::{read_venue, save_venue};

use super::run::{Engine, Host};
use crate::codec::{
    Canonical, CodecError, Reader, contract_digest, encode_config, encode_indicator, full_root, pack, read_table,
    state_hash, table,
};
use crate::config::Config;
use crate::matching::Command;
use crate::state::{State, new_state};
use crate::units::Time;

/// What every checkpoint begins with.
pub const MAGIC: [u8; 8] = *b"CTCHECKP";
/// What this version writes, and all that it reads.
pub const FORMAT: u16 = 1;
/// Bytes of a digest.
pub const DIGEST_SIZE: usize = 32;

/// Why there is no checkpoint, or why one does not lead on.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CheckpointProblem {
    /// The last step is repeated first.
    #[error("the run was interrupted in step {0}: there is no checkpoint in the middle of a step")]
    Interrupted(u64),
    /// The engine has a state of its own.
    #[error("a checkpoint is restored before the start, this run has reached step {0}")]
    Started(u64),
    /// The bytes are no checkpoint of such an engine.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A strategy does at its start what it did not do then.
    #[error("{0}")]
    Binding(String),
}

/// The run as it stands between two steps.
pub fn save(engine: &Engine) -> Result<Vec<u8>, CheckpointProblem> {
    let state = &engine.store.state;
    if engine.interrupted {
        return Err(CheckpointProblem::Interrupted(state.seq));
    }
    debug_assert!(engine.store.stirred.is_empty(), "groups are tended in the step that touches them");
    let mut out = Vec::with_capacity(4096);
    let to = &mut out;
    save_head(&engine.config, to);
    save_run(engine, to);
    save_orders(state, to);
    save_money(state, to);
    save_reports(state, to);
    save_strategies(state, to);
    save_bars(state, to);
    table(to, state.indicators.len(), &state.indicators, |one, to| to.extend(encode_indicator(one)));
    save_sequencer(&engine.sequencer, to);
    engine.outgoing.outbox.write(to);
    engine.venues.iter().for_each(|venue| save_venue(venue, to));
    to.extend(state_hash(state, &full_root(state)));
    let digest = Sha256::digest(&out);
    out.extend(digest);
    Ok(out)
}

/// Put a new engine of the same configuration, with the same rows, where the checkpoint was made. An error for bytes that are no
/// checkpoint of such an engine, or when it has started: then the engine is as it was.
pub fn restore<H: Host + ?Sized>(engine: &mut Engine, data: &[u8], host: &H) -> Result<(), CheckpointProblem> {
    if engine.store.state.started {
        return Err(CheckpointProblem::Started(engine.store.state.seq));
    }
    let mut reader = opened(&engine.config, data)?;
    let from = &mut reader;
    let mut state = new_state(Arc::clone(&engine.config)).map_err(|_| from.unfit("the opening deposits do not fit"))?;
    let run = read_run(from, &mut state)?;
    read_orders(from, &mut state)?;
    read_money(from, &mut state)?;
    read_reports(from, &mut state)?;
    read_strategies(from, &mut state)?;
    read_bars(from, &mut state)?;
    read_indicators(from, &mut state)?;
    let pending = read_sequencer(from, &engine.sequencer)?;
    let outbox: Vec<Command> = read_table(from, Command::read)?;
    let venues = engine.venues.iter().map(|venue| read_venue(from, venue)).collect::<Result<Vec<_>, _>>()?;
    state.started = run.started;
    expose(from, &mut state)?;
    if from.take(DIGEST_SIZE)? != state_hash(&state, &full_root(&state)) {
        return Err(from.unfit("the state that the checkpoint leads to is not the one that it names").into());
    }
    from.end()?;
    engine.store.state = state;
    engine.concluded = run.concluded;
    engine.stand(run.market_label, run.booked, run.since_check);
    pending.install(&mut engine.sequencer);
    engine.outgoing.outbox = outbox;
    engine.venues = venues;
    engine.store.renew();
    engine.ask_wants(host);
    Ok(())
}

fn save_head(config: &Config, to: &mut Vec<u8>) {
    to.extend(MAGIC);
    FORMAT.write(to);
    to.extend(contract_digest());
    to.extend(Sha256::digest(encode_config(config)));
}

/// A reader behind the head of a checkpoint of this configuration, in front of its last digest, which fits.
fn opened<'a>(config: &Config, data: &'a [u8]) -> Result<Reader<'a>, CodecError> {
    let (body, digest) = data.split_at(data.len().saturating_sub(DIGEST_SIZE));
    let mut reader = Reader::new(body);
    let refused = |what: &str| CodecError::Unfit(what.into());
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(refused("the data is no checkpoint: it does not begin with CTCHECKP"));
    }
    let version = reader.field::<u16>()?;
    if version != FORMAT {
        return Err(CodecError::Unfit(format!(
            "the checkpoint has format {version}, this version of cracktrader reads {FORMAT}: use the one that wrote it"
        )));
    }
    if Sha256::digest(body)[..] != *digest {
        return Err(refused("the checkpoint is damaged: its last digest is not that of the bytes before it"));
    }
    if reader.take(DIGEST_SIZE)? != contract_digest() {
        return Err(refused(
            "the checkpoint was made under another contract: use the version of cracktrader that made it",
        ));
    }
    if *reader.take(DIGEST_SIZE)? != Sha256::digest(encode_config(config))[..] {
        return Err(refused("the checkpoint was made with another configuration"));
    }
    Ok(reader)
}

/// What is put in place last.
struct Run {
    started: bool,
    market_label: Option<Time>,
    booked: bool,
    since_check: u32,
    concluded: bool,
}

fn save_run(engine: &Engine, to: &mut Vec<u8>) {
    let state = &engine.store.state;
    let (label, booked, since_check) = engine.standing();
    pack!(to; state.now, state.seq, state.start_time, state.started, state.ended, state.stopped);
    pack!(to; state.kill_switch, state.reduce_only, state.next_ordinal, state.archived);
    to.extend(state.archive_digest);
    // Fixed width: without a label its place holds 0.
    pack!(to; state.day, state.day_equity, label.is_some(), label.unwrap_or_default(), booked, since_check);
    engine.concluded.write(to);
    mapping(to, &state.counters);
}

fn read_run(reader: &mut Reader<'_>, state: &mut State) -> Result<Run, CodecError> {
    (state.now, state.seq, state.start_time) = (reader.field()?, reader.field()?, reader.field()?);
    let started = reader.field()?;
    (state.ended, state.stopped) = (reader.field()?, reader.field()?);
    (state.kill_switch, state.reduce_only) = (reader.field()?, reader.field()?);
    (state.next_ordinal, state.archived) = (reader.field()?, reader.field()?);
    state.archive_digest.copy_from_slice(reader.take(DIGEST_SIZE)?);
    (state.day, state.day_equity) = (reader.field()?, reader.field()?);
    let (labelled, label): (bool, Time) = reader.field()?;
    let (booked, since_check) = reader.field()?;
    let concluded = reader.field()?;
    if !labelled && label != Time(0) {
        return Err(reader.unfit("a label belongs to no row"));
    }
    state.counters = read_mapping(reader)?;
    Ok(Run { started, market_label: labelled.then_some(label), booked, since_check, concluded })
}
