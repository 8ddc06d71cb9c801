//! Where a log goes on: behind its last whole turn.

use super::append::failed;
use super::error::LogError;
use super::segment;
use crate::seam::disk::{Disk, DiskFile};
use hansom_engine::record::Header;
use std::path::{Path, PathBuf};

/// Where a log goes on. A [`Reader`](super::Reader) that came to the end knows it.
#[derive(Debug, Clone)]
pub struct Tail {
    /// What the log says about itself.
    pub header: Header,
    /// Offset of the next turn.
    pub next: u64,
    pub(super) segment: TailSegment,
}

/// The last segment of a log.
#[derive(Debug, Clone)]
pub(super) struct TailSegment {
    pub path: PathBuf,
    /// Offset of its first turn.
    pub first: u64,
    /// Version of its layout.
    pub layout: u32,
    /// Version of the records in it.
    pub format: u32,
    /// Where behind the last whole turn the next one goes.
    pub at: u64,
    /// What stands before was certainly synced.
    pub marked: u64,
}

/// What was cut off from a log because it was not written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The segment.
    pub segment: PathBuf,
    /// Where in it the cut is.
    pub byte: u64,
    /// How many bytes were cut off, zeros at their end apart.
    pub bytes: u64,
    /// Where they are kept.
    pub kept: PathBuf,
}

/// A segment that is written on.
#[derive(Debug)]
pub(super) struct Mended {
    pub file: Box<dyn DiskFile>,
    /// Length of the file.
    pub filled: u64,
    pub repaired: Option<Repaired>,
}

impl TailSegment {
    /// Whether it can be written on with turns of this format.
    pub fn takes(&self, format: u32) -> bool {
        self.layout == segment::LAYOUT_MARKED && self.format >= format
    }

    /// Makes the last segment end with its last whole turn, all of it durable.
    ///
    /// What stands behind that turn and is not zero is kept in a file of its own and cut off. What stands behind the last
    /// mark is written again before it is synced: of a sync that failed, nobody else knows what reached the disk.
    pub fn mend(&self, disk: &dyn Disk, folder: &Path, next: u64) -> Result<Mended, LogError> {
        let write = failed("mend", &self.path);
        let attempt = || {
            let mut file = disk.open_to_write(&self.path)?;
            let mut filled = file.size()?;
            let mut rest = vec![0; usize::try_from(filled - self.marked).unwrap_or(usize::MAX)];
            file.read_at(&mut rest, self.marked)?;
            let (last, behind) = rest.split_at((self.at - self.marked) as usize);
            let torn = behind.iter().rposition(|byte| *byte != 0).map_or(0, |place| place + 1);
            let mut repaired = None;
            if torn > 0 {
                let kept = keep(disk, folder, next, &behind[..torn])?;
                file.set_size(self.at)?;
                filled = self.at;
                repaired = Some(Repaired { segment: self.path.clone(), byte: self.at, bytes: torn as u64, kept });
            }
            file.write_at(last, self.marked)?;
            file.sync()?;
            // The name, too: whoever made the segment may not have come to that.
            disk.sync_folder(folder)?;
            Ok(Mended { file, filled, repaired })
        };
        attempt().map_err(write)
    }
}

/// Puts bytes that were cut off before the turn at `next` into a file of their own.
fn keep(disk: &dyn Disk, folder: &Path, next: u64, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let taken = disk.files(folder)?;
    let name = |number: usize| folder.join(format!("{next:020}.torn{number}"));
    let free = (0..=taken.len()).map(name).find(|path| !taken.contains(path));
    let path = free.expect("there are more numbers than files");
    let mut file = disk.create(&path)?;
    let kept = file.write_at(bytes, 0).and_then(|()| file.sync());
    if kept.is_err() {
        // It is tried again, on a full disk for as long as that is full: each time under another name, if this stayed.
        let _ = disk.remove(&path);
    }
    kept.map(|()| path)
}
