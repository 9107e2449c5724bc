"""From a finished run to its `Stats`, and to the reason why nothing was traded.

The formulas are in `statistics.py`; here is only which numbers of a run go into them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis import statistics
from cracktrader.analysis.trades import time_in_market

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.runtime.outcome import RunOutcome


def summarise(outcome: RunOutcome, trips: Mapping[str, Sequence[Any]]) -> statistics.Stats:
    """The figures of a run; `trips` are its round trips as columns."""
    import numpy as np

    times, equity = valued(outcome)
    final = float(equity[-1]) if len(equity) else outcome.initial_cash
    profits = np.asarray(trips["pnl"], dtype=np.float64)
    returns = statistics.period_returns(equity)
    per_year = statistics.periods_per_year(times)
    measurable = returns is not None and per_year is not None
    depth, depth_days = statistics.max_drawdown(equity, times)
    fills = outcome.fills
    traded = sum(price * size for price, size in zip(fills["price"], fills["quantity"], strict=True))
    return statistics.Stats(
        initial_cash=outcome.initial_cash,
        final_equity=final,
        total_return=statistics.total_return(outcome.initial_cash, final),
        buy_and_hold_return=_buy_and_hold(outcome),
        cagr=statistics.cagr(outcome.initial_cash, final, _years(times)),
        volatility=statistics.volatility(returns, per_year) if measurable else None,  # type: ignore[arg-type]
        sharpe=statistics.sharpe(returns, per_year) if measurable else None,  # type: ignore[arg-type]
        max_drawdown=depth,
        max_drawdown_days=depth_days,
        exposure=_exposure(outcome),
        trades=len(profits),
        win_rate=statistics.win_rate(profits),
        profit_factor=statistics.profit_factor(profits),
        expectancy=statistics.expectancy(profits),
        fees=_fees(outcome),
        turnover=statistics.turnover(traded, equity),
        fills=len(fills["price"]),
        orders=len(outcome.orders["order"]),
    )


def valued(outcome: RunOutcome) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times and equity of the rows that have one: without a rate to the base currency a total does not exist."""
    import numpy as np

    times = np.asarray(outcome.equity["time"], dtype=np.int64)
    equity = np.asarray(outcome.equity["equity"], dtype=np.float64)
    known = np.isfinite(equity)
    return (times, equity) if known.all() else (times[known], equity[known])


def _years(times: NDArray[np.int64]) -> float:
    return float(times[-1] - times[0]) / statistics.YEAR_NS if len(times) else 0.0


def _fees(outcome: RunOutcome) -> float:
    """Fees charged in the run's currency; others are in `fills` with their own."""
    pairs = zip(outcome.fills["fee"], outcome.fills["fee_currency"], strict=True)
    return float(sum(fee for fee, currency in pairs if currency == outcome.currency))


def _buy_and_hold(outcome: RunOutcome) -> float | None:
    """Last close / first close - 1, the mean of it over the instruments; None without bars."""
    kept = [float(bars.close[-1] / bars.close[0]) - 1.0 for bars in outcome.bars if len(bars)]
    return sum(kept) / len(kept) if kept else None


def _exposure(outcome: RunOutcome) -> float | None:
    """Share of the time from the first bar's open to the last bar's close with a position in anything."""
    bars = [one for one in outcome.bars if len(one)]
    if not bars:
        return None
    start, end = min(int(one.open_time[0]) for one in bars), max(int(one.close_time[-1]) for one in bars)
    held = sum(until - since for since, until in time_in_market(outcome.fills, end))
    return held / (end - start)


def why_no_trades(outcome: RunOutcome) -> str:
    """Why a run has no fills, in one paragraph for people; empty when it has some."""
    if outcome.fills["price"]:
        return ""
    bars = sum(len(one) for one in outcome.bars)
    if outcome.errors:
        first = outcome.errors[0].strip().splitlines()
        raised = first[-1].strip()
        return f"Nothing was traded: the strategy raised ({raised}), and its orders of that moment were discarded."
    if not outcome.orders["order"]:
        refused = _refusals(outcome.diagnostics)
        if refused:
            return f"Nothing was traded: no intent became an order. Refused: {refused}."
        return (
            f"Nothing was traded: the strategy placed no order in {bars:,} bars. Either its condition never held, or "
            "it was never ready: an indicator needs as many bars as its period before ctx.warm is true."
        )
    return f"Nothing was traded: {len(outcome.orders['order']):,} orders, no fill. {_endings(outcome)}"


def _refusals(diagnostics: Mapping[str, int]) -> str:
    ranked = sorted(diagnostics.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{code} {count:,} times" for code, count in ranked)


def _endings(outcome: RunOutcome) -> str:
    """What became of the orders, commonest ending first, with the codes of the refused ones."""
    counts: dict[str, int] = {}
    for status, code in zip(outcome.orders["status"], outcome.orders["code"], strict=True):
        ending = f"{status} with {code}" if code else str(status)
        counts[ending] = counts.get(ending, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{count:,} {ending}" for ending, count in ranked)
    hint = " An order that is still open at the end was never reached by the market." if _still_open(counts) else ""
    return f"They ended as: {text}.{hint}"


def _still_open(counts: Mapping[str, int]) -> bool:
    return any(ending in ("Accepted", "Submitted", "Created", "Triggered") for ending in counts)
