"""`Stats`: the figures of one run as one value: attributes, a mapping, a table for a terminal or a notebook, and backtesting.py's labels.

The formulas are in `statistics.py`; which numbers of a run go into them is `summary.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Figure = float | int | None


class Shown(NamedTuple):
    """How a figure is read by people."""

    label: str
    unit: str
    """"percent", "money", "ratio", "days", "times" or "count"."""
    signed: bool = False
    """Whether above zero is good and below bad."""


@dataclass(frozen=True, eq=True)
class Stats(Mapping[str, Figure]):
    """The figures of one run: `stats.sharpe`, `stats["sharpe"]`, `dict(stats)`; printed, a table.

    Ratios are fractions (0.1 is ten percent), money is in the run's currency, None is a figure that does not exist. Figures of trades
    are of closed round trips, after fees.
    """

    initial_cash: float
    final_equity: float
    peak_equity: float
    total_return: float | None
    buy_and_hold_return: float | None
    """Of equal shares of the cash in every instrument, from its first price to its last."""
    cagr: float | None
    volatility: float | None
    """A year."""
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    alpha: float | None
    """A year, against buy and hold."""
    beta: float | None
    max_drawdown: float
    """0 or negative."""
    max_drawdown_days: float
    """From the peak to the recovery, or to the end."""
    recovery_days: float | None
    """From the bottom of the deepest drawdown to the recovery."""
    longest_drawdown_days: float
    exposure: float | None
    """Share of the time with a position in anything."""
    trades: int
    open_trades: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    """Mean profit of a trade."""
    average_return: float | None
    """Mean return of a trade on the value it entered."""
    best_trade: float | None
    worst_trade: float | None
    average_win: float | None
    average_loss: float | None
    sqn: float | None
    kelly: float | None
    average_trade_days: float | None
    longest_trade_days: float | None
    turnover: float | None
    """Value of all fills over the mean equity."""
    fees: float
    fills: int
    orders: int
    days: float
    """From the first to the last market time."""
    periods_per_year: float | None
    """Of the returns behind volatility and the ratios."""
    risk_free: float
    series: Callable[[], pd.Series] | None = field(default=None, repr=False, compare=False, kw_only=True)

    def __getitem__(self, name: str) -> Figure:
        if name not in FIGURES:
            raise KeyError(f"{name}: the statistics are {', '.join(self)}")
        value: Figure = getattr(self, name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (one.name for one in fields(self) if one.name != "series")

    def __len__(self) -> int:
        return len(FIGURES)

    def as_series(self) -> pd.Series:
        """A pandas Series with backtesting.py's labels ("Return [%]", "Sharpe Ratio", "_trades"...), percent times 100, NaN for None.

        Needs pandas. RuntimeError on figures that belong to no run.
        """
        if self.series is None:
            raise RuntimeError("these figures belong to no run: take Result.stats")
        return self.series()

    def __repr__(self) -> str:
        width = max(len(FIGURES[name].label) for name in self)
        return "\n".join(f"{FIGURES[name].label:<{width}}{shown(name, self[name]):>18}" for name in self)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left">{FIGURES[name].label}</td>'
            f'<td style="text-align:right">{shown(name, self[name])}</td></tr>'
            for name in self
        )
        return f"<table>{rows}</table>"


FIGURES = {
    "initial_cash": Shown("Initial cash", "money"),
    "final_equity": Shown("Final equity", "money"),
    "peak_equity": Shown("Peak equity", "money"),
    "total_return": Shown("Total return", "percent", True),
    "buy_and_hold_return": Shown("Buy and hold return", "percent", True),
    "cagr": Shown("CAGR", "percent", True),
    "volatility": Shown("Volatility per year", "percent"),
    "sharpe": Shown("Sharpe ratio", "ratio"),
    "sortino": Shown("Sortino ratio", "ratio"),
    "calmar": Shown("Calmar ratio", "ratio"),
    "alpha": Shown("Alpha per year", "percent", True),
    "beta": Shown("Beta", "ratio"),
    "max_drawdown": Shown("Max drawdown", "percent"),
    "max_drawdown_days": Shown("Max drawdown length", "days"),
    "recovery_days": Shown("Recovery from the bottom", "days"),
    "longest_drawdown_days": Shown("Longest drawdown", "days"),
    "exposure": Shown("Time in the market", "percent"),
    "trades": Shown("Trades", "count"),
    "open_trades": Shown("Open trades", "count"),
    "win_rate": Shown("Win rate", "percent"),
    "profit_factor": Shown("Profit factor", "ratio"),
    "expectancy": Shown("Expectancy", "money", True),
    "average_return": Shown("Average trade", "percent", True),
    "best_trade": Shown("Best trade", "percent", True),
    "worst_trade": Shown("Worst trade", "percent", True),
    "average_win": Shown("Average win", "money"),
    "average_loss": Shown("Average loss", "money"),
    "sqn": Shown("SQN", "ratio"),
    "kelly": Shown("Kelly fraction", "percent"),
    "average_trade_days": Shown("Average trade length", "days"),
    "longest_trade_days": Shown("Longest trade", "days"),
    "turnover": Shown("Turnover", "times"),
    "fees": Shown("Fees", "money"),
    "fills": Shown("Fills", "count"),
    "orders": Shown("Orders", "count"),
    "days": Shown("Length of the run", "days"),
    "periods_per_year": Shown("Periods per year", "ratio"),
    "risk_free": Shown("Risk-free rate", "percent"),
}


def shown(name: str, value: Figure) -> str:
    """A figure as people read it: percent, a count, money with two decimals, or a dash for None."""
    if value is None:
        return "-"
    unit = FIGURES[name].unit
    if unit == "percent":
        return f"{value * 100:,.2f} %"
    if unit == "times":
        return f"{value:,.1f} x"
    if unit == "count":
        return f"{value:,}"
    if unit == "days":
        return _length(float(value))
    return f"{value:,.2f}"


def _length(days: float) -> str:
    """Days, or hours and minutes where a day is too coarse."""
    if days >= 10:
        return f"{days:,.0f} d"
    if days >= 1 or days == 0:
        return f"{days:.1f} d"
    return f"{days * 24:.1f} h" if days * 24 >= 1 else f"{days * 1440:.1f} min"
