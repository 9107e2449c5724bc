//! How a bar reaches a strategy: the one place that chooses the entry point for calls, and the test whether a value is shared.
//!
//! An empty callback costs 41 ns through `PyObject_Vectorcall` and 51 ns through `PyObject_CallFunctionObjArgs`, the cheapest call of
//! the stable ABI of 3.11. The first is exported by every 3.11, with the signature that the stable ABI has had for it since 3.12;
//! only the forwarding library of Windows lacks it, and there the second is used.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

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
    pub fn call<'py>(
        &self,
        py: Python<'py>,
        context: &Py<impl Sized>,
        bar: &Py<impl Sized>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (context, bar) = (context.as_ptr(), bar.as_ptr());
        // SAFETY: all of them are live objects of the interpreter whose lock is held, and the result of a call is a new reference
        // or a null with an exception set.
        unsafe {
            let result = match &self.receiver {
                Some(receiver) => enter(&self.function, [ptr::null_mut(), receiver.as_ptr(), context, bar]),
                None => enter(&self.function, [ptr::null_mut(), context, bar]),
            };
            Bound::from_owned_ptr_or_err(py, result)
        }
    }
}

/// Call with all but the first of these objects. The first place is the callee's to use.
///
/// # Safety
/// The lock is held, the function and the objects are live.
#[cfg(not(windows))]
#[inline]
unsafe fn enter<const N: usize>(function: &Py<PyAny>, mut objects: [*mut ffi::PyObject; N]) -> *mut ffi::PyObject {
    unsafe extern "C" {
        fn PyObject_Vectorcall(
            function: *mut ffi::PyObject,
            arguments: *const *mut ffi::PyObject,
            count_and_flag: usize,
            names: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject;
    }
    /// `PY_VECTORCALL_ARGUMENTS_OFFSET`: the place before the arguments may be overwritten meanwhile.
    const MAY_PREPEND: usize = 1 << (usize::BITS - 1);
    let arguments = objects.as_mut_ptr().wrapping_add(1);
    // SAFETY: as the caller says; the array outlives the call, and its first place is spare.
    unsafe { PyObject_Vectorcall(function.as_ptr(), arguments, (N - 1) | MAY_PREPEND, ptr::null_mut()) }
}

/// Call with all but the first of these objects.
///
/// # Safety
/// The lock is held, the function and the objects are live.
#[cfg(windows)]
unsafe fn enter<const N: usize>(function: &Py<PyAny>, objects: [*mut ffi::PyObject; N]) -> *mut ffi::PyObject {
    let (function, end) = (function.as_ptr(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: as the caller says; the list ends with a null.
    unsafe {
        match objects[1..] {
            [context, bar] => ffi::PyObject_CallFunctionObjArgs(function, context, bar, end),
            [receiver, context, bar] => ffi::PyObject_CallFunctionObjArgs(function, receiver, context, bar, end),
            _ => end,
        }
    }
}

/// The attribute as any object's is looked up.
#[inline]
pub fn attribute<'py>(object: &Bound<'py, PyAny>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are live objects of the interpreter whose lock is held, and the result is a new reference or a null with an exception.
    unsafe {
        let found = ffi::PyObject_GenericGetAttr(object.as_ptr(), name.as_ptr());
        Bound::from_owned_ptr_or_err(object.py(), found)
    }
}

/// An instance of a named tuple, made as its own `__new__` makes it: allocated by its type, then filled.
pub fn tuple_of<'py, const N: usize>(
    class: &Bound<'py, PyType>,
    fields: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let count = N as ffi::Py_ssize_t;
    // SAFETY: the class is a subclass of tuple without fields of its own, so its allocator makes room for so many items; the new object
    // is nobody else's until it is returned, and takes over a reference to each item.
    unsafe {
        let made = Bound::from_owned_ptr_or_err(py, ffi::PyType_GenericAlloc(class.as_type_ptr(), count))?;
        for (place, field) in fields.into_iter().enumerate() {
            if ffi::PyTuple_SetItem(made.as_ptr(), place as ffi::Py_ssize_t, field.into_ptr()) != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(made)
    }
}

/// Whether nobody but the holder of `object` refers to it.
pub fn is_unshared(py: Python<'_>, object: &Py<impl Sized>) -> bool {
    let _lock_is_held = py;
    // SAFETY: the object is live and the lock is held, so the count cannot change meanwhile.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}
