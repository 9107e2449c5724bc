"""Records: what a step was and led to. The images in them are made by `root` and skipped on reading."""

from typing import NamedTuple

from cracktrader.core.codec.frame import Kind, body_of, framed
from cracktrader.core.codec.message import (
    encode_declaration,
    encode_event,
    encode_intent,
    read_declaration,
    read_event,
    read_intent,
)
from cracktrader.core.codec.root import KEY_FIELDS
from cracktrader.core.codec.wire import CodecError, Reader, ints, pack, table
from cracktrader.core.event import Event
from cracktrader.core.indicator import Declaration
from cracktrader.core.intent import Intent
from cracktrader.core.sequencer import Origin


class Finding(NamedTuple):
    """A code on a fact, with its two numbers."""

    code: int
    value: int
    limit: int


class TimerRequest(NamedTuple):
    """A timer to set, or to cancel with a null deadline."""

    timer: int
    deadline: int


class Answer(NamedTuple):
    """What a strategy's callback led to."""

    strategy: int
    error: str
    """The kind of what it raised, '' for nothing."""
    random_counter: int
    """Its counters after the callback; they survive an error."""
    next_timer: int
    declarations: list[Declaration]
    intents: list[tuple[Intent, Finding]]
    """Each with its verdict; code 0 admits."""
    timers: list[TimerRequest]


class Record(NamedTuple):
    """A step as recorded, without the images."""

    origin: Origin
    event: Event
    depth: int
    findings: list[Finding]
    interrupted: bool
    answers: list[Answer]


def encode_record(record: Record, before: bytes, after: bytes) -> bytes:
    """A step's frame: origin, event, depth, findings, images of commit A, answers, images of commit B; images are empty
    where there are none."""
    return framed(
        b"".join(
            (
                pack("BB", (Kind.STEP, record.origin)),
                encode_event(record.event),
                pack("I", (record.depth,)),
                table(pack("Hoo", finding) for finding in record.findings),
                before or table(()),
                pack("?", (record.interrupted,)),
                table(_encode_answer(answer) for answer in record.answers),
                after or table(()),
            )
        )
    )


def _encode_answer(answer: Answer) -> bytes:
    return b"".join(
        (
            pack("HsQQ", (answer.strategy, answer.error, answer.random_counter, answer.next_timer)),
            table(encode_declaration(declared) for declared in answer.declarations),
            table(encode_intent(intent) + pack("Hoo", verdict) for intent, verdict in answer.intents),
            table(pack("Qq", timer) for timer in answer.timers),
        )
    )


def decode_record(data: bytes) -> Record:
    """The record of exactly this frame; its images are skipped. CodecError when the CRC does not fit."""
    reader = body_of(data, Kind.STEP)
    origin = int(reader.field("B"))
    if origin > Origin.OWN:
        raise CodecError(f"Origin {origin} before {reader.at} is not in the contract")
    event = read_event(reader)
    depth = int(reader.field("I"))
    findings = [Finding(*ints(reader, "Hoo")) for _ in range(int(reader.field("I")))]
    _skip_images(reader)
    interrupted = bool(reader.field("?"))
    answers = [_read_answer(reader) for _ in range(int(reader.field("I")))]
    _skip_images(reader)
    reader.end()
    return Record(Origin(origin), event, depth, findings, interrupted, answers)


def seq_of(data: bytes) -> int:
    """seq_id of a step's frame, without reading the rest of it."""
    return int.from_bytes(data[6:14], "little")


def _read_answer(reader: Reader) -> Answer:
    strategy = int(reader.field("H"))
    error = str(reader.field("s"))
    random_counter, next_timer = ints(reader, "QQ")
    declarations = [read_declaration(reader) for _ in range(int(reader.field("I")))]
    intents = []
    for _ in range(int(reader.field("I"))):
        intent = read_intent(reader)
        intents.append((intent, Finding(*ints(reader, "Hoo"))))
    timers = [TimerRequest(*ints(reader, "Qq")) for _ in range(int(reader.field("I")))]
    return Answer(strategy, error, random_counter, next_timer, declarations, intents, timers)


def _skip_images(reader: Reader) -> None:
    for _ in range(int(reader.field("I"))):
        tag = int(reader.field("B"))
        reader.fields(KEY_FIELDS[tag][1:])
        if reader.field("?"):
            reader.take(int(reader.field("I")))
