//! The desk: where orders are filled, triggered and ended, with everything that follows from it for their groups, and reported.
//!
//! What the market shows, and when, is `bars` and `ticks`; commands and points in time are `venue`.

use std::sync::Arc;

use super::fill::{
    Bounds, Offer, Rules, UNBOUNDED, participation, stop_limit_rule, taker_price, trailing_stop, triggered_limit,
};
use super::lane::Lane;
use super::order::{Cause, FillRule, Mode, Report, VenueOrder, mode_of};
use crate::capability::Venue;
use crate::clearing::{Clearing, Unaffordable};
use crate::config::Config;
use crate::event::{Cancelled, Event, Filled, Payload, Rejected, Source, Triggered, event, source_of};
use crate::fee::Liquidity;
use crate::intent::TimeInForce;
use crate::order::is_trailing;
use crate::random::below;
use crate::reject::RejectCode;
use crate::units::{
    AccountIndex, InstrumentIndex, NONE_PRICE, NONE_TIME, OutOfRange, Price, Quantity, RATE_ONE, Time, VenueIndex,
};

/// Random numbers of the first venue's latencies; the other venues follow by their index.
pub const LATENCY_STREAM: u64 = 1 << 32;
/// Random numbers of the first venue's touched limits; the other venues follow by their index.
pub const TOUCH_STREAM: u64 = 1 << 33;

/// Working orders of one venue, its account, and the reports that the engine has not taken yet.
#[derive(Clone, Debug)]
pub struct Desk {
    /// What is declared.
    pub config: Arc<Config>,
    /// Which venue of the configuration it is.
    pub venue: VenueIndex,
    /// Its own account.
    pub clearing: Clearing,
    /// By instrument; those of other venues stay empty.
    pub lanes: Vec<Lane>,
    /// Instruments with working orders, in no order that matters: only they have points.
    pub busy: Vec<InstrumentIndex>,
    /// What the engine has not taken yet.
    pub reports: Vec<Report>,
    /// Number of the last report.
    pub last_key: u64,
    /// When the last report reaches the engine: reports do not overtake each other.
    pub last_report: Time,
    /// Random numbers drawn for latencies.
    pub latency_draws: u64,
    /// Random numbers drawn for touched limits.
    pub touch_draws: u64,
}

impl Desk {
    /// The desk before the first moment. `OutOfRange` when the opening deposits do not fit.
    pub fn new(config: Arc<Config>, venue: VenueIndex, account: AccountIndex) -> Result<Self, OutOfRange> {
        let horizon = longest_way(&config.venues[venue.at()]);
        let mut lanes = vec![Lane::default(); config.instruments.len()];
        for (index, lane) in lanes.iter_mut().enumerate() {
            lane.instrument = InstrumentIndex(index as u32);
            lane.groups.horizon = horizon;
        }
        for stream in config.streams.iter().filter(|stream| stream.matching) {
            lanes[stream.instrument.at()].volume_decimals = stream.volume_decimals;
        }
        Ok(Self {
            clearing: Clearing::new(Arc::clone(&config), account)?,
            venue,
            lanes,
            busy: Vec::new(),
            reports: Vec::new(),
            last_key: 0,
            last_report: NONE_TIME,
            latency_draws: 0,
            touch_draws: 0,
            config,
        })
    }

    /// The venue as declared.
    #[must_use]
    pub fn declared(&self) -> &Venue {
        &self.config.venues[self.venue.at()]
    }

    /// The lane of an instrument.
    #[must_use]
    pub fn lane(&self, instrument: InstrumentIndex) -> &Lane {
        &self.lanes[instrument.at()]
    }

    /// The order at this index of a lane.
    #[must_use]
    pub fn order(&self, instrument: InstrumentIndex, index: usize) -> &VenueOrder {
        &self.lanes[instrument.at()].orders[index]
    }

    // What happens to an order

    /// Fill what the offer, the volume, the groups and the account allow; end what must not wait for more.
    pub fn attempt(&mut self, instrument: InstrumentIndex, index: usize, offer: &Offer, time: Time) {
        let order = self.order(instrument, index);
        let (place, immediate, reduce_only) = (order.place, order.is_immediate(), order.reduce_only);
        if order.post_only && offer.liquidity == Liquidity::Taker {
            let reason = RejectCode::VPostOnly.number();
            let rejected = Rejected { order: order.order, reason, text: Box::default() };
            self.end(instrument, index, rejected.into(), time);
            return;
        }
        let mut size = self.available(instrument, order);
        let reducible = if reduce_only { self.clearing.reducible(instrument, order.is_buy()) } else { size };
        size = size.min(reducible);
        if order.time_in_force == TimeInForce::Fok.number() && size < order.remaining() {
            size = Quantity(0);
        }
        if size.0 > 0 {
            self.fill(instrument, index, offer, size, time);
        }
        let Some(index) = self.lane(instrument).place_of(place) else { return };
        if reduce_only && size >= reducible {
            self.cancel(instrument, index, RejectCode::VReduceOnly, time);
        } else if immediate {
            self.cancel(instrument, index, RejectCode::VUnfilled, time);
        }
    }

    /// The order meets a price that the market shows.
    pub fn meet(
        &mut self,
        instrument: InstrumentIndex,
        index: usize,
        price: Price,
        (rules, bounds): (&Rules, Bounds),
        time: Time,
    ) {
        let order = &mut self.lanes[instrument.at()].orders[index];
        let first = !order.opened;
        order.opened = true;
        let taker = |rule: FillRule| Offer { price, liquidity: Liquidity::Taker, rule, bounds };
        match order.mode {
            Mode::Stop if order.is_stopped(price) => self.trigger(instrument, index, &taker(rules.stop), time),
            Mode::Stop => self.follow(instrument, index, price),
            Mode::Market if rules.market != FillRule::Outside => {
                self.attempt(instrument, index, &taker(rules.market), time);
            }
            Mode::Limit => self.meet_limit(instrument, index, price, (rules, first), time),
            Mode::Market | Mode::Close => {}
        }
    }

    fn meet_limit(
        &mut self,
        instrument: InstrumentIndex,
        index: usize,
        price: Price,
        (rules, first): (&Rules, bool),
        time: Time,
    ) {
        let order = self.order(instrument, index);
        let limit = order.limit_price;
        if !order.is_marketable(price) {
            if order.is_immediate() {
                self.cancel(instrument, index, RejectCode::VUnfilled, time);
            }
        } else if first {
            let offer = Offer { price, liquidity: Liquidity::Taker, rule: rules.first, bounds: UNBOUNDED };
            self.attempt(instrument, index, &offer, time);
        } else if !rules.draws || price != limit || self.touches() {
            let price = if rules.at_limit { limit } else { price };
            let offer = Offer { price, liquidity: Liquidity::Maker, rule: rules.later, bounds: UNBOUNDED };
            self.attempt(instrument, index, &offer, time);
        }
    }

    /// The stop is reached at the offer's price: the order trades there, or is a limit from there on.
    pub fn trigger(&mut self, instrument: InstrumentIndex, index: usize, offer: &Offer, time: Time) {
        let order = &mut self.lanes[instrument.at()].orders[index];
        order.triggered = true;
        order.mode = mode_of(order.order_type, true);
        order.opened = true;
        if order.limit_offset != NONE_PRICE {
            order.limit_price = triggered_limit(order, &self.config.instruments[instrument.at()]);
        }
        let (mode, marketable) = (order.mode, order.is_marketable(offer.price));
        let (immediate, cause, triggered) = (order.is_immediate(), order.cause, Triggered { order: order.order });
        self.emit(instrument, time, triggered.into(), cause);
        if mode == Mode::Market {
            self.attempt(instrument, index, offer, time);
        } else if marketable {
            let limit = Offer { rule: stop_limit_rule(offer.rule), bounds: UNBOUNDED, ..*offer };
            self.attempt(instrument, index, &limit, time);
        } else if immediate {
            self.cancel(instrument, index, RejectCode::VUnfilled, time);
        }
    }

    /// A trailing order that is not triggered takes the price into account.
    pub fn follow(&mut self, instrument: InstrumentIndex, index: usize, price: Price) {
        let order = &mut self.lanes[instrument.at()].orders[index];
        if is_trailing(order.order_type) && (order.improves(price) || planted!(18)) {
            order.best = price;
            order.stop_price = trailing_stop(order, &self.config.instruments[instrument.at()]);
        }
    }

    /// Whether a limit that is touched but not crossed fills this time.
    pub fn touches(&mut self) -> bool {
        let chance = self.declared().touch_probability;
        if chance >= RATE_ONE {
            return true;
        }
        let stream = TOUCH_STREAM + u64::from(self.venue.0);
        let (value, counter) = below(self.config.seed, stream, self.touch_draws, RATE_ONE.0 as u64);
        self.touch_draws = counter;
        value < chance.0 as u64
    }

    /// End what is left of the order.
    pub fn cancel(&mut self, instrument: InstrumentIndex, index: usize, code: RejectCode, time: Time) {
        let order = self.order(instrument, index).order;
        let cancelled = Cancelled { order, reason: code.number(), text: Box::default() };
        self.end(instrument, index, cancelled.into(), time);
    }

    /// The order leaves with a report; so do those that its groups end with it.
    pub fn end(&mut self, instrument: InstrumentIndex, index: usize, payload: Payload, time: Time) {
        let lane = self.lane(instrument);
        let linked = lane.groups.is_linked(&lane.orders[index]);
        self.leave(instrument, index, Some(payload), false, time);
        if linked {
            self.settle_groups(instrument, time);
        }
    }

    /// End every order of the lane that its group has ended, by acceptance.
    pub fn settle_groups(&mut self, instrument: InstrumentIndex, time: Time) {
        loop {
            let lane = self.lane(instrument);
            let Some((index, code, spent)) = lane.groups.over(&lane.orders) else { break };
            let order = lane.orders[index].order;
            let cancelled = Cancelled { order, reason: code.number(), text: Box::default() };
            self.leave(instrument, index, Some(cancelled.into()), spent, time);
        }
        let lane = &mut self.lanes[instrument.at()];
        lane.groups.forget(&lane.orders);
    }

    /// A new point: children of parents that have filled are live.
    pub fn wake(&mut self, instrument: InstrumentIndex) {
        let lane = &mut self.lanes[instrument.at()];
        lane.waking = false;
        for order in &mut lane.orders {
            order.live |= lane.groups.parents.get(&order.parent).is_some_and(|parent| parent.filled.0 > 0);
        }
    }

    // Reports

    /// Tell the engine, after the report latency and never before an earlier report. What is no report has no key.
    pub fn emit(&mut self, instrument: InstrumentIndex, time: Time, payload: Payload, cause: Cause) {
        let is_report = source_of(payload.event_type()) == Source::BrokerReport;
        self.last_key += u64::from(is_report);
        let latency = self.declared().report_latency.0.saturating_add(self.jitter());
        self.last_report = self.last_report.max(Time(time.0.saturating_add(latency)));
        let item = event(payload, self.last_report);
        let event = Event {
            event_time: time,
            venue: self.venue,
            account: self.clearing.account,
            instrument,
            idempotency_key: if is_report { self.last_key.to_string().into() } else { Box::default() },
            ..item
        };
        self.reports.push(Report { event, cause });
    }

    /// What the next message takes beyond its latency.
    pub fn jitter(&mut self) -> i64 {
        let most = self.declared().latency_jitter.0;
        if most == 0 {
            return 0;
        }
        let stream = LATENCY_STREAM + u64::from(self.venue.0);
        let (value, counter) = below(self.config.seed, stream, self.latency_draws, most as u64 + 1);
        self.latency_draws = counter;
        value as i64
    }

    // Filling

    /// What volume and groups leave to the order.
    fn available(&self, instrument: InstrumentIndex, order: &VenueOrder) -> Quantity {
        let (lane, declared) = (self.lane(instrument), self.declared());
        let size = lane.groups.allows(order);
        if declared.participation.0 == 0 {
            return size;
        }
        let row = if lane.has_bars() && lane.inside { Some(lane.row) } else { lane.row.checked_sub(1) };
        let Some(row) = row else { return size };
        let (volume, traded) = (lane.volume(row, order.side), &self.config.instruments[instrument.at()]);
        let given = participation(declared, traded, volume, lane.volume_decimals);
        size.min(Quantity(given.0 - lane.used(order.side).0))
    }

    /// Fill so much, or end the order when the account cannot pay for it.
    fn fill(&mut self, instrument: InstrumentIndex, index: usize, offer: &Offer, quantity: Quantity, time: Time) {
        let declared = &self.config.venues[self.venue.at()];
        let traded = &self.config.instruments[instrument.at()];
        let lane = &mut self.lanes[instrument.at()];
        let order = &mut lane.orders[index];
        let mut price = offer.price;
        if order.mode != Mode::Limit {
            let has_quotes = matches!(lane.rows, Some(crate::event::Rows::Quotes(_)));
            price = taker_price(declared, traded, order.is_buy(), offer, !has_quotes);
        }
        let fee = match self.clearing.trade(instrument, order.side, quantity, price, offer.liquidity, time) {
            Ok(fee) => fee,
            Err(Unaffordable(code)) => {
                self.cancel(instrument, index, code, time);
                return;
            }
        };
        order.filled.0 += quantity.0;
        let (ordinal, side, cause, is_done) = (order.order, order.side, order.cause, order.remaining().0 == 0);
        if declared.participation.0 != 0 && !planted!(17) {
            lane.give(side, quantity);
        }
        let linked = lane.groups.is_linked(&lane.orders[index]);
        if linked {
            lane.groups.note_fill(&lane.orders[index], quantity);
            lane.waking = true;
        }
        let filled = Filled {
            order: ordinal,
            quantity,
            price,
            liquidity: offer.liquidity.number(),
            fee_currency: traded.settlement_currency,
            fee,
            rule: offer.rule.number(),
        };
        self.emit(instrument, time, filled.into(), cause);
        if is_done {
            self.leave(instrument, index, None, false, time);
        }
        if linked {
            if planted!(16) {
                self.wake(instrument);
            }
            self.settle_groups(instrument, time);
        }
    }

    fn leave(&mut self, instrument: InstrumentIndex, index: usize, payload: Option<Payload>, spent: bool, time: Time) {
        let lane = &mut self.lanes[instrument.at()];
        let order = lane.orders.remove(index);
        lane.trails -= usize::from(is_trailing(order.order_type));
        lane.groups.note_end(&order, time, spent);
        if lane.orders.is_empty() {
            self.busy.retain(|busy| *busy != instrument);
        }
        if let Some(payload) = payload {
            self.emit(instrument, time, payload, order.cause);
        }
    }
}

/// The most time from the end of an order at the venue to the arrival of a command that was sent before the engine knew of it.
#[must_use]
pub fn longest_way(venue: &Venue) -> Time {
    Time(longest_command(venue).0 + venue.report_latency.0 + venue.latency_jitter.0)
}

/// The most time a command is under way.
#[must_use]
pub fn longest_command(venue: &Venue) -> Time {
    let longest = venue.submit_latency.max(venue.cancel_latency).max(venue.replace_latency);
    Time(longest.0 + venue.latency_jitter.0)
}
