//! Entities: how each is written, for leaves and checkpoints, and read back from a checkpoint; orders and commands of simulated venues.
//!
//! Which entities a state has, and which leaf is which, is `root`; what a whole checkpoint holds is `engine::checkpoint`.

use std::collections::VecDeque;

use super::wire::{
    Canonical, CodecError, Reader, canonical, canonical_number, canonical_row, pack, pack_row, read_table, table,
};
use crate::account::Ledger;
use crate::aggregate::Aggregate;
use crate::book::Market;
use crate::event::{Bar, Payload};
use crate::indicator::{Indicator, Number, Part, Ratio, real_bits, real_of_bits};
use crate::intent::OrderType;
use crate::matching::{Cause, Command, CommandKind, Gone, Tally, VenueOrder, mode_of};
use crate::order::{Life, Order, Pending};
use crate::portfolio::{Lot, Position, Unsettled};
use crate::state::{FillRecord, StrategyState};

canonical_row! {
    Position { quantity, cost, proceeds, released, net_fills, fee_quantity, transferred, settled }
    Ledger { cash, fees, spot_cost, realized, transfers, funding }
    FillRecord { order, strategy, instrument, quantity, value, fee_currency, fee, fee_quantity, settled, busted }
    Market { mark, mark_time, bid, ask, halted, frozen }
    Cause { now, depth }
}

canonical! {
    Lot { key, quantity, value, fee_quantity, cause }
    StrategyState { halted, kill_switch, reduce_only, open_orders, random_counter, next_timer, placed }
    Tally { filled, ended }
    Gone { time, order, filled }
    Command {
        kind, order, instrument, side, order_type, time_in_force, quantity, limit_price, stop_price, expire_time, post_only,
        reduce_only, trail_kind, trail_offset, limit_offset, parent, oco, cause,
    }
}

canonical_number!(Life, Pending, CommandKind);

/// The bytes of a value.
pub fn bytes_of(value: &impl Canonical) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    value.write(&mut out);
    out
}

/// An order. `flagged` is not part of it: a quarantined report changes no leaf.
#[must_use]
pub fn encode_order(order: &Order) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_order(order, &mut out);
    out
}

/// Append an order.
pub fn write_order(order: &Order, to: &mut Vec<u8>) {
    pack_row!(to;
        order.ordinal, order.id.strategy, order.id.seq, order.id.index, order.instrument, order.venue, order.account,
        order.side, order.order_type, order.time_in_force,
        order.quantity, order.limit_price, order.stop_price, order.expire_time,
        order.post_only, order.reduce_only,
        order.trail_kind, order.trail_offset, order.limit_offset, order.parent, order.oco, order.created_time,
        order.asked_quantity,
        order.life.number(), order.pending.number(), order.triggered, order.in_doubt,
        order.version, order.open_quantity, order.filled_quantity, order.busted_quantity, order.filled_value,
        order.replace_quantity, order.replace_limit_price, order.replace_stop_price, order.reserve_price,
        order.closed_time, order.code,
    );
}

/// The next order, not flagged.
pub fn read_order(reader: &mut Reader<'_>) -> Result<Order, CodecError> {
    Ok(Order {
        ordinal: reader.field()?,
        id: reader.field()?,
        instrument: reader.field()?,
        venue: reader.field()?,
        account: reader.field()?,
        side: reader.field()?,
        order_type: reader.field()?,
        time_in_force: reader.field()?,
        quantity: reader.field()?,
        limit_price: reader.field()?,
        stop_price: reader.field()?,
        expire_time: reader.field()?,
        post_only: reader.field()?,
        reduce_only: reader.field()?,
        trail_kind: reader.field()?,
        trail_offset: reader.field()?,
        limit_offset: reader.field()?,
        parent: reader.field()?,
        oco: reader.field()?,
        created_time: reader.field()?,
        asked_quantity: reader.field()?,
        life: reader.field()?,
        pending: reader.field()?,
        triggered: reader.field()?,
        in_doubt: reader.field()?,
        version: reader.field()?,
        open_quantity: reader.field()?,
        filled_quantity: reader.field()?,
        busted_quantity: reader.field()?,
        filled_value: reader.field()?,
        replace_quantity: reader.field()?,
        replace_limit_price: reader.field()?,
        replace_stop_price: reader.field()?,
        reserve_price: reader.field()?,
        flagged: false,
        closed_time: reader.field()?,
        code: reader.field()?,
    })
}

/// A position.
#[must_use]
pub fn encode_position(position: &Position) -> Vec<u8> {
    bytes_of(position)
}

impl Canonical for Unsettled {
    fn write(&self, out: &mut Vec<u8>) {
        self.base.write(out);
        let lots = self.lots.iter().zip(&self.settled);
        table(out, self.lots.len(), lots, |(lot, settled), to| {
            lot.write(to);
            settled.write(to);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut unsettled = Self { base: reader.field()?, lots: Vec::new(), settled: Vec::new() };
        for _ in 0..reader.field::<u32>()? {
            unsettled.lots.push(reader.field()?);
            unsettled.settled.push(reader.field()?);
        }
        Ok(unsettled)
    }
}

/// A declared indicator with everything it holds.
#[must_use]
pub fn encode_indicator(one: &Indicator) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    pack!(&mut out; one.strategy, one.declaration, one.instrument, one.price_decimals, one.volume_decimals);
    let lines = one.lines().len();
    table(&mut out, lines, 0..lines, |line, to| write_number(one.before(line), to));
    table(&mut out, one.older.len(), &one.older, |values, to| {
        values[..lines].iter().for_each(|value| real_bits(*value).write(to));
    });
    let (mut parts, mut count) = (Vec::with_capacity(256), 0_u32);
    one.computation.parts(&mut |part| {
        count += 1;
        match part {
            Part::Whole(whole) => {
                pack!(&mut parts; 1_u8, whole);
            }
            Part::Real(real) => {
                pack!(&mut parts; 3_u8, real_bits(real));
            }
        }
    });
    count.write(&mut out);
    out.extend_from_slice(&parts);
    out
}

/// Nothing, a ratio of two whole numbers, or a float by its bits.
fn write_number(number: Option<Number>, to: &mut Vec<u8>) {
    match number {
        None => to.push(0),
        Some(Number::Ratio(ratio)) => {
            pack!(to; 2_u8, ratio.numerator, ratio.denominator);
        }
        Some(Number::Real(real)) => {
            pack!(to; 3_u8, real_bits(real));
        }
    }
}

/// The next of those.
pub fn read_number(reader: &mut Reader<'_>) -> Result<Option<Number>, CodecError> {
    match reader.field::<u8>()? {
        0 => Ok(None),
        2 => Ok(Some(Number::Ratio(Ratio { numerator: reader.field()?, denominator: reader.field()? }))),
        3 => read_real(reader),
        tag => Err(reader.unknown("number", tag)),
    }
}

/// The next number of those written by their bits.
pub fn read_real(reader: &mut Reader<'_>) -> Result<Option<Number>, CodecError> {
    let bits = reader.field()?;
    match real_of_bits(bits) {
        Some(real) => Ok(Some(Number::Real(real))),
        None => Err(reader.unfit(format_args!("the bits {bits} are a NaN that is not the canonical one"))),
    }
}

/// The next piece of what a computation holds.
pub fn read_part(reader: &mut Reader<'_>) -> Result<Part, CodecError> {
    match reader.field::<u8>()? {
        1 => reader.field().map(Part::Whole),
        3 => match read_real(reader)? {
            Some(Number::Real(real)) => Ok(Part::Real(real)),
            _ => Err(reader.unknown("number", 3_u8)),
        },
        tag => Err(reader.unknown("number", tag)),
    }
}

impl Canonical for Aggregate {
    fn write(&self, out: &mut Vec<u8>) {
        pack!(out; self.count, self.open_time, self.end, self.close_time, self.open, self.high, self.low, self.close);
        pack!(out; self.volume, self.value);
        table(out, self.closed.len(), &self.closed, |bar, to| Payload::Bar(*bar).write(to));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            count: reader.field()?,
            open_time: reader.field()?,
            end: reader.field()?,
            close_time: reader.field()?,
            open: reader.field()?,
            high: reader.field()?,
            low: reader.field()?,
            close: reader.field()?,
            volume: reader.field()?,
            value: reader.field()?,
            closed: VecDeque::from(read_table(reader, read_closed)?),
        })
    }
}

fn read_closed(reader: &mut Reader<'_>) -> Result<Bar, CodecError> {
    match reader.field()? {
        Payload::Bar(bar) => Ok(bar),
        other => Err(reader.unknown("bar of event type", other.event_type().number())),
    }
}

impl Canonical for VenueOrder {
    fn write(&self, to: &mut Vec<u8>) {
        pack!(to; self.order, self.instrument, self.side, self.order_type, self.time_in_force);
        pack!(to; self.quantity, self.limit_price, self.stop_price, self.expire_time);
        pack!(to; self.post_only, self.reduce_only, self.trail_kind, self.trail_offset, self.limit_offset);
        pack!(to; self.parent, self.oco, self.filled, self.place, self.first_row as u64);
        pack!(to; self.opened, self.triggered, self.live, self.best, self.close_time, self.cause);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut order = Self {
            order: reader.field()?,
            instrument: reader.field()?,
            side: reader.field()?,
            order_type: reader.field()?,
            time_in_force: reader.field()?,
            quantity: reader.field()?,
            limit_price: reader.field()?,
            stop_price: reader.field()?,
            expire_time: reader.field()?,
            post_only: reader.field()?,
            reduce_only: reader.field()?,
            trail_kind: reader.field()?,
            trail_offset: reader.field()?,
            limit_offset: reader.field()?,
            parent: reader.field()?,
            oco: reader.field()?,
            filled: reader.field()?,
            place: reader.field()?,
            first_row: reader.field::<u64>()? as usize,
            opened: reader.field()?,
            triggered: reader.field()?,
            mode: mode_of(0, false),
            live: reader.field()?,
            best: reader.field()?,
            close_time: reader.field()?,
            cause: reader.field()?,
        };
        if OrderType::from_u8(order.order_type).is_none() {
            return Err(reader.unknown("order type", order.order_type));
        }
        order.mode = mode_of(order.order_type, order.triggered);
        Ok(order)
    }
}
