//! What the city calls drivers and rides, and what the outside does.

use std::collections::BTreeMap;

use hansom_engine::{Command, DriverId, Key, Name, RideId};
use hansom_market::ingest::{Body, Rating, RideRef, order};

use crate::supply;

/// Drivers have names, of which the city knows those of its fleet; rides have numbers, the market's and the city's own, which
/// counts its requests and, apart from them, its guests'.
#[derive(Debug)]
pub(super) struct Names {
    /// The vehicle of each driver of the fleet.
    vehicles: BTreeMap<Name, u32>,
    /// Names by the city's numbers: in order of first shift.
    drivers: Vec<Name>,
    ids: BTreeMap<Name, DriverId>,
    /// What they hold in their hands, by the same numbers.
    devices: Vec<Device>,
    /// The market's numbers of rides by the city's, once it has told …
    market: BTreeMap<RideId, RideId>,
    /// … and the city's by the market's.
    own: BTreeMap<RideId, RideId>,
    /// How many rides the city's riders have asked for.
    requests: u32,
    /// Those of which the market has not told yet.
    asked: BTreeMap<Key, RideId>,
}

/// The device that speaks for a driver.
#[derive(Debug, Clone, Copy)]
struct Device {
    /// Its session: 1 is that of the first device.
    session: u32,
    /// Positions that the devices before it sent.
    before: u32,
    /// Positions sent in all.
    last: u32,
}

impl Names {
    /// Those of a fleet before any shift.
    pub fn of(fleet: &[supply::Driver]) -> Self {
        let vehicles = fleet.iter().zip(0..).map(|(driver, vehicle)| (Name::from(&*driver.name), vehicle));
        Self {
            vehicles: vehicles.collect(),
            drivers: Vec::new(),
            ids: BTreeMap::new(),
            devices: Vec::new(),
            market: BTreeMap::new(),
            own: BTreeMap::new(),
            requests: 0,
            asked: BTreeMap::new(),
        }
    }

    /// The vehicle and the city's number of a driver whose first shift starts; `None`: he is not of this city, or had one.
    pub fn start(&mut self, name: &Name) -> Option<(u32, DriverId)> {
        let vehicle = *self.vehicles.get(name)?;
        if self.ids.contains_key(name) {
            return None;
        }
        let id = DriverId(self.drivers.len() as u32);
        self.drivers.push(name.clone());
        self.devices.push(Device { session: 1, before: 0, last: 0 });
        self.ids.insert(name.clone(), id);
        Some((vehicle, id))
    }

    /// The next ride is asked for with this order.
    pub fn ask(&mut self, key: Key) {
        self.requests += 1;
        self.asked.insert(key, RideId(self.requests));
    }

    /// The city's number of the ride that the market has given a number; `None`: nobody of this city has asked for it.
    pub fn numbered(&mut self, key: Key, market: RideId) -> Option<RideId> {
        let own = self.asked.remove(&key)?;
        self.pair(own, market);
        Some(own)
    }

    /// A ride has these numbers in the city and in the market.
    pub fn pair(&mut self, own: RideId, market: RideId) {
        self.market.insert(own, market);
        self.own.insert(market, own);
    }

    /// The city's number of a ride.
    pub fn ride(&self, market: RideId) -> Option<RideId> {
        self.own.get(&market).copied()
    }

    /// The city's number of a driver.
    pub fn driver_id(&self, name: &Name) -> Option<DriverId> {
        self.ids.get(name).copied()
    }

    /// Another device of a driver takes over; its positions count from 1.
    pub fn take_over(&mut self, driver: DriverId, session: u32) {
        if let Some(device) = self.devices.get_mut(driver.index()) {
            *device = Device { session, before: device.last, last: device.last };
        }
    }

    /// The name of a driver, his session and the number in it of the `nth` position of his shift.
    pub fn position(&mut self, driver: DriverId, nth: u32) -> Option<(Name, u32, u32)> {
        let device = self.devices.get_mut(driver.index())?;
        device.last = device.last.max(nth);
        Some((self.drivers[driver.index()].clone(), device.session, nth.checked_sub(device.before)?))
    }

    /// The name of a driver.
    pub fn driver(&self, id: DriverId) -> Option<&Name> {
        self.drivers.get(id.index())
    }

    /// A command as the outside gives it; `None`: it is about a ride that the market has not told of, or none of people.
    pub fn body(&self, command: &Command) -> Option<Body> {
        let driver = |id: &DriverId| self.driver(*id).cloned();
        let session = |id: &DriverId| self.devices.get(id.index()).map_or(1, |device| device.session);
        let ride = |own: &RideId| self.market.get(own).copied().map(RideRef::Number);
        Some(match command {
            Command::StartShift(it) => Body::StartShift(order::StartShift {
                driver: it.driver.clone(),
                place: it.place,
                seats: it.seats,
                class: it.class,
                autonomous: it.autonomous,
                until: it.until,
                home: it.home,
                rating: Rating(it.rating),
            }),
            Command::OpenSession { driver: who } => Body::OpenSession(order::OpenSession { driver: driver(who)? }),
            Command::EndShift { driver: who, .. } => {
                Body::EndShift(order::EndShift { driver: driver(who)?, session: session(who) })
            }
            Command::RequestRide(it) => Body::RequestRide(order::RequestRide {
                rider: it.rider.clone(),
                pickup: it.pickup,
                dropoff: it.dropoff,
                seats: it.seats,
                class: it.class,
                tier: it.tier,
                blocked: it.blocked.iter().filter_map(driver).collect(),
            }),
            Command::CancelRide { ride: which } => Body::CancelRide(order::CancelRide { ride: ride(which)? }),
            Command::AcceptOffer { driver: who, ride: which, epoch, .. } => Body::AcceptOffer(order::AcceptOffer {
                driver: driver(who)?,
                ride: ride(which)?,
                epoch: *epoch,
                session: session(who),
            }),
            Command::DeclineOffer { driver: who, ride: which, epoch, .. } => Body::DeclineOffer(order::DeclineOffer {
                driver: driver(who)?,
                ride: ride(which)?,
                epoch: *epoch,
                session: session(who),
            }),
            Command::ArriveAtPickup { driver: who, ride: which, .. } => Body::ArriveAtPickup(order::ArriveAtPickup {
                driver: driver(who)?,
                ride: ride(which)?,
                session: session(who),
            }),
            Command::BoardRider { driver: who, ride: which, .. } => {
                Body::BoardRider(order::BoardRider { driver: driver(who)?, ride: ride(which)?, session: session(who) })
            }
            Command::EndTrip { driver: who, ride: which, place, .. } => Body::EndTrip(order::EndTrip {
                driver: driver(who)?,
                ride: ride(which)?,
                place: *place,
                session: session(who),
            }),
            Command::CancelByDriver { driver: who, ride: which, .. } => Body::CancelByDriver(order::CancelByDriver {
                driver: driver(who)?,
                ride: ride(which)?,
                session: session(who),
            }),
            _ => return None,
        })
    }
}
