//! Demand: who asks for a ride, when and from where to where.
//!
//! The nouns: a [`Request`] is one row of demand, [`Places`] are streets to draw a place from. Knows the common request
//! CSV and the demand model; refuses to know riders, who behave, and the dispatcher, who answers.

mod error;
mod file;
mod model;
pub(crate) mod place;
pub(crate) mod row;

use hansom_geo_index::{Coord, Millis, Network};

pub use error::DemandError;
pub use file::{Quarantined, RequestFile};
pub use place::Places;
pub use row::RowFault;

use crate::scenario::{Demand, Scenario};

/// Somebody wants a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: Millis,
    /// From where, not yet on a street.
    pub pickup: Coord,
    /// To where, not yet on a street.
    pub dropoff: Coord,
    /// Seats.
    pub seats: u8,
}

/// The requests of a scenario's period, in order of time, and the rows of a file that are none.
pub fn requests(scenario: &Scenario, network: &Network) -> Result<RequestFile, DemandError> {
    match &scenario.demand {
        Demand::File(path) => RequestFile::read(path, scenario.period),
        Demand::Model(model) => {
            let requests = model::draw(model, scenario.seed, scenario.period, network)?;
            Ok(RequestFile { requests, quarantined: Vec::new() })
        }
    }
}
