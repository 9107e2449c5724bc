"""Every table of the recordings beside the checkout loads in one call, with the values that a plain reading of the file has.

The expected values are read here with the standard library alone: nothing of the data room is used to check it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cracktrader.data import BarColumns, QuoteColumns, TradeColumns, info, load

DAY = 86_400_000_000_000
MINUTE = 60_000_000_000


def lines(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    yield from (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines(keepends=True)


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(lines(path)))[1:]


def nanoseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000) * 1_000_000


def same(mantissas: Any, decimals: int, texts: list[str], within: str = "0") -> bool:
    """Whether mantissas are the numbers that the texts say, exactly, or within a part of the last digit."""
    scale = 10**decimals
    pairs = zip(texts, mantissas.tolist(), strict=True)
    return all(abs(Decimal(text) * scale - mantissa) <= Decimal(within) for text, mantissa in pairs)


PLAIN: list[tuple[str, int, Callable[[list[str]], str], int, int | None]] = [
    # file, bar duration, the text of a row's time, column of open, column of volume
    ("bt_2005-2006-day-001.txt", DAY, lambda row: row[0], 1, 5),
    ("bt_2006-day-001.txt", DAY, lambda row: row[0], 1, 5),
    ("bt_2006-volume-day-001.txt", DAY, lambda row: row[0], 1, 5),
    ("bt_2006-week-001.txt", 7 * DAY, lambda row: row[0], 1, 5),
    ("bt_2006-min-005.txt", 5 * MINUTE, lambda row: f"{row[0]} {row[1]}", 2, 6),
    ("bt_2006-01-02-volume-min-001.txt.gz", MINUTE, lambda row: f"{row[0]} {row[1]}", 2, 6),
    ("bt_nvda-1999-2014.txt", DAY, lambda row: row[0], 1, 6),
    ("bt_orcl-1995-2014.txt", DAY, lambda row: row[0], 1, 6),
    ("bt_yhoo-1996-2014.txt", DAY, lambda row: row[0], 1, 6),
    ("usdjpy_1m_bid_2013-02.csv.gz", MINUTE, lambda row: row[0], 1, None),
    ("usdjpy_1m_ask_2013-02.csv.gz", MINUTE, lambda row: row[0], 1, None),
    ("btc_perp_1m_2022-01.csv.gz", MINUTE, lambda row: row[0], 1, 5),
]


@pytest.mark.parametrize(("name", "duration", "time", "first", "volume"), PLAIN, ids=[row[0] for row in PLAIN])
def test_bars_have_the_values_of_the_file(
    name: str, duration: int, time: Callable[[list[str]], str], first: int, volume: int | None, shared_data: Path
) -> None:
    (bars,) = load(shared_data / name)
    rows = cells(shared_data / name)
    assert isinstance(bars, BarColumns) and len(bars) == len(rows) and bars.interval_ns == duration
    assert bars.open_time.tolist() == [nanoseconds(time(row)) for row in rows]
    for place, field in enumerate(("open", "high", "low", "close")):
        assert same(getattr(bars, field), bars.price_decimals, [row[first + place] for row in rows]), field
    # Nine volumes of the perpetual have eleven decimals, which a float of their size does not hold; the note says so.
    within = "0.5" if "volume 7 decimals, largest change 5.82e-11" in bars.note else "0"
    assert same(bars.volume, bars.volume_decimals, [row[volume] if volume else "0" for row in rows], within)
    described = info(shared_data / name)
    assert not isinstance(described, list) and not described.problems and described.rows == len(rows)


def test_adjusted_prices_end_at_the_adjusted_close(shared_data: Path) -> None:
    path = shared_data / "bt_orcl-1995-2014.txt"
    (bars,) = load(path, adjust=True)
    rows = cells(path)
    assert isinstance(bars, BarColumns)
    assert same(bars.close, bars.price_decimals, [row[5] for row in rows])
    factor = bars.prices("close") / np.array([float(row[4]) for row in rows])
    assert np.allclose(bars.prices("open"), np.array([float(row[1]) for row in rows]) * factor, atol=1e-6)


def test_every_second_day_is_known_for_what_it_is_when_said(shared_data: Path) -> None:
    (bars,) = load(shared_data / "bt_2006-day-002.txt", every="1d")
    assert isinstance(bars, BarColumns) and bars.interval_ns == DAY and len(bars) == 129


def test_ticks_written_as_bars_load_as_bars_or_as_trades(shared_data: Path) -> None:
    path = shared_data / "bt_ticksample.csv"
    rows = cells(path)
    (trades,) = load(path, kind="trades", columns={"price": "Close"})
    assert isinstance(trades, TradeColumns)
    assert trades.time.tolist() == [nanoseconds(row[0]) for row in rows]
    assert same(trades.price, trades.price_decimals, [row[4] for row in rows])
    assert same(trades.quantity, trades.quantity_decimals, [row[5] for row in rows])
    (bars,) = load(path, repair="keep_last")
    assert isinstance(bars, BarColumns) and len(bars) == len(rows) - 1


def test_bid_and_ask_load_as_quotes(shared_data: Path) -> None:
    path = shared_data / "bt_bidask.csv"
    (quotes,) = load(path, time_format="%m/%d/%Y %H:%M:%S")
    rows = cells(path)
    assert isinstance(quotes, QuoteColumns)
    moments = [datetime.strptime(row[0], "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC) for row in rows]
    assert quotes.time.tolist() == [int(moment.timestamp()) * 10**9 for moment in moments]
    assert same(quotes.bid_price, quotes.price_decimals, [row[1] for row in rows])
    assert same(quotes.ask_price, quotes.price_decimals, [row[2] for row in rows])


def test_trades_of_a_parquet_file_know_their_aggressor(shared_data: Path) -> None:
    (trades,) = load(shared_data / "binance_btcusdt_trades_2001.parquet")
    assert isinstance(trades, TradeColumns) and len(trades) == 2_001
    assert (trades.price_decimals, trades.quantity_decimals, trades.note) == (2, 6, "")
    assert (trades.price[0], trades.quantity[0], trades.aggressor[0]) == (3_943_248, 263, 2)
    assert set(trades.aggressor.tolist()) == {1, 2}


RECORDINGS = [
    ("binance_spot_btcusdt_20240809.gz", 10_147, 45_134),
    ("binance_spot_ethusdt_20240809.gz", None, None),
    ("binance_usdm_btcusdt_20240808.gz", None, None),
]


@pytest.mark.parametrize(("name", "trade_count", "quote_count"), RECORDINGS, ids=[row[0] for row in RECORDINGS])
def test_a_recorded_stream_gives_every_trade_and_quote(
    name: str, trade_count: int | None, quote_count: int | None, shared_data: Path
) -> None:
    trades, quotes = load(shared_data / name)
    assert isinstance(trades, TradeColumns) and isinstance(quotes, QuoteColumns)
    assert trade_count in (None, len(trades)) and quote_count in (None, len(quotes))
    messages = [line.partition(" ") for line in lines(shared_data / name)]
    taken = [(int(local), json.loads(text)) for local, _, text in messages if "@trade" in text or "@bookTicker" in text]
    told = [(local, message["data"]) for local, message in taken if "@trade" in message["stream"]]
    shown = [(local, message["data"]) for local, message in taken if "@bookTicker" in message["stream"]]
    told = [(local, data) for local, data in told if data.get("X", "MARKET") == "MARKET"]
    assert trades.time.tolist() == [local for local, _ in told]
    assert trades.aggressor.tolist() == [2 if data["m"] else 1 for _, data in told]
    assert same(trades.price, trades.price_decimals, [data["p"] for _, data in told])
    assert same(trades.quantity, trades.quantity_decimals, [data["q"] for _, data in told])
    assert quotes.time.tolist() == [local for local, _ in shown]
    for field, letter in (("bid_price", "b"), ("ask_price", "a")):
        assert same(getattr(quotes, field), quotes.price_decimals, [data[letter] for _, data in shown])
    for field, letter in (("bid_quantity", "B"), ("ask_quantity", "A")):
        assert same(getattr(quotes, field), quotes.quantity_decimals, [data[letter] for _, data in shown])
