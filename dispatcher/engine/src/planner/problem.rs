//! The question that a planner gets: a value that holds all it needs.

use crate::domain::{DriverId, Money, Offset, RideId, Settings};
use crate::state::{Ride, State, Vehicle};
use hansom_geo_index::{Millis, Position, WeightsVersion};
use std::borrow::Cow;
use std::sync::Arc;

/// A ride that waits for a driver, as planners see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRide {
    /// Its number.
    pub ride: RideId,
    /// When it was asked for.
    pub requested_at: Millis,
    /// Where the rider gets in.
    pub pickup: Position,
    /// Where the rider wants to get out.
    pub dropoff: Position,
    /// Upfront fare.
    pub fare: Money,
    /// Seats it takes.
    pub seats: u8,
    /// Vehicle class it wants.
    pub class: u8,
    /// Tier of the rider.
    pub tier: u8,
    /// Drivers that the rider shall not meet, ascending.
    pub blocked: Box<[DriverId]>,
    /// Drivers who turned it down lately.
    pub resting: Vec<DriverId>,
}

impl OpenRide {
    /// What planners see of `ride` at `at`.
    pub fn of(ride: &Ride, at: Millis) -> Self {
        Self {
            ride: ride.id,
            requested_at: ride.requested_at,
            pickup: ride.pickup,
            dropoff: ride.dropoff,
            fare: ride.fare,
            seats: ride.seats,
            class: ride.class,
            tier: ride.tier,
            blocked: ride.blocked.clone(),
            resting: ride.resting.iter().filter(|(_, until)| at < *until).map(|(driver, _)| *driver).collect(),
        }
    }
}

/// Open rides and the vehicles that may serve them, at one moment. Vehicles are borrowed from the state as long as the
/// planner works where the state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchingProblem<'a> {
    /// The turn that asked.
    pub basis: Offset,
    /// When it asked.
    pub at: Millis,
    /// Travel times to use.
    pub weights: WeightsVersion,
    /// What the market is set to.
    pub settings: Arc<Settings>,
    /// Rides in line, first come first.
    pub rides: Vec<OpenRide>,
    /// Free vehicles, in no order.
    pub free: Cow<'a, [Vehicle]>,
    /// Vehicles near the end of their plan, in no order.
    pub ending: Cow<'a, [Vehicle]>,
}

impl MatchingProblem<'_> {
    /// The same with vehicles of its own, for a planner that works elsewhere.
    pub fn into_owned(self) -> MatchingProblem<'static> {
        let (free, ending) = (Cow::Owned(self.free.into_owned()), Cow::Owned(self.ending.into_owned()));
        MatchingProblem { free, ending, ..self }
    }
}

/// The problem that the turn `basis`, taken at `at`, asks about the state it left.
pub fn problem(state: &State, basis: Offset, at: Millis) -> MatchingProblem<'_> {
    MatchingProblem {
        basis,
        at,
        weights: state.weights(),
        settings: state.settings.clone(),
        rides: state.line().filter_map(|ride| state.rides().get(ride)).map(|ride| OpenRide::of(ride, at)).collect(),
        free: state.fleet().free().into(),
        ending: state.fleet().ending().into(),
    }
}
