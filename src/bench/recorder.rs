//! How long things took, from when they were meant to begin.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Three digits of every value, up to an hour.
const DIGITS: u8 = 3;
const MOST_US: u64 = 3_600_000_000;

/// Collects times.
#[derive(Debug)]
pub struct Recorder(Mutex<Histogram<u64>>);

/// What times come to, in ms.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// The half of them are not above this; and so on.
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// All of them: no longer than so many µs, how many.
    pub histogram_us: Vec<(u64, u64)>,
}

impl Recorder {
    /// Empty.
    pub fn new() -> Self {
        // The bounds are constants.
        Self(Mutex::new(Histogram::new_with_bounds(1, MOST_US, DIGITS).expect("the bounds are in order")))
    }

    fn lock(&self) -> MutexGuard<'_, Histogram<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was meant to begin at `due`, and was over at `done`.
    pub fn record(&self, due: Instant, done: Instant) {
        self.add(done.saturating_duration_since(due));
    }

    /// Something took so long.
    pub fn add(&self, took: Duration) {
        let us = took.as_nanos().div_ceil(1000).clamp(1, u128::from(MOST_US));
        self.lock().saturating_record(us as u64);
    }

    /// How many so far.
    pub fn count(&self) -> u64 {
        self.lock().len()
    }

    /// What they come to.
    pub fn latency(&self) -> Latency {
        let all = self.lock();
        if all.is_empty() {
            return Latency::default();
        }
        let at = |share| ms(all.value_at_quantile(share));
        Latency {
            count: all.len(),
            mean_ms: all.mean() / 1000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(all.max()),
            histogram_us: all.iter_recorded().map(|some| (some.value_iterated_to(), some.count_at_value())).collect(),
        }
    }
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bench::arrivals::{Arrivals, Gaps};

    /// What becomes of requests, at a rate and a fixed gap, of one that answers at once but stands still for a while.
    fn stalled(per_s: u32, stall: Duration) -> Latency {
        let (began, recorder) = (Instant::now(), Recorder::new());
        let (from, until) = (Duration::from_secs(1), Duration::from_secs(1) + stall);
        for due in Arrivals::new(Gaps::Fixed, per_s, 1).take_while(|due| *due < Duration::from_secs(5)) {
            let done = if (from..until).contains(&due) { until } else { due };
            recorder.record(began + due, began + done);
        }
        recorder.latency()
    }

    fn above(latency: &Latency, ms: u64) -> u64 {
        latency.histogram_us.iter().filter(|(us, _)| *us > ms * 1000).map(|(_, count)| count).sum()
    }

    #[test]
    fn who_would_have_asked_while_nobody_answered_is_counted() {
        let latency = stalled(300, Duration::from_millis(500));
        assert!((490.0..=501.0).contains(&latency.max_ms), "{}", latency.max_ms);
        // Who asked in the first 400 ms waited for more than 100 ms. One after another it would have been one request.
        assert!((119..=121).contains(&above(&latency, 100)), "{}", above(&latency, 100));
        assert_eq!(latency.count, 1499);
    }

    proptest! {
        #[test]
        fn of_a_stall_as_many_are_late_as_came_before_its_last_tenth_of_a_second(
            per_s in 20_u32..2_000, stall_ms in 110_u64..3_000
        ) {
            let latency = stalled(per_s, Duration::from_millis(stall_ms));
            let late = (stall_ms - 100) as f64 / 1000.0 * f64::from(per_s);
            // What a histogram of three digits rounds, and the ends.
            let slack = 2.0 + late / 500.0 + f64::from(per_s) / 1000.0;
            prop_assert!((above(&latency, 100) as f64 - late).abs() <= slack, "{} for {late}", above(&latency, 100));
        }

        /// Against the sorted list itself.
        #[test]
        fn percentiles_are_those_of_the_times(mut times in prop::collection::vec(1_u64..5_000_000, 1..300)) {
            let recorder = Recorder::new();
            for us in &times {
                recorder.add(Duration::from_micros(*us));
            }
            times.sort_unstable();
            let latency = recorder.latency();
            prop_assert_eq!(latency.histogram_us.iter().map(|(_, count)| count).sum::<u64>(), times.len() as u64);
            for (share, found) in [(0.5, latency.p50_ms), (0.99, latency.p99_ms), (1.0, latency.max_ms)] {
                let rank = ((share * times.len() as f64).ceil() as usize).clamp(1, times.len());
                let exact = times[rank - 1] as f64 / 1000.0;
                prop_assert!(found >= exact && found <= exact * 1.001 + 0.001, "{share}: {found} for {exact}");
            }
        }
    }
}
