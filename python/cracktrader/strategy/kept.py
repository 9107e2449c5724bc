"""What a strategy keeps beside the run's state: as plain data in a checkpoint, and whether there is any that one would lose.

Deliberately not here: where a checkpoint is written, and what is done with a strategy that keeps state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

from cracktrader.errors import StrategyError
from cracktrader.strategy.indicator_views import IndicatorView
from cracktrader.strategy.wake import Condition

if TYPE_CHECKING:
    from cracktrader.strategy.base import Strategy

FLOAT = "$float"
"""Key of a float that JSON has no number for: {"$float": "nan"}. A key of the strategy that begins with $ is written with one more."""
_IMMUTABLE = (type(None), bool, int, float, str, bytes)
_OF_THE_RUN = frozenset({"_sink"})
"""Attributes that the host sets."""


def plain(value: Any, path: str) -> Any:
    """The value as data that JSON keeps to the bit. StrategyError names the path of what is no None, bool, int, float, str, list or dict
    with text as keys."""
    kind = type(value)
    if kind is float and not isfinite(value):
        return {FLOAT: str(value)}
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [plain(one, f"{path}[{index}]") for index, one in enumerate(value)]
    if kind is not dict:
        raise StrategyError(
            f"{path} is {value!r} of type {kind.__name__}: a state is None, bool, int, float, str, list or dict; convert it, as by "
            "float(...) or list(...)"
        )
    for key in value:
        if type(key) is not str:
            raise StrategyError(f"{path} has the key {key!r}: keys of a state are texts; convert them by str(...)")
    return {f"${key}" if key.startswith("$") else key: plain(one, f"{path}[{key!r}]") for key, one in value.items()}


def revived(value: Any) -> Any:
    """What `plain` was given."""
    if isinstance(value, list):
        return [revived(one) for one in value]
    if not isinstance(value, dict):
        return value
    if FLOAT in value:
        return float(value[FLOAT])
    return {key[1:] if key.startswith("$") else key: revived(one) for key, one in value.items()}


def has_hooks(strategy: Strategy, base: type[Strategy]) -> bool:
    """Whether the strategy saves and loads its own state. StrategyError where it does one of the two."""
    kind = type(strategy)
    saves, loads = kind.save_state is not base.save_state, kind.load_state is not base.load_state
    if saves != loads:
        given, missing = ("save_state", "load_state") if saves else ("load_state", "save_state")
        raise StrategyError(f"{kind.__name__} defines {given} and no {missing}: a state is saved and loaded")
    return saves


def attributes(strategy: Strategy) -> dict[str, Any]:
    """The attributes of an instance, those that the host sets left out."""
    return {name: value for name, value in vars(strategy).items() if name not in _OF_THE_RUN}


def differs(strategy: Strategy, before: dict[str, Any], base: type[Strategy]) -> bool:
    """Whether the strategy may hold what it did not hold before: an attribute that changed, or one that can change unseen. Bound
    indicators are bound again. What a class, a module or a closure holds is seen only where it is an attribute of the class."""
    now = attributes(strategy)
    if now.keys() != before.keys() or any(not _is_same(value, before[name]) for name, value in now.items()):
        return True
    return any(not _is_fixed(value) for value in _of_classes(type(strategy), base))


def _is_same(now: Any, before: Any) -> bool:
    if isinstance(now, IndicatorView | Condition):
        return now is before
    if type(now) is not type(before) or not _is_fixed(now):
        return False
    # A NaN is not equal to itself; -0.0 is to 0.0.
    return repr(now) == repr(before) if isinstance(now, float | tuple) else bool(now == before)


def _is_fixed(value: Any) -> bool:
    """Whether the value is immutable plain data."""
    if isinstance(value, tuple):
        return all(_is_fixed(one) for one in value)
    return type(value) in _IMMUTABLE


def _of_classes(kind: type, base: type) -> Iterator[Any]:
    """Data that the classes hold between a strategy's own and `base`."""
    for one in kind.__mro__[: kind.__mro__.index(base)]:
        for name, value in vars(one).items():
            is_code = callable(value) or hasattr(value, "__get__")
            if not (is_code or (name.startswith("__") and name.endswith("__")) or name == "_declared"):
                yield value
