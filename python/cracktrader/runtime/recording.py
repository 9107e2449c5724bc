"""Recording a run: its folder, its journal, its checkpoints, and what strategies write, kept while it goes on.

Taking a run up again is `rerun` and `recovery`; the bytes are the core's and the files are `journal`'s.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cracktrader.core.codec import CONTRACT_HASH, SEGMENT_BYTES, Dataset, Header, encode_config, encode_header
from cracktrader.core.engine import JournalSpec, Resume
from cracktrader.data.digest import Data, column_digests
from cracktrader.errors import ConfigError, JournalError
from cracktrader.journal import checkpoints, datasets
from cracktrader.journal.checkpoints import Checkpoint
from cracktrader.journal.folder import RunFolder
from cracktrader.runtime.code import code_of

if TYPE_CHECKING:
    from cracktrader.backend import Machine, Progress
    from cracktrader.runtime.setup import Setup
    from cracktrader.strategy.base import Strategy
    from cracktrader.strategy.host import StrategyHost

POLICIES = ("os", "group", "always")
RUNNING, FINISHED, INTERRUPTED, FAILED = "running", "finished", "interrupted", "failed"

_MANY, _SOON_S = 100_000, 0.1
"""A checkpoint by so many events or more is left out within so long of the last."""


@dataclass(frozen=True, slots=True)
class Journal:
    """How a run is recorded: `ct.backtest(..., journal=ct.Journal("runs/1", sync="group"))`; a folder's name alone has the defaults."""

    folder: str | Path
    sync: str = "os"
    """When what is written is durable: "os" when the system writes it (it survives the death of the process), "group" after `records`
    steps or `milliseconds`, "always" before anything leaves the process."""
    records: int = 1_000
    milliseconds: int = 50
    full: bool = False
    """Whether every row of the data is in the journal itself; else it names stretches of the data, which is kept beside it."""
    checkpoint_events: int = 250_000
    """A checkpoint after so many events; 0 for none by number. Of 100,000 or more, one within 0.1 s of the last is left out: what went by
    as fast is done again as fast."""
    checkpoint_seconds: float = 30.0
    """And after so long; 0 for none by time."""
    segment_bytes: int = SEGMENT_BYTES

    def __post_init__(self) -> None:
        if self.sync not in POLICIES:
            raise ConfigError(f"journal sync {self.sync!r} is none of: {', '.join(POLICIES)}")
        if not isinstance(self.full, bool):
            raise ConfigError(f"journal full {self.full!r} is neither True nor False")
        least = {
            "records": 1,
            "milliseconds": 1,
            "checkpoint_events": 0,
            "checkpoint_seconds": 0,
            "segment_bytes": 4096,
        }
        for name, bound in least.items():
            value = getattr(self, name)
            kinds = int | float if name == "checkpoint_seconds" else int
            # A bool is an int, and nan is below nothing.
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= bound:
                number = "number" if name == "checkpoint_seconds" else "whole number"
                raise ConfigError(f"journal {name} {value!r} is not a {number} of at least {bound}")


def as_journal(given: Journal | str | Path | None) -> Journal | None:
    """What `journal=` says. ConfigError."""
    if given is None or isinstance(given, Journal):
        return given
    if isinstance(given, str | Path):
        return Journal(given)
    raise ConfigError(f"journal takes a folder or ct.Journal(...), not {given!r}")


class Recording:
    """A run that is being recorded; a context manager, which closes the journal and says how the run ended."""

    def __init__(
        self,
        folder: RunFolder,
        journal: Journal,
        run: Machine,
        host: StrategyHost,
        run_id: bytes,
        kept: tuple[int, int],
    ) -> None:
        """`folder` is locked, the machine's journal is open; `kept` is how many lines and failures of the host are written already."""
        self.folder = folder
        self.run_machine, self.host = run, host
        self._journal, self._run_id = journal, run_id
        self._lines, self._failures = kept
        self._checked = monotonic()
        with _named(folder.log):
            self._log = folder.log.open("a", encoding="utf-8")

    @classmethod
    def begin(cls, journal: Journal, setup: Setup, run: Machine, host: StrategyHost, engine: str) -> Recording:
        """Make the run's folder and open its journal. ConfigError where the folder holds anything, JournalLocked, JournalError."""
        folder = RunFolder.create(journal.folder)
        try:
            header = keep_data(folder, setup, journal)
            folder.tell(**side_header(setup, journal, host.strategies, engine), status=RUNNING)
            keep_code(folder, host.strategies)
            run.open_journal(spec_of(folder, journal, header, None))
            return cls(folder, journal, run, host, header.run_id, (0, 0))
        except BaseException:
            folder.unlock()
            raise

    def run(self, progress: Progress | None = None) -> None:
        """Run to the end, with checkpoints."""

        def tick(taken: int) -> None:
            self._keep_lines()
            if self._journal.checkpoint_seconds and monotonic() - self._checked >= self._journal.checkpoint_seconds:
                self.checkpoint()
            if progress is not None:
                progress(taken)

        self.run_machine.run(tick, self._by_number, self._journal.checkpoint_events)

    def _by_number(self) -> None:
        if self._journal.checkpoint_events < _MANY or monotonic() - self._checked >= _SOON_S:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Keep where the run stands, unless a strategy could not be put back there. The journal is as safe up to there as its policy makes
        it, and so is what strategies wrote: how much it was is kept, since from there it is not written again."""
        durable = self._journal.sync != "os"
        self._keep_lines(durable=durable)
        run, self._checked = self.run_machine, monotonic()
        if run.interrupted or run.ended or self.host.stateful_names():
            return
        position = run.journal_position()
        host = {"strategies": self.host.save(), "written": [self._lines, self._failures]}
        checkpoint = Checkpoint(self._run_id, run.seq, position, run.checkpoint(), host)
        checkpoints.write(self.folder.checkpoints, checkpoint, durable=durable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close(error)
        finally:
            # What could not be written to it was told when it was tried.
            with suppress(OSError):
                self._log.close()
            self.folder.unlock()

    def _close(self, error: BaseException | None) -> None:
        status = FINISHED
        if error is not None:
            status = INTERRUPTED if isinstance(error, KeyboardInterrupt | SystemExit) else FAILED
        elif self.run_machine.interrupted:
            status = INTERRUPTED
        try:
            self.run_machine.close_journal()
            self._keep_lines(durable=self._journal.sync != "os")
            self.folder.tell(status=status, events=self.run_machine.seq)
        except JournalError:
            # What is under way says it already, and more exactly.
            if not isinstance(error, JournalError):
                raise

    def _keep_lines(self, *, durable: bool = False) -> None:
        lines, failures = self.host.lines[self._lines :], self.host.failures[self._failures :]
        self._lines, self._failures = self._lines + len(lines), self._failures + len(failures)
        with _named(self.folder.log):
            for line in lines:
                self._log.write(json.dumps({"log": list(line)}) + "\n")
            for failure in failures:
                self._log.write(json.dumps({"failure": list(failure)}) + "\n")
            if lines or failures:
                self._log.flush()
            if durable:
                os.fsync(self._log.fileno())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the disk refuses is told with the file. JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error}; see to the disk") from error


def spec_of(folder: RunFolder, journal: Journal, header: Header, resume: Resume | None) -> JournalSpec:
    """What a machine opens."""
    return JournalSpec(
        str(folder.journal.path),
        header.run_id,
        b"" if resume is not None else encode_header(header),
        header.segment_bytes,
        POLICIES.index(journal.sync),
        journal.records,
        journal.milliseconds,
        header.embedded,
        resume,
    )


def keep_data(folder: RunFolder, setup: Setup, journal: Journal) -> Header:
    """Store the data of a run by its content, and name it in the neutral header."""
    sync = journal.sync != "os"
    attached: list[tuple[int, Data]] = [
        *enumerate(setup.loaded),
        *sorted(setup.sessions.items()),
        *sorted(setup.schedules.items()),
    ]
    named: list[Dataset] = []
    for place, data in attached:
        digests = column_digests(data)
        datasets.store(folder.data, data, sync=sync, digests=digests)
        named.append(datasets.dataset(data, place, digests))
    return Header(journal.full, journal.segment_bytes, encode_config(setup.config), tuple(named))


def side_header(setup: Setup, journal: Journal, strategies: Sequence[Strategy], engine: str) -> dict[str, Any]:
    """What is not in the chain, and proves nothing: who ran it where, with which code, and how it is shown."""
    told = replace(journal, folder="")
    return {
        "engine": engine,
        "cracktrader": version("cracktrader"),
        "contract": CONTRACT_HASH,
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "command": sys.argv,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "journal": {name: getattr(told, name) for name in Journal.__dataclass_fields__ if name != "folder"},
        "strategies": [
            {"code": code_of(one)[0]._asdict(), "parameters": one.parameters, "warm_up": one.warm_up}
            for one in strategies
        ],
        "streams": [
            {name: getattr(columns, name) for name in ("symbol", "origin", "note") if hasattr(columns, name)}
            | {"interval_ns": getattr(columns, "interval_ns", None)}
            for columns in setup.loaded
        ],
        "timeframes": setup.timeframes,
        "initial_cash": setup.initial_cash,
        "inferred": setup.inferred,
    }


def keep_code(folder: RunFolder, strategies: Sequence[Strategy]) -> None:
    """Copies of the strategies' files, by their hash, for the day they are gone or asked about."""
    for one in strategies:
        code, text = code_of(one)
        copy = folder.path / "code" / f"{code.digest}.py"
        if text:
            with _named(copy):
                copy.parent.mkdir(exist_ok=True)
                copy.write_bytes(text)
