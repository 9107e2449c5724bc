"""`in_units`: loaded columns in the units of a declared instrument, every price a multiple of its tick.

Where nothing is declared, the units are those that `decimals.py` inferred. A tick that is known before loading may be
said there (`ct.Bars(..., tick=)`), where prices off it can be repaired as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from cracktrader.data.columns import PRICE_FIELDS, BarColumns, Columns, QuoteColumns
from cracktrader.data.problems import Place, Problems
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Given = TypeVar("Given", bound=Columns)


def in_units(
    columns: Given,
    *,
    price_decimals: int,
    tick: int = 1,
    quantity_decimals: int | None = None,
    volume_decimals: int | None = None,
) -> Given:
    """`columns` with prices in 10**-`price_decimals` and, of trades and quotes, quantities in 10**-`quantity_decimals`.

    `tick` is the price step as a mantissa of those decimals. Volumes of bars keep decimals of their own unless
    `volume_decimals` are given. Raises DataError naming the first row whose price is no multiple of the tick, or whose
    quantity needs more decimals.
    """
    report = columns.report
    problems = Problems(Place(columns.origin) if report is None or report.place is None else report.place)
    changes: dict[str, Any] = {"price_decimals": price_decimals}
    for field in _prices(columns):
        step = f"the tick {tick / 10**price_decimals:.15g}"
        array = getattr(columns, field)
        changes[field] = _rescaled(columns, problems, field, array, columns.price_decimals, price_decimals, tick, step)
    wanted = volume_decimals if isinstance(columns, BarColumns) else quantity_decimals
    if wanted is not None:
        now = columns.volume_decimals if isinstance(columns, BarColumns) else columns.quantity_decimals
        changes["volume_decimals" if isinstance(columns, BarColumns) else "quantity_decimals"] = wanted
        step = f"{10**-wanted:.{wanted}f}, the smallest quantity"
        for field in _quantities(columns):
            array = getattr(columns, field)
            changes[field] = _rescaled(columns, problems, field, array, now, wanted, 1, step)
    if problems.found:
        raise DataError("\n".join(_refusal(problems, tick, price_decimals)))
    return replace(columns, **changes)


def _prices(columns: Columns) -> tuple[str, ...]:
    if isinstance(columns, BarColumns):
        return PRICE_FIELDS
    return ("bid_price", "ask_price") if isinstance(columns, QuoteColumns) else ("price",)


def _quantities(columns: Columns) -> tuple[str, ...]:
    if isinstance(columns, BarColumns):
        return ("volume",)
    return ("bid_quantity", "ask_quantity") if isinstance(columns, QuoteColumns) else ("quantity",)


def _rescaled(
    columns: Columns,
    problems: Problems,
    field: str,
    array: NDArray[np.int64],
    now: int,
    wanted: int,
    tick: int,
    step: str,
) -> NDArray[np.int64]:
    """The column in the wanted unit; rows off the grid are noted. The same array where nothing changes."""
    finer = 10 ** max(wanted - now, 0)
    coarser = 10 ** max(now - wanted, 0)
    largest = int(array.max(initial=0))
    if largest * finer >= 2**63:
        raise DataError(f"{columns.symbol}: {field} {largest / 10**now:.15g} does not fit 64 bits at {wanted} decimals")
    scaled = array if finer == 1 else array * finer
    word = "price" if field in _prices(columns) else field.replace("_", " ")
    if tick * coarser > 1:
        problems.add(
            "off_grid",
            field,
            scaled % (tick * coarser) != 0,
            lambda row: f"{word} {array[row] / 10**now:.15g} is no multiple of {step}",
        )
    return scaled if coarser == 1 else scaled // coarser


def _refusal(problems: Problems, tick: int, decimals: int) -> list[str]:
    """Each kind of trouble, and that a tick said before loading can be repaired."""
    lines = problems.lines()
    said = f"{tick / 10**decimals:.15g}"
    remedy = f'declare what the data has, or load it with tick={said} and repair="snap"'
    if len(lines) == 1:
        return [f"{problems.place.origin} {lines[0]}; {remedy}"]
    return [
        f"{problems.place.origin}: {len(problems.rows()):,} rows off the grid",
        *(f"  {line}" for line in lines),
        remedy,
    ]
