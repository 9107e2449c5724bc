//! The deterministic core of Cracktrader: one single-threaded state machine, the fast twin of `cracktrader.core`.
//!
//! Deliberately not here: Python, clocks, threads, input and output, and floating point in state.
