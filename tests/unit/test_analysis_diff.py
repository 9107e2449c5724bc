"""Two runs compared: what went in comes first, then the first fill that differs, then the profit that follows."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

import cracktrader as ct
from cracktrader.analysis.diff import compare, facts
from cracktrader.data import random_walk

FRAME = random_walk(seed=2, bars=400)


class Cross(ct.Strategy):
    fast: int = 5

    def on_start(self, ctx: Any) -> None:
        self.quick, self.slow = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.SMA(20))

    def on_bar(self, ctx: Any, bar: Any) -> None:
        if self.quick.crossed_above(self.slow):
            ctx.target(1)
        elif self.quick.crossed_below(self.slow):
            ctx.target(-1)


def run(strategy: Any = Cross, data: Any = FRAME, **options: Any) -> ct.Result:
    return ct.backtest(strategy, data, quiet=True, **{"engine": "python"} | options)


BASE = run()


def test_a_run_and_itself_again_are_the_same() -> None:
    diff = compare(BASE, run(), ("before", "after"))
    assert diff.is_same and not diff.differences
    assert str(diff) == "before and after are the same run"


@pytest.mark.parity
def test_the_core_that_ran_makes_no_difference_that_counts() -> None:
    diff = compare(BASE, run(engine="rust"))
    assert diff.is_same
    assert [(one.part, one.where, one.one, one.other) for one in diff.differences] == [
        ("engine", "core", "python", "rust")
    ]
    assert "the same went in and the same came out" in str(diff)


def test_a_parameter_comes_before_the_fill_that_it_moved() -> None:
    diff = compare(BASE, run(Cross(fast=7)), ("pinned", "now"))
    assert not diff.is_same
    first = diff.differences[0]
    assert (first.part, first.where, first.one, first.other) == ("parameters", "Cross.fast", 5, 7)
    fill = diff.of("fills")[0]
    number = int(fill.where.removeprefix("fill "))
    rows = [
        dict(zip(facts(one)["fills"]["columns"], facts(one)["fills"]["rows"][number - 1], strict=True))
        for one in (BASE, run(Cross(fast=7)))
    ]
    assert [fill.one, fill.other] == rows and rows[0] != rows[1]
    told = str(diff).splitlines()
    assert told[:2] == ["parameters:", "  Cross.fast: pinned 5, now 7"]
    assert f"first fill that differs, number {number}:" in told
    assert any(line.startswith("profit: pinned ") for line in told)


def test_an_option_is_named_by_its_path_in_the_configuration() -> None:
    diff = compare(BASE, run(fees=0.001, venue=ct.Venue(slippage_bps=5)))
    assert [one.where for one in diff.of("configuration")] == [
        "venues[simulator].slippage",
        "instruments[data].maker_fee",
        "instruments[data].taker_fee",
    ]
    assert "  instruments[data].taker_fee: A 0 (0 bps), B 0.001 (10 bps)" in str(diff).splitlines()
    fee = compare(BASE, run(fees=0.001)).of("fills")[0]
    assert fee.where == "fill 1" and fee.one["fee"] == 0.0 < fee.other["fee"]


def test_of_data_the_column_or_the_number_of_rows_is_named() -> None:
    volume = compare(BASE, run(data=FRAME.with_columns(pl.col("volume") + 1)))
    assert [(one.part, one.where) for one in volume.differences] == [("data", "data bars: volume")]
    assert "what came of it is the same" in str(volume)
    shorter = compare(BASE, run(data=FRAME.head(300)))
    assert next((one.where, one.one, one.other) for one in shorter.of("data")) == ("data bars: rows", 400, 300)
    assert "now" not in str(shorter) and "none" in str(shorter)
    renamed = compare(BASE, run(data={"X": FRAME}))
    assert [(one.where, one.one, one.other) for one in renamed.of("data")] == [
        ("data bars", "400 rows", "none"),
        ("X bars", "none", "400 rows"),
    ]


def test_other_code_is_said_to_be_that() -> None:
    class Other(Cross):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            if self.quick.crossed_above(self.slow):
                ctx.target(2)

    Other.__name__ = "Cross"
    assert "the strategy's code is another one" in str(compare(BASE, run(Other)))


def test_facts_are_plain_json_and_compare_as_the_run_does() -> None:
    told = json.loads(json.dumps(facts(BASE.outcome), allow_nan=False))
    assert compare(told, BASE).is_same and compare(BASE, told).is_same


def test_rows_that_are_not_kept_are_compared_by_their_digest() -> None:
    few = facts(BASE, rows=1)
    assert len(few["fills"]["rows"]) == 1 < few["fills"]["count"]
    assert compare(few, facts(BASE)).is_same
    other = facts(run(Cross(fast=5), venue=ct.Venue(slippage_bps=9)), rows=0)
    diff = compare(facts(BASE, rows=0), other)
    assert [one.where for one in diff.of("fills")] == ["fills after the first 0"]
    assert "fills after the first 0 differ" in str(diff)


def test_a_saved_run_compares_with_the_run_it_was(tmp_path: Any) -> None:
    saved = ct.Result.load(BASE.save(tmp_path / "run"))
    assert compare(BASE, saved).is_same
    assert not compare(saved, run(Cross(fast=9))).is_same
