//! Lines that cannot be read, put aside: many that come at once share one sync of the disk.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hansom_geo_index::Millis;
use hansom_market::quarantine::{QuarantineError, Store};

/// The quarantine of a market that serves. Its store is opened with the first line, and anew after it failed: what it says
/// then is not to be believed.
#[derive(Debug)]
pub struct Quarantine {
    folder: PathBuf,
    waiting: Mutex<Vec<Line>>,
    store: Mutex<Option<Store>>,
}

/// Lines could not be put aside.
#[derive(Debug, thiserror::Error)]
#[error("{lines} lines were not put aside: {cause}")]
pub struct NotKept {
    /// How many.
    pub lines: u64,
    /// Why not.
    pub cause: QuarantineError,
}

#[derive(Debug)]
struct Line {
    reason: String,
    source: &'static str,
    at: Millis,
    bytes: Vec<u8>,
}

impl Quarantine {
    /// The quarantine in a folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, waiting: Mutex::default(), store: Mutex::default() }
    }

    /// Has a line wait to be kept.
    pub fn put(&self, reason: String, source: &'static str, at: Millis, bytes: Vec<u8>) {
        let line = Line { reason, source, at, bytes };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Returns once every line that waited is kept and would survive a loss of power, or with how many are not.
    pub fn settle(&self) -> Result<(), NotKept> {
        let mut slot = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            // Whoever took them has kept them, or said that they were not: it held the store until then.
            return Ok(());
        }
        self.keep(&mut slot, &waiting).map_err(|cause| {
            *slot = None;
            NotKept { lines: waiting.len() as u64, cause }
        })
    }

    fn keep(&self, slot: &mut Option<Store>, lines: &[Line]) -> Result<(), QuarantineError> {
        let store = match slot {
            Some(store) => store,
            none => none.insert(Store::open(&self.folder)?),
        };
        for Line { reason, source, at, bytes } in lines {
            store.append(reason, source, *at, bytes)?;
        }
        store.sync()
    }
}
