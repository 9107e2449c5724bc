//! How a bar reaches a strategy: the one place that chooses the entry point for calls, and the test whether a value is shared.
//!
//! `PyObject_CallFunctionObjArgs` is the cheapest call of the stable ABI before 3.12 (29 ns; a tuple and `PyObject_Call` 37,
//! the vectorcall of 3.12 24).

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::classes::classes;

/// What is called with (context, bar).
#[derive(Debug)]
pub struct Callable {
    function: Py<PyAny>,
    /// What a method is bound to: passed along as its first argument, binding costs nothing per call.
    receiver: Option<Py<PyAny>>,
}

impl Callable {
    /// A bound method is taken apart, anything else is called as it is.
    pub fn new(callable: &Bound<'_, PyAny>) -> PyResult<Self> {
        if classes(callable.py())?.is_method(callable) {
            let (function, receiver) = (callable.getattr("__func__")?, callable.getattr("__self__")?);
            return Ok(Self { function: function.unbind(), receiver: Some(receiver.unbind()) });
        }
        Ok(Self { function: callable.clone().unbind(), receiver: None })
    }

    /// Call it.
    pub fn call<'py>(&self, py: Python<'py>, context: &Py<PyAny>, bar: &Py<impl Sized>) -> PyResult<Bound<'py, PyAny>> {
        let (function, context, bar) = (self.function.as_ptr(), context.as_ptr(), bar.as_ptr());
        let end = ptr::null_mut::<ffi::PyObject>();
        // SAFETY: all of them are live objects of the interpreter whose lock is held, the list ends with a null, and the result is
        // a new reference or a null with an exception set.
        unsafe {
            let result = match &self.receiver {
                Some(receiver) => ffi::PyObject_CallFunctionObjArgs(function, receiver.as_ptr(), context, bar, end),
                None => ffi::PyObject_CallFunctionObjArgs(function, context, bar, end),
            };
            Bound::from_owned_ptr_or_err(py, result)
        }
    }
}

/// Whether nobody but the holder of `object` refers to it.
pub fn is_unshared(py: Python<'_>, object: &Py<impl Sized>) -> bool {
    let _lock_is_held = py;
    // SAFETY: the object is live and the lock is held, so the count cannot change meanwhile.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}
