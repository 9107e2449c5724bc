"""A golden trace in the core's own values: configuration, bars, pushed items, scripted answers.

A number in a trace is the raw integer of the codec; a text is in readable units: decimals at the instrument's or currency's scale, times
as `90s`, `3m` or sums of them, names for indexes and enumerations. Keys of a trace: `why`; `config`, over engine_defaults.json;
`bars`, `trades` and `quotes` by stream; `sessions` by venue; `schedule` by instrument; `push`, the items from outside; `answers`, what a
strategy says in its n-th callback with an event; `run_on`, to step on when stopped; `steps`, the expected columns; `end`, what is asked at
the end; `records_sha256`. Deliberately not here: running it (trace.py).
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from cracktrader.core import event as events
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import Capabilities, FillModel, Venue, bits
from cracktrader.core.codec import TimerRequest
from cracktrader.core.config import BarRule, Config, Conversion, DataKind, OnError, StrategyConfig, Stream
from cracktrader.core.event import BarRows, Event, EventType, QuoteRows, Rows, SessionRows, TradeRows, event
from cracktrader.core.indicator import MIN_KEEP, NULL_SOURCE, PARAMETERS, BarField, Declaration, IndicatorKind
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.intent import (
    CancelOrder,
    Intent,
    NoOp,
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
from cracktrader.core.reject import RejectCode
from cracktrader.core.risk import InstrumentLimit, RiskLimits
from cracktrader.core.schedule import Action, ScheduleRows
from cracktrader.core.units import NONE_PRICE, NULL_INDEX, NULL_INSTRUMENT

DEFAULTS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parent / "engine_defaults.json").read_text(encoding="utf-8")
)
UNITS = (("ns", 1), ("ms", 10**6), ("s", 10**9), ("m", 60 * 10**9), ("h", 3600 * 10**9), ("d", 86_400 * 10**9))
RATE_DECIMALS = 9
NUMBERS = "open high low close price limit_price stop_price bid_price ask_price limit_offset"
PRICES = frozenset(NUMBERS.split())
QUANTITIES = frozenset(("quantity", "bid_quantity", "ask_quantity"))
TIMES = frozenset(("open_time", "close_time", "deadline", "expire_time"))
ENUMS: dict[str, Any] = {
    "side": Side,
    "order_type": OrderType,
    "time_in_force": TimeInForce,
    "flag": RiskFlag,
    "trail_kind": TrailKind,
}
PAYLOAD_DEFAULTS: dict[str, Any] = {
    "text": "", "reason": 0, "liquidity": 1, "fee": 0, "rule": 0, "limit_price": None, "stop_price": None, "price": None,
    "quantity": 0, "amount": 0, "currency": 0, "aggressor": 0, "strategy": None, "stream": 0, "volume": 0,
    "bid_quantity": 1, "ask_quantity": 1, "on": True,
}  # fmt: skip


def moment(text: str | int) -> int:
    """Nanoseconds of `90s`, `3m+1ns` or a raw number."""
    if isinstance(text, int):
        return text
    total = 0
    for part in text.split("+"):
        unit, size = next((unit, size) for unit, size in UNITS if part.endswith(unit) and part[: -len(unit)].isdigit())
        total += int(part[: -len(unit)]) * size
    return total


def mantissa(text: str | int, decimals: int) -> int:
    """The mantissa of a decimal text, or a raw number."""
    if isinstance(text, int):
        return text
    scaled = Decimal(text).scaleb(decimals)
    assert scaled == int(scaled), f"{text} needs more than {decimals} decimals"
    return int(scaled)


def rate(text: str | int) -> int:
    """A rate at 1e-9."""
    return mantissa(text, RATE_DECIMALS)


class Story:
    """What a trace says."""

    def __init__(self, trace: dict[str, Any]) -> None:
        self.trace = trace
        self.declared = DEFAULTS["config"] | trace.get("config", {})
        self.currencies = list(self.declared["currencies"])
        self.venues = list(self.declared["venues"])
        self.accounts = list(self.declared["accounts"])
        self.instruments = list(self.declared["instruments"])
        self.strategies = list(self.declared["strategies"])
        self.config = self._config()

    # --- configuration

    def _config(self) -> Config:
        declared = self.declared
        scales = [(DEFAULTS["currency"] | one)["scale"] for one in declared["currencies"].values()]
        self._scales = scales
        return Config(
            currencies=tuple(Currency(name, scale) for name, scale in zip(self.currencies, scales, strict=True)),
            venues=tuple(self._venue(name, one) for name, one in declared["venues"].items()),
            accounts=tuple(self._account(name, one) for name, one in declared["accounts"].items()),
            instruments=tuple(self._instrument(name, one) for name, one in declared["instruments"].items()),
            streams=tuple(self._stream(DEFAULTS["stream"] | one) for one in declared["streams"]),
            strategies=tuple(self._strategy(name, one) for name, one in declared["strategies"].items()),
            base_currency=self.currencies.index(declared["base_currency"]),
            conversions=tuple(self._conversion(currency, given) for currency, given in declared["conversions"].items()),
            priorities=tuple(declared["priorities"]),
            on_error=OnError[declared["on_error"].upper()],
            recheck_every=1,
            seed=declared["seed"],
        )

    def _conversion(self, currency: str, given: str) -> Conversion:
        """By an instrument's name, else at a constant rate."""
        index = self.currencies.index(currency)
        if given in self.instruments:
            return Conversion(index, self.instruments.index(given))
        return Conversion(index, NULL_INSTRUMENT, rate(given))

    def _venue(self, name: str, given: dict[str, Any]) -> Venue:
        base = DEFAULTS["venue"] if given.get("simulated", True) else DEFAULTS["venue"] | DEFAULTS["outside"]
        one = base | given
        return Venue(
            name,
            one["simulated"],
            Capabilities(
                bits(*(OrderType[text.upper()] for text in one["order_types"])),
                bits(*(TimeInForce[text.upper()] for text in one["times_in_force"])),
                one["post_only"],
                one["reduce_only"],
                one["replace"],
                one["provisional_fills"],
                one["dense_keys"],
                moment(one["retention"]),
                one["groups"],
            ),
            FillModel[one["fill"].upper()],
            moment(one["submit_latency"]),
            moment(one["report_latency"]),
            moment(one.get("cancel_latency", one["submit_latency"])),
            moment(one.get("replace_latency", one["submit_latency"])),
            moment(one["latency_jitter"]),
            rate(one["participation"]),
            rate(one["slippage"]),
            one["slippage_ticks"],
            rate(one["spread"]),
            one["spread_ticks"],
            rate(one["touch_probability"]),
        )

    def _account(self, name: str, given: dict[str, Any]) -> Account:
        one = DEFAULTS["account"] | given
        deposits = tuple(Deposit(self.currencies.index(c), self._money(a, c)) for c, a in one["deposits"].items())
        return Account(name, self.venues.index(one["venue"]), AccountKind[one["kind"].upper()], deposits)

    def _instrument(self, name: str, given: dict[str, Any]) -> Instrument:
        one = DEFAULTS["instrument"] | given
        prices, quantities = one["price_decimals"], one["quantity_decimals"]
        settlement = self.currencies.index(one["settlement"])
        return Instrument(
            name,
            self.venues.index(one["venue"]),
            InstrumentKind[one["kind"].upper()],
            self.currencies.index(one["base"]),
            settlement,
            self._scales[settlement],
            prices,
            quantities,
            mantissa(one["tick"], prices),
            mantissa(one["lot"], quantities),
            mantissa(one["max_price"], prices),
            mantissa(one["max_quantity"], quantities),
            rate(one["multiplier"]),
            rate(one["initial_margin"]),
            rate(one["maintenance_margin"]),
            rate(one["maker_fee"]),
            rate(one["taker_fee"]),
        )

    def _stream(self, one: dict[str, Any]) -> Stream:
        kind = DataKind[one["kind"].upper()]
        instrument = self.instruments.index(one["instrument"])
        rule = BarRule[one.get("rule", "time").upper()]
        size, offset = one.get("size", 0), moment(one.get("offset", 0))
        return Stream(
            instrument,
            kind,
            one["matching"],
            one["volume_decimals"],
            moment(one["feed_latency"]),
            one.get("source", NULL_INDEX),
            rule,
            moment(size) if rule is BarRule.TIME else size,
            offset,
        )

    def _strategy(self, name: str, one: dict[str, Any]) -> StrategyConfig:
        limits = dict(one.get("limits", {}))
        places = [(self.instruments.index(name), given) for name, given in limits.pop("instruments", {}).items()]
        own = tuple(
            InstrumentLimit(
                index, *(self._quantity(given.get(k, 0), index) for k in ("max_order_quantity", "max_position"))
            )
            for index, given in places
        )
        for key in ("max_order_notional", "max_daily_loss"):
            if key in limits:
                limits[key] = self._money(limits[key], self.declared["base_currency"])
        if "window" in limits:
            limits["window_ns"] = moment(limits.pop("window"))
        if "price_collar" in limits:
            limits["price_collar"] = rate(limits["price_collar"])
        return StrategyConfig(name, limits=RiskLimits(**limits, instruments=own))

    def account_of(self, instrument: int) -> int:
        """The account that trades the instrument."""
        venue = self.venues[self.config.instruments[instrument].venue]
        named = [(DEFAULTS["account"] | one)["venue"] for one in self.declared["accounts"].values()]
        return named.index(venue)

    def strategy(self, name: str) -> int:
        """Index of a strategy; `nobody` owns what no strategy does."""
        return NULL_INDEX if name == "nobody" else self.strategies.index(name)

    def _money(self, text: str | int, currency: str) -> int:
        return mantissa(text, self._scales[self.currencies.index(currency)])

    def _quantity(self, text: str | int, instrument: int) -> int:
        name = self.instruments[instrument]
        given = DEFAULTS["instrument"] | self.declared["instruments"][name]
        return mantissa(text, given["quantity_decimals"])

    # --- items

    def rows(self) -> dict[int, Rows]:
        """Rows by stream: a bar is a text `open_time close_time open high low close [volume]`, a trade `time price quantity [aggressor]`, a
        quote `time bid ask [bid_quantity ask_quantity]`."""
        found: dict[int, Rows] = {}
        for name, bars in self.trace.get("bars", {}).items():
            stream = int(name)
            instrument = self.config.instruments[self.config.streams[stream].instrument]
            columns: list[list[int]] = [[] for _ in range(8)]
            for bar in bars:
                words = bar.split()
                prices = [mantissa(word, instrument.price_decimals) for word in words[2:6]]
                volume = int(words[6]) if len(words) > 6 else 0
                opened, closed = moment(words[0]), moment(words[1])
                for column, value in zip(columns, (opened, opened, closed, *prices, volume), strict=True):
                    column.append(value)
            found[stream] = BarRows(*columns)
        for key, kind, width in (("trades", TradeRows, 5), ("quotes", QuoteRows, 6)):
            for name, ticks in self.trace.get(key, {}).items():
                instrument = self.config.instruments[self.config.streams[int(name)].instrument]
                made = [self._tick(tick.split(), instrument, key) for tick in ticks]
                found[int(name)] = kind(*([row[place] for row in made] for place in range(width)))
        return found

    def _tick(self, words: list[str], instrument: Instrument, key: str) -> list[int]:
        time, prices, quantities = moment(words[0]), instrument.price_decimals, instrument.quantity_decimals
        if key == "trades":
            aggressor = int(words[3]) if len(words) > 3 else 0
            return [time, time, mantissa(words[1], prices), mantissa(words[2], quantities), aggressor]
        bid, ask = (mantissa(word, prices) for word in words[1:3])
        sizes = [mantissa(word, quantities) for word in words[3:5]] or [1, 1]
        return [time, time, bid, sizes[0], ask, sizes[1]]

    def sessions(self) -> dict[int, SessionRows]:
        """Sessions by venue: each a text `open_time close_time`."""
        found = {}
        for name, sessions in self.trace.get("sessions", {}).items():
            edges = [[moment(word) for word in session.split()] for session in sessions]
            found[self.venues.index(name)] = SessionRows(*([edge[place] for edge in edges] for place in range(2)))
        return found

    def schedule(self) -> dict[int, ScheduleRows]:
        """Schedules by instrument: each row a text `time action value`."""
        found = {}
        for name, given in self.trace.get("schedule", {}).items():
            instrument = self.instruments.index(name)
            decimals = self.config.instruments[instrument].price_decimals
            rows = []
            for text in given:
                time, word, value = text.split()
                action = Action[word.upper()]
                rows.append(
                    (moment(time), action, rate(value) if action is Action.FUNDING else mantissa(value, decimals))
                )
            found[instrument] = ScheduleRows(*(list(column) for column in zip(*rows, strict=True)))
        return found

    def pushed(self) -> list[Event]:
        """Items from outside, in their order."""
        return [self._item(item) for item in self.trace.get("push", [])]

    def _item(self, item: dict[str, Any]) -> Event:
        kind: Any = getattr(events, item["event"])
        code = events.EVENT_TYPES[kind]
        instrument = self._instrument_of(item, code)
        declared = self.config.instruments[instrument if instrument < len(self.instruments) else 0]
        is_report = EventType.ACCEPTED <= code <= EventType.SETTLEMENT
        venue = account = NULL_INDEX
        if is_report or code < EventType.ACCEPTED:
            venue = self._index(item.get("venue"), self.venues, declared.venue)
        if is_report:
            owner = next(index for index, one in enumerate(self.config.accounts) if one.venue == declared.venue)
            account = self._index(item.get("account"), self.accounts, owner)
        values = [self._value(name, item, declared) for name in kind._fields]
        return event(
            kind(*values),
            moment(item["at"]),
            event_time=moment(item.get("stamp", item["at"])),
            venue=venue,
            account=account,
            instrument=instrument,
            key=item.get("key", ""),
        )

    def _instrument_of(self, item: dict[str, Any], code: EventType) -> int:
        if "instrument" in item:
            return self._index(item["instrument"], self.instruments, NULL_INSTRUMENT)
        on_money = (EventType.BALANCE_STATEMENT, EventType.TRANSFER, EventType.FUNDING)
        return NULL_INSTRUMENT if code in on_money or code >= EventType.TIMER_FIRED else 0

    def _index(self, given: str | int | None, known: list[str], default: int) -> int:
        if given is None:
            return default
        return known.index(given) if isinstance(given, str) else given

    def _value(self, name: str, item: dict[str, Any], instrument: Instrument) -> Any:
        if name == "fee_currency":
            return self._index(item.get(name), self.currencies, instrument.settlement_currency)
        given = item[name] if name in item else PAYLOAD_DEFAULTS[name]
        if name in ("fee", "amount", "total"):
            key = "fee_currency" if name == "fee" else "currency"
            default = instrument.settlement_currency if name == "fee" else 0
            currency = self._index(item.get(key), self.currencies, default)
            return mantissa(given, self._scales[currency] if currency < len(self._scales) else 0)
        return self._field(name, given, instrument)

    def _field(self, name: str, given: Any, instrument: Instrument) -> Any:
        """One field of a payload or an intent."""
        if name in PRICES:
            return NONE_PRICE if given is None else mantissa(given, instrument.price_decimals)
        if name in QUANTITIES:
            return mantissa(given, instrument.quantity_decimals)
        if name in TIMES:
            return NONE_PRICE if given is None else moment(given)
        if name in ENUMS:
            return ENUMS[name][given.upper()] if isinstance(given, str) else given
        if name == "currency":
            return self._index(given, self.currencies, 0)
        if name == "strategy":
            return self._index(given, self.strategies, NULL_INDEX)
        if name in ("reason", "code"):
            return RejectCode[given] if isinstance(given, str) else given
        return given

    # --- answers

    def answer(self, strategy: int, name: str, count: int) -> dict[str, Any] | None:
        """What the strategy says in its n-th callback with the event; an answer without a count is given every time."""
        for answer in self.trace.get("answers", []):
            owner = self.strategies.index(answer.get("strategy", self.strategies[0]))
            if owner == strategy and answer["event"] == name and answer.get("count", count) == count:
                return self._with_declarations(answer)
        return None

    def _with_declarations(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer | {"indicators": [_declaration(**one) for one in answer.get("indicators", [])]}

    def timers(self, answer: dict[str, Any]) -> list[TimerRequest]:
        """Timers to set, as [id, deadline]; a null deadline cancels."""
        requests = answer.get("timers", [])
        return [TimerRequest(timer, NONE_PRICE if at is None else moment(at)) for timer, at in requests]

    def intents(self, strategy: int, answer: dict[str, Any]) -> list[Intent]:
        """The intents of an answer, in order. `order` is [strategy, seq, index], or [seq, index] for the strategy's own."""
        return [self._intent(strategy, intent) for intent in answer.get("intents", [])]

    def _intent(self, strategy: int, given: dict[str, Any]) -> Intent:
        kind = given["intent"]
        if kind == "NoOp":
            return NoOp()
        if kind == "SetRiskFlag":
            return SetRiskFlag(self._field("flag", given["flag"], self.config.instruments[0]), given.get("on", True))
        if kind == "PlaceOrder":
            return self._place(strategy, given)
        order_id = self._order_id(strategy, given["order"])
        if kind == "CancelOrder":
            return CancelOrder(order_id)
        instrument = self.config.instruments[self._index(given.get("instrument"), self.instruments, 0)]
        terms = [self._field(name, given.get(name), instrument) for name in ("quantity", "limit_price", "stop_price")]
        return ReplaceOrder(order_id, *terms)

    def _order_id(self, strategy: int, given: list[Any]) -> OrderId:
        *owner, seq, index = given
        return OrderId(self.strategies.index(owner[0]) if owner else strategy, seq, index)

    def _place(self, strategy: int, given: dict[str, Any]) -> PlaceOrder:
        index = self._index(given.get("instrument"), self.instruments, 0)
        instrument = self.config.instruments[index if index < len(self.instruments) else 0]
        terms = {"order_type": "market", "time_in_force": "GTC"} | given
        fields = {name: self._field(name, terms.get(name), instrument) for name in PlaceOrder._fields[1:8]}
        flags: dict[str, Any] = {name: given.get(name, False) for name in ("post_only", "reduce_only")}
        if "trail_kind" in given or "trail_offset" in given:
            flags |= self._trail(given, instrument)
        for name in ("parent", "oco"):
            if name in given:
                flags[name] = self._order_id(strategy, given[name])
        if "limit_offset" in given:
            flags["limit_offset"] = self._field("limit_offset", given["limit_offset"], instrument)
        return PlaceOrder(index, **fields, **flags)

    def _trail(self, given: dict[str, Any], instrument: Instrument) -> dict[str, Any]:
        """The trail: an offset in price units, or a number of ticks or basis points."""
        kind = self._field("trail_kind", given.get("trail_kind", 0), instrument)
        offset = given.get("trail_offset")
        if offset is None:
            return {"trail_kind": kind}
        decimals = instrument.price_decimals if kind == TrailKind.PRICE else 0
        return {"trail_kind": kind, "trail_offset": mantissa(offset, decimals)}


def _declaration(
    kind: str,
    parameters: list[int],
    stream: int = 0,
    field: str = "close",
    source: int = NULL_SOURCE,
    line: int = 0,
    keep: int = MIN_KEEP,
) -> Declaration:
    """An indicator as an answer to Start declares it; `source` is an index, in the order of declaration over all strategies."""
    padded = (*parameters, *[0] * (PARAMETERS - len(parameters)))
    return Declaration(IndicatorKind[kind], padded, stream, BarField[field.upper()], source, line, keep)
