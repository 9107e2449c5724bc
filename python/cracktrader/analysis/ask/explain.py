"""The life of one order as a person reads it: the event that led to it with the indicators of that moment, the intent, what admission
said, every report with the order's status after it, and what it did to the position.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.ask.moment import event_fields, indicator_fields, indicator_text
from cracktrader.analysis.ask.steps import Step, order_needles, steps
from cracktrader.analysis.ask.words import Words, event_name, fill_rule, number, span_text
from cracktrader.core.codec import Answer, Finding
from cracktrader.core.engine.facts import order_ordinal
from cracktrader.core.event import Denied, Filled, Replaced
from cracktrader.core.intent import CancelOrder, PlaceOrder, ReplaceOrder
from cracktrader.core.order import STATUS_NAMES, Order, Status
from cracktrader.core.reject import REJECTS
from cracktrader.data.stamps import time_text
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cracktrader.analysis.ask.playback import Playback
    from cracktrader.core.engine import Execution
    from cracktrader.core.view import OrderFacts

NEAR = 5
"""How many orders are listed where the one asked for is not there."""
_NAME = re.compile(r"\s*(\d+):(\d+):(\d+)\s*\Z")
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to an order."""

    seq: int
    time: int
    """The event clock, ns."""
    since_ns: int
    """After the happening before."""
    kind: str
    """"signal", "request" (of the strategy, later), "change" (by the engine), else the type of the report."""
    text: str
    details: tuple[str, ...]
    status: str
    """Of the order after it."""
    fields: dict[str, Any] = field(default_factory=dict)
    """The same as values."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The life of an order. `str` is the text; money is in the currency of settlement."""

    order: int
    """Its ordinal."""
    id: str
    """strategy:seq:index."""
    strategy: str
    symbol: str
    terms: str
    """As it was asked for."""
    status: str
    """At the end of the journal."""
    happenings: tuple[Happening, ...]
    filled_quantity: float
    average_price: float | None
    fees: dict[str, float]
    """By currency."""
    realized_pnl: float
    """What its fills realised, before fees."""
    group: tuple[dict[str, Any], ...]
    """The orders that it is bound to, itself included: order, role, terms, status; empty for a lone order."""
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Explanation(order {self.order} of {self.strategy}: {self.terms}: {self.status}; print it for its life)"

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text as plain values, for JSON."""
        names = ("order id strategy symbol terms status filled_quantity average_price fees realized_pnl group").split()
        told = {name: getattr(self, name) for name in names}
        fields = ("seq", "time", "since_ns", "kind", "text", "details", "status", "fields")
        return told | {"happenings": [{name: getattr(one, name) for name in fields} for one in self.happenings]}


def explain_order(playback: Playback, order: int | str) -> Explanation:
    """The life of an order, named by its ordinal or by strategy:seq:index. ConfigError where the run has no such order."""
    facts = find_order(playback, order)
    return _Life(playback, facts).explanation()


def find_order(playback: Playback, order: int | str) -> OrderFacts:
    """The order of this name, as it was at the end. ConfigError, with how many there are and those that are near."""
    orders = playback.orders()
    named = _NAME.match(order) if isinstance(order, str) else None
    if named:
        wanted = tuple(map(int, named.groups()))
        found = next((one for one in orders.values() if (one.strategy, one.seq, one.index) == wanted), None)
        near = sorted(
            orders.values(), key=lambda one: (one.strategy != wanted[0], abs(one.seq - wanted[1]), one.ordinal)
        )
    else:
        text = str(order).strip().replace(",", "")
        if isinstance(order, bool) or not text.isdigit():
            raise ConfigError(f"{order!r} names no order: give its number, as in result.orders, or strategy:seq:index")
        found = orders.get(int(text))
        near = sorted(orders.values(), key=lambda one: (abs(one.ordinal - int(text)), one.ordinal))
    if found is not None:
        return found
    if not orders:
        raise ConfigError(f"there is no order {order}: the run has none; `explain RUN --refused` says what was refused")
    words = Words(playback.run.config, playback.run.setup.timeframes)
    listed = "\n".join(
        f"  {one.ordinal} ({one.strategy}:{one.seq}:{one.index}) {words.order_terms(one)}: {STATUS_NAMES[one.status]}"
        for one in sorted(near[:NEAR], key=lambda one: one.ordinal)
    )
    raise ConfigError(f"there is no order {order}: the run has {len(orders):,}, numbered from 1; near it are\n{listed}")


class _Life:
    """One order on its way through the journal."""

    def __init__(self, playback: Playback, facts: OrderFacts) -> None:
        self.playback, self.facts = playback, facts
        self.words = Words(playback.run.config, playback.run.setup.timeframes)
        self.name = (facts.strategy, facts.seq, facts.index)
        self.known = facts.instrument < len(playback.run.config.instruments)
        self.order: Order | None = None
        self.happenings: list[Happening] = []
        fills = [one for one in playback.executions() if one.order == facts.ordinal]
        self.fills: list[Execution] = fills

    def explanation(self) -> Explanation:
        self._walk()
        facts, words = self.facts, self.words
        terms = self.happenings[0].fields["terms"] if self.happenings else words.order_terms(facts)
        values: dict[str, Any] = {
            "order": facts.ordinal,
            "id": ":".join(map(str, self.name)),
            "strategy": words.strategy(facts.strategy),
            "symbol": words.symbol(facts.instrument),
            "terms": terms,
            "status": STATUS_NAMES[facts.status],
            "happenings": tuple(self.happenings),
            **self._outcome(),
            "group": tuple(self._group()),
        }
        return Explanation(**values, text="\n".join(_lines(values, self._result())))

    def _walk(self) -> None:
        needles = order_needles(self.facts.ordinal, self.name)
        for step in steps(self.playback.run, needles, first=self.facts.seq):
            before = self.order
            changed = step.orders
            self.words.learn(changed.values())
            self.order = changed.get(self.facts.ordinal, before)
            if step.seq == self.facts.seq:
                self._signal(step)
            elif order_ordinal(step.record.event.payload) == self.facts.ordinal:
                self._report(step, before)
            elif requests := list(self._requests(step)):
                self._request(step, requests)
            elif self.order is not before:
                self._changed(step, before)

    # --- what happened

    def _signal(self, step: Step) -> None:
        """The event at which the strategy placed the order."""
        words, strategy = self.words, self.facts.strategy
        answer = next(one for one in step.record.answers if one.strategy == strategy)
        intent, finding = answer.intents[self.facts.index]
        assert isinstance(intent, PlaceOrder)
        details = self._position_before(step.seq)
        # After the position before it: playing on is cheap, going back is not.
        indicators = indicator_fields(words, self.playback.state(step.seq), strategy)
        details = [*(indicator_text(one) for one in indicators), *details]
        checks = words.checks(finding)
        of = f" {self.facts.index + 1} of {len(answer.intents)}" if len(answer.intents) > 1 else ""
        details += [
            f"intent{of}: {words.intent(intent)}",
            f"admission: {', '.join(f'{name} {outcome}' for name, outcome in checks)}",
        ]
        if finding.code:
            details += self._refusal(finding)
        details += self._command()
        self._add(
            step,
            "signal",
            words.event(step.record.event),
            details,
            {
                "event": event_fields(words, step),
                "indicators": indicators,
                "terms": words.order_terms(intent),
                "intent": intent._asdict(),
                "checks": dict(checks),
                "verdict": self._verdict_fields(finding),
            },
        )

    def _position_before(self, seq: int) -> list[str]:
        """What the strategy and its account had before it was called."""
        if seq == 0:
            return []
        state, words = self.playback.state(seq - 1), self.words
        equity = words.base(state.equity())
        if not self.known:
            return [f"before it: equity {equity}"]
        held = words.position(state.own_position(self.facts.strategy, self.facts.instrument), self.facts.instrument)
        currency = words.config.instruments[self.facts.instrument].settlement_currency
        cash = words.money(currency, state.ledger(state.account_of(self.facts.instrument), currency).cash)
        return [f"before it: position {held}, cash {cash}, equity {equity}"]

    def _refusal(self, finding: Finding) -> list[str]:
        found = REJECTS[finding.code]
        message = self.words.message(finding, self.facts.instrument)
        return [f"refused by {found.slug}: {message}", f"remedy: {found.remedy}"]

    def _verdict_fields(self, finding: Finding) -> dict[str, Any]:
        code = REJECTS[finding.code].slug if finding.code else ""
        return {"code": code, "value": finding.value, "limit": finding.limit}

    def _command(self) -> list[str]:
        """What the engine did with it."""
        if self.order is None or self.order.status is Status.CREATED or self.order.status is Status.DENIED:
            return []
        if self.order.status is Status.HELD:
            return [f"command: held by the engine until order {self.order.parent} fills"]
        venue = self.words.config.venues[self.order.venue]
        delay = f", there after {span_text(venue.submit_latency)}" if venue.simulated and venue.submit_latency else ""
        return [f"command: sent to {'the simulated venue' if venue.simulated else 'venue'} {venue.name}{delay}"]

    def _report(self, step: Step, before: Order | None) -> None:
        payload, words = step.record.event.payload, self.words
        text = words.event(step.record.event)
        details: list[str] = []
        fields: dict[str, Any] = payload._asdict()
        if isinstance(payload, Filled):
            text = f"filled {words.fill(payload, self.facts.instrument)}"
            rule = fill_rule(payload.rule)
            details += [rule] if rule else []
            details += self._moved(step, fields)
        elif isinstance(payload, Replaced):
            text = f"replaced: {words.terms(self.facts.instrument, *payload[1:])}"
        elif isinstance(payload, Denied):
            finding = Finding(payload.code, payload.value, payload.limit)
            text = f"denied: {words.message(finding, self.facts.instrument)} ({REJECTS[payload.code].slug})"
        else:
            text = event_name(step.record.event) + words.reason(
                getattr(payload, "reason", 0), getattr(payload, "text", "")
            )
            remedy = REJECTS.get(getattr(payload, "reason", 0))
            details += [f"remedy: {remedy.remedy}"] if remedy is not None else []
        event = step.record.event
        if event.event_time != event.ingest_time:
            details.append(
                f"at the venue {time_text(event.event_time)}, here {span_text(event.ingest_time - event.event_time)} later"
            )
        details += [f"found: {words.verdict(one, self.facts.instrument)}" for one in step.record.findings if one.code]
        del before
        self._add(step, event_name(event), text, details, fields)

    def _moved(self, step: Step, fields: dict[str, Any]) -> list[str]:
        """The position before and after a fill, and what it realised."""
        at, strategy, words = self.facts.instrument, self.facts.strategy, self.words
        before = self.playback.state(step.seq - 1).own_position(strategy, at)
        after = self.playback.state(step.seq).own_position(strategy, at)
        realized = after.realized_pnl - before.realized_pnl
        fields |= {"position_before": before._asdict(), "position_after": after._asdict(), "realized": realized}
        told = f"position {words.position(before, at)} -> {words.position(after, at)}"
        return [told + (f", realised {words.settled(at, realized)}" if realized or not after.quantity else "")]

    def _requests(self, step: Step) -> Iterator[tuple[Answer, CancelOrder | ReplaceOrder, Finding]]:
        """What the strategy asked for this order later."""
        for answer in step.record.answers:
            for intent, finding in answer.intents:
                if isinstance(intent, CancelOrder | ReplaceOrder) and tuple(intent.order) == self.name:
                    yield answer, intent, finding

    def _request(self, step: Step, requests: list[tuple[Answer, CancelOrder | ReplaceOrder, Finding]]) -> None:
        words = self.words
        details = [
            indicator_text(one) for one in indicator_fields(words, self.playback.state(step.seq), self.facts.strategy)
        ]
        verdicts = []
        for answer, intent, finding in requests:
            asked = words.intent(intent).replace(f" order {self.facts.ordinal}", "", 1)
            whose = "" if answer.strategy == self.facts.strategy else f" by {words.strategy(answer.strategy)}"
            checks = ", ".join(f"{name} {outcome}" for name, outcome in words.checks(finding))
            details += [f"intent{whose}: {asked}", f"admission: {checks}"]
            details += self._refusal(finding) if finding.code else ["command: sent to the venue"]
            verdicts.append({"intent": intent._asdict(), "verdict": self._verdict_fields(finding)})
        self._add(step, "request", words.event(step.record.event), details, {"requests": verdicts})

    def _changed(self, step: Step, before: Order | None) -> None:
        """The engine changed it because of something else: a group that it tends."""
        assert self.order is not None
        details = []
        if before is not None and before.quantity != self.order.quantity:
            sizes = [self.words.quantity(self.facts.instrument, one.quantity) for one in (before, self.order)]
            details.append(f"the engine: quantity {sizes[0]} -> {sizes[1]}, for what its group leaves")
        elif before is not None and before.status is Status.HELD and self.order.status is Status.SUBMITTED:
            details.append("command: released and sent to the venue")
        elif before is not None and before.pending != self.order.pending:
            details.append("command: the engine asks the venue, for its group")
        if before is not None and before.state == self.order.state and before.quantity == self.order.quantity:
            return
        self._add(step, "change", self.words.event(step.record.event), details, {})

    def _add(self, step: Step, kind: str, text: str, details: list[str], fields: dict[str, Any]) -> None:
        time = step.record.event.ingest_time
        since = time - self.happenings[-1].time if self.happenings else 0
        status = STATUS_NAMES[self.order.status] if self.order is not None else STATUS_NAMES[self.facts.status]
        self.happenings.append(Happening(step.seq, time, max(since, 0), kind, text, tuple(details), status, fields))

    # --- what came of it

    def _outcome(self) -> dict[str, Any]:
        from cracktrader.core.indicator import to_float

        config, facts = self.words.config, self.facts
        fees: dict[str, float] = {}
        for one in self.fills:
            name = self.words.currency(one.fee_currency)
            fees[name] = fees.get(name, 0.0) + to_float(one.fee, config.currencies[one.fee_currency].scale)
        if not self.known:
            return {"filled_quantity": 0.0, "average_price": None, "fees": fees, "realized_pnl": 0.0}
        declared = config.instruments[facts.instrument]
        return {
            "filled_quantity": to_float(facts.filled_quantity, declared.quantity_decimals),
            "average_price": _average(self, facts),
            "fees": fees,
            "realized_pnl": to_float(sum(one.realized_pnl for one in self.fills), declared.settlement_scale),
        }

    def _result(self) -> list[str]:
        """Filled quantity, fees and profit, of the order and of its group, in words."""
        words, at = self.words, self.facts.instrument
        if not self.fills:
            return ["nothing was filled"]
        average = _average(self, self.facts)
        verb = "" if self.facts.status == Status.FILLED else "filled "
        size = words.quantity(at, self.facts.filled_quantity)
        told = [f"{verb}{size}" + (f" at {number(average)}" if average else "")]
        told.append(_profit(words, at, self.fills))
        members = [one["order"] for one in self._group()]
        lines = [", ".join(told)]
        if members:
            fills = [one for one in self.playback.executions() if one.order in members]
            lines.append(f"with its group: {_profit(words, at, fills)}")
        return lines

    def _group(self) -> list[dict[str, Any]]:
        orders = self.playback.orders()
        root = _root(self.facts, orders)
        members = [one for one in orders.values() if _root(one, orders) == root]
        if len(members) < 2:
            return []
        return [
            {
                "order": one.ordinal,
                "role": "exit" if one.parent else "entry" if any(other.parent for other in members) else "leg",
                "terms": self.words.order_terms(one),
                "status": STATUS_NAMES[one.status],
                "code": REJECTS[one.code].slug if one.code in REJECTS else "",
            }
            for one in members
        ]


def _average(life: _Life, facts: OrderFacts) -> float | None:
    from cracktrader.strategy.views import average_price

    return average_price(life.words.config.instruments[facts.instrument], facts.filled_value, facts.filled_quantity)


def _root(facts: OrderFacts, orders: dict[int, OrderFacts]) -> int:
    """The order that names the group."""
    first = orders.get(facts.parent, facts) if facts.parent else facts
    return first.oco or first.ordinal


def _profit(words: Words, instrument: int, fills: list[Execution]) -> str:
    """What fills realised and cost."""
    fees: dict[int, int] = {}
    for one in fills:
        fees[one.fee_currency] = fees.get(one.fee_currency, 0) + one.fee
    paid = " and ".join(words.money(currency, fee) for currency, fee in sorted(fees.items()))
    realized = words.settled(instrument, sum(one.realized_pnl for one in fills))
    return f"realised {realized} before fees of {paid}"


def _lines(values: dict[str, Any], result: list[str]) -> Iterator[str]:
    yield f"order {values['order']} ({values['id']}) of {values['strategy']}: {values['terms']}"
    yield f"{values['status']}: {'; '.join(result)}"
    for at, one in enumerate(values["happenings"]):
        yield ""
        when = time_text(one.time) + (f" (+{span_text(one.since_ns)})" if at and one.since_ns else "")
        yield f"seq {one.seq:,}  {when}  {one.text}"
        yield from (_INDENT + line for line in one.details)
        yield f"{_INDENT}-> {one.status}"
    if values["group"]:
        yield ""
        yield "group"
        for one in values["group"]:
            code = f" ({one['code']})" if one["code"] else ""
            yield f"{_INDENT}{one['role']:<5}  {one['order']} {one['terms']}: {one['status']}{code}"
