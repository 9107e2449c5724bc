"""Small pictures of golden traces: the path of a trace's bars, the price its order waits for, and where it fills.

Deliberately not here: what is right; the traces say it, and the tests run them on both cores.
"""

from __future__ import annotations

import json
import re
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

import contract_tables as tables

TRACES = {
    "a_resting_limit_that_the_market_gaps_over_fills_at_the_open_as_maker": "limit: a gap gives the open",
    "a_gtd_order_works_through_the_bar_that_closes_when_it_ends": "limit: the path touches it",
    "a_buy_stop_fills_at_its_stop_on_the_path": "stop: the path reaches it",
    "a_stop_that_the_open_is_beyond_fills_at_that_open": "stop: the open is beyond it",
    "a_triggered_stop_limit_rests_at_its_limit": "stop-limit: triggered, then a limit",
    "a_trailing_sell_follows_the_path_point_by_point": "trailing stop: five behind the best",
    "a_market_on_close_order_fills_at_the_close": "market on close",
    "a_bracket_takes_its_profit_and_drops_its_stop": "bracket: entry, then profit",
}
"""The traces that are drawn, and what each shows."""
WIDTH, HEIGHT, COLUMNS, EDGE = 250, 190, 4, 30
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<title>Where orders fill on the path of a bar</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
"""
FILL = re.compile(r"(buy|sell) \S+ at (\S+) rule (\d+)")


class Dot(NamedTuple):
    """A point of a path: its number along the run, and the price."""

    x: float
    price: float


def svg() -> str:
    """All pictures in one document."""
    rows = -(-len(TRACES) // COLUMNS)
    parts = [HEAD.format(width=COLUMNS * WIDTH, height=rows * HEIGHT)]
    for place, (name, title) in enumerate(TRACES.items()):
        trace = json.loads((tables.ROOT / f"tests/contracts/engine/{name}.json").read_text(encoding="utf-8"))
        parts.append(panel(trace, title, place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT))
    return "".join(parts) + "</svg>\n"


def path_of(trace: dict[str, Any]) -> list[Dot]:
    """The points of every bar but the first, which only places the order."""
    dots: list[Dot] = []
    for bar in trace["bars"]["0"][1:]:
        opened, high, low, close = map(float, bar.split()[2:6])
        nearer = (high, low) if high - opened <= opened - low else (low, high)
        dots += [Dot(len(dots) + step, price) for step, price in enumerate((opened, *nearer, close))]
    return dots


def waited_for(trace: dict[str, Any]) -> list[float]:
    """Limits and stops of the orders."""
    intents = [intent for answer in trace["answers"] for intent in answer["intents"]]
    return [float(intent[name]) for intent in intents for name in ("stop_price", "limit_price") if name in intent]


def reached(dots: list[Dot], price: float, after: float, rising: bool | None) -> Dot:
    """Where the path first stands at the price, after a point, on a leg of the direction where that matters."""
    for start, end in pairwise(dots):
        low, high = sorted((start.price, end.price))
        if not low <= price <= high or (rising is not None and rising != (end.price > start.price)):
            continue
        share = (price - start.price) / (end.price - start.price) if high > low else 0.0
        if start.x + share >= after:
            return Dot(start.x + share, price)
    return Dot(dots[-1].x, price)


def panel(trace: dict[str, Any], title: str, left: int, top: int) -> str:
    """One picture: levels dashed, the path, a dot for each fill with its rule."""
    dots, levels = path_of(trace), waited_for(trace)
    prices = [dot.price for dot in dots] + levels
    low, high = min(prices), max(prices)

    def at(dot: Dot) -> tuple[float, float]:
        x = left + EDGE + dot.x * (WIDTH - 2 * EDGE) / max(len(dots) - 1, 1)
        return round(x, 1), round(top + HEIGHT - EDGE - (dot.price - low) * (HEIGHT - 75) / (high - low), 1)

    lines = [f'<text x="{left + EDGE}" y="{top + 22}" font-weight="bold">{escape(title)}</text>\n']
    for level in dict.fromkeys(levels):
        y = at(Dot(0, level))[1]
        lines.append(
            f'<line x1="{left + EDGE}" y1="{y}" x2="{left + WIDTH - EDGE}" y2="{y}" stroke="#8296aa" stroke-dasharray="4 3"/>\n'
            f'<text x="{left + WIDTH - EDGE + 2}" y="{y + 4}" font-size="10" fill="#5b6b7c">{level:g}</text>\n'
        )
    points = " ".join(f"{x},{y}" for x, y in map(at, dots))
    lines.append(f'<polyline points="{points}" fill="none" stroke="#33475b" stroke-width="1.5"/>\n')
    return "".join([*lines, *fills(trace, dots, at)])


def fills(trace: dict[str, Any], dots: list[Dot], at: Any) -> list[str]:
    """A dot for each fill, with its price and the number of its rule. Stops are reached against the order, limits towards it."""
    drawn, last = [], 0.0
    for side, price, rule in FILL.findall(trace["end"]["fills"]):
        name, buys = tables.load("fills")["rule"][int(rule) - 1]["name"], side == "buy"
        rising = {"bar_stop": buys, "bar_touch": not buys}.get(name)
        dot = dots[-1] if name == "bar_on_close" else reached(dots, float(price), last, rising)
        last = dot.x
        x, y = at(dot)
        colour, late = "#1a7f4e" if buys else "#b3372f", dot.x > 0.6 * dots[-1].x
        anchor = f'x="{x - 7 if late else x + 7}" y="{y - 6}" text-anchor="{"end" if late else "start"}"'
        drawn.append(
            f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>\n'
            f'<text {anchor} font-size="10" fill="{colour}">{side} {price}, rule {rule}</text>\n'
        )
    return drawn
