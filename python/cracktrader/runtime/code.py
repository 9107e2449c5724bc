"""A strategy's code: how a file is imported, where a class was defined, so that another process can take its run up again, and what the
file was, so that changed code is noticed."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from cracktrader.errors import ConfigError, StrategyError
from cracktrader.strategy.base import Strategy

_TRACEBACK_LINES = 12


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
    found: Any = import_file(path, until_it_runs=True)
    for part in code.name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ConfigError(f"{path} has no strategy called {code.name} any more")
    return found


class _Runs(BaseException):
    """The file that is being imported begins a run: no Exception, so that it does not catch it."""


_until_it_runs: ContextVar[bool] = ContextVar("_until_it_runs", default=False)


def nothing_runs_in_an_import() -> None:
    """What a program calls to begin a run asks here first: a script whose strategies are wanted again is taken up to its first run."""
    if _until_it_runs.get():
        raise _Runs


def import_file(path: Path, *, until_it_runs: bool = False) -> ModuleType:
    """Run a file as a module of its own, with its folder on the import path, as when a script is run. Compiled here, so that no cache file
    is written beside it. `until_it_runs` ends the import where the file begins a run, replays or recovers one: what it defines before is
    there. StrategyError with the end of the traceback when it raises."""
    module = ModuleType(f"strategy_file_{path.stem}")
    module.__file__ = str(path)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # Pickling, dataclasses and typing look a class's module up here.
    sys.modules[module.__name__] = module
    asked = _until_it_runs.set(until_it_runs)
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except _Runs:
        pass
    except (Exception, SystemExit) as error:
        sys.modules.pop(module.__name__, None)
        # The frame of this function says nothing to the reader.
        shown = traceback.format_exception(type(error), error, error.__traceback__ and error.__traceback__.tb_next)
        tail = "".join(shown).strip().splitlines()[-_TRACEBACK_LINES:]
        raise StrategyError("\n".join([f"{path} raised while it was imported{_hint(error)}", *tail])) from error
    finally:
        _until_it_runs.reset(asked)
    return module


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f": module {error.name} is neither beside it nor installed for {sys.executable}"
    return ": it ends the process" if isinstance(error, SystemExit) else ""


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
