//! A scenario against itself on disjoint seeds: how often an interval of 95 % covers the zero that is the truth.

use hansom_simulator::report::compare::{CONFIDENCE, Comparison, Kpi, Run};
use hansom_simulator::report::number::grouped;
use hansom_simulator::scenario::{Arm, seeds, sweep};
use serde_json::{Value, json};

use super::sweep::{cities, run_all};
use crate::cli::{Compare, Format};
use crate::cmd::scenario::overrides;
use crate::error::{Error, Exit};
use crate::interrupted;
use crate::show::{self, Table};

/// How the intervals of one figure did.
struct Coverage {
    kpi: &'static Kpi,
    /// Comparisons that have an interval.
    intervals: u64,
    /// Of them, those whose interval covers zero.
    covering: u64,
}

/// Runs the scenario against itself `times` times, each time on seeds of its own for both arms, and counts.
pub fn compare(arguments: &Compare, times: u32) -> Result<Exit, Error> {
    let [scenario] = arguments.what.as_slice() else { return Err(Error::OneScenario { given: arguments.what.len() }) };
    let first = seeds(arguments.seeds.as_deref().unwrap_or("1..10"))?;
    let (start, each) = (*first.start(), first.end() - first.start() + 1);
    let last = each.saturating_mul(2).saturating_mul(u64::from(times)).saturating_add(start - 1);
    let planned = sweep(scenario, &overrides(&arguments.changes)?, &[Arm::default()], start..=last)?;
    let runs = run_all(&planned, &cities(&planned)?, None, arguments.quiet)?;
    if interrupted() {
        return Ok(Exit::Interrupted);
    }
    let name = planned.first().map_or_else(String::new, |run| run.scenario.name.clone());
    let runs: Vec<Run> = runs.into_iter().map(|made| made.run).collect();
    let covered = count(&runs, each as usize);
    match arguments.format {
        Format::Text => show::result(&text(&name, times, each, &covered))?,
        Format::Json => show::result(&show::json(&as_json(&name, times, each, &covered)))?,
    }
    Ok(Exit::Done)
}

/// Runs in order of seed: `each` of one arm, `each` of the other, and so on.
fn count(runs: &[Run], each: usize) -> Vec<Coverage> {
    let comparisons: Vec<Comparison> = runs
        .chunks(2 * each)
        .map(|runs| {
            // The n-th of one arm is paired with the n-th of the other.
            let paired =
                runs.iter().enumerate().map(|(n, run)| Run { arm: n / each, seed: (n % each) as u64, ..run.clone() });
            Comparison::of(vec!["one".to_owned(), "the other".to_owned()], &paired.collect::<Vec<_>>())
        })
        .collect();
    let kpis = comparisons.first().map_or(&[][..], |comparison| &comparison.rows);
    let of = |(n, row): (usize, &hansom_simulator::report::compare::Row)| {
        let differences = comparisons.iter().map(|comparison| &comparison.rows[n].differences[0]);
        let intervals: Vec<bool> =
            differences.filter(|it| it.interval.is_some()).map(|it| !it.excludes_zero()).collect();
        let covering = intervals.iter().filter(|covers| **covers).count() as u64;
        Coverage { kpi: row.kpi, intervals: intervals.len() as u64, covering }
    };
    kpis.iter().enumerate().map(of).collect()
}

/// Between which counts 99 of 100 such checks come out, by the normal approximation.
fn band(intervals: u64) -> (u64, u64) {
    let n = intervals as f64;
    let reach = 2.576 * libm::sqrt(n * CONFIDENCE * (1.0 - CONFIDENCE));
    (libm::floor(n * CONFIDENCE - reach) as u64, (libm::ceil(n * CONFIDENCE + reach) as u64).min(intervals))
}

fn text(name: &str, times: u32, each: u64, covered: &[Coverage]) -> String {
    let mut text = format!(
        "{name} against itself {} times on disjoint seeds, {} an arm\n\n",
        grouped(i64::from(times)),
        grouped(each as i64)
    );
    let mut table = Table::new(vec![false, true, true, true]);
    table.row(["", "intervals", "cover zero", "expected"]);
    for Coverage { kpi, intervals, covering } in covered {
        let (low, high) = band(*intervals);
        table.row([kpi.name, &intervals.to_string(), &covering.to_string(), &format!("{low} to {high}")]);
    }
    text += &table.text();
    text + "\nAn interval is Student's of 95 %; 99 of 100 such counts lie in the range that is expected.\n"
}

fn as_json(name: &str, times: u32, each: u64, covered: &[Coverage]) -> Value {
    let row = |Coverage { kpi, intervals, covering }: &Coverage| {
        let (low, high) = band(*intervals);
        json!({ "kpi": kpi.path, "intervals": intervals, "cover_zero": covering, "expected": [low, high] })
    };
    json!({ "scenario": name, "times": times, "seeds_an_arm": each, "kpis": covered.iter().map(row).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_simulator::report::compare::KPIS;

    #[test]
    fn intervals_are_counted_figure_by_figure() {
        let run = |seed: u64, rate: f64| {
            let mut figures = vec![None; KPIS.len()];
            figures[0] = Some(rate);
            Run { arm: 0, seed, figures }
        };
        // Two comparisons of two seeds an arm: the first without a difference, the second with one beyond doubt.
        let rates = [0.5, 0.6, 0.6, 0.5, 0.5, 0.500_1, 0.7, 0.700_1];
        let runs: Vec<Run> = (1..).zip(rates).map(|(seed, rate)| run(seed, rate)).collect();
        let covered = count(&runs, 2);
        assert_eq!((covered[0].intervals, covered[0].covering), (2, 1));
        assert_eq!((covered[1].intervals, covered[1].covering), (0, 0));
        assert_eq!(band(200), (182, 198));
    }
}
