//! `report.html`: a run for people, in one file.

use std::fmt::Write as _;

use hansom_geo_index::{Millis, Network};

use super::axis::{Clock, Unit};
use super::chart::{Histogram, Layer, Look, OverTime};
use super::map::{self, Asked};
use super::number::{fixed, grouped, money, percent, span};
use super::page::{card, document, legend};
use super::summary::Spread;
use super::svg::escape;
use super::{Bin, RunReport, Series, Summary, Trip, history, tables};
use crate::scenario::{Demand, Period, Policy, PolicyKind, Scenario};

/// The page of a run of `scenario`. `shows` is what that shows, in a sentence; empty: nobody said.
pub fn page(scenario: &Scenario, shows: &str, run: &RunReport) -> String {
    let RunReport { summary, series, trips, city, drivers, .. } = run;
    let report = Report { scenario, shows, network: &city.network, summary, series, trips, vehicles: drivers.len() };
    let mut body = report.masthead();
    body += &report.tiles();
    body += &report.over_time(&report.clock());
    body += &report.places();
    body += &tables::figures(scenario, summary);
    body += &tables::identity(summary);
    body += &tables::scenario(scenario);
    let _infallible =
        writeln!(body, "<footer class=\"colophon\"><span>Hansom {}</span></footer>", env!("CARGO_PKG_VERSION"));
    document(&format!("{}, seed {}", scenario.name, scenario.seed), &body)
}

/// How a policy matches.
pub(crate) fn planner_name(policy: &Policy) -> String {
    let window = || span(policy.batch_window.0 as f64 / 1000.0);
    match policy.kind {
        PolicyKind::Nearest => "nearest".to_owned(),
        PolicyKind::Batch => format!("batch, window {}", window()),
        PolicyKind::External => format!("external, window {}", window()),
    }
}

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
struct Report<'a> {
    scenario: &'a Scenario,
    shows: &'a str,
    network: &'a Network,
    summary: &'a Summary,
    series: &'a Series,
    trips: &'a [Trip],
    vehicles: usize,
}

/// How something that vehicles do is called and coloured, and how many did it.
type VehicleState = (&'static str, &'static str, fn(&Bin) -> f64);

/// What vehicles do, from below.
const STATES: [VehicleState; 5] = [
    ("On board", "c-ride", |bin| bin.on_board),
    ("At the pickup", "c-wait", |bin| bin.at_pickup),
    ("En route to pickup", "c-way", |bin| bin.en_route),
    ("Cruising", "c-cruise", |bin| bin.cruising),
    ("Standing idle", "c-idle", |bin| bin.standing),
];

impl Report<'_> {
    fn clock(&self) -> Clock<'_> {
        let Series { start, bin, .. } = *self.series;
        Clock { start, bin, count: self.series.bins.len(), zone: &self.scenario.timezone }
    }

    fn masthead(&self) -> String {
        let Scenario { name, seed, policy, .. } = self.scenario;
        let mut text = format!(
            "<header class=\"masthead\"><p class=\"eyebrow\">Hansom · simulated run</p><h1>{}</h1>",
            escape(name)
        );
        if !self.shows.is_empty() {
            let _infallible = write!(text, "<p class=\"lead\">{}</p>", escape(self.shows));
        }
        let planner = planner_name(policy);
        let streets = format!("{}, {} edges", self.network.name(), grouped(self.network.edge_count() as i64));
        text += "<ul class=\"facts\">";
        for (name, value) in [
            ("period", self.period()),
            ("seed", seed.to_string()),
            ("policy", planner),
            ("requests", grouped(self.summary.requests as i64)),
            ("vehicles", grouped(self.vehicles as i64)),
            ("streets", streets),
        ] {
            let _infallible = write!(text, "<li><b>{name}</b>{}</li>", escape(&value));
        }
        text += "</ul>";
        for notice in self.notices() {
            let _infallible = write!(text, "<p class=\"notice\">{}</p>", escape(&notice));
        }
        text + "</header>\n"
    }

    fn period(&self) -> String {
        let zone = &self.scenario.timezone;
        let Period { start, end } = self.scenario.period;
        let (from, to) = (zone.stamp(start), zone.stamp(end));
        let minute = |stamp: &str| stamp.get(..16).unwrap_or_default().replace('T', " ");
        let until =
            if from.get(..10) == to.get(..10) { to.get(11..16).unwrap_or_default().to_owned() } else { minute(&to) };
        format!("{} – {until} ({})", minute(&from), zone.name())
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.summary.partial {
            notices.push("This run was interrupted. Figures cover what had been simulated until then.".to_owned());
        }
        if self.summary.invariant_violations > 0 {
            notices.push(format!(
                "{} invariant violations: these figures are not to be trusted. Please report this run.",
                grouped(self.summary.invariant_violations as i64)
            ));
        }
        if let Demand::File(file) = &self.scenario.demand {
            notices.push(format!(
                "Requests are those of {}: seeds vary supply, behaviour and traffic, not the requests.",
                file.file_name().unwrap_or_default().to_string_lossy()
            ));
        }
        notices
    }

    fn tiles(&self) -> String {
        let s = self.summary;
        let tariff = &self.scenario.tariff;
        let share = |part: i64| if s.fares.total_minor == 0 { 0.0 } else { part as f64 / s.fares.total_minor as f64 };
        let about = |spread: &Spread| format!("median {}, p90 {}", span(spread.p50), span(spread.p90));
        let tiles = [
            (
                "Service rate",
                percent(s.service_rate),
                format!("{} of {} requests completed", grouped(s.completed as i64), grouped(s.requests as i64)),
            ),
            ("Wait, mean", span(s.wait_s.mean), about(&s.wait_s)),
            ("Time to first offer, mean", span(s.time_to_offer_s.mean), about(&s.time_to_offer_s)),
            (
                "In vehicle, mean",
                span(s.in_vehicle_s.mean),
                format!("{} times the direct way as estimated", fixed(s.detour, 2)),
            ),
            ("Utilisation", percent(s.utilisation), "of shift time for or with a rider".to_owned()),
            ("Deadhead share", percent(s.deadhead_share), "of the distance driven without a rider".to_owned()),
            ("Occupancy", fixed(s.occupancy, 2), "riders per loaded kilometre".to_owned()),
            (
                "Fares",
                money(s.fares.total_minor, tariff.exponent, &s.fares.currency),
                format!(
                    "{} to drivers, {} to the platform",
                    percent(share(s.fares.driver_minor)),
                    percent(share(s.fares.platform_minor))
                ),
            ),
        ];
        let mut text = String::from("<dl class=\"tiles\">");
        for (name, value, more) in tiles {
            let _infallible = write!(
                text,
                "<div class=\"tile\"><dt>{name}</dt><dd class=\"value\">{}</dd><dd class=\"more\">{}</dd></div>",
                with_small_units(&value),
                escape(&more)
            );
        }
        text + "</dl>\n"
    }

    fn over_time(&self, clock: &Clock) -> String {
        let end = self.scenario.period.end;
        let ends_inside = end < Millis(clock.start.0 + clock.bin.0 * clock.count as i64);
        let mark = ends_inside.then_some((end, "no new requests"));
        let chart = |title, describe, unit, look, layers| OverTime { title, describe, clock, unit, look, layers, mark };
        let each = format!("per {} min", clock.bin.0 / 60_000);
        let s = self.summary;

        let layers = history::demand(clock, self.trips);
        let describe = format!("{} requests, {} completed.", grouped(s.requests as i64), grouped(s.completed as i64));
        let demand = time_card(
            "Requests",
            &format!("{each}, by the time of request"),
            &chart("Requests", describe, Unit::Count, Look::Columns, layers),
        );

        let describe = format!("Utilisation {}.", percent(s.utilisation));
        let supply = time_card(
            "Vehicles",
            "on shift, mean over each interval",
            &chart("Vehicles by what they do", describe, Unit::Count, Look::Areas, self.states()),
        );

        let describe = format!("Mean wait {}, 90th percentile {}.", span(s.wait_s.mean), span(s.wait_s.p90));
        let waits = time_card(
            "Wait for pickup",
            "by the time of request, over riders picked up",
            &chart("Wait for pickup", describe, Unit::Seconds, Look::Lines, history::waits(clock, self.trips)),
        );
        demand + &supply + &waits
    }

    /// Vehicles in each state; states that do not occur are left out.
    fn states(&self) -> Vec<Layer<'static>> {
        let series = &self.series.bins;
        let layers = STATES.into_iter().map(|(name, class, of)| Layer {
            name,
            class,
            values: series.iter().map(|bin| Some(of(bin))).collect(),
        });
        let occurs = |layer: &Layer| layer.values.iter().flatten().any(|&vehicles| vehicles > 0.0);
        layers.filter(occurs).collect()
    }

    /// The map on the left; how long riders waited and how requests ended on the right.
    fn places(&self) -> String {
        let request = |trip: &Trip| Asked {
            pickup: trip.request.pickup,
            dropoff: trip.request.dropoff,
            wait_ms: trip.wait().map(|wait| wait.0),
        };
        let asked: Vec<Asked> = self.trips.iter().map(request).collect();
        let map = map::draw(self.network, &asked);
        let shown = if map.shown == asked.len() {
            "a mark for each pickup asked for".to_owned()
        } else {
            format!("{} of {} pickups, evenly over time", grouped(map.shown as i64), grouped(asked.len() as i64))
        };
        let content = format!(
            "{}<div style=\"max-width:{}px\">{}</div>",
            legend(map.legend.iter().map(|(class, name)| (class.as_str(), name.as_str()))),
            map.width,
            map.svg
        );
        let left = card("left map", "Where riders waited", &format!("<p>{shown}</p>"), &content);
        let (outcomes, spans) = (tables::outcomes(self.summary), tables::spans(self.summary));
        format!("{left}<div class=\"right\">{}{outcomes}{spans}</div>\n", self.wait_card())
    }

    fn wait_card(&self) -> String {
        let (counts, step_s) = history::wait_bins(self.trips);
        let wait = &self.summary.wait_s;
        let mut marks = vec![(wait.p50, "median"), (wait.p90, "p90"), (wait.p95, "p95")];
        // Without a pickup there is no wait.
        marks.retain(|(value, _)| value.is_finite());
        let describe = format!("Median {}, 90th percentile {}.", span(wait.p50), span(wait.p90));
        let histogram = Histogram { title: "Waits", describe, step_s, counts: &counts, marks: &marks };
        card("", "How long riders waited", &format!("<p>rides per {step_s} s of wait</p>"), &histogram.draw())
    }
}

fn time_card(heading: &str, what: &str, chart: &OverTime) -> String {
    let colours = legend(chart.layers.iter().rev().map(|layer| (layer.class, layer.name)));
    card(
        "",
        heading,
        &format!("{colours}<p>{}</p>", escape(what)),
        &format!("<div class=\"wide-plot\">{}</div>", chart.draw()),
    )
}

/// Units smaller than their figures.
fn with_small_units(value: &str) -> String {
    let small = |word: &str| word.chars().all(|c| c.is_alphabetic() || c == '%');
    let words = value.split(' ').map(|word| {
        let word_text = escape(word);
        if small(word) { format!("<small>{word_text}</small>") } else { word_text }
    });
    words.collect::<Vec<_>>().join(" ")
}
