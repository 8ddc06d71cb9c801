//! Snapping and opening a network, on a procedural city and, if `HANSOM_DATA` names the folder, on real streets.
//!
//! Peers in the same run, so that the ratio survives a noisy machine: a packed R-tree (rstar), and a grid whose cells list
//! only what can be nearest to some place in them. See `docs/decisions/0002-snapping.md`.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hansom_geo_index::import::{csv, synthetic};
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::{EdgeId, Network, NodeId, Point, Position};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstar::{AABB, PointDistance, RTree, RTreeObject};

/// The cities to measure on: real ones only where their data are.
fn cities() -> Vec<(&'static str, Network)> {
    let mut cities = vec![("river-town", synthetic::city("river-town", 1).expect("a city of that name"))];
    match std::env::var_os("HANSOM_DATA").map(PathBuf::from) {
        Some(data) => {
            let read = |name| csv::read(&data.join(name), 8.0).unwrap_or_else(|error| panic!("{error}")).0;
            cities.push(("manhattan", read("manhattan")));
            cities.push(("cargo-manhattan", read("cargo-manhattan")));
        }
        None => eprintln!("HANSOM_DATA does not name the folder of real streets: only the procedural city is measured"),
    }
    cities
}

/// An integer below `limit`.
fn below(rng: &mut ChaCha8Rng, limit: u32) -> i32 {
    ((u64::from(rng.next_u32()) * u64::from(limit)) >> 32) as i32
}

/// Places up to 20 m east and north of a random position on a street, as a phone reports them, and the street.
fn pings(town: &Network, count: usize) -> Vec<(EdgeId, Point)> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let ping = |_| {
        let edge = EdgeId(below(&mut rng, town.edge_count() as u32) as u32);
        let at = town.point(Position { edge, along: below(&mut rng, 65_536) as u16 });
        let noise = |rng: &mut ChaCha8Rng| below(rng, 40_001) - 20_000;
        (edge, Point { x: at.x + noise(&mut rng), y: at.y + noise(&mut rng) })
    };
    (0..count).map(ping).collect()
}

/// A street as rstar sees it: 64-bit millimetres, and the distance that the network itself measures.
struct Street<'a> {
    edge: EdgeId,
    network: &'a Network,
}

impl RTreeObject for Street<'_> {
    type Envelope = AABB<[i64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        let end = |nodes: &[u32]| {
            let point = self.network.node_point(NodeId(nodes[self.edge.0 as usize]));
            [i64::from(point.x), i64::from(point.y)]
        };
        AABB::from_corners(end(self.network.from()), end(self.network.to()))
    }
}

impl PointDistance for Street<'_> {
    fn distance_2(&self, point: &[i64; 2]) -> i64 {
        self.network.project(self.edge, Point { x: point[0] as i32, y: point[1] as i32 }).1 as i64
    }
}

fn streets(network: &Network) -> Vec<EdgeId> {
    let edges = (0..network.edge_count() as u32).map(EdgeId);
    edges.filter(|&edge| network.twin(edge).is_none_or(|twin| twin > edge)).collect()
}

/// A grid of 40 m cells, each with all streets that are nearest to some place in it: one look-up, much memory.
struct Pruned {
    corner: Point,
    columns: i32,
    rows: i32,
    first: Vec<u32>,
    streets: Vec<EdgeId>,
}

const CELL: i32 = 40_000;

impl Pruned {
    fn new(network: &Network) -> Self {
        let nodes = || (0..network.node_count() as u32).map(|node| network.node_point(NodeId(node)));
        let low = |of: fn(Point) -> i32| nodes().map(of).min().expect("nodes") - 300_000;
        let cells = |of: fn(Point) -> i32| (nodes().map(of).max().expect("nodes") + 300_000 - low(of)) / CELL + 1;
        let (corner, columns, rows) = (Point { x: low(|p| p.x), y: low(|p| p.y) }, cells(|p| p.x), cells(|p| p.y));
        let prune = |centre: Point, half_mm: u64, from: &[EdgeId]| -> Vec<EdgeId> {
            let distance = |&edge: &EdgeId| network.project(edge, centre).1.isqrt();
            let nearest = from.iter().map(distance).min().expect("streets");
            let reach = nearest + 2 * (half_mm * 7_072 / 10_000 * 2 + 1) + 100;
            from.iter().filter(|edge| distance(edge) <= reach).copied().collect()
        };
        let all = streets(network);
        let (mut first, mut listed) = (vec![0], Vec::new());
        for row in 0..rows {
            let mut coarse = Vec::new();
            for column in 0..columns {
                let centre = |column, size| Point {
                    x: corner.x + column * CELL + size / 2,
                    y: corner.y + row * CELL + CELL / 2,
                };
                if column % 16 == 0 {
                    coarse = prune(centre(column, CELL * 16), CELL as u64 * 8, &all);
                }
                listed.extend(prune(centre(column, CELL), CELL as u64 / 2, &coarse));
                first.push(listed.len() as u32);
            }
        }
        Self { corner, columns, rows, first, streets: listed }
    }

    fn nearest(&self, network: &Network, p: Point) -> Option<(u64, EdgeId, u16)> {
        let column = ((p.x - self.corner.x) / CELL).clamp(0, self.columns - 1);
        let row = ((p.y - self.corner.y) / CELL).clamp(0, self.rows - 1);
        let cell = (row * self.columns + column) as usize;
        let list = &self.streets[self.first[cell] as usize..self.first[cell + 1] as usize];
        let project = |&edge: &EdgeId| {
            let (along, distance2) = network.project(edge, p);
            (distance2, edge, along)
        };
        list.iter().map(project).min()
    }
}

/// 4,096 noisy places on streets, one snap each: the time shown is of one.
fn snapping(c: &mut Criterion) {
    for (name, town) in cities() {
        let pings = pings(&town, 4_096);
        let mut group = c.benchmark_group(format!("snap/{name}"));
        let (index, pruned) = (SnapIndex::new(&town), Pruned::new(&town));
        let tree = RTree::bulk_load(streets(&town).into_iter().map(|edge| Street { edge, network: &town }).collect());
        let differ = pings.iter().filter(|&&(_, point)| {
            let snap = index.nearest_point(&town, point, i64::MAX).expect("no limit").position;
            let listed = pruned.nearest(&town, point).expect("a street");
            let found = tree.nearest_neighbor([point.x.into(), point.y.into()]).expect("a street").edge;
            let distance2 = town.project(snap.edge, point).1;
            (listed.1, listed.2) != (snap.edge, snap.along) || town.project(found, point).1 != distance2
        });
        assert_eq!(differ.count(), 0, "all three find the same street");
        eprintln!("{name}: {} entries in pruned lists, {} cells", pruned.streets.len(), pruned.first.len() - 1);
        let mut cycle = pings.iter().copied().cycle();
        let mut ping = || black_box(cycle.next().expect("a cycle has no end"));
        group.bench_function("grid, ring by ring", |b| {
            b.iter(|| index.nearest_point(&town, ping().1, 300_000));
        });
        group.bench_function("grid, pruned lists", |b| b.iter(|| pruned.nearest(&town, ping().1)));
        group.bench_function("rstar", |b| {
            b.iter(|| {
                let (_, point) = ping();
                tree.nearest_neighbor([point.x.into(), point.y.into()]).map(|street| street.edge)
            });
        });
        group.bench_function("its own edge only", |b| {
            b.iter(|| {
                let (edge, point) = ping();
                town.project(edge, point)
            });
        });
        group.bench_function("building the grid", |b| b.iter(|| SnapIndex::new(&town)));
        group.finish();
    }
}

/// From a file in the page cache to a network in use, every byte checked.
fn opening(c: &mut Criterion) {
    let folder = std::env::temp_dir();
    for (name, town) in cities() {
        let path = folder.join(format!("hansom-bench-{}-{name}.net", std::process::id()));
        town.write(&path).expect("room for a network file");
        let mut group = c.benchmark_group(format!("network file/{name}"));
        group.bench_function("open", |b| b.iter(|| Network::open(&path).expect("the file just written")));
        group.bench_function("write and sync", |b| {
            b.iter_batched(|| (), |()| town.write(&path).expect("room for a network file"), BatchSize::PerIteration);
        });
        group.finish();
        std::fs::remove_file(&path).expect("the file just written");
    }
}

criterion_group!(benches, snapping, opening);
criterion_main!(benches);
