"""Several kinds of data and several time frames in one run: what drives matching, what strategies see, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

import cracktrader as ct
from cracktrader.data.columns import TradeColumns
from cracktrader.data.resampling import bars_of
from cracktrader.runtime.timeframes import frames_of

MINUTE = 60 * 10**9
DAY = 86_400 * 10**9


def minutes(count: int, start: int = 0) -> pl.DataFrame:
    """Minute bars that wander."""
    close = 100.0 + np.arange(count) * 7 % 31
    return pl.DataFrame(
        {
            "time": start + MINUTE * np.arange(count, dtype=np.int64) + 1_700_006_400 * 10**9,
            "open": close,
            "high": close + 2,
            "low": close - 2,
            "close": close + 1,
            "volume": np.arange(count) % 5 + 1.0,
        }
    )


def ticks(count: int) -> pl.DataFrame:
    """A trade every ten seconds."""
    return pl.DataFrame(
        {
            "time": 1_700_006_400 * 10**9 + 10**10 * np.arange(count, dtype=np.int64),
            "price": 100.0 + np.arange(count) % 7,
            "quantity": 0.5 + np.arange(count) % 3,
        }
    )


class Watcher(ct.Strategy):
    """Counts what it sees, by time frame."""

    def on_start(self, ctx: Any) -> None:
        self.seen: dict[str, list[Any]] = {}

    def on_bar(self, ctx: Any, bar: Any) -> None:
        assert bar.close_time <= ctx.now
        self.seen.setdefault(bar.timeframe, []).append(
            (bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume)
        )

    def on_trade(self, ctx: Any, trade: Any) -> None:
        self.seen.setdefault("trades", []).append(trade.price)


def watched(engine: str, data: Any, **options: Any) -> dict[str, list[Any]]:
    """What a strategy sees of a run."""
    watcher = Watcher()
    result = ct.backtest(watcher, data, engine=engine, **options)
    assert not result.errors and not result.outcome.stopped
    return watcher.seen


def test_several_time_frames_come_beside_the_bars_they_are_made_of(engine: str) -> None:
    seen = watched(
        engine, {"A": minutes(130)}, timeframes=["5m", timedelta(hours=1), ct.TickBars(50), ct.VolumeBars(20)]
    )
    assert {name: len(bars) for name, bars in seen.items()} == {
        "1m": 130,
        "5m": 26,
        "1h": 2,
        "50 ticks": 2,
        "20 volume": 17,
    }
    base = seen["1m"]
    for place, bar in enumerate(seen["5m"]):
        part = base[5 * place : 5 * place + 5]
        assert bar == (
            part[0][0],
            part[0][1],
            max(one[2] for one in part),
            min(one[3] for one in part),
            part[-1][4],
            sum(one[5] for one in part),
        )


def test_an_indicator_may_read_any_time_frame(engine: str) -> None:
    class Reader(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.slow = ctx.indicator(ct.SMA(2), timeframe="5m")
            self.fast = ctx.indicator(ct.SMA(2))
            self.values: list[float] = []
            with pytest.raises(ct.ConfigError, match=r"A has no bars of '2m'; it has: 1m, 5m\. Name more in the run's"):
                ctx.indicator(ct.SMA(2), timeframe="2m")

        def on_bar(self, ctx: Any, bar: Any) -> None:
            if bar.timeframe == "5m":
                self.values.append(self.slow.value)

    reader = Reader()
    result = ct.backtest(reader, {"A": minutes(20)}, engine=engine, timeframes=["5m"])
    closes = [bar[4] for bar in watched(engine, {"A": minutes(20)}, timeframes=["5m"])["5m"]]
    assert reader.values[1:] == [(a + b) / 2 for a, b in pairwise(closes)]
    assert [len(values) for _, values in ct_indicator_values(result)] == [4, 20]


def ct_indicator_values(result: ct.Result) -> list[Any]:
    """The series of a run's indicators, computed again."""
    from cracktrader.runtime.indicators import indicator_values

    return [(times, values) for _, times, values in indicator_values(result.outcome)]


@pytest.mark.parametrize("source", ["minutes", "ticks"])
def test_the_history_of_a_time_frame_is_what_was_seen(engine: str, source: str) -> None:
    class Historian(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.seen: dict[str, list[float]] = {}

        def on_bar(self, ctx: Any, bar: Any) -> None:
            seen = self.seen.setdefault(bar.timeframe, [])
            seen.append(bar.close)
            for frame, closes in self.seen.items():
                assert ctx.history("close", timeframe=frame).tolist() == closes
                assert ctx.history("close", 2, timeframe=frame).tolist() == closes[-2:]

    data = {"A": minutes(60)} if source == "minutes" else ct.Trades(ticks(60), symbol="A")
    historian = Historian()
    result = ct.backtest(historian, data, engine=engine, timeframes=["5m", ct.TickBars(7), ct.VolumeBars(11)])
    assert not result.errors
    assert len(historian.seen) == (4 if source == "minutes" else 3)


def test_kinds_of_one_instrument_may_be_a_list_in_a_dict(engine: str) -> None:
    result = ct.backtest(Watcher, {"A": [minutes(5), ct.Trades(ticks(9))], "B": minutes(5)}, engine=engine)
    assert [repr(one).partition(" from")[0] for one in result.outcome.data] == [
        "BarColumns(A: 5 bars",
        "TradeColumns(A: 9 trades",
        "BarColumns(B: 5 bars",
    ]


def test_the_finest_kind_drives_matching_and_time_frames_come_from_trades(engine: str) -> None:
    data = [ct.Bars(minutes(20), symbol="A"), ct.Trades(ticks(60), symbol="A")]
    watcher = Watcher()
    result = ct.backtest(watcher, data, engine=engine, timeframes=["1m", ct.ValueBars(500)])
    streams = result.outcome.config.streams
    assert [(one.kind.name, one.matching, one.source) for one in streams] == [
        ("BAR", False, 65_535),
        ("TRADE", True, 65_535),
        ("BAR", False, 1),
        ("BAR", False, 1),
    ]
    assert len(watcher.seen["trades"]) == 60
    assert len(watcher.seen["1m"]) == 20 + 9, "the given minutes, and those made of trades but for the last"
    assert len(watcher.seen["500 value"]) > 10
    assert result.outcome.bars[0] is result.outcome.data[0]


def test_ticks_alone_make_a_run_and_a_chart(engine: str) -> None:
    result = ct.backtest(Watcher, ct.Trades(ticks(60), symbol="A"), engine=engine)
    assert result.outcome.bars[0].interval_ns == 10**9
    assert len(result.outcome.equity["time"]) == 60


def test_bars_for_charts_equal_a_group_by() -> None:
    trades = ct.data.load(ct.Trades(ticks(60), symbol="A"))[0]
    assert isinstance(trades, TradeColumns)
    made = bars_of(trades, MINUTE).to_polars()
    wanted = (
        ticks(60)
        .with_columns(pl.from_epoch("time", time_unit="ns").dt.truncate("1m"))
        .group_by("time", maintain_order=True)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("quantity").sum().alias("volume"),
        )
    )
    assert made.drop("time").equals(wanted.drop("time"))
    assert len(bars_of(trades)) == 60


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (ct.TimeBars("60m"), "1h"),
        (ct.TimeBars("1w"), "1w"),
        (ct.TimeBars("1d", offset="17h"), "1d+17h"),
        (ct.TickBars(100), "100 ticks"),
        (ct.VolumeBars(10.0), "10 volume"),
        (ct.VolumeBars(0.001), "0.001 volume"),
        (ct.ValueBars(1e6), "1000000 value"),
        (ct.ValueBars(Decimal("1.5")), "1.5 value"),  # type: ignore[arg-type]
    ],
)
def test_a_time_frame_is_called_as_it_is_asked_for(frame: Any, text: str) -> None:
    assert str(frame) == text


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (["5x"], "'5x' is not a duration"),
        ([5], r"5 is no time frame: use a text such as \"5m\""),
        (["5m", "300s"], "the time frame 5m is named twice"),
    ],
)
def test_a_time_frame_that_is_none_is_refused(frames: list[Any], message: str) -> None:
    with pytest.raises(ct.ConfigError, match=message):
        frames_of(frames)


@pytest.mark.parametrize(
    "make", [lambda: ct.TickBars(0), lambda: ct.VolumeBars(-1), lambda: ct.ValueBars(float("nan"))]
)
def test_a_size_is_above_zero(make: Any) -> None:
    with pytest.raises(ct.ConfigError, match="above 0"):
        make()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("90s", "A: bars of 1m make no bars of 90s: ask for a multiple of their duration"),
        ("1m", "A: bars of 1m make no bars of 1m"),
        ("30s", "A: bars of 1m make no bars of 30s"),
        (ct.VolumeBars(1e-12), "A: 0.000000000001 volume has more than its .* decimals of volume"),
    ],
)
def test_a_time_frame_that_the_data_cannot_make_is_refused(frame: Any, message: str) -> None:
    with pytest.raises(ct.ConfigError, match=message):
        ct.backtest(Watcher, {"A": minutes(5)}, timeframes=[frame])


def test_an_offset_below_the_duration_is_needed() -> None:
    with pytest.raises(ct.ConfigError, match="TimeBars: offset '2h' is not below the duration '1h'"):
        ct.TimeBars("1h", offset="2h")
