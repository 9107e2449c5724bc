"""Text of docs/reference, from the contract.

Deliberately not here: writing files (generate.py), the pictures (lifecycle_diagram.py, fill_pictures.py), and anything
the contract does not say, except the sentences that tell a reader how to read it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import contract_tables as tables
import fill_pictures
import lifecycle_diagram
import reject_sources

Row = list[str]

EVENTS_HEAD = """\
Everything that reaches the core is one of these events inside the same envelope. The codec writes the fields in the
order shown: little-endian, fixed width; `bool` is one byte 0 or 1; `bytes` is a `u32` length and the bytes. There are
no optional forms: a null venue, account or strategy is 65535, a null instrument 4294967295, a null price the smallest
`i64`.
"""

INTENTS_HEAD = """\
A strategy returns intents; it never touches state. Each passes admission (schema, capability, risk, legality) and
comes back as a command to the venue, or as a Denied or Refused report with a [code](reject_codes.md). An order is
named by (strategy, seq, index) of its PlaceOrder.
"""

REJECTS_HEAD = """\
Every refusal and every finding is a value with a code, two numbers, a message and a remedy. Admission checks in the
order of the numbers and the first failure wins. `{value}` and `{limit}` stand for the two numbers. In a report,
reason 0 means that the venue gave none we know.
"""

CAPABILITIES_HEAD = """\
What a venue declares; admission refuses what it has not declared. A set is a bit mask: bit n is the enumeration's
member n.
"""

FILLS_HEAD = """\
When and at what price the simulated venue fills an order. A fill carries the number of its rule; 0 is a fill from
outside.
"""

FILLS_PICTURE = """\
Each picture is a golden trace: the path of its bars, the price the order waits for, and where it fills.

![Where orders fill on the path of a bar](fills.svg)
"""

GROUPS_HEAD = """\
An order may name a `parent`, the entry that it waits for, and a leader in `oco`, with which it shares what is left: a
bracket is an entry, a take-profit that names it as parent, and a stop that names it as parent and the take-profit as
leader. Both are orders of the same strategy, placed earlier and not yet ended. A child trades the same instrument on
the other side, no more than its parent, and is no parent itself; legs have one instrument, one side and one parent.
Anything else is refused with `E_GROUP`.

A child may fill what its parent has filled, less what its own legs have. Risk counts a group as one: of legs the
worst, of a child what it may fill by now, of a reduce-only order no more than the position there is; reserves alike.
Members are kept until the last has ended, so that late reports find them. A group at a venue with the capability
`groups` is held there; for other venues the engine holds it, and since a cancel takes time, two legs may then fill:
that is booked, and `R_GROUP_OVERFILL` says it. Orders on the way to such a venue carry no parent and no leader.
"""

AGGREGATES_HEAD = """\
Bars that the core makes itself, while it runs, of the trades, quotes or bars of another stream of the same instrument.
"""

INDICATORS_HEAD = """\
Computed in the core, bar by bar, the same to the bit on both engines. A strategy declares one in `on_start` and reads its value, which
is NaN until it is warm; lines other than the first are attributes:

```python
def on_start(self, ctx):
    self.macd = ctx.indicator(ct.MACD(12, 26, 9, keep=5))
    self.smooth = ctx.indicator(ct.SMA(10, source=ct.RSI(14)))

def on_bar(self, ctx, bar):
    if self.macd.crossed_above(self.macd.signal) and self.smooth.value < 50:
        ctx.target(1)
```

- `value`, `[0]`: now; `[-1]`: a bar ago; further back as far as `keep=` says (2 unless told). `warm`: whether every line has a value.
- `crossed_above(other)`, `crossed_below(other)`: another indicator, a line of one, or a number. A cross is previous <= and now >, and
  false until both were warm; both are to be on the same stream of bars.
- A kind that reads one number a bar takes `field=` or `source=`: a declaration, a line of one (`ct.MACD().line("signal")`), or a bound
  indicator or line. A reader of another indicator is fed from the bar on which that is warm.
- Over fields of bars, sums are kept in whole numbers and divided once, so equal means compare equal, and a cross of two such lines (SMA,
  WMA, highest, lowest, Donchian, rate of change, VWAP, OBV, linear regression) is exact. Over another indicator the window is summed anew
  in the order of its values. Recursive kinds use f64 in one written order.
- `warm` below counts values; n is the period. Multipliers are kept to nine decimals.

What the tests hold each against: TA-Lib on a bundled series of real prices and on random walks, from the first value that TA-Lib gives;
where TA-Lib has none, the formula in numpy. The tolerance is relative to the largest value of the series.
"""

LIFECYCLE_HEAD = """\
The state of an order is (life, pending, triggered, in_doubt) and its quantities. An input is an event and, for the
events that have one, a guard: the remaining quantity after the event is above (`gt0`), at (`eq0`) or below (`lt0`)
zero. Every combination has a next state, a code, or is unreachable, which both cores assert.
"""

MATRIX_HEAD = """\
Outcomes over the states an order can reach. `→` names the next life, `stays` keeps it and may change the other parts,
`noop` changes nothing, `-` is unreachable.
"""

RULES_HEAD = """\
Tried top to bottom, the first that matches decides. `*` is anything, `a|b` either. Parts that a result does not name
keep their value. The last column counts the combinations that a rule decides, in parentheses those in states an order
can reach.
"""

STATUS_RULE = """\
What people see is one word, derived from the state and never stored. The first line that applies decides:

1. closed: the life itself (`Filled`, `Cancelled`, `Rejected`, `Expired`, `Denied`)
2. `CancelPending`: pending is `cancel` or `both`
3. `ReplacePending`: pending is `replace`
4. `PartiallyFilled`: the filled quantity less the busted one is above 0
5. `Triggered`: the stop was touched
6. the life itself (`Accepted`, `Submitted`, `Created`)

An order in doubt shows one of these words like any other; the doubt is a flag beside it.
"""

EFFECTS = {
    "noop": "nothing changes; the report is recorded",
    "implied_accept": "an Accepted is recorded first: no fill before acceptance",
    "late": "the order was closed: the fill is booked, with the diagnostic `R_LATE_FILL`",
    "overfill": "more than was open: booked, remaining is 0, diagnostic `R_OVERFILL`, the instrument takes no new risk",
}


def table(head: Row, rows: list[Row]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def page(title: str, source: str, *parts: str) -> str:
    """A page: title, where it comes from, and its parts."""
    version = tables.load(source)["version"]
    origin = f"Generated from `contract/{source}.toml` by `docs/generate.py`; contract version {version}.\n"
    return "\n".join([f"# {title}\n", origin, *parts])


def fields_table(fields: list[Row]) -> str:
    """Fields in codec order, or the word that there are none."""
    if not fields:
        return "No fields.\n"
    return table(["field", "type", "meaning"], [[f"`{name}`", f"`{kind}`", doc] for name, kind, doc in fields])


def events_page() -> str:
    """engine_events.md"""
    document = tables.load("events")
    overview = [
        [str(event["code"]), f"[{event['name']}](#{event['name'].lower()})", event["source"]]
        for event in document["event"]
    ]
    parts = [
        EVENTS_HEAD,
        "## Envelope\n",
        fields_table(document["envelope"]["fields"]),
        "## Events\n",
        table(["code", "event", "source"], overview),
    ]
    for event in document["event"]:
        parts += [f"### {event['name']}\n", f"Code {event['code']}, source `{event['source']}`. {event['doc']}\n"]
        parts.append(fields_table(event["fields"]))
    return page("Engine events", "events", *parts)


def intents_page() -> str:
    """engine_intents.md"""
    parts = [INTENTS_HEAD]
    for intent in tables.load("intents")["intent"]:
        parts += [f"## {intent['name']}\n", f"Code {intent['code']}. {intent['doc']}\n", fields_table(intent["fields"])]
    return page("Engine intents", "intents", *parts)


STAGE_WORDS = {
    "schema": "Is the intent well formed?",
    "capability": "Can the venue do it?",
    "risk": "May it be done?",
    "legality": "Does the order's state allow it?",
    "report": "Findings on facts. The fact is recorded with them.",
    "venue": "Reasons the simulated venue gives.",
    "stop": "What stops the engine.",
}


def reject_codes_page() -> str:
    """reject_codes.md"""
    parts = [REJECTS_HEAD]
    codes = tables.load("reject_codes")["code"]
    for stage in reject_sources.STAGES:
        rows = [[str(c["number"]), f"`{c['slug']}`", c["message"], c["remedy"]] for c in codes if c["stage"] == stage]
        parts += [
            f"## {stage.capitalize()}\n",
            f"{STAGE_WORDS[stage]}\n",
            table(["number", "slug", "message", "remedy"], rows),
        ]
    return page("Reject codes", "reject_codes", *parts)


def capabilities_page() -> str:
    """capabilities.md"""
    fields = tables.load("capabilities")["field"]
    rows = [[f"`{field['name']}`", f"`{field['type']}`", field["doc"], field["simulator"]] for field in fields]
    return page(
        "Venue capabilities",
        "capabilities",
        CAPABILITIES_HEAD,
        table(["field", "type", "meaning", "simulated venue"], rows),
    )


def fills_page() -> str:
    """fills.md"""
    document = tables.load("fills")
    rules = [[str(r["number"]), f"`{r['name']}`", r["when"], r["price"], r["liquidity"]] for r in document["rule"]]
    parts = [
        FILLS_HEAD,
        "## Rules\n",
        table(["number", "rule", "when", "price", "liquidity"], rules),
    ]
    for kind in document["data_kinds"]:
        rows = [
            [order_type, *(fill_outcome(document, order_type, force, kind) for force in document["times_in_force"])]
            for order_type in document["order_types"]
        ]
        parts += [f"## Matching driven by {kind}s\n", table(["order type", *document["times_in_force"]], rows)]
    laws = "".join(f"{number}. {law}\n" for number, law in enumerate(document["laws"], start=1))
    parts += ["## Laws\n", laws, "## On the path of a bar\n", FILLS_PICTURE]
    return page("Fills of the simulated venue", "fills", *parts)


def aggregates_page() -> str:
    """aggregates.md"""
    document = tables.load("aggregates")
    fields = ("number", "name", "size", "sources", "open_time", "close_time", "closes")
    rows = [[f"`{rule[name]}`" if name == "name" else str(rule[name]) for name in fields] for rule in document["rule"]]
    laws = "".join(f"{number}. {law}\n" for number, law in enumerate(document["laws"], start=1))
    head = ["number", "rule", "size", "made of", "`open_time`", "`close_time`", "closes"]
    return page("Bars made in the core", "aggregates", AGGREGATES_HEAD, table(head, rows), "## Laws\n", laws)


def indicators_page() -> str:
    """indicators.md"""
    document = tables.load("indicators")
    fields = [[f"`{name}`", meaning] for name, _, meaning in document["field"]]
    parts = [INDICATORS_HEAD, "## Fields of a bar\n", table(["field", "meaning"], fields)]
    overview = [
        [f"[`ct.{one['class']}`](#{one['class'].lower()})", ", ".join(f"`{line}`" for line in one["lines"])]
        for one in document["indicator"]
    ]
    parts += ["## Kinds\n", table(["declaration", "lines, the first is the value"], overview)]
    for one in document["indicator"]:
        parts += [f"### {one['class']}\n", indicator_table(one)]
    return page("Indicators", "indicators", *parts)


def indicator_table(one: dict[str, Any]) -> str:
    """What one kind takes, how it is computed, and what it was held against."""
    defaults = [f"`{name}={default}`" if default else f"`{name}`" for name, _, _, default in one["parameters"]]
    against = f"TA-Lib {one['ta_lib']}" if one["ta_lib"] else "the formula in numpy"
    rows = [
        ["parameters", ", ".join(defaults) or "none"],
        ["reads", "whole bars" if one["reads"] == "bar" else "one number a bar: `field` or `source`"],
        ["formula", one["formula"]],
        ["seeding", one["seeding"]],
        ["warm after", one["warm"]],
        ["held against", f"{against}, tolerance {one['tolerance']:g}"],
    ]
    return table(["", f"kind {one['number']}"], rows)


def fill_outcome(document: dict[str, Any], order_type: str, force: str, kind: str) -> str:
    """What the fill table says for one combination; a blank is an error."""
    for *patterns, outcome in document["cell"]:
        if all(map(tables.matches, patterns, (order_type, force, kind))):
            return str(outcome)
    raise KeyError((order_type, force, kind))


def lifecycle_page() -> str:
    """order_lifecycle.md"""
    document = tables.load("transitions")
    expanded = tables.expand(document)
    reached = tables.reachable_states(expanded)
    return page(
        "Order lifecycle",
        "transitions",
        LIFECYCLE_HEAD,
        "![Life states of an order](order_lifecycle.svg)\n",
        "```mermaid\n" + lifecycle_diagram.mermaid(document, expanded) + "```\n",
        "## Displayed status\n",
        STATUS_RULE,
        "## What an event does, by life\n",
        MATRIX_HEAD,
        life_matrix(document, expanded, reached),
        "## Rules\n",
        RULES_HEAD,
        rules_table(document, reached),
        "Effects:\n",
        "".join(f"- `{name}`: {EFFECTS[name]}\n" for name in document["effects"]),
        "## Groups\n",
        GROUPS_HEAD,
        groups_table(),
        "## Counts\n",
        counts_table(expanded, reached),
    )


def groups_table() -> str:
    """What happens to the members of a group, by who holds it."""
    rows = "".join(
        f"| {event} | {natively} | {engine} |\n" for event, natively, engine in tables.load("groups")["rows"]
    )
    return "| Event | Held by the venue | Held by the engine |\n|---|---|---|\n" + rows


def life_matrix(document: dict[str, Any], expanded: dict[tables.Combination, tables.Result], reached: set[Any]) -> str:
    """Events by life, each cell the distinct outcomes in reachable states."""
    outcomes: dict[tuple[str, str], list[str]] = {}
    for combination, result in expanded.items():
        if combination[:4] in reached:
            cell = outcomes.setdefault((combination.event, combination.life), [])
            word = outcome_word(combination, result)
            if word not in cell:
                cell.append(word)
    rows = []
    for event in document["events"]:
        cells = [[word for word in outcomes[event, life] if word != "-"] or ["-"] for life in document["life"]]
        rows.append([event, *(", ".join(cell) for cell in cells)])
    return table(["event", *document["life"]], rows)


def outcome_word(combination: tables.Combination, result: tables.Result) -> str:
    """One word for a cell of the overview."""
    if result[0] == "unreachable":
        return "-"
    if result[0] == "code":
        return f"`{result[1]}`"
    if result[1] != combination.life:
        return f"→ {result[1]}"
    return "noop" if "noop" in result[5] else "stays"


def rules_table(document: dict[str, Any], reached: set[Any]) -> str:
    """The compact table, with how many combinations each rule decides."""
    decided: Counter[int | None] = Counter()
    decided_reached: Counter[int | None] = Counter()
    for combination in tables.combinations(document):
        index = tables.first_rule(document, combination)
        decided[index] += 1
        decided_reached[index] += combination[:4] in reached
    rows = [
        [str(index + 1), *rule[:6], rule_text(rule[6]), f"{decided[index]} ({decided_reached[index]})"]
        for index, rule in enumerate(document["rules"])
    ]
    return table(["", "life", "pending", "triggered", "in doubt", "event", "guard", "result", "decides"], rows)


def rule_text(outcome: str | dict[str, Any]) -> str:
    """A rule's result for people."""
    if isinstance(outcome, str):
        return outcome if outcome == "unreachable" else f"`{outcome}`"
    changes = [
        f"{part} = {str(value).lower() if isinstance(value, bool) else value}"
        for part, value in outcome.items()
        if part != "effect"
    ]
    if "effect" in outcome:
        changes.append("effect " + " and ".join(outcome["effect"].split("|")))
    return ", ".join(changes) or "no part changes"


def counts_table(expanded: dict[tables.Combination, tables.Result], reached: set[Any]) -> str:
    """How many combinations there are and what becomes of them."""
    everywhere = Counter(result[1] if result[0] == "code" else result[0] for result in expanded.values())
    inside = Counter(r[1] if r[0] == "code" else r[0] for c, r in expanded.items() if c[:4] in reached)
    states = len({combination[:4] for combination in expanded})
    kinds = ["next", *sorted(kind for kind in everywhere if kind not in ("next", "unreachable")), "unreachable"]
    words = {"next": "a next state", "unreachable": "unreachable"}
    rows = [
        ["states", str(states), str(len(reached))],
        ["combinations", str(len(expanded)), str(sum(inside.values()))],
        [
            "reachable",
            str(len(expanded) - everywhere["unreachable"]),
            str(sum(inside.values()) - inside["unreachable"]),
        ],
        *([words.get(kind, f"`{kind}`"), str(everywhere[kind]), str(inside[kind])] for kind in kinds),
    ]
    return table(["", "all", "in states an order can reach"], rows)


def reference() -> dict[str, str]:
    """Path below the repository -> text."""
    document = tables.load("transitions")
    return {
        "docs/reference/engine_events.md": events_page(),
        "docs/reference/engine_intents.md": intents_page(),
        "docs/reference/order_lifecycle.md": lifecycle_page(),
        "docs/reference/fills.svg": fill_pictures.svg(),
        "docs/reference/order_lifecycle.svg": lifecycle_diagram.svg(document, tables.expand(document)),
        "docs/reference/reject_codes.md": reject_codes_page(),
        "docs/reference/capabilities.md": capabilities_page(),
        "docs/reference/fills.md": fills_page(),
        "docs/reference/aggregates.md": aggregates_page(),
        "docs/reference/indicators.md": indicators_page(),
    }
