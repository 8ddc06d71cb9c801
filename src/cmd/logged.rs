//! A log, with the streets that it is about.

use std::fs;
use std::path::Path;

use hansom_engine::record::Header;
use hansom_engine::{DriverId, Offset, RideId, State};
use hansom_geo_index::Millis;
use hansom_market::Streets;
use hansom_market::log::Reader;
use hansom_market::replay::{self, Replayed, Until};
use hansom_simulator::city;
use hansom_simulator::scenario::{Scenario, Timezone};
use serde_json::Value;

use crate::error::Error;

/// A log of a run, ready to be read more than once.
#[derive(Debug)]
pub struct Logged<'a> {
    folder: &'a Path,
    /// What was run, or the market that was served.
    pub scenario: Scenario,
    /// What holds for all turns.
    pub header: Header,
    /// The streets.
    pub streets: Streets,
}

impl<'a> Logged<'a> {
    /// Opens the log in the folder of a run, or in its own folder. Its header has the scenario, which names the streets.
    pub fn open(folder: &'a Path) -> Result<Self, Error> {
        let header = Reader::open(folder)?.header().clone();
        let scenario = Scenario::parse_logged(&format!("{}.toml", header.name), &header.scenario, folder)?;
        let (streets, _) = city::load(&scenario.network)?;
        Ok(Self { folder, scenario, header, streets })
    }

    /// The time zone of a log's scenario; UTC if that has none.
    pub fn zone(header: &Header) -> Timezone {
        let scenario = Scenario::parse_logged("log.toml", &header.scenario, Path::new(""));
        scenario.map_or_else(|_| Timezone::utc(), |scenario| scenario.timezone)
    }

    /// A reader at its first turn.
    pub fn reader(&self) -> Result<Reader, Error> {
        Ok(Reader::open(self.folder)?)
    }

    /// What the market knew after a turn.
    pub fn state_at(&self, offset: Offset) -> Result<Replayed, Error> {
        let mut reader = self.reader()?;
        Ok(replay::fold(&mut reader, &self.streets.network, Until::Offset(offset), |_, _| {})?)
    }

    /// The run's `summary.json`, if the log is in the folder of a run.
    pub fn summary(&self) -> Option<Value> {
        let beside = |folder: &Path| fs::read_to_string(folder.join("summary.json")).ok();
        let text = beside(self.folder).or_else(|| beside(self.folder.parent()?))?;
        serde_json::from_str(&text).ok()
    }

    /// An instant in local time.
    pub fn stamp(&self, at: Millis) -> String {
        self.scenario.timezone.stamp(at)
    }
}

/// What the outside calls a driver.
pub fn driver_name(state: &State, driver: DriverId) -> String {
    state.fleet().get(driver).map_or_else(|| driver.to_string(), |driver| driver.name.to_string())
}

/// Refuses a ride that the market has not seen.
pub fn known_ride(state: &State, ride: u32) -> Result<RideId, Error> {
    let last = state.rides().next_id().0.saturating_sub(1);
    if (1..=last).contains(&ride) { Ok(RideId(ride)) } else { Err(Error::NoRide { ride, last }) }
}
