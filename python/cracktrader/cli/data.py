"""`cracktrader data`: what a file holds, and the same rows in a canonical file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cracktrader.cli.console import print_json, print_table, say

if TYPE_CHECKING:
    from cracktrader.config import DataSettings

BAD_ROWS = 1


def run_info(files: Sequence[str], kind: str | None, settings: DataSettings, as_json: bool) -> int:
    """Describe each source; 1 when one has rows that a run would refuse."""
    from cracktrader.data import info

    found = []
    for file in files:
        described = info(file, kind=kind, **reading_options(settings))  # type: ignore[arg-type]  # the option is checked
        found += described if isinstance(described, list) else [described]
    code = BAD_ROWS if any(one.problems for one in found) else 0
    if as_json:
        print_json({"command": "data info", "sources": [one.as_dict() for one in found], "exit_code": code})
        return code
    for number, one in enumerate(found):
        if number:
            say()
        print_table(("", one.symbol), one.lines(), numbers=False)
    return code


def run_convert(
    source: str, target: str, symbol: str | None, kind: str | None, settings: DataSettings, as_json: bool
) -> int:
    """Write the canonical file or files, and say what became of the rows."""
    from cracktrader.data import convert

    written = convert(source, target, symbol=symbol, kind=kind, **reading_options(settings))
    if as_json:
        print_json({"command": "data convert", "files": [asdict(one) for one in written], "exit_code": 0})
        return 0
    for one in written:
        say(f"{one.path}: {one.rows:,} {one.kind} of {one.symbol}, {one.size_bytes:,} bytes")
        if one.report is not None and (line := one.report.line()):
            say(line)
        if one.options:
            flags = "".join(f" --{name} {value}" for name, value in one.options.items())
            say(f"it is read with --data {one.symbol}={one.path}{flags}")
    return 0


def reading_options(settings: DataSettings) -> dict[str, Any]:
    """The options of `load`; what was left empty is not said."""
    names = ("every", "stamp", "tz", "dst", "time_format", "columns", "adjust", "tick", "repair")
    return {name: getattr(settings, name) or None for name in names}
