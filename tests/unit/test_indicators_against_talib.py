"""Every indicator on both engines against TA-Lib, or the formula in numpy where TA-Lib has none: on real prices and on random walks.

The tolerance of each, relative to the largest value of its series, is in contract/indicators.toml. Deliberately not here: what a
declaration refuses and how indicators are read (test_indicators.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import contract_tables

import cracktrader as ct
from cracktrader.core.indicator import RULES
from cracktrader.strategy.indicators import Declared

Floats = NDArray[np.float64]
Series = dict[str, Floats]
TOLERANCE = {one["class"]: one["tolerance"] for one in contract_tables.load("indicators")["indicator"]}
DAY, MINUTE = 86_400_000_000_000, 60_000_000_000

# --- series


def walk(seed: int, count: int, step: int, stride: int) -> pl.DataFrame:
    """A random walk in cents; bars without volume, flat bars and equal closes are frequent."""
    rng = np.random.default_rng(seed)
    close = np.abs(100_000 + np.cumsum(rng.integers(-step, step + 1, count))) + 1_000
    opened = np.concatenate([close[:1], close[:-1] + rng.integers(-3, 4, count - 1)])
    wick = rng.integers(0, step, count) * rng.integers(0, 2, count)
    high, low = np.maximum(opened, close) + wick, np.minimum(opened, close) - wick
    times = 1_577_836_800_000_000_000 + stride * np.arange(count)
    prices = {
        name: column / 100
        for name, column in zip(("open", "high", "low", "close"), (opened, high, low, close), strict=True)
    }
    return pl.DataFrame({"ts": times, **prices, "volume": (rng.integers(0, 4, count) * 2500).astype(float)})


def flat() -> pl.DataFrame:
    """Prices that do not move for a while: every division by what moved is one by 0."""
    close = np.concatenate(
        [np.full(80, 100.0), np.linspace(100, 110, 41), np.full(80, 110.0), np.linspace(110, 90, 41)]
    )
    close = np.round(close, 2)
    times = 1_577_836_800_000_000_000 + DAY * np.arange(len(close))
    return pl.DataFrame({"ts": times, **dict.fromkeys(("open", "high", "low", "close"), close), "volume": close})


@cache
def frame(name: str) -> pl.DataFrame:
    """A series by its name."""
    made: dict[str, Callable[[], Any]] = {
        "real": lambda: ct.data.sample("sp500_1d"),
        "calm": lambda: walk(1, 2000, 4, MINUTE),
        "wild": lambda: walk(2, 1500, 900, 15 * MINUTE),
        "flat": flat,
    }
    return made[name]()


SERIES = ("real", "calm", "wild", "flat")


class Collect(ct.Strategy):
    """Keeps every line of what it was told to declare, bar by bar."""

    def on_start(self, ctx: Any) -> None:
        self.views = [(one, ctx.indicator(one)) for one in DECLARED]
        self.rows: list[list[float]] = []
        self.bars: list[list[float]] = []

    def on_bar(self, ctx: Any, bar: Any) -> None:
        row = []
        for one, view in self.views:
            lines = RULES[one.kind].lines
            row += [view.value if name == lines[0] else getattr(view, name).value for name in lines]
        self.rows.append(row)
        self.bars.append([bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume])


@cache
def collected(engine: str, series: str) -> tuple[dict[tuple[Declared, str], Floats], Series]:
    """Each line of each declaration, and the bars, on an engine."""
    collect = Collect()
    result = ct.backtest(collect, frame(series), engine=engine)
    assert result.errors == []
    columns = np.array(collect.rows).T
    names = [(one, line) for one in DECLARED for line in RULES[one.kind].lines]
    bars = np.array(collect.bars).T
    return dict(zip(names, columns, strict=True)), dict(zip(("time", *"ohlcv"), bars, strict=True))


# --- what each is held against

Reference = Callable[[Series], Floats]
typical: Reference = lambda s: (s["h"] + s["l"] + s["c"]) / 3  # noqa: E731  # one line each, as in the table below
SMA_RSI = ct.SMA(5, source=ct.RSI(9))
BAND_EMA = ct.Bollinger(7, source=ct.EMA(3, field="ohlc4"))
REGRESSION_SMA = ct.LinearRegression(6, source=ct.SMA(3))
WMA_ADX = ct.WMA(4, source=ct.ADX(7).line("plus_di"))
RSI_SIGNAL = ct.RSI(5, source=ct.MACD(3, 8, 4).line("signal"))
HIGH_CCI = ct.Highest(6, source=ct.CCI(8))
ROC_OBV = ct.EMA(5, source=ct.OBV())
CCI_SMA = ct.CCI(6, source=ct.SMA(3))
MACD_SMA = ct.MACD(3, 7, 4, source=ct.SMA(2))
STDDEV_SMA = ct.StdDev(5, source=ct.SMA(2))


def middle(s: Series) -> Floats:
    """Mean of the four prices."""
    return np.asarray((s["o"] + s["h"] + s["l"] + s["c"]) / 4)


def ticks(s: Series) -> tuple[Floats, ...]:
    """High, low and close in whole millionths: a bar may move up exactly as far as down, which floats of cents do not tell."""
    return tuple(np.round(s[name] * 1_000_000) for name in "hlc")


def channel(column: Floats, count: int) -> Floats:
    """CCI of one column: TA-Lib's of a bar that is a single price."""
    return after(lambda c: talib.CCI(c, c, c, count), column)


def after(function: Callable[..., Floats], column: Floats, *parameters: Any) -> Floats:
    """A function of TA-Lib of a column that begins with NaN."""
    first = int(np.argmin(np.isnan(column)))
    return np.concatenate([np.full(first, np.nan), function(np.ascontiguousarray(column[first:]), *parameters)])


TALIB: list[tuple[Declared, str, Reference]] = [
    (ct.SMA(10), "value", lambda s: talib.SMA(s["c"], 10)),
    (ct.SMA(1, field="hlc3"), "value", typical),
    (ct.SMA(7, field="volume"), "value", lambda s: talib.SMA(s["v"], 7)),
    (ct.EMA(10), "value", lambda s: talib.EMA(s["c"], 10)),
    (ct.WMA(10), "value", lambda s: talib.WMA(s["c"], 10)),
    (ct.RSI(14), "value", lambda s: talib.RSI(s["c"], 14)),
    (ct.ATR(14), "value", lambda s: talib.ATR(s["h"], s["l"], s["c"], 14)),
    (ct.ATR(1), "value", lambda s: talib.TRANGE(s["h"], s["l"], s["c"])),
    (ct.MACD(12, 26, 9), "line", lambda s: talib.MACD(s["c"], 12, 26, 9)[0]),
    (ct.MACD(12, 26, 9), "signal", lambda s: talib.MACD(s["c"], 12, 26, 9)[1]),
    (ct.MACD(12, 26, 9), "histogram", lambda s: talib.MACD(s["c"], 12, 26, 9)[2]),
    (ct.Bollinger(20, 2.0), "middle", lambda s: talib.BBANDS(s["c"], 20, 2, 2)[1]),
    (ct.Bollinger(20, 2.0), "upper", lambda s: talib.BBANDS(s["c"], 20, 2, 2)[0]),
    (ct.Bollinger(20, 2.0), "lower", lambda s: talib.BBANDS(s["c"], 20, 2, 2)[2]),
    (ct.Stochastic(14, 3, 3), "k", lambda s: talib.STOCH(s["h"], s["l"], s["c"], 14, 3, 0, 3, 0)[0]),
    (ct.Stochastic(14, 3, 3), "d", lambda s: talib.STOCH(s["h"], s["l"], s["c"], 14, 3, 0, 3, 0)[1]),
    (ct.Stochastic(5, 1, 3), "k", lambda s: talib.STOCHF(s["h"], s["l"], s["c"], 5, 3, 0)[0]),
    (ct.StdDev(20), "value", lambda s: talib.STDDEV(s["c"], 20)),
    (ct.ADX(14), "adx", lambda s: talib.ADX(*ticks(s), 14)),
    (ct.ADX(14), "plus_di", lambda s: talib.PLUS_DI(*ticks(s), 14)),
    (ct.ADX(14), "minus_di", lambda s: talib.MINUS_DI(*ticks(s), 14)),
    (ct.Highest(7), "value", lambda s: talib.MAX(s["c"], 7)),
    (ct.Highest(9, field="high"), "value", lambda s: talib.MAX(s["h"], 9)),
    (ct.Lowest(7), "value", lambda s: talib.MIN(s["c"], 7)),
    (ct.ROC(10), "value", lambda s: talib.ROC(s["c"], 10)),
    (ct.CCI(20), "value", lambda s: talib.CCI(s["h"], s["l"], s["c"], 20)),
    (ct.OBV(), "value", lambda s: talib.OBV(s["c"], s["v"])),
    (ct.SAR(0.02, 0.2), "value", lambda s: talib.SAR(s["h"], s["l"], 0.02, 0.2)),
    (ct.LinearRegression(14), "value", lambda s: talib.LINEARREG(s["c"], 14)),
    (ct.LinearRegression(14), "slope", lambda s: talib.LINEARREG_SLOPE(s["c"], 14)),
    (SMA_RSI, "value", lambda s: after(talib.SMA, talib.RSI(s["c"], 9), 5)),
    (BAND_EMA, "middle", lambda s: after(talib.SMA, talib.EMA(middle(s), 3), 7)),
    (BAND_EMA, "upper", lambda s: after(lambda c: talib.BBANDS(c, 7, 2, 2)[0], talib.EMA(middle(s), 3))),
    (RSI_SIGNAL, "value", lambda s: after(talib.RSI, talib.MACD(s["c"], 3, 8, 4)[1], 5)),
    (CCI_SMA, "value", lambda s: channel(talib.SMA(s["c"], 3), 6)),
    (REGRESSION_SMA, "value", lambda s: after(talib.LINEARREG, talib.SMA(s["c"], 3), 6)),
    (REGRESSION_SMA, "slope", lambda s: after(talib.LINEARREG_SLOPE, talib.SMA(s["c"], 3), 6)),
    (WMA_ADX, "value", lambda s: after(talib.WMA, talib.PLUS_DI(*ticks(s), 7), 4)),
    (HIGH_CCI, "value", lambda s: after(talib.MAX, talib.CCI(s["h"], s["l"], s["c"], 8), 6)),
    (ROC_OBV, "value", lambda s: after(talib.EMA, talib.OBV(s["c"], s["v"]), 5)),
    (STDDEV_SMA, "value", lambda s: after(talib.STDDEV, talib.SMA(s["c"], 2), 5)),
    (MACD_SMA, "line", lambda s: after(lambda c: talib.MACD(c, 3, 7, 4)[0], talib.SMA(s["c"], 2))),
    (MACD_SMA, "signal", lambda s: after(lambda c: talib.MACD(c, 3, 7, 4)[1], talib.SMA(s["c"], 2))),
]


def windows(column: Floats, count: int) -> Floats:
    """Every full window of a column, a row each."""
    return np.lib.stride_tricks.sliding_window_view(column, count)


def padded(column: Floats, count: int) -> Floats:
    """A column over windows, as long as the series."""
    return np.concatenate([np.full(count - 1, np.nan), column])


def vwap(s: Series, count: int) -> Floats:
    value, volume = windows(typical(s) * s["v"], count).sum(axis=1), windows(s["v"], count).sum(axis=1)
    return padded(np.divide(value, volume, out=np.full(len(value), np.nan), where=volume > 0), count)


def anchored(s: Series, every: int, offset: int) -> Floats:
    spans = (s["time"].astype(np.int64) - offset) // every
    out = np.full(len(spans), np.nan)
    for place in range(len(spans)):
        first = int(np.searchsorted(spans, spans[place]))
        volume = s["v"][first : place + 1]
        if volume.sum() > 0:
            out[place] = float((typical(s)[first : place + 1] * volume).sum() / volume.sum())
    return out


def average_true_range(s: Series, count: int) -> Floats:
    previous = s["c"][:-1]
    ranges = np.max([s["h"][1:] - s["l"][1:], np.abs(s["h"][1:] - previous), np.abs(s["l"][1:] - previous)], axis=0)
    out = np.full(len(s["c"]), np.nan)
    out[count] = ranges[:count].mean()
    for place in range(count + 1, len(out)):
        out[place] = (out[place - 1] * (count - 1) + ranges[place - 1]) / count
    return out


def exponential(column: Floats, count: int) -> Floats:
    out = np.full(len(column), np.nan)
    out[count - 1] = column[:count].mean()
    for place in range(count, len(out)):
        out[place] = out[place - 1] + 2 / (count + 1) * (column[place] - out[place - 1])
    return out


def keltner(s: Series, sign: int) -> Floats:
    middle, width = exponential(s["c"], 9), 1.5 * average_true_range(s, 5)
    return np.where(np.isnan(width), np.nan, middle + sign * np.nan_to_num(width))


def super_trend(s: Series, line: str) -> Floats:
    width = 2.0 * average_true_range(s, 7)
    upper, lower = (s["h"] + s["l"]) / 2 + width, (s["h"] + s["l"]) / 2 - width
    value, direction = np.full(len(width), np.nan), np.full(len(width), np.nan)
    value[7], direction[7] = upper[7], -1
    for at in range(8, len(width)):
        upper[at] = upper[at] if upper[at] < upper[at - 1] or s["c"][at - 1] > upper[at - 1] else upper[at - 1]
        lower[at] = lower[at] if lower[at] > lower[at - 1] or s["c"][at - 1] < lower[at - 1] else lower[at - 1]
        falls, rises = s["c"][at] < lower[at], s["c"][at] > upper[at]
        direction[at] = (1 if rises else -1) if direction[at - 1] < 0 else (-1 if falls else 1)
        value[at] = lower[at] if direction[at] > 0 else upper[at]
    return value if line == "value" else direction


HALF_DAY = ct.AnchoredVWAP(every=DAY // 2, offset=3 * 60 * MINUTE)
NUMPY: list[tuple[Declared, str, Reference]] = [
    (ct.VWAP(5), "value", lambda s: vwap(s, 5)),
    (ct.AnchoredVWAP(), "value", lambda s: anchored(s, DAY, 0)),
    (HALF_DAY, "value", lambda s: anchored(s, DAY // 2, 3 * 60 * MINUTE)),
    (ct.AnchoredVWAP(every=0), "value", lambda s: anchored(s, 2**62, 0)),
    (ct.Donchian(8), "upper", lambda s: padded(windows(s["h"], 8).max(axis=1), 8)),
    (ct.Donchian(8), "lower", lambda s: padded(windows(s["l"], 8).min(axis=1), 8)),
    (
        ct.Donchian(8),
        "middle",
        lambda s: padded((windows(s["h"], 8).max(axis=1) + windows(s["l"], 8).min(axis=1)) / 2, 8),
    ),
    (ct.Keltner(9, 5, 1.5), "middle", lambda s: keltner(s, 0)),
    (ct.Keltner(9, 5, 1.5), "upper", lambda s: keltner(s, 1)),
    (ct.Keltner(9, 5, 1.5), "lower", lambda s: keltner(s, -1)),
    (ct.SuperTrend(7, 2.0), "value", lambda s: super_trend(s, "value")),
    (ct.SuperTrend(7, 2.0), "direction", lambda s: super_trend(s, "direction")),
]
CHECKED = [*TALIB, *NUMPY]
DECLARED = list(dict.fromkeys(one for one, _, _ in CHECKED))


def tolerance(declared: Declared) -> float:
    """The largest of an indicator and of what it is computed of."""
    source = getattr(declared, "source", None)
    own = float(TOLERANCE[type(declared).__name__])
    return own if source is None else max(own, tolerance(getattr(source, "of", source)))


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize(
    ("declared", "line", "reference"), CHECKED, ids=lambda one: str(one) if not callable(one) else ""
)
def test_a_line_is_what_the_reference_says(
    engine: str, series: str, declared: Declared, line: str, reference: Reference
) -> None:
    columns, bars = collected(engine, series)
    ours, theirs = columns[declared, line], reference(bars)
    known = ~np.isnan(theirs)
    assert known.sum() > len(theirs) // 4
    assert not np.isnan(ours[known]).any()
    largest = max(float(np.abs(theirs[known]).max()), 1e-300)
    assert float(np.abs(ours[known] - theirs[known]).max()) <= tolerance(declared) * largest


@pytest.mark.parity
@pytest.mark.parametrize("series", SERIES)
def test_every_line_is_the_same_on_both_engines_to_the_bit(series: str) -> None:
    python, rust = collected("python", series)[0], collected("rust", series)[0]
    for name in python:
        assert np.array_equal(python[name].view(np.int64), rust[name].view(np.int64)), name


@pytest.mark.parametrize("series", ("real", "wild"))
def test_a_line_is_warm_when_the_reference_is_and_not_before(engine: str, series: str) -> None:
    columns, bars = collected(engine, series)
    # TA-Lib gives the lines of these only where it gives all of them.
    together = {("MACD", "line"), ("Stochastic", "k")}
    for declared, line, reference in CHECKED:
        ours, theirs = columns[declared, line], reference(bars)
        if (type(declared).__name__, line) not in together:
            assert np.array_equal(np.isnan(ours), np.isnan(theirs)), (declared, line)


def test_every_kind_of_the_contract_is_held_against_something() -> None:
    document = contract_tables.load("indicators")["indicator"]
    assert {type(declared).__name__ for declared, _, _ in CHECKED} == {one["class"] for one in document}
    against_talib = {type(declared).__name__ for declared, _, _ in TALIB}
    assert against_talib == {one["class"] for one in document if one["ta_lib"]}
    lines = {(type(declared).__name__, line) for declared, line, _ in CHECKED}
    assert {(one["class"], line) for one in document for line in one["lines"]} - lines <= {("SAR", "direction")}
