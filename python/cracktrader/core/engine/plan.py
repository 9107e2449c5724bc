"""A plan: the after-images of one fact, checked as a whole before any of them is written. A fact that fails leaves the state as it was."""

from cracktrader.core.account import Ledger, book
from cracktrader.core.codec import (
    ACCOUNT_POSITION,
    ACCOUNT_UNSETTLED,
    FILL,
    LEDGER,
    ORDER,
    PARKED,
    STRATEGY_FEES,
    STRATEGY_POSITION,
    STRATEGY_UNSETTLED,
    Finding,
    LeafKey,
)
from cracktrader.core.invariant import Broken, check_ledger, check_order, check_position, check_shares
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Lot, Position, Unsettled, fold
from cracktrader.core.reject import RejectCode
from cracktrader.core.state import FillRecord, State
from cracktrader.core.units import NULL_INDEX, Money, OrderOrdinal, money


class Plan:
    """What a fact would change. Reads see earlier changes of the same plan."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.findings: list[Finding] = []
        self.orders: dict[OrderOrdinal, Order] = {}
        self.accounts: dict[tuple[int, int], Position] = {}
        self.strategies: dict[tuple[int, int], Position] = {}
        self.ledgers: dict[tuple[int, int], Ledger] = {}
        self.fees: dict[tuple[int, int], Money] = {}
        self.unsettled_accounts: dict[tuple[int, int], Unsettled] = {}
        self.unsettled_strategies: dict[tuple[int, int], Unsettled] = {}
        self.fills: dict[tuple[int, str], FillRecord] = {}
        self.parked: dict[tuple[int, str], OrderOrdinal | None] = {}
        self.freeze: int | None = None
        self.owner: int | None = None
        """The strategy that is told, when the fact had an effect on its order."""
        self.status_changed = False
        self.taken = True
        """Whether the fact was taken: a duplicate, a quarantined or a malformed one is not, and nobody is told."""

    def find(self, code: RejectCode, value: int = 0, limit: int = 0) -> None:
        """A finding on the fact."""
        self.findings.append(Finding(code, value, limit))

    def refuse(self, code: RejectCode, value: int = 0) -> None:
        """The fact is not taken, for this reason."""
        self.find(code, value)
        self.taken = False

    def order(self, ordinal: OrderOrdinal) -> Order:
        """The order's after-image, to be changed."""
        staged = self.orders.get(ordinal)
        if staged is None:
            staged = self.orders[ordinal] = self.state.orders[ordinal].copy()
        return staged

    def position(self, account: int, instrument: int) -> Position:
        """The account's position."""
        staged = self.accounts.get((account, instrument))
        return self.state.position(account, instrument) if staged is None else staged

    def own_position(self, strategy: int, instrument: int) -> Position:
        """The strategy's position."""
        staged = self.strategies.get((strategy, instrument))
        return self.state.own_position(strategy, instrument) if staged is None else staged

    def ledger(self, account: int, currency: int) -> Ledger:
        """The account's ledger in the currency."""
        staged = self.ledgers.get((account, currency))
        return self.state.ledger(account, currency) if staged is None else staged

    def book_lot(self, account: int, strategy: int, instrument: int, lot: Lot) -> None:
        """Fold a lot into the account's and the strategy's position, and its cash into the ledger."""
        self.settle_account(account, instrument, fold(self.position(account, instrument), lot))
        self.strategies[strategy, instrument] = fold(self.own_position(strategy, instrument), lot)

    def replace_positions(
        self, account: int, strategy: int, instrument: int, after: Position, own_after: Position
    ) -> None:
        """Put both positions to new values, and the difference in cash into the ledger."""
        self.settle_account(account, instrument, after)
        self.strategies[strategy, instrument] = own_after

    def settle_account(self, account: int, instrument: int, after: Position) -> None:
        """Put the account's position to `after`, and the difference in cash into the ledger."""
        before = self.position(account, instrument)
        declared = self.state.instrument(instrument)
        currency = declared.settlement_currency
        self.ledgers[account, currency] = book(
            self.ledger(account, currency),
            spot=declared.is_spot,
            realized=after.realized_pnl - before.realized_pnl,
            cost=after.cost - before.cost,
            fee=0,
        )
        self.accounts[account, instrument] = after

    def pay_fee(self, account: int, strategy: int, currency: int, fee: Money) -> None:
        """Pay a fee in a currency; below 0 it comes back."""
        if fee == 0:
            return
        self.ledgers[account, currency] = book(self.ledger(account, currency), spot=False, realized=0, cost=0, fee=fee)
        paid = self.fees.get((strategy, currency))
        if paid is None:
            paid = self.state.strategy_fees.get((strategy, currency), 0)
        self.fees[strategy, currency] = money(paid + fee)

    def check(self) -> Broken | None:
        """The first invariant that the after-images break, or None. OutOfRange where an order's exposure does not fit."""
        for ordinal, order in self.orders.items():
            self.state.exposure(order)
            broken = check_order(self.state.orders[ordinal], order)
            if broken:
                return broken
        for (_, currency), ledger in self.ledgers.items():
            broken = check_ledger(currency, ledger)
            if broken:
                return broken
        for (_, instrument), position in self.accounts.items():
            broken = check_position(instrument, position) or check_shares(
                instrument, position, self._shares(instrument)
            )
            if broken:
                return broken
        return None

    def _shares(self, instrument: int) -> list[Position]:
        owners = (*range(len(self.state.owners)), NULL_INDEX)
        return [self.own_position(strategy, instrument) for strategy in owners]

    def touched(self) -> list[LeafKey]:
        """The leaves that writing changes."""
        keys: list[LeafKey] = [(ORDER, ordinal) for ordinal in self.orders]
        keys += [(ACCOUNT_POSITION, *key) for key in self.accounts]
        keys += [(STRATEGY_POSITION, *key) for key in self.strategies]
        keys += [(LEDGER, *key) for key in self.ledgers]
        keys += [(STRATEGY_FEES, *key) for key in self.fees]
        keys += [(ACCOUNT_UNSETTLED, *key) for key in self.unsettled_accounts]
        keys += [(STRATEGY_UNSETTLED, *key) for key in self.unsettled_strategies]
        keys += [(FILL, *key) for key in self.fills]
        keys += [(PARKED, *key) for key in self.parked]
        return keys

    def write(self) -> None:
        """Put the after-images in place. Orders are put by `engine`, which keeps the aggregates."""
        state = self.state
        state.accounts.update(self.accounts)
        state.strategies.update(self.strategies)
        state.ledgers.update(self.ledgers)
        state.strategy_fees.update(self.fees)
        for staged, held in (
            (self.unsettled_accounts, state.unsettled_accounts),
            (self.unsettled_strategies, state.unsettled_strategies),
        ):
            for place, unsettled in staged.items():
                if unsettled.lots:
                    held[place] = unsettled
                else:
                    held.pop(place, None)
        state.fills.update(self.fills)
        for name, ordinal in self.parked.items():
            if ordinal is None:
                state.parked.pop(name, None)
            else:
                state.parked[name] = ordinal
        if self.freeze is not None:
            state.markets[self.freeze].frozen = True

    def unsettled(
        self, account: int, strategy: int, instrument: int, *, provisional: bool
    ) -> tuple[Unsettled, Unsettled] | None:
        """Copies of the unsettled fills of account and strategy; None where there are none and none are to come."""
        place, own = (account, instrument), (strategy, instrument)
        held = self.unsettled_accounts.get(place) or self.state.unsettled_accounts.get(place)
        mine = self.unsettled_strategies.get(own) or self.state.unsettled_strategies.get(own)
        if not provisional and held is None and mine is None:
            return None
        both = (
            _copy(held, self.position(account, instrument)),
            _copy(mine, self.own_position(strategy, instrument)),
        )
        self.unsettled_accounts[place], self.unsettled_strategies[own] = both
        return both


def _copy(unsettled: Unsettled | None, position: Position) -> Unsettled:
    """A copy to change; one without lots starts at the present position."""
    if unsettled is None or not unsettled.lots:
        return Unsettled(position)
    return Unsettled(unsettled.base, list(unsettled.lots), list(unsettled.settled))
