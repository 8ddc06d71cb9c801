//! The index of moving drivers: 100,000 in a square of 20 km, half of them in the 5 km in its middle; an R*-tree beside it.
//!
//! Criterion gives means; what `nearest` takes at worst, while drivers move between the questions, is printed first.
//! See `docs/decisions/0005-moving-drivers.md`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use hansom_geo_index::Point;
use hansom_geo_index::moving::{Grid, MovingIndex, RTree};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIDE_MM: i32 = 20_000_000;

/// Draws places and moves.
struct Fleet {
    rng: ChaCha8Rng,
    at: Vec<Point>,
}

impl Fleet {
    fn new(drivers: usize) -> Self {
        let mut fleet = Self { rng: ChaCha8Rng::seed_from_u64(5), at: Vec::new() };
        fleet.at = (0..drivers).map(|_| fleet.place()).collect();
        fleet
    }

    fn below(&mut self, limit: i32) -> i32 {
        ((u64::from(self.rng.next_u32()) * limit as u64) >> 32) as i32
    }

    fn place(&mut self) -> Point {
        let core = self.below(2) == 0;
        let (low, side) = if core { (SIDE_MM * 3 / 8, SIDE_MM / 4) } else { (0, SIDE_MM) };
        Point { x: low + self.below(side), y: low + self.below(side) }
    }

    /// A driver chosen at random goes up to 40 m east or west, and north or south.
    fn step(&mut self) -> (u32, Point) {
        let id = self.below(self.at.len() as i32) as usize;
        let (dx, dy) = (self.below(80_001) - 40_000, self.below(80_001) - 40_000);
        let at = &mut self.at[id];
        *at = Point { x: at.x + dx, y: at.y + dy };
        (id as u32, *at)
    }
}

fn grid() -> Grid {
    Grid::new(Point::default(), Point { x: SIDE_MM, y: SIDE_MM })
}

fn filled<I: MovingIndex>(mut index: I, fleet: &Fleet) -> I {
    for (id, &point) in (0..).zip(&fleet.at) {
        index.update(id, point);
    }
    index
}

fn measure<I: MovingIndex>(c: &mut Criterion, name: &str, index: I, drivers: usize, k: usize) {
    let mut fleet = Fleet::new(drivers);
    let mut index = filled(index, &fleet);
    let mut group = c.benchmark_group(format!("{drivers} moving drivers"));
    let steps: Vec<_> = (0..1 << 20).map(|_| fleet.step()).collect();
    let mut steps = steps.iter().cycle();
    group.bench_function(format!("{name}, update"), |b| {
        b.iter(|| {
            let &(id, point) = steps.next().expect("a cycle has no end");
            index.update(id, point);
        });
    });
    let places: Vec<_> = (0..1 << 14).map(|_| fleet.place()).collect();
    let mut places = places.iter().cycle();
    let mut found = Vec::new();
    group.bench_function(format!("{name}, 10 updates and the {k} nearest"), |b| {
        b.iter(|| {
            for &(id, point) in steps.by_ref().take(10) {
                index.update(id, point);
            }
            index.nearest(*places.next().expect("a cycle has no end"), u32::MAX, k, |_| true, &mut found);
            black_box(found.len())
        });
    });
    group.finish();
}

/// Prints how long 20,000 searches take, with ten updates before each.
fn percentiles<I: MovingIndex>(name: &str, index: I, drivers: usize, k: usize) {
    let mut fleet = Fleet::new(drivers);
    let mut index = filled(index, &fleet);
    let mut found = Vec::new();
    let mut took: Vec<Duration> = (0..20_000)
        .map(|_| {
            for _ in 0..10 {
                let (id, point) = fleet.step();
                index.update(id, point);
            }
            let place = fleet.place();
            let start = Instant::now();
            index.nearest(place, u32::MAX, k, |_| true, &mut found);
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    let [p50, p99] = [took[took.len() / 2], took[took.len() * 99 / 100]];
    println!("{name}, {drivers} drivers, {k} nearest among updates: p50 {p50:?}, p99 {p99:?}");
}

fn fleets(c: &mut Criterion) {
    for (drivers, k) in [(100_000, 16), (8_000, 24), (200, 24)] {
        measure(c, "grid", grid(), drivers, k);
    }
    measure(c, "R*-tree", RTree::default(), 100_000, 16);
}

criterion_group!(benches, fleets);

fn main() {
    for (drivers, k) in [(100_000, 16), (8_000, 24), (200, 24)] {
        percentiles("grid", grid(), drivers, k);
    }
    percentiles("R*-tree", RTree::default(), 100_000, 16);
    benches();
    Criterion::default().configure_from_args().final_summary();
}
