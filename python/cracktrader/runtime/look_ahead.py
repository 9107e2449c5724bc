"""The look-ahead proof: a run is made again with everything after a moment changed, and must answer the same up to that moment.

What a strategy answers at a step is compared as the core recorded it: intents, their verdicts, timers, what it declared and what it
raised, to the byte. Where the answers differ, both runs are made once more up to that step, and what the strategies hold there is compared.

A bar under way at the moment keeps its open, at which orders may just have filled. Deliberately not here: how the other data are made
(`data.perturbation`), and the caller's data and options (`analysis.look_ahead`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from cracktrader.core.codec import Record, decode_record
from cracktrader.core.event import Bar, Quote, Start, Trade
from cracktrader.core.indicator import RULES
from cracktrader.core.instrument import InstrumentKind
from cracktrader.data.columns import BarColumns
from cracktrader.data.perturbation import WAYS, Kept, perturbed
from cracktrader.data.stamps import time_text
from cracktrader.errors import ConfigError, StrategyError
from cracktrader.runtime.answers import described
from cracktrader.runtime.setup import set_up
from cracktrader.strategy.holdings import differences, held, is_array
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.indicators import Declared

if TYPE_CHECKING:
    from cracktrader.backend import Machine
    from cracktrader.core.config import Config
    from cracktrader.core.event import Event
    from cracktrader.data.columns import Columns
    from cracktrader.runtime.declare import Options
    from cracktrader.strategy.base import Strategy

Builder = Callable[[Sequence["Columns"]], "list[Strategy]"]
"""New strategies for data: called once for each run."""
FIRST_SHARE = 10
"""Moments lie behind the first tenth of the data."""
SHOWN = 6
"""How many of the things that differ are listed."""
WAY_TEXTS = {
    "higher": "prices about a fifth higher",
    "lower": "prices about a fifth lower",
    "noise": "other prices and volumes",
    "cut": "no rows at all",
    "longer": "other prices, and more rows",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The first step at which a strategy answers otherwise because later data are otherwise. Times are ns since 1970, UTC."""

    strategy: str
    seq: int
    time: int
    """The event clock at the step."""
    symbol: str
    event: str
    """What the step was, such as "Bar"."""
    row: int
    """How many rows of that symbol's first data were known by then, less one: the index of its last row."""
    until: int
    """Up to this moment the data of both runs are the same."""
    way: str
    """What the data after it were, one of data.perturbation.WAYS."""
    answered: tuple[str, ...]
    """What it answered on the data as they are."""
    answered_otherwise: tuple[str, ...]
    """And on the others."""
    indicators: tuple[str, ...]
    """Declared indicators whose values differ at the step."""
    holds: tuple[str, ...]
    """Attributes, globals and closures of the strategy that differ, those first that differed before the step."""

    def __str__(self) -> str:
        answers = (", ".join(one) or "nothing" for one in (self.answered, self.answered_otherwise))
        at = f"at the {self.event} of {self.symbol}" if self.symbol else f"at its {self.event}"
        lines = [
            f"{self.strategy} looks ahead {at}, {time_text(self.time)} UTC (seq {self.seq:,}, row {self.row:,}):",
            f"  on the data as they are it answers     {next(answers)}",
            f"  with {WAY_TEXTS[self.way]} after {time_text(self.until)} UTC it answers {next(answers)}",
        ]
        lines += [f"  differs there: indicator {one}" for one in self.indicators[:SHOWN]]
        lines += [f"  differs there: {one}" for one in self.holds[:SHOWN]]
        if not self.indicators and not self.holds:
            lines.append(
                "  nothing that it holds differs: it reads data of its own, such as a file or a library's cache"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class LookAhead:
    """The outcome of the proof. `clean`: at every moment tried the answers were the same, and nothing was out of the proof's reach."""

    strategies: tuple[str, ...]
    points: int
    """Moments tried."""
    answers: int
    """Answers compared, over all moments."""
    digest: str
    """SHA-256 over the answers on the data as they are, up to the last moment."""
    finding: Finding | None
    unreached: tuple[str, ...]
    """Data that a strategy held before the run began and that stayed the same with other data: made of something that this proof does
    not change."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found, and everything was reached."""
        return self.finding is None and not self.unreached

    def __repr__(self) -> str:
        return f"LookAhead({'clean' if self.clean else 'found' if self.finding else 'not proved'}: {self})"

    def __str__(self) -> str:
        names = " + ".join(self.strategies)
        if self.finding is not None:
            return str(self.finding)
        if self.unreached:
            told = "\n".join(f"  {one}" for one in self.unreached[:SHOWN])
            return (
                f"{names}: not proved. It holds data that were made before the run, of something else than the data given:\n{told}\n"
                "make them in on_start of ctx, or give a function that takes the data and returns the strategy"
            )
        return (
            f"{names} does not look ahead: {self.answers:,} answers at {self.points} moments are the same to the byte"
        )


class Answered(NamedTuple):
    """A step that was answered."""

    seq: int
    now: int
    record: bytes


class AnsweringHost(StrategyHost):
    """A host that notes that something was answered, and what indicators said at one step."""

    answered = False
    watches_answers = True
    watched: int | None = None
    """The step at which the values of indicators are noted."""

    def bind(self, view: Any) -> None:
        self.values: dict[tuple[int, str], list[float]] = {}
        super().bind(view)

    def call(self, strategy: int, event: Event, status_changed: bool) -> Any:
        self.answered |= isinstance(event.payload, Start)
        return super().call(strategy, event, status_changed)

    def collect(self, context: Any, returned: Any) -> Any:
        response = super().collect(context, returned)
        self.answered |= response is not None
        return response

    def fail(self, strategy: int, seq_id: int, error: Exception) -> Any:
        self.answered = True
        return super().fail(strategy, seq_id, error)

    # However a core calls a strategy, what its indicators say is noted inside the callback.

    def guard(self, strategy: int, seq_id: int, callback: Callable[[], Any]) -> Any:
        return super().guard(strategy, seq_id, lambda: self._noting(callback(), self.contexts[strategy]))

    def bar_hook(self, strategy: int) -> Any:
        hook = super().bar_hook(strategy)
        if hook is False or self.watched is None:
            return hook
        return lambda context, bar: self._noting(hook(context, bar), context)

    def tick_hook(self, strategy: int, event_type: int) -> Any:
        hook = super().tick_hook(strategy, event_type)
        return hook if self.watched is None else lambda context, tick: self._noting(hook(context, tick), context)

    def report_hooks(self, strategy: int) -> Any:
        return super().report_hooks(strategy) if self.watched is None else None

    def _noting(self, returned: Any, context: Any) -> Any:
        """Note the values of everything that was declared, at the step that is watched."""
        if self.watched == self._view.seq():
            kept = list(vars(self.strategies[context.strategy_index]).items())
            for place, (view, declared) in enumerate(zip(context.declared, context.declarations, strict=True)):
                name = next((f"self.{name}" for name, value in kept if value is view), f"number {place}")
                self.values[context.strategy_index, f"{name}, {_named(declared[0])}"] = _values(view, declared[0])
        return returned


def _named(declared: Any) -> str:
    return repr(declared) if isinstance(declared, Declared) else type(declared).__name__


def _values(view: Any, declared: Any) -> list[float]:
    """Of every line."""
    lines = RULES[declared.kind].lines if isinstance(declared, Declared) else ()
    return [getattr(view, line).value for line in lines] if len(lines) > 1 else [view.value]


class Case(NamedTuple):
    """What is the same for all runs of a proof."""

    build: Builder
    loaded: Sequence[Columns]
    options: Options
    engine: str
    unreached: Callable[[], list[str]]
    """What the caller knows to be out of reach, once the other data were tried."""


class Run(NamedTuple):
    """A run under way, and what the strategies held when it began."""

    config: Config
    machine: Machine
    host: AnsweringHost
    strategies: list[Strategy]
    at_start: list[dict[str, Any]]


def prove(case: Case, *, points: int, seed: int = 0, progress: Callable[[int, int], None] | None = None) -> LookAhead:
    """Try `points` moments, half of them at answers. Stops at the first finding. StrategyError for a strategy that answers differently on
    the same data."""
    if points < 1:
        raise ConfigError(f"points is a number of moments above 0, not {points!r}")
    last = max(int(_known_at(columns)[-1]) for columns in case.loaded)
    base = _begin(case, case.loaded)
    answers = _answers(base, last)
    _check_again(case, answers, last)
    moments = _moments(case.loaded, answers, points, Random(seed))
    names = tuple(one.name for one in base.config.strategies)
    compared = 0
    unreached: tuple[str, ...] = ()
    finding: Finding | None = None
    for at, until in enumerate(moments):
        if progress is not None:
            progress(at, len(moments))
        way = WAYS[at % len(WAYS)]
        other = _begin(case, _changed(case, until, way, seed + at))
        if not at:
            unreached = tuple(_unreached(base, other, min(map(len, case.loaded))))
        mine, theirs = _up_to(answers, until), _up_to(_answers(other, until), until)
        compared += len(mine)
        if mine != theirs:
            finding = _finding(case, (mine, theirs), (until, way, seed + at))
            break
    unreached += tuple(case.unreached())
    digest = sha256(b"".join(one.record for one in _up_to(answers, moments[-1]))).hexdigest()
    return LookAhead(names, len(moments) if finding is None else at + 1, compared, digest, finding, unreached)


# --- runs


def _begin(case: Case, loaded: Sequence[Columns], watched: int | None = None) -> Run:
    """A run after its on_start."""
    strategies = case.build(loaded)
    setup = set_up(strategies, loaded, case.options)
    host = setup.host(strategies, AnsweringHost)
    machine = setup.machine(case.engine, host, record=True)
    host.watched = watched
    machine.step()
    return Run(setup.config, machine, host, strategies, [held(one) for one in strategies])


def _answers(run: Run, until: int) -> list[Answered]:
    """Every step that was answered, until the clock is beyond `until`."""
    machine, host = run.machine, run.host
    found: list[Answered] = []
    going = True
    while going and machine.now <= until and not machine.stopped:
        if host.answered:
            found.append(Answered(machine.seq, machine.now, machine.last_record))
            host.answered = False
        going = machine.step()
        if host.interruption is not None:
            raise host.interruption
    return found


def _up_to(answers: Sequence[Answered], until: int) -> list[Answered]:
    """Those that know nothing later than the moment: at the moment itself those to market data, which come before the next bars open."""
    return [
        one
        for one in answers
        if one.now < until
        or (one.now == until and isinstance(decode_record(one.record).event.payload, Bar | Trade | Quote | Start))
    ]


def _check_again(case: Case, answers: Sequence[Answered], last: int) -> None:
    """StrategyError for a strategy that is not deterministic: nothing can be proved of it."""
    again = _answers(_begin(case, case.loaded), last)
    if again == answers:
        return
    mine, theirs = _first_difference(answers, again)
    seq = min(one.seq for one in (mine, theirs) if one is not None)
    raise StrategyError(
        f"the strategy answers differently on the same data, first at seq {seq:,}: take chance from ctx.random and time from ctx.now, and "
        "keep nothing from run to run"
    )


# --- moments and data


def _known_at(columns: Columns) -> Any:
    """When each row may be known."""
    return columns.close_time if isinstance(columns, BarColumns) else columns.time


def _moments(loaded: Sequence[Columns], answers: Sequence[Answered], points: int, rng: Random) -> list[int]:
    """Moments at which rows come, behind the first tenth and before the last row: half of them where something was answered."""
    import numpy as np

    times = np.unique(np.concatenate([_known_at(columns) for columns in loaded]))
    tried = times[len(times) // FIRST_SHARE : -1]
    if len(tried) < 2:
        raise ConfigError(f"a look-ahead proof needs more data: {len(times)} moments are too few")
    answered = sorted({one.now for one in answers} & set(tried.tolist()))
    chosen = set(rng.sample(answered, min(len(answered), (points + 1) // 2)))
    others = sorted(set(tried.tolist()) - chosen)
    chosen |= set(rng.sample(others, min(len(others), points - len(chosen))))
    shuffled = sorted(chosen)
    rng.shuffle(shuffled)
    return shuffled


def _changed(case: Case, until: int, way: str, seed: int) -> list[Columns]:
    """The data with other rows after the moment."""
    venue, declared = case.options.venue, case.options.instruments
    slips = bool(venue.slippage_bps or venue.slippage_ticks or venue.spread_bps or venue.spread_ticks)
    kept = Kept(volume=bool(venue.participation), range=slips)
    made = []
    for at, columns in enumerate(case.loaded):
        terms = declared.get(columns.symbol)
        is_outcome = terms is not None and terms.value is InstrumentKind.OUTCOME
        ceiling = 10**columns.price_decimals if is_outcome else None
        made.append(perturbed(columns, until, way, seed=1_000 * seed + at, kept=kept, ceiling=ceiling))
    return made


# --- what was found


def _first_difference(mine: Sequence[Answered], theirs: Sequence[Answered]) -> tuple[Answered | None, Answered | None]:
    at = next(
        (at for at, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]),
        min(len(mine), len(theirs)),
    )
    return (mine[at] if at < len(mine) else None), (theirs[at] if at < len(theirs) else None)


def _finding(case: Case, answers: tuple[list[Answered], list[Answered]], how: tuple[int, str, int]) -> Finding:
    """Both runs again, up to the first step at which they differ."""
    until, way, seed = how
    seq = min(one.seq for one in _first_difference(*answers) if one is not None)
    runs, before, after = [], [], []
    for loaded in (case.loaded, _changed(case, until, way, seed)):
        # One after the other: what is put in place of a strategy's globals stays until the next run begins.
        run = _begin(case, loaded, watched=seq)
        while run.machine.seq < seq - 1:
            run.machine.step()
        before.append([held(one) for one in run.strategies] if seq else run.at_start)
        if run.machine.seq < seq:
            run.machine.step()
        after.append([held(one) for one in run.strategies])
        runs.append(run)
    records = [decode_record(run.machine.last_record) for run in runs]
    config, event = runs[0].config, records[0].event
    strategy = _who(records)
    held_before = differences(*(one[strategy] for one in before))
    held_after = differences(*(one[strategy] for one in after))
    holds = held_before | {name: told for name, told in held_after.items() if name not in held_before}
    indicators = _different_values([run.host for run in runs], strategy)
    holds = {name: one for name, one in holds.items() if not any(other.startswith(f"{name},") for other in indicators)}
    symbol = config.instruments[event.instrument].name if event.instrument < len(config.instruments) else ""
    return Finding(
        config.strategies[strategy].name,
        seq,
        runs[0].machine.now,
        symbol,
        type(event.payload).__name__,
        _row(case.loaded, symbol, event.ingest_time),
        until,
        way,
        _told(records[0], strategy, config),
        _told(records[1], strategy, config),
        tuple(indicators),
        tuple(f"{name}: {one}" for name, one in holds.items()),
    )


def _row(loaded: Sequence[Columns], symbol: str, time: int) -> int:
    """The index of the last row known at a time."""
    known = next((_known_at(one) for one in loaded if one.symbol == symbol), _known_at(loaded[0]))
    return int(known.searchsorted(time, side="right")) - 1


def _who(records: Sequence[Record]) -> int:
    """The first strategy whose answers differ."""
    mine, theirs = ({one.strategy: one for one in record.answers} for record in records)
    return min(one for one in mine.keys() | theirs.keys() if mine.get(one) != theirs.get(one))


def _told(record: Record, strategy: int, config: Config) -> tuple[str, ...]:
    return tuple(text for one in record.answers if one.strategy == strategy for text in described(one, config))


def _different_values(hosts: Sequence[Any], strategy: int) -> list[str]:
    """Indicators that said something else."""
    mine, theirs = (host.values for host in hosts)
    return [
        f"{key[1]}: {_listed(values)}, and {_listed(theirs[key])}"
        for key, values in mine.items()
        if key[0] == strategy and key in theirs and repr(values) != repr(theirs[key])
    ]


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(repr, values))


def _unreached(base: Run, other: Run, rows: int) -> list[str]:
    """Columns of numbers at least half as long as the data that both runs began with, and that are the same in both."""
    found = []
    for strategy, mine, theirs in zip(base.strategies, base.at_start, other.at_start, strict=True):
        for name, value in mine.items():
            if is_array(value) and len(value) >= max(rows // 2, 20) and name in theirs:
                same = not differences({name: value}, {name: theirs[name]})
                if same:
                    found.append(f"{name} of {type(strategy).__name__}: {type(value).__name__} of {len(value):,} rows")
    return found
