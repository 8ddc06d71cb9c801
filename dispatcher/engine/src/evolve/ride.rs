//! Facts about rides, and what they mean for the driver of the ride.

use super::driver::{repool, set_chain, set_silence};
use crate::domain::{DriverId, RideId, StopKind};
use crate::lifecycle::ride::{Cue, Outcome, Status, transition};
use crate::lifecycle::{offer, session};
use crate::record::{OfferMade, ReleaseCause, RideRequested};
use crate::state::{Comms, Offer, Ride, State, Timer, TimerKind};
use hansom_geo_index::{Millis, Network, Position};

pub fn requested(state: &mut State, at: Millis, e: &RideRequested) {
    let ride = Ride {
        id: e.ride,
        rider: e.rider.clone(),
        status: Status::Searching,
        requested_at: at,
        pickup: e.pickup,
        dropoff: e.dropoff,
        seats: e.seats,
        class: e.class,
        tier: e.tier,
        blocked: e.blocked.clone(),
        direct_ms: e.direct_ms,
        fare: e.fare,
        offer: None,
        failed_offers: 0,
        resting: Vec::new(),
        promised: None,
        settled: false,
        extended: Millis::ZERO,
        timer: None,
        keys: Vec::new(),
        request: None,
    };
    state.rides.push(Some(ride));
    state.line.insert(e.ride);
    set_timer(state, e.ride, Some((TimerKind::Review, e.review_at)));
}

pub fn offered(state: &mut State, network: &Network, e: &OfferMade) {
    let Some(ride) = state.rides.get_mut(e.ride) else { return };
    advance(ride, Cue::Offer(e.driver));
    ride.offer = Some(Offer {
        driver: e.driver,
        status: offer::Status::Open { epoch: e.epoch },
        epoch: e.epoch,
        chained: e.chained,
        terms: e.terms,
    });
    state.line.remove(&e.ride);
    set_timer(state, e.ride, Some((TimerKind::Offer, e.deadline)));
    if let Some(driver) = state.fleet.drivers.get_mut(e.driver) {
        driver.offered = Some(e.ride);
        driver.offers += 1;
    }
    repool(state, network, e.driver);
}

pub fn accepted(
    state: &mut State,
    network: &Network,
    at: Millis,
    (id, driver_id): (RideId, DriverId),
    promised: Millis,
    slip_at: Option<Millis>,
) {
    let Some(ride) = state.rides.get_mut(id) else { return };
    let epoch = ride.offer.map(|offer| offer.epoch).unwrap_or_default();
    settle_offer(ride, offer::Cue::Accept(epoch));
    advance(ride, Cue::Accept(driver_id));
    ride.promised = Some(promised);
    let (pickup, dropoff, direct_ms) = (ride.pickup, ride.dropoff, i64::from(ride.direct_ms));
    set_timer(state, id, slip_at.map(|due| (TimerKind::Slip, due)));

    let settings = state.settings.clone();
    let Some(driver) = state.fleet.drivers.get_mut(driver_id) else { return };
    driver.offered = None;
    driver.chainable = false;
    let first = driver.plan.is_empty();
    driver.plan.append(id, pickup, dropoff);
    if first {
        // Who answers is there: a warning was about an earlier ride.
        driver.comms = Comms::Live;
        let heard = driver.heard;
        set_silence(state, driver_id, Some((heard + settings.silence_warn).max(at)));
        if settings.policy.chain_horizon > Millis::ZERO {
            let free_at = promised + settings.boarding + Millis(direct_ms) + settings.alighting;
            set_chain(state, driver_id, Some((free_at - settings.policy.chain_horizon).max(at)));
        }
    }
    repool(state, network, driver_id);
}

pub fn offer_lost(
    state: &mut State,
    network: &Network,
    at: Millis,
    (id, driver_id): (RideId, DriverId),
    outcome: offer::Outcome,
) {
    let failed = outcome != offer::Outcome::Withdrawn;
    let settings = state.settings.clone();
    if let Some(ride) = state.rides.get_mut(id) {
        let epoch = ride.offer.map(|offer| offer.epoch).unwrap_or_default();
        settle_offer(
            ride,
            match outcome {
                offer::Outcome::Accepted => offer::Cue::Accept(epoch),
                offer::Outcome::Declined => offer::Cue::Decline(epoch),
                offer::Outcome::Expired => offer::Cue::Expire,
                offer::Outcome::Withdrawn => offer::Cue::Withdraw,
            },
        );
        if failed {
            ride.failed_offers += 1;
            ride.resting.retain(|(_, until)| *until > at);
            ride.resting.push((driver_id, at + settings.decline_rest));
        }
        // The offer of a ride that its rider cancelled is withdrawn after the ride ended: nothing goes back in line.
        if ride.is_open() {
            advance(ride, Cue::LoseOffer);
            back_in_line(state, at, id);
        }
    }
    if let Some(driver) = state.fleet.drivers.get_mut(driver_id) {
        driver.offered = None;
        driver.failed_offers += u32::from(failed);
    }
    repool(state, network, driver_id);
}

pub fn exhausted(state: &mut State, id: RideId) {
    // The lost offer has put the ride back in line; it gets no further one.
    if let Some(ride) = state.rides.get_mut(id) {
        advance(ride, Cue::Exhaust);
    }
    state.line.remove(&id);
}

pub fn reviewed(state: &mut State, id: RideId, until: Millis) {
    set_timer(state, id, Some((TimerKind::Review, until)));
}

pub fn slip_passed(state: &mut State, id: RideId) {
    set_timer(state, id, None);
}

pub fn arrived(state: &mut State, at: Millis, (id, driver): (RideId, DriverId), until: Millis) {
    let Some(ride) = state.rides.get_mut(id) else { return };
    advance(ride, Cue::Arrive(driver));
    let pickup = ride.pickup;
    set_timer(state, id, Some((TimerKind::NoShow, until)));
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.anchor = pickup;
        driver.anchor_at = at;
    }
}

pub fn boarded(state: &mut State, network: &Network, at: Millis, (id, driver_id): (RideId, DriverId)) {
    let Some(ride) = state.rides.get_mut(id) else { return };
    advance(ride, Cue::Board(driver_id));
    let (pickup, direct) = (ride.pickup, Millis(i64::from(ride.direct_ms)) + state.settings.alighting);
    set_timer(state, id, None);
    if let Some(driver) = state.fleet.drivers.get_mut(driver_id) {
        driver.plan.serve(id, StopKind::Pickup);
        driver.anchor = pickup;
        driver.anchor_at = at;
        // A ride that was chained is now the one whose end is looked at, unless another one is chained to it already.
        let horizon = state.settings.policy.chain_horizon;
        let is_last = driver.plan.pending().next().is_none();
        if horizon > Millis::ZERO && is_last && driver.chain_due.is_none() && !driver.chainable {
            let due = at + direct - horizon;
            set_chain(state, driver_id, Some(due.max(at)));
        }
    }
    repool(state, network, driver_id);
}

pub fn released(
    state: &mut State,
    network: &Network,
    at: Millis,
    (id, driver_id): (RideId, DriverId),
    cause: ReleaseCause,
) {
    if let Some(ride) = state.rides.get_mut(id) {
        advance(ride, Cue::Release(driver_id));
        ride.promised = None;
        let rest = at + state.settings.decline_rest;
        ride.resting.push((driver_id, rest));
        back_in_line(state, at, id);
    }
    if let Some(driver) = state.fleet.drivers.get_mut(driver_id) {
        driver.cancels += u32::from(cause == ReleaseCause::DriverCancelled);
    }
    leave_plan(state, network, id, driver_id);
}

pub fn ended(
    state: &mut State,
    network: &Network,
    at: Millis,
    id: RideId,
    outcome: Outcome,
    driver_id: Option<DriverId>,
    place: Option<Position>,
) {
    let life = state.settings.ride_key_life;
    if let Some(ride) = state.rides.get_mut(id) {
        let cue = match (outcome, driver_id) {
            (Outcome::Completed, Some(driver)) => Cue::Complete(driver),
            (Outcome::EndedEarly, Some(driver)) => Cue::EndEarly(driver),
            (Outcome::NoShow, Some(driver)) => Cue::NoShow(driver),
            (Outcome::NoDriver, _) => Cue::GiveUp,
            _ => Cue::Cancel,
        };
        advance(ride, cue);
        set_timer(state, id, Some((TimerKind::Retire, at + life)));
    }
    state.line.remove(&id);
    let Some(driver_id) = driver_id else { return };
    if let Some(driver) = state.fleet.drivers.get_mut(driver_id)
        && let Some(place) = place
    {
        driver.anchor = place;
        driver.anchor_at = at;
    }
    leave_plan(state, network, id, driver_id);
}

pub fn retired(state: &mut State, id: RideId) {
    set_timer(state, id, None);
    if let Some(ride) = state.rides.take(id) {
        for key in ride.keys {
            state.keys.remove(key);
        }
    }
}

/// Takes a ride out of its driver's plan; a driver without a plan has no way, no silence and no end to look at.
fn leave_plan(state: &mut State, network: &Network, id: RideId, driver_id: DriverId) {
    let Some(driver) = state.fleet.drivers.get_mut(driver_id) else { return };
    driver.plan.remove(id);
    if driver.plan.is_empty() {
        driver.leg = None;
        driver.chainable = false;
        set_silence(state, driver_id, None);
        set_chain(state, driver_id, None);
    } else if driver.session == session::Status::On
        && driver.plan.pending().next().is_none()
        && state.settings.policy.chain_horizon > Millis::ZERO
    {
        // The pending ride is gone: the driver may be given another one.
        driver.chainable = true;
    }
    repool(state, network, driver_id);
}

fn back_in_line(state: &mut State, at: Millis, id: RideId) {
    state.line.insert(id);
    let due = at + state.settings.review;
    set_timer(state, id, Some((TimerKind::Review, due)));
}

pub fn set_timer(state: &mut State, id: RideId, timer: Option<(TimerKind, Millis)>) {
    let Some(ride) = state.rides.get_mut(id) else { return };
    let as_timer = |(kind, due)| Timer { due, kind, id: id.0 };
    let old = std::mem::replace(&mut ride.timer, timer);
    state.timers.replace(old.map(as_timer), timer.map(as_timer));
}

fn advance(ride: &mut Ride, cue: Cue) {
    if let Ok(next) = transition(ride.status, cue) {
        ride.status = next;
    }
}

fn settle_offer(ride: &mut Ride, cue: offer::Cue) {
    if let Some(offer) = &mut ride.offer
        && let Ok(next) = offer::transition(offer.status, cue)
    {
        offer.status = next;
    }
}
