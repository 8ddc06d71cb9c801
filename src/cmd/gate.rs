//! `hansom gate`: a policy held against a log, as code is against its tests.

mod guard;

use std::fmt::Write as _;

use hansom_market::replay::ReplayError;
use hansom_simulator::report::number::{fixed, percent};
use hansom_simulator::scenario::Scenario;
use hansom_simulator::{RunReport, city};
use serde_json::{Value, json};

use super::logged::Logged;
use super::rerun::{self, Rerun};
use super::scenario::overrides;
use crate::cli::{Changes, Format, Gate};
use crate::error::{Error, Exit};
use crate::show::{self, Table};

use guard::{Guard, figure};

/// Runs the log again under the candidate's rules, and looks at each guard.
pub fn run(arguments: &Gate) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    let candidate = candidate(&logged, arguments)?;
    let guards: Vec<Guard> = arguments.guards.iter().map(|text| Guard::parse(text)).collect::<Result<_, _>>()?;
    let seeds = rerun::seeds(arguments.seeds.as_deref())?;
    let Some(rerun) = rerun::run(&logged, &candidate, seeds)? else { return Ok(Exit::Interrupted) };
    let seen: Vec<Seen> = guards.into_iter().map(|guard| Seen::of(guard, &rerun)).collect();
    match arguments.format {
        Format::Text => show::result(&text(&seen))?,
        Format::Json => show::result(&show::json(&as_json(arguments, &seen)))?,
    }
    Ok(if seen.iter().all(|seen| seen.holds) { Exit::Done } else { Exit::Failed })
}

/// The log's world under the candidate's rules.
fn candidate(logged: &Logged, arguments: &Gate) -> Result<Scenario, Error> {
    let changes = overrides(&Changes { set: arguments.set.clone() })?;
    let candidate = Scenario::load_either(&arguments.candidate, &changes)?;
    if candidate.network != logged.scenario.network {
        let (streets, _) = city::load(&candidate.network)?;
        if streets.network.id() != logged.header.network_hash {
            let mut hash = String::new();
            for byte in logged.header.network_hash {
                let _infallible = write!(hash, "{byte:02x}");
            }
            let (given, name) = (streets.network.id_hex(), streets.network.name().to_owned());
            return Err(ReplayError::OtherNetwork { logged: hash, given, name }.into());
        }
    }
    Ok(logged.scenario.under(&candidate))
}

/// A guard and what it met.
#[derive(Debug)]
struct Seen {
    guard: Guard,
    log: Option<f64>,
    candidate: Option<f64>,
    /// How far the candidate may go.
    limit: Option<f64>,
    /// A figure that is missing on either side guards nothing: it does not hold.
    holds: bool,
}

impl Seen {
    fn of(guard: Guard, rerun: &Rerun) -> Self {
        let (log, candidate) = (mean(&rerun.before, &guard.field), mean(&rerun.after, &guard.field));
        let limit = log.map(|log| guard.limit(log));
        let holds = candidate.zip(limit).is_some_and(|(value, limit)| guard.holds(value, limit));
        Self { guard, log, candidate, limit, holds }
    }

    /// The candidate's figure against the log's, in percent of that; as it is where that is 0.
    fn change(&self) -> Option<String> {
        let (log, candidate) = self.log.zip(self.candidate)?;
        let sign = if candidate > log { "+" } else { "" };
        Some(if log == 0.0 {
            format!("{sign}{}", number(candidate))
        } else {
            format!("{sign}{}", percent((candidate - log) / log.abs()))
        })
    }
}

/// The mean of a figure over runs; `None`: none has it.
fn mean(reports: &[RunReport], field: &str) -> Option<f64> {
    let values: Vec<f64> = reports.iter().filter_map(|report| figure(&rerun::figures(report), field)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn number(value: f64) -> String {
    let text = fixed(value, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn text(seen: &[Seen]) -> String {
    let mut table = Table::new(vec![false, true, true, true, true, false]);
    table.row(["guard", "log", "candidate", "change", "limit", ""]);
    for it in seen {
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
        let change = it.change().unwrap_or_else(|| "–".to_owned());
        let verdict = if it.holds { "holds" } else { "broken" };
        table.row([&it.guard.text, &shown(it.log), &shown(it.candidate), &change, &shown(it.limit), verdict]);
    }
    let broken = seen.iter().filter(|seen| !seen.holds).count();
    let last = match broken {
        0 => "every guard holds\n".to_owned(),
        n => format!("{n} of {} guards broken\n", seen.len()),
    };
    table.text() + "\n" + &last
}

fn as_json(arguments: &Gate, seen: &[Seen]) -> Value {
    let guard = |it: &Seen| {
        json!({
            "guard": it.guard.text, "figure": it.guard.field, "log": it.log, "candidate": it.candidate,
            "limit": it.limit, "holds": it.holds,
        })
    };
    json!({
        "log": arguments.log, "candidate": arguments.candidate, "holds": seen.iter().all(|seen| seen.holds),
        "guards": seen.iter().map(guard).collect::<Vec<_>>(),
    })
}
