//! Matching problems and their answers as JSON, a line each.

use std::collections::BTreeSet;

use hansom_engine::planner::MatchingProblem;
use hansom_engine::planner::batch::{Matrix, Row};
use hansom_engine::record::{Proposal, Proposed};
use hansom_engine::{DriverId, Offset, RideId};
use hansom_geo_index::{Network, Position};
use serde::{Deserialize, Serialize};

/// Why an answer is not that of a question.
#[derive(Debug, thiserror::Error)]
pub enum WrongAnswer {
    /// Not an object with `basis` and `changes`.
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
    /// The answer to another question.
    #[error("it is to question {given}, but {asked} was asked")]
    OtherBasis {
        /// What it says.
        given: u64,
        /// What was asked.
        asked: u64,
    },
    /// A ride and a driver who may not serve it.
    #[error("driver {driver} is not among the arcs of ride {ride}")]
    NoSuchArc {
        /// The ride.
        ride: u32,
        /// The driver.
        driver: u32,
    },
    /// A ride or driver with two assignments.
    #[error("{what} {number} is assigned twice")]
    Twice {
        /// A ride or a driver.
        what: &'static str,
        /// Which.
        number: u32,
    },
}

/// Degrees.
#[derive(Serialize)]
struct Place {
    lat: f64,
    lon: f64,
}

#[derive(Serialize)]
struct Question {
    basis: u64,
    at: i64,
    rides: Vec<Waiting>,
    vehicles: Vec<Vehicle>,
}

#[derive(Serialize)]
struct Waiting {
    ride: u32,
    waited_ms: i64,
    pickup: Place,
    dropoff: Place,
    seats: u8,
    class: u8,
    tier: u8,
    fare_minor: i64,
    /// What it costs to leave it open.
    unserved: i64,
    arcs: Vec<Arc>,
}

#[derive(Serialize)]
struct Arc {
    driver: u32,
    eta_ms: u32,
    cost: i64,
}

#[derive(Serialize)]
struct Vehicle {
    driver: u32,
    /// Where it is, or will be when it has ended its ride.
    place: Place,
    busy: bool,
    seats: u8,
    class: u8,
    rating: u16,
}

#[derive(Deserialize)]
struct Answer {
    basis: u64,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    ride: u32,
    driver: u32,
}

/// The question as a line. Besides what the problem holds it has the pairs that are allowed, with time and cost.
pub fn question(problem: &MatchingProblem<'_>, matrix: &Matrix, network: &Network) -> Vec<u8> {
    let place = |position: Position| {
        let coord = network.coord(position);
        Place { lat: f64::from(coord.lat) / 1e7, lon: f64::from(coord.lon) / 1e7 }
    };
    let ride = |(open, row): (&hansom_engine::planner::OpenRide, &Row)| Waiting {
        ride: open.ride.0,
        waited_ms: (problem.at - open.requested_at).0,
        pickup: place(open.pickup),
        dropoff: place(open.dropoff),
        seats: open.seats,
        class: open.class,
        tier: open.tier,
        fare_minor: open.fare.0,
        unserved: row.unserved,
        arcs: row
            .arcs
            .iter()
            .map(|arc| Arc { driver: arc.driver.0, eta_ms: arc.eta_ms, cost: arc.terms.total() })
            .collect(),
    };
    let vehicle = |vehicle: &hansom_engine::state::Vehicle| Vehicle {
        driver: vehicle.driver.0,
        place: place(vehicle.start),
        busy: vehicle.ahead.is_some(),
        seats: vehicle.seats,
        class: vehicle.class,
        rating: vehicle.rating,
    };
    // Those that nobody may be given are left out; the rest in order of driver, which does not depend on history.
    let mut vehicles: Vec<Vehicle> = problem
        .free
        .iter()
        .chain(problem.ending.iter())
        .filter(|vehicle| matrix.drivers.binary_search(&vehicle.driver).is_ok())
        .map(vehicle)
        .collect();
    vehicles.sort_by_key(|vehicle| vehicle.driver);
    let rides = problem.rides.iter().zip(&matrix.rows).map(ride).collect();
    let question = Question { basis: problem.basis.0, at: problem.at.0, rides, vehicles };
    // Our own structs of numbers.
    let mut line = serde_json::to_vec(&question).expect("structs of numbers become JSON");
    line.push(b'\n');
    line
}

/// The proposal of an answer, in order of ride.
pub fn answer(line: &[u8], asked: Offset, matrix: &Matrix) -> Result<Proposal, WrongAnswer> {
    let Answer { basis, changes } = serde_json::from_slice(line)?;
    if basis != asked.0 {
        return Err(WrongAnswer::OtherBasis { given: basis, asked: asked.0 });
    }
    let (mut rides, mut drivers) = (BTreeSet::new(), BTreeSet::new());
    let mut proposed = Vec::with_capacity(changes.len());
    for Change { ride, driver } in changes {
        let row = matrix.rows.iter().find(|row| row.ride == RideId(ride));
        let arc = row.and_then(|row| row.arcs.iter().find(|arc| arc.driver == DriverId(driver)));
        let arc = arc.ok_or(WrongAnswer::NoSuchArc { ride, driver })?;
        if !rides.insert(ride) {
            return Err(WrongAnswer::Twice { what: "ride", number: ride });
        }
        if !drivers.insert(driver) {
            return Err(WrongAnswer::Twice { what: "driver", number: driver });
        }
        let (pickup_eta_ms, terms) = (arc.eta_ms, arc.terms);
        proposed.push(Proposed { ride: RideId(ride), driver: DriverId(driver), pickup_eta_ms, terms });
    }
    proposed.sort_by_key(|change| change.ride);
    Ok(Proposal { basis: asked, changes: proposed })
}
