"""What may be declared: the kinds, their parameters and output lines, and which number of a bar they read (contract/indicators.toml).

How a kind is computed is not here.
"""

from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.units import NULL_INSTRUMENT

MAX_PERIOD = 100_000
"""Longest period of an indicator."""
MIN_KEEP = 2
"""The value now and the one a bar ago."""
MAX_KEEP = 10_000
PARAMETERS = 4
"""Parameters of a declaration; those that a kind does not have are 0."""
NULL_SOURCE = NULL_INSTRUMENT
"""The source of an indicator that reads bars."""
DAY_NS = 86_400_000_000_000
MAX_MULTIPLIER = 1_000_000_000_000
"""A multiplier is a rate at 1e-9; this is 1000."""


class IndicatorKind(IntEnum):
    """The indicators."""

    SMA = 0
    EMA = 1
    WMA = 2
    RSI = 3
    ATR = 4
    MACD = 5
    BOLLINGER = 6
    STOCHASTIC = 7
    DONCHIAN = 8
    STDDEV = 9
    VWAP = 10
    ANCHORED_VWAP = 11
    ADX = 12
    HIGHEST = 13
    LOWEST = 14
    ROC = 15
    CCI = 16
    OBV = 17
    KELTNER = 18
    SUPERTREND = 19
    SAR = 20
    LINEAR_REGRESSION = 21


class BarField(IntEnum):
    """Which number of a bar is read."""

    OPEN = 0
    HIGH = 1
    LOW = 2
    CLOSE = 3
    VOLUME = 4
    HL2 = 5
    HLC3 = 6
    OHLC4 = 7
    HLCC4 = 8


class Parameter(NamedTuple):
    """A whole number that a kind takes, and its range."""

    name: str
    low: int
    high: int


class KindRule(NamedTuple):
    """What a kind takes and gives."""

    parameters: tuple[Parameter, ...]
    lines: tuple[str, ...]
    reads_bars: bool
    """Whether it reads whole bars; else one number of each, or a line of another indicator."""


class Declaration(NamedTuple):
    """An indicator declared in on_start."""

    kind: int
    parameters: tuple[int, ...]
    """`PARAMETERS` of them, 0 where the kind has none: periods in bars, multipliers as rates at 1e-9, spans in ns."""
    stream: int
    bar_field: int
    source: int
    """Index of the indicator whose line is read, or null for the bars themselves."""
    line: int
    """Which line of the source."""
    keep: int
    """How many values are kept, the one now included."""


def _period(name: str = "period", low: int = 1) -> Parameter:
    return Parameter(name, low, MAX_PERIOD)


def _multiplier(name: str) -> Parameter:
    return Parameter(name, 0, MAX_MULTIPLIER)


_VALUE = ("value",)
_BAND = ("middle", "upper", "lower")

RULES: dict[IndicatorKind, KindRule] = {
    IndicatorKind.SMA: KindRule((_period(),), _VALUE, False),
    IndicatorKind.EMA: KindRule((_period(),), _VALUE, False),
    IndicatorKind.WMA: KindRule((_period(),), _VALUE, False),
    IndicatorKind.RSI: KindRule((_period(),), _VALUE, False),
    IndicatorKind.ATR: KindRule((_period(),), _VALUE, True),
    IndicatorKind.MACD: KindRule(
        (_period("fast"), _period("slow", 2), _period("signal")), ("line", "signal", "histogram"), False
    ),
    IndicatorKind.BOLLINGER: KindRule((_period(), _multiplier("deviations")), _BAND, False),
    IndicatorKind.STOCHASTIC: KindRule((_period(), _period("smooth_k"), _period("smooth_d")), ("k", "d"), True),
    IndicatorKind.DONCHIAN: KindRule((_period(),), _BAND, True),
    IndicatorKind.STDDEV: KindRule((_period(),), _VALUE, False),
    IndicatorKind.VWAP: KindRule((_period(),), _VALUE, True),
    IndicatorKind.ANCHORED_VWAP: KindRule(
        (Parameter("every", 0, 366 * DAY_NS), Parameter("offset", -366 * DAY_NS, 366 * DAY_NS)), _VALUE, True
    ),
    IndicatorKind.ADX: KindRule((_period(),), ("adx", "plus_di", "minus_di"), True),
    IndicatorKind.HIGHEST: KindRule((_period(),), _VALUE, False),
    IndicatorKind.LOWEST: KindRule((_period(),), _VALUE, False),
    IndicatorKind.ROC: KindRule((_period(),), _VALUE, False),
    IndicatorKind.CCI: KindRule((_period(),), _VALUE, False),
    IndicatorKind.OBV: KindRule((), _VALUE, True),
    IndicatorKind.KELTNER: KindRule((_period(), _period("atr_period"), _multiplier("multiplier")), _BAND, True),
    IndicatorKind.SUPERTREND: KindRule((_period(), _multiplier("multiplier")), ("value", "direction"), True),
    IndicatorKind.SAR: KindRule((_multiplier("step"), _multiplier("maximum")), ("value", "direction"), True),
    IndicatorKind.LINEAR_REGRESSION: KindRule((_period(low=2),), ("value", "slope"), False),
}
"""The rule of every kind."""


def parameter_problem(kind: IndicatorKind, parameters: tuple[int, ...]) -> str:
    """Why the kind does not take these numbers, '' when it does."""
    declared = RULES[kind].parameters
    for place, value in enumerate(parameters):
        name, low, high = declared[place] if place < len(declared) else (f"parameter {place}", 0, 0)
        if not low <= value <= high:
            return f"{kind.name} {name} {value} is outside {low}..{high}"
    if kind is IndicatorKind.MACD and parameters[0] >= parameters[1]:
        return f"MACD fast {parameters[0]} is not below slow {parameters[1]}"
    return ""
