"""What a finished run hands to analysis: plain columns with floats and names, the same from both cores."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from cracktrader.strategy.indicators import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.core.config import Config
    from cracktrader.data.columns import BarColumns, Columns


@dataclass(frozen=True, slots=True)
class BoundIndicator:
    """An indicator that a strategy declared."""

    strategy: str
    attribute: str
    """Under which name the strategy keeps it, "" when under none."""
    declared: Any
    """The declaration, such as SMA(10); its text where the run was loaded from disk."""
    symbol: str
    series: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    """Its times and values, where the run was loaded from disk; else `runtime.indicators` computes them."""
    timeframe: str = ""
    """Of the bars it reads, such as "5m"; "" where the run does not know."""
    line: str = ""
    """Which line of an indicator with several; "" of one with one."""

    @property
    def label(self) -> str:
        """For a legend: "fast_ma SMA(10)"."""
        return f"{self.attribute} {self.name}".strip()

    @property
    def name(self) -> str:
        """As a person writes it: "SMA(10)", "Bollinger(20) upper"."""
        text = self.declared if isinstance(self.declared, str) else described(self.declared)
        return f"{text} {self.line}".strip()


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
    equity: Mapping[str, NDArray[np.int64 | np.float64]]
    """time, equity, cash: a row per market time."""
    fills: Mapping[str, list[Any]]
    orders: Mapping[str, list[Any]]
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
    """One for each instrument: those that were given, else some made of its ticks, for charts."""
    strategies: list[dict[str, Any]]
    """name and parameters of each strategy."""
    instruments: list[dict[str, Any]] = field(default_factory=list)
    """symbol, kind, currency (of settlement), price_decimals, quantity_decimals, multiplier of each instrument."""
    holdings: dict[str, list[Any]] = field(default_factory=dict)
    """Each strategy's own positions at the end: strategy, symbol, quantity, average_price, realized_pnl, unrealized_pnl (None without
    a mark), mark; profits before fees, in the currency of settlement."""
    indicators: list[BoundIndicator] = field(default_factory=list)
    config: Config | dict[str, Any] | None = None
    """What the core ran on; where the run was loaded from disk, the same as plain values."""
    inferred: str = ""
    """One line on what was taken for granted of instruments that were not declared."""
    data: list[Columns] = field(default_factory=list)
    """The columns that were run, of every kind, by stream; `bars` has one for each instrument."""
    timeframes: list[str] = field(default_factory=list)
    """What each stream's bars are called, such as "5m"."""
    journal: str = ""
    """The folder in which the run is recorded; "" where it is not."""


def described(declared: Any) -> str:
    """A declaration as a person writes it, such as "SMA(10)" or "EMA(20, field='high')".

    What has its default value is left out, but for lengths: an RSI is one of 14.
    """
    if not is_dataclass(declared) or isinstance(declared, type):
        return repr(declared)
    if isinstance(declared, Line):
        return f"{described(declared.of)}.line({declared.name!r})"
    given: list[str] = []
    in_place = True
    for one in sorted(fields(declared), key=lambda one: one.kw_only is True):
        value = getattr(declared, one.name)
        if one.init and (value != one.default or (type(value) is int and one.kw_only is not True)):
            text = described(value)
            given.append(text if in_place and one.kw_only is not True else f"{one.name}={text}")
        else:
            in_place = False
    return f"{type(declared).__name__}({', '.join(given)})"
