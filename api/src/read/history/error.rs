//! Why history cannot be kept or read.

use std::path::PathBuf;

use hansom_market::log::LogError;

/// Why history cannot be kept or read. The market is none the worse for it.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The database refused: the disk is full, or its file was changed.
    #[error("the history in {}: {source}", path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// What it said.
        source: redb::Error,
    },
    /// A row is no row: the file was changed.
    #[error("the history in {} holds a row that cannot be read: {what}", path.display())]
    Row {
        /// Its file.
        path: PathBuf,
        /// Which.
        what: String,
    },
    /// The file cannot be made, removed or looked at.
    #[error("the history in {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it is made from cannot be read.
    #[error("the log behind the history: {0}")]
    Log(#[from] LogError),
}

/// Why a history that was found is not gone on with, but made anew from the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Useless {
    /// There is none.
    #[error("there is none")]
    Missing,
    /// The database does not take the file.
    #[error("its file is damaged: {0}")]
    Damaged(String),
    /// Of another version of this program.
    #[error("it has format {found:?}, this program writes {known}")]
    Version {
        /// As written.
        found: Option<u64>,
        /// [`VERSION`](super::VERSION).
        known: u64,
    },
    /// Of another market, or of the same that was begun anew.
    #[error("it is of another market, network or log")]
    OtherLog,
    /// It knows turns that the log does not have.
    #[error("it reaches to offset {history}, the log only to {log}")]
    Ahead {
        /// Its next turn.
        history: u64,
        /// The log's.
        log: u64,
    },
}
