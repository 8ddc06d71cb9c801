//! What is read past the library, held against the library.

use std::fmt::Write as _;
use std::sync::Mutex;

use actix_web::rt::System;
use async_graphql::extensions::apollo_persisted_queries::{ApolloPersistedQueries, LruCacheStorage};
use async_graphql::{EmptyMutation, EmptySubscription, Object, PathSegment, Schema};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

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
    Schema::build(Echo, EmptyMutation, EmptySubscription).extension(persisted).extension(Reported).finish()
}

const PLAIN: &str = "query($p: [PositionInput!]!) { reportPositions(positions: $p) }";

/// How a body is read.
type Read = fn(&Bytes) -> serde_json::Result<Request>;

/// What is answered to a body, read as a whole by `read`.
fn answer(body: &str, read: Read) -> String {
    answer_of(&schema(), body, read)
}

fn answer_of(schema: &Schema<Echo, EmptyMutation, EmptySubscription>, body: &str, read: Read) -> String {
    let body = Bytes::from(body.to_owned());
    match read(&body) {
        Ok(operation) => {
            let response = System::new().block_on(schema.execute(operation));
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

const POSITION: &str = r#"{"driver":"ann","seq":1,"place":{"lat":1,"lon":2}}"#;

/// What comes to the end of the way of an operation before it is validated.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

impl ExtensionFactory for Seen {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Extension for Seen {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.0.lock().expect("nothing panicked").push(request.variables["positions"].clone());
        next.run(ctx, request).await
    }
}

/// What says that a query is meant by its hash.
fn by_hash(query: &str) -> Json {
    let hash = ring::digest::digest(&ring::digest::SHA256, query.as_bytes());
    let mut hex = String::new();
    hash.as_ref().iter().for_each(|byte| write!(hex, "{byte:02x}").expect("memory takes it"));
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hex } })
}

#[test]
fn what_an_app_sends_is_read_at_once_by_its_text_and_by_its_hash() {
    let query = include_str!("../../../operations/report-positions.graphql");
    let key = "019f0000-0000-7000-8000-000000000001";
    let position: Json = serde_json::from_str(POSITION).expect("JSON");
    let variables = json!({ "key": key, "positions": [position.clone(), position] });
    let sent = [
        json!({ "query": query, "variables": variables }),
        json!({ "query": query, "variables": variables, "extensions": by_hash(query) }),
        json!({ "variables": variables, "extensions": by_hash(query) }),
    ];
    let seen = Seen::default();
    let schema = super::super::builder().extension(seen.clone()).finish();
    for body in &sent {
        let operation = operation(&body.to_string().into()).expect("it is an operation");
        let response = System::new().block_on(schema.execute(operation));
        // There is no market here; but it was valid, and begun.
        assert_eq!(response.errors.len(), 1, "{response:?}");
        assert_eq!(response.errors[0].path, [PathSegment::Field(REPORT.to_owned())], "{response:?}");
    }
    let name = Value::Binary(Bytes::from_static(b"positions"));
    assert_eq!(std::mem::take(&mut *seen.0.lock().expect("nothing panicked")), [name.clone(), name.clone(), name]);
    // What is none of its positions is a value, whichever way the operation is known.
    let elsewhere = "query($positions: [PositionInput!]!) { ride(id: $positions) { __typename } }";
    for query in [elsewhere, ""] {
        let body = json!({ "query": query, "variables": variables, "extensions": by_hash(elsewhere) });
        let operation = operation(&body.to_string().into()).expect("it is an operation");
        assert!(System::new().block_on(schema.execute(operation)).is_err());
    }
    let given_back = seen.0.lock().expect("nothing panicked");
    assert!(matches!(given_back[..], [Value::List(_), Value::List(_)]), "{given_back:?}");
}

#[test]
fn a_query_that_is_known_by_its_hash_is_answered_as_by_the_library() {
    let list = format!("[{POSITION}]");
    for query in QUERIES {
        let extensions = by_hash(query);
        let stored = format!(r#"{{"query":"{query}","variables":{{"p":{list}}},"extensions":{extensions}}}"#);
        let known = format!(r#"{{"query":"","variables":{{"p":{list}}},"extensions":{extensions}}}"#);
        let answers = [operation as Read, by_library].map(|read| {
            let schema = schema();
            [&stored, &known].map(|body| answer_of(&schema, body, read))
        });
        assert_eq!(answers[0], answers[1], "{query}");
        if *query == PLAIN {
            assert!(answers[0].iter().all(|told| told.contains(r#"driver: \"ann\""#)), "{answers:?}");
        }
    }
}

#[test]
fn a_handful_of_lists_is_read_at_once_and_more_go_the_librarys_way() {
    let read = |count: usize, list: &str| {
        let each = |one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(",");
        let declared = each(&|n| format!("$p{n}: [PositionInput!]!"));
        let fields = each(&|n| format!("a{n}: reportPositions(positions: $p{n})"));
        let variables = each(&|n| format!(r#""p{n}":{list}"#));
        let body = format!(r#"{{"query":"query({declared}) {{ {fields} }}","variables":{{{variables}}}}}"#);
        assert_eq!(answer(&body, operation), answer(&body, by_library));
        let operation = operation(&body.into()).expect("it is an operation");
        operation.variables.values().filter(|value| matches!(value, Value::Binary(_))).count()
    };
    let list = format!("[{POSITION}]");
    assert_eq!([1, MOST_LISTS, MOST_LISTS + 1, 40].map(|count| read(count, &list)), [1, MOST_LISTS, 0, 0]);
    assert_eq!(read(1, "[]"), 0, "an empty list is none of positions");
}

/// Each variable is parsed by itself, and of one name the last: as the decision record says.
#[test]
fn two_bodies_are_taken_that_the_library_refuses() {
    let deep = |levels: usize| format!(r#"{{"variables":{{"a":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    let taken = |body: String| [operation as Read, by_library].map(|read| read(&body.clone().into()).is_ok());
    assert_eq!(taken(r#"{"variables":{"a":"\ud800","a":1}}"#.to_owned()), [true, false]);
    assert_eq!(
        [125, 126, 127, 128].map(|levels| taken(deep(levels))),
        [[true; 2], [true, false], [true, false], [false; 2]]
    );
}

#[test]
fn every_place_where_a_variable_stands_is_found() {
    let document = async_graphql::parser::parse_query(
        "query($p: [PositionInput!]! @at(x: $a), $pb: Key!) @at(x: $c) {
            reportPositions(key: $pb, positions: $p) @at(x: $d)
            ... @include(if: $e) { x: places(places: [{ lat: $f }]) { reportPositions(positions: [$g]) } }
            ...F @skip(if: $h)
        }
        fragment F on Echo @at(x: [[$i]]) { y: reportPositions(other: $j, positions: $p) ... on Echo { z(positions: $k) } }",
    );
    let document = document.expect("a document");
    assert_eq!(Vec::from_iter(elsewhere(&document)), ["a", "c", "d", "e", "f", "g", "h", "i", "j", "k", "pb"]);
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
