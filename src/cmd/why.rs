//! `hansom why`: why a driver got a ride, and what would have changed that.

mod table;

use hansom_engine::domain::Offset;
use hansom_engine::evolve::evolve;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::projection::why::{self, BatchWhy, Candidate, Decision};
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Event, Turn};
use hansom_engine::{Desk, RideId, State};
use hansom_geo_index::Millis;

use super::logged::{Logged, known_ride};
use crate::cli::{Format, Why};
use crate::error::{Error, Exit};
use crate::show;

/// An offer of the ride, and what it was chosen from.
#[derive(Debug)]
struct Explained {
    decision: Decision,
    at: Millis,
    reason: Reason,
}

/// What an offer was chosen from, drivers by name.
#[derive(Debug)]
enum Reason {
    /// The vehicles looked at, best first.
    Nearest(Vec<Candidate>),
    /// The ride's part of a batch; `None`: the ride is not in the batch that asked.
    Batch(Option<BatchWhy>),
}

/// Explains each offer of the ride.
pub fn run(arguments: &Why) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    let ride = RideId(arguments.ride);
    let decisions = decisions(&logged, ride)?;
    let (state, explained) = explain(&logged, ride, &decisions)?;
    known_ride(&state, arguments.ride)?;
    match arguments.format {
        Format::Text => show::result(&table::text(&logged, &state, ride, &explained, arguments.all))?,
        Format::Json => show::result(&show::json(&table::json(&logged, &state, ride, &explained)))?,
    }
    Ok(Exit::Done)
}

/// The offers of the ride, in order: to know which turns to look at.
fn decisions(logged: &Logged, ride: RideId) -> Result<Vec<Decision>, Error> {
    let mut reader = logged.reader()?;
    let mut turn = blank();
    let mut decisions = Vec::new();
    while reader.next(&mut turn)?.is_some() {
        decisions.extend(why::decisions(&turn, ride));
    }
    Ok(decisions)
}

/// Folds the log and looks at the state on which each offer was decided. Returns the last state, too.
fn explain(logged: &Logged, ride: RideId, decisions: &[Decision]) -> Result<(State, Vec<Explained>), Error> {
    let streets = &logged.streets;
    let mut desk = Desk::new(streets.network.clone(), streets.router.clone(), streets.snap.clone());
    let mut planner = BatchPlanner::new(streets.network.clone(), streets.router.clone());
    let mut state = State::of_log(&logged.header, &streets.network);
    let mut reader = logged.reader()?;
    let mut turn = blank();
    let mut explained: Vec<Explained> = Vec::new();
    while reader.next(&mut turn)?.is_some() {
        let Turn { at, offset, .. } = turn;
        for event in &turn.events {
            let here = |decision: &&Decision| decision.basis.is_none() && decision.made == offset;
            if let Event::OfferMade(offer) = event
                && offer.ride == ride
                && let Some(decision) = decisions.iter().filter(here).find(|decision| decision.offer == **offer)
            {
                let reason = Reason::Nearest(why::nearest(&mut desk, &state, at, ride));
                explained.push(Explained { decision: decision.clone(), at, reason });
            }
            evolve(&mut state, &streets.network, at, event);
        }
        for decision in decisions.iter().filter(|decision| decision.basis == Some(offset)) {
            let question = problem(&state, offset, at);
            let reason = Reason::Batch(why::batch(&mut planner, &question, ride));
            explained.push(Explained { decision: decision.clone(), at, reason });
        }
    }
    explained.sort_by_key(|explained: &Explained| order(&explained.decision));
    Ok((state, explained))
}

fn order(decision: &Decision) -> (Offset, u32) {
    (decision.made, decision.offer.epoch.0)
}
