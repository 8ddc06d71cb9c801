//! Small networks for tests and examples, made by rule: the same on every machine.

use super::{Network, Parts};
use crate::coord::Coord;
use crate::mixer::mix;

/// Where the samples lie: the south-west corner of [`grid`], in 1e-7 degrees.
const CORNER: Coord = Coord { lat: 482_000_000, lon: 163_700_000 };

/// A chessboard of two-way streets: `columns` × `rows` crossings, `spacing_mm` apart, `ms_per_edge` to drive from one to
/// the next. One weights version.
///
/// Node `row * columns + column` is the crossing of that row (northward) and column (eastward). Lengths are exact, places
/// within about 20 mm of the ideal ones.
///
/// # Panics
///
/// If there are fewer than two crossings, or the board is too big for one network: a fault of the test that asks for it.
///
/// ```
/// let town = hansom_geo_index::network::sample::grid(3, 2, 100_000, 9_000);
/// assert_eq!((town.node_count(), town.edge_count()), (6, 14));
/// ```
pub fn grid(columns: u32, rows: u32, spacing_mm: u32, ms_per_edge: u32) -> Network {
    let north = |steps: u32| (i64::from(steps) * i64::from(spacing_mm) * 899_322 / 10_000_000) as i32;
    let east = |steps: u32| (i64::from(steps) * i64::from(spacing_mm) * 1_349_234 / 10_000_000) as i32;
    let mut parts = Parts { name: format!("grid {columns} x {rows}"), ..Parts::default() };
    for row in 0..rows {
        for column in 0..columns {
            let node = row * columns + column;
            parts.coords.push(Coord { lat: CORNER.lat + north(row), lon: CORNER.lon + east(column) });
            let south = (row > 0).then(|| node - columns);
            let west = (column > 0).then(|| node - 1);
            let east = (column + 1 < columns).then_some(node + 1);
            let north = (row + 1 < rows).then_some(node + columns);
            for to in [south, west, east, north].into_iter().flatten() {
                parts.from.push(node);
                parts.to.push(to);
            }
        }
    }
    finish(parts, spacing_mm, ms_per_edge)
}

/// An irregular town of `nodes` crossings in a square of 2 km: a one-way ring through all of them, and about 1.5 further
/// edges a node between random pairs, so with twins, duplicates, self-loops, edges of length 0 and crossings at one place.
///
/// With `versions` = 72 each hour has its own times, else give 1. Times are 1 ms to 60 s.
///
/// # Panics
///
/// If `nodes` is 0 or `versions` is neither 1 nor 72: a fault of the test that asks for it.
pub fn town(seed: u64, nodes: u32, versions: usize) -> Network {
    let mut state = 0_u64;
    let mut draw = |below: u64| {
        state += 1;
        ((u128::from(mix(mix(seed) ^ state)) * u128::from(below)) >> 64) as u32
    };
    let mut parts = Parts { name: format!("town {seed}"), ..Parts::default() };
    for node in 0..nodes as usize {
        let fresh = Coord { lat: CORNER.lat + draw(180_000) as i32, lon: CORNER.lon + draw(270_000) as i32 };
        let shared = if draw(16) == 0 { node.checked_sub(1).map(|last| parts.coords[last]) } else { None };
        parts.coords.push(shared.unwrap_or(fresh));
    }
    let mut edges: Vec<(u32, u32)> = (0..nodes).map(|node| (node, (node + 1) % nodes)).collect();
    for _ in 0..nodes.div_ceil(2) {
        let (a, b) = (draw(u64::from(nodes)), draw(u64::from(nodes)));
        edges.push((a, b));
        if draw(2) == 0 {
            edges.push((b, a));
        }
        let near = (a + 1 + draw(3)) % nodes;
        edges.push((near, a));
    }
    edges.sort_unstable();
    (parts.from, parts.to) = edges.iter().copied().unzip();
    parts.length_mm = edges.iter().map(|_| if draw(16) == 0 { 0 } else { draw(500_000) }).collect();
    parts.times_ms = (0..edges.len() * versions).map(|_| 1 + draw(60_000)).collect();
    parts.node_source = (0..u64::from(nodes)).collect();
    parts.edge_source = (0..edges.len() as u64).collect();
    Network::new(parts).expect("a ring connects all nodes, and the tables are as long as the edges")
}

/// The network of `parts` with all edges alike.
fn finish(mut parts: Parts, length_mm: u32, time_ms: u32) -> Network {
    parts.length_mm = vec![length_mm; parts.to.len()];
    parts.times_ms = vec![time_ms; parts.to.len()];
    parts.node_source = (0..parts.coords.len() as u64).collect();
    parts.edge_source = (0..parts.to.len() as u64).collect();
    Network::new(parts).expect("a chessboard of at least two crossings is connected")
}
