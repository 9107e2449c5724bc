//! The journal of a machine: what Python asks for, the writer behind it, and what the writer met, as Python raises it.
//!
//! A real folder is written by a thread of its own; a file system that Python brings is written inline, so that every one of its
//! calls comes at the same place in every run. Deliberately not here: the bytes; the core's engine and `cracktrader_journal` make them.

use std::io::{Error, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cracktrader_core::codec::DataRun;
use cracktrader_core::engine::{Opening, Policy as Syncing, Sink, SinkFailed};
use cracktrader_journal::{Files, Folder, JournalError, Policy, Position, Resume, Spec, Threaded, Writer};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::call::tuple_of;
use crate::classes::{classes, journal_error};

/// What is to be done when a journal cannot be written.
const REMEDY: &str =
    "nothing after the last durable step is acknowledged: see to the disk, then run `cracktrader recover`";

/// A `JournalSpec` of Python.
#[derive(Debug)]
pub struct Asked {
    folder: PathBuf,
    header: Vec<u8>,
    embedded: bool,
    writing: Spec,
    pending: DataRun,
    files: Option<Py<PyAny>>,
}

impl Asked {
    /// The fields of the named tuple.
    pub fn of(spec: &Bound<'_, PyAny>) -> PyResult<Self> {
        let field = |name: &str| spec.getattr(name);
        let (records, milliseconds) = (field("records")?.extract()?, field("milliseconds")?.extract()?);
        let policy = match field("policy")?.extract::<u8>()? {
            0 => Policy::Os,
            1 => Policy::Group { records, milliseconds },
            2 => Policy::Always,
            number => return Err(PyValueError::new_err(format!("there is no sync policy {number}"))),
        };
        let resume = field("resume")?;
        let (resume, pending) = if resume.is_none() {
            (None, DataRun { first: 0, count: 0 })
        } else {
            let (first, count) =
                (resume.getattr("pending_first")?.extract()?, resume.getattr("pending_count")?.extract()?);
            (Some(resumed(&resume)?), DataRun { first, count })
        };
        let files = field("files")?;
        Ok(Self {
            folder: field("folder")?.extract()?,
            header: field("header")?.extract()?,
            embedded: field("embedded")?.extract()?,
            writing: Spec {
                run_id: field("run_id")?.extract()?,
                segment_bytes: field("segment_bytes")?.extract()?,
                policy,
                resume,
            },
            pending,
            files: (!files.is_none()).then(|| files.unbind()),
        })
    }

    /// As the engine needs to know it.
    pub fn opening(&self) -> Opening<'_> {
        let (policy, records) = match self.writing.policy {
            Policy::Os => (Syncing::Os, 0),
            Policy::Group { records, .. } => (Syncing::Group, u32::try_from(records).unwrap_or(u32::MAX)),
            Policy::Always => (Syncing::Always, 0),
        };
        let resume = self.writing.resume.as_ref();
        Opening {
            header: &self.header,
            policy,
            records,
            embedded: self.embedded,
            held: resume.map_or(0, |resume| resume.open_frames.len()),
            last_seq: resume.map_or(0, |resume| resume.last_seq),
            pending: self.pending,
        }
    }
}

fn resumed(resume: &Bound<'_, PyAny>) -> PyResult<Resume> {
    Ok(Resume {
        segment: resume.getattr("segment")?.extract()?,
        size: resume.getattr("size")?.extract()?,
        head: resume.getattr("head")?.extract()?,
        open_frames: resume.getattr("open_frames")?.extract()?,
        last_seq: resume.getattr("last_seq")?.extract()?,
    })
}

/// The writer of a machine's journal, which its engine and the machine both hold.
#[derive(Clone, Debug)]
pub struct Keeper {
    held: Arc<Mutex<Held>>,
    folder: Arc<Path>,
}

#[derive(Debug)]
struct Held {
    writer: Kept,
    failed: Option<JournalError>,
}

#[derive(Debug)]
enum Kept {
    Threaded(Threaded),
    Inline(Box<Writer<PyFiles>>),
}

impl Keeper {
    /// Open the files; the exception says what could not be done.
    pub fn open(py: Python<'_>, asked: &Asked) -> PyResult<Self> {
        let (folder, spec) = (asked.folder.as_path(), asked.writing.clone());
        let opened = match &asked.files {
            Some(files) => {
                Writer::new(PyFiles { files: files.clone_ref(py) }, spec).map(|one| Kept::Inline(one.into()))
            }
            None => py.detach(|| Threaded::new(Folder::new(folder), spec)).map(Kept::Threaded),
        };
        let writer = opened.map_err(|failed| raised(py, folder, &failed, 0))?;
        Ok(Self { held: Arc::new(Mutex::new(Held { writer, failed: None })), folder: folder.into() })
    }

    /// Wait until all that was handed over is durable; where the journal then stands.
    pub fn sync(&self, py: Python<'_>) -> PyResult<Position> {
        let done = self.lock().sync();
        done.map_err(|failed| self.raised(py, &failed))
    }

    /// Wait until all that was handed over is written, by its policy, and close the files.
    pub fn close(&self, py: Python<'_>) -> PyResult<()> {
        let done = self.lock().close(py);
        done.map_err(|failed| self.raised(py, &failed))
    }

    /// The last step that the policy counts as safe.
    pub fn durable_seq(&self) -> u64 {
        self.lock().durable_seq()
    }

    /// Raise what the writer met, if anything.
    pub fn check(&self, py: Python<'_>) -> PyResult<()> {
        let failed = self.lock().failed.clone();
        failed.map_or(Ok(()), |failed| Err(self.raised(py, &failed)))
    }

    fn raised(&self, py: Python<'_>, failed: &JournalError) -> PyErr {
        raised(py, &self.folder, failed, self.durable_seq())
    }

    /// Only the machine's own calls come here, one at a time: nobody waits for the lock while another holds the interpreter.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Keeper {
    fn append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Result<(), SinkFailed> {
        let mut held = self.lock();
        let done = held.append(frames, last_seq, seals);
        held.keep(done)
    }

    fn sync(&mut self) -> Result<(), SinkFailed> {
        let mut held = self.lock();
        let done = held.sync().map(|_| ());
        held.keep(done)
    }
}

impl Held {
    /// Whoever waits lets go of the interpreter: for room in the queue only when there is none.
    fn append(&mut self, frames: &mut Vec<u8>, last_seq: u64, seals: bool) -> Result<(), JournalError> {
        match &mut self.writer {
            Kept::Inline(writer) => writer.append(frames, last_seq, seals),
            Kept::Threaded(writer) => {
                if writer.try_append(frames, last_seq, seals)? {
                    return Ok(());
                }
                Python::attach(|py| py.detach(|| writer.append(frames, last_seq, seals)))
            }
        }
    }

    fn sync(&mut self) -> Result<Position, JournalError> {
        match &mut self.writer {
            Kept::Inline(writer) => writer.sync().map(|()| writer.position()),
            Kept::Threaded(writer) => Python::attach(|py| py.detach(|| writer.sync())),
        }
    }

    fn close(&mut self, py: Python<'_>) -> Result<(), JournalError> {
        match &mut self.writer {
            Kept::Inline(writer) => writer.close(),
            Kept::Threaded(writer) => py.detach(|| writer.close()),
        }
    }

    fn durable_seq(&self) -> u64 {
        match &self.writer {
            Kept::Inline(writer) => writer.durable_seq(),
            Kept::Threaded(writer) => writer.durable_seq(),
        }
    }

    fn keep(&mut self, done: Result<(), JournalError>) -> Result<(), SinkFailed> {
        done.map_err(|failed| {
            self.failed = Some(failed);
            SinkFailed
        })
    }
}

/// `cracktrader.errors.JournalError` naming file, operation, what the system said and the remedy; or, where a file system of Python
/// raised something else than an OSError, just that.
fn raised(py: Python<'_>, folder: &Path, failed: &JournalError, durable_seq: u64) -> PyErr {
    let JournalError { operation, file, error } = failed;
    let theirs = error.get_ref().and_then(|inner| inner.downcast_ref::<PyErr>());
    if let Some(theirs) = theirs.filter(|theirs| !theirs.is_instance_of::<PyOSError>(py)) {
        return theirs.clone_ref(py);
    }
    let place = if file.contains('.') { folder.join(file).display().to_string() } else { file.clone() };
    let said = theirs.map_or_else(|| error.to_string(), |theirs| theirs.value(py).to_string());
    let message = format!("cannot {operation} {place}: {said}; durable up to seq {durable_seq}: {REMEDY}");
    let error = journal_error(py, message);
    error.set_cause(py, theirs.map(|theirs| theirs.clone_ref(py)));
    error
}

/// `JournalPosition` of Python: where the journal stands, and the stretch of data steps that the engine still holds.
pub fn given<'py>(py: Python<'py>, at: &Position, pending: DataRun) -> PyResult<Bound<'py, PyAny>> {
    let head = PyBytes::new(py, &at.head);
    let (segment, offset, last_seq) =
        (at.segment.into_pyobject(py)?, at.offset.into_pyobject(py)?, at.last_seq.into_pyobject(py)?);
    let (first, count) = (pending.first.into_pyobject(py)?, pending.count.into_pyobject(py)?);
    let fields = [
        segment.into_any(),
        offset.into_any(),
        head.into_any(),
        last_seq.into_any(),
        first.into_any(),
        count.into_any(),
    ];
    tuple_of(classes(py)?.journal_position.bind(py), fields)
}

/// A file system that Python brings: an object with the methods of `cracktrader.journal.files.Files`.
#[derive(Debug)]
struct PyFiles {
    files: Py<PyAny>,
}

impl PyFiles {
    fn call<T>(
        &self,
        name: &str,
        arguments: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>>,
        take: impl for<'py> FnOnce(Bound<'py, PyAny>) -> PyResult<T>,
    ) -> IoResult<T> {
        let called = Python::attach(|py| take(self.files.bind(py).call_method1(name, arguments(py)?)?));
        called.map_err(Error::from)
    }
}

fn nothing(_: Bound<'_, PyAny>) -> PyResult<()> {
    Ok(())
}

impl Files for PyFiles {
    type Handle = Py<PyAny>;

    fn create(&mut self, name: &str) -> IoResult<Py<PyAny>> {
        self.call("create", |py| (name,).into_pyobject(py), |handle| Ok(handle.unbind()))
    }

    fn reopen(&mut self, name: &str, size: u64) -> IoResult<Py<PyAny>> {
        self.call("reopen", |py| (name, size).into_pyobject(py), |handle| Ok(handle.unbind()))
    }

    fn write(&mut self, handle: &mut Py<PyAny>, bytes: &[u8]) -> IoResult<usize> {
        self.call("write", |py| (&*handle, PyBytes::new(py, bytes)).into_pyobject(py), |taken| taken.extract())
    }

    fn sync(&mut self, handle: &mut Py<PyAny>) -> IoResult<()> {
        self.call("sync", |py| (&*handle,).into_pyobject(py), nothing)
    }

    fn close(&mut self, handle: Py<PyAny>) -> IoResult<()> {
        self.call("close", |py| (handle,).into_pyobject(py), nothing)
    }

    fn sync_folder(&mut self) -> IoResult<()> {
        self.call("sync_folder", |py| Ok(PyTuple::empty(py)), nothing)
    }
}

/// Pass over the steps and stretches of data steps from an offset on, while they are whole, their CRC fits and their seqs follow
/// `last_seq`: the offset behind them, the seq of the last, its offset where it is a step (else 0), and how many they are.
#[pyfunction]
pub fn skim(data: &[u8], at: usize, last_seq: i64) -> (usize, i64, usize, u64) {
    let all = cracktrader_journal::skim(data, at, last_seq);
    (all.at, all.last_seq, all.step_at, all.frames)
}
