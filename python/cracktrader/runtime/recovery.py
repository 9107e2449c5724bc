"""Recovery: an interrupted run is taken up where its journal ends, and goes on as if it had never stopped.

From the newest checkpoint that the log bears out, or from the beginning; what the log has beyond it is done again with the strategies,
whose answers must be those recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cracktrader.backend import skim
from cracktrader.core.codec import CodecError
from cracktrader.core.replay import ReplayMismatch
from cracktrader.errors import ConfigError, JournalError, StrategyError
from cracktrader.journal import checkpoints
from cracktrader.journal.checkpoints import Checkpoint
from cracktrader.journal.files import Folder, put
from cracktrader.journal.folder import LOG, RunFolder
from cracktrader.journal.reader import Scan, scan
from cracktrader.journal.tail import cut
from cracktrader.runtime.backtest import finished, instances
from cracktrader.runtime.code import changed, code_of
from cracktrader.runtime.recording import FINISHED, RUNNING, Journal, Recording, keep_code, spec_of
from cracktrader.runtime.rerun import RecordedRun

if TYPE_CHECKING:
    from cracktrader.backend import Machine
    from cracktrader.runtime.outcome import RunOutcome
    from cracktrader.strategy.base import Strategy
    from cracktrader.strategy.host import StrategyHost

Note = Callable[[str], None]
"""Told what was found and decided, a line each."""


def recover(
    folder: str | Path,
    *,
    strategies: Sequence[Strategy] | None = None,
    engine: str | None = None,
    accept_code_change: bool = False,
    progress: Callable[[int, int], None] | None = None,
    note: Note = lambda line: None,
) -> RunOutcome:
    """Go on with the run in `folder` to its end. A run that concluded is only read.

    `strategies` are made from their recorded code where none are given; `engine` is the one that began. Raises JournalUnreadable,
    JournalCorrupt, JournalLocked, ConfigError for changed code, ReplayDiffers where the log cannot be repeated, and what a run raises.
    """
    run_folder = RunFolder.open(folder)
    with run_folder.locked():
        recorded = RecordedRun(run_folder, _mended(run_folder, note))
        chosen = engine or str(recorded.facts["engine"])
        if recorded.is_finished and recorded.facts["status"] == FINISHED:
            note(f"the run concluded at seq {recorded.scan.last_seq}: there is nothing to recover")
            return recorded.replay(chosen, progress=progress).outcome()
        used = instances(strategies) if strategies is not None else recorded.strategies()
        _check_code(recorded, used, accept_code_change)
        if recorded.is_finished:
            return _completed(recorded, used, chosen, progress, note)
        return _Recovery(recorded, used, chosen, note).go_on(progress)


def _mended(folder: RunFolder, note: Note) -> Scan:
    """The journal without its torn tail. A checkpoint that was being written is removed with the next one."""
    found = scan(folder.journal, skim())
    torn = cut(found, folder.torn)
    if torn is None:
        return found
    note(f"{torn.size} bytes of a torn tail were cut from {torn.file} at {torn.offset} and kept in {folder.torn.path}")
    return scan(folder.journal, skim())


def _check_code(recorded: RecordedRun, strategies: Sequence[Strategy], accepted: bool) -> None:
    """Refuse changed code: the rest of the run would be another strategy's."""
    if len(strategies) != len(recorded.codes):
        raise ConfigError(f"the run has {len(recorded.codes)} strategies, {len(strategies)} were given")
    for strategy, told in zip(strategies, recorded.facts["strategies"], strict=True):
        now = {"parameters": json.loads(json.dumps(strategy.parameters)), "warm_up": strategy.warm_up}
        for what, value in now.items():
            if value != told[what]:
                raise ConfigError(
                    f"{type(strategy).__name__} was recorded with {what} {told[what]}, not {value}: hand it over with those"
                )
    different = changed(recorded.codes, strategies)
    if different and not accepted:
        told = "; ".join(different)
        raise ConfigError(
            f"{told}: the run would go on with another strategy than it began with. Put the old code back (a copy is in "
            f"{recorded.path / 'code'}), or say --accept-code-change"
        )


def _completed(
    recorded: RecordedRun,
    strategies: Sequence[Strategy],
    engine: str,
    progress: Callable[[int, int], None] | None,
    note: Note,
) -> RunOutcome:
    """A run that concluded and was killed before all that its strategies wrote was kept: they write it again."""
    note(f"the run concluded at seq {recorded.scan.last_seq}, its log may not be whole: the strategies write it again")
    replayed = recorded.replay(engine, strategies=strategies, log=False, progress=progress)
    _write_log(recorded, replayed.host)
    recorded.folder.tell(status=FINISHED, events=recorded.scan.last_seq)
    return replayed.outcome()


def _write_log(recorded: RecordedRun, host: StrategyHost) -> None:
    """What strategies wrote and raised, in place of what was kept. JournalError."""
    told = [json.dumps({"log": list(line)}) for line in host.lines]
    told += [json.dumps({"failure": list(failure)}) for failure in host.failures]
    try:
        put(Folder(recorded.path), LOG, "".join(f"{line}\n" for line in told).encode())
    except OSError as error:
        raise JournalError(
            f"{recorded.folder.log} cannot be written: {error}; see to the disk and recover again"
        ) from error


class _Recovery:
    """One run on its way back."""

    def __init__(self, recorded: RecordedRun, strategies: list[Strategy], engine: str, note: Note) -> None:
        self.recorded, self.strategies, self.engine, self.note = recorded, strategies, engine, note
        self.run: Machine
        self.host: StrategyHost
        self.from_checkpoint: Checkpoint | None = None

    def go_on(self, progress: Callable[[int, int], None] | None) -> RunOutcome:
        recorded, started = self.recorded, perf_counter()
        self._restore()
        kept = self._keep_log()
        total = sum(map(len, recorded.setup.loaded))
        self._do_again(progress, total)
        if self.from_checkpoint is None and (stateful := self.host.stateful_names()):
            self.note(
                f"{', '.join(stateful)} keeps state of its own and has no save_state: all of the log was run again"
            )
        self.note(
            f"recovered to seq {self.run.seq} in {perf_counter() - started:.3f} s "
            + (
                f"from the checkpoint at seq {self.from_checkpoint.seq}"
                if self.from_checkpoint
                else "from the beginning"
            )
        )
        journal = Journal(recorded.path, **recorded.facts["journal"])
        self._tell_code()
        recorded.folder.tell(status=RUNNING)
        self.run.open_journal(spec_of(recorded.folder, journal, recorded.scan.header, self._resume()))
        with Recording(recorded.folder, journal, self.run, self.host, recorded.scan.run_id, kept) as recording:
            recording.run(None if progress is None else lambda taken: progress(taken, total))
        seconds = perf_counter() - started
        outcome = finished(recorded.setup, self.run, self.host, self.engine, seconds)
        if self.from_checkpoint is None:
            return outcome
        # Fills, closed orders and the equity curve from before the checkpoint are in the journal alone.
        whole = RecordedRun(recorded.folder).replay(self.engine, progress=progress)
        return recorded.setup.gathered(whole.run, self.host, self.engine, seconds)

    def _restore(self) -> None:
        """A machine at the newest checkpoint that can be used, or at the beginning."""
        for checkpoint in checkpoints.newest(self.recorded.folder.checkpoints, self.note):
            why = self._unusable(checkpoint)
            if not why:
                try:
                    self._start()
                    self.run.restore(checkpoint.payload)
                except CodecError as error:
                    why = str(error)
                else:
                    self.from_checkpoint = checkpoint
                    self.run.bind_again()
                    self._load(checkpoint)
                    return
            self.note(f"the checkpoint at seq {checkpoint.seq} is not used: {why}")
        self._start()

    def _load(self, checkpoint: Checkpoint) -> None:
        try:
            self.host.load(checkpoint.host["strategies"])
        except StrategyError as error:
            raise StrategyError(
                f"{error}, for the checkpoint at seq {checkpoint.seq}: mend it and recover with --accept-code-change, or remove "
                f"{self.recorded.folder.checkpoints.path}: then the strategies are run again from the log"
            ) from error

    def _start(self) -> None:
        self.run, self.host = self.recorded.setup.start(self.engine, self.strategies)

    def _unusable(self, checkpoint: Checkpoint) -> str:
        """Why a checkpoint cannot be gone on from, or ''."""
        if checkpoint.run_id != self.recorded.scan.run_id:
            return "it is of another run"
        written = [len(kept) for kept in self.recorded.lines(checkpoint.seq)]
        if written != checkpoint.host.get("written"):
            return f"{self.recorded.folder.log} does not have all that strategies wrote until then"
        return self.recorded.scan.denies(checkpoint.position)

    def _keep_log(self) -> tuple[int, int]:
        """What strategies wrote before the checkpoint stays; the rest they write again."""
        until = -1 if self.from_checkpoint is None else self.from_checkpoint.seq
        self.host.lines, self.host.failures = self.recorded.lines(until)
        _write_log(self.recorded, self.host)
        return len(self.host.lines), len(self.host.failures)

    def _do_again(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        """What the log has beyond the checkpoint, with the strategies."""
        scanned = self.recorded.scan
        after = -1 if self.from_checkpoint is None else self.from_checkpoint.seq
        # What is done again is a part of the whole run: the bar goes on from there.
        shown = None if progress is None else lambda seq, last: progress(seq, max(last, total))
        try:
            self.run.replay(self.recorded.frames(shown, after), strategies=True, embedded=scanned.header.embedded)
        except ReplayMismatch as mismatch:
            if self.host.interruption is not None:
                raise self.host.interruption from None
            raise self.recorded.differs(mismatch, by_strategies=True) from mismatch

    def _resume(self) -> Any:
        """Where the journal goes on: with the stretch of data steps that the checkpoint holds, where the log does not have it yet."""
        resume = self.recorded.scan.resume()
        checkpoint = self.from_checkpoint
        if checkpoint is None or self.recorded.scan.last_seq > checkpoint.position.last_seq:
            return resume
        position = checkpoint.position
        return resume._replace(pending_first=position.pending_first, pending_count=position.pending_count)

    def _tell_code(self) -> None:
        """The side header says with which code the run goes on, and a copy of it is kept."""
        told = self.recorded.facts["strategies"]
        now = [one | {"code": code_of(own)[0]._asdict()} for one, own in zip(told, self.strategies, strict=True)]
        if now != told:
            keep_code(self.recorded.folder, self.strategies)
            self.recorded.folder.tell(strategies=now)
