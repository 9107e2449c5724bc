"""Several strategies in one run: what each ordered, traded and made, and how its profit went.

Each has positions and fees of its own, whatever the others do with the same account; so their profits sum to the account's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.analysis.summary import valued

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.data.columns import BarColumns
    from cracktrader.runtime.outcome import RunOutcome

    Floats = NDArray[np.float64]


def by_strategy(outcome: RunOutcome, trips: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """One row a strategy: what it ordered, filled, traded, paid and made. Profits are of its own positions, fees of its own fills; what
    settles or is charged in another currency than the run's is left out of the sums."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    fills, holdings = outcome.fills, outcome.holdings
    currency_of = {one["symbol"]: one["currency"] for one in outcome.instruments}
    for declared in outcome.strategies:
        name = declared["name"]
        own = [at for at, one in enumerate(trips["strategy"]) if one == name]
        closed = [at for at in own if trips["status"][at] == "closed"]
        pairs = zip(fills["strategy"], fills["fee"], fills["fee_currency"], strict=True)
        fees = sum(fee for one, fee, currency in pairs if one == name and currency == outcome.currency)
        held = [
            row
            for row, one in enumerate(holdings.get("strategy", ()))
            if one == name and currency_of.get(holdings["symbol"][row], outcome.currency) == outcome.currency
        ]
        realized = sum(holdings["realized_pnl"][row] for row in held)
        unrealized = sum(holdings["unrealized_pnl"][row] or 0.0 for row in held)
        wins = sum(trips["pnl"][at] > 0 for at in closed)
        row = {
            "strategy": name,
            "orders": outcome.orders["strategy"].count(name),
            "fills": fills["strategy"].count(name),
            "trades": len(closed),
            "open_trades": len(own) - len(closed),
            "win_rate": wins / len(closed) if closed else None,
            "realized_pnl": realized,
            "unrealized_pnl": unrealized,
            "fees": fees,
            "pnl": realized + unrealized - fees,
        }
        for column, value in row.items():
            columns[column].append(value)
    return columns


AT_OPEN = frozenset(("bar_next_open", "bar_open", "bar_gap", "bar_stop_open"))
"""Rules of fills at a bar's open, which comes after the row of the bar that closes at that moment."""
COLUMNS = "strategy orders fills trades open_trades win_rate realized_pnl unrealized_pnl fees pnl".split()


def profits(outcome: RunOutcome) -> dict[str, Floats]:
    """The profit of each strategy at every row of the equity, after its fees: what its fills brought and what its positions are worth.

    A row knows the bars up to its time and the fills until the close of the last of them, before the next one opens. Instruments and fees
    in other currencies than the run's are left out, as are transfers and funding, which no strategy owns.
    """
    import numpy as np

    times, _ = valued(outcome)
    made = {one["name"]: np.zeros(len(times)) for one in outcome.strategies}
    told = outcome.fills
    if not told["price"] or not len(times):
        return made
    facts = {one["symbol"]: one for one in outcome.instruments}
    symbols, owners = np.array(told["symbol"], dtype=object), np.array(told["strategy"], dtype=object)
    own_fee = np.array(told["fee_currency"], dtype=object) == outcome.currency
    fees = np.where(own_fee, np.array(told["fee"], dtype=np.float64), 0.0)
    for bars in outcome.bars:
        fact = facts.get(bars.symbol)
        if fact is None or fact["currency"] != outcome.currency or not len(bars):
            continue
        for name, total in made.items():
            rows = np.flatnonzero((symbols == bars.symbol) & (owners == name))
            if len(rows):
                total += _profit(told, rows, fees[rows], bars, fact, times)
    return made


def _profit(
    told: Mapping[str, Sequence[Any]],
    rows: NDArray[np.int64],
    fees: Floats,
    bars: BarColumns,
    fact: Mapping[str, Any],
    times: NDArray[np.int64],
) -> Floats:
    """One strategy in one instrument."""
    import numpy as np

    change = (
        np.array([told["change"][row] for row in rows.tolist()], dtype=np.float64) / 10.0 ** fact["quantity_decimals"]
    )
    value = np.array([told["value"][row] for row in rows.tolist()], dtype=np.float64)
    bought = np.array([told["side"][row] == "buy" for row in rows.tolist()])
    inverse = fact["kind"] == "inverse"
    paid = np.where(bought == inverse, -value, value)
    place = bars.event_time.searchsorted(times, side="right") - 1
    known = np.maximum(place, 0)
    stamps = np.array([told["time"][row] + (told["rule"][row] in AT_OPEN) for row in rows.tolist()], dtype=np.int64)
    until = np.where(place >= 0, stamps.searchsorted(bars.close_time[known], side="right"), 0)
    held = np.concatenate([[0.0], np.cumsum(change)])[until]
    spent = np.concatenate([[0.0], np.cumsum(paid + fees)])[until]
    contracts, close = held * fact["multiplier"], bars.prices("close")[known]
    worth = -contracts / close if inverse else contracts * close
    profit: Floats = worth - spent
    return profit
