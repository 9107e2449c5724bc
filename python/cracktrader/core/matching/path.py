"""The path of a bar and what it reaches: open, nearer extreme (tie: high first), other extreme, close. Nothing is changed here."""

from typing import NamedTuple

from cracktrader.core.event import BarRows
from cracktrader.core.matching.order import Mode, VenueOrder
from cracktrader.core.units import Price


class Reached(NamedTuple):
    """An order and the price at which a leg reaches it."""

    price: Price
    order: VenueOrder


def turns_of(rows: BarRows, row: int) -> tuple[Price, Price, Price]:
    """Where the path of a bar turns after its open; the last one is the close."""
    opened, high, low = rows.open[row], rows.high[row], rows.low[row]
    nearer = (high, low) if high - opened <= opened - low else (low, high)
    return *nearer, rows.close[row]


def reached(orders: list[VenueOrder], row: int, start: Price, end: Price) -> list[Reached]:
    """What the leg from `start` to `end` reaches, in the order of prices, at one price by acceptance: limits of sellers and stops of
    buyers while it rises, limits of buyers and stops of sellers while it falls. A price behind the start is met at the start."""
    rising = end > start
    found = []
    for order in orders:
        mode = order.mode
        if order.first_row > row or not order.live or mode not in (Mode.LIMIT, Mode.STOP):
            continue
        if order.is_buy != (rising if mode is Mode.STOP else not rising):
            continue
        price = order.stop_price if mode is Mode.STOP else order.limit_price
        if order.is_stopped(end) if mode is Mode.STOP else order.is_marketable(end):
            found.append(Reached(max(price, start) if rising else min(price, start), order))
    ascending = 1 if rising else -1
    return sorted(found, key=lambda one: (ascending * one.price, one.order.place))
