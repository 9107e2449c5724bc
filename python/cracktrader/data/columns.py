"""`BarColumns`, `TradeColumns`, `QuoteColumns`: one instrument's data as integer columns, as it enters a core.

Here are the records and the check of their shape. Reading is in `loading.py`, the choice of decimals in `decimals.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from cracktrader.data.problems import DataReport

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
    """One line to show when something was repaired, assumed or rounded; empty when every value is as it was."""
    report: DataReport | None = None
    """What became of the source's rows; None for columns that were not loaded."""

    def __post_init__(self) -> None:
        _check_arrays(self, self.symbol, self.origin, ARRAY_FIELDS, len(self.close))

    def __len__(self) -> int:
        return len(self.close)

    def __repr__(self) -> str:
        return f"BarColumns({self.symbol}: {len(self):,} bars from {self.origin})"

    def prices(self, field: str) -> NDArray[np.float64]:
        """One of open, high, low, close as floats; for people and charts, never for the core."""
        values: NDArray[np.float64] = getattr(self, field) / float(10**self.price_decimals)
        return values

    def rescaled(self, price_decimals: int, volume_decimals: int | None = None) -> BarColumns:
        """The same bars with other decimals. Raises DataError where a value needs more of them, or does not fit."""
        from cracktrader.data.grid import in_units

        return in_units(self, price_decimals=price_decimals, volume_decimals=volume_decimals)

    def to_polars(self) -> pl.DataFrame:
        """The bars as a frame of floats: time (the source's stamp, UTC), open, high, low, close, volume."""
        import polars as pl

        prices = {name: self.prices(name) for name in PRICE_FIELDS}
        return pl.DataFrame(
            {"time": _moments(self.event_time), **prices, "volume": self.volume / float(10**self.volume_decimals)}
        )


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns:
    """Public trades of one instrument, sorted by `time`, oldest first; several may share an instant and keep their order.

    `event_time` is the source's own stamp, kept raw; `time` is when the venue traded. Times are nanoseconds since the
    Unix epoch, UTC. A price is its mantissa / 10**`price_decimals`, a quantity its mantissa / 10**`quantity_decimals`.
    `aggressor` says who crossed the spread: 0 unknown, 1 buyer, 2 seller. Every array is int64, C-contiguous and of the
    same length.
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
    report: DataReport | None = None

    def __post_init__(self) -> None:
        _check_arrays(self, self.symbol, self.origin, TRADE_FIELDS, len(self.price))

    def __len__(self) -> int:
        return len(self.price)

    def __repr__(self) -> str:
        return f"TradeColumns({self.symbol}: {len(self):,} trades from {self.origin})"

    def rescaled(self, price_decimals: int, quantity_decimals: int | None = None) -> TradeColumns:
        """The same trades with other decimals. Raises DataError where a value needs more of them, or does not fit."""
        from cracktrader.data.grid import in_units

        return in_units(self, price_decimals=price_decimals, quantity_decimals=quantity_decimals)

    def to_polars(self) -> pl.DataFrame:
        """The trades as a frame: time (UTC), price, quantity, side ("buy", "sell" or null: the aggressor's)."""
        import polars as pl

        side = pl.Series(self.aggressor).replace_strict({0: None, 1: "buy", 2: "sell"}, return_dtype=pl.String)
        price = self.price / float(10**self.price_decimals)
        quantity = self.quantity / float(10**self.quantity_decimals)
        return pl.DataFrame({"time": _moments(self.time), "price": price, "quantity": quantity, "side": side})


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns:
    """Best bids and asks of one instrument, sorted by `time`, oldest first; several may share an instant and keep their order.

    `event_time` is the source's own stamp, kept raw; `time` is when the venue showed them. Times are nanoseconds since
    the Unix epoch, UTC. A price is its mantissa / 10**`price_decimals`, a quantity its mantissa / 10**
    `quantity_decimals`; a quantity of 0 is one that the source does not tell. Every array is int64, C-contiguous and of
    the same length.
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
    report: DataReport | None = None

    def __post_init__(self) -> None:
        _check_arrays(self, self.symbol, self.origin, QUOTE_FIELDS, len(self.bid_price))

    def __len__(self) -> int:
        return len(self.bid_price)

    def __repr__(self) -> str:
        return f"QuoteColumns({self.symbol}: {len(self):,} quotes from {self.origin})"

    def rescaled(self, price_decimals: int, quantity_decimals: int | None = None) -> QuoteColumns:
        """The same quotes with other decimals. Raises DataError where a value needs more of them, or does not fit."""
        from cracktrader.data.grid import in_units

        return in_units(self, price_decimals=price_decimals, quantity_decimals=quantity_decimals)

    def to_polars(self) -> pl.DataFrame:
        """The quotes as a frame: time (UTC), bid_price, bid_quantity, ask_price, ask_quantity."""
        import polars as pl

        scales = {"price": float(10**self.price_decimals), "quantity": float(10**self.quantity_decimals)}
        numbers = {name: getattr(self, name) / scales[name.partition("_")[2]] for name in QUOTE_FIELDS[2:]}
        return pl.DataFrame({"time": _moments(self.time), **numbers})


Columns = BarColumns | TradeColumns | QuoteColumns


def kind_of(columns: Columns) -> Literal["bars", "trades", "quotes"]:
    """What the columns hold."""
    if isinstance(columns, BarColumns):
        return "bars"
    return "trades" if isinstance(columns, TradeColumns) else "quotes"


def is_symbol(text: str) -> bool:
    """True when `text` may name an instrument."""
    return _SYMBOL.match(text) is not None


def _check_arrays(columns: object, symbol: str, origin: str, fields: tuple[str, ...], rows: int) -> None:
    if not is_symbol(symbol):
        raise DataError(f"{origin}: {symbol!r} is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / - (pass symbol=)")
    for field in fields:
        array = getattr(columns, field)
        if array.dtype != "int64" or array.ndim != 1 or not array.flags.c_contiguous:
            raise DataError(f"{origin}: column {field} must be a contiguous one-dimensional int64 array")
        if len(array) != rows:
            raise DataError(f"{origin}: column {field} has {len(array)} rows, {fields[-1]} has {rows}")


def _moments(stamps: NDArray[np.int64]) -> pl.Series:
    import polars as pl

    return pl.Series(stamps).cast(pl.Datetime("ns", "UTC"))
