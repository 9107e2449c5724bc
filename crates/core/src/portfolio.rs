//! Positions: quantity, open cost and realised profit of one holder in one instrument, and the fold of a fill into them.
//!
//! A holder is an account or a strategy (what no strategy owns has an entry too), so that the strategies' positions sum to the
//! account's. Cash is `account`. The average price is derived at the edge.

use crate::units::{Money, OutOfRange, Quantity, Rounding, money, mul_div_round, quantity};

/// A holder's position. Costs and profits are in the settlement currency; quantities are signed, long above 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// What is held.
    pub quantity: Quantity,
    /// Open cost: what the open quantity was opened for, signed like the value of what was bought.
    pub cost: Money,
    /// Sum of what closing brought.
    pub proceeds: Money,
    /// Sum of the cost that closing released; realised = proceeds - released.
    pub released: Money,
    /// Sum of the signed fills.
    pub net_fills: Quantity,
    /// Fees paid in the base asset.
    pub fee_quantity: Quantity,
    /// Sum of the signed transfers.
    pub transferred: Quantity,
    /// Sum of the signed settlements.
    pub settled: Quantity,
}

impl Position {
    /// Profit of what was closed, before fees.
    #[must_use]
    pub const fn realized_pnl(&self) -> Money {
        Money(self.proceeds.0 - self.released.0)
    }
}

/// Nothing held, ever.
pub const FLAT: Position = Position {
    quantity: Quantity(0),
    cost: Money(0),
    proceeds: Money(0),
    released: Money(0),
    net_fills: Quantity(0),
    fee_quantity: Quantity(0),
    transferred: Quantity(0),
    settled: Quantity(0),
};

/// One cause of a change: `quantity` signed (bought above 0), `value` the signed value of that quantity's magnitude
/// (below 0 for inverse contracts), and a fee in the base asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lot {
    /// The fill's idempotency key; '' where the cause is no fill.
    pub key: Box<str>,
    /// How much, signed.
    pub quantity: Quantity,
    /// What it is worth.
    pub value: Money,
    /// Fee in the base asset.
    pub fee_quantity: Quantity,
    /// 0 fill, 1 transfer, 2 settlement.
    pub cause: u8,
}

/// A lot's cause: a fill.
pub const FILL: u8 = 0;
/// A lot's cause: a transfer.
pub const TRANSFER: u8 = 1;
/// A lot's cause: a settlement.
pub const SETTLEMENT: u8 = 2;

/// Provisional fills of one holder and instrument: the position before the oldest one, and every cause since.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsettled {
    /// The position before the oldest one.
    pub base: Position,
    /// Every cause since.
    pub lots: Vec<Lot>,
    /// Which of them are final.
    pub settled: Vec<bool>,
}

/// The position after `lot`. `OutOfRange` when a part does not fit.
///
/// A lot through zero splits its one rounded value: the close part truncated, the open part the rest. Releasing cost truncates on
/// magnitudes, so long and short mirror; the last close releases everything.
pub fn fold(position: &Position, lot: &Lot) -> Result<Position, OutOfRange> {
    let (held, change) = (i128::from(position.quantity.0), i128::from(lot.quantity.0));
    let (mut cost, mut proceeds, mut released) = (position.cost.0, position.proceeds.0, position.released.0);
    let mut opened_value = lot.value.0;
    let closing = if (held > 0) == (change > 0) { 0 } else { held.abs().min(change.abs()) };
    if closing > 0 {
        let closed_value = share(lot.value.0, closing, change.abs())?;
        opened_value = lot.value.0 - closed_value;
        let release = share(cost, closing, held.abs())?;
        proceeds += if held > 0 { closed_value } else { -closed_value };
        released += release;
        cost -= release;
    }
    cost += if change > 0 { opened_value } else { -opened_value };
    let moved = |sum: Quantity, cause: u8| quantity(i128::from(sum.0) + if lot.cause == cause { change } else { 0 });
    let after = Position {
        quantity: quantity(held + change)?,
        cost: money(cost)?,
        proceeds: money(proceeds)?,
        released: money(released)?,
        net_fills: moved(position.net_fills, FILL)?,
        fee_quantity: position.fee_quantity,
        transferred: moved(position.transferred, TRANSFER)?,
        settled: moved(position.settled, SETTLEMENT)?,
    };
    if lot.fee_quantity.0 == 0 { Ok(after) } else { pay_in_base(&after, lot.fee_quantity) }
}

/// The position after a settlement that brought `proceeds`. `OutOfRange` when a part does not fit.
pub fn close(position: &Position, proceeds: Money) -> Result<Position, OutOfRange> {
    Ok(Position {
        quantity: Quantity(0),
        cost: Money(0),
        proceeds: money(position.proceeds.0 + proceeds.0)?,
        released: money(position.released.0 + position.cost.0)?,
        settled: quantity(i128::from(position.settled.0) - i128::from(position.quantity.0))?,
        ..*position
    })
}

/// The position after a fee in the base asset: quantity falls, cost stays with what is left; what reaches or crosses zero releases
/// its cost at no proceeds.
pub fn pay_in_base(position: &Position, fee_quantity: Quantity) -> Result<Position, OutOfRange> {
    let held = position.quantity.0;
    let left = quantity(i128::from(held) - i128::from(fee_quantity.0))?;
    let paid = quantity(i128::from(position.fee_quantity.0) + i128::from(fee_quantity.0))?;
    let after = Position { quantity: left, fee_quantity: paid, ..*position };
    if held != 0 && (left.0 == 0 || (left.0 > 0) != (held > 0)) {
        let released = money(position.released.0 + position.cost.0)?;
        return Ok(Position { cost: Money(0), released, ..after });
    }
    Ok(after)
}

/// The position from its oldest unsettled fill on, without the lot at index `without`.
pub fn refold(unsettled: &Unsettled, without: usize) -> Result<Position, OutOfRange> {
    let mut position = unsettled.base;
    for (index, lot) in unsettled.lots.iter().enumerate() {
        if index != without {
            position = fold(&position, lot)?;
        }
    }
    Ok(position)
}

/// The fill at `index` is final: what is final at the front moves into the base.
pub fn settle(unsettled: &mut Unsettled, index: usize) -> Result<(), OutOfRange> {
    unsettled.settled[index] = true;
    while unsettled.settled.first() == Some(&true) {
        unsettled.base = fold(&unsettled.base, &unsettled.lots[0])?;
        unsettled.lots.remove(0);
        unsettled.settled.remove(0);
    }
    Ok(())
}

/// amount * part / whole, truncated on magnitudes; everything when the part is the whole.
fn share(amount: i128, part: i128, whole: i128) -> Result<i128, OutOfRange> {
    if part == whole {
        Ok(amount)
    } else {
        mul_div_round(amount, part, whole, if planted!(7) { Rounding::Floor } else { Rounding::Trunc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MONEY_MAX;
    use proptest::prelude::*;

    fn lot(quantity: i64, value: i128) -> Lot {
        Lot {
            key: "".into(),
            quantity: Quantity(quantity),
            value: Money(value),
            fee_quantity: Quantity(0),
            cause: FILL,
        }
    }

    fn after(lots: &[(i64, i128)]) -> Position {
        lots.iter().fold(FLAT, |position, (quantity, value)| fold(&position, &lot(*quantity, *value)).unwrap())
    }

    #[test]
    fn a_close_releases_its_share_of_the_cost_and_the_last_one_everything() {
        let half = after(&[(3, 100), (-1, 50)]);
        assert_eq!(
            (half.quantity, half.cost, half.proceeds, half.released),
            (Quantity(2), Money(67), Money(50), Money(33))
        );
        let flat = after(&[(3, 100), (-1, 50), (-2, 90)]);
        assert_eq!((flat.quantity, flat.cost, flat.realized_pnl()), (Quantity(0), Money(0), Money(40)));
    }

    #[test]
    fn a_fill_through_zero_splits_its_one_value() {
        let short = after(&[(2, 200), (-5, 501)]);
        assert_eq!((short.quantity, short.proceeds, short.released), (Quantity(-3), Money(200), Money(200)));
        assert_eq!(short.cost, Money(-301));
        let long = after(&[(-2, 200), (5, 501)]);
        assert_eq!(
            (long.quantity, long.cost, long.proceeds, long.released),
            (Quantity(3), Money(301), Money(-200), Money(-200))
        );
    }

    #[test]
    fn an_inverse_contract_opens_at_a_negative_cost() {
        let position = after(&[(100, -10), (-100, -8)]);
        assert_eq!((position.cost, position.realized_pnl()), (Money(0), Money(2)));
    }

    #[test]
    fn a_fee_in_the_base_asset_lowers_quantity_and_keeps_the_cost_with_what_is_left() {
        let bought = Lot { fee_quantity: Quantity(1), ..lot(10, 1_000) };
        let position = fold(&FLAT, &bought).unwrap();
        assert_eq!((position.quantity, position.cost, position.fee_quantity), (Quantity(9), Money(1_000), Quantity(1)));
        let gone = pay_in_base(&position, Quantity(9)).unwrap();
        assert_eq!((gone.quantity, gone.cost, gone.realized_pnl()), (Quantity(0), Money(0), Money(-1_000)));
        let crossed = pay_in_base(&position, Quantity(11)).unwrap();
        assert_eq!((crossed.quantity, crossed.cost, crossed.released), (Quantity(-2), Money(0), Money(1_000)));
    }

    #[test]
    fn each_cause_is_counted_in_its_own_sum() {
        let moved = |cause| fold(&FLAT, &Lot { cause, ..lot(5, 50) }).unwrap();
        assert_eq!((moved(FILL).net_fills, moved(FILL).transferred), (Quantity(5), Quantity(0)));
        assert_eq!((moved(TRANSFER).transferred, moved(TRANSFER).settled), (Quantity(5), Quantity(0)));
        assert_eq!((moved(SETTLEMENT).settled, moved(SETTLEMENT).net_fills), (Quantity(5), Quantity(0)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let held = after(&[(i64::MAX, 1)]);
        assert_eq!(fold(&held, &lot(1, 1)), Err(OutOfRange));
        let costly = after(&[(1, MONEY_MAX)]);
        assert_eq!(fold(&costly, &lot(1, 1)), Err(OutOfRange));
    }

    #[test]
    fn a_busted_fill_is_folded_away_and_a_settled_front_moves_into_the_base() {
        let lots = vec![lot(2, 200), lot(3, 330), lot(-1, 120)];
        let mut unsettled = Unsettled { base: FLAT, lots, settled: vec![false; 3] };
        assert_eq!(refold(&unsettled, 1), Ok(after(&[(2, 200), (-1, 120)])));
        settle(&mut unsettled, 1).unwrap();
        assert_eq!((unsettled.base, unsettled.lots.len()), (FLAT, 3));
        settle(&mut unsettled, 0).unwrap();
        assert_eq!((unsettled.base, unsettled.lots.len()), (after(&[(2, 200), (3, 330)]), 1));
        assert_eq!(refold(&unsettled, 9), Ok(after(&[(2, 200), (3, 330), (-1, 120)])));
    }

    proptest! {
        #[test]
        fn long_and_short_mirror(lots in proptest::collection::vec((-1_000_i64..1_000, 0_i128..1_000_000), 1..20)) {
            let lots: Vec<_> = lots.into_iter().filter(|(quantity, _)| *quantity != 0).collect();
            let mirrored: Vec<_> = lots.iter().map(|(quantity, value)| (-quantity, *value)).collect();
            let (position, mirror) = (after(&lots), after(&mirrored));
            prop_assert_eq!(position.quantity.0, -mirror.quantity.0);
            prop_assert_eq!(position.cost.0, -mirror.cost.0);
            prop_assert_eq!(position.proceeds.0, -mirror.proceeds.0);
            prop_assert_eq!(position.released.0, -mirror.released.0);
        }

        #[test]
        fn realised_less_open_cost_is_the_cash_of_all_fills(lots in proptest::collection::vec((-1_000_i64..1_000, 0_i128..1_000_000), 1..20)) {
            let lots: Vec<_> = lots.into_iter().filter(|(quantity, _)| *quantity != 0).collect();
            let cash: i128 = lots.iter().map(|(quantity, value)| if *quantity > 0 { -value } else { *value }).sum();
            let position = after(&lots);
            prop_assert_eq!(position.realized_pnl().0 - position.cost.0, cash);
        }
    }
}
