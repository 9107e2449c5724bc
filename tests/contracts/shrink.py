"""The shrinker: a scenario that diverges, made as small as it can be while it still diverges.

First it ends where it diverged, then parts are taken away (delta debugging over items, answers, intents, timers, bars and declarations),
then values are made plainer. Deliberately not here: how a scenario runs (lockstep.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lockstep import Divergence, Lockstep, play
from scenario import Answer, Item, Scenario

from cracktrader.core.risk import RiskLimits

Attempt = Callable[[Scenario], bool]
NOTHING = Answer()


class Shrinker:
    """Keeps the smallest scenario that still diverges."""

    def __init__(self, scenario: Scenario, engines: Sequence[str], seconds: float) -> None:
        self.engines = engines
        self.deadline = time.monotonic() + seconds
        self.best = scenario
        self.divergence: Divergence | None = None
        self.called: list[str] = []
        self.runs = 0

    def attempt(self, scenario: Scenario) -> bool:
        """Keep the scenario if it still diverges, and no later than the best one."""
        if time.monotonic() > self.deadline:
            return False
        self.runs += 1
        try:
            play(scenario, self.engines)
        except Divergence as divergence:
            if self.divergence is None or divergence.event <= self.divergence.event:
                scenario.steps = divergence.steps
                self.best, self.divergence = scenario, divergence
                return True
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
            return False
        return False

    def run(self) -> None:
        """Make it smaller until nothing helps."""
        if not self.attempt(self.best.copy()):
            return
        self._cut_unused()
        passes = (
            self._items,
            self._answers,
            self._inside_answers,
            self._moves,
            self._bars,
            self._schedules,
            self._strategies,
            self._plainer,
            self._names,
        )
        size = None
        while size != (size := self._measure()):
            for one in passes:
                one()
                self._cut_unused()

    @property
    def events(self) -> int:
        """How many events show the divergence."""
        return 0 if self.divergence is None else self.divergence.event

    def _measure(self) -> tuple[int, ...]:
        best = self.best
        intents = sum(len(answer.intents) + len(answer.timers) for answer in best.answers.values())
        return len(best.items), len(best.answers), intents, sum(map(len, best.bars.values())), self.events

    # --- taking away

    def _drop(self, count: int, without: Callable[[set[int]], Scenario]) -> None:
        """Delta debugging: take away chunks of `count` parts, halving the chunks."""
        gone: set[int] = set()
        chunk = max(count // 2, 1)
        while True:
            for start in range(count - chunk, -chunk, -chunk):
                wanted = {index for index in range(max(start, 0), start + chunk) if index not in gone}
                if wanted and self.attempt(without(gone | wanted)):
                    gone |= wanted
            if chunk == 1:
                return
            chunk = max(chunk // 2, 1)

    def _names(self) -> None:
        """Items that hold an order's bare number say its name instead, as soon as it has one, so that orders before it may go."""
        run = Lockstep(self.best, self.engines)
        with suppress(Divergence):
            play(self.best.copy(), self.engines, run)
        names = {run.ordinals.get(order_id): name for name, order_id in run.hosts[0].ids.items()}
        for index, item in enumerate(self.best.items):
            name = "" if item.order else names.get(getattr(item.event.payload, "order", None), "")
            for after in (item.after, *range(self.best.steps - 1, max(self.best.steps - 20, 0), -1)) if name else ():
                made = self.best.copy()
                made.items[index] = Item(after, item.event, name)
                if self.attempt(made):
                    break

    def _items(self) -> None:
        base = self.best.copy()

        def without(gone: set[int]) -> Scenario:
            made = base.copy()
            made.items = [item for index, item in enumerate(base.items) if index not in gone]
            return made

        self._drop(len(base.items), without)

    def _answers(self) -> None:
        base = self.best.copy()
        names = list(base.answers)

        def without(gone: set[int]) -> Scenario:
            made = base.copy()
            made.answers = {name: base.answers[name] for index, name in enumerate(names) if index not in gone}
            return made

        self._drop(len(names), without)

    def _inside_answers(self) -> None:
        """Single intents become nothing where that keeps the names of the others, else go; so do timers, draws and declarations."""
        for name in list(self.best.answers):
            for part in ("timers", "wakes", "declarations", "bounds", "intents"):
                for index in reversed(range(len(getattr(self.best.answers[name], part)))):
                    answer = self.best.answers[name]
                    values = list(getattr(answer, part))
                    del values[index]
                    self._with_answer(name, replace(answer, **{part: values}))
            for part in ("draws", "fresh_timers", "error", "interrupted"):
                plain = getattr(NOTHING, part)
                if getattr(self.best.answers[name], part) != plain:
                    self._with_answer(name, replace(self.best.answers[name], **{part: plain}))

    def _with_answer(self, name: str, answer: Answer) -> bool:
        made = self.best.copy()
        made.answers[name] = answer
        return self.attempt(made)

    def _moves(self) -> None:
        """Say things earlier: an answer joins one of the first callbacks of its strategy, so that what led to its own may go."""
        for name in reversed(list(self.best.answers)):
            owner = name.partition(".")[0] + "."
            earlier = self.called[: self.called.index(name)] if name in self.called else self.called
            for target in [one for one in earlier if one.startswith(owner) and ".Start." not in one][:4]:
                if name in self.best.answers and self.attempt(moved(self.best, name, target)):
                    break

    def _bars(self) -> None:
        """Fewer sessions and rows."""
        without_sessions = self.best.copy()
        without_sessions.sessions = {}
        if self.best.sessions:
            self.attempt(without_sessions)
        for stream in list(self.best.bars):
            base = self.best.copy()

            def without(gone: set[int], base: Scenario = base, stream: int = stream) -> Scenario:
                made = base.copy()
                made.bars[stream] = [row for index, row in enumerate(base.bars[stream]) if index not in gone]
                return made

            self._drop(len(base.bars[stream]), without)

    def _schedules(self) -> None:
        for instrument in list(self.best.schedule):
            base = self.best.copy()

            def without(gone: set[int], base: Scenario = base, instrument: int = instrument) -> Scenario:
                made = base.copy()
                rows = base.schedule[instrument]
                made.schedule[instrument] = [row for index, row in enumerate(rows) if index not in gone]
                return made

            self._drop(len(base.schedule[instrument]), without)

    def _strategies(self) -> None:
        """Fewer strategies: the last one goes; limits go."""
        while len(self.best.config.strategies) > 1:
            made = self.best.copy()
            made.config = replace(made.config, strategies=made.config.strategies[:-1])
            gone = f"{len(made.config.strategies)}."
            made.answers = {name: answer for name, answer in made.answers.items() if not name.startswith(gone)}
            if not self.attempt(made):
                break
        for index, strategy in enumerate(self.best.config.strategies):
            if strategy.limits != RiskLimits():
                plain = list(self.best.config.strategies)
                plain[index] = replace(strategy, limits=RiskLimits())
                self._with_config(strategies=tuple(plain))

    def _with_config(self, **changes: Any) -> bool:
        made = self.best.copy()
        made.config = replace(made.config, **changes)
        return self.attempt(made)

    def _cut_unused(self) -> None:
        """Without answers nobody asked for and items never pushed; the others are pushed when they were."""
        made = self.best.copy()
        run = Lockstep(made, self.engines)
        used: set[str] = set()
        try:
            play(made, self.engines, run)
        except Divergence:
            used = run.hosts[0].used.union(*(host.used for host in run.hosts))
            self.called = run.hosts[0].called
            made.items = run.pushed
        made.answers = {name: answer for name, answer in made.answers.items() if name in used}
        self.attempt(made)

    # --- plainer

    def _plainer(self) -> None:
        config = self.best.config
        self._with_config(recheck_every=0)
        self._with_config(conversions=())
        self._with_config(priorities=(0, 1, 2, 3))
        self._with_config(on_error=type(config.on_error)(0))
        for index, item in enumerate(self.best.items):
            for plainer in (
                replace_event(item, event_time=item.event.ingest_time),
                Item(0, item.event, item.order),
            ):
                made = self.best.copy()
                made.items[index] = plainer
                self.attempt(made)


def replace_event(item: Item, **changes: Any) -> Item:
    """The item with another envelope."""
    return Item(item.after, item.event._replace(**changes), item.order)


def moved(scenario: Scenario, name: str, target: str) -> Scenario:
    """The scenario with what one answer says said by another, after what that one says; orders keep being named."""
    made = scenario.copy()
    said, there = made.answers.pop(name), made.answers.get(target, NOTHING)
    joined = {
        part: getattr(there, part) + getattr(said, part)
        for part in ("intents", "timers", "draws", "bounds", "fresh_timers", "declarations", "wakes")
    }
    made.answers[target] = Answer(**joined, error=said.error or there.error, interrupted=said.interrupted)
    shift = len(there.intents)
    names = {f"{name}#{index}": f"{target}#{index + shift}" for index in range(len(said.intents))}
    made.items = [Item(item.after, item.event, names.get(item.order, item.order)) for item in made.items]
    for key, answer in made.answers.items():
        intents = [
            intent._replace(order=names[intent.order]) if getattr(intent, "order", None) in names else intent
            for intent in answer.intents
        ]
        made.answers[key] = replace(answer, intents=intents)
    return made


def shrink(scenario: Scenario, engines: Sequence[str], seconds: float = 60.0) -> tuple[Scenario | None, str, int]:
    """The smallest diverging scenario found, what differs in it, and how many events it has; None when it does not diverge again."""
    shrinker = Shrinker(scenario, engines, seconds)
    shrinker.run()
    if shrinker.divergence is None:
        return None, "", 0
    return shrinker.best, str(shrinker.divergence), shrinker.divergence.event
