"""`Stats.as_series`: a run under the labels of backtesting.py, for notebooks and scripts that were written for it.

The labels and their meaning are matched: percent times 100, durations as Timedelta, NaN for what does not exist. The numbers are those of
`Stats`, so an annualised figure may differ from that program's by its conventions. Needs pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis.statistics import drawdowns
from cracktrader.analysis.summary import valued
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from cracktrader.analysis.stats import Stats
    from cracktrader.runtime.outcome import RunOutcome

NAN = float("nan")


def as_series(outcome: RunOutcome, trips: Mapping[str, Sequence[Any]], stats: Stats) -> pd.Series:
    """The figures under backtesting.py's labels, with `_strategy`, `_equity_curve` and `_trades` at the end.

    ConfigError where pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError("as_series needs pandas: pip install cracktrader[pandas]") from error

    curve = _equity_curve(outcome)
    trades = _trades(outcome, trips)
    index = curve.index
    closed = trades[trades["ExitTime"].notna()]
    values: dict[str, Any] = {
        "Start": index[0] if len(index) else pd.NaT,
        "End": index[-1] if len(index) else pd.NaT,
        "Duration": index[-1] - index[0] if len(index) else pd.NaT,
        "Exposure Time [%]": _percent(stats.exposure),
        "Equity Final [$]": stats.final_equity,
        "Equity Peak [$]": stats.peak_equity,
        "Commissions [$]": stats.fees,
        "Return [%]": _percent(stats.total_return),
        "Buy & Hold Return [%]": _percent(stats.buy_and_hold_return),
        "Return (Ann.) [%]": _percent(stats.cagr),
        "Volatility (Ann.) [%]": _percent(stats.volatility),
        "CAGR [%]": _percent(stats.cagr),
        "Sharpe Ratio": _number(stats.sharpe),
        "Sortino Ratio": _number(stats.sortino),
        "Calmar Ratio": _number(stats.calmar),
        "Alpha [%]": _percent(stats.alpha),
        "Beta": _number(stats.beta),
        "Max. Drawdown [%]": _percent(stats.max_drawdown),
        "Avg. Drawdown [%]": _average_drawdown(curve),
        "Max. Drawdown Duration": pd.Timedelta(days=stats.longest_drawdown_days),
        "Avg. Drawdown Duration": curve["DrawdownDuration"].mean(),
        "# Trades": stats.trades,
        "Win Rate [%]": _percent(stats.win_rate),
        "Best Trade [%]": _percent(stats.best_trade),
        "Worst Trade [%]": _percent(stats.worst_trade),
        "Avg. Trade [%]": _percent(stats.average_return),
        "Max. Trade Duration": closed["Duration"].max() if len(closed) else pd.NaT,
        "Avg. Trade Duration": closed["Duration"].mean() if len(closed) else pd.NaT,
        "Profit Factor": _number(stats.profit_factor),
        "Expectancy [%]": _percent(stats.average_return),
        "SQN": _number(stats.sqn),
        "Kelly Criterion": _number(stats.kelly),
        "_strategy": _strategy(outcome),
        "_equity_curve": curve,
        "_trades": trades,
    }
    return pd.Series(values, dtype=object)


def _number(value: float | None) -> float:
    return NAN if value is None else value


def _percent(value: float | None) -> float:
    return NAN if value is None else value * 100.0


def _strategy(outcome: RunOutcome) -> str:
    """The strategies with their parameters, as that program prints them: "SmaCross(fast=5,slow=20)"."""
    named = (
        f"{one['name']}({','.join(f'{key}={value}' for key, value in one['parameters'].items())})"
        for one in outcome.strategies
    )
    return " + ".join(named)


def _equity_curve(outcome: RunOutcome) -> pd.DataFrame:
    """Equity, DrawdownPct (positive fractions) and, at the row where a drawdown ends, its DrawdownDuration."""
    import numpy as np
    import pandas as pd

    times, equity = valued(outcome)
    below = drawdowns(equity) if len(equity) else equity
    length = np.full(len(equity), np.datetime64("NaT"), dtype="timedelta64[ns]")
    peaks = np.flatnonzero(below == 0.0)
    ends = np.append(peaks[1:], len(equity) - 1)[: len(peaks)]
    long = ends - peaks > 1
    length[ends[long]] = (times[ends[long]] - times[peaks[long]]).astype("timedelta64[ns]")
    return pd.DataFrame(
        {"Equity": equity, "DrawdownPct": -below, "DrawdownDuration": length},
        index=pd.DatetimeIndex(times.astype("datetime64[ns]"), tz="UTC"),
    )


def _average_drawdown(curve: pd.DataFrame) -> float:
    """Mean depth of the drawdowns, in percent at or below zero; NaN without one."""
    below = -curve["DrawdownPct"].to_numpy()
    starts = (below < 0) & ~(_shifted(below) < 0)
    if not starts.any():
        return NAN
    import numpy as np

    spells = np.flatnonzero(starts)
    return float(np.minimum.reduceat(below, spells).mean()) * 100.0


def _shifted(values: Any) -> Any:
    import numpy as np

    return np.concatenate([[0.0], values[:-1]])


def _trades(outcome: RunOutcome, trips: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """One row a trade: Size is signed, bars are counted in the data of its symbol, open trades have no exit."""
    import pandas as pd

    bars = {one.symbol: one for one in outcome.bars}

    def bar_of(symbol: str, time: int | None) -> int | None:
        return None if time is None or symbol not in bars else int(bars[symbol].open_time.searchsorted(time))

    sides = [1.0 if side == "long" else -1.0 for side in trips["side"]]
    entry = pd.DatetimeIndex(pd.to_datetime(list(trips["entry_time"]), utc=True, unit="ns"))
    exits = pd.to_datetime(pd.Series(trips["exit_time"], dtype="Int64"), utc=True, unit="ns")
    frame = pd.DataFrame(
        {
            "Size": [side * size for side, size in zip(sides, trips["quantity"], strict=True)],
            "EntryBar": [bar_of(*pair) for pair in zip(trips["symbol"], trips["entry_time"], strict=True)],
            "ExitBar": [bar_of(*pair) for pair in zip(trips["symbol"], trips["exit_time"], strict=True)],
            "EntryPrice": trips["entry_price"],
            "ExitPrice": trips["exit_price"],
            "PnL": trips["pnl"],
            "Commission": trips["fees"],
            "ReturnPct": trips["return"],
            "EntryTime": entry,
            "ExitTime": exits,
            "Symbol": trips["symbol"],
            "Tag": trips["strategy"],
        }
    )
    frame["Duration"] = frame["ExitTime"] - frame["EntryTime"]
    return frame
