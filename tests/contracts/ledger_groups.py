"""The part of the independent ledger about orders that name each other: which are told apart until when, and what the engine does with
them where a venue holds no groups.

Written from docs/reference/order_lifecycle.md alone. Deliberately not here: any function of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ties:
    """What an order names, and where it stands in the engine's hands."""

    parent: int = 0
    leader: int = 0
    """The order that names its legs: itself when it joined none."""
    asked: int = 0
    """The total it was asked for."""
    total: int = 0
    """The total that was sent."""
    held: bool = False
    leaving: bool = False
    """A cancel is under way."""


@dataclass(slots=True)
class Families:
    """Orders that name each other, all of them under each of them."""

    by_order: dict[int, list[int]] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)
    """Orders that ended in this step."""
    stirred: set[int] = field(default_factory=set)
    """Orders that this step touched."""

    def join(self, ordinal: int, named: int) -> None:
        """Put a new order with the one that it names."""
        family = self.by_order.setdefault(named, [named])
        family.append(ordinal)
        self.by_order[ordinal] = family
        self.stirred.add(ordinal)

    def of(self, ordinal: int) -> list[int]:
        """The order's family; a lone order is its own."""
        return self.by_order.get(ordinal, [ordinal])

    def tend(
        self, orders: dict[int, Any], can_replace: Callable[[Any], bool], lot: Callable[[Any], int], refused: int
    ) -> list[int]:
        """Let the engine do its part at a venue without groups, and return the orders it changed."""
        families = {id(family): family for family in (self.of(one) for one in self.stirred) if len(family) > 1}
        changed: list[int] = []
        for family in families.values():
            members = [orders[one] for one in family if one in orders]
            over = {orders[one].ties.leader for one in self.ended if one in family}
            for order in members:
                if order.ties.leader in over and not order.closed:
                    order.ties.leaving = True
            changed += [order.ordinal for order in members if _feed(order, members, can_replace, lot, refused)]
        self.ended.clear()
        self.stirred.clear()
        return changed


def _feed(
    order: Any, members: Iterable[Any], can_replace: Callable[[Any], bool], lot: Callable[[Any], int], refused: int
) -> bool:
    """A child gets what its parent has filled, less what its legs have; whether it was sent now."""
    ties = order.ties
    parent = next((one for one in members if one.ordinal == ties.parent), None)
    if parent is None or order.closed or ties.leaving or order.replacing or order.in_doubt:
        return False
    others = sum(one.filled - one.busted for one in members if one.ties.leader == ties.leader and one is not order)
    total = min(parent.filled - parent.busted - others, ties.asked) // lot(order) * lot(order)
    if not ties.held:
        order.replacing = total > ties.total and can_replace(order) and order.ordinal != refused
        return False
    if total > 0:
        ties.held, order.sent = False, True
        ties.total = order.open = total
        return True
    ties.leaving = parent.closed
    return False
