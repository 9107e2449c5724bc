"""Pins: the facts of a run as a JSON file for people and for `git diff`, and the comparison of a run with one.

Rows stand one to a line. Of a long table the first rows are kept, and a digest of all of them. The engine that ran is in a pin for the
reader; both cores give the same run, and a pin holds for either.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cracktrader.analysis.diff import TABLES, compare, facts
from cracktrader.analysis.result import Result
from cracktrader.errors import ConfigError, DataError
from cracktrader.runtime.outcome import RunOutcome

FORMAT, VERSION = "cracktrader-pin", 1
MOST_ROWS = 1_000
"""Rows of each table that a pin keeps."""


def pin_of(run: Any) -> dict[str, Any]:
    """The facts of a finished run as a pin holds them. ConfigError for what is none."""
    if not isinstance(run, Result | RunOutcome):
        raise ConfigError(f"pin_run takes the Result of ct.backtest, not {run!r}")
    told: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, "version": VERSION, **facts(run, MOST_ROWS)}))
    return told


def write(path: Path, pin: Mapping[str, Any]) -> bool:
    """Write a pin whole or not at all; whether the file is another one now. One that differs only in who ran it stays as it is."""
    if path.is_file():
        try:
            if not difference(path, pin):
                return False
        except DataError:
            pass
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(_text(pin), encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return True


def difference(path: Path, present: Mapping[str, Any]) -> str:
    """What differs between a run and the pin in a file, in words; "" where nothing does. DataError for a file that is no pin."""
    diff = compare(read(path), present, ("pinned", "now"))
    return "" if diff.is_same else str(diff)


def read(path: Path) -> dict[str, Any]:
    """The pin in a file. DataError where it is none, or one of another version."""
    try:
        pin = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a pin: {error}") from error
    if not isinstance(pin, dict) or pin.get("format") != FORMAT:
        raise DataError(f"{path} is no pin: its format is not {FORMAT!r}")
    if pin.get("version") != VERSION:
        raise DataError(
            f"{path} has version {pin.get('version')!r}, this program reads version {VERSION}: write it anew with "
            "--cracktrader-update-pins"
        )
    if not _is_whole(pin):
        raise DataError(f"{path} is not whole: write it anew with --cracktrader-update-pins")
    return pin


def _is_whole(pin: Mapping[str, Any]) -> bool:
    """Whether everything that is compared is there."""
    kinds = {
        "strategies": list,
        "data": list,
        "config": dict,
        "contract": dict,
        "engine": dict,
        "state_hash": str,
        "result": dict,
    }
    kinds |= dict.fromkeys(TABLES, dict)
    if not all(isinstance(pin.get(name), kind) for name, kind in kinds.items()):
        return False
    return (
        all(pin[name].keys() == {"columns", "count", "sha256", "rows"} for name in TABLES) and "profit" in pin["result"]
    )


def _text(pin: Mapping[str, Any]) -> str:
    """The file: a fact to a line, a row to a line."""
    parts = [f"{json.dumps(name)}: {_table(value) if name in TABLES else _fact(value)}" for name, value in pin.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _fact(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) if isinstance(value, dict | list) else json.dumps(value)


def _table(table: Mapping[str, Any]) -> str:
    head = {name: value for name, value in table.items() if name != "rows"}
    rows = ",\n".join(f" {json.dumps(row, ensure_ascii=False)}" for row in table["rows"])
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": [' + (f"\n{rows}\n" if rows else "") + "]}"
