//! The life of an offer: open until answered, expired or withdrawn.

use crate::domain::Epoch;
use std::fmt;

/// How an offer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The driver took it.
    Accepted,
    /// The driver turned it down.
    Declined,
    /// Nobody answered in time.
    Expired,
    /// The market took it back.
    Withdrawn,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        })
    }
}

/// An offer's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waiting for an answer to this epoch.
    Open {
        /// The epoch that an answer must name.
        epoch: Epoch,
    },
    /// Over.
    Settled(Outcome),
}

/// What can happen to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// The driver accepts the offer of this epoch.
    Accept(Epoch),
    /// The driver declines the offer of this epoch.
    Decline(Epoch),
    /// The deadline passed.
    Expire,
    /// The market takes it back.
    Withdraw,
}

/// Why an answer to an offer was not taken. Drivers read these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The answer is for another offer.
    #[error("the answer is for epoch {given}, the open offer is of epoch {open}")]
    StaleEpoch {
        /// As answered.
        given: Epoch,
        /// As open.
        open: Epoch,
    },
    /// The offer is over.
    #[error("the offer was already {0}")]
    Settled(Outcome),
}

/// The whole life of an offer. No wildcard: a new status or cue is decided here before it compiles.
pub fn transition(status: Status, cue: Cue) -> Result<Status, Refusal> {
    use Cue::{Accept, Decline, Expire, Withdraw};
    use Status::{Open, Settled};
    match (status, cue) {
        // No deadline here: timers due before the answer have run, so a late one meets `Settled(Expired)`.
        (Open { epoch: open }, Accept(given) | Decline(given)) if given != open => {
            Err(Refusal::StaleEpoch { given, open })
        }
        (Open { .. }, Accept(_)) => Ok(Settled(Outcome::Accepted)),
        (Open { .. }, Decline(_)) => Ok(Settled(Outcome::Declined)),
        (Open { .. }, Expire) => Ok(Settled(Outcome::Expired)),
        (Open { .. }, Withdraw) => Ok(Settled(Outcome::Withdrawn)),
        (Settled(outcome), Accept(_) | Decline(_) | Expire | Withdraw) => Err(Refusal::Settled(outcome)),
    }
}
