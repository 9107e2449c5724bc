//! The Python host as the core's host: bars, trades and quotes go straight to the strategy's hook, everything else through `host.call`.
//!
//! Deliberately not here: which hooks a strategy has and what its exceptions mean; the Python host says so.

use std::sync::Arc;

use cracktrader_core::config::Config;
use cracktrader_core::engine::{Host, Response, order_ordinal};
use cracktrader_core::event::{Bar, Event, EventType, Payload};
use cracktrader_core::units::StrategyIndex;
use cracktrader_core::view::View as CoreView;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyBool, PyList, PyString};
use pyo3::{PyClass, PyClassInitializer};

use crate::bar::{BarView, Shared};
use crate::call::{Callable, is_unshared};
use crate::context::Context;
use crate::live::Live;
use crate::order::{FillView, OrderView, ReportView};
use crate::tick::{QuoteView, TradeView, Traded};
use crate::value::{Field, give_event, take_intent, take_timer};
use crate::view::View;

/// The host of one machine.
#[derive(Debug)]
pub struct PyHost {
    live: Arc<Live>,
    wants: Vec<u64>,
    strategies: Strategies,
    defect: Option<PyErr>,
}

/// Who is called, and how.
#[derive(Debug)]
struct Strategies {
    host: Py<PyAny>,
    call: Py<PyAny>,
    /// Whether the host wants to see every answer.
    watches: bool,
    hooks: Vec<Hook>,
    /// For trades and for quotes, by strategy.
    tick_hooks: Vec<[Hook; 2]>,
    report_hooks: Vec<ReportHooks>,
    /// By stream.
    bars: Vec<Py<BarView>>,
    /// By instrument.
    trades: Vec<Py<TradeView>>,
    quotes: Vec<Py<QuoteView>>,
    config: Arc<Config>,
}

/// How a strategy takes its bars, trades or quotes. It is asked for at the first one, when `on_start` has run, and for bars again while
/// the strategy warms up.
#[derive(Debug)]
enum Hook {
    Unknown,
    ThroughCall,
    Direct(Direct),
}

/// How a strategy takes reports.
#[derive(Debug)]
enum ReportHooks {
    Unknown,
    ThroughCall,
    /// One hook for all that they say.
    Whole(Direct),
    /// Fills first, then orders whose status changed.
    Parts {
        fill: Option<Callable>,
        order: Option<Callable>,
        asked: Asked,
    },
}

/// A hook with the context that it is given, whose helpers record in it.
#[derive(Debug)]
struct Direct {
    hook: Callable,
    asked: Asked,
}

/// A strategy's context and where its timers are recorded.
#[derive(Debug)]
struct Asked {
    context: Py<Context>,
    timers: Py<PyList>,
}

impl PyHost {
    /// Bind the host to a view and ask what its strategies want.
    pub fn new(py: Python<'_>, host: Py<PyAny>, config: Config) -> PyResult<Self> {
        let live = Arc::new(Live::new());
        let count = config.strategies.len();
        let config = Arc::new(config);
        let view = Py::new(py, View::new(Arc::clone(&live), Arc::clone(&config)))?;
        let bound = host.bind(py);
        bound.call_method1("bind", (view,))?;
        let named = bound.getattr_opt("timeframes")?;
        let timeframes: Vec<String> = named.map_or_else(|| Ok(Vec::new()), |named| named.extract())?;
        let timeframe = |stream| timeframes.get(stream).map_or("", String::as_str);
        let bars = (0..config.streams.len()).map(|stream| empty_bar(py, &config, stream, timeframe(stream)));
        let bars = bars.collect::<PyResult<_>>()?;
        let traded = || config.instruments.iter().map(|instrument| Traded::new(py, instrument));
        let trades = traded().map(|shared| Py::new(py, TradeView::new(shared))).collect::<PyResult<_>>()?;
        let quotes = traded().map(|shared| Py::new(py, QuoteView::new(shared))).collect::<PyResult<_>>()?;
        let wants = |strategy: usize| bound.call_method1("wants", (strategy,))?.extract();
        Ok(Self {
            live,
            wants: (0..count).map(wants).collect::<PyResult<_>>()?,
            defect: None,
            strategies: Strategies {
                call: bound.getattr("call")?.unbind(),
                watches: bound.getattr_opt("watches_answers")?.map_or(Ok(false), |watches| watches.is_truthy())?,
                hooks: (0..count).map(|_| Hook::Unknown).collect(),
                tick_hooks: (0..count).map(|_| [Hook::Unknown, Hook::Unknown]).collect(),
                report_hooks: (0..count).map(|_| ReportHooks::Unknown).collect(),
                bars,
                trades,
                quotes,
                config,
                host,
            },
        })
    }

    /// Let the engine go on with this host; then raise what the host itself did wrong.
    pub fn drive<T>(&mut self, py: Python<'_>, go_on: impl FnOnce(&mut Attached<'_, '_>) -> T) -> PyResult<T> {
        let result = go_on(&mut Attached { py, host: self });
        self.defect.take().map_or(Ok(result), Err)
    }
}

/// The host while the interpreter lock is held: for the time that the machine drives the engine.
pub struct Attached<'a, 'py> {
    py: Python<'py>,
    host: &'a mut PyHost,
}

impl Host for Attached<'_, '_> {
    fn wants(&self, strategy: StrategyIndex) -> u64 {
        self.host.wants[strategy.at()]
    }

    fn call(
        &mut self,
        strategy: StrategyIndex,
        event: &Event,
        status_changed: bool,
        view: &mut CoreView<'_>,
    ) -> Option<Response> {
        let py = self.py;
        let PyHost { live, strategies, defect, .. } = &mut *self.host;
        let answered = live.lend(view, || match &event.payload {
            Payload::Bar(bar) => strategies.take_bar(py, live, strategy, event, bar),
            Payload::Trade(_) | Payload::Quote(_) => strategies.take_tick(py, live, strategy, event),
            _ => strategies.take_report(py, live, strategy, event, status_changed),
        });
        answered.unwrap_or_else(|error| {
            *defect = Some(error);
            Some(interruption())
        })
    }

    /// While the strategy warms up the host counts the bar; from then on nothing crosses to Python.
    fn pass_over(&mut self, strategy: StrategyIndex, view: &mut CoreView<'_>) -> Option<Response> {
        let py = self.py;
        let PyHost { live, strategies, defect, .. } = &mut *self.host;
        if !matches!(strategies.hooks[strategy.at()], Hook::Unknown) {
            return None;
        }
        match live.lend(view, || strategies.hook_of(py, strategy)) {
            Ok(hook) => {
                strategies.hooks[strategy.at()] = hook;
                None
            }
            Err(error) => {
                *defect = Some(error);
                Some(interruption())
            }
        }
    }
}

impl Strategies {
    /// Call the hook with the bar. When it returns None and recorded nothing there is nothing to collect.
    fn take_bar(
        &mut self,
        py: Python<'_>,
        live: &Live,
        strategy: StrategyIndex,
        event: &Event,
        bar: &Bar,
    ) -> PyResult<Option<Response>> {
        if matches!(self.hooks[strategy.at()], Hook::Unknown) {
            self.hooks[strategy.at()] = self.hook_of(py, strategy)?;
        }
        if matches!(self.hooks[strategy.at()], Hook::Unknown) {
            return Ok(None);
        }
        let declared = self.config.streams.get(usize::from(bar.stream));
        let is_of_stream = declared.is_some_and(|stream| stream.instrument == event.instrument);
        let Hook::Direct(direct) = &self.hooks[strategy.at()] else {
            return self.take_event(py, strategy, event, false);
        };
        if !is_of_stream {
            return self.take_event(py, strategy, event, false);
        }
        let last = &mut self.bars[usize::from(bar.stream)];
        keep_apart(py, last, |last| last.empty(py))?;
        last.get().fill(event, bar);
        live.set_active(true);
        let returned = direct.offer(py, last);
        let answer = returned.map_or(Ok(None), |said| self.collect(py, &direct.asked, strategy, event.seq_id, said));
        live.set_active(false);
        answer
    }

    /// Call the hook with the trade or quote, as with a bar.
    fn take_tick(
        &mut self,
        py: Python<'_>,
        live: &Live,
        strategy: StrategyIndex,
        event: &Event,
    ) -> PyResult<Option<Response>> {
        let (kind, place) = (event.payload.event_type(), usize::from(matches!(event.payload, Payload::Quote(_))));
        if matches!(self.tick_hooks[strategy.at()][place], Hook::Unknown) {
            self.tick_hooks[strategy.at()][place] = self.tick_hook_of(py, strategy, kind)?;
        }
        let Hook::Direct(direct) = &self.tick_hooks[strategy.at()][place] else {
            return self.take_event(py, strategy, event, false);
        };
        let instrument = event.instrument.at();
        live.set_active(true);
        let returned = match &event.payload {
            Payload::Trade(trade) => {
                let last = &mut self.trades[instrument];
                keep_apart(py, last, |last| TradeView::new(last.shared().again(py)))?;
                last.get().fill(event, trade);
                direct.offer(py, last)
            }
            Payload::Quote(quote) => {
                let last = &mut self.quotes[instrument];
                keep_apart(py, last, |last| QuoteView::new(last.shared().again(py)))?;
                last.get().fill(event, quote);
                direct.offer(py, last)
            }
            _ => None,
        };
        let answer = returned.map_or(Ok(None), |said| self.collect(py, &direct.asked, strategy, event.seq_id, said));
        live.set_active(false);
        answer
    }

    /// Call the hooks of reports; the host decides about everything that is none.
    fn take_report(
        &mut self,
        py: Python<'_>,
        live: &Live,
        strategy: StrategyIndex,
        event: &Event,
        status_changed: bool,
    ) -> PyResult<Option<Response>> {
        let code = event.payload.event_type();
        if !(EventType::Accepted..=EventType::Refused).contains(&code) {
            return self.take_event(py, strategy, event, status_changed);
        }
        if matches!(self.report_hooks[strategy.at()], ReportHooks::Unknown) {
            self.report_hooks[strategy.at()] = self.report_hooks_of(py, strategy)?;
        }
        let asked = match &self.report_hooks[strategy.at()] {
            ReportHooks::Whole(Direct { asked, .. }) | ReportHooks::Parts { asked, .. } => asked,
            _ => return self.take_event(py, strategy, event, status_changed),
        };
        let listing = &asked.context.get().listing;
        let facts = match order_ordinal(&event.payload) {
            Some(ordinal) => live.ask(py, |view| view.order_by_ordinal(ordinal))?,
            None => None,
        };
        let order = facts.map(|facts| Py::new(py, OrderView::new(Arc::clone(listing), facts))).transpose()?;
        let fill = order.as_ref().and_then(|order| FillView::new(listing, event, order.clone_ref(py)));
        if fill.is_none() && code == EventType::Filled {
            return self.take_event(py, strategy, event, status_changed);
        }
        let fill = fill.map(|fill| Py::new(py, fill)).transpose()?;
        live.set_active(true);
        let returned = match &self.report_hooks[strategy.at()] {
            ReportHooks::Whole(Direct { hook, .. }) => {
                Py::new(py, ReportView::new(listing, event, (order, fill), status_changed))
                    .and_then(|report| hook.call(py, &asked.context, &report))
            }
            ReportHooks::Parts { fill: on_fill, order: on_order, .. } => {
                let order = order.filter(|_| status_changed);
                let of_fill = || on_fill.as_ref().zip(fill).map(|(hook, fill)| hook.call(py, &asked.context, &fill));
                let of_order =
                    || on_order.as_ref().zip(order).map(|(hook, order)| hook.call(py, &asked.context, &order));
                both(py, of_fill, of_order)
            }
            _ => Ok(py.None().into_bound(py)),
        };
        let is_silent = returned.as_ref().is_ok_and(|returned| returned.is_none()) && asked.is_empty(py);
        let answer = if is_silent { Ok(None) } else { self.collect(py, asked, strategy, event.seq_id, returned) };
        live.set_active(false);
        answer
    }

    /// How the strategy takes reports. A host without `report_hooks` always decides itself.
    fn report_hooks_of(&self, py: Python<'_>, strategy: StrategyIndex) -> PyResult<ReportHooks> {
        let Some(report_hooks) = self.host.bind(py).getattr_opt("report_hooks")? else {
            return Ok(ReportHooks::ThroughCall);
        };
        let hooks: Option<Vec<Option<Bound<'_, PyAny>>>> = report_hooks.call1((strategy.0,))?.extract()?;
        let asked = || self.asked(py, strategy);
        let callable = |hook: &Option<Bound<'_, PyAny>>| hook.as_ref().map(Callable::new).transpose();
        match hooks.as_deref() {
            Some([Some(hook)]) => Ok(ReportHooks::Whole(Direct { hook: Callable::new(hook)?, asked: asked()? })),
            Some([fill, order]) => {
                Ok(ReportHooks::Parts { fill: callable(fill)?, order: callable(order)?, asked: asked()? })
            }
            _ => Ok(ReportHooks::ThroughCall),
        }
    }

    /// What a hook returned or raised, as `StrategyHost.guard` treats it.
    fn collect(
        &self,
        py: Python<'_>,
        asked: &Asked,
        strategy: StrategyIndex,
        seq_id: u64,
        returned: PyResult<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Response>> {
        let answer = self.answer(py, asked, strategy, seq_id, returned);
        asked.clear(py)?;
        answer
    }

    fn answer(
        &self,
        py: Python<'_>,
        asked: &Asked,
        strategy: StrategyIndex,
        seq_id: u64,
        returned: PyResult<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Response>> {
        let host = self.host.bind(py);
        let collected = match returned {
            Ok(returned) if returned.is_none() && !self.watches => return asked.recorded(py).map(Some),
            Ok(returned) => host.call_method1("collect", (&asked.context, returned)),
            Err(error) => Err(error),
        };
        match collected {
            Ok(response) => take_response(&response),
            Err(error)
                if error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py) =>
            {
                host.setattr("interruption", error.into_value(py)).map(|()| Some(interruption()))
            }
            Err(error) if error.is_instance_of::<PyException>(py) => host
                .call_method1("fail", (strategy.0, seq_id, error.into_value(py)))
                .and_then(|response| take_response(&response)),
            Err(error) => Err(error),
        }
    }

    /// Let the host decide.
    fn take_event(
        &self,
        py: Python<'_>,
        strategy: StrategyIndex,
        event: &Event,
        status_changed: bool,
    ) -> PyResult<Option<Response>> {
        let given = give_event(py, event)?;
        take_response(&self.call.bind(py).call1((strategy.0, given, status_changed))?)
    }

    /// How the strategy takes bars; unknown while it warms up. A host without `bar_hook` always decides itself.
    fn hook_of(&self, py: Python<'_>, strategy: StrategyIndex) -> PyResult<Hook> {
        let host = self.host.bind(py);
        let Some(bar_hook) = host.getattr_opt("bar_hook")? else { return Ok(Hook::ThroughCall) };
        let hook = bar_hook.call1((strategy.0,))?;
        if hook.is(PyBool::new(py, false)) {
            return Ok(Hook::Unknown);
        }
        self.direct(py, strategy, &hook)
    }

    /// How the strategy takes trades or quotes. A host without `tick_hook` always decides itself.
    fn tick_hook_of(&self, py: Python<'_>, strategy: StrategyIndex, kind: EventType) -> PyResult<Hook> {
        let Some(tick_hook) = self.host.bind(py).getattr_opt("tick_hook")? else { return Ok(Hook::ThroughCall) };
        self.direct(py, strategy, &tick_hook.call1((strategy.0, kind.number()))?)
    }

    /// A hook of the strategy with its context.
    fn direct(&self, py: Python<'_>, strategy: StrategyIndex, hook: &Bound<'_, PyAny>) -> PyResult<Hook> {
        Ok(Hook::Direct(Direct { hook: Callable::new(hook)?, asked: self.asked(py, strategy)? }))
    }

    /// The context of the strategy.
    fn asked(&self, py: Python<'_>, strategy: StrategyIndex) -> PyResult<Asked> {
        let context = self.host.bind(py).getattr("contexts")?.get_item(strategy.at())?;
        let timers = context.getattr("timers")?.cast_into::<PyList>()?.unbind();
        Ok(Asked { context: context.cast_into::<Context>()?.unbind(), timers })
    }
}

impl Direct {
    /// Call it with a view; None when it returned None and recorded nothing: then there is nothing to collect.
    #[inline]
    fn offer<'py>(&self, py: Python<'py>, view: &Py<impl Sized>) -> Option<PyResult<Bound<'py, PyAny>>> {
        let returned = self.hook.call(py, &self.asked.context, view);
        let is_silent = returned.as_ref().is_ok_and(|returned| returned.is_none()) && self.asked.is_empty(py);
        (!is_silent).then_some(returned)
    }
}

impl Asked {
    #[inline]
    fn is_empty(&self, py: Python<'_>) -> bool {
        self.context.get().is_empty(py) && self.timers.bind(py).is_empty()
    }

    /// What the helpers recorded.
    fn recorded(&self, py: Python<'_>) -> PyResult<Response> {
        let timers = self.timers.bind(py).iter().map(|timer| take_timer(&timer)).collect::<PyResult<_>>()?;
        Ok(Response { intents: self.context.get().take(py)?, timers, ..Response::default() })
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.context.get().forget(py);
        let timers = self.timers.bind(py);
        if timers.is_empty() { Ok(()) } else { timers.del_slice(0, timers.len()) }
    }
}

fn empty_bar(py: Python<'_>, config: &Config, stream: usize, timeframe: &str) -> PyResult<Py<BarView>> {
    let number = stream as u16;
    let stream = &config.streams[stream];
    let instrument = &config.instruments[stream.instrument.at()];
    let shared = Shared {
        symbol: PyString::new(py, &instrument.name).unbind(),
        stream: number,
        price_decimals: instrument.price_decimals,
        volume_decimals: stream.volume_decimals,
        timeframe: PyString::new(py, timeframe).unbind(),
    };
    Py::new(py, BarView::new(shared))
}

/// Put a new view in place where a strategy keeps the last one: one that nobody else has may be filled again.
#[inline]
fn keep_apart<T: PyClass<Frozen = True> + Into<PyClassInitializer<T>> + Sync>(
    py: Python<'_>,
    last: &mut Py<T>,
    empty: impl FnOnce(&T) -> T,
) -> PyResult<()> {
    if !is_unshared(py, last) {
        *last = Py::new(py, empty(last.get()))?;
    }
    Ok(())
}

/// The answer that stops the run after commit A.
fn interruption() -> Response {
    Response { interrupted: true, ..Response::default() }
}

/// What two hooks returned, one after the other: their intents in one list, or None when neither returned any.
fn both<'py>(
    py: Python<'py>,
    first: impl FnOnce() -> Option<PyResult<Bound<'py, PyAny>>>,
    second: impl FnOnce() -> Option<PyResult<Bound<'py, PyAny>>>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut all: Option<Bound<'py, PyList>> = None;
    let mut add = |said: Option<PyResult<Bound<'py, PyAny>>>| {
        let Some(said) = said.transpose()?.filter(|said| !said.is_none()) else { return Ok(()) };
        if said.is_truthy()? {
            all.get_or_insert_with(|| PyList::empty(py)).call_method1("extend", (said,))?;
        }
        PyResult::Ok(())
    };
    add(first())?;
    add(second())?;
    Ok(all.map_or_else(|| py.None().into_bound(py), Bound::into_any))
}

fn take_response(answer: &Bound<'_, PyAny>) -> PyResult<Option<Response>> {
    if answer.is_none() {
        return Ok(None);
    }
    type Parts<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, bool);
    let (intents, timers, error, interrupted): Parts<'_> = answer.extract()?;
    Ok(Some(Response {
        intents: intents.try_iter()?.map(|intent| take_intent(&intent?)).collect::<PyResult<_>>()?,
        timers: timers.try_iter()?.map(|timer| take_timer(&timer?)).collect::<PyResult<_>>()?,
        error: Field::take(&error)?,
        interrupted,
    }))
}
