"""`info` describes what `load` would read or refuse; `convert` writes what `load` reads back; `random_walk` is always the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cracktrader.data import BarColumns, Bars, DataInfo, convert, info, load, random_walk, sample
from cracktrader.errors import ConfigError, DataError

MINUTE = 60_000_000_000


def told(source: Any, **options: Any) -> DataInfo:
    found = info(source, **options)
    assert isinstance(found, DataInfo)
    return found


def prices(*values: float) -> dict[str, list[float]]:
    """Bars of one price each."""
    return {name: list(values) for name in ("open", "high", "low", "close")}


GAPPED = """Date,Time,Open,High,Low,Close,Volume
2024-01-02,09:00,10,11,9.5,10.25,100
2024-01-02,09:01,10,11,9.5,10.25,100
2024-01-02,09:03,10,11,9.5,10.25,100
2024-01-02,09:04,10,11,9.5,10.25,100
2024-01-02,09:04,10,11,9.5,10.25,100
2024-01-02,09:05,10,11,9.5,nan,100
2024-01-02,09:55,10,11,9.5,10.125,0.5
"""


def test_info_describes_bars_and_does_not_raise_for_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "gapped.csv"
    path.write_text(GAPPED)
    assert str(told(path)) == (
        f"source        {path}\n"
        "symbol        gapped\n"
        "layout        generic bars\n"
        "columns       time=Time, open=Open, high=High, low=Low, close=Close, volume=Volume, date=Date\n"
        "rows          7\n"
        "time          2024-01-02 09:00:00 to 2024-01-02 09:55:00\n"
        "time zone     none, read as UTC\n"
        "bar duration  1m\n"
        "gaps          2; 2024-01-02 09:05:00 to 2024-01-02 09:55:00; 2024-01-02 09:01:00 to 2024-01-02 09:03:00\n"
        "duplicates    1\n"
        "prices        9.5 to 11\n"
        "decimals      price 3, volume 1\n"
        "memory        0.0 MiB\n"
        "note          times without a zone are read as UTC (tz= says otherwise)\n"
        "problem       line 6, column Date Time: 2024-01-02 09:04:00 is there twice\n"
        "problem       line 7, column Close: nan is not a number a bar can hold"
    )
    assert told(path).bad_rows == 2
    repaired = told(path, repair="drop", tz="Europe/Berlin")
    assert repaired.problems == () and repaired.time_zone == "Europe/Berlin" and repaired.rows == 7
    assert repaired.notes == ("1 row dropped for not finite (line 7)", "1 row dropped for duplicate (line 6)")


def test_info_as_a_dict_is_json() -> None:
    described = told({"time": ["2024-01-01", "2024-01-02"], **prices(1.5, 2)})
    values = json.loads(json.dumps(described.as_dict()))
    assert values["first_time"] == "2024-01-01" and values["interval_ns"] == 1440 * MINUTE
    assert values["columns"]["close"] == "close" and values["longest_gaps"] == [] and values["memory_bytes"] == 128


def test_info_of_several_sources_is_a_list() -> None:
    walk = random_walk(bars=3)
    found = info({"A": walk, "B": walk})
    assert isinstance(found, list) and [one.symbol for one in found] == ["A", "B"]


def test_info_of_loaded_columns_says_what_they_hold() -> None:
    (columns,) = load(Bars(random_walk(bars=5), stamp="close", symbol="X"))
    described = told(columns)
    assert (described.symbol, described.rows, described.interval_ns) == ("X", 5, MINUTE)


def test_what_is_shown_of_data_is_short() -> None:
    assert repr(Bars("a.csv", every="1m", repair="drop")) == "Bars('a.csv', every='1m', repair='drop')"
    assert repr(Bars(random_walk(bars=20), symbol="X")) == "Bars(<DataFrame, 20 long>, symbol='X')"
    assert repr(told(random_walk(bars=3))).startswith("source        polars frame\n")


def test_info_raises_only_for_what_cannot_be_described(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        info(tmp_path / "none.csv")
    with pytest.raises(DataError, match="missing a time"):
        info({"open": [1.0]})
    with pytest.raises(ConfigError, match="repair='x' is unknown"):
        info(random_walk(bars=3), repair="x")
    hopeless = told({"time": ["x"], **prices(float("nan"))})
    assert (hopeless.first_time, hopeless.lowest_price, hopeless.interval_ns, hopeless.bad_rows) == (
        None,
        None,
        None,
        1,
    )
    assert "no readable time" in str(hopeless) and "unknown: pass every=" in str(hopeless)


# ---------------------------------------------------------------- convert


def arrays(columns: Any) -> dict[str, Any]:
    return {
        name: getattr(columns, name).tolist() for name in columns.__slots__ if hasattr(getattr(columns, name), "dtype")
    }


@pytest.mark.parametrize("stamp", ["open", "close"])
@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv", "bars.csv.gz", "bars.csv.zst"])
def test_converted_bars_load_as_the_bars_they_were(name: str, stamp: Any, tmp_path: Path) -> None:
    # The commonest spacing of these bars is not their duration, so it has to be kept.
    source = Bars(sample("sp500_1d").gather_every(2), every="1d", stamp=stamp, symbol="SPX")
    (before,) = load(source)
    (written,) = convert(source, tmp_path / name)
    options = {**written.options, "symbol": "SPX"} if name != "bars.parquet" else {}
    (after,) = load(tmp_path / name, **options)
    assert arrays(after) == arrays(before)
    assert isinstance(before, BarColumns) and isinstance(after, BarColumns)
    assert (after.symbol, after.interval_ns, after.price_decimals, after.note) == ("SPX", before.interval_ns, 6, "")
    assert written.rows == len(before) and written.size_bytes == (tmp_path / name).stat().st_size
    assert f"{len(before):,} bars of SPX" in str(written)
    assert ("read it with" in str(written)) == (name != "bars.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("told", ["x", "[1]", '{"every": -1, "symbol": "a b", "kind": "x", "stamp": "y"}'])
def test_what_another_program_wrote_under_our_key_is_not_believed(told: str, tmp_path: Path) -> None:
    random_walk(bars=3).write_parquet(tmp_path / "walk.parquet", metadata={"cracktrader": told})
    (columns,) = load(tmp_path / "walk.parquet")
    assert isinstance(columns, BarColumns) and (columns.symbol, columns.interval_ns) == ("walk", MINUTE)


def test_trades_and_quotes_are_converted_too(tmp_path: Path) -> None:
    trades = {"time": ["2024-01-01T00:00:00.5Z"] * 2, "price": [1.5, 2.0], "qty": [1.0, 0.25], "side": ["buy", None]}
    quotes = {"time": ["2024-01-01"], "bid": [1.5], "ask": [2.0], "bid_size": [0.5], "ask_size": [1.0]}
    for name, source in (("trades", trades), ("quotes", quotes)):
        for suffix in (".parquet", ".csv"):
            (before,) = load(source)
            convert(source, tmp_path / (name + suffix))
            (after,) = load(tmp_path / (name + suffix))
            assert type(after) is type(before) and arrays(after) == arrays(before)


def test_several_instruments_are_written_one_file_each(tmp_path: Path) -> None:
    walk = random_walk(bars=3)
    written = convert({"A/B": walk, "C": walk}, tmp_path / "{symbol}-{kind}.parquet")
    assert [Path(one.path).name for one in written] == ["A-B-bars.parquet", "C-bars.parquet"]
    assert load(tmp_path / "A-B-bars.parquet")[0].symbol == "A/B"
    with pytest.raises(
        ConfigError, match=r"one file for bars of A, bars of C; put \{symbol\} and \{kind\} into the name"
    ):
        convert({"A": walk, "C": walk}, tmp_path / "all.parquet")


def test_a_conversion_reports_its_repairs(tmp_path: Path) -> None:
    walk = random_walk(bars=4).reverse()
    (written,) = convert(walk, tmp_path / "a.csv", repair="sort")
    assert str(written).splitlines()[-1] == "data: sorted by time, 4 rows moved"


def test_a_bad_target_is_refused_and_an_old_file_stays(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the name must end in one of .parquet .pq .csv .csv.gz .csv.zst"):
        convert(random_walk(bars=3), tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="cannot be written"):
        convert(random_walk(bars=3), tmp_path / "none" / "a.csv")
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(DataError):
        convert({"time": ["x"], "price": [1], "qty": [1]}, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "old"


# ---------------------------------------------------------------- random walk


def test_a_random_walk_is_the_same_every_time() -> None:
    walk = random_walk(seed=7, bars=4, every="5m", price=50, volatility=0.01)
    assert walk.equals(random_walk(seed=7, bars=4, every="5m", price=50, volatility=0.01))
    assert not walk.equals(random_walk(seed=8, bars=4, every="5m", price=50, volatility=0.01))
    assert (
        walk["close"].to_list()
        == random_walk(seed=7, bars=100, every="5m", price=50, volatility=0.01)["close"][:4].to_list()
    )


def test_a_random_walk_loads_without_a_word_and_moves_as_much_as_asked() -> None:
    (columns,) = load(random_walk(bars=20_000, volatility=0.002))
    assert isinstance(columns, BarColumns)
    assert columns.note == "" and columns.price_decimals == 2 and columns.interval_ns == MINUTE
    closes = pl.Series(columns.prices("close"))
    returns = (closes / closes.shift(1)).log().drop_nulls()
    deviation, mean = returns.std(), returns.mean()
    assert isinstance(deviation, float) and abs(deviation - 0.002) < 0.0001
    assert isinstance(mean, float) and abs(mean) < 0.0001
    assert (columns.open[1:] == columns.close[:-1]).all()


@pytest.mark.parametrize(
    "options",
    [{"bars": 0}, {"price": 0}, {"volatility": -1}, {"seed": -1}, {"every": "1 moon"}, {"price": float("nan")}],
)
def test_a_random_walk_that_cannot_be_is_a_config_error(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        random_walk(**options)
