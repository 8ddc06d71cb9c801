//! Numbers as arguments: what none can take is refused by the argument's name, with what it takes.

use serde_json::{Value, json};

use super::client::operation;
use super::{kind, ride, shift};
use crate::served::{Served, uuid};

/// A field with its arguments, the argument that is wrong, and what it takes.
type Case<'a> = (&'a str, &'a str, &'a str);

const PLACE: &str = "{ lat: 40.75, lon: -74 }";
const COUNT: &str = "0 or more, of which a page has 200 at most";
const BYTE: &str = "0 to 255";
const DAY: &str = "from: \"2026-03-05T00:00:00Z\", until: \"2026-03-06T00:00:00Z\"";
const CUT: &str = "a number of seconds that cuts the window, 86400 s, into 1 to 1,000";
const TURN: &str = "expected type \"Offset\": the number of a turn: 0, 1, 2, …";
const WHOLE: &str = "expected type \"Int\": a whole number";
const TIME: &str = "expected type \"Time\": an instant in RFC 3339";
/// More than any type of number has.
const HUGE: &str = "99999999999999999999";

/// The error that a query gets alone; whether it was sent over HTTP or a socket.
fn error(town: &Served, query: &str, variables: &Value) -> Value {
    let (status, answer) = town.operation(&json!({ "query": query, "variables": variables }));
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
    assert_eq!((status, errors.len()), (200, 1), "{query}: {answer}");
    errors[0].clone()
}

fn refused(town: &Served, query: &str, variables: &Value, (_, argument, takes): Case<'_>) {
    let error = error(town, query, variables);
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}: {error}");
    let message = error["message"].as_str().expect("a sentence");
    let named = [format!("`{argument}` is "), format!("argument \"{argument}\", ")];
    assert!(named.iter().any(|name| message.contains(name)), "{query}: {argument} is not in: {message}");
    assert!(message.contains(takes), "{query}: {message}");
}

#[test]
fn a_number_that_an_argument_does_not_take_is_refused_by_the_arguments_name() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let page = |field: &str| {
        ["first", "last"].map(|name| {
            [("-1", COUNT), ("-9223372036854775808", COUNT), (HUGE, WHOLE), ("1.5", WHOLE)]
                .map(|(value, takes)| (field.replace("PAGE", &format!("{name}: {value}")), name.to_owned(), takes))
        })
    };
    let pages = ["rides(PAGE)", "drivers(PAGE)", "quarantine(PAGE)"].into_iter().flat_map(page).flatten();
    let near = |rest: &str| format!("driversNearby(place: {PLACE}, {rest})");
    let quote = |rest: &str| format!("quote(pickup: {PLACE}, dropoff: {PLACE}, {rest})");
    let kpis = |rest: &str| format!("kpis({DAY}, {rest})");
    let single = [
        (near("radiusM: -1"), "radiusM", "0 or more, m"),
        (near(&format!("radiusM: {HUGE}")), "radiusM", WHOLE),
        (near("first: -1"), "first", COUNT),
        ("driversNearby(place: { lat: 90.1, lon: 0 })".to_owned(), "place.lat", "-90 to 90 degrees"),
        ("driversNearby(place: { lat: 0, lon: -180.1 })".to_owned(), "place.lon", "-180 to 180 degrees"),
        (format!("quote(pickup: {PLACE}, dropoff: {{ lat: -91, lon: 0 }})"), "dropoff.lat", "-90 to 90 degrees"),
        (quote("seats: -1"), "seats", BYTE),
        (quote("seats: 256"), "seats", BYTE),
        (quote(&format!("seats: {HUGE}")), "seats", WHOLE),
        (quote("class: -1"), "class", BYTE),
        (quote("class: 256"), "class", BYTE),
        ("drivers(filter: { seats: -1 })".to_owned(), "filter.seats", BYTE),
        ("drivers(filter: { class: 256 })".to_owned(), "filter.class", BYTE),
        (format!("drivers(filter: {{ class: {HUGE} }})"), "filter.class", WHOLE),
        (kpis("bucketS: 0"), "bucketS", CUT),
        (kpis("bucketS: -5"), "bucketS", CUT),
        (kpis("bucketS: 86"), "bucketS", CUT),
        (kpis(&format!("bucketS: {HUGE}")), "bucketS", WHOLE),
        ("kpis(from: \"today\", until: \"2026-03-06T00:00:00Z\")".to_owned(), "from", TIME),
        (kpis("minOffset: -1"), "minOffset", TURN),
        ("market(atOffset: -1)".to_owned(), "atOffset", TURN),
        ("market(atOffset: \"1e3\")".to_owned(), "atOffset", TURN),
        ("market(minOffset: 1.5)".to_owned(), "minOffset", TURN),
        (format!("market(minOffset: {HUGE})"), "minOffset", TURN),
        ("markets(minOffset: [{ market: \"town\", offset: -1 }])".to_owned(), "minOffset.0.offset", TURN),
        ("rides(minOffset: -1)".to_owned(), "minOffset", TURN),
        ("ride(id: -1)".to_owned(), "id", "the number of a ride"),
        (format!("whyMatched(ride: {HUGE})"), "ride", "expected type \"ID\": text, or a whole number"),
        ("rides(after: \"d1\")".to_owned(), "after", "a cursor of this list"),
        ("rides(before: \"7\")".to_owned(), "before", "a cursor of this list"),
    ];
    let single = single.map(|(field, name, takes)| (field, name.to_owned(), takes));
    for (field, argument, takes) in pages.chain(single) {
        refused(&town, &format!("{{ {field} {{ __typename }} }}"), &json!({}), (&field, &argument, takes));
    }
    // Of a market that had a turn.
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    for (field, name, value) in [("openRides", "first", -1), ("drivers", "last", -7)] {
        let query = format!(
            "{{ market(atOffset: 0) {{ ... on Market {{ {field}({name}: {value}) {{ nodes {{ id }} }} }} }} }}"
        );
        refused(&town, &query, &json!({}), (field, name, COUNT));
    }
    // The same by variables, which are looked at elsewhere.
    let by_variable = [
        ("query($n: Int) { rides(first: $n) { __typename } }", json!({ "n": -1 }), "first", COUNT),
        ("query($n: Int) { rides(first: $n) { __typename } }", json!({ "n": "ten" }), "first", WHOLE),
        ("query($n: Offset) { market(atOffset: $n) { __typename } }", json!({ "n": -1 }), "atOffset", TURN),
        (
            "query($n: DriversFilter) { drivers(filter: $n) { __typename } }",
            json!({ "n": { "seats": 300 } }),
            "filter.seats",
            BYTE,
        ),
    ];
    for (query, variables, argument, takes) in by_variable {
        refused(&town, query, &variables, (query, argument, takes));
    }
}

#[test]
fn a_listener_is_told_the_same() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut socket = town.socket();
    for (field, argument, takes) in [
        ("events(from: -1)", "\"from\"", TURN),
        ("ride(ride: 1, from: 1.5)", "\"from\"", TURN),
        ("offers(driver: \"ann\", from: \"x\")", "\"from\"", TURN),
        ("ride(ride: -1)", "`ride`", "the number of a ride"),
        ("events(after: \"1\")", "`after`", "the id of an event"),
    ] {
        socket.subscribe("s", &format!("subscription {{ {field} {{ __typename }} }}"), &json!({}));
        let said = socket.hear();
        let error = &said["payload"][0];
        assert_eq!(
            (&said["type"], &error["extensions"]["code"]),
            (&json!("error"), &json!("BAD_USER_INPUT")),
            "{said}"
        );
        let message = error["message"].as_str().expect("a sentence");
        assert!(message.contains(argument) && message.contains(takes), "{field}: {message}");
    }
}

/// What an order says is read by the decoder of `/v1/commands`, however large a number is.
#[test]
fn a_number_that_an_order_does_not_take_is_named_as_its_field() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let with = |mut input: Value, name: &str, value: i64| {
        input[name] = json!(value);
        input
    };
    let (start, request, accept, end) =
        (operation!("start-shift"), operation!("request-ride"), operation!("accept-offer"), operation!("end-shift"));
    let offer = |name, value| with(json!({ "driver": "ann", "ride": "1", "epoch": 1 }), name, value);
    let asked = |name, value| with(ride("rob", (3, 3), (9, 9)), name, value);
    let on_shift = |name, value| with(shift("ann", 3, 3), name, value);
    let cases = [
        (start, on_shift("seats", -1), "data.seats"),
        (start, on_shift("seats", 256), "data.seats"),
        (start, on_shift("seats", i64::MAX), "data.seats"),
        (start, on_shift("class", -1), "data.class"),
        (start, on_shift("rating", -1), "data.rating"),
        (start, on_shift("rating", 501), "data.rating"),
        (request, asked("seats", -1), "data.seats"),
        (request, asked("seats", 5_000_000_000), "data.seats"),
        (request, asked("class", 256), "data.class"),
        (request, asked("tier", -1), "data.tier"),
        (accept, offer("epoch", -1), "data.epoch"),
        (accept, offer("session", i64::MIN), "data.session"),
        (end, json!({ "driver": "ann", "session": -1 }), "data.session"),
    ];
    for (key, (query, input, field)) in (1..).zip(cases) {
        let answer = town.give(query, &uuid(key), &input);
        assert_eq!(kind(&answer), "InvalidInput", "{input}: {answer}");
        assert!(answer["reason"].as_str().is_some_and(|reason| reason.contains(field)), "{input}: {answer}");
    }
}

/// What is at the edge of what is taken is taken.
#[test]
fn zero_and_much_are_numbers_too() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let all = "9223372036854775807";
    for (field, kind) in [
        ("rides(first: 0)".to_owned(), "RideConnection"),
        (format!("rides(last: {all})"), "RideConnection"),
        (format!("driversNearby(place: {PLACE}, radiusM: 0, first: 0)"), "NearbyDrivers"),
        (format!("driversNearby(place: {PLACE}, radiusM: {all}, first: {all})"), "NearbyDrivers"),
        (format!("quote(pickup: {PLACE}, dropoff: {PLACE}, seats: 0, class: 255)"), "RideQuote"),
        (format!("kpis({DAY}, bucketS: 87)"), "WindowKpis"),
        (format!("kpis({DAY}, bucketS: {all})"), "WindowKpis"),
        ("drivers(filter: { seats: 0, class: 255 })".to_owned(), "DriverConnection"),
        ("market(minOffset: \"18446744073709551615\")".to_owned(), "Stale"),
    ] {
        let query = format!("{{ it: {field} {{ __typename }} }}");
        // The read models are being opened at first.
        let mut kinds = std::iter::repeat_with(|| town.ask(&query, &json!({}))["it"]["__typename"].clone());
        assert_eq!(kinds.find(|kind| kind != "NotReadable").expect("they go on for ever"), kind, "{field}");
    }
}

/// What reads a log counts for as much as it is.
#[test]
fn what_reads_the_log_cannot_be_asked_for_many_times_at_once() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let many = |count: u32, field: &str| -> String {
        let fields: Vec<String> = (0..count).map(|n| format!("a{n}: {field} {{ __typename }} ")).collect();
        format!("{{ {} }}", fields.concat())
    };
    let complex = |query: &str, variables: &Value| error(&town, query, variables)["message"] == "Query is too complex.";
    town.ask(&many(9, "market(atOffset: 0)"), &json!({}));
    assert!(complex(&many(10, "market(atOffset: 0)"), &json!({})));
    let by_variable = many(10, "market(atOffset: $at)").replacen('{', "query($at: Offset) {", 1);
    assert!(complex(&by_variable, &json!({ "at": 0 })));
    // Each as it is now is next to nothing.
    town.ask(&by_variable, &json!({}));
    town.ask(&many(100, "market(minOffset: 0)"), &json!({}));
    // A name is a market's work, whether there is one.
    let named =
        |count: u32| -> Value { (0..count).map(|n| json!({ "market": format!("m{n}"), "offset": 0 })).collect() };
    let query = "query($min: [MarketOffset!]) { markets(minOffset: $min) { __typename } }";
    assert!(complex(query, &json!({ "min": named(5_000) })));
    assert_eq!(town.ask(query, &json!({ "min": named(50) }))["markets"].as_array().map(Vec::len), Some(51));
}
