"""Charts of a finished run as plotly figures: `figure` for `Result.plot`, and the parts that the report shows apart.

What is drawn, and how it is thinned, is in `traces.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis import traces
from cracktrader.analysis.traces import ACCENT, DOWN, MAX_MARKS, MAX_POINTS, MUTED, UP
from cracktrader.errors import ConfigError
from cracktrader.runtime.table import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import plotly.graph_objects as go

    from cracktrader.analysis.result import Result
    from cracktrader.data.columns import BarColumns

MAX_SYMBOLS = 4
FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
INK, GRID = "#1b2330", "rgba(128,140,160,0.18)"


def figure(result: Result, symbols: Iterable[str] | None = None) -> go.Figure:
    """Equity and drawdown, then one panel per instrument with its fills, indicators and volume."""
    from plotly.subplots import make_subplots

    shown = _chosen(result, symbols)
    drawn = [_instrument_traces(result, bars, len(shown)) for bars in shown]
    rows = [("equity", 0.30), ("drawdown", 0.14)]
    for bars, (_, apart) in zip(shown, drawn, strict=True):
        rows.append((bars.symbol, 0.5))
        if apart:
            rows.append((f"{bars.symbol}: indicators", 0.16))
    total = sum(share for _, share in rows)
    currency = result.outcome.currency
    titles = [f"Equity, {currency}", "Drawdown", *(title for title, _ in rows[2:])]
    chart = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.05, 0.2 / len(rows)),
        row_heights=[share / total for _, share in rows],
        subplot_titles=titles,
        specs=[[{"secondary_y": True}] for _ in rows],
    )
    chart.add_traces(traces.equity(result.outcome), rows=1, cols=1)
    chart.add_traces(traces.drawdown(result.outcome), rows=2, cols=1)
    row, seen = 3, set[str]()
    for bars, (over, apart) in zip(shown, drawn, strict=True):
        row = _add_instrument(chart, row, bars, over, apart, seen)
    _style(chart, height=int(760 * total))
    _fit_time(chart, shown)
    # Above the first title; and a ground of its own, for notebooks of any colour.
    chart.update_layout(legend={"yref": "container", "y": 0.995, "yanchor": "top"}, margin={"t": 66})
    chart.update_layout(paper_bgcolor="white", plot_bgcolor="white")
    chart.update_yaxes(tickformat=".0%", row=2, col=1, secondary_y=False)
    return chart


def price_figure(result: Result, bars: BarColumns, charts: int = 1) -> go.Figure:
    """One instrument with its fills, indicators and volume; one of `charts`, which share the points."""
    from plotly.subplots import make_subplots

    over, apart = _instrument_traces(result, bars, charts)
    rows = 2 if apart else 1
    chart = make_subplots(
        rows=rows,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        row_heights=[0.74, 0.26][:rows],
        specs=[[{"secondary_y": True}] for _ in range(rows)],
    )
    _add_instrument(chart, 1, bars, over, apart, set())
    _style(chart, height=460 + 130 * (rows - 1))
    _fit_time(chart, [bars])
    return chart


def equity_figure(result: Result) -> go.Figure:
    """Equity against buy and hold, and both below their peaks."""
    from plotly.subplots import make_subplots

    chart = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.7, 0.3])
    chart.add_traces(traces.equity(result.outcome), rows=1, cols=1)
    chart.add_traces(traces.drawdown(result.outcome), rows=2, cols=1)
    _style(chart, height=430)
    chart.update_yaxes(tickformat=".0%", row=2, col=1)
    return chart


def returns_figure(result: Result) -> go.Figure:
    """How the returns of the closed trades are spread."""
    import numpy as np
    import plotly.graph_objects as go

    trips = result.closed_trips
    returns = np.array([value for value in trips["return"] if value is not None], dtype=np.float64)
    chart = go.Figure()
    if len(returns):
        # Zero is an edge of the columns, so that no column holds both winners and losers; half a percent at each end is cut off.
        low, high = np.quantile(returns, [0.005, 0.995])
        width = max((high - low) / min(40, max(10, len(returns) // 4)), 1e-9)
        for name, colour, part in (("won", UP, returns[returns > 0]), ("lost", DOWN, returns[returns <= 0])):
            edges = np.arange(np.floor(low / width), np.ceil(high / width) + 1) * width
            counts, _ = np.histogram(np.clip(part, edges[0] + width / 2, edges[-1] - width / 2), edges)
            chart.add_bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts,
                width=width * 0.94,
                name=name,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate="around %{x:.2%}: %{y:,} trades<extra></extra>",
            )
        mean = float(returns.mean())
        chart.add_vline(x=mean, line={"color": MUTED, "width": 1.4, "dash": "dash"})
        chart.add_annotation(
            x=mean, y=1, yref="paper", text=f" mean {mean:.2%}", showarrow=False, xanchor="left", yanchor="top"
        )
    _style(chart, height=300)
    chart.update_layout(barmode="overlay", hovermode="closest", showlegend=False)
    chart.update_xaxes(tickformat=".1%", title={"text": "return of a trade", "font": {"size": 12}}, showspikes=False)
    chart.update_yaxes(title={"text": "trades", "font": {"size": 12}})
    return chart


def excursions_figure(result: Result) -> go.Figure:
    """Every closed trade by how far it went against and for its holder, and what it brought."""
    import plotly.graph_objects as go

    trips = result.closed_trips
    count = len(trips["return"])
    step = -(-count // 1_500) or 1
    chart = go.Figure()
    for name, colour, wins in (("won", UP, True), ("lost", DOWN, False)):
        rows = [i for i in range(0, count, step) if (trips["pnl"][i] > 0) == wins]
        chart.add_scatter(
            x=[trips["mae"][i] for i in rows],
            y=[trips["mfe"][i] for i in rows],
            customdata=[trips["return"][i] for i in rows],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 7, "opacity": 0.65, "line": {"width": 0}},
            hovertemplate="worst %{x:.2%}, best %{y:.2%}<br>return %{customdata:.2%}<extra></extra>",
        )
    _style(chart, height=300)
    chart.update_layout(hovermode="closest")
    chart.update_xaxes(
        tickformat=".1%", title={"text": "worst against the entry (MAE)", "font": {"size": 12}}, showspikes=False
    )
    chart.update_yaxes(tickformat=".1%", title={"text": "best (MFE)", "font": {"size": 12}})
    return chart


def periods_figure(result: Result) -> go.Figure:
    """Returns by year, month or day, whichever the run has a readable number of, against buy and hold."""
    import plotly.graph_objects as go

    from cracktrader.analysis.months import returns_by

    chart = go.Figure()
    name, labels, own, held = returns_by(result.outcome)
    if held:
        chart.add_bar(
            x=labels, y=held, name="buy and hold", marker={"color": MUTED, "opacity": 0.7, "line": {"width": 0}}
        )
    chart.add_bar(x=labels, y=own, name="strategy", marker={"color": ACCENT, "line": {"width": 0}})
    _style(chart, height=300)
    chart.update_traces(hovertemplate="%{y:.2%}")
    chart.update_layout(height=None, barmode="group", bargap=0.25, bargroupgap=0.05)
    chart.update_xaxes(type="category" if name == "year" else "date", nticks=16, showspikes=False)
    chart.update_yaxes(tickformat=".1%" if name == "day" else ".0%")
    return chart


def strategies_figure(result: Result) -> go.Figure:
    """How the profit of each strategy went."""
    import plotly.graph_objects as go

    chart = go.Figure()
    table = result.profits
    times = table["time"].to_physical().to_numpy()
    for at, name in enumerate(table.columns[1:]):
        colour = traces.PALETTE[at % len(traces.PALETTE)]
        profit, limit = table[name].to_numpy(), MAX_POINTS // max(1, len(table.columns) // 3)
        chart.add_trace(traces.line(times, profit, name, colour, limit, width=1.5, hovertemplate="%{y:+,.2f}"))
    _style(chart, height=300)
    chart.update_yaxes(zeroline=True, zerolinecolor=GRID)
    return chart


def _chosen(result: Result, symbols: Iterable[str] | None) -> list[BarColumns]:
    """The instruments to draw: those asked for, else the traded ones, else all; at most `MAX_SYMBOLS` unasked."""
    outcome = result.outcome
    by_symbol = {bars.symbol: bars for bars in outcome.bars}
    if symbols is not None:
        names = [symbols] if isinstance(symbols, str) else list(symbols)
        unknown = [name for name in names if name not in by_symbol]
        if unknown:
            raise ConfigError(f"no bars of {', '.join(unknown)} in this run: it has {', '.join(by_symbol)}")
        return [by_symbol[name] for name in names]
    traded = texts(outcome.fills, "symbol").only()
    return ([bars for bars in by_symbol.values() if bars.symbol in traded] or list(by_symbol.values()))[:MAX_SYMBOLS]


def _instrument_traces(result: Result, bars: BarColumns, charts: int) -> tuple[list[Any], list[Any]]:
    """Traces over the price, the price first, and those of indicators with a scale of their own."""
    limit = MAX_POINTS // charts
    over, apart = traces.indicators(result.indicator_lines, bars.symbol, bars, limit)
    held = traces.trades(result.trips, bars.symbol)
    marks = traces.fills(result.outcome, bars.symbol, MAX_MARKS // charts)
    return [traces.price(bars, limit), *over, *held, *marks], apart


def _add_instrument(
    chart: go.Figure, row: int, bars: BarColumns, over: list[Any], apart: list[Any], seen: set[str]
) -> int:
    """Draw an instrument from `row` on; returns the next free row. A name is in the legend once."""
    columns = traces.volume(bars)
    if columns is not None:
        # Behind the price: the second axis of a panel is drawn over the first.
        chart.add_trace(columns, row=row, col=1, secondary_y=False)
        top = float(max(columns.y)) or 1.0
        chart.update_yaxes(range=[0, top * 5], visible=False, fixedrange=True, row=row, col=1, secondary_y=False)
    chart.update_yaxes(tickmode="auto", showgrid=True, row=row, col=1, secondary_y=True)
    for trace in over:
        if trace.legendgroup and trace.name in seen:
            trace.showlegend = False
        seen.add(trace.name)
        chart.add_trace(trace, row=row, col=1, secondary_y=True)
    if not apart:
        return row + 1
    chart.add_traces(apart, rows=row + 1, cols=1)
    return row + 2


def _fit_time(chart: go.Figure, shown: Iterable[BarColumns]) -> None:
    """Show the time of the data: markers and columns would widen it."""
    spans = [(int(bars.open_time[0]), int(bars.close_time[-1])) for bars in shown if len(bars)]
    if not spans:
        return
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    edge = (last - first) // 100
    chart.update_xaxes(range=list(traces.moments([first - edge, last + edge])))


def _style(chart: go.Figure, height: int | None) -> None:
    chart.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": ACCENT},
        bargap=0,
    )
    chart.update_xaxes(
        showgrid=False,
        rangeslider_visible=False,
        showspikes=True,
        spikethickness=1,
        spikedash="dot",
        spikecolor=MUTED,
        linecolor=GRID,
        automargin=True,
        # An axis for volume on the right would keep room for labels it does not show.
        domain=[0, 1],
    )
    chart.update_yaxes(gridcolor=GRID, zeroline=False, side="right", automargin=True, tickformat=",")
    for title in chart.layout.annotations:
        if title.yref == "paper" and title.xanchor == "center":
            title.update(x=0, xanchor="left", font={"size": 13, "weight": 600})
