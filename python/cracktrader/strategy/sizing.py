"""From what a strategy says to what the core takes: prices, sizes, spans and names become mantissas, nanoseconds and members.

Conversions happen here and nowhere else, the same for both cores. What cannot be converted is an IntentError.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import floor, isfinite
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import Config
from cracktrader.core.fee import worst_fee
from cracktrader.core.indicator import to_float
from cracktrader.core.instrument import Instrument, InstrumentKind, contract_value
from cracktrader.core.intent import OrderId, Side, TimeInForce
from cracktrader.core.units import NULL_INSTRUMENT, RATE_ONE, Rounding, mul_div_round
from cracktrader.errors import IntentError

if TYPE_CHECKING:
    from cracktrader.core.view import View

SNAP = 1e-9
"""A price this near to a tick, relatively, is meant to be that tick."""


def affordable(
    view: View | Any, config: Config, index: int, percent: float | None, cash: float | None, limit: float | None
) -> int:
    """Largest quantity whose value and worst fee fit the budget: floor((budget - worst fee) / value of one), in lots. A percent is of
    equity, brought from the base into the settlement currency; cash is in the settlement currency."""
    instrument = config.instruments[index]
    price = _entry_price(view, config, index, limit)
    if percent is not None:
        budget = _share_of_equity(view, config, instrument, "percent", percent)
    else:
        assert cash is not None
        budget = floor(_finite("cash", cash) * 10**instrument.settlement_scale)
    budget -= worst_fee(instrument, budget)
    if instrument.kind is InstrumentKind.INVERSE:
        net = instrument.quantity_decimals + 9 - instrument.settlement_scale - instrument.price_decimals
        unit = instrument.multiplier * 10 ** max(-net, 0)
        size = mul_div_round(budget, price * 10 ** max(net, 0), unit, Rounding.FLOOR)
    else:
        net = instrument.price_decimals + instrument.quantity_decimals + 9 - instrument.settlement_scale
        unit = price * instrument.multiplier * 10 ** max(-net, 0)
        size = mul_div_round(budget, 10 ** max(net, 0), unit, Rounding.FLOOR)
    return size - size % instrument.lot


def risked(view: View | Any, config: Config, index: int, risk: float, prices: tuple[float | None, float]) -> int:
    """Largest quantity that loses at most `risk` of equity between the entry's price (None: the mark) and its stop-loss, before fees:
    floor(risk * equity / |value of one at the entry - value of one at the stop|), in lots."""
    instrument = config.instruments[index]
    entry = _entry_price(view, config, index, prices[0])
    stop = price_mantissa(instrument, Side.BUY, prices[1])
    budget = _share_of_equity(view, config, instrument, "risk", risk)
    most = instrument.max_quantity - instrument.max_quantity % instrument.lot
    lost = abs(contract_value(instrument, entry, most) - contract_value(instrument, stop, most))
    if lost == 0:
        raise IntentError(f"stop_loss {prices[1]!r} of {instrument.name} is the entry's price: nothing is at risk")
    size = min(mul_div_round(budget, most, lost, Rounding.FLOOR), most)
    return size - size % instrument.lot


def _entry_price(view: View | Any, config: Config, index: int, limit: float | None) -> int:
    """The mantissa of the price an order is sized by: its own, else the last mark."""
    instrument = config.instruments[index]
    price: int | None = view.mark(index) if limit is None else price_mantissa(instrument, Side.BUY, limit)
    if price is None:
        raise IntentError(f"{instrument.name} has no price yet to size an order by")
    return price


def _share_of_equity(view: View | Any, config: Config, instrument: Instrument, name: str, share: float) -> int:
    """A share of equity in the instrument's settlement currency, rounded down."""
    equity = view.equity()
    if equity is None:
        raise IntentError("equity is not known while a position has no price: size by quantity")
    budget = mul_div_round(max(equity, 0), fraction(name, share), RATE_ONE, Rounding.FLOOR)
    return _in_settlement(view, config, instrument, budget)


def _in_settlement(view: View | Any, config: Config, instrument: Instrument, budget: int) -> int:
    """An amount of the base currency in the instrument's settlement currency, by the rate that values the latter, rounded down."""
    currency = instrument.settlement_currency
    if currency == config.base_currency:
        return budget
    scales = instrument.settlement_scale - config.currencies[config.base_currency].scale
    for conversion in config.conversions:
        if conversion.currency != currency:
            continue
        constant = conversion.instrument == NULL_INSTRUMENT
        rate = conversion.rate if constant else view.mark(conversion.instrument)
        if rate is None:
            break
        decimals = 9 if constant else config.instruments[conversion.instrument].price_decimals
        divides = constant or config.instruments[conversion.instrument].base_currency == currency
        net = scales + decimals if divides else scales - decimals
        up, down = 10 ** max(net, 0), 10 ** max(-net, 0)
        return (
            mul_div_round(budget, up, rate * down, Rounding.FLOOR)
            if divides
            else mul_div_round(budget, rate * up, down, Rounding.FLOOR)
        )
    name = config.currencies[currency].name
    raise IntentError(f"{instrument.name} cannot be sized by equity while {name} has no rate: size by quantity or cash")


def _finite(name: str, value: Any) -> float:
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise IntentError(f"{name} {value!r} is not a number")
    number = float(value)
    if not isfinite(number):
        raise IntentError(f"{name} {value!r} is not a finite number")
    return number


def fraction(name: str, value: float) -> int:
    """A share as a rate at 1e-9."""
    if not 0 <= _finite(name, value) <= 1000:
        raise IntentError(f"{name} {value!r} is a share of equity: 1.0 is all of it")
    return round(value * RATE_ONE)


def quantity_mantissa(instrument: Instrument, value: float) -> int:
    """A quantity above 0, floored to the lot; a value within 1e-9 of a lot is that lot."""
    size = signed_mantissa(instrument, value)
    if size <= 0:
        smallest = to_float(instrument.lot, instrument.quantity_decimals)
        raise IntentError(f"quantity {value!r} of {instrument.name} is less than one lot of {smallest!r}")
    return size


def signed_mantissa(instrument: Instrument, value: float) -> int:
    """A signed quantity, towards zero to the lot."""
    magnitude = _near_steps(abs(_finite("quantity", value)), instrument.lot, instrument.quantity_decimals, up=False)
    return magnitude if value > 0 else -magnitude


def price_mantissa(instrument: Instrument, side: Side, value: float) -> int:
    """A price on a tick: the nearest when within 1e-9, else towards passive (down for a buy, up for a sell)."""
    if _finite("price", value) <= 0:
        raise IntentError(f"price {value!r} of {instrument.name} is not above 0")
    return _near_steps(value, instrument.tick, instrument.price_decimals, up=side is Side.SELL)


def distance_mantissa(instrument: Instrument, name: str, value: float) -> int:
    """A distance between two prices, above 0, rounded down to the tick; within 1e-9 of a tick it is that tick."""
    distance = _near_steps(_finite(name, value), instrument.tick, instrument.price_decimals, up=False)
    if distance <= 0:
        smallest = to_float(instrument.tick, instrument.price_decimals)
        raise IntentError(f"{name} {value!r} of {instrument.name} is less than one tick of {smallest!r}")
    return distance


def whole(name: str, value: int) -> int:
    """A whole number above 0."""
    if isinstance(value, bool) or value < 1 or value % 1:
        raise IntentError(f"{name} is a whole number above 0, not {value!r}")
    if value >= 2**63:
        raise IntentError(f"{name} {value!r} does not fit the number range")
    return int(value)


def _near_steps(value: float, step: int, decimals: int, *, up: bool) -> int:
    """`value` as a mantissa in whole steps."""
    steps = value * float(10**decimals) / float(step)
    nearest = round(steps)
    if abs(steps - nearest) > SNAP * max(abs(steps), 1.0):
        nearest = floor(steps) + up
    mantissa = nearest * step
    if mantissa >= 2**63:
        raise IntentError(f"{value!r} does not fit the number range")
    return mantissa


def time_in_force_of(name: str) -> TimeInForce:
    try:
        return TimeInForce[name]
    except KeyError:
        known = ", ".join(one.name for one in TimeInForce)
        raise IntentError(f"there is no time in force {name!r}; there are: {known}") from None


def nanoseconds(value: int | datetime | timedelta | None) -> int:
    """Nanoseconds of a time or a span."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise IntentError(f"{value!r} has no time zone: use an aware datetime or nanoseconds")
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if not isinstance(value, int) or isinstance(value, bool):
        raise IntentError(f"{value!r} is neither nanoseconds nor a time")
    return value


def order_id_of(value: Sequence[int]) -> OrderId:
    if not isinstance(value, OrderId) or not _is_id(value):
        raise IntentError(f"{value!r} is not an order id: use what buy, sell or target returned")
    return value


def _is_id(value: Sequence[Any]) -> bool:
    """Whether the parts fit an id."""
    return all(
        isinstance(part, int) and 0 <= part < end for part, end in zip(value, (2**16, 2**64, 2**16), strict=True)
    )
