//! What is wrong with a request or a line of it, as a sender reads it.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use hansom_dispatcher::{NotTaken, Refusal};
use hansom_market::ingest::{Malformed, refusal_word, request_refusal_word};

use crate::auth::{Denied, Forbidden, Limited, NotGiven};

/// Why a line got no offset. Its code is a word that does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub reason: String,
    /// Whether the same line may do better later.
    pub retryable: bool,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The turn that refused it.
    pub offset: Option<u64>,
}

impl LineFault {
    fn of(code: &str, reason: &dyn fmt::Display, retryable: bool) -> Self {
        Self { code: code.to_owned(), reason: reason.to_string(), retryable, retry_after: None, offset: None }
    }

    /// A rule forbids it.
    pub fn refused(offset: u64, refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Command(reason) => refusal_word(reason),
            Refusal::Request(reason) => request_refusal_word(*reason),
        };
        Self { offset: Some(offset), ..Self::of(code, &refusal, false) }
    }

    /// Deciding it failed.
    pub fn skipped(offset: u64) -> Self {
        let reason = "the program has a fault that shows on this command; it was skipped";
        Self { offset: Some(offset), ..Self::of("poisoned", &reason, false) }
    }

    /// Its sender may not, or not now; or the market did not take it.
    pub fn not_given(cause: &NotGiven) -> Self {
        match cause {
            NotGiven::Forbidden(cause) => Self::forbidden(*cause),
            NotGiven::Limited(cause) => Self { retry_after: Some(cause.after), ..Self::of(LIMITED, cause, true) },
            NotGiven::NotTaken(cause) => Self::not_taken(cause),
        }
    }

    /// Its sender may not.
    pub fn forbidden(cause: Forbidden) -> Self {
        Self::of(FORBIDDEN, &cause, false)
    }

    /// The market did not take it.
    pub fn not_taken(cause: &NotTaken) -> Self {
        match cause {
            NotTaken::Overloaded { retry_after } => {
                Self { retry_after: Some(*retry_after), ..Self::of("overloaded", cause, true) }
            }
            NotTaken::Foreign => Self::of(FORBIDDEN, cause, false),
            NotTaken::Elsewhere => Self::of("on_shift_elsewhere", cause, false),
            NotTaken::Away(_) => Self { retry_after: Some(AWAY), ..Self::of("unavailable", cause, true) },
            NotTaken::Unknown => Self { retry_after: Some(AWAY), ..Self::of("unknown_outcome", cause, true) },
        }
    }

    /// It could not be read. The code is that of `docs/errors.md`.
    pub fn malformed(malformed: &Malformed) -> Self {
        Self::of(malformed.code(), malformed, false)
    }

    /// It names no market that is open.
    pub fn no_market(fault: &RequestFault) -> Self {
        Self::of("no_market", fault, false)
    }

    /// It names another market than the request does.
    pub fn wrong_market(named: &str, asked: &str) -> Self {
        Self::of("wrong_market", &format_args!("the line is for market {named}, the request for {asked}"), false)
    }
}

/// The code of what a principal may not do.
const FORBIDDEN: &str = "forbidden";
/// The code of what a principal does too often.
const LIMITED: &str = "rate_limited";

/// A market that is away is asked again after this.
const AWAY: Duration = Duration::from_secs(1);

/// Why a request got no answer lines at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// No such market.
    #[error("no market `{name}` is open here; those are: {open}")]
    NoMarket {
        /// As asked for.
        name: String,
        /// What there is.
        open: String,
    },
    /// Several markets, and none named.
    #[error("name the market, as in `?market=NAME`; those open here are: {open}")]
    WhichMarket {
        /// What there is.
        open: String,
    },
    /// Too long.
    #[error("the body is longer than {limit} bytes; send it in parts")]
    TooLong {
        /// What is allowed.
        limit: usize,
    },
    /// Others take all the room there is for bodies.
    #[error("too many bodies are being read; send this one again")]
    NoRoom,
    /// Too slow.
    #[error("the body did not arrive within {} s", within.as_secs_f64())]
    TooSlow {
        /// What is allowed.
        within: Duration,
    },
    /// A body in a form that is not understood.
    #[error("content-encoding `{found}` is not understood; send gzip, zstd or none")]
    Encoding {
        /// What was sent.
        found: String,
    },
    /// A body that is not packed as it says, or not to its end. It came whole, so sent again it would be the same.
    #[error("the body cannot be unpacked: {cause}")]
    Packed {
        /// Why.
        cause: String,
    },
    /// A body that breaks off.
    #[error("the body cannot be read: {cause}")]
    Broken {
        /// Why.
        cause: String,
    },
    /// A query that cannot be meant.
    #[error("{what}")]
    Query {
        /// What is wrong.
        what: String,
    },
    /// Nobody knows who sends it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Its sender may not.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Its sender sends too many.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// A page of another site sent it, and the gate stands open.
    #[error(
        "this server is open to this machine only, and a page of another site or another name for this machine was used"
    )]
    Origin,
}

impl RequestFault {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoMarket { .. } => "no_market",
            Self::WhichMarket { .. } => "which_market",
            Self::TooLong { .. } => "too_long",
            Self::NoRoom => "no_room",
            Self::TooSlow { .. } => "too_slow",
            Self::Encoding { .. } => "encoding",
            Self::Packed { .. } | Self::Broken { .. } => "broken_body",
            Self::Query { .. } => "query",
            Self::Denied(_) => "unauthenticated",
            Self::Forbidden(_) => FORBIDDEN,
            Self::Limited(_) => LIMITED,
            Self::Origin => "origin",
        }
    }
}

impl ResponseError for RequestFault {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoMarket { .. } => StatusCode::NOT_FOUND,
            Self::WhichMarket { .. } | Self::Packed { .. } | Self::Broken { .. } | Self::Query { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Encoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Origin => StatusCode::FORBIDDEN,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let after = match self {
            Self::TooSlow { .. } | Self::Broken { .. } | Self::NoRoom => Some(Duration::from_secs(1)),
            Self::Limited(cause) => Some(cause.after),
            _ => None,
        };
        let mut error = serde_json::json!({
            "error": { "code": self.code(), "reason": self.to_string(), "retryable": after.is_some() }
        });
        let mut response = HttpResponse::build(self.status_code());
        if let Some(after) = after {
            error["error"]["retry_after_ms"] = (after.as_millis() as u64).into();
            response.insert_header((RETRY_AFTER, after.as_millis().div_ceil(1000).to_string()));
        }
        match self {
            // RFC 6750, 3.1: without a token there is nothing to say about it.
            Self::Denied(Denied::Missing) => _ = response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"hansom\"")),
            Self::Denied(_) => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"hansom\", error=\"invalid_token\""));
            }
            _ => {}
        }
        response.content_type("application/json").body(error.to_string())
    }
}
