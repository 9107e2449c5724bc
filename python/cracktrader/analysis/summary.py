"""From a finished run to its `Stats`. The formulas are in `statistics.py`; here is only which numbers of a run go into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cracktrader.analysis import statistics
from cracktrader.analysis.stats import Stats
from cracktrader.analysis.trades import time_in_market
from cracktrader.runtime.table import numbers, rows_in, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.runtime.outcome import RunOutcome


def summarise(
    outcome: RunOutcome,
    trips: Mapping[str, Sequence[Any]],
    *,
    risk_free: float = 0.0,
    periods_per_year: float | None = None,
) -> Stats:
    """The figures of a run; `trips` are its round trips as columns, `risk_free` is a rate a year."""
    times, equity = valued(outcome)
    initial = outcome.initial_cash
    final = float(equity[-1]) if len(equity) else initial
    days = float(times[-1] - times[0]) / statistics.DAY_NS if len(times) else 0.0
    growth = statistics.cagr(initial, final, days / 365.25)
    below = statistics.max_drawdown(equity, times)
    risk = _risk(outcome, times, equity, risk_free, periods_per_year)
    held = buy_and_hold(outcome, times)
    return Stats(
        initial_cash=initial,
        final_equity=final,
        peak_equity=max(initial, float(equity.max())) if len(equity) else initial,
        total_return=statistics.total_return(initial, final),
        buy_and_hold_return=None if held is None or not len(held) else float(held[-1]) - 1.0,
        cagr=growth,
        volatility=risk.volatility,
        sharpe=risk.sharpe,
        sortino=risk.sortino,
        calmar=statistics.calmar(growth, below.depth),
        alpha=risk.alpha,
        beta=risk.beta,
        max_drawdown=below.depth,
        max_drawdown_days=below.days,
        recovery_days=below.recovery_days,
        longest_drawdown_days=below.longest_days,
        exposure=_exposure(outcome, trips),
        **_of_trades(trips, outcome.currency),
        turnover=statistics.turnover(_traded(outcome), equity),
        fees=_fees(outcome),
        fills=rows_in(outcome.fills),
        orders=rows_in(outcome.orders),
        days=days,
        periods_per_year=risk.per_year,
        risk_free=risk_free,
    )


def valued(outcome: RunOutcome) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times and equity of the rows that have one: without a rate to the base currency a total does not exist."""
    import numpy as np

    times = np.asarray(outcome.equity["time"], dtype=np.int64)
    equity = np.asarray(outcome.equity["equity"], dtype=np.float64)
    known = np.isfinite(equity)
    return (times, equity) if known.all() else (times[known], equity[known])


def buy_and_hold(outcome: RunOutcome, times: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """What one unit of cash would be worth at `times`: equal shares in every instrument, bought at its first close and kept, no fees.

    An instrument counts as cash until its first close. None without prices.
    """
    import numpy as np

    held = [columns for columns in outcome.bars if len(columns)]
    if not held:
        return None
    worth = np.zeros(len(times))
    for columns in held:
        close = columns.prices("close")
        place = columns.event_time.searchsorted(times, side="right") - 1
        worth += np.where(place >= 0, close[np.maximum(place, 0)] / close[0], 1.0)
    mean: NDArray[np.float64] = worth / len(held)
    return mean


class _Risk(NamedTuple):
    """Figures of the returns; None where there are none to speak of."""

    per_year: float | None = None
    volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    alpha: float | None = None
    beta: float | None = None


def _risk(
    outcome: RunOutcome,
    times: NDArray[np.int64],
    equity: NDArray[np.float64],
    risk_free: float,
    periods_per_year: float | None,
) -> _Risk:
    import numpy as np

    rows = statistics.periods(times, equity, periods_per_year)
    returns = statistics.period_returns(rows.equity, outcome.initial_cash)
    per_year = rows.per_year
    if returns is None or per_year is None:
        return _Risk(per_year)
    alpha = beta = None
    held = buy_and_hold(outcome, rows.times)
    if held is not None and len(held):
        # Both series begin with the same row, or with the cash before it.
        held = np.concatenate([[1.0], held]) if len(returns) == len(held) else held
        alpha, beta = statistics.alpha_beta(returns, held[1:] / held[:-1] - 1.0, per_year, risk_free)
    return _Risk(
        per_year,
        statistics.volatility(returns, per_year),
        statistics.sharpe(returns, per_year, risk_free),
        statistics.sortino(returns, per_year, risk_free),
        alpha,
        beta,
    )


def _of_trades(trips: Mapping[str, Sequence[Any]], currency: str) -> dict[str, Any]:
    """Figures of the closed trips. What adds money up is None where trips settle in other currencies than the run's."""
    import numpy as np

    closed = [at for at, status in enumerate(trips["status"]) if status == "closed"]
    profits = np.array([trips["pnl"][at] for at in closed], dtype=np.float64)
    returns = np.array([trips["return"][at] for at in closed], dtype=np.float64)
    returns = returns[np.isfinite(returns)]
    lengths = np.array([trips["exit_time"][at] - trips["entry_time"][at] for at in closed], dtype=np.float64)
    lengths /= statistics.DAY_NS
    adds = all(trips["currency"][at] == currency for at in closed)
    money = profits if adds else profits[:0]
    return {
        "trades": len(closed),
        "open_trades": len(trips["status"]) - len(closed),
        "win_rate": statistics.win_rate(profits),
        "profit_factor": statistics.profit_factor(money),
        "expectancy": statistics.expectancy(money),
        "average_return": _mean(returns),
        "best_trade": float(returns.max()) if len(returns) else None,
        "worst_trade": float(returns.min()) if len(returns) else None,
        "average_win": _mean(money[money > 0]),
        "average_loss": _mean(money[money < 0]),
        "sqn": statistics.system_quality(money),
        "kelly": statistics.kelly(returns),
        "average_trade_days": _mean(lengths),
        "longest_trade_days": float(lengths.max()) if len(lengths) else None,
    }


def _mean(numbers: NDArray[np.float64]) -> float | None:
    return float(numbers.mean()) if len(numbers) else None


def _fees(outcome: RunOutcome) -> float:
    """Fees charged in the run's currency; others are in `fills` with their own."""
    own = texts(outcome.fills, "fee_currency").are(outcome.currency)
    return float(sum(numbers(outcome.fills, "fee")[own].tolist()))


def _traded(outcome: RunOutcome) -> float:
    """Value of all fills that settle in the run's currency."""
    import numpy as np

    fills, symbol = outcome.fills, texts(outcome.fills, "symbol")
    currency_of = {one["symbol"]: one["currency"] for one in outcome.instruments}
    settles = [currency_of.get(one, outcome.currency) == outcome.currency for one in symbol.names]
    own = np.array(settles, dtype=bool)[symbol.places]
    values = numbers(fills, "value") if "value" in fills else numbers(fills, "price") * numbers(fills, "quantity")
    return float(sum(values[own].tolist()))


def _exposure(outcome: RunOutcome, trips: Mapping[str, Sequence[Any]]) -> float | None:
    """Share of the time from the first bar's open to the last bar's close with a position in anything."""
    bars = [one for one in outcome.bars if len(one)]
    if not bars:
        return None
    start, end = min(int(one.open_time[0]) for one in bars), max(int(one.close_time[-1]) for one in bars)
    return time_in_market(trips, end) / (end - start)
