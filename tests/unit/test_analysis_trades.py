"""Round trips: small trading stories, fill by fill."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cracktrader.analysis.trades import round_trips, time_in_market

MINUTE = 60_000_000_000
FILL_COLUMNS = ("strategy", "symbol", "side", "time", "quantity", "price", "fee", "fee_currency", "realized_pnl")


def fills(*rows: tuple[Any, ...]) -> dict[str, list[Any]]:
    """Rows of (minute, side, quantity, price, fee, realised before fees) of one strategy in one instrument."""
    full = [
        ("S", "X", side, minute * MINUTE, quantity, price, fee, "USD", gross)
        for minute, side, quantity, price, fee, gross in rows
    ]
    return {name: [row[i] for row in full] for i, name in enumerate(FILL_COLUMNS)}


def bars(count: int) -> Any:
    return SimpleNamespace(symbol="X", open_time=np.arange(count, dtype=np.int64) * MINUTE)


def trips(*rows: tuple[Any, ...]) -> dict[str, list[Any]]:
    return round_trips(fills(*rows), [bars(100)], "USD")


def test_from_flat_to_flat_is_one_round_trip_however_many_fills() -> None:
    done = trips(
        (1, "buy", 2.0, 100.0, 0.2, 0.0),
        (3, "buy", 2.0, 110.0, 0.2, 0.0),
        (4, "sell", 1.0, 120.0, 0.1, 15.0),
        (9, "sell", 3.0, 90.0, 0.3, -45.0),
    )
    assert done["side"] == ["long"]
    assert (done["entry_time"], done["exit_time"], done["bars"]) == ([MINUTE], [9 * MINUTE], [8])
    assert done["quantity"] == [4.0]
    assert done["entry_price"] == [105.0] and done["exit_price"] == [97.5]
    assert done["fees"] == [pytest.approx(0.8)]
    assert done["pnl"] == [pytest.approx(-30.8)]


def test_a_fill_through_zero_ends_one_trip_and_opens_the_next_with_its_fee_divided() -> None:
    done = trips(
        (0, "buy", 1.0, 100.0, 0.1, 0.0),
        (5, "sell", 3.0, 110.0, 0.3, 10.0),
        (7, "buy", 2.0, 105.0, 0.2, 10.0),
    )
    assert done["side"] == ["long", "short"]
    assert done["quantity"] == [1.0, 2.0]
    assert done["fees"] == pytest.approx([0.2, 0.4])
    assert done["pnl"] == pytest.approx([9.8, 9.6])
    assert done["entry_price"] == [100.0, 110.0] and done["exit_price"] == [110.0, 105.0]


def test_a_position_open_at_the_end_is_no_round_trip() -> None:
    assert trips((0, "buy", 1.0, 100.0, 0.1, 0.0), (1, "sell", 0.4, 101.0, 0.1, 0.4))["pnl"] == []


def test_flat_is_recognised_where_floats_would_leave_dust() -> None:
    done = trips(
        (0, "buy", 0.1, 10.0, 0.0, 0.0),
        (1, "buy", 0.2, 10.0, 0.0, 0.0),
        (2, "sell", 0.3, 10.0, 0.0, 0.0),
        (3, "sell", 0.1, 10.0, 0.0, 0.0),
        (4, "buy", 0.1, 10.0, 0.0, 0.0),
    )
    assert done["side"] == ["long", "short"]


def test_strategies_and_instruments_are_followed_apart() -> None:
    both = fills((0, "buy", 1.0, 100.0, 0.0, 0.0), (1, "sell", 1.0, 90.0, 0.0, 0.0))
    both["strategy"] = ["A", "B"]
    assert round_trips(both, [bars(5)], "USD")["pnl"] == []


def test_fees_in_another_currency_are_left_out() -> None:
    other = fills((0, "buy", 1.0, 100.0, 0.5, 0.0), (1, "sell", 1.0, 101.0, 0.5, 1.0))
    other["fee_currency"] = ["BNB", "USD"]
    done = round_trips(other, [], "USD")
    assert done["fees"] == [0.5] and done["pnl"] == [0.5] and done["bars"] == [0]


def test_time_in_the_market_joins_what_overlaps_and_runs_to_the_end() -> None:
    spans = time_in_market(
        fills(
            (1, "buy", 1.0, 1.0, 0.0, 0.0),
            (4, "sell", 1.0, 1.0, 0.0, 0.0),
            (6, "sell", 2.0, 1.0, 0.0, 0.0),
            (8, "buy", 1.0, 1.0, 0.0, 0.0),
        ),
        10 * MINUTE,
    )
    assert spans == [(MINUTE, 4 * MINUTE), (6 * MINUTE, 10 * MINUTE)]
