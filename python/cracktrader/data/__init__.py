"""The room where history becomes bars: `load`, `Bars`, `BarColumns`, and the bundled samples.

Heavy libraries are imported where they are used: importing the package stays cheap. Live data comes from `venues`.
"""

from cracktrader.data.bars import Bars, load
from cracktrader.data.bundled import sample, samples
from cracktrader.data.columns import BarColumns

__all__ = ["BarColumns", "Bars", "load", "sample", "samples"]
