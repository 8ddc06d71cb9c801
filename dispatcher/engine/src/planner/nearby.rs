//! The vehicles from which a pickup is reached soonest.
//!
//! Where vehicles are dense they are met at the crossings around the pickup, nearest first: a vehicle leaves its street by
//! a crossing ahead, so it is met no later than at the crossing whose time is its own. Where they are scarce the search
//! would wander far: after a counted number of crossings all vehicles are asked instead.

use hansom_geo_index::route::{Near, Origins, Times};
use hansom_geo_index::{EdgeId, Network, NodeId, Position};

/// Settling a crossing costs as much as asking this many vehicles.
const VEHICLES_PER_CROSSING: usize = 24;

/// Vehicles by the crossings ahead of them. Made once for a batch, asked for each of its pickups.
#[derive(Debug)]
pub(super) struct Nearby {
    near: Near,
    first: Vec<u32>,
    indices: Vec<u32>,
    /// In which round each vehicle was last met.
    met: Vec<u32>,
    round: u32,
    etas: Vec<u32>,
    vehicles_per_crossing: usize,
}

/// Travel time within which it is still worth to look, ms.
type Within = u32;

impl Nearby {
    pub fn new(network: &Network) -> Self {
        Self {
            near: Near::new(network),
            first: Vec::new(),
            indices: Vec::new(),
            met: Vec::new(),
            round: 0,
            etas: Vec::new(),
            vehicles_per_crossing: VEHICLES_PER_CROSSING,
        }
    }

    /// Takes in where the vehicles are.
    pub fn place(&mut self, network: &Network, places: &[Position]) {
        self.met.clear();
        self.met.resize(places.len(), 0);
        self.etas.resize(places.len(), 0);
        self.round = 0;
        self.first.clear();
        self.first.resize(network.node_count() + 1, 0);
        for node in places.iter().flat_map(|place| ahead(network, place.edge)) {
            self.first[node as usize + 1] += 1;
        }
        for node in 0..network.node_count() {
            self.first[node + 1] += self.first[node];
        }
        let all = self.first[network.node_count()];
        self.indices.resize(all as usize, 0);
        for (index, place) in places.iter().enumerate() {
            for node in ahead(network, place.edge) {
                // The end of each crossing's part is counted down to its start, and moved to where starts belong below.
                let slot = &mut self.first[node as usize + 1];
                *slot -= 1;
                self.indices[*slot as usize] = index as u32;
            }
        }
        self.first.rotate_left(1);
        self.first[network.node_count()] = all;
    }

    /// Visits, each once, the vehicles whose travel time to `pickup` is at most `within`, with that time, and perhaps
    /// others. `visit` answers with the time within which it is still worth to look. `origins` are the places taken in.
    pub fn visit(
        &mut self,
        times: &Times,
        origins: &Origins<'_>,
        pickup: Position,
        within: Within,
        mut visit: impl FnMut(usize, u32) -> Within,
    ) {
        let toward = times.toward(pickup);
        self.round += 1;
        let Self { near, first, indices, met, round, etas, vehicles_per_crossing } = self;
        let mut within = within;
        let mut meet = |node: NodeId, within: &mut Within| {
            for slot in first[node.0 as usize]..first[node.0 as usize + 1] {
                let index = indices[slot as usize] as usize;
                if met[index] != *round {
                    met[index] = *round;
                    *within = visit(index, toward.from(origins.places()[index]));
                }
            }
        };
        // Vehicles on the pickup's own street may reach it without a crossing.
        for node in ahead(times.network(), pickup.edge) {
            meet(NodeId(node), &mut within);
        }
        let mut budget = etas.len() / *vehicles_per_crossing;
        let mut found_all = true;
        near.toward(times, pickup, |node, ms| {
            if ms > within {
                return false;
            }
            if budget == 0 {
                found_all = false;
                return false;
            }
            budget -= 1;
            meet(node, &mut within);
            true
        });
        if found_all {
            return;
        }
        toward.fill(origins, etas);
        for (index, eta_ms) in etas.iter().enumerate() {
            if *eta_ms <= within && met[index] != *round {
                within = visit(index, *eta_ms);
            }
        }
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
            vehicles_per_crossing in 1..30_usize,
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
            let origins = Origins::new(&times, &vehicles);
            let mut nearby = Nearby { vehicles_per_crossing, ..Nearby::new(&network) };
            nearby.place(&network, &vehicles);
            for pickup in pickups.iter().map(place) {
                let mut found: Vec<(u32, usize)> = Vec::new();
                nearby.visit(&times, &origins, pickup, 60_000, |index, eta_ms| {
                    assert_eq!(eta_ms, times.time(vehicles[index], pickup));
                    found.push((eta_ms, index));
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
