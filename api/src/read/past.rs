//! What a market knew after a turn of long ago: the nearest snapshot before it, and the turns between.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hansom_engine::record::Header;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Offset, State};
use hansom_market::Streets;
use hansom_market::log::{LogError, Reader};
use hansom_market::recovery::{LOG_FOLDER, SNAPSHOT_FOLDER};
use hansom_market::seam::disk::{Disk, FileSystem};
use hansom_market::snapshot::Snapshots;

use super::history::Reach;
use super::view::View;

/// Turns folded before it is looked whether there is time for more.
const BREATH: u64 = 4096;

/// Why the past cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// There is no such turn yet.
    #[error("the log ends before offset {next}")]
    Ahead {
        /// The log's next turn.
        next: u64,
    },
    /// Positions of that time were taken out of the log.
    #[error("at offset {offset} most positions were taken out of the log, as they were old")]
    Stripped {
        /// The turn that was asked for.
        offset: u64,
    },
    /// It would take longer than anybody waits.
    #[error("the turns since the nearest snapshot are too many to fold in time")]
    TooFar,
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The snapshots.
    #[error("cannot look for snapshots")]
    Io(#[from] std::io::Error),
}

/// A market's folder, to be looked at while the market writes.
#[derive(Debug, Clone)]
pub struct Past<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// What a log is begun with if there is none yet.
    pub header: &'a Header,
    /// The streets.
    pub streets: &'a Streets,
}

impl Past<'_> {
    /// What the market knew before the turn at `next`. `until`: when to give up.
    pub fn before(&self, next: u64, until: Option<Instant>) -> Result<View, PastError> {
        let network = &self.streets.network;
        let disk: Arc<dyn Disk> = Arc::new(FileSystem);
        let snapshots = Snapshots::open(disk.clone(), &self.folder.join(SNAPSHOT_FOLDER))?;
        let snapshot = snapshots.before(Offset(next), network)?;
        let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.next.0);
        let mut reader = match Reader::open_on(disk, &self.folder.join(LOG_FOLDER), from) {
            Ok(reader) => reader,
            Err(LogError::NoLog { .. }) if next == 0 => {
                return Ok(View::new(State::of_log(self.header, network), network.clone(), Reach::default()));
            }
            Err(fault) => return Err(fault.into()),
        };
        let mut view = match snapshot {
            Some(snapshot) => View::new(snapshot.state, network.clone(), Reach { next: from, at_ms: snapshot.at.0 }),
            None => View::new(State::of_log(reader.header(), network), network.clone(), Reach::default()),
        };
        let mut turn = blank();
        while reader.position() < next {
            if reader.position().is_multiple_of(BREATH) && until.is_some_and(|until| Instant::now() >= until) {
                return Err(PastError::TooFar);
            }
            if reader.next(&mut turn)?.is_none() {
                return Err(PastError::Ahead { next: reader.position() });
            }
            view.take(&turn);
        }
        if next > from && reader.is_stripped() {
            return Err(PastError::Stripped { offset: next - 1 });
        }
        Ok(view)
    }
}
