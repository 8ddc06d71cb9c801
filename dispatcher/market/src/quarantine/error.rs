//! Why a quarantine cannot be read or written.

use std::io;
use std::path::PathBuf;

/// Why a quarantine cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The machine refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Bytes are not what was written.
    #[error("{} is damaged at byte {byte}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        byte: u64,
        /// What was found.
        what: &'static str,
    },
    /// Written by a later version.
    #[error("{} has layout version {found}; this program reads up to {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// As written.
        found: u32,
        /// As known.
        known: u32,
    },
    /// Another process has it open for writing.
    #[error("another process writes to {}", path.display())]
    InUse {
        /// The file that it holds.
        path: PathBuf,
    },
}

impl QuarantineError {
    /// The code under which `docs/errors.md` explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "E0911",
            Self::Damaged { .. } => "E0912",
            Self::Version { .. } => "E0913",
            Self::InUse { .. } => "E0914",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "may you read and write there, and is there room?",
            Self::Damaged { .. } => {
                "copy the folder away, and remove the file: what it holds is lost to `hansom quarantine`"
            }
            Self::Version { .. } => "read it with the version of the program that wrote it, or a later one",
            Self::InUse { .. } => "wait until the other one is done",
        }
    }
}
