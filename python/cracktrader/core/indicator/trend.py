"""Kinds that follow whole bars with f64: true range, directional movement, bands of true range, parabolic stop, on-balance volume."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cracktrader.core.event import Bar
from cracktrader.core.indicator.average import Exponential, Wilder
from cracktrader.core.indicator.number import MOST_VALUES, Number, Parts, Ratio
from cracktrader.core.units import I64_MAX, I64_MIN, RATE_ONE, Price

UP, DOWN = 1.0, -1.0
"""Directions of a trend."""


@dataclass(slots=True)
class TrueRange:
    """ATR: Wilder's average of max(high - low, |high - previous close|, |low - previous close|), from the second bar on."""

    period: int
    scale: int
    seen: bool = False
    close: int = 0
    average: Wilder = field(init=False)

    def __post_init__(self) -> None:
        self.average = Wilder(self.period)

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        if self.seen:
            self.average.push(float(true_range(bar, self.close)) / float(self.scale))
        self.seen = True
        self.close = bar.close

    def line(self, place: int) -> Number | None:
        """The average."""
        del place
        return self.average.average if self.average.is_full else None

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield int(self.seen)
        yield self.close
        yield from self.average.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.seen, self.close = bool(parts.count(1)), price_part(parts)
        self.average.restore(parts)


def price_part(parts: Parts) -> Price:
    """The next part, which is a price."""
    value = parts.whole()
    if not I64_MIN <= value <= I64_MAX:
        raise ValueError(f"part {parts.at - 1} of an indicator is {value}, which is no price")
    return value


def true_range(bar: Bar, previous_close: int) -> int:
    """The bar's range, a gap from the previous close included."""
    top = bar.high if bar.high > previous_close else previous_close
    bottom = bar.low if bar.low < previous_close else previous_close
    return top - bottom


@dataclass(slots=True)
class DirectionalMovement:
    """ADX with +DI and -DI. Movements and true ranges are summed over n - 1 changes, then sum - sum / n + new; DI = 100 * movement /
    range; DX = 100 * |+DI - -DI| / (+DI + -DI); ADX is the mean of the first n DX, then Wilder's. A bar without movement leaves ADX as
    it was. Source: J. W. Wilder, New Concepts in Technical Trading Systems; seeding as TA-Lib has it."""

    period: int
    scale: int
    bars: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    plus: float = 0.0
    minus: float = 0.0
    range: float = 0.0
    indexes: int = 0
    """DX seen, up to n."""
    adx: float = 0.0
    """Their sum until n were seen."""

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        if self.bars > 0:
            self._move(bar)
        self.bars += 1
        self.high, self.low, self.close = bar.high, bar.low, bar.close

    def _move(self, bar: Bar) -> None:
        up, down = bar.high - self.high, self.low - bar.low
        plus = float(up if up > 0 and up > down else 0) / float(self.scale)
        minus = float(down if down > 0 and down > up else 0) / float(self.scale)
        true = float(true_range(bar, self.close)) / float(self.scale)
        n = float(self.period)
        if self.bars >= self.period:
            self.plus = self.plus - self.plus / n
            self.minus = self.minus - self.minus / n
            self.range = self.range - self.range / n
        self.plus = self.plus + plus
        self.minus = self.minus + minus
        self.range = self.range + true
        if self.bars >= self.period:
            self._index()

    def _index(self) -> None:
        plus, minus, n = self._indicator(self.plus), self._indicator(self.minus), float(self.period)
        total = plus + minus
        distance = plus - minus if plus > minus else minus - plus
        index = 0.0 if total == 0.0 else 100.0 * (distance / total)
        if self.indexes >= self.period:
            if total != 0.0:
                self.adx = (self.adx * (n - 1.0) + index) / n
            return
        self.indexes += 1
        self.adx = self.adx + index
        if self.indexes == self.period:
            self.adx = self.adx / n

    def _indicator(self, movement: float) -> float:
        return 0.0 if self.range == 0.0 else 100.0 * (movement / self.range)

    def line(self, place: int) -> Number | None:
        """ADX, +DI or -DI."""
        if place == 0:
            return self.adx if self.indexes >= self.period else None
        if self.bars <= self.period:
            return None
        return self._indicator(self.plus if place == 1 else self.minus)

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from (self.bars, self.high, self.low, self.close)
        yield from (self.plus, self.minus, self.range, self.indexes, self.adx)

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.bars = parts.count(MOST_VALUES)
        self.high, self.low, self.close = price_part(parts), price_part(parts), price_part(parts)
        self.plus, self.minus, self.range = parts.real(), parts.real(), parts.real()
        self.indexes, self.adx = parts.count(self.period), parts.real()


@dataclass(slots=True)
class Keltner:
    """The exponential average of closes and bands of k ATR around it; all lines from the bar on which both are warm."""

    period: int
    atr_period: int
    multiplier: int
    scale: int
    middle: Exponential = field(init=False)
    range: TrueRange = field(init=False)

    def __post_init__(self) -> None:
        self.middle = Exponential(self.period, self.scale)
        self.range = TrueRange(self.atr_period, self.scale)

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        self.middle.push(bar.close)
        self.range.push_bar(bar)

    def line(self, place: int) -> Number | None:
        """The middle, upper or lower band."""
        average = self.range.average
        if not (self.middle.is_full and average.is_full):
            return None
        if place == 0:
            return self.middle.average
        width = float(self.multiplier) / float(RATE_ONE) * average.average
        return self.middle.average + width if place == 1 else self.middle.average - width

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from self.middle.parts()
        yield from self.range.parts()

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.middle.restore(parts)
        self.range.restore(parts)


@dataclass(slots=True)
class SuperTrend:
    """Bands of k ATR around (high + low) / 2. A band only tightens until the previous close was beyond it; the trend turns when the close
    crosses the band it follows, and follows the other one. It starts down, at the upper band."""

    period: int
    multiplier: int
    scale: int
    range: TrueRange = field(init=False)
    close: float = 0.0
    upper: float = 0.0
    lower: float = 0.0
    direction: float = 0.0
    """0 until the range is warm."""

    def __post_init__(self) -> None:
        self.range = TrueRange(self.period, self.scale)

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        self.range.push_bar(bar)
        close = float(bar.close) / float(self.scale)
        if self.range.average.is_full:
            self._follow(float(bar.high + bar.low) / float(2 * self.scale), close)
        self.close = close

    def _follow(self, middle: float, close: float) -> None:
        width = float(self.multiplier) / float(RATE_ONE) * self.range.average.average
        upper, lower = middle + width, middle - width
        if self.direction == 0.0:
            self.upper, self.lower, self.direction = upper, lower, DOWN
            return
        if upper < self.upper or self.close > self.upper:
            self.upper = upper
        if lower > self.lower or self.close < self.lower:
            self.lower = lower
        if self.direction == DOWN:
            self.direction = UP if close > self.upper else DOWN
        else:
            self.direction = DOWN if close < self.lower else UP

    def line(self, place: int) -> Number | None:
        """The band that is followed, or the direction: 1 up, -1 down."""
        if self.direction == 0.0:
            return None
        if place == 1:
            return self.direction
        return self.lower if self.direction == UP else self.upper

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from self.range.parts()
        yield from (self.close, self.upper, self.lower, self.direction)

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.range.restore(parts)
        self.close, self.upper, self.lower, self.direction = (parts.real() for _ in range(4))


@dataclass(slots=True)
class ParabolicStop:
    """SAR: stop + factor * (extreme - stop), kept outside the last two bars; a touch turns it, to the old extreme. The factor grows by
    `step` with each new extreme, to `maximum`. The first direction is down where the second bar moved down more than up, else up.
    Source: J. W. Wilder, New Concepts in Technical Trading Systems; seeding as TA-Lib has it."""

    step: int
    maximum: int
    scale: int
    bars: int = 0
    high: float = 0.0
    low: float = 0.0
    """Of the bar before."""
    direction: float = UP
    stop: float = 0.0
    """The stop of the next bar."""
    extreme: float = 0.0
    factor: float = 0.0
    value: float = 0.0
    """The stop of this bar."""

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        high, low = float(bar.high) / float(self.scale), float(bar.low) / float(self.scale)
        if self.bars == 1:
            self._start(high, low)
        if self.bars > 0:
            self._follow(high, low)
        self.bars += 1
        self.high, self.low = high, low

    def _start(self, high: float, low: float) -> None:
        up, down = high - self.high, self.low - low
        self.direction = DOWN if down > 0.0 and down > up else UP
        self.stop = self.low if self.direction == UP else self.high
        self.extreme = high if self.direction == UP else low
        self.factor = self._rate(self.step if self.step < self.maximum else self.maximum)
        # On the first bar that has a stop the bar before is itself.
        self.high, self.low = high, low

    def _follow(self, high: float, low: float) -> None:
        is_up = self.direction == UP
        if low <= self.stop if is_up else high >= self.stop:
            self._turn(high, low)
            return
        self.value = self.stop
        if high > self.extreme if is_up else low < self.extreme:
            self.extreme = high if is_up else low
            self.factor = self.factor + self._rate(self.step)
            if self.factor > self._rate(self.maximum):
                self.factor = self._rate(self.maximum)
        self.stop = self._kept_outside(self.stop + self.factor * (self.extreme - self.stop), high, low)

    def _turn(self, high: float, low: float) -> None:
        self.direction = DOWN if self.direction == UP else UP
        self.value = self._kept_outside(self.extreme, high, low)
        self.extreme = high if self.direction == UP else low
        self.factor = self._rate(self.step if self.step < self.maximum else self.maximum)
        self.stop = self._kept_outside(self.value + self.factor * (self.extreme - self.value), high, low)

    def _kept_outside(self, stop: float, high: float, low: float) -> float:
        """At or below both lows while up, at or above both highs while down."""
        if self.direction == UP:
            stop = self.low if stop > self.low else stop
            return low if stop > low else stop
        stop = self.high if stop < self.high else stop
        return high if stop < high else stop

    @staticmethod
    def _rate(rate: int) -> float:
        return float(rate) / float(RATE_ONE)

    def line(self, place: int) -> Number | None:
        """The stop, or the direction: 1 up, -1 down."""
        if self.bars < 2:
            return None
        return self.value if place == 0 else self.direction

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from (self.bars, self.high, self.low, self.direction)
        yield from (self.stop, self.extreme, self.factor, self.value)

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.bars = parts.count(MOST_VALUES)
        self.high, self.low, self.direction = parts.real(), parts.real(), parts.real()
        self.stop, self.extreme, self.factor, self.value = (parts.real() for _ in range(4))


@dataclass(slots=True)
class BalanceVolume:
    """OBV: the first bar's volume; then volume is added when the close rose and taken away when it fell. Source: J. Granville."""

    scale: int
    """Of volume."""
    seen: bool = False
    close: int = 0
    total: int = 0

    def push_bar(self, bar: Bar) -> None:
        """The next bar."""
        if not self.seen or bar.close > self.close:
            self.total += bar.volume
        elif bar.close < self.close:
            self.total -= bar.volume
        self.seen = True
        self.close = bar.close

    def line(self, place: int) -> Number | None:
        """The total."""
        del place
        return Ratio(self.total, self.scale) if self.seen else None

    def parts(self) -> Iterator[int | float]:
        """What it holds, for the leaf."""
        yield from (int(self.seen), self.close, self.total)

    def restore(self, parts: Parts) -> None:
        """Take back what `parts` gave."""
        self.seen, self.close, self.total = bool(parts.count(1)), price_part(parts), parts.whole()
