"""Bad rows: every kind refused with place, value and remedy, all of them at once; every repair only as asked, and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cracktrader.data import BarColumns, Bars, Quotes, Trades, load
from cracktrader.data.columns import Columns
from cracktrader.errors import ConfigError, DataError

NAN, INFINITY = float("nan"), float("inf")
DAYS = [f"2024-01-0{day}" for day in range(1, 6)]
FIX = "; correct the data, or: "
DROP = f'{FIX}repair="drop" leaves such rows out'
WIDEN = f'{DROP}; repair="widen" moves high and low'
SORT = f'{FIX}repair="sort" puts the rows in order'
SNAP = f'{DROP}; repair="snap" moves prices to the nearest tick'
TWICE = f'{DROP}; repair="keep_last" keeps the last bar of each time, "drop" the first'


def bars(**changes: Any) -> dict[str, Any]:
    """Five sound daily bars with `changes` on top."""
    return {
        "time": DAYS,
        "open": [10.0, 11.0, 12.0, 13.0, 14.0],
        "high": [12.0, 13.0, 14.0, 15.0, 16.0],
        "low": [9.0, 10.0, 11.0, 12.0, 13.0],
        "close": [11.0, 12.0, 13.0, 14.0, 15.0],
        "volume": [1, 2, 3, 4, 5],
        **changes,
    }


def at(row: int, value: Any, column: str = "close") -> dict[str, Any]:
    """Sound bars with one other cell; `row` counts from 1."""
    values = list(bars()[column])
    values[row - 1] = value
    return bars(**{column: values})


def trades(**changes: Any) -> Trades:
    return Trades({"time": DAYS[:3], "price": [1.0, 1.5, 2.0], "size": [1, 2, 3], "id": [1, 2, 3], **changes})


def quotes(**changes: Any) -> Quotes:
    return Quotes(
        {"time": DAYS[:2], "bid": [1.0, 1.5], "ask": [1.25, 1.75], "bid_size": [1, 2], "ask_size": [1, 2], **changes}
    )


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(source, **options)
    return str(caught.value)


def one(source: Any, **options: Any) -> Columns:
    (columns,) = load(source, **options)
    return columns


REFUSED: dict[str, tuple[Any, str]] = {
    "nan": (at(2, NAN), f"dict row 2, column close: nan is not a number a bar can hold{DROP}"),
    "inf": (at(2, INFINITY, "high"), f"dict row 2, column high: inf is not a number a bar can hold{DROP}"),
    "minus inf": (at(2, -INFINITY, "low"), f"dict row 2, column low: -inf is not a number a bar can hold{DROP}"),
    "nan volume": (at(4, NAN, "volume"), f"dict row 4, column volume: nan is not a number a bar can hold{DROP}"),
    "zero": (at(1, 0.0, "low"), f"dict row 1, column low: price 0 is not positive{DROP}"),
    "negative": (at(1, -1.5, "open"), f"dict row 1, column open: price -1.5 is not positive{DROP}"),
    "negative volume": (at(5, -3, "volume"), f"dict row 5, column volume: volume -3 is negative{DROP}"),
    "null": (at(3, None), f"dict row 3, column close: the value is missing{DROP}"),
    "text": (at(3, "n/a"), f"dict row 3, column close: 'n/a' is not a number{DROP}"),
    "empty text": (
        bars(close=["11", "12", " ", "14", "15"]),
        f"dict row 3, column close: the value is missing{DROP}",
    ),
    "thousands": (
        bars(volume=["1", "2", "1,000", "4", "5"]),
        f"dict row 3, column volume: '1,000' is not a number{DROP}",
    ),
    "close above": (at(2, 13.5), f"dict row 2, column close: close 13.5 is outside low 10 to high 13{WIDEN}"),
    "open below": (at(2, 9.5, "open"), f"dict row 2, column open: open 9.5 is outside low 10 to high 13{WIDEN}"),
    "high below low": (at(2, 9.5, "high"), f"dict row 2, column high: high 9.5 is below low 10{WIDEN}"),
    "back": (
        bars(time=[DAYS[0], DAYS[2], DAYS[1], DAYS[3], DAYS[4]]),
        f"dict row 3, column time: 2024-01-02 goes back behind 2024-01-03{SORT}",
    ),
    "newest first": (
        bars(time=DAYS[::-1]),
        "dict row 2, column time: the rows run from the newest to the oldest (4 such rows: 2, 3, 4, 5)" + SORT,
    ),
    "twice": (
        bars(time=[DAYS[0], DAYS[1], DAYS[1], DAYS[3], DAYS[4]]),
        f"dict row 3, column time: 2024-01-02 is there twice{TWICE}",
    ),
    "off the tick": (
        Bars(at(2, 12.3), tick="0.25"),
        f"dict row 2, column close: price 12.3 is no multiple of the tick 0.25{SNAP}",
    ),
    "trade price": (trades(price=[1, 0, 2]), f"dict row 2, column price: price 0 is not positive{DROP}"),
    "trade size": (trades(size=[1, 2, 0]), f"dict row 3, column size: quantity 0 is not positive{DROP}"),
    "trade nan": (trades(price=[1, NAN, 2]), f"dict row 2, column price: nan is not a number a trade can hold{DROP}"),
    "trade twice": (trades(id=[1, 2, 2]), f"dict row 3, column id: trade 2 is there twice{DROP}"),
    "trade back": (
        trades(time=[DAYS[1], DAYS[0], DAYS[2]]),
        f"dict row 2, column time: 2024-01-01 goes back behind 2024-01-02{SORT}",
    ),
    "trade side": (trades(side=["buy", "sell", "up"]), f"dict row 3, column side: 'up' is not buy or sell{DROP}"),
    "maker": (
        trades(is_buyer_maker=["true", "maybe", "false"]),
        f"dict row 2, column is_buyer_maker: 'maybe' is not true or false{DROP}",
    ),
    "trade tick": (
        Trades(trades().data, tick=0.75),
        "dict row 1, column price: price 1 is no multiple of the tick 0.75 (2 such rows: 1, 3)" + SNAP,
    ),
    "crossed quote": (quotes(bid=[1.0, 1.8]), f"dict row 2, column bid: bid 1.8 is above ask 1.75{DROP}"),
    "quote price": (quotes(ask=[0, 1.75]), f"dict row 1, column ask: price 0 is not positive{DROP}"),
    "quote size": (quotes(bid_size=[1, -1]), f"dict row 2, column bid_size: bid quantity -1 is negative{DROP}"),
    "quote inf": (quotes(ask=[INFINITY, 1.75]), f"dict row 1, column ask: inf is not a number a quote can hold{DROP}"),
    "booleans": (bars(close=[True] * 5), "dict, column close: Boolean does not hold numbers"),
    "lists": (bars(close=[[1]] * 5), "dict, column close: List(Int64) does not hold numbers"),
    "too large": (bars(volume=[1e16] * 5), "dict: 1e+16 is too large: values must stay below 2**53"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_row_is_refused_with_place_value_and_remedy(case: str) -> None:
    source, message = REFUSED[case]
    assert refusal(source) == message


MANY = (
    "time,open,high,low,close,volume\n"
    "2024-01-01,1,1,1,1,1\n"
    "2024-01-02,nan,1,1,1,1\n"
    "\n"
    "2024-01-03,1,0,1,1,1\n"
    "2024-01-03,1,1,1,1,-1\n"
    "2024-01-02,1,1,1,1,x\n"
    ",1,1,1,1,1\n"
    "2024-01-08,2,1.5,1,1,1\n"
    "2024-01-09,2,1.5,1,1,1\n"
)


def test_all_kinds_of_trouble_are_named_in_one_message_by_the_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(MANY)
    assert refusal(path) == (
        f"{path}: 7 bad rows, 8 kinds of trouble\n"
        "  line 3, column open: nan is not a number a bar can hold\n"
        "  line 5, column high: price 0 is not positive\n"
        "  line 6, column volume: volume -1 is negative\n"
        "  line 6, column time: 2024-01-03 is there twice\n"
        "  line 7, column volume: 'x' is not a number\n"
        "  line 7, column time: 2024-01-02 goes back behind 2024-01-03\n"
        "  line 8, column time: the time is missing\n"
        "  line 9, column open: open 2 is outside low 1 to high 1.5 (2 such lines: 9, 10)\n"
        'correct the data, or: repair="drop" leaves such rows out; repair="keep_last" keeps the last bar of each time, '
        '"drop" the first; repair="sort" puts the rows in order; repair="widen" moves high and low'
    )


def test_a_row_far_down_a_file_is_found_by_its_line(tmp_path: Path) -> None:
    rows = [f"{1_704_067_200 + 60 * row},1,1,1,1" for row in range(50_000)]
    rows[40_000] = f"{1_704_067_200 + 60 * 40_000},1,1,0.5,2"
    (tmp_path / "long.csv").write_text("\n".join(["time,open,high,low,close", *rows]))
    assert "line 40002, column close: close 2 is outside low 0.5 to high 1" in refusal(tmp_path / "long.csv")
    (tmp_path / "headerless.csv").write_text("\n".join(rows))
    assert "line 40001, column close: close 2 is outside" in refusal(tmp_path / "headerless.csv")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.csv", "", "{path}: the file has no rows"),
        ("header.csv", "time,open,high,low,close\n", "{path}: no rows"),
        (
            "wide.csv",
            "time,open,high,low,close\n1,1,1,1,1\n1,1,1,1,1,5\n",
            "{path} line 3: 6 cells, the lines above have 5",
        ),
        ("wide.csv", "time,open,high,low,close\n1,1,1,1,1,5\n", "{path} line 2: 6 cells, the header has 5"),
        ("page.csv", "<!DOCTYPE html>\n<html>", "{path}: is a web page, not a table: the download went wrong"),
        ("a.csv", '{"a": 1}\n', "{path}: is JSON; read it into a frame and pass that"),
        ("binary.csv", "\0\1\2", "{path}: is not a text file; the name must tell what it is, as in .parquet"),
        (
            "numbers.csv",
            "1,2,3\n4,5,6\n",
            (
                "{path}: there is no header, and rows such as 1, 2, 3 (3 columns) are no known layout; add a header, or say "
                'positions from 0, as in columns={{"time": 0, "open": 1, "high": 2, "low": 3, "close": 4}}'
            ),
        ),
        (
            "twice.csv",
            "time,close,Close,open,high,low\n1,1,1,1,1,1\n",
            "{path}: columns 'close' and 'Close' both read as close",
        ),
        (
            "lacking.csv",
            "time,open,close,x\n1,1,1,1\n",
            '{path}: missing high, low for bars; found time, open, close, x; name them with columns=, as in columns={{"close": "Last"}}',
        ),
        (
            "bid.csv",
            "time,bid\n1,1\n",
            '{path}: missing ask_price for quotes; found time, bid; name them with columns=, as in columns={{"close": "Last"}}',
        ),
        (
            "tickers.csv",
            "Price,Close,Close\nTicker,A,B\nDate,,\n2024-01-01,1,1\n",
            "{path}: holds several tickers side by side; write one file for each",
        ),
        (
            "sheet.xlsx",
            "x",
            "{path}: the name must end in one of .parquet .pq .feather .arrow .ipc .csv .tsv .txt .prn, text also in .gz .zst .zip",
        ),
        ("broken.csv.gz", "x", "{path}: Not a gzipped file (b'x')"),
        ("broken.zip", "x", "{path}: File is not a zip file"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert refusal(path) == message.format(path=path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.csv", "none.csv: no such file"),
        ("a" * 5_000, "aaa...: no such file"),
        ("a\0b.csv", "no such file"),
        ("time,open\n1,2\n", "a text of several lines is no path; write it to a file, or read it into a frame"),
        ("", ".: is a folder, not a file"),
        (7, "builtins.int cannot be read as market data"),
        (None, "builtins.NoneType cannot be read as market data"),
        (["x", 7], "a list of data must hold frames, paths, dicts of arrays, Bars, Trades or Quotes"),
        ({"A": 7}, "dict, column A: 'int' object is not iterable"),
        ("sample:none", "no sample is called 'none': there is sp500_1d"),
    ],
)
def test_what_is_no_source_is_refused(source: Any, message: str) -> None:
    assert message in refusal(source)


def test_utf_16_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_bytes("time,open\n".encode("utf-16"))
    assert refusal(tmp_path / "wide.csv").endswith("wide.csv: is UTF-16 text; save it as UTF-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repair": "fix"}, "repair='fix' is unknown: one or several of sort, keep_last, widen, snap, drop"),
        ({"repair": ["sort", "x"]}, "repair='x' is unknown"),
        ({"tick": "a"}, "tick='a' is not a price step: a positive number of at most 8 decimals"),
        ({"tick": 0}, "tick=0 is not a price step"),
        ({"tick": -0.5}, "tick=-0.5 is not a price step"),
        ({"tick": "1e-9"}, "tick='1e-9' is not a price step"),
        ({"tick": NAN}, "tick=nan is not a price step"),
        ({"columns": {"shut": "close"}}, "columns: 'shut' is not a field; fields are"),
        ({"columns": {"close": "last"}}, "columns: close is said to be 'last'; found time, open"),
        ({"columns": {"close": 9}}, "columns: close is said to be 9; found time, open"),
        ({"columns": ["close"]}, "columns=['close'] must be a dict of field to column"),
        ({"symbol": "a b"}, "symbol='a b' is not a symbol"),
        ({"stamp": "middle"}, "stamp='middle' must be"),
        ({"every": "1 moon"}, "'1 moon' is not a duration"),
    ],
)
def test_a_bad_option_is_a_config_error_that_names_it(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(bars(), **options)
    assert message in str(caught.value)


# ---------------------------------------------------------------- repairs


def closes(columns: Columns) -> list[float]:
    return columns.to_polars()["close"].to_list()


def test_drop_leaves_out_what_is_bad_and_says_which(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(MANY)
    columns = one(path, repair="drop", every="1d")
    assert columns.to_polars()["time"].dt.strftime("%F").to_list() == ["2024-01-01"]
    report = columns.report
    assert report is not None and (report.rows_read, report.rows_kept) == (8, 1)
    assert [(done.action, done.rows) for done in report.repairs] == [("drop", 7)]
    assert columns.note == (
        "many: 7 rows dropped for missing, not a number, not finite, not positive, outside (lines 3, 5, 6, 7, ...); "
        "1 of 8 rows kept"
    )


def test_drop_keeps_the_first_bar_of_a_time_and_keep_last_the_last() -> None:
    source = bars(time=[DAYS[0], DAYS[1], DAYS[1], DAYS[3], DAYS[4]])
    assert closes(one(source, repair="drop")) == [11, 12, 14, 15]
    columns = one(source, repair="keep_last")
    assert closes(columns) == [11, 13, 14, 15]
    assert columns.note == "data: 1 row left out for a later one of the same time; 4 of 5 rows kept"


def test_a_row_that_is_dropped_does_not_make_a_later_one_late() -> None:
    source = bars(time=[DAYS[0], DAYS[4], DAYS[2], DAYS[3], DAYS[4]], close=[11.0, NAN, 13.0, 14.0, 15.0])
    assert closes(one(source, repair="drop")) == [11, 13, 14, 15]


def test_sort_puts_rows_in_order_and_keeps_those_of_one_time_in_theirs() -> None:
    assert closes(one(bars(time=DAYS[::-1]), repair="sort")) == [15, 14, 13, 12, 11]
    columns = one(Trades({"time": [2e9, 1e9, 2e9], "price": [1.0, 2.0, 3.0], "qty": [1, 1, 1]}), repair="sort")
    assert columns.to_polars()["price"].to_list() == [2.0, 1.0, 3.0]
    assert "sorted by time, 2 rows moved" in columns.note


def test_a_bad_cell_keeps_its_line_through_the_sort() -> None:
    source = bars(time=DAYS[::-1], close=["11", "12", "13", "x", "15"])
    assert refusal(source, repair="sort") == f"dict row 4, column close: 'x' is not a number{DROP}"
    columns = one(source, repair=("sort", "drop"))
    assert closes(columns) == [15, 13, 12, 11]
    assert "1 row dropped for not a number (row 4)" in columns.note


def test_widen_moves_high_and_low_and_nothing_else() -> None:
    source = bars(close=[11.0, 13.5, 13.0, 14.0, 15.0], open=[8.0, 11.0, 12.0, 13.0, 14.0])
    frame = one(source, repair="widen").to_polars()
    assert frame["high"].to_list() == [12, 13.5, 14, 15, 16] and frame["low"].to_list() == [8, 10, 11, 12, 13]
    crossed = one(at(2, 9.5, "high"), repair="widen")
    assert crossed.to_polars().row(1)[2:4] == (12.0, 9.5)
    assert crossed.note == "data: high or low moved in 1 row (row 2)"


def test_snap_moves_prices_to_the_nearest_tick() -> None:
    columns = one(bars(close=[11.1, 12.0, 13.4, 14.0, 15.0]), tick="0.25", repair="snap")
    assert closes(columns) == [11.0, 12.0, 13.5, 14.0, 15.0]
    assert columns.note == "data: prices moved to their tick in 2 rows by up to 0.1 (rows 1, 3)"


def test_float_noise_is_on_its_tick() -> None:
    columns = one(bars(close=[0.1 + 0.2 + 10.7, 12.0, 13.0, 14.0, 15.0]), tick="0.1")
    assert isinstance(columns, BarColumns) and columns.price_decimals == 0 and columns.note == ""


def test_repairs_work_together_in_their_order() -> None:
    source = bars(
        time=[DAYS[4], DAYS[1], DAYS[1], DAYS[0], DAYS[2]],
        close=[11.0, 12.0, 99.0, NAN, 15.5],
        low=[9.0, 10.0, 11.0, 12.0, 13.0],
    )
    columns = one(source, repair=["drop", "widen", "keep_last", "sort"])
    assert closes(columns) == [99.0, 15.5, 11.0]
    assert columns.report is not None
    assert [done.action for done in columns.report.repairs] == ["sort", "keep_last", "widen", "drop"]


def test_a_repair_that_was_not_needed_says_nothing() -> None:
    columns = one(bars(), repair=["sort", "keep_last", "widen", "snap", "drop"], tick=1)
    assert columns.note == "" and columns.report is not None and columns.report.repairs == ()
    assert str(columns.report) == "data: 5 bars from dict, nothing changed"


def test_nothing_left_is_refused() -> None:
    assert refusal(bars(close=[NAN] * 5), repair="drop") == "dict: no row is left after the repairs"


def test_what_a_repair_does_not_cover_is_still_refused() -> None:
    source = bars(time=DAYS[::-1], close=[11.0, 12.0, NAN, 14.0, 15.0])
    assert refusal(source, repair="sort") == f"dict row 3, column close: nan is not a number a bar can hold{DROP}"


def test_an_adjusted_close_that_is_used_is_checked_and_one_that_is_not_used_is_not() -> None:
    source = pl.DataFrame(bars()).with_columns(pl.Series("Adj Close", [1.0, None, 1.0, 0.0, 1.0]))
    assert closes(one(source)) == [11, 12, 13, 14, 15]
    assert "Adj Close is not used (adjust=True scales the prices to it)" in one(source).note
    message = refusal(source, adjust=True)
    assert "row 2, column Adj Close: the value is missing" in message
    assert "row 4, column Adj Close: price 0 is not positive" in message
