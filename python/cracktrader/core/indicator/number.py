"""Numbers of indicators: ratios of whole numbers where the sums are exact, else floats; reading a bar; crossing.

With `view` the indicators are the only files with floats: money never reads them. One canonical NaN; + - * / and sqrt in one written
order, so that both cores give the same bits.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from cracktrader.core.event import Bar
from cracktrader.core.indicator.declaration import BarField
from cracktrader.core.units import I128_MAX

NAN = float("nan")
MOST_VALUES = 2**62
"""More values than any run has: what a count that is read back stays below."""


class Ratio(NamedTuple):
    """numerator / denominator, exact; the denominator is above 0."""

    numerator: int
    denominator: int


Number: TypeAlias = Ratio | float
"""A value of a line; None stands for not warm."""


def to_float(mantissa: int, decimals: int) -> float:
    """The float of a mantissa, the same in both cores: f64(m) / f64(10**d)."""
    return float(mantissa) / float(10**decimals)


def read(bar: Bar, bar_field: BarField) -> int:
    """The mantissa of a bar's field; of a mean of several prices their sum, which `field_scale` accounts for."""
    if bar_field is BarField.HL2:
        return bar.high + bar.low
    if bar_field is BarField.HLC3:
        return bar.high + bar.low + bar.close
    if bar_field is BarField.OHLC4:
        return bar.open + bar.high + bar.low + bar.close
    if bar_field is BarField.HLCC4:
        return bar.high + bar.low + bar.close + bar.close
    return (bar.open, bar.high, bar.low, bar.close, bar.volume)[bar_field]


def field_scale(bar_field: BarField, price_decimals: int, volume_decimals: int) -> int:
    """What `read` is divided by: 10**d times the number of prices in the sum."""
    if bar_field is BarField.VOLUME:
        return int(10**volume_decimals)
    prices = {BarField.HL2: 2, BarField.HLC3: 3, BarField.OHLC4: 4, BarField.HLCC4: 4}.get(bar_field, 1)
    return int(prices * 10**price_decimals)


def real(number: Number | None) -> float:
    """The float of a number, one division; NaN for None."""
    if number is None:
        return NAN
    return float(number.numerator) / float(number.denominator) if isinstance(number, Ratio) else number


def real_bits(value: float) -> int:
    """The bits of a float; all NaN are one."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value if value == value else NAN))[0]
    return bits


def real_of_bits(bits: int) -> float:
    """The float of its bits; ValueError for a NaN that is not the one there is."""
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    if value != value and bits != real_bits(NAN):
        raise ValueError(f"the bits {bits} are a NaN that is not the canonical one")
    return value


class Parts:
    """What a computation held, piece by piece, read back; ValueError where a piece is not one that the kind has there."""

    def __init__(self, parts: Sequence[int | float]) -> None:
        self.parts = parts
        self.at = 0

    def _next(self, kind: type) -> int | float:
        if self.at == len(self.parts) or type(self.parts[self.at]) is not kind:
            raise ValueError(f"part {self.at} of an indicator is not of the kind that belongs there")
        self.at += 1
        return self.parts[self.at - 1]

    def whole(self) -> int:
        """The next whole number."""
        return int(self._next(int))

    def count(self, most: int) -> int:
        """The next whole number, which is at most so many."""
        value = self.whole()
        if not 0 <= value <= most:
            raise ValueError(f"part {self.at - 1} of an indicator is {value}, which is outside 0..{most}")
        return value

    def real(self) -> float:
        """The next float."""
        return float(self._next(float))

    def end(self) -> None:
        """There is nothing left."""
        if self.at != len(self.parts):
            raise ValueError(f"an indicator has {len(self.parts) - self.at} parts too many")


def ratio(numerator: int, denominator: int) -> Number:
    """An exact ratio, or its float when a part leaves i128."""
    if numerator > I128_MAX or denominator > I128_MAX:
        return float(numerator) / float(denominator)
    return Ratio(numerator, denominator)


def read_as_real(bar: Bar, bar_field: BarField, price_decimals: int, volume_decimals: int) -> float:
    """A bar's field as a float, one division."""
    return float(read(bar, bar_field)) / float(field_scale(bar_field, price_decimals, volume_decimals))


def compare_as_read(a: Number, b: Number) -> int | None:
    """1 where a is above b as both are read, which is as floats, -1 below, 0 equal; None where one is not known, which NaN stands for."""
    first, second = real(a), real(b)
    if first != first or second != second:
        return None
    return (first > second) - (first < second)


class Step(NamedTuple):
    """A line at two bars."""

    before: Number | None
    now: Number | None


def level(value: float) -> Step:
    """A number that does not move, as a line."""
    return Step(value, value)


def crossed_above(a: Step, b: Step) -> bool:
    """Whether a was at or below b and is now above it; exact where both are ratios, false until both were warm."""
    if a.before is None or a.now is None or b.before is None or b.now is None:
        return False
    return _at_most(a.before, b.before) and _above(a.now, b.now)


def _at_most(a: Number, b: Number) -> bool:
    if isinstance(a, Ratio) and isinstance(b, Ratio):
        return a.numerator * b.denominator <= b.numerator * a.denominator
    return real(a) <= real(b)


def _above(a: Number, b: Number) -> bool:
    if isinstance(a, Ratio) and isinstance(b, Ratio):
        return a.numerator * b.denominator > b.numerator * a.denominator
    return real(a) > real(b)
