"""Averages with a memory of one number: exponential, Wilder's, and what is made of them (MACD, RSI).

An input is a mantissa (int), which has a scale, or a float; recursive kinds read it as a float.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cracktrader.core.indicator.number import MOST_VALUES, Number, Parts


@dataclass(slots=True)
class Exponential:
    """Seeded with the mean of the first n values, then previous + 2 / (n + 1) * (x - previous)."""

    period: int
    scale: int
    count: int = 0
    whole: int = 0
    """Sum of the mantissas that seed it."""
    sum: float = 0.0
    """Sum of the floats that seed it."""
    average: float = 0.0

    def push(self, value: int | float) -> None:
        """The next value."""
        self.count += 1
        if self.count > self.period:
            x = value if isinstance(value, float) else float(value) / float(self.scale)
            self.average = self.average + 2.0 / (float(self.period) + 1.0) * (x - self.average)
            return
        if isinstance(value, float):
            self.sum = self.sum + value
        else:
            self.whole += value
        if self.count == self.period:
            is_real = isinstance(value, float)
            self.average = (
                self.sum / float(self.period) if is_real else float(self.whole) / float(self.period * self.scale)
            )

    @property
    def is_full(self) -> bool:
        """Whether it was seeded."""
        return self.count >= self.period

    def line(self, place: int) -> Number | None:
        """The average."""
        del place
        return self.average if self.is_full else None

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield self.count
        yield self.whole
        yield self.sum
        yield self.average

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.count, self.whole = parts.count(MOST_VALUES), parts.whole()
        self.sum, self.average = parts.real(), parts.real()


@dataclass(slots=True)
class Wilder:
    """Mean of the first n values, then (previous * (n - 1) + x) / n. Source: J. W. Wilder, New Concepts in Technical Trading Systems."""

    period: int
    count: int = 0
    average: float = 0.0
    """The sum until n values were seen."""

    def push(self, value: float) -> None:
        """The next value."""
        if self.count >= self.period:
            self.average = (self.average * float(self.period - 1) + value) / float(self.period)
            return
        self.count += 1
        self.average = self.average + value
        if self.count == self.period:
            self.average = self.average / float(self.period)

    @property
    def is_full(self) -> bool:
        """Whether it was seeded."""
        return self.count >= self.period

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield self.count
        yield self.average

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.count, self.average = parts.count(self.period), parts.real()


@dataclass(slots=True)
class StrengthIndex:
    """RSI: 100 * up / (up + down) of Wilder's averages of gains and losses, 0 where nothing moved."""

    period: int
    scale: int
    seen: bool = False
    previous: float = 0.0
    up: Wilder = field(init=False)
    down: Wilder = field(init=False)

    def __post_init__(self) -> None:
        self.up = Wilder(self.period)
        self.down = Wilder(self.period)

    def push(self, value: int | float) -> None:
        """The next value."""
        x = value if isinstance(value, float) else float(value) / float(self.scale)
        if self.seen:
            change = x - self.previous
            self.up.push(change if change > 0.0 else 0.0)
            self.down.push(-change if change < 0.0 else 0.0)
        self.seen = True
        self.previous = x

    def line(self, place: int) -> Number | None:
        """The index, 0 to 100."""
        del place
        if not self.up.is_full:
            return None
        total = self.up.average + self.down.average
        return 0.0 if total == 0.0 else 100.0 * (self.up.average / total)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield int(self.seen)
        yield self.previous
        yield from self.up.parts()
        yield from self.down.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.seen, self.previous = bool(parts.count(1)), parts.real()
        self.up.restore(parts)
        self.down.restore(parts)


@dataclass(slots=True)
class Convergence:
    """MACD: the fast average less the slow one, and an average of that. The fast one is seeded by the values just before the slow one's
    first, so that both start at one bar (as TA-Lib has it). Source: G. Appel, Technical Analysis: Power Tools for Active Investors."""

    fast_period: int
    slow_period: int
    signal_period: int
    scale: int
    fast: Exponential = field(init=False)
    slow: Exponential = field(init=False)
    signal: Exponential = field(init=False)

    def __post_init__(self) -> None:
        self.fast = Exponential(self.fast_period, self.scale)
        self.slow = Exponential(self.slow_period, self.scale)
        self.signal = Exponential(self.signal_period, 0)

    def push(self, value: int | float) -> None:
        """The next value."""
        self.slow.push(value)
        if self.slow.count > self.slow_period - self.fast_period:
            self.fast.push(value)
        if self.slow.is_full:
            self.signal.push(self.fast.average - self.slow.average)

    def line(self, place: int) -> Number | None:
        """The line, its signal, or the line less its signal."""
        if not self.slow.is_full or (place > 0 and not self.signal.is_full):
            return None
        difference = self.fast.average - self.slow.average
        if place == 0:
            return difference
        return self.signal.average if place == 1 else difference - self.signal.average

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from self.fast.parts()
        yield from self.slow.parts()
        yield from self.signal.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.fast.restore(parts)
        self.slow.restore(parts)
        self.signal.restore(parts)
