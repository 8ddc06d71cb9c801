//! What of the log would survive a loss of power, read from the bytes on the disk.

use crate::server::log_folder;
use hansom_engine::Turn;
use hansom_market::seam::sim::SimDisk;
use std::path::PathBuf;

/// Where in the log the next turn stands, as far as it would survive a loss of power.
#[derive(Debug)]
pub(super) struct Synced {
    segment: PathBuf,
    at: usize,
    /// Offsets at which segments begin.
    pub firsts: Vec<u64>,
}

fn segment(first: u64) -> PathBuf {
    log_folder().join(format!("{first:020}.seg"))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

impl Synced {
    pub fn new() -> Self {
        Self { segment: segment(0), at: 0, firsts: Vec::new() }
    }

    /// Whether the bytes of `turn` stand next on the disk and would survive; passes them.
    ///
    /// Reads the layout of segments by itself: a head of 28 bytes and a header, then frames of length (its top bit is a
    /// mark), checksum and turn.
    pub fn pass(&mut self, disk: &SimDisk, turn: &Turn, bytes: &[u8]) -> bool {
        let next = segment(turn.offset.0);
        if disk.content(&next).is_some() {
            self.firsts.push(turn.offset.0);
        }
        if let Some(bytes) = disk.surviving(&next)
            && let Some(header) = number(&bytes, 12)
        {
            (self.segment, self.at) = (next, 28 + header as usize);
        }
        let Some(found) = disk.surviving(&self.segment) else { return false };
        // A seal is a frame of no turn.
        while number(&found, self.at) == Some(1 << 31) {
            self.at += 8;
        }
        let Some(length) = number(&found, self.at) else { return false };
        let start = self.at + 8;
        let end = start + (length & !(1 << 31)) as usize;
        self.at = end;
        found.get(start..end) == Some(bytes)
    }
}
