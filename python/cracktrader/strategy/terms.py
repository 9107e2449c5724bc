"""The terms of an order as a strategy says them, and the PlaceOrder that they make.

Which type an order is follows from its terms: none is a market order, `limit` and `stop` make limits and stops, one of the trails a
trailing stop, `on_close` a market-on-close. Sizes are `sizing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cracktrader.core.instrument import Instrument
from cracktrader.core.intent import NO_ORDER, OrderId, OrderType, PlaceOrder, Side, TimeInForce, TrailKind
from cracktrader.core.units import NONE_PRICE
from cracktrader.errors import IntentError
from cracktrader.strategy.sizing import (
    distance_mantissa,
    nanoseconds,
    order_id_of,
    price_mantissa,
    time_in_force_of,
    whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What `ctx.place` takes beside instrument, side and size; prices are floats."""

    limit: float | None = None
    stop: float | None = None
    trail: float | None = None
    trail_ticks: int | None = None
    trail_bps: int | None = None
    trail_limit: float | None = None
    on_close: bool = False
    time_in_force: str | None = None
    expire_time: int | datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    parent: OrderId | None = None
    oco: OrderId | None = None

    @property
    def entry(self) -> float | None:
        """The price at which the order is meant to trade, None where the market decides."""
        return self.limit if self.limit is not None else self.stop


def place_order(instrument: Instrument, index: int, side: Side, size: int, terms: OrderTerms) -> PlaceOrder:
    """The intent; IntentError for terms that do not go together."""
    kind = _order_type(terms)
    trail_kind, trail_offset = _trail(instrument, terms)
    if isinstance(terms.expire_time, timedelta):
        raise IntentError(f"expire_time is a moment, not a span: give ctx.time + {terms.expire_time!r}")
    expires = None if terms.expire_time is None else nanoseconds(terms.expire_time)
    if expires is not None and not -(2**63) < expires < 2**63:
        raise IntentError(f"expire_time {expires} does not fit nanoseconds")
    time_in_force = terms.time_in_force or ("GTC" if expires is None else "GTD")
    stop_rounds = Side(1 - side)
    return PlaceOrder(
        index,
        int(side),
        int(kind),
        int(time_in_force_of(time_in_force)),
        size,
        NONE_PRICE if terms.limit is None else price_mantissa(instrument, side, terms.limit),
        NONE_PRICE if terms.stop is None else price_mantissa(instrument, stop_rounds, terms.stop),
        NONE_PRICE if expires is None else expires,
        bool(terms.post_only),
        bool(terms.reduce_only),
        trail_kind,
        trail_offset,
        NONE_PRICE if terms.trail_limit is None else distance_mantissa(instrument, "trail_limit", terms.trail_limit),
        NO_ORDER if terms.parent is None else order_id_of(terms.parent),
        NO_ORDER if terms.oco is None else order_id_of(terms.oco),
    )


def exits(
    instrument: Instrument,
    entry: PlaceOrder,
    entry_id: OrderId,
    next_id: OrderId,
    prices: tuple[float | None, float | None],
) -> list[PlaceOrder]:
    """The take-profit and the stop-loss of an entry, as far as given: children of it, and where both are, one cancels the other.
    `next_id` is the id that the first of them will have."""
    side, (take_profit, stop_loss) = Side(1 - entry.side), prices
    made = []
    if take_profit is not None:
        terms = OrderTerms(limit=take_profit, parent=entry_id)
        made.append(place_order(instrument, entry.instrument, side, entry.quantity, terms))
    if stop_loss is not None:
        terms = OrderTerms(stop=stop_loss, parent=entry_id, oco=next_id if made else None)
        made.append(place_order(instrument, entry.instrument, side, entry.quantity, terms))
    return made


def check_exits(side: Side, reference: float | None, take_profit: float | None, stop_loss: float | None) -> None:
    """IntentError for exits on the wrong side of the entry's price, or of each other."""
    sign = 1 if side is Side.BUY else -1
    above, below = ("above", "below") if side is Side.BUY else ("below", "above")
    entry = f"the {side.name.lower()} entry"
    if reference is not None and take_profit is not None and sign * (take_profit - reference) <= 0:
        raise IntentError(f"take_profit {take_profit!r} must be {above} the price {reference!r} of {entry}")
    if reference is not None and stop_loss is not None and sign * (reference - stop_loss) <= 0:
        raise IntentError(f"stop_loss {stop_loss!r} must be {below} the price {reference!r} of {entry}")
    if take_profit is not None and stop_loss is not None and sign * (take_profit - stop_loss) <= 0:
        raise IntentError(f"take_profit {take_profit!r} must be {above} stop_loss {stop_loss!r} of {entry}")


def _order_type(terms: OrderTerms) -> OrderType:
    trails = [name for name in ("trail", "trail_ticks", "trail_bps") if getattr(terms, name) is not None]
    if len(trails) > 1:
        raise IntentError(f"give the trailing distance once: {' or '.join(trails)}")
    if terms.trail_limit is not None and not trails:
        raise IntentError("trail_limit needs a trailing distance: trail, trail_ticks or trail_bps")
    if trails and terms.limit is not None:
        raise IntentError("a trailing stop has no limit: trail_limit is the distance of its limit from the stop")
    if terms.on_close and (trails or terms.limit is not None or terms.stop is not None):
        raise IntentError("on_close is a market order: it takes no limit, stop or trail")
    if terms.time_in_force is not None and time_in_force_of(terms.time_in_force) is TimeInForce.GTD:
        if terms.expire_time is None:
            raise IntentError("GTD needs expire_time: nanoseconds or an aware datetime")
    elif terms.time_in_force is not None and terms.expire_time is not None:
        raise IntentError(f"expire_time goes with GTD, not with {terms.time_in_force}")
    if trails:
        return OrderType.TRAILING_STOP if terms.trail_limit is None else OrderType.TRAILING_STOP_LIMIT
    if terms.on_close:
        return OrderType.MARKET_ON_CLOSE
    return _PLAIN[terms.limit is not None, terms.stop is not None]


_PLAIN = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}


def _trail(instrument: Instrument, terms: OrderTerms) -> tuple[int, int]:
    """(trail kind, offset)."""
    if terms.trail is not None:
        return int(TrailKind.PRICE), distance_mantissa(instrument, "trail", terms.trail)
    if terms.trail_ticks is not None:
        return int(TrailKind.TICKS), whole("trail_ticks", terms.trail_ticks)
    if terms.trail_bps is not None:
        return int(TrailKind.BASIS_POINTS), whole("trail_bps", terms.trail_bps)
    return 0, NONE_PRICE
