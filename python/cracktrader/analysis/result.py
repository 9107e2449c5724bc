"""`Result`: what a finished run hands back: figures, frames, charts and the report.

It reads the plain columns of a `RunOutcome` and computes on demand; it holds no engine and changes nothing.
"""

from __future__ import annotations

from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.frames import frame
from cracktrader.analysis.no_trades import why_no_trades
from cracktrader.analysis.stats import Stats
from cracktrader.analysis.strategies import by_strategy, profits
from cracktrader.analysis.summary import summarise, valued
from cracktrader.analysis.trades import round_trips
from cracktrader.errors import ConfigError
from cracktrader.runtime.table import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    import plotly.graph_objects as go
    import polars as pl

    from cracktrader.analysis.ask.explain import Explanation
    from cracktrader.analysis.ask.moment import Moment
    from cracktrader.analysis.ask.playback import Playback
    from cracktrader.runtime.outcome import RunOutcome


class Result:
    """A finished run. `repr` is one line; in a notebook it is a table.

    Frames are polars (`.to_pandas()` where pandas is preferred), their times `Datetime` in nanoseconds, UTC.
    """

    def __init__(self, outcome: RunOutcome) -> None:
        self.outcome = outcome

    # Figures

    @cached_property
    def stats(self) -> Stats:
        """The figures of the run, as attributes and as a mapping; printed, a table. See `statistics` for other conventions."""
        return self.statistics()

    def statistics(self, *, risk_free: float = 0.0, periods_per_year: float | None = None) -> Stats:
        """The figures with a risk-free rate a year (0.02 is 2 %), or with a number of periods a year other than the data's own.

        How returns are taken and made annual is at the head of `analysis/statistics.py`.
        """
        from cracktrader.analysis.series import as_series

        stats = summarise(self.outcome, self.trips, risk_free=risk_free, periods_per_year=periods_per_year)
        object.__setattr__(stats, "series", lambda: as_series(self.outcome, self.trips, stats))
        return stats

    @cached_property
    def why_no_trades(self) -> str:
        """Why nothing was filled, in words: what was never ready, refused and by which check, or never reached; "" when something was."""
        return why_no_trades(self.outcome)

    @cached_property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the figures; empty when the run was clean."""
        return _warnings(self)

    # Frames

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Round trips from flat to flat or to the other side, oldest exit first; those still open at the end are last, without an exit.

        `pnl` is after `fees`, in `currency`; `return` is it over the `value` entered; `mae` and `mfe` are the worst and the best excursion
        of the price from the entry price, as fractions. How partial exits and flips count is at the head of `analysis/trades.py`.
        """
        return frame(self.trips)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order with its terms, its end and, where it was refused, the code."""
        return frame(self.outcome.orders)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Every fill with its value, its fee, its liquidity, the rule that produced it and the profit it realised before fees."""
        return frame(self.outcome.fills)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """One row per market time: time (the market's own label), equity, cash."""
        return frame(self.outcome.equity)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """The account's positions at the end of the run, one row per instrument."""
        return frame(self.outcome.positions)

    @cached_property
    def by_strategy(self) -> pl.DataFrame:
        """One row a strategy: orders, fills, trades, win rate, and the profit of its own positions after its own fees."""
        return frame(by_strategy(self.outcome, self.trips))

    @cached_property
    def profits(self) -> pl.DataFrame:
        """How the profit of each strategy went, after its fees: time and a column a strategy. Together they are the equity's change."""
        times, _ = valued(self.outcome)
        return frame({"time": times} | profits(self.outcome))

    @cached_property
    def indicators(self) -> pl.DataFrame:
        """The values of every indicator that a strategy declared, null until it was warm: strategy, name, symbol, time, value.

        Computed when asked for, by running the core's indicators over the data again.
        """
        import polars as pl

        parts = [
            frame({"time": times, "value": values}).select(
                pl.lit(bound.strategy).alias("strategy"),
                pl.lit(bound.label).alias("name"),
                pl.lit(bound.symbol).alias("symbol"),
                "time",
                pl.col("value").fill_nan(None),
            )
            for bound, times, values in self.indicator_lines
        ]
        return pl.concat(parts) if parts else frame({"strategy": [], "symbol": [], "time": [], "value": []})

    @cached_property
    def log(self) -> pl.DataFrame:
        """What strategies wrote with `self.log`: seq_id, time, strategy, text."""
        names = ("seq_id", "time", "strategy", "text")
        return frame({name: [line[place] for line in self.outcome.log] for place, name in enumerate(names)})

    @cached_property
    def data_report(self) -> pl.DataFrame:
        """One row per set of columns: kind, rows, first and last time, interval, decimals, origin, what was repaired, and the SHA-256."""
        from cracktrader.analysis.saved import data_report

        return frame(data_report(self.outcome))

    def to_pandas(self) -> dict[str, pd.DataFrame]:
        """Every frame of the run as pandas, by its name: trades, orders, fills, equity, positions, by_strategy, log."""
        names = ("trades", "orders", "fills", "equity", "positions", "by_strategy", "log")
        return {name: getattr(self, name).to_pandas() for name in names}

    # Facts

    @cached_property
    def config(self) -> dict[str, Any]:
        """What was declared, as plain values: amounts are the core's integers, enumerations go by name."""
        from cracktrader.analysis.saved import plain

        return plain(self.outcome.config) or {}

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

    # Asking

    @property
    def journal(self) -> str:
        """The folder in which the run is recorded, "" where it is not."""
        return self.outcome.journal

    def at(self, moment: int | str) -> Moment:
        """The state at a seq, or at a time ("2024-01-31 16:00", ns; after all that was not later): event, answers, orders, positions, cash,
        indicators; `.next()` and `.previous()` step on. Of a recorded run only: ConfigError where it is not, or has no such moment."""
        from cracktrader.analysis.ask.moment import moment as moment_of

        return moment_of(self._playback, moment)

    def explain(self, order: int | str) -> Explanation:
        """The life of an order, named by its number or by strategy:seq:index; printed, a text. Of a recorded run only: ConfigError where it
        is not, or has no such order."""
        from cracktrader.analysis.ask.explain import explain_order

        return explain_order(self._playback, order)

    @cached_property
    def _playback(self) -> Playback:
        from cracktrader.analysis.ask.playback import Playback

        if not self.journal:
            raise ConfigError("the run is not recorded: run it with ct.backtest(..., journal=DIR) and ask again")
        return Playback(self.journal, self.engine)

    # Showing and keeping

    def plot(self, symbols: Iterable[str] | None = None) -> go.Figure:
        """Price with fills and indicators, equity and drawdown as a plotly figure; `symbols` defaults to the first four traded."""
        from cracktrader.analysis.plot import figure

        return figure(self, symbols)

    def report(self, path: str | Path) -> Path:
        """Write one HTML file that needs no network: figures, charts, monthly returns, trades, configuration, data; returns its path."""
        from cracktrader.analysis.report import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write the run as Parquet files and one JSON manifest, for `Result.load` and other programs; returns the folder.

        DataError where the folder holds something else.
        """
        from cracktrader.analysis.saved import save

        return save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """A run that `save` wrote: the same figures, frames, charts and report. DataError where there is none or it cannot be read."""
        from cracktrader.analysis.saved import load

        return cls(load(Path(folder)))

    def __repr__(self) -> str:
        return f"Result({self._what()}: {self._how()})"

    def _repr_html_(self) -> str:
        parts = [f"<b>{escape(self._what())}</b>"]
        parts += [f"<pre>{escape(line)}</pre>" for line in self.warnings]
        return "".join([*parts, self.stats._repr_html_()])

    def _what(self) -> str:
        """Which strategies on which data, how much and from when to when."""
        outcome = self.outcome
        names = " + ".join(one["name"] for one in outcome.strategies) or "no strategy"
        symbols = [one.symbol for one in outcome.bars]
        data = ", ".join(symbols[:3]) + (f" and {len(symbols) - 3} more" if len(symbols) > 3 else "")
        held = outcome.data or outcome.bars
        kinds = {type(one).__name__.removesuffix("Columns").lower() + "s" for one in held}
        rows, unit = sum(len(one) for one in held), kinds.pop() if len(kinds) == 1 else "rows"
        times = self.equity["time"]
        period = f", {times[0]:%Y-%m-%d}..{times[-1]:%Y-%m-%d}" if len(times) else ""
        return f"{names} on {data or 'no data'}, {rows:,} {unit}{period}"

    def _how(self) -> str:
        """What came of it, in a few words."""
        if self.why_no_trades:
            return self.why_no_trades.replace("\n", " ")
        stats = self.stats
        sharpe = "-" if stats.sharpe is None else f"{stats.sharpe:.2f}"
        trades = f"{stats.trades:,} trade{'' if stats.trades == 1 else 's'}"
        halted = ", the strategy raised" if self.errors else ""
        stopped = ", stopped early" if self.outcome.stopped else ""
        return (
            f"return {_percent(stats.total_return)}, Sharpe {sharpe}, max drawdown {_percent(stats.max_drawdown)}, {trades}"
            f"{halted}{stopped}"
        )

    @cached_property
    def trips(self) -> dict[str, list[Any]]:
        """The columns of `trades` as lists, times as integers."""
        return round_trips(self.outcome)

    @cached_property
    def closed_trips(self) -> dict[str, list[Any]]:
        """`trips` without those that are still open."""
        kept = [at for at, status in enumerate(self.trips["status"]) if status == "closed"]
        return {name: [values[at] for at in kept] for name, values in self.trips.items()}

    @cached_property
    def indicator_lines(self) -> list[tuple[Any, Any, Any]]:
        """(BoundIndicator, times, values) of every declared indicator of the core, NaN until warm."""
        from cracktrader.runtime.indicators import indicator_values

        return list(indicator_values(self.outcome))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:,.1f} %"


def _warnings(result: Result) -> list[str]:
    outcome = result.outcome
    lines = [f"The run stopped early: {outcome.stopped}"] if outcome.stopped else []
    lines += [error.strip() for error in outcome.errors[:3]]
    if len(outcome.errors) > 3:
        lines.append(f"... and {len(outcome.errors) - 3:,} more errors: see result.errors")
    if result.why_no_trades:
        lines.append(result.why_no_trades)
    others = sorted(texts(outcome.fills, "fee_currency").only() - {outcome.currency})
    if others:
        lines.append(
            f"Fees in {', '.join(others)} are in result.fills only: the fees of the statistics are in {outcome.currency}."
        )
    foreign = sorted(set(result.trips["currency"]) - {outcome.currency})
    if foreign:
        lines.append(
            f"Trades that settle in {', '.join(foreign)} have their money in that currency: profit factor, expectancy, SQN, wins and "
            "losses are left empty, and profits by strategy leave them out; equity and returns are converted."
        )
    if result.stats.open_trades:
        count = result.stats.open_trades
        lines.append(
            f"{count:,} {'trade is' if count == 1 else 'trades are'} still open: valued at the last mark in the equity, not counted among "
            f"the closed trades."
        )
    reports = [one.report for one in outcome.data or outcome.bars if one.report is not None]
    lines += [one.line() for one in reports if one.repairs or one.rows_kept != one.rows_read]
    return lines
