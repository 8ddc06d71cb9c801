//! Why a log cannot be written or read.

use hansom_engine::record::canonical::DecodeError;
use std::io;
use std::path::PathBuf;

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The machine refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There are no segments.
    #[error("{} holds no log: there is no segment (*.seg) in it", path.display())]
    NoLog {
        /// The folder.
        path: PathBuf,
    },
    /// A log is there already.
    #[error("{} holds a log already", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error("segment {} has {what} version {found}; this program reads up to {known}", segment.display())]
    Version {
        /// The file.
        segment: PathBuf,
        /// Of what: layout or format.
        what: &'static str,
        /// As written.
        found: u32,
        /// As known.
        known: u32,
    },
    /// Bytes in the middle are not what was written.
    #[error("segment {} is damaged at byte {byte}: {what}; the turn at offset {offset} is lost", segment.display())]
    Damaged {
        /// The file.
        segment: PathBuf,
        /// Where in it.
        byte: u64,
        /// The turn that should stand there.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// The log ends within a turn.
    #[error("segment {} ends within a turn at byte {byte}: the turn at offset {offset} was not written whole", segment.display())]
    Torn {
        /// The file.
        segment: PathBuf,
        /// Where in it the turn starts.
        byte: u64,
        /// The turn.
        offset: u64,
    },
    /// The log ends between two turns, but not as a finished one does.
    #[error("segment {} ends before the turn at offset {offset} without the seal of a finished log", segment.display())]
    Unfinished {
        /// The last file.
        segment: PathBuf,
        /// The turn that would come next, if there is one.
        offset: u64,
    },
    /// A turn's bytes are as written, but no turn.
    #[error("segment {}, byte {byte}: the turn at offset {offset} cannot be read", segment.display())]
    Undecodable {
        /// The file.
        segment: PathBuf,
        /// Where in it the turn starts.
        byte: u64,
        /// The turn.
        offset: u64,
        /// Why.
        source: DecodeError,
    },
    /// The writer failed before; what came since is not in the log.
    #[error("the log failed earlier and takes no more turns")]
    Failed,
}

impl LogError {
    /// What to do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full: make room and run again; the turns written so far can be read".to_owned())
            }
            Self::Io { .. } | Self::Failed => None,
            Self::NoLog { .. } => Some("a log is the folder `log` of a run, or the run's own folder".to_owned()),
            Self::Exists { .. } => Some("choose another folder, or remove that log first".to_owned()),
            Self::Version { .. } => {
                Some("read it with the version of the program that wrote it, or a later one".to_owned())
            }
            Self::Damaged { offset, .. }
            | Self::Undecodable { offset, .. }
            | Self::Torn { offset, .. }
            | Self::Unfinished { offset, .. } => Some(match offset.checked_sub(1) {
                Some(last) => format!(
                    "turns up to offset {last} are whole; for the others restore the file from a copy, or run again"
                ),
                None => "restore the file from a copy, or run again".to_owned(),
            }),
        }
    }

    /// Whether the bytes of the log are at fault, and not the machine or the version of the program.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Torn { .. } | Self::Unfinished { .. } | Self::Undecodable { .. })
    }
}
