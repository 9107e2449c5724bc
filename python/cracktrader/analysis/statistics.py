"""The formulas: small functions over equity, returns and trades.

Every function names its formula and where it comes from. A figure that does not exist (a ratio over nothing, a rate of growth after ruin)
is None, never NaN, infinity or a stand-in. Analysis is the one place where floats are the truth; no figure here flows back into a core.

Annualisation. Ratios are computed from one return a period. The period follows the data: rows nearer than 20 hours apart are taken
together by day (UTC; a Sunday joins the Monday where the data has no Saturdays, as in currency markets), daily, weekly and monthly rows
stand for themselves. A year has 365 daily periods when the data has Saturdays and 252 otherwise, 52 weekly, 12 monthly ones, or 365.25
days over the spacing. Depth and length of drawdowns, total return and CAGR use every row.

Gathering a run's numbers is `summary.py`, the record of the figures `stats.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
YEAR_NS = 365.25 * DAY_NS
TRADING_DAYS, CALENDAR_DAYS, WEEKS, MONTHS = 252.0, 365.0, 52.0, 12.0

# Returns that differ only by the rounding of a division have no variance to speak of.
_NO_DEVIATION = 1e-15


# ---------------------------------------------------------------- periods


class Periods(NamedTuple):
    """An equity curve with one row a period."""

    times: Ints
    equity: Floats
    per_year: float | None
    """How many periods make a year; None with fewer than two rows."""
    name: str
    """What a period is: "day", "week", "month" or "row"."""


def periods(times: Ints, equity: Floats, per_year: float | None = None) -> Periods:
    """The rows to take returns of, and how many make a year (this file's head has the rule); `per_year` overrules the latter.

    The square-root-of-time rule needs such a number: Lo (2002), The Statistics of Sharpe Ratios, Financial Analysts Journal 58(4).
    """
    import numpy as np

    if len(times) < 2:
        return Periods(times, equity, per_year, "row")
    spacing = float(np.median(np.diff(times)))
    saturdays = bool((_weekday(times // DAY_NS) == 5).any())
    if spacing < 20 * HOUR_NS:
        days = times // DAY_NS
        if not saturdays:
            days = days + (_weekday(days) == 6)
        last = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
        times, equity, spacing = times[last], equity[last], float(DAY_NS)
    name, inferred = _year_of(spacing, saturdays)
    if len(times) < 2:
        return Periods(times, equity, per_year or inferred, name)
    return Periods(times, equity, per_year or inferred, name)


def _weekday(days: Ints) -> Ints:
    """0 for Monday to 6 for Sunday of days since 1970-01-01, a Thursday."""
    weekday: Ints = (days + 3) % 7
    return weekday


def _year_of(spacing_ns: float, saturdays: bool) -> tuple[str, float]:
    days = spacing_ns / DAY_NS
    if days <= 28 / 24:
        return "day", CALENDAR_DAYS if saturdays else TRADING_DAYS
    if 4 <= days <= 10:
        return "week", WEEKS
    if 26 <= days <= 33:
        return "month", MONTHS
    return "row", YEAR_NS / spacing_ns


def period_returns(equity: Floats, initial: float | None = None) -> Floats | None:
    """Simple returns e[i] / e[i-1] - 1 of neighbouring rows; None when the equity touches zero, as after ruin.

    A first row that is no longer `initial` (the cash a run began with) makes a return of its own, so that the returns always compound to
    the total return.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., ch. 2 (simple return).
    """
    import numpy as np

    if len(equity) and bool((equity <= 0).any()):
        return None
    if initial is not None and initial > 0 and len(equity) and equity[0] != initial:
        equity = np.concatenate([[initial], equity])
    returns: Floats = equity[1:] / equity[:-1] - 1.0
    return returns


# ---------------------------------------------------------------- growth and risk


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


def volatility(returns: Floats, per_year: float) -> float | None:
    """Sample standard deviation (n - 1) of the returns x sqrt(periods per year); None with fewer than two returns.

    Source: Lo (2002), the square-root-of-time rule.
    """
    if len(returns) < 2:
        return None
    return float(returns.std(ddof=1)) * math.sqrt(per_year)


def period_rate(annual: float, per_year: float) -> float:
    """The rate of one period that compounds to an annual one: (1 + annual) ** (1 / periods per year) - 1."""
    return float((1.0 + annual) ** (1.0 / per_year) - 1.0)


def sharpe(returns: Floats, per_year: float, risk_free: float = 0.0) -> float | None:
    """Mean excess return / sample standard deviation x sqrt(periods per year); `risk_free` is a rate a year. None without variance.

    Source: Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21(1).
    """
    if len(returns) < 2:
        return None
    excess = returns - period_rate(risk_free, per_year)
    deviation = float(excess.std(ddof=1))
    return None if deviation <= _NO_DEVIATION else float(excess.mean()) / deviation * math.sqrt(per_year)


def sortino(returns: Floats, per_year: float, risk_free: float = 0.0) -> float | None:
    """Mean excess return / downside deviation x sqrt(periods per year); None with fewer than two returns or none below the rate.

    The downside deviation is the root of the mean, over all returns, of the squared shortfalls below the risk-free rate.

    Source: Sortino and Price (1994), Performance Measurement in a Downside Risk Framework, Journal of Investing 3(3).
    """
    import numpy as np

    if len(returns) < 2:
        return None
    excess = returns - period_rate(risk_free, per_year)
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    return None if downside <= _NO_DEVIATION else float(excess.mean()) / downside * math.sqrt(per_year)


def calmar(growth: float | None, depth: float) -> float | None:
    """CAGR / depth of the maximum drawdown; None without either. Source: Young (1991), Calmar Ratio, Futures 20(1)."""
    return None if growth is None or depth == 0.0 else growth / abs(depth)


def alpha_beta(
    returns: Floats, benchmark: Floats, per_year: float, risk_free: float = 0.0
) -> tuple[float | None, float | None]:
    """Slope of the excess returns on the benchmark's, and what is left of a period's mean, compounded to a year.

    beta = cov(r, b) / var(b); alpha = (1 + mean(r - rf - beta (b - rf))) ** (periods per year) - 1. None without variance in the benchmark.

    Source: Jensen (1968), The Performance of Mutual Funds, Journal of Finance 23(2).
    """
    if len(returns) < 2 or len(returns) != len(benchmark):
        return None, None
    rate = period_rate(risk_free, per_year)
    own, other = returns - rate, benchmark - rate
    spread = other - other.mean()
    variance = float((spread * spread).mean())
    if variance <= _NO_DEVIATION**2:
        return None, None
    beta = float((own * spread).mean()) / variance
    left = float((own - beta * other).mean())
    growth = per_year * math.log1p(left) if left > -1 else math.inf
    return (math.expm1(growth) if growth < 700 else None), beta


# ---------------------------------------------------------------- drawdown


class Drawdown(NamedTuple):
    """The deepest drawdown of a curve, and the longest one."""

    depth: float
    """0 or negative, a fraction of the peak."""
    days: float
    """From the peak before the deepest one to the recovery, or to the end."""
    recovery_days: float | None
    """From its lowest row to the recovery; None when it did not recover, or there was none."""
    longest_days: float
    """Of the longest time below a peak, recovered or not."""


def drawdowns(equity: Floats) -> Floats:
    """e[i] / max(e[0..i]) - 1 for every row: 0 at a peak, negative below it, 0 where no peak was above zero yet.

    Source: Magdon-Ismail and Atiya (2004), Maximum Drawdown, Risk 17(10).
    """
    import numpy as np

    peaks = np.maximum.accumulate(equity)
    below: Floats = np.divide(equity, peaks, out=np.ones(len(equity)), where=peaks > 0) - 1.0
    return below


def max_drawdown(equity: Floats, times: Ints) -> Drawdown:
    """The deepest and the longest drawdown over all rows."""
    import numpy as np

    if not len(equity):
        return Drawdown(0.0, 0.0, None, 0.0)
    below = drawdowns(equity)
    bottom = int(below.argmin())
    if below[bottom] == 0.0:
        return Drawdown(0.0, 0.0, None, 0.0)
    at_peak = np.flatnonzero(below == 0.0)
    peak = int(at_peak[at_peak.searchsorted(bottom) - 1])
    later = at_peak[at_peak.searchsorted(bottom) :]
    end = int(later[0]) if len(later) else len(equity) - 1
    spans = np.diff(np.append(times[at_peak], times[-1]))
    # A row that follows a peak directly and is one itself is no time below.
    spans[:-1][np.diff(at_peak) == 1] = 0
    return Drawdown(
        depth=float(below[bottom]),
        days=float(times[end] - times[peak]) / DAY_NS,
        recovery_days=float(times[end] - times[bottom]) / DAY_NS if len(later) else None,
        longest_days=float(spans.max()) / DAY_NS,
    )


# ---------------------------------------------------------------- trades


def win_rate(profits: Floats) -> float | None:
    """Share of round trips with a profit after fees; None without trades.

    Source: Pardo, The Evaluation and Optimization of Trading Strategies, 2nd ed.
    """
    return float((profits > 0).mean()) if len(profits) else None


def profit_factor(profits: Floats) -> float | None:
    """Sum of the profits / sum of the losses, after fees; None without a loss. Source: Pardo."""
    lost = float(-profits[profits < 0].sum()) if len(profits) else 0.0
    return float(profits[profits > 0].sum()) / lost if lost > 0 else None


def expectancy(profits: Floats) -> float | None:
    """Mean profit of a round trip after fees, in money; None without trades. Source: Pardo."""
    return float(profits.mean()) if len(profits) else None


def system_quality(profits: Floats) -> float | None:
    """SQN: sqrt(number of trades) x mean profit / sample standard deviation of the profits; None without variance.

    Source: Tharp, Definitive Guide to Position Sizing (2008). Profits stand for R multiples: a trade need not have a stop.
    """
    if len(profits) < 2:
        return None
    deviation = float(profits.std(ddof=1))
    return None if deviation <= _NO_DEVIATION else math.sqrt(len(profits)) * float(profits.mean()) / deviation


def kelly(returns: Floats) -> float | None:
    """Kelly's fraction W - (1 - W) / R of trade returns: W the share of winners, R mean win / mean loss; None without both.

    Source: Kelly (1956), A New Interpretation of Information Rate, Bell System Technical Journal 35(4), for two outcomes.
    """
    won, lost = returns[returns > 0], returns[returns < 0]
    if not len(won) or not len(lost):
        return None
    share = len(won) / len(returns)
    return share - (1.0 - share) / float(won.mean() / -lost.mean())


def turnover(traded: float, equity: Floats) -> float | None:
    """Money traded (value of every fill, both sides) / mean equity; None when that mean is not positive.

    Source: the portfolio turnover rate of SEC Form N-1A, which takes the smaller side; here both count: each pays fees.
    """
    mean = float(equity.mean()) if len(equity) else 0.0
    return traded / mean if mean > 0 else None
