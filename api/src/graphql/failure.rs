//! Why an order was not taken: what a client can expect to go wrong, and what it can do about it.

use std::time::Duration;

use async_graphql::{Interface, SimpleObject, Union};
use hansom_dispatcher::{NotPlaced, NotTaken};
use hansom_market::ingest::{Malformed, ping_refusal_word};

use super::result::{PositionsReceived, RideTaken, SessionTaken, Taken};
use super::scalar::Offset;
use super::turn::Unread;
use super::word::RefusalCode;
use crate::auth::NotGiven;
use crate::fault::{LineFault, RequestFault};

/// What can go wrong, each with fields of its own beside those of all.
macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, SimpleObject)]
            pub struct $name {
                $($(#[$about])* pub $field: $type,)*
                /// Why, for people.
                pub reason: String,
                /// Whether the same order, with the same key, may do better later.
                pub retryable: bool,
                /// If so, after how many ms.
                pub retry_after_ms: Option<u64>,
            }
        )*

        /// Why an order was not taken.
        #[derive(Debug, Clone, Interface)]
        #[graphql(
            field(name = "reason", ty = "&String", desc = "Why, for people."),
            field(name = "retryable", ty = "&bool", desc = "Whether the same order, with the same key, may do better later."),
            field(name = "retry_after_ms", ty = "&Option<u64>", desc = "If so, after how many ms.")
        )]
        pub enum Failure {
            $(#[doc = stringify!($name)] $name($name),)*
        }

        failures! { @answer [$($name),*]
            /// What became of an order.
            CommandResult = Taken,
            /// What became of a request for a ride.
            RequestRideResult = RideTaken,
            /// What became of an order that opens a session.
            SessionResult = SessionTaken,
            /// What became of a batch of positions.
            ReportPositionsResult = PositionsReceived,
        }
    };
    (@answer $names:tt $($(#[$doc:meta])* $answer:ident = $taken:ident,)*) => {
        $(failures! { @one $names $(#[$doc])* $answer = $taken })*
    };
    (@one [$($name:ident),*] $(#[$doc:meta])* $answer:ident = $taken:ident) => {
        $(#[$doc])*
        #[derive(Debug, Union)]
        pub enum $answer {
            #[doc = stringify!($taken)]
            $taken($taken),
            $(#[doc = stringify!($name)] $name($name),)*
        }

        impl From<Result<$taken, Failure>> for $answer {
            fn from(answer: Result<$taken, Failure>) -> Self {
                match answer {
                    Ok(taken) => Self::$taken(taken),
                    $(Err(Failure::$name(failure)) => Self::$name(failure),)*
                }
            }
        }
    };
}

failures! {
    /// A rule of the market forbids it. The refusal is a turn of its own.
    RefusedByRule {
        /// Which rule.
        code: RefusalCode,
        /// The turn that refused it.
        offset: Offset,
    }
    /// The order cannot be read: a value is none that is allowed there.
    InvalidInput {
        /// The code under which `docs/errors.md` explains it.
        code: String,
        /// Which field, by its name in a line of `/v1/commands`: `data.pickup.lat`.
        field: String,
    }
    /// Too many orders wait for the market. Nothing has happened.
    Overloaded {}
    /// The market does not take orders now: it opens, ends, or something broke. Nothing has happened.
    Unavailable {
        /// What it is doing.
        standing: String,
    }
    /// Whether the order was taken is not known: the market stopped, or took too long. The same again, with the same key, tells.
    OutcomeUnknown {}
    /// The program has a fault that shows on this order; it was skipped.
    ProgramFault {
        /// The turn that skipped it.
        offset: Offset,
    }
    /// Whoever sends it may not. Nothing has happened.
    NotAllowed {}
    /// The driver is on shift in another market. Nothing has happened.
    OnShiftElsewhere {}
    /// Whoever sends it sent too much. Nothing has happened.
    RateLimited {}
    /// No market of this name is open, or several are and none was named.
    NoSuchMarket {
        /// Those that are open.
        open: Vec<String>,
    }
}

/// What is not known yet is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Failure {
    /// A rule forbids it.
    pub fn refused(offset: u64, refusal: hansom_dispatcher::Refusal) -> Self {
        let LineFault { code, reason, .. } = LineFault::refused(offset, refusal);
        let code = RefusalCode::of(&code);
        Self::RefusedByRule(RefusedByRule {
            code,
            offset: Offset(offset),
            reason,
            retryable: false,
            retry_after_ms: None,
        })
    }

    /// Deciding it failed.
    pub fn skipped(offset: u64) -> Self {
        let LineFault { reason, .. } = LineFault::skipped(offset);
        Self::ProgramFault(ProgramFault { offset: Offset(offset), reason, retryable: false, retry_after_ms: None })
    }

    /// A position puts nobody anywhere.
    pub fn not_placed(cause: NotPlaced) -> Self {
        let retry_after_ms = Some(AGAIN.as_millis() as u64);
        match cause {
            NotPlaced::Refused { offset, reason } => Self::RefusedByRule(RefusedByRule {
                code: RefusalCode::of(ping_refusal_word(reason)),
                offset: Offset(offset.0),
                reason: reason.to_string(),
                retryable: false,
                retry_after_ms: None,
            }),
            NotPlaced::Skipped { offset } => Self::skipped(offset.0),
            NotPlaced::LeftOut => {
                let reason = "too many positions wait for the market".to_owned();
                Self::Overloaded(Overloaded { reason, retryable: true, retry_after_ms })
            }
        }
    }

    /// It was not answered within a time.
    pub fn late(within: Duration) -> Self {
        let reason = format!("no answer within {} s; send it again with the same key", within.as_secs());
        Self::OutcomeUnknown(OutcomeUnknown { reason, retryable: true, retry_after_ms: Some(AGAIN.as_millis() as u64) })
    }

    /// It was taken, but what came of it cannot be read.
    pub fn unread(reason: &Unread) -> Self {
        Self::OutcomeUnknown(OutcomeUnknown {
            reason: reason.to_string(),
            retryable: true,
            retry_after_ms: Some(AGAIN.as_millis() as u64),
        })
    }

    /// More positions than a batch has.
    pub fn too_many(found: usize, most: usize) -> Self {
        Self::InvalidInput(InvalidInput {
            code: "E0906".to_owned(),
            field: "positions".to_owned(),
            reason: format!("a batch has at most {most} positions, not {found}"),
            retryable: false,
            retry_after_ms: None,
        })
    }

    /// A key that is none.
    pub fn no_key() -> Self {
        Self::bad_key("a key is a UUID")
    }

    /// A key that was sent with other positions.
    pub fn other_positions() -> Self {
        Self::bad_key("other positions were sent with this key: a bundle has a key of its own")
    }

    fn bad_key(reason: &str) -> Self {
        Self::InvalidInput(InvalidInput {
            code: "E0906".to_owned(),
            field: "key".to_owned(),
            reason: reason.to_owned(),
            retryable: false,
            retry_after_ms: None,
        })
    }

    /// No such market among those that are open.
    pub fn no_market(fault: &RequestFault, open: Vec<String>) -> Self {
        Self::NoSuchMarket(NoSuchMarket { open, reason: fault.to_string(), retryable: false, retry_after_ms: None })
    }
}

impl From<&Malformed> for Failure {
    fn from(malformed: &Malformed) -> Self {
        Self::InvalidInput(InvalidInput {
            code: malformed.code().to_owned(),
            field: malformed.field.clone(),
            reason: malformed.to_string(),
            retryable: false,
            retry_after_ms: None,
        })
    }
}

impl From<&NotTaken> for Failure {
    fn from(cause: &NotTaken) -> Self {
        let LineFault { reason, retryable, retry_after, .. } = LineFault::not_taken(cause);
        let retry_after_ms = retry_after.map(|after| after.as_millis() as u64);
        match cause {
            NotTaken::Overloaded { .. } => Self::Overloaded(Overloaded { reason, retryable, retry_after_ms }),
            NotTaken::Away(standing) => {
                let standing = standing.to_string();
                Self::Unavailable(Unavailable { standing, reason, retryable, retry_after_ms })
            }
            NotTaken::Elsewhere => Self::OnShiftElsewhere(OnShiftElsewhere { reason, retryable, retry_after_ms }),
            NotTaken::Foreign => Self::NotAllowed(NotAllowed { reason, retryable, retry_after_ms }),
            NotTaken::Unknown => Self::OutcomeUnknown(OutcomeUnknown { reason, retryable, retry_after_ms }),
        }
    }
}

impl From<&NotGiven> for Failure {
    fn from(cause: &NotGiven) -> Self {
        let LineFault { reason, retryable, retry_after, .. } = LineFault::not_given(cause);
        let retry_after_ms = retry_after.map(|after| after.as_millis() as u64);
        match cause {
            NotGiven::Forbidden(_) => Self::NotAllowed(NotAllowed { reason, retryable, retry_after_ms }),
            NotGiven::Limited(_) => Self::RateLimited(RateLimited { reason, retryable, retry_after_ms }),
            NotGiven::NotTaken(cause) => Self::from(cause),
        }
    }
}
