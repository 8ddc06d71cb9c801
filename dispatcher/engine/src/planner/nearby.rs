//! The vehicles from which a pickup is reached soonest: those of the crossings around it, nearest first.
//!
//! A vehicle leaves its street by a crossing ahead, so it is found no later than at the crossing whose time is its own.

use hansom_geo_index::route::{Near, Times};
use hansom_geo_index::{EdgeId, Network, NodeId, Position};

/// Below this many vehicles asking each of them costs less than a search.
const FEW: usize = 400;

/// Vehicles by the crossings ahead of them. Made once for a batch, asked for each of its pickups.
#[derive(Debug)]
pub(super) struct Nearby {
    near: Near,
    first: Vec<u32>,
    indices: Vec<u32>,
    /// In which round each vehicle was last met.
    met: Vec<u32>,
    round: u32,
    few: usize,
}

impl Nearby {
    pub fn new(network: &Network) -> Self {
        Self { near: Near::new(network), first: Vec::new(), indices: Vec::new(), met: Vec::new(), round: 0, few: FEW }
    }

    /// Takes in where the vehicles are.
    pub fn place(&mut self, network: &Network, places: impl ExactSizeIterator<Item = Position> + Clone) {
        self.met.clear();
        self.met.resize(places.len(), 0);
        self.round = 0;
        self.indices.clear();
        if places.len() <= self.few {
            return;
        }
        self.first.clear();
        self.first.resize(network.node_count() + 1, 0);
        for node in places.clone().flat_map(|place| ahead(network, place.edge)) {
            self.first[node as usize + 1] += 1;
        }
        for node in 0..network.node_count() {
            self.first[node + 1] += self.first[node];
        }
        self.indices.resize(self.first[network.node_count()] as usize, 0);
        for (index, place) in places.enumerate() {
            for node in ahead(network, place.edge) {
                // Counts its start down to where the crossing before ends; restored below.
                let slot = &mut self.first[node as usize + 1];
                *slot -= 1;
                self.indices[*slot as usize] = index as u32;
            }
        }
        let all = self.indices.len() as u32;
        self.first.rotate_left(1);
        self.first[network.node_count()] = all;
    }

    /// Visits every vehicle that may be within `within_ms` of `pickup`, and perhaps others, each once. `visit` answers
    /// with how far it is still worth to look, ms.
    pub fn visit(&mut self, times: &Times, pickup: Position, within_ms: u32, mut visit: impl FnMut(usize) -> u32) {
        if self.indices.is_empty() {
            (0..self.met.len()).for_each(|index| {
                visit(index);
            });
            return;
        }
        self.round += 1;
        let Self { near, first, indices, met, round, .. } = self;
        let mut within_ms = within_ms;
        let mut meet = |node: NodeId, within_ms: &mut u32| {
            for slot in first[node.0 as usize]..first[node.0 as usize + 1] {
                let index = indices[slot as usize] as usize;
                if met[index] != *round {
                    met[index] = *round;
                    *within_ms = visit(index);
                }
            }
        };
        // Vehicles on the pickup's own street may reach it without a crossing.
        for node in ahead(times.network(), pickup.edge) {
            meet(NodeId(node), &mut within_ms);
        }
        near.toward(times, pickup, |node, ms| {
            if ms > within_ms {
                return false;
            }
            meet(node, &mut within_ms);
            true
        });
    }
}

/// The crossings by which a vehicle leaves its street: one, or two if it may turn around.
fn ahead(network: &Network, edge: EdgeId) -> impl Iterator<Item = u32> + Clone + use<> {
    let own = network.to()[edge.0 as usize];
    let turned = network.twin(edge).map(|twin| network.to()[twin.0 as usize]).filter(|node| *node != own);
    std::iter::once(own).chain(turned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_geo_index::network::sample;
    use hansom_geo_index::route::{Router, TravelTimes};
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// The nearest five by a search are the nearest five of all, ties by index included.
        #[test]
        fn a_search_finds_what_asking_all_finds(
            seed in any::<u64>(),
            nodes in 2..40_u32,
            pickups in prop::collection::vec((any::<u32>(), any::<u16>()), 1..4),
            vehicles in prop::collection::vec((any::<u32>(), any::<u16>()), 1..60),
        ) {
            let network = Arc::new(sample::town(seed, nodes, 1));
            let times = Router::new(network.clone()).times(hansom_geo_index::WeightsVersion(0));
            let place = |(edge, along): &(u32, u16)| Position {
                edge: EdgeId(edge % network.edge_count() as u32),
                along: *along,
            };
            let vehicles: Vec<Position> = vehicles.iter().map(place).collect();
            let mut nearby = Nearby { few: 0, ..Nearby::new(&network) };
            nearby.place(&network, vehicles.iter().copied());
            for pickup in pickups.iter().map(place) {
                let mut found: Vec<(u32, usize)> = Vec::new();
                nearby.visit(&times, pickup, 60_000, |index| {
                    found.push((times.time(vehicles[index], pickup), index));
                    found.sort_unstable();
                    found.truncate(5);
                    if found.len() == 5 { found[4].0.min(60_000) } else { 60_000 }
                });
                found.retain(|(ms, _)| *ms <= 60_000);
                let all = vehicles.iter().enumerate().map(|(index, place)| (times.time(*place, pickup), index));
                let mut all: Vec<(u32, usize)> = all.filter(|(ms, _)| *ms <= 60_000).collect();
                all.sort_unstable();
                all.truncate(5);
                prop_assert_eq!(found, all);
            }
        }
    }
}
