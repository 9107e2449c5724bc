"""Canonical bytes: events, intents, configuration, entities, records; and the state root.

Little-endian, fixed width, field order of the contract, length-prefixed bytes, no optional forms; decoders refuse anything else and
trailing bytes. Entities and records are only encoded here: they are compared and hashed, and replay rebuilds them.
"""

import struct
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple, TypeAlias
from zlib import crc32

from cracktrader.core.config import Config
from cracktrader.core.event import EVENT_TYPES, PAYLOADS, Event, EventType, Payload
from cracktrader.core.indicator import Indicator
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
from cracktrader.core.matching import SimulatedVenue
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Position, Unsettled
from cracktrader.core.state import FillRecord, State, StrategyState

CONTRACT_VERSION = 1
CONTRACT_HASH = "981c347e4016f48b4e04d4dc96dd49c0a564dbb8d9d08ba4a43f99c6569b7f17"
"""SHA-256 over the files of contract/; written by docs/generate.py."""

ROOT_MODULUS = 2**256


class CodecError(ValueError):
    """Bytes that are not canonical."""


# Field types: b B H I Q q as in struct, o an i128, s length-prefixed ASCII, ? a bool.
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
    PlaceOrder: "IBBBqqqq??",
    CancelOrder: _ORDER_ID,
    ReplaceOrder: _ORDER_ID + "qqq",
    SetRiskFlag: "B?",
    NoOp: "",
}


def pack(fields: str, values: Iterable[int | str | bool]) -> bytes:
    """Values as bytes, each by its field type."""
    parts = []
    for kind, value in zip(fields, values, strict=True):
        if kind == "o":
            parts.append(int(value).to_bytes(16, "little", signed=True))
        elif kind == "s":
            parts.append(prefixed(str(value).encode("ascii")))
        else:
            parts.append(struct.pack("<" + kind, value))
    return b"".join(parts)


def prefixed(data: bytes) -> bytes:
    """A u32 length and the bytes."""
    return struct.pack("<I", len(data)) + data


class Reader:
    """Reads canonical bytes from the front; CodecError names where they end or stray."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if self.at + size > len(self.data):
            raise CodecError(f"{size} bytes wanted at {self.at}, the data has {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def field(self, kind: str) -> int | str | bool:
        """The next value of a field type."""
        if kind == "o":
            return int.from_bytes(self.take(16), "little", signed=True)
        if kind == "s":
            raw = self.take(int(self.field("I")))
            if not raw.isascii():
                raise CodecError(f"text before {self.at} is not ASCII")
            return raw.decode("ascii")
        if kind == "?":
            byte = self.take(1)[0]
            if byte > 1:
                raise CodecError(f"byte {byte} before {self.at} is no bool")
            return byte == 1
        value: int = struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0]
        return value

    def fields(self, kinds: str) -> list[int | str | bool]:
        """The next values."""
        return [self.field(kind) for kind in kinds]

    def end(self) -> None:
        """There is nothing left."""
        if self.at != len(self.data):
            raise CodecError(f"{len(self.data) - self.at} trailing bytes at {self.at}")


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
    seq_id, event_time, ingest_time, source, venue, account, instrument, code = _ints(reader, _ENVELOPE)
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
                order_id = OrderId(*_ints(reader, _ORDER_ID))
                return make(order_id, *reader.fields(INTENT_FIELDS[kind][len(_ORDER_ID) :]))
            return make(*reader.fields(INTENT_FIELDS[kind]))
    raise CodecError(f"intent type {code} before {reader.at} is not in the contract")


def encode_config(config: Config) -> bytes:
    """The configuration: the tables in the order of their declaration, each a u32 count and its rows."""
    return b"".join(
        (
            _table((pack("sB", (c.name, c.scale)) for c in config.currencies)),
            _table(
                pack(
                    "s?BB?????qBqq",
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
                        v.fill,
                        v.submit_latency,
                        v.report_latency,
                    ),
                )
                for v in config.venues
            ),
            _table(
                pack("sHB", (a.name, a.venue, a.kind)) + _table(pack("Ho", deposit) for deposit in a.deposits)
                for a in config.accounts
            ),
            _table(
                pack(
                    "sHBHHBBBqqqqqqqq",
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
                        i.maker_fee,
                        i.taker_fee,
                    ),
                )
                for i in config.instruments
            ),
            _table(
                pack("IB?Bq", (s.instrument, s.kind, s.matching, s.volume_decimals, s.feed_latency))
                for s in config.streams
            ),
            _table(
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
                + _table(
                    pack("Iqq", (one.instrument, one.max_order_quantity, one.max_position))
                    for one in s.limits.instruments
                )
                for s in config.strategies
            ),
            pack("H", (config.base_currency,)),
            _table(pack("HI", conversion) for conversion in config.conversions),
            pack("BBBBBIQ", (*config.priorities, config.on_error, config.recheck_every, config.seed)),
        )
    )


def _table(rows: Iterable[bytes]) -> bytes:
    listed = list(rows)
    return struct.pack("<I", len(listed)) + b"".join(listed)


# Leaves of the state: (tag, ids). Images of the first kind are in records; those from QUIET on follow from the events alone.
ENGINE, ORDER, ACCOUNT_POSITION, STRATEGY_POSITION, ACCOUNT_UNSETTLED, STRATEGY_UNSETTLED = range(1, 7)
LEDGER, STRATEGY_FEES, STRATEGY, TIMER, FILL, PARKED = range(7, 13)
QUIET = 20
MARKET, INDICATOR, DAY, SEEN, KEY = range(20, 25)

LeafKey: TypeAlias = tuple[int, ...] | tuple[int, int, str]
_KEY_FIELDS = {
    ENGINE: "B",
    ORDER: "BQ",
    ACCOUNT_POSITION: "BHI",
    STRATEGY_POSITION: "BHI",
    ACCOUNT_UNSETTLED: "BHI",
    STRATEGY_UNSETTLED: "BHI",
    LEDGER: "BHH",
    STRATEGY_FEES: "BHH",
    STRATEGY: "BH",
    TIMER: "BHQ",
    FILL: "BHs",
    PARKED: "BHs",
    MARKET: "BI",
    INDICATOR: "BI",
    DAY: "B",
    SEEN: "BH",
    KEY: "BHs",
}


def encode_key(key: LeafKey) -> bytes:
    """A leaf's name."""
    return pack(_KEY_FIELDS[key[0]], key)


def encode_leaf(state: State, key: LeafKey) -> bytes | None:
    """The entity's canonical bytes, or None where there is none."""
    return _LEAVES[key[0]](state, *key[1:])


def _engine_leaf(state: State) -> bytes:
    return (
        pack(
            "??H??QQ",
            (
                state.started,
                state.ended,
                state.stopped,
                state.kill_switch,
                state.reduce_only,
                state.next_ordinal,
                state.archived,
            ),
        )
        + state.archive_digest
    )


def encode_order(order: Order) -> bytes:
    """An order. `flagged` is not part of it: a quarantined report changes no leaf."""
    return pack(
        "QHQHIHHBBBqqqq??qBB??IqqqoqqqqqH",
        (
            order.ordinal,
            *order.id,
            order.instrument,
            order.venue,
            order.account,
            order.side,
            order.order_type,
            order.time_in_force,
            order.quantity,
            order.limit_price,
            order.stop_price,
            order.expire_time,
            order.post_only,
            order.reduce_only,
            order.created_time,
            order.life,
            order.pending,
            order.triggered,
            order.in_doubt,
            order.version,
            order.open_quantity,
            order.filled_quantity,
            order.busted_quantity,
            order.filled_value,
            order.replace_quantity,
            order.replace_limit_price,
            order.replace_stop_price,
            order.reserve_price,
            order.closed_time,
            order.code,
        ),
    )


def encode_position(position: Position) -> bytes:
    """A position."""
    return pack("qoooqqqq", position)


def _unsettled_leaf(unsettled: Unsettled | None) -> bytes | None:
    if unsettled is None:
        return None
    lots = zip(unsettled.lots, unsettled.settled, strict=True)
    return encode_position(unsettled.base) + _table(pack("sqoqB?", (*lot, settled)) for lot, settled in lots)


def _strategy_leaf(owner: StrategyState) -> bytes:
    head = pack(
        "???IQQ",
        (
            owner.halted,
            owner.kill_switch,
            owner.reduce_only,
            owner.open_orders,
            owner.random_counter,
            owner.next_timer,
        ),
    )
    return head + _table(pack("q", (time,)) for time in owner.placed)


def _fill_leaf(fill: FillRecord | None) -> bytes | None:
    if fill is None:
        return None
    return pack(
        "QHIqoHoq??",
        (
            fill.order,
            fill.strategy,
            fill.instrument,
            fill.quantity,
            fill.value,
            fill.fee_currency,
            fill.fee,
            fill.fee_quantity,
            fill.settled,
            fill.busted,
        ),
    )


def _market_leaf(state: State, index: int) -> bytes:
    market = state.markets[index]
    return pack("qqqq??", (market.mark, market.mark_time, market.bid, market.ask, market.halted, market.frozen))


def _indicator_leaf(indicator: Indicator) -> bytes:
    head = pack(
        "HBIIHBB",
        (
            indicator.strategy,
            indicator.kind,
            indicator.period,
            indicator.instrument,
            indicator.stream,
            indicator.bar_field,
            indicator.decimals,
        ),
    )
    sums = pack("Qoo", (indicator.count, indicator.sum, indicator.previous_sum))
    floats = struct.pack("<dd", indicator.average, indicator.previous_average)
    return head + sums + floats + _table(pack("q", (value,)) for value in indicator.window)


def _optional(encode: Callable[[Position], bytes], position: Position | None) -> bytes | None:
    return None if position is None else encode(position)


_LEAVES: dict[int, Callable[..., bytes | None]] = {
    ENGINE: _engine_leaf,
    ORDER: lambda state, ordinal: encode_order(state.orders[ordinal]) if ordinal in state.orders else None,
    ACCOUNT_POSITION: lambda state, *key: _optional(encode_position, state.accounts.get(key)),
    STRATEGY_POSITION: lambda state, *key: _optional(encode_position, state.strategies.get(key)),
    ACCOUNT_UNSETTLED: lambda state, *key: _unsettled_leaf(state.unsettled_accounts.get(key)),
    STRATEGY_UNSETTLED: lambda state, *key: _unsettled_leaf(state.unsettled_strategies.get(key)),
    LEDGER: lambda state, *key: pack("oooooo", state.ledgers[key]) if key in state.ledgers else None,
    STRATEGY_FEES: lambda state, *key: pack("o", (state.strategy_fees[key],)) if key in state.strategy_fees else None,
    STRATEGY: lambda state, index: _strategy_leaf(state.owners[index]),
    TIMER: lambda state, *key: pack("q", (state.timers.deadlines[key],)) if key in state.timers.deadlines else None,
    FILL: lambda state, *key: _fill_leaf(state.fills.get(key)),
    PARKED: lambda state, *key: pack("Q", (state.parked[key],)) if key in state.parked else None,
    MARKET: _market_leaf,
    INDICATOR: lambda state, index: _indicator_leaf(state.indicators[index]),
    DAY: lambda state: pack("qo", (state.day, state.day_equity)),
    SEEN: lambda state, account: pack("Q", (state.seen[account].watermark,)),
    KEY: lambda state, account, key: (
        encode_payload(state.seen[account].contents[key]) if key in state.seen[account].contents else None
    ),
}


def all_keys(state: State) -> list[LeafKey]:
    """The name of every leaf of the state."""
    keys: list[LeafKey] = [(ENGINE,), (DAY,)]
    keys += [(ORDER, ordinal) for ordinal in state.orders]
    keys += [(ACCOUNT_POSITION, *key) for key in state.accounts]
    keys += [(STRATEGY_POSITION, *key) for key in state.strategies]
    keys += [(ACCOUNT_UNSETTLED, *key) for key in state.unsettled_accounts]
    keys += [(STRATEGY_UNSETTLED, *key) for key in state.unsettled_strategies]
    keys += [(LEDGER, *key) for key in state.ledgers]
    keys += [(STRATEGY_FEES, *key) for key in state.strategy_fees]
    keys += [(STRATEGY, index) for index in range(len(state.owners))]
    keys += [(TIMER, *key) for key in state.timers.deadlines]
    keys += [(FILL, *key) for key in state.fills]
    keys += [(PARKED, *key) for key in state.parked]
    keys += [(MARKET, index) for index in range(len(state.markets))]
    keys += [(INDICATOR, index) for index in range(len(state.indicators))]
    keys += [(SEEN, account) for account in state.seen]
    keys += [(KEY, account, key) for account, seen in state.seen.items() for key in seen.contents]
    return keys


class StateRoot:
    """Sum modulo 2**256 of the SHA-256 of every leaf: incremental, free of order. An equality check between honest cores; what commits
    to history is the journal's chain."""

    def __init__(self) -> None:
        self.total = 0
        self.leaves: dict[LeafKey, int] = {}

    def refresh(self, state: State, keys: Iterable[LeafKey]) -> None:
        """Take the leaves that may have changed anew."""
        for key in keys:
            leaf = encode_leaf(state, key)
            before = self.leaves.pop(key, 0)
            after = 0
            if leaf is not None:
                after = int.from_bytes(sha256(encode_key(key) + leaf).digest(), "little")
                self.leaves[key] = after
            self.total = (self.total + after - before) % ROOT_MODULUS

    @property
    def digest(self) -> bytes:
        """The root as 32 bytes, little-endian."""
        return self.total.to_bytes(32, "little")


def full_root(state: State) -> bytes:
    """The root from nothing: equals the incremental one."""
    root = StateRoot()
    root.refresh(state, all_keys(state))
    return root.digest


def state_hash(state: State, root: bytes) -> bytes:
    """Digest of a state: contract, root, and where the run stands."""
    return sha256(bytes.fromhex(CONTRACT_HASH) + root + pack("Qq", (state.seq, state.now))).digest()


def encode_venue(venue: SimulatedVenue) -> bytes:
    """Everything the simulated venue holds; its digest is its own root."""
    orders = (
        pack(
            "QIBBBqqqQQ?qI",
            (
                order.order,
                order.instrument,
                order.side,
                order.order_type,
                order.time_in_force,
                order.quantity,
                order.limit_price,
                order.filled,
                order.place,
                order.first_row,
                order.opened,
                *order.cause,
            ),
        )
        for lane in venue.lanes.values()
        for order in lane.orders
    )
    return b"".join(
        (
            _table(orders),
            _table(pack("I", (index,)) + encode_position(held) for index, held in sorted(venue.positions.items())),
            _table(pack("H", (index,)) + pack("oooooo", held) for index, held in sorted(venue.ledgers.items())),
            _table(pack("Iq", mark) for mark in sorted(venue.marks.items())),
            pack("QQI", (venue.last_key, venue.last_place, len(venue.commands))),
        )
    )


class Finding(NamedTuple):
    """A code on a fact, with its two numbers."""

    code: int
    value: int
    limit: int


class TimerRequest(NamedTuple):
    """A timer to set, or to cancel with a null deadline."""

    timer: int
    deadline: int


class Declaration(NamedTuple):
    """An indicator declared in on_start."""

    kind: int
    period: int
    stream: int
    bar_field: int


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

    event: Event
    depth: int
    findings: list[Finding]
    interrupted: bool
    answers: list[Answer]


def encode_images(state: State, touched: Iterable[LeafKey]) -> bytes:
    """After-images of the touched leaves that are in records, in the order of their names."""
    named = sorted((encode_key(key), key) for key in set(touched) if key[0] < QUIET)
    rows = []
    for name, key in named:
        leaf = encode_leaf(state, key)
        rows.append(name + (b"\0" if leaf is None else b"\1" + prefixed(leaf)))
    return _table(rows)


def encode_record(record: Record, before: bytes, after: bytes) -> bytes:
    """A step's record: length, event, depth, findings, images of commit A, answers, images of commit B, CRC-32."""
    body = b"".join(
        (
            encode_event(record.event),
            pack("I", (record.depth,)),
            _table(pack("Hoo", finding) for finding in record.findings),
            before,
            pack("?", (record.interrupted,)),
            _table(_encode_answer(answer) for answer in record.answers),
            after,
        )
    )
    return prefixed(body) + struct.pack("<I", crc32(body))


def _encode_answer(answer: Answer) -> bytes:
    return b"".join(
        (
            pack("HsQQ", (answer.strategy, answer.error, answer.random_counter, answer.next_timer)),
            _table(pack("BIHB", declared) for declared in answer.declarations),
            _table(encode_intent(intent) + pack("Hoo", verdict) for intent, verdict in answer.intents),
            _table(pack("Qq", timer) for timer in answer.timers),
        )
    )


def decode_record(data: bytes) -> Record:
    """The record of exactly these bytes; its images are skipped. CodecError when the CRC does not fit."""
    outer = Reader(data)
    body = outer.take(int(outer.field("I")))
    if outer.field("I") != crc32(body):
        raise CodecError("the record's CRC does not fit")
    outer.end()
    reader = Reader(body)
    event = read_event(reader)
    depth = int(reader.field("I"))
    findings = [Finding(*_ints(reader, "Hoo")) for _ in range(int(reader.field("I")))]
    _skip_images(reader)
    interrupted = bool(reader.field("?"))
    answers = [_read_answer(reader) for _ in range(int(reader.field("I")))]
    _skip_images(reader)
    reader.end()
    return Record(event, depth, findings, interrupted, answers)


def _read_answer(reader: Reader) -> Answer:
    strategy = int(reader.field("H"))
    error = str(reader.field("s"))
    random_counter, next_timer = _ints(reader, "QQ")
    declarations = [Declaration(*_ints(reader, "BIHB")) for _ in range(int(reader.field("I")))]
    intents = []
    for _ in range(int(reader.field("I"))):
        intent = read_intent(reader)
        intents.append((intent, Finding(*_ints(reader, "Hoo"))))
    timers = [TimerRequest(*_ints(reader, "Qq")) for _ in range(int(reader.field("I")))]
    return Answer(strategy, error, random_counter, next_timer, declarations, intents, timers)


def _ints(reader: Reader, kinds: str) -> list[int]:
    return [int(value) for value in reader.fields(kinds)]


def _skip_images(reader: Reader) -> None:
    for _ in range(int(reader.field("I"))):
        tag = int(reader.field("B"))
        reader.fields(_KEY_FIELDS[tag][1:])
        if reader.field("?"):
            reader.take(int(reader.field("I")))
