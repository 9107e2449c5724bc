"""Strategies bound again after a restore: `on_start` fills contexts that a checkpoint cannot hold."""

from cracktrader.core.engine.run import Engine
from cracktrader.core.event import EventType, Start, event
from cracktrader.core.state import State, new_state


def bind_again(engine: Engine) -> None:
    """Call `on_start` of every strategy once more, on a state as it was at the start: what it binds and draws comes out as it did then.
    What it asks for is ignored: it is in the state. ValueError when it raises, or declares other indicators than the checkpoint has; what
    a strategy raises that was halted is left out, since nobody calls it again."""
    state, first = engine.state, new_state(engine.config)
    first.now = first.start_time = state.start_time
    engine.wakes.clear()
    engine.view.turn_to(first)
    try:
        for strategy in range(len(state.owners)):
            if engine.wants(strategy, EventType.START):
                _bind_one(engine, strategy, first)
    finally:
        engine.view.turn_to(state)
    for fresh, held in zip(first.indicators, state.indicators, strict=True):
        fresh.computation, fresh.before, fresh.older = held.computation, held.before, held.older
    state.indicators[:] = first.indicators


def _bind_one(engine: Engine, strategy: int, first: State) -> None:
    state, declared = engine.state, len(first.indicators)
    name = engine.config.strategies[strategy].name
    response = engine.host.call(strategy, event(Start(), state.start_time), False)
    raised = "" if response is None else response.error or "interrupted" * response.interrupted
    if raised and not state.owners[strategy].halted:
        raise ValueError(f"on_start of strategy {name}, called to bind it again, ended with {raised}")
    now = [one.declaration for one in first.indicators[declared:]]
    then = [one.declaration for one in state.indicators if one.strategy == strategy]
    for index in range(max(len(now), len(then))):
        asked = now[index] if index < len(now) else "nothing"
        kept = then[index] if index < len(then) else "nothing"
        if asked != kept:
            raise ValueError(f"strategy {name} declares {asked} as its indicator {index}, the checkpoint has {kept}")
