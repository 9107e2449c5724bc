//! The core's view, lent to Python for the time of one callback. The only file with unsafe code besides `call`.
//!
//! While the engine runs, its state is borrowed by the run loop. During a callback that borrow is parked here as a pointer, so that
//! the objects a strategy holds can ask it; outside a callback there is nothing here and asking is a `StaleView`.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use cracktrader_core::view::View;
use pyo3::prelude::*;

use crate::classes::stale;

/// Where the view of one machine is found during its callbacks. Every access holds the interpreter lock, so relaxed order is enough.
#[derive(Debug)]
pub struct Live {
    view: AtomicPtr<View<'static>>,
    active: AtomicBool,
}

impl Live {
    /// Nothing lent.
    pub const fn new() -> Self {
        Self { view: AtomicPtr::new(ptr::null_mut()), active: AtomicBool::new(false) }
    }

    /// Whether a strategy is being called; the host says so.
    pub fn active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Say whether a strategy is being called.
    pub fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
    }

    /// Lend the view while `callback` runs.
    pub fn lend<T>(&self, view: &mut View<'_>, callback: impl FnOnce() -> T) -> T {
        struct Return<'a>(&'a Live);
        impl Drop for Return<'_> {
            fn drop(&mut self) {
                self.0.view.store(ptr::null_mut(), Ordering::Relaxed);
            }
        }
        self.view.store(ptr::from_mut(view).cast(), Ordering::Relaxed);
        let _return = Return(self);
        callback()
    }

    /// Ask the lent view; `StaleView` when there is none. `ask` copies values out and runs no Python code.
    pub fn ask<T>(&self, py: Python<'_>, ask: impl FnOnce(&mut View<'_>) -> T) -> PyResult<T> {
        // Taken out for the time of the question: a question inside a question would find nothing, never a second `&mut`.
        let lent = self.view.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: a pointer is here only while `lend` holds the `&mut View` it was made of and does not use it; `lend` removes it
        // before that borrow ends, unwinding included. The lock is held from the swap to the store, so nobody else can be inside.
        let view = unsafe { lent.as_mut() }.ok_or_else(|| stale(py))?;
        let answer = ask(view);
        self.view.store(lent, Ordering::Relaxed);
        Ok(answer)
    }
}
