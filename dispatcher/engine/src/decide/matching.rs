//! When waiting rides are matched, and what becomes of a planner's answer.

use super::{Desk, Stamp};
use crate::domain::{Epoch, Planner};
use crate::lifecycle::ride::{Cue, transition};
use crate::planner::{self, Choice, OpenRide};
use crate::record::{Event, OfferMade, Poison, Proposal, Refusal};
use crate::state::{Driver, Ride, State, Timer, TimerKind};
use hansom_geo_index::Millis;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How often `nearest` looks again at rides that nobody could take, if no window says so; drivers move meanwhile.
const RETRY: Millis = Millis::from_secs(5);

/// Something changed for the better (a driver became free): rides in line are matched again.
pub fn schedule(state: &State, at: Millis, out: &mut Vec<Event>) {
    if !state.line.is_empty() {
        schedule_certainly(state, at, out);
    }
}

/// The same, when this turn has put a ride in line that the state does not show yet.
pub fn schedule_certainly(state: &State, at: Millis, out: &mut Vec<Event>) {
    match state.settings.policy.planner {
        // The line is looked at as soon as this turn is over.
        Planner::Nearest => schedule_by(state, at, out),
        Planner::Batch | Planner::External => schedule_window(state, at, out),
    }
}

/// A request came: it is matched when its window closes.
pub fn schedule_window(state: &State, at: Millis, out: &mut Vec<Event>) {
    schedule_by(state, at + state.settings.policy.batch_window, out);
}

/// Nobody could take a request: it is tried again.
pub fn schedule_retry(state: &State, at: Millis, out: &mut Vec<Event>) {
    schedule_by(state, at + retry(state), out);
}

/// Matching is due at `due` at the latest.
fn schedule_by(state: &State, due: Millis, out: &mut Vec<Event>) {
    if state.matching.asked.is_some() {
        // One problem in flight: what is due meanwhile joins the next round, which the answer schedules.
        return;
    }
    let scheduled = out.iter().rev().find_map(|event| match event {
        Event::MatchingScheduled { due } => Some(*due),
        _ => None,
    });
    if scheduled.or(state.matching.due).is_none_or(|earlier| earlier > due) {
        out.push(Event::MatchingScheduled { due });
    }
}

fn retry(state: &State) -> Millis {
    let window = state.settings.policy.batch_window;
    if window > Millis::ZERO { window } else { RETRY }
}

/// Matching is due: `nearest` answers at once, `batch` asks the planner.
pub fn due(desk: &mut Desk, state: &State, stamp: Stamp, out: &mut Vec<Event>) {
    if state.line.is_empty() {
        out.push(Event::MatchingIdle);
        return;
    }
    match state.settings.policy.planner {
        Planner::Nearest => line_by_line(desk, state, stamp.at, out),
        Planner::Batch | Planner::External => {
            let retry = stamp.at + retry(state) + state.settings.planner_patience;
            out.push(Event::MatchingDue { basis: stamp.offset, retry });
        }
    }
}

/// First come, first served: each ride in line gets its best driver of those left. A ride on which the rules fail waits, and
/// holds up nobody else.
fn line_by_line(desk: &mut Desk, state: &State, at: Millis, out: &mut Vec<Event>) {
    let mut taken = std::mem::take(&mut desk.scratch.taken);
    taken.clear();
    let vehicles = state.fleet.free().len() + state.fleet.ending().len();
    let mut waiting = 0;
    for id in &state.line {
        if taken.len() == vehicles {
            waiting += 1;
            break;
        }
        let Some(ride) = state.rides.get(*id) else { continue };
        let open = OpenRide::of(ride, at);
        let found = catch_unwind(AssertUnwindSafe(|| planner::nearest::best(desk, state, at, &open, &taken)));
        let found = found.unwrap_or_else(|_| {
            desk.clear();
            out.push(Event::Poisoned { step: Poison::Timer(Timer { due: at, kind: TimerKind::Matching, id: id.0 }) });
            None
        });
        match found {
            Some(choice) => {
                let place = taken.partition_point(|driver| *driver < choice.driver);
                taken.insert(place, choice.driver);
                out.push(offer(state, at, &open, &choice));
            }
            None => waiting += 1,
        }
    }
    desk.scratch.taken = taken;
    out.push(if waiting == 0 { Event::MatchingIdle } else { Event::MatchingScheduled { due: at + retry(state) } });
}

/// The offer of a ride to a driver.
pub fn offer(state: &State, at: Millis, ride: &OpenRide, choice: &Choice) -> Event {
    let epoch = state.rides.get(ride.ride).map_or(Epoch(1), Ride::next_epoch);
    Event::OfferMade(Box::new(OfferMade {
        ride: ride.ride,
        driver: choice.driver,
        epoch,
        deadline: at + state.settings.offer_life,
        pickup_eta_ms: choice.eta_ms,
        chained: choice.chained,
        weights: state.weights,
        terms: choice.terms,
    }))
}

/// A planner's answer: changes that still hold are applied, the others counted.
pub fn propose(state: &State, at: Millis, proposal: &Proposal, out: &mut Vec<Event>) -> Result<(), Refusal> {
    if state.matching.asked != Some(proposal.basis) {
        return Err(Refusal::StaleProposal);
    }
    let taken = out.len();
    let (mut applied, mut stale) = (0, 0);
    out.push(Event::ProposalTaken { basis: proposal.basis, applied, stale });
    let mut seen = BTreeSet::new();
    for change in &proposal.changes {
        let (ride, driver) = (state.rides.get(change.ride), state.fleet.get(change.driver));
        match (ride, driver) {
            (Some(ride), Some(driver)) if holds(ride, driver) && seen.insert((None, Some(driver.id))) => {
                let terms = change.terms;
                let (eta_ms, chained) = (change.pickup_eta_ms, driver.is_ending());
                let choice = Choice { driver: driver.id, eta_ms, chained, terms };
                if seen.insert((Some(ride.id), None)) {
                    out.push(offer(state, at, &OpenRide::of(ride, at), &choice));
                    applied += 1;
                } else {
                    stale += 1;
                }
            }
            _ => stale += 1,
        }
    }
    out[taken] = Event::ProposalTaken { basis: proposal.basis, applied, stale };
    if state.line.len() > applied as usize {
        out.push(Event::MatchingScheduled { due: at + state.settings.policy.batch_window });
    }
    Ok(())
}

fn holds(ride: &Ride, driver: &Driver) -> bool {
    transition(ride.status, Cue::Offer(driver.id)).is_ok() && (driver.is_available() || driver.is_ending())
}
