//! Drivers and their vehicles.

use super::{Ahead, Drivers, Pool, Vehicle};
use crate::domain::{DriverId, Leg, Name, Plan, RideId, Session, StopKind};
use crate::lifecycle::session;
use hansom_geo_index::moving::Grid;
use hansom_geo_index::{Coord, Millis, Network, Position};

/// Whether a driver can be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Comms {
    /// Heard lately, as far as anybody looked.
    #[default]
    Live,
    /// Committed and silent for long.
    Warned,
    /// Given up until heard again.
    Dark,
}

/// A driver with a vehicle. What each ping reads and writes comes first, on two cache lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Driver {
    /// His number.
    pub id: DriverId,
    /// Where the session is.
    pub session: session::Status,
    /// Whether he can be reached.
    pub comms: Comms,
    /// Near enough to the end of his plan to be given the next ride.
    pub chainable: bool,
    /// Drives itself.
    pub autonomous: bool,
    /// Number of the last accepted ping of the session.
    pub seq: u32,
    /// Which of his sessions is open: that of the device which speaks for him.
    pub device: Session,
    /// Where the device said the vehicle was …
    pub seen: Coord,
    /// … and when.
    pub seen_at: Millis,
    /// When a ping was last accepted, or the shift started; moved on by outages of the market while he holds rides.
    pub heard: Millis,
    /// Where that is on the streets, within tolerance …
    pub anchor: Position,
    /// … and since when.
    pub anchor_at: Millis,
    /// The way to the next stop.
    pub leg: Option<Leg>,
    /// What the vehicle will serve.
    pub plan: Plan,
    /// The ride offered to him.
    pub offered: Option<RideId>,
    /// When silence is looked at.
    pub silence_due: Option<Millis>,
    /// When the end of the plan is looked at.
    pub chain_due: Option<Millis>,
    /// When it is looked at whether he is still to be remembered.
    pub forget_due: Option<Millis>,
    /// The outside's name.
    pub name: Name,
    /// When he means to stop.
    pub until: Option<Millis>,
    /// Where he lives.
    pub home: Option<Coord>,
    /// Seats for riders.
    pub seats: u8,
    /// Vehicle class.
    pub class: u8,
    /// Rating in hundredths of a star.
    pub rating: u16,
    /// How many offers he got …
    pub offers: u32,
    /// … how many of them failed …
    pub failed_offers: u32,
    /// … and how many rides he cancelled.
    pub cancels: u32,
}

const _: () = assert!(std::mem::offset_of!(Driver, offered) <= 128, "a ping needs two cache lines of a driver");

impl Driver {
    /// Free to get a ride at once.
    pub fn is_available(&self) -> bool {
        self.is_open_to_offers() && self.plan.is_empty()
    }

    /// On a trip whose end is near: may get the next ride.
    pub fn is_ending(&self) -> bool {
        self.is_open_to_offers() && self.chainable && !self.plan.is_empty()
    }

    fn is_open_to_offers(&self) -> bool {
        self.session == session::Status::On && self.comms != Comms::Dark && self.offered.is_none()
    }

    /// The ride on board, if one is: a dropoff at the head of the plan.
    pub fn on_board(&self) -> Option<RideId> {
        self.plan.next().filter(|stop| stop.kind == StopKind::Dropoff).map(|stop| stop.ride)
    }

    /// What matching needs to know of him, if `service_ms` is the time at a pickup and at a dropoff.
    pub fn vehicle(&self, service_ms: (i64, i64)) -> Vehicle {
        let ahead = (!self.plan.is_empty()).then(|| {
            let stops = self.plan.stops().iter().map(|stop| match stop.kind {
                StopKind::Pickup => (stop.place, service_ms.0),
                StopKind::Dropoff => (stop.place, service_ms.1),
            });
            Box::new(Ahead { anchor: self.anchor, anchor_at: self.anchor_at, stops: stops.collect() })
        });
        Vehicle {
            driver: self.id,
            start: self.plan.last().map_or(self.anchor, |stop| stop.place),
            ahead,
            heard: self.heard,
            until: self.until,
            home: self.home,
            seats: self.seats,
            class: self.class,
            rating: self.rating,
            offers: self.offers,
            failed_offers: self.failed_offers,
            cancels: self.cancels,
        }
    }
}

/// All drivers that are remembered.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(crate) drivers: Drivers,
    /// Free vehicles. Derived, like the two below.
    pub(crate) free: Pool,
    /// Vehicles near the end of their plan.
    pub(crate) ending: Pool,
    /// Where the free vehicles are, each by its driver's place.
    pub(crate) index: Grid,
}

impl Fleet {
    /// These drivers, of whom none is in the pools yet.
    pub(crate) fn of(network: &Network, drivers: Drivers) -> Self {
        Self { drivers, free: Pool::default(), ending: Pool::default(), index: Grid::over(network) }
    }

    /// The driver with this number.
    pub fn get(&self, id: DriverId) -> Option<&Driver> {
        self.drivers.get(id)
    }

    /// The driver with this name.
    pub fn by_name(&self, name: &Name) -> Option<DriverId> {
        self.drivers.by_name(name)
    }

    /// All drivers, in order of place.
    pub fn drivers(&self) -> impl Iterator<Item = &Driver> {
        self.drivers.iter()
    }

    /// Free vehicles, in no order.
    pub fn free(&self) -> &[Vehicle] {
        self.free.vehicles()
    }

    /// Vehicles near the end of their plan, in no order.
    pub fn ending(&self) -> &[Vehicle] {
        self.ending.vehicles()
    }

    /// Where the free vehicles are, each by its driver's place.
    pub fn index(&self) -> &Grid {
        &self.index
    }
}
