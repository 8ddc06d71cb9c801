//! Up to which rate a market keeps up.

use serde::Serialize;

/// What counts as keeping up: nearly all requests answered by the end …
const ANSWERED: f64 = 0.99;
/// … and the slow ones no slower than so many times those at the lowest rate.
const BEND: f64 = 5.0;
/// How much the rate grows from step to step.
const GROWTH: f64 = 1.5;
/// Between a rate that is kept up with and one that is not, so many more are tried.
const HALVINGS: u32 = 2;

/// How one rate went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Requests a second.
    pub per_s: u32,
    /// The share that was answered before the step was over.
    pub answered: f64,
    /// Request to offer; where no offers are made, to answer.
    pub p99_ms: f64,
}

/// The search for the knee.
#[derive(Debug, Clone)]
pub struct Sweep {
    most: u32,
    next: Option<u32>,
    points: Vec<Point>,
    halvings: u32,
}

/// Where the knee is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Knee {
    /// The highest rate that was kept up with.
    pub holds_per_s: u32,
    /// The lowest one above it that was not; none: it lies beyond what was tried.
    pub breaks_per_s: Option<u32>,
}

impl Sweep {
    /// From one rate up to another.
    pub fn new(from: u32, most: u32) -> Self {
        Self { most, next: Some(from), points: Vec::new(), halvings: HALVINGS }
    }

    /// The rate to try next.
    pub fn next(&self) -> Option<u32> {
        self.next
    }

    /// How it went.
    pub fn tried(&mut self, point: Point) {
        self.points.push(point);
        let knee = self.knee();
        let next = match knee {
            Some(Knee { holds_per_s, breaks_per_s: None }) if holds_per_s < self.most => {
                let grown = (f64::from(holds_per_s) * GROWTH).round() as u32;
                Some(grown.clamp(holds_per_s + 1, self.most))
            }
            Some(Knee { holds_per_s, breaks_per_s: Some(breaks_per_s) }) if self.halvings > 0 => {
                self.halvings -= 1;
                Some(u32::midpoint(holds_per_s, breaks_per_s)).filter(|middle| *middle > holds_per_s)
            }
            // Not even the lowest held, or it is known well enough.
            _ => None,
        };
        self.next = next;
    }

    /// As far as is known; `None`: not even the lowest rate was kept up with.
    pub fn knee(&self) -> Option<Knee> {
        knee(&self.points)
    }
}

/// The knee among points: below the lowest rate that broke, the highest that held.
pub fn knee(points: &[Point]) -> Option<Knee> {
    let lowest = points.iter().min_by_key(|point| point.per_s)?;
    let holds = |point: &&Point| point.answered >= ANSWERED && point.p99_ms <= BEND * lowest.p99_ms;
    let breaks_per_s = points.iter().filter(|point| !holds(point)).map(|point| point.per_s).min();
    let held = points.iter().filter(|point| breaks_per_s.is_none_or(|breaks| point.per_s < breaks));
    Some(Knee { holds_per_s: held.map(|point| point.per_s).max()?, breaks_per_s })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sweep(from: u32, most: u32, capacity: u32) -> (Vec<u32>, Option<Knee>) {
        let (mut sweep, mut tried) = (Sweep::new(from, most), Vec::new());
        while let Some(per_s) = sweep.next() {
            tried.push(per_s);
            let over = per_s > capacity;
            let answered = f64::from(capacity.min(per_s)) / f64::from(per_s);
            sweep.tried(Point { per_s, answered, p99_ms: if over { 900.0 } else { 2.0 } });
        }
        (tried, sweep.knee())
    }

    #[test]
    fn the_rate_grows_until_it_breaks_and_the_gap_is_halved() {
        let (tried, knee) = sweep(100, 10_000, 400);
        assert_eq!(tried, [100, 150, 225, 338, 507, 422, 380]);
        assert_eq!(knee, Some(Knee { holds_per_s: 380, breaks_per_s: Some(422) }));
    }

    #[test]
    fn slow_answers_break_as_lost_ones_do() {
        let point = |per_s, p99_ms| Point { per_s, answered: 1.0, p99_ms };
        let points = [point(100, 2.0), point(200, 9.0), point(400, 11.0), point(800, 9.0)];
        assert_eq!(knee(&points), Some(Knee { holds_per_s: 200, breaks_per_s: Some(400) }));
        assert_eq!(knee(&points[..2]), Some(Knee { holds_per_s: 200, breaks_per_s: None }));
        assert_eq!(knee(&[Point { answered: 0.5, ..point(100, 2.0) }]), None);
    }

    proptest! {
        /// Whatever a market can take: the search ends, and the knee that it finds has that between its two sides.
        #[test]
        fn the_knee_is_where_it_is(from in 1_u32..500, factor in 2_u32..50, capacity in 1_u32..20_000) {
            let (tried, knee) = sweep(from, from * factor, capacity);
            prop_assert!(tried.len() < 40);
            match knee {
                Some(Knee { holds_per_s, breaks_per_s }) => {
                    prop_assert!(f64::from(holds_per_s) * ANSWERED <= f64::from(capacity));
                    prop_assert!(breaks_per_s.map_or(holds_per_s == from * factor, |breaks| breaks > capacity));
                }
                None => prop_assert!(from > capacity),
            }
        }
    }
}
