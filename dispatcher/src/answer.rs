//! What became of a command.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hansom_engine::record::{Event, Poison, RequestRefusal};
use hansom_engine::{Offset, Turn};
use hansom_market::MarketError;
use hansom_market::log::LogError;
use hansom_market::recovery::RecoveryError;

use crate::halts::Why;

/// What became of a command that has a turn. Its bytes would survive a loss of power before anybody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Taken, at this offset; a repeat gets the offset of the first time.
    Taken {
        /// Where in the log.
        offset: Offset,
    },
    /// A rule forbids it.
    Refused {
        /// Where in the log.
        offset: Offset,
        /// Which rule.
        reason: Refusal,
    },
    /// Deciding it failed, which is a fault of the program: it was passed over, and nothing else was touched.
    Skipped {
        /// Where in the log.
        offset: Offset,
    },
}

/// The rule by which a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of the command itself.
    #[error(transparent)]
    Command(#[from] hansom_engine::record::Refusal),
    /// One of what a ride can be; the request took a ride number.
    #[error(transparent)]
    Request(#[from] RequestRefusal),
}

impl Answer {
    /// What it comes to, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Refused { .. } => "refused",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// What a turn says to whoever sent its command.
    pub fn of(turn: &Turn) -> Self {
        let offset = turn.offset;
        let said = turn.events.iter().rev().find_map(|event| match event {
            Event::Repeated { first } => Some(Self::Taken { offset: *first }),
            Event::Poisoned { step: Poison::Command } => Some(Self::Skipped { offset }),
            Event::Refused { reason } => Some(Self::Refused { offset, reason: (*reason).into() }),
            Event::RequestRefused { reason, .. } => Some(Self::Refused { offset, reason: (*reason).into() }),
            _ => None,
        });
        said.unwrap_or(Self::Taken { offset })
    }
}

/// Why a command got no turn, as far as is known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotTaken {
    /// Too many wait. Nothing has happened; the same again later is welcome.
    #[error("the market has more to do than it can keep up with")]
    Overloaded {
        /// When it is worth to try again.
        retry_after: Duration,
    },
    /// The market does not take commands yet, or not any more.
    #[error("the market is {0}")]
    Away(Standing),
    /// It is about a ride of somebody else than the rider who sends it. Nothing has happened.
    #[error("the ride is another rider's")]
    Foreign,
    /// It begins the shift of a driver who is on shift in another market. Nothing has happened.
    #[error("the driver is on shift in another market")]
    Elsewhere,
    /// The market stopped while it had the command: whether that has a turn shows a retry with the same key.
    #[error("the market stopped before the command was durable; send it again with the same key")]
    Unknown,
}

/// Why a market cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It cannot be opened.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// Its log, or its planner.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// Its log, as that said itself.
    #[error(transparent)]
    Log(Arc<LogError>),
    /// It panicked while it changed its state, which cannot be trusted any more.
    #[error("it failed: {0}")]
    Panicked(String),
    /// What it releases is not taken.
    #[error("what it releases is not taken")]
    Stuck,
}

impl Cause {
    /// Whether it is only known that the log failed: why, that says itself, perhaps a moment later.
    pub(crate) fn is_told_by_the_log(&self) -> bool {
        matches!(self, Self::Market(MarketError::Log(LogError::Failed)))
    }

    /// Whether the machine is to blame, or the program.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Log(fault) if fault.is_damage() => Why::Fault,
            Self::Log(_)
            | Self::Recovery(
                RecoveryError::Io { .. }
                | RecoveryError::Log(LogError::Io { .. } | LogError::Failed)
                | RecoveryError::Market(MarketError::Log(LogError::Io { .. } | LogError::Failed)),
            )
            | Self::Market(MarketError::Log(LogError::Io { .. } | LogError::Failed)) => Why::Machine,
            Self::Recovery(_) | Self::Market(_) | Self::Panicked(_) | Self::Stuck => Why::Fault,
        }
    }
}

/// What a market is doing.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It reads its log.
    Opening,
    /// It takes commands.
    Serving,
    /// It takes no more, and finishes what it has.
    Draining,
    /// Something broke: it takes no commands, what is durable can be read.
    Halted {
        /// What.
        cause: Arc<Cause>,
    },
    /// It is over.
    Closed,
}

impl Standing {
    /// Whether it takes commands.
    pub fn is_serving(&self) -> bool {
        matches!(self, Self::Serving)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Opening => f.write_str("opening"),
            Self::Serving => f.write_str("serving"),
            Self::Draining => f.write_str("draining"),
            Self::Halted { cause } => {
                write!(f, "halted: {cause}")?;
                let mut source = cause.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
            Self::Closed => f.write_str("closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_engine::record::canonical::blank;
    use hansom_engine::{RideId, record};

    #[test]
    fn what_became_of_a_command_is_said_by_its_own_events() {
        let of = |events: Vec<Event>| Answer::of(&Turn { offset: Offset(7), events, ..blank() });
        let offset = Offset(7);
        assert_eq!(of(vec![]), Answer::Taken { offset });
        assert_eq!(of(vec![Event::Repeated { first: Offset(3) }]), Answer::Taken { offset: Offset(3) });
        let reason = record::Refusal::UnknownRide;
        let refused = Answer::Refused { offset, reason: reason.into() };
        assert_eq!(of(vec![Event::MatchingIdle, Event::Refused { reason }]), refused);
        let reason = RequestRefusal::NoSeats;
        let refused = Answer::Refused { offset, reason: reason.into() };
        assert_eq!(of(vec![Event::RequestRefused { ride: RideId(1), reason }, Event::MatchingIdle]), refused);
        assert_eq!(of(vec![Event::Poisoned { step: Poison::Command }]), Answer::Skipped { offset });
        let timer = hansom_engine::state::Timer {
            due: hansom_geo_index::Millis(1),
            kind: hansom_engine::state::TimerKind::Matching,
            id: 0,
        };
        assert_eq!(of(vec![Event::Poisoned { step: Poison::Timer(timer) }]), Answer::Taken { offset });
    }
}
