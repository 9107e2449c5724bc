"""Bars made of columns at once, for charts and tables. The bars that strategies see are made by the core while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.data.stamps import UNIT_NS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_BARS = 20_000
"""A chart shows no more."""
STEPS = tuple(
    number * UNIT_NS[unit]
    for unit, numbers in (("s", (1, 5, 15)), ("m", (1, 5, 15)), ("h", (1, 4)), ("d", (1,)))
    for number in numbers
)


def bars_of(columns: TradeColumns | QuoteColumns, every_ns: int | None = None) -> BarColumns:
    """Time bars of trades, or of the middles of quotes, half to even and without volume; spans without a tick have none.

    The last bar may be incomplete. Without `every_ns` the duration is the shortest usual one that gives at most 20,000 bars.
    """
    import numpy as np

    time = columns.time
    if every_ns is None:
        covered = int(time[-1] - time[0]) if len(time) else 0
        every_ns = next((step for step in STEPS if covered // step < MOST_BARS), STEPS[-1])
    price, volume = _prices(columns)
    span = time // every_ns
    first = np.flatnonzero(np.append(True, span[1:] != span[:-1])) if len(time) else np.empty(0, dtype=np.int64)
    last = np.append(first[1:], len(time)) - 1 if len(time) else first
    opened = span[first] * every_ns
    return BarColumns(
        columns.symbol,
        opened,
        opened,
        opened + every_ns,
        price[first],
        np.maximum.reduceat(price, first) if len(time) else price,
        np.minimum.reduceat(price, first) if len(time) else price,
        price[last],
        np.add.reduceat(volume, first) if len(time) else volume,
        columns.price_decimals,
        columns.quantity_decimals,
        every_ns,
        columns.origin,
        columns.note,
    )


def _prices(columns: TradeColumns | QuoteColumns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if isinstance(columns, TradeColumns):
        return columns.price, columns.quantity
    both = columns.bid_price + columns.ask_price
    middle = both // 2
    return middle + (both % 2) * (middle % 2), both * 0
