"""`Result`: figures and frames of a run, from the plain columns a runtime hands over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis import Result, Stats
from tests.unit.finished_runs import nothing_filled, outcome

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
    assert "no data" in repr(result) and "The data has no rows" in repr(result)


def test_rows_without_a_total_are_left_out_of_the_figures(tmp_path: Path) -> None:
    run = outcome()
    run.equity["equity"][1:3] = np.nan
    result = Result(run)
    assert result.stats.final_equity == pytest.approx(10_017.96)
    assert result.stats.max_drawdown == 0.0 and result.stats.sharpe is None
    assert "NaN" not in result.report(tmp_path / "r.html").read_text().partition("<script")[0]


def test_the_representation_is_one_line_of_what_ran_on_what_and_what_came_of_it() -> None:
    text = repr(Result(outcome()))
    assert (
        text == "Result(S on X, 5 bars, 2024-01-01..2024-01-01: return 0.2 %, Sharpe -, max drawdown -0.0 %, 1 trade)"
    )
    assert "Nothing was traded" in repr(Result(nothing_filled())) and "\n" not in repr(Result(nothing_filled()))
    assert "the strategy raised" in repr(Result(outcome(errors=["seq 4, strategy S:\nValueError"])))
