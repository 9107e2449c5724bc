"""`load` and `read`: files, frames and dicts to columns, every row checked, nothing repaired that was not asked for.

The order of work: open the source, find its columns, read times and numbers, check and repair the rows, convert prices
and quantities to mantissas, and lay bars on the time axis. Bars are made from trades in the core, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.data.binance import is_stream, stream_tables
from cracktrader.data.columns import PRICE_FIELDS, BarColumns, Columns, QuoteColumns, TradeColumns, kind_of
from cracktrader.data.decimals import Mantissas, to_mantissas
from cracktrader.data.declared import Bars, Declared, Dst, Duration, Kind, Options, Quotes, Repairs, Stamp, Trades
from cracktrader.data.joining import join_files, refuse_twins, share_decimals
from cracktrader.data.layout import find_layout
from cracktrader.data.problems import DataReport, Repair
from cracktrader.data.repair import checked
from cracktrader.data.rows import Rows, read_rows
from cracktrader.data.sources import Table, expanded, files_of, is_pattern, is_rows, is_source, open_source
from cracktrader.data.stamps import UNIT_NS, commonest_spacing, spans
from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    from decimal import Decimal


def load(
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
) -> list[Columns]:
    """Read bars, trades or quotes of one or several instruments.

    `source` is a polars or pandas frame, a pyarrow table, any object with the Arrow PyCapsule interface, a dict of
    arrays, a list of records or of candles as ccxt gives them, the path of a CSV or Parquet file (text also in .gz,
    .zst, .zip), a pattern such as "data/BTCUSDT-1m-*.zip", a recorded Binance stream, "sample:NAME" for bundled data, a
    `Bars`, `Trades` or `Quotes`, or, for several instruments, a list of these or a dict by symbol. Files of a pattern
    that hold one symbol are joined.

    Columns are found by name in any case and the usual spellings, or said by `columns`, as in {"close": "Last"} (or by
    position, as in {"close": 4}, where a file has no header). `kind` is found from the columns unless said.

    Times. Integers are seconds, milliseconds, microseconds or nanoseconds since 1970 by their magnitude. A time with a
    zone is made UTC; one without is a wall clock in `tz`, such as "America/New_York", or else UTC, which is said in the
    note. A wall clock reading that occurs twice is refused, or resolved by `dst`: "infer" (by the order of the rows),
    "earliest", "latest". `time_format` is a strptime format for text that is read differently.

    Bars. `every` is their duration, else the commonest difference of their times. `stamp` says which end of the bar its
    time marks: "open" (the default, which cannot look ahead: a bar is delivered one duration after its stamp), or
    "close". Where bars stand closer than their duration, a bar stamped at its open ends when the next begins, and a bar
    stamped at its close begins when the one before ended. `adjust=True` scales prices to the adjusted close.

    Rows. Every row is checked; all kinds of trouble are named in one DataError with the first place of each. `repair`
    names what may be done instead, one or several of "sort" (put rows in order of time), "keep_last" (of bars of one
    time keep the last), "widen" (move high and low to hold open and close), "snap" (move prices to their `tick`),
    "drop" (leave out what is still wrong). What was done is in the `report` of the columns and in their `note`.

    Raises DataError for what is wrong with the data, naming it, and ConfigError for a bad option.
    """
    options = Options(kind, symbol, every, stamp, tz, dst, time_format, columns, adjust, tick, repair)
    loaded = [one for part, within in parts_of(source, options) for one in load_one(part, within)]
    if not loaded:
        raise DataError("no data: the list of instruments is empty")
    refuse_twins(loaded)
    return share_decimals(loaded)


def load_bars(source: Any, **options: Any) -> list[BarColumns]:
    """`load` for what takes bars only. Raises DataError for trades and quotes."""
    loaded = load(source, **options)
    for columns in loaded:
        if not isinstance(columns, BarColumns):
            raise DataError(f"{columns.origin}: holds {kind_of(columns)}, and bars are needed")
    return [columns for columns in loaded if isinstance(columns, BarColumns)]


def read(source: Any, **options: Any) -> Bars | Trades | Quotes:
    """One instrument, loaded and checked, as a `Bars`, `Trades` or `Quotes` that can be given to `backtest`.

    Options as in `load`. Its `data` are the columns. Raises ConfigError when `source` holds more than one.
    """
    loaded = load(source, **options)
    if len(loaded) != 1:
        listed = ", ".join(f"{kind_of(one)} of {one.symbol}" for one in loaded)
        raise ConfigError(f"read() takes one instrument, this is {listed}: use load()")
    if isinstance(loaded[0], BarColumns):
        return Bars(loaded[0])
    return Trades(loaded[0]) if isinstance(loaded[0], TradeColumns) else Quotes(loaded[0])


def parts_of(source: Any, options: Options) -> Iterator[tuple[Any, Options]]:
    """The single sources inside `source`, each with its options. Raises ConfigError for bad options."""
    options.check()
    if isinstance(source, Declared):
        yield from parts_of(source.data, options.within(source))
        return
    if isinstance(source, Mapping) and source and all(_is_part(value) or _is_list(value) for value in source.values()):
        _one_symbol(options, len(source))
        for symbol, part in source.items():
            for one in part if _is_list(part) else (part,):
                yield from parts_of(one, options.named(str(symbol)))
    elif isinstance(source, (list, tuple)) and not is_rows(source):
        if not all(_is_part(value) for value in source):
            raise DataError(
                "a list of data must hold frames, paths, dicts of arrays, Bars, Trades or Quotes, or be records or candles"
            )
        _one_symbol(options, len(source))
        for part in source:
            yield from parts_of(part, options)
    elif is_pattern(source):
        paths = files_of(source)
        yield (paths[0] if len(paths) == 1 else FilesOfPattern(paths)), options
    else:
        yield source, options


@dataclass(frozen=True, slots=True)
class FilesOfPattern:
    """Files in the order of their names; those of one symbol follow each other."""

    paths: list[Path]


def _is_part(value: Any) -> bool:
    return isinstance(value, (*Declared, BarColumns, TradeColumns, QuoteColumns)) or is_source(value) or is_rows(value)


def _is_list(value: Any) -> bool:
    """Whether a value of a dict by symbol is a list of the instrument's kinds of data: neither a column nor a list of rows."""
    if not isinstance(value, (list, tuple)) or not value or is_rows(value):
        return False
    return all(_is_part(one) and not isinstance(one, str) for one in value)


def _one_symbol(options: Options, parts: int) -> None:
    if options.symbol is not None and parts > 1:
        raise ConfigError(
            f"symbol={options.symbol!r} fits one instrument, not {parts}: name them in a dict or with Bars"
        )


def load_one(source: Any, options: Options) -> list[Columns]:
    """The columns of one source: several only where the source itself holds several instruments or kinds."""
    if isinstance(source, FilesOfPattern):
        return join_files([one for path in source.paths for one in load_one(path, options)])
    if isinstance(source, (BarColumns, TradeColumns, QuoteColumns)):
        return [source if options.symbol is None else replace(source, symbol=options.symbol)]
    tables = (
        stream_tables(expanded(source))
        if is_stream(source)
        else tables_of(open_source(source, options.columns), options)
    )
    return [columns_of(*rows_of(table, options), options, table) for table in tables]


def tables_of(table: Table, options: Options) -> list[Table]:
    """One table for each symbol where the source has a column of symbols; of several, only the one that was said."""
    import polars as pl

    layout = find_layout(table.place.origin, table.frame.columns, _kind(table, options), options.columns, table.layout)
    column = layout.columns.get("symbol")
    if column is None or table.frame[column].dtype not in (pl.String, pl.Categorical):
        return [table]
    names = table.frame[column].cast(pl.String).str.strip_chars()
    symbols = names.drop_nulls().unique(maintain_order=True).to_list()
    if len(symbols) == 1 and not names.null_count():
        return [replace(table, symbol=symbols[0])]
    if options.symbol is not None:
        if options.symbol not in symbols:
            listed = ", ".join(symbols[:8]) + (", ..." if len(symbols) > 8 else "")
            raise DataError(f"{table.place.origin}: {options.symbol} is none of its symbols, which are {listed}")
        symbols = [options.symbol]
    parts = []
    for symbol in symbols:
        chosen = (names == symbol).fill_null(False)
        rows = chosen.arg_true().to_numpy().astype("int64")
        parts.append(replace(table, frame=table.frame.filter(chosen), place=table.place.taking(rows), symbol=symbol))
    return parts


def _kind(table: Table, options: Options) -> Kind | None:
    return options.kind or table.said.get("kind")


def rows_of(table: Table, options: Options) -> tuple[Rows, int]:
    """The rows of a table with every cell read, and how many there were; nothing is checked or refused yet."""
    origin = table.place.origin
    layout = find_layout(origin, table.frame.columns, _kind(table, options), options.columns, table.layout)
    rows = read_rows(table, layout, options)
    return rows, len(rows)


def tick_of(options: Options) -> tuple[int, int] | None:
    """The declared price step as mantissa and decimals."""
    tick = options.tick_size()
    if tick is None:
        return None
    decimals = max(0, -int(tick.normalize().as_tuple().exponent))
    return int(tick.scaleb(decimals)), decimals


def columns_of(rows: Rows, rows_read: int, options: Options, table: Table) -> Columns:
    """Checked rows as columns. Raises DataError for what is wrong and not repaired."""
    rows, repairs = checked(rows, options.repairs(), tick_of(options))
    rows.problems.refuse()
    if not len(rows):
        raise DataError(f"{rows.place.origin}: no row is left after the repairs")
    symbol = options.symbol or table.symbol
    finished = _Finished(rows, rows_read, repairs, options, table, symbol)
    if rows.kind == "bars":
        return _bar_columns(finished)
    return _trade_columns(finished) if rows.kind == "trades" else _quote_columns(finished)


class _Finished:
    """Rows that are in order, on their way to columns."""

    def __init__(
        self, rows: Rows, rows_read: int, repairs: tuple[Repair, ...], options: Options, table: Table, symbol: str
    ) -> None:
        self.rows, self.rows_read, self.repairs = rows, rows_read, repairs
        self.options, self.table, self.symbol = options, table, symbol
        self.notes = list(rows.notes)
        # Columns of several instruments of one kind of source are told apart by their names.
        named = options.symbol is not None and rows.place.first_line is None
        self.origin = f"{options.symbol} ({rows.place.origin})" if named else rows.place.origin

    def mantissas(self, *fields: str) -> Mantissas:
        """Some fields as integers with the decimals they share."""
        return to_mantissas(self.origin, [self.rows.values[field] for field in fields])

    def report(self, **kept: Mantissas) -> DataReport:
        """What became of the source."""
        notes = [
            f"{what} {one.decimals} decimals, largest change {one.largest_change:.3g}"
            for what, one in kept.items()
            if one.largest_change
        ]
        rows = self.rows
        return DataReport(
            *(self.origin, self.symbol, rows.kind, rows.layout.name, self.rows_read, len(rows), self.repairs),
            notes=(*self.notes, *notes),
            place=rows.place,
        )


def _bar_columns(finished: _Finished) -> BarColumns:
    rows, options = finished.rows, finished.options
    stamps = rows.times.stamps
    said = finished.table.said
    interval = options.interval_ns() or int(said.get("every", 0)) or commonest_spacing(finished.origin, stamps)
    prices = finished.mantissas(*PRICE_FIELDS)
    volumes = finished.mantissas("volume")
    stamp = options.stamp or said.get("stamp") or "open"
    open_time, close_time = spans(stamps, interval, stamp)
    if stamp == "close" and rows.times.zone == "dates" and interval >= UNIT_NS["d"]:
        finished.notes.append(
            'stamp="close" with days: a bar counts as known at 00:00 of its day, before the day is over; give times of day'
        )
    open_, high, low, close = prices.columns
    report = finished.report(price=prices, volume=volumes)
    return BarColumns(
        symbol=finished.symbol,
        event_time=stamps,
        open_time=open_time,
        close_time=close_time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volumes.columns[0],
        price_decimals=prices.decimals,
        volume_decimals=volumes.decimals,
        interval_ns=interval,
        origin=finished.origin,
        note=report.line(),
        report=report,
    )


def _trade_columns(finished: _Finished) -> TradeColumns:
    rows = finished.rows
    prices, quantities = finished.mantissas("price"), finished.mantissas("quantity")
    aggressor = rows.aggressor
    assert aggressor is not None
    if not aggressor.all():
        silent = int((aggressor == 0).sum())
        finished.notes.append(f"{silent:,} of {len(rows):,} trades do not say which side was the aggressor")
    report = finished.report(price=prices, quantity=quantities)
    return TradeColumns(
        symbol=finished.symbol,
        event_time=rows.times.stamps,
        time=rows.times.stamps,
        price=prices.columns[0],
        quantity=quantities.columns[0],
        aggressor=aggressor,
        price_decimals=prices.decimals,
        quantity_decimals=quantities.decimals,
        origin=finished.origin,
        note=report.line(),
        report=report,
    )


def _quote_columns(finished: _Finished) -> QuoteColumns:
    rows = finished.rows
    prices = finished.mantissas("bid_price", "ask_price")
    quantities = finished.mantissas("bid_quantity", "ask_quantity")
    if "bid_quantity" not in rows.layout.columns:
        finished.notes.append("quotes without quantities have quantity 0")
    report = finished.report(price=prices, quantity=quantities)
    return QuoteColumns(
        symbol=finished.symbol,
        event_time=rows.times.stamps,
        time=rows.times.stamps,
        bid_price=prices.columns[0],
        bid_quantity=quantities.columns[0],
        ask_price=prices.columns[1],
        ask_quantity=quantities.columns[1],
        price_decimals=prices.decimals,
        quantity_decimals=quantities.decimals,
        origin=finished.origin,
        note=report.line(),
        report=report,
    )
