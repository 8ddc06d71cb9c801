//! Opening a market's folder: what the market knew when its last durable turn was taken, and on from there.
//!
//! The newest snapshot that can be used, the turns behind it folded, what was not written whole cut off. A market that
//! comes back says so in its first turns: an `Upgrade` if it goes on under other rules or settings, and a `Resume`, which
//! says how long it was away.

use crate::follower::{Follower, Following, SnapshotEvery};
use crate::log::{Durable, Line, LogError, Outlet, Reader, Repaired, Stripped, Tail, Writer, each_turn, strip};
use crate::seam::clock::{Clock, Monotonic};
use crate::seam::disk::{Disk, FileSystem};
use crate::snapshot::{PassedOver, Snapshots};
use crate::streets::Streets;
use crate::writer::{Market, MarketError, Past};
use hansom_engine::record::{Header, LOGIC_VERSION, Upgrade};
use hansom_engine::steps::{self, Diverged};
use hansom_engine::{Command, Offset, State, Turn};
use hansom_geo_index::Millis;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder of the log in that of a market.
pub const LOG_FOLDER: &str = "log";
/// Folder of the snapshots in that of a market.
pub const SNAPSHOT_FOLDER: &str = "snapshots";
/// File in the folder of a market that says that somebody has it open.
const LOCK: &str = "lock";

/// So many events may wait for the follower, who is busy with a snapshot now and then. With those before the disk they are
/// fewer than the log watches for their buffers, so that a stall of the disk leaves the process as large as it was.
const FOLLOWER_EVENTS: usize = 16_384;

/// How a market's folder is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Its log.
    pub log: Durable,
    /// Its snapshots.
    pub snapshots: SnapshotEvery,
}

/// A market that is open, with its follower, and how it came to be.
#[derive(Debug)]
pub struct Opened<F = Following> {
    /// The market.
    pub market: Market,
    /// What follows its durable turns.
    pub follower: F,
    /// How it was opened.
    pub report: Report,
}

/// How a market was opened.
#[derive(Debug)]
pub struct Report {
    /// There was none before.
    pub is_new: bool,
    /// The snapshot that was used: offset of its next turn.
    pub snapshot: Option<Offset>,
    /// Snapshots that could not be used.
    pub passed_over: Vec<PassedOver>,
    /// Turns folded from the log.
    pub folded: u64,
    /// Offset of the first turn to come.
    pub next: Offset,
    /// What was cut off from the log because it was not written whole. None of it had been released.
    pub repaired: Option<Repaired>,
    /// How long there was no turn; zero if the market is new.
    pub gap: Millis,
    /// It goes on under other rules or settings.
    pub is_upgraded: bool,
    /// How long that took.
    pub took: Took,
}

/// How long a market took to be opened, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// To read a snapshot and make a state of it.
    pub snapshot_ms: u64,
    /// To fold the turns behind it.
    pub fold_ms: u64,
    /// To open the log's end, and to give the follower a state of its own.
    pub follow_ms: u64,
    /// To take the first turns, which say what happened.
    pub resume_ms: u64,
}

/// Why a market was not opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Its log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It stopped while it was opened.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// The machine refused.
    #[error("cannot open {}", path.display())]
    Io {
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else has it open.
    #[error("the market in {} is open already, in this program or another", path.display())]
    InUse {
        /// Its folder.
        path: PathBuf,
    },
    /// It is another market's folder.
    #[error("{} holds the market {found:?}, not {given:?}", path.display())]
    OtherMarket {
        /// The folder.
        path: PathBuf,
        /// The market whose folder it is.
        found: String,
        /// The market that was to be opened.
        given: String,
    },
    /// Its turns are about another network.
    #[error("the log in {} is of another network than {given}", path.display())]
    OtherNetwork {
        /// The folder.
        path: PathBuf,
        /// Name of the network given.
        given: String,
    },
    /// Turns that were durable are gone.
    #[error("the log in {} ends before offset {log}, but there is a snapshot up to offset {snapshot}", path.display())]
    Short {
        /// The folder.
        path: PathBuf,
        /// Offset of the turn after the log's last one.
        log: Offset,
        /// Offset of the turn after the snapshot's last one.
        snapshot: Offset,
    },
    /// The facts do not add up to what the market said it knew.
    #[error("at offset {offset} slice {} of the state is not what the checkpoint in the log says", diverged.slice)]
    Diverged {
        /// The turn of the checkpoint.
        offset: Offset,
        /// What differs.
        diverged: Diverged,
    },
}

impl RecoveryError {
    /// What to do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Log(error) => return error.hint(),
            Self::Market(_) | Self::Io { .. } => return None,
            Self::InUse { .. } => "stop the other one first; a process that was killed keeps nothing open",
            Self::OtherMarket { .. } => "give each market a folder of its own",
            Self::OtherNetwork { .. } => "a market stays on its network; open it with that one, or start a new market",
            Self::Short { .. } => {
                "turns that were acknowledged are missing: restore the log from a copy; to go on without them, remove the \
                 snapshots"
            }
            Self::Diverged { .. } => {
                "remove the snapshots, so that the whole log is folded; if that fails too, report it"
            }
        };
        Some(hint.to_owned())
    }

    /// Whether the bytes of log or snapshots are at fault, and not the machine or what was asked for.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Log(error) => error.is_damage(),
            Self::Short { .. } | Self::Diverged { .. } => true,
            Self::Market(_)
            | Self::Io { .. }
            | Self::InUse { .. }
            | Self::OtherMarket { .. }
            | Self::OtherNetwork { .. } => false,
        }
    }
}

/// Opens the market in `folder` at the time `now`, or starts one there, kept as `keep` says. Its turns go to `outlet` once
/// they are durable, and to a follower in a thread of its own.
pub fn open(
    folder: &Path,
    header: &Header,
    streets: &Streets,
    now: Millis,
    keep: Keep,
    mut outlet: Outlet,
) -> Result<Opened, RecoveryError> {
    let line = Arc::new(Line::of(FOLLOWER_EVENTS));
    let following = line.clone();
    let both: Outlet = Box::new(move |turns| {
        let followed: Vec<Arc<Turn>> = turns.iter().flatten().cloned().collect();
        // Who waits for an answer does not wait for the follower.
        outlet(turns);
        // A follower that is gone is the business of whoever watches it; turns are released all the same.
        let _ = following.join(followed);
    });
    let Opened { market, follower, report } = open_on(Arc::new(FileSystem), folder, header, streets, now, keep, both)?;
    Ok(Opened { market, follower: Following::start(follower, line), report })
}

/// The same on a disk of the caller's. The caller gives the durable turns to the follower.
pub fn open_on(
    disk: Arc<dyn Disk>,
    folder: &Path,
    header: &Header,
    streets: &Streets,
    now: Millis,
    keep: Keep,
    outlet: Outlet,
) -> Result<Opened<Follower>, RecoveryError> {
    let network = &streets.network;
    let clock = Monotonic::new();
    let mut before_ns = 0;
    let mut lap_ms = || {
        let now_ns = clock.now_ns();
        (now_ns - std::mem::replace(&mut before_ns, now_ns)) / 1_000_000
    };
    let mut took = Took::default();
    let refused = |source| RecoveryError::Io { path: folder.to_owned(), source };
    disk.make_folder(folder).map_err(refused)?;
    let lock = disk.lock(&folder.join(LOCK)).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => RecoveryError::InUse { path: folder.to_owned() },
        _ => refused(error),
    })?;
    let snapshots = Snapshots::open(disk.clone(), &folder.join(SNAPSHOT_FOLDER)).map_err(refused)?;
    let (snapshot, passed_over) = snapshots.newest(network).map_err(refused)?;
    let used = snapshot.as_ref().map(|snapshot| snapshot.next);
    took.snapshot_ms = lap_ms();
    let log_folder = folder.join(LOG_FOLDER);
    let (past, tail) = match Reader::open_on(disk.clone(), &log_folder, used.map_or(0, |next| next.0)) {
        Ok(reader) => {
            check(folder, header, reader.header(), streets)?;
            let past = match snapshot {
                Some(snapshot) => Past { state: snapshot.state, next: snapshot.next, now: snapshot.at },
                None => Past::new(reader.header(), streets),
            };
            let (past, tail) = fold(reader, past, streets)?;
            (past, Some(tail))
        }
        Err(LogError::NoLog { .. }) => (Past::new(header, streets), None),
        Err(error) => return Err(error.into()),
    };
    let end = Offset(tail.as_ref().map_or(0, |tail| tail.next));
    if let Some(reach) = snapshots.reach().map_err(refused)?.filter(|reach| *reach > end) {
        return Err(RecoveryError::Short { path: folder.to_owned(), log: end, snapshot: reach });
    }

    took.fold_ms = lap_ms();
    let is_new = tail.is_none();
    let since = past.now;
    let logic_version = past.state.logic_version();
    let is_upgraded = !is_new && (logic_version != LOGIC_VERSION || *past.state.settings() != header.settings);
    let mut log = Writer::open_durable(disk, &log_folder, header, tail, keep.log, outlet)?;
    let mut report = Report {
        is_new,
        snapshot: used,
        passed_over,
        folded: past.next.0 - used.map_or(0, |next| next.0),
        next: past.next,
        repaired: log.take_repaired(),
        gap: if is_new { Millis::ZERO } else { (now - since).max(Millis::ZERO) },
        is_upgraded,
        took,
    };
    let follower = Follower::new(network.clone(), snapshots, keep.snapshots, past.state.clone(), past.next, past.now);
    let mut market = Market::resume(header, streets, past, log, Box::new(Monotonic::new()), lock);
    report.took.follow_ms = lap_ms();
    if is_upgraded {
        let upgrade = Upgrade { logic_version: LOGIC_VERSION, settings: header.settings.clone() };
        market.submit(since, None, Command::Upgrade(Box::new(upgrade)))?;
    }
    if !is_new {
        market.submit(now, None, Command::Resume { since })?;
    }
    report.took.resume_ms = lap_ms();
    Ok(Opened { market, follower, report })
}

/// Takes most positions of turns before the time `before` out of the log of the market in `folder`, which may be open: where
/// all its snapshots reach further, a segment at a time. All else stays.
pub fn forget_positions(folder: &Path, before: Millis) -> Result<Vec<Stripped>, RecoveryError> {
    forget_positions_on(&(Arc::new(FileSystem) as Arc<dyn Disk>), folder, before)
}

/// The same on a disk of the caller's.
pub fn forget_positions_on(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    before: Millis,
) -> Result<Vec<Stripped>, RecoveryError> {
    let refused = |source| RecoveryError::Io { path: folder.to_owned(), source };
    let snapshots = Snapshots::open(disk.clone(), &folder.join(SNAPSHOT_FOLDER)).map_err(refused)?;
    let Some(oldest) = snapshots.oldest().map_err(refused)? else { return Ok(Vec::new()) };
    Ok(strip(disk, &folder.join(LOG_FOLDER), before, oldest.0)?)
}

/// Whether the log is that of the market to be opened.
fn check(folder: &Path, given: &Header, found: &Header, streets: &Streets) -> Result<(), RecoveryError> {
    let path = folder.to_owned();
    if found.name != given.name {
        return Err(RecoveryError::OtherMarket { path, found: found.name.clone(), given: given.name.clone() });
    }
    if found.network_hash != streets.network.id() {
        return Err(RecoveryError::OtherNetwork { path, given: streets.network.name().to_owned() });
    }
    Ok(())
}

/// Folds a log to its last whole turn.
fn fold(mut reader: Reader, mut past: Past, streets: &Streets) -> Result<(Past, Tail), RecoveryError> {
    let network = &streets.network;
    let stripped = reader.stripped_from()?;
    let read = each_turn(&mut reader, |turn, _| {
        steps::fold(&mut past.state, network, turn);
        past.next = Offset(turn.offset.0 + 1);
        past.now = turn.at;
        // Where positions were taken out a checkpoint knows more than what is left.
        let is_complete = stripped.is_none_or(|first| turn.offset.0 < first);
        match steps::diverged(&past.state, turn).filter(|_| is_complete) {
            None => Ok(ControlFlow::Continue(())),
            Some(diverged) => Err(RecoveryError::Diverged { offset: turn.offset, diverged }),
        }
    });
    match read {
        // What comes behind was never released.
        Ok(()) | Err(RecoveryError::Log(LogError::Torn { .. } | LogError::Unfinished { .. })) => {
            Ok((past, reader.tail()))
        }
        Err(error) => Err(error),
    }
}

impl Past {
    /// That of a market that starts as `header` says.
    pub(crate) fn new(header: &Header, streets: &Streets) -> Self {
        let state = State::of_log(header, &streets.network);
        Self { state, next: Offset(0), now: header.started_at }
    }
}
