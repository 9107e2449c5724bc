//! The sequencer: which item is next. Smallest (ingest_time, source priority, venue, instrument, producer, producer order).
//!
//! It reads columns and queues; the `seq_id` is given by `engine` on taking. Replay does not come here: it keeps the recorded order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::config::Config;
use crate::event::{Bar, BarRows, Event, Payload, Source};
use crate::matching::Cause;
use crate::units::{AccountIndex, I64_MIN, InstrumentIndex, Time, VenueIndex};

/// The cause of what comes from outside.
pub const NO_CAUSE: Cause = Cause { now: Time(I64_MIN), depth: 0 };
/// Denials and refusals; streams are producers 0.., by their index.
pub const PRODUCER_ENGINE: u32 = 65_536;
/// The first venue; the others follow by their index.
pub const PRODUCER_VENUE: u32 = 65_537;
/// Everything pushed from outside.
pub const PRODUCER_OUTSIDE: u32 = 131_072;

/// Order of items.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// When the core may know it.
    pub ingest_time: Time,
    /// Rank of its source.
    pub priority: u8,
    /// Its venue.
    pub venue: VenueIndex,
    /// Its instrument.
    pub instrument: InstrumentIndex,
    /// Who made it.
    pub producer: u32,
    /// Place among the producer's items.
    pub order: u64,
}

/// An item that is not a row of a stream. Its key is unique, so it alone decides the order.
#[derive(Debug)]
struct Queued {
    key: Key,
    item: Event,
    cause: Cause,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// The rows of a stream and what is the same for all of them.
#[derive(Debug)]
struct Feed {
    rows: Arc<BarRows>,
    next: usize,
    venue: VenueIndex,
    instrument: InstrumentIndex,
    feed_latency: i64,
}

/// Pending items of all producers.
#[derive(Debug)]
pub struct Sequencer {
    config: Arc<Config>,
    queue: BinaryHeap<Reverse<Queued>>,
    feeds: Vec<Option<Feed>>,
    heads: BinaryHeap<Reverse<Key>>,
    pushed: u64,
    outside: u64,
}

impl Sequencer {
    /// Nothing pending.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let feeds = config.streams.iter().map(|_| None).collect();
        Self { config, queue: BinaryHeap::new(), feeds, heads: BinaryHeap::new(), pushed: 0, outside: 0 }
    }

    /// The bars of a declared stream.
    pub fn attach(&mut self, stream: u16, rows: Arc<BarRows>) {
        let declared = &self.config.streams[usize::from(stream)];
        let feed = Feed {
            rows,
            next: 0,
            venue: self.config.instruments[declared.instrument.at()].venue,
            instrument: declared.instrument,
            feed_latency: declared.feed_latency.0,
        };
        self.feeds[usize::from(stream)] = Some(feed);
        self.push_head(stream);
    }

    /// The rows of every attached stream.
    pub fn rows(&self) -> impl Iterator<Item = &BarRows> {
        self.feeds.iter().flatten().map(|feed| feed.rows.as_ref())
    }

    /// An item that is not a row of a stream.
    pub fn push(&mut self, item: Event, producer: u32, cause: Cause) {
        self.pushed += 1;
        self.outside += u64::from(producer == PRODUCER_OUTSIDE);
        let key = Key {
            ingest_time: item.ingest_time,
            priority: self.priority(item.source),
            venue: item.venue,
            instrument: item.instrument,
            producer,
            order: self.pushed,
        };
        self.queue.push(Reverse(Queued { key, item, cause }));
    }

    /// The rank of a source at one instant; of a number that is none, the last.
    #[must_use]
    pub fn priority(&self, source: u8) -> u8 {
        self.config.priorities.get(usize::from(source)).copied().unwrap_or(u8::MAX)
    }

    /// The key of the next item, or None.
    #[must_use]
    pub fn peek(&self) -> Option<Key> {
        let queued = self.queue.peek().map(|Reverse(queued)| queued.key);
        let head = self.heads.peek().map(|Reverse(key)| *key);
        match (queued, head) {
            (Some(queued), Some(head)) => Some(queued.min(head)),
            (one, other) => one.or(other),
        }
    }

    /// Whether the next item is the row of a stream: it comes from outside.
    #[must_use]
    pub fn row_is_next(&self) -> bool {
        match (self.queue.peek(), self.heads.peek()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Reverse(queued)), Some(Reverse(head))) => *head < queued.key,
        }
    }

    /// The next item and what caused it.
    pub fn pop(&mut self) -> Option<(Event, Cause)> {
        if self.row_is_next() {
            return self.pop_row().map(|item| (item, NO_CAUSE));
        }
        let Reverse(Queued { key, item, cause }) = self.queue.pop()?;
        self.outside -= u64::from(key.producer == PRODUCER_OUTSIDE);
        Some((item, cause))
    }

    /// Whether every stream, and all that was pushed from outside, has been delivered.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.heads.is_empty() && self.outside == 0
    }

    /// No more rows are delivered.
    pub fn end(&mut self) {
        self.heads.clear();
    }

    /// The next row of the streams, as a bar.
    #[inline]
    pub fn pop_row(&mut self) -> Option<Event> {
        let stream = u16::try_from(self.heads.peek()?.0.producer).ok()?;
        let feed = self.feeds[usize::from(stream)].as_mut()?;
        let (row, rows) = (feed.next, &feed.rows);
        let bar = Bar {
            open_time: rows.open_time[row],
            close_time: rows.close_time[row],
            open: rows.open[row],
            high: rows.high[row],
            low: rows.low[row],
            close: rows.close[row],
            volume: rows.volume[row],
            stream,
        };
        let event = Event {
            seq_id: 0,
            event_time: rows.stamp[row],
            ingest_time: self.heads.peek()?.0.ingest_time,
            source: Source::MarketData.number(),
            venue: feed.venue,
            account: AccountIndex::NULL,
            instrument: feed.instrument,
            payload: Payload::Bar(bar),
            idempotency_key: Box::default(),
        };
        feed.next += 1;
        self.replace_head(stream);
        Some(event)
    }

    /// The key of a stream's next row.
    fn head(&self, stream: u16) -> Option<Key> {
        let feed = self.feeds[usize::from(stream)].as_ref()?;
        let close = feed.rows.close_time.get(feed.next)?;
        Some(Key {
            ingest_time: Time(close.0.saturating_add(feed.feed_latency)),
            priority: self.priority(Source::MarketData.number()),
            venue: feed.venue,
            instrument: feed.instrument,
            producer: u32::from(stream),
            order: feed.next as u64,
        })
    }

    fn push_head(&mut self, stream: u16) {
        if let Some(key) = self.head(stream) {
            self.heads.push(Reverse(key));
        }
    }

    /// Put a stream's next row where the one just taken was: one sift instead of two.
    fn replace_head(&mut self, stream: u16) {
        match self.head(stream) {
            Some(key) => {
                if let Some(mut top) = self.heads.peek_mut() {
                    *top = Reverse(key);
                }
            }
            None => {
                self.heads.pop();
            }
        }
    }
}
