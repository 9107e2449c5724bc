"""The life states of an order as a Mermaid and as an SVG diagram, edges taken from the expanded transition table.

Deliberately not here: pending, triggered and in_doubt, which would make the picture unreadable; the tables have them.
"""

from __future__ import annotations

from typing import Any

import contract_tables as tables

Edges = dict[tuple[str, str], list[str]]

# Where each life stands, as (column, row); the layout is the only thing here that is not taken from the contract.
PLACES = {
    "Created": (0, 0),
    "Submitted": (1, 0),
    "Accepted": (3, 0),
    "Denied": (0, 1),
    "Held": (1, 1),
    "Cancelled": (2, 1),
    "Rejected": (3, 1),
    "Expired": (4, 1),
    "Filled": (5, 1),
}
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 200, 190, 150, 58, 20
SVG_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">
<title>Life states of an order</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#33475b"/></marker></defs>
<rect width="{width}" height="{height}" fill="#ffffff"/>
"""


def edges(document: dict[str, Any], expanded: dict[tables.Combination, tables.Result]) -> Edges:
    """(from life, to life) -> the events that lead there, in contract order, over the states an order can reach."""
    reached = tables.reachable_states(expanded)
    found: Edges = {}
    for combination, result in expanded.items():
        if combination[:4] in reached and result[0] == "next" and result[1] != combination.life:
            events = found.setdefault((combination.life, result[1]), [])
            if combination.event not in events:
                events.append(combination.event)
    for events in found.values():
        events.sort(key=document["events"].index)
    return found


def mermaid(document: dict[str, Any], expanded: dict[tables.Combination, tables.Result]) -> str:
    """The diagram as Mermaid text."""
    found = edges(document, expanded)
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> Created"]
    lines += [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in found.items()]
    closed = [life for life in document["life"] if all(start != life for start, _ in found)]
    lines += [f"    {life} --> [*]" for life in closed]
    return "\n".join(lines) + "\n"


def svg(document: dict[str, Any], expanded: dict[tables.Combination, tables.Result]) -> str:
    """The diagram as an SVG document; a closed life names the events that lead to it, edges of Submitted are dashed."""
    found = edges(document, expanded)
    size = {"width": 5 * COLUMN + WIDTH + 2 * MARGIN, "height": ROW + HEIGHT + 2 * MARGIN}
    parts = [SVG_HEAD.format(**size)]
    parts += [svg_edge(start, end, events) for (start, end), events in found.items()]
    for life in document["life"]:
        incoming = [event for (_, end), events in found.items() if end == life for event in events]
        parts.append(svg_node(life, sorted(set(incoming), key=document["events"].index) if PLACES[life][1] else []))
    return "".join(parts) + "</svg>\n"


def corner(life: str) -> tuple[int, int]:
    """Upper left corner of the box of a life."""
    column, row = PLACES[life]
    return MARGIN + column * COLUMN, MARGIN + row * ROW


def svg_node(life: str, events: list[str]) -> str:
    """A box with the name of the life and, below it, the events that lead to it."""
    x, y = corner(life)
    fill = "#eef2f6" if events else "#dcebff"
    middle = x + WIDTH // 2
    text = (
        f'<text x="{middle}" y="{y + (25 if events else 34)}" text-anchor="middle" font-weight="bold">{life}</text>\n'
    )
    if events:
        text += f'<text x="{middle}" y="{y + 44}" text-anchor="middle" font-size="11">by {", ".join(events)}</text>\n'
    return f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" stroke="#33475b"/>\n{text}'


def svg_edge(start: str, end: str, events: list[str]) -> str:
    """An arrow: along the row with its events above it, or down to a closed life."""
    (x1, y1), (x2, y2) = corner(start), corner(end)
    dash = ' stroke-dasharray="5 4"' if start == "Submitted" and y1 != y2 else ""
    if y1 == y2:
        x1, y1, x2, y2 = x1 + WIDTH, y1 + HEIGHT // 2, x2, y2 + HEIGHT // 2
    else:
        x1, x2 = x1 + WIDTH // 2, x2 + WIDTH // 2
        y1, y2 = (y1 + HEIGHT, y2) if y1 < y2 else (y1, y2 + HEIGHT)
    line = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#33475b" marker-end="url(#tip)"{dash}/>\n'
    if y1 != y2:
        return line
    label = ", ".join(events)
    below = f'<text x="{(x1 + x2) // 2}" y="{y1 - 8}" text-anchor="middle" font-size="11">{label}</text>\n'
    return line + (below if len(events) > 1 else "")
