//! What a context does often, quickly: the base of the contexts that this core gives to strategies.
//!
//! `cracktrader.strategy.context.StrategyContext` is the specification. Whatever is not one of the plain forms here, and everything that
//! is wrong, is handed to its method of the same name, which knows all forms and says what is wrong.

use std::sync::Arc;

use cracktrader_core::intent::{CancelOrder, Intent, OrderId, OrderType, PlaceOrder, ReplaceOrder, Side, TimeInForce};
use cracktrader_core::units::{InstrumentIndex, Price, Quantity, StrategyIndex};
use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::call::is_unshared;
use crate::classes::classes;
use crate::listing::{Listed, Listing, behind};
use crate::live::{Live, Locked};
use crate::order::OrderView;
use crate::position::PositionView;
use crate::sizing::number;
use crate::value::{Field, give_intent, take_intent};
use crate::view::View;

/// The quick part of a strategy's context.
#[pyclass(frozen, subclass, name = "StrategyContext", module = "cracktrader.strategy.context")]
#[derive(Debug)]
pub struct Context {
    live: Arc<Live>,
    strategy: StrategyIndex,
    pub listing: Arc<Listing>,
    recorded: Locked<Vec<Recorded>>,
    has_exits: Locked<bool>,
    /// The position last given of each instrument: own ones, then the account's.
    positions: Locked<Vec<Py<PositionView>>>,
}

/// An intent in the order of recording.
#[derive(Debug)]
enum Recorded {
    Ready(Intent),
    /// One that does not fit: an error once it is collected.
    Unfit(Py<PyAny>),
}

type Slf<'a, 'py> = &'a Bound<'py, Context>;
type Asked<'a, 'py> = Option<&'a Bound<'py, PyAny>>;
type Rest<'a, 'py> = &'a Bound<'py, PyTuple>;
type Named<'a, 'py> = Option<&'a Bound<'py, PyDict>>;
type Answer<'py> = PyResult<Bound<'py, PyAny>>;

/// An argument that must be given, where None is one.
struct Needed<'py>(Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Needed<'py> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Some(given.to_owned())))
    }
}

/// What an order may say and stay a plain one.
struct Terms<'a, 'py> {
    limit: Asked<'a, 'py>,
    stop: Asked<'a, 'py>,
    symbol: Asked<'a, 'py>,
    time_in_force: Asked<'a, 'py>,
    post_only: Asked<'a, 'py>,
    reduce_only: Asked<'a, 'py>,
}

impl Terms<'_, '_> {
    /// The keywords that were given.
    fn put_in(&self, named: &Bound<'_, PyDict>) -> PyResult<()> {
        let all = [
            ("limit", self.limit),
            ("stop", self.stop),
            ("symbol", self.symbol),
            ("time_in_force", self.time_in_force),
            ("post_only", self.post_only),
            ("reduce_only", self.reduce_only),
        ];
        for (name, given) in all {
            if let Some(given) = given {
                named.set_item(name, given)?;
            }
        }
        Ok(())
    }
}

impl Context {
    /// Whether nothing was recorded.
    #[inline]
    pub fn is_empty(&self, py: Python<'_>) -> bool {
        self.recorded.is_empty(py)
    }

    /// Take out what was recorded.
    pub fn take(&self, py: Python<'_>) -> PyResult<Vec<Intent>> {
        let recorded = self.recorded.take(py).into_iter();
        recorded.map(|one| one.into_intent(py)).collect()
    }

    /// Forget what was recorded.
    pub fn forget(&self, py: Python<'_>) {
        drop(self.recorded.take(py));
    }

    /// Record an intent of a callback; None when none is under way.
    fn record(&self, py: Python<'_>, intent: Intent) -> Option<OrderId> {
        let seq = self.live.ask_active(py, |view| view.seq())?;
        let index = self.recorded.read(py, |all| u16::try_from(all.len())).ok()?;
        self.recorded.push(py, Recorded::Ready(intent));
        Some(OrderId { strategy: self.strategy, seq, index })
    }

    /// A position of an instrument as a frozen value: that of before, refilled, unless somebody kept it.
    fn position_view(&self, py: Python<'_>, symbol: Asked<'_, '_>, own: bool) -> PyResult<Option<Py<PositionView>>> {
        let Some((index, _)) = self.listing.find(symbol) else { return Ok(None) };
        let strategy = self.strategy;
        let answer = self.live.ask_active(py, |view| {
            let held = if own { view.position(strategy, index) } else { view.account_position(index) };
            (held, view.mark(index))
        });
        let Some((held, mark)) = answer else { return Ok(None) };
        let place = index.at() + if own { 0 } else { self.listing.len() };
        let mut given = self.positions.take(py);
        if given.is_empty() {
            let flat = |place| PositionView::flat(Arc::clone(&self.listing), index_of(place, self.listing.len()));
            given = (0..2 * self.listing.len()).map(|place| Py::new(py, flat(place))).collect::<PyResult<_>>()?;
        }
        if !is_unshared(py, &given[place]) {
            given[place] = Py::new(py, PositionView::flat(Arc::clone(&self.listing), index))?;
        }
        given[place].get().fill(py, held, mark);
        let view = given[place].clone_ref(py);
        self.positions.set(py, given);
        Ok(Some(view))
    }

    /// A plain order; None for any other.
    fn plain(&self, py: Python<'_>, side: Side, quantity: Asked<'_, '_>, terms: &Terms<'_, '_>) -> Option<OrderId> {
        let (index, listed) = self.listing.find(terms.symbol)?;
        let size = listed.quantities.quantity(number(quantity?)?)?;
        let mut order = PlaceOrder::market(index, side, Quantity(size));
        if let Some(limit) = terms.limit {
            order.limit_price = price(listed, side == Side::Sell, limit)?;
        }
        if let Some(stop) = terms.stop {
            order.stop_price = price(listed, side == Side::Buy, stop)?;
        }
        order.order_type = match (terms.limit, terms.stop) {
            (None, None) => OrderType::Market,
            (Some(_), None) => OrderType::Limit,
            (None, Some(_)) => OrderType::Stop,
            (Some(_), Some(_)) => OrderType::StopLimit,
        } as u8;
        if let Some(name) = terms.time_in_force {
            order.time_in_force = time_in_force(name)? as u8;
        }
        for (flag, given) in [(&mut order.post_only, terms.post_only), (&mut order.reduce_only, terms.reduce_only)] {
            if let Some(given) = given {
                *flag = given.cast_exact::<PyBool>().ok()?.is_true();
            }
        }
        self.record(py, Intent::PlaceOrder(order))
    }

    /// A market order that leads to an own position; None where Python decides, `Some(None)` when nothing is to be done.
    fn to_target(&self, py: Python<'_>, quantity: Asked<'_, '_>, symbol: Asked<'_, '_>) -> Option<Option<OrderId>> {
        let (index, listed) = self.listing.find(symbol)?;
        let wanted = i128::from(listed.quantities.signed(number(quantity?)?)?);
        let strategy = self.strategy;
        let mut expected = self.live.ask_active(py, |view| {
            i128::from(view.position(strategy, index).quantity.0) + view.market_orders(strategy, index)
        })?;
        expected +=
            self.recorded.read(py, |all| all.iter().map(|one| one.market_quantity(index)).sum::<Option<i128>>())?;
        let change = wanted - expected;
        if change == 0 {
            return Some(None);
        }
        if self.has_exits.get(py) && wanted * expected <= 0 {
            return None;
        }
        let side = if change > 0 { Side::Buy } else { Side::Sell };
        let size = Quantity(i64::try_from(change.abs()).ok()?);
        self.record(py, Intent::PlaceOrder(PlaceOrder::market(index, side, size))).map(Some)
    }

    /// What a replace asks for; None where Python decides.
    fn replacement(
        &self,
        py: Python<'_>,
        id: Asked<'_, '_>,
        [quantity, limit, stop]: [Asked<'_, '_>; 3],
    ) -> Option<()> {
        let order = own_id(id?)?;
        let facts = self.live.ask_active(py, |view| view.order(order.strategy, order.seq, order.index))??;
        let listed = self.listing.at(facts.instrument)?;
        let mut asked = ReplaceOrder {
            order,
            quantity: facts.quantity,
            limit_price: facts.limit_price,
            stop_price: facts.stop_price,
        };
        if let Some(given) = quantity {
            asked.quantity = Quantity(listed.quantities.quantity(number(given)?)?);
        }
        let sells = facts.side == Side::Sell as u8;
        if let Some(given) = limit {
            asked.limit_price = price(listed, sells, given)?;
        }
        if let Some(given) = stop {
            asked.stop_price = price(listed, !sells, given)?;
        }
        self.record(py, Intent::ReplaceOrder(asked)).map(|_| ())
    }

    fn order_view(&self, facts: cracktrader_core::view::OrderFacts) -> OrderView {
        OrderView::new(Arc::clone(&self.listing), facts)
    }
}

impl Recorded {
    /// A market order's signed quantity on an instrument, 0 for everything else; None when that is Python's to say.
    fn market_quantity(&self, instrument: InstrumentIndex) -> Option<i128> {
        match self {
            Self::Ready(Intent::PlaceOrder(order)) => {
                let counts = order.instrument == instrument && order.order_type == OrderType::Market as u8;
                let quantity = if counts { i128::from(order.quantity.0) } else { 0 };
                Some(if order.side == Side::Buy as u8 { quantity } else { -quantity })
            }
            Self::Ready(_) => Some(0),
            Self::Unfit(_) => None,
        }
    }

    fn again(&self, py: Python<'_>) -> Self {
        match self {
            Self::Ready(intent) => Self::Ready(*intent),
            Self::Unfit(given) => Self::Unfit(given.clone_ref(py)),
        }
    }

    fn into_intent(self, py: Python<'_>) -> PyResult<Intent> {
        match self {
            Self::Ready(intent) => Ok(intent),
            Self::Unfit(given) => take_intent(given.bind(py)),
        }
    }

    fn give<'py>(&self, py: Python<'py>) -> Answer<'py> {
        match self {
            Self::Ready(intent) => give_intent(py, intent),
            Self::Unfit(given) => Ok(given.bind(py).clone()),
        }
    }
}

fn index_of(place: usize, count: usize) -> InstrumentIndex {
    InstrumentIndex((place % count) as u32)
}

fn price(listed: &Listed, up: bool, given: &Bound<'_, PyAny>) -> Option<Price> {
    listed.prices.price(number(given)?, up).map(Price)
}

fn time_in_force(name: &Bound<'_, PyAny>) -> Option<TimeInForce> {
    match &*name.cast_exact::<PyString>().ok()?.to_cow().ok()? {
        "GTC" => Some(TimeInForce::Gtc),
        "IOC" => Some(TimeInForce::Ioc),
        "FOK" => Some(TimeInForce::Fok),
        "DAY" => Some(TimeInForce::Day),
        _ => None,
    }
}

/// The id that a helper returned; None for anything else.
fn own_id(given: &Bound<'_, PyAny>) -> Option<OrderId> {
    if !given.get_type().is(&classes(given.py()).ok()?.order_id) {
        return None;
    }
    OrderId::take(given).ok()
}

/// The method of the specification.
fn by_specification<'py>(slf: Slf<'_, 'py>, name: &str, rest: Rest<'_, 'py>, named: Named<'_, 'py>) -> Answer<'py> {
    let method = classes(slf.py())?.context.bind(slf.py()).getattr(name)?;
    method.call(behind(slf.as_any(), rest)?, named)
}

/// The same with a first argument and a symbol that were read already.
fn handed_on<'py>(
    slf: Slf<'_, 'py>,
    name: &str,
    (first, rest): (Asked<'_, 'py>, Rest<'_, 'py>),
    (given, named): (&[(&str, Asked<'_, 'py>)], Named<'_, 'py>),
) -> Answer<'py> {
    let py = slf.py();
    let all = PyDict::new(py);
    if let Some(named) = named {
        all.update(named.as_mapping())?;
    }
    for (name, given) in given {
        if let Some(given) = given {
            all.set_item(name, given)?;
        }
    }
    let rest = match first {
        Some(first) => behind(first, rest)?,
        None if rest.is_empty() => rest.clone(),
        None => behind(py.None().bind(py), rest)?,
    };
    by_specification(slf, name, &rest, Some(&all))
}

/// The property of the specification.
fn asked_of_specification<'py>(slf: Slf<'_, 'py>, name: &str) -> Answer<'py> {
    classes(slf.py())?.context.bind(slf.py()).getattr(name)?.getattr("fget")?.call1((slf,))
}

fn given<'py>(id: OrderId, py: Python<'py>) -> Answer<'py> {
    id.give(py)
}

fn order<'py>(
    slf: Slf<'_, 'py>,
    side: Side,
    (quantity, rest): (Asked<'_, 'py>, Rest<'_, 'py>),
    (terms, named): (Terms<'_, 'py>, Named<'_, 'py>),
) -> Answer<'py> {
    let py = slf.py();
    if named.is_none()
        && rest.is_empty()
        && let Some(id) = slf.get().plain(py, side, quantity, &terms)
    {
        return given(id, py);
    }
    let all = PyDict::new(py);
    if let Some(named) = named {
        all.update(named.as_mapping())?;
    }
    terms.put_in(&all)?;
    let name = if side == Side::Buy { "buy" } else { "sell" };
    handed_on(slf, name, (quantity, rest), (&[], Some(&all)))
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (config, strategy_index, view, *_rest, **_named))]
    fn new(
        config: &Bound<'_, PyAny>,
        strategy_index: u16,
        view: &Bound<'_, View>,
        _rest: Rest<'_, '_>,
        _named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let view = view.get();
        Ok(Self {
            live: Arc::clone(view.live()),
            strategy: StrategyIndex(strategy_index),
            listing: Arc::new(Listing::of(view.config(), config)?),
            recorded: Locked::new(Vec::new()),
            has_exits: Locked::new(false),
            positions: Locked::new(Vec::new()),
        })
    }

    // Asking

    #[getter]
    fn now<'py>(slf: Slf<'_, 'py>) -> Answer<'py> {
        match slf.get().live.ask_active(slf.py(), |view| view.now()) {
            Some(now) => now.give(slf.py()),
            None => asked_of_specification(slf, "now"),
        }
    }

    #[getter]
    fn equity<'py>(slf: Slf<'_, 'py>) -> Answer<'py> {
        match slf.get().live.ask_active(slf.py(), |view| view.equity()) {
            Some(equity) => Ok(slf.get().listing.base_float(equity).into_pyobject(slf.py())?.into_any()),
            None => asked_of_specification(slf, "equity"),
        }
    }

    #[getter]
    fn cash<'py>(slf: Slf<'_, 'py>) -> Answer<'py> {
        match slf.get().live.ask_active(slf.py(), |view| view.cash()) {
            Some(cash) => Ok(slf.get().listing.base_float(cash).into_pyobject(slf.py())?.into_any()),
            None => asked_of_specification(slf, "cash"),
        }
    }

    #[pyo3(signature = (symbol = None, *rest, **named))]
    fn position<'py>(
        slf: Slf<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let py = slf.py();
        if rest.is_empty()
            && named.is_none()
            && let Some(view) = slf.get().position_view(py, symbol, true)?
        {
            return Ok(view.into_bound(py).into_any());
        }
        handed_on(slf, "position", (symbol, rest), (&[], named))
    }

    #[pyo3(signature = (symbol = None, *rest, **named))]
    fn account_position<'py>(
        slf: Slf<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let py = slf.py();
        if rest.is_empty()
            && named.is_none()
            && let Some(view) = slf.get().position_view(py, symbol, false)?
        {
            return Ok(view.into_bound(py).into_any());
        }
        handed_on(slf, "account_position", (symbol, rest), (&[], named))
    }

    #[pyo3(signature = (symbol = None, *rest, **named))]
    fn mark<'py>(
        slf: Slf<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        if rest.is_empty()
            && named.is_none()
            && let Some((index, listed)) = this.listing.find(symbol)
        {
            let asked = this.live.ask_active(py, |view| view.mark(index));
            if let Some(mark) = asked {
                let mark = mark.map(|mark| mark.0 as f64 / listed.price_scale);
                return Ok(mark.into_pyobject(py)?.into_any());
            }
        }
        handed_on(slf, "mark", (symbol, rest), (&[], named))
    }

    #[pyo3(signature = (symbol = None, *rest, **named))]
    fn orders<'py>(
        slf: Slf<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        let only = symbol.map(|symbol| this.listing.find(Some(symbol)));
        if rest.is_empty() && named.is_none() && !matches!(only, Some(None)) {
            let strategy = this.strategy;
            if let Some(facts) = this.live.ask_active(py, |view| view.orders(strategy))
                && facts.iter().all(|one| this.listing.at(one.instrument).is_some())
            {
                let only = only.flatten().map(|(index, _)| index);
                let shown = facts.into_iter().filter(|one| only.is_none_or(|only| one.instrument == only));
                let views = shown.map(|one| Py::new(py, this.order_view(one))).collect::<PyResult<Vec<_>>>()?;
                return Ok(PyList::new(py, views)?.into_any());
            }
        }
        handed_on(slf, "orders", (symbol, rest), (&[], named))
    }

    #[pyo3(signature = (order_id = Needed(None), *rest, **named))]
    fn order<'py>(
        slf: Slf<'_, 'py>,
        order_id: Needed<'py>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        if rest.is_empty()
            && named.is_none()
            && let Some(id) = order_id.0.as_ref().and_then(own_id)
        {
            let asked = this.live.ask_active(py, |view| view.order(id.strategy, id.seq, id.index));
            if let Some(facts) = asked {
                let view = facts.map(|facts| Py::new(py, this.order_view(facts))).transpose()?;
                return Ok(view.into_pyobject(py)?.into_any());
            }
        }
        handed_on(slf, "order", (order_id.0.as_ref(), rest), (&[], named))
    }

    // Ordering

    #[pyo3(signature = (
        quantity = None, *rest, limit = None, stop = None, symbol = None, time_in_force = None, post_only = None,
        reduce_only = None, **named
    ))]
    #[allow(clippy::too_many_arguments, reason = "the arguments that Python knows by these names")]
    fn buy<'py>(
        slf: Slf<'_, 'py>,
        quantity: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        limit: Option<&Bound<'py, PyAny>>,
        stop: Option<&Bound<'py, PyAny>>,
        symbol: Option<&Bound<'py, PyAny>>,
        time_in_force: Option<&Bound<'py, PyAny>>,
        post_only: Option<&Bound<'py, PyAny>>,
        reduce_only: Option<&Bound<'py, PyAny>>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let terms = Terms { limit, stop, symbol, time_in_force, post_only, reduce_only };
        order(slf, Side::Buy, (quantity, rest), (terms, named))
    }

    #[pyo3(signature = (
        quantity = None, *rest, limit = None, stop = None, symbol = None, time_in_force = None, post_only = None,
        reduce_only = None, **named
    ))]
    #[allow(clippy::too_many_arguments, reason = "the arguments that Python knows by these names")]
    fn sell<'py>(
        slf: Slf<'_, 'py>,
        quantity: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        limit: Option<&Bound<'py, PyAny>>,
        stop: Option<&Bound<'py, PyAny>>,
        symbol: Option<&Bound<'py, PyAny>>,
        time_in_force: Option<&Bound<'py, PyAny>>,
        post_only: Option<&Bound<'py, PyAny>>,
        reduce_only: Option<&Bound<'py, PyAny>>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let terms = Terms { limit, stop, symbol, time_in_force, post_only, reduce_only };
        order(slf, Side::Sell, (quantity, rest), (terms, named))
    }

    #[pyo3(signature = (quantity = None, *rest, symbol = None, **named))]
    fn target<'py>(
        slf: Slf<'_, 'py>,
        quantity: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let py = slf.py();
        if rest.is_empty()
            && named.is_none()
            && let Some(done) = slf.get().to_target(py, quantity, symbol)
        {
            return done.map_or_else(|| Ok(py.None().into_bound(py)), |id| given(id, py));
        }
        handed_on(slf, "target", (quantity, rest), (&[("symbol", symbol)], named))
    }

    #[pyo3(signature = (symbol = None, *rest, **named))]
    fn close<'py>(
        slf: Slf<'_, 'py>,
        symbol: Option<&Bound<'py, PyAny>>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let py = slf.py();
        let flat = 0.0_f64.into_pyobject(py)?.into_any();
        if rest.is_empty()
            && named.is_none()
            && let Some(done) = slf.get().to_target(py, Some(&flat), symbol)
        {
            return done.map_or_else(|| Ok(py.None().into_bound(py)), |id| given(id, py));
        }
        handed_on(slf, "close", (symbol, rest), (&[], named))
    }

    #[pyo3(signature = (order_id = Needed(None), *rest, **named))]
    fn cancel<'py>(
        slf: Slf<'_, 'py>,
        order_id: Needed<'py>,
        rest: Rest<'_, 'py>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        if rest.is_empty()
            && named.is_none()
            && let Some(order) = order_id.0.as_ref().and_then(own_id)
        {
            let asked = this.record(py, Intent::CancelOrder(CancelOrder { order }));
            if asked.is_some() {
                return Ok(py.None().into_bound(py));
            }
        }
        handed_on(slf, "cancel", (order_id.0.as_ref(), rest), (&[], named))
    }

    #[pyo3(signature = (order_id = Needed(None), *rest, quantity = None, limit = None, stop = None, **named))]
    #[allow(clippy::too_many_arguments, reason = "the arguments that Python knows by these names")]
    fn replace<'py>(
        slf: Slf<'_, 'py>,
        order_id: Needed<'py>,
        rest: Rest<'_, 'py>,
        quantity: Option<&Bound<'py, PyAny>>,
        limit: Option<&Bound<'py, PyAny>>,
        stop: Option<&Bound<'py, PyAny>>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> Answer<'py> {
        let py = slf.py();
        let asked = [quantity, limit, stop];
        if rest.is_empty() && named.is_none() && slf.get().replacement(py, order_id.0.as_ref(), asked).is_some() {
            return Ok(py.None().into_bound(py));
        }
        let given = [("quantity", quantity), ("limit", limit), ("stop", stop)];
        handed_on(slf, "replace", (order_id.0.as_ref(), rest), (&given, named))
    }

    // Inside

    /// What was recorded in this callback.
    #[getter]
    fn intents<'py>(slf: Slf<'_, 'py>) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        // Copied first: making Python values may run Python code, which may record.
        let recorded = this.recorded.read(py, |all| all.iter().map(|one| one.again(py)).collect::<Vec<_>>());
        let given = recorded.iter().map(|one| one.give(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, given)?.into_any())
    }

    fn _record<'py>(slf: Slf<'_, 'py>, intent: &Bound<'py, PyAny>) -> Answer<'py> {
        let (py, this) = (slf.py(), slf.get());
        let Some(seq) = this.live.ask_active(py, |view| view.seq()) else {
            return by_specification(slf, "_record", &PyTuple::new(py, [intent])?, None);
        };
        let taken = take_intent(intent).map_or_else(|_| Recorded::Unfit(intent.clone().unbind()), Recorded::Ready);
        let index = this.recorded.push(py, taken) - 1;
        let fields = [this.strategy.give(py)?, seq.give(py)?, index.into_pyobject(py)?.into_any()];
        crate::call::tuple_of(classes(py)?.order_id.bind(py), fields)
    }

    fn _forget(&self, py: Python<'_>) {
        self.forget(py);
    }

    #[getter]
    fn has_exits(&self, py: Python<'_>) -> bool {
        self.has_exits.get(py)
    }

    #[setter]
    fn set_has_exits(&self, py: Python<'_>, has_exits: bool) {
        self.has_exits.set(py, has_exits);
    }
}
