"""Columns of times of any kind to nanoseconds since the Unix epoch, UTC.

Accepted: dates and datetimes of polars, pandas, numpy, pyarrow and Python, integers since the epoch, dates such as
20240131, and text in the usual orders. Nothing is guessed where two readings are possible: "02/03/2010" is refused
unless another row tells day from month or `time_format=` says it. Time zones are applied in `zones.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cracktrader.data.problems import Place, Problems
from cracktrader.data.stamps import UNIT_NS
from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Zone = Literal["utc", "naive", "dates"]
"""Whether stamps are moments, wall clock readings without a zone, or days only."""

# Each band of a factor 1,000 holds the years 1973 to 5138 in one unit only.
_INTEGER_BANDS = ((10**8, 10**11, "s"), (10**11, 10**14, "ms"), (10**14, 10**17, "us"), (10**17, 2**63, "ns"))
_FIRST_YEAR, _LAST_YEAR = 1678, 2261

# One pattern for each part, in the regular expression and in the format language of polars.
_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d"),
    (r"\d{4}\.\d{2}\.\d{2}", "%Y.%m.%d"),
    (r"\d{8}", "%Y%m%d"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "?/"),
    (r"\d{1,2}-\d{1,2}-\d{4}", "?-"),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", "%d-%b-%Y"),
)
_CLOCKS = (
    (r"\d{1,2}:\d{2} ?[AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]", "%I:%M:%S %p"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+", "%H:%M:%S%.f"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{4}", "%H%M"),
)
_FRACTIONAL = re.compile(r"\d{9,10}(?:\.\d{1,9})?")
_SPACED = re.compile(r"(\d)T(\d)")
"""The T of ISO 8601 between day and time of day."""
_ZONES = ((r"Z", "Z"), (r" ?UTC", "UTC"), (r" ?GMT", "GMT"), (r" ?(?:GMT)?[+-]\d{2}:?\d{2}", "%z"))


@dataclass(slots=True)
class Times:
    """The stamps of a column in row order; 0 where a row's time cannot be read, which is noted as a problem."""

    stamps: NDArray[np.int64]
    readable: NDArray[np.bool_] | None
    """False where a row has no time; None when every row has one."""
    zone: Zone


def read_times(place: Place, name: str, column: pl.Series, time_format: str | None, problems: Problems) -> Times:
    """The stamps of `column`, times without a zone as their wall clock. Rows that have none become problems.

    Raises DataError when the column as a whole cannot be read.
    """
    import polars as pl

    if column.dtype == pl.String and time_format is None:
        column = _digits_as_integers(column)
    if column.dtype == pl.Null:
        column = column.cast(pl.Int64)
    missing = column.is_null().to_numpy() if column.null_count() else None
    if missing is not None:
        problems.add("missing", name, missing, lambda row: "the time is missing")
    if column.dtype == pl.String:
        times = _from_text(place, name, column, time_format, problems)
    elif column.dtype.is_integer():
        times = _from_integers(place, name, column, problems)
    elif column.dtype.is_float():
        times = _from_integers(place, name, _whole(name, column, problems), problems)
    elif isinstance(column.dtype, (pl.Datetime, pl.Date)):
        times = _from_datetimes(name, column, problems)
    else:
        raise DataError(f"{place.origin}, column {name}: a column of {column.dtype} does not hold times")
    if missing is not None:
        times.readable = ~missing if times.readable is None else times.readable & ~missing
    return times


def _digits_as_integers(column: pl.Series) -> pl.Series:
    """Text that is digits in every row as integers, seconds with a fraction as nanoseconds; other text as it is."""
    import polars as pl

    first = _first_text(column).strip()
    if not _FRACTIONAL.fullmatch(first) and not first.isdigit():
        return column
    text = column.str.strip_chars().str.strip_suffix(".0")
    if text.str.contains(r"^\d+$").all():
        return text.cast(pl.Int64, strict=False)
    if text.str.contains(f"^{_FRACTIONAL.pattern}$").all():
        fraction = text.str.extract(r"\.(\d+)").str.pad_end(9, "0").fill_null("0" * 9)
        return text.str.extract(r"^(\d+)").cast(pl.Int64) * UNIT_NS["s"] + fraction.cast(pl.Int64)
    return column


def _first_text(column: pl.Series) -> str:
    """The first value that is there; empty when none is."""
    return str(column.first(ignore_nulls=True) or "")


def join_clock(date: pl.Series, clock: pl.Series) -> pl.Series | None:
    """A date and a time of day as one text column; None when they are not that, but each a column of its own."""
    import polars as pl

    if isinstance(date.dtype, pl.Datetime):
        date = date.dt.date()
    if date.dtype not in (pl.Date, pl.String) and not date.dtype.is_integer():
        return None
    if clock.dtype == pl.String and clock.str.strip_chars().str.contains(r"^\d{1,6}$").all():
        clock = clock.str.strip_chars().cast(pl.Int64)
    if clock.dtype == pl.Time:
        text = clock.dt.to_string("%H:%M:%S%.f")
    elif clock.dtype.is_integer() and (clock.max() or 0) < 240_000:  # type: ignore[operator]
        width = 6 if clock.max() > 2_400 else 4  # type: ignore[operator]  # integers
        text = clock.cast(pl.String).str.zfill(width)
    elif clock.dtype == pl.String and clock.str.strip_chars().str.contains(r"^\d{1,2}:").all():
        text = clock.str.strip_chars()
    else:
        return None
    return (date.cast(pl.String).str.strip_chars() + " " + text).rename(f"{date.name} {clock.name}")


def _from_datetimes(name: str, column: pl.Series, problems: Problems) -> Times:
    import numpy as np
    import polars as pl

    zone: Zone = "dates" if column.dtype == pl.Date else "naive"
    if isinstance(column.dtype, pl.Datetime):
        zone = "utc" if column.dtype.time_zone else "naive"
        if column.dtype.time_unit == "ns":
            return _checked_days(Times(_contiguous(column.to_physical()), None, zone))
    years = column.dt.year()
    far = ((years < _FIRST_YEAR) | (years > _LAST_YEAR)).fill_null(False).to_numpy()
    readable = None
    if far.any():
        problems.add("far", name, far, lambda row: f"{column[row]} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
        readable = ~far
    stamps = _contiguous(column.cast(pl.Datetime("us")).to_physical())
    if readable is not None:
        stamps = np.where(readable, stamps, 0)
    return _checked_days(Times(stamps * 1_000, readable, zone))


def _checked_days(times: Times) -> Times:
    """Wall clock readings that are all midnight are days."""
    some, day = times.stamps[:100], UNIT_NS["d"]
    if times.zone == "naive" and not (some % day).any() and not (times.stamps % day).any():
        times.zone = "dates"
    return times


def _contiguous(column: pl.Series) -> NDArray[np.int64]:
    import numpy as np

    if column.null_count():
        column = column.fill_null(0)
    return np.ascontiguousarray(column.to_numpy(), dtype=np.int64)


def _from_integers(place: Place, name: str, column: pl.Series, problems: Problems) -> Times:
    import numpy as np
    import polars as pl

    known = column.drop_nulls() if column.null_count() else column
    if not len(known):
        return Times(np.zeros(len(column), dtype=np.int64), None, "utc")
    lowest, highest = int(known.min()), int(known.max())  # type: ignore[arg-type]  # integers
    for form, floor, ceiling in (("%Y%m%d", 16780101, 22611231), ("%Y%m%d%H%M%S", 16780101 * 10**6, 22611232 * 10**6)):
        if floor <= lowest and highest <= ceiling:
            return _parse(name, column.cast(pl.String), form, problems)
    for floor, ceiling, unit in _INTEGER_BANDS:
        if floor <= lowest and highest < ceiling and highest * UNIT_NS[unit] < 2**63:
            stamps = _contiguous(column)
            return Times(stamps if unit == "ns" else stamps * UNIT_NS[unit], None, "utc")
    wrong = lowest if lowest < 10**8 else highest
    row = int((column == wrong).arg_max() or 0)
    raise DataError(
        f"{place.at(row)}, column {name}: {wrong} could be several times; integers are read as seconds (from 1e8), "
        "milliseconds (from 1e11), microseconds (from 1e14) or nanoseconds (from 1e17) since 1970, one unit per column, "
        "or as dates such as 20240131; for others pass time_format="
    )


def _whole(name: str, column: pl.Series, problems: Problems) -> pl.Series:
    import polars as pl

    whole = column.cast(pl.Int64, strict=False)
    wrong = ((whole.cast(pl.Float64) != column) | whole.is_null()) & column.is_not_null()
    wrong = wrong.fill_null(True) & column.is_not_null()
    if wrong.any():
        problems.add("not_whole", name, wrong.to_numpy(), lambda row: f"{column[row]} is not a whole number of units")
        whole = pl.select(pl.when(wrong).then(None).otherwise(whole)).to_series()
    return whole


def _from_text(place: Place, name: str, column: pl.Series, time_format: str | None, problems: Problems) -> Times:

    if time_format is not None:
        return _parse(name, column.str.strip_chars(), time_format, problems)
    first = _first_text(column)
    if form := _form_of(_SPACED.sub(r"\1 \2", first)):
        # All rows written like the first one: the good path, which copies no text.
        resolved = _resolve_order(place, name, column, form.polars)
        if _SPACED.search(first):
            resolved = resolved.replace(" ", "T", 1)
        quick = _parse_quick(column, form.suffix, resolved)
        if quick is not None and quick.null_count() == column.null_count():
            zone: Zone = "utc" if form.zoned else ("naive" if form.clock else "dates")
            return _checked_days(Times(_contiguous(quick.to_physical()), None, zone))
    text = column.str.strip_chars().str.replace(_SPACED.pattern, "${1} ${2}")
    return _from_mixed_text(place, name, text, problems)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one value is written."""

    pattern: str
    polars: str
    zoned: bool
    clock: bool
    suffix: str
    """A zero offset at the end, taken off before parsing: a fixed text is faster than an offset."""


def _form_of(value: str) -> _Form | None:
    """The form of one value; None when it is no time."""
    for date, date_form in _DATES:
        match = re.match(date + r"(?![\d])", value) or (re.match(date, value) if date == r"\d{8}" else None)
        if match is None:
            continue
        rest = value[match.end() :]
        if not rest:
            return _Form(f"^{date}$", date_form, False, False, "")
        separator = (re.match(r" +|[;,]|", rest) or [""])[0]
        rest = rest[len(separator) :]
        for clock, clock_form in _CLOCKS:
            for zone, zone_form in (("", ""), *_ZONES):
                if re.fullmatch(clock + zone, rest):
                    return _compose(date, date_form, separator, clock, clock_form, zone, zone_form, rest)
    return None


def _compose(
    date: str, date_form: str, separator: str, clock: str, clock_form: str, zone: str, zone_form: str, rest: str
) -> _Form:
    if clock_form.endswith("%p") and " " not in rest:
        clock_form = clock_form.replace(" ", "")
    found = re.search(zone + r"\Z", rest) if zone else None
    tail = found[0] if found else ""
    suffix = tail if zone_form in ("Z", "UTC", "GMT") or tail.strip() in ("+00:00", "+0000") else ""
    form = date_form + separator + clock_form
    if not suffix and tail:
        form += (" " if tail.startswith(" ") else "") + ("GMT" if "GMT" in tail else "") + "%z"
    pattern = f"^{date}{separator}{clock}{zone}$"
    return _Form(pattern, form, bool(zone), True, suffix)


def _resolve_order(place: Place, name: str, text: pl.Series, form: str) -> str:
    """The format with day and month in the order that the rows prove. DataError when none does."""
    if not form.startswith("?"):
        return form
    mark = form[1]
    parts = text.str.extract_groups(rf"^(\d{{1,2}}){mark}(\d{{1,2}}){mark}").struct.unnest()
    import polars as pl

    first, second = (parts.to_series(index).cast(pl.Int32, strict=False).max() for index in (0, 1))
    day_first, month_first = f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y"
    day, month = (first or 0) > 12, (second or 0) > 12  # type: ignore[operator]  # integers
    if day != month:
        return (day_first if day else month_first) + form[2:]
    row = int(text.is_not_null().arg_max() or 0)
    if day and month:
        raise DataError(f"{place.origin}, column {name}: days stand first in some rows and months in others")
    raise DataError(
        f"{place.at(row)}, column {name}: {text[row]!r} may be day/month or month/day, and no row tells which; "
        f'pass time_format="{day_first + form[2:]}" or "{month_first + form[2:]}"'
    )


def _parse_quick(text: pl.Series, suffix: str, form: str) -> pl.Series | None:
    """`text` parsed as nanoseconds; None when a suffix is missing, a year does not fit them or the format is refused."""
    import polars as pl

    if suffix:
        if not text.str.ends_with(suffix).all():
            return None
        text = text.str.strip_suffix(suffix)
    try:
        parsed = text.str.to_datetime(form, time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        return None
    years = parsed.dt.year()
    lowest, highest = years.min(), years.max()
    if lowest is None or lowest < _FIRST_YEAR or highest > _LAST_YEAR:  # type: ignore[operator]
        return None
    if "%.f" in form and text.str.contains(r"\.\d{7}").any():
        return text.str.to_datetime(form, time_unit="ns", strict=False)
    return parsed.cast(pl.Datetime("ns"))


def _parse(name: str, text: pl.Series, form: str, problems: Problems) -> Times:
    """Text in one known format; what does not fit is a problem. ConfigError for a format that is none."""
    import polars as pl

    try:
        parsed = text.str.to_datetime(form, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"time_format={form!r}: {str(error).splitlines()[0]}") from error
    wrong = (parsed.is_null() & text.is_not_null()).to_numpy()
    if wrong.any():
        problems.add("unreadable", name, wrong, lambda row: f"{text[row]!r} does not fit the time format {form}")
    zoned = isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone is not None
    naive = parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else parsed
    times = _from_datetimes(name, naive, problems)
    if zoned:
        times.zone = "utc"
    if wrong.any():
        times.readable = ~wrong if times.readable is None else times.readable & ~wrong
    return times


def _from_mixed_text(place: Place, name: str, text: pl.Series, problems: Problems) -> Times:
    """Text in several forms, or with rows that are no times: one pass for each form that occurs."""
    import numpy as np

    stamps = np.zeros(len(text), dtype=np.int64)
    open_rows = text.is_not_null().to_numpy().copy()
    readable = open_rows.copy()
    shapeless, impossible, far = (np.zeros(len(text), dtype=bool) for _ in range(3))
    zones: set[Zone] = set()
    resolved: dict[str, str] = {}
    while open_rows.any():
        row = int(open_rows.argmax())
        form = _form_of(text[row])
        if form is None:
            shapeless[row], open_rows[row] = True, False
            continue
        like = open_rows & text.str.contains(form.pattern).fill_null(False).to_numpy()
        like[row] = True
        if form.polars not in resolved:
            resolved[form.polars] = _resolve_order(place, name, text, form.polars)
        years, moments = _moments(text.filter(like), form, resolved[form.polars])
        rows = np.flatnonzero(like)
        impossible[rows[years == 0]] = True
        far[rows[(years != 0) & ((years < _FIRST_YEAR) | (years > _LAST_YEAR))]] = True
        stamps[rows] = moments
        zones.add("utc" if form.zoned else ("naive" if form.clock else "dates"))
        open_rows &= ~like
    problems.add("unreadable", name, shapeless, lambda row: f"{text[row]!r} is not a time such as 2024-01-31 16:00:00")
    problems.add("unreadable", name, impossible, lambda row: f"{text[row]!r} names no moment of the calendar")
    problems.add("far", name, far, lambda row: f"{text[row]!r} is outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if "utc" in zones and len(zones) > 1:
        raise DataError(f"{place.origin}, column {name}: some times carry a zone and some do not; write all in one way")
    readable &= ~(shapeless | impossible | far)
    zone: Zone = "utc" if "utc" in zones else ("naive" if "naive" in zones else "dates")
    return _checked_days(Times(np.where(readable, stamps, 0), readable, zone))


def _moments(text: pl.Series, form: _Form, polars_form: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year (0 where the calendar has no such moment) and nanoseconds of values in one form."""
    import numpy as np
    import polars as pl

    if form.suffix:
        text = text.str.strip_suffix(form.suffix)
    parsed = text.str.to_datetime(polars_form, time_unit="us", strict=False)
    years = parsed.dt.year().fill_null(0).to_numpy().astype(np.int64)
    near = (years >= _FIRST_YEAR) & (years <= _LAST_YEAR)
    micros = parsed.to_physical().fill_null(0).to_numpy()
    stamps = np.where(near, micros, 0) * 1_000
    if "%.f" in polars_form:
        fraction = text.str.extract(r"\.\d{6}(\d{1,3})").fill_null("").str.pad_end(3, "0").cast(pl.Int64, strict=False)
        stamps = stamps + np.where(near, fraction.fill_null(0).to_numpy(), 0)
    return years, stamps


def parse_time(text: str) -> int:
    """One time as text, as a column would hold it, to nanoseconds; without a zone it is UTC. Raises ConfigError."""
    import polars as pl

    place = Place("time")
    problems = Problems(place)
    try:
        times = read_times(place, "time", pl.Series([text.strip()]), None, problems)
        problems.refuse()
    except DataError:
        raise ConfigError(f"{text!r} is not a time such as 2024-01-31 or 2024-01-31T16:00:00Z") from None
    return int(times.stamps[0])
