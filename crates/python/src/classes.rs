//! The Python classes of the edge, looked up once: the Python core's named tuples and the package's exceptions.
//!
//! Deliberately not here: what is in them; that is `value`.

use cracktrader_core::codec::CodecError;
use cracktrader_core::event::{EventType, PAYLOADS};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Everything that is looked up.
pub struct Classes {
    payloads: Vec<(EventType, Py<PyType>)>,
    pub event: Py<PyType>,
    pub bar_rows: Py<PyType>,
    pub trade_rows: Py<PyType>,
    pub quote_rows: Py<PyType>,
    pub order_id: Py<PyType>,
    pub place_order: Py<PyType>,
    pub cancel_order: Py<PyType>,
    pub replace_order: Py<PyType>,
    pub set_risk_flag: Py<PyType>,
    pub no_op: Py<PyType>,
    pub execution: Py<PyType>,
    pub position: Py<PyType>,
    pub ledger: Py<PyType>,
    pub margin: Py<PyType>,
    pub order_facts: Py<PyType>,
    pub command: Py<PyType>,
    pub command_kind: Py<PyType>,
    pub cause: Py<PyType>,
    pub journal_position: Py<PyType>,
    codec_error: Py<PyType>,
    journal_error: Py<PyType>,
    stale_view: Py<PyType>,
    decimal: Py<PyType>,
    method: Py<PyType>,
    bar_view: Py<PyType>,
    trade_view: Py<PyType>,
    quote_view: Py<PyType>,
    indicator_view: Py<PyType>,
    own_indicator_view: Py<PyType>,
    pub position_view: Py<PyType>,
    pub order_view: Py<PyType>,
    pub fill_view: Py<PyType>,
    pub report_view: Py<PyType>,
    pub context: Py<PyType>,
}

/// The classes; the first use imports them.
pub fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || look_up(py))
}

fn look_up(py: Python<'_>) -> PyResult<Classes> {
    let class = |module: &str, name: &str| -> PyResult<Py<PyType>> {
        Ok(py.import(module)?.getattr(name)?.cast_into::<PyType>()?.unbind())
    };
    let events = "cracktrader.core.event";
    let intents = "cracktrader.core.intent";
    let matching = "cracktrader.core.matching";
    let payloads = PAYLOADS.iter().map(|(code, name)| Ok((*code, class(events, name)?)));
    Ok(Classes {
        payloads: payloads.collect::<PyResult<_>>()?,
        event: class(events, "Event")?,
        bar_rows: class(events, "BarRows")?,
        trade_rows: class(events, "TradeRows")?,
        quote_rows: class(events, "QuoteRows")?,
        order_id: class(intents, "OrderId")?,
        place_order: class(intents, "PlaceOrder")?,
        cancel_order: class(intents, "CancelOrder")?,
        replace_order: class(intents, "ReplaceOrder")?,
        set_risk_flag: class(intents, "SetRiskFlag")?,
        no_op: class(intents, "NoOp")?,
        execution: class("cracktrader.core.engine", "Execution")?,
        position: class("cracktrader.core.portfolio", "Position")?,
        ledger: class("cracktrader.core.account", "Ledger")?,
        margin: class("cracktrader.core.view", "Margin")?,
        order_facts: class("cracktrader.core.view", "OrderFacts")?,
        command: class(matching, "Command")?,
        command_kind: class(matching, "CommandKind")?,
        cause: class(matching, "Cause")?,
        journal_position: class("cracktrader.core.engine", "JournalPosition")?,
        codec_error: class("cracktrader.core.codec", "CodecError")?,
        journal_error: class("cracktrader.errors", "JournalError")?,
        stale_view: class("cracktrader.errors", "StaleView")?,
        decimal: class("decimal", "Decimal")?,
        method: class("types", "MethodType")?,
        bar_view: class("cracktrader.strategy.views", "BarView")?,
        trade_view: class("cracktrader.strategy.views", "TradeView")?,
        quote_view: class("cracktrader.strategy.views", "QuoteView")?,
        indicator_view: class("cracktrader.strategy.indicator_views", "IndicatorView")?,
        own_indicator_view: class("cracktrader.strategy.indicator_views", "OwnIndicatorView")?,
        position_view: class("cracktrader.strategy.views", "PositionView")?,
        order_view: class("cracktrader.strategy.views", "OrderView")?,
        fill_view: class("cracktrader.strategy.views", "FillView")?,
        report_view: class("cracktrader.strategy.views", "ReportView")?,
        context: class("cracktrader.strategy.context", "StrategyContext")?,
    })
}

impl Classes {
    /// Whether it is a bound method.
    pub fn is_method(&self, callable: &Bound<'_, PyAny>) -> bool {
        callable.get_type().is(&self.method)
    }

    /// The class of a payload.
    pub fn payload<'py>(&self, py: Python<'py>, code: EventType) -> &Bound<'py, PyType> {
        let found = self.payloads.iter().find(|(one, _)| *one == code);
        found.expect("every event type has a payload").1.bind(py)
    }

    /// The event type whose payload is of this class.
    pub fn event_type(&self, class: &Bound<'_, PyType>) -> Option<EventType> {
        self.payloads.iter().find(|(_, payload)| class.is(payload)).map(|(code, _)| *code)
    }
}

/// `StaleView`: what was asked is live only inside a callback.
pub fn stale(py: Python<'_>) -> PyErr {
    let message = "the context is live only inside a callback: keep the values it returned, not the context";
    match classes(py) {
        Ok(classes) => PyErr::from_type(classes.stale_view.bind(py).clone(), message),
        Err(error) => error,
    }
}

/// `CodecError` of the Python core.
pub fn not_canonical(py: Python<'_>, error: &CodecError) -> PyErr {
    match classes(py) {
        Ok(classes) => PyErr::from_type(classes.codec_error.bind(py).clone(), error.to_string()),
        Err(error) => error,
    }
}

/// `JournalError`: a journal cannot be written.
pub fn journal_error(py: Python<'_>, message: String) -> PyErr {
    match classes(py) {
        Ok(classes) => PyErr::from_type(classes.journal_error.bind(py).clone(), message),
        Err(error) => error,
    }
}

/// The exact decimal of a mantissa.
pub fn decimal<'py>(py: Python<'py>, mantissa: i64, decimals: u8) -> PyResult<Bound<'py, PyAny>> {
    let whole = classes(py)?.decimal.bind(py).call1((mantissa,))?;
    whole.call_method1("scaleb", (-i32::from(decimals),))
}

/// The Python twin of `BarView`, which bars of this core are instances of by `isinstance`.
pub fn bar_view(py: Python<'_>) -> PyResult<Py<PyType>> {
    Ok(classes(py)?.bar_view.clone_ref(py))
}

/// The Python twin of `TradeView`.
pub fn trade_view(py: Python<'_>) -> PyResult<Py<PyType>> {
    Ok(classes(py)?.trade_view.clone_ref(py))
}

/// The Python twin of `QuoteView`.
pub fn quote_view(py: Python<'_>) -> PyResult<Py<PyType>> {
    Ok(classes(py)?.quote_view.clone_ref(py))
}

/// The Python twin of `IndicatorView`.
pub fn indicator_view(py: Python<'_>) -> PyResult<Py<PyType>> {
    Ok(classes(py)?.indicator_view.clone_ref(py))
}

/// The class of indicators written in Python, once they are bound.
pub fn own_indicator_view(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    Ok(classes(py)?.own_indicator_view.bind(py).clone())
}
