"""Floats to mantissas: exact where eight decimals suffice, and honest where they do not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cracktrader.data import decimals, load
from cracktrader.data.decimals import CHUNK_ROWS, MANTISSA_LIMIT, to_mantissas
from cracktrader.errors import DataError


def bars_at(prices: list[float]) -> dict[str, object]:
    times = [1_704_067_200 + 60 * row for row in range(len(prices))]
    return {"time": times, "open": prices, "high": prices, "low": prices, "close": prices}


@pytest.mark.parametrize(
    ("prices", "decimals", "mantissas"),
    [
        ([10.0, 11.0], 0, [10, 11]),
        ([10.5, 11.0], 1, [105, 110]),
        ([0.1 + 0.2, 1.0], 1, [3, 10]),
        ([1.005, 2.675], 3, [1005, 2675]),
        ([0.00000001, 1.0], 8, [1, 100_000_000]),
        ([99_999.99], 2, [9_999_999]),
    ],
)
def test_the_fewest_decimals_that_reproduce_every_value(
    prices: list[float], decimals: int, mantissas: list[int]
) -> None:
    kept = to_mantissas("x", [np.array(prices)])
    assert (kept.decimals, kept.columns[0].tolist()) == (decimals, mantissas)


def test_all_price_columns_share_the_decimals_of_the_finest() -> None:
    (bars,) = load({**bars_at([10.0, 20.0]), "high": [10.125, 20.0]})
    assert bars.price_decimals == 3
    assert bars.high.tolist() == [10_125, 20_000] and bars.close.tolist() == [10_000, 20_000]


def test_a_value_beyond_eight_decimals_is_noted_with_the_largest_change() -> None:
    (bars,) = load({**bars_at([10.123456789, 20.0])}, symbol="FINE")
    assert bars.price_decimals == 8
    assert bars.note == "FINE: price 8 decimals, largest change 1e-09"


def test_an_exact_data_set_has_no_note_and_integers_need_no_decimals() -> None:
    (bars,) = load(
        pl.DataFrame({**bars_at([10.0, 20.0]), "volume": [5, 7]}).with_columns(pl.col("close").cast(pl.Int32))
    )
    assert (bars.note, bars.price_decimals, bars.volume_decimals) == ("", 0, 0)


def test_volume_has_decimals_of_its_own() -> None:
    (bars,) = load({**bars_at([10.5, 20.5]), "volume": [0.001, 12.0]})
    assert (bars.price_decimals, bars.volume_decimals, bars.volume.tolist()) == (1, 3, [1, 12_000])


def test_thirty_two_bit_floats_mean_their_shortest_text() -> None:
    prices = np.array([0.1, 1234.56], dtype=np.float32)
    (bars,) = load({**bars_at([1.0, 1.0]), **dict.fromkeys(("open", "high", "low", "close"), prices)})
    assert (bars.price_decimals, bars.close.tolist(), bars.note) == (2, [10, 123_456], "")


def test_large_values_take_fewer_decimals_rather_than_mantissas_beyond_two_to_the_53() -> None:
    kept = to_mantissas("x", [np.array([9.1e12 + 0.125, 1.0])])
    assert kept.decimals == 2 and kept.largest_change > 0
    assert max(kept.columns[0].tolist()) < MANTISSA_LIMIT


def test_a_value_beyond_two_to_the_53_is_refused() -> None:
    with pytest.raises(DataError, match=r"too large: values must stay below 2\*\*53"):
        load(bars_at([1e16, 1e16]))


def test_a_finer_value_after_the_first_slice_still_counts() -> None:
    prices = np.full(2 * CHUNK_ROWS + 5, 10.5)
    prices[-1] = 10.0625
    kept = to_mantissas("x", [prices])
    assert kept.decimals == 4 and kept.largest_change == 0
    assert kept.columns[0][0] == 105_000 and kept.columns[0][-1] == 100_625


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=50), st.integers(0, 3))
def test_every_decimal_price_comes_back_to_the_bit(mantissas: list[int], decimals: int) -> None:
    floats = np.array([mantissa / 10**decimals for mantissa in mantissas])
    kept = to_mantissas("x", [floats])
    assert kept.decimals <= decimals and kept.largest_change == 0
    assert (kept.columns[0] / 10**kept.decimals == floats).all()


def plainly(columns: list[np.ndarray]) -> tuple[int, float, list[list[int]]] | str:
    """What `to_mantissas` says without the extension."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decimals, "_quickly", lambda columns: None)
        return told(columns)


def told(columns: list[np.ndarray]) -> tuple[int, float, list[list[int]]] | str:
    try:
        kept = to_mantissas("x", columns)
    except DataError as error:
        return str(error)
    return kept.decimals, kept.largest_change, [column.tolist() for column in kept.columns]


LARGE = st.floats(-1e17, 1e17).map(float)
GRID = st.builds(lambda mantissa, places: mantissa / 10**places, st.integers(-(2**54), 2**54), st.integers(0, 9))


@pytest.mark.parity
@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.one_of(GRID, GRID, GRID, LARGE), max_size=12), min_size=1, max_size=3))
def test_the_extension_comes_to_the_same_mantissas(numbers: list[list[float]]) -> None:
    columns = [np.array(column, dtype=np.float64) for column in numbers]
    assert told(columns) == plainly(columns)


@pytest.mark.parity
@pytest.mark.parametrize("place", [0, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS + 4])
@pytest.mark.parametrize("value", [-0.0, 0.0625, 2.0**50 + 0.5, 2.0**51 - 0.5, 9.1e12 + 0.125, 1e-9, 0.1 + 0.2])
def test_decimals_that_rise_late_are_those_of_every_row(place: int, value: float) -> None:
    first, second = np.full(2 * CHUNK_ROWS + 5, 10.5), np.full(CHUNK_ROWS + 1, 3.25)
    first[place] = value
    for columns in ([first, second], [second, first], [first[::-1], second]):
        assert told(columns) == plainly(columns)


@pytest.mark.rust
def test_columns_that_rust_keeps_cannot_be_written() -> None:
    (bars,) = load({**bars_at([10.5, 11.0, 12.25]), "volume": [1, 2, 3]})
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        bars.close.flags.writeable = True
    assert type(memoryview(bars.close.base).obj).__name__ == "Ints"
