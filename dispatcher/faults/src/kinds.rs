//! The kinds of faults, and how often each really happened: a kind that is drawn and never happens proves nothing.

use hansom_market::seam::sim::{Act, Fault, Met, Refused};
use std::fmt;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// A message never arrives.
    Lost,
    /// A message is longer under way than the shortest.
    Late,
    /// A message arrives twice.
    Doubled,
    /// A message arrives before one that was sent earlier the same way.
    Overtaken,
    /// A line of garbage arrives.
    Garbage,
    /// A write, a new length or a name is refused by a disk that fails.
    WriteFailed,
    /// A sync of a file or folder is refused by a disk that fails.
    SyncFailed,
    /// A write is done in part.
    WriteTorn,
    /// A write goes elsewhere, and is reported as done.
    Misdirected,
    /// A write is done with another bit, and reported as done.
    Corrupted,
    /// A sync of a file is not done, and reported as done.
    Unsynced,
    /// A sync of a folder is not done, and reported as done.
    FolderUnsynced,
    /// The power goes before a write or a new length.
    PowerLostAtWrite,
    /// The power goes before a sync.
    PowerLostAtSync,
    /// The power goes before a name is made or changed.
    PowerLostAtName,
    /// The disk refuses a write, as it is full.
    Full,
    /// The disk refuses something, as it is read-only.
    ReadOnly,
    /// The process is killed.
    Killed,
    /// The power goes between two operations.
    PowerCut,
    /// A start does not come to its end.
    StartFailed,
    /// The market's clock jumps forward.
    ClockForward,
    /// The market's clock jumps back.
    ClockBack,
    /// The market notices that its clock jumped, as after it was stopped for a while.
    HeldUp,
    /// The market comes back under other settings.
    Upgraded,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 24] = [
        Self::Lost,
        Self::Late,
        Self::Doubled,
        Self::Overtaken,
        Self::Garbage,
        Self::WriteFailed,
        Self::SyncFailed,
        Self::WriteTorn,
        Self::Misdirected,
        Self::Corrupted,
        Self::Unsynced,
        Self::FolderUnsynced,
        Self::PowerLostAtWrite,
        Self::PowerLostAtSync,
        Self::PowerLostAtName,
        Self::Full,
        Self::ReadOnly,
        Self::Killed,
        Self::PowerCut,
        Self::StartFailed,
        Self::ClockForward,
        Self::ClockBack,
        Self::HeldUp,
        Self::Upgraded,
    ];

    /// The kind of a fault that an operation of the disk met.
    fn of(met: &Met) -> Self {
        match (met.fault, met.act) {
            (Fault::PowerLoss, Act::Write | Act::Resize) => Self::PowerLostAtWrite,
            (Fault::PowerLoss, Act::Sync | Act::SyncFolder) => Self::PowerLostAtSync,
            (Fault::PowerLoss, Act::Name) => Self::PowerLostAtName,
            (Fault::Torn, Act::Write) => Self::WriteTorn,
            (Fault::Fail | Fault::Torn, Act::Sync | Act::SyncFolder) => Self::SyncFailed,
            (Fault::Fail | Fault::Torn, _) => Self::WriteFailed,
            (Fault::Misdirected, _) => Self::Misdirected,
            (Fault::Corrupted, _) => Self::Corrupted,
            (Fault::Unsynced, Act::SyncFolder) => Self::FolderUnsynced,
            (Fault::Unsynced, _) => Self::Unsynced,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "messages lost",
            Self::Late => "messages late",
            Self::Doubled => "messages doubled",
            Self::Overtaken => "messages overtaken",
            Self::Garbage => "lines of garbage",
            Self::WriteFailed => "writes failed",
            Self::SyncFailed => "syncs failed",
            Self::WriteTorn => "writes torn",
            Self::Misdirected => "writes misdirected",
            Self::Corrupted => "writes corrupted",
            Self::Unsynced => "syncs of files that were none",
            Self::FolderUnsynced => "syncs of folders that were none",
            Self::PowerLostAtWrite => "power lost before a write",
            Self::PowerLostAtSync => "power lost before a sync",
            Self::PowerLostAtName => "power lost before a name",
            Self::Full => "refused by a full disk",
            Self::ReadOnly => "refused by a read-only disk",
            Self::Killed => "processes killed",
            Self::PowerCut => "power cut in between",
            Self::StartFailed => "starts that failed",
            Self::ClockForward => "clock jumps forward",
            Self::ClockBack => "clock jumps back",
            Self::HeldUp => "markets that were held up",
            Self::Upgraded => "starts under other settings",
        })
    }
}

/// How often each kind of fault happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// How often this one did.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// It happened so often more.
    pub(crate) fn add(&mut self, kind: Kind, times: u64) {
        self.0[kind as usize] += times;
    }

    /// All that a disk met.
    pub(crate) fn add_disk(&mut self, met: &[Met], refused: Refused) {
        for met in met {
            self.add(Kind::of(met), 1);
        }
        self.add(Kind::Full, refused.full);
        self.add(Kind::ReadOnly, refused.read_only);
    }

    /// Those of two runs together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = *self;
        for (sum, other) in sum.0.iter_mut().zip(other.0) {
            *sum += other;
        }
        sum
    }

    /// The kinds that never happened.
    pub fn missing(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| self.of(*kind) == 0)
    }
}
