"""What charts are made of: the traces of price, volume, indicators, fills, trades, equity and drawdown, thinned to what a screen can show.

A line of more than `MAX_POINTS` points keeps the lowest and the highest point of each of `MAX_POINTS` / 2 equal buckets (min-max
decimation), so no spike is lost; candles are drawn up to `MAX_CANDLES` bars, beyond that the line of closes; volume is summed into at
most `MAX_VOLUMES` columns; of more than `MAX_MARKS` fills a side every n-th is marked. The figures of the run never come from a thinned
series. Colours are chosen to be read on a light and on a dark page. Putting traces together is `plot.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis.statistics import DAY_NS, drawdowns
from cracktrader.analysis.summary import buy_and_hold, valued

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from cracktrader.data.columns import BarColumns
    from cracktrader.runtime.outcome import RunOutcome

MAX_POINTS = 4_000
MAX_CANDLES = 1_500
MAX_VOLUMES = 400
MAX_MARKS = 1_500
MAX_TRADES = 1_000

UP, DOWN, PRICE, ACCENT, MUTED = "#12a06f", "#e0484d", "#6b7a90", "#3478f6", "#98a4b5"
PALETTE = ("#f59f00", "#8b5cf6", "#0ea5b7", "#e64c9c", "#7cb518", "#fb7a3c", "#5c7cfa", "#b08900")


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


def moments(nanoseconds: Any) -> Any:
    """Plot times in the coarsest unit that holds them, at least milliseconds: a page spells each one out."""
    import numpy as np

    stamps = np.asarray(nanoseconds, dtype=np.int64)
    for unit, length in (("D", DAY_NS), ("m", 60_000_000_000), ("s", 1_000_000_000)):
        if not (stamps % length).any():
            return stamps.astype("datetime64[ns]").astype(f"datetime64[{unit}]")
    return stamps.astype("datetime64[ns]").astype("datetime64[ms]")


def line(times: Any, values: Any, name: str, colour: str, limit: int = MAX_POINTS, **style: Any) -> go.Scatter:
    """A thinned line; `style` goes to the trace, `width` and `dash` to its line."""
    import numpy as np
    import plotly.graph_objects as go

    # A missing value would win every bucket: what has no value is no point.
    known = np.flatnonzero(np.isfinite(values))
    kept = known[thin(np.asarray(values)[known], limit)]
    stroke = {"color": colour, "width": style.pop("width", 1.3), "dash": style.pop("dash", "solid")}
    hover = style.pop("hovertemplate", "%{y:,.6~f}")
    return go.Scatter(x=moments(times[kept]), y=values[kept], name=name, line=stroke, hovertemplate=hover, **style)


# ---------------------------------------------------------------- price


def price(bars: BarColumns, limit: int = MAX_POINTS) -> go.Candlestick | go.Scatter:
    """Candles, or the line of closes where there are too many."""
    import plotly.graph_objects as go

    if len(bars) > MAX_CANDLES:
        return line(bars.event_time, bars.prices("close"), bars.symbol, PRICE, limit, showlegend=False)
    return go.Candlestick(
        x=moments(bars.event_time),
        open=bars.prices("open"),
        high=bars.prices("high"),
        low=bars.prices("low"),
        close=bars.prices("close"),
        name=bars.symbol,
        increasing={"line": {"color": UP, "width": 1}, "fillcolor": UP},
        decreasing={"line": {"color": DOWN, "width": 1}, "fillcolor": DOWN},
        showlegend=False,
    )


def volume(bars: BarColumns) -> go.Bar | None:
    """Volume as columns, summed where bars are many; None where the data has none."""
    import numpy as np
    import plotly.graph_objects as go

    if not len(bars) or not bars.volume.any():
        return None
    size = -(-len(bars) // MAX_VOLUMES)
    starts = np.arange(0, len(bars), size)
    sums = np.add.reduceat(bars.volume.astype(np.float64), starts) / float(10**bars.volume_decimals)
    return go.Bar(
        x=moments(bars.event_time[starts]),
        y=sums,
        name="volume",
        marker={"color": MUTED, "opacity": 0.35, "line": {"width": 0}},
        showlegend=False,
        hoverinfo="skip",
    )


def indicators(
    lines: Sequence[tuple[Any, Any, Any]], symbol: str, bars: BarColumns, limit: int
) -> tuple[list[go.Scatter], list[go.Scatter]]:
    """The indicators of a symbol: those that live where the price lives, and those with a scale of their own.

    One that several strategies declare is drawn once. More than four share the points of four.
    """
    import numpy as np

    limit = limit * 4 // max(4, len({bound.name for bound, _, _ in lines if bound.symbol == symbol}))

    over: list[go.Scatter] = []
    apart: list[go.Scatter] = []
    drawn: set[str] = set()
    low, high = (float(bars.prices("low").min()), float(bars.prices("high").max())) if len(bars) else (0.0, 0.0)
    for bound, times, values in lines:
        if bound.symbol != symbol or bound.name in drawn or not np.isfinite(values).any():
            continue
        drawn.add(bound.name)
        colour = PALETTE[(len(drawn) - 1) % len(PALETTE)]
        trace = line(times, values, bound.label, colour, limit, width=1.2)
        middle = float(np.nanmedian(values))
        (over if low * 0.5 <= middle <= high * 2 else apart).append(trace)
    return over, apart


def fills(outcome: RunOutcome, symbol: str, limit: int = MAX_MARKS) -> list[go.Scatter]:
    """Fills as triangles: up for a buy, down for a sell."""
    import plotly.graph_objects as go

    told = outcome.fills
    traces = []
    for side, marker, colour in (("buy", "triangle-up", UP), ("sell", "triangle-down", DOWN)):
        rows = [i for i, of in enumerate(told["symbol"]) if of == symbol and told["side"][i] == side]
        rows = rows[:: -(-len(rows) // limit) or 1]
        if not rows:
            continue
        size = 10 if len(rows) <= 60 else 8 if len(rows) <= 300 else 6
        trace = go.Scatter(
            x=moments([told["time"][i] for i in rows]),
            y=[told["price"][i] for i in rows],
            customdata=[[told["quantity"][i], told["order"][i], told["rule"][i], told["strategy"][i]] for i in rows],
            mode="markers",
            name=side,
            legendgroup=side,
            marker={"symbol": marker, "size": size, "color": colour, "line": {"width": 0.8, "color": "white"}},
            hovertemplate=(
                f"{side} %{{customdata[0]:,.8~f}} at %{{y:,.6~f}}<br>order %{{customdata[1]}}, %{{customdata[2]}}, "
                "%{customdata[3]}<extra></extra>"
            ),
        )
        traces.append(trace)
    return traces


def trades(trips: Mapping[str, Sequence[Any]], symbol: str) -> list[go.Scatter]:
    """A dotted line from the entry to the exit of each closed trade, by whether it won."""
    import plotly.graph_objects as go

    rows = [i for i, of in enumerate(trips["symbol"]) if of == symbol and trips["status"][i] == "closed"]
    if len(rows) > MAX_TRADES:
        return []
    traces = []
    for name, colour, wins in (("won", UP, True), ("lost", DOWN, False)):
        own = [i for i in rows if (trips["pnl"][i] > 0) == wins and trips["exit_price"][i] is not None]
        times = [time for i in own for time in (trips["entry_time"][i], trips["exit_time"][i], trips["exit_time"][i])]
        prices = [price for i in own for price in (trips["entry_price"][i], trips["exit_price"][i], None)]
        if own:
            trace = go.Scatter(
                x=moments(times),
                y=prices,
                mode="lines",
                name=name,
                line={"color": colour, "width": 1.4, "dash": "dot"},
                hoverinfo="skip",
                showlegend=False,
            )
            traces.append(trace)
    return traces


# ---------------------------------------------------------------- equity


def equity(outcome: RunOutcome) -> list[go.Scatter]:
    """Buy and hold, where it can be had, below the equity of the run."""
    times, worth = valued(outcome)
    held = buy_and_hold(outcome, times)
    traces = []
    if held is not None and len(held):
        name = "buy and hold" if len(outcome.bars) == 1 else "buy and hold, equal shares"
        hover = "%{y:,.2f}"
        traces.append(line(times, held * outcome.initial_cash, name, MUTED, width=1.3, dash="dot", hovertemplate=hover))
    traces.append(line(times, worth, "equity", ACCENT, width=1.8, hovertemplate="%{y:,.2f}"))
    return traces


def drawdown(outcome: RunOutcome) -> list[go.Scatter]:
    """How far the equity is below its peak, and, fainter, the same of buy and hold."""
    times, worth = valued(outcome)
    held = buy_and_hold(outcome, times)
    traces = []
    if held is not None and len(held):
        faint: dict[str, Any] = {"width": 1, "dash": "dot", "showlegend": False, "hovertemplate": "%{y:.2%}"}
        traces.append(line(times, drawdowns(held), "buy and hold", MUTED, **faint))
    below = drawdowns(worth) if len(worth) else worth
    traces.append(
        line(
            times,
            below,
            "drawdown",
            DOWN,
            width=1,
            fill="tozeroy",
            fillcolor="rgba(224,72,77,0.18)",
            showlegend=False,
            hovertemplate="%{y:.2%}",
        )
    )
    return traces
