//! What is sent and declared: the fields of events, intents and the configuration, in the order of the contract.

use super::wire::{Canonical, CodecError, Reader, canonical, canonical_number};
use crate::account::{Account, AccountKind, Deposit};
use crate::capability::{Capabilities, FillModel, Venue};
use crate::config::{BarRule, Config, Conversion, DataKind, OnError, StrategyConfig, Stream};
use crate::event::{
    Absent, Accepted, BalanceStatement, Bar, Busted, CancelRejected, Cancelled, DataEnded, Denied, EngineStopped,
    Event, EventType, Expired, Filled, Funding, InDoubt, InstrumentStatus, Payload, PositionStatement, Quote, Refused,
    Rejected, ReplaceRejected, Replaced, RiskFlagSet, RunStopped, SessionClosed, SessionOpened, Settled, Settlement,
    Start, StrategyHalted, TimerFired, Trade, Transfer, Triggered,
};
use crate::indicator::Declaration;
use crate::instrument::{Currency, Instrument, InstrumentKind};
use crate::intent::{CancelOrder, Intent, NoOp, OrderId, PlaceOrder, ReplaceOrder, SetRiskFlag};
use crate::risk::{InstrumentLimit, RiskLimits};

canonical! {
    Declaration { kind, parameters, stream, bar_field, source, line, keep }
    Start {}
    Bar { open_time, close_time, open, high, low, close, volume, stream }
    Trade { price, quantity, aggressor }
    Quote { bid_price, bid_quantity, ask_price, ask_quantity }
    SessionOpened {}
    SessionClosed {}
    InstrumentStatus { frozen }
    Accepted { order }
    Rejected { order, reason, text }
    Filled { order, quantity, price, liquidity, fee_currency, fee, rule }
    Cancelled { order, reason, text }
    Expired { order }
    Triggered { order }
    Replaced { order, quantity, limit_price, stop_price }
    CancelRejected { order, reason, text }
    ReplaceRejected { order, reason, text }
    InDoubt { order }
    Absent { order }
    Busted { order, fill_key }
    Settled { order, fill_key }
    Denied { order, code, value, limit }
    Refused { strategy, intent_seq, index, intent_type, code, value, limit }
    BalanceStatement { currency, total }
    PositionStatement { quantity }
    Transfer { currency, amount, quantity, price }
    Funding { currency, amount }
    Settlement { price }
    TimerFired { strategy, timer, deadline }
    RiskFlagSet { strategy, flag, on }
    StrategyHalted { strategy }
    EngineStopped {}
    DataEnded {}
    RunStopped {}

    Event { seq_id, event_time, ingest_time, source, venue, account, instrument, payload, idempotency_key }

    OrderId { strategy, seq, index }
    PlaceOrder {
        instrument, side, order_type, time_in_force, quantity, limit_price, stop_price, expire_time, post_only, reduce_only,
        trail_kind, trail_offset, limit_offset, parent, oco,
    }
    CancelOrder { order }
    ReplaceOrder { order, quantity, limit_price, stop_price }
    SetRiskFlag { flag, on }
    NoOp {}

    Currency { name, scale }
    Capabilities {
        order_types, times_in_force, post_only, reduce_only, replace, provisional_fills, dense_keys, retention_ns,
        groups,
    }
    Venue {
        name, simulated, capabilities, fill, submit_latency, report_latency, cancel_latency, replace_latency,
        latency_jitter, participation, slippage, slippage_ticks, spread, spread_ticks, touch_probability,
    }
    Deposit { currency, amount }
    Account { name, venue, kind, deposits }
    Instrument {
        name, venue, kind, base_currency, settlement_currency, settlement_scale, price_decimals, quantity_decimals, tick,
        lot, max_price, max_quantity, multiplier, initial_margin, maintenance_margin, maker_fee, taker_fee,
    }
    Stream { instrument, kind, matching, volume_decimals, feed_latency, source, rule, size, offset }
    InstrumentLimit { instrument, max_order_quantity, max_position }
    RiskLimits {
        max_order_notional, max_open_orders, max_orders_per_window, window_ns, price_collar, max_daily_loss, instruments,
    }
    StrategyConfig { name, parameters, limits }
    Conversion { currency, instrument, rate }
    Config {
        currencies, venues, accounts, instruments, streams, strategies, base_currency, conversions, priorities, on_error,
        recheck_every, seed,
    }
}

canonical_number!(AccountKind, BarRule, DataKind, FillModel, InstrumentKind, OnError);

macro_rules! payloads {
    ($($name:ident),+ $(,)?) => {
        impl Canonical for Payload {
            fn write(&self, out: &mut Vec<u8>) {
                out.push(self.event_type().number());
                match self {
                    $(Self::$name(payload) => payload.write(out),)+
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                let code = reader.field::<u8>()?;
                match EventType::from_u8(code) {
                    $(Some(EventType::$name) => reader.field().map(Self::$name),)+
                    None => Err(reader.unknown("event type", code)),
                }
            }
        }
    };
}
payloads!(
    Start,
    Bar,
    Trade,
    Quote,
    SessionOpened,
    SessionClosed,
    InstrumentStatus,
    Accepted,
    Rejected,
    Filled,
    Cancelled,
    Expired,
    Triggered,
    Replaced,
    CancelRejected,
    ReplaceRejected,
    InDoubt,
    Absent,
    Busted,
    Settled,
    Denied,
    Refused,
    BalanceStatement,
    PositionStatement,
    Transfer,
    Funding,
    Settlement,
    TimerFired,
    RiskFlagSet,
    StrategyHalted,
    EngineStopped,
    DataEnded,
    RunStopped,
);

impl Canonical for Intent {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.intent_type());
        match self {
            Self::PlaceOrder(place) => place.write(out),
            Self::CancelOrder(cancel) => cancel.write(out),
            Self::ReplaceOrder(replace) => replace.write(out),
            Self::SetRiskFlag(flag) => flag.write(out),
            Self::NoOp(nothing) => nothing.write(out),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match reader.field::<u8>()? {
            1 => reader.field().map(Self::PlaceOrder),
            2 => reader.field().map(Self::CancelOrder),
            3 => reader.field().map(Self::ReplaceOrder),
            4 => reader.field().map(Self::SetRiskFlag),
            5 => reader.field().map(Self::NoOp),
            code => Err(reader.unknown("intent type", code)),
        }
    }
}

/// The bytes of a value.
fn encode(value: &impl Canonical) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

/// The value of exactly these bytes.
fn decode<T: Canonical>(data: &[u8]) -> Result<T, CodecError> {
    let mut reader = Reader::new(data);
    let value = reader.field()?;
    reader.end()?;
    Ok(value)
}

/// The event type's code and the payload's fields.
#[must_use]
pub fn encode_payload(payload: &Payload) -> Vec<u8> {
    encode(payload)
}

/// An event: envelope, payload, key.
#[must_use]
pub fn encode_event(event: &Event) -> Vec<u8> {
    encode(event)
}

/// The event of exactly these bytes.
pub fn decode_event(data: &[u8]) -> Result<Event, CodecError> {
    decode(data)
}

/// The next event.
pub fn read_event(reader: &mut Reader<'_>) -> Result<Event, CodecError> {
    reader.field()
}

/// An intent: its code and fields; an order id is written in place.
#[must_use]
pub fn encode_intent(intent: &Intent) -> Vec<u8> {
    encode(intent)
}

/// The next intent.
pub fn read_intent(reader: &mut Reader<'_>) -> Result<Intent, CodecError> {
    reader.field()
}

/// A declaration's fields.
#[must_use]
pub fn encode_declaration(declared: &Declaration) -> Vec<u8> {
    encode(declared)
}

/// The next declaration.
pub fn read_declaration(reader: &mut Reader<'_>) -> Result<Declaration, CodecError> {
    reader.field()
}

/// The configuration: the tables in the order of their declaration, each a u32 count and its rows.
#[must_use]
pub fn encode_config(config: &Config) -> Vec<u8> {
    encode(config)
}

/// The configuration of exactly these bytes. Whether it is valid is `config_problem`.
pub fn decode_config(data: &[u8]) -> Result<Config, CodecError> {
    decode(data)
}
