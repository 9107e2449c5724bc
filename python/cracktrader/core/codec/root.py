"""Leaves of the state and the root over them; the bytes of the simulated venue's own state.

Entities are only encoded: they are compared and hashed, and replay rebuilds them.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import TypeAlias

from cracktrader.core.aggregate import Aggregate
from cracktrader.core.codec.message import encode_declaration, encode_payload
from cracktrader.core.codec.wire import CONTRACT_HASH, pack, prefixed, table
from cracktrader.core.indicator import Indicator, Number, Ratio, real_bits
from cracktrader.core.matching import SimulatedVenue, VenueOrder
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Position, Unsettled
from cracktrader.core.state import FillRecord, State, StrategyState

ROOT_MODULUS = 2**256

# Leaves of the state: (tag, ids). Images of the first kind are in records; those from QUIET on follow from the events alone.
ENGINE, ORDER, ACCOUNT_POSITION, STRATEGY_POSITION, ACCOUNT_UNSETTLED, STRATEGY_UNSETTLED = range(1, 7)
LEDGER, STRATEGY_FEES, STRATEGY, TIMER, FILL, PARKED = range(7, 13)
QUIET = 20
MARKET, INDICATOR, DAY, SEEN, KEY, AGGREGATE = range(20, 26)

LeafKey: TypeAlias = tuple[int, ...] | tuple[int, int, str]
KEY_FIELDS = {
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
    AGGREGATE: "BH",
}


def encode_key(key: LeafKey) -> bytes:
    """A leaf's name."""
    return pack(KEY_FIELDS[key[0]], key)


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
        "QHQHIHHBBBqqqq??BqqQQqqBB??IqqqoqqqqqH",
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


def encode_position(position: Position) -> bytes:
    """A position."""
    return pack("qoooqqqq", position)


def _unsettled_leaf(unsettled: Unsettled | None) -> bytes | None:
    if unsettled is None:
        return None
    lots = zip(unsettled.lots, unsettled.settled, strict=True)
    return encode_position(unsettled.base) + table(pack("sqoqB?", (*lot, settled)) for lot, settled in lots)


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
    return head + table(pack("q", (time,)) for time in owner.placed)


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
    decimals = (indicator.instrument, indicator.price_decimals, indicator.volume_decimals)
    return b"".join(
        (
            pack("H", (indicator.strategy,)),
            encode_declaration(indicator.declaration),
            pack("IBB", decimals),
            table(_number(number) for number in indicator.before),
            table(pack("Q" * len(lines), map(real_bits, lines)) for lines in indicator.older),
            table(_number(part) for part in indicator.computation.parts()),
        )
    )


def _number(number: Number | int | None) -> bytes:
    """Nothing, a whole number, a ratio of two, or a float by its bits."""
    if number is None:
        return pack("B", (0,))
    if isinstance(number, int):
        return pack("Bo", (1, number))
    if isinstance(number, Ratio):
        return pack("Boo", (2, *number))
    return pack("BQ", (3, real_bits(number)))


def _aggregate_leaf(aggregate: Aggregate) -> bytes:
    under_way = pack(
        "Qqqqqqqqqo",
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
    AGGREGATE: lambda state, stream: _aggregate_leaf(state.aggregates[stream]),
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
    keys += [(AGGREGATE, index) for index, stream in enumerate(state.config.streams) if stream.is_derived]
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
    desk = venue.desk
    busy = [lane for lane in desk.lanes.values() if lane.orders]
    books = desk.clearing
    return b"".join(
        (
            table(_encode_working(order) for lane in busy for order in lane.orders),
            table(
                pack(
                    "IQ??qq", (lane.instrument, lane.row, lane.inside, lane.waking, lane.used_buying, lane.used_selling)
                )
                for lane in busy
            ),
            table(
                pack("Qq?", (key, *tally))
                for lane in busy
                for tallies in (lane.groups.parents, lane.groups.legs)
                for key, tally in sorted(tallies.items())
            ),
            table(pack("I", (index,)) + encode_position(held) for index, held in sorted(books.positions.items())),
            table(pack("H", (index,)) + pack("oooooo", held) for index, held in sorted(books.ledgers.items())),
            table(pack("Iq", mark) for mark in sorted(books.traded.items())),
            pack("QQqQQ", (desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws)),
            pack("I", (venue.schedule.next,)),
            table(pack("qQB", (time, one.order, one.kind)) for time, _, one in venue.commands),
        )
    )


def _encode_working(order: VenueOrder) -> bytes:
    return pack(
        "QIBBBqqqq??BqqQQqQQ???qqqI",
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


def encode_images(state: State, touched: Iterable[LeafKey]) -> bytes:
    """After-images of the touched leaves that are in records, in the order of their names; empty without any."""
    named = {encode_key(key): key for key in touched if key[0] < QUIET}
    rows = []
    for name, key in sorted(named.items()):
        leaf = encode_leaf(state, key)
        rows.append(name + (b"\0" if leaf is None else b"\1" + prefixed(leaf)))
    return table(rows) if rows else b""
