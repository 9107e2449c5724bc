"""`StrategyContext`: what a strategy asks and orders through. Helpers record intents and return the order's id at once.

Prices and sizes become mantissas here and nowhere else, the same for both cores. The context is live only during its callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from cracktrader.core.codec import TimerRequest
from cracktrader.core.config import Config, DataKind
from cracktrader.core.indicator import Declaration, to_float
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
from cracktrader.core.order import Status
from cracktrader.core.units import NONE_PRICE
from cracktrader.errors import ConfigError, IntentError, StaleView
from cracktrader.strategy.binding import bind, bind_own
from cracktrader.strategy.history import History
from cracktrader.strategy.indicator_views import IndicatorView, OwnIndicatorView
from cracktrader.strategy.indicators import Declared, Line
from cracktrader.strategy.sizing import (
    affordable,
    nanoseconds,
    order_id_of,
    price_mantissa,
    quantity_mantissa,
    risked,
    signed_mantissa,
)
from cracktrader.strategy.terms import OrderTerms, check_exits, exits, place_order
from cracktrader.strategy.views import OrderView, PositionView
from cracktrader.strategy.wake import Condition, wake

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


class Bracket(NamedTuple):
    """The ids of an entry and its exits."""

    entry: OrderId
    take_profit: OrderId
    stop_loss: OrderId


ORDER_KEYWORDS = (
    *("quantity", "percent", "cash", "risk", "symbol", "take_profit", "stop_loss"),
    *OrderTerms.__dataclass_fields__,
)
"""Everything that `place` takes by name."""


NO_FIELDS: tuple[str, ...] = ()
"""Slots of `StrategyContext`: the classes with room for its fields are those of `context_class`."""


@dataclass
class StrategyContext:
    """The engine as one strategy sees it."""

    __slots__ = NO_FIELDS

    config: Config
    strategy_index: int
    view: View | Any
    """The core's view; asked only while it is active."""
    bars: History
    timers: list[TimerRequest] = field(default_factory=list)
    declared: list[IndicatorView | OwnIndicatorView] = field(default_factory=list)
    """Every indicator that was bound."""
    repeating: dict[int, int] = field(default_factory=dict)
    """Timers that are set again when they fire: the interval in ns by id."""
    has_exits: bool = False
    """Whether an order with a parent was ever asked for."""
    timeframes: Sequence[str] = ()
    """What the bars of each stream are called."""
    declarations: list[tuple[Any, str, str]] = field(default_factory=list)
    """What was declared, in the order of `declared`, on which symbol and time frame; a source that was bound is its declaration again."""
    own: list[OwnIndicatorView] = field(default_factory=list)
    """Indicators written in Python, in the order in which they are updated."""
    bound: dict[Declaration, int] = field(default_factory=dict)
    """Index by what was declared: equal declarations are computed once."""
    unbound: dict[int, Declared] = field(default_factory=dict)
    """What was declared by index."""
    takes_bars: bool = True
    """Whether the strategy is called for bars, which indicators written in Python need."""
    sleeps: bool = False
    """Whether it said for which bars."""
    random: Random = field(init=False)
    _recorded: list[Intent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.random = Random(self)
        self._recorded = []

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
    def margin_used(self) -> float:
        """Initial margin of the worst positions that open orders can lead to, in base currency; NaN while a price or rate is missing."""
        margin = self._ask().margin()
        return self._base_float(None if margin is None else margin.initial)

    @property
    def maintenance_margin(self) -> float:
        """Maintenance margin of the positions, in base currency: with equity below it only reductions and cancels pass."""
        margin = self._ask().margin()
        return self._base_float(None if margin is None else margin.maintenance)

    @property
    def free_margin(self) -> float:
        """Equity above the margin used; below 0 when there is too little."""
        return self.equity - self.margin_used

    @property
    def below_maintenance(self) -> bool:
        """Whether equity is below the maintenance margin."""
        return 0 < self.maintenance_margin > self.equity

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
        return PositionView(held, self.config.instruments[index], self._ask().mark(index))

    def account_position(self, symbol: str | None = None) -> PositionView:
        """The account's position: all strategies and transfers together."""
        index = self._instrument_index(symbol)
        view = self._ask()
        return PositionView(view.account_position(index), self.config.instruments[index], view.mark(index))

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
        facts = self._ask().order(*order_id_of(order_id))
        if facts is None:
            return None
        known = facts.instrument < len(self.config.instruments)
        return OrderView(facts, self.config.instruments[facts.instrument] if known else None)

    def history(
        self,
        field: str = "close",
        count: int | None = None,
        symbol: str | None = None,
        timeframe: Any = None,
    ) -> NDArray[np.float64 | np.int64]:
        """The last `count` values of a field of the instrument's bars, the bar under way included, oldest first: a read-only numpy view.

        Shorter while fewer bars were delivered. Without `count` all of them; of a time frame that the core makes, the last 4,096. Fields:
        open, high, low, close, volume (float64); open_time, close_time (int64, ns).
        """
        if count is not None and (count < 1 or count % 1):
            raise IntentError(f"history: count is a whole number of bars above 0, not {count!r}")
        stream = self._bar_stream(symbol, timeframe)
        return self.bars.last(self._ask(), stream, field, None if count is None else int(count))

    def mark(self, symbol: str | None = None) -> float | None:
        """The last price shown; None before the first."""
        index = self._instrument_index(symbol)
        mark = self._ask().mark(index)
        return None if mark is None else to_float(mark, self.config.instruments[index].price_decimals)

    # Declaring

    @overload
    def indicator(
        self, declared: Declared | Line, symbol: str | None = None, timeframe: Any = None
    ) -> IndicatorView: ...

    @overload
    def indicator(
        self,
        declared: Any,
        symbol: str | None = None,
        timeframe: Any = None,
        *,
        field: Any = None,
        window: int | None = None,
        keep: int = 2,
    ) -> OwnIndicatorView: ...

    def indicator(
        self,
        declared: Any,
        symbol: str | None = None,
        timeframe: Any = None,
        *,
        field: Any = None,
        window: int | None = None,
        keep: int = 2,
    ) -> Any:
        """Bind an indicator to an instrument's bars; only in on_start. `timeframe` names which bars, as `bar.timeframe` does: "5m", or
        ct.TickBars(100); without it those that were given as data, or those of the bound indicator it is computed of.

        A declaration such as `ct.SMA(10)` is computed in the core. An object with `update(value)` and `value` is updated with a `field` of
        each closed bar (close unless named, "bar" for the bar itself, or another indicator), before `on_bar`. A function with `window=50`
        is called with the last 50 values as a read-only array, the oldest first. `keep` is how many values of those two can be read back.
        """
        if isinstance(declared, Declared | Line):
            if field is not None or window is not None:
                raise ConfigError(
                    f"{declared!r} has its own field and period: field= and window= are for indicators in Python"
                )
            bound = bind(self, declared, symbol, timeframe)
            declared = self.unbound[bound._index]
            view: IndicatorView | OwnIndicatorView = bound
        else:
            view = bind_own(self, declared, (symbol, timeframe), field, window, keep)
        self.declared.append(view)
        instrument = self.config.instruments[self.config.streams[view._stream].instrument]
        self.declarations.append((declared, instrument.name, self._timeframe(view._stream)))
        return view

    def wake(self, when: Condition, symbol: str | None = None, timeframe: Any = None) -> None:
        """Call `on_bar` only for bars on which a condition holds, which the core asks; only in on_start. See `ct.cross`, `ct.flips`,
        `ct.above` and `ct.every`.

        It is about the bars of one instrument and time frame: those that are named, else those of the condition's indicators. Bars of
        others come as ever, as does everything that is no bar: fills, orders, timers, trades, quotes. Of several conditions on the
        same bars one must hold. The run is to the byte the one of a strategy that is called on every bar and returns where none holds.
        """
        wake(self, when, symbol, timeframe)

    def set_timer(
        self,
        *,
        at: int | datetime | None = None,
        after: int | timedelta | None = None,
        every: int | timedelta | None = None,
    ) -> int:
        """Call `on_timer` at a time (ns or an aware datetime) or after a while (ns or a timedelta); with `every` again and again, first at
        `at`, after `after`, or one interval from now. Returns the timer's id, which `cancel_timer` takes."""
        if (at is not None and after is not None) or (at, after, every) == (None, None, None):
            raise IntentError("set_timer takes at= or after=, and every= to repeat")
        interval = None if every is None else nanoseconds(every)
        if interval is not None and interval <= 0:
            raise IntentError(f"set_timer: every is an interval above 0, not {every!r}")
        wait = interval if after is None else nanoseconds(after)
        deadline = nanoseconds(at) if at is not None else self.now + (wait or 0)
        if not -(2**63) < deadline < 2**63:
            raise IntentError(f"timer deadline {deadline} does not fit nanoseconds")
        timer: int = self._ask().next_timer(self.strategy_index)
        self.timers.append(TimerRequest(timer, deadline))
        if interval is not None:
            self.repeating[timer] = interval
        return timer

    def cancel_timer(self, timer_id: int) -> None:
        """Forget a timer."""
        self._ask()
        self.repeating.pop(timer_id, None)
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
        risk: float | None = None,
        symbol: str | None = None,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        **terms: Any,
    ) -> OrderId:
        """Record an order and return its id; whether it is admitted is told by its reports.

        Size: a `quantity`; a `percent` of equity (1.0 is all of it) or an amount of `cash`, fee included; or the share of equity (`risk`)
        that is lost when `stop_loss` is hit. Sizes round down to the lot.
        Type, by `terms`: none is a market order; `limit`, `stop`, or both; a trailing stop by the distance `trail` (a price),
        `trail_ticks` or `trail_bps`, with `stop` where it starts and `trail_limit` where its limit stands beyond the stop; `on_close`.
        Prices snap to the tick, else round towards passive.
        Other terms: `time_in_force` "GTC", "IOC", "FOK", "GTD", "DAY"; `expire_time` (ns or an aware datetime, makes it GTD); `post_only`;
        `reduce_only`; `parent`, the id of an entry whose exit it is; `oco`, the id of the order that leads its one-cancels-other group.
        `take_profit` and `stop_loss` attach exits: see `bracket`.
        """
        return self._place(side, quantity, (percent, cash, risk), symbol, (take_profit, stop_loss), terms)[0]

    def bracket(
        self, side: Side | str, quantity: float | None = None, *, take_profit: float, stop_loss: float, **terms: Any
    ) -> Bracket:
        """An entry with a take-profit and a stop-loss: `place`, with the ids of all three. The exits wait until the entry fills, sell at
        most what it bought, and one cancels the other."""
        chosen = side if isinstance(side, Side) else _side(side)
        size = tuple(terms.pop(name, None) for name in ("percent", "cash", "risk"))
        symbol = terms.pop("symbol", None)
        ids = self._place(chosen, quantity, size, symbol, (take_profit, stop_loss), terms)
        return Bracket(*ids)

    def _place(
        self,
        side: Side,
        quantity: float | None,
        sized: tuple[float | None, ...],
        symbol: str | None,
        exit_prices: tuple[float | None, float | None],
        terms: dict[str, Any],
    ) -> list[OrderId]:
        """Record an entry and its exits; their ids."""
        index = self._instrument_index(symbol)
        instrument = self.config.instruments[index]
        try:
            wanted = OrderTerms(**terms)
        except TypeError:
            unknown = ", ".join(sorted(terms.keys() - OrderTerms.__dataclass_fields__.keys()))
            raise IntentError(f"an order has no {unknown}; it has: {', '.join(ORDER_KEYWORDS)}") from None
        if exit_prices != (None, None):
            check_exits(side, self.mark(symbol) if wanted.entry is None else wanted.entry, *exit_prices)
        size = self._size(index, quantity, sized, wanted.entry, exit_prices[1])
        entry = place_order(instrument, index, side, size, wanted)
        self.has_exits |= exit_prices != (None, None) or wanted.parent is not None
        ids = [self._record(entry)]
        next_id = ids[0]._replace(index=ids[0].index + 1)
        ids += [self._record(one) for one in exits(instrument, entry, ids[0], next_id, exit_prices)]
        return ids

    def _size(
        self,
        index: int,
        quantity: float | None,
        sized: tuple[float | None, ...],
        entry: float | None,
        stop_loss: float | None,
    ) -> int:
        """The size as a mantissa, by the one way it was given."""
        percent, cash, risk = sized
        if sum(given is not None for given in (quantity, *sized)) != 1:
            raise IntentError("size an order by one of quantity, percent, cash or risk")
        if quantity is not None:
            return quantity_mantissa(self.config.instruments[index], quantity)
        if risk is None:
            return affordable(self._ask(), self.config, index, percent, cash, entry)
        if stop_loss is None:
            raise IntentError("risk= is what is lost at the stop: give stop_loss= as well")
        return risked(self._ask(), self.config, index, risk, (entry, stop_loss))

    def target(
        self, quantity: float | None = None, *, percent: float | None = None, symbol: str | None = None
    ) -> OrderId | None:
        """Trade by market order to a signed own position of `quantity`, or of `percent` of equity at the last mark. Own market orders
        under way and this callback's own count, resting limits do not. A target that closes or flips the position takes back its
        attached exits. None when already there."""
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
        expected = self._expected(index)
        change = wanted - expected
        if change == 0:
            return None
        if abs(change) >= 2**63:
            raise IntentError(f"the way from {expected} to {wanted} of {instrument.name} does not fit the number range")
        if self.has_exits and wanted * expected <= 0:
            self._take_back_exits(index)
        side = Side.BUY if change > 0 else Side.SELL
        market = PlaceOrder(index, int(side), int(OrderType.MARKET), int(TimeInForce.GTC), abs(change))
        return self._record(market)

    def close(self, symbol: str | None = None) -> OrderId | None:
        """Trade by market order to no own position, and take back its attached exits; nothing when flat."""
        return self.target(0, symbol=symbol)

    def cancel(self, order_id: OrderId) -> None:
        """Ask to take back what is left of an order."""
        self._record(CancelOrder(order_id_of(order_id)))

    def cancel_all(self, symbol: str | None = None) -> list[OrderId]:
        """Ask to take back all own open orders, of one instrument when a symbol is given; the ids of what is being cancelled."""
        asked = [order.id for order in self.orders(symbol) if order.status != "CancelPending"]
        for order_id in asked:
            self.cancel(order_id)
        return asked

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

    @property
    def intents(self) -> list[Intent]:
        """What was recorded in this callback, in order: a copy."""
        return list(self._recorded)

    def _record(self, intent: Intent) -> OrderId:
        seq = self._ask().seq()
        self._recorded.append(intent)
        return OrderId(self.strategy_index, seq, len(self._recorded) - 1)

    def _forget(self) -> None:
        """Begin the next callback with nothing recorded."""
        self._recorded.clear()

    def _take_back_exits(self, index: int) -> None:
        """Cancel the own exits of an instrument; one of a group ends the others."""
        groups = set()
        for facts in self._ask().orders(self.strategy_index):
            group = facts.oco or facts.ordinal
            if (
                facts.parent
                and facts.instrument == index
                and facts.status != Status.CANCEL_PENDING
                and group not in groups
            ):
                groups.add(group)
                self.cancel(OrderId(facts.strategy, facts.seq, facts.index))

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

    def _bar_stream(self, symbol: str | None, timeframe: Any) -> int:
        """The stream of an instrument's bars: the first one, or the one of a time frame."""
        instrument = self._instrument_index(symbol)
        name, known = self.config.instruments[instrument].name, []
        for index, stream in enumerate(self.config.streams):
            if stream.instrument == instrument and stream.kind is DataKind.BAR:
                if timeframe is None or self._timeframe(index) == str(timeframe):
                    return index
                known.append(self._timeframe(index))
        if timeframe is None:
            raise ConfigError(f"{name} has no bars: give the run timeframes, such as timeframes=['1m'], to make some")
        raise ConfigError(
            f"{name} has no bars of {str(timeframe)!r}; it has: {', '.join(filter(None, known)) or 'none'}. "
            "Name more in the run's timeframes"
        )

    def _timeframe(self, stream: int) -> str:
        return self.timeframes[stream] if stream < len(self.timeframes) else ""

    def _base_float(self, money: int | None) -> float:
        if money is None:
            return float("nan")
        return to_float(money, self.config.currencies[self.config.base_currency].scale)


@cache
def context_class(*quick: type) -> type[StrategyContext]:
    """`StrategyContext` with room for its fields. A core may have some of its methods in a quick form: they come first, behave the same,
    and keep the fields that they name themselves."""
    names = [name for name in StrategyContext.__dataclass_fields__ if not any(hasattr(one, name) for one in quick)]
    body = {"__slots__": tuple(names), "__module__": __name__, "__doc__": StrategyContext.__doc__}
    made: type[StrategyContext] = type("StrategyContext", (*quick, StrategyContext), body)
    return made


def _side(name: str) -> Side:
    try:
        return Side[name.upper()]
    except KeyError:
        raise IntentError(f'a side is "buy" or "sell", not {name!r}') from None
