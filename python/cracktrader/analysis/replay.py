"""`replay`: a recorded run again, from its folder alone; a `Result` out. The replay itself is `runtime.rerun`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replaced
from pathlib import Path
from typing import Literal

from cracktrader.analysis.ask.playback import Playback
from cracktrader.analysis.result import Result
from cracktrader.runtime.backtest import instances
from cracktrader.runtime.code import changed, nothing_runs_in_an_import
from cracktrader.runtime.rerun import RecordedRun, ReplayDiffers
from cracktrader.strategy.base import Strategy


def replay(
    folder: str | Path,
    *,
    strategies: Sequence[Strategy] | Literal[True] | None = None,
    engine: str = "rust",
    until: int | str | None = None,
) -> Result:
    """The run recorded in `folder` again, as far as its journal goes or up to `until`, a seq or a time.

    Without `strategies` their recorded answers are taken and no strategy is imported or called; with True they are made anew from their
    recorded code and parameters, or they are the ones given: then their answers are compared with the recorded ones.

    Raises JournalUnreadable, JournalCorrupt, ConfigError, StrategyError where the code is gone, and ReplayDiffers, with both answers, at
    the first step that comes out otherwise.
    """
    nothing_runs_in_an_import()
    recorded = RecordedRun(folder)
    used = recorded.strategies() if strategies is True else None if strategies is None else instances(strategies)
    last = None if until is None else Playback(recorded, engine).seq_of(until)
    try:
        outcome = recorded.replay(engine, strategies=used, until=last).outcome()
    except ReplayDiffers as error:
        told = [] if used is None or len(used) != len(recorded.codes) else changed(recorded.codes, used)
        if not told:
            raise
        raise ReplayDiffers(f"{error}; {'; '.join(told)}", error.seq) from error
    return Result(replaced(outcome, journal=str(recorded.path.absolute())))
