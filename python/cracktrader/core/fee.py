"""Fees of the simulated venue: a rate on the value of a fill. A real venue's fees arrive in its reports."""

from enum import IntEnum

from cracktrader.core.instrument import Instrument
from cracktrader.core.units import RATE_ONE, Money, Rounding, money, mul_div_round


class Liquidity(IntEnum):
    """Which side of the book a fill was on."""

    MAKER = 0
    TAKER = 1


def fee(instrument: Instrument, value: Money, liquidity: Liquidity, mode: Rounding = Rounding.HALF_EVEN) -> Money:
    """The fee on a fill worth `value`, in the settlement currency; negative is a rebate."""
    rate = instrument.taker_fee if liquidity is Liquidity.TAKER else instrument.maker_fee
    return money(mul_div_round(value, rate, RATE_ONE, mode))


def worst_fee(instrument: Instrument, value: Money) -> Money:
    """The most a fill worth `value` can cost, rounded up, never below 0."""
    rate = max(instrument.taker_fee, instrument.maker_fee, 0)
    return money(mul_div_round(value, rate, RATE_ONE, Rounding.CEIL))
