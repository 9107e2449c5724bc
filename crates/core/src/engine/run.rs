//! The run: which step is next, the callbacks between the two commits, the record, and the equity curve.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::codec::{End, LeafKey, Step, TimerRequest, encode_record, encode_venue, fill_crc};
use crate::config::{Config, DataKind, account_of, config_problem};
use crate::engine::curve::EquityCurve;
use crate::engine::equity::Holdings;
use crate::engine::incoming::{Committed, Incoming, MARKET_EVENTS};
use crate::engine::journal::{Journal, Opening, Sink};
use crate::engine::outgoing::Outgoing;
use crate::engine::store::Store;
use crate::event::{
    DataEnded, Event, EventType, Payload, Rows, RunStopped, SessionRows, Source, Start, TimerFired, event, first_time,
    rows_problem, sessions_problem, times_of,
};
use crate::intent::Intent;
use crate::matching::{Cause, NO_CAUSE, Phase, Point, SimulatedVenue};
use crate::schedule::{ScheduleRows, schedule_problem};
use crate::sequencer::{Key, Origin, PRODUCER_OUTSIDE, PRODUCER_VENUE, Sequencer};
use crate::units::{AccountIndex, InstrumentIndex, NULL_INSTRUMENT, StrategyIndex, Time, VenueIndex, money};
use crate::view::View;
use crate::wake::Wakes;

/// Events that move what an account holds.
pub const BOOKED_EVENTS: [EventType; 5] =
    [EventType::Filled, EventType::Busted, EventType::Transfer, EventType::Funding, EventType::Settlement];
/// A UTC day.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// Why a configuration, or rows attached to it, cannot be run.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub struct ConfigProblem(pub String);

/// A strategy's answer to a callback.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// What it asks for.
    pub intents: Vec<Intent>,
    /// Timers it sets or cancels.
    pub timers: Vec<TimerRequest>,
    /// The kind of what it raised, or ''; its intents and timers are then discarded.
    pub error: Box<str>,
    /// KeyboardInterrupt or SystemExit: the run stops after commit A.
    pub interrupted: bool,
}

/// Who calls the strategies.
pub trait Host {
    /// Bit mask of the event types that the strategy is called for; asked once, before the first step.
    fn wants(&self, strategy: StrategyIndex) -> u64;

    /// Call the strategy; None is an answer without anything.
    fn call(
        &mut self,
        strategy: StrategyIndex,
        event: &Event,
        status_changed: bool,
        view: &mut View<'_>,
    ) -> Option<Response>;

    /// A bar that does not wake the strategy: a host whose strategies warm up counts it. None is an answer without anything.
    fn pass_over(&mut self, strategy: StrategyIndex, view: &mut View<'_>) -> Option<Response> {
        let _ = (strategy, view);
        None
    }
}

/// One run. `record` keeps the last step's record and an incremental state root.
#[derive(Debug)]
pub struct Engine {
    /// The state with its bookkeeping.
    pub store: Store,
    /// Pending items.
    pub sequencer: Sequencer,
    /// The simulated venues, by index.
    pub venues: Vec<SimulatedVenue>,
    /// The door for intents, with the commands to venues outside.
    pub outgoing: Outgoing,
    /// Frame of the last step, when steps are recorded and no journal takes them at once; empty for one that a journal leaves to a
    /// stretch of data steps.
    pub last_record: Vec<u8>,
    /// Where steps are written.
    pub journal: Option<Journal>,
    /// Whether data steps that change nothing have frames of their own.
    pub embedded: bool,
    /// Whether the last step was such a one.
    pub idle: bool,
    /// The equity curve so far.
    pub equity: EquityCurve,
    /// Whether a callback was interrupted.
    pub interrupted: bool,
    /// Whether the last step was taken.
    pub concluded: bool,
    /// Images of commit A, until the step's frame takes them.
    before: Vec<u8>,
    replaying: bool,
    pub(super) config: Arc<Config>,
    pub(super) incoming: Incoming,
    pub(super) market_label: Option<Time>,
    /// Whether an account moved since the last row: what comes after the last market time has a row of its own at the end.
    pub(super) booked: bool,
    pub(super) holdings: Holdings,
    since_check: u32,
    pub(super) tracks_day: bool,
    /// On which bars strategies are called, where they have said so.
    pub(super) wakes: Wakes,
    pub(super) wants: Vec<u64>,
    /// What any strategy wants.
    pub(super) wanted: u64,
}

impl Engine {
    /// A run of the configuration.
    pub fn new(config: Config, record: bool) -> Result<Self, ConfigProblem> {
        Self::of(config, record, false)
    }

    /// A run that takes only recorded steps: nothing leaves it, not even to simulated venues.
    pub fn of_records(config: Config, record: bool) -> Result<Self, ConfigProblem> {
        Self::of(config, record, true)
    }

    fn of(config: Config, record: bool, replaying: bool) -> Result<Self, ConfigProblem> {
        if let Some(problem) = config_problem(&config) {
            return Err(ConfigProblem(problem));
        }
        let too_large = |_| ConfigProblem("the opening deposits do not fit".into());
        for deposit in config.accounts.iter().flat_map(|account| &account.deposits) {
            money(deposit.amount.0).map_err(too_large)?;
        }
        let config = Arc::new(config);
        let mut venues = Vec::new();
        for (index, declared) in config.venues.iter().enumerate() {
            let venue = VenueIndex(index as u16);
            if let Some(account) = account_of(&config, venue).filter(|_| declared.simulated) {
                venues.push(SimulatedVenue::new(Arc::clone(&config), venue, account).map_err(too_large)?);
            }
        }
        Ok(Self {
            store: Store::new(Arc::clone(&config), record).map_err(too_large)?,
            sequencer: Sequencer::new(Arc::clone(&config)),
            venues,
            outgoing: Outgoing::new(Arc::clone(&config), replaying),
            last_record: Vec::new(),
            journal: None,
            embedded: false,
            idle: false,
            equity: EquityCurve::default(),
            interrupted: false,
            concluded: false,
            before: Vec::new(),
            replaying,
            incoming: Incoming::new(Arc::clone(&config)),
            market_label: None,
            booked: false,
            holdings: Holdings::default(),
            since_check: 0,
            tracks_day: config.strategies.iter().any(|strategy| strategy.limits.max_daily_loss.0 != 0),
            wakes: Wakes::new(config.streams.len()),
            wants: Vec::new(),
            wanted: 0,
            config,
        })
    }

    /// Whether it takes only recorded steps.
    #[must_use]
    pub const fn replaying(&self) -> bool {
        self.replaying
    }

    /// Ask the host what each strategy is called for.
    pub fn ask_wants<H: Host + ?Sized>(&mut self, host: &H) {
        let strategies = 0..self.config.strategies.len();
        self.wants = strategies.map(|index| host.wants(StrategyIndex(index as u16))).collect();
        self.wanted = self.wants.iter().fold(0, |all, wants| all | wants);
    }

    /// Bit mask of the event types that any strategy is called for.
    #[must_use]
    pub const fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Call strategies for these event types only, of those that each wants.
    pub const fn want(&mut self, wanted: u64) {
        self.wanted = wanted;
    }

    // Recording

    /// Have a frame of every step from now on, as a journal has.
    pub const fn record_steps(&mut self, embedded: bool) {
        self.store.recording = true;
        self.embedded = embedded;
    }

    /// Write every step from now on into a journal.
    pub fn open_journal(&mut self, opening: &Opening<'_>, sink: Box<dyn Sink>) {
        self.record_steps(opening.embedded);
        self.journal = Some(Journal::new(opening, sink));
    }

    /// Where the run stands, as the end of its journal.
    pub fn end(&mut self) -> End {
        let mut venues = Sha256::new();
        self.venues.iter().for_each(|venue| venues.update(encode_venue(venue)));
        let (last_seq, stopped) = (self.store.state.seq, self.store.state.stopped);
        End { last_seq, stopped, digest: self.digest(), venues: venues.finalize().into() }
    }

    // Feeding

    /// The rows of a declared stream. An error when it is not declared, carries another kind, or the columns do not fit together.
    pub fn attach(&mut self, stream: u16, rows: impl Into<Rows>) -> Result<(), ConfigProblem> {
        let rows = rows.into();
        let Some(declared) = self.config.streams.get(usize::from(stream)).copied() else {
            return Err(ConfigProblem(format!("stream {stream} is not declared")));
        };
        if declared.is_derived() {
            let source = declared.source;
            return Err(ConfigProblem(format!("stream {stream} is derived from stream {source}: it takes no rows")));
        }
        let (kind, given) = match &rows {
            Rows::Bars(_) => (DataKind::Bar, "BarRows"),
            Rows::Trades(_) => (DataKind::Trade, "TradeRows"),
            Rows::Quotes(_) => (DataKind::Quote, "QuoteRows"),
        };
        if declared.kind != kind {
            let carried = ["BarRows", "TradeRows", "QuoteRows"][usize::from(declared.kind.number())];
            return Err(ConfigProblem(format!("stream {stream} carries {carried}, not {given}")));
        }
        if let Some(problem) = rows_problem(&rows) {
            return Err(ConfigProblem(format!("the columns of stream {stream} {problem}")));
        }
        let venue = self.config.instruments[declared.instrument.at()].venue;
        for simulated in self.venues.iter_mut().filter(|_| declared.matching) {
            if simulated.index() == venue {
                simulated.attach(declared.instrument, rows.clone());
            }
            simulated.desk.clearing.show(declared.instrument, rows.clone());
        }
        self.sequencer.attach(stream, rows);
        Ok(())
    }

    /// The sessions of a venue: events of it, for all its instruments. An error when they are not in order.
    pub fn attach_sessions(&mut self, venue: VenueIndex, rows: SessionRows) -> Result<(), ConfigProblem> {
        if venue.at() >= self.config.venues.len() {
            return Err(ConfigProblem(format!("venue {} is not declared", venue.0)));
        }
        if let Some(problem) = sessions_problem(&rows) {
            return Err(ConfigProblem(format!("the sessions of venue {} {problem}", venue.0)));
        }
        if let Some(simulated) = self.venues.iter_mut().find(|one| one.index() == venue) {
            simulated.attach_sessions(rows.clone());
        }
        self.sequencer.attach_sessions(venue, rows);
        Ok(())
    }

    /// Funding, payments and the settlement of an instrument of a simulated venue. An error for what cannot happen to it.
    pub fn attach_schedule(&mut self, instrument: InstrumentIndex, rows: &ScheduleRows) -> Result<(), ConfigProblem> {
        let Some(declared) = self.config.instruments.get(instrument.at()) else {
            return Err(ConfigProblem(format!("instrument {} is not declared", instrument.0)));
        };
        let Some(venue) = self.venues.iter_mut().find(|one| one.index() == declared.venue) else {
            return Err(ConfigProblem(format!("{} trades at no simulated venue", declared.name)));
        };
        if let Some(problem) = schedule_problem(declared, rows) {
            return Err(ConfigProblem(problem));
        }
        venue.attach_schedule(instrument, rows);
        Ok(())
    }

    /// An item from outside: a report, a tick, a control event.
    pub fn push(&mut self, item: Event) {
        self.sequencer.push(item, PRODUCER_OUTSIDE, NO_CAUSE);
    }

    // Running

    /// The Start record: on_start is called at the first moment of the data.
    pub fn start<H: Host + ?Sized>(&mut self, host: &mut H) {
        let opens = self.sequencer.rows().filter_map(first_time);
        let head = self.sequencer.peek().map(|head| head.ingest_time);
        self.equity.reserve(self.sequencer.rows().map(|rows| times_of(rows).len()).max().unwrap_or(0));
        let first = opens.chain(head).min().unwrap_or_default();
        self.take(event(Start, first), 0, Origin::Own, host);
    }

    /// Take the next item with everything the venues do before it; false when there is none. A bar that the last item closed comes
    /// first: nothing stands between them.
    pub fn step<H: Host + ?Sized>(&mut self, host: &mut H) -> bool {
        if !self.store.state.started {
            self.start(host);
            return true;
        }
        if self.store.state.closed_bars != 0 {
            if let Some(item) = self.closed_bar() {
                self.take(item, 0, Origin::Data, host);
            }
            return true;
        }
        let timer = self.next_timer();
        let (head, is_timer) = loop {
            let item = self.sequencer.peek();
            let is_timer = timer.is_some_and(|timer| item.is_none_or(|item| timer < item));
            let head = if is_timer { timer } else { item };
            let Some((point, venue)) = self.next_point() else { break (head, is_timer) };
            if head.is_some_and(|head| (head.ingest_time, Phase::Item) <= (point.time, point.phase)) {
                break (head, is_timer);
            }
            self.run_point(point, venue);
        };
        if head.is_none() {
            return false;
        }
        if is_timer {
            self.fire_timer(host);
        } else if self.sequencer.row_is_next() {
            // A row goes from its columns straight into its step: copies of an event are what an idle bar costs most.
            if let Some(item) = self.sequencer.pop_row() {
                self.take(item, 0, Origin::Data, host);
            }
        } else if let Some((item, cause, origin)) = self.sequencer.pop() {
            let depth = self.depth(item.ingest_time, cause);
            self.take(item, depth, origin, host);
        }
        true
    }

    /// The next bar that the core made, or row of the attached data, taken from where it waits; without the venues between.
    pub fn next_data(&mut self) -> Option<Event> {
        if self.store.state.closed_bars != 0 { self.closed_bar() } else { self.sequencer.pop_row() }
    }

    /// Step until the data ends or the engine stops, then finish.
    pub fn run<H: Host + ?Sized>(&mut self, host: &mut H) {
        while self.run_some(u64::MAX, host) {}
        self.finish(host);
    }

    /// Take up to so many steps; whether there may be more before `finish`.
    pub fn run_some<H: Host + ?Sized>(&mut self, steps: u64, host: &mut H) -> bool {
        let mut left = steps;
        while left > 0 && !self.is_over() {
            let taken = self.take_stretch(left, host);
            if taken == 0 && !self.step(host) {
                break;
            }
            left -= taken.max(1);
        }
        left == 0
    }

    /// End of data: reports in flight are delivered, then on_stop is called. An interrupted run stays as it is.
    pub fn finish<H: Host + ?Sized>(&mut self, host: &mut H) {
        if self.interrupted {
            return;
        }
        if !self.store.state.ended {
            self.end_data(host);
        }
        while self.step(host) && !self.interrupted {}
        self.conclude(host);
    }

    /// No more market data: new risk is refused, timers do not fire, bars do not match; `step` delivers what is in flight.
    pub fn end_data<H: Host + ?Sized>(&mut self, host: &mut H) {
        if !self.store.state.started {
            self.start(host);
        }
        self.take(event(DataEnded, self.store.state.now), 0, Origin::Own, host);
        self.sequencer.end();
        self.venues.iter_mut().for_each(SimulatedVenue::end);
    }

    /// The last step, which calls on_stop, the last equity row and the full invariant check.
    pub fn conclude<H: Host + ?Sized>(&mut self, host: &mut H) {
        if !self.concluded {
            self.stop_run(host);
        }
        if self.journal.is_some() && !self.interrupted {
            let end = self.end();
            if let Some(journal) = &mut self.journal {
                journal.end(&end);
            }
        }
    }

    fn stop_run<H: Host + ?Sized>(&mut self, host: &mut H) {
        if self.interrupted {
            return;
        }
        self.take(event(RunStopped, self.store.state.now), 0, Origin::Own, host);
        self.concluded = !self.interrupted;
        if self.market_label.is_none() && self.booked {
            self.market_label = Some(self.store.state.now);
        }
        self.equity_row();
        self.recheck();
        self.store.closed.extend(self.store.state.orders.values());
    }

    /// Whether all data and schedules, and all that was pushed from outside, has been delivered.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        let state = &self.store.state;
        let delivered = state.started && self.sequencer.exhausted() && state.closed_bars == 0;
        delivered && !self.venues.iter().any(|venue| venue.schedule.peek().is_some())
    }

    fn is_over(&self) -> bool {
        let failed = self.journal.as_ref().is_some_and(|journal| journal.failed);
        self.exhausted() || self.interrupted || self.store.state.stopped != 0 || failed
    }

    pub(super) fn next_timer(&self) -> Option<Key> {
        let state = &self.store.state;
        let (deadline, strategy, timer) = state.timers.next().filter(|_| !state.ended)?;
        Some(Key {
            ingest_time: deadline,
            priority: self.sequencer.priority(Source::Timer.number()),
            venue: VenueIndex::NULL,
            instrument: NULL_INSTRUMENT,
            producer: u32::from(strategy.0),
            order: timer,
        })
    }

    fn fire_timer<H: Host + ?Sized>(&mut self, host: &mut H) {
        let Some((deadline, strategy, timer)) = self.store.state.timers.next() else { return };
        let (now, depth) = self.store.state.timers.cause(strategy, timer);
        let depth = self.depth(deadline, Cause { now, depth });
        self.take(event(TimerFired { strategy, timer, deadline }, deadline), depth, Origin::Own, host);
    }

    /// The next bar that the core made and did not deliver yet.
    fn closed_bar(&self) -> Option<Event> {
        let state = &self.store.state;
        let closed = state.aggregates.iter().find_map(|one| one.closed.front().copied())?;
        let instrument = self.config.streams[usize::from(closed.stream)].instrument;
        Some(Event {
            event_time: closed.close_time,
            venue: self.config.instruments[instrument.at()].venue,
            instrument,
            ..event(closed, state.now)
        })
    }

    /// Depth in a chain of steps that caused each other at one instant.
    fn depth(&self, ingest_time: Time, cause: Cause) -> u32 {
        if cause.now == self.store.state.now.max(ingest_time) { cause.depth.saturating_add(1) } else { 0 }
    }

    /// The soonest moment of the simulated venues, and whose it is.
    pub(super) fn next_point(&self) -> Option<(Point, usize)> {
        let points = self.venues.iter().enumerate();
        points.filter_map(|(place, venue)| venue.next_point().map(|point| (point, place))).min()
    }

    fn run_point(&mut self, point: Point, place: usize) {
        if point.phase == Phase::Open {
            self.equity_row();
        }
        let venue = &mut self.venues[place];
        venue.run(point);
        let producer = PRODUCER_VENUE + u32::from(venue.index().0);
        for report in venue.desk.reports.drain(..) {
            self.sequencer.push(report.event, producer, report.cause);
        }
    }

    // One step

    /// One step: commit A, callbacks, commit B, record. Replay enters here with recorded items.
    pub fn take<H: Host + ?Sized>(&mut self, mut item: Event, depth: u32, origin: Origin, host: &mut H) {
        self.advance(&item, host);
        item.seq_id = self.store.state.seq;
        let committed = self.incoming.commit(&mut self.store, &item);
        let code = item.payload.event_type();
        if !MARKET_EVENTS.contains(&code) {
            self.holdings.known = false;
            self.booked |= committed.taken && BOOKED_EVENTS.contains(&code);
        } else if committed.taken && self.incoming.moves_mark(&item) {
            self.market_label = Some(item.event_time);
        }
        self.answer_step(&committed, &item, (depth, origin), host);
    }

    /// The rest of a step, behind commit A; whether it passed without an answer.
    pub(super) fn answer_step<H: Host + ?Sized>(
        &mut self,
        committed: &Committed,
        item: &Event,
        (depth, origin): (u32, Origin),
        host: &mut H,
    ) -> bool {
        self.before.clear();
        self.store.write_images(&mut self.before);
        let sent = self.outgoing.outbox.len();
        let answered = self.call(committed, item, depth, host);
        let (silent, answers) = (answered.is_none(), answered.unwrap_or_default());
        if !self.store.stirred.is_empty() && !self.interrupted {
            let refused = match &item.payload {
                Payload::ReplaceRejected(rejected) => Some(rejected.order),
                _ => None,
            };
            self.outgoing.tend(&mut self.store, refused, depth);
            self.dispatch();
        }
        if self.store.recording {
            let (findings, interrupted) = (&committed.findings[..], self.interrupted);
            let step = Step { origin, event: item, depth, findings, interrupted, answers: &answers };
            self.record(&step, self.outgoing.outbox.len() > sent);
        }
        if self.config.recheck_every != 0 {
            self.since_check += 1;
            if self.since_check >= self.config.recheck_every {
                self.recheck();
            }
        }
        silent
    }

    /// Keep the step's frame, unless it is one that a journal leaves to a stretch of data steps.
    #[inline]
    fn record(&mut self, step: &Step<'_>, leaves: bool) {
        let silent = step.findings.is_empty() && !step.interrupted && step.answers.is_empty();
        let unchanged = self.before.is_empty() && self.store.is_unchanged();
        self.idle = step.origin == Origin::Data && !self.embedded && step.depth == 0 && silent && unchanged;
        if self.store.rooted() || !self.idle {
            self.write(step, leaves);
            return;
        }
        self.pass_idle(step.event.seq_id);
    }

    /// A data step that a journal leaves to a stretch of them.
    #[inline]
    pub(super) fn pass_idle(&mut self, seq: u64) {
        self.idle = true;
        self.last_record.clear();
        if let Some(journal) = &mut self.journal {
            journal.idle(seq);
        }
    }

    /// Into the open block at once, unless somebody wants to see the frame.
    fn write(&mut self, step: &Step<'_>, leaves: bool) {
        let Self { store, before, journal, last_record, idle, .. } = self;
        let seq = step.event.seq_id;
        last_record.clear();
        if let Some(journal) = journal.as_mut().filter(|_| !store.rooted()) {
            encode_record(journal.buffer(), step, before, |out| store.write_images(out));
            journal.step(seq, leaves);
            return;
        }
        encode_record(last_record, step, before, |out| store.write_images(out));
        fill_crc(last_record);
        match journal {
            Some(journal) if *idle => journal.idle(seq),
            Some(journal) => {
                journal.buffer().extend_from_slice(last_record);
                journal.step(seq, leaves);
            }
            None => {}
        }
    }

    /// Give the item its `seq_id` and move the clock.
    fn advance<H: Host + ?Sized>(&mut self, item: &Event, host: &H) {
        if !self.store.state.started {
            self.ask_wants(host);
            self.store.state.now = item.ingest_time;
            self.store.state.start_time = item.ingest_time;
            return;
        }
        self.store.state.seq += 1;
        if item.ingest_time > self.store.state.now {
            self.equity_row();
            self.new_day(item.ingest_time);
            self.store.state.now = item.ingest_time;
            self.store.retire();
        }
    }

    /// Whether the strategy is called for events of the type.
    pub(super) fn wants(&self, strategy: usize, code: EventType) -> bool {
        self.wants.get(strategy).is_some_and(|wants| wants >> code.number() & 1 == 1)
    }

    /// Where the run stands besides its state: the label of the next equity row, whether an account moved since the last one, and the
    /// steps since the last full check.
    pub(super) const fn standing(&self) -> (Option<Time>, bool, u32) {
        (self.market_label, self.booked, self.since_check)
    }

    /// Stand where another run stood.
    pub(super) fn stand(&mut self, market_label: Option<Time>, booked: bool, since_check: u32) {
        (self.market_label, self.booked, self.since_check) = (market_label, booked, since_check);
        self.holdings = Holdings::default();
    }

    /// Remember the day's first equity; while that is not known the old day goes on.
    fn new_day(&mut self, time: Time) {
        let day = time.0.div_euclid(DAY_NS);
        if !self.tracks_day || day == self.store.state.day {
            return;
        }
        if let Some(equity) = self.store.state.equity(AccountIndex::NULL) {
            self.store.state.day = day;
            self.store.state.day_equity = equity;
            self.store.touch(LeafKey::Day);
        }
    }

    fn recheck(&mut self) {
        self.since_check = 0;
        self.store.recheck();
    }

    /// The state root: incremental when recording, else from nothing.
    pub fn root(&mut self) -> [u8; 32] {
        self.store.root()
    }

    /// The state hash where the run stands.
    pub fn digest(&mut self) -> [u8; 32] {
        self.store.digest()
    }
}
