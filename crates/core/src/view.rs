//! What a strategy may ask of the state while it is called: frozen values, in mantissas. `strategy/` turns them into floats.
//!
//! What changes here are the strategy's counters (random draws, timer ids), which are state and survive an exception, and in on_start
//! its declared indicators and its wake conditions, which are no state.

use thiserror::Error;

use crate::account::AccountKind;
use crate::event::Bar;
use crate::indicator::{
    BarField, Declaration, Indicator, IndicatorKind, MAX_KEEP, MIN_KEEP, NULL_SOURCE, parameter_problem,
};
use crate::intent::OrderId;
use crate::order::Order;
use crate::portfolio::Position;
use crate::random::{below, draw};
use crate::state::State;
use crate::units::{
    AccountIndex, InstrumentIndex, Money, NULL_INSTRUMENT, OrderOrdinal, Price, Quantity, StrategyIndex, Time, money,
};
use crate::wake::{Term, WakeProblem, Wakes};

/// An order as a strategy sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderFacts {
    /// Its number in messages.
    pub ordinal: OrderOrdinal,
    /// Who asked.
    pub strategy: StrategyIndex,
    /// `seq_id` of the callback that asked.
    pub seq: u64,
    /// Place among its intents.
    pub index: u16,
    /// What it trades.
    pub instrument: InstrumentIndex,
    /// A `Side` number.
    pub side: u8,
    /// An `OrderType` number.
    pub order_type: u8,
    /// A `TimeInForce` number.
    pub time_in_force: u8,
    /// Total of the current version.
    pub quantity: Quantity,
    /// Limit price, or null.
    pub limit_price: Price,
    /// Stop price, or null.
    pub stop_price: Price,
    /// A `Status` number.
    pub status: u8,
    /// Net of busts.
    pub filled_quantity: Quantity,
    /// What can still fill.
    pub remaining_quantity: Quantity,
    /// Value of the fills that stand, in the settlement currency.
    pub filled_value: Money,
    /// When it was asked for.
    pub created_time: Time,
    /// When it closed.
    pub closed_time: Time,
    /// Why it was denied or rejected, or 0.
    pub code: u16,
    /// Whether the outcome of its submission is unknown.
    pub in_doubt: bool,
    /// End, or the null time.
    pub expire_time: Time,
    /// Never takes.
    pub post_only: bool,
    /// Never opens.
    pub reduce_only: bool,
    /// A `TrailKind` number.
    pub trail_kind: u8,
    /// How far a trailing stop stays behind, or null.
    pub trail_offset: i64,
    /// How far beyond its stop a limit stands, or null.
    pub limit_offset: Price,
    /// Ordinal of the entry it waits for, or 0.
    pub parent: OrderOrdinal,
    /// Ordinal of the order that leads its one-cancels-other group, or 0.
    pub oco: OrderOrdinal,
}

/// The order as a frozen value.
#[must_use]
pub fn facts(order: &Order) -> OrderFacts {
    OrderFacts {
        ordinal: order.ordinal,
        strategy: order.id.strategy,
        seq: order.id.seq,
        index: order.id.index,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        quantity: order.quantity,
        limit_price: order.limit_price,
        stop_price: order.stop_price,
        status: order.status().number(),
        filled_quantity: order.net_filled(),
        remaining_quantity: order.remaining_quantity(),
        filled_value: order.filled_value,
        created_time: order.created_time,
        closed_time: order.closed_time,
        code: order.code,
        in_doubt: order.in_doubt,
        expire_time: order.expire_time,
        post_only: order.post_only,
        reduce_only: order.reduce_only,
        trail_kind: order.trail_kind,
        trail_offset: order.trail_offset,
        limit_offset: order.limit_offset,
        parent: order.parent,
        oco: order.oco,
    }
}

/// Why an indicator cannot be declared.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DeclareProblem {
    /// The run has started.
    #[error("indicators are declared in on_start only")]
    Started,
    /// The kind does not take these parameters.
    #[error("{0}")]
    Parameters(String),
    /// A number stands for nothing.
    #[error("indicator {0} {1} is not declared")]
    Unknown(&'static str, u32),
    /// Too few or too many values are to be kept.
    #[error("indicator keep {0} is outside {MIN_KEEP}..{MAX_KEEP}")]
    Keep(u16),
    /// The kind reads no single number.
    #[error("{0} reads whole bars, it takes no source")]
    TakesNoSource(&'static str),
    /// The source is not the strategy's own, or not on the same stream.
    #[error("indicator source {0} is of another strategy or stream")]
    Source(u32),
}

/// What margin accounts need in base currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Margin {
    /// For the worst positions that open orders can lead to: equity above it is free for new risk.
    pub initial: Money,
    /// For the positions alone: with equity below it no new risk is taken.
    pub maintenance: Money,
}

/// Questions of one engine; answers are values.
#[derive(Debug)]
pub struct View<'a> {
    state: &'a mut State,
    wakes: &'a mut Wakes,
}

impl<'a> View<'a> {
    /// For one callback.
    pub const fn new(state: &'a mut State, wakes: &'a mut Wakes) -> Self {
        Self { state, wakes }
    }

    /// The event clock, ns.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.state.now
    }

    /// `seq_id` of the event under way.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.state.seq
    }

    /// The strategy's own position.
    #[must_use]
    pub fn position(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> Position {
        self.state.own_position(strategy, instrument)
    }

    /// The account's position, all strategies and transfers together.
    #[must_use]
    pub fn account_position(&self, instrument: InstrumentIndex) -> Position {
        self.state.position(self.state.account_of(instrument), instrument)
    }

    /// (buying, selling) that the strategy's own open orders can still fill.
    #[must_use]
    pub fn working(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> (i128, i128) {
        let held = self.state.own_position(strategy, instrument).quantity;
        self.state.own_working(strategy, instrument).sides(held)
    }

    /// Signed open quantity of the strategy's own market orders.
    #[must_use]
    pub fn market_orders(&self, strategy: StrategyIndex, instrument: InstrumentIndex) -> i128 {
        self.state.own_market_orders(strategy, instrument)
    }

    /// The last mark, None before the first.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentIndex) -> Option<Price> {
        let market = self.state.markets.get(instrument.at())?;
        market.has_mark().then_some(market.mark)
    }

    /// How many bars of a stream were taken, the one under way included; None for a stream that is not declared.
    #[must_use]
    pub fn delivered(&self, stream: u16) -> Option<u64> {
        self.state.delivered.get(usize::from(stream)).copied()
    }

    /// The last `count` bars taken of a derived stream, oldest first: at most 4,096. None for a stream that is not declared.
    #[must_use]
    pub fn recent(&self, stream: u16, count: usize) -> Option<Vec<Bar>> {
        let bars = self.state.recent.get(usize::from(stream))?;
        Some(bars.range(bars.len().saturating_sub(count)..).copied().collect())
    }

    /// Cash and positions in base currency.
    #[must_use]
    pub fn equity(&self) -> Option<Money> {
        self.state.equity(AccountIndex::NULL)
    }

    /// Cash in base currency.
    #[must_use]
    pub fn cash(&self) -> Option<Money> {
        self.state.cash(AccountIndex::NULL).ok().flatten()
    }

    /// Margin that the margin accounts need, in base currency; None while a position or order has no mark or a currency no rate.
    #[must_use]
    pub fn margin(&self) -> Option<Margin> {
        let state = &*self.state;
        let (mut initial, mut maintenance) = (Money(0), Money(0));
        for (account, declared) in state.config.accounts.iter().enumerate() {
            if declared.kind == AccountKind::Margin {
                let account = AccountIndex(account as u16);
                let needed = state.required_margin(account, NULL_INSTRUMENT, 0, 0).ok()??;
                let kept = state.maintenance_margin(account).ok()??;
                initial = money(initial.0 + needed.0).ok()?;
                maintenance = money(maintenance.0 + kept.0).ok()?;
            }
        }
        Some(Margin { initial, maintenance })
    }

    /// The strategy's open orders, oldest first.
    #[must_use]
    pub fn orders(&self, strategy: StrategyIndex) -> Vec<OrderFacts> {
        self.state.open_orders(strategy).map(facts).collect()
    }

    /// One order by its id; None once it is archived.
    #[must_use]
    pub fn order(&self, strategy: StrategyIndex, seq: u64, index: u16) -> Option<OrderFacts> {
        self.state.order_of(OrderId { strategy, seq, index }).map(facts)
    }

    /// One order by its number in messages; None once it is archived.
    #[must_use]
    pub fn order_by_ordinal(&self, ordinal: OrderOrdinal) -> Option<OrderFacts> {
        self.state.orders.get(&ordinal).map(facts)
    }

    /// The strategy's next random u64.
    pub fn draw(&mut self, strategy: StrategyIndex) -> u64 {
        let seed = self.state.config.seed;
        let owner = &mut self.state.owners[strategy.at()];
        let counter = owner.random_counter;
        owner.random_counter = counter.wrapping_add(1);
        draw(seed, strategy.0.into(), counter)
    }

    /// The strategy's next random integer in 0..bound-1; None for the bound 0.
    pub fn below(&mut self, strategy: StrategyIndex, bound: u64) -> Option<u64> {
        if bound == 0 {
            return None;
        }
        let seed = self.state.config.seed;
        let owner = &mut self.state.owners[strategy.at()];
        let (value, counter) = below(seed, strategy.0.into(), owner.random_counter, bound);
        owner.random_counter = counter;
        Some(value)
    }

    /// A fresh timer id for the strategy.
    pub fn next_timer(&mut self, strategy: StrategyIndex) -> u64 {
        let owner = &mut self.state.owners[strategy.at()];
        let fresh = owner.next_timer;
        owner.next_timer = fresh.wrapping_add(1);
        fresh
    }

    /// Put the strategy's counters where a recorded callback left them.
    pub fn restore(&mut self, strategy: StrategyIndex, random_counter: u64, next_timer: u64) {
        let owner = &mut self.state.owners[strategy.at()];
        owner.random_counter = random_counter;
        owner.next_timer = next_timer;
    }

    /// Declare an indicator on a bar stream and return its index; an error after the start or for a bad argument.
    pub fn declare(&mut self, strategy: StrategyIndex, declaration: Declaration) -> Result<u32, DeclareProblem> {
        let state = &mut *self.state;
        if state.started {
            return Err(DeclareProblem::Started);
        }
        let unknown = |what, number: u32| DeclareProblem::Unknown(what, number);
        let kind = IndicatorKind::from_u8(declaration.kind).ok_or(unknown("kind", declaration.kind.into()))?;
        let field = BarField::from_u8(declaration.bar_field).ok_or(unknown("field", declaration.bar_field.into()))?;
        let stream = usize::from(declaration.stream);
        let stream = *state.config.streams.get(stream).ok_or(unknown("stream", declaration.stream.into()))?;
        if let Some(problem) = parameter_problem(kind, &declaration.parameters) {
            return Err(DeclareProblem::Parameters(problem));
        }
        if !(MIN_KEEP..=MAX_KEEP).contains(&declaration.keep) {
            return Err(DeclareProblem::Keep(declaration.keep));
        }
        if declaration.source != NULL_SOURCE {
            source_problem(state, strategy, kind, &declaration)?;
        }
        let decimals = (state.instrument(stream.instrument).price_decimals, stream.volume_decimals);
        state.indicators.push(Indicator::new(strategy, declaration, (kind, field), stream.instrument, decimals));
        Ok(state.indicators.len() as u32 - 1)
    }

    /// Call the strategy for bars of the stream where the condition holds; an error after the start or for a bad argument.
    pub fn wake(&mut self, strategy: StrategyIndex, stream: u16, terms: &[Term]) -> Result<(), WakeProblem> {
        if self.state.started {
            return Err(WakeProblem::Started);
        }
        self.wakes.declare(self.state, strategy, stream, terms)
    }

    /// A declared indicator.
    #[must_use]
    pub fn indicator(&self, index: u32) -> Option<&Indicator> {
        self.state.indicators.get(index as usize)
    }
}

/// Why the source cannot be read: it comes earlier, is the strategy's own and on the same stream, and has the line.
fn source_problem(
    state: &State,
    strategy: StrategyIndex,
    kind: IndicatorKind,
    given: &Declaration,
) -> Result<(), DeclareProblem> {
    if kind.rule().reads_bars {
        return Err(DeclareProblem::TakesNoSource(kind.rule().name));
    }
    let Some(source) = state.indicators.get(given.source as usize) else {
        return Err(DeclareProblem::Unknown("source", given.source));
    };
    if source.strategy != strategy || source.declaration.stream != given.stream {
        return Err(DeclareProblem::Source(given.source));
    }
    if usize::from(given.line) >= source.lines().len() {
        return Err(DeclareProblem::Unknown("line", given.line.into()));
    }
    Ok(())
}
