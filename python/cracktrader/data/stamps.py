"""Time columns of any kind to nanoseconds since the Unix epoch, UTC; and durations such as "1m".

Accepted: dates and datetimes of polars, pandas, numpy, pyarrow and Python, ISO 8601 text, integers since the epoch. A
stamp with a time zone is converted to UTC, one without is UTC. Nothing is guessed where two readings are possible:
"1/4/1999" and 20240131 are refused. Calendars, sessions and daylight saving rules are not here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}

# Integers are read by magnitude: each band of a factor 1,000 holds the years 1973 to 5138 in one unit only.
_INTEGER_BANDS = ((10**8, 10**11, "s"), (10**11, 10**14, "ms"), (10**14, 10**17, "us"), (10**17, 2**63, "ns"))

_DURATION = re.compile(r"(\d+)\s*([a-z]+)\Z")
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
_OFFSET = r"[+-]\d{2}:?\d{2}$"


def parse_duration(value: str | int | timedelta) -> int:
    """Nanoseconds of "1m", "5m", "1h", "1d", "1w" (also s, ms, us, ns), of a timedelta, or of an int that is nanoseconds.

    Raises ConfigError for anything else, and for what is not positive.
    """
    nanoseconds = 0
    if isinstance(value, timedelta):
        nanoseconds = value // timedelta(microseconds=1) * 1_000
    elif isinstance(value, int) and not isinstance(value, bool):
        nanoseconds = value
    elif isinstance(value, str) and (match := _DURATION.match(value.strip().lower())):
        nanoseconds = int(match[1]) * UNIT_NS.get(match[2], 0)
    if not 0 < nanoseconds < 2**62:
        raise ConfigError(f'{value!r} is not a duration: a positive number and one of {", ".join(UNIT_NS)}, as in "5m"')
    return nanoseconds


def commonest_spacing(origin: str, stamps: NDArray[np.int64]) -> int:
    """The commonest difference between neighbouring stamps; the smallest one where several are equally common."""
    import numpy as np

    if len(stamps) < 2:
        raise DataError(f'{origin}: one row does not tell how long a bar is: pass every=, as in every="1d"')
    spacings = np.diff(stamps)
    candidate = int(spacings[len(spacings) // 2])
    if int(np.count_nonzero(spacings == candidate)) * 2 > len(spacings):
        return candidate
    values, counts = np.unique(spacings, return_counts=True)
    return int(values[counts.argmax()])


def to_nanoseconds(origin: str, name: str, column: pl.Series) -> NDArray[np.int64]:
    """The stamps of `column` as int64 nanoseconds. Raises DataError naming the row that is not a time."""
    import polars as pl

    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError(f"{origin} row {row + 1}, column {name}: the time is missing")
    if column.dtype == pl.String and column.str.contains(r"^\d+$").all():
        column = column.cast(pl.Int64, strict=False)
    if column.dtype == pl.String:
        column = _from_text(origin, name, column)
    elif column.dtype.is_integer():
        return _from_integers(origin, name, column)
    elif column.dtype.is_float():
        return _from_integers(origin, name, _whole(origin, name, column))
    if not isinstance(column.dtype, (pl.Datetime, pl.Date)):
        raise DataError(f"{origin}, column {name}: a column of {column.dtype} does not hold times")
    return _from_datetimes(origin, name, column)


def _from_datetimes(origin: str, name: str, column: pl.Series) -> NDArray[np.int64]:
    import polars as pl

    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_unit == "ns":
        return _contiguous(column.to_physical())
    _refuse_far_years(origin, name, column.dt.year(), column)
    return _contiguous(column.cast(pl.Datetime("us")).to_physical()) * 1_000


def _refuse_far_years(origin: str, name: str, years: pl.Series, column: pl.Series) -> None:
    """Nanoseconds in 64 bits reach from 1677 to 2262; beyond, they would wrap."""
    outside = (years < 1678) | (years > 2261)
    if outside.any():
        row = int(outside.arg_max() or 0)
        raise DataError(f"{origin} row {row + 1}, column {name}: {column[row]} is outside the years 1678 to 2261")


def _contiguous(column: pl.Series) -> NDArray[np.int64]:
    import numpy as np

    return np.ascontiguousarray(column.to_numpy(), dtype=np.int64)


def _from_integers(origin: str, name: str, column: pl.Series) -> NDArray[np.int64]:
    import numpy as np

    stamps = np.ascontiguousarray(column.to_numpy(), dtype=np.int64)
    if not len(stamps):
        return stamps
    lowest, highest = int(stamps.min()), int(stamps.max())
    for floor, ceiling, unit in _INTEGER_BANDS:
        if floor <= lowest and highest < ceiling:
            if highest * UNIT_NS[unit] >= 2**63:
                break
            return stamps * UNIT_NS[unit]
    row = int(np.argmax(stamps == (lowest if lowest < 10**8 else highest)))
    raise DataError(
        f"{origin} row {row + 1}, column {name}: {int(stamps[row])} could be several times; integers are read as "
        "seconds (from 1e8), milliseconds (from 1e11), microseconds (from 1e14) or nanoseconds (from 1e17) since 1970, "
        "one unit per column; dates such as 20240131 must be text such as 2024-01-31"
    )


def _whole(origin: str, name: str, column: pl.Series) -> pl.Series:
    import polars as pl

    whole = column.cast(pl.Int64, strict=False)
    wrong = (whole.cast(pl.Float64) != column).fill_null(True)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(f"{origin} row {row + 1}, column {name}: {column[row]} is not a whole number of units")
    return whole


def _from_text(origin: str, name: str, column: pl.Series) -> pl.Series:
    import polars as pl

    text = column.str.strip_chars()
    wrong = ~text.str.contains(_ISO_TIME)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"{origin} row {row + 1}, column {name}: {column[row]!r} is not an ISO 8601 time such as 2024-01-31 or "
            "2024-01-31T16:00:00Z"
        )
    _refuse_far_years(origin, name, text.str.slice(0, 4).cast(pl.Int32), column)
    parsed = _parse_iso(text)
    wrong = parsed.is_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(f"{origin} row {row + 1}, column {name}: {column[row]!r} names no moment of the calendar")
    return parsed


def _parse_iso(text: pl.Series) -> pl.Series:
    """ISO text of any of the accepted lengths to UTC; null where the calendar has no such moment."""
    import polars as pl

    spaced = text.str.replace("T", " ", literal=True).str.replace("Z", "+00:00", literal=True)
    offset = spaced.str.extract(f"({_OFFSET})").fill_null("+00:00")
    body = spaced.str.replace(_OFFSET, "")
    length = body.str.len_bytes()
    padded = pl.when(length == 10).then(body + " 00:00:00").when(length == 16).then(body + ":00").otherwise(body)
    moments = pl.select(padded).to_series() + offset
    return moments.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%z", time_unit="ns", strict=False)
