"""Groups as the venue holds them: what parents and one-cancels-other legs have filled, and which working order that ends.

A group has one instrument, so each lane keeps its own. Orders are kept there too; what ends them is `desk`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from cracktrader.core.matching.order import VenueOrder
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import OrderOrdinal, Quantity, Time


class Tally(NamedTuple):
    """What a parent has filled, or the legs of a group together, and whether the parent or a leg has ended."""

    filled: Quantity
    ended: bool


class Gone(NamedTuple):
    """An order that ended, remembered while one that names it may be on its way."""

    time: Time
    order: OrderOrdinal
    filled: Quantity


@dataclass(slots=True)
class Groups:
    """The groups of one instrument."""

    horizon: Time
    """How long an order that names another may be under way: from an end, over the report of it, to a command's arrival."""
    parents: dict[OrderOrdinal, Tally] = field(default_factory=dict)
    """Parents with working children."""
    legs: dict[OrderOrdinal, Tally] = field(default_factory=dict)
    """Groups with working legs, by their leader."""
    gone: deque[Gone] = field(default_factory=deque)

    def join(self, order: VenueOrder, orders: list[VenueOrder]) -> int:
        """Take the order into the groups it names among the working `orders`; the code that refuses it, or 0."""
        if order.parent and order.parent not in self.parents:
            parent = self._found(order.parent, orders)
            if parent is None or (parent.ended and parent.filled == 0):
                return RejectCode.V_PARENT
            self.parents[order.parent] = parent
        if order.oco and order.oco not in self.legs:
            leader = next((one for one in orders if one.order == order.oco), None)
            if leader is None:
                return RejectCode.V_GROUP
            leader.oco = leader.order
            self.legs[order.oco] = Tally(leader.filled, ended=False)
        order.live = not order.parent or self.parents[order.parent].filled > 0
        return 0

    def _found(self, named: OrderOrdinal, orders: list[VenueOrder]) -> Tally | None:
        working = next((one for one in orders if one.order == named), None)
        if working is not None:
            return Tally(working.filled, ended=False)
        return next((Tally(one.filled, ended=True) for one in self.gone if one.order == named), None)

    def allows(self, order: VenueOrder) -> Quantity:
        """How much of the order may fill: what is open, less what other legs took, up to what its parent has filled."""
        used = self.legs[order.oco].filled if order.oco else order.filled
        left = order.quantity - used
        return min(left, self.parents[order.parent].filled - used) if order.parent else left

    def is_linked(self, order: VenueOrder) -> bool:
        """Whether the order is in a group."""
        return bool(order.parent or order.oco) or order.order in self.parents

    def note_fill(self, order: VenueOrder, quantity: Quantity) -> None:
        """Count a fill in the groups of the order."""
        for tallies, key in ((self.parents, order.order), (self.legs, order.oco)):
            if key in tallies:
                tallies[key] = tallies[key]._replace(filled=tallies[key].filled + quantity)

    def note_end(self, order: VenueOrder, time: Time, *, spent: bool) -> None:
        """The order has left; one that is merely `spent` does not end the other legs."""
        while self.gone and self.gone[0].time < time - self.horizon:
            self.gone.popleft()
        self.gone.append(Gone(time, order.order, order.filled))
        if order.order in self.parents:
            self.parents[order.order] = self.parents[order.order]._replace(ended=True)
        if order.oco and not spent:
            self.legs[order.oco] = self.legs[order.oco]._replace(ended=True)

    def note_refusal(self, order: VenueOrder) -> None:
        """A leg that the venue does not take ends the other legs."""
        if order.oco in self.legs:
            self.legs[order.oco] = self.legs[order.oco]._replace(ended=True)

    def over(self, orders: list[VenueOrder]) -> tuple[VenueOrder, RejectCode, bool] | None:
        """The first working order that its group has ended, the code, and whether it is merely spent."""
        for order in orders:
            parent = self.parents[order.parent] if order.parent else None
            legs = self.legs[order.oco] if order.oco else None
            if parent is not None and parent.ended and parent.filled == 0:
                return order, RejectCode.V_PARENT, False
            if legs is not None and legs.ended:
                return order, RejectCode.V_GROUP, False
            if (legs is not None or (parent is not None and parent.ended)) and self._is_spent(order):
                return order, RejectCode.V_GROUP, True
        return None

    def _is_spent(self, order: VenueOrder) -> bool:
        """Whether nothing of the order can fill any more: other legs took it, or its ended parent has filled no more."""
        used = self.legs[order.oco].filled if order.oco else order.filled
        parent = self.parents.get(order.parent)
        return order.quantity <= used or (parent is not None and parent.ended and parent.filled <= used)

    def forget(self, orders: list[VenueOrder]) -> None:
        """Drop what no working order needs."""
        wanted = [order.parent for order in orders]
        self.parents = {key: tally for key, tally in self.parents.items() if key in wanted}
        wanted = [order.oco for order in orders]
        self.legs = {key: tally for key, tally in self.legs.items() if key in wanted}
