"""The seeded generator: what strategies say and what is pushed, invented while the Python core runs, kept as a static scenario.

It looks at the core's state to know what would be rare (the counts of a `Coverage`), so that every row and code is reached. Reports of
outside venues are in hostile.py. Deliberately not here: any judgement of what the core does.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hostile import Hostile
from reached import Coverage
from scenario import Answer, Scenario, ScriptedHost
from world import (
    DAY,
    MINUTE,
    SECOND,
    make_bars,
    make_config,
    make_schedules,
    make_sessions,
    typical_price,
    typical_quantity,
)

from cracktrader.core.account import AccountKind
from cracktrader.core.config import DataKind
from cracktrader.core.event import DataEnded, Denied, Event, Refused, RunStopped, Start
from cracktrader.core.indicator import (
    MAX_PERIOD,
    NULL_SOURCE,
    PARAMETERS,
    RULES,
    BarField,
    Declaration,
    IndicatorKind,
)
from cracktrader.core.instrument import contract_value
from cracktrader.core.intent import (
    NO_ORDER,
    CancelOrder,
    NoOp,
    OrderId,
    OrderType,
    PlaceOrder,
    ReplaceOrder,
    SetRiskFlag,
    Side,
    TimeInForce,
)
from cracktrader.core.order import Guard, Life, OrderInput, is_trailing, takes_limit, takes_stop
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import I64_MAX, NONE_PRICE
from cracktrader.core.wake import Op, Operand, OperandKind, Term

OPEN = (Life.HELD, Life.SUBMITTED, Life.ACCEPTED)
SLEEPY = (1, 4)
"""Of eight scenarios, those whose strategies declare when they are called; one of them goes on from checkpoints."""
ENDINGS = (
    "none",
    "none",
    "operator",
    "raise",
    "raise",
    "range",
    "ended",
    "ended",
    "loop",
    "loop",
    "timers",
    "interrupt",
)
"""What may end a scenario: drawn once, it comes in its last quarter."""
INVALID = (
    RejectCode.E_UNKNOWN_INSTRUMENT,
    RejectCode.E_BAD_FIELD,
    RejectCode.E_QUANTITY,
    RejectCode.E_LOT,
    RejectCode.E_PRICE_MISSING,
    RejectCode.E_PRICE_UNEXPECTED,
    RejectCode.E_PRICE,
    RejectCode.E_TICK,
    RejectCode.E_EXPIRE_TIME,
    RejectCode.E_GROUP,
    RejectCode.E_TRAIL,
    RejectCode.E_ORDER_TYPE,
    RejectCode.E_TIME_IN_FORCE,
    RejectCode.E_POST_ONLY,
    RejectCode.E_REDUCE_ONLY,
    RejectCode.E_RANGE,
    RejectCode.E_CASH,
    RejectCode.E_SHORT,
    RejectCode.E_MARGIN,
    RejectCode.E_ORDER_QUANTITY,
    RejectCode.E_ORDER_NOTIONAL,
    RejectCode.E_POSITION,
    RejectCode.E_PRICE_COLLAR,
    RejectCode.E_NO_MARK,
)
"""Codes for which a place order can be bent; the rarest are preferred."""


def new_scenario(seed: int, steps: int) -> Scenario:
    """The world of a seed, in which nothing has happened yet."""
    rng = Random(seed)
    config = make_config(rng, seed)
    bars, sessions = make_bars(rng, config), make_sessions(rng, config)
    return Scenario(seed, config, bars, sessions, steps=steps, schedule=make_schedules(rng, config))


class Generator(ScriptedHost):
    """The host of the leading engine: it invents answers and items and writes them down."""

    def __init__(self, scenario: Scenario, coverage: Coverage) -> None:
        super().__init__(scenario)
        self.rng = Random(scenario.seed ^ 0x5EED)
        self.coverage = coverage
        self.config = scenario.config
        self.ending = self.rng.choice(ENDINGS)
        self.ending_at = scenario.steps * 5 // 6 + self.rng.randrange(max(scenario.steps // 8, 1))
        self.taken = 0
        """Steps taken."""
        self.looping: set[int] = set()
        self.state: Any = None
        self.queue: list[Any] = []
        self.names: dict[OrderId, str] = {}
        self.hostile: Any = None
        self._last_price: dict[int, int] = {}

    def watch(self, state: Any, queue: list[Any]) -> None:
        """Look at the leading engine's state and pending items from now on."""
        self.state, self.queue = state, queue
        self.hostile = Hostile(self.rng, self.scenario, state, self.names, self.coverage)

    @property
    def is_ending(self) -> bool:
        """Whether the scenario's ending may come."""
        return self.taken >= self.ending_at

    def push(self, *, idle: bool) -> list[Any]:
        """The items pushed before the next step; at least one when the engine has nothing to do."""
        count = self.rng.choice((0, 0, 1, 1, 1, 2, 2, 3) if self.hostile.outside else (0, 0, 0, 0, 0, 1))
        if len(self.queue) > self.rng.choice((2, 4, 8)) or any(
            not self.state.owners[strategy].halted for strategy in self.looping
        ):
            count = 0
        if self.hostile.is_fleeting and self.rng.random() < 0.5:
            count = max(count, 1)
        count = count or (1 if idle else 0)
        items = [self.hostile.item(self.taken) for _ in range(count)]
        if self.is_ending and self.ending in ("operator", "range", "ended") and not self.state.stopped:
            items.append(self.hostile.ending(self.ending, self.taken))
            self.ending = "none"
        self.scenario.items += items
        return items

    # --- answers

    def answer(self, name: str, strategy: int, event: Event) -> Answer | None:
        """A new answer, written into the scenario."""
        made = self._invent(strategy, event, name)
        if made is not None:
            self.scenario.answers[name] = made
            for index, intent in enumerate(made.intents):
                if type(intent) is PlaceOrder:
                    self.names[OrderId(strategy, event.seq_id, index)] = f"{name}#{index}"
        return made

    def _invent(self, strategy: int, event: Event, name: str) -> Answer | None:
        rng, payload = self.rng, event.payload
        if type(payload) is Start:
            return self._on_start(strategy)
        if strategy in self.looping:
            return self._loop(strategy)
        if self.is_ending and not self.looping and self.ending in ("loop", "timers", "raise", "interrupt"):
            return self._end(strategy)
        if type(payload) in (DataEnded, RunStopped):
            return Answer([self._place(strategy)])
        if not self._has_marks and rng.random() < 0.9:
            return None
        busy = rng.random()
        if busy < 0.55 or (rng.random() > self._eagerness(type(payload))):
            return None
        answer = Answer()
        for _ in range(1 if busy < 0.85 else rng.randint(2, 4)):
            answer.intents += self._some(strategy, name, answer.intents)
        if busy > 0.96:
            self._extras(strategy, answer)
        return answer

    def _eagerness(self, kind: type) -> float:
        """How likely a busy strategy answers: seldom to refusals, and when nothing new is taken, or the run would feed on itself."""
        if self.state.ended or self.state.stopped:
            return 0.15
        return 0.1 if kind in (Denied, Refused) else 1.0

    @property
    def _has_marks(self) -> bool:
        return any(market.has_mark for market in self.state.markets)

    def _on_start(self, strategy: int) -> Answer:
        answer = Answer(draws=self.rng.randrange(3))
        streams = [index for index, stream in enumerate(self.config.streams) if stream.kind is DataKind.BAR]
        # Sources are named by index: what the strategies before this one declared is already in the state.
        first = len(self.state.indicators)
        for count in range(self.rng.randrange(6) if streams else 0):
            declared = self._declaration(streams, answer.declarations, first, count)
            self.coverage.indicators[IndicatorKind(declared.kind), declared.source != NULL_SOURCE] += 1
            answer.declarations.append(declared)
        if self.rng.random() < 0.3:
            answer.intents.append(self._place(strategy))
        if self.rng.random() < 0.3:
            self._extras(strategy, answer)
        if streams and self.scenario.seed % 8 in SLEEPY:
            answer.wakes = self._wakes(
                Random(self.scenario.seed * 8 + strategy), streams, first, len(answer.declarations)
            )
            answer.error = ""
        return answer

    def _wakes(self, rng: Random, streams: list[int], first: int, count: int) -> list[tuple[int, list[Term]]]:
        """Conditions of any kind, on the strategy's own indicators; at times one that is refused. A source of chance of its own keeps
        the other scenarios what they were."""
        wakes = []
        for stream in streams:
            for _ in range(rng.choice((0, 1, 1, 2))):
                terms = [self._term(rng, first, count)]
                for _ in range(rng.choice((0, 0, 1, 2))):
                    terms += [self._term(rng, first, count), Term(rng.choice((Op.AND, Op.OR, Op.OR)))]
                wakes.append((stream, terms))
        return wakes

    def _term(self, rng: Random, first: int, count: int) -> Term:
        ops = [op for op in Op if op < Op.EVERY] if count and rng.random() < 0.8 else [Op.EVERY, Op.EVERY, Op.NEVER]
        op = rng.choice(ops)
        self.coverage.wakes[op] += 1
        if op >= Op.EVERY:
            return Term(op, every=rng.choice((1, 2, 3, 7)))
        a = self._line(rng, op, first, count)
        level = Operand(OperandKind.LEVEL, level=rng.choice((0.0, 1.0, 50.0, 1e6, -2.5)))
        b = rng.choice(
            (level, self._line(rng, op, first, count), Operand(OperandKind.FIELD, rng.randrange(len(BarField))))
        )
        if b.kind == OperandKind.FIELD and op > Op.BELOW and rng.random() < 0.95:
            b = level
        return Term(op, a, b) if rng.random() < 0.7 else Term(op, b, a)

    def _line(self, rng: Random, op: Op, first: int, count: int) -> Operand:
        ago = rng.choice((0, 0, 0, 1)) if op <= Op.BELOW or op is Op.FLIPS or rng.random() < 0.03 else 0
        return Operand(OperandKind.LINE, first + rng.randrange(count), int(rng.random() < 0.1), ago)

    def _declaration(self, streams: list[int], earlier: list[Declaration], first: int, count: int) -> Declaration:
        """An indicator of any kind, often of an earlier one of the same strategy; at times one that is refused."""
        rng = self.rng
        kind = rng.choice(list(IndicatorKind))
        numbers = []
        for name, low, high in RULES[kind].parameters:
            typical = (
                rng.choice((low, 1, 2, 3, 5, 9, 30))
                if high == MAX_PERIOD
                else rng.choice((low, 0, 10**9, 2 * 10**9, high))
            )
            numbers.append(max(low, typical) + (kind is IndicatorKind.MACD and name == "slow") * 30)
        source, line, stream = NULL_SOURCE, 0, rng.choice(streams)
        if count and not RULES[kind].reads_bars and rng.random() < 0.6:
            read = rng.randrange(count)
            source, stream = first + read, earlier[read].stream
            line = rng.randrange(len(RULES[IndicatorKind(earlier[read].kind)].lines) if rng.random() < 0.95 else 4)
        if rng.random() < 0.03:
            source = rng.choice((0, first, first + count, NULL_SOURCE - 1))
        padded = tuple([*numbers, 0, 0, 0, 0][:PARAMETERS])
        return Declaration(
            kind, padded, stream, rng.randrange(len(BarField)), source, line, rng.choice((2, 2, 2, 3, 7, 1))
        )

    def _extras(self, strategy: int, answer: Answer) -> None:
        """Randomness, timers, and at times an exception, which takes the rest of the answer with it."""
        rng = self.rng
        answer.draws += rng.randrange(3)
        answer.bounds += [rng.choice((1, 6, 2**63, 2**64 - 1)) for _ in range(rng.randrange(3))]
        answer.fresh_timers = rng.randrange(2)
        for _ in range(rng.randrange(3)):
            deadline = self.state.now + rng.choice((0, 1, SECOND, MINUTE, -SECOND, DAY))
            answer.timers.append((rng.randrange(1, 6), NONE_PRICE if rng.random() < 0.25 else deadline))
        if rng.random() < 0.02:
            answer.error = "ValueError"

    def _loop(self, strategy: int) -> Answer:
        """Keep answering at the same instant, until the engine says so."""
        if self.ending == "timers":
            deadline = self.state.now - self.rng.randrange(2)
            intents = [NoOp()] if self.rng.random() < 0.9 else [self._place(strategy)]
            return Answer(intents, timers=[(1, deadline)])
        return Answer([self._bent(strategy, RejectCode.E_QUANTITY)])

    def _end(self, strategy: int) -> Answer:
        if self.ending in ("loop", "timers"):
            self.looping.add(strategy)
            return self._loop(strategy)
        if self.ending == "raise":
            if self.rng.random() < 0.3:
                self.ending = "none"
            return Answer([self._place(strategy)], error="RuntimeError", draws=1)
        self.ending = "none"
        return Answer(interrupted=True) if self.rng.random() < 0.3 else Answer()

    # --- intents

    def _some(self, strategy: int, name: str, earlier: list[Any]) -> list[Any]:
        """An intent, at times a whole bracket."""
        choice = self.rng.random()
        if choice < 0.06:
            return self._bracket(strategy, f"{name}#{len(earlier)}", f"{name}#{len(earlier) + 1}")
        if choice < 0.14:
            joined = self._joining(strategy, name, earlier)
            if joined is not None:
                return [joined]
        return [self._intent(strategy, name, earlier)]

    def _bracket(self, strategy: int, entry: str, first: str) -> list[Any]:
        """An entry with a take-profit and a stop of which one cancels the other; at times with more or fewer legs."""
        rng, place = self.rng, self._place(strategy)
        legs = [self._across(place, entry, rng.choice((1, 1, 2, 4))) for _ in range(rng.choice((1, 2, 2, 2, 3)))]
        return [place, legs[0], *(leg._replace(oco=rng.choice((first, first, NO_ORDER))) for leg in legs[1:])]

    def _across(self, place: Any, parent: Any, order_type: int) -> PlaceOrder:
        """A child of an order."""
        instrument = self.config.instruments[place.instrument]
        lots = max(place.quantity // instrument.lot, 1)
        quantity = (lots if self.rng.random() < 0.6 else self.rng.randint(1, lots)) * instrument.lot
        terms = self._retyped(place.instrument, self._offered(place.instrument, order_type))
        made = PlaceOrder(place.instrument, 1 - place.side, time_in_force=0, quantity=quantity, parent=parent, **terms)
        return made._replace(reduce_only=self.rng.random() < 0.1 and self._capable(place.instrument).reduce_only)

    def _capable(self, index: int) -> Any:
        return self.config.venues[self.config.instruments[index].venue].capabilities

    def _offered(self, index: int, order_type: int) -> int:
        """The order type, or another one that the venue has."""
        while not self._capable(index).order_types >> order_type & 1:
            order_type = self.rng.randrange(7)
        return order_type

    def _joining(self, strategy: int, name: str, earlier: list[Any]) -> PlaceOrder | None:
        """A leg beside, or a child of, an order that is open or was just placed; at times one that does not fit."""
        rng, state = self.rng, self.state
        fresh: list[Any] = [
            (f"{name}#{index}", intent)
            for index, intent in enumerate(earlier)
            if type(intent) is PlaceOrder and intent.instrument < len(self.config.instruments) and intent.side < 2
        ]
        own = [(self.names[order.id], order) for order in state.orders.values() if self._leads(order, strategy)]
        known = fresh if fresh and rng.random() < 0.3 else own[-12:]
        if not known:
            return None
        label, other = rng.choice(known)
        if rng.random() < 0.5:
            return self._across(other, label, rng.choice((1, 2, 4)))
        leg = self._across(other, NO_ORDER, rng.choice((1, 2, 5)))._replace(side=other.side, oco=label)
        parent = state.orders.get(other.parent) if isinstance(other.parent, int) else None
        if parent is not None and parent.id in self.names and rng.random() < 0.9:
            return leg._replace(parent=self.names[parent.id])
        return leg._replace(parent=other.parent) if isinstance(other.parent, str) else leg

    def _leads(self, order: Any, strategy: int) -> bool:
        return bool(order.id.strategy == strategy and order.id in self.names and not order.oco and order.life in OPEN)

    def _intent(self, strategy: int, name: str, earlier: list[Any]) -> Any:
        rng = self.rng
        choice = rng.random()
        if choice < 0.52:
            return self._place(strategy)
        if choice < 0.58:
            return self._bent(strategy, min(rng.sample(INVALID, 5), key=self.coverage.codes.__getitem__))
        if choice < 0.96:
            return self._request(strategy, name, earlier)
        if choice < 0.975:
            return SetRiskFlag(rng.choice((0, 1, 1, 2, 255)), rng.random() < 0.5)
        return NoOp()

    def _place(self, strategy: int) -> PlaceOrder:
        """An order that most likely passes."""
        rng, state = self.rng, self.state
        index = rng.randrange(len(self.config.instruments))
        if not state.markets[index].has_mark and rng.random() < 0.9:
            index = next((i for i, market in enumerate(state.markets) if market.has_mark), index)
        instrument = self.config.instruments[index]
        capabilities = self.config.venues[instrument.venue].capabilities
        order_type = rng.choice((1, 1, 1, 1, 1, 1, 1, 0, 2, 3, 4, 5, 6))
        while not capabilities.order_types >> order_type & 1:
            order_type = rng.randrange(7)
        time_in_force = 0 if rng.random() < 0.75 else rng.randrange(5)
        while not capabilities.times_in_force >> time_in_force & 1:
            time_in_force = rng.randrange(5)
        held = state.own_position(strategy, index).quantity
        side = rng.randrange(2)
        quantity = rng.choice((1, 1, 2, 3, 5)) * (typical_quantity(instrument) // instrument.lot // 2 or 1)
        quantity = min(quantity * instrument.lot, instrument.max_quantity // instrument.lot * instrument.lot)
        if not instrument.initial_margin or (instrument.is_spot and rng.random() < 0.7):
            side = Side.SELL if held > 0 and rng.random() < 0.4 else Side.BUY
            if side == Side.SELL:
                quantity = max(min(quantity, held) // instrument.lot, 1) * instrument.lot
        if rng.random() < 0.05:
            quantity = max(abs(held) // instrument.lot, 1) * instrument.lot
        if rng.random() < 0.08 and (most := self._most(index)):
            quantity, order_type, side = most, OrderType.MARKET, Side.SELL if held < 0 else Side.BUY
        return PlaceOrder(
            index,
            side,
            order_type,
            time_in_force,
            quantity,
            self._price(index) if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else NONE_PRICE,
            self._stop(index, order_type),
            state.now + rng.choice((1, MINUTE)) if time_in_force == TimeInForce.GTD else NONE_PRICE,
            capabilities.post_only and rng.random() < 0.1,
            capabilities.reduce_only and rng.random() < 0.05,
            *self._trail(index, order_type),
        )

    def _most(self, index: int) -> int:
        """Nearly the largest quantity that a margin account at a simulated venue can carry, so that a move of the price leaves it below its
        maintenance margin; 0 where there is none."""
        state, instrument = self.state, self.config.instruments[index]
        account = self.config.accounts[state.account_of(index)]
        equity, market = state.equity(), state.markets[index]
        if account.kind is AccountKind.CASH or not self.config.venues[instrument.venue].simulated or not equity:
            return 0
        if not (instrument.maintenance_margin and market.has_mark and instrument.settlement_currency == 0):
            return 0
        value = contract_value(instrument, market.mark, instrument.lot * 1000) * instrument.initial_margin // 10**9
        lots = min(equity * 900 // max(value, 1), instrument.max_quantity // instrument.lot)
        return max(lots, 0) * instrument.lot

    def _stop(self, index: int, order_type: int) -> int:
        """A stop price where the type has one; at times one for a trail to start from."""
        if is_trailing(order_type):
            return self._price(index) if self.rng.random() < 0.3 else NONE_PRICE
        return self._price(index) if takes_stop(order_type) else NONE_PRICE

    def _trail(self, index: int, order_type: int) -> tuple[int, int, int]:
        """Trailing terms of the type: kind, offset, offset of the limit."""
        rng, instrument = self.rng, self.config.instruments[index]
        if not is_trailing(order_type):
            return 0, NONE_PRICE, NONE_PRICE
        kind = rng.randrange(3)
        ticks = rng.choice((1, 5, max(typical_price(instrument) // instrument.tick // 100, 1)))
        offset = (ticks * instrument.tick, ticks, rng.choice((1, 50, 333, 9_999)))[kind]
        beyond = rng.choice((0, 1, 10)) * instrument.tick
        return kind, offset, beyond if order_type == OrderType.TRAILING_STOP_LIMIT else NONE_PRICE

    def _price(self, index: int) -> int:
        """A price on the tick, around the last one; at times that of the last order, so that orders meet at one price."""
        instrument, market = self.config.instruments[index], self.state.markets[index]
        if self._last_price.get(index) and self.rng.random() < 0.2:
            return self._last_price[index]
        price = market.mark if market.has_mark else typical_price(instrument)
        price += price * self.rng.randint(-12, 12) // self.rng.choice((100, 100, 1000))
        price = min(max(price // instrument.tick, 1), instrument.max_price // instrument.tick) * instrument.tick
        self._last_price[index] = price
        return price

    def _bent(self, strategy: int, code: RejectCode) -> PlaceOrder:
        """An order that asks for this refusal."""
        rng, place = self.rng, self._place(strategy)
        instrument = self.config.instruments[place.instrument]
        changes: dict[str, Any] = {}
        if code is RejectCode.E_UNKNOWN_INSTRUMENT:
            changes = {"instrument": rng.choice((len(self.config.instruments), 2**32 - 2))}
        elif code is RejectCode.E_BAD_FIELD:
            changes = {rng.choice(("side", "order_type", "time_in_force")): rng.choice((5, 255))}
        elif code is RejectCode.E_QUANTITY:
            changes = {"quantity": rng.choice((0, -1, -I64_MAX, min(instrument.max_quantity + 1, I64_MAX) or 0))}
        elif code is RejectCode.E_LOT:
            changes = {"quantity": place.quantity + 1 if place.quantity < instrument.max_quantity else 1}
        elif code is RejectCode.E_PRICE_MISSING:
            prices = {"limit_price": NONE_PRICE, "stop_price": NONE_PRICE}
            changes = self._retyped(place.instrument, rng.choice((1, 2, 3))) | prices
        elif code is RejectCode.E_PRICE_UNEXPECTED:
            changes = {"order_type": 0, rng.choice(("limit_price", "stop_price")): self._price(place.instrument)}
            changes = self._retyped(place.instrument, 0) | changes
        elif code in (RejectCode.E_PRICE, RejectCode.E_TICK):
            bad = rng.choice((0, -5, min(instrument.max_price + 1, I64_MAX) if instrument.max_price < I64_MAX else 0))
            bad = self._price(place.instrument) + 1 if code is RejectCode.E_TICK else bad
            changes = self._retyped(place.instrument, 1) | {"limit_price": bad}
        elif code is RejectCode.E_EXPIRE_TIME:
            stamp = self.state.now + rng.choice((0, 1, -SECOND))
            changes = {"time_in_force": rng.choice((0, 3)), "expire_time": rng.choice((stamp, NONE_PRICE))}
        elif code is RejectCode.E_ORDER_TYPE:
            changes = self._retyped(place.instrument, rng.randrange(7))
        elif code is RejectCode.E_TRAIL:
            changes = self._untrailed(place)
        elif code is RejectCode.E_GROUP:
            other = OrderId(rng.choice((strategy, 0, 7)), rng.randrange(1, self.state.seq + 3), rng.randrange(3))
            changes = {rng.choice(("parent", "oco")): rng.choice((other, *list(self.names.values())[-5:]))}
        elif code is RejectCode.E_TIME_IN_FORCE:
            kind = rng.randrange(5)
            changes = {"time_in_force": kind, "expire_time": self.state.now + SECOND if kind == 3 else NONE_PRICE}
        elif code is RejectCode.E_POST_ONLY:
            changes = {"post_only": True}
        elif code is RejectCode.E_REDUCE_ONLY:
            changes = {"reduce_only": True}
        else:
            changes = self._risky(strategy, code, place)
        return place._replace(**changes)

    def _retyped(self, index: int, order_type: int) -> dict[str, Any]:
        """The terms of another order type."""
        kind, offset, beyond = self._trail(index, order_type)
        return {
            "order_type": order_type,
            "limit_price": self._price(index) if takes_limit(order_type) else NONE_PRICE,
            "stop_price": self._stop(index, order_type),
            "trail_kind": kind,
            "trail_offset": offset,
            "limit_offset": beyond,
        }

    def _untrailed(self, place: PlaceOrder) -> dict[str, Any]:
        """Trailing terms that are missing, unexpected or out of reach."""
        rng = self.rng
        name = rng.choice(("trail_kind", "trail_offset", "limit_offset"))
        if rng.random() < 0.4:
            return {name: rng.choice((1, 2)) if name == "trail_kind" else 100}
        bad = {"trail_kind": (3, 255), "trail_offset": (0, -1, I64_MAX, NONE_PRICE), "limit_offset": (-1, I64_MAX)}
        return self._retyped(place.instrument, rng.choice((4, 5))) | {name: rng.choice(bad[name])}

    def _risky(self, strategy: int, code: RejectCode, place: PlaceOrder) -> dict[str, Any]:
        """Changes that a risk check or the account should refuse."""
        rng = self.rng
        if code is RejectCode.E_NO_MARK:
            blind = [index for index, market in enumerate(self.state.markets) if not market.has_mark]
            return self._moved(place, rng.choice(blind)) if blind else {}
        limited = self.config.strategies[strategy].limits.instruments
        if code in (RejectCode.E_POSITION, RejectCode.E_ORDER_QUANTITY) and limited:
            place = place._replace(**self._moved(place, limited[0].instrument))
        instrument = self.config.instruments[place.instrument]
        most = instrument.max_quantity // instrument.lot * instrument.lot
        if code is RejectCode.E_SHORT:
            return {"instrument": place.instrument, "side": Side.SELL, "quantity": most}
        if code is RejectCode.E_PRICE_COLLAR and place.limit_price != NONE_PRICE:
            return {"limit_price": instrument.max_price // instrument.tick * instrument.tick}
        if code is RejectCode.E_RANGE or rng.random() < 0.5:
            return place._replace(quantity=most)._asdict()
        return place._replace(quantity=min(place.quantity * rng.choice((3, 10, 50)), most))._asdict()

    def _moved(self, place: PlaceOrder, index: int) -> dict[str, Any]:
        """The order on another instrument, in its steps."""
        instrument = self.config.instruments[index]
        changes: dict[str, Any] = {"instrument": index, "quantity": instrument.lot}
        for name in ("limit_price", "stop_price"):
            if getattr(place, name) != NONE_PRICE:
                changes[name] = self._price(index)
        return changes

    # --- requests on orders

    def _request(self, strategy: int, name: str, earlier: list[Any]) -> Any:
        """A cancel or a replace of one of the strategy's orders, the rarer in its state; at times of one that is not there."""
        rng, state = self.rng, self.state
        if rng.random() < 0.03:
            other = OrderId(rng.choice((strategy, 0, 7)), rng.randrange(1, state.seq + 3), rng.randrange(3))
            other_name = rng.choice(list(self.names.values())) if self.names and rng.random() < 0.5 else other
            return CancelOrder(other_name) if rng.random() < 0.5 else ReplaceOrder(other_name, 1)
        fresh = [index for index, intent in enumerate(earlier) if type(intent) is PlaceOrder]
        if fresh and rng.random() < 0.12:
            label = f"{name}#{rng.choice(fresh)}"
            place = earlier[int(label.rpartition("#")[2])]
            if rng.random() < 0.5:
                return CancelOrder(label)
            quantity = place.quantity
            if rng.random() < 0.6 and place.instrument < len(self.config.instruments):
                quantity = self.config.instruments[place.instrument].lot
            return ReplaceOrder(label, quantity, place.limit_price, place.stop_price)
        own = [order for order in state.orders.values() if order.id.strategy == strategy and order.id in self.names]
        working = [order for order in own if order.life in OPEN]
        if working and rng.random() < 0.75:
            own = working
        elif not own or (not working and rng.random() < 0.6):
            return self._place(strategy)
        filling = [order for order in working if order.net_filled > 0 and self._fills_in_parts(order)]
        if filling and rng.random() < 0.35:
            return self._replace(rng.choice(filling))
        options = []
        for order in rng.sample(own, min(len(own), 6)):
            for told in (OrderInput.CANCEL_REQUEST, OrderInput.REPLACE_REQUEST):
                known = self.coverage.rarity(order.state, told, Guard.ANY)
                options.append((known, rng.random(), order.ordinal, told))
        _, _, ordinal, told = min(options) if rng.random() < 0.7 else rng.choice(options)
        order = state.orders[ordinal]
        if told is OrderInput.REPLACE_REQUEST and (self._replaces(order) or rng.random() < 0.1):
            return self._replace(order)
        return CancelOrder(self.names[order.id])

    def _fills_in_parts(self, order: Any) -> bool:
        """Whether its venue replaces orders, and fills them a share of the volume at a time: a replace may meet a fill."""
        return self._replaces(order) and bool(self.config.venues[order.venue].participation)

    def _replaces(self, order: Any) -> bool:
        """Whether the order's venue can replace it."""
        venues = self.config.venues
        return order.venue < len(venues) and venues[order.venue].capabilities.replace

    def _replace(self, order: Any) -> ReplaceOrder:
        """New terms for an order, most of them possible."""
        rng, name = self.rng, self.names[order.id]
        if order.instrument >= len(self.config.instruments) or rng.random() < 0.04:
            return ReplaceOrder(name, rng.choice((0, 1, order.quantity)), rng.choice((NONE_PRICE, 0, 7)), NONE_PRICE)
        instrument = self.config.instruments[order.instrument]
        if rng.random() < 0.2 and order.net_filled > 0:
            quantity = max(order.net_filled // instrument.lot, 1) * instrument.lot
        else:
            base = order.quantity if order.life is Life.CREATED else max(order.net_filled, 0) + order.open_quantity
            quantity = base // instrument.lot + rng.choice((-1, 0, 0, 1, 2))
            quantity = max(quantity, order.net_filled // instrument.lot + 1, 1) * instrument.lot
            if self.config.venues[instrument.venue].participation and rng.random() < 0.8:
                # Little enough that what fills on the way is more.
                quantity = max(order.net_filled // instrument.lot + 1, 1) * instrument.lot
        quantity = min(quantity, instrument.max_quantity // instrument.lot * instrument.lot)
        limit = order.limit_price if rng.random() < 0.3 else self._price(order.instrument)
        stop = self._stop(order.instrument, order.order_type)
        if takes_stop(order.order_type) and rng.random() < 0.3:
            stop = order.stop_price
        return ReplaceOrder(name, quantity, limit if takes_limit(order.order_type) else NONE_PRICE, stop)
