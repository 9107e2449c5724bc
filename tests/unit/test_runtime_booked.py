"""Fills and orders as columns: each cell is what the plain functions of one row say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cracktrader.backend import Machine, columns_of
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import SIMULATOR, FillModel, Venue
from cracktrader.core.config import Config, StrategyConfig
from cracktrader.core.engine import Execution
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind, contract_value
from cracktrader.core.units import NONE_PRICE
from cracktrader.core.view import OrderFacts
from cracktrader.data import load
from cracktrader.runtime.booked import FILL_COLUMNS, ORDER_COLUMNS, fill_columns, order_columns
from cracktrader.runtime.declare import Options
from cracktrader.runtime.setup import set_up
from cracktrader.runtime.table import numbers, rows_in, texts
from cracktrader.strategy import BarView, Strategy, StrategyContext
from cracktrader.strategy.views import average_price


def instrument(name: str, kind: InstrumentKind, base: int, price_decimals: int, multiplier: int) -> Instrument:
    return Instrument(
        name=name,
        venue=0,
        kind=kind,
        base_currency=base,
        settlement_currency=0,
        settlement_scale=8,
        price_decimals=price_decimals,
        quantity_decimals=8,
        tick=1,
        lot=1,
        max_price=10**15,
        max_quantity=10**17,
        multiplier=multiplier,
        initial_margin=10**9,
        maintenance_margin=0,
        maker_fee=0,
        taker_fee=0,
    )


CONFIG = Config(
    currencies=(Currency("USD", 8), Currency("BTC", 8)),
    venues=(Venue("v", True, SIMULATOR, FillModel.NEXT_OPEN, 0, 0),),
    accounts=(Account("a", 0, AccountKind.MARGIN, (Deposit(0, 10**12),)),),
    instruments=(
        instrument("BTC-USD", InstrumentKind.SPOT, 1, 2, 10**9),
        instrument("PERP", InstrumentKind.LINEAR, 0, 1, 10**7),
        instrument("INV", InstrumentKind.INVERSE, 0, 1, 100 * 10**9),
    ),
    streams=(),
    strategies=(StrategyConfig("A"), StrategyConfig("B")),
)


def facts(**changes: Any) -> OrderFacts:
    plain = dict.fromkeys(OrderFacts._fields, 0) | {
        "limit_price": NONE_PRICE,
        "stop_price": NONE_PRICE,
        "expire_time": NONE_PRICE,
    }
    return OrderFacts(**(plain | changes))  # type: ignore[arg-type]


def execution(**changes: Any) -> Execution:
    return Execution(**(dict.fromkeys(Execution._fields, 0) | changes))  # type: ignore[arg-type]


def test_a_fill_has_the_floats_that_one_row_would_have() -> None:
    rng = np.random.default_rng(5)
    fills = [
        execution(
            order=row + 1,
            strategy=row % 2,
            instrument=int(rng.integers(3)),
            event_time=row,
            side=row % 2,
            quantity=int(rng.integers(1, 10**11)),
            price=int(rng.integers(1, 10**7)),
            fee=int(rng.integers(-(10**9), 10**9)),
            realized_pnl=int(rng.integers(-(10**14), 10**14)),
            rule=row % 6,
        )
        for row in range(500)
    ]
    columns = fill_columns(columns_of(Execution._fields, fills), CONFIG)
    assert list(columns) == FILL_COLUMNS
    for row, fill in enumerate(fills):
        declared = CONFIG.instruments[fill.instrument]
        assert columns["symbol"][row] == declared.name and columns["strategy"][row] == "AB"[fill.strategy]
        assert columns["side"][row] == ("buy", "sell")[fill.side]
        assert columns["quantity"][row] == to_float(fill.quantity, 8)
        assert columns["price"][row] == to_float(fill.price, declared.price_decimals)
        assert columns["fee"][row] == to_float(fill.fee, 8)
        assert columns["realized_pnl"][row] == to_float(fill.realized_pnl, 8)
        assert columns["change"][row] == fill.quantity * (1, -1)[fill.side]
        exact = to_float(contract_value(declared, fill.price, fill.quantity), 8)
        assert abs(columns["value"][row] - exact) <= 1e-8 + 1e-12 * exact


def test_a_fee_in_the_base_asset_lowers_what_a_spot_fill_moved() -> None:
    fills = [
        execution(instrument=at, quantity=10**8, price=100, fee_currency=1, fee=10**5, side=side)
        for at, side in ((0, 0), (0, 1), (1, 0))
    ]
    assert fill_columns(columns_of(Execution._fields, fills), CONFIG)["change"] == [
        10**8 - 10**5,
        -(10**8) - 10**5,
        10**8,
    ]


def test_an_order_has_its_terms_and_what_does_not_exist_is_empty() -> None:
    orders = [
        facts(ordinal=2, instrument=9, side=7, order_type=200, time_in_force=99, quantity=5 * 10**8, code=101),
        facts(ordinal=3, order_type=4, trail_kind=1, trail_offset=10, parent=1, oco=2, expire_time=9, reduce_only=True),
        facts(ordinal=4, order_type=5, trail_kind=0, trail_offset=150),
        facts(ordinal=1, instrument=2, limit_price=123, filled_quantity=3 * 10**8, filled_value=10**9, closed_time=8),
    ]
    columns = order_columns(columns_of(OrderFacts._fields, orders), CONFIG)
    assert list(columns) == ORDER_COLUMNS
    assert columns["order"] == [1, 2, 3, 4] and columns["symbol"][:2] == ["INV", ""]
    assert columns["limit_price"][:2] == [12.3, None] and columns["stop_price"] == [None] * 4
    assert columns["side"][:2] == ["buy", ""]
    assert columns["order_type"] == ["market", "", "trailing_stop", "trailing_stop_limit"]
    assert columns["trail"] == [None, None, "10 ticks", "1.5"]
    assert columns["time_in_force"][:2] == ["GTC", ""] and columns["code"][:2] == ["", "E_UNKNOWN_INSTRUMENT"]
    assert columns["closed"] == [8, None, None, None] and columns["expires"] == [None, None, 9, None]
    assert columns["parent"] == [None, None, 1, None] and columns["oco"] == [None, None, 2, None]
    assert columns["reduce_only"] == [False, False, True, False]
    assert columns["average_price"][:2] == [average_price(CONFIG.instruments[2], 10**9, 3 * 10**8), None]


def test_nothing_booked_has_the_same_columns() -> None:
    assert fill_columns(columns_of(Execution._fields, []), CONFIG) == {name: [] for name in FILL_COLUMNS}
    assert order_columns(columns_of(OrderFacts._fields, []), CONFIG) == {name: [] for name in ORDER_COLUMNS}


def test_an_amount_beyond_64_bits_is_still_the_nearest_float() -> None:
    amount = 10**30 + 7
    told = columns_of(Execution._fields, [execution(fee=amount, quantity=5), execution(fee=-3)])
    assert told["fee"] == [amount, -3] and isinstance(told["quantity"], bytes)
    columns = fill_columns(told, CONFIG)
    assert columns["fee"] == [to_float(amount, 8), to_float(-3, 8)]


def test_a_column_is_an_array_until_somebody_wants_its_values() -> None:
    fills = fill_columns(columns_of(Execution._fields, [execution(strategy=1, price=250)]), CONFIG)
    assert rows_in(fills) == 1 and numbers(fills, "price").tolist() == [2.5]
    assert texts(fills, "strategy").are("B").tolist() == [True] and texts(fills, "strategy").only() == {"B"}
    plain = dict(fills)
    assert plain == fills and plain["strategy"] == ["B"] and repr(plain) == repr(fills)
    assert texts(plain, "strategy").are("B").tolist() == [True] and rows_in(plain) == 1


def traded(engine: str, rows: int = 60) -> Machine:
    """A finished run of a strategy that trades, on one core."""

    class Flip(Strategy):
        def on_start(self, ctx: StrategyContext) -> None:
            self.bars = 0

        def on_bar(self, ctx: StrategyContext, bar: BarView) -> None:
            self.bars += 1
            if self.bars % 3 == 0:
                ctx.buy(1) if ctx.position().quantity <= 0 else ctx.sell(2)
            elif self.bars % 7 == 0:
                ctx.buy(1, limit=1.0)

    close = [100.0 + at % 5 for at in range(rows)]
    bars = {"time": [1_700_000_000 + 60 * at for at in range(rows)], "volume": [1e6] * rows}
    loaded = load(bars | dict.fromkeys(("open", "high", "low", "close"), close))
    setup = set_up([Flip()], loaded, Options(cash=1e6, fees=0.001))
    run, _ = setup.start(engine, [Flip()])
    run.run()
    return run


@pytest.mark.parity
def test_both_cores_leave_the_same_columns() -> None:
    python, rust = traded("python"), traded("rust")
    assert len(python.executions()) > 10 and len(python.closed()) > 20
    for run in (python, rust):
        assert run.execution_columns() == columns_of(Execution._fields, run.executions())
        assert run.closed_columns() == columns_of(OrderFacts._fields, run.closed())
    assert python.execution_columns() == rust.execution_columns()
    assert python.closed_columns() == rust.closed_columns()
    rows = python.equity()
    assert rows == rust.equity() and len(rows) == 60
    curves = python.take_curve(), rust.take_curve()
    for curve in curves:
        assert len(curve) == 60 and np.frombuffer(curve.time(), np.int64).tolist() == [time for time, _, _ in rows]
        assert np.frombuffer(curve.equity(8)).tolist() == [to_float(worth or 0, 8) for _, worth, _ in rows]
        assert np.frombuffer(curve.cash(8)).tolist() == [to_float(cash or 0, 8) for _, _, cash in rows]
    assert python.equity() == rust.equity() == [], "a curve is taken once"
