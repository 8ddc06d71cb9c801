//! 3: each acknowledged command takes effect exactly once.

use super::{Found, Invariant};
use crate::domain::{Key, Offset};
use crate::record::{Command, Event};
use crate::state::State;
use hansom_geo_index::Millis;
use std::collections::{BTreeMap, VecDeque};

/// Its own account of keys, forgotten when the market may forget them.
#[derive(Debug, Default)]
pub struct Once {
    taken: BTreeMap<Key, Offset>,
    /// Keys that live for a day, oldest first.
    creation: VecDeque<(Millis, Key)>,
    by_ride: BTreeMap<crate::domain::RideId, Vec<Key>>,
}

impl Once {
    pub fn of(state: &State) -> Self {
        Self {
            taken: state.keys.iter().map(|(key, entry)| (key, entry.offset)).collect(),
            creation: state.keys.creation().collect(),
            by_ride: state.rides.iter().map(|ride| (ride.id, ride.keys.clone())).collect(),
        }
    }

    pub fn check(&mut self, found: &mut Found<'_>, event: &Event) {
        match event {
            Event::Keyed { key, offset, ride, .. } => {
                if found.turn.key != Some(*key) || *offset != found.turn.offset {
                    found.broken(Invariant::Once, || format!("key {key} was noted for another turn"));
                }
                if let Some(first) = self.taken.insert(*key, *offset) {
                    found.broken(Invariant::Once, || format!("key {key} took effect at {first} and again"));
                }
                match ride {
                    Some(ride) => self.by_ride.entry(*ride).or_default().push(*key),
                    None => self.creation.push_back((found.turn.at, *key)),
                }
            }
            Event::Repeated { first } => {
                let known = found.turn.key.and_then(|key| self.taken.get(&key));
                if known != Some(first) {
                    found.broken(Invariant::Once, || format!("a repeat names {first}, which did not take the key"));
                }
                if found.turn.events.iter().any(|event| changes_by_command(&found.turn.command, event)) {
                    found.broken(Invariant::Once, || "a repeated command took effect".into());
                }
            }
            Event::RideRetired { ride } => {
                for key in self.by_ride.remove(ride).unwrap_or_default() {
                    self.taken.remove(&key);
                }
            }
            Event::KeysExpired { before } => {
                while self.creation.front().is_some_and(|(at, _)| at < before) {
                    if let Some((_, key)) = self.creation.pop_front() {
                        self.taken.remove(&key);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether an event of a turn can only stem from its command (timers of the same turn do not cause it).
fn changes_by_command(command: &Command, event: &Event) -> bool {
    match command {
        Command::RequestRide(_) => matches!(event, Event::RideRequested(_)),
        Command::AcceptOffer { .. } => matches!(event, Event::OfferAccepted { .. }),
        Command::DeclineOffer { .. } => matches!(event, Event::OfferDeclined { .. }),
        Command::ArriveAtPickup { .. } => matches!(event, Event::DriverArrived { .. }),
        Command::BoardRider { .. } => matches!(event, Event::RiderBoarded { .. }),
        Command::OpenSession { .. } => matches!(event, Event::SessionOpened { .. }),
        Command::StartShift(_) => matches!(event, Event::ShiftStarted(_)),
        Command::EndTrip { ride: of, .. } => {
            matches!(event, Event::RideEnded { ride, place: Some(_), .. } if ride == of)
        }
        Command::CancelRide { .. }
        | Command::CancelByDriver { .. }
        | Command::EndShift { .. }
        | Command::ReportPositions(_)
        | Command::Tick
        | Command::Resume { .. }
        | Command::Upgrade(_)
        | Command::Checkpoint { .. }
        | Command::Propose(_) => false,
    }
}
