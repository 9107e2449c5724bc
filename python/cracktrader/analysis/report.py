"""The report: one HTML file that needs no network, written from a `Result`.

The page's shape is in `report.html`, its looks in `report.css`, its behaviour in `report.js`, its tables in `tables.py`. The same run gives
the same file: no clock, no random ids, nothing of how long the run took. Plotly's script is in the page, packed with gzip: whole it would
be 5 MB of every report. Browsers since the spring of 2023 unpack it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from gzip import compress
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from cracktrader.analysis import tables
from cracktrader.analysis.months import returns_by
from cracktrader.analysis.plot import (
    MAX_SYMBOLS,
    equity_figure,
    excursions_figure,
    periods_figure,
    price_figure,
    returns_figure,
    strategies_figure,
)
from cracktrader.analysis.stats import shown
from cracktrader.analysis.traces import DOWN, MAX_CANDLES, UP
from cracktrader.runtime.table import texts

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from cracktrader.analysis.result import Result
    from cracktrader.data.columns import BarColumns

MAX_TRADES = 2_000
"""Trades in the page; all of them are in Result.trades."""
MAX_ZOOMED = 46_000
"""Bars whose candles come with the page, for zooming in, over all charts."""
MAX_LINES = 2
"""Indicators of a chart that come with it whole."""


def write_report(result: Result, path: Path) -> Path:
    """Write the report to `path`, making its folder; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Result) -> str:
    """The report as HTML text."""
    outcome, stats = result.outcome, result.stats
    name = " + ".join(str(strategy["name"]) for strategy in outcome.strategies) or "No strategy"
    here = Path(__file__).parent
    prices = _prices(result)
    return Template((here / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{name}: {shown('total_return', stats.total_return)}"),
        css=(here / "report.css").read_text(encoding="utf-8"),
        heading=escape(name),
        run=escape(_run(result)),
        parameters=tables.parameters(outcome.strategies) + tables.settings(result.config),
        notices=_notices(result.warnings),
        cards=tables.cards(stats),
        prices=_price_section(prices),
        period=returns_by(outcome)[0],
        months=tables.months(outcome),
        distributions=_distributions(result),
        capped=_capped(result),
        statistics=tables.statistics(stats),
        strategies=tables.strategies(result),
        facts=tables.facts(result),
        footer=tables.footer(outcome),
        data=_data(result, prices),
        plotly=_plotly(),
        js=(here / "report.js").read_text(encoding="utf-8"),
    )


def _notices(lines: list[str]) -> str:
    return f'<section class="notice">{escape(chr(10).join(lines))}</section>' if lines else ""


def _plotly() -> str:
    """Plotly's script as gzip in base64."""
    from plotly.offline import get_plotlyjs

    return b64encode(compress(get_plotlyjs().encode(), 9, mtime=0)).decode("ascii")


def _run(result: Result) -> str:
    outcome = result.outcome
    instruments = ", ".join(f"{bars.symbol} ({len(bars):,} bars)" for bars in outcome.bars[:6])
    if len(outcome.bars) > 6:
        instruments += f" and {len(outcome.bars) - 6} more"
    times = result.equity["time"]
    period = f"{times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}" if len(times) else "no data"
    cash = f"{outcome.initial_cash:,.2f} {outcome.currency} at the start"
    return " · ".join((instruments or "no data", period, cash))


def _prices(result: Result) -> dict[str, BarColumns]:
    """The instruments to chart, by the id of their chart: the traded ones first."""
    outcome = result.outcome
    traded = texts(outcome.fills, "symbol").only()
    ordered = sorted((bars for bars in outcome.bars if len(bars)), key=lambda bars: bars.symbol not in traded)
    return {f"price-{at}": bars for at, bars in enumerate(ordered[:MAX_SYMBOLS])}


def _price_section(prices: dict[str, BarColumns]) -> str:
    if not prices:
        return ""
    names = [(chart, escape(bars.symbol)) for chart, bars in prices.items()]
    buttons = "".join(
        f'<button type="button" data-price="{chart}" aria-pressed="{"true" if at == 0 else "false"}">{name}</button>'
        for at, (chart, name) in enumerate(names)
    )
    charts = "".join(f'<div class="chart price" id="{chart}"></div>' for chart in prices)
    tools = f'<button type="button" data-log="{names[0][0]}">log scale</button>' if len(names) == 1 else buttons
    hint = (
        "" if not any(_zoomed(bars, len(prices)) for bars in prices.values()) else "<small>zoom in for candles</small>"
    )
    title = f"{names[0][1]} with fills" if len(names) == 1 else "Prices with fills"
    return (
        f'<section><div class="head"><h2>{title} {hint}</h2><span class="tools">{tools}</span></div>{charts}</section>'
    )


def _distributions(result: Result) -> str:
    if not result.closed_trips["pnl"]:
        return ""
    return (
        '<div class="halves"><section><h2>Returns of the trades</h2><div class="chart" id="returns"></div></section>'
        '<section><h2>Excursions of the trades</h2><div class="chart" id="excursions"></div></section></div>'
    )


def _capped(result: Result) -> str:
    count = len(result.trips["pnl"])
    if not count:
        return "No trade was closed or opened."
    if count <= MAX_TRADES:
        return ""
    return f"The first {MAX_TRADES:,} of {count:,} trades; all of them are in result.trades."


# ---------------------------------------------------------------- data of the page


def _data(result: Result, prices: dict[str, BarColumns]) -> str:
    charts = {"equity": _packed(equity_figure(result)), "periods": _packed(periods_figure(result))}
    if len(result.outcome.strategies) > 1:
        charts["strategies"] = _packed(strategies_figure(result))
    for chart, bars in prices.items():
        charts[chart] = _packed(price_figure(result, bars, len(prices)))
    if result.closed_trips["pnl"]:
        charts["returns"] = _packed(returns_figure(result))
        charts["excursions"] = _packed(excursions_figure(result))
    data = {
        "up": UP,
        "down": DOWN,
        "symbols": {chart: bars.symbol for chart, bars in prices.items()},
        "trades": tables.trades(result, MAX_TRADES),
        "charts": charts,
        "bars": {chart: _closer(result, bars) for chart, bars in prices.items() if _zoomed(bars, len(prices))},
    }
    # A "</script>" inside a name would end the script element.
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")


def _zoomed(bars: BarColumns, charts: int) -> bool:
    return MAX_CANDLES < len(bars) <= MAX_ZOOMED // charts


def _packed(chart: go.Figure) -> Any:
    """A figure as plain data, its times as milliseconds: a tenth of their text."""
    import numpy as np

    for trace in chart.data:
        stamps = getattr(trace, "x", None)
        if isinstance(stamps, np.ndarray) and stamps.dtype.kind == "M":
            trace.x = stamps.astype("datetime64[ms]").astype(np.float64)
            axis = getattr(trace, "xaxis", None) or "x"
            chart.layout[f"xaxis{axis[1:]}"].type = "date"
    # The template only repeats what the page sets itself.
    chart.layout.template = None
    return json.loads(chart.to_json())


def _closer(result: Result, bars: BarColumns) -> dict[str, Any]:
    """What a chart shows from near: candles, and the indicators whole."""
    import numpy as np

    lines = {
        bound.label: _packed_column(np.asarray(values), "<f4")
        for bound, _, values in result.indicator_lines
        if bound.symbol == bars.symbol and len(values) == len(bars)
    }
    return {"candles": _candles(bars), "lines": dict(list(lines.items())[:MAX_LINES])}


def _packed_column(column: Any, kind: str) -> str:
    return b64encode(column.astype(kind).tobytes()).decode("ascii")


def _candles(bars: BarColumns) -> list[str]:
    """Times in milliseconds as little-endian doubles, open, high, low, close and volume as singles, in base64: seven digits to look at."""
    prices = (bars.prices(name) for name in ("open", "high", "low", "close"))
    numbers = [*prices, bars.volume / float(10**bars.volume_decimals)]
    return [_packed_column(bars.event_time / 1e6, "<f8"), *(_packed_column(column, "<f4") for column in numbers)]
