"""Pictures of how orders fill, drawn from runs: each scene is a strategy on a few bars, and what is marked is what the engine did.

Deliberately not here: anything the engine decides. A scene says bars, orders and which lines help the eye; fills come from the result.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import contract_tables as tables

sys.path.insert(0, str(tables.ROOT / "python"))

START_S = 1_704_067_200
HOUR_NS = 3_600_000_000_000
BAR, LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 74, 20, 190, 44, 30, 300
INK, GRID, UP, DOWN, LINE = "#33475b", "#e3e8ee", "#2a9d8f", "#c8553d", "#6c5ce7"
AT_OPEN = ("next_open", "bar_open", "gap", "stop_open")
AT_CLOSE = ("close",)


@dataclass(frozen=True)
class Scene:
    """One picture: open, high, low, close of each bar; what the strategy does when bar number N has closed; lines to draw."""

    title: str
    bars: tuple[tuple[float, float, float, float], ...]
    act: dict[int, Callable[[Any], None]]
    lines: tuple[tuple[str, float, int, int], ...] = ()
    """Label, price, first and last bar."""
    steps: tuple[float, ...] = ()
    """The price of a line that moves, at the end of each bar; 0 where there is none."""
    fill: str = "next_open"


CALM = ((100, 101, 99, 100.5), (100.5, 101.5, 100, 101))
SCENES = {
    "market": Scene(
        "A market order made at a bar's close fills at the next open",
        (*CALM, (101.6, 103, 101.2, 102.6), (102.6, 103.4, 102, 103)),
        {1: lambda ctx: ctx.buy(1)},
    ),
    "market_same_close": Scene(
        'With fill="same_close" it fills at the close it was made on',
        (*CALM, (101.6, 103, 101.2, 102.6), (102.6, 103.4, 102, 103)),
        {1: lambda ctx: ctx.buy(1)},
        fill="same_close",
    ),
    "limit": Scene(
        "A limit order rests and fills at its limit when the path touches it",
        (*CALM, (101, 102, 100, 101.4), (101.2, 101.6, 98.4, 99.2), (99.2, 100.4, 99, 100)),
        {1: lambda ctx: ctx.buy(1, limit=99)},
        (("buy limit 99", 99, 2, 3),),
    ),
    "limit_gap": Scene(
        "When the market opens beyond the limit, it fills at that better open",
        (*CALM, (101, 102, 100, 101.4), (97.8, 98.8, 97, 98.2), (98.2, 99.4, 98, 99)),
        {1: lambda ctx: ctx.buy(1, limit=99)},
        (("buy limit 99", 99, 2, 3),),
    ),
    "stop": Scene(
        "A stop fills at its stop price when the path reaches it",
        (*CALM, (101, 101.8, 100, 100.4), (100.4, 100.8, 98, 98.6), (98.6, 99.4, 98, 99)),
        {0: lambda ctx: ctx.buy(1), 1: lambda ctx: ctx.sell(1, stop=99)},
        (("sell stop 99", 99, 2, 3),),
    ),
    "stop_gap": Scene(
        "When the market opens beyond the stop, it fills at that worse open",
        (*CALM, (101, 101.8, 100, 100.4), (97.6, 98.2, 96.8, 97.2), (97.2, 98, 97, 97.8)),
        {0: lambda ctx: ctx.buy(1), 1: lambda ctx: ctx.sell(1, stop=99)},
        (("sell stop 99", 99, 2, 3),),
    ),
    "stop_limit": Scene(
        "A stop-limit becomes a limit order when triggered: it may have to wait",
        (*CALM, (101, 101.8, 100, 100.4), (98, 98.4, 97.2, 97.6), (97.6, 99.4, 97.4, 99)),
        {0: lambda ctx: ctx.buy(1), 1: lambda ctx: ctx.sell(1, stop=99, limit=98.8)},
        (("sell stop 99", 99, 2, 3), ("limit 98.8", 98.8, 3, 4)),
    ),
    "trailing_stop": Scene(
        "A trailing stop follows the best price and never turns back",
        (
            *CALM,
            (101, 103, 100.6, 102.6),
            (102.6, 105, 102.2, 104.6),
            (104.4, 104.8, 102.4, 102.8),
            (102.8, 103.4, 102, 102.6),
        ),
        {0: lambda ctx: ctx.buy(1), 1: lambda ctx: ctx.sell(1, trail=2)},
        steps=(0, 99, 101, 103, 103),
    ),
    "bracket": Scene(
        "A bracket: the exits wait for the entry, and one cancels the other",
        (
            *CALM,
            (101, 102, 100.4, 101.6),
            (101.6, 102.8, 101, 102.2),
            (102.2, 104.6, 101.8, 104),
            (104, 104.4, 103, 103.6),
        ),
        {1: lambda ctx: ctx.bracket("buy", 1, take_profit=104, stop_loss=99)},
        (("take profit 104", 104, 2, 4), ("stop loss 99", 99, 2, 4)),
    ),
}


def pictures() -> dict[str, str]:
    """Path below the repository -> the SVG text of each scene."""
    return {f"docs/pictures/{name}.svg": svg(scene) for name, scene in SCENES.items()}


def run(scene: Scene) -> Any:
    """The scene's fills, from the Python core."""
    import cracktrader as ct

    class Actor(ct.Strategy):
        """Does what the scene says."""

        def on_start(self, ctx: Any) -> None:
            self.seen = -1

        def on_bar(self, ctx: Any, bar: Any) -> None:
            self.seen += 1
            scene.act.get(self.seen, lambda ctx: None)(ctx)

    columns = {name: [bar[at] for bar in scene.bars] for at, name in enumerate(("open", "high", "low", "close"))}
    columns["time"] = [START_S * 1_000_000_000 + at * HOUR_NS for at in range(len(scene.bars))]
    result = ct.backtest(
        Actor, ct.Bars(columns, every="1h"), venue=ct.Venue(fill=scene.fill), engine="python", quiet=True
    )
    assert not result.errors, result.errors
    return result.fills


def svg(scene: Scene) -> str:
    """The picture of a scene."""
    prices = [price for bar in scene.bars for price in bar] + [line[1] for line in scene.lines]
    low, high = min(prices) - 0.6, max(prices) + 0.6
    width = LEFT + BAR * len(scene.bars) + RIGHT

    def y(price: float) -> float:
        return round(TOP + (high - price) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(scene.title)}</title>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="14" font-weight="bold" fill="{INK}">{escape(scene.title)}</text>',
    ]
    parts += [_grid(price, y(price), len(scene.bars)) for price in range(int(low) + 1, int(high) + 1)]
    parts += [_candle(at, bar, y) for at, bar in enumerate(scene.bars)]
    parts += [_level(*line, below=at > 0, y=y) for at, line in enumerate(scene.lines)]
    if scene.steps:
        parts.append(_steps(scene.steps, y))
    edge = LEFT + BAR * len(scene.bars)
    parts += [_fill(row, edge, y) for row in run(scene).iter_rows(named=True)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(price: int, at: float, bars: int) -> str:
    end = LEFT + BAR * bars
    return (
        f'<line x1="{LEFT}" y1="{at}" x2="{end}" y2="{at}" stroke="{GRID}"/>'
        f'<text x="{end + 6}" y="{at + 4}" fill="#8795a5" font-size="11">{price}</text>'
    )


def _candle(at: int, bar: tuple[float, float, float, float], y: Callable[[float], float]) -> str:
    open_, high, low, close = bar
    middle, colour = LEFT + BAR * at + BAR // 2, UP if close >= open_ else DOWN
    top, bottom = y(max(open_, close)), y(min(open_, close))
    return (
        f'<line x1="{middle}" y1="{y(high)}" x2="{middle}" y2="{y(low)}" stroke="{colour}" stroke-width="2"/>'
        f'<rect x="{middle - 13}" y="{top}" width="26" height="{max(1.0, round(bottom - top, 1))}" fill="{colour}" opacity="0.85"/>'
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="#8795a5" font-size="11">bar {at + 1}</text>'
    )


def _level(label: str, price: float, first: int, last: int, below: bool, y: Callable[[float], float]) -> str:
    start, end = LEFT + BAR * first, LEFT + BAR * (last + 1)
    return (
        f'<line x1="{start}" y1="{y(price)}" x2="{end}" y2="{y(price)}" stroke="{LINE}" stroke-width="1.6" stroke-dasharray="6 4"/>'
        f'<text x="{start + 2}" y="{y(price) + (14 if below else -5)}" fill="{LINE}">{escape(label)}</text>'
    )


def _steps(prices: tuple[float, ...], y: Callable[[float], float]) -> str:
    """A line through a price at the end of each bar."""
    points = " ".join(f"{LEFT + BAR * (at + 1)},{y(price)}" for at, price in enumerate(prices) if price)
    return f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="1.6" stroke-dasharray="6 4"/>'


def _fill(row: dict[str, Any], edge: int, y: Callable[[float], float]) -> str:
    """A mark at the fill's price, at the left of its bar for an open, at the right for a close; its words at the edge."""
    rule = row["rule"]
    # What happens at an open has the open's time; what happens inside a bar or at its close, the close's.
    at_open = rule.endswith(AT_OPEN)
    bar = int((row["time"].timestamp() - START_S) // 3600) - (0 if at_open else 1)
    middle = LEFT + BAR * bar + BAR // 2 + (-20 if at_open else 20 if rule.endswith(AT_CLOSE) else 0)
    price, side = row["price"], row["side"]
    tip, away = y(price), 13 if side == "buy" else -13
    colour = "#1f6feb" if side == "buy" else "#b3261e"
    return (
        f'<line x1="{middle}" y1="{tip}" x2="{edge + 34}" y2="{tip}" stroke="{colour}" stroke-dasharray="1 3"/>'
        f'<polygon points="{middle},{tip} {middle - 7},{tip + away} {middle + 7},{tip + away}" fill="{colour}"/>'
        f'<text x="{edge + 38}" y="{tip + 4}" fill="{colour}" font-weight="bold">{escape(f"{side} {price:g}, {rule}")}</text>'
    )
