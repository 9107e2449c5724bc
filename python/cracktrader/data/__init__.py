"""The room where history becomes bars: `load`, `Bars`, `BarColumns`, and the bundled samples.

Heavy libraries are imported where they are used: importing the package stays cheap. Live data comes from `venues`.
"""

from .columns import BarColumns
from .load import Bars, load
from .samples import sample, samples

__all__ = ["BarColumns", "Bars", "load", "sample", "samples"]
