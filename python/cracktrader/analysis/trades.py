"""Fills to round trips: what a trader calls a trade, from flat to flat, or to the other side.

A round trip is opened by the fill that leaves flat, grows and shrinks with the fills that follow, and ends with the one
that makes the position zero; a fill through zero ends one and opens the next, its fee divided by quantity. There is no
matching of lots (FIFO or other): entry and exit prices are averages over the trip. A position still open at the end is
no round trip. Fees count where they were charged in the run's currency. Prices and profits come from the fills as the
core reported them; nothing is valued here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from cracktrader.data.columns import BarColumns

COLUMNS = (
    "strategy",
    "symbol",
    "side",
    "entry_time",
    "exit_time",
    "quantity",
    "entry_price",
    "exit_price",
    "fees",
    "pnl",
    "bars",
)


@dataclass
class _Trip:
    """An open round trip; quantities are exact decimals, so that flat is recognised exactly."""

    side: str
    entry_time: int
    position: Decimal = Decimal(0)
    entered: Decimal = Decimal(0)
    entered_value: float = 0.0
    exited_value: float = 0.0
    fees: float = 0.0
    gross: float = 0.0

    def enter(self, quantity: Decimal, price: float, fee: float) -> None:
        self.position += quantity
        self.entered += quantity
        self.entered_value += float(quantity) * price
        self.fees += fee

    def leave(self, quantity: Decimal, price: float, fee: float, gross: float) -> None:
        self.position -= quantity
        self.exited_value += float(quantity) * price
        self.fees += fee
        self.gross += gross


def round_trips(fills: Mapping[str, Sequence[Any]], bars: Iterable[BarColumns], currency: str) -> dict[str, list[Any]]:
    """The closed round trips of `fills` (in the order of the fills) as columns named by `COLUMNS`, oldest exit first.

    `side` is "long" or "short", `quantity` the sum of the entries, `pnl` the realised profit after fees, `bars` the
    number of bars that opened from the entry until before the exit.
    """
    opens = {one.symbol: one.open_time for one in bars}
    trips: dict[tuple[str, str], _Trip] = {}
    rows: list[tuple[Any, ...]] = []
    columns = ("strategy", "symbol", "side", "time", "quantity", "price", "fee", "fee_currency", "realized_pnl")
    for strategy, symbol, side, time, size, price, charged, fee_currency, gross in zip(
        *(fills[name] for name in columns), strict=True
    ):
        fee = charged if fee_currency == currency else 0.0
        quantity = _exact(size)
        trip = trips.get((strategy, symbol))
        direction = "long" if side == "buy" else "short"
        if trip is not None and trip.side != direction:
            closed = min(quantity, trip.position)
            share = float(closed / quantity)
            trip.leave(closed, price, fee * share, gross)
            quantity -= closed
            fee -= fee * share
            if trip.position == 0:
                rows.append(_row(strategy, symbol, trip, time, opens.get(symbol)))
                del trips[strategy, symbol]
                trip = None
        if quantity > 0:
            if trip is None:
                trip = trips[strategy, symbol] = _Trip(direction, time)
            trip.enter(quantity, price, fee)
    return {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}


def _row(strategy: str, symbol: str, trip: _Trip, exit_time: int, opens: Any) -> tuple[Any, ...]:
    quantity = float(trip.entered)
    held = 0 if opens is None else int(opens.searchsorted(exit_time) - opens.searchsorted(trip.entry_time))
    entry_price, exit_price = trip.entered_value / quantity, trip.exited_value / quantity
    pnl = trip.gross - trip.fees
    return (
        strategy,
        symbol,
        trip.side,
        trip.entry_time,
        exit_time,
        quantity,
        entry_price,
        exit_price,
        trip.fees,
        pnl,
        held,
    )


def time_in_market(fills: Mapping[str, Sequence[Any]], end: int) -> list[tuple[int, int]]:
    """The spans of time, disjoint and rising, in which any instrument of any strategy had a position; the last may be
    open and then reaches to `end`."""
    positions: dict[tuple[str, str], Decimal] = {}
    spans: list[tuple[int, int]] = []
    since: int | None = None
    for strategy, symbol, side, time, size in zip(
        *(fills[name] for name in ("strategy", "symbol", "side", "time", "quantity")), strict=True
    ):
        signed = _exact(size) if side == "buy" else -_exact(size)
        position = positions.pop((strategy, symbol), Decimal(0)) + signed
        if position:
            positions[strategy, symbol] = position
        if positions and since is None:
            since = time
        elif not positions and since is not None:
            spans.append((since, time))
            since = None
    if since is not None:
        spans.append((since, end))
    return spans


def _exact(quantity: float) -> Decimal:
    """The decimal a quantity was before it became a float: its shortest text."""
    return Decimal(repr(float(quantity)))
