"""The report: one HTML file that needs no network, written from a `Result`.

The page's shape is in `report.html`. The same run gives the same file: no clock, no random ids. Plotly's script is in
the page whole, as the package ships it; nothing smaller comes with it.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.plot import figure
from cracktrader.analysis.stats import FIGURES, shown

if TYPE_CHECKING:
    import polars as pl

    from cracktrader.analysis.result import Result

LISTED_TRADES = 500
_CARDS = ("total_return", "cagr", "sharpe", "max_drawdown", "trades", "win_rate", "profit_factor", "fees")
_SIGNED = {"total_return", "buy_and_hold_return", "cagr", "expectancy"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_report(result: Result, path: Path) -> Path:
    """Write the report to `path`, making its folder; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Result) -> str:
    """The report as HTML text."""
    from plotly.offline import get_plotlyjs

    outcome, stats = result.outcome, result.stats
    name = " + ".join(str(strategy["name"]) for strategy in outcome.strategies) or "No strategy"
    template = Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(f"{name}: {shown('total_return', stats.total_return)}"),
        heading=escape(name),
        parameters=_parameters(outcome.strategies),
        run=_run(result),
        notices=_notices(result),
        cards="".join(_card(name, stats[name]) for name in _CARDS),
        statistics="".join(
            f"<tr><td>{FIGURES[name].label}</td><td{_colour(name, stats[name])}>{shown(name, stats[name])}</td></tr>"
            for name in stats
        ),
        months=_months(result.equity, outcome.initial_cash),
        trades_heading=_trades_heading(result.trades.height),
        trades=_trades(result.trades),
        footer=_footer(result),
        plotly=get_plotlyjs(),
        # A "</script>" inside a name would end the script element.
        chart=figure(outcome).to_json().replace("</", "<\\/"),
    )


def _parameters(strategies: list[dict[str, Any]]) -> str:
    pairs = [pair for strategy in strategies for pair in strategy["parameters"].items()]
    return "".join(f"<span>{escape(str(name))} {escape(str(value))}</span>" for name, value in pairs)


def _run(result: Result) -> str:
    outcome = result.outcome
    instruments = ", ".join(f"{bars.symbol} ({len(bars):,} bars)" for bars in outcome.bars)
    times = result.equity["time"]
    period = f"{times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}" if len(times) else "no data"
    cash = f"{outcome.initial_cash:,.2f} {outcome.currency} at the start"
    return escape(" · ".join((instruments, period, cash, f"{outcome.engine} core")))


def _notices(result: Result) -> str:
    """What a reader must know before believing the figures; nothing when the run was clean."""
    outcome = result.outcome
    lines = []
    if outcome.stopped:
        lines.append(f"The run stopped early: {outcome.stopped}")
    lines += [error.strip() for error in outcome.errors[:3]]
    if len(outcome.errors) > 3:
        lines.append(f"... and {len(outcome.errors) - 3:,} more errors")
    if reason := result.why_no_trades:
        lines.append(reason)
    return "".join(f'<section class="notice">{escape(line)}</section>' for line in lines)


def _card(name: str, value: Any) -> str:
    return (
        f'<div class="card"><small>{FIGURES[name].label}</small><b{_colour(name, value)}>{shown(name, value)}</b></div>'
    )


def _colour(name: str, value: Any) -> str:
    if name not in _SIGNED or not value:
        return ""
    return ' class="up"' if value > 0 else ' class="down"'


def _months(equity: pl.DataFrame, initial_cash: float) -> str:
    """A year per row, a month per column: the change from the last row of the month before."""
    if equity.is_empty():
        return "<p>No data.</p>"
    import polars as pl

    equity = equity.filter(pl.col("equity").is_finite())
    ends = equity.group_by_dynamic("time", every="1mo").agg(pl.col("equity").last())
    years: dict[int, dict[int, float]] = {}
    before = year_start = initial_cash
    totals: dict[int, float] = {}
    for time, value in ends.iter_rows():
        if time.year not in years:
            year_start = before
        years.setdefault(time.year, {})[time.month] = value / before - 1.0 if before > 0 else 0.0
        totals[time.year] = value / year_start - 1.0 if year_start > 0 else 0.0
        before = value
    head = "".join(f"<th>{month}</th>" for month in ("", *_MONTHS, "Year"))
    rows = "".join(
        f"<tr><th>{year}</th>{''.join(_month(months.get(month)) for month in range(1, 13))}{_month(totals[year])}</tr>"
        for year, months in years.items()
    )
    return f'<table class="months"><tr>{head}</tr>{rows}</table>'


def _month(change: float | None) -> str:
    """One cell, tinted by size up to ten percent."""
    if change is None:
        return "<td></td>"
    strength = min(abs(change) / 0.10, 1.0) * 0.55
    colour = "11,138,99" if change > 0 else "208,57,62"
    tint = f' style="background:rgba({colour},{strength:.2f})"' if abs(change) >= 5e-5 else ""
    return f"<td{tint}>{round(change * 100, 1) + 0.0:.1f}</td>"


def _trades_heading(count: int) -> str:
    return f"Round trips ({count:,})" if count <= LISTED_TRADES else f"Round trips (first {LISTED_TRADES} of {count:,})"


def _trades(trades: pl.DataFrame) -> str:
    if trades.is_empty():
        return "<p>No round trip was closed.</p>"
    heads = ("#", "Symbol", "Side", "Entry", "Exit", "Bars", "Quantity", "Entry price", "Exit price", "Fees", "Profit")
    head = "".join(f"<th{' class=text' if name in ('Symbol', 'Side') else ''}>{name}</th>" for name in heads)
    listed = trades.head(LISTED_TRADES)
    clock = "%Y-%m-%d" if _all_at_midnight(listed) else "%Y-%m-%d %H:%M"
    rows = [_trade(i, row, clock) for i, row in enumerate(listed.iter_rows(named=True), start=1)]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _all_at_midnight(trades: pl.DataFrame) -> bool:
    return all(
        (trades[name].dt.hour() * 60 + trades[name].dt.minute() == 0).all() for name in ("entry_time", "exit_time")
    )


def _trade(number: int, row: dict[str, Any], clock: str) -> str:
    cells = (
        row["entry_time"].strftime(clock),
        row["exit_time"].strftime(clock),
        f"{row['bars']:,}",
        f"{row['quantity']:,.8f}".rstrip("0").rstrip("."),
        f"{row['entry_price']:,.6g}" if row["entry_price"] < 1 else f"{row['entry_price']:,.2f}",
        f"{row['exit_price']:,.6g}" if row["exit_price"] < 1 else f"{row['exit_price']:,.2f}",
        f"{row['fees']:,.2f}",
    )
    text = "".join(f"<td>{cell}</td>" for cell in cells)
    start = f'<td>{number}</td><td class="text">{escape(row["symbol"])}</td><td class="text">{row["side"]}</td>'
    colour = "up" if row["pnl"] > 0 else "down"
    return f'<tr>{start}{text}<td class="{colour}">{row["pnl"]:+,.2f}</td></tr>'


def _footer(result: Result) -> str:
    outcome = result.outcome
    rate = f", {outcome.events / outcome.seconds:,.0f} a second" if outcome.seconds > 0 else ""
    line = (
        f"{outcome.events:,} events in {outcome.seconds:.3f} s on the {outcome.engine} core{rate}; "
        f"contract version {outcome.contract_version}, seed {outcome.seed}"
    )
    notes = "".join(f"<br>{escape(bars.note)}" for bars in outcome.bars if bars.note)
    return f"{escape(line)}{notes}<br>State digest <code>{escape(outcome.state_hash)}</code>"
