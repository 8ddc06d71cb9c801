//! What a network refuses, and what it answers about its streets.

use hansom_geo_index::network::{Parts, sample};
use hansom_geo_index::{Coord, EdgeId, Network, NodeId, Point, Position, Projection, WeightsVersion};
use proptest::prelude::*;

/// A one-way triangle 10 → 20 → 30 → 10 with a way back from 20 to 10.
fn triangle() -> Parts {
    Parts {
        name: "triangle".into(),
        coords: vec![Coord { lat: 0, lon: 0 }, Coord { lat: 0, lon: 10_000 }, Coord { lat: 10_000, lon: 0 }],
        from: vec![0, 1, 1, 2],
        to: vec![1, 0, 2, 0],
        length_mm: vec![111_195, 111_195, 157_253, 111_195],
        times_ms: vec![9_000, 9_500, 12_000, 8_000],
        node_source: vec![10, 20, 30],
        edge_source: vec![1, 2, 3, 4],
    }
}

fn refusal(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = triangle();
    change(&mut parts);
    Network::new(parts).expect_err("the parts are wrong").to_string()
}

#[test]
fn a_triangle_answers() {
    let town = Network::new(triangle()).expect("a sound triangle");
    assert_eq!((town.name(), town.node_count(), town.edge_count(), town.version_count()), ("triangle", 3, 4, 1));
    assert_eq!(town.out_edges(NodeId(1)).collect::<Vec<_>>(), [EdgeId(1), EdgeId(2)]);
    assert_eq!([0, 1, 2, 3].map(|edge| town.twin(EdgeId(edge))), [Some(EdgeId(1)), Some(EdgeId(0)), None, None]);
    assert_eq!((town.node_source(NodeId(2)), town.edge_source(EdgeId(3))), (30, 4));
    assert_eq!(town.times_ms(WeightsVersion(0)), [9_000, 9_500, 12_000, 8_000]);
    assert_eq!(town.projection().origin, Coord { lat: 5_000, lon: 5_000 });
    let half = Position { edge: EdgeId(0), along: 1 << 15 };
    assert_eq!(town.driven_mm(half), 55_597);
    assert!((town.point(half).distance_mm(town.node_point(NodeId(0))) as i64 - 55_597).abs() <= 2);
}

#[test]
fn every_fault_has_its_refusal() {
    assert_eq!(refusal(|p| *p = Parts::default()), "the network has no edge; give at least one street");
    assert_eq!(refusal(|p| p.from.truncate(2)), "`from` has 2 entries where 4 belong");
    assert_eq!(refusal(|p| p.length_mm.push(1)), "`length_mm` has 5 entries where 4 belong");
    assert_eq!(refusal(|p| p.node_source.clear()), "`node_source` has 0 entries where 3 belong");
    assert_eq!(refusal(|p| p.edge_source.clear()), "`edge_source` has 0 entries where 4 belong");
    assert_eq!(
        refusal(|p| p.times_ms.push(1)),
        "there are 5 travel times for 4 edges; give 1 set, or a profile of 72 (3 day types × 24 hours)"
    );
    assert_eq!(refusal(|p| p.to[2] = 3), "edge 3 names node index 3, but there are only 3 nodes");
    assert_eq!(
        refusal(|p| p.to.swap(1, 2)),
        "edge 3 comes after an edge with a greater (from, to); sort the edges by (from, to)"
    );
    assert_eq!(
        refusal(|p| p.times_ms[1] = 0),
        "edge 2 takes 0 ms in weights version 0; a travel time is 1 to 1000000000 ms"
    );
    assert_eq!(
        refusal(|p| p.coords[2].lat = 900_000_000),
        "node 30 at latitude 900000000, longitude 0 (1e-7 degrees) is not within ±85 and ±180 degrees"
    );
    assert_eq!(
        refusal(|p| p.coords[1].lon = 900_000_000),
        "node 10 is more than 500 km from the middle of the network; is a coordinate wrong, or latitude and longitude swapped?"
    );
    assert_eq!(
        refusal(|p| p.to[3] = 2),
        "node 30 cannot reach node 10; keep only the largest strongly connected part (`import::clean`)"
    );
    assert_eq!(
        refusal(|p| p.to[2] = 1),
        "node 30 cannot be reached from node 10; keep only the largest strongly connected part (`import::clean`)"
    );
}

#[test]
fn the_grid_is_what_it_says() {
    let town = sample::grid(4, 3, 100_000, 9_000);
    assert_eq!((town.node_count(), town.edge_count()), (12, 34));
    for edge in (0..34).map(EdgeId) {
        assert_eq!((town.length_mm(edge), town.times_ms(WeightsVersion(0))[edge.0 as usize]), (100_000, 9_000));
        let ends = [town.from(), town.to()].map(|node| town.node_point(NodeId(node[edge.0 as usize])));
        assert!(ends[0].distance_mm(ends[1]).abs_diff(100_000) < 100, "{edge:?}");
        assert_eq!(town.twin(town.twin(edge).expect("two-way")), Some(edge));
    }
}

proptest! {
    /// Twins are the first edge the other way, by looking at all edges.
    #[test]
    fn twins_equal_a_scan(seed: u64, nodes in 1_u32..60) {
        let town = sample::town(seed, nodes, 1);
        let (from, to) = (town.from(), town.to());
        for edge in 0..town.edge_count() {
            let back = (0..town.edge_count()).find(|&e| from[edge] != to[edge] && (from[e], to[e]) == (to[edge], from[edge]));
            prop_assert_eq!(town.twin(EdgeId(edge as u32)), back.map(|e| EdgeId(e as u32)));
        }
    }

    /// The nearest place on an edge against all 65,536 of them: no other is nearer by more than rounding.
    #[test]
    fn projecting_finds_the_nearest_place(seed: u64, x in -3_000_000..3_000_000, y in -3_000_000..3_000_000) {
        let town = sample::town(seed, 9, 1);
        let point = Point { x, y };
        for edge in (0..town.edge_count() as u32).map(EdgeId) {
            let (along, distance2) = town.project(edge, point);
            prop_assert_eq!(distance2, town.point(Position { edge, along }).distance2(point));
            let all = (0..=u16::MAX).step_by(7).map(|along| town.point(Position { edge, along }).distance_mm(point));
            let best = all.min().expect("many places");
            prop_assert!(distance2.isqrt() <= best + 2, "{} against {best}", distance2.isqrt());
        }
    }

    /// To the map and back: within one step of the coordinate, anywhere a market can be.
    #[test]
    fn the_map_gives_back_what_it_got(lat in -800_000_000..800_000_000, lon in -1_700_000_000..1_700_000_000, north in -2_000_000..2_000_000, east in -2_000_000..2_000_000) {
        let map = Projection::about(Coord { lat, lon });
        let coord = Coord { lat: lat + north, lon: lon + east };
        let back = map.coord(map.point(coord));
        prop_assert!(back.lat.abs_diff(coord.lat) <= 1 && back.lon.abs_diff(coord.lon) <= 1);
    }
}

#[test]
fn the_rim_of_the_map_is_no_trap() {
    let map = Projection::about(Coord { lat: 482_000_000, lon: 163_700_000 });
    let far = map.point(Coord { lat: i32::MIN, lon: i32::MAX });
    assert_eq!(far, Point { x: 1_000_000_000, y: -1_000_000_000 });
    assert!(far.distance_mm(Point { x: i32::MIN, y: i32::MAX }) > 2_000_000_000);
    let corner = map.coord(Point { x: i32::MAX, y: i32::MAX });
    assert!(corner.lat <= 900_000_000 && corner.lon <= 1_800_000_000);
    let town = sample::town(1, 5, 1);
    assert!(town.project(EdgeId(0), far).1 > 0);
}
