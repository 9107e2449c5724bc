//! The state: every entity of a run and the questions asked of it. Only `engine` writes here.
//!
//! Aggregates (working quantities, reserves) follow their orders and are rechecked against them by `invariant`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use crate::account::{AccountKind, EMPTY, Exposure, Ledger, exposure};
use crate::aggregate::Aggregate;
use crate::book::Market;
use crate::config::{Config, account_of};
use crate::event::{Bar, Payload};
use crate::fee::worst_fee;
use crate::group::{Group, IDLE, Working, leader_of, open_quantity, root_of};
use crate::indicator::Indicator;
use crate::instrument::{Instrument, contract_value};
use crate::intent::{OrderId, OrderType, Side};
use crate::order::{Life, Order};
use crate::portfolio::{FLAT, Position, Unsettled};
use crate::reject::RejectCode;
use crate::timer::Timers;
use crate::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, NONE_PRICE, OrderOrdinal, OutOfRange, Price, Quantity, Rate,
    StrategyIndex, Time, money,
};
use crate::valuation::{margin_on, to_base, worth};

/// How many reports below the watermark of a densely numbering venue are kept to tell duplicates from conflicts.
pub const DENSE_WINDOW: u64 = 64;
/// How many bars of a derived stream are kept for looking back; those of other streams are the data's.
pub const RECENT_BARS: usize = 4_096;

/// A fill as booked, kept until its order is archived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FillRecord {
    /// Of which order.
    pub order: OrderOrdinal,
    /// Of which strategy.
    pub strategy: StrategyIndex,
    /// In which instrument.
    pub instrument: InstrumentIndex,
    /// Signed: bought above 0.
    pub quantity: Quantity,
    /// Signed by the instrument's value sign.
    pub value: Money,
    /// Currency of the fee.
    pub fee_currency: CurrencyIndex,
    /// The fee, where it was paid in cash.
    pub fee: Money,
    /// The fee, where it was paid in the base asset.
    pub fee_quantity: Quantity,
    /// Whether it is final.
    pub settled: bool,
    /// Whether it was taken back.
    pub busted: bool,
}

/// Reports of one (venue, account) already taken: the content by key, and the watermark where keys are dense.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Every key up to it was taken.
    pub watermark: u64,
    /// What was said under a key, where keys are not dense.
    pub contents: BTreeMap<Box<str>, Payload>,
    /// What was said under the last dense keys, up to the watermark.
    recent: VecDeque<Payload>,
    /// What was said under dense keys above the watermark, by key: mostly the one next to it, and not for long.
    ahead: VecDeque<(u64, Payload)>,
}

impl Seen {
    /// What was said under a dense key, as far as it is kept.
    #[must_use]
    pub fn numbered(&self, number: u64) -> Option<&Payload> {
        let below = self.watermark.checked_sub(number).map(|below| below as usize);
        match below {
            None => self.place_ahead(number).ok().map(|place| &self.ahead[place].1),
            Some(below) => self.recent.len().checked_sub(below + 1).and_then(|place| self.recent.get(place)),
        }
    }

    /// Keep what was said under a key of a dense venue; one that is no number, or far below the watermark, is kept by its text.
    pub fn keep_numbered(&mut self, number: Option<u64>, key: &str, content: Payload) {
        match number {
            Some(number) if number > self.watermark => match self.place_ahead(number) {
                Ok(place) => self.ahead[place].1 = content,
                Err(place) => self.ahead.insert(place, (number, content)),
            },
            Some(number) if number + self.recent.len() as u64 > self.watermark => {
                let place = self.recent.len() - (self.watermark - number) as usize - 1;
                self.recent[place] = content;
            }
            _ => {
                self.contents.insert(key.into(), content);
            }
        }
    }

    fn place_ahead(&self, number: u64) -> Result<usize, usize> {
        self.ahead.binary_search_by_key(&number, |(ahead, _)| *ahead)
    }

    /// Raise the watermark by one, where the next dense key was taken; the key that is kept no longer, 0 when none was.
    pub fn rise(&mut self) -> Option<u64> {
        self.ahead.front().filter(|(next, _)| *next == self.watermark + 1)?;
        self.recent.extend(self.ahead.pop_front().map(|(_, content)| content));
        self.watermark += 1;
        if self.recent.len() <= DENSE_WINDOW as usize {
            return Some(0);
        }
        self.recent.pop_front();
        Some(self.watermark - DENSE_WINDOW)
    }

    /// What was said under each key that is kept, by its text and in its order.
    #[must_use]
    pub fn kept(&self) -> Vec<(Box<str>, &Payload)> {
        let dense = self.numbers().filter_map(|number| Some((number.to_string().into(), self.numbered(number)?)));
        let mut kept: Vec<_> = self.contents.iter().map(|(key, content)| (key.clone(), content)).chain(dense).collect();
        kept.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        kept
    }

    /// The reports of a venue with these kept; of a dense one the keys are numbers without a gap below the watermark, else there is none.
    #[must_use]
    pub fn of_kept(watermark: u64, kept: BTreeMap<Box<str>, Payload>, is_dense: bool) -> Option<Self> {
        let mut seen = Self { watermark, ..Self::default() };
        if !is_dense {
            seen.contents = kept;
            return Some(seen);
        }
        let mut numbered = BTreeMap::new();
        for (key, content) in kept {
            let number = key.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == *key)?;
            numbered.insert(number, content);
        }
        let first = watermark.saturating_sub(DENSE_WINDOW) + 1;
        seen.ahead = numbered.split_off(&watermark.checked_add(1)?).into_iter().collect();
        if numbered.first_key_value().is_some_and(|(number, _)| *number < first) {
            return None;
        }
        if numbered.len() as u64 != watermark.min(DENSE_WINDOW) {
            return None;
        }
        seen.recent = numbered.into_values().collect();
        Some(seen)
    }

    /// The dense keys that are kept.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        let first = self.watermark + 1 - self.recent.len() as u64;
        (first..=self.watermark).chain(self.ahead.iter().map(|(number, _)| *number))
    }
}

/// What the engine keeps of a strategy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StrategyState {
    /// Whether it is called no more.
    pub halted: bool,
    /// Whether it may place no orders.
    pub kill_switch: bool,
    /// Whether it may only lower positions.
    pub reduce_only: bool,
    /// Its orders at the venues.
    pub open_orders: u32,
    /// Its next random draw.
    pub random_counter: u64,
    /// Its next fresh timer id.
    pub next_timer: u64,
    /// Times of admitted orders inside the rate window.
    pub placed: VecDeque<Time>,
}

impl Default for StrategyState {
    fn default() -> Self {
        Self {
            halted: false,
            kill_switch: false,
            reduce_only: false,
            open_orders: 0,
            random_counter: 0,
            next_timer: 1,
            placed: VecDeque::new(),
        }
    }
}

/// Everything that replay rebuilds.
#[derive(Clone, Debug)]
pub struct State {
    /// What is declared.
    pub config: Arc<Config>,
    /// The event clock.
    pub now: Time,
    /// `seq_id` of the event under way.
    pub seq: u64,
    /// When on_start was called; not a leaf.
    pub start_time: Time,
    /// Whether on_start was called.
    pub started: bool,
    /// Whether the data has ended.
    pub ended: bool,
    /// The code that stopped the engine, or 0.
    pub stopped: u16,
    /// Whether nobody may place orders.
    pub kill_switch: bool,
    /// Whether orders may only lower positions.
    pub reduce_only: bool,
    /// The UTC day, counted from the epoch.
    pub day: i64,
    /// Equity at its first moment.
    pub day_equity: Money,
    /// Number of the next order.
    pub next_ordinal: OrderOrdinal,
    /// Live orders, oldest first.
    pub orders: BTreeMap<OrderOrdinal, Order>,
    /// Their numbers by name.
    pub by_id: BTreeMap<OrderId, OrderOrdinal>,
    /// Closed orders by the time their reports may be forgotten, the soonest on top.
    pub retiring: BinaryHeap<Reverse<(Time, OrderOrdinal)>>,
    /// By the root's number; it follows from the orders, so that it is no leaf.
    pub groups: BTreeMap<OrderOrdinal, Group>,
    /// Idempotency keys of each order's reports: its fills are forgotten with it, and where keys are not dense all of them.
    pub keys: BTreeMap<OrderOrdinal, Vec<Box<str>>>,
    /// How many orders were archived.
    pub archived: u64,
    /// Running digest of the archive.
    pub archive_digest: [u8; 32],
    /// By (account, instrument).
    pub accounts: BTreeMap<(AccountIndex, InstrumentIndex), Position>,
    /// By (strategy, instrument); the null strategy owns the rest.
    pub strategies: BTreeMap<(StrategyIndex, InstrumentIndex), Position>,
    /// By (account, instrument).
    pub unsettled_accounts: BTreeMap<(AccountIndex, InstrumentIndex), Unsettled>,
    /// By (strategy, instrument).
    pub unsettled_strategies: BTreeMap<(StrategyIndex, InstrumentIndex), Unsettled>,
    /// By (account, currency).
    pub ledgers: BTreeMap<(AccountIndex, CurrencyIndex), Ledger>,
    /// By (strategy, currency).
    pub strategy_fees: BTreeMap<(StrategyIndex, CurrencyIndex), Money>,
    /// By (account, key).
    pub fills: BTreeMap<(AccountIndex, Box<str>), FillRecord>,
    /// Busts that came before their fill.
    pub parked: BTreeMap<(AccountIndex, Box<str>), OrderOrdinal>,
    /// By account: each venue has one.
    pub seen: Vec<Seen>,
    /// By (account, instrument).
    pub working: BTreeMap<(AccountIndex, InstrumentIndex), Working>,
    /// By instrument.
    pub markets: Vec<Market>,
    /// Bars taken of each stream; not a leaf.
    pub delivered: Vec<u64>,
    /// The last bars taken of each derived stream, for strategies to look back at; not a leaf.
    pub recent: Vec<VecDeque<Bar>>,
    /// By strategy.
    pub owners: Vec<StrategyState>,
    /// Pending timers.
    pub timers: Timers,
    /// By stream; those of streams that are not derived stay empty.
    pub aggregates: Vec<Aggregate>,
    /// Bars that closed and are delivered next; each is kept by its aggregate.
    pub closed_bars: usize,
    /// In the order of their declaration.
    pub indicators: Vec<Indicator>,
    /// How often each code was given; not a leaf.
    pub counters: BTreeMap<u16, u64>,
}

impl State {
    /// The declaration.
    #[must_use]
    pub fn instrument(&self, index: InstrumentIndex) -> &Instrument {
        &self.config.instruments[index.at()]
    }

    /// The account that trades the instrument.
    #[must_use]
    pub fn account_of(&self, instrument: InstrumentIndex) -> AccountIndex {
        account_of(&self.config, self.instrument(instrument).venue)
            .expect("a checked configuration has an account per venue")
    }

    /// The account's position.
    #[must_use]
    pub fn position(&self, account: AccountIndex, instrument: InstrumentIndex) -> Position {
        self.accounts.get(&(account, instrument)).copied().unwrap_or(FLAT)
    }

    /// The strategy's own position; the null strategy owns what no strategy does.
    #[must_use]
    pub fn own_position(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> Position {
        self.strategies.get(&(strategy, instrument)).copied().unwrap_or(FLAT)
    }

    /// What the account holds in the currency.
    #[must_use]
    pub fn ledger(&self, account: AccountIndex, currency: CurrencyIndex) -> Ledger {
        self.ledgers.get(&(account, currency)).copied().unwrap_or(EMPTY)
    }

    /// The live order with this id.
    #[must_use]
    pub fn order_of(&self, order_id: OrderId) -> Option<&Order> {
        self.by_id.get(&order_id).map(|ordinal| &self.orders[ordinal])
    }

    /// The strategy's orders at the venue and those held for it, oldest first.
    pub fn open_orders(&self, strategy: StrategyIndex) -> impl Iterator<Item = &Order> {
        let is_open = |order: &&Order| order.life.is_open() || order.life == Life::Held;
        self.orders.values().filter(move |order| order.id.strategy == strategy).filter(is_open)
    }

    /// Whether the order's venue holds groups itself; else the engine does.
    #[must_use]
    pub fn holds_groups(&self, order: &Order) -> bool {
        self.config.venues[order.venue.at()].capabilities.groups
    }

    /// Exposure of open orders.
    #[must_use]
    pub fn working_of(&self, account: AccountIndex, instrument: InstrumentIndex) -> Working {
        self.working.get(&(account, instrument)).copied().unwrap_or(IDLE)
    }

    /// Exposure of the strategy's own open orders; a group counts once, with its first open member.
    #[must_use]
    pub fn own_working(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> Working {
        let mut total = IDLE;
        let mut counted = Vec::new();
        for order in self.orders.values().filter(|order| order.id.strategy == strategy) {
            let open = order.exposure();
            if order.instrument != instrument || open.0 == 0 {
                continue;
            }
            match self.group_of(order) {
                None => total = total.plus(sided(order, open)),
                Some(group) if counted.contains(&group.members[0]) => {}
                Some(group) => {
                    counted.push(group.members[0]);
                    total = total.plus(group.exposed);
                }
            }
        }
        total
    }

    /// Signed open quantity of the strategy's own market orders.
    #[must_use]
    pub fn own_market_orders(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> i128 {
        self.open_orders(strategy)
            .filter(|order| order.instrument == instrument && order.order_type == OrderType::Market as u8)
            .filter(|order| order.life.is_open())
            .map(|order| i128::from(order.direction()) * i128::from(order.remaining_quantity().0))
            .sum()
    }

    /// The order that would name the order's group.
    #[must_use]
    pub fn root_of(&self, order: &Order) -> OrderOrdinal {
        root_of(order, self.orders.get(&order.parent))
    }

    /// The live group that the order is in.
    #[must_use]
    pub fn group_of(&self, order: &Order) -> Option<&Group> {
        if self.groups.is_empty() {
            return None;
        }
        self.groups.get(&self.root_of(order)).filter(|group| group.members.contains(&order.ordinal))
    }

    /// The orders of a group, one of them as it will be.
    #[must_use]
    pub fn members(&self, group: &Group, changed: &Order) -> Vec<Order> {
        let member = |one: &OrderOrdinal| if *one == changed.ordinal { *changed } else { self.orders[one] };
        group.members.iter().map(member).collect()
    }

    /// What the order's unit, the order alone or its group, adds to the working quantities of its account and instrument, with the
    /// order as given. `OutOfRange` when what it reserves does not fit.
    pub fn exposure(&self, order: &Order) -> Result<Working, OutOfRange> {
        match self.group_of(order) {
            None => self.exposed(order, order.exposure()),
            Some(group) => self.group_exposure(&self.members(group, order)),
        }
    }

    /// What the unit of a new order exposes today, and with the order in it.
    pub fn joined(&self, order: &Order) -> Result<(Working, Working), OutOfRange> {
        if order.parent.0 == 0 && order.oco.0 == 0 {
            return Ok((IDLE, self.exposed(order, order.exposure())?));
        }
        let root = &self.orders[&self.root_of(order)];
        let (today, mut members) = match self.groups.get(&root.ordinal) {
            Some(group) => (group.exposed, self.members(group, order)),
            None => (self.exposed(root, root.exposure())?, vec![*root]),
        };
        members.push(*order);
        Ok((today, self.group_exposure(&members)?))
    }

    /// Legs expose the worst of them, everything else its sum.
    fn group_exposure(&self, members: &[Order]) -> Result<Working, OutOfRange> {
        let natively = self.holds_groups(&members[0]);
        let mut worst: Vec<(OrderOrdinal, Working)> = Vec::with_capacity(members.len());
        for order in members {
            let exposed = self.exposed(order, open_quantity(order, members, natively))?;
            match worst.iter_mut().find(|(leader, _)| *leader == leader_of(order)) {
                Some((_, legs)) => *legs = if planted!(11) { legs.plus(exposed) } else { legs.or_worse(exposed) },
                None => worst.push((leader_of(order), exposed)),
            }
        }
        Ok(worst.into_iter().fold(IDLE, |total, (_, legs)| total.plus(legs)))
    }

    fn exposed(&self, order: &Order, size: Quantity) -> Result<Working, OutOfRange> {
        let sided = sided(order, size);
        if sided.buying == 0 {
            return Ok(sided);
        }
        Ok(Working { reserved: self.reserve(order.instrument, order.risk_price(), size)?, ..sided })
    }

    /// Cash a buy reserves: its value at `price` plus the worst fee; 0 for a margin account, and without a price.
    pub fn reserve(&self, instrument: InstrumentIndex, price: Price, quantity: Quantity) -> Result<Money, OutOfRange> {
        let account = &self.config.accounts[self.account_of(instrument).at()];
        if account.kind == AccountKind::Margin || price == NONE_PRICE {
            return Ok(Money(0));
        }
        let declared = self.instrument(instrument);
        let value = contract_value(declared, price, quantity)?;
        money(value.0 + worst_fee(declared, value)?.0)
    }

    /// Cash reserved by open buys in the currency. `OutOfRange` when the sum leaves i128.
    pub fn reserved(&self, account: AccountIndex, currency: CurrencyIndex) -> Result<Money, OutOfRange> {
        let mut total = 0_i128;
        for ((holder, instrument), working) in &self.working {
            if *holder == account && self.instrument(*instrument).settlement_currency == currency {
                total = total.checked_add(working.reserved.0).ok_or(OutOfRange)?;
            }
        }
        Ok(Money(total))
    }

    /// The last mark, None before the first.
    #[must_use]
    pub fn mark_of(&self, instrument: InstrumentIndex) -> Option<Price> {
        let market = &self.markets[instrument.at()];
        market.has_mark().then_some(market.mark)
    }

    /// The amount in base currency. None without a rate.
    pub fn to_base(&self, amount: Money, currency: CurrencyIndex) -> Result<Option<Money>, OutOfRange> {
        to_base(&self.config, |index| self.mark_of(index), amount, currency)
    }

    /// Initial margin of the account in base currency, open orders included, with the working quantities of `instrument` replaced
    /// by the given ones. None without a mark or rate.
    pub fn required_margin(
        &self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        buying: i128,
        selling: i128,
    ) -> Result<Option<Money>, OutOfRange> {
        let mut total = Money(0);
        for (index, declared) in self.config.instruments.iter().enumerate() {
            let index = InstrumentIndex(index as u32);
            if self.account_of(index) != account {
                continue;
            }
            let held = self.position(account, index).quantity;
            let sides =
                if index == instrument { (buying, selling) } else { self.working_of(account, index).sides(held) };
            let exposed = exposure(held, sides.0, sides.1);
            let Some(needed) = self.margin_on(index, exposed, declared.initial_margin)? else { return Ok(None) };
            total = money(total.0 + needed.0)?;
        }
        Ok(Some(total))
    }

    /// Maintenance margin of the account's positions in base currency, orders left out. None without a mark or rate.
    pub fn maintenance_margin(&self, account: AccountIndex) -> Result<Option<Money>, OutOfRange> {
        let mut total = Money(0);
        for (index, declared) in self.config.instruments.iter().enumerate() {
            let index = InstrumentIndex(index as u32);
            if declared.maintenance_margin.0 == 0 || self.account_of(index) != account {
                continue;
            }
            let exposed = exposure(self.position(account, index).quantity, 0, 0);
            let Some(needed) = self.margin_on(index, exposed, declared.maintenance_margin)? else { return Ok(None) };
            total = money(total.0 + needed.0)?;
        }
        Ok(Some(total))
    }

    fn margin_on(&self, index: InstrumentIndex, exposed: Exposure, rate: Rate) -> Result<Option<Money>, OutOfRange> {
        margin_on(&self.config, |index| self.mark_of(index), index, exposed, rate)
    }

    /// Cash and positions of the account, of all for the null account, in base currency. None while a position has no mark or a
    /// currency no rate.
    #[must_use]
    pub fn equity(&self, account: AccountIndex) -> Option<Money> {
        let own = self.accounts.iter().filter(|((holder, _), _)| account == AccountIndex::NULL || *holder == account);
        self.worth(self.cash(account).ok()??, own.map(|((_, instrument), position)| (*instrument, position)))
    }

    /// Cash and these positions in base currency. None while one has no mark or a currency no rate.
    #[must_use]
    pub fn worth<'a>(
        &self,
        cash: Money,
        positions: impl Iterator<Item = (InstrumentIndex, &'a Position)>,
    ) -> Option<Money> {
        let mut total = cash;
        for (instrument, position) in positions.filter(|(_, position)| position.quantity.0 != 0) {
            let value = worth(&self.config, |index| self.mark_of(index), instrument, position).ok()??;
            total = money(total.0 + value.0).ok()?;
        }
        Some(total)
    }

    /// Cash of the account, of all for the null account, in base currency; None without a rate. `OutOfRange` when the sum does not
    /// fit.
    pub fn cash(&self, account: AccountIndex) -> Result<Option<Money>, OutOfRange> {
        let mut total = Money(0);
        for ((holder, currency), ledger) in &self.ledgers {
            if account != AccountIndex::NULL && *holder != account {
                continue;
            }
            let Some(converted) = self.to_base(ledger.cash, *currency)? else { return Ok(None) };
            total = money(total.0 + converted.0)?;
        }
        Ok(Some(total))
    }

    /// One more of this code.
    pub fn count(&mut self, code: RejectCode) {
        *self.counters.entry(code.number()).or_default() += 1;
    }
}

/// The size on the order's side, apart when it may only reduce.
fn sided(order: &Order, size: Quantity) -> Working {
    let size = i128::from(size.0);
    match (order.reduce_only, order.side == Side::Buy as u8) {
        (false, true) => Working { buying: size, ..IDLE },
        (false, false) => Working { selling: size, ..IDLE },
        (true, true) => Working { reduce_buying: size, ..IDLE },
        (true, false) => Working { reduce_selling: size, ..IDLE },
    }
}

/// The state before the first event: opening deposits are in the ledgers. `OutOfRange` when they do not fit.
pub fn new_state(config: Arc<Config>) -> Result<State, OutOfRange> {
    let mut ledgers = BTreeMap::new();
    for (index, account) in config.accounts.iter().enumerate() {
        for deposit in &account.deposits {
            let held: &mut Ledger = ledgers.entry((AccountIndex(index as u16), deposit.currency)).or_insert(EMPTY);
            held.cash = money(held.cash.0 + deposit.amount.0)?;
            held.transfers = money(held.transfers.0 + deposit.amount.0)?;
        }
    }
    Ok(State {
        now: Time(0),
        seq: 0,
        start_time: Time(0),
        started: false,
        ended: false,
        stopped: 0,
        kill_switch: false,
        reduce_only: false,
        day: -1,
        day_equity: Money(0),
        next_ordinal: OrderOrdinal(1),
        orders: BTreeMap::new(),
        by_id: BTreeMap::new(),
        retiring: BinaryHeap::new(),
        groups: BTreeMap::new(),
        keys: BTreeMap::new(),
        archived: 0,
        archive_digest: [0; 32],
        accounts: BTreeMap::new(),
        strategies: BTreeMap::new(),
        unsettled_accounts: BTreeMap::new(),
        unsettled_strategies: BTreeMap::new(),
        ledgers,
        strategy_fees: BTreeMap::new(),
        fills: BTreeMap::new(),
        parked: BTreeMap::new(),
        seen: vec![Seen::default(); config.accounts.len()],
        working: BTreeMap::new(),
        markets: vec![Market::default(); config.instruments.len()],
        delivered: vec![0; config.streams.len()],
        recent: vec![VecDeque::new(); config.streams.len()],
        owners: vec![StrategyState::default(); config.strategies.len()],
        timers: Timers::default(),
        aggregates: vec![Aggregate::default(); config.streams.len()],
        closed_bars: 0,
        indicators: Vec::new(),
        counters: BTreeMap::new(),
        config,
    })
}
