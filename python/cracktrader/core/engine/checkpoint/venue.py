"""A simulated venue in a checkpoint: its lanes with their orders and groups, its account, and what is under way to it."""

from collections import deque
from copy import copy
from typing import Any

from cracktrader.core.codec import (
    CodecError,
    Reader,
    encode_command,
    encode_ledger,
    encode_position,
    encode_working,
    ints,
    pack,
    read_command,
    read_ledger,
    read_position,
    read_table,
    read_working,
    table,
)
from cracktrader.core.engine.checkpoint.tables import mapping, read_mapping, rising, single
from cracktrader.core.event import times_of
from cracktrader.core.matching import SimulatedVenue, VenueOrder
from cracktrader.core.matching.group import Gone, Tally
from cracktrader.core.matching.lane import Lane
from cracktrader.core.schedule import Schedule
from cracktrader.core.units import OrderOrdinal

_SCALARS = "QQqQQI?"


def save_venue(venue: SimulatedVenue) -> bytes:
    desk, books = venue.desk, venue.desk.clearing
    assert not desk.reports, "reports are taken in the moment that makes them"
    scalars = desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws
    due = sorted(one for one in venue.deadlines if one[1] in desk.orders)
    return b"".join(
        (
            pack(_SCALARS, (*scalars, venue.schedule.next, venue.ended)),
            *(_save_lane(lane) for lane in desk.lanes.values()),
            mapping(books.positions.items(), single("I")[0], encode_position),
            mapping(books.ledgers.items(), single("H")[0], encode_ledger),
            mapping(books.traded.items(), single("I")[0], single("q")[0]),
            table(pack("q", (time,)) + encode_command(command) for time, _, command in venue.commands),
            table(pack("qQ", one) for one in due),
        )
    )


_LANE = "Q???qq"


def _save_lane(lane: Lane) -> bytes:
    groups, number = lane.groups, single("Q")[0]
    used = lane.used_buying, lane.used_selling
    return b"".join(
        (
            pack(_LANE, (lane.row, lane.inside, lane.waking, lane.settled, *used)),
            table(map(encode_working, lane.orders)),
            mapping(groups.parents.items(), number, lambda tally: pack("q?", tally)),
            mapping(groups.legs.items(), number, lambda tally: pack("q?", tally)),
            table(pack("qQq", one) for one in groups.gone),
        )
    )


def read_venue(reader: Reader, attached: SimulatedVenue) -> SimulatedVenue:
    """The venue with the same rows, sessions and schedules as the attached one."""
    venue, desk = copy(attached), copy(attached.desk)
    venue.desk, desk.clearing = desk, copy(attached.desk.clearing)
    values: list[Any] = reader.fields(_SCALARS)
    desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws, happened, venue.ended = (
        values
    )
    if happened > len(attached.schedule.rows):
        raise CodecError(f"{happened} rows of a schedule of {len(attached.schedule.rows)} have happened")
    venue.schedule = Schedule(attached.schedule.rows, happened)
    desk.orders = {}
    desk.lanes = {index: _read_lane(reader, lane, desk.orders) for index, lane in attached.desk.lanes.items()}
    if any(order.place > venue.last_place for order in desk.orders.values()):
        raise CodecError(f"an order before {reader.at} has a place above the last one, {venue.last_place}")
    _read_books(reader, venue)
    venue.commands = []
    for _ in range(int(reader.field("I"))):
        time = int(reader.field("q"))
        command = read_command(reader)
        if command.instrument not in desk.lanes or (venue.commands and time < venue.commands[-1][0]):
            raise CodecError(f"the command before {reader.at} is not one of the venue in its place")
        venue.commands.append((time, len(venue.commands) + 1, command))
    venue.last_command = len(venue.commands)
    venue.deadlines = rising(reader, "qQ")
    if any(order not in desk.orders for _, order in venue.deadlines):
        raise CodecError(f"a deadline before {reader.at} is of no order of the venue")
    return venue


def _read_books(reader: Reader, venue: SimulatedVenue) -> None:
    clearing, config = venue.desk.clearing, venue.desk.config
    clearing.positions = read_mapping(reader, single("I")[1], read_position)
    clearing.ledgers = read_mapping(reader, single("H")[1], read_ledger)
    clearing.traded = read_mapping(reader, single("I")[1], single("q")[1])
    known = all(index < len(config.instruments) for index in (*clearing.positions, *clearing.traded))
    if not known or any(currency >= len(config.currencies) for currency in clearing.ledgers):
        raise CodecError(f"what the venue's account holds before {reader.at} is not declared")


def _read_lane(reader: Reader, attached: Lane, orders: dict[OrderOrdinal, VenueOrder]) -> Lane:
    """The lane with the same rows as the attached one; its orders are added to those of the venue."""
    lane, groups = copy(attached), copy(attached.groups)
    lane.groups = groups
    values: list[Any] = reader.fields(_LANE)
    lane.row, lane.inside, lane.waking, lane.settled, lane.used_buying, lane.used_selling = values
    rows = 0 if lane.rows is None else len(times_of(lane.rows))
    if lane.row > rows or (lane.inside and not (lane.has_bars and lane.row < rows)):
        raise CodecError(f"instrument {lane.instrument} stands at row {lane.row} of {rows}")
    lane.orders = read_table(reader, read_working)
    number = single("Q")[1]
    groups.parents = read_mapping(reader, number, _read_tally)
    groups.legs = read_mapping(reader, number, _read_tally)
    groups.gone = deque(read_table(reader, lambda row: Gone(*ints(row, "qQq"))))
    place = 0
    for order in lane.orders:
        linked = (not order.parent or order.parent in groups.parents) and (not order.oco or order.oco in groups.legs)
        if order.instrument != lane.instrument or order.order in orders or order.place <= place or not linked:
            raise CodecError(
                f"the order {order.order} before {reader.at} does not work on instrument {lane.instrument}"
            )
        place = order.place
        orders[order.order] = order
    return lane


def _read_tally(reader: Reader) -> Tally:
    filled, ended = reader.fields("q?")
    return Tally(int(filled), bool(ended))
