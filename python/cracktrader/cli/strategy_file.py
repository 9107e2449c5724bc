"""A strategy from a file: import it as a script would be run, find its one Strategy, read its parameters.

Running it is not here. The file's folder joins the import path, so that a strategy may import its neighbours.
"""

from __future__ import annotations

import ast
import difflib
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from cracktrader.cli.console import note
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.strategy import Strategy

SLOW_IMPORT_S = 5
"""When to say that a file is still being imported."""


def load_strategy(path: Path, name: str | None = None) -> type[Strategy]:
    """The Strategy subclass that `path` defines; `name` chooses where there are several.

    Raises ConfigError when there is no such file or class, StrategyError when the file raises.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder, not a strategy file: name the .py file in it")
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; {_instead(path)}")
    if path.suffix != ".py":
        raise ConfigError(f"{path}: the name of a strategy file ends in .py")
    return load_source(path, name)


def load_maker(path: Path, name: str | None = None) -> Any:
    """As `load_strategy`; `name` may also be a function that the file defines: it takes the data and returns a strategy."""
    if name is not None and path.is_file() and path.suffix == ".py":
        function = vars(_import(path)).get(name)
        if isinstance(function, FunctionType):
            return function
    return load_strategy(path, name)


def _instead(path: Path) -> str:
    """What to do about a file that is not there."""
    near = difflib.get_close_matches(path.name, [other.name for other in path.parent.glob("*.py")], n=1, cutoff=0.5)
    return (
        f"did you mean {path.with_name(near[0])}?" if near else "`cracktrader new NAME` writes a strategy to start from"
    )


def load_source(path: Path, name: str | None = None) -> type[Strategy]:
    """As `load_strategy`, for a file that is there, whatever its name ends in."""
    return _choose(path, _import(path), name)


def _import(path: Path) -> ModuleType:
    """Import the file, and say so when it takes long."""
    from cracktrader.runtime.code import import_file

    slow = threading.Timer(
        SLOW_IMPORT_S, note, [f"{path} is still being imported after {SLOW_IMPORT_S} s: Ctrl-C ends it"]
    )
    slow.daemon = True
    slow.start()
    try:
        return import_file(path)
    finally:
        slow.cancel()


def _choose(path: Path, module: ModuleType, name: str | None) -> type[Strategy]:
    from cracktrader.strategy import Strategy

    classes = {key: value for key, value in vars(module).items() if isinstance(value, type)}
    usable = {key: cls for key, cls in classes.items() if issubclass(cls, Strategy) and cls is not Strategy}
    own = {key: cls for key, cls in usable.items() if cls.__module__ == module.__name__}
    if name is not None:
        if name not in usable:
            raise ConfigError(f"{path} has no Strategy called {name}: found {', '.join(usable) or 'none'}")
        return usable[name]
    if not own:
        others = ", ".join(key for key, cls in classes.items() if cls.__module__ == module.__name__)
        raise ConfigError(
            f"{path} defines no subclass of cracktrader.Strategy: found {others or 'no class'}; "
            "`cracktrader new NAME` writes a strategy to start from"
        )
    if len(set(own.values())) > 1:
        raise ConfigError(f"{path} defines {len(own)} strategies: choose one with --strategy: {', '.join(own)}")
    return next(iter(own.values()))


def parse_parameters(strategy: type[Strategy], pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE texts to values of the type that the class attribute has. Raises ConfigError for unknown names."""
    known = known_parameters(strategy)
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals:
            raise ConfigError(f"--param {pair}: write NAME=VALUE")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{strategy.__name__} has no parameter {name}: it has {', '.join(known) or 'none'}{hint}")
        values[name] = _value(strategy.__name__, name, text.strip(), known[name])
    return values


def known_parameters(strategy: type[Strategy]) -> dict[str, Any]:
    """The parameters of a strategy with their defaults: its own first, what every strategy has last."""
    from cracktrader.strategy import Strategy

    common = Strategy.parameter_types()
    names = strategy.parameter_types()
    ordered = [*(name for name in names if name not in common), *(name for name in names if name in common)]
    return {name: getattr(strategy, name) for name in ordered}


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _value(strategy: str, name: str, text: str, default: Any) -> Any:
    """`text` as the type of the default; where that says nothing, as a Python literal, else as text."""
    try:
        if isinstance(default, bool):
            return _TRUTH[text.lower()]
        if isinstance(default, (int, float)):
            return type(default)(text)
    except (KeyError, ValueError):
        kind = type(default).__name__
        raise ConfigError(
            f"{strategy} parameter {name}={text}: {text!r} is not of type {kind} (default {default!r})"
        ) from None
    if isinstance(default, str):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
