//! What is read past the library, held against the library.

use actix_web::rt::System;
use async_graphql::extensions::apollo_persisted_queries::{ApolloPersistedQueries, LruCacheStorage};
use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use proptest::prelude::*;

use super::super::input::PlaceInput;
use super::*;

/// Says what it is given.
struct Echo;

#[Object]
impl Echo {
    async fn report_positions(&self, ctx: &Context<'_>, positions: Positions) -> Result<String> {
        Ok(format!("{:?}", positions.of(ctx)?))
    }

    async fn places(&self, places: Option<Vec<PlaceInput>>) -> String {
        format!("{places:?}")
    }
}

fn schema() -> Schema<Echo, EmptyMutation, EmptySubscription> {
    let persisted = ApolloPersistedQueries::new(LruCacheStorage::new(8));
    Schema::build(Echo, EmptyMutation, EmptySubscription).extension(Reported(persisted)).finish()
}

const PLAIN: &str = "query($p: [PositionInput!]!) { reportPositions(positions: $p) }";

/// What is answered to a body, read as a whole by `read`.
fn answer(body: &str, read: impl Fn(&Bytes) -> serde_json::Result<Request>) -> String {
    let body = Bytes::from(body.to_owned());
    match read(&body) {
        Ok(operation) => {
            let response = System::new().block_on(schema().execute(operation));
            let mut response = serde_json::to_value(&response).expect("a response is JSON");
            // Of several operations the library finds faults in any order.
            if let Some(errors) = response["errors"].as_array_mut() {
                errors.sort_by_key(ToString::to_string);
            }
            response.to_string()
        }
        Err(cause) => cause.to_string(),
    }
}

fn by_library(body: &Bytes) -> serde_json::Result<Request> {
    serde_json::from_slice(body)
}

fn body(query: &str, list: &str) -> String {
    format!(r#"{{"query":"{query}","operationName":null,"variables":{{"q":1,"p":{list}}}}}"#)
}

#[test]
fn a_list_of_positions_is_read_at_once() {
    let list = r#"[{"driver":"d\u00e9","seq":7,"place":{"lat":1,"lon":-2.5}},
        {"place":{"lon":0,"lat":-0.0},"session":null,"seq":1,"driver":"","measured":"2026-03-05T17:00:00Z"}]"#;
    let sent = Bytes::from(body(PLAIN, list));
    let operation = operation(&sent).expect("it is an operation");
    assert!(matches!(operation.variables["p"], Value::Binary(_)));
    assert_eq!(operation.variables["q"], Value::from(1));
    let told = answer(&body(PLAIN, list), super::operation);
    assert!(told.contains("dé") && told.contains("-2.5"), "{told}");
    assert_eq!(told, answer(&body(PLAIN, list), by_library));
}

#[test]
fn a_list_in_the_operation_itself_is_one_too() {
    let query = "{ reportPositions(positions: [{ driver: \\\"d\\\", seq: 1, place: { lat: 1, lon: 2 } }]) }";
    let told = answer(&body(query, "[]"), operation);
    assert!(told.contains(r#"driver: \"d\""#), "{told}");
}

/// A value out of these, as it stands in a text; an empty one is left out.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(texts).prop_map(str::to_owned)
}

/// Right five times in six.
fn mostly(right: impl Strategy<Value = String>, wrong: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![5 => right, 1 => one_of(wrong)]
}

fn place() -> impl Strategy<Value = String> {
    let degrees =
        || mostly("-?[0-9]{1,3}(\\.[0-9]{1,16})?(e[0-9])?", &["", "null", "\"1\"", "1e999", "true", "01", "-0"]);
    let more = mostly(Just(String::new()), &[r#","lat":1"#, r#","alt":1"#, ","]);
    let braced = (degrees(), degrees(), more).prop_map(|(lat, lon, more)| {
        let fields: Vec<String> = [("lat", lat), ("lon", lon)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}{more}}}", fields.join(", "))
    });
    mostly(braced, &["[1,2]", "null", "{}", "1"])
}

fn position() -> impl Strategy<Value = String> {
    let driver = mostly(
        "[a-z]{1,8}".prop_map(|name| format!("\"{name}\"")),
        &["", "null", "7", r#""\ud800""#, r#""\u00e4\n""#, "\"\"", "[\"a\"]", "a"],
    );
    let session =
        prop_oneof![Just(String::new()), mostly("[0-9]{1,3}", &["null", "1.0", "\"1\"", "-1", "9223372036854775808"])];
    let seq = mostly("[0-9]{1,9}", &["", "null", "1e3", "2.5", "9223372036854775808", "-9223372036854775808"]);
    let measured = prop_oneof![
        Just(String::new()),
        one_of(&["null", "\"2026-03-05T17:00:00Z\"", "\"2026-03-05T17:00:00.1234+01:00\"", "\"now\"", "1"])
    ];
    let more = mostly(Just(String::new()), &[r#","seq":2"#, r#","speed":1"#, r#","driver":null"#, ","]);
    let braced =
        (driver, session, seq, place(), measured, more).prop_map(|(driver, session, seq, place, measured, more)| {
            let fields =
                [("driver", driver), ("session", session), ("seq", seq), ("place", place), ("measured", measured)];
            let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
            let fields: Vec<String> = fields.map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}{more}}}", fields.join(","))
        });
    prop_oneof![12 => braced, 1 => one_of(&["null", r#"["d",1,1,{"lat":1,"lon":2},null]"#, "{}", "[]", "1", "{\"lat\":1,\"lon\":2}"])]
}

fn list() -> impl Strategy<Value = String> {
    let items = proptest::collection::vec(position(), 0..3).prop_map(|items| format!("[{}]", items.join(" ,\n")));
    prop_oneof![12 => items, 1 => position(), 1 => place().prop_map(|place| format!("[{place}]")), 1 => Just("null".to_owned())]
}

const QUERIES: &[&str] = &[
    PLAIN,
    PLAIN,
    "query($p: [PositionInput!]) { reportPositions(positions: $p) }",
    "query($p: [PositionInput]!) { reportPositions(positions: $p) }",
    "query($p: PositionInput!) { reportPositions(positions: $p) }",
    "query($p: [[PositionInput!]!]!) { reportPositions(positions: $p) }",
    "query($p: [PositionInput!]!) { a: reportPositions(positions: $p) b: reportPositions(positions: $p) }",
    "query($p: PositionInput!) { reportPositions(positions: [$p, $p]) }",
    "query($p: [PositionInput!]!) { reportPositions(positions: $p) places(places: $p) }",
    "query($p: [PositionInput!] = []) { reportPositions(positions: $p) }",
    "query($p: [PlaceInput!]) { places(places: $p) }",
    "query($p: [PositionInput!]! = []) { reportPositions(positions: $p) places(places: $p) }",
    "query($p: [PlaceInput!]!) { reportPositions(positions: $p) }",
    "query($p: [PositionInput!]!) { ...F } fragment F on Echo { reportPositions(positions: $p) }",
    "query($p: [PositionInput!]!) { ... on Echo { a: reportPositions(positions: $p) } ...F } fragment F on Echo { places(places: $p) }",
    "query($p: [PositionInput!]!) { reportPositions(positions: $p) @skip(if: $p) }",
    "query($p: [PositionInput!]!) { reportPositions(positions: $p) places(places: $p, positions: $p) }",
    "query($p: [String!]) { places(places: []) }",
    "query($q: Int) { reportPositions(positions: $p) }",
    "query A($p: [PlaceInput!]) { places(places: $p) } query B($p: [PositionInput!]!) { reportPositions(positions: $p) }",
    "query($p: [PositionInput!]!) { reportPositions(positions: $p }",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Whatever is sent: what is answered is what the library alone would have answered, to the letter.
    #[test]
    fn nothing_is_answered_otherwise_than_by_the_library(query in one_of(QUERIES), list in list()) {
        let body = body(&query, &list);
        prop_assert_eq!(answer(&body, operation), answer(&body, by_library));
    }
}
