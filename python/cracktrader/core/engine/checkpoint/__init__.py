"""Checkpoints: everything that a run needs to go on as if it had never stopped, as canonical bytes (docs/reference/journal.md).

What follows from other parts is not stored but built again: names of orders, what orders expose, the queue of timers. Not in it: what a
run leaves behind (the equity curve, executions, closed orders), which is in the journal, and the data, which is attached before.
"""

from dataclasses import fields
from hashlib import sha256
from typing import Any, NamedTuple

from cracktrader.core.codec import (
    CONTRACT_HASH,
    CodecError,
    Reader,
    encode_command,
    encode_config,
    encode_indicator,
    full_root,
    ints,
    pack,
    read_command,
    read_table,
    state_hash,
    table,
)
from cracktrader.core.config import Config
from cracktrader.core.engine.checkpoint.binding import bind_again
from cracktrader.core.engine.checkpoint.pending import read_sequencer, save_sequencer
from cracktrader.core.engine.checkpoint.state import (
    expose,
    read_bars,
    read_indicators,
    read_money,
    read_orders,
    read_reports,
    read_strategies,
    save_bars,
    save_money,
    save_orders,
    save_reports,
    save_strategies,
)
from cracktrader.core.engine.checkpoint.tables import mapping, read_mapping, single
from cracktrader.core.engine.checkpoint.venue import read_venue, save_venue
from cracktrader.core.engine.run import Engine
from cracktrader.core.state import State, new_state
from cracktrader.core.units import OutOfRange, Time

__all__ = ["FORMAT", "MAGIC", "bind_again", "restore", "save"]

MAGIC = b"CTCHECKP"
FORMAT = 1
"""What this version writes, and all that it reads."""
DIGEST_SIZE = 32


def save(engine: Engine) -> bytes:
    """The run as it stands between two steps. ValueError when it was interrupted: its last step is repeated first."""
    if engine.interrupted:
        raise ValueError(
            f"the run was interrupted in step {engine.state.seq}: there is no checkpoint in the middle of a step"
        )
    assert not engine.store.stirred, "groups are tended in the step that touches them"
    state = engine.state
    body = b"".join(
        (
            _head(engine.config),
            _save_run(engine),
            save_orders(state),
            save_money(state),
            save_reports(state),
            save_strategies(state),
            save_bars(state),
            table(encode_indicator(one) for one in state.indicators),
            save_sequencer(engine.sequencer),
            table(encode_command(one) for one in engine.outgoing.outbox),
            b"".join(save_venue(venue) for venue in engine.venues.values()),
            state_hash(state, full_root(state)),
        )
    )
    return body + sha256(body).digest()


def restore(engine: Engine, data: bytes) -> None:
    """Put a new engine of the same configuration, with the same rows, where the checkpoint was made. CodecError for bytes that are no
    checkpoint of such an engine: then the engine is as it was. ValueError when the engine has started."""
    if engine.state.started:
        raise ValueError(f"a checkpoint is restored before the start, this run has reached step {engine.state.seq}")
    reader = _opened(engine.config, data)
    try:
        state = new_state(engine.config)
        run = _read_run(reader, state)
        read_orders(reader, state)
        read_money(reader, state)
        read_reports(reader, state)
        read_strategies(reader, state)
        read_bars(reader, state)
        read_indicators(reader, state)
        pending = read_sequencer(reader, engine.sequencer)
        outbox = read_table(reader, read_command)
        venues = {index: read_venue(reader, venue) for index, venue in engine.venues.items()}
        state.started = run.started
        expose(state)
    except OutOfRange:
        raise CodecError("what the orders of the checkpoint reserve does not fit") from None
    if reader.take(DIGEST_SIZE) != state_hash(state, full_root(state)):
        raise CodecError("the state that the checkpoint leads to is not the one that it names")
    reader.end()
    for field in fields(State):
        setattr(engine.state, field.name, getattr(state, field.name))
    engine.concluded = run.concluded
    engine.stand(run.market_label, booked=run.booked, since_check=run.since_check)
    pending.install(engine.sequencer)
    engine.outgoing.outbox[:] = outbox
    engine.venues.update(venues)
    engine.store.renew()


def _head(config: Config) -> bytes:
    return b"".join((MAGIC, pack("H", (FORMAT,)), bytes.fromhex(CONTRACT_HASH), sha256(encode_config(config)).digest()))


def _opened(config: Config, data: bytes) -> Reader:
    """A reader behind the head of a checkpoint of this configuration, in front of its last digest, which fits."""
    reader = Reader(data[: max(len(data) - DIGEST_SIZE, 0)])
    if reader.take(len(MAGIC)) != MAGIC:
        raise CodecError("the data is no checkpoint: it does not begin with CTCHECKP")
    version = reader.field("H")
    if version != FORMAT:
        raise CodecError(
            f"the checkpoint has format {version}, this version of cracktrader reads {FORMAT}: use the one that wrote it"
        )
    if sha256(reader.data).digest() != data[-DIGEST_SIZE:]:
        raise CodecError("the checkpoint is damaged: its last digest is not that of the bytes before it")
    if reader.take(DIGEST_SIZE) != bytes.fromhex(CONTRACT_HASH):
        raise CodecError("the checkpoint was made under another contract: use the version of cracktrader that made it")
    if reader.take(DIGEST_SIZE) != sha256(encode_config(config)).digest():
        raise CodecError("the checkpoint was made with another configuration")
    return reader


class _Run(NamedTuple):
    """What is put in place last."""

    started: bool
    market_label: Time | None
    booked: bool
    since_check: int
    concluded: bool


_RUN = "qQq??H??QQ"


def _save_run(engine: Engine) -> bytes:
    state = engine.state
    clock = state.now, state.seq, state.start_time
    flags = state.started, state.ended, state.stopped, state.kill_switch, state.reduce_only
    label, booked, since_check = engine.standing
    return b"".join(
        (
            pack(_RUN, (*clock, *flags, state.next_ordinal, state.archived)),
            state.archive_digest,
            pack("qo", (state.day, state.day_equity)),
            pack("?q?I?", (label is not None, label or 0, booked, since_check, engine.concluded)),
            mapping(state.counters.items(), *(write for write, _ in (single("H"), single("Q")))),
        )
    )


def _read_run(reader: Reader, state: State) -> _Run:
    values: list[Any] = reader.fields(_RUN)
    state.now, state.seq, state.start_time, started, state.ended, state.stopped, *values = values
    state.kill_switch, state.reduce_only, state.next_ordinal, state.archived = values
    state.archive_digest = reader.take(DIGEST_SIZE)
    state.day, state.day_equity = ints(reader, "qo")
    labelled, label, booked, since_check, concluded = reader.fields("?q?I?")
    if label and not labelled:
        raise CodecError(f"the label before {reader.at} belongs to no row")
    state.counters = read_mapping(reader, *(read for _, read in (single("H"), single("Q"))))
    return _Run(bool(started), int(label) if labelled else None, bool(booked), int(since_check), bool(concluded))
