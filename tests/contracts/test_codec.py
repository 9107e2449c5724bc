"""The codec of both cores against the contract: an encoder that reads only contract/*.toml gives the same bytes, and whatever is not
canonical is refused.
"""

import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cracktrader import backend
from cracktrader.core import codec
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import SIMULATOR, Venue
from cracktrader.core.config import Config, Conversion, DataKind, StrategyConfig, Stream
from cracktrader.core.event import PAYLOADS, Event, EventType, Source
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.intent import INTENT_TYPES, OrderId
from cracktrader.core.risk import InstrumentLimit, RiskLimits

CONTRACT = Path(__file__).parents[2] / "contract"
EVENTS = tomllib.loads((CONTRACT / "events.toml").read_text())
INTENTS = tomllib.loads((CONTRACT / "intents.toml").read_text())
WIDTHS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q", "bool": "?"}
EXTREMES: dict[str, tuple[Any, Any]] = {
    "u8": (0, 255),
    "u16": (0, 65535),
    "u32": (0, 2**32 - 1),
    "u64": (0, 2**64 - 1),
    "i64": (-(2**63), 2**63 - 1),
    "i128": (-(2**127), 2**127 - 1),
    "bool": (False, True),
    "bytes": ("", "k" * 64),
}


def by_contract(kind: str, value: Any) -> bytes:
    """A value as the contract's field type says."""
    if kind == "i128":
        return int(value).to_bytes(16, "little", signed=True)
    if kind == "bytes":
        return struct.pack("<I", len(value)) + value.encode()
    if kind == "order_id":
        return struct.pack("<HQH", *value)
    return struct.pack("<" + WIDTHS[kind], value)


def events() -> list[tuple[Event, bytes]]:
    """Every event type with its fields at either extreme, and its bytes by the contract."""
    made = []
    for declared in EVENTS["event"]:
        for side in (0, 1):
            values = [EXTREMES[kind][side] for _, kind, _ in declared["fields"]]
            payload = PAYLOADS[EventType(declared["code"])](*values)
            assert type(payload).__name__ == declared["name"]
            assert list(payload._fields) == [name for name, _, _ in declared["fields"]]
            envelope = [EXTREMES[kind][side] for _, kind, _ in EVENTS["envelope"]["fields"][:7]]
            envelope[3] = min(envelope[3], max(Source))
            key = EXTREMES["bytes"][side]
            head = b"".join(
                by_contract(kind, value)
                for (_, kind, _), value in zip(EVENTS["envelope"]["fields"][:7], envelope, strict=True)
            )
            body = b"".join(
                by_contract(kind, value) for (_, kind, _), value in zip(declared["fields"], values, strict=True)
            )
            data = head + struct.pack("<B", declared["code"]) + body + by_contract("bytes", key)
            made.append((Event(*envelope, payload, key), data))
    return made


def intents() -> list[tuple[Any, bytes]]:
    """Every intent type with its fields at either extreme, and its bytes by the contract."""
    made = []
    extremes = EXTREMES | {"order_id": (OrderId(0, 0, 0), OrderId(65535, 2**64 - 1, 65535))}
    for declared in INTENTS["intent"]:
        kind = next(kind for kind, code in INTENT_TYPES.items() if code == declared["code"])
        assert kind.__name__ == declared["name"]
        assert list(kind._fields) == [name for name, _, _ in declared["fields"]]
        for side in (0, 1):
            values = [extremes[field][side] for _, field, _ in declared["fields"]]
            body = b"".join(
                by_contract(field, value) for (_, field, _), value in zip(declared["fields"], values, strict=True)
            )
            made.append((kind(*values), struct.pack("<B", declared["code"]) + body))
    return made


def test_every_event_is_encoded_as_the_contract_says() -> None:
    for event, data in events():
        assert codec.encode_event(event) == data, event
        assert codec.decode_event(data) == event
        assert type(codec.decode_event(data).payload) is type(event.payload)


def test_every_intent_is_encoded_as_the_contract_says() -> None:
    for intent, data in intents():
        assert codec.encode_intent(intent) == data, intent
        reader = codec.Reader(data)
        assert codec.read_intent(reader) == intent
        reader.end()


@pytest.mark.parity
def test_the_rust_core_reads_and_writes_the_same_bytes() -> None:
    extension = backend._extension()
    for _, data in events():
        assert extension.recode_event(data) == data
    for _, data in intents():
        assert extension.recode_intent(data) == data
    config = codec.encode_config(sample_config())
    assert extension.recode_config(config) == config


def test_a_configuration_reads_back() -> None:
    config = sample_config()
    assert codec.decode_config(codec.encode_config(config)) == config
    for wrong in broken(codec.encode_config(config)):
        with pytest.raises(codec.CodecError):
            codec.decode_config(wrong)


def broken(data: bytes) -> list[bytes]:
    """Every truncation, and one byte too many."""
    return [data[:size] for size in range(len(data))] + [data + b"\0"]


def test_bytes_that_are_not_canonical_are_refused() -> None:
    for _, data in events():
        for wrong in broken(data):
            with pytest.raises(codec.CodecError):
                codec.decode_event(wrong)
    _, status = next(pair for pair in events() if pair[0].payload == (True,))
    two = status.replace(b"\x06\x01", b"\x06\x02", 1)
    with pytest.raises(codec.CodecError, match="no bool"):
        codec.decode_event(two)
    with pytest.raises(codec.CodecError, match="source 4"):
        codec.decode_event(status[:24] + b"\4" + status[25:])


@pytest.mark.parity
def test_the_rust_core_refuses_the_same_bytes() -> None:
    extension = backend._extension()
    for _, data in events():
        for wrong in broken(data):
            with pytest.raises(ValueError):
                extension.recode_event(wrong)
    for _, data in intents():
        for wrong in broken(data):
            with pytest.raises(ValueError):
                extension.recode_intent(wrong)


def sample_config() -> Config:
    """A configuration with every table filled."""
    instrument = Instrument("A/B", 0, InstrumentKind.INVERSE, 1, 0, 8, 2, 3, 5, 10, 10**6, 10**9, 10**9, 5, 4, -1, 2)
    limits = RiskLimits(10**20, 3, 4, 5, 6, 10**21, (InstrumentLimit(0, 7, 8),))
    return Config(
        currencies=(Currency("B", 8), Currency("A", 3)),
        venues=(Venue("sim", True, SIMULATOR, submit_latency=1, report_latency=2),),
        accounts=(Account("main", 0, AccountKind.MARGIN, (Deposit(0, 10**30), Deposit(1, -5))),),
        instruments=(instrument,),
        streams=(Stream(0, DataKind.BAR, True, 4, 9),),
        strategies=(StrategyConfig("one", '{"a":1}', limits), StrategyConfig("two")),
        conversions=(Conversion(1, 0),),
        recheck_every=17,
        seed=2**64 - 1,
    )
