"""`cracktrader explain`, `inspect`, `diff` and `export`: questions put to a run's folder. The answers are `analysis.ask`; here they are
shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cracktrader.cli.console import Progress, note, print_json, progress_bar, say
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.analysis.ask.moment import Moment
    from cracktrader.analysis.ask.playback import Playback

PATIENCE_SECONDS = 1.0
"""A replay that takes longer shows how far it is."""
KEYS = "n next, p previous, a number or a time to go there, q to leave"


@dataclass(frozen=True)
class ExplainRequest:
    """What the command line asked for."""

    run: Path
    order: str | None
    at: str | None
    symbol: str | None
    refused: bool
    engine: str
    as_json: bool


@dataclass(frozen=True)
class InspectRequest:
    """What the command line asked for."""

    run: Path
    at: str | None
    step: int
    back: int
    engine: str
    as_json: bool


def run_explain(request: ExplainRequest) -> int:
    """Explain an order, a moment, or what was refused."""
    asked = [request.order is not None, request.at is not None, request.refused]
    if sum(asked) != 1:
        raise ConfigError("explain takes one of: an order, --at SEQ or TIME, --refused")
    if request.symbol is not None and request.at is None:
        raise ConfigError("--symbol goes with --at: it names whose market data was shown then")
    with opened(request.run, request.engine, request.as_json) as (playback, progress):
        answer = _explained(request, playback, progress)
    if request.as_json:
        print_json({"command": "explain", "run": str(request.run), **finite(answer.as_dict()), "exit_code": 0})
    else:
        say(str(answer))
        _say_whether_over(playback)
    return 0


def _explained(request: ExplainRequest, playback: Playback, progress: Progress | None) -> Any:
    from cracktrader.analysis.ask.explain import explain_order
    from cracktrader.analysis.ask.refusals import explain_at, refusals

    if request.order is not None:
        return explain_order(playback, request.order)
    if request.refused:
        return refusals(playback, progress)
    assert request.at is not None
    return explain_at(playback, request.at, request.symbol)


def run_inspect(request: InspectRequest) -> int:
    """Show the state at a moment; on a terminal, go on from there by keys."""
    from cracktrader.analysis.ask.moment import moment

    if request.step and request.back:
        raise ConfigError("--step goes forward and --back goes back: give one of them")
    with opened(request.run, request.engine, request.as_json) as (playback, _):
        seq = playback.last_seq if request.at is None else playback.seq_of(request.at)
        shown = moment(playback, seq + request.step - request.back)
    if request.as_json:
        print_json({"command": "inspect", "run": str(request.run), **finite(shown.as_dict()), "exit_code": 0})
        return 0
    say(str(shown))
    if sys.stdin.isatty() and sys.stdout.isatty():
        _walk(playback, shown, lambda: input(f"[{KEYS}] "))
    else:
        _say_whether_over(playback)
    return 0


@dataclass(frozen=True)
class DiffRequest:
    """What the command line asked for."""

    one: Path
    other: Path
    engine: str
    quiet: bool
    as_json: bool


def run_diff(request: DiffRequest) -> int:
    """Compare two runs; 0 where they are the same, 1 where they differ."""
    from cracktrader.analysis.ask.differ import diff_runs

    with patience(f"comparing {request.one.name} and {request.other.name}", request.as_json) as progress:
        found = diff_runs(request.one, request.other, request.engine, progress)
    code = 0 if found.is_same else 1
    if request.as_json:
        print_json({"command": "diff", **finite(found.as_dict()), "exit_code": code})
    elif not request.quiet:
        say(str(found))
    return code


@dataclass(frozen=True)
class ExportRequest:
    """What the command line asked for."""

    run: Path
    to: Path
    form: str
    engine: str
    quiet: bool
    as_json: bool


def run_export(request: ExportRequest) -> int:
    """Write a run's tables and say which."""
    from cracktrader.analysis.ask.export import export

    with patience(f"exporting {request.run.name}", request.as_json or request.quiet) as progress:
        exported = export(request.run, request.to, request.form, engine=request.engine, progress=progress)
    if request.as_json:
        files = [{"file": str(request.to / name), "rows": rows} for name, rows in exported.files.items()]
        print_json({"command": "export", "run": str(request.run), "files": files, "exit_code": 0})
    elif not request.quiet:
        for name, rows in exported.files.items():
            say(f"{request.to / name}  {rows:,} rows")
    return 0


def _walk(playback: Playback, shown: Moment, ask: Callable[[], str]) -> None:
    """Lines of keys until "q" or the end of the input."""
    while True:
        try:
            key = ask().strip()
        except EOFError:
            return
        if key in ("q", "quit"):
            return
        try:
            shown = _gone(playback, shown, key)
        except ConfigError as error:
            note(str(error))
        else:
            say(str(shown))


def _gone(playback: Playback, shown: Moment, key: str) -> Moment:
    """Where a key leads."""
    from cracktrader.analysis.ask.moment import moment

    if key in ("", "n"):
        return shown.next()
    return shown.previous() if key == "p" else moment(playback, key)


def _say_whether_over(playback: Playback) -> None:
    if not playback.run.is_finished:
        note(f"the run did not end: its journal ends at seq {playback.last_seq:,}")


@contextmanager
def opened(run: Path, engine: str, as_json: bool) -> Iterator[tuple[Playback, Progress | None]]:
    """A run's folder, and a bar on the terminal for what takes long."""
    from cracktrader.analysis.ask.playback import Playback

    with patience(f"reading {run.name}", as_json) as progress:
        yield Playback(run, engine, progress), progress


@contextmanager
def patience(label: str, silent: bool) -> Iterator[Progress | None]:
    """A bar on the terminal that moves once something takes longer than people wait."""
    with progress_bar(label, not silent, unit="steps") as shown:
        started = perf_counter()

        def patient(done: int, total: int) -> None:
            if shown is not None and perf_counter() - started > PATIENCE_SECONDS:
                shown(done, total)

        yield None if shown is None else patient


def finite(value: Any) -> Any:
    """Plain values for JSON: what is no number is null, bytes are hex."""
    if isinstance(value, dict):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value.hex() if isinstance(value, bytes) else value
