//! What the outside calls drivers and rides, and what the market does.

use super::collector::{NOBODY, Waiting};
use super::decode::Order;
use super::field::RideRef;
use super::location::{Location, Position};
use super::order::Body;
use hansom_engine::domain::Session;
use hansom_engine::record::{RequestRide, StartShift};
use hansom_engine::{Command, DriverId, Event, Key, Name, RideId, State, Turn};
use hansom_geo_index::{Coord, Millis, Network};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

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
    /// The places of drivers by their names, which stand there: a table that doubles itself is small beside them.
    by_name: HashTable<u32>,
    hasher: RandomState,
    // Trees, as a table of what comes and goes doubles itself although there are no more of it.
    rides: BTreeMap<RideId, Ride>,
    by_request: BTreeMap<Key, RideId>,
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
            by_name: HashTable::new(),
            hasher: RandomState::new(),
            rides: BTreeMap::new(),
            by_request: BTreeMap::new(),
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
                Event::DriverForgotten { driver } => self.remove_driver(*driver),
                _ => {}
            }
        }
    }

    fn add_driver(&mut self, driver: DriverId, name: &Name) {
        let place = driver.index();
        if self.drivers.len() <= place {
            self.drivers.resize(place + 1, None);
        }
        match &self.drivers[place] {
            Some((id, _)) if *id == driver => return,
            Some((id, _)) => self.remove_driver(*id),
            None => {}
        }
        self.drivers[place] = Some((driver, name.clone()));
        let Self { drivers, by_name, hasher, .. } = self;
        let name_at = |place: &u32| drivers[*place as usize].as_ref().map(|(_, name)| name);
        let hash = |place: &u32| hasher.hash_one(name_at(place));
        let place = place as u32;
        match by_name.entry(hash(&place), |known| name_at(known) == Some(name), hash) {
            Entry::Occupied(mut known) => *known.get_mut() = place,
            Entry::Vacant(vacant) => _ = vacant.insert(place),
        }
    }

    fn remove_driver(&mut self, driver: DriverId) {
        let Some(known) = self.drivers.get_mut(driver.index()) else { return };
        let Some((_, name)) = known.take_if(|(id, _)| *id == driver) else { return };
        let place = driver.index() as u32;
        if let Ok(entry) = self.by_name.find_entry(self.hasher.hash_one(Some(&name)), |known| *known == place) {
            entry.remove();
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
        let known = |place: &u32| self.drivers.get(*place as usize)?.as_ref();
        let is_he = |place: &u32| known(place).is_some_and(|(_, theirs)| theirs == name);
        let place = self.by_name.find(self.hasher.hash_one(Some(name)), is_he)?;
        known(place).map(|(driver, _)| *driver)
    }

    /// A position as it waits for the market: its driver by number. `received`: the market's time at which it came.
    pub fn locate(&self, location: &Location, received: Millis) -> Waiting {
        let Position { driver, session, seq, place } = &location.position;
        Waiting {
            driver: self.driver_id(driver).unwrap_or(NOBODY),
            session: Session(*session),
            seq: *seq,
            measured: location.measured.unwrap_or(received),
            coord: *place,
            ticket: 0,
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
        let driver = |name: Name| self.driver_id(&name).unwrap_or(NOBODY);
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

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_engine::domain::Settings;
    use hansom_geo_index::network::sample;
    use proptest::prelude::*;

    proptest! {
        /// Two plain maps, one each way, are the oracle. Places are taken by another driver without a word, and names by another
        /// place: no market does either, but a name is then still that of whoever took it last, until he leaves.
        #[test]
        fn drivers_are_known_by_name_and_number(
            steps in prop::collection::vec((0..40_u32, 0..3_u32, 0..60_u32, any::<bool>()), 1..200),
        ) {
            let network = Arc::new(sample::grid(2, 2, 100_000, 10_000));
            let state = State::new(Settings::default(), &network, Millis(0));
            let mut names = Names::of(&state, network);
            let mut of_place: BTreeMap<usize, (DriverId, Name)> = BTreeMap::new();
            let mut by_name: BTreeMap<Name, usize> = BTreeMap::new();
            for (place, heirs, name, comes) in steps {
                let driver = (0..heirs).fold(DriverId(place), |driver, _| driver.heir());
                let name = Name::from(format!("driver {name}").as_str());
                let known = of_place.get(&driver.index()).cloned();
                let is_he = known.as_ref().is_some_and(|(id, _)| *id == driver);
                if comes {
                    names.add_driver(driver, &name);
                } else {
                    names.remove_driver(driver);
                }
                if comes != is_he {
                    if let Some((_, old)) = known {
                        by_name.retain(|name, place| *name != old || *place != driver.index());
                        of_place.remove(&driver.index());
                    }
                    if comes {
                        by_name.insert(name.clone(), driver.index());
                        of_place.insert(driver.index(), (driver, name));
                    }
                }
                prop_assert_eq!(names.driver(driver).is_some(), comes);
                for (id, name) in of_place.values() {
                    prop_assert_eq!(names.driver(*id), Some(name));
                }
                for name in (0..60).map(|name| Name::from(format!("driver {name}").as_str())) {
                    let expected = by_name.get(&name).map(|place| of_place[place].0);
                    prop_assert_eq!(names.driver_id(&name), expected);
                }
                prop_assert_eq!(names.by_name.len(), by_name.len());
            }
        }
    }
}
