"""`Result`: what a finished run hands back: figures, frames, charts and the report.

It reads the plain columns of a `RunOutcome` and computes on demand; it holds no engine and changes nothing.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.statistics import Stats, shown
from cracktrader.analysis.summary import summarise, why_no_trades
from cracktrader.analysis.trades import round_trips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import plotly.graph_objects as go
    import polars as pl

    from cracktrader.runtime.outcome import RunOutcome


class Result:
    """A finished run.

    Frames are polars (`.to_pandas()` where pandas is preferred), their times `Datetime` in nanoseconds, UTC.
    """

    def __init__(self, outcome: RunOutcome) -> None:
        self.outcome = outcome

    @cached_property
    def stats(self) -> Stats:
        """The figures of the run, as attributes and as a mapping; printed, a table."""
        return summarise(self.outcome, self._trips)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Round trips from flat to flat or to the other side, oldest exit first.

        Columns: strategy, symbol, side, entry_time, exit_time, quantity, entry_price, exit_price, fees, pnl (after
        fees), bars.
        """
        return _frame(self._trips, _TRADE_TYPES)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order with its terms, its end and, where it was refused, the code."""
        return _frame(self.outcome.orders, _ORDER_TYPES)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Every fill with its fee, its liquidity and the profit it realised before fees."""
        return _frame(self.outcome.fills, _FILL_TYPES)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """One row per market time: time (the market's own label), equity, cash."""
        return _frame(self.outcome.equity, _EQUITY_TYPES)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """Positions at the end of the run, one row per instrument."""
        return _frame(self.outcome.positions, _POSITION_TYPES)

    @property
    def state_hash(self) -> str:
        """The final state digest as hex: equal digests mean equal states, whichever engine ran."""
        return self.outcome.state_hash

    @property
    def engine(self) -> str:
        """Which core ran: "rust" or "python"."""
        return self.outcome.engine

    @property
    def events(self) -> int:
        """How many items were sequenced."""
        return self.outcome.events

    @property
    def seconds(self) -> float:
        """Wall time of the run loop alone."""
        return self.outcome.seconds

    @property
    def errors(self) -> list[str]:
        """What strategies raised: sequence number and traceback of each."""
        return self.outcome.errors

    @property
    def diagnostics(self) -> dict[str, int]:
        """How often each reject code and diagnostic occurred."""
        return self.outcome.diagnostics

    def why_no_trades(self) -> str:
        """Why nothing was filled, in words; empty when something was."""
        return why_no_trades(self.outcome)

    def plot(self, symbols: Iterable[str] | None = None) -> go.Figure:
        """Price with fills, equity and drawdown as a plotly figure; `symbols` defaults to the first four traded."""
        from cracktrader.analysis.plot import figure

        return figure(self.outcome, symbols)

    def report(self, path: str | Path) -> Path:
        """Write one HTML file that needs no network: figures, charts, monthly returns, round trips, state digest."""
        from cracktrader.analysis.report import write_report

        return write_report(self, Path(path))

    def __repr__(self) -> str:
        stats, outcome = self.stats, self.outcome
        names = ", ".join(strategy["name"] for strategy in outcome.strategies) or "no strategy"
        figures = f"return {shown('total_return', stats.total_return)}, {stats.trades:,} round trips"
        run = f"{outcome.events:,} events on {outcome.engine}, state {outcome.state_hash[:12]}"
        return f"Result({names}: {figures}, {run})"

    @cached_property
    def _trips(self) -> dict[str, list[Any]]:
        return round_trips(self.outcome.fills, self.outcome.bars, self.outcome.currency)


_TRADE_TYPES = {
    "strategy": "String",
    "symbol": "String",
    "side": "String",
    "entry_time": "Time",
    "exit_time": "Time",
    "quantity": "Float64",
    "entry_price": "Float64",
    "exit_price": "Float64",
    "fees": "Float64",
    "pnl": "Float64",
    "bars": "Int64",
}
_FILL_TYPES = {
    "order": "Int64",
    "strategy": "String",
    "symbol": "String",
    "time": "Time",
    "side": "String",
    "quantity": "Float64",
    "price": "Float64",
    "fee": "Float64",
    "fee_currency": "String",
    "liquidity": "String",
    "realized_pnl": "Float64",
    "rule": "String",
}
_ORDER_TYPES = {
    "order": "Int64",
    "strategy": "String",
    "symbol": "String",
    "side": "String",
    "order_type": "String",
    "time_in_force": "String",
    "quantity": "Float64",
    "limit_price": "Float64",
    "status": "String",
    "filled_quantity": "Float64",
    "average_price": "Float64",
    "code": "String",
    "created": "Time",
    "closed": "Time",
}
_EQUITY_TYPES = {"time": "Time", "equity": "Float64", "cash": "Float64"}
_POSITION_TYPES = {
    "symbol": "String",
    "quantity": "Float64",
    "average_price": "Float64",
    "realized_pnl": "Float64",
    "fees": "Float64",
    "mark": "Float64",
    "unrealized_pnl": "Float64",
}


def _frame(columns: Mapping[str, Any], types: Mapping[str, str]) -> pl.DataFrame:
    """Columns with declared types, so that a run without fills has the same frame as one with."""
    import polars as pl

    series = []
    for name, kind in types.items():
        if kind == "Time":
            stamps = pl.Series(name, columns[name], dtype=pl.Int64)
            series.append(stamps.cast(pl.Datetime("ns", "UTC")))
        else:
            series.append(pl.Series(name, columns[name], dtype=getattr(pl, kind)))
    return pl.DataFrame(series)
