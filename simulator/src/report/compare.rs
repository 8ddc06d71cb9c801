//! Runs against each other: paired by seed, with the interval in which the mean difference lies.
//!
//! A difference is taken between two runs of one seed, which share requests and draws, so that what chance does to both
//! falls away. The interval is Student's, of 95 %: means of differences are near enough to normal.

mod page;
mod student;

use super::number::{fixed, percent};

pub use page::page;

/// The confidence of an interval.
pub const CONFIDENCE: f64 = 0.95;

/// A figure of a run that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kpi {
    /// Its place in `summary.json`, levels parted by dots.
    pub path: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it counts.
    pub unit: KpiUnit,
    /// Which way is better.
    pub better: Better,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KpiUnit {
    /// Parts of 1, shown in percent; differences in percentage points.
    Share,
    /// Seconds.
    Seconds,
    /// Things.
    Count,
    /// A ratio.
    Ratio,
    /// Minor units of the currency.
    Minor,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More of it.
    More,
    /// Less of it.
    Less,
    /// Neither by itself.
    Neither,
}

const fn kpi(path: &'static str, name: &'static str, unit: KpiUnit, better: Better) -> Kpi {
    Kpi { path, name, unit, better }
}

/// What is compared, in order.
pub const KPIS: [Kpi; 20] = [
    kpi("service_rate", "service rate", KpiUnit::Share, Better::More),
    kpi("completed", "rides completed", KpiUnit::Count, Better::More),
    kpi("wait_s.mean", "wait, mean", KpiUnit::Seconds, Better::Less),
    kpi("wait_s.p50", "wait, median", KpiUnit::Seconds, Better::Less),
    kpi("wait_s.p90", "wait, p90", KpiUnit::Seconds, Better::Less),
    kpi("wait_s.p95", "wait, p95", KpiUnit::Seconds, Better::Less),
    kpi("time_to_offer_s.mean", "time to offer, mean", KpiUnit::Seconds, Better::Less),
    kpi("time_to_offer_s.p90", "time to offer, p90", KpiUnit::Seconds, Better::Less),
    kpi("in_vehicle_s.mean", "in vehicle, mean", KpiUnit::Seconds, Better::Less),
    kpi("detour", "detour", KpiUnit::Ratio, Better::Less),
    kpi("utilisation", "utilisation", KpiUnit::Share, Better::Neither),
    kpi("deadhead_share", "deadhead share", KpiUnit::Share, Better::Less),
    kpi("occupancy", "occupancy", KpiUnit::Ratio, Better::More),
    kpi("outcomes.cancelled_before_match", "cancelled before match", KpiUnit::Count, Better::Less),
    kpi("outcomes.cancelled_after_match", "cancelled after match", KpiUnit::Count, Better::Less),
    kpi("outcomes.no_driver", "no driver", KpiUnit::Count, Better::Less),
    kpi("outcomes.no_show", "no-shows", KpiUnit::Count, Better::Neither),
    kpi("fares.total_minor", "fares", KpiUnit::Minor, Better::More),
    kpi("fares.driver_minor", "driver pay", KpiUnit::Minor, Better::More),
    kpi("fares.platform_minor", "platform", KpiUnit::Minor, Better::More),
];

impl Kpi {
    /// A value of it.
    pub fn shown(&self, value: f64) -> String {
        match self.unit {
            KpiUnit::Share => percent(value),
            KpiUnit::Seconds => format!("{} s", fixed(value, 1)),
            KpiUnit::Count => fixed(value, 1),
            KpiUnit::Minor => fixed(value, 0),
            KpiUnit::Ratio => fixed(value, 3),
        }
    }

    /// A difference of two values, signed.
    pub fn shown_difference(&self, difference: f64) -> String {
        let text = match self.unit {
            KpiUnit::Share => fixed(difference * 100.0, 2),
            KpiUnit::Seconds | KpiUnit::Count => fixed(difference, 1),
            KpiUnit::Minor => fixed(difference, 0),
            KpiUnit::Ratio => fixed(difference, 4),
        };
        if difference > 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            format!("+{text}")
        } else {
            text
        }
    }

    /// The unit of a difference.
    pub fn difference_unit(&self) -> &'static str {
        match self.unit {
            KpiUnit::Share => "points",
            KpiUnit::Seconds => "s",
            KpiUnit::Count | KpiUnit::Ratio => "",
            KpiUnit::Minor => "minor",
        }
    }
}

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its arm, counted from 0.
    pub arm: usize,
    /// Its seed.
    pub seed: u64,
    /// Its figures, in the order of [`KPIS`]; `None`: does not apply, as the wait where nobody was picked up.
    pub figures: Vec<Option<f64>>,
}

/// Arms against the first one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What each arm is called; the first is the baseline.
    pub arms: Vec<String>,
    /// The seeds that every arm has, ascending.
    pub seeds: Vec<u64>,
    /// Seeds that not every arm has, ascending: left out.
    pub unpaired: Vec<u64>,
    /// A row for each of [`KPIS`].
    pub rows: Vec<Row>,
}

/// One figure of all arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub kpi: &'static Kpi,
    /// Mean of each arm over the seeds; `None`: no run has it.
    pub means: Vec<Option<f64>>,
    /// Each arm but the first against the first.
    pub differences: Vec<Difference>,
}

/// An arm against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Arm minus baseline for each seed at which both have the figure, ascending by seed.
    pub pairs: Vec<f64>,
    /// Their mean; `None`: there are none.
    pub mean: Option<f64>,
    /// In which the mean difference lies with [`CONFIDENCE`]; `None`: fewer than two pairs.
    pub interval: Option<(f64, f64)>,
}

/// What an interval says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It lies on the better side of zero.
    Better,
    /// It lies on the worse side of zero.
    Worse,
    /// It excludes zero; neither way is better by itself.
    Differs,
    /// It includes zero, or there is none.
    Open,
}

impl Verdict {
    /// In a word; nothing where there is nothing to say.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Differs => "differs",
            Self::Open => "",
        }
    }
}

impl Comparison {
    /// Compares the runs of `arms`, each of at most one run for each seed.
    pub fn of(arms: Vec<String>, runs: &[Run]) -> Self {
        let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let find = |arm: usize, seed: u64| runs.iter().find(|run| run.arm == arm && run.seed == seed);
        let (seeds, unpaired): (Vec<u64>, Vec<u64>) =
            seeds.into_iter().partition(|&seed| (0..arms.len()).all(|arm| find(arm, seed).is_some()));
        let row = |n: usize, kpi: &'static Kpi| {
            let figures = |arm: usize| -> Vec<Option<f64>> {
                let of = |&seed: &u64| find(arm, seed).and_then(|run| run.figures.get(n).copied().flatten());
                seeds.iter().map(of).collect()
            };
            let base = figures(0);
            let differences = (1..arms.len()).map(|arm| {
                let pairs = figures(arm).iter().zip(&base).filter_map(|(&a, &b)| Some(a? - b?)).collect();
                Difference::of(pairs)
            });
            let means = (0..arms.len()).map(|arm| mean(&figures(arm).into_iter().flatten().collect::<Vec<_>>()));
            Row { kpi, means: means.collect(), differences: differences.collect() }
        };
        let rows = KPIS.iter().enumerate().map(|(n, kpi)| row(n, kpi)).collect();
        Self { arms, seeds, unpaired, rows }
    }
}

impl Difference {
    fn of(pairs: Vec<f64>) -> Self {
        let mean = mean(&pairs);
        let interval = mean.filter(|_| pairs.len() > 1).map(|mean| {
            let freedom = pairs.len() - 1;
            let squares: f64 = pairs.iter().map(|pair| (pair - mean) * (pair - mean)).sum();
            let error = libm::sqrt(squares / freedom as f64 / pairs.len() as f64);
            let reach = student::quantile(CONFIDENCE, freedom as u32) * error;
            (mean - reach, mean + reach)
        });
        Self { pairs, mean, interval }
    }

    /// Whether the interval excludes zero. Pairs that are all the same, zero apart, exclude it.
    pub fn excludes_zero(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }

    /// What the interval says of `kpi`.
    pub fn verdict(&self, kpi: &Kpi) -> Verdict {
        match (self.interval, kpi.better) {
            (Some((low, high)), _) if low <= 0.0 && high >= 0.0 => Verdict::Open,
            (None, _) => Verdict::Open,
            (Some(_), Better::Neither) => Verdict::Differs,
            (Some((low, _)), Better::More) if low > 0.0 => Verdict::Better,
            (Some((low, _)), Better::Less) if low <= 0.0 => Verdict::Better,
            (Some(_), Better::More | Better::Less) => Verdict::Worse,
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arm: usize, seed: u64, rate: f64, wait: Option<f64>) -> Run {
        let mut figures = vec![None; KPIS.len()];
        (figures[0], figures[2]) = (Some(rate), wait);
        Run { arm, seed, figures }
    }

    fn arms() -> Vec<String> {
        vec!["base".to_owned(), "other".to_owned()]
    }

    #[test]
    fn runs_are_paired_by_seed_and_the_interval_is_students() {
        let rates = [(0.90, 0.93), (0.80, 0.84), (0.85, 0.87)];
        let runs: Vec<Run> = (1..)
            .zip(rates)
            .flat_map(|(seed, (a, b))| [run(1, seed, b, Some(100.0)), run(0, seed, a, Some(100.0))])
            .chain([run(0, 9, 0.1, None)])
            .collect();
        let comparison = Comparison::of(arms(), &runs);
        assert_eq!(
            (comparison.seeds.as_slice(), comparison.unpaired.as_slice()),
            ([1, 2, 3].as_slice(), [9].as_slice())
        );
        let rate = &comparison.rows[0];
        assert!((rate.means[0].expect("a mean") - 0.85).abs() < 1e-12);
        let difference = &rate.differences[0];
        // Differences 0.03, 0.04, 0.02: mean 0.03, standard error 0.01 / √3, t of two degrees of freedom 4.30265.
        let (low, high) = difference.interval.expect("three pairs");
        assert!((low - (0.03 - 4.302_65 * 0.01 / 3_f64.sqrt())).abs() < 1e-6, "{low}");
        assert!((high - (0.03 + 4.302_65 * 0.01 / 3_f64.sqrt())).abs() < 1e-6, "{high}");
        assert_eq!(difference.verdict(rate.kpi), Verdict::Better);
        assert_eq!(comparison.rows[2].differences[0].verdict(&KPIS[2]), Verdict::Open);
    }

    #[test]
    fn one_pair_has_no_interval_and_a_missing_figure_no_pair() {
        let comparison = Comparison::of(arms(), &[run(0, 1, 0.5, None), run(1, 1, 0.7, Some(3.0))]);
        assert_eq!(comparison.rows[0].differences[0].interval, None);
        assert_eq!(comparison.rows[0].differences[0].verdict(&KPIS[0]), Verdict::Open);
        let wait = &comparison.rows[2];
        assert_eq!((wait.means.as_slice(), wait.differences[0].mean), ([None, Some(3.0)].as_slice(), None));
    }

    #[test]
    fn less_waiting_is_better_and_more_is_worse() {
        let verdict = |pairs: [f64; 2]| Difference::of(pairs.to_vec()).verdict(&KPIS[2]);
        assert_eq!(
            (verdict([-5.0, -5.1]), verdict([5.0, 5.1]), verdict([-5.0, 5.0])),
            (Verdict::Better, Verdict::Worse, Verdict::Open)
        );
    }
}
