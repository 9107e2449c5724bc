"""Runs of real strategies that go on from a checkpoint: bound again by `on_start`, with what the host and the strategies keep, to the state
hash of the run that was never stopped; what a strategy may keep, and which ones keep more than a checkpoint holds.

Deliberately not here: the bytes of a checkpoint (tests/contracts/test_checkpoints.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cracktrader.backend import Machine
from cracktrader.cli.strategy_file import load_strategy
from cracktrader.data.columns import BarColumns
from cracktrader.errors import StrategyError
from cracktrader.runtime.declare import Options
from cracktrader.runtime.setup import set_up
from cracktrader.strategy import EMA, MACD, SMA, Strategy
from cracktrader.strategy.host import StrategyHost

EXAMPLES = Path(__file__).parents[2] / "examples"
ENGINES = ("python", "rust")
HOUR, FIRST = 3_600 * 10**9, 1_700_000_000 * 10**9
BARS = 300


def columns() -> BarColumns:
    """Hourly bars that swing, with two decimals of price."""
    place = np.arange(BARS, dtype=np.int64)
    closes = FIRST + HOUR * (place + 1)
    close = 10_000 + np.rint(900 * np.sin(place / 9) + 300 * np.sin(place / 2)).astype(np.int64)
    volume = 1_000 + place
    return BarColumns(
        "ABC", closes - 1, closes - HOUR, closes, close, close + 9, close - 9, close, volume, 2, 3, HOUR, ""
    )


def begun(engine: str, strategies: Sequence[Strategy]) -> tuple[Machine, StrategyHost]:
    """A machine ready to run, and its host."""
    given = list(strategies)
    return set_up(given, [columns()], Options(fees=0.001, cash=100_000.0, seed=7)).start(engine, given)


def ended(run: Machine, host: StrategyHost) -> bytes:
    """The state hash at the end of a run without a defect."""
    run.run()
    assert [one.traceback for one in host.failures] == []
    return run.digest()


def stopped(engine: str, strategies: Sequence[Strategy], steps: int) -> tuple[bytes, str, StrategyHost]:
    """A run's checkpoint after so many steps, and what its host keeps, as JSON."""
    run, host = begun(engine, strategies)
    for _ in range(steps):
        run.step()
    return run.checkpoint(), json.dumps(host.save()), host


def resumed(engine: str, strategies: Sequence[Strategy], data: bytes, kept: str) -> tuple[Machine, StrategyHost]:
    """A new run that goes on from there."""
    run, host = begun(engine, strategies)
    run.restore(data)
    run.bind_again()
    host.load(json.loads(kept))
    return run, host


class Chance(Strategy):
    """Draws, timers and indicators, warm-up in bars, and a state of its own."""

    warm_up: bool | int = 40

    def on_start(self, ctx: Any) -> None:
        self.first_draw = ctx.random.below(1_000)
        self.fast, self.slow = ctx.indicator(EMA(5)), ctx.indicator(SMA(12))
        self.signal = ctx.indicator(MACD(6, 13, 5)).signal
        self.timer = ctx.set_timer(every=7 * HOUR)
        self.once = ctx.set_timer(after=100 * HOUR)
        self.count = 0
        self.history = [nan, -inf]

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.count += 1
        self.history.append(bar.close)
        if self.fast.crossed_above(self.slow) and self.signal.value == self.signal.value:
            ctx.buy(1 + ctx.random.below(3), stop_loss=bar.close * 0.97, take_profit=bar.close * 1.03)
        elif self.fast.crossed_below(self.slow):
            ctx.target(self.count % 4)

    def on_timer(self, ctx: Any, timer: Any) -> None:
        self.history.append(float(timer.timer_id))
        if timer.timer_id == self.once:
            ctx.cancel_timer(self.timer)
            ctx.set_timer(every=11 * HOUR)

    def save_state(self) -> dict[str, Any]:
        return {"count": self.count, "history": self.history, "$odd": {"$float": "no number"}}

    def load_state(self, state: dict[str, Any]) -> None:
        assert state["$odd"] == {"$float": "no number"}
        self.count, self.history = state["count"], state["history"]


def strategies_of(name: str) -> list[Strategy]:
    """The strategies of a case."""
    return [Chance(), Chance(warm_up=True)] if name == "chance" else [load_strategy(EXAMPLES / f"{name}.py")()]


@pytest.mark.parity
@pytest.mark.parametrize("steps", [1, 30, 45, 130, 290])
@pytest.mark.parametrize("name", ["chance", "sma_cross", "rsi_reversion", "breakout_bracket", "time_of_day"])
def test_a_run_goes_on_from_a_checkpoint_to_the_same_state(name: str, steps: int) -> None:
    digest = {ended(*begun(engine, strategies_of(name))) for engine in ENGINES}
    assert len(digest) == 1
    made = [stopped(engine, strategies_of(name), steps) for engine in ENGINES]
    assert made[0][:2] == made[1][:2]
    data, kept, host = made[0]
    assert not any(host.stateful(index) for index in range(len(host.strategies)))
    for engine in ENGINES:
        given = strategies_of(name)
        assert ended(*resumed(engine, given, data, kept)) in digest
        if isinstance(given[0], Chance):
            assert isnan(given[0].history[0])
            assert given[0].history[1] == -inf


class Counts(Strategy):
    """Counts bars, and knows its first draw."""

    def on_start(self, ctx: Any) -> None:
        self.draw, self.seen = ctx.random.below(10**9), 0
        self.average = ctx.indicator(SMA(3))

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.seen += 1


class Settled(Counts):
    """Changes nothing after its start."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        if self.average.warm:
            ctx.target(1)


class Listing(Settled):
    """Has a list, which can change unseen."""

    def on_start(self, ctx: Any) -> None:
        super().on_start(ctx)
        self.bars: list[int] = []


class Shared(Settled):
    """Has a list in its class."""

    levels = [1, 2]  # what the test is about


class Own(Settled):
    """Has an indicator of its own."""

    def on_start(self, ctx: Any) -> None:
        ctx.indicator(len, window=3)


@pytest.mark.parametrize(
    ("kind", "keeps"), [(Settled, False), (Counts, True), (Listing, True), (Shared, True), (Own, True)]
)
def test_a_strategy_that_a_checkpoint_would_rob_is_known(kind: type[Strategy], keeps: bool, engine: str) -> None:
    _, _, host = stopped(engine, [kind()], 9)
    assert host.stateful(0) is keeps


class Changed(Settled):
    """One that was edited after the checkpoint was made."""

    period = 4

    def on_start(self, ctx: Any) -> None:
        if not self.period:
            raise RuntimeError("not again")
        self.draw = self.seen = 0
        for period in range(self.period, 5):
            self.average = ctx.indicator(SMA(period))


Changed.__name__ = "Settled"


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (4, "strategy Settled declares .* as its indicator 0, the checkpoint has "),
        (5, "strategy Settled declares nothing as its indicator 0, the checkpoint has "),
        (3, "strategy Settled declares .* as its indicator 1, the checkpoint has nothing"),
        (0, "on_start of strategy Settled, called to bind it again, ended with RuntimeError"),
    ],
)
def test_a_strategy_that_starts_otherwise_than_it_did_is_named(
    period: int, said: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _, _ = stopped(engine, [Settled()], 9)
    monkeypatch.setattr(Changed, "period", period)
    run, host = begun(engine, [Changed()])
    run.restore(data)
    with pytest.raises(ValueError, match=said):
        run.bind_again()
    assert len(host.failures) == (period == 0)


def test_a_checkpoint_of_another_strategy_is_refused(engine: str) -> None:
    data, _, _ = stopped(engine, [Settled()], 9)
    run, _ = begun(engine, [Counts()])
    with pytest.raises(ValueError, match="made with another configuration"):
        run.restore(data)


class Wrong(Strategy):
    """Saves what it is told to."""

    kept: Any = None

    def save_state(self) -> Any:
        return type(self).kept

    def load_state(self, state: dict[str, Any]) -> None:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"a": [1, {"b": (2,)}]}, r"Wrong\.save_state\(\)\['a'\]\[1\]\['b'\] is \(2,\) of type tuple"),
        ({"a": np.float64(1)}, "of type float64"),
        ({1: 2}, "has the key 1: keys of a state are texts"),
        ([1], "returned \\[1\\]: it returns a dict"),
    ],
)
def test_what_is_no_plain_data_is_named_by_its_path(kept: Any, said: str) -> None:
    class Named(Wrong):
        pass

    Named.__name__ = "Wrong"
    Named.kept = kept
    _, host = begun("python", [Named()])
    with pytest.raises(StrategyError, match=said):
        host.save()


def test_half_a_pair_of_hooks_is_refused() -> None:
    class Half(Strategy):
        def save_state(self) -> dict[str, Any]:
            return {}

    _, host = begun("python", [Half()])
    with pytest.raises(StrategyError, match="Half defines save_state and no load_state"):
        host.save()
