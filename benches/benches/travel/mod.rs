//! What is measured of travel times, on any network: single pairs, one to many, many to many, paths, new weights.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use hansom_geo_index::route::{Dijkstra, Path, Router, TravelTimes};
use hansom_geo_index::{EdgeId, Network, Position, WeightsVersion};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random positions on random edges.
pub fn positions(network: &Network, count: usize, seed: u64) -> Vec<Position> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |limit: u32| ((u64::from(rng.next_u32()) * u64::from(limit)) >> 32) as u32;
    let place = |_| Position { edge: EdgeId(below(network.edge_count() as u32)), along: below(1 << 16) as u16 };
    (0..count).map(place).collect()
}

/// Look-ups with everything prepared that the times keep, and Dijkstra's algorithm beside them.
pub fn look_ups(c: &mut Criterion, name: &str, network: &Arc<Network>) {
    let mut group = c.benchmark_group(format!("travel times/{name}"));
    let router = Router::new(Arc::clone(network));
    // 09h on a weekday, where there are hours.
    let times = router.times(WeightsVersion(9.min(network.version_count() as u16 - 1)));
    let (from, to) = (positions(network, 1_000, 1), positions(network, 1_000, 2));
    let mut answers = Vec::new();
    times.many_to_many(&from, &to, &mut answers);

    let oracle = Dijkstra::new(network, times.version());
    let mut pairs = from.iter().zip(&to).cycle();
    let mut next = || pairs.next().expect("a cycle has no end");
    group.bench_function("pair", |b| b.iter(|| next_pair(&mut next, |a, z| times.time(a, z))));
    group.sample_size(10);
    group.bench_function("pair, Dijkstra", |b| b.iter(|| next_pair(&mut next, |a, z| oracle.time(a, z))));
    let mut path = Path::default();
    group.bench_function("path", |b| {
        b.iter(|| {
            let (&a, &z) = next();
            times.path(a, z, &mut path);
            black_box(path.ms)
        });
    });

    group.throughput(Throughput::Elements(200));
    group.bench_function("200 origins of one target", |b| {
        let mut targets = to.iter().cycle();
        b.iter(|| {
            let toward = times.toward(*targets.next().expect("a cycle has no end"));
            from[..200].iter().map(|&origin| u64::from(toward.from(origin))).sum::<u64>()
        });
    });
    group.bench_function("1 x 200", |b| b.iter(|| times.one_to_many(black_box(from[0]), &to[..200], &mut answers)));
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("1,000 x 1,000", |b| b.iter(|| times.many_to_many(&from, &to, &mut answers)));
    group.finish();
}

fn next_pair<'a>(
    next: &mut impl FnMut() -> (&'a Position, &'a Position),
    time: impl Fn(Position, Position) -> u32,
) -> u32 {
    let (&a, &z) = next();
    time(a, z)
}

/// What it takes before the first look-up: the order of contraction, the hierarchy, new weights, and, where there are rows
/// for all, a full table.
pub fn preparation(c: &mut Criterion, name: &str, network: &Arc<Network>) {
    let mut group = c.benchmark_group(format!("travel times/{name}"));
    group.sample_size(10);
    group.bench_function("order of contraction", |b| {
        b.iter(|| hansom_geo_index::route::node_order(network.node_count(), network.from(), network.to()));
    });
    group.bench_function("router", |b| b.iter(|| Router::new(Arc::clone(network))));
    // With a profile more versions in turn than a router keeps, so that each is new; else a new router.
    let router = Router::new(Arc::clone(network));
    let versions = network.version_count() as u16;
    let mut version = 0;
    let mut fresh = || {
        version = (version + 1) % versions;
        match versions {
            1 => Router::new(Arc::clone(network)).times(WeightsVersion(0)),
            _ => router.times(WeightsVersion(version)),
        }
    };
    let what = if versions > 1 { "new weights" } else { "router and weights" };
    group.bench_function(what, |b| b.iter(&mut fresh));
    if network.node_count() < 10_000 {
        group.bench_function("new weights and the full table", |b| {
            b.iter(|| {
                let times = fresh();
                let starts = (0..network.edge_count() as u32).map(|edge| Position { edge: EdgeId(edge), along: 0 });
                starts.map(|to| u64::from(times.toward(to).from(to))).sum::<u64>()
            });
        });
    }
    group.finish();
}
