//! The table of drivers: dense, by place, and no larger than the most that were remembered at once.

use super::Driver;
use crate::domain::{DriverId, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Drivers by number and by name.
#[derive(Debug, Clone, Default)]
pub struct Drivers {
    /// Each at his place.
    places: Vec<Option<Driver>>,
    /// The numbers that the places which were left will have next.
    left: BTreeSet<DriverId>,
    names: BTreeMap<Name, DriverId>,
}

impl Drivers {
    /// The table of these drivers, ascending by place, and of these numbers for the places between them. `None`: they are
    /// not all places, each once, or two drivers have one name.
    pub fn of(drivers: Vec<Driver>, left: Vec<DriverId>) -> Option<Self> {
        let count = drivers.len() + left.len();
        // Collected and not inserted one by one: sorted once, then built.
        let names: BTreeMap<_, _> = drivers.iter().map(|driver| (driver.name.clone(), driver.id)).collect();
        let mut empty: BTreeSet<usize> = left.iter().map(|id| id.index()).collect();
        if names.len() != drivers.len() || empty.len() != left.len() || count > DriverId::MOST {
            return None;
        }
        let mut places = Vec::with_capacity(count);
        for driver in drivers {
            while empty.remove(&places.len()) {
                places.push(None);
            }
            if driver.id.index() != places.len() {
                return None;
            }
            places.push(Some(driver));
        }
        while empty.remove(&places.len()) {
            places.push(None);
        }
        empty.is_empty().then(|| Self { places, left: left.into_iter().collect(), names })
    }

    /// The driver with this number.
    pub fn get(&self, id: DriverId) -> Option<&Driver> {
        self.places.get(id.index())?.as_ref().filter(|driver| driver.id == id)
    }

    /// The driver with this number, to be changed.
    pub fn get_mut(&mut self, id: DriverId) -> Option<&mut Driver> {
        self.places.get_mut(id.index())?.as_mut().filter(|driver| driver.id == id)
    }

    /// The driver with this name.
    pub fn by_name(&self, name: &Name) -> Option<DriverId> {
        self.names.get(name).copied()
    }

    /// All drivers, in order of place.
    pub fn iter(&self) -> impl Iterator<Item = &Driver> {
        self.places.iter().flatten()
    }

    /// The drivers at every `step`-th place from `first` on.
    pub fn every(&self, first: usize, step: usize) -> impl Iterator<Item = &Driver> {
        self.places.iter().skip(first).step_by(step).flatten()
    }

    /// How many drivers there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The numbers of the places that were left, ascending.
    pub fn left(&self) -> impl ExactSizeIterator<Item = DriverId> + '_ {
        self.left.iter().copied()
    }

    /// The number that the next new driver gets; `None`: there is no place for one more.
    pub fn next_id(&self) -> Option<DriverId> {
        let fresh = || (self.places.len() < DriverId::MOST).then_some(DriverId(self.places.len() as u32));
        self.left.first().copied().or_else(fresh)
    }

    /// Puts a driver at his place: in his own stead, or where a new one belongs.
    pub fn put(&mut self, driver: Driver) {
        let (id, place) = (driver.id, driver.id.index());
        if place == self.places.len() {
            self.places.push(None);
        }
        let Some(slot) = self.places.get_mut(place) else { return };
        if slot.as_ref().is_none_or(|known| known.id != id) {
            self.left.remove(&id);
            self.names.insert(driver.name.clone(), id);
        }
        *slot = Some(driver);
    }

    /// Takes a driver out. Whoever comes next gets his place.
    pub fn take(&mut self, id: DriverId) -> Option<Driver> {
        let driver = self.places.get_mut(id.index())?.take_if(|driver| driver.id == id)?;
        self.names.remove(&driver.name);
        self.left.insert(id.heir());
        Some(driver)
    }
}
