"""`info`: what a file or frame holds, before anything is run on it. Nothing is refused that can be described.

A `DataInfo` is plain values (`as_dict` for JSON), and prints as a short table (`lines` for other tables).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cracktrader.data.binance import is_stream, stream_tables
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.data.decimals import to_mantissas
from cracktrader.data.declared import Dst, Duration, Kind, Options, Repairs, Stamp
from cracktrader.data.layout import PRICES, QUANTITIES
from cracktrader.data.loading import FilesOfPattern, parts_of, rows_of, tables_of, tick_of
from cracktrader.data.problems import Place
from cracktrader.data.repair import checked
from cracktrader.data.rows import Rows
from cracktrader.data.sources import Table, expanded, open_source
from cracktrader.data.stamps import commonest_spacing, duration_text, time_text
from cracktrader.errors import DataError

if TYPE_CHECKING:
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

LONGEST = 3
"""How many gaps are listed."""
_ARRAYS = {"bars": 8, "trades": 5, "quotes": 6}
"""Columns of 64-bit integers that the rows become."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without rows, longer than one bar: from the last row before it to the first after, in ns UTC."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{time_text(self.start)} to {time_text(self.end)}"


@dataclass(frozen=True, slots=True, repr=False)
class DataInfo:
    """What one source holds. Times are nanoseconds since the Unix epoch, UTC; None where the rows do not tell."""

    origin: str
    symbol: str
    layout: str
    """What the arrangement of columns is called: "Yahoo", "Binance klines", "generic"..."""
    kind: str
    """bars, trades or quotes"""
    columns: dict[str, str]
    """Field to the source's column."""
    rows: int
    first_time: int | None
    last_time: int | None
    time_zone: str
    """How the times were read: "UTC", the `tz` given, or "none, read as UTC"."""
    interval_ns: int | None
    """Duration of a bar: declared, or the commonest difference of the times."""
    gaps: int
    """How many neighbouring bars stand further apart than the duration."""
    longest_gaps: tuple[Gap, ...]
    duplicates: int
    price_decimals: int | None
    quantity_decimals: int | None
    lowest_price: float | None
    highest_price: float | None
    problems: tuple[str, ...]
    """One line for each kind of trouble and column, as a refusal would say it; empty when the data can be used."""
    bad_rows: int
    notes: tuple[str, ...]
    """What was assumed or repaired."""
    memory_bytes: int
    """What the columns take while a run uses them."""

    def lines(self) -> list[tuple[str, str]]:
        """Label and text of each figure, for a table."""
        price, quantity = _decimals(self.price_decimals), _decimals(self.quantity_decimals)
        span = "no readable time"
        if self.first_time is not None and self.last_time is not None:
            span = f"{time_text(self.first_time)} to {time_text(self.last_time)}"
        shown = [
            ("source", self.origin),
            ("symbol", self.symbol),
            ("layout", f"{self.layout} {self.kind}"),
            ("columns", ", ".join(f"{field}={column}" for field, column in self.columns.items())),
            ("rows", f"{self.rows:,}"),
            ("time", span),
            ("time zone", self.time_zone),
            (
                "prices",
                "none" if self.lowest_price is None else f"{self.lowest_price:.15g} to {self.highest_price:.15g}",
            ),
            ("decimals", f"price {price}, {'volume' if self.kind == 'bars' else 'quantity'} {quantity}"),
            ("memory", f"{self.memory_bytes / 2**20:,.1f} MiB"),
        ]
        if self.kind == "bars":
            interval = "unknown: pass every=" if self.interval_ns is None else duration_text(self.interval_ns)
            gaps = f"{self.gaps:,}" + "".join(f"; {gap}" for gap in self.longest_gaps)
            shown[7:7] = [("bar duration", interval), ("gaps", gaps), ("duplicates", f"{self.duplicates:,}")]
        elif self.longest_gaps:
            shown.insert(7, ("longest silence", str(self.longest_gaps[0])))
        shown += [("note", note) for note in self.notes]
        shown += [("problem", problem) for problem in self.problems]
        return shown

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values for JSON; times as text, UTC."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("first_time", "last_time"):
            values[name] = None if values[name] is None else time_text(values[name])
        values["longest_gaps"] = [[time_text(gap.start), time_text(gap.end)] for gap in self.longest_gaps]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def __repr__(self) -> str:
        shown = self.lines()
        width = max(len(label) for label, _ in shown)
        return "\n".join(f"{label:<{width}}  {text}" for label, text in shown)


def info(
    source: Any,
    *,
    kind: Kind | None = None,
    symbol: str | None = None,
    every: Duration = None,
    stamp: Stamp | None = None,
    tz: str | None = None,
    dst: Dst | None = None,
    time_format: str | None = None,
    columns: Mapping[str, str | int] | None = None,
    adjust: bool | None = None,
    tick: str | int | float | Decimal | None = None,
    repair: Repairs = None,
) -> DataInfo | list[DataInfo]:
    """What a source holds: one DataInfo, or a list where it holds several instruments, kinds or files.

    Source and options as in `load`. Bad rows do not raise, they are in `problems`; with `repair` those that remain.
    Raises DataError for a source that cannot be opened or whose columns are not found, ConfigError for a bad option.
    """
    options = Options(kind, symbol, every, stamp, tz, dst, time_format, columns, adjust, tick, repair)
    described = []
    for part, within in parts_of(source, options):
        for one in part.paths if isinstance(part, FilesOfPattern) else [part]:
            described += [_describe(table, within) for table in _tables(one, within)]
    if not described:
        raise DataError("no data: the list of instruments is empty")
    return described[0] if len(described) == 1 else described


def _tables(source: Any, options: Options) -> list[Table]:
    if isinstance(source, BarColumns):
        at_close = bool((source.event_time == source.close_time).all())
        said = {"kind": "bars", "every": source.interval_ns, "stamp": "close" if at_close else "open"}
        return [Table(source.to_polars(), Place(source.origin), source.symbol, said=said)]
    if isinstance(source, (TradeColumns, QuoteColumns)):
        return [Table(source.to_polars(), Place(source.origin), source.symbol)]
    return (
        stream_tables(expanded(source))
        if is_stream(source)
        else tables_of(open_source(source, options.columns), options)
    )


def _describe(table: Table, options: Options) -> DataInfo:
    if table.frame.is_empty():
        raise DataError(f"{table.place.origin}: no rows")
    rows, rows_read = rows_of(table, options)
    rows, repairs = checked(rows, options.repairs(), tick_of(options))
    times = _known_times(rows)
    interval = _interval(rows, times, options, table)
    gaps, longest = _gaps(times, interval)
    prices = [rows.values[field] for field in PRICES[rows.kind]]
    quantities = [rows.values[field] for field in QUANTITIES[rows.kind]]
    lowest, highest = _range(prices)
    again = sum(len(one.rows) for one in rows.problems.found if one.kind in ("duplicate", "twice"))
    return DataInfo(
        origin=rows.place.origin,
        symbol=options.symbol or table.symbol,
        layout=rows.layout.name,
        kind=rows.kind,
        columns=rows.layout.columns,
        rows=rows_read,
        first_time=int(times[0]) if len(times) else None,
        last_time=int(times[-1]) if len(times) else None,
        time_zone=rows.time_zone,
        interval_ns=interval,
        gaps=gaps,
        longest_gaps=longest,
        duplicates=again,
        price_decimals=_inferred(prices),
        quantity_decimals=_inferred(quantities),
        lowest_price=lowest,
        highest_price=highest,
        problems=tuple(rows.problems.lines()),
        bad_rows=len(rows.problems.rows()),
        notes=(*(repair.text for repair in repairs), *rows.notes),
        memory_bytes=_ARRAYS[rows.kind] * 8 * len(rows),
    )


def _known_times(rows: Rows) -> NDArray[np.int64]:
    """The times that could be read, in order."""
    import numpy as np

    stamps, readable = rows.times.stamps, rows.times.readable
    known = stamps if readable is None else stamps[readable]
    return known if (known[1:] >= known[:-1]).all() else np.sort(known)


def _interval(rows: Rows, times: NDArray[np.int64], options: Options, table: Table) -> int | None:
    import numpy as np

    if rows.kind != "bars":
        return None
    declared = options.interval_ns() or int(table.said.get("every", 0))
    distinct = np.unique(times)
    if declared or len(distinct) < 2:
        return declared or None
    return commonest_spacing(table.place.origin, distinct)


def _gaps(times: NDArray[np.int64], interval: int | None) -> tuple[int, tuple[Gap, ...]]:
    """How many gaps there are, and the longest ones; without a duration, the longest silences."""
    import numpy as np

    if len(times) < 2:
        return 0, ()
    spacings = np.diff(times)
    count = 0 if interval is None else int(np.count_nonzero(spacings > interval))
    longest = [row for row in np.argsort(-spacings, kind="stable")[:LONGEST] if spacings[row] > (interval or 0)]
    return count, tuple(Gap(int(times[row]), int(times[row + 1])) for row in longest)


def _range(prices: list[NDArray[np.float64]]) -> tuple[float | None, float | None]:
    import numpy as np

    known = [column[np.isfinite(column)] for column in prices]
    known = [column for column in known if len(column)]
    if not known:
        return None, None
    return min(float(column.min()) for column in known), max(float(column.max()) for column in known)


def _inferred(columns: list[NDArray[np.float64]]) -> int | None:
    """The decimals that the columns would get; None where their values do not fit."""
    import numpy as np

    try:
        return to_mantissas("", [column[np.isfinite(column)] for column in columns]).decimals
    except DataError:
        return None


def _decimals(decimals: int | None) -> str:
    return "too large" if decimals is None else str(decimals)
