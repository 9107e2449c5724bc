"""The run's frozen configuration: what is declared before the first event. Its canonical bytes, with the data and the seed, are the
run's identity; engine kind, paths and sync policy are deliberately not in it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.account import Account, AccountKind
from cracktrader.core.capability import Venue
from cracktrader.core.instrument import MAX_DECIMALS, Currency, Instrument, problem
from cracktrader.core.risk import RiskLimits
from cracktrader.core.units import Time

LOOP_DEPTH = 64
"""At this depth of callbacks that cause each other at one instant, intents are refused."""


class DataKind(IntEnum):
    """What a stream carries."""

    BAR = 0
    TRADE = 1
    QUOTE = 2


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


class Conversion(NamedTuple):
    """How a currency is valued in the base currency: the mark of a spot instrument whose base is `currency`."""

    currency: int
    instrument: int


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
    for instrument in config.instruments:
        reason = _instrument_problem(config, instrument)
        if reason:
            return f"instrument {instrument.name}: {reason}"
    for stream in config.streams:
        if not 0 <= stream.volume_decimals <= MAX_DECIMALS:
            return f"a stream has volume_decimals {stream.volume_decimals}, outside 0..{MAX_DECIMALS}"
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
        named.append(("a conversion: instrument", conversion.instrument, instruments))
    return next((f"{name} {index} is not declared" for name, index, count in named if index >= count), "")


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
