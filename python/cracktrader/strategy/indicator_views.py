"""Bound indicators as strategies see them: those of the core, and those written in Python.

`IndicatorView` is over the Python core; the Rust core has its own, equal in names, repr and values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import isnan
from typing import Any

from cracktrader.core.indicator import Indicator, crossed_above, level
from cracktrader.errors import ConfigError

NAMES = ("crossed_above", "crossed_below", "value", "warm")
"""The names that every view has."""


class IndicatorView:
    """A bound indicator, live inside callbacks: `value` now, `[-1]` a bar ago, and its lines as attributes (`macd.signal`)."""

    __slots__ = ("_index", "_indicator", "_line", "_stream", "_whole")

    def __init__(self, indicator: Indicator, index: int, line: int = 0, whole: bool = True) -> None:
        self._indicator = indicator
        self._index = index
        self._line = line
        self._stream = indicator.declaration.stream
        self._whole = whole

    @property
    def value(self) -> float:
        """The value now, of the first line unless this is another; NaN until warm."""
        return self._indicator.value(self._line, 0)

    @property
    def warm(self) -> bool:
        """Whether there is a value; of an indicator with several lines, whether all have one."""
        return self._indicator.warm if self._whole else self._indicator.number(self._line) is not None

    def crossed_above(self, other: IndicatorView | OwnIndicatorView | float) -> bool:
        """Whether this was at or below `other` a bar ago and is above it now; false until both were warm."""
        return self._crosses(other, above=True)

    def crossed_below(self, other: IndicatorView | OwnIndicatorView | float) -> bool:
        """Whether this was at or above `other` a bar ago and is below it now; false until both were warm."""
        return self._crosses(other, above=False)

    def _crosses(self, other: Any, *, above: bool) -> bool:
        mine = self._indicator.step(self._line)
        if isinstance(other, IndicatorView):
            theirs = other._indicator.step(other._line)
        elif isinstance(other, OwnIndicatorView):
            return other.crossed_below(self) if above else other.crossed_above(self)
        elif isinstance(other, int | float):
            theirs = level(float(other))
        else:
            raise TypeError(f"an indicator crosses another one or a number, not {other!r}")
        return crossed_above(mine, theirs) if above else crossed_above(theirs, mine)

    def _of_line(self, line: int) -> IndicatorView:
        """One of its lines."""
        return IndicatorView(self._indicator, self._index, line, whole=False)

    def _lines(self) -> tuple[str, ...]:
        """The names of the lines that it has as attributes."""
        lines = self._indicator.lines
        return lines if self._whole and len(lines) > 1 else ()

    def __getattr__(self, name: str) -> IndicatorView:
        lines = self._lines()
        if name in lines:
            return self._of_line(lines.index(name))
        known = ", ".join((*NAMES, *lines))
        raise AttributeError(f"an indicator {self._indicator.kind.name} has no {name}; it has: {known}")

    def __dir__(self) -> list[str]:
        return sorted({*NAMES, *self._lines()})

    def __getitem__(self, ago: Any) -> float:
        keep = self._indicator.declaration.keep
        if not isinstance(ago, int) or not -keep < ago <= 0:
            raise IndexError(_not_kept(keep, ago))
        return self._indicator.value(self._line, -ago)

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        lines = self._indicator.lines
        places = range(len(lines)) if self._whole else (self._line,)
        shown = "".join(f"{lines[place]}={self._indicator.value(place, 0)!r}, " for place in places)
        return f"IndicatorView({shown}warm={self.warm!r})"


class OwnIndicatorView:
    """A bound indicator that is computed in Python. It reads as one of the core; `own` is the object itself."""

    __slots__ = ("_advance", "_stream", "_values", "own")

    def __init__(self, own: Any, advance: Callable[[Any], float], stream: int, keep: int) -> None:
        self.own = own
        self._advance = advance
        """Takes the bar and returns the value, NaN for not warm."""
        self._stream = stream
        self._values: deque[float] = deque([float("nan")] * keep, maxlen=keep)

    def update(self, bar: Any) -> None:
        """The next bar of any stream; only those of its own are read."""
        if bar._stream == self._stream:
            self._values.appendleft(self._advance(bar))

    @property
    def value(self) -> float:
        """The value now, NaN until warm."""
        return self._values[0]

    @property
    def warm(self) -> bool:
        """Whether there is a value."""
        return not isnan(self._values[0])

    def crossed_above(self, other: IndicatorView | OwnIndicatorView | float) -> bool:
        """Whether this was at or below `other` a bar ago and is above it now; false until both were warm."""
        before, now = _two(other)
        return self._values[1] <= before and self._values[0] > now

    def crossed_below(self, other: IndicatorView | OwnIndicatorView | float) -> bool:
        """Whether this was at or above `other` a bar ago and is below it now; false until both were warm."""
        before, now = _two(other)
        return self._values[1] >= before and self._values[0] < now

    def __getitem__(self, ago: Any) -> float:
        keep = len(self._values)
        if not isinstance(ago, int) or not -keep < ago <= 0:
            raise IndexError(_not_kept(keep, ago))
        return self._values[-ago]

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"OwnIndicatorView({type(self.own).__name__}, value={self.value!r}, warm={self.warm!r})"


def _two(other: Any) -> tuple[float, float]:
    """What is crossed, a bar ago and now."""
    if isinstance(other, IndicatorView | OwnIndicatorView):
        return other[-1], other[0]
    if isinstance(other, int | float):
        return float(other), float(other)
    raise TypeError(f"an indicator crosses another one or a number, not {other!r}")


def _not_kept(keep: int, ago: object) -> str:
    return f"this indicator keeps {keep} values, [0] now to [-{keep - 1}], not [{ago}]: declare it with a larger keep="


def float_of(owner: str, value: Any) -> float:
    """What an indicator written in Python says, NaN for None."""
    if value is None:
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{owner} says {value!r}, which is no number") from None
