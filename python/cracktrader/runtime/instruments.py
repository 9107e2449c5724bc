"""Declarations of instruments as a user writes them: `ct.Spot`, `ct.Equity`, `ct.Perpetual`, `ct.Future`, `ct.Outcome`.

    ct.backtest(Mine, data, instruments=[ct.Perpetual("BTCUSDT", initial_margin=0.1, maintenance_margin=0.05)])

Steps and rates are in units of people; here they become the core's mantissas. What is not said is taken from the data (decimals)
or the account (currency, fees). Deliberately not here: venues and streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from cracktrader.core.instrument import MAX_DECIMALS, Instrument, InstrumentKind, problem
from cracktrader.core.units import RATE_ONE
from cracktrader.errors import ConfigError

QUANTITY_DECIMALS = 8
MONEY_SCALE = 8
MAX_PRICE = 10**15
"""Largest price mantissa of an instrument."""
MAX_QUANTITY = 10**17
"""Largest quantity mantissa: 1e9 units at 8 decimals."""


@dataclass(frozen=True)
class InstrumentTerms:
    """What every kind has. `tick` and `lot` are steps of prices and quantities, fees are rates (0.001 is 10 bps) over those of the run."""

    symbol: str
    tick: float | str | None = None
    lot: float | str | None = None
    price_decimals: int | None = None
    quantity_decimals: int | None = None
    maker_fee: float | None = None
    taker_fee: float | None = None
    kind: ClassVar[InstrumentKind] = InstrumentKind.SPOT

    @property
    def value(self) -> InstrumentKind:
        """How cash moves and what a contract is worth."""
        return self.kind

    @property
    def currencies(self) -> tuple[str, str]:
        """(base, settlement) by name; "" stands for the symbol and for the account's currency."""
        return "", ""

    @property
    def contract_size(self) -> float:
        """Units of the underlying a contract."""
        return 1.0

    @property
    def margins(self) -> tuple[float | None, float]:
        """(initial, maintenance) as shares of the value; None is what the account's leverage gives."""
        return None, 0.0


@dataclass(frozen=True)
class Spot(InstrumentTerms):
    """A currency pair or coin: fills move cash. `base` is what a quantity is of, `quote` what is paid with."""

    base: str = ""
    quote: str = ""
    initial_margin: float | None = None
    maintenance_margin: float = 0.0

    @property
    def currencies(self) -> tuple[str, str]:
        """(base, settlement) by name."""
        return self.base, self.quote

    @property
    def margins(self) -> tuple[float | None, float]:
        """(initial, maintenance)."""
        return self.initial_margin, self.maintenance_margin


@dataclass(frozen=True)
class Equity(Spot):
    """A share: a spot instrument in whole lots."""

    lot: float | str | None = 1


@dataclass(frozen=True)
class Perpetual(InstrumentTerms):
    """A perpetual contract. Linear, it settles profits in `settle`; `inverse`, it is `multiplier` of the quote a contract and settles in
    the coin `settle`."""

    settle: str = ""
    multiplier: float | str = 1
    initial_margin: float | None = None
    maintenance_margin: float = 0.0
    inverse: bool = False

    @property
    def value(self) -> InstrumentKind:
        """Linear or inverse."""
        return InstrumentKind.INVERSE if self.inverse else InstrumentKind.LINEAR

    @property
    def currencies(self) -> tuple[str, str]:
        """(base, settlement) by name."""
        return self.settle, self.settle

    @property
    def contract_size(self) -> float:
        """Units of the underlying a contract."""
        return float(self.multiplier)

    @property
    def margins(self) -> tuple[float | None, float]:
        """(initial, maintenance)."""
        return self.initial_margin, self.maintenance_margin


@dataclass(frozen=True)
class Future(Perpetual):
    """A future in whole contracts: `multiplier` units a contract. It ends at its settlement (`settlements=` of a backtest)."""

    lot: float | str | None = 1


@dataclass(frozen=True)
class Outcome(InstrumentTerms):
    """A binary outcome: pays 1 or 0 of `settle`, its prices are between. Either side is collateralised in full, on a margin account."""

    tick: float | str | None = 0.01
    settle: str = ""
    kind: ClassVar[InstrumentKind] = InstrumentKind.OUTCOME

    @property
    def currencies(self) -> tuple[str, str]:
        """(base, settlement) by name."""
        return self.settle, self.settle

    @property
    def margins(self) -> tuple[float | None, float]:
        """Collateralised in full."""
        return 1.0, 0.0


def declared_instrument(
    terms: InstrumentTerms, data_decimals: int, currencies: tuple[int, int], fee: float, leverage: float
) -> Instrument:
    """The core's declaration; `data_decimals` are those of the prices loaded, `currencies` the indexes of base and settlement. ConfigError
    names the value that makes no sense."""
    prices = _decimals(terms, "price_decimals", terms.tick, data_decimals)
    quantities = _decimals(terms, "quantity_decimals", terms.lot, QUANTITY_DECIMALS if terms.lot is None else 0)
    is_outcome = terms.value is InstrumentKind.OUTCOME
    initial, maintenance = terms.margins
    initial = (1.0 if is_outcome else 1.0 / leverage) if initial is None else initial
    if not 0 < initial <= 1:
        raise ConfigError(
            f"{terms.symbol}: initial_margin {initial!r} is a share: above 0, at most 1 (leverage 5 is 0.2)"
        )
    if not 0 <= maintenance <= initial:
        raise ConfigError(
            f"{terms.symbol}: maintenance_margin {maintenance!r} is outside 0..{initial!r}, the initial margin"
        )
    made = Instrument(
        terms.symbol,
        0,
        terms.value,
        *currencies,
        MONEY_SCALE,
        prices,
        quantities,
        tick=_step(terms, "tick", terms.tick, prices),
        lot=_step(terms, "lot", terms.lot, quantities),
        max_price=10**prices if is_outcome else MAX_PRICE,
        max_quantity=MAX_QUANTITY,
        multiplier=_rate(terms, "multiplier", terms.contract_size),
        initial_margin=round(initial * RATE_ONE),
        maintenance_margin=round(maintenance * RATE_ONE),
        maker_fee=_fee(terms, "maker_fee", fee if terms.maker_fee is None else terms.maker_fee),
        taker_fee=_fee(terms, "taker_fee", fee if terms.taker_fee is None else terms.taker_fee),
    )
    reason = problem(made)
    if reason:
        raise ConfigError(f"{terms.symbol}: {reason}")
    return made


def _decimal(terms: InstrumentTerms, name: str, value: float | str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ConfigError(f"{terms.symbol}: {name} {value!r} is not a number") from None
    if not number.is_finite() or number <= 0:
        raise ConfigError(f"{terms.symbol}: {name} {value!r} is not above 0")
    return number


def _decimals(terms: InstrumentTerms, name: str, step: float | str | None, found: int) -> int:
    """The decimals given, else as many as the step and the data need."""
    given: int | None = getattr(terms, name)
    if given is None:
        exponent = 0 if step is None else _decimal(terms, "tick" if name == "price_decimals" else "lot", step)
        given = found if exponent == 0 else max(found, -int(Decimal(exponent).normalize().as_tuple().exponent), 0)
    if not 0 <= given <= MAX_DECIMALS:
        raise ConfigError(f"{terms.symbol}: {name} {given!r} is outside 0..{MAX_DECIMALS}")
    return given


def _step(terms: InstrumentTerms, name: str, step: float | str | None, decimals: int) -> int:
    if step is None:
        return 1
    scaled = _decimal(terms, name, step).scaleb(decimals)
    if scaled != int(scaled):
        raise ConfigError(
            f"{terms.symbol}: {name} {step!r} needs more than {decimals} decimals: give more, or a coarser {name}"
        )
    return int(scaled)


def _rate(terms: InstrumentTerms, name: str, value: float) -> int:
    scaled = _decimal(terms, name, value).scaleb(9)
    if scaled != int(scaled) or scaled >= 2**63:
        raise ConfigError(f"{terms.symbol}: {name} {value!r} has more than 9 decimals, or is too large")
    return int(scaled)


def _fee(terms: InstrumentTerms, name: str, value: float) -> int:
    if not -0.1 <= value <= 0.1:
        raise ConfigError(f"{terms.symbol}: {name} {value!r} is a rate: 0.001 is 10 bps; it may be -0.1 to 0.1")
    return round(value * RATE_ONE)
