//! A log run again, in tables.

use hansom_simulator::counterfactual::{Changed, Served};
use hansom_simulator::report::number::{fixed, grouped, percent};

use super::super::super::compare::text::arm_table;
use super::super::super::rerun::ModelError;
use super::Other;
use crate::show::Table;

/// How many rides are shown if not all are.
const SHOWN: usize = 20;

/// What is different, and before it how well the world is known.
pub fn of(other: &Other, all: bool) -> String {
    let Other { rerun, comparison, errors, rides } = other;
    let (Some(before), Some(after)) = (rerun.before.first(), rerun.after.first()) else { return String::new() };
    let requests = before.trips.len();
    let asked = grouped(requests as i64);
    let (before, after) = (&before.summary, &after.summary);
    let [base, arm] = [&comparison.arms[0], &comparison.arms[1]];
    let mut text = if let Some(served) = &rerun.served {
        let seeds = format!("{} seeds", comparison.seeds.len());
        format!("{}: {asked} requests of a market that was served, {seeds}\n", before.scenario)
            + &learnt(served)
            + "\nthe model against the log, under the log's rules\n"
            + &error_table(errors)
            + &format!("\nbaseline: {base}, in the model\n\n{arm}\n")
    } else {
        let (seed, chain) = (before.seed, &before.event_chain);
        let text = format!(
            "{}, seed {seed}: {asked} requests\nbaseline: {base}, with the log's event chain {chain}\n\n{arm}",
            before.scenario
        );
        if after.event_chain == before.event_chain {
            return text + ": the same event chain\n";
        }
        text + &format!(", event chain {}\n", after.event_chain)
    };
    text += &arm_table(comparison, 1);
    let with = if rerun.served.is_some() { format!(", with seed {}", before.seed) } else { String::new() };
    text += &format!("\n{} of {asked} rides end otherwise{with}\n", grouped(rides.len() as i64));
    text + &ride_table(rides, all)
}

fn ride_table(rides: &[Changed], all: bool) -> String {
    let shown = if all { rides.len() } else { SHOWN };
    let mut table = Table::new(vec![true]);
    for ride in rides.iter().take(shown) {
        let outcome = |name: &str| name.replace('_', " ");
        table.row([&ride.ride.to_string(), &outcome(ride.before), "→", &outcome(ride.after), &ride.reason]);
    }
    let mut text = table.text();
    if rides.len() > shown {
        text += &format!("and {} more: `--all` shows them\n", grouped((rides.len() - shown) as i64));
    }
    text
}

/// The figures of the log beside those of the model, and how far these are off.
fn error_table(errors: &[ModelError]) -> String {
    let mut table = Table::new(vec![false, true, true, true, false]);
    table.row(["", "log", "model", "error", ""]);
    for ModelError { kpi, log, model } in errors {
        let off = kpi.shown_difference(model - log);
        table.row([kpi.name, &kpi.shown(*log), &kpi.shown(*model), &off, kpi.difference_unit()]);
    }
    table.text()
}

/// What the log has told of its world.
fn learnt(served: &Served) -> String {
    let Served { habits, ways, pace, shifts, waits, .. } = served;
    let gave_up = waits.iter().filter(|wait| wait.gave_up).count();
    let seconds = |span: hansom_geo_index::Millis| format!("{} s", fixed(span.0 as f64 / 1000.0, 1));
    let patience = match habits.patience {
        Some(patience) => format!("patience p50 {}, p90 {}", seconds(patience.p50()), seconds(patience.p90())),
        None => "patience without end".to_owned(),
    };
    format!(
        "learnt: {patience} ({} riders gave up, {} were served before);\n  {} of offers taken, {} of rides given back, {} of \
         riders not there;\n  {} shifts; streets at {} of the dispatcher's times, over {} ways\n",
        grouped(gave_up as i64),
        grouped((waits.len() - gave_up) as i64),
        percent(habits.acceptance),
        percent(habits.cancel),
        percent(habits.no_show),
        grouped(shifts.len() as i64),
        percent(*pace),
        grouped(*ways as i64),
    )
}
