"""`cracktrader config`: what is set and why, as a file that could be used, and the schema for editors."""

from __future__ import annotations

import textwrap
from pathlib import Path

import msgspec

from cracktrader.cli.console import print_json, say
from cracktrader.config import Resolved, resolve
from cracktrader.config.settings import json_text, schema, sections, settings
from cracktrader.config.sources import shown_path


def run_show(file: Path | None, origin: bool, as_json: bool) -> int:
    """Print every setting with its value; the output is a valid cracktrader.toml."""
    resolved = resolve(file)
    if as_json:
        print_json(
            {
                "command": "config show",
                "file": None if resolved.file is None else str(resolved.file),
                "settings": msgspec.to_builtins(resolved.settings),
                "origins": resolved.origins,
                "exit_code": 0,
            }
        )
    else:
        say(as_toml(resolved, origin))
    return 0


def run_schema() -> int:
    """Print the JSON Schema of the file. It is one JSON document as it stands."""
    print_json(schema())
    return 0


def as_toml(resolved: Resolved, origin: bool) -> str:
    """The settings as TOML; comments describe each one, or with `origin` say where its value comes from."""
    where = "no cracktrader.toml was found" if resolved.file is None else f"file: {shown_path(resolved.file)}"
    lines = [f"# {where}"]
    section = ""
    for key, setting in settings().items():
        if setting.section != section:
            section = setting.section
            lines += ["", f"[{section}]  # {sections()[section]}"]
        assigned = f"{setting.name} = {json_text(resolved.value(key))}"
        if origin:
            lines.append(f"{assigned}  # {resolved.origins[key]}")
        else:
            lines += [
                *textwrap.wrap(setting.limits.description or "", 100, initial_indent="# ", subsequent_indent="# "),
                assigned,
            ]
    return "\n".join(lines)
