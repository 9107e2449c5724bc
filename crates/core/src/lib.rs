//! The deterministic core of Cracktrader: one single-threaded state machine, the fast twin of `cracktrader.core`.
//!
//! Deliberately not here: Python, clocks, threads, input and output, and floating point in state. Modules are listed in reading
//! order, which is the order of their dependencies: a file uses only files above it. (Blank
//! lines between them keep the formatter from sorting.)

#![forbid(unsafe_code)]

pub mod units;

pub mod random;

pub mod instrument;

pub mod fee;

pub mod event;

pub mod intent;

pub mod reject;

pub mod order;

pub mod portfolio;

pub mod account;

pub mod book;

pub mod capability;

pub mod risk;

pub mod config;

pub mod timer;

pub mod indicator;

pub mod state;

pub mod admission;

pub mod matching;

pub mod invariant;

pub mod view;

pub mod sequencer;

pub mod codec;

pub mod engine;

pub mod replay;
