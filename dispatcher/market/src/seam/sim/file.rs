//! Files and locks of the disk in memory, as whoever opened them holds them.

use super::content::{Change, SECTOR};
use super::{Act, Fault, Inner, SimDisk, broken, next};
use crate::seam::disk::DiskFile;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::MutexGuard;

/// A lock, until it is dropped or the machine goes.
#[derive(Debug)]
pub(super) struct SimLock {
    pub disk: SimDisk,
    pub path: PathBuf,
    pub boot: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut inner = self.disk.lock_inner();
        if inner.boot == self.boot {
            inner.locks.remove(&self.path);
        }
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct SimFile {
    pub disk: SimDisk,
    pub file: usize,
    pub boot: u64,
    pub writes: bool,
}

impl SimFile {
    fn inner(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let inner = self.disk.lock_inner();
        inner.alive()?;
        if inner.boot == self.boot { Ok(inner) } else { Err(io::Error::other("the file was open before a restart")) }
    }

    /// Begins an operation that changes the file.
    fn begin(&self, act: Act) -> io::Result<(MutexGuard<'_, Inner>, Option<Fault>)> {
        let mut inner = self.inner()?;
        if !self.writes {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let fault = inner.begin(act, Some(self.file))?;
        Ok((inner, fault))
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.inner()?.files[self.file].seen.len() as u64)
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let inner = self.inner()?;
        let seen = inner.files[self.file].seen.get(at as usize..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(seen.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let (mut inner, fault) = self.begin(Act::Write)?;
        let size = inner.files[self.file].seen.len() as u64;
        let (mut at, mut written, mut result) = (at as usize, bytes.to_vec(), Ok(()));
        match fault {
            Some(Fault::Fail) => return Err(broken()),
            Some(Fault::Torn) => {
                written.truncate(inner.draw(bytes.len() as u64 + 1) as usize);
                result = Err(broken());
            }
            Some(Fault::Misdirected) => at = inner.draw(size + 2 * SECTOR as u64) as usize,
            Some(Fault::Corrupted) => {
                let bit = inner.draw(8 * bytes.len().max(1) as u64) as usize;
                written.get_mut(bit / 8).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
            }
            Some(Fault::Unsynced | Fault::PowerLoss) | None => {}
        }
        if let Some(room) = inner.room {
            let most = (size + room.saturating_sub(inner.used())) as usize;
            if at + written.len() > most {
                written.truncate(most.saturating_sub(at));
                inner.refused.full += 1;
                result = Err(ErrorKind::StorageFull.into());
            }
        }
        inner.files[self.file].change(Change::Write(at, written));
        result
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        let (mut inner, fault) = self.begin(Act::Resize)?;
        if let Some(Fault::Fail | Fault::Torn) = fault {
            return Err(broken());
        }
        inner.files[self.file].change(Change::Size(size as usize));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let (mut guard, fault) = self.begin(Act::Sync)?;
        let inner = &mut *guard;
        let file = &mut inner.files[self.file];
        match fault {
            Some(Fault::Fail | Fault::Torn) => {
                let draws = &mut inner.draws;
                file.settle(Some(&mut || next(draws).is_multiple_of(2)));
                Err(broken())
            }
            Some(Fault::Unsynced) => Ok(()),
            _ => {
                file.settle(None);
                Ok(())
            }
        }
    }
}
