//! `Ints`: a column of integers that Rust keeps and Python reads where it lies. A core takes it without copying.
//!
//! With `call` and `live` one of the three files with unsafe code.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;
use std::{mem, ptr};

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// 64-bit integers in native order, as a buffer that nobody can write.
#[pyclass(module = "cracktrader._core", frozen)]
#[derive(Debug)]
pub struct Ints(pub Arc<[i64]>);

#[pymethods]
impl Ints {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    // SAFETY: the interpreter calls this with a buffer to fill; what is filled in lives as long as the object, which the buffer holds.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("the column cannot be written"));
        }
        let cells = &slf.get().0;
        let shape = Box::into_raw(Box::new([cells.len() as ffi::Py_ssize_t, CELL]));
        // SAFETY: `view` is the interpreter's, not null and ours to fill. Length and stride lie in one box, which `__releasebuffer__` frees.
        unsafe {
            (*view).buf = cells.as_ptr().cast_mut().cast::<c_void>();
            (*view).len = (cells.len() * CELL as usize) as ffi::Py_ssize_t;
            (*view).readonly = 1;
            (*view).itemsize = CELL;
            (*view).format = if flags & ffi::PyBUF_FORMAT == 0 { ptr::null_mut() } else { FORMAT.as_ptr().cast_mut() };
            (*view).ndim = 1;
            (*view).shape = shape.cast();
            (*view).strides = shape.cast::<ffi::Py_ssize_t>().add(1);
            (*view).suboffsets = ptr::null_mut();
            (*view).internal = shape.cast();
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }

    // SAFETY: called once for each buffer that `__getbuffer__` filled.
    #[expect(clippy::unused_self, reason = "the interpreter passes it")]
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `internal` is the box that `__getbuffer__` put there.
        unsafe { drop(Box::from_raw((*view).internal.cast::<[ffi::Py_ssize_t; 2]>())) }
    }
}

const CELL: ffi::Py_ssize_t = mem::size_of::<i64>() as ffi::Py_ssize_t;
const FORMAT: [c_char; 2] = [b'q' as c_char, 0];
/// How many objects may lie between a column and who keeps it: a view of an array of a view.
const DEEPEST: usize = 6;

/// A 64-bit integer under a name.
///
/// # Safety
///
/// It has the layout of an i64, and every i64 is one of it.
pub unsafe trait Wraps64: Sized {}

/// The same cells under another name.
pub fn named<T: Wraps64>(cells: Arc<[i64]>) -> Arc<[T]> {
    // SAFETY: T has the layout of an i64 and takes each of its values, so that the cells of the one are cells of the other.
    unsafe { Arc::from_raw(Arc::into_raw(cells) as *const [T]) }
}

/// The column that `values` shows, where it shows all of an `Ints` and nothing else. `start` and `rows` are what its buffer says.
pub fn kept(values: &Bound<'_, PyAny>, start: *const c_void, rows: usize) -> Option<Arc<[i64]>> {
    let mut keeper = values.clone();
    for _ in 0..DEEPEST {
        if let Ok(ints) = keeper.cast::<Ints>() {
            let cells = &ints.get().0;
            let is_whole = ptr::eq(cells.as_ptr().cast(), start) && cells.len() == rows;
            return is_whole.then(|| Arc::clone(cells));
        }
        // A memoryview says whose memory it is by `obj`, an array by `base`.
        keeper = keeper.getattr("obj").or_else(|_| keeper.getattr("base")).ok()?;
    }
    None
}

/// A column of so many cells that `fill` writes, all of them.
pub fn filled<E>(rows: usize, fill: impl FnOnce(&mut Filling<'_>) -> Result<(), E>) -> Result<Arc<[i64]>, E> {
    let mut cells = Arc::<[i64]>::new_uninit_slice(rows);
    let mut filling = Filling { cells: Arc::get_mut(&mut cells).expect("nobody else has it yet"), until: 0 };
    fill(&mut filling)?;
    assert_eq!(filling.until, rows, "every cell of a column is written");
    // SAFETY: `until` counts the cells that were written from the first one on.
    Ok(unsafe { cells.assume_init() })
}

/// A column while it is written, from its first cell to its last; what is written may be written again.
pub struct Filling<'a> {
    cells: &'a mut [mem::MaybeUninit<i64>],
    until: usize,
}

impl Filling<'_> {
    /// Write the cells from `start` on, which lies at most behind the last one that was written.
    #[inline]
    pub fn write(&mut self, start: usize, numbers: impl ExactSizeIterator<Item = i64>) {
        assert!(start <= self.until, "cells are written in their order");
        let end = start + numbers.len();
        let mut written = start;
        for (cell, number) in self.cells[start..end].iter_mut().zip(numbers) {
            cell.write(number);
            written += 1;
        }
        assert_eq!(written, end, "an iterator is as long as it says");
        self.until = self.until.max(end);
    }
}
