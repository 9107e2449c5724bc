//! `BarView`: a bar as strategies see it, the twin of `cracktrader.strategy.views.BarView`, which converts a field when it is read.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use cracktrader_core::event::{Bar, Event};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString, PyTuple, PyType};

use crate::classes;

/// What all bars of a stream share.
#[derive(Debug)]
pub struct Shared {
    pub symbol: Py<PyString>,
    pub stream: u16,
    pub price_decimals: u8,
    pub volume_decimals: u8,
    pub timeframe: Py<PyString>,
}

/// A closed bar. Immutable for Python; the loop refills one that nobody kept. Plain loads and stores: the lock orders them.
#[pyclass(frozen, name = "BarView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct BarView {
    shared: Shared,
    price_scale: f64,
    volume_scale: f64,
    seq_id: AtomicU64,
    event_time: AtomicI64,
    open_time: AtomicI64,
    close_time: AtomicI64,
    open: AtomicI64,
    high: AtomicI64,
    low: AtomicI64,
    close: AtomicI64,
    volume: AtomicI64,
}

/// The names of a bar, sorted.
const NAMES: [&str; 17] = [
    "close",
    "close_exact",
    "close_time",
    "event_time",
    "event_type",
    "high",
    "high_exact",
    "low",
    "low_exact",
    "open",
    "open_exact",
    "open_time",
    "seq_id",
    "symbol",
    "timeframe",
    "volume",
    "volume_exact",
];

/// f64(10**d), exact up to 22.
pub fn scale(decimals: u8) -> f64 {
    10_i128.pow(decimals.into()) as f64
}

impl BarView {
    /// An empty one.
    pub fn new(shared: Shared) -> Self {
        Self {
            price_scale: scale(shared.price_decimals),
            volume_scale: scale(shared.volume_decimals),
            shared,
            seq_id: AtomicU64::new(0),
            event_time: AtomicI64::new(0),
            open_time: AtomicI64::new(0),
            close_time: AtomicI64::new(0),
            open: AtomicI64::new(0),
            high: AtomicI64::new(0),
            low: AtomicI64::new(0),
            close: AtomicI64::new(0),
            volume: AtomicI64::new(0),
        }
    }

    /// Another empty one of the same stream.
    pub fn empty(&self, py: Python<'_>) -> Self {
        let Shared { symbol, stream, price_decimals, volume_decimals, timeframe } = &self.shared;
        Self::new(Shared {
            symbol: symbol.clone_ref(py),
            stream: *stream,
            price_decimals: *price_decimals,
            volume_decimals: *volume_decimals,
            timeframe: timeframe.clone_ref(py),
        })
    }

    /// Put a bar in. Only before it is given to Python.
    pub fn fill(&self, event: &Event, bar: &Bar) {
        let fields = [
            (&self.event_time, event.event_time.0),
            (&self.open_time, bar.open_time.0),
            (&self.close_time, bar.close_time.0),
            (&self.open, bar.open.0),
            (&self.high, bar.high.0),
            (&self.low, bar.low.0),
            (&self.close, bar.close.0),
            (&self.volume, bar.volume),
        ];
        for (field, value) in fields {
            field.store(value, Ordering::Relaxed);
        }
        self.seq_id.store(event.seq_id, Ordering::Relaxed);
    }

    fn price(&self, mantissa: &AtomicI64) -> f64 {
        read(mantissa) as f64 / self.price_scale
    }

    fn price_exact<'py>(&self, py: Python<'py>, mantissa: &AtomicI64) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(mantissa), self.shared.price_decimals)
    }

    /// The numbers that count for equality, floats as a reader sees them.
    fn numbers(&self) -> ([i64; 2], [f64; 5], u64) {
        let times = [read(&self.open_time), read(&self.close_time)];
        (times, [self.open(), self.high(), self.low(), self.close(), self.volume()], self.seq_id())
    }
}

pub fn read(field: &AtomicI64) -> i64 {
    field.load(Ordering::Relaxed)
}

#[pymethods]
impl BarView {
    /// The class for `isinstance`: the Python twin.
    #[getter(__class__)]
    fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        classes::bar_view(py)
    }

    /// Which stream it is of, for indicators written in Python.
    #[getter]
    const fn _stream(&self) -> u16 {
        self.shared.stream
    }

    #[getter]
    fn seq_id(&self) -> u64 {
        self.seq_id.load(Ordering::Relaxed)
    }

    #[getter]
    fn event_time(&self) -> i64 {
        read(&self.event_time)
    }

    #[getter]
    fn event_type(&self) -> &'static str {
        "Bar"
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.symbol.clone_ref(py)
    }

    #[getter]
    fn timeframe(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.timeframe.clone_ref(py)
    }

    #[getter]
    fn open_time(&self) -> i64 {
        read(&self.open_time)
    }

    #[getter]
    fn close_time(&self) -> i64 {
        read(&self.close_time)
    }

    #[getter]
    fn open(&self) -> f64 {
        self.price(&self.open)
    }

    #[getter]
    fn high(&self) -> f64 {
        self.price(&self.high)
    }

    #[getter]
    fn low(&self) -> f64 {
        self.price(&self.low)
    }

    #[getter]
    fn close(&self) -> f64 {
        self.price(&self.close)
    }

    #[getter]
    fn volume(&self) -> f64 {
        read(&self.volume) as f64 / self.volume_scale
    }

    #[getter]
    fn open_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.price_exact(py, &self.open)
    }

    #[getter]
    fn high_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.price_exact(py, &self.high)
    }

    #[getter]
    fn low_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.price_exact(py, &self.low)
    }

    #[getter]
    fn close_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.price_exact(py, &self.close)
    }

    #[getter]
    fn volume_exact<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        classes::decimal(py, read(&self.volume), self.shared.volume_decimals)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast_exact::<Self>() else { return Ok(py.NotImplemented()) };
        let other = other.get();
        let names = |one: &Self| PyTuple::new(py, [one.shared.symbol.bind(py), one.shared.timeframe.bind(py)]);
        let same = self.numbers() == other.numbers() && names(self)?.eq(names(other)?)?;
        Ok(same.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        let (times, floats, seq_id) = self.numbers();
        let names = [&self.shared.symbol, &self.shared.timeframe];
        let mut key = names.map(|name| name.bind(py).clone().into_any()).to_vec();
        for time in times {
            key.push(PyInt::new(py, time).into_any());
        }
        for float in floats {
            key.push(PyFloat::new(py, float).into_any());
        }
        key.push(PyInt::new(py, seq_id).into_any());
        PyTuple::new(py, key)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let ([open_time, close_time], floats, seq_id) = self.numbers();
        let (symbol, timeframe) = (self.shared.symbol.bind(py).repr()?, self.shared.timeframe.bind(py).repr()?);
        let mut text = format!("BarView(symbol={symbol}, timeframe={timeframe}");
        text += &format!(", open_time={open_time}, close_time={close_time}");
        for (name, float) in ["open", "high", "low", "close", "volume"].into_iter().zip(floats) {
            text += &format!(", {name}={}", PyFloat::new(py, float).repr()?);
        }
        Ok(text + &format!(", seq_id={seq_id})"))
    }

    fn __dir__(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn __setattr__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let _is_refused = value;
        Err(PyAttributeError::new_err(format!("BarView is a frozen value: {name} cannot be set")))
    }

    fn __delattr__(&self, name: &str) -> PyResult<()> {
        Err(PyAttributeError::new_err(format!("BarView is a frozen value: {name} cannot be deleted")))
    }
}
