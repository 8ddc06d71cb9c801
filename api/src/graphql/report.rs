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

use super::failure::Failure;
use super::first::{Bundle, First, FirstAnswers};
use super::input::PositionInput;
use super::mutation::{SOURCE, WITHIN, line};
use super::result::{PositionFailure, PositionsReceived};
use super::scalar::{Key, Offset};
use crate::auth::{HandedOver, NotGiven, Principal};
use crate::commands::kept;

/// Reports positions. Where that was done before, under the same key, says again what came of it; positions that then had no luck
/// have another try.
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
        let mut slot = answers.slot(bundle.clone()).lock_owned().await;
        let hash = hash(positions);
        let mut before = slot.as_ref().map(|first| first.answer.clone());
        let again: Option<Vec<u32>> = before.as_mut().map(|answer| {
            let failures = answer.failures.extract_if(.., |failed| failed.failure.is_retryable());
            failures.map(|failed| failed.index).collect()
        });
        match (&*slot, again.as_deref()) {
            (Some(first), _) if first.positions != hash => return Err(Failure::other_positions()),
            (Some(first), Some([])) => return Ok(first.answer.clone()),
            _ => {}
        }
        let is_due = |index: &u32| again.as_ref().is_none_or(|again| again.binary_search(index).is_ok());
        let due = (0..).zip(positions).filter(|(index, _)| is_due(index));
        let handed_over = hand_over(principal, market, key, due);
        let (market, answers, count) = (market.clone(), answers.clone(), positions.len());
        // Goes on when its sender waits no more: who comes again is told.
        let told = tokio::spawn(async move {
            let (mut failures, mut offset) = handed_over.heard(&market).await;
            if let Some(before) = before {
                failures.extend(before.failures);
                offset = offset.max(before.offset.0);
            } else {
                answers.grown(&bundle, failures.len());
            }
            let answer = answer(count, failures, offset);
            *slot = answer.clone().ok().map(|answer| First { positions: hash, answer });
            answer
        });
        told.await.unwrap_or_else(|_| Err(Failure::from(&NotTaken::Unknown)))
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

/// What is said of so many positions of which these failed.
fn answer(count: usize, mut failures: Vec<PositionFailure>, offset: u64) -> Result<PositionsReceived, Failure> {
    failures.sort_by_key(|failed| failed.index);
    let received = (count - failures.len()) as u32;
    let first = failures.first().map(|failed| &failed.failure).filter(|_| received == 0);
    let of_market = first.filter(|failure| {
        matches!(failure, Failure::Unavailable(_) | Failure::Overloaded(_) | Failure::OutcomeUnknown(_))
    });
    let is_same = |failure: &Failure| of_market.is_some_and(|first| discriminant(first) == discriminant(failure));
    match of_market {
        // All for one reason: that of the market.
        Some(failure) if failures.iter().all(|failed| is_same(&failed.failure)) => Err(failure.clone()),
        _ => Ok(PositionsReceived { received, failures, offset: Offset(offset) }),
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
