"""`recover`: a recorded run goes on; a `Result` out. The recovery itself is `runtime.recovery`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cracktrader.analysis.result import Result
from cracktrader.runtime.code import nothing_runs_in_an_import
from cracktrader.runtime.recovery import Note
from cracktrader.runtime.recovery import recover as recover_run
from cracktrader.strategy.base import Strategy


def recover(
    folder: str | Path,
    *,
    strategies: Sequence[Strategy] | None = None,
    engine: str | None = None,
    accept_code_change: bool = False,
    progress: Callable[[int, int], None] | None = None,
    note: Note = lambda line: None,
) -> Result:
    """Go on with the run recorded in `folder` to its end, as if it had never stopped; one that ended is only read.

    `strategies` are made anew from their recorded code and parameters where none are given. `engine` is the one that began. `note` is told
    what was found: a torn tail that was cut, which checkpoint was used. `progress(taken, total)` is called now and then.

    Raises JournalUnreadable, JournalCorrupt, JournalLocked, ConfigError for changed code unless `accept_code_change`, and what a run
    raises.
    """
    nothing_runs_in_an_import()
    outcome = recover_run(
        folder,
        strategies=strategies,
        engine=engine,
        accept_code_change=accept_code_change,
        progress=progress,
        note=note,
    )
    return Result(replace(outcome, journal=str(Path(folder).absolute())))
