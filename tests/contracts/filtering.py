"""Wake conditions asked by a strategy itself, of what it can see in a callback: for the twin that is called on every bar and filters.

Written from the documented meaning of each condition. Deliberately not here: the cores' own evaluation (core/wake).
"""

from __future__ import annotations

from typing import Any

from cracktrader.core.event import Bar
from cracktrader.core.indicator import Indicator
from cracktrader.core.wake import Op, Operand, OperandKind, Term
from cracktrader.strategy.indicator_views import IndicatorView

PARTS = (("open",), ("high",), ("low",), ("close",), ("volume",), ("high", "low"))
PARTS += (("high", "low", "close"), ("open", "high", "low", "close"), ("high", "low", "close", "close"))
"""What the mean of each field of a bar is of, by the field's number."""


def holds(host: Any, terms: list[Term], bar: Bar) -> bool:
    """Whether the condition holds on the bar that the host is called for."""
    answers: list[bool] = []
    for term in terms:
        if term.op == Op.AND:
            answers[-2:] = [all(answers[-2:])]
        elif term.op == Op.OR:
            answers[-2:] = [any(answers[-2:])]
        else:
            answers.append(_asks(host, term, bar))
    (answer,) = answers
    return answer


def _asks(host: Any, term: Term, bar: Bar) -> bool:
    if term.op == Op.NEVER:
        return False
    if term.op == Op.EVERY:
        return bool(host.view.delivered(bar.stream) % term.every == 0)
    if term.op in (Op.CROSS, Op.CROSS_ABOVE, Op.CROSS_BELOW):
        up, down = _crossed(host, term)
        return (up and term.op != Op.CROSS_BELOW) or (down and term.op != Op.CROSS_ABOVE)
    a, b = _value(host, term.a, bar, 0), _value(host, term.b, bar, 0)
    if term.op != Op.FLIPS:
        return a > b if term.op == Op.ABOVE else a < b
    if a != a or b != b:
        return False
    a_before, b_before = _value(host, term.a, bar, 1), _value(host, term.b, bar, 1)
    return a_before != a_before or b_before != b_before or (a > b) != (a_before > b_before)


def _crossed(host: Any, term: Term) -> tuple[bool, bool]:
    """Whether a crossed above b, and below it."""
    if term.a.kind == OperandKind.LEVEL:
        line, level = _line(host, term.b), term.a.level
        return line.crossed_below(level), line.crossed_above(level)
    other = term.b.level if term.b.kind == OperandKind.LEVEL else _line(host, term.b)
    line = _line(host, term.a)
    return line.crossed_above(other), line.crossed_below(other)


def _line(host: Any, operand: Operand) -> Any:
    bound = host.view.indicator(operand.number)
    view = IndicatorView(bound, operand.number) if isinstance(bound, Indicator) else bound
    return view._of_line(operand.line)


def _value(host: Any, operand: Operand, bar: Bar, before: int) -> float:
    if operand.kind == OperandKind.LEVEL:
        return float(operand.level)  # type: ignore[arg-type]  # scenarios have numbers
    if operand.kind == OperandKind.LINE:
        return float(_line(host, operand)[-(operand.ago + before)])
    config, names = host.scenario.config, PARTS[operand.number]
    stream = config.streams[bar.stream]
    price_decimals = config.instruments[stream.instrument].price_decimals
    decimals = stream.volume_decimals if names == ("volume",) else price_decimals
    return float(sum(getattr(bar, name) for name in names)) / float(len(names) * 10**decimals)
