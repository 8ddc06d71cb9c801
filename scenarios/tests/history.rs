//! `hansom history`, and that what is remembered of rides says what a run's files say.

use std::path::Path;

use hansom_api::read::Slice;
use hansom_api::read::history::{Buckets, History, Ride, RideFilter, Source};
use hansom_engine::record::json::rfc3339;
use hansom_geo_index::Millis;
use hansom_market::log::Reader;
use serde_json::Value;

use crate::harness::Desk;

/// A desk with a run in which all sorts of things happen, as if a market of its name had been served.
fn with_run() -> (Desk, Value) {
    let desk = Desk::new();
    let scenario = crate::harness::root().join("scenarios/small-town.toml");
    let said = desk.hansom(&format!("simulate {} --seed 5 --out data/town --format json", scenario.display()));
    assert_eq!(said.code, 0, "{}", said.err);
    (desk, serde_json::from_str(&said.out).expect("JSON"))
}

fn history(folder: &Path) -> std::sync::Arc<History> {
    let source = Source::of(Reader::open(folder).expect("a log").header());
    History::open(&folder.join("history.redb"), &source).expect("a disk").expect("it was made").0
}

#[test]
fn a_history_is_made_anew_and_is_the_same_again() {
    let (desk, _) = with_run();
    let made = |arguments: &str| -> Value {
        let said = desk.hansom(arguments);
        assert_eq!(said.code, 0, "{}", said.err);
        serde_json::from_str::<Value>(&said.out).expect("JSON")[0].clone()
    };
    let first = made("history rebuild --data data --format json");
    assert_eq!((&first["market"], &first["was_same"]), (&Value::from("town"), &Value::Null));
    let again = made("history rebuild town --data data --format json");
    assert_eq!((&again["digest"], &again["was_same"]), (&first["digest"], &Value::from(true)));
    desk.write("data/town/history.redb", "no database");
    assert_eq!(made("history rebuild --data data --format json")["digest"], first["digest"]);

    let _held = history(&desk.path("data/town"));
    let said = desk.hansom("history rebuild --data data");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("E1101"), "{}", said.err);
    let said = desk.hansom("history rebuild village --data data");
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn kpis_are_those_of_the_runs_summary() {
    let (desk, summary) = with_run();
    assert_eq!(desk.hansom("history rebuild --data data").code, 0);
    let history = history(&desk.path("data/town"));
    let buckets = Buckets { from_ms: 0, span_ms: i64::MAX / 2, count: 1 };
    let kpis = &history.kpis(buckets).expect("rows")[0];
    let number = |path: &str| summary.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}"));
    let same = |path: &str, ours: Option<f64>, decimals: f64| {
        let ours = ours.unwrap_or_else(|| panic!("{path} is no number"));
        assert!(((ours * decimals).round() / decimals - number(path)).abs() < 1e-9, "{path}: {ours} {}", number(path));
    };
    assert_eq!(kpis.requests, number("/requests") as u64);
    same("/service_rate", kpis.service_rate, 1e6);
    same("/detour", kpis.detour, 1e6);
    for (name, spread) in
        [("wait_s", kpis.wait), ("time_to_offer_s", kpis.time_to_offer), ("in_vehicle_s", kpis.in_vehicle)]
    {
        for (figure, ours) in
            [("mean", spread.mean_s), ("p50", spread.p50_s), ("p90", spread.p90_s), ("p95", spread.p95_s)]
        {
            same(&format!("/{name}/{figure}"), ours, 1e3);
        }
    }
    let outcomes = kpis.outcomes;
    for (name, ours) in [
        ("completed", outcomes.completed),
        ("ended_early", outcomes.ended_early),
        ("cancelled_before_match", outcomes.cancelled_before_match),
        ("cancelled_after_match", outcomes.cancelled_after_match),
        ("no_show", outcomes.no_show),
        ("no_driver", outcomes.no_driver),
        ("refused", outcomes.refused),
        ("open_at_end", outcomes.open),
    ] {
        assert_eq!(ours, number(&format!("/outcomes/{name}")) as u64, "{name}");
    }
    assert_eq!(kpis.total_minor, number("/fares/total_minor") as i64);
    assert_eq!(kpis.driver_minor, number("/fares/driver_minor") as i64);
    assert_eq!(kpis.platform_minor, number("/fares/platform_minor") as i64);
}

#[test]
fn every_ride_says_what_its_row_in_trips_csv_says() {
    let (desk, _) = with_run();
    assert_eq!(desk.hansom("history rebuild --data data").code, 0);
    let history = history(&desk.path("data/town"));
    let rides = history.rides(&RideFilter::default(), &Slice::first(100_000)).expect("rows").items;
    let trips = desk.read("data/town/trips.csv");
    let mut lines = trips.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = |name: &str| header.iter().position(|column| *column == name).expect("a column");
    assert_eq!(rides.len(), lines.clone().count());
    for ((number, ride), trip) in rides.iter().zip(lines) {
        let said = |name: &str| trip[column(name)].to_owned();
        assert_eq!(said("ride_id"), number.to_string());
        assert_eq!(said("rider_id"), ride.rider);
        assert_eq!(said("driver_id"), ride.driver.clone().unwrap_or_default(), "ride {number}");
        assert_eq!(said("seats"), ride.seats.to_string());
        let outcome = ride.status().outcome().map_or("open_at_end", |outcome| outcome.name());
        assert_eq!(said("outcome"), outcome);
        for (name, at_ms) in times(ride) {
            assert_eq!(instant(&said(name)), at_ms.map(|at| rfc3339(Millis(at))), "{name} of ride {number}");
        }
        let paid = ride.payment.map_or_else(String::new, |payment| payment.fare_minor.to_string());
        assert_eq!(said("fare_minor"), paid);
        let mm = ride.quote.map_or_else(String::new, |quote| quote.direct_mm.to_string());
        assert_eq!(said("quoted_mm"), mm);
    }
}

fn times(ride: &Ride) -> [(&'static str, Option<i64>); 6] {
    [
        ("requested_at", Some(ride.requested_at_ms)),
        ("first_offer_at", ride.first_offer_at_ms),
        ("matched_at", ride.matched_at_ms),
        ("picked_up_at", ride.picked_up_at_ms),
        ("dropped_off_at", ride.dropped_off_at_ms()),
        ("ended_at", ride.ended_at_ms),
    ]
}

/// A local time of the file, as UTC.
fn instant(text: &str) -> Option<String> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(rfc3339(Millis(at.as_millisecond())))
}
