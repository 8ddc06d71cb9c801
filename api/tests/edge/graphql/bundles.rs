//! Bundles of positions.

use std::thread;
use std::time::Duration;

use hansom_api::auth::{Expected, Gate, Keys, Limits, Rate, Role};
use serde_json::{Value, json};

use super::client::operation;
use super::{kind, shift};
use crate::served::{Served, corner, start_shift, uuid};
use crate::tokens::{bearer, secret};

fn position(driver: &str, seq: i64) -> Value {
    json!({ "driver": driver, "seq": seq, "place": corner(3, 4) })
}

fn send(town: &Served, key: &str, positions: &[Value]) -> Value {
    let variables = json!({ "key": key, "positions": positions });
    town.ask(operation!("report-positions"), &variables)["reportPositions"].clone()
}

/// Which of a bundle failed, and by which rule.
fn failed(answer: &Value) -> Vec<(u64, &str)> {
    let failures = answer["failures"].as_array().expect("a list").iter();
    let each = failures.map(|it| (it["index"].as_u64(), it["failure"]["code"].as_str()));
    each.map(|(index, code)| (index.expect("a number"), code.unwrap_or_default())).collect()
}

#[test]
fn what_became_of_positions_is_told_once_they_are_durable() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    let mut key = 1;
    let mut report = |positions: Vec<Value>| {
        key += 1;
        send(&town, &uuid(key), &positions)
    };
    let answer = report(vec![position("ann", 1), position("", 1), position("ann", -1), position("nobody", 1)]);
    assert_eq!((kind(&answer), &answer["received"]), ("PositionsReceived", &json!(1)), "{answer}");
    assert_eq!(failed(&answer), [(1, "E0906"), (2, "E0906"), (3, "UNKNOWN_DRIVER")], "{answer}");
    let refused = &answer["failures"][2]["failure"];
    assert_eq!((kind(refused), &refused["offset"]), ("RefusedByRule", &answer["offset"]));
    // The turn that is told is there, with what it decided.
    let known =
        "query($offset: Offset) { driver(id: \"ann\", minOffset: $offset) { ... on Driver { place { lat lon } } } }";
    let known = town.ask(known, &json!({ "offset": answer["offset"] }));
    assert_eq!(known["driver"]["place"], corner(3, 4), "{known}");
    // Sent with another key, nothing happens twice; of two in one batch the newer one counts.
    let again = report(vec![position("ann", 1)]);
    assert_eq!((failed(&again), &again["received"]), (vec![(0, "OUT_OF_ORDER")], &json!(0)), "{again}");
    let newer = report(vec![position("ann", 2), position("ann", 3)]);
    assert_eq!((failed(&newer), &newer["received"]), (vec![], &json!(2)), "{newer}");
    assert_eq!(report(vec![])["received"], 0);
    assert_eq!(kind(&report(vec![position("ann", 2); 1025])), "InvalidInput");
    let keyless = send(&town, "2", &[position("ann", 3)]);
    assert_eq!((kind(&keyless), &keyless["reason"]), ("InvalidInput", &json!("a key is a UUID")), "{keyless}");
    let mut socket = town.socket();
    socket.subscribe(
        "e",
        "subscription { events(from: 0) { __typename ... on PingRefused { seq code } } }",
        &json!({}),
    );
    let refused = socket.until("e", "PingRefused").pop().expect("an event");
    assert_eq!((&refused["seq"], &refused["code"]), (&json!(1), &json!("UNKNOWN_DRIVER")));
}

#[test]
fn a_bundle_that_comes_again_gets_the_first_answer() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    let bundle = [position("ann", 1), position("ann", -1), position("nobody", 1), position("ann", 2)];
    let first = send(&town, &uuid(2), &bundle);
    assert_eq!((&first["received"], failed(&first).len()), (&json!(2), 2), "{first}");
    assert_eq!(send(&town, &uuid(3), &[position("ann", 3)])["received"], 1);
    // Many at once, and after newer ones.
    let again: Vec<Value> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| send(&town, &uuid(2), &bundle))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(again.iter().all(|again| *again == first), "{first} {again:?}");
    let kept = hansom_market::quarantine::list(&data.path().join("town/quarantine")).expect("a quarantine");
    assert_eq!(kept.entries.len(), 1, "what cannot be read is put aside once");

    let other = send(&town, &uuid(2), &[position("ann", 4)]);
    let reason = "other positions were sent with this key: a bundle has a key of its own";
    assert_eq!((kind(&other), &other["reason"], &other["retryable"]), ("InvalidInput", &json!(reason), &json!(false)));
    // The key of an order is no key of a bundle.
    assert_eq!(send(&town, &uuid(1), &[position("ann", 4)])["received"], 1);
}

#[test]
fn one_bundle_sent_by_many_at_once_is_one() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    let bundle = [position("ann", 1), position("nobody", 1)];
    let answers: Vec<Value> = thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(|| send(&town, &uuid(2), &bundle))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!((&answers[0]["received"], failed(&answers[0])), (&json!(1), vec![(1, "UNKNOWN_DRIVER")]));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(send(&town, &uuid(3), &[position("nobody", 2)])["received"], 0);
    let mut socket = town.socket();
    let events = "subscription { events(from: 0) { __typename ... on PingRefused { seq } } }";
    socket.subscribe("e", events, &json!({}));
    let told = [socket.until("e", "PingRefused").pop(), socket.until("e", "PingRefused").pop()];
    assert_eq!(told.map(|told| told.expect("an event")["seq"].clone()), [json!(1), json!(2)], "it was reported once");
}

#[test]
fn who_did_not_wait_for_the_answer_gets_it_upon_the_next_try() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    for key in 2..12 {
        let bundle = [position("ann", key as i64)];
        let mut socket = town.socket();
        let variables = json!({ "key": uuid(key), "positions": bundle });
        socket.subscribe("p", operation!("report-positions"), &variables);
        // Positions wait 20 ms for others: the socket is gone before they are durable, and with it who asked.
        thread::sleep(Duration::from_millis(key));
        drop(socket);
        // Until they are: sent again before, they would be as good as replaced.
        thread::sleep(Duration::from_millis(60));
        let answer = send(&town, &uuid(key), &bundle);
        assert_eq!((failed(&answer), &answer["received"]), (vec![], &json!(1)), "{answer}");
    }
}

/// Behind a gate that lets each driver send five a second.
fn strict(data: &std::path::Path) -> Served {
    let keys = Keys::open(Some(&secret()), None, Expected::default()).expect("a secret");
    let town = Served::behind(Gate::of(keys, Limits::new(Rate { per_s: 5, burst: 5 }, Rate::SERVICES)), data);
    let shifts = [start_shift(1, "ann", 3, 3), start_shift(2, "bob", 3, 3)];
    let staff = bearer("desk", &[Role::Service], &[]);
    assert_eq!(town.request("POST", "/v1/commands", &[("authorization", &staff)], &shifts.join("\n")).status, 200);
    town
}

fn send_as(town: &Served, who: &str, key: &str, positions: &[Value]) -> Option<Value> {
    let variables = json!({ "key": key, "positions": positions });
    let body = json!({ "query": operation!("report-positions"), "variables": variables }).to_string();
    let token = bearer(who, &[Role::Driver], &[]);
    let reply =
        town.request("POST", "/graphql", &[("authorization", &token), ("content-type", "application/json")], &body);
    let mut answer: Value = serde_json::from_str(&reply.text).expect("JSON");
    (reply.status == 200).then(|| answer["data"]["reportPositions"].take())
}

#[test]
fn positions_without_luck_have_another_try_with_the_same_key() {
    let data = tempfile::tempdir().expect("a folder");
    let town = strict(data.path());
    let mut bundle: Vec<Value> = (1..=8).map(|seq| position("ann", seq)).collect();
    bundle.insert(2, position("bob", 1));
    let mut received = Vec::new();
    while received.last().is_none_or(|received| *received < 8) && received.len() < 8 {
        let answer = send_as(&town, "ann", &uuid(3), &bundle).expect("an answer");
        let failures = answer["failures"].as_array().expect("a list").iter().map(|it| {
            let (kind, after) = (kind(&it["failure"]), it["failure"]["retryAfterMs"].as_u64());
            assert_eq!((kind == "RateLimited", it["failure"]["retryable"] == true), (after.is_some(), after.is_some()));
            (it["index"].as_u64().expect("a number"), kind)
        });
        let (limited, others): (Vec<_>, Vec<_>) = failures.partition(|(_, kind)| *kind == "RateLimited");
        assert_eq!(others, [(2, "NotAllowed")], "{answer}");
        received.push(answer["received"].as_u64().expect("a number"));
        assert_eq!(received.last(), Some(&(8 - limited.len() as u64)), "{answer}");
        // Until there is room for five.
        thread::sleep(Duration::from_millis(1_100));
    }
    assert!(received.is_sorted() && received.len() > 1 && received.last() == Some(&8), "{received:?}");
}

#[test]
fn a_key_is_its_senders_own() {
    let data = tempfile::tempdir().expect("a folder");
    let town = strict(data.path());
    for who in ["ann", "bob"] {
        let answer = send_as(&town, who, &uuid(3), &[position(who, 1)]).expect("an answer");
        assert_eq!((&answer["received"], failed(&answer)), (&json!(1), vec![]), "{answer}");
    }
    let answer = send_as(&town, "bob", &uuid(4), &[position("ann", 2)]).expect("an answer");
    assert_eq!(answer["failures"][0]["failure"]["__typename"], "NotAllowed", "{answer}");
    let answer = send_as(&town, "ann", &uuid(4), &[position("ann", 2)]).expect("an answer");
    assert_eq!(answer["received"], 1, "{answer}");
}
