"""Declarations of core indicators: what to compute, not how. The computing is in the core; `ctx.indicator` binds a declaration.

Formulas, seeding and warm-up of each are in docs/reference/indicators.md. Indicators written in Python are in `own_indicators`.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import timedelta
from math import isfinite
from typing import Any, ClassVar

from cracktrader.core.indicator import (
    MAX_KEEP,
    MIN_KEEP,
    PARAMETERS,
    RULES,
    BarField,
    IndicatorKind,
    parameter_problem,
)
from cracktrader.core.units import RATE_ONE
from cracktrader.errors import ConfigError
from cracktrader.strategy.indicator_views import IndicatorView, OwnIndicatorView
from cracktrader.strategy.sizing import nanoseconds

FIELDS = {field.name.lower(): field for field in BarField} | {"typical": BarField.HLC3}
"""Names of what may be read of a bar; the mean of high, low and close is also called typical."""
RATES = frozenset(("deviations", "multiplier", "step", "maximum"))
"""Parameters that are multipliers, rates at 1e-9 in the core."""
SPANS = frozenset(("every", "offset"))
"""Parameters that are spans of time, ns in the core."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An indicator of an instrument's bars. `keep` is how many of its values can be read back: [0] now to [-(keep - 1)]."""

    kind: ClassVar[IndicatorKind]
    keep: int = MIN_KEEP

    def __post_init__(self) -> None:
        if not _is_whole(self.keep) or not MIN_KEEP <= self.keep <= MAX_KEEP:
            raise ConfigError(f"{self._name} keep {self.keep!r} is not a whole number of {MIN_KEEP}..{MAX_KEEP}")
        if problem := parameter_problem(self.kind, self.numbers()):
            raise ConfigError(problem.replace(self.kind.name, self._name, 1))

    @property
    def _name(self) -> str:
        return type(self).__name__

    def numbers(self) -> tuple[int, ...]:
        """The parameters as the core takes them: whole numbers, multipliers as rates, spans in ns."""
        given = [self._number(parameter.name) for parameter in RULES[self.kind].parameters]
        return (*given, *[0] * (PARAMETERS - len(given)))

    def _number(self, name: str) -> int:
        value = getattr(self, name)
        if name in RATES:
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
                raise ConfigError(f"{self._name} {name} {value!r} is not a finite number")
            return round(value * RATE_ONE)
        if name in SPANS:
            return nanoseconds(value)
        if not _is_whole(value):
            raise ConfigError(f"{self._name} {name} {value!r} is not a whole number of bars")
        return int(value)

    def line(self, name: str) -> Line:
        """One of its output lines, to compute another indicator of: `ct.SMA(9, source=ct.MACD().line("signal"))`."""
        lines = RULES[self.kind].lines
        if name not in lines:
            raise ConfigError(f"{self._name} has no line {name!r}; it has: {', '.join(lines)}")
        return Line(self, lines.index(name))


@dataclass(frozen=True)
class Line:
    """An output line of a declaration that is not bound yet."""

    of: Declared
    place: int

    @property
    def name(self) -> str:
        """Its name."""
        return RULES[self.of.kind].lines[self.place]


@dataclass(frozen=True, kw_only=True)
class OfField(Declared):
    """An indicator of one number a bar: a `field` of the bar ("open", "high", "low", "close", "volume", "hl2", "hlc3" or "typical",
    "ohlc4", "hlcc4"), or a `source`, which is another declaration, a line of one, or a bound indicator."""

    field: str = "close"
    source: Declared | Line | IndicatorView | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.field not in FIELDS:
            raise ConfigError(f"{self._name}: a bar has no field {self.field!r}; it has: {', '.join(FIELDS)}")
        if isinstance(self.source, OwnIndicatorView):
            raise ConfigError(f"{self._name}: the core cannot read {self.source!r}, which is computed in Python")
        if not isinstance(self.source, Declared | Line | IndicatorView | None):
            raise ConfigError(f"{self._name}: source is an indicator such as ct.RSI(14), not {self.source!r}")


@dataclass(frozen=True)
class SMA(OfField):
    """Simple moving average: the sum of the last `period` values over `period`, exact until the one division."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.SMA
    period: int


@dataclass(frozen=True)
class EMA(OfField):
    """Exponential moving average: seeded with the simple average of the first `period` values, then
    previous + 2 / (period + 1) * (x - previous)."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.EMA
    period: int


@dataclass(frozen=True)
class WMA(OfField):
    """Weighted moving average: the newest of `period` values counts `period` times, the oldest once."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.WMA
    period: int


@dataclass(frozen=True)
class RSI(OfField):
    """Relative strength index with Wilder's averages: 100 * up / (up + down)."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.RSI
    period: int = 14


@dataclass(frozen=True)
class MACD(OfField):
    """Moving average convergence and divergence: lines `line` (also the value), `signal`, `histogram`."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.MACD
    fast: int = 12
    slow: int = 26
    signal: int = 9


@dataclass(frozen=True)
class Bollinger(OfField):
    """Bollinger bands: lines `middle` (also the value), `upper`, `lower`."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.BOLLINGER
    period: int = 20
    deviations: float = 2.0


@dataclass(frozen=True)
class StdDev(OfField):
    """Standard deviation of the population of the last `period` values."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.STDDEV
    period: int = 20


@dataclass(frozen=True)
class Highest(OfField):
    """The highest of the last `period` values, the newest included."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.HIGHEST
    period: int


@dataclass(frozen=True)
class Lowest(OfField):
    """The lowest of the last `period` values, the newest included."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.LOWEST
    period: int


@dataclass(frozen=True)
class ROC(OfField):
    """Rate of change in percent against the value `period` bars ago."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.ROC
    period: int = 10


@dataclass(frozen=True)
class CCI(OfField):
    """Commodity channel index, of the typical price unless another field is named."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.CCI
    period: int = 20
    field: str = dataclass_field(default="hlc3", kw_only=True)


@dataclass(frozen=True)
class LinearRegression(OfField):
    """Least-squares line through the last `period` values: its `value` at the newest, and its `slope` per bar."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.LINEAR_REGRESSION
    period: int = 14


@dataclass(frozen=True)
class ATR(Declared):
    """Average true range, Wilder's average."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.ATR
    period: int = 14


@dataclass(frozen=True)
class Stochastic(Declared):
    """Stochastic oscillator: lines `k` (also the value) and `d`. `smooth_k=1` is the fast one."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.STOCHASTIC
    period: int = 14
    smooth_k: int = 3
    smooth_d: int = 3


@dataclass(frozen=True)
class Donchian(Declared):
    """Donchian channel: lines `middle` (also the value), `upper`, `lower`. The newest bar is inside; for a breakout read [-1]."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.DONCHIAN
    period: int = 20


@dataclass(frozen=True)
class VWAP(Declared):
    """Volume-weighted average of the typical price over the last `period` bars; not warm while they have no volume."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.VWAP
    period: int = 20


@dataclass(frozen=True)
class AnchoredVWAP(Declared):
    """Volume-weighted average of the typical price since the last anchor: each UTC day, or every `every` from `offset` after midnight
    UTC (timedeltas or ns), so `offset=timedelta(hours=14, minutes=30)` anchors at that hour; never anew where `every` is 0."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.ANCHORED_VWAP
    every: timedelta | int = timedelta(days=1)
    offset: timedelta | int = 0


@dataclass(frozen=True)
class ADX(Declared):
    """Average directional index: lines `adx` (also the value), `plus_di`, `minus_di`."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.ADX
    period: int = 14


@dataclass(frozen=True)
class OBV(Declared):
    """On-balance volume."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.OBV


@dataclass(frozen=True)
class Keltner(Declared):
    """Keltner channel: EMA of closes and bands of `multiplier` ATR: lines `middle` (also the value), `upper`, `lower`."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.KELTNER
    period: int = 20
    atr_period: int = 10
    multiplier: float = 2.0


@dataclass(frozen=True)
class SuperTrend(Declared):
    """SuperTrend: `value` is the band that is followed, `direction` 1.0 up or -1.0 down."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.SUPERTREND
    period: int = 10
    multiplier: float = 3.0


@dataclass(frozen=True)
class SAR(Declared):
    """Parabolic stop and reverse: `value` is the stop, `direction` 1.0 up or -1.0 down."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.SAR
    step: float = 0.02
    maximum: float = 0.2


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
