//! How much one may send.

use hansom_api::auth::{Expected, Gate, Keys, Limits, Rate, Role};
use serde_json::{Value, json};

use crate::served::{Served, order};
use crate::tokens::{bearer, secret};

#[test]
fn who_sends_too_much_is_told_when_to_go_on_and_holds_up_nobody_else() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = Keys::open(Some(&secret()), None, Expected::default()).expect("a secret");
    let limits = Limits::new(Rate { per_s: 1, burst: 5 }, Rate::SERVICES);
    let town = Served::behind(Gate::of(keys, limits), data.path());
    let lines: Vec<String> = (0..1000).map(|n| order(n, "cancel_ride", &json!({ "ride": 1 }))).collect();
    let rob = bearer("rob", &[Role::Rider], &[]);
    let reply = town.request("POST", "/v1/commands", &[("authorization", &rob)], &lines.join("\n"));
    let answers = reply.json();
    assert_eq!((reply.status, answers.len()), (200, 1000));
    let limited: Vec<&Value> = answers.iter().filter(|answer| answer["error"]["code"] == "rate_limited").collect();
    assert!(answers[..4].iter().all(|answer| answer["error"]["code"] == "unknown_ride"), "{answers:?}");
    assert!(limited.len() > 900, "{} of 1000", limited.len());
    for answer in limited {
        let error = &answer["error"];
        assert_eq!(error["retryable"], true);
        assert!((1..=1000).contains(&error["retry_after_ms"].as_u64().expect("it says when")), "{answer}");
    }
    // A line that cannot be read is a line too.
    let reply = (0..100)
        .map(|_| town.request("POST", "/v1/commands", &[("authorization", &rob)], "no JSON\nno JSON"))
        .find(|reply| reply.status == 429)
        .expect("a hundred are too many");
    let error = &reply.json()[0]["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("rate_limited"), &json!(true)));
    assert_eq!(reply.header("retry-after"), "1");
    assert!((1..=1000).contains(&error["retry_after_ms"].as_u64().expect("it says when")), "{error}");

    let rex = bearer("rex", &[Role::Rider], &[]);
    assert_eq!(town.request("POST", "/v1/commands", &[("authorization", &rex)], &lines[0]).status, 200);
    let staff = bearer("rob", &[Role::Service], &[]);
    let reply = town.request("POST", "/v1/commands", &[("authorization", &staff)], &lines.join("\n"));
    assert!(reply.json().iter().all(|answer| answer["error"]["code"] != "rate_limited"));
}

#[test]
fn of_a_bundle_the_first_positions_are_received_as_far_as_their_sender_may() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = Keys::open(Some(&secret()), None, Expected::default()).expect("a secret");
    // The request itself counts, too.
    let limits = Limits::new(Rate { per_s: 1, burst: 5 }, Rate::SERVICES);
    let town = Served::behind(Gate::of(keys, limits), data.path());
    let positions: Vec<Value> = ["ann", "bob", "", "ann", "ann", "ann", "bob", "ann", ""]
        .iter()
        .zip(1..)
        .map(|(driver, seq)| json!({ "driver": driver, "seq": seq, "place": { "lat": 40.75, "lon": -74.0 } }))
        .collect();
    let query =
        "mutation($key: Key!, $positions: [PositionInput!]!) { reportPositions(key: $key, positions: $positions) {
        ... on PositionsReceived { received failures { index failure { __typename } } } } }";
    let variables = json!({ "key": "01890a5d-ac96-774b-bcce-b302099a8057", "positions": positions });
    let body = json!({ "query": query, "variables": variables }).to_string();
    let ann = bearer("ann", &[Role::Driver], &[]);
    let headers = [("authorization", &*ann), ("content-type", "application/json")];
    let reply = town.request("POST", "/graphql", &headers, &body);
    let answer: Value = serde_json::from_str(&reply.text).expect("JSON");
    let answer = &answer["data"]["reportPositions"];
    let failed: Vec<_> = answer["failures"].as_array().expect("a list").iter().collect();
    let failed: Vec<_> = failed.iter().map(|it| (it["index"].as_u64(), it["failure"]["__typename"].as_str())).collect();
    // Nobody is on shift.
    let wanted = [
        (0, "RefusedByRule"),
        (1, "NotAllowed"),
        (2, "InvalidInput"),
        (3, "RefusedByRule"),
        (4, "RefusedByRule"),
        (5, "RateLimited"),
        (6, "NotAllowed"),
        (7, "RateLimited"),
        (8, "RateLimited"),
    ];
    assert_eq!(failed, wanted.map(|(index, kind)| (Some(index), Some(kind))), "{answer}");
    assert_eq!(answer["received"], 0);
}
