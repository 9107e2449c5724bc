//! Frames: what a journal is a row of, but for the steps, which are `record`. How they lie in files is docs/reference/journal.md.
//!
//! A frame is a u32 length, the body, and the body's CRC-32; the first byte of a body is its kind.

use sha2::{Digest, Sha256};

use super::wire::{Canonical, CodecError, Reader, canonical, pack, prefixed};

/// The journal's format.
pub const JOURNAL_FORMAT: u16 = 1;
/// How a segment begins, behind the kind.
pub const MAGIC: [u8; 8] = *b"CTJOURNL";
/// A block ends when it has as many.
pub const BLOCK_BYTES: usize = 65_536;
/// A segment ends after the seal with which it has as many, unless the run says otherwise.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// What a frame adds to its body.
pub const FRAME_BYTES: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// The head of a segment file.
    Segment = 1,
    /// What was run.
    Header = 2,
    /// A step.
    Step = 3,
    /// Data steps that changed nothing that is recorded.
    DataRun = 4,
    /// The end of a block.
    Seal = 5,
    /// The end of a run.
    End = 6,
}

/// What a dataset holds, and what its index counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DatasetKind {
    /// Rows of a stream.
    Rows = 0,
    /// Sessions of a venue.
    Sessions = 1,
    /// The schedule of an instrument.
    Schedule = 2,
}

/// Data that was attached, by its content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dataset {
    /// A `DatasetKind` number.
    pub kind: u8,
    /// The stream, the venue or the instrument.
    pub place: u32,
    /// How many.
    pub rows: u64,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
}

/// The head of a segment file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// From 1.
    pub number: u32,
    /// The run's identity.
    pub run_id: [u8; 32],
    /// The chain's head before it.
    pub head: [u8; 32],
}

/// What was run: the neutral header, equal on both cores and every machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Of the contract.
    pub contract_version: u16,
    /// Of the contract.
    pub contract_hash: [u8; 32],
    /// Whether every row is in the journal itself.
    pub embedded: bool,
    /// A segment ends when it has as many.
    pub segment_bytes: u64,
    /// The configuration's canonical bytes.
    pub config: Vec<u8>,
    /// What was attached.
    pub datasets: Vec<Dataset>,
}

/// Consecutive data steps that changed nothing that is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataRun {
    /// seq of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// The end of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seal {
    /// seq of the last frame.
    pub last_seq: u64,
    /// The chain's head behind it.
    pub head: [u8; 32],
}

/// Where a run concluded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// seq of the last step.
    pub last_seq: u64,
    /// The code that stopped the engine, or 0.
    pub stopped: u16,
    /// The state hash.
    pub digest: [u8; 32],
    /// SHA-256 over what the simulated venues hold.
    pub venues: [u8; 32],
}

canonical! {
    Dataset { kind, place, rows, digest }
    DataRun { first, count }
    Seal { last_seq, head }
    End { last_seq, stopped, digest, venues }
}

impl Header {
    /// The run's identity: contract, configuration with its seed, data.
    #[must_use]
    pub fn run_id(&self) -> [u8; 32] {
        let mut bytes = self.contract_hash.to_vec();
        prefixed(&mut bytes, &self.config);
        pack!(&mut bytes; self.datasets, self.embedded);
        Sha256::digest(&bytes).into()
    }
}

impl DataRun {
    /// seq of the last of them; a hostile count ends at the largest.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.first.saturating_add(self.count).saturating_sub(1)
    }
}

/// Append a frame whose body is written by `write`.
pub fn framed(out: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    framed_open(out, kind, write);
    fill_crc(&mut out[at..]);
}

/// Append a frame with nothing where its CRC belongs: whoever keeps it fills that in.
#[inline]
pub(super) fn framed_open(out: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    write(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
}

/// Fill in the CRC of one whole frame.
pub fn fill_crc(frame: &mut [u8]) {
    let crc = frame.len() - 4;
    let found = crc32fast::hash(&frame[4..crc]);
    frame[crc..].copy_from_slice(&found.to_le_bytes());
}

/// The frames of whole, checked bytes: each with its kind's number. `CodecError` where they do not end with a frame.
pub fn frames(data: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), CodecError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= data.len() {
            return None;
        }
        let short = CodecError::Short { wanted: FRAME_BYTES + 1, at, length: data.len() };
        let length = data.get(at..at + 4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let end = length.and_then(|length| (at + FRAME_BYTES).checked_add(length as usize));
        let Some(frame) = end.and_then(|end| data.get(at..end)).filter(|frame| frame.len() > FRAME_BYTES) else {
            at = data.len();
            return Some(Err(short));
        };
        at += frame.len();
        Some(Ok((frame[4], frame)))
    })
}

/// Reads a frame's body behind its kind. `CodecError` when the CRC does not fit or it is of another kind.
pub fn body_of(frame: &[u8], kind: Kind) -> Result<Reader<'_>, CodecError> {
    let mut outer = Reader::new(frame);
    let body = outer.prefixed()?;
    if outer.field::<u32>()? != crc32fast::hash(body) {
        return Err(CodecError::Crc);
    }
    outer.end()?;
    let mut reader = Reader::new(body);
    let found = reader.field::<u8>()?;
    if found == kind as u8 { Ok(reader) } else { Err(CodecError::Kind(found, kind as u8)) }
}

fn whole<T: Canonical>(frame: &[u8], kind: Kind) -> Result<T, CodecError> {
    let mut reader = body_of(frame, kind)?;
    let value = reader.field()?;
    reader.end()?;
    Ok(value)
}

/// The first frame of a segment.
pub fn encode_segment(out: &mut Vec<u8>, segment: &Segment) {
    framed(out, Kind::Segment, |out| {
        out.extend_from_slice(&MAGIC);
        pack!(out; JOURNAL_FORMAT, segment.number, segment.run_id, segment.head);
    });
}

/// The head of a segment. `CodecError` for another format, named in the message.
pub fn decode_segment(frame: &[u8]) -> Result<Segment, CodecError> {
    let mut reader = body_of(frame, Kind::Segment)?;
    if reader.field::<[u8; 8]>()? != MAGIC {
        return Err(CodecError::NoJournal);
    }
    let found = reader.field()?;
    if found != JOURNAL_FORMAT {
        return Err(CodecError::Format(found));
    }
    let segment = Segment { number: reader.field()?, run_id: reader.field()?, head: reader.field()? };
    reader.end()?;
    Ok(segment)
}

/// The neutral header.
pub fn encode_header(out: &mut Vec<u8>, header: &Header) {
    framed(out, Kind::Header, |out| {
        pack!(out; header.contract_version, header.contract_hash, header.embedded, header.segment_bytes);
        prefixed(out, &header.config);
        pack!(out; header.datasets);
    });
}

/// The neutral header.
pub fn decode_header(frame: &[u8]) -> Result<Header, CodecError> {
    let mut reader = body_of(frame, Kind::Header)?;
    let header = Header {
        contract_version: reader.field()?,
        contract_hash: reader.field()?,
        embedded: reader.field()?,
        segment_bytes: reader.field()?,
        config: reader.prefixed()?.to_vec(),
        datasets: reader.field()?,
    };
    reader.end()?;
    Ok(header)
}

/// A stretch of data steps.
pub fn encode_data_run(out: &mut Vec<u8>, run: &DataRun) {
    framed(out, Kind::DataRun, |out| run.write(out));
}

/// A stretch of data steps: at least one.
pub fn decode_data_run(frame: &[u8]) -> Result<DataRun, CodecError> {
    let run: DataRun = whole(frame, Kind::DataRun)?;
    if run.count == 0 { Err(CodecError::EmptyRun) } else { Ok(run) }
}

/// The end of a block.
pub fn encode_seal(out: &mut Vec<u8>, seal: &Seal) {
    framed(out, Kind::Seal, |out| seal.write(out));
}

/// The end of a block.
pub fn decode_seal(frame: &[u8]) -> Result<Seal, CodecError> {
    whole(frame, Kind::Seal)
}

/// The end of a run.
pub fn encode_end(out: &mut Vec<u8>, end: &End) {
    framed(out, Kind::End, |out| end.write(out));
}

/// The end of a run.
pub fn decode_end(frame: &[u8]) -> Result<End, CodecError> {
    whole(frame, Kind::End)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_frame_reads_back_and_no_other_is_taken_for_it() {
        let dataset = Dataset { kind: DatasetKind::Sessions as u8, place: 3, rows: 9, digest: [7; 32] };
        let header = Header {
            contract_version: 1,
            contract_hash: [1; 32],
            embedded: true,
            segment_bytes: SEGMENT_BYTES,
            config: vec![5, 6],
            datasets: vec![dataset],
        };
        let segment = Segment { number: 2, run_id: header.run_id(), head: [4; 32] };
        let (run, seal) = (DataRun { first: 8, count: 3 }, Seal { last_seq: 10, head: [3; 32] });
        let end = End { last_seq: 11, stopped: 0, digest: [1; 32], venues: [2; 32] };
        let mut journal = Vec::new();
        encode_segment(&mut journal, &segment);
        encode_header(&mut journal, &header);
        encode_data_run(&mut journal, &run);
        encode_seal(&mut journal, &seal);
        encode_end(&mut journal, &end);
        let found: Vec<_> = frames(&journal).map(Result::unwrap).collect();
        assert_eq!(found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [1, 2, 4, 5, 6]);
        assert_eq!(decode_segment(found[0].1), Ok(segment));
        assert_eq!(decode_header(found[1].1), Ok(header));
        assert_eq!(decode_data_run(found[2].1), Ok(run));
        assert_eq!(decode_seal(found[3].1), Ok(seal));
        assert_eq!(decode_end(found[4].1), Ok(end));
        assert_eq!(decode_seal(found[4].1), Err(CodecError::Kind(6, 5)));
        assert!(frames(&journal[..journal.len() - 1]).any(|frame| frame.is_err()));
    }

    #[test]
    fn another_format_a_damaged_frame_and_a_stretch_of_nothing_are_refused() {
        let mut segment = Vec::new();
        encode_segment(&mut segment, &Segment { number: 1, run_id: [0; 32], head: [0; 32] });
        let mut newer = segment.clone();
        newer[13] = 2;
        fill_crc(&mut newer);
        assert_eq!(decode_segment(&newer), Err(CodecError::Format(2)));
        segment[20] ^= 1;
        assert_eq!(decode_segment(&segment), Err(CodecError::Crc));
        let mut empty = Vec::new();
        encode_data_run(&mut empty, &DataRun { first: 1, count: 0 });
        assert_eq!(decode_data_run(&empty), Err(CodecError::EmptyRun));
    }
}
