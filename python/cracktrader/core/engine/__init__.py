"""The engine: the only place where state changes. One step: take an item, commit the fact (A), call the strategies, admit their
intents and commit those (B), record.

Facts come in through `incoming`, staged by `facts` in a `plan`; intents go out through `outgoing`; both change the `store`. Which item
is next is `sequencer`. What a run leaves on disk is gathered by `journal`; it is kept, and goes on elsewhere, by a `checkpoint`. Replay
takes recorded steps through the same door.
"""

from cracktrader.core.engine.checkpoint import bind_again, restore, save
from cracktrader.core.engine.journal import JournalPosition, JournalSpec, Resume, Sink
from cracktrader.core.engine.run import Engine, Host, Response
from cracktrader.core.engine.store import Execution, Store

__all__ = [
    "Engine",
    "Execution",
    "Host",
    "JournalPosition",
    "JournalSpec",
    "Response",
    "Resume",
    "Sink",
    "Store",
    "bind_again",
    "restore",
    "save",
]
