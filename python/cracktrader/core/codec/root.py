"""Leaves of the state and the root over them; the bytes of the simulated venue's own state.

How each entity is written is `entity`.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import TypeAlias, TypeVar

from cracktrader.core.codec.entity import (
    encode_aggregate,
    encode_fill,
    encode_indicator,
    encode_ledger,
    encode_market,
    encode_order,
    encode_position,
    encode_strategy,
    encode_unsettled,
    encode_working,
)
from cracktrader.core.codec.message import encode_payload
from cracktrader.core.codec.wire import CONTRACT_HASH, pack, prefixed, table
from cracktrader.core.matching import SimulatedVenue
from cracktrader.core.state import State

_Entity = TypeVar("_Entity")
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


def _optional(encode: Callable[[_Entity], bytes], entity: _Entity | None) -> bytes | None:
    return None if entity is None else encode(entity)


_LEAVES: dict[int, Callable[..., bytes | None]] = {
    ENGINE: _engine_leaf,
    ORDER: lambda state, ordinal: _optional(encode_order, state.orders.get(ordinal)),
    ACCOUNT_POSITION: lambda state, *key: _optional(encode_position, state.accounts.get(key)),
    STRATEGY_POSITION: lambda state, *key: _optional(encode_position, state.strategies.get(key)),
    ACCOUNT_UNSETTLED: lambda state, *key: _optional(encode_unsettled, state.unsettled_accounts.get(key)),
    STRATEGY_UNSETTLED: lambda state, *key: _optional(encode_unsettled, state.unsettled_strategies.get(key)),
    LEDGER: lambda state, *key: _optional(encode_ledger, state.ledgers.get(key)),
    STRATEGY_FEES: lambda state, *key: pack("o", (state.strategy_fees[key],)) if key in state.strategy_fees else None,
    STRATEGY: lambda state, index: encode_strategy(state.owners[index]),
    TIMER: lambda state, *key: pack("q", (state.timers.deadlines[key],)) if key in state.timers.deadlines else None,
    FILL: lambda state, *key: _optional(encode_fill, state.fills.get(key)),
    PARKED: lambda state, *key: pack("Q", (state.parked[key],)) if key in state.parked else None,
    MARKET: lambda state, index: encode_market(state.markets[index]),
    INDICATOR: lambda state, index: encode_indicator(state.indicators[index]),
    AGGREGATE: lambda state, stream: encode_aggregate(state.aggregates[stream]),
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
            table(encode_working(order) for lane in busy for order in lane.orders),
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
            table(pack("H", (index,)) + encode_ledger(held) for index, held in sorted(books.ledgers.items())),
            table(pack("Iq", mark) for mark in sorted(books.traded.items())),
            pack("QQqQQ", (desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws)),
            pack("I", (venue.schedule.next,)),
            table(pack("qQB", (time, one.order, one.kind)) for time, _, one in venue.commands),
        )
    )


def encode_images(state: State, touched: Iterable[LeafKey]) -> bytes:
    """After-images of the touched leaves that are in records, in the order of their names; empty without any."""
    named = {encode_key(key): key for key in touched if key[0] < QUIET}
    rows = []
    for name, key in sorted(named.items()):
        leaf = encode_leaf(state, key)
        rows.append(name + (b"\0" if leaf is None else b"\1" + prefixed(leaf)))
    return table(rows) if rows else b""
