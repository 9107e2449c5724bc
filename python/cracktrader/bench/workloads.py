"""What is measured: workloads, each in several forms of which the first is what the others are compared with.

A form makes its rows, then measures from the rows to the result, once. Deliberately not here: processes and repeats (suite.py).
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cracktrader.bench import loops, rows, strategies

if TYPE_CHECKING:
    import polars as pl

    from cracktrader.strategy.base import Strategy

STREAMS = 500
_IMPORT = """
import resource, time
began = time.perf_counter()
import cracktrader
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """One measurement, with what its run came to."""

    seconds: float
    peak_mb: float
    """The process's resident memory at its most, rows included."""
    items: int
    """Rows, or what else the workload counts."""
    fills: int = 0
    equity: float = loops.CASH
    placed: int | None = None
    """Orders that the strategy placed, where it counts them; and cancelled."""
    cancelled: int | None = None


@dataclass(frozen=True)
class Form:
    """One way to do the work."""

    name: str
    what: str
    measure: Callable[[int], Measured]
    """Of so many rows."""
    trades: bool = True
    """Whether it does what the first form does, and has to come to the same; else it has to leave the cash as it was."""
    over: str = ""
    """The form whose time is taken off to tell what this one costs on top."""


@dataclass(frozen=True)
class Workload:
    """Work that is done in several ways."""

    name: str
    what: str
    rows: int
    forms: tuple[Form, ...]
    item: str = "bar"
    is_ratio: bool = True
    """Whether times are told as ratios to the first form's."""


def workloads() -> tuple[Workload, ...]:
    """All of them, in the order they are run."""
    return (
        Workload(
            "W1",
            "two averages of closes, market orders",
            1_000_000,
            (
                Form("loop", "plain Python loop", partial(_loop, loops.averages)),
                Form("asleep", "the core keeps the averages, nobody is called", _bars(strategies.Asleep), trades=False),
                Form("core", "averages of the core, called on every bar", _bars(strategies.CoreAverages)),
                Form("own", "averages in Python, called on every bar", _bars(strategies.OwnAverages)),
            ),
        ),
        Workload(
            "W2",
            "an order each 1,000 trades",
            2_000_000,
            (
                Form("loop", "plain Python loop", partial(_trading_loop, loops.Seldom)),
                Form("called", "called on every trade", _trades(strategies.Seldom)),
            ),
            "trade",
        ),
        Workload(
            "W3",
            "a limit order on every trade, cancelled at the next",
            200_000,
            (
                Form("loop", "plain Python loop", partial(_trading_loop, loops.Busy)),
                Form("called", "every report to the strategy", _trades(strategies.Busy)),
                Form("recorded", "the same, recorded, sync os", _trades(strategies.Busy, "os"), over="called"),
            ),
            "trade",
        ),
        Workload(
            "W4",
            "what a call costs",
            1_000_000,
            (
                Form("loop", "plain Python loop", partial(_loop, loops.silent)),
                Form("none", "no callback", _bars(strategies.NoCallback)),
                Form("empty", "an empty callback", _bars(strategies.Empty), over="none"),
                Form("two", "two attributes read", _bars(strategies.TwoAttributes), over="none"),
            ),
        ),
        Workload(
            "W5",
            f"{len(rows.PAIRS)} pairs of averages, a run each",
            100_000,
            (
                Form("loop", "plain Python loops", _pairs_in_loops),
                Form("runs", "runs one after the other", _pairs_in_runs),
            ),
        ),
        Workload(
            "core",
            "the core alone, no strategy called",
            1_000_000,
            (
                Form("one", "one stream", partial(_core, streams=1), trades=False),
                Form("merged", f"{STREAMS} streams merged", partial(_core, streams=STREAMS), trades=False),
            ),
            is_ratio=False,
        ),
        Workload(
            "journal",
            "W3 recorded, by sync policy",
            5_000,
            (
                Form("none", "no journal", partial(_recorded, sync="")),
                *(
                    Form(sync, f"sync {sync}", partial(_recorded, sync=sync), over="none")
                    for sync in ("os", "group", "always")
                ),
            ),
            "event",
        ),
        Workload(
            "import", "import cracktrader", 1, (Form("import", "in a fresh interpreter", _import),), "import", False
        ),
    )


def _warm() -> None:
    """Import what a first run imports: no workload is about that."""
    from cracktrader.analysis.backtest import backtest

    backtest(strategies.Empty(), rows.bars(50), quiet=True)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """The work's result, and its seconds."""
    gc.collect()
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, the others kilobytes.
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def _lists(frame: pl.DataFrame) -> list[list[float]]:
    return [frame[name].to_list() for name in ("open", "high", "low", "close")]


def _loop(loop: Callable[[Sequence[Sequence[float]]], loops.Book], count: int) -> Measured:
    columns = _lists(rows.bars(count))
    book, seconds = _timed(lambda: loop(columns))
    return Measured(seconds, _peak_mb(), count, book.fills, book.cash + book.position * columns[3][-1])


def _trading_loop(kind: Any, count: int) -> Measured:
    prices = rows.trades(count)["price"].to_list()
    book, seconds = _timed(lambda: loops.trading(kind, prices))
    equity = book.cash + book.position * prices[-1]
    return Measured(seconds, _peak_mb(), count, book.fills, equity, book.placed, book.cancelled)


def _bars(kind: type[Strategy]) -> Callable[[int], Measured]:
    return lambda count: _run(kind(), rows.bars(count), count)


def _trades(kind: type[Strategy], sync: str = "") -> Callable[[int], Measured]:
    return lambda count: _run(kind(), rows.trades(count), count, sync)


def _run(strategy: Strategy, frame: Any, count: int, sync: str = "", *, is_of_events: bool = False) -> Measured:
    """From a frame to the result; with a sync policy, recorded until it is all written."""
    from cracktrader.analysis.backtest import backtest
    from cracktrader.runtime.recording import Journal

    _warm()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "run", sync=sync) if sync else None
        result, seconds = _timed(
            lambda: backtest(strategy, frame, cash=loops.CASH, fees=loops.FEE, journal=journal, quiet=True)
        )
        peak = _peak_mb()
        if result.errors:
            raise RuntimeError(f"the strategy of the benchmark failed: {result.errors[0]}")
        placed, cancelled = getattr(strategy, "placed", None), getattr(strategy, "cancelled", None)
        items = result.events if is_of_events else count
        return Measured(seconds, peak, items, result.fills.height, result.stats.final_equity, placed, cancelled)


def _recorded(count: int, sync: str) -> Measured:
    return _run(strategies.Busy(), rows.trades(count), count, sync, is_of_events=True)


def _pairs_in_loops(count: int) -> Measured:
    columns = _lists(rows.bars(count, pairs=rows.PAIRS))
    books, seconds = _timed(lambda: [loops.averages(columns, *pair) for pair in rows.PAIRS])
    equity = sum(book.cash + book.position * columns[3][-1] for book in books)
    return Measured(seconds, _peak_mb(), count * len(rows.PAIRS), sum(book.fills for book in books), equity)


def _pairs_in_runs(count: int) -> Measured:
    from cracktrader.analysis.backtest import backtest

    frame = rows.bars(count, pairs=rows.PAIRS)
    _warm()

    def runs() -> list[Any]:
        return [
            backtest(strategies.CoreAverages(fast=fast, slow=slow), frame, cash=loops.CASH, fees=loops.FEE, quiet=True)
            for fast, slow in rows.PAIRS
        ]

    results, seconds = _timed(runs)
    peak = _peak_mb()
    equity = sum(result.stats.final_equity for result in results)
    return Measured(seconds, peak, count * len(rows.PAIRS), sum(result.fills.height for result in results), equity)


def _core(count: int, streams: int) -> Measured:
    """The engine's run alone: neither reading rows nor making a result is in it."""
    from cracktrader.data.loading import load
    from cracktrader.runtime.declare import Options
    from cracktrader.runtime.setup import set_up

    each = max(count // streams, 2)
    data = load({f"S{index}": rows.bars(each, rows.SEED + index) for index in range(streams)})
    listeners: list[Strategy] = [strategies.NoCallback()]
    run, _ = set_up(listeners, data, Options(cash=loops.CASH)).start("rust", listeners)
    _, seconds = _timed(run.run)
    return Measured(seconds, _peak_mb(), each * streams, 0, loops.CASH)


def _import(count: int) -> Measured:
    done = subprocess.run([sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True)
    seconds, peak = (float(word) for word in done.stdout.split())
    return Measured(seconds, peak / (2**20 if sys.platform == "darwin" else 1024), count)


def main() -> int:
    """One measurement in this process: the names of a workload and of a form, and the rows; a line of JSON on stdout."""
    workload, form, count = sys.argv[1:]
    chosen = next(one for one in workloads() if one.name == workload)
    measured = next(one for one in chosen.forms if one.name == form).measure(int(count))
    print(json.dumps(measured.__dict__))
    return 0


if __name__ == "__main__":
    sys.exit(main())
