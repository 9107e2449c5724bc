//! Tables of a checkpoint: pairs in the order of their keys, and lists that do not fall; other orders are refused.

use std::collections::BTreeMap;

use crate::codec::{Canonical, CodecError, Reader, read_table};

/// Pairs as a table in the order of their keys.
pub fn mapping<K: Canonical, V: Canonical>(out: &mut Vec<u8>, held: &BTreeMap<K, V>) {
    (held.len() as u32).write(out);
    for (name, one) in held {
        name.write(out);
        one.write(out);
    }
}

/// The next such table; its keys rise.
pub fn read_mapping<K: Canonical + Ord, V: Canonical>(reader: &mut Reader<'_>) -> Result<BTreeMap<K, V>, CodecError> {
    let mut held = BTreeMap::new();
    for _ in 0..reader.field::<u32>()? {
        let name: K = reader.field()?;
        if held.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(reader.unfit("a key is not above the one before it"));
        }
        held.insert(name, reader.field()?);
    }
    Ok(held)
}

/// The next table of entries that do not fall.
pub fn rising<T: Canonical + Ord>(reader: &mut Reader<'_>) -> Result<Vec<T>, CodecError> {
    let listed: Vec<T> = read_table(reader, T::read)?;
    if listed.is_sorted() { Ok(listed) } else { Err(reader.unfit("the entries are not in order")) }
}
