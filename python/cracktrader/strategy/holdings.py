"""What a strategy holds besides the run: its attributes, and the globals and closures that its methods use. Compared between two runs.

For proofs that nothing looks ahead. Deliberately not here: how the runs are made. What cannot be compared by value counts as equal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isnan
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from cracktrader.strategy.base import Strategy
from cracktrader.strategy.indicator_views import OwnIndicatorView

DEPTH = 4
"""How far values inside values are followed."""
PLAIN = (int, float, str, bool, bytes, type(None))
NUMBERS = (int, float)


def held(strategy: Strategy) -> dict[str, Any]:
    """Everything that it holds, by the name under which its code reads it."""
    found: dict[str, Any] = {}
    for name, value in _reached(type(strategy)):
        found.setdefault(name, value)
    own = {f"self.{name}": value for name, value in vars(strategy).items() if name != "_sink"}
    objects = [value.own if isinstance(value, OwnIndicatorView) else value for value in own.values()]
    for one in objects:
        if type(one).__module__.partition(".")[0] == type(strategy).__module__.partition(".")[0]:
            for name, value in _reached(type(one)):
                found.setdefault(name, value)
        elif isinstance(one, FunctionType):
            found.update((name, value) for name, value in _of_function(one) if name not in found)
    return own | found


def functions_of(kind: type) -> Iterator[FunctionType]:
    """The functions that a class and those above it define, up to what the package defines."""
    for one in kind.__mro__:
        if one.__module__.partition(".")[0] in ("cracktrader", "builtins"):
            continue
        for value in vars(one).values():
            inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
            if isinstance(inner, FunctionType):
                yield inner


def _reached(kind: type) -> Iterator[tuple[str, Any]]:
    """Class attributes, and what the methods read from outside."""
    for one in kind.__mro__:
        if one.__module__.partition(".")[0] not in ("cracktrader", "builtins"):
            yield from ((f"{one.__name__}.{name}", value) for name, value in vars(one).items() if _is_data(name, value))
    for function in functions_of(kind):
        yield from _of_function(function)


def _of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if _is_data(name, value):
            yield name, value
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if name in function.__globals__ and _is_data(name, value):
            yield f"global {name}", value


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_data(name: str, value: Any) -> bool:
    code = (type, ModuleType, FunctionType, staticmethod, classmethod, property)
    return not name.startswith("__") and not isinstance(value, code) and not callable(value)


# --- comparing


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
    """What differs between two holdings, and how, by name: single values before arrays."""
    found: dict[str, str] = {}
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            found[name] = "is held in one run only"
        elif (told := _difference(one[name], other[name], DEPTH)) is not None:
            found[name] = told
    return dict(sorted(found.items(), key=lambda item: "rows" in item[1]))


def is_array(value: Any) -> bool:
    """Whether a value is a column or a table of numbers, however it is kept."""
    if isinstance(value, list | tuple):
        return bool(value) and type(value[0]) in NUMBERS
    return not isinstance(value, str | bytes | type) and _has_rows(value)


def _has_rows(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("numpy", "polars", "pandas", "pyarrow", "array") and hasattr(
        value, "__len__"
    )


def _difference(one: Any, other: Any, depth: int) -> str | None:
    """How two values differ, None where they do not."""
    if one is other:
        return None
    if isinstance(one, OwnIndicatorView) and isinstance(other, OwnIndicatorView):
        return _difference(list(one._values), list(other._values), depth) and _versus(one.value, other.value)
    if is_array(one) and is_array(other):
        return _array_difference(one, other)
    if isinstance(one, PLAIN) or isinstance(other, PLAIN):
        return None if _equal(one, other) else _versus(one, other)
    if type(one) is not type(other) or depth == 0:
        return None
    if isinstance(one, Mapping):
        return _part_difference(one, other, depth)
    if isinstance(one, list | tuple):
        pairs = ((str(at), value) for at, value in enumerate(one)), ((str(at), value) for at, value in enumerate(other))
        return _part_difference(dict(pairs[0]), dict(pairs[1]), depth)
    if hasattr(one, "__dict__"):
        return _part_difference(vars(one), vars(other), depth)
    return None


def _part_difference(one: Mapping[Any, Any], other: Mapping[Any, Any], depth: int) -> str | None:
    for name in one:
        if name not in other:
            return f"{name} is there in one run only"
        told = _difference(one[name], other[name], depth - 1)
        if told is not None:
            return f"{name}: {told}"
    return None if len(one) == len(other) else f"{len(one):,} values, and {len(other):,}"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and isnan(one):
        return isnan(other)
    return type(one) is type(other) and bool(one == other)


def _versus(one: Any, other: Any) -> str:
    return f"{one!r}, and {other!r}"


def _array_difference(one: Any, other: Any) -> str | None:
    """The first row that differs."""
    import numpy as np

    left, right = np.asarray(one), np.asarray(other)
    shared = min(len(left), len(right))
    try:
        equal = np.asarray(
            (left[:shared] == right[:shared]) | ((left[:shared] != left[:shared]) & (right[:shared] != right[:shared]))
        )
    except (TypeError, ValueError):
        return None
    rows = np.flatnonzero(~equal.reshape(shared, -1).all(axis=1)) if shared else np.zeros(0, dtype=np.int64)
    if len(rows):
        at = int(rows[0])
        return f"{len(left):,} rows, different from row {at:,} on: {_shown(left[at])}, and {_shown(right[at])}"
    return None if len(left) == len(right) else f"{len(left):,} rows, and {len(right):,}: the same up to there"


def _shown(row: Any) -> str:
    text = " ".join(str(row.tolist() if hasattr(row, "tolist") else row).split())
    return text if len(text) <= 60 else text[:57] + "..."


# --- putting something else in place


def replaced(kinds: list[type | Callable[..., Any]], pairs: list[tuple[Any, Any]]) -> Callable[[], None]:
    """Put `new` wherever classes and functions read exactly the object `old`: in globals, closures and class attributes.

    Returns what takes it back.
    """
    undo: list[Callable[[], None]] = []
    for old, new in pairs:
        for space, setter in _spaces(kinds):
            for name, value in list(space.items()):
                if value is old:
                    setter(name, new)
                    undo.append(partial(setter, name, old))

    def take_back() -> None:
        for one in reversed(undo):
            one()

    return take_back


def _spaces(kinds: list[type | Callable[..., Any]]) -> list[tuple[dict[str, Any], Callable[[str, Any], None]]]:
    """Where names have values for these classes and functions, each with how to set one."""
    spaces: dict[int, tuple[dict[str, Any], Callable[[str, Any], None]]] = {}
    functions: list[FunctionType] = []
    for kind in kinds:
        if isinstance(kind, FunctionType):
            functions.append(kind)
        elif isinstance(kind, type):
            functions += functions_of(kind)
            for one in kind.__mro__:
                if one is not object and not one.__module__.startswith("cracktrader."):
                    spaces[id(one)] = dict(vars(one)), partial(setattr, one)
                    module = sys.modules.get(one.__module__)
                    if module is not None:
                        spaces[id(vars(module))] = vars(module), vars(module).__setitem__
    for function in functions:
        spaces[id(function.__globals__)] = function.__globals__, function.__globals__.__setitem__
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                contents = {name: cell.cell_contents}
            except ValueError:
                continue
            spaces[id(cell)] = contents, partial(_fill, cell)
    return list(spaces.values())


def _fill(cell: CellType, name: str, value: Any) -> None:
    """Set what a closure holds; its cell has no name to set it by."""
    del name
    cell.cell_contents = value
