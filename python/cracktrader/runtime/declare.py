"""What a backtest declares: options, strategies and columns become the core's frozen configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.config import Config, Conversion, StrategyConfig, config_problem
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.risk import RiskLimits
from cracktrader.core.schedule import Action
from cracktrader.core.units import NULL_INSTRUMENT, RATE_ONE
from cracktrader.errors import ConfigError
from cracktrader.runtime.instruments import MONEY_SCALE, InstrumentTerms, Spot, declared_instrument
from cracktrader.runtime.streams import streams_of
from cracktrader.runtime.timeframes import TimeFrame
from cracktrader.runtime.venue import Venue, declared_venue, latency
from cracktrader.strategy.base import Strategy

if TYPE_CHECKING:
    from cracktrader.data.columns import Columns

ACCOUNT_KINDS = {"cash": AccountKind.CASH, "margin": AccountKind.MARGIN}


@dataclass(frozen=True, slots=True)
class Options:
    """What a backtest declares beside strategies and data."""

    cash: float | Mapping[str, float] = 10_000
    """In the base currency, or by currency."""
    account: str = "margin"
    venue: Venue = Venue()
    fees: float = 0.0
    """One rate for maker and taker: 0.001 is 10 bps."""
    limits: RiskLimits = RiskLimits()
    seed: int = 0
    currency: str = "USD"
    """The base currency."""
    timeframes: Sequence[TimeFrame] = ()
    """Bars that the core makes while it runs, of every instrument."""
    instruments: Mapping[str, InstrumentTerms] = field(default_factory=dict)
    """Declarations by symbol."""
    conversions: Mapping[str, str | float] = field(default_factory=dict)
    """How currencies are valued in the base currency: a symbol of the data that trades the pair, or a constant rate."""
    leverage: float = 1.0
    """Initial margin is 1 / leverage where an instrument says no other."""
    schedules: Mapping[Action, Any] = field(default_factory=dict)
    """Funding, payments and settlements, as `runtime.schedules` takes them."""


def declare(strategies: list[Strategy], loaded: Sequence[Columns], options: Options) -> Config:
    """The configuration of a backtest: one simulated venue, one account, an instrument per symbol: as declared, else a spot one."""
    _check(options)
    if not loaded:
        raise ConfigError("a backtest needs data for at least one instrument")
    venue = options.venue
    names = [options.currency]
    instruments = [_instrument(columns, options, names) for columns in _one_of_each(loaded)]
    _check_declared(options, [instrument.name for instrument in instruments])
    deposits = _deposits(options, names)
    conversions = _conversions(options, names, instruments)
    feed_latency = latency("feed_latency", venue.feed_latency)
    simulated = declared_venue(venue)
    config = Config(
        currencies=tuple(Currency(name, MONEY_SCALE) for name in names),
        venues=(simulated,),
        accounts=(Account("main", 0, ACCOUNT_KINDS[options.account], deposits),),
        instruments=tuple(instruments),
        streams=streams_of(loaded, instruments, feed_latency, options.timeframes),
        strategies=tuple(
            StrategyConfig(_name(strategies, index), _canonical(one), options.limits)
            for index, one in enumerate(strategies)
        ),
        conversions=conversions,
        seed=options.seed,
    )
    problem = config_problem(config)
    if problem:
        raise ConfigError(problem)
    return config


def inferred(loaded: Sequence[Columns], options: Options) -> str:
    """One line on what was taken for granted of instruments that are not declared; "" when all are."""
    told = [
        f"{one.symbol} (tick {10.0**-one.price_decimals:.{one.price_decimals}f})"
        for one in _one_of_each(loaded)
        if one.symbol not in options.instruments
    ]
    if not told:
        return ""
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return (
        f"not declared, taken as spot in {options.currency} with lots of 1e-8: {', '.join(told[:3])}{more}; "
        "say otherwise with instruments=[ct.Spot(...), ct.Equity(...), ct.Perpetual(...), ...]"
    )


def _instrument(columns: Columns, options: Options, names: list[str]) -> Instrument:
    """The instrument of the columns; new currencies join the names."""
    terms = options.instruments.get(columns.symbol) or Spot(columns.symbol)
    base, settlement = terms.currencies
    settlement = settlement or options.currency
    base = base or (columns.symbol if terms.value is InstrumentKind.SPOT else settlement)
    for name in (base, settlement):
        if name not in names:
            names.append(name)
    currencies = names.index(base), names.index(settlement)
    return declared_instrument(terms, columns.price_decimals, currencies, options.fees, options.leverage)


def _check_declared(options: Options, symbols: list[str]) -> None:
    for symbol in options.instruments:
        if symbol not in symbols:
            raise ConfigError(f"instrument {symbol!r} is declared, but the data has only {', '.join(symbols)}")


def _deposits(options: Options, names: list[str]) -> tuple[Deposit, ...]:
    """Opening balances by currency; a number is in the base currency."""
    given = options.cash if isinstance(options.cash, Mapping) else {options.currency: options.cash}
    for name in given:
        if name not in names:
            raise ConfigError(f"cash in {name!r}: the run has only the currencies {', '.join(names)}")
    return tuple(Deposit(names.index(name), round(amount * 10**MONEY_SCALE)) for name, amount in given.items())


def _conversions(options: Options, names: list[str], instruments: list[Instrument]) -> tuple[Conversion, ...]:
    """Every currency that money may be in has a rate: by a symbol or by a number."""
    symbols = [instrument.name for instrument in instruments]
    made = []
    for name, rate in options.conversions.items():
        if name not in names:
            raise ConfigError(f"the conversion of {name!r}: the run has only the currencies {', '.join(names)}")
        if isinstance(rate, str):
            if rate not in symbols:
                raise ConfigError(f"the conversion of {name}: {rate!r} is none of the symbols {', '.join(symbols)}")
            _check_pair(name, names, instruments[symbols.index(rate)])
            made.append(Conversion(names.index(name), symbols.index(rate)))
        elif 0 < rate < 9e9:
            made.append(Conversion(names.index(name), NULL_INSTRUMENT, round(rate * RATE_ONE)))
        else:
            raise ConfigError(f"the conversion of {name}: the rate {rate!r} is not above 0")
    held = {names[one.settlement_currency] for one in instruments}
    held |= set(options.cash) if isinstance(options.cash, Mapping) else set()
    for name in sorted(held - {options.currency} - set(options.conversions)):
        raise ConfigError(
            f"money in {name} has no value in {options.currency}: "
            f'give conversions={{"{name}": "{name}/{options.currency}"}} (a symbol of the data) or a number'
        )
    return tuple(made)


def _check_pair(name: str, names: list[str], pair: Instrument) -> None:
    """A rate is read from a spot pair of the currency and the base currency; a symbol alone does not say that it is one."""
    wanted = {name, names[0]}
    if pair.kind is not InstrumentKind.SPOT or {names[pair.base_currency], names[pair.settlement_currency]} != wanted:
        base, quote = (names[0], name) if pair.name.upper().startswith(names[0].upper()) else (name, names[0])
        raise ConfigError(
            f"the conversion of {name}: {pair.name} is not declared as a pair of {name} and {names[0]}: "
            f'give instruments=[ct.Spot("{pair.name}", base="{base}", quote="{quote}")], or a number'
        )


def _check(options: Options) -> None:
    """ConfigError for options that make no sense."""
    if options.account not in ACCOUNT_KINDS:
        raise ConfigError(f'account is "cash" or "margin", not {options.account!r}')
    for amount in options.cash.values() if isinstance(options.cash, Mapping) else (options.cash,):
        if not 0 < _number("cash", amount) < 1e15:
            raise ConfigError(f"cash {amount!r} is outside 0..1e15")
    if not 1 <= _number("leverage", options.leverage) <= 1000:
        raise ConfigError(f"leverage {options.leverage!r} is outside 1..1000: 5 means an initial margin of 0.2")
    if not -0.1 <= _number("fees", options.fees) <= 0.1:
        raise ConfigError(f"fees {options.fees!r} is a rate: 0.001 is 10 bps; it may be -0.1 to 0.1")
    if not 0 <= _number("seed", options.seed) < 2**64:
        raise ConfigError(f"seed {options.seed!r} is outside 0..2**64-1")
    for name, value, wanted in (("venue", options.venue, Venue), ("limits", options.limits, RiskLimits)):
        if not isinstance(value, wanted):
            raise ConfigError(f"{name} is a ct.{wanted.__name__}(...), not {value!r}")


def _number(name: str, value: Any) -> Any:
    """The value, when it is a number at all."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise ConfigError(f"{name} {value!r} is not a number")
    return value


def _one_of_each(loaded: Sequence[Columns]) -> list[Columns]:
    """The first columns of every symbol."""
    first: dict[str, Columns] = {}
    for columns in loaded:
        first.setdefault(columns.symbol, columns)
    return list(first.values())


def _name(strategies: list[Strategy], index: int) -> str:
    """The class name; a second strategy of a name gets its number."""
    names = [type(one).__name__ for one in strategies]
    name = names[index] if names[index].isascii() else "Strategy"
    return name if names.count(names[index]) == 1 else f"{name}-{index}"


def _canonical(strategy: Strategy) -> str:
    try:
        return json.dumps(strategy.parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{type(strategy).__name__}: parameters are plain numbers, text and lists ({error})"
        ) from error
