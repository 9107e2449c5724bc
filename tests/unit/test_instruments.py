"""Declared instruments, currencies, leverage and schedules of a backtest, on both cores, with numbers worked out by hand.

Deliberately not here: how the core margins and settles, step by step; that is in the golden traces.
"""

from __future__ import annotations

from typing import Any

import pytest

import cracktrader as ct

HOUR = 3_600 * 10**9
MIDNIGHT = 1_704_067_200 * 10**9
"""2024-01-01."""


class Hold(ct.Strategy):
    """Buys (or, below 0, sells) a quantity on the first bar of its symbol."""

    symbol: str = "X"
    quantity: float = 1.0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        if bar.symbol == self.symbol and not ctx.account_position(self.symbol).quantity and not ctx.orders():
            side = ctx.buy if self.quantity > 0 else ctx.sell
            side(abs(self.quantity), symbol=self.symbol)


def bars(*closes: float) -> dict[str, list[Any]]:
    """Hourly bars that open where the last one closed."""
    opens = [closes[0], *closes[:-1]]
    return {
        "time": [MIDNIGHT + hour * HOUR for hour in range(len(closes))],
        "open": opens,
        "high": [max(pair) for pair in zip(opens, closes, strict=True)],
        "low": [min(pair) for pair in zip(opens, closes, strict=True)],
        "close": list(closes),
        "volume": [1.0] * len(closes),
    }


def run(strategy: Any, data: dict[str, Any], engine: str, **options: Any) -> Any:
    return ct.backtest(strategy, data, engine=engine, quiet=True, **options)


def test_a_future_is_worth_its_multiplier_and_settles_at_its_price(engine: str) -> None:
    result = run(
        Hold(quantity=2),
        {"X": bars(4000, 4000, 4004)},
        engine,
        cash=100_000,
        instruments=[ct.Future("X", tick=0.25, multiplier=50, initial_margin=0.05)],
        settlements=[(MIDNIGHT + 10 * HOUR, "X", 4010.25)],
    )
    assert result.equity["equity"].to_list()[-2:] == [100_400.0, 101_025.0]
    assert result.positions["quantity"].to_list() == [0.0]
    assert result.positions["realized_pnl"].to_list() == [1025.0]
    (exit_time,) = result.trades["exit_time"].to_list()
    assert (exit_time.day, exit_time.hour) == (1, 10)


def test_an_inverse_perpetual_settles_in_its_coin_and_is_valued_at_the_coins_pair(engine: str) -> None:
    """100 contracts of 10 USD from 20,000 to 25,000: 1000/20000 - 1000/25000 = 0.01 BTC, worth 250 USD on 2 BTC of 50,000 USD."""
    result = run(
        Hold(symbol="PERP", quantity=100),
        {"PERP": bars(20000, 20000, 25000), "BTC/USD": bars(20000, 20000, 25000)},
        engine,
        cash={"BTC": 2},
        conversions={"BTC": "BTC/USD"},
        leverage=5,
        instruments=[
            ct.Perpetual("PERP", settle="BTC", multiplier=10, inverse=True, lot=1),
            ct.Spot("BTC/USD", base="BTC", quote="USD", price_decimals=2),
        ],
    )
    assert result.equity["equity"].to_list() == [40_000.0, 40_000.0, 50_250.0]
    assert result.positions["unrealized_pnl"].to_list() == [0.01, 0.0]


def test_a_yen_instrument_is_valued_by_dividing_and_sized_by_equity(engine: str) -> None:
    """Half of 10,000 USD at 150 yen a dollar are 750,000 yen: 500 shares of 1,500."""

    class Half(ct.Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            if bar.symbol == "7203":
                ctx.target(percent=0.5, symbol="7203")

    result = run(
        Half,
        {"USD/JPY": bars(150, 150, 150), "7203": bars(1500, 1500, 1530)},
        engine,
        conversions={"JPY": "USD/JPY"},
        instruments={"7203": ct.Equity("", quote="JPY"), "USD/JPY": ct.Spot("", base="USD", quote="JPY")},
    )
    assert result.fills["quantity"].to_list()[0] == 500.0
    assert result.equity["equity"].to_list()[-1] == 10_100.0


def test_risk_is_a_share_of_equity_in_the_currency_of_settlement(engine: str) -> None:
    """1 % of 10,000 USD at 150 yen a dollar are 15,000 yen: 150 shares that lose 100 each at the stop."""

    class Risky(ct.Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            if bar.symbol == "7203" and not ctx.orders() and not ctx.position("7203"):
                ctx.buy(risk=0.01, stop_loss=1400, symbol="7203")

    result = run(
        Risky,
        {"USD/JPY": bars(150, 150, 150), "7203": bars(1500, 1500, 1530)},
        engine,
        conversions={"JPY": "USD/JPY"},
        instruments={"7203": ct.Equity("", quote="JPY"), "USD/JPY": ct.Spot("", base="USD", quote="JPY")},
    )
    assert not result.errors and result.fills["quantity"].to_list() == [150.0]


def test_an_outcome_pays_one_and_cannot_be_levered(engine: str) -> None:
    result = run(
        Hold(symbol="RAIN", quantity=100),
        {"RAIN": bars(0.3, 0.3, 0.6)},
        engine,
        cash=30,
        leverage=10,
        instruments=[ct.Outcome("RAIN")],
        settlements={"time": ["2024-01-02"], "symbol": ["RAIN"], "price": [1]},
    )
    assert result.equity["equity"].to_list() == [30.0, 30.0, 60.0, 100.0]
    too_many = run(
        Hold(symbol="RAIN", quantity=101), {"RAIN": bars(0.3, 0.3)}, engine, cash=30, instruments=[ct.Outcome("RAIN")]
    )
    assert too_many.orders["code"].to_list()[0] == "E_MARGIN"


def test_funding_and_dividends_are_booked_from_columns(engine: str) -> None:
    """10 at 100: a rate of 0.001 on 1,000 costs 1; a payment of 0.5 brings 5."""
    result = run(
        Hold(quantity=10),
        {"X": bars(100, 100, 100, 100)},
        engine,
        instruments=[ct.Equity("X", tick=0.01)],
        funding=[(MIDNIGHT + 2 * HOUR, "X", 0.001)],
        payments=[(MIDNIGHT + 3 * HOUR, "X", "0.5")],
    )
    assert result.equity["equity"].to_list()[-1] == 10_004.0


def test_a_strategy_sees_its_margin_and_is_refused_below_maintenance(engine: str) -> None:
    seen: list[tuple[float, float, float, bool]] = []

    class Watch(Hold):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            seen.append((ctx.margin_used, ctx.free_margin, ctx.maintenance_margin, ctx.below_maintenance))
            if len(seen) in (1, 3):
                ctx.buy(9 if len(seen) == 1 else 1)

    result = run(
        Watch,
        {"X": bars(100, 100, 93, 93)},
        engine,
        cash=100,
        instruments=[ct.Perpetual("X", initial_margin=0.1, maintenance_margin=0.05, tick=1, lot=1)],
    )
    assert seen[1] == (90.0, 10.0, 45.0, False)
    assert seen[2][2:] == (41.85, True)
    assert result.orders["code"].to_list()[-1] == "E_MAINTENANCE"


def test_fees_of_an_instrument_override_those_of_the_run(engine: str) -> None:
    declared = [ct.Spot("X", taker_fee=0.01)]
    assert run(Hold(), {"X": bars(100, 100)}, engine, fees=0.001, instruments=declared).fills["fee"].to_list() == [1.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"instruments": [ct.Spot("X", tick="0.005", price_decimals=2)]}, "tick '0.005' needs more than 2 decimals"),
        ({"instruments": [ct.Perpetual("X", initial_margin=2)]}, "initial_margin 2 is a share"),
        ({"instruments": [ct.Perpetual("X", maintenance_margin=1.5)]}, "maintenance_margin 1.5 is outside 0..1.0"),
        ({"instruments": [ct.Spot("Y")]}, "instrument 'Y' is declared, but the data has only X"),
        ({"instruments": [ct.Spot("X"), ct.Spot("X")]}, "instrument 'X' is declared twice"),
        ({"instruments": ["X"]}, "takes declarations such as ct.Spot"),
        ({"instruments": [ct.Spot("X", quote="EUR")]}, "money in EUR has no value in USD"),
        ({"cash": {"EUR": 5}}, "cash in 'EUR': the run has only the currencies USD, X"),
        ({"conversions": {"X": -1}}, "the conversion of X: the rate -1 is not above 0"),
        ({"conversions": {"X": "Z"}}, "the conversion of X: 'Z' is none of the symbols X"),
        (
            {"cash": {"USD": 5, "X": 1}, "instruments": [ct.Perpetual("X")], "conversions": {"X": "X"}},
            "the run has only the currencies USD",
        ),
        (
            {
                "cash": {"USD": 5, "EUR": 1},
                "instruments": ct.Spot("X", base="EUR", quote="GBP"),
                "conversions": {"EUR": "X", "GBP": 1.2},
            },
            'X is not declared as a pair of EUR and USD: give instruments=[ct.Spot("X", base="EUR", quote="USD")]',
        ),
        ({"leverage": 0.5}, "leverage 0.5 is outside 1..1000"),
        ({"cash": "lots"}, "cash 'lots' is not a number"),
        ({"fees": "0.1%"}, "fees '0.1%' is not a number"),
        ({"venue": {"slippage_bps": 1}}, "venue is a ct.Venue(...), not {'slippage_bps': 1}"),
        ({"limits": {"max_open_orders": 1}}, "limits is a ct.RiskLimits(...), not"),
        ({"account": "cash", "instruments": [ct.Outcome("X")]}, "a cash account trades spot only"),
        ({"funding": [(0, "Z", 0.1)]}, "funding, row 0: 'Z' is none of the symbols X"),
        ({"funding": [(0, "X", 2)]}, "funding rate 2000000000 is outside"),
        ({"payments": [("soon", "X", 1)]}, "payments, row 0: time 'soon' is neither"),
        ({"settlements": [(0, "X", "dear")]}, "settlements, row 0: price 'dear' is no number"),
        ({"settlements": {"time": [0]}}, "settlements needs equally long columns"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_value(options: dict[str, Any], said: str) -> None:
    closes = (0.5, 0.5) if "account" in options else (100, 101)
    with pytest.raises(ct.ConfigError) as raised:
        run(Hold(), {"X": bars(*closes)}, "python", **options)
    assert said in str(raised.value)


def test_data_off_the_declared_tick_is_named_by_its_line() -> None:
    with pytest.raises(ct.DataError, match=r"no multiple of the tick 0\.25"):
        run(Hold(), {"X": bars(100, 100.1)}, "python", instruments=[ct.Future("X", tick=0.25)])


def test_what_is_inferred_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = ct.backtest(Hold(), {"X": bars(100, 100.5)}, engine="python")
    assert "not declared, taken as spot in USD with lots of 1e-8: X (tick 0.1)" in capsys.readouterr().err
    assert result.equity.height == 2
