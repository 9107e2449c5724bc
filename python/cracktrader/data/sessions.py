"""A venue's sessions: days of UTC, hours of a place, or the days that daily bars cover.

Holidays are not known here: on one a session opens and closes without data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cracktrader.core.event import SessionRows
from cracktrader.data.columns import BarColumns, Columns
from cracktrader.errors import ConfigError

DAY_NS = 86_400 * 10**9
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = re.compile(
    r"(?:(?P<first>[A-Z][a-z]{2})-(?P<last>[A-Z][a-z]{2}) )?(?P<open>\d\d:\d\d)-(?P<close>\d\d:\d\d) (?P<zone>\S+)"
)
FORMS = (
    '"bars" (each daily bar is a session), "24h" (days of UTC), or hours of a place, as in "09:30-16:00 America/New_York" '
    'or "Sun-Thu 17:00-16:00 America/Chicago" (Mon-Fri unless said)'
)


def make_sessions(text: str, loaded: Sequence[Columns]) -> SessionRows:
    """Opens and closes that cover the data, in nanoseconds since the epoch, UTC. ConfigError for a form that is none of these."""
    if text == "bars":
        return _of_bars(loaded)
    known = [moments for columns in loaded if len(columns) for moments in _ends(columns)]
    if not known:
        return SessionRows([], [])
    first, last = min(known), max(known)
    if text == "24h":
        opens = list(range(first // DAY_NS * DAY_NS, last + 1, DAY_NS))
        return SessionRows(opens, [one + DAY_NS for one in opens])
    match = HOURS.fullmatch(text)
    if match is None:
        raise ConfigError(f"session {text!r} is none of: {FORMS}")
    return _of_hours(text, match, first, last)


def _ends(columns: Columns) -> tuple[int, int]:
    if isinstance(columns, BarColumns):
        return int(columns.open_time[0]), int(columns.close_time[-1]) - 1
    return int(columns.time[0]), int(columns.time[-1])


def _of_bars(loaded: Sequence[Columns]) -> SessionRows:
    """The spans of daily bars, those of several instruments together."""
    spans: set[tuple[int, int]] = set()
    daily = [columns for columns in loaded if isinstance(columns, BarColumns) and columns.interval_ns >= DAY_NS]
    if not daily:
        raise ConfigError('session "bars" needs daily bars: there are none in the data; say the hours instead')
    for columns in daily:
        spans.update(zip(columns.open_time.tolist(), columns.close_time.tolist(), strict=True))
    ordered = sorted(spans)
    for (_, closed), (opened, _) in pairwise(ordered):
        if opened < closed:
            raise ConfigError(
                'session "bars": the daily bars of the instruments cover different hours; say the hours instead'
            )
    return SessionRows([opened for opened, _ in ordered], [closed for _, closed in ordered])


def _of_hours(text: str, match: re.Match[str], first: int, last: int) -> SessionRows:
    """Hours of a place on its days; a close that is not after the open is on the next day. Summer time is the zone's."""
    try:
        zone = ZoneInfo(match["zone"])
        opened, closed = (time.fromisoformat(match[name]) for name in ("open", "close"))
        begin, end = DAYS.index(match["first"] or "Mon"), DAYS.index(match["last"] or "Fri")
    except (ValueError, LookupError, OSError) as error:
        raise ConfigError(f"session {text!r}: {error}; it is one of: {FORMS}") from error
    days = {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    overnight = timedelta(days=closed <= opened)
    day = _local_day(first, zone) - timedelta(days=1)
    until = _local_day(last, zone)
    rows: list[tuple[int, int]] = []
    while day <= until:
        if day.weekday() in days:
            rows.append((_moment(day, opened, zone), _moment(day + overnight, closed, zone)))
        day += timedelta(days=1)
    rows = [(opens, closes) for opens, closes in rows if closes > first and opens <= last]
    return SessionRows([opens for opens, _ in rows], [closes for _, closes in rows])


def _local_day(stamp: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(stamp // 10**9, UTC).astimezone(zone).date()


def _moment(day: date, clock: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, clock, zone).timestamp()) * 10**9
