//! One scenario in several arms on several seeds.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use super::document::Override;
use super::fault::{Fault, Faults};
use super::model::Scenario;

/// What sets one side of a comparison apart: nothing, or some keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arm {
    changes: Vec<Override>,
}

impl Arm {
    /// The values of one `--arm`: `key=value`, several of them apart or in one text between blanks.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut changes = Vec::new();
        for value in values.into_iter().flat_map(str::split_whitespace) {
            match Override::parse(value) {
                Ok(change) => changes.push(change),
                Err(of_one) => faults.extend_from_slice(of_one.list()),
            }
        }
        Faults::unless(faults, Self { changes })
    }
}

impl fmt::Display for Arm {
    /// `policy.kind=nearest offer_s=10`; `as it is` if nothing is changed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("as it is");
        }
        for (n, change) in self.changes.iter().enumerate() {
            write!(f, "{}{change}", if n > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

/// Seeds `from..to`, both included; or a single one.
pub fn seeds(text: &str) -> Result<RangeInclusive<u64>, Faults> {
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|&seed| i64::try_from(seed).is_ok());
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (number(first), number(last.trim_start_matches('='))) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => {
            let (expected, example) = ("a range of seeds, first to last", "--seeds 1..30");
            Err(Fault::Argument { argument: text.to_owned(), expected, example }.into())
        }
    }
}

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRun {
    /// Which arm, counted from 0.
    pub arm: usize,
    /// The scenario, its seed set.
    pub scenario: Scenario,
}

/// The runs of every arm on every seed, arm by arm. `changes` apply to all arms, before their own.
pub fn sweep(
    path: &Path,
    changes: &[Override],
    arms: &[Arm],
    seeds: RangeInclusive<u64>,
) -> Result<Vec<SweepRun>, Faults> {
    let mut runs = Vec::new();
    for (arm, Arm { changes: own }) in arms.iter().enumerate() {
        let scenario = Scenario::load(path, &[changes, own].concat())?;
        runs.extend(seeds.clone().map(|seed| SweepRun { arm, scenario: Scenario { seed, ..scenario.clone() } }));
    }
    Ok(runs)
}
