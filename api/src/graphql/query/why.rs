//! Why drivers were offered a ride: what `hansom why` tells.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use hansom_engine::DriverId;
use hansom_engine::domain::{Settings, Term, Terms};
use hansom_engine::projection::why as engine;
use hansom_market::why::Reason;

use super::answer::WhyResult;
use super::ask::{self, PAST, not_read, past};
use crate::auth::Reading as Concern;
use crate::graphql::scalar::{Cost, Offset, TermAmount, Time, ride_number};
use crate::read::{NotRead, Why};

/// Why drivers were offered a ride.
#[derive(Debug, SimpleObject)]
pub struct WhyMatched {
    /// The ride.
    ride: ID,
    /// Each of its offers, in order.
    offers: Vec<ExplainedOffer>,
}

/// An offer, and what it was chosen from.
#[derive(Debug, SimpleObject)]
pub struct ExplainedOffer {
    /// Which of the ride's offers, from 1.
    epoch: u32,
    /// To whom.
    driver: String,
    /// Time until the driver is at the pickup, ms.
    pickup_eta_ms: u32,
    /// What the assignment cost.
    cost: Cost,
    /// That by term.
    terms: Vec<CostTerm>,
    /// The time of the turn on whose state it was decided.
    decided_at: Time,
    /// The turn that made it.
    offset: Offset,
    /// The turn on whose state a planner answered; `null`: it was decided within the turn that made it.
    basis: Option<Offset>,
    /// The vehicles that were looked at, best first: those that could serve it by cost, then those that could not. Of policy
    /// `nearest`.
    candidates: Option<Vec<CandidateDriver>>,
    /// The ride's part of the batch that was solved. Of policy `batch`.
    batch: Option<BatchPart>,
}

/// A part of a cost.
#[derive(Debug, SimpleObject)]
pub struct CostTerm {
    /// Its name.
    name: String,
    /// How much.
    cost: Cost,
}

/// A vehicle that was looked at.
#[derive(Debug, SimpleObject)]
pub struct CandidateDriver {
    /// Whose.
    driver: String,
    /// Time until it would have been at the pickup, ms.
    eta_ms: i64,
    /// Whether it had to end another ride first.
    chained: bool,
    /// What the assignment would have cost.
    cost: Cost,
    /// That by term.
    terms: Vec<CostTerm>,
    /// What ruled it out, if anything did.
    ruled_out: Option<String>,
    /// The term that would have had to be less for this vehicle to be as cheap as the one chosen …
    flip_term: Option<String>,
    /// … and by how much.
    flip_less_by: Option<TermAmount>,
}

/// A ride's part of a solved batch.
#[derive(Debug, SimpleObject)]
pub struct BatchPart {
    /// The driver it got, if any.
    chosen: Option<String>,
    /// What leaving it open would have cost.
    unserved: Cost,
    /// What the batch cost in all.
    total: Cost,
    /// How many rides the batch had.
    rides: u32,
    /// How many vehicles it had.
    vehicles: u32,
    /// The ride's pairings, cheapest first.
    alternatives: Vec<BatchAlternative>,
}

/// A pairing of a ride in a batch.
#[derive(Debug, SimpleObject)]
pub struct BatchAlternative {
    /// Whose vehicle.
    driver: String,
    /// Time until it would have been at the pickup, ms.
    eta_ms: u32,
    /// What the pairing cost.
    cost: Cost,
    /// That by term.
    terms: Vec<CostTerm>,
    /// By how much it is dearer than what its two sides bear in the best answer; 0 for every pair of that.
    reduced_cost: Cost,
    /// What the batch would have cost in all if this pair were forced.
    forced_total: Cost,
}

/// Names of drivers as they were.
struct Names(BTreeMap<DriverId, String>);

impl Names {
    fn of(&self, driver: DriverId) -> String {
        self.0.get(&driver).cloned().unwrap_or_else(|| format!("#{driver}"))
    }
}

fn terms(terms: &Terms) -> Vec<CostTerm> {
    let all = Term::ALL.into_iter().map(|term| (term, terms.0[term as usize])).filter(|(_, cost)| *cost != 0);
    all.map(|(term, cost)| CostTerm { name: term.name().to_owned(), cost: Cost(cost) }).collect()
}

impl ExplainedOffer {
    fn of(why: Why, settings: &Settings) -> Self {
        let (names, explained) = (Names(why.names), why.explained);
        let (decision, offer) = (&explained.decision, &explained.decision.offer);
        let (candidates, batch) = match &explained.reason {
            Reason::Nearest(found) => {
                let shown =
                    found.iter().map(|one| CandidateDriver::of(one, settings, (&offer.terms, offer.driver), &names));
                (Some(shown.collect()), None)
            }
            Reason::Batch(found) => (None, found.as_ref().map(|batch| BatchPart::of(batch, &names))),
        };
        Self {
            epoch: offer.epoch.0,
            driver: names.of(offer.driver),
            pickup_eta_ms: offer.pickup_eta_ms,
            cost: Cost(offer.terms.total()),
            terms: terms(&offer.terms),
            decided_at: Time(explained.at),
            offset: Offset(decision.made.0),
            basis: decision.basis.map(|basis| Offset(basis.0)),
            candidates,
            batch,
        }
    }
}

impl CandidateDriver {
    fn of(candidate: &engine::Candidate, settings: &Settings, winner: (&Terms, DriverId), names: &Names) -> Self {
        let flips = candidate.flips(settings, winner).into_iter().filter(|_| candidate.ruled_out.is_none());
        let flip = flips.min_by_key(|flip| flip.by.unsigned_abs());
        Self {
            driver: names.of(candidate.driver),
            eta_ms: candidate.eta_ms,
            chained: candidate.chained,
            cost: Cost(candidate.terms.total()),
            terms: terms(&candidate.terms),
            ruled_out: candidate.ruled_out.map(|why| why.to_string()),
            flip_term: flip.map(|flip| flip.term.name().to_owned()),
            flip_less_by: flip.map(|flip| TermAmount(-flip.by)),
        }
    }
}

impl BatchPart {
    fn of(batch: &engine::BatchWhy, names: &Names) -> Self {
        let alternative = |pair: &engine::Alternative| BatchAlternative {
            driver: names.of(pair.driver),
            eta_ms: pair.eta_ms,
            cost: Cost(pair.terms.total()),
            terms: terms(&pair.terms),
            reduced_cost: Cost(pair.reduced_cost),
            forced_total: Cost(pair.forced_total),
        };
        Self {
            chosen: batch.chosen.map(|driver| names.of(driver)),
            unserved: Cost(batch.unserved),
            total: Cost(batch.total),
            rides: batch.size.0 as u32,
            vehicles: batch.size.1 as u32,
            alternatives: batch.alternatives.iter().map(alternative).collect(),
        }
    }
}

/// What can be asked about matches.
#[derive(Debug, Default)]
pub struct Explanations;

#[Object]
impl Explanations {
    /// Why drivers were offered a ride, and what would have changed that; `null`: there is no such ride. Worked out from the
    /// log, beside the market: it takes a while.
    #[graphql(complexity = "PAST + 20 * child_complexity")]
    async fn why_matched(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "The ride.")] ride: ID,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<Option<WhyResult>> {
        let number = ride_number("ride", &ride)?;
        let reading = match ask::reading(ctx, market.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(Some(WhyResult::from(Err(why)))),
        };
        let history = match reading.history(min_offset.map(|offset| offset.0)).await {
            Ok(history) => history,
            Err(why) => return Ok(Some(WhyResult::from(Err(not_read(&reading, why))))),
        };
        let asked = reading.clone();
        let found = past(&reading, move |until| -> Result<_, NotRead> { asked.why(&history, number, until) }).await?;
        let settings = &reading.spec().header.settings;
        let shown = found.map(|found| {
            found.map(|offers| WhyMatched {
                ride,
                offers: offers.into_iter().map(|why| ExplainedOffer::of(why, settings)).collect(),
            })
        });
        Ok(shown.transpose().map(WhyResult::from))
    }
}
