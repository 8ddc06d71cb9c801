//! A log run again in its own world: under its own rules, and under others.

use std::thread;

use hansom_engine::record::LOGIC_VERSION;
use hansom_market::replay::ReplayError;
use hansom_simulator::counterfactual::Outside;
use hansom_simulator::report::compare::{Comparison, Run};
use hansom_simulator::scenario::{Override, Scenario};
use hansom_simulator::{Cast, Options, RunReport, simulate_with};
use serde_json::Value;

use super::compare::run_of;
use super::logged::Logged;
use crate::error::Error;
use crate::{INTERRUPTED, interrupted};

/// Both runs of a log.
#[derive(Debug)]
pub struct Rerun {
    /// Under the rules of the log.
    pub before: RunReport,
    /// Under the others.
    pub after: RunReport,
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

/// Runs the world of a log under its own rules, which must lead to the log, and under those of `other`. `None`: the user has
/// stopped it.
pub fn run(logged: &Logged, other: &Scenario) -> Result<Option<Rerun>, Error> {
    let header = &logged.header;
    if logged.is_served() {
        return Err(Error::NoWorld { folder: logged.folder().to_path_buf() });
    }
    if header.logic_version != LOGIC_VERSION {
        return Err(ReplayError::OtherLogic { logged: header.logic_version, ours: LOGIC_VERSION }.into());
    }
    let outside = Outside::read(&mut logged.reader()?, &logged.streets.network)?;
    if outside.ended.is_none_or(|ended| ended < logged.scenario.period.end) {
        return Err(Error::PartialRun { folder: logged.folder().to_path_buf() });
    }
    let cast = Cast::asking(&logged.scenario, &logged.streets, outside.requests)?;
    let options = Options { out: None, threads: 1, log: false, stop: &INTERRUPTED };
    let run = |scenario, cast| -> Result<RunReport, Error> {
        Ok(simulate_with(&logged.streets, scenario, cast, &options, &mut |_| {})?)
    };
    let (before, after) = thread::scope(|scope| {
        let twin = cast.clone();
        let before = scope.spawn(|| run(&logged.scenario, twin));
        let after = run(other, cast);
        (before.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), after)
    });
    let (before, after) = (before?, after?);
    if interrupted() {
        return Ok(None);
    }
    let logged = format!("{:032x}", outside.event_chain);
    if before.summary.event_chain != logged {
        return Err(Error::OtherWorld { logged, rebuilt: before.summary.event_chain });
    }
    Ok(Some(Rerun { before, after }))
}

impl Rerun {
    /// One against the other; `arms` is what they are called.
    pub fn comparison(&self, arms: [String; 2]) -> Comparison {
        let runs: Vec<Run> =
            (0..).zip([&self.before, &self.after]).map(|(arm, report)| run_of(arm, &figures(report))).collect();
        Comparison::of(arms.into(), &runs)
    }
}

/// The figures of a run, as `summary.json` has them.
pub fn figures(report: &RunReport) -> Value {
    // Our own struct of numbers and texts.
    serde_json::to_value(&report.summary).expect("a summary becomes JSON")
}
