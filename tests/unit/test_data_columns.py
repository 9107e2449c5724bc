"""Typed columns refuse what a core could not read: a wrong type, a wrong shape, columns of different length, a bad symbol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cracktrader.data.columns import QuoteColumns, TradeColumns
from cracktrader.errors import DataError

ONE = np.arange(3, dtype=np.int64)


def trades(**changes: Any) -> TradeColumns:
    """Three trades."""
    given: dict[str, Any] = dict.fromkeys(("event_time", "time", "price", "quantity", "aggressor"), ONE)
    given |= {"symbol": "BTC", "price_decimals": 2, "quantity_decimals": 8, "origin": "test"}
    return TradeColumns(**given | changes)


def test_trades_and_quotes_say_what_they_are() -> None:
    assert repr(trades()) == "TradeColumns(BTC: 3 trades from test)" and len(trades()) == 3
    quotes = QuoteColumns("BTC", ONE, ONE, ONE, ONE, ONE, ONE, 2, 8, "test")
    assert repr(quotes) == "QuoteColumns(BTC: 3 quotes from test)" and len(quotes) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": "a b"}, "test: 'a b' is not a symbol"),
        ({"price": ONE.astype(np.float64)}, "test: column price must be a contiguous one-dimensional int64 array"),
        ({"time": np.arange(6, dtype=np.int64)[::2]}, "test: column time must be a contiguous"),
        ({"quantity": ONE[:2]}, "test: column quantity has 2 rows, aggressor has 3"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        trades(**changes)
