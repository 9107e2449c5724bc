"""Groups: an entry with its children, and orders of which one cancels the others. Who is in which, how much a member may still fill,
and what the whole exposes.

A unit is a lone order or a group; the risk of an account is the sum over its units. Sending, releasing and cancelling members is not
here: that is `engine` and, where a venue holds groups itself, the venue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from cracktrader.core.order import Life, Order
from cracktrader.core.units import Money, OrderOrdinal, Quantity


class Working(NamedTuple):
    """Exposure of open orders in one instrument, and the cash they reserve. What reduce-only orders can still fill is apart: it counts
    up to the position that there is to reduce."""

    buying: Quantity
    selling: Quantity
    reserved: Money
    reduce_buying: Quantity = 0
    reduce_selling: Quantity = 0

    def plus(self, other: Self) -> Self:
        """Both together."""
        return type(self)(*(a + b for a, b in zip(self, other, strict=True)))

    def less(self, other: Self) -> Self:
        """Without the other."""
        return type(self)(*(a - b for a, b in zip(self, other, strict=True)))

    def or_worse(self, other: Self) -> Self:
        """The larger in every part: one of the two can happen."""
        return type(self)(*(max(a, b) for a, b in zip(self, other, strict=True)))

    def sides(self, held: Quantity) -> tuple[Quantity, Quantity]:
        """(buying, selling) where `held` is the position: a reduce-only order never takes it through zero."""
        buying = self.buying + min(self.reduce_buying, max(-held, 0))
        return buying, self.selling + min(self.reduce_selling, max(held, 0))


IDLE = Working(0, 0, 0)


@dataclass(slots=True)
class Group:
    """A live group: its members in the order of their placement, the root first, and what they expose together."""

    members: list[OrderOrdinal]
    exposed: Working


def root_of(order: Order, parent: Order | None) -> OrderOrdinal:
    """The order that names the group: the leader of the entry's legs, else the entry; without a parent the leader of its own legs."""
    first = order if parent is None else parent
    return first.oco or first.ordinal


def leader_of(order: Order) -> OrderOrdinal:
    """The order that names the legs of which one cancels the others; a lone order is the only leg of itself."""
    return order.oco or order.ordinal


def legs_of(order: Order, members: Sequence[Order]) -> list[Order]:
    """The members of which one cancels the others, the order among them."""
    leader = leader_of(order)
    return [member for member in members if leader_of(member) == leader]


def room(order: Order, left: Quantity, members: Sequence[Order]) -> Quantity:
    """How much of `left`, the order's own remainder, its group lets it fill: legs share what is left, and a child fills no more than
    its parent has."""
    filled = sum(leg.net_filled for leg in legs_of(order, members))
    allowed = left - (filled - order.net_filled)
    if order.parent:
        parent = next(member for member in members if member.ordinal == order.parent)
        allowed = min(allowed, parent.net_filled - filled)
    return max(allowed, 0)


def open_quantity(order: Order, members: Sequence[Order], *, held_natively: bool) -> Quantity:
    """The most that a member can still fill. At a venue that does not hold groups its legs know nothing of each other: what is there
    can fill, whatever the group says."""
    left = order.exposure
    return room(order, left, members) if held_natively or order.life is Life.HELD else left
