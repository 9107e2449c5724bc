"""A scenario of the fuzzer: a configuration, bars, pushed items and scripted answers, all of it static and serialisable.

Items and answers name orders by where they were placed ("answer#index"), not by number, and answers are found by what called for them, so
that a scenario still runs after parts of it were taken away. Deliberately not here: how scenarios are made (generator.py) and what is
compared while one runs (fuzz.py).
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from filtering import holds

from cracktrader.core import event as events
from cracktrader.core import intent as intents
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import Capabilities, FillModel, Venue
from cracktrader.core.codec import TimerRequest
from cracktrader.core.config import BarRule, Config, Conversion, DataKind, OnError, StrategyConfig, Stream
from cracktrader.core.engine import Response
from cracktrader.core.event import EVENT_TYPES, BarRows, Event, QuoteRows, Rows, SessionRows, TradeRows, source_of
from cracktrader.core.indicator import Declaration
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.intent import OrderId
from cracktrader.core.risk import InstrumentLimit, RiskLimits
from cracktrader.core.schedule import ScheduleRows
from cracktrader.core.wake import Op, Operand, Term

UNKNOWN_ORDINAL = 999_999
"""What an item says of an order that was never placed."""
UNKNOWN_ID = OrderId(0, 2**40, 0)
COLUMNS: dict[DataKind, tuple[type[Rows], int]] = {
    DataKind.BAR: (BarRows, 8),
    DataKind.TRADE: (TradeRows, 5),
    DataKind.QUOTE: (QuoteRows, 6),
}
"""What the rows of a stream are, and how many columns they have, in the order of the class's fields."""


@dataclass(slots=True)
class Item:
    """An event pushed from outside once `after` steps were taken. `order` names the order it is about, '' for the number as it stands."""

    after: int
    event: Event
    order: str = ""


@dataclass(slots=True)
class Answer:
    """What a strategy says to one callback. Orders in intents are names or ids."""

    intents: list[Any] = field(default_factory=list)
    timers: list[tuple[int, int]] = field(default_factory=list)
    error: str = ""
    interrupted: bool = False
    draws: int = 0
    bounds: list[int] = field(default_factory=list)
    fresh_timers: int = 0
    declarations: list[Declaration] = field(default_factory=list)
    wakes: list[tuple[int, list[Term]]] = field(default_factory=list)
    """Conditions by stream."""


@dataclass(slots=True)
class Scenario:
    """One run, complete. `steps` is how many steps are taken before the end of the data."""

    seed: int
    config: Config
    bars: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    """Rows by stream, whatever its kind is: see COLUMNS."""
    sessions: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    """(open_time, close_time) by venue."""
    items: list[Item] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    steps: int = 0
    schedule: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    """Rows of (time, action, value) by instrument."""

    def scheduled(self) -> dict[int, ScheduleRows]:
        """The schedules as the engines take them."""
        return {
            instrument: ScheduleRows(*(array("q", column) for column in zip(*rows, strict=True)))
            for instrument, rows in self.schedule.items()
            if rows
        }

    def rows(self) -> dict[int, Rows]:
        """The rows as the engines take them."""
        made: dict[int, Rows] = {}
        for stream, rows in self.bars.items():
            kind, width = COLUMNS[self.config.streams[stream].kind]
            made[stream] = kind(*_columns(rows, width))
        return made

    def session_rows(self) -> dict[int, SessionRows]:
        """The sessions as the engines take them."""
        return {venue: SessionRows(*_columns(rows, 2)) for venue, rows in self.sessions.items()}

    def copy(self) -> Scenario:
        """A scenario whose containers may be changed; items and answers are shared."""
        bars = {stream: list(rows) for stream, rows in self.bars.items()}
        schedule = {instrument: list(rows) for instrument, rows in self.schedule.items()}
        return replace(
            self,
            bars=bars,
            sessions=dict(self.sessions),
            schedule=schedule,
            items=list(self.items),
            answers=dict(self.answers),
        )


def _columns(rows: list[tuple[int, ...]], width: int) -> list[array[int]]:
    return [array("q", column) for column in (zip(*rows, strict=True) if rows else [()] * width)]


class ScriptedHost:
    """Answers as the scenario says. One host per engine; each keeps its own record of what was placed under which name."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.ids: dict[str, OrderId] = {}
        self.used: set[str] = set()
        self.called: list[str] = []
        """Every callback by name, in order."""
        self.observed: list[Any] = []
        """What the view said, for the comparison of the engines."""
        self.view: Any = None
        self._calls: Counter[tuple[int, type, int, int]] = Counter()
        self.filters = False
        """Whether it asks conditions itself and lets the core call it on every bar."""
        self.binds = False
        """Whether on_start is called again after a restore."""
        self.conditions: dict[tuple[int, int], list[list[Term]]] = {}
        """Those that it asks itself, by strategy and stream."""

    def follow(self, other: ScriptedHost) -> None:
        """Know what another host has placed and was called for."""
        self.ids, self._calls = dict(other.ids), Counter(other._calls)

    def bind(self, view: Any) -> None:
        """Take the view."""
        self.view = view

    def wants(self, strategy: int) -> int:
        """Everything."""
        del strategy
        return 2**64 - 1

    def pass_over(self, strategy: int) -> None:
        """Nothing is counted here."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """The answer to this callback."""
        if isinstance(event.payload, events.Bar):
            asked = self.conditions.get((strategy, event.payload.stream))
            if asked and not any(holds(self, terms, event.payload) for terms in asked):
                return None
        place = strategy, type(event.payload), event.ingest_time, event.instrument
        if self.binds:
            name = f"{strategy}.{place[1].__name__}.{place[2]}.{place[3]}.1"
            answer = self.scenario.answers.get(name)
            return None if answer is None else self._again(name, strategy, answer)
        self._calls[place] += 1
        name = f"{strategy}.{place[1].__name__}.{place[2]}.{place[3]}.{self._calls[place]}"
        self.called.append(name)
        answer = self.answer(name, strategy, event)
        self.observed.append((name, status_changed, self._look(strategy, event) if len(self.ids) % 4 == 0 else None))
        if answer is None:
            return None
        self.used.add(name)
        return self._respond(name, strategy, answer)

    def answer(self, name: str, strategy: int, event: Event) -> Answer | None:
        """The scripted answer with this name."""
        del strategy, event
        return self.scenario.answers.get(name)

    def _respond(self, name: str, strategy: int, answer: Answer) -> Response:
        view = self.view
        for _ in range(answer.draws):
            self.observed.append(view.draw(strategy))
        for bound in answer.bounds:
            self.observed.append(view.below(strategy, bound))
        for _ in range(answer.fresh_timers):
            self.observed.append(view.next_timer(strategy))
        for declared in answer.declarations:
            self.observed.append(_declared(view, strategy, declared))
        for stream, terms in answer.wakes:
            self.observed.append(self._wake(strategy, stream, terms))
        seq = view.seq()
        wanted = []
        for index, intent in enumerate(answer.intents):
            if type(intent) is intents.PlaceOrder:
                self.ids[f"{name}#{index}"] = OrderId(strategy, seq, index)
                group = {part: getattr(intent, part) for part in ("parent", "oco")}
                named = {part: one for part, one in group.items() if isinstance(one, str)}
                intent = intent._replace(**{part: self.ids.get(one, UNKNOWN_ID) for part, one in named.items()})
            elif hasattr(intent, "order") and isinstance(intent.order, str):
                intent = intent._replace(order=self.ids.get(intent.order, UNKNOWN_ID))
            wanted.append(intent)
        timers = [TimerRequest(*timer) for timer in answer.timers]
        return Response(wanted, timers, answer.error, answer.interrupted)

    def _wake(self, strategy: int, stream: int, terms: list[Term]) -> str:
        """What the view says against it. A host that filters has it always hold."""
        always = [Term(Op.EVERY, every=1), Term(Op.OR)]
        try:
            self.view.wake(strategy, stream, [*terms, *always] if self.filters else terms)
        except ValueError as error:
            return str(error)
        if self.filters:
            self.conditions.setdefault((strategy, stream), []).append(terms)
        return ""

    def _again(self, name: str, strategy: int, answer: Answer) -> Response:
        """Bind as on_start did; nobody looks at what it saw."""
        seen = len(self.observed)
        for stream, _ in answer.wakes:
            self.conditions.pop((strategy, stream), None)
        response = self._respond(name, strategy, answer)
        del self.observed[seen:]
        return response

    def _look(self, strategy: int, event: Event) -> Any:
        """Everything that a strategy may ask, as plain values."""
        view, config = self.view, self.scenario.config
        seen: list[Any] = [view.now(), view.seq(), view.equity(), view.cash(), view.margin(), view.orders(strategy)]
        for index in range(len(config.instruments)):
            seen += [tuple(view.position(strategy, index)), tuple(view.account_position(index)), view.mark(index)]
            seen += [tuple(view.working(strategy, index)), view.market_orders(strategy, index)]
        about = getattr(event.payload, "order", None)
        if about is not None:
            seen.append(view.order_by_ordinal(about))
        return [tuple(tuple(one) for one in value) if isinstance(value, list) else value for value in seen]


def _declared(view: Any, strategy: int, declaration: Declaration) -> Any:
    """The index, or what the view says against it."""
    try:
        return view.declare(strategy, declaration)
    except ValueError as error:
        return str(error)


# --- JSON


def dumps(scenario: Scenario, **extra: Any) -> str:
    """The scenario as JSON text; `extra` says why it is kept."""
    data = {
        **extra,
        "seed": scenario.seed,
        "steps": scenario.steps,
        "config": asdict(scenario.config),
        "bars": {str(stream): [list(row) for row in rows] for stream, rows in scenario.bars.items()},
        "sessions": {str(venue): [list(row) for row in rows] for venue, rows in scenario.sessions.items()},
        "schedule": {str(instrument): [list(row) for row in rows] for instrument, rows in scenario.schedule.items()},
        "items": [_item_out(item) for item in scenario.items],
        "answers": {name: _answer_out(answer) for name, answer in scenario.answers.items()},
    }
    return json.dumps(data, indent=1)


def loads(text: str) -> Scenario:
    """The scenario of a JSON text."""
    data = json.loads(text)
    bars = {int(stream): [tuple(row) for row in rows] for stream, rows in data["bars"].items()}
    sessions = {int(venue): [tuple(row) for row in rows] for venue, rows in data["sessions"].items()}
    return Scenario(
        data["seed"],
        config_in(data["config"]),
        bars,
        sessions,
        [_item_in(one) for one in data["items"]],
        {name: _answer_in(answer) for name, answer in data["answers"].items()},
        data["steps"],
        {int(index): [tuple(row) for row in rows] for index, rows in data.get("schedule", {}).items()},
    )


def config_in(data: dict[str, Any]) -> Config:
    """The configuration of its JSON form."""
    venues = [
        Venue(**one | {"capabilities": Capabilities(**one["capabilities"]), "fill": FillModel(one["fill"])})
        for one in data["venues"]
    ]
    accounts = [
        Account(one["name"], one["venue"], AccountKind(one["kind"]), tuple(Deposit(*row) for row in one["deposits"]))
        for one in data["accounts"]
    ]
    strategies = []
    for one in data["strategies"]:
        limited = tuple(InstrumentLimit(**row) for row in one["limits"]["instruments"])
        limits = RiskLimits(**one["limits"] | {"instruments": limited})
        strategies.append(StrategyConfig(one["name"], one["parameters"], limits))
    return Config(
        currencies=tuple(Currency(**one) for one in data["currencies"]),
        venues=tuple(venues),
        accounts=tuple(accounts),
        instruments=tuple(Instrument(**one | {"kind": InstrumentKind(one["kind"])}) for one in data["instruments"]),
        streams=tuple(
            Stream(**one | {"kind": DataKind(one["kind"]), "rule": BarRule(one["rule"])}) for one in data["streams"]
        ),
        strategies=tuple(strategies),
        base_currency=data["base_currency"],
        conversions=tuple(Conversion(*row) for row in data["conversions"]),
        priorities=tuple(data["priorities"]),
        on_error=OnError(data["on_error"]),
        recheck_every=data["recheck_every"],
        seed=data["seed"],
    )


def _item_out(item: Item) -> dict[str, Any]:
    made = item.event
    return {
        "after": item.after,
        "event": type(made.payload).__name__,
        "payload": list(made.payload),
        "order": item.order,
        "at": made.ingest_time,
        "stamp": made.event_time,
        "venue": made.venue,
        "account": made.account,
        "instrument": made.instrument,
        "key": made.idempotency_key,
    }


def _item_in(data: dict[str, Any]) -> Item:
    kind: Any = getattr(events, data["event"])
    source = source_of(EVENT_TYPES[kind])
    made = Event(
        0,
        data["stamp"],
        data["at"],
        source,
        data["venue"],
        data["account"],
        data["instrument"],
        kind(*data["payload"]),
        data["key"],
    )
    return Item(data["after"], made, data["order"])


def _answer_out(answer: Answer) -> dict[str, Any]:
    out = {name: value for name in Answer.__slots__ if (value := getattr(answer, name))}
    if answer.intents:
        out["intents"] = [[type(intent).__name__, *intent] for intent in answer.intents]
    return out


def _answer_in(data: dict[str, Any]) -> Answer:
    declarations = [Declaration(kind, tuple(numbers), *rest) for kind, numbers, *rest in data.get("declarations", [])]
    intents = [_intent_in(*one) for one in data.get("intents", [])]
    wakes = [(stream, [_term_in(*term) for term in terms]) for stream, terms in data.get("wakes", [])]
    return Answer(**data | {"intents": intents, "declarations": declarations, "wakes": wakes})


def _term_in(op: int, a: list[Any], b: list[Any], every: int) -> Term:
    return Term(op, Operand(*a), Operand(*b), every)


def _intent_in(name: str, *values: Any) -> Any:
    kind: Any = getattr(intents, name)
    return kind(*(OrderId(*value) if isinstance(value, list) else value for value in values))
