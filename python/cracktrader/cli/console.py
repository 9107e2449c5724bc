"""How commands speak: results on stdout, everything else on stderr, tables and a progress bar for terminals only."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

Progress = Callable[[int, int], None]


def print_json(document: dict[str, Any]) -> None:
    """Write the one JSON document of a command to stdout. NaN and infinity are not JSON and are refused."""
    print(json.dumps(document, allow_nan=False, default=str))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> None:
    """A table: first column to the left, the others to the right where they hold numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i, header in enumerate(headers):
        table.add_column(header, justify="right" if i and numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # A pipe has no width: nothing may be cut off for it.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


def say(text: str = "") -> None:
    """A line of the result."""
    print(text)


def note(text: str) -> None:
    """A line beside the result."""
    print(text, file=sys.stderr)


_KEYWORD = re.compile(
    r"""\b(repair|every|stamp|tz|dst|time_format|tick|engine)=(?:"(?P<value>[^"]*)"|'(?P<given>[^']*)'|(?=[,; ]|$))"""
)
_COLUMNS = re.compile(r"""\bcolumns(?:=\{"(\w+)": "([^"]*)"\}|=(?=[,; ]|$)|(?=: ))""")


def as_flags(message: str) -> str:
    """A message of the library in the words of the command line: repair="drop" is --repair drop."""
    message = _KEYWORD.sub(_as_flag, message).replace("name them in a dict", "name them, as in --data A=FILE")
    return _COLUMNS.sub(lambda found: f"--column {found[1]}={found[2]}" if found[1] else "--column", message)


def _as_flag(found: re.Match[str]) -> str:
    value = found["value"] or found["given"]
    return f"--{found[1].replace('_', '-')}{' ' + value if value else ''}"


def program() -> str:
    """How to call this program again: by name where the shell finds it, else by the path it was called with."""
    called = Path(sys.argv[0])
    if called.name != "cracktrader":
        return "cracktrader"
    found = shutil.which("cracktrader")
    return "cracktrader" if found and Path(found).resolve() == called.resolve() else str(called)


@contextmanager
def output_of_strategies(as_json: bool) -> Iterator[None]:
    """Send what strategies print to stderr when stdout belongs to JSON."""
    if not as_json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def progress_bar(label: str, wanted: bool, unit: str = "events") -> Iterator[Progress | None]:
    """A bar that disappears when done, on a terminal only; None elsewhere."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Speed(ProgressColumn):
        """Units a second, over the last moments."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        Speed(),
        TextColumn("eta"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total))
