"""Charts of a finished run: price with fills, equity, drawdown, as one plotly figure on a shared time axis.

Charts thin what no screen can show. A line of more than `MAX_POINTS` points keeps the lowest and the highest point of
each of `MAX_POINTS` / 2 equal buckets (min-max decimation), so no spike is lost; candles are drawn up to `MAX_CANDLES`
bars, beyond that the line of closes; markers beyond `MAX_POINTS` a side keep every n-th. Several panels share these
numbers. The figures of the run never come from a thinned series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis.statistics import DAY_NS, drawdowns
from cracktrader.analysis.summary import valued

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from cracktrader.data.columns import BarColumns
    from cracktrader.runtime.outcome import RunOutcome

MAX_POINTS = 5_000
MAX_CANDLES = 1_500
MAX_SYMBOLS = 4

UP, DOWN, LINE, ACCENT, MUTED = "#0b8a63", "#d0393e", "#33415c", "#2557d6", "#9aa5b8"
GRID, INK = "#e8ebf1", "#1c2434"


def figure(outcome: RunOutcome, symbols: Iterable[str] | None = None) -> go.Figure:
    """One panel per instrument with its fills, then equity, then drawdown."""
    from plotly.subplots import make_subplots

    shown = _chosen(outcome, symbols)
    panels = len(shown)
    heights = [0.56 / panels] * panels if panels else []
    chart = make_subplots(
        rows=panels + 2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.035,
        row_heights=[*heights, 0.27, 0.17],
        subplot_titles=[*(bars.symbol for bars in shown), f"Equity, {outcome.currency}", "Drawdown"],
    )
    for row, bars in enumerate(shown, start=1):
        _draw_price(chart, row, bars, min(MAX_POINTS, 2 * MAX_POINTS // panels))
        _draw_fills(chart, row, outcome, bars.symbol, MAX_POINTS // panels)
    _draw_equity(chart, panels + 1, outcome, shown)
    _style(chart, panels)
    return chart


def thin(values: NDArray[np.float64], limit: int = MAX_POINTS) -> NDArray[np.int64]:
    """Indices of the points to draw: all up to `limit`, else first, last, and each bucket's lowest and highest."""
    import numpy as np

    if len(values) <= limit:
        return np.arange(len(values), dtype=np.int64)
    size = -(-len(values) // (limit // 2))
    whole = len(values) // size * size
    buckets = values[:whole].reshape(-1, size)
    starts = np.arange(0, whole, size)
    kept = [starts + buckets.argmin(axis=1), starts + buckets.argmax(axis=1)]
    rest = values[whole:]
    if len(rest):
        kept.append(np.array([whole + rest.argmin(), whole + rest.argmax()]))
    return np.unique(np.concatenate([[0], *kept, [len(values) - 1]])).astype(np.int64)


def _chosen(outcome: RunOutcome, symbols: Iterable[str] | None) -> list[BarColumns]:
    """The instruments to draw: those asked for, else the traded ones, else all; at most `MAX_SYMBOLS` unasked."""
    by_symbol = {bars.symbol: bars for bars in outcome.bars}
    if symbols is not None:
        names = [symbols] if isinstance(symbols, str) else list(symbols)
        unknown = [name for name in names if name not in by_symbol]
        if unknown:
            from cracktrader.errors import ConfigError

            raise ConfigError(f"no bars of {', '.join(unknown)} in this run: it has {', '.join(by_symbol)}")
        return [by_symbol[name] for name in names]
    traded = set(outcome.fills["symbol"])
    return ([bars for bars in outcome.bars if bars.symbol in traded] or list(outcome.bars))[:MAX_SYMBOLS]


def _moments(nanoseconds: Any) -> Any:
    """Plot times in the coarsest unit that holds them, at least milliseconds: a page spells each one out."""
    import numpy as np

    stamps = np.asarray(nanoseconds, dtype=np.int64)
    for unit, length in (("D", DAY_NS), ("m", 60_000_000_000), ("s", 1_000_000_000)):
        if not (stamps % length).any():
            return stamps.astype("datetime64[ns]").astype(f"datetime64[{unit}]")
    return stamps.astype("datetime64[ns]").astype("datetime64[ms]")


def _draw_price(chart: go.Figure, row: int, bars: BarColumns, limit: int) -> None:
    import plotly.graph_objects as go

    if len(bars) <= MAX_CANDLES:
        candles = go.Candlestick(
            x=_moments(bars.event_time),
            open=bars.prices("open"),
            high=bars.prices("high"),
            low=bars.prices("low"),
            close=bars.prices("close"),
            name=bars.symbol,
            increasing={"line": {"color": UP, "width": 1}, "fillcolor": UP},
            decreasing={"line": {"color": DOWN, "width": 1}, "fillcolor": DOWN},
            showlegend=False,
        )
        chart.add_trace(candles, row=row, col=1)
        return
    close = bars.prices("close")
    kept = thin(close, limit)
    line = go.Scatter(
        x=_moments(bars.event_time[kept]),
        y=close[kept],
        name="close",
        line={"color": LINE, "width": 1.1},
        showlegend=False,
        hovertemplate="%{y:,.6~f}",
    )
    chart.add_trace(line, row=row, col=1)


def _draw_fills(chart: go.Figure, row: int, outcome: RunOutcome, symbol: str, limit: int) -> None:
    import plotly.graph_objects as go

    fills = outcome.fills
    for side, marker, colour in (("buy", "triangle-up", UP), ("sell", "triangle-down", DOWN)):
        rows = [i for i, of in enumerate(fills["symbol"]) if of == symbol and fills["side"][i] == side]
        rows = rows[:: -(-len(rows) // limit) or 1]
        if not rows:
            continue
        markers = go.Scatter(
            x=_moments([fills["time"][i] for i in rows]),
            y=[fills["price"][i] for i in rows],
            customdata=[[fills["quantity"][i], fills["order"][i]] for i in rows],
            mode="markers",
            name=side,
            legendgroup=side,
            showlegend=row == 1,
            marker={"symbol": marker, "size": 9, "color": colour, "line": {"width": 1, "color": "white"}},
            hovertemplate=f"{side} %{{customdata[0]:,.8~f}} at %{{y:,.6~f}}, order %{{customdata[1]}}<extra></extra>",
        )
        chart.add_trace(markers, row=row, col=1)


def _draw_equity(chart: go.Figure, row: int, outcome: RunOutcome, shown: list[BarColumns]) -> None:
    import plotly.graph_objects as go

    times, equity = valued(outcome)
    if len(shown) == 1 and len(outcome.bars) == 1 and len(shown[0]):
        close = shown[0].prices("close")
        held = outcome.initial_cash * close / close[0]
        kept = thin(held)
        benchmark = go.Scatter(
            x=_moments(shown[0].event_time[kept]),
            y=held[kept],
            name="buy and hold",
            line={"color": MUTED, "width": 1, "dash": "dot"},
            hovertemplate="%{y:,.2f}",
        )
        chart.add_trace(benchmark, row=row, col=1)
    kept = thin(equity)
    line = go.Scatter(
        x=_moments(times[kept]),
        y=equity[kept],
        name="equity",
        line={"color": ACCENT, "width": 1.6},
        hovertemplate="%{y:,.2f}",
    )
    chart.add_trace(line, row=row, col=1)
    below = drawdowns(equity) if len(equity) else equity
    kept = thin(below)
    area = go.Scatter(
        x=_moments(times[kept]),
        y=below[kept],
        name="drawdown",
        fill="tozeroy",
        line={"color": DOWN, "width": 1},
        fillcolor="rgba(208,57,62,0.16)",
        showlegend=False,
        hovertemplate="%{y:.2%}",
    )
    chart.add_trace(area, row=row + 1, col=1)


def _style(chart: go.Figure, panels: int) -> None:
    chart.update_layout(
        template="plotly_white",
        height=260 * max(panels, 1) + 460,
        margin={"l": 12, "r": 12, "t": 36, "b": 8},
        font={"family": "Inter, system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 12, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "center", "x": 0.5},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": INK},
    )
    chart.update_xaxes(showgrid=False, rangeslider_visible=False, showspikes=True, spikethickness=1, spikecolor=MUTED)
    chart.update_yaxes(gridcolor=GRID, zeroline=False, side="right")
    chart.update_yaxes(tickformat=".0%", row=panels + 2, col=1)
    for title in chart.layout.annotations:
        title.update(x=0, xanchor="left", font={"size": 13, "color": INK})
