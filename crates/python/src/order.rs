//! `OrderView`, `FillView` and `ReportView`: an order, an execution and a report as strategies see them, the twins of those in
//! `cracktrader.strategy.views`.

use std::sync::Arc;

use cracktrader_core::event::{Event, Filled, PAYLOADS, Payload};
use cracktrader_core::intent::OrderId;
use cracktrader_core::order::{STATUS_NAMES, Status};
use cracktrader_core::reject::RejectCode;
use cracktrader_core::units::{NONE_PRICE, Price, Quantity};
use cracktrader_core::view::OrderFacts;
use pyo3::exceptions::PyAttributeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

use crate::classes::classes;
use crate::listing::{Listed, Listing, Money};
use crate::twin::twin_value;
use crate::value::{Field, give_event, named};

/// An order as it was when it was asked for.
#[pyclass(frozen, name = "OrderView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct OrderView {
    listing: Arc<Listing>,
    facts: OrderFacts,
}

impl OrderView {
    /// An order of a run.
    pub const fn new(listing: Arc<Listing>, facts: OrderFacts) -> Self {
        Self { listing, facts }
    }

    fn listed(&self) -> Option<&Listed> {
        self.listing.at(self.facts.instrument)
    }

    fn twin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = named(py, &self.facts, |classes| &classes.order_facts)?;
        classes(py)?.order_view.bind(py).call1((facts, self.listed().map(|one| &one.declared)))
    }

    fn amount(&self, quantity: Quantity) -> f64 {
        quantity.0 as f64 / self.listed().map_or(1.0, |one| one.quantity_scale)
    }

    fn at_price(&self, price: Price) -> Option<f64> {
        (price != NONE_PRICE).then(|| price.0 as f64 / self.listed().map_or(1.0, |one| one.price_scale))
    }
}

twin_value! {
    OrderView, "OrderView", order_view,
    by_twin: [
        _facts, _instrument, order_type, time_in_force, in_doubt, expire_time, post_only, reduce_only, parent, oco
    ],

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        OrderId { strategy: self.facts.strategy, seq: self.facts.seq, index: self.facts.index }.give(py)
    }

    #[getter]
    const fn number(&self) -> u64 {
        self.facts.ordinal.0
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.listed().map_or_else(|| intern!(py, "").clone().unbind(), |one| one.symbol.clone_ref(py))
    }

    #[getter]
    fn side<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match self.facts.side {
            0 => intern!(py, "buy").clone(),
            1 => intern!(py, "sell").clone(),
            other => PyString::new(py, &other.to_string()),
        }
    }

    #[getter]
    fn status(&self) -> &'static str {
        STATUS_NAMES[usize::from(self.facts.status)]
    }

    #[getter]
    const fn is_open(&self) -> bool {
        (Status::Created as u8) < self.facts.status && self.facts.status < (Status::Filled as u8)
    }

    #[getter]
    fn quantity(&self) -> f64 {
        self.amount(self.facts.quantity)
    }

    #[getter]
    fn filled_quantity(&self) -> f64 {
        self.amount(self.facts.filled_quantity)
    }

    #[getter]
    fn remaining_quantity(&self) -> f64 {
        self.amount(self.facts.remaining_quantity)
    }

    #[getter]
    fn limit_price(&self) -> Option<f64> {
        self.at_price(self.facts.limit_price)
    }

    #[getter]
    fn stop_price(&self) -> Option<f64> {
        self.at_price(self.facts.stop_price)
    }

    #[getter]
    fn code(&self) -> &'static str {
        RejectCode::from_u16(self.facts.code).map_or("", RejectCode::slug)
    }
}

/// One execution of the strategy's order.
#[pyclass(frozen, name = "FillView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct FillView {
    listing: Arc<Listing>,
    event: Event,
    filled: Filled,
    order: Py<OrderView>,
}

impl FillView {
    /// Of a report of a fill on a declared instrument with a fee in a declared currency; None for any other.
    pub fn new(listing: &Arc<Listing>, event: &Event, order: Py<OrderView>) -> Option<Self> {
        let Payload::Filled(filled) = &event.payload else { return None };
        listing.at(event.instrument)?;
        listing.currency(filled.fee_currency)?;
        Some(Self { listing: Arc::clone(listing), event: event.clone(), filled: *filled, order })
    }

    fn listed(&self) -> &Listed {
        self.listing.at(self.event.instrument).expect("the instrument is declared")
    }

    fn currency(&self) -> &Money {
        self.listing.currency(self.filled.fee_currency).expect("the currency is declared")
    }

    fn twin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (event, order) = (give_event(py, &self.event)?, self.order.get().twin(py)?);
        let (currency, declared) = (self.currency(), &self.listed().declared);
        classes(py)?.fill_view.bind(py).call1((event, order, declared, &currency.name, currency.decimals))
    }
}

twin_value! {
    FillView, "FillView", fill_view,
    by_twin: [_event, _fee_scale, _instrument, price_exact, liquidity],

    #[getter]
    fn order(&self, py: Python<'_>) -> Py<OrderView> {
        self.order.clone_ref(py)
    }

    #[getter]
    fn fee_currency(&self, py: Python<'_>) -> Py<PyString> {
        self.currency().name.clone_ref(py)
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        self.listed().symbol.clone_ref(py)
    }

    #[getter]
    fn side<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.order.get().side(py)
    }

    #[getter]
    const fn event_time(&self) -> i64 {
        self.event.event_time.0
    }

    #[getter]
    fn quantity(&self) -> f64 {
        self.filled.quantity.0 as f64 / self.listed().quantity_scale
    }

    #[getter]
    fn price(&self) -> f64 {
        self.filled.price.0 as f64 / self.listed().price_scale
    }

    #[getter]
    fn fee(&self) -> f64 {
        self.filled.fee.0 as f64 / self.currency().scale
    }
}

/// A report on one of the strategy's orders.
#[pyclass(frozen, name = "ReportView", module = "cracktrader.strategy.views")]
#[derive(Debug)]
pub struct ReportView {
    listing: Arc<Listing>,
    event: Event,
    order: Option<Py<OrderView>>,
    fill: Option<Py<FillView>>,
    status_changed: bool,
}

impl ReportView {
    /// Of a report and what it is about.
    pub fn new(
        listing: &Arc<Listing>,
        event: &Event,
        (order, fill): (Option<Py<OrderView>>, Option<Py<FillView>>),
        status_changed: bool,
    ) -> Self {
        Self { listing: Arc::clone(listing), event: event.clone(), order, fill, status_changed }
    }

    fn twin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let declared = self.listing.at(self.event.instrument).map(|one| &one.declared);
        let order = self.order.as_ref().map(|order| order.get().twin(py)).transpose()?;
        let fill = self.fill.as_ref().map(|fill| fill.get().twin(py)).transpose()?;
        let event = give_event(py, &self.event)?;
        classes(py)?.report_view.bind(py).call1((event, declared, order, fill, self.status_changed))
    }
}

twin_value! {
    ReportView, "ReportView", report_view,
    by_twin: [_event, _instrument, refused_code],

    #[getter]
    fn event_type(&self) -> &'static str {
        let code = self.event.payload.event_type();
        PAYLOADS.iter().find(|(one, _)| *one == code).map_or("", |(_, name)| name)
    }

    #[getter]
    const fn seq_id(&self) -> u64 {
        self.event.seq_id
    }

    #[getter]
    const fn event_time(&self) -> i64 {
        self.event.event_time.0
    }

    #[getter]
    fn symbol(&self, py: Python<'_>) -> Py<PyString> {
        let listed = self.listing.at(self.event.instrument);
        listed.map_or_else(|| intern!(py, "").clone().unbind(), |one| one.symbol.clone_ref(py))
    }

    #[getter]
    fn order(&self, py: Python<'_>) -> Option<Py<OrderView>> {
        self.order.as_ref().map(|order| order.clone_ref(py))
    }

    #[getter]
    fn fill(&self, py: Python<'_>) -> Option<Py<FillView>> {
        self.fill.as_ref().map(|fill| fill.clone_ref(py))
    }

    #[getter]
    const fn status_changed(&self) -> bool {
        self.status_changed
    }
}
