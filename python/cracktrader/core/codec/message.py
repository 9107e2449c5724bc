"""Events, intents and the configuration as canonical bytes; fields in the order of the contract."""

import struct
from collections.abc import Callable

from cracktrader.core.codec.wire import CodecError, Reader, ints, pack, prefixed, table
from cracktrader.core.config import Config
from cracktrader.core.event import EVENT_TYPES, PAYLOADS, Event, EventType, Payload, Source
from cracktrader.core.indicator import PARAMETERS, Declaration
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
_ENVELOPE = "QqqBHHIB"
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
    seq_id, event_time, ingest_time, source, venue, account, instrument, code = ints(reader, _ENVELOPE)
    if source > max(Source):
        raise CodecError(f"source {source} before {reader.at} is not in the contract")
    try:
        event_type = EventType(code)
    except ValueError:
        raise CodecError(f"event type {code} before {reader.at} is not in the contract") from None
    make: Callable[..., Payload] = PAYLOADS[event_type]
    payload = make(*reader.fields(EVENT_FIELDS[event_type]))
    key = str(reader.field("s"))
    return Event(seq_id, event_time, ingest_time, source, venue, account, instrument, payload, key)


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


def encode_config(config: Config) -> bytes:
    """The configuration: the tables in the order of their declaration, each a u32 count and its rows."""
    return b"".join(
        (
            table((pack("sB", (c.name, c.scale)) for c in config.currencies)),
            table(
                pack(
                    "s?BB?????q?B" + "q" * 11,
                    (
                        v.name,
                        v.simulated,
                        v.capabilities.order_types,
                        v.capabilities.times_in_force,
                        v.capabilities.post_only,
                        v.capabilities.reduce_only,
                        v.capabilities.replace,
                        v.capabilities.provisional_fills,
                        v.capabilities.dense_keys,
                        v.capabilities.retention_ns,
                        v.capabilities.groups,
                        v.fill,
                        v.submit_latency,
                        v.report_latency,
                        v.cancel_latency,
                        v.replace_latency,
                        v.latency_jitter,
                        v.participation,
                        v.slippage,
                        v.slippage_ticks,
                        v.spread,
                        v.spread_ticks,
                        v.touch_probability,
                    ),
                )
                for v in config.venues
            ),
            table(
                pack("sHB", (a.name, a.venue, a.kind)) + table(pack("Ho", deposit) for deposit in a.deposits)
                for a in config.accounts
            ),
            table(
                pack(
                    "sHBHHBBBqqqqqqqqq",
                    (
                        i.name,
                        i.venue,
                        i.kind,
                        i.base_currency,
                        i.settlement_currency,
                        i.settlement_scale,
                        i.price_decimals,
                        i.quantity_decimals,
                        i.tick,
                        i.lot,
                        i.max_price,
                        i.max_quantity,
                        i.multiplier,
                        i.initial_margin,
                        i.maintenance_margin,
                        i.maker_fee,
                        i.taker_fee,
                    ),
                )
                for i in config.instruments
            ),
            table(
                pack(
                    "IB?BqHBoq",
                    (
                        s.instrument,
                        s.kind,
                        s.matching,
                        s.volume_decimals,
                        s.feed_latency,
                        s.source,
                        s.rule,
                        s.size,
                        s.offset,
                    ),
                )
                for s in config.streams
            ),
            table(
                pack(
                    "ssoIIqqo",
                    (
                        s.name,
                        s.parameters,
                        s.limits.max_order_notional,
                        s.limits.max_open_orders,
                        s.limits.max_orders_per_window,
                        s.limits.window_ns,
                        s.limits.price_collar,
                        s.limits.max_daily_loss,
                    ),
                )
                + table(
                    pack("Iqq", (one.instrument, one.max_order_quantity, one.max_position))
                    for one in s.limits.instruments
                )
                for s in config.strategies
            ),
            pack("H", (config.base_currency,)),
            table(pack("HIq", conversion) for conversion in config.conversions),
            pack("BBBBBIQ", (*config.priorities, config.on_error, config.recheck_every, config.seed)),
        )
    )


_DECLARATION = "B" + "q" * PARAMETERS + "HBIBH"


def encode_declaration(declared: Declaration) -> bytes:
    """A declaration's fields."""
    return pack(_DECLARATION, (declared.kind, *declared.parameters, *declared[2:]))


def read_declaration(reader: Reader) -> Declaration:
    """The next declaration of a reader."""
    kind, *rest = ints(reader, _DECLARATION)
    return Declaration(kind, tuple(rest[:PARAMETERS]), *rest[PARAMETERS:])
