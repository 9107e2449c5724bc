"""The run's frozen configuration: what is declared before the first event. Its canonical bytes, with the data and the seed, are the
run's identity; engine kind, paths and sync policy are deliberately not in it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.account import Account, AccountKind
from cracktrader.core.capability import Venue, venue_problem
from cracktrader.core.instrument import MAX_DECIMALS, Currency, Instrument, problem
from cracktrader.core.risk import RiskLimits
from cracktrader.core.units import I64_MAX, NULL_INDEX, NULL_INSTRUMENT, Rate, Time

MAX_BAR_VALUE = 2**124
"""Largest size of a value bar: with one more item, of two i64, its sum fits i128."""
LOOP_DEPTH = 64
"""At this depth of callbacks that cause each other at one instant, intents are refused."""


class DataKind(IntEnum):
    """What a stream carries."""

    BAR = 0
    TRADE = 1
    QUOTE = 2


class BarRule(IntEnum):
    """When a bar that the core makes is complete."""

    TIME = 0
    TICK = 1
    VOLUME = 2
    VALUE = 3


class OnError(IntEnum):
    """What a strategy's exception halts."""

    HALT_STRATEGY = 0
    HALT_ENGINE = 1


@dataclass(frozen=True, slots=True)
class Stream:
    """A declared market data stream of one instrument."""

    instrument: int
    kind: DataKind
    matching: bool
    """Whether it drives matching and marks; one per instrument does, the others are only delivered."""
    volume_decimals: int
    feed_latency: Time = 0
    source: int = NULL_INDEX
    """The stream that the core makes its bars of, a derived stream; null where rows come from outside."""
    rule: BarRule = BarRule.TIME
    size: int = 0
    """Of a derived stream's bars: ns, source items, volume mantissa, or price mantissa x volume mantissa."""
    offset: Time = 0
    """Start of the time bars' grid after the epoch; 0 <= offset < size."""

    @property
    def is_derived(self) -> bool:
        """Whether the core makes its bars."""
        return self.source != NULL_INDEX


class Conversion(NamedTuple):
    """How a currency is valued in the base currency: by the last mark of a spot instrument of the two, whichever way round it is quoted
    (EUR/USD multiplies, USD/JPY divides), or by a constant rate."""

    currency: int
    instrument: int
    """Null where the rate is constant."""
    rate: Rate = 0
    """Base currency for one of `currency`; 0 where an instrument gives it."""


@dataclass(frozen=True, slots=True)
class StrategyConfig:
    """A strategy as the core knows it; parameters are its canonical JSON."""

    name: str
    parameters: str = "{}"
    limits: RiskLimits = RiskLimits()


@dataclass(frozen=True, slots=True)
class Config:
    """Everything declared. Indexes elsewhere are positions in these tuples."""

    currencies: tuple[Currency, ...]
    venues: tuple[Venue, ...]
    accounts: tuple[Account, ...]
    instruments: tuple[Instrument, ...]
    streams: tuple[Stream, ...]
    strategies: tuple[StrategyConfig, ...]
    base_currency: int = 0
    conversions: tuple[Conversion, ...] = ()
    priorities: tuple[int, int, int, int] = (0, 1, 2, 3)
    """Rank of broker_report, timer, control and market_data at one instant."""
    on_error: OnError = OnError.HALT_STRATEGY
    recheck_every: int = 0
    """Full invariant check every so many events; 0 only at the end."""
    seed: int = 0


def account_of(config: Config, venue: int) -> int:
    """Index of the venue's account."""
    for index, account in enumerate(config.accounts):
        if account.venue == venue:
            return index
    raise LookupError(f"venue {venue} has no account")


def config_problem(config: Config) -> str:
    """Why the configuration is invalid, or ''."""
    for currency in config.currencies:
        if not 0 <= currency.scale <= MAX_DECIMALS:
            return f"currency {currency.name}: scale {currency.scale} is outside 0..{MAX_DECIMALS}"
    undeclared = _undeclared(config)
    if undeclared:
        return undeclared
    for index, venue in enumerate(config.venues):
        accounts = [account for account in config.accounts if account.venue == index]
        if len(accounts) != 1:
            return f"venue {venue.name} has {len(accounts)} accounts, it needs one"
        reason = venue_problem(venue)
        if reason:
            return f"venue {venue.name}: {reason}"
    for instrument in config.instruments:
        reason = _instrument_problem(config, instrument)
        if reason:
            return f"instrument {instrument.name}: {reason}"
    for index in range(len(config.streams)):
        reason = _stream_problem(config, index)
        if reason:
            return f"stream {index}: {reason}"
    ticks = [(one.instrument, one.kind) for one in config.streams if one.kind is not DataKind.BAR]
    if len(ticks) != len(set(ticks)):
        return "an instrument has two streams of trades, or two of quotes"
    for conversion in config.conversions:
        reason = _conversion_problem(config, conversion)
        if reason:
            return f"the conversion of {config.currencies[conversion.currency].name}: {reason}"
    driven = [stream.instrument for stream in config.streams if stream.matching]
    if len(driven) != len(set(driven)):
        return "an instrument has two streams that drive matching"
    return ""


def _undeclared(config: Config) -> str:
    """Which index names nothing, or ''."""
    currencies, venues, instruments = len(config.currencies), len(config.venues), len(config.instruments)
    named: list[tuple[str, int, int]] = [("base_currency", config.base_currency, currencies)]
    for account in config.accounts:
        named.append((f"account {account.name}: venue", account.venue, venues))
        named += [(f"account {account.name}: deposit currency", one.currency, currencies) for one in account.deposits]
    for one in config.instruments:
        named.append((f"instrument {one.name}: venue", one.venue, venues))
        named.append((f"instrument {one.name}: base_currency", one.base_currency, currencies))
        named.append((f"instrument {one.name}: settlement_currency", one.settlement_currency, currencies))
    named += [("a stream: instrument", stream.instrument, instruments) for stream in config.streams]
    for conversion in config.conversions:
        named.append(("a conversion: currency", conversion.currency, currencies))
        if conversion.instrument != NULL_INSTRUMENT:
            named.append(("a conversion: instrument", conversion.instrument, instruments))
    return next((f"{name} {index} is not declared" for name, index, count in named if index >= count), "")


def _conversion_problem(config: Config, conversion: Conversion) -> str:
    if conversion.instrument == NULL_INSTRUMENT:
        return "" if conversion.rate > 0 else f"the constant rate {conversion.rate} is not above 0"
    if conversion.rate:
        return f"it has an instrument and the constant rate {conversion.rate}, it takes one of them"
    one = config.instruments[conversion.instrument]
    pair = {one.base_currency, one.settlement_currency}
    if not one.is_spot or pair != {conversion.currency, config.base_currency}:
        return f"{one.name} is no spot instrument of it and the base currency"
    return ""


def _instrument_problem(config: Config, instrument: Instrument) -> str:
    reason = problem(instrument)
    if reason:
        return reason
    if config.currencies[instrument.settlement_currency].scale != instrument.settlement_scale:
        return "settlement_scale is not the scale of its settlement currency"
    account = config.accounts[account_of(config, instrument.venue)]
    if account.kind is AccountKind.CASH and not instrument.is_spot:
        return "a cash account trades spot only"
    return ""


def _stream_problem(config: Config, index: int) -> str:
    stream = config.streams[index]
    if not 0 <= stream.volume_decimals <= MAX_DECIMALS:
        return f"volume_decimals {stream.volume_decimals} is outside 0..{MAX_DECIMALS}"
    if not stream.is_derived:
        plain = stream.rule is BarRule.TIME and stream.size == 0 and stream.offset == 0
        return "" if plain else "its rows come from outside, so that it has no rule, size or offset"
    if stream.source >= index:
        return f"its source, stream {stream.source}, is not declared before it"
    source = config.streams[stream.source]
    if source.instrument != stream.instrument:
        return f"its source, stream {stream.source}, is of another instrument"
    if stream.kind is not DataKind.BAR or stream.matching or stream.feed_latency:
        return "a derived stream carries bars, drives no matching and has its source's latency"
    if source.kind is DataKind.QUOTE and stream.rule in (BarRule.VOLUME, BarRule.VALUE):
        return "quotes have no volume to make bars by"
    decimals = source.volume_decimals
    if source.kind is not DataKind.BAR:
        decimals = config.instruments[source.instrument].quantity_decimals
    if stream.volume_decimals != decimals:
        return f"volume_decimals {stream.volume_decimals} are not the {decimals} of its source"
    most = MAX_BAR_VALUE if stream.rule is BarRule.VALUE else I64_MAX
    if not 1 <= stream.size <= most:
        return f"size {stream.size} is outside 1..{most}"
    within = stream.size if stream.rule is BarRule.TIME else 1
    return "" if 0 <= stream.offset < within else f"offset {stream.offset} is outside 0..{within - 1}"
