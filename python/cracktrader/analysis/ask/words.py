"""Values of a run as people read them: events, intents, verdicts, positions; prices, quantities and money with the decimals they were
declared with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.ask.fill_rules import FILL_RULES
from cracktrader.core.codec import Answer, Finding
from cracktrader.core.config import Config
from cracktrader.core.engine.facts import order_ordinal
from cracktrader.core.event import (
    EVENT_TYPES,
    BalanceStatement,
    Bar,
    Busted,
    Cancelled,
    CancelRejected,
    Denied,
    Event,
    Filled,
    Funding,
    InstrumentStatus,
    PositionStatement,
    Quote,
    Refused,
    Rejected,
    Replaced,
    ReplaceRejected,
    RiskFlagSet,
    Settled,
    Settlement,
    StrategyHalted,
    TimerFired,
    Trade,
    Transfer,
)
from cracktrader.core.fee import Liquidity
from cracktrader.core.indicator import NULL_SOURCE, RULES, BarField, Declaration, IndicatorKind
from cracktrader.core.intent import (
    NO_ORDER,
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
    TrailKind,
)
from cracktrader.core.order import Order
from cracktrader.core.portfolio import Position
from cracktrader.core.reject import REJECTS, RejectCode, Stage
from cracktrader.core.units import NONE_PRICE, NULL_INDEX, NULL_INSTRUMENT
from cracktrader.core.view import OrderFacts
from cracktrader.data.stamps import duration_text, time_text

if TYPE_CHECKING:
    from cracktrader.analysis.ask.playback import Named

CHECKS = ("schema", "capability", "risk", "legality")
"""What admission looks at, in this order."""
_AGGRESSORS = ("", ", the buyer aggressed", ", the seller aggressed")


def exact(mantissa: int, decimals: int) -> str:
    """A mantissa as a number, without a rounding."""
    whole, fraction = divmod(abs(mantissa), 10**decimals)
    tail = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{'-' if mantissa < 0 else ''}{whole:,}{'.' if tail else ''}{tail}"


def number(value: float) -> str:
    """A number that is not exact, such as an indicator's."""
    return f"{value:,.10g}"


class Words:
    """Values of one configuration."""

    def __init__(self, config: Config, timeframes: list[str]) -> None:
        self.config = config
        self.timeframes = [*timeframes, *[""] * (len(config.streams) - len(timeframes))]
        self._orders: dict[tuple[int, ...], tuple[int, int]] = {}
        """Number and instrument by name, as far as they were told."""

    def learn(self, orders: Iterable[Order | Named]) -> None:
        """Call these orders by their numbers from now on."""
        self._orders.update({one.id: (one.ordinal, one.instrument) for one in orders})

    def number_of(self, name: tuple[int, ...]) -> int | None:
        """An order's number, None where it is not known."""
        known = self._orders.get(name)
        return None if known is None else int(known[0])

    def order(self, name: OrderId) -> str:
        """An order's number; where it is not known who asked, in which step, at which place: "0:64:2"."""
        known = self._orders.get(name)
        return str(known[0]) if known else f"{name.strategy}:{name.seq}:{name.index}"

    # --- numbers

    def symbol(self, instrument: int) -> str:
        """What an instrument is called."""
        known = self.config.instruments
        return known[instrument].name if instrument < len(known) else f"instrument {instrument}"

    def strategy(self, strategy: int) -> str:
        """What a strategy is called; "nobody" owns what no strategy does."""
        known = self.config.strategies
        return known[strategy].name if strategy < len(known) else "nobody"

    def currency(self, currency: int) -> str:
        """What a currency is called."""
        known = self.config.currencies
        return known[currency].name if currency < len(known) else f"currency {currency}"

    def price(self, instrument: int, price: int) -> str:
        """A price."""
        if price == NONE_PRICE:
            return "none"
        return exact(price, self.config.instruments[instrument].price_decimals)

    def quantity(self, instrument: int, quantity: int) -> str:
        """A quantity."""
        known = self.config.instruments
        return exact(quantity, known[instrument].quantity_decimals if instrument < len(known) else 0)

    def money(self, currency: int, amount: int) -> str:
        """An amount, to the cent where it is a cent and more, with its currency."""
        scale = self.config.currencies[currency].scale
        cents = scale > 2 and abs(amount) >= 10 ** (scale - 2)
        text = f"{amount / 10**scale:,.2f}" if cents else exact(amount, scale)
        return f"{text} {self.currency(currency)}"

    def settled(self, instrument: int, amount: int) -> str:
        """An amount in an instrument's currency of settlement."""
        return self.money(self.config.instruments[instrument].settlement_currency, amount)

    def base(self, amount: int | None) -> str:
        """An amount in the base currency."""
        return "unknown" if amount is None else self.money(self.config.base_currency, amount)

    # --- events

    def event(self, event: Event) -> str:
        """What happened, with its values."""
        payload, at = event.payload, event.instrument
        told = f"{self.symbol(at)} " if at != NULL_INSTRUMENT else ""
        if isinstance(payload, Bar):
            timeframe = self.timeframes[payload.stream]
            named = zip(("open", "high", "low", "close"), payload[2:6], strict=True)
            prices = ", ".join(f"{name} {self.price(at, price)}" for name, price in named)
            volume = exact(payload.volume, self.config.streams[payload.stream].volume_decimals)
            return f"bar {timeframe}{' ' if timeframe else ''}{told}: {prices}, volume {volume}".replace(" :", ":")
        if isinstance(payload, Trade):
            size = self.quantity(at, payload.quantity)
            return f"trade {told}: {size} at {self.price(at, payload.price)}{_AGGRESSORS[payload.aggressor]}".replace(
                " :", ":"
            )
        if isinstance(payload, Quote):
            sides = ((payload.bid_price, payload.bid_quantity), (payload.ask_price, payload.ask_quantity))
            bid, ask = (f"{self.price(at, price)} x {self.quantity(at, size)}" for price, size in sides)
            return f"quote {told}: bid {bid}, ask {ask}".replace(" :", ":")
        return f"{event_name(event)} {told}{self._details(event)}".strip().replace(" ,", ",")

    def _details(self, event: Event) -> str:
        """What a report, a timer or a control event says."""
        payload, at = event.payload, event.instrument
        ordinal = order_ordinal(payload)
        order = "" if ordinal is None else f"order {ordinal}"
        if isinstance(payload, Filled):
            return f"{order}: {self.fill(payload, at)}"
        if isinstance(payload, Rejected | Cancelled | CancelRejected | ReplaceRejected):
            return f"{order}{self.reason(payload.reason, payload.text)}"
        if isinstance(payload, Replaced):
            return f"{order}: {self.terms(at, payload.quantity, payload.limit_price, payload.stop_price)}"
        if isinstance(payload, Busted | Settled):
            return f"{order}: fill {payload.fill_key}"
        if isinstance(payload, Denied):
            return f"{order}: {self.verdict(Finding(payload.code, payload.value, payload.limit), at)}"
        if isinstance(payload, Refused):
            verdict = self.verdict(Finding(payload.code, payload.value, payload.limit), at)
            return f"{self.strategy(payload.strategy)} intent {payload.intent_seq}:{payload.index}: {verdict}"
        if isinstance(payload, TimerFired):
            return f"{payload.timer} of {self.strategy(payload.strategy)}, due {time_text(payload.deadline)}"
        if order:
            return order
        return self._statement(event)

    def _statement(self, event: Event) -> str:
        payload, at = event.payload, event.instrument
        if isinstance(payload, BalanceStatement):
            return self.money(payload.currency, payload.total)
        if isinstance(payload, PositionStatement):
            return self.quantity(at, payload.quantity)
        if isinstance(payload, Transfer):
            return (
                self.money(payload.currency, payload.amount)
                if at == NULL_INSTRUMENT
                else self.quantity(at, payload.quantity)
            )
        if isinstance(payload, Funding):
            return self.money(payload.currency, payload.amount)
        if isinstance(payload, Settlement):
            return f"at {self.price(at, payload.price)}"
        if isinstance(payload, RiskFlagSet):
            whose = "the engine" if payload.strategy == NULL_INDEX else self.strategy(payload.strategy)
            return f"{flag_name(payload.flag)} {'on' if payload.on else 'off'} for {whose}"
        if isinstance(payload, StrategyHalted):
            return self.strategy(payload.strategy)
        if isinstance(payload, InstrumentStatus):
            return "frozen" if payload.frozen else "open again"
        return ""

    def fill(self, fill: Filled, instrument: int) -> str:
        """A fill: how much, at what, what it cost."""
        size, price = self.quantity(instrument, fill.quantity), self.price(instrument, fill.price)
        liquidity = _member(Liquidity, fill.liquidity)
        return f"{size} at {price} as {liquidity}, fee {self.money(fill.fee_currency, fill.fee)}"

    def reason(self, code: int, text: str) -> str:
        """Why a venue ended or refused something, ": " first; nothing where it says nothing."""
        if code in REJECTS:
            found = REJECTS[code]
            return f": {found.slug}: {found.message}" + (f" ({text})" if text else "")
        return f": {text or f'reason {code}'}" if code or text else ""

    # --- intents and verdicts

    def intent(self, intent: Intent) -> str:
        """What a strategy asked for."""
        if isinstance(intent, PlaceOrder):
            return self._place(intent)
        if isinstance(intent, CancelOrder):
            return f"cancel order {self.order(intent.order)}"
        if isinstance(intent, ReplaceOrder):
            return f"replace order {self.order(intent.order)}: {self.terms(self.instrument_of(intent), *intent[1:])}"
        if isinstance(intent, SetRiskFlag):
            return f"{'set' if intent.on else 'clear'} the risk flag {flag_name(intent.flag)}"
        return "no-op"

    def instrument_of(self, intent: Intent) -> int:
        """The instrument that an intent is about, null where it is not known."""
        if isinstance(intent, PlaceOrder):
            return intent.instrument
        if isinstance(intent, CancelOrder | ReplaceOrder):
            return self._orders.get(intent.order, (0, NULL_INSTRUMENT))[1]
        return NULL_INSTRUMENT

    def _place(self, place: PlaceOrder) -> str:
        words = [self.order_terms(place)]
        words += [
            f"{name} order {self.order(one)}"
            for name, one in (("after", place.parent), ("one-cancels-other with", place.oco))
            if one != NO_ORDER
        ]
        return ", ".join(words)

    def order_terms(self, order: PlaceOrder | Order | OrderFacts) -> str:
        """Such as "buy 1 BTC limit 101.5 IOC"; what is no instrument of the run stays numbers."""
        at = order.instrument
        if at >= len(self.config.instruments):
            return f"{_member(Side, order.side)} {order.quantity} of instrument {at}, which is not declared"
        words = [
            _member(Side, order.side),
            self.quantity(at, order.quantity),
            self.symbol(at),
        ]
        if order.order_type not in (OrderType.LIMIT, OrderType.STOP):
            words.append(_member(OrderType, order.order_type).replace("_", " "))
        words += [
            f"{name} {self.price(at, price)}"
            for name, price in (("limit", order.limit_price), ("stop", order.stop_price))
            if price != NONE_PRICE
        ]
        if order.trail_offset != NONE_PRICE:
            words.append(f"trailing by {self._trail(order)}")
        if order.time_in_force:
            words.append(_member(TimeInForce, order.time_in_force).upper())
        if order.expire_time != NONE_PRICE:
            words.append(f"until {time_text(order.expire_time)}")
        words += [name.replace("_", "-") for name in ("post_only", "reduce_only") if getattr(order, name)]
        return " ".join(words)

    def _trail(self, order: PlaceOrder | Order | OrderFacts) -> str:
        if order.trail_kind == TrailKind.PRICE:
            return self.price(order.instrument, order.trail_offset)
        return f"{order.trail_offset} {'ticks' if order.trail_kind == TrailKind.TICKS else 'bps'}"

    def terms(self, instrument: int, quantity: int, limit: int, stop: int) -> str:
        """New terms of an order."""
        if instrument >= len(self.config.instruments):
            return f"quantity {quantity}, limit {limit}, stop {stop} (mantissas)".replace(str(NONE_PRICE), "none")
        words = [f"quantity {self.quantity(instrument, quantity)}"]
        words += [
            f"{name} {self.price(instrument, price)}"
            for name, price in (("limit", limit), ("stop", stop))
            if price != NONE_PRICE
        ]
        return ", ".join(words)

    def verdict(self, finding: Finding, instrument: int) -> str:
        """A refusal in words: the code, what it found with its values, and what to do; "passed" without one."""
        if not finding.code:
            return "passed"
        found = REJECTS[finding.code]
        return f"{found.slug}: {self.message(finding, instrument)}; {found.remedy}"

    def message(self, finding: Finding, instrument: int) -> str:
        """What a check found, its values in the units of what it compares."""
        value, limit = (self._valued(finding.code, which, instrument, one) for which, one in enumerate(finding[1:]))
        text = REJECTS[finding.code].message
        # An instrument or a currency goes by its name.
        for what in ("instrument", "currency"):
            if f"{what} {{value}}" in text and not value.isdigit():
                text = text.replace(f"{what} {{value}}", "{value}")
        return text.format(value=value, limit=limit)

    def _valued(self, code: int, which: int, instrument: int, value: int) -> str:
        unit = _UNITS.get(code, ("", ""))[which]
        known = instrument < len(self.config.instruments)
        if unit == "base":
            return self.base(value)
        if unit == "time":
            return time_text(value) if value != NONE_PRICE else "none"
        if unit == "type":
            return _member(OrderType, value)
        if unit == "force":
            return _member(TimeInForce, value).upper()
        if unit == "stop":
            return REJECTS[value].slug if value in REJECTS else str(value)
        if unit == "symbol":
            return self.symbol(value)
        if unit == "currency":
            return self.currency(value)
        if unit == "quantity" and known:
            return self.quantity(instrument, value)
        if unit == "price" and known:
            return self.price(instrument, value)
        return self.settled(instrument, value) if unit == "settled" and known else str(value)

    def checks(self, finding: Finding) -> list[tuple[str, str]]:
        """Each check of admission with its outcome: "passed", "refused", or "not reached"."""
        if not finding.code:
            return [(name, "passed") for name in CHECKS]
        stage = REJECTS[finding.code].stage
        return [
            (
                name,
                "passed"
                if Stage[name.upper()] < stage
                else "refused"
                if Stage[name.upper()] == stage
                else "not reached",
            )
            for name in CHECKS
        ]

    def answer(self, answer: Answer) -> list[str]:
        """What a strategy answered, a line each; refusals with their reason."""
        told = [f"raised {answer.error}"] if answer.error else []
        told += [f"declared {self.declared(one)}" for one in answer.declarations]
        for intent, finding in answer.intents:
            at = self.instrument_of(intent)
            told.append(self.intent(intent) + (f" - refused: {self.verdict(finding, at)}" if finding.code else ""))
        told += [
            f"timer {timer.timer} "
            + ("cancelled" if timer.deadline == NONE_PRICE else f"at {time_text(timer.deadline)}")
            for timer in answer.timers
        ]
        return told or ["nothing but random numbers"]

    # --- what is held

    def position(self, position: Position, instrument: int) -> str:
        """How much, at what average, and what was realised."""
        if not position.quantity:
            return "flat"
        average = self.average(position, instrument)
        return f"{self.quantity(instrument, position.quantity)}" + (
            f" at {number(average)}" if average is not None else ""
        )

    def average(self, position: Position, instrument: int) -> float | None:
        """Price at which what is open is worth its cost."""
        from cracktrader.strategy.views import average_price

        return average_price(self.config.instruments[instrument], position.cost, position.quantity)

    def declared(self, declaration: Declaration, sources: list[Declaration] | None = None) -> str:
        """An indicator such as "SMA(10)" or "Bollinger(20, 2) of high on BTC 5m"."""
        rule = RULES[IndicatorKind(declaration.kind)]
        values = [
            duration_text(value)
            if name.name == "every" and value
            else number(value / 1e9)
            if name.name in _RATES
            else str(value)
            for name, value in zip(rule.parameters, declaration.parameters, strict=False)
        ]
        kind = IndicatorKind(declaration.kind)
        text = f"{_KIND_NAMES.get(kind, kind.name)}({', '.join(values)})"
        if declaration.source != NULL_SOURCE:
            of = "another" if sources is None else self.declared(sources[declaration.source], sources)
            return f"{text} of {of}"
        if not rule.reads_bars and declaration.bar_field != BarField.CLOSE:
            text += f" of {BarField(declaration.bar_field).name.lower()}"
        if len(self.config.streams) == 1:
            return text
        stream = self.config.streams[declaration.stream]
        return f"{text} on {self.symbol(stream.instrument)} {self.timeframes[declaration.stream]}".rstrip()


def event_name(event: Event) -> str:
    """The type of an event in words: "filled", "cancel rejected"."""
    return EVENT_TYPES[type(event.payload)].name.lower().replace("_", " ")


def fill_rule(rule: int) -> str:
    """A row of the fill table in words; nothing for a venue outside."""
    found = FILL_RULES.get(rule)
    return "" if found is None else f"rule {rule} {found.name}: {found.when}, at {found.price}"


def flag_name(flag: int) -> str:
    """A risk flag in words."""
    return _member(RiskFlag, flag).replace("_", " ")


def span_text(nanoseconds: int) -> str:
    """How much later something is: "1d 2h", "3.5ms"."""
    if nanoseconds < 1_000_000_000:
        return "0s" if not nanoseconds else f"{nanoseconds / 1e6:g}ms"
    parts, seconds = [], nanoseconds / 1e9
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, seconds = divmod(seconds, size)
        parts += [f"{int(count)}{unit}"] if count else []
    return " ".join([*parts, *([f"{seconds:g}s"] if seconds or not parts else [])])


def _member(kind: Any, value: int) -> str:
    try:
        return str(kind(value).name.lower())
    except ValueError:
        return str(value)


_KIND_NAMES = {
    IndicatorKind.BOLLINGER: "Bollinger",
    IndicatorKind.STOCHASTIC: "Stochastic",
    IndicatorKind.DONCHIAN: "Donchian",
    IndicatorKind.STDDEV: "StdDev",
    IndicatorKind.ANCHORED_VWAP: "AnchoredVWAP",
    IndicatorKind.HIGHEST: "Highest",
    IndicatorKind.LOWEST: "Lowest",
    IndicatorKind.KELTNER: "Keltner",
    IndicatorKind.SUPERTREND: "SuperTrend",
    IndicatorKind.LINEAR_REGRESSION: "LinearRegression",
}
_RATES = ("deviations", "multiplier", "step", "maximum")
_UNITS: dict[int, tuple[str, str]] = {
    RejectCode.E_QUANTITY: ("quantity", "quantity"),
    RejectCode.E_LOT: ("quantity", "quantity"),
    RejectCode.E_PRICE_MISSING: ("", "type"),
    RejectCode.E_PRICE_UNEXPECTED: ("price", "type"),
    RejectCode.E_PRICE: ("price", "price"),
    RejectCode.E_TICK: ("price", "price"),
    RejectCode.E_EXPIRE_TIME: ("time", "time"),
    RejectCode.E_ORDER_TYPE: ("type", ""),
    RejectCode.E_TIME_IN_FORCE: ("force", ""),
    RejectCode.E_STOPPED: ("stop", ""),
    RejectCode.E_FROZEN: ("symbol", ""),
    RejectCode.E_REDUCE_ONLY_MODE: ("quantity", "quantity"),
    RejectCode.E_ORDER_QUANTITY: ("quantity", "quantity"),
    RejectCode.E_RANGE: ("quantity", ""),
    RejectCode.E_NO_MARK: ("symbol", ""),
    RejectCode.E_NO_RATE: ("currency", ""),
    RejectCode.E_ORDER_NOTIONAL: ("base", "base"),
    RejectCode.E_POSITION: ("quantity", "quantity"),
    RejectCode.E_PRICE_COLLAR: ("price", "price"),
    RejectCode.E_DAILY_LOSS: ("base", "base"),
    RejectCode.E_SHORT: ("quantity", "quantity"),
    RejectCode.E_CASH: ("settled", "settled"),
    RejectCode.E_MARGIN: ("base", "base"),
    RejectCode.E_MAINTENANCE: ("base", "base"),
    RejectCode.E_REPLACE_FILLED: ("quantity", "quantity"),
}
"""What the two values of a refusal are, where they are not plain numbers."""
