//! What is on the disk in memory: bytes and names as they are seen, and as they would survive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes that reach the disk together or not at all.
pub(super) const SECTOR: usize = 512;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// What is seen.
    pub seen: Vec<u8>,
    /// What would survive.
    pub safe: Vec<u8>,
    /// What was done since.
    pub dirty: Vec<Change>,
}

/// What is done to the bytes of a file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write(usize, Vec<u8>),
    Size(usize),
}

/// What is done to names.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    Made(PathBuf, usize),
    Gone(PathBuf),
    Renamed(PathBuf, PathBuf),
}

impl Naming {
    pub fn path(&self) -> &Path {
        match self {
            Self::Made(path, _) | Self::Gone(path) | Self::Renamed(path, _) => path,
        }
    }

    pub fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Made(path, file) => drop(names.insert(path, file)),
            Self::Gone(path) => drop(names.remove(&path)),
            Self::Renamed(from, to) => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
        }
    }
}

impl Change {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Size(size) => bytes.resize(*size, 0),
            Self::Write(at, written) => {
                if bytes.len() < at + written.len() {
                    bytes.resize(at + written.len(), 0);
                }
                bytes[*at..at + written.len()].copy_from_slice(written);
            }
        }
    }

    /// The pieces of it that reach the disk or not.
    fn sectors(&self) -> Vec<Self> {
        let Self::Write(at, written) = self else { return vec![self.clone()] };
        let mut sectors = Vec::new();
        let (mut at, mut rest) = (*at, &written[..]);
        while !rest.is_empty() {
            let (sector, behind) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            sectors.push(Self::Write(at, sector.to_vec()));
            (at, rest) = (at + sector.len(), behind);
        }
        sectors
    }
}

impl Content {
    pub fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.dirty.push(change);
    }

    /// Brings to the disk what was done, or, with `draw`, some of it.
    pub fn settle(&mut self, draw: Option<&mut dyn FnMut() -> bool>) {
        let done = std::mem::take(&mut self.dirty);
        let Some(draw) = draw else { return done.iter().for_each(|change| change.apply(&mut self.safe)) };
        for change in done.iter().flat_map(Change::sectors) {
            if draw() {
                change.apply(&mut self.safe);
            }
        }
    }
}
