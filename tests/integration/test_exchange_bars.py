"""Bars made in the core equal those that polars makes of the same trades or bars at once: on recorded Binance trades, on recorded minutes,
and on generated ones, which always run. The expected side reads the files itself and counts in integers.

Deliberately not here: single rules as stories (the golden traces).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cracktrader as ct

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SCALE = 8
"""Decimals of the expected integers."""
SECOND = 10**9
TIME_FRAMES = {"1s": SECOND, "5s": 5 * SECOND, "1m": 60 * SECOND}
Row = tuple[int, int, int, int, int, int, int]
"""open_time, close_time, open, high, low, close, volume."""


class Collector(ct.Strategy):
    """Every bar, exactly, by time frame; and when it was seen."""

    def on_start(self, ctx: Any) -> None:
        self.rows: dict[str, list[Row]] = {}

    def on_bar(self, ctx: Any, bar: Any) -> None:
        assert bar.close_time <= ctx.now
        exact = (bar.open_exact, bar.high_exact, bar.low_exact, bar.close_exact, bar.volume_exact)
        numbers = (int(one.scaleb(SCALE)) for one in exact)
        self.rows.setdefault(bar.timeframe, []).append((bar.open_time, bar.close_time, *numbers))  # type: ignore[arg-type]


def collected(engine: str, data: Any, timeframes: Sequence[Any]) -> dict[str, list[Row]]:
    """The bars of a run by time frame."""
    collector = Collector()
    result = ct.backtest(collector, data, engine=engine, timeframes=timeframes)
    assert not result.errors and not result.outcome.stopped
    return collector.rows


def whole(text: str) -> int:
    """A decimal text as an integer at SCALE decimals."""
    scaled = Decimal(text).scaleb(SCALE)
    assert scaled == int(scaled)
    return int(scaled)


def grouped(trades: pl.DataFrame, group: pl.Series, size: int = 0) -> list[Row]:
    """Bars of consecutive trades with one group number. With a `size` the group is a span of time, else bars span their trades."""
    bars = (
        trades.with_columns(group.alias("group"))
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("time").first().alias("first"),
            pl.col("time").last().alias("last"),
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("quantity").sum().alias("volume"),
        )
    )
    if size:
        bars = bars.with_columns((pl.col("group") * size).alias("first"), ((pl.col("group") + 1) * size).alias("last"))
    return bars.select("first", "last", "open", "high", "low", "close", "volume").rows()


def by_threshold(amounts: list[int], size: int) -> tuple[list[int], bool]:
    """Group numbers of bars that close when their amounts reach the size; whether the last one is closed."""
    groups, number, held = [], 0, 0
    for amount in amounts:
        groups.append(number)
        held += amount
        if held >= size:
            number, held = number + 1, 0
    return groups, held == 0


def expected(trades: pl.DataFrame, ticks: int, volume: str, value: int) -> dict[str, list[Row]]:
    """Bars of every rule; the last one only where it is closed."""
    made = {name: grouped(trades, trades["time"] // size, size)[:-1] for name, size in TIME_FRAMES.items()}
    count = len(trades) // ticks * ticks
    made[f"{ticks} ticks"] = grouped(trades[:count], pl.Series(np.arange(count) // ticks))
    amounts = {
        f"{volume} volume": (trades["quantity"].to_list(), whole(volume)),
        f"{value} value": (
            [p * q for p, q in zip(trades["price"].to_list(), trades["quantity"].to_list(), strict=True)],
            value * 10 ** (2 * SCALE),
        ),
    }
    for name, (given, size) in amounts.items():
        groups, closed = by_threshold(given, size)
        rows = grouped(trades, pl.Series(groups))
        made[name] = rows if closed else rows[:-1]
    return {name: rows for name, rows in made.items() if rows}


def check(engine: str, data: Any, trades: pl.DataFrame, ticks: int, volume: str, value: int) -> None:
    """The core's bars of the data are those of the trades."""
    frames = [*TIME_FRAMES, ct.TickBars(ticks), ct.VolumeBars(float(volume)), ct.ValueBars(value)]
    got, wanted = collected(engine, data, frames), expected(trades, ticks, volume, value)
    assert {name: len(rows) for name, rows in got.items()} == {name: len(rows) for name, rows in wanted.items()}
    assert got == wanted


def recorded(name: str) -> Path:
    """A recorded file, or a skip with the reason."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} is not there: recorded data lies beside the checkout, in shared/data")
    return path


def trades_of_stream(path: Path) -> pl.DataFrame:
    """Trades of a recorded stream, read line by line: venue time in ns, price and quantity as integers."""
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if "@trade" in line:
                told = json.loads(line.partition(" ")[2])["data"]
                rows.append((told["T"] * 10**6, whole(told["p"]), whole(told["q"])))
    return pl.DataFrame(rows, schema={"time": pl.Int64, "price": pl.Int64, "quantity": pl.Int64}, orient="row")


def test_bars_of_a_recorded_stream_of_trades(engine: str) -> None:
    path = recorded("binance_spot_btcusdt_20240809.gz")
    loaded = next(one for one in ct.data.load(path) if isinstance(one, ct.data.TradeColumns))
    trades = trades_of_stream(path)
    # The reader delivers a trade when the recorder had it; the exchange's bars go by the exchange's clock.
    by_exchange = np.ascontiguousarray(trades["time"].to_numpy())
    check(engine, [replace(loaded, time=by_exchange, event_time=by_exchange)], trades, 100, "1.5", 250_000)


def test_bars_of_a_table_of_trades(engine: str) -> None:
    path = recorded("binance_btcusdt_trades_2001.parquet")
    table = pl.read_parquet(path)
    trades = pl.DataFrame(
        {
            "time": table["timestamp"].dt.epoch("ns"),
            "price": [whole(f"{one!r}") for one in table["price"].to_list()],
            "quantity": [whole(f"{one:.8f}") for one in table["quantity"].to_list()],
        }
    )
    check(engine, path, trades, 10, "0.5", 10_000)


def test_bars_of_generated_trades(engine: str) -> None:
    random = np.random.default_rng(7)
    count = 5000
    # Ties, round moments, gaps of minutes.
    steps = random.choice([0, 0, 10**6, 10**8, SECOND, 130 * SECOND], count, p=[0.3, 0.1, 0.2, 0.29, 0.1, 0.01])
    time = 1_700_000_000 * SECOND + np.cumsum(steps)
    cents = 10_000 + np.cumsum(random.integers(-3, 4, count))
    units = random.integers(1, 3_000, count)
    source = pl.DataFrame({"time": time, "price": cents / 100, "quantity": units / 1000})
    trades = pl.DataFrame({"time": time, "price": cents * 10**6, "quantity": units * 10**5})
    check(engine, ct.Trades(source, symbol="A"), trades, 7, "2.5", 400)


# --- bars of bars


def resampled(bars: pl.DataFrame, size: int) -> list[Row]:
    """Longer bars of bars, the last one only when its last bar is there."""
    made = (
        bars.with_columns((pl.col("open_time") // size).alias("group"))
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("close_time").max(),
        )
        .with_columns((pl.col("group") * size).alias("start"), ((pl.col("group") + 1) * size).alias("end"))
    )
    rows = made.select("start", "end", "open", "high", "low", "close", "volume").rows()
    return rows if made["close_time"][-1] == made["end"][-1] else rows[:-1]


def check_resampling(engine: str, columns: ct.data.BarColumns) -> None:
    """5 minutes, hours and days of minutes, and days of those hours' own minutes, as polars groups them."""
    price, volume = 10 ** (SCALE - columns.price_decimals), 10 ** (SCALE - columns.volume_decimals)
    bars = pl.DataFrame(
        {name: getattr(columns, name) for name in ("open_time", "close_time")}
        | {name: getattr(columns, name) * price for name in ("open", "high", "low", "close")}
        | {"volume": columns.volume * volume}
    )
    got = collected(engine, [columns], ["5m", "1h", "1d"])
    assert got.pop("1m") == bars.select("open_time", "close_time", "open", "high", "low", "close", "volume").rows()
    wanted = {name: resampled(bars, size * SECOND) for name, size in (("5m", 300), ("1h", 3600), ("1d", 86_400))}
    assert got == wanted


def test_time_frames_of_recorded_minutes(engine: str) -> None:
    (columns,) = ct.data.load(recorded("btc_perp_1m_2022-01.csv.gz"))
    assert isinstance(columns, ct.data.BarColumns)
    check_resampling(engine, columns)


def test_time_frames_of_generated_minutes(engine: str) -> None:
    random = np.random.default_rng(3)
    opened = 1_700_000_000 // 60 * 60 * SECOND + 60 * SECOND * np.flatnonzero(random.random(4000) > 0.1)
    close = 5_000 + np.cumsum(random.integers(-4, 5, len(opened)))
    start, wide = close + random.integers(-2, 3, len(opened)), random.integers(0, 5, len(opened))
    source = {
        "time": opened,
        "open": start / 100,
        "high": (np.maximum(start, close) + wide) / 100,
        "low": (np.minimum(start, close) - wide) / 100,
        "close": close / 100,
        "volume": random.integers(0, 50, len(opened)) / 10,
    }
    (columns,) = ct.data.load(ct.Bars(source, symbol="A", every="1m"))
    assert isinstance(columns, ct.data.BarColumns)
    check_resampling(engine, columns)
