"""Repairs of rows, each asked for by name and each reported.

They are applied in this order: "sort" puts the rows in order of time, "keep_last" keeps the last bar of each time,
"widen" moves high and low so that they hold open and close, "snap" moves prices to the nearest tick, and "drop" leaves
out what is still wrong. What is wrong afterwards is refused by the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cracktrader.data.layout import PRICES
from cracktrader.data.problems import Repair
from cracktrader.data.rows import Rows, check_cells, check_order, on_grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def checked(rows: Rows, actions: frozenset[str], tick: tuple[int, int] | None) -> tuple[Rows, tuple[Repair, ...]]:
    """The rows after the repairs asked for; their `problems` hold what none of these took away."""
    done: list[Repair] = []
    if "sort" in actions:
        rows = _sorted(rows, done)
    if "keep_last" in actions and rows.kind == "bars":
        rows = _last_of_each_time(rows, done)
    if "widen" in actions and rows.kind == "bars":
        _widen(rows, done)
    if "snap" in actions and tick is not None:
        _snap(rows, tick, done)
    check_cells(rows, tick)
    if "drop" in actions:
        # Order is judged without the rows that are bad by themselves.
        rows = _dropped(rows, done)
    check_order(rows)
    if "drop" in actions:
        rows = _dropped(rows, done)
    return rows, tuple(done)


def _sorted(rows: Rows, done: list[Repair]) -> Rows:
    """Rows in order of time, those of one time in the order of the source; a row without a time keeps its place."""
    import numpy as np

    stamps, readable = rows.times.stamps, rows.times.readable
    if readable is not None and not readable.all():
        # The time before it stands in for a time that cannot be read.
        stamps = np.maximum.accumulate(np.where(readable, stamps, np.iinfo(np.int64).min))
    if (stamps[1:] >= stamps[:-1]).all():
        return rows
    order = np.argsort(stamps, kind="stable")
    moved = int(np.count_nonzero(order != np.arange(len(order))))
    done.append(Repair("sort", moved, f"sorted by time, {_count(moved)} moved"))
    return rows.take(order)


def _last_of_each_time(rows: Rows, done: list[Repair]) -> Rows:
    import numpy as np

    stamps, readable = rows.times.stamps, rows.times.readable
    again = stamps[1:] == stamps[:-1]
    if readable is not None:
        again &= readable[1:] & readable[:-1]
    left_out = np.flatnonzero(again)
    if not len(left_out):
        return rows
    done.append(
        Repair("keep_last", len(left_out), f"{_count(len(left_out))} left out for a later one of the same time")
    )
    return rows.take(np.setdiff1d(np.arange(len(stamps)), left_out))


def _widen(rows: Rows, done: list[Repair]) -> None:
    import numpy as np

    open_, high, low, close = (rows.values[name] for name in PRICES["bars"])
    sound = np.isfinite(open_) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    sound &= np.minimum(np.minimum(open_, close), np.minimum(high, low)) > 0
    top = np.maximum(np.maximum(open_, close), np.maximum(high, low))
    bottom = np.minimum(np.minimum(open_, close), np.minimum(high, low))
    changed = sound & ((top != high) | (bottom != low))
    if changed.any():
        rows.values["high"], rows.values["low"] = np.where(changed, top, high), np.where(changed, bottom, low)
        which = np.flatnonzero(changed)
        done.append(Repair("widen", len(which), f"high or low moved in {_count(len(which))} ({_places(rows, which)})"))


def _snap(rows: Rows, tick: tuple[int, int], done: list[Repair]) -> None:
    import numpy as np

    changed = np.zeros(len(rows), dtype=bool)
    largest = 0.0
    for name in PRICES[rows.kind]:
        column = rows.values[name]
        nearest, exact = on_grid(column, tick)
        off = ~exact & np.isfinite(column) & (column > 0)
        if off.any():
            largest = max(largest, float(np.abs(nearest - column)[off].max()))
            changed |= off
            rows.values[name] = np.where(off, nearest, column)
    if changed.any():
        which = np.flatnonzero(changed)
        text = f"prices moved to their tick in {_count(len(which))} by up to {largest:.3g} ({_places(rows, which)})"
        done.append(Repair("snap", len(which), text))


def _dropped(rows: Rows, done: list[Repair]) -> Rows:
    import numpy as np

    bad = rows.problems.rows()
    if not len(bad):
        return rows
    kinds = list(dict.fromkeys(problem.kind.replace("_", " ") for problem in rows.problems.found))
    done.append(Repair("drop", len(bad), f"{_count(len(bad))} dropped for {', '.join(kinds)} ({_places(rows, bad)})"))
    return rows.take(np.setdiff1d(np.arange(len(rows)), bad))


def _count(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _places(rows: Rows, which: NDArray[np.int64]) -> str:
    shown = ", ".join(str(rows.place.number(int(row))) for row in which[:4])
    return f"{rows.place.word}{'' if len(which) == 1 else 's'} {shown}{', ...' if len(which) > 4 else ''}"
