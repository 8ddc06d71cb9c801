//! Bugs between log and disk: a disk around the simulated one that does not do all that is asked of it.

use super::{Bug, DiskBug};
use hansom_market::seam::disk::{Disk, DiskFile, Lock};
use hansom_market::seam::sim::SimDisk;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The disk as a market with this bug uses it.
pub(crate) fn around(disk: &SimDisk, bug: Option<Bug>) -> Arc<dyn Disk> {
    match bug {
        Some(Bug::Disk(bug)) => Arc::new(Bad { disk: disk.clone(), bug }),
        _ => Arc::new(disk.clone()),
    }
}

#[derive(Debug)]
struct Bad {
    disk: SimDisk,
    bug: DiskBug,
}

#[derive(Debug)]
struct BadFile {
    file: Box<dyn DiskFile>,
    bug: DiskBug,
}

impl Bad {
    fn file(&self, file: io::Result<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(BadFile { file: file?, bug: self.bug }))
    }
}

impl Disk for Bad {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.make_folder(path)
    }

    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.files(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.disk.create(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.disk.open_to_write(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if self.bug == DiskBug::NoFolderSync { Ok(()) } else { self.disk.sync_folder(path) }
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        if self.bug == DiskBug::NoLock { Ok(Box::new(())) } else { self.disk.lock(path) }
    }
}

impl DiskFile for BadFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_at(bytes, at)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let done = self.file.write_at(bytes, at);
        if self.bug == DiskBug::WriteErrorsPassedOver { Ok(()) } else { done }
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.bug {
            DiskBug::NoSync => Ok(()),
            DiskBug::SyncRetried => self.file.sync().or_else(|_| self.file.sync()),
            DiskBug::NoFolderSync | DiskBug::WriteErrorsPassedOver | DiskBug::NoLock => self.file.sync(),
        }
    }
}
