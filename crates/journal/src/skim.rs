//! A quick pass over frames that are beyond doubt, for the reader of journals, which is Python's: it looks at every other frame itself.
//!
//! Deliberately not here: what is wrong with a frame, and everything that a frame means.

use cracktrader_core::codec::{FRAME_BYTES, Kind};

const STEP: u8 = Kind::Step as u8;
const STRETCH: u8 = Kind::DataRun as u8;
/// No step's body is shorter.
const STEP_LEAST: usize = 61;
/// Bytes of the body of a stretch of data steps: kind, first seq, count.
const DATA_RUN: usize = 17;

/// What was passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skimmed {
    /// Offset behind it.
    pub at: usize,
    /// Seq of the last step in it.
    pub last_seq: i64,
    /// Offset of its last frame where that is a step, else 0.
    pub step_at: usize,
    /// Its frames.
    pub frames: u64,
}

/// Pass over the steps and stretches of data steps from an offset on, while they are whole, their CRC fits and their seqs follow
/// `last_seq`.
#[must_use]
pub fn skim(data: &[u8], at: usize, last_seq: i64) -> Skimmed {
    let mut all = Skimmed { at, last_seq, step_at: 0, frames: 0 };
    while let Some(body) = good_body(data, all.at) {
        let next = match body[0] {
            STEP if body.len() >= STEP_LEAST => follows(body, 2, all.last_seq),
            STRETCH if body.len() == DATA_RUN => {
                let count = number(body, 9).filter(|count| *count > 0);
                follows(body, 1, all.last_seq).zip(count).and_then(|(first, count)| first.checked_add(count - 1))
            }
            _ => None,
        };
        let Some(next) = next else { break };
        all.step_at = if body[0] == STEP { all.at } else { 0 };
        all.last_seq = next;
        all.frames += 1;
        all.at += FRAME_BYTES + body.len();
    }
    all
}

/// The seq at this place of a body, if it is the one behind `last_seq`.
fn follows(body: &[u8], at: usize, last_seq: i64) -> Option<i64> {
    number(body, at).filter(|seq| last_seq.checked_add(1) == Some(*seq))
}

fn number(body: &[u8], at: usize) -> Option<i64> {
    let bytes = body.get(at..)?.first_chunk()?;
    i64::try_from(u64::from_le_bytes(*bytes)).ok()
}

/// The body at an offset, not empty; None where it is not whole or its CRC does not fit.
fn good_body(data: &[u8], at: usize) -> Option<&[u8]> {
    let (length, rest) = data.get(at..)?.split_first_chunk()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let crc = rest.first_chunk()?;
    (!body.is_empty() && crc32fast::hash(body).to_le_bytes() == *crc).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::{Skimmed, skim};

    fn frame(body: &[u8]) -> Vec<u8> {
        let crc = crc32fast::hash(body).to_le_bytes();
        [&(body.len() as u32).to_le_bytes()[..], body, &crc].concat()
    }

    fn step(seq: u64) -> Vec<u8> {
        frame(&[&[3, 1][..], &seq.to_le_bytes(), &[7; 51]].concat())
    }

    fn stretch(first: u64, count: u64) -> Vec<u8> {
        frame(&[&[4][..], &first.to_le_bytes(), &count.to_le_bytes()].concat())
    }

    #[test]
    fn it_stops_at_the_first_frame_that_is_not_beyond_doubt() {
        let good = [step(0), stretch(1, 5), step(6)].concat();
        let step_at = good.len() - step(6).len();
        let whole = Skimmed { at: good.len(), last_seq: 6, step_at, frames: 3 };
        let mut wrong = step(7);
        wrong[12] ^= 1;
        let short = frame(&step(7)[4..64]);
        for end in [Vec::new(), step(6), step(8), stretch(7, 0), stretch(7, u64::MAX), wrong, short, frame(&[5; 41])] {
            assert_eq!(skim(&[&good[..], &end].concat(), 0, -1), whole);
        }
        let torn = [&good[..], &step(7)[..20]].concat();
        assert_eq!(skim(&torn, 0, -1), whole);
        assert_eq!(skim(&good, step(0).len(), 0).frames, 2);
        assert_eq!(skim(&good, 0, i64::MAX), Skimmed { at: 0, last_seq: i64::MAX, step_at: 0, frames: 0 });
        let stretched = [good, stretch(7, 2)].concat();
        assert_eq!(skim(&stretched, 0, -1), Skimmed { at: stretched.len(), last_seq: 8, step_at: 0, frames: 4 });
    }
}
