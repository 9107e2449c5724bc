"""`convert`: any source to a canonical Parquet or CSV file, and a report of what became of the rows.

Canonical columns are those of `to_polars`: time in UTC, then prices and quantities. A Parquet file also says its kind,
symbol, bar duration and which end of a bar is stamped, so that loading it needs no options; a CSV file cannot.
Bars of another duration are made in the core, not here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.data.columns import BarColumns, Columns, kind_of
from cracktrader.data.loading import load
from cracktrader.data.problems import DataReport
from cracktrader.data.sources import METADATA_KEY, PARQUET_SUFFIXES
from cracktrader.data.stamps import duration_text
from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.zst")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file that was written."""

    path: str
    symbol: str
    kind: str
    rows: int
    size_bytes: int
    report: DataReport | None
    """What became of the source's rows; None where columns were given."""
    options: dict[str, str]
    """What `load` must be told to read the file as it was meant; empty for Parquet."""

    def __str__(self) -> str:
        told = "".join(f', {name}="{value}"' for name, value in self.options.items())
        line = self.report.line() if self.report else ""
        read = f'; read it with load("{self.path}"{told})' if told else ""
        return f"{self.path}: {self.rows:,} {self.kind} of {self.symbol}, {self.size_bytes:,} bytes{read}" + (
            f"\n{line}" if line else ""
        )


def convert(source: Any, target: str | Path, **options: Any) -> list[Conversion]:
    """Load `source` (anything that `load` takes, with its options) and write it to `target`, .parquet or .csv.

    Several instruments or kinds are written one file each, where `target` holds {symbol} (and {kind}). An existing file
    is replaced only when the new one is complete. Raises as `load` does, ConfigError for a bad target, DataError where
    it cannot be written.
    """
    pattern = str(target)
    if not pattern.lower().endswith((*PARQUET_SUFFIXES, *CSV_SUFFIXES)):
        raise ConfigError(f"{pattern}: the name must end in one of {' '.join((*PARQUET_SUFFIXES, *CSV_SUFFIXES))}")
    loaded = load(source, **options)
    paths = [Path(_named(pattern, columns)) for columns in loaded]
    if len(set(paths)) < len(paths):
        names = ", ".join(f"{kind_of(one)} of {one.symbol}" for one in loaded)
        raise ConfigError(f"{pattern}: one file for {names}; put {{symbol}} and {{kind}} into the name")
    return [_write(columns, path) for columns, path in zip(loaded, paths, strict=True)]


def _named(pattern: str, columns: Columns) -> str:
    safe = columns.symbol.replace("/", "-").replace(":", "-")
    return pattern.replace("{symbol}", safe).replace("{kind}", kind_of(columns))


def _write(columns: Columns, path: Path) -> Conversion:
    frame = columns.to_polars()
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        _write_frame(frame, columns, path, unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    return Conversion(
        str(path),
        columns.symbol,
        kind_of(columns),
        len(columns),
        path.stat().st_size,
        columns.report,
        _needed(columns, path),
    )


def _write_frame(frame: pl.DataFrame, columns: Columns, path: Path, target: Path) -> None:
    import polars as pl

    name = path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        frame.write_parquet(target, metadata={METADATA_KEY: json.dumps(_meaning(columns))})
        return
    text = frame.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"))
    if name.endswith(".gz"):
        text.write_csv(target, compression="gzip", check_extension=False)
    elif name.endswith(".zst"):
        text.write_csv(target, compression="zstd", check_extension=False)
    else:
        text.write_csv(target)


def _meaning(columns: Columns) -> dict[str, Any]:
    """What a Parquet file says of itself."""
    meaning: dict[str, Any] = {"symbol": columns.symbol, "kind": kind_of(columns)}
    if isinstance(columns, BarColumns):
        meaning |= {"every": columns.interval_ns, "stamp": "close" if _at_close(columns) else "open"}
    return meaning


def _needed(columns: Columns, path: Path) -> dict[str, str]:
    if path.name.lower().endswith(PARQUET_SUFFIXES) or not isinstance(columns, BarColumns):
        return {}
    needed = {"every": duration_text(columns.interval_ns)}
    return {**needed, "stamp": "close"} if _at_close(columns) else needed


def _at_close(columns: BarColumns) -> bool:
    return bool((columns.event_time == columns.close_time).all())
