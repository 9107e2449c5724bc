"""An answer of a strategy in words: what it ordered, what became of it at admission, its timers, what it raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.core.indicator import to_float
from cracktrader.core.intent import (
    NO_ORDER,
    CancelOrder,
    NoOp,
    OrderType,
    PlaceOrder,
    ReplaceOrder,
    RiskFlag,
    SetRiskFlag,
    Side,
    TimeInForce,
)
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE
from cracktrader.data.stamps import time_text

if TYPE_CHECKING:
    from cracktrader.core.codec import Answer
    from cracktrader.core.config import Config
    from cracktrader.core.intent import Intent


def described(answer: Answer, config: Config) -> list[str]:
    """What it holds, each in a few words; prices and quantities as people write them."""
    told = [f"raises {answer.error}"] if answer.error else []
    told += [f"declares indicator {one!r}" for one in answer.declarations]
    for intent, verdict in answer.intents:
        refused = f" (refused: {REJECTS[verdict.code].slug})" if verdict.code else ""
        told.append(described_intent(intent, config) + refused)
    for timer in answer.timers:
        when = "never" if timer.deadline == NONE_PRICE else time_text(timer.deadline)
        told.append(f"timer {timer.timer} at {when}")
    return told


def described_intent(intent: Intent, config: Config) -> str:
    """Such as "buy 1 BTC limit 101.5"."""
    if isinstance(intent, PlaceOrder):
        return _placed(intent, config)
    if isinstance(intent, CancelOrder):
        return f"cancel {_order(intent.order)}"
    if isinstance(intent, ReplaceOrder):
        prices = f"limit {_raw(intent.limit_price)}, stop {_raw(intent.stop_price)}"
        return f"replace {_order(intent.order)}: quantity {intent.quantity}, {prices} (mantissas)"
    if isinstance(intent, SetRiskFlag):
        names = {int(one): one.name.lower() for one in RiskFlag}
        return f"{'set' if intent.on else 'clear'} {names.get(intent.flag, intent.flag)}"
    assert isinstance(intent, NoOp)
    return "no-op"


def _placed(intent: PlaceOrder, config: Config) -> str:
    if intent.instrument >= len(config.instruments) or intent.side > 1 or intent.order_type >= len(OrderType):
        return repr(intent)
    instrument = config.instruments[intent.instrument]
    words = [
        Side(intent.side).name.lower(),
        f"{to_float(intent.quantity, instrument.quantity_decimals):.12g}",
        instrument.name,
        OrderType(intent.order_type).name.lower(),
    ]
    for name, price in (("limit", intent.limit_price), ("stop", intent.stop_price)):
        if price != NONE_PRICE:
            words += [name, f"{to_float(price, instrument.price_decimals):.12g}"]
    if intent.time_in_force and intent.time_in_force < len(TimeInForce):
        words.append(TimeInForce(intent.time_in_force).name)
    words += [name for name in ("post_only", "reduce_only") if getattr(intent, name)]
    words += [
        f"{name} {_order(one)}" for name, one in (("parent", intent.parent), ("oco", intent.oco)) if one != NO_ORDER
    ]
    return " ".join(words)


def _order(order: Any) -> str:
    return f"order {order.strategy}.{order.seq}.{order.index}"


def _raw(price: int) -> str:
    return "none" if price == NONE_PRICE else str(price)
