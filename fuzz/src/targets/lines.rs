//! Lines of the wire.

use super::{Target, as_it_is};
use hansom_engine::State;
use hansom_engine::domain::Settings;
use hansom_geo_index::Millis;
use hansom_geo_index::network::sample;
use hansom_market::ingest::{MOST_LINE_BYTES, Names, decode, decode_event, decode_location};
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

fn split(lines: &str) -> Vec<Vec<u8>> {
    lines.lines().map(|line| line.as_bytes().to_vec()).collect()
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
    ]
}
