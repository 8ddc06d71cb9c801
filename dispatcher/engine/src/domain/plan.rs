//! Route plans: the ordered stops that a vehicle will serve.

use super::RideId;
use hansom_geo_index::{Millis, Position, WeightsVersion};

/// What happens at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopKind {
    /// The rider gets in.
    Pickup,
    /// The rider gets out.
    Dropoff,
}

/// One stop of a route plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stop {
    /// Whose stop it is.
    pub ride: RideId,
    /// Pickup or dropoff.
    pub kind: StopKind,
    /// Where, on the streets.
    pub place: Position,
}

/// The ordered stops that a vehicle will serve; index 0 is the next one. A solo ride is two stops, a chained ride
/// appends two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub(crate) stops: Vec<Stop>,
}

impl Plan {
    /// All stops, next first.
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// Whether nothing is promised.
    pub fn is_empty(&self) -> bool {
        self.stops.is_empty()
    }

    /// The stop the vehicle heads for.
    pub fn next(&self) -> Option<Stop> {
        self.stops.first().copied()
    }

    /// Where the vehicle will be free.
    pub fn last(&self) -> Option<Stop> {
        self.stops.last().copied()
    }

    /// The rides of the plan, each once, in the order in which they end.
    pub fn rides(&self) -> impl Iterator<Item = RideId> + '_ {
        self.stops.iter().filter(|stop| stop.kind == StopKind::Dropoff).map(|stop| stop.ride)
    }

    /// The rides that are promised but not on board, in order of pickup.
    pub fn pending(&self) -> impl Iterator<Item = RideId> + '_ {
        self.stops.iter().filter(|stop| stop.kind == StopKind::Pickup).map(|stop| stop.ride)
    }

    /// Appends a ride behind everything promised.
    pub fn append(&mut self, ride: RideId, pickup: Position, dropoff: Position) {
        self.stops.push(Stop { ride, kind: StopKind::Pickup, place: pickup });
        self.stops.push(Stop { ride, kind: StopKind::Dropoff, place: dropoff });
    }

    /// Takes out a stop that was served.
    pub fn serve(&mut self, ride: RideId, kind: StopKind) {
        self.stops.retain(|stop| !(stop.ride == ride && stop.kind == kind));
    }

    /// Takes out a ride that ended or was released.
    pub fn remove(&mut self, ride: RideId) {
        self.stops.retain(|stop| stop.ride != ride);
    }

    /// Most riders on board at once, if `seats_of` says how many seats a ride takes and the plan starts with `on_board`.
    pub fn peak_seats(&self, on_board: u32, seats_of: impl Fn(RideId) -> u32) -> u32 {
        let mut now = on_board;
        let mut peak = now;
        for stop in &self.stops {
            match stop.kind {
                StopKind::Pickup => now += seats_of(stop.ride),
                StopKind::Dropoff => now = now.saturating_sub(seats_of(stop.ride)),
            }
            peak = peak.max(now);
        }
        peak
    }
}

/// The way to the next stop, planned under one weights version. The edges follow from these fields and the network, so
/// they are not part of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Where the way starts.
    pub origin: Position,
    /// When it was planned.
    pub started: Millis,
    /// Where it leads.
    pub target: Position,
    /// The weights under which it is the fastest.
    pub weights: WeightsVersion,
    /// Its travel time when planned, ms.
    pub eta_ms: u32,
    /// Which edge of the way the vehicle was last seen on, from 0.
    pub cursor: u16,
}
