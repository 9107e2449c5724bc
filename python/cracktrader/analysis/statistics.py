"""The figures of a run: small functions over equity and trades, and `Stats`, the record that gathers them.

Every function names its formula and where it comes from. A figure that does not exist (a ratio over nothing, a rate of
growth after ruin) is None, never NaN or infinity. Analysis is the one place where floats are the truth; no figure here
flows back into a core. Frames and charts are not here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_NS = 86_400_000_000_000
YEAR_NS = 365.25 * DAY_NS
TRADING_DAYS = 252.0

Figure = float | int | None


@dataclass(frozen=True)
class Stats(Mapping[str, Figure]):
    """The figures of one run, as attributes and as a mapping: `stats.sharpe`, `stats["sharpe"]`, `dict(stats)`.

    Ratios are fractions (0.1 is ten percent), money is in the run's currency, None is a figure that does not exist.
    """

    initial_cash: float
    final_equity: float
    total_return: float | None
    buy_and_hold_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    max_drawdown: float
    max_drawdown_days: float
    exposure: float | None
    trades: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    fees: float
    turnover: float | None
    fills: int
    orders: int

    def __getitem__(self, name: str) -> Figure:
        if name not in LABELS:
            raise KeyError(f"{name}: the statistics are {', '.join(self)}")
        value: Figure = getattr(self, name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))

    def __len__(self) -> int:
        return len(fields(self))

    def __repr__(self) -> str:
        return "\n".join(f"{LABELS[name]:<24}{shown(name, self[name]):>16}" for name in self)


LABELS = {
    "initial_cash": "Initial cash",
    "final_equity": "Final equity",
    "total_return": "Total return",
    "buy_and_hold_return": "Buy and hold return",
    "cagr": "CAGR",
    "volatility": "Volatility per year",
    "sharpe": "Sharpe ratio",
    "max_drawdown": "Max drawdown",
    "max_drawdown_days": "Max drawdown, days",
    "exposure": "Time in the market",
    "trades": "Round trips",
    "win_rate": "Win rate",
    "profit_factor": "Profit factor",
    "expectancy": "Expectancy per trade",
    "fees": "Fees",
    "turnover": "Turnover",
    "fills": "Fills",
    "orders": "Orders",
}
_PERCENT = {"total_return", "buy_and_hold_return", "cagr", "volatility", "max_drawdown", "exposure", "win_rate"}
_TIMES = {"turnover"}
_ONE_DECIMAL = {"max_drawdown_days"}


def shown(name: str, value: Figure) -> str:
    """A figure as people read it: percent, a count, money with two decimals, or a dash for None."""
    if value is None:
        return "-"
    if name in _PERCENT:
        return f"{value * 100:,.2f} %"
    if name in _TIMES:
        return f"{value:,.1f} x"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if name in _ONE_DECIMAL else f"{value:,.2f}"


# ---------------------------------------------------------------- equity


def period_returns(equity: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Simple returns e[i] / e[i-1] - 1 of neighbouring rows; None when the equity touches zero, as after ruin.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., ch. 2 (simple return).
    """
    if len(equity) and bool((equity <= 0).any()):
        return None
    returns: NDArray[np.float64] = equity[1:] / equity[:-1] - 1.0
    return returns


def periods_per_year(times: NDArray[np.int64]) -> float | None:
    """How many equity rows make a year, from their median spacing; None with fewer than two rows.

    252 trading days when the spacing is a day (20 to 28 hours), else 365.25 days / spacing, which for data with closed
    hours counts the year as if it had none. The square-root-of-time rule needs such a number: Lo (2002), The Statistics
    of Sharpe Ratios, Financial Analysts Journal 58(4).
    """
    import numpy as np

    if len(times) < 2:
        return None
    spacing = float(np.median(np.diff(times)))
    if spacing <= 0:
        return None
    hours = spacing / (DAY_NS / 24)
    return TRADING_DAYS if 20 <= hours <= 28 else YEAR_NS / spacing


def total_return(initial: float, final: float) -> float | None:
    """final / initial - 1; None for a run that started with nothing. Source: Bacon, ch. 2."""
    return final / initial - 1.0 if initial > 0 else None


def cagr(initial: float, final: float, years: float) -> float | None:
    """(final / initial) ** (1 / years) - 1, years of 365.25 days; None after ruin or over no time.

    Source: the geometric mean return, Bacon, ch. 2. Runs shorter than a year are extrapolated all the same.
    """
    if years <= 0 or final <= 0 or initial <= 0:
        return None
    exponent = math.log(final / initial) / years
    return math.expm1(exponent) if exponent < 700 else None


def volatility(returns: NDArray[np.float64], per_year: float) -> float | None:
    """Sample standard deviation (n - 1) of the returns x sqrt(periods per year); None with fewer than two returns.

    Source: Lo (2002), the square-root-of-time rule.
    """
    if len(returns) < 2:
        return None
    return float(returns.std(ddof=1)) * math.sqrt(per_year)


def sharpe(returns: NDArray[np.float64], per_year: float) -> float | None:
    """Mean / sample standard deviation of the returns x sqrt(periods per year), risk-free rate 0.

    None without variance.

    Source: Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21(1).
    """
    if len(returns) < 2:
        return None
    deviation = float(returns.std(ddof=1))
    # Returns that differ only by the rounding of a division have no variance to speak of.
    if deviation <= 1e-15:
        return None
    return float(returns.mean()) / deviation * math.sqrt(per_year)


def drawdowns(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """e[i] / max(e[0..i]) - 1 for every row: 0 at a peak, negative below it, 0 where no peak was above zero yet.

    Source: Magdon-Ismail and Atiya (2004), Maximum Drawdown, Risk 17(10).
    """
    import numpy as np

    peaks = np.maximum.accumulate(equity)
    below: NDArray[np.float64] = np.divide(equity, peaks, out=np.ones(len(equity)), where=peaks > 0) - 1.0
    return below


def max_drawdown(equity: NDArray[np.float64], times: NDArray[np.int64]) -> tuple[float, float]:
    """The deepest drawdown (0 or negative), and its days from the peak before it to the recovery, or to the end."""
    if not len(equity):
        return 0.0, 0.0
    below = drawdowns(equity)
    bottom = int(below.argmin())
    depth = float(below[bottom])
    if depth == 0.0:
        return 0.0, 0.0
    peak = bottom - int((below[bottom::-1] == 0.0).argmax())
    recovered = below[bottom:] == 0.0
    end = bottom + int(recovered.argmax()) if recovered.any() else len(equity) - 1
    return depth, float(times[end] - times[peak]) / DAY_NS


# ---------------------------------------------------------------- trades


def win_rate(profits: NDArray[np.float64]) -> float | None:
    """Share of round trips with a profit after fees; None without trades.

    Source: Pardo, The Evaluation and Optimization of Trading Strategies, 2nd ed.
    """
    return float((profits > 0).mean()) if len(profits) else None


def profit_factor(profits: NDArray[np.float64]) -> float | None:
    """Sum of the profits / sum of the losses, after fees; None without a loss. Source: Pardo."""
    lost = float(-profits[profits < 0].sum()) if len(profits) else 0.0
    return float(profits[profits > 0].sum()) / lost if lost > 0 else None


def expectancy(profits: NDArray[np.float64]) -> float | None:
    """Mean profit of a round trip after fees, in money; None without trades. Source: Pardo."""
    return float(profits.mean()) if len(profits) else None


def turnover(traded: float, equity: NDArray[np.float64]) -> float | None:
    """Money traded (price x quantity of every fill, both sides) / mean equity; None when that mean is not positive.

    Source: the portfolio turnover rate of SEC Form N-1A, which takes the smaller side; here both count: each pays fees.
    """
    mean = float(equity.mean()) if len(equity) else 0.0
    return traded / mean if mean > 0 else None
