"""What amounts and positions are worth: in another currency, at a mark, and the margin they need.

`marks` gives the last mark of an instrument, None before the first: the engine's, or the simulated venue's own.
"""

from collections.abc import Callable

from cracktrader.core.account import Exposure, exposed_value, margin
from cracktrader.core.config import Config, Conversion
from cracktrader.core.instrument import Instrument, contract_value
from cracktrader.core.portfolio import Position
from cracktrader.core.units import NULL_INSTRUMENT, Money, Price, Rate, Rounding, money, mul_div_round

RATE_DECIMALS = 9


def to_base(config: Config, marks: Callable[[int], Price | None], amount: Money, currency: int) -> Money | None:
    """The amount in base currency at the last mark or constant rate of its conversion, half to even. None without a rate; OutOfRange when
    it does not fit."""
    if currency == config.base_currency or amount == 0:
        return amount
    for conversion in config.conversions:
        if conversion.currency != currency:
            continue
        if conversion.instrument == NULL_INSTRUMENT:
            return _multiplied(config, amount, currency, conversion.rate, RATE_DECIMALS)
        mark = marks(conversion.instrument)
        if mark is not None:
            return _at_mark(config, conversion, amount, mark)
    return None


def _at_mark(config: Config, conversion: Conversion, amount: Money, mark: Price) -> Money:
    """By the instrument's mark: it multiplies what its price is of and divides what its price is in."""
    instrument = config.instruments[conversion.instrument]
    if instrument.base_currency == conversion.currency:
        return _multiplied(config, amount, conversion.currency, mark, instrument.price_decimals)
    scales = config.currencies[config.base_currency].scale - config.currencies[conversion.currency].scale
    net = scales + instrument.price_decimals
    return money(mul_div_round(amount, 10 ** max(net, 0), mark * 10 ** max(-net, 0), Rounding.HALF_EVEN))


def _multiplied(config: Config, amount: Money, currency: int, rate: int, decimals: int) -> Money:
    net = config.currencies[config.base_currency].scale - config.currencies[currency].scale - decimals
    return money(mul_div_round(amount, rate * 10 ** max(net, 0), 10 ** max(-net, 0), Rounding.HALF_EVEN))


def signed_value(instrument: Instrument, position: Position, price: Price) -> Money:
    """The value of a position at `price`, signed like its cost: below 0 for a short, and for a long of an inverse."""
    value = instrument.value_sign * contract_value(instrument, price, abs(position.quantity))
    return value if position.quantity >= 0 else -value


def position_value(instrument: Instrument, position: Position, mark: Price) -> Money:
    """What a position adds to equity at `mark`: its value where cash was paid for it, else its unrealised profit."""
    value = signed_value(instrument, position, mark)
    return value if instrument.is_spot else value - position.cost


def worth(config: Config, marks: Callable[[int], Price | None], index: int, position: Position) -> Money | None:
    """What a position adds to equity in base currency; None without a mark or rate."""
    mark = marks(index)
    if mark is None:
        return None
    instrument = config.instruments[index]
    return to_base(config, marks, position_value(instrument, position, mark), instrument.settlement_currency)


def margin_on(
    config: Config, marks: Callable[[int], Price | None], index: int, exposed: Exposure, rate: Rate
) -> Money | None:
    """Margin of `rate` on an exposure in base currency, 0 for none; None without a mark or rate."""
    if not exposed.worst or not rate:
        return 0
    mark = marks(index)
    if mark is None:
        return None
    instrument = config.instruments[index]
    needed = margin(exposed_value(instrument, mark, exposed), rate)
    return to_base(config, marks, needed, instrument.settlement_currency)
