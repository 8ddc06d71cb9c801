//! Facts about the market as a whole: keys, money, matching, weights.

use crate::domain::{Key, Offset, RideId};
use crate::record::Settlement;
use crate::state::{KeyEntry, State, Timer, TimerKind};
use hansom_geo_index::{Millis, WeightsVersion};

pub fn keyed(state: &mut State, at: Millis, key: Key, fingerprint: u64, offset: Offset, ride: Option<RideId>) {
    let entry = KeyEntry { fingerprint, offset };
    if let Some(ride) = ride.and_then(|ride| state.rides.get_mut(ride)) {
        ride.keys.push(key);
        state.keys.insert(key, entry);
        return;
    }
    if state.keys.oldest_creation().is_none() {
        let due = at + state.settings.creation_key_life;
        state.timers.insert(Timer { due, kind: TimerKind::KeyExpiry, id: 0 });
    }
    state.keys.insert_creation(at, key, entry);
}

pub fn keys_expired(state: &mut State, before: Millis) {
    let life = state.settings.creation_key_life;
    if let Some(oldest) = state.keys.oldest_creation() {
        state.timers.remove(Timer { due: oldest + life, kind: TimerKind::KeyExpiry, id: 0 });
    }
    state.keys.expire_creation(before);
    if let Some(oldest) = state.keys.oldest_creation() {
        state.timers.insert(Timer { due: oldest + life, kind: TimerKind::KeyExpiry, id: 0 });
    }
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
    let old = state.timers.iter().find(|timer| timer.kind == TimerKind::Weights);
    if let Some(old) = old {
        state.timers.remove(old);
    }
    if let Some((due, _)) = state.settings.hours.next_after(at) {
        state.timers.insert(Timer { due, kind: TimerKind::Weights, id: 0 });
    }
}
