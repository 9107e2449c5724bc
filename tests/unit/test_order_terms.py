"""Order helpers beyond market and limit: types by their terms, exits, sizing by risk, what is refused; and repeating timers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from cracktrader.analysis.backtest import backtest
from cracktrader.core.intent import NO_ORDER, CancelOrder, OrderType, PlaceOrder, Side, TimeInForce, TrailKind
from cracktrader.strategy import BarView, Strategy, StrategyContext, TimerView

DAY = 86_400 * 10**9


def bars(count: int = 4) -> pl.DataFrame:
    """Daily bars at 100, with two decimals."""
    days = [f"2024-01-{day:02d}" for day in range(1, count + 1)]
    flat, low = [100.0] * count, [99.99] * count
    return pl.DataFrame({"time": days, "open": flat, "high": flat, "low": low, "close": flat})


def recorded(act: Callable[[StrategyContext], Any], engine: str) -> tuple[list[Any], list[str]]:
    """The intents that an action on the second bar recorded, and what the run's errors say."""

    class Once(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.count = 0
            self.intents: list[Any] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            self.count += 1
            if self.count == 2:
                act(ctx)
                self.intents = list(ctx.intents)

    once = Once()
    errors = backtest(once, bars(), engine=engine).errors
    return once.intents, [error.strip().splitlines()[-1] for error in errors]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, {"order_type": OrderType.MARKET}),
        ({"limit": 99.0}, {"order_type": OrderType.LIMIT, "limit_price": 9900}),
        ({"stop": 101.004}, {"order_type": OrderType.STOP, "stop_price": 10101}),
        (
            {"stop": 101.0, "limit": 102.0},
            {"order_type": OrderType.STOP_LIMIT, "stop_price": 10100, "limit_price": 10200},
        ),
        ({"trail": 2.5}, {"order_type": OrderType.TRAILING_STOP, "trail_kind": TrailKind.PRICE, "trail_offset": 250}),
        (
            {"trail_ticks": 7, "stop": 103.0},
            {
                "order_type": OrderType.TRAILING_STOP,
                "trail_kind": TrailKind.TICKS,
                "trail_offset": 7,
                "stop_price": 10300,
            },
        ),
        (
            {"trail_bps": 150, "trail_limit": 0.25},
            {
                "order_type": OrderType.TRAILING_STOP_LIMIT,
                "trail_kind": TrailKind.BASIS_POINTS,
                "trail_offset": 150,
                "limit_offset": 25,
            },
        ),
        ({"on_close": True}, {"order_type": OrderType.MARKET_ON_CLOSE}),
        (
            {"limit": 99.0, "expire_time": 5 * DAY},
            {
                "order_type": OrderType.LIMIT,
                "limit_price": 9900,
                "time_in_force": TimeInForce.GTD,
                "expire_time": 5 * DAY,
            },
        ),
        (
            {"limit": 99.0, "post_only": True, "time_in_force": "DAY"},
            {"order_type": OrderType.LIMIT, "limit_price": 9900, "time_in_force": TimeInForce.DAY, "post_only": True},
        ),
    ],
)
def test_the_terms_say_which_type_an_order_is(engine: str, terms: dict[str, Any], expected: dict[str, Any]) -> None:
    (order,), errors = recorded(lambda ctx: ctx.buy(1, **terms), engine)
    assert not errors
    plain = PlaceOrder(0, int(Side.BUY), 0, 0, 10**8)
    assert order == plain._replace(
        **{name: value if type(value) is bool else int(value) for name, value in expected.items()}
    )


def test_exits_are_children_of_the_entry_and_cancel_each_other(engine: str) -> None:
    (entry, profit, loss), errors = recorded(lambda ctx: ctx.sell(2, take_profit=90, stop_loss=105), engine)
    assert not errors
    assert (entry.side, entry.parent, entry.oco) == (Side.SELL, NO_ORDER, NO_ORDER)
    assert (profit.side, profit.order_type, profit.limit_price, profit.quantity) == (
        Side.BUY,
        OrderType.LIMIT,
        9000,
        2 * 10**8,
    )
    assert (loss.side, loss.order_type, loss.stop_price, loss.quantity) == (Side.BUY, OrderType.STOP, 10500, 2 * 10**8)
    assert profit.parent == loss.parent and profit.parent.index == 0 and profit.oco == NO_ORDER
    assert loss.oco == profit.parent._replace(index=1)


def test_a_bracket_names_its_three_orders(engine: str) -> None:
    ids: list[Any] = []
    intents, _ = recorded(
        lambda ctx: ids.extend(ctx.bracket("buy", 1, limit=99, take_profit=110, stop_loss=95)), engine
    )
    assert [one.index for one in ids] == [0, 1, 2] and intents[2].oco == ids[1] and intents[1].parent == ids[0]


def test_risk_sizes_by_what_is_lost_at_the_stop(engine: str) -> None:
    (order, _), errors = recorded(lambda ctx: ctx.buy(risk=0.01, limit=99.0, stop_loss=95.0), engine)
    # 1 % of 10,000 over a loss of 4 for each
    assert not errors and order.quantity == 25 * 10**8


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda ctx: ctx.buy(1, limt=5), "an order has no limt; it has: quantity, percent, cash, risk, symbol, "),
        (lambda ctx: ctx.buy(1, trail=1.0, trail_bps=5), "give the trailing distance once: trail or trail_bps"),
        (lambda ctx: ctx.buy(1, trail=0.001), "trail 0.001 of data is less than one tick of 0.01"),
        (lambda ctx: ctx.buy(1, trail_bps=0), "trail_bps is a whole number above 0, not 0"),
        (lambda ctx: ctx.buy(1, trail_limit=1.0), "trail_limit needs a trailing distance"),
        (lambda ctx: ctx.buy(1, trail=1.0, limit=5), "a trailing stop has no limit: trail_limit is the distance"),
        (lambda ctx: ctx.buy(1, on_close=True, limit=5), "on_close is a market order"),
        (lambda ctx: ctx.buy(1, time_in_force="GTD"), "GTD needs expire_time"),
        (
            lambda ctx: ctx.buy(1, limit=99, expire_time=timedelta(hours=1)),
            "expire_time is a moment, not a span: give ctx.time + datetime.timedelta(seconds=3600)",
        ),
        (lambda ctx: ctx.buy("1"), "quantity '1' is not a number"),
        (lambda ctx: ctx.buy(1, limit="99"), "price '99' is not a number"),
        (lambda ctx: ctx.buy(1, time_in_force="IOC", expire_time=1), "expire_time goes with GTD, not with IOC"),
        (
            lambda ctx: ctx.buy(1, time_in_force="GTX"),
            "there is no time in force 'GTX'; there are: GTC, IOC, FOK, GTD, DAY",
        ),
        (lambda ctx: ctx.buy(1, stop_loss=101), "stop_loss 101 must be below the price 100.0 of the buy entry"),
        (lambda ctx: ctx.buy(1, limit=98, stop_loss=99), "stop_loss 99 must be below the price 98 of the buy entry"),
        (lambda ctx: ctx.sell(1, take_profit=101), "take_profit 101 must be below the price 100.0 of the sell entry"),
        (lambda ctx: ctx.buy(risk=0.01), "risk= is what is lost at the stop: give stop_loss= as well"),
        (lambda ctx: ctx.buy(1, percent=1), "size an order by one of quantity, percent, cash or risk"),
        (lambda ctx: ctx.bracket("long", 1, take_profit=1, stop_loss=2), 'a side is "buy" or "sell", not \'long\''),
        (lambda ctx: ctx.set_timer(every=0), "set_timer: every is an interval above 0, not 0"),
        (lambda ctx: ctx.set_timer(), "set_timer takes at= or after=, and every= to repeat"),
    ],
)
def test_terms_that_do_not_go_together_are_refused_by_name(
    engine: str, act: Callable[[StrategyContext], Any], message: str
) -> None:
    intents, (error,) = recorded(act, engine)
    assert message in error and not intents


def test_cancel_all_takes_back_what_is_open(engine: str) -> None:
    class Resting(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.asked: list[Any] = []

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            if bar.seq_id == 1:
                ctx.buy(1, limit=50)
                ctx.buy(1, limit=60)
            elif not self.asked:
                self.asked = ctx.cancel_all()
                assert [type(one) for one in ctx.intents] == [CancelOrder, CancelOrder]

    result = backtest(Resting, bars(), engine=engine)
    assert not result.errors and result.orders["status"].to_list() == ["Cancelled", "Cancelled"]


def test_a_repeating_timer_fires_until_it_is_cancelled(engine: str) -> None:
    class Clock(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.fired: list[int] = []
            self.start = ctx.now
            ctx.set_timer(every=timedelta(hours=10))

        def on_timer(self, ctx: StrategyContext, timer: TimerView) -> None:
            self.fired.append((timer.deadline - self.start) // (3600 * 10**9))
            if len(self.fired) == 5:
                ctx.cancel_timer(timer.timer_id)

    clock = Clock()
    assert not backtest(clock, bars(), engine=engine).errors
    assert clock.fired == [10, 20, 30, 40, 50]
