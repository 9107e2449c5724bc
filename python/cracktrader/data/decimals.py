"""Float columns to integer mantissas: the smallest number of decimals that gives every value back to the bit.

A value x is held by d decimals when m = round(x * 10**d) satisfies m / 10**d == x. Nothing here knows what a column
means. Work is done in slices of 16,384 rows, so that the temporaries stay in the processor's cache whatever the length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK_ROWS = 16_384
MAX_DECIMALS = 8
# Beyond 2**53 neighbouring mantissas share one float, so a price could not be shown back.
MANTISSA_LIMIT = 2**53
NOISE = 2.0**-49
"""Relative distance that a handful of roundings of float arithmetic leave: eight units in the last place."""


class Mantissas(NamedTuple):
    """Columns as integers, the decimals they share, and the largest difference from the floats they came from."""

    columns: list[NDArray[np.int64]]
    decimals: int
    largest_change: float


def to_mantissas(origin: str, columns: Sequence[NDArray[np.float64]]) -> Mantissas:
    """Convert `columns` (finite floats) with the smallest common decimals <= 8 that reproduce every value.

    Where none does, the smallest that come within float noise (`NOISE`) of every value are used: 0.30000000000000004 is
    0.3. Else the most decimals whose mantissas stay below 2**53 are used, and the largest change is reported. Raises
    DataError when a value does not fit an integer below 2**53 at all.
    """
    if (quick := _quickly(columns)) is not None:
        return quick
    ceiling = _most_decimals(origin, columns)
    decimals = _smallest(columns, ceiling, _is_exact)
    if decimals <= ceiling:
        return Mantissas(_converted(columns, decimals), decimals, 0.0)
    # Arithmetic on floats leaves noise behind; what is within it is the number that was meant, and is no change.
    decimals = _smallest(columns, ceiling - 1, _is_close)
    if decimals < ceiling:
        return Mantissas(_converted(columns, decimals), decimals, 0.0)
    converted = _converted(columns, ceiling)
    return Mantissas(converted, ceiling, _largest_change(columns, converted, ceiling))


class _Limits(NamedTuple):
    """What the extension must know to come to the same mantissas."""

    chunk_rows: int = CHUNK_ROWS
    most_decimals: int = MAX_DECIMALS
    mantissa_limit: float = float(MANTISSA_LIMIT)


def _quickly(columns: Sequence[NDArray[np.float64]]) -> Mantissas | None:
    """The exact mantissas as the extension finds them; None without it, and where there are none."""
    import numpy as np

    from cracktrader.backend import exact_mantissas

    convert = exact_mantissas()
    found = None if convert is None else convert(columns, _Limits())
    if found is None:
        return None
    return Mantissas([np.frombuffer(one, dtype=np.int64) for one in found[0]], found[1], 0.0)


def _most_decimals(origin: str, columns: Sequence[NDArray[np.float64]]) -> int:
    largest = max((float(max(column.max(), -column.min())) for column in columns if len(column)), default=0.0)
    for decimals in range(MAX_DECIMALS, -1, -1):
        if largest * 10**decimals < MANTISSA_LIMIT - 1:
            return decimals
    raise DataError(f"{origin}: {largest:.15g} is too large: values must stay below 2**53")


def _smallest(
    columns: Sequence[NDArray[np.float64]], ceiling: int, holds: Callable[[NDArray[np.float64], int], bool]
) -> int:
    """The smallest decimals that hold every value; `ceiling` + 1 when not even `ceiling` does."""
    decimals = 0
    for column in columns:
        for start in range(0, len(column), CHUNK_ROWS):
            part = column[start : start + CHUNK_ROWS]
            while not holds(part, decimals):
                decimals += 1
                if decimals > ceiling:
                    return decimals
    return decimals


def _is_exact(part: NDArray[np.float64], decimals: int) -> bool:
    import numpy as np

    scale = float(10**decimals)
    return bool((np.rint(part * scale) / scale == part).all())


def _is_close(part: NDArray[np.float64], decimals: int) -> bool:
    import numpy as np

    scale = float(10**decimals)
    return bool((np.abs(np.rint(part * scale) / scale - part) <= np.abs(part) * NOISE).all())


def _converted(columns: Sequence[NDArray[np.float64]], decimals: int) -> list[NDArray[np.int64]]:
    import numpy as np

    scale = float(10**decimals)
    converted = []
    scaled = np.empty(CHUNK_ROWS)
    for column in columns:
        mantissas = np.empty(len(column), dtype=np.int64)
        for start in range(0, len(column), CHUNK_ROWS):
            part = column[start : start + CHUNK_ROWS]
            rounded = scaled[: len(part)]
            np.multiply(part, scale, out=rounded)
            np.rint(rounded, out=rounded)
            mantissas[start : start + CHUNK_ROWS] = rounded
        converted.append(mantissas)
    return converted


def _largest_change(
    columns: Sequence[NDArray[np.float64]], converted: Sequence[NDArray[np.int64]], decimals: int
) -> float:
    import numpy as np

    scale = float(10**decimals)
    largest = 0.0
    for column, mantissas in zip(columns, converted, strict=True):
        for start in range(0, len(column), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            largest = max(largest, float(np.abs(mantissas[part] / scale - column[part]).max()))
    return largest
