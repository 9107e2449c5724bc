"""Round trips: small trading stories, fill by fill."""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np
import pytest

from cracktrader.analysis.trades import COLUMNS, round_trips, time_in_market
from cracktrader.data.columns import QuoteColumns, TradeColumns
from tests.unit.finished_runs import MINUTE, START, bars, outcome

NAMES = "strategy symbol side time quantity price fee fee_currency realized_pnl rule order liquidity".split()


def fills(*rows: tuple[Any, ...], rule: str = "bar_next_open") -> dict[str, list[Any]]:
    """Rows of (minute, side, quantity, price, fee, realised before fees[, rule]) of one strategy in one instrument."""
    full = [
        (
            "S",
            "X",
            row[1],
            START + row[0] * MINUTE,
            *row[2:5],
            "USD",
            row[5],
            row[6] if len(row) > 6 else rule,
            at,
            "taker",
        )
        for at, row in enumerate(rows, start=1)
    ]
    return {name: [row[i] for row in full] for i, name in enumerate(NAMES)}


def market(prices: Any = None) -> Any:
    return bars(np.full(100, 100.0) if prices is None else np.asarray(prices, dtype=float))


def trips(*rows: tuple[Any, ...], prices: Any = None, **changes: Any) -> dict[str, list[Any]]:
    return round_trips(outcome(fills=fills(*rows), bars=[market(prices)], holdings={}, **changes))


def test_from_flat_to_flat_is_one_round_trip_however_many_fills() -> None:
    done = trips(
        (1, "buy", 2.0, 100.0, 0.2, 0.0),
        (3, "buy", 2.0, 110.0, 0.2, 0.0),
        (4, "sell", 1.0, 120.0, 0.1, 15.0),
        (9, "sell", 3.0, 90.0, 0.3, -45.0),
    )
    assert (done["side"], done["status"], done["fills"]) == (["long"], ["closed"], [4])
    assert (done["entry_time"], done["exit_time"]) == ([START + MINUTE], [START + 9 * MINUTE])
    assert (done["entry_order"], done["exit_order"], done["bars"]) == ([1], [4], [8])
    assert done["quantity"] == [4.0]
    assert done["entry_price"] == [105.0] and done["exit_price"] == [97.5]
    assert done["fees"] == [pytest.approx(0.8)]
    assert done["pnl"] == [pytest.approx(-30.8)]
    assert done["return"] == [pytest.approx(-30.8 / 420.0)]


def test_a_fill_through_zero_ends_one_trip_and_opens_the_next_with_its_fee_divided() -> None:
    done = trips(
        (0, "buy", 1.0, 100.0, 0.1, 0.0),
        (5, "sell", 3.0, 110.0, 0.3, 10.0),
        (7, "buy", 2.0, 105.0, 0.2, 10.0),
    )
    assert done["side"] == ["long", "short"]
    assert done["quantity"] == pytest.approx([1.0, 2.0])
    assert done["fees"] == pytest.approx([0.2, 0.4])
    assert done["pnl"] == pytest.approx([9.8, 9.6])
    assert done["entry_price"] == pytest.approx([100.0, 110.0])
    assert done["exit_price"] == pytest.approx([110.0, 105.0])
    assert done["exit_order"] == [2, 3] and done["entry_order"] == [1, 2]


def test_a_position_open_at_the_end_is_an_open_trade_valued_at_the_mark() -> None:
    held = {
        "strategy": ["S"],
        "symbol": ["X"],
        "quantity": [0.6],
        "unrealized_pnl": [1.2],
        "realized_pnl": [0.4],
        "mark": [102.0],
    }
    run = outcome(
        fills=fills((0, "buy", 1.0, 100.0, 0.1, 0.0), (1, "sell", 0.4, 101.0, 0.1, 0.4)), bars=[market()], holdings=held
    )
    done = round_trips(run)
    assert (done["status"], done["open_quantity"]) == (["open"], [0.6])
    assert done["pnl"] == [pytest.approx(0.4 + 1.2 - 0.2)]
    assert [done[name] for name in ("exit_time", "exit_price", "exit_rule", "exit_order")] == [[None]] * 4
    assert done["bars"] == [100]


def test_a_position_that_a_settlement_ended_is_a_closed_trade() -> None:
    held = {
        "strategy": ["S"],
        "symbol": ["X"],
        "quantity": [0.0],
        "unrealized_pnl": [0.0],
        "realized_pnl": [7.0],
        "mark": [1.0],
    }
    done = round_trips(outcome(fills=fills((0, "buy", 10.0, 0.3, 0.0, 0.0)), bars=[market()], holdings=held))
    assert (done["status"], done["exit_rule"], done["pnl"]) == (["closed"], ["settlement"], [7.0])
    assert done["exit_price"] == [pytest.approx(1.0)]


def test_the_exit_price_of_a_settlement_is_not_the_last_mark() -> None:
    held = {
        "strategy": ["S"],
        "symbol": ["X"],
        "quantity": [0.0],
        "unrealized_pnl": [0.0],
        "realized_pnl": [3.0],
        "mark": [0.6],
    }
    done = round_trips(outcome(fills=fills((0, "sell", 10.0, 0.3, 0.5, 0.0)), bars=[market()], holdings=held))
    assert (done["pnl"], done["exit_price"]) == ([pytest.approx(2.5)], [pytest.approx(0.0)])


def test_flat_is_recognised_where_floats_would_leave_dust() -> None:
    done = trips(
        (0, "buy", 0.1, 10.0, 0.0, 0.0),
        (1, "buy", 0.2, 10.0, 0.0, 0.0),
        (2, "sell", 0.3, 10.0, 0.0, 0.0),
        (3, "sell", 0.1, 10.0, 0.0, 0.0),
        (4, "buy", 0.1, 10.0, 0.0, 0.0),
    )
    assert done["side"] == ["long", "short"]


def test_a_fee_in_the_base_asset_ends_the_trip_when_the_rest_is_sold() -> None:
    paid = fills((0, "buy", 1.0, 100.0, 0.001, 0.0), (1, "sell", 0.999, 101.0, 0.0, 0.9))
    paid["fee_currency"][0] = "X"
    paid["change"] = [99_900_000, -99_900_000]
    done = round_trips(outcome(fills=paid, bars=[market()]))
    assert (done["status"], done["fees"]) == (["closed"], [0.0])


def test_strategies_and_instruments_are_followed_apart() -> None:
    both = fills((0, "buy", 1.0, 100.0, 0.0, 0.0), (1, "sell", 1.0, 90.0, 0.0, 0.0))
    both["strategy"] = ["A", "B"]
    done = round_trips(outcome(fills=both, bars=[market()], holdings={}))
    assert (done["side"], done["status"]) == (["long", "short"], ["open", "open"])


def test_fees_in_another_currency_are_left_out() -> None:
    other = fills((0, "buy", 1.0, 100.0, 0.5, 0.0), (1, "sell", 1.0, 101.0, 0.5, 1.0))
    other["fee_currency"] = ["BNB", "USD"]
    done = round_trips(outcome(fills=other, bars=[]))
    assert done["fees"] == [0.5] and done["pnl"] == [0.5] and done["bars"] == [0]


# ---------------------------------------------------------------- excursions

WAVE = [100, 100, 90, 120, 110, 105, 80, 130, 100, 100]


@pytest.mark.parametrize(
    ("side", "worst", "best"),
    [("buy", 90 / 100 - 1, 120 / 100 - 1), ("sell", -(120 / 100 - 1), 1 - 90 / 100)],
)
def test_excursions_are_the_extremes_of_the_bars_held(side: str, worst: float, best: float) -> None:
    # In at the open of bar 1, out at the open of bar 5: bars 1 to 4 were seen whole, 80 and 130 came later.
    other = "sell" if side == "buy" else "buy"
    done = trips((1, side, 1.0, 100.0, 0.0, 0.0), (5, other, 1.0, 105.0, 0.0, 5.0), prices=WAVE)
    assert done["mae"] == [pytest.approx(worst)] and done["mfe"] == [pytest.approx(best)]


def test_the_bar_in_which_an_order_filled_on_its_way_counts_with_the_fill_only() -> None:
    # A stop at 95 in bar 2 (low 90): stamped with that bar's close.
    done = trips((1, "buy", 1.0, 100.0, 0.0, 0.0), (3, "sell", 1.0, 95.0, 0.0, -5.0, "bar_touch"), prices=WAVE)
    assert done["mae"] == [pytest.approx(-0.05)] and done["mfe"] == [0.0]


def test_a_trade_that_saw_no_whole_bar_has_the_excursion_of_its_fills() -> None:
    done = trips((5, "buy", 1.0, 100.0, 0.0, 0.0), (5, "sell", 1.0, 104.0, 0.0, 4.0), prices=WAVE)
    assert done["mae"] == [0.0] and done["mfe"] == [pytest.approx(0.04)] and done["bars"] == [0]


def test_the_last_bar_belongs_to_a_trade_that_is_still_open() -> None:
    done = trips((7, "buy", 1.0, 100.0, 0.0, 0.0), prices=[100] * 9 + [50])
    assert done["status"] == ["open"] and done["mae"] == [-0.5]


def ticks(rows: list[tuple[float, float]]) -> Any:
    """Trades at (minute, price)."""
    minutes, prices = np.array(rows).T
    times = START + (minutes * MINUTE).astype(np.int64)
    one = np.ones(len(rows), dtype=np.int64)
    return TradeColumns("X", times, times, (prices * 100).astype(np.int64), one, one, 2, 0, "ticks")


def test_where_there_are_trades_they_are_looked_at_and_not_the_bars() -> None:
    rows = [(0.5, 50.0), (1.0, 100.0), (1.2, 97.0), (1.9, 108.0), (2.0, 105.0), (2.1, 30.0)]
    done = trips((1, "buy", 1.0, 100.0, 0.0, 0.0), (2, "sell", 1.0, 105.0, 0.0, 5.0), prices=WAVE, data=[ticks(rows)])
    assert done["mae"] == [pytest.approx(-0.03)] and done["mfe"] == [pytest.approx(0.08)] and done["bars"] == [1]


def test_quotes_count_with_the_side_at_which_the_position_would_be_closed() -> None:
    times = START + np.array([1, 2, 3], dtype=np.int64) * MINUTE
    one = np.ones(3, dtype=np.int64)
    bids, asks = np.array([99, 95, 104], dtype=np.int64), np.array([101, 97, 106], dtype=np.int64)
    quotes = QuoteColumns("X", times, times, bids, one, asks, one, 0, 0, "quotes")
    long = trips((1, "buy", 1.0, 101.0, 0.0, 0.0), (3, "sell", 1.0, 104.0, 0.0, 3.0), prices=WAVE, data=[quotes])
    short = trips((1, "sell", 1.0, 99.0, 0.0, 0.0), (3, "buy", 1.0, 106.0, 0.0, -7.0), prices=WAVE, data=[quotes])
    assert (long["mae"], long["mfe"]) == ([pytest.approx(95 / 101 - 1)], [pytest.approx(104 / 101 - 1)])
    assert (short["mae"], short["mfe"]) == ([pytest.approx(1 - 106 / 99)], [pytest.approx(1 - 97 / 99)])


# ---------------------------------------------------------------- against a plain loop


def walked(run: Any) -> list[tuple[Any, ...]]:
    """The same trips by a loop over fills and bars that a reader can check."""
    names = ("strategy", "symbol", "side", "time", "quantity", "price", "fee", "realized_pnl")
    open_trips: dict[tuple[str, str], dict[str, Any]] = {}
    done: list[tuple[Any, ...]] = []
    market_bars = {one.symbol: one for one in run.bars}
    for strategy, symbol, side, time, quantity, price, fee, gross in zip(*(run.fills[n] for n in names), strict=True):
        left, key = quantity, (strategy, symbol)
        while left > 1e-12:
            trip = open_trips.setdefault(
                key, {"side": side, "entry": time, "q": 0.0, "pnl": 0.0, "prices": [], "n": 0.0}
            )
            closes = trip["side"] != side
            part = min(left, trip["q"]) if closes else left
            trip["q"] = round(trip["q"] + (-part if closes else part), 8)
            trip["n"] += 0.0 if closes else part
            trip["pnl"] += (gross if closes else 0.0) - fee * part / quantity
            trip["prices"].append(price)
            left = round(left - part, 8)
            if trip["q"] == 0:
                one = market_bars[symbol]
                seen = [i for i in range(len(one)) if one.open_time[i] >= trip["entry"] and one.close_time[i] <= time]
                low = min([*trip["prices"], *(one.prices("low")[i] for i in seen)])
                high = max([*trip["prices"], *(one.prices("high")[i] for i in seen)])
                done.append((strategy, symbol, trip["side"], trip["entry"], time, trip["n"], trip["pnl"], low, high))
                del open_trips[key]
    return done


@pytest.mark.parametrize("seed", range(20))
def test_random_fills_give_what_a_plain_loop_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moves = np.round(100 + np.cumsum(rng.normal(0, 1, 200)), 2)
    rows, owners, positions = [], [], {"A": 0.0, "B": 0.0}
    for minute in np.sort(rng.integers(0, 190, 120)):
        # Back towards flat more often than away from it, so that many trips end.
        owner = ("A", "B")[rng.integers(2)]
        side = "sell" if (positions[owner] > 0) == bool(rng.random() < 0.75) else "buy"
        size = float(rng.integers(1, 5)) / 10
        positions[owner] += size if side == "buy" else -size
        rows.append((int(minute), side, size, float(rng.integers(90, 110)), 0.01, 0.0))
        owners.append(owner)
    told = fills(*rows)
    told["strategy"] = owners
    run = outcome(fills=told, bars=[market(moves)], holdings={})
    got = round_trips(run)
    closed = [at for at, status in enumerate(got["status"]) if status == "closed"]
    expected = sorted(walked(run), key=lambda row: (row[4], row[3]))
    assert len(closed) == len(expected) > 10
    actual = sorted(
        (
            got["strategy"][at],
            got["symbol"][at],
            {"long": "buy", "short": "sell"}[got["side"][at]],
            got["entry_time"][at],
            got["exit_time"][at],
            got["quantity"][at],
            got["pnl"][at],
        )
        for at in closed
    )
    for one, other in zip(actual, sorted(row[:7] for row in expected), strict=True):
        assert one[:5] == other[:5] and one[5:] == pytest.approx(other[5:], abs=1e-9)
    for at in closed:
        row = next(
            row
            for row in expected
            if row[0] == got["strategy"][at]
            and row[3:5] == (got["entry_time"][at], got["exit_time"][at])
            and abs(row[6] - got["pnl"][at]) < 1e-9
        )
        entry, sign = got["entry_price"][at], 1 if got["side"][at] == "long" else -1
        edges = sorted((sign * (row[7] / entry - 1), sign * (row[8] / entry - 1)))
        assert got["mae"][at] == pytest.approx(min(edges[0], 0.0), abs=1e-9)
        assert got["mfe"][at] == pytest.approx(max(edges[1], 0.0), abs=1e-9)


def test_forty_thousand_fills_on_a_million_bars_take_well_under_a_second() -> None:
    prices = np.full(1_000_000, 100.0)
    minutes = np.arange(40_000) * 25
    count = len(minutes)
    told: dict[str, list[Any]] = {
        "strategy": ["S"] * count,
        "symbol": ["X"] * count,
        "side": ["buy", "sell"] * (count // 2),
        "time": (START + minutes * MINUTE).tolist(),
        "quantity": [1.0] * count,
        "price": [100.0] * count,
        "fee": [0.1] * count,
        "fee_currency": ["USD"] * count,
        "realized_pnl": [0.0] * count,
        "rule": ["bar_next_open"] * count,
        "order": list(range(count)),
        "change": [10**8, -(10**8)] * (count // 2),
        "value": [100.0] * count,
    }
    run = outcome(fills=told, bars=[market(prices)], holdings={})
    started = process_time()
    done = round_trips(run)
    # 0.15 s of processor time on an idle machine.
    assert process_time() - started < 1.0
    assert len(done["pnl"]) == 20_000 and set(done["bars"]) == {25}


def test_no_fills_are_no_trips_with_the_same_columns() -> None:
    none: dict[str, list[Any]] = {name: [] for name in NAMES}
    assert round_trips(outcome(fills=none)) == {name: [] for name in COLUMNS}


def test_time_in_the_market_joins_what_overlaps_and_runs_to_the_end() -> None:
    spans = {"entry_time": [1, 6, 2, 8], "exit_time": [4, None, 3, 9]}
    assert time_in_market(spans, 10) == 3 + 4
