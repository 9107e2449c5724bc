//! `TradeView` and `QuoteView`: a trade and a quote as strategies see them, the twins of those in `cracktrader.strategy.views`, which
//! convert a field when it is read.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use cracktrader_core::event::{Event, Quote, Trade};
use cracktrader_core::instrument::Instrument;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::bar::{read, scale};
use crate::classes;

/// What all trades and quotes of an instrument share.
#[derive(Debug)]
pub struct Traded {
    symbol: Py<PyString>,
    price_decimals: u8,
    quantity_decimals: u8,
    price_scale: f64,
    quantity_scale: f64,
}

impl Traded {
    /// Of an instrument.
    pub fn new(py: Python<'_>, instrument: &Instrument) -> Self {
        let Instrument { price_decimals, quantity_decimals, .. } = *instrument;
        Self {
            symbol: PyString::new(py, &instrument.name).unbind(),
            price_decimals,
            quantity_decimals,
            price_scale: scale(price_decimals),
            quantity_scale: scale(quantity_decimals),
        }
    }

    /// The same once more.
    pub fn again(&self, py: Python<'_>) -> Self {
        Self { symbol: self.symbol.clone_ref(py), ..*self }
    }

    fn price(&self, mantissa: &AtomicI64) -> f64 {
        read(mantissa) as f64 / self.price_scale
    }

    fn quantity(&self, mantissa: &AtomicI64) -> f64 {
        read(mantissa) as f64 / self.quantity_scale
    }
}

/// The methods of a view: its getters; equality, hash, repr and dir by the values it shows, as its Python twin has them; and that it is
/// frozen.
macro_rules! frozen_value {
    (
        $view:ident, $name:literal, $twin:ident, shown: [$($shown:literal => $field:ident),+], names: [$($names:literal),+],
        $($getters:tt)*
    ) => {
        impl $view {
            /// The values that are shown and that count for equality.
            fn key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                let values = [$(self.$field(py).into_pyobject(py)?.into_any().unbind()),+];
                PyTuple::new(py, values)
            }
        }

        #[pymethods]
        impl $view {
            $($getters)*

            /// The class for `isinstance`: the Python twin.
            #[getter(__class__)]
            fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
                classes::$twin(py)
            }

            fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                let py = other.py();
                let Ok(other) = other.cast_exact::<Self>() else { return Ok(py.NotImplemented()) };
                let same = self.key(py)?.eq(other.get().key(py)?)?;
                Ok(same.into_pyobject(py)?.to_owned().into_any().unbind())
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                self.key(py)?.hash()
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let mut shown = Vec::new();
                for (name, value) in [$($shown),+].into_iter().zip(self.key(py)?.iter()) {
                    shown.push(format!("{name}={}", value.repr()?));
                }
                Ok(format!("{}({})", $name, shown.join(", ")))
            }

            fn __dir__(&self) -> Vec<&'static str> {
                vec![$($names),+]
            }

            fn __setattr__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
                let _is_refused = value;
                Err(PyAttributeError::new_err(format!("{} is a frozen value: {name} cannot be set", $name)))
            }

            fn __delattr__(&self, name: &str) -> PyResult<()> {
                Err(PyAttributeError::new_err(format!("{} is a frozen value: {name} cannot be deleted", $name)))
            }
        }
    };
}

/// A public trade. Immutable for Python; the loop refills one that nobody kept. Plain loads and stores: the lock orders them.
#[pyclass(frozen, name = "TradeView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct TradeView {
    shared: Traded,
    seq_id: AtomicU64,
    event_time: AtomicI64,
    price: AtomicI64,
    quantity: AtomicI64,
    aggressor: AtomicU8,
}

impl TradeView {
    /// An empty one.
    pub const fn new(shared: Traded) -> Self {
        Self {
            shared,
            seq_id: AtomicU64::new(0),
            event_time: AtomicI64::new(0),
            price: AtomicI64::new(0),
            quantity: AtomicI64::new(0),
            aggressor: AtomicU8::new(0),
        }
    }

    /// What it shares with the others of its instrument.
    pub const fn shared(&self) -> &Traded {
        &self.shared
    }

    /// Put a trade in. Only before it is given to Python.
    pub fn fill(&self, event: &Event, trade: &Trade) {
        self.seq_id.store(event.seq_id, Ordering::Relaxed);
        self.event_time.store(event.event_time.0, Ordering::Relaxed);
        self.price.store(trade.price.0, Ordering::Relaxed);
        self.quantity.store(trade.quantity.0, Ordering::Relaxed);
        self.aggressor.store(trade.aggressor, Ordering::Relaxed);
    }
}

frozen_value! {
    TradeView, "TradeView", trade_view,
    shown: [
        "symbol" => symbol, "event_time" => event_time, "price" => price, "quantity" => quantity, "aggressor" => aggressor,
        "seq_id" => seq_id
    ],
    names: [
        "aggressor", "event_time", "event_type", "price", "price_exact", "quantity", "quantity_exact", "seq_id", "symbol"
    ],

    #[getter]
    fn seq_id(&self, _py: Python<'_>) -> u64 {
        self.seq_id.load(Ordering::Relaxed)
    }

    #[getter]
    fn event_time(&self, _py: Python<'_>) -> i64 {
        read(&self.event_time)
    }

    #[getter]
    fn event_type(&self) -> &'static str {
        "Trade"
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.symbol.clone_ref(py)
    }

    #[getter]
    fn price(&self, _py: Python<'_>) -> f64 {
        self.shared.price(&self.price)
    }

    #[getter]
    fn quantity(&self, _py: Python<'_>) -> f64 {
        self.shared.quantity(&self.quantity)
    }

    #[getter]
    fn aggressor(&self, _py: Python<'_>) -> &'static str {
        match self.aggressor.load(Ordering::Relaxed) {
            1 => "buy",
            2 => "sell",
            _ => "",
        }
    }

    #[getter]
    fn price_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(&self.price), self.shared.price_decimals)
    }

    #[getter]
    fn quantity_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(&self.quantity), self.shared.quantity_decimals)
    }
}

/// Best bid and ask. Immutable for Python; the loop refills one that nobody kept. Plain loads and stores: the lock orders them.
#[pyclass(frozen, name = "QuoteView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct QuoteView {
    shared: Traded,
    seq_id: AtomicU64,
    event_time: AtomicI64,
    bid: AtomicI64,
    bid_quantity: AtomicI64,
    ask: AtomicI64,
    ask_quantity: AtomicI64,
}

impl QuoteView {
    /// An empty one.
    pub const fn new(shared: Traded) -> Self {
        Self {
            shared,
            seq_id: AtomicU64::new(0),
            event_time: AtomicI64::new(0),
            bid: AtomicI64::new(0),
            bid_quantity: AtomicI64::new(0),
            ask: AtomicI64::new(0),
            ask_quantity: AtomicI64::new(0),
        }
    }

    /// What it shares with the others of its instrument.
    pub const fn shared(&self) -> &Traded {
        &self.shared
    }

    /// Put a quote in. Only before it is given to Python.
    pub fn fill(&self, event: &Event, quote: &Quote) {
        self.seq_id.store(event.seq_id, Ordering::Relaxed);
        self.event_time.store(event.event_time.0, Ordering::Relaxed);
        self.bid.store(quote.bid_price.0, Ordering::Relaxed);
        self.bid_quantity.store(quote.bid_quantity.0, Ordering::Relaxed);
        self.ask.store(quote.ask_price.0, Ordering::Relaxed);
        self.ask_quantity.store(quote.ask_quantity.0, Ordering::Relaxed);
    }
}

frozen_value! {
    QuoteView, "QuoteView", quote_view,
    shown: [
        "symbol" => symbol, "event_time" => event_time, "bid" => bid, "bid_quantity" => bid_quantity, "ask" => ask,
        "ask_quantity" => ask_quantity, "seq_id" => seq_id
    ],
    names: [
        "ask", "ask_exact", "ask_quantity", "bid", "bid_exact", "bid_quantity", "event_time", "event_type", "seq_id", "symbol"
    ],

    #[getter]
    fn seq_id(&self, _py: Python<'_>) -> u64 {
        self.seq_id.load(Ordering::Relaxed)
    }

    #[getter]
    fn event_time(&self, _py: Python<'_>) -> i64 {
        read(&self.event_time)
    }

    #[getter]
    fn event_type(&self) -> &'static str {
        "Quote"
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.symbol.clone_ref(py)
    }

    #[getter]
    fn bid(&self, _py: Python<'_>) -> f64 {
        self.shared.price(&self.bid)
    }

    #[getter]
    fn bid_quantity(&self, _py: Python<'_>) -> f64 {
        self.shared.quantity(&self.bid_quantity)
    }

    #[getter]
    fn ask(&self, _py: Python<'_>) -> f64 {
        self.shared.price(&self.ask)
    }

    #[getter]
    fn ask_quantity(&self, _py: Python<'_>) -> f64 {
        self.shared.quantity(&self.ask_quantity)
    }

    #[getter]
    fn bid_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(&self.bid), self.shared.price_decimals)
    }

    #[getter]
    fn ask_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(&self.ask), self.shared.price_decimals)
    }
}
