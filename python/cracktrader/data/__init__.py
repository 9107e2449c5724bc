"""The room where history becomes columns: `load` and `read`, `Bars`, `Trades`, `Quotes`, `info`, `convert`, the samples.

A name is imported when it is first asked for, and heavy libraries where they are used: importing the package stays
cheap. Live data comes from `venues`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cracktrader.data.binance import load_binance_stream
    from cracktrader.data.bundled import sample, samples
    from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
    from cracktrader.data.conversion import Conversion, convert
    from cracktrader.data.declared import Bars, Quotes, Trades
    from cracktrader.data.inspection import DataInfo, Gap, info
    from cracktrader.data.loading import load, read
    from cracktrader.data.problems import DataReport
    from cracktrader.data.synthetic import random_walk
else:
    _HOMES = {
        "binance": ("load_binance_stream",),
        "bundled": ("sample", "samples"),
        "columns": ("BarColumns", "QuoteColumns", "TradeColumns"),
        "conversion": ("Conversion", "convert"),
        "declared": ("Bars", "Quotes", "Trades"),
        "inspection": ("DataInfo", "Gap", "info"),
        "loading": ("load", "read"),
        "problems": ("DataReport",),
        "synthetic": ("random_walk",),
    }

    def __getattr__(name: str) -> Any:
        """Import the home of a public name."""
        from importlib import import_module

        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module 'cracktrader.data' has no attribute {name!r}")
        globals()[name] = getattr(import_module(f"cracktrader.data.{home}"), name)
        return globals()[name]

    def __dir__() -> list[str]:
        """The public names, imported or not."""
        return __all__


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
