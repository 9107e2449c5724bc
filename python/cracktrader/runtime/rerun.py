"""A run taken from its folder: replayed on either core, with the recorded answers or with its strategies, to its end or to any moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cracktrader.backend import skim
from cracktrader.core.codec import CONTRACT_HASH, CodecError, DatasetKind, Kind, Record, decode_config, decode_record
from cracktrader.core.replay import ReplayMismatch
from cracktrader.data.stamps import time_text
from cracktrader.errors import ConfigError, CracktraderError, JournalCorrupt, JournalUnreadable
from cracktrader.journal import datasets
from cracktrader.journal.folder import RunFolder
from cracktrader.journal.reader import Scan, scan
from cracktrader.runtime.code import Code, load_code
from cracktrader.runtime.embedded import columns_of
from cracktrader.runtime.recording import FINISHED
from cracktrader.runtime.setup import Setup
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.host import Failure, LogLine

if TYPE_CHECKING:
    from cracktrader.backend import Machine
    from cracktrader.core.config import Config
    from cracktrader.core.event import SessionRows
    from cracktrader.core.schedule import ScheduleRows
    from cracktrader.data.columns import Columns
    from cracktrader.runtime.outcome import RunOutcome
    from cracktrader.strategy.host import StrategyHost


class ReplayDiffers(CracktraderError):
    """A replay came out otherwise than recorded: at `seq`, with both answers in the message."""

    def __init__(self, message: str, seq: int) -> None:
        super().__init__(message)
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay where it stands."""

    setup: Setup
    run: Machine
    host: StrategyHost
    engine: str
    seconds: float
    strategies: bool
    """Whether the strategies were called."""

    def outcome(self) -> RunOutcome:
        """What the run left up to here, as columns."""
        return self.setup.gathered(self.run, self.host, self.engine, self.seconds)


class RecordedRun:
    """A run's folder, checked and read: JournalUnreadable, JournalCorrupt where it cannot be."""

    def __init__(self, folder: str | Path | RunFolder, scanned: Scan | None = None) -> None:
        """`scanned`: its journal, where it was checked just now."""
        self.folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
        self.facts: dict[str, Any] = self.folder.facts()
        self.scan: Scan = scanned or scan(self.folder.journal, skim())
        if self.scan.header.contract_hash.hex() != CONTRACT_HASH:
            raise JournalUnreadable(
                f"{self.folder.path} was recorded with contract {self.scan.header.contract_hash.hex()[:12]}, this program has "
                f"{CONTRACT_HASH[:12]}: use cracktrader {self.facts.get('cracktrader')}, with which it was recorded"
            )

    @property
    def path(self) -> Path:
        """Of the folder."""
        return self.folder.path

    @property
    def is_finished(self) -> bool:
        """Whether the run concluded."""
        return self.scan.end is not None

    @cached_property
    def config(self) -> Config:
        """What was declared."""
        try:
            return decode_config(self.scan.header.config)
        except CodecError as error:
            raise JournalCorrupt(f"{self.path}: the configuration in the header cannot be read: {error}") from error

    @cached_property
    def setup(self) -> Setup:
        """Configuration and data, the data checked against its hash; where it is gone, that of the journal, if every row is in it."""
        if self.has_data:
            return self._setup_of_data()
        if not self.scan.header.embedded:
            raise JournalUnreadable(f"{self.folder.data} does not hold the data of the run: put it back")
        loaded, sessions = columns_of(self.records(), self.config, self.facts["streams"])
        return self._setup(loaded, sessions, {})

    @property
    def has_data(self) -> bool:
        """Whether the data that the run began with is in its folder."""
        return all((self.folder.data / f"{one.digest.hex()}.ipc").is_file() for one in self.scan.header.datasets)

    def _setup_of_data(self) -> Setup:
        attached: dict[DatasetKind, dict[int, Any]] = {kind: {} for kind in DatasetKind}
        for one in self.scan.header.datasets:
            attached[DatasetKind(one.kind)][one.place] = datasets.load(self.folder.data, one.digest)
        rows, told = attached[DatasetKind.ROWS], self.facts["streams"]
        loaded = [
            replace(rows[stream], **{name: value for name, value in told[stream].items() if value is not None})
            for stream in sorted(rows)
        ]
        return self._setup(loaded, attached[DatasetKind.SESSIONS], attached[DatasetKind.SCHEDULE])

    def _setup(
        self, loaded: list[Columns], sessions: dict[int, SessionRows], schedules: dict[int, ScheduleRows]
    ) -> Setup:
        return Setup(
            self.config,
            loaded,
            list(self.facts["timeframes"]),
            sessions,
            schedules,
            self.facts["initial_cash"],
            self.facts["inferred"],
        )

    # --- strategies

    @property
    def codes(self) -> list[Code]:
        """Where the strategies' code was, and what it was."""
        return [Code(**one["code"]) for one in self.facts["strategies"]]

    def strategies(self) -> list[Strategy]:
        """The strategies, made anew from their code and their recorded parameters. ConfigError, StrategyError where that cannot be."""
        made = []
        for code, told, declared in zip(self.codes, self.facts["strategies"], self.config.strategies, strict=True):
            kind = load_code(code, self.path / "code" / f"{code.digest}.py")
            made.append(kind(warm_up=told["warm_up"], **json.loads(declared.parameters)))
        return made

    def silent(self) -> list[Strategy]:
        """As many strategies that are never called."""
        return [Strategy() for _ in self.config.strategies]

    # --- replay

    def replay(
        self,
        engine: str = "rust",
        *,
        strategies: Sequence[Strategy] | None = None,
        until: int | None = None,
        venues: bool = True,
        log: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Replayed:
        """The run again, up to the step `until` or to the end of the journal. Without `strategies` the recorded answers are taken; without
        `venues` so are the reports of simulated venues, as they are where the run's data is gone and what comes next is not known.
        What `strategies` write and raise must be what is in the log of the run, unless `log` is False.
        `progress(seq, last seq)` is called now and then.

        Raises ReplayDiffers at the first step that comes out otherwise.
        """
        used = self.silent() if strategies is None else list(strategies)
        if len(used) != len(self.config.strategies):
            raise ConfigError(f"the run had {len(self.config.strategies)} strategies, {len(used)} were given")
        run, host = self.setup.start(engine, used, replaying=not (venues and self.has_data))
        started = perf_counter()
        embedded = self.scan.header.embedded
        try:
            run.replay(self.frames(progress), strategies=strategies is not None, embedded=embedded, until=until)
        except ReplayMismatch as mismatch:
            if host.interruption is not None:
                raise host.interruption from None
            raise self.differs(mismatch, by_strategies=strategies is not None) from mismatch
        if strategies is None:
            host.lines, host.failures = self.lines()
        elif log:
            self._check_log(host, until)
        return Replayed(self.setup, run, host, engine, perf_counter() - started, strategies is not None)

    def frames(self, progress: Callable[[int, int], None] | None, after: int = -1) -> Iterator[bytes]:
        """The frames of the journal from the block of the seq `after` on, told of as they are taken."""
        # A block of the header alone has no frames here.
        ends = [one.last_seq for one in self.scan.blocks if one.last_seq >= max(after, 0)]
        for at, chunk in enumerate(self.scan.frames(after)):
            yield chunk
            if progress is not None:
                progress(ends[at] if at < len(ends) else self.scan.last_seq, self.scan.last_seq)

    def _check_log(self, host: StrategyHost, until: int | None) -> None:
        """What strategies wrote and raised is what was kept. The log of a run that did not finish may lack its end."""
        last = self.scan.last_seq if until is None else min(until, self.scan.last_seq)
        is_whole = self.facts["status"] == FINISHED
        pairs: list[tuple[Sequence[LogLine | Failure], Sequence[LogLine | Failure]]]
        pairs = list(zip(self.lines(last), (host.lines, host.failures), strict=True))
        for recorded, made in pairs:
            shared = len(recorded) if not is_whole else max(len(recorded), len(made))
            for at in range(shared):
                then = recorded[at] if at < len(recorded) else None
                now = made[at] if at < len(made) else None
                if _told(then) != _told(now):
                    raise self._wrote_otherwise(then, now)

    def _wrote_otherwise(self, then: LogLine | Failure | None, now: LogLine | Failure | None) -> ReplayDiffers:
        """The first thing that a strategy wrote or raised otherwise, in words."""
        seq = min(one.seq_id for one in (then, now) if one is not None)
        told = [_written(one) if one is not None and one.seq_id == seq else "nothing" for one in (then, now)]
        return ReplayDiffers(
            f"nondeterministic: at seq {seq} a strategy writes otherwise than it did\n"
            f"  recorded: {told[0]}\n  now:      {told[1]}\n"
            "What a strategy writes must follow from its events: no clock, no address of an object, no order of a set",
            seq,
        )

    def differs(self, mismatch: ReplayMismatch, *, by_strategies: bool) -> ReplayDiffers:
        """What a mismatch means, in words."""
        recorded, made = _record(mismatch.recorded), _record(mismatch.made)
        seq = mismatch.seq_id
        moment = next((f" ({time_text(one.event.ingest_time)})" for one in (recorded, made) if one is not None), "")
        # A row of the data that is answered by nothing leaves no step of its own, on either side.
        alike = recorded is None or made is None or recorded.event == made.event
        if by_strategies and alike and not (made is None and mismatch.made):
            names = [one.name for one in self.config.strategies]
            then, now = _answers(recorded, names), _answers(made, names)
            if then != now:
                return ReplayDiffers(
                    f"nondeterministic: at seq {seq}{moment} a strategy answers otherwise than it did\n"
                    f"  recorded: {then}\n  now:      {now}\n"
                    "A strategy must follow from its events: no clock, no global, no file, `ctx.random` for chance",
                    seq,
                )
        told = "there is no such step" if made is None and not mismatch.made else "it comes out otherwise"
        return ReplayDiffers(
            f"{self.path} does not replay: at seq {seq}{moment} {told}: the data, the contract or the engine is another",
            seq,
        )

    def lines(self, until: int | None = None) -> tuple[list[LogLine], list[Failure]]:
        """What strategies wrote and raised, as it was kept, up to a step."""
        lines: list[LogLine] = []
        failures: list[Failure] = []
        for text in self.folder.log.read_text(encoding="utf-8").splitlines() if self.folder.log.is_file() else ():
            try:
                document = json.loads(text)
            except ValueError:
                break  # The process died while it wrote the line.
            if "log" in document:
                lines.append(LogLine(*document["log"]))
            else:
                failures.append(Failure(*document["failure"]))
        kept = [one for one in lines if until is None or one.seq_id <= until]
        return kept, [one for one in failures if until is None or one.seq_id <= until]

    def records(self) -> Iterator[Record]:
        """Every recorded step."""
        from cracktrader.core.codec import frames

        for chunk in self.scan.frames():
            for kind, frame in frames(chunk):
                if kind == Kind.STEP:
                    yield decode_record(frame)


def _record(frame: bytes) -> Record | None:
    """The step of a frame; None where it is of another kind or empty."""
    return decode_record(frame) if len(frame) > 4 and frame[4] == Kind.STEP else None


def _told(one: LogLine | Failure | None) -> Any:
    """What has to be the same: of what was raised the last line, for the code may lie elsewhere."""
    return (*one[:2], _raised(one)) if isinstance(one, Failure) else one


def _raised(one: Failure) -> str:
    return (one.traceback.strip().splitlines() or [""])[-1]


def _written(one: LogLine | Failure) -> str:
    """A line of the log in words."""
    return f"{one.strategy}: {one.text!r}" if isinstance(one, LogLine) else f"{one.strategy} raised {_raised(one)}"


def _answers(record: Record | None, names: Sequence[str]) -> str:
    """What strategies answered, in words."""
    if record is None or not record.answers:
        return "nothing"
    told = []
    for one in record.answers:
        parts = [_intent(intent) for intent, _ in one.intents]
        parts += [f"timer {timer.timer} at {timer.deadline}" for timer in one.timers]
        parts += [repr(declared) for declared in one.declarations]
        parts += [f"raised {one.error}"] if one.error else []
        told.append(f"{names[one.strategy]}: {'; '.join(parts) or f'{one.random_counter} random numbers drawn'}")
    return " | ".join(told)


def _intent(intent: Any) -> str:
    """An intent without the fields that say nothing."""
    usual = intent._field_defaults
    told = [
        f"{name}={value!r}" for name, value in intent._asdict().items() if name not in usual or value != usual[name]
    ]
    return f"{type(intent).__name__}({', '.join(told)})"
