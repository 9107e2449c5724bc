//! The simulated venue: a party of its own, with its own orders and its own account. Only its reports move the engine.
//!
//! It has points in the merge without a `seq_id`: bar paths, arriving commands, bar opens. Fill rules are numbered in
//! contract/fills.toml. Trades and quotes do not match here in this version; an order on an instrument without a bar stream rests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::account::{AccountKind, EMPTY, Ledger, book, margin};
use crate::capability::FillModel;
use crate::config::Config;
use crate::event::{
    Accepted, BarRows, CancelRejected, Cancelled, Event, Filled, Payload, ReplaceRejected, Replaced, Rows, SessionRows,
    event,
};
use crate::fee::{Liquidity, fee};
use crate::instrument::{Instrument, InstrumentKind, contract_value};
use crate::intent::{OrderType, Side, TimeInForce};
use crate::portfolio::{FILL, FLAT, Lot, Position, fold};
use crate::reject::RejectCode;
use crate::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, OutOfRange, Price, Quantity, Rounding, Time,
    VenueIndex, money, numbered,
};

/// Rows of the fill table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FillRule {
    /// The fill came from outside.
    Outside = 0,
    /// A market order at the next open.
    BarNextOpen = 1,
    /// A market order at a close.
    BarSameClose = 2,
    /// A limit order at the first open it takes part in.
    BarOpen = 3,
    /// A limit order at a later open.
    BarGap = 4,
    /// A limit order on the path of a bar.
    BarTouch = 5,
}
numbered!(FillRule { Outside, BarNextOpen, BarSameClose, BarOpen, BarGap, BarTouch });

/// Order of what happens at one instant; sequenced items come at `Item`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Phase {
    /// The rest of a bar, at its close.
    Path = 0,
    /// A command arrives.
    Command = 1,
    /// A session opens or closes.
    Session = 2,
    /// Sequenced items.
    Item = 3,
    /// The open of a bar.
    Open = 4,
}

/// What the engine asks of a venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CommandKind {
    /// Work a new order.
    Submit = 0,
    /// Take the remainder back.
    Cancel = 1,
    /// Put new terms in place.
    Replace = 2,
}

/// The step that caused something: its time and its depth in a chain of callbacks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cause {
    /// When it was.
    pub now: Time,
    /// How deep.
    pub depth: u32,
}

/// A request to a venue. Terms are those of the order to submit, or its new terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What is asked.
    pub kind: CommandKind,
    /// The order it is about.
    pub order: OrderOrdinal,
    /// The order's instrument.
    pub instrument: InstrumentIndex,
    /// The order's side.
    pub side: u8,
    /// The order's type.
    pub order_type: u8,
    /// The order's time in force.
    pub time_in_force: u8,
    /// Total quantity.
    pub quantity: Quantity,
    /// Limit, or the null price.
    pub limit_price: Price,
    /// Stop, or the null price.
    pub stop_price: Price,
    /// End, or the null time.
    pub expire_time: Time,
    /// Never takes.
    pub post_only: bool,
    /// Never opens.
    pub reduce_only: bool,
    /// A `TrailKind` number.
    pub trail_kind: u8,
    /// Distance of a trailing stop, or null.
    pub trail_offset: i64,
    /// Distance of its limit from its stop, or null.
    pub limit_offset: Price,
    /// The entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// The leader of the one-cancels-other group it joins, or 0.
    pub oco: OrderOrdinal,
    /// The step that asked.
    pub cause: Cause,
}

/// A moment of the venue; `instrument` is 0 for commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Point {
    /// When.
    pub time: Time,
    /// At which place of that instant.
    pub phase: Phase,
    /// Whose bar.
    pub instrument: InstrumentIndex,
}

/// An item for the sequencer and what caused it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The item.
    pub event: Event,
    /// What caused it.
    pub cause: Cause,
}

/// An order working at the venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VenueOrder {
    /// The engine's number of it.
    pub order: OrderOrdinal,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// Its side.
    pub side: u8,
    /// Its type.
    pub order_type: u8,
    /// Its time in force.
    pub time_in_force: u8,
    /// Total.
    pub quantity: Quantity,
    /// Limit, or the null price.
    pub limit_price: Price,
    /// What was filled.
    pub filled: Quantity,
    /// Acceptance number: the earlier one fills first at one price.
    pub place: u64,
    /// The first bar whose open it takes part in.
    pub first_row: usize,
    /// Whether it has taken part in an open.
    pub opened: bool,
    /// The last command about it.
    pub cause: Cause,
}

impl VenueOrder {
    /// What is still open.
    #[must_use]
    pub const fn remaining(&self) -> Quantity {
        Quantity(self.quantity.0 - self.filled.0)
    }

    fn is_market(&self) -> bool {
        self.order_type == OrderType::Market.number()
    }

    fn is_buy(&self) -> bool {
        self.side == Side::Buy.number()
    }
}

/// Matching of one instrument: its bars, where they stand, and the working orders by acceptance.
#[derive(Clone, Default, Debug)]
pub struct Lane {
    /// The bars that drive matching.
    pub rows: Option<Arc<BarRows>>,
    /// The trades or quotes that drive matching.
    pub ticks: Option<Rows>,
    /// The bar under way when `inside`, else the next to open.
    pub row: usize,
    /// Whether a bar is under way.
    pub inside: bool,
    /// The working orders.
    pub orders: Vec<VenueOrder>,
}

impl Lane {
    /// The first bar whose open an order that arrives now takes part in.
    const fn first_row(&self) -> usize {
        self.row + self.inside as usize
    }

    /// The next moment, where one is left.
    fn point(&self, instrument: InstrumentIndex) -> Option<Point> {
        let rows = self.rows.as_ref()?;
        if self.row >= rows.len() {
            return None;
        }
        let (time, phase) = if self.inside {
            (rows.close_time[self.row], Phase::Path)
        } else {
            (rows.open_time[self.row], Phase::Open)
        };
        Some(Point { time, phase, instrument })
    }
}

/// One simulated venue. Reports collect in `reports` until the engine takes them.
#[derive(Clone, Debug)]
pub struct SimulatedVenue {
    config: Arc<Config>,
    venue: VenueIndex,
    account: AccountIndex,
    fill: FillModel,
    submit_latency: i64,
    report_latency: i64,
    /// By instrument; those of other venues stay empty.
    pub lanes: Vec<Lane>,
    /// Instruments with working orders, in no order that matters: only they have points.
    busy: Vec<InstrumentIndex>,
    /// Commands under way, by arrival.
    pub commands: VecDeque<(Time, Command)>,
    /// Its own positions.
    pub positions: BTreeMap<InstrumentIndex, Position>,
    /// Its own ledgers.
    pub ledgers: BTreeMap<CurrencyIndex, Ledger>,
    /// The last price traded here.
    pub marks: BTreeMap<InstrumentIndex, Price>,
    /// What the engine has not taken yet.
    pub reports: Vec<Report>,
    /// Its sessions.
    pub sessions: SessionRows,
    /// Number of the last report.
    pub last_key: u64,
    /// Number of the last acceptance.
    pub last_place: u64,
    ended: bool,
    next: Option<Point>,
}

impl SimulatedVenue {
    /// The venue before the first moment. `OutOfRange` when its opening deposits do not fit.
    pub fn new(config: Arc<Config>, venue: VenueIndex, account: AccountIndex) -> Result<Self, OutOfRange> {
        let declared = &config.venues[venue.at()];
        let (fill, submit_latency, report_latency) =
            (declared.fill, declared.submit_latency.0, declared.report_latency.0);
        let mut ledgers = BTreeMap::new();
        for deposit in &config.accounts[account.at()].deposits {
            let held: &mut Ledger = ledgers.entry(deposit.currency).or_insert(EMPTY);
            held.cash = money(held.cash.0 + deposit.amount.0)?;
            held.transfers = money(held.transfers.0 + deposit.amount.0)?;
        }
        Ok(Self {
            venue,
            account,
            fill,
            submit_latency,
            report_latency,
            lanes: vec![Lane::default(); config.instruments.len()],
            busy: Vec::new(),
            commands: VecDeque::new(),
            positions: BTreeMap::new(),
            ledgers,
            marks: BTreeMap::new(),
            reports: Vec::new(),
            sessions: SessionRows::default(),
            last_key: 0,
            last_place: 0,
            ended: false,
            next: None,
            config,
        })
    }

    /// Which venue of the configuration it is.
    #[must_use]
    pub const fn index(&self) -> VenueIndex {
        self.venue
    }

    /// The rows that drive matching of the instrument.
    pub fn attach(&mut self, instrument: InstrumentIndex, rows: Rows) {
        let lane = &mut self.lanes[instrument.at()];
        match rows {
            Rows::Bars(rows) => lane.rows = Some(rows),
            ticks => lane.ticks = Some(ticks),
        }
        self.find_next();
    }

    /// The venue's sessions.
    pub fn attach_sessions(&mut self, rows: SessionRows) {
        self.sessions = rows;
    }

    /// Take a command; it arrives after the submit latency.
    pub fn receive(&mut self, command: Command, now: Time) {
        self.commands.push_back((Time(now.0.saturating_add(self.submit_latency)), command));
        self.find_next();
    }

    /// After the end of the data commands still arrive, but no bar opens or moves.
    pub fn end(&mut self) {
        self.ended = true;
        self.find_next();
    }

    /// The venue's next moment. Only instruments with working orders have points.
    #[must_use]
    pub const fn next_point(&self) -> Option<Point> {
        self.next
    }

    fn find_next(&mut self) {
        let command = self.commands.front();
        let mut next =
            command.map(|(time, _)| Point { time: *time, phase: Phase::Command, instrument: InstrumentIndex(0) });
        if !self.ended {
            for instrument in &self.busy {
                if let Some(own) = self.lanes[instrument.at()].point(*instrument) {
                    next = Some(next.map_or(own, |soonest| soonest.min(own)));
                }
            }
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
            Phase::Open => self.open(point.instrument, point.time),
            _ => self.path(point.instrument, point.time),
        }
        self.find_next();
    }

    fn arrive(&mut self, command: &Command, time: Time) {
        match command.kind {
            CommandKind::Submit => self.submit(command, time),
            CommandKind::Cancel => self.cancel(command, time),
            CommandKind::Replace => self.replace(command, time),
        }
    }

    fn submit(&mut self, command: &Command, time: Time) {
        self.last_place += 1;
        let lane = &mut self.lanes[command.instrument.at()];
        catch_up(lane, time);
        if lane.orders.is_empty() {
            self.busy.push(command.instrument);
        }
        lane.orders.push(VenueOrder {
            order: command.order,
            instrument: command.instrument,
            side: command.side,
            order_type: command.order_type,
            time_in_force: command.time_in_force,
            quantity: command.quantity,
            limit_price: command.limit_price,
            filled: Quantity(0),
            place: self.last_place,
            first_row: lane.first_row(),
            opened: false,
            cause: command.cause,
        });
        let close = last_close_at(lane, time);
        let index = lane.orders.len() - 1;
        let accepted = Accepted { order: command.order };
        self.emit(command.instrument, time, accepted, command.cause);
        if let Some(price) = close
            && self.fills_at_close(&self.lanes[command.instrument.at()].orders[index])
        {
            self.fill_at(command.instrument, index, price, Liquidity::Taker, FillRule::BarSameClose, time);
        }
    }

    fn cancel(&mut self, command: &Command, time: Time) {
        let (order, instrument) = (command.order, command.instrument);
        let payload = match self.find(instrument, order) {
            None => {
                let reason = RejectCode::VTooLate.number();
                Payload::from(CancelRejected { order, reason, text: Box::default() })
            }
            Some(index) => {
                self.remove(instrument, index);
                Payload::from(Cancelled { order, reason: 0, text: Box::default() })
            }
        };
        self.emit(instrument, time, payload, command.cause);
    }

    fn replace(&mut self, command: &Command, time: Time) {
        let (order, instrument) = (command.order, command.instrument);
        let refused = |code: RejectCode| ReplaceRejected { order, reason: code.number(), text: Box::default() };
        let Some(index) = self.find(instrument, order) else {
            self.emit(instrument, time, refused(RejectCode::VTooLate), command.cause);
            return;
        };
        let lane = &mut self.lanes[instrument.at()];
        let first_row = lane.first_row();
        let working = &mut lane.orders[index];
        working.cause = command.cause;
        if command.quantity <= working.filled {
            self.emit(instrument, time, refused(RejectCode::VReplaceFilled), command.cause);
            return;
        }
        let moves = command.limit_price != working.limit_price || command.quantity > working.quantity;
        working.quantity = command.quantity;
        working.limit_price = command.limit_price;
        working.first_row = first_row;
        working.opened = false;
        if moves && !planted!(8) {
            self.last_place += 1;
            working.place = self.last_place;
            lane.orders[index..].rotate_left(1);
        }
        let replaced = Replaced {
            order,
            quantity: command.quantity,
            limit_price: command.limit_price,
            stop_price: command.stop_price,
        };
        self.emit(instrument, time, replaced, command.cause);
    }

    fn fills_at_close(&self, order: &VenueOrder) -> bool {
        order.is_market() && self.fill == FillModel::SameClose
    }

    /// The open of a bar: market orders fill, limits that it satisfies fill at it, immediate ones that it does not end.
    fn open(&mut self, instrument: InstrumentIndex, time: Time) {
        let lane = &mut self.lanes[instrument.at()];
        let Some(rows) = &lane.rows else { return };
        let (price, row) = (rows.open[lane.row], lane.row);
        lane.inside = true;
        let mut index = 0;
        while let Some(order) = self.lanes[instrument.at()].orders.get(index) {
            if order.first_row > row || self.fills_at_close(order) {
                index += 1;
                continue;
            }
            let (first, is_market) = (!order.opened, order.is_market());
            let (marketable, waits) = (is_marketable(order, price), order.time_in_force == TimeInForce::Gtc.number());
            self.lanes[instrument.at()].orders[index].opened = true;
            if is_market {
                self.fill_at(instrument, index, price, Liquidity::Taker, FillRule::BarNextOpen, time);
            } else if marketable && first {
                self.fill_at(instrument, index, price, Liquidity::Taker, FillRule::BarOpen, time);
            } else if marketable {
                self.fill_at(instrument, index, price, Liquidity::Maker, FillRule::BarGap, time);
            } else if waits {
                index += 1;
            } else {
                let order = self.remove(instrument, index);
                self.report_cancelled(&order, RejectCode::VUnfilled, time);
            }
        }
    }

    /// The rest of a bar: open, nearer extreme (tie: high first), other extreme, close.
    fn path(&mut self, instrument: InstrumentIndex, time: Time) {
        let lane = &self.lanes[instrument.at()];
        let Some(rows) = &lane.rows else { return };
        let row = lane.row;
        let [opened, high, low, close] = [rows.open[row], rows.high[row], rows.low[row], rows.close[row]];
        let up = i128::from(high.0) - i128::from(opened.0);
        let down = i128::from(opened.0) - i128::from(low.0);
        let turns = if up <= down { [high, low, close] } else { [low, high, close] };
        let mut start = opened;
        for turn in turns {
            for (order, price) in touched(&self.lanes[instrument.at()].orders, row, start, turn) {
                if let Some(index) = self.find(instrument, order) {
                    self.fill_at(instrument, index, price, Liquidity::Maker, FillRule::BarTouch, time);
                }
            }
            start = turn;
        }
        let mut index = 0;
        while let Some(order) = self.lanes[instrument.at()].orders.get(index) {
            if self.fills_at_close(order) {
                self.fill_at(instrument, index, close, Liquidity::Taker, FillRule::BarSameClose, time);
            } else {
                index += 1;
            }
        }
        let lane = &mut self.lanes[instrument.at()];
        lane.row = row + 1;
        lane.inside = false;
    }

    /// Fill what is open at `price`, or end the order when the account cannot pay for it.
    fn fill_at(
        &mut self,
        instrument: InstrumentIndex,
        index: usize,
        price: Price,
        liquidity: Liquidity,
        rule: FillRule,
        time: Time,
    ) {
        let order = self.remove(instrument, index);
        let Ok(Some(paid)) = self.book(&order, price, liquidity) else {
            self.report_cancelled(&order, RejectCode::VFunds, time);
            return;
        };
        let filled = Filled {
            order: order.order,
            quantity: order.remaining(),
            price,
            liquidity: liquidity.number(),
            fee_currency: self.config.instruments[instrument.at()].settlement_currency,
            fee: paid,
            rule: rule.number(),
        };
        self.emit(instrument, time, filled, order.cause);
    }

    /// Book a fill in the venue's own account and return its fee; None, and nothing booked, when funds do not suffice.
    fn book(&mut self, order: &VenueOrder, price: Price, liquidity: Liquidity) -> Result<Option<Money>, OutOfRange> {
        let config = Arc::clone(&self.config);
        let instrument = &config.instruments[order.instrument.at()];
        let quantity = order.remaining();
        if price.0 < 0 && instrument.kind == InstrumentKind::Inverse {
            return Err(OutOfRange);
        }
        let value = contract_value(instrument, price, quantity)?;
        let cost = fee(instrument, value, liquidity, Rounding::HalfEven)?;
        let before = self.positions.get(&order.instrument).copied().unwrap_or(FLAT);
        let lot = Lot {
            key: Box::default(),
            quantity: Quantity(if order.is_buy() { quantity.0 } else { -quantity.0 }),
            value: Money(instrument.value_sign() * value.0),
            fee_quantity: Quantity(0),
            cause: FILL,
        };
        let after = fold(&before, &lot)?;
        let held = self.ledgers.get(&instrument.settlement_currency).copied().unwrap_or(EMPTY);
        let realized = Money(after.realized_pnl().0 - before.realized_pnl().0);
        let ledger = book(&held, instrument.is_spot(), realized, Money(after.cost.0 - before.cost.0), cost)?;
        let mark = self.marks.insert(order.instrument, price);
        if !self.affords(order.instrument, instrument, (&before, &after), &ledger)? {
            match mark {
                None => self.marks.remove(&order.instrument),
                Some(mark) => self.marks.insert(order.instrument, mark),
            };
            return Ok(None);
        }
        self.positions.insert(order.instrument, after);
        self.ledgers.insert(instrument.settlement_currency, ledger);
        Ok(Some(cost))
    }

    /// A cash account stays at or above zero; a margin account that grows a position covers its initial margins with its equity in
    /// the settlement currency.
    fn affords(
        &self,
        traded: InstrumentIndex,
        declared: &Instrument,
        (before, after): (&Position, &Position),
        ledger: &Ledger,
    ) -> Result<bool, OutOfRange> {
        if self.config.accounts[self.account.at()].kind == AccountKind::Cash {
            let covered = ledger.cash.0 >= 0 || after.quantity <= before.quantity;
            return Ok(after.quantity.0 >= before.quantity.0.min(0) && covered);
        }
        if after.quantity.0.unsigned_abs() <= before.quantity.0.unsigned_abs() {
            return Ok(true);
        }
        let (mut equity, mut required) = (ledger.cash, Money(0));
        for (index, mark) in &self.marks {
            let instrument = &self.config.instruments[index.at()];
            let position = if *index == traded { after } else { self.positions.get(index).unwrap_or(&FLAT) };
            if instrument.settlement_currency != declared.settlement_currency || position.quantity.0 == 0 {
                continue;
            }
            let value = contract_value(instrument, *mark, Quantity(position.quantity.0.abs()))?;
            let signed = instrument.value_sign() * if position.quantity.0 > 0 { value.0 } else { -value.0 };
            let worth = if instrument.is_spot() { signed } else { signed - position.cost.0 };
            equity = money(equity.0 + worth)?;
            required = money(required.0 + margin(instrument, value)?.0)?;
        }
        Ok(equity >= required)
    }

    fn find(&self, instrument: InstrumentIndex, order: OrderOrdinal) -> Option<usize> {
        self.lanes[instrument.at()].orders.iter().position(|working| working.order == order)
    }

    fn remove(&mut self, instrument: InstrumentIndex, index: usize) -> VenueOrder {
        let lane = &mut self.lanes[instrument.at()];
        let order = lane.orders.remove(index);
        if lane.orders.is_empty() {
            self.busy.retain(|busy| *busy != instrument);
        }
        order
    }

    fn report_cancelled(&mut self, order: &VenueOrder, code: RejectCode, time: Time) {
        let cancelled = Cancelled { order: order.order, reason: code.number(), text: Box::default() };
        self.emit(order.instrument, time, cancelled, order.cause);
    }

    fn emit(&mut self, instrument: InstrumentIndex, time: Time, payload: impl Into<Payload>, cause: Cause) {
        self.last_key += 1;
        let item = event(payload, Time(time.0.saturating_add(self.report_latency)));
        let event = Event {
            event_time: time,
            venue: self.venue,
            account: self.account,
            instrument,
            idempotency_key: self.last_key.to_string().into(),
            ..item
        };
        self.reports.push(Report { event, cause });
    }
}

/// Bring an idle instrument to `time`: the first bar that closes after it is next, or under way when it opened before.
fn catch_up(lane: &mut Lane, time: Time) {
    let Some(rows) = &lane.rows else { return };
    if !lane.orders.is_empty() {
        return;
    }
    lane.row += rows.close_time[lane.row..].partition_point(|close| *close <= time);
    lane.inside = lane.row < rows.len() && rows.open_time[lane.row] < time;
}

/// The close of the last bar shown, when it closes at `time`.
fn last_close_at(lane: &Lane, time: Time) -> Option<Price> {
    let rows = lane.rows.as_ref()?;
    let last = lane.row.checked_sub(1)?;
    (rows.close_time[last] == time).then(|| rows.close[last])
}

fn is_marketable(order: &VenueOrder, price: Price) -> bool {
    if order.is_buy() { price <= order.limit_price } else { price >= order.limit_price }
}

/// Limit orders that take part in the bar and that the leg from `start` to `end` reaches, with their limits, in the order of prices,
/// at one price by acceptance.
fn touched(orders: &[VenueOrder], row: usize, start: Price, end: Price) -> Vec<(OrderOrdinal, Price)> {
    let rising = end > start;
    let mut reached: Vec<&VenueOrder> = orders
        .iter()
        .filter(|order| order.first_row <= row && order.order_type == OrderType::Limit.number())
        .filter(|order| order.is_buy() != rising)
        .filter(|order| if rising { order.limit_price <= end } else { order.limit_price >= end })
        .collect();
    if planted!(3) {
        reached.sort_unstable_by_key(|order| (order.limit_price.0 * if rising { 1 } else { -1 }, Reverse(order.place)));
        return reached.into_iter().map(|order| (order.order, order.limit_price)).collect();
    }
    if rising {
        reached.sort_unstable_by_key(|order| (order.limit_price, order.place));
    } else {
        reached.sort_unstable_by_key(|order| (Reverse(order.limit_price), order.place));
    }
    reached.into_iter().map(|order| (order.order, order.limit_price)).collect()
}
