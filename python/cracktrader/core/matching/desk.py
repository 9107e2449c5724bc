"""The desk: where orders are filled, triggered and ended, with everything that follows from it for their groups, and reported.

What the market shows, and when, is `bars` and `ticks`; commands and points in time are `venue`.
"""

from cracktrader.core.capability import Venue
from cracktrader.core.clearing import Clearing, Unaffordable
from cracktrader.core.config import Config, account_of
from cracktrader.core.event import (
    EVENT_TYPES,
    Cancelled,
    Filled,
    Payload,
    Rejected,
    Source,
    Triggered,
    event,
    source_of,
)
from cracktrader.core.fee import Liquidity
from cracktrader.core.intent import TimeInForce
from cracktrader.core.matching.fill import (
    Bounds,
    Offer,
    Rules,
    participation,
    stop_limit_rule,
    taker_price,
    trailing_stop,
    triggered_limit,
)
from cracktrader.core.matching.group import Groups
from cracktrader.core.matching.lane import Lane
from cracktrader.core.matching.order import Cause, FillRule, Mode, Report, VenueOrder
from cracktrader.core.order import is_trailing
from cracktrader.core.random import below
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import NONE_PRICE, RATE_ONE, OrderOrdinal, Price, Quantity, Time

LATENCY_STREAM = 1 << 32
"""Random numbers of the first venue's latencies; the other venues follow by their index."""
TOUCH_STREAM = 1 << 33
"""Random numbers of the first venue's touched limits; the other venues follow by their index."""


class Desk:
    """Working orders of one venue, its account, and the reports that the engine has not taken yet."""

    def __init__(self, config: Config, venue: int) -> None:
        self.config = config
        self.venue = venue
        self.declared: Venue = config.venues[venue]
        self.account = account_of(config, venue)
        self.clearing = Clearing(config, self.account)
        self.orders: dict[OrderOrdinal, VenueOrder] = {}
        self.lanes: dict[int, Lane] = {
            index: Lane(index, _volume_decimals(config, index), Groups(longest_way(self.declared)))
            for index, instrument in enumerate(config.instruments)
            if instrument.venue == venue
        }
        self.reports: list[Report] = []
        self.last_key = 0
        self.last_report: Time = NONE_PRICE
        """When the last report reaches the engine: reports do not overtake each other."""
        self.latency_draws = 0
        self.touch_draws = 0

    # --- what happens to an order

    def attempt(self, order: VenueOrder, offer: Offer, time: Time) -> None:
        """Fill what the offer, the volume, the groups and the account allow; end what must not wait for more."""
        if order.post_only and offer.liquidity is Liquidity.TAKER:
            self.end(order, time, Rejected(order.order, RejectCode.V_POST_ONLY, ""))
            return
        size = self._available(order)
        reducible = self.clearing.reducible(order.instrument, buys=order.is_buy) if order.reduce_only else size
        size = min(size, reducible)
        if order.time_in_force == TimeInForce.FOK and size < order.remaining:
            size = 0
        if size > 0:
            self._fill(order, offer, size, time)
        if order.order not in self.orders:
            return
        if order.reduce_only and size >= reducible:
            self.cancel(order, RejectCode.V_REDUCE_ONLY, time)
        elif order.is_immediate:
            self.cancel(order, RejectCode.V_UNFILLED, time)

    def meet(self, order: VenueOrder, price: Price, rules: Rules, bounds: Bounds, time: Time) -> None:
        """The order meets a price that the market shows."""
        first, order.opened = not order.opened, True
        mode = order.mode
        if mode is Mode.STOP:
            if order.is_stopped(price):
                self.trigger(order, Offer(price, Liquidity.TAKER, rules.stop, bounds), time)
            else:
                self.follow(order, price)
        elif mode is Mode.MARKET:
            if rules.market is not FillRule.OUTSIDE:
                self.attempt(order, Offer(price, Liquidity.TAKER, rules.market, bounds), time)
        elif mode is Mode.LIMIT:
            self._meet_limit(order, price, rules, time, first=first)

    def _meet_limit(self, order: VenueOrder, price: Price, rules: Rules, time: Time, *, first: bool) -> None:
        if not order.is_marketable(price):
            if order.is_immediate:
                self.cancel(order, RejectCode.V_UNFILLED, time)
        elif first:
            self.attempt(order, Offer(price, Liquidity.TAKER, rules.first), time)
        elif not rules.draws or price != order.limit_price or self.touches():
            paid = order.limit_price if rules.at_limit else price
            self.attempt(order, Offer(paid, Liquidity.MAKER, rules.later), time)

    def trigger(self, order: VenueOrder, offer: Offer, time: Time) -> None:
        """The stop is reached at the offer's price: the order trades there, or is a limit from there on."""
        order.triggered = order.opened = True
        if order.limit_offset != NONE_PRICE:
            order.limit_price = triggered_limit(order, self.config.instruments[order.instrument])
        self.report(order, time, Triggered(order.order))
        if order.mode is Mode.MARKET:
            self.attempt(order, offer, time)
        elif order.is_marketable(offer.price):
            self.attempt(order, Offer(offer.price, Liquidity.TAKER, stop_limit_rule(offer.rule)), time)
        elif order.is_immediate:
            self.cancel(order, RejectCode.V_UNFILLED, time)

    def follow(self, order: VenueOrder, price: Price) -> None:
        """A trailing order that is not triggered takes the price into account."""
        if is_trailing(order.order_type) and order.improves(price):
            order.best = price
            order.stop_price = trailing_stop(order, self.config.instruments[order.instrument])

    def touches(self) -> bool:
        """Whether a limit that is touched but not crossed fills this time."""
        chance = self.declared.touch_probability
        if chance >= RATE_ONE:
            return True
        value, self.touch_draws = below(self.config.seed, TOUCH_STREAM + self.venue, self.touch_draws, RATE_ONE)
        return value < chance

    def cancel(self, order: VenueOrder, code: int, time: Time) -> None:
        """End what is left of the order."""
        self.end(order, time, Cancelled(order.order, code, ""))

    def end(self, order: VenueOrder, time: Time, payload: Payload) -> None:
        """The order leaves with a report; so do those that its groups end with it."""
        lane = self.lanes[order.instrument]
        linked = lane.groups.is_linked(order)
        self._leave(order, time, payload)
        if linked:
            self.settle_groups(lane, time)

    def settle_groups(self, lane: Lane, time: Time) -> None:
        """End every order of the lane that its group has ended, by acceptance."""
        while (found := lane.groups.over(lane.orders)) is not None:
            order, code, spent = found
            self._leave(order, time, Cancelled(order.order, code, ""), spent=spent)
        lane.groups.forget(lane.orders)

    def wake(self, lane: Lane) -> None:
        """A new point: children of parents that have filled are live."""
        lane.waking = False
        for order in lane.orders:
            if not order.live and lane.groups.parents[order.parent].filled > 0:
                order.live = True

    # --- reports

    def report(self, order: VenueOrder, time: Time, payload: Payload) -> None:
        """Tell the engine about the order."""
        self.emit(order.instrument, time, payload, order.cause)

    def emit(self, instrument: int, time: Time, payload: Payload, cause: Cause) -> None:
        """Tell the engine, after the report latency and never before an earlier report. What is no report has no key."""
        is_report = source_of(EVENT_TYPES[type(payload)]) is Source.BROKER_REPORT
        self.last_key += is_report
        self.last_report = max(self.last_report, time + self.declared.report_latency + self.jitter())
        item = event(
            payload,
            self.last_report,
            event_time=time,
            venue=self.venue,
            account=self.account,
            instrument=instrument,
            key=str(self.last_key) if is_report else "",
        )
        self.reports.append(Report(item, cause))

    def jitter(self) -> Time:
        """What the next message takes beyond its latency."""
        most = self.declared.latency_jitter
        if not most:
            return 0
        value, self.latency_draws = below(self.config.seed, LATENCY_STREAM + self.venue, self.latency_draws, most + 1)
        return value

    # --- filling

    def _available(self, order: VenueOrder) -> Quantity:
        """What volume and groups leave to the order."""
        lane = self.lanes[order.instrument]
        size = lane.groups.allows(order)
        if not self.declared.participation:
            return size
        row = lane.row if lane.has_bars and lane.inside else lane.row - 1
        if row < 0:
            return size
        instrument = self.config.instruments[order.instrument]
        given = participation(self.declared, instrument, lane.volume(row, order.side), lane.volume_decimals)
        return min(size, given - lane.used(order.side))

    def _fill(self, order: VenueOrder, offer: Offer, quantity: Quantity, time: Time) -> None:
        """Fill so much, or end the order when the account cannot carry it."""
        instrument, lane = self.config.instruments[order.instrument], self.lanes[order.instrument]
        price = offer.price
        if order.mode is not Mode.LIMIT:
            price = taker_price(self.declared, instrument, order.is_buy, offer, spread=not lane.has_quotes)
        try:
            paid = self.clearing.trade(order.instrument, order.side, quantity, price, offer.liquidity, time)
        except Unaffordable as refusal:
            self.cancel(order, refusal.code, time)
            return
        order.filled += quantity
        if self.declared.participation:
            lane.give(order.side, quantity)
        self.report(
            order,
            time,
            Filled(order.order, quantity, price, offer.liquidity, instrument.settlement_currency, paid, offer.rule),
        )
        linked = lane.groups.is_linked(order)
        if linked:
            lane.groups.note_fill(order, quantity)
            lane.waking = True
        if order.remaining == 0:
            self._leave(order, time, None)
        if linked:
            self.settle_groups(lane, time)

    def _leave(self, order: VenueOrder, time: Time, payload: Payload | None, *, spent: bool = False) -> None:
        lane = self.lanes[order.instrument]
        del self.orders[order.order]
        lane.orders.remove(order)
        if payload is not None:
            self.report(order, time, payload)
        lane.groups.note_end(order, time, spent=spent)


def longest_way(venue: Venue) -> Time:
    """The most time from the end of an order at the venue to the arrival of a command that was sent before the engine knew of it."""
    return longest_command(venue) + venue.report_latency + venue.latency_jitter


def longest_command(venue: Venue) -> Time:
    """The most time a command is under way."""
    return max(venue.submit_latency, venue.cancel_latency, venue.replace_latency) + venue.latency_jitter


def _volume_decimals(config: Config, instrument: int) -> int:
    streams = (one for one in config.streams if one.instrument == instrument and one.matching)
    return next((one.volume_decimals for one in streams), 0)
