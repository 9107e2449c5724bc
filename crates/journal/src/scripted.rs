//! For tests: files in memory that fail, take little or are interrupted at chosen calls, and know what a power cut would leave.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::files::Files;

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Work,
    /// Takes one byte of a write; other calls work.
    Short,
    Interrupt,
    Fail,
    Panic,
}

#[derive(Clone, Default, Debug)]
pub struct Disk {
    pub files: BTreeMap<String, Vec<u8>>,
    /// Bytes of each file that a power cut leaves, of names that it leaves.
    pub durable: BTreeMap<String, Vec<u8>>,
    synced: BTreeMap<String, Vec<u8>>,
    /// Every call by its name, in order.
    pub calls: Vec<&'static str>,
}

/// Every call asks `script` with its number, from 0, what to do.
#[derive(Clone)]
pub struct Scripted {
    pub disk: Arc<Mutex<Disk>>,
    script: Arc<dyn Fn(usize) -> Act + Send + Sync>,
}

impl Scripted {
    pub fn new(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self { disk: Arc::default(), script: Arc::new(script) }
    }

    pub fn working() -> Self {
        Self::new(|_| Act::Work)
    }

    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("no test panics with the disk in hand")
    }

    fn call(&self, name: &'static str) -> Result<(Act, MutexGuard<'_, Disk>)> {
        let mut disk = self.disk();
        let act = (self.script)(disk.calls.len());
        disk.calls.push(name);
        match act {
            Act::Interrupt => Err(Error::from(ErrorKind::Interrupted)),
            Act::Fail => Err(Error::from_raw_os_error(28)),
            Act::Panic => {
                drop(disk);
                panic!("as the script says");
            }
            Act::Work | Act::Short => Ok((act, disk)),
        }
    }
}

impl Files for Scripted {
    type Handle = String;

    fn create(&mut self, name: &str) -> Result<String> {
        let (_, mut disk) = self.call("create")?;
        if disk.files.contains_key(name) {
            return Err(Error::from(ErrorKind::AlreadyExists));
        }
        disk.files.insert(name.into(), Vec::new());
        Ok(name.into())
    }

    fn reopen(&mut self, name: &str, size: u64) -> Result<String> {
        let (_, mut disk) = self.call("reopen")?;
        disk.files.get_mut(name).ok_or(ErrorKind::NotFound)?.truncate(size as usize);
        Ok(name.into())
    }

    fn write(&mut self, handle: &mut String, bytes: &[u8]) -> Result<usize> {
        let (act, mut disk) = self.call("write")?;
        let taken = if act == Act::Short { 1 } else { bytes.len() };
        disk.files.get_mut(handle).ok_or(ErrorKind::NotFound)?.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn sync(&mut self, handle: &mut String) -> Result<()> {
        let (_, mut disk) = self.call("sync")?;
        let bytes = disk.files[handle].clone();
        if disk.durable.contains_key(handle) {
            disk.durable.insert(handle.clone(), bytes.clone());
        }
        disk.synced.insert(handle.clone(), bytes);
        Ok(())
    }

    fn close(&mut self, _: String) -> Result<()> {
        self.call("close").map(|_| ())
    }

    fn sync_folder(&mut self) -> Result<()> {
        let (_, mut disk) = self.call("sync_folder")?;
        for name in disk.files.keys().cloned().collect::<Vec<_>>() {
            let bytes = disk.synced.get(&name).cloned().unwrap_or_default();
            disk.durable.insert(name, bytes);
        }
        Ok(())
    }
}
