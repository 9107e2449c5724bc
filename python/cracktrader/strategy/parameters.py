"""Parameters of a strategy: typed class attributes, checked when a strategy is made.

    class Cross(ct.Strategy):
        fast: int = 10
        slow: int = ct.parameter(30, low=2, high=500, doc="bars of the slow average")
        side: Literal["long", "both"] = "long"

Deliberately not here: reading parameters from a command line, and sweeping over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import get_annotations
from math import isfinite
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from cracktrader.errors import ConfigError

PLAIN = (int, float, str, bool)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is known of a parameter beyond its type; bounds are inclusive."""

    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    doc: str = ""


def parameter(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] | None = None,
    doc: str = "",
) -> Any:
    """A class attribute that is a parameter with bounds (inclusive) or choices. The attribute itself reads as the default."""
    return Parameter(default, low, high, None if choices is None else tuple(choices), doc)


def collect(strategy: type) -> dict[str, Parameter]:
    """The parameters that a class body declares with `parameter`; each is replaced by its default."""
    found = {name: value for name, value in vars(strategy).items() if isinstance(value, Parameter)}
    for name, declared in found.items():
        if name not in get_annotations(strategy):
            raise ConfigError(f"{strategy.__name__}.{name} needs a type: write `{name}: int = ct.parameter(...)`")
        setattr(strategy, name, declared.default)
    return found


def types_of(strategy: type) -> dict[str, Any]:
    """Annotated class attributes with a value, in the order of their declaration: the parameters and their types."""
    try:
        hints = get_type_hints(strategy)
    except NameError as error:
        raise ConfigError(f"{strategy.__name__}: the type of a parameter is not known ({error})") from error
    return {
        name: kind
        for name, kind in hints.items()
        if hasattr(strategy, name) and not name.startswith("_") and get_origin(kind) is not ClassVar
    }


def coerced(strategy: str, name: str, value: Any, kind: Any) -> Any:
    """The value as the parameter's type: an int may stand for a float, a list is copied; ConfigError for anything else."""
    fitting = _fitted(value, kind)
    if fitting is _MISFIT:
        raise ConfigError(f"{strategy}.{name} is {type_name(kind)}, it cannot be {value!r} ({type(value).__name__})")
    if isinstance(fitting, float) and not isfinite(fitting):
        raise ConfigError(f"{strategy}.{name} is {value!r}: a parameter is a finite number")
    return fitting


def check(strategy: str, name: str, value: Any, declared: Parameter) -> None:
    """ConfigError for a value outside its bounds or choices."""
    if declared.choices is not None and value not in declared.choices:
        raise ConfigError(f"{strategy}.{name} is {value!r}: choose one of {', '.join(map(repr, declared.choices))}")
    below = declared.low is not None and value < declared.low
    above = declared.high is not None and value > declared.high
    if below or above:
        low = "" if declared.low is None else f"{declared.low!r} or more"
        high = "" if declared.high is None else f"{declared.high!r} or less"
        raise ConfigError(f"{strategy}.{name} is {value!r}: it must be {' and '.join(filter(None, (low, high)))}")


def type_name(kind: Any) -> str:
    """A type as its author wrote it."""
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


_MISFIT = object()


def _fitted(value: Any, kind: Any) -> Any:
    """The value as `kind`, or _MISFIT. Types this module does not know take any value."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return next((fit for one in arguments if (fit := _fitted(value, one)) is not _MISFIT), _MISFIT)
    if origin is Literal:
        return value if any(value == one and type(value) is type(one) for one in arguments) else _MISFIT
    if origin in (list, tuple) or kind in (list, tuple):
        return _fitted_items(value, origin or kind, arguments)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is NoneType:
        return value if value is None else _MISFIT
    if kind in PLAIN:
        is_bool = isinstance(value, bool) and kind is not bool
        return value if isinstance(value, kind) and not is_bool else _MISFIT
    return value


def _fitted_items(value: Any, kind: type, arguments: tuple[Any, ...]) -> Any:
    """A list or tuple, copied, with each item fitted."""
    if not isinstance(value, list | tuple):
        return _MISFIT
    items = [item for item in arguments if item is not Ellipsis]
    fixed = kind is tuple and items and Ellipsis not in arguments
    if fixed and len(items) != len(value):
        return _MISFIT
    kinds = items if fixed else [items[0] if items else object] * len(value)
    fitted = [_fitted(one, each) for one, each in zip(value, kinds, strict=True)]
    return _MISFIT if _MISFIT in fitted else kind(fitted)
