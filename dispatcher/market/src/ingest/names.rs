//! What the outside calls drivers and rides, and what the market does.

use super::collector::Waiting;
use super::decode::Order;
use super::field::RideRef;
use super::location::{Location, Position};
use super::order::Body;
use hansom_engine::domain::Session;
use hansom_engine::record::{RequestRide, StartShift};
use hansom_engine::{Command, DriverId, Event, Key, Name, RideId, State, Turn};
use hansom_geo_index::{Coord, Millis, Network};
use std::collections::HashMap;
use std::sync::Arc;

/// A driver whom no market has.
const NO_DRIVER: DriverId = DriverId(u32::MAX);
/// A ride that no market has: they are numbered from 1.
const NO_RIDE: RideId = RideId(0);

/// The outside's names of the drivers and rides of one market.
///
/// Bounded as the market's state is: it knows the drivers that the state knows, and rides until they leave the state. Whoever
/// resolves orders lets it learn from each turn as it is decided, so that a sender may follow an order with the next;
/// whoever writes events lets it learn from each turn as it is released.
#[derive(Debug, Clone)]
pub struct Names {
    network: Arc<Network>,
    /// Each driver at his place.
    drivers: Vec<Option<(DriverId, Name)>>,
    by_name: HashMap<Name, DriverId>,
    rides: HashMap<RideId, Ride>,
    by_request: HashMap<Key, RideId>,
}

/// What events tell of a ride besides its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ride {
    pub rider: Name,
    /// The key of the order that asked for it.
    pub request: Option<Key>,
    pub pickup: Coord,
    pub dropoff: Coord,
}

impl Names {
    /// The names that a state knows.
    pub fn of(state: &State, network: Arc<Network>) -> Self {
        let mut names = Self {
            network,
            drivers: Vec::new(),
            by_name: HashMap::new(),
            rides: HashMap::new(),
            by_request: HashMap::new(),
        };
        for driver in state.fleet().drivers() {
            names.add_driver(driver.id, &driver.name);
        }
        for ride in state.rides().iter() {
            let (pickup, dropoff) = (names.network.coord(ride.pickup), names.network.coord(ride.dropoff));
            names.add_ride(ride.id, Ride { rider: ride.rider.clone(), request: ride.request, pickup, dropoff });
        }
        names
    }

    /// Learns the names that a turn brings, and forgets those of rides and drivers that left the state with it.
    pub fn learn(&mut self, turn: &Turn) {
        for event in &turn.events {
            match event {
                Event::ShiftStarted(started) => self.add_driver(started.driver, &started.name),
                Event::RideRequested(asked) => {
                    let request = turn.key.filter(|_| matches!(turn.command, Command::RequestRide(_)));
                    let (pickup, dropoff) = (self.network.coord(asked.pickup), self.network.coord(asked.dropoff));
                    self.add_ride(asked.ride, Ride { rider: asked.rider.clone(), request, pickup, dropoff });
                }
                Event::RideRetired { ride } => {
                    if let Some(Ride { request: Some(key), .. }) = self.rides.remove(ride) {
                        self.by_request.remove(&key);
                    }
                }
                Event::DriverForgotten { driver } => {
                    let known = self.drivers.get_mut(driver.index());
                    if let Some((_, name)) = known.and_then(|known| known.take_if(|(id, _)| id == driver)) {
                        self.by_name.remove(&name);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_driver(&mut self, driver: DriverId, name: &Name) {
        let place = driver.index();
        if self.drivers.len() <= place {
            self.drivers.resize(place + 1, None);
        }
        if self.drivers[place].as_ref().is_none_or(|(id, _)| *id != driver) {
            self.drivers[place] = Some((driver, name.clone()));
            self.by_name.insert(name.clone(), driver);
        }
    }

    fn add_ride(&mut self, id: RideId, ride: Ride) {
        if let Some(key) = ride.request {
            self.by_request.insert(key, id);
        }
        self.rides.insert(id, ride);
    }

    /// What the outside calls a driver.
    pub fn driver(&self, driver: DriverId) -> Option<&Name> {
        let (id, name) = self.drivers.get(driver.index())?.as_ref()?;
        (*id == driver).then_some(name)
    }

    /// What the market calls a driver.
    pub fn driver_id(&self, name: &Name) -> Option<DriverId> {
        self.by_name.get(name).copied()
    }

    /// A position as it waits for the market: its driver by number. `received`: the market's time at which it came.
    pub fn locate(&self, location: &Location, received: Millis) -> Waiting {
        let Position { driver, session, seq, place } = &location.position;
        Waiting {
            driver: self.driver_id(driver).unwrap_or(NO_DRIVER),
            session: Session(*session),
            seq: *seq,
            measured: location.measured.unwrap_or(received),
            coord: *place,
        }
    }

    /// The ride that an order asked for.
    pub fn requested_by(&self, key: Key) -> Option<RideId> {
        self.by_request.get(&key).copied()
    }

    /// Whose ride it is; `None`: it is not known.
    pub fn rider_of(&self, ride: RideRef) -> Option<&Name> {
        let number = match ride {
            RideRef::Number(ride) => ride,
            RideRef::Request(key) => self.requested_by(key)?,
        };
        self.rides.get(&number).map(|ride| &ride.rider)
    }

    /// Where a place on the streets is on the globe.
    pub(super) fn coord(&self, place: hansom_geo_index::Position) -> Coord {
        self.network.coord(place)
    }

    pub(super) fn ride(&self, ride: RideId) -> Option<&Ride> {
        self.rides.get(&ride)
    }

    /// The command that an order is, and its key. A name that nobody has becomes a number that nobody has, so that the
    /// market refuses the order and the refusal is a turn.
    pub fn resolve(&self, order: Order) -> (Key, Command) {
        let driver = |name: Name| self.driver_id(&name).unwrap_or(NO_DRIVER);
        let number = |ride| match ride {
            RideRef::Number(ride) => ride,
            RideRef::Request(key) => self.requested_by(key).unwrap_or(NO_RIDE),
        };
        let command = match order.body {
            Body::StartShift(it) => Command::StartShift(Box::new(StartShift {
                driver: it.driver,
                place: it.place,
                seats: it.seats,
                class: it.class,
                autonomous: it.autonomous,
                until: it.until,
                home: it.home,
                rating: it.rating.0,
            })),
            Body::OpenSession(it) => Command::OpenSession { driver: driver(it.driver) },
            Body::EndShift(it) => Command::EndShift { driver: driver(it.driver), session: Session(it.session) },
            Body::RequestRide(it) => Command::RequestRide(Box::new(RequestRide {
                blocked: self.blocked(&it.blocked),
                rider: it.rider,
                pickup: it.pickup,
                dropoff: it.dropoff,
                seats: it.seats,
                class: it.class,
                tier: it.tier,
            })),
            Body::CancelRide(it) => Command::CancelRide { ride: number(it.ride) },
            Body::AcceptOffer(it) => Command::AcceptOffer {
                driver: driver(it.driver),
                ride: number(it.ride),
                epoch: it.epoch,
                session: Session(it.session),
            },
            Body::DeclineOffer(it) => Command::DeclineOffer {
                driver: driver(it.driver),
                ride: number(it.ride),
                epoch: it.epoch,
                session: Session(it.session),
            },
            Body::ArriveAtPickup(it) => Command::ArriveAtPickup {
                driver: driver(it.driver),
                ride: number(it.ride),
                session: Session(it.session),
            },
            Body::BoardRider(it) => {
                Command::BoardRider { driver: driver(it.driver), ride: number(it.ride), session: Session(it.session) }
            }
            Body::EndTrip(it) => Command::EndTrip {
                driver: driver(it.driver),
                ride: number(it.ride),
                place: it.place,
                session: Session(it.session),
            },
            Body::CancelByDriver(it) => Command::CancelByDriver {
                driver: driver(it.driver),
                ride: number(it.ride),
                session: Session(it.session),
            },
        };
        (order.key, command)
    }

    /// Ascending, each once; those who never were on shift here have no number, and cannot be met yet.
    fn blocked(&self, names: &[Name]) -> Box<[DriverId]> {
        let mut blocked: Vec<DriverId> = names.iter().filter_map(|name| self.driver_id(name)).collect();
        blocked.sort_unstable();
        blocked.dedup();
        blocked.into()
    }
}
