"""What a fill may be: how much the volume gives, at what price takers pay for slippage and spread, where a trailing stop stands.

Who fills when is not here.
"""

from typing import NamedTuple

from cracktrader.core.capability import Venue
from cracktrader.core.fee import Liquidity
from cracktrader.core.instrument import Instrument
from cracktrader.core.matching.order import FillRule, VenueOrder
from cracktrader.core.order import trail_distance
from cracktrader.core.units import I64_MAX, NONE_PRICE, RATE_ONE, Price, Quantity, Rounding, mul_div_round


class Rules(NamedTuple):
    """By which rules orders trade at a price that the market shows, and where limits that were waiting do."""

    market: FillRule
    """OUTSIDE where market orders wait for another price."""
    first: FillRule
    """Limits that the first price they meet satisfies."""
    later: FillRule
    stop: FillRule
    at_limit: bool
    """Whether waiting limits trade at their limit; else at the price."""
    draws: bool
    """Whether a price that is exactly the limit only touches it."""


class Bounds(NamedTuple):
    """The prices between which slippage stays; null where nothing limits it."""

    low: Price
    high: Price


UNBOUNDED = Bounds(NONE_PRICE, NONE_PRICE)
"""Nothing limits slippage."""


class Offer(NamedTuple):
    """What an order may trade at: the price, which side of the book it would be on, the rule that says so, and the bounds of slippage."""

    price: Price
    liquidity: Liquidity
    rule: FillRule
    bounds: Bounds = UNBOUNDED


def stop_limit_rule(stop: FillRule) -> FillRule:
    """The rule of a stop-limit that the price which triggers it satisfies, by the rule of a stop there."""
    if stop is FillRule.TRADE_STOP:
        return FillRule.TRADE_STOP_LIMIT
    return FillRule.QUOTE_STOP_LIMIT if stop is FillRule.QUOTE_STOP else FillRule.BAR_STOP_LIMIT


def participation(venue: Venue, instrument: Instrument, volume: int, decimals: int) -> Quantity:
    """What orders together may fill of `volume` (a mantissa of `decimals`): the venue's share of it, down to the lot."""
    up, down = max(instrument.quantity_decimals - decimals, 0), max(decimals - instrument.quantity_decimals, 0)
    share = mul_div_round(volume, venue.participation * 10**up, RATE_ONE * 10**down, Rounding.FLOOR)
    return min(share, I64_MAX) // instrument.lot * instrument.lot


def taker_price(venue: Venue, instrument: Instrument, is_buy: bool, offer: Offer, *, spread: bool) -> Price:
    """The offered price with slippage, kept inside the offer's bounds, and half the spread where the data has none: both against the
    taker, each away from the offer to the tick, and inside the instrument's prices."""
    price = offer.price
    slip = mul_div_round(price, venue.slippage, RATE_ONE, Rounding.CEIL) + venue.slippage_ticks * instrument.tick
    if slip:
        price = _worse(instrument, price, slip, is_buy)
        if offer.bounds.low != NONE_PRICE:
            price = min(max(price, offer.bounds.low), offer.bounds.high)
    if spread and (venue.spread or venue.spread_ticks):
        half = mul_div_round(price, venue.spread, 2 * RATE_ONE, Rounding.CEIL)
        half += mul_div_round(venue.spread_ticks, instrument.tick, 2, Rounding.CEIL)
        price = _worse(instrument, price, half, is_buy)
    return price


def trailing_stop(order: VenueOrder, instrument: Instrument) -> Price:
    """Where the stop of a trailing order stands: its distance behind the best price, on the tick away from it, and never further from
    the market than before."""
    distance = trail_distance(order.trail_kind, order.trail_offset, order.best, instrument.tick)
    stop = _worse(instrument, order.best, distance, order.is_buy)
    if order.stop_price == NONE_PRICE:
        return stop
    return min(stop, order.stop_price) if order.is_buy else max(stop, order.stop_price)


def triggered_limit(order: VenueOrder, instrument: Instrument) -> Price:
    """The limit of a trailing stop-limit whose stop is reached: beyond the stop, inside the instrument's prices."""
    limit = order.stop_price + order.limit_offset if order.is_buy else order.stop_price - order.limit_offset
    return min(max(limit, 1), instrument.max_price)


def _worse(instrument: Instrument, price: Price, distance: Price, is_buy: bool) -> Price:
    """`price` moved up for a buyer and down for a seller, on to the next tick, inside the instrument's prices."""
    tick = instrument.tick
    moved = -(-(price + distance) // tick) * tick if is_buy else (price - distance) // tick * tick
    return min(max(moved, 1), instrument.max_price)
