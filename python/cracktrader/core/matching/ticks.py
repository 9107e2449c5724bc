"""Matching on trades and quotes: each shows one price, a quote the side at which the order would trade.

Orders meet a trade or quote by acceptance. On quotes an order meets the last quote when it arrives.
"""

from cracktrader.core.fee import Liquidity
from cracktrader.core.matching.desk import Desk
from cracktrader.core.matching.fill import UNBOUNDED, Offer, Rules
from cracktrader.core.matching.lane import Lane
from cracktrader.core.matching.order import FillRule, VenueOrder
from cracktrader.core.units import Time

TRADE = Rules(
    FillRule.TRADE_NEXT, FillRule.TRADE_FIRST, FillRule.TRADE_TOUCH, FillRule.TRADE_STOP, at_limit=True, draws=True
)
"""At a trade."""
QUOTE = Rules(
    FillRule.QUOTE_TOP, FillRule.QUOTE_FIRST, FillRule.QUOTE_TOUCH, FillRule.QUOTE_STOP, at_limit=True, draws=False
)
"""At the top of the book."""


def show_tick(desk: Desk, lane: Lane, time: Time) -> None:
    """The next trade or quote."""
    lane.row, lane.used_buying, lane.used_selling = lane.row + 1, 0, 0
    if lane.waking:
        desk.wake(lane)
    for order in list(lane.orders):
        if order.live and order.order in desk.orders:
            meet_shown(desk, lane, order, time)


def meet_shown(desk: Desk, lane: Lane, order: VenueOrder, time: Time) -> None:
    """The order meets what was shown last, where something was."""
    price = lane.shown(order.side)
    if price is not None:
        desk.meet(order, price, QUOTE if lane.has_quotes else TRADE, UNBOUNDED, time)


def close_session(desk: Desk, lane: Lane, order: VenueOrder, time: Time) -> None:
    """A market-on-close order trades at what was shown last before its session closes."""
    price = lane.shown(order.side)
    if price is not None and order.live:
        rule = FillRule.QUOTE_ON_CLOSE if lane.has_quotes else FillRule.TRADE_ON_CLOSE
        desk.attempt(order, Offer(price, Liquidity.TAKER, rule), time)
