//! Commit A: a fact comes in. It is told apart from duplicates, staged as a plan, checked as a whole and written.
//!
//! Facts are never rolled back: one that fails its check is recorded with what it breaks, the state stays, the engine stops. Market
//! events need no plan: they cannot fail once their content is sound.

use std::sync::Arc;

use crate::aggregate::{add, fits, piece_of};
use crate::book::{show_bar, show_quote, show_trade};
use crate::codec::{Finding, LeafKey};
use crate::config::{Config, DataKind, NULL_STREAM, Stream};
use crate::engine::facts::{
    apply_account_event, apply_engine_report, apply_held_end, apply_report, is_report, malformed, order_ordinal,
};
use crate::engine::plan::{Plan, Staged};
use crate::engine::store::{Execution, Store};
use crate::event::{Bar, Event, EventType, Filled, Payload, TimerFired};
use crate::indicator::NULL_SOURCE;
use crate::reject::RejectCode;
use crate::state::{DENSE_WINDOW, RECENT_BARS, State};
use crate::units::{AccountIndex, ENGINE_VENUE, InstrumentIndex, Money, OutOfRange, StrategyIndex};

/// Events that show a price; those that move a mark make a row of the equity curve.
pub const MARKET_EVENTS: [EventType; 3] = [EventType::Bar, EventType::Trade, EventType::Quote];

/// What commit A did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// What was found on the fact.
    pub findings: Vec<Finding>,
    /// False for what changed nothing: duplicates, quarantined, malformed and failing facts. Nobody is told of them.
    pub taken: bool,
    /// The strategy that is told of a report with an effect on its order.
    pub owner: Option<StrategyIndex>,
    /// Whether that order shows another status.
    pub status_changed: bool,
}

/// Taken, with nothing found.
pub const EFFECTIVE: Committed = Committed { findings: Vec::new(), taken: true, owner: None, status_changed: false };

/// The door for facts.
#[derive(Debug)]
pub struct Incoming {
    config: Arc<Config>,
    /// The kind of stream that drives an instrument's mark; without one, whatever is shown does.
    marked_by: Vec<Option<DataKind>>,
    /// The stream of trades and that of quotes, by instrument.
    tick_streams: Vec<(u16, u16)>,
    /// Derived streams by their source.
    derives: Vec<Vec<u16>>,
    derives_any: bool,
    /// Indicators by stream, as far as they were declared when it was last asked.
    by_stream: Vec<Vec<u32>>,
    indexed: usize,
    /// Memory of the last plan.
    spare: Option<Box<Staged>>,
}

impl Incoming {
    /// For a run of this configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let mut marked_by = vec![None; config.instruments.len()];
        for stream in config.streams.iter().filter(|stream| stream.matching) {
            marked_by[stream.instrument.at()] = Some(stream.kind);
        }
        let mut tick_streams = vec![(NULL_STREAM, NULL_STREAM); config.instruments.len()];
        let mut derives = vec![Vec::new(); config.streams.len()];
        for (index, stream) in (0..).zip(&config.streams) {
            match stream.kind {
                DataKind::Bar if stream.is_derived() => derives[usize::from(stream.source)].push(index),
                DataKind::Bar => {}
                DataKind::Trade => tick_streams[stream.instrument.at()].0 = index,
                DataKind::Quote => tick_streams[stream.instrument.at()].1 = index,
            }
        }
        Self {
            marked_by,
            tick_streams,
            derives_any: config.streams.iter().any(Stream::is_derived),
            derives,
            by_stream: vec![Vec::new(); config.streams.len()],
            indexed: 0,
            spare: None,
            config,
        }
    }

    /// Apply the fact. A report is staged and checked as a whole; one that fails is recorded with what it breaks, the state stays.
    pub fn commit(&mut self, store: &mut Store, item: &Event) -> Committed {
        let code = item.payload.event_type();
        let committed = if is_report(code) {
            self.commit_report(store, item)
        } else {
            let found = if MARKET_EVENTS.contains(&code) {
                self.apply_market(store, item)
            } else if apply_control(store, item) {
                None
            } else {
                Some(RejectCode::RMalformed)
            };
            let Some(found) = found else { return EFFECTIVE };
            let finding = Finding { code: found.number(), value: 0, limit: 0 };
            Committed { findings: vec![finding], taken: false, ..EFFECTIVE }
        };
        for finding in &committed.findings {
            *store.state.counters.entry(finding.code).or_default() += 1;
        }
        committed
    }

    fn commit_report(&mut self, store: &mut Store, item: &Event) -> Committed {
        let mut plan = Plan::new(&store.state, self.spare.take().unwrap_or_default());
        let applied = self.apply(&mut plan, item).and_then(|()| plan.check());
        let broken = applied.unwrap_or(Some((RejectCode::SRange, 0, 0)));
        let Plan { mut staged, mut findings, owner, status_changed, taken, .. } = plan;
        let committed = if let Some((code, value, limit)) = broken {
            store.stop(code);
            findings.push(Finding { code: code.number(), value, limit });
            Committed { findings, taken: false, owner: None, status_changed: false }
        } else {
            self.write(store, &mut staged, item, taken);
            Committed { findings, taken, owner, status_changed }
        };
        self.spare = Some(staged);
        committed
    }

    fn write(&self, store: &mut Store, staged: &mut Staged, item: &Event, taken: bool) {
        if let Some(order) = staged.flagged.and_then(|ordinal| store.state.orders.get_mut(&ordinal)) {
            order.flagged = true;
        }
        if let Payload::Filled(filled) = &item.payload
            && !staged.fills.is_empty()
        {
            execute(store, staged, item, filled);
        }
        if store.recording {
            staged.touched(&mut |key| store.touch(key));
            if let Some(instrument) = staged.freeze {
                store.touch(LeafKey::Market(instrument));
            }
        }
        for (ordinal, order) in staged.orders.drain() {
            let before = store.state.orders[&ordinal];
            // What it reserves was checked with the plan.
            if store.put(&before, order).is_err() {
                store.stop(RejectCode::SRange);
            }
        }
        staged.write(&mut store.state);
        if !item.idempotency_key.is_empty() && taken && item.venue != ENGINE_VENUE {
            self.remember(store, item);
        }
    }

    fn apply(&self, plan: &mut Plan<'_>, item: &Event) -> Result<(), OutOfRange> {
        if matches!(item.payload, Payload::Denied(_) | Payload::Refused(_)) {
            apply_engine_report(plan, item);
            return Ok(());
        }
        if let Payload::Cancelled(cancelled) = &item.payload
            && item.venue == ENGINE_VENUE
        {
            return apply_held_end(plan, item, cancelled.order);
        }
        if malformed(plan, item) || self.is_known(plan, item) {
            return Ok(());
        }
        let state = plan.state;
        let Some(ordinal) = order_ordinal(&item.payload) else {
            return apply_account_event(plan, item);
        };
        if ordinal.0 == 0 || ordinal >= state.next_ordinal {
            plan.refuse(RejectCode::RUnknownOrder, ordinal.0);
        } else if let Some(order) = state.orders.get(&ordinal) {
            return apply_report(plan, item, order);
        } else {
            plan.refuse(RejectCode::RRetired, ordinal.0);
        }
        Ok(())
    }

    /// Whether the report has no effect: a duplicate, a conflict, one too old to tell, or a fill without identity.
    fn is_known(&self, plan: &mut Plan<'_>, item: &Event) -> bool {
        let (key, account) = (&*item.idempotency_key, item.account);
        let is_fill = matches!(item.payload, Payload::Filled(_));
        if key.is_empty() {
            if is_fill {
                quarantine(plan, RejectCode::RNoKey, item);
            }
            return is_fill;
        }
        let seen = &plan.state.seen[account.at()];
        let content = if self.is_dense(account) {
            let Some(number) = dense_number(key) else {
                quarantine(plan, RejectCode::RMalformed, item);
                return true;
            };
            if number.saturating_add(DENSE_WINDOW) <= seen.watermark {
                quarantine(plan, RejectCode::RRetired, item);
                return true;
            }
            seen.numbered(number)
        } else {
            seen.contents.get(key)
        };
        let Some(content) = content else { return false };
        if planted!(2) && *content == item.payload {
            return false;
        }
        if *content == item.payload {
            plan.refuse(RejectCode::RDuplicate, order_ordinal(&item.payload).unwrap_or_default().0);
        } else {
            quarantine(plan, RejectCode::RConflict, item);
        }
        true
    }

    fn is_dense(&self, account: AccountIndex) -> bool {
        self.config.venues[self.config.accounts[account.at()].venue.at()].capabilities.dense_keys
    }

    /// The report was taken: its key tells it again.
    fn remember(&self, store: &mut Store, item: &Event) {
        // A denial forged from outside may name no account.
        if item.account.at() >= self.config.accounts.len() {
            return;
        }
        let (account, key) = (item.account, &item.idempotency_key);
        let dense = self.is_dense(account);
        let seen = &mut store.state.seen[account.at()];
        if !dense {
            seen.contents.insert(key.clone(), item.payload.clone());
        } else {
            seen.keep_numbered(dense_number(key), key, item.payload.clone());
        }
        if store.rooted() {
            store.touch(LeafKey::Key(account, key.clone()));
        }
        if let Some(ordinal) = order_ordinal(&item.payload)
            && (!dense || matches!(item.payload, Payload::Filled(_)))
        {
            store.state.keys.entry(ordinal).or_default().push(key.clone());
        }
        if dense {
            raise_watermark(store, account);
        }
    }

    /// Marks, bars in the making and indicators; a code for impossible content, which changes nothing.
    fn apply_market(&mut self, store: &mut Store, item: &Event) -> Option<RejectCode> {
        if !self.is_market_sound(&store.state, item) {
            return Some(RejectCode::RMalformed);
        }
        if self.derives_any && !self.aggregate(store, item) {
            store.stop(RejectCode::SRange);
            return Some(RejectCode::SRange);
        }
        self.show(store, item);
        None
    }

    /// Marks and indicators of sound content; whether a mark moved.
    #[inline]
    pub(super) fn show(&mut self, store: &mut Store, item: &Event) -> bool {
        let (moves_mark, state) = (self.moves_mark(item), &mut store.state);
        let (now, market) = (state.now, &mut state.markets[item.instrument.at()]);
        match &item.payload {
            Payload::Bar(bar) => {
                if moves_mark {
                    show_bar(market, bar, now);
                }
                state.delivered[usize::from(bar.stream)] += 1;
                self.update_indicators(store, bar);
            }
            _ if !moves_mark => return false,
            Payload::Trade(trade) => show_trade(market, trade, now),
            Payload::Quote(quote) => show_quote(market, quote, now),
            _ => {}
        }
        store.touch(LeafKey::Market(item.instrument));
        moves_mark
    }

    /// Whether bars are made of any stream.
    #[must_use]
    pub(super) const fn derives(&self) -> bool {
        self.derives_any
    }

    /// Add the item to the bars made of its stream; false, and no bar changed, when one of them would not fit.
    fn aggregate(&self, store: &mut Store, item: &Event) -> bool {
        let streams = &self.config.streams;
        let source = match &item.payload {
            Payload::Bar(bar) => bar.stream,
            Payload::Trade(_) => self.tick_streams[item.instrument.at()].0,
            _ => self.tick_streams[item.instrument.at()].1,
        };
        if streams.get(usize::from(source)).is_some_and(Stream::is_derived) {
            let state = &mut store.state;
            let recent = &mut state.recent[usize::from(source)];
            if recent.len() == RECENT_BARS {
                recent.pop_front();
            }
            recent.extend(state.aggregates[usize::from(source)].closed.pop_front());
            store.state.closed_bars -= 1;
            store.touch(LeafKey::Aggregate(source));
        }
        let derived = self.derives.get(usize::from(source)).filter(|derived| !derived.is_empty());
        let Some(derived) = derived else { return true };
        let latency = streams[usize::from(source)].feed_latency;
        let time = i128::from(store.state.now.0) - i128::from(latency.0);
        let Some(piece) = piece_of(&item.payload, time) else { return true };
        let state = &mut store.state;
        let declared = |stream: &u16| &streams[usize::from(*stream)];
        if !derived.iter().all(|stream| fits(&state.aggregates[usize::from(*stream)], declared(stream), &piece)) {
            return false;
        }
        for stream in derived {
            let state = &mut store.state;
            let aggregate = &mut state.aggregates[usize::from(*stream)];
            state.closed_bars += add(aggregate, declared(stream), *stream, &piece);
            store.touch(LeafKey::Aggregate(*stream));
        }
        true
    }

    /// Whether a market event values positions: what another stream marks is only delivered.
    #[must_use]
    pub fn moves_mark(&self, item: &Event) -> bool {
        let kind = match &item.payload {
            Payload::Bar(bar) => return self.config.streams[usize::from(bar.stream)].matching,
            Payload::Trade(_) => DataKind::Trade,
            _ => DataKind::Quote,
        };
        self.marked_by[item.instrument.at()].is_none_or(|marked_by| marked_by == kind)
    }

    /// In the order of declaration: a source says what it says now before its readers ask.
    fn update_indicators(&mut self, store: &mut Store, bar: &Bar) {
        if self.indexed != store.state.indicators.len() {
            self.index_indicators(&store.state);
        }
        for index in &self.by_stream[usize::from(bar.stream)] {
            let indicators = &mut store.state.indicators;
            let given = &indicators[*index as usize].declaration;
            let sourced = match given.source {
                NULL_SOURCE => None,
                source => indicators[source as usize].number(given.line.into()),
            };
            indicators[*index as usize].update(bar, sourced);
            store.touch(LeafKey::Indicator(*index));
        }
    }

    fn index_indicators(&mut self, state: &State) {
        self.by_stream.iter_mut().for_each(Vec::clear);
        for (index, indicator) in state.indicators.iter().enumerate() {
            self.by_stream[usize::from(indicator.declaration.stream)].push(index as u32);
        }
        self.indexed = state.indicators.len();
    }

    fn is_market_sound(&self, state: &State, item: &Event) -> bool {
        if item.instrument.at() >= self.config.instruments.len() {
            return false;
        }
        if let Payload::Bar(bar) = &item.payload {
            let Some(stream) = self.config.streams.get(usize::from(bar.stream)) else { return false };
            if stream.instrument != item.instrument || stream.kind != DataKind::Bar {
                return false;
            }
            if stream.is_derived() {
                return state.aggregates[usize::from(bar.stream)].closed.front() == Some(bar);
            }
        }
        self.is_content_sound(item)
    }

    /// Whether what a declared stream says is possible.
    #[inline]
    pub(super) fn is_content_sound(&self, item: &Event) -> bool {
        let most = self.config.instruments[item.instrument.at()].max_price;
        match &item.payload {
            Payload::Bar(bar) => {
                bar.low <= bar.open
                    && bar.open <= bar.high
                    && bar.low <= bar.close
                    && bar.close <= bar.high
                    && bar.low.0 >= 1
                    && bar.high <= most
                    && bar.volume >= 0
            }
            Payload::Trade(trade) => {
                trade.price.0 >= 1 && trade.price <= most && trade.quantity.0 > 0 && trade.aggressor <= 2
            }
            Payload::Quote(quote) => {
                quote.bid_price.0 >= 1 && quote.bid_price <= quote.ask_price && quote.ask_price <= most
            }
            _ => false,
        }
    }
}

fn execute(store: &mut Store, staged: &Staged, item: &Event, filled: &Filled) {
    let Some(order) = staged.orders.get(&filled.order) else { return };
    let own = (order.id.strategy, order.instrument);
    let before = store.state.own_position(own.0, own.1);
    let after = staged.strategies.get(&own).copied().unwrap_or(before);
    store.executions.push(Execution {
        order: order.ordinal,
        strategy: order.id.strategy,
        instrument: order.instrument,
        event_time: item.event_time,
        seq_id: item.seq_id,
        side: order.side,
        quantity: filled.quantity,
        price: filled.price,
        fee_currency: filled.fee_currency,
        fee: filled.fee,
        liquidity: filled.liquidity,
        rule: filled.rule,
        realized_pnl: Money(after.realized_pnl().0 - before.realized_pnl().0),
    });
}

fn quarantine(plan: &mut Plan<'_>, code: RejectCode, item: &Event) {
    let ordinal = order_ordinal(&item.payload).unwrap_or_default();
    plan.refuse(code, ordinal.0);
    plan.staged.flagged = Some(ordinal);
}

/// The number of a key where a venue numbers densely: 1 or above, without leading zeros, below 10^18.
fn dense_number(key: &str) -> Option<u64> {
    let canonical = key.len() < 19 && !key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { key.parse().ok() } else { None }
}

fn raise_watermark(store: &mut Store, account: AccountIndex) {
    while let Some(old) = store.state.seen[account.at()].rise() {
        if store.rooted() {
            if old != 0 {
                store.touch(LeafKey::Key(account, old.to_string().into()));
            }
            store.touch(LeafKey::Seen(account));
        }
    }
}

/// Timers, operators and sessions; false for what names nothing, which changes nothing.
fn apply_control(store: &mut Store, item: &Event) -> bool {
    match &item.payload {
        Payload::TimerFired(fired) => return fire(store, fired),
        Payload::InstrumentStatus(status) => return set_status(store, item.instrument, status.frozen),
        Payload::RiskFlagSet(set) => return store.set_flag(set.strategy, set.flag, set.on),
        Payload::StrategyHalted(halted) => {
            if halted.strategy.at() >= store.state.owners.len() {
                return false;
            }
            store.halt(halted.strategy);
        }
        Payload::EngineStopped(_) => store.stop(RejectCode::SOperator),
        Payload::DataEnded(_) => {
            store.state.ended = true;
            store.touch(LeafKey::Engine);
        }
        _ => {}
    }
    true
}

/// A timer that is set, at its deadline, is set no more.
fn fire(store: &mut Store, fired: &TimerFired) -> bool {
    if store.state.timers.deadlines.get(&(fired.strategy, fired.timer)) != Some(&fired.deadline) {
        return false;
    }
    store.state.timers.cancel(fired.strategy, fired.timer);
    store.touch(LeafKey::Timer(fired.strategy, fired.timer));
    true
}

/// The venue halts an instrument, or lets it trade again, which also ends a freeze.
fn set_status(store: &mut Store, instrument: InstrumentIndex, frozen: bool) -> bool {
    let Some(market) = store.state.markets.get_mut(instrument.at()) else { return false };
    market.halted = frozen;
    market.frozen = frozen && market.frozen;
    store.touch(LeafKey::Market(instrument));
    true
}
