//! Snapping against a look at every edge.

use hansom_geo_index::import::synthetic;
use hansom_geo_index::network::sample;
use hansom_geo_index::place::{Snap, SnapIndex, TooFar};
use hansom_geo_index::{Coord, EdgeId, Network, NodeId, Point, Position};
use proptest::prelude::*;

/// The streets of a town: the first edge between each pair of nodes, whatever its direction, by comparing all pairs.
fn streets(network: &Network) -> Vec<EdgeId> {
    let pair = |edge: usize| {
        let (from, to) = (network.from()[edge], network.to()[edge]);
        (from.min(to), from.max(to))
    };
    let is_street = |&edge: &usize| pair(edge).0 != pair(edge).1 && !(0..edge).any(|other| pair(other) == pair(edge));
    (0..network.edge_count()).filter(is_street).map(|edge| EdgeId(edge as u32)).collect()
}

/// The nearest position by projecting onto all streets.
fn oracle(network: &Network, streets: &[EdgeId], point: Point) -> (Position, u64) {
    let project = |&edge: &EdgeId| {
        let (along, distance2) = network.project(edge, point);
        (distance2, edge, along)
    };
    let (distance2, edge, along) = streets.iter().map(project).min().expect("a town has streets");
    (Position { edge, along }, distance2)
}

fn check(network: &Network, streets: &[EdgeId], index: &SnapIndex, point: Point) {
    let (position, distance2) = oracle(network, streets, point);
    let distance_mm = distance2.isqrt() as i64;
    let found = Ok(Snap { position, distance_mm });
    assert_eq!(index.nearest_point(network, point, i64::MAX), found, "{point:?}");
    assert_eq!(index.nearest_point(network, point, distance_mm), found);
    for limit_mm in [distance_mm - 1, distance_mm / 2 - 1, 0.min(distance_mm - 1)] {
        let TooFar { at_least_mm, .. } = index.nearest_point(network, point, limit_mm).expect_err("too far");
        assert!((limit_mm + 1..=distance_mm).contains(&at_least_mm), "{limit_mm} < {at_least_mm} <= {distance_mm}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Long edges across each other, everywhere and far outside.
    #[test]
    fn a_town_is_snapped_to_exactly(seed: u64, nodes in 2_u32..80, points in prop::collection::vec((any::<i32>(), any::<i32>()), 40)) {
        let town = sample::town(seed, nodes, 1);
        let (streets, index) = (streets(&town), SnapIndex::new(&town));
        for (i, (x, y)) in points.into_iter().enumerate() {
            let reach = [3_000_000, 1_000_000, 30_000_000, 1_000_000_000][i % 4];
            check(&town, &streets, &index, Point { x: x % reach, y: y % reach });
        }
    }

    /// Right angles, ties between streets, and places exactly on the lines and on the borders of cells.
    #[test]
    fn a_chessboard_is_snapped_to_exactly(columns in 1_u32..9, rows in 2_u32..9, spacing in 1_000_u32..400_000, picks in prop::collection::vec((0_u32..81, any::<u32>(), any::<u32>()), 40)) {
        let town = sample::grid(columns, rows, spacing, 1);
        let (streets, index) = (streets(&town), SnapIndex::new(&town));
        for (node, x, y) in picks {
            let node = town.node_point(NodeId(node % town.node_count() as u32));
            let step = |offset: u32| (offset % 5) as i32 * spacing as i32 / 4;
            check(&town, &streets, &index, Point { x: node.x + step(x), y: node.y + step(y) });
            check(&town, &streets, &index, Point { x: node.x + (x % 200_000) as i32, y: node.y });
        }
    }
}

#[test]
fn a_city_is_snapped_to_exactly() {
    let town = synthetic::city("river-town", 3).expect("a city");
    let (streets, index) = (streets(&town), SnapIndex::new(&town));
    for i in 0..4_000_i64 {
        // A walk with steps that share no factor with the cells.
        let (x, y) = (i * 7_919_123 % 10_000_000 - 5_000_000, i * 3_266_489 % 10_000_000 - 5_000_000);
        check(&town, &streets, &index, Point { x: x as i32, y: y as i32 });
    }
}

#[test]
fn a_position_is_found_again() {
    let town = synthetic::city("small-town", 1).expect("a city");
    let index = SnapIndex::new(&town);
    for edge in (0..town.edge_count() as u32).map(EdgeId) {
        let position = Position { edge, along: 30_000 };
        let snap = index.nearest(&town, town.coord(position), 100).expect("on the street");
        assert!(snap.distance_mm < 20, "{edge:?}: {snap:?}");
        let street = town.twin(edge).map_or(edge, |twin| twin.min(edge));
        assert_eq!(snap.position.edge, street, "the lower id stands for both ways");
    }
}

#[test]
fn a_place_in_the_sea_is_refused() {
    let town = synthetic::city("small-town", 1).expect("a city");
    let index = SnapIndex::new(&town);
    let refusal = index.nearest(&town, Coord { lat: 0, lon: 0 }, 300_000).expect_err("the Gulf of Guinea");
    assert!(refusal.at_least_mm > 1_000_000_000);
    let near = index.nearest(&town, Coord { lat: 480_200_000, lon: 110_000_000 }, 300_000).expect_err("a field");
    assert_eq!(
        near.to_string(),
        format!("the nearest street is at least {} m away, farther than 300 m", near.at_least_mm / 1000)
    );
    assert!((1_000_000..1_300_000).contains(&near.at_least_mm), "{near}");
}

/// One crossing with a street that leads back to it.
#[test]
fn a_loop_alone_is_a_street() {
    let town = sample::town(5, 1, 1);
    let point = town.node_point(NodeId(0));
    let snap = SnapIndex::new(&town).nearest_point(&town, point, 0).expect("there is nothing else");
    assert_eq!(snap, Snap { position: Position { edge: EdgeId(0), along: 0 }, distance_mm: 0 });
}
