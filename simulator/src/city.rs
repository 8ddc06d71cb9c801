//! The streets of a run, prepared once for all runs on them.

use std::sync::Arc;

use hansom_geo_index::Network;
use hansom_geo_index::import::ImportReport;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;

use crate::scenario::{Streets, StreetsError};

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

impl City {
    /// Prepares a network.
    pub fn new(network: Network) -> Self {
        let network = Arc::new(network);
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        Self { network, router, snap }
    }

    /// The city of a scenario; with what an import left out, if it was one.
    pub fn load(streets: &Streets) -> Result<(Self, Option<ImportReport>), StreetsError> {
        let (network, report) = streets.load()?;
        Ok((Self::new(network), report))
    }

    /// The same as the market sees it.
    pub(crate) fn streets(&self) -> hansom_market::Streets {
        let Self { network, router, snap } = self.clone();
        hansom_market::Streets { network, router, snap }
    }

    /// Whether travel times differ by hour.
    pub fn is_profiled(&self) -> bool {
        self.network.version_count() > 1
    }
}
