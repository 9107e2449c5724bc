"""Cracktrader: a deterministic trading engine for strategies written in Python.

import cracktrader as ct

class SmaCross(ct.Strategy):
    fast: int = 10
    slow: int = 30

    def on_start(self, ctx):
        self.fast_ma, self.slow_ma = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.SMA(self.slow))

    def on_bar(self, ctx, bar):
        if self.fast_ma.crossed_above(self.slow_ma): ctx.target(1)
        elif self.fast_ma.crossed_below(self.slow_ma): ctx.target(0)

print(ct.backtest(SmaCross, ct.data.sample("sp500_1d")).stats)
"""

from cracktrader import data, errors
from cracktrader.analysis.backtest import backtest
from cracktrader.analysis.result import Result
from cracktrader.core.intent import (
    CancelOrder,
    NoOp,
    OrderId,
    OrderType,
    PlaceOrder,
    ReplaceOrder,
    RiskFlag,
    SetRiskFlag,
    Side,
    TimeInForce,
)
from cracktrader.core.risk import InstrumentLimit, RiskLimits
from cracktrader.data import Bars
from cracktrader.errors import (
    ConfigError,
    CracktraderError,
    DataError,
    EngineNotBuilt,
    IntentError,
    InvariantBroken,
    StaleView,
    StrategyError,
)
from cracktrader.runtime.declare import Venue
from cracktrader.strategy import (
    EMA,
    SMA,
    BarView,
    EventView,
    FillView,
    OrderView,
    PositionView,
    QuoteView,
    Strategy,
    StrategyContext,
    TimerView,
    TradeView,
)

__all__ = [
    "BarView",
    "Bars",
    "CancelOrder",
    "ConfigError",
    "CracktraderError",
    "DataError",
    "EMA",
    "EngineNotBuilt",
    "EventView",
    "FillView",
    "InstrumentLimit",
    "IntentError",
    "InvariantBroken",
    "NoOp",
    "OrderId",
    "OrderType",
    "OrderView",
    "PlaceOrder",
    "PositionView",
    "QuoteView",
    "ReplaceOrder",
    "Result",
    "RiskFlag",
    "RiskLimits",
    "SMA",
    "SetRiskFlag",
    "Side",
    "StaleView",
    "Strategy",
    "StrategyContext",
    "StrategyError",
    "TimeInForce",
    "TimerView",
    "TradeView",
    "Venue",
    "backtest",
    "data",
    "errors",
]
