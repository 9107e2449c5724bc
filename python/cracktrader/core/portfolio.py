"""Positions: quantity, open cost and realised profit of one holder in one instrument, and the fold of a fill into them.

A holder is an account or a strategy (what no strategy owns has an entry too), so that the strategies' positions sum to the account's.
Cash is `account`. The average price is derived at the edge.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from cracktrader.core.units import Money, Quantity, Rounding, money, mul_div_round, quantity


class Position(NamedTuple):
    """A holder's position. Costs and profits are in the settlement currency; quantities are signed, long above 0."""

    quantity: Quantity
    cost: Money
    """Open cost: what the open quantity was opened for, signed like the value of what was bought."""
    proceeds: Money
    """Sum of what closing brought."""
    released: Money
    """Sum of the cost that closing released; realised = proceeds - released."""
    net_fills: Quantity
    fee_quantity: Quantity
    """Fees paid in the base asset."""
    transferred: Quantity
    settled: Quantity

    @property
    def realized_pnl(self) -> Money:
        """Profit of what was closed, before fees."""
        return self.proceeds - self.released


FLAT = Position(0, 0, 0, 0, 0, 0, 0, 0)


class Lot(NamedTuple):
    """One cause of a change: `quantity` signed (bought above 0), `value` the signed value of that quantity's magnitude
    (below 0 for inverse contracts), and a fee in the base asset."""

    key: str
    """The fill's idempotency key; '' where the cause is no fill."""
    quantity: Quantity
    value: Money
    fee_quantity: Quantity
    cause: int
    """0 fill, 1 transfer, 2 settlement."""


FILL, TRANSFER, SETTLEMENT = 0, 1, 2


@dataclass(slots=True)
class Unsettled:
    """Provisional fills of one holder and instrument: the position before the oldest one, and every cause since."""

    base: Position
    lots: list[Lot] = field(default_factory=list)
    settled: list[bool] = field(default_factory=list)


def fold(position: Position, lot: Lot) -> Position:
    """The position after `lot`. OutOfRange when a part does not fit.

    A lot through zero splits its one rounded value: the close part truncated, the open part the rest. Releasing cost truncates on
    magnitudes, so long and short mirror; the last close releases everything.
    """
    held, change = position.quantity, lot.quantity
    cost, proceeds, released = position.cost, position.proceeds, position.released
    opened_value = lot.value
    closing = min(abs(held), abs(change)) if (held > 0) != (change > 0) else 0
    if closing:
        closed_value = lot.value if closing == abs(change) else _share(lot.value, closing, abs(change))
        opened_value = lot.value - closed_value
        release = cost if closing == abs(held) else _share(cost, closing, abs(held))
        proceeds += closed_value if held > 0 else -closed_value
        released += release
        cost -= release
    cost += opened_value if change > 0 else -opened_value
    after = Position(
        quantity(held + change),
        money(cost),
        money(proceeds),
        money(released),
        quantity(position.net_fills + (change if lot.cause == FILL else 0)),
        position.fee_quantity,
        quantity(position.transferred + (change if lot.cause == TRANSFER else 0)),
        quantity(position.settled + (change if lot.cause == SETTLEMENT else 0)),
    )
    return pay_in_base(after, lot.fee_quantity) if lot.fee_quantity else after


def close(position: Position, proceeds: Money) -> Position:
    """The position after a settlement that brought `proceeds`. OutOfRange when a part does not fit."""
    return position._replace(
        quantity=0,
        cost=0,
        proceeds=money(position.proceeds + proceeds),
        released=money(position.released + position.cost),
        settled=quantity(position.settled - position.quantity),
    )


def pay_in_base(position: Position, fee_quantity: Quantity) -> Position:
    """The position after a fee in the base asset: quantity falls, cost stays with what is left; what reaches or crosses zero releases
    its cost at no proceeds."""
    left = quantity(position.quantity - fee_quantity)
    paid = quantity(position.fee_quantity + fee_quantity)
    if position.quantity != 0 and (left == 0 or (left > 0) != (position.quantity > 0)):
        return position._replace(
            quantity=left, fee_quantity=paid, cost=0, released=money(position.released + position.cost)
        )
    return position._replace(quantity=left, fee_quantity=paid)


def refold(unsettled: Unsettled, without: int) -> Position:
    """The position from its oldest unsettled fill on, without the lot at index `without`."""
    position = unsettled.base
    for index, lot in enumerate(unsettled.lots):
        if index != without:
            position = fold(position, lot)
    return position


def settle(unsettled: Unsettled, index: int) -> None:
    """The fill at `index` is final: what is final at the front moves into the base."""
    unsettled.settled[index] = True
    while unsettled.lots and unsettled.settled[0]:
        unsettled.base = fold(unsettled.base, unsettled.lots.pop(0))
        unsettled.settled.pop(0)


def _share(amount: Money, part: Quantity, whole: Quantity) -> Money:
    """amount * part / whole, truncated on magnitudes."""
    return mul_div_round(amount, part, whole, Rounding.TRUNC)
