//! `bench.html`: how times grow with the rate, in one file.

use hansom_simulator::report::knee::{Curve, Plot, Sheet};
use hansom_simulator::report::number::{fixed, grouped, percent};

use super::knee::Knee;
use super::report::{Report, StepReport};
use super::text::text;

/// The page.
pub fn page(report: &Report) -> String {
    let Report { market, driven, policy, machine, .. } = report;
    let drivers = grouped(i64::from(report.drivers));
    let facts = [
        ("driven", driven.clone()),
        ("policy", policy.clone()),
        ("drivers", drivers),
        ("machine", format!("{} cores, {}", machine.cores, machine.processor)),
    ];
    let curve = |name, class, of: fn(&StepReport) -> f64| Curve {
        name,
        class,
        points: report.steps.iter().map(|step| (f64::from(step.per_s), of(step))).collect(),
    };
    let times = Plot {
        title: "Request to offer, from when the request was due",
        x: "requests a second",
        y: "ms",
        curves: vec![
            curve("p50", "c-ride", |step| step.request_to_offer.p50_ms),
            curve("p99", "c-way", |step| step.request_to_offer.p99_ms),
            curve("p99.9", "c-bad", |step| step.request_to_offer.p999_ms),
            curve("sync of this disk, p99", "c-other", |step| step.disk_sync.as_ref().map_or(0.0, |disk| disk.p99_ms)),
        ],
        mark: report.knee.and_then(|knee| Some((f64::from(knee.breaks_per_s?), "no longer kept up with"))),
    };
    let cores = Plot {
        title: "Processor time, cores",
        x: "requests a second",
        y: "cores",
        curves: vec![
            curve("market", "c-ride", |step| step.processor.market.unwrap_or_default()),
            curve("generator", "c-idle", |step| step.processor.generator.unwrap_or_default()),
        ],
        mark: None,
    };
    let sheet = Sheet { eyebrow: "Hansom · bench", title: market, lead: &lead(report), facts: &facts };
    sheet.page(&[times, cores], &text(report))
}

fn lead(report: &Report) -> String {
    let knee = match report.knee {
        Some(Knee { holds_per_s, breaks_per_s: Some(breaks) }) => format!(
            "Keeps up with {} requests a second, not with {}. ",
            grouped(i64::from(holds_per_s)),
            grouped(i64::from(breaks))
        ),
        Some(Knee { holds_per_s, .. }) => {
            format!("Keeps up with all rates up to {}. ", grouped(i64::from(holds_per_s)))
        }
        None => String::new(),
    };
    let first = report.steps.first().map_or_else(String::new, |step| {
        format!(
            "At {} a second half of the requests had an offer within {} ms, 99 % within {} ms; {} met an idle driver.",
            grouped(i64::from(step.per_s)),
            fixed(step.request_to_offer.p50_ms, 2),
            fixed(step.request_to_offer.p99_ms, 2),
            percent(step.idle_candidate_share)
        )
    });
    knee + &first
}

#[cfg(test)]
mod tests {
    use super::super::report::sample;

    #[test]
    fn the_page_plots_every_rate_and_marks_the_knee() {
        let page = super::page(&sample::report());
        assert!(page.contains("Keeps up with 90 requests a second, not with 135. At 90 a second half"), "{page}");
        assert!(page.contains("no longer kept up with"));
        // Four curves of times and two of cores, of two rates each.
        assert_eq!(page.matches("<circle").count(), 12);
    }
}
