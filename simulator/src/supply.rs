//! Supply: the vehicles of a scenario, where they start and when they are on shift.

mod file;

use hansom_geo_index::place::TooFar;
use hansom_geo_index::{EdgeId, Millis, Position};

use crate::city::City;
use crate::demand::{Places, Request};
use crate::rng::{Purpose, Stream};
use crate::scenario::{Fleet, Place, Scenario};

pub use file::SupplyError;

/// A vehicle with its driver, before its shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// What the vehicle is called.
    pub vehicle: Box<str>,
    /// What the driver is called.
    pub name: Box<str>,
    /// Where the shift starts.
    pub place: Position,
    /// When it starts.
    pub start: Millis,
    /// When it ends; `None`: with the run.
    pub end: Option<Millis>,
    /// Seats for riders.
    pub seats: u8,
    /// Accepts at once, never cancels, never goes dark.
    pub autonomous: bool,
}

/// How often a vehicle draws another request to start at, if the pickup is on no street.
const TRIES: u64 = 64;

/// The vehicles of `scenario`, whose demand is `requests`. Vehicle i is the same however many there are.
pub fn drivers(scenario: &Scenario, city: &City, requests: &[Request]) -> Result<Vec<Driver>, SupplyError> {
    match &scenario.supply.fleet {
        Fleet::Drawn { vehicles, place } => Ok(drawn(scenario, city, requests, *vehicles, *place)),
        Fleet::Listed { file, vehicles } => file::read(scenario, city, file, *vehicles),
    }
}

fn drawn(scenario: &Scenario, city: &City, requests: &[Request], vehicles: u32, place: Place) -> Vec<Driver> {
    let supply = &scenario.supply;
    let start_place = StartPlaces {
        stream: Stream::new(scenario.seed, Purpose::StartPlace),
        city,
        limit_mm: scenario.snap.0,
        everywhere: Places::everywhere(&city.network),
        requests: match place {
            Place::Demand => requests,
            Place::Uniform => &[],
        },
    };
    let driver = |vehicle: u32| Driver {
        vehicle: format!("v{vehicle}").into(),
        name: format!("d{vehicle}").into(),
        place: start_place.of(vehicle),
        start: supply.shift_start.unwrap_or(scenario.period.start).max(scenario.period.start),
        end: supply.shift_end,
        seats: supply.seats,
        autonomous: supply.autonomous,
    };
    (0..vehicles).map(driver).collect()
}

/// Where drawn vehicles start.
struct StartPlaces<'a> {
    stream: Stream,
    city: &'a City,
    limit_mm: i64,
    everywhere: Places,
    /// Empty: anywhere.
    requests: &'a [Request],
}

impl StartPlaces<'_> {
    fn of(&self, vehicle: u32) -> Position {
        let draw = |ordinal| self.stream.draw(u64::from(vehicle), ordinal);
        let pickup = |ordinal| {
            let request = self.requests.get(draw(ordinal).below(self.requests.len() as u64) as usize)?;
            let snap = self.city.snap.nearest(&self.city.network, request.pickup, self.limit_mm);
            snap.map(|snap| snap.position).map_err(|TooFar { .. }| ()).ok()
        };
        let on_street = (0..TRIES).find_map(pickup);
        let anywhere = || self.everywhere.pick(draw(TRIES));
        // Where all streets have length 0, every place is as good as the first.
        on_street.or_else(anywhere).unwrap_or(Position { edge: EdgeId(0), along: 0 })
    }
}
