"""The simulated venue's own account: what a fill, funding and a settlement do to it, and what it can carry.

It is of the engine's types but a party of its own: marks are what the market showed the venue, without the engine's feed latency.
When a fill happens is `matching`.
"""

from bisect import bisect_right
from collections.abc import Callable

from cracktrader.core.account import EMPTY, AccountKind, Exposure, Ledger, book, exposure, is_growth, receive
from cracktrader.core.book import price_at
from cracktrader.core.config import Config
from cracktrader.core.event import Rows, times_of
from cracktrader.core.fee import Liquidity, fee
from cracktrader.core.instrument import contract_value
from cracktrader.core.intent import Side
from cracktrader.core.portfolio import FILL, FLAT, Lot, Position, close, fold
from cracktrader.core.reject import RejectCode
from cracktrader.core.units import (
    RATE_ONE,
    Money,
    OutOfRange,
    Price,
    Quantity,
    Rate,
    Rounding,
    Time,
    money,
    mul_div_round,
)
from cracktrader.core.valuation import margin_on, signed_value, to_base, worth


class Unaffordable(Exception):
    """The account cannot carry a fill; the code says why."""

    def __init__(self, code: RejectCode) -> None:
        super().__init__(code)
        self.code = code


class Clearing:
    """Positions and cash of the venue's account."""

    def __init__(self, config: Config, account: int) -> None:
        self.config = config
        self.account = account
        self.positions: dict[int, Position] = {}
        self.ledgers: dict[int, Ledger] = {}
        self.traded: dict[int, Price] = {}
        """The last price traded here: the mark of an instrument of which no row has come."""
        self._rows: dict[int, Rows] = {}
        self._keeps_margin = any(one.maintenance_margin for one in config.instruments)
        for currency, amount in config.accounts[account].deposits:
            held = self.ledgers.get(currency, EMPTY)
            self.ledgers[currency] = held._replace(cash=held.cash + amount, transfers=held.transfers + amount)

    def show(self, instrument: int, rows: Rows) -> None:
        """The rows that mark the instrument."""
        self._rows[instrument] = rows

    def mark(self, instrument: int, time: Time) -> Price | None:
        """The price of the last row by `time` (a bar's close, a quote's middle), else the last price traded here."""
        rows = self._rows.get(instrument)
        row = 0 if rows is None else bisect_right(times_of(rows), time)
        return self.traded.get(instrument) if rows is None or row == 0 else price_at(rows, row - 1)

    def reducible(self, index: int, *, buys: bool) -> Quantity:
        """How much an order of the direction can close."""
        held = self.positions.get(index, FLAT).quantity
        return max(-held if buys else held, 0)

    def trade(self, index: int, side: int, quantity: Quantity, price: Price, liquidity: Liquidity, time: Time) -> Money:
        """Book a fill and return its fee. Unaffordable, and nothing booked, when the account cannot carry it."""
        try:
            return self._trade(index, quantity if side == Side.BUY else -quantity, price, liquidity, time)
        except OutOfRange:
            raise Unaffordable(RejectCode.V_FUNDS) from None

    def _trade(self, index: int, signed: Quantity, price: Price, liquidity: Liquidity, time: Time) -> Money:
        instrument = self.config.instruments[index]
        value = contract_value(instrument, price, abs(signed))
        cost = fee(instrument, value, liquidity)
        before = self.positions.get(index, FLAT)
        after = fold(before, Lot("", signed, instrument.value_sign * value, 0, FILL))
        ledger = self._booked(index, before, after, cost)
        code = self._refusal(index, after, ledger, price, time)
        if code is not None:
            raise Unaffordable(code)
        self.positions[index] = after
        self.ledgers[instrument.settlement_currency] = ledger
        self.traded[index] = price
        return cost

    def _booked(self, index: int, before: Position, after: Position, cost: Money) -> Ledger:
        """The ledger once a position has gone from `before` to `after`."""
        instrument = self.config.instruments[index]
        return book(
            self.ledgers.get(instrument.settlement_currency, EMPTY),
            spot=instrument.is_spot,
            realized=after.realized_pnl - before.realized_pnl,
            cost=after.cost - before.cost,
            fee=cost,
        )

    def _refusal(self, index: int, after: Position, ledger: Ledger, price: Price, time: Time) -> RejectCode | None:
        """Why the account cannot carry the fill, or None. A cash account stays at or above zero. A margin account that grows a position
        has its maintenance margin before and its initial margin after."""
        before = self.positions.get(index, FLAT)
        if self.config.accounts[self.account].kind is AccountKind.CASH:
            paid = ledger.cash >= 0 or after.quantity <= before.quantity
            return None if paid and after.quantity >= min(before.quantity, 0) else RejectCode.V_FUNDS
        instrument = self.config.instruments[index]
        if not is_growth(instrument, price, _exposed(before), _exposed(after)):
            return None

        def marks(other: int) -> Price | None:
            return price if other == index else self.mark(other, time)

        if self._keeps_margin and not self._covers(marks, self.positions, self.ledgers, maintenance=True):
            return RejectCode.V_MAINTENANCE
        positions = self.positions | {index: after}
        ledgers = self.ledgers | {instrument.settlement_currency: ledger}
        return None if self._covers(marks, positions, ledgers, maintenance=False) else RejectCode.V_FUNDS

    def _covers(
        self,
        marks: Callable[[int], Price | None],
        positions: dict[int, Position],
        ledgers: dict[int, Ledger],
        *,
        maintenance: bool,
    ) -> bool:
        """Whether equity covers the margin of the positions, both in base currency; not without a mark or rate."""
        config, equity, needed = self.config, 0, 0
        for currency, ledger in sorted(ledgers.items()):
            cash = to_base(config, marks, ledger.cash, currency)
            if cash is None:
                return False
            equity = money(equity + cash)
        for index, position in sorted(positions.items()):
            if position.quantity == 0:
                continue
            instrument = config.instruments[index]
            rate = instrument.maintenance_margin if maintenance else instrument.initial_margin
            value = worth(config, marks, index, position)
            margin = margin_on(config, marks, index, _exposed(position), rate)
            if value is None or margin is None:
                return False
            equity, needed = money(equity + value), money(needed + margin)
        return equity >= needed or (maintenance and needed == 0)

    def fund(self, index: int, rate: Rate, time: Time) -> Money | None:
        """Pay (below 0) or receive funding of `rate` on the position's value at its mark, half to even, and return it: above 0 longs pay.
        None without a position or mark, or where it does not fit."""
        mark = self.mark(index, time)
        if mark is None:
            return None
        return self._receive(index, mark, -rate)

    def pay(self, index: int, price: Price) -> Money | None:
        """Receive so much a unit of the position, a short pays; None without a position, or where it does not fit."""
        return self._receive(index, abs(price), RATE_ONE if price > 0 else -RATE_ONE)

    def _receive(self, index: int, price: Price, rate: Rate) -> Money | None:
        """A share of what the position is worth at `price`; what a long receives a short pays."""
        instrument, held = self.config.instruments[index], self.positions.get(index, FLAT).quantity
        if held == 0:
            return None
        try:
            value = contract_value(instrument, price, abs(held))
            amount = money(mul_div_round(value if held > 0 else -value, rate, RATE_ONE, Rounding.HALF_EVEN))
            ledger = receive(self.ledgers.get(instrument.settlement_currency, EMPTY), amount)
        except OutOfRange:
            return None
        self.ledgers[instrument.settlement_currency] = ledger
        return amount

    def settle(self, index: int, price: Price) -> None:
        """Close the position at `price`. OutOfRange, and nothing booked, when it does not fit."""
        instrument = self.config.instruments[index]
        before = self.positions.get(index, FLAT)
        after = close(before, signed_value(instrument, before, price))
        ledger = self._booked(index, before, after, 0)
        self.positions[index] = after
        self.ledgers[instrument.settlement_currency] = ledger
        self.traded[index] = price


def _exposed(position: Position) -> Exposure:
    return exposure(position.quantity, 0, 0)
