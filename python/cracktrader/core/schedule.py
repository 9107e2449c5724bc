"""What happens to an instrument at its simulated venue at times of its own: funding, payments a unit, a settlement.

What it does to the venue's account is `clearing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.instrument import Instrument, InstrumentKind, may_settle_at
from cracktrader.core.units import RATE_ONE, Time


class Action(IntEnum):
    """What a row of a schedule does; the value beside it is a rate, an amount or a price."""

    FUNDING = 0
    """Longs pay shorts this rate of their position's value at the mark."""
    PAYMENT = 1
    """A long receives this price a unit, a short pays it: a dividend."""
    SETTLEMENT = 2
    """Every position closes at this price, open orders expire, trading ends."""


@dataclass(frozen=True, slots=True)
class ScheduleRows:
    """Columns of what happens to an instrument at its simulated venue, sorted by time. Values are rates at 1e-9 or price mantissas."""

    time: Sequence[Time]
    action: Sequence[int]
    value: Sequence[int]


class Scheduled(NamedTuple):
    """A row of an instrument's schedule."""

    time: Time
    instrument: int
    action: int
    value: int


def schedule_problem(instrument: Instrument, rows: ScheduleRows) -> str:
    """Why the rows cannot happen to the instrument, or ''."""
    if not len(rows.time) == len(rows.action) == len(rows.value):
        return f"the columns of the schedule of {instrument.name} differ in length"
    for row, (action, value) in enumerate(zip(rows.action, rows.value, strict=True)):
        reason = _row_problem(instrument, action, value)
        if row and rows.time[row] < rows.time[row - 1]:
            reason = f"time {rows.time[row]} comes before that of the row above"
        if reason:
            return f"row {row} of the schedule of {instrument.name}: {reason}"
    return ""


def _row_problem(instrument: Instrument, action: int, value: int) -> str:
    if action > max(Action) or action < 0:
        return f"action {action} is not in the contract"
    if action == Action.FUNDING and abs(value) > RATE_ONE:
        return f"funding rate {value} is outside -{RATE_ONE}..{RATE_ONE}"
    if action == Action.PAYMENT and instrument.kind is InstrumentKind.INVERSE:
        return "an inverse contract has no payments a unit"
    if action == Action.PAYMENT and abs(value) > instrument.max_price:
        return f"payment {value} is outside -{instrument.max_price}..{instrument.max_price}"
    if action == Action.SETTLEMENT and not may_settle_at(instrument, value):
        return f"it does not settle at {value}"
    return ""


@dataclass(slots=True)
class Schedule:
    """The rows of all instruments of a venue in the order in which they happen."""

    rows: list[Scheduled] = field(default_factory=list)
    next: int = 0
    """How many have happened."""

    def add(self, instrument: int, rows: ScheduleRows) -> None:
        """What happens to one more instrument."""
        columns = zip(rows.time, rows.action, rows.value, strict=True)
        self.rows += [Scheduled(time, instrument, action, value) for time, action, value in columns]
        self.rows.sort(key=lambda one: (one.time, one.instrument))

    def peek(self) -> Scheduled | None:
        """The next row, None after the last."""
        return self.rows[self.next] if self.next < len(self.rows) else None

    def pop(self) -> Scheduled:
        """The next row, which now happens. There is one."""
        self.next += 1
        return self.rows[self.next - 1]
