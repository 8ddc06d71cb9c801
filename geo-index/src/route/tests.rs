//! Every way of answering against the oracle, on random towns.

use std::sync::Arc;

use proptest::prelude::*;

use super::cch::{Hierarchy, node_order};
use super::trip::part;
use super::{Dijkstra, Path, Times, TravelTimes};
use crate::coord::Coord;
use crate::network::{EdgeId, Network, Parts, Position, WeightsVersion};

const NOW: WeightsVersion = WeightsVersion(0);

/// How much room for rows: all, or none, so that each pair is answered by itself.
const ROOMS: [usize; 2] = [1 << 30, 0];

/// A strongly connected town: a ring and any further edges, in units of `unit_ms`.
fn town() -> impl Strategy<Value = Network> {
    (1u32..24, prop_oneof![Just(500u32), Just(1), Just(7_000), Just(25_000_000)]).prop_flat_map(|(nodes, unit_ms)| {
        let edge = (0..nodes, 0..nodes, 1u32..40, any::<bool>());
        let ring = prop::collection::vec(1u32..40, nodes as usize);
        (
            ring,
            prop::collection::vec(edge, 0..40),
            prop::collection::vec((0i32..300_000, 0i32..300_000), nodes as usize),
        )
            .prop_map(move |(ring, more, places)| {
                let mut edges: Vec<(u32, u32, u32)> =
                    (0..nodes).zip(ring).map(|(node, units)| (node, (node + 1) % nodes, units)).collect();
                for (a, b, units, both) in more {
                    edges.push((a, b, units));
                    if both {
                        edges.push((b, a, units));
                    }
                }
                edges.sort_by_key(|&(from, to, _)| (from, to));
                let place = |(lat, lon)| Coord { lat: 480_000_000 + lat, lon: 110_000_000 + lon };
                Network::new(Parts {
                    name: "town".into(),
                    coords: places.into_iter().map(place).collect(),
                    from: edges.iter().map(|edge| edge.0).collect(),
                    to: edges.iter().map(|edge| edge.1).collect(),
                    length_mm: edges.iter().map(|edge| (edge.2 - 1) * 9_000).collect(),
                    times_ms: edges.iter().map(|edge| edge.2 * unit_ms).collect(),
                    node_source: (0..u64::from(nodes)).collect(),
                    edge_source: (0..edges.len() as u64).collect(),
                })
                .expect("a ring connects all nodes")
            })
    })
}

fn positions() -> impl Strategy<Value = Vec<(prop::sample::Index, u16)>> {
    let along = prop_oneof![Just(0), Just(u16::MAX), Just(32_768), any::<u16>()];
    prop::collection::vec((any::<prop::sample::Index>(), along), 1..8)
}

fn on(network: &Network, places: &[(prop::sample::Index, u16)]) -> Vec<Position> {
    let place = |&(edge, along): &(prop::sample::Index, u16)| {
        let edge: prop::sample::Index = edge;
        Position { edge: EdgeId(edge.index(network.edge_count()) as u32), along }
    };
    places.iter().map(place).collect()
}

fn times(network: &Arc<Network>, version: WeightsVersion, room_bytes: usize) -> Times {
    let order = node_order(network.node_count(), network.from(), network.to());
    let hierarchy = Arc::new(Hierarchy::new(&order, network.from(), network.to()));
    Times::new(Arc::clone(network), hierarchy, version, room_bytes)
}

/// The time of a path by adding up its edges, each of which has to begin where the last ended.
fn driven_ms(network: &Network, path: &Path, version: WeightsVersion) -> u64 {
    let weights = network.times_ms(version);
    for pair in path.edges.windows(2) {
        assert_eq!(network.to()[pair[0].0 as usize], network.from()[pair[1].0 as usize], "the path has a gap");
    }
    let (first, last) = (path.first().expect("never empty"), path.last().expect("never empty"));
    let whole: u64 = path.edges[..path.edges.len() - 1].iter().map(|edge| u64::from(weights[edge.0 as usize])).sum();
    let part = |end: Position| u64::from(part(weights[end.edge.0 as usize], end.along));
    whole + part(last) - part(first)
}

fn is_at(network: &Network, side: Position, position: Position) -> bool {
    side == position || super::trip::turned(network, position) == Some(side)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn times_and_paths_equal_those_of_dijkstra(network in town(), from in positions(), to in positions()) {
        let network = Arc::new(network);
        let oracle = Dijkstra::new(&network, NOW);
        let (from, to) = (on(&network, &from), on(&network, &to));
        let (mut expected, mut given) = (Path::default(), Path::default());
        let (mut all, mut row) = (Vec::new(), Vec::new());
        for room in ROOMS {
            let times = times(&network, NOW, room);
            times.many_to_many(&from, &to, &mut all);
            for (i, &a) in from.iter().enumerate() {
                times.one_to_many(a, &to, &mut row);
                prop_assert_eq!(&row[..], &all[i * to.len()..][..to.len()]);
                for (j, &b) in to.iter().enumerate() {
                    let ms = oracle.time(a, b);
                    prop_assert_eq!(times.time(a, b), ms);
                    prop_assert_eq!(row[j], ms);
                    oracle.path(a, b, &mut expected);
                    times.path(a, b, &mut given);
                    prop_assert_eq!(&given, &expected);
                    if ms == u32::MAX {
                        prop_assert!(given.edges.is_empty());
                        continue;
                    }
                    prop_assert_eq!(given.ms, ms);
                    prop_assert_eq!(driven_ms(&network, &given, NOW), u64::from(ms));
                    let (first, last) = (given.first().expect("never empty"), given.last().expect("never empty"));
                    prop_assert!(is_at(&network, first, a) && is_at(&network, last, b));
                }
            }
        }
    }
}
