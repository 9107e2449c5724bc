"""Kinds that are a function of the last values of one input, or of the last bars: each is one or more windows and the lines over them."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from cracktrader.core.event import Bar
from cracktrader.core.indicator.number import Number, Parts, Ratio, ratio, real
from cracktrader.core.indicator.window import Extreme, RealWindow, Window, deviation, mean, wide_parts, wide_whole
from cracktrader.core.units import I128_MAX, RATE_ONE

Line: TypeAlias = Callable[[Window], Number | None]
"""What a line computes of a window."""


@dataclass(slots=True)
class OverWindow:
    """Any lines over one window: SMA, WMA, standard deviation, rate of change, CCI, linear regression."""

    window: Window
    lines: tuple[Line, ...]

    def push(self, value: int | float) -> None:
        """The next value."""
        self.window.push(value)  # type: ignore[arg-type]  # mantissas for the one, floats for the other

    def line(self, place: int) -> Number | None:
        """The line at that place."""
        return self.lines[place](self.window)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        return self.window.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.window.restore(parts)


@dataclass(slots=True)
class Bollinger:
    """The mean and bands of k standard deviations around it. Source: J. Bollinger, Bollinger on Bollinger Bands."""

    window: Window
    deviations: int

    def push(self, value: int | float) -> None:
        """The next value."""
        self.window.push(value)  # type: ignore[arg-type]  # mantissas for the one, floats for the other

    def line(self, place: int) -> Number | None:
        """The middle, upper or lower band."""
        middle = mean(self.window)
        if place == 0 or middle is None:
            return middle
        spread = deviation(self.window)
        assert spread is not None
        width = float(self.deviations) / float(RATE_ONE) * spread
        return real(middle) + width if place == 1 else real(middle) - width

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        return self.window.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.window.restore(parts)


@dataclass(slots=True)
class ExtremeOf:
    """The highest or lowest value."""

    extreme: Extreme
    scale: int

    def push(self, value: int | float) -> None:
        """The next value."""
        self.extreme.push(value)

    def line(self, place: int) -> Number | None:
        """The extreme."""
        del place
        if not self.extreme.is_full:
            return None
        value = self.extreme.value
        return value if isinstance(value, float) else Ratio(value, self.scale)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        return self.extreme.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.extreme.restore(parts, of_reals=self.scale == 0)


@dataclass(slots=True)
class Donchian:
    """Highest high, lowest low and the middle between them, of the last n bars, the newest included."""

    period: int
    scale: int
    upper: Extreme = field(init=False)
    lower: Extreme = field(init=False)

    def __post_init__(self) -> None:
        self.upper = Extreme(self.period, True)
        self.lower = Extreme(self.period, False)

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        self.upper.push(bar.high)
        self.lower.push(bar.low)

    def line(self, place: int) -> Number | None:
        """The middle, the upper or the lower line."""
        if not self.upper.is_full:
            return None
        upper, lower = int(self.upper.value), int(self.lower.value)
        if place == 0:
            return Ratio(upper + lower, 2 * self.scale)
        return Ratio(upper if place == 1 else lower, self.scale)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from self.upper.parts()
        yield from self.lower.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.upper.restore(parts, of_reals=False)
        self.lower.restore(parts, of_reals=False)


@dataclass(slots=True)
class Stochastic:
    """Where the close lies between lowest low and highest high, 0 to 100, smoothed by simple means: %K over `smooth_k` values, %D over
    `smooth_d` of %K. 0 where high and low are one. Source: G. Lane, Technical Analysis of Stocks and Commodities, 1984."""

    period: int
    smooth_k: int
    smooth_d: int
    upper: Extreme = field(init=False)
    lower: Extreme = field(init=False)
    raw: RealWindow = field(init=False)
    smoothed: RealWindow = field(init=False)

    def __post_init__(self) -> None:
        self.upper = Extreme(self.period, True)
        self.lower = Extreme(self.period, False)
        self.raw = RealWindow(self.smooth_k)
        self.smoothed = RealWindow(self.smooth_d)

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        self.upper.push(bar.high)
        self.lower.push(bar.low)
        if not self.upper.is_full:
            return
        lowest = int(self.lower.value)
        span = int(self.upper.value) - lowest
        self.raw.push(0.0 if span == 0 else float(100 * (bar.close - lowest)) / float(span))
        k = mean(self.raw)
        if k is not None:
            self.smoothed.push(real(k))

    def line(self, place: int) -> Number | None:
        """%K or %D."""
        return mean(self.raw if place == 0 else self.smoothed)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from self.upper.parts()
        yield from self.lower.parts()
        yield from self.raw.parts()
        yield from self.smoothed.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.upper.restore(parts, of_reals=False)
        self.lower.restore(parts, of_reals=False)
        self.raw.restore(parts)
        self.smoothed.restore(parts)


@dataclass(slots=True)
class VolumePrice:
    """VWAP of the last n bars: sum of (high + low + close) / 3 * volume over the sum of volume; not warm while that is 0."""

    period: int
    scale: int
    """Of prices."""
    traded: deque[tuple[int, int]] = field(default_factory=deque)
    """Sum of the three prices times volume, and volume."""
    value: int = 0
    volume: int = 0

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        if len(self.traded) == self.period:
            value, volume = self.traded.popleft()
            self.value -= value
            self.volume -= volume
        value = (bar.high + bar.low + bar.close) * bar.volume
        self.traded.append((value, bar.volume))
        self.value += value
        self.volume += bar.volume

    def line(self, place: int) -> Number | None:
        """The price."""
        del place
        if len(self.traded) < self.period or self.volume == 0:
            return None
        return ratio(self.value, self.volume * 3 * self.scale)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from wide_parts(self.value)
        yield self.volume
        yield len(self.traded)
        for value, volume in self.traded:
            yield from wide_parts(value)
            yield volume

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.value, self.volume = wide_whole(parts), parts.count(I128_MAX)
        held = range(parts.count(self.period))
        self.traded = deque((wide_whole(parts), parts.count(I128_MAX)) for _ in held)


@dataclass(slots=True)
class AnchoredVolumePrice:
    """VWAP since the last anchor: it starts anew with the first bar that opens in another span of `every` ns from `offset` after the
    Unix epoch; never where `every` is 0."""

    every: int
    offset: int
    scale: int
    """Of prices."""
    span: int = 0
    value: int = 0
    volume: int = 0

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        span = 0 if self.every == 0 else (bar.open_time - self.offset) // self.every
        if span != self.span:
            self.value = 0
            self.volume = 0
        self.span = span
        self.value += (bar.high + bar.low + bar.close) * bar.volume
        self.volume += bar.volume

    def line(self, place: int) -> Number | None:
        """The price."""
        del place
        return None if self.volume == 0 else ratio(self.value, self.volume * 3 * self.scale)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield self.span
        yield from wide_parts(self.value)
        yield self.volume

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.span, self.value, self.volume = parts.whole(), wide_whole(parts), parts.count(I128_MAX)
