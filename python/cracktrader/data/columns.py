"""`BarColumns`, `TradeColumns`, `QuoteColumns`: one instrument's data as integer columns, the only form in which it enters a core.

Here are the records, the check of their shape and the check of a bar's rows. Reading files and frames is in `bars.py`, the
choice of decimals in `decimals.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARRAY_FIELDS = ("event_time", "open_time", "close_time", "open", "high", "low", "close", "volume")
TRADE_FIELDS = ("event_time", "time", "price", "quantity", "aggressor")
QUOTE_FIELDS = ("event_time", "time", "bid_price", "bid_quantity", "ask_price", "ask_quantity")
PRICE_FIELDS = ("open", "high", "low", "close")

_SYMBOL = re.compile(r"[A-Za-z0-9._:/-]{1,64}\Z")


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """Bars of one instrument, sorted by `close_time`, oldest first.

    `event_time` is the source's own stamp, kept raw; a bar covers [`open_time`, `close_time`), and is delivered at its
    close. Times are nanoseconds since the Unix epoch, UTC. A price is its mantissa / 10**`price_decimals`, a volume its
    mantissa / 10**`volume_decimals`. Every array is int64, C-contiguous and of the same length.
    """

    symbol: str
    event_time: NDArray[np.int64]
    open_time: NDArray[np.int64]
    close_time: NDArray[np.int64]
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    volume: NDArray[np.int64]
    price_decimals: int
    volume_decimals: int
    interval_ns: int
    origin: str
    note: str = ""
    """One line to show when a value changed on its way to a mantissa; empty when every value is exact."""

    def __post_init__(self) -> None:
        _check_arrays(self.origin, self.symbol, {field: getattr(self, field) for field in ARRAY_FIELDS})

    def __len__(self) -> int:
        return len(self.close)

    def __repr__(self) -> str:
        return f"BarColumns({self.symbol}: {len(self):,} bars from {self.origin})"

    def prices(self, field: str) -> NDArray[np.float64]:
        """One of open, high, low, close as floats; for people and charts, never for the core."""
        values: NDArray[np.float64] = getattr(self, field) / float(10**self.price_decimals)
        return values


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns:
    """Public trades of one instrument, sorted by `time`, oldest first; several may share an instant and then keep their order.

    `event_time` is the source's own stamp, kept raw; `time` is when the venue traded. Times are nanoseconds since the Unix epoch, UTC. A
    price is its mantissa / 10**`price_decimals`, a quantity its mantissa / 10**`quantity_decimals`. `aggressor` says who crossed the
    spread: 0 unknown, 1 buyer, 2 seller. Every array is int64, C-contiguous and of the same length.
    """

    symbol: str
    event_time: NDArray[np.int64]
    time: NDArray[np.int64]
    price: NDArray[np.int64]
    quantity: NDArray[np.int64]
    aggressor: NDArray[np.int64]
    price_decimals: int
    quantity_decimals: int
    origin: str
    note: str = ""
    """One line to show when a value changed on its way to a mantissa; empty when every value is exact."""

    def __post_init__(self) -> None:
        _check_arrays(self.origin, self.symbol, {field: getattr(self, field) for field in TRADE_FIELDS})

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"TradeColumns({self.symbol}: {len(self):,} trades from {self.origin})"


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns:
    """Best bids and asks of one instrument, sorted by `time`, oldest first; several may share an instant and then keep their order.

    `event_time` is the source's own stamp, kept raw; `time` is when the venue showed them. Times are nanoseconds since the Unix epoch,
    UTC. A price is its mantissa / 10**`price_decimals`, a quantity its mantissa / 10**`quantity_decimals`; a quantity of 0 is one that the
    source does not tell. Every array is int64, C-contiguous and of the same length.
    """

    symbol: str
    event_time: NDArray[np.int64]
    time: NDArray[np.int64]
    bid_price: NDArray[np.int64]
    bid_quantity: NDArray[np.int64]
    ask_price: NDArray[np.int64]
    ask_quantity: NDArray[np.int64]
    price_decimals: int
    quantity_decimals: int
    origin: str
    note: str = ""
    """One line to show when a value changed on its way to a mantissa; empty when every value is exact."""

    def __post_init__(self) -> None:
        _check_arrays(self.origin, self.symbol, {field: getattr(self, field) for field in QUOTE_FIELDS})

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"QuoteColumns({self.symbol}: {len(self):,} quotes from {self.origin})"


def _check_arrays(origin: str, symbol: str, arrays: dict[str, NDArray[np.int64]]) -> None:
    """Refuse a bad symbol, and arrays that are not int64 in one piece and of one length. Raises DataError."""
    if not is_symbol(symbol):
        raise DataError(f"{origin}: {symbol!r} is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / - (pass name=)")
    last, rows = next((field, len(array)) for field, array in reversed(arrays.items()))
    for field, array in arrays.items():
        if array.dtype != "int64" or array.ndim != 1 or not array.flags.c_contiguous:
            raise DataError(f"{origin}: column {field} must be a contiguous one-dimensional int64 array")
        if len(array) != rows:
            raise DataError(f"{origin}: column {field} has {len(array)} rows, {last} has {rows}")


def is_symbol(text: str) -> bool:
    """True when `text` may name an instrument."""
    return _SYMBOL.match(text) is not None


def check_rows(origin: str, names: dict[str, str], values: dict[str, NDArray[np.float64]], first_row: int = 0) -> None:
    """Refuse the first row that no market can have printed.

    `names` maps a field to the column's name in the source; `values` holds open, high, low, close and volume as floats,
    a slice whose first element is row `first_row` (counted from zero) of the source. Raises DataError.
    """
    open_, high, low, close, volume = (values[field] for field in (*PRICE_FIELDS, "volume"))
    # One expression on the good path: a NaN makes every comparison false, so it cannot slip through.
    sound = (low > 0) & (low <= open_) & (open_ <= high) & (low <= close) & (close <= high) & (high < float("inf"))
    sound &= (volume >= 0) & (volume < float("inf"))
    if sound.all():
        return
    row = int((~sound).argmax())
    where = f"{origin} row {first_row + row + 1}"
    at = {field: float(values[field][row]) for field in values}
    for field, value in at.items():
        if value != value or value in (float("inf"), float("-inf")):
            raise DataError(f"{where}, column {names[field]}: {value} is not a number a bar can hold")
    for field in PRICE_FIELDS:
        if at[field] <= 0:
            raise DataError(f"{where}, column {names[field]}: price {at[field]:.15g} is not positive")
    if at["volume"] < 0:
        raise DataError(f"{where}, column {names['volume']}: volume {at['volume']:.15g} is negative")
    if at["high"] < at["low"]:
        raise DataError(f"{where}, column {names['high']}: high {at['high']:.15g} is below low {at['low']:.15g}")
    field = "close" if at["low"] <= at["open"] <= at["high"] else "open"
    raise DataError(
        f"{where}, column {names[field]}: {field} {at[field]:.15g} is outside "
        f"low {at['low']:.15g} to high {at['high']:.15g}"
    )


def check_times(origin: str, name: str, stamps: NDArray[np.int64]) -> None:
    """Refuse stamps that do not rise from row to row. Raises DataError."""
    rising = stamps[1:] > stamps[:-1]
    if rising.all():
        return
    row = int((~rising).argmax()) + 1
    before, now = (str(stamps[i].astype("datetime64[ns]")) for i in (row - 1, row))
    what = f"{now} is a duplicate of the row before" if before == now else f"{now} goes back behind {before}"
    raise DataError(f"{origin} row {row + 1}, column {name}: {what}")
