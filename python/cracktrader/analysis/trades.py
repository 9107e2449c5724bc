"""Fills to round trips: what a trader calls a trade, from flat to flat, or to the other side.

A round trip is opened by the fill that leaves flat, grows and shrinks with the fills that follow, and ends with the one that makes the
position zero; a fill through zero ends one and opens the next, its fee and value divided by quantity. There is no matching of lots
(neither FIFO nor LIFO): a partial exit realises against the average cost, as the core books it, and belongs to its round trip. Entry and
exit prices are means over the trip, weighted by quantity. What is still held at the end is a trip of status "open": without an exit, its
profit is what it realised plus what it would at the last mark.

Profits come from the core; nothing is valued here. Trips of one strategy in one instrument follow each other; those of several run side
by side. The work is in numpy, linear in fills and bars (a sort apart). Charts and figures are not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cracktrader.data.columns import QuoteColumns, TradeColumns
from cracktrader.runtime.table import Names, integers, numbers, rows_in, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.runtime.outcome import RunOutcome

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

COLUMNS = (
    "symbol side entry_time entry_price status quantity bars mae mfe fees value currency strategy entry_rule exit_rule entry_order "
    "exit_order fills open_quantity exit_time exit_price pnl return"
).split()
"""What is read first stands first and last: a printed frame leaves out its middle."""


class _Legs(NamedTuple):
    """Fills in the order of (strategy, instrument), then time; a fill through zero is two legs."""

    fill: Ints
    """Which fill the leg is of."""
    change: Ints
    """Signed mantissa by which it moves the position."""
    after: Ints
    """The position after it."""
    share: Floats
    """Its part of the fill's quantity."""
    closing: Ints
    """1 where the fill's realised profit belongs to this leg."""
    trip: Ints
    """Which trip it is of, counted from 0."""
    starts: Ints
    """The first leg of each trip."""


def round_trips(outcome: RunOutcome) -> dict[str, Any]:
    """The round trips of a run as columns named by `COLUMNS`, in the order of their exits, open ones last.

    Quantities are the sum of the entries, prices and money in the trip's `currency` (of settlement). `return` is the profit after fees
    over the `value` that was entered. `mae` and `mfe` are the worst and the best excursion of the price from the entry price as fractions,
    at most and at least 0. They look at the fills and at the trades or quotes between them; where there are only bars, at those that lie
    whole between entry and exit: of a bar in which an order filled on its way nobody knows what came before. `bars` counts the bars that
    opened from the entry until before the exit. Fees in another currency than the trip's are left out.
    """
    fills = outcome.fills
    if not rows_in(fills):
        return {name: [] for name in COLUMNS}
    legs = _legs(fills)
    trips = _money(fills, legs, outcome)
    _add_terms(trips, fills, legs)
    _add_open(trips, outcome)
    _add_excursions(trips, outcome, legs)
    return _ordered(trips)


def _legs(fills: Mapping[str, Sequence[Any]]) -> _Legs:
    import numpy as np

    owner, symbol = texts(fills, "strategy"), texts(fills, "symbol")
    pair = owner.places * len(symbol.names) + symbol.places
    _, first_of, which = np.unique(pair, return_index=True, return_inverse=True)
    # In the order in which the pairs first traded.
    group = np.argsort(np.argsort(first_of))[which.reshape(-1)]
    order = np.argsort(group, kind="stable")
    change = _changes(fills)[order]
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    total = np.cumsum(change)
    # One running sum over everything, less what it was where the group began.
    after = total - np.repeat((total - change)[first], np.diff(np.append(first, len(total))))
    before = after - change
    through = ((before > 0) & (after < 0)) | ((before < 0) & (after > 0))
    place = np.repeat(np.arange(len(change)), 1 + through)
    second = np.zeros(len(place), dtype=bool)
    second[1:] = place[1:] == place[:-1]
    splits = through[place]
    part = np.where(second, after[place], np.where(splits, -before[place], change[place]))
    left = np.where(splits & ~second, 0, after[place])
    opens = np.where(second, True, before[place] == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(splits, np.abs(part) / np.abs(change[place]), 1.0)
    return _Legs(
        fill=order[place],
        change=part,
        after=left,
        share=share,
        closing=(~second).astype(np.int64),
        trip=np.cumsum(opens) - 1,
        starts=np.flatnonzero(opens),
    )


def _changes(fills: Mapping[str, Sequence[Any]]) -> Ints:
    """Signed mantissas of the fills: those of the core where the run kept them."""
    import numpy as np

    if "change" in fills:
        return integers(fills, "change")
    sides = zip(fills["side"], fills["quantity"], strict=True)
    signed = [round(size * 1e8) * (1 if side == "buy" else -1) for side, size in sides]
    return np.array(signed, dtype=np.int64)


def _texts(fills: Mapping[str, Sequence[Any]], name: str, rows: Ints) -> list[str]:
    """Some cells of a column of texts."""
    column = texts(fills, name)
    return Names(column.places[rows], column.names).tolist()


def _money(fills: Mapping[str, Sequence[Any]], legs: _Legs, outcome: RunOutcome) -> dict[str, Any]:
    """Sides, sizes, prices and profits of the trips."""
    import numpy as np

    currency_of = {one["symbol"]: one["currency"] for one in outcome.instruments}
    first = legs.fill[legs.starts]
    symbols = _texts(fills, "symbol", first)
    currencies = [currency_of.get(symbol, outcome.currency) for symbol in symbols]
    size = numbers(fills, "quantity")[legs.fill] * legs.share
    price = numbers(fills, "price")[legs.fill]
    worth = numbers(fills, "value")[legs.fill] * legs.share if "value" in fills else size * price
    side = np.sign(legs.change[legs.starts])
    entering = np.sign(legs.change) == side[legs.trip]
    paid_in = texts(fills, "fee_currency")
    # -1 is a currency in which no fee was charged.
    places = {name: place for place, name in enumerate(paid_in.names)}
    own = np.array([places.get(one, -1) for one in currencies])[legs.trip] == paid_in.places[legs.fill]
    fee = np.where(own, numbers(fills, "fee")[legs.fill] * legs.share, 0.0)
    gross = numbers(fills, "realized_pnl")[legs.fill] * legs.closing

    def summed(numbers: Floats) -> Floats:
        return np.add.reduceat(numbers, legs.starts)

    entered, left = summed(np.where(entering, size, 0.0)), summed(np.where(entering, 0.0, size))
    with np.errstate(divide="ignore", invalid="ignore"):
        entry_price = summed(np.where(entering, size * price, 0.0)) / entered
        exit_price = summed(np.where(entering, 0.0, size * price)) / left
    return {
        "strategy": _texts(fills, "strategy", first),
        "symbol": symbols,
        "currency": currencies,
        "sign": side,
        "quantity": entered,
        "entry_price": entry_price,
        "exit_price": exit_price,
        "fees": summed(fee),
        "pnl": summed(gross) - summed(fee),
        "value": summed(np.where(entering, worth, 0.0)),
    }


def _add_terms(trips: dict[str, Any], fills: Mapping[str, Sequence[Any]], legs: _Legs) -> None:
    """Times, orders and rules of the first and the last fill."""
    import numpy as np

    last = np.append(legs.starts[1:], len(legs.fill)) - 1
    first_fill, last_fill = legs.fill[legs.starts], legs.fill[last]
    times = integers(fills, "time")
    trips["entry_time"], trips["exit_time"] = times[first_fill], times[last_fill]
    trips["closed"] = legs.after[last] == 0
    trips["fills"] = last - legs.starts + 1
    orders = integers(fills, "order")
    for end, rows in (("entry", first_fill), ("exit", last_fill)):
        trips[f"{end}_rule"] = _texts(fills, "rule", rows)
        trips[f"{end}_order"] = orders[rows].tolist()


def _add_open(trips: dict[str, Any], outcome: RunOutcome) -> None:
    """What an open trip would be worth now; one that was closed without a fill, as by a settlement, is closed with what that brought."""
    import numpy as np

    trips["open_quantity"] = np.zeros(len(trips["sign"]))
    holdings = outcome.holdings
    held = {
        pair: row for row, pair in enumerate(zip(holdings.get("strategy", ()), holdings.get("symbol", ()), strict=True))
    }
    for at in np.flatnonzero(~trips["closed"]):
        row = held.get((trips["strategy"][at], trips["symbol"][at]))
        if row is None:
            trips["open_quantity"][at] = trips["quantity"][at] * trips["sign"][at]
            continue
        trips["open_quantity"][at] = holdings["quantity"][row]
        unrealized = holdings["unrealized_pnl"][row]
        trips["pnl"][at] += np.nan if unrealized is None else unrealized
        if holdings["quantity"][row] == 0:
            _close_unfilled(trips, int(at), row, outcome)


def _close_unfilled(trips: dict[str, Any], at: int, row: int, outcome: RunOutcome) -> None:
    """A position that ended without a fill of its own: its profit is what the core realised beyond all fills."""

    pair = (trips["strategy"][at], trips["symbol"][at])
    fills = outcome.fills
    of_fills = sum(
        gross
        for strategy, symbol, gross in zip(fills["strategy"], fills["symbol"], fills["realized_pnl"], strict=True)
        if (strategy, symbol) == pair
    )
    trips["pnl"][at] += outcome.holdings["realized_pnl"][row] - of_fills
    trips["closed"][at] = True
    trips["exit_price"][at] = _price_that_made(trips, at, outcome)
    trips["exit_rule"][at] = "settlement"
    trips["exit_order"][at] = None
    trips["exit_time"][at] = _settlement_time(outcome, pair[1])


def _price_that_made(trips: dict[str, Any], at: int, outcome: RunOutcome) -> float:
    """The mean exit price that accounts for the profit; NaN of an inverse contract, whose profit is not linear in the price."""
    symbol = trips["symbol"][at]
    fact = next((one for one in outcome.instruments if one["symbol"] == symbol), {})
    if fact.get("kind") == "inverse":
        return float("nan")
    gross = trips["pnl"][at] + trips["fees"][at]
    size = trips["quantity"][at] * fact.get("multiplier", 1.0)
    return float(trips["entry_price"][at] + trips["sign"][at] * gross / size)


def _settlement_time(outcome: RunOutcome, symbol: str) -> int:
    """When the instrument settled, ns; of a run that does not say, the end of its data."""
    fact = next((one for one in outcome.instruments if one["symbol"] == symbol), {})
    if fact.get("settlement_time") is not None:
        return int(fact["settlement_time"])
    return max((int(bars.close_time[-1]) for bars in outcome.bars if bars.symbol == symbol and len(bars)), default=0)


# ---------------------------------------------------------------- excursions


class _Prices(NamedTuple):
    """What the market showed of an instrument, as spans of time with a lowest and a highest price."""

    starts: Ints
    ends: Ints
    low: Ints
    high: Ints
    scale: float
    """A price is its mantissa over this."""


def _add_excursions(trips: dict[str, Any], outcome: RunOutcome, legs: _Legs) -> None:
    """The worst and the best price while the trip was on, and how many bars it lasted."""
    import numpy as np

    price = numbers(outcome.fills, "price")[legs.fill]
    lowest, highest = np.minimum.reduceat(price, legs.starts), np.maximum.reduceat(price, legs.starts)
    held = np.zeros(len(lowest), dtype=np.int64)
    symbols, long = np.array(trips["symbol"], dtype=object), trips["sign"] > 0
    for symbol in sorted(set(trips["symbol"])):
        own = np.flatnonzero(symbols == symbol)
        held[own] = _bars_held(trips, own, outcome, symbol)
        for is_long in (True, False):
            side = own[long[own] == is_long]
            shown = _prices(outcome, symbol, is_long)
            if shown is None or not len(side) or not len(shown.starts):
                continue
            first = shown.starts.searchsorted(trips["entry_time"][side])
            low, high = _extremes(shown, first, _end(trips, side, shown))
            lowest[side], highest[side] = np.minimum(lowest[side], low), np.maximum(highest[side], high)
    down, up = lowest / trips["entry_price"] - 1.0, highest / trips["entry_price"] - 1.0
    trips["bars"] = held
    trips["mae"] = np.minimum(np.where(long, down, -up), 0.0)
    trips["mfe"] = np.maximum(np.where(long, up, -down), 0.0)


def _bars_held(trips: Mapping[str, Any], own: Ints, outcome: RunOutcome, symbol: str) -> Ints:
    """How many bars opened from the entry until before the exit."""
    import numpy as np

    columns = next((one for one in outcome.bars if one.symbol == symbol), None)
    if columns is None:
        return np.zeros(len(own), dtype=np.int64)
    first, last = (columns.open_time.searchsorted(trips[name][own]) for name in ("entry_time", "exit_time"))
    count: Ints = np.where(trips["closed"][own], last, len(columns)) - first
    return count


def _prices(outcome: RunOutcome, symbol: str, is_long: bool) -> _Prices | None:
    """The finest there is: trades, else the side of the quotes at which a position would be closed, else bars."""
    ticks = [one for one in outcome.data if one.symbol == symbol]
    for trades in ticks:
        if isinstance(trades, TradeColumns):
            return _Prices(trades.time, trades.time, trades.price, trades.price, 10.0**trades.price_decimals)
    for quotes in ticks:
        if isinstance(quotes, QuoteColumns):
            side = quotes.bid_price if is_long else quotes.ask_price
            return _Prices(quotes.time, quotes.time, side, side, 10.0**quotes.price_decimals)
    for bars in outcome.bars:
        if bars.symbol == symbol:
            return _Prices(bars.open_time, bars.close_time, bars.low, bars.high, 10.0**bars.price_decimals)
    return None


def _end(trips: Mapping[str, Any], own: Ints, shown: _Prices) -> Ints:
    """Behind the last span that the position saw whole. A fill on a bar's way is stamped with its close: that bar is left out."""
    import numpy as np

    rules = _taken(trips["exit_rule"], own)
    known = {rule: _fills_at_an_edge(rule) for rule in set(rules)}
    at_edge = np.array([known[rule] for rule in rules]) | (shown.starts is shown.ends)
    exits = trips["exit_time"][own]
    after, before = (shown.ends.searchsorted(exits, side=side) for side in ("right", "left"))
    end: Ints = np.where(trips["closed"][own], np.where(at_edge, after, before), len(shown.ends))
    return end


def _fills_at_an_edge(rule: str) -> bool:
    """Whether a fill rule fills at a bar's open or close, not between."""
    return any(edge in rule for edge in ("open", "close", "gap", "settlement"))


def _extremes(shown: _Prices, first: Ints, end: Ints) -> tuple[Floats, Floats]:
    """The lowest low and the highest high of each range of spans; infinities for an empty one."""
    import numpy as np

    # Every second piece is a range, those between are thrown away. One more at the end, so that a range may reach to the last.
    pieces = np.stack([first, np.maximum(end, first)], axis=1).ravel()
    low = np.minimum.reduceat(np.append(shown.low, np.iinfo(np.int64).max), pieces)[::2] / shown.scale
    high = np.maximum.reduceat(np.append(shown.high, np.iinfo(np.int64).min), pieces)[::2] / shown.scale
    empty = end <= first
    return np.where(empty, np.inf, low), np.where(empty, -np.inf, high)


# ---------------------------------------------------------------- the frame


def _ordered(trips: dict[str, Any]) -> dict[str, Any]:
    """The columns of `COLUMNS`, oldest exit first, open trips last."""
    import numpy as np

    closed, exits = trips["closed"], trips["exit_time"]
    order = np.lexsort((trips["entry_time"], exits, ~closed))
    with np.errstate(divide="ignore", invalid="ignore"):
        trips["return"] = np.where(trips["value"] > 0, trips["pnl"] / trips["value"], np.nan)
    trips["side"] = np.where(trips["sign"] > 0, "long", "short").tolist()
    trips["status"] = np.where(closed, "closed", "open").tolist()
    columns = {name: _reordered(trips[name], order) for name in COLUMNS}
    still_open = [not one for one in closed[order]]
    for name in ("exit_time", "exit_price", "exit_rule", "exit_order"):
        columns[name] = [None if is_open else value for value, is_open in zip(columns[name], still_open, strict=True)]
    return columns


def _reordered(column: Any, order: Ints) -> list[Any]:
    """A column in another order, as Python values; a number that does not exist is None."""
    taken = column[order].tolist() if hasattr(column, "dtype") else _taken(column, order)
    return [None if value != value else value for value in taken]


def _taken(column: Sequence[Any], places: Ints) -> list[Any]:
    return [column[at] for at in places.tolist()]


def time_in_market(trips: Mapping[str, Sequence[Any]], end: int) -> int:
    """How long any instrument of any strategy was held, ns; open trips last until `end`."""
    import numpy as np

    since = np.array(trips["entry_time"], dtype=np.int64)
    if not len(since):
        return 0
    until = np.array([end if time is None else time for time in trips["exit_time"]], dtype=np.int64)
    order = since.argsort(kind="stable")
    since, until = since[order], until[order]
    # What earlier trips have covered already counts once.
    covered = np.concatenate([since[:1], np.maximum.accumulate(until)[:-1]])
    return int(np.maximum(until - np.maximum(since, covered), 0).sum())
