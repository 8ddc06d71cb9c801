//! Questions over GraphQL: each knows of the turn that it is asked for, or says that it does not.

use std::path::Path;

use hansom_engine::domain::{Settings, Term};
use serde_json::{Value, json};

use crate::served::{Served, corner, order, request_ride, spec, start_shift, uuid};

/// Asks; the answer's data.
fn ask(town: &Served, query: &str, variables: &Value) -> Value {
    let mut answer = answer(town, query, variables);
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"].take()
}

fn answer(town: &Served, query: &str, variables: &Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let (status, text) = town.graphql(&body);
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// A town with three drivers, a ride that is driven to its end by `ann`, and one that is offered; the last offset.
fn town(data: &Path) -> (Served, u64) {
    let town = Served::start(vec![spec("town", data, 1024)]);
    let events = town.events("?from=0", None);
    let shifts = [start_shift(1, "ann", 3, 3), start_shift(2, "bob", 9, 9), start_shift(3, "cid", 15, 15)];
    town.lines("/v1/commands", &shifts);
    town.lines("/v1/commands", &[request_ride(4, "rob", (3, 3), (3, 4))]);
    let offer = events.iter().map(|(_, event)| event).find(|event| event["type"] == "hansom.event.offer_made.v1");
    let epoch = offer.expect("it is offered")["data"]["epoch"].clone();
    let of_ride = json!({ "driver": "ann", "ride": 1 });
    let accept = order(5, "accept_offer", &json!({ "driver": "ann", "ride": 1, "epoch": epoch }));
    let end = order(8, "end_trip", &json!({ "driver": "ann", "ride": 1, "place": corner(3, 4) }));
    let lines = [accept, order(6, "arrive_at_pickup", &of_ride), order(7, "board_rider", &of_ride), end];
    for answer in town.lines("/v1/commands", &lines) {
        assert!(answer.get("error").is_none(), "{answer}");
    }
    let last = town.lines("/v1/commands", &[request_ride(9, "sue", (9, 9), (12, 12)), "no JSON".to_owned()]);
    let offset = last[0]["offset"].as_u64().expect("it is taken");
    (town, offset)
}

#[test]
fn a_ride_is_found_by_its_number_and_by_the_order_that_asked_for_it() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let query = "query($id: ID, $request: Key, $min: Offset) { ride(id: $id, request: $request, minOffset: $min) {
        __typename ... on Ride { id rider status driver offers request payment { fareMinor }
            story { what driver offset } } } }";
    let by_number = ask(&town, query, &json!({ "id": "1", "min": offset.to_string() }))["ride"].clone();
    assert_eq!((&by_number["status"], &by_number["driver"]), (&json!("COMPLETED"), &json!("ann")), "{by_number}");
    assert_eq!(by_number["request"], uuid(4));
    let told: Vec<&str> =
        by_number["story"].as_array().expect("a story").iter().filter_map(|step| step["what"].as_str()).collect();
    assert_eq!(told, ["REQUESTED", "OFFERED", "ACCEPTED", "ARRIVED", "BOARDED", "ENDED", "SETTLED"]);
    let by_request = ask(&town, query, &json!({ "request": uuid(4), "min": offset }))["ride"].clone();
    assert_eq!(by_request, by_number);
    assert_eq!(ask(&town, query, &json!({ "id": "77" }))["ride"], Value::Null);
}

#[test]
fn a_question_for_a_turn_to_come_is_stale_and_never_old() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let far = (offset + 1_000).to_string();
    let stale = "__typename ... on Stale { wanted next retryable retryAfterMs }";
    let window = "from: \"2000-01-01T00:00:00Z\", until: \"2100-01-01T00:00:00Z\"";
    let place = "{ lat: 48.22, lon: 16.37 }";
    for (field, arguments) in [
        ("ride", "id: 1, "),
        ("rides", ""),
        ("driver", "id: \"ann\", "),
        ("drivers", ""),
        ("driversNearby", &*format!("place: {place}, ")),
        ("quote", &*format!("pickup: {place}, dropoff: {place}, ")),
        ("kpis", &*format!("{window}, ")),
        ("whyMatched", "ride: 1, "),
        ("quarantine", ""),
        ("market", ""),
    ] {
        let query = format!("{{ it: {field}({arguments}minOffset: \"{far}\") {{ {stale} }} }}");
        let it = ask(&town, &query, &json!({}))["it"].clone();
        assert_eq!((&it["__typename"], &it["wanted"]), (&json!("Stale"), &json!(far)), "{field}: {it}");
        assert_eq!(it["retryable"], true);
        let known = format!("{{ it: {field}({arguments}minOffset: {offset}) {{ __typename }} }}");
        let it = ask(&town, &known, &json!({}))["it"].clone();
        assert!(it["__typename"].is_string() && it["__typename"] != "Stale", "{field}: {it}");
        let nowhere = format!("{{ it: {field}({arguments}market: \"nowhere\") {{ __typename }} }}");
        if field != "market" {
            assert_eq!(ask(&town, &nowhere, &json!({}))["it"]["__typename"], "UnknownMarket", "{field}");
        }
    }
}

#[test]
fn pages_of_drivers_go_on_by_name_while_others_come() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let query = "query($after: String, $min: Offset) { drivers(first: 2, after: $after, minOffset: $min) {
        ... on DriverConnection { nodes { id activity place { lat lon } rides { id } } pageInfo { hasNextPage endCursor } } } }";
    let first = ask(&town, query, &json!({ "min": offset }))["drivers"].clone();
    let names = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().expect("nodes").iter().map(|d| d["id"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&first), ["ann", "bob"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    // One comes before the cursor, one behind it.
    let came = town.lines("/v1/commands", &[start_shift(20, "abe", 1, 1), start_shift(21, "dan", 2, 2)]);
    let min = came[1]["offset"].clone();
    let after = first["pageInfo"]["endCursor"].clone();
    let second = ask(&town, query, &json!({ "after": after, "min": min }))["drivers"].clone();
    assert_eq!(names(&second), ["cid", "dan"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let foreign = answer(&town, query, &json!({ "after": "r1" }));
    assert!(foreign["errors"][0]["message"].as_str().expect("why").contains("cursor"), "{foreign}");
}

#[test]
fn rides_are_filtered_and_paged_from_both_ends() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, _) = town(data.path());
    let lines: Vec<String> = (0..7).map(|n| request_ride(30 + n, "tim", (1, n as u32), (8, 8))).collect();
    let min = town.lines("/v1/commands", &lines)[6]["offset"].clone();
    let ids = |arguments: &str| -> Vec<String> {
        let query = format!(
            "query($min: Offset) {{ rides({arguments}, minOffset: $min) {{ ... on RideConnection {{ edges {{ node {{ id }} }} }} }} }}"
        );
        let page = ask(&town, &query, &json!({ "min": min }));
        let edges = page["rides"]["edges"].as_array().expect("edges").clone();
        edges.iter().map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids("filter: { rider: \"tim\" }, first: 3"), ["3", "4", "5"]);
    assert_eq!(ids("filter: { rider: \"tim\" }, last: 2"), ["8", "9"]);
    assert_eq!(ids("filter: { rider: \"tim\" }, first: 3, after: \"r5\""), ["6", "7", "8"]);
    assert_eq!(ids("filter: { statuses: [COMPLETED] }, first: 9"), ["1"]);
    assert_eq!(ids("filter: { driver: \"ann\" }, first: 9"), ["1"]);
    assert_eq!(ids("filter: { open: true }, last: 1"), ["9"]);
}

#[test]
fn a_market_is_shown_as_it_is_and_as_it_was() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let query = "query($at: Offset, $min: Offset) { market(atOffset: $at, minOffset: $min) { __typename
        ... on Market { name serving next currency counts { onShift searching offered onBoard }
            openRides(first: 5) { nodes { id rider status } } drivers(first: 5) { nodes { id activity } } }
        ... on NoSuchTurn { next } } }";
    let now = ask(&town, query, &json!({ "min": offset }))["market"].clone();
    assert_eq!(
        (&now["name"], &now["serving"], &now["counts"]["onShift"]),
        (&json!("town"), &json!(true), &json!(3)),
        "{now}"
    );
    let past = ask(&town, query, &json!({ "at": 1 }))["market"].clone();
    assert_eq!((&past["counts"]["onShift"], &past["next"]), (&json!(2), &json!("2")), "{past}");
    assert_eq!(past["drivers"]["nodes"][1], json!({ "id": "bob", "activity": "AVAILABLE" }));
    let ahead = ask(&town, query, &json!({ "at": 100_000 }))["market"].clone();
    assert_eq!(ahead["__typename"], "NoSuchTurn", "{ahead}");
    let markets = ask(&town, "{ markets { ... on Market { name serving counts { onShift } } } }", &json!({}));
    assert_eq!(markets["markets"], json!([{ "name": "town", "serving": true, "counts": { "onShift": 3 } }]));
}

#[test]
fn who_is_near_what_it_costs_and_why_it_was_so() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let variables = json!({ "min": offset, "place": corner(15, 14), "to": corner(3, 3) });
    let near =
        "query($min: Offset, $place: PlaceInput!) { driversNearby(place: $place, radiusM: 500, minOffset: $min) {
        ... on NearbyDrivers { drivers { distanceM driver { id } } } } }";
    let near = ask(&town, near, &json!({ "min": offset, "place": corner(15, 14) }))["driversNearby"]["drivers"].clone();
    assert_eq!(near[0]["driver"]["id"], "cid", "{near}");
    assert_eq!(near.as_array().map(Vec::len), Some(1));
    let quote = "query($min: Offset, $place: PlaceInput!, $to: PlaceInput!) { quote(pickup: $place, dropoff: $to, minOffset: $min) {
        ... on RideQuote { fareMinor currency directMs firstEtaMs refusal } } }";
    let quote = ask(&town, quote, &variables)["quote"].clone();
    assert!(
        quote["fareMinor"].as_i64() > Some(0) && quote["firstEtaMs"].is_u64() && quote["refusal"].is_null(),
        "{quote}"
    );
    let why = "query($min: Offset) { whyMatched(ride: 1, minOffset: $min) { ... on WhyMatched { ride offers {
        driver cost offset candidates { driver etaMs cost ruledOut flipTerm flipLessBy } } } } }";
    let why = ask(&town, why, &json!({ "min": offset }))["whyMatched"].clone();
    let offer = &why["offers"][0];
    assert_eq!((&offer["driver"], &offer["candidates"][0]["driver"]), (&json!("ann"), &json!("ann")), "{why}");
    assert_eq!(offer["candidates"].as_array().map(Vec::len), Some(3));
    assert!(offer["candidates"][1]["flipLessBy"].as_i64() > Some(0), "{why}");
}

#[test]
fn kpis_and_quarantine_are_told() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, offset) = town(data.path());
    let kpis = "query($min: Offset, $from: Time!, $until: Time!) { kpis(from: $from, until: $until, bucketS: 31536000, minOffset: $min) {
        ... on WindowKpis { windows { requests serviceRate outcomes { completed open } wait { count p50S } } } } }";
    let window = json!({ "min": offset, "from": "2020-01-01T00:00:00Z", "until": "2060-01-01T00:00:00Z" });
    let windows = ask(&town, kpis, &window)["kpis"]["windows"].clone();
    let asked: Vec<&Value> = windows.as_array().expect("windows").iter().filter(|w| w["requests"] != 0).collect();
    assert_eq!(asked.len(), 1, "{windows}");
    assert_eq!(asked[0]["outcomes"], json!({ "completed": 1, "open": 1 }));
    assert_eq!((&asked[0]["serviceRate"], &asked[0]["wait"]["count"]), (&json!(0.5), &json!(1)));
    let kept = "{ quarantine(first: 5) { ... on QuarantinedConnection { nodes { id text source handedOverAt } } } }";
    let kept = ask(&town, kept, &json!({}))["quarantine"]["nodes"].clone();
    assert_eq!((&kept[0]["text"], &kept[0]["source"]), (&json!("no JSON"), &json!("/v1/commands")), "{kept}");
}

#[test]
fn a_page_of_drivers_with_their_rides_takes_one_look_into_the_database() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::start(vec![spec("town", data.path(), 1024)]);
    let shifts: Vec<String> = (0..30).map(|n| start_shift(n, &format!("d{n:02}"), n as u32 % 21, 0)).collect();
    town.lines("/v1/commands", &shifts);
    let rides: Vec<String> = (0..30).map(|n| request_ride(100 + n, "rob", (n as u32 % 21, 1), (9, 9))).collect();
    let min = town.lines("/v1/commands", &rides)[29]["offset"].clone();
    let query = "query($min: Offset) { drivers(first: 30, minOffset: $min) { ... on DriverConnection {
        nodes { id rides { id rider status } } } } }";
    ask(&town, query, &json!({ "min": min }));
    let before = town.looks("town");
    let page = ask(&town, query, &json!({ "min": min }));
    assert_eq!(town.looks("town") - before, 1, "one look for all");
    let nodes = page["drivers"]["nodes"].as_array().expect("nodes").clone();
    let held: usize = nodes.iter().map(|driver| driver["rides"].as_array().map_or(0, Vec::len)).sum();
    assert!(nodes.len() == 30 && held > 10, "{held} rides are offered: {page}");
}

#[test]
fn every_question_that_is_shipped_is_answered() {
    let data = tempfile::tempdir().expect("a folder");
    let (town, _) = town(data.path());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("operations");
    let mut asked = 0;
    for entry in std::fs::read_dir(&folder).expect("there are some") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        if path.extension().is_some_and(|is| is == "graphql") && text.contains("\nquery ") {
            let variables = std::fs::read_to_string(path.with_extension("json")).expect("variables beside it");
            let answered = answer(&town, &text, &serde_json::from_str(&variables).expect("JSON"));
            assert!(answered.get("errors").is_none(), "{}: {answered}", path.display());
            let kind =
                answered["data"].as_object().expect("data").values().next().expect("one field")["__typename"].clone();
            let failures = ["Stale", "NotReadable", "NoSuchTurn", "TooFar", "PositionsGone", "UnknownMarket"];
            assert!(!failures.iter().any(|failure| kind == *failure), "{}: {answered}", path.display());
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked}");
}

/// A market is asked about beside others: it is known or not known for each, and none waits for another's turn.
#[test]
fn of_several_markets_each_knows_its_turn_or_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let served = Served::start(vec![spec("east", data.path(), 64), spec("west", data.path(), 64)]);
    let shifts = [start_shift(1, "ann", 3, 3), start_shift(2, "bob", 9, 9)];
    let taken = served.lines("/v1/commands?market=east", &shifts);
    let last = taken[1]["offset"].as_u64().expect("it is taken");
    let query = "query($min: [MarketOffset!]) { markets(minOffset: $min) { __typename
        ... on Market { name next counts { onShift } } ... on Stale { market wanted next retryable retryAfterMs }
        ... on UnknownMarket { market open retryable } } }";
    let min = |turns: &[(&str, u64)]| -> Value {
        turns.iter().map(|(market, offset)| json!({ "market": market, "offset": offset.to_string() })).collect()
    };
    // Of two turns of one market the later counts.
    let turns = min(&[("east", last), ("west", 1_000), ("nowhere", 1), ("east", 0)]);
    let shown = ask(&served, query, &json!({ "min": turns }))["markets"].clone();
    let east = &shown[0];
    assert_eq!((&east["name"], &east["counts"]["onShift"]), (&json!("east"), &json!(2)), "{shown}");
    let next: u64 = east["next"].as_str().and_then(|next| next.parse().ok()).expect("an offset");
    assert!(next > last, "{shown}");
    let open = ["east", "west"];
    assert_eq!(
        shown[1],
        json!({ "__typename": "UnknownMarket", "market": "nowhere", "open": open, "retryable": false })
    );
    let stale = &shown[2];
    assert_eq!((&stale["__typename"], &stale["market"]), (&json!("Stale"), &json!("west")), "{shown}");
    assert_eq!((&stale["wanted"], &stale["retryable"]), (&json!("1000"), &json!(true)));
    assert_eq!(shown.as_array().map(Vec::len), Some(3));
    // The same as the market says of itself.
    let alone = "{ market(name: \"west\", minOffset: 1000) { __typename
        ... on Stale { market wanted next retryable retryAfterMs } } }";
    assert_eq!(ask(&served, alone, &json!({}))["market"], *stale);
    let turns = min(&[("west", 1_000), ("east", 0)]);
    assert_eq!(ask(&served, query, &json!({ "min": turns }))["markets"][0]["__typename"], "Market");
    let turns = min(&[("east", last + 1_000)]);
    let shown = ask(&served, query, &json!({ "min": turns }))["markets"].clone();
    assert_eq!((&shown[0]["__typename"], &shown[1]["name"]), (&json!("Stale"), &json!("west")), "{shown}");
    let shown = ask(&served, query, &json!({}))["markets"].clone();
    assert_eq!((&shown[0]["name"], &shown[1]["name"]), (&json!("east"), &json!("west")), "{shown}");
}

/// 2^31 ms of cost are 25 days: a weight of its own makes more of a minute.
#[test]
fn what_an_assignment_costs_may_be_more_than_an_int() {
    let data = tempfile::tempdir().expect("a folder");
    let mut spec = spec("town", data.path(), 64);
    let mut policy = spec.header.settings.policy.clone();
    policy.weights.0[Term::Eta as usize] = 100_000_000;
    spec.header.settings = Settings { policy, ..spec.header.settings };
    let town = Served::start(vec![spec]);
    let lines = [start_shift(1, "ann", 3, 3), start_shift(2, "bob", 20, 20), request_ride(3, "rob", (3, 9), (3, 4))];
    let min = town.lines("/v1/commands", &lines)[2]["offset"].clone();
    let why = "query($min: Offset) { whyMatched(ride: 1, minOffset: $min) { ... on WhyMatched { offers {
        cost terms { cost } candidates { cost flipLessBy } } } } }";
    let offer = ask(&town, why, &json!({ "min": min }))["whyMatched"]["offers"][0].clone();
    // A minute, at 100,000 a ms.
    let costs = [&offer["cost"], &offer["terms"][0]["cost"], &offer["candidates"][0]["cost"]].map(Value::as_i64);
    assert!(costs[0] > Some(5_900_000_000) && costs == [costs[0]; 3], "{offer}");
    // Clients that know `Int` as GraphQL has it would take none of these for one.
    let types = "{ __schema { types { name fields { name type { name ofType { name } } } } } }";
    let types = ask(&town, types, &json!({}))["__schema"]["types"].clone();
    let costs = types.as_array().expect("types").iter().flat_map(|of| of["fields"].as_array().into_iter().flatten());
    let costs = costs.filter(|field| {
        ["cost", "reducedCost", "forcedTotal", "unserved", "total"].contains(&field["name"].as_str().expect("a name"))
    });
    let kinds: Vec<&Value> = costs.map(|field| &field["type"]["ofType"]["name"]).collect();
    assert_eq!(kinds, vec!["Cost"; 8], "{kinds:?}");
}
