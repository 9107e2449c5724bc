//! The sequencer: which item is next. Smallest (ingest_time, source priority, venue, instrument, producer, producer order).
//!
//! It reads columns and queues; the `seq_id` is given by `engine` on taking. Replay does not come here: it keeps the recorded order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::config::Config;
use crate::event::{
    Bar, Event, Payload, Quote, Rows, SessionClosed, SessionOpened, SessionRows, Source, Trade, times_of,
};
use crate::matching::{Cause, NO_CAUSE};
use crate::units::{AccountIndex, InstrumentIndex, NULL_INSTRUMENT, Time, VenueIndex, numbered};

/// Denials and refusals; streams are producers 0.., by their index.
pub const PRODUCER_ENGINE: u32 = 65_536;
/// The first venue; the others follow by their index.
pub const PRODUCER_VENUE: u32 = 65_537;
/// Everything pushed from outside.
pub const PRODUCER_OUTSIDE: u32 = 131_072;
/// Sessions of the first venue; those of the others follow by their index.
pub const PRODUCER_SESSIONS: u32 = 131_073;

/// How an item came to the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Origin {
    /// It was pushed.
    Outside = 0,
    /// A row of attached data, or a bar that the core made.
    Data = 1,
    /// A report of a simulated venue or of the engine, a timer, the start and the end of a run.
    Own = 2,
}
numbered!(Origin { Outside, Data, Own });

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
#[derive(Clone, Debug)]
pub struct Queued {
    /// Where it comes.
    pub key: Key,
    /// The item.
    pub item: Event,
    /// What caused it.
    pub cause: Cause,
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
    rows: Rows,
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
    /// By venue.
    sessions: Vec<SessionRows>,
    heads: BinaryHeap<Reverse<Key>>,
    pushed: u64,
    outside: u64,
}

impl Sequencer {
    /// Nothing pending.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let feeds = config.streams.iter().map(|_| None).collect();
        let sessions = config.venues.iter().map(|_| SessionRows::default()).collect();
        Self { config, queue: BinaryHeap::new(), feeds, sessions, heads: BinaryHeap::new(), pushed: 0, outside: 0 }
    }

    /// The rows of a declared stream.
    pub fn attach(&mut self, stream: u16, rows: Rows) {
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

    /// The sessions of a venue.
    pub fn attach_sessions(&mut self, venue: VenueIndex, rows: SessionRows) {
        self.sessions[venue.at()] = rows;
        if let Some(key) = self.edge(venue, 0) {
            self.heads.push(Reverse(key));
        }
    }

    /// How many rows each stream has, 0 where none were attached, and how many edges the sessions of each venue have.
    #[must_use]
    pub fn ends(&self) -> (Vec<u64>, Vec<u64>) {
        let rows = |feed: &Option<Feed>| feed.as_ref().map_or(0, |feed| times_of(&feed.rows).len() as u64);
        let edges = self.sessions.iter().map(|sessions| 2 * sessions.open_time.len() as u64);
        (self.feeds.iter().map(rows).collect(), edges.collect())
    }

    /// Where the heads stand: behind the last row or edge where there is none, also after the end of the data.
    #[must_use]
    pub fn heads(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut rows, mut edges) = self.ends();
        for Reverse(head) in &self.heads {
            match u16::try_from(head.producer) {
                Ok(stream) => rows[usize::from(stream)] = head.order,
                Err(_) => edges[head.venue.at()] = head.order,
            }
        }
        (rows, edges)
    }

    /// What was pushed and is pending, in its order, and how many items ever were.
    #[must_use]
    pub fn queued(&self) -> (Vec<&Queued>, u64) {
        let mut queued: Vec<_> = self.queue.iter().map(|Reverse(queued)| queued).collect();
        queued.sort_unstable();
        (queued, self.pushed)
    }

    /// Stand where another sequencer stood, with its heads, the items pushed and their number. The heads are not behind the ends.
    pub fn stand(&mut self, (rows, edges): (&[u64], &[u64]), queued: Vec<Queued>, pushed: u64) {
        self.heads.clear();
        for (stream, row) in rows.iter().enumerate() {
            if let Some(feed) = &mut self.feeds[stream] {
                feed.next = *row as usize;
                self.push_head(stream as u16);
            }
        }
        for (venue, order) in edges.iter().enumerate() {
            self.heads.extend(self.edge(VenueIndex(venue as u16), *order).map(Reverse));
        }
        self.outside = queued.iter().filter(|one| one.key.producer == PRODUCER_OUTSIDE).count() as u64;
        self.queue = queued.into_iter().map(Reverse).collect();
        self.pushed = pushed;
    }

    /// The rows of every attached stream.
    pub fn rows(&self) -> impl Iterator<Item = &Rows> {
        self.feeds.iter().flatten().map(|feed| &feed.rows)
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

    /// The next item, what caused it and how it came.
    pub fn pop(&mut self) -> Option<(Event, Cause, Origin)> {
        if self.row_is_next() {
            return self.pop_row().map(|item| (item, NO_CAUSE, Origin::Data));
        }
        let Reverse(Queued { key, item, cause }) = self.queue.pop()?;
        let is_outside = key.producer == PRODUCER_OUTSIDE;
        self.outside -= u64::from(is_outside);
        Some((item, cause, if is_outside { Origin::Outside } else { Origin::Own }))
    }

    /// Pending items that were pushed from outside.
    #[must_use]
    pub const fn outside(&self) -> u64 {
        self.outside
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

    /// The next row of the streams, or edge of a session.
    #[inline]
    pub fn pop_row(&mut self) -> Option<Event> {
        let key = self.heads.peek()?.0;
        let Ok(stream) = u16::try_from(key.producer) else { return Some(self.session_edge(key)) };
        let feed = self.feeds[usize::from(stream)].as_mut()?;
        let (event_time, payload) = row_of(&feed.rows, feed.next, stream);
        let event = Event {
            seq_id: 0,
            event_time,
            ingest_time: key.ingest_time,
            source: Source::MarketData.number(),
            venue: feed.venue,
            account: AccountIndex::NULL,
            instrument: feed.instrument,
            payload,
            idempotency_key: Box::default(),
        };
        feed.next += 1;
        let next = self.head(stream);
        self.replace_head(next);
        Some(event)
    }

    /// A session opens (even orders) or closes (odd ones); its venue's next edge becomes a head.
    #[cold]
    fn session_edge(&mut self, key: Key) -> Event {
        let next = self.edge(key.venue, key.order + 1);
        self.replace_head(next);
        Event {
            seq_id: 0,
            event_time: key.ingest_time,
            ingest_time: key.ingest_time,
            source: Source::MarketData.number(),
            venue: key.venue,
            account: AccountIndex::NULL,
            instrument: NULL_INSTRUMENT,
            payload: if key.order.is_multiple_of(2) { SessionOpened.into() } else { SessionClosed.into() },
            idempotency_key: Box::default(),
        }
    }

    /// The key of an edge of a venue's sessions.
    fn edge(&self, venue: VenueIndex, order: u64) -> Option<Key> {
        let rows = &self.sessions[venue.at()];
        let times = if order.is_multiple_of(2) { &rows.open_time } else { &rows.close_time };
        Some(Key {
            ingest_time: *times.get(order as usize / 2)?,
            priority: self.priority(Source::MarketData.number()),
            venue,
            instrument: NULL_INSTRUMENT,
            producer: PRODUCER_SESSIONS + u32::from(venue.0),
            order,
        })
    }

    /// The key of a stream's next row.
    #[inline]
    fn head(&self, stream: u16) -> Option<Key> {
        let feed = self.feeds[usize::from(stream)].as_ref()?;
        let time = times_of(&feed.rows).get(feed.next)?;
        Some(Key {
            ingest_time: Time(time.0.saturating_add(feed.feed_latency)),
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

    /// Put what follows where the head just taken was: one sift instead of two.
    #[inline]
    fn replace_head(&mut self, next: Option<Key>) {
        match next {
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

/// The stamp of a row and what it says.
#[inline]
fn row_of(rows: &Rows, row: usize, stream: u16) -> (Time, Payload) {
    match rows {
        Rows::Bars(rows) => {
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
            (rows.stamp[row], Payload::Bar(bar))
        }
        Rows::Trades(rows) => {
            // Which numbers are sides was checked when the rows were attached.
            let aggressor = rows.aggressor[row] as u8;
            let trade = Trade { price: rows.price[row], quantity: rows.quantity[row], aggressor };
            (rows.stamp[row], Payload::Trade(trade))
        }
        Rows::Quotes(rows) => {
            let quote = Quote {
                bid_price: rows.bid_price[row],
                bid_quantity: rows.bid_quantity[row],
                ask_price: rows.ask_price[row],
                ask_quantity: rows.ask_quantity[row],
            };
            (rows.stamp[row], Payload::Quote(quote))
        }
    }
}
