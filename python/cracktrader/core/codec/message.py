"""Events, intents and the configuration as canonical bytes; fields in the order of the contract."""

import struct
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import Capabilities, FillModel, Venue
from cracktrader.core.codec.wire import CodecError, Reader, ints, pack, prefixed, table
from cracktrader.core.config import BarRule, Config, Conversion, DataKind, OnError, StrategyConfig, Stream
from cracktrader.core.event import EVENT_TYPES, PAYLOADS, Event, EventType, Payload, Source
from cracktrader.core.indicator import PARAMETERS, Declaration
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.intent import (
    INTENT_TYPES,
    CancelOrder,
    Intent,
    NoOp,
    OrderId,
    PlaceOrder,
    ReplaceOrder,
    SetRiskFlag,
)
from cracktrader.core.risk import InstrumentLimit, RiskLimits

EVENT_FIELDS: dict[EventType, str] = {
    EventType.START: "",
    EventType.BAR: "qqqqqqqH",
    EventType.TRADE: "qqB",
    EventType.QUOTE: "qqqq",
    EventType.SESSION_OPENED: "",
    EventType.SESSION_CLOSED: "",
    EventType.INSTRUMENT_STATUS: "?",
    EventType.ACCEPTED: "Q",
    EventType.REJECTED: "QHs",
    EventType.FILLED: "QqqBHoB",
    EventType.CANCELLED: "QHs",
    EventType.EXPIRED: "Q",
    EventType.TRIGGERED: "Q",
    EventType.REPLACED: "Qqqq",
    EventType.CANCEL_REJECTED: "QHs",
    EventType.REPLACE_REJECTED: "QHs",
    EventType.IN_DOUBT: "Q",
    EventType.ABSENT: "Q",
    EventType.BUSTED: "Qs",
    EventType.SETTLED: "Qs",
    EventType.DENIED: "QHoo",
    EventType.REFUSED: "HQHBHoo",
    EventType.BALANCE_STATEMENT: "Ho",
    EventType.POSITION_STATEMENT: "q",
    EventType.TRANSFER: "Hoqq",
    EventType.FUNDING: "Ho",
    EventType.SETTLEMENT: "q",
    EventType.TIMER_FIRED: "HQq",
    EventType.RISK_FLAG_SET: "HB?",
    EventType.STRATEGY_HALTED: "H",
    EventType.ENGINE_STOPPED: "",
    EventType.DATA_ENDED: "",
    EventType.RUN_STOPPED: "",
}
_ENVELOPE = "QqqBHHI"
_ORDER_ID = "HQH"
INTENT_FIELDS: dict[type[Intent], str] = {
    PlaceOrder: "IBBBqqqq??Bqq" + _ORDER_ID * 2,
    CancelOrder: _ORDER_ID,
    ReplaceOrder: _ORDER_ID + "qqq",
    SetRiskFlag: "B?",
    NoOp: "",
}


def encode_payload(payload: Payload) -> bytes:
    """The event type's code and the payload's fields."""
    code = EVENT_TYPES[type(payload)]
    return struct.pack("<B", code) + pack(EVENT_FIELDS[code], payload)


def encode_event(event: Event) -> bytes:
    """An event: envelope, payload, key."""
    head = struct.pack(
        "<QqqBHHI",
        event.seq_id,
        event.event_time,
        event.ingest_time,
        event.source,
        event.venue,
        event.account,
        event.instrument,
    )
    return head + encode_payload(event.payload) + prefixed(event.idempotency_key.encode("ascii"))


def decode_event(data: bytes) -> Event:
    """The event of exactly these bytes."""
    reader = Reader(data)
    event = read_event(reader)
    reader.end()
    return event


def read_event(reader: Reader) -> Event:
    """The next event."""
    seq_id, event_time, ingest_time, source, venue, account, instrument = ints(reader, _ENVELOPE)
    if source > max(Source):
        raise CodecError(f"source {source} before {reader.at} is not in the contract")
    payload = read_payload(reader)
    key = str(reader.field("s"))
    return Event(seq_id, event_time, ingest_time, source, venue, account, instrument, payload, key)


def read_payload(reader: Reader) -> Payload:
    """The next payload: the code of its type and its fields."""
    code = int(reader.field("B"))
    try:
        event_type = EventType(code)
    except ValueError:
        raise CodecError(f"event type {code} before {reader.at} is not in the contract") from None
    make: Callable[..., Payload] = PAYLOADS[event_type]
    return make(*reader.fields(EVENT_FIELDS[event_type]))


def encode_intent(intent: Intent) -> bytes:
    """An intent: its code and fields; an order id is written in place."""
    kind = type(intent)
    values: list[int | bool] = []
    for value in intent:
        values.extend(value if isinstance(value, OrderId) else (value,))
    return struct.pack("<B", INTENT_TYPES[kind]) + pack(INTENT_FIELDS[kind], values)


def read_intent(reader: Reader) -> Intent:
    """The next intent."""
    code = reader.field("B")
    for kind, number in INTENT_TYPES.items():
        if number == code:
            make: Callable[..., Intent] = kind
            if kind is CancelOrder or kind is ReplaceOrder:
                order_id = OrderId(*ints(reader, _ORDER_ID))
                return make(order_id, *reader.fields(INTENT_FIELDS[kind][len(_ORDER_ID) :]))
            if kind is PlaceOrder:
                terms = reader.fields(INTENT_FIELDS[kind][: -2 * len(_ORDER_ID)])
                return make(*terms, OrderId(*ints(reader, _ORDER_ID)), OrderId(*ints(reader, _ORDER_ID)))
            return make(*reader.fields(INTENT_FIELDS[kind]))
    raise CodecError(f"intent type {code} before {reader.at} is not in the contract")


# Fields of what a configuration declares, in the order of their declaration there.
_CURRENCY = "sB"
_VENUE = "s?"
_CAPABILITIES = "BB?????q?"
_VENUE_TERMS = "B" + "q" * 11
_ACCOUNT = "sHB"
_DEPOSIT = "Ho"
_INSTRUMENT = "sHBHHBBBqqqqqqqqq"
_STREAM = "IB?BqHBoq"
_STRATEGY = "ss"
_LIMITS = "oIIqqo"
_INSTRUMENT_LIMIT = "Iqq"
_CONVERSION = "HIq"
_RUN = "BBBBBIQ"


def encode_config(config: Config) -> bytes:
    """The configuration: the tables in the order of their declaration, each a u32 count and its rows."""
    return b"".join(
        (
            table(pack(_CURRENCY, _values(one)) for one in config.currencies),
            table(_encode_venue(one) for one in config.venues),
            table(
                pack(_ACCOUNT, _values(one)[:3]) + table(pack(_DEPOSIT, deposit) for deposit in one.deposits)
                for one in config.accounts
            ),
            table(pack(_INSTRUMENT, _values(one)) for one in config.instruments),
            table(pack(_STREAM, _values(one)) for one in config.streams),
            table(_encode_strategy(one) for one in config.strategies),
            pack("H", (config.base_currency,)),
            table(pack(_CONVERSION, conversion) for conversion in config.conversions),
            pack(_RUN, (*config.priorities, config.on_error, config.recheck_every, config.seed)),
        )
    )


def _values(declared: Any) -> list[Any]:
    """The fields of a declaration, in their order."""
    return [getattr(declared, one.name) for one in fields(declared)]


def _encode_venue(venue: Venue) -> bytes:
    name, simulated, capabilities, *terms = _values(venue)
    return pack(_VENUE, (name, simulated)) + pack(_CAPABILITIES, _values(capabilities)) + pack(_VENUE_TERMS, terms)


def _encode_strategy(strategy: StrategyConfig) -> bytes:
    *limits, instruments = _values(strategy.limits)
    head = pack(_STRATEGY, (strategy.name, strategy.parameters)) + pack(_LIMITS, limits)
    return head + table(pack(_INSTRUMENT_LIMIT, _values(one)) for one in instruments)


def decode_config(data: bytes) -> Config:
    """The configuration of exactly these bytes. Whether it is valid is `config_problem`. CodecError."""
    reader = Reader(data)
    try:
        config = Config(
            _rows(reader, lambda: Currency(*_read(reader, _CURRENCY))),
            _rows(reader, lambda: _read_venue(reader)),
            _rows(reader, lambda: _read_account(reader)),
            _rows(reader, lambda: _read_instrument(reader)),
            _rows(reader, lambda: _read_stream(reader)),
            _rows(reader, lambda: _read_strategy(reader)),
            ints(reader, "H")[0],
            _rows(reader, lambda: Conversion(*_read(reader, _CONVERSION))),
            *_read_run(reader),
        )
    except ValueError as error:
        raise CodecError(f"before {reader.at}: {error}") from error
    reader.end()
    return config


def _rows(reader: Reader, row: Callable[[], Any]) -> tuple[Any, ...]:
    return tuple(row() for _ in range(int(reader.field("I"))))


def _read(reader: Reader, kinds: str) -> list[Any]:
    return list(reader.fields(kinds))


def _read_venue(reader: Reader) -> Venue:
    name, simulated = _read(reader, _VENUE)
    capabilities = Capabilities(*_read(reader, _CAPABILITIES))
    fill, *terms = _read(reader, _VENUE_TERMS)
    return Venue(name, simulated, capabilities, FillModel(fill), *terms)


def _read_account(reader: Reader) -> Account:
    name, venue, kind = _read(reader, _ACCOUNT)
    return Account(name, venue, AccountKind(kind), _rows(reader, lambda: Deposit(*_read(reader, _DEPOSIT))))


def _read_instrument(reader: Reader) -> Instrument:
    name, venue, kind, *rest = _read(reader, _INSTRUMENT)
    return Instrument(name, venue, InstrumentKind(kind), *rest)


def _read_stream(reader: Reader) -> Stream:
    instrument, kind, matching, decimals, latency, source, rule, *rest = _read(reader, _STREAM)
    return Stream(instrument, DataKind(kind), matching, decimals, latency, source, BarRule(rule), *rest)


def _read_strategy(reader: Reader) -> StrategyConfig:
    name, parameters = _read(reader, _STRATEGY)
    limits = _read(reader, _LIMITS)
    instruments = _rows(reader, lambda: InstrumentLimit(*_read(reader, _INSTRUMENT_LIMIT)))
    return StrategyConfig(name, parameters, replace(RiskLimits(*limits), instruments=instruments))


def _read_run(reader: Reader) -> tuple[Any, ...]:
    *priorities, on_error, recheck_every, seed = _read(reader, _RUN)
    return tuple(priorities), OnError(on_error), recheck_every, seed


_DECLARATION = "B" + "q" * PARAMETERS + "HBIBH"


def encode_declaration(declared: Declaration) -> bytes:
    """A declaration's fields."""
    return pack(_DECLARATION, (declared.kind, *declared.parameters, *declared[2:]))


def read_declaration(reader: Reader) -> Declaration:
    """The next declaration of a reader."""
    kind, *rest = ints(reader, _DECLARATION)
    return Declaration(kind, tuple(rest[:PARAMETERS]), *rest[PARAMETERS:])
