//! What the city calls drivers and rides, and what the outside does.

use std::collections::BTreeMap;

use hansom_engine::{Command, DriverId, Key, Name, RideId};
use hansom_market::ingest::{Body, Rating, RideRef, order};

use crate::supply;

/// Drivers have names, of which the city knows those of its fleet; rides have numbers, the market's and the city's own, which
/// counts its requests.
#[derive(Debug)]
pub(super) struct Names {
    /// The vehicle of each driver of the fleet.
    vehicles: BTreeMap<Name, u32>,
    /// Names by the city's numbers: in order of first shift.
    drivers: Vec<Name>,
    ids: BTreeMap<Name, DriverId>,
    /// By the city's numbers, from 1: the market's, once it has told.
    rides: Vec<Option<RideId>>,
    own: BTreeMap<RideId, RideId>,
    /// Requests of which the market has not told yet.
    asked: BTreeMap<Key, RideId>,
}

impl Names {
    /// Those of a fleet before any shift.
    pub fn of(fleet: &[supply::Driver]) -> Self {
        let vehicles = fleet.iter().zip(0..).map(|(driver, vehicle)| (Name::from(&*driver.name), vehicle));
        Self {
            vehicles: vehicles.collect(),
            drivers: Vec::new(),
            ids: BTreeMap::new(),
            rides: Vec::new(),
            own: BTreeMap::new(),
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
        self.ids.insert(name.clone(), id);
        Some((vehicle, id))
    }

    /// The next ride is asked for with this order.
    pub fn ask(&mut self, key: Key) {
        self.rides.push(None);
        self.asked.insert(key, RideId(self.rides.len() as u32));
    }

    /// The city's number of the ride that the market has given a number; `None`: it is not of this city.
    pub fn numbered(&mut self, key: Key, market: RideId) -> Option<RideId> {
        let own = self.asked.remove(&key)?;
        self.rides[own.index() - 1] = Some(market);
        self.own.insert(market, own);
        Some(own)
    }

    /// The city's number of a ride.
    pub fn ride(&self, market: RideId) -> Option<RideId> {
        self.own.get(&market).copied()
    }

    /// The city's number of a driver.
    pub fn driver_id(&self, name: &Name) -> Option<DriverId> {
        self.ids.get(name).copied()
    }

    /// The name of a driver.
    pub fn driver(&self, id: DriverId) -> Option<&Name> {
        self.drivers.get(id.index())
    }

    /// A command as the outside gives it; `None`: it is about a ride that the market has not told of, or none of people.
    pub fn body(&self, command: &Command) -> Option<Body> {
        let driver = |id: &DriverId| self.driver(*id).cloned();
        let ride = |own: &RideId| self.rides.get(own.index().checked_sub(1)?).copied().flatten().map(RideRef::Number);
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
            Command::EndShift { driver: who, session } => {
                Body::EndShift(order::EndShift { driver: driver(who)?, session: session.0 })
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
            Command::AcceptOffer { driver: who, ride: which, epoch, session } => {
                Body::AcceptOffer(order::AcceptOffer {
                    driver: driver(who)?,
                    ride: ride(which)?,
                    epoch: *epoch,
                    session: session.0,
                })
            }
            Command::DeclineOffer { driver: who, ride: which, epoch, session } => {
                Body::DeclineOffer(order::DeclineOffer {
                    driver: driver(who)?,
                    ride: ride(which)?,
                    epoch: *epoch,
                    session: session.0,
                })
            }
            Command::ArriveAtPickup { driver: who, ride: which, session } => {
                Body::ArriveAtPickup(order::ArriveAtPickup {
                    driver: driver(who)?,
                    ride: ride(which)?,
                    session: session.0,
                })
            }
            Command::BoardRider { driver: who, ride: which, session } => {
                Body::BoardRider(order::BoardRider { driver: driver(who)?, ride: ride(which)?, session: session.0 })
            }
            Command::EndTrip { driver: who, ride: which, place, session } => Body::EndTrip(order::EndTrip {
                driver: driver(who)?,
                ride: ride(which)?,
                place: *place,
                session: session.0,
            }),
            Command::CancelByDriver { driver: who, ride: which, session } => {
                Body::CancelByDriver(order::CancelByDriver {
                    driver: driver(who)?,
                    ride: ride(which)?,
                    session: session.0,
                })
            }
            _ => return None,
        })
    }
}
