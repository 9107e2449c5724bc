"""A lane: the rows that drive matching of one instrument, where they stand, and the orders that work on them by acceptance.

A row is a bar, a trade or a quote. A bar is under way between its open and its close; a trade or quote is an instant.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from cracktrader.core.event import BarRows, QuoteRows, Rows, TradeRows, times_of
from cracktrader.core.intent import Side
from cracktrader.core.matching.group import Groups
from cracktrader.core.matching.order import Phase, Point, VenueOrder
from cracktrader.core.units import Price, Quantity, Time


@dataclass(slots=True)
class Lane:
    """Matching of one instrument."""

    instrument: int
    volume_decimals: int
    """Of the stream that drives matching."""
    groups: Groups
    rows: Rows | None = None
    row: int = 0
    """The bar under way when `inside`, else the next row."""
    inside: bool = False
    waking: bool = False
    """Whether children may have become live since the last point."""
    used_buying: Quantity = 0
    """What the present row's volume has given: all of it on bars and trades, to buyers on quotes."""
    used_selling: Quantity = 0
    """What a quote's bid has given."""
    orders: list[VenueOrder] = field(default_factory=list)
    settled: bool = False
    """Nothing trades after a settlement."""

    @property
    def has_bars(self) -> bool:
        """Whether bars drive it."""
        return isinstance(self.rows, BarRows)

    @property
    def has_quotes(self) -> bool:
        """Whether quotes drive it."""
        return isinstance(self.rows, QuoteRows)

    @property
    def first_row(self) -> int:
        """The first row in which an order that arrives now takes part."""
        return self.row + self.inside

    def point(self) -> Point | None:
        """The next moment, where one is left."""
        rows = self.rows
        if rows is None or self.row >= len(times_of(rows)):
            return None
        if isinstance(rows, BarRows) and not self.inside:
            return Point(rows.open_time[self.row], Phase.OPEN, self.instrument)
        return Point(times_of(rows)[self.row], Phase.PATH, self.instrument)

    def catch_up(self, time: Time) -> None:
        """Bring an idle instrument to `time`: the first row after it is next, or under way when it is a bar that opened before."""
        rows = self.rows
        if self.orders or rows is None:
            return
        row = bisect_right(times_of(rows), time, self.row)
        if row != self.row:
            self.row, self.used_buying, self.used_selling = row, 0, 0
        if isinstance(rows, BarRows):
            self.inside = row < len(rows.open_time) and rows.open_time[row] < time

    def shown(self, side: int) -> Price | None:
        """The price of the last trade, or of the side of the last quote that an order of `side` trades at; none before the first."""
        rows, row = self.rows, self.row - 1
        if row < 0 or rows is None or isinstance(rows, BarRows):
            return None
        if isinstance(rows, TradeRows):
            return rows.price[row]
        return rows.ask_price[row] if side == Side.BUY else rows.bid_price[row]

    def volume(self, row: int, side: int) -> int:
        """What was traded in the row, or offered to `side` by the quote."""
        rows = self.rows
        if isinstance(rows, BarRows):
            return rows.volume[row]
        if isinstance(rows, TradeRows):
            return rows.quantity[row]
        assert rows is not None
        return rows.ask_quantity[row] if side == Side.BUY else rows.bid_quantity[row]

    def used(self, side: int) -> Quantity:
        """What of that has been given."""
        return self.used_selling if self.has_quotes and side == Side.SELL else self.used_buying

    def give(self, side: int, quantity: Quantity) -> None:
        """Give some more of it."""
        if self.has_quotes and side == Side.SELL:
            self.used_selling += quantity
        else:
            self.used_buying += quantity

    def closes_at(self, time: Time) -> bool:
        """Whether the last bar shown closes at `time`."""
        rows = self.rows
        return isinstance(rows, BarRows) and self.row > 0 and rows.close_time[self.row - 1] == time
