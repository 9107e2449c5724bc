"""Times of every form to nanoseconds in UTC; zones, the hours that a clock shows twice or never, and what is ambiguous."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.data import BarColumns, load
from cracktrader.data.stamps import duration_text, time_text
from cracktrader.data.times import parse_time
from cracktrader.errors import ConfigError, DataError

MINUTE = 60_000_000_000
START = 1_704_067_200_000_000_000  # 2024-01-01T00:00Z


def columns(times: Any, **options: Any) -> BarColumns:
    rows = len(times)
    (bars,) = load({"time": times, **dict.fromkeys(("open", "high", "low", "close"), [1.0] * rows)}, **options)
    assert isinstance(bars, BarColumns)
    return bars


def stamps(times: Any, **options: Any) -> list[int]:
    return [int(stamp) for stamp in columns(times, every="1m", **options).event_time]


def refusal(times: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        columns(times, every="1m", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01",
        "2024/01/01",
        "2024.01.01",
        "20240101",
        "01.01.2024",
        "1-Jan-2024",
        "2024-01-01 00:00",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00.000000000",
        "20240101 000000",
        "20240101 0000",
        "20240101;000000",
        "2024-01-01T00:00:00Z",
        "2024-01-01 00:00:00 UTC",
        "2024-01-01T01:00:00+01:00",
        "2023-12-31 19:00:00-0500",
        "01.01.2024 01:00:00.000 GMT+0100",
        "2024.01.01 12:00 AM",
        " 2024-01-01 ",
        "1704067200",
        "1704067200000",
        "1704067200000000",
        "1704067200000000000",
        "1704067200.0",
        "20240101000000",
    ],
)
def test_text_of_every_form_is_read(text: str) -> None:
    assert stamps([text]) == [START]


@pytest.mark.parametrize(
    "values",
    [
        [date(2024, 1, 1)],
        [datetime(2024, 1, 1, tzinfo=UTC)],
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        [20240101],
        [20240101000000],
        [1704067200.0],
        pl.Series([datetime(2024, 1, 1, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"),
    ],
)
def test_typed_times_of_every_form_are_read(values: Any) -> None:
    assert stamps(values) == [START]


def test_a_time_of_day_may_be_typed() -> None:
    frame = pl.DataFrame({"date": [date(2024, 1, 1)] * 2, "time": [time(0, 0), time(0, 1, 0, 500)]})
    frame = frame.with_columns(open=1.0, high=1.0, low=1.0, close=1.0)
    (bars,) = load(frame, every="1m")
    assert isinstance(bars, BarColumns)
    assert bars.event_time.tolist() == [START, START + MINUTE + 500_000]


def test_forms_may_change_from_row_to_row_and_fractions_keep_nanoseconds() -> None:
    times = ["2024-01-01", "2024-01-01 00:01", "2024-01-01 00:02:00.000000001", "2024-01-01T00:03:00.5"]
    assert stamps(times) == [START, START + MINUTE, START + 2 * MINUTE + 1, START + 3 * MINUTE + 500_000_000]
    assert stamps(["2024-01-01 00:00:00.123456789"]) == [START + 123_456_789]


def test_day_and_month_are_told_apart_by_any_row() -> None:
    assert stamps(["01/02/2024", "13/02/2024"]) == [START + 31 * 1440 * MINUTE, START + 43 * 1440 * MINUTE]
    assert stamps(["02/01/2024", "02/13/2024"]) == [START + 31 * 1440 * MINUTE, START + 43 * 1440 * MINUTE]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            ["01/02/2024 10:00"],
            (
                "dict row 1, column time: '01/02/2024 10:00' may be day/month or month/day, and no row tells which; "
                'pass time_format="%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M"'
            ),
        ),
        (["13/01/2024", "01/13/2024"], "dict, column time: days stand first in some rows and months in others"),
        (
            ["2024-01-01T00:00Z", "2024-01-01T00:01"],
            "dict, column time: some times carry a zone and some do not; write all in one way",
        ),
        (
            ["2024-01-01", "noon", "2024-02-30", "1500-01-01"],
            (
                "dict: 3 bad rows, 3 kinds of trouble\n"
                "  row 2, column time: 'noon' is not a time such as 2024-01-31 16:00:00\n"
                "  row 3, column time: '2024-02-30' names no moment of the calendar\n"
                "  row 4, column time: '1500-01-01' is outside the years 1678 to 2261\n"
                'correct the data, or: repair="drop" leaves such rows out'
            ),
        ),
        (["", "2024-01-01"], "dict row 1, column time: '' is not a time such as 2024-01-31 16:00:00"),
        ([None, "2024-01-01"], "dict row 1, column time: the time is missing"),
        ([1.7e9 + 0.5], "dict row 1, column time: 1700000000.5 is not a whole number of units"),
        ([123], "dict row 1, column time: 123 could be several times"),
        ([1_704_067_200, 1_704_067_200_000], "dict row 2, column time: 1704067200000 could be several times"),
        ([True, False], "dict, column time: a column of Boolean does not hold times"),
    ],
)
def test_what_is_no_time_is_refused_by_row(times: Any, message: str) -> None:
    assert message in refusal(times)


def test_a_said_format_is_used_and_what_does_not_fit_is_named() -> None:
    assert stamps(["01|01|24"], time_format="%d|%m|%y") == [START]
    assert "'x' does not fit the time format %d|%m|%y" in refusal(["01|01|24", "x"], time_format="%d|%m|%y")
    assert "'2024' does not fit the time format %Q" in refusal(["2024"], time_format="%Q")


# ---------------------------------------------------------------- zones

FALL = [
    "2024-10-27 01:00",
    "2024-10-27 02:00",
    "2024-10-27 02:30",
    "2024-10-27 02:00",
    "2024-10-27 02:30",
    "2024-10-27 03:00",
]
FALL_UTC = ["23:00", "00:00", "00:30", "01:00", "01:30", "02:00"]


def clock(times: Any, **options: Any) -> list[str]:
    return [f"{moment:%H:%M}" for moment in columns(times, every="1m", **options).to_polars()["time"]]


def test_a_wall_clock_is_utc_unless_its_zone_is_said_and_the_note_says_so() -> None:
    assert clock(["2024-07-01 12:00"]) == ["12:00"]
    assert (
        columns(["2024-07-01 12:00"], every="1m").note
        == "data: times without a zone are read as UTC (tz= says otherwise)"
    )
    assert clock(["2024-07-01 12:00", "2024-12-01 12:00"], tz="Europe/Berlin") == ["10:00", "11:00"]
    assert clock(["2024-07-01 12:00"], tz="+05:30") == ["06:30"]
    assert clock(["2024-07-01 12:00"], tz="-04:00") == ["16:00"]


def test_days_and_moments_need_no_word_about_zones() -> None:
    assert columns(["2024-01-01", "2024-01-02"]).note == ""
    assert columns([1_704_067_260], every="1m").note == ""
    assert columns(["2024-01-01T10:00Z"], every="1m").note == ""


def test_days_are_midnight_of_the_zone() -> None:
    assert clock(["2024-07-01"], tz="America/New_York") == ["04:00"]


def test_a_zone_for_moments_changes_nothing_and_is_said() -> None:
    bars = columns(["2024-07-01T12:00Z"], every="1m", tz="Europe/Berlin")
    assert bars.event_time[0] == parse_time("2024-07-01 12:00")
    assert bars.note == "data: tz='Europe/Berlin' was not needed: the times are moments already"


def test_an_hour_that_the_clock_shows_twice_is_refused_or_resolved_as_said() -> None:
    assert refusal(FALL, tz="Europe/Berlin") == (
        "dict row 2, column time: 2024-10-27 02:00:00 was twice in Europe/Berlin, where the clock was put back "
        '(4 such rows: 2, 3, 4, 5); correct the data, or: repair="drop" leaves such rows out; dst="infer" tells the two '
        'passes of the hour apart by the order of the rows, "earliest" and "latest" choose one'
    )
    assert clock(FALL, tz="Europe/Berlin", dst="infer") == FALL_UTC
    once = [FALL[0], FALL[1], FALL[2], FALL[5]]
    assert clock(once, tz="Europe/Berlin", dst="earliest") == ["23:00", "00:00", "00:30", "02:00"]
    assert clock(once, tz="Europe/Berlin", dst="latest") == ["23:00", "01:00", "01:30", "02:00"]
    assert clock(once, tz="Europe/Berlin", dst="infer") == ["23:00", "00:00", "00:30", "02:00"]
    assert clock(FALL, tz="Europe/Berlin", repair="drop") == ["23:00", "02:00"]


def test_the_hour_is_inferred_in_every_year() -> None:
    years = [text.replace("2024-10-27", day) for day in ("2023-10-29", "2024-10-27") for text in FALL]
    assert clock(years, tz="Europe/Berlin", dst="infer") == FALL_UTC * 2


def test_an_hour_that_the_clock_skips_is_refused_or_dropped() -> None:
    times = ["2024-03-31 01:00", "2024-03-31 02:30", "2024-03-31 03:00"]
    message = "dict row 2, column time: 2024-03-31 02:30:00 never was in Europe/Berlin, where the clock was put forward"
    assert message in refusal(times, tz="Europe/Berlin")
    assert clock(times, tz="Europe/Berlin", repair="drop") == ["00:00", "01:00"]


@pytest.mark.parametrize("tz", ["Mars/Olympus", "", "GMT+25", 3, "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_a_config_error(tz: Any) -> None:
    with pytest.raises(ConfigError, match="is not a time zone: a name such as"):
        columns(["2024-01-01"], every="1m", tz=tz)


def test_an_unknown_rule_for_double_hours_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"dst='guess' must be \"refuse\", \"infer\", \"earliest\" or \"latest\""):
        columns(["2024-01-01"], every="1m", dst="guess")


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (START, "2024-01-01"),
        (START + MINUTE, "2024-01-01 00:01:00"),
        (START + 1, "2024-01-01 00:00:00.000000001"),
        (START + 500_000_000, "2024-01-01 00:00:00.5"),
        (START + 10 * 60 * MINUTE, "2024-01-01 10:00:00"),
        (-1, "1969-12-31 23:59:59.999999999"),
    ],
)
def test_a_stamp_in_words_reads_back(nanoseconds: int, text: str) -> None:
    assert time_text(nanoseconds) == text
    assert parse_time(text) == nanoseconds


@pytest.mark.parametrize("text", ["1m", "5m", "1h", "1d", "1w", "90s", "250ms", "100us", "1ns"])
def test_a_duration_in_words_reads_back(text: str) -> None:
    assert duration_text(columns(["2024-01-01"], every=text).interval_ns) == text


def test_a_single_time_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match="'soon' is not a time such as 2024-01-31"):
        parse_time("soon")
