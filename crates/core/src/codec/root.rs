//! Leaves of the state and the root over them; the digest of the simulated venue's own state.
//!
//! How each entity is written is `entity`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::entity::{encode_indicator, write_order};
use super::wire::{Canonical, pack, pack_row, table};
use super::{CONTRACT_HASH, encode_payload};
use crate::matching::{SimulatedVenue, VenueOrder};
use crate::state::State;
use crate::units::{AccountIndex, CurrencyIndex, InstrumentIndex, OrderOrdinal, StrategyIndex};

/// Leaves with this tag or a higher one follow from the events alone: their images are not in records.
pub const QUIET: u8 = 20;

/// The name of a leaf: its tag and ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LeafKey {
    /// The run itself.
    Engine,
    /// A live order.
    Order(OrderOrdinal),
    /// A position of an account.
    AccountPosition(AccountIndex, InstrumentIndex),
    /// A position of a strategy.
    StrategyPosition(StrategyIndex, InstrumentIndex),
    /// Provisional fills of an account.
    AccountUnsettled(AccountIndex, InstrumentIndex),
    /// Provisional fills of a strategy.
    StrategyUnsettled(StrategyIndex, InstrumentIndex),
    /// What an account holds in a currency.
    Ledger(AccountIndex, CurrencyIndex),
    /// Fees a strategy paid in a currency.
    StrategyFees(StrategyIndex, CurrencyIndex),
    /// What the engine keeps of a strategy.
    Strategy(StrategyIndex),
    /// A pending timer.
    Timer(StrategyIndex, u64),
    /// A booked fill.
    Fill((AccountIndex, Box<str>)),
    /// A bust before its fill.
    Parked((AccountIndex, Box<str>)),
    /// What the market last showed.
    Market(InstrumentIndex),
    /// A declared indicator.
    Indicator(u32),
    /// The UTC day and its first equity.
    Day,
    /// The watermark of an account's reports.
    Seen(AccountIndex),
    /// A report that was taken.
    Key(AccountIndex, Box<str>),
    /// A bar in the making, of a derived stream.
    Aggregate(u16),
}

impl LeafKey {
    /// The number that leads the name.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Engine => 1,
            Self::Order(..) => 2,
            Self::AccountPosition(..) => 3,
            Self::StrategyPosition(..) => 4,
            Self::AccountUnsettled(..) => 5,
            Self::StrategyUnsettled(..) => 6,
            Self::Ledger(..) => 7,
            Self::StrategyFees(..) => 8,
            Self::Strategy(..) => 9,
            Self::Timer(..) => 10,
            Self::Fill(..) => 11,
            Self::Parked(..) => 12,
            Self::Market(..) => QUIET,
            Self::Indicator(..) => 21,
            Self::Day => 22,
            Self::Seen(..) => 23,
            Self::Key(..) => 24,
            Self::Aggregate(..) => 25,
        }
    }

    /// Orders leaves as the bytes of their names do: the name's first bytes as a number, then the text that does not fit.
    #[inline]
    pub(crate) fn rank(&self) -> (u128, &str) {
        let mut name = [0; 16];
        name[0] = self.tag();
        let text = match self {
            Self::Engine | Self::Day => "",
            Self::Order(ordinal) => put(&mut name, 1, ordinal.0.to_le_bytes()),
            Self::AccountPosition(AccountIndex(owner), instrument)
            | Self::AccountUnsettled(AccountIndex(owner), instrument)
            | Self::StrategyPosition(StrategyIndex(owner), instrument)
            | Self::StrategyUnsettled(StrategyIndex(owner), instrument) => {
                put(&mut name, 1, owner.to_le_bytes());
                put(&mut name, 3, instrument.0.to_le_bytes())
            }
            Self::Ledger(AccountIndex(owner), currency) | Self::StrategyFees(StrategyIndex(owner), currency) => {
                put(&mut name, 1, owner.to_le_bytes());
                put(&mut name, 3, currency.0.to_le_bytes())
            }
            Self::Strategy(strategy) => put(&mut name, 1, strategy.0.to_le_bytes()),
            Self::Timer(strategy, timer) => {
                put(&mut name, 1, strategy.0.to_le_bytes());
                put(&mut name, 3, timer.to_le_bytes())
            }
            Self::Fill((account, key)) | Self::Parked((account, key)) | Self::Key(account, key) => {
                put(&mut name, 1, account.0.to_le_bytes());
                put(&mut name, 3, (key.len() as u32).to_le_bytes());
                key
            }
            Self::Market(InstrumentIndex(index)) | Self::Indicator(index) => put(&mut name, 1, index.to_le_bytes()),
            Self::Seen(AccountIndex(index)) | Self::Aggregate(index) => put(&mut name, 1, index.to_le_bytes()),
        };
        (u128::from_be_bytes(name), text)
    }
}

#[inline]
fn put<const SIZE: usize>(name: &mut [u8; 16], at: usize, bytes: [u8; SIZE]) -> &'static str {
    name[at..at + SIZE].copy_from_slice(&bytes);
    ""
}

/// A leaf's name.
#[must_use]
pub fn encode_key(key: &LeafKey) -> Vec<u8> {
    let mut out = Vec::new();
    write_key(key, &mut out);
    out
}

fn write_key(key: &LeafKey, to: &mut Vec<u8>) {
    to.push(key.tag());
    match key {
        LeafKey::Engine | LeafKey::Day => {}
        LeafKey::Order(ordinal) => ordinal.write(to),
        LeafKey::AccountPosition(account, instrument) | LeafKey::AccountUnsettled(account, instrument) => {
            pack!(to; account.0, instrument.0);
        }
        LeafKey::StrategyPosition(strategy, instrument) | LeafKey::StrategyUnsettled(strategy, instrument) => {
            pack!(to; strategy.0, instrument.0);
        }
        LeafKey::Ledger(account, currency) => {
            pack!(to; account.0, currency.0);
        }
        LeafKey::StrategyFees(strategy, currency) => {
            pack!(to; strategy.0, currency.0);
        }
        LeafKey::Strategy(strategy) => strategy.write(to),
        LeafKey::Timer(strategy, timer) => {
            pack!(to; strategy.0, *timer);
        }
        LeafKey::Fill((account, key)) | LeafKey::Parked((account, key)) | LeafKey::Key(account, key) => {
            account.write(to);
            key.write(to);
        }
        LeafKey::Market(instrument) => instrument.write(to),
        LeafKey::Indicator(index) => index.write(to),
        LeafKey::Seen(account) => account.write(to),
        LeafKey::Aggregate(stream) => stream.write(to),
    }
}

/// The entity's canonical bytes, or None where there is none.
#[must_use]
pub fn encode_leaf(state: &State, key: &LeafKey) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write_leaf(state, key, &mut out).map(|()| out)
}

/// Append the entity's canonical bytes; None, and nothing appended, where there is none.
fn write_leaf(state: &State, key: &LeafKey, to: &mut Vec<u8>) -> Option<()> {
    match key {
        LeafKey::Engine => engine_leaf(state, to),
        LeafKey::Order(ordinal) => write_order(state.orders.get(ordinal)?, to),
        LeafKey::AccountPosition(account, instrument) => state.accounts.get(&(*account, *instrument))?.write(to),
        LeafKey::StrategyPosition(strategy, instrument) => state.strategies.get(&(*strategy, *instrument))?.write(to),
        LeafKey::AccountUnsettled(account, instrument) => {
            state.unsettled_accounts.get(&(*account, *instrument))?.write(to);
        }
        LeafKey::StrategyUnsettled(strategy, instrument) => {
            state.unsettled_strategies.get(&(*strategy, *instrument))?.write(to);
        }
        LeafKey::Ledger(account, currency) => state.ledgers.get(&(*account, *currency))?.write(to),
        LeafKey::StrategyFees(strategy, currency) => state.strategy_fees.get(&(*strategy, *currency))?.write(to),
        LeafKey::Strategy(strategy) => state.owners.get(strategy.at())?.write(to),
        LeafKey::Timer(strategy, timer) => state.timers.deadlines.get(&(*strategy, *timer))?.write(to),
        LeafKey::Fill(name) => state.fills.get(name)?.write(to),
        LeafKey::Parked(name) => state.parked.get(name)?.write(to),
        LeafKey::Market(instrument) => state.markets.get(instrument.at())?.write(to),
        LeafKey::Indicator(index) => to.extend(encode_indicator(state.indicators.get(*index as usize)?)),
        LeafKey::Aggregate(stream) => state.aggregates.get(usize::from(*stream))?.write(to),
        LeafKey::Day => {
            pack!(to; state.day, state.day_equity);
        }
        LeafKey::Seen(account) => state.seen.get(account.at())?.watermark.write(to),
        LeafKey::Key(account, key) => {
            let seen = state.seen.get(account.at())?;
            let numbered = || key.parse().ok().and_then(|number| seen.numbered(number));
            to.extend(encode_payload(seen.contents.get(key).or_else(numbered)?));
        }
    }
    Some(())
}

fn engine_leaf(state: &State, to: &mut Vec<u8>) {
    pack_row!(to; state.started, state.ended, state.stopped, state.kill_switch, state.reduce_only, state.next_ordinal, state.archived);
    to.extend_from_slice(&state.archive_digest);
}

/// The name of every leaf of the state.
#[must_use]
pub fn all_keys(state: &State) -> Vec<LeafKey> {
    let mut keys = vec![LeafKey::Engine, LeafKey::Day];
    keys.extend(state.orders.keys().map(|ordinal| LeafKey::Order(*ordinal)));
    keys.extend(state.accounts.keys().map(|(account, instrument)| LeafKey::AccountPosition(*account, *instrument)));
    keys.extend(
        state.strategies.keys().map(|(strategy, instrument)| LeafKey::StrategyPosition(*strategy, *instrument)),
    );
    let unsettled = state.unsettled_accounts.keys();
    keys.extend(unsettled.map(|(account, instrument)| LeafKey::AccountUnsettled(*account, *instrument)));
    let unsettled = state.unsettled_strategies.keys();
    keys.extend(unsettled.map(|(strategy, instrument)| LeafKey::StrategyUnsettled(*strategy, *instrument)));
    keys.extend(state.ledgers.keys().map(|(account, currency)| LeafKey::Ledger(*account, *currency)));
    keys.extend(state.strategy_fees.keys().map(|(strategy, currency)| LeafKey::StrategyFees(*strategy, *currency)));
    keys.extend((0..state.owners.len()).map(|index| LeafKey::Strategy(StrategyIndex(index as u16))));
    keys.extend(state.timers.deadlines.keys().map(|(strategy, timer)| LeafKey::Timer(*strategy, *timer)));
    keys.extend(state.fills.keys().map(|name| LeafKey::Fill(name.clone())));
    keys.extend(state.parked.keys().map(|name| LeafKey::Parked(name.clone())));
    keys.extend((0..state.markets.len()).map(|index| LeafKey::Market(InstrumentIndex(index as u32))));
    keys.extend((0..state.indicators.len()).map(|index| LeafKey::Indicator(index as u32)));
    let derived = state.config.streams.iter().enumerate().filter(|(_, stream)| stream.is_derived());
    keys.extend(derived.map(|(index, _)| LeafKey::Aggregate(index as u16)));
    for (account, seen) in state.seen.iter().enumerate() {
        let account = AccountIndex(account as u16);
        keys.push(LeafKey::Seen(account));
        keys.extend(seen.contents.keys().map(|key| LeafKey::Key(account, key.clone())));
        keys.extend(seen.numbers().map(|number| LeafKey::Key(account, number.to_string().into())));
    }
    keys
}

/// A number modulo 2^256, lowest word first.
type Wide = [u64; 4];

/// Sum modulo 2^256 of the SHA-256 of every leaf: incremental, free of order. An equality check between honest cores; what commits
/// to history is the journal's chain.
#[derive(Clone, Debug, Default)]
pub struct StateRoot {
    total: Wide,
    leaves: BTreeMap<LeafKey, Wide>,
}

impl StateRoot {
    /// Take the leaves that may have changed anew.
    pub fn refresh(&mut self, state: &State, keys: impl IntoIterator<Item = LeafKey>) {
        for key in keys {
            if let Some(before) = self.leaves.remove(&key) {
                self.total = sum(self.total, negated(before));
            }
            if let Some(leaf) = encode_leaf(state, &key) {
                let digest = Sha256::new().chain_update(encode_key(&key)).chain_update(leaf).finalize();
                let after = words(&digest);
                self.total = sum(self.total, after);
                self.leaves.insert(key, after);
            }
        }
    }

    /// The root as 32 bytes, little-endian.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.total) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

fn words(digest: &[u8]) -> Wide {
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(digest.chunks_exact(8)) {
        *word = chunk.iter().rev().fold(0, |high, byte| high << 8 | u64::from(*byte));
    }
    words
}

fn sum(a: Wide, b: Wide) -> Wide {
    let mut carry = 0;
    std::array::from_fn(|place| {
        let wide = u128::from(a[place]) + u128::from(b[place]) + carry;
        carry = wide >> 64;
        wide as u64
    })
}

/// What added to the number gives 0.
fn negated(a: Wide) -> Wide {
    sum(a.map(|word| !word), [1, 0, 0, 0])
}

/// The root from nothing: equals the incremental one.
#[must_use]
pub fn full_root(state: &State) -> [u8; 32] {
    let mut root = StateRoot::default();
    root.refresh(state, all_keys(state));
    root.digest()
}

/// Digest of a state: contract, root, and where the run stands.
#[must_use]
pub fn state_hash(state: &State, root: &[u8; 32]) -> [u8; 32] {
    let mut place = Vec::with_capacity(16);
    pack!(&mut place; state.seq, state.now);
    Sha256::new().chain_update(contract_digest()).chain_update(root).chain_update(place).finalize().into()
}

/// The bytes of `CONTRACT_HASH`.
#[must_use]
pub fn contract_digest() -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    CONTRACT_HASH.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Everything the simulated venue holds; its digest is its own root.
#[must_use]
pub fn encode_venue(venue: &SimulatedVenue) -> Vec<u8> {
    let mut out = Vec::new();
    let (desk, books) = (&venue.desk, &venue.desk.clearing);
    let busy = || desk.lanes.iter().filter(|lane| !lane.orders.is_empty());
    let tallies = || busy().flat_map(|lane| lane.groups.parents.iter().chain(&lane.groups.legs));
    table(
        &mut out,
        busy().map(|lane| lane.orders.len()).sum(),
        busy().flat_map(|lane| &lane.orders),
        VenueOrder::write,
    );
    table(&mut out, busy().count(), busy(), |lane, to| {
        pack!(to; lane.instrument, lane.row as u64, lane.inside, lane.waking, lane.used_buying, lane.used_selling);
    });
    table(&mut out, tallies().count(), tallies(), |(order, tally), to| {
        pack!(to; *order, tally.filled, tally.ended);
    });
    table(&mut out, books.positions.len(), &books.positions, |(instrument, held), to| {
        instrument.write(to);
        held.write(to);
    });
    table(&mut out, books.ledgers.len(), &books.ledgers, |(currency, held), to| {
        currency.write(to);
        held.write(to);
    });
    table(&mut out, books.traded.len(), &books.traded, |(instrument, mark), to| {
        instrument.write(to);
        mark.write(to);
    });
    pack!(&mut out; desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws);
    pack!(&mut out; venue.schedule.next as u32);
    table(&mut out, venue.commands.len(), &venue.commands, |(time, command), to| {
        pack!(to; *time, command.order, command.kind);
    });
    out
}

/// Append the after-images of the touched leaves that are in records, in the order of their names, which they are put in; nothing
/// without any.
pub fn encode_images(out: &mut Vec<u8>, state: &State, touched: &mut [LeafKey]) {
    touched.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let (mut count, mut last) = (0_u32, None);
    for key in touched.iter().take_while(|key| key.tag() < QUIET) {
        if last == Some(key) {
            continue;
        }
        (count, last) = (count + 1, Some(key));
        write_key(key, out);
        let flag = out.len();
        out.extend_from_slice(&[1, 0, 0, 0, 0]);
        let leaf = out.len();
        if write_leaf(state, key, out).is_some() {
            let size = (out.len() - leaf) as u32;
            out[flag + 1..leaf].copy_from_slice(&size.to_le_bytes());
        } else {
            out.truncate(flag);
            out.push(0);
        }
    }
    if count == 0 {
        out.truncate(start);
    } else {
        out[start..start + 4].copy_from_slice(&count.to_le_bytes());
    }
}
