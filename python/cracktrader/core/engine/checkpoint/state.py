"""The parts of the state in a checkpoint. What follows from them is built again: names of orders, what they expose, closed bars."""

from typing import Any

from cracktrader.core.codec import (
    CodecError,
    Reader,
    encode_aggregate,
    encode_bar,
    encode_fill,
    encode_ledger,
    encode_market,
    encode_order,
    encode_payload,
    encode_position,
    encode_strategy,
    encode_unsettled,
    ints,
    pack,
    read_aggregate,
    read_bar,
    read_declaration,
    read_fill,
    read_ledger,
    read_market,
    read_number,
    read_order,
    read_payload,
    read_position,
    read_real,
    read_strategy,
    read_table,
    read_unsettled,
    table,
)
from cracktrader.core.config import Config
from cracktrader.core.engine.checkpoint.tables import mapping, pair, read_mapping, rising, single, text
from cracktrader.core.group import IDLE, Group
from cracktrader.core.indicator import Indicator, Parts
from cracktrader.core.order import Life, Order
from cracktrader.core.state import DENSE_WINDOW, RECENT_BARS, Seen, State
from cracktrader.core.view import View
from cracktrader.core.wake import Wakes


def save_orders(state: State) -> bytes:
    groups = ((root, group.members) for root, group in state.groups.items())
    return b"".join(
        (
            table(encode_order(order) + pack("?", (order.flagged,)) for _, order in sorted(state.orders.items())),
            table(pack("qQ", one) for one in sorted(state.retiring)),
            mapping(groups, single("Q")[0], lambda members: table(pack("Q", (one,)) for one in members)),
            mapping(state.keys.items(), single("Q")[0], lambda keys: table(pack("s", (key,)) for key in keys)),
        )
    )


def read_orders(reader: Reader, state: State) -> None:
    last = 0
    for _ in range(int(reader.field("I"))):
        order = read_order(reader)
        order.flagged = bool(reader.field("?"))
        if not last < order.ordinal < state.next_ordinal or order.id in state.by_id:
            raise CodecError(f"the order {order.ordinal} before {reader.at} is not a new one in its place")
        last = order.ordinal
        if not _is_sound(state.config, order):
            raise CodecError(f"the order {order.ordinal} before {reader.at} is none that can be")
        state.orders[order.ordinal] = order
        state.by_id[order.id] = order.ordinal
    state.retiring = rising(reader, "qQ")
    number = single("Q")[1]
    for root, members in read_mapping(reader, number, lambda row: read_table(row, number)).items():
        if members[:1] != [root] or members != sorted(set(members)) or not set(members) <= state.orders.keys():
            raise CodecError(
                f"the members {members} of the group {root} before {reader.at} are not live orders in their order"
            )
        state.groups[root] = Group(members, IDLE)
    state.keys = read_mapping(reader, number, lambda row: read_table(row, text))


def _is_sound(config: Config, order: Order) -> bool:
    """Whether the order names what there is, and its quantities are such that sums of them fit."""
    if order.id.strategy >= len(config.strategies) or not 0 <= order.busted_quantity <= order.filled_quantity:
        return False
    if order.open_quantity < 0:
        return False
    if order.life.is_closed or order.life is Life.CREATED:
        return True
    placed = order.instrument < len(config.instruments) and order.venue < len(config.venues)
    return placed and order.account < len(config.accounts) and order.replace_quantity >= 0


def expose(state: State) -> None:
    """What open orders expose, one by one and as groups; OutOfRange, or CodecError, where it is not what orders can expose."""
    for group in state.groups.values():
        members = [state.orders[one] for one in group.members]
        if any(one.venue >= len(state.config.venues) for one in members):
            raise CodecError(f"the group {group.members[0]} trades at no venue")
        present = {one.parent for one in members} - {0}
        if not present <= set(group.members):
            raise CodecError(f"the group {group.members[0]} lacks a parent")
    for order in state.orders.values():
        unit = state.group_of(order)
        own = state.exposure(order)
        if unit is not None and order.ordinal != unit.members[0]:
            continue
        if unit is not None:
            unit.exposed = own
        if own != IDLE:
            place = order.account, order.instrument
            state.working[place] = state.working_of(*place).plus(own)
    for strategy, owner in enumerate(state.owners):
        if owner.open_orders != sum(one.life.is_open for one in state.orders.values() if one.id.strategy == strategy):
            raise CodecError(f"strategy {strategy} has other open orders than the checkpoint counts")


_HOLDING, _HELD = pair("HI")
_AMOUNT, _OWNED = pair("HH")
_NAME, _NAMED = pair("Hs")


def save_money(state: State) -> bytes:
    return b"".join(
        (
            mapping(state.accounts.items(), _HOLDING, encode_position),
            mapping(state.strategies.items(), _HOLDING, encode_position),
            mapping(state.unsettled_accounts.items(), _HOLDING, encode_unsettled),
            mapping(state.unsettled_strategies.items(), _HOLDING, encode_unsettled),
            mapping(state.ledgers.items(), _AMOUNT, encode_ledger),
            mapping(state.strategy_fees.items(), _AMOUNT, single("o")[0]),
            mapping(state.fills.items(), _NAME, encode_fill),
            mapping(state.parked.items(), _NAME, single("Q")[0]),
        )
    )


def read_money(reader: Reader, state: State) -> None:
    within = len(state.config.instruments), len(state.config.currencies)
    held: list[dict[Any, Any]] = [
        read_mapping(reader, _HELD, read) for read in (read_position, read_position, read_unsettled, read_unsettled)
    ]
    owned: list[dict[Any, Any]] = [read_mapping(reader, _OWNED, read) for read in (read_ledger, single("o")[1])]
    for most, tables in zip(within, (held, owned), strict=True):
        if any(index >= most for one in tables for _, index in one):
            raise CodecError(f"what is held before {reader.at} is not declared")
    state.accounts, state.strategies, state.unsettled_accounts, state.unsettled_strategies = held
    state.ledgers, state.strategy_fees = owned
    named: list[dict[Any, Any]] = [read_mapping(reader, _NAMED, read) for read in (read_fill, single("Q")[1])]
    state.fills, state.parked = named


def save_reports(state: State) -> bytes:
    """Per account: the watermark, and what was said under each key that is kept."""
    return b"".join(
        pack("Q", (seen.watermark,)) + mapping(seen.contents.items(), lambda key: pack("s", (key,)), encode_payload)
        for _, seen in sorted(state.seen.items())
    )


def read_reports(reader: Reader, state: State) -> None:
    for account, declared in enumerate(state.config.accounts):
        seen = Seen(int(reader.field("Q")), read_mapping(reader, text, read_payload))
        if state.config.venues[declared.venue].capabilities.dense_keys:
            _check_dense(seen, account)
        state.seen[account] = seen


def _check_dense(seen: Seen, account: int) -> None:
    """Of a dense venue the last keys up to the watermark are kept, and those above it."""
    numbers = [int(key) if key.isdigit() and not key.startswith("0") and len(key) < 19 else 0 for key in seen.contents]
    below = sorted(number for number in numbers if number <= seen.watermark)
    if below != list(range(max(seen.watermark - DENSE_WINDOW, 0) + 1, seen.watermark + 1)):
        raise CodecError(f"the reports of account {account} are not those up to {seen.watermark}")


def save_strategies(state: State) -> bytes:
    timers = ((name, (deadline, *state.timers.causes[name])) for name, deadline in state.timers.deadlines.items())
    return b"".join(
        (
            *(encode_strategy(owner) for owner in state.owners),
            mapping(timers, pair("HQ")[0], lambda timer: pack("qqI", timer)),
            *(encode_market(market) for market in state.markets),
        )
    )


def read_strategies(reader: Reader, state: State) -> None:
    state.owners = [read_strategy(reader) for _ in state.owners]
    timers: dict[Any, Any] = read_mapping(reader, pair("HQ")[1], lambda row: ints(row, "qqI"))
    for (strategy, timer), (deadline, now, depth) in timers.items():
        if strategy >= len(state.owners):
            raise CodecError(f"timer {timer} is of strategy {strategy}, which is not declared")
        state.timers.set(strategy, timer, deadline, (now, depth))
    state.markets = [read_market(reader) for _ in state.markets]


def save_bars(state: State) -> bytes:
    parts = []
    for stream, declared in enumerate(state.config.streams):
        parts.append(pack("Q", (state.delivered[stream],)))
        if declared.is_derived:
            parts += [encode_aggregate(state.aggregates[stream]), table(map(encode_bar, state.recent[stream]))]
    return b"".join(parts)


def read_bars(reader: Reader, state: State) -> None:
    for stream, declared in enumerate(state.config.streams):
        state.delivered[stream] = int(reader.field("Q"))
        if declared.is_derived:
            aggregate = state.aggregates[stream] = read_aggregate(reader, stream)
            state.closed_bars += len(aggregate.closed)
            recent = [read_bar(reader, stream) for _ in range(int(reader.field("I")))]
            if len(recent) > RECENT_BARS:
                raise CodecError(f"stream {stream} has {len(recent)} recent bars, at most {RECENT_BARS} are kept")
            state.recent[stream].extend(recent)


def read_indicators(reader: Reader, state: State) -> None:
    """Each is declared again, which checks it, and takes back what it held."""
    view = View(state, Wakes(0, 0))
    for _ in range(int(reader.field("I"))):
        strategy = int(reader.field("H"))
        if strategy >= len(state.owners):
            raise CodecError(f"an indicator is of strategy {strategy}, which is not declared")
        try:
            indicator = view.indicator(view.declare(strategy, read_declaration(reader)))
            _read_indicator(reader, indicator)
        except CodecError:
            raise
        except ValueError as error:
            raise CodecError(f"indicator {len(state.indicators)} before {reader.at}: {error}") from None


def _read_indicator(reader: Reader, indicator: Indicator) -> None:
    decimals = [indicator.instrument, indicator.price_decimals, indicator.volume_decimals]
    if ints(reader, "IBB") != decimals:
        raise ValueError("its instrument or decimals are not those of its stream")
    before: list[Any] = read_table(reader, read_number)
    if any(isinstance(number, int) for number in before):
        raise ValueError("a line is no whole number")
    width = range(len(indicator.lines))
    older: list[Any] = read_table(reader, lambda row: tuple(read_real(row) for _ in width))
    parts: list[Any] = read_table(reader, read_number)
    indicator.restore(before, older, Parts(parts))
