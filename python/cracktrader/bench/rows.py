"""The rows that are measured on, made of a counted hash: the same on every machine and with every version of a library.

Prices are whole cents. Deliberately not here: anything that resembles a market.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cracktrader.data.synthetic import START_NS, random_walk, uniform

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

SEED = 20_240_101
FAST, SLOW = 10, 30
"""Lengths of the two averages whose order is traded on."""


PAIRS = tuple((fast, slow) for fast in range(5, 15) for slow in range(20, 70, 5))
"""Lengths that are tried one after the other."""


def bars(count: int, seed: int = SEED, pairs: Sequence[tuple[int, int]] = ((FAST, SLOW),)) -> pl.DataFrame:
    """Minute bars on which the two averages of closes of no pair are equal, so that every way of adding them up sees the same order."""
    import numpy as np
    import polars as pl

    frame = random_walk(seed=seed, bars=count, every="1m", price=1_000.0, volatility=0.0005)
    cents = np.rint(frame["close"].to_numpy() * 100.0).astype(np.int64)
    while len(equal := _ties(cents, pairs)):
        cents[equal] += 1
    close = cents / 100.0
    return frame.with_columns(
        close=pl.Series(close),
        high=pl.Series(np.maximum(frame["high"].to_numpy(), close)),
        low=pl.Series(np.minimum(frame["low"].to_numpy(), close)),
    )


def _ties(cents: NDArray[np.int64], pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Rows at which the averages of a pair are equal, of those that are too close to change each other only the first."""
    import numpy as np

    sums = np.concatenate(([0], np.cumsum(cents)))
    is_equal = np.zeros(len(cents), dtype=np.bool_)
    longest = 0
    for fast, slow in pairs:
        last = np.arange(slow, len(cents) + 1)
        equal = (sums[last] - sums[last - fast]) * slow == (sums[last] - sums[last - slow]) * fast
        is_equal[last[equal] - 1] = True
        longest = max(longest, slow)
    found = np.flatnonzero(is_equal)
    chosen: NDArray[np.int64] = found[np.diff(found, prepend=-longest) >= longest]
    return chosen


def trades(count: int, seed: int = SEED) -> pl.DataFrame:
    """Trades a tenth of a second apart, each at most a cent from the one before; every one large enough for any order here."""
    import numpy as np
    import polars as pl

    steps = np.floor(uniform(seed, count) * 5.0).astype(np.int64)
    cents = 100_000 + np.cumsum(np.where(steps == 0, -1, np.where(steps == 4, 1, 0)))
    # It stays within the tens of thousands, whatever the number of rows.
    cents = 50_000 + np.abs(cents - 50_000) % 100_000
    times = START_NS + 100_000_000 * np.arange(count, dtype=np.int64)
    return pl.DataFrame(
        {
            "time": pl.Series(times).cast(pl.Datetime("ns", "UTC")),
            "price": cents / 100.0,
            "quantity": np.full(count, 10.0),
            "side": pl.Series(np.where(uniform(seed ^ 1, count) < 0.5, "buy", "sell")),
        }
    )
