//! What the simulation finds.

use hansom_engine::invariant::{Invariant, Violation};
use std::fmt;

/// A promise that the simulation watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// An invariant that turns and state can show.
    Holds(Invariant),
    /// A command is answered as the model says.
    Answer,
    /// What happens without a command happens when the model says, in the order that it says.
    Deadline,
    /// An acknowledged command is in the log exactly once.
    Once,
    /// What is released was synced before.
    Synced,
    /// What is released is what was decided, in order, and is never lost.
    Kept,
    /// What is restored is what was known before.
    Restored,
    /// A log that was read again is decided again to the same facts.
    Redecided,
    /// Bytes that are not what was written are found, and never taken for turns.
    Detected,
    /// A start is refused only for a reason, and says that the market was away.
    Starts,
    /// No two processes have a market open.
    Alone,
    /// Who follows the market gets each turn once, in order, or is told of the gap.
    Followed,
    /// When faults stop, every command is answered and every ride ends.
    Ends,
    /// Nothing panics.
    Calm,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds(invariant) => return write!(f, "invariant {}: {invariant}", *invariant as u8),
            Self::Answer => "a command is answered as the model says",
            Self::Deadline => "deadlines pass when and in the order that the model says",
            Self::Once => "an acknowledged command is in the log exactly once",
            Self::Synced => "what is released was synced before",
            Self::Kept => "what is released is never lost or changed",
            Self::Restored => "what is restored is what was known before",
            Self::Redecided => "a log is decided again to the same facts",
            Self::Detected => "damage is found, and never taken for turns",
            Self::Starts => "a start is refused only for a reason, and says that the market was away",
            Self::Alone => "no two processes have a market open",
            Self::Followed => "who follows the market gets each turn once, in order, or is told of the gap",
            Self::Ends => "when faults stop, every command is answered and every ride ends",
            Self::Calm => "nothing panics",
        })
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{promise}: {detail}")]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// What was seen.
    pub detail: String,
}

impl Broken {
    pub(crate) fn new(promise: Promise, detail: impl Into<String>) -> Self {
        Self { promise, detail: detail.into() }
    }
}

impl From<Violation> for Broken {
    fn from(violation: Violation) -> Self {
        Self::new(Promise::Holds(violation.invariant), format!("offset {}: {}", violation.offset, violation.detail))
    }
}

/// Whether all is well so far.
pub(crate) type Checked<T = ()> = Result<T, Broken>;

/// Breaks `promise` unless `holds`.
pub(crate) fn ensure(holds: bool, promise: Promise, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken::new(promise, detail())) }
}

impl Broken {
    /// The same, with where it was seen.
    pub(crate) fn at(mut self, turn: &hansom_engine::Turn, event: &hansom_engine::Event) -> Self {
        self.detail = format!("offset {}, {event:?}: {}", turn.offset, self.detail);
        self
    }
}
