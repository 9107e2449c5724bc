"""Where a value comes from: defaults, the file, the environment, the command line; the later ones win, and each value keeps its origin.

A value that is wrong is refused with its origin (file and line, variable, flag), the value, and what would be right.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cracktrader.config.settings import PREFIX, Setting, Settings, json_text, sections, settings
from cracktrader.errors import ConfigError

FILE_NAME = "cracktrader.toml"
DEFAULT = "default"


class Given(NamedTuple):
    """One value as it was given. `strict` is false for text that stands for a number or a list."""

    key: str
    value: Any
    origin: str
    said: str
    """Where it stands and what was written there: how a message about it begins."""
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of a command, and for each key where its value came from."""

    settings: Settings
    origins: dict[str, str]
    file: Path | None

    def value(self, key: str) -> Any:
        """The value of a setting by its key."""
        section, _, name = key.rpartition(".")
        return getattr(getattr(self.settings, section) if section else self.settings, name)


def resolve(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, tuple[str, Any]] | None = None,
    folder: Path | None = None,
) -> Resolved:
    """The settings from every source.

    `file` is read instead of the nearest cracktrader.toml at or above `folder` (default: the working folder). `flags` are key to
    (flag, value); a value of None was not given. Raises ConfigError naming where a wrong value stands.
    """
    if file is None:
        file = find_file(folder or Path.cwd())
    given = [
        *([] if file is None else _from_file(file)),
        *_from_environment(os.environ if environment is None else environment),
        *_from_flags(flags or {}),
    ]
    values = {key: setting.default for key, setting in settings().items()}
    origins = dict.fromkeys(values, DEFAULT)
    for one in given:
        values[one.key], origins[one.key] = _checked(settings()[one.key], one), one.origin
    return Resolved(_assembled(values), origins, file)


def find_file(folder: Path) -> Path | None:
    """The nearest cracktrader.toml in `folder` or above it."""
    return next((path for up in (folder, *folder.parents) if (path := up / FILE_NAME).is_file()), None)


# --- the three sources ---------------------------------------------------------------------------------------


def _from_file(path: Path) -> Iterator[Given]:
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{shown_path(path)}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown_path(path)}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown_path(path)}: is not TOML: {error}") from error
    lines = _line_numbers(text)
    for key, value in _flattened(tables):
        where = f"{shown_path(path)} line {lines[key]}" if key in lines else shown_path(path)
        said = f"{where}: {key} = {_text(value)}"
        yield Given(_known(key, said), _beside(path, value) if key == "data.files" else value, where, said)


def _beside(file: Path, sources: Any) -> Any:
    """The paths of a file are read from its own folder, wherever the command runs."""
    if not isinstance(sources, list) or not all(isinstance(one, str) for one in sources):
        return sources
    split = [one.rpartition("=") for one in sources]
    return [
        f"{symbol}{equals}{path if path.startswith('sample:') else file.parent / path}"
        for symbol, equals, path in split
    ]


def _flattened(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of the file with their values; what is in a section that does not exist is found by its own key."""
    for name, value in tables.items():
        if isinstance(value, dict) and value:
            yield from ((f"{name}.{own}", one) for own, one in value.items())
        elif not (isinstance(value, dict) and name in sections()):
            yield name, value


_HEADER = re.compile(r"^\s*\[\s*([A-Za-z0-9_-]+)\s*\]")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_.-]+)\s*=")


def _line_numbers(text: str) -> dict[str, int]:
    """The line of each key. A layout this does not understand (inline tables) is named without a line."""
    section, lines = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = header[1]
            lines.setdefault(section, number)
        elif assigned := _ASSIGNMENT.match(line):
            lines.setdefault(f"{section}.{assigned[1]}" if section else assigned[1], number)
    return lines


def _from_environment(environment: Mapping[str, str]) -> Iterator[Given]:
    variables = {setting.variable: setting for setting in settings().values()}
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        if name not in variables:
            raise ConfigError(f"{name}={environment[name]}: no setting has this variable{_meant(name, variables)}")
        setting, text = variables[name], environment[name]
        yield Given(setting.key, _split(setting, text), name, f"{name}={text}", strict=False)


def _split(setting: Setting, text: str) -> Any:
    """A list in a variable is written with commas, a table as NAME=VALUE with commas."""
    if not (setting.is_list or setting.is_table):
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return _table(parts) if setting.is_table else parts


def _table(parts: list[str]) -> Any:
    """NAME=VALUE texts as a table; the texts as they are where one is none, so that it is refused."""
    pairs = [part.partition("=") for part in parts]
    return {name.strip(): value.strip() for name, _, value in pairs} if all(equals for _, equals, _ in pairs) else parts


def _from_flags(flags: Mapping[str, tuple[str, Any]]) -> Iterator[Given]:
    for key, (flag, value) in flags.items():
        if value is not None:
            shown = " ".join(value) if isinstance(value, list) else value
            taken = _table(value) if settings()[key].is_table else value
            yield Given(key, taken, flag, f"{flag} {shown}", strict=not isinstance(value, str))


# --- checking ------------------------------------------------------------------------------------------------


def _known(key: str, said: str) -> str:
    """The key, where it is one."""
    if key in settings():
        return key
    section = key.partition(".")[0]
    if key in sections():
        raise ConfigError(f"{said}: {key} is a section: write [{key}] and its settings below it")
    if "." in key and section not in sections():
        raise ConfigError(f"{said}: there is no section [{section}]{_meant(section, sections())}")
    raise ConfigError(f"{said}: there is no such setting{_meant(key, settings())}")


def _meant(wrong: str, known: Iterable[str]) -> str:
    """The nearest of the names there are, or all of them where none is near."""
    names = list(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(names)}"


def _checked(setting: Setting, given: Given) -> Any:
    """The value in the type of its setting."""
    try:
        value = msgspec.convert(given.value, setting.annotation, strict=given.strict)
    except msgspec.ValidationError:
        near = difflib.get_close_matches(str(given.value), setting.choices, n=1)
        hint = f"; did you mean {json_text(near[0])}?" if near else ""
        raise ConfigError(f"{given.said}: has to be {setting.expected}{hint}") from None
    return value


def _assembled(values: Mapping[str, Any]) -> Settings:
    """The settings of checked values."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[name] = value
    return msgspec.convert(tree, Settings)


def _text(value: Any) -> str:
    """A value of the file, whatever it is. NaN and infinity are TOML and not JSON."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else json_text(value)


def shown_path(path: Path) -> str:
    """The path as a reader finds it: from the working folder where it lies there."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
