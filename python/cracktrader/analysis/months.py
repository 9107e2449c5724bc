"""Returns by month, year or day: the change of the equity from the last row of one period to the last row of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cracktrader.analysis.statistics import DAY_NS
from cracktrader.analysis.summary import buy_and_hold, valued

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.runtime.outcome import RunOutcome


class Year(NamedTuple):
    """A year of monthly returns."""

    year: int
    months: dict[int, float]
    """By number, 1 to 12; a month without rows has none."""
    total: float
    held: float | None
    """What buy and hold made in the same year."""


def monthly(outcome: RunOutcome) -> list[Year]:
    """The years of a run, oldest first. The first month counts from the cash at the start."""
    times, equity = valued(outcome)
    if not len(times):
        return []
    labels, returns = _changes(times, equity, "M", outcome.initial_cash)
    years, totals = _changes(times, equity, "Y", outcome.initial_cash)
    held = buy_and_hold(outcome, times)
    others = [None] * len(years) if held is None else _changes(times, held, "Y", 1.0)[1]
    months: dict[int, dict[int, float]] = {}
    for label, value in zip(labels, returns, strict=True):
        months.setdefault(int(label[:4]), {})[int(label[5:7])] = value
    return [
        Year(int(year), months[int(year)], total, other)
        for year, total, other in zip(years, totals, others, strict=True)
    ]


def returns_by(outcome: RunOutcome) -> tuple[str, list[str], list[float], list[float]]:
    """The period that gives a readable number of columns, its labels, the run's returns and those of buy and hold."""
    times, equity = valued(outcome)
    if not len(times):
        return "day", [], [], []
    days = float(times[-1] - times[0]) / DAY_NS
    name, unit = ("day", "D") if days <= 62 else ("month", "M") if days <= 3 * 366 else ("year", "Y")
    labels, own = _changes(times, equity, unit, outcome.initial_cash)
    held = buy_and_hold(outcome, times)
    return name, labels, own, [] if held is None else _changes(times, held, unit, 1.0)[1]


def _changes(
    times: NDArray[np.int64], values: NDArray[np.float64], unit: str, initial: float
) -> tuple[list[str], list[float]]:
    """Labels of the periods with rows, and each one's change from the last row before it; 0 where that was not above zero."""
    import numpy as np

    period = times.astype("datetime64[ns]").astype(f"datetime64[{unit}]")
    last = np.append(np.flatnonzero(period[1:] != period[:-1]), len(period) - 1)
    ends = values[last]
    before = np.concatenate([[initial], ends[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(before > 0, ends / before - 1.0, 0.0)
    return [str(one) for one in period[last]], change.tolist()
