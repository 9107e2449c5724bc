//! `IndicatorView`: a declared indicator, or one line of it, as strategies see it; the twin of
//! `cracktrader.strategy.indicator_views.IndicatorView`. It reads the engine's own indicator and so is live only inside callbacks.

use std::sync::Arc;

use cracktrader_core::indicator::{Declaration, Indicator, IndicatorKind, Step, crossed_above, level};
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyType};

use crate::call::attribute;
use crate::classes;
use crate::live::Live;

/// The names that every view has.
const NAMES: [&str; 4] = ["crossed_above", "crossed_below", "value", "warm"];

/// A bound indicator.
#[pyclass(frozen, name = "IndicatorView", module = "cracktrader.strategy.indicator_views")]
#[derive(Debug)]
pub struct IndicatorView {
    read: Read,
    /// `crossed_above` and `crossed_below`, bound once: a class that looks up names of its own gets no quick method calls from Python.
    crossed_above: Py<PyAny>,
    crossed_below: Py<PyAny>,
}

/// What is read of which indicator.
#[derive(Clone, Debug)]
struct Read {
    live: Arc<Live>,
    index: u32,
    kind: IndicatorKind,
    stream: u16,
    keep: u16,
    line: usize,
    /// All lines, read by their names, or one.
    whole: bool,
}

/// Whose the methods of a view are. Not the view itself, which holds them.
#[pyclass(frozen, name = "IndicatorView", module = "cracktrader.strategy.indicator_views")]
struct Crossing(Read);

#[pymethods]
impl Crossing {
    fn crossed_above(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.0.crosses_any(py, other, true)
    }

    fn crossed_below(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.0.crosses_any(py, other, false)
    }
}

impl IndicatorView {
    /// The indicator with this index; there is one.
    pub fn new(
        py: Python<'_>,
        live: Arc<Live>,
        index: u32,
        kind: IndicatorKind,
        declaration: Declaration,
    ) -> PyResult<Self> {
        let Declaration { stream, keep, .. } = declaration;
        Self::of(py, Read { live, index, kind, stream, keep, line: 0, whole: true })
    }

    fn of(py: Python<'_>, read: Read) -> PyResult<Self> {
        let crossing = Bound::new(py, Crossing(read.clone()))?;
        let crossed_above = crossing.getattr(intern!(py, "crossed_above"))?.unbind();
        let crossed_below = crossing.getattr(intern!(py, "crossed_below"))?.unbind();
        Ok(Self { read, crossed_above, crossed_below })
    }

    fn line_view(&self, py: Python<'_>, line: usize, whole: bool) -> PyResult<Self> {
        Self::of(py, Read { line, whole, ..self.read.clone() })
    }
}

impl Read {
    #[inline]
    fn ask<T>(&self, py: Python<'_>, ask: impl FnOnce(&Indicator) -> T) -> PyResult<T> {
        let answer = self.live.ask(py, |view| view.indicator(self.index).map(ask))?;
        answer.ok_or_else(|| classes::stale(py))
    }

    /// The names of the lines that it has as attributes.
    fn lines(&self) -> &'static [&'static str] {
        let lines = self.kind.rule().lines;
        if self.whole && lines.len() > 1 { lines } else { &[] }
    }

    /// Whether this crossed above the other line of the same run, or below it.
    fn crosses(&self, py: Python<'_>, other: &Self, above: bool) -> PyResult<bool> {
        let crosses = self.live.ask(py, |view| {
            let (a, b) = (view.indicator(self.index)?.step(self.line), view.indicator(other.index)?.step(other.line));
            Some(if above { crossed_above(&a, &b) } else { crossed_above(&b, &a) })
        })?;
        crosses.filter(|_| Arc::ptr_eq(&self.live, &other.live)).ok_or_else(|| classes::stale(py))
    }

    /// The same of a number, or of an indicator written in Python, which is asked the other way round.
    fn crosses_any(&self, py: Python<'_>, other: &Bound<'_, PyAny>, above: bool) -> PyResult<bool> {
        if let Ok(other) = other.cast_exact::<IndicatorView>() {
            return self.crosses(py, &other.get().read, above);
        }
        if other.is_instance_of::<PyFloat>() || other.is_instance_of::<PyInt>() {
            let step: Step = self.ask(py, |one| one.step(self.line))?;
            let level = level(other.extract()?);
            return Ok(if above { crossed_above(&step, &level) } else { crossed_above(&level, &step) });
        }
        if other.get_type().is(&classes::own_indicator_view(py)?) {
            let asked = if above { "crossed_below" } else { "crossed_above" };
            return other.call_method1(asked, (IndicatorView::of(py, self.clone())?,))?.extract();
        }
        Err(PyTypeError::new_err(format!("an indicator crosses another one or a number, not {}", other.repr()?)))
    }

    #[inline]
    fn value(&self, py: Python<'_>) -> PyResult<f64> {
        self.ask(py, |one| one.value(self.line, 0))
    }

    fn warm(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, |one| if self.whole { one.warm() } else { one.number(self.line).is_some() })
    }
}

#[pymethods]
impl IndicatorView {
    /// The class for `isinstance`: the Python twin.
    #[getter(__class__)]
    fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        classes::indicator_view(py)
    }

    /// The names that are read on nearly every bar are told apart by identity, before Python's search through the class.
    fn __getattribute__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        if name.is(intern!(py, "value")) {
            Ok(PyFloat::new(py, this.read.value(py)?).into_any())
        } else if name.is(intern!(py, "crossed_above")) {
            Ok(this.crossed_above.bind(py).clone())
        } else if name.is(intern!(py, "crossed_below")) {
            Ok(this.crossed_below.bind(py).clone())
        } else {
            attribute(slf, name)
        }
    }

    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<f64> {
        self.read.value(py)
    }

    #[getter]
    fn warm(&self, py: Python<'_>) -> PyResult<bool> {
        self.read.warm(py)
    }

    #[getter]
    const fn _index(&self) -> u32 {
        self.read.index
    }

    #[getter]
    const fn _line(&self) -> usize {
        self.read.line
    }

    #[getter]
    const fn _stream(&self) -> u16 {
        self.read.stream
    }

    /// One of its lines.
    fn _of_line(&self, py: Python<'_>, line: usize) -> PyResult<Self> {
        self.line_view(py, line, false)
    }

    fn crossed_above(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.read.crosses_any(py, other, true)
    }

    fn crossed_below(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.read.crosses_any(py, other, false)
    }

    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
        let read = &self.read;
        if let Some(line) = read.lines().iter().position(|line| *line == name) {
            return self.line_view(py, line, false);
        }
        let (kind, known) = (read.kind.rule().name, [&NAMES[..], read.lines()].concat().join(", "));
        Err(PyAttributeError::new_err(format!("an indicator {kind} has no {name}; it has: {known}")))
    }

    fn __dir__(&self) -> Vec<&'static str> {
        let mut names = [&NAMES[..], self.read.lines()].concat();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn __getitem__(&self, py: Python<'_>, ago: &Bound<'_, PyAny>) -> PyResult<f64> {
        let read = &self.read;
        match ago.extract::<i64>() {
            Ok(place) if place <= 0 && place > -i64::from(read.keep) => {
                read.ask(py, |one| one.value(read.line, place.unsigned_abs() as usize))
            }
            _ => Err(PyIndexError::new_err(format!(
                "this indicator keeps {} values, [0] now to [-{}], not [{}]: declare it with a larger keep=",
                read.keep,
                read.keep - 1,
                ago.str()?
            ))),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        self.value(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (read, all) = (&self.read, self.read.kind.rule().lines);
        let shown = if read.whole { 0..all.len() } else { read.line..read.line + 1 };
        let mut text = String::from("IndicatorView(");
        for line in shown {
            let value = PyFloat::new(py, read.ask(py, |one| one.value(line, 0))?).repr()?;
            text.push_str(&format!("{}={value}, ", all[line]));
        }
        let warm = if read.warm(py)? { "True" } else { "False" };
        Ok(format!("{text}warm={warm})"))
    }
}
