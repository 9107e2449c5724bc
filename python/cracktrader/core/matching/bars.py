"""Matching on bars: the open, the path from it to the close with its turns, and the close.

An order takes part in a bar only if it arrived before that bar's open was matched; a child from the point after its parent's fill.
"""

from cracktrader.core.capability import FillModel
from cracktrader.core.event import BarRows
from cracktrader.core.fee import Liquidity
from cracktrader.core.intent import OrderType
from cracktrader.core.matching.desk import Desk
from cracktrader.core.matching.fill import Bounds, Offer, Rules
from cracktrader.core.matching.lane import Lane
from cracktrader.core.matching.order import FillRule, Mode, VenueOrder
from cracktrader.core.matching.path import reached, turns_of
from cracktrader.core.units import Price, Time

OPEN = Rules(
    FillRule.BAR_NEXT_OPEN, FillRule.BAR_OPEN, FillRule.BAR_GAP, FillRule.BAR_STOP_OPEN, at_limit=False, draws=True
)
"""At an open."""
ENTER = Rules(FillRule.OUTSIDE, FillRule.BAR_ENTER, FillRule.BAR_GAP, FillRule.BAR_ENTER, at_limit=False, draws=True)
"""Where the path stands when a child becomes live inside a bar."""


def open_bar(desk: Desk, lane: Lane, time: Time) -> None:
    """The open of a bar: what trades at once does, what is immediate and does not ends."""
    rows, row = lane.rows, lane.row
    assert isinstance(rows, BarRows)
    lane.inside, lane.used_buying = True, 0
    if lane.waking:
        desk.wake(lane)
    for order in list(lane.orders):
        takes_part = order.live and order.first_row <= row and order.order in desk.orders
        if takes_part and not waits_for_close(desk, order):
            desk.meet(order, rows.open[row], OPEN, Bounds(rows.low[row], rows.high[row]), time)


def walk_bar(desk: Desk, lane: Lane, time: Time) -> None:
    """The rest of a bar: the path to its close, then what trades at the close."""
    rows, row = lane.rows, lane.row
    assert isinstance(rows, BarRows)
    bounds = Bounds(rows.low[row], rows.high[row])
    start = rows.open[row]
    for turn in turns_of(rows, row):
        if lane.waking:
            _enter(desk, lane, start, bounds, time)
        if start != turn:
            _leg(desk, lane, start, turn, bounds, time)
        start = turn
    for order in list(lane.orders):
        in_time = order.first_row <= row or order.mode is Mode.MARKET
        if order.live and order.order in desk.orders and waits_for_close(desk, order) and in_time:
            fill_at_close(desk, order, row, time)
    lane.row, lane.inside = row + 1, False


def waits_for_close(desk: Desk, order: VenueOrder) -> bool:
    """Whether the order trades at the close of a bar: market-on-close, and market orders where the venue fills them so."""
    return order.mode is Mode.CLOSE or (
        order.order_type == OrderType.MARKET and desk.declared.fill is FillModel.SAME_CLOSE
    )


def fill_at_close(desk: Desk, order: VenueOrder, row: int, time: Time) -> None:
    """Trade at the close of a bar."""
    rows = desk.lanes[order.instrument].rows
    assert isinstance(rows, BarRows)
    rule = FillRule.BAR_ON_CLOSE if order.mode is Mode.CLOSE else FillRule.BAR_SAME_CLOSE
    desk.attempt(order, Offer(rows.close[row], Liquidity.TAKER, rule, Bounds(rows.low[row], rows.high[row])), time)


def _enter(desk: Desk, lane: Lane, price: Price, bounds: Bounds, time: Time) -> None:
    """Children that have just become live meet the price where the path stands."""
    desk.wake(lane)
    for order in list(lane.orders):
        is_new = order.live and not order.opened and order.first_row <= lane.row
        if is_new and order.order in desk.orders and not waits_for_close(desk, order) and order.mode is not Mode.MARKET:
            desk.meet(order, price, ENTER, bounds, time)


def _leg(desk: Desk, lane: Lane, start: Price, end: Price, bounds: Bounds, time: Time) -> None:
    """One leg of the path: what it reaches trades there, and trailing stops follow it to its end."""
    row = lane.row
    for price, order in reached(lane.orders, row, start, end):
        if order.order not in desk.orders:
            continue
        if order.mode is Mode.STOP:
            desk.trigger(order, Offer(price, Liquidity.TAKER, FillRule.BAR_STOP, bounds), time)
        elif price != end or desk.touches():
            desk.attempt(order, Offer(price, Liquidity.MAKER, FillRule.BAR_TOUCH), time)
    for order in lane.orders:
        if order.live and order.first_row <= row and order.mode is Mode.STOP:
            desk.follow(order, end)
