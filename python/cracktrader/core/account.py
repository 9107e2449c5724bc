"""Accounts: what is held in each currency and why, and when a cash or margin account can afford something.

Positions are `portfolio`; which orders reserve what is `state`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.instrument import Instrument
from cracktrader.core.units import RATE_ONE, Money, Quantity, Rounding, money, mul_div_round


class AccountKind(IntEnum):
    """Cash accounts reserve the worst case and cannot short; margin accounts hold equity against initial margin."""

    CASH = 0
    MARGIN = 1


class Deposit(NamedTuple):
    """An opening balance."""

    currency: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Account:
    """A declared account; each venue has one."""

    name: str
    venue: int
    kind: AccountKind
    deposits: tuple[Deposit, ...]


class Ledger(NamedTuple):
    """What an account holds in one currency, and the sums of its causes.

    Conservation: cash + fees + spot_cost - realized = transfers + funding.
    """

    cash: Money
    fees: Money
    spot_cost: Money
    """Open cost of the spot positions that settle in this currency."""
    realized: Money
    transfers: Money
    """Deposits less withdrawals; a transferred asset counts at its cost."""
    funding: Money

    @property
    def imbalance(self) -> Money:
        """0 when conserved."""
        return self.cash + self.fees + self.spot_cost - self.realized - self.transfers - self.funding


EMPTY = Ledger(0, 0, 0, 0, 0, 0)


def checked(ledger: Ledger) -> Ledger:
    """The ledger, when every amount in it fits; else OutOfRange."""
    for amount in ledger:
        money(amount)
    return ledger


def book(ledger: Ledger, *, spot: bool, realized: Money, cost: Money, fee: Money) -> Ledger:
    """The ledger after a change of a position by `realized` profit and `cost` of what is open, and a fee (below 0: returned). Spot pays
    for what is open, derivatives only settle what is realised. OutOfRange when an amount does not fit."""
    moved = realized - cost if spot else realized
    return checked(
        ledger._replace(
            cash=ledger.cash + moved - fee,
            fees=ledger.fees + fee,
            spot_cost=ledger.spot_cost + (cost if spot else 0),
            realized=ledger.realized + realized,
        )
    )


def margin(instrument: Instrument, value: Money) -> Money:
    """Initial margin on an exposure worth `value`, rounded up."""
    return money(mul_div_round(value, instrument.initial_margin, RATE_ONE, Rounding.CEIL))


def worst_exposure(held: Quantity, buying: Quantity, selling: Quantity) -> Quantity:
    """The largest position, long or short, that open orders can lead to."""
    return max(abs(held + buying), abs(held - selling))
