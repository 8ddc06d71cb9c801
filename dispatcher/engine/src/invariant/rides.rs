//! 1, 2, 4, 5, 8, 14: rides, their drivers and the line.

use super::{Found, Invariant};
use crate::domain::{DriverId, Planner, RideId};
use crate::lifecycle::ride::Status;
use crate::record::Event;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// Its own account of which driver holds which ride, and of which rides are over, from events alone.
#[derive(Debug, Default)]
pub struct Rides {
    holder: BTreeMap<RideId, DriverId>,
    ended: BTreeSet<RideId>,
}

impl Rides {
    pub fn of(state: &State) -> Self {
        let holders = state.rides.iter().filter_map(|ride| Some((ride.id, ride.status.driver()?)));
        let ended = state.rides.iter().filter(|ride| matches!(ride.status, Status::Ended(_)));
        Self { holder: holders.collect(), ended: ended.map(|ride| ride.id).collect() }
    }

    pub fn check(&mut self, found: &mut Found<'_>, state: &State, event: &Event) {
        let (ride, _) = super::subjects(event);
        if let Some(ride) = ride
            && self.ended.contains(&ride)
            && !allowed_after_end(event)
        {
            found.broken(Invariant::Terminal, || format!("ride {ride} has ended, and yet: {event:?}"));
        }
        match event {
            Event::OfferAccepted { ride, driver, .. } => {
                if let Some(other) = self.holder.insert(*ride, *driver) {
                    found.broken(Invariant::OneDriver, || format!("ride {ride}: {driver} and {other} both hold it"));
                }
            }
            Event::RideReleased { ride, driver, .. } if self.holder.remove(ride) != Some(*driver) => {
                found
                    .broken(Invariant::OneDriver, || format!("ride {ride}: released by {driver}, who did not hold it"));
            }
            Event::DriverArrived { ride, driver, .. } | Event::RiderBoarded { ride, driver }
                if self.holder.get(ride) != Some(driver) =>
            {
                found.broken(Invariant::OneDriver, || format!("ride {ride}: served by {driver}, who does not hold it"));
            }
            Event::RideEnded { ride, .. } => {
                self.holder.remove(ride);
                self.ended.insert(*ride);
            }
            Event::RideRetired { ride } => {
                self.ended.remove(ride);
            }
            Event::OfferMade(made) => overtaken(found, state, made.ride),
            _ => {}
        }
    }
}

/// What may still be said of a ride that is over.
fn allowed_after_end(event: &Event) -> bool {
    matches!(
        event,
        Event::Settled(_)
            | Event::OfferWithdrawn { .. }
            | Event::RideRetired { .. }
            | Event::Keyed { .. }
            | Event::Poisoned { .. }
    )
}

/// 14: with `nearest`, a ride that waits is not passed over for a later one by a driver who could have served it. Seen
/// from outside: if every ride in line fits every driver, the earliest goes first within one turn.
fn overtaken(found: &mut Found<'_>, state: &State, ride: RideId) {
    if state.settings().policy.planner != Planner::Nearest {
        return;
    }
    let mut offers = found.turn.events.iter().filter_map(|event| match event {
        Event::OfferMade(made) => Some(made.ride),
        _ => None,
    });
    let earlier = offers.by_ref().take_while(|other| *other != ride).max();
    if earlier.is_some_and(|earlier| earlier > ride) {
        found.broken(Invariant::Line, || format!("ride {ride} was looked at after a later one"));
    }
}

pub fn check_ride(found: &mut Found<'_>, state: &State, id: RideId) {
    let Some(ride) = state.rides().get(id) else { return };
    let plans = |driver: DriverId| {
        state.fleet().get(driver).is_some_and(|driver| driver.plan.stops().iter().any(|stop| stop.ride == id))
    };
    match ride.status {
        Status::Searching | Status::Exhausted | Status::Offered(_) | Status::Waiting(_) => {
            let timer = ride.timer().filter(|timer| state.timers().contains(*timer));
            if timer.is_none() {
                found.broken(Invariant::Attended, || format!("ride {id} is {} and has no timer", ride.status.name()));
            }
        }
        Status::Assigned(_) | Status::OnBoard(_) | Status::Ended(_) => {}
    }
    if let Some(driver) = ride.status.driver()
        && !plans(driver)
    {
        found.broken(Invariant::Attended, || {
            format!("ride {id} is {}, but not in its driver's plan", ride.status.name())
        });
    }
    if (ride.status == Status::Searching) != state.line.contains(&id) {
        found.broken(Invariant::Line, || format!("ride {id} is {}, the line says otherwise", ride.status.name()));
    }
    if let Status::Ended(_) = ride.status
        && let Some(offer) = ride.offer
        && plans(offer.driver)
    {
        found.broken(Invariant::Terminal, || format!("ride {id} has ended, but is in a plan"));
    }
}

pub fn check_driver(found: &mut Found<'_>, state: &State, id: DriverId) {
    let Some(driver) = state.fleet().get(id) else { return };
    let seats_of = |ride: RideId| state.rides().get(ride).map_or(0, |ride| u32::from(ride.seats));
    let (mut held, mut aboard, mut seats_aboard) = (0, 0, 0);
    for id_of_ride in driver.plan.rides() {
        let ride = state.rides().get(id_of_ride);
        held += 1;
        if let Some(ride) = ride.filter(|ride| ride.status == Status::OnBoard(id)) {
            aboard += 1;
            seats_aboard += u32::from(ride.seats);
        }
        if ride.and_then(|ride| ride.status.driver()) != Some(id) {
            found.broken(Invariant::Commitments, || format!("driver {id}: ride {id_of_ride} of the plan is not his"));
        }
    }
    if driver.plan.peak_seats(seats_aboard, seats_of) > u32::from(driver.seats) {
        found.broken(Invariant::Seats, || format!("driver {id}: more seats promised than the vehicle has"));
    }
    // Solo and chained rides: one in hand, one pending at most, and never two aboard.
    if held > 2 || aboard > 1 {
        found.broken(Invariant::Commitments, || format!("driver {id} holds {held} rides at once"));
    }
    let offered = driver.offered.and_then(|ride| state.rides().get(ride));
    if offered.is_some_and(|ride| ride.status != Status::Offered(id)) {
        found.broken(Invariant::Commitments, || format!("driver {id} holds an offer that is not his"));
    }
}
