//! What was written is known to whoever reads with its offset, whichever read model answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::client::operation;
use super::{kind, ride, shift};
use crate::served::{Served, spec, uuid};

/// So many clients write and read, each on its own …
const CLIENTS: u64 = 16;
/// … so many times. In each round a driver comes and goes, and a ride is asked for and cancelled.
const ROUNDS: u64 = 157;
const WRITES: u64 = 4;

/// Keys of all clients, each once.
static KEYS: AtomicU64 = AtomicU64::new(1 << 24);

/// Writes; the answer with its offset.
fn write(town: &Served, query: &str, input: &Value) -> Value {
    let answer = town.give(query, &uuid(KEYS.fetch_add(1, Ordering::Relaxed)), input);
    assert!(matches!(kind(&answer), "Taken" | "RideTaken" | "SessionTaken"), "{answer}");
    answer
}

/// Reads what knows of a write; the read models are still on their way sometimes, and then say so and are asked again.
fn read(town: &Served, query: &str, mut variables: Value, written: &Value, behind: &AtomicU64) -> Value {
    variables["min"] = written["offset"].clone();
    loop {
        let found = town.ask(query, &variables)["it"].clone();
        if found["__typename"] != "Stale" {
            return found;
        }
        behind.fetch_add(1, Ordering::Relaxed);
    }
}

/// A driver.
const DRIVER: &str =
    "query($id: ID!, $min: Offset) { it: driver(id: $id, minOffset: $min) { ... on Driver { id activity } } }";
/// The last ride of a rider.
const LAST: &str = "query($id: String!, $min: Offset) { it: rides(filter: { rider: $id }, last: 1, minOffset: $min) {
    ... on RideConnection { nodes { id endedAt } } } }";
/// A ride.
const RIDE: &str =
    "query($id: ID!, $min: Offset) { it: ride(id: $id, minOffset: $min) { ... on Ride { id endedAt } } }";

/// One client's rounds; how many of its writes it read.
fn client(town: &Served, n: u64, behind: &AtomicU64) -> u64 {
    let (rider, driver) = (format!("r{n}"), format!("d{n}"));
    let at = (n as u32 % 21, n as u32 * 5 % 21);
    let mut reads = 0;
    for round in 0..ROUNDS {
        let mut known = |query: &str, id: &Value, written: &Value, is: &dyn Fn(&Value) -> bool| {
            let found = read(town, query, json!({ "id": id }), written, behind);
            assert!(is(&found), "{query} says {found} after {written}");
            reads += 1;
        };
        let came = write(town, operation!("start-shift"), &shift(&driver, at.0, at.1));
        known(DRIVER, &json!(driver), &came, &|it| it["activity"].is_string() && it["activity"] != "OFF_SHIFT");

        let asked = write(town, operation!("request-ride"), &ride(&rider, at, (20 - at.0, 20 - at.1)));
        let number = &asked["ride"];
        let is_open = |it: &Value| it["id"] == *number && it["endedAt"].is_null();
        let has_ended = |it: &Value| it["id"] == *number && it["endedAt"].is_string();
        // By its number and in a list, in turn.
        let cancel = || write(town, operation!("cancel-ride"), &json!({ "ride": number }));
        if round % 2 == 0 {
            known(RIDE, number, &asked, &is_open);
            known(LAST, &json!(rider), &cancel(), &|it| has_ended(&it["nodes"][0]));
        } else {
            known(LAST, &json!(rider), &asked, &|it| is_open(&it["nodes"][0]));
            known(RIDE, number, &cancel(), &has_ended);
        }

        let gone = write(town, operation!("end-shift"), &json!({ "driver": driver }));
        known(DRIVER, &json!(driver), &gone, &|it| it["activity"] == "OFF_SHIFT");
    }
    reads
}

#[test]
fn ten_thousand_writes_are_known_to_the_read_that_follows_them() {
    let data = tempfile::tempdir().expect("a folder");
    let town = &Served::start(vec![spec("town", data.path(), 1024)]);
    let behind = &AtomicU64::new(0);
    let reads: u64 = thread::scope(|clients| {
        let clients: Vec<_> = (0..CLIENTS).map(|n| clients.spawn(move || client(town, n, behind))).collect();
        clients.into_iter().map(|client| client.join().expect("it reads what it wrote")).sum()
    });
    assert_eq!(reads, CLIENTS * ROUNDS * WRITES);
    assert!(reads >= 10_000);
    let behind = behind.load(Ordering::Relaxed);
    println!("{reads} writes were read; {behind} reads were told to come again");
}
