"""What the market last showed of an instrument: its mark and whether new risk is allowed.

Depth is not kept; matching is `matching`.
"""

from dataclasses import dataclass

from cracktrader.core.event import Bar, BarRows, Quote, Rows, Trade, TradeRows
from cracktrader.core.units import NONE_PRICE, Price, Rounding, Time, div_round


@dataclass(slots=True)
class Market:
    """Market state of one instrument."""

    mark: Price = NONE_PRICE
    """Close of the last bar, price of the last trade, or middle of the last quote."""
    mark_time: Time = 0
    bid: Price = NONE_PRICE
    ask: Price = NONE_PRICE
    halted: bool = False
    """The venue says: cancels only."""
    frozen: bool = False
    """An overfill froze it: no new risk until reconciled."""

    @property
    def has_mark(self) -> bool:
        """Whether anything was shown yet."""
        return self.mark != NONE_PRICE


def show_bar(market: Market, bar: Bar, now: Time) -> None:
    """A bar's close is the mark."""
    market.mark = bar.close
    market.mark_time = now


def show_trade(market: Market, trade: Trade, now: Time) -> None:
    """A trade's price is the mark."""
    market.mark = trade.price
    market.mark_time = now


def show_quote(market: Market, quote: Quote, now: Time) -> None:
    """The middle, half to even, is the mark."""
    market.bid = quote.bid_price
    market.ask = quote.ask_price
    market.mark = div_round(quote.bid_price + quote.ask_price, 2, Rounding.HALF_EVEN)
    market.mark_time = now


def price_at(rows: Rows, row: int) -> Price:
    """What the row shows as the mark: a bar's close, a trade's price, a quote's middle, half to even."""
    if isinstance(rows, BarRows):
        return rows.close[row]
    if isinstance(rows, TradeRows):
        return rows.price[row]
    return div_round(rows.bid_price[row] + rows.ask_price[row], 2, Rounding.HALF_EVEN)
