//! The travel times of all weights versions of one network.

use std::sync::{Arc, Mutex, PoisonError};

use super::cch::Hierarchy;
use super::times::Times;
use crate::network::{Network, WeightsVersion};

/// Versions kept.
const VERSIONS: usize = 4;

/// The most that all rows, or else the labels, of one version may take: 8,000 nodes with short rows, 5,700 with long ones.
/// Larger networks answer pair by pair.
const VERSION_BYTES: usize = 128 << 20;

/// Rows or labels kept, all versions together: four full tables of Manhattan.
const ROW_BYTES: usize = 160 << 20;

/// Hands out travel times by weights version, and keeps those used last.
#[derive(Debug)]
pub struct Router {
    network: Arc<Network>,
    hierarchy: Arc<Hierarchy>,
    /// The last used comes last.
    kept: Mutex<Vec<Arc<Times>>>,
}

impl Router {
    /// Prepares `network` for routing, once for all weights: 10 ms for 4,000 nodes, 0.7 s for 264,000.
    ///
    /// Most of that goes into the order of contraction, which an imported file brings along.
    pub fn new(network: Arc<Network>) -> Self {
        let hierarchy = Arc::new(Hierarchy::new(network.order(), network.from(), network.to()));
        Self { network, hierarchy, kept: Mutex::new(Vec::new()) }
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Travel times under `version`, prepared now if they are not kept: about 2 ms for 4,000 nodes, 0.1 s for 264,000;
    /// whoever asks meanwhile waits.
    ///
    /// # Panics
    ///
    /// If the network has no such version.
    pub fn times(&self, version: WeightsVersion) -> Arc<Times> {
        // Whoever panicked in here left the list whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let times = if let Some(at) = kept.iter().position(|times| times.version() == version) {
            kept.remove(at)
        } else {
            let (network, hierarchy) = (Arc::clone(&self.network), Arc::clone(&self.hierarchy));
            Arc::new(Times::new(network, hierarchy, version, VERSION_BYTES))
        };
        let mut bytes = times.held_bytes();
        let fits = |times: &&Arc<Times>| {
            bytes += times.held_bytes();
            bytes <= ROW_BYTES
        };
        let room = kept.iter().rev().take(VERSIONS - 1).take_while(fits).count();
        let surplus = kept.len() - room;
        kept.drain(..surplus);
        kept.push(Arc::clone(&times));
        times
    }
}
