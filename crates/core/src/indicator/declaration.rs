//! What may be declared: the kinds, their parameters and output lines, and which number of a bar they read (contract/indicators.toml).
//!
//! How a kind is computed is not here.

use crate::units::{NULL_INSTRUMENT, numbered};

/// Longest period of an indicator.
pub const MAX_PERIOD: i64 = 100_000;
/// The value now and the one a bar ago.
pub const MIN_KEEP: u16 = 2;
/// The most values that are kept.
pub const MAX_KEEP: u16 = 10_000;
/// Parameters of a declaration; those that a kind does not have are 0.
pub const PARAMETERS: usize = 4;
/// The source of an indicator that reads bars.
pub const NULL_SOURCE: u32 = NULL_INSTRUMENT.0;
/// A day.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// A multiplier is a rate at 1e-9; this is 1000.
pub const MAX_MULTIPLIER: i64 = 1_000_000_000_000;

/// The indicators.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum IndicatorKind {
    /// Simple moving average.
    Sma = 0,
    /// Exponential moving average.
    Ema = 1,
    /// Weighted moving average.
    Wma = 2,
    /// Relative strength index.
    Rsi = 3,
    /// Average true range.
    Atr = 4,
    /// Moving average convergence and divergence.
    Macd = 5,
    /// Bollinger bands.
    Bollinger = 6,
    /// Stochastic oscillator.
    Stochastic = 7,
    /// Donchian channel.
    Donchian = 8,
    /// Standard deviation.
    Stddev = 9,
    /// Volume-weighted average price of a window.
    Vwap = 10,
    /// Volume-weighted average price since an anchor.
    AnchoredVwap = 11,
    /// Average directional index.
    Adx = 12,
    /// Highest value.
    Highest = 13,
    /// Lowest value.
    Lowest = 14,
    /// Rate of change.
    Roc = 15,
    /// Commodity channel index.
    Cci = 16,
    /// On-balance volume.
    Obv = 17,
    /// Keltner channel.
    Keltner = 18,
    /// `SuperTrend`.
    Supertrend = 19,
    /// Parabolic stop and reverse.
    Sar = 20,
    /// Linear regression.
    LinearRegression = 21,
}
numbered!(IndicatorKind {
    Sma,
    Ema,
    Wma,
    Rsi,
    Atr,
    Macd,
    Bollinger,
    Stochastic,
    Donchian,
    Stddev,
    Vwap,
    AnchoredVwap,
    Adx,
    Highest,
    Lowest,
    Roc,
    Cci,
    Obv,
    Keltner,
    Supertrend,
    Sar,
    LinearRegression,
});

/// Which number of a bar is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum BarField {
    /// First price.
    Open = 0,
    /// Highest price.
    High = 1,
    /// Lowest price.
    Low = 2,
    /// Last price.
    Close = 3,
    /// Volume.
    Volume = 4,
    /// Mean of high and low.
    Hl2 = 5,
    /// Mean of high, low and close.
    Hlc3 = 6,
    /// Mean of the four prices.
    Ohlc4 = 7,
    /// Mean of high, low and twice the close.
    Hlcc4 = 8,
}
numbered!(BarField { Open, High, Low, Close, Volume, Hl2, Hlc3, Ohlc4, Hlcc4 });

/// A whole number that a kind takes, and its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name in declarations and messages.
    pub name: &'static str,
    /// Smallest.
    pub low: i64,
    /// Largest.
    pub high: i64,
}

/// What a kind takes and gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KindRule {
    /// Its name in the contract.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// Its output lines; the first is its value.
    pub lines: &'static [&'static str],
    /// Whether it reads whole bars; else one number of each, or a line of another indicator.
    pub reads_bars: bool,
}

/// An indicator declared in on_start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// An `IndicatorKind` number.
    pub kind: u8,
    /// 0 where the kind has none: periods in bars, multipliers as rates at 1e-9, spans in ns.
    pub parameters: [i64; PARAMETERS],
    /// On which stream.
    pub stream: u16,
    /// A `BarField` number.
    pub bar_field: u8,
    /// Index of the indicator whose line is read, or null for the bars themselves.
    pub source: u32,
    /// Which line of the source.
    pub line: u8,
    /// How many values are kept, the one now included.
    pub keep: u16,
}

const fn period(name: &'static str, low: i64) -> Parameter {
    Parameter { name, low, high: MAX_PERIOD }
}

const fn multiplier(name: &'static str) -> Parameter {
    Parameter { name, low: 0, high: MAX_MULTIPLIER }
}

const fn span(name: &'static str, low: i64) -> Parameter {
    Parameter { name, low, high: 366 * DAY_NS }
}

const fn rule(
    name: &'static str,
    parameters: &'static [Parameter],
    lines: &'static [&'static str],
    reads_bars: bool,
) -> KindRule {
    KindRule { name, parameters, lines, reads_bars }
}

const PERIOD: Parameter = period("period", 1);
const VALUE: &[&str] = &["value"];
const BAND: &[&str] = &["middle", "upper", "lower"];
const FOLLOWED: &[&str] = &["value", "direction"];

/// The rule of every kind, by its number.
pub const RULES: [KindRule; IndicatorKind::ALL.len()] = [
    rule("SMA", &[PERIOD], VALUE, false),
    rule("EMA", &[PERIOD], VALUE, false),
    rule("WMA", &[PERIOD], VALUE, false),
    rule("RSI", &[PERIOD], VALUE, false),
    rule("ATR", &[PERIOD], VALUE, true),
    rule("MACD", &[period("fast", 1), period("slow", 2), period("signal", 1)], &["line", "signal", "histogram"], false),
    rule("BOLLINGER", &[PERIOD, multiplier("deviations")], BAND, false),
    rule("STOCHASTIC", &[PERIOD, period("smooth_k", 1), period("smooth_d", 1)], &["k", "d"], true),
    rule("DONCHIAN", &[PERIOD], BAND, true),
    rule("STDDEV", &[PERIOD], VALUE, false),
    rule("VWAP", &[PERIOD], VALUE, true),
    rule("ANCHORED_VWAP", &[span("every", 0), span("offset", -366 * DAY_NS)], VALUE, true),
    rule("ADX", &[PERIOD], &["adx", "plus_di", "minus_di"], true),
    rule("HIGHEST", &[PERIOD], VALUE, false),
    rule("LOWEST", &[PERIOD], VALUE, false),
    rule("ROC", &[PERIOD], VALUE, false),
    rule("CCI", &[PERIOD], VALUE, false),
    rule("OBV", &[], VALUE, true),
    rule("KELTNER", &[PERIOD, period("atr_period", 1), multiplier("multiplier")], BAND, true),
    rule("SUPERTREND", &[PERIOD, multiplier("multiplier")], FOLLOWED, true),
    rule("SAR", &[multiplier("step"), multiplier("maximum")], FOLLOWED, true),
    rule("LINEAR_REGRESSION", &[period("period", 2)], &["value", "slope"], false),
];

impl IndicatorKind {
    /// What it takes and gives.
    #[must_use]
    pub const fn rule(self) -> &'static KindRule {
        &RULES[self as usize]
    }
}

/// Why the kind does not take these numbers, None when it does.
#[must_use]
pub fn parameter_problem(kind: IndicatorKind, parameters: &[i64; PARAMETERS]) -> Option<String> {
    let rule = kind.rule();
    for (place, value) in parameters.iter().enumerate() {
        let (name, low, high) = match rule.parameters.get(place) {
            Some(one) => (one.name.to_owned(), one.low, one.high),
            None => (format!("parameter {place}"), 0, 0),
        };
        if !(low..=high).contains(value) {
            return Some(format!("{} {name} {value} is outside {low}..{high}", rule.name));
        }
    }
    let [fast, slow, ..] = parameters;
    (kind == IndicatorKind::Macd && fast >= slow).then(|| format!("MACD fast {fast} is not below slow {slow}"))
}
