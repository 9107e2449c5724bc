"""The independent ledger's own arithmetic: rounding, what fits, and how a lot changes a holding.

Written from the rules of the design alone, with nothing of the engine. Deliberately not here: orders, accounts and events (ledger.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

SPOT, INVERSE, OUTCOME = 0, 2, 4
MOST_QUANTITY, MOST_MONEY = 2**63 - 1, 2**120


class Unfit(ArithmeticError):
    """A fact whose result does not fit its number: the engine stops and its state stays."""


class Holding(NamedTuple):
    """What an account or a strategy has of an instrument."""

    quantity: int = 0
    cost: int = 0
    proceeds: int = 0
    released: int = 0
    net_fills: int = 0
    fee_quantity: int = 0
    transferred: int = 0
    settled: int = 0


FLAT = Holding()
Lot = tuple[str, int, int, int, str, bool]
"""Key, signed quantity, value of its magnitude, fee quantity, the cause it counts under, final."""


def truncated(amount: int, part: int, whole: int) -> int:
    """amount * part / whole towards zero."""
    share = abs(amount) * part // whole
    return share if amount >= 0 else -share


def nearest(numerator: int, denominator: int) -> int:
    """The quotient of two numbers at or above zero, ties to even."""
    whole, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    return whole


def fits(value: int, most: int) -> int:
    """The value, when it fits."""
    if not -most <= value <= most:
        raise Unfit
    return value


def scale(declared: Any) -> tuple[int, int]:
    """What price * quantity (or, inverse, quantity / price) is multiplied and divided by to be a money mantissa."""
    price, quantity = 10**declared.price_decimals, 10**declared.quantity_decimals
    unit = 10**declared.settlement_scale * declared.multiplier
    if declared.kind == INVERSE:
        return unit * price, quantity * 10**9
    return unit, price * quantity * 10**9


def folded(holding: Holding, lot: Lot) -> Holding:
    """The holding after a lot: what closes truncates its share of the one rounded value and of the open cost."""
    _, change, value, fee_quantity, cause, _ = lot
    held, cost, proceeds, released = holding.quantity, holding.cost, holding.proceeds, holding.released
    opening = value
    if held * change < 0:
        closing = min(abs(held), abs(change))
        closed = value if closing == abs(change) else truncated(value, closing, abs(change))
        release = cost if closing == abs(held) else truncated(cost, closing, abs(held))
        proceeds += closed if held > 0 else -closed
        released, cost, opening = released + release, cost - release, value - closed
    cost += opening if change > 0 else -opening
    after = holding._replace(quantity=held + change, cost=cost, proceeds=proceeds, released=released)
    after = after._replace(**{cause: getattr(after, cause) + change})
    checked(after)
    if fee_quantity:
        left = after.quantity - fee_quantity
        if after.quantity * left <= 0 and after.quantity:
            after = after._replace(cost=0, released=after.released + after.cost)
        after = after._replace(quantity=left, fee_quantity=after.fee_quantity + fee_quantity)
        checked(after)
    return after


def closed_out(holding: Holding, proceeds: int) -> Holding:
    """The holding after the instrument settled for `proceeds`."""
    after = holding._replace(
        quantity=0,
        cost=0,
        proceeds=holding.proceeds + proceeds,
        released=holding.released + holding.cost,
        settled=holding.settled - holding.quantity,
    )
    checked(after)
    return after


def checked(holding: Holding) -> None:
    """Every number fits."""
    for amount in (holding.cost, holding.proceeds, holding.released):
        fits(amount, MOST_MONEY)
    quantities = holding.quantity, holding.net_fills, holding.fee_quantity, holding.transferred, holding.settled
    for amount in quantities:
        fits(amount, MOST_QUANTITY)
