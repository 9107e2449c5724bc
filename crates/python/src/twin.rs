//! Values that strategies read and whose Python twin says what is read seldom: equality, hash, text, sums.
//!
//! A view here holds what the twin is made of and answers the common questions itself; for the others the twin is made.

/// The methods of a view: those given; the named ones as the twin answers; equality, hash, repr and dir by the twin; and that it is frozen.
macro_rules! twin_value {
    ($view:ident, $name:literal, $twin:ident, by_twin: [$($by_twin:ident),* $(,)?], $($getters:tt)*) => {
        #[pymethods]
        impl $view {
            $($getters)*

            $(
                #[getter]
                fn $by_twin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    self.twin(py)?.getattr(stringify!($by_twin))
                }
            )*

            /// The class for `isinstance`: the Python twin.
            #[getter(__class__)]
            fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
                Ok(classes(py)?.$twin.clone_ref(py))
            }

            fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                let py = other.py();
                let Ok(other) = other.cast_exact::<Self>() else { return Ok(py.NotImplemented()) };
                let same = self.twin(py)?.eq(other.get().twin(py)?)?;
                Ok(same.into_pyobject(py)?.to_owned().into_any().unbind())
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                self.twin(py)?.hash()
            }

            fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
                self.twin(py)?.repr()
            }

            fn __dir__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
                self.twin(py)?.dir()
            }

            fn __setattr__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
                let _is_refused = value;
                Err(PyAttributeError::new_err(format!("{} is a frozen value: {name} cannot be set", $name)))
            }

            fn __delattr__(&self, name: &str) -> PyResult<()> {
                Err(PyAttributeError::new_err(format!("{} is a frozen value: {name} cannot be deleted", $name)))
            }
        }
    };
}
pub(crate) use twin_value;
