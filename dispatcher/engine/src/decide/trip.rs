//! The trip: arrival, boarding, end.

use super::{Desk, continue_plan, find_driver, find_ride, matching};
use crate::domain::{DriverId, RideId, StopKind};
use crate::lifecycle::ride::{Cue, Outcome, transition};
use crate::pricing;
use crate::record::{Event, Refusal, ReleaseCause};
use crate::state::{Driver, State};
use hansom_geo_index::{Coord, Millis, Position};

/// Whether the driver's next stop is this one.
fn is_next(driver: &Driver, ride: RideId, kind: StopKind) -> Result<(), Refusal> {
    match driver.plan.next() {
        Some(stop) if stop.ride == ride && stop.kind == kind => Ok(()),
        _ => Err(Refusal::OutOfTurn),
    }
}

pub fn arrive(
    state: &State,
    at: Millis,
    (id, ride_id): (DriverId, RideId),
    out: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let driver = find_driver(state, id)?;
    transition(find_ride(state, ride_id)?.status, Cue::Arrive(id))?;
    is_next(driver, ride_id, StopKind::Pickup)?;
    let until = at + state.settings.no_show_wait;
    out.push(Event::DriverArrived { ride: ride_id, driver: id, until });
    Ok(())
}

pub fn board(
    desk: &mut Desk,
    state: &State,
    (id, ride_id): (DriverId, RideId),
    out: &mut Vec<Event>,
) -> Result<(), Refusal> {
    find_driver(state, id)?;
    let ride = find_ride(state, ride_id)?;
    transition(ride.status, Cue::Board(id))?;
    out.push(Event::RiderBoarded { ride: ride_id, driver: id });
    out.push(desk.leg(state, id, ride.pickup, ride.dropoff));
    Ok(())
}

/// A trip that ends away from the destination is paid as quoted, but told apart.
pub fn end(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    (id, ride_id): (DriverId, RideId),
    place: Coord,
    out: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let driver = find_driver(state, id)?;
    let ride = find_ride(state, ride_id)?;
    transition(ride.status, Cue::Complete(id))?;
    is_next(driver, ride_id, StopKind::Dropoff)?;
    let projection = desk.network.projection();
    let away = projection.point(place).distance_mm(desk.network.point(ride.dropoff));
    let (outcome, place) = if away <= state.settings.arrival_mm as u64 {
        (Outcome::Completed, ride.dropoff)
    } else {
        // A place off all streets: the vehicle is where it was last seen on one.
        (Outcome::EndedEarly, desk.snap(state, place).unwrap_or(driver.anchor))
    };
    out.push(Event::RideEnded { ride: ride_id, outcome, driver: Some(id), place: Some(place) });
    out.push(pricing::fare(&state.settings.tariff, ride));
    go_on(desk, state, at, driver, ride_id, place, out);
    Ok(())
}

/// After a trip: to the pending ride, unless its pickup has slipped too far.
fn go_on(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    driver: &Driver,
    ended: RideId,
    place: Position,
    out: &mut Vec<Event>,
) {
    let pending = driver.plan.pending().next().and_then(|ride| state.rides.get(ride));
    if let Some(ride) = pending
        && let Some(promised) = ride.promised
    {
        let leg = desk.leg(state, driver.id, place, ride.pickup);
        if let Event::LegPlanned { eta_ms, .. } = leg
            && at + Millis(i64::from(eta_ms)) > promised + state.settings.policy.chain_slip
        {
            release(state, at, driver, ride.id, ReleaseCause::Slipped, out);
            if driver.session == crate::lifecycle::session::Status::Finishing {
                out.push(Event::ShiftEnded { driver: driver.id });
            }
            return;
        }
        out.push(leg);
        return;
    }
    continue_plan(desk, state, at, driver, ended, place, out);
}

/// Takes a driver off a ride before pickup; the ride goes back to its place in line.
pub fn release(state: &State, at: Millis, driver: &Driver, ride: RideId, cause: ReleaseCause, out: &mut Vec<Event>) {
    out.push(Event::RideReleased { ride, driver: driver.id, cause });
    matching::schedule_certainly(state, at, out);
}
