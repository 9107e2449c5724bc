"""What a finished run hands to analysis: plain columns with floats and names, the same from both cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.data.columns import BarColumns


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run. Times are nanoseconds since the Unix epoch, UTC; money is in `currency` unless a column says otherwise."""

    engine: str
    state_hash: str
    contract_version: int
    events: int
    """Sequenced items."""
    seconds: float
    """Of the run loop alone."""
    currency: str
    initial_cash: float
    seed: int
    equity: dict[str, NDArray[np.int64 | np.float64]]
    """time, equity, cash: a row per market time."""
    fills: dict[str, list[Any]]
    orders: dict[str, list[Any]]
    positions: dict[str, list[Any]]
    errors: list[str]
    """What strategies raised, each with its seq and traceback."""
    log: list[tuple[int, int, str, str]]
    """What strategies wrote with `self.log`: seq_id, event clock in ns, strategy, text."""
    diagnostics: dict[str, int]
    """How often each code was given, by slug."""
    stopped: str
    """Why the engine stopped before the end of the data, "" otherwise."""
    bars: list[BarColumns]
    strategies: list[dict[str, Any]]
    """name and parameters of each strategy."""
