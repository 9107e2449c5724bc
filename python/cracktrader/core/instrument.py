"""Currencies and instruments: what is traded, in which steps, and what a quantity at a price is worth.

Orders, fees and margins are elsewhere; an instrument is a frozen declaration.
"""

from dataclasses import dataclass
from enum import IntEnum

from cracktrader.core.units import (
    I64_MAX,
    I128_MAX,
    RATE_ONE,
    Money,
    Price,
    Quantity,
    Rate,
    Rounding,
    money,
    mul_div_round,
)

MAX_DECIMALS = 12


class InstrumentKind(IntEnum):
    """How cash moves and what a contract is worth."""

    SPOT = 0
    LINEAR = 1
    INVERSE = 2
    QUANTO = 3
    OUTCOME = 4
    """Pays 1 or 0 of its settlement currency a contract: linear, its price at most 1, collateralised in full on either side."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A unit of account; `scale` is the number of decimals of its money mantissas."""

    name: str
    scale: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """A declared instrument. Prices and quantities are mantissas; currencies and the venue are indexes of the configuration."""

    name: str
    venue: int
    kind: InstrumentKind
    base_currency: int
    """What a spot quantity is of; equal to settlement_currency where it means nothing."""
    settlement_currency: int
    settlement_scale: int
    price_decimals: int
    quantity_decimals: int
    tick: Price
    lot: Quantity
    max_price: Price
    max_quantity: Quantity
    multiplier: Rate
    """Contract size as a rate; for quanto in units of the settlement currency."""
    initial_margin: Rate
    """Share of an exposure's value that equity must cover before it may grow."""
    maintenance_margin: Rate
    """Share of a position's value below which equity forbids all new risk; 0 sets no such bound."""
    maker_fee: Rate
    taker_fee: Rate

    @property
    def is_spot(self) -> bool:
        """Whether a fill moves cash by its value; derivatives move cost only."""
        return self.kind is InstrumentKind.SPOT

    @property
    def value_sign(self) -> int:
        """-1 where a rising price lowers the value of a contract in its settlement currency (inverse), else 1."""
        return -1 if self.kind is InstrumentKind.INVERSE else 1


def problem(instrument: Instrument) -> str:
    """Why the declaration is invalid, or ''. A valid one's largest value fits money, with its decimals as divisors that fit i128."""
    for name, decimals in (
        ("price", instrument.price_decimals),
        ("quantity", instrument.quantity_decimals),
        ("settlement", instrument.settlement_scale),
    ):
        if not 0 <= decimals <= MAX_DECIMALS:
            return f"{name} decimals {decimals} are outside 0..{MAX_DECIMALS}"
    for name, value, most in (
        ("tick", instrument.tick, instrument.max_price),
        ("lot", instrument.lot, instrument.max_quantity),
        ("max_price", instrument.max_price, I64_MAX),
        ("max_quantity", instrument.max_quantity, I64_MAX),
        ("multiplier", instrument.multiplier, I64_MAX),
    ):
        if not 1 <= value <= most:
            return f"{name} {value} is outside 1..{most}"
    if instrument.initial_margin < 0:
        return f"initial_margin {instrument.initial_margin} is below 0"
    if not 0 <= instrument.maintenance_margin <= instrument.initial_margin:
        return f"maintenance_margin {instrument.maintenance_margin} is outside 0..{instrument.initial_margin}"
    if instrument.kind is InstrumentKind.OUTCOME:
        return _outcome_problem(instrument)
    up, down = _exponents(instrument)
    if instrument.kind is InstrumentKind.INVERSE and instrument.max_price * 10**down > I128_MAX:
        return f"max_price {instrument.max_price} does not fit with these decimals"
    del up
    return ""


def _outcome_problem(instrument: Instrument) -> str:
    one = 10**instrument.price_decimals
    if instrument.max_price != one:
        return f"max_price {instrument.max_price} of an outcome is not {one}, the price 1"
    if one % instrument.tick:
        return f"tick {instrument.tick} does not divide {one}, the price 1"
    if instrument.initial_margin != RATE_ONE:
        return (
            f"initial_margin {instrument.initial_margin} of an outcome is not {RATE_ONE}: it is collateralised in full"
        )
    return ""


def may_settle_at(instrument: Instrument, price: Price) -> bool:
    """Whether a settlement can be at the price: an outcome at 0 or 1, an inverse above 0, every other from 0 to its largest price."""
    if instrument.kind is InstrumentKind.OUTCOME:
        return price in (0, instrument.max_price)
    return (0 if instrument.kind is not InstrumentKind.INVERSE else 1) <= price <= instrument.max_price


def contract_value(instrument: Instrument, price: Price, quantity: Quantity) -> Money:
    """Magnitude of `quantity` at `price` in the settlement currency, rounded once, half to even. Both are at or above 0.

    linear, spot, quanto, outcome: p * q * m; inverse: q * m / p. OutOfRange when it does not fit money, or for an inverse at price 0.
    """
    up, down = _exponents(instrument)
    if instrument.kind is InstrumentKind.INVERSE:
        if price == 0:
            return money(I128_MAX)
        return money(mul_div_round(quantity * instrument.multiplier, 10**up, price * 10**down, Rounding.HALF_EVEN))
    return money(mul_div_round(price * quantity, instrument.multiplier * 10**up, 10**down, Rounding.HALF_EVEN))


def _exponents(instrument: Instrument) -> tuple[int, int]:
    """Powers of ten that a value is multiplied and divided by; one of them is 0."""
    prices = -instrument.price_decimals if instrument.kind is not InstrumentKind.INVERSE else instrument.price_decimals
    net = instrument.settlement_scale + prices - instrument.quantity_decimals - 9
    return max(net, 0), max(-net, 0)
