"""Reads contract/*.toml: the documents, their hash, and the transition rules expanded to every combination.

Deliberately not here: what is written from them (reject_sources.py, reference_pages.py) and any judgement on whether
the contract is well formed (tests/contracts/test_contract.py).
"""

from __future__ import annotations

import hashlib
import itertools
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "contract"

Result = tuple[Any, ...]


class Combination(NamedTuple):
    """One input of the order state machine; `guard` is "any" for events that have none."""

    life: str
    pending: str
    triggered: bool
    in_doubt: bool
    event: str
    guard: str


def load(name: str) -> dict[str, Any]:
    """The document contract/<name>.toml."""
    return tomllib.loads((CONTRACT / f"{name}.toml").read_text(encoding="utf-8"))


def contract_hash() -> str:
    """SHA-256 over the files in name order: each one's name, then content, behind a little-endian u32 length."""
    digest = hashlib.sha256()
    for path in sorted(CONTRACT.glob("*.toml"), key=lambda path: path.name):
        for part in (path.name.encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(4, "little"))
            digest.update(part)
    return digest.hexdigest()


def combinations(table: dict[str, Any]) -> list[Combination]:
    """Every state x event x guard, in the order of the lists in the table."""
    inputs = [(event, guard) for event in table["events"] for guard in table["guards"].get(event, ["any"])]
    states = itertools.product(table["life"], table["pending"], table["triggered"], table["in_doubt"])
    return [Combination(*state, *item) for state, item in itertools.product(states, inputs)]


def matches(pattern: str, value: str) -> bool:
    """Whether a cell of a rule ("*", "a" or "a|b") covers the value."""
    return pattern == "*" or value in pattern.split("|")


def first_rule(table: dict[str, Any], combination: Combination) -> int | None:
    """Index of the rule that decides the combination, None where the table has a blank."""
    texts = [str(part).lower() if isinstance(part, bool) else part for part in combination]
    for index, rule in enumerate(table["rules"]):
        if all(matches(pattern, text) for pattern, text in zip(rule[:6], texts, strict=True)):
            return index
    return None


def result_of(combination: Combination, outcome: str | dict[str, Any]) -> Result:
    """("unreachable",), ("code", slug) or ("next", life, pending, triggered, in_doubt, effects)."""
    if outcome == "unreachable":
        return ("unreachable",)
    if isinstance(outcome, str):
        return ("code", outcome)
    effects = frozenset(outcome["effect"].split("|")) if "effect" in outcome else frozenset()
    state = [outcome.get(part, getattr(combination, part)) for part in ("life", "pending", "triggered", "in_doubt")]
    return ("next", *state, effects)


def expand(table: dict[str, Any]) -> dict[Combination, Result]:
    """The whole state machine, one entry per combination. A blank in the table is a KeyError naming the combination."""
    expanded: dict[Combination, Result] = {}
    for combination in combinations(table):
        index = first_rule(table, combination)
        if index is None:
            raise KeyError(combination)
        expanded[combination] = result_of(combination, table["rules"][index][6])
    return expanded


def reachable_states(expanded: dict[Combination, Result]) -> set[tuple[str, str, bool, bool]]:
    """The states that can be reached from the first one by the table alone."""
    following: dict[tuple[str, str, bool, bool], set[tuple[str, str, bool, bool]]] = {}
    for combination, result in expanded.items():
        targets = following.setdefault(combination[:4], set())
        if result[0] == "next":
            targets.add(result[1:5])
    waiting = [next(iter(expanded))[:4]]
    reached = set(waiting)
    while waiting:
        fresh = following[waiting.pop()] - reached
        reached |= fresh
        waiting += fresh
    return reached
