"""Properties of the core's numbers: rounding against fractions, contract values, random draws, decimal text."""

from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cracktrader.core.instrument import Instrument, InstrumentKind, contract_value, problem
from cracktrader.core.random import below, draw
from cracktrader.core.units import (
    I128_MAX,
    I128_MIN,
    MONEY_MAX,
    OutOfRange,
    Rounding,
    div_round,
    mul_div_round,
    parse_decimal,
)

I128 = st.integers(I128_MIN, I128_MAX)


def half_away(value: Fraction) -> int:
    """Half away from zero."""
    return floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


MODELS = {
    Rounding.FLOOR: floor,
    Rounding.CEIL: ceil,
    Rounding.TRUNC: trunc,
    Rounding.HALF_EVEN: round,
    Rounding.HALF_AWAY: half_away,
}


@given(I128, st.integers(1, I128_MAX), st.sampled_from(Rounding))
def test_a_division_rounds_as_the_fraction_does(numerator: int, denominator: int, mode: Rounding) -> None:
    assert div_round(numerator, denominator, mode) == MODELS[mode](Fraction(numerator, denominator))


@given(st.integers(-50, 50), st.sampled_from([2, 4, 6, 10]), st.sampled_from(Rounding))
def test_ties_round_as_the_mode_says(numerator: int, denominator: int, mode: Rounding) -> None:
    assert div_round(numerator, denominator, mode) == MODELS[mode](Fraction(numerator, denominator))


@given(I128, I128, st.integers(1, I128_MAX), st.sampled_from(Rounding))
def test_a_product_is_divided_exactly_or_out_of_range(a: int, b: int, denominator: int, mode: Rounding) -> None:
    expected = MODELS[mode](Fraction(a * b, denominator))
    if I128_MIN <= expected <= I128_MAX:
        assert mul_div_round(a, b, denominator, mode) == expected
    else:
        with pytest.raises(OutOfRange):
            mul_div_round(a, b, denominator, mode)


def instrument(
    kind: InstrumentKind, price_decimals: int, quantity_decimals: int, scale: int, multiplier: int
) -> Instrument:
    """An instrument with the widest ranges that its decimals allow."""
    most = 10**price_decimals if kind is InstrumentKind.OUTCOME else 10**9
    return Instrument(
        "X", 0, kind, 1, 0, scale, price_decimals, quantity_decimals, 1, 1, most, 10**12, multiplier, 10**9, 0, 0, 0
    )


@given(
    st.sampled_from(InstrumentKind),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(1, 10**12),
    st.integers(1, 10**9),
    st.integers(0, 10**12),
)
def test_a_contract_is_worth_its_formula_rounded_once(
    kind: InstrumentKind, prices: int, quantities: int, scale: int, multiplier: int, price: int, quantity: int
) -> None:
    declared = instrument(kind, prices, quantities, scale, multiplier)
    assert problem(declared) == ""
    p, q, m = Fraction(price, 10**prices), Fraction(quantity, 10**quantities), Fraction(multiplier, 10**9)
    worth = q * m / p if kind is InstrumentKind.INVERSE else p * q * m
    expected = round(worth * 10**scale)
    if expected <= MONEY_MAX:
        assert contract_value(declared, price, quantity) == expected
    else:
        with pytest.raises(OutOfRange):
            contract_value(declared, price, quantity)


@given(st.integers(0, 2**64 - 1), st.integers(0, 65535), st.integers(0, 2**40), st.integers(1, 2**64 - 1))
def test_a_bounded_draw_is_inside_its_bound_and_counts_on(seed: int, stream: int, counter: int, bound: int) -> None:
    value, after = below(seed, stream, counter, bound)
    assert 0 <= value < bound
    assert after > counter
    assert below(seed, stream, counter, bound) == (value, after)
    assert 0 <= draw(seed, stream, counter) < 2**64


def test_draws_are_spread_evenly() -> None:
    counts = [0] * 8
    counter = 0
    for _ in range(8000):
        value, counter = below(42, 1, counter, 8)
        counts[value] += 1
    assert max(abs(count - 1000) for count in counts) < 150


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 12))
def test_decimal_text_reads_back_to_its_mantissa(mantissa: int, decimals: int) -> None:
    digits = str(abs(mantissa)).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    assert parse_decimal(("-" if mantissa < 0 else "") + text, decimals) == mantissa


@pytest.mark.parametrize(
    "text", ["", "-", ".5", "1.", "1e3", "1,5", " 1", "1 ", "+1", "٣", "nan", "--1", "1.2.3", "0x1"]
)
def test_text_that_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal number|decimals"):
        parse_decimal(text, 2)


def test_text_with_more_decimals_than_declared_is_refused() -> None:
    assert parse_decimal("1.500", 1) == 15
    with pytest.raises(ValueError, match="more than 1 decimals"):
        parse_decimal("1.55", 1)
    with pytest.raises(ValueError, match="does not fit"):
        parse_decimal("9223372036854775808", 0)
