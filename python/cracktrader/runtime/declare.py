"""What a backtest declares: options, strategies and columns become the core's frozen configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.config import Config, StrategyConfig, config_problem
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.risk import RiskLimits
from cracktrader.core.units import RATE_ONE
from cracktrader.errors import ConfigError
from cracktrader.runtime.streams import streams_of
from cracktrader.runtime.timeframes import TimeFrame
from cracktrader.runtime.venue import Venue, declared_venue, latency
from cracktrader.strategy.base import Strategy

if TYPE_CHECKING:
    from cracktrader.data.columns import Columns

ACCOUNT_KINDS = {"cash": AccountKind.CASH, "margin": AccountKind.MARGIN}
QUANTITY_DECIMALS = 8
MONEY_SCALE = 8
MAX_PRICE = 10**15
"""Largest price mantissa of an instrument declared from its bars."""
MAX_QUANTITY = 10**17
"""Largest quantity mantissa: 1e9 units at 8 decimals, in lots of 1e-8."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a backtest declares beside strategies and data."""

    cash: float = 10_000
    account: str = "margin"
    venue: Venue = Venue()
    fees: float = 0.0
    """One rate for maker and taker: 0.001 is 10 bps."""
    limits: RiskLimits = RiskLimits()
    seed: int = 0
    currency: str = "USD"
    timeframes: Sequence[TimeFrame] = ()
    """Bars that the core makes while it runs, of every instrument."""


def declare(strategies: list[Strategy], loaded: Sequence[Columns], options: Options) -> Config:
    """The configuration of a backtest: one simulated venue, one account, one spot instrument per symbol."""
    _check(options)
    if not loaded:
        raise ConfigError("a backtest needs data for at least one instrument")
    venue = options.venue
    deposit = Deposit(0, round(options.cash * 10**MONEY_SCALE))
    currencies = [Currency(options.currency, MONEY_SCALE)]
    instruments = []
    for columns in _one_of_each(loaded):
        currencies.append(Currency(columns.symbol, QUANTITY_DECIMALS))
        instruments.append(_instrument(columns, len(currencies) - 1, round(options.fees * RATE_ONE)))
    feed_latency = latency("feed_latency", venue.feed_latency)
    simulated = declared_venue(venue)
    config = Config(
        currencies=tuple(currencies),
        venues=(simulated,),
        accounts=(Account("main", 0, ACCOUNT_KINDS[options.account], (deposit,)),),
        instruments=tuple(instruments),
        streams=streams_of(loaded, instruments, feed_latency, options.timeframes),
        strategies=tuple(
            StrategyConfig(_name(strategies, index), _canonical(one), options.limits)
            for index, one in enumerate(strategies)
        ),
        seed=options.seed,
    )
    problem = config_problem(config)
    if problem:
        raise ConfigError(problem)
    return config


def _check(options: Options) -> None:
    """ConfigError for options that make no sense."""
    if options.account not in ACCOUNT_KINDS:
        raise ConfigError(f'account is "cash" or "margin", not {options.account!r}')
    if not 0 < options.cash < 1e15:
        raise ConfigError(f"cash {options.cash!r} is outside 0..1e15")
    if not -0.1 <= options.fees <= 0.1:
        raise ConfigError(f"fees {options.fees!r} is a rate: 0.001 is 10 bps; it may be -0.1 to 0.1")
    if not 0 <= options.seed < 2**64:
        raise ConfigError(f"seed {options.seed!r} is outside 0..2**64-1")


def _one_of_each(loaded: Sequence[Columns]) -> list[Columns]:
    """The first columns of every symbol."""
    first: dict[str, Columns] = {}
    for columns in loaded:
        first.setdefault(columns.symbol, columns)
    return list(first.values())


def _instrument(columns: Columns, base_currency: int, fee: int) -> Instrument:
    return Instrument(
        columns.symbol,
        0,
        InstrumentKind.SPOT,
        base_currency,
        0,
        MONEY_SCALE,
        columns.price_decimals,
        QUANTITY_DECIMALS,
        tick=1,
        lot=1,
        max_price=MAX_PRICE,
        max_quantity=MAX_QUANTITY,
        multiplier=RATE_ONE,
        initial_margin=RATE_ONE,
        maintenance_margin=0,
        maker_fee=fee,
        taker_fee=fee,
    )


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
