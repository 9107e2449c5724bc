"""`StrategyContext`: what a strategy asks and orders through. Helpers record intents and return the order's id at once.

Prices and sizes become mantissas here and nowhere else, the same for both cores. The context is live only during its callback.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cracktrader.core.codec import TimerRequest
from cracktrader.core.config import Config, DataKind
from cracktrader.core.indicator import Indicator, to_float
from cracktrader.core.intent import (
    CancelOrder,
    Intent,
    OrderId,
    OrderType,
    PlaceOrder,
    ReplaceOrder,
    RiskFlag,
    SetRiskFlag,
    Side,
    TimeInForce,
)
from cracktrader.core.units import NONE_PRICE
from cracktrader.errors import ConfigError, IntentError, StaleView
from cracktrader.strategy.history import History
from cracktrader.strategy.indicators import FIELDS, Declared
from cracktrader.strategy.sizing import (
    affordable,
    nanoseconds,
    order_id_of,
    price_mantissa,
    quantity_mantissa,
    signed_mantissa,
    time_in_force_of,
)
from cracktrader.strategy.views import IndicatorView, OrderView, PositionView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.core.view import View


class Random:
    """The strategy's only source of chance: draws are counted in the run's state, so that a replay draws the same."""

    __slots__ = ("_context",)

    def __init__(self, context: StrategyContext) -> None:
        self._context = context

    def below(self, bound: int) -> int:
        """An integer in 0..bound-1."""
        if not 1 <= bound < 2**64:
            raise IntentError(f"random.below needs a bound in 1..2**64-1, not {bound!r}")
        return self._context._ask().below(self._context.strategy_index, bound)

    def random(self) -> float:
        """A float in [0, 1), of 53 bits."""
        return float(self._context._ask().draw(self._context.strategy_index) >> 11) / float(2**53)


@dataclass(slots=True)
class StrategyContext:
    """The engine as one strategy sees it."""

    config: Config
    strategy_index: int
    view: View | Any
    """The core's view; asked only while it is active."""
    bars: History
    intents: list[Intent] = field(default_factory=list)
    timers: list[TimerRequest] = field(default_factory=list)
    declared: list[IndicatorView] = field(default_factory=list)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self)

    # Asking

    def _ask(self) -> View | Any:
        if not self.view.active:
            raise StaleView("the context is live only inside a callback: keep the values it returned, not the context")
        return self.view

    @property
    def now(self) -> int:
        """The event clock: nanoseconds since the Unix epoch, UTC."""
        now: int = self._ask().now()
        return now

    @property
    def time(self) -> datetime:
        """The event clock as a datetime in UTC, cut to microseconds."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now // 1000)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the declared instruments."""
        return tuple(instrument.name for instrument in self.config.instruments)

    @property
    def equity(self) -> float:
        """Cash and positions of the run in base currency; NaN while a position has no price."""
        return self._base_float(self._ask().equity())

    @property
    def cash(self) -> float:
        """Cash of the run in base currency."""
        return self._base_float(self._ask().cash())

    @property
    def warm(self) -> bool:
        """Whether every declared indicator is warm."""
        self._ask()
        return all(indicator.warm for indicator in self.declared)

    def position(self, symbol: str | None = None) -> PositionView:
        """The strategy's own position."""
        index = self._instrument_index(symbol)
        held = self._ask().position(self.strategy_index, index)
        return PositionView(held, self.config.instruments[index])

    def account_position(self, symbol: str | None = None) -> PositionView:
        """The account's position: all strategies and transfers together."""
        index = self._instrument_index(symbol)
        return PositionView(self._ask().account_position(index), self.config.instruments[index])

    def orders(self, symbol: str | None = None) -> list[OrderView]:
        """The strategy's open orders, oldest first; of one instrument when a symbol is given."""
        index = None if symbol is None else self._instrument_index(symbol)
        facts = self._ask().orders(self.strategy_index)
        return [
            OrderView(one, self.config.instruments[one.instrument])
            for one in facts
            if index is None or one.instrument == index
        ]

    def order(self, order_id: OrderId) -> OrderView | None:
        """An order by its id; None once it is archived."""
        facts = self._ask().order(*order_id)
        if facts is None:
            return None
        known = facts.instrument < len(self.config.instruments)
        return OrderView(facts, self.config.instruments[facts.instrument] if known else None)

    def history(
        self, field: str = "close", count: int | None = None, symbol: str | None = None
    ) -> NDArray[np.float64 | np.int64]:
        """The last `count` values of a field of the instrument's bars, the bar under way included, oldest first: a read-only numpy view.

        Shorter while fewer bars were delivered; all of them without `count`. Fields: open, high, low, close, volume (float64);
        open_time, close_time (int64, ns).
        """
        if count is not None and (count < 1 or count % 1):
            raise IntentError(f"history: count is a whole number of bars above 0, not {count!r}")
        stream = self._bar_stream(symbol)
        return self.bars.last(stream, field, self._ask().delivered(stream), None if count is None else int(count))

    def mark(self, symbol: str | None = None) -> float | None:
        """The last price shown; None before the first."""
        index = self._instrument_index(symbol)
        mark = self._ask().mark(index)
        return None if mark is None else to_float(mark, self.config.instruments[index].price_decimals)

    # Declaring

    def indicator(self, declared: Declared, symbol: str | None = None) -> IndicatorView:
        """Bind an indicator to an instrument's bars; only in on_start."""
        if not isinstance(declared, Declared):
            raise ConfigError(f"ctx.indicator takes a declaration such as ct.SMA(10), not {declared!r}")
        if declared.field not in FIELDS:
            raise ConfigError(f"a bar has no field {declared.field!r}; it has: {', '.join(FIELDS)}")
        stream = self._bar_stream(symbol)
        try:
            index = self._ask().declare(
                self.strategy_index, int(declared.kind), declared.period, stream, int(FIELDS[declared.field])
            )
        except ValueError as error:
            raise ConfigError(f"{declared!r}: {error}") from error
        bound = self.view.indicator(index)
        view: IndicatorView = IndicatorView(bound) if isinstance(bound, Indicator) else bound
        self.declared.append(view)
        return view

    def set_timer(self, *, at: int | datetime | None = None, after: int | timedelta | None = None) -> int:
        """Call `on_timer` at a time (ns or an aware datetime) or after a while (ns or a timedelta). Returns the timer's id."""
        if (at is None) == (after is None):
            raise IntentError("set_timer takes either at= or after=")
        deadline = nanoseconds(at) if at is not None else self.now + nanoseconds(after)
        if not -(2**63) < deadline < 2**63:
            raise IntentError(f"timer deadline {deadline} does not fit nanoseconds")
        timer: int = self._ask().next_timer(self.strategy_index)
        self.timers.append(TimerRequest(timer, deadline))
        return timer

    def cancel_timer(self, timer_id: int) -> None:
        """Forget a timer."""
        self._ask()
        self.timers.append(TimerRequest(timer_id, NONE_PRICE))

    # Ordering

    def buy(self, quantity: float | None = None, **terms: Any) -> OrderId:
        """Place a buy order; see `place`."""
        return self.place(Side.BUY, quantity, **terms)

    def sell(self, quantity: float | None = None, **terms: Any) -> OrderId:
        """Place a sell order; see `place`."""
        return self.place(Side.SELL, quantity, **terms)

    def place(
        self,
        side: Side,
        quantity: float | None = None,
        *,
        percent: float | None = None,
        cash: float | None = None,
        symbol: str | None = None,
        limit: float | None = None,
        stop: float | None = None,
        time_in_force: str = "GTC",
        expire_time: int | datetime | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> OrderId:
        """Record an order: market, or by `limit` and `stop`. Size is a `quantity`, a `percent` of equity (1.0 is all of it) or an amount
        of `cash`, fee included. Prices snap to the tick, else round towards passive; sizes round down to the lot. Returns the order's id;
        whether it is admitted is told by its reports.
        """
        index = self._instrument_index(symbol)
        instrument = self.config.instruments[index]
        if sum(given is not None for given in (quantity, percent, cash)) != 1:
            raise IntentError("size an order by one of quantity, percent or cash")
        size = (
            affordable(self._ask(), self.config, index, percent, cash, limit)
            if quantity is None
            else quantity_mantissa(instrument, quantity)
        )
        kinds = {
            (False, False): OrderType.MARKET,
            (True, False): OrderType.LIMIT,
            (False, True): OrderType.STOP,
            (True, True): OrderType.STOP_LIMIT,
        }
        place = PlaceOrder(
            index,
            int(side),
            int(kinds[limit is not None, stop is not None]),
            int(time_in_force_of(time_in_force)),
            size,
            NONE_PRICE if limit is None else price_mantissa(instrument, side, limit),
            NONE_PRICE if stop is None else price_mantissa(instrument, Side(1 - side), stop),
            NONE_PRICE if expire_time is None else nanoseconds(expire_time),
            post_only,
            reduce_only,
        )
        return self._record(place)

    def target(
        self, quantity: float | None = None, *, percent: float | None = None, symbol: str | None = None
    ) -> OrderId | None:
        """Trade by market order to a signed own position of `quantity`, or of `percent` of equity at the last mark. Own market orders
        under way and this callback's own count, resting limits do not. None when already there."""
        index = self._instrument_index(symbol)
        instrument = self.config.instruments[index]
        if (quantity is None) == (percent is None):
            raise IntentError("target takes either a quantity or percent=")
        if quantity is not None:
            wanted = signed_mantissa(instrument, quantity)
        else:
            assert percent is not None
            magnitude = affordable(self._ask(), self.config, index, abs(percent), None, None)
            wanted = magnitude if percent > 0 else -magnitude
        change = wanted - self._expected(index)
        if change == 0:
            return None
        side = Side.BUY if change > 0 else Side.SELL
        market = PlaceOrder(index, int(side), int(OrderType.MARKET), int(TimeInForce.GTC), abs(change))
        return self._record(market)

    def close(self, symbol: str | None = None) -> OrderId | None:
        """Trade by market order to no own position; nothing when flat."""
        return self.target(0, symbol=symbol)

    def cancel(self, order_id: OrderId) -> None:
        """Ask to take back what is left of an order."""
        self._record(CancelOrder(order_id_of(order_id)))

    def replace(
        self, order_id: OrderId, *, quantity: float | None = None, limit: float | None = None, stop: float | None = None
    ) -> None:
        """Ask for a new total quantity or new prices; what is not given stays."""
        facts = self._ask().order(*order_id_of(order_id))
        if facts is None or facts.instrument >= len(self.config.instruments):
            raise IntentError(f"replace: there is no live order {order_id}")
        instrument, side = self.config.instruments[facts.instrument], Side(facts.side)
        self._record(
            ReplaceOrder(
                order_id,
                facts.quantity if quantity is None else quantity_mantissa(instrument, quantity),
                facts.limit_price if limit is None else price_mantissa(instrument, side, limit),
                facts.stop_price if stop is None else price_mantissa(instrument, Side(1 - side), stop),
            )
        )

    def set_risk_flag(self, flag: str) -> None:
        """Tighten one of the strategy's own flags: "kill_switch" or "reduce_only". Only an operator loosens."""
        names = {one.name.lower(): one for one in RiskFlag}
        if flag not in names:
            raise IntentError(f"there is no risk flag {flag!r}; there are: {', '.join(names)}")
        self._record(SetRiskFlag(int(names[flag]), True))

    # Inside

    def _record(self, intent: Intent) -> OrderId:
        seq = self._ask().seq()
        self.intents.append(intent)
        return OrderId(self.strategy_index, seq, len(self.intents) - 1)

    def _expected(self, index: int) -> int:
        """Own position once own market orders, those under way and those just recorded, have filled."""
        view = self._ask()
        expected: int = view.position(self.strategy_index, index).quantity
        expected += view.market_orders(self.strategy_index, index)
        for intent in self.intents:
            if isinstance(intent, PlaceOrder) and intent.instrument == index and intent.order_type == OrderType.MARKET:
                expected += intent.quantity if intent.side == Side.BUY else -intent.quantity
        return expected

    def _instrument_index(self, symbol: str | None) -> int:
        if symbol is None:
            if len(self.config.instruments) == 1:
                return 0
            raise IntentError(f"several instruments are declared: name one of {', '.join(self.symbols)}")
        for index, instrument in enumerate(self.config.instruments):
            if instrument.name == symbol:
                return index
        raise IntentError(f"instrument {symbol!r} is not declared; declared: {', '.join(self.symbols)}")

    def _bar_stream(self, symbol: str | None) -> int:
        instrument = self._instrument_index(symbol)
        for index, stream in enumerate(self.config.streams):
            if stream.instrument == instrument and stream.kind is DataKind.BAR:
                return index
        raise ConfigError(f"{self.config.instruments[instrument].name} has no bars to compute an indicator on")

    def _base_float(self, money: int | None) -> float:
        if money is None:
            return float("nan")
        return to_float(money, self.config.currencies[self.config.base_currency].scale)
