"""The room of the configuration: which settings there are, and where the value of each one comes from.

A value is looked for on the command line, then in the environment, then in the nearest cracktrader.toml, then in the defaults.
Only the command line reads it: `ct.backtest` in a program takes its arguments and nothing hidden.
"""

from cracktrader.config.settings import BacktestSettings, DataSettings, OutputSettings, Settings, VenueSettings
from cracktrader.config.sources import Resolved, find_file, resolve

__all__ = [
    "BacktestSettings",
    "DataSettings",
    "OutputSettings",
    "Resolved",
    "Settings",
    "VenueSettings",
    "find_file",
    "resolve",
]
