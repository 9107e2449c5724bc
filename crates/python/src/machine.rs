//! `Machine`: one run on this core, as `cracktrader.backend` drives it. The run loop crosses to Python for callbacks, signals and
//! progress only.
//!
//! Deliberately not here: what a step does; that is the core's engine.

use std::time::{Duration, Instant};

use cracktrader_core::codec::{DataRun, decode_config, encode_venue, full_root};
use cracktrader_core::engine::{CheckpointProblem, Engine, bind_again, restore, save};
use cracktrader_core::event::{Rows, SessionRows};
use cracktrader_core::replay::{RecordedHost, Replay, ReplayError, Strategies};
use cracktrader_core::state::State;
use cracktrader_core::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, StrategyIndex, VenueIndex,
};
use cracktrader_core::view::facts;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::classes::not_canonical;
use crate::columns::{rows, schedule_rows, session_rows};
use crate::host::PyHost;
use crate::journal::{Asked, Keeper, given};
use crate::left::{Curve, table};
use crate::value::{Field, Value, named, take_event};

/// How often signals are looked for.
const POLL: Duration = Duration::from_millis(10);
/// How often progress is told.
const TELL: Duration = Duration::from_millis(50);
/// The fewest and the most steps between two looks at the clock.
const STEPS: (u64, u64) = (1, 1 << 16);

/// One run.
#[pyclass(module = "cracktrader._core")]
#[derive(Debug)]
pub struct Machine {
    engine: Engine,
    host: PyHost,
    keeper: Option<Keeper>,
}

type Answer<'py> = PyResult<Bound<'py, PyAny>>;

impl Machine {
    const fn state(&self) -> &State {
        &self.engine.store.state
    }

    fn run_some(&mut self, py: Python<'_>, steps: u64) -> PyResult<bool> {
        let done = self.host.drive(py, |host| self.engine.run_some(steps, host));
        self.written(py, done)
    }

    /// What a journal that cannot be written says comes before what the engine did meanwhile, but after what the host did wrong.
    fn written<T>(&self, py: Python<'_>, done: PyResult<T>) -> PyResult<T> {
        let failed = self.engine.journal.as_ref().is_some_and(|journal| journal.failed);
        match &self.keeper {
            Some(keeper) if failed => done.and_then(|done| keeper.check(py).map(|()| done)),
            _ => done,
        }
    }

    /// Hand over what the engine holds back, but for a stretch of data steps; who writes it, and that stretch.
    fn flush(&mut self, py: Python<'_>) -> PyResult<Option<(Keeper, DataRun)>> {
        let (Some(journal), Some(keeper)) = (&mut self.engine.journal, &self.keeper) else { return Ok(None) };
        journal.flush();
        keeper.check(py)?;
        Ok(Some((keeper.clone(), journal.pending)))
    }
}

/// Steps for the next poll: about as many as fit in its time.
fn next_steps(steps: u64, took: Duration) -> u64 {
    let steps = if took < POLL / 4 {
        steps * 2
    } else if took > POLL {
        steps / 2
    } else {
        steps
    };
    steps.clamp(STEPS.0, STEPS.1)
}

fn list<'py, T: Value>(
    py: Python<'py>,
    values: impl IntoIterator<Item = T>,
    choose: impl Fn(&crate::classes::Classes) -> &Py<pyo3::types::PyType>,
) -> PyResult<Bound<'py, PyList>> {
    let given = values.into_iter().map(|value| named(py, &value, &choose));
    PyList::new(py, given.collect::<PyResult<Vec<_>>>()?)
}

/// Bytes that are no checkpoint are a `CodecError`, everything else is a `ValueError`.
fn refused(py: Python<'_>, problem: &CheckpointProblem) -> PyErr {
    match problem {
        CheckpointProblem::Codec(error) => not_canonical(py, error),
        problem => PyValueError::new_err(problem.to_string()),
    }
}

/// What a replay met, as Python raises it.
fn not_replayed(py: Python<'_>, error: &ReplayError) -> PyErr {
    match error {
        ReplayError::Mismatch(found) => {
            let made = || -> PyResult<Bound<'_, PyAny>> {
                let bytes = (PyBytes::new(py, &found.recorded), PyBytes::new(py, &found.made));
                py.import("cracktrader.core.replay")?.getattr("ReplayMismatch")?.call1((found.seq_id, bytes.0, bytes.1))
            };
            made().map_or_else(|error| error, PyErr::from_value)
        }
        ReplayError::Codec(error) => not_canonical(py, error),
        ReplayError::Config(problem) => PyValueError::new_err(problem.to_string()),
    }
}

#[pymethods]
impl Machine {
    #[new]
    #[pyo3(signature = (config, host, record = false, replaying = false))]
    fn new(py: Python<'_>, config: &[u8], host: Py<PyAny>, record: bool, replaying: bool) -> PyResult<Self> {
        let config = decode_config(config).map_err(|error| not_canonical(py, &error))?;
        let make = if replaying { Engine::of_records } else { Engine::new };
        let made = make(config.clone(), record);
        let engine = made.map_err(|problem| PyValueError::new_err(problem.to_string()))?;
        Ok(Self { engine, host: PyHost::new(py, host, config)?, keeper: None })
    }

    // Feeding and running

    #[pyo3(signature = (stream, rows))]
    fn attach(&mut self, stream: u16, #[pyo3(from_py_with = rows)] rows: Rows) -> PyResult<()> {
        let attached = self.engine.attach(stream, rows);
        attached.map_err(|problem| PyValueError::new_err(problem.to_string()))
    }

    #[pyo3(signature = (venue, rows))]
    fn attach_sessions(&mut self, venue: u16, #[pyo3(from_py_with = session_rows)] rows: SessionRows) -> PyResult<()> {
        let attached = self.engine.attach_sessions(VenueIndex(venue), rows);
        attached.map_err(|problem| PyValueError::new_err(problem.to_string()))
    }

    fn attach_schedule(&mut self, instrument: u32, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        let attached = self.engine.attach_schedule(InstrumentIndex(instrument), &schedule_rows(rows)?);
        attached.map_err(|problem| PyValueError::new_err(problem.to_string()))
    }

    fn push(&mut self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        self.engine.push(take_event(item)?);
        Ok(())
    }

    fn start(&mut self, py: Python<'_>) -> PyResult<()> {
        let done = self.host.drive(py, |host| self.engine.start(host));
        self.written(py, done)
    }

    fn step(&mut self, py: Python<'_>) -> PyResult<bool> {
        let done = self.host.drive(py, |host| self.engine.step(host));
        self.written(py, done)
    }

    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        let done = self.host.drive(py, |host| self.engine.finish(host));
        self.written(py, done)
    }

    fn end_data(&mut self, py: Python<'_>) -> PyResult<()> {
        let done = self.host.drive(py, |host| self.engine.end_data(host));
        self.written(py, done)
    }

    fn conclude(&mut self, py: Python<'_>) -> PyResult<()> {
        let done = self.host.drive(py, |host| self.engine.conclude(host));
        self.written(py, done)
    }

    /// Recorded steps again, a chunk at a time; signals are looked for between chunks.
    #[pyo3(signature = (chunks, *, strategies, embedded = false, until = None))]
    fn replay(
        &mut self,
        chunks: &Bound<'_, PyAny>,
        strategies: bool,
        embedded: bool,
        until: Option<u64>,
    ) -> PyResult<()> {
        let py = chunks.py();
        let mut going = Replay::new(&mut self.engine, embedded, until);
        let mut recorded = RecordedHost::default();
        for chunk in chunks.try_iter()? {
            let chunk = chunk?;
            let bytes = chunk.cast::<PyBytes>()?.as_bytes();
            let followed = if strategies {
                self.host.drive(py, |host| going.follow(bytes, &mut Strategies(host)))?
            } else {
                going.follow(bytes, &mut recorded)
            };
            followed.map_err(|error| not_replayed(py, &error))?;
            py.check_signals()?;
        }
        let finished = if strategies {
            self.host.drive(py, |host| going.finish(&mut Strategies(host)))?
        } else {
            going.finish(&mut recorded)
        };
        finished.map_err(|error| not_replayed(py, &error))?;
        self.host.drive(py, |host| self.engine.ask_wants(host))
    }

    /// Signals and progress go by wall time, so that a run without callbacks can be stopped and watched, too. The machine is
    /// borrowed by the stretches between only: the progress callback may ask it.
    #[pyo3(signature = (progress = None, pause = None, every = 0))]
    fn run(
        slf: &Bound<'_, Self>,
        progress: Option<&Bound<'_, PyAny>>,
        pause: Option<&Bound<'_, PyAny>>,
        every: u64,
    ) -> PyResult<()> {
        let py = slf.py();
        let (mut steps, mut polled) = (STEPS.0, Instant::now());
        let mut told = polled;
        loop {
            let to_pause = if every == 0 { u64::MAX } else { every - slf.try_borrow()?.seq() % every };
            if !slf.try_borrow_mut()?.run_some(py, steps.min(to_pause))? {
                break;
            }
            let seq = slf.try_borrow()?.seq();
            if let Some(pause) = pause
                && every != 0
                && seq != 0
                && seq.is_multiple_of(every)
            {
                pause.call0()?;
            }
            let now = Instant::now();
            steps = next_steps(steps, now - polled);
            polled = now;
            py.check_signals()?;
            if let Some(progress) = progress
                && now - told >= TELL
            {
                progress.call1((slf.try_borrow()?.seq(),))?;
                told = now;
            }
        }
        slf.try_borrow_mut()?.finish(py)
    }

    // The journal

    fn open_journal(&mut self, py: Python<'_>, spec: &Bound<'_, PyAny>) -> PyResult<()> {
        let asked = Asked::of(spec)?;
        let keeper = Keeper::open(py, &asked)?;
        self.engine.open_journal(&asked.opening(), Box::new(keeper.clone()));
        self.keeper = Some(keeper);
        Ok(())
    }

    fn sync_journal(&mut self, py: Python<'_>) -> PyResult<()> {
        self.flush(py)?.map_or(Ok(()), |(keeper, _)| keeper.sync(py).map(|_| ()))
    }

    fn journal_position<'py>(&mut self, py: Python<'py>) -> Answer<'py> {
        let Some((keeper, pending)) = self.flush(py)? else {
            return Err(PyValueError::new_err("there is no open journal: call open_journal first"));
        };
        given(py, &keeper.sync(py)?, pending)
    }

    fn close_journal(&mut self, py: Python<'_>) -> PyResult<()> {
        let open = self.flush(py);
        self.engine.journal = None;
        open?.map_or(Ok(()), |(keeper, _)| keeper.close(py))
    }

    #[getter]
    fn durable_seq(&self) -> u64 {
        self.keeper.as_ref().map_or(0, Keeper::durable_seq)
    }

    // Where it stands

    #[getter]
    fn now(&self) -> i64 {
        self.state().now.0
    }

    #[getter]
    fn seq(&self) -> u64 {
        self.state().seq
    }

    #[getter]
    fn stopped(&self) -> u16 {
        self.state().stopped
    }

    #[getter]
    fn ended(&self) -> bool {
        self.state().ended
    }

    #[getter]
    fn exhausted(&self) -> bool {
        self.engine.exhausted()
    }

    #[getter]
    fn interrupted(&self) -> bool {
        self.engine.interrupted
    }

    #[getter]
    fn last_record<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.engine.last_record)
    }

    fn root<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.engine.root())
    }

    fn full_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &full_root(self.state()))
    }

    fn digest<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.engine.digest())
    }

    fn venue_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes: Vec<u8> = self.engine.venues.iter().flat_map(encode_venue).collect();
        PyBytes::new(py, &bytes)
    }

    // What it holds

    fn take_outbox<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, self.engine.outgoing.outbox.drain(..), |classes| &classes.command)
    }

    fn facts<'py>(&self, py: Python<'py>, ordinal: u64) -> PyResult<Option<Bound<'py, PyAny>>> {
        let order = self.state().orders.get(&OrderOrdinal(ordinal));
        order.map(|order| named(py, &facts(order), |classes| &classes.order_facts)).transpose()
    }

    fn position<'py>(&self, py: Python<'py>, account: u16, instrument: u32) -> Answer<'py> {
        let held = self.state().position(AccountIndex(account), InstrumentIndex(instrument));
        named(py, &held, |classes| &classes.position)
    }

    fn own_position<'py>(&self, py: Python<'py>, strategy: u16, instrument: u32) -> Answer<'py> {
        let held = self.state().own_position(StrategyIndex(strategy), InstrumentIndex(instrument));
        named(py, &held, |classes| &classes.position)
    }

    fn ledger<'py>(&self, py: Python<'py>, account: u16, currency: u16) -> Answer<'py> {
        let held = self.state().ledger(AccountIndex(account), CurrencyIndex(currency));
        named(py, &held, |classes| &classes.ledger)
    }

    fn strategy_fees<'py>(&self, py: Python<'py>, strategy: u16, currency: u16) -> Answer<'py> {
        let paid = self.state().strategy_fees.get(&(StrategyIndex(strategy), CurrencyIndex(currency)));
        paid.copied().unwrap_or_default().give(py)
    }

    fn mark<'py>(&self, py: Python<'py>, instrument: u32) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.state().markets.get(InstrumentIndex(instrument).at()) {
            Some(market) => market.has_mark().then(|| market.mark.give(py)).transpose(),
            None => Err(PyIndexError::new_err(format!("instrument {instrument} is not declared"))),
        }
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = PyDict::new(py);
        for (code, count) in &self.state().counters {
            counters.set_item(code, count)?;
        }
        Ok(counters)
    }

    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let curve = &self.engine.equity;
        let amount = |amount: Option<Money>| amount.map(|amount| amount.give(py)).transpose();
        let amounts = curve.equity().zip(curve.cash());
        let rows =
            curve.time.iter().zip(amounts).map(|(time, (equity, cash))| {
                Ok((time.0, amount(equity)?, amount(cash)?).into_pyobject(py)?.into_any())
            });
        PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
    }

    fn take_curve(&mut self) -> Curve {
        Curve(std::mem::take(&mut self.engine.equity))
    }

    fn executions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, self.engine.store.executions.iter().copied(), |classes| &classes.execution)
    }

    fn execution_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table(py, self.engine.store.executions.iter().copied())
    }

    fn closed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, self.engine.store.closed.iter().map(facts), |classes| &classes.order_facts)
    }

    fn closed_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table(py, self.engine.store.closed.iter().map(facts))
    }

    // Checkpoints

    fn checkpoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let saved = save(&self.engine).map_err(|problem| refused(py, &problem))?;
        Ok(PyBytes::new(py, &saved))
    }

    fn restore(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let restored = self.host.drive(py, |host| restore(&mut self.engine, data, host))?;
        restored.map_err(|problem| refused(py, &problem))
    }

    fn bind_again(&mut self, py: Python<'_>) -> PyResult<()> {
        let bound = self.host.drive(py, |host| bind_again(&mut self.engine, host))?;
        bound.map_err(|problem| refused(py, &problem))
    }
}
