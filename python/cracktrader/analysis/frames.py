"""A run's columns as polars frames with declared types, so that a run without fills has the same frames as one with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.runtime.table import Names, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

TIMES = frozenset("time entry_time exit_time created closed expires first last".split())
TEXTS = frozenset(
    (
        "strategy symbol side status order_type time_in_force code fee_currency liquidity rule entry_rule exit_rule currency "
        "kind origin sha256 note text trail"
    ).split()
)
COUNTS = frozenset(
    (
        "order entry_order exit_order parent oco bars fills orders trades open_trades seq_id rows price_decimals size_decimals "
        "change"
    ).split()
)
FLAGS = frozenset(["post_only", "reduce_only"])
DURATIONS = frozenset(["interval"])
# Mantissas are for the arithmetic of trades, not for readers.
INTERNAL = frozenset(["change"])


def frame(columns: Mapping[str, Any], *, internal: bool = False) -> pl.DataFrame:
    """Columns as a frame: times as Datetime in nanoseconds, UTC; what is neither a time, a text nor a count is Float64.

    A column this file does not know keeps the type that polars reads from it. `internal` keeps the columns that are not for readers.
    """
    import polars as pl

    names = [name for name in columns if internal or name not in INTERNAL]
    held = columns.column if isinstance(columns, Table) else columns.__getitem__
    return pl.DataFrame([_series(name, held(name)) for name in names])


def _series(name: str, values: Any) -> pl.Series:
    import polars as pl

    if isinstance(values, Names):
        return pl.Series(values.names, dtype=pl.String).gather(values.places).alias(name)
    if name in TIMES:
        return pl.Series(name, values, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    if name in DURATIONS:
        return pl.Series(name, values, dtype=pl.Int64).cast(pl.Duration("ns"))
    if name in TEXTS:
        return pl.Series(name, values, dtype=pl.String)
    if name in FLAGS:
        return pl.Series(name, values, dtype=pl.Boolean)
    if name in COUNTS:
        return pl.Series(name, values, dtype=pl.Int64)
    known = [value for value in values[:100] if value is not None] if isinstance(values, list) else []
    if known and not isinstance(known[0], float):
        return pl.Series(name, values, strict=False)
    return pl.Series(name, values, dtype=pl.Float64)
