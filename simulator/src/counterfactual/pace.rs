//! How long streets really took, learnt from ways that were driven whole.
//!
//! A log tells when a vehicle set out and when it was there; the way between is the fastest by the dispatcher's times, which
//! drivers follow. An edge's factor on those times is the one under which the ways over it took what they took: expectation
//! and maximisation in turn (Dempster, Laird and Rubin, 1977, in the form for sums), with every edge held to the pace of all
//! as long as little was driven on it.

use hansom_geo_index::route::{Path, Times, TravelTimes};
use hansom_geo_index::{Millis, Network, Position};

/// What was driven.
#[derive(Debug, Default)]
pub struct Traversals {
    ways: Vec<Way>,
    path: Path,
}

#[derive(Debug)]
struct Way {
    took_ms: f64,
    /// Edges with the time that the dispatcher gives the driven part of them, ms.
    edges: Vec<(u32, f64)>,
}

/// Every edge counts as driven this long at the pace of all, in ms.
const HELD_MS: f64 = 60_000.0;
const ROUNDS: usize = 30;

impl Traversals {
    /// A vehicle took `took` from one place to another, on the way that `times` believe the fastest.
    pub fn add(&mut self, network: &Network, times: &Times, (from, to): (Position, Position), took: Millis) {
        if took <= Millis::ZERO {
            return;
        }
        times.path(from, to, &mut self.path);
        let Some(last) = self.path.edges.len().checked_sub(1) else { return };
        let believed = network.times_ms(times.version());
        let share = |n: usize| {
            let from = if n == 0 { f64::from(self.path.first_along) } else { 0.0 };
            let to = if n == last { f64::from(self.path.last_along) } else { 65_536.0 };
            (to - from) / 65_536.0
        };
        let edges = self.path.edges.iter().enumerate();
        let edges: Vec<(u32, f64)> =
            edges.map(|(n, edge)| (edge.0, share(n) * f64::from(believed[edge.0 as usize]))).collect();
        if edges.iter().map(|(_, ms)| ms).sum::<f64>() > 0.0 {
            self.ways.push(Way { took_ms: took.0 as f64, edges });
        }
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.ways.len()
    }

    /// How much longer they took, all together, than the dispatcher believes; 1 if there were none.
    pub fn pace(&self) -> f64 {
        let took: f64 = self.ways.iter().map(|way| way.took_ms).sum();
        let believed: f64 = self.ways.iter().flat_map(|way| &way.edges).map(|(_, ms)| ms).sum();
        if believed > 0.0 { took / believed } else { 1.0 }
    }

    /// The factor of each of `edges` edges on the dispatcher's time.
    pub fn factors(&self, edges: usize) -> Vec<f64> {
        let pace = self.pace();
        let mut factors = vec![pace; edges];
        let mut driven = vec![0.0; edges];
        for (edge, ms) in self.ways.iter().flat_map(|way| &way.edges) {
            driven[*edge as usize] += ms;
        }
        let mut due = vec![0.0; edges];
        for _ in 0..ROUNDS {
            due.fill(0.0);
            for way in &self.ways {
                let expected: f64 = way.edges.iter().map(|(edge, ms)| ms * factors[*edge as usize]).sum();
                for (edge, ms) in &way.edges {
                    due[*edge as usize] += ms * factors[*edge as usize] * way.took_ms / expected;
                }
            }
            for (edge, factor) in factors.iter_mut().enumerate() {
                *factor = (HELD_MS * pace + due[edge]) / (HELD_MS + driven[edge]);
            }
        }
        factors
    }
}
