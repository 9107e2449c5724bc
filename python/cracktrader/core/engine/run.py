"""The run: which step is next, the callbacks between the two commits, the record, and the equity curve."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

from cracktrader.core.codec import (
    DAY,
    ENGINE,
    INDICATOR,
    STRATEGY,
    Answer,
    End,
    Record,
    TimerRequest,
    encode_record,
    encode_venue,
)
from cracktrader.core.config import Config, DataKind, OnError, config_problem
from cracktrader.core.engine.incoming import MARKET_EVENTS, Committed, Incoming
from cracktrader.core.engine.journal import Journal, JournalSpec, Sink
from cracktrader.core.engine.outgoing import Outgoing
from cracktrader.core.engine.store import Store
from cracktrader.core.event import (
    EVENT_TYPES,
    Bar,
    BarRows,
    DataEnded,
    Event,
    EventType,
    QuoteRows,
    Rows,
    RunStopped,
    SessionRows,
    Source,
    Start,
    TimerFired,
    TradeRows,
    event,
    first_time,
    rows_problem,
    sessions_problem,
)
from cracktrader.core.indicator import Declaration
from cracktrader.core.intent import Intent
from cracktrader.core.matching import NO_CAUSE, Cause, Phase, Point, SimulatedVenue
from cracktrader.core.reject import RejectCode
from cracktrader.core.schedule import ScheduleRows, schedule_problem
from cracktrader.core.sequencer import PRODUCER_OUTSIDE, PRODUCER_VENUE, Key, Origin, Sequencer
from cracktrader.core.units import NULL_INDEX, NULL_INSTRUMENT, Money, OutOfRange, Time
from cracktrader.core.view import View
from cracktrader.core.wake import Wakes

DAY_NS = 86_400_000_000_000
BOOKED_EVENTS = frozenset(
    (EventType.FILLED, EventType.BUSTED, EventType.TRANSFER, EventType.FUNDING, EventType.SETTLEMENT)
)
"""Events that move what an account holds."""
_ROWS = {DataKind.BAR: BarRows, DataKind.TRADE: TradeRows, DataKind.QUOTE: QuoteRows}
"""The columns of each kind of stream."""


class Response(NamedTuple):
    """A strategy's answer to a callback."""

    intents: Sequence[Intent] = ()
    timers: Sequence[TimerRequest] = ()
    error: str = ""
    """The kind of what it raised; its intents and timers are then discarded."""
    interrupted: bool = False
    """KeyboardInterrupt or SystemExit: the run stops after commit A."""


SILENT = Response()
"""The answer without anything."""


class _Call(NamedTuple):
    """A callback made: the strategy's counters and the number of indicators before it, and that number after it."""

    strategy: int
    response: Response
    counters: tuple[int, int]
    declared: int
    declared_after: int


class Host(Protocol):
    """Who calls the strategies."""

    def bind(self, view: View) -> None:
        """Take the view that answers questions during callbacks."""

    def wants(self, strategy: int) -> int:
        """Bit mask of the event types that the strategy is called for."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """Call the strategy; None is an answer without anything."""

    def pass_over(self, strategy: int) -> None:
        """A bar that does not wake the strategy: a host whose strategies warm up counts it."""


class Engine:
    """One run. `record=True` keeps the last step's record and an incremental state root; `replaying=True` takes only recorded steps:
    nothing leaves it, not even to simulated venues."""

    def __init__(self, config: Config, host: Host, *, record: bool = False, replaying: bool = False) -> None:
        problem = config_problem(config)
        if problem:
            raise ValueError(problem)
        self.config = config
        self.host = host
        self.store = Store(config, record=record)
        self.state = self.store.state
        self.sequencer = Sequencer(config)
        self.venues = {
            index: SimulatedVenue(config, index) for index, venue in enumerate(config.venues) if venue.simulated
        }
        self.incoming = Incoming(config, self.store)
        self.replaying = replaying
        self.outgoing = Outgoing(config, self.store, self.sequencer, self.venues, replaying=replaying)
        self.last_record = b""
        """Frame of the last step, when steps are recorded; empty for one that a journal leaves to a stretch of data steps."""
        self.journal: Journal | None = None
        self.embedded = False
        """Whether data steps that change nothing have frames of their own."""
        self.idle = False
        """Whether the last step was such a one."""
        self.equity: list[tuple[Time, Money | None, Money | None]] = []
        """(stamp, equity, cash) in base currency, a row per market time."""
        self.interrupted = False
        self.concluded = False
        self._market_label: Time | None = None
        self._booked = False
        """Whether an account moved since the last row: what comes after the last market time has a row of its own at the end."""
        self._since_check = 0
        self._tracks_day = any(strategy.limits.max_daily_loss for strategy in config.strategies)
        self.wakes = Wakes(len(config.strategies), len(config.streams))
        """On which bars strategies are called, where they have said so."""
        self.view = View(self.state, self.wakes)
        host.bind(self.view)
        self._everyone = tuple(range(len(config.strategies)))
        self.ask_wants()

    def ask_wants(self) -> None:
        """Ask the host what each strategy is called for."""
        self._wants = [self.host.wants(strategy) for strategy in range(len(self.config.strategies))]

    # Recording

    def record_steps(self, *, embedded: bool) -> None:
        """Have a frame of every step from now on, as a journal has."""
        self.store.recording, self.embedded = True, embedded

    def open_journal(self, spec: JournalSpec, sink: Sink) -> None:
        """Write every step from now on into a journal."""
        self.record_steps(embedded=spec.embedded)
        self.journal = Journal(spec, sink)

    def end(self) -> End:
        """Where the run stands, as the end of its journal."""
        venues = sha256(b"".join(encode_venue(venue) for venue in self.venues.values())).digest()
        return End(self.state.seq, self.state.stopped, self.digest(), venues)

    # Feeding

    def attach(self, stream: int, rows: Rows) -> None:
        """The rows of a declared stream. ValueError when it is not declared, carries another kind, or the columns do not fit together."""
        if not 0 <= stream < len(self.config.streams):
            raise ValueError(f"stream {stream} is not declared")
        declared = self.config.streams[stream]
        if declared.is_derived:
            raise ValueError(f"stream {stream} is derived from stream {declared.source}: it takes no rows")
        if _ROWS[declared.kind] is not type(rows):
            raise ValueError(f"stream {stream} carries {_ROWS[declared.kind].__name__}, not {type(rows).__name__}")
        problem = rows_problem(rows)
        if problem:
            raise ValueError(f"the columns of stream {stream} {problem}")
        self.sequencer.attach(stream, rows)
        venue = self.config.instruments[declared.instrument].venue
        if not declared.matching:
            return
        if venue in self.venues:
            self.venues[venue].attach(declared.instrument, rows)
        for simulated in self.venues.values():
            simulated.desk.clearing.show(declared.instrument, rows)

    def attach_schedule(self, instrument: int, rows: ScheduleRows) -> None:
        """Funding, payments and the settlement of an instrument of a simulated venue. ValueError for what cannot happen to it."""
        if instrument >= len(self.config.instruments):
            raise ValueError(f"instrument {instrument} is not declared")
        declared = self.config.instruments[instrument]
        if declared.venue not in self.venues:
            raise ValueError(f"{declared.name} trades at no simulated venue")
        problem = schedule_problem(declared, rows)
        if problem:
            raise ValueError(problem)
        self.venues[declared.venue].attach_schedule(instrument, rows)

    def attach_sessions(self, venue: int, rows: SessionRows) -> None:
        """The sessions of a venue: events of it, for all its instruments. ValueError when they are not in order."""
        if not 0 <= venue < len(self.config.venues):
            raise ValueError(f"venue {venue} is not declared")
        problem = sessions_problem(rows)
        if problem:
            raise ValueError(f"the sessions of venue {venue} {problem}")
        self.sequencer.attach_sessions(venue, rows)
        if venue in self.venues:
            self.venues[venue].attach_sessions(rows)

    def push(self, item: Event) -> None:
        """An item from outside: a report, a tick, a control event."""
        self.sequencer.push(item, PRODUCER_OUTSIDE, NO_CAUSE)

    # Running

    def start(self) -> None:
        """The Start record: on_start is called at the first moment of the data."""
        first = [time for rows in self.sequencer.rows.values() if (time := first_time(rows)) is not None]
        head = self.sequencer.peek()
        if head is not None:
            first.append(head.ingest_time)
        self.take(event(Start(), min(first, default=0)), 0, Origin.OWN)

    def step(self) -> bool:
        """Take the next item with everything the venues do before it; False when there is none. A bar that the last item closed comes
        first: nothing stands between them."""
        if not self.state.started:
            self.start()
            return True
        if self.state.closed_bars:
            self.take(self._closed_bar(), 0, Origin.DATA)
            return True
        timer = self._next_timer()
        while True:
            head = self.sequencer.peek()
            if timer is not None and (head is None or timer < head):
                head = timer
            point, venue = self._next_point()
            if point is None or (head is not None and (head.ingest_time, Phase.ITEM) <= (point.time, point.phase)):
                break
            self._run_point(point, venue)
        if head is None:
            return False
        if head is timer:
            self._fire_timer()
        else:
            item, cause, origin = self.sequencer.pop()
            self.take(item, self._depth(item.ingest_time, cause), origin)
        return True

    def next_data(self) -> Event | None:
        """The next bar that the core made, or row of the attached data, taken from where it waits; without the venues between."""
        if self.state.closed_bars:
            return self._closed_bar()
        return self.sequencer.pop_row() if self.sequencer.heads else None

    def run(self) -> None:
        """Step until the data ends or the engine stops, then finish."""
        while self.run_some(2**62):
            pass
        self.finish()

    def run_some(self, steps: int) -> bool:
        """Take up to so many steps; whether there may be more before `finish`."""
        while steps and not self._is_over() and self.step():
            steps -= 1
        return steps == 0

    def finish(self) -> None:
        """End of data: reports in flight are delivered, then on_stop is called. An interrupted run stays as it is."""
        if self.interrupted:
            return
        if not self.state.ended:
            self.end_data()
        while self.step() and not self.interrupted:
            pass
        self.conclude()

    def end_data(self) -> None:
        """No more market data: new risk is refused, timers do not fire, bars do not match; `step` delivers what is in flight."""
        if not self.state.started:
            self.start()
        self.take(event(DataEnded(), self.state.now), 0, Origin.OWN)
        self.sequencer.end()
        for venue in self.venues.values():
            venue.ended = True

    def conclude(self) -> None:
        """The last step, which calls on_stop, the last equity row and the full invariant check."""
        if not self.concluded:
            self._conclude()
        if self.journal is not None and not self.interrupted:
            self.journal.end(self.end())

    def _conclude(self) -> None:
        if self.interrupted:
            return
        self.take(event(RunStopped(), self.state.now), 0, Origin.OWN)
        self.concluded = not self.interrupted
        if self._market_label is None and self._booked:
            self._market_label = self.state.now
        self._equity_row()
        self._recheck()
        self.store.closed.extend(self.state.orders.values())

    @property
    def exhausted(self) -> bool:
        """Whether all data and schedules, and all that was pushed from outside, has been delivered."""
        delivered = self.state.started and self.sequencer.exhausted and not self.state.closed_bars
        return delivered and not any(venue.schedule.peek() for venue in self.venues.values())

    def _is_over(self) -> bool:
        return self.exhausted or self.interrupted or self.state.stopped != 0

    def _next_timer(self) -> Key | None:
        soonest = self.state.timers.next()
        if soonest is None or self.state.ended:
            return None
        priority = self.config.priorities[Source.TIMER]
        return Key(soonest[0], priority, NULL_INDEX, NULL_INSTRUMENT, soonest[1], soonest[2])

    def _fire_timer(self) -> None:
        soonest = self.state.timers.next()
        assert soonest is not None
        deadline, strategy, timer = soonest
        cause = Cause(*self.state.timers.cause(strategy, timer))
        item = event(TimerFired(strategy, timer, deadline), deadline)
        self.take(item, self._depth(deadline, cause), Origin.OWN)

    def _closed_bar(self) -> Event:
        """The next bar that the core made and did not deliver yet."""
        stream, closed = next((index, one.closed[0]) for index, one in enumerate(self.state.aggregates) if one.closed)
        instrument = self.config.streams[stream].instrument
        venue = self.config.instruments[instrument].venue
        return event(closed, self.state.now, event_time=closed.close_time, venue=venue, instrument=instrument)

    def _depth(self, ingest_time: Time, cause: Cause) -> int:
        """Depth in a chain of steps that caused each other at one instant."""
        return cause.depth + 1 if cause.now == max(self.state.now, ingest_time) else 0

    def _next_point(self) -> tuple[Point | None, int]:
        """The soonest moment of the simulated venues."""
        best: tuple[Point, int] | None = None
        for index, venue in self.venues.items():
            point = venue.next_point()
            if point is not None and (best is None or (point, index) < best):
                best = point, index
        return best if best is not None else (None, 0)

    def _run_point(self, point: Point, venue: int) -> None:
        if point.phase is Phase.OPEN:
            self._equity_row()
        simulated = self.venues[venue]
        simulated.run(point)
        for report in simulated.take_reports():
            self.sequencer.push(report.event, PRODUCER_VENUE + venue, report.cause)

    # One step

    def take(self, item: Event, depth: int, origin: Origin) -> None:
        """One step: commit A, callbacks, commit B, record. Replay enters here with recorded items."""
        self._advance(item)
        taken = Event(self.state.seq, *item[1:])
        committed = self.incoming.commit(taken)
        code = EVENT_TYPES[type(taken.payload)]
        if committed.taken and code in MARKET_EVENTS and self.incoming.moves_mark(taken):
            self._market_label = taken.event_time
        elif committed.taken and code in BOOKED_EVENTS:
            self._booked = True
        before = self.store.images()
        sent = len(self.outgoing.outbox)
        answers = self._call(committed, taken, depth)
        if self.store.stirred and not self.interrupted:
            self.outgoing.tend(taken, depth)
        if self.store.recording:
            record = Record(origin, taken, depth, committed.findings, self.interrupted, answers)
            self._record(record, before, self.store.images(), leaves=len(self.outgoing.outbox) > sent)
        self._since_check += 1
        if self.config.recheck_every and self._since_check >= self.config.recheck_every:
            self._recheck()

    def _record(self, record: Record, before: bytes, after: bytes, *, leaves: bool) -> None:
        """Keep the step's frame, unless it is one that a journal leaves to a stretch of data steps."""
        self.idle = (
            record.origin is Origin.DATA
            and not (self.embedded or record.depth or record.findings or record.interrupted or record.answers)
            and not before
            and not after
        )
        seq = record.event.seq_id
        self.last_record = b"" if self.idle and not self.store.rooted else encode_record(record, before, after)
        if self.journal is None:
            return
        if self.idle:
            self.journal.idle(seq)
        else:
            self.journal.step(self.last_record, seq, leaves=leaves)

    def _advance(self, item: Event) -> None:
        """Give the item its seq_id and move the clock."""
        state = self.state
        if not state.started:
            state.now = state.start_time = item.ingest_time
            return
        state.seq += 1
        if item.ingest_time > state.now:
            self._equity_row()
            self._new_day(item.ingest_time)
            state.now = item.ingest_time
            self.store.retire()

    def _new_day(self, time: Time) -> None:
        """Remember the day's first equity; while that is not known the old day goes on."""
        if not self._tracks_day or time // DAY_NS == self.state.day:
            return
        equity = self.state.equity()
        if equity is not None:
            self.state.day, self.state.day_equity = time // DAY_NS, equity
            self.store.touch((DAY,))

    def _equity_row(self) -> None:
        """One row per market time, labelled with its stamp: taken before the next bar opens, so that what fills there is of the row after
        it, and before the clock moves on."""
        if self._market_label is None:
            return
        self._booked = False
        try:
            cash = self.state.cash()
        except OutOfRange:
            cash = None
        self.equity.append((self._market_label, self.state.equity(), cash))
        self._market_label = None

    def _recheck(self) -> None:
        self._since_check = 0
        self.store.recheck()

    @property
    def standing(self) -> tuple[Time | None, bool, int]:
        """Where the run stands besides its state: the label of the next equity row, whether an account moved since the last one, and the
        steps since the last full check."""
        return self._market_label, self._booked, self._since_check if self.config.recheck_every else 0

    def stand(self, market_label: Time | None, *, booked: bool, since_check: int) -> None:
        """Stand where another run stood."""
        self._market_label, self._booked, self._since_check = market_label, booked, since_check

    def wants(self, strategy: int, code: EventType) -> bool:
        """Whether the strategy is called for events of the type."""
        return bool(self._wants[strategy] >> code & 1)

    def root(self) -> bytes:
        """The state root: incremental when recording, else from nothing."""
        return self.store.root()

    def digest(self) -> bytes:
        """The state hash where the run stands."""
        return self.store.digest()

    # Callbacks

    def _call(self, committed: Committed, item: Event, depth: int) -> list[Answer]:
        """Call the strategies that want the event, all on the state after commit A, then admit their intents in order."""
        calls: list[_Call] = []
        for strategy in self._callees(committed, item):
            owner = self.state.owners[strategy]
            counters, declared = (owner.random_counter, owner.next_timer), len(self.state.indicators)
            if isinstance(item.payload, Bar) and not self.wakes.is_awake(self.state, strategy, item.payload):
                self.host.pass_over(strategy)
                continue
            response = self.host.call(strategy, item, committed.status_changed) or SILENT
            calls.append(_Call(strategy, response, counters, declared, len(self.state.indicators)))
            if response.interrupted:
                self.interrupted = True
                self._take_back(calls)
                return []
        answers = [answer for call in calls if (answer := self._answer(call, item.seq_id, depth)) is not None]
        for call in calls:
            if call.response.error:
                self._punish(call.strategy)
        if isinstance(item.payload, Start):
            for call in calls:
                if call.response.error:
                    self.wakes.forget(call.strategy)
            self.state.started = True
            self.store.touch((ENGINE,))
        return answers

    def _take_back(self, calls: list[_Call]) -> None:
        """Counters and declarations as before an interrupted step's callbacks: recovery repeats them."""
        for call in calls:
            owner = self.state.owners[call.strategy]
            owner.random_counter, owner.next_timer = call.counters
        del self.state.indicators[calls[0].declared :]
        if not self.state.started:
            self.wakes.clear()

    def _callees(self, committed: Committed, item: Event) -> list[int]:
        """Who is called: the owner for a report on an order, everyone who wants it for the rest; halted strategies never."""
        payload = item.payload
        code = EVENT_TYPES[type(payload)]
        if EventType.ACCEPTED <= code <= EventType.REFUSED:
            candidates: tuple[int, ...] = () if committed.owner is None else (committed.owner,)
        elif isinstance(payload, TimerFired):
            candidates = (payload.strategy,) if payload.strategy < len(self.state.owners) else ()
        else:
            candidates = self._everyone if committed.taken else ()
        return [s for s in candidates if self._wants[s] >> code & 1 and not self.state.owners[s].halted]

    def _answer(self, call: _Call, seq: int, depth: int) -> Answer | None:
        """Commit B of one callback; None when it left nothing."""
        strategy, response = call.strategy, call.response
        owner = self.state.owners[strategy]
        moved = (owner.random_counter, owner.next_timer) != call.counters
        if response is SILENT and not moved and call.declared == call.declared_after:
            return None
        if moved:
            self.store.touch((STRATEGY, strategy))
        answer = Answer(
            strategy,
            response.error,
            owner.random_counter,
            owner.next_timer,
            self._declarations(call.declared, call.declared_after),
            [] if response.error else self.outgoing.admit_all(strategy, response.intents, seq, depth),
            [] if response.error else self.outgoing.set_timers(strategy, response.timers, depth),
        )
        has_content = answer.error or answer.declarations or answer.intents or answer.timers
        return answer if moved or has_content else None

    def _declarations(self, first: int, last: int) -> list[Declaration]:
        indicators = self.state.indicators[first:last]
        self.store.touch(*((INDICATOR, index) for index in range(first, last)))
        return [one.declaration for one in indicators]

    def _punish(self, strategy: int) -> None:
        """The policy on a strategy's exception, after commit B."""
        if self.config.on_error is OnError.HALT_STRATEGY:
            self.store.halt(strategy)
            return
        self.store.stop(RejectCode.S_STRATEGY)
