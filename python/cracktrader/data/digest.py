"""The content hash of data: what names a dataset in a journal, in a saved run, and in `Result.data_report`.

It is SHA-256 over one line of text, `KIND DECIMALS... ROWS` and a line feed, followed by the SHA-256 of each column: its int64 values,
little-endian, the columns in the order of `FIELDS`. KIND is bars, trades, quotes, sessions or schedule; only the first three have decimals.
Equal data has an equal hash wherever it came from: symbol, origin and interval are not in it.
"""

from __future__ import annotations

import os
import sys
from array import array
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from cracktrader.core.event import SessionRows
from cracktrader.core.schedule import ScheduleRows
from cracktrader.data.columns import (
    ARRAY_FIELDS,
    QUOTE_FIELDS,
    TRADE_FIELDS,
    BarColumns,
    Columns,
    QuoteColumns,
    TradeColumns,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Data: TypeAlias = Columns | SessionRows | ScheduleRows

FIELDS: dict[type[Data], tuple[str, ...]] = {
    BarColumns: ARRAY_FIELDS,
    TradeColumns: TRADE_FIELDS,
    QuoteColumns: QUOTE_FIELDS,
    SessionRows: ("open_time", "close_time"),
    ScheduleRows: ("time", "action", "value"),
}
"""The columns of each kind of data, in the order in which they are hashed."""
_SMALL = 100_000
"""Rows that are hashed sooner than threads are started."""


def data_kind(data: Data) -> str:
    """bars, trades, quotes, sessions or schedule."""
    if isinstance(data, SessionRows):
        return "sessions"
    return "schedule" if isinstance(data, ScheduleRows) else kind_of(data)


def decimals_of(data: Data) -> tuple[int, ...]:
    """What the mantissas of market data mean: decimals of prices, then of volumes or quantities; sessions and schedules have none."""
    if isinstance(data, SessionRows | ScheduleRows):
        return ()
    return data.price_decimals, data.volume_decimals if isinstance(data, BarColumns) else data.quantity_decimals


def row_count(data: Data) -> int:
    """How many rows there are."""
    return len(getattr(data, FIELDS[type(data)][0]))


def column_digests(data: Data) -> dict[str, bytes]:
    """SHA-256 of each column's int64 values, little-endian; large columns are hashed side by side."""
    names = FIELDS[type(data)]
    # Two names may be one array, as a bar's own stamp and its open are.
    buffers = {id(column): column for column in (getattr(data, name) for name in names)}
    workers = min(os.cpu_count() or 1, len(buffers))
    if workers > 1 and row_count(data) >= _SMALL:
        with ThreadPoolExecutor(workers) as pool:
            found = dict(zip(buffers, pool.map(_hashed, buffers.values()), strict=True))
    else:
        found = {key: _hashed(column) for key, column in buffers.items()}
    return {name: found[id(getattr(data, name))] for name in names}


def combined(kind: str, decimals: tuple[int, ...], rows: int, columns: Mapping[str, bytes]) -> bytes:
    """The content hash, given those of the columns in their order."""
    line = " ".join([kind, *map(str, decimals), str(rows)]) + "\n"
    return sha256(line.encode("ascii") + b"".join(columns.values())).digest()


def content_hash(data: Data) -> bytes:
    """32 bytes: equal for equal data, wherever it came from."""
    return combined(data_kind(data), decimals_of(data), row_count(data), column_digests(data))


def _hashed(column: Any) -> bytes:
    values = memoryview(column) if hasattr(column, "dtype") else memoryview(array("q", column))
    if sys.byteorder == "big":
        swapped = array("q", values.tobytes())
        swapped.byteswap()
        values = memoryview(swapped)
    return sha256(values).digest()
