"""Sessions of a venue: hours of a place through summer time, days of UTC, and the days of daily bars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import cracktrader as ct
from cracktrader.data.columns import BarColumns
from cracktrader.data.sessions import make_sessions

DAY = 86_400 * 10**9


def bars(first: str, count: int, interval: int = DAY, symbol: str = "A") -> BarColumns:
    """Flat bars from a moment of UTC on."""
    start = int(datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp()) * 10**9
    opened = start + interval * np.arange(count, dtype=np.int64)
    price = np.full(count, 100, dtype=np.int64)
    return BarColumns(
        symbol, opened, opened, opened + interval, price, price, price, price, price, 0, 0, interval, "test"
    )


def told(text: str, *loaded: BarColumns) -> list[tuple[str, str]]:
    """Sessions as text in UTC."""
    rows = make_sessions(text, loaded)
    moments = zip(rows.open_time, rows.close_time, strict=True)
    return [tuple(f"{datetime.fromtimestamp(one // 10**9, UTC):%a %m-%d %H:%M}" for one in edge) for edge in moments]  # type: ignore[misc]


def test_hours_of_a_place_follow_its_summer_time() -> None:
    assert told("09:30-16:00 America/New_York", bars("2024-03-07T00:00", 6)) == [
        ("Thu 03-07 14:30", "Thu 03-07 21:00"),
        ("Fri 03-08 14:30", "Fri 03-08 21:00"),
        ("Mon 03-11 13:30", "Mon 03-11 20:00"),
        ("Tue 03-12 13:30", "Tue 03-12 20:00"),
    ]


def test_a_session_may_cross_midnight_and_begin_on_sunday() -> None:
    assert told("Sun-Thu 17:00-16:00 America/Chicago", bars("2024-01-06T00:00", 4)) == [
        ("Sun 01-07 23:00", "Mon 01-08 22:00"),
        ("Mon 01-08 23:00", "Tue 01-09 22:00"),
        ("Tue 01-09 23:00", "Wed 01-10 22:00"),
    ]


def test_days_of_utc_cover_the_data() -> None:
    assert told("24h", bars("2024-01-01T06:00", 3, 20 * 3600 * 10**9)) == [
        ("Mon 01-01 00:00", "Tue 01-02 00:00"),
        ("Tue 01-02 00:00", "Wed 01-03 00:00"),
        ("Wed 01-03 00:00", "Thu 01-04 00:00"),
    ]


def test_daily_bars_are_sessions() -> None:
    assert told("bars", bars("2024-01-05T00:00", 2), bars("2024-01-06T00:00", 2, symbol="B")) == [
        ("Fri 01-05 00:00", "Sat 01-06 00:00"),
        ("Sat 01-06 00:00", "Sun 01-07 00:00"),
        ("Sun 01-07 00:00", "Mon 01-08 00:00"),
    ]


@pytest.mark.parametrize(
    ("text", "loaded", "message"),
    [
        ("noon", [bars("2024-01-01T00:00", 1)], "session 'noon' is none of: \"bars\""),
        ("09:30-16:00 Mars/Base", [bars("2024-01-01T00:00", 1)], "Mars/Base"),
        ("09:30-25:00 UTC", [bars("2024-01-01T00:00", 1)], "hour must be in 0..23"),
        ("Foo-Fri 09:30-16:00 UTC", [bars("2024-01-01T00:00", 1)], "Foo"),
        ("bars", [bars("2024-01-01T00:00", 9, 3600 * 10**9)], "needs daily bars"),
        ("bars", [bars("2024-01-01T00:00", 2), bars("2024-01-01T06:00", 2)], "cover different hours"),
    ],
)
def test_a_session_that_cannot_be_made_is_refused(text: str, loaded: list[BarColumns], message: str) -> None:
    with pytest.raises(ct.ConfigError, match=message):
        make_sessions(text, loaded)


def test_a_run_tells_its_sessions(engine: str) -> None:
    class Watcher(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.seen: list[str] = []

        def on_event(self, ctx: Any, event: Any) -> None:
            self.seen.append(event.event_type)

    watcher = Watcher()
    ct.backtest(watcher, [bars("2024-01-01T00:00", 2)], engine=engine, venue=ct.Venue(session="bars"))
    opened = ["SessionOpened", "Bar", "SessionClosed"]
    assert watcher.seen == [*opened, *opened, "DataEnded"]
