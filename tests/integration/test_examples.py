"""The example strategies: equal on both cores, trading, and blind to what comes later."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.analysis.look_ahead import look_ahead
from cracktrader.analysis.result import Result
from cracktrader.cli.strategy_file import load_strategy
from cracktrader.data import random_walk, sample
from cracktrader.strategy import Strategy, above, ago, below, cross, every, never

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDED = Path(__file__).parents[3] / "shared" / "data"
PRICES = ("open", "high", "low", "close")
MOMENTS = 50
"""How many moments of each example are tried for look-ahead."""


def walks(count: int, every: str, bars: int) -> dict[str, pl.DataFrame]:
    """Synthetic instruments."""
    return {f"W{seed}": random_walk(seed=seed, bars=bars, every=every, volatility=0.004) for seed in range(count)}


def index() -> dict[str, pl.DataFrame]:
    """The bundled index, as a frame."""
    frame = sample("sp500_1d")
    return {"SPX": frame.with_columns(pl.col("time").cast(pl.Datetime("us")), pl.col(*PRICES).round(2))}


class Case(NamedTuple):
    """An example on data that is always there and, where present, on recordings."""

    name: str
    data: Callable[[], dict[str, Any]]
    recorded: dict[str, str] = {}  # never changed
    parameters: dict[str, Any] = {}  # never changed
    options: dict[str, Any] = {}  # never changed


def minutes() -> dict[str, pl.DataFrame]:
    """Minutes of one instrument."""
    return walks(1, "1m", 5000)


BTC, YEN = {"BTC": "btc_perp_1m_2022-01.csv.gz"}, {"USDJPY": "usdjpy_1m_bid_2013-02.csv.gz"}
STOCKS = {
    "NVDA": "bt_nvda-1999-2014.txt",
    "ORCL": "bt_orcl-1995-2014.txt",
    "YHOO": "bt_yhoo-1996-2014.txt",
    "A": "bt_2006-day-001.txt",
    "B": "bt_2006-day-002.txt",
}
CASES = (
    Case("sma_cross", index, {"ORCL": STOCKS["ORCL"]}),
    Case("breakout_bracket", index, {"NVDA": STOCKS["NVDA"]}),
    Case("rsi_reversion", index, {"ORCL": STOCKS["ORCL"]}),
    Case("pairs", lambda: walks(2, "1d", 1500), {"NVDA": STOCKS["NVDA"], "ORCL": STOCKS["ORCL"]}),
    Case("market_maker", minutes, BTC, {"size": 0.01, "most": 0.05}),
    Case("trend_filter", minutes, BTC, {"frame": "15m"}, {"timeframes": ["15m"]}),
    Case("rebalance", lambda: walks(5, "1d", 800), STOCKS, {"band": 0.001}),
    Case("time_of_day", minutes, YEN),
)


@cache
def strategy(name: str) -> type[Strategy]:
    """The class that an example's file defines."""
    return load_strategy(EXAMPLES / f"{name}.py")


def run(case: Case, data: dict[str, Any], engine: str) -> Result:
    """One run of an example."""
    return backtest(
        strategy(case.name)(**case.parameters), data, fees=0.0002, cash=100_000, engine=engine, **case.options
    )


def agree(case: Case, data: dict[str, Any]) -> None:
    """Both cores give the same run, in which something was traded."""
    python, rust = (run(case, data, engine).outcome for engine in ("python", "rust"))
    assert not python.errors and python.state_hash == rust.state_hash
    assert (python.fills, python.orders, python.diagnostics) == (rust.fills, rust.orders, rust.diagnostics)
    assert all((python.equity[name] == rust.equity[name]).all() for name in python.equity)
    assert len(python.fills["order"]) >= 4


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_example_gives_the_same_run_on_both_cores(case: Case) -> None:
    agree(case, case.data())


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_example_gives_the_same_run_on_both_cores_on_recordings(case: Case) -> None:
    missing = [name for name in case.recorded.values() if not (RECORDED / name).exists()]
    if missing:
        pytest.skip(f"no recording {missing[0]} beside the project")
    agree(case, {symbol: RECORDED / name for symbol, name in case.recorded.items()})


def wakes_on_crosses(one: Any, ctx: Any) -> None:
    ctx.wake(when=cross(one.fast_ma, one.slow_ma))


def wakes_on_breakouts(one: Any, ctx: Any) -> None:
    ctx.wake(when=above("close", ago(one.channel.upper)))


def wakes_with_the_trend(one: Any, ctx: Any) -> None:
    """The minutes wake it, the trend is of a higher time frame."""
    when = cross(one.fast_ma, one.slow_ma) | below("close", one.trend_ma)
    ctx.wake(when=when, timeframe="1m")
    ctx.wake(when=never(), timeframe=one.frame)


def wakes_on_the_second_leg(one: Any, ctx: Any) -> None:
    """The example acts on bars of its second instrument only."""
    ctx.wake(when=never(), symbol=ctx.symbols[0])
    ctx.wake(when=every(1), symbol=ctx.symbols[1])


def wakes_on_the_last_of_the_moment(one: Any, ctx: Any) -> None:
    for symbol in ctx.symbols[:-1]:
        ctx.wake(when=never(), symbol=symbol)


NATURAL: dict[str, Callable[[Any, Any], None]] = {
    "sma_cross": wakes_on_crosses,
    "breakout_bracket": wakes_on_breakouts,
    "trend_filter": wakes_with_the_trend,
    "pairs": wakes_on_the_second_leg,
    "rebalance": wakes_on_the_last_of_the_moment,
}
"""The examples that have a condition: what they do on other bars changes nothing. `rsi_reversion` counts the bars that it holds for,
`market_maker` acts on each, `time_of_day` on none."""


def declared(kind: type[Strategy], wakes: Callable[[Any, Any], None], called: list[int]) -> type[Strategy]:
    """The example with the condition, under the same name."""

    def on_start(self: Any, ctx: Any) -> None:
        kind.on_start(self, ctx)
        wakes(self, ctx)

    def on_bar(self: Any, ctx: Any, bar: Any) -> Any:
        called.append(bar.close_time)
        return kind.on_bar(self, ctx, bar)

    return type(kind.__name__, (kind,), {"on_start": on_start, "on_bar": on_bar})


def journalled(kind: type[Strategy], case: Case, engine: str, folder: Path) -> bytes:
    """The bytes of the run's journal."""
    one = kind(**case.parameters)
    result = backtest(one, case.data(), fees=0.0002, cash=100_000, engine=engine, journal=folder, **case.options)
    assert not result.errors
    assert len(result.fills) >= 4
    return b"".join(path.read_bytes() for path in sorted((folder / "journal").iterdir()))


@pytest.mark.parametrize("case", [case for case in CASES if case.name in NATURAL], ids=lambda case: case.name)
def test_an_example_that_sleeps_leaves_the_same_journal(case: Case, engine: str, tmp_path: Path) -> None:
    called: list[int] = []
    everything: list[int] = []
    plain = declared(strategy(case.name), lambda one, ctx: None, everything)
    asleep = declared(strategy(case.name), NATURAL[case.name], called)
    assert journalled(plain, case, engine, tmp_path / "a") == journalled(asleep, case, engine, tmp_path / "b")
    assert 0 < len(called) < len(everything)


@pytest.mark.rust
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_example_looks_ahead(case: Case) -> None:
    """With everything after a moment changed, what was asked for up to that moment is the same."""
    found = look_ahead(
        strategy(case.name)(**case.parameters),
        case.data(),
        points=MOMENTS,
        seed=Random(case.name).randrange(2**32),
        fees=0.0002,
        cash=100_000,
        **case.options,
    )
    assert found.clean, found
    assert found.answers > MOMENTS
