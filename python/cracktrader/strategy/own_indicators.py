"""Indicators written in Python: a class with `update`, or a function of the last values. The host updates them before `on_bar`.

They see each bar once it is closed, one after the other, and so cannot look ahead. Their state is the strategy's own: it is neither in
the run's state nor in its root.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cracktrader.errors import ConfigError
from cracktrader.strategy.indicator_views import IndicatorView, float_of

WHOLE_BAR = "bar"
"""Instead of a field: `update` takes the bar."""


class Indicator:
    """Base of indicators written in Python; any object with `update` and `value` does as well.

    Subclass it, set `self.value` in `update`, and bind it by `ctx.indicator(MyIndicator(), field="close")`. `value` stays NaN, or None,
    until there is one.
    """

    value: float | None = float("nan")

    def update(self, value: Any) -> None:
        """The next value of the field; the bar itself where it is bound with field="bar"."""
        raise NotImplementedError(f"{type(self).__name__} has no update(value)")


def advance_object(own: Any, reading: IndicatorView | None) -> Callable[[Any], float]:
    """Updates an object with the reading's value, or with the bar where there is none."""
    name = type(own).__name__
    if not callable(getattr(own, "update", None)):
        raise ConfigError(
            f"ctx.indicator takes a declaration such as ct.SMA(10), an object with update(value) and value, or a function "
            f"with window=, not {own!r}"
        )

    def advance(bar: Any) -> float:
        if reading is None:
            own.update(bar)
        elif reading.warm:
            own.update(reading.value)
        if not getattr(own, "warm", True):
            return float("nan")
        return float_of(name, own.value)

    return advance


class Recent:
    """The last `window` values as one read-only array, without a copy per value: a buffer that is moved when it has run full."""

    def __init__(self, window: int) -> None:
        import numpy as np

        self.window = window
        self.count = 0
        """Values held, in the front of the buffer."""
        self._buffer = np.empty(max(2 * window, 64), dtype=np.float64)

    def push(self, value: float) -> None:
        """The next value."""
        if self.count == len(self._buffer):
            kept = self._buffer[self.count - self.window + 1 : self.count].copy()
            # A new buffer: a strategy may have kept an array over the old one.
            self._buffer = self._buffer.copy()
            self._buffer[: len(kept)] = kept
            self.count = len(kept)
        self._buffer[self.count] = value
        self.count += 1

    @property
    def is_full(self) -> bool:
        """Whether there are as many as the window holds."""
        return self.count >= self.window

    def values(self) -> Any:
        """The last ones, the oldest first."""
        held = self._buffer[self.count - self.window : self.count]
        held.flags.writeable = False
        return held


def advance_function(function: Callable[[Any], Any], reading: IndicatorView, window: int) -> Callable[[Any], float]:
    """Calls a function with the last `window` values of the reading, from the bar on which there are as many."""
    recent = Recent(window)
    name = getattr(function, "__name__", type(function).__name__)

    def advance(bar: Any) -> float:
        del bar
        if reading.warm:
            recent.push(reading.value)
        return float_of(name, function(recent.values())) if recent.is_full else float("nan")

    return advance
