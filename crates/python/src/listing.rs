//! What is declared, as the quick parts of a context read it: names, steps and scales of the instruments and currencies.

use cracktrader_core::config::Config;
use cracktrader_core::instrument::Instrument;
use cracktrader_core::units::{CurrencyIndex, InstrumentIndex};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::bar::scale;
use crate::sizing::Grid;

/// All of a run.
#[derive(Debug)]
pub struct Listing {
    instruments: Vec<Listed>,
    currencies: Vec<Money>,
    base: usize,
}

/// An instrument.
#[derive(Debug)]
pub struct Listed {
    pub symbol: Py<PyString>,
    /// As the Python core has it.
    pub declared: Py<PyAny>,
    pub instrument: Instrument,
    pub prices: Grid,
    pub quantities: Grid,
    pub price_scale: f64,
    pub quantity_scale: f64,
    pub money_scale: f64,
}

/// A currency.
#[derive(Debug)]
pub struct Money {
    pub name: Py<PyString>,
    pub decimals: u8,
    pub scale: f64,
}

impl Listing {
    /// Of a configuration that both cores have.
    pub fn of(config: &Config, declared: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = declared.py();
        let twins = declared.getattr("instruments")?;
        let listed = config.instruments.iter().enumerate().map(|(index, instrument)| {
            let (price_scale, quantity_scale) = (scale(instrument.price_decimals), scale(instrument.quantity_decimals));
            Ok(Listed {
                symbol: PyString::intern(py, &instrument.name).unbind(),
                declared: twins.get_item(index)?.unbind(),
                prices: Grid::new(price_scale, instrument.tick.0),
                quantities: Grid::new(quantity_scale, instrument.lot.0),
                price_scale,
                quantity_scale,
                money_scale: scale(instrument.settlement_scale),
                instrument: instrument.clone(),
            })
        });
        let currencies = config.currencies.iter().map(|currency| Money {
            name: PyString::new(py, &currency.name).unbind(),
            decimals: currency.scale,
            scale: scale(currency.scale),
        });
        Ok(Self {
            instruments: listed.collect::<PyResult<_>>()?,
            currencies: currencies.collect(),
            base: usize::from(config.base_currency.0),
        })
    }

    /// The declared instrument.
    #[inline]
    pub fn at(&self, index: InstrumentIndex) -> Option<&Listed> {
        self.instruments.get(index.at())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.instruments.len()
    }

    /// The only instrument, or the one of this name; None where Python says what is wrong.
    #[inline]
    pub fn find(&self, symbol: Option<&Bound<'_, PyAny>>) -> Option<(InstrumentIndex, &Listed)> {
        let Some(symbol) = symbol else {
            return match &self.instruments[..] {
                [only] => Some((InstrumentIndex(0), only)),
                _ => None,
            };
        };
        let same = self.instruments.iter().position(|one| one.symbol.is(symbol));
        let place = same.or_else(|| {
            let text = symbol.cast_exact::<PyString>().ok()?.to_cow().ok()?;
            self.instruments.iter().position(|one| one.instrument.name == *text)
        })?;
        Some((InstrumentIndex(place as u32), &self.instruments[place]))
    }

    /// The declared currency.
    pub fn currency(&self, index: CurrencyIndex) -> Option<&Money> {
        self.currencies.get(usize::from(index.0))
    }

    /// An amount of base currency as a float, NaN for none.
    #[inline]
    pub fn base_float(&self, money: Option<cracktrader_core::units::Money>) -> f64 {
        money.map_or(f64::NAN, |money| money.0 as f64 / self.currencies[self.base].scale)
    }
}

/// Arguments with one more before them.
pub fn behind<'py>(first: &Bound<'py, PyAny>, rest: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let mut all = vec![first.clone()];
    all.extend(rest.iter());
    PyTuple::new(first.py(), all)
}
