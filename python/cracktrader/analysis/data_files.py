"""Changed copies of data files in place of the files, for a strategy's own code that reads them while other data are tried.

Readers of polars, pandas and numpy and the builtin `open` are led to the copies, and what was opened is noted, so that a file that cannot
be copied (rows left out, no header, another compression) is told. Deliberately not here: the changes (`data.perturbation`).
"""

from __future__ import annotations

import builtins
import functools
import gzip
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cracktrader.data.sources import PARQUET_SUFFIXES, SAMPLE_PREFIX

if TYPE_CHECKING:
    import polars as pl

    from cracktrader.data.columns import Columns

READERS = {
    "polars": ("read_csv", "read_parquet", "read_ipc", "scan_csv", "scan_parquet", "scan_ipc"),
    "pandas": ("read_csv", "read_table", "read_parquet", "read_feather"),
    "numpy": ("loadtxt", "genfromtxt"),
    "gzip": ("open",),
}


class DataFiles:
    """The files that data were loaded from."""

    def __init__(self, loaded: Sequence[Columns]) -> None:
        self._loaded = loaded
        self._places = [_file_of(columns) for columns in loaded]
        self._copies: dict[Path, Path] = {}
        self._opened: set[Path] = set()
        self._right: list[tuple[Any, str, Any]] = []
        self._folder: TemporaryDirectory[str] | None = None

    @property
    def unreached(self) -> list[str]:
        """Files that were read although no changed copy of them stood there."""
        return [f"the file {path}, which it reads itself" for path in sorted(self._opened - self._copies.keys())]

    def put(self, changed: Sequence[Columns]) -> None:
        """Copies with these rows stand in for the files, until `take_back`."""
        self.take_back()
        if not any(self._places):
            return
        self._folder = TemporaryDirectory(prefix="cracktrader-")
        for number, (path, before, after) in enumerate(zip(self._places, self._loaded, changed, strict=True)):
            if path is None or self._places.count(path) > 1:
                continue
            copy = Path(self._folder.name) / str(number) / path.name
            copy.parent.mkdir()
            if _copied(path, copy, before, after):
                self._copies[path] = copy
        self._lead()

    def take_back(self) -> None:
        """The files are themselves again."""
        for home, name, right in reversed(self._right):
            setattr(home, name, right)
        self._right.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _lead(self) -> None:
        """Lead what reads files to the copies."""
        homes: list[tuple[Any, str]] = [(builtins, "open"), (io, "open")]
        homes += [(sys.modules[home], name) for home, names in READERS.items() if home in sys.modules for name in names]
        for home, name in homes:
            right = getattr(home, name)
            self._right.append((home, name, right))
            setattr(home, name, self._led(right))

    def _led(self, right: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(right)
        def reader(source: Any, *arguments: Any, **options: Any) -> Any:
            return right(self._instead(source), *arguments, **options)

        return reader

    def _instead(self, source: Any) -> Any:
        if not isinstance(source, str | Path) or not self._folder:
            return source
        try:
            path = Path(source).resolve()
        except (OSError, ValueError):
            return source
        if path not in self._places:
            return source
        self._opened.add(path)
        return self._copies.get(path, source)


def _file_of(columns: Columns) -> Path | None:
    """The file that columns came from, None where they came from none, or from several."""
    if columns.origin.startswith(SAMPLE_PREFIX):
        import cracktrader.data.bundled as bundled

        path = Path(bundled.__file__).parent / "samples" / f"{columns.origin.removeprefix(SAMPLE_PREFIX)}.parquet"
    else:
        path = Path(columns.origin)
    try:
        return path.resolve() if path.is_file() else None
    except OSError:
        return None


def _copied(path: Path, copy: Path, before: Columns, after: Columns) -> bool:
    """Write the file with other rows; whether that could be done."""
    import polars as pl

    packed = path.suffix == ".gz"
    kind = Path(path.stem).suffix if packed else path.suffix
    try:
        frame = pl.read_parquet(path) if kind in PARQUET_SUFFIXES else pl.read_csv(path, infer_schema=False)
        other = with_rows(frame, before, after)
    except (OSError, pl.exceptions.PolarsError):
        return False
    if other is None or kind not in (*PARQUET_SUFFIXES, ".csv"):
        return False
    if kind in PARQUET_SUFFIXES:
        other.write_parquet(copy)
    elif packed:
        copy.write_bytes(gzip.compress(other.write_csv().encode()))
    else:
        other.write_csv(copy)
    return True


def with_rows(frame: pl.DataFrame, before: Columns, after: Columns) -> pl.DataFrame | None:
    """The frame that columns were loaded from with the values and the number of rows of others; what did not change stays as it is written.
    None where its rows are not those of the columns."""
    import polars as pl

    if len(frame) != len(before):
        return None
    rows = min(len(before), len(after))
    old, new = before.to_polars().head(rows), after.to_polars().head(rows)
    spelled = {str(name).strip().lower(): name for name in frame.columns}
    named = {spelled[name]: name for name in new.columns if name in spelled and name not in ("time", "side")}
    if not named:
        return None
    return frame.head(rows).with_columns(
        pl.when(new[own] != old[own]).then(new[own].cast(frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, own in named.items()
    )
