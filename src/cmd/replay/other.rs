//! `hansom replay --policy …`: what came from outside, under other rules.

use hansom_simulator::counterfactual::{Changed, changed};
use hansom_simulator::report::compare::{self, Comparison};
use hansom_simulator::report::number::grouped;
use serde_json::{Value, json};

use super::super::compare::kpis;
use super::super::compare::text::arm_table;
use super::super::logged::Logged;
use super::super::rerun::{self, Rerun};
use super::super::scenario::overrides;
use crate::cli::{Changes, Format, Replay};
use crate::error::{Error, Exit};
use crate::show::{self, Table};

/// How many rides are shown if not all are.
const SHOWN: usize = 20;

/// Runs the log again and says what is different.
pub fn run(arguments: &Replay, changes: &Changes) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    let other = rerun::changed(&logged, &overrides(changes)?)?;
    let Some(rerun) = rerun::run(&logged, &other)? else { return Ok(Exit::Interrupted) };
    let arms = ["as logged".to_owned(), changes.set.join(" ")];
    let comparison = rerun.comparison(arms);
    let rides = changed(&rerun.before.drivers, &rerun.before.trips, &rerun.after.trips);
    match arguments.format {
        Format::Text => show::result(&text(&rerun, &comparison, &rides, arguments.all))?,
        Format::Json => show::result(&show::json(&as_json(&rerun, &comparison, &rides)))?,
    }
    let violations = rerun.after.summary.invariant_violations;
    if violations > 0 {
        show::note(&format!("{violations} invariants were broken: these figures are not to be trusted"));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

fn text(rerun: &Rerun, comparison: &Comparison, rides: &[Changed], all: bool) -> String {
    let Rerun { before, after } = rerun;
    let requests = before.trips.len();
    let mut text = format!(
        "{}, seed {}: {} requests\nbaseline: {}, with the log's event chain {}\n\n{}",
        before.summary.scenario,
        before.summary.seed,
        grouped(requests as i64),
        comparison.arms[0],
        before.summary.event_chain,
        comparison.arms[1],
    );
    if after.summary.event_chain == before.summary.event_chain {
        return text + ": the same event chain\n";
    }
    text += &format!(", event chain {}\n{}", after.summary.event_chain, arm_table(comparison, 1));
    text += &format!("\n{} of {} rides end otherwise\n", grouped(rides.len() as i64), grouped(requests as i64));
    let shown = if all { rides.len() } else { SHOWN };
    let mut table = Table::new(vec![true]);
    for ride in rides.iter().take(shown) {
        let outcome = |name: &str| name.replace('_', " ");
        table.row([&ride.ride.to_string(), &outcome(ride.before), "→", &outcome(ride.after), &ride.reason]);
    }
    text += &table.text();
    if rides.len() > shown {
        text += &format!("and {} more: `--all` shows them\n", grouped((rides.len() - shown) as i64));
    }
    text
}

fn as_json(rerun: &Rerun, comparison: &Comparison, rides: &[Changed]) -> Value {
    let Rerun { before, after } = rerun;
    let run = |n: usize, of: &hansom_simulator::report::Summary| json!({ "rules": comparison.arms[n], "event_chain": of.event_chain, "state_digest": of.state_digest });
    let ride = |it: &Changed| json!({ "ride": it.ride.0, "before": it.before, "after": it.after, "reason": it.reason });
    json!({
        "scenario": before.summary.scenario, "seeds": comparison.seeds, "requests": before.trips.len(),
        "baseline": run(0, &before.summary), "other": run(1, &after.summary),
        "confidence": compare::CONFIDENCE, "kpis": kpis(comparison),
        "changed": rides.iter().map(ride).collect::<Vec<_>>(),
    })
}
