"""Data made otherwise after a moment: what is known stays to the bit, and what comes stays valid data."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.data import Quotes, Trades, load, random_walk
from cracktrader.data.perturbation import WAYS, Kept, perturbed

MINUTE = 60_000_000_000
ROWS = 400
KNOWN = 150


def bars(tick: int = 1) -> Any:
    frame = random_walk(seed=4, bars=ROWS, volatility=0.01)
    prices = ((pl.col(name) * 100 / tick).round() * tick / 100 for name in ("open", "high", "low", "close"))
    return load(frame.with_columns(prices))[0]


def ticks(kind: str) -> Any:
    walk = random_walk(seed=5, bars=ROWS)
    if kind == "trades":
        return load(Trades({"time": walk["time"], "price": walk["close"], "quantity": walk["volume"]}))[0]
    sides = {
        "bid": walk["low"],
        "ask": walk["low"] + 0.05,
        "bid_quantity": walk["volume"],
        "ask_quantity": walk["volume"],
    }
    return load(Quotes({"time": walk["time"]} | sides))[0]


@pytest.mark.parametrize("way", WAYS)
def test_bars_after_the_moment_are_others_and_valid(way: str) -> None:
    before = bars()
    after = perturbed(before, int(before.close_time[KNOWN - 1]), way, seed=1)
    for name in ("event_time", "open_time", "close_time", "open", "high", "low", "close", "volume"):
        assert (getattr(after, name)[:KNOWN] == getattr(before, name)[:KNOWN]).all()
    assert len(after) == {"cut": KNOWN, "longer": ROWS + ROWS // 4}.get(way, ROWS)
    assert (after.low <= np.minimum(after.open, after.close)).all()
    assert (after.high >= np.maximum(after.open, after.close)).all()
    assert (np.diff(after.close_time) > 0).all() and (after.low > 0).all() and (after.volume >= 0).all()
    if way != "cut":
        assert (after.close[KNOWN:ROWS] != before.close[KNOWN:]).mean() > 0.95


def test_drifts_go_where_they_are_called() -> None:
    before = bars()
    until = int(before.close_time[KNOWN - 1])
    means = {way: perturbed(before, until, way).close[KNOWN:].mean() for way in ("lower", "higher")}
    assert means["lower"] < 0.9 * before.close[KNOWN:].mean() < 1.1 * before.close[KNOWN:].mean() < means["higher"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["trades", "quotes"])
def test_ticks_after_the_moment_are_others_and_valid(kind: str, way: str) -> None:
    before = ticks(kind)
    after = perturbed(before, int(before.time[KNOWN - 1]), way, seed=2)
    names = [name for name in before.__dataclass_fields__ if hasattr(getattr(before, name), "dtype")]
    assert all((getattr(after, name)[:KNOWN] == getattr(before, name)[:KNOWN]).all() for name in names)
    assert (np.diff(after.time) >= 0).all()
    if kind == "quotes":
        assert (after.ask_price >= after.bid_price).all()
    elif way != "cut":
        assert (after.price[KNOWN:ROWS] != before.price[KNOWN:]).mean() > 0.95


def test_a_bar_under_way_keeps_what_may_be_known_of_it() -> None:
    before = bars()
    until = int(before.open_time[KNOWN]) + 1
    plain = perturbed(before, until, "higher")
    assert plain.open[KNOWN] == before.open[KNOWN] and plain.close[KNOWN] != before.close[KNOWN]
    assert plain.high[KNOWN] >= before.open[KNOWN] >= plain.low[KNOWN]
    used = perturbed(before, until, "higher", kept=Kept(volume=True, range=True))
    for name in ("open", "high", "low", "volume"):
        assert getattr(used, name)[KNOWN] == getattr(before, name)[KNOWN]
    assert before.low[KNOWN] <= used.close[KNOWN] <= before.high[KNOWN]
    left = perturbed(before, until, "cut")
    assert (
        len(left) == KNOWN + 1 and left.open[KNOWN] == before.open[KNOWN] and left.close[KNOWN] != before.close[KNOWN]
    )
    opens_then = perturbed(before, int(before.open_time[KNOWN]), "higher")
    assert opens_then.open[KNOWN] != before.open[KNOWN]


def test_prices_keep_their_step_and_their_ceiling() -> None:
    before = bars(tick=25)
    until = int(before.close_time[KNOWN - 1])
    assert not (perturbed(before, until, "noise").close % 25).any()
    assert perturbed(before, until, "higher", ceiling=10_000).high.max() <= max(10_000, before.high[:KNOWN].max())


def test_the_same_seed_gives_the_same_rows() -> None:
    before = bars()
    until = int(before.close_time[KNOWN - 1])
    one, again, other = (perturbed(before, until, "noise", seed=seed).close for seed in (7, 7, 8))
    assert (one == again).all() and (one != other).any()


def test_columns_of_which_nothing_is_known_are_not_cut_to_nothing() -> None:
    before = bars()
    assert len(perturbed(before, int(before.open_time[0]) - 1, "cut")) == ROWS
