"""Text of the reference pages of the command line and of the settings, from the commands and the settings themselves.

Deliberately not here: writing files (generate.py), and how to use a command, which is in command_line.md.
"""

from __future__ import annotations

import sys
from typing import Any, get_args

import contract_tables as tables

sys.path.insert(0, str(tables.ROOT / "python"))

from cracktrader.config.settings import Setting, json_text, sections, settings

COMMANDS_HEAD = """\
# Commands

Generated from the commands by `docs/generate.py`. What they are good for is in [Command line and settings](../command_line.md).

{exit_codes}

With `--json` a command prints exactly one JSON document on stdout, failures included; everything else goes to stderr.
"""

SETTINGS_HEAD = """\
# Settings

Generated from `python/cracktrader/config/settings.py` by `docs/generate.py`. A value is looked for on the command line, then in the
environment, then in the nearest `cracktrader.toml` at or above the working folder, then here. `cracktrader config show --origin` says
where each value comes from, `cracktrader config schema` prints the JSON Schema for editors. A list in a variable is written with commas,
a table as `NAME=VALUE` with commas. Paths in a file are read from its own folder.
"""


SETTINGS_FOOT = """\
## Variables

The variable of `section.name` is `CRACKTRADER__SECTION__NAME`, in capitals; of a setting without a section, `CRACKTRADER__NAME`.
"""


def reference() -> dict[str, str]:
    """Path below the repository -> the text of each page."""
    return {"docs/reference/commands.md": commands(), "docs/reference/settings.md": settings_page()}


def commands() -> str:
    """Every command with its arguments and options."""
    import typer.main

    from cracktrader.cli.app import EXIT_CODES, app

    parts = [COMMANDS_HEAD.format(exit_codes=" ".join(EXIT_CODES.split()))]
    for name, command in leaves("cracktrader", typer.main.get_command(app)):
        rows = [_parameter(one) for one in command.params if one.name not in ("install_completion", "show_completion")]
        parts += [f"## `{name}`", f"{command.help}", table(("", "", ""), rows)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def leaves(name: str, command: Any) -> list[tuple[str, Any]]:
    """The commands that do something, groups left out, with their full names."""
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [leaf for own, one in command.commands.items() for leaf in leaves(f"{name} {own}", one)]


def _parameter(one: Any) -> list[str]:
    if one.param_type_name == "argument":
        return [f"`{one.metavar}`", "required", one.help or ""]
    flags = ", ".join(f"`{flag}`" for flag in (*one.opts, *one.secondary_opts))
    return [flags, "" if one.is_flag else f"`{one.metavar or kind(one)}`", one.help or ""]


def kind(one: Any) -> str:
    """What an option takes."""
    annotation = one.type_descriptor.annotation
    return "|".join(map(str, get_args(annotation))) or str(annotation.__name__).upper()


def settings_page() -> str:
    """Every setting: name, what it takes, default, what it is for, its variable."""
    parts = [SETTINGS_HEAD]
    top = [one for one in settings().values() if not one.section]
    parts.append(table(("setting", "takes", "default", ""), [_setting(one) for one in top]))
    for section, sentence in sections().items():
        rows = [_setting(one) for one in settings().values() if one.section == section]
        parts += [f"## `[{section}]`", sentence, table(("setting", "takes", "default", ""), rows)]
    parts.append(SETTINGS_FOOT)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _setting(one: Setting) -> list[str]:
    default = json_text(one.default)
    return [f"`{one.name}`", one.expected, f"`{default}`", one.limits.description or ""]


def table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
