//! Vehicles that may get a ride, as matching sees them: side by side, for one pass over all of them.

use crate::domain::DriverId;
use hansom_geo_index::{Coord, Millis, Position};

/// What matching knows of a vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vehicle {
    /// Whose.
    pub driver: DriverId,
    /// Where it starts toward a pickup: where it is, or its last stop.
    pub start: Position,
    /// What it has to do before that; `None`: nothing, it is free.
    pub ahead: Option<Box<Ahead>>,
    /// When it was last heard.
    pub heard: Millis,
    /// When the driver means to stop.
    pub until: Option<Millis>,
    /// Where the driver lives.
    pub home: Option<Coord>,
    /// Seats for riders.
    pub seats: u8,
    /// Vehicle class.
    pub class: u8,
    /// Rating in hundredths of a star.
    pub rating: u16,
    /// How many offers the driver got …
    pub offers: u32,
    /// … how many of them failed …
    pub failed_offers: u32,
    /// … and how many rides he cancelled.
    pub cancels: u32,
}

/// What a vehicle has to do before it is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Where it was last seen …
    pub anchor: Position,
    /// … and when.
    pub anchor_at: Millis,
    /// Its stops, each with the time it takes there, ms; the last one is the vehicle's `start`.
    pub stops: Vec<(Position, i64)>,
}

/// A set of vehicles, one per driver. The order in it depends on its history: no answer may depend on it.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    vehicles: Vec<Vehicle>,
    slots: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;

impl Pool {
    /// All vehicles, in no order.
    pub fn vehicles(&self) -> &[Vehicle] {
        &self.vehicles
    }

    /// The driver's vehicle, if it is in the pool.
    pub fn get(&self, driver: DriverId) -> Option<&Vehicle> {
        self.at(driver.index()).filter(|vehicle| vehicle.driver == driver)
    }

    /// The vehicle of the driver at a place, if it is in the pool.
    pub fn at(&self, place: usize) -> Option<&Vehicle> {
        self.vehicles.get(*self.slots.get(place)? as usize)
    }

    pub(crate) fn get_mut(&mut self, driver: DriverId) -> Option<&mut Vehicle> {
        let vehicle = self.vehicles.get_mut(*self.slots.get(driver.index())? as usize);
        vehicle.filter(|vehicle| vehicle.driver == driver)
    }

    pub(crate) fn insert(&mut self, vehicle: Vehicle) {
        let index = vehicle.driver.index();
        if self.slots.len() <= index {
            self.slots.resize(index + 1, ABSENT);
        }
        if self.slots[index] == ABSENT {
            self.slots[index] = self.vehicles.len() as u32;
            self.vehicles.push(vehicle);
        } else {
            self.vehicles[self.slots[index] as usize] = vehicle;
        }
    }

    pub(crate) fn remove(&mut self, driver: DriverId) {
        if self.get(driver).is_none() {
            return;
        }
        let Some(slot) = self.slots.get_mut(driver.index()) else { return };
        let place = std::mem::replace(slot, ABSENT) as usize;
        self.vehicles.swap_remove(place);
        if let Some(moved) = self.vehicles.get(place) {
            self.slots[moved.driver.index()] = place as u32;
        }
    }
}
