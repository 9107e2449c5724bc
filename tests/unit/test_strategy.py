"""What a strategy may say of itself and look back at: parameters, warm-up, history, its log."""

from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.analysis.result import Result
from cracktrader.errors import ConfigError, IntentError, StaleView
from cracktrader.strategy import SMA, BarView, Strategy, StrategyContext, parameter

CLOSES = [100.0, 101.5, 103.25, 102.0, 99.5, 98.75]


def bars(closes: list[float] = CLOSES) -> pl.DataFrame:
    """Daily bars with these closes."""
    days = [f"2024-01-{day:02d}" for day in range(1, len(closes) + 1)]
    return pl.DataFrame({"time": days, "open": closes, "high": closes, "low": closes, "close": closes})


class Tuned(Strategy):
    """Parameters of every form."""

    fast: int = 10
    slow: int = parameter(30, low=2, high=200, doc="bars of the slow average")
    size: float = parameter(1.0, low=0.0)
    side: Literal["long", "both"] = "long"
    field: str = parameter("close", choices=("open", "close"))
    cap: float | None = None
    levels: list[float] = [1.0, 2.0]  # a default that each strategy gets a copy of
    pair: tuple[str, int] = ("A", 1)

    def validate(self) -> None:
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} is not below slow {self.slow}")


def test_parameters_keep_their_order_their_defaults_and_what_they_were_given() -> None:
    tuned = Tuned(slow=40, size=2, cap=3, levels=(4, 5), pair=["B", 2])
    assert list(tuned.parameters) == ["fast", "slow", "size", "side", "field", "cap", "levels", "pair"]
    assert tuned.parameters == {
        "fast": 10,
        "slow": 40,
        "size": 2.0,
        "side": "long",
        "field": "close",
        "cap": 3.0,
        "levels": [4.0, 5.0],
        "pair": ("B", 2),
    }
    assert Tuned.slow == 30 and type(tuned.size) is float


def test_a_default_list_is_every_strategys_own() -> None:
    one = Tuned()
    one.levels.append(3.0)
    assert Tuned().levels == [1.0, 2.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"fats": 3},
            "Tuned has no parameter 'fats'; it has: cap, fast, field, levels, pair, side, size, slow, warm_up",
        ),
        ({"fast": "ten"}, "Tuned.fast is int, it cannot be 'ten' (str)"),
        ({"fast": True}, "Tuned.fast is int, it cannot be True (bool)"),
        ({"fast": 2.5}, "Tuned.fast is int, it cannot be 2.5 (float)"),
        ({"slow": 1}, "Tuned.slow is 1: it must be 2 or more and 200 or less"),
        ({"size": -0.5}, "Tuned.size is -0.5: it must be 0.0 or more"),
        ({"size": float("nan")}, "Tuned.size is nan: a parameter is a finite number"),
        ({"side": "short"}, "Tuned.side is Literal['long', 'both'], it cannot be 'short' (str)"),
        ({"field": "high"}, "Tuned.field is 'high': choose one of 'open', 'close'"),
        ({"cap": "x"}, "Tuned.cap is float | None, it cannot be 'x' (str)"),
        ({"levels": [1, "x"]}, "Tuned.levels is list[float], it cannot be [1, 'x'] (list)"),
        ({"pair": ("A",)}, "Tuned.pair is tuple[str, int], it cannot be ('A',) (tuple)"),
        ({"fast": 50}, "Tuned: fast 50 is not below slow 30"),
        ({"warm_up": -1}, "Tuned.warm_up is -1: it is True, False or a number of bars"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_value_and_what_it_may_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Tuned(**given)
    assert str(caught.value) == message


def test_a_wrong_default_and_a_parameter_without_a_type_are_refused() -> None:
    class Wrong(Strategy):
        fast: int = "ten"  # type: ignore[assignment]  # what is tested

    with pytest.raises(ConfigError, match=r"Wrong\.fast is int, it cannot be 'ten'"):
        Wrong()
    with pytest.raises(ConfigError, match=r"Untyped\.fast needs a type: write `fast: int = ct\.parameter"):
        type("Untyped", (Strategy,), {"fast": parameter(10)})


class Looking(Strategy):
    """Keeps what it could see at each bar."""

    def on_start(self, ctx: StrategyContext) -> None:
        self.seen: list[list[float]] = []

    def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
        self.seen.append(ctx.history("close", 3).tolist())
        assert ctx.history("close")[-1] == bar.close and ctx.history("close_time", 1)[0] == bar.close_time
        assert not ctx.history().flags.writeable


def test_history_ends_with_the_bar_under_way_and_is_read_only(engine: str) -> None:
    looking = Looking()
    result = backtest(looking, bars(), engine=engine)
    assert not result.errors
    assert looking.seen == [CLOSES[max(end - 3, 0) : end] for end in range(1, 7)]


def test_history_of_another_instrument_holds_what_was_delivered_before(engine: str) -> None:
    class Pair(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.lengths: list[tuple[str, int, int]] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            self.lengths.append((bar.symbol, len(ctx.history(symbol="A")), len(ctx.history(symbol="B"))))

    pair = Pair()
    backtest(pair, {"A": bars(), "B": bars(CLOSES[:2])}, engine=engine)
    assert pair.lengths[:4] == [("A", 1, 0), ("B", 1, 1), ("A", 2, 1), ("B", 2, 2)]


@pytest.mark.parametrize(("field", "count"), [("price", 1), ("close", 0), ("close", 1.5)])
def test_history_refuses_what_no_bar_has(engine: str, field: str, count: Any) -> None:
    class Wrong(Strategy):
        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            with pytest.raises(IntentError):
                ctx.history(field, count)

    assert not backtest(Wrong, bars(), engine=engine).errors


@pytest.mark.parametrize(("warm_up", "first"), [(False, 1), (True, 3), (2, 3), (5, 6)])
def test_a_strategy_is_first_called_when_it_is_warm(engine: str, warm_up: bool | int, first: int) -> None:
    class Waiting(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.average = ctx.indicator(SMA(3))
            self.called: list[float] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            self.called.append(bar.close)

    waiting = Waiting(warm_up=warm_up)
    backtest(waiting, bars(), engine=engine)
    assert waiting.called == CLOSES[first - 1 :]


def test_what_a_strategy_logs_is_in_the_result_with_its_moment(engine: str) -> None:
    class Talking(Strategy):
        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            if bar.close > 102.0:
                self.log("close", bar.close)
                ctx.buy(1)

    result: Result = backtest(Talking, bars(), engine=engine)
    day = 86_400 * 10**9
    at = int(np.datetime64("2024-01-04", "ns").astype(np.int64))
    assert result.outcome.log == [(3, at, "Talking", "close 103.25")]
    assert at % day == 0


def test_a_log_outside_a_run_is_refused() -> None:
    with pytest.raises(StaleView, match="during a run only"):
        Looking().log("now")


def test_history_of_a_time_frame_holds_its_closed_bars(engine: str) -> None:
    class Weekly(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.seen: list[tuple[int, list[float]]] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            if bar.timeframe == "2d":
                assert ctx.history("close", 1, timeframe="2d")[0] == bar.close
                assert not ctx.history(timeframe="2d").flags.writeable
            self.seen.append((len(ctx.history()), ctx.history("close", 2, timeframe="2d").tolist()))

    weekly = Weekly()
    assert not backtest(weekly, bars(), timeframes=["2d"], engine=engine).errors
    # the 1st of January 2024 ends a span of two days, counted from 1970
    assert weekly.seen == [
        *((1, []), (1, [100.0])),
        *((2, [100.0]), (3, [100.0]), (3, [100.0, 103.25])),
        *((4, [100.0, 103.25]), (5, [100.0, 103.25]), (5, [103.25, 99.5]), (6, [103.25, 99.5])),
    ]


def test_a_position_knows_what_it_earns_at_the_last_mark(engine: str) -> None:
    class Holding(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.seen: list[tuple[float, float | None, float]] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            position = ctx.position()
            self.seen.append((position.quantity, position.unrealized_pnl, position.realized_pnl))
            assert (position.is_long, position.is_short) == (position.quantity > 0, position.quantity < 0)
            ctx.target({1: 2, 4: -1}.get(len(self.seen), position.quantity))

    holding = Holding()
    assert not backtest(holding, bars(), engine=engine).errors
    # bought 2 at 101.5, sold 3 at 99.5
    assert holding.seen == [(0, 0, 0), (2, 0, 0), (2, 3.5, 0), (2, 1.0, 0), (-1, 0, -4), (-1, 0.75, -4)]
