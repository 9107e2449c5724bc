"""Where a strategy's code is, so that a run can be taken up again by another process, and what it was, so that changed code is noticed."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cracktrader.errors import ConfigError, StrategyError
from cracktrader.strategy.base import Strategy


class Code(NamedTuple):
    """A strategy's class: where it was defined, and the SHA-256 of that file, "" where there is none."""

    module: str
    name: str
    file: str
    digest: str

    @property
    def where(self) -> str:
        """For a message."""
        return f"{self.name} of {self.file or self.module}"


def code_of(strategy: Strategy | type[Strategy]) -> tuple[Code, bytes]:
    """The code of a strategy's class, and the text of its file."""
    kind = strategy if isinstance(strategy, type) else type(strategy)
    try:
        path = Path(inspect.getfile(kind)).resolve()
        text = path.read_bytes()
    except (OSError, TypeError):
        # A notebook or an interactive session: no file to come back to.
        return Code(kind.__module__, kind.__qualname__, "", ""), b""
    return Code(kind.__module__, kind.__qualname__, str(path), sha256(text).hexdigest()), text


def load_code(code: Code, kept: Path) -> type[Strategy]:
    """The class again: from its file, or from the `kept` copy where that is gone. ConfigError, StrategyError."""
    if not code.file:
        raise ConfigError(
            f"{code.name} was defined in {code.module} without a file: in Python, hand it over: "
            f"ct.recover(folder, strategies=[{code.name}(...)])"
        )
    path = Path(code.file) if Path(code.file).is_file() else kept
    if not path.is_file():
        raise ConfigError(f"the code of {code.where} is gone: put the file back, or hand the strategy over in Python")
    found: Any = _module(path)
    for part in code.name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ConfigError(f"{path} has no strategy called {code.name} any more")
    return found


def _module(path: Path) -> Any:
    """The file as a module of its own; its folder joins the import path, as when a script is run."""
    name = f"strategy_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise StrategyError(f"{path} raised while it was imported: {type(error).__name__}: {error}") from error
    return module


def changed(recorded: Sequence[Code], strategies: Sequence[Strategy]) -> list[str]:
    """What to say of each strategy whose code is not what it was when the run was recorded."""
    told = []
    for before, strategy in zip(recorded, strategies, strict=True):
        now, _ = code_of(strategy)
        if before.digest != now.digest or before.name != now.name:
            told.append(f"{before.where} has changed: {_short(before.digest)} then, {_short(now.digest)} now")
    return told


def _short(digest: str) -> str:
    return digest[:12] or "no file"
