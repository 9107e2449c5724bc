"""Charts and the report of a run."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from gzip import decompress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cracktrader.analysis import Result
from cracktrader.analysis.backtest import backtest
from cracktrader.analysis.months import monthly, returns_by
from cracktrader.analysis.traces import MAX_CANDLES, MAX_POINTS, MAX_VOLUMES, thin
from cracktrader.data import sample
from cracktrader.errors import ConfigError
from cracktrader.runtime.venue import Venue
from cracktrader.strategy import SMA, Strategy, StrategyContext
from tests.unit.finished_runs import FILLS, MINUTE, START, bars, columns, nothing_filled, outcome

DAY = 86_400_000_000_000


class Cross(Strategy):
    """In the market while the fast average is above the slow one; says so."""

    fast: int = 20
    slow: int = 50

    def on_start(self, ctx: StrategyContext) -> None:
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(self.fast)), ctx.indicator(SMA(self.slow))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(percent=0.9)
            self.log("in at <" + str(bar.close))
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.target(0)


@pytest.fixture(scope="module")
def run() -> Result:
    return backtest([Cross(), Cross(fast=10)], {"SPX": sample("sp500_1d")}, fees=0.001, engine="python")


def page_data(text: str) -> Any:
    """What the page hands to its script."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1].replace("<\\/", "</"))


# ---------------------------------------------------------------- charts


def test_a_short_run_is_drawn_with_candles_fills_trades_equity_and_drawdown() -> None:
    figure = Result(outcome()).plot()
    drawn = {trace.name: trace for trace in figure.data}
    assert set(drawn) == {"X", "buy", "sell", "won", "equity", "drawdown", "buy and hold"}
    assert drawn["X"].type == "candlestick" and len(drawn["X"].close) == 5
    assert list(drawn["buy"].y) == [101.0] and list(drawn["sell"].y) == [103.0]
    assert list(drawn["won"].y) == [101.0, 103.0, None]
    assert drawn["equity"].y[-1] == pytest.approx(10_017.96)
    assert [title.text for title in figure.layout.annotations] == ["Equity, USD", "Drawdown", "X"]


def test_a_long_run_is_drawn_as_a_line_that_keeps_its_extremes() -> None:
    prices = np.full(20_000, 100.0)
    prices[[7_001, 7_002]] = [250.0, 20.0]
    equity = np.full(20_000, 10_000.0)
    equity[11_111] = 5_000.0
    market = bars(prices)
    run = outcome(bars=[market], equity={"time": market.event_time, "equity": equity, "cash": equity})
    drawn = {trace.name: trace for trace in Result(run).plot().data}
    price, worth, below = drawn["X"], drawn["equity"], drawn["drawdown"]
    assert price.type == "scatter" and len(price.y) <= MAX_POINTS + 4
    assert (max(price.y), min(price.y)) == (250.0, 20.0)
    assert min(worth.y) == 5_000.0 and min(below.y) == -0.5


def test_indicators_are_drawn_with_what_the_core_computed_and_volume_in_columns(run: Result) -> None:
    drawn = {trace.name: trace for trace in run.plot().data if trace.name != "buy and hold"}
    closes = sample("sp500_1d")["close"].to_numpy()
    for name, period in (("fast_ma SMA(20)", 20), ("slow_ma SMA(50)", 50), ("fast_ma SMA(10)", 10)):
        assert drawn[name].y[-1] == pytest.approx(closes[-period:].mean()), name
    assert len(drawn["volume"].y) <= MAX_VOLUMES
    assert sum(drawn["volume"].y) == pytest.approx(float(sample("sp500_1d")["volume"].sum()))


def test_an_indicator_with_a_scale_of_its_own_has_a_panel_of_its_own() -> None:
    class Volume(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            ctx.indicator(SMA(5, field="volume"))

    figure = backtest(Volume, {"SPX": sample("sp500_1d").head(100)}, engine="python").plot()
    assert [title.text for title in figure.layout.annotations][2:] == ["SPX", "SPX: indicators"]
    assert "SMA(5, field='volume')" in [trace.name for trace in figure.data]


def test_thinning_keeps_short_series_whole_and_long_ones_in_order() -> None:
    assert thin(np.arange(MAX_CANDLES, dtype=float)).tolist() == list(range(MAX_CANDLES))
    kept = thin(np.sin(np.arange(123_457) / 50.0))
    assert len(kept) <= MAX_POINTS + 4 and (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, 123_456)


def test_instruments_may_be_chosen_and_unknown_ones_are_refused() -> None:
    result = Result(outcome(bars=[bars(np.array([1.0, 2.0])), bars(np.array([3.0, 4.0]), "Y")]))
    names = {trace.name for trace in result.plot("Y").data}
    assert names == {"Y", "equity", "drawdown", "buy and hold, equal shares", "buy and hold"}
    with pytest.raises(ConfigError, match="no bars of Z in this run: it has X, Y"):
        result.plot(["Z"])


# ---------------------------------------------------------------- months


def test_a_month_counts_from_the_last_row_before_it_and_the_first_from_the_cash() -> None:
    # 2024-01-30, 31, 02-01, 02-29, 04-01: March has no row.
    days = np.array([29, 30, 31, 59, 91]) * DAY + START
    equity = np.array([11_000.0, 12_000.0, 12_000.0, 9_000.0, 18_000.0])
    (year,) = monthly(outcome(bars=[], equity={"time": days, "equity": equity, "cash": equity}))
    assert year.months == pytest.approx({1: 0.2, 2: -0.25, 4: 1.0})
    assert (year.year, year.held) == (2024, None) and year.total == pytest.approx(0.8)


@pytest.mark.parametrize(("days", "period"), [(10, "day"), (200, "month"), (2_000, "year")])
def test_returns_are_shown_by_a_period_that_gives_a_readable_number(days: int, period: str) -> None:
    times = START + np.arange(days) * DAY
    equity = np.linspace(10_000.0, 12_000.0, days)
    name, labels, own, held = returns_by(outcome(bars=[], equity={"time": times, "equity": equity, "cash": equity}))
    assert name == period and len(labels) == len(own) <= 62 and held == []
    assert np.prod(1 + np.array(own)) == pytest.approx(1.2)


# ---------------------------------------------------------------- the report


def test_the_report_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    path = Result(outcome()).report(tmp_path / "new" / "report.html")
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 6_000_000
    for expected in ("<h1>S</h1>", "fast <b>5</b>", "X (5 bars)", "2024-01-01 to 2024-01-01", "ab" * 32):
        assert expected in text, expected
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", text)
    assert "http" not in text.replace("http-equiv", "")
    packed = re.search(r'<script id="plotly" type="application/gzip">(.*?)</script>', text)
    assert packed is not None and b"plotly.js v" in decompress(b64decode(packed[1]))[:200]
    (row,) = page_data(text)["trades"]["rows"]
    assert row[:4] == [1, "long", (START + MINUTE) // 10**6, (START + 3 * MINUTE) // 10**6] and 17.96 in row


def test_a_run_of_many_bars_and_trades_stays_below_six_megabytes(run: Result, tmp_path: Path) -> None:
    text = run.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 6_000_000
    data = page_data(text)
    assert set(data["charts"]) == {"equity", "periods", "price-0", "returns", "excursions", "strategies"}
    closer = data["bars"]["price-0"]
    assert len(closer["candles"]) == 6 and "fast_ma SMA(20)" in closer["lines"]
    times = np.frombuffer(b64decode(closer["candles"][0]), dtype="<f8")
    assert len(times) == 5_031 and times[0] == 915_408_000_000
    assert len(data["trades"]["rows"]) == run.trades.height
    for expected in ("Strategies", "Log (", "in at &lt;", "SHA-256", run.data_report["sha256"][0], "margin"):
        assert expected in text, expected


def test_the_head_says_account_venue_and_fees_in_units_of_people(tmp_path: Path) -> None:
    venue = Venue(participation=0.1, slippage_bps=2, submit_latency="200ms", spread_ticks=3, touch_probability=0.5)
    text = backtest(Cross, {"X": sample("sp500_1d").head(80)}, venue=venue, fees=0.001, engine="python").report(
        tmp_path / "r.html"
    )
    chips = re.findall(r"<span><i>(.*?)</i>(.*?)</span>", text.read_text(encoding="utf-8"))
    assert chips == [
        ("account", "margin"),
        ("fill", "next_open"),
        ("submit latency", "200ms"),
        ("participation", "10 %"),
        ("slippage", "0.02 %"),
        ("spread ticks", "3"),
        ("touch probability", "50 %"),
        ("fees", "0.1 %"),
    ]


def test_the_same_run_writes_the_same_report_however_long_it_took(tmp_path: Path) -> None:
    first = Result(outcome()).report(tmp_path / "a.html").read_bytes()
    assert first == Result(outcome(seconds=99.0)).report(tmp_path / "b.html").read_bytes()


def test_a_loaded_run_writes_the_report_of_the_run_that_was_saved(run: Result, tmp_path: Path) -> None:
    again = Result.load(run.save(tmp_path / "run"))
    assert run.report(tmp_path / "a.html").read_bytes() == again.report(tmp_path / "b.html").read_bytes()


def test_the_report_of_an_idle_or_broken_run_says_so_and_escapes_what_it_shows(tmp_path: Path) -> None:
    run = nothing_filled(
        stopped="invariant <5>",
        errors=["seq 3: <script>alert(1)</script>"],
        strategies=[{"name": "<b>S</b>", "parameters": {"<i>": "</script>"}}],
    )
    text = Result(run).report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The run stopped early: invariant &lt;5&gt;" in text
    assert "&lt;script&gt;alert(1)" in text and "<b>S</b>" not in text and "<i>" not in text.partition("<script")[0]
    assert "Nothing was traded. The run stopped early" in text and "No trade was closed or opened." in text


def test_only_the_first_two_thousand_trades_are_in_the_page(tmp_path: Path) -> None:
    rows = []
    for trip in range(2_001):
        at = START + trip * 2 * MINUTE
        rows.append((1, "S", "X", at, "buy", 1.0, 100.0, 0.0, "USD", "taker", 0.0, "next_open"))
        rows.append((2, "S", "X", at + MINUTE, "sell", 1.0, 101.0, 0.0, "USD", "taker", 1.0, "next_open"))
    text = Result(outcome(fills=columns(FILLS, rows))).report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The first 2,000 of 2,001 trades; all of them are in result.trades." in text
    assert len(page_data(text)["trades"]["rows"]) == 2_000
