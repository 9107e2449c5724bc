"""A saved run is plain data, and loads as the same run; what is no saved run is refused with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis import Result
from cracktrader.analysis.backtest import backtest
from cracktrader.data import load, sample
from cracktrader.data.columns import TradeColumns
from cracktrader.errors import DataError
from cracktrader.strategy import SMA, Bollinger, Strategy, StrategyContext
from tests.unit.finished_runs import MINUTE, START, nothing_filled


class Cross(Strategy):
    """Half of the equity while the fast average is above the slow one."""

    def on_start(self, ctx: StrategyContext) -> None:
        self.fast, self.slow = ctx.indicator(SMA(20)), ctx.indicator(SMA(50))
        self.bands = ctx.indicator(Bollinger(20))

    def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
        if self.fast.crossed_above(self.slow):
            ctx.target(percent=0.5)
        elif self.fast.crossed_below(self.slow):
            ctx.target(0)


@pytest.fixture(scope="module")
def run() -> Result:
    return backtest(Cross, {"SPX": sample("sp500_1d").head(600)}, fees=0.001, engine="python")


FRAMES = ("trades", "orders", "fills", "equity", "positions", "by_strategy", "log", "data_report", "indicators")


def test_a_loaded_run_is_the_run_that_was_saved(run: Result, tmp_path: Path) -> None:
    loaded = Result.load(run.save(tmp_path / "run"))
    assert run.stats.trades > 3
    names = ["fast SMA(20)", "slow SMA(50)", *(f"bands Bollinger(20) {line}" for line in ("middle", "upper", "lower"))]
    assert run.indicators["name"].unique(maintain_order=True).to_list() == names
    assert repr(loaded) == repr(run) and loaded.stats == run.stats
    for name in FRAMES:
        assert getattr(loaded, name).equals(getattr(run, name)), name
    for name in ("config", "state_hash", "engine", "events", "errors", "diagnostics", "warnings"):
        assert getattr(loaded, name) == getattr(run, name), name


def test_a_run_without_trades_survives_the_disk_with_its_reason(tmp_path: Path) -> None:
    run = Result(nothing_filled(log=[(3, 60_000_000_000, "S", "waiting")]))
    loaded = Result.load(run.save(tmp_path / "run"))
    assert loaded.why_no_trades == run.why_no_trades != ""
    assert loaded.trades.schema == run.trades.schema and loaded.log.equals(run.log)
    assert loaded.log["text"].to_list() == ["waiting"]


def test_ticks_and_what_was_repaired_in_the_data_are_saved_with_the_run(tmp_path: Path) -> None:
    times = START + np.arange(5) * MINUTE
    rows = {"time": times, "open": [9.0] * 5, "high": [9.0] * 5, "low": [9.0] * 5, "close": [9.0, 9.0, None, 9.0, 9.0]}
    (repaired,) = load(pl.DataFrame(rows), symbol="X", repair="drop")
    one = np.ones(5, dtype=np.int64)
    trades = TradeColumns("Y", times, times, one * 9, one, one, 0, 0, "ticks")
    run = Result(nothing_filled(bars=[repaired], data=[repaired, trades]))
    loaded = Result.load(run.save(tmp_path / "run"))
    assert loaded.warnings == run.warnings and "4 of 5 rows kept" in run.warnings[-1]
    assert loaded.data_report.equals(run.data_report)
    assert loaded.data_report["kind"].to_list() == ["bars", "trades"]
    assert loaded.outcome.bars[0] is loaded.outcome.data[0]


def test_saving_twice_writes_the_same_files_and_never_over_anything_else(run: Result, tmp_path: Path) -> None:
    first, second = run.save(tmp_path / "a"), run.save(run.save(tmp_path / "b"))
    assert {one.name: one.read_bytes() for one in first.iterdir()} == {
        one.name: one.read_bytes() for one in second.iterdir()
    }
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="is there and is no saved run"):
        run.save(tmp_path / "notes")


def test_what_is_no_saved_run_is_refused_with_the_reason(run: Result, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no saved run: manifest.json is missing"):
        Result.load(tmp_path / "nothing")
    folder = run.save(tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text())
    for changed, message in (
        (manifest | {"version": 99}, "has version 99, this program reads version 1"),
        (manifest | {"format": "other"}, "its format is not 'cracktrader-run'"),
        ({key: value for key, value in manifest.items() if key != "seed"}, "KeyError: 'seed'"),
    ):
        (folder / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(DataError, match=message):
            Result.load(folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest.json cannot be read"):
        Result.load(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "fills.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"fills.parquet cannot be read"):
        Result.load(folder)
