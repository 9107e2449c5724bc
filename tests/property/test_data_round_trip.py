"""Whatever decimal data is written, in whatever form, `load` gives back to the last digit; and drop leaves what is sound."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cracktrader.data import BarColumns, QuoteColumns, TradeColumns, convert, info, load
from cracktrader.errors import DataError

MINUTE = 60_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Each example writes a file: the long form is shorter here than where nothing but numbers is tried.
FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(settings.default.max_examples, 1_000)
)


@st.composite
def decimal_bars(draw: st.DrawFn) -> tuple[list[dict[str, Any]], int]:
    """Sound bars as whole numbers of the last digit, and the decimals of their prices."""
    decimals = draw(st.integers(0, 6))
    rows = draw(st.integers(2, 30))
    start = draw(st.integers(0, 2_000_000))
    made = []
    for row in range(rows):
        corners = sorted(draw(st.lists(st.integers(1, 10**9), min_size=4, max_size=4)))
        open_, close = draw(st.permutations(corners[1:3]))
        made.append(
            {
                "time": (start + row) * MINUTE,
                "open": open_,
                "high": corners[3],
                "low": corners[0],
                "close": close,
                "volume": draw(st.integers(0, 10**9)),
            }
        )
    return made, decimals


def text_of(mantissa: int, decimals: int) -> str:
    """A mantissa as plain decimal text."""
    digits = str(mantissa).zfill(decimals + 1)
    return digits if not decimals else f"{digits[:-decimals]}.{digits[-decimals:]}"


def moment(nanoseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=nanoseconds // 1_000)


TIME_FORMS = {
    "epoch s": lambda ns: str(ns // 10**9),
    "epoch ms": lambda ns: str(ns // 10**6),
    "epoch ns": lambda ns: str(ns),
    "iso": lambda ns: moment(ns).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda ns: (moment(ns) + timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S+02:00"),
    "compact": lambda ns: moment(ns).strftime("%Y%m%d %H%M%S"),
    "german": lambda ns: moment(ns).strftime("%d.%m.%Y %H:%M"),
}


def equal(bars: BarColumns, rows: list[dict[str, Any]], decimals: int) -> None:
    """The columns hold the rows, at whatever decimals were enough."""
    assert bars.event_time.tolist() == [row["time"] for row in rows]
    assert bars.price_decimals <= decimals
    for field in ("open", "high", "low", "close"):
        scale = 10 ** (decimals - bars.price_decimals)
        assert (getattr(bars, field) * scale).tolist() == [row[field] for row in rows]
    assert bars.volume.tolist() == [row["volume"] for row in rows]
    assert (bars.close_time > bars.open_time).all() and (bars.close_time[:-1] <= bars.open_time[1:]).all()


@FOLDER
@given(
    decimal_bars(),
    st.sampled_from(sorted(TIME_FORMS)),
    st.sampled_from(",;\t|"),
    st.permutations(["time", "open", "high", "low", "close", "volume"]),
    st.booleans(),
)
def test_text_of_any_form_is_read_to_the_last_digit(
    tmp_path: Path, drawn: tuple[Any, int], form: str, separator: str, order: list[str], packed: bool
) -> None:
    rows, decimals = drawn
    # Integers in seconds are dates of 1973 on.
    rows = [{**row, "time": row["time"] + 1_000_000_000 * 10**9} for row in rows]
    head = separator.join(name.title() for name in order)
    written = [
        separator.join(
            TIME_FORMS[form](row[name])
            if name == "time"
            else str(row[name])
            if name == "volume"
            else text_of(row[name], decimals)
            for name in order
        )
        for row in rows
    ]
    path = tmp_path / ("bars.csv.gz" if packed else "bars.csv")
    text = "\n".join([head, *written]).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    rows = [{**row, "time": row["time"] // MINUTE * MINUTE if form == "german" else row["time"]} for row in rows]
    (bars,) = load(path, every="1m")
    assert isinstance(bars, BarColumns)
    equal(bars, rows, decimals)


@FOLDER
@given(decimal_bars(), st.sampled_from(["polars", "dict", "lists", "arrow", "parquet", "converted", "decimal"]))
def test_frames_of_any_kind_are_read_to_the_last_digit(tmp_path: Path, drawn: tuple[Any, int], kind: str) -> None:
    rows, decimals = drawn
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    prices = {name: [value / 10**decimals for value in columns[name]] for name in ("open", "high", "low", "close")}
    frame = pl.DataFrame(columns | prices).with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))
    sources: dict[str, Any] = {
        "polars": lambda: frame,
        "dict": lambda: {name: frame[name].to_numpy() for name in frame.columns},
        "lists": lambda: columns | prices | {"time": [moment(ns) for ns in columns["time"]]},
        "arrow": lambda: frame.to_arrow(),
        "parquet": lambda: _written(frame, tmp_path / "bars.parquet"),
        "converted": lambda: convert(frame, tmp_path / "converted.parquet", every="1m")[0].path,
        "decimal": lambda: frame.with_columns(pl.col("open", "high", "low", "close").cast(pl.Decimal(20, 6))),
    }
    (bars,) = load(sources[kind](), every="1m")
    assert isinstance(bars, BarColumns)
    equal(bars, rows, decimals)


def _written(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path)
    return path


CELLS = st.one_of(
    st.sampled_from(["", "nan", "inf", "-1", "0", "x", "1e400", "1,5", "-0.0", " 2 "]), st.integers(1, 9).map(str)
)


@FOLDER
@given(st.lists(st.tuples(st.integers(0, 40), *([CELLS] * 5)), min_size=1, max_size=25))
def test_drop_leaves_only_sound_bars_and_info_counts_the_others(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    path = tmp_path / "any.csv"
    body = [
        f"2024-01-01 00:{row[0]:02d}," + ",".join(f'"{cell}"' if "," in cell else cell for cell in row[1:])
        for row in rows
    ]
    path.write_text("\n".join(["time,open,high,low,close,volume", *body]) + "\n")
    described = info(path)
    assert not isinstance(described, list) and described.rows == len(rows)
    try:
        (bars,) = load(path, every="1m", repair=["sort", "drop"])
    except DataError as error:
        assert "no row is left" in str(error)
        assert described.bad_rows
        return
    assert isinstance(bars, BarColumns) and bars.report is not None
    assert (np.diff(bars.event_time) > 0).all()
    assert (bars.low > 0).all() and (bars.volume >= 0).all()
    for field in ("open", "close"):
        assert (bars.low <= getattr(bars, field)).all() and (getattr(bars, field) <= bars.high).all()
    if described.bad_rows == 0:
        assert len(bars) == len(rows) and not bars.report.repairs
    else:
        assert bars.report.repairs
    once = {row[0] for row in rows if _is_sound(row)}
    assert len(bars) == len(once)


def _is_sound(row: tuple[Any, ...]) -> bool:
    """Whether a row of text is a bar, worked out in the plainest way."""
    try:
        open_, high, low, close, volume = (float(cell) for cell in row[1:])
    except ValueError:
        return False
    inside = 0 < low <= min(open_, close) and max(open_, close) <= high < float("inf")
    return inside and 0 <= volume < float("inf")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.integers(1, 10**8), st.integers(1, 10**8), st.sampled_from(["buy", "sell"])
        ),
        min_size=1,
        max_size=30,
    )
)
def test_trades_and_quotes_keep_their_order_within_an_instant(rows: list[tuple[int, int, int, str]]) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    times = [10**18 + row[0] for row in rows]
    price, size = [row[1] / 100 for row in rows], [row[2] / 1000 for row in rows]
    (trades,) = load({"time": times, "price": price, "size": size, "side": [row[3] for row in rows]})
    assert isinstance(trades, TradeColumns)
    assert trades.time.tolist() == times and trades.to_polars()["price"].to_list() == price
    assert trades.aggressor.tolist() == [1 if row[3] == "buy" else 2 for row in rows]
    (quotes,) = load({"time": times, "bid": price, "ask": price, "bid_size": size, "ask_size": size})
    assert isinstance(quotes, QuoteColumns)
    assert (
        quotes.to_polars()["ask_quantity"].to_list() == size and quotes.bid_price.tolist() == quotes.ask_price.tolist()
    )


WORDS = st.sampled_from(
    [
        *(
            "time",
            "date",
            "Date",
            "open",
            "High",
            "low",
            "close",
            "volume",
            "bid",
            "ask",
            "price",
            "qty",
            "side",
            "symbol",
        ),
        *(
            "",
            " ",
            "nan",
            "inf",
            "null",
            "1",
            "0",
            "-1",
            "1.5",
            "1,5",
            "1e9",
            "1e999",
            "2024-01-01",
            "2024-02-30",
            "12:00",
        ),
        *(
            "2024-01-01 00:00",
            "01/02/2024",
            "31/12/2024",
            "1704067200",
            "1704067200000",
            "99999999999999999999",
            "true",
        ),
        *(
            "buy",
            '"',
            "'",
            "#",
            "\u00e9",
            "\u2028",
            "A",
            "B",
            "=1+1",
            "2024-01-01T00:00:00Z",
            "9" * 400,
            "20240101",
            "T",
        ),
    ]
)
TEXTS = st.one_of(
    st.builds(
        lambda rows, separator: "\n".join(separator.join(row) for row in rows),
        st.lists(st.lists(WORDS, max_size=9), max_size=9),
        st.sampled_from([",", ";", "\t", "|"]),
    ).map(str.encode),
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")),
)


@FOLDER
@given(
    TEXTS,
    st.sampled_from([None, "sort", "drop", ("sort", "drop", "widen", "keep_last")]),
    st.sampled_from([None, "1m"]),
)
def test_no_file_whatever_is_in_it_raises_anything_but_a_refusal(
    tmp_path: Path, content: bytes, repair: Any, every: Any
) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    for name in ("any.csv", "any.parquet", "any.csv.gz", "any.zip"):
        target = tmp_path / name
        if target != path:
            target.write_bytes(content if name == "any.parquet" else gzip.compress(content))
        for action in (load, info):
            try:
                action(target, repair=repair, every=every)
            except DataError as error:
                assert str(error).strip()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(["", "x", "2024-01-01", "1.5"]),
    st.datetimes(),
    st.binary(max_size=3),
    st.just([1]),
)


NAMES = st.sampled_from("time date open high low close volume price qty side symbol bid ask".split())
COMPLETE = st.sampled_from(
    [
        "time open high low close volume",
        "date time open high low close",
        "time price qty side id",
        "time bid ask bid_size",
    ]
)


@st.composite
def dicts(draw: st.DrawFn) -> dict[str, Any]:
    """Columns of anything: any names at any lengths, or every name of a kind at one length."""
    if draw(st.booleans()):
        return draw(st.dictionaries(NAMES, st.lists(VALUES, max_size=4), max_size=8))
    rows = draw(st.integers(1, 4))
    sound = st.floats(0.5, 2) | st.integers(1, 3)
    columns = {}
    for name in draw(COMPLETE).split():
        cells = VALUES if draw(st.integers(0, 3)) == 0 else sound
        if name == "time" and draw(st.booleans()):
            cells = st.datetimes() | st.integers(10**9, 2 * 10**9)
        columns[name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    return columns


@given(dicts(), st.sampled_from([None, "drop", ("sort", "widen", "snap", "drop")]), st.sampled_from([None, "0.5"]))
def test_no_dict_whatever_is_in_it_raises_anything_but_a_refusal(
    columns: dict[str, Any], repair: Any, tick: Any
) -> None:
    for action in (load, info):
        try:
            action(columns, repair=repair, tick=tick, every="1d")
        except DataError as error:
            assert str(error).strip()
