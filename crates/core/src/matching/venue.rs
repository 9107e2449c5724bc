//! The simulated venue: a party of its own, with its own orders and its own account. Only its reports move the engine.
//!
//! It has points in the merge without a `seq_id`: bar paths and ticks, arriving commands, expiries at session ends, bar opens. Fill
//! rules are numbered in contract/fills.toml. Where orders trade is `bars` and `ticks`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::bars::{fill_at_close, open_bar, waits_for_close, walk_bar};
use super::desk::Desk;
use super::lane::Lane;
use super::order::{Command, CommandKind, Mode, NO_CAUSE, Phase, Point, VenueOrder, mode_of};
use super::ticks::{close_session, meet_shown, show_tick};
use crate::config::Config;
use crate::event::{
    Accepted, CancelRejected, Cancelled, Expired, Funding, InstrumentStatus, Rejected, ReplaceRejected, Replaced, Rows,
    SessionRows, Settlement,
};
use crate::intent::{OrderType, TimeInForce};
use crate::order::is_trailing;
use crate::reject::RejectCode;
use crate::schedule::{Action, Schedule, ScheduleRows, Scheduled};
use crate::units::{
    AccountIndex, InstrumentIndex, NONE_PRICE, NONE_TIME, OrderOrdinal, OutOfRange, Price, Quantity, Rate, Time,
    VenueIndex,
};

/// One simulated venue. Reports collect until the engine takes them.
#[derive(Clone, Debug)]
pub struct SimulatedVenue {
    /// Its working orders and its account.
    pub desk: Desk,
    /// Its sessions.
    pub sessions: SessionRows,
    /// Under way, by arrival; the number keeps those of one instant in the order they were sent.
    pub commands: VecDeque<(Time, Command)>,
    /// Number of the last acceptance.
    pub last_place: u64,
    /// What happens at times of its own.
    pub schedule: Schedule,
    /// When orders expire or are due at a session's close. What has left before is passed over.
    deadlines: BinaryHeap<Reverse<(Time, OrderOrdinal, InstrumentIndex)>>,
    ended: bool,
    next: Option<Point>,
}

impl SimulatedVenue {
    /// The venue before the first moment. `OutOfRange` when its opening deposits do not fit.
    pub fn new(config: Arc<Config>, venue: VenueIndex, account: AccountIndex) -> Result<Self, OutOfRange> {
        Ok(Self {
            desk: Desk::new(config, venue, account)?,
            sessions: SessionRows::default(),
            commands: VecDeque::new(),
            last_place: 0,
            schedule: Schedule::default(),
            deadlines: BinaryHeap::new(),
            ended: false,
            next: None,
        })
    }

    /// Which venue of the configuration it is.
    #[must_use]
    pub const fn index(&self) -> VenueIndex {
        self.desk.venue
    }

    /// The rows that drive matching of the instrument.
    pub fn attach(&mut self, instrument: InstrumentIndex, rows: Rows) {
        self.desk.lanes[instrument.at()].rows = Some(rows);
        self.find_next();
    }

    /// The venue's sessions.
    pub fn attach_sessions(&mut self, rows: SessionRows) {
        self.sessions = rows;
    }

    /// What happens to the instrument at times of its own.
    pub fn attach_schedule(&mut self, instrument: InstrumentIndex, rows: &ScheduleRows) {
        self.schedule.add(instrument, rows);
        self.find_next();
    }

    /// Take a command; it arrives after the latency of its kind, and not before those about the same order or its group.
    pub fn receive(&mut self, command: Command, now: Time) {
        let declared = self.desk.declared();
        let latency = match command.kind {
            CommandKind::Submit => declared.submit_latency,
            CommandKind::Cancel => declared.cancel_latency,
            CommandKind::Replace => declared.replace_latency,
        };
        let mut arrival = Time(now.0.saturating_add(latency.0).saturating_add(self.desk.jitter()));
        for (time, earlier) in &self.commands {
            if [command.order, command.parent, command.oco].contains(&earlier.order) {
                arrival = arrival.max(*time);
            }
        }
        let at = self.commands.partition_point(|(time, _)| *time <= arrival);
        self.commands.insert(at, (arrival, command));
        self.find_next();
    }

    /// After the end of the data commands still arrive, but nothing is shown and nothing expires.
    pub fn end(&mut self) {
        self.ended = true;
        self.find_next();
    }

    /// When orders of the venue expire or are due, in order: what has left is passed over and not told.
    #[must_use]
    pub fn deadlines(&self) -> Vec<(Time, OrderOrdinal)> {
        let working =
            self.deadlines.iter().filter(|Reverse((_, order, instrument))| self.find(*instrument, *order).is_some());
        let mut due: Vec<_> = working.map(|Reverse((time, order, _))| (*time, *order)).collect();
        due.sort_unstable();
        due
    }

    /// Whether the data has ended.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Stand where another venue stood, whose orders are in the lanes; false when a deadline is of no order there.
    pub fn stand(&mut self, deadlines: &[(Time, OrderOrdinal)], ended: bool) -> bool {
        self.deadlines.clear();
        for &(time, order) in deadlines {
            let mut lanes = self.desk.lanes.iter();
            let Some(lane) = lanes.find(|lane| lane.orders.iter().any(|one| one.order == order)) else { return false };
            self.deadlines.push(Reverse((time, order, lane.instrument)));
        }
        self.ended = ended;
        self.desk.busy =
            self.desk.lanes.iter().filter(|lane| !lane.orders.is_empty()).map(|lane| lane.instrument).collect();
        for lane in &mut self.desk.lanes {
            lane.trails = lane.orders.iter().filter(|order| is_trailing(order.order_type)).count();
        }
        self.find_next();
        true
    }

    /// The venue's next moment. Only instruments with working orders have points.
    #[must_use]
    pub const fn next_point(&self) -> Option<Point> {
        self.next
    }

    fn find_next(&mut self) {
        let point = |time: Time, phase: Phase| Point { time, phase, instrument: InstrumentIndex(0) };
        let mut next = self.commands.front().map(|(time, _)| point(*time, Phase::Command));
        if !self.ended {
            let due = self.deadlines.peek().map(|Reverse((time, ..))| point(*time, Phase::Session));
            let lanes = self.desk.busy.iter().filter_map(|instrument| self.desk.lane(*instrument).point());
            let scheduled = self.schedule.peek().map(|one| Point {
                time: one.time,
                phase: Phase::Schedule,
                instrument: one.instrument,
            });
            next = next.into_iter().chain(due).chain(scheduled).chain(lanes).min();
        }
        self.next = next;
    }

    /// Let the moment happen.
    pub fn run(&mut self, point: Point) {
        match point.phase {
            Phase::Command => {
                if let Some((arrival, command)) = self.commands.pop_front() {
                    self.arrive(&command, arrival);
                }
            }
            Phase::Session => {
                if let Some(Reverse((time, order, instrument))) = self.deadlines.pop()
                    && let Some(index) = self.find(instrument, order)
                {
                    self.due(instrument, index, time);
                }
            }
            Phase::Schedule => self.scheduled(),
            Phase::Open => open_bar(&mut self.desk, point.instrument, point.time),
            _ if self.desk.lane(point.instrument).has_bars() => {
                walk_bar(&mut self.desk, point.instrument, point.time);
            }
            _ => show_tick(&mut self.desk, point.instrument, point.time),
        }
        self.find_next();
    }

    // Schedules

    /// The next row of the schedules: funding and payments on what is held, or the instrument's settlement.
    fn scheduled(&mut self) {
        let Some(Scheduled { time, instrument, action, value }) = self.schedule.pop() else { return };
        let clearing = &mut self.desk.clearing;
        let amount = match u8::try_from(action).ok().and_then(Action::from_u8) {
            Some(Action::Funding) => clearing.fund(instrument, Rate(value), time),
            Some(Action::Payment) => clearing.pay(instrument, Price(value)),
            _ => return self.settle(instrument, Price(value), time),
        };
        if let Some(amount) = amount {
            let currency = self.desk.config.instruments[instrument.at()].settlement_currency;
            self.desk.emit(instrument, time, Funding { currency, amount }.into(), NO_CAUSE);
        }
    }

    /// Open orders expire, the position closes, and nothing trades again. A value that does not fit settles nothing.
    fn settle(&mut self, instrument: InstrumentIndex, price: Price, time: Time) {
        if self.desk.lane(instrument).settled || self.desk.clearing.settle(instrument, price).is_err() {
            return;
        }
        self.desk.lanes[instrument.at()].settled = true;
        while let Some(order) = self.desk.lane(instrument).orders.first().map(|order| order.order) {
            self.desk.end(instrument, 0, Expired { order }.into(), time);
        }
        self.desk.emit(instrument, time, Settlement { price }.into(), NO_CAUSE);
        self.desk.emit(instrument, time, InstrumentStatus { frozen: true }.into(), NO_CAUSE);
    }

    // Commands

    fn arrive(&mut self, command: &Command, time: Time) {
        match command.kind {
            CommandKind::Submit => self.submit(command, time),
            CommandKind::Cancel => self.cancel(command, time),
            CommandKind::Replace => self.replace(command, time),
        }
    }

    fn submit(&mut self, command: &Command, time: Time) {
        let instrument = command.instrument;
        self.desk.lanes[instrument.at()].catch_up(time);
        let mut order = self.new_order(command, time);
        let lane = &mut self.desk.lanes[instrument.at()];
        let code = lane.groups.join(&mut order, &mut lane.orders).or_else(|| refusal(&order, lane, time));
        if let Some(code) = code {
            let rejected = Rejected { order: order.order, reason: code.number(), text: Box::default() };
            self.desk.emit(instrument, time, rejected.into(), order.cause);
            self.desk.lanes[instrument.at()].groups.note_refusal(&order);
            self.desk.settle_groups(instrument, time);
            return;
        }
        self.last_place += 1;
        order.place = self.last_place;
        if lane.orders.is_empty() {
            self.desk.busy.push(instrument);
        }
        let (accepted, place, cause) = (Accepted { order: order.order }, order.place, order.cause);
        for deadline in [order.expire_time, order.close_time] {
            if deadline != NONE_TIME {
                self.deadlines.push(Reverse((deadline, order.order, instrument)));
            }
        }
        lane.trails += usize::from(is_trailing(order.order_type));
        lane.orders.push(order);
        self.desk.emit(instrument, time, accepted.into(), cause);
        self.settle_in(instrument, place, time);
    }

    /// An order that has arrived, new or under new terms, meets what stands, and its groups take note.
    fn settle_in(&mut self, instrument: InstrumentIndex, place: u64, time: Time) {
        self.meet_on_arrival(instrument, place, time);
        let lane = self.desk.lane(instrument);
        if lane.place_of(place).is_some_and(|index| lane.groups.is_linked(&lane.orders[index])) {
            self.desk.settle_groups(instrument, time);
        }
    }

    fn new_order(&self, command: &Command, time: Time) -> VenueOrder {
        let lane = self.desk.lane(command.instrument);
        let is_day = command.time_in_force == TimeInForce::Day.number();
        let on_close = command.order_type == OrderType::MarketOnClose.number() && !lane.has_bars();
        VenueOrder {
            order: command.order,
            instrument: command.instrument,
            side: command.side,
            order_type: command.order_type,
            time_in_force: command.time_in_force,
            quantity: command.quantity,
            limit_price: command.limit_price,
            stop_price: command.stop_price,
            expire_time: if is_day { self.session_close(time) } else { command.expire_time },
            post_only: command.post_only,
            reduce_only: command.reduce_only,
            trail_kind: command.trail_kind,
            trail_offset: command.trail_offset,
            limit_offset: command.limit_offset,
            parent: command.parent,
            oco: command.oco,
            filled: Quantity(0),
            place: 0,
            first_row: lane.first_row(),
            opened: false,
            triggered: false,
            mode: mode_of(command.order_type, false),
            live: true,
            best: NONE_PRICE,
            close_time: if on_close { self.session_close(time) } else { NONE_TIME },
            cause: command.cause,
        }
    }

    /// The first session close at or after `time`, null without one.
    fn session_close(&self, time: Time) -> Time {
        let closes = &self.sessions.close_time;
        closes.get(closes.partition_point(|close| *close < time)).copied().unwrap_or(NONE_TIME)
    }

    /// What stands when an order arrives: the last quote, and with same_close the bar that closes now.
    fn meet_on_arrival(&mut self, instrument: InstrumentIndex, place: u64, time: Time) {
        let lane = self.desk.lane(instrument);
        let Some(index) = lane.place_of(place).filter(|index| lane.orders[*index].live) else { return };
        let (mode, row) = (lane.orders[index].mode, lane.row);
        if lane.has_quotes() && mode != Mode::Close && !self.ended {
            meet_shown(&mut self.desk, instrument, index, time);
        } else if mode == Mode::Market && lane.closes_at(time) && waits_for_close(&self.desk, &lane.orders[index]) {
            fill_at_close(&mut self.desk, instrument, index, row - 1, time);
        }
    }

    fn cancel(&mut self, command: &Command, time: Time) {
        let (order, instrument) = (command.order, command.instrument);
        let Some(index) = self.find(instrument, order) else {
            let refused = CancelRejected { order, reason: RejectCode::VTooLate.number(), text: Box::default() };
            self.desk.emit(instrument, time, refused.into(), command.cause);
            return;
        };
        self.desk.lanes[instrument.at()].orders[index].cause = command.cause;
        let cancelled = Cancelled { order, reason: 0, text: Box::default() };
        self.desk.end(instrument, index, cancelled.into(), time);
    }

    fn replace(&mut self, command: &Command, time: Time) {
        let (order, instrument) = (command.order, command.instrument);
        let refused = |code: RejectCode| ReplaceRejected { order, reason: code.number(), text: Box::default() };
        let Some(index) = self.find(instrument, order) else {
            self.desk.emit(instrument, time, refused(RejectCode::VTooLate).into(), command.cause);
            return;
        };
        if command.quantity <= self.desk.order(instrument, index).filled {
            self.desk.emit(instrument, time, refused(RejectCode::VReplaceFilled).into(), command.cause);
            return;
        }
        let place = self.put_in_place(command, index);
        let replaced = Replaced {
            order,
            quantity: command.quantity,
            limit_price: command.limit_price,
            stop_price: command.stop_price,
        };
        self.desk.emit(instrument, time, replaced.into(), command.cause);
        self.settle_in(instrument, place, time);
    }

    /// Put new terms in place. A new price or a larger quantity costs the order its place; a trailing order with a new stop starts
    /// from there.
    fn put_in_place(&mut self, command: &Command, index: usize) -> u64 {
        let lane = &mut self.desk.lanes[command.instrument.at()];
        let first_row = lane.first_row();
        let order = &mut lane.orders[index];
        let mut moves = command.quantity > order.quantity;
        order.cause = command.cause;
        order.first_row = first_row;
        order.opened = false;
        order.quantity = command.quantity;
        if command.limit_price != NONE_PRICE {
            moves |= command.limit_price != order.limit_price;
            order.limit_price = command.limit_price;
        }
        if command.stop_price != NONE_PRICE {
            moves |= command.stop_price != order.stop_price;
            order.stop_price = command.stop_price;
            order.best = NONE_PRICE;
        }
        if moves && !planted!(8) {
            self.last_place += 1;
            order.place = self.last_place;
            lane.orders[index..].rotate_left(1);
            return self.last_place;
        }
        order.place
    }

    // Expiries

    /// A session's close for a market-on-close order, then the end of an order's time.
    fn due(&mut self, instrument: InstrumentIndex, index: usize, time: Time) {
        let order = &mut self.desk.lanes[instrument.at()].orders[index];
        let (ordinal, expire_time) = (order.order, order.expire_time);
        if order.close_time == time {
            order.close_time = NONE_TIME;
            close_session(&mut self.desk, instrument, index, time);
            let Some(index) = self.find(instrument, ordinal) else { return };
            let next = self.session_close(Time(time.0.saturating_add(1)));
            self.desk.lanes[instrument.at()].orders[index].close_time = next;
            if next != NONE_TIME {
                self.deadlines.push(Reverse((next, ordinal, instrument)));
            }
        }
        if expire_time == time
            && let Some(index) = self.find(instrument, ordinal)
        {
            self.desk.end(instrument, index, Expired { order: ordinal }.into(), time);
        }
    }

    fn find(&self, instrument: InstrumentIndex, order: OrderOrdinal) -> Option<usize> {
        self.desk.lane(instrument).orders.iter().position(|working| working.order == order)
    }
}

/// Why the venue does not take the order, or none.
fn refusal(order: &VenueOrder, lane: &Lane, time: Time) -> Option<RejectCode> {
    if lane.settled {
        return Some(RejectCode::VSettled);
    }
    if order.time_in_force == TimeInForce::Day.number() && order.expire_time == NONE_TIME {
        return Some(RejectCode::VSession);
    }
    if order.mode == Mode::Close && !lane.has_bars() && order.close_time == NONE_TIME {
        return Some(RejectCode::VSession);
    }
    let is_late = order.time_in_force == TimeInForce::Gtd.number() && order.expire_time <= time;
    is_late.then_some(RejectCode::VExpiredOnArrival)
}
