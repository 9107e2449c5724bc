"""The venue's own books: positions, money and marks of its account, and whether a fill can be paid for.

The engine keeps its own account of the same types; only reports connect the two.
"""

from dataclasses import dataclass, field

from cracktrader.core.account import EMPTY, AccountKind, Ledger, book, margin
from cracktrader.core.config import Config
from cracktrader.core.fee import Liquidity, fee
from cracktrader.core.instrument import contract_value
from cracktrader.core.matching.order import VenueOrder
from cracktrader.core.portfolio import FILL, FLAT, Lot, Position, fold
from cracktrader.core.units import Money, OutOfRange, Price, Quantity, money


@dataclass(slots=True)
class Books:
    """The account of one simulated venue."""

    config: Config
    account: int
    positions: dict[int, Position] = field(default_factory=dict)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    marks: dict[int, Price] = field(default_factory=dict)
    """The last price traded here."""

    def reducible(self, instrument: int, *, buys: bool) -> Quantity:
        """How much an order of the direction can close."""
        held = self.positions.get(instrument, FLAT).quantity
        return max(-held if buys else held, 0)

    def pay(self, order: VenueOrder, price: Price, quantity: Quantity, liquidity: Liquidity) -> Money | None:
        """Book a fill and return its fee; None, and nothing booked, when funds or numbers do not suffice."""
        try:
            return self._book(order, price, quantity, liquidity)
        except OutOfRange:
            return None

    def _book(self, order: VenueOrder, price: Price, quantity: Quantity, liquidity: Liquidity) -> Money | None:
        instrument = self.config.instruments[order.instrument]
        value = contract_value(instrument, price, quantity)
        cost = fee(instrument, value, liquidity)
        before = self.positions.get(order.instrument, FLAT)
        signed = quantity if order.is_buy else -quantity
        after = fold(before, Lot("", signed, instrument.value_sign * value, 0, FILL))
        held = self.ledgers.get(instrument.settlement_currency, EMPTY)
        realized = after.realized_pnl - before.realized_pnl
        ledger = book(held, spot=instrument.is_spot, realized=realized, cost=after.cost - before.cost, fee=cost)
        mark = self.marks.get(order.instrument)
        self.marks[order.instrument] = price
        if not self._affords(order.instrument, before, after, ledger):
            if mark is None:
                del self.marks[order.instrument]
            else:
                self.marks[order.instrument] = mark
            return None
        self.positions[order.instrument] = after
        self.ledgers[instrument.settlement_currency] = ledger
        return cost

    def _affords(self, traded: int, before: Position, after: Position, ledger: Ledger) -> bool:
        """A cash account stays at or above zero; a margin account that grows a position covers its initial margins with its equity in
        the settlement currency."""
        if self.config.accounts[self.account].kind is AccountKind.CASH:
            return after.quantity >= min(before.quantity, 0) and (ledger.cash >= 0 or after.quantity <= before.quantity)
        if abs(after.quantity) <= abs(before.quantity):
            return True
        currency = self.config.instruments[traded].settlement_currency
        equity, required = ledger.cash, 0
        for index, mark in sorted(self.marks.items()):
            instrument = self.config.instruments[index]
            position = after if index == traded else self.positions.get(index, FLAT)
            if instrument.settlement_currency != currency or position.quantity == 0:
                continue
            value = contract_value(instrument, mark, abs(position.quantity))
            signed = instrument.value_sign * (value if position.quantity > 0 else -value)
            equity = money(equity + (signed if instrument.is_spot else signed - position.cost))
            required = money(required + margin(instrument, value))
        return equity >= required
