"""The workloads in turn, each measurement in a process of its own, and what the measurements of a form say together.

The forms of a workload alternate, so that a busy machine slows all of them. Deliberately not here: how it is shown (cli/bench.py).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cracktrader.bench.loops import CASH
from cracktrader.bench.workloads import Form, Measured, Workload, workloads
from cracktrader.errors import ConfigError

REPEATS, QUICK_REPEATS = 5, 3
QUICK_SHARE = 10
EQUITY_TOLERANCE = 0.001
"""A loop adds floats, the engine integers: over a hundred thousand fills they are this near."""

Measure = Callable[[Workload, Form], Measured]


class MeasurementFailed(Exception):
    """A process that measured ended without a figure."""


@dataclass
class Summary:
    """What the measurements of one form say."""

    form: Form
    measured: list[Measured] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What came out otherwise than in the first form."""

    @property
    def median(self) -> float:
        return statistics.median(one.seconds for one in self.measured)

    @property
    def least(self) -> float:
        return min(one.seconds for one in self.measured)

    @property
    def most(self) -> float:
        return max(one.seconds for one in self.measured)

    @property
    def peak_mb(self) -> float:
        return statistics.median(one.peak_mb for one in self.measured)


@dataclass
class Table:
    """A workload with what was measured of it."""

    workload: Workload
    forms: list[Summary]

    def ratio(self, summary: Summary) -> float | None:
        """Its median by the first form's."""
        first = self.forms[0]
        if not (self.workload.is_ratio and first.measured and summary.measured):
            return None
        return summary.median / first.median

    def on_top_ns(self, summary: Summary) -> float | None:
        """Nanoseconds an item more than the form it is built on."""
        below = next((one for one in self.forms if one.form.name == summary.form.over), None)
        if below is None or not below.measured or not summary.measured:
            return None
        return (summary.median - below.median) / summary.measured[0].items * 1e9


@dataclass
class Suite:
    """The measurements of one command, as far as they have come."""

    tables: list[Table]
    repeats: int

    @property
    def total(self) -> int:
        """How many processes there are to be."""
        return sum(len(table.forms) for table in self.tables) * self.repeats

    def run(self, measure: Measure, progress: Callable[[int, int, str], None] | None = None) -> None:
        """Measure everything. An interruption carries on; what was measured until then stays."""
        done = 0
        for table in self.tables:
            for _ in range(self.repeats):
                for summary in table.forms:
                    if progress is not None:
                        progress(done, self.total, f"{table.workload.name} {summary.form.name}")
                    _add(table, summary, measure)
                    done += 1

    @property
    def problems(self) -> list[str]:
        """Everything that came out otherwise than it had to."""
        return [
            f"{table.workload.name} {summary.form.name}: {problem}"
            for table in self.tables
            for summary in table.forms
            for problem in summary.problems
        ]


def make_suite(only: Sequence[str], *, quick: bool, repeats: int | None) -> Suite:
    """The workloads that were asked for; none is all of them."""
    known = workloads()
    names = [workload.name for workload in known]
    by_lower = {name.lower(): name for name in names}
    for name in only:
        if name.lower() not in by_lower:
            raise ConfigError(f"there is no workload {name!r}: name one of {', '.join(names)}")
    wanted = {by_lower[name.lower()] for name in only} or set(names)
    chosen = [workload for workload in known if workload.name in wanted]
    if quick:
        chosen = [replace(workload, rows=max(workload.rows // QUICK_SHARE, 1)) for workload in chosen]
    tables = [Table(workload, [Summary(form) for form in workload.forms]) for workload in chosen]
    return Suite(tables, repeats or (QUICK_REPEATS if quick else REPEATS))


def _add(table: Table, summary: Summary, measure: Measure) -> None:
    try:
        measured = measure(table.workload, summary.form)
    except MeasurementFailed as error:
        _tell(summary, str(error))
        return
    summary.measured.append(measured)
    for problem in _differences(table, summary.form, measured):
        _tell(summary, problem)


def _tell(summary: Summary, problem: str) -> None:
    """Once, however many repeats have it."""
    if problem not in summary.problems:
        summary.problems.append(problem)


def _differences(table: Table, form: Form, measured: Measured) -> Iterator[str]:
    """How a measurement came out otherwise than the first form's, or than doing nothing."""
    first = table.forms[0].measured[0] if table.forms[0].measured else None
    if not form.trades:
        first = replace(measured, fills=0, equity=CASH, placed=None, cancelled=None)
    if first is None:
        return
    for name in ("fills", "placed", "cancelled"):
        expected, found = getattr(first, name), getattr(measured, name)
        if None not in (expected, found) and expected != found:
            yield f"{found:,} {name}, not {expected:,}"
    # Also what is not a number is not near.
    if not abs(measured.equity - first.equity) <= EQUITY_TOLERANCE * max(measured.items // 1_000_000, 1):
        yield f"final equity {measured.equity:.4f}, not {first.equity:.4f}"


def in_a_process(workload: Workload, form: Form) -> Measured:
    """One measurement by a process of its own, which does not outlive an interruption."""
    command = [sys.executable, "-m", "cracktrader.bench.workloads", workload.name, form.name, str(workload.rows)]
    with _process(command) as process:
        out, err = process.communicate()
    if process.returncode:
        last = err.strip().splitlines()[-1:] or ["it said nothing"]
        raise MeasurementFailed(f"its process ended with {process.returncode}: {last[0]}")
    return Measured(**json.loads(out.splitlines()[-1]))


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    # A session of its own: Ctrl-C reaches this process alone, which ends the other one.
    process: subprocess.Popen[str] = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def as_document(suite: Suite) -> list[dict[str, Any]]:
    """Everything that was measured, as plain data."""
    return [
        {
            "name": table.workload.name,
            "what": table.workload.what,
            "rows": table.workload.rows,
            "item": table.workload.item,
            "forms": [_form_document(table, summary) for summary in table.forms if summary.measured],
        }
        for table in suite.tables
    ]


def _form_document(table: Table, summary: Summary) -> dict[str, Any]:
    last = summary.measured[-1]
    return {
        "name": summary.form.name,
        "what": summary.form.what,
        "seconds": [one.seconds for one in summary.measured],
        "median_seconds": summary.median,
        "least_seconds": summary.least,
        "most_seconds": summary.most,
        "items": last.items,
        "ns_per_item": summary.median / last.items * 1e9,
        "ratio": table.ratio(summary),
        "ns_on_top": table.on_top_ns(summary),
        "peak_mb": summary.peak_mb,
        "fills": last.fills,
        "final_equity": last.equity,
        "problems": summary.problems,
    }
