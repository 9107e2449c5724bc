//! Records: what a step was and led to. The images in them are made by `root` and skipped on reading.

use super::frame::{Kind, body_of, framed_open};
use super::wire::{Canonical, CodecError, Reader, canonical, canonical_number, pack, table};
use crate::event::Event;
use crate::indicator::Declaration;
use crate::intent::Intent;
use crate::sequencer::Origin;
use crate::units::{NULL_INDEX, StrategyIndex, Time};

/// A code on a fact, with its two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The code; on an intent 0 admits.
    pub code: u16,
    /// Its first number.
    pub value: i128,
    /// Its second number.
    pub limit: i128,
}

/// A timer to set, or to cancel with a null deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerRequest {
    /// Its id.
    pub timer: u64,
    /// When it is to fire, or null.
    pub deadline: Time,
}

/// What a strategy's callback led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whose.
    pub strategy: StrategyIndex,
    /// The kind of what it raised, '' for nothing.
    pub error: Box<str>,
    /// Its counters after the callback; they survive an error.
    pub random_counter: u64,
    /// Its next fresh timer id after the callback.
    pub next_timer: u64,
    /// Indicators it declared.
    pub declarations: Vec<Declaration>,
    /// Each with its verdict; code 0 admits.
    pub intents: Vec<(Intent, Finding)>,
    /// Timers it set or cancelled.
    pub timers: Vec<TimerRequest>,
}

/// A step as recorded, without the images.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// How its item came to the engine.
    pub origin: Origin,
    /// The fact.
    pub event: Event,
    /// Depth in a chain of steps that caused each other at one instant.
    pub depth: u32,
    /// What was found on it.
    pub findings: Vec<Finding>,
    /// Whether the run stopped after commit A.
    pub interrupted: bool,
    /// What the strategies answered.
    pub answers: Vec<Answer>,
}

canonical_number!(Origin);
canonical! {
    Finding { code, value, limit }
    TimerRequest { timer, deadline }
    Answer { strategy, error, random_counter, next_timer, declarations, intents, timers }
}

/// A step as it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// How its item came to the engine.
    pub origin: Origin,
    /// The fact.
    pub event: &'a Event,
    /// Depth in a chain of steps that caused each other at one instant.
    pub depth: u32,
    /// What was found on it.
    pub findings: &'a [Finding],
    /// Whether the run stopped after commit A.
    pub interrupted: bool,
    /// What the strategies answered.
    pub answers: &'a [Answer],
}

/// Append a step's frame: origin, event, depth, findings, images of commit A, answers, images of commit B. The images before are there
/// already, those after are appended by `after`; either may be empty. The CRC is left to be filled in: a writer's thread has more time
/// than the engine's.
pub fn encode_record(out: &mut Vec<u8>, step: &Step<'_>, before: &[u8], after: impl FnOnce(&mut Vec<u8>)) {
    framed_open(out, Kind::Step, |out| {
        pack!(out; step.origin, *step.event, step.depth);
        table(out, step.findings.len(), step.findings, Finding::write);
        out.extend_from_slice(if before.is_empty() { &NO_IMAGES } else { before });
        step.interrupted.write(out);
        table(out, step.answers.len(), step.answers, Answer::write);
        let at = out.len();
        after(out);
        if out.len() == at {
            out.extend_from_slice(&NO_IMAGES);
        }
    });
}

/// A table without rows.
const NO_IMAGES: [u8; 4] = [0; 4];

/// The record of exactly this frame; its images are skipped. `CodecError` when the CRC does not fit.
pub fn decode_record(data: &[u8]) -> Result<Record, CodecError> {
    let mut reader = body_of(data, Kind::Step)?;
    let origin = reader.field()?;
    let (event, depth, findings) = (reader.field()?, reader.field()?, reader.field()?);
    skip_images(&mut reader)?;
    let (interrupted, answers) = (reader.field()?, reader.field()?);
    skip_images(&mut reader)?;
    reader.end()?;
    Ok(Record { origin, event, depth, findings, interrupted, answers })
}

/// seq_id of a step's frame, without reading the rest of it.
#[must_use]
pub fn seq_of(data: &[u8]) -> u64 {
    data.get(6..14).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The widths of the ids in a leaf's name; text is `TEXT`.
fn id_widths(tag: u8) -> Option<&'static [usize]> {
    match tag {
        1 => Some(&[]),
        2 => Some(&[8]),
        3..=6 => Some(&[2, 4]),
        7 | 8 => Some(&[2, 2]),
        9 => Some(&[2]),
        10 => Some(&[2, 8]),
        11 | 12 => Some(&[2, TEXT]),
        _ => None,
    }
}

const TEXT: usize = NULL_INDEX as usize;

fn skip_images(reader: &mut Reader<'_>) -> Result<(), CodecError> {
    for _ in 0..reader.field::<u32>()? {
        let tag = reader.field::<u8>()?;
        for width in id_widths(tag).ok_or_else(|| reader.unknown("leaf", tag))? {
            if *width == TEXT {
                reader.field::<Box<str>>()?;
            } else {
                reader.take(*width)?;
            }
        }
        if reader.field::<bool>()? {
            reader.prefixed()?;
        }
    }
    Ok(())
}
