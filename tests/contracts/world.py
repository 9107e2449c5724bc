"""Worlds of the fuzzer: seeded configurations and bars, plain ones and ones at the edges of the number ranges.

Deliberately not here: what happens in them (generator.py).
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import SIMULATOR, Capabilities, FillModel, Venue
from cracktrader.core.config import BarRule, Config, Conversion, DataKind, OnError, StrategyConfig, Stream
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind, contract_value, problem
from cracktrader.core.risk import InstrumentLimit, RiskLimits
from cracktrader.core.schedule import Action
from cracktrader.core.units import I64_MAX, MONEY_MAX, NULL_INSTRUMENT, RATE_ONE, OutOfRange

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
ORIGIN = 1_700_006_400 * SECOND
"""The first moment of every scenario: a midnight, so that some of them cross a day."""
ALL_TYPES, ALL_TIMES = 0b111_1111, 0b11111
BARS = 36


def make_config(rng: Random, seed: int) -> Config:
    """A valid configuration."""
    currencies = tuple(
        Currency(name, rng.choice(scales))
        for name, scales in (("USD", (2, 8, 8, 0, 12)), ("BTC", (8, 8, 3, 12)), ("EUR", (2, 8)))
    )
    venues = tuple(_venue(rng, index) for index in range(rng.choice((1, 1, 2))))
    kinds = [AccountKind.CASH if rng.random() < 0.35 else AccountKind.MARGIN for _ in venues]
    instruments = tuple(_instruments(rng, currencies, venues, kinds))
    accounts = tuple(
        Account(f"a{index}", index, kind, _deposits(rng, index, kind, instruments)) for index, kind in enumerate(kinds)
    )
    priorities = (0, 1, 2, 3)
    if rng.random() < 0.15:
        first, second, third, fourth = rng.sample(priorities, 4)
        priorities = first, second, third, fourth
    return Config(
        currencies=currencies,
        venues=venues,
        accounts=accounts,
        instruments=instruments,
        streams=_streams(rng, venues, instruments),
        strategies=tuple(_strategy(rng, index, instruments) for index in range(rng.choice((1, 2, 2, 3)))),
        conversions=_conversions(rng, instruments),
        priorities=priorities,
        on_error=rng.choice((OnError.HALT_STRATEGY, OnError.HALT_ENGINE)),
        recheck_every=rng.choice((0, 7, 20, 50)),
        seed=seed & (2**64 - 1),
    )


def make_bars(rng: Random, config: Config) -> dict[int, list[tuple[int, ...]]]:
    """Rows of every declared stream that is not derived; ties, gaps and flat bars are frequent. Some streams of ticks have none."""
    rows = {}
    for index, stream in enumerate(config.streams):
        if stream.kind is DataKind.BAR and not stream.is_derived:
            rows[index] = _bars(
                rng, config.instruments[stream.instrument], stream.volume_decimals, fine=stream.matching
            )
        elif not stream.is_derived and rng.random() < (0.9 if stream.matching else 0.5):
            rows[index] = _ticks(rng, config.instruments[stream.instrument], stream.kind)
    return rows


def make_sessions(rng: Random, config: Config) -> dict[int, list[tuple[int, ...]]]:
    """Sessions of some venues: back to back, with gaps, or none."""
    sessions: dict[int, list[tuple[int, ...]]] = {}
    for venue in range(len(config.venues)):
        if rng.random() < 0.3:
            at, made = ORIGIN - rng.choice((0, MINUTE)), []
            for _ in range(rng.randrange(5)):
                until = at + rng.choice((0, 20 * SECOND, 2 * MINUTE))
                made.append((at, until))
                at = until + rng.choice((0, 0, 10 * SECOND))
            sessions[venue] = made
    return sessions


def _bars(rng: Random, instrument: Instrument, decimals: int, *, fine: bool) -> list[tuple[int, ...]]:
    interval = 10 * SECOND if fine else MINUTE
    price, rows = typical_price(instrument), []
    start = ORIGIN + rng.choice((0, 0, 4 * SECOND)) - rng.choice((0, interval - 1))
    for row in range(BARS if fine else BARS // 5):
        opened = start + row * interval
        step = max(price // rng.choice((20, 100, 400)), instrument.tick)
        values = [price + rng.randint(-3, 3) * step for _ in range(4)]
        values = [min(max(value, instrument.tick), instrument.max_price) for value in values]
        stamp = opened if rng.random() < 0.9 else opened + interval
        volume = rng.choice((0, 1000, 10**12, 10**12, 10**12 if rng.random() < 0.98 else I64_MAX))
        if decimals == instrument.quantity_decimals:
            volume = min(typical_quantity(instrument) * rng.choice((0, 1, 3, 10)), I64_MAX)
        if rng.random() < 0.9:
            rows.append((stamp, opened, opened + interval, values[0], max(values), min(values), values[1], volume))
        price = values[1] if rng.random() < 0.8 else typical_price(instrument)
    return rows


def _ticks(rng: Random, instrument: Instrument, kind: DataKind) -> list[tuple[int, ...]]:
    """Trades or quotes, several at one instant and some at round ones."""
    at, rows = ORIGIN + rng.choice((0, 3 * SECOND)), []
    for _ in range(BARS // 2):
        price = typical_price(instrument)
        price = min(max(price + price * rng.randint(-4, 4) // 200, instrument.tick), instrument.max_price)
        stamp = at if rng.random() < 0.9 else at - SECOND
        if kind is DataKind.TRADE:
            quantity = rng.choice(
                (instrument.lot, 3 * instrument.lot, 1000 * instrument.lot, typical_quantity(instrument))
            )
            rows.append((stamp, at, price, quantity, rng.randrange(3)))
        else:
            ask = min(price + rng.randrange(3) * instrument.tick, instrument.max_price)
            size = typical_quantity(instrument)
            rows.append((stamp, at, price, rng.choice((1, size, 9 * size)), ask, rng.choice((0, size, 9 * size))))
        at += rng.choice((0, 0, 1, 2 * SECOND, 10 * SECOND, 10 * SECOND, 50 * SECOND))
    return rows


def make_schedules(rng: Random, config: Config) -> dict[int, list[tuple[int, int, int]]]:
    """Funding, payments and settlements of instruments of simulated venues; some come after the last bar."""
    schedules = {}
    for index, instrument in enumerate(config.instruments):
        if not config.venues[instrument.venue].simulated or rng.random() < 0.4:
            continue
        rows = []
        for _ in range(rng.choice((1, 4, 12))):
            time = ORIGIN + rng.randrange(0, (BARS + 4) * 10) * SECOND
            value = rng.choice((-1, 1)) * rng.choice((1, 33_333_333, RATE_ONE, RATE_ONE))
            rows.append((time, int(Action.FUNDING), value))
            if instrument.kind is not InstrumentKind.INVERSE:
                rows.append(
                    (time + SECOND, int(Action.PAYMENT), typical_price(instrument) * rng.choice((-1, 0, 1)) // 20)
                )
        if rng.random() < 0.4:
            price = rng.choice((0, instrument.max_price))
            if instrument.kind is not InstrumentKind.OUTCOME:
                price = typical_price(instrument) + rng.randrange(instrument.tick + 1)
            rows += [(ORIGIN + rng.randrange(BARS // 4, BARS + 6) * 10 * SECOND, int(Action.SETTLEMENT), price)]
        schedules[index] = sorted(rows)
    return schedules


def typical_price(instrument: Instrument) -> int:
    """A price in the middle of what a scenario trades at."""
    return max(instrument.max_price // 1000 // instrument.tick, 20) * instrument.tick


def typical_quantity(instrument: Instrument) -> int:
    """A quantity that most orders are near."""
    return max(instrument.max_quantity // 1000 // instrument.lot, 4) * instrument.lot


def _simulated(rng: Random, name: str) -> Venue:
    """A simulated venue: as plain as can be, or with costs, latencies and a share of the volume."""
    replaces = SIMULATOR if rng.random() < 0.9 else replace(SIMULATOR, replace=False)
    latency = rng.choice((0, 0, 1, SECOND, 30 * SECOND))
    plain = Venue(
        name, True, replaces, rng.choice(list(FillModel)), latency, rng.choice((0, latency)), latency, latency
    )
    if rng.random() < 0.35:
        return plain
    return replace(
        plain,
        cancel_latency=rng.choice((0, latency, 5 * SECOND)),
        replace_latency=rng.choice((0, latency, 5 * SECOND, 12 * SECOND, 25 * SECOND, 25 * SECOND)),
        latency_jitter=rng.choice((0, 0, 1, 3 * SECOND)),
        participation=rng.choice((0, 10**9, 300_000_000, 100_000_000, 1_000)),
        slippage=rng.choice((0, 100_000, 20_000_000, 200_000_000)),
        slippage_ticks=rng.choice((0, 0, 1, 3, 50)),
        spread=rng.choice((0, 200_000, 100_000_000)),
        spread_ticks=rng.choice((0, 0, 1)),
        touch_probability=rng.choice((10**9, 500_000_000, 0)),
    )


def _venue(rng: Random, index: int) -> Venue:
    if rng.random() < 0.38:
        return _simulated(rng, f"v{index}")
    full = rng.random() < 0.7
    capabilities = Capabilities(
        order_types=ALL_TYPES if full else rng.choice((0b000_0011, 0b001_0111, 0b110_1110)),
        times_in_force=ALL_TIMES if full else rng.choice((0b00001, 0b01011, 0b10111)),
        post_only=full or rng.random() < 0.5,
        reduce_only=full or rng.random() < 0.5,
        replace=full or rng.random() < 0.5,
        provisional_fills=rng.random() < 0.5,
        dense_keys=rng.random() < 0.35,
        retention_ns=rng.choice((0, SECOND, 30 * SECOND, 30 * SECOND, 10 * MINUTE)),
        groups=rng.random() < 0.5,
    )
    return Venue(f"v{index}", False, capabilities)


def _conversions(rng: Random, instruments: tuple[Instrument, ...]) -> tuple[Conversion, ...]:
    """Of the two currencies that are not the base: by an instrument that trades the pair either way round, by a constant, or none."""
    made = []
    for currency in (1, 2):
        pairs = [
            index
            for index, one in enumerate(instruments)
            if one.is_spot and {one.base_currency, one.settlement_currency} == {currency, 0}
        ]
        if pairs and rng.random() < 0.8:
            made.append(Conversion(currency, rng.choice(pairs)))
        elif rng.random() < 0.85:
            made.append(Conversion(currency, NULL_INSTRUMENT, rng.choice((1, 10**9, 1_234_567_890, 6_700_000))))
    return tuple(made)


def _instruments(
    rng: Random, currencies: tuple[Currency, ...], venues: tuple[Venue, ...], kinds: list[AccountKind]
) -> list[Instrument]:
    made: list[Instrument] = []
    wanted = max(rng.choice((1, 2, 2, 3, 4)), len(venues))
    while len(made) < wanted:
        venue = len(made) % len(venues)
        kind = InstrumentKind.SPOT if kinds[venue] is AccountKind.CASH else rng.choice(list(InstrumentKind))
        one = _instrument(rng, f"i{len(made)}", venue, kind, currencies)
        if not problem(one) and _is_tradable(one):
            made.append(one)
    return made


def _instrument(
    rng: Random, name: str, venue: int, kind: InstrumentKind, currencies: tuple[Currency, ...]
) -> Instrument:
    settlement = rng.choice((0, 0, 0, 1, 2))
    margin = rng.choice((10**9, 10**8, 10**8, 333_333_333, 0))
    base = rng.choice((1, 1, 0, 2)) if kind is InstrumentKind.SPOT else settlement
    quantity_decimals = rng.choice((0, 2, 8, 12))
    if kind is InstrumentKind.SPOT and rng.random() < 0.6:
        quantity_decimals = currencies[base].scale
    tick, lot = rng.choice((1, 1, 5, 25)), rng.choice((1, 1, 10, 1000))
    max_price, max_quantity = 1000 * tick * rng.choice((400, 20_000)), 1000 * lot * rng.choice((8, 500))
    price_decimals = rng.choice((0, 2, 4, 12))
    if rng.random() < 0.08:
        max_price, max_quantity = I64_MAX, I64_MAX // rng.choice((1, 1000))
        price_decimals, quantity_decimals = rng.choice(((12, 12), (12, 8), (0, 0)))
    if kind is InstrumentKind.OUTCOME:
        price_decimals, tick, margin = rng.choice((2, 4)), rng.choice((1, 5)), 10**9
        max_price = 10**price_decimals
    return Instrument(
        name,
        venue,
        kind,
        base,
        settlement,
        currencies[settlement].scale,
        price_decimals,
        quantity_decimals,
        tick,
        lot,
        max_price,
        max_quantity,
        multiplier=rng.choice((10**9, 10**9, 10**9, 5 * 10**9, 1, 333_333_333)),
        initial_margin=margin,
        maintenance_margin=rng.choice((0, margin // 2, margin, margin)),
        maker_fee=rng.choice((0, -10_000, 200_000)),
        taker_fee=rng.choice((0, 500_000, 1_234_567)),
    )


def _is_tradable(instrument: Instrument) -> bool:
    """Whether a typical order is worth something that fits many times over."""
    try:
        return (
            1 <= contract_value(instrument, typical_price(instrument), typical_quantity(instrument)) < MONEY_MAX >> 20
        )
    except OutOfRange:
        return False


def _deposits(rng: Random, venue: int, kind: AccountKind, instruments: tuple[Instrument, ...]) -> tuple[Deposit, ...]:
    """Enough for some hundred typical orders, at times far too little."""
    needed: dict[int, int] = {}
    for one in instruments:
        if one.venue == venue:
            value = contract_value(one, typical_price(one), typical_quantity(one))
            needed[one.settlement_currency] = needed.get(one.settlement_currency, 0) + value
    factor = rng.choice((5, 100, 1000, 1000)) if kind is AccountKind.CASH else rng.choice((1, 2, 100, 1000))
    if rng.random() < 0.04:
        return tuple(Deposit(currency, MONEY_MAX - value) for currency, value in sorted(needed.items()))
    return tuple(Deposit(currency, min(value * factor, MONEY_MAX >> 4)) for currency, value in sorted(needed.items()))


def _streams(rng: Random, venues: tuple[Venue, ...], instruments: tuple[Instrument, ...]) -> tuple[Stream, ...]:
    streams: list[Stream] = []
    for index, one in enumerate(instruments):
        first = len(streams)
        if rng.random() < (0.65 if venues[one.venue].simulated else 0.4):
            decimals = rng.choice((0, one.quantity_decimals))
            streams.append(Stream(index, DataKind.BAR, True, decimals, rng.choice((0, 0, SECOND))))
            if rng.random() < 0.15:
                streams.append(Stream(index, DataKind.BAR, False, 3))
            if rng.random() < 0.25:
                streams.append(Stream(index, rng.choice((DataKind.TRADE, DataKind.QUOTE)), False, 0))
        else:
            streams.append(
                Stream(index, rng.choice((DataKind.TRADE, DataKind.QUOTE)), True, 0, rng.choice((0, SECOND)))
            )
        if rng.random() < 0.4:
            for _ in range(rng.randint(1, 3)):
                streams.append(_derived(rng, one, streams, rng.randrange(first, len(streams))))
    return tuple(streams)


def _derived(rng: Random, instrument: Instrument, streams: list[Stream], index: int) -> Stream:
    """A stream of bars that the core makes of another one."""
    source = streams[index]
    decimals = source.volume_decimals if source.kind is DataKind.BAR else instrument.quantity_decimals
    rules = (BarRule.TIME, BarRule.TICK) if source.kind is DataKind.QUOTE else tuple(BarRule)
    rule = rng.choice((BarRule.TIME, *rules))
    size = {
        BarRule.TIME: rng.choice((1, SECOND, 20 * SECOND, 30 * SECOND, MINUTE, 7 * SECOND + 1)),
        BarRule.TICK: rng.randint(1, 4),
        BarRule.VOLUME: rng.choice((1, instrument.lot * 4, 3000, 2 * 10**12)),
        BarRule.VALUE: typical_price(instrument) * rng.choice((1, instrument.lot * 4, 3000, 2 * 10**12)),
    }[rule]
    offset = rng.randrange(size) if rule is BarRule.TIME and rng.random() < 0.5 else 0
    return Stream(source.instrument, DataKind.BAR, False, decimals, 0, index, rule, size, offset)


def _strategy(rng: Random, index: int, instruments: tuple[Instrument, ...]) -> StrategyConfig:
    if rng.random() < 0.55:
        return StrategyConfig(f"s{index}")
    chosen = rng.randrange(len(instruments))
    one = instruments[chosen]
    value = contract_value(one, typical_price(one), typical_quantity(one))
    tight = rng.choice(("quantity", "position", "notional", "open", "rate", "collar", "loss"))
    own = InstrumentLimit(
        chosen,
        max_order_quantity=typical_quantity(one) * 2 if tight == "quantity" else 0,
        max_position=typical_quantity(one) * 8 if tight == "position" else 0,
    )
    limits = RiskLimits(
        max_order_notional=value * 3 if tight == "notional" else 0,
        max_open_orders=rng.choice((3, 8)) if tight == "open" else 0,
        max_orders_per_window=rng.choice((2, 5)) if tight == "rate" else 0,
        window_ns=rng.choice((SECOND, 5 * MINUTE)) if tight == "rate" else 0,
        price_collar=rng.choice((20_000_000, 1_000_000)) if tight == "collar" else 0,
        max_daily_loss=rng.choice((1, max(value // 10, 1))) if tight == "loss" else 0,
        instruments=(own,) if tight in ("quantity", "position") else (),
    )
    return StrategyConfig(f"s{index}", '{"n": 1}', limits)
