"""The room where history becomes columns: `load` and `read`, `Bars`, `Trades`, `Quotes`, `info`, `convert`, the samples.

Heavy libraries are imported where they are used: importing the package stays cheap. Live data comes from `venues`.
"""

from cracktrader.data.binance import load_binance_stream
from cracktrader.data.bundled import sample, samples
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.data.conversion import Conversion, convert
from cracktrader.data.declared import Bars, Quotes, Trades
from cracktrader.data.inspection import DataInfo, Gap, info
from cracktrader.data.loading import load, read
from cracktrader.data.problems import DataReport
from cracktrader.data.synthetic import random_walk

__all__ = [
    "BarColumns",
    "Bars",
    "Conversion",
    "DataInfo",
    "DataReport",
    "Gap",
    "QuoteColumns",
    "Quotes",
    "TradeColumns",
    "Trades",
    "convert",
    "info",
    "load",
    "load_binance_stream",
    "random_walk",
    "read",
    "sample",
    "samples",
]
