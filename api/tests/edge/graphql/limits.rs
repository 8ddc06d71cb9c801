//! What is not answered: too deep, too much, too long, malformed, from a foreign page.

use serde_json::{Value, json};
use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use super::client::operation;
use super::{kind, shift};
use crate::served::{Served, uuid};

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

fn message(answer: &Value) -> &str {
    answer["errors"][0]["message"].as_str().unwrap_or_default()
}

#[test]
fn what_is_too_deep_or_too_much_is_not_begun() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let ask = |query: &str| town.operation(&json!({ "query": query }));
    let inner = format!("{}name{}", "ofType { ".repeat(12), " }".repeat(12));
    let deep = format!("{{ __schema {{ types {{ fields {{ type {{ {inner} }} }} }} }} }}");
    assert!(message(&ask(&deep).1).contains("too deep"), "{}", ask(&deep).1);
    let orders: Vec<String> = (0..60)
        .map(|n| format!("a{n}: cancelRide(key: \"{}\", input: {{ ride: 1 }}) {{ __typename }} ", uuid(n)))
        .collect();
    let orders = orders.concat();
    let (status, answer) = ask(&format!("mutation {{ {orders} }}"));
    assert_eq!((status, message(&answer)), (200, "Query is too complex."), "{answer}");
    let (status, answer) = ask(&format!("{{ markets {{ __typename {} }} }}", " ".repeat(40_000)));
    assert_eq!((status, code(&answer)), (413, "TOO_LONG"), "{answer}");
    let variables = json!({ "query": "{ markets { __typename } }", "variables": { "x": "y".repeat(2 << 20) } });
    assert_eq!(town.operation(&variables).0, 413);
    // An order that was not taken is not known.
    let answer = town.give(operation!("cancel-ride"), &uuid(1), &json!({ "ride": "1" }));
    assert_eq!(kind(&answer), "RefusedByRule");
}

/// `GraphiQL`, code generators and typed clients begin with it; as graphql-js 16.15 asks.
#[test]
fn whoever_asks_for_the_schema_is_told_it() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let schema = town.ask(include_str!("introspection.graphql"), &json!({}))["__schema"].clone();
    let names: Vec<&str> = ["queryType", "mutationType", "subscriptionType"]
        .map(|root| schema[root]["name"].as_str().unwrap_or_default())
        .to_vec();
    assert_eq!(names, ["Query", "Mutation", "Subscription"]);
    assert!(schema["types"].as_array().is_some_and(|types| types.len() > 100));
}

/// A program can tell what was wrong with what it sent from what is wrong with the server.
#[test]
fn every_error_has_a_code() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let place = "{ lat: 91, lon: 0 }";
    let window = |from: &str, until: &str| format!("{{ kpis(from: \"{from}\", until: \"{until}\") {{ __typename }} }}");
    let cases = [
        ("{".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("query($x: Nothing) { markets { __typename } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ ride(id: 1, minOffset: \"-1\") { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ ride { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ ride(id: \"abc\") { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ ride(id: 1, request: \"nope\") { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ whyMatched(ride: \"abc\") { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ rides(first: -1) { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ rides(first: 1, last: 1) { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ rides(after: \"x\") { __typename } }".to_owned(), "BAD_USER_INPUT"),
        ("{ market(atOffset: 1, minOffset: 1) { __typename } }".to_owned(), "BAD_USER_INPUT"),
        (format!("{{ driversNearby(place: {place}) {{ __typename }} }}"), "BAD_USER_INPUT"),
        (format!("{{ quote(pickup: {place}, dropoff: {place}, seats: 256) {{ __typename }} }}"), "BAD_USER_INPUT"),
        (window("2026-03-06T00:00:00Z", "2026-03-05T00:00:00Z"), "BAD_USER_INPUT"),
        (window("today", "2026-03-05T00:00:00Z"), "BAD_USER_INPUT"),
    ];
    let mut socket = town.socket();
    for (query, wanted) in &cases {
        let (_, answer) = town.operation(&json!({ "query": query }));
        assert_eq!(code(&answer), *wanted, "{query}: {answer}");
        socket.subscribe("a", query, &json!({}));
        let refused = socket.hear();
        assert_eq!((&refused["type"], &refused["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(wanted)));
    }
    for query in ["subscription { ride(ride: \"x\") { id } }", "subscription { events(after: \"1\") { id } }"] {
        socket.subscribe("a", query, &json!({}));
        assert_eq!(socket.hear()["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{query}");
    }
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": "00" } });
    assert_eq!(code(&town.operation(&json!({ "extensions": extensions })).1), "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn malformed_requests_are_told_so() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    for body in [
        "",
        "no JSON",
        "[]",
        "[{\"query\":\"{markets{__typename}}\"}]",
        "7",
        "{\"query\":7}",
        "\u{0}",
        "{\"query\":\"{a\"}",
    ] {
        let (status, answer) = town.post_as("application/json", "/graphql", body.as_bytes());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(status == 400 || status == 200, "{body}: {status}");
        assert!(!message(&answer).is_empty(), "{body}: {answer}");
    }
    let (status, answer) = town.post_as("text/plain", "/graphql", b"{\"query\":\"{markets{__typename}}\"}");
    assert_eq!((status, answer.contains("CONTENT_TYPE")), (415, true), "a form of a foreign page cannot send JSON");
    assert_eq!(
        town.post_as("application/json; charset=utf-8", "/graphql", b"{\"query\":\"{markets{__typename}}\"}").0,
        200
    );
}

#[test]
fn a_get_reads_and_changes_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let (status, answer) = town.get("/graphql?query=%7Bmarkets%7B...on%20Market%7Bname%7D%7D%7D");
    assert_eq!((status, answer.contains("\"town\"")), (200, true), "{answer}");
    let order = "mutation%7BcancelRide(key:%22x%22,input:%7Bride:1%7D)%7B__typename%7D%7D";
    let (_, answer) = town.get(&format!("/graphql?query={order}"));
    assert!(answer.contains("METHOD") && answer.contains("\"data\":null"), "{answer}");
}

#[test]
fn a_query_that_was_sent_once_is_known_by_its_hash() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let query = "{ markets { ... on Market { name } } }";
    let wrong = "00";
    let extensions = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let (_, answer) = town.operation(&json!({ "extensions": extensions(wrong) }));
    assert_eq!(message(&answer), "PersistedQueryNotFound");
    let (_, answer) = town.operation(&json!({ "query": query, "extensions": extensions(wrong) }));
    assert_eq!(message(&answer), "provided sha does not match query");
    let (_, answer) = town.operation(&json!({ "query": query, "extensions": extensions(HASH) }));
    assert_eq!(answer["data"]["markets"][0]["name"], "town");
    assert_eq!(town.operation(&json!({ "extensions": extensions(HASH) })).1, answer);
}

/// SHA-256 of `{ markets { ... on Market { name } } }`.
const HASH: &str = "e394dc11135a33e65b96126f9d4bd48f33f48d29c3562cf71b068d07f4ce5a9a";

#[test]
fn a_socket_that_breaks_the_protocol_is_closed_with_its_reason() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let subscribe = json!({ "id": "a", "type": "subscribe", "payload": { "query": operation!("events") } });
    let init = json!({ "type": "connection_init" });
    let cases: [(&[&Value], u16); 5] = [
        (&[&subscribe], 4401),
        (&[&init, &init], 4429),
        (&[&init, &subscribe, &subscribe], 4409),
        (&[&init, &json!({ "type": "nothing" })], 4400),
        (&[&json!(7)], 4400),
    ];
    for (messages, code) in cases {
        let mut socket = town.strange_socket();
        for message in messages {
            socket.say(message);
        }
        assert_eq!(socket.closed(), CloseCode::from(code), "{messages:?}");
    }
    let mut socket = town.socket();
    socket.send(Message::binary(vec![1]));
    assert_eq!(socket.closed(), CloseCode::from(4400));
    let mut socket = town.socket();
    socket.subscribe("a", "subscription { nothing }", &json!({}));
    let refused = socket.hear();
    assert_eq!((&refused["id"], &refused["type"]), (&json!("a"), &json!("error")), "{refused}");
    socket.subscribe("a", &format!("subscription {{ events {{ id {} }} }}", " ".repeat(40_000)), &json!({}));
    assert_eq!(socket.hear()["payload"][0]["extensions"]["code"], "TOO_LONG");
}

#[test]
fn a_socket_that_does_not_say_whose_it_is_is_not_kept() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let (mut introduced, mut strange) = (town.socket(), town.strange_socket());
    assert_eq!(strange.closed(), CloseCode::from(4408));
    introduced.say(&json!({ "type": "ping" }));
    assert_eq!(introduced.hear()["type"], "pong");
}

#[test]
fn a_socket_has_so_many_operations_and_no_more() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut socket = town.socket();
    for n in 0..=256 {
        socket.subscribe(&n.to_string(), operation!("events"), &json!({}));
    }
    let refused = socket.hear();
    assert_eq!(refused["id"], "256", "{refused}");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    let mut told: Vec<_> = (0..256).map(|_| socket.hear()["id"].as_str().expect("an id").to_owned()).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 256, "each hears of it once");
}

#[test]
fn pages_from_elsewhere_open_no_socket() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let host = town.address.to_string();
    let cases = [
        (format!("http://{host}"), "graphql-transport-ws", 101),
        ("https://elsewhere.example".to_owned(), "graphql-transport-ws", 403),
        ("null".to_owned(), "graphql-transport-ws", 403),
        (format!("http://{host}"), "graphql-ws", 400),
    ];
    for (origin, protocol, status) in cases {
        let head = format!(
            "GET /graphql HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        let answer = town.first_line(&head);
        assert!(answer.contains(&format!(" {status} ")), "{origin} {protocol}: {answer}");
    }
}

#[test]
fn the_page_is_served_with_all_that_it_loads() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let (status, page) = town.get("/graphiql");
    assert_eq!((status, page.contains("://")), (200, false), "it loads nothing from elsewhere: {page}");
    let files: Vec<&str> = page.split("\"graphiql/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(files.len(), 7, "{files:?}");
    for file in files {
        let (status, text) = town.get(&format!("/graphiql/{file}"));
        assert_eq!((status, text.is_empty()), (200, false), "{file}");
    }
    assert_eq!(town.get("/graphiql/nothing.js").0, 404);
}
