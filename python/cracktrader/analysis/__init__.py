"""The room that reads finished runs: `Result`, its figures, charts and report. Nothing here takes part in a run."""

from .result import Result
from .statistics import Stats

__all__ = ["Result", "Stats"]
