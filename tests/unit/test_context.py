"""Order helpers: prices and sizes become mantissas as documented, and what cannot become an intent is refused with a reason."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.analysis.result import Result
from cracktrader.errors import ConfigError
from cracktrader.strategy import SMA, Strategy, StrategyContext


def bars(count: int = 6, price: float = 100.0) -> pl.DataFrame:
    """Flat daily bars around a price with two decimals."""
    return pl.DataFrame(
        {
            "time": [f"2024-01-{day:02d}" for day in range(1, count + 1)],
            "open": [price] * count,
            "high": [price + 1.25] * count,
            "low": [price - 1.25] * count,
            "close": [price] * count,
        }
    )


def run(act: Callable[[StrategyContext], Any], engine: str, **options: Any) -> Result:
    """A run whose strategy acts once, on the second bar."""

    class Once(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.count = 0

        def on_bar(self, ctx: StrategyContext, bar: Any) -> None:
            self.count += 1
            if self.count == 2:
                act(ctx)

    return backtest(Once, bars(), engine=engine, **options)


def test_a_limit_snaps_to_its_tick_or_rounds_towards_passive(engine: str) -> None:
    def act(ctx: StrategyContext) -> None:
        for limit in (99.99999999999, 99.999, 99.991):
            ctx.buy(1, limit=limit)
        for limit in (100.009, 100.001):
            ctx.sell(1, limit=limit)

    assert run(act, engine).orders["limit_price"].to_list() == [100.0, 99.99, 99.99, 100.01, 100.01]


def test_quantities_round_down_to_the_lot(engine: str) -> None:
    orders = run(lambda ctx: ctx.buy(1.234567896), engine).orders
    assert orders["quantity"].to_list() == [1.23456789]


def test_a_percent_of_equity_leaves_room_for_the_fee(engine: str) -> None:
    result = run(lambda ctx: ctx.buy(percent=1.0), engine, cash=10_000, fees=0.01)
    # floor((10,000 - 1 % of 10,000) / 100) in lots of 1e-8
    assert result.orders["quantity"].to_list() == [99.0]
    assert result.orders["status"].to_list() == ["Filled"]


def test_an_amount_of_cash_sizes_the_order(engine: str) -> None:
    assert run(lambda ctx: ctx.buy(cash=550), engine).orders["quantity"].to_list() == [5.5]


def test_target_counts_what_is_held_and_what_is_under_way(engine: str) -> None:
    def act(ctx: StrategyContext) -> None:
        assert ctx.target(2) is not None
        assert ctx.target(2) is None
        assert ctx.target(-1) is not None

    result = run(act, engine)
    assert result.orders["quantity"].to_list() == [2.0, 3.0]
    assert result.positions["quantity"].to_list() == [-1.0]


def test_close_when_flat_does_nothing(engine: str) -> None:
    assert len(run(lambda ctx: ctx.close(), engine).orders) == 0


WRONG: list[tuple[Callable[[StrategyContext], Any], str]] = [
    (lambda ctx: ctx.buy(), "one of quantity, percent or cash"),
    (lambda ctx: ctx.buy(1, percent=0.5), "one of quantity, percent or cash"),
    (lambda ctx: ctx.buy(0), "less than one lot"),
    (lambda ctx: ctx.buy(-1), "less than one lot"),
    (lambda ctx: ctx.buy(float("nan")), "not a finite number"),
    (lambda ctx: ctx.buy(1, limit=-5), "not above 0"),
    (lambda ctx: ctx.buy(1, limit=1e300), "does not fit"),
    (lambda ctx: ctx.buy(1, symbol="ETH"), "'ETH' is not declared; declared: data"),
    (lambda ctx: ctx.buy(1, time_in_force="GTX"), "no time in force 'GTX'"),
    (lambda ctx: ctx.cancel(17), "17 is not an order id"),  # type: ignore[arg-type]
    (lambda ctx: ctx.set_risk_flag("panic"), "no risk flag 'panic'"),
    (lambda ctx: ctx.set_timer(), "either at= or after="),
    (lambda ctx: ctx.indicator(SMA(5)), "declared in on_start only"),
]


@pytest.mark.parametrize(("act", "message"), WRONG)
def test_a_wrong_argument_halts_the_strategy_with_a_reason(
    act: Callable[[StrategyContext], Any], message: str, engine: str
) -> None:
    result = run(act, engine)
    assert len(result.errors) == 1
    assert message in result.errors[0]
    assert "seq 2" in result.errors[0]
    assert len(result.orders) == 0


def test_a_returned_list_of_something_else_is_an_error(engine: str) -> None:
    class Wrong(Strategy):
        def on_bar(self, ctx: StrategyContext, bar: Any) -> Any:
            return ["buy"]

    result = backtest(Wrong, bars(), engine=engine)
    assert "'buy' is not an intent" in result.errors[0]


def test_an_unknown_parameter_names_the_known_ones() -> None:
    class Fast(Strategy):
        fast: int = 10

    with pytest.raises(ConfigError, match="no parameter 'slow'; it has: fast"):
        Fast(slow=3)
    with pytest.raises(ConfigError, match=r"Fast\.fast is int, it cannot be 'x'"):
        Fast(fast="x")
