"""Entities: how each is written, for leaves and checkpoints, and read back from a checkpoint; orders and commands of simulated venues.

Which entities a state has, and which leaf is which, is `root`; what a whole checkpoint holds is `engine.checkpoint`.
"""

from collections.abc import Callable
from typing import Any

from cracktrader.core.account import Ledger
from cracktrader.core.aggregate import Aggregate
from cracktrader.core.book import Market
from cracktrader.core.codec.message import encode_declaration, encode_payload
from cracktrader.core.codec.wire import CodecError, Reader, ints, pack, table
from cracktrader.core.event import EVENT_TYPES, Bar
from cracktrader.core.indicator import Indicator, Number, Ratio, real_bits, real_of_bits
from cracktrader.core.intent import OrderId, OrderType
from cracktrader.core.matching import Cause, Command, CommandKind, VenueOrder
from cracktrader.core.order import Life, Order, Pending
from cracktrader.core.portfolio import Lot, Position, Unsettled
from cracktrader.core.state import FillRecord, StrategyState

_ORDER = "QHQHIHHBBBqqqq??BqqQQqqBB??IqqqoqqqqqH"
_POSITION = "qoooqqqq"
_LEDGER = "oooooo"
_LOT = "sqoqB?"
_STRATEGY = "???IQQ"
_FILL = "QHIqoHoq??"
_MARKET = "qqqq??"
_AGGREGATE = "Qqqqqqqqqo"
_BAR = "qqqqqqqH"
_CAUSE = "qI"
_WORKING = "QIBBBqqqq??BqqQQqQQ???qq" + _CAUSE
_COMMAND = "BQIBBBqqqq??BqqQQ" + _CAUSE


def member(reader: Reader, kind: Callable[[int], Any], number: int) -> Any:
    """The member of an enumeration; CodecError where the number stands for nothing."""
    try:
        return kind(number)
    except ValueError:
        raise CodecError(f"{number} before {reader.at} is no {getattr(kind, '__name__', kind)}") from None


def encode_order(order: Order) -> bytes:
    """An order. `flagged` is not part of it: a quarantined report changes no leaf."""
    return pack(
        _ORDER,
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
            order.trail_kind,
            order.trail_offset,
            order.limit_offset,
            order.parent,
            order.oco,
            order.created_time,
            order.asked_quantity,
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


def read_order(reader: Reader) -> Order:
    """The next order, not flagged."""
    ordinal, strategy, seq, index, *terms = ints(reader, _ORDER[:14])
    post_only, reduce_only, kind, *trail, life, pending, triggered, in_doubt = reader.fields(_ORDER[14:27])
    *numbers, closed_time, code = ints(reader, _ORDER[27:])
    name = OrderId(strategy, seq, index)
    state = member(reader, Life, int(life)), member(reader, Pending, int(pending)), bool(triggered), bool(in_doubt)
    make: Callable[..., Order] = Order
    terms += [bool(post_only), bool(reduce_only), int(kind), *map(int, trail)]
    return make(ordinal, name, *terms, *state, *numbers, False, closed_time, code)


def encode_position(position: Position) -> bytes:
    """A position."""
    return pack(_POSITION, position)


def read_position(reader: Reader) -> Position:
    """The next position."""
    return Position(*ints(reader, _POSITION))


def encode_ledger(ledger: Ledger) -> bytes:
    """What is held in a currency."""
    return pack(_LEDGER, ledger)


def read_ledger(reader: Reader) -> Ledger:
    """The next ledger."""
    return Ledger(*ints(reader, _LEDGER))


def encode_unsettled(unsettled: Unsettled) -> bytes:
    """Provisional fills of a holder."""
    lots = zip(unsettled.lots, unsettled.settled, strict=True)
    return encode_position(unsettled.base) + table(pack(_LOT, (*lot, settled)) for lot, settled in lots)


def read_unsettled(reader: Reader) -> Unsettled:
    """The next provisional fills."""
    unsettled = Unsettled(read_position(reader))
    for _ in range(int(reader.field("I"))):
        key, quantity, value, fee_quantity, cause, settled = reader.fields(_LOT)
        unsettled.lots.append(Lot(str(key), int(quantity), int(value), int(fee_quantity), int(cause)))
        unsettled.settled.append(bool(settled))
    return unsettled


def encode_strategy(owner: StrategyState) -> bytes:
    """What the engine keeps of a strategy."""
    head = pack(
        _STRATEGY,
        (
            owner.halted,
            owner.kill_switch,
            owner.reduce_only,
            owner.open_orders,
            owner.random_counter,
            owner.next_timer,
        ),
    )
    return head + table(pack("q", (time,)) for time in owner.placed)


def read_strategy(reader: Reader) -> StrategyState:
    """What the engine keeps of the next strategy."""
    head: list[Any] = reader.fields(_STRATEGY)
    owner = StrategyState(*head)
    owner.placed.extend(int(reader.field("q")) for _ in range(int(reader.field("I"))))
    return owner


def encode_fill(fill: FillRecord) -> bytes:
    """A booked fill."""
    return pack(
        _FILL,
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


def read_fill(reader: Reader) -> FillRecord:
    """The next booked fill."""
    values: list[Any] = reader.fields(_FILL)
    return FillRecord(*values)


def encode_market(market: Market) -> bytes:
    """What the market last showed."""
    return pack(_MARKET, (market.mark, market.mark_time, market.bid, market.ask, market.halted, market.frozen))


def read_market(reader: Reader) -> Market:
    """What the next market last showed."""
    values: list[Any] = reader.fields(_MARKET)
    return Market(*values)


def encode_indicator(indicator: Indicator) -> bytes:
    """A declared indicator with everything it holds."""
    decimals = (indicator.instrument, indicator.price_decimals, indicator.volume_decimals)
    return b"".join(
        (
            pack("H", (indicator.strategy,)),
            encode_declaration(indicator.declaration),
            pack("IBB", decimals),
            table(encode_number(number) for number in indicator.before),
            table(pack("Q" * len(lines), map(real_bits, lines)) for lines in indicator.older),
            table(encode_number(part) for part in indicator.computation.parts()),
        )
    )


def encode_number(number: Number | int | None) -> bytes:
    """Nothing, a whole number, a ratio of two, or a float by its bits."""
    if number is None:
        return pack("B", (0,))
    if isinstance(number, int):
        return pack("Bo", (1, number))
    if isinstance(number, Ratio):
        return pack("Boo", (2, *number))
    return pack("BQ", (3, real_bits(number)))


def read_number(reader: Reader) -> Number | int | None:
    """The next of those."""
    tag = reader.field("B")
    if tag == 0:
        return None
    if tag == 1:
        return int(reader.field("o"))
    if tag == 2:
        return Ratio(*ints(reader, "oo"))
    if tag == 3:
        return read_real(reader)
    raise CodecError(f"number {tag} before {reader.at} is not in the contract")


def read_real(reader: Reader) -> Number:
    """The next number of those written by their bits."""
    try:
        return real_of_bits(int(reader.field("Q")))
    except CodecError:
        raise
    except ValueError as error:
        raise CodecError(str(error)) from None


def encode_aggregate(aggregate: Aggregate) -> bytes:
    """A bar under way, and those that closed and were not delivered."""
    under_way = pack(
        _AGGREGATE,
        (
            aggregate.count,
            aggregate.open_time,
            aggregate.end,
            aggregate.close_time,
            aggregate.open,
            aggregate.high,
            aggregate.low,
            aggregate.close,
            aggregate.volume,
            aggregate.value,
        ),
    )
    return under_way + table(encode_payload(bar) for bar in aggregate.closed)


def read_aggregate(reader: Reader, stream: int) -> Aggregate:
    """The next bar under way, which is of that stream."""
    make: Callable[..., Aggregate] = Aggregate
    aggregate = make(*ints(reader, _AGGREGATE))
    for _ in range(int(reader.field("I"))):
        if reader.field("B") != EVENT_TYPES[Bar]:
            raise CodecError(f"the event type before {reader.at} is no bar's")
        aggregate.closed.append(read_bar(reader, stream))
    return aggregate


def encode_bar(bar: Bar) -> bytes:
    """A bar's fields."""
    return pack(_BAR, bar)


def read_bar(reader: Reader, stream: int) -> Bar:
    """The next bar, which is of that stream."""
    bar = Bar(*ints(reader, _BAR))
    if bar.stream != stream:
        raise CodecError(f"the bar before {reader.at} is of stream {bar.stream}, not of {stream}")
    return bar


def encode_cause(cause: Cause) -> bytes:
    """The step that caused something."""
    return pack(_CAUSE, cause)


def read_cause(reader: Reader) -> Cause:
    """The next cause."""
    return Cause(*ints(reader, _CAUSE))


def encode_working(order: VenueOrder) -> bytes:
    """An order that works at a simulated venue."""
    return pack(
        _WORKING,
        (
            order.order,
            order.instrument,
            order.side,
            order.order_type,
            order.time_in_force,
            order.quantity,
            order.limit_price,
            order.stop_price,
            order.expire_time,
            order.post_only,
            order.reduce_only,
            order.trail_kind,
            order.trail_offset,
            order.limit_offset,
            order.parent,
            order.oco,
            order.filled,
            order.place,
            order.first_row,
            order.opened,
            order.triggered,
            order.live,
            order.best,
            order.close_time,
            *order.cause,
        ),
    )


def read_working(reader: Reader) -> VenueOrder:
    """The next order that works at a simulated venue."""
    *values, now, depth = reader.fields(_WORKING)
    make: Callable[..., VenueOrder] = VenueOrder
    order = make(*values, Cause(int(now), int(depth)))
    member(reader, OrderType, order.order_type)
    return order


def encode_command(command: Command) -> bytes:
    """A request to a venue."""
    return pack(_COMMAND, (*command[:-1], *command.cause))


def read_command(reader: Reader) -> Command:
    """The next request to a venue."""
    kind, *values, now, depth = reader.fields(_COMMAND)
    make: Callable[..., Command] = Command
    return make(member(reader, CommandKind, int(kind)), *values, Cause(int(now), int(depth)))
