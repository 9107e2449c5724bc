"""Each core's state machine equals the contract's table, in every combination of state, input and guard.

Deliberately not here: whether the table itself is well formed (test_contract.py) and which rows a run can reach (test_golden_traces.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from transition_table import Result, expand_transitions

from cracktrader import backend
from cracktrader.core.order import Effect, Guard, Life, OrderInput, OrderState, Pending
from cracktrader.core.reject import RejectCode

INPUTS = {one.name.title().replace("_", ""): one for one in OrderInput}
EFFECTS = {str(one.name).lower(): one for one in Effect if one}


def expected(result: Result) -> Any:
    """A row of the contract as a core answers it."""
    if result[0] == "unreachable":
        return None
    if result[0] == "code":
        return RejectCode[result[1]].value
    _, life, pending, triggered, in_doubt, effects = result
    effect = sum(EFFECTS[name] for name in effects)
    return (Life[life.upper()], Pending[pending.upper()], triggered, in_doubt, effect)


def test_the_state_machine_equals_the_contract_in_every_combination(engine: str) -> None:
    different = []
    for (life, pending, triggered, in_doubt, told, guard), result in expand_transitions().items():
        state = OrderState(Life[life.upper()], Pending[pending.upper()], triggered, in_doubt)
        found = backend.transition_row(engine, state, INPUTS[told], Guard[guard.upper()])
        found = tuple(found) if isinstance(found, tuple | list) else found
        if found != expected(result):
            different.append((life, pending, triggered, in_doubt, told, guard, result, found))
    assert different == []


def test_every_input_and_effect_of_the_contract_has_its_member() -> None:
    keys = expand_transitions()
    assert {key[4] for key in keys} == set(INPUTS)
    named = {effect for result in keys.values() if result[0] == "next" for effect in result[5]}
    assert named == set(EFFECTS)
