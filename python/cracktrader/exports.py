"""Every public name of the package: what `ct.NAME` finds. A new name joins the imports and the list here, and nowhere else."""

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
from cracktrader.data import Bars, Quotes, Trades
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
from cracktrader.runtime.timeframes import TickBars, TimeBars, ValueBars, VolumeBars
from cracktrader.runtime.venue import Venue
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
    parameter,
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
    "Quotes",
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
    "TickBars",
    "TimeBars",
    "TimeInForce",
    "TimerView",
    "TradeView",
    "Trades",
    "ValueBars",
    "Venue",
    "VolumeBars",
    "backtest",
    "data",
    "errors",
    "parameter",
]
