//! Commit B: intents go out. Each is admitted on the state the earlier ones left; an accepted one becomes a command to its venue, a
//! refused one a report of the internal venue `engine`.

use std::sync::Arc;

use crate::admission::{admit, reserve_price};
use crate::codec::{Finding, LeafKey, TimerRequest};
use crate::config::{Config, LOOP_DEPTH};
use crate::engine::store::Store;
use crate::event::{Cancelled, Denied, Event, Payload, Refused, event};
use crate::group::{leader_of, legs_of};
use crate::intent::{Intent, OrderId, PlaceOrder, ReplaceOrder};
use crate::matching::{Cause, Command, CommandKind, Report};
use crate::order::{
    Guard, Life, Order, OrderInput, Outcome, Pending, Place, enter, is_trailing, new_order, transition,
};
use crate::reject::RejectCode;
use crate::units::{
    AccountIndex, ENGINE_VENUE, InstrumentIndex, NONE_PRICE, NONE_TIME, NULL_INSTRUMENT, OrderOrdinal, Quantity,
    StrategyIndex, Time, VenueIndex,
};

/// The door for intents. What leaves collects here until the run hands it on; when replaying nothing leaves: what came back is
/// recorded.
#[derive(Debug)]
pub struct Outgoing {
    config: Arc<Config>,
    replaying: bool,
    /// Commands with the venues they are for.
    pub(super) commands: Vec<(VenueIndex, Command)>,
    /// Denials and refusals.
    pub(super) reports: Vec<Report>,
    /// Commands to venues outside this process.
    pub outbox: Vec<Command>,
}

impl Outgoing {
    /// For a run of this configuration.
    #[must_use]
    pub const fn new(config: Arc<Config>, replaying: bool) -> Self {
        Self { config, replaying, commands: Vec::new(), reports: Vec::new(), outbox: Vec::new() }
    }

    /// Admit and carry out the intents of one callback, in their order.
    pub fn admit_all(
        &mut self,
        store: &mut Store,
        strategy: StrategyIndex,
        intents: &[Intent],
        (seq, depth): (u64, u32),
    ) -> Vec<(Intent, Finding)> {
        let mut admitted = Vec::with_capacity(intents.len());
        for (index, intent) in intents.iter().enumerate() {
            let verdict = admit(&store.state, strategy, intent, depth);
            let verdict = Finding { code: verdict.code, value: verdict.value, limit: verdict.limit };
            if verdict.code != 0 {
                *store.state.counters.entry(verdict.code).or_default() += 1;
            }
            let name = OrderId { strategy, seq, index: u16::try_from(index).unwrap_or(u16::MAX) };
            self.enact(store, name, intent, (verdict, depth));
            admitted.push((*intent, verdict));
        }
        if depth >= LOOP_DEPTH + u32::from(planted!(10)) && admitted.iter().any(|(_, verdict)| verdict.code != 0) {
            store.halt(strategy);
        }
        admitted
    }

    /// Set and cancel the timers of one callback.
    pub fn set_timers(&mut self, store: &mut Store, strategy: StrategyIndex, timers: &[TimerRequest], depth: u32) {
        for request in timers {
            let cause = (store.state.now, depth);
            if request.deadline == NONE_TIME {
                store.state.timers.cancel(strategy, request.timer);
            } else {
                store.state.timers.set(strategy, request.timer, request.deadline, cause);
            }
            store.touch(LeafKey::Timer(strategy, request.timer));
        }
    }

    /// Carry an intent out, or report its refusal.
    fn enact(&mut self, store: &mut Store, name: OrderId, intent: &Intent, (verdict, depth): (Finding, u32)) {
        let cause = Cause { now: store.state.now, depth };
        match intent {
            Intent::PlaceOrder(place) => self.place(store, name, place, (verdict, cause)),
            _ if verdict.code != 0 => {
                let refused = Refused {
                    strategy: name.strategy,
                    intent_seq: name.seq,
                    index: name.index,
                    intent_type: intent.intent_type(),
                    code: verdict.code,
                    value: verdict.value,
                    limit: verdict.limit,
                };
                self.report(refused, (AccountIndex::NULL, NULL_INSTRUMENT), cause);
            }
            Intent::CancelOrder(cancel) => self.request(store, cancel.order, None, cause),
            Intent::ReplaceOrder(replace) => self.request(store, replace.order, Some(replace), cause),
            Intent::SetRiskFlag(flag) => {
                store.set_flag(name.strategy, flag.flag, flag.on);
            }
            Intent::NoOp(_) => {}
        }
    }

    /// Create the order, denied ones included; an admitted one is Submitted and its command leaves.
    fn place(&mut self, store: &mut Store, name: OrderId, place: &PlaceOrder, (verdict, cause): (Finding, Cause)) {
        let state = &mut store.state;
        let (mut venue, mut account, mut instrument) = (VenueIndex::NULL, AccountIndex::NULL, NULL_INSTRUMENT);
        if let Some(declared) = self.config.instruments.get(place.instrument.at()) {
            instrument = place.instrument;
            venue = declared.venue;
            account = state.account_of(instrument);
        }
        // An id that names no order has ordinal 0: such an order is denied, or has no parent or group.
        let [parent, oco] = [place.parent, place.oco].map(|one| state.by_id.get(&one).copied().unwrap_or_default());
        let at = Place { ordinal: state.next_ordinal, id: name, venue, account, parent, oco };
        let order = new_order(place, at, state.now);
        state.next_ordinal.0 += 1;
        state.orders.insert(order.ordinal, order);
        state.by_id.insert(name, order.ordinal);
        store.touch(LeafKey::Order(order.ordinal));
        store.touch(LeafKey::Engine);
        if verdict.code != 0 {
            let Finding { code, value, limit } = verdict;
            self.report(Denied { order: order.ordinal, code, value, limit }, (account, instrument), cause);
            return;
        }
        if store.join(&order).is_err() {
            store.stop(RejectCode::SRange);
        }
        let mut after = order;
        after.reserve_price = reserve_price(&store.state, place);
        let held = order.parent.0 != 0 && !store.state.holds_groups(&order);
        advance(&mut after, if held { OrderInput::Hold } else { OrderInput::Submit }, store.state.now);
        put(store, &order, after);
        self.note_placed(store, name.strategy);
        if !held {
            self.send(CommandKind::Submit, &after, cause);
        }
    }

    fn note_placed(&self, store: &mut Store, strategy: StrategyIndex) {
        let limits = &self.config.strategies[strategy.at()].limits;
        if limits.max_orders_per_window == 0 {
            return;
        }
        let now = store.state.now;
        let horizon = Time(now.0.saturating_sub(limits.window_ns.0));
        let placed = &mut store.state.owners[strategy.at()].placed;
        while placed.front().is_some_and(|time| *time <= horizon) {
            placed.pop_front();
        }
        placed.push_back(now);
        store.touch(LeafKey::Strategy(strategy));
    }

    /// A cancel or a replace leaves for the venue.
    fn request(&mut self, store: &mut Store, order_id: OrderId, replace: Option<&ReplaceOrder>, cause: Cause) {
        let Some(before) = store.state.order_of(order_id).copied() else { return };
        let mut after = before;
        let told = if replace.is_some() { OrderInput::ReplaceRequest } else { OrderInput::CancelRequest };
        advance(&mut after, told, store.state.now);
        if let Some(replace) = replace {
            after.asked_quantity = replace.quantity;
            after.replace_quantity = replace.quantity;
            after.replace_limit_price = replace.limit_price;
            after.replace_stop_price = replace.stop_price;
        }
        put(store, &before, after);
        if before.life == Life::Held {
            self.end_held(&after, 0, cause);
            return;
        }
        let kind = if replace.is_some() { CommandKind::Replace } else { CommandKind::Cancel };
        self.send(kind, &after, cause);
    }

    // Groups that the engine holds

    /// Look after the groups that the step touched where a venue holds none: a leg that ended ends the others, children are sent for
    /// what their parent has filled, and end with a parent that filled nothing. `refused` is the order whose replace was just refused.
    pub fn tend(&mut self, store: &mut Store, refused: Option<OrderOrdinal>, depth: u32) {
        let cause = Cause { now: store.state.now, depth };
        for (root, ended) in std::mem::take(&mut store.stirred) {
            let Some(group) = store.state.groups.get(&root) else { continue };
            let members: Vec<Order> = group.members.iter().map(|one| store.state.orders[one]).collect();
            let leaders: Vec<_> = ended.iter().map(|one| leader_of(&store.state.orders[one])).collect();
            for order in members.iter().filter(|order| leaders.contains(&leader_of(order))) {
                if !ended.contains(&order.ordinal) {
                    self.end_leg(store, order, cause);
                }
            }
            for order in &members {
                self.tend_child(store, order.ordinal, &members, refused, cause);
            }
        }
        store.stirred.clear();
    }

    /// Another leg has ended: this one is taken back, unless that is under way.
    fn end_leg(&mut self, store: &mut Store, order: &Order, cause: Cause) {
        if order.life.is_closed() || order.pending.has(Pending::Cancel) || planted!(14) {
            return;
        }
        let mut after = *order;
        advance(&mut after, OrderInput::CancelRequest, store.state.now);
        put(store, order, after);
        if order.life == Life::Held {
            self.end_held(&after, RejectCode::VGroup.number(), cause);
        } else {
            self.send(CommandKind::Cancel, &after, cause);
        }
    }

    fn end_held(&mut self, order: &Order, reason: u16, cause: Cause) {
        if planted!(13) {
            return;
        }
        let cancelled = Cancelled { order: order.ordinal, reason, text: Box::default() };
        self.report(cancelled, (order.account, order.instrument), cause);
    }

    /// Send a held child, or raise what was sent of it, to what its parent has filled, in whole lots.
    fn tend_child(
        &mut self,
        store: &mut Store,
        ordinal: OrderOrdinal,
        members: &[Order],
        refused: Option<OrderOrdinal>,
        cause: Cause,
    ) {
        let order = store.state.orders[&ordinal];
        let Some(parent) = store.state.orders.get(&order.parent).copied() else { return };
        if order.pending != Pending::None || order.life.is_closed() || order.in_doubt {
            return;
        }
        let (now, lot) = (store.state.now, i128::from(store.state.instrument(order.instrument).lot.0));
        let filled: i128 = legs_of(&order, members).map(|leg| i128::from(leg.net_filled().0)).sum();
        let others = filled - i128::from(order.net_filled().0);
        let most = (i128::from(parent.net_filled().0) - others).min(order.asked_quantity.0.into());
        // At most what was asked for, so that it fits.
        let total = Quantity((most.div_euclid(lot) * lot).max(0) as i64);
        let mut after = order;
        if order.life != Life::Held {
            let replaces = self.config.venues[order.venue.at()].capabilities.replace;
            if total > order.quantity && replaces && refused != Some(ordinal) {
                self.raise_to(store, &order, total, cause);
            }
        } else if total.0 > 0 {
            after.quantity = total;
            after.open_quantity = total;
            advance(&mut after, OrderInput::Submit, now);
            put(store, &order, after);
            self.send(CommandKind::Submit, &after, cause);
        } else if parent.life.is_closed() {
            advance(&mut after, OrderInput::CancelRequest, now);
            put(store, &order, after);
            let reason = if parent.net_filled().0 > 0 { RejectCode::VGroup } else { RejectCode::VParent };
            self.end_held(&after, reason.number(), cause);
        }
    }

    /// A replace by the engine: the total rises, the prices stay; a trail goes on where it is.
    fn raise_to(&mut self, store: &mut Store, order: &Order, total: Quantity, cause: Cause) {
        let mut after = *order;
        advance(&mut after, OrderInput::ReplaceRequest, store.state.now);
        after.replace_quantity = total;
        after.replace_limit_price = order.limit_price;
        after.replace_stop_price = if is_trailing(order.order_type) { NONE_PRICE } else { order.stop_price };
        put(store, order, after);
        self.send(CommandKind::Replace, &after, cause);
    }

    fn send(&mut self, kind: CommandKind, order: &Order, cause: Cause) {
        if self.replaying {
            return;
        }
        let wanted = kind == CommandKind::Replace;
        let native = self.config.venues[order.venue.at()].capabilities.groups;
        let command = Command {
            kind,
            order: order.ordinal,
            instrument: order.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            quantity: if wanted { order.replace_quantity } else { order.quantity },
            limit_price: if wanted { order.replace_limit_price } else { order.limit_price },
            stop_price: if wanted { order.replace_stop_price } else { order.stop_price },
            expire_time: order.expire_time,
            post_only: order.post_only,
            reduce_only: order.reduce_only,
            trail_kind: order.trail_kind,
            trail_offset: order.trail_offset,
            limit_offset: order.limit_offset,
            parent: if native { order.parent } else { OrderOrdinal(0) },
            oco: if native { order.oco } else { OrderOrdinal(0) },
            cause,
        };
        self.commands.push((order.venue, command));
    }

    /// A denial or refusal, from the internal venue: a step of its own.
    fn report(
        &mut self,
        payload: impl Into<Payload>,
        (account, instrument): (AccountIndex, InstrumentIndex),
        cause: Cause,
    ) {
        if self.replaying {
            return;
        }
        let item = event(payload, cause.now);
        self.reports.push(Report { event: Event { venue: ENGINE_VENUE, account, instrument, ..item }, cause });
    }
}

/// Admission has let the request pass, so the transition exists.
fn advance(order: &mut Order, told: OrderInput, now: Time) {
    match transition(order.state(), told, Guard::Any) {
        Outcome::Moves(transition) => enter(order, transition.state, now),
        outcome => unreachable!("admission let {told:?} pass: {outcome:?}"),
    }
}

/// Admission has checked what the order reserves.
fn put(store: &mut Store, before: &Order, after: Order) {
    if store.put(before, after).is_err() {
        store.stop(RejectCode::SRange);
    }
}
