"""Properties of indicators: bar by bar equals all at once, whatever the values; windows forget what left them; sums stay exact.

Deliberately not here: both engines and TA-Lib (tests/contracts, tests/unit/test_indicators_against_talib.py).
"""

from __future__ import annotations

from fractions import Fraction
from math import isclose, isqrt, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cracktrader.core.event import Bar
from cracktrader.core.indicator import (
    NULL_SOURCE,
    PARAMETERS,
    RULES,
    BarField,
    Declaration,
    Indicator,
    IndicatorKind,
    Number,
    Ratio,
    Step,
    crossed_above,
    real,
)

MINUTE = 60_000_000_000
LARGEST = 2**63 - 1
mantissas = st.one_of(st.integers(1, 300), st.integers(1, LARGEST))
RECURSIVE = {
    IndicatorKind.EMA,
    IndicatorKind.RSI,
    IndicatorKind.ATR,
    IndicatorKind.MACD,
    IndicatorKind.ADX,
    IndicatorKind.OBV,
    IndicatorKind.KELTNER,
    IndicatorKind.SUPERTREND,
    IndicatorKind.SAR,
    IndicatorKind.ANCHORED_VWAP,
}
WINDOWED = [kind for kind in IndicatorKind if kind not in RECURSIVE]


@st.composite
def series(draw: st.DrawFn) -> list[Bar]:
    """Bars of any size, often with ties and without volume."""
    made = []
    for place in range(draw(st.integers(1, 25))):
        prices = draw(st.lists(mantissas, min_size=4, max_size=4))
        volume = draw(st.one_of(st.just(0), st.integers(0, 9), st.integers(0, LARGEST)))
        opened = place * MINUTE
        made.append(Bar(opened, opened + MINUTE, prices[0], max(prices), min(prices), prices[1], volume, 0))
    return made


def declared(kind: IndicatorKind, period: int, bar_field: BarField = BarField.CLOSE, keep: int = 2) -> Indicator:
    """An indicator of one period, of prices with two decimals and volumes with eight."""
    numbers = [max(period, parameter.low) for parameter in RULES[kind].parameters]
    if kind is IndicatorKind.MACD:
        numbers = [period, period + 2, period]
    padded = tuple([*numbers, *[0] * PARAMETERS][:PARAMETERS])
    return Indicator(0, Declaration(kind, padded, 0, bar_field, NULL_SOURCE, 0, keep), 0, 2, 8)


def fed(indicator: Indicator, bars: list[Bar]) -> Indicator:
    """The indicator after the bars."""
    for bar in bars:
        indicator.update(bar, None)
    return indicator


def lines(indicator: Indicator) -> list[Number | None]:
    """Every line now."""
    return [indicator.number(line) for line in range(len(indicator.lines))]


@pytest.mark.parametrize("kind", WINDOWED, ids=lambda kind: kind.name)
@settings(max_examples=25)
@given(bars=series(), period=st.integers(1, 6), field=st.sampled_from(BarField))
def test_a_window_says_nothing_of_what_left_it(
    kind: IndicatorKind, bars: list[Bar], period: int, field: BarField
) -> None:
    # A stochastic smooths over two more windows of the same length.
    reach = 3 * period if kind is IndicatorKind.STOCHASTIC else max(period, 2) + 1
    whole = fed(declared(kind, period, field), bars)
    if len(bars) >= reach:
        assert lines(whole) == lines(fed(declared(kind, period, field), bars[-reach:]))


@pytest.mark.parametrize("kind", IndicatorKind, ids=lambda kind: kind.name)
@settings(max_examples=25)
@given(bars=series(), period=st.integers(1, 5), keep=st.integers(2, 9))
def test_kept_values_are_those_that_were_said(kind: IndicatorKind, bars: list[Bar], period: int, keep: int) -> None:
    indicator = declared(kind, period, keep=keep)
    said: list[list[float]] = []
    for bar in bars:
        indicator.update(bar, None)
        said.insert(0, [real(number) for number in lines(indicator)])
        for ago in range(min(keep, len(said))):
            kept = [indicator.value(line, ago) for line in range(len(indicator.lines))]
            assert repr(kept) == repr(said[ago])


@given(series(), st.integers(2, 6))
def test_sums_over_a_window_are_exact(bars: list[Bar], period: int) -> None:
    values = [Fraction(bar.close, 100) for bar in bars[-period:]]
    if len(values) < period:
        return

    def exact(kind: IndicatorKind, line: int = 0) -> Fraction:
        number = fed(declared(kind, period), bars).number(line)
        assert isinstance(number, Ratio)
        return Fraction(number.numerator, number.denominator)

    mean = sum(values) / period
    weights = range(1, period + 1)
    middle = Fraction(period - 1, 2)
    spread = sum((place - middle) ** 2 for place in range(period))
    slope = sum((place - middle) * (value - mean) for place, value in enumerate(values)) / spread
    assert exact(IndicatorKind.SMA) == mean
    assert exact(IndicatorKind.WMA) == sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert exact(IndicatorKind.HIGHEST) == max(values)
    assert exact(IndicatorKind.LOWEST) == min(values)
    assert exact(IndicatorKind.LINEAR_REGRESSION) == mean + slope * middle
    assert exact(IndicatorKind.LINEAR_REGRESSION, 1) == slope


@given(series(), st.integers(1, 6))
def test_a_deviation_has_no_error_of_its_sums(bars: list[Bar], period: int) -> None:
    values = [bar.close for bar in bars[-period:]]
    if len(values) < period:
        return
    spread = period * sum(value * value for value in values) - sum(values) ** 2
    value = real(fed(declared(IndicatorKind.STDDEV, period), bars).number(0))
    assert value == sqrt(float(spread)) / float(period * 100)
    assert isclose(value, isqrt(spread * 10**20) / (10**10 * period * 100), rel_tol=1e-14, abs_tol=1e-12)


@given(series(), st.integers(1, 6))
def test_a_volume_weighted_price_lies_between_the_prices_it_weighs(bars: list[Bar], period: int) -> None:
    value = real(fed(declared(IndicatorKind.VWAP, period), bars).number(0))
    traded = [bar for bar in bars[-period:] if bar.volume]
    if len(bars) < period or not traded:
        assert value != value
        return
    typical = [(bar.high + bar.low + bar.close) / 300 for bar in traded]
    assert min(typical) * (1 - 1e-12) <= value <= max(typical) * (1 + 1e-12)


ratios = st.builds(Ratio, st.integers(-50, 50), st.integers(1, 50))


@given(st.builds(Step, ratios, ratios), st.builds(Step, ratios, ratios))
def test_a_cross_of_ratios_is_that_of_fractions(a: Step, b: Step) -> None:
    fractions = [Fraction(*number) for step in (a, b) for number in step if isinstance(number, Ratio)]
    before, now, other_before, other_now = fractions
    assert crossed_above(a, b) == (before <= other_before and now > other_now)
    assert not crossed_above(Step(None, a.now), b)
    assert not crossed_above(a, Step(b.before, None))
