"""`cracktrader new`: a strategy file that runs at once, for the user to change."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from pathlib import Path

from cracktrader.cli.console import print_json, program, say
from cracktrader.errors import ConfigError

TEMPLATE = Path(__file__).with_name("new_strategy.txt")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


def run_new(name: str, as_json: bool) -> int:
    """Write NAME.py and say how to run it."""
    path = Path(name if name.endswith(".py") else f"{name}.py")
    _check(path)
    text = TEMPLATE.read_text(encoding="utf-8").format(name=class_name(path.stem), stem=path.stem, file=path)
    try:
        # "x" refuses a file that is there, however it came to be there.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path} is there already and is not overwritten: choose another name, or delete it"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    if as_json:
        print_json({"command": "new", "file": str(path), "strategy": class_name(path.stem), "exit_code": 0})
        return 0
    say(f"wrote {path}: {class_name(path.stem)}, a moving average cross to start from")
    say()
    say("next:")
    say(f"  {program()} backtest {path}")
    return 0


def class_name(stem: str) -> str:
    """The name of the class in a file: my_strategy -> MyStrategy."""
    return "".join(part.title() for part in stem.split("_"))


def _check(path: Path) -> None:
    """ConfigError for a name that would not work as a module or would hide one."""
    stem = path.stem
    if not _NAME.match(stem):
        near = re.sub(r"\W+", "_", stem.lower()).strip("_")
        hint = f", such as {near}" if _NAME.match(near) else ", such as my_strategy"
        raise ConfigError(f"{stem!r} is not a name for a strategy file: a-z, 0-9 and _, a letter first{hint}")
    if keyword.iskeyword(stem) or keyword.issoftkeyword(stem):
        raise ConfigError(f"{stem!r} is a word of the Python language: choose another name, such as {stem}_strategy")
    if stem in sys.stdlib_module_names or _is_installed(stem):
        raise ConfigError(
            f"{stem!r} is a Python module that your file would hide: choose another, such as {stem}_strategy"
        )


def _is_installed(name: str) -> bool:
    """Whether an import of this name finds something that is not in the working folder."""
    found = importlib.util.find_spec(name)
    return found is not None and Path(found.origin or "").parent != Path.cwd()
