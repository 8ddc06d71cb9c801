//! Listening: nothing is missed, or it is said what.

use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::CloseCode;

use super::client::operation;
use super::{kind, ride, shift};
use crate::served::{Served, spec, start_shift, uuid};

#[test]
fn a_listener_comes_back_to_where_it_was() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let listen = |town: &Served, variables: Value, count: usize| -> Vec<Value> {
        let mut socket = town.socket();
        socket.subscribe("e", operation!("events"), &variables);
        (0..count).map(|_| socket.event("e")).collect()
    };
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    for n in 2..5 {
        town.give(operation!("request-ride"), &uuid(n), &ride("rob", (3, 3), (9, 9)));
    }
    let all = listen(&town, json!({ "from": "0" }), 5);
    // The offer was told in the same turn as the request.
    assert_eq!([kind(&all[1]), kind(&all[2])], ["RideRequested", "OfferMade"]);
    for had in 0..4 {
        let rest = listen(&town, json!({ "after": all[had]["id"] }), 4 - had);
        assert_eq!(rest, all[had + 1..], "after {}", all[had]["id"]);
    }
    town.stop();
    let town = Served::town(data.path());
    assert_eq!(listen(&town, json!({ "after": all[1]["id"] }), 3), all[2..], "the log has it");
}

/// Nothing comes of a ride that is over, or that nobody asked for: who would listen to it is let go.
#[test]
fn nobody_listens_to_a_ride_that_is_over() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("request-ride"), &uuid(1), &ride("rob", (3, 3), (9, 9)));
    let mut live = town.socket();
    live.subscribe("live", operation!("follow-ride"), &json!({ "ride": "1" }));
    live.say(&json!({ "type": "ping" }));
    assert_eq!(live.hear()["type"], "pong", "it may take a moment until it listens, but not for ever");
    let follow = |variables: Value| -> (Vec<String>, Value) {
        let mut socket = town.socket();
        socket.subscribe("f", operation!("follow-ride"), &variables);
        let mut heard = Vec::new();
        loop {
            let message = socket.hear();
            if message["type"] != "next" {
                return (heard, message);
            }
            heard.push(kind(&message["payload"]["data"]["ride"]).to_owned());
        }
    };
    assert_eq!(follow(json!({ "ride": "77" })).1["payload"][0]["extensions"]["code"], "UNKNOWN_RIDE");
    let ended = town.give(operation!("cancel-ride"), &uuid(2), &json!({ "ride": "1" }))["offset"].clone();
    assert_eq!(live.until("live", "RideEnded").len(), 1);
    assert_eq!(live.hear(), json!({ "id": "live", "type": "complete" }));

    let over = json!({ "id": "f", "type": "complete" });
    let after = ended.as_str().and_then(|ended| ended.parse::<u64>().ok()).expect("an offset") + 1;
    for place in [json!({ "ride": "1" }), json!({ "ride": "1", "from": after.to_string() })] {
        assert_eq!(follow(place), (vec![], over.clone()));
    }
    for from in [json!("0"), ended] {
        let (heard, end) = follow(json!({ "ride": "1", "from": from }));
        assert_eq!((heard.last().map(String::as_str), end), (Some("RideEnded"), over.clone()));
    }
}

#[test]
fn who_listens_to_one_driver_hears_of_that_driver_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut ann = town.socket();
    ann.subscribe("a", operation!("offers"), &json!({ "driver": "ann", "from": "0" }));
    // Of now: what comes next is the first that it hears.
    let mut bob = town.socket();
    bob.subscribe("b", operation!("offers"), &json!({ "driver": "bob" }));
    bob.say(&json!({ "type": "ping" }));
    assert_eq!(bob.hear()["type"], "pong");
    for (n, driver, at) in [(1, "ann", 3), (2, "bob", 15)] {
        town.give(operation!("start-shift"), &uuid(n), &shift(driver, at, at));
    }
    for (n, at) in [(3, 15), (4, 3)] {
        town.give(operation!("request-ride"), &uuid(n), &ride("rob", (at, at), (9, 9)));
    }
    let heard = |socket: &mut super::client::Socket, id: &str| {
        socket.until(id, "OfferMade").into_iter().map(|event| event["__typename"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(heard(&mut ann, "a"), ["ShiftStarted", "OfferMade"]);
    assert_eq!(heard(&mut bob, "b"), ["ShiftStarted", "OfferMade"]);
}

#[test]
fn a_slow_listener_is_told_of_its_gap_and_gets_what_lies_in_it() {
    let data = tempfile::tempdir().expect("a folder");
    let mut spec = spec("town", data.path(), 1024);
    spec.keep_told_bytes = 64 << 10;
    let town = Served::start(vec![spec]);
    // Each event is some hundred times as long as it need be, so that what lies between server and client is soon full.
    let long: Vec<String> = (0..100).map(|n| format!("the_market_that_this_was_told_by_{n}: market ")).collect();
    let long = long.concat();
    let query = format!("subscription {{ events(from: 0) {{ __typename id offset {long} ... on Gap {{ until }} }} }}");
    let mut slow = town.socket();
    slow.subscribe("e", &query, &json!({}));
    // It has caught up: whoever has not is given all of the log, and no gap.
    town.give(operation!("start-shift"), &uuid(1 << 30), &shift("ann", 3, 3));
    assert_eq!(kind(&slow.event("e")), "ShiftStarted");
    slow.say(&json!({ "type": "ping" }));
    assert_eq!(slow.hear()["type"], "pong");
    let drivers = 8_000;
    for from in (0..drivers).step_by(1000) {
        let shifts: Vec<String> =
            (from..from + 1000).map(|n| start_shift(n, &format!("d{n}"), n as u32 % 21, n as u32 / 21 % 21)).collect();
        assert_eq!(town.lines("/v1/commands", &shifts).len(), 1000);
    }
    let before = slow.until("e", "Gap");
    let gap = before.last().expect("a gap");
    let offset = |of: &Value| of.as_str().and_then(|text| text.parse::<u64>().ok()).expect("an offset");
    let (first, until) = (offset(&gap["offset"]), offset(&gap["until"]));
    assert!(first < until, "{gap}");
    let known: Vec<u64> = before[..before.len() - 1].iter().map(|event| offset(&event["offset"])).collect();
    assert!(known.iter().all(|known| *known < first));
    assert!(offset(&slow.event("e")["offset"]) >= until, "it goes on after the gap");

    let mut again = town.socket();
    let short = "subscription($from: Offset) { events(from: $from) { __typename id offset } }";
    again.subscribe("e", short, &json!({ "from": gap["offset"] }));
    let mut missed = known;
    while missed.len() < drivers as usize {
        missed.push(offset(&again.event("e")["offset"]));
    }
    assert!(missed.is_sorted_by(|a, b| a < b), "each once, in order");

    // Whoever loses the connection right after it comes back for what was missed.
    let mut back = town.socket();
    let short = "subscription($after: ID) { events(after: $after) { id offset } }";
    back.subscribe("e", short, &json!({ "after": gap["id"] }));
    assert_eq!(back.event("e")["offset"], gap["offset"]);
}

#[test]
fn sockets_are_let_go_when_the_server_stops() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut idle = town.socket();
    let mut listening = town.socket();
    listening.subscribe("e", operation!("events"), &json!({ "from": "0" }));
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    assert_eq!(kind(&listening.event("e")), "ShiftStarted");
    town.stop();
    // Not told that what they listened to is complete: they come back.
    assert_eq!((idle.closed(), listening.closed()), (CloseCode::Away, CloseCode::Away));
}

#[test]
fn a_socket_answers_queries_and_orders_too() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut socket = town.socket();
    socket.subscribe("q", operation!("markets"), &json!({}));
    assert_eq!(socket.hear()["payload"]["data"]["markets"][0]["name"], "town");
    assert_eq!(socket.hear(), json!({ "id": "q", "type": "complete" }));
    let variables = json!({ "key": uuid(1), "input": shift("ann", 3, 3) });
    socket.subscribe("q", operation!("start-shift"), &variables);
    assert_eq!(kind(&socket.event("q")), "SessionTaken");
    assert_eq!(socket.hear(), json!({ "id": "q", "type": "complete" }));
    // One that its client ends says nothing more, and its id is free.
    socket.subscribe("e", operation!("events"), &json!({}));
    socket.say(&json!({ "id": "e", "type": "complete" }));
    socket.subscribe("e", operation!("events"), &json!({ "from": "0" }));
    assert_eq!(kind(&socket.event("e")), "ShiftStarted");
}
