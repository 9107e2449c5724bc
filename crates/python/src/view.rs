//! `View`: what `StrategyContext` asks, the twin of `cracktrader.core.view.View`. Answers are values in mantissas.

use std::sync::Arc;

use cracktrader_core::config::Config;
use cracktrader_core::event::Payload;
use cracktrader_core::indicator::Declaration;
use cracktrader_core::units::{InstrumentIndex, OrderOrdinal, StrategyIndex};
use cracktrader_core::view::{OrderFacts, View as CoreView};
use cracktrader_core::wake::{Op, Operand, OperandKind, Term, WakeProblem};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::context::Context;
use crate::indicator::IndicatorView;
use crate::live::Live;
use crate::value::{Field, named};

/// Questions of one machine, answered during its callbacks.
#[pyclass(frozen, name = "View", module = "cracktrader.core.view")]
#[derive(Debug)]
pub struct View {
    live: Arc<Live>,
    config: Arc<Config>,
}

type Answer<'py> = PyResult<Bound<'py, PyAny>>;

impl View {
    /// The view of a machine.
    pub const fn new(live: Arc<Live>, config: Arc<Config>) -> Self {
        Self { live, config }
    }

    /// Where the engine is asked.
    pub const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// What is declared.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn ask<T>(&self, py: Python<'_>, ask: impl FnOnce(&mut CoreView<'_>) -> T) -> PyResult<T> {
        self.live.ask(py, ask)
    }

    fn strategy(&self, strategy: u16) -> PyResult<StrategyIndex> {
        if usize::from(strategy) < self.config.strategies.len() {
            Ok(StrategyIndex(strategy))
        } else {
            Err(PyIndexError::new_err(format!("strategy {strategy} is not declared")))
        }
    }

    fn instrument(&self, instrument: u32) -> PyResult<InstrumentIndex> {
        if (instrument as usize) < self.config.instruments.len() {
            Ok(InstrumentIndex(instrument))
        } else {
            Err(PyIndexError::new_err(format!("instrument {instrument} is not declared")))
        }
    }
}

fn give_facts(py: Python<'_>, facts: OrderFacts) -> Answer<'_> {
    named(py, &facts, |classes| &classes.order_facts)
}

fn maybe_facts(py: Python<'_>, facts: Option<OrderFacts>) -> PyResult<Option<Bound<'_, PyAny>>> {
    facts.map(|facts| give_facts(py, facts)).transpose()
}

fn maybe<'py>(py: Python<'py>, value: Option<impl Field>) -> PyResult<Option<Bound<'py, PyAny>>> {
    value.map(|value| value.give(py)).transpose()
}

/// A term of a wake condition, of its numbers; a problem for one that stands for nothing.
fn take_term(term: &Bound<'_, PyAny>) -> PyResult<Result<Term, WakeProblem>> {
    let (op, a, b, every): (u8, Bound<'_, PyAny>, Bound<'_, PyAny>, u64) = term.extract()?;
    let (a, b) = (take_operand(&a)?, take_operand(&b)?);
    let op = Op::from_u8(op).ok_or(WakeProblem::Unknown("term", op.into()));
    Ok(op.and_then(|op| Ok(Term { op, a: a?, b: b?, every })))
}

fn take_operand(operand: &Bound<'_, PyAny>) -> PyResult<Result<Operand, WakeProblem>> {
    let (kind, number, line, ago, level): (u8, u32, u8, u16, f64) = operand.extract()?;
    let kind = OperandKind::from_u8(kind).ok_or(WakeProblem::Unknown("operand", kind.into()));
    Ok(kind.map(|kind| Operand { kind, number, line, ago, level }))
}

#[pymethods]
impl View {
    /// What contexts that ask this view begin with.
    #[getter]
    fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyType> {
        py.get_type::<Context>()
    }

    #[getter]
    fn active(&self) -> bool {
        self.live.active()
    }

    #[setter]
    fn set_active(&self, active: bool) {
        self.live.set_active(active);
    }

    fn now(&self, py: Python<'_>) -> PyResult<i64> {
        self.ask(py, |view| view.now().0)
    }

    fn seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.ask(py, |view| view.seq())
    }

    fn position<'py>(&self, py: Python<'py>, strategy: u16, instrument: u32) -> Answer<'py> {
        let position = self.ask(py, |view| view.position(StrategyIndex(strategy), InstrumentIndex(instrument)))?;
        named(py, &position, |classes| &classes.position)
    }

    fn account_position<'py>(&self, py: Python<'py>, instrument: u32) -> Answer<'py> {
        let instrument = self.instrument(instrument)?;
        let position = self.ask(py, |view| view.account_position(instrument))?;
        named(py, &position, |classes| &classes.position)
    }

    fn working<'py>(&self, py: Python<'py>, strategy: u16, instrument: u32) -> Answer<'py> {
        let (buying, selling) =
            self.ask(py, |view| view.working(StrategyIndex(strategy), InstrumentIndex(instrument)))?;
        Ok((buying.give(py)?, selling.give(py)?).into_pyobject(py)?.into_any())
    }

    fn market_orders<'py>(&self, py: Python<'py>, strategy: u16, instrument: u32) -> Answer<'py> {
        self.ask(py, |view| view.market_orders(StrategyIndex(strategy), InstrumentIndex(instrument)))?.give(py)
    }

    fn mark<'py>(&self, py: Python<'py>, instrument: u32) -> PyResult<Option<Bound<'py, PyAny>>> {
        let instrument = self.instrument(instrument)?;
        maybe(py, self.ask(py, |view| view.mark(instrument))?)
    }

    fn delivered(&self, py: Python<'_>, stream: u16) -> PyResult<u64> {
        let unknown = || PyIndexError::new_err(format!("stream {stream} is not declared"));
        self.ask(py, |view| view.delivered(stream))?.ok_or_else(unknown)
    }

    fn recent<'py>(&self, py: Python<'py>, stream: u16, count: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let unknown = || PyIndexError::new_err(format!("stream {stream} is not declared"));
        let bars = self.ask(py, |view| view.recent(stream, count))?.ok_or_else(unknown)?;
        bars.into_iter().map(|bar| Payload::Bar(bar).give(py)).collect()
    }

    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        maybe(py, self.ask(py, |view| view.equity())?)
    }

    fn cash<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        maybe(py, self.ask(py, |view| view.cash())?)
    }

    fn margin<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let margin = self.ask(py, |view| view.margin())?;
        margin.map(|margin| named(py, &margin, |classes| &classes.margin)).transpose()
    }

    fn orders<'py>(&self, py: Python<'py>, strategy: u16) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let orders = self.ask(py, |view| view.orders(StrategyIndex(strategy)))?;
        orders.into_iter().map(|facts| give_facts(py, facts)).collect()
    }

    fn order<'py>(&self, py: Python<'py>, strategy: u16, seq: u64, index: u16) -> PyResult<Option<Bound<'py, PyAny>>> {
        maybe_facts(py, self.ask(py, |view| view.order(StrategyIndex(strategy), seq, index))?)
    }

    fn order_by_ordinal<'py>(&self, py: Python<'py>, ordinal: u64) -> PyResult<Option<Bound<'py, PyAny>>> {
        maybe_facts(py, self.ask(py, |view| view.order_by_ordinal(OrderOrdinal(ordinal)))?)
    }

    fn draw(&self, py: Python<'_>, strategy: u16) -> PyResult<u64> {
        let strategy = self.strategy(strategy)?;
        self.ask(py, |view| view.draw(strategy))
    }

    fn below(&self, py: Python<'_>, strategy: u16, bound: u64) -> PyResult<u64> {
        let strategy = self.strategy(strategy)?;
        let drawn = self.ask(py, |view| view.below(strategy, bound))?;
        drawn.ok_or_else(|| PyValueError::new_err("below needs a bound above 0"))
    }

    fn next_timer(&self, py: Python<'_>, strategy: u16) -> PyResult<u64> {
        let strategy = self.strategy(strategy)?;
        self.ask(py, |view| view.next_timer(strategy))
    }

    fn restore(&self, py: Python<'_>, strategy: u16, random_counter: u64, next_timer: u64) -> PyResult<()> {
        let strategy = self.strategy(strategy)?;
        self.ask(py, |view| view.restore(strategy, random_counter, next_timer))
    }

    fn declare(&self, py: Python<'_>, strategy: u16, declaration: &Bound<'_, PyTuple>) -> PyResult<u32> {
        let strategy = self.strategy(strategy)?;
        let (kind, parameters, stream, bar_field, source, line, keep) = declaration.extract()?;
        let declaration = Declaration { kind, parameters, stream, bar_field, source, line, keep };
        self.ask(py, |view| view.declare(strategy, declaration))?
            .map_err(|problem| PyValueError::new_err(problem.to_string()))
    }

    fn wake(&self, py: Python<'_>, strategy: u16, stream: u16, terms: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let strategy = self.strategy(strategy)?;
        let refused = |problem: WakeProblem| PyValueError::new_err(problem.to_string());
        let terms = terms.iter().map(take_term).collect::<PyResult<Result<Vec<_>, _>>>()?.map_err(refused)?;
        self.ask(py, |view| view.wake(strategy, stream, &terms))?.map_err(refused)
    }

    fn indicator(&self, py: Python<'_>, index: u32) -> PyResult<IndicatorView> {
        let found = self.ask(py, |view| view.indicator(index).map(|one| (one.kind(), one.declaration)))?;
        match found {
            Some((kind, declaration)) => IndicatorView::new(py, Arc::clone(&self.live), index, kind, declaration),
            None => Err(PyIndexError::new_err(format!("indicator {index} is not declared"))),
        }
    }
}
