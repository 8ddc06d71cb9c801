//! HISTORY: what became of the rides of a market, in an embedded database beside its log.
//!
//! A projection of the released turns, written by one [`Writer`] and read by as many as like, who never wait for each other.
//! The offset up to which it reaches is written with what it covers, so that after a kill it goes on where it was. It is never
//! needed: one that is missing, damaged, of another version or of another log is made anew from the log, and is the same
//! then. Which database, and why: decision record 0023.

mod error;
mod fold;
mod query;
mod rebuild;
mod ride;
mod write;

pub use error::{HistoryError, Useless};
pub use query::{Buckets, RideFilter};
pub use rebuild::{Rebuilt, rebuild};
pub use ride::{Offer, Payment, Place, Quote, Ride, Status, Step, What};
pub use write::Writer;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hansom_engine::record::Header;
use prost::Message;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

/// Version of the tables and rows. Another one is made anew from the log.
pub const VERSION: u64 = 1;

/// Name of its file in the folder of a market.
pub const FILE: &str = "history.redb";

/// Memory for pages of the file.
const CACHE_BYTES: usize = 64 << 20;

/// Rides by number.
const RIDES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("rides");
/// What of them counts, by number.
const FIGURES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("figures");
/// Rides that are not over.
const OPEN: TableDefinition<'_, u32, ()> = TableDefinition::new("open");
/// Rides by the name of their rider.
const BY_RIDER: TableDefinition<'_, (&str, u32), ()> = TableDefinition::new("by_rider");
/// Rides by the names of the drivers who took them.
const BY_DRIVER: TableDefinition<'_, (&str, u32), ()> = TableDefinition::new("by_driver");
/// Rides by the id of the order that asked for them.
const BY_REQUEST: TableDefinition<'_, u128, u32> = TableDefinition::new("by_request");
/// Whose the engine's numbers of drivers are now.
const NUMBERS: TableDefinition<'_, u32, &str> = TableDefinition::new("numbers");
/// What the history says of itself.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// The log that a history is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    market: String,
    network: [u8; 32],
    started_at_ms: i64,
}

impl Source {
    /// The log with this header.
    pub fn of(header: &Header) -> Self {
        Self { market: header.name.clone(), network: header.network_hash, started_at_ms: header.started_at.0 }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.started_at_ms.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.network);
        bytes.extend_from_slice(self.market.as_bytes());
        bytes
    }
}

/// The history of a market, to be read.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    database: Database,
    looks: AtomicU64,
}

/// How far a history reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Offset of the next turn.
    pub next: u64,
    /// Time of the last turn, ms since 1970; 0 if there is none.
    pub at_ms: i64,
}

impl History {
    /// Opens the history in `path`, if it is one of this log that can be gone on with.
    pub fn open(path: &Path, source: &Source) -> Result<Result<(Arc<Self>, Writer), Useless>, HistoryError> {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(Err(Useless::Missing)),
            Err(source) => return Err(HistoryError::Io { path: path.to_owned(), source }),
        }
        // What the database cannot read it may fail at in any way; a file is only data.
        let opened = std::panic::catch_unwind(|| Database::builder().set_cache_size(CACHE_BYTES).open(path));
        let database = match opened {
            Ok(Ok(database)) => database,
            Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(fault)))) if !is_damage(&fault) => {
                return Err(HistoryError::Io { path: path.to_owned(), source: fault });
            }
            Ok(Err(fault @ redb::DatabaseError::DatabaseAlreadyOpen)) => {
                return Err(HistoryError::Database { path: path.to_owned(), source: fault.into() });
            }
            Ok(Err(fault)) => return Ok(Err(Useless::Damaged(fault.to_string()))),
            Err(_) => return Ok(Err(Useless::Damaged("the database failed at it".to_owned()))),
        };
        let history = Arc::new(Self { path: path.to_owned(), database, looks: AtomicU64::new(0) });
        let useless = match history.check(source) {
            Ok(found) => found,
            Err(fault) => Some(Useless::Damaged(fault.to_string())),
        };
        if let Some(useless) = useless {
            return Ok(Err(useless));
        }
        match Writer::go_on(history.clone()) {
            Ok(writer) => Ok(Ok((history, writer))),
            Err(fault) => Ok(Err(Useless::Damaged(fault.to_string()))),
        }
    }

    /// Begins a history in `path`, in the stead of what is there.
    pub fn create(path: &Path, source: &Source) -> Result<(Arc<Self>, Writer), HistoryError> {
        let failed = |fault| HistoryError::Io { path: path.to_owned(), source: fault };
        match std::fs::remove_file(path) {
            Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(failed(fault)),
            Ok(()) | Err(_) => {}
        }
        let made = Database::builder().set_cache_size(CACHE_BYTES).create(path);
        let database = made.map_err(|fault| HistoryError::Database { path: path.to_owned(), source: fault.into() })?;
        let history = Arc::new(Self { path: path.to_owned(), database, looks: AtomicU64::new(0) });
        history.begin(source).map_err(|fault| history.failed(fault))?;
        let writer = Writer::go_on(history.clone())?;
        Ok((history, writer))
    }

    /// Makes the tables, so that readers find them.
    fn begin(&self, source: &Source) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        for table in [RIDES, FIGURES] {
            write.open_table(table)?;
        }
        write.open_table(OPEN)?;
        write.open_table(BY_RIDER)?;
        write.open_table(BY_DRIVER)?;
        write.open_table(BY_REQUEST)?;
        write.open_table(NUMBERS)?;
        let mut meta = write.open_table(META)?;
        meta.insert("version", VERSION.to_le_bytes().as_slice())?;
        meta.insert("source", source.encode().as_slice())?;
        meta.insert("reach", Reach::default().encode().as_slice())?;
        drop(meta);
        write.commit()?;
        Ok(())
    }

    /// Why it cannot be gone on with, if so.
    fn check(&self, source: &Source) -> Result<Option<Useless>, HistoryError> {
        let read = self.read()?;
        let meta = |key| self.meta(&read, key);
        let found = meta("version")?.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
        if found != Some(VERSION) {
            return Ok(Some(Useless::Version { found, known: VERSION }));
        }
        Ok((meta("source")? != Some(source.encode())).then_some(Useless::OtherLog))
    }

    fn meta(&self, read: &ReadTransaction, key: &str) -> Result<Option<Vec<u8>>, HistoryError> {
        let get =
            || -> Result<_, redb::Error> { Ok(read.open_table(META)?.get(key)?.map(|bytes| bytes.value().to_vec())) };
        get().map_err(|fault| self.failed(fault))
    }

    /// How often it was looked into: a question about many rides does so once.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    fn read(&self) -> Result<ReadTransaction, HistoryError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.database.begin_read().map_err(|fault| self.failed(fault.into()))
    }

    /// How far the rows reach that a reader finds now.
    pub fn reach(&self) -> Result<Reach, HistoryError> {
        let bytes = self.meta(&self.read()?, "reach")?;
        bytes.as_deref().and_then(Reach::decode).ok_or_else(|| self.row("reach"))
    }

    /// Hash of all rows: equal for equal histories.
    pub fn digest(&self) -> Result<[u8; 32], HistoryError> {
        let read = self.read()?;
        let digest = || -> Result<_, redb::Error> {
            let mut hash = blake3::Hasher::new();
            let mut add = |table: &str, key: &[u8], value: &[u8]| {
                for part in [table.as_bytes(), key, value] {
                    hash.update(&(part.len() as u64).to_le_bytes());
                    hash.update(part);
                }
            };
            for (name, table) in [("rides", RIDES), ("figures", FIGURES)] {
                for row in read.open_table(table)?.iter()? {
                    let (key, value) = row?;
                    add(name, &key.value().to_le_bytes(), value.value());
                }
            }
            for row in read.open_table(OPEN)?.iter()? {
                add("open", &row?.0.value().to_le_bytes(), &[]);
            }
            for (name, table) in [("by_rider", BY_RIDER), ("by_driver", BY_DRIVER)] {
                for row in read.open_table(table)?.iter()? {
                    let (key, _) = row?;
                    let (who, ride) = key.value();
                    add(name, who.as_bytes(), &ride.to_le_bytes());
                }
            }
            for row in read.open_table(BY_REQUEST)?.iter()? {
                let (key, value) = row?;
                add("by_request", &key.value().to_le_bytes(), &value.value().to_le_bytes());
            }
            for row in read.open_table(NUMBERS)?.iter()? {
                let (key, value) = row?;
                add("numbers", &key.value().to_le_bytes(), value.value().as_bytes());
            }
            for row in read.open_table(META)?.iter()? {
                let (key, value) = row?;
                add("meta", key.value().as_bytes(), value.value());
            }
            Ok(*hash.finalize().as_bytes())
        };
        digest().map_err(|fault| self.failed(fault))
    }

    fn failed(&self, source: redb::Error) -> HistoryError {
        HistoryError::Database { path: self.path.clone(), source }
    }

    fn row(&self, what: impl Into<String>) -> HistoryError {
        HistoryError::Row { path: self.path.clone(), what: what.into() }
    }

    /// The ride of a row.
    fn ride_of(&self, number: u32, bytes: &[u8]) -> Result<Ride, HistoryError> {
        Ride::decode(bytes).map_err(|_| self.row(format!("ride {number}")))
    }
}

/// A file that is shorter than it says is damaged; a disk that cannot be read may do better later.
fn is_damage(fault: &std::io::Error) -> bool {
    matches!(fault.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput)
}

impl Reach {
    fn encode(self) -> Vec<u8> {
        [self.next.to_le_bytes(), self.at_ms.to_le_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (next, at) = bytes.split_first_chunk()?;
        Some(Self { next: u64::from_le_bytes(*next), at_ms: i64::from_le_bytes(at.try_into().ok()?) })
    }
}
