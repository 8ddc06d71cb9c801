//! A rider asks for a ride.

use super::{Desk, matching};
use crate::domain::Planner;
use crate::planner::{self, OpenRide};
use crate::record::{Event, RequestRefusal, RequestRide, RideRequested};
use crate::state::State;
use hansom_geo_index::{Millis, Position};

/// Where a request starts and ends on the streets, or why nobody can serve it, whoever is there.
fn places(desk: &mut Desk, state: &State, order: &RequestRide) -> Result<(Position, Position), RequestRefusal> {
    if order.seats == 0 {
        return Err(RequestRefusal::NoSeats);
    }
    let pickup = desk.snap(state, order.pickup).ok_or(RequestRefusal::PickupOffStreet)?;
    let dropoff = desk.snap(state, order.dropoff).ok_or(RequestRefusal::DropoffOffStreet)?;
    Ok((pickup, dropoff))
}

/// Why nobody can serve a request, whoever is there: it is refused, now as before.
pub fn refusal(desk: &mut Desk, state: &State, order: &RequestRide) -> Option<RequestRefusal> {
    places(desk, state, order).err()
}

pub fn decide(desk: &mut Desk, state: &State, at: Millis, order: &RequestRide, out: &mut Vec<Event>) {
    let ride = state.rides.next_id();
    let (pickup, dropoff) = match places(desk, state, order) {
        Ok(places) => places,
        Err(reason) => return out.push(Event::RequestRefused { ride, reason }),
    };
    let settings = &state.settings;
    let (direct_ms, direct_mm) = desk.way(state.weights, pickup, dropoff);
    let fare = settings.tariff.fare(direct_mm as i64, i64::from(direct_ms));
    let open = OpenRide {
        ride,
        requested_at: at,
        pickup,
        dropoff,
        fare,
        seats: order.seats,
        class: order.class,
        tier: order.tier,
        blocked: order.blocked.clone(),
        resting: Vec::new(),
    };
    let first_eta_ms = planner::first_eta(desk, state, at, &open);
    out.push(Event::RideRequested(Box::new(RideRequested {
        ride,
        rider: order.rider.clone(),
        pickup,
        dropoff,
        seats: order.seats,
        class: order.class,
        tier: order.tier,
        blocked: order.blocked.clone(),
        weights: state.weights,
        direct_ms,
        direct_mm: direct_mm as u32,
        fare,
        first_eta_ms,
        review_at: at + settings.review,
    })));
    match settings.policy.planner {
        // Those in line could not be served when they were looked at last, and every driver who becomes free makes the
        // line be looked at: to try the newcomer at once overtakes nobody who could have been served.
        Planner::Nearest => match planner::nearest::best(desk, state, at, &open, &[]) {
            Some(choice) => out.push(matching::offer(state, at, &open, &choice)),
            None => matching::schedule_retry(state, at, out),
        },
        Planner::Batch | Planner::External => matching::schedule_window(state, at, out),
    }
}
