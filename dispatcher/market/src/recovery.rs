//! Opening a market's folder: what the market knew when its last durable turn was taken, and on from there.

use crate::log::{Durable, LogError, Outlet, Reader, Repaired, Tail, Writer};
use crate::seam::clock::Monotonic;
use crate::seam::disk::{Disk, FileSystem};
use crate::streets::Streets;
use crate::writer::{Market, Past};
use hansom_engine::record::Header;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Offset, State, steps};
use hansom_geo_index::Millis;
use std::path::Path;
use std::sync::Arc;

/// Folder of the log in that of a market.
pub const LOG_FOLDER: &str = "log";

/// A market that is open, and how it came to be.
#[derive(Debug)]
pub struct Opened {
    /// The market.
    pub market: Market,
    /// How it was opened.
    pub report: Report,
}

/// How a market was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// There was none before.
    pub is_new: bool,
    /// Turns folded from the log.
    pub folded: u64,
    /// Offset of the first turn to come.
    pub next: Offset,
    /// What was cut off from the log because it was not written whole. None of it had been released.
    pub repaired: Option<Repaired>,
    /// How long there was no turn; zero if the market is new.
    pub gap: Millis,
}

/// Why a market was not opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Its log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Its turns are about another network.
    #[error("the market's log is of another network than the one given, {given}")]
    OtherNetwork {
        /// Name of that given.
        given: String,
    },
}

/// Opens the market in `folder` at the time `now`, or starts one there. Its turns go to `outlet` once they are durable.
pub fn open(
    folder: &Path,
    header: &Header,
    streets: &Streets,
    now: Millis,
    outlet: Outlet,
) -> Result<Opened, RecoveryError> {
    open_on(Arc::new(FileSystem), folder, header, streets, now, Durable::default(), outlet)
}

/// The same on a disk of the caller's, with a log kept as `durable` says.
pub fn open_on(
    disk: Arc<dyn Disk>,
    folder: &Path,
    header: &Header,
    streets: &Streets,
    now: Millis,
    durable: Durable,
    outlet: Outlet,
) -> Result<Opened, RecoveryError> {
    let log_folder = folder.join(LOG_FOLDER);
    let (past, tail) = match Reader::open_on(disk.clone(), &log_folder, 0) {
        Ok(reader) => fold(reader, streets).map(|(past, tail)| (past, Some(tail)))?,
        Err(LogError::NoLog { .. }) => (Past::new(header, streets), None),
        Err(error) => return Err(error.into()),
    };
    let is_new = tail.is_none();
    let mut log = Writer::open_durable(disk, &log_folder, header, tail, durable, outlet)?;
    let repaired = log.take_repaired();
    let gap = if is_new { Millis::ZERO } else { (now - past.now).max(Millis::ZERO) };
    let report = Report { is_new, folded: past.next.0, next: past.next, repaired, gap };
    let market = Market::resume(header, streets, past, log, Box::new(Monotonic::new()));
    Ok(Opened { market, report })
}

/// Folds a log to its last whole turn.
fn fold(mut reader: Reader, streets: &Streets) -> Result<(Past, Tail), RecoveryError> {
    let network = &streets.network;
    if reader.header().network_hash != network.id() {
        return Err(RecoveryError::OtherNetwork { given: network.name().to_owned() });
    }
    let mut past = Past::new(reader.header(), streets);
    let mut turn = blank();
    loop {
        match reader.next(&mut turn) {
            Ok(Some(_)) => {}
            // What comes behind was never released.
            Ok(None) | Err(LogError::Torn { .. }) => return Ok((past, reader.tail())),
            Err(error) => return Err(error.into()),
        }
        steps::fold(&mut past.state, network, &turn);
        past.next = Offset(turn.offset.0 + 1);
        past.now = turn.at;
    }
}

impl Past {
    /// That of a market that starts as `header` says.
    pub(crate) fn new(header: &Header, streets: &Streets) -> Self {
        let state = State::of_log(header, &streets.network);
        Self { state, next: Offset(0), now: header.started_at }
    }
}
