//! Operations of GraphQL, as they come in a body or over a socket.
//!
//! What is looked at before the library begins an operation, and what the library makes of it, is run as the server runs it: as
//! extensions of a schema, in their order.

use super::{Target, as_it_is, at_once};
use actix_web::web::Bytes;
use async_graphql::{Any, Context, EmptyMutation, EmptySubscription, Object, Request, Response, Result, Schema};
use futures_util::StreamExt;
use hansom_api::graphql::lists::{Positions, Reported, operation};
use hansom_api::graphql::nesting::Nesting;
use hansom_api::graphql::unfolded::Unfolded;
use hansom_api::graphql::{self, Said};

/// Some of `api/operations`, with their variables.
macro_rules! operations {
    ($($name:literal)*) => { [$((
        include_str!(concat!("../../../api/operations/", $name, ".graphql")),
        include_str!(concat!("../../../api/operations/", $name, ".json")),
    ),)*] };
}

const OPERATIONS: [(&str, &str); 12] = operations! {
    "drivers-nearby" "events" "kpis" "market-at" "offers" "quarantine"
    "quote" "report-positions" "request-ride" "rides" "start-shift" "why-matched"
};

/// What a client asks of the schema itself, with fragments that are spread in each other.
const KNOWN: (&str, &str) = (
    "query($n: String!) { __type(name: $n) { ...t fields { args { name type { ...t } } type { ...t } } } }
    fragment t on __Type { kind name ...u } fragment u on __Type { ofType { name ... on __Type { kind } } }",
    r#"{"n":"Ride"}"#,
);

/// Said of the schema of [`Echo`], with variables.
const ECHOED: [(&str, &str); 5] = [
    (
        "query($p: [PositionInput!]!, $q: _Any) { reportPositions(positions: $p) say(value: $q) }",
        r#"{"q":[{"a":1}],"p":[{"driver":"d\u00e9","seq":7,"place":{"lat":1,"lon":-2.5}},
            {"place":{"lon":0,"lat":-0.0},"session":null,"seq":1,"driver":"","measured":"2026-03-05T17:00:00Z"}]}"#,
    ),
    (
        "query($p: _Any) { a: say(value: $p) b: say(value: [$p, {c: $p}]) }",
        r#"{"p":[{"driver":"d","seq":7,"place":{"lat":1,"lon":2e0}}]}"#,
    ),
    ("{ reportPositions(positions: [{ driver: \"d\", seq: 1, place: { lat: 1, lon: 2 } }]) }", "{}"),
    (
        "query($p: [PositionInput!]!, $x: _Any) { ...f } fragment f on Echo { reportPositions(positions: $p) ...g }
        fragment g on Echo { __typename @skip(if: true) ... on Echo { a: say(value: $x) say(value: \"\"\"[[\"\"\") } } # [[",
        r#"{"x":true,"p":[{"driver":"d","seq":7,"place":{"lat":1,"lon":2e0}}]}"#,
    ),
    ("{ __schema { types { name fields { name type { ofType { name } } } } } }", "null"),
];

const WORDS: &[&str] = &[
    "\\\"",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "!",
    "...",
    "... on ",
    "@skip(if: $x)",
    "$p",
    "\\n",
    "#",
    "\\\"\\\"\\\"",
    "\\\\\\\"\\\"\\\"",
    "...t ...t",
    "_Any",
    "fragment f on Echo { ...g ...g } ",
    "query",
    "mutation",
    "subscription",
    "reportPositions",
    "positions",
    "__typename",
    "null",
    "-0",
    "1e400",
    "18446744073709551616",
    "[{\"driver\":\"d\",\"seq\":1,\"place\":{\"lat\":1,\"lon\":2}}]",
    "\"variables\":",
    "\"operationName\":",
    "\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"\"}}",
];

fn body((query, variables): (&str, &str)) -> Vec<u8> {
    let query = serde_json::Value::from(query);
    format!(r#"{{"query":{query},"variables":{variables}}}"#).into_bytes()
}

fn operations() -> Vec<Vec<u8>> {
    OPERATIONS.into_iter().chain([KNOWN]).map(body).collect()
}

/// Whether the schema takes the operation. What could only be told by a market, which there is none here, is another question.
fn ours(schema: &graphql::Schema, body: &[u8]) -> bool {
    let Ok(operation) = operation(&Bytes::copy_from_slice(body)) else { return false };
    let mut responses = schema.execute_stream(operation);
    let first = at_once(responses.next());
    first.is_some_and(|response| response.errors.iter().all(|error| !error.path.is_empty()))
}

/// Says what it is given.
struct Echo;

#[Object]
#[expect(clippy::unused_async, reason = "as the library wants it")]
impl Echo {
    async fn report_positions(&self, ctx: &Context<'_>, positions: Positions) -> Result<String> {
        Ok(format!("{:?}", positions.of(ctx)?))
    }

    async fn say(&self, value: Option<Any>) -> String {
        format!("{value:?}")
    }
}

/// What the library says of a field of an input.
const UNKNOWN: &str = ", unknown field";

type Echoing = Schema<Echo, EmptyMutation, EmptySubscription>;

/// What is said to an operation.
fn told(schema: &Echoing, operation: Request) -> (bool, String) {
    let mut response: Response = at_once(schema.execute(operation));
    for error in &mut response.errors {
        // Which of several it finds first is not said.
        error.message.truncate(error.message.find(UNKNOWN).unwrap_or(error.message.len()));
    }
    // Nor in which order it looks at several operations.
    response.errors.sort_by_key(|error| (error.locations.clone(), error.message.clone()));
    (response.is_ok(), serde_json::to_string(&response).expect("a response is JSON"))
}

/// What is read past the library is what the library would have read.
fn positions(schema: &Echoing, body: &[u8]) -> bool {
    let by_library = serde_json::from_slice::<Request>(body).map_err(|cause| cause.to_string());
    let read = operation(&Bytes::copy_from_slice(body)).map_err(|cause| cause.to_string());
    match (read, by_library) {
        (Ok(read), Ok(by_library)) => {
            let (is_ok, told_of_it) = told(schema, read);
            assert_eq!(told_of_it, told(schema, by_library).1, "it comes to the same");
            is_ok
        }
        (read, by_library) => {
            assert_eq!(read.err(), by_library.err(), "what is refused is refused alike");
            false
        }
    }
}

fn messages() -> Vec<Vec<u8>> {
    let some = [
        r#"{"type":"connection_init","payload":{"Authorization":"Bearer a.b.c"}}"#,
        r#"{"type":"connection_init"}"#,
        r#"{"type":"ping","payload":{}}"#,
        r#"{"type":"pong"}"#,
        r#"{"id":"1","type":"complete"}"#,
    ];
    let subscribe = String::from_utf8(body(ECHOED[0])).expect("text");
    let subscribe = format!(r#"{{"id":"1","type":"subscribe","payload":{subscribe}}}"#);
    some.map(str::to_owned).into_iter().chain([subscribe]).map(String::into_bytes).collect()
}

fn message(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<Said>(text).is_ok())
}

pub fn targets() -> Vec<Target> {
    let schema = graphql::schema(None);
    let echo = Schema::build(Echo, EmptyMutation, EmptySubscription);
    let echo = echo.extension(Nesting).extension(Unfolded).extension(Reported).finish();
    let target = |name, seeds, run| Target { name, seeds, mend: as_it_is, words: WORDS, most_bytes: 8 << 10, run };
    vec![
        target("operation", operations, Box::new(move |bytes: &[u8]| ours(&schema, bytes))),
        target("positions", || ECHOED.map(body).into(), Box::new(move |bytes: &[u8]| positions(&echo, bytes))),
        target("message", messages, Box::new(message)),
    ]
}
