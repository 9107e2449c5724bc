//! `IndicatorView`: a declared indicator, or one line of it, as strategies see it; the twin of
//! `cracktrader.strategy.indicator_views.IndicatorView`. It reads the engine's own indicator and so is live only inside callbacks.

use std::sync::Arc;

use cracktrader_core::indicator::{Declaration, Indicator, IndicatorKind, Step, crossed_above, level};
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyType};

use crate::classes;
use crate::live::Live;

/// The names that every view has.
const NAMES: [&str; 4] = ["crossed_above", "crossed_below", "value", "warm"];

/// A bound indicator.
#[pyclass(frozen, name = "IndicatorView", module = "cracktrader.strategy.indicator_views")]
#[derive(Debug)]
pub struct IndicatorView {
    live: Arc<Live>,
    index: u32,
    kind: IndicatorKind,
    stream: u16,
    keep: u16,
    line: usize,
    /// All lines, read by their names, or one.
    whole: bool,
}

impl IndicatorView {
    /// The indicator with this index; there is one.
    pub const fn new(live: Arc<Live>, index: u32, kind: IndicatorKind, declaration: Declaration) -> Self {
        let Declaration { stream, keep, .. } = declaration;
        Self { live, index, kind, stream, keep, line: 0, whole: true }
    }

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
        if let Ok(other) = other.cast::<Self>() {
            return self.crosses(py, other.get(), above);
        }
        if other.is_instance_of::<PyFloat>() || other.is_instance_of::<PyInt>() {
            let step: Step = self.ask(py, |one| one.step(self.line))?;
            let level = level(other.extract()?);
            return Ok(if above { crossed_above(&step, &level) } else { crossed_above(&level, &step) });
        }
        if other.get_type().is(&classes::own_indicator_view(py)?) {
            let asked = if above { "crossed_below" } else { "crossed_above" };
            return other.call_method1(asked, (self.line_view(self.line, self.whole),))?.extract();
        }
        Err(PyTypeError::new_err(format!("an indicator crosses another one or a number, not {}", other.repr()?)))
    }

    fn line_view(&self, line: usize, whole: bool) -> Self {
        let Self { index, kind, stream, keep, .. } = *self;
        Self { live: Arc::clone(&self.live), index, kind, stream, keep, line, whole }
    }
}

#[pymethods]
impl IndicatorView {
    /// The class for `isinstance`: the Python twin.
    #[getter(__class__)]
    fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        classes::indicator_view(py)
    }

    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<f64> {
        self.ask(py, |one| one.value(self.line, 0))
    }

    #[getter]
    fn warm(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, |one| if self.whole { one.warm() } else { one.number(self.line).is_some() })
    }

    #[getter]
    const fn _index(&self) -> u32 {
        self.index
    }

    #[getter]
    const fn _line(&self) -> usize {
        self.line
    }

    #[getter]
    const fn _stream(&self) -> u16 {
        self.stream
    }

    /// One of its lines.
    fn _of_line(&self, line: usize) -> Self {
        self.line_view(line, false)
    }

    fn crossed_above(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.crosses_any(py, other, true)
    }

    fn crossed_below(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.crosses_any(py, other, false)
    }

    fn __getattr__(&self, name: &str) -> PyResult<Self> {
        if let Some(line) = self.lines().iter().position(|line| *line == name) {
            return Ok(self.line_view(line, false));
        }
        let (kind, known) = (self.kind.rule().name, [&NAMES[..], self.lines()].concat().join(", "));
        Err(PyAttributeError::new_err(format!("an indicator {kind} has no {name}; it has: {known}")))
    }

    fn __dir__(&self) -> Vec<&'static str> {
        let mut names = [&NAMES[..], self.lines()].concat();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn __getitem__(&self, py: Python<'_>, ago: &Bound<'_, PyAny>) -> PyResult<f64> {
        match ago.extract::<i64>() {
            Ok(place) if place <= 0 && place > -i64::from(self.keep) => {
                self.ask(py, |one| one.value(self.line, place.unsigned_abs() as usize))
            }
            _ => Err(PyIndexError::new_err(format!(
                "this indicator keeps {} values, [0] now to [-{}], not [{}]: declare it with a larger keep=",
                self.keep,
                self.keep - 1,
                ago.str()?
            ))),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        self.value(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let all = self.kind.rule().lines;
        let shown = if self.whole { 0..all.len() } else { self.line..self.line + 1 };
        let mut text = String::from("IndicatorView(");
        for line in shown {
            let value = PyFloat::new(py, self.ask(py, |one| one.value(line, 0))?).repr()?;
            text.push_str(&format!("{}={value}, ", all[line]));
        }
        let warm = if self.warm(py)? { "True" } else { "False" };
        Ok(format!("{text}warm={warm})"))
    }
}
