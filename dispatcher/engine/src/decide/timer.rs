//! Deadlines that passed. Each answers with an event that removes or re-arms its timer.

use super::{Desk, Stamp, cancel, matching, offer, trip};
use crate::domain::{DriverId, RideId};
use crate::lifecycle::ride::{Outcome, Status};
use crate::lifecycle::session;
use crate::planner;
use crate::record::{Event, ReleaseCause};
use crate::state::{Comms, Driver, Ride, State, Timer, TimerKind};
use hansom_geo_index::Millis;

pub fn decide(desk: &mut Desk, state: &State, stamp: Stamp, timer: Timer, out: &mut Vec<Event>) {
    let at = stamp.at;
    let ride = || state.rides.get(RideId(timer.id));
    let driver = || state.fleet.get(DriverId(timer.id));
    match timer.kind {
        TimerKind::Weights => {
            out.push(Event::WeightsActivated { version: state.settings.hours.at(timer.due) });
        }
        TimerKind::Offer => {
            if let Some(ride) = ride() {
                offer::expire(state, at, ride, out);
            }
        }
        TimerKind::Silence => {
            if let Some(driver) = driver() {
                silence(state, at, driver, timer.due, out);
            }
        }
        TimerKind::NoShow => {
            if let Some(ride) = ride() {
                cancel::end_without_trip(desk, state, at, ride, Outcome::NoShow, out);
            }
        }
        TimerKind::Slip => {
            if let Some(ride) = ride() {
                slip(state, at, ride, out);
            }
        }
        TimerKind::Review => {
            if let Some(ride) = ride() {
                review(desk, state, at, ride, out);
            }
        }
        TimerKind::Chain => {
            if let Some(driver) = driver() {
                chain(desk, state, at, driver, out);
            }
        }
        TimerKind::Matching => matching::due(desk, state, stamp, out),
        TimerKind::Retire => out.push(Event::RideRetired { ride: RideId(timer.id) }),
        TimerKind::KeyExpiry => {
            // Strictly older than the life: what was taken at this very instant's mirror goes too.
            let before = timer.due - state.settings.creation_key_life + Millis(1);
            out.push(Event::KeysExpired { before });
        }
        TimerKind::Forget => {
            if let Some(driver) = driver() {
                out.push(forget(state, at, driver, timer.due));
            }
        }
    }
}

/// Whether a driver is still to be remembered. Who is off shift for long is forgotten; who is on shift, holds nothing and
/// was not heard for as long is taken off it first, so that it is told.
fn forget(state: &State, at: Millis, driver: &Driver, due: Millis) -> Event {
    let life = state.settings.driver_life;
    let heard_until = driver.heard + life;
    if driver.session == session::Status::Off {
        Event::DriverForgotten { driver: driver.id }
    } else if !driver.plan.is_empty() || driver.offered.is_some() {
        Event::DriverKept { driver: driver.id, until: at + life }
    } else if heard_until > due {
        Event::DriverKept { driver: driver.id, until: heard_until }
    } else {
        Event::ShiftEnded { driver: driver.id }
    }
}

/// A committed driver may have fallen silent: first a warning, then rides not on board are released. A trip is never
/// ended by silence.
fn silence(state: &State, at: Millis, driver: &Driver, due: Millis, out: &mut Vec<Event>) {
    let settings = &state.settings;
    let warn_at = driver.heard + settings.silence_warn;
    match driver.comms {
        Comms::Live if warn_at > due => out.push(Event::SilenceRearmed { driver: driver.id, until: warn_at }),
        Comms::Live => {
            // Who was silent before he was committed still has the whole time between warning and release to answer.
            let grace = (settings.silence_redispatch - settings.silence_warn).max(Millis(1));
            let until = (driver.heard + settings.silence_redispatch).max(due + grace);
            out.push(Event::DriverWarned { driver: driver.id, until });
        }
        Comms::Warned | Comms::Dark => {
            out.push(Event::DriverDark { driver: driver.id });
            let aboard = driver.on_board();
            for ride in driver.plan.pending() {
                trip::release(state, at, driver, ride, ReleaseCause::Silent, out);
            }
            if aboard.is_none() && driver.session == session::Status::Finishing {
                out.push(Event::ShiftEnded { driver: driver.id });
            }
        }
    }
}

/// The ride before a chained one has not ended in time: the chained one goes back in line.
fn slip(state: &State, at: Millis, ride: &Ride, out: &mut Vec<Event>) {
    let Some(driver) = ride.status.driver().and_then(|driver| state.fleet.get(driver)) else { return };
    if driver.plan.next().is_some_and(|stop| stop.ride == ride.id) {
        // He is on his way to it: the promise is late, but nothing better would come sooner.
        out.push(Event::SlipPassed { ride: ride.id });
    } else {
        trip::release(state, at, driver, ride.id, ReleaseCause::Slipped, out);
    }
}

/// A ride is looked at again: it waits, or its deadline could not be decided when it was due and is tried now.
fn review(desk: &mut Desk, state: &State, at: Millis, ride: &Ride, out: &mut Vec<Event>) {
    match ride.status {
        Status::Exhausted if at - ride.requested_at >= state.settings.give_up + ride.extended => {
            cancel::end_without_trip(desk, state, at, ride, Outcome::NoDriver, out);
        }
        Status::Offered(_) => offer::expire(state, at, ride, out),
        Status::Assigned(_) => slip(state, at, ride, out),
        Status::Waiting(_) => cancel::end_without_trip(desk, state, at, ride, Outcome::NoShow, out),
        Status::Searching | Status::Exhausted | Status::OnBoard(_) | Status::Ended(_) => {
            out.push(Event::RideReviewed { ride: ride.id, until: at + state.settings.review });
        }
    }
}

/// Whether a driver is near enough to the end of his plan to be given the next ride.
fn chain(desk: &mut Desk, state: &State, at: Millis, driver: &Driver, out: &mut Vec<Event>) {
    let times = desk.times(state.weights);
    let vehicle = driver.vehicle((state.settings.boarding.0, state.settings.alighting.0));
    let over = planner::ready_ms(&times, at, &vehicle) - state.settings.policy.chain_horizon.0;
    if over <= 0 {
        out.push(Event::DriverChainable { driver: driver.id });
        matching::schedule(state, at, out);
    } else {
        out.push(Event::ChainDeferred { driver: driver.id, until: at + Millis(over) });
    }
}
