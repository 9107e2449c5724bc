"""A moment of a run: the state after a step, what the step was and what it led to, as values that do not change. `next` and `previous`
step on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.ask.words import Words, event_name, flag_name, number
from cracktrader.core.indicator import to_float
from cracktrader.core.intent import RiskFlag
from cracktrader.core.order import STATUS_NAMES, Order
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE
from cracktrader.data.stamps import time_text

if TYPE_CHECKING:
    from cracktrader.analysis.ask.playback import Playback
    from cracktrader.analysis.ask.steps import Step
    from cracktrader.core.state import State


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of a run after the step `seq`. Prices, quantities and money are floats; times are ns since the epoch, UTC."""

    seq: int
    time: int
    """The event clock."""
    last_seq: int
    """Of the journal."""
    event: dict[str, Any]
    """type, text, event_time, ingest_time, symbol, origin, recorded, and the payload's fields as the core has them."""
    answers: tuple[dict[str, Any], ...]
    """By strategy: what it answered, each with a text."""
    changed: tuple[str, ...]
    """What the step led to: orders with their new status, in words."""
    orders: tuple[dict[str, Any], ...]
    """Open orders, oldest first."""
    positions: tuple[dict[str, Any], ...]
    """By strategy and symbol, then by account ("account" names it), flat ones left out."""
    cash: dict[str, float]
    """By currency, all accounts together."""
    ledgers: tuple[dict[str, Any], ...]
    """By account and currency: cash and what it came from."""
    equity: float | None
    """In the base currency; None while a position has no mark or a currency no rate."""
    markets: tuple[dict[str, Any], ...]
    """By symbol: mark, when it was made, bid and ask."""
    indicators: tuple[dict[str, Any], ...]
    """By strategy: name and value of each line, None until warm."""
    timers: tuple[dict[str, Any], ...]
    """That wait: strategy, timer, deadline."""
    flags: tuple[str, ...]
    """Risk flags and halts that are on, in words; "the engine is stopped by ..." among them."""
    text: str
    """The whole for people."""
    _playback: Playback

    def next(self, count: int = 1) -> Moment:
        """So many steps later. ConfigError behind the last."""
        return moment(self._playback, self.seq + count)

    def previous(self, count: int = 1) -> Moment:
        """So many steps earlier. ConfigError before the first."""
        return moment(self._playback, self.seq - count)

    def __repr__(self) -> str:
        held = (
            ", ".join(f"{one['quantity']:g} {one['symbol']}" for one in self.positions if "strategy" in one) or "flat"
        )
        equity = "unknown" if self.equity is None else f"{self.equity:,.2f}"
        when = f"seq {self.seq:,}, {time_text(self.time)}, {self.event['type']}"
        return f"Moment({when}: {held}, {len(self.orders)} open orders, equity {equity})"

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        names = (
            "seq time last_seq event answers changed orders positions cash ledgers equity markets indicators timers flags"
        ).split()
        return {name: getattr(self, name) for name in names}


def moment(playback: Playback, at: int | str) -> Moment:
    """The state after a step, or at a time. ConfigError where the run has no such moment."""
    seq = playback.seq_of(at)
    run = playback.run
    words = Words(run.config, run.setup.timeframes)
    step = playback.step(seq)
    state = playback.state(seq)
    words.learn((*state.orders.values(), *step.orders.values()))
    return _Reading(playback, words, step, state).moment()


class _Reading:
    """One state, read into values and lines."""

    def __init__(self, playback: Playback, words: Words, step: Step, state: State) -> None:
        self.playback, self.words, self.step, self.state = playback, words, step, state
        self.config = state.config

    def moment(self) -> Moment:
        state = self.state
        values: dict[str, Any] = {
            "seq": self.step.seq,
            "time": state.now,
            "last_seq": self.playback.last_seq,
            "event": self.event(),
            "answers": tuple(self.answers()),
            "changed": tuple(self.changed()),
            "orders": tuple(order_fields(self.words, one) for one in open_orders(state)),
            "positions": tuple(self.positions()),
            "cash": self.cash(),
            "ledgers": tuple(self.ledgers()),
            "equity": self.amount(state.equity(), self.config.base_currency),
            "markets": tuple(self.markets()),
            "indicators": tuple(indicator_fields(self.words, state)),
            "timers": tuple(self.timers()),
            "flags": tuple(self.flags()),
        }
        return Moment(**values, text="\n".join(_lines(values, self.words, state)), _playback=self.playback)

    def event(self) -> dict[str, Any]:
        return event_fields(self.words, self.step)

    def answers(self) -> list[dict[str, Any]]:
        return [answer_fields(self.words, one) for one in self.step.record.answers]

    def changed(self) -> list[str]:
        orders = self.step.orders
        told = [f"order {ordinal}: {STATUS_NAMES[order.status]}" for ordinal, order in sorted(orders.items())]
        told += [
            self.words.verdict(finding, self.step.record.event.instrument)
            for finding in self.step.record.findings
            if finding.code
        ]
        return told

    def positions(self) -> list[dict[str, Any]]:
        held = [
            {"strategy": self.words.strategy(strategy), **self.position(instrument, position)}
            for (strategy, instrument), position in sorted(self.state.strategies.items())
            if position.quantity
        ]
        held += [
            {"account": self.config.accounts[account].name, **self.position(instrument, position)}
            for (account, instrument), position in sorted(self.state.accounts.items())
            if position.quantity
        ]
        return held

    def position(self, instrument: int, position: Position) -> dict[str, Any]:
        declared = self.config.instruments[instrument]
        return {
            "symbol": declared.name,
            "quantity": to_float(position.quantity, declared.quantity_decimals),
            "average_price": self.words.average(position, instrument),
            "realized_pnl": to_float(position.realized_pnl, declared.settlement_scale),
            "text": self.words.position(position, instrument),
        }

    def amount(self, amount: int | None, currency: int) -> float | None:
        return None if amount is None else to_float(amount, self.config.currencies[currency].scale)

    def cash(self) -> dict[str, float]:
        total: dict[int, int] = {}
        for (_, currency), ledger in sorted(self.state.ledgers.items()):
            total[currency] = total.get(currency, 0) + ledger.cash
        return {
            self.words.currency(currency): self.amount(amount, currency) or 0.0 for currency, amount in total.items()
        }

    def ledgers(self) -> list[dict[str, Any]]:
        return [
            {
                "account": self.config.accounts[account].name,
                "currency": self.words.currency(currency),
                **{name: self.amount(getattr(ledger, name), currency) for name in ledger._fields},
            }
            for (account, currency), ledger in sorted(self.state.ledgers.items())
        ]

    def markets(self) -> list[dict[str, Any]]:
        made = []
        for index, market in enumerate(self.state.markets):
            declared = self.config.instruments[index]
            prices = {
                name: None if price == NONE_PRICE else to_float(price, declared.price_decimals)
                for name, price in (("mark", market.mark), ("bid", market.bid), ("ask", market.ask))
            }
            status = [name for name in ("halted", "frozen") if getattr(market, name)]
            made.append(
                {
                    "symbol": declared.name,
                    **prices,
                    "mark_time": market.mark_time if market.has_mark else None,
                    "status": status,
                }
            )
        return made

    def timers(self) -> list[dict[str, Any]]:
        return [
            {"strategy": self.words.strategy(strategy), "timer": timer, "deadline": deadline}
            for deadline, strategy, timer in self.state.timers.queue
        ]

    def flags(self) -> list[str]:
        state = self.state
        told = [f"the engine is stopped by {REJECTS[state.stopped].slug}"] if state.stopped else []
        told += ["the data has ended"] if state.ended else []
        names = {"kill_switch": flag_name(RiskFlag.KILL_SWITCH), "reduce_only": flag_name(RiskFlag.REDUCE_ONLY)}
        told += [f"{words} for everybody" for name, words in names.items() if getattr(state, name)]
        for index, owner in enumerate(state.owners):
            named = self.words.strategy(index)
            told += [f"{named} is halted"] if owner.halted else []
            told += [f"{words} for {named}" for name, words in names.items() if getattr(owner, name)]
        return told


def event_fields(words: Words, step: Step) -> dict[str, Any]:
    """An event as plain values."""
    event = step.record.event
    known = event.instrument < len(words.config.instruments)
    return {
        "type": event_name(event),
        "text": words.event(event),
        "event_time": event.event_time,
        "ingest_time": event.ingest_time,
        "symbol": words.symbol(event.instrument) if known else None,
        "origin": step.record.origin.name.lower(),
        "key": event.idempotency_key,
        "fields": event.payload._asdict(),
    }


def answer_fields(words: Words, answer: Any) -> dict[str, Any]:
    """An answer as plain values: intents with their verdicts."""
    return {
        "strategy": words.strategy(answer.strategy),
        "error": answer.error,
        "intents": [
            {
                "text": words.intent(intent),
                "type": type(intent).__name__,
                "code": REJECTS[finding.code].slug if finding.code else "",
                "verdict": words.verdict(finding, words.instrument_of(intent)),
            }
            for intent, finding in answer.intents
        ],
        "timers": [
            {"timer": one.timer, "deadline": None if one.deadline == NONE_PRICE else one.deadline}
            for one in answer.timers
        ],
        "text": words.answer(answer),
    }


def open_orders(state: State) -> list[Order]:
    """Orders at a venue and orders that are held, oldest first."""
    return [order for order in state.orders.values() if not order.life.is_closed]


def order_fields(words: Words, order: Order) -> dict[str, Any]:
    """An order as plain values."""
    declared = words.config.instruments[order.instrument] if order.instrument < len(words.config.instruments) else None
    quantity_decimals = declared.quantity_decimals if declared else 0
    price_decimals = declared.price_decimals if declared else 0

    def price(value: int) -> float | None:
        return None if value == NONE_PRICE else to_float(value, price_decimals)

    return {
        "order": order.ordinal,
        "id": f"{order.id.strategy}:{order.id.seq}:{order.id.index}",
        "strategy": words.strategy(order.id.strategy),
        "symbol": words.symbol(order.instrument),
        "status": STATUS_NAMES[order.status],
        "quantity": to_float(order.quantity, quantity_decimals),
        "filled_quantity": to_float(order.net_filled, quantity_decimals),
        "remaining_quantity": to_float(order.remaining_quantity, quantity_decimals),
        "limit_price": price(order.limit_price),
        "stop_price": price(order.stop_price),
        "created": order.created_time,
        "parent": order.parent,
        "oco": order.oco,
        "text": words.order_terms(order),
    }


def indicator_fields(words: Words, state: State, strategy: int | None = None) -> list[dict[str, Any]]:
    """The indicators of all strategies or of one: each line with its value, None until warm."""
    declarations = [one.declaration for one in state.indicators]
    made = []
    for one in state.indicators:
        if strategy is not None and one.strategy != strategy:
            continue
        values = [one.value(line, 0) for line in range(len(one.lines))]
        made.append(
            {
                "strategy": words.strategy(one.strategy),
                "name": words.declared(one.declaration, declarations),
                "values": {
                    name: None if math.isnan(value) else value for name, value in zip(one.lines, values, strict=True)
                },
            }
        )
    return made


def indicator_text(fields: dict[str, Any]) -> str:
    """An indicator with its values, in words."""
    values = fields["values"]
    told = {name: "not warm" if value is None else number(value) for name, value in values.items()}
    if all(value is None for value in values.values()):
        return f"{fields['name']} not warm"
    return f"{fields['name']} " + (
        ", ".join(f"{name} {value}" for name, value in told.items()) if len(told) > 1 else next(iter(told.values()))
    )


def _lines(values: dict[str, Any], words: Words, state: State) -> list[str]:
    """The moment for people."""
    event = values["event"]
    stamped = "" if event["event_time"] == event["ingest_time"] else f", stamped {time_text(event['event_time'])}"
    lines = [
        f"seq {values['seq']:,} of {values['last_seq']:,}, {time_text(values['time'])}",
        f"  {event['text']}{stamped}",
    ]
    for answer in values["answers"]:
        lines += [f"  {answer['strategy']} answered: {line}" for line in answer["text"]]
    lines += [f"  led to {line}" for line in values["changed"]]
    told = {
        "orders": [f"{one['order']} {one['text']}: {one['status']}" for one in values["orders"]] or ["none open"],
        "positions": [
            f"{one.get('strategy') or 'account ' + one['account']}: {one['symbol']} {one['text']}"
            for one in values["positions"]
        ]
        or ["flat"],
        "cash": [words.money(currency, ledger.cash) for (_, currency), ledger in sorted(state.ledgers.items())],
        "equity": [words.base(state.equity())],
        "market": [line for index in range(len(state.markets)) if (line := _market(words, state, index))],
        "indicators": [
            (f"{one['strategy']}: " if len(words.config.strategies) > 1 else "") + indicator_text(one)
            for one in values["indicators"]
        ],
        "timers": [f"{one['timer']} of {one['strategy']} at {time_text(one['deadline'])}" for one in values["timers"]],
        "flags": list(values["flags"]),
    }
    width = max(map(len, told))
    for name, listed in told.items():
        lines += [f"{name if not at else '':<{width}}  {line}" for at, line in enumerate(listed)]
    return lines


def _market(words: Words, state: State, index: int) -> str:
    market = state.markets[index]
    if not market.has_mark:
        return f"{words.symbol(index)} not shown yet"
    top = ""
    if market.bid != NONE_PRICE:
        top = f", bid {words.price(index, market.bid)}, ask {words.price(index, market.ask)}"
    shut = ", halted" if market.halted else ", frozen" if market.frozen else ""
    return f"{words.symbol(index)} {words.price(index, market.mark)}{top}{shut} ({time_text(market.mark_time)})"
