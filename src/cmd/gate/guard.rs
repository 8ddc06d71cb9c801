//! A guard: a figure of a summary, and how far from the log's it may go.

use hansom_simulator::report::summary::FIGURES;
use hansom_simulator::scenario::nearest;
use serde_json::Value;

use crate::error::Error;

/// What must hold of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// As it was given.
    pub text: String,
    /// The figure: its place in `summary.json`, levels parted by dots.
    pub field: String,
    side: Side,
    bound: Bound,
}

/// On which side of the limit the figure must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtMost,
    AtLeast,
}

/// How far the limit is from the log's figure.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Percent(f64),
    Units(f64),
}

impl Guard {
    /// Takes `wait_s.p95<=+2%` apart.
    pub fn parse(given: &str) -> Result<Self, Error> {
        let wrong = |what| Error::Guard { given: given.to_owned(), what };
        let (field, side, bound) = match (given.split_once("<="), given.split_once(">=")) {
            (Some((field, bound)), None) => (field.trim(), Side::AtMost, bound.trim()),
            (None, Some((field, bound))) => (field.trim(), Side::AtLeast, bound.trim()),
            _ => return Err(wrong("it has no `<=` or `>=` between a figure and a bound")),
        };
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let bound = match bound.strip_suffix('%') {
            Some(share) => number(share).map(Bound::Percent),
            None => number(bound).map(Bound::Units),
        };
        let bound = bound.ok_or_else(|| wrong("its bound is no number, with or without a percent sign"))?;
        if !FIGURES.contains(&field) {
            let suggestion = nearest(field, FIGURES).map(str::to_owned);
            return Err(Error::GuardField { given: given.to_owned(), field: field.to_owned(), suggestion });
        }
        Ok(Self { text: given.to_owned(), field: field.to_owned(), side, bound })
    }

    /// How far the figure may go if the log has `log`.
    pub fn limit(&self, log: f64) -> f64 {
        match self.bound {
            Bound::Percent(share) => log + log.abs() * share / 100.0,
            Bound::Units(units) => log + units,
        }
    }

    /// Whether `value` is on the right side of `limit`, or on it.
    pub fn holds(&self, value: f64, limit: f64) -> bool {
        match self.side {
            Side::AtMost => value <= limit,
            Side::AtLeast => value >= limit,
        }
    }
}

/// A figure of a summary; `None`: it does not apply to that run.
pub fn figure(summary: &Value, path: &str) -> Option<f64> {
    path.split('.').try_fold(summary, |value, key| value.get(key))?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_relative_to_the_log() {
        let meets = |guard: &str, log: f64, value: f64| {
            let guard = Guard::parse(guard).expect("a guard");
            guard.holds(value, guard.limit(log))
        };
        assert!(meets("wait_s.p95<=+2%", 100.0, 102.0));
        assert!(!meets("wait_s.p95 <= +2%", 100.0, 102.1));
        assert!(meets("service_rate>=-0.5%", 0.8, 0.796));
        assert!(!meets("service_rate>=-0.5%", 0.8, 0.795));
        assert!(meets("outcomes.no_driver<=+3", 0.0, 3.0));
        assert!(!meets("fares.total_minor>=0%", -100.0, -101.0));
        assert!(meets("fares.total_minor>=-1%", -100.0, -101.0), "a percent of what a figure is, not of its sign");
    }

    #[test]
    fn a_figure_is_found_by_its_place() {
        let summary = serde_json::json!({ "wait_s": { "p95": 12.5, "mean": null } });
        assert_eq!(figure(&summary, "wait_s.p95"), Some(12.5));
        assert_eq!((figure(&summary, "wait_s.mean"), figure(&summary, "wait_s.p99")), (None, None));
    }
}
