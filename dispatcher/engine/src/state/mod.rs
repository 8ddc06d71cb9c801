//! What the market knows. Only [`evolve`](crate::evolve::evolve) changes it.

mod drivers;
mod fleet;
mod keys;
mod ledger;
mod pool;
mod rides;
mod slice;
mod snapshot;
mod timers;

use drivers::Drivers;
pub use fleet::{Comms, Driver, Fleet};
pub use keys::{KeyEntry, Keys};
pub use ledger::Ledger;
pub use pool::{Ahead, Pool, Vehicle};
pub use rides::{Offer, Ride, Rides};
pub use slice::SLICES;
pub use snapshot::SNAPSHOT_VERSION;
pub use timers::{Timer, TimerKind, Timers};

use crate::domain::{Offset, RideId, Settings};
use crate::record::{Header, LOGIC_VERSION};
use hansom_geo_index::{Millis, Network, WeightsVersion};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything the market knows. A value: cloning it forks the market.
#[derive(Debug, Clone)]
pub struct State {
    pub(crate) logic_version: u32,
    pub(crate) settings: Arc<Settings>,
    pub(crate) weights: WeightsVersion,
    pub(crate) rides: Rides,
    /// Rides that search, in their order in line.
    pub(crate) line: BTreeSet<RideId>,
    pub(crate) fleet: Fleet,
    pub(crate) timers: Timers,
    pub(crate) keys: Keys,
    pub(crate) ledger: Ledger,
    pub(crate) matching: Matching,
}

/// Where the matching of waiting rides stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Matching {
    /// When it is due next.
    pub(crate) due: Option<Millis>,
    /// The turn that asked the planner and has no answer yet.
    pub(crate) asked: Option<Offset>,
}

impl State {
    /// An empty market that opens at `start`.
    pub fn new(settings: Settings, network: &Network, start: Millis) -> Self {
        let mut timers = Timers::default();
        if let Some((due, _)) = settings.hours.next_after(start) {
            timers.insert(Timer { due, kind: TimerKind::Weights, id: 0 });
        }
        Self {
            logic_version: LOGIC_VERSION,
            weights: settings.hours.at(start),
            settings: Arc::new(settings),
            rides: Rides::default(),
            line: BTreeSet::new(),
            fleet: Fleet::of(network, Drivers::default()),
            timers,
            keys: Keys::default(),
            ledger: Ledger::default(),
            matching: Matching::default(),
        }
    }

    /// The state before the first turn of a log.
    pub fn of_log(header: &Header, network: &Network) -> Self {
        let new = Self::new(header.settings.clone(), network, header.started_at);
        Self { logic_version: header.logic_version, ..new }
    }

    /// The version of the rules under which the last turns were decided.
    pub fn logic_version(&self) -> u32 {
        self.logic_version
    }

    /// What the market is set to.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The travel times in force.
    pub fn weights(&self) -> WeightsVersion {
        self.weights
    }

    /// When the next timer is due; a turn stamped later fires it.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.timers.first().map(|timer| timer.due)
    }

    /// The turn whose `MatchingDue` waits for a planner's answer.
    pub fn matching_due(&self) -> Option<Offset> {
        self.matching.asked
    }

    /// The rides that have not left the state.
    pub fn rides(&self) -> &Rides {
        &self.rides
    }

    /// Rides in line for a driver, first come first.
    pub fn line(&self) -> impl ExactSizeIterator<Item = RideId> + '_ {
        self.line.iter().copied()
    }

    /// Drivers and vehicles.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The money.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The keys that are remembered.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The deadlines.
    pub fn timers(&self) -> &Timers {
        &self.timers
    }
}
