"""Wall clock readings to UTC: a zone's rules, or a fixed offset, with readings that occur twice or never made known.

Which readings carry a zone of their own is decided in `times.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cracktrader.data.declared import Dst
from cracktrader.data.problems import Problems
from cracktrader.data.stamps import OFFSET, UNIT_NS, time_text

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from cracktrader.data.times import Times


def to_utc(times: Times, name: str, tz: str, dst: Dst, problems: Problems) -> None:
    """Move the stamps of `times`, readings of a clock in `tz`, to UTC.

    A reading that the clock skips, or shows twice while `dst` is "refuse", is a problem of its row.
    """
    if offset := OFFSET.fullmatch(tz):
        sign = 1 if offset[1] == "+" else -1
        times.stamps = times.stamps - sign * (int(offset[2]) * UNIT_NS["h"] + int(offset[3]) * UNIT_NS["m"])
        return
    readings = times.stamps
    moments = _localized(readings, tz, "null")
    doubtful = moments.is_null().to_numpy()
    if not doubtful.any():
        times.stamps = moments.to_physical().to_numpy()
        return
    earliest = _localized(readings, tz, "earliest")
    never = earliest.is_null().to_numpy()
    twice = doubtful & ~never
    latest = _localized(readings, tz, "latest").to_physical().fill_null(0).to_numpy()
    chosen = earliest.to_physical().fill_null(0).to_numpy().copy()
    what = f"in {tz}, where the clock was"
    problems.add(
        "nonexistent", name, never, lambda row: f"{time_text(int(readings[row]))} never was {what} put forward"
    )
    if dst == "refuse":
        problems.add("ambiguous", name, twice, lambda row: f"{time_text(int(readings[row]))} was twice {what} put back")
    elif dst == "latest":
        chosen[twice] = latest[twice]
    elif dst == "infer":
        second = _second_pass(readings, twice)
        chosen[second] = latest[second]
    times.stamps = chosen
    unreadable = never | twice if dst == "refuse" else never
    times.readable = ~unreadable if times.readable is None else times.readable & ~unreadable


def _localized(readings: NDArray[np.int64], tz: str, ambiguous: str) -> pl.Series:
    import polars as pl

    series = pl.Series(readings).cast(pl.Datetime("ns"))
    return series.dt.replace_time_zone(tz, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]


def _second_pass(readings: NDArray[np.int64], twice: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the doubtful readings belong to the second pass of their hour: those after the clock went back."""
    import numpy as np

    second = np.zeros(len(readings), dtype=bool)
    rows = np.flatnonzero(twice)
    # Blocks of doubtful rows, a day or more apart; the pass changes where the reading falls or repeats, and a block
    # where it never does is a first pass.
    for block in np.split(rows, np.flatnonzero(np.diff(readings[rows]) > UNIT_NS["d"]) + 1):
        back = np.flatnonzero(np.diff(readings[block]) <= 0)
        if len(back):
            second[block[back[0] + 1 :]] = True
    return second
