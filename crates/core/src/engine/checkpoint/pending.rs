//! The sequencer in a checkpoint: where its heads stand, and what was pushed.

use crate::codec::{Canonical, CodecError, Reader, pack, table};
use crate::event::Event;
use crate::sequencer::{Key, Queued, Sequencer};

/// What a sequencer takes back.
pub struct Pending {
    rows: Vec<u64>,
    edges: Vec<u64>,
    pushed: u64,
    queue: Vec<Queued>,
}

impl Pending {
    /// Stand where the other one stood.
    pub fn install(self, sequencer: &mut Sequencer) {
        sequencer.stand((&self.rows, &self.edges), self.queue, self.pushed);
    }
}

/// Where the heads stand, how many items were pushed, and those that are pending.
pub fn save_sequencer(sequencer: &Sequencer, to: &mut Vec<u8>) {
    let (rows, edges) = sequencer.heads();
    let (queue, pushed) = sequencer.queued();
    rows.iter().chain(&edges).for_each(|at| at.write(to));
    pushed.write(to);
    table(to, queue.len(), queue, |one, to| {
        pack!(to; one.key.producer, one.key.order, one.item, one.cause);
    });
}

/// The next of those.
pub fn read_sequencer(reader: &mut Reader<'_>, sequencer: &Sequencer) -> Result<Pending, CodecError> {
    let (lengths, ends) = sequencer.ends();
    let mut positions = |ends: &[u64]| ends.iter().map(|_| reader.field()).collect::<Result<Vec<u64>, _>>();
    let (rows, edges) = (positions(&lengths)?, positions(&ends)?);
    if rows.iter().zip(&lengths).chain(edges.iter().zip(&ends)).any(|(at, end)| at > end) {
        return Err(reader.unfit(format_args!(
            "the checkpoint stands behind the end of the data: rows {rows:?} of {lengths:?}, edges {edges:?} of {ends:?}"
        )));
    }
    let pushed = reader.field()?;
    let mut queue: Vec<Queued> = Vec::new();
    for _ in 0..reader.field::<u32>()? {
        let (producer, order) = (reader.field()?, reader.field()?);
        let item: Event = reader.field()?;
        let key = Key {
            ingest_time: item.ingest_time,
            priority: sequencer.priority(item.source),
            venue: item.venue,
            instrument: item.instrument,
            producer,
            order,
        };
        if order > pushed || queue.last().is_some_and(|last| last.key >= key) {
            return Err(reader.unfit(format_args!("the item {key:?} is not in its place")));
        }
        queue.push(Queued { key, item, cause: reader.field()? });
    }
    Ok(Pending { rows, edges, pushed, queue })
}
