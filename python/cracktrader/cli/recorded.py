"""`cracktrader recover` and `cracktrader replay`: a recorded run goes on, or is run again and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cracktrader.cli.backtest import describe, exit_code, show, show_trouble
from cracktrader.cli.console import note, output_of_strategies, print_json, progress_bar, say


def run_recover(
    run: Path, engine: str | None, accept_code_change: bool, progress: bool, quiet: bool, as_json: bool
) -> int:
    """Go on, show the run; the exit code is that of a backtest."""
    from cracktrader.analysis.recovery import recover

    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if not (quiet or as_json):
            note(line)

    with output_of_strategies(as_json), progress_bar(f"recovering {run.name}", progress) as shown:
        result = recover(run, engine=engine, accept_code_change=accept_code_change, progress=shown, note=tell)
    code = exit_code([result])
    if as_json:
        print_json({"command": "recover", "notes": told, **describe([result]), "exit_code": code})
    elif quiet:
        show_trouble(result, errors_only=True)
    else:
        show([result], {})
    return code


@dataclass(frozen=True)
class ReplayRequest:
    """What the command line asked for."""

    run: Path
    strategies: bool
    venues: bool
    engine: str | None
    quiet: bool
    as_json: bool


def run_replay(request: ReplayRequest) -> int:
    """Replay on one core or on both; a step that comes out otherwise is raised."""
    from cracktrader.runtime.rerun import RecordedRun

    with output_of_strategies(request.as_json):
        recorded = RecordedRun(request.run)
        chosen = request.engine or str(recorded.facts["engine"])
        engines = ("python", "rust") if chosen == "both" else (chosen,)
        runs = [_replay(recorded, engine, request) for engine in engines]
    if request.as_json:
        print_json(
            {
                "command": "replay",
                "run": str(request.run),
                "finished": recorded.is_finished,
                "runs": runs,
                "exit_code": 0,
            }
        )
    elif not request.quiet:
        for one in runs:
            rate = f"{one['events'] / one['seconds']:,.0f} events/s" if one["seconds"] else ""
            say(f"{one['engine']:<7} {one['events']:,} events in {one['seconds']:.3f} s  {rate}")
            say(f"{one['engine']:<7} {one['state_hash']}")
        answered = "the strategies answer" if request.strategies else "the recorded answers lead to"
        say(f"every step came out to the byte: {answered} what was recorded")
        if not recorded.is_finished:
            note(f"the run did not end: `cracktrader recover {request.run}` goes on with it")
    return 0


def _replay(recorded: Any, engine: str, request: ReplayRequest) -> dict[str, Any]:
    strategies = recorded.strategies() if request.strategies else None
    with progress_bar(f"replaying {request.run.name} on {engine}", not (request.quiet or request.as_json)) as shown:
        replayed = recorded.replay(engine, strategies=strategies, venues=request.venues, progress=shown)
    return {
        "engine": engine,
        "events": replayed.run.seq,
        "seconds": replayed.seconds,
        "state_hash": replayed.run.digest().hex(),
    }
