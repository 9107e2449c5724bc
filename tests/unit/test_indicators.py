"""Declaring, reading and chaining indicators, and those that users write in Python: the same on both engines.

Deliberately not here: whether their numbers are right (test_indicators_against_talib.py, tests/property/test_indicator_windows.py).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import MISSING
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import contract_tables

import cracktrader as ct
from cracktrader.core.indicator import MAX_KEEP, MIN_KEEP, RULES, BarField, IndicatorKind
from cracktrader.errors import ConfigError
from cracktrader.strategy.indicators import Declared

COUNT = 60
MINUTE = 60_000_000_000


def bars(count: int = COUNT, seed: int = 3) -> pl.DataFrame:
    """Minute bars that wander in cents."""
    rng = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(rng.integers(-30, 31, count))
    high, low = close + rng.integers(0, 20, count), close - rng.integers(0, 20, count)
    prices = {"open": close / 100, "high": high / 100, "low": low / 100, "close": close / 100}
    return pl.DataFrame({"ts": MINUTE * (np.arange(count) + 28_000_000), **prices, "volume": np.arange(1.0, count + 1)})


def run(strategy: ct.Strategy, engine: str, data: Any = None) -> ct.Result:
    """A run without an error of the strategy."""
    result = ct.backtest(strategy, bars() if data is None else data, engine=engine)
    assert result.errors == []
    return result


class Reading(ct.Strategy):
    """Declares by a function and keeps what another one reads at every bar."""

    def __init__(self, declare: Callable[[Any], Any], read: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.declare, self.read = declare, read
        self.rows: list[Any] = []

    def on_start(self, ctx: Any) -> None:
        self.bound = self.declare(ctx)

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.rows.append(self.read(self.bound, bar))


def rows(engine: str, declare: Callable[[Any], Any], read: Callable[[Any, Any], Any], data: Any = None) -> list[Any]:
    """What `read` gave at every bar."""
    strategy = Reading(declare, read)
    run(strategy, engine, data)
    return strategy.rows


# --- declarations

WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: ct.SMA(0), "SMA period 0 is outside 1..100000"),
    (lambda: ct.SMA(2.5), "SMA period 2.5 is not a whole number of bars"),
    (lambda: ct.SMA(True), "SMA period True is not a whole number of bars"),
    (lambda: ct.EMA("10"), "EMA period '10' is not a whole number of bars"),
    (lambda: ct.SMA(10, field="last"), "SMA: a bar has no field 'last'; it has: open, high, low, close, volume, hl2"),
    (lambda: ct.SMA(10, keep=1), "SMA keep 1 is not a whole number of 2..10000"),
    (lambda: ct.SMA(10, source=3), "SMA: source is an indicator such as ct.RSI(14), not 3"),
    (lambda: ct.MACD(26, 12), "MACD fast 26 is not below slow 12"),
    (lambda: ct.MACD().line("trigger"), "MACD has no line 'trigger'; it has: line, signal, histogram"),
    (lambda: ct.Bollinger(20, -1.0), "Bollinger deviations -1000000000 is outside 0..1000000000000"),
    (lambda: ct.Bollinger(20, math.nan), "Bollinger deviations nan is not a finite number"),
    (lambda: ct.SuperTrend(10, "3"), "SuperTrend multiplier '3' is not a finite number"),
    (lambda: ct.LinearRegression(1), "LinearRegression period 1 is outside 2..100000"),
    (lambda: ct.AnchoredVWAP(every="1d"), "'1d' is neither nanoseconds nor a time"),
    (lambda: ct.AnchoredVWAP(every=timedelta(days=400)), "AnchoredVWAP every 34560000000000000 is outside"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_declaration_says_what_is_wrong_and_what_would_do(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ct.CracktraderError) as raised:
        make()
    assert message in str(raised.value)


def test_declarations_are_values() -> None:
    assert ct.SMA(10) == ct.SMA(period=10, field="close")
    assert len({ct.RSI(), ct.RSI(14), ct.RSI(15)}) == 2
    assert ct.CCI().field == "hlc3" and ct.CCI(20, field="close").field == "close"
    assert repr(ct.SMA(5, source=ct.RSI(9))).startswith("SMA(")
    assert ct.AnchoredVWAP(offset=timedelta(hours=1)).numbers() == (86_400_000_000_000, 3_600_000_000_000, 0, 0)


BINDING: list[tuple[Callable[[Any], Any], str]] = [
    (
        lambda ctx: ctx.indicator(10),
        "ctx.indicator takes a declaration such as ct.SMA(10), an object with update(value)",
    ),
    (lambda ctx: ctx.indicator(lambda values: 1.0), "or a function with window="),
    (lambda ctx: ctx.indicator(Momentum), "ctx.indicator takes an instance: Momentum(...), not the class"),
    (lambda ctx: ctx.indicator(ct.SMA(10), field="open"), "has its own field and period"),
    (
        lambda ctx: ctx.indicator(lambda values: 1.0, window=0),
        "window= takes a function and a whole number of 1..100000",
    ),
    (
        lambda ctx: ctx.indicator(lambda bar: 1.0, field="bar", window=5),
        "a function is called with the values of a field",
    ),
    (lambda ctx: ctx.indicator(Momentum(), field="last"), "a bar has no field 'last'"),
    (lambda ctx: ctx.indicator(Momentum(), keep=1), "keep 1 is not a whole number of 2..10000"),
    (
        lambda ctx: ctx.indicator(ct.SMA(3, source=ctx.indicator(Momentum()))),
        "the core cannot read OwnIndicatorView(Momentum",
    ),
    (lambda ctx: ctx.indicator(ct.SMA(10), "XYZ"), "'XYZ' is not declared"),
]


class Momentum(ct.Indicator):
    """What the value rose by since three values ago."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def update(self, value: float) -> None:
        self.seen.append(value)
        self.value = None if len(self.seen) < 4 else value - self.seen[-4]


@pytest.mark.parametrize(("bind", "message"), BINDING, ids=[message for _, message in BINDING])
def test_a_wrong_binding_says_what_is_wrong(engine: str, bind: Callable[[Any], Any], message: str) -> None:
    seen: list[str] = []

    def declare(ctx: Any) -> None:
        with pytest.raises(ct.CracktraderError) as raised:
            bind(ctx)
        seen.append(str(raised.value))

    rows(engine, declare, lambda bound, bar: None)
    assert len(seen) == 1 and message in seen[0]


def test_an_indicator_is_declared_in_on_start_only(engine: str) -> None:
    class Late(ct.Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            with pytest.raises(ConfigError, match="indicators are declared in on_start only"):
                ctx.indicator(ct.SMA(3))

    run(Late(), engine)


# --- reading


def test_lines_are_attributes_and_a_line_that_is_not_there_says_which_are(engine: str) -> None:
    def read(macd: Any, bar: Any) -> Any:
        assert {"line", "signal", "histogram", "value", "warm"} <= set(dir(macd))
        assert macd.value == macd.line.value or math.isnan(macd.value)
        with pytest.raises(
            AttributeError, match=r"an indicator MACD has no trigger; it has: crossed_above, .*, signal, histogram"
        ):
            _ = macd.trigger
        with pytest.raises(AttributeError, match="an indicator MACD has no signal"):
            _ = macd.line.signal
        return macd.line.warm, macd.warm

    seen = rows(engine, lambda ctx: ctx.indicator(ct.MACD(3, 6, 4)), read)
    assert seen == [(place >= 5, place >= 8) for place in range(COUNT)]


def test_the_values_of_earlier_bars_are_kept_as_far_as_was_said(engine: str) -> None:
    def read(bound: Any, bar: Any) -> Any:
        return [[view[-ago] for ago in range(5)] for view in (bound, bound.upper)]

    seen = rows(engine, lambda ctx: ctx.indicator(ct.Bollinger(4, keep=5)), read)
    for line in range(2):
        newest = [row[line][0] for row in seen]
        for place, row in enumerate(seen):
            expected = [newest[place - ago] if place >= ago else math.nan for ago in range(5)]
            assert repr(row[line]) == repr(expected)


def test_crosses_are_of_this_bar_and_of_numbers_too(engine: str) -> None:
    def read(bound: Any, bar: Any) -> Any:
        fast, slow, rsi = bound
        return (
            (fast.value, slow.value, rsi.value),
            (fast.crossed_above(slow), fast.crossed_below(slow), rsi.crossed_above(50), rsi.crossed_below(50.0)),
        )

    seen = rows(engine, lambda ctx: [ctx.indicator(one) for one in (ct.SMA(2), ct.EMA(5), ct.RSI(3))], read)
    crossed = [0, 0, 0, 0]
    for (values, _), (later, crosses) in pairwise(seen):
        (a, b, rsi), (now_a, now_b, now_rsi) = values, later
        expected = (a <= b and now_a > now_b, a >= b and now_a < now_b, rsi <= 50 < now_rsi, rsi >= 50 > now_rsi)
        assert crosses == expected
        crossed = [count + hit for count, hit in zip(crossed, expected, strict=True)]
    assert min(crossed) > 2


def test_equal_means_are_no_cross_however_they_came_about(engine: str) -> None:
    closes = [0.1, 0.2, 0.3] * 8
    level = pl.DataFrame(
        {"ts": MINUTE * np.arange(28_000_000, 28_000_024), **dict.fromkeys(("open", "high", "low", "close"), closes)}
    )

    def declare(ctx: Any) -> Any:
        return ctx.indicator(ct.SMA(3)), ctx.indicator(ct.SMA(6)), ctx.indicator(ct.SMA(12, field="ohlc4"))

    def read(bound: Any, bar: Any) -> Any:
        return [a.crossed_above(b) or a.crossed_below(b) for a in bound for b in bound]

    assert not any(any(row) for row in rows(engine, declare, read, level))


def test_equal_declarations_are_computed_once(engine: str) -> None:
    indexes = []

    def declare(ctx: Any) -> Any:
        for one in (ct.SMA(5), ct.SMA(5), ct.SMA(9, source=ct.RSI(7)), ct.RSI(7), ct.SMA(5, keep=3)):
            indexes.append(ctx.indicator(one)._index)

    rows(engine, declare, lambda bound, bar: None)
    assert indexes == [0, 0, 2, 1, 3]


# --- chains


def test_a_chain_may_be_declared_at_once_or_step_by_step(engine: str) -> None:
    def declare(ctx: Any) -> Any:
        macd = ctx.indicator(ct.MACD(3, 6, 4))
        at_once = ctx.indicator(ct.SMA(4, source=ct.MACD(3, 6, 4).line("signal")))
        return at_once, ctx.indicator(ct.SMA(4, source=macd.signal)), ctx.indicator(ct.SMA(4, source=macd)), macd

    def read(bound: Any, bar: Any) -> Any:
        at_once, stepwise, of_line, macd = bound
        assert repr(at_once) == repr(stepwise)
        return at_once.value, of_line.value, macd.signal.value, macd.value

    seen = rows(engine, declare, read)
    for place in range(COUNT):
        for reader, source in ((0, 2), (1, 3)):
            values = [row[source] for row in seen[max(place - 3, 0) : place + 1]]
            total = 0.0
            for value in values:
                total = total + value
            expected = total / 4.0 if len(values) == 4 else math.nan
            assert repr(seen[place][reader]) == repr(expected)


def test_a_chain_on_another_symbol_follows_its_source(engine: str) -> None:
    data = {"AAA": bars(seed=1), "BBB": bars(seed=2)}

    def declare(ctx: Any) -> Any:
        source = ctx.indicator(ct.EMA(3), "BBB")
        with pytest.raises(ConfigError, match="is of another strategy or stream"):
            ctx.indicator(ct.SMA(2, source=source), "AAA")
        return source, ctx.indicator(ct.SMA(2, source=source)), ctx.indicator(Momentum(), field=source)

    def read(bound: Any, bar: Any) -> Any:
        return bar.symbol, [view.value for view in bound]

    seen = rows(engine, declare, read, data)
    own = [values for symbol, values in seen if symbol == "BBB"]
    for place, (_, mean, rise) in enumerate(own):
        ema = [row[0] for row in own]
        if place >= 3:
            assert mean == (ema[place - 1] + ema[place]) / 2
        if place >= 5:
            assert rise == ema[place] - ema[place - 3]
    for (_, before), (symbol, values) in pairwise(seen):
        assert symbol == "BBB" or repr(values) == repr(before)


# --- indicators in Python


def test_an_object_is_updated_before_on_bar_with_its_field(engine: str) -> None:
    def declare(ctx: Any) -> Any:
        return ctx.indicator(Momentum(), field="hlc3", keep=3), ctx.indicator(ct.SMA(1, field="typical"))

    seen = rows(engine, declare, lambda b, bar: (b[0].value, b[0].warm, b[0][-2], b[1].value))
    for place, (value, warm, earlier, typical) in enumerate(seen):
        assert warm == (place >= 3)
        expected = typical - seen[place - 3][3] if place >= 3 else math.nan
        assert repr(value) == repr(expected)
        assert repr(earlier) == repr(seen[place - 2][0] if place >= 2 else math.nan)


def test_an_object_may_take_the_whole_bar_and_need_not_be_an_indicator_by_class(engine: str) -> None:
    class Range:
        value = 0.0
        warm = False

        def update(self, bar: Any) -> None:
            self.value = bar.high - bar.low
            self.warm = bar.volume > 5

    seen = rows(
        engine, lambda ctx: ctx.indicator(Range(), field="bar"), lambda view, bar: (view.value, bar.high - bar.low)
    )
    assert all(math.isnan(value) for value, _ in seen[:5])
    assert all(value == expected for value, expected in seen[5:])


def test_a_function_sees_the_last_values_and_none_that_come_later(engine: str) -> None:
    given: list[Any] = []

    def spread(values: Any) -> float:
        given.append(values)
        return float(values.max() - values.min())

    seen = rows(engine, lambda ctx: ctx.indicator(spread, window=10), lambda view, bar: (view.value, bar.close))
    closes = [close for _, close in seen]
    assert len(given) == COUNT - 9
    for place, values in enumerate(given):
        assert values.tolist() == closes[place : place + 10]
        assert not values.flags.writeable
    assert [value for value, _ in seen[9:]] == [float(max(v) - min(v)) for v in given]
    assert all(math.isnan(value) for value, _ in seen[:9])


def test_a_strategy_waits_until_indicators_in_python_are_warm_too(engine: str) -> None:
    class Waiting(Reading):
        warm_up = True

    strategy = Waiting(
        lambda ctx: (ctx.indicator(Momentum()), ctx.indicator(ct.SMA(2))), lambda bound, bar: bound[0].warm
    )
    run(strategy, engine)
    assert strategy.rows == [True] * (COUNT - 3)


@pytest.mark.parity
def test_strategies_with_indicators_in_python_trade_equally_on_both_engines() -> None:
    class Trader(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.rise = ctx.indicator(Momentum(), field=ct.EMA(3))
            self.mean = ctx.indicator(lambda values: values.mean(), field=self.rise_source(ctx), window=5)

        def rise_source(self, ctx: Any) -> Any:
            return ctx.indicator(ct.EMA(3))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            if self.rise.crossed_above(0):
                ctx.target(1)
            elif self.rise.crossed_below(0.0):
                ctx.target(-1)
            elif self.mean.crossed_above(ctx.mark()):
                ctx.close()

    hashes = [run(Trader(), engine).state_hash for engine in ("python", "rust")]
    assert hashes[0] == hashes[1]
    assert len(run(Trader(), "rust").fills) > 5


def test_what_an_indicator_in_python_raises_is_the_strategys_error(engine: str) -> None:
    class Broken(ct.Indicator):
        def update(self, value: float) -> None:
            self.value = "many"  # type: ignore[assignment]

    strategy = Reading(lambda ctx: ctx.indicator(Broken()), lambda view, bar: None)
    result = ct.backtest(strategy, bars(), engine=engine)
    assert "Broken says 'many', which is no number" in result.errors[0]


def test_an_indicator_in_python_needs_a_strategy_that_is_called_for_bars(engine: str) -> None:
    class Timed(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            with pytest.raises(ConfigError, match="is updated before on_bar: define on_bar in the strategy"):
                ctx.indicator(Momentum())

    run(Timed(), engine)


def test_every_declaration_of_the_package_can_be_bound(engine: str) -> None:
    needs_period = (ct.SMA, ct.EMA, ct.WMA, ct.Highest, ct.Lowest)
    kinds = [kind for name in dir(ct) if isinstance(kind := getattr(ct, name), type) and issubclass(kind, Declared)]
    assert len(kinds) == 22
    made = [kind(3) if kind in needs_period else kind() for kind in kinds]
    seen = rows(
        engine, lambda ctx: [ctx.indicator(one) for one in made], lambda bound, bar: [view.warm for view in bound]
    )
    assert all(seen[-1])


# --- the contract


def test_the_indicators_of_the_core_and_their_declarations_are_those_of_the_contract() -> None:
    document = contract_tables.load("indicators")
    assert [(name, number) for name, number, _ in document["field"]] == [(one.name.lower(), one) for one in BarField]
    assert (document["keep"]["low"], document["keep"]["high"]) == (MIN_KEEP, MAX_KEEP)
    assert [one["number"] for one in document["indicator"]] == list(IndicatorKind)
    for one in document["indicator"]:
        kind = IndicatorKind(one["number"])
        rule = RULES[kind]
        assert kind.name == one["name"]
        assert [list(parameter) for parameter in rule.parameters] == [row[:3] for row in one["parameters"]]
        assert (list(rule.lines), rule.reads_bars) == (one["lines"], one["reads"] == "bar")
        declared = getattr(ct, one["class"])
        assert declared.kind is kind
        for name, _, _, default in one["parameters"]:
            given = declared.__dataclass_fields__[name].default
            assert given is MISSING if not default else default in (str(given), "1 day")


# --- what a result says of them


def test_a_result_names_indicators_as_they_were_written_and_computes_them_again() -> None:
    class Named(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.macd = ctx.indicator(ct.MACD(3, 6, 4))
            self.smooth = ctx.indicator(ct.SMA(5, source=self.macd.signal))
            self.rise = ctx.indicator(Momentum())
            self.said: list[float] = []

        def on_bar(self, ctx: Any, bar: Any) -> None:
            self.said.append(self.smooth.value)

    strategy = Named()
    result = run(strategy, "python")
    found = {one.name: values for one, _, values in result.indicator_lines}
    assert list(found) == [
        *[f"MACD(3, 6, 4) {line}" for line in ("line", "signal", "histogram")],
        "SMA(5, source=MACD(3, 6, 4).line('signal'))",
    ]
    assert repr(list(found["SMA(5, source=MACD(3, 6, 4).line('signal'))"])) == repr(
        [np.float64(v) for v in strategy.said]
    )
