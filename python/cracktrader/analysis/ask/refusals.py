"""Trades that did not come about: what strategies answered at a moment, or why one was not called or answered nothing; and every refusal of
a run by its code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.ask.moment import event_fields, indicator_fields, indicator_text
from cracktrader.analysis.ask.steps import Progress, Step, steps
from cracktrader.analysis.ask.words import Words
from cracktrader.core.engine.facts import order_ordinal
from cracktrader.core.event import EVENT_TYPES, Bar, EventType, Filled, Quote, Refused, TimerFired, Trade
from cracktrader.core.intent import CancelOrder, ReplaceOrder
from cracktrader.core.order import STATUS_NAMES
from cracktrader.core.reject import REJECTS, RejectCode
from cracktrader.data.stamps import time_text
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.analysis.ask.playback import Playback
    from cracktrader.core.codec import Answer
    from cracktrader.core.state import State
    from cracktrader.runtime.rerun import RecordedRun

LOOK_BACK = 8
"""How many steps before a moment are searched first for one of a symbol."""
EXAMPLES = 3
"""How many refusals of one code are listed in the text."""
_FOLLOWING = (RejectCode.E_GROUP, RejectCode.V_GROUP, RejectCode.V_PARENT)
"""Codes of orders that mostly end because another one did: the cause is listed before them."""
_MARKET = (Bar, Trade, Quote)
_HOOKS = {
    EventType.START: "on_start",
    EventType.RUN_STOPPED: "on_stop",
    EventType.BAR: "on_bar",
    EventType.TRADE: "on_trade",
    EventType.QUOTE: "on_quote",
    EventType.TIMER_FIRED: "on_timer",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a moment. `str` is the text."""

    seq: int
    time: int
    event: dict[str, Any]
    strategies: tuple[dict[str, Any], ...]
    """By strategy: answered, reason, lines, held (its positions and open orders after the step), indicators."""
    text: str

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text as plain values, for JSON."""
        return {"seq": self.seq, "time": self.time, "event": self.event, "strategies": list(self.strategies)}


def explain_at(playback: Playback, at: int | str, symbol: str | None = None) -> Asked:
    """What every strategy answered at a step, and why where it was nothing. Of a time, at the last market data or timer until then; with a
    symbol, at the last market data of it. ConfigError."""
    words = Words(playback.run.config, playback.run.setup.timeframes)
    seq = playback.seq_of(at)
    instrument = None if symbol is None else _instrument(words, symbol)
    searched = symbol is not None or playback.is_time(at)
    step = _last_of(playback, seq, instrument) if searched else playback.step(seq)
    told = [_strategy(playback, words, step, index) for index in range(len(words.config.strategies))]
    event, time = event_fields(words, step), step.record.event.ingest_time
    lines = [f"seq {step.seq:,}  {time_text(time)}  {event['text']}"]
    for one in told:
        lines += [f"  {line}" for line in one["lines"]]
        lines += [f"    {line}" for line in one["held"]]
        lines += [f"    {indicator_text(line)}" for line in one["indicators"]]
    return Asked(step.seq, time, event, tuple(told), "\n".join(lines))


def _instrument(words: Words, symbol: str) -> int:
    names = [one.name for one in words.config.instruments]
    if symbol not in names:
        raise ConfigError(f"the run has no symbol {symbol!r}: not subscribed; it has: {', '.join(names)}")
    return names.index(symbol)


def _last_of(playback: Playback, seq: int, instrument: int | None) -> Step:
    """The last step of market data of an instrument until a step; of any, or of a timer, without one."""
    first, searched = max(seq - LOOK_BACK, 0), seq + 1
    while True:
        found: Step | None = None
        for at in range(first, searched):
            step = playback.step(at)
            event = step.record.event
            wanted = (*_MARKET, TimerFired) if instrument is None else _MARKET
            if instrument in (None, event.instrument) and isinstance(event.payload, wanted):
                found = step
        if found is not None:
            return found
        if first == 0:
            if instrument is None:
                return playback.step(seq)
            name = playback.run.config.instruments[instrument].name
            raise ConfigError(f"nothing was shown of {name} until seq {seq:,}: its data begins later")
        first, searched = max(first - 4 * (searched - first), 0), first


def _strategy(playback: Playback, words: Words, step: Step, index: int) -> dict[str, Any]:
    """What one strategy made of a step."""
    state = playback.state(step.seq)
    words.learn((*state.orders.values(), *step.orders.values()))
    name = words.strategy(index)
    answer = next((one for one in step.record.answers if one.strategy == index), None)
    # Before what goes back in the run: the state is the playback's own.
    indicators = indicator_fields(words, state, index)
    held = _held(words, index, state)
    if answer is not None:
        lines = [f"{name} answered" + (_raised(playback.run, index, step.seq) if answer.error else "")]
        lines += [f"  {line}" for line in _answered(words, answer, step)]
        return {
            "strategy": name,
            "answered": True,
            "reason": "",
            "lines": lines,
            "held": held,
            "indicators": indicators,
        }
    reason = _why_silent(playback, words, step, index, state)
    return {
        "strategy": name,
        "answered": False,
        "reason": reason,
        "lines": [f"{name} {reason}"],
        "held": held,
        "indicators": indicators,
    }


def _answered(words: Words, answer: Answer, step: Step) -> Iterator[str]:
    """Intents with what each check said, and the rest of an answer."""
    orders = {tuple(order.id): order.ordinal for order in step.orders.values()}
    for at, (intent, finding) in enumerate(answer.intents):
        instrument = words.instrument_of(intent)
        ordinal = orders.get((answer.strategy, step.seq, at))
        yield words.intent(intent) + (f" (order {ordinal})" if ordinal is not None else "")
        yield f"  admission: {', '.join(f'{name} {outcome}' for name, outcome in words.checks(finding))}"
        if finding.code:
            yield f"  refused by {REJECTS[finding.code].slug}: {words.message(finding, instrument)}"
            yield f"  remedy: {REJECTS[finding.code].remedy}"
    others = answer._replace(intents=[])
    if others.error or others.declarations or others.timers or not answer.intents:
        yield from words.answer(others)


def _why_silent(playback: Playback, words: Words, step: Step, index: int, state: State) -> str:
    """Why a strategy answered nothing at a step, as far as the record tells."""
    payload = step.record.event.payload
    if step.record.interrupted:
        return "was interrupted in this step"
    before = _why_halted(playback, step.seq, index)
    if before:
        return before
    owner = _owner(step, state)
    if owner is not None and owner != index:
        return f"was not called: the report is of {words.strategy(owner)}"
    hooks = _hooks(playback.run, index)
    hook = _hooks_for(payload)
    if hooks is not None and "on_event" not in hooks and not any(one in hooks for one in hook):
        return (
            f"was not called: it has no {' or '.join(hook)}"
            if hook
            else "was not called: events of this kind go to on_event"
        )
    if isinstance(payload, Bar) and (waits := _warming_up(playback.run, words, index, state)):
        return f"was not called: it warms up: {waits}"
    declarations = [one.declaration for one in state.indicators]
    cold = [
        words.declared(one.declaration, declarations)
        for one in state.indicators
        if one.strategy == index and not one.warm
    ]
    if cold:
        return f"was called and answered nothing: not warm yet: {', '.join(cold)}"
    return "was called and answered nothing: its conditions did not hold"


def _held(words: Words, index: int, state: State) -> list[str]:
    """The strategy's positions and open orders after the step."""
    told = [
        f"position {words.symbol(instrument)} {words.position(position, instrument)}"
        for (strategy, instrument), position in sorted(state.strategies.items())
        if strategy == index and position.quantity
    ]
    return [
        *(told or ["position flat"]),
        *(
            f"order {order.ordinal} {words.order_terms(order)}: {STATUS_NAMES[order.status]}"
            for order in state.open_orders(index)
        ),
    ]


def _why_halted(playback: Playback, seq: int, index: int) -> str:
    """Whether a strategy was halted before a step."""
    if seq == 0:
        return ""
    if not (playback.state(seq).owners[index].halted and playback.state(seq - 1).owners[index].halted):
        return ""
    raised = _raised(playback.run, index, seq)
    return f"was not called: it is halted{raised or ': an operator halted it, or it answered itself in a loop'}"


def _raised(run: RecordedRun, index: int, until: int) -> str:
    """What a strategy raised until a step, as it was kept beside the journal."""
    name = run.config.strategies[index].name
    failure = next((one for one in reversed(run.lines(until)[1]) if one.strategy == name), None)
    return (
        "" if failure is None else f": it raised {failure.traceback.strip().splitlines()[-1]} at seq {failure.seq_id:,}"
    )


def _owner(step: Step, state: State) -> int | None:
    """Whose order a report is about; of a timer, who set it."""
    payload = step.record.event.payload
    if isinstance(payload, TimerFired | Refused):
        return payload.strategy
    ordinal = order_ordinal(payload)
    order = None if ordinal is None else state.orders.get(ordinal)
    return None if order is None else order.id.strategy


def _hooks_for(payload: Any) -> tuple[str, ...]:
    """The methods that an event calls, beside on_event."""
    code = EVENT_TYPES[type(payload)]
    if isinstance(payload, Filled):
        return "on_fill", "on_order"
    if EventType.ACCEPTED <= code <= EventType.REFUSED:
        return ("on_order",)
    return (_HOOKS[code],) if code in _HOOKS else ()


def _hooks(run: RecordedRun, index: int) -> set[str] | None:
    """The methods that a strategy's recorded code defines, read without running it; None where that does not tell."""
    code = run.codes[index]
    try:
        tree = ast.parse((run.path / "code" / f"{code.digest}.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found: set[str] = set()
    waiting = [code.name.rpartition(".")[2]]
    while waiting:
        name = waiting.pop()
        if name == "Strategy":
            continue
        if name not in classes:
            return None
        found |= {one.name for one in classes[name].body if isinstance(one, ast.FunctionDef)}
        found |= {
            target.id
            for one in classes[name].body
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        for base in classes[name].bases:
            waiting.append(
                base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else "?"
            )
    return found


def _warming_up(run: RecordedRun, words: Words, index: int, state: State) -> str:
    """What a strategy still waits for at a bar, in words."""
    warm_up = run.facts["strategies"][index].get("warm_up", False)
    if warm_up is False:
        return ""
    bars = 0 if warm_up is True else int(warm_up)
    taken = sum(state.delivered)
    waits = [f"bar {taken:,} of the {bars:,} that it leaves out"] if taken <= bars else []
    declarations = [one.declaration for one in state.indicators]
    waits += [
        f"{words.declared(one.declaration, declarations)} is not warm"
        for one in state.indicators
        if one.strategy == index and not one.warm
    ]
    return ", ".join(waits)


# --- every refusal


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of a run, commonest code first. `str` is the text."""

    groups: tuple[dict[str, Any], ...]
    """code, count, message, remedy, and the refusals themselves: seq, time, strategy, order, intent, found."""
    text: str

    @property
    def count(self) -> int:
        """Of all codes."""
        return sum(one["count"] for one in self.groups)

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text as plain values, for JSON."""
        return {"count": self.count, "groups": list(self.groups)}


def refusals(playback: Playback, progress: Progress | None = None) -> Refusals:
    """Every intent of the run that a check of the engine refused, and every report by which a venue refused or ended an order."""
    words = Words(playback.run.config, playback.run.setup.timeframes)
    grouped: dict[int, list[dict[str, Any]]] = {}
    for step in steps(playback.run, progress=progress):
        for code, one in (*_refused_intents(playback, words, step), *_refused_by_venue(playback, words, step)):
            grouped.setdefault(code, []).append(one)
    ranked = sorted(grouped.items(), key=lambda item: (item[0] in _FOLLOWING, -len(item[1]), item[0]))
    groups = tuple(
        {
            "code": REJECTS[code].slug,
            "stage": REJECTS[code].stage.name.lower(),
            "count": len(found),
            "message": REJECTS[code].message.replace("{value}", "...").replace("{limit}", "..."),
            "remedy": REJECTS[code].remedy,
            "refusals": found,
        }
        for code, found in ranked
    )
    return Refusals(groups, "\n".join(_listed(groups)))


def _refused_intents(playback: Playback, words: Words, step: Step) -> Iterator[tuple[int, dict[str, Any]]]:
    for answer in step.record.answers:
        for at, (intent, finding) in enumerate(answer.intents):
            if finding.code:
                words.learn(step.orders.values())
                orders = {tuple(order.id): order.ordinal for order in step.orders.values()}
                if isinstance(intent, CancelOrder | ReplaceOrder):
                    named = playback.named(intent.order)
                    words.learn([] if named is None else [named])
                instrument = words.instrument_of(intent)
                yield (
                    finding.code,
                    {
                        "seq": step.seq,
                        "time": step.record.event.ingest_time,
                        "strategy": words.strategy(answer.strategy),
                        "order": orders.get((answer.strategy, step.seq, at)),
                        "intent": words.intent(intent),
                        "found": words.message(finding, instrument),
                    },
                )


def _refused_by_venue(playback: Playback, words: Words, step: Step) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rejections of a venue; orders that ended for their group are no refusals."""
    payload = step.record.event.payload
    if EVENT_TYPES[type(payload)] not in (EventType.REJECTED, EventType.CANCEL_REJECTED, EventType.REPLACE_REJECTED):
        return
    code = int(getattr(payload, "reason", 0))
    ordinal = order_ordinal(payload)
    facts = playback.orders().get(ordinal or 0)
    if code in REJECTS and facts is not None:
        yield (
            code,
            {
                "seq": step.seq,
                "time": step.record.event.ingest_time,
                "strategy": words.strategy(facts.strategy),
                "order": facts.ordinal,
                "intent": words.order_terms(facts),
                "found": words.event(step.record.event),
            },
        )


def _listed(groups: tuple[dict[str, Any], ...]) -> Iterator[str]:
    if not groups:
        yield "nothing was refused"
        return
    for group in groups:
        yield f"{group['count']:,} x {group['code']} ({group['stage']}): {group['message']}; {group['remedy']}"
        for one in group["refusals"][:EXAMPLES]:
            order = f"order {one['order']}, " if one["order"] is not None else ""
            yield f"  seq {one['seq']:,}  {time_text(one['time'])}  {one['strategy']}: {order}{one['intent']}"
            yield f"    {one['found']}"
        if group["count"] > EXAMPLES:
            yield f"  ... and {group['count'] - EXAMPLES:,} more: --json lists all"
