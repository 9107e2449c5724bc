"""`cracktrader demo`: a strategy on bundled real data, on both cores, with a table and a report."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cracktrader.cli.backtest import are_equal, describe, exit_code, show_cores, show_trouble, write_report
from cracktrader.cli.console import output_of_strategies, print_json, print_table, program, say
from cracktrader.cli.strategy_file import load_source
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.analysis import Result

SAMPLE = "sample:sp500_1d"
FEES = 0.001
# Not a module of this package: it is what a user would write, and is copied for the user to change.
STRATEGY_TEXT = Path(__file__).with_name("demo_strategy.txt")
STRATEGY_FILE = "sma_cross.py"
_FIGURES = ("total_return", "buy_and_hold_return", "cagr", "sharpe", "max_drawdown", "trades", "win_rate", "fees")


def run_demo(folder: Path, as_json: bool) -> int:
    """Run on both cores, show, write the report; returns 0 when the cores agree."""
    with output_of_strategies(as_json):
        results = _results()
        strategy_file = _strategy_copy(folder)
        report = write_report(results[-1], folder / "report.html")
    code = exit_code(results)
    if as_json:
        print_json({"command": "demo", **describe(results), "report": report, "exit_code": code})
        return code
    _show(results)
    say()
    say(f"report  {report}")
    if are_equal(results):
        _suggest(strategy_file)
    return code


def _results() -> list[Result]:
    from cracktrader.analysis.backtest import backtest
    from cracktrader.data import load

    strategy = load_source(STRATEGY_TEXT)
    data = load(SAMPLE)
    return [backtest(strategy(), data, fees=FEES, engine=engine) for engine in ("python", "rust")]


def _strategy_copy(folder: Path) -> Path:
    """A copy to change and run again; one that is there already is the user's and stays."""
    target = folder / STRATEGY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(STRATEGY_TEXT, target)
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror}; choose another with --folder") from error
    return target


def _show(results: list[Result]) -> None:
    from cracktrader.analysis.stats import FIGURES, shown

    bars = results[0].outcome.bars[0]
    times = results[0].equity["time"]
    period = f"{times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}"
    say(f"SMA cross on {bars.symbol}: {len(bars):,} daily bars of the S&P 500, {period}")
    say()
    rows = [(FIGURES[name].label, *(shown(name, result.stats[name]) for result in results)) for name in _FIGURES]
    rows.append(("Events", *(f"{result.events:,}" for result in results)))
    rows.append(("Events per second", *(f"{result.events / result.seconds:,.0f}" for result in results)))
    print_table(("", *(f"{result.engine.title()} core" for result in results)), rows)
    show_cores(results)
    show_trouble(results[-1])


def _suggest(strategy_file: Path) -> None:
    command = program()
    say()
    say("next:")
    say(f"  {command} backtest {strategy_file} --data {SAMPLE} --param fast=50 --param slow=200")
    say(f"  {command} backtest {strategy_file} --data {SAMPLE} --engine both --fill same_close --report my-report.html")
    say(f"  {command} doctor")
