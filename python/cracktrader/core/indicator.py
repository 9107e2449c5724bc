"""Indicators on bars, incremental. With `view` the only file with floats: money never reads them.

Windowed ones run on integer sums, so equal means compare equal; recursive ones use f64 in one written order, + - * / only.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from cracktrader.core.event import Bar

NAN = float("nan")


class IndicatorKind(IntEnum):
    """The indicators of this version."""

    SMA = 0
    EMA = 1


class BarField(IntEnum):
    """Which number of a bar is read."""

    OPEN = 0
    HIGH = 1
    LOW = 2
    CLOSE = 3
    VOLUME = 4


def to_float(mantissa: int, decimals: int) -> float:
    """The float of a mantissa, the same in both cores: f64(m) / f64(10**d)."""
    return float(mantissa) / float(10**decimals)


def read(bar: Bar, bar_field: BarField) -> int:
    """The mantissa of a bar's field."""
    return (bar.open, bar.high, bar.low, bar.close, bar.volume)[bar_field]


@dataclass(slots=True)
class Indicator:
    """One declared indicator of a strategy.

    SMA.value = f64(sum) / f64(n * 10**d). EMA: seeded with the SMA of the first n values, then previous + 2 / (n + 1) * (x - previous).
    """

    strategy: int
    kind: IndicatorKind
    period: int
    instrument: int
    stream: int
    bar_field: BarField
    decimals: int
    window: deque[int] = field(default_factory=deque)
    """The last `period` mantissas; for EMA only while it is seeded."""
    count: int = 0
    """Values seen."""
    sum: int = 0
    previous_sum: int = 0
    average: float = 0.0
    previous_average: float = 0.0

    def update(self, mantissa: int) -> None:
        """The next value."""
        self.count += 1
        if self.kind is IndicatorKind.EMA and self.count > self.period:
            self.previous_average = self.average
            x = to_float(mantissa, self.decimals)
            self.average = self.average + 2.0 / (float(self.period) + 1.0) * (x - self.average)
            return
        self.previous_sum = self.sum
        self.sum += mantissa
        self.window.append(mantissa)
        if len(self.window) > self.period:
            self.sum -= self.window.popleft()
        if self.kind is IndicatorKind.EMA and self.count == self.period:
            self.average = self._mean(self.sum)
            self.window.clear()

    @property
    def warm(self) -> bool:
        """Whether a full period was seen."""
        return self.count >= self.period

    @property
    def was_warm(self) -> bool:
        """Whether it was warm one value ago."""
        return self.count > self.period

    @property
    def value(self) -> float:
        """The current value, NaN until warm."""
        if not self.warm:
            return NAN
        return self._mean(self.sum) if self.kind is IndicatorKind.SMA else self.average

    @property
    def previous(self) -> float:
        """The value one bar ago, NaN until it was warm."""
        if not self.was_warm:
            return NAN
        return self._mean(self.previous_sum) if self.kind is IndicatorKind.SMA else self.previous_average

    def _mean(self, total: int) -> float:
        return float(total) / float(self.period * 10**self.decimals)


def crossed_above(a: Indicator, b: Indicator) -> bool:
    """Whether a was at or below b and is now above; exact when both are windowed, false until both were warm."""
    if not (a.was_warm and b.was_warm):
        return False
    if a.kind is IndicatorKind.SMA and b.kind is IndicatorKind.SMA:
        a_scale: int = b.period * 10**b.decimals
        b_scale: int = a.period * 10**a.decimals
        return a.previous_sum * a_scale <= b.previous_sum * b_scale and a.sum * a_scale > b.sum * b_scale
    return a.previous <= b.previous and a.value > b.value
