//! Every way of answering against the oracle, on random towns.

use std::sync::Arc;

use proptest::prelude::*;

use super::cch::{Hierarchy, node_order};
use super::times::Store;
use super::trip::part;
use super::{Dijkstra, Path, Router, Times, TravelTimes};
use crate::coord::Coord;
use crate::network::{EdgeId, Network, NodeId, Parts, Position, WeightsVersion, sample};

const NOW: WeightsVersion = WeightsVersion(0);

/// How much room there is: for all rows; for some labels, in the larger towns; for nothing.
const ROOMS: [usize; 3] = [1 << 30, 600, 0];

/// A strongly connected town: a ring and any further edges.
fn town() -> impl Strategy<Value = Network> {
    let unit_ms = prop_oneof![Just(500u32), Just(1), Just(7_000), Just(24_000_000)];
    // Odd milliseconds leave no common unit.
    (1u32..24, unit_ms, any::<bool>()).prop_flat_map(|(nodes, unit_ms, odd)| {
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
                    times_ms: edges.iter().map(|edge| edge.2 * unit_ms + if odd { edge.2 % 3 } else { 0 }).collect(),
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

fn all_positions(network: &Network, alongs: &[u16]) -> Vec<Position> {
    let edges = (0..network.edge_count() as u32).map(EdgeId);
    edges.flat_map(|edge| alongs.iter().map(move |&along| Position { edge, along })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

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
                    prop_assert!(network.point(a).distance_mm(network.point(b)) <= times.reach_mm(ms.into()).into());
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

#[test]
fn a_town_of_600_nodes_has_the_times_and_paths_of_dijkstra() {
    for seed in 0..3 {
        let town = Arc::new(sample::town(seed, 600, 1));
        let oracle = Dijkstra::new(&town, NOW);
        let from: Vec<Position> = all_positions(&town, &[9_000]).into_iter().step_by(97).collect();
        let to: Vec<Position> = all_positions(&town, &[50_000]).into_iter().skip(40).step_by(101).collect();
        let (mut expected, mut given) = (Path::default(), Path::default());
        for room in [1 << 30, 200_000, 0] {
            let times = times(&town, NOW, room);
            for (&a, &b) in from.iter().flat_map(|a| to.iter().map(move |b| (a, b))) {
                oracle.path(a, b, &mut expected);
                times.path(a, b, &mut given);
                assert_eq!(given, expected);
                assert_eq!(times.time(a, b), given.ms);
            }
        }
    }
}

#[test]
fn the_oracle_agrees_with_itself_backward_and_with_a_count_of_blocks() {
    let board = sample::grid(7, 5, 100_000, 9_000);
    let oracle = Dijkstra::new(&board, NOW);
    for node in (0..35).map(NodeId) {
        let blocks = |other: u32| (other % 7).abs_diff(node.0 % 7) + (other / 7).abs_diff(node.0 / 7);
        let expected: Vec<u32> = (0..35).map(|other| blocks(other) * 9_000).collect();
        assert_eq!(oracle.from_node(node), expected);
        assert_eq!(oracle.to_node(node), expected);
    }
}

#[test]
fn a_trip_to_where_one_is_takes_nothing_and_one_edge() {
    let town = Arc::new(sample::town(5, 40, 1));
    let mut path = Path::default();
    for room in ROOMS {
        let times = times(&town, NOW, room);
        for place in all_positions(&town, &[0, 1, 40_000, u16::MAX]) {
            times.path(place, place, &mut path);
            let expected = Path { edges: vec![place.edge], first_along: place.along, last_along: place.along, ms: 0 };
            assert_eq!((times.time(place, place), &path), (0, &expected));
            assert_eq!(path.length_mm(&town), 0);
        }
    }
}

#[test]
fn a_way_round_the_block_is_as_long_as_its_edges() {
    // A one-way triangle: back to just before where one is means all the way round.
    let corner = |lat: i32, lon: i32| Coord { lat: 480_000_000 + lat, lon: 110_000_000 + lon };
    let triangle = Network::new(Parts {
        name: "triangle".into(),
        coords: vec![corner(0, 0), corner(0, 10_000), corner(8_000, 5_000)],
        from: vec![0, 1, 2],
        to: vec![1, 2, 0],
        length_mm: vec![100_000, 110_000, 120_000],
        times_ms: vec![10_000, 11_000, 12_000],
        node_source: vec![1, 2, 3],
        edge_source: vec![1, 2, 3],
    })
    .expect("a triangle");
    let triangle = Arc::new(triangle);
    let at = |along| Position { edge: EdgeId(0), along };
    let mut path = Path::default();
    for room in ROOMS {
        times(&triangle, NOW, room).path(at(49_152), at(16_384), &mut path);
        let edges = [0, 1, 2, 0].map(EdgeId).to_vec();
        assert_eq!(path, Path { edges, first_along: 49_152, last_along: 16_384, ms: 28_000 });
        assert_eq!(path.length_mm(&triangle), 280_000);
    }
}

#[test]
fn rows_are_short_where_a_common_unit_and_the_longest_way_allow() {
    let unit = |network: Network| match times(&Arc::new(network), NOW, 1 << 30).store {
        Store::Short(_, unit) => Some(unit),
        Store::Long(_) => None,
        Store::Pairs(_) => panic!("there is room for rows"),
    };
    assert_eq!(unit(sample::grid(10, 10, 100_000, 7_000)), Some(7_000));
    assert_eq!(unit(sample::grid(2, 1, 100_000, 1)), Some(1));
    // From end to end 299 blocks of 1,009 ms: the bound, twice the way from the middle, is below 65,535 units.
    assert_eq!(unit(sample::grid(300, 1, 100_000, 1_009)), Some(1_009));
    // Times of 1 to 60,000 ms have no unit in common, and most ways are longer than 65 s.
    assert_eq!(unit(sample::town(1, 200, 1)), None);
}

#[test]
fn the_router_keeps_four_versions_and_answers_alike_when_it_does_not() {
    let router = Router::new(Arc::new(sample::town(3, 30, 72)));
    let places = all_positions(router.network(), &[20_000]);
    let ask = |version: u16| {
        let times = router.times(WeightsVersion(version));
        assert_eq!(times.version(), WeightsVersion(version));
        let mut all = Vec::new();
        times.many_to_many(&places, &places, &mut all);
        (times, all)
    };
    let (first, answers) = ask(0);
    let (others, different): (Vec<_>, Vec<_>) = (1..4).map(ask).unzip();
    assert!(different.iter().all(|other| *other != answers), "each hour has its own times");
    assert!(Arc::ptr_eq(&first, &ask(0).0), "four versions are kept");
    ask(4);
    assert!(!Arc::ptr_eq(&others[0], &ask(1).0), "the one asked for longest ago is not");
    assert_eq!(ask(1).1, different[0]);
}

#[test]
fn threads_that_ask_at_once_get_the_same_answers() {
    let town = Arc::new(sample::town(8, 300, 1));
    let places: Vec<Position> = all_positions(&town, &[10_000]).into_iter().step_by(5).collect();
    for room in [1 << 30, 40_000] {
        let times = times(&town, NOW, room);
        let ask = || {
            let mut all = Vec::new();
            times.many_to_many(&places, &places, &mut all);
            all
        };
        let answers = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
        });
        assert!(answers.iter().all(|one| *one == ask()));
    }
}
