"""The store: the state with its bookkeeping. Touched leaves and the root, orders with their aggregates, the archive, stops and halts,
and what a run leaves behind (executions, closed orders).
"""

from hashlib import sha256
from heapq import heappop, heappush
from typing import NamedTuple

from cracktrader.core.codec import (
    ENGINE,
    FILL,
    KEY,
    ORDER,
    STRATEGY,
    LeafKey,
    StateRoot,
    all_keys,
    encode_images,
    encode_order,
    full_root,
    state_hash,
)
from cracktrader.core.config import Config
from cracktrader.core.group import Group
from cracktrader.core.intent import RiskFlag
from cracktrader.core.invariant import check_all
from cracktrader.core.matching import longest_way
from cracktrader.core.order import Order
from cracktrader.core.state import State, StrategyState, new_state
from cracktrader.core.units import NULL_INDEX, Money, OrderOrdinal, Price, Quantity, Time


class Execution(NamedTuple):
    """A booked fill, for the run's result."""

    order: int
    strategy: int
    instrument: int
    event_time: Time
    seq_id: int
    side: int
    quantity: Quantity
    price: Price
    fee_currency: int
    fee: Money
    liquidity: int
    rule: int
    realized_pnl: Money
    """What the fill realised for its strategy, before fees."""


class Store:
    """The state of one run and the only way to change it."""

    def __init__(self, config: Config, *, record: bool) -> None:
        self.config = config
        self.recording = record
        """Whether what is touched is kept for records."""
        self._rooted = record
        """Whether the root is kept up with every step, which a journal does not need."""
        self.state = new_state(config)
        self.executions: list[Execution] = []
        self.closed: list[Order] = []
        self.stirred: dict[OrderOrdinal, list[OrderOrdinal]] = {}
        """Groups that the engine holds and this step touched, by their root, with the members that ended in it."""
        self._root = StateRoot()
        self._touched: list[LeafKey] = []
        self._dirty: set[LeafKey] = set()
        if record:
            self._root.refresh(self.state, all_keys(self.state))

    @property
    def rooted(self) -> bool:
        """Whether the root is kept up with every step."""
        return self._rooted

    def renew(self) -> None:
        """The state is another one: every leaf is taken anew."""
        self._root = StateRoot()
        self._touched.clear()
        self._dirty.clear()
        if self._rooted:
            self._root.refresh(self.state, all_keys(self.state))

    def touch(self, *keys: LeafKey) -> None:
        if self.recording:
            self._touched.extend(keys)

    def images(self) -> bytes:
        """After-images of what was touched since the last ones."""
        if not self.recording:
            return b""
        images = encode_images(self.state, self._touched)
        if self._rooted:
            self._dirty.update(self._touched)
        self._touched.clear()
        return images

    def root(self) -> bytes:
        """The state root: incremental when it is kept, else from nothing."""
        if not self._rooted:
            return full_root(self.state)
        self._dirty.update(self._touched)
        self._root.refresh(self.state, sorted(self._dirty, key=repr))
        self._dirty.clear()
        return self._root.digest

    def digest(self) -> bytes:
        """The state hash where the run stands."""
        return state_hash(self.state, self.root())

    def put(self, before: Order, after: Order) -> None:
        """Put an order's after-image in place and keep the aggregates."""
        state = self.state
        place = after.account, after.instrument
        group = state.group_of(after)
        was, will = state.exposure(before) if group is None else group.exposed, state.exposure(after)
        if was != will:
            state.working[place] = state.working_of(*place).plus(will).less(was)
        if group is not None:
            group.exposed = will
        owner = state.owners[after.id.strategy]
        opened = after.life.is_open - before.life.is_open
        if opened:
            owner.open_orders += opened
            self.touch((STRATEGY, after.id.strategy))
        after.flagged = before.flagged
        state.orders[after.ordinal] = after
        self.touch((ORDER, after.ordinal))
        ended = after.life.is_closed and not before.life.is_closed
        if group is not None and not state.holds_groups(after):
            self.stirred.setdefault(group.members[0], []).extend([after.ordinal] * ended)
        if ended:
            self._retire_later(after, group)

    def join(self, order: Order) -> None:
        """Make a new order a member of the group that it names; its first companion makes the group."""
        state = self.state
        if not order.parent and not order.oco:
            return
        root = state.root_of(order)
        if root not in state.groups:
            state.groups[root] = Group([root], state.exposure(state.orders[root]))
        state.groups[root].members.append(order.ordinal)

    def _retire_later(self, order: Order, group: Group | None) -> None:
        """Note when a closed order may go; the members of a group go together."""
        members = [order.ordinal] if group is None else group.members
        if all(self.state.orders[member].life.is_closed for member in members):
            for member in members:
                heappush(self.state.retiring, (order.closed_time + self._retention(order), member))

    def _retention(self, order: Order) -> Time:
        """How long a closed order is kept: the venue's horizon, and the way of a request that crossed the close and of its answer."""
        if order.venue == NULL_INDEX:
            return 0
        venue = self.config.venues[order.venue]
        return venue.capabilities.retention_ns + longest_way(venue)

    def retire(self) -> None:
        """Archive closed orders whose reports are past their horizon."""
        state = self.state
        while state.retiring and state.retiring[0][0] < state.now:
            _, ordinal = heappop(state.retiring)
            order = state.orders[ordinal]
            keys = state.keys.get(ordinal, [])
            fills = [state.fills.get((order.account, key)) for key in keys]
            if any(fill is not None and not fill.settled and not fill.busted for fill in fills):
                heappush(state.retiring, (state.now, ordinal))
            else:
                self._archive(order, keys)

    def _archive(self, order: Order, keys: list[str]) -> None:
        state = self.state
        state.archived += 1
        state.archive_digest = sha256(state.archive_digest + encode_order(order)).digest()
        for key in keys:
            if state.fills.pop((order.account, key), None) is not None:
                self.touch((FILL, order.account, key))
            if not self.config.venues[order.venue].capabilities.dense_keys:
                state.seen[order.account].contents.pop(key, None)
                self.touch((KEY, order.account, key))
        state.keys.pop(order.ordinal, None)
        group = state.group_of(order)
        if group is not None:
            del state.groups[group.members[0]]
        del state.orders[order.ordinal], state.by_id[order.id]
        self.touch((ORDER, order.ordinal), (ENGINE,))
        self.closed.append(order)

    def stop(self, code: int) -> None:
        self.state.stopped = self.state.stopped or code
        self.touch((ENGINE,))

    def halt(self, strategy: int) -> None:
        self.state.owners[strategy].halted = True
        self.touch((STRATEGY, strategy))

    def set_flag(self, strategy: int, flag: int, on: bool) -> bool:
        """Set or clear a risk flag of a strategy, or of the engine for the null strategy; False for what does not exist."""
        holder: State | StrategyState
        leaf: LeafKey
        if strategy == NULL_INDEX:
            holder, leaf = self.state, (ENGINE,)
        elif strategy < len(self.state.owners):
            holder, leaf = self.state.owners[strategy], (STRATEGY, strategy)
        else:
            return False
        if flag == RiskFlag.KILL_SWITCH:
            holder.kill_switch = on
        elif flag == RiskFlag.REDUCE_ONLY:
            holder.reduce_only = on
        else:
            return False
        self.touch(leaf)
        return True

    def recheck(self) -> None:
        """The full invariant check."""
        broken = check_all(self.state)
        if broken:
            self.state.count(broken[0])
            self.stop(broken[0])
