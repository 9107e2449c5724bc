"""Accounts: what is held in each currency and why, and when a cash or margin account can afford something.

Positions are `portfolio`; which orders reserve what is `state`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cracktrader.core.instrument import Instrument, InstrumentKind, contract_value
from cracktrader.core.units import RATE_ONE, Money, Price, Quantity, Rate, Rounding, money, mul_div_round, quantity


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


def receive(ledger: Ledger, amount: Money) -> Ledger:
    """The ledger after funding or interest, received above 0. OutOfRange when an amount does not fit."""
    return checked(ledger._replace(cash=ledger.cash + amount, funding=ledger.funding + amount))


class Exposure(NamedTuple):
    """The largest long and the largest short position that open orders can lead to, both as magnitudes."""

    long: Quantity
    short: Quantity

    @property
    def worst(self) -> Quantity:
        """The larger of the two."""
        return max(self.long, self.short)


def exposure(held: Quantity, buying: Quantity, selling: Quantity) -> Exposure:
    """Where a position can get to when all that is being bought fills and when all that is being sold does."""
    return Exposure(max(held + buying, 0), max(selling - held, 0))


def exposed_value(instrument: Instrument, price: Price, exposed: Exposure) -> Money:
    """What margin is a share of, at `price`: the value of the worst position; of an outcome the most that either side can still lose.
    OutOfRange when it does not fit."""
    if instrument.kind is InstrumentKind.OUTCOME:
        return max(
            contract_value(instrument, price, quantity(exposed.long)),
            contract_value(instrument, instrument.max_price - price, quantity(exposed.short)),
        )
    return contract_value(instrument, price, quantity(exposed.worst))


def is_growth(instrument: Instrument, price: Price, before: Exposure, after: Exposure) -> bool:
    """Whether `after` is more risk than `before`: a larger worst position, of an outcome a larger loss."""
    if instrument.kind is InstrumentKind.OUTCOME:
        return exposed_value(instrument, price, after) > exposed_value(instrument, price, before)
    return after.worst > before.worst


def margin(value: Money, rate: Rate) -> Money:
    """Margin of `rate` on an exposure worth `value`, rounded up."""
    return money(mul_div_round(value, rate, RATE_ONE, Rounding.CEIL))


def worst_exposure(held: Quantity, buying: Quantity, selling: Quantity) -> Quantity:
    """The largest position, long or short, that open orders can lead to."""
    return exposure(held, buying, selling).worst
