//! The run's frozen configuration: what is declared before the first event. Its canonical bytes, with the data and the seed, are the
//! run's identity; engine kind, paths and sync policy are deliberately not in it.

use crate::account::{Account, AccountKind};
use crate::capability::{Venue, venue_problem};
use crate::instrument::{Currency, Instrument, MAX_DECIMALS, problem};
use crate::risk::RiskLimits;
use crate::units::{
    AccountIndex, CurrencyIndex, I64_MAX, InstrumentIndex, NULL_INSTRUMENT, Rate, Time, VenueIndex, numbered,
};

/// Largest size of a value bar: with one more item, of two i64, its sum fits i128.
pub const MAX_BAR_VALUE: i128 = 1 << 124;
/// The source of a stream whose rows come from outside.
pub const NULL_STREAM: u16 = u16::MAX;
/// At this depth of callbacks that cause each other at one instant, intents are refused.
pub const LOOP_DEPTH: u32 = 64;

/// What a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum DataKind {
    /// Bars.
    Bar = 0,
    /// Public trades.
    Trade = 1,
    /// Best bids and asks.
    Quote = 2,
}
numbered!(DataKind { Bar, Trade, Quote });

/// When a bar that the core makes is complete.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum BarRule {
    /// When its span is over.
    Time = 0,
    /// When it has so many source items.
    Tick = 1,
    /// When so much was traded.
    Volume = 2,
    /// When so much was paid.
    Value = 3,
}
numbered!(BarRule { Time, Tick, Volume, Value });

/// What a strategy's exception halts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OnError {
    /// The strategy.
    HaltStrategy = 0,
    /// The engine.
    HaltEngine = 1,
}
numbered!(OnError { HaltStrategy, HaltEngine });

/// A declared market data stream of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    /// Of what.
    pub instrument: InstrumentIndex,
    /// What it carries.
    pub kind: DataKind,
    /// Whether it drives matching and marks; one per instrument does, the others are only delivered.
    pub matching: bool,
    /// Decimals of its volumes.
    pub volume_decimals: u8,
    /// From the venue to the engine; ns.
    pub feed_latency: Time,
    /// The stream that the core makes its bars of, a derived stream; null where rows come from outside.
    pub source: u16,
    /// When its bars are complete.
    pub rule: BarRule,
    /// Of a derived stream's bars: ns, source items, volume mantissa, or price mantissa x volume mantissa.
    pub size: i128,
    /// Start of the time bars' grid after the epoch; 0 <= offset < size.
    pub offset: Time,
}

impl Stream {
    /// A stream whose rows come from outside, without latency.
    #[must_use]
    pub const fn outside(instrument: InstrumentIndex, kind: DataKind, matching: bool, volume_decimals: u8) -> Self {
        Self {
            instrument,
            kind,
            matching,
            volume_decimals,
            feed_latency: Time(0),
            source: NULL_STREAM,
            rule: BarRule::Time,
            size: 0,
            offset: Time(0),
        }
    }

    /// Whether the core makes its bars.
    #[must_use]
    pub const fn is_derived(&self) -> bool {
        self.source != NULL_STREAM
    }
}

/// How a currency is valued in the base currency: by the last mark of a spot instrument of the two, whichever way round it is quoted
/// (EUR/USD multiplies, USD/JPY divides), or by a constant rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conversion {
    /// The currency to value.
    pub currency: CurrencyIndex,
    /// The instrument whose mark values it; null where the rate is constant.
    pub instrument: InstrumentIndex,
    /// Base currency for one of `currency`; 0 where an instrument gives it.
    pub rate: Rate,
}

/// A strategy as the core knows it; parameters are its canonical JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StrategyConfig {
    /// As it is shown.
    pub name: String,
    /// Canonical JSON; `{}` where there are none.
    pub parameters: String,
    /// What it may risk.
    pub limits: RiskLimits,
}

/// Everything declared. Indexes elsewhere are positions in these lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Units of account.
    pub currencies: Vec<Currency>,
    /// Where orders go.
    pub venues: Vec<Venue>,
    /// One for each venue.
    pub accounts: Vec<Account>,
    /// What is traded.
    pub instruments: Vec<Instrument>,
    /// What is delivered.
    pub streams: Vec<Stream>,
    /// Who is called, in this order.
    pub strategies: Vec<StrategyConfig>,
    /// What totals and limits are in.
    pub base_currency: CurrencyIndex,
    /// How other currencies are valued in it.
    pub conversions: Vec<Conversion>,
    /// Rank of broker_report, timer, control and market_data at one instant.
    pub priorities: [u8; 4],
    /// What a strategy's exception halts.
    pub on_error: OnError,
    /// Full invariant check every so many events; 0 only at the end.
    pub recheck_every: u32,
    /// Key of all randomness.
    pub seed: u64,
}

/// Index of the venue's account; none where it has none.
#[must_use]
pub fn account_of(config: &Config, venue: VenueIndex) -> Option<AccountIndex> {
    config.accounts.iter().position(|account| account.venue == venue).map(|index| AccountIndex(index as u16))
}

/// Why the configuration is invalid, or none.
#[must_use]
pub fn config_problem(config: &Config) -> Option<String> {
    for currency in &config.currencies {
        if currency.scale > MAX_DECIMALS {
            let Currency { name, scale } = currency;
            return Some(format!("currency {name}: scale {scale} is outside 0..{MAX_DECIMALS}"));
        }
    }
    if let Some(undeclared) = undeclared(config) {
        return Some(undeclared);
    }
    for (index, venue) in config.venues.iter().enumerate() {
        let accounts = config.accounts.iter().filter(|account| account.venue.at() == index).count();
        if accounts != 1 {
            return Some(format!("venue {} has {accounts} accounts, it needs one", venue.name));
        }
        if let Some(reason) = venue_problem(venue) {
            return Some(format!("venue {}: {reason}", venue.name));
        }
    }
    for instrument in &config.instruments {
        if let Some(reason) = instrument_problem(config, instrument) {
            return Some(format!("instrument {}: {reason}", instrument.name));
        }
    }
    for (index, stream) in config.streams.iter().enumerate() {
        if let Some(reason) = stream_problem(config, index, stream) {
            return Some(format!("stream {index}: {reason}"));
        }
    }
    let mut ticks: Vec<_> = config.streams.iter().filter(|stream| stream.kind != DataKind::Bar).collect();
    ticks.sort_unstable_by_key(|stream| (stream.instrument, stream.kind));
    if ticks.windows(2).any(|pair| pair[0].instrument == pair[1].instrument && pair[0].kind == pair[1].kind) {
        return Some("an instrument has two streams of trades, or two of quotes".into());
    }
    for conversion in &config.conversions {
        if let Some(reason) = conversion_problem(config, conversion) {
            let name = &config.currencies[conversion.currency.at()].name;
            return Some(format!("the conversion of {name}: {reason}"));
        }
    }
    let mut driven: Vec<_> =
        config.streams.iter().filter(|stream| stream.matching).map(|stream| stream.instrument).collect();
    driven.sort_unstable();
    if driven.windows(2).any(|pair| pair[0] == pair[1]) {
        return Some("an instrument has two streams that drive matching".into());
    }
    None
}

/// Which index names nothing, or none.
fn undeclared(config: &Config) -> Option<String> {
    let (currencies, venues) = (config.currencies.len(), config.venues.len());
    let instruments = config.instruments.len();
    let missing =
        |name: &str, index: usize, count: usize| (index >= count).then(|| format!("{name} {index} is not declared"));
    let base = || missing("base_currency", config.base_currency.at(), currencies);
    let accounts = || {
        config.accounts.iter().find_map(|account| {
            let name = format!("account {}: deposit currency", account.name);
            missing(&format!("account {}: venue", account.name), account.venue.at(), venues)
                .or_else(|| account.deposits.iter().find_map(|one| missing(&name, one.currency.at(), currencies)))
        })
    };
    let traded = || {
        config.instruments.iter().find_map(|one| {
            let name = |part: &str| format!("instrument {}: {part}", one.name);
            missing(&name("venue"), one.venue.at(), venues)
                .or_else(|| missing(&name("base_currency"), one.base_currency.at(), currencies))
                .or_else(|| missing(&name("settlement_currency"), one.settlement_currency.at(), currencies))
        })
    };
    let streams = || {
        config.streams.iter().find_map(|stream| missing("a stream: instrument", stream.instrument.at(), instruments))
    };
    let conversions = || {
        config.conversions.iter().find_map(|conversion| {
            missing("a conversion: currency", conversion.currency.at(), currencies)
                .or_else(|| missing("a conversion: instrument", conversion.instrument.at(), instruments))
                .filter(|_| conversion.instrument != NULL_INSTRUMENT || conversion.currency.at() >= currencies)
        })
    };
    base().or_else(accounts).or_else(traded).or_else(streams).or_else(conversions)
}

fn conversion_problem(config: &Config, conversion: &Conversion) -> Option<String> {
    let rate = conversion.rate.0;
    if conversion.instrument == NULL_INSTRUMENT {
        return (rate <= 0).then(|| format!("the constant rate {rate} is not above 0"));
    }
    if rate != 0 {
        return Some(format!("it has an instrument and the constant rate {rate}, it takes one of them"));
    }
    let one = &config.instruments[conversion.instrument.at()];
    let (base, settlement) = (one.base_currency, one.settlement_currency);
    let pair = [(base, settlement), (settlement, base)].contains(&(conversion.currency, config.base_currency));
    (!one.is_spot() || !pair).then(|| format!("{} is no spot instrument of it and the base currency", one.name))
}

fn instrument_problem(config: &Config, instrument: &Instrument) -> Option<String> {
    if let Some(reason) = problem(instrument) {
        return Some(reason);
    }
    if config.currencies[instrument.settlement_currency.at()].scale != instrument.settlement_scale {
        return Some("settlement_scale is not the scale of its settlement currency".into());
    }
    let Some(account) = account_of(config, instrument.venue) else {
        return Some(format!("venue {} has no account", instrument.venue.0));
    };
    if config.accounts[account.at()].kind == AccountKind::Cash && !instrument.is_spot() {
        return Some("a cash account trades spot only".into());
    }
    None
}

fn stream_problem(config: &Config, index: usize, stream: &Stream) -> Option<String> {
    let Stream { volume_decimals, source, rule, size, offset, .. } = *stream;
    if volume_decimals > MAX_DECIMALS {
        return Some(format!("volume_decimals {volume_decimals} is outside 0..{MAX_DECIMALS}"));
    }
    if !stream.is_derived() {
        let plain = rule == BarRule::Time && size == 0 && offset.0 == 0;
        return (!plain).then(|| "its rows come from outside, so that it has no rule, size or offset".into());
    }
    if usize::from(source) >= index {
        return Some(format!("its source, stream {source}, is not declared before it"));
    }
    let from = &config.streams[usize::from(source)];
    if from.instrument != stream.instrument {
        return Some(format!("its source, stream {source}, is of another instrument"));
    }
    if stream.kind != DataKind::Bar || stream.matching || stream.feed_latency.0 != 0 {
        return Some("a derived stream carries bars, drives no matching and has its source's latency".into());
    }
    if from.kind == DataKind::Quote && matches!(rule, BarRule::Volume | BarRule::Value) {
        return Some("quotes have no volume to make bars by".into());
    }
    let quantities = config.instruments[from.instrument.at()].quantity_decimals;
    let decimals = if from.kind == DataKind::Bar { from.volume_decimals } else { quantities };
    if volume_decimals != decimals {
        return Some(format!("volume_decimals {volume_decimals} are not the {decimals} of its source"));
    }
    let most = if rule == BarRule::Value { MAX_BAR_VALUE } else { I64_MAX.into() };
    if !(1..=most).contains(&size) {
        return Some(format!("size {size} is outside 1..{most}"));
    }
    let within = if rule == BarRule::Time { size } else { 1 };
    (!(0..within).contains(&offset.0.into())).then(|| format!("offset {} is outside 0..{}", offset.0, within - 1))
}
