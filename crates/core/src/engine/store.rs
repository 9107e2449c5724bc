//! The store: the state with its bookkeeping. Touched leaves and the root, orders with their aggregates, the archive, stops and
//! halts, and what a run leaves behind (executions, closed orders).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::codec::{LeafKey, QUIET, StateRoot, all_keys, encode_images, encode_order, full_root, state_hash};
use crate::config::Config;
use crate::group::Group;
use crate::intent::RiskFlag;
use crate::invariant::check_all;
use crate::matching::longest_way;
use crate::order::Order;
use crate::reject::RejectCode;
use crate::state::{State, new_state};
use crate::units::{
    CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, OutOfRange, Price, Quantity, StrategyIndex, Time,
};

/// A booked fill, for the run's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// Of which order.
    pub order: OrderOrdinal,
    /// Of which strategy.
    pub strategy: StrategyIndex,
    /// In which instrument.
    pub instrument: InstrumentIndex,
    /// The source's own stamp.
    pub event_time: Time,
    /// Number of the step.
    pub seq_id: u64,
    /// A `Side` number.
    pub side: u8,
    /// How much.
    pub quantity: Quantity,
    /// At what price.
    pub price: Price,
    /// Currency of the fee.
    pub fee_currency: CurrencyIndex,
    /// The fee.
    pub fee: Money,
    /// A `Liquidity` number.
    pub liquidity: u8,
    /// Row of the fill table.
    pub rule: u8,
    /// What the fill realised for its strategy, before fees.
    pub realized_pnl: Money,
}

/// The state of one run and the only way to change it.
#[derive(Debug)]
pub struct Store {
    /// The entities.
    pub state: State,
    /// Whether touched leaves are kept for records and the root.
    pub recording: bool,
    /// Whether the root is kept up with every step, which a journal does not need: then quiet leaves are not noted.
    rooted: bool,
    /// Booked fills, in the order of their steps.
    pub executions: Vec<Execution>,
    /// Orders that left the state; at the end all of them.
    pub closed: Vec<Order>,
    /// Groups that the engine holds and this step touched, by their root, with the members that ended in it.
    pub(super) stirred: BTreeMap<OrderOrdinal, Vec<OrderOrdinal>>,
    config: Arc<Config>,
    root: StateRoot,
    touched: Vec<LeafKey>,
    dirty: BTreeSet<LeafKey>,
}

impl Store {
    /// The state before the first event. `OutOfRange` when the opening deposits do not fit.
    pub fn new(config: Arc<Config>, record: bool) -> Result<Self, OutOfRange> {
        let state = new_state(Arc::clone(&config))?;
        let mut root = StateRoot::default();
        if record {
            root.refresh(&state, all_keys(&state));
        }
        Ok(Self {
            state,
            recording: record,
            rooted: record,
            executions: Vec::new(),
            closed: Vec::new(),
            stirred: BTreeMap::new(),
            config,
            root,
            touched: Vec::new(),
            dirty: BTreeSet::new(),
        })
    }

    /// The state is another one: every leaf is taken anew.
    pub(super) fn renew(&mut self) {
        self.root = StateRoot::default();
        self.touched.clear();
        self.dirty.clear();
        if self.rooted {
            self.root.refresh(&self.state, all_keys(&self.state));
        }
    }

    /// A leaf may have changed.
    #[inline]
    pub fn touch(&mut self, key: LeafKey) {
        if self.recording && (self.rooted || key.tag() < QUIET) {
            self.touched.push(key);
        }
    }

    /// Whether the root is kept up with every step.
    #[must_use]
    pub const fn rooted(&self) -> bool {
        self.rooted
    }

    /// Whether nothing that is in records was touched since the last images.
    #[inline]
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        !self.touched.iter().any(|key| key.tag() < QUIET)
    }

    /// Append after-images of what was touched since the last ones; nothing without any.
    #[inline]
    pub fn write_images(&mut self, out: &mut Vec<u8>) {
        if !self.touched.is_empty() {
            self.take_images(out);
        }
    }

    fn take_images(&mut self, out: &mut Vec<u8>) {
        encode_images(out, &self.state, &mut self.touched);
        if self.rooted {
            self.dirty.extend(self.touched.drain(..));
        } else {
            self.touched.clear();
        }
    }

    /// The state root: incremental when it is kept, else from nothing.
    pub fn root(&mut self) -> [u8; 32] {
        if !self.rooted {
            return full_root(&self.state);
        }
        self.dirty.extend(self.touched.iter().cloned());
        self.root.refresh(&self.state, std::mem::take(&mut self.dirty));
        self.root.digest()
    }

    /// The state hash where the run stands.
    pub fn digest(&mut self) -> [u8; 32] {
        let root = self.root();
        state_hash(&self.state, &root)
    }

    /// Put an order's after-image in place and keep the aggregates. `OutOfRange`, and nothing changed, when what it reserves does not
    /// fit.
    pub fn put(&mut self, before: &Order, mut after: Order) -> Result<(), OutOfRange> {
        let state = &mut self.state;
        let (group, will) = (state.group_of(&after), state.exposure(&after)?);
        let was = group.map_or_else(|| state.exposure(before), |group| Ok(group.exposed))?;
        let root = group.map(|group| group.members[0]);
        if was != will {
            let held = state.working.entry((after.account, after.instrument)).or_default();
            *held = held.plus(will).less(was);
        }
        if let Some(group) = root.and_then(|root| state.groups.get_mut(&root)) {
            group.exposed = will;
        }
        if after.life.is_open() != before.life.is_open() {
            let open_orders = &mut state.owners[after.id.strategy.at()].open_orders;
            *open_orders = if after.life.is_open() { *open_orders + 1 } else { *open_orders - 1 };
            self.touch(LeafKey::Strategy(after.id.strategy));
        }
        after.flagged = before.flagged;
        self.state.orders.insert(after.ordinal, after);
        self.touch(LeafKey::Order(after.ordinal));
        let ended = after.life.is_closed() && !before.life.is_closed();
        if let Some(root) = root.filter(|_| !self.state.holds_groups(&after)) {
            self.stirred.entry(root).or_default().extend(ended.then_some(after.ordinal));
        }
        if ended {
            self.retire_later(&after);
        }
        Ok(())
    }

    /// Make a new order a member of the group that it names; its first companion makes the group.
    pub fn join(&mut self, order: &Order) -> Result<(), OutOfRange> {
        if order.parent.0 == 0 && order.oco.0 == 0 {
            return Ok(());
        }
        let root = self.state.root_of(order);
        if !self.state.groups.contains_key(&root) {
            let exposed = self.state.exposure(&self.state.orders[&root])?;
            self.state.groups.insert(root, Group { members: vec![root], exposed });
        }
        if let Some(group) = self.state.groups.get_mut(&root) {
            group.members.push(order.ordinal);
        }
        Ok(())
    }

    /// Note when a closed order may go; the members of a group go together.
    fn retire_later(&mut self, order: &Order) {
        let until = Time(order.closed_time.0.saturating_add(self.retention(order)));
        let state = &mut self.state;
        let group = state.group_of(order).filter(|_| !planted!(15));
        let Some(members) = group.map(|group| group.members.clone()) else {
            state.retiring.push(Reverse((until, order.ordinal)));
            return;
        };
        if members.iter().all(|member| state.orders[member].life.is_closed()) {
            state.retiring.extend(members.into_iter().map(|member| Reverse((until, member))));
        }
    }

    /// How long a closed order is kept: the venue's horizon, and the way of a request that crossed the close and of its answer.
    fn retention(&self, order: &Order) -> i64 {
        self.config
            .venues
            .get(order.venue.at())
            .map_or(0, |venue| venue.capabilities.retention_ns.0.saturating_add(longest_way(venue).0))
    }

    /// Archive closed orders whose reports are past their horizon.
    pub fn retire(&mut self) {
        while let Some(Reverse((until, ordinal))) = self.state.retiring.peek().copied() {
            if until >= self.state.now {
                return;
            }
            self.state.retiring.pop();
            let Some(order) = self.state.orders.get(&ordinal).copied() else { continue };
            let keys = self.state.keys.remove(&ordinal).unwrap_or_default();
            let mut fills = keys.iter().filter_map(|key| self.state.fills.get(&(order.account, key.clone())));
            if fills.any(|fill| !fill.settled && !fill.busted) {
                self.state.keys.insert(ordinal, keys);
                self.state.retiring.push(Reverse((self.state.now, ordinal)));
            } else {
                self.archive(order, keys);
            }
        }
    }

    fn archive(&mut self, order: Order, keys: Vec<Box<str>>) {
        let state = &mut self.state;
        state.archived += 1;
        let digest = Sha256::new().chain_update(state.archive_digest).chain_update(encode_order(&order));
        state.archive_digest = digest.finalize().into();
        if let Some(root) = state.group_of(&order).map(|group| group.members[0]) {
            state.groups.remove(&root);
        }
        state.orders.remove(&order.ordinal);
        state.by_id.remove(&order.id);
        for key in keys {
            let dense = self.config.venues[order.venue.at()].capabilities.dense_keys;
            if !dense {
                self.state.seen[order.account.at()].contents.remove(&key);
                if self.rooted {
                    self.touch(LeafKey::Key(order.account, key.clone()));
                }
            }
            let name = (order.account, key);
            if self.state.fills.remove(&name).is_some() {
                self.touch(LeafKey::Fill(name));
            }
        }
        self.touch(LeafKey::Order(order.ordinal));
        self.touch(LeafKey::Engine);
        self.closed.push(order);
    }

    /// No new risk from now on; the first code stays.
    pub fn stop(&mut self, code: RejectCode) {
        if self.state.stopped == 0 {
            self.state.stopped = code.number();
        }
        self.touch(LeafKey::Engine);
    }

    /// The strategy is not called again.
    pub fn halt(&mut self, strategy: StrategyIndex) {
        if let Some(owner) = self.state.owners.get_mut(strategy.at()) {
            owner.halted = true;
            self.touch(LeafKey::Strategy(strategy));
        }
    }

    /// Set or clear a risk flag of a strategy, or of all with the null strategy.
    pub fn set_flag(&mut self, strategy: StrategyIndex, flag: u8, on: bool) -> bool {
        let state = &mut self.state;
        let (kill_switch, reduce_only, leaf) = if strategy == StrategyIndex::NULL {
            (&mut state.kill_switch, &mut state.reduce_only, LeafKey::Engine)
        } else if let Some(owner) = state.owners.get_mut(strategy.at()) {
            (&mut owner.kill_switch, &mut owner.reduce_only, LeafKey::Strategy(strategy))
        } else {
            return false;
        };
        match RiskFlag::from_u8(flag) {
            Some(RiskFlag::KillSwitch) => *kill_switch = on,
            Some(RiskFlag::ReduceOnly) => *reduce_only = on,
            None => return false,
        }
        self.touch(leaf);
        true
    }

    /// The full invariant check.
    pub fn recheck(&mut self) {
        if let Some((code, _, _)) = check_all(&self.state) {
            self.state.count(code);
            self.stop(code);
        }
    }
}
