//! The parts of the state in a checkpoint. What follows from them is built again: names of orders, what they expose, closed bars.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::tables::{mapping, read_mapping, rising};
use crate::codec::{
    Canonical, CodecError, Reader, encode_order, pack, read_number, read_order, read_part, read_real, read_table, table,
};
use crate::config::Config;
use crate::event::Bar;
use crate::group::{Group, IDLE};
use crate::indicator::{Indicator, MAX_LINES, NAN, Number, real};
use crate::order::{Life, Order};
use crate::state::{RECENT_BARS, Seen, State};
use crate::units::{CurrencyIndex, InstrumentIndex, OrderOrdinal, StrategyIndex, Time};
use crate::view::View;
use crate::wake::Wakes;

// Orders

/// Orders, when closed ones may be forgotten, groups, and the keys of orders' reports.
pub fn save_orders(state: &State, to: &mut Vec<u8>) {
    table(to, state.orders.len(), state.orders.values(), |order, to| {
        to.extend(encode_order(order));
        order.flagged.write(to);
    });
    let mut retiring: Vec<_> = state.retiring.iter().map(|Reverse(one)| *one).collect();
    retiring.sort_unstable();
    retiring.write(to);
    table(to, state.groups.len(), &state.groups, |(root, group), to| {
        root.write(to);
        group.members.write(to);
    });
    mapping(to, &state.keys);
}

/// The next of those.
pub fn read_orders(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    let mut last = OrderOrdinal(0);
    for _ in 0..reader.field::<u32>()? {
        let mut order = read_order(reader)?;
        order.flagged = reader.field()?;
        let ordinal = order.ordinal;
        if ordinal <= last || ordinal >= state.next_ordinal || state.by_id.insert(order.id, ordinal).is_some() {
            return Err(reader.unfit(format_args!("the order {} is not a new one in its place", ordinal.0)));
        }
        if !is_sound(&state.config, &order) {
            return Err(reader.unfit(format_args!("the order {} is none that can be", ordinal.0)));
        }
        last = ordinal;
        state.orders.insert(ordinal, order);
    }
    state.retiring = rising::<(Time, OrderOrdinal)>(reader)?.into_iter().map(Reverse).collect();
    for (root, members) in read_mapping::<OrderOrdinal, Vec<OrderOrdinal>>(reader)? {
        let rise = members.windows(2).all(|pair| pair[0] < pair[1]);
        if members.first() != Some(&root) || !rise || !members.iter().all(|one| state.orders.contains_key(one)) {
            return Err(reader.unfit(format_args!("the members of the group {} are not live orders", root.0)));
        }
        state.groups.insert(root, Group { members, exposed: IDLE });
    }
    state.keys = read_mapping(reader)?;
    Ok(())
}

/// Whether the order names what there is, and its quantities are such that sums of them fit.
fn is_sound(config: &Config, order: &Order) -> bool {
    let busted = order.busted_quantity.0;
    if order.id.strategy.at() >= config.strategies.len() || busted < 0 || busted > order.filled_quantity.0 {
        return false;
    }
    if order.open_quantity.0 < 0 {
        return false;
    }
    if order.life.is_closed() || order.life == Life::Created {
        return true;
    }
    let placed = order.instrument.at() < config.instruments.len() && order.venue.at() < config.venues.len();
    placed && order.account.at() < config.accounts.len() && order.replace_quantity.0 >= 0
}

/// What open orders expose, one by one and as groups; an error where it is not what orders can expose.
pub fn expose(reader: &Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    for (root, group) in &state.groups {
        let members = || group.members.iter().map(|one| &state.orders[one]);
        if members().any(|one| one.venue.at() >= state.config.venues.len()) {
            return Err(reader.unfit(format_args!("the group {} trades at no venue", root.0)));
        }
        if members().any(|one| one.parent.0 != 0 && !group.members.contains(&one.parent)) {
            return Err(reader.unfit(format_args!("the group {} lacks a parent", root.0)));
        }
    }
    let too_large = |_| reader.unfit("what the orders of the checkpoint reserve does not fit");
    let mut open = vec![0_u32; state.owners.len()];
    let mut exposed = Vec::new();
    for order in state.orders.values() {
        open[order.id.strategy.at()] += u32::from(order.life.is_open());
        let unit = state.group_of(order);
        if unit.is_none_or(|unit| unit.members[0] == order.ordinal) {
            let root = unit.map(|unit| unit.members[0]);
            exposed.push((root, (order.account, order.instrument), state.exposure(order).map_err(too_large)?));
        }
    }
    for (root, place, own) in exposed {
        if let Some(group) = root.and_then(|root| state.groups.get_mut(&root)) {
            group.exposed = own;
        }
        if own != IDLE {
            let held = state.working.entry(place).or_default();
            if held.reserved.0.checked_add(own.reserved.0).is_none() {
                return Err(reader.unfit("what the orders of the checkpoint reserve does not fit"));
            }
            *held = held.plus(own);
        }
    }
    match state.owners.iter().zip(open).position(|(owner, open)| owner.open_orders != open) {
        None => Ok(()),
        Some(strategy) => {
            Err(reader.unfit(format_args!("strategy {strategy} has other open orders than the checkpoint counts")))
        }
    }
}

// Positions, cash and reports

/// What accounts and strategies hold, the fills that are kept, and busts before their fill.
pub fn save_money(state: &State, to: &mut Vec<u8>) {
    mapping(to, &state.accounts);
    mapping(to, &state.strategies);
    mapping(to, &state.unsettled_accounts);
    mapping(to, &state.unsettled_strategies);
    mapping(to, &state.ledgers);
    mapping(to, &state.strategy_fees);
    mapping(to, &state.fills);
    mapping(to, &state.parked);
}

/// The next of those.
pub fn read_money(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    fn instruments<K, V>(held: &BTreeMap<(K, InstrumentIndex), V>) -> impl Iterator<Item = InstrumentIndex> {
        held.keys().map(|(_, instrument)| *instrument)
    }
    fn currencies<K, V>(held: &BTreeMap<(K, CurrencyIndex), V>) -> impl Iterator<Item = CurrencyIndex> {
        held.keys().map(|(_, currency)| *currency)
    }
    state.accounts = read_mapping(reader)?;
    state.strategies = read_mapping(reader)?;
    state.unsettled_accounts = read_mapping(reader)?;
    state.unsettled_strategies = read_mapping(reader)?;
    state.ledgers = read_mapping(reader)?;
    state.strategy_fees = read_mapping(reader)?;
    let traded = instruments(&state.accounts).chain(instruments(&state.strategies));
    let mut held = traded.chain(instruments(&state.unsettled_accounts)).chain(instruments(&state.unsettled_strategies));
    let mut owned = currencies(&state.ledgers).chain(currencies(&state.strategy_fees));
    let config = &state.config;
    if held.any(|one| one.at() >= config.instruments.len()) || owned.any(|one| one.at() >= config.currencies.len()) {
        return Err(reader.unfit("what is held is not declared"));
    }
    state.fills = read_mapping(reader)?;
    state.parked = read_mapping(reader)?;
    Ok(())
}

/// Per account: the watermark, and what was said under each key that is kept.
pub fn save_reports(state: &State, to: &mut Vec<u8>) {
    for seen in &state.seen {
        seen.watermark.write(to);
        let kept = seen.kept();
        table(to, kept.len(), kept, |(key, content), to| {
            key.write(to);
            content.write(to);
        });
    }
}

/// The next of those.
pub fn read_reports(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    for (account, declared) in state.config.accounts.iter().enumerate() {
        let (watermark, kept) = (reader.field()?, read_mapping(reader)?);
        let is_dense = state.config.venues[declared.venue.at()].capabilities.dense_keys;
        let seen = Seen::of_kept(watermark, kept, is_dense);
        state.seen[account] = seen.ok_or_else(|| {
            reader.unfit(format_args!("the reports of account {account} are not those up to {watermark}"))
        })?;
    }
    Ok(())
}

// Strategies and markets

/// What is kept of strategies, their timers, and what markets last showed.
pub fn save_strategies(state: &State, to: &mut Vec<u8>) {
    state.owners.iter().for_each(|owner| owner.write(to));
    let timers = &state.timers;
    table(to, timers.deadlines.len(), &timers.deadlines, |(name, deadline), to| {
        pack!(to; *name, *deadline, timers.causes[name]);
    });
    state.markets.iter().for_each(|market| market.write(to));
}

/// The next of those.
pub fn read_strategies(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    for owner in &mut state.owners {
        *owner = reader.field()?;
    }
    type Timer = (Time, (Time, u32));
    for ((strategy, timer), (deadline, cause)) in read_mapping::<(StrategyIndex, u64), Timer>(reader)? {
        if strategy.at() >= state.owners.len() {
            let number = strategy.0;
            return Err(reader.unfit(format_args!("timer {timer} is of strategy {number}, which is not declared")));
        }
        state.timers.set(strategy, timer, deadline, cause);
    }
    for market in &mut state.markets {
        *market = reader.field()?;
    }
    Ok(())
}

// Bars and indicators

/// Bars taken of each stream; of those that the core makes what is under way, and the last ones.
pub fn save_bars(state: &State, to: &mut Vec<u8>) {
    for (stream, declared) in state.config.streams.iter().enumerate() {
        state.delivered[stream].write(to);
        if declared.is_derived() {
            state.aggregates[stream].write(to);
            state.recent[stream].write(to);
        }
    }
}

/// The next of those.
pub fn read_bars(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    for (stream, declared) in state.config.streams.iter().enumerate() {
        state.delivered[stream] = reader.field()?;
        if !declared.is_derived() {
            continue;
        }
        let aggregate = &mut state.aggregates[stream];
        *aggregate = reader.field()?;
        state.closed_bars += aggregate.closed.len();
        let recent: VecDeque<Bar> = reader.field()?;
        if recent.len() > RECENT_BARS {
            let count = recent.len();
            return Err(
                reader.unfit(format_args!("stream {stream} has {count} recent bars, at most {RECENT_BARS} are kept"))
            );
        }
        if let Some(other) = aggregate.closed.iter().chain(&recent).find(|bar| usize::from(bar.stream) != stream) {
            return Err(reader.unfit(format_args!("a bar is of stream {}, not of {stream}", other.stream)));
        }
        state.recent[stream] = recent;
    }
    Ok(())
}

/// Each is declared again, which checks it, and takes back what it held.
pub fn read_indicators(reader: &mut Reader<'_>, state: &mut State) -> Result<(), CodecError> {
    let mut wakes = Wakes::default();
    for index in 0..reader.field::<u32>()? {
        let strategy: StrategyIndex = reader.field()?;
        if strategy.at() >= state.owners.len() {
            return Err(reader.unfit(format_args!("an indicator is of strategy {}, which is not declared", strategy.0)));
        }
        let declared = View::new(state, &mut wakes).declare(strategy, reader.field()?);
        declared.map_err(|problem| reader.unfit(format_args!("indicator {index}: {problem}")))?;
        let fits = match state.indicators.last_mut() {
            Some(indicator) => read_indicator(reader, indicator)?,
            None => None,
        };
        fits.ok_or_else(|| reader.unfit(format_args!("indicator {index} does not hold what one of its kind does")))?;
    }
    Ok(())
}

/// None where what is read is not of its kind.
fn read_indicator(reader: &mut Reader<'_>, indicator: &mut Indicator) -> Result<Option<()>, CodecError> {
    let place: (InstrumentIndex, (u8, u8)) = reader.field()?;
    if place != (indicator.instrument, (indicator.price_decimals, indicator.volume_decimals)) {
        return Ok(None);
    }
    let before: Vec<Option<Number>> = read_table(reader, read_number)?;
    let lines = indicator.lines().len();
    let older = read_table(reader, |row| {
        let mut values = [NAN; MAX_LINES];
        for value in &mut values[..lines] {
            *value = real(read_real(row)?);
        }
        Ok(values)
    })?;
    let parts = read_table(reader, read_part)?;
    Ok(indicator.restore(&before, older.into(), &parts))
}
