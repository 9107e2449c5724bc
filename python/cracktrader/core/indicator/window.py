"""The last values of an input: sums over mantissas are kept and exact, floats are summed anew in index order. Extremes by a monotonic
queue, so that an update costs the same whatever the period.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from math import sqrt
from typing import TypeAlias

from cracktrader.core.indicator.number import MOST_VALUES, Number, Parts, Ratio
from cracktrader.core.units import I128_MAX

HALF_WIDTH = 96
"""Bits of the lower part of a sum of products, which may be wider than i128."""


class Moments(IntEnum):
    """Which sums of a window of mantissas are kept besides the plain one."""

    PLAIN = 0
    WEIGHTED = 1
    SQUARES = 2


@dataclass(slots=True)
class WholeWindow:
    """The last `period` mantissas and their sums."""

    period: int
    scale: int
    """What a mantissa is divided by."""
    moments: Moments
    values: deque[int] = field(default_factory=deque)
    sum: int = 0
    weighted: int = 0
    """The oldest once, the next twice, and so on."""
    squares: int = 0

    def push(self, mantissa: int) -> None:
        """The next mantissa; the oldest goes when the window was full."""
        if len(self.values) == self.period:
            oldest = self.values.popleft()
            if self.moments is Moments.WEIGHTED:
                self.weighted -= self.sum
            elif self.moments is Moments.SQUARES:
                self.squares -= oldest * oldest
            self.sum -= oldest
        self.values.append(mantissa)
        self.sum += mantissa
        if self.moments is Moments.WEIGHTED:
            self.weighted += len(self.values) * mantissa
        elif self.moments is Moments.SQUARES:
            self.squares += mantissa * mantissa

    @property
    def is_full(self) -> bool:
        """Whether it holds a period."""
        return len(self.values) == self.period

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield self.sum
        yield self.weighted
        yield from wide_parts(self.squares)
        yield len(self.values)
        yield from self.values

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.sum, self.weighted, self.squares = parts.whole(), parts.whole(), wide_whole(parts)
        self.values = deque(parts.whole() for _ in range(parts.count(self.period)))


@dataclass(slots=True)
class RealWindow:
    """The last `period` floats."""

    period: int
    values: deque[float] = field(default_factory=deque)

    def push(self, value: float) -> None:
        """The next value; the oldest goes when the window was full."""
        if len(self.values) == self.period:
            self.values.popleft()
        self.values.append(value)

    @property
    def is_full(self) -> bool:
        """Whether it holds a period."""
        return len(self.values) == self.period

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield len(self.values)
        yield from self.values

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.values = deque(parts.real() for _ in range(parts.count(self.period)))


Window: TypeAlias = WholeWindow | RealWindow


def window(period: int, scale: int, moments: Moments) -> Window:
    """An empty window: of mantissas with this scale, or of floats where the scale is 0."""
    return WholeWindow(period, scale, moments) if scale else RealWindow(period)


def wide_parts(total: int) -> Iterator[int]:
    """A sum of products that are not below 0, as two numbers that fit i128."""
    yield total & ((1 << HALF_WIDTH) - 1)
    yield total >> HALF_WIDTH


def wide_whole(parts: Parts) -> int:
    """The sum that `wide_parts` gave; its upper part stays below 2**127, so that no sum passes 223 bits."""
    low = parts.count((1 << HALF_WIDTH) - 1)
    return low | parts.count(I128_MAX) << HALF_WIDTH


def mean(held: Window) -> Number | None:
    """sum / n."""
    if not held.is_full:
        return None
    if isinstance(held, WholeWindow):
        return Ratio(held.sum, held.period * held.scale)
    return _total(held) / float(held.period)


def weighted_mean(held: Window) -> Number | None:
    """(1 x1 + 2 x2 + ... + n xn) / (n (n + 1) / 2), xn the newest."""
    if not held.is_full:
        return None
    weights = held.period * (held.period + 1) // 2
    if isinstance(held, WholeWindow):
        return Ratio(held.weighted, weights * held.scale)
    return _weighted_total(held) / float(weights)


def deviation(held: Window) -> float | None:
    """Standard deviation of the population: sqrt(n sum(x**2) - sum(x)**2) / n; of floats sqrt(sum((x - mean)**2) / n)."""
    if not held.is_full:
        return None
    if isinstance(held, WholeWindow):
        spread = held.period * held.squares - held.sum * held.sum
        return sqrt(float(spread)) / float(held.period * held.scale)
    middle = _total(held) / float(held.period)
    total = 0.0
    for value in held.values:
        distance = value - middle
        total = total + distance * distance
    return sqrt(total / float(held.period))


def regression_value(held: Window) -> Number | None:
    """The least-squares line's value at the newest: (6 W - 2 (n + 1) S) / (n (n + 1)) with S the sum and W the weighted one."""
    if not held.is_full:
        return None
    n = held.period
    if isinstance(held, WholeWindow):
        return Ratio(6 * held.weighted - 2 * (n + 1) * held.sum, n * (n + 1) * held.scale)
    over = 6.0 * _weighted_total(held) - 2.0 * float(n + 1) * _total(held)
    return over / float(n * (n + 1))


def regression_slope(held: Window) -> Number | None:
    """The least-squares line's slope per bar: (12 W - 6 (n + 1) S) / (n (n**2 - 1))."""
    if not held.is_full:
        return None
    n = held.period
    if isinstance(held, WholeWindow):
        return Ratio(12 * held.weighted - 6 * (n + 1) * held.sum, n * (n * n - 1) * held.scale)
    over = 12.0 * _weighted_total(held) - 6.0 * float(n + 1) * _total(held)
    return over / float(n * (n * n - 1))


def channel_index(held: Window) -> float | None:
    """(x - mean) / (0.015 * mean absolute deviation), 0 where nothing deviates. Source: D. Lambert, Commodities, October 1980."""
    if not held.is_full:
        return None
    n = held.period
    if isinstance(held, WholeWindow):
        deviations = 0
        for mantissa in held.values:
            deviations += abs(n * mantissa - held.sum)
        over = n * (n * held.values[-1] - held.sum)
        return 0.0 if deviations == 0 else float(over) / (0.015 * float(deviations))
    middle = _total(held) / float(n)
    total = 0.0
    for value in held.values:
        total = total + (value - middle if value > middle else middle - value)
    spread = total / float(n)
    return 0.0 if spread == 0.0 else (held.values[-1] - middle) / (0.015 * spread)


def change_rate(held: Window) -> Number | None:
    """100 (x - x0) / x0 with x0 the oldest of the window, 0 where x0 is 0."""
    if not held.is_full:
        return None
    if isinstance(held, WholeWindow):
        first = held.values[0]
        return Ratio(0, 1) if first == 0 else Ratio(100 * (held.values[-1] - first), first)
    start = held.values[0]
    return 0.0 if start == 0.0 else 100.0 * (held.values[-1] - start) / start


def _total(held: RealWindow) -> float:
    total = 0.0
    for value in held.values:
        total = total + value
    return total


def _weighted_total(held: RealWindow) -> float:
    total, weight = 0.0, 0.0
    for value in held.values:
        weight = weight + 1.0
        total = total + weight * value
    return total


@dataclass(slots=True)
class Extreme:
    """The highest or lowest of the last `period` values: candidates in order, each more extreme than all after it."""

    period: int
    highest: bool
    count: int = 0
    candidates: deque[tuple[int, int | float]] = field(default_factory=deque)
    """Position and value."""

    def push(self, value: int | float) -> None:
        """The next value."""
        while self.candidates and self._yields(self.candidates[-1][1], value):
            self.candidates.pop()
        self.candidates.append((self.count, value))
        self.count += 1
        if self.candidates[0][0] + self.period < self.count:
            self.candidates.popleft()

    def _yields(self, old: int | float, new: int | float) -> bool:
        return old <= new if self.highest else old >= new

    @property
    def is_full(self) -> bool:
        """Whether a period was seen."""
        return self.count >= self.period

    @property
    def value(self) -> int | float:
        """The extreme; there is one after the first value."""
        return self.candidates[0][1]

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield self.count
        yield len(self.candidates)
        for position, value in self.candidates:
            yield position
            yield value

    def restore(self, parts: Parts, *, of_reals: bool) -> None:
        """Take back what `parts` gave, of mantissas or of floats."""
        self.count = parts.count(MOST_VALUES)
        held = range(parts.count(self.period))
        self.candidates = deque((parts.count(MOST_VALUES), parts.real() if of_reals else parts.whole()) for _ in held)
