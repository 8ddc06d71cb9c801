//! How long the work took that led to offers.

/// Spans of time, kept one by one: percentiles of them are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Nanoseconds; a span over 4.29 s counts as 4.29 s.
    spans_ns: Vec<u32>,
}

impl Latencies {
    /// Adds a span.
    pub fn push(&mut self, ns: u64) {
        self.spans_ns.push(u32::try_from(ns).unwrap_or(u32::MAX));
    }

    /// All of them, in nanoseconds, in the order in which the work was done.
    pub fn spans_ns(&self) -> &[u32] {
        &self.spans_ns
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans_ns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans_ns.is_empty()
    }

    /// The nearest-rank percentile `per_mille` / 10, in nanoseconds: the smallest span that so many are not above. 1000
    /// is the longest span. `None`: there are no spans.
    pub fn percentile_ns(&self, per_mille: u32) -> Option<u32> {
        let mut sorted = self.spans_ns.clone();
        let rank = (sorted.len() as u64 * u64::from(per_mille)).div_ceil(1000).max(1) as usize;
        (rank <= sorted.len()).then(|| *sorted.select_nth_unstable(rank - 1).1)
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile_ns(500), None);
        for ns in [50, 10, 40, 20, 30] {
            latencies.push(ns);
        }
        let of = |per_mille| latencies.percentile_ns(per_mille).expect("there are spans");
        assert_eq!([0, 200, 201, 500, 990, 1000].map(of), [10, 10, 20, 30, 50, 50]);
        latencies.push(u64::MAX);
        assert_eq!(latencies.percentile_ns(1000), Some(u32::MAX));
    }
}
