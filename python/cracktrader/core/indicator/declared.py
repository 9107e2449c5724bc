"""A declared indicator: its computation, its lines now and a bar ago, and the older values it keeps."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cracktrader.core.event import Bar
from cracktrader.core.indicator.average import Convergence, Exponential, StrengthIndex
from cracktrader.core.indicator.declaration import (
    MIN_KEEP,
    NULL_SOURCE,
    RULES,
    BarField,
    Declaration,
    IndicatorKind,
)
from cracktrader.core.indicator.number import NAN, Number, Parts, Step, field_scale, read, real
from cracktrader.core.indicator.trend import (
    BalanceVolume,
    DirectionalMovement,
    Keltner,
    ParabolicStop,
    SuperTrend,
    TrueRange,
)
from cracktrader.core.indicator.window import (
    Extreme,
    Moments,
    change_rate,
    channel_index,
    deviation,
    mean,
    regression_slope,
    regression_value,
    weighted_mean,
    window,
)
from cracktrader.core.indicator.windowed import (
    AnchoredVolumePrice,
    Bollinger,
    Donchian,
    ExtremeOf,
    Line,
    OverWindow,
    Stochastic,
    VolumePrice,
)

OfValues: TypeAlias = OverWindow | Bollinger | ExtremeOf | Exponential | StrengthIndex | Convergence
OfBars: TypeAlias = (
    Donchian
    | Stochastic
    | VolumePrice
    | AnchoredVolumePrice
    | TrueRange
    | DirectionalMovement
    | Keltner
    | SuperTrend
    | ParabolicStop
    | BalanceVolume
)
Computation: TypeAlias = OfValues | OfBars

_OVER_WINDOW: dict[IndicatorKind, tuple[Moments, tuple[Line, ...]]] = {
    IndicatorKind.SMA: (Moments.PLAIN, (mean,)),
    IndicatorKind.WMA: (Moments.WEIGHTED, (weighted_mean,)),
    IndicatorKind.STDDEV: (Moments.SQUARES, (deviation,)),
    IndicatorKind.CCI: (Moments.PLAIN, (channel_index,)),
    IndicatorKind.LINEAR_REGRESSION: (Moments.WEIGHTED, (regression_value, regression_slope)),
}


def computation(kind: IndicatorKind, parameters: tuple[int, ...], scale: int, price: int, volume: int) -> Computation:
    """An empty computation. `scale` is what a mantissa read is divided by, 0 where floats are read; `price` and `volume` are the scales of
    a bar's numbers."""
    a, b, c, _ = parameters
    if kind in _OVER_WINDOW:
        moments, lines = _OVER_WINDOW[kind]
        return OverWindow(window(a, scale, moments), lines)
    made: dict[IndicatorKind, Callable[[], Computation]] = {
        IndicatorKind.EMA: lambda: Exponential(a, scale),
        IndicatorKind.RSI: lambda: StrengthIndex(a, scale),
        IndicatorKind.ATR: lambda: TrueRange(a, price),
        IndicatorKind.MACD: lambda: Convergence(a, b, c, scale),
        IndicatorKind.BOLLINGER: lambda: Bollinger(window(a, scale, Moments.SQUARES), b),
        IndicatorKind.STOCHASTIC: lambda: Stochastic(a, b, c),
        IndicatorKind.DONCHIAN: lambda: Donchian(a, price),
        IndicatorKind.VWAP: lambda: VolumePrice(a, price),
        IndicatorKind.ANCHORED_VWAP: lambda: AnchoredVolumePrice(a, b, price),
        IndicatorKind.ADX: lambda: DirectionalMovement(a, price),
        IndicatorKind.HIGHEST: lambda: ExtremeOf(Extreme(a, True), scale),
        IndicatorKind.LOWEST: lambda: ExtremeOf(Extreme(a, False), scale),
        IndicatorKind.ROC: lambda: OverWindow(window(a + 1, scale, Moments.PLAIN), (change_rate,)),
        IndicatorKind.OBV: lambda: BalanceVolume(volume),
        IndicatorKind.KELTNER: lambda: Keltner(a, b, c, price),
        IndicatorKind.SUPERTREND: lambda: SuperTrend(a, b, price),
        IndicatorKind.SAR: lambda: ParabolicStop(a, b, price),
    }
    return made[kind]()


@dataclass(slots=True)
class Indicator:
    """One declared indicator of a strategy."""

    strategy: int
    declaration: Declaration
    instrument: int
    price_decimals: int
    volume_decimals: int
    bar_field: BarField = field(init=False)
    is_of_bars: bool = field(init=False)
    """Whether it reads whole bars."""
    computation: Computation = field(init=False)
    before: list[Number | None] = field(init=False)
    """Its lines a bar ago."""
    older: deque[tuple[float, ...]] = field(default_factory=deque)
    """Its lines two and more bars ago, as far as they are kept, the newest first."""

    def __post_init__(self) -> None:
        given = self.declaration
        self.bar_field = BarField(given.bar_field)
        self.is_of_bars = RULES[self.kind].reads_bars
        price, volume = 10**self.price_decimals, 10**self.volume_decimals
        is_sourced = given.source != NULL_SOURCE
        scale = 0 if is_sourced else field_scale(self.bar_field, self.price_decimals, self.volume_decimals)
        self.computation = computation(self.kind, given.parameters, scale, price, volume)
        self.before = [None] * len(self.lines)

    @property
    def kind(self) -> IndicatorKind:
        """Which it is."""
        return IndicatorKind(self.declaration.kind)

    @property
    def lines(self) -> tuple[str, ...]:
        """The names of its lines; the first is its value."""
        return RULES[self.kind].lines

    def update(self, bar: Bar, sourced: Number | None) -> None:
        """The next bar of its stream; `sourced` is what its source says now. Where that is not warm nothing is read."""
        if self.declaration.keep > MIN_KEEP:
            self.older.appendleft(tuple(real(number) for number in self.before))
            if len(self.older) > self.declaration.keep - MIN_KEEP:
                self.older.pop()
        for line in range(len(self.before)):
            self.before[line] = self.computation.line(line)
        if self.is_of_bars:
            self.computation.push_bar(bar)  # type: ignore[union-attr]  # one of `OfBars`
        elif self.declaration.source == NULL_SOURCE:
            self.computation.push(read(bar, self.bar_field))  # type: ignore[union-attr]  # one of `OfValues`
        elif sourced is not None:
            self.computation.push(real(sourced))  # type: ignore[union-attr]  # one of `OfValues`

    def restore(self, before: list[Number | None], older: list[tuple[float, ...]], parts: Parts) -> None:
        """Take back what it said a bar ago and before that, and what its computation held. ValueError where that is not of its kind."""
        width = len(self.lines)
        if len(before) != width or len(older) > self.declaration.keep - MIN_KEEP:
            raise ValueError(f"{len(before)} lines and {len(older)} older values are not those of a {self.kind.name}")
        self.before, self.older = before, deque(older)
        self.computation.restore(parts)
        parts.end()

    def number(self, line: int) -> Number | None:
        """What a line says now, None until it is warm."""
        return self.computation.line(line)

    def step(self, line: int) -> Step:
        """A line a bar ago and now."""
        return Step(self.before[line], self.number(line))

    @property
    def warm(self) -> bool:
        """Whether every line has a value."""
        return all(self.number(line) is not None for line in range(len(self.before)))

    def value(self, line: int, ago: int) -> float:
        """A line's value so many bars ago, fewer than are kept; NaN until it was warm."""
        if ago == 0:
            return real(self.number(line))
        if ago == 1:
            return real(self.before[line])
        place = ago - MIN_KEEP
        return self.older[place][line] if place < len(self.older) else NAN
