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
pub struct Feed {
    /// Its columns.
    pub rows: Rows,
    /// The row that comes next.
    pub next: usize,
    /// Which stream it is.
    pub stream: u16,
    /// Where its instrument trades.
    pub venue: VenueIndex,
    /// What it is of.
    pub instrument: InstrumentIndex,
    feed_latency: i64,
}

impl Feed {
    /// When the core may know the next row.
    #[inline]
    fn time(&self) -> Option<Time> {
        let time = times_of(&self.rows).get(self.next)?;
        Some(Time(time.0.saturating_add(self.feed_latency)))
    }
}

/// Who makes rows, or edges of sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Maker {
    Stream(u16),
    Sessions(VenueIndex),
}

/// Pending items of all producers.
#[derive(Debug)]
pub struct Sequencer {
    config: Arc<Config>,
    queue: BinaryHeap<Reverse<Queued>>,
    feeds: Vec<Option<Feed>>,
    /// By venue, each with the number of its next edge.
    sessions: Vec<(SessionRows, u64)>,
    /// When the next row or edge of each maker comes, and its rank.
    heads: BinaryHeap<Reverse<(Time, u32)>>,
    /// The makers in their order at one instant; a rank is a place here.
    makers: Vec<Maker>,
    /// By stream.
    ranks: Vec<u32>,
    pushed: u64,
    outside: u64,
}

impl Sequencer {
    /// Nothing pending.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let feeds = config.streams.iter().map(|_| None).collect();
        let sessions = config.venues.iter().map(|_| Default::default()).collect();
        let makers = ranked(&config);
        let mut ranks = vec![0; config.streams.len()];
        for (rank, maker) in (0..).zip(&makers) {
            if let Maker::Stream(stream) = maker {
                ranks[usize::from(*stream)] = rank;
            }
        }
        let (queue, heads) = (BinaryHeap::new(), BinaryHeap::new());
        Self { config, queue, feeds, sessions, heads, makers, ranks, pushed: 0, outside: 0 }
    }

    /// The rows of a declared stream.
    pub fn attach(&mut self, stream: u16, rows: Rows) {
        let declared = &self.config.streams[usize::from(stream)];
        let feed = Feed {
            rows,
            next: 0,
            stream,
            venue: self.config.instruments[declared.instrument.at()].venue,
            instrument: declared.instrument,
            feed_latency: declared.feed_latency.0,
        };
        self.feeds[usize::from(stream)] = Some(feed);
        self.push_head(stream);
    }

    /// The sessions of a venue.
    pub fn attach_sessions(&mut self, venue: VenueIndex, rows: SessionRows) {
        self.sessions[venue.at()] = (rows, 0);
        self.push_edge(venue);
    }

    /// How many rows each stream has, 0 where none were attached, and how many edges the sessions of each venue have.
    #[must_use]
    pub fn ends(&self) -> (Vec<u64>, Vec<u64>) {
        let rows = |feed: &Option<Feed>| feed.as_ref().map_or(0, |feed| times_of(&feed.rows).len() as u64);
        let edges = self.sessions.iter().map(|(sessions, _)| 2 * sessions.open_time.len() as u64);
        (self.feeds.iter().map(rows).collect(), edges.collect())
    }

    /// Where the heads stand: behind the last row or edge where there is none, also after the end of the data.
    #[must_use]
    pub fn heads(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut rows, mut edges) = self.ends();
        for Reverse((_, rank)) in &self.heads {
            match self.makers[*rank as usize] {
                Maker::Stream(stream) => rows[usize::from(stream)] = self.key(*rank, Time(0)).order,
                Maker::Sessions(venue) => edges[venue.at()] = self.sessions[venue.at()].1,
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
            self.sessions[venue].1 = *order;
            self.push_edge(VenueIndex(venue as u16));
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
        match (queued, self.head()) {
            (Some(queued), Some(head)) => Some(queued.min(head)),
            (one, other) => one.or(other),
        }
    }

    /// Whether the next item is the row of a stream: it comes from outside.
    #[must_use]
    pub fn row_is_next(&self) -> bool {
        match (self.queue.peek(), self.head()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Reverse(queued)), Some(head)) => head < queued.key,
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

    /// When what was pushed and comes next is due.
    #[must_use]
    pub fn queue_time(&self) -> Option<Time> {
        self.queue.peek().map(|Reverse(queued)| queued.key.ingest_time)
    }

    /// The event of the row that comes next of all rows and edges, and its stream; None where that is an edge.
    #[inline]
    #[must_use]
    pub fn next_row(&self) -> Option<(Event, u16)> {
        let (time, feed) = self.next_feed()?;
        let (event_time, payload) = row_of(&feed.rows, feed.next, feed.stream);
        let event = Event {
            seq_id: 0,
            event_time,
            ingest_time: time,
            source: Source::MarketData.number(),
            venue: feed.venue,
            account: AccountIndex::NULL,
            instrument: feed.instrument,
            payload,
            idempotency_key: Box::default(),
        };
        Some((event, feed.stream))
    }

    /// The stream whose row comes next of all rows and edges, and when; None where that is an edge.
    #[inline]
    fn next_feed(&self) -> Option<(Time, &Feed)> {
        let Reverse((time, rank)) = self.heads.peek()?;
        match self.makers[*rank as usize] {
            Maker::Stream(stream) => Some((*time, self.feeds[usize::from(stream)].as_ref()?)),
            Maker::Sessions(_) => None,
        }
    }

    /// The row that `next_row` showed is taken.
    #[inline]
    pub fn pass_row(&mut self, stream: u16) {
        let Some(feed) = &mut self.feeds[usize::from(stream)] else { return };
        feed.next += 1;
        let time = feed.time();
        self.replace_head(time, self.ranks[usize::from(stream)]);
    }

    /// The next row of the streams, or edge of a session.
    pub fn pop_row(&mut self) -> Option<Event> {
        let Some((event, stream)) = self.next_row() else { return self.session_edge() };
        self.pass_row(stream);
        Some(event)
    }

    /// A session opens (even edges) or closes (odd ones); its venue's next edge becomes a head.
    #[cold]
    fn session_edge(&mut self) -> Option<Event> {
        let Reverse((time, rank)) = *self.heads.peek()?;
        let Maker::Sessions(venue) = self.makers[rank as usize] else { return None };
        let order = self.sessions[venue.at()].1;
        self.sessions[venue.at()].1 += 1;
        self.replace_head(self.edge_time(venue), rank);
        Some(Event {
            seq_id: 0,
            event_time: time,
            ingest_time: time,
            source: Source::MarketData.number(),
            venue,
            account: AccountIndex::NULL,
            instrument: NULL_INSTRUMENT,
            payload: if order.is_multiple_of(2) { SessionOpened.into() } else { SessionClosed.into() },
            idempotency_key: Box::default(),
        })
    }

    /// When the next edge of a venue's sessions is.
    fn edge_time(&self, venue: VenueIndex) -> Option<Time> {
        let (rows, order) = &self.sessions[venue.at()];
        let times = if order.is_multiple_of(2) { &rows.open_time } else { &rows.close_time };
        times.get(*order as usize / 2).copied()
    }

    /// The key of the next row or edge.
    fn head(&self) -> Option<Key> {
        let Reverse((time, rank)) = self.heads.peek()?;
        Some(self.key(*rank, *time))
    }

    /// The key of what a maker gives next.
    fn key(&self, rank: u32, ingest_time: Time) -> Key {
        let maker = self.makers[rank as usize];
        let order = match maker {
            Maker::Stream(stream) => self.feeds[usize::from(stream)].as_ref().map_or(0, |feed| feed.next as u64),
            Maker::Sessions(venue) => self.sessions[venue.at()].1,
        };
        let (venue, instrument, producer) = place_of(&self.config, maker);
        Key { ingest_time, priority: self.priority(Source::MarketData.number()), venue, instrument, producer, order }
    }

    fn push_head(&mut self, stream: u16) {
        let time = self.feeds[usize::from(stream)].as_ref().and_then(Feed::time);
        self.heads.extend(time.map(|time| Reverse((time, self.ranks[usize::from(stream)]))));
    }

    fn push_edge(&mut self, venue: VenueIndex) {
        let rank = self.makers.iter().position(|maker| *maker == Maker::Sessions(venue));
        if let (Some(time), Some(rank)) = (self.edge_time(venue), rank) {
            self.heads.push(Reverse((time, rank as u32)));
        }
    }

    /// Put what follows where the head just taken was: one sift instead of two.
    #[inline]
    fn replace_head(&mut self, next: Option<Time>, rank: u32) {
        match next {
            Some(time) => {
                if let Some(mut top) = self.heads.peek_mut() {
                    *top = Reverse((time, rank));
                }
            }
            None => {
                self.heads.pop();
            }
        }
    }
}

/// Where a maker stands among all at one instant. The priority of all is that of market data.
fn place_of(config: &Config, maker: Maker) -> (VenueIndex, InstrumentIndex, u32) {
    match maker {
        Maker::Stream(stream) => {
            let instrument = config.streams[usize::from(stream)].instrument;
            (config.instruments[instrument.at()].venue, instrument, u32::from(stream))
        }
        Maker::Sessions(venue) => (venue, NULL_INSTRUMENT, PRODUCER_SESSIONS + u32::from(venue.0)),
    }
}

/// All makers that there may be, in their order at one instant.
fn ranked(config: &Config) -> Vec<Maker> {
    let streams = (0..config.streams.len()).map(|stream| Maker::Stream(stream as u16));
    let sessions = (0..config.venues.len()).map(|venue| Maker::Sessions(VenueIndex(venue as u16)));
    let mut makers: Vec<_> = streams.chain(sessions).collect();
    makers.sort_by_key(|maker| place_of(config, *maker));
    makers
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
