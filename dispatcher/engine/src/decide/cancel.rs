//! Riders and drivers cancel.

use super::{Desk, continue_plan, find_driver, find_ride, offer, trip};
use crate::domain::{DriverId, RideId};
use crate::lifecycle::ride::{Cue, Outcome, Status, transition};
use crate::pricing;
use crate::record::{Event, Refusal, ReleaseCause};
use crate::state::{Driver, Ride, State};
use hansom_geo_index::Millis;

/// The rider cancels: free before the match, for a fee after it.
pub fn by_rider(desk: &mut Desk, state: &State, at: Millis, id: RideId, out: &mut Vec<Event>) -> Result<(), Refusal> {
    let ride = find_ride(state, id)?;
    let Status::Ended(outcome) = transition(ride.status, Cue::Cancel)? else { return Ok(()) };
    end_without_trip(desk, state, at, ride, outcome, out);
    Ok(())
}

/// Ends a ride whose rider was not picked up: takes offers back, settles fees, sends the driver on.
pub fn end_without_trip(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    ride: &Ride,
    outcome: Outcome,
    out: &mut Vec<Event>,
) {
    let driver = ride.status.driver();
    out.push(Event::RideEnded { ride: ride.id, outcome, driver, place: None });
    offer::withdraw(ride, out);
    out.extend(pricing::fee(&state.settings.tariff, ride, outcome));
    if let Some(driver) = driver.and_then(|driver| state.fleet.get(driver)) {
        leave(desk, state, at, driver, ride.id, out);
    }
}

/// The driver gives the ride back before pickup.
pub fn by_driver(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    (id, ride_id): (DriverId, RideId),
    out: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let driver = find_driver(state, id)?;
    transition(find_ride(state, ride_id)?.status, Cue::Release(id))?;
    trip::release(state, at, driver, ride_id, ReleaseCause::DriverCancelled, out);
    leave(desk, state, at, driver, ride_id, out);
    Ok(())
}

/// A ride that is not on board left the driver's plan: if it was his next stop, he goes on from where he is.
pub fn leave(desk: &mut Desk, state: &State, at: Millis, driver: &Driver, ride: RideId, out: &mut Vec<Event>) {
    if driver.on_board().is_none() {
        continue_plan(desk, state, at, driver, ride, driver.anchor, out);
    }
}
