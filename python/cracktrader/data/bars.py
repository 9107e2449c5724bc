"""`load`: files, frames and dicts to `BarColumns`, every row checked, nothing repaired.

The order of work: open the source, find its columns by name, read the stamps, check every row, convert prices and
volumes to mantissas, and lay each bar on the time axis. Streams, resampling and the catalog are not here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cracktrader.data.columns import PRICE_FIELDS, BarColumns, check_rows, check_times, is_symbol
from cracktrader.data.decimals import CHUNK_ROWS, Mantissas, to_mantissas
from cracktrader.data.sources import INDEX_COLUMN, default_symbol, open_source
from cracktrader.data.stamps import commonest_spacing, parse_duration, to_nanoseconds
from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Stamp = Literal["open", "close"]
Duration = str | int | timedelta | None

TIME_NAMES = ("time", "timestamp", "date", "datetime", "ts", "open_time")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Data with what inference cannot know: how long a bar is, which end its stamp marks, what it is called.

    `every` is a duration such as "1m", a timedelta or nanoseconds, else the commonest difference of the stamps.
    `stamp="open"` (the default, which cannot look ahead) reads a stamp as the bar's start, "close" as its end.
    """

    data: Any
    every: Duration = None
    stamp: Stamp = "open"
    name: str | None = None


def load(source: Any, *, name: str | None = None, every: Duration = None, stamp: Stamp = "open") -> list[BarColumns]:
    """Read bars of one or several instruments.

    `source` is a polars or pandas DataFrame, a pyarrow Table, a dict of arrays, the path of a CSV or Parquet file,
    "sample:NAME" for bundled data, a `Bars`, or, for several instruments, a list of these or a dict by symbol.
    Columns are found by name in any case: open, high, low, close, optionally volume (else zeros), and the time as
    time, timestamp, date, datetime, ts or open_time (or a pandas DatetimeIndex; a `date` with a separate `time` of day
    is joined). Integer times are seconds, milliseconds, microseconds or nanoseconds since 1970 by their magnitude; a
    stamp without a time zone is UTC.

    Where bars stand closer than their duration, a bar stamped at its open ends when the next begins, and a bar stamped
    at its close begins when the one before ended. Raises DataError for the first bad row or column, naming it, and
    ConfigError for a bad option.
    """
    if isinstance(source, Bars):
        source, name, every, stamp = _unwrapped(source, name, every, stamp)
        return load(source, name=name, every=every, stamp=stamp)
    parts = _split(source)
    if parts is None:
        return [_load_one(source, name, every, stamp)]
    if name is not None:
        raise ConfigError(f"name={name!r} fits one instrument, not {len(parts)}: name them in a dict or with Bars")
    loaded = [_load_one(*_unwrapped(_as_bars(part), symbol, every, stamp)) for symbol, part in parts]
    seen: dict[str, str] = {}
    for bars in loaded:
        if bars.symbol in seen:
            raise DataError(f"{seen[bars.symbol]} and {bars.origin} are both called {bars.symbol}: name them in a dict")
        seen[bars.symbol] = bars.origin
    if not loaded:
        raise DataError("no data: the list of instruments is empty")
    return loaded


def _split(source: Any) -> list[tuple[str | None, Any]] | None:
    """The instruments of a list or a dict of sources, with their names; None when `source` is one instrument."""
    if isinstance(source, dict) and source and all(_is_source(value) for value in source.values()):
        return [(str(symbol), value) for symbol, value in source.items()]
    if isinstance(source, (list, tuple)):
        if not all(_is_source(value) for value in source):
            raise DataError("a list of data must hold frames, paths, dicts of arrays or Bars")
        return [(None, value) for value in source]
    return None


def _is_source(value: Any) -> bool:
    """True for what can be an instrument of its own, false for a column."""
    return isinstance(value, (str, Path, Bars, BarColumns, dict)) or hasattr(type(value), "columns")


def _as_bars(value: Any) -> Bars:
    return value if isinstance(value, Bars) else Bars(value)


def _unwrapped(bars: Bars, name: str | None, every: Duration, stamp: Stamp) -> tuple[Any, str | None, Duration, Stamp]:
    """The arguments of `load` for what is inside `bars`: what it says wins, the rest comes from outside."""
    return (
        bars.data,
        bars.name if name is None else name,
        every if bars.every is None else bars.every,
        stamp if bars.stamp == "open" else bars.stamp,
    )


def _load_one(data: Any, name: str | None, every: Duration, stamp: Stamp) -> BarColumns:
    if isinstance(data, Bars):
        return _load_one(*_unwrapped(data, name, every, stamp))
    if stamp not in ("open", "close"):
        raise ConfigError(f'stamp={stamp!r} must be "open" or "close": which end of the bar its time marks')
    if name is not None and not is_symbol(name):
        raise ConfigError(f"name={name!r} is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / -")
    if isinstance(data, BarColumns):
        return data if name is None else replace(data, symbol=name)
    interval = None if every is None else parse_duration(every)
    frame, origin = open_source(data)
    if name is not None and not isinstance(data, (str, Path)):
        origin = f"{name} ({origin})"
    return _assemble(_Table(frame, origin), name or default_symbol(data), interval, stamp)


class _Table:
    """A frame whose columns are found by field, in any case."""

    def __init__(self, frame: pl.DataFrame, origin: str) -> None:
        self.frame, self.origin = frame, origin
        self.by_field: dict[str, str] = {}
        for column in frame.columns:
            field = column.strip().lower()
            if field in self.by_field and field in (*PRICE_FIELDS, "volume", *TIME_NAMES):
                raise DataError(f"{origin}: columns {self.by_field[field]!r} and {column!r} both read as {field}")
            self.by_field.setdefault(field, column)
        missing = [field for field in PRICE_FIELDS if field not in self.by_field]
        self.time_field = next((field for field in (*TIME_NAMES, INDEX_COLUMN) if field in self.by_field), "")
        if not self.time_field:
            missing.insert(0, f"a time (one of {', '.join(TIME_NAMES)})")
        if missing:
            raise DataError(f"{origin}: missing {', '.join(missing)}; found {', '.join(frame.columns) or 'no columns'}")
        if frame.is_empty():
            raise DataError(f"{origin}: no rows")

    def stamps(self) -> tuple[str, NDArray[np.int64]]:
        """The name of the time column and its stamps, rising."""
        name = self.by_field[self.time_field]
        column = self.frame[name]
        if "date" in self.by_field and self.time_field == "time":
            name, column = self._joined()
        stamps = to_nanoseconds(self.origin, name, column)
        check_times(self.origin, name, stamps)
        return name, stamps

    def _joined(self) -> tuple[str, pl.Series]:
        """A date and a separate time of day as one text column; the time column alone when it is complete."""
        import polars as pl

        date, time = self.frame[self.by_field["date"]], self.frame[self.by_field["time"]]
        if time.dtype != pl.Time and not (time.dtype == pl.String and time.str.contains(r"^\d{1,2}:").all()):
            return time.name, time
        clock = time.cast(pl.String).str.zfill(5)
        return f"{date.name} {time.name}", date.cast(pl.String) + " " + clock

    def numbers(self, field: str) -> NDArray[np.float64]:
        """A column of numbers as floats; zeros when the source has no volume."""
        import numpy as np
        import polars as pl

        if field not in self.by_field:
            return np.zeros(self.frame.height)
        column = self.frame[self.by_field[field]]
        if column.dtype == pl.Float64 and not column.null_count():
            return column.to_numpy()
        return self._parsed(column)

    def _parsed(self, column: pl.Series) -> NDArray[np.float64]:
        import polars as pl

        if column.dtype == pl.Float32:
            # The shortest text of a 32-bit float is the number that was meant: 0.1f is 0.1, not 0.10000000149011612.
            column = column.cast(pl.String)
        text = column.str.strip_chars() if column.dtype == pl.String else column
        try:
            floats = text.cast(pl.Float64, strict=False)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"{self.origin}, column {column.name}: {column.dtype} does not hold numbers") from error
        if floats.null_count():
            row = int(floats.is_null().arg_max() or 0)
            what = "the value is missing" if column[row] is None else f"{column[row]!r} is not a number"
            raise DataError(f"{self.origin} row {row + 1}, column {column.name}: {what}")
        return floats.to_numpy()


def _assemble(table: _Table, symbol: str, interval: int | None, stamp: Stamp) -> BarColumns:
    origin = table.origin
    _, stamps = table.stamps()
    if interval is None:
        interval = commonest_spacing(origin, stamps)
    values = {field: table.numbers(field) for field in (*PRICE_FIELDS, "volume")}
    names = {field: table.by_field.get(field, field) for field in values}
    for start in range(0, len(stamps), CHUNK_ROWS):
        part = {field: column[start : start + CHUNK_ROWS] for field, column in values.items()}
        check_rows(origin, names, part, start)
    prices = to_mantissas(origin, [values[field] for field in PRICE_FIELDS])
    volumes = to_mantissas(origin, [values["volume"]])
    open_time, close_time = _spans(stamps, interval, stamp)
    open_, high, low, close = prices.columns
    return BarColumns(
        symbol=symbol,
        event_time=stamps,
        open_time=open_time,
        close_time=close_time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volumes.columns[0],
        price_decimals=prices.decimals,
        volume_decimals=volumes.decimals,
        interval_ns=interval,
        origin=origin,
        note=_note(symbol, prices, volumes),
    )


def _spans(stamps: NDArray[np.int64], interval: int, stamp: Stamp) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Open and close times. Only the end that was computed gives way to a neighbour, never the stamp itself."""
    import numpy as np

    if stamp == "open":
        close_time = stamps + interval
        np.minimum(close_time[:-1], stamps[1:], out=close_time[:-1])
        return stamps, close_time
    open_time = stamps - interval
    np.maximum(open_time[1:], stamps[:-1], out=open_time[1:])
    return open_time, stamps


def _note(symbol: str, prices: Mantissas, volumes: Mantissas) -> str:
    parts = [
        f"{what} {kept.decimals} decimals, largest change {kept.largest_change:.3g}"
        for what, kept in (("price", prices), ("volume", volumes))
        if kept.largest_change
    ]
    return f"{symbol}: {'; '.join(parts)}" if parts else ""
