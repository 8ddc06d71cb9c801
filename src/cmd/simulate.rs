//! `hansom simulate`: a city through the dispatcher.

use std::fs;
use std::path::{Path, PathBuf};

use hansom_market::quarantine::Store;
use hansom_simulator::report::html;
use hansom_simulator::report::number::{bytes, fixed, grouped, money, percent, span};
use hansom_simulator::report::summary::Spread;
use hansom_simulator::scenario::{PolicyKind, Scenario};
use hansom_simulator::{Options, RunReport, simulate};

use super::scenario::{overrides, shows};
use crate::cli::{Format, Simulate};
use crate::error::{Error, Exit};
use crate::show::{self, Bar, Table};
use crate::{INTERRUPTED, interrupted};

/// Runs the scenario, writes its report and prints the figures.
pub fn run(arguments: &Simulate) -> Result<Exit, Error> {
    let mut scenario = Scenario::load(&arguments.scenario, &overrides(&arguments.changes)?)?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    let folder = arguments.out.clone().unwrap_or_else(|| default_folder(&scenario));
    let options = Options { out: Some(folder.clone()), threads: arguments.threads, log: true, stop: &INTERRUPTED };
    let bar = Bar::new(arguments.quiet);
    let run = simulate(&scenario, &options, &mut |progress| bar.show(progress, &scenario.timezone))?;
    bar.finish();
    write_report(&folder, &scenario, &arguments.scenario, &run)?;
    write_quarantine(&folder, &run)?;
    keep_missed(&folder, &run)?;
    tell(&run);
    match arguments.format {
        Format::Text => show::result(&table(&scenario, &run, &folder))?,
        Format::Json => show::result(&show::json(&run.summary))?,
    }
    Ok(if run.summary.partial && interrupted() {
        Exit::Interrupted
    } else if run.summary.invariant_violations > 0 {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Where the files of a run go if nobody says.
fn default_folder(scenario: &Scenario) -> PathBuf {
    Path::new("runs").join(format!("{}-{}", scenario.name, scenario.seed))
}

fn write_report(folder: &Path, scenario: &Scenario, file: &Path, run: &RunReport) -> Result<(), Error> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let path = folder.join("report.html");
    fs::write(&path, html::page(scenario, &shows(&text), run)).map_err(|source| Error::File {
        action: "write",
        path,
        source,
    })
}

/// Rows that could not be read are kept, each with its reason and its own bytes: `quarantine.csv`, if there are any.
fn write_quarantine(folder: &Path, run: &RunReport) -> Result<(), Error> {
    if run.quarantined.is_empty() {
        return Ok(());
    }
    let path = folder.join("quarantine.csv");
    // A quote within a field is written twice (RFC 4180).
    let quoted = |bytes: &[u8]| {
        let inner = bytes.iter().flat_map(|byte| std::iter::repeat_n(*byte, 1 + usize::from(*byte == b'"')));
        std::iter::once(b'"').chain(inner).chain(std::iter::once(b'"')).collect::<Vec<u8>>()
    };
    let mut text = b"line,reason,row\n".to_vec();
    for row in &run.quarantined {
        text.extend(row.line.to_string().bytes());
        for field in [row.fault.to_string().as_bytes(), &row.text] {
            text.push(b',');
            text.extend(quoted(field));
        }
        text.push(b'\n');
    }
    fs::write(&path, text).map_err(|source| Error::File { action: "write", path, source })
}

/// What a planner outside said that was not taken is kept as a market that is served keeps it.
fn keep_missed(folder: &Path, run: &RunReport) -> Result<(), Error> {
    let mut said = run.missed.first.iter().filter(|miss| !miss.answer.is_empty()).peekable();
    if said.peek().is_none() {
        return Ok(());
    }
    let mut store = Store::open(&folder.join("quarantine"))?;
    for miss in said {
        store.append(&miss.why.to_string(), "planner", miss.at, &miss.answer)?;
    }
    Ok(store.sync()?)
}

/// What should not be overlooked, on stderr.
fn tell(run: &RunReport) {
    let quarantined = run.quarantined.len();
    if let Some(first) = run.quarantined.first() {
        show::note(&format!(
            "note: {} of the request file's rows left out, the first on line {}: {}; all are in quarantine.csv",
            grouped(quarantined as i64),
            first.line,
            first.fault
        ));
    }
    if let Some(first) = run.missed.first.first() {
        show::note(&format!(
            "note: {} questions to the planner had no answer that could be taken, and waited for the next window; the first: {}",
            grouped(run.missed.count as i64),
            first.why
        ));
    }
    for violation in &run.violations {
        show::note(&format!("invariant broken: {violation}"));
    }
    if run.summary.partial {
        show::note("interrupted: the figures cover what was simulated until then");
    }
}

/// The closing table.
fn table(scenario: &Scenario, run: &RunReport, folder: &Path) -> String {
    let s = &run.summary;
    let planner = match scenario.policy.kind {
        PolicyKind::Nearest => "nearest",
        PolicyKind::Batch => "batch",
        PolicyKind::External => "external",
    };
    let mut text = format!(
        "{}, seed {}: {} requests, {} vehicles, {planner}\n\n",
        s.scenario,
        s.seed,
        grouped(s.requests as i64),
        grouped(run.drivers.len() as i64)
    );
    let mut table = Table::new(vec![false, true]);
    let spread = |spread: &Spread| {
        format!("p50 {}  p90 {}  p95 {}", fixed(spread.p50, 1), fixed(spread.p90, 1), fixed(spread.p95, 1))
    };
    let seconds = |value: f64| if value.is_finite() { format!("{} s", fixed(value, 1)) } else { fixed(value, 1) };
    table.row([
        "service rate",
        &percent(s.service_rate),
        &format!("{} of {} requests completed", grouped(s.completed as i64), grouped(s.requests as i64)),
    ]);
    table.row(["wait", &seconds(s.wait_s.mean), &spread(&s.wait_s)]);
    table.row(["time to offer", &seconds(s.time_to_offer_s.mean), &spread(&s.time_to_offer_s)]);
    table.row([
        "in vehicle",
        &seconds(s.in_vehicle_s.mean),
        &format!("{}  detour {}", spread(&s.in_vehicle_s), fixed(s.detour, 3)),
    ]);
    table.row(["utilisation", &percent(s.utilisation), "of shift time for or with a rider"]);
    table.row(["deadhead", &percent(s.deadhead_share), "of the distance driven without a rider"]);
    table.row(["occupancy", &fixed(s.occupancy, 2), "riders per loaded km"]);
    let amount = |minor: i64| money(minor, scenario.tariff.exponent, &s.fares.currency);
    table.row([
        "fares",
        &amount(s.fares.total_minor),
        &format!("drivers {}  platform {}", amount(s.fares.driver_minor), amount(s.fares.platform_minor)),
    ]);
    table.row(["not served", &grouped((s.requests - s.completed) as i64), &others(run)]);
    text += &table.text();
    text += &format!(
        "\n{} simulated in {} s ({} ×), {} s of processor time, {}\n",
        span(s.simulated_s),
        fixed(s.wall_s, 2),
        fixed(s.simulated_s / s.wall_s, 0),
        fixed(s.cpu_s, 2),
        bytes(s.peak_rss_bytes)
    );
    text += &format!(
        "{} turns, {} pings, log {}, event chain {}\n",
        grouped(s.turns as i64),
        grouped(s.pings as i64),
        bytes(s.log_bytes),
        s.event_chain
    );
    text += &format!("report: {}\n", folder.join("report.html").display());
    text
}

/// How requests ended that were not completed, the most frequent first.
fn others(run: &RunReport) -> String {
    let names = [
        "ended_early",
        "cancelled_before_match",
        "cancelled_after_match",
        "no_show",
        "no_driver",
        "refused",
        "open_at_end",
    ];
    let mut counts: Vec<(u64, &str)> = names.map(|name| (run.summary.outcome(name), name)).to_vec();
    counts.retain(|&(count, _)| count > 0);
    counts.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
    let shown: Vec<String> =
        counts.iter().map(|(count, name)| format!("{} {}", grouped(*count as i64), name.replace('_', " "))).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
