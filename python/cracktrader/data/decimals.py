"""Float columns to integer mantissas: the smallest number of decimals that gives every value back to the bit.

A value x is held by d decimals when m = round(x * 10**d) satisfies m / 10**d == x. Nothing here knows what a column
means. Work is done in slices of 16,384 rows, so that the temporaries stay in the processor's cache whatever the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK_ROWS = 16_384
MAX_DECIMALS = 8
# Beyond 2**53 neighbouring mantissas share one float, so a price could not be shown back.
MANTISSA_LIMIT = 2**53


class Mantissas(NamedTuple):
    """Columns as integers, the decimals they share, and the largest difference from the floats they came from."""

    columns: list[NDArray[np.int64]]
    decimals: int
    largest_change: float


def to_mantissas(origin: str, columns: Sequence[NDArray[np.float64]]) -> Mantissas:
    """Convert `columns` (finite floats) with the smallest common decimals <= 8 that reproduce every value.

    When even the most decimals whose mantissas stay below 2**53 do not, those are used and the largest change is
    reported. Raises DataError when a value does not fit an integer below 2**53 at all.
    """
    ceiling = _most_decimals(origin, columns)
    decimals = 0
    for column in columns:
        for start in range(0, len(column), CHUNK_ROWS):
            part = column[start : start + CHUNK_ROWS]
            while decimals < ceiling and not _is_exact(part, decimals):
                decimals += 1
        if decimals == ceiling:
            break
    return _convert(columns, decimals)


def _most_decimals(origin: str, columns: Sequence[NDArray[np.float64]]) -> int:
    largest = max((float(max(column.max(), -column.min())) for column in columns if len(column)), default=0.0)
    for decimals in range(MAX_DECIMALS, -1, -1):
        if largest * 10**decimals < MANTISSA_LIMIT - 1:
            return decimals
    raise DataError(f"{origin}: {largest:.15g} is too large: values must stay below 2**53")


def _is_exact(part: NDArray[np.float64], decimals: int) -> bool:
    import numpy as np

    scale = float(10**decimals)
    return bool((np.rint(part * scale) / scale == part).all())


def _convert(columns: Sequence[NDArray[np.float64]], decimals: int) -> Mantissas:
    import numpy as np

    scale = float(10**decimals)
    largest_change = 0.0
    converted = []
    for column in columns:
        mantissas = np.empty(len(column), dtype=np.int64)
        for start in range(0, len(column), CHUNK_ROWS):
            part = column[start : start + CHUNK_ROWS]
            rounded = np.rint(part * scale)
            mantissas[start : start + CHUNK_ROWS] = rounded
            change = float(np.abs(rounded / scale - part).max())
            largest_change = max(largest_change, change)
        converted.append(mantissas)
    return Mantissas(converted, decimals, largest_change)
