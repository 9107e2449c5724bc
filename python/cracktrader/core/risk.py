"""Risk limits of a strategy: plain numbers, 0 means no limit. The checks are in `admission`."""

from dataclasses import dataclass

from cracktrader.core.units import Money, Quantity, Rate, Time


@dataclass(frozen=True, slots=True)
class InstrumentLimit:
    """Limits of a strategy in one instrument."""

    instrument: int
    max_order_quantity: Quantity = 0
    max_position: Quantity = 0
    """Bound of the strategy's own position, open orders included."""


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Limits of a strategy. Money is in the base currency."""

    max_order_notional: Money = 0
    max_open_orders: int = 0
    max_orders_per_window: int = 0
    window_ns: Time = 0
    price_collar: Rate = 0
    """How far a limit price may be from the mark, as a rate of the mark."""
    max_daily_loss: Money = 0
    """Fall of the run's equity since the first moment of the UTC day."""
    instruments: tuple[InstrumentLimit, ...] = ()

    def of(self, instrument: int) -> InstrumentLimit:
        """The limits in one instrument."""
        for limit in self.instruments:
            if limit.instrument == instrument:
                return limit
        return InstrumentLimit(instrument)
