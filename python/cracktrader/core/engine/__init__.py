"""The engine: the only place where state changes. One step: take an item, commit the fact (A), call the strategies, admit their intents
and commit those (B), record.

What a fact does is `facts`, staged in a `plan`. Which item is next is `sequencer`. Replay takes recorded steps through the same door.
"""

from cracktrader.core.engine.run import Engine, Execution, Host, Response

__all__ = ["Engine", "Execution", "Host", "Response"]
