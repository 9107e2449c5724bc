"""The room that reads finished runs: `Result`, its figures, charts and report. Nothing here takes part in a run."""

from cracktrader.analysis.result import Result
from cracktrader.analysis.stats import Stats

__all__ = ["Result", "Stats"]
