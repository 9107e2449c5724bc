"""`cracktrader bench`: measure this machine, show a table, keep the figures.

Figures go to stdout or to a file, progress to stderr. Deliberately not here: what is measured (bench/).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cracktrader.bench.computer import computer
from cracktrader.bench.suite import Measure, Suite, Summary, Table, as_document, in_a_process, make_suite
from cracktrader.cli.console import note, print_json, print_table, say
from cracktrader.cli.interrupt import INTERRUPTED
from cracktrader.errors import ConfigError


@dataclass(frozen=True)
class BenchRequest:
    """What was asked for."""

    only: tuple[str, ...] = ()
    quick: bool = False
    repeats: int | None = None
    out: Path | None = None
    quiet: bool = False
    as_json: bool = False


def run_bench(request: BenchRequest, measure: Measure = in_a_process) -> int:
    """Measure and show; 1 where a form did not come to what it had to, 130 where it was interrupted, with what there is."""
    suite = make_suite(request.only, quick=request.quick, repeats=request.repeats)
    if request.out is not None and not request.out.parent.is_dir():
        raise ConfigError(f"--out {request.out}: there is no folder {request.out.parent}; make it first")
    machine = computer()
    interrupted = False
    try:
        with _progress(not (request.quiet or request.as_json)) as progress:
            suite.run(measure, progress)
    except KeyboardInterrupt:
        interrupted = True
    code = INTERRUPTED if interrupted else int(bool(suite.problems))
    document = {
        "command": "bench",
        "machine": machine,
        "quick": request.quick,
        "repeats": suite.repeats,
        "workloads": as_document(suite),
        "problems": suite.problems,
        "interrupted": interrupted,
        "exit_code": code,
    }
    _tell(request, suite, document, interrupted)
    return code


def _tell(request: BenchRequest, suite: Suite, document: dict[str, Any], interrupted: bool) -> None:
    if request.out is not None:
        beside = request.out.with_name(request.out.name + ".part")
        beside.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        beside.replace(request.out)
    if request.as_json:
        # The one document of an interrupted command says that it was interrupted.
        if not interrupted:
            print_json(document)
        return
    if not request.quiet:
        show(suite, document["machine"])
    for problem in suite.problems:
        note(f"error: {problem}")
    if request.out is not None and not request.quiet:
        say(f"\n{request.out}")


def show(suite: Suite, machine: dict[str, Any]) -> None:
    """The figures as a table, with the machine below."""
    rows = [line for table in suite.tables for line in _lines(table)]
    headers = ("", "form", "what", "median", "least-most", "ratio", "a unit", "on top", "peak")
    print_table(headers, rows)
    say(
        f"\n{machine['processor']}, {machine['processors']} processors, load {machine['load']:.1f}, {machine['python']}"
    )
    say(
        "median of the repeats; ratio to the first form of the workload, measured in the same run; memory with the rows"
    )


def _lines(table: Table) -> Iterator[Sequence[str]]:
    measured = [summary for summary in table.forms if summary.measured]
    for index, summary in enumerate(measured):
        head = table.workload.name if index == 0 else ""
        yield (head, summary.form.name, summary.form.what, *_figures(table, summary))


def _figures(table: Table, summary: Summary) -> tuple[str, ...]:
    ratio, on_top = table.ratio(summary), table.on_top_ns(summary)
    return (
        _seconds(summary.median),
        f"{_seconds(summary.least)}-{_seconds(summary.most)}",
        "" if ratio is None else f"{ratio:.2f}x",
        f"{_seconds(summary.median / summary.measured[0].items)} a {table.workload.item}",
        "" if on_top is None else f"{on_top:,.0f} ns",
        f"{summary.peak_mb:,.0f} MB",
    )


def _seconds(seconds: float) -> str:
    """A duration with three figures and the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


@contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A bar with what is being measured, on a terminal only."""
    import sys

    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("bench", total=None)
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name)
