//! Orders: each is taken as on `/v1/commands`, and what goes wrong is a type.

use serde_json::{Value, json};

use super::client::operation;
use super::{kind, ride, shift};
use crate::served::{Served, corner, order, request_ride, spec, start_shift, uuid};

#[test]
fn a_ride_is_ordered_followed_and_driven_to_its_end() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut driver = town.socket();
    driver.subscribe("o", operation!("offers"), &json!({ "driver": "ann", "from": "0" }));
    let opened = town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    assert_eq!((kind(&opened), &opened["session"]), ("SessionTaken", &json!(1)));
    let asked = town.give(operation!("request-ride"), &uuid(2), &ride("rob", (3, 3), (3, 4)));
    assert_eq!(kind(&asked), "RideTaken", "{asked}");
    assert!(asked["fareMinor"].as_i64() > Some(0) && asked["firstEtaMs"].is_u64(), "{asked}");
    let number = &asked["ride"];
    let mut rider = town.socket();
    rider.subscribe("r", operation!("follow-ride"), &json!({ "ride": number, "from": asked["offset"] }));

    let offer = driver.until("o", "OfferMade").pop().expect("an offer");
    assert_eq!(&offer["ride"], number);
    let accept = json!({ "driver": "ann", "ride": number, "epoch": offer["epoch"] });
    let accepted = town.give(operation!("accept-offer"), &uuid(3), &accept);
    assert_eq!((kind(&accepted), kind(&accepted["events"][0])), ("Taken", "OfferAccepted"), "{accepted}");
    // By the key of the order that asked for it, too.
    let by_key = json!({ "driver": "ann", "ride": uuid(2) });
    let trip = json!({ "driver": "ann", "ride": number });
    let end = json!({ "driver": "ann", "ride": number, "place": corner(3, 4) });
    for (key, query, input) in [
        (4, operation!("arrive-at-pickup"), &by_key),
        (5, operation!("board-rider"), &trip),
        (6, operation!("end-trip"), &end),
    ] {
        assert_eq!(kind(&town.give(query, &uuid(key), input)), "Taken");
    }
    let story = rider.until("r", "RideEnded");
    let told: Vec<&str> = story.iter().map(kind).collect();
    assert_eq!(told, ["RideRequested", "OfferMade", "OfferAccepted", "DriverArrived", "RiderBoarded", "RideEnded"]);
    assert_eq!(story.last().expect("an end")["outcome"], "COMPLETED");
    let settled = rider.event("r");
    let sum: i64 =
        settled["entries"].as_array().expect("entries").iter().filter_map(|it| it["amountMinor"].as_i64()).sum();
    assert_eq!((kind(&settled), sum), ("Settled", 0));
    assert_eq!(rider.hear(), json!({ "id": "r", "type": "complete" }), "the ride is over");
}

#[test]
fn what_goes_wrong_is_a_type() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let request = operation!("request-ride");
    let first = town.give(request, &uuid(1), &ride("rob", (3, 3), (9, 9)));
    assert_eq!(town.give(request, &uuid(1), &ride("rob", (3, 3), (9, 9))), first, "a repeat gets the first answer");
    let failure = |query: &str, key: &str, input: Value| {
        let failure = town.give(query, key, &input);
        let code = failure.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(failure["reason"].is_string() && failure["retryable"] == false, "{failure}");
        (kind(&failure).to_owned(), code)
    };
    let refused = |code: &str| ("RefusedByRule".to_owned(), code.to_owned());
    assert_eq!(failure(request, &uuid(1), ride("rob", (3, 3), (9, 8))), refused("KEY_CONFLICT"));
    assert_eq!(failure(operation!("cancel-ride"), &uuid(2), json!({ "ride": "77" })), refused("UNKNOWN_RIDE"));
    assert_eq!(failure(operation!("end-shift"), &uuid(3), json!({ "driver": "ann" })), refused("UNKNOWN_DRIVER"));
    let off = json!({ "rider": "rob", "pickup": { "lat": 0.0, "lon": 90.0 }, "dropoff": corner(1, 1) });
    assert_eq!(failure(request, &uuid(4), off), refused("PICKUP_OFF_STREET"));

    let invalid = |key: &str, input: Value| {
        let query = "mutation($key: Key!, $input: RequestRideInput!) { requestRide(key: $key, input: $input) {
            __typename ... on InvalidInput { code field reason retryable } } }";
        let failure = town.give(query, key, &input);
        assert_eq!((kind(&failure), &failure["retryable"]), ("InvalidInput", &json!(false)), "{failure}");
        (failure["code"].as_str().expect("a code").to_owned(), failure["field"].as_str().expect("a field").to_owned())
    };
    let wrong = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    let mut far = ride("rob", (3, 3), (9, 9));
    far["pickup"]["lat"] = json!(91.0);
    assert_eq!(invalid(&uuid(5), far), wrong("E0906", "data.pickup.lat"));
    assert_eq!(invalid(&uuid(5), ride("", (3, 3), (9, 9))), wrong("E0906", "data.rider"));
    assert_eq!(invalid("12345678-1234-4234-8234-123456789012", ride("rob", (3, 3), (9, 9))), wrong("E0906", "id"));
    assert_eq!(invalid("x", ride("rob", (3, 3), (9, 9))), wrong("E0906", "id"));
    let mut seats = ride("rob", (3, 3), (9, 9));
    seats["seats"] = json!(300);
    assert_eq!(invalid(&uuid(5), seats), wrong("E0906", "data.seats"));
    let kept = hansom_market::quarantine::list(&data.path().join("town/quarantine")).expect("a quarantine");
    assert_eq!(kept.entries.len(), 5, "lines that cannot be read are kept, whichever way they came");

    let elsewhere = town.ask(
        "mutation($key: Key!) { cancelRide(market: \"north\", key: $key, input: { ride: 1 }) {
            ... on NoSuchMarket { open reason } } }",
        &json!({ "key": uuid(6) }),
    );
    assert_eq!(elsewhere["cancelRide"]["open"], json!(["town"]));
}

#[test]
fn a_full_market_says_when_to_come_again() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::start(vec![spec("town", data.path(), 0)]);
    let answer = town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    assert_eq!((kind(&answer), &answer["retryable"]), ("Overloaded", &json!(true)));
    assert!(answer["retryAfterMs"].as_u64() >= Some(20), "{answer}");
}

#[test]
fn an_order_is_the_same_whichever_way_it_comes() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let line = town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3)]).remove(0);
    let again = town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    assert_eq!(again["offset"], line["offset"].to_string(), "{again}");
    let asked = town.give(operation!("request-ride"), &uuid(2), &ride("rob", (4, 4), (9, 9)));
    let (pickup, dropoff) = (corner(4, 4), corner(9, 9));
    let line = order(2, "request_ride", &json!({ "rider": "rob", "pickup": pickup, "dropoff": dropoff }));
    let line = town.lines("/v1/commands", &[line]).remove(0);
    assert_eq!(asked["offset"], line["offset"].to_string(), "{line}");
}

#[test]
fn answers_to_old_orders_are_read_from_the_log() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    let mut asked = town.give(operation!("request-ride"), &uuid(2), &ride("rob", (4, 4), (9, 9)));
    town.stop();
    let town = Served::town(data.path());
    assert_eq!(town.give(operation!("request-ride"), &uuid(2), &ride("rob", (4, 4), (9, 9))), asked);
    asked = town.give(operation!("start-shift"), &uuid(1), &shift("ann", 3, 3));
    assert_eq!((kind(&asked), &asked["session"]), ("SessionTaken", &json!(1)));
}

/// A request that nobody can serve has a turn of its own, and its key is remembered.
#[test]
fn a_request_that_was_refused_is_refused_again_as_the_first_time() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut nobody = ride("rob", (4, 4), (9, 9));
    nobody["seats"] = json!(0);
    let first = town.give(operation!("request-ride"), &uuid(1), &nobody);
    assert_eq!((kind(&first), &first["code"]), ("RefusedByRule", &json!("NO_SEATS")), "{first}");
    assert_eq!(town.give(operation!("request-ride"), &uuid(1), &nobody), first);
    let mut line: Value = serde_json::from_str(&request_ride(1, "rob", (4, 4), (9, 9))).expect("JSON");
    line["data"]["seats"] = json!(0);
    let answer = &town.lines("/v1/commands", &[line.to_string()])[0]["error"];
    assert_eq!((&answer["code"], &answer["offset"]), (&json!("no_seats"), &json!(0)), "the first turn of all");
    // Another request under its key is no repeat.
    let other = town.give(operation!("request-ride"), &uuid(1), &ride("rob", (4, 4), (9, 9)));
    assert_eq!(other["code"], "KEY_CONFLICT");
}
