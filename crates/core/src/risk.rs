//! Risk limits of a strategy: plain numbers, 0 means no limit. The checks are in `admission`.

use crate::units::{InstrumentIndex, Money, Quantity, Rate, Time};

/// Limits of a strategy in one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InstrumentLimit {
    /// Which.
    pub instrument: InstrumentIndex,
    /// Bound of one order.
    pub max_order_quantity: Quantity,
    /// Bound of the strategy's own position, open orders included.
    pub max_position: Quantity,
}

/// Limits of a strategy. Money is in the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RiskLimits {
    /// Bound of one order's value.
    pub max_order_notional: Money,
    /// Bound of the orders at the venue.
    pub max_open_orders: u32,
    /// Bound of new orders in the window.
    pub max_orders_per_window: u32,
    /// Length of that window.
    pub window_ns: Time,
    /// How far a limit price may be from the mark, as a rate of the mark.
    pub price_collar: Rate,
    /// Fall of the run's equity since the first moment of the UTC day.
    pub max_daily_loss: Money,
    /// Limits by instrument.
    pub instruments: Vec<InstrumentLimit>,
}

impl RiskLimits {
    /// The limits in one instrument.
    #[must_use]
    pub fn of(&self, instrument: InstrumentIndex) -> InstrumentLimit {
        let declared = self.instruments.iter().find(|limit| limit.instrument == instrument);
        declared.copied().unwrap_or(InstrumentLimit { instrument, ..InstrumentLimit::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_without_limits_of_its_own_has_none() {
        let own = InstrumentLimit {
            instrument: InstrumentIndex(2),
            max_order_quantity: Quantity(5),
            max_position: Quantity(9),
        };
        let limits = RiskLimits { instruments: vec![own], ..RiskLimits::default() };
        assert_eq!(limits.of(InstrumentIndex(2)), own);
        assert_eq!(limits.of(InstrumentIndex(1)).max_position, Quantity(0));
    }
}
