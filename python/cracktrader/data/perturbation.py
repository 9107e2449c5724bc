"""Other data from a moment on: what is known by then stays to the bit, everything later is changed, left out or continued.

For proofs that nothing looks ahead. Rows stay valid: prices keep their step, highs stay above lows, asks above bids, times ascend. The same
arguments give the same rows. Deliberately not here: which moments are tried, and what is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cracktrader.data.columns import PRICE_FIELDS, BarColumns, Columns, QuoteColumns, TradeColumns
from cracktrader.data.synthetic import uniform

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

WAYS = ("higher", "lower", "noise", "cut", "longer")
"""Prices a fifth up or down, each row somewhere else, no rows that begin later, or noise and rows after the end."""
DRIFT = 0.2
LONGEST_ADDED = 1_000


class Kept(NamedTuple):
    """What of a bar under way a venue uses at its open, besides the open itself, and so what may be known before its close."""

    volume: bool = False
    """A share of it bounds what fills at the open."""
    range: bool = False
    """High and low bound the slippage of what fills at the open."""


OPEN_ONLY = Kept()


def perturbed(
    columns: Columns, until: int, way: str, *, seed: int = 0, kept: Kept = OPEN_ONLY, ceiling: int | None = None
) -> Columns:
    """The rows known at `until` (ns) as they are, and others after it in one of WAYS.

    A bar that is under way then keeps its open and what `kept` says. No price goes above the mantissa `ceiling`, where there is one.
    """
    ends = columns.close_time if isinstance(columns, BarColumns) else columns.time
    first = int(ends.searchsorted(until, side="right"))
    if way == "cut" and first:
        # A bar under way has opened, and orders may have filled at that.
        begun = int(columns.open_time.searchsorted(until)) if isinstance(columns, BarColumns) else first
        columns = _rows(columns, slice(0, max(first, begun)))
    elif way == "longer":
        columns = _continued(columns)
    factors = _factors(len(columns) - first, way, seed)
    step, most = _step(columns), ceiling or 2 * _highest(columns)
    if isinstance(columns, BarColumns):
        changed = _bars(columns, first, factors, (step, most), seed)
        under_way = int(columns.open_time.searchsorted(until, side="left"))
        _keep(columns, changed, slice(first, max(first, under_way)), kept)
    elif isinstance(columns, TradeColumns):
        changed = {"price": _scaled(columns.price, first, factors, step, most)}
        changed["quantity"] = _resized(columns.quantity, first, seed)
    else:
        changed = {name: _scaled(getattr(columns, name), first, factors, step, most) for name in _quoted("price")}
        changed |= {
            name: _resized(getattr(columns, name), first, seed + at) for at, name in enumerate(_quoted("quantity"))
        }
    return _with(columns, changed)


def _quoted(what: str) -> tuple[str, str]:
    return f"bid_{what}", f"ask_{what}"


def _price_names(columns: Columns) -> tuple[str, ...]:
    if isinstance(columns, BarColumns):
        return PRICE_FIELDS
    return _quoted("price") if isinstance(columns, QuoteColumns) else ("price",)


def _step(columns: Columns) -> int:
    """The greatest step that every price stands on: a multiple of the tick."""
    import numpy as np

    return max(int(np.gcd.reduce([int(np.gcd.reduce(getattr(columns, name))) for name in _price_names(columns)])), 1)


def _highest(columns: Columns) -> int:
    return max(int(getattr(columns, name).max()) for name in _price_names(columns))


def _factors(count: int, way: str, seed: int) -> NDArray[np.float64]:
    """What each later price is multiplied with."""
    draws = uniform(seed, max(count, 1))[:count] - 0.5
    drift = {"higher": DRIFT, "lower": -DRIFT}.get(way, 0.0)
    factors: NDArray[np.float64] = 1.0 + drift + draws * (0.1 if drift else 2 * DRIFT)
    return factors


def _scaled(prices: Integers, first: int, factors: NDArray[np.float64], step: int, most: int) -> Integers:
    """Prices with those from `first` on multiplied, on the step; what was above 0 stays so."""
    import numpy as np

    later = prices[first:]
    moved = np.rint(later * factors / step) * step
    moved = np.where(later > 0, np.clip(moved, step, max(most // step * step, step)), moved)
    return np.concatenate([prices[:first], moved.astype(np.int64)])


def _resized(sizes: Integers, first: int, seed: int) -> Integers:
    """Volumes with those from `first` on between half and twice as large, in the step they all stand on; 0 stays 0."""
    import numpy as np

    step = max(int(np.gcd.reduce(sizes)), 1) if len(sizes) else 1
    later = sizes[first:] // step
    factors = 0.5 + 1.5 * uniform(seed ^ 0x70A1, max(len(later), 1))[: len(later)]
    moved = np.where(later > 0, np.maximum(np.rint(later * factors), 1), 0)
    return np.concatenate([sizes[:first], moved.astype(np.int64) * step])


def _bars(
    columns: BarColumns, first: int, factors: NDArray[np.float64], bounds: tuple[int, int], seed: int
) -> dict[str, Integers]:
    """Bars multiplied whole, and each with its close somewhere else between its low and its high."""
    import numpy as np

    step, most = bounds
    changed = {name: _scaled(getattr(columns, name), first, factors, step, most) for name in PRICE_FIELDS}
    low, high = changed["low"][first:], changed["high"][first:]
    shares = uniform(seed ^ 0xC105E, max(len(low), 1))[: len(low)]
    changed["close"][first:] = low + np.rint((high - low) // step * shares).astype(np.int64) * step
    changed["volume"] = _resized(columns.volume, first, seed)
    return changed


def _keep(columns: BarColumns, changed: dict[str, Integers], under_way: slice, kept: Kept) -> None:
    """Give bars under way back what is known of them, and make the rest fit to it."""
    import numpy as np

    names = ["open", *(("volume",) if kept.volume else ()), *(("high", "low") if kept.range else ())]
    for name in names:
        changed[name][under_way] = getattr(columns, name)[under_way]
    high, low = changed["high"][under_way], changed["low"][under_way]
    changed["high"][under_way] = np.maximum(high, changed["open"][under_way])
    changed["low"][under_way] = np.minimum(low, changed["open"][under_way])
    close = changed["close"][under_way]
    changed["close"][under_way] = np.clip(close, changed["low"][under_way], changed["high"][under_way])


def _array_names(columns: Columns) -> list[str]:
    return [name for name in columns.__dataclass_fields__ if hasattr(getattr(columns, name), "dtype")]


def _rows(columns: Columns, which: Any) -> Columns:
    return _with(columns, {name: getattr(columns, name)[which] for name in _array_names(columns)})


def _with(columns: Columns, arrays: Mapping[str, Any]) -> Columns:
    return replace(columns, **arrays)


def _continued(columns: Columns) -> Columns:
    """The rows, and as many of the last ones again after the end, at the pace they had."""
    import numpy as np

    count = min(max(len(columns) // 4, 1), LONGEST_ADDED, len(columns))
    stamps = columns.close_time if isinstance(columns, BarColumns) else columns.time
    span = int(stamps[-1] - stamps[-count])
    pace = columns.interval_ns if isinstance(columns, BarColumns) else 1
    last = _rows(columns, slice(len(columns) - count, None))
    times = ("event_time", "open_time", "close_time", "time")
    again = {name: getattr(last, name) + (span + max(pace, 1) if name in times else 0) for name in _array_names(last)}
    return _with(columns, {name: np.concatenate([getattr(columns, name), again[name]]) for name in again})
