//! Lines that cannot be read, put aside: many that come at once share one sync of the disk.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hansom_geo_index::Millis;
use hansom_market::quarantine::{QuarantineError, Store};

/// The quarantine of a market that serves. Its store is opened with the first line.
#[derive(Debug)]
pub struct Quarantine {
    folder: PathBuf,
    waiting: Mutex<Vec<Line>>,
    store: Mutex<Option<Store>>,
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

    /// Returns once every line that waited is kept and would survive a loss of power, or with why it is not.
    pub fn settle(&self) -> Result<(), QuarantineError> {
        let mut slot = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            // Whoever took them has kept them: it held the store until then.
            return Ok(());
        }
        let store = match &mut *slot {
            Some(store) => store,
            none => none.insert(Store::open(&self.folder)?),
        };
        for Line { reason, source, at, bytes } in waiting {
            store.append(&reason, source, at, &bytes)?;
        }
        store.sync()
    }
}
