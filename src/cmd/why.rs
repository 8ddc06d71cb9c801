//! `hansom why`: why a driver got a ride, and what would have changed that.

mod table;

use hansom_engine::domain::Offset;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::projection::why::{Decision, decisions as decisions_of};
use hansom_engine::record::canonical::blank;
use hansom_engine::{Desk, RideId, State};
use hansom_market::why::{self, Explained, Scene};

use super::logged::{Logged, known_ride};
use crate::cli::{Format, Why};
use crate::error::{Error, Exit};
use crate::show;

/// Explains each offer of the ride.
pub fn run(arguments: &Why) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    logged.note_planner();
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
pub fn decisions(logged: &Logged, ride: RideId) -> Result<Vec<Decision>, Error> {
    let mut reader = logged.reader()?;
    let mut turn = blank();
    let mut decisions = Vec::new();
    while reader.next(&mut turn)?.is_some() {
        decisions.extend(decisions_of(&turn, ride));
    }
    Ok(decisions)
}

/// Folds the log and looks at the state on which each offer was decided. Returns the last state, too.
fn explain(logged: &Logged, ride: RideId, decisions: &[Decision]) -> Result<(State, Vec<Explained>), Error> {
    let mut explained: Vec<Explained> = Vec::new();
    let state = revisit(logged, ride, decisions, |scene, decision| {
        explained.push(Explained::of(scene, ride, decision));
        Ok(())
    })?;
    explained.sort_by_key(|explained: &Explained| order(&explained.decision));
    Ok((state, explained))
}

/// What decides on the streets of a log.
pub fn hands(logged: &Logged) -> (Desk, BatchPlanner) {
    let streets = &logged.streets;
    let desk = Desk::new(streets.network.clone(), streets.router.clone(), streets.snap.clone());
    (desk, BatchPlanner::new(streets.network.clone(), streets.router.clone()))
}

/// Folds the log, and has the state looked at on which each of these offers of `ride` was decided. Returns the last state.
pub fn revisit(
    logged: &Logged,
    ride: RideId,
    decisions: &[Decision],
    look: impl FnMut(Scene<'_>, &Decision) -> Result<(), Error>,
) -> Result<State, Error> {
    let mut state = State::of_log(&logged.header, &logged.streets.network);
    let mut reader = logged.reader()?;
    why::revisit(&mut reader, &logged.streets, &mut state, (ride, decisions), look, |_| true)?;
    Ok(state)
}

/// The order in which offers were made.
pub fn order(decision: &Decision) -> (Offset, u32) {
    (decision.made, decision.offer.epoch.0)
}
