//! Canonical bytes: events, intents, configuration, entities, records; and the state root.
//!
//! The alphabet is `wire`, what is sent and declared is `message`, what is kept is `entity`, the leaves of it are `root`; a journal is a
//! row of frames (`frame`), of which those of steps are a `record` each.

mod entity;
mod frame;
mod message;
mod record;
mod root;
mod wire;

pub use entity::{encode_indicator, encode_order, encode_position, read_number, read_order, read_part, read_real};
pub use frame::{
    BLOCK_BYTES, DataRun, Dataset, DatasetKind, End, FRAME_BYTES, Header, JOURNAL_FORMAT, Kind, SEGMENT_BYTES, Seal,
    Segment, decode_data_run, decode_end, decode_header, decode_seal, decode_segment, encode_data_run, encode_end,
    encode_header, encode_seal, encode_segment, fill_crc, framed, frames,
};
pub use message::{
    decode_config, decode_event, encode_config, encode_declaration, encode_event, encode_intent, encode_payload,
    read_declaration, read_event, read_intent,
};

pub use record::{Answer, Finding, Record, Step, TimerRequest, decode_record, encode_record, seq_of};
pub use root::{
    LeafKey, QUIET, StateRoot, all_keys, contract_digest, encode_images, encode_key, encode_leaf, encode_venue,
    full_root, state_hash,
};
pub(crate) use wire::pack;
pub use wire::{Canonical, CodecError, Reader, prefixed, read_table, table};

/// The contract this core was built against.
pub const CONTRACT_VERSION: u16 = 1;
/// SHA-256 over the files of contract/; written by docs/generate.py.
pub const CONTRACT_HASH: &str = "af4a5228038e15003fd673e29a876aba2124679ad96169f4639e9c5c56cda2f1";
