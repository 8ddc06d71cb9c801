//! Whether a file is still the one that was read.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

/// What changes when a file is replaced or written: the clock of a file system alone is too coarse for two changes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// That of a file; `None`: there is none, or nobody may look.
    pub fn of(file: &Path) -> Option<Self> {
        let file = std::fs::metadata(file).ok()?;
        Some(Self { modified: file.modified().ok(), bytes: file.len(), inode: inode(&file) })
    }
}

#[cfg(unix)]
fn inode(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
