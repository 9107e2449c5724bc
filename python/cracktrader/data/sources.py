"""Where data comes from: files, frames and dicts, opened as a `Table` of named columns.

Nothing is converted, checked or sorted here. Text files are read in `text_files.py`, recorded streams in `binance.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.data.bundled import sample
from cracktrader.data.columns import is_symbol
from cracktrader.data.layout import INDEX_COLUMN
from cracktrader.data.problems import Place
from cracktrader.data.text_files import read_text
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SAMPLE_PREFIX = "sample:"
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".prn")
PACKED_SUFFIXES = (".gz", ".zst", ".zip")
TEXT_ENDINGS = (*TEXT_SUFFIXES, *PACKED_SUFFIXES)
PARQUET_SUFFIXES = (".parquet", ".pq")
ARROW_SUFFIXES = (".feather", ".arrow", ".ipc")
CANDLE = ("time", "open", "high", "low", "close", "volume")
"""What the numbers of a candle are where they have no names."""
LONGEST_NAME = 1_000
METADATA_KEY = "cracktrader"
"""Under this key a Parquet file written by `convert` says what it holds."""

_ARCHIVE_NAME = re.compile(r"([A-Za-z0-9_]+)-(trades|aggTrades|bookTicker|\d+(?:s|m|h|d|w)|1mo)-\d{4}-\d{2}(?:-\d{2})?")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The columns of one source under their own names, and what is known of it beside them."""

    frame: pl.DataFrame
    place: Place
    symbol: str
    """Derived from the file's name; "data" for what has no name."""
    layout: str = ""
    """What a file without a header was recognised as."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What the source says of itself: kind, every, stamp."""


def open_source(source: Any, columns: Mapping[str, str | int] | None = None) -> Table:
    """Open one source. Raises DataError for what cannot be read as a table."""
    if isinstance(source, str) and source.startswith(SAMPLE_PREFIX):
        name = source.removeprefix(SAMPLE_PREFIX)
        return Table(sample(name), Place(source), name)
    if isinstance(source, (str, Path)):
        return _from_path(expanded(source), columns)
    room = type(source).__module__.partition(".")[0]
    if isinstance(source, Mapping):
        return Table(_from_dict(source), Place("dict"), "data")
    if is_rows(source):
        return Table(_from_rows(source), Place("list"), "data")
    if room == "polars":
        return Table(_from_polars(source), Place("polars frame"), "data")
    if room == "pandas":
        return Table(_from_pandas(source), Place("pandas frame"), "data")
    if room == "pyarrow" or hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return Table(_from_arrow(source), Place("arrow table"), "data")
    raise DataError(
        f"{type(source).__module__}.{type(source).__qualname__} cannot be read as market data: pass a polars or pandas "
        "DataFrame, an Arrow table, a dict of arrays, or the path of a CSV or Parquet file"
    )


def is_source(value: Any) -> bool:
    """True for what can be an instrument of its own, false for a column."""
    if isinstance(value, (str, Path, dict)):
        return True
    return hasattr(type(value), "columns") or (hasattr(value, "__arrow_c_stream__") and not _is_column(value))


def is_rows(value: Any) -> bool:
    """True for a list of rows: records with one value for each name, or candles as ccxt gives them, six numbers each."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    first = value[0]
    if isinstance(first, Mapping):
        return bool(first) and not any(is_source(cell) or hasattr(cell, "__len__") for cell in _unnamed(first))
    return isinstance(first, (list, tuple)) and len(first) == len(CANDLE) and isinstance(first[0], (int, float))


def _unnamed(record: Mapping[Any, Any]) -> list[Any]:
    """The values of a record that are not text: text may be a time, a symbol or a number."""
    return [cell for cell in record.values() if not isinstance(cell, str)]


def _is_column(value: Any) -> bool:
    """Series and arrow arrays export themselves as streams too."""
    name = type(value).__name__
    return name == "Series" or name.endswith("Array")


def is_pattern(source: Any) -> bool:
    """Whether a path names several files."""
    return isinstance(source, (str, Path)) and any(sign in str(source) for sign in "*?[") and not _is_file(Path(source))


def files_of(pattern: str | Path) -> list[Path]:
    """The files of a pattern, sorted by name. DataError when there are none."""
    import glob

    names = glob.glob(str(expanded(pattern)), recursive=True)  # noqa: PTH207
    found = sorted(Path(name) for name in names if Path(name).is_file())
    if not found:
        raise DataError(f"{pattern}: no file has such a name")
    return found


def expanded(path: str | Path) -> Path:
    """A path with ~ as the user's folder."""
    return Path(path).expanduser() if str(path).startswith("~") else Path(path)


def symbol_of(path: Path) -> str:
    """A symbol from a file's name; exchanges' archives put it before the duration and the month."""
    if match := _ARCHIVE_NAME.match(path.name):
        return match[1]
    stem = path.name.partition(".")[0]
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in stem)[:64] or "data"


def _from_path(path: Path, columns: Mapping[str, str | int] | None) -> Table:
    import polars as pl

    name = path.name.lower()
    if "\n" in str(path):
        raise DataError("a text of several lines is no path; write it to a file, or read it into a frame")
    if not _is_file(path):
        raise DataError(_no_file(path))
    if name.endswith(PARQUET_SUFFIXES):
        try:
            frame = pl.read_parquet(path)
            said = _said(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path}: {str(error).splitlines()[0]}") from error
        return Table(frame, Place(str(path)), str(said.pop("symbol", symbol_of(path))), said=said)
    if name.endswith(ARROW_SUFFIXES):
        try:
            return Table(pl.read_ipc(path), Place(str(path)), symbol_of(path))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path}: {str(error).splitlines()[0]}") from error
    if name.endswith(TEXT_ENDINGS):
        text = read_text(path, columns)
        frame, place = _without_blank_lines(text.frame, Place(str(path), text.first_line))
        return Table(frame, place, symbol_of(path), text.layout)
    shown = " ".join(PARQUET_SUFFIXES + ARROW_SUFFIXES + TEXT_SUFFIXES)
    raise DataError(f"{path}: the name must end in one of {shown}, text also in .gz .zst .zip")


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _no_file(path: Path) -> str:
    """What stands where a file was expected."""
    try:
        if path.is_dir():
            return f"{path}: is a folder, not a file; for its files pass {str(path / '*.csv')!r}"
    except (OSError, ValueError):
        pass
    name = str(path)
    return f"{name if len(name) < LONGEST_NAME else name[:40] + '...'}: no such file"


def _said(path: Path) -> dict[str, Any]:
    """What `convert` wrote about a Parquet file; nothing for those of others."""
    import json

    import polars as pl

    try:
        told = json.loads(pl.read_parquet_metadata(path).get(METADATA_KEY, "{}"))
    except ValueError:
        return {}
    said = dict(told) if isinstance(told, dict) else {}
    sound = {
        "symbol": isinstance(said.get("symbol"), str) and is_symbol(said["symbol"]),
        "kind": said.get("kind") in ("bars", "trades", "quotes"),
        "every": type(said.get("every")) is int and 0 < said["every"] < 2**62,
        "stamp": said.get("stamp") in ("open", "close"),
    }
    return {name: said[name] for name, is_sound in sound.items() if is_sound}


def _without_blank_lines(frame: pl.DataFrame, place: Place) -> tuple[pl.DataFrame, Place]:
    """Rows of nothing are blank lines: left out without a word, and the others keep their numbers."""
    import polars as pl

    first = frame.to_series(0)
    if not first.null_count():
        return frame, place
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not blank.any():
        return frame, place
    return frame.filter(~blank), place.taking((~blank).arg_true().to_numpy().astype("int64"))


def _from_polars(frame: Any) -> pl.DataFrame:
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"a polars {type(frame).__name__} is not a table: pass a DataFrame")
    return frame


def _from_arrow(table: Any) -> pl.DataFrame:
    import polars as pl

    what = f"{type(table).__module__.partition('.')[0]} {type(table).__name__}"
    try:
        frame = pl.from_arrow(table) if what.startswith("pyarrow") else pl.DataFrame(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"a {what} is not a table: {str(error).splitlines()[0]}") from error
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"a {what} is not a table: pass a Table or a RecordBatch")
    return frame


def _from_pandas(frame: Any) -> pl.DataFrame:
    import polars as pl

    if not hasattr(frame, "columns"):
        raise DataError(f"a pandas {type(frame).__name__} is not a table: pass a DataFrame")
    if frame.columns.nlevels > 1:
        frame = _one_ticker(frame)
    columns = [_pandas_column(str(name), frame.iloc[:, position]) for position, name in enumerate(frame.columns)]
    index = frame.index.to_timestamp() if type(frame.index).__name__ == "PeriodIndex" else frame.index
    if type(index).__name__ == "DatetimeIndex":
        columns = [_pandas_column(INDEX_COLUMN, index.to_series()), *columns]
    elif index.name is not None and str(index.name).strip().lower() in ("time", "timestamp", "date", "datetime"):
        columns = [_pandas_column(str(index.name), index.to_series()), *columns]
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"pandas frame: two columns are called {twice!r}")
    return pl.DataFrame(columns)


def _one_ticker(frame: Any) -> Any:
    """A frame as yfinance gives it, with fields in one level and tickers in the other, without the tickers."""
    for level in range(frame.columns.nlevels):
        names = {str(name).lower() for name in frame.columns.get_level_values(level)}
        if {"open", "high", "low", "close"} <= names:
            tickers = set(frame.columns.droplevel(level))
            if len(tickers) == 1:
                return frame.set_axis(frame.columns.get_level_values(level), axis=1)
            listed = ", ".join(sorted(str(ticker) for ticker in tickers))
            raise DataError(
                f"pandas frame: holds several tickers ({listed}); pass a dict, as in "
                f"{{ticker: frame.xs(ticker, axis=1, level={1 - level}) for ticker in tickers}}"
            )
    raise DataError("pandas frame: columns of several levels, none of them open, high, low, close")


def _pandas_column(name: str, column: Any) -> pl.Series:
    import polars as pl

    zoned = getattr(column.dtype, "tz", None) is not None
    if zoned:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if column.dtype.kind in "iuf" and hasattr(column.dtype, "na_value"):
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    if column.dtype.kind in "iufM":
        series = _array_series(name, column.to_numpy())
        return series.dt.replace_time_zone("UTC") if zoned else series
    return _listed(name, column.tolist())


def _listed(name: str, values: list[Any]) -> pl.Series:
    """Python objects as a column; of mixed ones the text, so that the odd cell can be named."""
    import polars as pl

    try:
        return pl.Series(name, values)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else str(value) for value in values])


def _array_series(name: str, values: Any) -> pl.Series:
    import numpy as np
    import polars as pl

    if getattr(getattr(values, "dtype", None), "kind", "") == "M":
        # polars knows fewer resolutions than numpy; the year check needs one that cannot wrap.
        values = values if values.dtype == "datetime64[ns]" else values.astype("datetime64[us]")
    if isinstance(values, (np.ndarray, pl.Series)):
        return pl.Series(name, values)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return pl.Series(name, values)
    return _listed(name, list(values))


def _from_rows(rows: Sequence[Any]) -> pl.DataFrame:
    names: list[Any] = list(CANDLE)
    if isinstance(rows[0], Mapping):
        names = list(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row))
    columns: dict[Any, list[Any]] = {name: [] for name in names}
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping) != isinstance(rows[0], Mapping):
            raise DataError(f"list row {number}: {row!r} is no row like the first")
        if not isinstance(row, Mapping) and (not isinstance(row, (list, tuple)) or len(row) != len(names)):
            raise DataError(f"list row {number}: {row!r} does not have {len(names)} values: {', '.join(names)}")
        for place, name in enumerate(names):
            columns[name].append(row.get(name) if isinstance(row, Mapping) else row[place])
    return _from_dict(columns)


def _from_dict(columns: Mapping[Any, Any]) -> pl.DataFrame:
    import polars as pl

    series = []
    for name, values in columns.items():
        if type(values).__module__.partition(".")[0] == "pandas" and hasattr(values, "dtype"):
            series.append(_pandas_column(str(name), values if hasattr(values, "dt") else values.to_series()))
            continue
        try:
            series.append(_array_series(str(name), values))
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(f"dict, column {name}: {str(error).splitlines()[0]}") from error
    lengths = {one.name: len(one) for one in series}
    if len(set(lengths.values())) > 1:
        raise DataError(f"dict: columns differ in length: {', '.join(f'{name} {n}' for name, n in lengths.items())}")
    return pl.DataFrame(series)
