//! `hansom replay --policy …`: what came from outside, under other rules.

mod text;

use hansom_simulator::counterfactual::{Changed, Served, changed};
use hansom_simulator::report::Summary;
use hansom_simulator::report::compare::{self, Comparison};
use serde_json::{Value, json};

use super::super::compare::kpis;
use super::super::logged::Logged;
use super::super::rerun::{self, ModelError, Rerun};
use super::super::scenario::overrides;
use crate::cli::{Changes, Format, Replay};
use crate::error::{Error, Exit};
use crate::show;

/// Both sides of a log that was run again.
struct Other {
    rerun: Rerun,
    comparison: Comparison,
    errors: Vec<ModelError>,
    /// The rides that end otherwise with the first seed.
    rides: Vec<Changed>,
}

/// Runs the log again and says what is different.
pub fn run(arguments: &Replay, changes: &Changes) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    let other = rerun::changed(&logged, &overrides(changes)?)?;
    let seeds = rerun::seeds(arguments.seeds.as_deref())?;
    let Some(rerun) = rerun::run(&logged, &other, seeds)? else { return Ok(Exit::Interrupted) };
    let comparison = rerun.comparison(["as logged".to_owned(), changes.set.join(" ")]);
    let rides = match (rerun.before.first(), rerun.after.first()) {
        (Some(before), Some(after)) => changed(&before.drivers, &before.trips, &after.trips),
        _ => Vec::new(),
    };
    let violations: u64 = rerun.after.iter().map(|report| report.summary.invariant_violations).sum();
    let other = Other { errors: rerun.errors(), rerun, comparison, rides };
    match arguments.format {
        Format::Text => show::result(&text::of(&other, arguments.all))?,
        Format::Json => show::result(&show::json(&as_json(&other)))?,
    }
    if violations > 0 {
        show::note(&format!("{violations} invariants were broken: these figures are not to be trusted"));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

fn as_json(other: &Other) -> Value {
    let Other { rerun, comparison, errors, rides } = other;
    let run = |n: usize, reports: &[hansom_simulator::RunReport]| {
        let first: Option<&Summary> = reports.first().map(|report| &report.summary);
        json!({
            "rules": comparison.arms[n], "event_chain": first.map(|of| &of.event_chain),
            "state_digest": first.map(|of| &of.state_digest),
        })
    };
    let error = |it: &ModelError| json!({ "kpi": it.kpi.path, "log": it.log, "model": it.model });
    let ride = |it: &Changed| json!({ "ride": it.ride.0, "before": it.before, "after": it.after, "reason": it.reason });
    let first = rerun.before.first();
    json!({
        "scenario": first.map(|report| &report.summary.scenario), "seeds": comparison.seeds,
        "requests": first.map(|report| report.trips.len()),
        "baseline": run(0, &rerun.before), "other": run(1, &rerun.after),
        "learnt": rerun.served.as_ref().map(learnt),
        "model_error": rerun.served.as_ref().map(|_| errors.iter().map(error).collect::<Vec<_>>()),
        "confidence": compare::CONFIDENCE, "kpis": kpis(comparison),
        "changed": rides.iter().map(ride).collect::<Vec<_>>(),
    })
}

/// What a log of a market that was served has told of its world.
fn learnt(served: &Served) -> Value {
    let Served { habits, ways, pace, shifts, waits, .. } = served;
    let gave_up = waits.iter().filter(|wait| wait.gave_up).count();
    let seconds = |span: hansom_geo_index::Millis| span.0 as f64 / 1000.0;
    let patience = habits.patience.map(|it| json!({ "p50": seconds(it.p50()), "p90": seconds(it.p90()) }));
    json!({
        "shifts": shifts.len(), "patience_s": patience, "gave_up": gave_up, "served_before": waits.len() - gave_up,
        "acceptance": habits.acceptance, "cancel": habits.cancel, "no_show": habits.no_show,
        "boarding_s": seconds(habits.boarding), "ways": ways, "pace": pace,
    })
}
