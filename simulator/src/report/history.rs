//! A run over time: what was asked for and how long riders waited, by the time of request.

use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::Millis;

use super::axis::Clock;
use super::chart::Layer;
use super::trips::Trip;

/// How requests that ended alike are called and coloured, in the order in which they are stacked.
const ENDS: [(&str, &str); 4] = [
    ("Completed", "c-ride"),
    ("Given up before a match", "c-bad"),
    ("Cancelled later or no-show", "c-way"),
    ("Other", "c-other"),
];

fn end_of(outcome: Option<Outcome>) -> usize {
    match outcome {
        Some(Outcome::Completed | Outcome::EndedEarly) => 0,
        Some(Outcome::CancelledBeforeMatch | Outcome::NoDriver) => 1,
        Some(Outcome::CancelledAfterMatch | Outcome::NoShow) => 2,
        Some(Outcome::Refused) | None => 3,
    }
}

/// Requests of each bin by how they ended; ends that do not occur are left out.
pub(super) fn demand(clock: &Clock, trips: &[Trip]) -> Vec<Layer<'static>> {
    let mut counts = vec![[0_u32; ENDS.len()]; clock.count];
    for trip in trips {
        if let Some(bin) = bin_of(clock, trip.request.at) {
            counts[bin][end_of(trip.outcome)] += 1;
        }
    }
    let layer = |(n, (name, class)): (usize, (&'static str, &'static str))| Layer {
        name,
        class,
        values: counts.iter().map(|bin| Some(f64::from(bin[n]))).collect(),
    };
    let occurs = |layer: &Layer| layer.values.iter().flatten().any(|&count| count > 0.0);
    ENDS.into_iter().enumerate().map(layer).filter(occurs).collect()
}

/// Median and 90th percentile (nearest-rank) of the waits of those who asked in each bin and were picked up.
pub(super) fn waits(clock: &Clock, trips: &[Trip]) -> Vec<Layer<'static>> {
    let mut waits: Vec<Vec<i64>> = vec![Vec::new(); clock.count];
    for trip in trips {
        if let (Some(bin), Some(wait)) = (bin_of(clock, trip.request.at), trip.wait()) {
            waits[bin].push(wait.0);
        }
    }
    for waits in &mut waits {
        waits.sort_unstable();
    }
    let percentile = |name, class, percent| Layer {
        name,
        class,
        values: waits.iter().map(|waits| nearest_rank(waits, percent).map(|ms| ms as f64 / 1000.0)).collect(),
    };
    vec![percentile("Median", "c-ride", 50), percentile("90th percentile", "c-way", 90)]
}

/// The value that `percent` of 100 do not exceed, of values in ascending order.
fn nearest_rank(sorted: &[i64], percent: usize) -> Option<i64> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

fn bin_of(clock: &Clock, at: Millis) -> Option<usize> {
    usize::try_from((at - clock.start).0.div_euclid(clock.bin.0)).ok().filter(|&bin| bin < clock.count)
}

/// How many waits are in each bin of the second value in seconds; the last bin holds all that are longer.
pub(super) fn wait_bins(trips: &[Trip]) -> (Vec<u64>, u32) {
    let mut waits: Vec<i64> = trips.iter().filter_map(Trip::wait).map(|wait| wait.0).collect();
    waits.sort_unstable();
    let most = nearest_rank(&waits, 99).unwrap_or(0);
    let step_s = [5, 10, 15, 20, 30, 60, 120].into_iter().find(|step| i64::from(*step) * 39_000 >= most).unwrap_or(300);
    let bins = (most / (i64::from(step_s) * 1000) + 2) as usize;
    let mut counts = vec![0; bins];
    for wait in waits {
        counts[((wait.max(0) / (i64::from(step_s) * 1000)) as usize).min(bins - 1)] += 1;
    }
    (counts, step_s)
}
