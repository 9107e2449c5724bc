"""Loaded columns in a declared instrument's units: nothing is lost, and what stands off the tick is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cracktrader.data import BarColumns, QuoteColumns, TradeColumns, load
from cracktrader.data.grid import in_units
from cracktrader.errors import DataError

TEXT = "time,open,high,low,close,volume\n2024-01-01,10.5,11,10.25,10.75,1.5\n2024-01-02,10.5,11,10.25,10.5,2\n"


def bars(folder: Path, text: str = TEXT) -> BarColumns:
    (folder / "bars.csv").write_text(text)
    (columns,) = load(folder / "bars.csv")
    assert isinstance(columns, BarColumns)
    return columns


def test_prices_get_the_declared_decimals_and_volumes_keep_theirs(tmp_path: Path) -> None:
    before = bars(tmp_path)
    after = in_units(before, price_decimals=4, tick=2500)
    assert isinstance(after, BarColumns)
    assert (before.price_decimals, after.price_decimals, after.volume_decimals) == (2, 4, 1)
    assert after.close.tolist() == [107_500, 105_000] and after.volume is before.volume
    fewer = in_units(after, price_decimals=2, tick=25)
    assert isinstance(fewer, BarColumns) and fewer.close.tolist() == before.close.tolist()
    same = in_units(before, price_decimals=2)
    assert isinstance(same, BarColumns) and same.close is before.close


def test_a_price_off_the_tick_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        in_units(bars(tmp_path), price_decimals=1, tick=5)
    assert str(caught.value) == (
        f"{tmp_path / 'bars.csv'}: 2 rows off the grid\n"
        "  line 2, column low: price 10.25 is no multiple of the tick 0.5 (2 such lines: 2, 3)\n"
        "  line 2, column close: price 10.75 is no multiple of the tick 0.5\n"
        'declare what the data has, or load it with tick=0.5 and repair="snap"'
    )
    with pytest.raises(DataError, match=r"bars.csv line 2, column close: price 10.75 is no multiple of the tick 0.5;"):
        in_units(bars(tmp_path, TEXT.replace("10.25", "10.5")), price_decimals=1, tick=5)


def test_quantities_of_trades_and_quotes_are_in_units_too() -> None:
    (trades,) = load({"time": ["2024-01-01"], "price": [1.5], "qty": [0.125]})
    (quotes,) = load({"time": ["2024-01-01"], "bid": [1.5], "ask": [2], "bid_size": [0.5], "ask_size": [0.25]})
    fine, shown = (in_units(one, price_decimals=2, quantity_decimals=8) for one in (trades, quotes))
    assert isinstance(fine, TradeColumns) and isinstance(shown, QuoteColumns)
    assert (fine.price.tolist(), fine.quantity.tolist()) == ([150], [12_500_000])
    assert (shown.ask_price.tolist(), shown.ask_quantity.tolist()) == ([200], [25_000_000])
    with pytest.raises(DataError, match=r"row 1, column quantity: quantity 0.125 is no multiple of 0.01, the smallest"):
        in_units(trades, price_decimals=2, quantity_decimals=2)


def test_a_price_that_does_not_fit_is_refused() -> None:
    (trades,) = load({"time": ["2024-01-01"], "price": [9e15], "qty": [1]})
    with pytest.raises(DataError, match=r"data: price 9e\+15 does not fit 64 bits at 8 decimals"):
        in_units(trades, price_decimals=8)
