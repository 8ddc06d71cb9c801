//! Old positions leave the log of a market at work; all else stays for ever.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_rt::task::spawn_blocking;
use hansom_geo_index::Millis;
use hansom_market::recovery::forget_positions;
use tracing::{info, warn};

/// The log is looked at this often.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Takes old positions out of a log, beside the market: one look at a time.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    name: Arc<str>,
    folder: PathBuf,
    busy: Arc<AtomicBool>,
}

impl Retention {
    pub fn new(name: Arc<str>, folder: PathBuf) -> Self {
        Self { name, folder, busy: Arc::default() }
    }

    /// Has the positions of turns before `before` taken out, unless that is still being done.
    pub fn forget(&self, before: Millis) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let Self { name, folder, busy } = self.clone();
        // Nobody waits for it; what it finds is told in here.
        drop(spawn_blocking(move || {
            match forget_positions(&folder, before) {
                Ok(stripped) if stripped.is_empty() => {}
                Ok(stripped) => info!(market = %name, segments = stripped.len(), "old positions left the log"),
                Err(error) => warn!(market = %name, %error, "old positions could not be taken out of the log"),
            }
            busy.store(false, Ordering::Release);
        }));
    }
}
