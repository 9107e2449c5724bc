"""The bundled real data: which sets there are, and one as a frame. Origins and terms are in samples/README.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_FOLDER = Path(__file__).with_name("samples")


def samples() -> list[str]:
    """The names that `sample` knows, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.parquet"))


def sample(name: str) -> pl.DataFrame:
    """A bundled data set: a polars frame with the columns time, open, high, low, close, volume, oldest row first.

    Raises DataError for an unknown name.
    """
    known = samples()
    if name not in known:
        raise DataError(f"no sample is called {name!r}: there is {', '.join(known)}")
    import polars as pl

    return pl.read_parquet(_FOLDER / f"{name}.parquet")
