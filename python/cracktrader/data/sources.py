"""Where bars come from: files, frames and dicts, opened as named columns.

The result is a polars frame with the source's own column names: nothing is converted, checked or sorted here. Streams,
recordings and the catalog are not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.data.bundled import sample
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SAMPLE_PREFIX = "sample:"
CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".txt", ".txt.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")


def open_source(source: Any) -> tuple[pl.DataFrame, str]:
    """The columns of one instrument, and what to call their origin in messages. Raises DataError."""
    if isinstance(source, str) and source.startswith(SAMPLE_PREFIX):
        return sample(source.removeprefix(SAMPLE_PREFIX)), source
    if isinstance(source, (str, Path)):
        return _from_path(Path(source)), str(source)
    room = type(source).__module__.partition(".")[0]
    if isinstance(source, dict):
        return _from_dict(source), "dict"
    if room == "polars":
        return _from_polars(source), "polars frame"
    if room == "pandas":
        return _from_pandas(source), "pandas frame"
    if room == "pyarrow":
        return _from_arrow(source), "arrow table"
    raise DataError(
        f"{type(source).__module__}.{type(source).__qualname__} cannot be read as bars: pass a polars or "
        "pandas DataFrame, a pyarrow Table, a dict of arrays, or the path of a CSV or Parquet file"
    )


def default_symbol(source: Any) -> str:
    """A symbol derived from a file's name; "data" for everything that has no name."""
    if isinstance(source, str) and source.startswith(SAMPLE_PREFIX):
        return source.removeprefix(SAMPLE_PREFIX)
    if not isinstance(source, (str, Path)):
        return "data"
    stem = Path(source).name.partition(".")[0]
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in stem)[:64] or "data"


def _from_path(path: Path) -> pl.DataFrame:
    import polars as pl

    name = path.name.lower()
    if not path.is_file():
        raise DataError(f"{path}: {'is a folder, not a file' if path.is_dir() else 'no such file'}")
    try:
        if name.endswith(PARQUET_SUFFIXES):
            return pl.read_parquet(path)
        if name.endswith(CSV_SUFFIXES):
            return _read_csv(path, "\t" if name.endswith(".tsv") else ",")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from error
    raise DataError(f"{path}: the name must end in one of {' '.join(PARQUET_SUFFIXES + CSV_SUFFIXES)}")


def _read_csv(path: Path, separator: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_csv(path, separator=separator, infer_schema_length=10_000)
    except pl.exceptions.ComputeError:
        # A cell further down does not fit the inferred type: read text, so that the bad cell can be named.
        return pl.read_csv(path, separator=separator, infer_schema=False)


def _from_polars(frame: Any) -> pl.DataFrame:
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"a polars {type(frame).__name__} is not a table: pass a DataFrame")
    return frame


def _from_arrow(table: Any) -> pl.DataFrame:
    import polars as pl

    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"a pyarrow {type(table).__name__} is not a table: pass a Table or a RecordBatch")
    return frame


def _from_pandas(frame: Any) -> pl.DataFrame:
    import polars as pl

    if not hasattr(frame, "columns"):
        raise DataError(f"a pandas {type(frame).__name__} is not a table: pass a DataFrame")
    columns = [_pandas_column(str(name), frame[name]) for name in frame.columns]
    if type(frame.index).__name__ == "DatetimeIndex":
        index = _pandas_column(str(frame.index.name or "index"), frame.index.to_series())
        columns = [index.rename(INDEX_COLUMN), *columns]
    return pl.DataFrame(columns)


INDEX_COLUMN = "(index)"
"""How the stamps of a pandas DatetimeIndex are named in a message."""


def _pandas_column(name: str, column: Any) -> pl.Series:
    import polars as pl

    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if column.dtype.kind in "iuf" and hasattr(column.dtype, "na_value"):
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    if column.dtype.kind in "iufM":
        return _array_series(name, column.to_numpy())
    return pl.Series(name, column.tolist(), strict=False)


def _array_series(name: str, values: Any) -> pl.Series:
    import polars as pl

    if getattr(getattr(values, "dtype", None), "kind", "") == "M":
        # polars knows fewer resolutions than numpy; the year check needs one that cannot wrap.
        values = values if values.dtype == "datetime64[ns]" else values.astype("datetime64[us]")
    return pl.Series(name, values)


def _from_dict(columns: dict[Any, Any]) -> pl.DataFrame:
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
