//! Why drivers got a ride, worked out from the log: the states on which its offers were decided, looked at again.

use crate::log::{LogError, Reader};
use crate::streets::Streets;
use hansom_engine::evolve::evolve;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::projection::why::{self, BatchWhy, Candidate, Decision};
use hansom_engine::record::Event;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Desk, RideId, State, Turn};
use hansom_geo_index::Millis;

/// What an offer was decided on, and what decides.
#[derive(Debug)]
pub struct Scene<'a> {
    /// What deciding needs beside the state.
    pub desk: &'a mut Desk,
    /// What answers a matching problem.
    pub planner: &'a mut BatchPlanner,
    /// What the market knew.
    pub state: &'a State,
    /// The time of the turn.
    pub at: Millis,
}

/// An offer of a ride, and what it was chosen from.
#[derive(Debug)]
pub struct Explained {
    /// The offer.
    pub decision: Decision,
    /// The time of the turn on whose state it was decided.
    pub at: Millis,
    /// What it was chosen from.
    pub reason: Reason,
}

/// What an offer was chosen from.
#[derive(Debug)]
pub enum Reason {
    /// The vehicles looked at, best first.
    Nearest(Vec<Candidate>),
    /// The ride's part of a batch; `None`: the ride is not in the batch that asked.
    Batch(Option<BatchWhy>),
}

impl Explained {
    /// Explains an offer of `ride`.
    pub fn of(scene: Scene<'_>, ride: RideId, decision: &Decision) -> Self {
        let Scene { desk, planner, state, at } = scene;
        let reason = match decision.basis {
            None => Reason::Nearest(why::nearest(desk, state, at, ride)),
            Some(basis) => Reason::Batch(why::batch(planner, &problem(state, basis, at), ride)),
        };
        Self { decision: decision.clone(), at, reason }
    }
}

/// Folds turns into `state`, which is that before the reader's next turn, and has the state looked at on which each of these
/// offers of `ride` was decided. Goes on while `go_on` says so of the next offset.
pub fn revisit<E: From<LogError>>(
    reader: &mut Reader,
    streets: &Streets,
    state: &mut State,
    (ride, decisions): (RideId, &[Decision]),
    mut look: impl FnMut(Scene<'_>, &Decision) -> Result<(), E>,
    mut go_on: impl FnMut(u64) -> bool,
) -> Result<(), E> {
    let (mut desk, mut planner) = (streets.desk(), streets.planner());
    let mut turn = blank();
    while go_on(reader.position()) && reader.next(&mut turn)?.is_some() {
        let Turn { at, offset, .. } = turn;
        for event in &turn.events {
            let here = |decision: &&Decision| decision.basis.is_none() && decision.made == offset;
            if let Event::OfferMade(offer) = event
                && offer.ride == ride
                && let Some(decision) = decisions.iter().filter(here).find(|decision| decision.offer == **offer)
            {
                look(Scene { desk: &mut desk, planner: &mut planner, state, at }, decision)?;
            }
            evolve(state, &streets.network, at, event);
        }
        for decision in decisions.iter().filter(|decision| decision.basis == Some(offset)) {
            look(Scene { desk: &mut desk, planner: &mut planner, state, at }, decision)?;
        }
    }
    Ok(())
}
