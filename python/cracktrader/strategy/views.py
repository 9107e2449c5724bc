"""What a strategy sees: frozen values with floats for reading and `_exact` decimals for sums. Nothing here can change a run.

Bars of the Rust core are its own `BarView`, equal in name, fields, repr, == and hash to the one here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cracktrader.core.event import Bar, Event, Filled, Quote, Refused, TimerFired, Trade
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Instrument
from cracktrader.core.intent import OrderId, OrderType, Side, TimeInForce
from cracktrader.core.order import STATUS_NAMES, Status
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE
from cracktrader.core.valuation import signed_value
from cracktrader.core.view import OrderFacts


def _decimal(mantissa: int, decimals: int) -> Decimal:
    return Decimal(mantissa).scaleb(-decimals)


class Frozen:
    """A value: equal by its fields, hashable, not assignable."""

    __slots__ = ()
    _shown: tuple[str, ...] = ()

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._shown)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
        return f"{type(self).__name__}({shown})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is a frozen value: {name} cannot be set")

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name.startswith("_"))


class EventView(Frozen):
    """An event as a strategy sees it."""

    __slots__ = ("_event", "_instrument")
    _shown: tuple[str, ...] = ("event_type", "symbol", "event_time", "seq_id")

    def __init__(self, event: Event, instrument: Instrument | None) -> None:
        object.__setattr__(self, "_event", event)
        object.__setattr__(self, "_instrument", instrument)

    _event: Event
    _instrument: Instrument | None

    @property
    def seq_id(self) -> int:
        """The event's number in the run."""
        return self._event.seq_id

    @property
    def event_time(self) -> int:
        """The source's own stamp, ns."""
        return self._event.event_time

    @property
    def event_type(self) -> str:
        """The contract's name of the event, such as "Bar" or "Filled"."""
        return type(self._event.payload).__name__

    @property
    def symbol(self) -> str:
        """Name of the instrument, "" where the event has none."""
        return self._instrument.name if self._instrument is not None else ""


class BarView(Frozen):
    """A closed bar. Prices and volume are floats; `close_exact` and its sisters are decimals."""

    __slots__ = ("_bar", "_price_decimals", "_volume_decimals", "event_time", "seq_id", "symbol", "timeframe")
    _shown: tuple[str, ...] = (
        "symbol",
        "timeframe",
        "open_time",
        "close_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "seq_id",
    )
    _bar: Bar
    _price_decimals: int
    _volume_decimals: int
    event_time: int
    seq_id: int
    symbol: str
    timeframe: str
    """Which bars it is of, such as "5m" or "100 ticks"; "" where the run does not know."""

    def __init__(
        self,
        seq_id: int,
        event_time: int,
        symbol: str,
        bar: Bar,
        price_decimals: int,
        volume_decimals: int,
        timeframe: str = "",
    ) -> None:
        put = object.__setattr__
        put(self, "_bar", bar)
        put(self, "_price_decimals", price_decimals)
        put(self, "_volume_decimals", volume_decimals)
        put(self, "event_time", event_time)
        put(self, "seq_id", seq_id)
        put(self, "symbol", symbol)
        put(self, "timeframe", timeframe)

    @property
    def _stream(self) -> int:
        """Which stream it is of, for indicators written in Python."""
        return self._bar.stream

    @property
    def event_type(self) -> str:
        """ "Bar"."""
        return "Bar"

    @property
    def open_time(self) -> int:
        """When the bar opened, ns."""
        return self._bar.open_time

    @property
    def close_time(self) -> int:
        """When the bar closed, ns."""
        return self._bar.close_time

    @property
    def open(self) -> float:
        """Opening price."""
        return to_float(self._bar.open, self._price_decimals)

    @property
    def high(self) -> float:
        """Highest price."""
        return to_float(self._bar.high, self._price_decimals)

    @property
    def low(self) -> float:
        """Lowest price."""
        return to_float(self._bar.low, self._price_decimals)

    @property
    def close(self) -> float:
        """Closing price."""
        return to_float(self._bar.close, self._price_decimals)

    @property
    def volume(self) -> float:
        """Traded volume."""
        return to_float(self._bar.volume, self._volume_decimals)

    @property
    def open_exact(self) -> Decimal:
        """Opening price, exact."""
        return _decimal(self._bar.open, self._price_decimals)

    @property
    def high_exact(self) -> Decimal:
        """Highest price, exact."""
        return _decimal(self._bar.high, self._price_decimals)

    @property
    def low_exact(self) -> Decimal:
        """Lowest price, exact."""
        return _decimal(self._bar.low, self._price_decimals)

    @property
    def close_exact(self) -> Decimal:
        """Closing price, exact."""
        return _decimal(self._bar.close, self._price_decimals)

    @property
    def volume_exact(self) -> Decimal:
        """Traded volume, exact."""
        return _decimal(self._bar.volume, self._volume_decimals)


class TradeView(EventView):
    """A public trade."""

    __slots__ = ()
    _shown: tuple[str, ...] = ("symbol", "event_time", "price", "quantity", "aggressor", "seq_id")

    @property
    def _trade(self) -> Trade:
        assert isinstance(self._event.payload, Trade)
        return self._event.payload

    @property
    def price(self) -> float:
        """Price."""
        return to_float(self._trade.price, self._declared.price_decimals)

    @property
    def quantity(self) -> float:
        """Quantity."""
        return to_float(self._trade.quantity, self._declared.quantity_decimals)

    @property
    def price_exact(self) -> Decimal:
        """Price, exact."""
        return _decimal(self._trade.price, self._declared.price_decimals)

    @property
    def quantity_exact(self) -> Decimal:
        """Quantity, exact."""
        return _decimal(self._trade.quantity, self._declared.quantity_decimals)

    @property
    def aggressor(self) -> str:
        """Who crossed the spread: "buy", "sell" or ""."""
        return ("", "buy", "sell")[self._trade.aggressor]

    @property
    def _declared(self) -> Instrument:
        assert self._instrument is not None
        return self._instrument


class QuoteView(EventView):
    """Best bid and ask."""

    __slots__ = ()
    _shown: tuple[str, ...] = ("symbol", "event_time", "bid", "bid_quantity", "ask", "ask_quantity", "seq_id")

    @property
    def _quote(self) -> Quote:
        assert isinstance(self._event.payload, Quote)
        return self._event.payload

    @property
    def _declared(self) -> Instrument:
        assert self._instrument is not None
        return self._instrument

    @property
    def bid(self) -> float:
        """Best bid."""
        return to_float(self._quote.bid_price, self._declared.price_decimals)

    @property
    def ask(self) -> float:
        """Best ask."""
        return to_float(self._quote.ask_price, self._declared.price_decimals)

    @property
    def bid_quantity(self) -> float:
        """Quantity at the bid."""
        return to_float(self._quote.bid_quantity, self._declared.quantity_decimals)

    @property
    def ask_quantity(self) -> float:
        """Quantity at the ask."""
        return to_float(self._quote.ask_quantity, self._declared.quantity_decimals)

    @property
    def bid_exact(self) -> Decimal:
        """Best bid, exact."""
        return _decimal(self._quote.bid_price, self._declared.price_decimals)

    @property
    def ask_exact(self) -> Decimal:
        """Best ask, exact."""
        return _decimal(self._quote.ask_price, self._declared.price_decimals)


class OrderView(Frozen):
    """An order as it was when it was asked for."""

    __slots__ = ("_facts", "_instrument")
    _shown: tuple[str, ...] = (
        "number",
        "symbol",
        "side",
        "order_type",
        "quantity",
        "limit_price",
        "status",
        "filled_quantity",
        "code",
    )
    _facts: OrderFacts
    _instrument: Instrument | None

    def __init__(self, facts: OrderFacts, instrument: Instrument | None) -> None:
        object.__setattr__(self, "_facts", facts)
        object.__setattr__(self, "_instrument", instrument)

    @property
    def id(self) -> OrderId:
        """The id that the helper returned."""
        return OrderId(self._facts.strategy, self._facts.seq, self._facts.index)

    @property
    def number(self) -> int:
        """The order's number in messages and results."""
        return self._facts.ordinal

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self._instrument.name if self._instrument is not None else ""

    @property
    def side(self) -> str:
        """ "buy" or "sell"."""
        return Side(self._facts.side).name.lower() if self._facts.side <= 1 else str(self._facts.side)

    @property
    def order_type(self) -> str:
        """ "market", "limit", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit" or "market_on_close"."""
        kind = self._facts.order_type
        return OrderType(kind).name.lower() if kind <= max(OrderType) else str(kind)

    @property
    def time_in_force(self) -> str:
        """ "GTC", "IOC", "FOK", "GTD" or "DAY"."""
        kind = self._facts.time_in_force
        return TimeInForce(kind).name if kind <= max(TimeInForce) else str(kind)

    @property
    def status(self) -> str:
        """The displayed status, such as "Accepted" or "PartiallyFilled"."""
        return STATUS_NAMES[self._facts.status]

    @property
    def is_open(self) -> bool:
        """Whether the order is, or may be, at the venue."""
        return Status.CREATED < self._facts.status < Status.FILLED

    @property
    def in_doubt(self) -> bool:
        """Whether the outcome of its submission is unknown."""
        return self._facts.in_doubt

    @property
    def quantity(self) -> float:
        """Total quantity."""
        return self._quantity(self._facts.quantity)

    @property
    def filled_quantity(self) -> float:
        """Filled, less busts."""
        return self._quantity(self._facts.filled_quantity)

    @property
    def remaining_quantity(self) -> float:
        """What can still fill."""
        return self._quantity(self._facts.remaining_quantity)

    @property
    def limit_price(self) -> float | None:
        """Limit price, None where the type has none."""
        return self._price(self._facts.limit_price)

    @property
    def stop_price(self) -> float | None:
        """Stop price, None where the type has none."""
        return self._price(self._facts.stop_price)

    @property
    def expire_time(self) -> int | None:
        """When a GTD order ends, ns; None for every other."""
        return None if self._facts.expire_time == NONE_PRICE else self._facts.expire_time

    @property
    def post_only(self) -> bool:
        """Whether it never takes."""
        return self._facts.post_only

    @property
    def reduce_only(self) -> bool:
        """Whether it never opens or flips a position."""
        return self._facts.reduce_only

    @property
    def parent(self) -> int:
        """Number of the entry whose exit it is, 0 for none."""
        return self._facts.parent

    @property
    def oco(self) -> int:
        """Number of the order that leads its one-cancels-other group, 0 for none."""
        return self._facts.oco

    @property
    def code(self) -> str:
        """Slug of the code that refused, rejected or ended it, "" for none."""
        return REJECTS[self._facts.code].slug if self._facts.code in REJECTS else ""

    def _quantity(self, mantissa: int) -> float:
        return to_float(mantissa, self._instrument.quantity_decimals if self._instrument else 0)

    def _price(self, mantissa: int) -> float | None:
        if mantissa == NONE_PRICE:
            return None
        return to_float(mantissa, self._instrument.price_decimals if self._instrument else 0)


class FillView(Frozen):
    """One execution of the strategy's order."""

    __slots__ = ("_event", "_fee_scale", "_instrument", "fee_currency", "order")
    _shown: tuple[str, ...] = ("order", "quantity", "price", "fee", "fee_currency", "liquidity", "event_time")
    _event: Event
    _fee_scale: int
    _instrument: Instrument
    fee_currency: str
    order: OrderView

    def __init__(
        self, event: Event, order: OrderView, instrument: Instrument, fee_currency: str, fee_scale: int
    ) -> None:
        put = object.__setattr__
        put(self, "_event", event)
        put(self, "_fee_scale", fee_scale)
        put(self, "_instrument", instrument)
        put(self, "fee_currency", fee_currency)
        put(self, "order", order)

    @property
    def _filled(self) -> Filled:
        assert isinstance(self._event.payload, Filled)
        return self._event.payload

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self._instrument.name

    @property
    def side(self) -> str:
        """ "buy" or "sell"."""
        return self.order.side

    @property
    def event_time(self) -> int:
        """When the venue filled it, ns."""
        return self._event.event_time

    @property
    def quantity(self) -> float:
        """Filled quantity."""
        return to_float(self._filled.quantity, self._instrument.quantity_decimals)

    @property
    def price(self) -> float:
        """Price."""
        return to_float(self._filled.price, self._instrument.price_decimals)

    @property
    def price_exact(self) -> Decimal:
        """Price, exact."""
        return _decimal(self._filled.price, self._instrument.price_decimals)

    @property
    def fee(self) -> float:
        """Fee in `fee_currency`; negative is a rebate."""
        return to_float(self._filled.fee, self._fee_scale)

    @property
    def liquidity(self) -> str:
        """ "maker" or "taker"."""
        return ("maker", "taker")[self._filled.liquidity]


class ReportView(EventView):
    """A report on one of the strategy's orders, as `on_event` sees it."""

    __slots__ = ("fill", "order", "status_changed")
    _shown: tuple[str, ...] = ("event_type", "order", "fill", "event_time", "seq_id")
    order: OrderView | None
    fill: FillView | None
    status_changed: bool

    def __init__(
        self,
        event: Event,
        instrument: Instrument | None,
        order: OrderView | None,
        fill: FillView | None,
        status_changed: bool,
    ) -> None:
        super().__init__(event, instrument)
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "fill", fill)
        object.__setattr__(self, "status_changed", status_changed)

    @property
    def refused_code(self) -> str:
        """Slug of the code that refused a cancel, replace or flag, "" for every other report."""
        return REJECTS[self._event.payload.code].slug if isinstance(self._event.payload, Refused) else ""


class TimerView(EventView):
    """A timer fired."""

    __slots__ = ()
    _shown: tuple[str, ...] = ("timer_id", "deadline", "seq_id")

    @property
    def timer_id(self) -> int:
        """The id that `set_timer` returned."""
        assert isinstance(self._event.payload, TimerFired)
        return self._event.payload.timer

    @property
    def deadline(self) -> int:
        """The time it was set to, ns."""
        assert isinstance(self._event.payload, TimerFired)
        return self._event.payload.deadline


class ControlView(EventView):
    """Any other event, as `on_event` sees it."""

    __slots__ = ()


class PositionView(Frozen):
    """A position: quantity is signed, long above 0; money is in the settlement currency."""

    __slots__ = ("_instrument", "_mark", "_position")
    _shown: tuple[str, ...] = ("symbol", "quantity", "average_price", "realized_pnl", "unrealized_pnl")
    _position: Position
    _instrument: Instrument
    _mark: int | None

    def __init__(self, position: Position, instrument: Instrument, mark: int | None) -> None:
        object.__setattr__(self, "_position", position)
        object.__setattr__(self, "_instrument", instrument)
        object.__setattr__(self, "_mark", mark)

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self._instrument.name

    @property
    def quantity(self) -> float:
        """Signed quantity."""
        return to_float(self._position.quantity, self._instrument.quantity_decimals)

    @property
    def quantity_exact(self) -> Decimal:
        """Signed quantity, exact."""
        return _decimal(self._position.quantity, self._instrument.quantity_decimals)

    @property
    def average_price(self) -> float | None:
        """Average price of what is open, from its open cost; None when flat or for inverse contracts at no cost."""
        return average_price(self._instrument, self._position.cost, self._position.quantity)

    @property
    def realized_pnl(self) -> float:
        """Realised profit before fees."""
        return to_float(self._position.realized_pnl, self._instrument.settlement_scale)

    @property
    def unrealized_pnl(self) -> float | None:
        """Profit of what is open at the last mark, before fees: its value less its cost. None before the first mark."""
        if self._mark is None:
            return None
        value = signed_value(self._instrument, self._position, self._mark)
        return to_float(value - self._position.cost, self._instrument.settlement_scale)

    @property
    def is_long(self) -> bool:
        """Whether the quantity is above 0."""
        return self._position.quantity > 0

    @property
    def is_short(self) -> bool:
        """Whether the quantity is below 0."""
        return self._position.quantity < 0

    def __bool__(self) -> bool:
        return self._position.quantity != 0


def average_price(instrument: Instrument, cost: int, quantity: int) -> float | None:
    """Price at which `quantity` is worth `cost`: cost / (q * m), or q * m / cost for inverse contracts. None when undefined."""
    contracts = abs(to_float(quantity, instrument.quantity_decimals)) * to_float(instrument.multiplier, 9)
    paid = abs(to_float(cost, instrument.settlement_scale))
    if contracts == 0.0 or (instrument.value_sign < 0 and paid == 0.0):
        return None
    return contracts / paid if instrument.value_sign < 0 else paid / contracts
