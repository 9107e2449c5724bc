"""`Bars`, `Trades`, `Quotes`: data with what cannot be known from it; and `Options`, the same as one record.

An option left at None is not said: what stands outside (the arguments of `load`) applies then, else the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cracktrader.data.columns import is_symbol
from cracktrader.data.stamps import OFFSET, parse_duration
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from decimal import Decimal

Kind = Literal["bars", "trades", "quotes"]
Stamp = Literal["open", "close"]
Dst = Literal["refuse", "infer", "earliest", "latest"]
Duration = str | int | timedelta | None
Repairs = str | Iterable[str] | None

LONGEST_SHOWN = 120
"""Characters of data that are shown as they are."""
KINDS = ("bars", "trades", "quotes")
REPAIRS = ("sort", "keep_last", "widen", "snap", "drop")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bars:
    """Bars with what inference cannot know.

    `every` is a bar's duration: "1m", a timedelta or nanoseconds, else the commonest difference of the stamps.
    `stamp="open"` (the default, which cannot look ahead: the bar is delivered one duration later) reads a stamp as the
    bar's start, "close" as its end. `adjust=True` scales open, high, low and close to the column of adjusted closes
    (Yahoo's Adj Close), rounded to six decimals; by default that column is not used. `tick` is the smallest price step.
    The other options are those of `load`.
    """

    kind: ClassVar[Kind] = "bars"

    data: Any
    _: KW_ONLY
    every: Duration = None
    stamp: Stamp | None = None
    tz: str | None = None
    dst: Dst | None = None
    time_format: str | None = None
    columns: Mapping[str, str | int] | None = None
    symbol: str | None = None
    adjust: bool | None = None
    tick: str | int | float | Decimal | None = None
    repair: Repairs = None

    def __repr__(self) -> str:
        return _shown(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trades:
    """Public trades: time, price, quantity, and which side was the aggressor where the data says. Options as in `load`."""

    kind: ClassVar[Kind] = "trades"

    data: Any
    _: KW_ONLY
    tz: str | None = None
    dst: Dst | None = None
    time_format: str | None = None
    columns: Mapping[str, str | int] | None = None
    symbol: str | None = None
    tick: str | int | float | Decimal | None = None
    repair: Repairs = None

    def __repr__(self) -> str:
        return _shown(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quotes:
    """Best bid and ask: time, bid, ask and their quantities (zero where the data has none). Options as in `load`."""

    kind: ClassVar[Kind] = "quotes"

    data: Any
    _: KW_ONLY
    tz: str | None = None
    dst: Dst | None = None
    time_format: str | None = None
    columns: Mapping[str, str | int] | None = None
    symbol: str | None = None
    tick: str | int | float | Decimal | None = None
    repair: Repairs = None

    def __repr__(self) -> str:
        return _shown(self)


Declared = (Bars, Trades, Quotes)


@dataclass(frozen=True, slots=True)
class Options:
    """How one source is read. Every field is None where nothing was said."""

    kind: Kind | None = None
    symbol: str | None = None
    every: Duration = None
    stamp: Stamp | None = None
    tz: str | None = None
    dst: Dst | None = None
    time_format: str | None = None
    columns: Mapping[str, str | int] | None = None
    adjust: bool | None = None
    tick: str | int | float | Decimal | None = None
    repair: Repairs = None

    def within(self, declared: Bars | Trades | Quotes) -> Options:
        """These options with what `declared` says on top; a symbol given from outside, as by a dict, stays."""
        said = {name: getattr(self, name) for name in _NAMES}
        for field in fields(declared):
            value = getattr(declared, field.name)
            if field.name in said and value is not None and not (field.name == "symbol" and self.symbol):
                said[field.name] = value
        said["kind"] = declared.kind
        return Options(**said)

    def named(self, symbol: str) -> Options:
        """These options for the instrument `symbol`."""
        return Options(**{**{name: getattr(self, name) for name in _NAMES}, "symbol": symbol})

    def interval_ns(self) -> int | None:
        """The declared duration of a bar."""
        return None if self.every is None else parse_duration(self.every)

    def repairs(self) -> frozenset[str]:
        """The repairs asked for."""
        asked = [self.repair] if isinstance(self.repair, str) else list(self.repair or ())
        for name in asked:
            if name not in REPAIRS:
                raise ConfigError(f"repair={name!r} is unknown: one or several of {', '.join(REPAIRS)}")
        return frozenset(asked)

    def tick_size(self) -> Decimal | None:
        """The declared price step as a decimal number."""
        if self.tick is None:
            return None
        from decimal import Decimal, InvalidOperation

        try:
            tick = Decimal(str(self.tick))
        except InvalidOperation:
            tick = Decimal(0)
        if not tick.is_finite() or tick <= 0 or tick.as_tuple().exponent < -8:  # type: ignore[operator]  # an int once finite
            raise ConfigError(f"tick={self.tick!r} is not a price step: a positive number of at most 8 decimals")
        return tick

    def check(self) -> None:
        """ConfigError for options that mean nothing."""
        if self.kind not in (None, *KINDS):
            raise ConfigError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}")
        if self.stamp not in (None, "open", "close"):
            raise ConfigError(f'stamp={self.stamp!r} must be "open" or "close": which end of the bar its time marks')
        if self.dst not in (None, "refuse", "infer", "earliest", "latest"):
            raise ConfigError(f'dst={self.dst!r} must be "refuse", "infer", "earliest" or "latest"')
        if self.symbol is not None and not is_symbol(self.symbol):
            raise ConfigError(f"symbol={self.symbol!r} is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / -")
        if self.columns is not None and not isinstance(self.columns, Mapping):
            raise ConfigError(f'columns={self.columns!r} must be a dict of field to column, as in {{"close": "Last"}}')
        if self.tz is not None:
            _check_zone(self.tz)
        self.interval_ns()
        self.repairs()
        self.tick_size()


_NAMES = tuple(field.name for field in fields(Options))


def _shown(declared: Bars | Trades | Quotes) -> str:
    """The data in a few words, and what was said about it."""
    data = declared.data
    words = repr(data)
    if len(words) > LONGEST_SHOWN or "\n" in words:
        rows = f", {len(data):,} long" if hasattr(data, "__len__") else ""
        words = f"<{type(data).__name__}{rows}>"
    said = [f"{field.name}={getattr(declared, field.name)!r}" for field in fields(declared) if field.name != "data"]
    return f"{type(declared).__name__}({', '.join([words, *(one for one in said if not one.endswith('=None'))])})"


def _check_zone(tz: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        if not OFFSET.fullmatch(tz):
            ZoneInfo(tz)
    except (TypeError, ValueError, OSError, LookupError) as error:
        raise ConfigError(
            f'tz={tz!r} is not a time zone: a name such as "Europe/Berlin", "America/New_York" or "UTC", or "+02:00"'
        ) from error
