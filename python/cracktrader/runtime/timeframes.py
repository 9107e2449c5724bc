"""Time frames that the core makes bars of while it runs: `TimeBars`, `TickBars`, `VolumeBars`, `ValueBars`, and what they declare.

How such bars are made, and when they are seen, is the core's `aggregate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cracktrader.core.config import BarRule, DataKind, Stream
from cracktrader.core.instrument import Instrument
from cracktrader.core.units import I64_MAX
from cracktrader.data.columns import BarColumns, Columns
from cracktrader.data.stamps import duration_text, parse_duration
from cracktrader.errors import ConfigError

WEEK_NS = 7 * 86_400 * 10**9
MONDAY_NS = 4 * 86_400 * 10**9
"""The first Monday after the epoch, which was a Thursday: weeks begin there."""
FINEST = (DataKind.TRADE, DataKind.QUOTE, DataKind.BAR)
"""Of the kinds that an instrument has, the first drives matching and marks."""
FROM = (DataKind.TRADE, DataKind.BAR, DataKind.QUOTE)
"""Of the kinds that an instrument has, the first is what its time frames are made of: what has a volume comes first."""


@dataclass(frozen=True, slots=True)
class TimeBars:
    """Bars of one duration, such as "5m", "1h", "1d", "1w" (also a timedelta, or nanoseconds).

    They begin at whole multiples of it in UTC since 1970, weeks on Monday, or `offset` later.
    """

    every: str | int | timedelta
    offset: str | int | timedelta | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.offset_ns < self.size_ns:
            raise ConfigError(f"TimeBars: offset {self.offset!r} is not below the duration {self.every!r}")

    def __str__(self) -> str:
        plain = self.offset_ns == _usual_offset(self.size_ns)
        return duration_text(self.size_ns) + ("" if plain else f"+{duration_text(self.offset_ns)}")

    @property
    def size_ns(self) -> int:
        """The duration in nanoseconds."""
        return parse_duration(self.every)

    @property
    def offset_ns(self) -> int:
        """Where the grid begins after the epoch, in nanoseconds."""
        if self.offset is None:
            return _usual_offset(self.size_ns)
        return 0 if self.offset == 0 else parse_duration(self.offset)


@dataclass(frozen=True, slots=True)
class TickBars:
    """Bars of a number of trades; of bars, or of quotes, where there are no trades."""

    ticks: int

    def __post_init__(self) -> None:
        if type(self.ticks) is not int or not 1 <= self.ticks <= I64_MAX:
            raise ConfigError(f"TickBars: a number of trades is a whole number above 0, not {self.ticks!r}")

    def __str__(self) -> str:
        return f"{self.ticks} ticks"


@dataclass(frozen=True, slots=True)
class VolumeBars:
    """Bars that close when so many units were traded. The trade that reaches it is in the bar with all it has."""

    volume: float

    def __post_init__(self) -> None:
        _above_zero("VolumeBars", self.volume)

    def __str__(self) -> str:
        return f"{_plain(self.volume)} volume"


@dataclass(frozen=True, slots=True)
class ValueBars:
    """Bars that close when price x quantity adds up to so much. The trade that reaches it is in the bar with all it has."""

    value: float

    def __post_init__(self) -> None:
        _above_zero("ValueBars", self.value)

    def __str__(self) -> str:
        return f"{_plain(self.value)} value"


Frame = TimeBars | TickBars | VolumeBars | ValueBars
TimeFrame = str | timedelta | Frame
"""What `timeframes` takes: a text such as "5m" is `TimeBars` of it."""


def frames_of(given: Sequence[TimeFrame] | TimeFrame) -> tuple[Frame, ...]:
    """The time frames asked for, each once. ConfigError for what is none."""
    listed = list(given) if isinstance(given, list | tuple) else [given]
    frames: list[Frame] = []
    for one in listed:
        if isinstance(one, str | timedelta):
            one = TimeBars(one)
        if not isinstance(one, Frame):
            raise ConfigError(f'{one!r} is no time frame: use a text such as "5m", or ct.TickBars(100) and its sisters')
        if str(one) in map(str, frames):
            raise ConfigError(f"the time frame {one} is named twice")
        frames.append(one)
    return tuple(frames)


def derived_stream(
    frame: Frame,
    instrument: Instrument,
    given: Sequence[tuple[int, Stream, Columns]],
) -> Stream:
    """The stream of a time frame, made of the best of the instrument's `given` ones, each with its index and columns."""
    index, source, columns = min(given, key=lambda one: FROM.index(one[1].kind))
    rule, size, offset = BarRule.TICK, 0, 0
    decimals = source.volume_decimals if source.kind is DataKind.BAR else instrument.quantity_decimals
    if isinstance(frame, TimeBars):
        rule, size, offset = BarRule.TIME, frame.size_ns, frame.offset_ns
        if isinstance(columns, BarColumns):
            _check_multiple(frame, columns)
    elif isinstance(frame, TickBars):
        size = frame.ticks
    else:
        if source.kind is DataKind.QUOTE:
            raise ConfigError(f"{instrument.name}: {frame} needs trades or bars: quotes have no volume")
        price = isinstance(frame, ValueBars)
        rule = BarRule.VALUE if price else BarRule.VOLUME
        exact = Decimal(str(frame.value if isinstance(frame, ValueBars) else frame.volume))
        scaled = exact.scaleb(decimals + (instrument.price_decimals if price else 0))
        size = int(scaled)
        if size != scaled or not size:
            raise ConfigError(f"{instrument.name}: {frame} has more than its {decimals} decimals of volume")
    return Stream(source.instrument, DataKind.BAR, False, decimals, 0, index, rule, size, offset)


def _check_multiple(frame: TimeBars, columns: BarColumns) -> None:
    """Bars of one duration make bars of its multiples, and of those only."""
    interval = columns.interval_ns
    if interval > 0 and (frame.size_ns % interval or frame.size_ns == interval):
        raise ConfigError(
            f"{columns.symbol}: bars of {duration_text(interval)} make no bars of {frame}: ask for a multiple of their duration"
        )


def _usual_offset(size: int) -> int:
    return MONDAY_NS if size % WEEK_NS == 0 else 0


def _above_zero(name: str, value: float) -> None:
    if type(value) not in (int, float, Decimal) or not 0 < value < 1e30:
        raise ConfigError(f"{name}: a size is a number above 0, not {value!r}")


def _plain(value: float) -> str:
    return f"{Decimal(str(value)).normalize():f}"
