"""Two runs' folders compared: what went in otherwise, down to the line of code and the row of data; the first event at which they part,
with what each answered; and the profit that follows.

What differs in parameters, configuration and results is `analysis.diff`'s to say; here are the code, the rows and the journals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.ask.moment import answer_fields, event_fields
from cracktrader.analysis.ask.playback import Playback
from cracktrader.analysis.ask.steps import Image, Progress, Step, chunks, step_of
from cracktrader.analysis.ask.words import Words, exact
from cracktrader.analysis.diff import OUTPUTS, Diff, causes, compare, consequences, facts
from cracktrader.core.codec import LEDGER, STRATEGY_POSITION, Kind, decode_data_run, frames, seq_of
from cracktrader.core.order import STATUS_NAMES
from cracktrader.data.stamps import time_text
from cracktrader.errors import ConfigError
from cracktrader.runtime.rerun import RecordedRun

if TYPE_CHECKING:
    from cracktrader.data.columns import Columns

CODE_LINES = 40
"""How many lines of a difference in code are shown."""
CONTEXT = 1
"""Lines of code around a change."""


@dataclass(frozen=True, slots=True)
class RunsDiff:
    """What differs between two recorded runs. `str` is the text; `runs` has inputs and results as values."""

    names: tuple[str, str]
    is_same: bool
    """Whether the same went in, code included, and the journals tell the same."""
    code: tuple[dict[str, Any], ...]
    """Strategies of other code: strategy, and the lines of a unified diff."""
    rows: tuple[dict[str, Any], ...]
    """By set of columns that differs: the first row, its time, and each column with both values."""
    event: dict[str, Any] | None
    """The first at which they part: seq, and for each run its time, event, answers and state; None where they tell the same."""
    runs: Diff
    text: str

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text as plain values, for JSON."""
        differences = [
            {"part": one.part, "where": one.where, "values": [one.one, one.other]} for one in self.runs.differences
        ]
        results = [one["result"] for one in self.runs.facts]
        return {
            "runs": list(self.names),
            "same": self.is_same,
            "differences": differences,
            "code": list(self.code),
            "rows": list(self.rows),
            "event": self.event,
            "results": results,
        }


def diff_runs(one: str | Path, other: str | Path, engine: str = "rust", progress: Progress | None = None) -> RunsDiff:
    """What differs between the runs recorded in two folders. JournalUnreadable, JournalCorrupt, ReplayDiffers."""
    runs = RecordedRun(one), RecordedRun(other)
    names = runs[0].path.name or "A", runs[1].path.name or "B"
    names = names if names[0] != names[1] else ("A", "B")
    told = [_facts(run, engine) for run in runs]
    compared = compare(told[0], told[1], names)
    code, rows = tuple(_code(runs)), tuple(_rows(runs))
    event = _first_event(runs, engine, rows, progress)
    is_same = compared.is_same and not code and event is None
    text = "\n".join(_lines(names, is_same, compared, code, rows, event))
    return RunsDiff(names, is_same, code, rows, event, compared, text)


def _facts(run: RecordedRun, engine: str) -> dict[str, Any]:
    """A run's facts, with who recorded it, not who replays it."""
    told = facts(run.replay(engine).outcome())
    recorded = {"core": run.facts.get("engine"), "package": run.facts.get("cracktrader")}
    return told | {
        "engine": recorded,
        "strategies": [_parameters(run, index) for index in range(len(run.config.strategies))],
    }


def _parameters(run: RecordedRun, index: int) -> dict[str, Any]:
    told = run.facts["strategies"][index]
    return {"name": run.config.strategies[index].name, "parameters": told["parameters"] | {"warm_up": told["warm_up"]}}


# --- what went in


def _code(runs: tuple[RecordedRun, RecordedRun]) -> Iterator[dict[str, Any]]:
    """Strategies at the same place whose files differ."""
    for mine, theirs in zip(runs[0].codes, runs[1].codes, strict=False):
        if mine.digest == theirs.digest:
            continue
        texts = [_text(run, code.digest) for run, code in zip(runs, (mine, theirs), strict=True)]
        then, now = texts
        lines = [] if then is None or now is None else list(unified_diff(then, now, n=CONTEXT, lineterm=""))[2:]
        yield {
            "strategy": mine.name,
            "files": [mine.file, theirs.file],
            "digests": [mine.digest, theirs.digest],
            "lines": lines,
        }


def _text(run: RecordedRun, digest: str) -> list[str] | None:
    try:
        return (run.path / "code" / f"{digest}.py").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None


def _rows(runs: tuple[RecordedRun, RecordedRun]) -> Iterator[dict[str, Any]]:
    """The first row of every set of columns that differs."""
    keyed = [{(one.symbol, type(one).__name__): one for one in run.setup.loaded} for run in runs]
    for key, mine in keyed[0].items():
        theirs = keyed[1].get(key)
        if theirs is not None and (found := _first_row(mine, theirs)) is not None:
            yield found


def _first_row(mine: Columns, theirs: Columns) -> dict[str, Any] | None:
    import numpy as np

    names = [one.name for one in fields(mine) if isinstance(getattr(mine, one.name), np.ndarray)]
    first = shared = min(len(mine), len(theirs))
    for name in names:
        unequal = np.not_equal(*(values[:first] for values in _comparable(mine, theirs, name)))
        first = int(unequal.argmax()) if unequal.any() else first
    if first == shared and len(mine) == len(theirs):
        return None
    times = [_delivered(one, first) if first < len(one) else None for one in (mine, theirs)]
    shown = {name: [_shown(one, name, first) for one in (mine, theirs)] for name in names}
    values = {name: pair for name, pair in shown.items() if pair[0] != pair[1]}
    return {"symbol": mine.symbol, "kind": type(mine).__name__, "row": first, "times": times, "values": values}


def _comparable(mine: Columns, theirs: Columns, name: str) -> list[Any]:
    """A column of both, in the same unit: other decimals alone are no other values."""
    decimals = [_decimals(one, name) for one in (mine, theirs)]
    pairs = zip((mine, theirs), decimals, strict=True)
    return [getattr(one, name) * 10 ** (max(decimals) - own) for one, own in pairs]


def _decimals(columns: Any, name: str) -> int:
    """Of a column; 0 for times and sides."""
    if name.endswith("time") or name == "aggressor":
        return 0
    if name.endswith(("volume", "quantity")):
        return int(columns.volume_decimals if hasattr(columns, "volume_decimals") else columns.quantity_decimals)
    return int(columns.price_decimals)


def _delivered(columns: Columns, row: int) -> int:
    """When a row is known at the venue."""
    times: Any = columns.close_time if hasattr(columns, "close_time") else columns.time
    return int(times[row])


def _shown(columns: Any, name: str, row: int) -> str | None:
    """A value as it is written; None where there is no such row."""
    if row >= len(columns):
        return None
    value = int(getattr(columns, name)[row])
    if name.endswith("time"):
        return time_text(value)
    return exact(value, _decimals(columns, name))


# --- the first event


def _first_event(
    runs: tuple[RecordedRun, RecordedRun], engine: str, rows: tuple[dict[str, Any], ...], progress: Progress | None
) -> dict[str, Any] | None:
    """Where the journals part, or earlier, where other data passed without leaving anything."""
    seq = None if runs[0].scan.head == runs[1].scan.head else _parting(runs, progress)
    playbacks = tuple(Playback(run, engine) for run in runs)
    if rows or len(runs[0].setup.loaded) != len(runs[1].setup.loaded):
        seq = _parting_data(playbacks, rows, seq)
    if seq is None:
        return None
    told = [_told(playback, seq) for playback in playbacks]
    return {"seq": seq, "runs": told}


def _parting(runs: tuple[RecordedRun, RecordedRun], progress: Progress | None) -> int | None:
    """The first seq at which the recorded steps differ."""
    is_same = _as_written(runs) if _units(runs[0]) != _units(runs[1]) else bytes.__eq__
    mine, theirs = _spans(runs[0], progress), _spans(runs[1], None)
    one, other = next(mine, None), next(theirs, None)
    while one is not None and other is not None:
        if not is_same(one[2], other[2]):
            # A recorded step against one of a stretch: they part where the step is, or at the first where both are steps.
            return max(one[0], other[0])
        last = min(one[1], other[1])
        one = (last + 1, one[1], b"") if one[1] > last else next(mine, None)
        other = (last + 1, other[1], b"") if other[1] > last else next(theirs, None)
    left = one or other
    return None if left is None else left[0]


def _units(run: RecordedRun) -> list[tuple[int, int]]:
    """The decimals of every instrument."""
    return [(one.price_decimals, one.quantity_decimals) for one in run.config.instruments]


def _as_written(runs: tuple[RecordedRun, RecordedRun]) -> Callable[[bytes, bytes], bool]:
    """Whether two steps say the same as people read it: with other decimals the same price has other bytes."""
    words = [Words(run.config, run.setup.timeframes) for run in runs]

    def said(which: int, frame: bytes) -> tuple[Any, ...]:
        step, mine = step_of(frame), words[which]
        mine.learn(step.orders.values())
        answers = [(one.strategy, mine.answer(one)) for one in step.record.answers]
        return step.record.event.ingest_time, mine.event(step.record.event), answers, list(_state(mine, step))

    def is_same(one: bytes, other: bytes) -> bool:
        return one == other if not (one and other) else said(0, one) == said(1, other)

    return is_same


def _spans(run: RecordedRun, progress: Progress | None) -> Iterator[tuple[int, int, bytes]]:
    """First and last seq with the frame of a step, b"" for a stretch of data steps."""
    held: tuple[int, int, bytes] | None = None
    for _, chunk in chunks(run, 0, progress):
        for kind, frame in frames(chunk):
            if kind == Kind.STEP:
                seq = seq_of(frame)
                span = (seq, seq, frame)
            elif kind == Kind.DATA_RUN:
                stretch = decode_data_run(frame)
                span = (stretch.first, stretch.last, b"")
            else:
                continue
            # A step that was interrupted and done again counts once.
            if held is not None and held[0] != span[0]:
                yield held
            held = span
    if held is not None:
        yield held


def _parting_data(playbacks: tuple[Playback, ...], rows: tuple[dict[str, Any], ...], until: int | None) -> int | None:
    """The first data step with other values, before the journals part."""
    last = min(one.last_seq for one in playbacks) if until is None else until
    times = [time for one in rows for time in one["times"] if time is not None]
    if not times:
        return until
    try:
        seq = min(playback.seq_of(min(times) - 1) for playback in playbacks) + 1
    except ConfigError:
        seq = 1
    while seq < last:
        mine, theirs = (_text_of(playback, seq) for playback in playbacks)
        if mine != theirs:
            return seq
        seq += 1
    return until


def _text_of(playback: Playback, seq: int) -> tuple[int, str]:
    """When and what a step was, as it is written."""
    event = playback.step(seq).record.event
    return event.ingest_time, Words(playback.run.config, playback.run.setup.timeframes).event(event)


def _told(playback: Playback, seq: int) -> dict[str, Any] | None:
    """A step of one run: what happened, what was answered, and the state after it; None behind its end."""
    if seq > playback.last_seq:
        return None
    words = Words(playback.run.config, playback.run.setup.timeframes)
    step = playback.step(seq)
    words.learn((*playback.state(seq).orders.values(), *step.orders.values()))
    return {
        "time": step.record.event.ingest_time,
        "event": event_fields(words, step),
        "answers": [answer_fields(words, one) for one in step.record.answers],
        "state": list(_state(words, step)),
        "interrupted": step.record.interrupted,
    }


def _state(words: Words, step: Step) -> Iterator[str]:
    """The entities that the step left, in words."""
    for ordinal, order in sorted(step.orders.items()):
        yield f"order {ordinal} {words.order_terms(order)}: {STATUS_NAMES[order.status]}"
    for (tag, holder, instrument), position in sorted(step.positions().items()):
        whose = words.strategy(holder) if tag == STRATEGY_POSITION else f"account {words.config.accounts[holder].name}"
        yield f"{whose}: {words.symbol(instrument)} {words.position(position, instrument)}"
    for image in step.images:
        if image.key[0] == LEDGER and image.data:
            yield _ledger(words, image)


def _ledger(words: Words, image: Image) -> str:
    _, account, currency = map(int, image.key)
    cash = int.from_bytes((image.data or b"")[:16], "little", signed=True)
    return f"account {words.config.accounts[account].name}: cash {words.money(currency, cash)}"


# --- in words


def _lines(
    names: tuple[str, str],
    is_same: bool,
    compared: Diff,
    code: tuple[dict[str, Any], ...],
    rows: tuple[dict[str, Any], ...],
    event: dict[str, Any] | None,
) -> Iterator[str]:
    if is_same:
        yield f"{names[0]} and {names[1]} are the same run"
        yield from causes(compared)
        return
    yield from causes(compared)
    for row in rows:
        when = next(time_text(time) for time in row["times"] if time is not None)
        yield f"first row of {row['symbol']} that differs: row {row['row'] + 1:,}, {when}"
        for name, (mine, theirs) in row["values"].items():
            yield f"  {name}: {names[0]} {mine or 'none'}, {names[1]} {theirs or 'none'}"
    for one in code:
        yield f"code of {one['strategy']}:"
        shown = one["lines"][:CODE_LINES]
        yield from (f"  {line}" for line in shown)
        if not shown:
            yield f"  {one['digests'][0][:12] or 'no file'} then, {one['digests'][1][:12] or 'no file'} now; no copy was kept"
        if len(one["lines"]) > CODE_LINES:
            yield f"  ... and {len(one['lines']) - CODE_LINES:,} more lines"
    yield from _event_lines(names, event)
    yield from consequences(compared)
    if not compared.of(*OUTPUTS):
        yield "what came of it is the same: fills, orders, trades, profit and the final state"


def _event_lines(names: tuple[str, str], event: dict[str, Any] | None) -> Iterator[str]:
    if event is None:
        yield "the journals tell the same, step by step"
        return
    yield f"first event that differs: seq {event['seq']:,}"
    mine, theirs = event["runs"]
    for name, told in zip(names, (mine, theirs), strict=True):
        if told is None:
            yield f"  {name}: its journal has ended"
            continue
        yield f"  {name}: {time_text(told['time'])}  {told['event']['text']}"
        other = theirs if told is mine else mine
        answered = [f"{one['strategy']}: {line}" for one in told["answers"] for line in one["text"]]
        yield from (f"    answered {line}" for line in answered or ["nothing"])
        if other is not None and told["answers"] == other["answers"] and told["event"] == other["event"]:
            yield from (f"    left {line}" for line in told["state"] if line not in other["state"])
