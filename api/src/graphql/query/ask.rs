//! How a question reaches the read models of a market.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use actix_web::rt::task::spawn_blocking;
use async_graphql::{Context, Error, Result};
use hansom_market::quarantine::QuarantineError;
use tokio::sync::Semaphore;
use tracing::error;

use super::answer::{NoSuchTurn, NotReadable, PositionsGone, Stale, TooFar, Unanswered, UnknownMarket};
use crate::auth::{Principal, Reading as Concern};
use crate::graphql::code::program_fault;
use crate::graphql::scalar::Offset;
use crate::graphql::subscription::not_allowed;
use crate::markets::Markets;
use crate::read::history::{History, HistoryError};
use crate::read::{NotRead, PastError, ReadModels, Reading};

/// What could not be read is asked for again after this.
const AGAIN: Duration = Duration::from_millis(500);
/// A question about the past takes no longer than this: less than a request may.
const PAST_WITHIN: Duration = Duration::from_secs(8);
/// So many questions about the past are worked on at once: each folds a log.
const PAST_AT_ONCE: usize = 2;

/// What a question about the past counts for, in fields: it folds a log.
pub const PAST: usize = 500;

/// Whose turn it is to ask about the past.
static TURN: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(PAST_AT_ONCE));

/// An answer that can be expected to be missing; the outer error is a fault of the program.
pub type Asked<T> = Result<Result<T, Unanswered>>;

/// The read models of the market of this name, or of the only one, for a question about `concern`.
pub fn reading(ctx: &Context<'_>, market: Option<&str>, concern: Concern<'_>) -> Asked<Arc<Reading>> {
    let markets = ctx.data::<Markets>()?;
    let found = match markets.one(market) {
        Ok(found) => found,
        Err(fault) => {
            let (open, reason) = (markets.names(), fault.to_string());
            let market = market.map(str::to_owned);
            let why = UnknownMarket { market, open, reason, retryable: false, retry_after_ms: None };
            return Ok(Err(Unanswered::UnknownMarket(why)));
        }
    };
    ctx.data::<Principal>()?.may_read(found.name(), concern).map_err(not_allowed)?;
    let reading = ctx.data::<Arc<ReadModels>>()?.of(found.name());
    Ok(reading.ok_or_else(|| {
        Unanswered::NotReadable(NotReadable {
            market: found.name().to_owned(),
            history: false,
            reason: "the market is being opened".to_owned(),
            retryable: true,
            retry_after_ms: Some(AGAIN.as_millis() as u64),
        })
    }))
}

/// Asks the history of a market, beside the threads that serve.
pub async fn history<T: Send + 'static>(
    reading: &Reading,
    min_offset: Option<Offset>,
    ask: impl FnOnce(&History) -> Result<T, HistoryError> + Send + 'static,
) -> Asked<T> {
    let history = match reading.history(min_offset.map(|offset| offset.0)).await {
        Ok(history) => history,
        Err(why) => return Ok(Err(not_read(reading, why))),
    };
    match spawn_blocking(move || ask(&history)).await.map_err(fault)? {
        Ok(found) => Ok(Ok(found)),
        Err(why) => Ok(Err(not_read(reading, why.into()))),
    }
}

/// Reads lines that could not be read, beside the threads that serve.
pub async fn beside<T: Send + 'static>(
    reading: &Reading,
    read: impl FnOnce() -> Result<T, QuarantineError> + Send + 'static,
) -> Asked<T> {
    match spawn_blocking(read).await.map_err(fault)? {
        Ok(found) => Ok(Ok(found)),
        Err(cause) => {
            error!(%cause, "the quarantine was asked and failed");
            let reason = "the quarantine cannot be read at present".to_owned();
            let again = Some(AGAIN.as_millis() as u64);
            let market = reading.market().name().to_owned();
            let why = NotReadable { market, history: false, reason, retryable: true, retry_after_ms: again };
            Ok(Err(Unanswered::NotReadable(why)))
        }
    }
}

/// Asks something of the past, which takes a while and a thread.
pub async fn past<T: Send + 'static>(
    reading: &Reading,
    ask: impl FnOnce(Instant) -> Result<T, NotRead> + Send + 'static,
) -> Asked<T> {
    let until = Instant::now() + PAST_WITHIN;
    let Ok(Ok(turn)) = tokio::time::timeout(PAST_WITHIN, TURN.acquire()).await else {
        return Ok(Err(not_read(reading, PastError::TooFar.into())));
    };
    let asked = spawn_blocking(move || {
        let _turn = turn;
        ask(until)
    });
    match asked.await.map_err(fault)? {
        Ok(found) => Ok(Ok(found)),
        Err(why) => Ok(Err(not_read(reading, why))),
    }
}

/// Why there is no answer of a market, as clients get it.
pub fn not_read(reading: &Reading, why: NotRead) -> Unanswered {
    let (market, reason) = (reading.market().name().to_owned(), why.to_string());
    let again = Some(AGAIN.as_millis() as u64);
    match why {
        NotRead::Stale { wanted, next } => Unanswered::Stale(Stale {
            wanted: Offset(wanted),
            next: Offset(next),
            market,
            reason,
            retryable: true,
            retry_after_ms: again,
        }),
        NotRead::Unavailable { history, .. } => {
            Unanswered::NotReadable(NotReadable { market, history, reason, retryable: true, retry_after_ms: again })
        }
        NotRead::Past(PastError::Ahead { next }) => {
            Unanswered::NoSuchTurn(NoSuchTurn { next: Offset(next), reason, retryable: false, retry_after_ms: None })
        }
        NotRead::Past(PastError::Stripped { offset }) => Unanswered::PositionsGone(PositionsGone {
            offset: Offset(offset),
            reason,
            retryable: false,
            retry_after_ms: None,
        }),
        NotRead::Past(PastError::TooFar) => Unanswered::TooFar(TooFar {
            within_ms: PAST_WITHIN.as_millis() as u64,
            reason,
            retryable: false,
            retry_after_ms: None,
        }),
        NotRead::History(fault) => {
            // What it says of files is for whoever runs the program.
            error!(%fault, "history was asked and failed");
            let reason = "the history cannot be read at present".to_owned();
            Unanswered::NotReadable(NotReadable {
                market,
                history: true,
                reason,
                retryable: true,
                retry_after_ms: again,
            })
        }
        NotRead::Past(fault @ (PastError::Log(_) | PastError::Io(_))) => {
            error!(%fault, "the log was asked and failed");
            let reason = "the log cannot be read at present".to_owned();
            Unanswered::NotReadable(NotReadable {
                market,
                history: true,
                reason,
                retryable: true,
                retry_after_ms: again,
            })
        }
    }
}

/// A fault of the program.
fn fault(cause: impl std::fmt::Display) -> Error {
    error!(%cause, "a question failed");
    program_fault()
}
