//! The run's frozen configuration: what is declared before the first event. Its canonical bytes, with the data and the seed, are the
//! run's identity; engine kind, paths and sync policy are deliberately not in it.

use crate::account::{Account, AccountKind};
use crate::capability::Venue;
use crate::instrument::{Currency, Instrument, MAX_DECIMALS, problem};
use crate::risk::RiskLimits;
use crate::units::{AccountIndex, CurrencyIndex, InstrumentIndex, Time, VenueIndex, numbered};

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
}

/// How a currency is valued in the base currency: the mark of a spot instrument whose base is `currency`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conversion {
    /// The currency to value.
    pub currency: CurrencyIndex,
    /// The instrument whose mark values it.
    pub instrument: InstrumentIndex,
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
    }
    for instrument in &config.instruments {
        if let Some(reason) = instrument_problem(config, instrument) {
            return Some(format!("instrument {}: {reason}", instrument.name));
        }
    }
    for stream in &config.streams {
        if stream.volume_decimals > MAX_DECIMALS {
            let decimals = stream.volume_decimals;
            return Some(format!("a stream has volume_decimals {decimals}, outside 0..{MAX_DECIMALS}"));
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
        })
    };
    base().or_else(accounts).or_else(traded).or_else(streams).or_else(conversions)
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
