"""Python or Rust: the only file that asks, and the only one that imports the extension. Both cores are driven through one `Machine`.

Asking for Rust where it is not built is an error that says how to build it, never a silent fall-back.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cracktrader.core.codec import CONTRACT_HASH, CONTRACT_VERSION, encode_config, encode_venue, full_root
from cracktrader.core.engine import Engine, Execution, Host, JournalPosition, JournalSpec, bind_again, restore, save
from cracktrader.core.indicator import to_float
from cracktrader.core.order import Guard, OrderInput, OrderState, transition
from cracktrader.core.replay import Replay
from cracktrader.core.view import OrderFacts, facts
from cracktrader.errors import ConfigError, EngineNotBuilt

if TYPE_CHECKING:
    from cracktrader.core.account import Ledger
    from cracktrader.core.config import Config
    from cracktrader.core.event import Event, Rows, SessionRows
    from cracktrader.core.matching import Command
    from cracktrader.core.portfolio import Position
    from cracktrader.core.schedule import ScheduleRows
    from cracktrader.journal.reader import Skim

ENGINES = ("rust", "python")
_BUILD = 'run `make setup` in a checkout or `pip install .` with a Rust toolchain, or ask for engine="python"'
HOW_TO_BUILD = f"the Rust core is not built: {_BUILD}"

Progress = Callable[[int], None]
"""Called now and then during a run with the number of events taken."""
Pause = Callable[[], None]
"""Called between two steps; the machine may then be asked."""


ExactMantissas = Callable[[Sequence[Any], Any], "tuple[list[Any], int] | None"]
"""Of columns of floats and the limits of `data.decimals`: buffers of int64 and their decimals, None where none are exact."""


class Machine(Protocol):
    """One run on one core."""

    @property
    def now(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def stopped(self) -> int: ...
    @property
    def ended(self) -> bool: ...
    @property
    def exhausted(self) -> bool: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def last_record(self) -> bytes: ...
    def attach(self, stream: int, rows: Rows) -> None: ...
    def attach_sessions(self, venue: int, rows: SessionRows) -> None: ...
    def attach_schedule(self, instrument: int, rows: ScheduleRows) -> None: ...
    def push(self, item: Event) -> None: ...
    def start(self) -> None: ...
    def step(self) -> bool: ...
    def run(self, progress: Progress | None = None, pause: Pause | None = None, every: int = 0) -> None:
        """Run to the end. `pause` is called between two steps whenever the seq is a multiple of `every` above 0, unless that is 0."""

    def finish(self) -> None: ...
    def end_data(self) -> None: ...
    def conclude(self) -> None: ...
    def open_journal(self, spec: JournalSpec) -> None:
        """Write every step from now on into a journal. JournalError, here and from what runs, when it cannot be written."""

    def sync_journal(self) -> None:
        """Return when every recorded step is durable; under the policy `os`, when it is with the system."""

    def journal_position(self) -> JournalPosition:
        """How far the journal is, all of it synced like by `sync_journal`: where a checkpoint of this moment belongs."""

    def close_journal(self) -> None:
        """Write what is left and close the files."""

    @property
    def durable_seq(self) -> int:
        """The last step that the journal's policy counts as safe."""

    def replay(
        self, chunks: Iterable[bytes], *, strategies: bool, embedded: bool = False, until: int | None = None
    ) -> None:
        """Take recorded steps again, with the strategies or with their recorded answers: chunks of whole frames. ReplayMismatch at the
        first step that comes out otherwise."""

    def root(self) -> bytes: ...
    def full_root(self) -> bytes: ...
    def digest(self) -> bytes: ...
    def venue_bytes(self) -> bytes: ...
    def take_outbox(self) -> list[Command]: ...
    def facts(self, ordinal: int) -> OrderFacts | None: ...
    def position(self, account: int, instrument: int) -> Position: ...
    def own_position(self, strategy: int, instrument: int) -> Position: ...
    def ledger(self, account: int, currency: int) -> Ledger: ...
    def strategy_fees(self, strategy: int, currency: int) -> int: ...
    def mark(self, instrument: int) -> int | None: ...
    def counters(self) -> dict[int, int]: ...
    def equity(self) -> list[tuple[int, int | None, int | None]]: ...
    def take_curve(self) -> Curve:
        """The equity curve so far, out of the run: what comes later begins a new one."""

    def executions(self) -> list[Execution]: ...
    def execution_columns(self) -> dict[str, bytes | list[int]]:
        """The executions by field: a buffer of int64 in native order, a list of integers where one needs more."""

    def closed(self) -> list[OrderFacts]: ...
    def closed_columns(self) -> dict[str, bytes | list[int]]:
        """The closed orders by field, like `execution_columns`."""

    def checkpoint(self) -> bytes: ...
    def restore(self, data: bytes) -> None: ...
    def bind_again(self) -> None: ...


class Curve(Protocol):
    """An equity curve as buffers in native order, made when they are asked for: times int64, amounts float64, NaN for none."""

    def __len__(self) -> int: ...
    def time(self) -> bytes: ...
    def equity(self, scale: int) -> bytes: ...
    def cash(self, scale: int) -> bytes: ...


class PythonCurve:
    """The equity curve of a run on the reference core."""

    def __init__(self, rows: list[tuple[int, int | None, int | None]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def time(self) -> bytes:
        return array("q", (time for time, _, _ in self._rows)).tobytes()

    def equity(self, scale: int) -> bytes:
        return _floats((equity for _, equity, _ in self._rows), scale)

    def cash(self, scale: int) -> bytes:
        return _floats((cash for _, _, cash in self._rows), scale)


class PythonMachine:
    """A run on the reference core."""

    POLL = 4096
    """Events between two calls of the progress callback."""

    def __init__(self, config: Config, host: Host, record: bool = False, replaying: bool = False) -> None:
        self.engine = Engine(config, host, record=record, replaying=replaying)
        self._writer: Any = None
        self.attach = self.engine.attach
        self.attach_sessions = self.engine.attach_sessions
        self.attach_schedule = self.engine.attach_schedule
        self.push = self.engine.push
        self.start = self.engine.start
        self.step = self.engine.step
        self.finish = self.engine.finish
        self.end_data = self.engine.end_data
        self.conclude = self.engine.conclude
        self.root = self.engine.root
        self.digest = self.engine.digest
        self.position = self.engine.state.position
        self.own_position = self.engine.state.own_position
        self.ledger = self.engine.state.ledger

    @property
    def now(self) -> int:
        return self.engine.state.now

    @property
    def seq(self) -> int:
        return self.engine.state.seq

    @property
    def stopped(self) -> int:
        return self.engine.state.stopped

    @property
    def ended(self) -> bool:
        return self.engine.state.ended

    @property
    def exhausted(self) -> bool:
        return self.engine.exhausted

    @property
    def interrupted(self) -> bool:
        return self.engine.interrupted

    @property
    def last_record(self) -> bytes:
        return self.engine.last_record

    def run(self, progress: Progress | None = None, pause: Pause | None = None, every: int = 0) -> None:
        while self.engine.run_some(min(self.POLL, every - self.seq % every) if every else self.POLL):
            if progress is not None:
                progress(self.seq)
            if pause is not None and every and self.seq and self.seq % every == 0:
                pause()
        self.engine.finish()

    def open_journal(self, spec: JournalSpec) -> None:
        from cracktrader.journal.files import Folder
        from cracktrader.journal.thread import Threaded
        from cracktrader.journal.writer import Writer

        self._writer = Writer(spec.files, spec) if spec.files is not None else Threaded(Folder(spec.folder), spec)
        self.engine.open_journal(spec, self._writer)

    def sync_journal(self) -> None:
        if self.engine.journal is not None:
            self.engine.journal.flush()
            self._writer.sync()

    def journal_position(self) -> JournalPosition:
        journal = self.engine.journal
        assert journal is not None, "open_journal comes first"
        self.sync_journal()
        position: JournalPosition = self._writer.position()
        return position._replace(pending_first=journal.pending_first, pending_count=journal.pending_count)

    def close_journal(self) -> None:
        journal, self.engine.journal = self.engine.journal, None
        if journal is not None:
            journal.flush()
            self._writer.close()

    @property
    def durable_seq(self) -> int:
        return 0 if self._writer is None else int(self._writer.durable_seq)

    def replay(
        self, chunks: Iterable[bytes], *, strategies: bool, embedded: bool = False, until: int | None = None
    ) -> None:
        going = Replay(self.engine, embedded=embedded, until=until)
        if strategies:
            going.with_strategies(chunks)
        else:
            going.with_answers(chunks)

    def full_root(self) -> bytes:
        return full_root(self.engine.state)

    def venue_bytes(self) -> bytes:
        return b"".join(encode_venue(venue) for venue in self.engine.venues.values())

    def take_outbox(self) -> list[Command]:
        taken = list(self.engine.outgoing.outbox)
        self.engine.outgoing.outbox.clear()
        return taken

    def facts(self, ordinal: int) -> OrderFacts | None:
        order = self.engine.state.orders.get(ordinal)
        return None if order is None else facts(order)

    def strategy_fees(self, strategy: int, currency: int) -> int:
        return self.engine.state.strategy_fees.get((strategy, currency), 0)

    def mark(self, instrument: int) -> int | None:
        market = self.engine.state.markets[instrument]
        return market.mark if market.has_mark else None

    def counters(self) -> dict[int, int]:
        return {int(code): count for code, count in self.engine.state.counters.items()}

    def equity(self) -> list[tuple[int, int | None, int | None]]:
        return self.engine.equity

    def take_curve(self) -> Curve:
        taken, self.engine.equity = self.engine.equity, []
        return PythonCurve(taken)

    def executions(self) -> list[Execution]:
        return self.engine.store.executions

    def execution_columns(self) -> dict[str, bytes | list[int]]:
        return columns_of(Execution._fields, self.executions())

    def closed(self) -> list[OrderFacts]:
        return [facts(order) for order in self.engine.store.closed]

    def closed_columns(self) -> dict[str, bytes | list[int]]:
        return columns_of(OrderFacts._fields, self.closed())

    def checkpoint(self) -> bytes:
        return save(self.engine)

    def restore(self, data: bytes) -> None:
        restore(self.engine, data)

    def bind_again(self) -> None:
        bind_again(self.engine)


def columns_of(fields: Sequence[str], rows: Sequence[Sequence[int]]) -> dict[str, bytes | list[int]]:
    """Rows of numbers by field, as both cores give them."""
    columns: Iterable[Sequence[int]] = zip(*rows, strict=True) if rows else ([] for _ in fields)
    return {name: _narrow(column) for name, column in zip(fields, columns, strict=True)}


def _narrow(column: Sequence[int]) -> bytes | list[int]:
    try:
        return array("q", column).tobytes()
    except OverflowError:
        return list(column)


def _floats(amounts: Iterable[int | None], scale: int) -> bytes:
    """Amounts as f64, NaN for none."""
    return array("d", (float("nan") if one is None else to_float(one, scale) for one in amounts)).tobytes()


def available() -> bool:
    """Whether the Rust core can be imported."""
    try:
        _extension()
    except EngineNotBuilt:
        return False
    return True


def describe() -> dict[str, Any]:
    """What there is: the contract of each core, and whether the Rust core is built and of the same contract."""
    description: dict[str, Any] = {
        "contract_version": CONTRACT_VERSION,
        "contract_hash": CONTRACT_HASH,
        "rust": available(),
    }
    if description["rust"]:
        description["rust_contract_hash"] = _contract_hash(_extension())
    return description


def machine(engine: str, config: Config, host: Host, record: bool = False, replaying: bool = False) -> Machine:
    """A run of `config` on the core named "rust" or "python"; one that is `replaying` takes recorded steps only. ConfigError for another
    name, EngineNotBuilt where Rust is missing."""
    if engine == "python":
        return PythonMachine(config, host, record, replaying)
    if engine != "rust":
        raise ConfigError(f"there is no engine {engine!r}; there are: {', '.join(ENGINES)}")
    extension = _extension()
    if _contract_hash(extension) != CONTRACT_HASH:
        raise EngineNotBuilt(f"the Rust core was built for another contract: {_BUILD}")
    made: Machine = extension.Machine(encode_config(config), host, record, replaying)
    return made


def transition_row(engine: str, state: OrderState, told: OrderInput, guard: Guard) -> Any:
    """The order state machine of a core, for the test that holds both against the contract: (life, pending, triggered, in_doubt, effect),
    the number of a code, or None."""
    if engine == "rust":
        return _extension().transition_row(*state, told, guard)
    outcome = transition(state, told, guard)
    if outcome is None or isinstance(outcome, int):
        return outcome
    return (*outcome.state, int(outcome.effect))


def skim() -> Skim | None:
    """What passes quickly over the frames of a journal that are in order; None without the extension."""
    try:
        extension = _extension()
    except EngineNotBuilt:
        return None
    found: Skim | None = getattr(extension, "skim", None)
    return found


def exact_mantissas() -> ExactMantissas | None:
    """What turns columns of floats into mantissas quickly, in memory that the Rust core takes as it is; None without the extension."""
    try:
        extension = _extension()
    except EngineNotBuilt:
        return None
    found: ExactMantissas | None = getattr(extension, "exact_mantissas", None)
    return found


def _contract_hash(extension: Any) -> str:
    """The contract the extension was built for; "" where it is too old to say."""
    return getattr(extension, "CONTRACT_HASH", "")


def _extension() -> Any:
    try:
        from cracktrader import _core
    except ImportError as error:
        raise EngineNotBuilt(HOW_TO_BUILD) from error
    return _core
