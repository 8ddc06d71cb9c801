//! The sparse assignment at the sizes of city-wide batches, and at those of a single window.
//!
//! Riders and drivers in a square of 20 km; each rider has arcs to the k nearest drivers at 6 m/s, in no order, and waits
//! at a penalty of an hour. "Skewed": 70 % of the riders and 20 % of the drivers are in the 4 km in the middle. "Tied": in
//! units of 100 s, so that nearly every cost is 0 or 1 and the matchings of least total cost are without number. Criterion
//! gives means of the wall clock; processor time, with each method alone beside it, is printed first.
//! See `docs/decisions/0006-assignment.md`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use hansom_engine::assignment::{Instance, Method, Solver, prove};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows, columns, arcs a row.
const WINDOWS: [(usize, usize, usize); 5] = [(8, 30, 30), (32, 100, 30), (32, 30, 30), (100, 100, 30), (540, 100, 30)];
const CITIES: [(usize, usize, usize); 6] = [
    (1_000, 2_000, 20),
    (2_000, 5_000, 30),
    (5_000, 5_000, 30),
    (5_000, 10_000, 50),
    (10_000, 10_000, 50),
    (10_000, 20_000, 50),
];
const TIED: [(usize, usize, usize); 3] = [(100, 100, 30), (540, 100, 30), (10_000, 10_000, 50)];

const SIDE_MM: u64 = 20_000_000;
const PENALTY_MS: i64 = 3_600_000;
const MM_PER_MS: i64 = 6;

/// Where demand and supply are.
#[derive(Clone, Copy)]
enum Shape {
    Uniform,
    Skewed,
    Tied,
}

struct Plane {
    rng: ChaCha8Rng,
}

impl Plane {
    fn below(&mut self, limit: u64) -> u64 {
        (u64::from(self.rng.next_u32()) * limit) >> 32
    }

    /// Places, `percent` of them in the middle fifth of either side.
    fn places(&mut self, count: usize, percent: u64) -> Vec<[i64; 2]> {
        let place = |plane: &mut Self| {
            let (low, side) = if plane.below(100) < percent { (SIDE_MM * 2 / 5, SIDE_MM / 5) } else { (0, SIDE_MM) };
            [low + plane.below(side), low + plane.below(side)].map(|axis| axis as i64)
        };
        (0..count).map(|_| place(self)).collect()
    }
}

fn instance((rows, columns, k): (usize, usize, usize), shape: Shape) -> Instance {
    let mut plane = Plane { rng: ChaCha8Rng::seed_from_u64(5) };
    let (demand, supply, unit_ms) = match shape {
        Shape::Uniform => (0, 0, 1),
        Shape::Skewed => (70, 20, 1),
        Shape::Tied => (0, 0, 100_000),
    };
    let (riders, drivers) = (plane.places(rows, demand), plane.places(columns, supply));
    let mut instance = Instance::new(columns as u32);
    let mut near: Vec<(i64, u32)> = Vec::new();
    for [x, y] in riders {
        near.clear();
        near.extend((0..).zip(&drivers).map(|(driver, to)| ((x - to[0]).pow(2) + (y - to[1]).pow(2), driver)));
        near.select_nth_unstable(k - 1);
        near.truncate(k);
        near.sort_unstable_by_key(|near| near.1);
        let arcs = near.iter().map(|&(square, driver)| (driver, square.isqrt() / MM_PER_MS / unit_ms));
        instance.push_row(PENALTY_MS, arcs).expect("distances in a city are within the limits");
    }
    instance
}

fn named() -> impl Iterator<Item = (String, Instance)> {
    let sizes = WINDOWS.into_iter().chain(CITIES);
    let spread = sizes.flat_map(|size| [(size, Shape::Uniform), (size, Shape::Skewed)]);
    spread.chain(TIED.map(|size| (size, Shape::Tied))).map(|(size, shape)| {
        let (rows, columns, k) = size;
        let shaped = match shape {
            Shape::Uniform => "",
            Shape::Skewed => ", skewed",
            Shape::Tied => ", tied",
        };
        (format!("{rows} x {columns}, {} arcs{shaped}", rows * k), instance(size, shape))
    })
}

/// What this thread has had of a processor so far; `None` where the system does not say (it is Linux that does).
///
/// The count moves on by ticks of some milliseconds: good for sums of hundreds.
fn processor_time() -> Option<Duration> {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(schedule.split_ascii_whitespace().next()?.parse().ok()?))
}

/// The mean processor time of a solve, in ms; where the system does not tell it, that of the wall clock.
fn mean_ms(solver: &mut Solver, instance: &Instance) -> f64 {
    let (wall, processor) = (Instant::now(), processor_time());
    let mut solves = 0;
    while solves < 3 || wall.elapsed() < Duration::from_millis(800) {
        black_box(solver.solve(black_box(instance)));
        solves += 1;
    }
    let wall = wall.elapsed();
    let took = processor.zip(processor_time()).map_or(wall, |(from, to)| to.saturating_sub(from));
    took.as_secs_f64() * 1e3 / f64::from(solves)
}

fn table() {
    println!("{:38} {:>9} {:>9} {:>10} {:>7} {:>7}", "", "solve ms", "paths ms", "auction ms", "served", "looks");
    for (name, instance) in named() {
        let mut solver = Solver::default();
        let solution = solver.solve(&instance);
        let proof = prove(&instance, &solution).expect("an answer that is not optimal is not worth timing");
        let looks = solver.work() as f64 / instance.arcs() as f64;
        let [solve, paths, auction] = [Method::Adaptive, Method::Paths, Method::Auction]
            .map(|method| mean_ms(&mut Solver::new(method), &instance));
        println!("{name:38} {solve:9.3} {paths:9.3} {auction:10.3} {:7} {looks:7.2}", proof.served);
    }
    println!("Processor time of the thread. Looks: arcs looked at, per arc of the instance.\n");
}

fn assignment(c: &mut Criterion) {
    let mut group = c.benchmark_group("assignment");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let mut solver = Solver::default();
    for (name, instance) in named() {
        group.bench_function(&name, |b| b.iter(|| solver.solve(black_box(&instance))));
        let solution = solver.solve(&instance);
        group.bench_function(format!("{name}, proof"), |b| b.iter(|| prove(&instance, black_box(&solution))));
    }
    group.finish();
}

criterion_group!(benches, assignment);

fn main() {
    table();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
