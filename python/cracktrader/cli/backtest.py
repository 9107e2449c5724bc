"""`cracktrader backtest`: a strategy file on data, on one core or on both, as a table or as JSON."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.cli.console import as_flags, note, output_of_strategies, print_json, print_table, progress_bar, say
from cracktrader.cli.sources import cut, load_files, timeframes
from cracktrader.cli.strategy_file import load_strategy, parse_parameters
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cracktrader.analysis import Result
    from cracktrader.config import Resolved, Settings, VenueSettings
    from cracktrader.data.columns import Columns
    from cracktrader.runtime.recording import Journal
    from cracktrader.runtime.venue import Venue

DIFFERENT = 1
STRATEGY_RAISED = 4
_SHOWN_ERRORS = 3
_SHOWN_LOG = 20


@dataclass(frozen=True)
class Request:
    """What the command line asked for beside the settings."""

    strategy_file: Path
    strategy: str | None
    parameters: tuple[str, ...]
    engines: tuple[str, ...]
    report: Path | None
    plot: Path | None
    save: Path | None
    journal: Path | None
    quiet: bool
    as_json: bool


def run_backtest(request: Request, resolved: Resolved) -> int:
    """Run, show, write what was asked for; returns the exit code."""
    settings = resolved.settings
    check_places({"report": request.report, "plot": request.plot, "run": request.save})
    if request.journal is not None and len(request.engines) > 1:
        raise ConfigError(f"--journal {request.journal} records one run: choose --engine rust or python")
    with output_of_strategies(request.as_json):
        strategy = load_strategy(request.strategy_file, request.strategy)
        parameters = parse_parameters(strategy, request.parameters)
        # Wrong parameters and time frames are refused before anything is read.
        strategy(**parameters)
        timeframes(settings.backtest.timeframes)
        data = load_data(settings, quiet=request.quiet)
        if resolved.origins["data.files"] == "default" and not request.quiet:
            note(f"no --data given: this is the bundled sample {data[0].symbol}, the S&P 500 by day")
        results = [_run(strategy(**parameters), data, engine, settings, request) for engine in request.engines]
        written = {
            "report": write_report(results[-1], request.report),
            "plot": write_plot(results[-1], request.plot),
            "saved": save_run(results[-1], request.save),
            "journal": None if request.journal is None else str(request.journal),
        }
    code = exit_code(results)
    if request.as_json:
        print_json({"command": "backtest", **describe(results), **written, "exit_code": code})
    elif request.quiet:
        show_trouble(results[-1], errors_only=True)
    else:
        show(results, written)
    return code


def load_data(settings: Settings, *, quiet: bool) -> list[Columns]:
    """The columns of the data settings, cut to the asked period."""
    from cracktrader.cli.data import reading_options

    loaded = load_files(settings.data.files, reading_options(settings.data))
    for columns in loaded:
        if columns.note and not quiet:
            note(as_flags(columns.note))
    return cut(loaded, settings.data.start, settings.data.end)


def _run(strategy: Any, data: list[Columns], engine: str, settings: Settings, request: Request) -> Result:
    from cracktrader.analysis.backtest import backtest

    shown = settings.output.progress and not (request.quiet or request.as_json)
    trading = settings.backtest
    with progress_bar(f"{type(strategy).__name__} on {engine}", shown) as progress:
        return backtest(
            strategy,
            data,
            cash=trading.cash,
            currency=trading.currency,
            account=trading.account,
            leverage=trading.leverage,
            fees=trading.fees,
            quiet=True,  # what was assumed is said by `show`
            seed=trading.seed,
            venue=venue_of(settings.venue),
            timeframes=timeframes(trading.timeframes),
            engine=engine,
            journal=_journal(settings, request.journal),
            progress=progress,
        )


def _journal(settings: Settings, folder: Path | None) -> Journal | None:
    """The settings of the journal as `backtest` takes them."""
    from cracktrader.runtime.recording import Journal

    if folder is None:
        return None
    return Journal(folder, **{name: getattr(settings.journal, name) for name in settings.journal.__struct_fields__})


def venue_of(settings: VenueSettings) -> Venue:
    """The settings of the venue as `backtest` takes them: "0" is no latency, what is empty is not said."""
    from cracktrader.runtime.venue import Venue

    said = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return Venue(**{name: {"0": 0, "": None}.get(value, value) for name, value in said.items()})


def write_report(result: Result, path: Path | None) -> str | None:
    """Write the report where one was asked for; returns its path as text."""
    return None if path is None else _written(path, "report", lambda target: result.report(target))


def write_plot(result: Result, path: Path | None) -> str | None:
    """Write the chart alone where that was asked for; returns its path as text."""
    return None if path is None else _written(path, "plot", lambda target: result.plot().write_html(target))


def _written(path: Path, what: str, write: Callable[[Path], Any]) -> str:
    """Write beside the place and move there whole: an interrupt leaves the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write the {what} to {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            beside.unlink()
    return str(path)


def save_run(result: Result, folder: Path | None) -> str | None:
    """Keep the run where that was asked for; returns its folder as text."""
    return None if folder is None else str(result.save(folder))


def check_places(places: Mapping[str, Path | None]) -> None:
    """Refuse a place that cannot be written before the run, not after it."""
    for what, path in places.items():
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"{path.parent} is not a folder" if path.parent.exists() else error.strerror
            raise ConfigError(f"cannot write the {what} to {path}: {why}") from error
        if what != "run" and path.is_dir():
            raise ConfigError(f"cannot write the {what} to {path}: it is a folder")
        if what == "run" and path.is_dir() and any(path.iterdir()) and not (path / "manifest.json").is_file():
            raise ConfigError(
                f"cannot write the {what} to {path}: it holds something else: name a new or an empty folder"
            )
        if not os.access(path.parent, os.W_OK):
            raise ConfigError(f"cannot write the {what} to {path}: the folder {path.parent} may not be written")


def exit_code(results: list[Result]) -> int:
    """1 when the cores disagree, 4 when the strategy raised, else 0."""
    if not are_equal(results):
        return DIFFERENT
    return STRATEGY_RAISED if any(result.errors for result in results) else 0


def are_equal(results: list[Result]) -> bool:
    """Whether every core ended in the same state."""
    return len({result.state_hash for result in results}) == 1


def describe(results: list[Result]) -> dict[str, Any]:
    """The runs as one JSON object."""
    from cracktrader.data.columns import kind_of

    outcome = results[0].outcome
    return {
        "strategies": outcome.strategies,
        "instruments": [
            {"symbol": one.symbol, "kind": kind_of(one), "rows": len(one), "note": one.note} for one in outcome.data
        ],
        "currency": outcome.currency,
        "seed": outcome.seed,
        "contract_version": outcome.contract_version,
        "equal": are_equal(results) if len(results) > 1 else None,
        "runs": [_described(result) for result in results],
    }


def _described(result: Result) -> dict[str, Any]:
    return {
        "engine": result.engine,
        "state_hash": result.state_hash,
        "events": result.events,
        "seconds": result.seconds,
        "stats": dict(result.stats),
        "diagnostics": dict(result.diagnostics),
        "errors": list(result.errors),
        "log": [list(line) for line in result.outcome.log],
        "stopped": result.outcome.stopped,
        "why_no_trades": result.why_no_trades,
    }


def show(results: list[Result], written: Mapping[str, str | None]) -> None:
    """The figures, the cores, the trouble, and what was written where."""
    from cracktrader.analysis.stats import FIGURES, shown
    from cracktrader.data.columns import kind_of

    outcome, stats = results[-1].outcome, results[-1].stats
    parameters = [f"{key}={value}" for one in outcome.strategies for key, value in one["parameters"].items()]
    instruments = ", ".join(f"{one.symbol} ({len(one):,} {kind_of(one)})" for one in outcome.data)
    names = " + ".join(one["name"] for one in outcome.strategies)
    say(f"{' '.join([names, *parameters])} on {instruments}")
    if outcome.inferred:
        say(outcome.inferred.partition(";")[0])
    say()
    print_table(("", outcome.currency), [(FIGURES[name].label, shown(name, stats[name])) for name in stats])
    show_cores(results)
    show_trouble(results[-1])
    for what, path in written.items():
        if path is not None:
            say(f"{what}: {path}")


def show_cores(results: list[Result]) -> None:
    """Speed and final state digest of each core, and whether the digests are equal."""
    say()
    for result in results:
        rate = f"{result.events / result.seconds:,.0f} events/s" if result.seconds > 0 else ""
        say(f"{result.engine:<7} {result.events:,} events in {result.seconds:.3f} s  {rate}")
    for result in results:
        say(f"{result.engine:<7} {result.state_hash}")
    if len(results) > 1:
        say("the final states are equal" if are_equal(results) else "THE FINAL STATES DIFFER: this is a defect")


def shown_time(nanoseconds: int) -> str:
    """A moment in UTC, to the second."""
    moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


_FRAME = re.compile(r'  File "(.*)", line \d+, in ')
_PACKAGE = str(Path(__file__).parents[1])
_CAUSE = "The above exception was the direct cause of the following exception:"


def own_frames(error: str) -> str:
    """A traceback without the frames of this package and without the cause that it wrapped: what the user's file did."""
    head, _, rest = error.partition("\n")
    kept, hidden = [], False
    for line in rest.rpartition(_CAUSE)[2].strip().splitlines():
        if frame := _FRAME.match(line):
            hidden = frame[1].startswith((_PACKAGE, "<string>"))  # the latter is what dataclasses write
        elif not line.startswith("    "):
            hidden = False
        if not hidden:
            kept.append(line)
    return "\n".join([head, *kept])


def show_trouble(result: Result, *, errors_only: bool = False) -> None:
    """What a user must know beside the figures: errors, an early stop, no trades."""
    log = [] if errors_only else result.outcome.log
    for _, time, strategy, text in log[:_SHOWN_LOG]:
        note(f"{shown_time(time)} {strategy}: {text}")
    if len(log) > _SHOWN_LOG:
        note(f"... and {len(log) - _SHOWN_LOG:,} more lines of the log: --json has them all")
    for error in result.errors[:_SHOWN_ERRORS]:
        note(f"strategy error: {own_frames(error).strip()}")
    if len(result.errors) > _SHOWN_ERRORS:
        note(f"... and {len(result.errors) - _SHOWN_ERRORS:,} more")
    if result.outcome.stopped:
        note(f"the run stopped early: {result.outcome.stopped}")
    if not errors_only and (reason := result.why_no_trades):
        note(reason)
