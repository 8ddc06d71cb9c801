//! Facts about the market as a whole: keys, money, matching, weights.

use super::driver::{remember, repool, set_chain, set_forget, set_silence};
use super::ride::set_timer;
use crate::domain::{DriverId, Key, Offset, RideId};
use crate::record::{Poison, Settlement, Upgrade};
use crate::state::{KeyEntry, State, Timer, TimerKind};
use hansom_geo_index::{Millis, Network, WeightsVersion};
use std::sync::Arc;

/// A century: what a log says of a longer outage is taken as this, so that no instant leaves its range.
const LONGEST_GAP_MS: u64 = 100 * 366 * 86_400_000;

pub fn keyed(state: &mut State, at: Millis, key: Key, fingerprint: u64, offset: Offset, ride: Option<RideId>) {
    let entry = KeyEntry { fingerprint, offset };
    if let Some(ride) = ride.and_then(|ride| state.rides.get_mut(ride)) {
        ride.keys.push(key);
        state.keys.insert(key, entry);
        return;
    }
    // A command that asks for a ride is taken in the turn of the ride's first event. All commands from outside have keys; the
    // ride of one without would take the key of a later command of the same instant, which nobody names it by.
    if let Some(ride) = state.rides.newest_mut().filter(|ride| ride.requested_at == at && ride.request.is_none()) {
        ride.request = Some(key);
    }
    state.keys.insert_creation(at, key, entry);
    if state.keys.expiry_due.is_none() {
        set_key_expiry(state, at);
    }
}

pub fn keys_expired(state: &mut State, at: Millis, before: Millis) {
    state.keys.expire_creation(before);
    set_key_expiry(state, at);
}

/// Sets the timer of the oldest creation key, or removes it when there is none.
fn set_key_expiry(state: &mut State, at: Millis) {
    let life = state.settings.creation_key_life;
    let due = state.keys.oldest_creation().map(|oldest| (oldest + life).max(at));
    replace_key_expiry(state, due);
}

fn replace_key_expiry(state: &mut State, due: Option<Millis>) {
    let timer = |due| Timer { due, kind: TimerKind::KeyExpiry, id: 0 };
    let old = std::mem::replace(&mut state.keys.expiry_due, due);
    state.timers.replace(old.map(timer), due.map(timer));
}

pub fn settled(state: &mut State, settlement: &Settlement) {
    state.ledger.post(settlement);
    if let Some(ride) = state.rides.get_mut(settlement.ride) {
        ride.settled = true;
    }
}

pub fn matching_scheduled(state: &mut State, due: Millis) {
    let timer = |due| Timer { due, kind: TimerKind::Matching, id: 0 };
    if let Some(old) = state.matching.due.replace(due) {
        state.timers.remove(timer(old));
    }
    state.timers.insert(timer(due));
}

pub fn matching_due(state: &mut State, basis: Offset, retry: Millis) {
    state.matching.asked = Some(basis);
    matching_scheduled(state, retry);
}

/// The planner answered: no question is open, and the next round is scheduled by an event of its own if rides wait.
pub fn proposal_taken(state: &mut State) {
    state.matching.asked = None;
    matching_idle(state);
}

/// Nothing is due to be matched.
pub fn matching_idle(state: &mut State) {
    if let Some(due) = state.matching.due.take() {
        state.timers.remove(Timer { due, kind: TimerKind::Matching, id: 0 });
    }
}

pub fn weights_activated(state: &mut State, at: Millis, version: WeightsVersion) {
    state.weights = version;
    let next = state.settings.hours.next_after(at).map(|(due, _)| due);
    set_weights_timer(state, next);
}

fn set_weights_timer(state: &mut State, due: Option<Millis>) {
    let old = state.timers.iter().find(|timer| timer.kind == TimerKind::Weights);
    state.timers.replace(old, due.map(|due| Timer { due, kind: TimerKind::Weights, id: 0 }));
}

/// A step could not be decided. A timer is put off, so that it neither fires again at once nor leaves its owner without
/// one; what was awaited of a ride is decided when it is reviewed.
pub fn poisoned(state: &mut State, at: Millis, step: Poison) {
    let Poison::Timer(timer) = step else { return };
    let later = |by: Millis| Millis(at.0.saturating_add(by.0));
    let review = later(state.settings.review);
    match timer.kind {
        TimerKind::Offer | TimerKind::NoShow | TimerKind::Slip | TimerKind::Review => {
            set_timer(state, RideId(timer.id), Some((TimerKind::Review, review)));
        }
        TimerKind::Silence => set_silence(state, DriverId(timer.id), Some(review)),
        TimerKind::Chain => set_chain(state, DriverId(timer.id), Some(review)),
        TimerKind::Weights => set_weights_timer(state, Some(review)),
        TimerKind::Matching => matching_scheduled(state, later(state.settings.planner_patience)),
        TimerKind::Retire => set_timer(state, RideId(timer.id), Some((TimerKind::Retire, review))),
        TimerKind::KeyExpiry => replace_key_expiry(state, Some(review)),
        TimerKind::Forget => set_forget(state, DriverId(timer.id), Some(review)),
    }
    state.timers.remove(timer);
}

/// The process was away: nobody could be heard, and nobody could be told.
///
/// What is awaited of a driver or rider who is bound to a ride, and the keys of ended rides, are put off by the whole
/// outage, so that nothing promised is taken back because of it. Offers and the patience of riders in line are extended
/// as [`resume_bound`](crate::Settings::resume_bound) says. A question to the planner is lost with the process: rides in
/// line are matched again at once.
pub fn resumed(state: &mut State, network: &Network, at: Millis, gap_ms: u64) {
    let gap = Millis(gap_ms.min(LONGEST_GAP_MS).cast_signed());
    let bound = state.settings.resume_bound;
    let patience = gap.min(bound);
    let rides: Vec<RideId> = state.rides.iter().map(|ride| ride.id).collect();
    for id in rides {
        let Some(ride) = state.rides.get_mut(id) else { continue };
        if ride.is_open() {
            ride.extended += patience;
            ride.promised = ride.promised.map(|promised| promised + gap);
        }
        let timer = ride.timer.map(|(kind, due)| {
            let by = match kind {
                TimerKind::Offer if gap > bound => Millis::ZERO,
                TimerKind::Review => patience,
                _ => gap,
            };
            (kind, due + by)
        });
        set_timer(state, id, timer);
    }
    // Who holds nothing is no candidate until he is heard: he may be gone.
    let bound: Vec<DriverId> =
        state.fleet.drivers().filter(|driver| !driver.plan.is_empty()).map(|driver| driver.id).collect();
    for id in bound {
        let Some(driver) = state.fleet.drivers.get_mut(id) else { continue };
        driver.heard += gap;
        let due = driver.silence_due.map(|due| due + gap);
        set_silence(state, id, due);
        repool(state, network, id);
    }
    if state.matching.asked.take().is_some() {
        matching_scheduled(state, at);
    }
}

/// Other rules or settings from here on.
pub fn upgraded(state: &mut State, network: &Network, at: Millis, upgrade: &Upgrade) {
    let forgets_otherwise = state.settings.driver_life != upgrade.settings.driver_life;
    state.logic_version = upgrade.logic_version;
    state.settings = Arc::new(upgrade.settings.clone());
    let version = state.settings.hours.at(at);
    weights_activated(state, at, version);
    set_key_expiry(state, at);
    let drivers: Vec<DriverId> = state.fleet.drivers().map(|driver| driver.id).collect();
    for driver in drivers {
        // Matching sees how long boarding and alighting take.
        repool(state, network, driver);
        if forgets_otherwise {
            remember(state, at, driver);
        }
    }
}
