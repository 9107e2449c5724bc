"""Numbers of the core: integer mantissas, their ranges, and the only two divisions of signed values.

Prices and quantities are i64 mantissas with decimals per instrument, money is an i128 mantissa with a scale per currency, a rate is
an i64 at 1e-9. Nothing here knows which is which, and there are no floats: those live in `indicator` and `view`.
"""

from enum import IntEnum
from typing import TypeAlias

I64_MIN = -(2**63)
I64_MAX = 2**63 - 1
I128_MIN = -(2**127)
I128_MAX = 2**127 - 1
MONEY_MAX = 2**120
"""Bound of every stored amount, so that a sum of many never leaves i128."""
NONE_PRICE = I64_MIN
"""The null price."""
RATE_ONE = 1_000_000_000
"""The rate 1.0."""
NULL_INDEX = 65_535
"""Null venue, account or strategy; as a strategy it stands for what no strategy owns."""
ENGINE_VENUE = 65_534
"""The internal venue `engine`, which reports denials and refusals."""
NULL_INSTRUMENT = 4_294_967_295

Price: TypeAlias = int
Quantity: TypeAlias = int
Money: TypeAlias = int
Rate: TypeAlias = int
Time: TypeAlias = int
OrderOrdinal: TypeAlias = int


class OutOfRange(ArithmeticError):
    """A result does not fit its number: a refusal at admission, a stop for a venue's fact."""


class Rounding(IntEnum):
    """How a division that leaves a remainder rounds; every call names its mode."""

    FLOOR = 0
    CEIL = 1
    TRUNC = 2
    HALF_EVEN = 3
    HALF_AWAY = 4


def div_round(numerator: int, denominator: int, mode: Rounding) -> int:
    """numerator / denominator, rounded. The denominator is above 0."""
    assert denominator > 0, "div_round: the denominator is above 0"
    quotient, remainder = divmod(numerator, denominator)
    if remainder == 0 or mode is Rounding.FLOOR:
        return quotient
    if mode is Rounding.CEIL:
        return quotient + 1
    if mode is Rounding.TRUNC:
        return quotient + 1 if numerator < 0 else quotient
    twice = 2 * remainder
    if twice != denominator:
        return quotient + 1 if twice > denominator else quotient
    if mode is Rounding.HALF_EVEN:
        return quotient + (quotient & 1)
    return quotient if numerator < 0 else quotient + 1


def mul_div_round(a: int, b: int, denominator: int, mode: Rounding) -> int:
    """a * b / denominator with a 256-bit intermediate, rounded. OutOfRange when the result leaves i128."""
    result = div_round(a * b, denominator, mode)
    if not I128_MIN <= result <= I128_MAX:
        raise OutOfRange
    return result


def quantity(value: int) -> Quantity:
    """`value` as a quantity; OutOfRange outside i64 (its smallest value is the null)."""
    if not I64_MIN < value <= I64_MAX:
        raise OutOfRange
    return value


def money(value: int) -> Money:
    """`value` as an amount that may be stored; OutOfRange outside +-MONEY_MAX."""
    if not -MONEY_MAX <= value <= MONEY_MAX:
        raise OutOfRange
    return value


def rescale(value: int, from_decimals: int, to_decimals: int, mode: Rounding) -> int:
    """The same amount at other decimals."""
    if to_decimals >= from_decimals:
        return mul_div_round(value, 10 ** (to_decimals - from_decimals), 1, mode)
    return div_round(value, 10 ** (from_decimals - to_decimals), mode)


def parse_decimal(text: str, decimals: int) -> int:
    """The mantissa of `-?digits(.digits)?`: no exponent, no locale, no blanks. ValueError when it is not exact at `decimals`."""
    digits = text[1:] if text.startswith("-") else text
    whole, dot, fraction = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (dot and not (fraction.isascii() and fraction.isdigit())):
        raise ValueError(f"{text!r} is not a decimal number")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"{text!r} needs more than {decimals} decimals")
    mantissa: int = int(whole) * 10**decimals + int(fraction or "0") * 10 ** (decimals - len(fraction))
    if mantissa > I64_MAX:
        raise ValueError(f"{text!r} does not fit at {decimals} decimals")
    return -mantissa if text.startswith("-") else mantissa
