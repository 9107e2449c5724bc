"""The yardstick: plain Python loops that ask a strategy object on every row and book its orders, with no engine around them.

Each trades as the engine's strategy of its name does, on the same rows: market orders fill at the next open or trade, limit orders at the
first later trade at their price or better. Money is a float. Deliberately not here: anything that makes a loop an engine, such as checks,
reports, several instruments, or a record of what was done.
"""

from __future__ import annotations

from collections.abc import Sequence

from cracktrader.bench.rows import FAST, SLOW

CASH = 10_000_000.0
FEE = 0.001


class Book:
    """Cash, a position, and orders that have not filled."""

    __slots__ = ("cancelled", "cash", "fills", "placed", "position", "resting", "waiting")

    def __init__(self) -> None:
        self.cash, self.position, self.fills, self.placed, self.cancelled = CASH, 0, 0, 0, 0
        self.waiting = 0
        """Quantity of the market order that the next price fills; 0 for none."""
        self.resting: dict[int, float] = {}
        """Limits of the buy orders of one that rest."""

    def fill(self, quantity: int, price: float) -> None:
        self.cash -= quantity * price + abs(quantity) * price * FEE
        self.position += quantity
        self.fills += 1


class Averages:
    """Long while the fast average is above the slow one, else short."""

    def __init__(self, book: Book, fast: int = FAST, slow: int = SLOW) -> None:
        self.book, self.length, self.slow_length = book, fast, slow
        self.closes, self.count, self.fast, self.slow = [0.0] * slow, 0, 0.0, 0.0

    def on_bar(self, open_: float, high: float, low: float, close: float) -> None:
        count, closes, slow = self.count, self.closes, self.slow_length
        self.slow += close - closes[count % slow]
        self.fast += close - (closes[(count - self.length) % slow] if count >= self.length else 0.0)
        closes[count % slow] = close
        self.count = count + 1
        if self.count < slow:
            return
        book = self.book
        if self.fast * slow > self.slow * self.length:
            if book.position <= 0:
                book.waiting = 1 - book.position
        elif book.position >= 0:
            book.waiting = -1 - book.position


def averages(rows: Sequence[Sequence[float]], fast: int = FAST, slow: int = SLOW) -> Book:
    """A position that follows two averages of closes, over bars."""
    book = Book()
    on_bar = Averages(book, fast, slow).on_bar
    for open_, high, low, close in zip(*rows, strict=True):
        if book.waiting:
            book.fill(book.waiting, open_)
            book.waiting = 0
        on_bar(open_, high, low, close)
    return book


class Silent:
    """Is called, and does nothing."""

    def on_bar(self, open_: float, high: float, low: float, close: float) -> None:
        pass


def silent(rows: Sequence[Sequence[float]]) -> Book:
    """A call on every bar."""
    book, on_bar = Book(), Silent().on_bar
    for open_, high, low, close in zip(*rows, strict=True):
        if book.waiting:
            book.fill(book.waiting, open_)
        on_bar(open_, high, low, close)
    return book


class Seldom:
    """An order each thousand trades; it is cancelled half way, or what it bought is sold."""

    def __init__(self, book: Book) -> None:
        self.book, self.count = book, 0

    def on_trade(self, price: float) -> None:
        count, book = self.count, self.book
        self.count = count + 1
        if count % 1000 == 0:
            book.resting[count] = price - 0.05
            book.placed += 1
        elif count % 1000 == 500:
            if book.resting:
                book.resting.clear()
                book.cancelled += 1
            elif book.position:
                book.waiting = -book.position
                book.placed += 1


class Busy:
    """An order on every trade, far from the market, in place of the one before."""

    def __init__(self, book: Book) -> None:
        self.book, self.count = book, 0

    def on_trade(self, price: float) -> None:
        book, count = self.book, self.count
        if count:
            del book.resting[count - 1]
            book.cancelled += 1
        book.resting[count] = price * 0.5
        book.placed += 1
        self.count = count + 1


def trading(kind: type[Seldom] | type[Busy], prices: Sequence[float]) -> Book:
    """Orders of a strategy over trades."""
    book = Book()
    on_trade = kind(book).on_trade
    for price in prices:
        if book.waiting:
            book.fill(book.waiting, price)
            book.waiting = 0
        if book.resting:
            for order, limit in list(book.resting.items()):
                if price <= limit:
                    book.fill(1, limit)
                    del book.resting[order]
        on_trade(price)
    return book
