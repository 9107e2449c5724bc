"""Two finished runs compared: what went in (data, parameters, configuration), who ran it, and what came out.

A run is compared by its facts, plain values that also make a pin (`cracktrader.testing`). What went in is told before what came out: the
first difference that is listed is the likely cause of the rest. Deliberately not here: events and journals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.saved import data_report, plain
from cracktrader.core.codec import CONTRACT_HASH
from cracktrader.core.config import Config
from cracktrader.core.units import RATE_ONE
from cracktrader.data.digest import column_digests
from cracktrader.data.stamps import time_text
from cracktrader.runtime.outcome import RunOutcome

if TYPE_CHECKING:
    from cracktrader.analysis.result import Result

INPUTS = ("data", "parameters", "configuration")
RUNNERS = ("contract", "engine")
OUTPUTS = ("fills", "orders", "trades", "result", "state")
TABLES = ("fills", "orders", "trades")
SHOWN = 8
"""How many differences of one part are listed."""
_RATES = ("maker_fee", "taker_fee")
_TIMES = ("time", "created", "closed", "entry_time", "exit_time")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same. A row of a table is a dict, None where a run has no such row."""

    part: str
    """Of INPUTS, RUNNERS or OUTPUTS."""
    where: str
    """Which one: "SmaCross.fast", "instruments[SPX].taker_fee", "SPX bars: close", "fill 3"."""
    one: Any
    other: Any


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two runs, the causes first. Printed, it is a text for people."""

    names: tuple[str, str]
    """What the two are called."""
    differences: tuple[Difference, ...]
    facts: tuple[Mapping[str, Any], Mapping[str, Any]]

    @property
    def is_same(self) -> bool:
        """Whether the same went in and the same came out. Who ran it does not count: that is what is compared."""
        return not any(one.part in (*INPUTS, *OUTPUTS) for one in self.differences)

    def of(self, *parts: str) -> list[Difference]:
        """The differences of some parts."""
        return [one for one in self.differences if one.part in parts]

    def __str__(self) -> str:
        return "\n".join(_told(self))


def compare(one: Result | RunOutcome | Mapping[str, Any], other: Any, names: tuple[str, str] = ("A", "B")) -> Diff:
    """What differs between two runs, each given as a Result, a RunOutcome or facts."""
    mine, theirs = (run if isinstance(run, Mapping) else facts(run) for run in (one, other))
    found = [
        *_data_differences(mine["data"], theirs["data"]),
        *_named("parameters", _parameters(mine), _parameters(theirs)),
        *_named("configuration", mine["config"], theirs["config"]),
        *_named("contract", mine["contract"], theirs["contract"]),
        *_named("engine", mine["engine"], theirs["engine"]),
        *(one for table in TABLES for one in _table_differences(table, mine[table], theirs[table])),
        *_named("result", mine["result"], theirs["result"]),
        *_named("state", {"digest": mine["state_hash"]}, {"digest": theirs["state_hash"]}),
    ]
    return Diff(names, tuple(found), (mine, theirs))


# --- the facts of a run


def facts(run: Result | RunOutcome, rows: int | None = None) -> dict[str, Any]:
    """What a run was, as plain values for JSON: numbers that are none are null. Of each table at most `rows` rows are kept; its digest is
    over all of them."""
    from cracktrader.analysis.result import Result

    result = Result(run) if isinstance(run, RunOutcome) else run
    outcome = result.outcome
    configuration = {
        **result.config,
        "strategies": [_without_parameters(one) for one in result.config.get("strategies", [])],
    }
    tables = {"fills": outcome.fills, "orders": outcome.orders, "trades": result.trips}
    return {
        "strategies": [{"name": one["name"], "parameters": plain(one["parameters"])} for one in outcome.strategies],
        "data": _data_facts(outcome),
        "config": configuration,
        "contract": {
            "version": outcome.contract_version,
            "hash": CONTRACT_HASH if isinstance(outcome.config, Config) else None,
        },
        "engine": {
            "core": outcome.engine,
            "package": package_version() if isinstance(outcome.config, Config) else None,
        },
        "state_hash": outcome.state_hash,
        "result": _result_facts(result),
        **{name: _table_facts(columns, rows) for name, columns in tables.items()},
    }


def package_version() -> str:
    """The installed version of the package; "source" where it runs from a folder."""
    from importlib import metadata

    try:
        return metadata.version("cracktrader")
    except metadata.PackageNotFoundError:
        return "source"


def _without_parameters(strategy: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in strategy.items() if name != "parameters"}


def _data_facts(outcome: RunOutcome) -> list[dict[str, Any]]:
    report = data_report(outcome)
    names = ("symbol", "kind", "rows", "first", "last", "interval", "price_decimals", "size_decimals", "sha256")
    made = [dict(zip(names, row, strict=True)) for row in zip(*(report[name] for name in names), strict=True)]
    return [
        fact | {"columns": {name: one.hex() for name, one in column_digests(columns).items()}}
        for fact, columns in zip(made, outcome.data or outcome.bars, strict=True)
    ]


def _result_facts(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    equity = outcome.equity["equity"]
    last = float(equity[-1]) if len(equity) else outcome.initial_cash
    return {
        "profit": _number(last - outcome.initial_cash),
        "final_equity": _number(last),
        "currency": outcome.currency,
        "events": outcome.events,
        "errors": len(outcome.errors),
        "stopped": outcome.stopped,
        "diagnostics": dict(outcome.diagnostics),
    }


def _table_facts(columns: Mapping[str, Sequence[Any]], most: int | None) -> dict[str, Any]:
    """The first rows, and a digest over all of them."""
    rows = [[_number(value) for value in row] for row in zip(*columns.values(), strict=True)]
    digest = sha256(json.dumps([list(columns), rows], separators=(",", ":")).encode()).hexdigest()
    return {"columns": list(columns), "count": len(rows), "sha256": digest, "rows": rows[:most]}


def _number(value: Any) -> Any:
    """Values that JSON has; what is no number is null."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not isfinite(value) else value


# --- comparing


def _parameters(run: Mapping[str, Any]) -> dict[str, Any]:
    """By strategy and name. Names of strategies are theirs in the run, so that two of one class have two."""
    return {one["name"]: one["parameters"] for one in run["strategies"]}


def _named(part: str, one: Any, other: Any) -> list[Difference]:
    return [Difference(part, where, *values) for where, values in _walk(one, other, "")]


def _walk(one: Any, other: Any, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The leaves that differ, by their path."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _walk(one.get(name), other.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for at in range(max(len(one), len(other))):
            pair = [values[at] if at < len(values) else None for values in (one, other)]
            yield from _walk(pair[0], pair[1], f"{path}[{_label(pair, at)}]")
    elif one != other:
        yield path, (one, other)


def _label(pair: Sequence[Any], at: int) -> str:
    """The name of a record in a list where both have it, else its place."""
    names = {one.get("name") for one in pair if isinstance(one, Mapping)}
    name = names.pop() if len(names) == 1 else None
    return str(name) if isinstance(name, str) and name else str(at)


def _data_differences(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """Which sets of columns differ, and in which columns."""
    keyed = [{f"{fact['symbol']} {fact['kind']}": fact for fact in facts} for facts in (one, other)]
    for name in [*keyed[0], *(name for name in keyed[1] if name not in keyed[0])]:
        mine, theirs = (facts.get(name) for facts in keyed)
        if mine is None or theirs is None:
            yield Difference(
                "data", name, *("none" if fact is None else f"{fact['rows']:,} rows" for fact in (mine, theirs))
            )
        elif mine["sha256"] != theirs["sha256"]:
            shape = [
                Difference("data", f"{name}: {what}", mine[what], theirs[what])
                for what in _SHAPE
                if mine[what] != theirs[what]
            ]
            hashes = mine["columns"], theirs["columns"]
            changed = [column for column in hashes[0] if hashes[0][column] != hashes[1].get(column)]
            yield from shape
            if changed and mine["rows"] == theirs["rows"]:
                yield Difference("data", f"{name}: {', '.join(changed)}", mine["sha256"][:16], theirs["sha256"][:16])


_SHAPE = ("rows", "first", "last", "interval", "price_decimals", "size_decimals")


def _table_differences(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    """The first row that differs, and the numbers of rows."""
    if one["sha256"] == other["sha256"]:
        return
    rows = [[dict(zip(table["columns"], row, strict=True)) for row in table["rows"]] for table in (one, other)]
    shared = min(len(rows[0]), len(rows[1]))
    at = next((at for at in range(shared) if rows[0][at] != rows[1][at]), shared)
    pair = [table[at] if at < len(table) else None for table in rows]
    if pair != [None, None] and (at < shared or one["count"] != other["count"]):
        yield Difference(name, f"{name.removesuffix('s')} {at + 1:,}", *pair)
    else:
        yield Difference(name, f"{name} after the first {shared:,}", one["sha256"][:16], other["sha256"][:16])
    if one["count"] != other["count"]:
        yield Difference(name, "count", one["count"], other["count"])


# --- in words


def _told(diff: Diff) -> Iterator[str]:
    if not diff.differences:
        yield f"{diff.names[0]} and {diff.names[1]} are the same run"
        return
    if diff.is_same:
        yield f"{diff.names[0]} and {diff.names[1]}: the same went in and the same came out"
    yield from causes(diff)
    if not diff.of(*OUTPUTS):
        if not diff.is_same:
            yield "what came of it is the same: fills, orders, trades, profit and the final state"
        return
    if not diff.of(*INPUTS):
        yield "data, parameters and configuration are the same: " + (
            "what ran them, or the strategy's code, is another one"
            if diff.of(*RUNNERS)
            else "the strategy's code is another one"
        )
    yield from consequences(diff)


def causes(diff: Diff) -> Iterator[str]:
    """What went in otherwise and who ran it, in words."""
    for part in (*INPUTS, *RUNNERS):
        found = diff.of(part)
        if found:
            yield f"{part}:"
            yield from (f"  {line}" for line in _lines(found, diff.names))


def _lines(found: Sequence[Difference], names: tuple[str, str]) -> Iterator[str]:
    for one in found[:SHOWN]:
        values = [_value(one.where, value) for value in (one.one, one.other)]
        yield f"{one.where}: {names[0]} {values[0]}, {names[1]} {values[1]}"
    if len(found) > SHOWN:
        yield f"... and {len(found) - SHOWN:,} more"


def consequences(diff: Diff) -> Iterator[str]:
    """The first fill, else the first order or trade, that differs; then the counts and the profit."""
    width = max(map(len, diff.names))
    for table in TABLES:
        rows = [one for one in diff.of(table) if isinstance(one.one or one.other, dict)]
        if rows:
            yield f"first {table.removesuffix('s')} that differs, number {rows[0].where.split()[-1]}:"
            for name, row in zip(diff.names, (rows[0].one, rows[0].other), strict=True):
                yield f"  {name:<{width}}  {_row(row, rows[0])}"
            break
    for one in diff.of(*TABLES):
        if one.where == "count":
            yield f"{one.part}: {diff.names[0]} {one.one:,}, {diff.names[1]} {one.other:,}"
        elif not isinstance(one.one or one.other, dict):
            yield f"{one.where} differ"
    mine, theirs = (facts["result"] for facts in diff.facts)
    if mine["profit"] != theirs["profit"]:
        yield f"profit: {diff.names[0]} {_money(mine)}, {diff.names[1]} {_money(theirs)}{_change(mine, theirs)}"
    yield from _lines([one for one in diff.of("result") if one.where not in ("profit", "final_equity")], diff.names)
    state = diff.of("state")
    if state and not diff.of(*TABLES, "result"):
        yield f"only the final state differs: {diff.names[0]} {state[0].one[:16]}, {diff.names[1]} {state[0].other[:16]}"


def _row(row: Mapping[str, Any] | None, where: Difference) -> str:
    """A row of a table: of what only some columns differ, those with what tells which row it is."""
    if row is None:
        return "none"
    other = where.other if row is where.one else where.one
    always = (
        "time",
        "created",
        "entry_time",
        "side",
        "quantity",
        "symbol",
        "price",
        "order_type",
        "entry_price",
        "rule",
        "status",
    )
    names = [name for name in row if name in always or (other is not None and row[name] != other.get(name))]
    return ", ".join(f"{name} {_value(name, row[name])}" for name in names if row[name] is not None)


def _value(name: str, value: Any) -> str:
    last = name.rpartition(": ")[2]
    if isinstance(value, int) and (name in _TIMES or last in ("first", "last")):
        return time_text(value)
    if isinstance(value, int) and name.rpartition(".")[2] in _RATES:
        return _rate(value)
    return "none" if value is None else value if isinstance(value, str) and value else repr(value)


def _rate(mantissa: int) -> str:
    """A rate as people write it: 0.001 (10 bps)."""
    rate = Decimal(mantissa) / RATE_ONE
    return f"{rate.normalize():f} ({(rate * 10_000).normalize():f} bps)"


def _money(result: Mapping[str, Any]) -> str:
    profit = result["profit"]
    return "none" if profit is None else f"{profit:,.2f} {result['currency']}"


def _change(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    if mine["profit"] is None or theirs["profit"] is None or mine["currency"] != theirs["currency"]:
        return ""
    return f" ({theirs['profit'] - mine['profit']:+,.2f})"
