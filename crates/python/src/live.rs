//! The core's view, lent to Python for the time of one callback. One of the three files with unsafe code, with
//! `call` and `ints`.
//!
//! While the engine runs, its state is borrowed by the run loop. During a callback that borrow is parked here as a pointer, so that
//! the objects a strategy holds can ask it; outside a callback there is nothing here and asking is a `StaleView`.

use std::cell::Cell;
use std::fmt;
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
    #[inline]
    pub fn ask<T>(&self, py: Python<'_>, ask: impl FnOnce(&mut View<'_>) -> T) -> PyResult<T> {
        self.ask_lent(py, ask).ok_or_else(|| stale(py))
    }

    /// Ask the lent view while a strategy is being called; None when none is.
    #[inline]
    pub fn ask_active<T>(&self, py: Python<'_>, ask: impl FnOnce(&mut View<'_>) -> T) -> Option<T> {
        if self.active() { self.ask_lent(py, ask) } else { None }
    }

    #[inline]
    fn ask_lent<T>(&self, py: Python<'_>, ask: impl FnOnce(&mut View<'_>) -> T) -> Option<T> {
        let _lock_is_held = py;
        // Taken out for the time of the question: a question inside a question would find nothing, never a second `&mut`. A load and
        // a store do, for the lock is held.
        let lent = self.view.load(Ordering::Relaxed);
        self.view.store(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: a pointer is here only while `lend` holds the `&mut View` it was made of and does not use it; `lend` removes it
        // before that borrow ends, unwinding included. The lock is held from the load to the store, so nobody else can be inside.
        let view = unsafe { lent.as_mut() }?;
        let answer = ask(view);
        self.view.store(lent, Ordering::Relaxed);
        Some(answer)
    }
}

/// A cell that the interpreter lock guards: every access shows the lock.
pub struct Locked<T>(Cell<T>);

impl<T> fmt::Debug for Locked<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Locked")
    }
}

// SAFETY: the module asks for the lock (`gil_used`), and every method takes the proof that the calling thread holds it, so no two
// threads are inside a cell at once; a `Cell` hands out no references that could outlive that.
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    /// A cell with a value.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// Put another value in place.
    #[inline]
    pub fn set(&self, _py: Python<'_>, value: T) {
        self.0.set(value);
    }
}

impl<T: Copy> Locked<T> {
    /// A copy of the value.
    #[inline]
    pub fn get(&self, _py: Python<'_>) -> T {
        self.0.get()
    }
}

impl<T: Default> Locked<T> {
    /// Take the value out, the default is left.
    #[inline]
    pub fn take(&self, _py: Python<'_>) -> T {
        self.0.take()
    }
}

impl<T> Locked<Vec<T>> {
    /// Put one more behind the others; how many there are then.
    #[inline]
    pub fn push(&self, py: Python<'_>, one: T) -> usize {
        let mut all = self.take(py);
        all.push(one);
        let count = all.len();
        self.set(py, all);
        count
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self, _py: Python<'_>) -> bool {
        // SAFETY: the lock is held, and looking at the length runs no code that could change the cell meanwhile.
        unsafe { (*self.0.as_ptr()).is_empty() }
    }

    /// What `read` makes of them; it runs no Python code that could add one.
    #[inline]
    pub fn read<R>(&self, py: Python<'_>, read: impl FnOnce(&[T]) -> R) -> R {
        let all = self.take(py);
        let made = read(&all);
        self.set(py, all);
        made
    }
}
