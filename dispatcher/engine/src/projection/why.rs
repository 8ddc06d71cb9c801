//! Why a driver got a ride: every vehicle that could have, what ruled it out, and what would have flipped the decision.
//!
//! The winner's terms are in the log; the others' are recomputed on the state at the basis, which folding restores.

use crate::decide::Desk;
use crate::domain::{DriverId, Offset, RideId, Settings, Term, Terms};
use crate::planner::batch::{BatchPlanner, Solved};
use crate::planner::{MatchingProblem, OpenRide, Pairing, RuledOut, natural, ready_ms, rule_out, rule_out_at, terms};
use crate::record::{Command, Event, OfferMade, Turn};
use crate::state::State;
use hansom_geo_index::Millis;

/// An offer in the log, and the turn whose state explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The offer.
    pub offer: OfferMade,
    /// The turn that made it.
    pub made: Offset,
    /// The turn on whose state a planner answered; `None`: it was decided within the turn that made it.
    pub basis: Option<Offset>,
}

/// The offers of `ride` that `turn` made.
pub fn decisions(turn: &Turn, ride: RideId) -> impl Iterator<Item = Decision> + '_ {
    let basis = match &turn.command {
        Command::Propose(proposal) => Some(proposal.basis),
        _ => None,
    };
    turn.events.iter().filter_map(move |event| match event {
        Event::OfferMade(offer) if offer.ride == ride => {
            // Offers of a timer that fired in the same turn were not the proposal's.
            let proposed = matches!(&turn.command, Command::Propose(p) if p.changes.iter().any(|c| c.ride == ride));
            Some(Decision { offer: (**offer).clone(), made: turn.offset, basis: basis.filter(|_| proposed) })
        }
        _ => None,
    })
}

/// A vehicle looked at for a ride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub driver: DriverId,
    /// Time until it would be at the pickup, ms.
    pub eta_ms: i64,
    /// Whether it has to end another ride first.
    pub chained: bool,
    /// What the assignment would cost, by term.
    pub terms: Terms,
    /// The same in the terms' natural units, without their weights.
    pub natural: [i64; Term::COUNT],
    /// What ruled it out, if anything did.
    pub ruled_out: Option<RuledOut>,
}

/// A change of one term, all else as it is, in the term's natural unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    /// Which.
    pub term: Term,
    /// By how much it would have to be more; negative: less.
    pub by: i64,
}

impl Candidate {
    /// The least changes that would have given this candidate the ride instead of `winner`, one for each term that has a
    /// weight and tells vehicles apart. Equal cost goes to the lower driver number.
    pub fn flips(&self, settings: &Settings, winner: (&Terms, DriverId)) -> Vec<Flip> {
        let (terms, driver) = winner;
        let most = terms.total() - i64::from(self.driver > driver);
        let flip = |term: Term| {
            let place = term as usize;
            let weight = i64::from(settings.policy.weights.0[place]);
            let weighted = self.terms.0[place] - (self.terms.total() - most);
            (weight != 0).then(|| Flip { term, by: nearest_at_most(weighted, weight, self.natural[place]) })
        };
        Term::ALL.into_iter().filter(|term| term.tells_vehicles_apart()).filter_map(flip).collect()
    }
}

/// How far from `natural` the nearest amount is that `weight` per mille of it, rounded toward zero, is at most `weighted`.
fn nearest_at_most(weighted: i64, weight: i64, natural: i64) -> i64 {
    let (weighted, weight) = (i128::from(weighted), i128::from(weight));
    // Toward zero: what is above a bound of at least zero is rounded down to it, below zero nothing is.
    let bound = if weighted >= 0 { (weighted + 1) * 1000 - 1 } else { weighted * 1000 };
    let amount = if weight > 0 { bound.div_euclid(weight) } else { -(bound.div_euclid(-weight)) };
    (amount - i128::from(natural)) as i64
}

/// Every vehicle that was free or near the end of its plan when `ride` was matched on `state`, best first: those that
/// could serve it by cost, then those that could not.
pub fn nearest(desk: &mut Desk, state: &State, at: Millis, ride: RideId) -> Vec<Candidate> {
    let Some(ride) = state.rides().get(ride) else { return Vec::new() };
    let open = OpenRide::of(ride, at);
    let settings = state.settings();
    let times = desk.times(state.weights());
    let toward = times.toward(open.pickup);
    let candidate = |vehicle: &crate::state::Vehicle| {
        let ready = ready_ms(&times, at, vehicle);
        let eta_ms = ready + i64::from(toward.from(vehicle.start));
        let chained = vehicle.ahead.is_some();
        let beyond = (chained && ready > settings.policy.chain_horizon.0).then_some(RuledOut::Horizon);
        let ruled_out =
            rule_out(settings, at, &open, vehicle).or(beyond).or_else(|| rule_out_at(settings, at, vehicle, eta_ms));
        let pairing = Pairing { ride: &open, vehicle, eta_ms };
        let terms = terms(settings, desk.network(), at, pairing);
        let natural = Term::ALL.map(|term| natural(term, settings, desk.network(), at, pairing));
        Candidate { driver: vehicle.driver, eta_ms, chained, terms, natural, ruled_out }
    };
    let fleet = state.fleet();
    let mut candidates: Vec<Candidate> = fleet.free().iter().chain(fleet.ending()).map(candidate).collect();
    candidates.sort_by_key(|c| (c.ruled_out.is_some(), c.terms.total(), c.driver));
    candidates
}

/// One pairing of a ride in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Whose vehicle.
    pub driver: DriverId,
    /// Time until it would be at the pickup, ms.
    pub eta_ms: u32,
    /// What the pairing costs, by term.
    pub terms: Terms,
    /// By how much the pairing is dearer than what the duals of its two sides bear; 0 for every pair of the answer.
    pub reduced_cost: i64,
    /// What the batch would cost in all if this pair were forced.
    pub forced_total: i64,
}

/// A ride's part of a solved batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWhy {
    /// The driver it got, if any.
    pub chosen: Option<DriverId>,
    /// What leaving it open would have cost.
    pub unserved: i64,
    /// What the batch costs in all.
    pub total: i64,
    /// How many rides and vehicles the batch had.
    pub size: (usize, usize),
    /// Its pairings, cheapest first.
    pub alternatives: Vec<Alternative>,
}

/// Why the answer to `problem` gave `ride` the driver it did; `None`: the ride was not part of it.
pub fn batch(planner: &mut BatchPlanner, problem: &MatchingProblem, ride: RideId) -> Option<BatchWhy> {
    let Solved { matrix, solution, .. } = planner.solve(problem).ok()?;
    let row = matrix.rows.iter().position(|row| row.ride == ride)?;
    let mut alternatives = Vec::new();
    for choice in &matrix.rows[row].arcs {
        let column = matrix.drivers.binary_search(&choice.driver).ok()?;
        let reduced_cost = choice.terms.total() - solution.row_dual[row] + solution.col_dual[column];
        let forced_total = planner.forced_total(&matrix, row, choice.driver)?;
        alternatives.push(Alternative {
            driver: choice.driver,
            eta_ms: choice.eta_ms,
            terms: choice.terms,
            reduced_cost,
            forced_total,
        });
    }
    Some(BatchWhy {
        chosen: solution.row_to_col[row].map(|column| matrix.drivers[column as usize]),
        unserved: matrix.rows[row].unserved,
        total: solution.total,
        size: (matrix.rows.len(), matrix.drivers.len()),
        alternatives,
    })
}

/// Folds `turn` up to, and without, the offer of `ride` in it: the state on which that offer was decided.
pub fn fold_until_offer(state: &mut State, network: &hansom_geo_index::Network, turn: &Turn, ride: RideId) {
    for event in &turn.events {
        if matches!(event, Event::OfferMade(made) if made.ride == ride) {
            return;
        }
        crate::evolve::evolve(state, network, turn.at, event);
    }
}
