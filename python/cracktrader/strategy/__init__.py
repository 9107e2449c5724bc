"""What users write against: `Strategy`, its context, the frozen views it reads, and indicator declarations."""

from cracktrader.strategy.base import Strategy
from cracktrader.strategy.context import StrategyContext
from cracktrader.strategy.indicators import EMA, SMA
from cracktrader.strategy.parameters import parameter
from cracktrader.strategy.views import (
    BarView,
    ControlView,
    EventView,
    FillView,
    IndicatorView,
    OrderView,
    PositionView,
    QuoteView,
    ReportView,
    TimerView,
    TradeView,
)

__all__ = [
    "BarView",
    "ControlView",
    "EMA",
    "EventView",
    "FillView",
    "IndicatorView",
    "OrderView",
    "PositionView",
    "QuoteView",
    "ReportView",
    "SMA",
    "Strategy",
    "StrategyContext",
    "TimerView",
    "TradeView",
    "parameter",
]
