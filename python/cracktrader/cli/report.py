"""`cracktrader report`: a saved run, shown and written again."""

from __future__ import annotations

from pathlib import Path

from cracktrader.cli.backtest import (
    check_places,
    describe,
    exit_code,
    show,
    show_trouble,
    write_plot,
    write_report,
)
from cracktrader.cli.console import print_json


def run_report(run: Path, out: Path, plot: Path | None, quiet: bool, as_json: bool) -> int:
    """Load, show, write; the exit code is that of the run."""
    from cracktrader.analysis import Result

    result = Result.load(run)
    places = {"report": out, "plot": plot}
    check_places(places)
    written = {"report": write_report(result, out), "plot": write_plot(result, plot)}
    code = exit_code([result])
    if as_json:
        print_json({"command": "report", **describe([result]), **written, "exit_code": code})
    elif quiet:
        show_trouble(result, errors_only=True)
    else:
        show([result], written)
    return code
