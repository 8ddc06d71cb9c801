//! A driver answers an offer.

use super::{Desk, find_driver, find_ride, matching};
use crate::domain::{DriverId, Epoch, RideId, StopKind};
use crate::lifecycle::offer::{self, Cue};
use crate::lifecycle::ride;
use crate::planner;
use crate::record::{Event, Refusal};
use crate::state::{Ride, State};
use hansom_geo_index::Millis;
use hansom_geo_index::route::TravelTimes;

type Answer = (DriverId, RideId, Epoch);

/// Takes the driver's answer as far as the offer's life allows it.
fn answer(state: &State, (driver, ride, _): Answer, cue: Cue) -> Result<&Ride, Refusal> {
    find_driver(state, driver)?;
    let ride = find_ride(state, ride)?;
    match ride.offer {
        Some(last) if last.driver == driver => {
            offer::transition(last.status, cue)?;
            Ok(ride)
        }
        _ => Err(ride::Refusal::NotOffered.into()),
    }
}

pub fn accept(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    answered: Answer,
    out: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let (id, ride_id, epoch) = answered;
    let ride = answer(state, answered, Cue::Accept(epoch))?;
    ride::transition(ride.status, ride::Cue::Accept(id))?;
    let driver = find_driver(state, id)?;

    let times = desk.times(state.weights);
    let Some(last) = driver.plan.last() else {
        let leg = desk.leg(state, id, driver.anchor, ride.pickup);
        let eta_ms = times.time(driver.anchor, ride.pickup);
        let promised = at + Millis(i64::from(eta_ms));
        out.push(Event::OfferAccepted { ride: ride_id, driver: id, epoch, promised, slip_at: None });
        out.push(leg);
        return Ok(());
    };
    debug_assert_eq!(last.kind, StopKind::Dropoff, "a plan ends with a dropoff");
    let service_ms = (state.settings.boarding.0, state.settings.alighting.0);
    let vehicle = driver.vehicle(service_ms);
    let ready_ms = planner::ready_ms(&times, at, &vehicle);
    let deadhead_ms = i64::from(times.time(last.place, ride.pickup));
    let promised = at + Millis(ready_ms + deadhead_ms);
    let slip_at = Some((promised + state.settings.policy.chain_slip - Millis(deadhead_ms)).max(at));
    out.push(Event::OfferAccepted { ride: ride_id, driver: id, epoch, promised, slip_at });
    Ok(())
}

pub fn decline(state: &State, at: Millis, answered: Answer, out: &mut Vec<Event>) -> Result<(), Refusal> {
    let (driver, id, epoch) = answered;
    let ride = answer(state, answered, Cue::Decline(epoch))?;
    out.push(Event::OfferDeclined { ride: id, driver, epoch });
    lost(state, at, ride, out);
    Ok(())
}

/// Nobody answered in time.
pub fn expire(state: &State, at: Millis, ride: &Ride, out: &mut Vec<Event>) {
    if let Some(last) = ride.offer {
        out.push(Event::OfferExpired { ride: ride.id, driver: last.driver, epoch: last.epoch });
    }
    lost(state, at, ride, out);
}

/// Takes the ride's offer back, if one is open.
pub fn withdraw(ride: &Ride, out: &mut Vec<Event>) {
    if let Some(last) = ride.offer
        && offer::transition(last.status, Cue::Withdraw).is_ok()
    {
        out.push(Event::OfferWithdrawn { ride: ride.id, driver: last.driver, epoch: last.epoch });
    }
}

/// A failed offer: the last one, or the ride is matched again.
fn lost(state: &State, at: Millis, ride: &Ride, out: &mut Vec<Event>) {
    if ride.failed_offers + 1 >= state.settings.max_offers {
        out.push(Event::RideExhausted { ride: ride.id });
        matching::schedule(state, at, out);
    } else {
        matching::schedule_certainly(state, at, out);
    }
}
