//! The file system as the journal uses it: one folder, six operations. A test, or a host that injects faults, brings its own.
//!
//! Deliberately not here: what happens when an operation fails, or goes on half done; the writer says so.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::PathBuf;

/// One folder. Names are relative to it; every operation may fail.
pub trait Files {
    /// An open file.
    type Handle;

    /// A new, empty file; an error when there is one of this name.
    fn create(&mut self, name: &str) -> Result<Self::Handle>;

    /// A file that is there, cut to `size` bytes, to be written at its end.
    fn reopen(&mut self, name: &str, size: u64) -> Result<Self::Handle>;

    /// Append bytes; how many were taken, which may be fewer than given.
    fn write(&mut self, handle: &mut Self::Handle, bytes: &[u8]) -> Result<usize>;

    /// Return when what was written is on the medium (fdatasync).
    fn sync(&mut self, handle: &mut Self::Handle) -> Result<()>;

    /// Done with the file.
    fn close(&mut self, handle: Self::Handle) -> Result<()>;

    /// Return when the names of the folder are on the medium (fsync of the folder).
    fn sync_folder(&mut self) -> Result<()>;
}

/// The name of the segment with this number, from 1.
#[must_use]
pub fn segment_name(number: u32) -> String {
    format!("{number:06}.ctj")
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at this path, which exists.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Files for Folder {
    type Handle = File;

    fn create(&mut self, name: &str) -> Result<File> {
        OpenOptions::new().append(true).create_new(true).open(self.path.join(name))
    }

    fn reopen(&mut self, name: &str, size: u64) -> Result<File> {
        let file = OpenOptions::new().append(true).open(self.path.join(name))?;
        let held = file.metadata()?.len();
        // A file is never made longer: the missing bytes would be zeros that nobody wrote.
        if held < size {
            return Err(Error::new(ErrorKind::InvalidData, format!("it has {held} bytes, {size} are to be kept")));
        }
        file.set_len(size)?;
        Ok(file)
    }

    fn write(&mut self, handle: &mut File, bytes: &[u8]) -> Result<usize> {
        handle.write(bytes)
    }

    fn sync(&mut self, handle: &mut File) -> Result<()> {
        handle.sync_data()
    }

    /// The standard library does not say what closing answered. Whoever needs to know has synced before: a sync reports what a write
    /// left undone.
    fn close(&mut self, handle: File) -> Result<()> {
        drop(handle);
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<()> {
        File::open(&self.path)?.sync_all()
    }
}
