"""Charts and the report of a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cracktrader.analysis import Result
from cracktrader.analysis.plot import MAX_CANDLES, MAX_POINTS, thin
from cracktrader.errors import ConfigError
from tests.unit.finished_runs import FILLS, MINUTE, START, bars, columns, nothing_filled, outcome

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
    assert "Nothing was traded. The run stopped early" in text and "No round trip was closed." in text


def test_only_the_first_five_hundred_round_trips_are_listed(tmp_path: Path) -> None:
    rows = []
    for trip in range(501):
        at = START + trip * 2 * MINUTE
        rows.append((1, "S", "X", at, "buy", 1.0, 100.0, 0.0, "USD", "taker", 0.0, "next_open"))
        rows.append((2, "S", "X", at + MINUTE, "sell", 1.0, 101.0, 0.0, "USD", "taker", 1.0, "next_open"))
    text = Result(outcome(fills=columns(FILLS, rows))).report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Round trips (first 500 of 501)" in text and "<tr><td>500</td>" in text and "<tr><td>501</td>" not in text
