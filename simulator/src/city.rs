//! The streets of a run, prepared once for all runs on them.

use std::sync::Arc;

use hansom_geo_index::Network;
use hansom_geo_index::import::{self, ImportError, ImportReport, synthetic};
use hansom_geo_index::network::FileError;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;

use crate::scenario::{StreetSource, Streets};

/// A network with what finds ways and places on it. Cloning shares it.
#[derive(Debug, Clone)]
pub struct City {
    /// The streets.
    pub network: Arc<Network>,
    /// Ways and travel times.
    pub router: Arc<Router>,
    /// Places on the streets.
    pub snap: Arc<SnapIndex>,
}

/// Why the streets of a scenario cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CityError {
    /// The CSV folder is none.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The network file is none.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no such procedural city.
    #[error(transparent)]
    Unknown(#[from] synthetic::UnknownCity),
}

impl City {
    /// Prepares a network.
    pub fn new(network: Network) -> Self {
        let network = Arc::new(network);
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        Self { network, router, snap }
    }

    /// The city of a scenario; with what an import left out, if it was one.
    pub fn load(streets: &Streets) -> Result<(Self, Option<ImportReport>), CityError> {
        let (network, report) = match &streets.source {
            StreetSource::Csv(folder) => {
                let (network, report) = import::csv::read(folder, streets.speed.0 as f64 / 1000.0)?;
                (network, Some(report))
            }
            StreetSource::File(path) => (Network::open(path)?, None),
            StreetSource::Synthetic(name) => (synthetic::city(name, synthetic::DEFAULT_SEED)?, None),
        };
        Ok((Self::new(network), report))
    }

    /// Whether travel times differ by hour.
    pub fn is_profiled(&self) -> bool {
        self.network.version_count() > 1
    }
}
