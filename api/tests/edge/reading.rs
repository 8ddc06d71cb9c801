//! Who may ask what: each question as each role and as a stranger, held against the second table in `docs/access.md`.

use std::path::Path;

use hansom_api::auth::Role;
use hansom_engine::domain::Settings;
use hansom_geo_index::Millis;
use serde_json::{Value, json};

use crate::access::{Act, Operation, PAGE, Town, table};
use crate::graphql::client::operation;
use crate::served::{Reply, Served, corner, edge, order, request_ride, spec, start_shift, uuid};
use crate::tokens::{bearer, gate};

/// The markets, with what is for operators and services only.
const MARKETS: &str = "{ markets { ... on Market { name counts { onShift } } } }";
/// The markets, of which one knows a turn.
const MARKETS_MIN: &str = "query($minOffset: [MarketOffset!]) { markets(minOffset: $minOffset) { __typename
    ... on Market { name } } }";
/// The market as it is, with the same.
const MARKET: &str = "query($minOffset: Offset) { market(minOffset: $minOffset) { __typename
    ... on Market { name counts { onShift } } } }";

/// A town behind a gate, in which whoever is asked for a ride has as long to answer as a test takes.
pub fn patient(data: &Path) -> Served {
    let mut spec = spec("town", data, 1024);
    spec.header.settings = Settings { offer_life: Millis(600_000), ..spec.header.settings };
    Served::at(edge(gate()), vec![spec])
}

/// Gives orders as a service, all of which are taken; the offset of the last.
pub fn given(served: &Served, lines: &[String]) -> u64 {
    let service = bearer("gateway", &[Role::Service], &[]);
    let reply = served.request("POST", "/v1/commands", &[("authorization", &service)], &lines.join("\n"));
    let answers = reply.json();
    assert!(reply.status == 200 && answers.len() == lines.len(), "{reply:?}");
    assert!(answers.iter().all(|answer| answer.get("error").is_none()), "{reply:?}");
    answers.last().and_then(|answer| answer["offset"].as_u64()).expect("there was one")
}

/// What a driver says of a ride from the pickup to its end at this crossing; three keys from `key` on.
pub fn trip(key: u64, driver: &str, ride: u32, to: (u32, u32)) -> Vec<String> {
    let of_ride = json!({ "driver": driver, "ride": ride });
    let end = json!({ "driver": driver, "ride": ride, "place": corner(to.0, to.1) });
    vec![
        order(key, "arrive_at_pickup", &of_ride),
        order(key + 1, "board_rider", &of_ride),
        order(key + 2, "end_trip", &end),
    ]
}

/// A town in which bob drove rob and then rex, and ann drove rex; the last offset.
fn town(data: &Path) -> (Town, u64) {
    let served = patient(data);
    let mut lines = vec![start_shift(1, "ann", 3, 3), start_shift(2, "bob", 15, 15)];
    for (ride, rider, driver, from, to) in [
        (1, "rob", "bob", (15, 15), (15, 16)),
        (2, "rex", "ann", (3, 3), (3, 4)),
        (3, "rex", "bob", (15, 16), (15, 17)),
    ] {
        let key = u64::from(ride) * 10;
        lines.push(request_ride(key, rider, from, to));
        lines.push(order(key + 1, "accept_offer", &json!({ "driver": driver, "ride": ride, "epoch": 1 })));
        lines.extend(trip(key + 2, driver, ride, to));
    }
    let offset = given(&served, &lines);
    (Town::of(served), offset)
}

/// What a question came to: `told` says it of an answer of this type.
fn verdict(reply: &Reply, kind: &str, told: &dyn Fn(&Value) -> &'static str) -> &'static str {
    if reply.status == 401 {
        return "401";
    }
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = &reply.json()[0];
    let shown = answer["data"].as_object().and_then(|data| data.values().next()).unwrap_or(&Value::Null);
    let shown = shown.get(0).unwrap_or(shown);
    match (answer["errors"][0]["extensions"]["code"].as_str(), shown) {
        (Some("NOT_ALLOWED"), Value::Null) => "no",
        (None, Value::Null) => "none",
        (None, shown) if shown["__typename"] == kind => told(shown),
        _ => panic!("{answer}"),
    }
}

/// A question, and what is said of an answer of this type.
fn question(
    query: &'static str,
    variables: Value,
    kind: &'static str,
    told: impl Fn(&Value) -> &'static str + 'static,
) -> Act {
    Box::new(move |town, who| {
        // The read models are on their way to that turn at first.
        let mut replies = std::iter::repeat_with(|| town.graphql(who, query, &variables));
        let reply = replies.find(|reply| !reply.text.contains("\"Stale\"")).expect("they go on for ever");
        verdict(&reply, kind, &told)
    })
}

/// It is told, and is what was asked for.
fn yes(is: bool, it: &Value) -> &'static str {
    assert!(is, "{it}");
    "yes"
}

/// Which of the three rides are shown.
fn shown(rides: &Value) -> Vec<&str> {
    let nodes = rides["nodes"].as_array().expect("a page");
    nodes.iter().map(|ride| ride["id"].as_str().expect("a number")).collect()
}

fn of_rides(add: &mut dyn FnMut(&str, Act), offset: u64) {
    for (ride, key, whose) in [("1", 10, "own as its rider"), ("2", 20, "own as its driver"), ("3", 30, "of others")] {
        let by_number = json!({ "id": ride, "minOffset": offset });
        let by_request = json!({ "request": uuid(key), "minOffset": offset });
        for (variables, how) in [(by_number, "by its number"), (by_request, "by its request")] {
            let told = move |it: &Value| yes(it["id"] == ride, it);
            add(&format!("query `ride`, {whose}, {how}"), question(operation!("ride"), variables, "Ride", told));
        }
    }
    let all = |it: &Value| match shown(it)[..] {
        ["1", "2", "3"] => "yes",
        ["1"] if it["nodes"][0]["rider"] == "rob" => "own rides",
        ["2"] if it["nodes"][0]["driver"] == "ann" => "own trips",
        _ => panic!("{it}"),
    };
    let query = operation!("rides");
    add(
        "query `rides`, of nobody in particular",
        question(query, json!({ "minOffset": offset }), "RideConnection", all),
    );
    let filters: [(&str, Value, &'static [&'static str]); 7] = [
        ("of a rider, own name", json!({ "rider": "rob" }), &["1"]),
        ("of a rider, another name", json!({ "rider": "rex" }), &["2", "3"]),
        ("of a driver, own name", json!({ "driver": "ann" }), &["2"]),
        ("of a driver, another name", json!({ "driver": "bob" }), &["1", "3"]),
        ("of a rider, own name, by another driver", json!({ "rider": "rob", "driver": "bob" }), &["1"]),
        ("of another rider, by a driver, own name", json!({ "rider": "rex", "driver": "ann" }), &["2"]),
        ("of another rider, by another driver", json!({ "rider": "rex", "driver": "bob" }), &["3"]),
    ];
    for (whose, filter, wanted) in filters {
        let variables = json!({ "filter": filter, "minOffset": offset });
        let told = move |it: &Value| yes(shown(it) == wanted, it);
        add(&format!("query `rides`, {whose}"), question(query, variables, "RideConnection", told));
    }
}

fn questions(offset: u64) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    let mut add = |what: &str, act: Act| all.push((what.to_owned(), act));
    let counted = |of: &Value| match &of["counts"] {
        Value::Null => "no",
        counts => yes(counts["onShift"].is_u64(), of),
    };
    let markets = |told: fn(&Value) -> &'static str| -> Act {
        Box::new(move |town, who| {
            let reply = town.graphql(who, MARKETS, &json!({}));
            match (reply.status, &reply.json()[0]["data"]["markets"]) {
                (401, _) => "401",
                (200, Value::Array(of)) => of.first().map_or("no", told),
                _ => panic!("{reply:?}"),
            }
        })
    };
    add("query `markets`, this one", markets(|it| yes(it["name"] == "town", it)));
    add("… with its counts", markets(counted));
    let min = json!({ "minOffset": [{ "market": "town", "offset": offset }] });
    add("query `markets(minOffset:)`", question(MARKETS_MIN, min, "Market", |it| yes(it["name"] == "town", it)));
    let min = json!({ "minOffset": offset });
    add("query `market`", question(MARKET, min.clone(), "Market", |it| yes(it["name"] == "town", it)));
    add("… with its counts", question(MARKET, min, "Market", counted));
    add("query `market(atOffset:)`", question(operation!("market-at"), json!({ "offset": "1" }), "Market", counted));
    of_rides(&mut add, offset);
    for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
        let variables = json!({ "driver": driver, "minOffset": offset });
        let told = move |it: &Value| yes(it["id"] == driver, it);
        add(&format!("query `driver`, {whose}"), question(operation!("driver"), variables, "Driver", told));
    }
    let window = json!({ "from": "2020-01-01T00:00:00Z", "until": "2060-01-01T00:00:00Z", "minOffset": offset });
    let way = json!({ "pickup": corner(3, 3), "dropoff": corner(9, 9), "minOffset": offset });
    let near = json!({ "place": corner(3, 3), "radiusM": 5_000, "minOffset": offset });
    let others = [
        ("drivers", operation!("drivers"), json!({ "minOffset": offset }), "DriverConnection"),
        ("driversNearby", operation!("drivers-nearby"), near, "NearbyDrivers"),
        ("quote", operation!("quote"), way, "RideQuote"),
        ("whyMatched", operation!("why-matched"), json!({ "ride": "1", "minOffset": offset }), "WhyMatched"),
        ("kpis", operation!("kpis"), window, "WindowKpis"),
        ("quarantine", operation!("quarantine"), json!({}), "QuarantinedConnection"),
    ];
    for (name, query, variables, kind) in others {
        add(&format!("query `{name}`"), question(query, variables, kind, |_| "yes"));
    }
    all
}

#[test]
fn each_question_is_answered_to_those_to_whom_the_page_says_it_is() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let table = table(&town, questions(offset));
    assert!(PAGE.contains(&table), "docs/access.md has another table than this:\n{table}");
}

/// What is new in the schema is tried, too.
#[test]
fn nothing_can_be_asked_ordered_or_listened_to_of_which_the_page_says_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let roots = "{ __schema { queryType { fields { name } } mutationType { fields { name } }
        subscriptionType { fields { name } } } }";
    let schema = town.ask(roots, &json!({}))["__schema"].clone();
    for (root, kind) in [("queryType", "query "), ("mutationType", ""), ("subscriptionType", "subscription ")] {
        let fields = schema[root]["fields"].as_array().filter(|fields| !fields.is_empty()).expect("there are some");
        for name in fields.iter().map(|field| field["name"].as_str().expect("a name")) {
            assert!(PAGE.contains(&format!("\n| {kind}`{name}`")), "{kind}{name}");
        }
    }
}
