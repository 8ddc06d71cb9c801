//! A bundle of positions: handed to its market, answered once it is durable, and answered the same when it comes again.
//! A position is given to the decoder of lines field by field, and becomes a line only where that takes none: it says why.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::mem::discriminant;
use std::sync::Arc;

use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use hansom_dispatcher::{MarketHandle, NotTaken, PendingReport, Reported};
use hansom_engine::Name;
use hansom_market::ingest::{LOCATION_KIND, Location, MOST_PINGS, Malformed, decode_location};
use tokio::sync::OwnedMutexGuard;

use super::failure::Failure;
use super::first::{Bundle, First, FirstAnswers};
use super::input::PositionInput;
use super::line::{SOURCE, WITHIN, line};
use super::result::{PositionFailure, PositionsReceived};
use super::scalar::Key;
use crate::auth::{HandedOver, NotGiven, Principal};
use crate::commands::kept;

/// Reports positions. Where that was done before, under the same key, says again what came of it; those of which nothing is known
/// for good have another try.
pub async fn report(
    principal: &Principal,
    market: &MarketHandle,
    answers: &Arc<FirstAnswers>,
    key: &Key,
    positions: &[PositionInput],
) -> Result<PositionsReceived, Failure> {
    principal.may_report_at_all().map_err(|cause| Failure::from(&NotGiven::from(cause)))?;
    let name = key.inside().ok_or_else(Failure::no_key)?;
    if positions.len() > MOST_PINGS {
        return Err(Failure::too_many(positions.len(), MOST_PINGS));
    }
    let bundle = Bundle {
        market: Name::from(market.name()),
        sender: principal.name().clone(),
        is_staff: principal.is_staff(),
        key: name,
    };
    let answer = async {
        // Whoever sent it before is waited for.
        let mut slot = answers.slot(&bundle).lock_owned().await;
        let hash = hash(positions);
        let mut first = match slot.take() {
            Some(first) if first.positions == hash && !first.open().is_empty() => first,
            Some(first) => {
                let told = if first.positions == hash { Ok(first.told()) } else { Err(Failure::other_positions()) };
                *slot = Some(first);
                return told;
            }
            None => First::of(hash, positions.len()),
        };
        let open = first.open().iter().map(|open| (open.index, &positions[open.index as usize]));
        let handed_over = hand_over(principal, market, key, open);
        let (market, answers) = (market.clone(), answers.clone());
        // Goes on when its sender waits no more: who comes again is told.
        let told = tokio::spawn(async move {
            let (failures, offset) = handed_over.heard(&market).await;
            let told = first.tried(failures, offset);
            *slot = Some(first).filter(First::is_worth_keeping);
            answers.keep(bundle, OwnedMutexGuard::mutex(&slot), slot.as_ref());
            told
        });
        told.await.map_or_else(|_| Err(Failure::from(&NotTaken::Unknown)), of_market)
    };
    timeout(WITHIN, answer).await.unwrap_or_else(|_| Err(Failure::late(WITHIN)))
}

/// What tells bundles apart that have the same key.
fn hash(positions: &[PositionInput]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for position in positions {
        position.feed(&mut hasher);
    }
    hasher.finish()
}

/// Positions on their way.
struct Sent {
    /// Those that did not get so far.
    failures: Vec<PositionFailure>,
    /// The places of the others in the bundle, with what is to be heard of them.
    handed_over: Vec<(Vec<u32>, PendingReport)>,
    /// Some are in the quarantine.
    is_put_aside: bool,
}

fn hand_over<'a>(
    principal: &Principal,
    market: &MarketHandle,
    key: &Key,
    positions: impl Iterator<Item = (u32, &'a PositionInput)>,
) -> Sent {
    let mut sent = Sent { failures: Vec::new(), handed_over: Vec::new(), is_put_aside: false };
    let (mut bundle, mut id) = (Vec::with_capacity(positions.size_hint().1.unwrap_or_default()), String::new());
    for (index, position) in positions {
        id.clear();
        // Writing to memory cannot fail.
        let _ = write!(id, "{}.{index}", key.0);
        match location(&id, position) {
            Ok(location) => bundle.push((index, location)),
            Err((malformed, line)) => {
                // Those before it count before it, too.
                sent.take(principal.report_all(market, std::mem::take(&mut bundle)));
                let may = principal.may_use(market.name()).map_err(NotGiven::from);
                let failure = match may.and_then(|()| Ok(principal.spend(1)?)) {
                    Ok(()) => {
                        market.quarantine(malformed.to_string(), SOURCE, line.to_vec());
                        sent.is_put_aside = true;
                        Failure::from(&malformed)
                    }
                    Err(cause) => Failure::from(&cause),
                };
                sent.failures.push(PositionFailure { index, failure });
            }
        }
    }
    sent.take(principal.report_all(market, bundle));
    sent
}

impl Sent {
    fn take(&mut self, HandedOver { not_given, places, pending }: HandedOver) {
        let failed = not_given.into_iter();
        self.failures.extend(failed.map(|(index, cause)| PositionFailure { index, failure: Failure::from(&cause) }));
        self.handed_over.extend(pending.map(|pending| (places, pending)));
    }

    /// What failed, and the turn after which all is known.
    async fn heard(self, market: &MarketHandle) -> (Vec<PositionFailure>, u64) {
        let Self { mut failures, handed_over, is_put_aside } = self;
        if is_put_aside {
            kept(market.clone()).await;
        }
        let mut offset = market.events().next().saturating_sub(1);
        for (places, pending) in handed_over {
            match pending.answer().await {
                Ok(Reported { offset: last, not_placed }) => {
                    offset = offset.max(last.0);
                    failures.extend(not_placed.into_iter().map(|(place, cause)| PositionFailure {
                        index: places[place],
                        failure: Failure::not_placed(cause),
                    }));
                }
                Err(cause) => {
                    let failure = |index| PositionFailure { index, failure: Failure::from(&cause) };
                    failures.extend(places.into_iter().map(failure));
                }
            }
        }
        (failures, offset)
    }
}

/// A bundle of which all failed for one reason, that of the market, fails as one.
fn of_market(told: PositionsReceived) -> Result<PositionsReceived, Failure> {
    let first = told.failures.first().map(|failed| &failed.failure).filter(|_| told.received == 0);
    let of_market = first.filter(|failure| {
        matches!(failure, Failure::Unavailable(_) | Failure::Overloaded(_) | Failure::OutcomeUnknown(_))
    });
    let is_same = |failure: &Failure| of_market.is_some_and(|first| discriminant(first) == discriminant(failure));
    match of_market {
        Some(failure) if told.failures.iter().all(|failed| is_same(&failed.failure)) => Err(failure.clone()),
        _ => Ok(told),
    }
}

/// Where a vehicle is, by the rules for lines; or why it is nowhere, and the line.
fn location(id: &str, position: &PositionInput) -> Result<Location, (Malformed, Bytes)> {
    if let Some(location) = Location::of(&position.given(id)) {
        return Ok(location);
    }
    let line = line(id, LOCATION_KIND, position.measured, position);
    decode_location(&line).map_err(|malformed| (malformed, line))
}
