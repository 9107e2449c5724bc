//! Bars that the core makes itself, of trades, quotes or other bars: by time, items, volume or value (contract/aggregates.toml).
//!
//! A source item is never split and is added to one bar; a bar is given out only when it is closed. When it is delivered is `engine`.

use std::collections::VecDeque;

use crate::config::{BarRule, Stream};
use crate::event::{Bar, Payload};
use crate::units::{I64_MAX, I64_MIN, Price, Rounding, Time, div_round};

/// What one source item adds to a bar. A trade or quote is a bar of its one price at its one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// When it began; wide, for a latency may reach below the first moment.
    pub open_time: i128,
    /// When it ended.
    pub close_time: Time,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded volume.
    pub volume: i64,
}

/// The bar under way of one derived stream, and the bars that closed and were not delivered yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Aggregate {
    /// Source items of the bar under way; without one there is no such bar.
    pub count: u64,
    /// Start of its span for time bars, else when its first item began.
    pub open_time: Time,
    /// End of its span for time bars; else 0.
    pub end: Time,
    /// When its last item ended.
    pub close_time: Time,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Sum of volumes.
    pub volume: i64,
    /// Of value bars: sum of close x volume over its items, at the decimals of both.
    pub value: i128,
    /// At most two: an item that begins a bar of its own may close it, too.
    pub closed: VecDeque<Bar>,
}

/// What a market event of this time adds; none for another event. A quote adds its middle, half to even, and no volume.
#[must_use]
#[inline]
pub fn piece_of(payload: &Payload, time: i128) -> Option<Piece> {
    let (price, volume) = match payload {
        Payload::Bar(bar) => {
            return Some(Piece {
                open_time: bar.open_time.0.into(),
                close_time: bar.close_time,
                open: bar.open,
                high: bar.high,
                low: bar.low,
                close: bar.close,
                volume: bar.volume,
            });
        }
        Payload::Trade(trade) => (trade.price, trade.quantity.0),
        Payload::Quote(quote) => {
            let both = i128::from(quote.bid_price.0) + i128::from(quote.ask_price.0);
            (Price(div_round(both, 2, Rounding::HalfEven) as i64), 0)
        }
        _ => return None,
    };
    // A time that does not fit its field fits no bar: `fits` says so.
    let close_time = Time(i64::try_from(time).unwrap_or(I64_MIN));
    Some(Piece { open_time: time, close_time, open: price, high: price, low: price, close: price, volume })
}

/// Whether the times and the volume of the bar that takes the piece fit their fields.
#[must_use]
#[inline]
pub fn fits(aggregate: &Aggregate, declared: &Stream, piece: &Piece) -> bool {
    if declared.rule == BarRule::Time {
        let start = start(declared, piece.open_time);
        if start < I64_MIN.into() || start + declared.size > I64_MAX.into() {
            return false;
        }
    }
    let held = if begins(aggregate, declared, piece) { 0 } else { aggregate.volume };
    piece.open_time >= I64_MIN.into() && held.checked_add(piece.volume).is_some()
}

/// Add a piece that fits; how many bars that closed.
#[inline]
pub fn add(aggregate: &mut Aggregate, declared: &Stream, stream: u16, piece: &Piece) -> usize {
    let before = aggregate.closed.len();
    if begins(aggregate, declared, piece) {
        if aggregate.count != 0 {
            close(aggregate, declared, stream);
        }
        begin(aggregate, declared, piece);
    } else {
        aggregate.high = aggregate.high.max(piece.high);
        aggregate.low = aggregate.low.min(piece.low);
    }
    aggregate.count += 1;
    aggregate.close_time = aggregate.close_time.max(piece.close_time);
    aggregate.close = piece.close;
    aggregate.volume += piece.volume;
    if declared.rule == BarRule::Value {
        aggregate.value += i128::from(piece.close.0) * i128::from(piece.volume);
    }
    if is_complete(aggregate, declared) {
        close(aggregate, declared, stream);
    }
    aggregate.closed.len() - before
}

/// Start of the span of a time bar: spans are aligned to the epoch plus the offset.
fn start(declared: &Stream, time: i128) -> i128 {
    time - (time - i128::from(declared.offset.0)).rem_euclid(declared.size)
}

/// Whether the piece is the first of a bar: there is none under way, or its span is over.
fn begins(aggregate: &Aggregate, declared: &Stream, piece: &Piece) -> bool {
    aggregate.count == 0 || (declared.rule == BarRule::Time && piece.open_time >= aggregate.end.0.into())
}

fn begin(aggregate: &mut Aggregate, declared: &Stream, piece: &Piece) {
    let in_time = declared.rule == BarRule::Time;
    let open_time = if in_time { start(declared, piece.open_time) } else { piece.open_time };
    // Both fit, as `fits` says.
    aggregate.open_time = Time(open_time as i64);
    aggregate.end = Time(if in_time { (open_time + declared.size) as i64 } else { 0 });
    (aggregate.count, aggregate.volume, aggregate.value) = (0, 0, 0);
    aggregate.close_time = piece.close_time;
    (aggregate.open, aggregate.high, aggregate.low) = (piece.open, piece.high, piece.low);
}

/// Whether the bar under way takes nothing more. Only a bar can end where its span ends; a tick there is of the next one.
fn is_complete(aggregate: &Aggregate, declared: &Stream) -> bool {
    match declared.rule {
        BarRule::Time => aggregate.close_time >= aggregate.end,
        BarRule::Tick => i128::from(aggregate.count) >= declared.size,
        BarRule::Volume => i128::from(aggregate.volume) >= declared.size,
        BarRule::Value => aggregate.value >= declared.size,
    }
}

/// The bar under way is closed. A time bar ends with its span, or with an item that reaches beyond it.
fn close(aggregate: &mut Aggregate, declared: &Stream, stream: u16) {
    let in_time = declared.rule == BarRule::Time;
    aggregate.closed.push_back(Bar {
        open_time: aggregate.open_time,
        close_time: if in_time { aggregate.end.max(aggregate.close_time) } else { aggregate.close_time },
        open: aggregate.open,
        high: aggregate.high,
        low: aggregate.low,
        close: aggregate.close,
        volume: aggregate.volume,
        stream,
    });
    aggregate.count = 0;
}
