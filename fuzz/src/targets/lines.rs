//! Lines of the wire.

use super::{Target, as_it_is};
use hansom_engine::domain::{Settings, Terms};
use hansom_engine::planner::Choice;
use hansom_engine::planner::batch::{Matrix, Row};
use hansom_engine::{DriverId, Offset, RideId, State};
use hansom_geo_index::Millis;
use hansom_geo_index::network::sample;
use hansom_market::ingest::{MOST_LINE_BYTES, Names, decode, decode_event, decode_location};
use hansom_market::planning;
use std::collections::BTreeSet;
use std::sync::Arc;

const WORDS: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-",
    "1e308",
    "-0.0",
    "\\u0000",
    "\\ud800",
    "data",
    "\"id\":",
    "\"ride\":",
    "\"driver\":",
    "\"place\":",
    "\"time\":",
    "\"market\":",
    "2026-02-29T23:59:60Z",
    "+23:59",
    ".999999999",
    "90.00000001",
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "18446744073709551616",
];

const ANSWER: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "-1",
    "1e0",
    "17",
    "4294967295",
    "4294967296",
    "\"basis\":17",
    "\"changes\":[",
    "{\"ride\":7,\"driver\":5}",
    "\"ride\":1",
    "\"driver\":2",
];

fn split(lines: &str) -> Vec<Vec<u8>> {
    lines.lines().map(|line| line.as_bytes().to_vec()).collect()
}

/// What an external planner was asked: of three rides, the first two may be given to any of three drivers, the last to nobody.
fn asked() -> Matrix {
    let drivers = [2, 5, u32::MAX].map(DriverId);
    let arc = |driver| Choice { driver, eta_ms: driver.0 / 3, chained: false, terms: Terms::default() };
    let arcs = [drivers.map(arc).to_vec(), drivers.map(arc).to_vec(), Vec::new()];
    let rows = [1, 7, u32::MAX].into_iter().zip(arcs);
    let rows = rows.map(|(ride, arcs)| Row { ride: RideId(ride), unserved: 1_000, arcs }).collect();
    Matrix { drivers: drivers.to_vec(), rows }
}

const ASKED: Offset = Offset(17);

const ANSWERS: [&str; 4] = [
    r#"{"basis":17,"changes":[]}"#,
    r#"{"changes":[{"driver":5,"ride":7},{"ride":1,"driver":2}],"basis":17}"#,
    r#"{"basis":17,"changes":[{"ride":1,"driver":4294967295}],"note":{"took_ms":[1.5e0,null]}}"#,
    r#"[17,[[7,2],{"ride":1,"driver":5}]]"#,
];

fn answer(line: &[u8], matrix: &Matrix) -> bool {
    let Ok(proposal) = planning::answer(line, ASKED, matrix) else { return false };
    assert_eq!(proposal.basis, ASKED);
    let changes = &proposal.changes;
    assert!(changes.is_sorted_by(|one, next| one.ride < next.ride), "each ride once, in order");
    let drivers: BTreeSet<_> = changes.iter().map(|change| change.driver).collect();
    assert_eq!(drivers.len(), changes.len(), "each driver once");
    let is_allowed = |ride, driver| {
        matrix.rows.iter().any(|row| row.ride == ride && row.arcs.iter().any(|arc| arc.driver == driver))
    };
    assert!(changes.iter().all(|change| is_allowed(change.ride, change.driver)), "nothing but what was asked about");
    let again: Vec<_> =
        changes.iter().map(|change| format!(r#"{{"ride":{},"driver":{}}}"#, change.ride.0, change.driver.0)).collect();
    let again = format!(r#"{{"basis":{},"changes":[{}]}}"#, ASKED.0, again.join(","));
    assert_eq!(planning::answer(again.as_bytes(), ASKED, matrix).ok(), Some(proposal), "an answer comes back");
    true
}

pub fn targets() -> Vec<Target> {
    let network = Arc::new(sample::grid(5, 5, 100_000, 10_000));
    let names = Names::of(&State::new(Settings::default(), &network, Millis(0)), network);
    let order = move |line: &[u8]| {
        let Ok(order) = decode(line) else { return false };
        let mut again = Vec::new();
        order.write(&mut again);
        assert_eq!(decode(&again).as_ref(), Ok(&order), "an order comes back");
        let (key, _) = names.resolve(order.clone());
        assert_eq!(key, order.key);
        true
    };
    let location = |line: &[u8]| {
        let Ok(location) = decode_location(line) else { return false };
        let mut again = Vec::new();
        location.write("fuzz", &mut again);
        assert_eq!(decode_location(&again), Ok(location), "a position comes back");
        true
    };
    let event = |line: &[u8]| {
        let Ok(event) = decode_event(line) else { return false };
        let mut again = Vec::new();
        event.write(&mut again);
        assert_eq!(decode_event(&again), Ok(event), "an event comes back");
        true
    };
    let matrix = asked();
    let target =
        |name, seeds, run| Target { name, seeds, mend: as_it_is, words: WORDS, most_bytes: MOST_LINE_BYTES, run };
    vec![
        target(
            "order",
            || split(include_str!("../../../dispatcher/market/tests/fixtures/commands.v1.jsonl")),
            Box::new(order),
        ),
        target(
            "location",
            || split(include_str!("../../../dispatcher/market/tests/fixtures/locations.v1.jsonl")),
            Box::new(location),
        ),
        target(
            "event",
            || split(include_str!("../../../dispatcher/market/tests/fixtures/events.v1.jsonl")),
            Box::new(event),
        ),
        Target {
            words: ANSWER,
            ..target(
                "answer",
                || ANSWERS.map(|line| line.as_bytes().to_vec()).into(),
                Box::new(move |line: &[u8]| answer(line, &matrix)),
            )
        },
    ]
}
