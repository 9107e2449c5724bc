"""Durations such as "1m", the commonest spacing of stamps, the ends of bars, and stamps in words.

Columns of times are read in `times.py`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from cracktrader.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")

_DURATION = re.compile(r"(\d+)\s*([a-z]+)\Z")


def parse_duration(value: str | int | timedelta) -> int:
    """Nanoseconds of "1m", "5m", "1h", "1d", "1w" (also s, ms, us, ns), of a timedelta, or of an int that is nanoseconds.

    Raises ConfigError for anything else, and for what is not positive.
    """
    nanoseconds = 0
    if isinstance(value, timedelta):
        nanoseconds = value // timedelta(microseconds=1) * 1_000
    elif isinstance(value, int) and not isinstance(value, bool):
        nanoseconds = value
    elif isinstance(value, str) and (match := _DURATION.match(value.strip().lower())):
        nanoseconds = int(match[1]) * UNIT_NS.get(match[2], 0)
    if not 0 < nanoseconds < 2**62:
        raise ConfigError(f'{value!r} is not a duration: a positive number and one of {", ".join(UNIT_NS)}, as in "5m"')
    return nanoseconds


def duration_text(nanoseconds: int) -> str:
    """A duration as it would be declared: "1m", "1d", "90s"."""
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        if nanoseconds % UNIT_NS[unit] == 0:
            return f"{nanoseconds // UNIT_NS[unit]}{unit}"
    return f"{nanoseconds}ns"


def time_text(nanoseconds: int) -> str:
    """A stamp in words: `2024-01-31` at midnight UTC, else `2024-01-31 16:00:00`, with what fraction there is."""
    import numpy as np

    day, _, clock = str(np.datetime64(int(nanoseconds), "ns")).partition("T")
    clock = clock.rstrip("0").removesuffix(".") if "." in clock else clock
    clock = clock if clock.count(":") == 2 and len(clock.partition(".")[0]) == 8 else clock.ljust(8, "0")
    return day if clock == "00:00:00" else f"{day} {clock}"


def commonest_spacing(origin: str, stamps: NDArray[np.int64]) -> int:
    """The commonest difference between neighbouring stamps; the smallest one where several are equally common."""
    import numpy as np

    if len(stamps) < 2:
        raise DataError(f'{origin}: one row does not tell how long a bar is: pass every=, as in every="1d"')
    spacings = np.diff(stamps)
    candidate = int(spacings[len(spacings) // 2])
    if int(np.count_nonzero(spacings == candidate)) * 2 > len(spacings):
        return candidate
    values, counts = np.unique(spacings, return_counts=True)
    return int(values[counts.argmax()])


def spans(stamps: NDArray[np.int64], interval: int, stamp: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Open and close times of bars. Only the end that was computed gives way to a neighbour, never the stamp itself."""
    import numpy as np

    if stamp == "open":
        close_time = stamps + interval
        np.minimum(close_time[:-1], stamps[1:], out=close_time[:-1])
        return stamps, close_time
    open_time = stamps - interval
    np.maximum(open_time[1:], stamps[:-1], out=open_time[1:])
    return open_time, stamps
