"""`random_walk`: bars that nobody traded, for examples, documentation and tests. The same arguments give the same bars.

Prices are a counted hash away from each other, in integers of cents: no library's generator, so that no version of one
changes them. Nothing about them resembles a market, and no result on them means anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cracktrader.data.stamps import parse_duration
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from datetime import timedelta

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

START_NS = 1_704_067_200_000_000_000
"""2024-01-01, the first bar's open."""
STEPS = 4
"""Moves inside a bar, each a trade of its own: open, high, low and close come of them."""


def random_walk(
    *,
    seed: int = 0,
    bars: int = 1_000,
    every: str | int | timedelta = "1m",
    price: float = 100.0,
    volatility: float = 0.001,
) -> pl.DataFrame:
    """Synthetic bars: a geometric random walk, stamped at the open from 2024-01-01 UTC on.

    `price` is where it starts, `volatility` the standard deviation of a bar's return. Returns a polars frame with time,
    open, high, low, close (two decimals), volume (whole). Raises ConfigError for arguments that make no bars.
    """
    import numpy as np
    import polars as pl

    interval = parse_duration(every)
    if not 1 <= bars <= 100_000_000:
        raise ConfigError(f"bars={bars!r} must be 1 to 100,000,000")
    if not 0.01 <= price <= 1e9 or not 0 <= volatility <= 0.5:
        raise ConfigError(f"price={price!r} must be 0.01 to 1e9 and volatility={volatility!r} 0 to 0.5")
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed={seed!r} must be 0 to 2**63-1")
    draws = uniform(seed, bars * STEPS).reshape(bars, STEPS)
    # A uniform step of variance sigma^2 / STEPS; the half variance keeps the expected price level.
    width = volatility * np.sqrt(12.0 / STEPS)
    steps = (draws - 0.5) * width - volatility**2 / (2 * STEPS)
    path = price * np.exp(np.cumsum(steps.ravel()) - steps.ravel()[0])
    cents = np.maximum(np.rint(path * 100.0), 1.0).reshape(bars, STEPS)
    # A bar opens where the one before closed.
    cents[1:, 0] = cents[:-1, -1]
    volume = np.floor(uniform(seed ^ 0x5DEECE66D, bars) * 1_000.0) + 1.0
    return pl.DataFrame(
        {
            "time": pl.Series(START_NS + interval * np.arange(bars, dtype=np.int64)).cast(pl.Datetime("ns", "UTC")),
            "open": cents[:, 0] / 100.0,
            "high": cents.max(axis=1) / 100.0,
            "low": cents.min(axis=1) / 100.0,
            "close": cents[:, -1] / 100.0,
            "volume": volume,
        }
    )


def uniform(seed: int, count: int) -> NDArray[np.float64]:
    """Numbers in [0, 1): SplitMix64 by counter."""
    import numpy as np

    with np.errstate(over="ignore"):
        state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = state ^ (state >> np.uint64(31))
    return (mixed >> np.uint64(11)).astype(np.float64) / float(2**53)
