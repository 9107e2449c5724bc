"""`Result`: frames, figures, charts and the report of a run, from the plain columns a runtime hands over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis import Result, Stats
from cracktrader.analysis.plot import MAX_CANDLES, MAX_POINTS, thin
from cracktrader.data import load
from cracktrader.errors import ConfigError
from cracktrader.runtime.outcome import RunOutcome

MINUTE = 60_000_000_000
START = 1_704_067_200_000_000_000

FILLS = "order strategy symbol time side quantity price fee fee_currency liquidity realized_pnl rule".split()
ORDERS = (
    "order strategy symbol side order_type time_in_force quantity limit_price status filled_quantity average_price "
    "code created closed"
).split()
POSITIONS = "symbol quantity average_price realized_pnl fees mark unrealized_pnl".split()


def columns(names: list[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def bars(prices: Any, symbol: str = "X") -> Any:
    stamps = START + MINUTE * np.arange(len(prices), dtype=np.int64)
    return load(dict.fromkeys(("open", "high", "low", "close"), prices) | {"time": stamps}, symbol=symbol, every="1m")[
        0
    ]


def outcome(**changes: Any) -> RunOutcome:
    """A run over five bars: bought at 101 on minute 1, sold at 103 on minute 3, one bar each side in cash."""
    market = bars(np.array([100.0, 101.0, 102.0, 103.0, 104.0]))
    fills = [
        (1, "S", "X", START + MINUTE, "buy", 10.0, 101.0, 1.01, "USD", "taker", 0.0, "next_open"),
        (2, "S", "X", START + 3 * MINUTE, "sell", 10.0, 103.0, 1.03, "USD", "taker", 20.0, "next_open"),
    ]
    times = (START + MINUTE, START + 3 * MINUTE)
    orders = [
        (1, "S", "X", "buy", "market", "GTC", 10.0, None, "Filled", 10.0, 101.0, "", times[0], times[0]),
        (2, "S", "X", "sell", "market", "GTC", 10.0, None, "Filled", 10.0, 103.0, "", times[1], times[1]),
    ]
    run: dict[str, Any] = {
        "engine": "rust",
        "state_hash": "ab" * 32,
        "contract_version": 1,
        "events": 11,
        "seconds": 0.001,
        "currency": "USD",
        "initial_cash": 10_000.0,
        "seed": 7,
        "equity": {
            "time": market.event_time,
            "equity": np.array([10_000.0, 9_998.99, 10_008.99, 10_017.96, 10_017.96]),
            "cash": np.array([10_000.0, 8_988.99, 8_988.99, 10_017.96, 10_017.96]),
        },
        "fills": columns(FILLS, fills),
        "orders": columns(ORDERS, orders),
        "positions": columns(POSITIONS, [("X", 0.0, None, 20.0, 2.04, 104.0, 0.0)]),
        "errors": [],
        "log": [],
        "diagnostics": {},
        "stopped": "",
        "bars": [market],
        "strategies": [{"name": "S", "parameters": {"fast": 5}}],
    }
    return RunOutcome(**(run | changes))


def nothing_filled(**changes: Any) -> RunOutcome:
    idle = {"fills": columns(FILLS, []), "orders": columns(ORDERS, [])}
    return outcome(**(idle | changes))


# ---------------------------------------------------------------- figures and frames


def test_the_figures_of_a_small_run_are_those_worked_by_hand() -> None:
    stats = Result(outcome()).stats
    assert stats.final_equity == pytest.approx(10_017.96)
    assert stats.total_return == pytest.approx(0.001796)
    assert stats.buy_and_hold_return == pytest.approx(0.04)
    assert stats.max_drawdown == pytest.approx(-1.01 / 10_000)
    assert stats.exposure == pytest.approx(2 / 5)
    assert (stats.trades, stats.fills, stats.orders, stats.win_rate) == (1, 2, 2, 1.0)
    assert stats.expectancy == pytest.approx(20.0 - 2.04)
    assert stats.fees == pytest.approx(2.04)
    assert stats.profit_factor is None
    assert stats.turnover == pytest.approx(2_040.0 / np.mean([10_000.0, 9_998.99, 10_008.99, 10_017.96, 10_017.96]))


def test_figures_are_attributes_a_mapping_and_a_table() -> None:
    stats = Result(outcome()).stats
    assert isinstance(stats, Stats)
    assert stats["sharpe"] == stats.sharpe and dict(stats)["trades"] == 1 and len(stats) == len(list(stats))
    with pytest.raises(KeyError, match="the statistics are initial_cash"):
        stats["sharp"]
    assert "Sharpe ratio" in repr(stats) and "0.18 %" in repr(stats)


def test_frames_have_utc_times_and_declared_types() -> None:
    result = Result(outcome())
    assert result.trades.select("side", "quantity", "bars").rows() == [("long", 10.0, 2)]
    assert result.trades["pnl"].to_list() == [pytest.approx(17.96)]
    for frame, name in ((result.fills, "time"), (result.orders, "created"), (result.equity, "time")):
        assert frame.schema[name] == pl.Datetime("ns", "UTC")
    assert result.orders["limit_price"].to_list() == [None, None]
    assert result.positions["average_price"].to_list() == [None]
    assert result.equity.columns == ["time", "equity", "cash"]


def test_a_run_without_fills_has_frames_of_the_same_types() -> None:
    traded, idle = Result(outcome()), Result(nothing_filled())
    for name in ("trades", "fills", "orders"):
        assert getattr(idle, name).schema == getattr(traded, name).schema
        assert getattr(idle, name).is_empty()
    assert idle.stats.win_rate is None and idle.stats.exposure == 0.0


def test_a_run_over_no_rows_still_has_figures() -> None:
    none = np.array([], dtype=np.int64)
    empty = {"time": none, "equity": none.astype(float), "cash": none.astype(float)}
    result = Result(nothing_filled(equity=empty, bars=[]))
    assert result.stats.final_equity == 10_000.0 and result.stats.sharpe is None and result.stats.exposure is None
    assert "0 round trips" in repr(result)


def test_rows_without_a_total_are_left_out_of_the_figures(tmp_path: Path) -> None:
    run = outcome()
    run.equity["equity"][1:3] = np.nan
    result = Result(run)
    assert result.stats.final_equity == pytest.approx(10_017.96) and result.stats.sharpe is not None
    assert result.stats.max_drawdown == 0.0
    assert "NaN" not in result.report(tmp_path / "r.html").read_text().partition("<script>")[0]


def test_the_representation_is_one_line_that_names_strategy_engine_and_state() -> None:
    text = repr(Result(outcome()))
    assert text == "Result(S: return 0.18 %, 1 round trips, 11 events on rust, state abababababab)"


# ---------------------------------------------------------------- why nothing was traded


def denied(code: str, count: int) -> dict[str, list[Any]]:
    row = (1, "S", "X", "buy", "market", "GTC", 10.0, None, "Denied", 0.0, None, code, START, START)
    return columns(ORDERS, [row] * count)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "the strategy placed no order in 5 bars"),
        ({"orders": denied("E_FUNDS", 3)}, "3 orders, no fill. They ended as: 3 Denied with E_FUNDS."),
        ({"diagnostics": {"E_LOOP": 2}}, "no intent became an order. Refused: E_LOOP 2 times."),
        (
            {"errors": ["seq 3\nTraceback\nZeroDivisionError: division by zero"]},
            "raised (ZeroDivisionError: division by",
        ),
    ],
)
def test_a_run_without_fills_says_why(changes: dict[str, Any], expected: str) -> None:
    assert expected in Result(nothing_filled(**changes)).why_no_trades()


def test_an_order_that_the_market_never_reached_is_said_to_be_open() -> None:
    resting = (1, "S", "X", "buy", "limit", "GTC", 10.0, 1.0, "Accepted", 0.0, None, "", START, None)
    text = Result(nothing_filled(orders=columns(ORDERS, [resting]))).why_no_trades()
    assert "1 Accepted" in text and "never reached by the market" in text


def test_a_run_with_fills_needs_no_reason() -> None:
    assert Result(outcome()).why_no_trades() == ""


# ---------------------------------------------------------------- charts and report


def test_a_short_run_is_drawn_with_candles_fills_equity_and_drawdown() -> None:
    figure = Result(outcome()).plot()
    assert [trace.type for trace in figure.data] == [
        "candlestick",
        "scatter",
        "scatter",
        "scatter",
        "scatter",
        "scatter",
    ]
    assert [trace.name for trace in figure.data][1:] == ["buy", "sell", "buy and hold", "equity", "drawdown"]
    assert list(figure.data[1].y) == [101.0] and list(figure.data[2].y) == [103.0]


def test_a_long_run_is_drawn_as_a_line_that_keeps_its_extremes() -> None:
    prices = np.full(20_000, 100.0)
    prices[[7_001, 7_002]] = [250.0, 20.0]
    equity = np.full(20_000, 10_000.0)
    equity[11_111] = 5_000.0
    market = bars(prices)
    run = outcome(bars=[market], equity={"time": market.event_time, "equity": equity, "cash": equity})
    price, *_, line, below = Result(run).plot().data
    assert price.type == "scatter" and len(price.y) <= MAX_POINTS + 4
    assert (max(price.y), min(price.y)) == (250.0, 20.0)
    assert min(line.y) == 5_000.0 and min(below.y) == -0.5


def test_thinning_keeps_short_series_whole_and_long_ones_in_order() -> None:
    assert thin(np.arange(MAX_CANDLES, dtype=float)).tolist() == list(range(MAX_CANDLES))
    kept = thin(np.sin(np.arange(123_457) / 50.0))
    assert len(kept) <= MAX_POINTS + 4 and (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, 123_456)


def test_instruments_may_be_chosen_and_unknown_ones_are_refused() -> None:
    run = outcome(bars=[bars(np.array([1.0, 2.0])), bars(np.array([3.0, 4.0]), "Y")])
    assert {trace.name for trace in Result(run).plot("Y").data} == {"Y", "equity", "drawdown"}
    with pytest.raises(ConfigError, match="no bars of Z in this run: it has X, Y"):
        Result(run).plot(["Z"])


def test_the_report_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    path = Result(outcome()).report(tmp_path / "new" / "report.html")
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 6_000_000
    own = text[: text.index("<script>")]
    for expected in (
        "<h1>S</h1>",
        "fast 5",
        "X (5 bars)",
        "2024-01-01 to 2024-01-01",
        "ab" * 32,
        "Round trips (1)",
        "+17.96",
    ):
        assert expected in own, expected
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", own)
    assert "Plotly.newPlot" in text


def test_the_same_run_writes_the_same_report(tmp_path: Path) -> None:
    first = Result(outcome()).report(tmp_path / "a.html").read_bytes()
    assert first == Result(outcome()).report(tmp_path / "b.html").read_bytes()


def test_the_report_of_an_idle_or_broken_run_says_so_and_escapes_what_it_shows(tmp_path: Path) -> None:
    run = nothing_filled(
        stopped="invariant <5>",
        errors=["seq 3: <script>alert(1)</script>"],
        strategies=[{"name": "<b>S</b>", "parameters": {}}],
    )
    text = Result(run).report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The run stopped early: invariant &lt;5&gt;" in text
    assert "&lt;script&gt;alert(1)" in text and "<b>S</b>" not in text
    assert "Nothing was traded: the strategy raised" in text and "No round trip was closed." in text


def test_only_the_first_five_hundred_round_trips_are_listed(tmp_path: Path) -> None:
    rows = []
    for trip in range(501):
        at = START + trip * 2 * MINUTE
        rows.append((1, "S", "X", at, "buy", 1.0, 100.0, 0.0, "USD", "taker", 0.0, "next_open"))
        rows.append((2, "S", "X", at + MINUTE, "sell", 1.0, 101.0, 0.0, "USD", "taker", 1.0, "next_open"))
    text = Result(outcome(fills=columns(FILLS, rows))).report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Round trips (first 500 of 501)" in text and "<tr><td>500</td>" in text and "<tr><td>501</td>" not in text
