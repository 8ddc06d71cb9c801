//! A log run again in its own world: under its own rules, and under others.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use hansom_engine::record::LOGIC_VERSION;
use hansom_market::replay::ReplayError;
use hansom_simulator::counterfactual::{Outside, Served};
use hansom_simulator::report::compare::{Comparison, KPIS, Kpi, Run};
use hansom_simulator::report::{Figures, Totals};
use hansom_simulator::scenario::{self, Override, Scenario};
use hansom_simulator::{Cast, Options, RunReport, simulate_with};
use serde_json::Value;

use super::compare::run_of;
use super::logged::Logged;
use crate::error::Error;
use crate::{INTERRUPTED, interrupted};

/// The runs of a log: one of each kind for each seed, in the order of the seeds.
#[derive(Debug)]
pub struct Rerun {
    /// Under the rules of the log.
    pub before: Vec<RunReport>,
    /// Under the others.
    pub after: Vec<RunReport>,
    /// What the log tells, if it is of a market that was served: there the world is a model of what was.
    pub served: Option<Served>,
}

/// The scenario of a log with these keys changed, of which none may be of its world.
pub fn changed(logged: &Logged, changes: &[Override]) -> Result<Scenario, Error> {
    let given = logged.scenario_with(changes)?;
    let of_the_world = |given: &Scenario| logged.scenario.under(given) != *given;
    if of_the_world(&given) {
        for change in changes {
            if of_the_world(&logged.scenario_with(std::slice::from_ref(change))?) {
                return Err(Error::OfTheWorld { given: change.to_string() });
            }
        }
        let all: Vec<String> = changes.iter().map(Override::to_string).collect();
        return Err(Error::OfTheWorld { given: all.join(" ") });
    }
    Ok(given)
}

/// The seeds that were asked for.
pub fn seeds(given: Option<&str>) -> Result<RangeInclusive<u64>, Error> {
    Ok(scenario::seeds(given.unwrap_or("1..5"))?)
}

/// Runs the world of a log under its own rules and under those of `other`. That of a run must lead to the log; that of a market
/// that was served is drawn anew with each of `seeds`. `None`: the user has stopped it.
pub fn run(logged: &Logged, other: &Scenario, seeds: RangeInclusive<u64>) -> Result<Option<Rerun>, Error> {
    if logged.is_served() { run_served(logged, other, seeds) } else { run_simulated(logged, other) }
}

fn run_simulated(logged: &Logged, other: &Scenario) -> Result<Option<Rerun>, Error> {
    let header = &logged.header;
    if header.logic_version != LOGIC_VERSION {
        return Err(ReplayError::OtherLogic { logged: header.logic_version, ours: LOGIC_VERSION }.into());
    }
    let outside = Outside::read(&mut logged.reader()?, &logged.streets.network)?;
    if outside.ended.is_none_or(|ended| ended < logged.scenario.period.end) {
        return Err(Error::PartialRun { folder: logged.folder().to_path_buf() });
    }
    let cast = Cast::asking(&logged.scenario, &logged.streets, outside.requests)?;
    let scenarios = [&logged.scenario, other].map(|scenario| (scenario.clone(), cast.clone()));
    let Some(mut reports) = run_all(logged, &scenarios)? else { return Ok(None) };
    let (Some(after), Some(before)) = (reports.pop(), reports.pop()) else { return Ok(None) };
    let chain = format!("{:032x}", outside.event_chain);
    if before.summary.event_chain != chain {
        return Err(Error::OtherWorld { logged: chain, rebuilt: before.summary.event_chain });
    }
    Ok(Some(Rerun { before: vec![before], after: vec![after], served: None }))
}

fn run_served(logged: &Logged, other: &Scenario, seeds: RangeInclusive<u64>) -> Result<Option<Rerun>, Error> {
    let served = Served::read(&mut logged.reader()?, &logged.streets, logged.scenario.alighting)?;
    if served.trips.is_empty() {
        return Err(Error::NoWorld { folder: logged.folder().to_path_buf() });
    }
    let mut scenarios = Vec::new();
    for seed in seeds {
        let scenario = served.scenario(&logged.scenario, logged.header.started_at, seed);
        let cast = served.cast(seed);
        scenarios.push((scenario.clone(), cast.clone()));
        scenarios.push((scenario.under(other), cast));
    }
    let Some(reports) = run_all(logged, &scenarios)? else { return Ok(None) };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (n, report) in reports.into_iter().enumerate() {
        if n % 2 == 0 { before.push(report) } else { after.push(report) }
    }
    Ok(Some(Rerun { before, after, served: Some(served) }))
}

/// Makes the runs, one on each core. `None`: the user has stopped them.
fn run_all(logged: &Logged, scenarios: &[(Scenario, Cast)]) -> Result<Option<Vec<RunReport>>, Error> {
    let options = Options { out: None, threads: 1, log: false, stop: &INTERRUPTED };
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, Result<RunReport, Error>)>> = Mutex::default();
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some((scenario, cast)) = scenarios.get(n) else { return };
            let report =
                simulate_with(&logged.streets, scenario, cast.clone(), &options, &mut |_| {}).map_err(Error::from);
            made.lock().unwrap_or_else(PoisonError::into_inner).push((n, report));
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(scenarios.len());
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    if interrupted() {
        return Ok(None);
    }
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|&(n, _)| n);
    Ok(Some(made.into_iter().map(|(_, report)| report).collect::<Result<_, _>>()?))
}

impl Rerun {
    /// One against the other, paired by seed; `arms` is what they are called.
    pub fn comparison(&self, arms: [String; 2]) -> Comparison {
        let arm = |(arm, reports): (usize, &Vec<RunReport>)| -> Vec<Run> {
            reports.iter().map(|report| run_of(arm, &figures(report))).collect()
        };
        let runs: Vec<Run> = (0..).zip([&self.before, &self.after]).flat_map(arm).collect();
        Comparison::of(arms.into(), &runs)
    }

    /// The figures of the log, where it is not a run's; places as in `summary.json`. What vehicles drove is not in a log.
    pub fn log_figures(&self) -> Option<Value> {
        let (served, scenario) = (self.served.as_ref()?, Scenario::default());
        let figures = Figures::of(&scenario, &served.trips, &Totals::default());
        // Our own struct of numbers and texts.
        let mut figures = serde_json::to_value(figures).expect("figures become JSON");
        figures["completed"] = figures["outcomes"]["completed"].clone();
        figures["requests"] = served.trips.len().into();
        Some(figures)
    }

    /// What the model makes of the log's own rules against what was: a row for each figure that a log has.
    pub fn errors(&self) -> Vec<ModelError> {
        let Some(log) = self.log_figures() else { return Vec::new() };
        let log = run_of(0, &log);
        let runs: Vec<Run> = self.before.iter().map(|report| run_of(0, &figures(report))).collect();
        let row = |(n, kpi): (usize, &'static Kpi)| {
            let model: Vec<f64> = runs.iter().filter_map(|run| run.figures[n]).collect();
            let mean = (!model.is_empty()).then(|| model.iter().sum::<f64>() / model.len() as f64)?;
            Some(ModelError { kpi, log: log.figures[n]?, model: mean })
        };
        KPIS.iter().enumerate().filter_map(row).collect()
    }
}

/// A figure of the log, and what the model makes of it.
#[derive(Debug)]
pub struct ModelError {
    pub kpi: &'static Kpi,
    pub log: f64,
    /// Mean over the seeds.
    pub model: f64,
}

/// The figures of a run, as `summary.json` has them.
pub fn figures(report: &RunReport) -> Value {
    // Our own struct of numbers and texts.
    serde_json::to_value(&report.summary).expect("a summary becomes JSON")
}
