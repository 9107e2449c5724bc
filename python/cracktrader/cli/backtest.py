"""`cracktrader backtest`: a strategy file on data, on one core or on both, as a table or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cracktrader.cli.console import note, output_of_strategies, print_json, print_table, progress_bar, say
from cracktrader.cli.strategy_file import load_strategy, parse_parameters
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.analysis import Result
    from cracktrader.data import BarColumns

DIFFERENT = 1
STRATEGY_RAISED = 4
_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    strategy_file: Path
    data: tuple[str, ...]
    engine: Literal["rust", "python", "both"] = "rust"
    cash: float = 10_000.0
    account: Literal["margin", "cash"] = "margin"
    fees: float = 0.0
    every: str | None = None
    stamp: Literal["open", "close"] = "open"
    fill: Literal["next_open", "same_close"] = "next_open"
    parameters: tuple[str, ...] = ()
    strategy: str | None = None
    report: Path | None = None
    seed: int = 0
    as_json: bool = False


def run_backtest(options: Options) -> int:
    """Run, show, report; returns the exit code."""
    with output_of_strategies(options.as_json):
        strategy = load_strategy(options.strategy_file, options.strategy)
        parameters = parse_parameters(strategy, options.parameters)
        data = _load(options)
        engines = ("python", "rust") if options.engine == "both" else (options.engine,)
        results = [_run(strategy(**parameters), data, engine, options) for engine in engines]
        report = write_report(results[-1], options.report)
    code = exit_code(results)
    if options.as_json:
        print_json({"command": "backtest", **describe(results), "report": report, "exit_code": code})
    else:
        _show(results, report)
    return code


def _load(options: Options) -> list[BarColumns]:
    from cracktrader.data import load

    # One file may be given as such; several have to be told apart by their names.
    source: Any = options.data[0] if len(options.data) == 1 else list(options.data)
    data = load(source, every=options.every, stamp=options.stamp)
    for bars in data:
        if bars.note:
            note(bars.note)
    return data


def _run(strategy: Any, data: list[BarColumns], engine: str, options: Options) -> Result:
    from cracktrader.analysis.backtest import backtest
    from cracktrader.runtime.declare import Venue

    with progress_bar(f"{type(strategy).__name__} on {engine}", options.as_json) as progress:
        return backtest(
            strategy,
            data,
            cash=options.cash,
            account=options.account,
            venue=Venue(fill=options.fill),
            fees=options.fees,
            engine=engine,
            seed=options.seed,
            progress=progress,
        )


def write_report(result: Result, path: Path | None) -> str | None:
    """Write the report where one was asked for; returns its path as text."""
    if path is None:
        return None
    try:
        return str(result.report(path))
    except OSError as error:
        raise ConfigError(f"cannot write the report to {path}: {error.strerror}") from error


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
    outcome = results[0].outcome
    return {
        "strategies": outcome.strategies,
        "instruments": [
            {"symbol": bars.symbol, "bars": len(bars), "interval_ns": bars.interval_ns, "note": bars.note}
            for bars in outcome.bars
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
        "stopped": result.outcome.stopped,
        "why_no_trades": result.why_no_trades(),
    }


def _show(results: list[Result], report: str | None) -> None:
    from cracktrader.analysis.statistics import LABELS, shown

    outcome, stats = results[-1].outcome, results[-1].stats
    parameters = [f"{key}={value}" for one in outcome.strategies for key, value in one["parameters"].items()]
    instruments = ", ".join(f"{bars.symbol} ({len(bars):,} bars)" for bars in outcome.bars)
    names = " + ".join(one["name"] for one in outcome.strategies)
    say(f"{' '.join([names, *parameters])} on {instruments}")
    say()
    print_table(("", outcome.currency), [(LABELS[name], shown(name, stats[name])) for name in stats])
    show_cores(results)
    show_trouble(results[-1])
    if report is not None:
        say(f"report: {report}")


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


def show_trouble(result: Result) -> None:
    """What a user must know beside the figures: errors, an early stop, no trades."""
    for error in result.errors[:_SHOWN_ERRORS]:
        note(f"strategy error: {error.strip()}")
    if len(result.errors) > _SHOWN_ERRORS:
        note(f"... and {len(result.errors) - _SHOWN_ERRORS:,} more")
    if result.outcome.stopped:
        note(f"the run stopped early: {result.outcome.stopped}")
    if reason := result.why_no_trades():
        note(reason)
