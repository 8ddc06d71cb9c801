//! When requests come: laid down before the first is sent, so that no answer, however late, moves one.

use std::time::Duration;

use clap::ValueEnum;
use hansom_simulator::rng::{Purpose, Stream};

/// What lies between one request and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Gaps {
    /// Chance, as between riders who do not know of each other
    Poisson,
    /// Always the same
    Fixed,
}

/// The instants of requests, from the start on, in order, without end.
#[derive(Debug, Clone)]
pub struct Arrivals {
    gaps: Gaps,
    per_s: u32,
    draws: Stream,
    /// How many have come.
    count: u64,
    /// When the last one came.
    last: Duration,
}

impl Arrivals {
    /// `per_s` requests a second, the first after one gap.
    pub fn new(gaps: Gaps, per_s: u32, seed: u64) -> Self {
        let draws = Stream::new(seed, Purpose::RequestGap);
        Self { gaps, per_s: per_s.max(1), draws, count: 0, last: Duration::ZERO }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.count += 1;
        self.last = match self.gaps {
            // Of the count, not of the one before: what a gap is rounded by does not add up.
            Gaps::Fixed => Duration::from_nanos(self.count * 1_000_000_000 / u64::from(self.per_s)),
            Gaps::Poisson => {
                let gap = self.draws.draw(self.count, 0).exponential() / f64::from(self.per_s);
                self.last + Duration::from_secs_f64(gap)
            }
        };
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chance_leaves_the_rate_as_it_is_and_is_the_same_for_the_same_seed() {
        let times = |seed| Arrivals::new(Gaps::Poisson, 300, seed).take(30_000).collect::<Vec<_>>();
        assert_eq!(times(7), times(7));
        assert_ne!(times(7), times(8));
        let end = times(7).last().copied().unwrap_or_default();
        // Ten standard deviations of the sum of so many gaps.
        assert!((94.0..106.0).contains(&end.as_secs_f64()), "{end:?}");
        // A third of the gaps of a Poisson stream are longer than the mean.
        let longer =
            times(7).windows(2).filter(|two| two[1].saturating_sub(two[0]) > Duration::from_secs(1) / 300).count();
        assert!((10_000..12_000).contains(&longer), "{longer}");
    }

    proptest! {
        /// However long it goes on: the n-th comes n gaps after the start, to the nanosecond below.
        #[test]
        fn a_fixed_gap_is_exact(per_s in 1_u32..100_000, nth in 1_usize..5_000) {
            let at = Arrivals::new(Gaps::Fixed, per_s, 1).nth(nth - 1).expect("there is no end");
            let exact = nth as u128 * 1_000_000_000 / u128::from(per_s);
            prop_assert_eq!(at.as_nanos(), exact);
        }
    }
}
