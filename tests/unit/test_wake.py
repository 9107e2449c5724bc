"""Wake conditions: when each wakes, that the run is to the byte the one of a strategy that filters for itself, and what is refused.

Deliberately not here: random conditions (tests/contracts/test_fuzz.py) and those of the examples (tests/integration/test_examples.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.data import random_walk
from cracktrader.data.loading import load
from cracktrader.errors import ConfigError, StaleView
from cracktrader.runtime.declare import Options
from cracktrader.runtime.setup import set_up
from cracktrader.strategy import (
    ADX,
    RSI,
    SMA,
    Condition,
    Donchian,
    Strategy,
    above,
    ago,
    below,
    cross,
    cross_above,
    cross_below,
    every,
    flips,
    never,
)

ENGINES = ("python", "rust")
BARS = 400


def walk(seed: int = 3, bars: int = BARS) -> pl.DataFrame:
    return random_walk(seed=seed, bars=bars, every="1m", volatility=0.004)


def is_above(a: float, b: float) -> bool | None:
    """None while one is not warm."""
    return None if a != a or b != b else a > b


def flipped(fast: Any, slow: Any) -> bool:
    now, before = is_above(fast[0], slow[0]), is_above(fast[-1], slow[-1])
    return now is not None and now != before


Filter = Callable[[Any, Any], bool]
Declare = Callable[[Any], Condition]
CASES: dict[str, tuple[Declare, Filter]] = {
    "above a number": (lambda s: above(s.rsi, 60), lambda s, bar: s.rsi.value > 60),
    "below a number": (lambda s: below(s.rsi, 40.5), lambda s, bar: s.rsi.value < 40.5),
    "a number above it": (lambda s: above(40, s.rsi), lambda s, bar: s.rsi.value < 40),
    "close above an average": (lambda s: above("close", s.slow), lambda s, bar: bar.close > s.slow.value),
    "low below an average": (lambda s: below("low", s.fast), lambda s, bar: bar.low < s.fast.value),
    "the typical price": (lambda s: above("hlc3", s.typical), lambda s, bar: s.one_typical.value > s.typical.value),
    "volume above a number": (lambda s: above("volume", 900), lambda s, bar: bar.volume > 900),
    "a breakout": (
        lambda s: above("close", ago(s.channel.upper)),
        lambda s, bar: bar.close > s.channel.upper[-1],
    ),
    "a value four bars ago": (
        lambda s: below(ago(s.fast, 4), ago(s.slow, 2)),
        lambda s, bar: s.fast[-4] < s.slow[-2],
    ),
    "cross": (
        lambda s: cross(s.fast, s.slow),
        lambda s, bar: s.fast.crossed_above(s.slow) or s.fast.crossed_below(s.slow),
    ),
    "cross above": (lambda s: cross_above(s.fast, s.slow), lambda s, bar: s.fast.crossed_above(s.slow)),
    "cross below": (lambda s: cross_below(s.fast, s.slow), lambda s, bar: s.fast.crossed_below(s.slow)),
    "cross of a number": (lambda s: cross_above(s.rsi, 50), lambda s, bar: s.rsi.crossed_above(50)),
    "a number crosses": (lambda s: cross_below(50, s.rsi), lambda s, bar: s.rsi.crossed_above(50)),
    "cross of a line": (
        lambda s: cross(s.adx.plus_di, s.adx.minus_di),
        lambda s, bar: s.adx.plus_di.crossed_above(s.adx.minus_di) or s.adx.plus_di.crossed_below(s.adx.minus_di),
    ),
    "flips": (lambda s: flips(s.fast, s.slow), lambda s, bar: flipped(s.fast, s.slow)),
    "flips of a number": (
        lambda s: flips(s.rsi, 50),
        lambda s, bar: s.rsi.warm and is_above(s.rsi.value, 50) != is_above(s.rsi[-1], 50),
    ),
    "every": (lambda s: every(7), lambda s, bar: s.bars % 7 == 0),
    "never": (lambda s: never(), lambda s, bar: False),
    "or": (
        lambda s: cross(s.fast, s.slow) | every(50),
        lambda s, bar: s.fast.crossed_above(s.slow) or s.fast.crossed_below(s.slow) or s.bars % 50 == 0,
    ),
    "and": (
        lambda s: above(s.rsi, 55) & above("close", s.slow) & every(2),
        lambda s, bar: s.rsi.value > 55 and bar.close > s.slow.value and s.bars % 2 == 0,
    ),
    "both": (
        lambda s: (above(s.rsi, 65) | below(s.rsi, 35)) & every(3) | flips(s.fast, s.slow),
        lambda s, bar: ((s.rsi.value > 65 or s.rsi.value < 35) and s.bars % 3 == 0) or flipped(s.fast, s.slow),
    ),
}


def trader(case: str, *, asleep: bool, warm_up: bool | int = False) -> Any:
    """A strategy that declares the condition, or filters by it itself. Both have one name, so that their journals can be equal."""
    declare, passes = CASES[case]
    wait = warm_up

    class Trader(Strategy):
        warm_up = wait

        def on_start(self, ctx: Any) -> None:
            self.fast, self.slow = ctx.indicator(SMA(4, keep=6)), ctx.indicator(SMA(11, keep=6))
            self.rsi, self.channel = ctx.indicator(RSI(6)), ctx.indicator(Donchian(9))
            self.one_typical = ctx.indicator(SMA(1, field="hlc3"))
            self.typical, self.adx = ctx.indicator(SMA(8, field="hlc3")), ctx.indicator(ADX(5))
            self.called: list[int] = []
            if asleep:
                ctx.wake(when=declare(self))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            # The stream's bars, those of the warm-up included.
            self.bars = len(ctx.history("close"))
            if not asleep and not passes(self, bar):
                return
            self.called.append(bar.close_time)
            ctx.target((len(self.called) + ctx.random.below(3)) % 4 - 1)

    return Trader()


def recorded(strategy: Strategy, engine: str, folder: Path, data: Any = None, **options: Any) -> tuple[bytes, Any]:
    """The bytes of its journal, and the result."""
    result = backtest(
        strategy,
        walk() if data is None else data,
        engine=engine,
        cash=100_000,
        fees=0.001,
        quiet=True,
        journal=folder,
        **options,
    )
    assert result.errors == []
    return b"".join(path.read_bytes() for path in sorted((folder / "journal").iterdir())), result


@pytest.mark.parametrize("warm_up", [False, 60])
@pytest.mark.parametrize("case", CASES)
def test_a_strategy_that_sleeps_leaves_the_journal_of_one_that_filters(
    case: str, warm_up: bool | int, engine: str, tmp_path: Path
) -> None:
    asleep, awake = (trader(case, asleep=asleep, warm_up=warm_up) for asleep in (True, False))
    slept = recorded(asleep, engine, tmp_path / "slept")
    filtered = recorded(awake, engine, tmp_path / "filtered")
    assert slept[0] == filtered[0]
    assert asleep.called == awake.called
    assert case == "never" or 2 < len(asleep.called) < BARS - 60


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES)
def test_both_cores_wake_on_the_same_bars(case: str, tmp_path: Path) -> None:
    strategies = [trader(case, asleep=True, warm_up=True) for _ in ENGINES]
    made = [recorded(one, engine, tmp_path / engine)[0] for one, engine in zip(strategies, ENGINES, strict=True)]
    assert made[0] == made[1]
    assert strategies[0].called == strategies[1].called


@pytest.mark.parametrize("steps", [40, 155, 390])
@pytest.mark.parametrize("case", ["flips", "cross", "every", "both", "a value four bars ago"])
def test_a_run_that_goes_on_from_a_checkpoint_sleeps_on(case: str, steps: int, engine: str) -> None:
    def begun(one: Strategy) -> Any:
        columns = _columns()
        return set_up([one], [columns], Options(cash=100_000.0)).start(engine, [one])

    whole = trader(case, asleep=True, warm_up=20)
    run, _ = begun(whole)
    run.run()
    first, rest = (trader(case, asleep=True, warm_up=20) for _ in range(2))
    stopped, host = begun(first)
    for _ in range(steps):
        stopped.step()
    saved, kept = stopped.checkpoint(), json.loads(json.dumps(host.save()))
    going, host = begun(rest)
    going.restore(saved)
    going.bind_again()
    host.load(kept)
    rest.called = list(first.called)
    going.run()
    assert going.digest() == run.digest()
    assert rest.called == whole.called


def _columns() -> Any:
    return load(walk())[0]


class Sleeper(Strategy):
    """Never woken by a bar; everything else still comes."""

    heard: list[str]

    def on_start(self, ctx: Any) -> None:
        self.heard = []
        ctx.set_timer(after=5 * 60 * 10**9)
        ctx.wake(when=never())

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.heard.append("bar")

    def on_timer(self, ctx: Any, timer: Any) -> None:
        self.heard.append("timer")
        ctx.buy(1)

    def on_fill(self, ctx: Any, fill: Any) -> None:
        self.heard.append("fill")

    def on_order(self, ctx: Any, order: Any) -> None:
        self.heard.append(order.status)

    def on_stop(self, ctx: Any) -> None:
        self.heard.append("stop")


def test_what_is_no_bar_comes_to_a_strategy_that_sleeps(engine: str) -> None:
    sleeper = Sleeper()
    backtest(sleeper, walk(), engine=engine, quiet=True)
    assert sleeper.heard == ["timer", "Accepted", "fill", "Filled", "stop"]


class Frames(Strategy):
    """Hears which bars come."""

    how: str = ""
    heard: dict[str, int]

    def on_start(self, ctx: Any) -> None:
        self.heard = {}
        minute, hour = ctx.indicator(SMA(2), timeframe="1m"), ctx.indicator(SMA(3), timeframe="15m")
        if self.how == "of its indicators":
            ctx.wake(when=cross(hour, hour) | every(4) & above(hour, 0))
        elif self.how == "named":
            ctx.wake(when=above(minute, 0) & above(hour, 0), timeframe="15m")
        elif self.how == "minutes never":
            ctx.wake(when=never(), timeframe="1m")
        elif self.how == "two":
            ctx.wake(when=every(100), timeframe="1m")
            ctx.wake(when=every(150), timeframe="1m")
        elif self.how == "ambiguous":
            ctx.wake(when=above(minute, hour))

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.heard[bar.timeframe] = self.heard.get(bar.timeframe, 0) + 1


HEARD = {
    "": {"1m": 400, "15m": 26},
    "of its indicators": {"1m": 400, "15m": 6},
    "named": {"1m": 400, "15m": 24},
    "minutes never": {"15m": 26},
    "two": {"1m": 5, "15m": 26},
}


@pytest.mark.parametrize("how", HEARD)
def test_a_condition_is_about_the_bars_it_is_declared_on(how: str, engine: str) -> None:
    frames = Frames(how=how)
    backtest(frames, walk(), timeframes=["15m"], engine=engine, quiet=True)
    assert frames.heard == HEARD[how]


class OfEvents(Strategy):
    """Hears through on_event."""

    asleep: bool = True
    heard: dict[str, int]

    def on_start(self, ctx: Any) -> None:
        self.heard = {}
        if self.asleep:
            ctx.wake(when=every(10))

    def on_event(self, ctx: Any, event: Any) -> None:
        self.heard[event.event_type] = self.heard.get(event.event_type, 0) + 1


def test_on_event_gets_the_bars_that_wake_and_everything_else(engine: str) -> None:
    asleep, awake = OfEvents(), OfEvents(asleep=False)
    for one in (asleep, awake):
        backtest(one, walk(), engine=engine, quiet=True)
    assert awake.heard["Bar"] == BARS
    assert asleep.heard == awake.heard | {"Bar": BARS // 10}


# --- refusals


def refused(engine: str, declare: Callable[[Any, Any], Any], match: str, **options: Any) -> None:
    """What on_start raises is what the run says."""

    class Refused(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.sma, self.other = ctx.indicator(SMA(3), timeframe="1m"), SMA(4)
            with pytest.raises(ConfigError, match=match):
                declare(self, ctx)
            self.was_refused = True

        def on_bar(self, ctx: Any, bar: Any) -> None: ...

    one = Refused()
    result = backtest(one, walk(bars=40), timeframes=["5m"], engine=engine, quiet=True)
    assert result.errors == []
    assert one.was_refused


class Own:
    value = 1.0

    def update(self, value: float) -> None:
        self.value = value


REFUSALS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "no condition": (
        lambda s, ctx: ctx.wake(when=s.sma.crossed_above(3)),
        r"takes a condition such as ct\.cross\(.*\), not False",
    ),
    "not bound": (lambda s, ctx: cross(s.sma, s.other), r"ct\.cross: SMA\(.*\) is not bound: give it what ctx"),
    "written in Python": (
        lambda s, ctx: above(ctx.indicator(Own()), 3),
        "computed in Python: wake on indicators of the core, or filter in on_bar",
    ),
    "sleeps with one written in Python": (
        lambda s, ctx: (ctx.indicator(Own()), ctx.wake(when=every(3))),
        "is updated in Python on every bar",
    ),
    "one written in Python when asleep": (
        lambda s, ctx: (ctx.wake(when=every(3)), ctx.indicator(Own())),
        "is updated in Python on every bar",
    ),
    "its value": (lambda s, ctx: above(s.sma.value, 3), "nan is not a finite number. A condition takes the indicator"),
    "two numbers": (lambda s, ctx: above(2, 3), "compares two numbers, which never change"),
    "an unknown field": (lambda s, ctx: above("closing", s.sma), "a bar has no field 'closing'; it has: open, high"),
    "a cross of a field": (lambda s, ctx: cross("close", s.sma), r"'close' of the bar before is not kept: bind it"),
    "a cross of an older value": (lambda s, ctx: cross(s.sma, ago(s.sma)), "give it the indicator, not ct.ago of it"),
    "older than is kept": (lambda s, ctx: ctx.wake(when=above(s.sma, ago(s.sma, 2))), "declare it with keep=3"),
    "a flip older than is kept": (
        lambda s, ctx: ctx.wake(when=flips(s.sma, ago(s.sma, 1))),
        "keeps 2 values, not that of 2 bars ago",
    ),
    "every none": (lambda s, ctx: every(0), "a whole number of bars above 0, not 0"),
    "ago none": (lambda s, ctx: ago(s.sma, 0), "a whole number of bars above 0, not 0"),
    "a text as indicator": (lambda s, ctx: ago("close"), "takes bound indicators"),
    "and": (lambda s, ctx: above(s.sma, 1) and every(3), "combine conditions by & and |"),
    "joined with a number": (lambda s, ctx: above(s.sma, 1) & 3, "both sides are conditions"),
    "indicators of different bars": (
        lambda s, ctx: ctx.wake(when=above(s.sma, ctx.indicator(SMA(3), timeframe="5m"))),
        "different bars .*1m.*5m.*: name on which it is asked",
    ),
    "an unknown time frame": (lambda s, ctx: ctx.wake(when=every(3), timeframe="2h"), "has no bars of '2h'"),
    "too deep": (lambda s, ctx: [ctx.wake(when=_deep(s.sma, 65))], "at most 64 answers at once"),
}


def _deep(indicator: Any, count: int) -> Condition:
    """Conditions that are joined from the right."""
    made = above(indicator, count)
    for level in range(count - 1, 0, -1):
        made = above(indicator, level) | made
    return made


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_wake_is_refused_with_a_remedy(case: str, engine: str) -> None:
    refused(engine, *REFUSALS[case])


class Late(Strategy):
    """Declares in a bar."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        ctx.wake(when=every(3))


class NoBars(Strategy):
    """Has no hook for bars."""

    def on_start(self, ctx: Any) -> None:
        ctx.wake(when=every(3))

    def on_fill(self, ctx: Any, fill: Any) -> None: ...


@pytest.mark.parametrize(
    ("strategy", "says"), [(Late, "are declared in on_start only"), (NoBars, "define on_bar in the strategy")]
)
def test_where_a_condition_has_no_place(strategy: type[Strategy], says: str, engine: str) -> None:
    result = backtest(strategy(), walk(bars=40), engine=engine, quiet=True)
    assert ["ConfigError" in str(error) and says in str(error) for error in result.errors] == [True]


def test_an_indicator_of_another_run_is_not_known(engine: str) -> None:
    class Keeps(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.sma = ctx.indicator(SMA(3))

        def on_bar(self, ctx: Any, bar: Any) -> None: ...

    kept = Keeps()
    backtest(kept, walk(bars=40), engine=engine, quiet=True)

    class Other(Strategy):
        def on_start(self, ctx: Any) -> None:
            with pytest.raises((ConfigError, StaleView)):
                ctx.wake(when=above(kept.sma, 3))
            self.was_refused = True

        def on_bar(self, ctx: Any, bar: Any) -> None: ...

    other = Other()
    backtest(other, walk(bars=40), engine=engine, quiet=True)
    assert other.was_refused


def test_a_condition_kept_by_a_strategy_is_nothing_that_a_checkpoint_loses(engine: str) -> None:
    class Keeps(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.when = every(3)
            ctx.wake(when=self.when)

        def on_bar(self, ctx: Any, bar: Any) -> None: ...

    one = Keeps()
    run, host = set_up([one], [_columns()], Options()).start(engine, [one])
    for _ in range(20):
        run.step()
    assert host.stateful_names() == []
