"""Timers: state, keyed (deadline, strategy, id). A deadline in the past fires next. Deadlines are read from events' time only."""

from bisect import insort
from dataclasses import dataclass, field

from cracktrader.core.units import Time


@dataclass(slots=True)
class Timers:
    """All pending timers, soonest first. `causes` keeps, per timer, when and how deep in a chain of callbacks it was set."""

    queue: list[tuple[Time, int, int]] = field(default_factory=list)
    deadlines: dict[tuple[int, int], Time] = field(default_factory=dict)
    causes: dict[tuple[int, int], tuple[Time, int]] = field(default_factory=dict)

    def set(self, strategy: int, timer: int, deadline: Time, cause: tuple[Time, int]) -> None:
        """Set a timer; the same id again moves it."""
        self.cancel(strategy, timer)
        self.deadlines[strategy, timer] = deadline
        self.causes[strategy, timer] = cause
        insort(self.queue, (deadline, strategy, timer))

    def cancel(self, strategy: int, timer: int) -> None:
        """Forget a timer; one that is not set stays so."""
        deadline = self.deadlines.pop((strategy, timer), None)
        if deadline is not None:
            self.queue.remove((deadline, strategy, timer))
            del self.causes[strategy, timer]

    def next(self) -> tuple[Time, int, int] | None:
        """(deadline, strategy, id) of the soonest."""
        return self.queue[0] if self.queue else None

    def cause(self, strategy: int, timer: int) -> tuple[Time, int]:
        """(now, depth) of the step that set the timer."""
        return self.causes[strategy, timer]
