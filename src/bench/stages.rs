//! How long commands were in each stage of their way through the market, by the market's own figures.

use std::collections::BTreeMap;

use serde::Serialize;

/// The figures of a market, as it shows them at one moment.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// By name and stage, the bounds of a histogram in seconds and how many were not above each.
    stages: BTreeMap<String, Vec<(f64, u64)>>,
    sums: BTreeMap<String, f64>,
    counts: BTreeMap<String, f64>,
}

/// How long commands were in one stage, all of them: of drivers, too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Which.
    #[serde(rename = "stage")]
    pub name: String,
    /// How many commands went through it.
    pub count: u64,
    pub mean_ms: f64,
    /// A bound of the histogram that the percentile is not above, within a fifth of it.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// In the order in which a command goes through them.
const STAGES: [&str; 4] = ["queue", "decide", "sync", "deliver"];

impl Shown {
    /// Those of `market` in a text of the `OpenMetrics` format.
    pub fn read(text: &str, market: &str) -> Self {
        let mut shown = Self::default();
        let of = format!("market=\"{market}\"");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.split_once("} ") else { continue };
            let label = |key: &str| labels.split(',').find_map(|label| label.strip_prefix(key)).map(unquoted);
            // An exemplar or a timestamp may follow.
            let Some(value) = value.split(' ').next().and_then(|value| value.parse::<f64>().ok()) else { continue };
            if !labels.split(',').any(|label| label == of) {
                continue;
            }
            match (name, label("stage="), label("le=")) {
                ("hansom_stage_seconds_bucket", Some(stage), Some(bound)) => {
                    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap_or(f64::INFINITY) };
                    shown.stages.entry(stage.to_owned()).or_default().push((bound, value as u64));
                }
                ("hansom_stage_seconds_sum", Some(stage), _) => _ = shown.sums.insert(stage.to_owned(), value),
                (_, None, None) => _ = shown.counts.insert(name.to_owned(), value),
                _ => {}
            }
        }
        shown
    }

    /// A figure, by its name without `hansom_`.
    pub fn count(&self, name: &str) -> Option<f64> {
        self.counts.get(&format!("hansom_{name}")).copied()
    }

    /// By how much a figure has grown.
    pub fn growth(&self, before: &Self, name: &str) -> Option<u64> {
        Some((self.count(name)? - before.count(name)?).max(0.0) as u64)
    }

    /// What went through each stage since `before`.
    pub fn stages(&self, before: &Self) -> Vec<Stage> {
        STAGES.iter().filter_map(|stage| self.stage(before, stage)).collect()
    }

    fn stage(&self, before: &Self, stage: &str) -> Option<Stage> {
        let (now, then) = (self.stages.get(stage)?, before.stages.get(stage)?);
        let counts: Vec<(f64, u64)> =
            now.iter().zip(then).map(|((bound, now), (_, then))| (*bound, now.saturating_sub(*then))).collect();
        let count = counts.last()?.1;
        let sum = self.sums.get(stage)? - before.sums.get(stage)?;
        let at = |share: f64| 1000.0 * quantile(&counts, count, share);
        let mean_ms = if count > 0 { 1000.0 * sum / count as f64 } else { 0.0 };
        let (p50_ms, p99_ms, p999_ms) = (at(0.5), at(0.99), at(0.999));
        Some(Stage { name: stage.to_owned(), count, mean_ms, p50_ms, p99_ms, p999_ms })
    }
}

fn unquoted(value: &str) -> &str {
    value.trim_matches('"')
}

/// The least bound that is not below the nearest-rank percentile of what is counted up to each bound. What is above all of
/// them counts as the last.
fn quantile(counts: &[(f64, u64)], count: u64, share: f64) -> f64 {
    let rank = ((share * count as f64).ceil() as u64).max(1);
    let finite = || counts.iter().filter(|(bound, _)| bound.is_finite());
    let found = finite().find(|(_, upto)| *upto >= rank).or_else(|| finite().next_back());
    if count == 0 { 0.0 } else { found.map_or(0.0, |(bound, _)| *bound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"# TYPE hansom_stage_seconds histogram
hansom_stage_seconds_sum{market="town",stage="queue"} 1.0
hansom_stage_seconds_bucket{market="town",stage="queue",le="0.001"} 90
hansom_stage_seconds_bucket{market="town",stage="queue",le="0.002"} 100
hansom_stage_seconds_bucket{market="town",stage="queue",le="+Inf"} 100
hansom_stage_seconds_bucket{market="other",stage="queue",le="0.001"} 7
hansom_shed_pings_total{market="town"} 3
"#;

    #[test]
    fn what_was_before_does_not_count() {
        let after =
            BEFORE.replace("\"0.001\"} 90", "\"0.001\"} 140").replace("} 100", "} 200").replace("} 1.0", "} 1.3");
        let (before, after) = (Shown::read(BEFORE, "town"), Shown::read(&after.replace("} 3", "} 10"), "town"));
        let stages = after.stages(&before);
        let [queue] = &stages[..] else { panic!("{stages:?}") };
        assert_eq!((queue.name.as_str(), queue.count), ("queue", 100));
        assert_eq!((queue.p50_ms, queue.p99_ms), (1.0, 2.0));
        assert!((queue.mean_ms - 3.0).abs() < 1e-9, "{}", queue.mean_ms);
        assert_eq!(after.growth(&before, "shed_pings_total"), Some(7));
        assert_eq!(after.growth(&before, "nothing_total"), None);
    }

    #[test]
    fn a_stage_that_nothing_went_through_took_no_time() {
        let before = Shown::read(BEFORE, "town");
        let stages = before.stages(&before);
        assert_eq!((stages[0].count, stages[0].p999_ms), (0, 0.0));
    }
}
