//! Why a driver did not get a ride: the least change that would have given it to him.
//!
//! The change is of one pairing: that the vehicle is nearer, or that the pairing costs less. Either way the more it changes
//! the better the pairing does, so the least change is found by halving, and each step solves the whole question again.

use crate::assignment::NotOptimal;
use crate::decide::Desk;
use crate::domain::{DriverId, RideId, Settings, Term, Terms};
use crate::planner::batch::{BatchPlanner, Solved, Supposed};
use crate::planner::{MatchingProblem, OpenRide, RuledOut, rule_out, rule_out_at};
use crate::projection::why::{self, Candidate};
use crate::state::{State, Vehicle};
use hansom_geo_index::Millis;

/// What a driver lacked to get a ride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyNot {
    /// Who got it, if anybody did.
    pub chosen: Option<DriverId>,
    /// Time until his vehicle would have been at the pickup, ms.
    pub eta_ms: i64,
    /// What the pairing costs, by term.
    pub terms: Terms,
    /// What rules it out wherever the vehicle is: the changes below hold with that passed over.
    pub lifted: Option<RuledOut>,
    /// By how much nearer the vehicle would have had to be, ms; 0: that alone was in the way. `None`: not even a vehicle at
    /// the pickup would have got the ride.
    pub nearer_ms: Option<i64>,
    /// By how much less the pairing would have had to cost where the vehicle was; `None`: no price would have done it.
    pub cheaper: Option<i64>,
}

/// What `driver` lacked to get `ride` in the answer to `problem`; `None`: the ride or the driver is not part of it.
pub fn batch(
    planner: &mut BatchPlanner,
    problem: &MatchingProblem<'_>,
    ride: RideId,
    driver: DriverId,
) -> Result<Option<WhyNot>, NotOptimal> {
    let settings = problem.settings.clone();
    let mut vehicles = problem.free.iter().chain(problem.ending.iter());
    let (Some(open), Some(vehicle)) =
        (problem.rides.iter().find(|open| open.ride == ride), vehicles.find(|vehicle| vehicle.driver == driver))
    else {
        return Ok(None);
    };
    let (ready_ms, eta_ms) = planner.eta_ms(problem, open, vehicle);
    let terms = planner.terms(problem, open, vehicle, eta_ms);
    let solved = planner.solve(problem)?;
    let chosen = served(&solved, ride);
    let lifted = barred(&settings, problem.at, open, vehicle, ready_ms);
    let mut wins = |eta_ms: i64, cheaper: i64| -> Result<bool, NotOptimal> {
        let supposed = Supposed { ride, driver, eta_ms: saturated(eta_ms), cheaper, lifted: lifted.is_some() };
        Ok(served(&planner.solve_if(problem, Some(&supposed))?, ride) == Some(driver))
    };
    let nearer_ms = match settings.policy.weights.0[Term::Eta as usize] {
        // Nearer is dearer.
        ..0 => None,
        _ => least(eta_ms, |nearer| wins(eta_ms - nearer, 0))?,
    };
    let cheaper = least(2 * (Terms::BOUND - 1), |cheaper| wins(eta_ms, cheaper))?;
    Ok(Some(WhyNot { chosen, eta_ms, terms, lifted, nearer_ms, cheaper }))
}

/// The same where each ride gets the best driver of all at once: on the state at which the ride was matched.
pub fn nearest(desk: &mut Desk, state: &State, at: Millis, ride: RideId, driver: DriverId) -> Option<WhyNot> {
    let settings = state.settings();
    let open = OpenRide::of(state.rides().get(ride)?, at);
    let candidates = why::nearest(desk, state, at, ride);
    let own = candidates.iter().find(|candidate| candidate.driver == driver)?;
    let vehicles = state.fleet().free().iter().chain(state.fleet().ending());
    let vehicle = vehicles.into_iter().find(|vehicle| vehicle.driver == driver)?;
    // The best of those that may serve comes first.
    let may_serve = |candidate: &&Candidate| candidate.ruled_out.is_none();
    let chosen = candidates.iter().find(may_serve).map(|candidate| candidate.driver);
    let rival = candidates.iter().filter(may_serve).find(|candidate| candidate.driver != driver);
    let ready_ms = crate::planner::ready_ms(&desk.times(state.weights()), at, vehicle);
    let lifted = barred(settings, at, &open, vehicle, ready_ms);
    let wins = |eta_ms: i64, cheaper: i64| {
        let pairing = crate::planner::Pairing { ride: &open, vehicle, eta_ms };
        let cost = crate::planner::terms(settings, desk.network(), at, pairing).total() - cheaper;
        rule_out_at(settings, at, vehicle, eta_ms).is_none()
            && rival.is_none_or(|rival| (cost, driver) < (rival.terms.total(), rival.driver))
    };
    let sure = |found: Result<Option<i64>, std::convert::Infallible>| match found {
        Ok(found) => found,
    };
    let nearer_ms = match settings.policy.weights.0[Term::Eta as usize] {
        ..0 => None,
        _ => sure(least(own.eta_ms, |nearer| Ok(wins(own.eta_ms - nearer, 0)))),
    };
    let cheaper = sure(least(2 * (Terms::BOUND - 1), |cheaper| Ok(wins(own.eta_ms, cheaper))));
    Some(WhyNot { chosen, eta_ms: own.eta_ms, terms: own.terms, lifted, nearer_ms, cheaper })
}

/// What rules a pairing out wherever the vehicle is.
fn barred(settings: &Settings, at: Millis, ride: &OpenRide, vehicle: &Vehicle, ready_ms: i64) -> Option<RuledOut> {
    let beyond = vehicle.ahead.is_some() && ready_ms > settings.policy.chain_horizon.0;
    rule_out(settings, at, ride, vehicle).or(beyond.then_some(RuledOut::Horizon))
}

/// Whom a solved batch gives a ride.
fn served(solved: &Solved, ride: RideId) -> Option<DriverId> {
    let row = solved.matrix.rows.iter().position(|row| row.ride == ride)?;
    solved.solution.row_to_col[row].map(|column| solved.matrix.drivers[column as usize])
}

/// The least change of `0..=most` that does; `None`: none does. What a change does, a larger one does, too.
fn least<E>(most: i64, mut does: impl FnMut(i64) -> Result<bool, E>) -> Result<Option<i64>, E> {
    if does(0)? {
        return Ok(Some(0));
    }
    if !does(most)? {
        return Ok(None);
    }
    let (mut too_little, mut enough) = (0, most);
    while enough - too_little > 1 {
        let middle = too_little + (enough - too_little) / 2;
        if does(middle)? {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    Ok(Some(enough))
}

fn saturated(eta_ms: i64) -> u32 {
    u32::try_from(eta_ms).unwrap_or(u32::MAX)
}
