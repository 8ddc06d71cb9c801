//! Tables of the report: outcomes, figures, and the scenario itself.

use std::fmt::Write as _;

use super::number::{bytes, fixed, grouped, money, percent, span};
use super::page::card;
use super::summary::{Spread, Summary};
use super::svg::escape;
use crate::scenario::Scenario;

/// How outcomes are called and coloured.
const OUTCOMES: [(&str, &str, &str); 8] = [
    ("completed", "Completed", "c-ride"),
    ("ended_early", "Ended early", "c-good"),
    ("cancelled_before_match", "Cancelled before a match", "c-bad"),
    ("no_driver", "No driver took it", "w5"),
    ("cancelled_after_match", "Cancelled after a match", "c-way"),
    ("no_show", "Rider did not come", "c-wait"),
    ("refused", "Refused", "c-other"),
    ("open_at_end", "Open at the end", "c-idle"),
];

/// How requests ended.
pub(super) fn outcomes(summary: &Summary) -> String {
    let all = summary.requests.max(1) as f64;
    let (mut bar, mut rows) = (String::new(), String::new());
    for (key, name, class) in OUTCOMES {
        let count = summary.outcome(key);
        if count == 0 {
            continue;
        }
        let (number, share) = (grouped(count as i64), percent(count as f64 / all));
        let _infallible =
            write!(bar, "<span class=\"{class}\" style=\"flex:{count}\" title=\"{name}: {number}\"></span>");
        let _infallible =
            write!(rows, "<tr><td><i class=\"swatch {class}\"></i>{name}</td><td>{number}</td><td>{share}</td></tr>");
    }
    let content = format!(
        "<div class=\"shares\" aria-hidden=\"true\">{bar}</div><table class=\"outcomes\"><tbody>{rows}</tbody></table>"
    );
    card("", "How requests ended", &format!("<p>{} requests</p>", grouped(summary.requests as i64)), &content)
}

/// How long things took riders.
pub(super) fn spans(s: &Summary) -> String {
    let mut rows = String::new();
    for (name, spread) in
        [("Wait for pickup", &s.wait_s), ("Time to first offer", &s.time_to_offer_s), ("In vehicle", &s.in_vehicle_s)]
    {
        let Spread { mean, p50, p90, p95 } = *spread;
        let _infallible = write!(rows, "<tr><td>{name}</td>");
        for value in [mean, p50, p90, p95] {
            let _infallible = write!(rows, "<td>{}</td>", fixed(value, 1));
        }
        rows += "</tr>";
    }
    let table = format!(
        "<div class=\"scroll\"><table class=\"figures\"><thead><tr><th>seconds</th><th>mean</th><th>median</th><th>p90</th><th>p95</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
    card("", "How long it took", "<p>nearest-rank percentiles</p>", &table)
}

/// The other figures of `summary.json`.
pub(super) fn figures(scenario: &Scenario, s: &Summary) -> String {
    let exponent = scenario.tariff.exponent;
    let amount = |minor: i64| money(minor, exponent, &s.fares.currency);
    let fleet = pairs(&[
        ("Utilisation", percent(s.utilisation)),
        ("Deadhead share", percent(s.deadhead_share)),
        ("Occupancy", fixed(s.occupancy, 3)),
        ("Detour", fixed(s.detour, 3)),
        ("Paid by riders", amount(s.fares.total_minor)),
        ("Paid to drivers", amount(s.fares.driver_minor)),
        ("Kept by the platform", amount(s.fares.platform_minor)),
    ]);
    let latency = &s.match_latency_us;
    let per_ping = fixed(s.log_bytes as f64 / s.pings as f64, 1);
    let log = match s.log_bytes {
        0 => "none".to_owned(),
        _ => format!("{}, {per_ping} bytes a ping", bytes(s.log_bytes)),
    };
    let run = pairs(&[
        ("Simulated time", span(s.simulated_s)),
        ("Wall time", format!("{} s, {} × the clock", fixed(s.wall_s, 2), fixed(s.simulated_s / s.wall_s, 0))),
        ("Processor time", format!("{} s", fixed(s.cpu_s, 2))),
        ("Peak memory", bytes(s.peak_rss_bytes)),
        (
            "Matching latency, median / p99 / max",
            format!("{} / {} / {} µs", fixed(latency.p50, 0), fixed(latency.p99, 0), fixed(latency.max, 0)),
        ),
        ("Turns / pings", format!("{} / {}", grouped(s.turns as i64), grouped(s.pings as i64))),
        ("Log", log),
    ]);
    card("half", "Fleet and money", "", &fleet) + &card("half", "The run", "<p>on the machine that made it</p>", &run)
}

/// What a run of the same scenario and seed has to be equal in.
pub(super) fn identity(s: &Summary) -> String {
    let rows = pairs(&[
        ("Event chain", s.event_chain.clone()),
        ("State digest", s.state_digest.clone()),
        ("Network", s.network_hash.clone()),
        ("Logic version", s.logic_version.to_string()),
        ("Invariant violations", grouped(s.invariant_violations as i64)),
    ]);
    card(
        "identity",
        "To compare with a repeat of this run",
        "<p>same scenario, seed and version: same values</p>",
        &rows,
    )
}

fn pairs(rows: &[(&str, String)]) -> String {
    let row = |(name, value): &(&str, String)| format!("<tr><td>{}</td><td>{}</td></tr>", escape(name), escape(value));
    let rows: String = rows.iter().map(row).collect();
    format!("<div class=\"scroll\"><table class=\"figures\"><tbody>{rows}</tbody></table></div>")
}

/// Every key of the scenario, a block for each of its tables.
pub(super) fn scenario(scenario: &Scenario) -> String {
    let shown = scenario.show();
    let line = |line: &str| match line.split_once(" = ") {
        Some((key, value)) => {
            format!("<span class=\"k\">{}</span> <span class=\"v\">= {}</span>\n", escape(key), escape(value))
        }
        None => format!("<span class=\"s\">{}</span>\n", escape(line)),
    };
    let block = |block: &str| format!("<section>{}</section>", block.trim().lines().map(line).collect::<String>());
    let blocks: String = shown.split("\n\n").map(block).collect();
    card("", "The scenario", "<p>every key, defaults included</p>", &format!("<pre class=\"toml\">{blocks}</pre>"))
}
