"""One source as rows: stamps and numbers by field, every cell read, every row checked against what a market can print.

What is wrong is collected in `Rows.problems`; whether it is refused or repaired is decided in `repair.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cracktrader.data.decimals import CHUNK_ROWS
from cracktrader.data.declared import Kind, Options
from cracktrader.data.layout import PRICES, QUANTITIES, Layout
from cracktrader.data.problems import Place, Problems
from cracktrader.data.sources import Table
from cracktrader.data.stamps import time_text
from cracktrader.data.times import Times, join_clock, read_times
from cracktrader.data.zones import to_utc
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

ADJUSTED_DECIMALS = 6
GRID_TOLERANCE = 1e-9
"""Relative distance within which a price counts as on its tick: what arithmetic on floats leaves behind."""

UNKNOWN, BUYER, SELLER = 0, 1, 2
_SIDES = {"buy": BUYER, "b": BUYER, "bid": BUYER, "buyer": BUYER, "1": BUYER, "long": BUYER, "taker_buy": BUYER}
_SIDES |= {"sell": SELLER, "s": SELLER, "ask": SELLER, "seller": SELLER, "2": SELLER, "short": SELLER, "-1": SELLER}
_SIDES |= {"": UNKNOWN, "0": UNKNOWN, "unknown": UNKNOWN, "none": UNKNOWN, "n": UNKNOWN}
_TRUTH = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}


@dataclass(slots=True, eq=False)
class Rows:
    """Rows of one instrument, in the order of the source until repaired."""

    place: Place
    layout: Layout
    times: Times
    values: dict[str, NDArray[np.float64]]
    """Floats by field; NaN where a cell holds no number."""
    unread: dict[str, NDArray[np.bool_]]
    """Per field the cells that are noted as no numbers already."""
    problems: Problems
    aggressor: NDArray[np.int64] | None = None
    trade_id: NDArray[np.int64] | None = None
    time_zone: str = "UTC"
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """What the rows are."""
        return self.layout.kind

    def __len__(self) -> int:
        return len(self.times.stamps)

    def name(self, field: str) -> str:
        """The source's name of a field's column."""
        return self.layout.columns.get(field, field)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """A selection of the rows, in the order given."""
        readable = self.times.readable
        place = self.place.taking(rows)
        return Rows(
            place,
            self.layout,
            Times(self.times.stamps[rows], None if readable is None else readable[rows], self.times.zone),
            {field: column[rows] for field, column in self.values.items()},
            {field: mask[rows] for field, mask in self.unread.items()},
            self.problems.taking(rows, len(self)),
            None if self.aggressor is None else self.aggressor[rows],
            None if self.trade_id is None else self.trade_id[rows],
            self.time_zone,
            self.notes,
        )


def read_rows(table: Table, layout: Layout, options: Options) -> Rows:
    """Every cell of the source that is needed, as numbers; what cannot be read is noted. Raises DataError."""
    frame, place = table.frame, table.place
    if frame.is_empty():
        raise DataError(f"{place.origin}: no rows")
    problems = Problems(place)
    name, column = _time_column(frame, layout)
    times = read_times(place, name, column, options.time_format, problems)
    rows = Rows(place, layout, times, {}, {}, problems, notes=list(table.said.get("notes", ())))
    _apply_zone(rows, name, options)
    for field_ in (*PRICES[layout.kind], *QUANTITIES[layout.kind]):
        rows.values[field_] = _numbers(rows, frame, field_)
    if layout.kind == "trades":
        rows.aggressor = _aggressor(rows, frame)
        rows.trade_id = _trade_id(frame, layout)
    if layout.kind == "bars" and "adjusted_close" in layout.columns:
        _adjust(rows, frame, bool(options.adjust))
    return rows


def check_cells(rows: Rows, tick: tuple[int, int] | None = None) -> None:
    """Note every row that no market can have printed; `tick` is the price step as (mantissa, decimals)."""
    _CHECKS[rows.kind](rows)
    if tick is not None:
        _check_grid(rows, *tick)


def on_grid(prices: NDArray[np.float64], tick: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Prices moved to their nearest tick, and which of them stood on it."""
    import numpy as np

    mantissa, decimals = tick
    step = mantissa / 10**decimals
    nearest = np.rint(prices / step) * mantissa / 10**decimals
    with np.errstate(invalid="ignore"):
        return nearest, np.abs(nearest - prices) <= np.abs(prices) * GRID_TOLERANCE


# --- cells -----------------------------------------------------------------------------------------------------


def _time_column(frame: pl.DataFrame, layout: Layout) -> tuple[str, pl.Series]:
    name = layout.columns["time"]
    if "date" in layout.columns:
        joined = join_clock(frame[layout.columns["date"]], frame[name])
        if joined is not None:
            return joined.name, joined
    return name, frame[name]


def _apply_zone(rows: Rows, name: str, options: Options) -> None:
    zone = rows.times.zone
    if zone == "utc":
        if options.tz is not None and options.tz != "UTC":
            rows.notes.append(f"tz={options.tz!r} was not needed: the times are moments already")
        return
    if options.tz is not None:
        to_utc(rows.times, name, options.tz, options.dst or "refuse", rows.problems)
        rows.time_zone = options.tz
        return
    rows.time_zone = "none, read as UTC"
    if zone == "naive":
        rows.notes.append("times without a zone are read as UTC (tz= says otherwise)")


def _numbers(rows: Rows, frame: pl.DataFrame, field: str) -> NDArray[np.float64]:
    """A column of numbers as floats; zeros when the source has no such quantity."""
    import numpy as np
    import polars as pl

    if field not in rows.layout.columns:
        return np.zeros(frame.height)
    column = frame[rows.layout.columns[field]]
    if field == "volume" and _is_void(column):
        rows.notes.append(f"{column.name} holds no number in any row and is read as 0")
        return np.zeros(frame.height)
    if column.dtype == pl.Float64 and not column.null_count():
        return column.to_numpy()
    if column.dtype == pl.Boolean:
        raise DataError(f"{rows.place.origin}, column {column.name}: Boolean does not hold numbers")
    # The shortest text of a 32-bit float is the number that was meant: 0.1f is 0.1, not 0.10000000149011612.
    source = column.cast(pl.String) if column.dtype == pl.Float32 else column
    text = source.str.strip_chars() if source.dtype == pl.String else source
    try:
        floats = text.cast(pl.Float64, strict=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{rows.place.origin}, column {column.name}: {column.dtype} does not hold numbers") from error
    if not floats.null_count():
        return floats.to_numpy()
    empty = (column.is_null() if source.dtype != pl.String else text.is_null() | (text == "")).to_numpy()
    wrong = floats.is_null().to_numpy()
    rows.unread[field] = wrong
    rows.problems.add("missing", column.name, empty, lambda row: "the value is missing")
    rows.problems.add("not_a_number", column.name, wrong & ~empty, lambda row: f"{column[row]!r} is not a number")
    return floats.fill_null(float("nan")).to_numpy()


def _is_void(column: pl.Series) -> bool:
    """Whether no row has a value: how sources without volumes, such as those of currencies, fill the column."""
    import polars as pl

    if column.dtype == pl.Null or column.null_count() == len(column):
        return True
    if column.dtype == pl.String and not (column[0] or "").strip():
        return bool((column.fill_null("").str.strip_chars() == "").all())
    return bool(column.dtype.is_float() and column[0] is not None and column[0] != column[0] and column.is_nan().all())


def _aggressor(rows: Rows, frame: pl.DataFrame) -> NDArray[np.int64]:
    """0 unknown, 1 the buyer, 2 the seller; of a maker's side, the other side."""
    import numpy as np
    import polars as pl

    columns = rows.layout.columns
    field = next((name for name in ("buyer_maker", "aggressor") if name in columns), "")
    if not field:
        return np.zeros(frame.height, dtype=np.int64)
    column = frame[columns[field]]
    if field == "buyer_maker" and column.dtype == pl.Boolean and not column.null_count():
        makers: NDArray[np.int64] = column.cast(pl.Int64).to_numpy() + BUYER
        return makers
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{rows.place.origin}, column {column.name}: {column.dtype} does not hold sides")
    words: dict[str, int] = _SIDES
    if field == "buyer_maker":
        words = {word: SELLER if maker else BUYER for word, maker in _TRUTH.items()} | {"": UNKNOWN}
    text = column.cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
    known = text.replace_strict(words, default=-1, return_dtype=pl.Int64).to_numpy()
    wanted = "true or false" if field == "buyer_maker" else "buy or sell"
    rows.problems.add("unknown_side", column.name, known < 0, lambda row: f"{column[row]!r} is not {wanted}")
    sides: NDArray[np.int64] = np.maximum(known, 0)
    return sides


def _trade_id(frame: pl.DataFrame, layout: Layout) -> NDArray[np.int64] | None:
    """The trades' own numbers, where they are whole numbers."""
    import polars as pl

    if "trade_id" not in layout.columns:
        return None
    column = frame[layout.columns["trade_id"]]
    if column.dtype != pl.String and not column.dtype.is_integer():
        return None
    ids = column.cast(pl.Int64, strict=False)
    return None if ids.null_count() else ids.to_numpy()


def _adjust(rows: Rows, frame: pl.DataFrame, wanted: bool) -> None:
    """Prices scaled to the adjusted close where that is `wanted`, else a word where it would change something."""
    import numpy as np

    adjusted = _numbers(rows, frame, "adjusted_close")
    close = rows.values["close"]
    if not wanted:
        if not np.array_equal(adjusted, close):
            rows.notes.append(f"{rows.name('adjusted_close')} is not used (adjust=True scales the prices to it)")
        rows.problems.found = [one for one in rows.problems.found if one.column != rows.name("adjusted_close")]
        rows.unread.pop("adjusted_close", None)
        return
    wrong = ~((adjusted > 0) & (adjusted < np.inf))
    if (noted := rows.unread.pop("adjusted_close", None)) is not None:
        wrong &= ~noted
    rows.problems.add(
        "not_positive", rows.name("adjusted_close"), wrong, lambda row: f"price {adjusted[row]:.15g} is not positive"
    )
    with np.errstate(all="ignore"):
        factor = adjusted / close
    for name in ("open", "high", "low"):
        rows.values[name] = np.round(rows.values[name] * factor, ADJUSTED_DECIMALS)
    rows.values["close"] = np.round(adjusted, ADJUSTED_DECIMALS)


# --- rows ------------------------------------------------------------------------------------------------------


def _all_sound(rows: Rows, sound: Callable[..., NDArray[np.bool_]]) -> bool:
    """Whether every row is, in slices that stay in the processor's cache: the good path has no temporaries of full length."""
    columns = list(rows.values.values())
    slices = (slice(start, start + CHUNK_ROWS) for start in range(0, len(rows), CHUNK_ROWS))
    return all(sound(*(column[part] for column in columns)).all() for part in slices)


def _check_bars(rows: Rows) -> None:
    infinity = float("inf")

    def sound(open_, high, low, close, volume):  # type: ignore[no-untyped-def]  # five float arrays
        # One expression on the good path: a NaN makes every comparison false, so it cannot slip through.
        whole = (low > 0) & (low <= open_) & (open_ <= high) & (low <= close) & (close <= high) & (high < infinity)
        return whole & (volume >= 0) & (volume < infinity)

    if _all_sound(rows, sound):
        return
    _check_numbers(rows, PRICES["bars"], ("volume",))
    import numpy as np

    open_, high, low, close = (rows.values[name] for name in PRICES["bars"])
    with np.errstate(invalid="ignore"):
        usable = (low > 0) & (high > 0) & (high < infinity) & (low < infinity)
        crossed = usable & (high < low)
        rows.problems.add(
            "high_below_low",
            rows.name("high"),
            crossed,
            lambda row: f"high {high[row]:.15g} is below low {low[row]:.15g}",
        )
        for name, column in (("open", open_), ("close", close)):
            outside = usable & ~crossed & (column > 0) & (column < infinity) & ((column < low) | (column > high))
            rows.problems.add(
                "outside",
                rows.name(name),
                outside,
                lambda row, name=name, column=column: (  # type: ignore[misc]  # bound by default arguments
                    f"{name} {column[row]:.15g} is outside low {low[row]:.15g} to high {high[row]:.15g}"
                ),
            )


def _check_trades(rows: Rows) -> None:
    infinity = float("inf")
    if not _all_sound(rows, lambda price, size: (price > 0) & (price < infinity) & (size > 0) & (size < infinity)):
        _check_numbers(rows, ("price", "quantity"), ())
    _check_ids(rows)


def _check_quotes(rows: Rows) -> None:
    infinity = float("inf")

    def sound(bid, ask, bid_size, ask_size):  # type: ignore[no-untyped-def]  # four float arrays
        return (bid > 0) & (bid <= ask) & (ask < infinity) & _size(bid_size) & _size(ask_size)

    def _size(size: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (size >= 0) & (size < infinity)

    if _all_sound(rows, sound):
        return
    _check_numbers(rows, PRICES["quotes"], QUANTITIES["quotes"])
    bid, ask = (rows.values[name] for name in PRICES["quotes"])
    crossed = (ask > 0) & (bid > ask) & (bid < infinity)
    rows.problems.add(
        "crossed", rows.name("bid_price"), crossed, lambda row: f"bid {bid[row]:.15g} is above ask {ask[row]:.15g}"
    )


_CHECKS = {"bars": _check_bars, "trades": _check_trades, "quotes": _check_quotes}


def _check_numbers(rows: Rows, positive: Iterable[str], not_negative: Iterable[str]) -> None:
    """Cells that are no finite numbers, and numbers of the wrong sign."""
    import numpy as np

    what = {"bars": "a bar", "trades": "a trade", "quotes": "a quote"}[rows.kind]
    not_negative = tuple(not_negative)
    for name in (*positive, *not_negative):
        column = rows.values[name]
        endless = ~np.isfinite(column)
        if name in rows.unread:
            endless &= ~rows.unread[name]
        rows.problems.add(
            "not_finite",
            rows.name(name),
            endless,
            lambda row, column=column: f"{column[row]} is not a number {what} can hold",  # type: ignore[misc]  # bound by default
        )
        word = "price" if name in PRICES[rows.kind] else name.replace("_", " ")
        with np.errstate(invalid="ignore"):
            wrong = np.isfinite(column) & ((column < 0) if name in not_negative else (column <= 0))
        sign = "negative" if name in not_negative else "not positive"
        rows.problems.add(
            "not_positive",
            rows.name(name),
            wrong,
            lambda row, column=column, word=word, sign=sign: f"{word} {column[row]:.15g} is {sign}",  # type: ignore[misc]  # bound by default
        )


def _check_ids(rows: Rows) -> None:
    """A trade's number may occur once."""
    import numpy as np

    ids = rows.trade_id
    if ids is None or (ids[1:] > ids[:-1]).all():
        return
    _, first = np.unique(ids, return_index=True)
    again = np.ones(len(ids), dtype=bool)
    again[first] = False
    rows.problems.add("twice", rows.name("trade_id"), again, lambda row: f"trade {ids[row]} is there twice")


def _check_grid(rows: Rows, mantissa: int, decimals: int) -> None:
    """Prices that are no multiple of the tick; those that differ by rounding alone are put on it."""
    import numpy as np

    for name in PRICES[rows.kind]:
        column = rows.values[name]
        nearest, exact = on_grid(column, (mantissa, decimals))
        tick = f"{mantissa / 10**decimals:.15g}"
        with np.errstate(invalid="ignore"):
            off = ~exact & np.isfinite(column) & (column > 0)
        rows.problems.add(
            "off_grid",
            rows.name(name),
            off,
            lambda row, column=column, tick=tick: f"price {column[row]:.15g} is no multiple of the tick {tick}",  # type: ignore[misc]  # bound by default
        )
        rows.values[name] = np.where(exact, nearest, column)


def check_order(rows: Rows) -> None:
    """Note times that go back, and bars of one time. Rows without a time are noted elsewhere and left out here."""
    import numpy as np

    stamps, readable = rows.times.stamps, rows.times.readable
    strict = rows.kind == "bars"
    rising = (stamps[1:] > stamps[:-1]) if strict else (stamps[1:] >= stamps[:-1])
    if rising.all() and (readable is None or readable.all()):
        return
    known = np.arange(len(stamps)) if readable is None else np.flatnonzero(readable)
    if len(known) < 2:
        return
    times = stamps[known]
    latest = np.maximum.accumulate(times)
    back, same = (np.zeros(len(stamps), dtype=bool) for _ in range(2))
    back[known[1:]] = times[1:] < latest[:-1]
    same[known[1:]] = (times[1:] == latest[:-1]) & strict
    name = rows.layout.time_column
    if int(back.sum()) + int(same.sum()) == len(known) - 1 and (times[1:] <= times[:-1]).all() and back.any():
        rows.problems.add("descending", name, back, lambda row: "the rows run from the newest to the oldest")
        return
    before = np.zeros(len(stamps), dtype=np.int64)
    before[known[1:]] = latest[:-1]
    rows.problems.add(
        "backwards",
        name,
        back,
        lambda row: f"{time_text(int(stamps[row]))} goes back behind {time_text(int(before[row]))}",
    )
    rows.problems.add("duplicate", name, same, lambda row: f"{time_text(int(stamps[row]))} is there twice")
