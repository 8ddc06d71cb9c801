//! What all markets of one network share.

use hansom_engine::Desk;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_geo_index::Network;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;
use std::sync::Arc;

/// A network, ready to be dispatched on.
#[derive(Debug, Clone)]
pub struct Streets {
    /// The network.
    pub network: Arc<Network>,
    /// Travel times on it.
    pub router: Arc<Router>,
    /// Places on it.
    pub snap: Arc<SnapIndex>,
}

impl Streets {
    /// Prepares a network.
    pub fn new(network: Arc<Network>) -> Self {
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        Self { network, router, snap }
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::new(self.network.clone(), self.router.clone(), self.snap.clone())
    }

    /// The product's own planner on it.
    pub fn planner(&self) -> BatchPlanner {
        BatchPlanner::new(self.network.clone(), self.router.clone())
    }
}
