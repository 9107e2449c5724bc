"""Wake conditions: on which bars of a stream a strategy is called. They are asked after the bar's indicators have advanced.

They are no part of the state: no record, root or checkpoint holds them, so that a run that sleeps is, to the byte, the run of a strategy
that is called on every bar and returns. `on_start` declares them, and again where a run goes on; all that they read is state.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.config import DataKind
from cracktrader.core.event import Bar
from cracktrader.core.indicator import (
    BarField,
    Number,
    Step,
    compare_as_read,
    crossed_above,
    read_as_real,
    real,
)
from cracktrader.core.state import State

MAX_DEPTH = 64
"""The most answers that a condition may hold at once."""


class Op(IntEnum):
    """What a term asks, or how it joins the two answers before it."""

    ABOVE = 0
    """a reads above b."""
    BELOW = 1
    """a reads below b."""
    CROSS_ABOVE = 2
    """a crossed above b on this bar."""
    CROSS_BELOW = 3
    """a crossed below b on this bar."""
    CROSS = 4
    """Either of the two."""
    FLIPS = 5
    """Whether a reads above b is known, and a bar ago it was not known or was otherwise."""
    EVERY = 6
    """The stream's n-th bar, 2n-th and so on."""
    NEVER = 7
    AND = 8
    OR = 9


class OperandKind(IntEnum):
    """What is compared."""

    LINE = 0
    """A line of a declared indicator."""
    FIELD = 1
    """A field of the bar."""
    LEVEL = 2
    """A number."""


class Operand(NamedTuple):
    """One side of a comparison."""

    kind: int
    number: int = 0
    """The indicator's index, or the field's number."""
    line: int = 0
    ago: int = 0
    """How many bars ago the line is read."""
    level: Number = 0


NOTHING = Operand(OperandKind.LEVEL)
"""The side of a term that compares nothing."""


class Term(NamedTuple):
    """One place of a condition in postfix order: those that ask come before those that join them."""

    op: int
    a: Operand = NOTHING
    b: Operand = NOTHING
    every: int = 0


class Wakes:
    """The conditions of one run."""

    def __init__(self, strategies: int, streams: int) -> None:
        self._strategies, self._streams = strategies, streams
        self._conditions: list[list[Term]] = []
        """By strategy and stream; an empty one lets every bar pass."""
        self.clear()

    def clear(self) -> None:
        """Every strategy is called on every bar."""
        self._conditions = [[] for _ in range(self._strategies * self._streams)]

    def forget(self, strategy: int) -> None:
        """The strategy is called on every bar."""
        for stream in range(self._streams):
            self._conditions[strategy * self._streams + stream] = []

    def declare(self, state: State, strategy: int, stream: int, terms: Sequence[Term]) -> str:
        """Call the strategy for bars of the stream where the condition holds, or another one declared before; why that cannot be, or ''."""
        if problem := _stream_problem(state, stream) or _terms_problem(state, strategy, terms):
            return problem
        condition = self._conditions[strategy * self._streams + stream]
        joined = [*condition, *terms, Term(Op.OR)] if condition else list(terms)
        if problem := _shape_problem(joined):
            return problem
        self._conditions[strategy * self._streams + stream] = joined
        return ""

    def is_awake(self, state: State, strategy: int, bar: Bar) -> bool:
        """Whether the strategy is called for the bar, the last one that the state took."""
        condition = self._conditions[strategy * self._streams + bar.stream]
        return not condition or _holds(condition, state, bar)


def _holds(condition: list[Term], state: State, bar: Bar) -> bool:
    answers: list[bool] = []
    for term in condition:
        if term.op in (Op.AND, Op.OR):
            last, other = answers.pop(), answers.pop()
            answers.append(last and other if term.op == Op.AND else last or other)
        else:
            answers.append(_asks(term, state, bar))
    return answers[0]


def _asks(term: Term, state: State, bar: Bar) -> bool:
    if term.op == Op.EVERY:
        return state.delivered[bar.stream] % term.every == 0
    if term.op == Op.NEVER:
        return False
    if term.op in (Op.ABOVE, Op.BELOW, Op.FLIPS):
        return _reads(term, state, bar)
    a, b = _step(term.a, state), _step(term.b, state)
    above = term.op in (Op.CROSS, Op.CROSS_ABOVE) and crossed_above(a, b)
    return above or (term.op in (Op.CROSS, Op.CROSS_BELOW) and crossed_above(b, a))


def _reads(term: Term, state: State, bar: Bar) -> bool:
    """What compares floats, as a strategy reads them."""
    now = compare_as_read(_value(term.a, state, bar, 0), _value(term.b, state, bar, 0))
    if term.op != Op.FLIPS or now is None:
        return now == (1 if term.op != Op.BELOW else -1)
    before = compare_as_read(_value(term.a, state, bar, 1), _value(term.b, state, bar, 1))
    return before is None or (before > 0) != (now > 0)


def _value(operand: Operand, state: State, bar: Bar, before: int) -> Number:
    """What it reads so many bars before this one."""
    if operand.kind == OperandKind.LINE:
        return state.indicators[operand.number].value(operand.line, operand.ago + before)
    if operand.kind == OperandKind.LEVEL:
        return real(operand.level)
    stream = state.config.streams[bar.stream]
    decimals = state.config.instruments[stream.instrument].price_decimals
    return read_as_real(bar, BarField(operand.number), decimals, stream.volume_decimals)


def _step(operand: Operand, state: State) -> Step:
    if operand.kind == OperandKind.LEVEL:
        return Step(operand.level, operand.level)
    return state.indicators[operand.number].step(operand.line)


def _stream_problem(state: State, stream: int) -> str:
    streams = state.config.streams
    if not 0 <= stream < len(streams):
        return f"wake stream {stream} is not declared"
    return "" if streams[stream].kind is DataKind.BAR else f"wake stream {stream} carries no bars"


def _terms_problem(state: State, strategy: int, terms: Sequence[Term]) -> str:
    for term in terms:
        if not 0 <= term.op < len(Op):
            return f"wake term {term.op} is not declared"
        if term.op == Op.EVERY and term.every < 1:
            return f"wake every {term.every} bars: the number is above 0"
        if term.op <= Op.FLIPS:
            if term.a.kind == term.b.kind == OperandKind.LEVEL:
                return "a wake condition compares two numbers, which never change"
            for operand in (term.a, term.b):
                if problem := _operand_problem(state, strategy, Op(term.op), operand):
                    return problem
    return ""


def _operand_problem(state: State, strategy: int, op: Op, operand: Operand) -> str:
    if not 0 <= operand.kind < len(OperandKind):
        return f"wake operand {operand.kind} is not declared"
    if operand.kind == OperandKind.LEVEL:
        return ""
    reads_now = op in (Op.ABOVE, Op.BELOW)
    if operand.kind == OperandKind.FIELD:
        if not 0 <= operand.number < len(BarField):
            return f"wake field {operand.number} is not declared"
        return "" if reads_now else "a field of a bar has no value a bar ago: it takes an indicator"
    if not 0 <= operand.number < len(state.indicators):
        return f"wake indicator {operand.number} is not declared"
    indicator = state.indicators[operand.number]
    if indicator.strategy != strategy:
        return f"wake indicator {operand.number} is of another strategy"
    if not 0 <= operand.line < len(indicator.lines):
        return f"wake line {operand.line} is not declared"
    if operand.ago and not (reads_now or op is Op.FLIPS):
        return f"a cross is of this bar: it takes no value of {operand.ago} bars ago"
    oldest = operand.ago + (op is Op.FLIPS)
    if oldest >= indicator.declaration.keep:
        return (
            f"wake indicator {operand.number} keeps {indicator.declaration.keep} values, not that of {oldest} bars ago"
        )
    return ""


def _shape_problem(terms: Sequence[Term]) -> str:
    """Every joining term has its two answers, one is left at the end, and no more are held at once than fit."""
    held = 0
    for term in terms:
        joins = term.op in (Op.AND, Op.OR)
        if joins and held < 2:
            return "a wake condition joins answers that are not there"
        held += -1 if joins else 1
        if held > MAX_DEPTH:
            return f"a wake condition holds at most {MAX_DEPTH} answers at once"
    return "" if held == 1 else f"a wake condition ends with one answer, not {held}"
