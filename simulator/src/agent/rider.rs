//! Riders: how long they wait, and whether they come.

use std::collections::BTreeMap;

use hansom_engine::RideId;
use hansom_geo_index::Millis;

use crate::rng::{Purpose, Stream};
use crate::scenario::Scenario;

/// A rider whose ride is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rider {
    /// Until when he waits for a match.
    patience_until: Millis,
    /// How much later than promised the pickup may be.
    lateness: Millis,
    /// Until when he waits for the drivers promised so far.
    promise_until: Millis,
    /// A driver comes.
    matched: bool,
    /// The driver is at the pickup.
    met: bool,
    /// He comes to the pickup.
    pub shows: bool,
    /// Travel time pickup → dropoff as he was told.
    pub direct: Millis,
    /// The vehicles that the ride was offered to, one for each offer.
    offered_to: Vec<u32>,
}

impl Rider {
    /// Until when he waits as things stand.
    pub fn until(&self) -> Millis {
        match (self.met, self.matched) {
            (true, _) => Millis::MAX,
            (false, true) => self.promise_until,
            (false, false) => self.patience_until.max(self.promise_until),
        }
    }

    /// A driver will be at the pickup at `promised`.
    pub fn match_until(&mut self, promised: Millis) {
        self.matched = true;
        self.promise_until = self.promise_until.max(promised + self.lateness);
    }

    /// The driver was taken off the ride.
    pub fn release(&mut self) {
        (self.matched, self.met) = (false, false);
    }

    /// The driver is there.
    pub fn meet(&mut self) {
        self.met = true;
    }

    /// The ride is offered to a vehicle.
    pub fn offer(&mut self, vehicle: u32) {
        self.offered_to.push(vehicle);
    }

    /// How often the ride was offered to `vehicle`, not counting the last time.
    pub fn offers_before(&self, vehicle: u32) -> u64 {
        (self.offered_to.iter().filter(|to| **to == vehicle).count() as u64).saturating_sub(1)
    }
}

/// What a rider is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// How long he waits for a match.
    pub patience: Millis,
    /// How much later than promised the pickup may be.
    pub lateness: Millis,
    /// Whether he comes to the pickup; `None`: that is left to chance.
    pub shows: Option<bool>,
}

impl Traits {
    /// A guest comes to the pickup, and waits until whoever speaks for him cancels.
    const GUEST: Self = Self { patience: Millis::MAX, lateness: Millis::MAX, shows: Some(true) };
}

/// Rides of guests are numbered from here on. Those of the scenario, by whose numbers all is drawn, are the same with guests and
/// without.
const FIRST_GUEST: u32 = 1 << 31;

/// The number of a guest's ride, of which there were `before` before.
pub fn guest(before: usize) -> RideId {
    RideId(FIRST_GUEST + before as u32)
}

/// How many guests had rides before this one; `None`: its rider is one of the scenario.
pub fn guests_before(ride: RideId) -> Option<usize> {
    ride.0.checked_sub(FIRST_GUEST).map(|before| before as usize)
}

/// All riders whose rides are not over.
#[derive(Debug)]
pub struct Riders {
    open: BTreeMap<RideId, Rider>,
    /// Those that are known, in order of request.
    known: Vec<Traits>,
    scenario: crate::scenario::Rider,
    patience: Stream,
    lateness: Stream,
    no_show: Stream,
}

impl Riders {
    /// Nobody yet.
    pub fn new(scenario: &Scenario) -> Self {
        let stream = |purpose| Stream::new(scenario.seed, purpose);
        Self {
            open: BTreeMap::new(),
            known: Vec::new(),
            scenario: scenario.rider.clone(),
            patience: stream(Purpose::Patience),
            lateness: stream(Purpose::Lateness),
            no_show: stream(Purpose::NoShow),
        }
    }

    /// Riders are like this from now on, in order of request.
    pub fn know(&mut self, riders: Vec<Traits>) {
        self.known = riders;
    }

    /// A rider asked for a ride at `at`.
    pub fn add(&mut self, ride: RideId, at: Millis, direct: Millis) -> &Rider {
        let id = u64::from(ride.0);
        let Traits { patience, lateness, shows } = self.traits(ride);
        let rider = Rider {
            patience_until: at + patience,
            lateness,
            promise_until: Millis(i64::MIN),
            matched: false,
            met: false,
            shows: shows.unwrap_or_else(|| !self.no_show.draw(id, 0).chance(self.scenario.no_show)),
            direct,
            offered_to: Vec::new(),
        };
        self.open.entry(ride).or_insert(rider)
    }

    fn traits(&self, ride: RideId) -> Traits {
        if guests_before(ride).is_some() {
            return Traits::GUEST;
        }
        let id = u64::from(ride.0);
        let known = ride.index().checked_sub(1).and_then(|n| self.known.get(n));
        known.copied().unwrap_or_else(|| Traits {
            patience: self.scenario.patience.pick(self.patience.draw(id, 0)),
            lateness: self.scenario.lateness.pick(self.lateness.draw(id, 0)),
            shows: None,
        })
    }

    /// The rider of a ride that is not over.
    pub fn get(&self, ride: RideId) -> Option<&Rider> {
        self.open.get(&ride)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, ride: RideId) -> Option<&mut Rider> {
        self.open.get_mut(&ride)
    }

    /// A ride is over.
    pub fn remove(&mut self, ride: RideId) {
        self.open.remove(&ride);
    }

    /// How many rides are not over.
    pub fn len(&self) -> usize {
        self.open.len()
    }
}
