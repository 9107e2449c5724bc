"""What `load` accepts, how it lays bars on the time axis, what it refuses. Mantissas are in test_data_decimals.py."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.data import BarColumns, Bars, load
from cracktrader.errors import ConfigError, DataError

MINUTE = 60_000_000_000
DAY = 1_440 * MINUTE
START = 1_704_067_200_000_000_000  # 2024-01-01T00:00Z

PRICES = {"open": [10.0, 11.0, 12.0], "high": [11.5, 12.5, 13.5], "low": [9.5, 10.5, 11.5], "close": [11.0, 12.0, 13.0]}
TIMES = ["2024-01-01 00:00:00", "2024-01-01 00:01:00", "2024-01-01 00:02:00"]


def minutes(**changes: Any) -> dict[str, Any]:
    """Three sound one-minute bars as a dict of columns, with `changes` on top."""
    return {"time": TIMES, **PRICES, "volume": [1, 2, 3], **changes}


def one(source: Any, **options: Any) -> BarColumns:
    (bars,) = load(source, **options)
    return bars


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(source, **options)
    return str(caught.value)


# ---------------------------------------------------------------- what is accepted


def same_bars_from_every_kind(folder: Path) -> list[Any]:
    pandas = pytest.importorskip("pandas", reason="pandas is an optional dependency")
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an optional dependency")
    frame = pl.DataFrame(minutes()).with_columns(pl.col("time").str.to_datetime())
    frame.write_csv(folder / "bars.csv")
    frame.write_parquet(folder / "bars.parquet")
    (folder / "bars.csv.gz").write_bytes(gzip.compress((folder / "bars.csv").read_bytes()))
    index = pandas.DatetimeIndex(TIMES, name="when")
    capital = {name.title(): values for name, values in minutes().items()}
    return [
        minutes(),
        {name: np.asarray(values) for name, values in PRICES.items()}
        | {"volume": [1, 2, 3], "ts": np.array(TIMES, dtype="datetime64[s]")},
        frame,
        frame.lazy(),
        capital,
        pyarrow.table(minutes()),
        pandas.DataFrame(minutes()),
        pandas.DataFrame({**PRICES, "volume": [1, 2, 3]}, index=index),
        pandas.DataFrame({**PRICES, "volume": [1, 2, 3]}, index=index.tz_localize("UTC").tz_convert("Asia/Tokyo")),
        folder / "bars.csv",
        str(folder / "bars.csv.gz"),
        folder / "bars.parquet",
        Bars(minutes(), every="1m"),
    ]


def test_every_kind_of_source_gives_the_same_bars(tmp_path: Path) -> None:
    for source in same_bars_from_every_kind(tmp_path):
        bars = one(source)
        assert bars.open_time.tolist() == [START, START + MINUTE, START + 2 * MINUTE], source
        assert bars.close_time.tolist() == [START + MINUTE, START + 2 * MINUTE, START + 3 * MINUTE], source
        assert bars.close.tolist() == [110, 120, 130] and bars.price_decimals == 1, source
        assert bars.volume.tolist() == [1, 2, 3] and bars.volume_decimals == 0, source
        assert bars.interval_ns == MINUTE, source


@pytest.mark.parametrize("name", ["time", "Timestamp", "DATE", "datetime", "ts", "open_time", " Time "])
def test_the_time_column_is_found_by_name_in_any_case(name: str) -> None:
    columns = minutes()
    assert one({name: columns.pop("time"), **columns}).open_time[0] == START


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-01", "2024-01-02"],
        ["2024-01-01 00:00", "2024-01-02 00:00"],
        ["2024-01-01T00:00:00", "2024-01-02T00:00:00.000"],
        ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"],
        ["2024-01-01T02:00:00+02:00", "2024-01-01 19:00:00-0500"],
    ],
)
def test_iso_text_of_every_length_is_read_as_utc_unless_it_names_an_offset(texts: list[str]) -> None:
    bars = one({"time": texts, **{name: values[:2] for name, values in PRICES.items()}})
    assert bars.event_time.tolist() == [START, START + DAY]


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_integer_times_are_read_by_their_magnitude(unit: int) -> None:
    stamps = [(START + i * MINUTE) // unit for i in range(3)]
    assert one(minutes(time=stamps)).event_time.tolist() == [START, START + MINUTE, START + 2 * MINUTE]
    assert one(minutes(time=[float(s) for s in stamps])).event_time[0] == START


def test_aware_datetimes_are_converted_and_naive_ones_are_utc() -> None:
    naive = [datetime(2024, 1, 1, 0, minute) for minute in range(3)]  # noqa: DTZ001
    aware = [moment.replace(tzinfo=UTC) for moment in naive]
    assert one(minutes(time=naive)).event_time.tolist() == one(minutes(time=aware)).event_time.tolist()


def test_a_date_with_a_separate_time_of_day_is_joined(tmp_path: Path) -> None:
    path = tmp_path / "split.txt"
    path.write_text("Date,Time,Open,High,Low,Close\n2024-01-01,09:05:00,1,1,1,1\n2024-01-01,09:10:00,1,1,1,1\n")
    assert one(path).event_time.tolist() == [START + 545 * MINUTE, START + 550 * MINUTE]


def test_volume_is_optional_and_then_zero() -> None:
    columns = minutes()
    del columns["volume"]
    assert one(columns).volume.tolist() == [0, 0, 0]


def test_numbers_may_come_as_text_and_other_columns_are_ignored() -> None:
    bars = one(minutes(close=["11.0", " 12.0", "13.0"], note=["a", "b", "c"]))
    assert bars.close.tolist() == [110, 120, 130]


# ---------------------------------------------------------------- names and several instruments


def test_a_file_names_its_instrument_and_symbol_overrides_it(tmp_path: Path) -> None:
    pl.DataFrame(minutes()).write_csv(tmp_path / "my spy.csv")
    assert one(tmp_path / "my spy.csv").symbol == "my-spy"
    assert one(tmp_path / "my spy.csv", symbol="SPY").symbol == "SPY"
    assert one(minutes()).symbol == "data"
    assert one("sample:sp500_1d").symbol == "sp500_1d"


def test_a_dict_of_sources_is_several_instruments(tmp_path: Path) -> None:
    pl.DataFrame(minutes()).write_csv(tmp_path / "b.csv")
    loaded = load({"A": minutes(), "B": tmp_path / "b.csv", "C": Bars(minutes(), stamp="close")})
    assert [bars.symbol for bars in loaded] == ["A", "B", "C"]
    assert [int(bars.close_time[0]) for bars in loaded] == [START + MINUTE, START + MINUTE, START]


def test_options_reach_every_instrument_that_does_not_say_otherwise() -> None:
    first, second = load(
        [Bars(minutes(), symbol="A"), Bars(minutes(), symbol="B", every="2m")], every="1h", stamp="close"
    )
    assert (first.interval_ns, second.interval_ns) == (60 * MINUTE, 2 * MINUTE)
    assert first.close_time.tolist() == first.event_time.tolist()


def test_bars_may_wrap_several_instruments() -> None:
    loaded = load(Bars({"A": minutes(), "B": minutes()}, every="1m", stamp="close"))
    assert [(bars.symbol, int(bars.close_time[0])) for bars in loaded] == [("A", START), ("B", START)]


def test_prepared_columns_pass_through() -> None:
    bars = one(minutes())
    assert load([bars]) == [bars]
    assert one(bars, symbol="X").symbol == "X"


def test_two_instruments_of_one_name_are_refused() -> None:
    assert "both called data" in refusal([minutes(), minutes()])


def test_a_name_for_several_instruments_and_a_bad_symbol_are_config_errors() -> None:
    with pytest.raises(ConfigError, match="fits one instrument"):
        load([minutes(), minutes()], symbol="X")
    with pytest.raises(ConfigError, match="not a symbol"):
        load(minutes(), symbol="S&P 500")


# ---------------------------------------------------------------- the time axis


def test_a_stamp_at_the_open_delivers_the_bar_one_interval_later() -> None:
    bars = one(minutes())
    assert (bars.close_time - bars.open_time).tolist() == [MINUTE] * 3
    assert bars.event_time.tolist() == bars.open_time.tolist()


def test_a_stamp_at_the_close_delivers_the_bar_at_its_stamp() -> None:
    bars = one(minutes(), stamp="close")
    assert bars.close_time.tolist() == bars.event_time.tolist()
    assert (bars.close_time - bars.open_time).tolist() == [MINUTE] * 3


def test_the_interval_is_the_commonest_spacing_and_gaps_stay_gaps() -> None:
    times = [START, START + MINUTE, START + 2 * MINUTE, START + 10 * MINUTE, START + 11 * MINUTE]
    bars = one({"time": times, **{name: [10.0] * 5 for name in PRICES}})
    assert bars.interval_ns == MINUTE
    assert bars.close_time[2] == START + 3 * MINUTE and bars.open_time[3] == START + 10 * MINUTE


def test_bars_closer_than_their_interval_never_overlap_and_never_see_ahead() -> None:
    times = [START, START + 30_000_000_000, START + 2 * MINUTE]
    at_open = one(minutes(time=times), every="1m")
    assert at_open.close_time.tolist() == [START + 30_000_000_000, START + 30_000_000_000 + MINUTE, START + 3 * MINUTE]
    at_close = one(minutes(time=times), every="1m", stamp="close")
    assert at_close.close_time.tolist() == times
    assert at_close.open_time.tolist() == [START - MINUTE, START, START + MINUTE]


@pytest.mark.parametrize(
    ("every", "nanoseconds"),
    [
        ("1m", MINUTE),
        ("5 m", 5 * MINUTE),
        ("1h", 60 * MINUTE),
        ("1D", DAY),
        ("1w", 7 * DAY),
        ("250ms", 250_000_000),
        (MINUTE, MINUTE),
        (timedelta(hours=1), 60 * MINUTE),
        ("250us", 250_000),
    ],
)
def test_the_interval_can_be_declared(every: Any, nanoseconds: int) -> None:
    assert one(minutes(), every=every).interval_ns == nanoseconds


@pytest.mark.parametrize("every", ["", "m", "1", "1 month", "-1m", "0m", "1.5h", 0, -5, True, 1.5, timedelta(0)])
def test_an_impossible_interval_is_a_config_error(every: Any) -> None:
    with pytest.raises(ConfigError, match="is not a duration"):
        load(minutes(), every=every)


def test_an_unknown_stamp_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"stamp='middle' must be \"open\" or \"close\""):
        load(minutes(), stamp="middle")  # type: ignore[arg-type]


def test_a_single_row_needs_a_declared_interval() -> None:
    single = {name: values[:1] for name, values in minutes().items()}
    assert "pass every=" in refusal(single)
    assert len(one(single, every="1m")) == 1


# ---------------------------------------------------------------- what is refused, and in which words


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"close": [11.0, float("nan"), 13.0]}, "dict row 2, column close: nan is not a number a bar can hold"),
        ({"high": [11.5, 12.5, float("inf")]}, "dict row 3, column high: inf is not a number a bar can hold"),
        ({"low": [9.5, 0.0, 11.5]}, "dict row 2, column low: price 0 is not positive"),
        ({"open": [-10.0, 11.0, 12.0]}, "dict row 1, column open: price -10 is not positive"),
        ({"high": [11.5, 10.0, 13.5]}, "dict row 2, column high: high 10 is below low 10.5"),
        ({"close": [11.0, 12.6, 13.0]}, "dict row 2, column close: close 12.6 is outside low 10.5 to high 12.5"),
        ({"open": [9.4, 11.0, 12.0]}, "dict row 1, column open: open 9.4 is outside low 9.5 to high 11.5"),
        ({"volume": [1, 2, -3]}, "dict row 3, column volume: volume -3 is negative"),
        ({"volume": [1.0, None, 3.0]}, "dict row 2, column volume: the value is missing"),
        ({"close": ["11", "n/a", "13"]}, "dict row 2, column close: 'n/a' is not a number"),
        (
            {"time": [TIMES[0], TIMES[2], TIMES[1]]},
            "dict row 3, column time: 2024-01-01 00:01:00 goes back behind 2024-01-01 00:02:00",
        ),
        (
            {"time": [TIMES[0], TIMES[1], TIMES[1]]},
            "dict row 3, column time: 2024-01-01 00:01:00 is there twice",
        ),
        ({"time": [TIMES[0], None, TIMES[2]]}, "dict row 2, column time: the time is missing"),
        ({"time": ["2024-01-01", "2024-02-30", "2024-03-01"]}, "'2024-02-30' names no moment of the calendar"),
        (
            {"time": ["1/4/1999", "1/5/1999", "1/6/1999"]},
            "row 1, column time: '1/4/1999' may be day/month or month/day",
        ),
        ({"time": ["1500-01-01", "1500-01-02", "1500-01-03"]}, "'1500-01-01' is outside the years 1678 to 2261"),
        ({"time": [2024013, 2024020, 2024021]}, "row 1, column time: 2024013 could be several times"),
        ({"time": [1e9 + 0.5, 1e9 + 1, 1e9 + 2]}, "row 1, column time: 1000000000.5 is not a whole number of units"),
        ({"time": [True, False, True]}, "a column of Boolean does not hold times"),
        ({"close": [11.0, 12.0]}, "dict: columns differ in length: time 3, open 3"),
    ],
)
def test_a_bad_row_is_refused_with_its_place_and_value(changes: dict[str, Any], message: str) -> None:
    assert message in refusal(minutes(**changes))


def test_a_bad_row_far_down_a_file_is_named_by_its_number_in_the_file(tmp_path: Path) -> None:
    rows = 40_000
    close = np.full(rows, 10.0)
    close[30_000] = np.nan
    frame = pl.DataFrame({"t": START + MINUTE * np.arange(rows)}).rename({"t": "time"})
    frame = frame.with_columns(open=10.0, high=10.0, low=10.0, close=close)
    frame.write_parquet(tmp_path / "long.parquet")
    message = refusal(tmp_path / "long.parquet")
    where = f"{tmp_path / 'long.parquet'} row 30001, column close"
    assert message == (
        f'{where}: nan is not a number a bar can hold; correct the data, or: repair="drop" leaves such rows out'
    )


def test_text_in_a_number_column_of_a_csv_is_named(tmp_path: Path) -> None:
    lines = [f"{START + MINUTE * row},1,1,1,1" for row in range(12_000)]
    lines[11_500] = f"{START + MINUTE * 11_500},1,1,1,oops"
    (tmp_path / "bars.csv").write_text("time,open,high,low,close\n" + "\n".join(lines) + "\n")
    # A line of a text file is counted as an editor does, header included.
    assert "line 11502, column close: 'oops' is not a number" in refusal(tmp_path / "bars.csv")


def test_missing_columns_are_listed_beside_what_was_found() -> None:
    assert refusal({"when": [1], "open": [1.0], "last": [1.0]}) == (
        "dict: missing a time (one of time, timestamp, date, datetime, ts, open_time), high, low, close for bars; "
        'found when, open, last; name them with columns=, as in columns={"close": "Last"}'
    )


def test_two_columns_that_read_as_one_field_are_refused() -> None:
    assert "columns 'close' and 'Close' both read as close" in refusal(minutes(Close=[1.0, 2.0, 3.0]))


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").endswith("none.csv: no such file")
    assert refusal(tmp_path).startswith(f"{tmp_path}: is a folder, not a file; for its files pass")
    (tmp_path / "bars.xlsx").write_bytes(b"")
    assert "the name must end in one of .parquet" in refusal(tmp_path / "bars.xlsx")
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "empty.csv: " in refusal(tmp_path / "empty.csv")
    (tmp_path / "broken.parquet").write_bytes(b"PAR0")
    assert "broken.parquet: " in refusal(tmp_path / "broken.parquet")
    (tmp_path / "header.csv").write_text("time,open,high,low,close\n")
    assert refusal(tmp_path / "header.csv").endswith("header.csv: no rows")


def test_other_objects_are_refused_with_what_would_do() -> None:
    assert "builtins.int cannot be read as market data" in refusal(42)
    assert "a list of data must hold" in refusal([1, 2])
    assert "the list of instruments is empty" in refusal([])
    assert "no columns" in refusal({})
    assert "there is sp500_1d" in refusal("sample:nope")
