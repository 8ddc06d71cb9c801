//! An explanation in tables, or as JSON.

use hansom_engine::domain::{Settings, Term, Terms};
use hansom_engine::projection::why::{Alternative, BatchWhy, Candidate, Flip};
use hansom_engine::record::OfferMade;
use hansom_engine::{RideId, State};
use hansom_market::why::{Explained, Reason};
use hansom_simulator::report::number::{fixed, grouped};
use serde_json::{Map, Value, json};

use super::super::logged::{Logged, driver_name};

/// How many vehicles are shown if not all are.
const SHOWN: usize = 12;

/// A part for each offer of the ride.
pub fn text(logged: &Logged, state: &State, ride: RideId, explained: &[Explained], all: bool) -> String {
    if explained.is_empty() {
        return format!("ride {ride} was never offered to a driver; `hansom replay … --ride {ride}` tells its story\n");
    }
    let mut text = String::new();
    for (n, Explained { decision, at, reason }) in explained.iter().enumerate() {
        let offer = &decision.offer;
        let how = if decision.basis.is_some() { "batch" } else { "nearest" };
        text += &format!(
            "{}ride {ride}, offer {}: to driver {}, pickup in {}, cost {}\n{how}, decided at {}, offered at offset {}\n\n",
            if n > 0 { "\n" } else { "" },
            offer.epoch,
            driver_name(state, offer.driver),
            seconds(i64::from(offer.pickup_eta_ms)),
            grouped(offer.terms.total()),
            logged.stamp(*at),
            decision.made
        );
        text += &match reason {
            Reason::Nearest(candidates) => nearest(&logged.header.settings, state, offer, candidates, all),
            Reason::Batch(Some(why)) => batch(&logged.header.settings, state, why, all),
            Reason::Batch(None) => "the ride is not in the batch that was asked for\n".to_owned(),
        };
    }
    text
}

fn nearest(settings: &Settings, state: &State, offer: &OfferMade, candidates: &[Candidate], all: bool) -> String {
    let terms = weighted(settings);
    let mut rows = vec![head(&["driver", "pickup in", "cost"], &terms, &["", "what would have given it the ride"])];
    let shown = if all { candidates.len() } else { SHOWN };
    for candidate in candidates.iter().take(shown) {
        let verdict = match &candidate.ruled_out {
            Some(why) => format!("ruled out: {why}"),
            None if candidate.driver == offer.driver => "chosen".to_owned(),
            None => would_flip(&candidate.flips(settings, (&offer.terms, offer.driver))),
        };
        let chained = if candidate.chained { "after the ride in hand" } else { "" };
        rows.push(row(
            [driver_name(state, candidate.driver), seconds(candidate.eta_ms), grouped(candidate.terms.total())],
            &candidate.terms,
            &terms,
            [chained.to_owned(), verdict],
        ));
    }
    columns(&rows, 3 + terms.len()) + &rest(candidates.len(), shown)
}

/// The changes of one term each that would have turned a decision.
fn would_flip(flips: &[Flip]) -> String {
    let change = |flip: &Flip| {
        let (which, by) = if flip.by < 0 { ("less", -flip.by) } else { ("more", flip.by) };
        format!("{} {which} by {}", flip.term.name(), grouped(by))
    };
    match flips {
        [] => "nothing: no term that tells vehicles apart has a weight".to_owned(),
        flips => flips.iter().map(change).collect::<Vec<_>>().join(", or "),
    }
}

fn batch(settings: &Settings, state: &State, why: &BatchWhy, all: bool) -> String {
    let terms = weighted(settings);
    let mut rows = vec![head(&["driver", "pickup in", "cost", "reduced", "batch if forced"], &terms, &[""])];
    let shown = if all { why.alternatives.len() } else { SHOWN };
    for alternative in why.alternatives.iter().take(shown) {
        let Alternative { driver, eta_ms, terms: of, reduced_cost, forced_total } = alternative;
        let dearer = forced_total - why.total;
        let forced = format!("{} (+{})", grouped(*forced_total), grouped(dearer));
        let verdict = if why.chosen == Some(*driver) { "chosen" } else { "" };
        rows.push(row(
            [
                driver_name(state, *driver),
                seconds(i64::from(*eta_ms)),
                grouped(of.total()),
                grouped(*reduced_cost),
                forced,
            ],
            of,
            &terms,
            [verdict.to_owned()],
        ));
    }
    let (rides, vehicles) = why.size;
    columns(&rows, 5 + terms.len())
        + &rest(why.alternatives.len(), shown)
        + &format!(
            "\nbatch of {} rides and {} vehicles, cost in all {}; leaving this ride open would have cost {}\n",
            grouped(rides as i64),
            grouped(vehicles as i64),
            grouped(why.total),
            grouped(why.unserved)
        )
}

/// The terms that count.
fn weighted(settings: &Settings) -> Vec<Term> {
    Term::ALL.into_iter().filter(|&term| settings.policy.weights.0[term as usize] != 0).collect()
}

fn head(before: &[&str], terms: &[Term], after: &[&str]) -> Vec<String> {
    let names = terms.iter().map(|term| term.name());
    before.iter().copied().chain(names).chain(after.iter().copied()).map(str::to_owned).collect()
}

fn row<const B: usize, const A: usize>(
    before: [String; B],
    of: &Terms,
    terms: &[Term],
    after: [String; A],
) -> Vec<String> {
    let costs = terms.iter().map(|&term| grouped(of.0[term as usize]));
    before.into_iter().chain(costs).chain(after).collect()
}

fn columns(rows: &[Vec<String>], right: usize) -> String {
    let mut table = crate::show::Table::new((0..right).map(|n| n > 0).collect());
    for row in rows {
        table.cells(row.clone());
    }
    table.text()
}

fn rest(all: usize, shown: usize) -> String {
    if all > shown {
        format!("and {} more: `--all` shows them\n", grouped((all - shown) as i64))
    } else {
        String::new()
    }
}

fn seconds(ms: i64) -> String {
    format!("{} s", fixed(ms as f64 / 1000.0, 1))
}

/// All of it as one object.
pub fn json(logged: &Logged, state: &State, ride: RideId, explained: &[Explained]) -> Value {
    let offers: Vec<Value> = explained
        .iter()
        .map(|Explained { decision, at, reason }| {
            let offer = &decision.offer;
            let (policy, detail) = match reason {
                Reason::Nearest(candidates) => {
                    let of = |c: &Candidate| candidate(&logged.header.settings, state, offer, c);
                    ("nearest", json!({ "candidates": candidates.iter().map(of).collect::<Vec<_>>() }))
                }
                Reason::Batch(why) => ("batch", why.as_ref().map_or(Value::Null, |why| batch_json(state, why))),
            };
            json!({
                "offer": offer.epoch.0, "driver": driver_name(state, offer.driver), "pickup_eta_ms": offer.pickup_eta_ms,
                "cost": offer.terms.total(), "terms": terms(&offer.terms), "at": logged.stamp(*at),
                "offset": decision.made.0, "basis": decision.basis.map(|basis| basis.0), policy: detail,
            })
        })
        .collect();
    json!({ "ride": ride.0, "offers": offers })
}

fn candidate(settings: &Settings, state: &State, offer: &OfferMade, candidate: &Candidate) -> Value {
    let flips = match candidate.ruled_out {
        None if candidate.driver != offer.driver => candidate.flips(settings, (&offer.terms, offer.driver)),
        None | Some(_) => Vec::new(),
    };
    let flip = |flip: &Flip| json!({ "term": flip.term.name(), "by": flip.by });
    json!({
        "driver": driver_name(state, candidate.driver), "eta_ms": candidate.eta_ms, "chained": candidate.chained,
        "cost": candidate.terms.total(), "terms": terms(&candidate.terms),
        "ruled_out": candidate.ruled_out.map(|why| why.to_string()),
        "flips": flips.iter().map(flip).collect::<Vec<_>>(),
    })
}

fn batch_json(state: &State, why: &BatchWhy) -> Value {
    let alternatives: Vec<Value> = why
        .alternatives
        .iter()
        .map(|a| {
            json!({
                "driver": driver_name(state, a.driver), "eta_ms": a.eta_ms, "cost": a.terms.total(),
                "terms": terms(&a.terms), "reduced_cost": a.reduced_cost, "forced_total": a.forced_total,
            })
        })
        .collect();
    json!({
        "chosen": why.chosen.map(|driver| driver_name(state, driver)), "unserved": why.unserved, "total": why.total,
        "rides": why.size.0, "vehicles": why.size.1, "alternatives": alternatives,
    })
}

fn terms(terms: &Terms) -> Map<String, Value> {
    let pair = |term: Term| (term.name().to_owned(), terms.0[term as usize].into());
    Term::ALL.into_iter().filter(|&term| terms.0[term as usize] != 0).map(pair).collect()
}
