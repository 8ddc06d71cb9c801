//! Files filled with zeros ahead of the turns: to sync a write into one, the disk has no sizes or places to note.

use super::write::Mode;
use crate::seam::disk::{Disk, DiskFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Zeros are written in pieces of this many.
const PIECE_BYTES: u64 = 1 << 20;

/// Name of the file that is filled.
const NAME: &str = "ahead";

/// The next segment's file, being filled, and what is left over of the one before.
///
/// None of it has to succeed: without, a log is slower and its segments are longer.
#[derive(Debug)]
pub(super) struct Zeros {
    home: Home,
    asked: bool,
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Nobody needs a file any more.
    closing: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Home {
    Inline { work: Work, ready: Option<Box<dyn DiskFile>> },
    Threaded { jobs: Sender<Job>, ready: Receiver<Box<dyn DiskFile>>, handle: JoinHandle<()> },
}

#[derive(Debug)]
enum Job {
    Fill,
    Trim(Box<dyn DiskFile>, u64),
}

#[derive(Debug)]
struct Work {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    bytes: u64,
    closing: Arc<AtomicBool>,
}

impl Zeros {
    /// Fills files of `bytes` bytes in `folder`, in a thread of its own or in that of the caller.
    pub fn new(mode: Mode, disk: Arc<dyn Disk>, folder: &Path, bytes: u64) -> Self {
        let path = folder.join(NAME);
        let closing = Arc::<AtomicBool>::default();
        let work = Work { disk: disk.clone(), path: path.clone(), bytes, closing: closing.clone() };
        let home = match mode {
            Mode::Inline => Home::Inline { work, ready: None },
            Mode::Threaded => {
                let (jobs, orders) = channel();
                let (made, ready) = channel();
                let handle = std::thread::spawn(move || {
                    for job in orders {
                        match job {
                            Job::Trim(file, size) => trim(file, size),
                            // Nobody may be left to take it.
                            Job::Fill => drop(work.fill().map(|file| made.send(file))),
                        }
                    }
                });
                Home::Threaded { jobs, ready, handle }
            }
        };
        Self { home, asked: false, disk, path, closing }
    }

    /// Has a file filled, unless that was asked for before.
    pub fn ask(&mut self) {
        if std::mem::replace(&mut self.asked, true) {
            return;
        }
        match &mut self.home {
            Home::Inline { work, ready } => *ready = work.fill(),
            // The thread lives as long as the sender.
            Home::Threaded { jobs, .. } => drop(jobs.send(Job::Fill)),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, if it is ready. The next one may be asked for once this one has another name.
    pub fn take(&mut self) -> Option<Box<dyn DiskFile>> {
        let file = match &mut self.home {
            Home::Inline { ready, .. } => ready.take(),
            Home::Threaded { ready, .. } => ready.try_recv().ok(),
        };
        self.asked &= file.is_none();
        file
    }

    /// Cuts the zeros off from a file whose first `size` bytes are in use.
    pub fn trim(&mut self, file: Box<dyn DiskFile>, size: u64) {
        match &mut self.home {
            Home::Inline { .. } => trim(file, size),
            Home::Threaded { jobs, .. } => drop(jobs.send(Job::Trim(file, size))),
        }
    }

    /// Leaves what is under way, and leaves no file behind.
    pub fn close(self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Home::Threaded { jobs, handle, .. } = self.home {
            drop(jobs);
            // What it did not do is no loss.
            let _ = handle.join();
        }
        let _ = self.disk.remove(&self.path);
    }
}

impl Work {
    /// A file of zeros. If the disk refuses, say because it is full, there is none.
    fn fill(&self) -> Option<Box<dyn DiskFile>> {
        // One may be left from a process that was killed.
        let _ = self.disk.remove(&self.path);
        let made = self.try_fill();
        if made.is_err() {
            let _ = self.disk.remove(&self.path);
        }
        made.ok()
    }

    fn try_fill(&self) -> io::Result<Box<dyn DiskFile>> {
        let mut file = self.disk.create(&self.path)?;
        let zeros = vec![0; PIECE_BYTES.min(self.bytes) as usize];
        let mut at = 0;
        while at < self.bytes {
            if self.closing.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = &zeros[..PIECE_BYTES.min(self.bytes - at) as usize];
            file.write_aside(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(file)
    }
}

/// Only room is lost if this fails.
fn trim(mut file: Box<dyn DiskFile>, size: u64) {
    let _ = file.set_size(size).and_then(|()| file.sync());
}
