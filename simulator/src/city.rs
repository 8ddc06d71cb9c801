//! The streets of a run, prepared once for all runs on them.

use std::sync::Arc;

use hansom_geo_index::import::ImportReport;

use crate::scenario::{Streets, StreetsError};

/// A network with what finds ways and places on it. Cloning shares it.
pub use hansom_market::Streets as City;

/// The city of a scenario; with what an import left out, if it was one.
pub fn load(streets: &Streets) -> Result<(City, Option<ImportReport>), StreetsError> {
    let (network, report) = streets.load()?;
    Ok((City::new(Arc::new(network)), report))
}
