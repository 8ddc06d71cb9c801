//! A disk in memory that loses its power and fails when it is told to: for tests and for the simulation of faults.
//!
//! It knows what a file system promises and no more. What was written is seen at once, but survives a loss of power only
//! if it was synced; of the rest, any 512-byte sectors may survive. Names survive once their folder was synced; of later
//! changes of names, the first few may. After a sync that failed, what was to be synced is never written again by itself,
//! though it is still seen. All that is left to chance is drawn from a seed.

mod content;
mod file;

use super::disk::{Disk, DiskFile, Lock};
use content::{Content, Naming};
use file::{SimFile, SimLock};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails. Of a sync, some may have been done, and the rest never will be.
    Fail,
    /// A write is done in part and fails; any other operation fails.
    Torn,
    /// A write is done at another place of the file, and reported as done. No other operation goes wrong in this way.
    Misdirected,
    /// A write is done with one bit changed, and reported as done. No other operation goes wrong in this way.
    Corrupted,
    /// A sync is not done, and reported as done. No other operation goes wrong in this way.
    Unsynced,
    /// The power goes before it is done: it fails, and so do all others until the disk is [restarted](SimDisk::restart).
    PowerLoss,
}

/// An operation that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Bytes are written.
    Write,
    /// A file gets another length.
    Resize,
    /// A file is synced.
    Sync,
    /// The names in a folder are synced.
    SyncFolder,
    /// A file is made, gets another name, or is removed.
    Name,
}

impl Fault {
    /// Whether it makes a difference to such an operation.
    pub fn hits(self, act: Act) -> bool {
        match self {
            Self::Fail | Self::Torn | Self::PowerLoss => true,
            Self::Misdirected | Self::Corrupted => act == Act::Write,
            Self::Unsynced => matches!(act, Act::Sync | Act::SyncFolder),
        }
    }

    /// Whether the disk says that something was done which was not.
    pub fn is_lie(self) -> bool {
        matches!(self, Self::Misdirected | Self::Corrupted | Self::Unsynced)
    }
}

/// A fault that an operation met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// How many operations were before.
    pub operation: u64,
    /// What the operation was to do.
    pub act: Act,
    /// What went wrong with it.
    pub fault: Fault,
    /// The file that it was about, as it is named now.
    pub file: Option<PathBuf>,
}

/// What is left after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// All that was written: the process was killed, not the machine.
    All,
    /// What was synced.
    Synced,
    /// What was synced, and of the rest what is drawn from this seed.
    Drawn(u64),
}

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<Inner>>);

/// How often a disk refused what it was asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// As it was full.
    pub full: u64,
    /// As it was read-only.
    pub read_only: u64,
}

#[derive(Debug, Default)]
struct Inner {
    files: Vec<Content>,
    /// Names as they are seen, and as they would survive.
    names: BTreeMap<PathBuf, usize>,
    safe_names: BTreeMap<PathBuf, usize>,
    /// Changes of names that were not synced.
    renames: Vec<Naming>,
    locks: BTreeSet<PathBuf>,
    /// Operations that change something, so far.
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    /// What goes wrong with the next operation of a kind.
    next: Option<(Act, Fault)>,
    /// Faults that operations met, and the files that these were about.
    met: Vec<(u64, Act, Fault, Option<usize>)>,
    /// Operations refused because the disk was full, or read-only.
    refused: Refused,
    is_dead: bool,
    is_read_only: bool,
    /// Bytes that all files may have together.
    room: Option<u64>,
    /// Restarts so far; files opened before the last one are gone.
    boot: u64,
    draws: u64,
}

impl SimDisk {
    /// An empty disk whose chances are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner { draws: seed, ..Inner::default() })))
    }

    fn lock_inner(&self) -> MutexGuard<'_, Inner> {
        // A panic in between leaves a disk that some test is about to throw away.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many operations changed something or tried to: each may be given a fault.
    pub fn operations(&self) -> u64 {
        self.lock_inner().operations
    }

    /// Has the operation that comes after so many others go wrong.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.lock_inner().faults.insert(operation, fault);
    }

    /// Has the next operation of this kind go wrong.
    pub fn fail_next(&self, act: Act, fault: Fault) {
        self.lock_inner().next = Some((act, fault));
    }

    /// Nothing goes wrong any more, and there is room.
    pub fn calm(&self) {
        let mut inner = self.lock_inner();
        inner.faults.clear();
        inner.next = None;
        (inner.room, inner.is_read_only) = (None, false);
    }

    /// Lets all files together have so many bytes.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.lock_inner().room = bytes;
    }

    /// Lets nothing be changed any more, or again.
    pub fn set_read_only(&self, is_read_only: bool) {
        self.lock_inner().is_read_only = is_read_only;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.lock_inner().used()
    }

    /// Ends every process that used the disk, or the machine, and starts it again. Faults to come are forgotten.
    pub fn restart(&self, left: Left) {
        let mut guard = self.lock_inner();
        let inner = &mut *guard;
        inner.boot += 1;
        (inner.is_dead, inner.is_read_only) = (false, false);
        inner.faults.clear();
        inner.next = None;
        inner.locks.clear();
        let keeps = match left {
            Left::All => return,
            Left::Synced => 0,
            Left::Drawn(seed) => {
                inner.draws = seed;
                1 + inner.draw(4)
            }
        };
        let named = match keeps {
            0 => 0,
            _ => inner.draw(inner.renames.len() as u64 + 1),
        };
        for naming in inner.renames.drain(..).take(named as usize) {
            naming.apply(&mut inner.safe_names);
        }
        inner.names.clone_from(&inner.safe_names);
        let draws = &mut inner.draws;
        for file in &mut inner.files {
            // None, all, any, or the first few: what disks do.
            let mut first = next(draws) % 64;
            let mut draw = || match keeps {
                0 | 1 => false,
                2 => true,
                3 => next(draws).is_multiple_of(2),
                _ => {
                    let kept = first > 0;
                    first = first.saturating_sub(1);
                    kept
                }
            };
            file.settle(Some(&mut draw));
            file.seen.clone_from(&file.safe);
        }
    }

    /// What is seen of a file.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.lock_inner();
        inner.names.get(path).map(|file| inner.files[*file].seen.clone())
    }

    /// What would be left of a file if the power went now and took all that was not synced.
    pub fn surviving(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.lock_inner();
        inner.safe_names.get(path).map(|file| inner.files[*file].safe.clone())
    }

    /// The faults that operations met so far. One that makes no difference to an operation does not count.
    pub fn met(&self) -> Vec<Met> {
        let inner = self.lock_inner();
        let name = |file| inner.names.iter().find(|(_, named)| **named == file).map(|(path, _)| path.clone());
        let met = inner.met.iter();
        met.map(|&(operation, act, fault, file)| Met { operation, act, fault, file: file.and_then(name) }).collect()
    }

    /// How often it refused something so far.
    pub fn refused(&self) -> Refused {
        self.lock_inner().refused
    }

    /// Puts a file there, or other bytes into it, for good: somebody at work behind everybody's back.
    pub fn plant(&self, path: &Path, bytes: &[u8]) {
        let mut inner = self.lock_inner();
        let file = inner.files.len();
        inner.files.push(Content { seen: bytes.to_vec(), safe: bytes.to_vec(), dirty: Vec::new() });
        inner.names.insert(path.to_owned(), file);
        inner.safe_names.insert(path.to_owned(), file);
    }
}

/// The next of a sequence of draws: SplitMix64.
fn next(draws: &mut u64) -> u64 {
    *draws = draws.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *draws;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl Inner {
    fn draw(&mut self, end: u64) -> u64 {
        next(&mut self.draws) % end
    }

    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].seen.len() as u64).sum()
    }

    /// Begins an operation that changes something: what goes wrong with it.
    fn begin(&mut self, act: Act, file: Option<usize>) -> io::Result<Option<Fault>> {
        self.alive()?;
        if self.is_read_only {
            self.refused.read_only += 1;
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        let drawn = self.faults.get(&self.operations).copied().filter(|fault| fault.hits(act));
        let fault = drawn.or_else(|| self.next.take_if(|(next, _)| *next == act).map(|(_, fault)| fault));
        if let Some(fault) = fault {
            self.met.push((self.operations, act, fault, file));
        }
        self.operations += 1;
        if fault == Some(Fault::PowerLoss) {
            self.is_dead = true;
            self.alive()?;
        }
        Ok(fault)
    }

    fn alive(&self) -> io::Result<()> {
        if self.is_dead { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn rename(&mut self, naming: Naming) -> io::Result<()> {
        if let Some(Fault::Fail | Fault::Torn) = self.begin(Act::Name, None)? {
            return Err(broken());
        }
        self.renames.push(naming.clone());
        naming.apply(&mut self.names);
        Ok(())
    }

    fn named(&self, path: &Path) -> io::Result<usize> {
        self.alive()?;
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk is broken")
}

impl Disk for SimDisk {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.lock_inner().alive()
    }

    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let inner = self.lock_inner();
        inner.alive()?;
        Ok(inner.names.keys().filter(|name| name.parent() == Some(path)).cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock_inner();
        if inner.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = inner.files.len();
        inner.rename(Naming::Made(path.to_owned(), file))?;
        inner.files.push(Content::default());
        Ok(Box::new(SimFile { disk: self.clone(), file, boot: inner.boot, writes: true }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.lock_inner();
        let file = inner.named(path)?;
        Ok(Box::new(SimFile { disk: self.clone(), file, boot: inner.boot, writes: false }))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock_inner();
        let file = inner.named(path)?;
        if inner.is_read_only {
            inner.refused.read_only += 1;
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(Box::new(SimFile { disk: self.clone(), file, boot: inner.boot, writes: true }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        inner.named(from)?;
        inner.rename(Naming::Renamed(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock_inner();
        inner.named(path)?;
        inner.rename(Naming::Gone(path.to_owned()))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut guard = self.lock_inner();
        let inner = &mut *guard;
        match inner.begin(Act::SyncFolder, None)? {
            Some(Fault::Fail | Fault::Torn) => return Err(broken()),
            Some(Fault::Unsynced) => return Ok(()),
            _ => {}
        }
        for naming in std::mem::take(&mut inner.renames) {
            if naming.path().parent() == Some(path) {
                naming.apply(&mut inner.safe_names);
            } else {
                inner.renames.push(naming);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut inner = self.lock_inner();
        inner.alive()?;
        if !inner.locks.insert(path.to_owned()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), boot: inner.boot }))
    }
}
