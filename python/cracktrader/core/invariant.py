"""What must hold after every event, on what the step touched; and the full recheck of everything, aggregates included.

A broken one is a code with its two numbers; `engine` records the fact with it, leaves the state as it was and stops.
"""

from cracktrader.core.account import Ledger
from cracktrader.core.group import IDLE, Working
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import RejectCode
from cracktrader.core.state import State

Broken = tuple[RejectCode, int, int]


def check_order(before: Order | None, after: Order) -> Broken | None:
    """Gross quantities never fall, what is open never rises inside a version, closed never reopens, and the parts fit."""
    broken = RejectCode.S_INVARIANT_QUANTITY, after.ordinal, 0
    if after.open_quantity < 0 or after.busted_quantity > after.filled_quantity:
        return broken
    if before is None:
        return None
    if after.filled_quantity < before.filled_quantity or after.busted_quantity < before.busted_quantity:
        return broken
    if before.life.is_closed and after.life is not before.life:
        return broken
    if after.version == before.version and after.open_quantity > before.open_quantity:
        return broken
    return None


def check_ledger(currency: int, ledger: Ledger) -> Broken | None:
    """cash + fees + spot cost - realised = transfers + funding."""
    return (RejectCode.S_INVARIANT_CASH, currency, ledger.imbalance) if ledger.imbalance else None


def check_position(instrument: int, position: Position) -> Broken | None:
    """quantity = net fills - fees in the asset + transfers + settlements, and nothing open costs nothing."""
    causes = position.net_fills - position.fee_quantity + position.transferred + position.settled
    if position.quantity != causes:
        return RejectCode.S_INVARIANT_POSITION, instrument, position.quantity - causes
    if position.quantity == 0 and position.cost != 0:
        return RejectCode.S_INVARIANT_POSITION, instrument, position.cost
    return None


def check_shares(instrument: int, account: Position, shares: list[Position]) -> Broken | None:
    """The strategies' quantities and (realised - open cost) sum to the account's."""
    held = sum(share.quantity for share in shares)
    worth = sum(share.realized_pnl - share.cost for share in shares)
    if held != account.quantity:
        return RejectCode.S_INVARIANT_LEDGERS, instrument, account.quantity - held
    if worth != account.realized_pnl - account.cost:
        return RejectCode.S_INVARIANT_LEDGERS, instrument, account.realized_pnl - account.cost - worth
    return None


def check_all(state: State) -> Broken | None:
    """Everything, from the entities alone."""
    for order in state.orders.values():
        broken = check_order(None, order)
        if broken:
            return broken
    for (_, currency), ledger in sorted(state.ledgers.items()):
        broken = check_ledger(currency, ledger)
        if broken:
            return broken
    for (_, instrument), position in sorted(state.accounts.items()):
        shares = [share for (_, held), share in sorted(state.strategies.items()) if held == instrument]
        broken = check_position(instrument, position) or check_shares(instrument, position, shares)
        if broken:
            return broken
    return _check_fees(state) or _check_working(state)


def _check_fees(state: State) -> Broken | None:
    for currency in range(len(state.config.currencies)):
        paid = sum(ledger.fees for (_, held), ledger in state.ledgers.items() if held == currency)
        shares = sum(fees for (_, held), fees in state.strategy_fees.items() if held == currency)
        if paid != shares:
            return RejectCode.S_INVARIANT_CASH, currency, paid - shares
    return None


def _check_working(state: State) -> Broken | None:
    """Working quantities, reserves and open-order counts are those of the orders, and a group exposes what it is said to."""
    working: dict[tuple[int, int], Working] = {}
    counts = [0] * len(state.owners)
    for order in state.orders.values():
        counts[order.id.strategy] += order.life.is_open
        group = state.group_of(order)
        own = state.exposure(order)
        if group is not None and own != group.exposed:
            return RejectCode.S_INVARIANT_QUANTITY, order.ordinal, 0
        if own != IDLE and (group is None or order.ordinal == group.members[0]):
            held = working.get((order.account, order.instrument), IDLE)
            working[order.account, order.instrument] = held.plus(own)
    for (account, instrument), held in sorted(state.working.items()):
        if held != working.get((account, instrument), IDLE):
            return RejectCode.S_INVARIANT_QUANTITY, 0, instrument
    for strategy, owner in enumerate(state.owners):
        if owner.open_orders != counts[strategy]:
            return RejectCode.S_INVARIANT_QUANTITY, 0, strategy
    return None
