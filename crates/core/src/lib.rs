//! The deterministic core of Cracktrader: one single-threaded state machine, the fast twin of `cracktrader.core`.
//!
//! Deliberately not here: Python, clocks, threads, input and output, and floating point in state. Modules are listed in reading
//! order, which is the order of their dependencies: a file uses only files above it. (Blank
//! lines between them keep the formatter from sorting.)

#![forbid(unsafe_code)]

/// Whether the defect of this number is planted: never, but in the test build with planted defects.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($number:literal) => {
        false
    };
}

#[cfg(feature = "planted")]
macro_rules! planted {
    ($number:literal) => {
        crate::planted::is($number)
    };
}

pub mod units;

pub mod random;

pub mod instrument;

pub mod schedule;

pub mod fee;

pub mod event;

pub mod intent;

pub mod reject;

pub mod order;

pub mod group;

pub mod portfolio;

pub mod account;

pub mod book;

pub mod capability;

pub mod risk;

pub mod config;

pub mod valuation;

pub mod timer;

pub mod aggregate;

pub mod indicator;

pub mod state;

pub mod admission;

pub mod clearing;

pub mod matching;

pub mod wake;

pub mod invariant;

pub mod view;

pub mod sequencer;

pub mod codec;

pub mod engine;

pub mod replay;

/// Defects for tests of the tests: at most one is planted, chosen at run time.
#[cfg(feature = "planted")]
pub mod planted {
    use std::sync::atomic::{AtomicU8, Ordering};

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Plant the defect of this number and no other; 0 plants none.
    pub fn plant(number: u8) {
        PLANTED.store(number, Ordering::Relaxed);
    }

    /// Whether it is the one.
    pub(crate) fn is(number: u8) -> bool {
        PLANTED.load(Ordering::Relaxed) == number
    }
}
