//! What was measured, for people at a terminal.

use hansom_simulator::report::number::{fixed, grouped, percent};

use super::knee::Knee;
use super::recorder::Latency;
use super::report::{Report, StepReport};
use crate::show::Table;

/// The whole text.
pub fn text(report: &Report) -> String {
    let Report { market, driven, policy, machine, drivers, ping_interval_s, bundle, .. } = report;
    let mut text = format!("{market}, {policy}, {driven}: {} drivers", grouped(i64::from(*drivers)));
    if *ping_interval_s > 0.0 {
        text += &format!(", each reports every {} s, {bundle} in a request", fixed(*ping_interval_s, 0));
    }
    text += &format!("\n{} cores, {}, load {}\n", machine.cores, machine.processor, machine.load);
    text += &format!("on shift after {} s; rides of {} s\n\n", fixed(report.fill_s, 1), fixed(report.ride_s, 0));
    text += &rates(&report.steps);
    for step in &report.steps {
        text += &format!("\n{} requests a second\n{}", grouped(i64::from(step.per_s)), times(step));
        text += &remarks(step);
    }
    text += &knee(report);
    if let Some(queries) = &report.queries {
        let Latency { p50_ms, p99_ms, .. } = queries.latency;
        text += &format!(
            "\nrides asked for, with their story: {} a second by {} clients, one after another; p50 {}, p99 {} ms; {} failed\n",
            grouped(queries.per_s as i64),
            queries.clients,
            ms(p50_ms),
            ms(p99_ms),
            queries.failed
        );
    }
    if report.gaps_heard > 0 {
        text += &format!(
            "\na stream told {} times that something was missing: those offers have no time\n",
            report.gaps_heard
        );
    }
    text
}

fn ms(value: f64) -> String {
    fixed(value, if value < 10.0 { 2 } else { 1 })
}

fn rates(steps: &[StepReport]) -> String {
    let mut table = Table::new(vec![true; 12]);
    table.row([
        "requests/s",
        "answered",
        "idle driver",
        "offers",
        "p50 ms",
        "p99",
        "p99.9",
        "max",
        "positions/s",
        "generator",
        "market",
        "failed",
    ]);
    for step in steps {
        let offer = &step.request_to_offer;
        let cores = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| fixed(share, 2));
        let failed = step.refused + step.turned_away + step.lost;
        table.cells(vec![
            grouped(i64::from(step.per_s)),
            percent(step.answered_in_time),
            percent(step.idle_candidate_share),
            grouped(offer.count as i64),
            ms(offer.p50_ms),
            ms(offer.p99_ms),
            ms(offer.p999_ms),
            ms(offer.max_ms),
            grouped(step.positions_per_s as i64),
            cores(step.processor.generator),
            cores(step.processor.market),
            grouped(failed as i64),
        ]);
    }
    format!("request to offer, from when the request was due; processor time in cores\n{}", table.text())
}

fn times(step: &StepReport) -> String {
    let mut table = Table::new(vec![false, true, true, true, true, true, true]);
    table.row(["  in ms", "count", "mean", "p50", "p99", "p99.9", "max"]);
    let mut row = |name: &str, latency: &Latency| {
        let Latency { count, mean_ms, p50_ms, p99_ms, p999_ms, max_ms, .. } = *latency;
        let mut cells = vec![format!("  {name}"), grouped(count as i64)];
        cells.extend([mean_ms, p50_ms, p99_ms, p999_ms, max_ms].map(ms));
        table.cells(cells);
    };
    row("request to offer", &step.request_to_offer);
    step.delivery.iter().for_each(|latency| row("… by the driver's subscription", latency));
    row("request to answer", &step.request_to_answer);
    row("due to sent", &step.send_lag);
    row("drivers' orders", &step.driver_orders);
    row("bundles of positions", &step.position_bundles);
    step.disk_sync.iter().for_each(|latency| row("4 KiB to this disk, synced", latency));
    for stage in &step.stages {
        let cells = [stage.mean_ms, stage.p50_ms, stage.p99_ms, stage.p999_ms].map(ms);
        let mut row = vec![format!("  stage {}", stage.name), grouped(stage.count as i64)];
        row.extend(cells);
        table.cells(row);
    }
    table.cells(vec!["  the rest: HTTP, GraphQL, sockets".to_owned(), String::new(), ms(step.rest_mean_ms)]);
    table.text()
}

fn remarks(step: &StepReport) -> String {
    let said = [
        (step.refused, "requests refused"),
        (step.turned_away, "requests turned away"),
        (step.lost, "requests of which nobody knows"),
        (step.driver_orders_failed, "orders of drivers not taken"),
        (step.positions_failed, "positions not received"),
        (step.positions_shed.unwrap_or_default(), "positions replaced or shed"),
        (step.behind as u64, "jobs due and not begun at the end"),
    ];
    let said: Vec<String> = said
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count as i64)))
        .collect();
    if said.is_empty() { String::new() } else { format!("  {}\n", said.join("; ")) }
}

fn knee(report: &Report) -> String {
    match report.knee {
        Some(Knee { holds_per_s, breaks_per_s: Some(breaks) }) => format!(
            "\nknee: keeps up with {} requests a second, not with {}\n",
            grouped(i64::from(holds_per_s)),
            grouped(i64::from(breaks))
        ),
        Some(Knee { holds_per_s, breaks_per_s: None }) => {
            format!("\nno knee up to {} requests a second\n", grouped(i64::from(holds_per_s)))
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::sample;

    #[test]
    fn the_text_tells_all_that_was_measured() {
        insta::assert_snapshot!(super::text(&sample::report()));
    }
}
