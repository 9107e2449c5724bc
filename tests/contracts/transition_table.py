"""The order state machine of the contract, expanded to every combination, for tests of both cores.

Deliberately not here: a second reading of the table; docs/contract_tables.py reads it for documents and tests alike.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import contract_tables

Key = tuple[str, str, bool, bool, str, str]
Result = tuple[Any, ...]


def expand_transitions() -> dict[Key, Result]:
    """Map (life, pending, triggered, in_doubt, event, guard) to its result; the guard of an event without one is "any".

    A result is ("unreachable",), ("code", slug) or ("next", life, pending, triggered, in_doubt, frozenset of effects).
    """
    return dict(contract_tables.expand(contract_tables.load("transitions")).items())


def reachable_keys() -> set[Key]:
    """Return the keys whose state an order can get into and whose result is not "unreachable"."""
    expanded = contract_tables.expand(contract_tables.load("transitions"))
    states = contract_tables.reachable_states(expanded)
    return {key for key, result in expanded.items() if key[:4] in states and result[0] != "unreachable"}
