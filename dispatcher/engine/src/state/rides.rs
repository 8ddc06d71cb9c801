//! Rides that have not left the state: open ones, and ended ones whose keys are still remembered.

use super::{Timer, TimerKind};
use crate::domain::{DriverId, Epoch, Key, Money, Name, RideId, Terms};
use crate::lifecycle::{offer, ride};
use hansom_geo_index::{Millis, Position};
use std::collections::VecDeque;

/// A ride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ride {
    /// Its number.
    pub id: RideId,
    /// Whose.
    pub rider: Name,
    /// Where it is in its life.
    pub status: ride::Status,
    /// When it was asked for.
    pub requested_at: Millis,
    /// Where the rider gets in.
    pub pickup: Position,
    /// Where the rider wants to get out.
    pub dropoff: Position,
    /// Seats it takes.
    pub seats: u8,
    /// Vehicle class it wants.
    pub class: u8,
    /// Tier of the rider.
    pub tier: u8,
    /// Drivers that the rider shall not meet, ascending.
    pub blocked: Box<[DriverId]>,
    /// Travel time pickup → dropoff as estimated at request, ms.
    pub direct_ms: u32,
    /// Upfront fare.
    pub fare: Money,
    /// Its last offer.
    pub offer: Option<Offer>,
    /// How many offers failed: were declined or expired.
    pub failed_offers: u32,
    /// Drivers who turned it down, and until when they are spared.
    pub resting: Vec<(DriverId, Millis)>,
    /// When the driver will be at the pickup, as promised.
    pub promised: Option<Millis>,
    /// Whether a fare or fee was settled.
    pub settled: bool,
    /// How much longer than usual it is searched for, as the market was away meanwhile.
    pub extended: Millis,
    /// Its one deadline.
    pub timer: Option<(TimerKind, Millis)>,
    /// Keys that die with it.
    pub keys: Vec<Key>,
    /// The key of the command that asked for it, by which the outside may name it.
    pub request: Option<Key>,
}

/// The last offer of a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// To whom.
    pub driver: DriverId,
    /// Where it is in its life.
    pub status: offer::Status,
    /// Which of the ride's offers.
    pub epoch: Epoch,
    /// Whether the driver has to end another ride first.
    pub chained: bool,
    /// What the assignment costs, by term.
    pub terms: Terms,
}

impl Ride {
    /// Whether the ride has an end yet to come.
    pub fn is_open(&self) -> bool {
        !matches!(self.status, ride::Status::Ended(_))
    }

    /// Whether `driver` turned the ride down so lately that he is spared it at `at`.
    pub fn is_resting(&self, driver: DriverId, at: Millis) -> bool {
        self.resting.iter().any(|(who, until)| *who == driver && at < *until)
    }

    /// The ride's deadline as a timer.
    pub fn timer(&self) -> Option<Timer> {
        self.timer.map(|(kind, due)| Timer { due, kind, id: self.id.0 })
    }

    /// The number of its next offer.
    pub fn next_epoch(&self) -> Epoch {
        Epoch(self.offer.map_or(0, |offer| offer.epoch.0) + 1)
    }
}

/// Rides by number. Numbers are given out in order and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rides {
    first: u32,
    slots: VecDeque<Option<Box<Ride>>>,
}

impl Default for Rides {
    fn default() -> Self {
        Self { first: 1, slots: VecDeque::new() }
    }
}

impl Rides {
    /// The ride with this number, if it has not left the state.
    pub fn get(&self, id: RideId) -> Option<&Ride> {
        self.slots.get(id.0.checked_sub(self.first)? as usize)?.as_deref()
    }

    /// No rides, the next one of this number.
    pub(crate) fn from(first: RideId) -> Self {
        Self { first: first.0, slots: VecDeque::new() }
    }

    /// The lowest number of a ride in the state; that of the next one if there is none.
    pub fn first_id(&self) -> RideId {
        RideId(self.first)
    }

    /// The number that the next request takes.
    pub fn next_id(&self) -> RideId {
        RideId(self.first + self.slots.len() as u32)
    }

    /// All rides in the state, in order of number.
    pub fn iter(&self) -> impl Iterator<Item = &Ride> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    pub(crate) fn get_mut(&mut self, id: RideId) -> Option<&mut Ride> {
        self.slots.get_mut(id.0.checked_sub(self.first)? as usize)?.as_deref_mut()
    }

    /// The ride that was asked for last, if it is in the state and its request was not refused.
    pub(crate) fn newest_mut(&mut self) -> Option<&mut Ride> {
        self.slots.back_mut()?.as_deref_mut()
    }

    /// Adds the next ride; `None`: its request was refused and only its number is used up.
    pub(crate) fn push(&mut self, ride: Option<Ride>) {
        self.slots.push_back(ride.map(Box::new));
        self.shrink();
    }

    pub(crate) fn take(&mut self, id: RideId) -> Option<Ride> {
        let slot = self.slots.get_mut(id.0.checked_sub(self.first)? as usize)?;
        let ride = slot.take().map(|ride| *ride);
        self.shrink();
        ride
    }

    fn shrink(&mut self) {
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}
