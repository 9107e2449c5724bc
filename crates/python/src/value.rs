//! Conversions between the core's values and the Python core's own named tuples: fields by place, types by identity.
//!
//! Deliberately not here: whether a value makes sense. What does not fit its field is an OverflowError, ValueError or TypeError.

use cracktrader_core::account::Ledger;
use cracktrader_core::codec::TimerRequest;
use cracktrader_core::engine::Execution;
use cracktrader_core::event::{
    Absent, Accepted, BalanceStatement, Bar, Busted, CancelRejected, Cancelled, DataEnded, Denied, EngineStopped,
    Event, EventType, Expired, Filled, Funding, InDoubt, InstrumentStatus, Payload, PositionStatement, Quote, Refused,
    Rejected, ReplaceRejected, Replaced, RiskFlagSet, RunStopped, SessionClosed, SessionOpened, Settled, Settlement,
    Source, Start, StrategyHalted, TimerFired, Trade, Transfer, Triggered,
};
use cracktrader_core::intent::{CancelOrder, Intent, NoOp, OrderId, PlaceOrder, ReplaceOrder, SetRiskFlag};
use cracktrader_core::matching::{Cause, Command, CommandKind};
use cracktrader_core::portfolio::Position;
use cracktrader_core::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, Price, Quantity, StrategyIndex, Time, VenueIndex,
};
use cracktrader_core::view::{Margin, OrderFacts};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple, PyType};

use crate::call::tuple_of;
use crate::classes::classes;

/// One field of a named tuple.
pub trait Field: Sized {
    /// As Python has it.
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// From what Python has.
    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self>;
}

macro_rules! numbers {
    ($($kind:ty),+) => {
        $(impl Field for $kind {
            fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                Ok(self.into_pyobject(py)?.into_any())
            }

            fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
                item.extract()
            }
        })+
    };
}
numbers!(u8, u16, u32, u64, i64);

impl Field for i128 {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // The stable ABI makes wide numbers out of halves; nearly all amounts are narrow.
        match i64::try_from(*self) {
            Ok(narrow) => narrow.give(py),
            Err(_) => Ok(self.into_pyobject(py)?.into_any()),
        }
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        item.extract()
    }
}

macro_rules! newtypes {
    ($($kind:ident),+) => {
        $(impl Field for $kind {
            fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.give(py)
            }

            fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
                Field::take(item).map($kind)
            }
        })+
    };
}
newtypes!(
    Price,
    Quantity,
    Money,
    Time,
    OrderOrdinal,
    VenueIndex,
    AccountIndex,
    StrategyIndex,
    CurrencyIndex,
    InstrumentIndex
);

impl Field for bool {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyBool::new(py, *self).to_owned().into_any())
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        item.is_truthy()
    }
}

impl Field for Box<str> {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = item.cast::<PyString>()?;
        match text.to_cow() {
            Ok(plain) if plain.is_ascii() => Ok(plain.as_ref().into()),
            _ => Err(PyValueError::new_err(format!("{} is not ASCII", text.repr()?))),
        }
    }
}

/// A named tuple.
pub trait Value: Sized {
    /// As an instance of its class.
    fn of_class<'py>(&self, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>>;
}

/// A named tuple that Python makes and the core takes.
pub trait Taken: Value {
    /// From the fields that Python has.
    fn of(items: &Bound<'_, PyTuple>) -> PyResult<Self>;
}

macro_rules! given {
    ($($kind:ident { $($field:ident),* $(,)? })+) => {
        $(impl Value for $kind {
            fn of_class<'py>(&self, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
                const COUNT: usize = <[&str]>::len(&[$(stringify!($field)),*]);
                let _py = class.py();
                let fields: [Bound<'py, PyAny>; COUNT] = [$(self.$field.give(_py)?),*];
                tuple_of(class, fields)
            }
        })+
    };
}

macro_rules! taken {
    ($($kind:ident { $($field:ident),* $(,)? })+) => {
        given! { $($kind { $($field),* })+ }
        $(impl Taken for $kind {
            fn of(items: &Bound<'_, PyTuple>) -> PyResult<Self> {
                let mut fields = items.iter_borrowed();
                let taken = Self { $($field: Field::take(&*fields.next().ok_or_else(too_short)?)?),* };
                fields.next().map_or(Ok(taken), |_| Err(PyTypeError::new_err("a value has too many fields")))
            }
        })+
    };
}

fn too_short() -> PyErr {
    PyTypeError::new_err("a value has too few fields")
}

/// A named tuple of numbers alone, which a column can hold.
pub trait Row {
    /// What the columns are called.
    const FIELDS: &'static [&'static str];

    /// The cells in the order of the fields.
    fn cells(&self) -> impl Iterator<Item = i128>;
}

macro_rules! rows {
    ($($kind:ident { $($field:ident),* $(,)? })+) => {
        given! { $($kind { $($field),* })+ }
        $(impl Row for $kind {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn cells(&self) -> impl Iterator<Item = i128> {
                [$(self.$field.number()),*].into_iter()
            }
        })+
    };
}

/// A field that a column of numbers can hold.
trait Number {
    fn number(&self) -> i128;
}

macro_rules! numbers_of {
    ($($kind:ty: $number:expr),+ $(,)?) => {
        $(impl Number for $kind {
            fn number(&self) -> i128 {
                let number: fn(&Self) -> i128 = $number;
                number(self)
            }
        })+
    };
}
numbers_of! {
    u8: |number| (*number).into(),
    u16: |number| (*number).into(),
    u64: |number| (*number).into(),
    i64: |number| (*number).into(),
    bool: |flag| (*flag).into(),
    Price: |price| price.0.into(),
    Quantity: |quantity| quantity.0.into(),
    Money: |money| money.0,
    Time: |time| time.0.into(),
    OrderOrdinal: |ordinal| ordinal.0.into(),
    StrategyIndex: |index| index.0.into(),
    CurrencyIndex: |index| index.0.into(),
    InstrumentIndex: |index| index.0.into(),
}

rows! {
    OrderFacts {
        ordinal, strategy, seq, index, instrument, side, order_type, time_in_force, quantity, limit_price, stop_price,
        status, filled_quantity, remaining_quantity, filled_value, created_time, closed_time, code, in_doubt,
        expire_time, post_only, reduce_only, trail_kind, trail_offset, limit_offset, parent, oco,
    }
    Execution {
        order, strategy, instrument, event_time, seq_id, side, quantity, price, fee_currency, fee, liquidity, rule,
        realized_pnl,
    }
}

given! {
    Position { quantity, cost, proceeds, released, net_fills, fee_quantity, transferred, settled }
    Ledger { cash, fees, spot_cost, realized, transfers, funding }
    Margin { initial, maintenance }
    Cause { now, depth }
    Command {
        kind, order, instrument, side, order_type, time_in_force, quantity, limit_price, stop_price, expire_time,
        post_only, reduce_only, trail_kind, trail_offset, limit_offset, parent, oco, cause,
    }
    Event { seq_id, event_time, ingest_time, source, venue, account, instrument, payload, idempotency_key }
}

taken! {
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

    OrderId { strategy, seq, index }
    PlaceOrder {
        instrument, side, order_type, time_in_force, quantity, limit_price, stop_price, expire_time, post_only,
        reduce_only, trail_kind, trail_offset, limit_offset, parent, oco,
    }
    CancelOrder { order }
    ReplaceOrder { order, quantity, limit_price, stop_price }
    SetRiskFlag { flag, on }
    NoOp {}
    TimerRequest { timer, deadline }
}

macro_rules! payloads {
    ($($name:ident),+ $(,)?) => {
        fn give_payload<'py>(payload: &Payload, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
            match payload {
                $(Payload::$name(said) => said.of_class(class),)+
            }
        }

        fn payload_of(code: EventType, items: &Bound<'_, PyTuple>) -> PyResult<Payload> {
            match code {
                $(EventType::$name => $name::of(items).map(Payload::$name),)+
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

impl Field for Payload {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        give_payload(self, classes(py)?.payload(py, self.event_type()))
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        let kind = item.get_type();
        match classes(item.py())?.event_type(&kind) {
            Some(code) => payload_of(code, item.cast::<PyTuple>()?),
            None => Err(PyTypeError::new_err(format!("{} is not a payload", item.repr()?))),
        }
    }
}

impl Field for OrderId {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_class(classes(py)?.order_id.bind(py))
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of(item.cast::<PyTuple>()?)
    }
}

impl Field for Cause {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_class(classes(py)?.cause.bind(py))
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (now, depth) = item.extract()?;
        Ok(Self { now: Time(now), depth })
    }
}

impl Field for CommandKind {
    fn give<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes(py)?.command_kind.bind(py).call1((*self as u8,))
    }

    fn take(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        match item.extract::<u8>()? {
            0 => Ok(Self::Submit),
            1 => Ok(Self::Cancel),
            2 => Ok(Self::Replace),
            number => Err(PyValueError::new_err(format!("there is no command {number}"))),
        }
    }
}

/// A named tuple of the class that `choose` names.
pub fn named<'py>(
    py: Python<'py>,
    value: &impl Value,
    choose: impl FnOnce(&crate::classes::Classes) -> &Py<PyType>,
) -> PyResult<Bound<'py, PyAny>> {
    value.of_class(choose(classes(py)?).bind(py))
}

/// The `Event` of Python.
pub fn give_event<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyAny>> {
    named(py, event, |classes| &classes.event)
}

/// The event that Python pushes. Its source is one of the four, for the order of items depends on it.
pub fn take_event(item: &Bound<'_, PyAny>) -> PyResult<Event> {
    if !item.get_type().is(&classes(item.py())?.event) {
        return Err(PyTypeError::new_err(format!("{} is not an Event", item.repr()?)));
    }
    let items = item.cast::<PyTuple>()?;
    let at = |place: usize| items.get_borrowed_item(place);
    let source: u8 = Field::take(&*at(3)?)?;
    if Source::from_u8(source).is_none() {
        return Err(PyValueError::new_err(format!("there is no source {source}")));
    }
    Ok(Event {
        seq_id: Field::take(&*at(0)?)?,
        event_time: Field::take(&*at(1)?)?,
        ingest_time: Field::take(&*at(2)?)?,
        source,
        venue: Field::take(&*at(4)?)?,
        account: Field::take(&*at(5)?)?,
        instrument: Field::take(&*at(6)?)?,
        payload: Field::take(&*at(7)?)?,
        idempotency_key: Field::take(&*at(8)?)?,
    })
}

/// An intent of exactly one of the five types.
pub fn take_intent(item: &Bound<'_, PyAny>) -> PyResult<Intent> {
    let (classes, kind) = (classes(item.py())?, item.get_type());
    let items = item.cast::<PyTuple>()?;
    if kind.is(&classes.place_order) {
        PlaceOrder::of(items).map(Intent::PlaceOrder)
    } else if kind.is(&classes.cancel_order) {
        CancelOrder::of(items).map(Intent::CancelOrder)
    } else if kind.is(&classes.replace_order) {
        ReplaceOrder::of(items).map(Intent::ReplaceOrder)
    } else if kind.is(&classes.set_risk_flag) {
        SetRiskFlag::of(items).map(Intent::SetRiskFlag)
    } else if kind.is(&classes.no_op) {
        NoOp::of(items).map(Intent::NoOp)
    } else {
        Err(PyTypeError::new_err(format!("{} is not an intent", item.repr()?)))
    }
}

/// The intent as Python has it.
pub fn give_intent<'py>(py: Python<'py>, intent: &Intent) -> PyResult<Bound<'py, PyAny>> {
    match intent {
        Intent::PlaceOrder(one) => named(py, one, |classes| &classes.place_order),
        Intent::CancelOrder(one) => named(py, one, |classes| &classes.cancel_order),
        Intent::ReplaceOrder(one) => named(py, one, |classes| &classes.replace_order),
        Intent::SetRiskFlag(one) => named(py, one, |classes| &classes.set_risk_flag),
        Intent::NoOp(one) => named(py, one, |classes| &classes.no_op),
    }
}

/// A timer to set or to cancel.
pub fn take_timer(item: &Bound<'_, PyAny>) -> PyResult<TimerRequest> {
    TimerRequest::of(item.cast::<PyTuple>()?)
}
